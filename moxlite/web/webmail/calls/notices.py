"""The calls for notices of new mail on devices (WEBMAIL-122, WEBMAIL-122a)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from moxlite.logins.secondfactor import FactorKind
from moxlite.proto.webpush import BadSubscription, check_endpoint, check_keys, decode
from moxlite.store.people import notices as told
from moxlite.store.people.devices import Device, add_device, devices, remove_device
from moxlite.store.people.notices import Alarms, Choice, archive_told, save_choice
from moxlite.store.types import MessageID
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import FieldError, FieldErrors, UserError
from moxlite.web.logincalls import Answer, LoginCalls
from moxlite.web.types import Credential, LoginResult, Name
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.items import EPOCH
from moxlite.web.webmail.querytypes import ID, Time
from moxlite.wording import reason_of

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader


Key = Annotated[str, Meta(min_length=1, max_length=100)]
AnyID = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Minute = Annotated[int, Meta(ge=0, le=1439)]


class NoticeDevice(msgspec.Struct, frozen=True):
    """A browser that is told of new mail. ``host``: of its push service; ``used``: time of the last notice that was
    taken; ``failures``: since then, with the last ``error`` in words.
    """

    id: int
    name: str
    host: str
    created: Time
    used: Time | None
    failures: int
    error: str


class NoticeChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of which mail devices are told: with ``known`` only of mail by people to whom the user wrote, and contacts. Quiet
    hours: minutes since midnight in ``zone``, none if both are the same. ``alarms`` of the calendar: by notices and, as
    each says, by mail; by notices alone; or not at all.
    """

    known: bool
    quiet_from: Minute
    quiet_until: Minute
    zone: Annotated[str, Meta(min_length=1, max_length=100)]
    alarms: Alarms = "all"


class NoticeState(msgspec.Struct, frozen=True):
    """``public_key``: of this server, in base64url, for the browser to subscribe with."""

    public_key: str
    devices: list[NoticeDevice]
    choice: NoticeChoice


class NoticeCalls(AccountCalls):
    """Calls about devices that are told of new mail."""

    @call()
    async def notices(self, caller: Caller) -> NoticeState:
        """The devices of the account, and the choices for all of them."""
        key = await self._server.notices.public_key()

        def read(r: Reader) -> NoticeState:
            chosen = told.choice(r)
            return NoticeState(
                key,
                [_shown(device) for device in devices(r)],
                NoticeChoice(chosen.known, chosen.quiet_from, chosen.quiet_until, chosen.zone, chosen.alarms),
            )

        async with self._accounts.use(caller.require().account) as account:
            return await account.read(read, op="webmail_notices")

    @call()
    async def notices_subscribe(
        self,
        caller: Caller,
        endpoint: Annotated[str, Meta(min_length=1, max_length=1000)],
        p256dh: Key,
        auth: Key,
        name: Annotated[str, Meta(min_length=1, max_length=100)],
        replaces: AnyID = 0,
    ) -> int:
        """Tell a browser of new mail, by its subscription at a push service; returns the id of the device. One with the
        same endpoint is changed. ``replaces``: the device of this browser before its push service gave it another
        endpoint.
        """
        session = caller.require()
        try:
            check_endpoint(endpoint)
        except BadSubscription as error:
            raise FieldErrors([FieldError("endpoint", reason_of(error))]) from None
        try:
            public, secret = decode(p256dh), decode(auth)
            check_keys(public, secret)
        except BadSubscription as error:
            raise FieldErrors([FieldError("p256dh", reason_of(error))]) from None
        shown = " ".join(name.split()) or "?"
        async with self._accounts.use(session.account) as account:
            found = await account.write(
                lambda tx: add_device(tx, endpoint, public, secret, shown, max(session.id, 0), replaces=replaces)
            )
        self._server.notices.added()
        return found

    @call()
    async def notices_remove(self, caller: Caller, device_id: ID) -> None:
        """Tell a device no more."""
        async with self._accounts.use(caller.require().account) as account:
            await account.write(lambda tx: remove_device(tx, device_id))

    @call()
    async def notices_test(self, caller: Caller, device_id: ID) -> str:
        """Send a notice to a device; returns why its push service did not take it, or ""."""
        async with self._accounts.use(caller.require().account) as account:
            return await self._server.notices.test(account, device_id)

    @call()
    async def notice_archive(self, caller: Caller, message_id: ID) -> None:
        """Move the message of a notice from the Inbox to the archive, and mark it as read.

        A message that is elsewhere by now, or gone, stays as it is.
        """
        async with self._accounts.use(caller.require().account) as account:
            if not await account.write(lambda tx: archive_told(tx, MessageID(message_id))):
                raise UserError("this account has no Archive folder")

    @call()
    async def notices_choose(self, caller: Caller, choice: NoticeChoice) -> None:
        """Set the choices for all devices."""
        chosen = Choice(choice.known, choice.quiet_from, choice.quiet_until, choice.zone, choice.alarms)
        async with self._accounts.use(caller.require().account) as account:
            try:
                await account.write(lambda tx: save_choice(tx, chosen))
            except ValueError as error:
                raise FieldErrors([FieldError("zone", reason_of(error))]) from None


def _shown(device: Device) -> NoticeDevice:
    return NoticeDevice(
        id=device.id,
        name=device.name,
        host=check_endpoint(device.endpoint).removeprefix("https://"),
        created=EPOCH + timedelta(microseconds=device.created),
        used=EPOCH + timedelta(microseconds=device.used) if device.used else None,
        failures=device.failures,
        error=device.error,
    )


# Calls about a device that stays logged in (WEBMAIL-22a).


class DeviceLogins(LoginCalls):
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
