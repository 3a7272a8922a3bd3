"""vCards: contacts as files of other programs have them. Read: versions 4.0 (RFC 6350), 3.0 (RFC 2426) and 2.1.
Written: 4.0. Values in, values out.

Properties that a contact has no place for are kept as they came, so that a contact that is imported and exported loses
nothing but large pictures and sounds.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Final

import msgspec

from moxlite.normal import visible
from moxlite.proto.cards.contentline import (
    MAX_LINE,
    Property,
    changed_line,
    escaped,
    folded,
    group_of,
    plain,
    property_of,
    split,
    unescaped,
    unfolded,
)
from moxlite.proto.mime.charset import guess_text

MAX_CARD: Final = 64 * 1024
"""Octets of a card without its pictures, sounds and keys."""

MAX_ENTRIES: Final = 50
"""Addresses, telephone numbers and groups of a contact, each."""

MAX_TEXT: Final = 1000
"""Characters of a name, an address, a telephone number, an organisation, a group."""

MAX_NOTE: Final = 20_000
"""Characters of a note."""

MAX_PICTURE: Final = 180_000
"""Maximum characters of a stored photo: 128 KiB (`photo.MAX_PHOTO`) in base64."""

MAX_PICTURES: Final = 3 * MAX_PICTURE
"""Characters of all pictures, sounds and keys of a card that are kept."""

MAX_WHOLE: Final = 1 << 20
"""Octets of a card that is kept to the letter (DAV-5)."""

UTF_16: Final = {BOM_UTF16_LE: "utf-16", BOM_UTF16_BE: "utf-16", b"B\0": "utf-16-le", b"\0B": "utf-16-be"}
"""Codecs by the first octets of a file in UTF-16, as some programs write it: its mark, or BEGIN without one."""

BARE_CR: Final = re.compile(rb"\r(?!\n)")

FOLD_MARK: Final = re.compile(rb"\r?\n[ \t]")
"""A fold, which some programs put within a letter (RFC 6350 §3.2 says that they must not)."""

MEDIA: Final = frozenset({"PHOTO", "LOGO", "SOUND", "KEY"})
OWN: Final = frozenset(
    {"BEGIN", "END", "VERSION", "UID", "FN", "N", "EMAIL", "TEL", "ORG", "NOTE", "CATEGORIES", "REV", "PRODID"}
)
"""Properties that a contact has a place for, or that are made anew."""

KINDS: Final = {"home": "home", "work": "work", "cell": "mobile", "mobile": "mobile", "fax": "fax", "pager": "pager"}
"""Types of addresses and numbers that are kept, as they are shown."""


class Unreadable(ValueError):
    """A card, or what should be one, cannot be read. The text says why, for people."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An email address or telephone number; `kind` is home, work, mobile, fax, pager, or "" without one."""

    value: str
    kind: str = ""


class Contact(msgspec.Struct, frozen=True):
    """A person or organisation.

    Attributes:
      uid: of the card, "" for one that has none yet. name: as it is shown.
      parts: family name, given name, others, prefixes, suffixes (N, RFC 6350 §6.2.2); empty where the card has none.
      units: the organization's name and units (ORG, §6.6.4), which `organization` joins; empty where it has no units.
      other: further properties, each a line without folds.
      dropped: names of properties that were too large to keep; not written.
    """

    uid: str = ""
    name: str = ""
    parts: tuple[str, ...] = ()
    emails: tuple[Entry, ...] = ()
    phones: tuple[Entry, ...] = ()
    organization: str = ""
    units: tuple[str, ...] = ()
    note: str = ""
    groups: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


def read_vcards(data: bytes) -> Iterator[Contact | Unreadable]:
    """The cards of a file, in order; an error in place of one that cannot be read. Linear in the size of the file.

    The charset is UTF-8, or Windows-1252 where the file is no UTF-8.
    """
    text = guess_text(data.removeprefix(BOM_UTF8))
    lines: list[str] | None = None
    depth = size = 0
    for line in unfolded(text):
        mark = line.strip().upper() if len(line) < 100 else ""
        if mark == "BEGIN:VCARD":
            depth += 1
            if depth == 1:
                lines, size = [], 0
                continue
        elif mark == "END:VCARD" and depth:
            depth -= 1
            if depth == 0:
                properties = filter(None, map(property_of, lines or []))
                yield (
                    contact_of(properties)
                    if size <= 4 * MAX_CARD
                    else Unreadable("a card has more than 256 KiB of text")
                )
                lines = None
                continue
        if lines is not None and depth == 1 and size <= 4 * MAX_CARD:
            head = line.partition(":")[0][:200]
            media = head.partition(";")[0].rpartition(".")[2].upper() in MEDIA
            kept = line if len(line) <= (MAX_PICTURE + MAX_TEXT if media else MAX_LINE) else head + ":\0"
            size += min(len(kept), MAX_TEXT) if media else len(kept)
            lines.append(kept)
    if depth:
        yield Unreadable("the last card doesn't have an END line")


class FileLine(msgspec.Struct, frozen=True):
    """A property of a file of cards, with its folds. `short`: as far as `read_vcards` keeps it, in octets that give the
    same contact; one that is dropped for its size has no value any more. `whole`: to the letter, with LF or CRLF at its
    end; None for one above `MAX_WHOLE`, or with lines that only version 2.1 has.
    """

    short: bytes
    whole: bytes | None


def file_lines(pieces: Iterable[bytes]) -> Iterator[FileLine]:
    """The properties of a file of cards, in order. Linear in the size of the file; at most one property is held."""
    held = bytearray()
    room = 0
    encoded, exact = False, True
    for line in physical_lines(pieces):
        folded_line = line[:1] in (b" ", b"\t")
        # in version 2.1, a photo's continuation lines may have no leading space
        loose = encoded and not folded_line and b":" not in line and line.strip() != b""
        if held and (loose or folded_line):
            exact = exact and not loose and len(held) + len(line) < MAX_WHOLE
            room -= len(line)
            if exact or room >= 0:
                held += b" " * loose + line + b"\n"
            continue
        if held:
            yield _file_line(bytes(held), room, exact=exact)
        held = bytearray(line + b"\n")
        head = line[:MAX_TEXT].partition(b":")[0].upper()
        name = head.partition(b";")[0].rpartition(b".")[2]
        encoded = b"BASE64" in head or b"ENCODING=B" in head
        exact = len(line) < MAX_WHOLE
        room = (MAX_PICTURE * 2 if name.decode("ascii", "replace") in MEDIA else 4 * MAX_LINE) - len(line)
    if held:
        yield _file_line(bytes(held), room, exact=exact)


def _file_line(held: bytes, room: int, *, exact: bool) -> FileLine:
    if not _is_utf_8(held) and _is_utf_8(joined := FOLD_MARK.sub(b"", held)):
        held = joined
    short = held if room >= 0 else held.partition(b"\n")[0].partition(b":")[0][:200] + b":\0\n"
    return FileLine(short, held if exact else None)


def _is_utf_8(octets: bytes) -> bool:
    with suppress(UnicodeDecodeError):
        return octets.decode() is not None
    return False


def physical_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a file's lines, each truncated to `MAX_WHOLE` octets and a piece, with the CR of a CRLF.

    Lines end with LF, CRLF or CR, even within one file, because clients use all of these and cards are saved one after
    another; some with CR CR LF.
    """
    rest, cut, end = b"", False, b""
    for piece in chain(pieces, [b"\n"]):
        octets = end + piece
        end = octets[max(len(octets) - 2, len(octets.rstrip(b"\r"))) :]  # a LF may begin the next piece
        octets = octets.removesuffix(end).replace(b"\r\r\n", b"\r\n")
        *lines, rest = (rest + BARE_CR.sub(b"\n", octets)).split(b"\n")
        for line in lines:
            if not cut:
                yield line
            cut = False
        if len(rest) > MAX_WHOLE:
            if not cut:
                yield rest
            rest, cut = b"", True


def in_utf_8(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of a file, of one in UTF-16 in UTF-8."""
    source = iter(pieces)
    first = b""
    for piece in source:
        first += piece
        if len(first) >= len(BOM_UTF16_LE):
            break
    rest = chain([first], source)
    codec = UTF_16.get(first[:2])
    if codec is None:
        yield from rest
        return
    decoder = getincrementaldecoder(codec)("replace")
    for piece in rest:
        yield decoder.decode(piece).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode()


def write_vcard(contact: Contact) -> str:
    """A card of version 4.0, with CRLF at the end of each line (RFC 6350)."""
    lines = ["BEGIN:VCARD", "VERSION:4.0"]
    if contact.uid:
        lines.append(f"UID:{escaped(contact.uid)}")
    lines.append(f"FN:{escaped(contact.name)}")
    if any(contact.parts):
        lines.append(written_parts(contact.parts))
    lines += [entry_line("EMAIL", email).whole for email in contact.emails]
    lines += [entry_line("TEL", phone).whole for phone in contact.phones]
    if contact.organization:
        lines.append(f"ORG:{organization_value(contact)}")
    if contact.note:
        lines.append(f"NOTE:{escaped(contact.note)}")
    if contact.groups:
        lines.append(written_groups(contact.groups))
    lines += contact.other
    lines.append("END:VCARD")
    return "".join(f"{folded(line)}\r\n" for line in lines)


def tidied(contact: Contact) -> Contact:
    """A contact as its card gives it back: texts in one line, without what is empty or too much."""
    return msgspec.structs.replace(
        contact,
        uid=plain(escaped(contact.uid), MAX_TEXT),
        name=_line(contact.name),
        parts=tuple(map(_line, (*contact.parts, "", "", "", "", "")[:5])) if any(contact.parts) else (),
        emails=_entries(contact.emails, "mailto:"),
        phones=_entries(contact.phones, "tel:"),
        organization=_line(contact.organization),
        units=tuple(map(_line, contact.units)),
        note=contact.note.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")[:MAX_NOTE],
        groups=tuple(dict.fromkeys(filter(None, map(_line, contact.groups))))[:MAX_ENTRIES],
        dropped=(),
    )


def named_parts(name: str) -> tuple[str, ...]:
    """Split a full name into parts, for phones that only show these.

    The last word becomes the family name.
    """
    words = name.split()
    if not words or "@" in name:
        return ("", name, "", "", "")
    return (words[-1] if len(words) > 1 else "", " ".join(words[:-1] or words), "", "", "")


def _line(text: str) -> str:
    return " ".join(visible(text).split())[:MAX_TEXT]


def _entries(given: Iterable[Entry], prefix: str) -> tuple[Entry, ...]:
    values = ((_line(entry.value).removeprefix(prefix), entry.kind) for entry in given)
    found = (Entry(value, kind if kind in KINDS.values() else "") for value, kind in values if value)
    return tuple(dict.fromkeys(found))[:MAX_ENTRIES]


def contact_of(properties: Iterable[Property]) -> Contact | Unreadable:
    """The contact of a card's properties."""
    uid = name = organization = note = ""
    parts: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    emails: list[Entry] = []
    phones: list[Entry] = []
    groups: list[str] = []
    other: list[str] = []
    dropped: list[str] = []
    seen = False
    for prop in properties:
        seen = True
        if prop.value == "\0" or (prop.name in MEDIA and len(prop.value) > MAX_PICTURE):
            dropped.append(prop.name)
            continue
        value = prop.decoded
        # the first UID, name and organization count: a second one is a translation, or a mistake
        match prop.name:
            case "UID":
                uid = uid or plain(value, MAX_TEXT)
            case "FN":
                name = name or plain(value, MAX_TEXT)
            case "N":
                parts = parts or tuple(plain(part, MAX_TEXT) for part in split(value, ";")[:5])
            case "EMAIL" if len(emails) < MAX_ENTRIES and (address := plain(value, MAX_TEXT)):
                emails.append(Entry(address.removeprefix("mailto:"), kind_of(prop)))
            case "TEL" if len(phones) < MAX_ENTRIES and (number := plain(value, MAX_TEXT)):
                phones.append(Entry(number.removeprefix("tel:"), kind_of(prop)))
            case "ORG" if not organization:
                units = tuple(plain(unit, MAX_TEXT) for unit in split(value, ";"))
                organization = ", ".join(filter(None, units))
            case "NOTE":
                note = note or unescaped(value)[:MAX_NOTE]
            case "CATEGORIES":
                groups += [plain(group, MAX_TEXT) for group in split(value, ",")]
            case _ if prop.name not in OWN:
                other.append(further_line(prop))
    if not seen:
        return Unreadable("a card is empty")
    # FN may be missing in version 2.1
    name = name or " ".join(filter(None, (parts[1:2] + parts[2:3] + parts[0:1]))) if parts else name
    name = name or organization or (emails[0].value if emails else "") or (phones[0].value if phones else "")
    if not name:
        return Unreadable("a card doesn't have a name or an address")
    kept: list[str] = []
    left = {True: MAX_PICTURES, False: MAX_CARD - len(note.encode("utf-8", "replace"))}
    for line in other:
        head = line.partition(":")[0].partition(";")[0]
        media = head.rpartition(".")[2].upper() in MEDIA
        left[media] -= len(line) if media else len(line.encode("utf-8", "replace"))
        if left[media] < 0:
            dropped.append(head[:100])
        else:
            kept.append(line)
    return Contact(
        uid=uid,
        name=name,
        parts=parts,
        emails=tuple(dict.fromkeys(emails)),
        phones=tuple(dict.fromkeys(phones)),
        organization=organization[:MAX_TEXT],
        units=units if any(units[1:]) else (),
        note=note,
        groups=tuple(dict.fromkeys(filter(None, groups)))[:MAX_ENTRIES],
        other=tuple(kept),
        dropped=tuple(dict.fromkeys(dropped)),
    )


def further_line(prop: Property) -> str:
    """The line of a property that a contact has no place for, as `Contact.other` keeps it."""
    value = prop.decoded
    line = prop.whole if value is prop.value and not _is_old(prop) else _renewed(prop, value)
    return "\\n".join(line.splitlines())  # line breaks within quoted-printable don't end the property


def _is_old(prop: Property) -> bool:
    """Whether a property has types as version 2.1 has them: ``ADR;HOME:``."""
    head = prop.whole.partition(":")[0]
    return '"' not in head and any("=" not in parameter for parameter in head.split(";")[1:])


def _renewed(prop: Property, value: str) -> str:
    """A line of version 2.1 as the later ones have it, with this value."""
    types = [kind for kind in prop.parameters.get("TYPE", []) if kind.upper() not in ("QUOTED-PRINTABLE", "BASE64")]
    others = {"TYPE": types, **{k: v for k, v in prop.parameters.items() if k not in ("TYPE", "CHARSET")}}
    if value is not prop.value:
        others.pop("ENCODING", None)
    elif "BASE64" in map(str.upper, prop.parameters.get("TYPE", [])):
        others["ENCODING"] = ["b"]
    return changed_line(prop.name, others, value, group_of(prop)).whole


def kind_of(line: Property) -> str:
    """The kind of an address or number, as it is shown."""
    for one in line.parameters.get("TYPE", []):
        if (kind := KINDS.get(one.lower())) is not None:
            return kind
    return ""


def written_parts(parts: tuple[str, ...]) -> str:
    """The line of the parts of a name."""
    return "N:" + ";".join(escaped(part) for part in (*parts, "", "", "", "", "")[:5])


def organization_value(contact: Contact) -> str:
    """The value of ORG; "" for no organization."""
    return ";".join(map(escaped, contact.units or (contact.organization,)))


def written_groups(groups: tuple[str, ...]) -> str:
    """The line of groups."""
    return "CATEGORIES:" + ",".join(map(escaped, groups))


def entry_line(name: str, entry: Entry) -> Property:
    """The line of an address or number."""
    kind = {"mobile": "cell"}.get(entry.kind, entry.kind)
    return changed_line(name, {"TYPE": [kind]} if kind else {}, escaped(entry.value))
