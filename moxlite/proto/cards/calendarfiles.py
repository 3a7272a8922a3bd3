"""Calendars as files of other programs have them (RFC 5545): many entries in one file, read one by one, and written as
one calendar. Text in, text out; linear in the size of the file.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import re
import uuid
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import BinaryIO, Final

import msgspec

from moxlite.proto.cards.calendarobject import KINDS, MAX_TITLE
from moxlite.proto.cards.components import Component, write_component
from moxlite.proto.cards.contentline import Property, escaped, folded, plain, property_of, unescaped, unfolded
from moxlite.proto.cards.itip import with_parameters, with_property
from moxlite.proto.cards.moments import MAX_ZONE, iana_zone, zone_name
from moxlite.proto.cards.vcard import UTF_16, Unreadable, in_utf_8, physical_lines
from moxlite.wording import worded

MAX_FILE: Final = 20 << 20
"""Octets of a file."""

HEAD_OCTETS: Final = 16 << 10
"""Characters of a file in which its name is looked for."""

LARGEST: Final = 2 << 20
"""Octets of a component's lines. A larger component can't be an entry, because entries have at most 1 MiB."""

MAX_COMPONENTS: Final = 50_000
"""Entries, changed dates and zones of a file: as many as an account has entries."""

MAX_KEY: Final = 100
"""Characters of a UID that is kept in memory as it is."""

LINE: Final = 60
"""Octets that a line takes in memory beside its characters."""

MAX_ZONES: Final = 256 << 10
"""Characters of the zones of an entry, which each entry has anew: those with all rules since 1900 have 30 KiB."""

MAX_NAMED: Final = 20
MAX_KNOWN: Final = 5_000
"""Zones that an entry, and all entries of a file, may name. Others aren't looked for."""

ALL_ZONES: Final = 512 << 20
"""Characters of time zones written for all entries of a file. Each zone is parsed again with its entry."""

ABOUT: Final = {
    "NAME": "title",
    "X-WR-CALNAME": "title",
    "X-WR-CALDESC": "description",
    "X-APPLE-CALENDAR-COLOR": "colour",
}
"""Properties that describe a calendar, with the attributes for them."""

COLOUR: Final = re.compile(r"#[0-9A-Fa-f]{6}(?:[0-9A-Fa-f]{2})?")
MAX_DESCRIPTION: Final = 1000
"""Maximum characters of an imported description."""

LATIN_1: Final = {0xDC00 + octet: octet for octet in range(0x80, 0x100)}
"""Characters for octets that are not UTF-8, as Python decodes these (PEP 383)."""

ZONE: Final = re.compile(r";TZID=(?:\"([^\"]*)\"|([^;:]*))", re.IGNORECASE)
UID: Final = re.compile(r"UID[:;]", re.IGNORECASE)
EXCEPTION: Final = re.compile(r"^RECURRENCE-ID([;:].*)$", re.IGNORECASE | re.MULTILINE)
SEQUENCE: Final = re.compile(r"^SEQUENCE[^:\n]{0,100}:\s{0,5}([0-9]{1,9})\s", re.IGNORECASE | re.MULTILINE)
STAMPS: Final = re.compile(r"^(?:DTSTAMP|CREATED|LAST-MODIFIED)[;:].*\n", re.IGNORECASE | re.MULTILINE)
HEAD: Final = ("BEGIN:VCALENDAR\r\n", "VERSION:2.0\r\n", "PRODID:-//moxlite//EN\r\n")
CALENDAR_END: Final = "END:VCALENDAR\r\n"


def file_text(data: bytes) -> str:
    """The text of a file: UTF-16, or UTF-8, which folds may cut within a character (RFC 5545 §3.1), and
    Latin-1 where it is not. Linear in the size of the file.
    """
    if (codec := UTF_16.get(data[:2])) is not None:
        return data.decode(codec, "replace")
    with suppress(UnicodeDecodeError):
        return data.decode("utf-8-sig")
    data = data.removeprefix(codecs.BOM_UTF8).replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return _text(data.replace(b"\n ", b"").replace(b"\n\t", b""))


def _text(data: bytes | bytearray) -> str:
    return data.decode("utf-8", "surrogateescape").translate(LATIN_1)


def file_lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """The lines of a file, as `unfolded` gives the lines of its `file_text`. Lines above `LARGEST` are cut. At most one
    line and one piece are held.
    """
    held: bytearray | None = None
    first, soft = b"", False
    for line in physical_lines(chain([b""], in_utf_8(pieces))):
        line = line.removesuffix(b"\r")
        if held is None:
            line = line.removeprefix(codecs.BOM_UTF8)
        if soft and held is not None:
            line = b"\n" + line
        elif line[:1] in (b" ", b"\t") and held is not None:
            if len(held) < LARGEST:
                held += line[1:]
            continue
        else:
            if held is not None:
                yield _text(held)
            held, first = bytearray(), line[:200].upper()
        if len(held) < LARGEST:
            held += line
        soft = line.endswith(b"=") and b"QUOTED-PRINTABLE" in first
    if held is not None:
        yield _text(held)


def split_calendars(text: str) -> Iterator[str]:
    """The entries of a file as `calendars_by_uid`, without their UIDs."""
    return (entry for _, entry in calendars_by_uid(text))


def counted_calendars(lines: Iterable[str], file: BinaryIO) -> Iterator[tuple[str, int]]:
    """The entries of a file as `calendars_by_uid`, each with the number of all in place of its UID.

    Args:
      lines: of the file.
      file: an empty one, for the texts of components until all are known.

    Raises Unreadable for a file of more than `MAX_COMPONENTS`.
    """
    return ((entry, number) for _, entry, number in _entries(lines, file))


def calendars_by_uid(text: str) -> Iterator[tuple[str, str]]:
    """The entries of a file by UID, in the order of their first components: each a calendar of its own, with the
    components of one UID and the zones that they name, in a file of several calendars as their own calendar defines
    the zones. Components may be in a file without a calendar around them. An entry above `MAX_ZONES` characters of
    zones, or after `ALL_ZONES` of the whole file, is without them; a component, and what an entry has of others, above
    `LARGEST` is cut there.

    Of several versions of an event or of one of its instances, all with another SEQUENCE, the newest counts. An entry
    without a UID gets one of its text, the same each time. So does each of several that share one, as some programs
    give it to all: two components without RECURRENCE-ID are two entries. Of equal ones there is one.
    """
    return ((uid, entry) for uid, entry, _ in _entries(unfolded(text), io.BytesIO()))


class _Texts:
    """Texts of components, one behind the other in a file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._ends = array("Q", [0])

    def add(self, octets: bytes | bytearray) -> int:
        """Keep a text; its number."""
        self._file.seek(self._ends[-1])
        self._file.write(octets)
        self._ends.append(self._ends[-1] + len(octets))
        return len(self._ends) - 2

    def __getitem__(self, number: int) -> str:
        self._file.seek(self._ends[number])
        return self._file.read(self._ends[number + 1] - self._ends[number]).decode()

    def length(self, number: int) -> int:
        """Octets of a text."""
        return self._ends[number + 1] - self._ends[number]


class _WrittenEntry:
    """Components of one UID, by the numbers of their texts, and the time zones that they name.

    Each zone has the number of its calendar in the file.
    """

    __slots__ = ("texts", "zones")

    def __init__(self) -> None:
        self.texts: tuple[int, ...] | list[int] = ()
        self.zones: tuple[tuple[int, str], ...] = ()

    def add(self, text: int, zones: Iterable[tuple[int, str]]) -> None:
        """Add a component. Most entries have one, and an empty list takes as much as its event."""
        if self.texts:
            self.texts = [*self.texts] if isinstance(self.texts, tuple) else self.texts
            self.texts.append(text)
        else:
            self.texts = (text,)
        self.zones = tuple(dict.fromkeys((*self.zones, *zones))) if zones else self.zones


def _entries(lines: Iterable[str], file: BinaryIO) -> Iterator[tuple[str, str, int]]:
    # One pass over lines and no tree: objects for each line would take many times the size of the file (STORE-199). So
    # nesting, the cut of entries that are too large, and the zones that they name are all followed here, line by line.
    # The texts go to a file, since the components of an entry may be anywhere.
    entries: dict[tuple[str, str | bytes], _WrittenEntry] = {}
    texts = _Texts(file)
    zones: dict[tuple[int, str], int] = {}
    known: dict[tuple[int, str], tuple[int, str]] = {}  # so that a zone that many entries name is one object
    written, named = bytearray(), dict[tuple[int, str], None]()
    kind_of = ""
    others: dict[int, str] = {}  # the zones of calendars, for times in a zone that their file doesn't define
    depth = size = calendar = number = 0
    name, bare = "", False
    for line in lines:
        word, _, value = line.partition(":")
        kind = word.strip().upper()
        if kind == "BEGIN":
            depth += 1
            bare = bare or (depth == 1 and value.strip().upper() in (*KINDS, "VTIMEZONE"))
            if depth == 2 - bare:
                depth, kind_of = 2, value.strip().upper()
                written, size, name, named = bytearray(), 0, "", {}
        if depth == 1 and kind == "X-WR-TIMEZONE" and len(others) < MAX_KNOWN and "\n" not in line:
            others[calendar] = line[:MAX_ZONE]
        if depth > 1:
            if size <= LARGEST:
                written += f"{folded(line)}\r\n".encode("utf-8", "replace")
                size += len(line) + LINE
                for match in ZONE.finditer(line[:500]):
                    zone = calendar, zone_name(match[1] or match[2])
                    if len(named) < MAX_NAMED and (zone in known or len(known) < MAX_KNOWN):
                        named[known.setdefault(zone, zone)] = None
            if depth == 2 and kind.partition(";")[0] in ("UID", "TZID"):
                name = value.strip() if kind.startswith("UID") else zone_name(value)
        if kind == "END" and depth:
            if depth == 2 and (kind_of in KINDS or (kind_of == "VTIMEZONE" and name)):
                number += 1
                if number > MAX_COMPONENTS:
                    raise Unreadable(worded("the file contains more than {most} events", most=MAX_COMPONENTS))
                if kind_of == "VTIMEZONE":
                    if (calendar, name) not in zones:
                        zones[calendar, name] = texts.add(written)
                else:
                    if not name:
                        whole = written.decode()
                        name = _made_uid(whole)
                        written = bytearray(_with_uid(whole, name).encode())
                    entries.setdefault((kind_of, _key(name)), _WrittenEntry()).add(texts.add(written), named)
            depth -= 1 + (bare and depth == 2)
            calendar += not depth and not bare
            bare = bare and depth > 0
    left = ALL_ZONES
    parted = [(*component, entry) for (_, key), entry in entries.items() for component in _parted(key, entry, texts)]
    keys: set[str | bytes] = set()
    for key, own, renamed, entry in parted:
        pieces = [*_read(own, texts)]
        uid = key if isinstance(key, str) else _uid_of(pieces[0])
        if renamed or key in keys:  # an event and a task
            key = uid = uid if renamed and key not in keys else _made_uid(pieces[0])
            pieces = [_with_uid(piece, uid) for piece in pieces]
        keys.add(key)
        places = [*{zone[1]: zones[zone] for zone in entry.zones if zone in zones}.values()]
        size = sum(map(texts.length, places))
        if size > min(MAX_ZONES, left):
            places, size = [], 0
        left -= size
        unknown = (zone for zone in entry.zones if zone not in zones)
        other = next((f"{others[zone[0]]}\r\n" for zone in unknown if zone[0] in others), "")
        yield uid, "".join((*HEAD, other, *(texts[place] for place in places), *pieces, CALENDAR_END)), len(parted)


def _key(uid: str) -> str | bytes:
    """A UID by which components are found; in place of a long one its digest."""
    return uid if len(uid) <= MAX_KEY else hashlib.sha256(uid.encode("utf-8", "replace")).digest()


def _uid_of(component: str) -> str:
    return next(line.partition(":")[2].strip() for line in unfolded(component) if UID.match(line))


def _read(numbers: Iterable[int], texts: _Texts) -> Iterator[str]:
    """Texts of one entry, as many as an entry may have at all."""
    size = 0
    for number in numbers:
        if size <= LARGEST:
            yield texts[number]
        size += texts.length(number)


def _parted(key: str | bytes, entry: _WrittenEntry, texts: _Texts) -> Iterator[tuple[str | bytes, Sequence[int], bool]]:
    """Split a UID's components into entries, one for each distinct component without RECURRENCE-ID: the key of each,
    the numbers of its texts, and whether these don't have that UID yet.
    """
    numbers: Sequence[int] = entry.texts
    if len(numbers) > 1:
        numbers = [*{_made_uid(texts[number]): number for number in numbers}.values()]
    if len(numbers) == 1:
        yield key, numbers, False
        return
    instances: dict[str, list[int]] = {}
    for number in numbers:
        match = EXCEPTION.search(texts[number])
        instances.setdefault("" if match is None else match[1].strip(), []).append(number)
    for instance, versions in instances.items():
        by_sequence = {_sequence_in(texts[number]): number for number in versions}
        if len(by_sequence) == len(versions):  # of one event: programs that give all one UID don't number them
            instances[instance] = [by_sequence[max(by_sequence)]]
    kept = {number for versions in instances.values() for number in versions}
    mains, numbers = instances.get("", []), [number for number in numbers if number in kept]
    if len(mains) < 2:
        yield key, numbers, False
        return
    known = {*mains}
    exceptions = [number for number in numbers if number not in known]
    for main in mains:
        if exceptions:  # their series is unknown
            yield key, [main, *exceptions], False
            exceptions = []
        else:
            yield _made_uid(texts[main]), (main,), True


def _sequence_in(component: str) -> int:
    match = SEQUENCE.search(component)
    return 0 if match is None else int(match[1])


def _made_uid(component: str) -> str:
    """The UID of a component, of what it says: programs write other times into each download."""
    digest = hashlib.sha256(STAMPS.sub("", component).encode("utf-8", "replace")).digest()
    return f"urn:uuid:{uuid.UUID(bytes=digest[:16], version=5)}"


def _with_uid(component: str, uid: str) -> str:
    """A component with another UID; its alarms keep theirs."""
    first, *lines = component.split("\r\n")
    depth, folds, kept = 0, False, [first, f"UID:{uid}"]
    for line in lines:
        word = line[:6].upper()
        folds = folds if line[:1] == " " else depth == 0 and word[:4] in ("UID:", "UID;")
        depth += (word == "BEGIN:") - (word[:4] == "END:")
        if not folds:
            kept.append(line)
    return "\r\n".join(kept)


def title_in(text: str) -> str:
    """The title of an entry that may be unreadable, "" without one."""
    lines = (property_of(line) for line in unfolded(text) if line[:7].upper() == "SUMMARY")
    return next((plain(line.decoded, MAX_TITLE) for line in lines if line is not None), "")


class About(msgspec.Struct, frozen=True):
    """The title, colour and description that a calendar has in its file, "" each without one."""

    title: str = ""
    colour: str = ""
    description: str = ""


def about_of(text: str) -> About:
    """The properties of a calendar in its file (RFC 7986 §5.1, §5.2, and the names that programs use)."""
    found: dict[str, str] = {}
    for line in islice(unfolded(text[:HEAD_OCTETS]), 100):
        prop = property_of(line)
        if prop is not None and prop.name in ABOUT:
            found.setdefault(ABOUT[prop.name], prop.value)
    colour = found.get("colour", "").strip()
    return About(
        plain(found.get("title", ""), 200),
        colour if COLOUR.fullmatch(colour) else "",
        unescaped(found.get("description", ""))[:MAX_DESCRIPTION],
    )


def calendar_head(about: About) -> str:
    """The lines before the components of a calendar."""
    lines = [
        f"X-WR-CALNAME:{escaped(' '.join(about.title.split()))}" if about.title else "",
        f"X-WR-CALDESC:{escaped(about.description)}" if about.description else "",
        f"X-APPLE-CALENDAR-COLOR:{about.colour}" if COLOUR.fullmatch(about.colour) else "",
    ]
    return "".join((*HEAD, *(f"{folded(line)}\r\n" for line in lines if line)))


class WrittenZones(msgspec.Struct):
    """The zones that a file has so far: their names, and the name of each by the name and text that it had."""

    names: set[str] = msgspec.field(default_factory=set)
    known: dict[tuple[str, str], str] = msgspec.field(default_factory=dict)

    def add(self, zone: Component) -> tuple[str, bool]:
        """The name of a zone in the file, and whether the file has it now only. Another zone of the same name, as
        Outlook's "Customized Time Zone", gets a name of its own; of names that all know there is one (DAV-8).
        """
        name = zone_name(zone.value("TZID"))
        key = name, "" if iana_zone(name) is not None else write_component(zone)
        if key in self.known:
            return self.known[key], False
        new = name
        while new in self.names:
            new = f"{name} ({len(self.known) + 1})" if new == name else f"{new}'"
        self.names.add(new)
        self.known[key] = new
        return new, True


def calendar_parts(calendar: Component, zones: WrittenZones) -> str:
    """The components of a calendar, without zones that the file has."""
    parts: list[Component] = []
    names: dict[str, str] = {}
    for component in calendar.components:
        if component.name == "VTIMEZONE":
            name = zone_name(component.value("TZID"))
            new, missing = zones.add(component)
            names.setdefault(name, new)
            component = with_property(component, "TZID", escaped(new)) if new != name else component
            if not missing:
                continue
        parts.append(component)
    renamed = {name: new for name, new in names.items() if name != new}
    return "".join(write_component(_renamed(part, renamed) if renamed else part) for part in parts)


def _renamed(part: Component, names: dict[str, str]) -> Component:
    """A component whose times name zones by their names in the file."""

    def line(prop: Property) -> Property:
        new = names.get(zone_name(prop.parameter("TZID")))
        return prop if new is None else with_parameters(prop, {"TZID": new})

    inner = [_renamed(component, names) for component in part.components]
    return Component(part.name, list(map(line, part.properties)), inner)
