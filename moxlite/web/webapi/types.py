"""Requests and results of the web API (WEB-94, WEB-95): the one source for decoding, pages and the OpenAPI document.

The names of fields are the names in webapi v0. In a request, an absent, a null and an empty field have the same
meaning. In a result, a list or an object is never null (WEB-93).
"""

from __future__ import annotations

import binascii
import datetime as dt
from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from moxlite.acceptance.messagejson import NameAddress, PartJSON
from moxlite.decoders import from_json

MAX_RECIPIENTS: Final = 1000
"""Entries of a list of addresses, and recipients of a message. Longer lists are refused before they are built."""

MAX_HEADERS: Final = 100
"""Further header fields of a message."""

MAX_FILES: Final = 200
"""Files in one list of the JSON."""

MAX_IDS: Final = 1000
"""Flags, or references, in a list."""

BLOCK: Final = 4 << 14
"""Characters of base64 that are decoded at a time; a multiple of four."""


class BadBase64(ValueError):
    """The data of a file are not base64 (RFC 4648 §4)."""


class Encoded:
    """Base64 in a request, decoded when it is read: a file may be as large as a message."""

    __slots__ = ("_literal",)

    def __init__(self, literal: bytes | memoryview = b'""') -> None:
        """`literal`: the JSON string with its quotes, whose octets must stay readable."""
        self._literal = memoryview(literal)

    @property
    def size(self) -> int:
        """Octets of the decoded data, about."""
        return (len(self._literal) - 2) * 3 // 4

    def blocks(self) -> Iterator[bytes]:
        """The decoded octets. Raises BadBase64."""
        text = self._literal[1:-1]
        if b"\\" in self._head() or self._has_escapes():  # line ends, or the \/ of some encoders
            plain = from_json(self._literal, str).replace("\r", "").replace("\n", "")
            if not plain.isascii():
                raise BadBase64("the data isn't valid base64")
            text = memoryview(plain.encode("ascii"))
        for start in range(0, len(text), BLOCK):
            piece = text[start : start + BLOCK]
            try:
                octets = binascii.a2b_base64(piece, strict_mode=True)
            except binascii.Error as error:
                raise BadBase64(f"the data isn't valid base64: {error}") from None
            # Each block is decoded by itself, so that padding in the middle would be right for it.
            if start + BLOCK < len(text) and len(octets) * 4 != BLOCK * 3:
                raise BadBase64("the data isn't valid base64: padding before the end")
            yield octets

    def _head(self) -> bytes:
        return bytes(self._literal[:BLOCK])

    def _has_escapes(self) -> bool:
        return any(b"\\" in bytes(self._literal[at : at + BLOCK]) for at in range(BLOCK, len(self._literal), BLOCK))


MessageID = Annotated[
    str, Meta(description='Message-ID with its brackets: "<random@domain>"; generated if empty.', max_length=900)
]
MsgID = Annotated[int, Meta(description="Id of a message in the account.", ge=-(2**63), le=2**63 - 1)]
EmailAddress = Annotated[str, Meta(description="Address, such as user@example.org.", max_length=1000)]
Flag = Annotated[str, Meta(max_length=1000)]
Flags = Annotated[
    list[Flag],
    Meta(description=r"System flags such as \seen, \answered, $forwarded, $junk, or keywords.", max_length=MAX_IDS),
]


class NoParameters(msgspec.Struct, frozen=True, rename="pascal"):
    """Parameters of a method that takes none."""


class NoResult(msgspec.Struct, frozen=True, rename="pascal"):
    """Result of a method that returns nothing."""


class AddressText(msgspec.Struct, frozen=True, rename="pascal"):
    """A name, which may be empty, and an address."""

    name: Annotated[str, Meta(description="Name for people.", max_length=1000)] = ""
    address: EmailAddress = ""


Addresses = Annotated[list[AddressText], Meta(max_length=MAX_RECIPIENTS)]


class FileData(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A file of a message."""

    name: Annotated[str, Meta(description="File name.", max_length=1000)] = ""
    content_type: Annotated[
        str,
        Meta(description="Media type, such as application/pdf; found from name and data if empty.", max_length=1000),
    ] = ""
    content_id: Annotated[
        str,
        Meta(description='Id with its brackets, to which the HTML refers as "cid:…".', max_length=1000),
    ] = msgspec.field(default="", name="ContentID")
    data: Annotated[Encoded, Meta(description="Content as base64.")] = msgspec.field(default_factory=Encoded)


Files = Annotated[list[FileData], Meta(max_length=MAX_FILES)]


class SendRequest(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A message to send. At least one recipient, and Text or HTML, are needed."""

    from_: Annotated[
        list[AddressText],
        Meta(description="Author, at most one; the address of the log-in if empty.", max_length=MAX_RECIPIENTS),
    ] = msgspec.field(default_factory=list, name="From")
    to: Addresses = []
    cc: Addresses = msgspec.field(default_factory=list, name="CC")
    bcc: Annotated[
        list[AddressText],
        Meta(description="Recipients that the message does not name.", max_length=MAX_RECIPIENTS),
    ] = msgspec.field(default_factory=list, name="BCC")
    reply_to: Addresses = []
    message_id: MessageID = msgspec.field(default="", name="MessageID")
    references: Annotated[
        list[Annotated[str, Meta(max_length=900)]],
        Meta(
            description="Message-IDs of the thread with their brackets, oldest first; the last one is answered.",
            max_length=MAX_IDS,
        ),
    ] = []
    date: Annotated[dt.datetime, Meta(description="Time in the Date field; now if absent.", tz=True)] | None = None
    subject: Annotated[str, Meta(max_length=5000)] = ""
    text: Annotated[str, Meta(description="Plain text.")] = ""
    html: Annotated[str, Meta(description="Text as HTML.")] = msgspec.field(default="", name="HTML")
    extra: Annotated[
        dict[str, str],
        Meta(description="Pairs that come back in webhooks: 64 keys of 64 octets at most, 16 KiB in all."),
    ] = {}
    headers: Annotated[
        list[tuple[str, str]],
        Meta(description='Further header fields: ["X-Name", "value"] each.', max_length=MAX_HEADERS),
    ] = []
    alternative_files: Annotated[
        list[FileData], Meta(description="Other forms of the text, such as an invitation.", max_length=MAX_FILES)
    ] = []
    inline_files: Annotated[list[FileData], Meta(description="Files that the HTML shows.", max_length=MAX_FILES)] = []
    attached_files: Annotated[list[FileData], Meta(description="Attachments.", max_length=MAX_FILES)] = []
    require_tls: Annotated[
        bool | None,
        Meta(
            description="true: deliver only with verified TLS (REQUIRETLS); false: deliver even if a policy of the"
            " recipient's domain for TLS cannot be met; null: as usual."
        ),
    ] = msgspec.field(default=None, name="RequireTLS")
    future_release: (
        Annotated[dt.datetime, Meta(description="Time of the first attempt, 60 days ahead at most.", tz=True)] | None
    ) = None
    save_sent: Annotated[bool, Meta(description="Keep a copy in the Sent mailbox.")] = False


class Submitted(msgspec.Struct, frozen=True, rename="pascal"):
    """A message in the queue for one recipient. Webhooks about it have the same ids."""

    address: EmailAddress
    queue_msg_id: Annotated[int, Meta(description="Id of the message in the queue.")] = msgspec.field(name="QueueMsgID")
    from_id: Annotated[str, Meta(description="Unique part of the envelope sender; empty without from-id.")] = (
        msgspec.field(name="FromID")
    )


class SendResult(msgspec.Struct, frozen=True, rename="pascal"):
    """The queued message. Submissions are in the order of To, CC and BCC."""

    message_id: MessageID = msgspec.field(name="MessageID")
    submissions: list[Submitted]


class SuppressionEntry(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """An address to which the account sends nothing."""

    id: Annotated[int, Meta(description="Id of the entry.")] = msgspec.field(name="ID")
    created: dt.datetime
    account: str
    base_address: Annotated[
        str,
        Meta(description='Form that is compared: lower case, without "+" and what follows it; at Gmail without dots.'),
    ]
    original_address: EmailAddress
    manual: Annotated[bool, Meta(description="Added by hand, not because of a delivery failure.")]
    reason: str


class SuppressionListResult(msgspec.Struct, frozen=True, rename="pascal"):
    """The suppression list."""

    suppressions: list[SuppressionEntry]


class SuppressionAddRequest(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """An address to add."""

    email_address: EmailAddress = ""
    manual: Annotated[bool, Meta(description="Added by hand, not because of a delivery failure.")] = False
    reason: Annotated[str, Meta(description="Reason, for people.", max_length=1000)] = ""


class SuppressionRequest(msgspec.Struct, frozen=True, rename="pascal"):
    """An address."""

    email_address: EmailAddress = ""


class SuppressionPresentResult(msgspec.Struct, frozen=True, rename="pascal"):
    """Whether the address is on the list."""

    present: bool


class MessageRequest(msgspec.Struct, frozen=True, rename="pascal"):
    """A message."""

    msg_id: MsgID = msgspec.field(default=0, name="MsgID")


class MessagePartRequest(msgspec.Struct, frozen=True, rename="pascal"):
    """A part of a message."""

    msg_id: MsgID = msgspec.field(default=0, name="MsgID")
    part_path: Annotated[
        list[Annotated[int, Meta(ge=0, le=2**31)]],
        Meta(
            description="Indexes from 0 into Parts of the Structure, from the outermost part; empty: the whole body.",
            max_length=100,
        ),
    ] = []


class FlagsRequest(msgspec.Struct, frozen=True, rename="pascal"):
    """Flags of a message."""

    msg_id: MsgID = msgspec.field(default=0, name="MsgID")
    flags: Flags = []


class MessageMoveRequest(msgspec.Struct, frozen=True, rename="pascal"):
    """A message and a mailbox."""

    msg_id: MsgID = msgspec.field(default=0, name="MsgID")
    dest_mailbox_name: Annotated[str, Meta(description="Mailbox, which must exist.", max_length=1000)] = ""


class Message(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The content of a message. Texts have LF line ends and at most 1 MiB; MessagePartGet returns whole parts."""

    from_: list[NameAddress] = msgspec.field(name="From")
    to: list[NameAddress]
    cc: list[NameAddress] = msgspec.field(name="CC")
    bcc: list[NameAddress] = msgspec.field(name="BCC")
    reply_to: list[NameAddress]
    message_id: str = msgspec.field(name="MessageID")
    references: list[str]
    date: dt.datetime | None
    subject: str
    text: str
    html: str = msgspec.field(name="HTML")


class MessageMeta(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The message in its mailbox, and how it came in; empty if it did not come by SMTP."""

    size: Annotated[int, Meta(description="Octets of the whole message.")]
    dsn: Annotated[bool, Meta(description="A delivery status notification.")] = msgspec.field(name="DSN")
    flags: list[str]
    mail_from: Annotated[str, Meta(description="Address of the SMTP command MAIL FROM.")]
    mail_from_validated: Annotated[bool, Meta(description="SPF passed for that address.")]
    rcpt_to: Annotated[str, Meta(description="Address of the SMTP command RCPT TO.")]
    msg_from: Annotated[str, Meta(description="Address in the From field.")]
    msg_from_validated: Annotated[bool, Meta(description="SPF or DKIM prove that address, as DMARC does.")]
    dkim_verified_domains: Annotated[list[str], Meta(description="Domains whose DKIM signatures passed.")] = (
        msgspec.field(name="DKIMVerifiedDomains")
    )
    remote_ip: Annotated[str, Meta(description="Address of the client that delivered it.")] = msgspec.field(
        name="RemoteIP"
    )
    mailbox_name: str


class MessageGetResult(msgspec.Struct, frozen=True, rename="pascal"):
    """A message."""

    message: Message
    structure: PartJSON
    meta: MessageMeta
