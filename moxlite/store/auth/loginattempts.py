"""Log-in attempts in ``auth.db`` (STORE-106, SMTP-64, IMAP-26, WEB-58).

Attempts come from every protocol and must never delay a log-in: they pass a short queue, and one task writes all that
wait in one unit. Equal attempts share a row, so that a flood of the same guess costs one row and a counter.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.encoding import to_json
from moxlite.metrics import Counter
from moxlite.store.file.database import Database
from moxlite.store.file.recorder import Recorder
from moxlite.store.file.transaction import Reader, Tx

logger = logging.getLogger("moxlite.store.auth")

UNKNOWN: Final = "-"
"""Recorded instead of an account if the address belongs to no account."""

ADMIN: Final = "(admin)"
"""Recorded instead of an account for log-ins to the administrator's pages."""

QUEUE_SIZE: Final = 100
"""Attempts waiting for the writer; further ones are dropped and counted (STORE-106, STORE-163)."""

MAX_FIELD: Final = 256
"""Characters stored of a field; a client sends any name and user agent it likes (STORE-163)."""

MAX_FAILED: Final = 10_000
"""Failed rows of one account (STORE-106)."""

MAX_SUCCEEDED: Final = 10_000
"""Other rows of one account: a script may give each request a user agent of its own, and so make a row by each."""

RETENTION: Final = 30 * 24 * 3600 * 1_000_000
"""Microseconds a row is kept after its last attempt (STORE-106)."""

AttemptResult: TypeAlias = Literal[
    "ok",
    "baduser",
    "badpassword",
    "badcreds",
    "badchanbind",
    "badprotocol",
    "logindisabled",
    "notpermitted",
    "factorneeded",
    "badfactor",
    "error",
    "aborted",
]

PROTOCOLS: Final[Mapping[str, str]] = {
    "smtp": "SMTP",
    "submission": "sending mail",
    "imap": "IMAP",
    "webmail": "webmail",
    "webaccount": "account page",
    "webadmin": "admin app",
    "webapi": "web API",
    "dav": "calendars and contacts",
    "jmap": "JMAP",
    "managesieve": "ManageSieve",
    "addresses": "password managers",
    "website": "protected website",
}
"""Protocols and apps of log-ins, for people."""

dropped_total: Final = Counter(
    "moxlite_store_login_attempts_dropped_total", "Login attempts not recorded because too many were waiting."
)

MAX_ID: Final = (1 << 63) - 1
"""The largest id of SQLite: as the place before which a page begins, the newest row."""

MAX_SUCCESSES: Final = 50_000
"""Pairs of account and address that are read at the start, as many as `logins.guessing` remembers."""


class LoginAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt as a protocol reports it. `tls` is version and cipher as text, `tls_key` the fingerprint of the
    client's key, `app_password` the name of the app password that was right, "" for none (STORE-191).
    """

    result: AttemptResult
    protocol: str
    mechanism: str
    account: str = UNKNOWN
    address: str = ""
    remote_ip: str = ""
    local_ip: str = ""
    tls: str = ""
    tls_key: str = ""
    user_agent: str = ""
    app_password: str = ""


class RecordedAttempt(msgspec.Struct, frozen=True):
    """A row: equal attempts between `first` and `last`, µs UTC."""

    id: int
    account: str
    address: str
    remote_ip: str
    local_ip: str
    tls: str
    tls_key: str
    protocol: str
    user_agent: str
    mechanism: str
    result: str
    first: int
    last: int
    count: int
    app_password: str


RECORD: Final = """
INSERT INTO login_attempt
  (fingerprint, account, address, remote_ip, local_ip, tls, tls_key, protocol, user_agent, mechanism, result,
  app_password, first, last, count)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
ON CONFLICT (fingerprint) DO UPDATE SET last = max(last, excluded.last), count = count + 1 RETURNING count"""
# Treat attempts with future timestamps as made now (?2). Otherwise they'd stay, and each new one would be deleted.
DROP_FAILED: Final = """
DELETE FROM login_attempt WHERE id IN (SELECT id FROM login_attempt WHERE account = ?1 AND result <> 'ok'
  ORDER BY min(last, ?2) DESC, id DESC LIMIT -1 OFFSET ?3)"""
DROP_SUCCEEDED: Final = """
DELETE FROM login_attempt WHERE id IN (SELECT id FROM login_attempt WHERE account = ?1 AND result = 'ok'
  ORDER BY min(last, ?2) DESC, id DESC LIMIT -1 OFFSET ?3)"""
DROP_OLD: Final = "DELETE FROM login_attempt WHERE last < ?"
COLUMNS: Final = (
    "id, account, address, remote_ip, local_ip, tls, tls_key, protocol, user_agent, mechanism, result, first, last, "
    "count, app_password"
)
LIST: Final = f"SELECT {COLUMNS} FROM login_attempt WHERE account = ? ORDER BY last DESC LIMIT ?"  # noqa: S608 - constants
LIST_ALL: Final = f"SELECT {COLUMNS} FROM login_attempt ORDER BY last DESC LIMIT ?"  # noqa: S608 - constants
PAGE: Final = f"""
SELECT {COLUMNS} FROM login_attempt WHERE account = ?1 AND (last, id) < (?2, ?3) ORDER BY last DESC, id DESC LIMIT ?4"""  # noqa: S608 - constants
APP_USES: Final = """
SELECT app_password, remote_ip, protocol, max(last) FROM login_attempt
WHERE account = ? AND result = 'ok' AND app_password <> '' GROUP BY app_password"""
# with max() the other columns are of that row (sqlite.org/lang_select.html, "bare columns")
KEY_USES: Final = """
SELECT tls_key, remote_ip, protocol, max(last) FROM login_attempt
WHERE account = ? AND result = 'ok' AND mechanism IN ('tlsclientauth', 'external') AND tls_key <> '' GROUP BY tls_key"""
PRESENTED: Final = """
SELECT 1 FROM login_attempt WHERE account = ? AND last BETWEEN ? AND ? AND result = 'ok' AND tls_key = ? LIMIT 1"""

SUCCESSES: Final = """
SELECT account, remote_ip FROM login_attempt WHERE result = 'ok' GROUP BY account, remote_ip
ORDER BY max(last) DESC LIMIT ?"""

PLACES: Final = """
SELECT account, remote_ip, min(first) FROM login_attempt WHERE result = 'ok' GROUP BY account, remote_ip LIMIT ?"""

LAST: Final = """
SELECT account, max(last), protocol FROM login_attempt
WHERE result = 'ok' AND account IN (SELECT value FROM json_each(?)) GROUP BY account"""


WITHHELD: Final = """
SELECT account, remote_ip, max(last) AS at FROM login_attempt
WHERE result = 'notpermitted' AND app_password = '' AND last > ?
GROUP BY account, remote_ip ORDER BY at DESC LIMIT ?"""

OWN_USES: Final = """
SELECT protocol, user_agent, remote_ip, max(last) AS at FROM login_attempt
WHERE account = ? AND result = 'ok' AND app_password = ''
AND protocol IN ('imap', 'submission', 'smtp', 'webapi', 'jmap')
AND mechanism NOT IN ('tlsclientauth', 'external')
GROUP BY protocol, user_agent, remote_ip ORDER BY at DESC LIMIT ?"""


def record(tx: Tx, attempts: Iterable[LoginAttempt]) -> None:
    """Write attempts; an account keeps its newest `MAX_FAILED` failed rows, and `MAX_SUCCEEDED` others."""
    failed: set[str] = set()
    succeeded: set[str] = set()
    for attempt in attempts:
        fields = [
            value[:MAX_FIELD]
            for value in (
                attempt.account,
                attempt.address,
                attempt.remote_ip,
                attempt.local_ip,
                attempt.tls,
                attempt.tls_key,
                attempt.protocol,
                attempt.user_agent,
                attempt.mechanism,
                attempt.result,
                attempt.app_password,
            )
        ]
        # Of the cut fields, so that what differs only beyond the cut shares a row. A program that tries the same thing
        # all day is one row with a count.
        fingerprint = hashlib.sha256("\0".join(fields).encode("utf-8", "replace")).digest()[:16]
        # a row that is not new makes no row too many: most log-ins are like one of before
        if tx.value(RECORD, fingerprint, *fields, tx.now, tx.now) == 1:
            (succeeded if attempt.result == "ok" else failed).add(fields[0])
    # Once for each account, not for each attempt: a guesser's hundred attempts wait for the same unit.
    for account in failed:
        tx.execute(DROP_FAILED, account, tx.now, MAX_FAILED)
    for account in succeeded:
        tx.execute(DROP_SUCCEEDED, account, tx.now, MAX_SUCCEEDED)


def attempts_of(r: Reader, account: str | None = None, *, limit: int = 10) -> list[RecordedAttempt]:
    """The newest rows of an account, or of all."""
    rows = r.rows(LIST_ALL, limit) if account is None else r.rows(LIST, account, limit)
    return [RecordedAttempt(*row) for row in rows]


class MainPasswordUse(msgspec.Struct, frozen=True):
    """The latest log-in of a mail program with the account's own password; `last` in µs UTC."""

    protocol: str
    user_agent: str
    remote_ip: str
    last: int


def main_password_uses_of(r: Reader, account: str, limit: int = 50) -> list[MainPasswordUse]:
    """Mail programs and scripts that used the account's own password within 30 days, the latest first (WEB-151)."""
    return [MainPasswordUse(*row) for row in r.rows(OWN_USES, account, limit)]


def attempts_after(r: Reader, account: str, limit: int, last: int, before: int) -> list[RecordedAttempt]:
    """Rows of an account, the newest first, after the row with this `last` (µs UTC) and id in that order."""
    return [RecordedAttempt(*row) for row in r.rows(PAGE, account, last, before, limit)]


class WithheldPassword(msgspec.Struct, frozen=True):
    """The latest attempt from an address with a right own password where app passwords are demanded; µs UTC."""

    account: str
    remote_ip: str
    last: int


def withheld_of(r: Reader, since: int, limit: int = 1000) -> list[WithheldPassword]:
    """Right own passwords that were refused since then (µs UTC), the latest first (SMTP-57a)."""
    return [WithheldPassword(*row) for row in r.rows(WITHHELD, since, limit)]


def protocol_words(protocol: str) -> str:
    """The protocol or app of a log-in."""
    return PROTOCOLS.get(protocol, protocol)


class AppUse(msgspec.Struct, frozen=True):
    """The latest log-in with an app password, within the last 30 days; `last` in µs UTC."""

    app_password: str
    remote_ip: str
    protocol: str
    last: int


def app_uses_of(r: Reader, account: str) -> list[AppUse]:
    """The latest use of each app password of an account, also of revoked ones."""
    return [AppUse(*row) for row in r.rows(APP_USES, account)]


class KeyUse(msgspec.Struct, frozen=True):
    """The latest log-in with a client certificate, by its key, within the last 30 days; `last` in µs UTC."""

    fingerprint: str
    remote_ip: str
    protocol: str
    last: int


def key_uses_of(r: Reader, account: str) -> list[KeyUse]:
    """The latest use of each key of an account, also of removed ones."""
    return [KeyUse(*row) for row in r.rows(KEY_USES, account)]


def presented(r: Reader, account: str, fingerprint: str, since: int, until: int) -> bool:
    """Whether a connection that logged in to an account between these times (µs UTC) had this key in its handshake."""
    return r.row(PRESENTED, account, since, until, fingerprint) is not None


def successes_of(r: Reader, limit: int) -> list[tuple[str, str]]:
    """Accounts and the addresses at which a log-in succeeded, the latest last."""
    return [(row[0], row[1]) for row in reversed(r.rows(SUCCESSES, limit))]


def places_of(r: Reader, limit: int) -> list[tuple[str, str, int]]:
    """Accounts, the addresses at which a log-in succeeded within 30 days, and when that was first (µs UTC)."""
    return [(row[0], row[1], row[2]) for row in r.rows(PLACES, limit)]


def last_logins_of(r: Reader, accounts: Iterable[str]) -> dict[str, tuple[int, str]]:
    """The last successful log-in of each account that has one: µs UTC, and the protocol."""
    wanted = to_json(list(accounts)).decode()
    return {row[0]: (row[1], row[2]) for row in r.rows(LAST, wanted)}


def drop_old(tx: Tx) -> None:
    """Remove rows whose last attempt is 30 days ago."""
    tx.execute(DROP_OLD, tx.now - RETENTION)


def attempt_recorder(write: Callable[[list[LoginAttempt]], Awaitable[None]]) -> Recorder[LoginAttempt]:
    """The queue between the protocols and the writer of ``auth.db``; `write` is `LoginAttempts.write`."""
    return Recorder(write, size=QUEUE_SIZE, dropped=dropped_total, logger=logger, failure="login attempts not recorded")


class LoginAttempts:
    """The attempts in ``auth.db``. Methods that read raise StoreError.

    Args:
      database: gives the open file; raises StoreError without one.
    """

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self.recorder: Final = attempt_recorder(self.write)

    def record(self, attempt: LoginAttempt) -> None:
        """Queue an attempt for the writer; never waits, and drops it if a hundred wait already."""
        if not self.recorder.record(attempt):
            logger.debug("failed to record login attempt", extra={"kv": {"protocol": attempt.protocol}})

    async def write(self, attempts: list[LoginAttempt]) -> None:
        """Write attempts in one unit, see `record`: the work of `recorder`."""
        await self._database().write(lambda tx: record(tx, attempts))

    async def newest(self, account: str | None = None, *, limit: int = 10) -> list[RecordedAttempt]:
        """The newest attempts of an account (or `UNKNOWN`, `ADMIN`), or of all."""
        return await self._database().read(lambda r: attempts_of(r, account, limit=limit), op="login_attempts")

    async def main_password_uses(self, account: str) -> list[MainPasswordUse]:
        """The newest log-ins with the account's own password, see `main_password_uses_of`."""
        return await self._database().scan(partial(main_password_uses_of, account=account), op="main_password_uses")

    async def withheld(self, since: int) -> list[WithheldPassword]:
        """Right own passwords that were refused, see `withheld_of`."""
        return await self._database().scan(partial(withheld_of, since=since), op="withheld_passwords")

    async def page(
        self, account: str, *, limit: int, last: int = MAX_ID, before: int = MAX_ID
    ) -> list[RecordedAttempt]:
        """Attempts of an account, the newest first: `limit` after the one with this time and id (WEB-70)."""
        return await self._database().read(
            lambda r: attempts_after(r, account, limit, last, before), op="login_attempts"
        )

    async def app_uses(self, account: str) -> list[AppUse]:
        """The latest use of each app password of an account within 30 days (WEB-150)."""
        return await self._database().scan(partial(app_uses_of, account=account), op="app_uses")

    async def key_uses(self, account: str) -> dict[str, KeyUse]:
        """The latest use of each key of an account within 30 days, by fingerprint (WEB-67)."""
        uses = await self._database().scan(partial(key_uses_of, account=account), op="key_uses")
        return {use.fingerprint: use for use in uses}

    async def presented(self, account: str, fingerprint: str, since: int, until: int) -> bool:
        """Whether the account's user has shown a key, as `presented` (STORE-104a)."""
        return await self._database().scan(
            lambda r: presented(r, account, fingerprint, since, until), op="key_presented"
        )

    async def successes(self) -> list[tuple[str, str]]:
        """Accounts and the addresses at which a log-in succeeded within 30 days, the latest last."""
        return await self._database().scan(partial(successes_of, limit=MAX_SUCCESSES), op="login_successes")

    async def places(self, *, limit: int = MAX_SUCCESSES) -> list[tuple[str, str, int]]:
        """Where log-ins succeeded first, see `places_of`."""
        return await self._database().scan(partial(places_of, limit=limit), op="login_places")

    async def last_logins(self, accounts: Iterable[str]) -> dict[str, tuple[int, str]]:
        """The last successful log-in of each account that has one: µs UTC, and the protocol."""
        return await self._database().read(lambda r: last_logins_of(r, accounts), op="last_logins")
