"""The calls about the devices that are told of new mail, and of what (WEBMAIL-122). The account app has them all; the
webmail asks whether its browser is still one of the devices, and subscribes it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from moxlite.proto.webpush import check_endpoint
from moxlite.store.people import notices as told
from moxlite.store.people.devices import Device, devices, remove_device
from moxlite.store.people.notices import Alarms, Choice, save_choice
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import FieldError, FieldErrors
from moxlite.wording import reason_of

if TYPE_CHECKING:
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.file.transaction import Reader
    from moxlite.web.notices.service import Notices

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

ID = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Time = Annotated[datetime, Meta(tz=True)]
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
    """The mail of which devices are told: with ``known`` only of people to whom the user wrote, and contacts. Quiet
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


class NoticeCalls:
    """Calls about devices that are told of new mail."""

    def __init__(self, accounts: Accounts, notices: Notices) -> None:
        self._accounts = accounts
        self._notices = notices

    @call()
    async def notices(self, caller: Caller) -> NoticeState:
        """The devices of the account, and the choices for all of them."""
        key = await self._notices.public_key()

        def read(r: Reader) -> NoticeState:
            chosen = told.choice(r)
            return NoticeState(
                key,
                [_shown(device) for device in devices(r)],
                NoticeChoice(chosen.known, chosen.quiet_from, chosen.quiet_until, chosen.zone, chosen.alarms),
            )

        async with self._accounts.use(caller.require().account) as account:
            return await account.read(read, op="webmail_notices")

    @call(once=True)
    async def notices_remove(self, caller: Caller, device_id: ID) -> None:
        """Tell a device no more."""
        async with self._accounts.use(caller.require().account) as account:
            await account.write(lambda tx: remove_device(tx, device_id))

    @call(once=True)
    async def notices_test(self, caller: Caller, device_id: ID) -> str:
        """Send a notice to a device; returns why its push service did not take it, or ""."""
        async with self._accounts.use(caller.require().account) as account:
            return await self._notices.test(account, device_id)

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
