"""Which accounts share mailboxes with which users (IMAP-157). The rights themselves are in the accounts' own files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.mail.acl import ANYONE
from moxlite.wakeup import Alarm

MAX_OWNERS: Final = 200
"""Maximum number of accounts whose shared mailboxes one user sees: LIST opens them all."""

GUESTS: Final = "SELECT guest FROM shared WHERE owner = ?"
DROP_GUESTS: Final = "DELETE FROM shared WHERE owner = ?"
ADD_GUEST: Final = "INSERT INTO shared (owner, guest) VALUES (?, ?)"
OWNERS: Final = "SELECT DISTINCT owner FROM shared WHERE guest IN (?1, ?2) AND owner <> ?1 ORDER BY owner LIMIT ?3"
ADD_NUMBER: Final = "INSERT INTO owner_number (owner) VALUES (?) ON CONFLICT (owner) DO NOTHING"
NUMBERED: Final = """
SELECT DISTINCT s.owner, n.number FROM shared s JOIN owner_number n ON n.owner = s.owner
WHERE s.guest IN (?1, 'anyone') AND s.owner <> ?1 ORDER BY s.owner LIMIT ?2"""
OWNER_OF_NUMBER: Final = "SELECT owner FROM owner_number WHERE number = ?"
SHARES: Final = "SELECT 1 FROM shared WHERE owner = ?1 AND guest IN (?2, 'anyone') AND ?1 <> ?2"


class SharedAccounts:
    """Pairs of owner and guest in ``auth.db``. All methods raise StoreError.

    Args:
      database: gives the open file; raises StoreError without one.

    Attributes:
      changes: number of changes of pairs since the start.
      alarms: set at each change.
    """

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self.changes = 0
        self.alarms: set[Alarm] = set()

    async def set_guests(self, owner: str, guests: Iterable[str]) -> bool:
        """Store which users an account has given rights to, as in its own file (`acl.guests`); False if unchanged."""
        wanted = set(guests)

        def known(r: Reader) -> bool:
            return {guest for (guest,) in r.rows(GUESTS, owner)} == wanted

        def unit(tx: Tx) -> None:
            tx.execute(DROP_GUESTS, owner)
            tx.executemany(ADD_GUEST, [(owner, guest) for guest in sorted(wanted)])
            if wanted:
                tx.execute(ADD_NUMBER, owner)

        if await self._database().read(known, op="shared"):
            return False
        await self._database().write(unit)
        self.changes += 1
        for alarm in self.alarms:
            alarm.set()
        return True

    async def owners(self, guest: str, *, anyone: bool = True) -> list[str]:
        """Accounts that may share something with `guest`, by name, `MAX_OWNERS` at most; without `anyone` only accounts
        that give rights to `guest` by name. The rights themselves are in the accounts' own files.
        """
        rows = await self._database().read(
            lambda r: r.rows(OWNERS, guest, ANYONE if anyone else guest, MAX_OWNERS), op="shared"
        )
        return [owner for (owner,) in rows]

    async def numbered_owners(self, guest: str, limit: int) -> list[tuple[str, int]]:
        """As `owners`, `limit` at most, each with its number (WEBMAIL-62)."""
        return await self._database().read(lambda r: r.rows(NUMBERED, guest, limit), op="shared")

    async def owner_of(self, number: int) -> str | None:
        """The account of this number, or None. Whether it shares anything with the caller is not checked."""
        row = await self._database().read(lambda r: r.row(OWNER_OF_NUMBER, number), op="shared")
        return None if row is None else row[0]

    async def may_share(self, owner: str, guest: str) -> bool:
        """Whether `owners` of `guest` would name `owner`."""
        row = await self._database().read(lambda r: r.row(SHARES, owner, guest), op="shared")
        return row is not None
