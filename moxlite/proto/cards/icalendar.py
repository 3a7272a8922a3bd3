"""Invitations: the events of a calendar that comes by mail (iCalendar, RFC 5545; iTIP, RFC 5546; iMIP, RFC 6047), and
answers to them. Values in, values out; linear in the size of the file.

No rule is expanded: the card of an event shows its first date and the rule in words, so that a rule without end costs
nothing. Known names of time zones count, not what a file says about them; another zone is as its standard time says.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from moxlite.proto.cards.contentline import Property, escaped, folded, plain, property_of, unescaped, unfolded
from moxlite.wording import worded

MAX_CALENDAR: Final = 1 << 20
"""Octets of a calendar (WEBMAIL-129)."""

MAX_LINES: Final = 100_000
MAX_ATTENDEES: Final = 500
MAX_TEXT: Final = 1000
MAX_DESCRIPTION: Final = 5000
MAX_ID: Final = 500

METHODS: Final = frozenset({"PUBLISH", "REQUEST", "REPLY", "ADD", "CANCEL", "REFRESH", "COUNTER", "DECLINECOUNTER"})
ANSWERS: Final = {"ACCEPTED": "yes", "DECLINED": "no", "TENTATIVE": "maybe"}
PARTSTATS: Final = {answer: status for status, answer in ANSWERS.items()}

WINDOWS: Final = {
    "AUS Eastern Standard Time": "Australia/Sydney",
    "Arabian Standard Time": "Asia/Dubai",
    "Argentina Standard Time": "America/Buenos_Aires",
    "Atlantic Standard Time": "America/Halifax",
    "Central America Standard Time": "America/Guatemala",
    "Central Europe Standard Time": "Europe/Budapest",
    "Central European Standard Time": "Europe/Warsaw",
    "Central Standard Time": "America/Chicago",
    "China Standard Time": "Asia/Shanghai",
    "E. South America Standard Time": "America/Sao_Paulo",
    "Eastern Standard Time": "America/New_York",
    "Egypt Standard Time": "Africa/Cairo",
    "FLE Standard Time": "Europe/Kiev",
    "GMT Standard Time": "Europe/London",
    "GTB Standard Time": "Europe/Bucharest",
    "Greenwich Standard Time": "Atlantic/Reykjavik",
    "Hawaiian Standard Time": "Pacific/Honolulu",
    "India Standard Time": "Asia/Calcutta",
    "Israel Standard Time": "Asia/Jerusalem",
    "Korea Standard Time": "Asia/Seoul",
    "Mountain Standard Time": "America/Denver",
    "New Zealand Standard Time": "Pacific/Auckland",
    "Pacific Standard Time": "America/Los_Angeles",
    "Romance Standard Time": "Europe/Paris",
    "Russian Standard Time": "Europe/Moscow",
    "SE Asia Standard Time": "Asia/Bangkok",
    "Singapore Standard Time": "Asia/Singapore",
    "South Africa Standard Time": "Africa/Johannesburg",
    "Tokyo Standard Time": "Asia/Tokyo",
    "Turkey Standard Time": "Europe/Istanbul",
    "US Eastern Standard Time": "America/Indianapolis",
    "US Mountain Standard Time": "America/Phoenix",
    "UTC": "UTC",
    "W. Australia Standard Time": "Australia/Perth",
    "W. Europe Standard Time": "Europe/Berlin",
    "W. Central Africa Standard Time": "Africa/Lagos",
    "West Asia Standard Time": "Asia/Tashkent",
}
"""Names of zones that Microsoft's programs write, and the same zones in the IANA database (Unicode CLDR)."""

MAX_ZONE: Final = 200
"""Characters of a zone's name."""

MAX_PARAMETER: Final = 200

DATE: Final = re.compile(r"[0-9]{8}")
TIME: Final = re.compile(r"([0-9]{8})T([0-9]{6})(Z?)")
OFFSET: Final = re.compile(r"([+-])([0-9]{2})([0-9]{2})(?:[0-9]{2})?")
DURATION: Final = re.compile(
    r"\+?P(?:([0-9]{1,4})W|(?:([0-9]{1,5})D)?(?:T(?:([0-9]{1,5})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,7})S)?)?)"
)
DAY: Final = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
FREQUENCIES: Final = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
PLAIN_RULE: Final = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "WKST", "BYMONTHDAY", "BYMONTH"})
"""Parts of rules that have words."""


Line = Annotated[str, Meta(max_length=MAX_TEXT)]
Word = Annotated[str, Meta(max_length=40)]
"""Texts of an event: the process that reads it may be taken over by a mail, so that its answers have bounds."""


class BadCalendar(ValueError):
    """A file is no calendar with an event; the text says why, for people."""


class Person(msgspec.Struct, frozen=True):
    """An organiser or participant. `answer`: yes, no, maybe, or "" for none yet."""

    name: Line
    address: Line
    answer: Word = ""


class Moment(msgspec.Struct, frozen=True):
    """A point in time.

    Attributes:
      local: date, or date and time, as the file has it: ``2026-11-23`` or ``2026-11-23T10:00:00``.
      utc: seconds since 1970; None for a date, and for a time that is the same on all clocks (floating).
      zone: name of the zone: as the file has it, and after `placed` of the IANA database; "" for none.
    """

    local: Word
    utc: int | None
    zone: Line = ""


class Rule(msgspec.Struct, frozen=True):
    """A rule by which an event is repeated (RFC 5545 §3.3.10).

    Attributes:
      frequency: daily, weekly, monthly, yearly; "" for a rule that has no words here.
      interval: each so many of them. count: number of events, 0 without an end by number.
      until: date of the end, "" without one. days: MO … SU, with a number before them where it counts (``-1FR``).
      month_days: days of the month. months: months of the year.
    """

    frequency: Word
    interval: int = 1
    count: int = 0
    until: Word = ""
    days: Annotated[tuple[Word, ...], Meta(max_length=7)] = ()
    month_days: Annotated[tuple[int, ...], Meta(max_length=31)] = ()
    months: Annotated[tuple[int, ...], Meta(max_length=31)] = ()


class Recurrence(msgspec.Struct, frozen=True):
    """Which event of a repeated one it is (RFC 5545 §3.8.4.4).

    Attributes:
      time: its time by the rule: ``20261123``, ``20261123T100000``, or that with ``Z`` for UTC.
      zone: name of the zone, as the file has it; "" for none. following: it and all later ones.
    """

    time: Annotated[str, Meta(pattern=r"\A[0-9]{8}(T[0-9]{6}Z?)?\Z")]
    zone: Line = ""
    following: bool = False

    @property
    def line(self) -> str:
        """The content line, written anew."""
        kind = "" if "T" in self.time else ";VALUE=DATE"
        zone = _parameter("TZID", self.zone) if self.zone and "T" in self.time else ""
        return f"RECURRENCE-ID{kind}{zone}{';RANGE=THISANDFUTURE' if self.following else ''}:{self.time}"


class Event(msgspec.Struct, frozen=True):
    """An event. `recurrence`: None for all events of a repeated one. `stamp`: UTC text of its version. `more`: number
    of further participants.
    """

    uid: Line
    sequence: int
    stamp: Word
    title: Line
    start: Moment | None
    end: Moment | None
    place: Line = ""
    description: Annotated[str, Meta(max_length=MAX_DESCRIPTION)] = ""
    organizer: Person | None = None
    attendees: Annotated[tuple[Person, ...], Meta(max_length=MAX_ATTENDEES)] = ()
    more: int = 0
    rule: Rule | None = None
    recurrence: Recurrence | None = None
    cancelled: bool = False


class Calendar(msgspec.Struct, frozen=True):
    """Content of a calendar: `method` in capitals (RFC 5546), "" for a file that only has an event; its first event, or
    that which the others are exceptions of; `others`: number of further events.
    """

    method: Word
    event: Event
    others: int


def read_calendar(text: str) -> Calendar:
    """Parse a calendar (RFC 5545): its event, and the number of others in it. Raises BadCalendar."""
    if len(text) > MAX_CALENDAR:
        raise BadCalendar("the calendar has more than 1 MiB")
    method = ""
    inside: list[str] = []
    event: list[Property] = []
    first: list[Property] | None = None
    main: list[Property] | None = None
    zones: dict[str, tzinfo] = {}
    zone, total = "", 0
    for number, line in enumerate(unfolded(text)):
        if number > MAX_LINES:
            raise BadCalendar(worded("the calendar has more than {most} lines", most=MAX_LINES))
        one = property_of(line) if line else None
        if one is None:
            continue
        if one.name == "BEGIN":
            inside.append(one.value.strip().upper())
            if len(inside) > 20:
                raise BadCalendar("the calendar is nested too deeply")
            # only directly in the calendar: deeper ones are parts of something else
            if inside[-1] == "VEVENT" and len(inside) == 2:
                total += 1
                event = []
                first = event if first is None else first
            continue
        if one.name == "END":
            if inside == ["VCALENDAR", "VEVENT"]:
                # exceptions of a repeated event may come before the event itself
                main = event if main is None and _is_main(event) else main
            if inside:  # else an END too many, which is passed over
                inside.pop()
            continue
        match inside:
            case ["VCALENDAR"] if one.name == "METHOD":
                method = one.value.strip().upper()
            case ["VCALENDAR", "VEVENT"] if main is None:
                event.append(one)
            case ["VCALENDAR", "VTIMEZONE"] if one.name == "TZID":
                zone = one.value.strip()
            case ["VCALENDAR", "VTIMEZONE", kind] if one.name == "TZOFFSETTO" and (
                kind == "STANDARD" or zone not in zones
            ):
                if len(zones) < 100 and (offset := _offset(one.value)) is not None:
                    zones[zone] = offset
    if first is None:
        raise BadCalendar("the file has no event")
    if main is None:
        main = event if _is_main(event) else first  # the last one may have no end
    return Calendar(method if method in METHODS else "", _event(main, zones), total - 1)


def _is_main(event: list[Property]) -> bool:
    """Whether an event is not an exception of a repeated one."""
    return not any(one.name == "RECURRENCE-ID" for one in event)


def placed(calendar: Calendar) -> Calendar:
    """The calendar with its times in their zones, and the names of these in the IANA database. Reads the database of
    the system, which the process that reads calendars cannot. Blocks.
    """
    event = calendar.event
    placed_event = msgspec.structs.replace(event, start=_placed(event.start), end=_placed(event.end))
    return msgspec.structs.replace(calendar, event=placed_event)


def _placed(moment: Moment | None) -> Moment | None:
    if moment is None or moment.zone in ("", "UTC") or "T" not in moment.local:
        return moment
    zone = iana_zone(moment.zone)
    if zone is None:
        return msgspec.structs.replace(moment, zone="")
    return _zoned(datetime.fromisoformat(moment.local), zone, zone.key)


def write_reply(event: Event, address: str, name: str, answer: str, note: str, now: datetime) -> str:
    """A calendar that answers an invitation (RFC 5546 §3.2.3). `answer`: yes, no or maybe. `now`: UTC."""
    assert event.organizer is not None
    status = PARTSTATS[answer]
    common = _parameter("CN", name) if name else ""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//moxlite//EN",
        "METHOD:REPLY",
        "BEGIN:VEVENT",
        f"UID:{escaped(_printable(event.uid))}",
        *([event.recurrence.line] if event.recurrence is not None else []),
        f"SEQUENCE:{event.sequence}",
        f"DTSTAMP:{now:%Y%m%dT%H%M%SZ}",
        f"ORGANIZER:mailto:{_uri(event.organizer.address)}",
        f"ATTENDEE;PARTSTAT={status}{common}:mailto:{_uri(address)}",
        f"SUMMARY:{escaped(_printable(event.title))}",
        *([f"COMMENT:{escaped(note)}"] if note else []),
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{folded(line)}\r\n" for line in lines)


def _event(lines: list[Property], zones: dict[str, tzinfo]) -> Event:
    found: dict[str, Property] = {}
    attendees: list[Person] = []
    more = 0
    for one in lines:
        if one.name == "ATTENDEE":
            person = _person(one)
            if person is not None and len(attendees) < MAX_ATTENDEES:
                attendees.append(person)
            else:
                more += 1
        else:
            found.setdefault(one.name, one)

    def text(name: str, most: int = MAX_TEXT) -> str:
        return plain(found[name].decoded, most) if name in found else ""

    start = _moment(found.get("DTSTART"), zones)
    end = _moment(found.get("DTEND"), zones)
    if end is None and start is not None and "DURATION" in found:
        end = _after(start, found["DURATION"].value)
    description = unescaped(found["DESCRIPTION"].decoded[: 4 * MAX_DESCRIPTION]) if "DESCRIPTION" in found else ""
    sequence = found["SEQUENCE"].value.strip() if "SEQUENCE" in found else ""
    return Event(
        uid=text("UID", MAX_ID),
        sequence=int(sequence) if sequence.isascii() and sequence.isdigit() and len(sequence) < 10 else 0,
        stamp=text("DTSTAMP", 20),
        title=text("SUMMARY"),
        start=start,
        end=end,
        place=text("LOCATION"),
        description=description[:MAX_DESCRIPTION],
        organizer=_person(found["ORGANIZER"]) if "ORGANIZER" in found else None,
        attendees=tuple(attendees),
        more=more,
        rule=_rule(found["RRULE"].value) if "RRULE" in found else None,
        recurrence=_recurrence(found["RECURRENCE-ID"]) if "RECURRENCE-ID" in found else None,
        cancelled=text("STATUS").upper() == "CANCELLED",
    )


def _recurrence(one: Property) -> Recurrence:
    """Raises BadCalendar: an answer would be about all events, or about none."""
    value = one.value.strip()
    if TIME.fullmatch(value) is None and DATE.fullmatch(value) is None:
        raise BadCalendar("the file has no event")
    following = one.parameter("RANGE").upper() == "THISANDFUTURE"
    return Recurrence(value, _printable(one.parameter("TZID"))[:MAX_ZONE], following)


def _person(one: Property) -> Person | None:
    """A participant with a mail address; None for another one."""
    kind, _, address = one.value.strip().partition(":")
    if kind.lower() != "mailto" or "@" not in address:
        address = one.parameter("EMAIL")
    address = plain(address, 320)
    if "@" not in address:
        return None
    return Person(plain(one.parameter("CN"), 200), address, ANSWERS.get(one.parameter("PARTSTAT").upper(), ""))


def _moment(one: Property | None, zones: dict[str, tzinfo]) -> Moment | None:
    if one is None:
        return None
    value = one.value.strip()
    if DATE.fullmatch(value):
        try:
            return Moment(date(int(value[:4]), int(value[4:6]), int(value[6:])).isoformat(), None)
        except ValueError:
            return None
    found = TIME.fullmatch(value)
    if found is None:
        return None
    try:
        local = datetime.strptime(found[1] + found[2], "%Y%m%d%H%M%S")  # noqa: DTZ007 its zone is another property
    except ValueError:
        return None
    if found[3]:
        return _zoned(local, UTC, "UTC")
    name = one.parameter("TZID").strip()[:MAX_ZONE]
    if not name:
        return Moment(local.isoformat(), None)
    return msgspec.structs.replace(_zoned(local, zones.get(name), ""), zone=name)


def _zoned(local: datetime, zone: tzinfo | None, name: str) -> Moment:
    if zone is None:
        return Moment(local.isoformat(), None, name)
    try:
        return Moment(local.isoformat(), int(local.replace(tzinfo=zone).timestamp()), name)
    except (OverflowError, ValueError):
        return Moment(local.isoformat(), None)


@lru_cache(maxsize=100)
def iana_zone(name: str) -> ZoneInfo | None:
    """A zone by its name in the IANA database, in Microsoft's programs, or at the end of a path of other programs."""
    name = name.strip('"')
    for one in (WINDOWS.get(name, name), "/".join(name.split("/")[-2:]), "/".join(name.split("/")[-3:])):
        try:
            return ZoneInfo(one)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return None


def _offset(value: str) -> tzinfo | None:
    found = OFFSET.fullmatch(value.strip())
    if found is None:
        return None
    minutes = int(found[2]) * 60 + int(found[3])
    return timezone((1 if found[1] == "+" else -1) * timedelta(minutes=minutes)) if minutes < 24 * 60 else None


def _after(start: Moment, duration: str) -> Moment | None:
    found = DURATION.fullmatch(duration.strip())
    if found is None:
        return None
    weeks, days, hours, minutes, seconds = (int(one or 0) for one in found.groups())
    span = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    try:
        local = datetime.fromisoformat(start.local) + span
    except (OverflowError, ValueError):
        return None
    if "T" not in start.local:
        return Moment(local.date().isoformat(), None)
    return Moment(local.isoformat(), None if start.utc is None else start.utc + int(span.total_seconds()), start.zone)


def _rule(value: str) -> Rule:
    """A rule; one that has no words has no frequency."""
    parts: dict[str, str] = {}
    for one in value.strip().upper().split(";")[:20]:
        name, _, text = one.partition("=")
        parts[name] = text
    frequency = parts.get("FREQ", "")
    days = parts["BYDAY"].split(",") if parts.get("BYDAY") else []
    numbers = [
        [int(one) for one in parts[name].split(",")[:31] if one.lstrip("-").isdigit() and len(one) < 4]
        if parts.get(name)
        else []
        for name in ("BYMONTHDAY", "BYMONTH")
    ]
    if (
        frequency not in FREQUENCIES
        or not parts.keys() <= PLAIN_RULE
        or len(days) > 7
        or not all(map(DAY.fullmatch, days))
    ):
        return Rule("")
    until = DATE.match(parts.get("UNTIL", ""))
    return Rule(
        frequency.lower(),
        _number(parts.get("INTERVAL", ""), 1),
        _number(parts.get("COUNT", ""), 0),
        f"{until[0][:4]}-{until[0][4:6]}-{until[0][6:]}" if until is not None else "",
        tuple(days),
        tuple(numbers[0]),
        tuple(one for one in numbers[1] if 1 <= one <= 12),
    )


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 6 and int(text) > 0 else default


def _parameter(name: str, value: str) -> str:
    """A parameter of a line, in quotes where its value needs them (RFC 5545 §3.1, §3.2)."""
    value = _printable(value).replace('"', "")[:MAX_PARAMETER]
    mark = '"' if name == "CN" or not value.isascii() or any(char in value for char in ":;, ") else ""
    return f";{name}={mark}{value}{mark}"


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable())


def _uri(address: str) -> str:
    return "".join(char for char in address if char.isprintable() and char not in ' "<>')
