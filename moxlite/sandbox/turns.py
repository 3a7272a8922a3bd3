"""Fair scheduling of a scarce resource between accounts."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import trio


class TooManyWaiting(Exception):
    """The account has too many waiting requests, or one has waited too long."""


class Turns:
    """Grants at most `size` turns at once, at most `each` per account.

    Waiting accounts are served by rotation: many requests of one account delay another by at most one turn.

    Args:
      waiting: number of requests of one account that may wait; seconds: longest wait of each; error: makes what is
        raised for one more, or a longer wait.
    """

    def __init__(
        self, size: int, *, each: int, waiting: int, seconds: float, error: Callable[[], Exception] = TooManyWaiting
    ) -> None:
        self._free = size
        self._each: Final = each
        self._most: Final = waiting
        self._seconds: Final = seconds
        self._error: Final = error
        self._taken: dict[str, int] = {}
        self._waiting: OrderedDict[str, deque[trio.Event]] = OrderedDict()

    @property
    def taken(self) -> int:
        """Number of turns that are taken."""
        return sum(self._taken.values())

    @asynccontextmanager
    async def turn(self, account: str) -> AsyncIterator[None]:
        """Context in which the account holds a turn. Raises the error of the turns, by default TooManyWaiting."""
        await self._take(account)
        try:
            yield
        finally:
            self._give_back(account)

    async def _take(self, account: str) -> None:
        waiting = self._waiting.setdefault(account, deque())
        if len(waiting) >= self._most:
            raise self._error()
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
            raise self._error()

    def _leave(self, account: str, mine: trio.Event) -> None:
        """Stop waiting; a turn granted meanwhile goes to the next request."""
        # It was granted in the same moment in which the request gave up; without this the turn would be lost for good.
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
        """Grant free turns to waiting requests."""
        while self._free:
            account = next((one for one in self._waiting if self._taken.get(one, 0) < self._each), None)
            if account is None:
                return
            # Taken out and put back at the end, so that the next turn is for another account.
            waiting = self._waiting.pop(account)
            self._free -= 1
            self._taken[account] = self._taken.get(account, 0) + 1
            waiting.popleft().set()
            if waiting:
                self._waiting[account] = waiting  # to the end of the rotation
