"""Entries of mail that no calendar takes whole: what is left of them, and what was left out (DAV-29)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, get_args

from moxlite.proto.cards.calendarobject import ZONED
from moxlite.proto.cards.components import Component
from moxlite.proto.cards.contentline import Property
from moxlite.proto.cards.filezones import zones_of
from moxlite.proto.cards.itip import LEFT_OUT, address_of, mapped, with_parameters
from moxlite.proto.cards.limits import MOST
from moxlite.proto.cards.moments import Zones, is_date, known_zone, moment_of, zone_name
from moxlite.proto.cards.repeating import main_part, parts_of, rules_of
from moxlite.proto.cards.rules import BadRecurrence

ENDS: Final = ("DTEND", "DUE")
STAMPS: Final = ("COMPLETED", "CREATED")

LeftOut = Literal["zone", "end", "rule", "excluded", "guests"]

LEFT: Final[tuple[LeftOut, ...]] = get_args(LeftOut)
"""What may be left out: the zone of times, which then are the same on all clocks; an end; a rule, so that only the
first date stays; the dates that a rule takes out (EXRULE), so that they stay; guests.
"""


def storable(calendar: Component) -> Component:
    """A calendar of one entry without what no calendar takes; ORGANIZER says what that was. Linear."""
    zones = zones_of(calendar)
    left: set[LeftOut] = set()
    parts = parts_of(calendar)
    made = [_in_known_zones(part, zones, left) for part in parts]
    made = [_with_known_times(part, zones, left) for part in made]
    main = main_part(made)
    if main is not None:
        made[main] = _with_known_rules(made[main], zones, left)
    made = _noted(made, left)
    kept = iter(made)
    inner = [one if one.name == "VTIMEZONE" else next(kept) for one in calendar.components]
    return Component(calendar.name, calendar.properties, inner)


def few_guests(parts: list[Component]) -> list[Component]:
    """Components of an entry with the first guests, as many as an entry may have; ORGANIZER says if others are left
    out.
    """
    seen: set[str] = set()
    for part in parts:
        for line in part.all("ATTENDEE"):
            if len(seen) < MOST.guests:
                seen.add(address_of(line) or line.value)
    left: set[LeftOut] = set()
    made = [_kept(part, lambda line: (address_of(line) or line.value) in seen, left) for part in parts]
    return _noted(made, left)


def left_out_of(parts: Sequence[Component]) -> tuple[LeftOut, ...]:
    """What was left out of an entry, of `LEFT`."""
    line = next((line for part in parts if (line := part.first("ORGANIZER")) is not None), None)
    said = () if line is None else line.parameter(LEFT_OUT).split()
    return tuple(one for one in LEFT if one in said)


def _kept(part: Component, wanted: Callable[[Property], bool], left: set[LeftOut]) -> Component:
    lines = [line for line in part.properties if line.name != "ATTENDEE" or wanted(line)]
    if len(lines) < len(part.properties):
        left.add("guests")
    return Component(part.name, lines, part.components)


def _noted(parts: list[Component], left: set[LeftOut]) -> list[Component]:
    """The components with what is left out, beside what was before."""
    words = {LEFT_OUT: " ".join(one for one in LEFT if one in left or one in left_out_of(parts))}

    def line_of(line: Property) -> Property:
        return with_parameters(line, words) if line.name == "ORGANIZER" else line

    return [mapped(part, line_of) for part in parts]


def _in_known_zones(part: Component, zones: Zones, left: set[LeftOut]) -> Component:
    def line_of(line: Property) -> Property:
        name = zone_name(line.parameter("TZID")) if line.name in ZONED else ""
        if not name or is_date(line) or known_zone(name, zones) is not None:
            return line
        left.add("zone")
        return with_parameters(line, {"TZID": ""})

    return mapped(part, line_of)


def _with_known_times(part: Component, zones: Zones, left: set[LeftOut]) -> Component:
    lines: list[Property] = []
    for line in part.properties:
        if line.name in (*ENDS, *STAMPS) and moment_of(line, zones) is None:
            if line.name in ENDS:
                left.add("end")
            continue
        lines.append(line)
    return Component(part.name, lines, part.components)


def _with_known_rules(part: Component, zones: Zones, left: set[LeftOut]) -> Component:
    made = _without(part, "EXRULE", "excluded", left)
    try:
        rules_of(made, zones)
    except BadRecurrence:
        return _without(made, "RRULE", "rule", left)
    return made


def _without(part: Component, name: str, word: LeftOut, left: set[LeftOut]) -> Component:
    lines = [line for line in part.properties if line.name != name]
    if len(lines) < len(part.properties):
        left.add(word)
    return Component(part.name, lines, part.components)
