"""Tokens of device sessions, which change each day: plain functions on ``auth.db`` (STORE-105b, WEBMAIL-22a).

Theory of operation
-------------------
A session has one current token, at most one next token, and its earlier tokens. A day after the current token became
current, the next use makes a next token, which the browser gets as its cookie. The next token is derived from the
current token and a nonce of the file: requests of two tabs at the same moment get the same one, a lost answer is
repeated, and the file alone does not tell it. The next token becomes the current one when it is used a minute after it
was made: the browser has written its cookie to the disk by then. From then on the earlier token is taken for a few
minutes more, for requests that were on their way. Its use after that means that two browsers have the same cookie, so
the session ends (theft).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final, Literal

from moxlite.store.auth.sessions import (
    COLUMNS,
    TOKEN_SIZE,
    NoSession,
    Session,
    SessionStolen,
    check_session,
    find_session,
    hash_of,
    session_of,
    token_of,
)
from moxlite.store.file.transaction import Reader, Tx

TURN: Final = 24 * 3600 * 1_000_000
"""Microseconds after which the token of a device session is replaced."""

SETTLED: Final = 60 * 1_000_000
"""Microseconds before a next token may become the current one: Chromium writes cookies to the disk within 30 s."""

OVERLAP: Final = 5 * 60 * 1_000_000
"""Microseconds for which an earlier token is still taken: requests last seconds, uploads are checked at their start."""

OTHER: Final = f"""
SELECT t.nonce, t.since, s.stolen, s.csrf_hash, {", ".join(f"s.{one}" for one in COLUMNS.split(", "))}
FROM session_token t JOIN session s ON s.id = t.session WHERE t.token_hash = ? AND s.app = ? AND s.account = ?"""  # noqa: S608 - constants
NEXT: Final = """
SELECT t.nonce FROM session s LEFT JOIN session_token t ON t.session = s.id AND t.nonce IS NOT NULL
WHERE s.id = ? AND s.token_hash = ?"""
ADD_NEXT: Final = "INSERT INTO session_token (token_hash, session, nonce, since) VALUES (?, ?, ?, ?)"
ADD_EARLIER: Final = """
INSERT INTO session_token (token_hash, session, nonce, since)
SELECT token_hash, id, NULL, ? FROM session WHERE id = ?"""
TAKE_NEXT: Final = (
    "DELETE FROM session_token WHERE token_hash = ? AND session = ? AND nonce IS NOT NULL RETURNING session"
)
MAKE_CURRENT: Final = "UPDATE session SET token_hash = ?, turned = ? WHERE id = ?"
END_STOLEN: Final = "UPDATE session SET expires = min(expires, ?), stolen = 1 WHERE id = ?"


Use = Literal["current", "next", "settled", "earlier"]
"""Kind of the token that a request brings. ``settled`` is the next one of the session, which becomes current now."""


def find_use(
    r: Reader, token: str, app: str, account: str, *, now: int, csrf: str | None = None
) -> tuple[Session, Use]:
    """The session of a request, by any of its tokens; `csrf` as in `sessions.find_session`.

    Raises:
      NoSession, SessionExpired, SessionStolen, BadCSRF
    """
    session = find_session(r, token, app, account, now=now, csrf=csrf)
    if session is not None:
        return session, "current"
    row = r.row(OTHER, hash_of(token), app, account)
    if row is None:
        raise NoSession
    nonce, since, stolen, csrf_hash, *columns = row
    session = session_of(columns)
    if stolen or (nonce is None and now - since >= OVERLAP):
        raise SessionStolen(session)
    check_session(session, csrf_hash, now=now, csrf=csrf)
    if nonce is None:
        return session, "earlier"
    return session, "settled" if now - since >= SETTLED else "next"


def is_due(session: Session, now: int) -> bool:
    """Whether the token of a session is old enough to be replaced."""
    return session.device and now - session.turned >= TURN


def next_token(tx: Tx, session_id: int, token: str) -> str:
    """The token that follows `token`, made by the first call; "" if `token` is no longer the current one."""
    row = tx.row(NEXT, session_id, hash_of(token))
    if row is None:
        return ""
    (nonce,) = row
    if nonce is not None:
        return _derived(token, nonce)
    nonce = secrets.token_bytes(TOKEN_SIZE)
    following = _derived(token, nonce)
    tx.execute(ADD_NEXT, hash_of(following), session_id, nonce, tx.now)
    return following


def take_over(tx: Tx, session_id: int, token: str) -> None:
    """Make the next token the current one; nothing happens if it is that already."""
    if tx.row(TAKE_NEXT, hash_of(token), session_id) is not None:
        tx.execute(ADD_EARLIER, tx.now, session_id)
        tx.execute(MAKE_CURRENT, hash_of(token), tx.now, session_id)


def end_stolen(tx: Tx, session_id: int) -> None:
    """End a session because of a theft. Its row stays a week, so that its owner is told."""
    tx.execute(END_STOLEN, tx.now, session_id)


def _derived(token: str, nonce: bytes) -> str:
    """128 bits in base64url that only a holder of `token` who has the file, too, can compute."""
    return token_of(hmac.digest(token.encode("utf-8", "replace"), nonce, hashlib.sha256)[:TOKEN_SIZE])
