"""The calls of the account app about security: passwords, app passwords, sessions, log-in attempts (WEB-63, WEB-70,
WEB-150), and keys of client certificates (WEB-67).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from msgspec import Meta

from moxlite.admin.accountcommands import key_info
from moxlite.admin.passwords import Passwords
from moxlite.operations.access import TLSKeyInfo
from moxlite.operations.queue import Filter
from moxlite.store.auth.apppasswords import AppPassword, app_passwords
from moxlite.store.auth.credentials import credential, generate_password
from moxlite.store.auth.loginattempts import AppUse, RecordedAttempt
from moxlite.store.auth.tlskeys import pem_problem, read_certificate
from moxlite.store.people.devices import forget_devices
from moxlite.web.account.calls.common import AccountCalls, moment, now
from moxlite.web.account.types import AppPasswordItem, Attempt, Left, PasswordState, Secured, SessionItem
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, FieldError, FieldErrors, NotFound, UserError
from moxlite.web.types import Credential
from moxlite.wording import worded

GENERATED_ONLY: Final = "your administrator only allows generated passwords for this account"
DAY: Final = 24 * 3600 * 1_000_000
"""Microseconds of a day."""
MAX_LEFT: Final = 500
"""Messages listed by `not_me`."""

Place = Annotated[str, Meta(max_length=50)]
Count = Annotated[int, Meta(ge=1, le=100)]


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

    @call(audit="password changed", confirm=True)
    async def generate_password(self, caller: Caller) -> str:
        """Set a new random password and return it, for the only time. Other sessions end; app passwords stay."""
        password = generate_password()
        await self._set_password(caller, password)
        return password

    async def _set_password(self, caller: Caller, password: str) -> int:
        await self._passwords.change(caller.require().account, password)
        return await self._sessions.end_others(caller)

    @call()
    async def app_password_list(self, caller: Caller) -> list[AppPasswordItem]:
        """The app passwords, the oldest first, with their last use."""
        name = caller.require().account
        async with self._open(caller) as account:
            found = await account.read(app_passwords, op="app-password")
        uses = {one.app_password: one for one in await self._server.auth.attempts.app_uses(name)}
        at = now()
        return [_app(app_password, uses.get(app_password.name), at) for app_password in found]

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
                app="webmail" if session.app == "webmail" else "account page",
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
            raise NotFound("you already ended this session")
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

    @call(audit="account secured", confirm=True)
    async def not_me(self, caller: Caller) -> Secured:
        """Lock out everyone else: a new password, no other sessions, no app passwords, no keys, no mail leaves.

        The steps are safe to repeat. The session of this browser stays, unless the webmail has handed it on: it ends
        last, with the answer.
        """
        own = caller.require()
        name = own.account
        password = generate_password()
        await self._passwords.change(name, password)
        sessions = await self._sessions.end_others(caller)
        # The password and the sessions first: who has those could make new app passwords, and who has app passwords can
        # only read and send.
        apps = await self._passwords.revoke_all_apps(name)
        for key in await self._server.auth.keys.of(name):
            await self._passwords.remove_key(self._server.auth.keys, name, key.fingerprint)
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
        )


def _app(app_password: AppPassword, use: AppUse | None, at: int) -> AppPasswordItem:
    used = use if use is not None and use.last >= app_password.created else None  # an earlier one had the same name
    last = max(used.last if used else 0, app_password.last_used or 0)
    return AppPasswordItem(
        name=app_password.name,
        token=app_password.token is not None,
        scopes=list(app_password.scopes),
        read_only=app_password.read_only,
        created=moment(app_password.created),
        expires=None if app_password.expires is None else moment(app_password.expires),
        expired=app_password.expired(at),
        last_used=moment(last) if last else None,
        last_ip=used.remote_ip if used else "",
        last_protocol=protocol_words(used.protocol) if used else "",
    )


def _place(text: str) -> tuple[int, int]:
    last, _, number = text.partition("-")
    if not (last.isascii() and last.isdecimal() and number.isascii() and number.isdecimal()) or len(text) > 40:
        raise UserError("after: not a position in this list")
    return min(int(last), 2**63 - 1), min(int(number), 2**63 - 1)


def _attempt(recorded_attempt: RecordedAttempt) -> Attempt:
    return Attempt(
        text=attempt_words(recorded_attempt),
        ok=recorded_attempt.result == "ok",
        username=recorded_attempt.address,
        user_agent=recorded_attempt.user_agent,
        app_password=recorded_attempt.app_password,
        first=moment(recorded_attempt.first),
        last=moment(recorded_attempt.last),
        count=recorded_attempt.count,
        after=f"{recorded_attempt.last}-{recorded_attempt.id}",
    )


Certificate = Annotated[str, Meta(max_length=100_000)]
KeyName = Annotated[str, Meta(max_length=256)]
AddressText = Annotated[str, Meta(max_length=1000)]
Fingerprint = Annotated[str, Meta(max_length=100)]


class KeyCalls(AccountCalls):
    """The calls about keys by which programs log in without a password."""

    @call()
    async def key_list(self, caller: Caller) -> list[TLSKeyInfo]:
        """The keys of the account, oldest first."""
        return [key_info(tls_key) for tls_key in await self._server.auth.keys.of(caller.require().account)]

    @call(audit="key added", confirm=True)
    async def key_add(
        self, caller: Caller, certificate: Certificate, name: KeyName, login_address: AddressText, no_imap_preauth: bool
    ) -> TLSKeyInfo:
        """Let the holder of a certificate's key log in with an address of the account."""
        problem = pem_problem(certificate)
        if problem:
            raise FieldErrors([FieldError("certificate", problem)])
        account = caller.require().account
        address = self._address(caller, login_address)
        key = read_certificate(
            certificate.encode(), account, address, name=name.strip(), no_imap_preauth=no_imap_preauth
        )
        return key_info(await self._server.auth.keys.add(key))

    @call(audit="key changed", confirm=True)
    async def key_save(self, caller: Caller, old: TLSKeyInfo, changed: TLSKeyInfo) -> None:
        """Change name, address or use of a key. A conflict if it is no longer the old one."""
        account = caller.require().account
        tls_key = {one.fingerprint: one for one in await self._server.auth.keys.of(account)}.get(old.fingerprint)
        if tls_key is None:
            raise NotFound("certificate not found")
        if key_info(tls_key) != old:
            raise Conflict(
                worded(
                    'this was changed elsewhere: it\'s now "{name}" for {login_address}',
                    name=tls_key.name,
                    login_address=tls_key.login_address,
                )
            )
        if not changed.name.strip():
            raise FieldErrors([FieldError("name", "is empty")])
        address = self._address(caller, changed.login_address)
        await self._server.auth.keys.change(
            account,
            old.fingerprint,
            name=changed.name.strip(),
            no_imap_preauth=changed.no_imap_preauth,
            login_address=address,
        )

    @call(audit="key removed", confirm=True)
    async def key_remove(self, caller: Caller, fingerprint: Fingerprint) -> None:
        """Forget a key; its mail sessions end, and log-ins with it are refused."""
        account = caller.require().account
        if not await self._server.passwords.remove_key(self._server.auth.keys, account, fingerprint):
            raise NotFound("certificate not found")

    def _address(self, caller: Caller, text: str) -> str:
        """An address of the account in its canonical form. Raises FieldErrors."""
        account_recipient = self._server.config.current.login(text)
        if account_recipient is None or account_recipient.account != caller.require().account:
            raise FieldErrors([FieldError("login_address", "doesn't belong to this account")])
        return str(account_recipient.canonical)


# Log-in attempts in words for people (WEB-70).


PROTOCOLS: Final[Mapping[str, str]] = {
    "smtp": "SMTP",
    "submission": "sending by SMTP",
    "imap": "IMAP",
    "webmail": "webmail",
    "webaccount": "account page",
    "webadmin": "admin page",
    "webapi": "web API",
    "dav": "calendars and contacts",
    "jmap": "JMAP",
    "addresses": "password managers",
    "website": "site of the web server",
}

OUTCOMES: Final[Mapping[str, str]] = {
    "ok": "logged in",
    "baduser": "refused: unknown address",
    "badpassword": "refused: wrong password",
    "badcreds": "refused: wrong password",
    "badchanbind": "refused: the connection was not the one that the program meant",
    "badprotocol": "refused: the program did not keep to the protocol",
    "logindisabled": "refused: log-in is disabled",
    "notpermitted": "refused: this password is not for this service",
    "error": "failed: the server could not check it",
    "aborted": "given up by the program",
}
"""Outcomes by `AttemptResult`."""

SESSION: Final = "refused: a session that does not exist"
"""Outcome of the mechanism ``websession``: a cookie or token that belongs to no session."""


def protocol_words(protocol: str) -> str:
    """The protocol or app of a log-in."""
    return PROTOCOLS.get(protocol, protocol)


def attempt_words(recorded_attempt: RecordedAttempt) -> str:
    """Protocol, address and outcome: ``IMAP, 198.51.100.7, refused: wrong password``."""
    outcome = (
        SESSION
        if recorded_attempt.mechanism == "websession"
        else OUTCOMES.get(recorded_attempt.result, recorded_attempt.result)
    )
    if recorded_attempt.result == "ok" and recorded_attempt.app_password:
        outcome += f' with the app password "{recorded_attempt.app_password}"'
    elif recorded_attempt.result == "ok" and recorded_attempt.tls_key:
        outcome += " with a key"
    return f"{protocol_words(recorded_attempt.protocol)}, {recorded_attempt.remote_ip}, {outcome}"
