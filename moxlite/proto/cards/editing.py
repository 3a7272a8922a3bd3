"""Events as people write them in a form, and what a form makes of a calendar file (RFC 5545 §3.6.1, WEBMAIL-174).

Pure: a file and a form in, a file out. Properties that a form does not have stay as they came.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import Final

import msgspec

from moxlite.normal import visible
from moxlite.proto.address import one_spelling
from moxlite.proto.cards.calendarobject import CalendarObject
from moxlite.proto.cards.colours import colour_name, shown_colour
from moxlite.proto.cards.components import Component
from moxlite.proto.cards.contentline import Property, escaped, in_parameter, plain, property_of, unescaped
from moxlite.proto.cards.itip import (
    PRODID,
    address_of,
    attendees_of,
    key_of,
    mapped,
    organizer_of,
    with_parameters,
    without_answers,
)
from moxlite.proto.cards.joining import link_of, with_link
from moxlite.proto.cards.moments import (
    DAYS,
    Zones,
    duration_of,
    iana_zone,
    is_date,
    known_zone,
    moment_of,
    seconds_of,
    time_text,
    utc_text,
    value_of,
    zone_name,
)
from moxlite.proto.cards.repeating import span_of
from moxlite.proto.cards.rules import day_of_month
from moxlite.proto.cards.zonefile import zone_component

MAX_TEXT: Final = 1000
MAX_NOTES: Final = 20_000
"""Characters of a title or a place, and of notes."""

NTH_DAY: Final = re.compile(r"\+?([1-4]|-1)(MO|TU|WE|TH|FR|SA|SU)")
"""A day of the week at its place in a month."""

OF_FORM: Final = frozenset(
    {
        *("DTSTART", "DTEND", "DURATION", "RRULE", "TRANSP", "ORGANIZER", "ATTENDEE", "DTSTAMP", "LAST-MODIFIED"),
        *("SUMMARY", "LOCATION", "DESCRIPTION"),
    }
)
"""Event properties that the form contains, or that change with it."""

OF_SERIES: Final = frozenset({"RRULE", "RDATE", "EXDATE", "EXRULE"})


class BadForm(ValueError):
    """A form with invalid values. The message says why, for people."""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """An event as a form has it.

    Attributes:
      whole: it lasts whole days; `start` is the first, `end` the day after the last.
      start, end: local times of `zone`; "UTC", or "" for a time that is the same on all clocks.
      rule: a value of RRULE, "" for an event that does not repeat.
      alarms, mails: minutes before the start at which an alarm comes, and a mail as one.
      free: it leaves the user free. guests: name and address of each.
      link: by which one joins, "" for none. colour: `#rrggbb`, "" for that of the calendar.
    """

    title: str
    place: str
    notes: str
    whole: bool
    start: datetime
    end: datetime
    zone: str
    rule: str
    alarms: tuple[int, ...]
    mails: tuple[int, ...] = ()
    free: bool
    guests: tuple[tuple[str, str], ...]
    link: str = ""
    colour: str = ""


class Author(msgspec.Struct, frozen=True):
    """The user who changes an event: name, address, and all own addresses, in lower case. `now`: seconds UTC."""

    name: str
    address: str
    own: frozenset[str]
    now: int


def form_of(calendar_object: CalendarObject, part: Component) -> Form:
    """The form of a component. Raises BadForm."""
    first = part.first("DTSTART")
    start = moment_of(first, calendar_object.zones)
    span = span_of(part, calendar_object.zones)
    if first is None or start is None or span is None:
        raise BadForm("this event doesn't have a start time")
    local = start.replace(tzinfo=None)
    return Form(
        title=plain(part.value("SUMMARY"), MAX_TEXT),
        place=plain(part.value("LOCATION"), MAX_TEXT),
        notes=unescaped(part.value("DESCRIPTION"))[:MAX_NOTES],
        whole=is_date(first),
        start=local,
        end=_end(part, start, span[1] - span[0], calendar_object.zones),
        zone=_zone_name(first),
        rule=part.value("RRULE"),
        alarms=_alarms(part, mailed=False),
        mails=_alarms(part, mailed=True),
        free=part.value("TRANSP").upper() == "TRANSPARENT",
        guests=tuple(
            (plain(line.parameter("CN"), 200), plain(line.value.strip()[7:], 320))
            for address, line in attendees_of(part).items()
            if address != address_of(organizer_of(calendar_object))
        ),
        link=link_of(part),
        colour=shown_colour(part.value("COLOR")),
    )


def new_event(form: Form, uid: str, author: Author) -> Component:
    """The calendar of a new event. Raises BadForm."""
    part = Component("VEVENT", [_line("UID", uid), _line("CREATED", utc_text(author.now))], [])
    calendar = Component("VCALENDAR", [_line("VERSION", "2.0"), _line("PRODID", PRODID)], [])
    return with_zones(calendar, [_written(part, form, author, {}, series=True)])


def series_changed(calendar_object: CalendarObject, form: Form, shown: Form, author: Author) -> Component:
    """The calendar with all events of a series, or the only one, changed from what was shown as `shown` to `form`.

    Days and times move by the same distance for all. Raises BadForm.
    """
    main, zones = calendar_object.main, calendar_object.zones
    before = form_of(calendar_object, main)
    if form.zone == shown.zone and not before.whole:  # an exception may be in another one, such as UTC
        form, shown = _said_in(form, before.zone, zones), _said_in(shown, before.zone, zones)
    moved = form.start - shown.start
    same = form.rule == before.rule and form.whole == before.whole
    start, rule = before.start + moved, form.rule
    if same:
        rule, start, same = _turned(rule, shown.start, form.start, before.start)
    form = msgspec.structs.replace(form, start=start, end=start + (form.end - form.start), rule=rule)
    part = _written(main, form, author, zones, series=True)
    others: list[Component] = []
    if same:
        part = _shifted(part, moved, before.zone, form.zone, zones)
        others = [
            _shifted(component, moved, before.zone, form.zone, zones)
            for component in calendar_object.parts
            if component is not main
        ]
    else:  # another rule, or place in the month, makes other times, which have no exceptions
        part = mapped(part, lambda line: None if line.name in ("EXDATE", "RDATE") else line)
    return with_zones(calendar_object.calendar, [part, *others])


def one_changed(calendar_object: CalendarObject, recurrence: str, form: Form, author: Author) -> Component:
    """The calendar with one event of a series changed. `recurrence`: its time, as `Instance` has it. Raises BadForm."""
    there = exception_at(calendar_object, recurrence)
    base = there or mapped(calendar_object.main, lambda line: None if line.name in OF_SERIES else line)
    part = _written(base, form, author, calendar_object.zones, series=False)
    if there is None:
        part.properties.append(_in_series(calendar_object.main, "RECURRENCE-ID", recurrence))
    others = [component for component in calendar_object.parts if component is not there]
    return with_zones(calendar_object.calendar, [*others, part])


def one_removed(calendar_object: CalendarObject, recurrence: str) -> Component | None:
    """Remove one event of a series. Returns None if it was the only one."""
    there = exception_at(calendar_object, recurrence)
    parts = [part for part in calendar_object.parts if part is not there]
    if calendar_object.main.first("RECURRENCE-ID") is None:
        parts = [
            _with(part, _in_series(part, "EXDATE", recurrence)) if part is calendar_object.main else part
            for part in parts
        ]
    return with_zones(calendar_object.calendar, parts) if parts else None


def ended(calendar_object: CalendarObject, recurrence: str) -> Component:
    """The calendar without an event of a series and all that follow."""
    limit = _moment(recurrence)
    main = calendar_object.main
    first = main.first("DTSTART")
    start = moment_of(first, calendar_object.zones)
    if first is None or start is None:
        raise BadForm("this event doesn't have a start time")
    if is_date(first):
        until = time_text(limit - timedelta(days=1))[:8]
    elif start.tzinfo is None:
        until = time_text(limit - timedelta(seconds=1))
    else:
        last = limit.replace(tzinfo=start.tzinfo) - timedelta(seconds=1)
        until = utc_text(int(last.timestamp()))

    def line(prop: Property) -> Property | None:
        if prop.name == "RRULE":
            return _line("RRULE", f"{_without_end(prop.value.strip())};UNTIL={until}")
        if prop.name in ("EXDATE", "RDATE"):
            return _kept(prop, lambda at: at < limit)
        return prop

    others = [
        part for part in calendar_object.parts if part is not main and _moment(part.value("RECURRENCE-ID")) < limit
    ]
    return with_zones(calendar_object.calendar, [mapped(main, line), *others])


def following(
    calendar_object: CalendarObject, recurrence: str, form: Form, shown: Form, author: Author, uid: str, before: int
) -> Component:
    """The calendar of a series that begins with an event of another one, of which `before` events stay. Raises
    BadForm.
    """
    limit, zones = _moment(recurrence), calendar_object.zones
    series = form_of(calendar_object, calendar_object.main)
    zone = series.zone
    if form.zone == shown.zone and not series.whole:
        form, shown = _said_in(form, zone, zones), _said_in(shown, zone, zones)
    moved = form.start - shown.start
    same = form.rule == calendar_object.main.value("RRULE") and form.whole == shown.whole
    if same:
        rule, _, same = _turned(form.rule, shown.start, form.start, shown.start)
        count = _count(rule)
        if count:
            rule = f"{_without_end(rule)};COUNT={max(1, count - before)}"
        form = msgspec.structs.replace(form, rule=rule)
    main = mapped(calendar_object.main, lambda prop: _line("UID", uid) if prop.name == "UID" else prop)
    main = mapped(main, lambda prop: None if prop.name in ("EXDATE", "RDATE") and not same else prop)
    main = mapped(main, lambda prop: _kept(prop, lambda at: at >= limit) if prop.name in ("EXDATE", "RDATE") else prop)
    part = _shifted(_written(main, form, author, zones, series=True), moved, zone, form.zone, zones)
    if moved or form.zone != zone or not same:  # to another time than the answers are about
        part = without_answers(part, author.own)
    others = [
        _shifted(
            mapped(component, lambda line: _line("UID", uid) if line.name == "UID" else line),
            *(moved, zone, form.zone, zones),
        )
        for component in calendar_object.parts
        if same and component is not calendar_object.main and _moment(component.value("RECURRENCE-ID")) > limit
    ]
    return with_zones(calendar_object.calendar, [part, *others])


def _written(part: Component, form: Form, author: Author, zones: Zones, *, series: bool) -> Component:
    """A component with what a form says; `series`: with its rule."""
    if form.end < form.start or (form.whole and form.end == form.start):
        raise BadForm("the event must end after it starts")
    made = [prop for prop in part.properties if prop.name not in OF_FORM]
    made += [_line("DTSTAMP", utc_text(author.now)), _line("LAST-MODIFIED", utc_text(author.now))]
    made += [_time("DTSTART", form.start, form, zones), _time("DTEND", form.end, form, zones)]
    for name, text in (("SUMMARY", form.title), ("LOCATION", form.place), ("DESCRIPTION", form.notes)):
        old = part.first(name)
        known = "" if old is None else plain(old.value, MAX_TEXT) if name != "DESCRIPTION" else unescaped(old.value)
        if old is not None and known == text:
            made.append(old)
        elif text:
            made.append(_line(name, escaped(text)))
            if name == "DESCRIPTION":
                made = [prop for prop in made if prop.name != "X-ALT-DESC"]
    made = with_link(made, link_of(part), form.link)
    if form.colour != shown_colour(part.value("COLOR")):
        made = [prop for prop in made if prop.name != "COLOR"]
        made += [_line("COLOR", colour_name(form.colour))] if form.colour else []
    if form.free:
        made.append(_line("TRANSP", "TRANSPARENT"))
    if series and form.rule:
        made.append(_line("RRULE", _rule(form, zones)))
    made += _people(part, form, author)
    return Component(part.name, made, _with_alarms(part, form, author))


def _people(part: Component, form: Form, author: Author) -> list[Property]:
    """The lines of organiser and guests."""
    organizer, there = part.first("ORGANIZER"), attendees_of(part)
    if not form.guests:
        return []
    made: list[Property] = []
    if organizer is None:
        name = f';CN="{_quotable(author.name)}"' if author.name else ""
        made.append(_read(f"ORGANIZER{name}:mailto:{author.address}"))
        made.append(_read(f"ATTENDEE{name};ROLE=CHAIR;PARTSTAT=ACCEPTED:mailto:{author.address}"))
    else:
        made.append(organizer)
        made += [line for address, line in there.items() if address == address_of(organizer)]
    seen = {address_of(prop) for prop in made}
    for name, address in form.guests:
        key = one_spelling(address)
        if key in seen:
            continue
        seen.add(key)
        cn = f';CN="{_quotable(name)}"' if name else ""
        new = f"ATTENDEE{cn};ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{address}"
        made.append(there.get(key) or _read(new))
    return made


def _with_alarms(part: Component, form: Form, author: Author) -> list[Component]:
    """The inner components of an event: alarms of the form, and those that no form shows."""
    wanted = {(at, False) for at in form.alarms} | {(at, True) for at in form.mails}
    known = {_alarm(component) for component in part.components}
    kept = [component for component in part.components if (found := _alarm(component)) is None or found in wanted]
    for minutes, mailed in sorted(wanted - known):
        lines = [_line("ACTION", "EMAIL" if mailed else "DISPLAY"), _line("TRIGGER", f"-PT{minutes}M")]
        lines.append(_line("DESCRIPTION", "Reminder"))
        if mailed:  # RFC 5545 §3.6.6 wants both
            lines += [_line("SUMMARY", "Reminder"), _line("ATTENDEE", f"mailto:{author.address}")]
        kept.append(Component("VALARM", lines, []))
    return kept


def _alarms(part: Component, *, mailed: bool) -> tuple[int, ...]:
    found = {_alarm(component) for component in part.components}
    return tuple(sorted(one[0] for one in found if one is not None and one[1] == mailed))


def _alarm(component: Component) -> tuple[int, bool] | None:
    """Minutes before the start at which an alarm comes, and whether it is a mail; None for another component or
    alarm.
    """
    trigger = component.first("TRIGGER") if component.name == "VALARM" else None
    if trigger is None or trigger.parameter("RELATED").upper() == "END":
        return None
    span = duration_of(trigger.value)
    if span is None or span > timedelta(0):
        return None
    return int(-span.total_seconds()) // 60, component.value("ACTION").upper() == "EMAIL"


def _rule(form: Form, zones: Zones) -> str:
    """The rule of a form, with its end in the form of the start (RFC 5545 §3.3.10)."""
    parts = [one for one in form.rule.strip().upper().rstrip(";").split(";") if one]
    for number, part in enumerate(parts):
        name, _, value = part.partition("=")
        until = value_of(value) if name == "UNTIL" else None
        if until is None or ("T" in value) != form.whole:
            continue
        if form.whole:
            text = value[:8]
        else:
            last = until.replace(hour=23, minute=59, second=59)
            zone = _zone(form.zone, zones)
            text = time_text(last) if zone is None else utc_text(int(last.replace(tzinfo=zone).timestamp()))
        parts[number] = f"UNTIL={text}"
    return ";".join(parts)


def _time(name: str, at: datetime, form: Form, zones: Zones) -> Property:
    if form.whole:
        return _read(f"{name};VALUE=DATE:{time_text(at)[:8]}")
    if not form.zone:
        return _line(name, time_text(at))
    if form.zone == "UTC":
        return _line(name, f"{time_text(at)}Z")
    _zone(form.zone, zones)
    return _read(f"{name};{_named(form.zone)}:{time_text(at)}")


def _named(zone: str) -> str:
    """The parameter that names a zone."""
    zone = in_parameter(zone)
    return f'TZID="{zone}"' if any(mark in zone for mark in ":;,") else f"TZID={zone}"


def _zone(name: str, zones: Zones) -> tzinfo | None:
    zone = known_zone(name, zones) if name else None
    if name and zone is None:
        raise BadForm("unknown time zone")
    return zone


def with_zones(like: Component, parts: list[Component]) -> Component:
    """A calendar with these events, and the zones that they name: those that the file had, or else of the database."""
    names = {zone_name(prop.parameter("TZID")) for part in parts for prop in part.properties} - {""}
    defined = [component for component in like.components if component.name == "VTIMEZONE"]
    there = {zone_name(component.value("TZID")): component for component in defined}
    years = [at.year for part in parts if (at := value_of(part.value("DTSTART"))) is not None]
    zones = [there.get(name) or zone_component(name, min(years, default=2000)) for name in sorted(names)]
    return Component("VCALENDAR", like.properties, [*(zone for zone in zones if zone is not None), *parts])


def exception_at(calendar_object: CalendarObject, recurrence: str) -> Component | None:
    """The exception of a series at a time by the rule, as `Instance` has it. Raises BadForm."""
    _moment(recurrence)
    named = moment_of(_in_series(calendar_object.main, "RECURRENCE-ID", recurrence), calendar_object.zones)
    keys = {key_of(calendar_object, part): part for part in calendar_object.parts if part.first("RECURRENCE-ID")}
    written = {part.value("RECURRENCE-ID"): part for part in keys.values()}
    return written.get(recurrence) or (None if named is None else keys.get(seconds_of(named)))


def _in_series(main: Component, name: str, recurrence: str) -> Property:
    """Make a line that refers to one time of a series, in the same form as the series' DTSTART."""
    first = main.first("DTSTART")
    zone = "" if first is None else zone_name(first.parameter("TZID"))
    if "T" not in recurrence:
        return _read(f"{name};VALUE=DATE:{recurrence}")
    mark = f";{_named(zone)}" if zone and not recurrence.endswith("Z") else ""
    return _read(f"{name}{mark}:{recurrence}")


def _said_in(form: Form, name: str, zones: Zones) -> Form:
    """A form of the same moments in another zone. Days, and times that are the same on all clocks, stay."""
    was, zone = _zone(form.zone, zones), _zone(name, zones)
    if form.whole or was is None or zone is None:
        return form if form.whole else msgspec.structs.replace(form, zone=name)
    start, end = (at.replace(tzinfo=was).astimezone(zone).replace(tzinfo=None) for at in (form.start, form.end))
    return msgspec.structs.replace(form, start=start, end=end, zone=name)


def _shifted(part: Component, moved: timedelta, was: str, zone: str, zones: Zones) -> Component:
    """A component whose times in the series have moved, and are of another zone by the same clocks."""

    def line(prop: Property) -> Property | None:
        if prop.name not in ("EXDATE", "RDATE", "RECURRENCE-ID"):
            return prop
        if zone != was and not is_date(prop):
            prop = _renamed(prop, _zone(was, zones), zone, zones)
        if not moved:
            return prop
        values = [_shifted_text(value.strip(), moved) for value in prop.value.split(",")]
        return _again(prop, ",".join(values))

    return mapped(part, line)


def _renamed(prop: Property, was: tzinfo | None, name: str, zones: Zones) -> Property:
    """A line of times that clocks of a zone show, as times of clocks of another one."""
    texts: list[str] = []
    for value in prop.value.split(","):
        at = moment_of(msgspec.structs.replace(prop, value=value.strip()), zones)
        if at is None:  # a period
            return prop
        local = at if at.tzinfo is None or was is None else at.astimezone(was)
        texts.append(time_text(local) + ("Z" if name == "UTC" else ""))
    return _again(with_parameters(prop, {"TZID": "" if name == "UTC" else name}), ",".join(texts))


def _shifted_text(value: str, moved: timedelta) -> str:
    at = value_of(value)
    if at is None:
        return value
    at += moved
    text = time_text(at)
    return text + ("Z" if value.endswith("Z") else "") if "T" in value else text[:8]


def _kept(prop: Property, wanted: Callable[[datetime], bool]) -> Property | None:
    """A line of dates with those that are wanted; None without any."""
    values = [value for value in prop.value.split(",") if (at := value_of(value.strip())) and wanted(_naive(at))]
    return _again(prop, ",".join(values)) if values else None


def _again(prop: Property, value: str) -> Property:
    return _read(f"{prop.whole[: len(prop.whole) - len(prop.value)]}{value}")


def _turned(rule: str, was: datetime, now: datetime, start: datetime) -> tuple[str, datetime, bool]:
    """A rule of a series whose event at `was` moves to `now`, the new start of the series, and whether all events move
    as far: not where the rule gives a place in the month. The end of the rule moves along.
    """
    parts, days = rule.upper().split(";"), (now.date() - was.date()).days
    start, as_far = start + (now - was), True
    for number, (name, _, value) in enumerate([part.partition("=") for part in parts]):
        place = NTH_DAY.fullmatch(value) if name == "BYDAY" else None
        if name == "UNTIL":
            parts[number] = f"UNTIL={_shifted_text(value, now - was if 'T' in value else timedelta(days))}"
        elif name == "BYDAY" and all(day in DAYS for day in value.split(",")):
            turned = [DAYS[(DAYS.index(day) + days) % 7] for day in value.split(",")]
            parts[number] = f"BYDAY={','.join(sorted(turned, key=DAYS.index))}"
        elif days and "FREQ=MONTHLY" in parts and place is not None:
            week, last = (now.day + 6) // 7, (now + timedelta(days=7)).month != now.month
            week = -1 if last and (place[1] == "-1" or week == 5) else week
            parts[number], as_far = f"BYDAY={week}{DAYS[now.weekday()]}", False
            day = day_of_month(start.year, start.month, week, now.weekday())
            start = datetime(day.year, day.month, day.day, now.hour, now.minute)  # noqa: DTZ001 local
        elif days and "FREQ=MONTHLY" in parts and (name, value) == ("BYMONTHDAY", str(was.day)):
            parts[number], as_far = f"BYMONTHDAY={now.day}", False
    return ";".join(parts), start, as_far


def _without_end(rule: str) -> str:
    parts = rule.rstrip(";").split(";")
    return ";".join(part for part in parts if part.partition("=")[0].upper() not in ("UNTIL", "COUNT"))


def _count(rule: str) -> int:
    found = re.search(r"(?:^|;)COUNT=([0-9]{1,9})(?:;|$)", rule)
    return 0 if found is None else int(found[1])


def _end(part: Component, start: datetime, length: int, zones: Zones) -> datetime:
    """The local end, in the zone of the start."""
    end = moment_of(part.first("DTEND"), zones)
    try:
        if end is not None and (end.tzinfo is None) == (start.tzinfo is None):
            return end.astimezone(start.tzinfo).replace(tzinfo=None) if start.tzinfo is not None else end
        return start.replace(tzinfo=None) + timedelta(seconds=length)
    except OverflowError:  # at either end of all years: the event is shown, so that it can be mended or removed
        return start.replace(tzinfo=None)


def _zone_name(first: Property) -> str:
    if first.value.strip().endswith("Z"):
        return "UTC"
    name = zone_name(first.parameter("TZID"))
    zone = iana_zone(name) if name else None
    return name if zone is None else zone.key


def _moment(text: str) -> datetime:
    at = value_of(text.strip())
    if at is None:
        raise BadForm("this occurrence's time is invalid")
    return _naive(at)


def _naive(at: datetime) -> datetime:
    return at.replace(tzinfo=None)


def _with(part: Component, line: Property) -> Component:
    return Component(part.name, [*part.properties, line], part.components)


def _quotable(text: str) -> str:
    return in_parameter(visible(text, "")[:200])


def _line(name: str, value: str) -> Property:
    return Property(name, {}, value, f"{name}:{value}")


def _read(text: str) -> Property:
    prop = property_of(text)
    assert prop is not None
    return prop
