"""Confinement of a sandbox process: limits on files, sockets, processes and memory that it cannot raise (WEBMAIL-109a).

The system enforces the limits (setrlimit(2)), also for native code of libraries.
"""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["FILES", "MEMORY", "NotConfined", "confine", "watched"]

MEMORY: Final = 400 << 20
"""Octets of address space: 45 MB are in use before the first job; a newsletter of 1 MB takes 60 more (measured)."""

FILES: Final = 3
"""Descriptors: the socket to the server, /proc/self/statm, and /dev/null."""

INHERITED: Final = 4096
"""Descriptor number up to which all but the first three are closed; the server passes no others."""


class NotConfined(Exception):
    """The limits have no effect on this system."""


def confine() -> None:
    """Set the limits of this process, which keeps the descriptors below `FILES`. All modules must be loaded.

    Raises NotConfined: a file can still be opened.
    """
    with suppress(OSError):  # not Linux, or the file is read-only
        Path("/proc/self/oom_score_adj").write_text("1000")  # the OOM killer ends this process before the server
    os.closerange(FILES, INHERITED)
    for name, limit in (
        ("RLIMIT_CORE", 0),
        ("RLIMIT_FSIZE", 0),
        ("RLIMIT_NPROC", 0),
        ("RLIMIT_NOFILE", FILES),
        ("RLIMIT_AS", MEMORY),
    ):
        resource.setrlimit(getattr(resource, name), (limit, limit))
    _check()


def _check() -> None:
    attempts: tuple[Callable[[], int], ...] = (
        lambda: os.open("/dev/null", os.O_RDONLY),
        lambda: socket.socket().detach(),
    )
    for attempt in attempts:
        with suppress(OSError):
            os.close(attempt())
            raise NotConfined


class watched:  # noqa: N801  a context manager, used like a function
    """Context manager that kills the process when the server is gone, or after `seconds`, whatever it is doing.

    The server sends nothing during a job, so the only event on the socket is its end. The system then sends SIGIO,
    which ends a process that does not handle it, also within native code. (PR_SET_PDEATHSIG would end the process with
    the *thread* that started it.)
    """

    def __init__(self, descriptor: int, seconds: float) -> None:
        self._descriptor = descriptor
        self._seconds = seconds

    def __enter__(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, self._seconds)
        flags = fcntl.fcntl(self._descriptor, fcntl.F_GETFL)
        fcntl.fcntl(self._descriptor, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(self._descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)

    def __exit__(self, *_: object) -> None:
        flags = fcntl.fcntl(self._descriptor, fcntl.F_GETFL)
        fcntl.fcntl(self._descriptor, fcntl.F_SETFL, flags & ~os.O_ASYNC)
        signal.setitimer(signal.ITIMER_REAL, 0)
