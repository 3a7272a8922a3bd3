"""Web sessions of accounts in ``auth.db`` (STORE-105..105c, WEB-51a..54, WEB-59, WEB-70).

Plain functions on transactions and readers of that file; `AuthDB` (authdb.py) offers them to the web. Sessions of the
administrator are not stored: they are in memory (WEB-54). How the token of a device session changes is in
websessions.py.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader, Tx

LIFETIME: Final = 24 * 3600 * 1_000_000
"""Microseconds a session lives after its last use (STORE-105)."""

DEVICE_UNUSED: Final = 30 * LIFETIME
"""Microseconds a device session lives after its last use (STORE-105b)."""

DEVICE_AGE: Final = 180 * LIFETIME
"""Microseconds a device session lives at most, however often it is used (STORE-105b)."""

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
    """The session was not used for 24 hours, or a device session for 30 days, or is 180 days old."""


class SessionStolen(NoSession):
    """The device session has ended, because an earlier one of its tokens was used."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session


class BadCSRF(NoSession):
    """The session is there, but the CSRF token is not its own."""


class SessionTokens(msgspec.Struct, frozen=True):
    """Tokens that the browser gets at a log-in, each 16 random octets in base64url: `token` for the cookie, `csrf` for
    the header. `device`: the session is one of a device that stays logged in.
    """

    token: str
    csrf: str
    device: bool = False


class ProviderLogin(msgspec.Struct, frozen=True):
    """A log-in at the login provider: of the person `subject`, "" for another log-in, in the provider's session `sid`,
    "" if it has no name. `id_token`: the hint for a log-out there, "" if it's too long for one.
    """

    subject: str = ""
    sid: str = ""
    id_token: str = ""


NO_PROVIDER: Final = ProviderLogin()


class Session(msgspec.Struct, frozen=True):
    """A session as lists and requests see it; times in µs UTC.

    `remote_ip` is the address of the log-in; of a `device` session, which stays logged in, that of the last use.
    `turned` is since when such a session has its current token. `renewed` is the token that the browser is to have
    from now on, "" if it keeps its own. `parent` is the id of the session that was handed on (STORE-105c), 0 for one
    with a log-in of its own. `proven` is when the user logged in; 0 if the session was handed on from a device session.
    `subject` is the person at the login provider who logged in, "" for another log-in.
    """

    id: int
    app: str
    account: str
    address: str
    remote_ip: str
    user_agent: str
    created: int
    last_used: int
    expires: int
    device: bool = False
    turned: int = 0
    parent: int = 0
    proven: int = 0
    subject: str = ""
    renewed: str = ""

    @property
    def actor(self) -> str:
        """The user, for the audit log: also which of the administrators, if the login provider tells (WEB-189)."""
        return f"(admin {self.subject})" if self.app == "webadmin" and self.subject else self.account


INSERT: Final = """
INSERT INTO session (token_hash, csrf_hash, app, account, address, remote_ip, user_agent, created, last_used, expires,
                     device, turned, parent, proven, subject)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?, ?)"""
COLUMNS: Final = (
    "id, app, account, address, remote_ip, user_agent, created, last_used, expires, device, turned, parent, proven, "
    "subject"
)
FIND: Final = f"SELECT csrf_hash, stolen, {COLUMNS} FROM session WHERE token_hash = ? AND app = ? AND account = ?"  # noqa: S608 - constants
LIST: Final = f"SELECT {COLUMNS} FROM session WHERE account = ? AND expires > ? ORDER BY last_used DESC"  # noqa: S608 - constants
EXTEND: Final = """
UPDATE session SET last_used = ?, expires = ?, remote_ip = CASE device WHEN 1 THEN ? ELSE remote_ip END
WHERE id = ? AND last_used < ?"""
# No session lives longer than ?3, so treat sessions with future timestamps as used now.
DROP_OLDEST: Final = """
DELETE FROM session WHERE id IN (SELECT id FROM session WHERE account = ?1 AND id <> ?2
    ORDER BY min(expires, ?3) DESC, id DESC LIMIT -1 OFFSET ?4)"""
DROP_EXPIRED: Final = "DELETE FROM session WHERE expires < ?"
REMOVE: Final = """
DELETE FROM session WHERE id = (SELECT coalesce(parent, id) FROM session WHERE account = ? AND id = ?) RETURNING id"""
DETACH: Final = """
UPDATE session SET parent = NULL
WHERE account = ? AND token_hash = ? AND (SELECT device FROM session p WHERE p.id = session.parent) >= ?"""
REMOVE_ALL: Final = "DELETE FROM session WHERE account = ? AND token_hash <> ? AND device >= ? RETURNING parent"
REMOVE_PERSON: Final = "DELETE FROM session WHERE account = ? AND coalesce(subject, ?2) = ?2 RETURNING parent"
STANDING: Final = "SELECT expires, stolen FROM session WHERE account = ? AND id = ?"
REMOVE_HANDED: Final = "DELETE FROM session WHERE parent = ?"
ADD_PROVIDER: Final = """
INSERT INTO provider_session (session, sid, id_token) SELECT id, ?, ? FROM session WHERE token_hash = ?"""
HINT: Final = """
SELECT id_token FROM provider_session
WHERE session = (SELECT coalesce(parent, id) FROM session WHERE account = ? AND id = ?)"""
REMOVE_SID: Final = """
DELETE FROM session WHERE id IN (SELECT session FROM provider_session WHERE sid = ? AND sid <> '') RETURNING account"""


def hash_of(token: str) -> bytes:
    """SHA-256 of a token, stored in its place: a reader of the file cannot use the hash."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def token_of(octets: bytes) -> str:
    """A token as browsers get it: base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _token() -> str:
    return token_of(secrets.token_bytes(TOKEN_SIZE))


def new_tokens(*, device: bool = False) -> SessionTokens:
    """Make the random tokens of a new session."""
    return SessionTokens(_token(), _token(), device)


def expiry(now: int, *, created: int, device: bool) -> int:
    """When a session with a log-in of its own expires that is used now."""
    return min(now + DEVICE_UNUSED, created + DEVICE_AGE) if device else now + LIFETIME


def add_session(
    tx: Tx,
    app: str,
    account: str,
    address: str,
    *,
    remote_ip: str = "",
    user_agent: str = "",
    device: bool = False,
    proven: int | None = None,
    provider: ProviderLogin = NO_PROVIDER,
) -> SessionTokens:
    """Add a session after a successful log-in; the 101st of an account replaces the one that expires soonest. `proven`
    is when its user gave a secret, None for now.
    """
    _make_room(tx, account)
    session = new_session(app, account, address, tx.now, remote_ip, user_agent, proven, provider.subject)
    expires, turned = expiry(tx.now, created=tx.now, device=device), tx.now if device else 0
    tokens = _insert(tx, msgspec.structs.replace(session, expires=expires, device=device, turned=turned))
    if provider.sid or provider.id_token:
        tx.execute(ADD_PROVIDER, provider.sid, provider.id_token, hash_of(tokens.token))
    return tokens


def new_session(
    app: str,
    account: str,
    address: str,
    now: int,
    remote_ip: str,
    user_agent: str,
    proven: int | None,
    subject: str,
) -> Session:
    """A session without an id. `proven`: None for now."""
    times = (now, now, now + LIFETIME)
    proof = now if proven is None else proven
    return Session(0, app, account, address, remote_ip, user_agent[:256], *times, proven=proof, subject=subject)


def _insert(tx: Tx, session: Session) -> SessionTokens:
    tokens = new_tokens(device=session.device)
    _, *columns, _ = msgspec.structs.astuple(session)  # without id and renewed token
    tx.execute(INSERT, hash_of(tokens.token), hash_of(tokens.csrf), *columns)
    return tokens


def _make_room(tx: Tx, account: str, keep: int = 0) -> None:
    # before the new session is there: beside 100 of devices it would itself be the one that expires soonest, and its
    # user could never log in; `keep` is its parent, with which it would go
    tx.execute(DROP_OLDEST, account, keep, tx.now + DEVICE_UNUSED, MAX_SESSIONS - 1 - bool(keep))


def hand_on(tx: Tx, parent: Session, app: str, *, remote_ip: str, user_agent: str) -> SessionTokens:
    """Add a session of another app for the user of `parent`, in place of the one that was handed on before
    (STORE-105c). It ends with `parent`, and after 24 hours. Raises NoSession if `parent` has ended.
    """
    row = tx.row(STANDING, parent.account, parent.id)
    if row is None or row[1] or row[0] <= tx.now:
        raise NoSession
    tx.execute(REMOVE_HANDED, parent.id)
    _make_room(tx, parent.account, parent.id)
    proven = 0 if parent.device else parent.proven
    session = new_session(app, parent.account, parent.address, tx.now, remote_ip, user_agent, proven, parent.subject)
    return _insert(tx, msgspec.structs.replace(session, expires=min(session.expires, row[0]), parent=parent.id))


def find_session(r: Reader, token: str, app: str, account: str, *, now: int, csrf: str | None = None) -> Session | None:
    """The session whose current token a request brings, or None.

    `csrf` is the token in the header; None for requests without one (GET of a document).

    Raises:
      SessionExpired, SessionStolen, BadCSRF
    """
    row = r.row(FIND, hash_of(token), app, account)
    if row is None:
        return None
    csrf_hash, stolen, *columns = row
    session = session_of(columns)
    if stolen:
        raise SessionStolen(session)
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


def extend_session(tx: Tx, session: Session, remote_ip: str) -> None:
    """Store that a session was used, which extends its life, unless it was handed on. A clock that went back does not
    shorten it.
    """
    handed = session.parent != 0 or session.proven == 0
    expires = session.expires if handed else expiry(tx.now, created=session.created, device=session.device)
    tx.execute(EXTEND, tx.now, expires, remote_ip, session.id, tx.now)


def sessions_of(r: Reader, account: str, *, now: int) -> list[Session]:
    """The living sessions of an account, last used first."""
    return [session_of(row) for row in r.rows(LIST, account, now)]


def session_of(columns: Sequence[Any]) -> Session:
    """The session of a row with `COLUMNS`."""
    number, app, account, address, ip, agent, created, used, expires, device, turned, parent, proven, subject = columns
    login = (number, app, account, address, ip, agent, created, used, expires)
    return Session(*login, bool(device), turned, parent or 0, proven, subject or "")


def remove_session(tx: Tx, account: str, session_id: int) -> int:
    """End one session of this account: of a session that was handed on, its parent, and all that it has handed on.
    Returns the id of the session with the log-in; 0 when it is gone already.
    """
    row = tx.row(REMOVE, account, session_id)
    return 0 if row is None else int(row[0])


def remove_sessions(tx: Tx, account: str, *, keep_token: str | None = None, devices: bool = False) -> int:
    """End all sessions of an account, but that of `keep_token` (password change, WEB-59), or with `devices` only device
    sessions; returns how many log-ins these were. If the kept one was handed on, its parent ends too.
    """
    kept = b"" if keep_token is None else hash_of(keep_token)
    tx.execute(DETACH, account, kept, int(devices))
    return sum(parent is None for (parent,) in tx.rows(REMOVE_ALL, account, kept, int(devices)))


def remove_person(tx: Tx, account: str, subject: str) -> int:
    """End the sessions of an account that a person of the login provider has begun; returns how many log-ins these
    were.
    """
    return sum(parent is None for (parent,) in tx.rows(REMOVE_PERSON, account, subject))


def remove_provider_session(tx: Tx, sid: str) -> list[str]:
    """End the sessions that a session at the login provider has begun; returns their accounts."""
    return sorted({account for (account,) in tx.rows(REMOVE_SID, sid)})


def id_token_of(r: Reader, account: str, session_id: int) -> str:
    """The ID token of the log-in at the provider that began a session, "" for none."""
    row = r.row(HINT, account, session_id)
    return "" if row is None else str(row[0])


def drop_expired(tx: Tx) -> None:
    """Remove rows that expired a week ago."""
    tx.execute(DROP_EXPIRED, tx.now - KEEP_EXPIRED)
