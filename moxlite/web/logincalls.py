"""The API calls for logging in to an app (WEB-50..52)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from moxlite.logins.secondfactor import FactorKind
from moxlite.web.calls import call
from moxlite.web.sessions import Caller, Sessions
from moxlite.web.types import Credential, LoginResult, Name

__all__ = ["Answer", "LoginCalls"]

Answer = Annotated[str, Meta(max_length=16 * 1024)]
"""A code, or the JSON by which a security key answers: 1 KB, more with attestation."""


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
        """Start a session: set its cookie and return its CSRF token; or ask for a second factor."""
        return await self._sessions.log_in(caller, login_token, username, password)

    @call(public=True)
    async def login_factor(self, caller: Caller, token: Name, kind: FactorKind, code: Answer) -> LoginResult:
        """Complete a log-in that asked for a second factor: start a session as `login` does.

        `code` is that of an app, a recovery code, or for a key the JSON of its answer.
        """
        return await self._sessions.second_step(caller, token, kind, code)
