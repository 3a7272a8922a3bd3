"""A message that came in as JSON: for calls to an account's web server, and for the web API (WEB-107)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Final

import msgspec

from moxlite.proto.address import Localpart, pack_localpart, unicode_domain
from moxlite.proto.mime.automatic import automatic
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.text import part_text
from moxlite.proto.mime.types import MailAddress, Part, Structure
from moxlite.store.content.body import locate, read_content
from moxlite.store.errors import NoSuchMessage
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.fetching import structure_of
from moxlite.store.rows.messages import EMAIL_ID

MAX_TEXT: Final = 1 << 20
"""Maximum octets of a text (WEB-107); the web API returns the whole part."""

MAX_HEADER: Final = 256 << 10
"""Maximum octets of the header section that are read."""

MAX_REFERENCES: Final = 200
"""Message-IDs of References that are told, the newest: a thread of years fits, a forged field of megabytes does not."""

STRUCTURE: Final = f"SELECT structure FROM message_info WHERE email_id = {EMAIL_ID}"  # noqa: S608 - a constant

ID: Final = re.compile(r"<[^<>\s]+>")


class NameAddress(msgspec.Struct, frozen=True, rename="pascal"):
    """An address in a header; `name` is decoded, or ""."""

    name: str
    address: str


class PartJSON(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A part of a message. `content_id` includes its brackets; `decoded_size`: octets without transfer encoding."""

    content_type: str
    content_type_params: dict[str, str]
    content_id: str = msgspec.field(name="ContentID")
    content_disposition: str
    filename: str
    decoded_size: int
    parts: list[PartJSON]


class MessageJSON(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The content of a message. Ids include their brackets; texts have LF line ends and at most 1 MiB."""

    version: int = 0
    from_: list[NameAddress] = msgspec.field(name="From")
    to: list[NameAddress]
    cc: list[NameAddress] = msgspec.field(name="CC")
    bcc: list[NameAddress] = msgspec.field(name="BCC")
    reply_to: list[NameAddress]
    subject: str
    message_id: str = msgspec.field(name="MessageID")
    in_reply_to: str
    references: list[str]
    date: dt.datetime | None
    text: str
    html: str = msgspec.field(name="HTML")
    structure: PartJSON


class IncomingMeta(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Envelope and location of a received message. `automated`: no program should reply to it."""

    msg_id: int = msgspec.field(name="MsgID")
    mail_from: str
    mail_from_validated: bool
    msg_from_validated: bool
    rcpt_to: str
    dkim_verified_domains: list[str] = msgspec.field(name="DKIMVerifiedDomains")
    remote_ip: str = msgspec.field(name="RemoteIP")
    received: dt.datetime
    mailbox_name: str
    automated: bool


class IncomingMessage(MessageJSON, frozen=True, kw_only=True):
    """The JSON of a call about a message that came in."""

    meta: IncomingMeta


def read_structure(r: Reader, message_id: int) -> Structure:
    """The MIME index of a message, also of a removed one that is not erased yet. Raises NoSuchMessage, ChunkDamaged."""
    packed = r.value(STRUCTURE, message_id)
    if packed is None:
        raise NoSuchMessage(message_id)
    return structure_of(packed)


def message_json(r: Reader, message_id: int) -> tuple[MessageJSON, bool]:
    """A message as JSON, and whether its header says that no person wrote it.

    It reads up to 2 MiB of texts, so it is work for a thread. Raises NoSuchMessage, ChunkDamaged.
    """
    structure = read_structure(r, message_id)
    content = locate(r, message_id)
    root, envelope = structure.root, structure.envelope
    header = HeaderSection(read_content(r, content, 0, min(root.body, MAX_HEADER)), hint=root.hint)

    def text(media_type: str) -> str:
        part = next((one for one in _leaves(root) if one.media_type == media_type and not one.is_attachment), None)
        if part is None:
            return ""
        found = part_text(part, lambda start, stop: read_content(r, content, start, stop - start), MAX_TEXT)
        return found.replace("\r\n", "\n")

    return MessageJSON(
        from_=_addresses(envelope.from_),
        to=_addresses(envelope.to),
        cc=_addresses(envelope.cc),
        bcc=_addresses(envelope.bcc),
        reply_to=_addresses(envelope.reply_to),
        subject=envelope.subject,
        message_id=_first_id(envelope.message_id),
        in_reply_to=_first_id(envelope.in_reply_to),
        references=_references(header),
        date=_date(envelope.date, envelope.date_offset),
        text=text("text/plain"),
        html=text("text/html"),
        structure=_part(root),
    ), automatic(header) != ""


def _leaves(part: Part) -> Iterator[Part]:
    """The parts of this message itself; embedded messages are not entered."""
    if not part.children:
        yield part
    for child in part.children:
        yield from _leaves(child)


def _addresses(addresses: tuple[MailAddress, ...]) -> list[NameAddress]:
    return [
        NameAddress(address.name, f"{pack_localpart(Localpart(address.localpart))}@{unicode_domain(address.domain)}")
        for address in addresses
    ]


def _first_id(text: str) -> str:
    match = ID.search(text)
    return match[0] if match else ""


def _references(header: HeaderSection) -> list[str]:
    found = [one for text in header.texts(b"references") for one in ID.findall(text.decode(errors="replace"))]
    return found[-MAX_REFERENCES:]


def _date(microseconds: int | None, offset: int) -> dt.datetime | None:
    if microseconds is None:
        return None
    try:
        moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=microseconds)
        return moment.astimezone(dt.timezone(dt.timedelta(minutes=offset)))
    except (OverflowError, ValueError):
        return None


def _part(part: Part) -> PartJSON:
    return PartJSON(
        content_type=part.media_type,
        content_type_params={parameter.name: parameter.value for parameter in part.parameters},
        content_id=_first_id((part.content_id or b"").decode(errors="replace")),
        content_disposition=part.disposition.lower(),
        filename=part.filename,
        decoded_size=part.decoded,
        parts=[_part(child) for child in part.parts],
    )
