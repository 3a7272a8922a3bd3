"""Calendar files as trees of components whose lines stay as they came (RFC 5545 §3.4, §3.6). Text in, text out;
linear in the size of the file.

What a component means is in `instances` and `calendarobject`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from moxlite.proto.cards.contentline import Property, folded, property_of, unfolded
from moxlite.wording import worded

MAX_LINES: Final = 100_000
"""Lines of a file. Parsing these takes 0.5 s."""

MAX_DEPTH: Final = 20
"""Depth of components in each other: the standards have four. Writing a component recurses as deep as it was read."""


class BadComponents(ValueError):
    """The text isn't a tree of components. The message says why, for people."""


class Component(msgspec.Struct):
    """A component: its name in capitals, its properties and the components in it, both in their order."""

    name: str
    properties: list[Property]
    components: list[Component]

    def first(self, name: str) -> Property | None:
        """The first property of that name."""
        return next((prop for prop in self.properties if prop.name == name), None)

    def all(self, name: str) -> list[Property]:
        """The properties of that name."""
        return [prop for prop in self.properties if prop.name == name]

    def value(self, name: str) -> str:
        """The value of the first property of that name without space around it; "" without one."""
        prop = self.first(name)
        return "" if prop is None else prop.value.strip()


def read_components(text: str, kind: str) -> Component:
    """The one component `kind` that a file consists of. Raises BadComponents."""
    # Each refusal names the rule that a file breaks (RFC 5545 §3.4, RFC 6350 §3.3), for the program that has sent it.
    # The reader of mail below forgives all of this; but what is stored must be readable for any program.
    top = Component("", [], [])
    inside = [top]
    for number, line in enumerate(unfolded(text)):
        if number > MAX_LINES:
            raise BadComponents(f"too many lines in file (limit {MAX_LINES})")
        if not line.strip():
            continue
        prop = _property(line)
        if prop is None:
            raise BadComponents(f"line {number + 1} isn't a valid property")
        if prop.name == "BEGIN":
            _begin(inside, prop.value.strip().upper())
        elif prop.name == "END":
            if inside[-1].name != prop.value.strip().upper() or len(inside) == 1:
                raise BadComponents(f"missing BEGIN for END:{prop.value.strip()[:50]}")
            inside.pop()
        elif len(inside) == 1:
            raise BadComponents(f"the file must start with BEGIN:{kind}")
        else:
            inside[-1].properties.append(prop)
    if len(inside) > 1:
        raise BadComponents(f"missing END for {inside[-1].name[:50]}")
    if [component.name for component in top.components] != [kind]:
        raise BadComponents(f"the file must contain exactly one {kind}")
    return top.components[0]


def read_mailed(text: str) -> Component:
    """The first calendar in a text as mail has them: what cannot be read is passed over, and what has no end ends with
    the text. Raises BadComponents.
    """
    top = Component("", [], [])
    inside = [top]
    for number, line in enumerate(unfolded(text)):
        if number > MAX_LINES:
            raise BadComponents(worded("too many lines in the calendar (limit {most})", most=MAX_LINES))
        prop = _property(line)
        if prop is None:
            continue
        if prop.name == "BEGIN":
            _begin(inside, prop.value.strip().upper())
        elif prop.name != "END":
            inside[-1].properties.append(prop)
        elif len(inside) > 1:
            inside.pop()
    return next((component for component in top.components if component.name == "VCALENDAR"), top)


def _property(line: str) -> Property | None:
    """The property of a line. A value in quoted-printable, which has several lines, is decoded: another reader may not
    know this encoding, and take lines of the value for lines of the calendar.
    """
    prop = property_of(line)
    if prop is None or ("\n" not in line and prop.decoded == prop.value):
        return prop
    value = "\\n".join(prop.decoded.splitlines())
    return Property(prop.name, {}, value, f"{prop.name}:{value}")


def _begin(inside: list[Component], name: str) -> None:
    if len(inside) > MAX_DEPTH:
        raise BadComponents("the calendar is nested too deeply")
    new = Component(name, [], [])
    inside[-1].components.append(new)
    inside.append(new)


def write_component(component: Component) -> str:
    """The text of a component, with CRLF and folds."""
    return "".join(f"{folded(line)}\r\n" for line in _lines(component))


def _lines(component: Component) -> Iterator[str]:
    yield f"BEGIN:{component.name}"
    for prop in component.properties:
        yield prop.whole
    for inner in component.components:
        yield from _lines(inner)
    yield f"END:{component.name}"


class Instance(msgspec.Struct, frozen=True):
    """One time of a repeated component, seconds UTC. `recurrence`: its time by the rule, as RECURRENCE-ID has it in the
    zone of the first one; `part`: number of the component that describes it.
    """

    starts: int
    ends: int
    recurrence: str
    part: int
