"""Calendars as files of other programs have them (RFC 5545): many entries in one file, read one by one, and written as
one calendar. Text in, text out; linear in the size of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from moxlite.proto.cards.components import Component, write_component
from moxlite.proto.cards.contentline import folded, plain, property_of, unfolded

MAX_FILE: Final = 20 << 20
"""Octets of a file."""

HEAD_OCTETS: Final = 16 << 10
"""Characters of a file in which its name is looked for."""

KINDS: Final = frozenset({"VEVENT", "VTODO", "VJOURNAL"})
ZONE: Final = re.compile(r";TZID=(?:\"([^\"]*)\"|([^;:]*))", re.IGNORECASE)
HEAD: Final = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//moxlite//EN")
CALENDAR_END: Final = "END:VCALENDAR\r\n"


def split_calendars(text: str) -> Iterator[str]:
    """The entries of a file as `calendars_by_uid`, without their UIDs."""
    return (entry for _, entry in calendars_by_uid(text))


def calendars_by_uid(text: str) -> Iterator[tuple[str, str]]:
    """The entries of a file by UID, in the order of their first components: each a calendar of its own, with the
    components of one UID and the zones that they name. What has no UID is left out.
    """
    entries: dict[tuple[str, str], list[str]] = {}
    zones: dict[str, list[str]] = {}
    inside: list[str] = []
    lines: list[str] = []
    name = ""
    for line in unfolded(text):
        word, _, value = line.partition(":")
        kind = word.upper()
        if kind == "BEGIN":
            inside.append(value.strip().upper())
            if len(inside) == 2:
                lines, name = [], ""
        if len(inside) > 1:
            lines.append(line)
            if len(inside) == 2 and kind.partition(";")[0] in ("UID", "TZID"):
                name = value.strip()
        if kind == "END" and inside:
            if len(inside) == 2 and name:
                if inside[1] == "VTIMEZONE":
                    zones.setdefault(name, lines)
                elif inside[1] in KINDS:
                    entries.setdefault((inside[1], name), []).extend(lines)
            inside.pop()
    for (_, uid), found in entries.items():
        named = dict.fromkeys(match[1] or match[2] for line in found for match in ZONE.finditer(line[:500]))
        own = [line for zone in named if zone in zones for line in zones[zone]]
        yield uid, "".join(f"{folded(line)}\r\n" for line in (*HEAD, *own, *found, "END:VCALENDAR"))


def title_of(text: str) -> str:
    """The name that a calendar file has for people, "" without one (RFC 7986 §5.1)."""
    for line in islice(unfolded(text[:HEAD_OCTETS]), 100):
        one = property_of(line)
        if one is not None and one.name in ("NAME", "X-WR-CALNAME"):
            return plain(one.value, 200)
    return ""


def calendar_head(title: str) -> str:
    """The lines before the components of a calendar."""
    named = property_of("X-WR-CALNAME:" + " ".join(title.split()))
    lines = HEAD if not title or named is None else (*HEAD, folded(named.whole))
    return "".join(f"{line}\r\n" for line in lines)


def calendar_parts(calendar: Component, known: set[str]) -> str:
    """The components of a calendar, without zones that are `known`; those it has are added to them."""
    parts = [one for one in calendar.components if one.name != "VTIMEZONE" or one.value("TZID") not in known]
    known |= {one.value("TZID") for one in parts if one.name == "VTIMEZONE"}
    return "".join(map(write_component, parts))
