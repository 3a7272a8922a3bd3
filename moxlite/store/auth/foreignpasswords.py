"""Accounts whose password is another server's hash: a table of ``auth.db``, for all accounts at once (STORE-100b).

Mechanisms are announced before a user is known, and none but those that send the password work with such a hash. The
accounts' own files are what counts: an account is entered here before its hash is stored there, and removed after the
hash is gone. `Logins` enters one that is missing, because a restored file may lack it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from moxlite.store.errors import StorageBroken
from moxlite.store.file.database import Database

ENTER: Final = "INSERT INTO foreign_password (account, since) VALUES (?, ?) ON CONFLICT DO NOTHING"
LEAVE: Final = "DELETE FROM foreign_password WHERE account = ?"
WARNED: Final = "UPDATE foreign_password SET warned = 1 WHERE account = ?"
ALL: Final = "SELECT account, since, warned FROM foreign_password ORDER BY account"


class ForeignPassword(msgspec.Struct, frozen=True):
    """An account with another server's hash, since when (µs UTC), and whether the owner was told that it will go."""

    since: int
    warned: bool = False


class ForeignPasswords:
    """The accounts, in memory and in the file. All methods but `left` raise StoreError.

    Args:
      database: gives the open file; raises StoreError without one.
    """

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self._left: dict[str, ForeignPassword] = {}

    @property
    def left(self) -> Mapping[str, ForeignPassword]:
        """The accounts, by name."""
        return self._left

    async def load(self) -> None:
        """Read them, once at the start. A file that is out of service has none."""
        try:
            database = self._database()
        except StorageBroken:
            return
        rows = await database.read(lambda r: r.rows(ALL), op="foreign-passwords")
        self.replace({account: ForeignPassword(since, bool(warned)) for account, since, warned in rows})

    def replace(self, left: Mapping[str, ForeignPassword]) -> None:
        """Have these accounts in memory, as they are in the file."""
        self._left = dict(left)

    async def enter(self, account: str) -> None:
        """Enter an account, before its hash is stored."""
        if account in self._left:
            return
        since = await self._database().write(lambda tx: (tx.execute(ENTER, account, tx.now), tx.now)[1])
        self._left[account] = ForeignPassword(since)

    async def leave(self, account: str) -> None:
        """Remove an account that has no such hash any more."""
        if account in self._left:
            await self._database().write(lambda tx: tx.execute(LEAVE, account))
            self._left.pop(account, None)

    async def note_warning(self, account: str) -> None:
        """Note that the owner was told of an account."""
        await self._database().write(lambda tx: tx.execute(WARNED, account))
        if account in self._left:
            self._left[account] = msgspec.structs.replace(self._left[account], warned=True)
