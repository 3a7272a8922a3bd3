"""Submitted messages in the form that each server takes: header fields in ASCII, lines of at most 998 octets that end
in CR LF.

Scripts, printers and disk stations write subjects and names as raw UTF-8, and lines without an end. Raw fields are
encoded words or parameters of RFC 2231 afterwards (RFC 2047, RFC 2231), unless an address needs SMTPUTF8: then raw
UTF-8 is their form (RFC 6532). Bodies with a longer line (RFC 5321 §4.5.3.1.6) get another transfer encoding.

What is signed or encrypted keeps its octets: raw fields stay there, since a server takes them as 8-bit data, and a
longer line is `Unconvertible`, as one outside of the parts. Header fields of attached messages stay as well.
"""

import re
from collections.abc import Iterator
from typing import Final

from moxlite.proto.mime.compose import ComposeError, Group, address_field, parameter_field, text_field
from moxlite.proto.mime.decode import is_known_encoding
from moxlite.proto.mime.envelope import MAX_ADDRESSES, GroupEnd, GroupStart, decode_address, parse_addresses
from moxlite.proto.mime.headers import Field, HeaderSection
from moxlite.proto.mime.sevenbit import BLOCK, SEALED, Edit, Unconvertible, blocks, edited, lightest, recoded
from moxlite.proto.mime.structure import Octets, scan
from moxlite.proto.mime.types import ENCODED_MESSAGE, MailAddress, Part
from moxlite.proto.mime.words import decode_words, parse_content

MAX_LINE: Final = 1_000
"""Octets of a line, including CRLF."""

ADDRESSES: Final = frozenset(
    [
        f"{again}{name}".encode()
        for again in ("", "resent-")
        for name in ("from", "sender", "reply-to", "to", "cc", "bcc")
    ]
    + [b"disposition-notification-to", b"return-receipt-to", b"errors-to", b"mail-followup-to", b"mail-reply-to"]
)
BLIND: Final = (b"bcc", b"resent-bcc")
"""Fields that no recipient may read."""

PARAMETERS: Final = frozenset({b"content-type", b"content-disposition"})
_CRS: Final = re.compile(rb"\r+")


def has_raw_fields(data: Octets, root: Part) -> bool:
    """Whether a header field of any part is not ASCII."""
    return any(not bytes(data[part.header : part.body]).isascii() for part in root.walk())


def needs_utf8(section: HeaderSection) -> bool:
    """Whether an address in a header section has a localpart that ASCII cannot write."""
    return any(
        not (getattr(item, "localpart", b"") or b"").isascii()
        for field in section.all(*ADDRESSES)
        if not field.raw.isascii()
        for item in parse_addresses(field.text)
    )


def has_long_line(data: Octets, start: int, end: int) -> bool:
    """Whether a line of some octets is longer than SMTP allows."""
    while end - start > MAX_LINE:
        block = bytes(data[start : min(start + BLOCK, end)])
        at = 0
        while len(block) - at > MAX_LINE:
            at = block.rfind(b"\n", at, at + MAX_LINE) + 1
            if not at:
                return True
        start += at
    return False


def with_line_ends(data: Octets) -> Iterator[bytes]:
    """The octets, in pieces, as lines that end in CR LF, the last one too.

    CRs before a line end are left out, as of a program that has made CR LF of LF twice. A CR alone becomes a space: it
    ends no line, so that a progress meter in a log makes no header field.
    """
    held = last = b""
    for block in blocks(data, 0, len(data)):
        octets = _CRS.sub(b"\r", held + block)
        held = b"\r" if octets.endswith(b"\r") else b""
        octets = octets.removesuffix(b"\r").replace(b"\r\n", b"\n").replace(b"\r", b" ")
        last = octets[-1:] or last
        yield octets.replace(b"\n", b"\r\n")
    if last != b"\n" or held:
        yield b"\r\n"


def start_of_text(section: HeaderSection) -> int | None:
    """Where a message without an empty line above its text needs that line: at the first line that isn't a field, or at
    the end. A message without any field is all text. None if the line is there, or if that text would have Bcc fields,
    which all recipients would see.
    """
    if section.body is not None and (len(section) == 0 or any(section.names)):
        return None
    junk = next((field for field in section.all(b"") if not is_of_mbox(field)), None)
    if junk is None:
        return len(section.octets)
    return None if any(field.start > junk.start for field in section.all(*BLIND)) else junk.start


def is_of_mbox(field: Field) -> bool:
    """Whether a piece of a header section is the line that mbox files have above a message."""
    return not field.start and not field.name and field.raw.startswith((b"From ", b">From "))


def has_raw_name(line: bytes) -> bool:
    """Whether a line isn't a field only because characters of its name aren't ASCII."""
    name, colon, _ = line.partition(b":")
    return bool(colon) and not name.isascii() and len(name.split()) == 1


def for_transport(message: bytes) -> bytes:
    """A message in this form; one that has no such form as it is."""
    utf8 = needs_utf8(HeaderSection(message))
    try:
        return b"".join(edited(message, edits(message, scan(message).root, utf8=utf8)))
    except Unconvertible:
        return message


def edits(data: Octets, root: Part, *, utf8: bool) -> list[Edit]:
    """The edits that give a message this form, for `sevenbit.edited`. `utf8`: raw fields stay. Raises Unconvertible."""
    changes: list[Edit] = []
    if not utf8 or has_long_line(data, 0, len(data)):
        _look(data, root, changes, utf8=utf8, top=True)
    return changes


def _look(data: Octets, part: Part, edits: list[Edit], *, utf8: bool, top: bool = False) -> None:
    header = bytes(data[part.header : part.body])
    new = _header(header, part.hint, utf8=utf8)
    if part.parts or part.message is not None:
        if new != header:
            edits.append(Edit(part.header, part.body, new))
        _look_inside(data, part, edits, utf8=utf8)
    elif has_long_line(data, part.body, part.end):
        fixed = part.type == "MESSAGE" or (part.defect and part.defect != ENCODED_MESSAGE)
        if fixed or not is_known_encoding(part.encoding):
            raise Unconvertible("a part that can't be encoded has a line longer than 998 octets")
        encoding = part.encoding.lower() if part.encoding in ("QUOTED-PRINTABLE", "BASE64") else lightest(data, part)
        edits += recoded(data, part, encoding, top=top, header=new)
    elif new != header:
        edits.append(Edit(part.header, part.body, new))


def _look_inside(data: Octets, part: Part, edits: list[Edit], *, utf8: bool) -> None:
    """The same for what a multipart or a message in the message has."""
    if part.type == "MULTIPART" and part.subtype in SEALED:
        if has_long_line(data, part.body, part.end):
            text = "a signed or encrypted part has a line longer than 998 octets, and can't be changed"
            raise Unconvertible(text)
        return
    start = part.body
    for inner in part.parts:
        _refuse_long_line(data, start, inner.header)
        _look(data, inner, edits, utf8=utf8)
        start = inner.end
    if part.parts:
        _refuse_long_line(data, start, part.end)
    if part.message is not None:
        _look(data, part.message.root, edits, utf8=True, top=True)


def _refuse_long_line(data: Octets, start: int, end: int) -> None:
    """Refuse text before, between and after parts: it has no encoding, and may be what a person wrote."""
    if has_long_line(data, start, end):
        raise Unconvertible("line longer than 998 octets outside the body parts")


def _header(header: bytes, hint: str, *, utf8: bool) -> bytes:
    """A header section and the line below it, with fields in their form."""
    if (utf8 or header.isascii()) and not has_long_line(header, 0, len(header)):
        return header
    section = HeaderSection(header, hint=hint)
    if not section.complete:
        return header
    lines = [
        field.raw if not field.name or _is_well(field.raw, utf8=utf8) else _field(field, hint, utf8=utf8)
        for field in section
    ]
    return b"".join([*lines, header[len(section.octets) :]])


def _is_well(raw: bytes, *, utf8: bool) -> bool:
    return (utf8 or raw.isascii()) and not has_long_line(raw, 0, len(raw))


def _field(field: Field, hint: str, *, utf8: bool) -> bytes:
    label = field.label.decode("ascii")
    if field.name in ADDRESSES and (entries := _entries(field.text, hint)):
        try:
            return address_field(label, entries, utf8=utf8)
        except ComposeError:
            pass  # no address list: as a text, all of it is still there
    if field.name in PARAMETERS:
        content = parse_content(field.text, hint)
        if content.value and not (content.boundary or b"").strip(b" ").isascii():
            return field.raw  # the lines of the body have these octets
        if content.value:
            value = "/".join(filter(None, (content.value, content.subtype))).lower()
            parameters = [(parameter.name, parameter.value) for parameter in content.parameters]
            return parameter_field(label, value, parameters, utf8=utf8)
    return text_field(label, decode_words(field.text, hint), utf8=utf8)


def _entries(text: bytes, hint: str) -> list[MailAddress | Group]:
    """The addresses and groups of a field; none where they are not all read."""
    items = parse_addresses(text)
    if len(items) >= MAX_ADDRESSES:
        return []
    entries: list[MailAddress | Group] = []
    group, members = "", None
    for item in items:
        match item:
            case GroupStart(name=name):
                group, members = decode_words(name, hint), list[MailAddress]()
            case GroupEnd():
                entries.append(Group(group, tuple(members or ())))
                members = None
            case _:
                (entries if members is None else members).append(decode_address(item, hint=hint))
    return entries
