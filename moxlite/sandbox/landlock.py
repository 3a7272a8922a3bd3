"""Landlock (landlock(7)): a sandbox process gives up all files, TCP, and signals to other processes, also for calls
that the filter of `seccomp` does not know (WEBMAIL-109a). It bounds as well which processes this one may trace.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from typing import Final

from moxlite.prctl import forbid_new_privileges

_CREATE_RULESET: Final = 444
_RESTRICT_SELF: Final = 446
"""Numbers of the system calls, the same on all processors."""

_VERSION: Final = 1
"""Flag with which the first call returns the ABI."""

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
    """The ABI of the kernel's Landlock; 0 without one."""
    return max(_call(_CREATE_RULESET, None, 0, _VERSION), 0) if sys.platform == "linux" else 0


def restrict() -> bool:
    """Give up all that the kernel's Landlock knows, for good. Returns whether there is a Landlock."""
    known = abi()
    if not known:
        return False
    rights = next(rights for least, *rights in reversed(_RIGHTS) if known >= least)
    octets = struct.pack("QQQ", *((1 << number) - 1 for number in rights))
    # an older kernel takes no more of the structure than it knows, and refuses the rest unless it is zero
    ruleset = _call(_CREATE_RULESET, octets, len(octets), 0)
    if ruleset < 0:
        return False
    try:
        forbid_new_privileges()
        return _call(_RESTRICT_SELF, ruleset, 0, 0) == 0
    finally:
        os.close(ruleset)


def _call(number: int, first: bytes | int | None, second: int, third: int) -> int:
    """Call a function of the system by its number; a negative result is an error."""
    function = ctypes.CDLL(None, use_errno=True).syscall
    function.restype = ctypes.c_long
    pointer = ctypes.c_long(first) if isinstance(first, int) else first
    result: int = function(ctypes.c_long(number), pointer, ctypes.c_size_t(second), ctypes.c_ulong(third))
    return result
