"""Which account has an address to give away (MASK-3): a table of ``auth.db``, for RCPT TO over all accounts.

The rows of the accounts' own files are what counts, and the index always has all of them: an address is entered here
before it is stored there, and removed there first. A server that is killed between leaves an entry without an address,
which is refused as if it were not there. A file that is restored, recovered or copied may lack entries, so each account
is compared when it is opened; until all were, an address of which nothing is known may be a living one.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Final

import trio

from moxlite.proto.address import Address
from moxlite.store.changelog.account import Account, RecentComparisons
from moxlite.store.errors import StorageBroken, StorageBusy
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.mail.masked import has_shape, masked_addresses, masked_key

logger = logging.getLogger("moxlite.store.auth")

ACCOUNT_OF: Final = "SELECT account FROM masked WHERE address = ?"
OF_ACCOUNT: Final = "SELECT address FROM masked WHERE account = ?"
ENTER: Final = "INSERT INTO masked (address, account) VALUES (?, ?) ON CONFLICT DO NOTHING"
LEAVE: Final = "DELETE FROM masked WHERE address = ? AND account = ?"


class MaskedIndex:
    """The index. All methods but `lacking` raise StoreError.

    Args:
      database: gives the open file; raises StoreError without one.
    """

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self._compared = RecentComparisons()
        self._locks: defaultdict[str, trio.Lock] = defaultdict(trio.Lock)

    async def account_of(self, address: str) -> str | None:
        """Find the account of an address by its key (`masked_key`), or None."""
        row = await self._database().read(lambda r: r.row(ACCOUNT_OF, address), op="masked")
        return None if row is None else row[0]

    @asynccontextmanager
    async def changing(self, account: str) -> AsyncIterator[None]:
        """Around a change of an account's addresses, so that no comparison runs meanwhile."""
        async with self._locks[account]:
            yield

    async def enter(self, address: str, account: str) -> bool:
        """Enter an address before it is stored; False if it is taken, by whichever account. Within `changing`."""
        return await self._database().write(lambda tx: _changes(tx, ENTER, address, account))

    async def leave(self, address: str, account: str) -> None:
        """Remove the entry of an address that is not stored any more. Within `changing`."""
        await self._database().write(lambda tx: _changes(tx, LEAVE, address, account))

    async def entries(self, account: str) -> set[str]:
        """The keys of the addresses that are entered for an account."""
        return await self._database().read(lambda r: {one for (one,) in r.rows(OF_ACCOUNT, account)}, op="masked")

    async def repair(self, account: str, enter: set[str], leave: set[str]) -> None:
        """Enter and remove addresses of an account. Within `changing`."""
        await self._database().write(lambda tx: _replace(tx, account, enter, leave))

    async def compare(self, account: Account) -> None:
        """Make the entries of an account agree with its own file: the task `store.masked` of an open account."""
        name = account.name
        async with self.changing(name):
            try:
                known = await self.entries(name)
            except StorageBroken:
                return  # out of service: addresses without an entry wait
            stored = await account.read(masked_addresses, op="masked")
            if known != stored:
                await self.repair(name, stored - known, known - stored)
                kv = {"account": name, "entered": len(stored - known), "left": len(known - stored)}
                logger.warning("masked address index repaired", extra={"kv": kv})
        await self._compared.note(account)

    def due(self, name: str, r: Reader) -> bool:
        """Whether an account is to be compared, when it is opened."""
        return self._compared.due(name, r)

    async def owner_of(self, address: Address, accounts: Collection[str], exists: Callable[[str], bool]) -> str | None:
        """The account that has an address to give away; None if none of `accounts` has it.

        Raises StorageBusy while it may be one of an account that was not looked at since the start.
        """
        name = await self.account_of(masked_key(address))
        if name is None and has_shape(address.localpart):
            lacking = self.lacking(accounts)
            unsure = bool(lacking) and await trio.to_thread.run_sync(lambda: any(map(exists, lacking)))
            if unsure:
                raise StorageBusy("still scanning accounts; try again later")
        return name

    def lacking(self, accounts: Collection[str]) -> list[str]:
        """The accounts that were not compared since the start: an address without an entry may be theirs."""
        return [name for name in accounts if name not in self._compared]


def _changes(tx: Tx, sql: str, address: str, account: str) -> bool:
    return tx.execute(sql, address, account) > 0


def _replace(tx: Tx, account: str, enter: set[str], leave: set[str]) -> None:
    tx.executemany(LEAVE, [(one, account) for one in sorted(leave)])
    tx.executemany(ENTER, [(one, account) for one in sorted(enter)])
