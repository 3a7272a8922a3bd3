"""Tasks that go through all accounts: those that have something to do at a moment, the nightly round, and the check of
files that were not closed.
"""

from __future__ import annotations

import logging
import math
import time
from contextlib import AbstractAsyncContextManager
from operator import itemgetter
from typing import Final, Protocol

import trio

from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.errors import AccountRemoved, AccountUnknown, StoreError
from moxlite.store.file.boundary import quick_check
from moxlite.store.file.migrations import drop_old_copies
from moxlite.store.options import Options
from moxlite.store.upkeep.erase import expire
from moxlite.wakeup import LONGEST_SLEEP, Wakeup, sleep_by_both_clocks

# Opening accounts in time for messages that they send later, or that come back later (WEBMAIL-96, WEBMAIL-125).
#
# An open account looks after its own (`upkeep.outbox`). One task knows the earliest moment of each closed account,
# which is noted when it is closed. After a start the first round opens each account once; overdue messages are looked
# after then.


LINGER: Final = 0.3
"""Seconds without background work after which accounts that are opened for upkeep are closed: three or four are open at
a time.
"""

INDEX_PAUSE: Final = 0.05
"""Seconds between two accounts that catch up, so that they do not compete with deliveries."""

RETRY: Final = 300
"""Seconds until an account that could not be opened is tried again."""

SECOND: Final = 1_000_000
"""In µs: moments of accounts are in µs UTC, the clock of the system in seconds."""


class Opener(Protocol):
    """The part of `Accounts` that the task uses."""

    def use(self, name: str, *, linger: float = ...) -> AbstractAsyncContextManager[OpenAccount]:
        """The account, open for as long as the block lasts, and `linger` seconds longer."""
        ...


class DueTimes:
    """The earliest moment, µs UTC, at which each closed account has something to do."""

    def __init__(self, accounts: Opener) -> None:
        self._accounts = accounts
        self._moments: dict[str, int] = {}
        self._wakeup = Wakeup()

    def note(self, name: str, due: int | None) -> None:
        """Remember the moment of an account that is being closed; None: it has none."""
        if due is None:
            self._moments.pop(name, None)
        else:
            self._moments[name] = due
            self._wakeup.set()

    async def run(self) -> None:
        """Open accounts when their moments have come, for ever.

        Errors: StoreError and OSError are logged, and the account is opened again later. All others propagate; the next
        start goes on with the other accounts.
        """
        while True:
            self._wakeup.clear()
            # Search all accounts instead of using a heap: this only happens when a moment comes or changes, and there
            # are only some thousands of accounts.
            name, due = min(self._moments.items(), key=lambda one: one[1], default=("", 0))
            left = due / SECOND - time.time() if name else float("inf")
            if left > 0:
                with trio.move_on_after(min(left, LONGEST_SLEEP)):  # the clock may be set
                    await self._wakeup.wait()
                continue
            # stored before the work: whatever it raises, the next start goes on with the others
            self._moments[name] = int((time.time() + RETRY) * SECOND)
            try:
                async with self._accounts.use(name, linger=LINGER) as account:
                    await account.carrier.once()
                    self.note(name, account.carrier.due)
            except (AccountUnknown, AccountRemoved):
                self._moments.pop(name, None)
            except (StoreError, OSError) as error:
                logger.error("timed out opening account", extra={"kv": {"account": name, "err": str(error)}})


# Updating the text index and correspondents after mail for accounts that no session uses: soon after many messages,
# else at night. For sessions this is done immediately, and each search reads messages that aren't indexed yet
# (STORE-112).


ENOUGH: Final = 100
"""Changed rows of an account from which on it is visited before the night, two for each mail: a search looks at 300
messages before it asks the index, and a visit costs as much as four deliveries.
"""

LATER: Final = 180.0
"""Seconds from the change with which it is enough to the visit, so that the rest of a wave comes before it."""

MANY: Final = 1_000
"""Changed rows of an account from which on it is visited at once: an import ends with all of its messages in one unit,
and its owner searches them next.
"""


class ChangedAccounts:
    """Accounts that have changed, and have not caught up since."""

    def __init__(self, accounts: Opener) -> None:
        self._accounts = accounts
        self._changes: dict[str, int] = {}
        self._visits: dict[str, float] = {}
        self._wakeup = Wakeup()

    def note(self, name: str, rows: int) -> None:
        """Note that so many rows of an account were changed."""
        changes = self._changes[name] = self._changes.get(name, 0) + rows
        if changes < ENOUGH:
            return
        moment = trio.current_time() + (LATER if changes < MANY else 0)
        if moment < self._visits.get(name, math.inf):
            self._visits[name] = moment
            self._wakeup.set()

    async def catch_up(self, account: OpenAccount) -> None:
        """Have an account catch up now. Raises StoreError, OSError."""
        self._changes.pop(account.name, None)
        await account.catch_up()

    async def run(self) -> None:
        """Visit accounts when it is time, for ever.

        Errors: StoreError and OSError are logged, and further changes have the account visited again. All others
        propagate; the next start goes on with the other accounts.
        """
        while True:
            self._wakeup.clear()
            name, moment = min(self._visits.items(), key=itemgetter(1), default=("", math.inf))
            if moment > trio.current_time():
                with trio.move_on_at(moment):
                    await self._wakeup.wait()
                continue
            del self._visits[name]
            try:
                async with self._accounts.use(name, linger=LINGER) as account:
                    await self.catch_up(account)
            except (AccountUnknown, AccountRemoved):
                self._changes.pop(name, None)
            except (StoreError, OSError) as error:
                logger.error("account catch-up failed", extra={"kv": {"account": name, "err": str(error)}})
            await trio.sleep(INDEX_PAUSE)


logger = logging.getLogger("moxlite.store.accounts")

NIGHT: Final = 86_400.0
"""Seconds between two rounds of purging."""

ROUND_PAUSE: Final = 0.1
"""Seconds between two accounts of a round, so that it does not compete with deliveries."""


class Registry(Protocol):
    """The part of `Accounts` that a round uses."""

    options: Options

    def names(self) -> list[str]:
        """All accounts that have files. Blocking."""
        ...

    def use(self, name: str, *, linger: float = ...) -> AbstractAsyncContextManager[OpenAccount]:
        """The account, open for as long as the block lasts, and `linger` seconds longer."""
        ...

    async def close_idle(self) -> None:
        """Close the accounts that have no users any more."""
        ...


class Rounds:
    """The rounds over the accounts of one data directory.

    Attributes:
      dues: opens accounts again for messages that are due.
      behind: opens accounts again to catch up when much mail has come.
    """

    def __init__(self, accounts: Registry) -> None:
        self._accounts = accounts
        self._left: list[str] = []
        self._unclean: list[str] = []
        self._wakeup = Wakeup()
        self.dues = DueTimes(accounts)
        self.behind = ChangedAccounts(accounts)

    async def nightly(self) -> None:
        """Open each account once after start, to finish work left by the last run (STORE-189a), and then each night to
        purge (STORE-27).

        Errors: StoreError and OSError are logged, and the round goes on with the next account. All others propagate;
        the next start goes on after the account that failed.
        """
        while True:
            if not self._left:
                self._left = await trio.to_thread.run_sync(self._accounts.names)
            while self._left:
                # Taken out before the work, so that after a fault the round goes on with the next account.
                name = self._left.pop(0)
                if self._accounts.options.account_config(name) is None:
                    continue  # leave the files of an account that was removed from the configuration
                await self._tend(name)
                # Close it immediately, so that a round through thousands of accounts doesn't evict the ones in use.
                await self._accounts.close_idle()
                await trio.sleep(ROUND_PAUSE)
            await sleep_by_both_clocks(NIGHT)

    async def _tend(self, name: str) -> None:
        try:
            async with self._accounts.use(name, linger=LINGER) as account:
                steady = self._accounts.options.steady()
                if steady:
                    await account.tend()
                    await expire(account, time.time_ns() // 1000)
                await account.settle()
                await self.behind.catch_up(account)
                if steady:
                    await trio.to_thread.run_sync(drop_old_copies, account.directory)
        except (StoreError, OSError) as error:
            logger.error("account maintenance failed", extra={"kv": {"account": name, "err": str(error)}})

    def note_unclean(self, name: str) -> None:
        """Schedule a check of an account's file, which had not been closed before it was opened."""
        self._unclean.append(name)
        self._wakeup.set()

    async def check_unclean(self) -> None:
        """Check files that were not closed, one at a time (STORE-10).

        Errors: StoreError and OSError are logged. All others propagate; the next start goes on with the next account.
        """
        while True:
            if not self._unclean:
                self._wakeup.clear()
                await self._wakeup.wait()
            while self._unclean:
                name = self._unclean.pop(0)
                try:
                    async with self._accounts.use(name, linger=LINGER) as account:
                        findings = await account.scan(quick_check, op="quick_check")
                        if findings:
                            account.database.health.damaged(findings[0].text)
                except (StoreError, OSError) as error:
                    logger.error("account check failed", extra={"kv": {"account": name, "err": str(error)}})
