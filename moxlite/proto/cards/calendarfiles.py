"""Calendars as files of other programs have them (RFC 5545): many entries in one file, read one by one, and written as
one calendar. Text in, text out; linear in the size of the file.
"""

from __future__ import annotations

import codecs
import hashlib
import re
import uuid
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Final

import msgspec

from moxlite.proto.cards.calendarobject import KINDS
from moxlite.proto.cards.components import Component, write_component
from moxlite.proto.cards.contentline import Property, escaped, folded, plain, property_of, unescaped, unfolded
from moxlite.proto.cards.itip import with_parameters, with_property
from moxlite.proto.cards.moments import iana_zone, zone_name

MAX_FILE: Final = 20 << 20
"""Octets of a file."""

HEAD_OCTETS: Final = 16 << 10
"""Characters of a file in which its name is looked for."""

LARGEST: Final = 8 << 20
"""Octets of a component's lines. A larger component can't be an entry, because entries have at most 1 MiB."""

LINE: Final = 60
"""Octets that a line takes in memory beside its characters."""

MAX_ZONES: Final = 256 << 10
"""Characters of the zones of an entry, which each entry has anew: those with all rules since 1900 have 30 KiB."""

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
EXCEPTION: Final = re.compile(r"^RECURRENCE-ID[;:]", re.IGNORECASE | re.MULTILINE)
STAMPS: Final = re.compile(r"^(?:DTSTAMP|CREATED|LAST-MODIFIED)[;:].*\n", re.IGNORECASE | re.MULTILINE)
HEAD: Final = ("BEGIN:VCALENDAR\r\n", "VERSION:2.0\r\n", "PRODID:-//moxlite//EN\r\n")
CALENDAR_END: Final = "END:VCALENDAR\r\n"


def file_text(data: bytes) -> str:
    """The text of a file: UTF-8, which folds may cut within a character (RFC 5545 §3.1), and Latin-1 where it is not.
    Linear in the size of the file.
    """
    with suppress(UnicodeDecodeError):
        return data.decode("utf-8-sig")
    data = data.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    data = data.replace(b"\n ", b"").replace(b"\n\t", b"")
    return data.decode("utf-8", "surrogateescape").translate(LATIN_1)


def split_calendars(text: str) -> Iterator[str]:
    """The entries of a file as `calendars_by_uid`, without their UIDs."""
    return (entry for _, entry in calendars_by_uid(text))


def counted_calendars(text: str) -> Iterator[tuple[str, int]]:
    """The entries of a file as `calendars_by_uid`, each with the number of all in place of its UID."""
    return ((entry, number) for _, entry, number in _entries(text))


def calendars_by_uid(text: str) -> Iterator[tuple[str, str]]:
    """The entries of a file by UID, in the order of their first components: each a calendar of its own, with the
    components of one UID and the zones that they name, in a file of several calendars as their own calendar defines
    the zones. An entry above `MAX_ZONES` characters of zones, or after `ALL_ZONES` of the whole file, is without them;
    a component above `LARGEST` is cut there.

    An entry without a UID gets one of its text, the same each time. So does each of several that share one, as some
    programs give it to all: two components without RECURRENCE-ID are two entries. Of equal ones there is one.
    """
    return ((uid, entry) for uid, entry, _ in _entries(text))


class _WrittenEntry:
    """Written components of one UID, and the time zones that they name.

    Each zone has the number of its calendar in the file.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.zones: dict[tuple[int, str], None] = {}


def _entries(text: str) -> Iterator[tuple[str, str, int]]:
    # One pass over lines and no tree: objects for each line would take many times the size of the file (STORE-199). So
    # nesting, the cut of entries that are too large, and the zones that they name are all followed here, line by line.
    entries: dict[tuple[str, str], _WrittenEntry] = {}
    zones: dict[tuple[int, str], str] = {}
    inside: list[str] = []
    lines: list[str] = []
    size, name, calendar = 0, "", 0
    for line in unfolded(text):
        word, _, value = line.partition(":")
        kind = word.upper()
        if kind == "BEGIN":
            inside.append(value.strip().upper())
            if len(inside) == 2:
                lines, size, name = [], 0, ""
        if len(inside) > 1:
            if size <= LARGEST:
                lines.append(line)
                size += len(line) + LINE
            if len(inside) == 2 and kind.partition(";")[0] in ("UID", "TZID"):
                name = value.strip() if kind.startswith("UID") else zone_name(value)
        if kind == "END" and inside:
            if len(inside) == 2 and (inside[1] in KINDS or (inside[1] == "VTIMEZONE" and name)):
                written = "".join(f"{folded(line)}\r\n" for line in lines)
                if inside[1] == "VTIMEZONE":
                    zones.setdefault((calendar, name), written)
                else:
                    if not name:
                        name = _made_uid(written)
                        written = _with_uid(written, name)
                    entry = entries.setdefault((inside[1], name), _WrittenEntry())
                    entry.texts.append(written)
                    matches = (match for line in lines for match in ZONE.finditer(line[:500]))
                    entry.zones |= dict.fromkeys((calendar, zone_name(match[1] or match[2])) for match in matches)
            inside.pop()
            calendar += not inside
    left = ALL_ZONES
    parted = [(*component, entry) for (_, uid), entry in entries.items() for component in _parted(uid, entry.texts)]
    uids: set[str] = set()
    for uid, texts, found in parted:
        if uid in uids:  # an event and a task
            uid = _made_uid(texts[0])
            texts = [_with_uid(text, uid) for text in texts]
        uids.add(uid)
        own = [*{zone[1]: zones[zone] for zone in found.zones if zone in zones}.values()]
        size = sum(map(len, own))
        if size > min(MAX_ZONES, left):
            own, size = [], 0
        left -= size
        yield uid, "".join((*HEAD, *own, *texts, CALENDAR_END)), len(parted)


def _parted(uid: str, texts: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Split a UID's components into entries, one for each distinct component without RECURRENCE-ID."""
    if len(texts) > 1:
        texts = [*{_made_uid(text): text for text in texts}.values()]
    mains = [text for text in texts if EXCEPTION.search(text) is None]
    if len(mains) < 2:
        yield uid, texts
        return
    exceptions = [text for text in texts if EXCEPTION.search(text) is not None]
    for main in mains:
        own = _made_uid(main)
        if exceptions:  # their series is unknown
            yield uid, [main, *exceptions]
            exceptions = []
        else:
            yield own, [_with_uid(main, own)]


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
