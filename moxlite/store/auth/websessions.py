"""Web sessions as the rest of the program uses them: one async method per operation of sessions.py (STORE-105).

While ``auth.db`` cannot be written, log-ins still work (STORE-105a): new sessions are then kept in memory.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import msgspec

from moxlite.store.auth import devicetokens, sessions
from moxlite.store.auth.memorysessions import MemorySessions
from moxlite.store.auth.sessions import Session, SessionStolen, SessionTokens
from moxlite.store.errors import StorageBroken, StorageBusy, StorageFull
from moxlite.store.file.database import Database

logger = logging.getLogger("moxlite.store.auth")


class WebSessions:
    """Sessions in ``auth.db`` and in memory. Methods raise StoreError if the file cannot be read.

    Args:
      database: gives the open file; raises StoreError without one.
    """

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self._in_memory = MemorySessions()

    async def add(
        self, app: str, account: str, address: str, *, remote_ip: str = "", user_agent: str = "", device: bool = False
    ) -> SessionTokens:
        """Begin a session after a successful log-in; returns its tokens, once it is durable. If the file cannot be
        written, the session is kept in memory (STORE-105a), so that users can still log in; it is no device session
        then.
        """
        origin = {"remote_ip": remote_ip, "user_agent": user_agent}
        try:
            return await self._database().write(
                lambda tx: sessions.add_session(tx, app, account, address, **origin, device=device)
            )
        except (StorageFull, StorageBusy, StorageBroken) as error:
            logger.warning("web session kept in memory", extra={"kv": {"account": account, "err": str(error)}})
            return self._in_memory.add(app, account, address, now=_now(), **origin)

    async def use(
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
            session, use = await self._database().read(
                lambda r: devicetokens.find_use(r, token, app, account, now=now, csrf=csrf), op="session"
            )
        except SessionStolen as error:
            await _end_stolen(self._database(), error.session, remote_ip)
            raise
        try:
            if sessions.needs_extension(session, now):
                await self._database().write(lambda tx: sessions.extend_session(tx, session, remote_ip))
            if use == "settled":
                await self._database().write(lambda tx: devicetokens.take_over(tx, session.id, token))
            elif use == "current" and renew and devicetokens.is_due(session, now):
                following = await self._database().write(lambda tx: devicetokens.next_token(tx, session.id, token))
                return msgspec.structs.replace(session, renewed=following)
        except (StorageFull, StorageBusy, StorageBroken) as error:  # the stored expiry and token still hold
            logger.warning("use of a web session not noted", extra={"kv": {"account": account, "err": str(error)}})
        return session

    async def of(self, account: str) -> list[Session]:
        """The living sessions of an account, last used first."""
        now = _now()
        stored = await self._database().read(lambda r: sessions.sessions_of(r, account, now=now), op="sessions")
        return self._in_memory.of(account, now=now) + stored

    async def remove(self, account: str, session_id: int) -> bool:
        """End one session; False if the account has no session of that id."""
        if self._in_memory.remove(account, session_id):
            return True
        return await self._database().write(lambda tx: sessions.remove_session(tx, account, session_id))

    async def remove_all(self, account: str, *, keep_token: str | None = None, devices: bool = False) -> int:
        """End all sessions of an account, but that of `keep_token`, or with `devices` only device sessions; returns how
        many (STORE-102, WEB-59).
        """
        ended = 0 if devices else self._in_memory.remove_all(account, keep_token=keep_token)
        return ended + await self._database().write(
            lambda tx: sessions.remove_sessions(tx, account, keep_token=keep_token, devices=devices)
        )

    def forget(self, account: str) -> None:
        """End the sessions of an account that are in memory."""
        self._in_memory.remove_all(account)


async def _end_stolen(database: Database, session: Session, remote_ip: str) -> None:
    """End a session of which an earlier token was used, unless that has been done. Raises StoreError."""
    if session.expires > _now():
        await database.write(lambda tx: devicetokens.end_stolen(tx, session.id))
        kv = {"account": session.account, "remote": remote_ip, "browser": session.user_agent}
        logger.warning("device session ended: an earlier token was used", extra={"kv": kv})


def _now() -> int:
    return time.time_ns() // 1000
