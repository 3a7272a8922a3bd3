"""Repeated components: which rules are taken, and the instances that rules, further dates, exceptions and changed
instances make together (RFC 5545 §3.8.5, DAV-9).

The times of RRULE itself come from `rules`, as local times: a rule knows no zone. All else is here, and linear in the
number of instances.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from typing import Final

import msgspec

from moxlite.proto.cards.components import Component, Instance
from moxlite.proto.cards.contentline import Property, property_of
from moxlite.proto.cards.moments import (
    Length,
    Zones,
    in_series_form,
    is_date,
    length_of,
    moment_of,
    period_of,
    seconds_of,
    time_text,
    utc_text,
    value_of,
)
from moxlite.proto.cards.rules import EPOCH, BadRecurrence, Rule, Steps, local_seconds, read_rule, times_of

Span = tuple[int, int]
"""Seconds UTC of a start and an end."""

MAX_DATES: Final = 10_000
"""Dates of RDATE and EXDATE of a component, each."""

DAY: Final = 86_400
MAX_IN_DAYS: Final = 2 * DAY
"""Times that a rule gives in two days, at most."""


def parts_of(calendar: Component) -> list[Component]:
    """The components of a calendar but its zones."""
    return [component for component in calendar.components if component.name != "VTIMEZONE"]


def main_part(parts: Sequence[Component]) -> int | None:
    """Number of the component that the others are exceptions of; None if all are exceptions."""
    return next((number for number, part in enumerate(parts) if part.first("RECURRENCE-ID") is None), None)


def with_known_instances(calendar: Component) -> Component:
    """The calendar of an entry without each RECURRENCE-ID that means no time. Its component is left out, too, but for
    the first where there is no series.
    """
    kept: list[Component] = []
    whole = main_part(parts_of(calendar)) is not None
    for part in calendar.components:
        line = part.first("RECURRENCE-ID")
        if line is None or value_of(line.value) is not None:
            kept.append(part)
        elif not whole:
            lines = [other for other in part.properties if other.name != "RECURRENCE-ID"]
            kept.append(Component(part.name, lines, part.components))
            whole = True
    return Component(calendar.name, calendar.properties, kept)


def is_repeated(parts: Sequence[Component]) -> bool:
    """Whether there are instances: rules, dates or exceptions."""
    return any(prop.name in ("RRULE", "RDATE", "EXRULE", "RECURRENCE-ID") for part in parts for prop in part.properties)


def span_of(part: Component, zones: Zones) -> Span | None:
    """Component's start and end, or None if it has no start."""
    start = moment_of(part.first("DTSTART"), zones)
    return None if start is None else (seconds_of(start), _length(part, start, zones).end(start))


def _length(part: Component, start: datetime, zones: Zones) -> Length:
    """The length of each instance (RFC 5545 §3.8.5.3): by DTEND and DUE the seconds of the first one."""
    end = moment_of(part.first("DUE" if part.name == "VTODO" else "DTEND"), zones)
    if end is not None:
        return Length(0, seconds_of(end) - seconds_of(start))
    first = part.first("DTSTART")
    return length_of(part.value("DURATION")) or Length(1 if first is not None and is_date(first) else 0, 0)


def rules_of(part: Component, zones: Zones) -> list[Rule]:
    """The rules of a component. Raises BadRecurrence."""
    if part.first("EXRULE") is not None:
        raise BadRecurrence("EXRULE isn't supported; use EXDATE")
    lines = part.all("RRULE")
    if not lines:
        return []
    # RFC 5545 §3.8.5.3 advises against more than one, and programs write one. Each is expanded by itself, so their
    # number is a factor of the cost.
    if len(lines) > 4:
        raise BadRecurrence("a component can have up to 4 recurrence rules")
    first, start = part.first("DTSTART"), moment_of(part.first("DTSTART"), zones)
    if first is None or start is None:
        raise BadRecurrence("a recurring component must include DTSTART")
    return [read_rule(line.value, start, whole=is_date(first)) for line in lines]


def joined(parts: Sequence[Component], zones: Zones, times: Iterable[int], stretch: Span) -> list[Instance]:
    """The instances that have a moment in a stretch, by start.

    Args:
      times: local seconds of what the rules give in the stretch, and a day more at each side.
    """
    main = main_part(parts)
    instances: dict[int, Instance] = {}
    if main is not None:
        instances = _of_main(parts[main], main, zones, times)
    start_line = None if main is None else parts[main].first("DTSTART")
    first = moment_of(start_line, zones)
    later: list[tuple[int, int, Component]] = []
    for number, part in enumerate(parts):
        recurrence = recurrence_of(part, start_line)
        moment = moment_of(recurrence, zones)
        if recurrence is None or moment is None:
            continue
        key = seconds_of(moment)
        if recurrence.parameter("RANGE").upper() == "THISANDFUTURE":
            later.append((key, number, part))
        span = span_of(part, zones) or (key, key)
        text = _text_in_series(recurrence, moment, start_line, first)
        instances[key] = Instance(*span, text, number)
    _shift(instances, main, first, sorted(later, key=lambda part: part[0]), zones)
    since, until = stretch
    inside = [
        instance
        for instance in instances.values()
        if instance.starts < until and (instance.ends > since or instance.starts == instance.ends == since)
    ]
    return sorted(inside, key=lambda instance: (instance.starts, instance.recurrence))


def has_date(part: Component, zones: Zones, seconds: int, steps: Steps) -> bool:
    """Whether rules and dates of a series give a time (seconds UTC), so that it can be an exception. Raises
    BadRecurrence, TooMuchWork.
    """
    # without their lengths, times before this one do not last into it
    lines = [line for line in part.properties if line.name not in ("DTEND", "DURATION", "DUE")]
    # local times differ from UTC by a day at most
    stretch = seconds - DAY, seconds + DAY
    times = {time for rule in rules_of(part, zones) for time in times_of(rule, *stretch, MAX_IN_DAYS, steps)}
    instances = joined([Component(part.name, lines, [])], zones, times, (seconds, seconds + 1))
    return any(instance.starts == seconds for instance in instances)


def _text_in_series(recurrence: Property, moment: datetime, line: Property | None, first: datetime | None) -> str:
    """The time of an exception in the zone of its series, whose DTSTART is `line`."""
    if line is None or first is None or moment.tzinfo is None or first.tzinfo is None:
        return recurrence.value.strip()
    with suppress(OverflowError):  # at the end of all years
        moment = moment.astimezone(first.tzinfo)
    return _recurrence(moment, whole=is_date(line))


def _of_main(part: Component, number: int, zones: Zones, times: Iterable[int]) -> dict[int, Instance]:
    """Instances of the component itself, by seconds of their time by the rule."""
    first, start = part.first("DTSTART"), moment_of(part.first("DTSTART"), zones)
    if first is None or start is None:
        return {}
    length, whole = _length(part, start, zones), is_date(first)
    instances: dict[int, Instance] = {}
    for local in {local_seconds(start), *times}:
        moment = (EPOCH + timedelta(seconds=local)).replace(tzinfo=start.tzinfo)
        seconds = seconds_of(moment)
        instances[seconds] = Instance(seconds, length.end(moment), _recurrence(moment, whole=whole), number)
    for line in dates_in(part, "RDATE"):
        _add_date(instances, line, start.tzinfo, length, number, zones, whole=whole)
    gone = left_out(part, zones)
    return {
        seconds: instance
        for seconds, instance in instances.items()
        if seconds not in gone.times and instance.recurrence[:8] not in gone.days
    }


def recurrence_of(part: Component, first: Property | None) -> Property | None:
    """RECURRENCE-ID of an exception in the form of `first`, its series' DTSTART; None for the series itself."""
    recurrence = part.first("RECURRENCE-ID")
    return None if recurrence is None else in_series_form(recurrence, first)


class LeftOut(msgspec.Struct, frozen=True):
    """Dates that EXDATE takes out of a series (RFC 5545 §3.8.5.1): instances at `times`, seconds UTC, with the line
    that says so, and all of `days`, YYYYMMDD in the zone of the series, which programs write for one of times, too.
    """

    times: Mapping[int, Property] = {}
    days: Set[str] = frozenset()


def left_out(part: Component, zones: Zones) -> LeftOut:
    """Read EXDATE of a series."""
    first = part.first("DTSTART")
    times, days = dict[int, Property](), set[str]()
    for line in dates_in(part, "EXDATE"):
        moment = moment_of(line, zones)
        if moment is not None and is_date(line) and first is not None and not is_date(first):
            days.add(line.value[:8])
        elif moment is not None:
            times[seconds_of(moment)] = line
    return LeftOut(times, days)


def dates_in(part: Component, name: str) -> Iterator[Property]:
    """The dates of RDATE or EXDATE of a component, at most `MAX_DATES`: each with a line of its own value, of EXDATE in
    the form of DTSTART.
    """
    first = part.first("DTSTART") if name == "EXDATE" else None
    lines = ((line, value.strip()) for line in part.all(name) for value in line.value.split(","))
    dates = (msgspec.structs.replace(line, value=value) for line, value in islice(lines, MAX_DATES))
    return (in_series_form(line, first) for line in dates)


def _add_date(
    instances: dict[int, Instance],
    line: Property,
    zone: tzinfo | None,
    length: Length,
    number: int,
    zones: Zones,
    *,
    whole: bool,
) -> None:
    """Add an instance of RDATE: a time or a period."""
    moment = moment_of(msgspec.structs.replace(line, value=line.value.partition("/")[0]), zones)
    if moment is None:
        return
    seconds = seconds_of(moment)
    if "/" in line.value and (period := period_of(line.value)) is not None:
        length = Length(0, period[1] - period[0])
    if moment.tzinfo is not None and zone is not None:
        try:
            moment = moment.astimezone(zone)
        except OverflowError:  # at the end of all years, which mails may name: no instance
            return
    instances.setdefault(seconds, Instance(seconds, length.end(moment), _recurrence(moment, whole=whole), number))


def _shift(
    instances: dict[int, Instance],
    main: int | None,
    first: datetime | None,
    later: list[tuple[int, int, Component]],
    zones: Zones,
) -> None:
    """Give all instances after an exception for "this and future" its distance and length (RFC 5545 §3.8.4.4), but
    those that are exceptions themselves. The distance is that of the clocks, as people see it.
    """
    keys = sorted(instances)
    for place, (key, number, part) in enumerate(later):
        end = bisect_left(keys, later[place + 1][0]) if place + 1 < len(later) else len(keys)
        start = moment_of(part.first("DTSTART"), zones)
        if start is None:
            continue
        zone, length = start.tzinfo or UTC, _length(part, start, zones)
        try:
            distance = start.replace(tzinfo=None) - _in_zone(key, zone).replace(tzinfo=None)
        except OverflowError:  # at the end of all years, which mails may name: the others keep their times
            continue
        for other in keys[bisect_right(keys, key) : end]:
            instance = instances[other]
            if instance.part == main:
                with suppress(OverflowError):
                    local = value_of(instance.recurrence)
                    if local is None or first is None or first.tzinfo != start.tzinfo:
                        local = _in_zone(other, zone)
                    # in one zone by the rule: an hour that the change of the clocks leaves out keeps its name
                    moment = local.replace(tzinfo=zone) + distance
                    instances[other] = Instance(seconds_of(moment), length.end(moment), instance.recurrence, number)


def _in_zone(seconds: int, zone: tzinfo) -> datetime:
    return (EPOCH.replace(tzinfo=UTC) + timedelta(seconds=seconds)).astimezone(zone)


def _recurrence(moment: datetime, *, whole: bool) -> str:
    text = time_text(moment)
    return text[:8] if whole else text + ("Z" if moment.tzinfo is UTC else "")


OF_SERIES: Final = frozenset({"RRULE", "RDATE", "EXDATE", "DTSTART", "DTEND", "DUE"})
"""Properties of a series that an exception does not have, or with another time."""


def date_of(series: Component, zones: Zones, gone: LeftOut, recurrence: Property) -> Component | None:
    """Make an exception from a series at one of its regular times, which `recurrence` names in the form of its DTSTART.

    None if the event doesn't repeat, the time was excluded, or the time doesn't exist in its zone. `gone`: its
    `left_out`, which is slow if there are many dates.
    """
    start = series.first("DTSTART")
    moment, first = moment_of(recurrence, zones), moment_of(start, zones)
    if start is None or moment is None or first is None:
        return None
    if not (series.all("RRULE") or series.all("RDATE")) or is_date(recurrence) != is_date(start):
        return None
    try:
        local = moment if moment.tzinfo is None or first.tzinfo is None else moment.astimezone(first.tzinfo)
    except OverflowError:  # a mail says the time, which may be at the end of all years
        return None
    if seconds_of(moment) in gone.times or time_text(local)[:8] in gone.days:
        return None
    lines = [*(line for line in series.properties if line.name not in OF_SERIES), recurrence]
    distance = seconds_of(moment) - seconds_of(first)
    for line in series.properties:
        at = moment_of(line, zones) if line.name in ("DTSTART", "DTEND", "DUE") else None
        if at is not None:
            lines.append(_moved(line, at, seconds_of(at) + distance))
    return Component(series.name, lines, series.components)


def _moved(line: Property, at: datetime, seconds: int) -> Property:
    """A line of the time `at` with another moment, said in the same zone: a form that shows it is not in UTC then."""
    text, head = utc_text(seconds), line.name
    if is_date(line):
        text, head = text[:8], f"{line.name};VALUE=DATE"
    elif at.tzinfo is None:
        text = text[:-1]
    elif at.tzinfo is not UTC:
        with suppress(OverflowError):  # at the end of all years
            local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).astimezone(at.tzinfo)
            if not local.fold:  # the hour that clocks show twice means the first of both
                text, head = time_text(local), line.whole[: -len(line.value) - 1]
    made = property_of(f"{head}:{text}")
    assert made is not None
    return made
