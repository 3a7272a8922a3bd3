"""Data items and sections of a FETCH (RFC 9051 §6.4.5, RFC 3501 §6.4.5, RFC 3516, RFC 7162, RFC 8474, RFC 8514, RFC
8970).

The parser expands macros (ALL, FAST, FULL), so `Fetch.items` has only the types of this module.
"""

import enum
from typing import Final, TypeAlias

from msgspec import Struct


class Attribute(enum.Enum):
    """A data item without arguments; the value is its name on the wire."""

    UID = "UID"
    FLAGS = "FLAGS"
    INTERNALDATE = "INTERNALDATE"
    SIZE = "RFC822.SIZE"
    ENVELOPE = "ENVELOPE"
    BODY = "BODY"
    """The structure without extension data (RFC 9051 §6.4.5)."""
    BODYSTRUCTURE = "BODYSTRUCTURE"
    RFC822 = "RFC822"
    """RFC 3501 §6.4.5: like BODY[] under another name; sets ``\\Seen``."""
    RFC822_HEADER = "RFC822.HEADER"
    """RFC 3501 §6.4.5: like BODY.PEEK[HEADER] under another name."""
    RFC822_TEXT = "RFC822.TEXT"
    """RFC 3501 §6.4.5: like BODY[TEXT] under another name; sets ``\\Seen``."""
    MODSEQ = "MODSEQ"
    """RFC 7162 §3.1.4.2."""
    SAVEDATE = "SAVEDATE"
    """RFC 8514 §4.2."""
    EMAILID = "EMAILID"
    """RFC 8474 §5.3."""
    THREADID = "THREADID"
    """RFC 8474 §5.3."""


class Section(Struct, frozen=True):
    """``section-spec`` (RFC 9051 §6.4.5.1): selects octets of a message.

    part: part numbers, empty for the message itself. specifier: ``""`` (all), ``HEADER``, ``HEADER.FIELDS``,
    ``HEADER.FIELDS.NOT``, ``TEXT`` or ``MIME`` (only with a part). fields: header field names as written.
    """

    part: tuple[int, ...] = ()
    specifier: str = ""
    fields: tuple[str, ...] = ()

    def encode(self) -> bytes:
        """The text between the brackets, as responses repeat it (IMAP-97)."""
        text = ".".join(map(str, self.part))
        if self.specifier:
            text += ("." if text else "") + self.specifier
        if self.fields:
            text += f" ({' '.join(map(_field, self.fields))})"
        return text.encode()


class Body(Struct, frozen=True):
    """``BODY[section]<partial>`` or ``BODY.PEEK[…]`` (RFC 9051 §6.4.5). partial: (offset, length) in octets, length >
    0.
    """

    section: Section
    peek: bool = False
    partial: tuple[int, int] | None = None


class Binary(Struct, frozen=True):
    """``BINARY[part]<partial>`` or ``BINARY.PEEK[…]`` (RFC 3516 §4.2): octets decoded from their transfer encoding."""

    part: tuple[int, ...] = ()
    peek: bool = False
    partial: tuple[int, int] | None = None


class BinarySize(Struct, frozen=True):
    """``BINARY.SIZE[part]`` (RFC 3516 §4.2): number of octets of BINARY[part]."""

    part: tuple[int, ...] = ()


class Preview(Struct, frozen=True):
    """``PREVIEW`` or ``PREVIEW (LAZY)`` (RFC 8970 §3.1)."""

    lazy: bool = False


FetchItem: TypeAlias = Attribute | Body | Binary | BinarySize | Preview

_FAST: Final = (Attribute.FLAGS, Attribute.INTERNALDATE, Attribute.SIZE)
MACROS: Final[dict[str, tuple[FetchItem, ...]]] = {
    # RFC 9051 §6.4.5: alone, never inside a list
    "FAST": _FAST,
    "ALL": (*_FAST, Attribute.ENVELOPE),
    "FULL": (*_FAST, Attribute.ENVELOPE, Attribute.BODY),
}


def _field(name: str) -> str:
    if name and not any(c in '(){ %*"\\]' or not " " < c < "\x7f" for c in name):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def encode_item(item: FetchItem) -> bytes:
    """Encode a data item for a FETCH command."""
    match item:
        case Attribute():
            return item.value.encode()
        case Preview(lazy=lazy):
            return b"PREVIEW (LAZY)" if lazy else b"PREVIEW"
        case BinarySize(part=part):
            return b"BINARY.SIZE[%b]" % Section(part).encode()
        case Binary(part=part, peek=peek, partial=partial):
            head = b"BINARY.PEEK[%b]" if peek else b"BINARY[%b]"
            return head % Section(part).encode() + _partial(partial)
        case Body(section=section, peek=peek, partial=partial):
            head = b"BODY.PEEK[%b]" if peek else b"BODY[%b]"
            return head % section.encode() + _partial(partial)


def _partial(partial: tuple[int, int] | None) -> bytes:
    return b"<%d.%d>" % partial if partial else b""
