"""Address book resources (RFC 6352 §5.1): what may be put into an address book, what is looked up of it, the card of a
contact, the same card after the contact was changed, and in the other version.
"""

from __future__ import annotations

import codecs
import hashlib
import uuid
from collections.abc import Callable, Collection
from typing import Final

import msgspec

from moxlite.proto.cards.components import BadComponents, Component, read_components, write_component
from moxlite.proto.cards.contentline import Property, escaped, plain, property_of
from moxlite.proto.cards.limits import AboveLimit, check_extent
from moxlite.proto.cards.vcard import (
    OWN,
    Contact,
    Entry,
    Unreadable,
    contact_of,
    kind_of,
    named_parts,
    tidied,
    write_vcard,
    written_entry,
    written_groups,
    written_parts,
)

MAX_UID: Final = 1000
MAX_TEXT: Final = 500
"""Characters of a UID, above which a card is refused, and of a name or address, which are cut for look-ups: the card
itself keeps all of them.
"""

GROUP_OF_APPLE: Final = "X-ADDRESSBOOKSERVER-KIND"
MEMBER_OF_APPLE: Final = "X-ADDRESSBOOKSERVER-MEMBER"
"""Names that programs use for KIND and MEMBER in version 3.0, which has none."""


class BadCard(ValueError):
    """A file that no address book takes; the message says why, for people."""


class NoUID(BadCard):
    """A card without a UID."""


class FileCard(msgspec.Struct, frozen=True):
    """A card of a file that an address book takes to the letter; `contact` is what it says."""

    contact: Contact
    data: bytes


class CardObject(msgspec.Struct):
    """A card: `card` is the whole file."""

    card: Component

    @property
    def uid(self) -> str:
        """Its UID."""
        return plain(self.card.value("UID"), MAX_UID)

    @property
    def title(self) -> str:
        """The name that is shown."""
        return plain(self.card.value("FN"), MAX_TEXT)

    def addresses(self) -> tuple[str, ...]:
        """Mail addresses in lower case, each once."""
        texts = (plain(prop.value, MAX_TEXT).lower().removeprefix("mailto:") for prop in self.card.all("EMAIL"))
        return tuple(dict.fromkeys(filter(None, texts)))

    @property
    def contact(self) -> Contact:
        """The person, as lists and searches find it."""
        found = contact_of(self.card.properties)
        return Contact(uid=self.uid, name=self.title) if isinstance(found, Unreadable) else tidied(found)


def new_card(contact: Contact) -> bytes:
    """The card of a contact, version 4.0, with the parts of its name, which phones want."""
    contact = tidied(contact)
    return write_vcard(msgspec.structs.replace(contact, parts=contact.parts or named_parts(contact.name))).encode()


def changed_card(card_object: CardObject, contact: Contact) -> bytes:
    """The card with the values of a contact that was changed. Lines of what stayed the same stay as they are, so that
    nothing is lost that only other programs know.
    """
    before, contact = card_object.contact, tidied(contact)
    lines = card_object.card.properties
    if contact.name != before.name:
        lines = _with(lines, "FN", [f"FN:{escaped(contact.name)}"])
    if contact.name != before.name or contact.parts not in ((), before.parts):
        parts = contact.parts if contact.parts != before.parts else ()
        lines = _with(lines, "N", [written_parts(parts or named_parts(contact.name))])
    if contact.emails != before.emails:
        lines = _with_entries(lines, "EMAIL", contact.emails)
    if contact.phones != before.phones:
        lines = _with_entries(lines, "TEL", contact.phones)
    if contact.organization != before.organization:
        lines = _with(
            lines, "ORG", [f"ORG:{escaped(contact.organization)}"] * bool(contact.organization), lambda _: False
        )
    if contact.note != before.note:
        lines = _with(lines, "NOTE", [f"NOTE:{escaped(contact.note)}"] * bool(contact.note))
    if contact.groups != before.groups:
        lines = _with(lines, "CATEGORIES", [written_groups(contact.groups)] * bool(contact.groups))
    more = [prop for line in contact.other if line not in before.other and (prop := property_of(line)) is not None]
    return write_component(Component("VCARD", [*lines, *more], [])).encode()


def card_with_uid(card_object: CardObject, uid: str) -> bytes:
    """The card with another UID."""
    return write_component(
        Component("VCARD", _with(card_object.card.properties, "UID", [f"UID:{escaped(uid)}"]), [])
    ).encode()


def _with_entries(lines: list[Property], name: str, entries: tuple[Entry, ...]) -> list[Property]:
    """The lines with these addresses or numbers."""

    def entry(line: Property) -> Entry:
        value = plain(line.value, MAX_TEXT).removeprefix("mailto:" if name == "EMAIL" else "tel:")
        return Entry(value, kind_of(line))

    there = {entry(line) for line in lines if line.name == name}
    new = [written_entry(name, one) for one in entries if one not in there]
    return _with(lines, name, new, lambda line: entry(line) in entries)


def _with(
    lines: list[Property], name: str, new: list[str], stays: Callable[[Property], bool] = lambda _: False
) -> list[Property]:
    """The lines with new lines of a name after the old ones that stay. A line that goes takes its label with it, such
    as ``item1.X-ABLabel``.
    """
    gone = {_group(line) for line in lines if line.name == name and not stays(line)} - {""}
    gone -= {_group(line) for line in lines if line.name in OWN and not (line.name == name and not stays(line))}
    kept: list[Property] = []
    place = len(lines)
    for prop in lines:
        if prop.name == name:
            place = len(kept)
            if stays(prop):
                kept.append(prop)
                place += 1
        elif not (prop.name.startswith("X-AB") and _group(prop) in gone):
            kept.append(prop)
    added = [made for line in new if (made := property_of(line)) is not None]
    return [*kept[:place], *added, *kept[place:]]


def _group(line: Property) -> str:
    """The group that a line belongs to, in lower case; "" without one."""
    return line.whole.partition(":")[0].partition(";")[0].rpartition(".")[0].strip().lower()


def read_card(data: bytes) -> CardObject:
    """Read a card and check it (DAV-11). Raises BadCard."""
    try:
        card = read_components(data.decode("utf-8-sig"), "VCARD")
    except UnicodeDecodeError:
        raise BadCard("the file is not UTF-8") from None
    except BadComponents as error:
        raise BadCard(str(error)) from None
    if card.value("VERSION") not in ("3.0", "4.0"):
        raise BadCard("the card is not of version 3.0 or 4.0")
    if not 0 < len(card.value("UID")) <= MAX_UID:
        raise NoUID("the card has no UID")
    if not card.value("FN"):
        raise BadCard("the card has no name (FN)")
    return CardObject(card)


def file_card(data: bytes) -> FileCard | None:
    """The card of a file, if an address book takes it (DAV-11); one without a UID gets one, the same each time."""
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        try:
            card = read_card(data)
        except NoUID:
            number = uuid.UUID(bytes=hashlib.sha256(data).digest()[:16], version=5)
            last = data.rstrip().rfind(b"\n") + 1
            end = b"\r\n" if data[:last].endswith(b"\r\n") else b"\n"
            data = data[:last] + f"UID:urn:uuid:{number}".encode() + end + data[last:]
            card = read_card(data)
        check_extent(card.card)
    except (BadCard, AboveLimit):
        return None
    # a UID of control characters alone is empty in the index, where a second such card would be refused
    return FileCard(msgspec.structs.replace(card.contact, uid=card.uid), data) if card.uid else None


def shown_card(card_object: CardObject, version: str, names: Collection[str]) -> str:
    """The card in a version, "" for its own, with the properties of these names, empty for all (RFC 6352 §10.4)."""
    lines = card_object.card.properties
    if version and version != card_object.card.value("VERSION"):
        lines = [_converted(line, version) for line in lines]
    if names:
        wanted = {*names, "VERSION"}
        lines = [line for line in lines if line.name in wanted]
    return write_component(Component("VCARD", lines, []))


def _converted(prop: Property, version: str) -> Property:
    """A property in another version (RFC 6350 §A; RFC 2426)."""
    whole = prop.whole
    head, _, _ = whole.partition(":")
    match prop.name, version:
        case "VERSION", _:
            whole = f"VERSION:{version}"
        case "KIND", "3.0":
            whole = f"{GROUP_OF_APPLE}:{prop.value}"
        case "MEMBER", "3.0":
            whole = f"{MEMBER_OF_APPLE}:{prop.value}"
        case name, "4.0" if name == GROUP_OF_APPLE:
            whole = f"KIND:{prop.value}"
        case name, "4.0" if name == MEMBER_OF_APPLE:
            whole = f"MEMBER:{prop.value}"
        case (("PHOTO" | "LOGO" | "SOUND" | "KEY"), "4.0") if prop.parameter("ENCODING").lower() in ("b", "base64"):
            kind = prop.parameter("TYPE").lower() or "jpeg"
            media = kind if "/" in kind else f"{'audio' if prop.name == 'SOUND' else 'image'}/{kind}"
            whole = f"{prop.name}:data:{media};base64,{prop.value}"
        case (("PHOTO" | "LOGO" | "SOUND" | "KEY"), "3.0") if prop.value.lower().startswith("data:"):
            media, _, data = prop.value[5:].partition(",")
            kind = media.partition(";")[0].rpartition("/")[2].upper()
            whole = f"{prop.name};ENCODING=b;TYPE={kind or 'JPEG'}:{data}"
        case (("EMAIL" | "TEL" | "ADR" | "IMPP"), "4.0") if "pref" in [
            t.lower() for t in prop.parameters.get("TYPE", [])
        ]:
            kept = [value for value in prop.parameters["TYPE"] if value.lower() != "pref"]
            types = f";TYPE={','.join(kept)}" if kept else ""
            whole = f"{head.partition(';')[0]}{types};PREF=1:{prop.value}"
        case (("EMAIL" | "TEL" | "ADR" | "IMPP"), "3.0") if prop.parameter("PREF") == "1":
            types = ",".join([*prop.parameters.get("TYPE", []), "pref"])
            whole = f"{head.partition(';')[0]};TYPE={types}:{prop.value}"
    changed = property_of(whole)
    return prop if changed is None else changed
