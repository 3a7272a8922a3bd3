"""Limits of entries and cards that come in, whichever way (DAV-5a): far above what real ones have, so that all work on
one is small. What was stored before stays, and may be changed as long as it becomes no larger.
"""

from __future__ import annotations

from typing import Final

import msgspec

from moxlite.proto.cards.components import Component
from moxlite.proto.cards.itip import address_of
from moxlite.wording import Worded, worded

MAX_ENTRY: Final = 1 << 20
"""Octets of an entry (DAV-5)."""

TOO_LARGE: Final = worded("an entry can be up to {most} MiB", most=MAX_ENTRY >> 20)

FILES: Final = frozenset({"ATTACH", "IMAGE", "PHOTO", "LOGO", "SOUND", "KEY"})
"""Properties that may be a file, and are read by no view of an entry: `MAX_ENTRY` bounds them."""


class Extent(msgspec.Struct, frozen=True):
    """Extent of an entry or card: lines, of which one with many parameters counts as several, components, changed dates
    of a series, different guests, rules of a component, and characters of a property that is no file; of the last two
    the most.
    """

    lines: int = 0
    components: int = 0
    exceptions: int = 0
    guests: int = 0
    rules: int = 0
    property: int = 0


MOST: Final = Extent(lines=10_000, components=5_000, exceptions=1_000, guests=500, rules=4, property=256 << 10)
"""Exchange takes 500 guests, Google 200 without a group. The largest entries of a year's calendars have some 300 lines,
and 60 changed dates. Rules: RFC 5545 §3.8.5.3 advises against a second.
"""

PARAMETERS: Final = 4
"""Parameters of a line that count as one more line. The guests of real events have six."""

SIZE: Final = "max-resource-size"
CONDITIONS: Final = {"exceptions": "max-instances", "guests": "max-attendees-per-instance"}
"""Preconditions of RFC 4791 §5.3.2.1; of the others it is `SIZE`."""


class AboveLimit(ValueError):
    """An entry or card is larger than one that comes in may be; the message names the limit, for people. `condition`:
    name of the precondition, without its namespace.
    """

    def __init__(self, text: Worded, condition: str) -> None:
        super().__init__(text)
        self.condition = condition


def extent_of(top: Component) -> Extent:
    """The extent of a calendar or card. Linear."""
    lines = components = exceptions = rules = longest = 0
    guests: set[str] = set()
    below = [(top, 0)]
    while below:
        component, depth = below.pop()
        components += 1
        lines += sum(1 + len(line.parameters) // PARAMETERS for line in component.properties)
        of_component = 0
        for line in component.properties:
            if line.name not in FILES:
                longest = max(longest, len(line.whole))
            if line.name == "RRULE":
                of_component += 1
            elif depth == 1 and line.name == "ATTENDEE":  # an alarm has receivers of its mail
                guests.add(address_of(line) or line.value)
        rules = max(rules, of_component)
        exceptions += depth == 1 and component.first("RECURRENCE-ID") is not None
        below += [(inner, depth + 1) for inner in component.components]
    return Extent(lines, components, exceptions, len(guests), rules, longest)


def check_extent(top: Component, was: Extent = Extent()) -> None:
    """Check the extent of a calendar or card that comes in, of which `was` is stored. Raises AboveLimit."""
    extent = extent_of(top)
    for name in Extent.__struct_fields__:
        if getattr(extent, name) > max(getattr(MOST, name), getattr(was, name)):
            raise AboveLimit(above(name), CONDITIONS.get(name, SIZE))


def above(name: str) -> Worded:
    """The reason for refusing what has more than `MOST` of that name."""
    most = getattr(MOST, name)
    match name:
        case "lines":
            return worded("an entry can have up to {most} lines", most=most)
        case "components":
            return worded("an entry can have up to {most} components", most=most)
        case "exceptions":
            return worded("a repeating event can have up to {most} changed occurrences", most=most)
        case "guests":
            return worded("an event can have up to {most} guests", most=most)
        case "rules":
            return worded("an event can have up to {most} recurrence rules", most=most)
    return worded("a property can be up to {most} KiB", most=most >> 10)


def octets_of(component: Component) -> int:
    """Size of a component's lines in octets, without folds and line endings."""
    own = sum(len(line.whole.encode("utf-8", "replace")) for line in component.properties)
    return own + sum(map(octets_of, component.components))
