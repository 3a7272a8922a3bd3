"""Sessions of the administrator: in memory, for 12 hours without use (WEB-54, WEB-60); after a log-in by the login
provider for 12 hours (WEB-189).
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
import trio

from moxlite.config.snapshot import CurrentConfig
from moxlite.logins.adminpassword import write_admin_password
from moxlite.logins.identity import Identity, WrongCredentials
from moxlite.logins.logins import Logins
from moxlite.logins.newpasswords import refuse_guessable
from moxlite.logins.secondfactor import FactorKind, SecondFactors
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.loginattempts import ADMIN
from moxlite.store.auth.sessions import ProviderLogin, Session, hash_of, new_tokens
from moxlite.store.changelog.origin import Origin, acting_as
from moxlite.store.errors import BadPassword
from moxlite.web import errors
from moxlite.web.cookies import Caller
from moxlite.web.factors import Pending
from moxlite.web.sessions import FAILURE_DELAY, INVALID, Sessions
from moxlite.web.types import LoginResult

LIFETIME: Final = 12 * 3600 * 1_000_000
"""Microseconds that a session lives after its last use."""

MAX_SESSIONS: Final = 10
"""Sessions at a time; a new one ends the oldest."""

EXPIRED: Final = "You were logged out after 12 hours of inactivity. Log in again."
UNKNOWN: Final = (
    "You were logged out because the server restarted, you have 10 newer sessions, or the session was ended"
    " elsewhere. Log in again."
)
EXPIRED_AFTER: Final = "You were logged out because your login with the provider is 12 hours old. Log in again."
CHANGED: Final = "The admin password was changed. Log in again."
RESET: Final = "Two-step verification was reset for the admin app. Log in again."
NO_FILE: Final = "admin_password_file isn't set in moxlite.toml. On the server, run: moxlite admin set-password"

Stamp = tuple[int, int, int, int]


class AdministratorSession(Session, frozen=True, kw_only=True):
    """A session of the administrator, with the log-in at the login provider that began it."""

    provider: ProviderLogin


class _LiveSession(msgspec.Struct):
    """A session with the hashes of its tokens; `password`: the version of the password file and of the second factors
    at its log-in; `logouts`: number of log-outs at the login provider when that began.
    """

    session: AdministratorSession
    token: bytes
    csrf: bytes
    password: Stamp
    logouts: int


class Administrator(Identity, frozen=True, kw_only=True):
    """A person of the login provider who administers: with the address that is verified there, and the account that the
    person is connected with, "" for none.
    """

    person_address: str
    connected: str


class AdminSessions(Sessions):
    """Log-in and sessions of the admin app. A restart of the server ends them, and so do a new admin password and a
    reset of the second factors.

    Args:
      resets: returns the number of such resets since the start.
    """

    WRONG = "Wrong password."
    NOT_CONNECTED = "Only administrators can log in here. Ask your administrator to add you to their group."

    def __init__(
        self,
        *,
        auth: AuthDB,
        logins: Logins,
        factors: SecondFactors,
        config: CurrentConfig,
        resets: Callable[[], int],
    ) -> None:
        super().__init__("webadmin", auth=auth, logins=logins, factors=factors, config=config)
        self._resets = resets
        self._living: dict[int, _LiveSession] = {}
        self._last_id = 0
        self._stamps: Pending[Stamp] = Pending()  # by the token of a log-in that waits for its second factor

    async def log_in(self, caller: Caller, login_token: str, username: str, password: str) -> LoginResult:
        """As `Sessions.log_in`; the administrator has no user name."""
        stamp = self._stamp()
        result = await super().log_in(caller, login_token, username, password)
        if result.second_step is not None:
            self._stamps.put(result.second_step.token, stamp, ADMIN)
        return result

    async def log_in_by_provider(self, caller: Caller, accepting: Awaitable[Identity], proven: int) -> LoginResult:
        """As `Sessions.log_in_by_provider`."""
        result = await super().log_in_by_provider(caller, accepting, proven)
        if result.second_step is not None:
            self._stamps.put(result.second_step.token, self._stamp(), ADMIN)
        return result

    async def second_step(self, caller: Caller, token: str, kind: FactorKind, code: str) -> LoginResult:
        """As `Sessions.second_step`; the password must not have been changed since the first step."""
        # The first step may be five minutes old: its password may be the one that was replaced because it had leaked.
        stamp = self._stamps.get(token)
        if stamp != self._stamp():
            raise errors.LoginFailed(CHANGED)
        result = await super().second_step(caller, token, kind, code)
        # Also while the factor was checked. The session is the last one: nothing was awaited since it began.
        if stamp != self._stamp():
            self.end(self._last_id)
            raise errors.LoginFailed(CHANGED)
        return result

    async def _check_password(self, caller: Caller, username: str, password: str, *, confirm: bool = False) -> Identity:
        stamp = self._stamp()
        mechanism = "webconfirm" if confirm else "weblogin"
        await self._logins.admin_password(self.login_request(caller), password, mechanism=mechanism, alone=confirm)
        # The password is checked in a thread, and the file may be replaced meanwhile.
        if stamp != self._stamp():
            raise WrongCredentials("the password has changed")
        return Identity(ADMIN, "")

    async def _enter(self, caller: Caller, identity: Identity, proven: int | None = None) -> LoginResult:
        if isinstance(identity, Administrator):
            await _record_person(self._auth, caller, identity)
        # Nothing is awaited from here: the stamp below is of the password that was compared just before.
        _refuse_logged_out(self._auth, identity)
        tokens, now = new_tokens(), _now()
        self._last_id += 1
        session = AdministratorSession(
            id=self._last_id,
            app="webadmin",
            account=ADMIN,
            address="",
            remote_ip=caller.request.client_ip,
            user_agent=(caller.request.headers.get("user-agent") or "")[:256],
            created=now,
            last_used=now,
            expires=now + LIFETIME,
            proven=now if proven is None else proven,
            subject=identity.provider.subject,
            provider=identity.provider,
        )
        hashes = hash_of(tokens.token), hash_of(tokens.csrf)
        self._living[session.id] = _LiveSession(session, *hashes, self._stamp(), identity.logouts)
        while len(self._living) > MAX_SESSIONS:
            del self._living[min(self._living)]
        self.cookies.give(caller, tokens.token, "")
        return LoginResult(tokens.csrf, "")

    async def log_out(self, caller: Caller) -> int:
        """End the session of this request; returns its id."""
        await trio.lowlevel.checkpoint()
        session = caller.require()
        self.end(session.id)
        self.cookies.forget(caller)
        return session.id

    async def check(self, caller: Caller, *, csrf: bool = True, csrf_token: str | None = None) -> Session:
        """The valid session of a request, as `Sessions.check`; the cookie names no account."""
        token, _, csrf_token = self.cookies.brought(caller, csrf=csrf, csrf_token=csrf_token)
        found = self._find(hash_of(token))
        wrong_csrf = found is not None and csrf and not hmac.compare_digest(found.csrf, hash_of(csrf_token or ""))
        if found is None or wrong_csrf:
            self._record_misuse(caller, ADMIN)
            await trio.sleep(FAILURE_DELAY)
            raise errors.BadAuth(UNKNOWN)
        session, now = found.session, _now()
        if session.expires <= now:
            raise errors.BadAuth(EXPIRED_AFTER if session.subject else EXPIRED)
        if self._auth.sessions.logouts.after(found.logouts, found.session.provider):
            self.end(session.id)
            raise errors.BadAuth(INVALID)
        if found.password != self._stamp():
            self.end(session.id)
            raise errors.BadAuth(_why(found.password, self._stamp()))
        # Use doesn't extend a log-in by the provider: only a new one tells whether the person is still in the group.
        expires = session.expires if session.subject else now + LIFETIME
        found.session = session = msgspec.structs.replace(session, last_used=now, expires=expires)
        self._accept(caller, session)
        return session

    async def alive(self, session: Session) -> bool:
        """Whether the session that started a stream is still valid."""
        await trio.lowlevel.checkpoint()
        found = self._living.get(session.id)
        return (
            found is not None
            and found.session.expires > _now()
            and found.password == self._stamp()
            and not self._auth.sessions.logouts.after(found.logouts, found.session.provider)
        )

    async def end_others(self, caller: Caller, *, devices: bool = False) -> int:
        """End all sessions but that of this request; returns how many. None of them is a device session."""
        await trio.lowlevel.checkpoint()
        own = caller.require().id
        others = [number for number in self._living if number != own and not devices]
        return sum(self.end(number) for number in others)

    async def set_password(self, caller: Caller, password: str) -> int:
        """Replace the password file, and end all sessions but that of this request; returns how many. Raises
        FieldErrors, ServerFailed.
        """
        path = self._config.current.static.admin_password_file
        if path is None:
            raise errors.UserError(NO_FILE)
        own = self._living.get(caller.require().id)
        try:
            refuse_guessable(self._config.current, ADMIN, password)
            await trio.to_thread.run_sync(write_admin_password, path, password)
        except BadPassword as error:
            raise errors.FieldErrors([errors.FieldError("password", str(error))]) from None
        except OSError as error:
            raise errors.ServerFailed(f"Couldn't set the password: {error.strerror or error}") from None
        if own is not None:
            # The new file would end this session, too, which is the one that wrote it.
            own.password = self._stamp()
        return await self.end_others(caller)

    async def sessions(self) -> list[Session]:
        """The living sessions, last used first."""
        sessions = [one.session for one in list(self._living.values()) if await self.alive(one.session)]
        return sorted(sessions, key=lambda session: -session.last_used)

    def end(self, number: int) -> bool:
        """End a session; False if it is gone already."""
        ended = self._living.pop(number, None) is not None
        self._auth.sessions.tell(ADMIN)
        return ended

    def _find(self, token: bytes) -> _LiveSession | None:
        found = None
        for one in self._living.values():  # at most 10; all are compared, so that the time says nothing
            if hmac.compare_digest(one.token, token):
                found = one
        return found

    def _stamp(self) -> Stamp:
        """The version of the password file, by a stat of a cached inode, and of the second factors. Without a file, or
        with one that can't be read, only the login provider logs in.
        """
        path = self._config.current.static.admin_password_file
        try:
            status = None if path is None else os.stat(path)  # noqa: PTH116  pathlib costs five times as much
        except OSError:
            status = None
        file = (0, 0, 0) if status is None else (status.st_mtime_ns, status.st_size, status.st_ino)
        return *file, self._resets()


async def _record_person(auth: AuthDB, caller: Caller, person: Administrator) -> None:
    # Later entries have the subject alone: this one says whose it is.
    detail = {"subject": person.provider.subject, "address": person.person_address}
    with acting_as(Origin(ADMIN, "webadmin", caller.request.client_ip)):
        async with auth.audit.recording("admin login by provider", person.connected, detail):
            _refuse_logged_out(auth, person)


def _refuse_logged_out(auth: AuthDB, identity: Identity) -> None:
    if auth.sessions.logouts.after(identity.logouts, identity.provider):
        raise errors.LoginFailed(INVALID)


def _why(then: Stamp, now: Stamp) -> str:
    """The reason why a log-in at the version `then` is no longer valid."""
    return RESET if then[:3] == now[:3] else CHANGED


def _now() -> int:
    return time.time_ns() // 1000
