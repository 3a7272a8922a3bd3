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


STRETCHES: Final = 4
"""Time ranges whose instances are kept, while one component after the other is looked at."""


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


def time_range(element: Element | None) -> Span | None:
    """The stretch of an element with `start` and `end`, which may miss one. Raises BadFilter."""
    if element is None:
        return None
    bounds: list[int] = []
    for name, default in (("start", EARLIEST), ("end", LATEST)):
        given = element.get(name)
        moment = value_of(given) if given is not None else None
        if given is not None and (moment is None or moment.tzinfo is None):
            raise BadFilter(CALDAV + "valid-filter", "a time range must be in UTC")
        bounds.append(default if moment is None else seconds_of(moment))
    if bounds[0] >= bounds[1] or bounds == [EARLIEST, LATEST]:
        raise BadFilter(CALDAV + "valid-filter", "a time range must end after it starts")
    return bounds[0], bounds[1]


def calendar_filter(element: Element | None) -> ComponentFilter:
    """The filter of a calendar-query: for VCALENDAR. Raises BadFilter."""
    top = None if element is None else element.find(CALDAV + "comp-filter")
    if top is None or top.get("name") != "VCALENDAR":
        raise BadFilter(CALDAV + "valid-filter", "the filter must start with VCALENDAR")
    _count(element, CALDAV)
    return _component(top)


def card_filter(element: Element | None) -> CardFilter:
    """The filter of an addressbook-query. Raises BadFilter."""
    if element is None:
        raise BadFilter(CARDDAV + "supported-filter", "missing filter in query")
    _count(element, CARDDAV)
    properties = tuple(_property(inner, CARDDAV) for inner in element.findall(CARDDAV + "prop-filter"))
    return CardFilter(properties, element.get("test") == "allof")


def _count(element: Element | None, space: str) -> None:
    if element is not None and sum(1 for _ in element.iter()) > MAX_FILTERS:
        raise BadFilter(space + ("valid-filter" if space == CALDAV else "supported-filter"), "the filter is too large")


def _component(element: Element) -> ComponentFilter:
    return ComponentFilter(
        (element.get("name") or "").upper(),
        element.find(CALDAV + "is-not-defined") is not None,
        time_range(element.find(CALDAV + "time-range")),
        tuple(_property(inner, CALDAV) for inner in element.findall(CALDAV + "prop-filter")),
        tuple(_component(inner) for inner in element.findall(CALDAV + "comp-filter")),
    )


def _property(element: Element, space: str) -> PropertyFilter:
    return PropertyFilter(
        (element.get("name") or "").upper(),
        element.find(space + "is-not-defined") is not None,
        time_range(element.find(CALDAV + "time-range")),
        tuple(_match(inner, space) for inner in element.findall(space + "text-match")),
        tuple(_parameter(inner, space) for inner in element.findall(space + "param-filter")),
        space == CALDAV or element.get("test") == "allof",
    )


def _parameter(element: Element, space: str) -> ParameterFilter:
    match = element.find(space + "text-match")
    return ParameterFilter(
        (element.get("name") or "").upper(),
        element.find(space + "is-not-defined") is not None,
        None if match is None else _match(match, space),
    )


def _match(element: Element, space: str) -> TextMatch:
    default = "i;ascii-casemap" if space == CALDAV else "i;unicode-casemap"
    collation = element.get("collation") or default
    if collation not in COLLATIONS:
        raise BadFilter(space + "supported-collation", "unsupported collation")
    if collation == "default":
        collation = default
    return TextMatch(
        _compared(element.text or "", collation),  # once: each line is compared
        collation,
        element.get("match-type") or "contains",
        element.get("negate-condition") == "yes",
    )


def _compared(value: str, collation: str) -> str:
    """A value as a collation compares it."""
    match collation:
        case "i;octet":
            return value
        case "i;ascii-casemap":
            return _ascii_lower(value)
    return value.casefold()


def matches(
    component_filter: ComponentFilter, calendar_object: CalendarObject, instances: Callable[[Span], Sequence[Instance]]
) -> bool:
    """Whether a calendar resource passes a filter for VCALENDAR. `instances`: its instances in a stretch."""
    if component_filter.absent:
        return False
    spans = _Spans(calendar_object, instances)
    top = calendar_object.calendar
    return all(_has_property(prop, top, calendar_object.zones) for prop in component_filter.properties) and all(
        _has_component(component, top, None, spans) for component in component_filter.components
    )


class _Spans:
    """When the components of a resource are, for time ranges."""

    def __init__(self, found: CalendarObject, instances: Callable[[Span], Sequence[Instance]]) -> None:
        self.found = found
        self._instances = instances
        self._numbers = {id(part): number for number, part in enumerate(found.parts)}
        self._known: dict[Span, dict[int, list[Span]]] = {}

    def of(self, part: Component, stretch: Span) -> list[Span]:
        """Spans of a component that may be in a stretch."""
        if not self.found.repeated:
            span = span_of(part, self.found.zones)
            return [] if span is None else [span]
        if stretch not in self._known:
            spans: dict[int, list[Span]] = {}
            for instance in self._instances(stretch):
                spans.setdefault(instance.part, []).append((instance.starts, instance.ends))
            if len(self._known) == STRETCHES:
                del self._known[next(iter(self._known))]
            self._known[stretch] = spans
        return self._known[stretch].get(self._numbers.get(id(part), -1), [])


def _has_component(
    component_filter: ComponentFilter, parent: Component, above: Component | None, spans: _Spans
) -> bool:
    candidates = [component for component in parent.components if component.name == component_filter.name]
    if component_filter.absent:
        return not candidates
    return any(_passes(component_filter, candidate, parent, spans) for candidate in candidates)


def _passes(component_filter: ComponentFilter, part: Component, parent: Component, spans: _Spans) -> bool:
    zones = spans.found.zones
    if component_filter.stretch is not None and not _in_range(part, parent, component_filter.stretch, spans):
        return False
    return all(_has_property(prop, part, zones) for prop in component_filter.properties) and all(
        _has_component(component, part, parent, spans) for component in component_filter.components
    )


def _in_range(part: Component, parent: Component, stretch: Span, spans: _Spans) -> bool:
    """Whether a component has a moment in a stretch, by the tables of RFC 4791 §9.9."""
    match part.name:
        case "VTODO" if not spans.found.repeated:
            return _todo_in_range(part, stretch, spans.found.zones)
        case "VFREEBUSY":
            return any(_overlaps(period, stretch) for period in _periods(part, spans.found.zones))
        case "VALARM":
            return any(stretch[0] <= alarm < stretch[1] for alarm in _alarms(part, parent, stretch, spans))
        case "VJOURNAL" if part.first("DTSTART") is None:
            return False
        case "VAVAILABILITY":
            return _overlaps(spans.found.span(part), stretch)
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
    # RFC 5545 has no bound for REPEAT, and each repetition becomes a moment in the list below.
    again = min(int(text), 100) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    return [one + number * int(pause.total_seconds()) for one in first for number in range(again + 1)]


def _has_property(property_filter: PropertyFilter, part: Component, zones: Zones) -> bool:
    lines = part.all(property_filter.name)
    if property_filter.absent:
        return not lines
    return any(_line_passes(property_filter, line, zones) for line in lines)


def _line_passes(property_filter: PropertyFilter, line: Property, zones: Zones) -> bool:
    if property_filter.stretch is not None:
        moment = moment_of(line, zones)
        if moment is None or not property_filter.stretch[0] <= seconds_of(moment) < property_filter.stretch[1]:
            return False
    value = unescaped(line.value)
    results = [match.holds(value) for match in property_filter.matches]
    results += [_parameter_passes(parameter, line) for parameter in property_filter.parameters]
    return not results or (all(results) if property_filter.every else any(results))


def _parameter_passes(parameter_filter: ParameterFilter, line: Property) -> bool:
    values = line.parameters.get(parameter_filter.name)
    if parameter_filter.absent:
        return values is None
    if values is None:
        return False
    return parameter_filter.match is None or any(parameter_filter.match.holds(value) for value in values)


def card_matches(wanted: CardFilter, card: Component) -> bool:
    """Whether a card passes a filter."""
    if not wanted.properties:
        return True
    results = (_card_property(prop, card) for prop in wanted.properties)
    return all(results) if wanted.every else any(results)


def _card_property(property_filter: PropertyFilter, card: Component) -> bool:
    lines = card.all(property_filter.name)
    if property_filter.absent:
        return not lines
    return any(_line_passes(property_filter, line, {}) for line in lines)


def _ascii_lower(text: str) -> str:
    return "".join(chr(ord(char) + 32) if "A" <= char <= "Z" else char for char in text)
