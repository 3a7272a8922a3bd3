"""Returning memory to the system: glibc keeps freed memory unless it is configured otherwise (STORE-10)."""

from __future__ import annotations

import ctypes
import math
import os
import time
from collections.abc import Callable
from mmap import PAGESIZE
from pathlib import Path
from typing import Final

TRIM_INTERVAL: Final = 20.0
"""Seconds between two malloc_trim: it walks all arenas with their locks held (STORE-10)."""

M_TRIM_THRESHOLD: Final = -1
"""From glibc's malloc.h: free octets at the end of a heap above which they are given back."""

M_MMAP_THRESHOLD: Final = -3
"""From there: the size from which on a block is mapped by itself."""

M_ARENA_MAX: Final = -8
"""From there: the number of heaps."""

ARENAS: Final = 2
"""Heaps that threads allocate from: one for the event loop, and one for all other threads, which seldom compete for it,
as most of their work is under Python's lock. glibc makes up to eight per processor, and each keeps the memory that its
threads freed: with 20 busy clients 28 MB instead of 11, growing each hour (measured).
"""

STATM: Final = Path("/proc/self/statm")
"""Sizes of this process in pages (proc(5)): all, resident, resident of files."""

LARGE_BLOCK: Final = 1 << 20
"""Octets from which on a block of memory is mapped on its own, and returned to the system when it is freed. glibc
begins with 128 KiB, but raises this to the size of each such block that is freed, and keeps twice as much at the end of
each arena: the 19 MiB of one password check then stay for good in each thread that did one (measured: 60 MB).
"""


def keep_heap_small() -> None:
    """Set the thresholds of glibc's malloc for returning memory; to be called before threads are started."""
    mallopt = _of_malloc("mallopt")
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)
        mallopt(M_TRIM_THRESHOLD, LARGE_BLOCK)
        mallopt(M_ARENA_MAX, ARENAS)


def memory_used(statm: Path = STATM) -> int | None:
    """Octets of memory that this process has for itself, without pages of files; None where the system doesn't say."""
    try:
        _, resident, files, *_ = map(int, statm.read_bytes().split())
    except (OSError, ValueError):
        return None
    return (resident - files) * PAGESIZE


def _of_malloc(name: str) -> Callable[..., int] | None:
    """A function of glibc's malloc; None with another C library, and on Windows, which has none to ask."""
    return getattr(ctypes.CDLL(None), name, None) if os.name == "posix" else None


class Trimmer:
    """glibc's malloc_trim, rate-limited; does nothing with another C library.

    Attributes:
      owed: a call came too early; the next one after `TRIM_INTERVAL` trims (`Accounts.serve` makes it).
    """

    def __init__(self, interval: float | None = None) -> None:
        """`interval`: seconds between two calls that trim, `TRIM_INTERVAL` by default."""
        self._trim = _of_malloc("malloc_trim")
        self._interval = interval
        self._last = -math.inf
        self.owed = False

    def early(self) -> bool:
        """Whether a call now would only note that it is owed, which needs no thread."""
        return time.monotonic() - self._last < (TRIM_INTERVAL if self._interval is None else self._interval)

    def __call__(self) -> bool:
        if self._trim is None:
            return False
        self.owed = self.early()
        if self.owed:
            return False
        self._last = time.monotonic()
        self._trim(0)
        return True


give_memory_back: Final = Trimmer()
"""Return freed memory to the system; returns True if that was done now. Blocks for milliseconds: for threads."""
