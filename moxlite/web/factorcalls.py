"""The API calls about second factors, confirmations and recovery links, for the account app and the admin app
(WEB-151).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from moxlite.admin.factors import FactorChanges
from moxlite.proto.totp import matching_step, new_secret, secret_text, totp_uri
from moxlite.store.auth.factors import FactorRefused, SecurityKey, TOTPApp, checked_name
from moxlite.store.auth.loginattempts import ADMIN
from moxlite.web import factors
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import NotFound, UserError
from moxlite.web.factors import Ceremony, NewKey, Pending, QRCode, qr_code
from moxlite.web.logincalls import Answer
from moxlite.web.sessions import Sessions
from moxlite.web.types import Credential
from moxlite.wording import reason_of, worded

if TYPE_CHECKING:
    from moxlite.store.auth.sessions import Session


class FactorKey(msgspec.Struct, frozen=True):
    """A security key; it works at `host` only."""

    id: int
    name: str
    host: str
    created: int
    last_used: int


class ProgramUse(msgspec.Struct, frozen=True):
    """A mail program that logged in with the main password, and when it did so last: it stops when two-step log-in is
    turned on. `program`: its name for itself, often "".
    """

    protocol: str
    program: str
    remote_ip: str
    last: int


class FactorState(msgspec.Struct, frozen=True):
    """The second factors. Two-step log-in is on with an app or key. `codes`: recovery codes left.

    `host`: the host name that a new security key would be bound to, "" where none can be made: at an IP address, or
    without https. `programs`: see there; empty if two-step log-in is on. `server_time`: milliseconds since 1970.
    """

    apps: tuple[TOTPApp, ...]
    keys: list[FactorKey]
    codes: int
    host: str
    programs: list[ProgramUse]
    server_time: int


class NewApp(msgspec.Struct, frozen=True):
    """The secret of a new authenticator app, which counts once `totp_finish` has a code of it: as address
    (``otpauth:``), as text to type (base32), and as QR code of the address. `server_time`: milliseconds since 1970.
    """

    uri: str
    secret: str
    qr: QRCode
    server_time: int


class KeyRequest(msgspec.Struct, frozen=True):
    """JSON for ``navigator.credentials.create`` or ``get``."""

    options: str


class FactorAdded(msgspec.Struct, frozen=True):
    """A factor that counts now. `recovery_codes`: 10 with the first factor, else empty; they cannot be read again."""

    name: str
    recovery_codes: list[str]


class RecoveryInfo(msgspec.Struct, frozen=True):
    """The link of `recover`: whose password it sets, its end, whether the user gets a generated password, and whether
    the second factors are removed.
    """

    account: str
    expires: int
    generated: bool
    reset_factors: bool


# The API calls by which a user, or the administrator, changes second factors (WEB-151), and the page of a recovery
# link (WEB-151a).


Name = Annotated[str, Meta(max_length=256)]
Token = Annotated[str, Meta(max_length=64)]
DeviceKind = Literal["totp", "key"]

BEGIN_AGAIN: Final = "This took too long, or the server was restarted. Start again."


class _NewTOTP(msgspec.Struct, frozen=True):
    name: str
    secret: bytes


class _NewKey(msgspec.Struct, frozen=True):
    """A key in the making: `made` is None until the browser has made it."""

    name: str
    ceremony: Ceremony
    made: NewKey | None = None


class FactorCalls:
    """Second factors, for the account app and the admin app."""

    def __init__(self, sessions: Sessions, factors: FactorChanges) -> None:
        self._sessions = sessions
        self._factors = factors
        self._new_apps: Pending[_NewTOTP] = Pending()
        self._new_keys: Pending[_NewKey] = Pending()

    # Factors

    @call()
    async def second_factors(self, caller: Caller) -> FactorState:
        """The second factors, and the mail programs that use the main password."""
        session = caller.require()
        found = await self._factors.factors.of(session.account)
        programs = [] if found or session.account == ADMIN else await self._factors.main_password_uses(session.account)
        return FactorState(
            apps=found.apps,
            keys=[FactorKey(key.id, key.name, key.host, key.created, key.last_used) for key in found.keys],
            codes=found.codes,
            host=factors.host_of(caller.request),
            programs=[
                ProgramUse(program.protocol, program.user_agent, program.remote_ip, program.last)
                for program in programs
            ],
            server_time=_milliseconds(),
        )

    @call(confirm=True, secret=True)
    async def totp_begin(self, caller: Caller, name: Name) -> NewApp:
        """Make the secret of a new authenticator app; it counts only after `totp_finish`."""
        session = caller.require()
        secret = new_secret()
        await self._check_free(session, "totp", name := _named(name))
        uri = totp_uri(secret, issuer=caller.request.host.name or "moxlite", label=_label(session))
        self._new_apps.put(session.id, _NewTOTP(name, secret), session.account)
        return NewApp(uri, secret_text(secret), await qr_code(uri), _milliseconds())

    @call(audit="authenticator app added", confirm=True)
    async def totp_finish(self, caller: Caller, code: Credential) -> FactorAdded:
        """Check the first code of the app that `totp_begin` made, and let it count from now on."""
        session = caller.require()
        new = self._new_apps.get(session.id)
        if new is None:
            raise UserError(BEGIN_AGAIN)
        step = matching_step(new.secret, "".join(code.split()), now=time.time(), after=0)
        if step is None:
            raise UserError("Wrong code. Make sure your device's clock is correct.")
        # Taken only after a right code: a phone has scanned the secret, and a mistyped code must not void that. Of two
        # right calls at once, one adds the app.
        if self._new_apps.take(session.id) is None:
            raise UserError(BEGIN_AGAIN)
        codes = await self._factors.add_app(session.account, new.name, new.secret, step, where=_where(caller))
        return await self._added(caller, new.name, codes)

    @call(confirm=True)
    async def key_begin(self, caller: Caller, name: Name) -> KeyRequest:
        """Begin to make a security key for this host name: options for ``navigator.credentials.create``."""
        session = caller.require()
        await self._check_free(session, "key", name := _named(name))
        known = [
            key
            for key in (await self._factors.factors.of(session.account)).keys
            if key.host == factors.host_of(caller.request)
        ]
        with _answers():
            ceremony, options = await factors.begin_creation(caller.request, _label(session), known)
        self._new_keys.put(session.id, _NewKey(name, ceremony), session.account)
        return KeyRequest(options)

    @call(confirm=True)
    async def key_created(self, caller: Caller, answer: Answer) -> KeyRequest:
        """Take the key that the browser has made: options for ``navigator.credentials.get``, to try it."""
        session = caller.require()
        new = self._new_keys.take(session.id)
        # Taken before the check, unlike a code: a challenge serves once (WebAuthn Level 2 §13.4.3).
        if new is None or new.made is not None:
            raise UserError(BEGIN_AGAIN)
        with _answers():
            made = await factors.finish_creation(new.ceremony, answer)
            ceremony, options = await factors.begin_assertion(caller.request, [_stored(new.name, new.ceremony, made)])
        self._new_keys.put(session.id, _NewKey(new.name, ceremony, made), session.account)
        return KeyRequest(options)

    @call(audit="security key added", confirm=True)
    async def key_finish(self, caller: Caller, answer: Answer) -> FactorAdded:
        """Check the first answer of the new key, and let it count from now on."""
        session = caller.require()
        new = self._new_keys.take(session.id)
        if new is None or new.made is None:
            raise UserError(BEGIN_AGAIN)
        key = _stored(new.name, new.ceremony, new.made)
        with _answers():
            _, count = await factors.verify(new.ceremony, answer, [key])
        key = msgspec.structs.replace(key, sign_count=count)
        codes = await self._factors.add_key(session.account, key, where=_where(caller))
        return await self._added(caller, new.name, codes)

    @call(audit="verification method removed", confirm=True)
    async def factor_remove(self, caller: Caller, kind: DeviceKind, id: int) -> FactorState:  # noqa: A002
        """Remove an app or key. With the last one, two-step log-in is off."""
        name = await self._factors.remove(caller.require().account, kind, id, where=_where(caller))
        if name is None:
            raise NotFound("This verification method was already removed.")
        await self._sessions.end_others(caller, devices=True)
        return await self.second_factors(caller)

    @call(audit="recovery codes created", confirm=True, secret=True)
    async def recovery_codes_new(self, caller: Caller) -> list[str]:
        """Replace the recovery codes; the new ones cannot be read again."""
        account = caller.require().account
        if not await self._factors.factors.of(account):
            raise UserError("To create recovery codes, add an authenticator app or a security key first.")
        return await self._factors.new_recovery_codes(account, where=_where(caller))

    async def _added(self, caller: Caller, name: str, codes: list[str]) -> FactorAdded:
        # turned on: sessions that began with the password alone end; devices that stay logged in end with each change
        await self._sessions.end_others(caller, devices=not codes)
        return FactorAdded(name, codes)

    async def _check_free(self, session: Session, kind: DeviceKind, name: str) -> None:
        found = await self._factors.factors.of(session.account)
        if name in [one.name for one in (found.apps if kind == "totp" else found.keys)]:
            raise UserError("A device with this name already exists.")


class RecoveryCalls:
    """The page of a recovery link, for the account app."""

    def __init__(self, factors: FactorChanges) -> None:
        self._factors = factors

    @call(public=True)
    async def recovery_info(self, caller: Caller, token: Token) -> RecoveryInfo:
        """Describe a recovery link, without using it up."""
        recovery_link = await self._factors.link(token)
        generated = self._factors.generates(recovery_link.account)
        return RecoveryInfo(recovery_link.account, recovery_link.expires, generated, recovery_link.reset_factors)

    @call(audit="password recovered", public=True)
    async def recover(self, caller: Caller, token: Token, password: Credential) -> str:
        """Use up a recovery link: set the password, and return it if the server generated it."""
        return await self._factors.use_link(token, password, where=_where(caller))


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000


def _named(name: str) -> str:
    """The name of a new device. Raises UserError."""
    try:
        return checked_name(name)
    except FactorRefused as error:
        raise UserError(reason_of(error)) from error


def _label(session: Session) -> str:
    """The user as apps and browsers show it."""
    return "admin" if session.account == ADMIN else session.address


def _where(caller: Caller) -> str:
    """The origin of a change, for notices."""
    agent = caller.request.headers.get("user-agent") or ""
    return f"{caller.request.client_ip}, {agent[:200]}" if agent.isprintable() and agent else caller.request.client_ip


def _stored(name: str, ceremony: Ceremony, made: NewKey) -> SecurityKey:
    """A new key in the form in which it will be stored; id and times come then."""
    return SecurityKey(0, name, ceremony.host, made.credential, made.public_key, made.sign_count, made.transports, 0, 0)


@contextmanager
def _answers() -> Iterator[None]:
    """Turn wrong answers of a browser or key into UserError."""
    try:
        yield
    except factors.BadAnswer as error:
        raise UserError(worded("Couldn't add security key: {reason}.", reason=error)) from error
