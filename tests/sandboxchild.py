"""A process of the sandbox with two more jobs: one makes a system call by its name, one tells what the process has:
``python -m tests.sandboxchild``.

With the argument ``unfiltered`` it has no filter of system calls, as on a kernel without seccomp.
"""

import ctypes
import mmap
import os
import platform
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, cast

import msgspec

from moxlite.encoding import msgpack_decoder
from moxlite.prctl import call_prctl
from moxlite.sandbox import child, confine, work
from moxlite.sandbox.jobs import AnyJob
from moxlite.sandbox.messages import Job

__all__ = ["CALLS", "Own", "TellOwn", "Tried", "TryCall"]


class Own(msgspec.Struct, frozen=True):
    """What a process has: where its descriptors lead, by number, and the names of its variables."""

    links: dict[int, str]
    variables: list[str]


class TellOwn(Job[Own], frozen=True, tag="tell-own"):
    """Tell what this process has. Nobody else but root may look: it is not dumpable."""

    ANSWER = Own


class Tried(msgspec.Struct, frozen=True):
    """What came of the call: the number of its error, 0 for none."""

    number: int


class TryCall(Job[Tried], frozen=True, tag="try-call"):
    """Make a call of `CALLS`.

    Attributes:
      path: a file.
      pid: another process.
    """

    ANSWER = Tried

    call: str
    path: str = ""
    pid: int = 0


def _checked(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")


_libc: Final = ctypes.CDLL(None, use_errno=True)


class _Vector(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


def _read_other(job: TryCall) -> None:
    buffer = ctypes.create_string_buffer(8)
    here, there = _Vector(ctypes.addressof(buffer), 8), _Vector(id(None), 8)
    _checked(_libc.process_vm_readv(job.pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))


PR_GET_DUMPABLE: Final = 3
PTRACE_SEIZE: Final = 0x4206
RUN: Final = mmap.PROT_READ | mmap.PROT_EXEC

CALLS: Final[dict[str, Callable[[TryCall], Any]]] = {
    "open": lambda job: os.open(job.path, os.O_RDONLY),
    "stat": lambda job: os.stat(job.path),
    "truncate": lambda job: os.truncate(job.path, 0),
    "rename": lambda job: os.rename(job.path, job.path + "2"),
    "unlink": lambda job: os.unlink(job.path),
    "chmod": lambda job: os.chmod(job.path, 0o777),
    "symlink": lambda job: os.symlink("a", job.path + "2"),
    "mkdir": lambda job: os.mkdir(job.path + "2"),
    "utime": lambda job: os.utime(job.path),
    "setxattr": lambda job: os.setxattr(job.path, "user.a", b"a"),
    "socket": lambda job: socket.socket(),
    "socketpair": lambda job: socket.socketpair(),
    "fork": lambda job: os.fork(),
    "thread": lambda job: threading.Thread(target=print).start(),
    "execve": lambda job: os.execv(sys.executable, [sys.executable, "-c", ""]),
    "kill": lambda job: os.kill(job.pid, signal.SIGCONT),
    "tgkill of another": lambda job: _checked(
        _libc.syscall(confine._SIGNALS["tgkill"][platform.machine() == "aarch64"], job.pid, job.pid, signal.SIGCONT)
    ),
    "ptrace": lambda job: _checked(_libc.ptrace(PTRACE_SEIZE, job.pid, None, None)),
    "process_vm_readv": _read_other,
    "prctl": lambda job: _checked(-call_prctl(PR_GET_DUMPABLE)),
    "sigaction": lambda job: signal.signal(signal.SIGUSR1, signal.SIG_IGN),
    "setrlimit": lambda job: _checked(_libc.setrlimit(7, ctypes.create_string_buffer(16))),
    "mmap of code": lambda job: mmap.mmap(-1, 4096, prot=RUN),
    "mprotect of code": lambda job: _checked(
        _libc.mprotect(ctypes.c_void_p(id(job) & -4096), ctypes.c_size_t(4096), RUN | mmap.PROT_WRITE)
    ),
}
"""Calls by name, each made as a program would make it."""
if platform.machine() == "x86_64":
    CALLS["getpid of x32"] = lambda job: _checked(_libc.syscall(ctypes.c_long(0x40000000 | 39)))


def try_call(job: TryCall) -> Tried:
    """Make the call."""
    try:
        CALLS[job.call](job)
    except OSError as error:
        return Tried(error.errno or -1)
    return Tried(0)


def tell_own(job: TellOwn) -> Own:
    """Follow the links by their numbers, for no folder can be opened to list them."""
    links = {}
    for number in range(1024):
        with suppress(FileNotFoundError):
            links[number] = os.readlink(f"/proc/self/fd/{number}")
    return Own(links, list(os.environ))


def main() -> None:
    """Be a process of the sandbox."""
    cast(dict[Any, Any], work.WORK).update({TryCall: try_call, TellOwn: tell_own})
    child._jobs = msgpack_decoder(AnyJob | TryCall | TellOwn)  # type: ignore[misc]  # two jobs more
    if "unfiltered" in sys.argv:
        confine.is_available = lambda: False
    child.main()


if __name__ == "__main__":
    main()
