"""Bound for the octets that are processed at one time, over all connections (STORE-7a)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from moxlite.store.errors import StorageBusy


class OctetLimiter:
    """Lets tasks process at most `total` octets at one time, in the order of their arrival.

    Args:
      total: octets. A task that needs more runs alone.
      seconds: the longest time that a task waits for its turn.
    """

    def __init__(self, total: int, seconds: float) -> None:
        self._total = total
        self._seconds = seconds
        self._used = 0
        self._turn = trio.Lock()  # its holder is the next to start
        self._released = trio.Event()

    @asynccontextmanager
    async def hold(self, octets: int) -> AsyncIterator[None]:
        """Process `octets` inside the block. Raises StorageBusy if the turn does not come in time."""
        with trio.move_on_after(self._seconds) as scope:
            async with self._turn:
                while self._used and self._used + octets > self._total:
                    self._released = trio.Event()
                    await self._released.wait()
                self._used += octets
                scope.deadline = float("inf")
        if scope.cancelled_caught:
            raise StorageBusy(f"{octets} octets waited {self._seconds:.0f} s for their turn")
        try:
            yield
        finally:
            self._used -= octets
            self._released.set()
