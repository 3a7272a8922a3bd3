"""Calendar resources (RFC 4791 §4.1): what may be put into a calendar, and what is looked up of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from functools import cached_property
from typing import Final

import msgspec

from moxlite.proto.address import one_spelling
from moxlite.proto.cards.components import BadComponents, Component, Instance, read_components
from moxlite.proto.cards.contentline import Property, mail_address, plain, property_of
from moxlite.proto.cards.filezones import zones_of
from moxlite.proto.cards.moments import (
    FLOATING,
    Zones,
    duration_of,
    in_zone,
    is_date,
    known_zone,
    moment_of,
    period_of,
    seconds_of,
    utc_text,
    value_of,
    zone_name,
)
from moxlite.proto.cards.repeating import Span, is_repeated, main_part, parts_of, recurrence_of, span_of

KINDS: Final = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY"})
MAX_UID: Final = 1000
MAX_TITLE: Final = 500
"""Characters of a UID, above which an entry is refused, and of a title, which is cut for look-ups. RFC 5545 sets no
limit; the longest UIDs in use, Outlook's, have 112, and lists show no more of a title.
"""

ZONED: Final = frozenset({"DTSTART", "DTEND", "DUE", "RECURRENCE-ID", "RDATE", "EXDATE"})

EARLIEST: Final = -(1 << 40)
LATEST: Final = 1 << 40
"""Seconds that stand for no bound."""


class BadObject(ValueError):
    """A file that no calendar takes. `condition`: the name of the precondition (RFC 4791 §5.3.2.1); the message is for
    people.
    """

    def __init__(self, condition: str, text: str) -> None:
        super().__init__(text)
        self.condition = condition


class CalendarObject(msgspec.Struct, dict=True):
    """A calendar resource: `calendar` is the whole file, `parts` its components but the zones; `zones` those it
    defines.
    """

    calendar: Component
    parts: list[Component]
    zones: Zones

    @property
    def kind(self) -> str:
        """The kind of its components."""
        return self.parts[0].name

    @property
    def uid(self) -> str:
        """The UID of its components."""
        return plain(self.parts[0].value("UID"), MAX_UID)

    @cached_property  # of each exception one asks for its series
    def main(self) -> Component:
        """The component that the others are exceptions of, or the first exception."""
        return self.parts[main_part(self.parts) or 0]

    @property
    def title(self) -> str:
        """The summary."""
        return plain(self.main.value("SUMMARY"), MAX_TITLE)

    @property
    def repeated(self) -> bool:
        """Whether there are instances."""
        return is_repeated(self.parts)

    def floats(self, part: Component) -> bool:
        """Whether the times of a component are dates, or have no zone."""
        moment = moment_of(part.first("DTSTART") or part.first("DUE"), self.zones)
        return moment is not None and moment.tzinfo is None

    def placed(self, zone: tzinfo | None) -> CalendarObject:
        """The resource with dates, and times without a zone, in a zone."""
        return self if zone is None else msgspec.structs.replace(self, zones={**self.zones, FLOATING: zone})

    def placed_instances(self, instances: Sequence[Instance], zone: tzinfo | None) -> list[Instance]:
        """Instances, with dates and times without a zone placed in a zone."""
        floating = {number for number, part in enumerate(self.parts) if zone is not None and self.floats(part)}
        return [
            instance
            if zone is None or instance.part not in floating
            else msgspec.structs.replace(
                instance, starts=in_zone(instance.starts, zone), ends=in_zone(instance.ends, zone)
            )
            for instance in instances
        ]

    def unknown_zone(self) -> str | None:
        """The name of a zone that its times are in, and that is not known."""
        for part in self.parts:
            for line in part.properties:
                name = zone_name(line.parameter("TZID")) if line.name in ZONED else ""
                if name and not is_date(line) and known_zone(name, self.zones) is None:
                    return plain(name, 100)
        return None

    def addresses(self) -> tuple[str, ...]:
        """Mail addresses of organiser and attendees in `one_spelling`, each once."""
        ordered: dict[str, None] = {}
        for part in self.parts:
            for prop in part.properties:
                if prop.name in ("ORGANIZER", "ATTENDEE") and (address := mail_address(prop.value)):
                    ordered[one_spelling(address)] = None
        return tuple(ordered)

    def bounds(self) -> tuple[int | None, int | None]:
        """Seconds UTC of the first start and the last end; None for no bound. Rules have an end only if UNTIL says so:
        what COUNT says is found by their instances.
        """
        spans = [self.span(part) for part in self.parts]
        starts, ends = min(span[0] for span in spans), max(span[1] for span in spans)
        length = max(span[1] - span[0] for span in spans)
        for part in self.parts:
            for rule in part.all("RRULE"):
                until = next((part[6:] for part in rule.value.strip().upper().split(";") if part[:6] == "UNTIL="), "")
                moment = value_of(until)
                ends = LATEST if moment is None else max(ends, seconds_of(moment) + length + 2 * 86_400)
            if part.first("RDATE") is not None:
                starts, ends = EARLIEST, LATEST
        return (None if starts <= EARLIEST else starts), (None if ends >= LATEST else ends)

    def span(self, part: Component) -> Span:
        """The stretch in which a component lies, by itself."""
        if part.name == "VTODO":
            return todo_span(part, self.zones)
        if part.name == "VAVAILABILITY":
            return _availability_span(part, self.zones)
        return span_of(part, self.zones) or _busy_span(part) or (EARLIEST, LATEST)


def read_object(data: bytes) -> CalendarObject:
    """Read a calendar resource and check it (DAV-7). Raises BadObject."""
    try:
        calendar = read_components(data.decode("utf-8-sig"), "VCALENDAR")
    except UnicodeDecodeError:
        raise BadObject("valid-calendar-data", "the file isn't valid UTF-8") from None
    except BadComponents as error:
        raise BadObject("valid-calendar-data", str(error)) from None
    if calendar.first("METHOD") is not None:
        raise BadObject("valid-calendar-object-resource", "calendar entries can't include METHOD")
    return object_of(calendar)


def object_of(calendar: Component, *, message: bool = False) -> CalendarObject:
    """The resource that a calendar without METHOD is. `message`: it came with one, and may leave out times. Raises
    BadObject.
    """
    if calendar.value("VERSION") != "2.0":
        raise BadObject("valid-calendar-data", "the calendar must be version 2.0")
    parts = parts_of(calendar)
    kinds = {part.name for part in parts}
    if len(kinds) != 1:
        raise BadObject("valid-calendar-object-resource", "an entry's components must have the same type")
    if not kinds <= KINDS:
        raise BadObject("supported-calendar-component", f"unknown entry type: {min(kinds)[:50]}")
    uids = {part.value("UID") for part in parts}
    if len(uids) != 1 or not 0 < len(min(uids)) <= MAX_UID:
        raise BadObject("valid-calendar-object-resource", "an entry's components must have the same UID")
    calendar_object = CalendarObject(calendar, parts, zones_of(calendar))
    _check_parts(calendar_object, message=message)
    return calendar_object


def _check_parts(calendar_object: CalendarObject, *, message: bool) -> None:
    if sum(component.first("RECURRENCE-ID") is None for component in calendar_object.parts) > 1:
        raise BadObject("valid-calendar-object-resource", "an entry can only have one component without RECURRENCE-ID")
    for part in calendar_object.parts:
        for name in ("DTSTART", "DTEND", "DUE", "RECURRENCE-ID", "COMPLETED", "CREATED"):
            prop = part.first(name)
            if prop is not None and moment_of(prop, calendar_object.zones) is None:
                raise BadObject("valid-calendar-data", f"{name} is invalid")
        if part.name == "VEVENT" and part.first("DTSTART") is None and not message:
            raise BadObject("valid-calendar-data", "an event must include DTSTART")


def todo_span(part: Component, zones: Zones) -> Span:
    """The stretch in which a task is found (RFC 4791 §9.9), as one span that has all of it."""
    start, due = moment_of(part.first("DTSTART"), zones), moment_of(part.first("DUE"), zones)
    if start is not None:
        return span_of(part, zones) or (EARLIEST, LATEST)
    if due is not None:
        return seconds_of(due) - 1, seconds_of(due)
    times = [moment_of(part.first(name), zones) for name in ("COMPLETED", "CREATED")]
    known = [seconds_of(time) for time in times if time is not None]
    if not known:
        return EARLIEST, LATEST
    return min(known) - 1, LATEST if times[0] is None else max(known) + 1


def _availability_span(part: Component, zones: Zones) -> Span:
    """The stretch of a VAVAILABILITY, to which a start or an end may be missing (RFC 7953 §3.1)."""
    start, end = moment_of(part.first("DTSTART"), zones), moment_of(part.first("DTEND"), zones)
    if start is not None and part.first("DURATION") is not None:
        return span_of(part, zones) or (EARLIEST, LATEST)
    return EARLIEST if start is None else seconds_of(start), LATEST if end is None else seconds_of(end)


def _busy_span(part: Component) -> Span | None:
    """The stretch of the periods of a VFREEBUSY without DTSTART."""
    periods = [
        period
        for line in part.all("FREEBUSY")
        for value in line.value.split(",")
        if (period := period_of(value)) is not None
    ]
    return (min(one[0] for one in periods), max(one[1] for one in periods)) if periods else None


def expanded(calendar_object: CalendarObject, instances: Sequence[Instance]) -> Component:
    """The calendar with a component for each of these instances, in UTC, without rules and zones (RFC 4791 §9.6.5)."""
    parts = (
        [_instance(calendar_object, instance) for instance in instances]
        if calendar_object.repeated
        else [_in_utc(calendar_object, calendar_object.main)]
    )
    return Component("VCALENDAR", calendar_object.calendar.properties, parts)


def _instance(calendar_object: CalendarObject, instance: Instance) -> Component:
    part = calendar_object.parts[instance.part]
    main = calendar_object.main.first("DTSTART")
    whole = main is not None and is_date(main)
    own = recurrence_of(part, main)
    moment = value_of(instance.recurrence)
    text = instance.recurrence
    if moment is not None and not whole:
        line = own or main
        zone = moment_of(
            main if own is None or instance.recurrence != own.value.strip() else own, calendar_object.zones
        )
        if line is not None and zone is not None and zone.tzinfo is not None:
            text = utc_text(seconds_of(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone.tzinfo)))
    copy = _in_utc(calendar_object, part, instance)
    kind = ";VALUE=DATE" if whole else ""
    line_text = f"RECURRENCE-ID{kind}:{text}"
    copy.properties.append(Property("RECURRENCE-ID", {}, text, line_text))
    return copy


DROPPED: Final = frozenset({"RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID"})


def _in_utc(calendar_object: CalendarObject, part: Component, instance: Instance | None = None) -> Component:
    """A copy of a component whose times are in UTC, or the times of an instance. Dates and floating times stay."""
    start = part.first("DTSTART")
    floating = (
        start is not None and (moment := moment_of(start, calendar_object.zones)) is not None and moment.tzinfo is None
    )
    span = (instance.starts, instance.ends) if instance is not None else span_of(part, calendar_object.zones)
    properties: list[Property] = []
    for line in part.properties:
        if line.name in DROPPED:
            continue
        if line.name == "DURATION" and span is not None and not floating:
            line = _exact(line, span[1] - span[0])
        seconds = None
        if line.name in ("DTSTART", "DTEND", "DUE"):
            at = moment_of(line, calendar_object.zones)
            if instance is not None:
                seconds = instance.starts if line.name == "DTSTART" else instance.ends
            elif at is not None and at.tzinfo is not None:
                seconds = seconds_of(at)
        properties.append(line if seconds is None else _at(line, seconds, floating=floating))
    return Component(part.name, properties, part.components)


def _exact(line: Property, seconds: int) -> Property:
    """A duration in seconds where its days are not of 24 hours: those who read UTC do not know the zone."""
    length = duration_of(line.value)
    if length is None or length.total_seconds() == seconds:
        return line
    return Property("DURATION", {}, f"PT{seconds}S", f"DURATION:PT{seconds}S")


def _at(line: Property, seconds: int, *, floating: bool) -> Property:
    text = utc_text(seconds)
    if is_date(line):
        value, head = text[:8], f"{line.name};VALUE=DATE"
    else:
        value, head = text[:-1] if floating else text, line.name
    parsed = property_of(f"{head}:{value}")
    assert parsed is not None
    return parsed


def limited(calendar_object: CalendarObject, stretch: Span, instances: Sequence[Instance]) -> Component:
    """The calendar without the exceptions that have no moment in a stretch (RFC 4791 §9.6.6)."""
    kept = {instance.part for instance in instances}
    inner: list[Component] = []
    number = -1
    for component in calendar_object.calendar.components:
        if component.name != "VTIMEZONE":
            number += 1
            recurrence = recurrence_of(component, calendar_object.main.first("DTSTART"))
            moment = moment_of(recurrence, calendar_object.zones)
            original = moment is not None and stretch[0] <= seconds_of(moment) < stretch[1]
            if recurrence is not None and number not in kept and not original:
                continue
        inner.append(component)
    return Component("VCALENDAR", calendar_object.calendar.properties, inner)
