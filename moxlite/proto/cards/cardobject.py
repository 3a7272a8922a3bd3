"""Address book resources (RFC 6352 §5.1): what may be put into an address book, what is looked up of it, the card of a
contact, the same card after the contact was changed, and in the other version.
"""

from __future__ import annotations

import codecs
import hashlib
import re
import uuid
from collections import Counter
from collections.abc import Collection, Iterable
from difflib import SequenceMatcher
from typing import Final

import msgspec

from moxlite.proto.cards.components import BadComponents, Component, read_components, write_component
from moxlite.proto.cards.contentline import (
    Property,
    address_pieces,
    changed_line,
    escaped,
    group_of,
    plain,
    property_of,
    split,
    with_value,
)
from moxlite.proto.cards.limits import AboveLimit, check_extent
from moxlite.proto.cards.vcard import (
    KINDS,
    MAX_TEXT as MAX_ENTRY,
    OWN,
    Contact,
    Entry,
    Unreadable,
    contact_of,
    entry_line,
    further_line,
    kind_of,
    named_parts,
    organization_value,
    tidied,
    write_vcard,
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

MAX_MEMBERS: Final = 5_000
"""Members of a group by which it is looked up: five times as many as get one message. The card keeps all."""


URI: Final = re.compile(r"[A-Za-z0-9+*#.()@_~!$&'=%;/?-]+")
"""Characters after ``mailto:`` and ``tel:``."""


APPLE_DATE: Final = re.compile(r"1604-?(\d\d)-?(\d\d)")
NO_YEAR: Final = re.compile(r"--(\d\d)-?(\d\d)")
"""A date without a year, as Apple's programs write it in version 3.0, and as version 4.0 has it."""


class BadCard(ValueError):
    """An invalid card, which address books don't accept. The message says why, for people."""


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
    def members(self) -> tuple[str, ...] | None:
        """Distinct keys of a group's members (`member_key`), or None if the card isn't a group."""
        kinds = (*self.card.all("KIND"), *self.card.all(GROUP_OF_APPLE))
        if not any(line.value.strip().lower() == "group" for line in kinds):
            return None
        keys = (_member(line) for line in self.card.properties)
        return tuple(dict.fromkeys(filter(None, keys)))[:MAX_MEMBERS]

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
    """The card with the values of a contact that was changed. Only the values that differ change, in the lines that
    hold them: their parameters, groups and labels stay, and so does all that only other programs know.
    """
    before, contact = card_object.contact, tidied(contact)
    lines = card_object.card.properties
    if contact.other != before.other:  # first, as a label may go with its address below
        lines = _with_other(lines, before.other, contact.other, card_object.card.value("VERSION"))
    if contact.name != before.name:
        lines = _with_value(lines, "FN", escaped(contact.name))
    if contact.name != before.name or contact.parts not in ((), before.parts):
        parts = contact.parts if contact.parts != before.parts else ()
        value = written_parts(parts or named_parts(contact.name)).partition(":")[2]
        there = card_object.card.first("N")
        more = [] if there is None else split(there.value, ";")[5:]
        lines = _with_value(lines, "N", ";".join([value, *more]), stale=("SORT-AS", "JSCOMPS"))
    if contact.emails != before.emails:
        lines = _with_entries(lines, "EMAIL", before.emails, contact.emails)
    if contact.phones != before.phones:
        lines = _with_entries(lines, "TEL", before.phones, contact.phones)
    if contact.organization != before.organization or contact.units not in ((), before.units):
        lines = _with_value(lines, "ORG", organization_value(contact), stale=("SORT-AS",))
    if contact.note != before.note:
        lines = _with_value(lines, "NOTE", escaped(contact.note))
    if contact.groups != before.groups:
        lines = _with_groups(lines, contact.groups)
    return write_component(Component("VCARD", lines, [])).encode()


def member_key(uid: str) -> str:
    """The UID of a member in the form in which they are compared: programs write it as a URN, or bare, in any case. A
    member without a card is ``mailto:`` and an address (RFC 6350 §6.6.5).
    """
    # bytes know ASCII alone, as SQLite's lower() does
    return uid.strip().encode("utf-8", "replace").lower().decode().replace("urn:uuid:", "")[:MAX_UID]


def _member(line: Property) -> str:
    return member_key(plain(line.decoded, MAX_UID)) if line.name in ("MEMBER", MEMBER_OF_APPLE) else ""


def new_group(uid: str, name: str) -> bytes:
    """The card of a group without members, version 4.0."""
    lines = [f"UID:{escaped(uid)}", "KIND:group", *(f"{key}:{escaped(name)}" for key in ("FN", "N"))]
    properties = [prop for line in ("VERSION:4.0", *lines) if (prop := property_of(line)) is not None]
    return write_component(Component("VCARD", properties, [])).encode()


def changed_group(
    card_object: CardObject, name: str = "", add: Iterable[str] = (), remove: Collection[str] = ()
) -> bytes:
    """The card of a group with another name, or "" for its own; with the members of these UIDs, and without those with
    these keys. All other lines stay as they are.
    """
    lines = [line for line in card_object.card.properties if (key := _member(line)) == "" or key not in remove]
    if name:
        lines = _with_value(_with_value(lines, "FN", escaped(name)), "N", escaped(name), stale=("SORT-AS", "JSCOMPS"))
    there = {_member(line) for line in lines}
    version = card_object.card.value("VERSION")
    for uid in add:
        if member_key(uid) not in there:
            there.add(member_key(uid))
            value = uid if ":" in uid else f"urn:uuid:{uid}"
            lines.append(converted(changed_line("MEMBER", {}, value), version))
    return write_component(Component("VCARD", lines, [])).encode()


def card_with_uid(card_object: CardObject, uid: str) -> bytes:
    """The card with another UID."""
    return write_component(
        Component("VCARD", _with_value(card_object.card.properties, "UID", escaped(uid)), [])
    ).encode()


def _with_value(lines: list[Property], name: str, value: str, stale: Collection[str] = ()) -> list[Property]:
    """The lines with another value in the first one of a name; "" takes that line away. `stale`: parameters that tell
    something of the old value.
    """
    at = next((number for number, line in enumerate(lines) if line.name == name), len(lines))
    if not value:
        return _without(lines, lines[at : at + 1])
    there = lines[at] if at < len(lines) else changed_line(name, {}, "")
    parameters = {key: values for key, values in there.parameters.items() if key not in stale}
    same = len(parameters) == len(there.parameters)
    new = with_value(there, value) if same else changed_line(name, parameters, value, group_of(there))
    return [*lines[:at], new, *lines[at + 1 :]]


def _with_entries(
    lines: list[Property], name: str, before: tuple[Entry, ...], entries: tuple[Entry, ...]
) -> list[Property]:
    """The lines with these addresses or numbers in the places of those before. A corrected one stays in its line, and a
    moved one takes its line along.
    """
    there: dict[Entry, Property] = {}
    places: list[int] = []
    for at, line in enumerate(lines):
        if line.name == name and (entry := _entry(line)) in before:
            there.setdefault(entry, line)
            places.append(at)
    new = {entry: line for entry, line in there.items() if entry in entries}
    for kind, start, end, first, last in SequenceMatcher(None, before, entries, autojunk=False).get_opcodes():
        if kind == "replace":
            for old, entry in zip(before[start:end], entries[first:last], strict=False):
                if old not in entries and entry not in new and old in there:
                    new[entry] = _corrected(there[old], old, entry)
    ordered = [new.get(entry) or entry_line(name, entry) for entry in entries]
    gone = [line for old, line in there.items() if old not in entries and group_of(line) not in map(group_of, ordered)]
    # the n-th of these lines before is the place of the n-th one now
    kept: list[Property] = []
    for at, line in enumerate(lines):
        if at not in places:
            kept.append(line)
        elif at == places[-1]:
            kept += ordered
        elif ordered:
            kept.append(ordered.pop(0))
    return _without(kept if places else [*kept, *ordered], gone)


def _entry(line: Property) -> Entry:
    """The address or number of a line."""
    value = plain(line.decoded, MAX_ENTRY)
    return Entry(value.removeprefix("mailto:" if line.name == "EMAIL" else "tel:"), kind_of(line))


def _corrected(line: Property, before: Entry, entry: Entry) -> Property:
    """The line of an address or number with another value, another kind, or both."""
    value = escaped(entry.value)
    prefix = line.value[: len(line.value.lstrip().partition(":")[0]) + 1].lower()
    if prefix in ("mailto:", "tel:"):
        if URI.fullmatch(entry.value):
            value = prefix + entry.value
        else:  # no URI, but text (RFC 6350 §6.4.1)
            kept = {key: values for key, values in line.parameters.items() if key != "VALUE"}
            line = changed_line(line.name, kept, line.value, group_of(line))
    if entry.kind == before.kind:
        return with_value(line, value)
    types = [kind for kind in line.parameters.get("TYPE", []) if kind.lower() not in KINDS]
    types += entry_line(line.name, entry).parameters.get("TYPE", [])
    return changed_line(line.name, {**line.parameters, "TYPE": types}, value, group_of(line))


def _with_groups(lines: list[Property], groups: tuple[str, ...]) -> list[Property]:
    """The lines with these groups: one that stays is in its line, new ones are in the first."""
    more = list(groups)
    kept: list[Property] = []
    at = next((number for number, line in enumerate(lines) if line.name == "CATEGORIES"), None)
    if at is None:
        return [*lines, changed_line("CATEGORIES", {}, ",".join(map(escaped, groups)))]
    for line in lines:
        if line.name == "CATEGORIES":
            for piece in split(line.decoded, ","):
                more = [group for group in more if group != plain(piece, MAX_ENTRY)]
    for number, line in enumerate(lines):
        if line.name != "CATEGORIES":
            kept.append(line)
            continue
        pieces = [piece for piece in split(line.decoded, ",") if plain(piece, MAX_ENTRY) in groups]
        pieces += map(escaped, more if number == at else ())
        if pieces:
            kept.append(with_value(line, ",".join(pieces)))
    return kept


def _with_other(lines: list[Property], before: tuple[str, ...], other: tuple[str, ...], version: str) -> list[Property]:
    """The lines with these further ones for those before. Lines that stay are kept to the letter. A new line is in
    the place of a line of its name that goes, or behind all.
    """
    left = Counter(other)
    free: dict[str, list[int]] = {}
    number = 0
    for at, prop in enumerate(lines):
        # the limits of a contact may have left some lines out of `before`: these stay
        if prop.name in OWN or number == len(before) or further_line(prop) != before[number]:
            continue
        if left[before[number]]:
            left[before[number]] -= 1
        else:
            free.setdefault(prop.name, []).append(at)
        number += 1
    changes: dict[int, Property] = {}
    behind: list[Property] = []
    for line in other:
        if not left[line] or (new := property_of(line)) is None:
            continue
        left[line] -= 1
        new = converted(new, version)
        if places := free.get(new.name):
            changes[places.pop(0)] = new
        else:
            behind.append(new)
    gone = {at for places in free.values() for at in places}
    return [*(changes.get(at, prop) for at, prop in enumerate(lines) if at not in gone), *behind]


def _without(lines: list[Property], gone: Collection[Property]) -> list[Property]:
    """The lines without some, and without the labels of those (``item1.X-ABLabel``)."""
    left = [line for line in lines if not any(line is gone_line for gone_line in gone)]
    groups = {group_of(line) for line in gone} - {""} - {group_of(line) for line in left if line.name in OWN}
    return [line for line in left if not (line.name.startswith("X-AB") and group_of(line) in groups)]


def read_card(data: bytes) -> CardObject:
    """Read a card and check it (DAV-11). Raises BadCard."""
    try:
        card = read_components(data.decode("utf-8-sig"), "VCARD")
    except UnicodeDecodeError:
        raise BadCard("the file isn't valid UTF-8") from None
    except BadComponents as error:
        raise BadCard(str(error)) from None
    if card.value("VERSION") not in ("3.0", "4.0"):
        raise BadCard("the card must be version 3.0 or 4.0")
    if not 0 < len(card.value("UID")) <= MAX_UID:
        raise NoUID("the card must have a UID")
    if not card.value("FN"):
        raise BadCard("the card must have a name (FN)")
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
        lines = [converted(_without_copy(line), version) for line in lines]
    if names:
        shown_names = {*names, "VERSION"}
        lines = [line for line in lines if line.name in shown_names]
    return write_component(Component("VCARD", lines, []))


def _without_copy(prop: Property) -> Property:
    """The line of an address without the piece in which Google repeats it all."""
    value = ";".join(address_pieces(prop.value)) if prop.name == "ADR" else prop.value
    return prop if value == prop.value else with_value(prop, value)


def converted(prop: Property, version: str) -> Property:
    """A property in another version (RFC 6350 §A; RFC 2426)."""
    match prop.name, version:
        case "VERSION", _:
            return with_value(prop, version)
        case (("KIND" | "MEMBER"), "3.0"):
            return _changed(prop, {}, name={"KIND": GROUP_OF_APPLE, "MEMBER": MEMBER_OF_APPLE}[prop.name])
        case name, "4.0" if name in (GROUP_OF_APPLE, MEMBER_OF_APPLE):
            return _changed(prop, {}, name="KIND" if name == GROUP_OF_APPLE else "MEMBER")
        case (("PHOTO" | "LOGO" | "SOUND" | "KEY"), "4.0") if prop.parameter("ENCODING").lower() in ("b", "base64"):
            kind = prop.parameter("TYPE").lower() or "jpeg"
            media = kind if "/" in kind else f"{'audio' if prop.name == 'SOUND' else 'image'}/{kind}"
            return _changed(prop, {"ENCODING": [], "TYPE": [], "VALUE": []}, value=f"data:{media};base64,{prop.value}")
        case (("PHOTO" | "LOGO" | "SOUND" | "KEY"), "3.0") if prop.value.lower().startswith("data:"):
            media, _, data = prop.value[5:].partition(",")
            kind = media.partition(";")[0].rpartition("/")[2].upper()
            return _changed(prop, {"ENCODING": ["b"], "TYPE": [kind or "JPEG"], "VALUE": []}, value=data)
        case (("EMAIL" | "TEL" | "ADR" | "IMPP"), "4.0") if "pref" in _types(prop):
            kept = [value for value in prop.parameters["TYPE"] if value.lower() != "pref"]
            return _changed(prop, {"TYPE": kept, "PREF": ["1"]})
        case (("EMAIL" | "TEL" | "ADR" | "IMPP"), "3.0") if prop.parameter("PREF") == "1":
            return _changed(prop, {"TYPE": [*prop.parameters.get("TYPE", []), "pref"], "PREF": []})
        case (("BDAY" | "ANNIVERSARY" | "DEATHDATE"), "4.0") if match := APPLE_DATE.fullmatch(prop.value.strip()):
            return _changed(prop, {"X-APPLE-OMIT-YEAR": [], "VALUE": []}, value=f"--{match[1]}{match[2]}")
        case (("BDAY" | "ANNIVERSARY" | "DEATHDATE"), "3.0") if match := NO_YEAR.fullmatch(prop.value.strip()):
            return _changed(prop, {"X-APPLE-OMIT-YEAR": ["1604"], "VALUE": []}, value=f"1604-{match[1]}-{match[2]}")
    return prop


def _types(prop: Property) -> list[str]:
    return [value.lower() for value in prop.parameters.get("TYPE", [])]


def _changed(prop: Property, parameters: dict[str, list[str]], *, name: str = "", value: str | None = None) -> Property:
    """The line with other parameters, another name and another value; the rest of it stays."""
    text = prop.value if value is None else value
    return changed_line(name or prop.name, prop.parameters | parameters, text, group_of(prop))
