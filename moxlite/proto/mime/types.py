"""The MIME index of one message: value types, their stored form, and shifting by a prefix.

`Structure` is the result of `structure.scan`, which the store keeps with the message (STORE-50): byte offsets, never
content. All offsets count from the start of the whole message, including the prefix of header lines written at
reception. Text that a peer must see unchanged (IMAP BODYSTRUCTURE, ENVELOPE) is kept as the octets of the header,
unfolded. Text for our own use is kept decoded.

The stored form is msgpack of arrays, after `PARSE_VERSION`: a change of the layout or of the meaning of a field raises
the version, and the store then scans again in the background (STORE-59).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

import msgspec
from msgspec.structs import replace

from moxlite.encoding import msgpack_decoder, to_msgpack
from moxlite.proto.address import AddressKey

PARSE_VERSION: Final = 9
"""Version of the index and of the rules by which it was made. The store scans each message with another version again,
all of them in the background after an upgrade (STORE-59): raise it for what readers would see.
"""

ENCODED_MESSAGE: Final = "encoded message"
"""The defect of a message/rfc822 or message/global part in base64 or quoted-printable (STORE-52a)."""

HEADLESS: Final = "no header fields"
"""The defect of a message that begins with another line than a header field."""

NO_BOUNDARY: Final = "multipart without boundary"
LONG_BOUNDARY: Final = "boundary too long"
"""Defects of multiparts, whose content is shown as text (STORE-53)."""

LARGE_HEADER: Final = "header too large"
MANY_PARTS: Final = "too many parts"
NESTED: Final = "nested too deeply"
"""Defects of parts beyond a limit (STORE-55)."""

PICTURES: Final = frozenset(
    {"APNG", "AVIF", "BMP", "GIF", "JPEG", "JPG", "PJPEG", "PNG", "VND.MICROSOFT.ICON", "WEBP", "X-ICON", "X-PNG"}
)
"""Subtypes of images that all browsers show: one shows TIFF and HEIC, and SVG is a document with scripts."""


class MIMEError(ValueError):
    """A message that strict parsing refuses; the argument is a reason in one line, fit for an SMTP reply."""


class Parameter(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """One parameter of Content-Type or Content-Disposition.

    `name` is lower case; `value` is decoded (RFC 2231 continuations joined, charsets and encoded words resolved). `raw`
    holds the parameter's (name in upper case, value) pairs as written in the header if they differ from (NAME, value);
    empty otherwise.
    """

    name: str
    value: str
    raw: tuple[tuple[bytes, bytes], ...] = ()


class MailAddress(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An address of an envelope: decoded display name, localpart without quotes, domain as in DNS (lower case, ASCII).

    A malformed domain is kept as written. `localpart` and `domain` are "" if unreadable.
    """

    name: str
    localpart: str
    domain: str

    @property
    def key(self) -> AddressKey:
        """The key that all spellings of the address share."""
        return AddressKey.of(self.localpart, self.domain)


class Envelope(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """The header fields of a message that lists, threads, rules and searches use, decoded.

    `date` is microseconds since 1970 UTC and `date_offset` minutes east of UTC, both from the Date field; `date` is
    None if missing or unusable (STORE-56). Sender and Reply-To are as in the header, without fallback to From.
    `in_reply_to` and `message_id` are raw unfolded text. Group members are in the lists like other addresses. A list
    has the first `wire.MAX_KEPT` addresses of its field.
    """

    date: int | None = None
    date_offset: int = 0
    subject: str = ""
    from_: tuple[MailAddress, ...] = ()
    sender: tuple[MailAddress, ...] = ()
    reply_to: tuple[MailAddress, ...] = ()
    to: tuple[MailAddress, ...] = ()
    cc: tuple[MailAddress, ...] = ()
    bcc: tuple[MailAddress, ...] = ()
    in_reply_to: str = ""
    message_id: str = ""


class EmbeddedMessage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The message inside a message/rfc822 or message/global part.

    `wire` is its IMAP ENVELOPE (see wire.py); `root.header` is the `body` offset of the part that holds it.
    """

    envelope: Envelope
    wire: bytes
    root: Part


class Enclosure(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A part of signed-data or TNEF: offsets of its body in the whole message, and its encoding."""

    start: int
    end: int
    encoding: str


class Part(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """One MIME entity.

    Offsets in octets: `boundary` is the start of the delimiter line before it (for the root and an embedded message's
    root: same as `header`), `header` its first header line, `body` the first octet after the blank line, `end` the end
    of its body, without the line end that belongs to the following delimiter (RFC 2046 §5.1.1). `lines` counts the
    lines of the raw body, an unterminated last one included.

    `decoded` is the size of the body without its transfer encoding: exactly what the decoders of decode.py give.
    `text_size` is the same with each bare LF counted as CRLF. For multiparts and embedded messages both are the raw
    size.

    `type`, `subtype`, `encoding` are upper case; `encoding` is "7BIT" when the header has none. A part without
    Content-Type has the parameter charset=us-ascii. `description`, `content_id`, `md5`, `location` are raw unfolded
    text, None if missing. `disposition` is upper case or "". `defect`: why the part is a leaf although its header
    declares a multipart or message.

    `wrapped` is what a leaf of signed-data or TNEF has as its content, an entity (STORE-52b, STORE-52c): it and all
    parts below it have `within`, and their offsets count in that content (`text.reader_of`).

    `hint` is the first charset that a text of its message declares and that says what octets above 127 are, "" if none:
    raw text in header fields and texts without a charset are read by it (STORE-56).
    """

    boundary: int
    header: int
    body: int
    end: int
    lines: int
    decoded: int
    text_size: int
    type: str = "TEXT"
    subtype: str = "PLAIN"
    encoding: str = "7BIT"
    parameters: tuple[Parameter, ...] = ()
    parts: tuple[Part, ...] = ()
    disposition: str = ""
    disposition_parameters: tuple[Parameter, ...] = ()
    content_id: bytes | None = None
    description: bytes | None = None
    message: EmbeddedMessage | None = None
    md5: bytes | None = None
    language: tuple[bytes, ...] = ()
    location: bytes | None = None
    defect: str = ""
    wrapped: Part | None = None
    within: Enclosure | None = None
    hint: str = ""

    @property
    def children(self) -> tuple[Part, ...]:
        """The parts below, or the content of signed-data or TNEF."""
        return self.parts if self.wrapped is None else (self.wrapped,)

    @property
    def size(self) -> int:
        """Octets of the raw body."""
        return self.end - self.body

    @property
    def media_type(self) -> str:
        """`type/subtype` in lower case; that of an encoded message, which readers get decoded (STORE-52a)."""
        return "message/rfc822" if self.is_encoded_message else f"{self.type}/{self.subtype}".lower()

    @property
    def is_encoded_message(self) -> bool:
        """Whether the content is a message in a transfer encoding, which has no offsets in the whole message."""
        return self.defect == ENCODED_MESSAGE

    @property
    def charset(self) -> str:
        """The charset parameter in lower case, "" without one."""
        return self.parameter("charset").lower()

    @property
    def filename(self) -> str:
        """Decoded file name from Content-Disposition, else from Content-Type's `name`; "" without one."""
        for parameter in self.disposition_parameters:
            if parameter.name == "filename":
                return parameter.value
        return self.parameter("name")

    @property
    def is_attachment(self) -> bool:
        """Whether the sender marked the part as an attachment (RFC 2183 §2.2), or gave a part that is not text a
        name.
        """
        if self.disposition in ("ATTACHMENT", "INLINE"):
            return self.disposition == "ATTACHMENT"
        return self.type not in ("TEXT", "MULTIPART") and self.filename != ""

    @property
    def is_picture(self) -> bool:
        """Whether HTML of the message may refer to the part (RFC 2392) and all browsers show it."""
        return self.type == "IMAGE" and self.subtype in PICTURES and self.content_id is not None

    def parameter(self, name: str) -> str:
        """The decoded value of the first Content-Type parameter `name` (lower case), "" without one."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter.value
        return ""

    def walk(self) -> Iterator[Part]:
        """This part and all below it, in the order of the message; embedded messages are entered, the content of
        signed-data is not.
        """
        stack = [self]
        while stack:
            part = stack.pop()
            yield part
            if part.message is not None:
                stack.append(part.message.root)
            stack.extend(reversed(part.parts))

    def shifted(self, by: int) -> Part:
        """The same part with all offsets in the whole message moved by `by` octets."""
        if self.within is not None:
            start, end = self.within.start + by, self.within.end + by
            return self.enclosed(Enclosure(start, end, self.within.encoding))
        message = self.message
        return Part(
            self.boundary + by,
            self.header + by,
            self.body + by,
            self.end + by,
            self.lines,
            self.decoded,
            self.text_size,
            self.type,
            self.subtype,
            self.encoding,
            self.parameters,
            tuple([part.shifted(by) for part in self.parts]),
            self.disposition,
            self.disposition_parameters,
            self.content_id,
            self.description,
            None if message is None else EmbeddedMessage(message.envelope, message.wire, message.root.shifted(by)),
            self.md5,
            self.language,
            self.location,
            self.defect,
            None if self.wrapped is None else self.wrapped.shifted(by),
            hint=self.hint,
        )

    def enclosed(self, within: Enclosure) -> Part:
        """The same part, in the content of signed-data or TNEF."""
        message = self.message
        return replace(
            self,
            parts=tuple([part.enclosed(within) for part in self.parts]),
            message=message and replace(message, root=message.root.enclosed(within)),
            within=within,
        )


FAILED_RECIPIENTS: Final = b"x-failed-recipients"
"""The field of Exim's notifications that names the recipients to whom a message could not be delivered."""

STATUS_TYPES: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})


class Structure(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """The MIME index of a whole message.

    `prefix` is the number of octets before the message as it was scanned: header lines that the store keeps apart (0
    from `scan`). `size` is the size of the message with that prefix. `root.header` is always 0: the prefix belongs to
    the header section.
    """

    version: int
    size: int
    envelope: Envelope
    root: Part
    prefix: int = 0

    def with_prefix(self, prefix: bytes) -> Structure:
        """The index of the same message after `prefix`, whole header lines each with its line end; replaces an
        earlier prefix.
        """
        by = len(prefix) - self.prefix
        if by == 0:
            return self
        root = self.root.shifted(by)
        if root.header:
            root = msgspec.structs.replace(root, boundary=0, header=0)
        return Structure(self.version, self.size + by, self.envelope, root, len(prefix))

    @property
    def status_part(self) -> Part | None:
        """The part of a delivery status notification that programs read (RFC 3464 §2), in a multipart of any kind, and
        behind a list's footer, which has all of the message beside it; the whole text of a report that has lost its
        delimiters. None for any other message (STORE-57).
        """
        if self.root.type != "MULTIPART":
            return None
        parts = self.root.parts
        reports = [part.parts for part in parts if part.media_type == "multipart/report"]
        whole = parts[0] if self.root.subtype == "REPORT" and parts and parts[0].header == parts[0].body else None
        return next((part for part in chain(parts, *reports) if part.media_type in STATUS_TYPES), whole)


_decoder = msgpack_decoder(Structure)


def encode_structure(structure: Structure) -> bytes:
    """The stored form."""
    return to_msgpack(structure)


def decode_structure(stored: bytes) -> Structure:
    """The index from its stored form.

    Raises:
      msgspec.DecodeError: the octets are damaged, or of another layout than PARSE_VERSION's: scan the message again.
    """
    return _decoder.decode(stored)


def file_names(structure: Structure) -> list[str]:
    """The decoded names of all parts, also of embedded messages' parts, in the order of the message."""
    return [part.filename for part in structure.root.walk() if part.filename]
