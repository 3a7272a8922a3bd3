"""Giving way: work in threads that no task waits for is done in short pieces, and rests while others are at work.

Python runs one thread at a time. A thread that computes makes the event loop wait for `sys.setswitchinterval` each time
that it comes back from the kernel or from SQLite: a STATUS then takes six times as long (measured). And it takes a core
from log-ins, whose hashes are computed beside the loop.

What tells that others are at work is the processor time of this process that is not ours: of the loop, of readers and
writers, of password checks. So nothing has to be announced, and a server that is quiet has all of its time for this.
"""

from __future__ import annotations

import threading
import time
from typing import Final

__all__ = ["Background"]

PIECE: Final = 0.002
"""Seconds of work after which it looks whether others are at work: what a command may meet of it."""

LOOK: Final = 0.003
"""Seconds of rest after which it looks again."""

REST: Final = 0.018
"""Seconds of rest after a piece, at most: a tenth of the time remains for it, however busy the server is."""

BUSY: Final = 0.03
"""Share of a processor that others use when they are at work: one command in the time of a piece."""


class _Ours:
    """Processor time of all background work of this process, as far as it was told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds = 0.0

    def add(self, seconds: float) -> None:
        """A thread has used so much."""
        with self._lock:
            self._seconds += seconds

    def others(self) -> float:
        """What all else has used so far; grows, but for what was not told yet."""
        return time.process_time() - self._seconds


_ours: Final = _Ours()


class Background:
    """A piece of background work in the thread that makes this: one for each call that the thread runs."""

    __slots__ = ("_began", "_others", "_used")

    def __init__(self) -> None:
        self._begin()

    def give_way(self) -> None:
        """Rest if it is time and others are at work; to be called every millisecond or so, not on the event loop, and
        with nothing held that others want. Blocks for `REST` at most.
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
