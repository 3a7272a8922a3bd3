"""Rounds through the accounts of which there may be something to tell: to devices, and to programs.

A watcher of each open account only says that there may be something. One task does the rest, some accounts at a time:
neither a delivery nor the closing of an account waits for a push service.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

import trio

from moxlite.store.errors import AccountRemoved, AccountUnknown, LoginDisabled, StoreError
from moxlite.wakeup import Wakeup

if TYPE_CHECKING:
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.accounts.opened import OpenAccount


logger = logging.getLogger("moxlite.web.notices")

AT_ONCE: Final = 4
"""Accounts at a time: each holds its file open and up to `REQUESTS` connections."""

REQUESTS: Final = 2
"""Requests at a time for one account: eight in all, and no account waits for push services that hang for another."""


class Rounds(ABC):
    """Accounts that are due, each at a moment. `serve` runs while the server does.

    `_ended`: the app passwords that have ended, by account, "" for the account's own password. Such an account is
    attended to at once, also if its log-in is disabled.
    """

    def __init__(self, accounts: Accounts, *, what: str) -> None:
        """`what`: who is told, for the log."""
        self._accounts = accounts
        self._what = what
        self._due: dict[str, float] = {}
        self._resting: dict[str, float] = {}
        self._busy: set[str] = set()
        self._ended: dict[str, set[str]] = {}
        self._wakeup = Wakeup()

    @property
    @abstractmethod
    def pause(self) -> float:
        """Seconds between an event and the round: more may come."""

    @abstractmethod
    async def attend(self, account: OpenAccount) -> None:
        """Tell what there is to tell. Raises StoreError, OSError."""

    def want(self, name: str, seconds: float) -> None:
        """Attend to an account in so many seconds, or sooner if it is due before."""
        at = trio.current_time() + seconds
        if at < self._due.get(name, float("inf")):
            self._due[name] = at
            self._wakeup.set()

    def _removed(self, name: str, logins: set[str]) -> None:
        """Note that what these log-ins had registered is removed for good; others may have ended meanwhile."""
        self._ended[name] -= logins
        if not self._ended[name]:
            del self._ended[name]

    async def serve(self) -> None:
        """Attend to all accounts, for ever.

        Errors: an account that cannot be used is logged, and attended to with its next event. Other errors propagate.
        """
        # A failure has cancelled all tasks of the nursery, and their accounts would count as busy for ever.
        self._busy.clear()
        limiter = trio.CapacityLimiter(AT_ONCE)
        async with trio.open_nursery() as nursery:
            while True:
                self._wakeup.clear()
                now = trio.current_time()
                self._resting = {name: until for name, until in self._resting.items() if until > now}
                # A list, for the loop changes the dictionary. An account is attended to by one task at a time: two
                # would tell a device the same mail twice.
                for name in [name for name in self._due if name not in self._busy and self._moment(name) <= now]:
                    del self._due[name]
                    self._busy.add(name)
                    nursery.start_soon(self._attend, name, limiter)
                waiting = [self._moment(name) for name in self._due if name not in self._busy]
                with trio.move_on_at(min(waiting, default=float("inf"))):
                    await self._wakeup.wait()

    def _moment(self, name: str) -> float:
        """When an account that is due may be attended to: what comes soon after a round waits its time, too."""
        at = self._due[name]
        return at if name in self._ended else max(at, self._resting.get(name, 0.0))

    async def _attend(self, name: str, limiter: trio.CapacityLimiter) -> None:
        try:
            # In this order: an account that waits for its turn is not held open.
            async with limiter, self._accounts.use(name, check_login=name not in self._ended) as account:
                await self.attend(account)
        except (AccountUnknown, AccountRemoved, LoginDisabled):
            self._ended.pop(name, None)
        except (StoreError, OSError) as error:
            logger.warning(f"{self._what} notification failed", extra={"kv": {"account": name, "err": str(error)}})
        finally:
            self._busy.discard(name)
            self._wakeup.set()
