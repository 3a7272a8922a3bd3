"""Details from a contact's other lines (`Contact.other`): those with fields in the form, and all other lines in words.
One description of the properties of a card (RFC 6350, 6474, 6715, 8605, 9554, and what Apple, Google and others write)
for the view, for the form and for what a form changes. Values in, values out.

A change of details changes the lines that hold them, and no other: their parameters and labels stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal, TypeVar

import msgspec

from moxlite.proto.cards.contentline import (
    Property,
    address_pieces,
    changed_line,
    escaped,
    group_of,
    plain,
    property_of,
    unescaped,
)
from moxlite.proto.cards.jscontact import APPLE_LABEL
from moxlite.proto.cards.vcard import KINDS, MAX_ENTRIES, MAX_TEXT, Entry, kind_of

Topic = Literal[
    "anniversary",
    "birthday",
    "birthplace",
    "calendar",
    "chat",
    "contact",
    "date",
    "death",
    "deathplace",
    "directory",
    "expertise",
    "gender",
    "group",
    "hobby",
    "interest",
    "key",
    "language",
    "location",
    "logo",
    "member",
    "nickname",
    "other",
    "photo",
    "profile",
    "pronouns",
    "pronunciation",
    "related",
    "role",
    "sound",
    "title",
    "website",
    "zone",
]

TOPICS: Final[Mapping[str, Topic]] = {
    "NICKNAME": "nickname",
    "PHOTO": "photo",
    "BDAY": "birthday",
    "ANNIVERSARY": "anniversary",
    "X-ANNIVERSARY": "anniversary",
    "X-EVOLUTION-ANNIVERSARY": "anniversary",
    "DEATHDATE": "death",
    "BIRTHPLACE": "birthplace",
    "DEATHPLACE": "deathplace",
    "X-ABDATE": "date",
    "GENDER": "gender",
    "X-GENDER": "gender",
    "GRAMGENDER": "gender",
    "PRONOUNS": "pronouns",
    "IMPP": "chat",
    "X-AIM": "chat",
    "X-ICQ": "chat",
    "X-JABBER": "chat",
    "X-MSN": "chat",
    "X-SKYPE": "chat",
    "X-SKYPE-USERNAME": "chat",
    "X-YAHOO": "chat",
    "X-GTALK": "chat",
    "X-GOOGLE-TALK": "chat",
    "X-MATRIX": "chat",
    "SOCIALPROFILE": "profile",
    "X-SOCIALPROFILE": "profile",
    "X-TWITTER": "profile",
    "LANG": "language",
    "LANGUAGE": "language",
    "TZ": "zone",
    "GEO": "location",
    "TITLE": "title",
    "ROLE": "role",
    "LOGO": "logo",
    "MEMBER": "member",
    "X-ADDRESSBOOKSERVER-MEMBER": "member",
    "RELATED": "related",
    "X-ABRELATEDNAMES": "related",
    "AGENT": "related",
    "SOUND": "sound",
    "URL": "website",
    "KEY": "key",
    "FBURL": "calendar",
    "CALURI": "calendar",
    "CALADRURI": "calendar",
    "EXPERTISE": "expertise",
    "HOBBY": "hobby",
    "INTEREST": "interest",
    "ORG-DIRECTORY": "directory",
    "CONTACT-URI": "contact",
    "X-PHONETIC-FIRST-NAME": "pronunciation",
    "X-PHONETIC-MIDDLE-NAME": "pronunciation",
    "X-PHONETIC-LAST-NAME": "pronunciation",
    "X-PHONETIC-ORG": "pronunciation",
    "SORT-STRING": "pronunciation",
}
"""What a property is about. Those that are not here are shown by their own name."""

HIDDEN: Final = frozenset(
    {
        "CLIENTPIDMAP",
        "CREATED",
        "JSPROP",
        "KIND",
        "LABEL",
        "MAILER",
        "SOURCE",
        "X-ABADR",
        "X-ABLABEL",
        "X-ABSHOWAS",
        "X-ABUID",
        "X-ADDRESSBOOKSERVER-KIND",
        "X-IMAGEHASH",
        "X-IMAGETYPE",
        "XML",
    }
)
"""Properties that tell programs something, and people nothing that another line does not say."""

MEDIA: Final = frozenset({"PHOTO", "LOGO", "SOUND", "KEY"})
DATES: Final = frozenset({"BDAY", "ANNIVERSARY", "X-ANNIVERSARY", "X-EVOLUTION-ANNIVERSARY", "DEATHDATE", "X-ABDATE"})

DATE: Final = re.compile(r"(\d{4}|-)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])(?:T.*)?")
"""A date with or without its year (RFC 6350 §4.3.1). A time of day after it is ignored."""

BIRTHDAY: Final = re.compile(rb"(?im)^(?:[\w-]+\.)?BDAY[;:][^\r\n]*(?:\r?\n[ \t][^\r\n]*)*")
"""Lines of a birthday in a card, with their folds."""

UNFOLD: Final = re.compile(rb"\r?\n[ \t]")

NO_YEAR: Final = "1604"
"""The year that Apple's programs write for none."""


STALE: Final = frozenset({"LABEL", "GEO", "TZ", "CC", "JSCOMPS", "VALUE", "X-APPLE-OMIT-YEAR", "CALSCALE"})
"""Parameters that tell something of the value, which is another one now."""

MAX_FACTS: Final = 200
"""Lines that are shown of a card."""


class Address(msgspec.Struct, frozen=True):
    """A postal address (ADR, RFC 6350 §6.3.1). `kind`: home, work, or "" without one."""

    kind: str = ""
    street: str = ""
    extended: str = ""
    box: str = ""
    city: str = ""
    region: str = ""
    code: str = ""
    country: str = ""


class Details(msgspec.Struct, frozen=True):
    """Details that people write. `birthday`: ``1988-03-14``, ``--03-14`` without a year, or "" without one."""

    nickname: str = ""
    title: str = ""
    birthday: str = ""
    addresses: tuple[Address, ...] = ()
    websites: tuple[Entry, ...] = ()


class Fact(msgspec.Struct, frozen=True):
    """A line of a card in words. `label`: what its writer calls it, or the service or relation that it has, "" without
    one. `value`: "" for a picture, a sound or a key that the card holds; dates as in `Details.birthday`.
    """

    topic: Topic
    label: str
    value: str


V = TypeVar("V", Address, Entry)


def details_of(other: Sequence[str]) -> Details:
    """The details of a contact's further lines."""
    lines = _properties(other)
    return Details(
        nickname=_first(lines, "NICKNAME"),
        title=_first(lines, "TITLE"),
        birthday=next((date for line in lines if line.name == "BDAY" and (date := date_of(line))), ""),
        addresses=tuple(_address(line) for line in lines if line.name == "ADR")[:MAX_ENTRIES],
        websites=tuple(_website(line) for line in lines if line.name == "URL")[:MAX_ENTRIES],
    )


def facts_of(other: Sequence[str]) -> list[Fact]:
    """All that the further lines say beside the details, in their order."""
    lines = _properties(other)
    labels = _labels(lines)
    names: dict[str, int] = {}
    facts: list[Fact] = []
    for line in lines:
        nth = names[line.name] = names.get(line.name, 0) + 1
        shown = line.name in ("ADR", "URL") and nth <= MAX_ENTRIES
        shown = shown or (line.name in ("NICKNAME", "TITLE", "BDAY") and nth == 1 and not _is_odd_birthday(line))
        if line.name in HIDDEN or shown:
            continue
        label = labels.get(group_of(line), "") if group_of(line) else ""
        fact = _fact(line, label)
        if fact.value or line.name in MEDIA:
            facts.append(fact)
    return facts[:MAX_FACTS]


def with_details(other: Sequence[str], details: Details) -> tuple[str, ...]:
    """The further lines with these details: lines whose value stays are kept to the letter."""
    before = details_of(other)
    lines = _properties(other)
    for name, old, new in (
        ("NICKNAME", before.nickname, details.nickname),
        ("TITLE", before.title, details.title),
        ("BDAY", before.birthday, details.birthday),
    ):
        if old != new:
            lines = _with_first(lines, name, escaped(_basic(new) if name == "BDAY" else new))
    if details.addresses != before.addresses:
        lines = _with_list(lines, "ADR", _address, details.addresses, _address_line)
    if details.websites != before.websites:
        lines = _with_list(lines, "URL", _website, details.websites, _website_line)
    return tuple(line.whole for line in lines)


def date_of(line: Property) -> str:
    """The date of a line, "" for one that is not known to the day."""
    match = DATE.fullmatch(line.value.strip())
    if match is None:
        return ""
    year, month, day = match.groups()
    return f"{'-' if year in ('-', NO_YEAR) else year}-{month}-{day}"


def birthday_in(card: bytes) -> str:
    """The birthday of a stored card as `Details` has it, found without reading the rest of it, such as a photo."""
    for match in BIRTHDAY.finditer(card):
        line = property_of(UNFOLD.sub(b"", match[0]).decode("utf-8", "replace"))
        if line is not None and (date := date_of(line)):
            return date
    return ""


def _basic(date: str) -> str:
    """A date without marks between its parts, as version 4.0 has it (RFC 6350 §4.3.1)."""
    return "--" * date.startswith("--") + date.replace("-", "")


def _properties(other: Sequence[str]) -> list[Property]:
    return [line for text in other if (line := property_of(text)) is not None]


def _first(lines: Sequence[Property], name: str) -> str:
    return next((plain(line.decoded, MAX_TEXT) for line in lines if line.name == name), "")


def _is_odd_birthday(line: Property) -> bool:
    """Whether a birthday is not known to the day, which a form has no field for."""
    return line.name == "BDAY" and not date_of(line)


def _labels(lines: Sequence[Property]) -> dict[str, str]:
    """The labels of groups (``item1.X-ABLabel``)."""
    texts = ((group_of(line), plain(line.decoded, MAX_TEXT)) for line in lines if line.name == "X-ABLABEL")
    return {group: match[1] if (match := APPLE_LABEL.fullmatch(text)) else text for group, text in texts}


def _address(line: Property) -> Address:
    pieces = [plain(piece, MAX_TEXT) for piece in address_pieces(line.decoded)]
    box, extended, street, city, region, code, country = (*pieces, *[""] * 7)[:7]
    street = street or " ".join(filter(None, pieces[7:]))
    kind = kind_of(line)
    return Address(kind if kind in ("home", "work") else "", street, extended, box, city, region, code, country)


def _address_line(address: Address, there: Property | None) -> Property:
    pieces = (
        address.box,
        address.extended,
        address.street,
        address.city,
        address.region,
        address.code,
        address.country,
    )
    return _written("ADR", ";".join(map(escaped, pieces)), address.kind, there)


def _website(line: Property) -> Entry:
    kind = kind_of(line)
    return Entry(unescaped(line.decoded).strip()[:MAX_TEXT], kind if kind in ("home", "work") else "")


def _website_line(website: Entry, there: Property | None) -> Property:
    return _written("URL", website.value, website.kind, there)


def _written(name: str, value: str, kind: str, there: Property | None) -> Property:
    """The line of a value, in the place of another one, whose group and further parameters it keeps."""
    if there is None:
        return changed_line(name, {"TYPE": [kind]} if kind else {}, value)
    types = there.parameters.get("TYPE", [])
    if kind_of(there) != kind and (kind or kind_of(there) in ("home", "work")):
        types = [kind_name for kind_name in types if kind_name.lower() not in KINDS] + ([kind] if kind else [])
    kept = {key: values for key, values in there.parameters.items() if key not in STALE}
    return changed_line(name, {**kept, "TYPE": types}, value, group_of(there))


def _with_first(lines: list[Property], name: str, value: str) -> list[Property]:
    """The lines with another value in the first one of a name; "" takes it away."""
    at = next((number for number, line in enumerate(lines) if line.name == name), len(lines))
    there = lines[at] if at < len(lines) else None
    return _placed(
        lines, {at: _written(name, value, "" if there is None else kind_of(there), there) if value else None}
    )


def _with_list(
    lines: list[Property],
    name: str,
    read: Callable[[Property], V],
    values: Sequence[V],
    write: Callable[[V, Property | None], Property],
) -> list[Property]:
    """Replace the values of the lines of one name: others change or go, and new ones come behind."""
    left: list[V] = list(values)
    free: list[int] = []
    for number, line in enumerate(lines):
        if line.name == name:
            if (value := read(line)) in left:
                left.remove(value)
            else:
                free.append(number)
    changes: dict[int, Property | None] = dict.fromkeys(free)
    for number, value in zip([*free, *range(len(lines), len(lines) + len(left))], left, strict=False):
        changes[number] = write(value, lines[number] if number < len(lines) else None)
    return _placed(lines, changes)


def _placed(lines: Sequence[Property], changes: Mapping[int, Property | None]) -> list[Property]:
    """The lines with others in some places, None for none, and with more behind them. The labels of lines that go, go
    with them.
    """
    gone = {group_of(lines[at]) for at, line in changes.items() if line is None and at < len(lines)} - {""}

    def placed() -> Iterator[Property]:
        for number, line in enumerate(lines):
            changed = changes.get(number, line)
            if changed is not None and not (line.name in ("X-ABLABEL", "X-ABADR") and group_of(line) in gone):
                yield changed
        yield from (line for number, line in changes.items() if number >= len(lines) and line is not None)

    return list(placed())


def _fact(line: Property, label: str) -> Fact:
    topic = TOPICS.get(line.name, "other")
    text = unescaped(line.decoded).strip()[:MAX_TEXT]
    if line.name in MEDIA:
        text = text if re.match(r"https?:", text) else ""
    elif line.name in DATES:
        text = date_of(line) or text
    elif topic == "gender":
        text = text.partition(";")[2] or text.partition(";")[0]
    elif topic in ("location", "related", "calendar", "contact", "member"):
        text = re.sub(r"^(geo|mailto|tel|urn:uuid):", "", text)
    if not label:
        service = line.parameter("SERVICE-TYPE") or line.parameter("X-SERVICE-TYPE")
        types = [kind.lower() for kind in line.parameters.get("TYPE", [])]
        types = [kind for kind in types if kind not in (*KINDS, "pref", "text", "internet")]
        if topic == "chat" and line.name.startswith("X-"):
            service = line.name[2:].partition("-")[0].title()
        if topic in ("chat", "profile", "related"):
            label = service or next(iter(types), "")
        elif topic == "other":
            label = line.name.removeprefix("X-").replace("-", " ").capitalize()
    return Fact(topic, label, text)
