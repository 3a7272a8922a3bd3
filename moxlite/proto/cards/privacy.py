"""Entries of a calendar as its guests see them, by CLASS (RFC 5545 §3.8.1.3, RFC 8984 §4.4.3)."""

from __future__ import annotations

import re
from typing import Final

from moxlite.proto.cards.calendarobject import BadObject, CalendarObject, read_object
from moxlite.proto.cards.components import Component, write_component
from moxlite.proto.cards.contentline import Property, changed_line, escaped
from moxlite.proto.cards.jscalendar import PRIVACY

KEPT: Final = frozenset(
    {
        *("UID", "DTSTAMP", "CREATED", "LAST-MODIFIED", "SEQUENCE", "RECURRENCE-ID", "RRULE", "EXRULE", "RDATE"),
        *("EXDATE", "DTSTART", "DTEND", "DUE", "DURATION", "ESTIMATED-DURATION", "TRANSP", "FREEBUSY", "BUSYTYPE"),
    }
)
"""Properties of a private entry that guests see: what RFC 8984 §4.4.3 names, and times of other kinds."""

KEPT_PARAMETERS: Final = frozenset({"TZID", "VALUE", "RANGE", "FBTYPE"})
"""Parameters of these that say what a time is; others have words."""

OF_CALENDAR: Final = frozenset({"VERSION", "PRODID", "CALSCALE"})

ORDER: Final = ("public", "private", "secret")

FOLD: Final = re.compile(r"(?:\r\n|\r|\n)[ \t]")
PRIVATE: Final = Property("CLASS", {}, "PRIVATE", "CLASS:PRIVATE")


def privacy_of(entry: CalendarObject) -> str:
    """``public``, ``private``, or ``secret``: the strictest of its components, since a series is one entry. What is
    not known is private.
    """
    words = [line.value.strip().upper() for part in entry.parts for line in part.all("CLASS")]
    return max((PRIVACY.get(word, "private") for word in words), key=ORDER.index, default="public")


def privacy_in(data: bytes) -> str:
    """As `privacy_of`, of octets; ``secret`` for what cannot be read."""
    # most entries have no such word, and are not read
    if "CLASS" not in FOLD.sub("", data.decode("utf-8", "replace")).upper():
        return "public"
    try:
        return privacy_of(read_object(data))
    except BadObject:
        return "secret"


def shown_to_guests(data: bytes, title: str = "") -> bytes | None:
    """The octets of an entry as guests see them, None for a secret one: of a private one the times, with that title."""
    match privacy_in(data):
        case "public":
            return data
        case "private":
            return write_component(_times_alone(read_object(data).calendar, title)).encode()
    return None


def _times_alone(calendar: Component, title: str) -> Component:
    more = [PRIVATE, *([Property("SUMMARY", {}, title, f"SUMMARY:{escaped(title)}")] if title else [])]
    components = [
        component if component.name == "VTIMEZONE" else _reduced(component, more) for component in calendar.components
    ]
    lines = [line for line in calendar.properties if line.name in OF_CALENDAR]
    return Component(calendar.name, lines, components)


def _reduced(part: Component, more: list[Property]) -> Component:
    lines = [_plain(line) for line in part.properties if line.name in KEPT]
    inner = [_reduced(component, []) for component in part.components if component.name == "AVAILABLE"]
    return Component(part.name, [*lines, *more], inner)


def _plain(line: Property) -> Property:
    """A line without the parameters that may have words."""
    if line.parameters.keys() <= KEPT_PARAMETERS and "." not in line.whole.partition(":")[0].partition(";")[0]:
        return line
    kept = {name: values for name, values in line.parameters.items() if name in KEPT_PARAMETERS}
    return changed_line(line.name, kept, line.value)
