"""Calendars as files of other programs have them (RFC 5545): many entries in one file, read one by one, and written as
one calendar. Text in, text out; linear in the size of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from moxlite.proto.cards.components import Component, write_component
from moxlite.proto.cards.contentline import folded, property_of, unfolded

MAX_FILE: Final = 20 << 20
"""Octets of a file."""

KINDS: Final = frozenset({"VEVENT", "VTODO", "VJOURNAL"})
ZONE: Final = re.compile(r";TZID=(?:\"([^\"]*)\"|([^;:]*))", re.IGNORECASE)
HEAD: Final = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//moxlite//EN")


def split_calendars(text: str) -> Iterator[str]:
    """The entries of a file, in the order of their first components: each a calendar of its own, with the components of
    one UID and the zones that they name. What has no UID is left out.
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
    for found in entries.values():
        named = dict.fromkeys(match[1] or match[2] for line in found for match in ZONE.finditer(line[:500]))
        own = [line for zone in named if zone in zones for line in zones[zone]]
        yield "".join(f"{folded(line)}\r\n" for line in (*HEAD, *own, *found, "END:VCALENDAR"))


def joined_calendars(calendars: Iterable[Component], title: str) -> Iterator[str]:
    """One calendar with the components of all, each zone once, in pieces."""
    yield "".join(f"{line}\r\n" for line in HEAD)
    named = property_of("X-WR-CALNAME:" + " ".join(title.split()))
    if title and named is not None:
        yield f"{folded(named.whole)}\r\n"
    known: set[str] = set()
    for calendar in calendars:
        for part in calendar.components:
            if part.name == "VTIMEZONE":
                if part.value("TZID") in known:
                    continue
                known.add(part.value("TZID"))
            yield write_component(part)
    yield "END:VCALENDAR\r\n"
