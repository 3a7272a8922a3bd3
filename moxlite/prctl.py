"""Rights that a process gives up for good by prctl(2), which Python has no function for. Linux only."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38
"""Options of prctl(2), from linux/prctl.h."""


def hide_memory() -> None:
    """Keep keys and mail in this process's memory from other processes of its user: neither ptrace(2) nor
    /proc/PID/mem reads them, and no core dump has them (PR_SET_DUMPABLE).

    A change of the user undoes it, and so does exec(3): each program of ours calls it for itself. Files in /proc/PID
    that only their owner may open, such as fd and environ, belong to root then.

    Raises OSError.
    """
    if sys.platform == "linux":
        call_prctl(PR_SET_DUMPABLE, 0)


def forbid_new_privileges() -> None:
    """Let no program that this process executes gain privileges, such as by setuid (PR_SET_NO_NEW_PRIVS). Raises
    OSError.
    """
    if sys.platform == "linux":
        call_prctl(PR_SET_NO_NEW_PRIVS, 1)


def bound_child(seconds: int, memory: int) -> None:
    """Bound a child process that does one job: it ends after so many seconds, has so many octets of address space, and
    leaves no readable trace of the secrets in its memory. Raises OSError.
    """
    import resource  # this module is loaded on Windows, too

    hide_memory()
    signal.alarm(seconds)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o077)


def call_prctl(option: int, *arguments: int) -> int:
    """Call prctl(2) with at most four arguments. Raises OSError."""
    words = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    result: int = ctypes.CDLL(None, use_errno=True).prctl(option, *words)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}: {os.strerror(ctypes.get_errno())}")
    return result
