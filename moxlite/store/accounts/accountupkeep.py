"""The upkeep of all open accounts: their databases, subscribers that have fallen silent, accounts without users
(STORE-8, STORE-10). It sleeps while no account is used and no work is left, so idle sessions cause no wakeups.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import trio

from moxlite.heap import give_memory_back
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.accounts.slots import Slot
from moxlite.store.errors import StoreError
from moxlite.store.file.fileupkeep import UPKEEP
from moxlite.wakeup import Wakeup

logger = logging.getLogger("moxlite.store.accounts")

CROWDED_PAUSE: Final = 0.3
"""Seconds between two rounds that only close accounts, while mail comes for many of them."""


class AccountUpkeep:
    """The task that looks after the accounts of one data directory.

    Args:
      slots: all accounts, as they are at the time of each round.
      close_idle: closes accounts that have no users any more.

    Attributes:
      wakeup: set when an account is used, or its last user leaves.
      crowded: set when more accounts are open than a round should find; the next one does not wait for its time.
    """

    def __init__(self, slots: Mapping[str, Slot], close_idle: Callable[[], Awaitable[None]]) -> None:
        self._slots = slots
        self._close_idle = close_idle
        self.wakeup = Wakeup(is_set=True)
        self.crowded = Wakeup()

    async def run(self) -> None:
        """Look after all accounts every `UPKEEP` seconds, until cancelled.

        Errors: propagate; the next start looks at all accounts again.
        """
        self.wakeup.set()
        while True:
            await self.wakeup.wait()
            await self._sleep()
            self.wakeup.clear()
            for slot in list(self._slots.values()):
                async with slot.lock:
                    if slot.account is not None:
                        slot.account.bus.close_silent()
                        await _keep_up(slot.account)
            await self._close_idle()
            if give_memory_back.owed:
                await trio.to_thread.run_sync(give_memory_back)
            if give_memory_back.owed or not all(map(rests, self._slots.values())):
                self.wakeup.set()

    async def _sleep(self) -> None:
        """Sleep for `UPKEEP` seconds; close accounts meanwhile as often as they are too many."""
        end = trio.current_time() + UPKEEP
        while (left := end - trio.current_time()) > 0:
            with trio.move_on_after(left):
                await self.crowded.wait()
            if self.crowded.is_set:
                self.crowded.clear()
                await self._close_idle()
                await trio.sleep(CROWDED_PAUSE)


async def _keep_up(account: OpenAccount) -> None:
    try:
        await account.database.upkeep()
    except (StoreError, OSError) as error:  # the upkeep of the other accounts goes on
        logger.error("account not kept up", extra={"kv": {"account": account.name, "err": str(error)}})


def rests(slot: Slot) -> bool:
    """Whether upkeep has nothing to do for an account until it is used again or its last user leaves."""
    account = slot.account
    if account is None:
        return True
    heard = account.bus.acknowledged >= account.bus.modseq  # else a subscriber may have fallen silent
    return bool(slot.users) and heard and account.database.resting
