"""Events of calendars (RFC 5545) as JSCalendar: RFC 8984, in the form of draft-ietf-calext-jscalendarbis, which JMAP
has. Values in, values out.

Each property of JSCalendar belongs to some lines of a VEVENT: `COVERED`. Values that don't fit into these are kept in
``JSPROP`` lines, each with a path and a value (draft-ietf-calext-jscalendar-icalendar), so that nothing that JMAP
clients store is lost. Lines that JSCalendar does not know stay in the file, and are not shown. Exceptions of a series
are patches of it (``recurrenceOverrides``). The way back is `jscalendarlines`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final, TypeAlias

import msgspec

from moxlite.proto.cards.calendarobject import CalendarObject
from moxlite.proto.cards.components import Component
from moxlite.proto.cards.contentline import Property, person_of, split, unescaped
from moxlite.proto.cards.filezones import name_of
from moxlite.proto.cards.jspatches import difference, patched, tokens_of
from moxlite.proto.cards.moments import DURATION, Zones, iana_zone, is_date, moment_of, seconds_of, value_of
from moxlite.proto.cards.repeating import dates_in, recurrence_of

Object: TypeAlias = dict[str, Any]

COVERED: Final[Mapping[tuple[str, ...], tuple[str, ...]]] = {
    ("start", "timeZone", "duration", "showWithoutTime", "endTimeZone"): (
        *("DTSTART", "DTEND", "DURATION", "SHOW-WITHOUT-TIME"),
    ),
    ("title",): ("SUMMARY",),
    ("description",): ("DESCRIPTION",),
    ("locations",): ("LOCATION", "GEO"),
    ("virtualLocations",): ("CONFERENCE",),
    ("links",): ("ATTACH", "URL", "IMAGE", "LINK"),
    ("relatedTo",): ("RELATED-TO",),
    ("keywords",): ("CATEGORIES",),
    ("categories",): ("CONCEPT",),
    ("color",): ("COLOR",),
    ("status",): ("STATUS",),
    ("freeBusyStatus",): ("TRANSP",),
    ("privacy",): ("CLASS",),
    ("priority",): ("PRIORITY",),
    ("sequence",): ("SEQUENCE",),
    ("created",): ("CREATED",),
    ("updated",): ("LAST-MODIFIED", "DTSTAMP"),
    ("organizerCalendarAddress", "participants"): ("ORGANIZER", "ATTENDEE"),
}
"""The lines of an event that properties of JSCalendar are made of."""

OF_SERIES: Final = ("recurrenceRule", "recurrenceOverrides", "recurrenceId", "recurrenceIdTimeZone")
PROPERTIES: Final = ("@type", "uid", "prodId", *(name for names in COVERED for name in names), "alerts", *OF_SERIES)
FALSE_ONLY: Final = ("mayInviteSelf", "mayInviteOthers", "hideAttendees")
FLAGS: Final = ("useDefaultAlerts", *FALSE_ONLY)
"""Properties of draft-ietf-jmap-calendars that an event has as JSPROP, and those that can't be true."""

NEVER_OVERRIDDEN: Final = frozenset(
    {"@type", "uid", "prodId", "method", "privacy", "relatedTo", *OF_SERIES, *FLAGS[1:]}
)
"""Properties that an exception has as its series has them (RFC 8984 §4.3.5)."""

STATUSES: Final = ("confirmed", "cancelled", "tentative")
BUSY: Final = {"OPAQUE": "busy", "TRANSPARENT": "free"}
PRIVACY: Final = {"PUBLIC": "public", "PRIVATE": "private", "CONFIDENTIAL": "secret"}
ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "CHAIR": ("attendee", "chair"),
    "REQ-PARTICIPANT": ("attendee",),
    "OPT-PARTICIPANT": ("attendee", "optional"),
    "NON-PARTICIPANT": ("informational",),
}
PEOPLE: Final = {"INDIVIDUAL": "individual", "GROUP": "group", "RESOURCE": "resource", "ROOM": "location"}
RELS: Final = {"ATTACH": "enclosure", "IMAGE": "icon", "URL": "describedby"}
RULE_LISTS: Final = {
    "BYMONTHDAY": "byMonthDay",
    "BYYEARDAY": "byYearDay",
    "BYWEEKNO": "byWeekNo",
    "BYHOUR": "byHour",
    "BYMINUTE": "byMinute",
    "BYSECOND": "bySecond",
    "BYSETPOS": "bySetPosition",
}

NAMED: Final = {
    "locations": "Location",
    "virtualLocations": "VirtualLocation",
    "links": "Link",
    "relatedTo": "Relation",
    "participants": "Participant",
    "alerts": "Alert",
}
"""Object types by property. Objects may omit their type."""

KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")
WEEKDAY: Final = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
NUMBER: Final = re.compile(r"[+-]?[0-9]{1,9}")
PLACE: Final = re.compile(r"(-?[0-9]{1,3}(?:\.[0-9]{1,20})?);(-?[0-9]{1,3}(?:\.[0-9]{1,20})?)")
DAY: Final = timedelta(days=1)
MAX_DEPTH: Final = 20
"""Levels of a value that a line JSPROP has."""

MAX_KEPT: Final = 200
"""Lines JSPROP of an event."""


class Clock(msgspec.Struct, frozen=True):
    """How times are said: in a zone, with its IANA name, or the same on all clocks. `whole`: as days."""

    zone: tzinfo | None
    name: str | None
    whole: bool

    def local(self, moment: datetime) -> datetime:
        """A moment as a local time of this clock; floating times stay."""
        if moment.tzinfo is None or self.zone is None:
            return moment.replace(tzinfo=None)
        try:
            return moment.astimezone(self.zone).replace(tzinfo=None)
        except OverflowError:
            return moment.replace(tzinfo=None)


# From iCalendar


def event_of(calendar_object: CalendarObject) -> Object:
    """The JSCalendar object of an entry with an event."""
    main, clock = calendar_object.main, clock_of(calendar_object.main, calendar_object.zones)
    event = part_object(main, calendar_object.zones)
    program = unescaped(calendar_object.calendar.value("PRODID"))
    if program:
        event["prodId"] = program
    if main.first("RECURRENCE-ID") is not None:
        event["recurrenceId"] = recurrence_key(calendar_object, main, clock)
        if clock.name is not None:
            event["recurrenceIdTimeZone"] = clock.name
        return event
    rules = main.all("RRULE")
    if rules and (rule := _rule(rules[0].value, clock)):
        event["recurrenceRule"] = rule
    overrides = overrides_of(calendar_object, event)
    if overrides:
        event["recurrenceOverrides"] = overrides
    return event


def lone_events(calendar_object: CalendarObject) -> dict[str, Object]:
    """Return single events of a series if the user was invited only to them.

    The key is the event's local time by the rule. Empty if the entry has the series itself.
    """
    if calendar_object.main.first("RECURRENCE-ID") is None:
        return {}
    clock = clock_of(calendar_object.main, calendar_object.zones)
    events: dict[str, Object] = {}
    for part in calendar_object.parts:
        key = recurrence_key(calendar_object, part, clock)
        events[key] = event_of(msgspec.structs.replace(calendar_object, parts=[part]))
    return events


def instance_of(event: Object, key: str, *, shown: Clock | None = None) -> Object:
    """An event of a series, by the local time that it has by the rule, without ``recurrenceId`` if it is to be patched.
    `shown`: the clock of that time, if the result is shown.
    """
    base = {name: value for name, value in event.items() if name not in (*OF_SERIES, "prodId")}
    patch = (event.get("recurrenceOverrides") or {}).get(key) or {}
    made = patched({**base, "start": key}, patch)
    if shown is None:
        return made
    zone = {} if shown.name is None else {"recurrenceIdTimeZone": shown.name}
    return {**made, "recurrenceId": key, **zone}


def overrides_of(calendar_object: CalendarObject, event: Object) -> Object:
    """Return a series' exceptions as patches, by local time according to the rule."""
    clock = clock_of(calendar_object.main, calendar_object.zones)
    overrides: Object = {}
    for key, line in dates_of(calendar_object.main, "RDATE", calendar_object.zones, clock):
        length = _period_length(line.value)
        overrides[key] = {} if length is None or length == event.get("duration") else {"duration": length}
    for key, _ in dates_of(calendar_object.main, "EXDATE", calendar_object.zones, clock):
        overrides[key] = {"excluded": True}
    plain = {**event}
    for part in calendar_object.parts:
        if part is not calendar_object.main and part.first("RECURRENCE-ID") is not None:
            key = recurrence_key(calendar_object, part, clock)
            overrides[key] = difference(
                instance_of(plain, key), _overridable(part_object(part, calendar_object.zones), event)
            )
    return overrides


def _overridable(found: Object, event: Object) -> Object:
    """An exception with what no exception changes as its series has it. The same goes for properties of programs that
    the exception lacks, of each of which it would else say that it is gone.
    """
    found = {**{name: value for name, value in event.items() if name not in (*PROPERTIES, *FLAGS)}, **found}
    kept = {name: value for name, value in found.items() if name not in NEVER_OVERRIDDEN}
    return {**kept, **{name: event[name] for name in NEVER_OVERRIDDEN - {*OF_SERIES, "prodId"} if name in event}}


def clock_of(part: Component, zones: Zones) -> Clock:
    """The clock of a component's start."""
    first = part.first("DTSTART")
    start = moment_of(first, zones)
    if first is None or start is None:
        return Clock(None, None, whole=False)
    name = _zone_name(start)
    return Clock(None if name is None else iana_zone(name), name, is_date(first))


def recurrence_key(calendar_object: CalendarObject, part: Component, clock: Clock) -> str:
    """The local time by the rule of an exception."""
    recurrence = recurrence_of(part, calendar_object.main.first("DTSTART"))
    moment = moment_of(recurrence, calendar_object.zones)
    return "" if moment is None else local_text(clock.local(moment))


def dates_of(part: Component, name: str, zones: Zones, clock: Clock) -> Iterator[tuple[str, Property]]:
    """The dates of EXDATE or RDATE as local times, each with a line of its own value."""
    start = moment_of(part.first("DTSTART"), zones)
    for line in dates_in(part, name):
        moment = moment_of(msgspec.structs.replace(line, value=line.value.partition("/")[0]), zones)
        if moment is None:
            continue
        if is_date(line) and not clock.whole and start is not None:
            moment = start.replace(year=moment.year, month=moment.month, day=moment.day)
        yield local_text(clock.local(moment)), line


def local_text(moment: datetime) -> str:
    """A LocalDateTime."""
    return moment.replace(tzinfo=None, microsecond=0).isoformat()


def utc_date(moment: datetime) -> str:
    """A UTCDateTime."""
    return f"{local_text(moment)}Z"


def duration_text(days: int, seconds: int) -> str:
    """A Duration: days of the calendar, and seconds."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    time = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (rest, "S")) if number)
    date = f"{days}D" if days else ""
    return f"P{date}{f'T{time}' if time else ''}" if date or time else "PT0S"


def read_duration(text: str) -> tuple[int, int, bool] | None:
    """Days, seconds, and whether they are backwards; None for what is no duration."""
    match = DURATION.fullmatch(text.strip())
    if match is None or text.strip().endswith(("P", "T")):
        return None
    weeks, days, hours, minutes, seconds = (int(group or 0) for group in match.groups()[1:])
    return weeks * 7 + days, hours * 3600 + minutes * 60 + seconds, match[1] == "-"


def _period_length(value: str) -> str | None:
    found = read_duration(value.partition("/")[2])
    return None if found is None else duration_text(*found[:2])


def _zone_name(moment: datetime) -> str | None:
    """The name of the zone of a time in the IANA database; of one like which that has none, the name of its offset."""
    if moment.tzinfo is None:
        return None
    name = name_of(moment.tzinfo, moment.year)
    if name is not None:
        return "Etc/UTC" if name == "UTC" else name
    hours, rest = divmod(moment.utcoffset() or timedelta(0), timedelta(hours=1))
    return "Etc/UTC" if rest or not hours or not -12 <= hours <= 14 else f"Etc/GMT{-hours:+d}"


def part_object(part: Component, zones: Zones) -> Object:
    """The object of one component, without its place in a series."""
    found: Object = {"@type": "Event", "uid": unescaped(part.value("UID")), **_times(part, zones)}
    for name, (lines_of, read) in READERS.items():
        lines = [prop for prop in part.properties if prop.name in lines_of]
        if lines and (value := read(lines)) not in (None, "", {}):
            found[name] = value
    alerts = {key: alert for key, _, alert in alarms_of(part)}
    if alerts:
        found["alerts"] = alerts
    for line in part.all("JSPROP")[:MAX_KEPT]:
        try:
            value = msgspec.json.decode(unescaped(line.value))
        except (msgspec.DecodeError, RecursionError):
            continue
        path = line.parameter("JSPTR")
        made = patched(found, {path: value}) if may_keep(path, value) else found
        if _is_sound(made, tokens_of(path)[0]):
            found = made
    return found


def may_keep(path: str, value: Any) -> bool:
    """Whether a JSPROP line may store a value.

    It may if the property has no lines of its own, or within the objects of a property that has.
    """
    name, *rest = tokens_of(path)
    if name in FLAGS:
        kept = (None, False) if name in FALSE_ONLY else (None, False, True)
        return not rest and any(value is one for one in kept)
    if name in PROPERTIES:
        return name in NAMED and bool(rest) and _is_shallow(value)
    return name not in ("", "method") and _is_shallow(value)


def _is_shallow(value: Any, depth: int = 0) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth <= MAX_DEPTH and all(_is_shallow(one, depth + 1) for one in inner)


def _is_sound(event: Object, name: str) -> bool:
    """Whether a property with objects has such, with members as expected: a stranger can have written the file."""
    value = event.get(name)
    if name not in NAMED or value is None:
        return True
    return all(
        isinstance(one, dict)
        and all(isinstance(one.get(member, {}), dict) for member in ("roles", "trigger", "relation", "features"))
        for one in value.values()
    )


def _times(part: Component, zones: Zones) -> Object:
    first = part.first("DTSTART")
    start = moment_of(first, zones)
    if first is None or start is None:
        return {}
    clock = clock_of(part, zones)
    local = clock.local(start)
    end = moment_of(part.first("DTEND"), zones)
    length = read_duration(part.value("DURATION"))
    days, seconds = (1, 0) if clock.whole else (0, 0)
    if end is not None:
        days, seconds = _between(local, end, clock)
    elif length is not None and not length[2]:
        days, seconds = length[:2]
    times: Object = {"start": local_text(local)}
    if clock.name is not None:
        times["timeZone"] = clock.name
    if days or seconds:
        times["duration"] = duration_text(days, seconds)
    if clock.whole or part.value("SHOW-WITHOUT-TIME").upper() == "TRUE":
        times["showWithoutTime"] = True
    ends = None if end is None else _zone_name(end)
    if ends is not None and clock.name is not None and ends != clock.name:
        times["endTimeZone"] = ends
    return times


def _between(start: datetime, end: datetime, clock: Clock) -> tuple[int, int]:
    """Days and seconds from a local start to an end: days of the calendar, what is left in seconds that pass."""
    last = clock.local(end)
    days = max((last - start) // DAY, 0)
    middle = start + days * DAY
    if clock.zone is None or end.tzinfo is None:
        return days, max(int((last - middle).total_seconds()), 0)
    # not by `astimezone`, which the first and the last day of all years have no UTC for
    return days, max(seconds_of(end) - seconds_of(middle.replace(tzinfo=clock.zone)), 0)


def _text(lines: list[Property]) -> str:
    return unescaped(lines[0].value)


def _keyed(lines: Iterable[Property], make: Callable[[Property], Object | None], letter: str) -> Object:
    return {key: value for key, line in keyed(lines, letter).items() if (value := make(line)) is not None}


def keyed(lines: Iterable[Property], letter: str) -> dict[str, Property]:
    """Lines by their JSID, else by a letter and their number."""
    props: dict[str, Property] = {}
    for number, line in enumerate(lines, 1):
        key = line.parameter("JSID")
        props[key if KEY.fullmatch(key) and key not in props else f"{letter}{number}"] = line
    return props


def _locations(lines: list[Property]) -> Object:
    # other programs write an empty line for no place
    found = _keyed(
        (line for line in lines if line.name == "LOCATION" and (line.value.strip() or line.parameter("JSID"))),
        lambda prop: {"@type": "Location", **({"name": text} if (text := _text([prop])) else {})},
        "l",
    )
    places = (PLACE.fullmatch(line.value.strip()) for line in lines if line.name == "GEO")
    for place in places:
        if place is not None:
            key = next(iter(found), "l1")
            found[key] = {"@type": "Location", **found.get(key, {}), "coordinates": f"geo:{place[1]},{place[2]}"}
            break
    return found


def _virtual(prop: Property) -> Object:
    features = {
        value.lower(): True for text in prop.parameters.get("FEATURE", []) for value in text.split(",") if value
    }
    named = {"name": prop.parameter("LABEL")} if prop.parameter("LABEL") else {}
    return {
        "@type": "VirtualLocation",
        "uri": prop.value.strip(),
        **named,
        **({"features": features} if features else {}),
    }


def _link(prop: Property) -> Object:
    uri, kind = prop.value.strip(), prop.parameter("FMTTYPE")
    if prop.parameter("ENCODING").upper() == "BASE64":
        uri = f"data:{kind or 'application/octet-stream'};base64,{uri}"
    found: Object = {"@type": "Link", "href": uri}
    rel = RELS.get(prop.name) or prop.parameter("LINKREL")
    title = prop.parameter("FILENAME") or prop.parameter("LABEL")
    size = prop.parameter("SIZE")
    for name, value in (("rel", rel), ("contentType", kind), ("title", title)):
        if value:
            found[name] = value
    if size.isascii() and size.isdecimal() and len(size) < 16:
        found["size"] = int(size)
    return found


def _related(lines: list[Property]) -> Object:
    found: Object = {}
    for line in lines:
        relation = found.setdefault(_text([line]), {"@type": "Relation", "relation": {}})["relation"]
        relation[(line.parameter("RELTYPE") or "PARENT").lower()] = True
    return found


def _number(lines: list[Property]) -> int | None:
    text = lines[0].value.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _moment(lines: list[Property]) -> str:
    for prop in sorted(lines, key=lambda line: line.name == "DTSTAMP"):
        moment = value_of(prop.value.strip())
        if moment is not None:
            return utc_date(moment)
    return ""


def _status(lines: list[Property]) -> str:
    found = lines[0].value.strip().lower()
    return found if found in STATUSES else ""


def person_key(uri: str) -> str:
    """The id of a participant whose line has none: of the address, so that it is the same in exceptions."""
    return hashlib.sha256(person_of(uri).encode("utf-8", "replace")).hexdigest()[:16]


def _participants(lines: list[Property]) -> Object:
    owner = next((line for line in lines if line.name == "ORGANIZER"), None)
    organizer = "" if owner is None else person_of(owner.value)
    guests = [line for line in lines if line.name == "ATTENDEE"]
    if owner is not None and not any(person_of(prop.value) == organizer for prop in guests):
        guests.insert(0, owner)
    found: Object = {}
    for guest in guests:
        key = guest.parameter("JSID")
        key = key if KEY.fullmatch(key) and key not in found else person_key(guest.value)
        person = _person(guest)
        if person_of(guest.value) == organizer:
            person["roles"] = {"owner": True, **person.get("roles", {})}
        found.setdefault(key, person)
    return found


def _person(prop: Property) -> Object:
    found: Object = {"@type": "Participant", "calendarAddress": prop.value.strip()}
    if prop.parameter("CN"):
        found["name"] = prop.parameter("CN")
    if prop.parameter("EMAIL"):
        found["email"] = prop.parameter("EMAIL")
    if prop.name == "ORGANIZER":
        return found
    kind = PEOPLE.get(prop.parameter("CUTYPE").upper())
    if kind is not None:
        found["kind"] = kind
    role = prop.parameter("ROLE").upper()
    found["roles"] = dict.fromkeys(ROLES.get(role, ROLES["REQ-PARTICIPANT"]), True)
    if prop.parameter("PARTSTAT"):
        found["participationStatus"] = prop.parameter("PARTSTAT").lower()
    if prop.parameter("RSVP").upper() == "TRUE":
        found["expectReply"] = True
    agent = prop.parameter("SCHEDULE-AGENT").lower()
    if agent in ("client", "none"):
        found["scheduleAgent"] = agent
    status = [text for value in prop.parameters.get("SCHEDULE-STATUS", []) for text in value.split(",") if text]
    if status:
        found["scheduleStatus"] = status
    return found


READERS: Final[Mapping[str, tuple[tuple[str, ...], Callable[[list[Property]], Any]]]] = {
    "title": (("SUMMARY",), _text),
    "description": (("DESCRIPTION",), _text),
    "locations": (("LOCATION", "GEO"), _locations),
    "virtualLocations": (("CONFERENCE",), lambda lines: _keyed(lines, _virtual, "v")),
    "links": (("ATTACH", "URL", "IMAGE", "LINK"), lambda lines: _keyed(lines, _link, "k")),
    "relatedTo": (("RELATED-TO",), _related),
    "keywords": (
        ("CATEGORIES",),
        lambda lines: {unescaped(piece).strip(): True for line in lines for piece in split(line.value, ",") if piece},
    ),
    "categories": (("CONCEPT",), lambda lines: {line.value.strip(): True for line in lines}),
    "color": (("COLOR",), _text),
    "status": (("STATUS",), _status),
    "freeBusyStatus": (("TRANSP",), lambda lines: BUSY.get(lines[0].value.strip().upper())),
    "privacy": (("CLASS",), lambda lines: PRIVACY.get(lines[0].value.strip().upper(), "private")),
    "priority": (("PRIORITY",), _number),
    "sequence": (("SEQUENCE",), _number),
    "created": (("CREATED",), _moment),
    "updated": (("LAST-MODIFIED", "DTSTAMP"), _moment),
    "organizerCalendarAddress": (("ORGANIZER",), lambda lines: lines[0].value.strip()),
    "participants": (("ORGANIZER", "ATTENDEE"), _participants),
}


def alarms_of(part: Component) -> Iterator[tuple[str, Component, Object]]:
    """The alarms of a component, each with its id and as an Alert."""
    seen: set[str] = set()
    for number, component in enumerate((inner for inner in part.components if inner.name == "VALARM"), 1):
        trigger = _trigger(component.first("TRIGGER"))
        if trigger is None:
            continue
        uid = component.value("UID")
        key = uid if KEY.fullmatch(uid) and uid not in seen else f"a{number}"
        seen.add(key)
        alert: Object = {"@type": "Alert", "trigger": trigger}
        if component.value("ACTION").upper() == "EMAIL":
            alert["action"] = "email"
        moment = value_of(component.value("ACKNOWLEDGED"))
        if moment is not None:
            alert["acknowledged"] = utc_date(moment)
        yield key, component, alert


def _trigger(line: Property | None) -> Object | None:
    if line is None:
        return None
    moment, length = value_of(line.value.strip()), read_duration(line.value)
    if moment is not None:
        return {"@type": "AbsoluteTrigger", "when": utc_date(moment)}
    if length is None:
        return None
    days, seconds, back = length
    found: Object = {"@type": "OffsetTrigger", "offset": ("-" if back else "") + duration_text(days, seconds)}
    if line.parameter("RELATED").upper() == "END":
        found["relativeTo"] = "end"
    return found


def _rule(text: str, clock: Clock) -> Object:
    """A RecurrenceRule; {} for a rule that cannot be read."""
    parts = dict(one.partition("=")[::2] for one in text.strip().upper().rstrip(";").split(";"))
    if not parts.get("FREQ", "").isalpha():
        return {}
    found: Object = {"@type": "RecurrenceRule", "frequency": parts["FREQ"].lower()}
    for name, member in (("INTERVAL", "interval"), ("COUNT", "count")):
        if NUMBER.fullmatch(parts.get(name, "")):
            found[member] = int(parts[name])
    until = value_of(parts.get("UNTIL", ""))
    if until is not None:
        whole = "T" not in parts["UNTIL"] and not clock.whole
        found["until"] = local_text(
            clock.local(until).replace(hour=23, minute=59, second=59) if whole else clock.local(until)
        )
    days = [match for one in parts.get("BYDAY", "").split(",") if (match := WEEKDAY.fullmatch(one)) is not None]
    if days:
        found["byDay"] = [
            {"@type": "NDay", "day": match[2].lower(), **({"nthOfPeriod": int(match[1])} if match[1] else {})}
            for match in days
        ]
    if parts.get("BYMONTH"):
        found["byMonth"] = parts["BYMONTH"].split(",")
    for name, member in RULE_LISTS.items():
        numbers = [int(one) for one in parts.get(name, "").split(",") if NUMBER.fullmatch(one)]
        if numbers:
            found[member] = numbers
    if parts.get("WKST"):
        found["firstDayOfWeek"] = parts["WKST"].lower()
    return found
