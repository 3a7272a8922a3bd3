"""Methods of the suppression list (WEB-102, QUEUE-80..83)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.proto.address import Address, AddressError
from moxlite.store.delivery.accountqueue import AlreadySuppressed, NotSuppressed
from moxlite.web.webapi.errors import WebAPIError
from moxlite.web.webapi.limits import MAX_RESULT
from moxlite.web.webapi.types import (
    NoParameters,
    NoResult,
    SuppressionAddRequest,
    SuppressionEntry,
    SuppressionListResult,
    SuppressionPresentResult,
    SuppressionRequest,
)

if TYPE_CHECKING:
    from moxlite.store.delivery.accountqueue import APIQueue, Suppression
    from moxlite.web.webapi.calls import Call

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


async def list_all(call: Call, _: NoParameters) -> SuppressionListResult:
    """The list of the account, as far as it fits into a result."""
    found = [_entry(one) for one in await queue_of(call).suppressions(call.identity.account)]
    room = MAX_RESULT - 100
    kept: list[SuppressionEntry] = []
    for one in found:
        room -= len(msgspec.json.encode(one)) + 1
        if room < 0:
            break
        kept.append(one)
    return SuppressionListResult(kept)


async def add(call: Call, wanted: SuppressionAddRequest) -> NoResult:
    """Add an address."""
    text_field("Reason", wanted.reason)
    address = _address(wanted.email_address)
    try:
        await queue_of(call).add_suppression(call.identity.account, address, wanted.reason, manual=wanted.manual)
    except AlreadySuppressed as error:
        raise WebAPIError("error", str(error)) from None
    return NoResult()


async def remove(call: Call, wanted: SuppressionRequest) -> NoResult:
    """Remove an address."""
    address = _address(wanted.email_address)
    try:
        await queue_of(call).remove_suppression(call.identity.account, address)
    except NotSuppressed as error:
        raise WebAPIError("error", str(error)) from None
    return NoResult()


async def present(call: Call, wanted: SuppressionRequest) -> SuppressionPresentResult:
    """Whether an address is on the list."""
    address = _address(wanted.email_address)
    return SuppressionPresentResult(await queue_of(call).suppression(call.identity.account, address) is not None)


def queue_of(call: Call) -> APIQueue:
    """The queue. Raises WebAPIError if the server has none."""
    if call.service.queue is None:
        raise WebAPIError("server", "the queue cannot be used, see the server's log")
    return call.service.queue


def text_field(name: str, text: str) -> None:
    """Refuse control characters in a text of one line (WEB-97, WEB-135). Raises WebAPIError ``user``."""
    if any(char < " " or "\x7f" <= char <= "\x9f" for char in text):
        raise WebAPIError("user", f"{name}: control characters are not allowed here")


def _address(text: str) -> str:
    try:
        return str(Address.parse(text))
    except AddressError as error:
        raise WebAPIError("badAddress", f"{text[:300]!r}: {error}") from None


def _entry(one: Suppression) -> SuppressionEntry:
    return SuppressionEntry(
        id=one.id,
        created=EPOCH + dt.timedelta(microseconds=one.created),
        account=one.account,
        base_address=one.base_address,
        original_address=one.original_address,
        manual=one.manual,
        reason=one.reason,
    )
