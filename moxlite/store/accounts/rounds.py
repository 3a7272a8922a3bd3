"""Tasks that process all accounts one by one: the nightly round, and the check of files that were not closed.

Both open an account as any user does, and leave it to `Accounts` to close it again.
"""

from __future__ import annotations

import logging
import time
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

import trio

from moxlite.store.accounts.dues import LINGER, Dues
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.errors import StoreError
from moxlite.store.file.findings import quick_check
from moxlite.store.file.migrations import drop_old_copies
from moxlite.store.options import Options
from moxlite.store.upkeep.retention import expire
from moxlite.wakeup import Wakeup, sleep_by_both_clocks

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
    """

    def __init__(self, accounts: Registry) -> None:
        self._accounts = accounts
        self._left: list[str] = []
        self._unclean: list[str] = []
        self._wakeup = Wakeup()
        self.dues = Dues(accounts)

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
                name = self._left.pop(0)
                if self._accounts.options.account_config(name) is None:
                    continue  # files of an account that was taken out of the configuration: left alone
                await self._tend(name)
                await self._accounts.close_idle()
                await trio.sleep(ROUND_PAUSE)
            await sleep_by_both_clocks(NIGHT)

    async def _tend(self, name: str) -> None:
        try:
            async with self._accounts.use(name, linger=LINGER) as account:
                await account.tend()
                await expire(account, time.time_ns() // 1000)
                await account.settle()
                await trio.to_thread.run_sync(drop_old_copies, account.directory)
        except (StoreError, OSError) as error:
            logger.error("account not tended", extra={"kv": {"account": name, "err": str(error)}})

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
                    logger.error("account not checked", extra={"kv": {"account": name, "err": str(error)}})
