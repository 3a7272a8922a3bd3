"""The API calls for logging in to an app (WEB-50..52)."""

from __future__ import annotations

from moxlite.web.calls import call
from moxlite.web.sessions import Caller, Sessions
from moxlite.web.types import Credential, LoginResult, Name

__all__ = ["LoginCalls"]


class LoginCalls:
    """The log-in calls, which the API of each app inherits."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @call(public=True)
    async def login_prep(self, caller: Caller) -> str:
        """The token that `login` needs within 30 seconds."""
        return self._sessions.prepare(caller)

    @call(public=True)
    async def login(self, caller: Caller, login_token: Name, username: Credential, password: Credential) -> LoginResult:
        """Start a session: set its cookie and return its CSRF token."""
        return LoginResult(*await self._sessions.log_in(caller, login_token, username, password))
