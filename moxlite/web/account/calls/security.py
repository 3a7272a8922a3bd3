"""The calls of the account app about security: passwords, sessions, log-in attempts (WEB-63, WEB-70, WEB-150)."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

from moxlite.admin.passwords import Passwords
from moxlite.operations.access import MAX_WAYS, ListWays, TakeBack, TakenBack, WayID
from moxlite.operations.queue import Filter
from moxlite.store.auth.credentials import credential, generate_password
from moxlite.store.auth.loginattempts import RecordedAttempt
from moxlite.store.changelog.origin import WayKind
from moxlite.store.forms import LAST
from moxlite.store.people.devices import forget_devices
from moxlite.web.account.calls.common import AccountCalls, moment, now
from moxlite.web.account.types import Attempt, Left, PasswordState, Secured, SessionItem
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import NotFound, UserError
from moxlite.web.types import Credential

GENERATED_ONLY: Final = "your administrator only allows generated passwords for this account"
DAY: Final = 24 * 3600 * 1_000_000
"""Microseconds of a day."""
ENDED: Final[frozenset[WayKind]] = frozenset({"session", "app_password", "token", "certificate", "device", "push"})
"""Ways in that `not_me` ends whenever they were set up."""

MAX_LEFT: Final = 500
"""Messages listed by `not_me`."""

Place = Annotated[str, Meta(max_length=50)]
Count = Annotated[int, Meta(ge=1, le=100)]
Since = Annotated[int, Meta(ge=0, le=LAST)]
Kept = Annotated[tuple[WayID, ...], Meta(max_length=MAX_WAYS)]


class SecurityCalls(AccountCalls):
    """The calls about log-ins to the account."""

    @property
    def _passwords(self) -> Passwords:
        return self._server.passwords

    @call()
    async def password_state(self, caller: Caller) -> PasswordState:
        """Whether the user may choose the password, and when it was changed."""
        settings = self._settings(caller)
        async with self._open(caller) as account:
            own = await account.read(credential, op="account_password")
        changed = moment(own.changed) if own is not None else None
        return PasswordState(not settings.no_custom_password, changed, settings.require_app_passwords)

    @call(confirm=True, audit="password changed")
    async def set_password(self, caller: Caller, password: Credential) -> int:
        """Set the password, and end all other sessions; returns their number. App passwords stay."""
        if self._settings(caller).no_custom_password:
            raise UserError(GENERATED_ONLY)
        return await self._set_password(caller, password)

    @call(audit="password changed", confirm=True, secret=True)
    async def generate_password(self, caller: Caller) -> str:
        """Set a new random password and return it, for the only time. Other sessions end; app passwords stay."""
        password = generate_password()
        await self._set_password(caller, password)
        return password

    async def _set_password(self, caller: Caller, password: str) -> int:
        await self._passwords.change(caller.require().account, password)
        return await self._sessions.end_others(caller)

    @call(audit="app passwords revoked", confirm=True)
    async def app_password_remove_all(self, caller: Caller) -> int:
        """Revoke all app passwords, and end their sessions; returns their number."""
        return await self._passwords.revoke_all_apps(caller.require().account)

    @call()
    async def session_list(self, caller: Caller) -> list[SessionItem]:
        """Browsers that are logged in to the account page or the webmail, last used first. What the webmail has handed
        on is part of its log-in.
        """
        own = caller.require()
        return [
            SessionItem(
                id=session.id,
                app="webmail" if session.app == "webmail" else "webaccount",
                address=session.address,
                remote_ip=session.remote_ip,
                user_agent=session.user_agent,
                created=moment(session.created),
                last_used=moment(session.last_used),
                expires=moment(session.expires),
                current=session.id in (own.id, own.parent),
                device=session.device,
            )
            for session in await self._server.auth.sessions.of(own.account)
            if not session.parent
        ]

    @call(audit="session ended")
    async def session_remove(self, caller: Caller, session_id: Annotated[int, Meta(ge=-(2**53), le=2**53)]) -> None:
        """End a session, and the notices to the device that subscribed in it."""
        ended = await self._server.auth.sessions.remove(caller.require().account, session_id)
        if not ended:
            raise NotFound("this session has already ended")
        async with self._open(caller) as account:
            await forget_devices(account, ended)

    @call(audit="sessions ended")
    async def session_remove_others(self, caller: Caller) -> int:
        """End all sessions but this one, and all notices to devices; returns the number of sessions."""
        async with self._open(caller) as account:
            await forget_devices(account)
        return await self._sessions.end_others(caller)

    @call()
    async def attempt_list(self, caller: Caller, after: Place, count: Count) -> list[Attempt]:
        """Log-in attempts of the last 30 days, the newest first: a page after a place, or with "" the first one."""
        name = caller.require().account
        if after:
            last, number = _place(after)
            recorded_attempts = await self._server.auth.attempts.page(name, limit=count, last=last, before=number)
        else:
            recorded_attempts = await self._server.auth.attempts.page(name, limit=count)
        return [_attempt(recorded_attempt) for recorded_attempt in recorded_attempts]

    @call(audit="account secured", confirm=True, secret=True)
    async def not_me(self, caller: Caller, since: Since = 0, keep: Kept = ()) -> Secured:
        """Lock out everyone else: a new password, no other sessions, no app passwords, no keys, no mail leaves. All
        else that gives access and was set up since a time (µs UTC) is taken back, except the ids to keep; 0: none.

        The steps are safe to repeat. The session of this browser stays, unless the webmail has handed it on: it ends
        last, with the answer.
        """
        own = caller.require()
        name = own.account
        # Before the logins end, so that the answer names these, too.
        ways = await self._server.perform(ListWays(since, count=MAX_WAYS, account=name)) if since else []
        password = generate_password()
        await self._passwords.change(name, password)
        sessions = await self._sessions.end_others(caller)
        # The password and the sessions first: who has those could make new app passwords, and who has app passwords can
        # only read and send.
        apps = await self._passwords.revoke_all_apps(name)
        for key in await self._server.auth.keys.of(name):
            await self._passwords.remove_key(self._server.auth.keys, name, key.fingerprint)
        taken: TakenBack | None = None
        if since:
            taken = await self._server.perform(TakeBack(since, keep, account=name))
            logins = [way for way in ways if way.kind in ENDED and not way.current]
            taken = TakenBack(logins + [way for way in taken.ways if way.kind not in ENDED], taken.failed)
        held, left = 0, list[Left]()
        if self._server.queue is not None:
            # After the ways in are closed, so that nothing new comes behind what is held.
            held = await self._server.queue.operations.hold(Filter(account=name))
            ended = await self._server.queue.deliveries.ended_of(name, now() - DAY, MAX_LEFT)
            left = [Left(recipient, state, moment(at)) for _, recipient, state, at in ended]
        async with self._open(caller) as account:
            await forget_devices(account)
        if own.parent:
            await self._sessions.log_out(caller)
        return Secured(
            password=password,
            sessions=sessions,
            app_passwords=apps,
            queue=self._server.queue is not None,
            held=held,
            left=left,
            taken=taken,
        )


def _place(text: str) -> tuple[int, int]:
    last, _, number = text.partition("-")
    if not (last.isascii() and last.isdecimal() and number.isascii() and number.isdecimal()) or len(text) > 40:
        raise UserError("after: invalid list position")
    return min(int(last), 2**63 - 1), min(int(number), 2**63 - 1)


def _attempt(recorded_attempt: RecordedAttempt) -> Attempt:
    return Attempt(
        protocol=recorded_attempt.protocol,
        mechanism=recorded_attempt.mechanism,
        remote_ip=recorded_attempt.remote_ip,
        result=recorded_attempt.result,
        certificate=recorded_attempt.tls_key != "",
        username=recorded_attempt.address,
        user_agent=recorded_attempt.user_agent,
        app_password=recorded_attempt.app_password,
        first=moment(recorded_attempt.first),
        last=moment(recorded_attempt.last),
        count=recorded_attempt.count,
        after=f"{recorded_attempt.last}-{recorded_attempt.id}",
    )
