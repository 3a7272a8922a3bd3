"""The API calls for logging in to an app, and for confirming sensitive calls (WEB-50..52, WEB-63a)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from moxlite.logins.secondfactor import ConfirmKind, FactorKind
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.sessions import Sessions
from moxlite.web.types import Credential, LoginResult, Name, SecondStep

Answer = Annotated[str, Meta(max_length=16 * 1024)]
"""A code, or the JSON by which a security key answers: 1 KB, more with attestation."""


class LoginCalls:
    """The page of logging in, which each app has."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @call(public=True)
    async def login_prep(self, caller: Caller) -> str:
        """The token that `login` needs within 30 seconds."""
        return self._sessions.cookies.prepare(caller)

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

    # Confirmation

    @call()
    async def confirm_options(self, caller: Caller) -> SecondStep:
        """The second factors by which `confirm` may be answered, beside the password."""
        return await self._sessions.confirm_options(caller)

    @call()
    async def confirm(self, caller: Caller, kind: ConfirmKind, code: Answer) -> None:
        """Give the password or a second factor again; sensitive calls of this session are allowed for 10 minutes."""
        await self._sessions.confirm(caller, kind, code)
