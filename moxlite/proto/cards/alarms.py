"""Moments at which an entry of a calendar reminds its owner (RFC 5545 §3.6.6, RFC 9074; DAV-50). Components in, moments
out; the cost is bounded whatever a file says.

An alarm is relative to the start or end of each instance, or comes once. Beside the standards this knows what
Thunderbird writes of alarms that were dismissed or put off: `X-MOZ-LASTACK`, `X-MOZ-SNOOZE-TIME`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta, tzinfo
from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.proto.cards.calendarobject import CalendarObject
from moxlite.proto.cards.components import BadComponents, Component, Instance, read_components
from moxlite.proto.cards.contentline import Property, property_of
from moxlite.proto.cards.filezones import zones_of
from moxlite.proto.cards.itip import address_of
from moxlite.proto.cards.moments import (
    duration_of,
    iana_zone,
    in_zone,
    known_zone,
    moment_of,
    seconds_of,
    time_text,
    zone_name,
)
from moxlite.proto.cards.repeating import span_of
from moxlite.proto.cards.rules import EPOCH

Action: TypeAlias = Literal["notice", "mail"]

ACTIONS: Final[dict[str, Action]] = {"DISPLAY": "notice", "AUDIO": "notice", "EMAIL": "mail"}
"""Other kinds of alarms are passed over, as RFC 5545 §3.8.6.1 says."""

MAX_ALARMS: Final = 500
"""Maximum alarms of an entry; later ones are ignored. Computing their times takes 5 ms."""

MAX_REPEATED: Final = 20
"""Maximum repetitions of an alarm; more are ignored."""

MIN_PAUSE: Final = 60
"""Seconds between two repetitions, at least."""

NEVER: Final = -(1 << 40)
"""Seconds before all others."""

OVER: Final = {"VEVENT": ("CANCELLED",), "VTODO": ("CANCELLED", "COMPLETED")}
"""Values of STATUS with which a component reminds of nothing."""

SNOOZED: Final = "X-MOZ-SNOOZE-TIME"
"""Property of Thunderbird for an alarm that was put off."""


class TriggeredAlarm(msgspec.Struct, frozen=True):
    """An alarm of an entry that has come at `moment`, seconds UTC. `starts`, `ends`: of the instance, None without a
    time; `part`: number of the component that describes it.
    """

    moment: int
    action: Action
    part: int
    starts: int | None
    ends: int | None


class _Alarm(msgspec.Struct, frozen=True):
    """`offsets`: seconds from the start, or from the end if `at_end`, or with `once` since 1970. Moments up to `done`
    have been seen.
    """

    action: Action
    offsets: tuple[int, ...]
    at_end: bool
    once: bool
    done: int


class _Times(msgspec.Struct, frozen=True):
    """A component's instances, sorted by start: their spans in the calendar, and the times of starts and ends."""

    spans: list[tuple[int, int]]
    starts: list[int]
    ends: list[int]


def has_alarms(calendar_object: CalendarObject) -> bool:
    """Whether an entry may remind of something."""
    return calendar_object.kind in OVER and any(
        any(component.name == "VALARM" for component in part.components)
        or any(prop.name.startswith(SNOOZED) for prop in part.properties)
        for part in calendar_object.parts
    )


def triggered_alarms(
    calendar_object: CalendarObject,
    instances: Sequence[Instance],
    zone: tzinfo,
    stretch: tuple[int, int],
    own: Collection[str] = (),
) -> tuple[list[TriggeredAlarm], int | None]:
    """Find the last alarm of each action in a time range, and when the next alarm is due.

    The range excludes its first second and includes its last one.

    Args:
      instances: of a repeated entry, by start.
      zone: in which dates and times without a zone are meant.
      own: the owner's addresses, in lower case. Declined events have no alarms.
    """
    since, until = stretch
    latest: dict[Action, TriggeredAlarm] = {}
    following: list[int] = []
    left = MAX_ALARMS
    by_part: dict[int, list[tuple[int, int]]] = {}
    for each in instances:
        by_part.setdefault(each.part, []).append((each.starts, each.ends))
    for number, part in enumerate(calendar_object.parts):
        found_alarms = [] if _is_over(part, own) else [*_alarms(calendar_object, part, zone, left)]
        if not found_alarms:
            continue
        times = _times(
            calendar_object,
            part,
            by_part.get(number, []) if calendar_object.repeated else _own_span(calendar_object, part),
            zone,
        )
        for alarm in found_alarms:
            left -= 1
            for at, place in _around(alarm, times, since, until, following):
                before = latest.get(alarm.action)
                if before is None or before.moment < at:
                    starts, ends = (None, None) if place is None else times.spans[place]
                    latest[alarm.action] = TriggeredAlarm(at, alarm.action, number, starts, ends)
    return [*latest.values()], min(following, default=None)


def acknowledged(calendar_object: CalendarObject, now: int, again: int | None, uid: str) -> list[Component]:
    """The components of an entry whose alarms up to `now`, seconds UTC, the owner has seen (RFC 9074 §6.1). `again`:
    the moment at which the owner wants to be reminded once more, by an alarm of this UID (§7), None for never. Alarms
    that were put off before go.
    """
    seen, parts = f"ACKNOWLEDGED:{_utc(now)}", []
    for number, part in enumerate(calendar_object.parts):
        inner: list[Component] = []
        for component in part.components:
            if component.name != "VALARM":
                inner.append(component)
            elif not any(prop.parameter("RELTYPE").upper() == "SNOOZE" for prop in component.all("RELATED-TO")):
                kept = [prop for prop in component.properties if prop.name != "ACKNOWLEDGED"]
                inner.append(Component("VALARM", [*kept, _line(seen)], component.components))
        if again is not None and number == 0:
            related = next((one.value("UID") for one in inner if one.name == "VALARM" and one.value("UID")), uid)
            lines = (f"UID:{uid}", "ACTION:DISPLAY", f"TRIGGER;VALUE=DATE-TIME:{_utc(again)}", "DESCRIPTION:Reminder")
            inner.append(Component("VALARM", [*map(_line, lines), _line(f"RELATED-TO;RELTYPE=SNOOZE:{related}")], []))
        lines_kept = [prop for prop in part.properties if not prop.name.startswith(SNOOZED)]
        parts.append(Component(part.name, lines_kept, inner))
    return parts


def _line(whole: str) -> Property:
    prop = property_of(whole)
    assert prop is not None
    return prop


def _utc(seconds: int) -> str:
    return f"{time_text(EPOCH + timedelta(seconds=seconds))}Z"


def _around(
    alarm: _Alarm, times: _Times, since: int, until: int, following: list[int]
) -> Iterator[tuple[int, int | None]]:
    """Yield an alarm's last times in a range, each with its instance's index.

    Later times are added to `following`.
    """
    since = max(since, alarm.done)
    for offset in alarm.offsets:
        if alarm.once:
            if since < offset <= until:
                yield offset, _instance_at(times, offset)
            elif offset > max(since, until):
                following.append(offset)
            continue
        base = times.ends if alarm.at_end else times.starts
        place = bisect_right(base, until - offset)
        if place and base[place - 1] + offset > since:
            yield base[place - 1] + offset, place - 1
        place = max(place, bisect_right(base, since - offset))
        if place < len(base):
            following.append(base[place] + offset)


def _instance_at(times: _Times, moment: int) -> int | None:
    """The instance that an alarm at a moment is about: the next one, else the last."""
    if not times.spans:
        return None
    return min(bisect_right(times.starts, moment - 1), len(times.spans) - 1)


def _is_over(part: Component, own: Collection[str]) -> bool:
    if part.value("STATUS").upper() in OVER.get(part.name, ()) or (
        part.name == "VTODO" and part.first("COMPLETED") is not None
    ):
        return True
    return any(
        prop.parameter("PARTSTAT").upper() == "DECLINED" and address_of(prop) in own for prop in part.all("ATTENDEE")
    )


def _own_span(calendar_object: CalendarObject, part: Component) -> list[tuple[int, int]]:
    span, due = span_of(part, calendar_object.zones), moment_of(part.first("DUE"), calendar_object.zones)
    return [span] if span is not None else [] if due is None else [(seconds_of(due), seconds_of(due))]


def _times(calendar_object: CalendarObject, part: Component, spans: list[tuple[int, int]], zone: tzinfo) -> _Times:
    if not calendar_object.floats(part):
        return _Times(spans, sorted(span[0] for span in spans), sorted(span[1] for span in spans))
    return _Times(
        spans, sorted(in_zone(span[0], zone) for span in spans), sorted(in_zone(span[1], zone) for span in spans)
    )


def _alarms(calendar_object: CalendarObject, part: Component, zone: tzinfo, limit: int) -> Iterator[_Alarm]:
    seen = _seconds(part.first("X-MOZ-LASTACK"), calendar_object, zone)
    for line in part.properties:
        if line.name.startswith(SNOOZED) and limit > 0:
            at = _seconds(line, calendar_object, zone)
            if at is not None:
                limit -= 1
                yield _Alarm("notice", (at,), at_end=False, once=True, done=NEVER if seen is None else seen)
    for inner in part.components:
        if inner.name == "VALARM" and limit > 0:
            limit -= 1
            alarm = _alarm(calendar_object, inner, zone, NEVER if seen is None else seen)
            if alarm is not None:
                yield alarm


def _alarm(calendar_object: CalendarObject, inner: Component, zone: tzinfo, seen: int) -> _Alarm | None:
    action, trigger = ACTIONS.get(inner.value("ACTION").upper()), inner.first("TRIGGER")
    if action is None or trigger is None:
        return None
    length = duration_of(trigger.value)
    first = _seconds(trigger, calendar_object, zone) if length is None else int(length.total_seconds())
    if first is None:
        return None
    done = _seconds(inner.first("ACKNOWLEDGED"), calendar_object, zone)
    at_end = trigger.parameter("RELATED").upper() == "END"
    offsets = tuple(first + number for number in _repeated(inner))
    return _Alarm(action, offsets, at_end, length is None, max(seen, NEVER if done is None else done))


def _repeated(inner: Component) -> Sequence[int]:
    """Seconds after the first moment of an alarm at which it comes, 0 the first."""
    pause, text = duration_of(inner.value("DURATION")), inner.value("REPEAT")
    if pause is None or not (text.isascii() and text.isdigit()):
        return (0,)
    number = min(int(text[:9]), MAX_REPEATED)
    seconds = max(MIN_PAUSE, int(pause.total_seconds()))
    return range(0, (number + 1) * seconds, seconds)


def _seconds(line: Property | None, calendar_object: CalendarObject, zone: tzinfo) -> int | None:
    moment = moment_of(line, calendar_object.zones)
    if moment is None:
        return None
    return in_zone(seconds_of(moment), zone) if moment.tzinfo is None else seconds_of(moment)


def zone_of(time_zone: str, name: str) -> tzinfo | None:
    """A calendar's time zone, from its VTIMEZONE or by name; None without either."""
    if time_zone:
        try:
            calendar = read_components(time_zone, "VCALENDAR")
        except BadComponents:
            calendar = Component("VCALENDAR", [], [])
        for component in calendar.components:
            named = zone_name(component.value("TZID")) if component.name == "VTIMEZONE" else ""
            if named:
                zone = known_zone(named, zones_of(calendar))
                if zone is not None:
                    return zone
    return iana_zone(name) if name else None
