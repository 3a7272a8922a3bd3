"""Opening accounts in time for messages that they send later, or that come back later (WEBMAIL-96, WEBMAIL-125).

An open account looks after its own (`upkeep.outbox`). One task knows the earliest moment of each closed account, which
is noted when it is closed. After a start the first round opens each account once; overdue messages are looked after
then.
"""

from __future__ import annotations

import logging
import time
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

import trio

from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.errors import AccountRemoved, AccountUnknown, StoreError
from moxlite.wakeup import LONGEST_SLEEP, Wakeup

logger = logging.getLogger("moxlite.store.accounts")

LINGER: Final = 0.3
"""Seconds without background work after which accounts that are opened for upkeep are closed: three or four are open at
a time.
"""

RETRY: Final = 300
"""Seconds until an account that could not be opened is tried again."""

SECOND: Final = 1_000_000


class Opener(Protocol):
    """The part of `Accounts` that the task uses."""

    def use(self, name: str, *, linger: float = ...) -> AbstractAsyncContextManager[OpenAccount]:
        """The account, open for as long as the block lasts, and `linger` seconds longer."""
        ...


class Dues:
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
                logger.error("account not opened in time", extra={"kv": {"account": name, "err": str(error)}})
