"""Background work in threads, which yields to other threads: it is done in short pieces, with rests while others are
busy.

Python runs one thread at a time. A thread that computes makes the event loop wait for `sys.setswitchinterval` each time
the loop returns from the kernel or from SQLite: a STATUS then takes six times as long (measured). It also takes a core
from log-ins, whose hashes are computed beside the loop.

Others are busy if this process uses processor time that is not background work: of the loop, of readers and writers, of
password checks. So they need not announce anything, and on a quiet server background work gets all of the time.
"""

from __future__ import annotations

import threading
import time
from typing import Final

PIECE: Final = 0.002
"""Seconds of work between two checks whether others are busy: the longest delay that a command meets."""

LOOK: Final = 0.003
"""Seconds of rest between two such checks."""

REST: Final = 0.018
"""Seconds of rest after a piece, at most: background work keeps a tenth of the time on the busiest server."""

BUSY: Final = 0.03
"""Share of a processor above which others count as busy: one command in the time of a piece."""


class _Ours:
    """Processor time of all background work of this process, as far as it was added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds = 0.0

    def add(self, seconds: float) -> None:
        """Add seconds that a thread has used."""
        with self._lock:
            self._seconds += seconds

    def others(self) -> float:
        """Seconds that all other threads have used so far. The value grows, except when background work is added
        later.
        """
        return time.process_time() - self._seconds


_ours: Final = _Ours()


class Background:
    """Pacing of background work, for the thread that makes it: one for each call that the thread runs."""

    __slots__ = ("_began", "_others", "_used")

    def __init__(self) -> None:
        self._begin()

    def give_way(self) -> None:
        """Rest if a piece is over and others are busy. To be called about every millisecond, not on the event loop, and
        without holding locks or transactions that others need. Blocks for `REST` at most.
        """
        took = time.perf_counter() - self._began
        if took < PIECE:
            return
        _ours.add(time.thread_time() - self._used)
        if _ours.others() - self._others > BUSY * took:
            self._rest()
        self._begin()

    def _rest(self) -> None:
        until = time.perf_counter() + REST
        while (now := time.perf_counter()) < until:
            before = _ours.others()
            time.sleep(LOOK)
            if _ours.others() - before <= BUSY * (time.perf_counter() - now):
                return

    def _begin(self) -> None:
        self._began = time.perf_counter()
        self._used = time.thread_time()
        self._others = _ours.others()
