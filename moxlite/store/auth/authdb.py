"""``auth.db``: web sessions, log-in attempts, keys of client certificates, account removals, the audit log
(STORE-104..106, STORE-140, WEB-160), second factors (STORE-109), and which accounts share mailboxes (IMAP-157).

`AuthDB` is the interface of the file to the rest of the program. The SQL is in plain functions of sessions.py,
loginattempts.py and tlskeys.py.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import trio

from moxlite.store.auth import audit, devicetokens, factors, loginattempts, sessions, tlskeys
from moxlite.store.auth.factorsdb import FactorsDB
from moxlite.store.auth.loginattempts import AppUse, LoginAttempt, MainPasswordUse, RecordedAttempt
from moxlite.store.auth.memorysessions import MemorySessions
from moxlite.store.auth.sessions import Session, SessionStolen, SessionTokens
from moxlite.store.auth.tlskeys import TLSKey
from moxlite.store.errors import StorageBroken, StorageBusy, StorageFull, StoreError
from moxlite.store.file.database import Database, Kind
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.mail.acl import ANYONE
from moxlite.store.options import Options
from moxlite.supervision import Supervisor
from moxlite.wakeup import Alarm

__all__ = ["MAX_OWNERS", "AuthDB"]

logger = logging.getLogger("moxlite.store.auth")

UPKEEP: Final = 3600.0
"""Seconds between two removals of expired rows."""

NOTE_REMOVAL: Final = "INSERT INTO account_removal (account, requested) VALUES (?, ?) ON CONFLICT DO NOTHING"
REMOVALS: Final = "SELECT account FROM account_removal ORDER BY requested, account"
END_REMOVAL: Final = (
    "DELETE FROM login_attempt WHERE account = ?",
    "DELETE FROM shared WHERE owner = ?",
    "DELETE FROM shared WHERE guest = ?",
    "DELETE FROM owner_number WHERE owner = ?",
    "DELETE FROM account_removal WHERE account = ?",
)
MAX_ID: Final = (1 << 63) - 1

MAX_OWNERS: Final = 200
"""Maximum number of accounts whose shared mailboxes one user sees: LIST opens them all."""

MAX_SUCCESSES: Final = 50_000
"""Pairs of account and address that are read at the start, as many as `logins.guessing` remembers."""

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


def _now() -> int:
    return time.time_ns() // 1000


class AuthDB:
    """The open file. Without `start` no log-in attempt is written.

    `factors` has the second factors, `audit` the log of changes. `sharing` counts changes of the pairs of accounts that
    share mailboxes; `sharing_alarms` are set at each.
    """

    def __init__(self, database: Database | StoreError) -> None:
        """For `open`. With the error of a failed `open` instead of a database, the object is out of service: calls that
        need the file raise StorageBroken, and web sessions are kept in memory.
        """
        self._database = database
        self._recorder = loginattempts.attempt_recorder(lambda: self.database)
        self._in_memory = MemorySessions()
        self.factors = FactorsDB(lambda: self.database)
        self.audit = audit.AuditLog(lambda: self.database)
        self.sharing = 0
        self.sharing_alarms: set[Alarm] = set()

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
        tree.start("store.auth-recorder", self._recorder.serve)
        if not isinstance(self._database, Database):
            return
        tree.start("store.auth-database", self._database.serve)
        tree.start("store.auth-upkeep", self._upkeep)

    async def aclose(self) -> None:
        """Close the file; after the tasks of `start` have ended."""
        if isinstance(self._database, Database):
            await self._database.aclose()

    async def _upkeep(self) -> None:
        """Remove expired rows, for ever. Errors: StoreError propagates."""
        while True:
            await self.database.write(_drop_old)
            await trio.sleep(UPKEEP)

    # Sessions (STORE-105)

    async def add_session(
        self, app: str, account: str, address: str, *, remote_ip: str = "", user_agent: str = "", device: bool = False
    ) -> SessionTokens:
        """Begin a session after a successful log-in; returns its tokens, once it is durable. If the file cannot be
        written, the session is kept in memory (STORE-105a), so that users can still log in; it is no device session
        then.
        """
        origin = {"remote_ip": remote_ip, "user_agent": user_agent}
        try:
            return await self.database.write(
                lambda tx: sessions.add_session(tx, app, account, address, **origin, device=device)
            )
        except (StorageFull, StorageBusy, StorageBroken) as error:
            logger.warning("web session kept in memory", extra={"kv": {"account": account, "err": str(error)}})
            return self._in_memory.add(app, account, address, now=_now(), **origin)

    async def use_session(
        self, token: str, app: str, account: str, *, csrf: str | None = None, remote_ip: str = "", renew: bool = False
    ) -> Session:
        """The session of a request, whose life is extended; that is written every 5 minutes at most.

        With `renew` the browser can be given a new token, and a device session may have one (`Session.renewed`).

        Raises:
          NoSession, SessionExpired, SessionStolen, BadCSRF: see sessions.py.
        """
        now = _now()
        if (kept := self._in_memory.use(token, app, account, now=now, csrf=csrf)) is not None:
            return kept
        try:
            session, use = await self.database.read(
                lambda r: devicetokens.find_use(r, token, app, account, now=now, csrf=csrf), op="session"
            )
        except SessionStolen as error:
            await _end_stolen(self.database, error.session, remote_ip)
            raise
        try:
            if sessions.needs_extension(session, now):
                await self.database.write(lambda tx: sessions.extend_session(tx, session, remote_ip))
            if use == "settled":
                await self.database.write(lambda tx: devicetokens.take_over(tx, session.id, token))
            elif use == "current" and renew and devicetokens.is_due(session, now):
                following = await self.database.write(lambda tx: devicetokens.next_token(tx, session.id, token))
                return msgspec.structs.replace(session, renewed=following)
        except (StorageFull, StorageBusy, StorageBroken) as error:  # the stored expiry and token still hold
            logger.warning("use of a web session not noted", extra={"kv": {"account": account, "err": str(error)}})
        return session

    async def sessions(self, account: str) -> list[Session]:
        """The living sessions of an account, last used first."""
        now = _now()
        stored = await self.database.read(lambda r: sessions.sessions_of(r, account, now=now), op="sessions")
        return self._in_memory.of(account, now=now) + stored

    async def remove_session(self, account: str, session_id: int) -> bool:
        """End one session; False if the account has no session of that id."""
        if self._in_memory.remove(account, session_id):
            return True
        return await self.database.write(lambda tx: sessions.remove_session(tx, account, session_id))

    async def remove_sessions(self, account: str, *, keep_token: str | None = None, devices: bool = False) -> int:
        """End all sessions of an account, but that of `keep_token`, or with `devices` only device sessions; returns how
        many (STORE-102, WEB-59).
        """
        ended = 0 if devices else self._in_memory.remove_all(account, keep_token=keep_token)
        return ended + await self.database.write(
            lambda tx: sessions.remove_sessions(tx, account, keep_token=keep_token, devices=devices)
        )

    # Log-in attempts (STORE-106)

    def record(self, attempt: LoginAttempt) -> None:
        """Queue an attempt for the writer; never waits, and drops it if a hundred wait already."""
        if not self._recorder.record(attempt):
            logger.debug("log-in attempt not recorded", extra={"kv": {"protocol": attempt.protocol}})

    async def attempts(self, account: str | None = None, *, limit: int = 10) -> list[RecordedAttempt]:
        """The newest attempts of an account (or `UNKNOWN`, `ADMIN`), or of all."""
        return await self.database.read(
            lambda r: loginattempts.attempts_of(r, account, limit=limit), op="login_attempts"
        )

    async def main_password_uses(self, account: str) -> list[MainPasswordUse]:
        """As `loginattempts.main_password_uses`."""
        return await self.database.scan(
            partial(loginattempts.main_password_uses, account=account), op="main_password_uses"
        )

    async def attempts_page(
        self, account: str, *, limit: int, last: int = MAX_ID, before: int = MAX_ID
    ) -> list[RecordedAttempt]:
        """Attempts of an account, the newest first: `limit` after the one with this time and id (WEB-70)."""
        return await self.database.read(
            lambda r: loginattempts.attempts_page(r, account, limit, last, before), op="login_attempts"
        )

    async def app_uses(self, account: str) -> list[AppUse]:
        """The latest use of each app password of an account within 30 days (WEB-150)."""
        return await self.database.scan(partial(loginattempts.app_uses, account=account), op="app_uses")

    async def successes(self, *, limit: int = MAX_SUCCESSES) -> list[tuple[str, str]]:
        """Accounts and the addresses at which a log-in succeeded within 30 days, the latest last."""
        return await self.database.scan(partial(loginattempts.successes_of, limit=limit), op="login_successes")

    async def last_logins(self, accounts: Iterable[str]) -> dict[str, tuple[int, str]]:
        """The last successful log-in of each account that has one: µs UTC, and the protocol."""
        return await self.database.read(lambda r: loginattempts.last_logins_of(r, accounts), op="last_logins")

    # Keys of client certificates (STORE-104)

    async def add_key(self, key: TLSKey) -> TLSKey:
        """Store a key from `tlskeys.read_certificate`. Raises KeyExists."""
        return await self.database.write(lambda tx: tlskeys.add_key(tx, key))

    async def find_key(self, fingerprint: str) -> TLSKey | None:
        """The key with this fingerprint, or None."""
        return await self.database.read(lambda r: tlskeys.find_key(r, fingerprint), op="tls_key")

    async def keys(self, account: str | None = None) -> list[TLSKey]:
        """The keys of an account, or of all."""
        return await self.database.read(lambda r: tlskeys.keys_of(r, account), op="tls_keys")

    async def change_key(
        self, account: str, fingerprint: str, *, name: str, no_imap_preauth: bool, login_address: str
    ) -> bool:
        """Change the settings of a key; False if the account has no key of that fingerprint."""
        return await self.database.write(
            lambda tx: tlskeys.change_key(
                tx, account, fingerprint, name=name, no_imap_preauth=no_imap_preauth, login_address=login_address
            )
        )

    async def remove_key(self, account: str, fingerprint: str) -> bool:
        """Delete a key; False if the account has no key of that fingerprint."""
        return await self.database.write(lambda tx: tlskeys.remove_key(tx, account, fingerprint))

    # Removal of accounts (STORE-140)

    async def begin_removal(self, account: str) -> None:
        """Store that an account is to be removed; its sessions, keys and second factors are deleted at once."""

        def unit(tx: Tx) -> None:
            tx.execute(NOTE_REMOVAL, account, tx.now)
            sessions.remove_sessions(tx, account)
            tlskeys.remove_keys(tx, account)
            factors.drop_factors(tx, account)
            factors.drop_links(tx, account)

        self._in_memory.remove_all(account)
        await self.database.write(unit)

    async def removals(self) -> list[str]:
        """Accounts whose removal was begun and has not ended."""
        return await self.database.read(lambda r: [name for (name,) in r.rows(REMOVALS)], op="removals")

    async def end_removal(self, account: str) -> None:
        """Delete the remaining rows about an account whose files have been deleted."""

        def unit(tx: Tx) -> None:
            for sql in END_REMOVAL:
                tx.execute(sql, account)

        await self.database.write(unit)

    # Accounts and the users they share mailboxes with (IMAP-157)

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

        if await self.database.read(known, op="shared"):
            return False
        await self.database.write(unit)
        self.sharing += 1
        for alarm in self.sharing_alarms:
            alarm.set()
        return True

    async def owners(self, guest: str, *, anyone: bool = True) -> list[str]:
        """Accounts that may share something with `guest`, by name, `MAX_OWNERS` at most; without `anyone` only accounts
        that give rights to `guest` by name. The rights themselves are in the accounts' own files.
        """
        rows = await self.database.read(
            lambda r: r.rows(OWNERS, guest, ANYONE if anyone else guest, MAX_OWNERS), op="shared"
        )
        return [owner for (owner,) in rows]

    async def numbered_owners(self, guest: str, limit: int) -> list[tuple[str, int]]:
        """As `owners`, `limit` at most, each with its number (WEBMAIL-62)."""
        return await self.database.read(lambda r: r.rows(NUMBERED, guest, limit), op="shared")

    async def owner_of(self, number: int) -> str | None:
        """The account of this number, or None. Whether it shares anything with the caller is not checked."""
        row = await self.database.read(lambda r: r.row(OWNER_OF_NUMBER, number), op="shared")
        return None if row is None else row[0]

    async def may_share(self, owner: str, guest: str) -> bool:
        """Whether `owners` of `guest` would name `owner`."""
        row = await self.database.read(lambda r: r.row(SHARES, owner, guest), op="shared")
        return row is not None


async def _end_stolen(database: Database, session: Session, remote_ip: str) -> None:
    """End a session of which an earlier token was used, unless that has been done. Raises StoreError."""
    if session.expires > _now():
        await database.write(lambda tx: devicetokens.end_stolen(tx, session.id))
        kv = {"account": session.account, "remote": remote_ip, "browser": session.user_agent}
        logger.warning("device session ended: an earlier token was used", extra={"kv": kv})


def _drop_old(tx: Tx) -> None:
    sessions.drop_expired(tx)
    loginattempts.drop_old(tx)
    factors.drop_links(tx)
    audit.drop_old(tx)
