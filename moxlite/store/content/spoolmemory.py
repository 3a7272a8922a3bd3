"""Memory of a spool, as the ledger counts it (STORE-198a). A spool never waits: without room it goes to the disk."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

import trio

from moxlite.ledger import FREE, Hold, ledger

MEMORY_LIMIT: Final = 1 << 20
"""Octets kept in memory (SMTP-37): 98 % of all mail is shorter."""

STEP: Final = 64 << 10
"""Octets that a message reserves from the ledger at a time."""

WRITE_SIZE: Final = 256 << 10
"""Octets written to the file at once, in a thread: 60 µs for the hop beside 100 µs for the copy. It is also the size of
a body chunk.
"""

WRITE_SHORT: Final = 16 << 10
"""Octets written to the file at once while the ledger has no room for `WRITE_SIZE`."""


class SpoolMemory:
    """Memory of one spool; what is taken comes back by `close`, from any thread.

    Attributes:
      limit: octets at most. Octets that are not written on the event loop are not counted.
    """

    __slots__ = ("_beside", "_hold", "_loop", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._beside = 0
        self._hold: Hold | None = None
        self._loop: trio.lowlevel.TrioToken | None = None

    def take(self, octets: int) -> None:
        """Take room for so many octets in all. Without it the limit becomes 0. On the event loop."""
        if FREE < octets <= self.limit:
            hold = self._own()
            more = octets - hold.octets
            if more > 0 and not hold.try_take("spool", min(-(-more // STEP) * STEP, self.limit)):
                self.limit = 0

    def take_beside(self, octets: int) -> bool:
        """Take room for a copy of the octets, until `close`. A second call for the same copy changes nothing. Returns
        whether there was room. On the event loop.
        """
        if octets > max(FREE, self._beside):
            if not self._own().try_take("spool", octets - self._beside):
                return False
            self._beside = octets
        return True

    def _own(self) -> Hold:
        if self._hold is None:
            self._hold, self._loop = ledger().hold(), trio.lowlevel.current_trio_token()
        return self._hold

    def leave(self) -> int:
        """Keep no more than what is to be written next; returns how many octets these may be. In a thread, where all
        that was taken before stays.
        """
        if self._hold is None or not trio.lowlevel.in_trio_run():
            return WRITE_SIZE
        self._hold.close()
        return WRITE_SIZE if self._hold.try_take("spool", WRITE_SIZE) else WRITE_SHORT

    def settle(self, octets: int) -> None:
        """Keep room for so many octets. From any thread."""
        if self._hold is not None:
            self._on_loop(partial(self._hold.give, "spool", max(0, self._hold.octets - octets - self._beside)))

    def close(self) -> None:
        """Give all back."""
        hold, self._hold = self._hold, None
        if hold is not None:
            self._on_loop(hold.close)

    def _on_loop(self, work: Callable[[], None]) -> None:
        if self._loop is None or trio.lowlevel.in_trio_run():
            work()
        else:
            with suppress(trio.RunFinishedError):
                self._loop.run_sync_soon(work)
