"""Calls about a device that stays logged in (WEBMAIL-22a)."""

from __future__ import annotations

from moxlite.logins.secondfactor import FactorKind
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.guards import require_fresh
from moxlite.web.logincalls import Answer
from moxlite.web.types import Credential, LoginResult, Name
from moxlite.web.webmail.calls.common import AccountCalls


class DeviceCalls(AccountCalls):
    """The log-in calls of the webmail: with `stay`, a browser stays logged in."""

    @call(public=True)
    async def login(
        self, caller: Caller, login_token: Name, username: Credential, password: Credential, stay: bool = False
    ) -> LoginResult:
        """Start a session: set its cookie and return its CSRF token; or ask for a second factor."""
        caller.stays = stay
        return await super().login(caller, login_token, username, password)

    @call(public=True)
    async def login_factor(
        self, caller: Caller, token: Name, kind: FactorKind, code: Answer, stay: bool = False
    ) -> LoginResult:
        """Complete a log-in that asked for a second factor: start a session as `login` does."""
        caller.stays = stay
        return await super().login_factor(caller, token, kind, code)

    @call()
    async def export_prep(self, caller: Caller) -> None:
        """Check that mail or contacts may be exported now: on a device that stays logged in, the user must have
        confirmed that (WEB-63a).
        """
        require_fresh(self._sessions, caller.require())
