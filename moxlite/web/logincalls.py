"""The calls by which a browser logs in to an app of an account (WEB-50..52)."""

from __future__ import annotations

from moxlite.web.calls import call
from moxlite.web.sessions import Caller, Sessions
from moxlite.web.types import Credential, LoginResult, Name

__all__ = ["LoginCalls"]


class LoginCalls:
    """The first calls of an app; its API inherits them."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @call(public=True)
    async def login_prep(self, caller: Caller) -> str:
        """The token that `login` must bring along within 30 seconds."""
        return self._sessions.prepare(caller)

    @call(public=True)
    async def login(self, caller: Caller, login_token: Name, username: Credential, password: Credential) -> LoginResult:
        """Begin a session: its cookie is set, its CSRF token returned."""
        return LoginResult(*await self._sessions.log_in(caller, login_token, username, password))
