"""JSCalendar events as entries of calendars, with their rules, dates and exceptions: the other part of the way back of
`jscalendar`. Values in, values out. Exceptions whose object stays keep their lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from moxlite.proto.cards.calendarobject import CalendarObject
from moxlite.proto.cards.components import Component
from moxlite.proto.cards.contentline import Property
from moxlite.proto.cards.editing import with_zones
from moxlite.proto.cards.itip import PRODID
from moxlite.proto.cards.jscalendar import (
    FLAGS,
    NEVER_OVERRIDDEN,
    PROPERTIES,
    RULE_LISTS,
    Clock,
    Object,
    clock_of,
    dates_of,
    event_of,
    instance_of,
    recurrence_key,
    utc_date,
)
from moxlite.proto.cards.jscalendarlines import (
    MAX_OBJECTS,
    BadEvent,
    digits_of,
    line_of,
    normal,
    number_of,
    read_local,
    string_of,
    time_line,
    wanted_clock,
    written,
)
from moxlite.proto.cards.limits import MAX_ENTRY, TOO_LARGE, octets_of
from moxlite.proto.cards.moments import Zones

DAYS: Final = frozenset({"mo", "tu", "we", "th", "fr", "sa", "su"})
FREQUENCIES: Final = frozenset({"yearly", "monthly", "weekly", "daily", "hourly", "minutely", "secondly"})
RULES: Final = frozenset({"RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID"})
OWN: Final = frozenset({*PROPERTIES, *FLAGS})
MAX_OVERRIDES: Final = 2_000  # excluded dates with them: twice the exceptions of an entry


def entry_of(calendar_object: CalendarObject | None, wanted: Object, now: int) -> Component:
    """The calendar that has what an object says; of `found`, the lines of what has not changed.

    Args:
      now: seconds UTC.

    Raises BadEvent.
    """
    wanted = normal(wanted)
    if "method" in wanted:
        raise BadEvent("method", "events in a calendar can't have a method")
    zones: Zones = {} if calendar_object is None else calendar_object.zones
    before = {} if calendar_object is None else normal(event_of(calendar_object))
    if before == wanted and calendar_object is not None:
        return calendar_object.calendar
    wanted.setdefault("updated", utc_date(datetime.fromtimestamp(now, UTC)))
    old = Component("VEVENT", [], []) if calendar_object is None else calendar_object.main
    main = written(old, _alone(before), _alone(wanted), zones, now)
    main = Component(main.name, [*main.properties], main.components)
    parts = [main, *_series(calendar_object, main, before, wanted, now)]
    head = (
        [line_of("VERSION", "2.0"), line_of("PRODID", PRODID)]
        if calendar_object is None
        else calendar_object.calendar.properties
    )
    if wanted.get("prodId") not in (None, before.get("prodId")):
        head = [prop for prop in head if prop.name != "PRODID"]
        head.append(line_of("PRODID", string_of("prodId", wanted["prodId"], 1_000)))
    return with_zones(
        Component("VCALENDAR", head, [] if calendar_object is None else calendar_object.calendar.components), parts
    )


def _alone(event: Object) -> Object:
    return {
        name: value for name, value in event.items() if name not in ("recurrenceRule", "recurrenceOverrides", "prodId")
    }


def _series(
    calendar_object: CalendarObject | None, main: Component, before: Object, wanted: Object, now: int
) -> list[Component]:
    """The exceptions of an event, whose rules and dates are put into `main`. Raises BadEvent."""
    clock = wanted_clock(wanted)
    if wanted.get("recurrenceId") is not None:
        if "recurrenceRule" in wanted or "recurrenceOverrides" in wanted:
            raise BadEvent("recurrenceId", "an event in a series can't have its own recurrence rule")
        if main.first("RECURRENCE-ID") is None:
            _set_lines(
                main,
                "RECURRENCE-ID",
                [time_line("RECURRENCE-ID", read_local("recurrenceId", wanted["recurrenceId"]), clock)],
            )
        return (
            []
            if calendar_object is None
            else [part for part in calendar_object.parts if part is not calendar_object.main]
        )
    zones: Zones = {} if calendar_object is None else calendar_object.zones
    was = Clock(None, None, whole=False) if calendar_object is None else clock_of(calendar_object.main, zones)
    moved = was != clock
    rule = wanted.get("recurrenceRule")
    if rule != before.get("recurrenceRule") or (moved and rule is not None):
        _set_lines(main, "RRULE", [] if rule is None else [line_of("RRULE", _rule(rule, clock))])
    overrides = wanted.get("recurrenceOverrides") or {}
    if not isinstance(overrides, dict) or len(overrides) > MAX_OVERRIDES:
        raise BadEvent("recurrenceOverrides", f"must be an object with up to {MAX_OVERRIDES} patches")
    there: dict[str, Component] = {}
    if calendar_object is not None:
        others = (part for part in calendar_object.parts if part is not calendar_object.main)
        there = {recurrence_key(calendar_object, component, was): component for component in others}
    _dates(calendar_object, main, overrides, there, clock, moved=moved)
    return _exceptions(there, main, before, wanted, now, clock if moved else None, zones)


def _set_lines(part: Component, name: str, lines: list[Property]) -> None:
    part.properties = [prop for prop in part.properties if prop.name != name] + lines


def _dates(
    calendar_object: CalendarObject | None,
    main: Component,
    overrides: Object,
    there: Mapping[str, Component],
    clock: Clock,
    *,
    moved: bool,
) -> None:
    """Write EXDATE and RDATE, where they have changed. Raises BadEvent."""
    zones: Zones = {} if calendar_object is None else calendar_object.zones
    was = clock if calendar_object is None else clock_of(calendar_object.main, zones)
    added, excluded = (
        {key for key, _ in dates_of(main if calendar_object is None else calendar_object.main, name, zones, was)}
        for name in ("RDATE", "EXDATE")
    )
    gone = {key for key, patch in overrides.items() if isinstance(patch, dict) and patch.get("excluded") is True}
    more = {
        key
        for key, patch in overrides.items()
        if key not in gone and (key in added or (patch == {} and key not in there))
    }
    for name, before, after in (("EXDATE", excluded, gone), ("RDATE", added, more)):
        if moved or before != after:
            times = [time_line(name, read_local("recurrenceOverrides", key), clock) for key in sorted(after)]
            _set_lines(main, name, times)


def _exceptions(
    there: Mapping[str, Component],
    main: Component,
    before: Object,
    wanted: Object,
    now: int,
    clock: Clock | None,
    zones: Zones,
) -> list[Component]:
    """The components of exceptions. `clock`: by which their times are said anew, None if it stays. Raises BadEvent."""
    made: list[Component] = []
    size = 0
    known = before.get("recurrenceOverrides") or {}
    start_clock = wanted_clock(wanted)
    # A new exception has all lines and alarms of its series: their size is asked before the first is copied.
    overrides = wanted.get("recurrenceOverrides") or {}
    copies = sum(
        isinstance(patch, dict)
        and len(patch) > 0
        and patch.get("excluded") is not True
        and key not in there
        and patch != known.get(key)
        for key, patch in overrides.items()
    )
    if copies * octets_of(main) > MAX_ENTRY:
        raise BadEvent("recurrenceOverrides", TOO_LARGE)
    same_series = clock is None and _alone(before) == _alone(wanted)
    for key, patch in overrides.items():
        moment = read_local("recurrenceOverrides", key)
        if not isinstance(patch, dict):
            raise BadEvent("recurrenceOverrides", "a patch must be an object")
        old = there.get(key)
        if patch.get("excluded") is True or (
            old is None and (patch == {} or _is_date_only(patch, known.get(key), main, key))
        ):
            continue
        if old is not None and same_series and patch == known.get(key):
            made.append(old)
            continue
        shown = normal(instance_of({**wanted, "recurrenceOverrides": {key: patch}}, key))
        same = NEVER_OVERRIDDEN | {name for name in shown if name not in OWN and shown[name] == wanted.get(name)}
        if old is None:
            base = Component("VEVENT", [prop for prop in main.properties if prop.name not in RULES], main.components)
            part = written(base, _alone(wanted), shown, zones, now, inherited=same)
            part = Component(
                part.name, [*part.properties, time_line("RECURRENCE-ID", moment, start_clock)], part.components
            )
        else:
            earlier = normal(instance_of(before, key))
            part = written(old, earlier, shown, zones, now, inherited=same)
            if clock is not None:
                part = Component(part.name, [*part.properties], part.components)
                _set_lines(part, "RECURRENCE-ID", [time_line("RECURRENCE-ID", moment, clock)])
        size += sum(len(prop.whole) for prop in part.properties)
        if size > MAX_ENTRY:
            raise BadEvent("recurrenceOverrides", TOO_LARGE)
        made.append(part)
    return made


def _is_date_only(patch: Object, before: Any, main: Component, key: str) -> bool:
    """Whether a period of RDATE says all of a patch still."""
    return patch == before and patch.keys() == {"duration"} and any("/" in prop.value for prop in main.all("RDATE"))


def _rule(rule: Any, clock: Clock) -> str:
    """The value of RRULE. Raises BadEvent."""
    # One branch a part of RRULE (RFC 5545 §3.3.10): the parts differ in form, and a wrong one must name itself.
    members = {
        "@type",
        "frequency",
        "interval",
        "count",
        "until",
        "byDay",
        "byMonth",
        "firstDayOfWeek",
        *RULE_LISTS.values(),
    }
    if not isinstance(rule, dict) or rule.get("frequency") not in FREQUENCIES or rule.keys() - members:
        raise BadEvent("recurrenceRule", "must be a RecurrenceRule with the default rscale and skip")
    parts = [f"FREQ={rule['frequency'].upper()}"]
    for member, name in (("interval", "INTERVAL"), ("count", "COUNT")):
        if rule.get(member) is not None:
            parts.append(f"{name}={number_of(999_999)('recurrenceRule', rule[member])}")
    if rule.get("until") is not None:
        parts.append(f"UNTIL={_until(read_local('recurrenceRule', rule['until']), clock)}")
    if rule.get("byDay") is not None:
        parts.append("BYDAY=" + ",".join(_day(day) for day in _list(rule["byDay"])))
    if rule.get("byMonth") is not None:
        months = [str(month) for month in _list(rule["byMonth"])]
        if not all(month.isascii() and month.isdecimal() for month in months):
            raise BadEvent("recurrenceRule", "byMonth must be an array of numbers as strings")
        parts.append("BYMONTH=" + ",".join(months))
    for name, member in RULE_LISTS.items():
        if rule.get(member) is not None:
            numbers = _list(rule[member])
            if not all(
                isinstance(number, int) and not isinstance(number, bool) and abs(number) < 1_000 for number in numbers
            ):
                raise BadEvent("recurrenceRule", f"{member} must be an array of numbers")
            parts.append(f"{name}=" + ",".join(map(str, numbers)))
    if rule.get("firstDayOfWeek") is not None:
        parts.append(f"WKST={_day({'day': rule['firstDayOfWeek']})}")
    return ";".join(parts)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_OBJECTS:
        raise BadEvent("recurrenceRule", f"each list must be an array of 1 to {MAX_OBJECTS} values")
    return value


def _day(one: Any) -> str:
    number = one.get("nthOfPeriod") if isinstance(one, dict) else None
    if not isinstance(one, dict) or one.get("day") not in DAYS or one.keys() - {"@type", "day", "nthOfPeriod"}:
        raise BadEvent("recurrenceRule", "a day must be one of mo, tu, we, th, fr, sa, su")
    if number is not None and (not isinstance(number, int) or isinstance(number, bool) or not 0 < abs(number) <= 53):
        raise BadEvent("recurrenceRule", "nthOfPeriod must be between -53 and 53, except 0")
    return f"{number or ''}{one['day'].upper()}"


def _until(moment: datetime, clock: Clock) -> str:
    """The end of a rule, in the form of its start (RFC 5545 §3.3.10)."""
    if clock.whole:
        return digits_of(moment)[:8]
    if clock.zone is None:
        return digits_of(moment)
    try:
        return f"{digits_of(moment.replace(tzinfo=clock.zone).astimezone(UTC))}Z"
    except OverflowError:
        raise BadEvent("recurrenceRule", "until isn't a valid time") from None
