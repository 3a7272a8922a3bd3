"""Confinement of a sandbox process, which it cannot undo (WEBMAIL-109a): limits on files, sockets, processes and memory
(setrlimit(2)) bound what it costs; a filter of system calls (`seccomp`) and `landlock`, where the kernel has them,
bound what it can do.

The system enforces all of it, also for native code of libraries.
"""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from moxlite.prctl import hide_memory
from moxlite.sandbox import landlock, seccomp

MEMORY: Final = 400 << 20
"""Octets of address space: 45 MB are in use before the first job; a newsletter of 1 MB takes 60 more (measured)."""

FILES: Final = 4
"""Descriptors: the socket to the server, the pipe that ends with it, /dev/null, and /proc/self/statm."""

INHERITED: Final = 4096
"""Descriptor number up to which all but the first four are closed; the server passes no others."""


class NotConfined(Exception):
    """The limits have no effect on this system."""


def confine(denied: Callable[[str], None], memory: int = MEMORY) -> bool:
    """Confine this process, which keeps the descriptors below `FILES`. All modules must be loaded: no other is found
    later.

    Args:
      denied: called with the name of a system call that the filter refused, before the process ends.
      memory: octets of address space.

    Returns:
      Whether the kernel filters system calls.

    Raises NotConfined: a file can still be opened.
    """
    with suppress(OSError):  # not Linux, or the file is read-only
        Path("/proc/self/oom_score_adj").write_text("1000")  # the OOM killer ends this process before the server
    hide_memory()
    os.closerange(FILES, INHERITED)
    sys.meta_path.clear()  # a module that is missing is an ImportError with its name, not a refused system call
    landlock.restrict()
    for name, limit in (
        ("RLIMIT_CORE", 0),
        ("RLIMIT_FSIZE", 0),
        ("RLIMIT_NPROC", 0),
        ("RLIMIT_NOFILE", FILES),
        ("RLIMIT_AS", memory),
    ):
        resource.setrlimit(getattr(resource, name), (limit, limit))
    _check()
    return seccomp.install_filter(denied)


def _check() -> None:
    attempts: tuple[Callable[[], int], ...] = (
        lambda: os.open("/dev/null", os.O_RDONLY),
        lambda: socket.socket().detach(),
    )
    for attempt in attempts:
        with suppress(OSError):
            os.close(attempt())
            raise NotConfined


def watch(descriptor: int) -> None:
    """Have the system send SIGIO to this process when the writing end of a pipe is closed; held back but in a job.

    Nothing is ever written there. A socket would not do: the signal for octets that came may be sent after they were
    read (Linux wakes the reader first), in the middle of the job that they ask for.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_ASYNC)


class watched:  # noqa: N801  a context manager, used like a function
    """Context manager that kills the process when the server is gone (`watch`), or after `seconds`.

    A process that does not handle SIGIO or SIGALRM is ended by it, also within native code. (PR_SET_PDEATHSIG would end
    the process with the *thread* that started it.)
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, self._seconds)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGIO})

    def __exit__(self, *_: object) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
        signal.setitimer(signal.ITIMER_REAL, 0)
