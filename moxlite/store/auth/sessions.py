"""Web sessions of accounts in ``auth.db`` (STORE-105, WEB-52..54, WEB-59, WEB-70).

Plain functions on transactions and readers of that file; `AuthDB` (authdb.py) offers them to the web. Sessions of the
administrator are not stored: they are in memory (WEB-54).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Final

import msgspec

from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader, Tx

__all__ = [
    "LIFETIME",
    "MAX_SESSIONS",
    "BadCSRF",
    "NoSession",
    "Session",
    "SessionExpired",
    "SessionTokens",
    "add_session",
    "check_session",
    "drop_expired",
    "extend_session",
    "find_session",
    "hash_of",
    "needs_extension",
    "new_tokens",
    "remove_session",
    "remove_sessions",
    "sessions_of",
]

LIFETIME: Final = 24 * 3600 * 1_000_000
"""Microseconds a session lives after its last use (STORE-105)."""

WRITE_INTERVAL: Final = 5 * 60 * 1_000_000
"""Microseconds between two writes of a new expiry: a click does not cost an fsync (STORE-105)."""

MAX_SESSIONS: Final = 100
"""Maximum number of sessions of one account; the one that expires soonest makes way (STORE-105)."""

KEEP_EXPIRED: Final = 7 * LIFETIME
"""Microseconds an expired row stays, so that its owner gets the answer "expired", not "unknown"."""

TOKEN_SIZE: Final = 16
"""Octets of a token: 128 random bits (WEB-53)."""


class NoSession(StoreError):
    """The token belongs to no session of this app and account."""


class SessionExpired(NoSession):
    """The session was not used for 24 hours."""


class BadCSRF(NoSession):
    """The session is there, but the CSRF token is not its own."""


class SessionTokens(msgspec.Struct, frozen=True):
    """Tokens that the browser gets at a log-in, each 16 random octets in base64url: `token` for the cookie, `csrf` for
    the header.
    """

    token: str
    csrf: str


class Session(msgspec.Struct, frozen=True):
    """A session as lists and requests see it; times in µs UTC."""

    id: int
    app: str
    account: str
    address: str
    remote_ip: str
    user_agent: str
    created: int
    last_used: int
    expires: int


INSERT: Final = """
INSERT INTO session (token_hash, csrf_hash, app, account, address, remote_ip, user_agent, created, last_used, expires)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
COLUMNS: Final = "id, app, account, address, remote_ip, user_agent, created, last_used, expires"
FIND: Final = f"SELECT csrf_hash, {COLUMNS} FROM session WHERE token_hash = ? AND app = ? AND account = ?"  # noqa: S608 - constants
LIST: Final = f"SELECT {COLUMNS} FROM session WHERE account = ? AND expires > ? ORDER BY last_used DESC"  # noqa: S608 - constants
EXTEND: Final = "UPDATE session SET last_used = ?, expires = ? WHERE id = ? AND last_used < ?"
DROP_OLDEST: Final = """
DELETE FROM session WHERE id IN (SELECT id FROM session WHERE account = ? ORDER BY expires DESC, id DESC LIMIT -1 OFFSET
?)"""
DROP_EXPIRED: Final = "DELETE FROM session WHERE expires < ?"
REMOVE: Final = "DELETE FROM session WHERE account = ? AND id = ? RETURNING id"
REMOVE_ALL: Final = "DELETE FROM session WHERE account = ? AND token_hash <> ? RETURNING id"


def hash_of(token: str) -> bytes:
    """SHA-256 of a token, stored in its place: a reader of the file cannot use the hash."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _token() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(TOKEN_SIZE)).rstrip(b"=").decode()


def new_tokens() -> SessionTokens:
    """Make the random tokens of a new session."""
    return SessionTokens(_token(), _token())


def add_session(
    tx: Tx, app: str, account: str, address: str, *, remote_ip: str = "", user_agent: str = ""
) -> SessionTokens:
    """Add a session after a successful log-in; the 101st of an account replaces the one that expires soonest."""
    tokens = new_tokens()
    tx.execute(
        INSERT,
        hash_of(tokens.token),
        hash_of(tokens.csrf),
        app,
        account,
        address,
        remote_ip,
        user_agent[:256],
        tx.now,
        tx.now,
        tx.now + LIFETIME,
    )
    tx.execute(DROP_OLDEST, account, MAX_SESSIONS)
    return tokens


def find_session(r: Reader, token: str, app: str, account: str, *, now: int, csrf: str | None = None) -> Session:
    """The session of a request.

    `csrf` is the token in the header; None for requests without one (GET of a document).

    Raises:
      NoSession, SessionExpired, BadCSRF
    """
    row = r.row(FIND, hash_of(token), app, account)
    if row is None:
        raise NoSession
    csrf_hash, *columns = row
    session = Session(*columns)
    check_session(session, csrf_hash, now=now, csrf=csrf)
    return session


def check_session(session: Session, csrf_hash: bytes, *, now: int, csrf: str | None) -> None:
    """Raise SessionExpired or BadCSRF if a session must not be used."""
    if session.expires <= now:
        raise SessionExpired
    if csrf is not None and not hmac.compare_digest(csrf_hash, hash_of(csrf)):
        raise BadCSRF


def needs_extension(session: Session, now: int) -> bool:
    """Whether its use must be written now (STORE-105)."""
    return now - session.last_used >= WRITE_INTERVAL


def extend_session(tx: Tx, session_id: int) -> None:
    """Store that a session was used: it expires in 24 hours. A clock that went back does not shorten its life."""
    tx.execute(EXTEND, tx.now, tx.now + LIFETIME, session_id, tx.now)


def sessions_of(r: Reader, account: str, *, now: int) -> list[Session]:
    """The living sessions of an account, last used first."""
    return [Session(*row) for row in r.rows(LIST, account, now)]


def remove_session(tx: Tx, account: str, session_id: int) -> bool:
    """End one session of this account; False when it is gone already."""
    return tx.row(REMOVE, account, session_id) is not None


def remove_sessions(tx: Tx, account: str, *, keep_token: str | None = None) -> int:
    """End all sessions of an account, but that of `keep_token` (password change, WEB-59); returns how many."""
    return len(tx.rows(REMOVE_ALL, account, b"" if keep_token is None else hash_of(keep_token)))


def drop_expired(tx: Tx) -> None:
    """Remove rows that expired a week ago."""
    tx.execute(DROP_EXPIRED, tx.now - KEEP_EXPIRED)
