"""Filters of calendar-query and addressbook-query (RFC 4791 §9.7, RFC 6352 §10.5): read from XML, and tried on a
calendar or card.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final
from xml.etree.ElementTree import Element

import msgspec

from moxlite.proto.cards.calendarobject import EARLIEST, LATEST, CalendarObject
from moxlite.proto.cards.components import Component, Instance
from moxlite.proto.cards.contentline import Property, unescaped
from moxlite.proto.cards.moments import Zones, duration_of, moment_of, period_of, seconds_of, value_of
from moxlite.proto.cards.repeating import Span, span_of
from moxlite.proto.dav.xml import CALDAV, CARDDAV

MAX_FILTERS: Final = 200
"""Filters of a request."""

COLLATIONS: Final = frozenset({"i;octet", "i;ascii-casemap", "i;unicode-casemap", "default"})
ALARM_REACH: Final = 40 * 86_400
"""Seconds before and after an instance within which its alarms are looked for."""


class BadFilter(ValueError):
    """A filter that is not served. `condition`: the name of the precondition, with its namespace."""

    def __init__(self, condition: str, text: str) -> None:
        super().__init__(text)
        self.condition = condition


class TextMatch(msgspec.Struct, frozen=True):
    """A text that is looked for, as its collation compares it: `kind` is contains, equals, starts-with or ends-with."""

    text: str
    collation: str
    kind: str
    negate: bool

    def holds(self, value: str) -> bool:
        """Whether a value has the text."""
        text, value = self.text, _compared(value, self.collation)
        found = {
            "equals": value == text,
            "starts-with": value.startswith(text),
            "ends-with": value.endswith(text),
        }.get(self.kind, text in value)
        return found is not self.negate


class ParameterFilter(msgspec.Struct, frozen=True):
    """A parameter of a property: absent, or with a text."""

    name: str
    absent: bool
    match: TextMatch | None


class PropertyFilter(msgspec.Struct, frozen=True):
    """A property: absent, in a time range, or with texts and parameters, of which `every` or any must hold."""

    name: str
    absent: bool
    stretch: Span | None
    matches: tuple[TextMatch, ...]
    parameters: tuple[ParameterFilter, ...]
    every: bool = True


class ComponentFilter(msgspec.Struct, frozen=True):
    """A component: absent, in a time range, with properties and components."""

    name: str
    absent: bool
    stretch: Span | None
    properties: tuple[PropertyFilter, ...]
    components: tuple[ComponentFilter, ...]

    @property
    def plain(self) -> bool:
        """Whether kind and time range are all it asks for."""
        return not self.absent and not self.properties and not self.components


class CardFilter(msgspec.Struct, frozen=True):
    """Properties of a card, of which `every` or any must match."""

    properties: tuple[PropertyFilter, ...]
    every: bool


def time_range(one: Element | None) -> Span | None:
    """The stretch of an element with `start` and `end`, which may miss one. Raises BadFilter."""
    if one is None:
        return None
    bounds: list[int] = []
    for name, default in (("start", EARLIEST), ("end", LATEST)):
        given = one.get(name)
        moment = value_of(given) if given is not None else None
        if given is not None and (moment is None or moment.tzinfo is None):
            raise BadFilter(CALDAV + "valid-filter", "a time range has moments in UTC")
        bounds.append(default if moment is None else seconds_of(moment))
    if bounds[0] >= bounds[1] or bounds == [EARLIEST, LATEST]:
        raise BadFilter(CALDAV + "valid-filter", "a time range ends after its start")
    return bounds[0], bounds[1]


def calendar_filter(one: Element | None) -> ComponentFilter:
    """The filter of a calendar-query: for VCALENDAR. Raises BadFilter."""
    top = None if one is None else one.find(CALDAV + "comp-filter")
    if top is None or top.get("name") != "VCALENDAR":
        raise BadFilter(CALDAV + "valid-filter", "a filter begins with VCALENDAR")
    _count(one, CALDAV)
    return _component(top)


def card_filter(one: Element | None) -> CardFilter:
    """The filter of an addressbook-query. Raises BadFilter."""
    if one is None:
        raise BadFilter(CARDDAV + "supported-filter", "the query has no filter")
    _count(one, CARDDAV)
    properties = tuple(_property(inner, CARDDAV) for inner in one.findall(CARDDAV + "prop-filter"))
    return CardFilter(properties, one.get("test") == "allof")


def _count(one: Element | None, space: str) -> None:
    if one is not None and sum(1 for _ in one.iter()) > MAX_FILTERS:
        raise BadFilter(space + ("valid-filter" if space == CALDAV else "supported-filter"), "the filter is too large")


def _component(one: Element) -> ComponentFilter:
    return ComponentFilter(
        (one.get("name") or "").upper(),
        one.find(CALDAV + "is-not-defined") is not None,
        time_range(one.find(CALDAV + "time-range")),
        tuple(_property(inner, CALDAV) for inner in one.findall(CALDAV + "prop-filter")),
        tuple(_component(inner) for inner in one.findall(CALDAV + "comp-filter")),
    )


def _property(one: Element, space: str) -> PropertyFilter:
    return PropertyFilter(
        (one.get("name") or "").upper(),
        one.find(space + "is-not-defined") is not None,
        time_range(one.find(CALDAV + "time-range")),
        tuple(_match(inner, space) for inner in one.findall(space + "text-match")),
        tuple(_parameter(inner, space) for inner in one.findall(space + "param-filter")),
        space == CALDAV or one.get("test") == "allof",
    )


def _parameter(one: Element, space: str) -> ParameterFilter:
    match = one.find(space + "text-match")
    return ParameterFilter(
        (one.get("name") or "").upper(),
        one.find(space + "is-not-defined") is not None,
        None if match is None else _match(match, space),
    )


def _match(one: Element, space: str) -> TextMatch:
    default = "i;ascii-casemap" if space == CALDAV else "i;unicode-casemap"
    collation = one.get("collation") or default
    if collation not in COLLATIONS:
        raise BadFilter(space + "supported-collation", "this collation is not known")
    if collation == "default":
        collation = default
    return TextMatch(
        _compared(one.text or "", collation),  # once: each line is compared
        collation,
        one.get("match-type") or "contains",
        one.get("negate-condition") == "yes",
    )


def _compared(value: str, collation: str) -> str:
    """A value as a collation compares it."""
    match collation:
        case "i;octet":
            return value
        case "i;ascii-casemap":
            return _ascii_lower(value)
    return value.casefold()


def matches(wanted: ComponentFilter, found: CalendarObject, instances: Callable[[Span], Sequence[Instance]]) -> bool:
    """Whether a calendar resource passes a filter for VCALENDAR. `instances`: its instances in a stretch."""
    if wanted.absent:
        return False
    spans = _Spans(found, instances)
    top = found.calendar
    return all(_has_property(one, top, found.zones) for one in wanted.properties) and all(
        _has_component(one, top, None, spans) for one in wanted.components
    )


class _Spans:
    """When the components of a resource are, for time ranges."""

    def __init__(self, found: CalendarObject, instances: Callable[[Span], Sequence[Instance]]) -> None:
        self.found = found
        self._instances = instances

    def of(self, part: Component, stretch: Span) -> list[Span]:
        """Spans of a component that may be in a stretch."""
        if not self.found.repeated:
            span = span_of(part, self.found.zones)
            return [] if span is None else [span]
        number = next((n for n, one in enumerate(self.found.parts) if one is part), -1)
        return [(one.starts, one.ends) for one in self._instances(stretch) if one.part == number]


def _has_component(wanted: ComponentFilter, parent: Component, above: Component | None, spans: _Spans) -> bool:
    candidates = [one for one in parent.components if one.name == wanted.name]
    if wanted.absent:
        return not candidates
    return any(_passes(wanted, one, parent, spans) for one in candidates)


def _passes(wanted: ComponentFilter, part: Component, parent: Component, spans: _Spans) -> bool:
    zones = spans.found.zones
    if wanted.stretch is not None and not _in_range(part, parent, wanted.stretch, spans):
        return False
    return all(_has_property(one, part, zones) for one in wanted.properties) and all(
        _has_component(one, part, parent, spans) for one in wanted.components
    )


def _in_range(part: Component, parent: Component, stretch: Span, spans: _Spans) -> bool:
    """Whether a component has a moment in a stretch, by the tables of RFC 4791 §9.9."""
    match part.name:
        case "VTODO" if not spans.found.repeated:
            return _todo_in_range(part, stretch, spans.found.zones)
        case "VFREEBUSY":
            return any(_overlaps(one, stretch) for one in _periods(part, spans.found.zones))
        case "VALARM":
            return any(stretch[0] <= one < stretch[1] for one in _alarms(part, parent, stretch, spans))
        case "VJOURNAL" if part.first("DTSTART") is None:
            return False
        case "VAVAILABILITY":
            span = span_of(part, spans.found.zones)
            return span is None or _overlaps(span, stretch)
    return any(_overlaps(one, stretch) for one in spans.of(part, stretch))


def _overlaps(span: Span, stretch: Span) -> bool:
    return span[0] < stretch[1] and (span[1] > stretch[0] or span[0] == span[1] == stretch[0])


def _todo_in_range(part: Component, stretch: Span, zones: Zones) -> bool:
    """RFC 4791 §9.9, the table of VTODO."""
    since, until = stretch
    moments = {name: moment_of(part.first(name), zones) for name in ("DTSTART", "DUE", "COMPLETED", "CREATED")}
    start, due, completed, created = (None if one is None else seconds_of(one) for one in moments.values())
    length = duration_of(part.value("DURATION"))
    if start is not None:
        if length is not None:
            due = start + int(length.total_seconds())
            return since <= due and (until > start or until >= due)
        if due is not None:
            return (since < due or since <= start) and (until > start or until >= due)
        return since <= start < until
    if due is not None:
        return since < due <= until
    if completed is not None and created is not None:
        return (since <= created or since <= completed) and (until >= created or until >= completed)
    if completed is not None:
        return since <= completed <= until
    return created is None or until > created


def _periods(part: Component, zones: Zones) -> list[Span]:
    span = span_of(part, zones)
    if span is not None and span[0] != span[1]:
        return [span]
    values = [value for line in part.all("FREEBUSY") for value in line.value.split(",")]
    return [period for value in values if (period := period_of(value)) is not None]


def _alarms(alarm: Component, parent: Component, stretch: Span, spans: _Spans) -> list[int]:
    """Moments at which an alarm rings, with its repetitions (RFC 5545 §3.6.6)."""
    trigger = alarm.first("TRIGGER")
    if trigger is None:
        return []
    length = duration_of(trigger.value)
    if length is None:
        moment = moment_of(trigger, spans.found.zones)
        first = [] if moment is None else [seconds_of(moment)]
    else:
        around = (stretch[0] - ALARM_REACH, stretch[1] + ALARM_REACH)
        side = 1 if trigger.parameter("RELATED").upper() == "END" else 0
        first = [span[side] + int(length.total_seconds()) for span in spans.of(parent, around)]
    pause = duration_of(alarm.value("DURATION")) or timedelta(0)
    text = alarm.value("REPEAT")
    again = min(int(text), 100) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    return [one + number * int(pause.total_seconds()) for one in first for number in range(again + 1)]


def _has_property(wanted: PropertyFilter, part: Component, zones: Zones) -> bool:
    lines = part.all(wanted.name)
    if wanted.absent:
        return not lines
    return any(_line_passes(wanted, one, zones) for one in lines)


def _line_passes(wanted: PropertyFilter, line: Property, zones: Zones) -> bool:
    if wanted.stretch is not None:
        moment = moment_of(line, zones)
        if moment is None or not wanted.stretch[0] <= seconds_of(moment) < wanted.stretch[1]:
            return False
    value = unescaped(line.value)
    results = [one.holds(value) for one in wanted.matches]
    results += [_parameter_passes(one, line) for one in wanted.parameters]
    return not results or (all(results) if wanted.every else any(results))


def _parameter_passes(wanted: ParameterFilter, line: Property) -> bool:
    values = line.parameters.get(wanted.name)
    if wanted.absent:
        return values is None
    if values is None:
        return False
    return wanted.match is None or any(wanted.match.holds(value) for value in values)


def card_matches(wanted: CardFilter, card: Component) -> bool:
    """Whether a card passes a filter."""
    if not wanted.properties:
        return True
    results = (_card_property(one, card) for one in wanted.properties)
    return all(results) if wanted.every else any(results)


def _card_property(wanted: PropertyFilter, card: Component) -> bool:
    lines = card.all(wanted.name)
    if wanted.absent:
        return not lines
    return any(_line_passes(wanted, one, {}) for one in lines)


def _ascii_lower(text: str) -> str:
    return "".join(chr(ord(char) + 32) if "A" <= char <= "Z" else char for char in text)
