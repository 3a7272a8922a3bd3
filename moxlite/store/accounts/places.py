"""Places for accounts that single operations open, such as deliveries: few at a time, however many come (STORE-8)."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Final

import trio

from moxlite.store.accounts.slots import Slot
from moxlite.wakeup import Wakeup

BRIEF: Final = 5.0
"""Seconds without users and background work after which an account is closed that only single operations have used,
such as deliveries, since it was opened.
"""

HELD: Final = 3.0
"""Seconds in use, or with work in its outbox, after which an account no longer takes a place: its operation is a long
one, or waits for another account. So no cycle of operations that wait for each other lasts.
"""

RESTING: Final = 0.05
"""Seconds without users before an account is closed for another one: a delivery uses its account three times."""

holding: Final[ContextVar[bool]] = ContextVar("moxlite.holding", default=False)
"""Whether the task has an account open: then it waits for no other one's place, since it might wait for its own."""


class Places:
    """Bounds the accounts that are open for single operations at a time.

    Args:
      slots: all accounts, as they are at the time of each call.
      close: closes an account unless it is used.
      most: number of places.

    Attributes:
      left: set when the last user of an account has left.
    """

    def __init__(self, slots: Mapping[str, Slot], close: Callable[[str], Awaitable[None]], most: int) -> None:
        self.most = most
        self.left = Wakeup()
        self._slots = slots
        self._close = close
        self._opening = 0
        self._order = trio.Lock()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Context for opening an account, which takes the place from then on. First come, first served; the accounts
        without users that were used longest ago are closed for it.
        """
        async with self._order:
            while self._opening + len(taken := self._taken()) >= self.most:
                await self._make_room(taken)
            self._opening += 1
        try:
            yield
        finally:
            self._opening -= 1

    def _taken(self) -> list[tuple[float, str]]:
        """Open accounts that take places, and until when: first the ones that may be closed first."""
        now, taken = trio.current_time(), []
        for name, slot in self._slots.items():
            account = slot.account
            if account is None or slot.linger > BRIEF:
                continue
            if not slot.users and not account.carrier.waits:
                taken.append((slot.idle_since + RESTING, name))
            elif (until := (slot.opened if slot.users else slot.idle_since) + HELD) > now:
                taken.append((until, name))
        return sorted(taken)

    async def _make_room(self, taken: list[tuple[float, str]]) -> None:
        """Close the first account, or wait until another one may be."""
        self.left.clear()
        now = trio.current_time()
        until, name = taken[0] if taken else (math.inf, "")
        if until <= now:
            await self._close(name)
        else:
            with trio.move_on_at(min(until, now + RESTING)):  # the end of an opening, or of an outbox, sets no event
                await self.left.wait()
