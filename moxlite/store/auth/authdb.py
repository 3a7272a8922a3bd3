"""``auth.db``: web sessions, log-in attempts, keys of client certificates, account removals, the audit log
(STORE-104..106, STORE-140, WEB-160), second factors (STORE-109), which accounts share mailboxes (IMAP-157), which
have addresses to give away (MASK-3), tokens of the admin API (WEB-168), which accounts have another server's
password hash (STORE-100b), who logs in by a login provider (WEB-181), which addresses there were (WEB-186), and
the answers to calls that may be repeated (WEB-61b).

`AuthDB` is the interface of the file to the rest of the program: what concerns the file as a whole is here, each table
is in a module of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec
import trio

from moxlite.store.auth import audit, factors, loginattempts, providerbindings, sessions, tlskeys
from moxlite.store.auth.admintokens import AdminTokens
from moxlite.store.auth.factors import FactorsDB
from moxlite.store.auth.foreignpasswords import ForeignPasswords
from moxlite.store.auth.loginattempts import LoginAttempts
from moxlite.store.auth.maskedindex import MaskedIndex
from moxlite.store.auth.providerbindings import ProviderBindings
from moxlite.store.auth.tlskeys import TLSKeys
from moxlite.store.auth.websessions import WebSessions
from moxlite.store.errors import StorageBroken, StoreError
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind
from moxlite.store.file.traces import TRACES
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.mail.sharenotices import ANYONE
from moxlite.store.options import DAY, Options
from moxlite.supervision import Supervisor
from moxlite.wakeup import Alarm

logger = logging.getLogger("moxlite.store.auth")

UPKEEP: Final = 3600.0
"""Seconds between two removals of expired rows."""

NOTE_REMOVAL: Final = "INSERT INTO account_removal (account, requested) VALUES (?, ?) ON CONFLICT DO NOTHING"
REMOVALS: Final = "SELECT account FROM account_removal ORDER BY requested, account"


class AuthDB:
    """The open file. Without `start` no log-in attempt is written.

    Each table has an object: `sessions`, `attempts`, `keys` of client certificates, second `factors`, the `audit` log,
    `sharing`, the pairs of accounts that share mailboxes, `masked`, the index of addresses to give away,
    `admin_tokens`, `foreign`, the accounts with another server's hash, `bindings`, the people of a login provider,
    `addresses`, which there are or were, `answers` to calls.
    """

    def __init__(self, database: Database | StoreError) -> None:
        """For `open`. With the error of a failed `open` instead of a database, the object is out of service: calls that
        need the file raise StorageBroken, and web sessions are kept in memory.
        """
        self._database = database
        self.sessions = WebSessions(lambda: self.database)
        self.attempts = LoginAttempts(lambda: self.database)
        self.keys = TLSKeys(lambda: self.database)
        self.factors = FactorsDB(lambda: self.database)
        self.audit = audit.AuditLog(lambda: self.database)
        self.sharing = SharedAccounts(lambda: self.database)
        self.masked = MaskedIndex(lambda: self.database)
        self.admin_tokens = AdminTokens(lambda: self.database)
        self.foreign = ForeignPasswords(lambda: self.database)
        self.bindings = ProviderBindings(lambda: self.database)
        self.addresses = KnownAddresses(lambda: self.database)
        self.answers = KeptAnswers(lambda: self.database)

    @classmethod
    async def open(cls, path: Path, options: Options, *, create: bool = False) -> AuthDB:
        """Open the file, or with `create` make it where it is missing. Raises as `Database.open`."""
        return cls(await Database.open(path, Kind.AUTH, options=options, create=create))

    @property
    def database(self) -> Database:
        """The file. Raises StorageBroken while it is out of service."""
        if isinstance(self._database, Database):
            return self._database
        raise StorageBroken(str(self._database))

    @property
    def in_service(self) -> bool:
        """Whether the file could be opened."""
        return isinstance(self._database, Database)

    @property
    def broken(self) -> str:
        """Why the file is out of service or degraded; empty if it is well."""
        return self._database.health.broken if isinstance(self._database, Database) else str(self._database)

    def start(self, tree: Supervisor) -> None:
        """Write log-in attempts, remove expired rows and give idle memory back, as tasks of `tree`."""
        tree.start("store.auth-recorder", self.attempts.recorder.serve)
        if not isinstance(self._database, Database):
            return
        tree.start("store.auth-database", self._database.serve)
        tree.start("store.auth-upkeep", self._upkeep)

    async def aclose(self) -> None:
        """Close the file; after the tasks of `start` have ended."""
        if isinstance(self._database, Database):
            await self._database.aclose()

    async def _upkeep(self) -> None:
        """Remove expired rows while the clock is steady, for ever. Errors: StoreError propagates."""
        while True:
            if self.database.options.steady():
                await self.database.write(_drop_old)
            await trio.sleep(UPKEEP)

    # Removal of accounts (STORE-140)

    async def begin_removal(self, account: str) -> None:
        """Store that an account is to be removed; its sessions, keys and second factors are deleted at once."""

        def unit(tx: Tx) -> None:
            tx.execute(NOTE_REMOVAL, account, tx.now)
            sessions.remove_sessions(tx, account)
            tlskeys.remove_keys(tx, account)
            factors.drop_factors(tx, account)
            factors.drop_links(tx, account)
            providerbindings.drop_bindings(tx, account)

        try:
            await self.database.write(unit)
        finally:
            await self.sessions.forget(account)
        await self.foreign.leave(account)

    async def removals(self) -> list[str]:
        """Accounts whose removal was begun and has not ended."""
        return await self.database.read(lambda r: [name for (name,) in r.rows(REMOVALS)], op="removals")

    async def end_removal(self, account: str) -> None:
        """Delete the remaining rows about an account whose files have been deleted."""

        def unit(tx: Tx) -> None:
            for sql in TRACES[Kind.AUTH].values():
                tx.execute(sql, account)

        await self.database.write(unit)


def _drop_old(tx: Tx) -> None:
    sessions.drop_expired(tx)
    loginattempts.drop_old(tx)
    factors.drop_links(tx)
    audit.drop_old(tx)
    tx.execute(DROP_ANSWERS, tx.now - KEPT_FOR)


# Which accounts share mailboxes with which users (IMAP-157). The rights themselves are in the accounts' own files.


MAX_OWNERS: Final = 200
"""Maximum number of accounts whose shared mailboxes one user sees: LIST opens them all."""

GUESTS: Final = "SELECT guest FROM shared WHERE owner = ?"
DROP_GUESTS: Final = "DELETE FROM shared WHERE owner = ?"
ADD_GUEST: Final = "INSERT INTO shared (owner, guest) VALUES (?, ?)"
OWNERS: Final = "SELECT DISTINCT owner FROM shared WHERE guest IN (?1, ?2) AND owner <> ?1 ORDER BY owner LIMIT ?3"
PAIRS: Final = "SELECT owner, guest FROM shared ORDER BY owner, guest"
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
        self.note_change()
        return True

    def note_change(self) -> None:
        """Note that pairs have changed."""
        self.changes += 1
        for alarm in self.alarms:
            alarm.set()

    async def guests(self, owner: str) -> set[str]:
        """The users to whom an account has given rights, as `set_guests` stored them."""
        return {guest for (guest,) in await self._database().read(lambda r: r.rows(GUESTS, owner), op="shared")}

    async def pairs(self) -> list[tuple[str, str]]:
        """All pairs of owner and guest, or `ANYONE`, by name."""
        return await self._database().scan(lambda r: r.rows(PAIRS), op="shared")

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


# Addresses that accounts and aliases have or have had (WEB-186). One is noted when it appears, so that an address which
# leaves the configuration while the server is down is known, too.


NOTE_ADDRESS: Final = "INSERT INTO known_address (address) VALUES (?) ON CONFLICT DO NOTHING"
KNOWN_ADDRESS: Final = "SELECT 1 FROM known_address WHERE address = ?"


class KnownAddresses:
    """The addresses, in their canonical form. All methods raise StoreError.

    Args:
      database: gives the open file; raises StoreError without one.
    """

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database

    async def note(self, addresses: Iterable[str]) -> None:
        """Note addresses, which may be known already."""

        def unit(tx: Tx) -> None:
            for address in addresses:
                tx.execute(NOTE_ADDRESS, address)

        await self._database().write(unit)

    async def has(self, address: str) -> bool:
        """Whether an account or alias has or had an address."""
        return await self._database().read(lambda r: r.row(KNOWN_ADDRESS, address), op="known-address") is not None


# Answers to calls of the web apps that make or send something, by the ids that their callers chose (WEB-61b).


KEPT_FOR: Final = DAY
"""µs for which an answer is kept: a page repeats a call for minutes, a program perhaps after its own restart."""

MOST_ANSWERS: Final = 1_000
"""Answers that are kept for one actor, the newest: far more than a person causes in a day."""

MOST_OCTETS: Final = 16 * 1024
"""Octets of an answer. Most have an id; a longer one is not kept, and then a repetition is told so."""

ANSWER: Final = "SELECT begun, request, result FROM kept_answer WHERE key = ? AND begun > ?"
FORGET_ANSWER: Final = "DELETE FROM kept_answer WHERE key = ?"
BEGIN_ANSWER: Final = "INSERT INTO kept_answer (key, account, begun, request) VALUES (?, ?, ?, ?)"
KEEP_ANSWER: Final = "UPDATE kept_answer SET result = ? WHERE key = ?"
DROP_ANSWERS: Final = "DELETE FROM kept_answer WHERE begun <= ?"
DROP_SURPLUS: Final = """
DELETE FROM kept_answer WHERE id IN (SELECT id FROM kept_answer WHERE account = ? ORDER BY id DESC LIMIT 10 OFFSET ?)"""


class KeptAnswer(msgspec.Struct, frozen=True):
    """What is known of an earlier call: when it began (µs UTC), the SHA-256 of its request, and its result; None: it
    did not end, or the result is not kept.
    """

    begun: int
    request: bytes
    result: bytes | None


class KeptAnswers:
    """The answers. All methods raise StoreError.

    Args:
      database: gives the open file; raises StoreError without one.
    """

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database

    async def begin(self, key: bytes, actor: str, request: bytes) -> KeptAnswer | None:
        """Note that a call begins, before it changes anything; or return what is known of an earlier one."""

        def unit(tx: Tx) -> KeptAnswer | None:
            row = tx.row(ANSWER, key, tx.now - KEPT_FOR)
            if row is not None:
                return KeptAnswer(*row)
            tx.execute(FORGET_ANSWER, key)
            tx.execute(BEGIN_ANSWER, key, actor, tx.now, request)
            tx.execute(DROP_SURPLUS, actor, MOST_ANSWERS)
            return None

        return await self._database().write(unit)

    async def keep(self, key: bytes, result: bytes) -> None:
        """Keep the result of a call."""
        if len(result) <= MOST_OCTETS:
            await self._database().write(lambda tx: tx.execute(KEEP_ANSWER, result, key))

    async def forget(self, key: bytes) -> None:
        """Forget a call that was refused: it has made nothing, and may be made again."""
        await self._database().write(lambda tx: tx.execute(FORGET_ANSWER, key))
