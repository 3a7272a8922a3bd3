"""Web sessions as the rest of the program uses them: one async method per operation of sessions.py (STORE-105).

While ``auth.db`` cannot be written, log-ins still work (STORE-105a): new sessions are then kept in memory.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import logging
import secrets
import time
from collections.abc import Callable
from functools import partial
from typing import Final, Literal

import msgspec
import trio

from moxlite.store.auth import sessions
from moxlite.store.auth.loginattempts import ADMIN
from moxlite.store.auth.sessions import (
    COLUMNS,
    LIFETIME,
    MAX_SESSIONS,
    NO_PROVIDER,
    TOKEN_SIZE,
    NoSession,
    ProviderLogin,
    Session,
    SessionStolen,
    SessionTokens,
    check_session,
    find_session,
    hash_of,
    new_session,
    new_tokens,
    session_of,
    token_of,
)
from moxlite.store.errors import StorageBroken, StorageBusy, StorageFull
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Reader, Tx

logger = logging.getLogger("moxlite.store.auth")


class WebSessions:
    """Sessions in ``auth.db`` and in memory. Methods raise StoreError if the file cannot be read.

    Args:
      database: gives the open file; raises StoreError without one.
    """

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self._in_memory = MemorySessions()
        self.handovers = Handovers()
        self.logouts: Final = ProviderLogouts()
        self.watchers: Final[list[Callable[[str], None]]] = []
        """Called with an account some of whose sessions have ended before their time."""

    async def add(
        self,
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
        """Begin a session after a successful log-in; returns its tokens, once it is durable. If the file cannot be
        written, the session is kept in memory (STORE-105a), so that users can still log in; it is no device session
        then.
        """
        begin = partial(
            sessions.add_session, remote_ip=remote_ip, user_agent=user_agent, proven=proven, provider=provider
        )
        try:
            return await self._database().write(lambda tx: begin(tx, app, account, address, device=device))
        except (StorageFull, StorageBusy, StorageBroken) as error:
            logger.warning(
                "failed to store web session, keeping it in memory",
                extra={"kv": {"account": account, "err": str(error)}},
            )
            session = new_session(app, account, address, _now(), remote_ip, user_agent, proven, provider.subject)
            return self._in_memory.add(session, provider)

    async def use(
        self, token: str, app: str, account: str, *, csrf: str | None = None, remote_ip: str = "", renew: bool = False
    ) -> Session:
        """The session of a request, whose life is extended; that is written every 5 minutes at most.

        With `renew` the browser can be given a new token, and a device session may have one (`Session.renewed`).

        Raises:
          NoSession, SessionExpired, SessionStolen, BadCSRF: see sessions.py.
        """
        now = _now()
        # First, as this costs nothing, and works while the file cannot be read.
        if (kept := self._in_memory.use(token, app, account, now=now, csrf=csrf)) is not None:
            return kept
        try:
            session, use = await self._database().read(
                lambda r: find_use(r, token, app, account, now=now, csrf=csrf), op="session"
            )
        except SessionStolen as error:
            await _end_stolen(self._database(), error.session, remote_ip)
            self.tell(account)
            raise
        try:
            if sessions.needs_extension(session, now):
                await self._database().write(lambda tx: sessions.extend_session(tx, session, remote_ip))
            if use == "settled":
                await self._database().write(lambda tx: take_over(tx, session.id, token))
            elif use == "current" and renew and is_due(session, now):
                following = await self._database().write(lambda tx: next_token(tx, session.id, token))
                return msgspec.structs.replace(session, renewed=following)
        except (StorageFull, StorageBusy, StorageBroken) as error:  # the stored expiry and token still hold
            logger.warning("failed to record web session use", extra={"kv": {"account": account, "err": str(error)}})
        return session

    async def hand_on(self, parent: Session, app: str, *, remote_ip: str, user_agent: str) -> SessionTokens:
        """Begin a session of another app for the user of `parent` (STORE-105c), in the file alone. Raises
        NoSession for a `parent` in memory, and errors of the file.
        """
        # It would outlive its parent, which the file does not know, after a restart.
        if parent.id < 0:
            raise NoSession
        origin = {"remote_ip": remote_ip, "user_agent": user_agent}
        return await self._database().write(lambda tx: sessions.hand_on(tx, parent, app, **origin))

    async def of(self, account: str) -> list[Session]:
        """The living sessions of an account, last used first."""
        now = _now()
        stored = await self._database().read(lambda r: sessions.sessions_of(r, account, now=now), op="sessions")
        return self._in_memory.of(account, now=now) + stored

    async def remove(self, account: str, session_id: int) -> int:
        """End one session, as `sessions.remove_session`; 0 if the account has no session of that id."""
        if self._in_memory.remove(account, session_id):
            ended = session_id
        else:
            ended = await self._database().write(lambda tx: sessions.remove_session(tx, account, session_id))
        self.tell(account)
        return ended

    async def remove_all(self, account: str, *, keep_token: str | None = None, devices: bool = False) -> int:
        """End all sessions of an account, but that of `keep_token`, or with `devices` only device sessions; returns how
        many log-ins these were (STORE-102, WEB-59).
        """
        # Those in memory first: the file may refuse, and then at least these have ended.
        ended = 0 if devices else self._in_memory.remove_all(account, keep_token=keep_token)
        try:
            return ended + await self._database().write(
                lambda tx: sessions.remove_sessions(tx, account, keep_token=keep_token, devices=devices)
            )
        finally:
            self.tell(account)

    async def remove_person(self, account: str, subject: str) -> int:
        """End the sessions of an account that a person of the login provider has begun; returns how many log-ins these
        were.
        """
        ended = self._in_memory.remove_all(account, subject=subject)
        try:
            return ended + await self._database().write(lambda tx: sessions.remove_person(tx, account, subject))
        finally:
            self.tell(account)

    async def remove_provider_session(self, sid: str) -> list[str]:
        """End the sessions that a session at the login provider has begun; returns their accounts."""
        accounts = set(self._in_memory.remove_provider_session(sid))
        try:
            accounts |= set(await self._database().write(lambda tx: sessions.remove_provider_session(tx, sid)))
        finally:
            for account in accounts:
                self.tell(account)
        return sorted(accounts)

    async def note_provider_logout(self, subject: str, sid: str) -> None:
        """Note a log-out at the login provider, see `ProviderLogouts.note`: log-ins that are on their way end, too."""
        await trio.lowlevel.checkpoint()
        self.logouts.note(subject, sid)
        self.tell(ADMIN)

    async def id_token(self, session: Session) -> str:
        """The ID token of the log-in at the provider that began a session, "" for none."""
        if session.id < 0:
            return self._in_memory.id_token(session.id)
        return await self._database().read(lambda r: sessions.id_token_of(r, session.account, session.id), op="session")

    async def forget(self, account: str) -> None:
        """End the sessions of an account that are in memory, while those in the file are ended by another unit."""
        self._in_memory.remove_all(account)
        self.tell(account)
        await trio.lowlevel.checkpoint()

    def tell(self, account: str) -> None:
        """Have open streams of an account, or of `ADMIN`, look at their sessions."""
        for watcher in self.watchers:
            watcher(account)


async def _end_stolen(database: Database, session: Session, remote_ip: str) -> None:
    """End a session of which an earlier token was used, unless that has been done. Raises StoreError."""
    if session.expires > _now():
        await database.write(lambda tx: end_stolen(tx, session.id))
        kv = {"account": session.account, "remote": remote_ip, "browser": session.user_agent}
        logger.warning("device session ended: token was reused", extra={"kv": kv})


def _now() -> int:
    return time.time_ns() // 1000


# Tokens of device sessions, which change each day: plain functions on ``auth.db`` (STORE-105b, WEBMAIL-22a).
#
# Theory of operation ------------------- A session has one current token, at most one next token, and its earlier
# tokens. A day after the current token became current, the next use makes a next token, which the browser gets as its
# cookie. The next token is derived from the current token and a nonce of the file: requests of two tabs at the same
# moment get the same one, a lost answer is repeated, and the file alone does not tell it. The next token becomes the
# current one when it is used a minute after it was made: the browser has written its cookie to the disk by then. From
# then on the earlier token is taken for a few minutes more, for requests that were on their way. Its use after that
# means that two browsers have the same cookie, so the session ends (theft).


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
    # No token is removed when it is replaced: only so its use by a thief can be told from a mistyped one.
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
    # Another tab was first: it has made the row from which the same token follows.
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
    """End a stolen session, with the sessions handed over from it. Its row is kept for a week to notify the owner."""
    tx.execute(END_STOLEN, tx.now, session_id)
    tx.execute(sessions.REMOVE_HANDED, session_id)


def _derived(token: str, nonce: bytes) -> str:
    """128 bits in base64url that only a holder of `token` who has the file, too, can compute."""
    return token_of(hmac.digest(token.encode("utf-8", "replace"), nonce, hashlib.sha256)[:TOKEN_SIZE])


# Web sessions that could not be written to ``auth.db`` (STORE-105a): they are in memory until the server ends.
#
# So users can still log in with a full disk or a file that cannot be written, to delete mail or to see what is wrong.


MAX_IN_MEMORY = 1000
"""Maximum number of sessions of all accounts, under 1 KiB each; the one that expires soonest makes way."""


class _StoredSession(msgspec.Struct, frozen=True):
    csrf_hash: bytes
    session: Session
    provider: ProviderLogin


class MemorySessions:
    """Sessions by the hash of their token, the one that expires soonest first. Ids are negative; ids of sessions in the
    file are positive.
    """

    def __init__(self) -> None:
        self._kept: dict[bytes, _StoredSession] = {}
        self._ids = itertools.count(1)

    def add(self, session: Session, provider: ProviderLogin) -> SessionTokens:
        """As `sessions.add_session`, for a session without an id."""
        tokens = new_tokens()
        session = msgspec.structs.replace(session, id=-next(self._ids))
        self._kept[hash_of(tokens.token)] = _StoredSession(hash_of(tokens.csrf), session, provider)
        # The bound of one account comes before that of all: a user with many log-ins must not end sessions of others.
        own = [token for token, kept in self._kept.items() if kept.session.account == session.account]
        for token in own[: max(0, len(own) - MAX_SESSIONS)]:
            del self._kept[token]
        while len(self._kept) > MAX_IN_MEMORY:
            del self._kept[next(iter(self._kept))]
        return tokens

    def use(self, token: str, app: str, account: str, *, now: int, csrf: str | None) -> Session | None:
        """The session of a request, which now lives 24 hours longer; None if it is not kept here.

        Raises:
          SessionExpired, BadCSRF: see sessions.py.
        """
        hashed = hash_of(token)
        kept = self._kept.get(hashed)
        if kept is None or (kept.session.app, kept.session.account) != (app, account):
            return None
        check_session(kept.session, kept.csrf_hash, now=now, csrf=csrf)
        session = msgspec.structs.replace(kept.session, last_used=now, expires=now + LIFETIME)
        del self._kept[hashed]  # to the end: it expires last
        self._kept[hashed] = msgspec.structs.replace(kept, session=session)
        return session

    def of(self, account: str, *, now: int) -> list[Session]:
        """The living sessions of an account, last used first."""
        found = [kept.session for kept in self._kept.values() if kept.session.account == account]
        return [session for session in reversed(found) if session.expires > now]

    def remove(self, account: str, session_id: int) -> bool:
        """End one session of this account; False when it is not kept here."""
        for token, kept in self._kept.items():
            if (kept.session.account, kept.session.id) == (account, session_id):
                del self._kept[token]
                return True
        return False

    def remove_all(self, account: str, *, keep_token: str | None = None, subject: str | None = None) -> int:
        """End all sessions of an account, or of its person `subject`, but that of `keep_token`; returns how many."""
        kept_hash = None if keep_token is None else hash_of(keep_token)
        ended = [
            token_hash
            for token_hash, kept in self._kept.items()
            if kept.session.account == account and token_hash != kept_hash and subject in (None, kept.session.subject)
        ]
        for one in ended:
            del self._kept[one]
        return len(ended)

    def remove_provider_session(self, sid: str) -> list[str]:
        """As `sessions.remove_provider_session`."""
        ended = [token_hash for token_hash, kept in self._kept.items() if kept.provider.sid == sid]
        return [self._kept.pop(token_hash).session.account for token_hash in ended]

    def id_token(self, session_id: int) -> str:
        """As `sessions.id_token_of`."""
        tokens = (kept.provider.id_token for kept in self._kept.values() if kept.session.id == session_id)
        return next(tokens, "")


# Log-outs at the login provider (WEB-183): log-ins that were on their way then must not begin a session afterwards.


MAX_LOGOUTS: Final = 10_000
"""Maximum number of people and sessions that are remembered, 2 MB at most; the first to log out makes way."""


class ProviderLogouts:
    """The last log-out of each person and of each session at the login provider, by its number since the start."""

    def __init__(self) -> None:
        self.count = 0
        self._last: dict[tuple[str, str], int] = {}
        self._forgotten = 0

    def note(self, subject: str, sid: str = "") -> None:
        """Note that a person has logged out there now, or with `subject` of "" that the session `sid` has ended."""
        self.count += 1
        key = (subject, "" if subject else sid)
        self._last.pop(key, None)
        if len(self._last) >= MAX_LOGOUTS:
            self._forgotten = self._last.pop(next(iter(self._last)))
        self._last[key] = self.count

    def since(self, count: int) -> list[tuple[str, str]]:
        """Person and session of the log-outs that are remembered since `count` log-outs, as given to `note`."""
        return [key for key, number in self._last.items() if number > count]

    def begin_at(self, count: int) -> None:
        """Begin with a count of log-outs of which no more is known."""
        self.count = self._forgotten = count

    def after(self, count: int, login: ProviderLogin) -> bool:
        """Whether a log-in at the provider has ended there since `count` log-outs; also where that can no longer be
        known.
        """
        keys = [(login.subject, "")] if login.subject else []
        keys += [("", login.sid)] if login.sid else []
        return any(self._last.get(key, self._forgotten) > count for key in keys)


# Sessions that one app hands on to another in the same browser (WEB-51a): tokens in memory, which serve once.


HANDED_AGE: Final = 30.0
"""Seconds for which a token serves: the page makes both calls, one after the other."""

MAX_HANDED: Final = 10_000
"""Maximum number of tokens of all accounts, under 2 MB; the oldest makes way."""


class _Offer(msgspec.Struct, frozen=True):
    """A session that may be taken over: the page has `token`, a cookie `browser`. `made` is a time of the loop."""

    session: Session
    token: str
    browser: str
    made: float


class Handovers:
    """Sessions of the webmail that the account app may take over within 30 seconds, once (WEB-51a): one for each
    session, so that no account crowds out the others.
    """

    def __init__(self) -> None:
        self._offers: dict[int, _Offer] = {}

    def offer(self, session: Session, browser: str) -> str:
        """Make the token for the browser with this secret. It replaces an earlier one of the session."""
        self._offers.pop(session.id, None)
        while len(self._offers) >= MAX_HANDED or self._oldest_is_over():
            del self._offers[next(iter(self._offers))]
        token = f"{session.id}.{secrets.token_urlsafe(16)}"
        self._offers[session.id] = _Offer(session, token, browser, trio.current_time())
        return token

    def take(self, token: str) -> _Offer | None:
        """The offer of a token, which serves once; None for an unknown or old one."""
        number = token.partition(".")[0]
        found = self._offers.get(int(number)) if number.isascii() and number.isdigit() and len(number) < 20 else None
        if found is None or not hmac.compare_digest(found.token.encode(), token.encode()):
            return None
        # Before its age is looked at: a token that was shown once is never good again.
        del self._offers[found.session.id]
        return found if trio.current_time() - found.made < HANDED_AGE else None

    def _oldest_is_over(self) -> bool:
        oldest = next(iter(self._offers.values()), None)
        return oldest is not None and trio.current_time() - oldest.made >= HANDED_AGE
