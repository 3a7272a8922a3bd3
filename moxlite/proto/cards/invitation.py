"""Invitations as the webmail shows them: the event of a calendar that comes by mail (iCalendar, RFC 5545; iTIP, RFC
5546; iMIP, RFC 6047), and answers to it. Values in, values out; linear in the size of the file.

Recurrence rules aren't expanded: an event's card shows its first date and the rule in words, so endless rules cost
nothing. Known names of time zones count, not what a file says about them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from moxlite.normal import visible
from moxlite.proto.cards.components import BadComponents, Component, read_mailed
from moxlite.proto.cards.contentline import (
    MAX_ADDRESS,
    Property,
    escaped,
    folded,
    in_parameter,
    mail_address,
    plain,
    unescaped,
)
from moxlite.proto.cards.filezones import zones_of
from moxlite.proto.cards.joining import MAX_LINK, join_of, mailed_link
from moxlite.proto.cards.moments import (
    ABBREVIATION,
    MAX_ZONE,
    Zones,
    described_zone,
    duration_of,
    fixed_zone,
    iana_zone,
    is_date,
    time_text,
    value_of,
    zone_name,
)
from moxlite.proto.cards.repeating import main_part
from moxlite.wording import reason_of

MAX_CALENDAR: Final = 1 << 20
"""Octets of a calendar (WEBMAIL-129)."""

MAX_ATTENDEES: Final = 500
"""Participants that are shown; the others are counted."""

MAX_TEXT: Final = 1000
"""Characters of a title or place: more than a card shows."""

MAX_DESCRIPTION: Final = 5000
"""Characters of a description: some pages, as programs add the way to dial in to each invitation."""

MAX_ID: Final = 500
"""Characters of a UID, which an answer must name as it came; the longest in use, Outlook's, have 112."""

METHODS: Final = frozenset({"PUBLISH", "REQUEST", "REPLY", "ADD", "CANCEL", "REFRESH", "COUNTER", "DECLINECOUNTER"})
ANSWERS: Final = {"ACCEPTED": "yes", "DECLINED": "no", "TENTATIVE": "maybe"}
PARTSTATS: Final = {answer: status for status, answer in ANSWERS.items()}

MAX_PARAMETER: Final = 200
"""Characters of a parameter that is written: the name of a zone or a person."""

DATE: Final = re.compile(r"[0-9]{8}")
NUMBER: Final = re.compile(r"[+-]?[0-9]{1,2}")
DAY: Final = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
FREQUENCIES: Final = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
PLAIN_RULE: Final = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "WKST", "BYMONTHDAY", "BYMONTH"})
"""Parts of rules that have words."""


Line = Annotated[str, Meta(max_length=MAX_TEXT)]
Word = Annotated[str, Meta(max_length=40)]
"""Text of an event. It's limited because a malicious email may compromise the process that parses it."""


class BadCalendar(ValueError):
    """The file isn't a calendar with an event. The text says why, for people."""


class Person(msgspec.Struct, frozen=True):
    """An organiser or participant. `answer`: yes, no, maybe, or "" for none yet."""

    name: Line
    address: Line
    answer: Word = ""


class Moment(msgspec.Struct, frozen=True):
    """A point in time.

    Attributes:
      local: date, or date and time, as the file has it: ``2026-11-23`` or ``2026-11-23T10:00:00``.
      utc: seconds since 1970; None for a date, for a time that is the same on all clocks (floating), and for one of a
        zone that is not known.
      zone: name of the zone: as the file has it, and after `placed` of the IANA database, or that of a zone that is not
        known; "" for none.
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
    of further participants. `join`: the https link by which one joins, "" for none.
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
    join: Annotated[str, Meta(max_length=MAX_LINK)] = ""


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
        raise BadCalendar("the calendar is larger than 1 MiB")
    try:
        calendar = read_mailed(text)
    except BadComponents as error:
        raise BadCalendar(reason_of(error)) from None
    events = [component for component in calendar.components if component.name == "VEVENT"]
    if not events:
        raise BadCalendar("the file doesn't contain any events")
    method = calendar.value("METHOD").upper()
    main = events[main_part(events) or 0]
    return Calendar(method if method in METHODS else "", event_of(main.properties, zones_of(calendar)), len(events) - 1)


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
    if moment.utc is None:
        zone: tzinfo | None = iana_zone(moment.zone) or described_zone(moment.zone) or fixed_zone(moment.zone)
    else:  # by the rules of the file
        zone = None if ABBREVIATION.fullmatch(moment.zone) else iana_zone(moment.zone)
    if zone is None:  # the name is told where there is no moment: the time is not the same on all clocks
        return msgspec.structs.replace(moment, zone="") if moment.utc is not None else moment
    return _zoned(datetime.fromisoformat(moment.local), zone, getattr(zone, "key", ""))


def write_reply(event: Event, address: str, name: str, answer: str, note: str, now: datetime) -> str:
    """A calendar that answers an invitation (RFC 5546 §3.2.3). `answer`: yes, no or maybe. `now`: UTC."""
    return _message("REPLY", event, (_attendee(address, name, PARTSTATS[answer]),), note, now)


def write_counter(
    event: Event, address: str, name: str, times: tuple[datetime, datetime], note: str, now: datetime
) -> str:
    """A calendar in which a guest proposes another time, and comes perhaps (RFC 5546 §3.2.7). `times`: start and end,
    UTC, or without a zone the first of whole days and the day after the last. `now`: UTC.
    """
    lines = [_attendee(address, name, "TENTATIVE")]
    for kind, at in zip(("DTSTART", "DTEND"), times, strict=True):
        lines.append(f"{kind};VALUE=DATE:{time_text(at)[:8]}" if at.tzinfo is None else f"{kind}:{time_text(at)}Z")
    return _message("COUNTER", event, lines, note, now)


def write_declined(event: Event, note: str, now: datetime) -> str:
    """A calendar in which the organiser declines the time that `event`, a COUNTER, proposes (RFC 5546 §3.2.8). `now`:
    UTC.
    """
    return _message("DECLINECOUNTER", event, (), note, now)


def _attendee(address: str, name: str, status: str) -> str:
    return f"ATTENDEE;PARTSTAT={status}{_parameter('CN', name) if name else ''}:mailto:{_uri(address)}"


def _message(method: str, event: Event, more: Sequence[str], note: str, now: datetime) -> str:
    """A calendar about an event of the organiser's, with `more` lines."""
    assert event.organizer is not None
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//moxlite//EN",
        f"METHOD:{method}",
        "BEGIN:VEVENT",
        f"UID:{escaped(visible(event.uid, ''))}",
        *([event.recurrence.line] if event.recurrence is not None else []),
        f"SEQUENCE:{event.sequence}",
        f"DTSTAMP:{time_text(now)}Z",
        f"ORGANIZER:mailto:{_uri(event.organizer.address)}",
        *more,
        f"SUMMARY:{escaped(visible(event.title, ''))}",
        *([f"COMMENT:{escaped(note)}"] if note else []),
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{folded(line)}\r\n" for line in lines)


def event_of(lines: list[Property], zones: Zones) -> Event:
    """The event of a component with these lines. Raises BadCalendar."""
    props: dict[str, Property] = {}
    attendees: list[Person] = []
    more = 0
    for line in lines:
        if line.name == "ATTENDEE":
            person = _person(line)
            if person is not None and len(attendees) < MAX_ATTENDEES:
                attendees.append(person)
            else:
                more += 1
        else:
            props.setdefault(line.name, line)

    def text(name: str, most: int = MAX_TEXT) -> str:
        return plain(props[name].decoded, most) if name in props else ""

    start = _moment(props.get("DTSTART"), zones)
    end = _moment(props.get("DTEND"), zones)
    if end is None and start is not None and "DURATION" in props:
        end = _after(start, props["DURATION"].value)
    description = unescaped(props["DESCRIPTION"].decoded[: 4 * MAX_DESCRIPTION]) if "DESCRIPTION" in props else ""
    sequence = props["SEQUENCE"].value.strip() if "SEQUENCE" in props else ""
    return Event(
        uid=text("UID", MAX_ID),
        sequence=int(sequence) if sequence.isascii() and sequence.isdigit() and len(sequence) < 10 else 0,
        stamp=text("DTSTAMP", 20),
        title=text("SUMMARY"),
        start=start,
        end=end,
        place=text("LOCATION"),
        description=description[:MAX_DESCRIPTION],
        organizer=_person(props["ORGANIZER"]) if "ORGANIZER" in props else None,
        attendees=tuple(attendees),
        more=more,
        rule=_rule(props["RRULE"].value) if "RRULE" in props else None,
        recurrence=_recurrence(props["RECURRENCE-ID"]) if "RECURRENCE-ID" in props else None,
        cancelled=text("STATUS").upper() == "CANCELLED",
        join=_join(lines),
    )


def _join(lines: list[Property]) -> str:
    line = mailed_link(lines)
    link = join_of(Component("VEVENT", lines, [])) if line is None else line.value
    return link if link[:8].lower() == "https://" else ""


def _recurrence(prop: Property) -> Recurrence:
    """Raises BadCalendar: an answer would be about all events, or about none."""
    value = prop.value.strip()
    if value_of(value) is None:
        raise BadCalendar("the file doesn't contain any events")
    following = prop.parameter("RANGE").upper() == "THISANDFUTURE"
    return Recurrence(value, visible(zone_name(prop.parameter("TZID")), "")[:MAX_ZONE], following)


def _person(prop: Property) -> Person | None:
    """A participant with a mail address; None for another one."""
    address = mail_address(prop.value)
    if "@" not in address:
        address = plain(prop.parameter("EMAIL"), MAX_ADDRESS)
    if "@" not in address:
        return None
    return Person(plain(prop.parameter("CN"), 200), address, ANSWERS.get(prop.parameter("PARTSTAT").upper(), ""))


def _moment(prop: Property | None, zones: Zones) -> Moment | None:
    value = None if prop is None else value_of(prop.value.strip())
    if prop is None or value is None:
        return None
    if is_date(prop):
        return Moment(value.date().isoformat(), None)
    if value.tzinfo is not None:
        return _zoned(value.replace(tzinfo=None), UTC, "UTC")
    name = zone_name(prop.parameter("TZID"))[:MAX_ZONE]
    if not name:
        return Moment(value.isoformat(), None)
    return msgspec.structs.replace(_zoned(value, zones.get(name), ""), zone=name)


def _zoned(local: datetime, zone: tzinfo | None, name: str) -> Moment:
    if zone is None:
        return Moment(local.isoformat(), None, name)
    try:
        return Moment(local.isoformat(), int(local.replace(tzinfo=zone).timestamp()), name)
    except (OverflowError, ValueError):
        return Moment(local.isoformat(), None)


def _after(start: Moment, duration: str) -> Moment | None:
    span = duration_of(duration)
    if span is None:
        return None
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
        [int(one) for one in parts[name].split(",")[:31] if NUMBER.fullmatch(one)] if parts.get(name) else []
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
    value = in_parameter(visible(value, "")[:MAX_PARAMETER])
    mark = '"' if name == "CN" or not value.isascii() or any(char in value for char in ":;, ") else ""
    return f";{name}={mark}{value}{mark}"


def _uri(address: str) -> str:
    return "".join(char for char in visible(address, "") if char not in ' "<>')
