"""The system calls that a sandbox process may make: a seccomp filter (seccomp(2)), which it can never take off
(WEBMAIL-109a).

Theory of operation
-------------------
The kernel runs a program of BPF before each system call, with the call's number and arguments. The program has a list
of calls that it allows; `_CALLS` is what strace(1) shows of all jobs on all mail of the tests, with what the C library
and Rust need to run out of memory in good order. Any other call raises SIGSYS. The handler for it reports the call's
number, and ends the process; a process that blocks the signal is ended by it. So no call fails in a way that a library
would take for something else, and the server counts each.

Numbers differ between processors. A call by the numbers of another processor (32-bit programs) ends the process. Those
of x32 are numbers with bit 30 set, which no entry has.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Callable, Iterator
from typing import Final

from moxlite.prctl import call_prctl, forbid_new_privileges

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
