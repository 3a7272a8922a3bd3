"""What a unit of ours refuses to its service by filters of system calls, as systemd 252 (Debian 12) sets them up:
SystemCallFilter, SystemCallErrorNumber, RestrictAddressFamilies (systemd.exec(5)).

`python -m tests.unitfilter serve …` is moxlite behind the filters of the unit that the variable UNIT names. The sets of
calls are the ones of that version; newer ones have more.
"""

import ctypes
import errno
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from moxlite.prctl import forbid_new_privileges
from tests.tools import top

__all__ = ["hindrance", "load_filters"]

CALLS: Final = "fixtures/systemd252-system-service.txt"
"""The calls of @system-service there, made by `systemd-analyze syscall-filter`."""

ALLOW: Final = 0x7FFF0000
KILL: Final = 0x80000000
ERROR: Final = 0x00050000
"""Actions (seccomp.h); the number of the error is added to the last."""

EQUAL: Final = 4
"""SCMP_CMP_EQ."""

FAMILIES: Final = range(64)
"""Numbers of address families, and some more."""


class _Argument(ctypes.Structure):
    """struct scmp_arg_cmp."""

    _fields_ = (
        ("number", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def _library() -> ctypes.CDLL:
    found = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    found.seccomp_init.restype = ctypes.c_void_p
    return found


def hindrance() -> str:
    """Why no filters can be loaded here; empty where they can."""
    try:
        _library()
    except OSError:
        return "libseccomp, which each systemd has, is not installed"
    return ""


def settings(unit: str, name: str) -> list[str]:
    """The words of a setting of a unit."""
    return " ".join(re.findall(rf"(?m)^{name}=(.*)", unit)).split()


def calls(unit: str) -> Iterator[str]:
    """The names of all calls that a unit allows."""
    for word in settings(unit, "SystemCallFilter"):
        if word == "@system-service":
            yield from (top() / CALLS).read_text().split()
        else:
            assert word[0] not in "~@", f"{word} is not known here"
            yield word


def load_filters(unit: str) -> None:
    """Have the kernel refuse to this process, and all it starts, what the unit refuses."""
    library = _library()
    assert settings(unit, "NoNewPrivileges") == ["yes"]
    forbid_new_privileges()
    number = settings(unit, "SystemCallErrorNumber")
    others = ctypes.c_void_p(library.seccomp_init(ERROR | getattr(errno, number[0]) if number else KILL))
    for name in calls(unit):
        call = library.seccomp_syscall_resolve_name(name.encode())
        if call >= 0:  # of this processor
            _check(library.seccomp_rule_add_array(others, ALLOW, call, 0, None))
    families = ctypes.c_void_p(library.seccomp_init(ALLOW))
    allowed = {getattr(socket, name, 16) for name in settings(unit, "RestrictAddressFamilies")}  # AF_NETLINK is 16
    call = library.seccomp_syscall_resolve_name(b"socket")
    for family in set(FAMILIES) - allowed:
        argument = _Argument(0, EQUAL, family, 0)
        _check(library.seccomp_rule_add_array(families, ERROR | errno.EAFNOSUPPORT, call, 1, ctypes.byref(argument)))
    for found in (families, others):
        _check(library.seccomp_load(found))


def _check(result: int) -> None:
    assert result == 0, f"a filter of the unit cannot be loaded: {result}"


if __name__ == "__main__":
    load_filters(Path(os.environ["UNIT"]).read_text())
    from moxlite.__main__ import main

    main()
