"""Methods on stored messages (WEB-94, WEB-95, WEB-103): the store's own operations, so that IMAP and webmail see each
change at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.acceptance.messagejson import MessageJSON, PartJSON, message_json, read_structure
from moxlite.encoding import to_json
from moxlite.proto.address import Address, AddressError, Localpart, pack_localpart
from moxlite.queue.errors import AlreadySuppressed, NotSuppressed
from moxlite.store.content.body import stream_message, stream_part
from moxlite.store.errors import BadMailboxName, NoSuchMessage
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.facts import signing_domains, smtp_arrival
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.names import check_name, flag_names, split_flags
from moxlite.store.rows.mailboxes import mailbox, mailbox_by_name
from moxlite.store.rows.messages import message as message_row
from moxlite.store.rows.views import mailboxes_of
from moxlite.web.http.messages import header_value
from moxlite.web.webapi.calls import Call, Octets
from moxlite.web.webapi.errors import MAX_RESULT, WebAPIError, shortened
from moxlite.web.webapi.types import (
    FlagsRequest,
    Message,
    MessageGetResult,
    MessageMeta,
    MessageMoveRequest,
    MessagePartRequest,
    MessageRequest,
    NoParameters,
    NoResult,
    SuppressionAddRequest,
    SuppressionEntry,
    SuppressionListResult,
    SuppressionPresentResult,
    SuppressionRequest,
)

if TYPE_CHECKING:
    from moxlite.proto.mime.types import Part
    from moxlite.queue.data.suppression import Suppression
    from moxlite.queue.queue import Queue
    from moxlite.store.changelog.account import Account
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.store.mail.flags import Mode


RAW: Final = "text/plain"
MAX_ADDRESSES: Final = 300
"""Addresses of one header field in a result that is too large otherwise."""

MAX_PARTS: Final = 300
"""Parts of a structure in a result that is too large otherwise."""

MAX_WORD: Final = 1000
"""Characters of each other text in such a result."""


async def get(call: Call, message_request: MessageRequest) -> MessageGetResult:
    """Header fields, texts, structure and circumstances of a message."""
    async with call.account() as account:
        return await account.scan(partial(_get, message_id=_known(message_request.msg_id)), op="webapi get")


async def get_raw(call: Call, message_request: MessageRequest) -> Octets:
    """The octets of a message."""
    async with call.account() as account:
        size = await account.read(lambda r: message_row(r, _known(message_request.msg_id)).size, op="webapi raw")
    return Octets(RAW, partial(_pieces, message_id=message_request.msg_id), size)


async def get_part(call: Call, part_request: MessagePartRequest) -> Octets:
    """The decoded octets of a part."""

    def find(r: Reader) -> Part:
        message_row(r, _known(part_request.msg_id))
        part = read_structure(r, part_request.msg_id).root
        for index in part_request.part_path:
            if index >= len(part.parts):
                raise WebAPIError("partNotFound", "message part not found")
            part = part.parts[index]
        return part

    async with call.account() as account:
        part = await account.scan(find, op="webapi part")
    return Octets(_type_of(part), partial(_pieces, message_id=part_request.msg_id, part=part))


async def delete(call: Call, message_request: MessageRequest) -> NoResult:
    """Expunge a message."""

    def unit(tx: AccountTx) -> None:
        _check(tx, message_request.msg_id)
        expunge_ids(tx, [message_request.msg_id])

    async with call.account() as account:
        await account.write(unit)
    return NoResult()


async def add_flags(call: Call, flags_request: FlagsRequest) -> NoResult:
    """Add flags and keywords."""
    return await _store(call, flags_request, "add")


async def remove_flags(call: Call, flags_request: FlagsRequest) -> NoResult:
    """Remove flags and keywords."""
    return await _store(call, flags_request, "remove")


async def _store(call: Call, flags_request: FlagsRequest, mode: Mode) -> NoResult:
    flags, keywords = split_flags(flags_request.flags)

    def unit(tx: AccountTx) -> None:
        _check(tx, flags_request.msg_id)
        store_flags_ids(tx, [flags_request.msg_id], mode=mode, flags=flags, keywords=keywords)

    async with call.account() as account:
        await account.write(unit)
    return NoResult()


async def move(call: Call, move_request: MessageMoveRequest) -> NoResult:
    """Move a message to a mailbox that exists."""

    def unit(tx: AccountTx) -> None:
        there = _check(tx, move_request.msg_id)
        try:
            target = mailbox_by_name(tx, check_name(move_request.dest_mailbox_name))
        except BadMailboxName:
            target = None
        if target is None:
            raise WebAPIError("mailboxNotFound", f"mailbox not found: {move_request.dest_mailbox_name[:300]!r}")
        if target.id != there:
            move_ids(tx, [move_request.msg_id], target.id)

    async with call.account() as account:
        await account.write(unit)
    return NoResult()


def _known(message_id: int) -> int:
    if message_id <= 0:
        raise NoSuchMessage(message_id)
    return message_id


def _check(tx: AccountTx, message_id: int) -> int:
    """The mailbox of a message. Raises NoSuchMessage."""
    mailbox_ids = mailboxes_of(tx, [message_id]) if message_id > 0 else {}
    if not mailbox_ids:
        raise NoSuchMessage(message_id)
    return next(iter(mailbox_ids.values()))


async def _pieces(account: Account, message_id: int, part: Part | None = None) -> AsyncIterator[bytes]:
    """The octets of a message, or of a part without its transfer encoding."""
    if part is None:
        async with aclosing(stream_message(account, message_id)) as pieces:
            async for piece in pieces:
                yield piece
        return
    async with aclosing(stream_part(account, message_id, part)) as pieces:
        async for piece in pieces:
            yield piece


def _type_of(part: Part) -> str:
    """The media type of a part, with the charset of a text."""
    kind = part.media_type
    if part.type == "TEXT" and part.charset.replace("-", "").replace("_", "").isalnum() and part.charset.isascii():
        kind += f"; charset={part.charset}"
    try:
        return header_value(kind) if kind.isascii() else "application/octet-stream"
    except ValueError:
        return "application/octet-stream"


def _get(r: Reader, message_id: int) -> MessageGetResult:
    row = message_row(r, message_id)
    found, _ = message_json(r, message_id)
    arrival = smtp_arrival(r, message_id)
    meta = MessageMeta(
        size=row.size,
        dsn=row.dsn,
        flags=[*flag_names(row.flags), *row.keywords],
        mail_from="" if arrival is None else _written(arrival.mailfrom, arrival.mailfrom_domain),
        mail_from_validated=arrival is not None and arrival.mailfrom_ok,
        rcpt_to="" if arrival is None else _written(arrival.rcptto, arrival.rcptto_domain),
        msg_from=found.from_[0].address if found.from_ else "",
        msg_from_validated=arrival is not None and arrival.msgfrom_ok,
        dkim_verified_domains=signing_domains(r, message_id),
        remote_ip="" if arrival is None else arrival.remote_ip,
        mailbox_name=mailbox(r, row.mailbox_id).name,
    )
    return _fitted(MessageGetResult(_content(found), found.structure, meta))


def _written(localpart: str, domain: str) -> str:
    return f"{pack_localpart(Localpart(localpart))}@{domain}" if domain else ""


def _content(found: MessageJSON) -> Message:
    names = Message.__struct_fields__
    return Message(**{name: getattr(found, name) for name in names})


def _fitted(result: MessageGetResult) -> MessageGetResult:
    """The result with shorter texts if it would be larger than clients read."""
    content = result.message
    # In JSON a character takes six octets at worst. What may be too large is not encoded as a whole only to be
    # measured.
    if len(content.text) + len(content.html) < MAX_RESULT // 12 and len(to_json(result)) <= MAX_RESULT:
        return result
    bare = msgspec.structs.replace(result, message=msgspec.structs.replace(content, text="", html=""))
    if len(to_json(bare)) > MAX_RESULT // 2:
        bare = _reduced(bare)
    room = MAX_RESULT - len(to_json(bare))
    html = shortened(content.html, room // 2)
    text = shortened(content.text, room - len(to_json(html)))
    html = shortened(content.html, room - len(to_json(text)))
    return msgspec.structs.replace(bare, message=msgspec.structs.replace(bare.message, text=text, html=html))


def _reduced(result: MessageGetResult) -> MessageGetResult:
    """The result of an abnormal message, with limits for the number and length of everything."""
    content = result.message
    lists = {
        name: [
            msgspec.structs.replace(one, name=one.name[:100], address=one.address[:300])
            for one in getattr(content, name)[:MAX_ADDRESSES]
        ]
        for name in ("from_", "to", "cc", "bcc", "reply_to")
    }
    budget = iter(range(MAX_PARTS))
    return msgspec.structs.replace(
        result,
        message=msgspec.structs.replace(
            content,
            **lists,
            subject=content.subject[:MAX_WORD],
            message_id=content.message_id[:MAX_WORD],
            references=[reference[:MAX_WORD] for reference in content.references[-100:]],
        ),
        structure=_pruned(result.structure, budget),
        meta=msgspec.structs.replace(result.meta, dkim_verified_domains=result.meta.dkim_verified_domains[:100]),
    )


def _pruned(part: PartJSON, budget: Iterator[int]) -> PartJSON:
    kept: list[PartJSON] = []
    for child in part.parts:
        if next(budget, None) is None:
            break
        kept.append(_pruned(child, budget))
    return msgspec.structs.replace(
        part,
        content_type_params={name[:20]: value[:50] for name, value in list(part.content_type_params.items())[:4]},
        content_id=part.content_id[:100],
        filename=part.filename[:100],
        content_type=part.content_type[:100],
        content_disposition=part.content_disposition[:50],
        parts=kept,
    )


# Methods of the suppression list (WEB-102, QUEUE-80..83).


EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


async def list_all(call: Call, _: NoParameters) -> SuppressionListResult:
    """The list of the account, as far as it fits into a result."""
    suppression_entries = [
        _entry(suppression) for suppression in await queue_of(call).suppressions(call.identity.account)
    ]
    room = MAX_RESULT - 100
    kept: list[SuppressionEntry] = []
    for suppression_entry in suppression_entries:
        room -= len(to_json(suppression_entry)) + 1
        if room < 0:
            break
        kept.append(suppression_entry)
    return SuppressionListResult(kept)


async def add(call: Call, add_request: SuppressionAddRequest) -> NoResult:
    """Add an address."""
    text_field("Reason", add_request.reason)
    address = _address(add_request.email_address)
    try:
        await queue_of(call).add_suppression(
            call.identity.account, address, add_request.reason, manual=add_request.manual
        )
    except AlreadySuppressed as error:
        raise WebAPIError("error", str(error)) from None
    return NoResult()


async def remove(call: Call, suppression_request: SuppressionRequest) -> NoResult:
    """Remove an address."""
    address = _address(suppression_request.email_address)
    try:
        await queue_of(call).remove_suppression(call.identity.account, address)
    except NotSuppressed as error:
        raise WebAPIError("error", str(error)) from None
    return NoResult()


async def present(call: Call, suppression_request: SuppressionRequest) -> SuppressionPresentResult:
    """Whether an address is on the list."""
    address = _address(suppression_request.email_address)
    return SuppressionPresentResult(await queue_of(call).suppression(call.identity.account, address) is not None)


def queue_of(call: Call) -> Queue:
    """The queue. Raises WebAPIError if the server has none."""
    if call.service.queue is None:
        raise WebAPIError("server", "the queue isn't available; see the server log")
    return call.service.queue


def text_field(name: str, text: str) -> None:
    """Refuse control characters in a text of one line (WEB-97, WEB-135). Raises WebAPIError ``user``."""
    if any(char < " " or "\x7f" <= char <= "\x9f" for char in text):
        raise WebAPIError("user", f"{name}: control characters aren't allowed here")


def _address(text: str) -> str:
    try:
        return str(Address.parse(text))
    except AddressError as error:
        raise WebAPIError("badAddress", f"{text[:300]!r}: {error}") from None


def _entry(suppression: Suppression) -> SuppressionEntry:
    return SuppressionEntry(
        id=suppression.id,
        created=EPOCH + dt.timedelta(microseconds=suppression.created),
        account=suppression.account,
        base_address=suppression.base_address,
        original_address=suppression.original_address,
        manual=suppression.manual,
        reason=suppression.reason,
    )
