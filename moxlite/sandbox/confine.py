"""Confinement of a sandbox process, which it cannot undo (WEBMAIL-109a): limits on files, sockets, processes and memory
(setrlimit(2)) bound what it costs; a filter of system calls (`seccomp`) and `landlock`, where the kernel has them,
bound what it can do.

The system enforces all of it, also for native code of libraries.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from moxlite.prctl import call_prctl, forbid_new_privileges, hide_memory

MEMORY: Final = 400 << 20
"""Octets of address space: 45 MB are in use before the first job; a newsletter of 1 MB takes 60 more (measured)."""

FILES: Final = 4
"""Descriptors: the socket to the server, the pipe that ends with it, /dev/null, and /proc/self/statm."""

INHERITED: Final = 4096
"""Descriptor number up to which all but the first four are closed; the server passes no others."""


class NotConfined(Exception):
    """This process could still do what it must not; the text says what."""


class Bounds(NamedTuple):
    """What the kernel refuses by itself, besides the limits: files by Landlock, system calls by a filter."""

    landlock: bool
    filtered: bool


def confine(denied: Callable[[str], None], memory: int = MEMORY) -> Bounds:
    """Confine this process, which keeps the descriptors below `FILES`. All modules must be loaded: no other is found
    later.

    Args:
      denied: called with the name of a system call that the filter refused, before the process ends.
      memory: octets of address space.

    Raises NotConfined, OSError: this process must be given nothing to work on.
    """
    with suppress(OSError):  # not Linux, or the file is read-only
        Path("/proc/self/oom_score_adj").write_text("1000")  # the OOM killer ends this process before the server
    # Other processes of the same user could else read the mail in it, or change what it does.
    hide_memory()
    os.closerange(FILES, INHERITED)
    sys.meta_path.clear()  # a module that is missing is an ImportError with its name, not a refused system call
    landlock = restrict()
    for name, limit in (
        ("RLIMIT_CORE", 0),
        ("RLIMIT_FSIZE", 0),
        ("RLIMIT_NPROC", 0),
        ("RLIMIT_NOFILE", FILES),
        ("RLIMIT_AS", memory),
    ):
        resource.setrlimit(getattr(resource, name), (limit, limit))
    _check()
    return Bounds(landlock, install_filter(denied))


def _check() -> None:
    attempts: tuple[tuple[str, Callable[[], int]], ...] = (
        ("open a file", lambda: os.open("/dev/null", os.O_RDONLY)),
        ("make a socket", lambda: socket.socket().detach()),
    )
    for what, attempt in attempts:
        with suppress(OSError):
            os.close(attempt())
            raise NotConfined(f"the process can {what}")


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


# Landlock (landlock(7)): a sandbox process gives up all files, TCP, and signals to other processes, also for calls
# that the filter of `seccomp` does not know (WEBMAIL-109a). It bounds as well which processes this one may trace.

_CREATE_RULESET: Final = 444
_RESTRICT_SELF: Final = 446
"""Numbers of the system calls, the same on all processors."""

_VERSION: Final = 1
"""Flag with which the first call returns the ABI."""

_MISSING: Final = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM})
"""Errors without a Landlock: an old kernel, one that has it switched off, or a filter of system calls around us."""

_RIGHTS: Final = (
    (1, 13, 0, 0),  # execute, read and write files, read directories, make and remove
    (2, 14, 0, 0),  # and link or rename into other directories
    (3, 15, 0, 0),  # and truncate
    (4, 15, 2, 0),  # and bind and connect TCP
    (5, 16, 2, 0),  # and ioctl of devices
    (6, 16, 2, 2),  # and abstract UNIX sockets and signals of processes outside
)
"""An ABI, and numbers of rights that it knows: to files, to the network, and scopes (linux/landlock.h)."""


def abi() -> int:
    """The ABI of the kernel's Landlock; 0 without one. Raises NotConfined."""
    return _call(_CREATE_RULESET, None, 0, _VERSION) or 0 if sys.platform == "linux" else 0


def restrict() -> bool:
    """Give up all that the kernel's Landlock knows, for good. Returns whether there is one. Raises NotConfined."""
    known = abi()
    if not known:
        return False
    rights = next(rights for least, *rights in reversed(_RIGHTS) if known >= least)
    octets = struct.pack("QQQ", *((1 << number) - 1 for number in rights))
    # an older kernel takes no more of the structure than it knows, and refuses the rest unless it is zero
    ruleset = _call(_CREATE_RULESET, octets, len(octets), 0)
    if ruleset is None:
        return False
    try:
        forbid_new_privileges()
        return _call(_RESTRICT_SELF, ruleset, 0, 0) is not None
    finally:
        os.close(ruleset)


def _call(number: int, first: bytes | int | None, second: int, third: int) -> int | None:
    """Call a function of Landlock by its number; None without a Landlock. Raises NotConfined."""
    function = ctypes.CDLL(None, use_errno=True).syscall
    function.restype = ctypes.c_long
    pointer = ctypes.c_long(first) if isinstance(first, int) else first
    result: int = function(ctypes.c_long(number), pointer, ctypes.c_size_t(second), ctypes.c_ulong(third))
    if result >= 0:
        return result
    if ctypes.get_errno() in _MISSING:
        return None
    raise NotConfined(f"Landlock failed: {os.strerror(ctypes.get_errno())}")


# The system calls that a sandbox process may make: a seccomp filter (seccomp(2)), which it can never take off
# (WEBMAIL-109a).
#
# Theory of operation
# -------------------
# The kernel runs a program of BPF before each system call, with the call's number and arguments. The program has a
# list of calls that it allows; `_CALLS` is what strace(1) shows of all jobs on all mail of the tests, with what the C
# library and Rust need to run out of memory in good order. Any other call raises SIGSYS. The handler for it reports
# the call's number, and ends the process; a process that blocks the signal is ended by it. So no call fails in a way
# that a library would take for something else, and the server counts each.
#
# Numbers differ between processors. A call by the numbers of another processor (32-bit programs) ends the process.
# Calls of x32 have numbers with bit 30 set, which no entry has.

_CALLS: Final = {
    # the socket to the server, /proc/self/statm, and error messages of libraries, which go to /dev/null
    "recvfrom": (45, 207),
    "sendto": (44, 206),
    "pread64": (17, 67),
    "write": (1, 64),
    # memory; `_MAPPING` besides
    "brk": (12, 214),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "madvise": (28, 233),
    # threads of one process: locks, and keys of hash tables
    "futex": (202, 98),
    "sched_yield": (24, 124),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getrandom": (318, 278),
    # time, where the kernel has no faster way to tell it
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "gettimeofday": (96, 169),
    # the limit of a job's time, and its end
    "setitimer": (38, 103),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "restart_syscall": (219, 128),
    "exit_group": (231, 94),
}
"""Numbers by name: of x86-64 (asm/unistd_64.h), and of aarch64 (asm-generic/unistd.h)."""

_MAPPING: Final = {"mmap": (9, 222), "mprotect": (10, 226)}
"""Calls that are allowed unless they make memory executable."""

_SIGNALS: Final = {"tgkill": (234, 131)}
"""Calls that are allowed for this process alone: by abort(3) the C library ends a process without memory."""

_MACHINES: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""By the name of a processor: place in the tables above, and AUDIT_ARCH of linux/audit.h."""

_PROT_EXEC: Final = 4
_SECCOMP_MODE_FILTER: Final = 2
_SECCOMP_RET_KILL_PROCESS: Final = 0x80000000
_SECCOMP_RET_TRAP: Final = 0x00030000
_SECCOMP_RET_ALLOW: Final = 0x7FFF0000
_PR_GET_SECCOMP: Final = 21
_PR_SET_SECCOMP: Final = 22
_SIGSYS: Final = 31
_SA_SIGINFO: Final = 4
"""Constants of linux/mman.h, linux/seccomp.h, linux/prctl.h and asm-generic/signal.h, which Python does not have."""

_LOAD: Final = 0x20
_IF_EQUAL: Final = 0x15
_IF_BITS: Final = 0x45
_RETURN: Final = 0x06
"""Instructions of classic BPF (linux/bpf_common.h): load a word, compare, test bits, return."""

_NUMBER_AT: Final = 0
_MACHINE_AT: Final = 4
_FIRST_AT: Final = 16
_THIRD_AT: Final = 32
"""Octets before a field of struct seccomp_data: the number, AUDIT_ARCH, and the low halves of two arguments."""

_CALL_IN_SIGINFO: Final = 24
"""Octets before si_syscall in siginfo_t, on systems of 64 bits (asm-generic/siginfo.h)."""

Instruction = tuple[int, int, int, int]
"""Code, instructions to skip if a comparison holds and if not, and operand."""


class _Program(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


class _Action(ctypes.Structure):
    """struct sigaction, of glibc and musl."""

    _fields_ = (
        ("handler", ctypes.c_void_p),
        ("mask", ctypes.c_ulong * 16),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    )


_Handler = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_handlers: list[object] = []
"""The handler that is in use: the kernel holds no reference."""


def is_available() -> bool:
    """Whether the kernel filters system calls, and `program` knows this processor."""
    if sys.platform != "linux" or platform.machine() not in _MACHINES:
        return False
    try:
        return call_prctl(_PR_GET_SECCOMP) >= 0
    except OSError:  # EINVAL: a kernel without CONFIG_SECCOMP
        return False


def install_filter(denied: Callable[[str], None]) -> bool:
    """Refuse all other system calls in this process for good. Returns whether the kernel does.

    Args:
      denied: called with the name of a refused call, in the handler of its signal, then the process ends: it must make
        no further call that is refused.
    """
    if not is_available():
        return False
    machine = platform.machine()
    octets = b"".join(struct.pack("HBBI", *one) for one in program(machine, os.getpid()))
    _handle(denied)
    forbid_new_privileges()
    found = _Program(len(octets) // 8, octets)
    try:
        call_prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(found))
    except OSError:  # a kernel without CONFIG_SECCOMP_FILTER, or a container that forbids it
        return False
    return True


def program(machine: str, pid: int) -> Iterator[Instruction]:
    """The filter of a processor, for the process with this id."""
    place, audit = _MACHINES[machine]
    yield _LOAD, 0, 0, _MACHINE_AT
    yield _IF_EQUAL, 1, 0, audit
    yield _RETURN, 0, 0, _SECCOMP_RET_KILL_PROCESS
    yield _LOAD, 0, 0, _NUMBER_AT
    for numbers in _CALLS.values():
        yield _IF_EQUAL, 0, 1, numbers[place]
        yield _RETURN, 0, 0, _SECCOMP_RET_ALLOW
    for numbers in _MAPPING.values():
        yield _IF_EQUAL, 0, 4, numbers[place]
        yield _LOAD, 0, 0, _THIRD_AT
        yield _IF_BITS, 1, 0, _PROT_EXEC
        yield _RETURN, 0, 0, _SECCOMP_RET_ALLOW
        yield _RETURN, 0, 0, _SECCOMP_RET_TRAP
    for numbers in _SIGNALS.values():
        yield _IF_EQUAL, 0, 3, numbers[place]
        yield _LOAD, 0, 0, _FIRST_AT
        yield _IF_EQUAL, 0, 1, pid
        yield _RETURN, 0, 0, _SECCOMP_RET_ALLOW
    yield _RETURN, 0, 0, _SECCOMP_RET_TRAP


def _handle(denied: Callable[[str], None]) -> None:
    """Install the handler of SIGSYS. Python's own handlers know neither the call nor come at once."""

    def handler(number: int, info: int, context: int) -> None:
        try:
            denied(f"system call {ctypes.c_int.from_address(info + _CALL_IN_SIGINFO).value}")
        finally:
            os._exit(128 + number)

    function = _Handler(handler)
    _handlers.append(function)
    action = _Action(handler=ctypes.cast(function, ctypes.c_void_p), flags=_SA_SIGINFO)
    if ctypes.CDLL(None, use_errno=True).sigaction(_SIGSYS, ctypes.byref(action), None) != 0:
        raise OSError(ctypes.get_errno(), "sigaction")
