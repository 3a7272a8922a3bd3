"""Calendars as files of other programs have them (RFC 5545): many entries in one file, read one by one, and written as
one calendar. Text in, text out; linear in the size of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from moxlite.proto.cards.calendarobject import KINDS
from moxlite.proto.cards.components import Component, write_component
from moxlite.proto.cards.contentline import folded, plain, property_of, unfolded

MAX_FILE: Final = 20 << 20
"""Octets of a file."""

HEAD_OCTETS: Final = 16 << 10
"""Characters of a file in which its name is looked for."""

LARGEST: Final = 8 << 20
"""Octets of the lines of a component: one above is no entry that is taken, which has 1 MiB at most."""

LINE: Final = 60
"""Octets that a line takes in memory beside its characters."""

MAX_ZONES: Final = 256 << 10
"""Characters of the zones of an entry, which each entry has anew: those with all rules since 1900 have 30 KiB."""

ALL_ZONES: Final = 512 << 20
"""Characters of zones that are written for the entries of one file: each is read again with its entry."""

ZONE: Final = re.compile(r";TZID=(?:\"([^\"]*)\"|([^;:]*))", re.IGNORECASE)
HEAD: Final = ("BEGIN:VCALENDAR\r\n", "VERSION:2.0\r\n", "PRODID:-//moxlite//EN\r\n")
CALENDAR_END: Final = "END:VCALENDAR\r\n"


def split_calendars(text: str) -> Iterator[str]:
    """The entries of a file as `calendars_by_uid`, without their UIDs."""
    return (entry for _, entry, _ in _entries(text))


def counted_calendars(text: str) -> Iterator[tuple[str, int]]:
    """The entries of a file as `calendars_by_uid`, each with the number of all in place of its UID."""
    return ((entry, number) for _, entry, number in _entries(text))


def calendars_by_uid(text: str) -> Iterator[tuple[str, str]]:
    """The entries of a file by UID, in the order of their first components: each a calendar of its own, with the
    components of one UID and the zones that they name. What has no UID is left out. An entry above `MAX_ZONES`
    characters of zones, or after `ALL_ZONES` of the whole file, is without them; a component above `LARGEST` is cut
    there.
    """
    return ((uid, entry) for uid, entry, _ in _entries(text))


class _Written:
    """The components of one UID as they are written, and the zones that they name."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.zones: dict[str, None] = {}


def _entries(text: str) -> Iterator[tuple[str, str, int]]:
    # One pass over lines and no tree: objects for each line would take many times the size of the file (STORE-199). So
    # nesting, the cut of entries that are too large, and the zones that they name are all followed here, line by line.
    entries: dict[tuple[str, str], _Written] = {}
    zones: dict[str, str] = {}
    inside: list[str] = []
    lines: list[str] = []
    size, name = 0, ""
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
                name = value.strip()
        if kind == "END" and inside:
            if len(inside) == 2 and name:
                written = "".join(f"{folded(one)}\r\n" for one in lines)
                if inside[1] == "VTIMEZONE":
                    zones.setdefault(name, written)
                elif inside[1] in KINDS:
                    entry = entries.setdefault((inside[1], name), _Written())
                    entry.texts.append(written)
                    entry.zones |= dict.fromkeys(
                        match[1] or match[2] for one in lines for match in ZONE.finditer(one[:500])
                    )
            inside.pop()
    left = ALL_ZONES
    for (_, uid), found in entries.items():
        own = [zones[zone] for zone in found.zones if zone in zones]
        size = sum(map(len, own))
        if size > min(MAX_ZONES, left):
            own, size = [], 0
        left -= size
        yield uid, "".join((*HEAD, *own, *found.texts, CALENDAR_END)), len(entries)


def title_of(text: str) -> str:
    """The name that a calendar file has for people, "" without one (RFC 7986 §5.1)."""
    for line in islice(unfolded(text[:HEAD_OCTETS]), 100):
        prop = property_of(line)
        if prop is not None and prop.name in ("NAME", "X-WR-CALNAME"):
            return plain(prop.value, 200)
    return ""


def calendar_head(title: str) -> str:
    """The lines before the components of a calendar."""
    named = property_of("X-WR-CALNAME:" + " ".join(title.split()))
    return "".join(HEAD) + (f"{folded(named.whole)}\r\n" if title and named is not None else "")


def calendar_parts(calendar: Component, known: set[str]) -> str:
    """The components of a calendar, without zones that are `known`; those it has are added to them."""
    parts = [
        component
        for component in calendar.components
        if component.name != "VTIMEZONE" or component.value("TZID") not in known
    ]
    known |= {part.value("TZID") for part in parts if part.name == "VTIMEZONE"}
    return "".join(map(write_component, parts))
