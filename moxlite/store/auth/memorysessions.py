"""Web sessions that could not be written to ``auth.db`` (STORE-105a): they are in memory until the server ends.

So users can still log in with a full disk or a file that cannot be written, to delete mail or to see what is wrong.
"""

from __future__ import annotations

import itertools

import msgspec

from moxlite.store.auth.sessions import (
    LIFETIME,
    MAX_SESSIONS,
    Session,
    SessionTokens,
    check_session,
    hash_of,
    new_tokens,
)

MAX_IN_MEMORY = 1000
"""Maximum number of sessions of all accounts, under 1 KiB each; the one that expires soonest makes way."""


class _Kept(msgspec.Struct, frozen=True):
    csrf_hash: bytes
    session: Session


class MemorySessions:
    """Sessions by the hash of their token, the one that expires soonest first. Ids are negative; ids of sessions in the
    file are positive.
    """

    def __init__(self) -> None:
        self._kept: dict[bytes, _Kept] = {}
        self._ids = itertools.count(1)

    def add(
        self, app: str, account: str, address: str, *, now: int, remote_ip: str = "", user_agent: str = ""
    ) -> SessionTokens:
        """As `sessions.add_session`."""
        tokens = new_tokens()
        session = Session(
            -next(self._ids), app, account, address, remote_ip, user_agent[:256], now, now, now + LIFETIME
        )
        self._kept[hash_of(tokens.token)] = _Kept(hash_of(tokens.csrf), session)
        own = [token for token, kept in self._kept.items() if kept.session.account == account]
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
        self._kept[hashed] = _Kept(kept.csrf_hash, session)
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

    def remove_all(self, account: str, *, keep_token: str | None = None) -> int:
        """End all sessions of an account, but that of `keep_token`; returns how many."""
        kept_hash = None if keep_token is None else hash_of(keep_token)
        ended = [one for one, kept in self._kept.items() if kept.session.account == account and one != kept_hash]
        for one in ended:
            del self._kept[one]
        return len(ended)
