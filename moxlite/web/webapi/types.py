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
from moxlite.encoding import from_json

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
    str, Meta(description='Message-ID in brackets, such as "<random@domain>". Generated if empty.', max_length=900)
]
MsgID = Annotated[int, Meta(description="Message ID in the account.", ge=-(2**63), le=2**63 - 1)]
EmailAddress = Annotated[str, Meta(description="Address, such as user@example.org.", max_length=1000)]
Flag = Annotated[str, Meta(max_length=1000)]
Flags = Annotated[
    list[Flag],
    Meta(
        description="System flags, such as \\seen, \\answered, $forwarded, or $junk, or keywords.", max_length=MAX_IDS
    ),
]


class NoParameters(msgspec.Struct, frozen=True, rename="pascal"):
    """No parameters."""


class NoResult(msgspec.Struct, frozen=True, rename="pascal"):
    """No result."""


class AddressText(msgspec.Struct, frozen=True, rename="pascal"):
    """An address with an optional name."""

    name: Annotated[str, Meta(description="Display name.", max_length=1000)] = ""
    address: EmailAddress = ""


Addresses = Annotated[list[AddressText], Meta(max_length=MAX_RECIPIENTS)]


class FileData(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """An attached file."""

    name: Annotated[str, Meta(description="File name.", max_length=1000)] = ""
    content_type: Annotated[
        str,
        Meta(
            description="Media type, such as application/pdf. Detected from the name and data if empty.",
            max_length=1000,
        ),
    ] = ""
    content_id: Annotated[
        str,
        Meta(description='ID in brackets. The HTML refers to it as "cid:…".', max_length=1000),
    ] = msgspec.field(default="", name="ContentID")
    data: Annotated[Encoded, Meta(description="Base64-encoded content.")] = msgspec.field(default_factory=Encoded)


Files = Annotated[list[FileData], Meta(max_length=MAX_FILES)]


class SendRequest(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A message to send. Requires at least one recipient, and Text or HTML."""

    from_: Annotated[
        list[AddressText],
        Meta(description="Author (only one). If empty, uses the login address.", max_length=MAX_RECIPIENTS),
    ] = msgspec.field(default_factory=list, name="From")
    to: Addresses = []
    cc: Addresses = msgspec.field(default_factory=list, name="CC")
    bcc: Annotated[
        list[AddressText],
        Meta(description="Recipients not listed in the message.", max_length=MAX_RECIPIENTS),
    ] = msgspec.field(default_factory=list, name="BCC")
    reply_to: Addresses = []
    message_id: MessageID = msgspec.field(default="", name="MessageID")
    references: Annotated[
        list[Annotated[str, Meta(max_length=900)]],
        Meta(
            description="Message-IDs in the thread, in brackets, oldest first. The message replies to the last one.",
            max_length=MAX_IDS,
        ),
    ] = []
    date: Annotated[dt.datetime, Meta(description="Time for the Date field. Defaults to now.", tz=True)] | None = None
    subject: Annotated[str, Meta(max_length=5000)] = ""
    text: Annotated[str, Meta(description="Plain text.")] = ""
    html: Annotated[str, Meta(description="HTML version of the text.")] = msgspec.field(default="", name="HTML")
    extra: Annotated[
        dict[str, str],
        Meta(description="Key-value pairs to return in webhooks. Up to 64 keys of 64 bytes, and 16 KiB in total."),
    ] = {}
    headers: Annotated[
        list[tuple[str, str]],
        Meta(description='Additional header fields, each as ["X-Name", "value"].', max_length=MAX_HEADERS),
    ] = []
    alternative_files: Annotated[
        list[FileData],
        Meta(description="Alternative versions of the text, such as an invitation.", max_length=MAX_FILES),
    ] = []
    inline_files: Annotated[list[FileData], Meta(description="Files displayed in the HTML.", max_length=MAX_FILES)] = []
    attached_files: Annotated[list[FileData], Meta(description="Attachments.", max_length=MAX_FILES)] = []
    require_tls: Annotated[
        bool | None,
        Meta(
            description=(
                "true: only deliver with verified TLS (REQUIRETLS). false: deliver even if the recipient "
                "domain's TLS policy can't be met. null: use the default."
            )
        ),
    ] = msgspec.field(default=None, name="RequireTLS")
    future_release: (
        Annotated[dt.datetime, Meta(description="Time of the first attempt, up to 60 days from now.", tz=True)] | None
    ) = None
    save_sent: Annotated[bool, Meta(description="Keep a copy in the Sent mailbox.")] = False


class Submitted(msgspec.Struct, frozen=True, rename="pascal"):
    """A queued message for one recipient. Webhooks use the same IDs."""

    address: EmailAddress
    queue_msg_id: Annotated[int, Meta(description="Message ID in the queue.")] = msgspec.field(name="QueueMsgID")
    from_id: Annotated[str, Meta(description="Unique part of the envelope sender. Empty without from-id.")] = (
        msgspec.field(name="FromID")
    )


class SendResult(msgspec.Struct, frozen=True, rename="pascal"):
    """The queued message. Submissions are in the order of To, CC, and BCC."""

    message_id: MessageID = msgspec.field(name="MessageID")
    submissions: list[Submitted]


class SuppressionEntry(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A suppressed address."""

    id: Annotated[int, Meta(description="Entry ID.")] = msgspec.field(name="ID")
    created: dt.datetime
    account: str
    base_address: Annotated[
        str,
        Meta(
            description=(
                'Normalized form for comparison: lowercase, without "+" and the text after it. For Gmail, without dots.'
            )
        ),
    ]
    original_address: EmailAddress
    manual: Annotated[bool, Meta(description="Added manually, not because of a delivery failure.")]
    reason: str


class SuppressionListResult(msgspec.Struct, frozen=True, rename="pascal"):
    """The suppression list."""

    suppressions: list[SuppressionEntry]


class SuppressionAddRequest(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """An address to add."""

    email_address: EmailAddress = ""
    manual: Annotated[bool, Meta(description="Added manually, not because of a delivery failure.")] = False
    reason: Annotated[str, Meta(description="Reason, as text.", max_length=1000)] = ""


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
            description=(
                "Zero-based indexes into Parts of the Structure, starting with the outermost part. Empty "
                "for the entire body."
            ),
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
    dest_mailbox_name: Annotated[str, Meta(description="Existing mailbox.", max_length=1000)] = ""


class Message(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Message content. Text has LF line endings and is limited to 1 MiB. To get complete parts, use MessagePartGet."""

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
    """Where the message is stored and how it arrived. Empty if it didn't arrive over SMTP."""

    size: Annotated[int, Meta(description="Message size in bytes.")]
    dsn: Annotated[bool, Meta(description="A delivery status notification.")] = msgspec.field(name="DSN")
    flags: list[str]
    mail_from: Annotated[str, Meta(description="Address in the SMTP MAIL FROM command.")]
    mail_from_validated: Annotated[bool, Meta(description="SPF passed for that address.")]
    rcpt_to: Annotated[str, Meta(description="Address in the SMTP RCPT TO command.")]
    msg_from: Annotated[str, Meta(description="Address in the From field.")]
    msg_from_validated: Annotated[bool, Meta(description="SPF or DKIM verified this address (DMARC).")]
    dkim_verified_domains: Annotated[list[str], Meta(description="Domains with valid DKIM signatures.")] = (
        msgspec.field(name="DKIMVerifiedDomains")
    )
    remote_ip: Annotated[str, Meta(description="Sending server's IP address.")] = msgspec.field(name="RemoteIP")
    mailbox_name: str


class MessageGetResult(msgspec.Struct, frozen=True, rename="pascal"):
    """A message."""

    message: Message
    structure: PartJSON
    meta: MessageMeta
