"""Address book resources (RFC 6352 §5.1): what may be put into an address book, what is looked up of it, the card of a
contact, the same card after the contact was changed, and in the other version.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

import msgspec

from moxlite.proto.cards.components import BadComponents, Component, read_components, write_component
from moxlite.proto.cards.contentline import Property, escaped, plain, property_of
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

GROUP_OF_APPLE: Final = "X-ADDRESSBOOKSERVER-KIND"
MEMBER_OF_APPLE: Final = "X-ADDRESSBOOKSERVER-MEMBER"
"""Names that programs use for KIND and MEMBER in version 3.0, which has none."""


class BadCard(ValueError):
    """A file that no address book takes; the message says why, for people."""


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
        texts = (plain(one.value, MAX_TEXT).lower().removeprefix("mailto:") for one in self.card.all("EMAIL"))
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


def changed_card(found: CardObject, wanted: Contact) -> bytes:
    """The card with the values of a contact that was changed. Lines of what stayed the same stay as they are, so that
    nothing is lost that only other programs know.
    """
    before, wanted = found.contact, tidied(wanted)
    lines = found.card.properties
    if wanted.name != before.name:
        lines = _with(lines, "FN", [f"FN:{escaped(wanted.name)}"])
    if wanted.name != before.name or wanted.parts not in ((), before.parts):
        parts = wanted.parts if wanted.parts != before.parts else ()
        lines = _with(lines, "N", [written_parts(parts or named_parts(wanted.name))])
    if wanted.emails != before.emails:
        lines = _with_entries(lines, "EMAIL", wanted.emails)
    if wanted.phones != before.phones:
        lines = _with_entries(lines, "TEL", wanted.phones)
    if wanted.organization != before.organization:
        lines = _with(
            lines, "ORG", [f"ORG:{escaped(wanted.organization)}"] * bool(wanted.organization), lambda _: False
        )
    if wanted.note != before.note:
        lines = _with(lines, "NOTE", [f"NOTE:{escaped(wanted.note)}"] * bool(wanted.note))
    if wanted.groups != before.groups:
        lines = _with(lines, "CATEGORIES", [written_groups(wanted.groups)] * bool(wanted.groups))
    more = [one for line in wanted.other if line not in before.other and (one := property_of(line)) is not None]
    return write_component(Component("VCARD", [*lines, *more], [])).encode()


def card_with_uid(found: CardObject, uid: str) -> bytes:
    """The card with another UID."""
    return write_component(
        Component("VCARD", _with(found.card.properties, "UID", [f"UID:{escaped(uid)}"]), [])
    ).encode()


def _with_entries(lines: list[Property], name: str, wanted: tuple[Entry, ...]) -> list[Property]:
    """The lines with these addresses or numbers."""

    def entry(line: Property) -> Entry:
        value = plain(line.value, MAX_TEXT).removeprefix("mailto:" if name == "EMAIL" else "tel:")
        return Entry(value, kind_of(line))

    there = {entry(one) for one in lines if one.name == name}
    new = [written_entry(name, one) for one in wanted if one not in there]
    return _with(lines, name, new, lambda line: entry(line) in wanted)


def _with(
    lines: list[Property], name: str, new: list[str], stays: Callable[[Property], bool] = lambda _: False
) -> list[Property]:
    """The lines with new lines of a name after the old ones that stay. A line that goes takes its label with it, such
    as ``item1.X-ABLabel``.
    """
    gone = {_group(one) for one in lines if one.name == name and not stays(one)} - {""}
    gone -= {_group(one) for one in lines if one.name in OWN and not (one.name == name and not stays(one))}
    kept: list[Property] = []
    place = len(lines)
    for one in lines:
        if one.name == name:
            place = len(kept)
            if stays(one):
                kept.append(one)
                place += 1
        elif not (one.name.startswith("X-AB") and _group(one) in gone):
            kept.append(one)
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
        raise BadCard("the card has no UID")
    if not card.value("FN"):
        raise BadCard("the card has no name (FN)")
    return CardObject(card)


def shown_card(found: CardObject, version: str, names: Collection[str]) -> str:
    """The card in a version, "" for its own, with the properties of these names, empty for all (RFC 6352 §10.4)."""
    lines = found.card.properties
    if version and version != found.card.value("VERSION"):
        lines = [_converted(one, version) for one in lines]
    if names:
        wanted = {*names, "VERSION"}
        lines = [one for one in lines if one.name in wanted]
    return write_component(Component("VCARD", lines, []))


def _converted(one: Property, version: str) -> Property:
    """A property in another version (RFC 6350 §A; RFC 2426)."""
    whole = one.whole
    head, _, _ = whole.partition(":")
    match one.name, version:
        case "VERSION", _:
            whole = f"VERSION:{version}"
        case "KIND", "3.0":
            whole = f"{GROUP_OF_APPLE}:{one.value}"
        case "MEMBER", "3.0":
            whole = f"{MEMBER_OF_APPLE}:{one.value}"
        case name, "4.0" if name == GROUP_OF_APPLE:
            whole = f"KIND:{one.value}"
        case name, "4.0" if name == MEMBER_OF_APPLE:
            whole = f"MEMBER:{one.value}"
        case (("PHOTO" | "LOGO" | "SOUND" | "KEY"), "4.0") if one.parameter("ENCODING").lower() in ("b", "base64"):
            kind = one.parameter("TYPE").lower() or "jpeg"
            media = kind if "/" in kind else f"{'audio' if one.name == 'SOUND' else 'image'}/{kind}"
            whole = f"{one.name}:data:{media};base64,{one.value}"
        case (("PHOTO" | "LOGO" | "SOUND" | "KEY"), "3.0") if one.value.lower().startswith("data:"):
            media, _, data = one.value[5:].partition(",")
            kind = media.partition(";")[0].rpartition("/")[2].upper()
            whole = f"{one.name};ENCODING=b;TYPE={kind or 'JPEG'}:{data}"
        case (("EMAIL" | "TEL" | "ADR" | "IMPP"), "4.0") if "pref" in [
            t.lower() for t in one.parameters.get("TYPE", [])
        ]:
            kept = [value for value in one.parameters["TYPE"] if value.lower() != "pref"]
            types = f";TYPE={','.join(kept)}" if kept else ""
            whole = f"{head.partition(';')[0]}{types};PREF=1:{one.value}"
        case (("EMAIL" | "TEL" | "ADR" | "IMPP"), "3.0") if one.parameter("PREF") == "1":
            types = ",".join([*one.parameters.get("TYPE", []), "pref"])
            whole = f"{head.partition(';')[0]};TYPE={types}:{one.value}"
    changed = property_of(whole)
    return one if changed is None else changed
