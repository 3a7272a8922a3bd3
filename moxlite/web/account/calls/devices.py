"""Setting up a device by a one-time link (WEB-71, WEB-126)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote

from msgspec import Meta

from moxlite.admin.notices import notify_account
from moxlite.admin.offer import dav_url, offer_for
from moxlite.admin.publicpages import NoPublicPage, require_public_page
from moxlite.normal import is_visible
from moxlite.proto.address import Address, AddressError
from moxlite.store.auth.apppasswords import app_passwords
from moxlite.store.errors import StoreError
from moxlite.web.account.calls.common import AccountCalls
from moxlite.web.account.calls.overview import program_of
from moxlite.web.account.devices import DeviceLinks, LinkGone
from moxlite.web.account.types import DeviceLink, DeviceLook, DeviceState
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.discovery.service import profile_response
from moxlite.web.errors import Conflict, FieldError, FieldErrors, Gone, UserError
from moxlite.web.factors import qr_code
from moxlite.web.guards import refuse_foreign
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import parse_fields
from moxlite.wording import mail_text, reason_of, sentence

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.net.tls.certificates import KeyPair
    from moxlite.web.account.devices import Device
    from moxlite.web.http.exchange import Request, ResponseWriter


logger = logging.getLogger("moxlite.web.account")

GONE: Final = "this link expired or has been used; create a new one on your account page"

Secret = Annotated[str, Meta(min_length=1, max_length=64)]
DeviceName = Annotated[str, Meta(max_length=200)]


class DeviceCalls(AccountCalls):
    """The calls of the page that sets up a device, and of the page on the device."""

    @property
    def _devices(self) -> DeviceLinks:
        return self._server.devices

    @call(confirm=True, secret=True)
    async def device_start(self, caller: Caller, name: DeviceName) -> DeviceLink:
        """Make the link for a device of this name, which becomes the name of its app password. It leads to the public
        address of this page, wherever the browser has opened it.
        """
        session = caller.require()
        try:
            base = require_public_page(self._server.config.current, "account")
        except NoPublicPage as error:
            raise UserError(reason_of(error)) from error
        name = name.strip()
        if not 0 < len(name) <= 64 or not is_visible(name):
            raise FieldErrors([FieldError("name", "must be 1 to 64 printable characters")])
        async with self._open(caller) as account:
            known = await account.read(app_passwords, op="app-password")
        if any(app_password.name == name for app_password in known):
            raise FieldErrors([FieldError("name", "you already have an app password with this name")])
        try:
            secret = self._devices.start(session.account, session.address, name)
        except LinkGone:
            raise Conflict("another device is already being set up") from None
        url = f"{base}#setup/{secret}"
        return DeviceLink(url, await qr_code(url))

    @call()
    async def device_state(self, caller: Caller) -> DeviceState:
        """How far the device is."""
        device = self._devices.of(caller.require().account)
        if device is None:
            return DeviceState("gone", "", "")
        return DeviceState(device.state, device.remote_ip, device.user_agent)

    @call(audit="device set up", confirm=True)
    async def device_answer(self, caller: Caller, yes: bool) -> None:
        """Give the device that asks an app password, or refuse it."""
        session = caller.require()
        try:
            device = self._devices.asking(session.account)
        except LinkGone:
            raise Gone("this setup code has expired; create a new one") from None
        if not yes:
            self._devices.refuse(device)
            return
        device.state = "issuing"  # a second "yes" makes no second password
        try:
            password = await self._server.passwords.add_app(
                session.account, device.name, ("imap", "submission", "dav", "jmap"), read_only=False, expires=None
            )
        except BaseException:
            device.state = "asking"
            raise
        # Only when the password is stored: the device would try it at once, and a refusal counts as a wrong guess.
        self._devices.give(device, password)
        await self._tell(device)

    async def _tell(self, device: Device) -> None:
        """Tell the user's other devices. The device is set up already, so a failure is only logged."""
        try:
            await notify_account(
                self._server.accounts,
                self._server.config.current,
                device.account,
                Address.parse(device.address),
                mail_text("New device set up: {name}", name=device.name),
                _notice(device),
                once=f"device {device.account} {device.link.hex()} {device.claim.hex()}",
            )
        except (StoreError, AddressError) as error:
            logger.warning("failed to store new device email", extra={"kv": {"err": str(error)}})

    @call(public=True)
    async def device_open(self, caller: Caller, link: Secret) -> str:
        """Use a link up, on the device; returns the device's own secret. The second time it is gone."""
        try:
            return self._devices.open(
                link,
                remote_ip=caller.request.client_ip,
                user_agent=caller.request.headers.get("user-agent") or "",
            )
        except LinkGone:
            raise Gone(GONE) from None

    @call(public=True)
    async def device_look(self, caller: Caller, claim: Secret) -> DeviceLook:
        """The answer to the device: its settings and password, once the user has said yes."""
        try:
            device = self._devices.look(claim)
        except LinkGone:
            raise Gone(GONE) from None
        snapshot = self._server.config.current
        return DeviceLook(device.state, device.password, program_of(snapshot, device.address), _davx5(snapshot, device))


def _davx5(snapshot: Snapshot, device: Device) -> str:
    """The link that DAVx5 opens, with address and password; "" before there is one, and without such a service."""
    dav = offer_for(snapshot, Address.parse(device.address).domain).dav
    if not dav or not device.password:
        return ""
    login = f"{quote(device.address, safe='')}:{quote(device.password, safe='')}"
    return dav_url(dav[0]).replace("https://", f"davx5://{login}@", 1)


# The download of the profile for a device that was set up by a one-time link (WEB-126).


MAX_FORM: Final = 1024
"""Octets of the form, which has one field with the device's secret."""


async def send_profile(
    request: Request,
    writer: ResponseWriter,
    *,
    devices: DeviceLinks,
    snapshot: Snapshot,
    certificate: Callable[[str], KeyPair | None],
) -> None:
    """Answer ``POST device/profile``: the profile with the password, for the device that has the secret ``claim``.

    Raises HTTPError 410 for another one, 409 before the user has said yes.
    """
    if request.method != "POST":
        raise HTTPError(405, "Submit the form to start this download.", (("allow", "POST"),))
    refuse_foreign(request)
    fields = parse_fields((await request.body.read(MAX_FORM)).decode("ascii", "replace"))
    try:
        device = devices.look(fields.get("claim", ""))
    except LinkGone:
        raise HTTPError(410, sentence(GONE), words=GONE) from None
    if device.state != "ready":
        raise HTTPError(409, "To continue, confirm on your account page.")
    settings = snapshot.account(device.account)
    name = "" if settings is None else settings.full_name
    address = Address.parse(device.address)
    packed = address.pack(smtputf8=not address.localpart.isascii())
    pair = certificate(request.info.listener)
    offer = offer_for(snapshot, address.domain)
    await writer.respond(await profile_response(offer, [packed], name, pair, password=device.password))


def _notice(device: Device) -> list[str]:
    """The mail to the user about a new device."""
    agent = "".join(sign if sign.isprintable() else "?" for sign in device.user_agent)
    return [
        mail_text(
            "A new device can now read and send mail as {address}. You set it up on the account page.",
            address=device.address,
        ),
        "",
        mail_text("Device: {name}", name=device.name),
        mail_text("When: {when}", when=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())),
        mail_text("From: {where}", where=device.remote_ip),
        mail_text("Browser: {agent}", agent=agent),
        "",
        mail_text("The device has its own app password."),
        mail_text("If it wasn't you, go to Security on the account page, and choose “This wasn't me”."),
    ]
