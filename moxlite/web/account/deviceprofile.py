"""The download of the profile for a device that was set up by a one-time link (WEB-126)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from moxlite.admin.offer import offer_for
from moxlite.proto.address import Address
from moxlite.web.account.calls.devices import GONE
from moxlite.web.account.devices import DeviceLinks, LinkGone
from moxlite.web.discovery.profiles import profile_response
from moxlite.web.guards import parse_fields, refuse_foreign
from moxlite.web.http.errors import HTTPError
from moxlite.wording import sentence

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.net.tls.certificates import KeyPair
    from moxlite.web.http.exchange import Request, ResponseWriter

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
        raise HTTPError(405, "This is a download for a form.", (("allow", "POST"),))
    refuse_foreign(request)
    fields = parse_fields((await request.body.read(MAX_FORM)).decode("ascii", "replace"))
    try:
        device = devices.look(fields.get("claim", ""))
    except LinkGone:
        raise HTTPError(410, sentence(GONE), words=GONE) from None
    if device.state != "ready":
        raise HTTPError(409, "The account page has not said yes yet.")
    settings = snapshot.account(device.account)
    name = "" if settings is None else settings.full_name
    address = Address.parse(device.address)
    packed = address.pack(smtputf8=not address.localpart.isascii())
    pair = certificate(request.info.listener)
    offer = offer_for(snapshot, address.domain)
    await writer.respond(await profile_response(offer, [packed], name, pair, password=device.password))
