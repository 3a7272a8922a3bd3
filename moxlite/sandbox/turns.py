"""Turns at something of which there are few, fairly by account."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import trio

__all__ = ["TooManyWaiting", "Turns"]


class TooManyWaiting(Exception):
    """This account waits for as many turns as it may, or has waited for one as long as it may."""


class Turns:
    """At most `size` turns are taken at once, of each account at most `each`. Accounts that wait get theirs by
    rotation: the many requests of one delay another by one turn at most.

    Args:
      waiting: requests of one account that may wait; `seconds`: how long each may.
    """

    def __init__(self, size: int, *, each: int, waiting: int, seconds: float) -> None:
        self._free = size
        self._each: Final = each
        self._most: Final = waiting
        self._seconds: Final = seconds
        self._taken: dict[str, int] = {}
        self._waiting: OrderedDict[str, deque[trio.Event]] = OrderedDict()

    @property
    def taken(self) -> int:
        """Turns that are taken."""
        return sum(self._taken.values())

    @asynccontextmanager
    async def turn(self, account: str) -> AsyncIterator[None]:
        """The block is a turn of the account. Raises TooManyWaiting."""
        await self._take(account)
        try:
            yield
        finally:
            self._give_back(account)

    async def _take(self, account: str) -> None:
        waiting = self._waiting.setdefault(account, deque())
        if len(waiting) >= self._most:
            raise TooManyWaiting
        mine = trio.Event()
        waiting.append(mine)
        self._call()
        try:
            with trio.move_on_after(self._seconds):
                await mine.wait()
        except BaseException:
            self._leave(account, mine)
            raise
        if not mine.is_set():
            self._leave(account, mine)
            raise TooManyWaiting

    def _leave(self, account: str, mine: trio.Event) -> None:
        """Wait no longer; a turn that came meanwhile goes to the next."""
        if mine.is_set():
            self._give_back(account)
            return
        waiting = self._waiting[account]
        waiting.remove(mine)
        if not waiting:
            del self._waiting[account]

    def _give_back(self, account: str) -> None:
        self._free += 1
        self._taken[account] -= 1
        if not self._taken[account]:
            del self._taken[account]
        self._call()

    def _call(self) -> None:
        """Call those whose turn it is."""
        while self._free:
            account = next((one for one in self._waiting if self._taken.get(one, 0) < self._each), None)
            if account is None:
                return
            waiting = self._waiting.pop(account)
            self._free -= 1
            self._taken[account] = self._taken.get(account, 0) + 1
            waiting.popleft().set()
            if waiting:
                self._waiting[account] = waiting  # behind all others
