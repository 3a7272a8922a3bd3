"""Scheduling (iTIP, RFC 5546; RFC 6638 §3): what a change of one's own calendar tells others. Components in, components
out; which way a message takes is decided elsewhere.

Theory of operation
-------------------
An entry is shared by its organiser and the attendees; each has a copy, and the organiser's counts. `organizing` finds
what the organiser's change tells the attendees (REQUEST, CANCEL), `itipanswers` what an attendee's change answers
(REPLY). `received` brings such messages into the receiver's copy. What all of them need is here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.proto.address import one_spelling
from moxlite.proto.cards.calendarobject import CalendarObject
from moxlite.proto.cards.components import Component, read_components, write_component
from moxlite.proto.cards.contentline import MAX_ADDRESS, Property, in_parameter, mail_address, plain, property_of
from moxlite.proto.cards.moments import in_series_form, is_date, moment_of, seconds_of
from moxlite.proto.cards.repeating import LeftOut, date_of, left_out, recurrence_of

Method: TypeAlias = Literal["REQUEST", "CANCEL", "REPLY"]
Role: TypeAlias = Literal["organizer", "attendee", ""]

MAX_DECLINED: Final = 50
"""Dates that an attendee may remove at a time. Each of them is declined."""

PRODID: Final = "-//moxlite//EN"

TIMES: Final = ("DTSTART", "DTEND", "DURATION", "DUE", "RRULE", "RDATE")
"""Properties whose change makes earlier answers void (RFC 5546 §2.1.4)."""

PERSONAL: Final = frozenset({"TRANSP", "CATEGORIES", "COLOR", "JSPROP", "COMPLETED", "PERCENT-COMPLETE"})
"""Properties of each user's own copy: neither sent to others, nor accepted from them. CLASS is sent, so that the copy
of a guest begins as strict; after that, it's the guest's own.
"""

UNTOLD: Final = PERSONAL | {"DTSTAMP", "SEQUENCE", "LAST-MODIFIED", "CREATED"}
"""Properties whose change is told to no attendee."""

STAMP: Final = "X-MOXLITE-DTSTAMP"
"""Parameter of ORGANIZER and ATTENDEE: DTSTAMP of the newest message of this person that was taken."""

BROUGHT_BY: Final = "X-MOXLITE-BROUGHT-BY"
"""Parameter of ORGANIZER: addresses, beside the organiser's, whose proven mail may change the event."""

BEFORE: Final = "X-MOXLITE-BEFORE"
"""Parameter of ORGANIZER: lines that the newest version has changed, as they were before (`received.FORMER`)."""

LEFT_OUT: Final = "X-MOXLITE-LEFT-OUT"
"""Parameter of ORGANIZER: what of the event no calendar takes (`received.LEFT`)."""

ASKED: Final = "X-MOXLITE-ASKED"
"""Parameter of ORGANIZER: the number of the version whose time guests were asked about last, where the newest one has
another number. Answers to it, and to later ones, count.
"""

OF_SERVER: Final = frozenset(
    {"SCHEDULE-AGENT", "SCHEDULE-STATUS", "SCHEDULE-FORCE-SEND", STAMP, BROUGHT_BY, BEFORE, LEFT_OUT, ASKED}
)
"""Parameters between a client and its server (RFC 6638 §7), and the server's own."""

OF_SENDER: Final = OF_SERVER | {"MEMBER"}
"""Parameters that aren't sent to others, besides those that begin with X-: MEMBER names the organizer's groups."""

OF_ANSWER: Final = frozenset({*OF_SERVER, "PARTSTAT", "RSVP", "SENT-BY"})
"""Parameters of people whose change is told to no attendee."""

ANSWERS: Final = frozenset({"ACCEPTED", "DECLINED", "TENTATIVE", "DELEGATED"})

DELIVERED: Final = "1.2"
SENT: Final = "1.1"
"""Values of SCHEDULE-STATUS: brought into the calendar of a user of this server; sent by mail (RFC 6638 §3.2.9)."""


OF_ORGANIZER: Final = "allowed-organizer-scheduling-object-change"
OF_ATTENDEE: Final = "allowed-attendee-scheduling-object-change"
"""Preconditions of changes by an organizer, and by an attendee (RFC 6638 §3.2.4.3, §3.2.4.4)."""


class NotAllowed(ValueError):
    """A change that a calendar user may not make. `condition`: name of the precondition (RFC 6638 §3.2.4)."""

    def __init__(self, condition: str, text: str) -> None:
        super().__init__(text)
        self.condition = condition


class Message(msgspec.Struct, frozen=True):
    """A message to some calendar users. `recipients`: addresses in lower case; `text`: the calendar with its METHOD;
    `before`: the calendar that they had, "" for none; `dates`: it's about single dates of a series that they have.
    """

    method: Method
    recipients: tuple[str, ...]
    text: str
    before: str = ""
    dates: bool = False


# Looking at an entry.


def address_of(prop: Property | None) -> str:
    """The mail address of a calendar user, in `one_spelling`; "" for another one."""
    if prop is None:
        return ""
    return one_spelling(mail_address(prop.value) or plain(prop.parameter("EMAIL"), MAX_ADDRESS))


def organizer_of(calendar_object: CalendarObject) -> Property | None:
    """The line of the organiser; None for an entry without one."""
    return next((line for part in calendar_object.parts if (line := part.first("ORGANIZER")) is not None), None)


def brought_by(calendar_object: CalendarObject | None) -> frozenset[str]:
    """Addresses that may change a calendar entry: of its organizer, and of people who added it."""
    line = None if calendar_object is None else organizer_of(calendar_object)
    if line is None:
        return frozenset()
    return frozenset((address_of(line), *map(one_spelling, line.parameter(BROUGHT_BY).split()))) - {""}


def named_by(calendar_object: CalendarObject, author: str) -> str:
    """Value of BROUGHT_BY for an entry that a proven author has brought: this one, and addresses that write for the
    organiser by SENT-BY and EMAIL.
    """
    line = organizer_of(calendar_object)
    if line is None:
        return ""
    named = (author, mail_address(line.parameter("SENT-BY")), plain(line.parameter("EMAIL"), MAX_ADDRESS))
    return " ".join(dict.fromkeys(one_spelling(one) for one in named if "@" in one and " " not in one))


def role_of(calendar_object: CalendarObject, own: frozenset[str]) -> Role:
    """Role of the user with these addresses in an entry, or "" if the server sends nothing for the user."""
    line = organizer_of(calendar_object)
    if line is None:
        return ""
    if address_of(line) in own:
        return "organizer"
    if agent_of(line) == "SERVER" and any(own & attendees_of(part).keys() for part in calendar_object.parts):
        return "attendee"
    return ""


def check_organizer(calendar_object: CalendarObject, before: CalendarObject | None) -> None:
    """Check what holds for each entry with people. Raises NotAllowed."""
    names = {address_of(line) for part in calendar_object.parts if (line := part.first("ORGANIZER")) is not None}
    if len(names) > 1:
        raise NotAllowed("same-organizer-in-all-components", "all components of an entry must have the same organizer")
    was = None if before is None else organizer_of(before)
    if was is not None and names and address_of(was) not in names:
        raise NotAllowed(OF_ORGANIZER, "you can't change an entry's organizer")


def attendees_of(part: Component) -> dict[str, Property]:
    """Attendee lines of a component, by address."""
    return {address: line for line in part.all("ATTENDEE") if (address := address_of(line))}


def agent_of(line: Property) -> str:
    """Who sends messages for a calendar user (SCHEDULE-AGENT), in capitals."""
    return line.parameter("SCHEDULE-AGENT").upper() or "SERVER"


def key_of(calendar_object: CalendarObject, part: Component) -> int | None:
    """The moment by the rule of an exception; None for the event itself."""
    recurrence = recurrence_of(part, calendar_object.main.first("DTSTART"))
    moment = moment_of(recurrence, calendar_object.zones)
    return None if moment is None else seconds_of(moment)


def by_key(calendar_object: CalendarObject | None) -> dict[int | None, Component]:
    """The components of an entry by `key_of`; none for no entry."""
    return {} if calendar_object is None else {key_of(calendar_object, part): part for part in calendar_object.parts}


class Dates:
    """The components of an entry by `key_of`, `parts`, and the dates of its series."""

    def __init__(self, calendar_object: CalendarObject) -> None:
        self.parts = by_key(calendar_object)
        self.zones = calendar_object.zones

    @property
    def series(self) -> Component | None:
        """The event itself; None for an entry of exceptions alone."""
        return self.parts.get(None)

    @cached_property
    def left_out(self) -> LeftOut:
        """The dates that the series leaves out."""
        return LeftOut() if self.series is None else left_out(self.series, self.zones)

    def at(self, recurrence: Property) -> Component | None:
        """The version of a date that RECURRENCE-ID names: its exception, or else what the series has then; None where
        it has nothing.
        """
        first = None if self.series is None else self.series.first("DTSTART")
        line = in_series_form(recurrence, first)
        moment = moment_of(line, self.zones)
        there = None if moment is None else self.parts.get(seconds_of(moment))
        if there is not None or self.series is None:
            return there
        return date_of(self.series, self.zones, self.left_out, line)

    def version_of(self, part: Component) -> Component | None:
        """The version here of a component of another version of the entry; None where it has nothing."""
        recurrence = part.first("RECURRENCE-ID")
        return self.series if recurrence is None else self.at(recurrence)


def sequence_of(part: Component) -> int:
    """The number of a version."""
    return _number(part.value("SEQUENCE"))


def asked_of(part: Component) -> int:
    """The number of the oldest version of the organizer's to which answers count."""
    organizer = part.first("ORGANIZER")
    asked = "" if organizer is None else organizer.parameter(ASKED)
    return _number(asked) if asked else sequence_of(part)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def times_of(part: Component) -> list[str]:
    """The lines that say when a component takes place, which answers are about."""
    return [f"{line.name};{line.parameter('TZID')}:{line.value.strip()}" for name in TIMES for line in part.all(name)]


# People.


def with_sender(message: Message, own: frozenset[str], sender: str) -> Message:
    """A message of the user with these addresses that names who has sent it for the user (RFC 5545 §3.2.18)."""

    def named(line: Property) -> Property:
        own_line = line.name in ("ORGANIZER", "ATTENDEE") and address_of(line) in own
        return with_parameters(line, {"SENT-BY": f"mailto:{sender}"}) if own_line else line

    calendar = read_components(message.text, "VCALENDAR")
    parts = [mapped(part, named) for part in calendar.components]
    text = write_component(Component(calendar.name, calendar.properties, parts))
    return msgspec.structs.replace(message, text=text)


def organized_for(
    calendar_object: CalendarObject, owner: frozenset[str], guest: frozenset[str], organizer: Property
) -> Component | None:
    """An entry that a guest puts into the owner's calendar, with the owner as its organizer where the guest's program
    has named the guest, and without who has sent it; None where that changes nothing.

    Args:
      owner, guest: their addresses. organizer: the line that names the owner.
    """
    line = organizer_of(calendar_object)
    invited = any(owner & attendees_of(part).keys() for part in calendar_object.parts)
    renamed = address_of(line) if line is not None and address_of(line) in guest and not invited else ""

    def named(line: Property) -> Property:
        if line.name not in ("ORGANIZER", "ATTENDEE"):
            return line
        if renamed and address_of(line) == renamed:
            if line.name == "ORGANIZER":
                return organizer
            # the line by which programs say that the organizer takes part
            line = with_value(with_parameters(line, {"CN": organizer.parameter("CN"), "EMAIL": ""}), organizer.value)
        ours = address_of(line) in owner and line.parameter("SENT-BY")
        return with_parameters(line, {"SENT-BY": ""}) if ours else line

    parts = [mapped(part, named) for part in calendar_object.parts]
    return None if parts == calendar_object.parts else rebuilt(calendar_object, parts)


# Lines.


def with_parameters(line: Property, wanted: Mapping[str, str]) -> Property:
    """A line with these parameters in place of its own ones of the same names; "" takes a parameter away."""
    name, *pieces = _head_pieces(line)
    kept = [piece for piece in pieces if _parameter_name(piece) not in wanted]
    added = [f"{name}={quoted(value)}" for name, value in wanted.items() if value]
    made = property_of(";".join([name, *kept, *added]) + ":" + line.value)
    return line if made is None else made


def with_value(line: Property, value: str) -> Property:
    """A line with another value."""
    made = property_of(line.whole[: len(line.whole) - len(line.value)] + value)
    return line if made is None else made


def renamed(line: Property, name: str) -> Property:
    """A line of another name with the same time."""
    zone = line.parameter("TZID")
    kind = ";VALUE=DATE" if is_date(line) else f";TZID={quoted(zone)}" if zone else ""
    made = property_of(f"{name}{kind}:{line.value}")
    assert made is not None
    return made


def sent_line(line: Property) -> Property:
    """A line as others get it: without what programs note in it for its owner."""
    if not line.parameters:
        return line
    name, *pieces = _head_pieces(line)
    kept = [piece for piece in pieces if not (key := _parameter_name(piece)).startswith("X-") and key not in OF_SENDER]
    made = property_of(";".join([name, *kept]) + ":" + line.value) if len(kept) < len(pieces) else None
    return line if made is None else made


def _head_pieces(line: Property) -> list[str]:
    """A line's name and parameters, as they're written."""
    pieces, start, quoted = [], 0, False
    head = line.whole[: len(line.whole) - len(line.value) - 1]
    for at, char in enumerate(head):
        if char == '"':
            quoted = not quoted
        elif char == ";" and not quoted:
            pieces.append(head[start:at])
            start = at + 1
    return [*pieces, head[start:]]


def _parameter_name(piece: str) -> str:
    return piece.partition("=")[0].strip().upper()


def quoted(value: str) -> str:
    value = in_parameter(value)
    return f'"{value}"' if any(char in value for char in ":;,") else value


def new_line(name: str, value: str) -> Property:
    return Property(name, {}, value, f"{name}:{value}")


def with_property(part: Component, name: str, value: str) -> Component:
    """A component with one property of that name."""
    kept = [line for line in part.properties if line.name != name]
    return Component(part.name, [*kept, new_line(name, value)], part.components)


def mapped(part: Component, change: Callable[[Property], Property | None]) -> Component:
    """Return a component with changed lines, without those for which `change` returns None."""
    lines = [made for line in part.properties if (made := change(line)) is not None]
    return Component(part.name, lines, part.components)


def new_calendar(calendar_object: CalendarObject, parts: Sequence[Component], method: str = "") -> Component:
    """A calendar with these components, and the zones that they may name."""
    head = [new_line("VERSION", "2.0"), new_line("PRODID", PRODID), *([new_line("METHOD", method)] if method else [])]
    zones = [component for component in calendar_object.calendar.components if component.name == "VTIMEZONE"]
    return Component("VCALENDAR", head, [*zones, *parts])


def rebuilt(calendar_object: CalendarObject, parts: Sequence[Component]) -> Component:
    """The calendar of an entry with other components."""
    zones = [component for component in calendar_object.calendar.components if component.name == "VTIMEZONE"]
    return Component("VCALENDAR", calendar_object.calendar.properties, [*zones, *parts])


def without_answers(part: Component, own: frozenset[str]) -> Component:
    """A component whose attendees, but for those with these addresses, have not answered."""

    def asked(line: Property) -> Property:
        if line.name != "ATTENDEE" or address_of(line) in own or line.parameter("PARTSTAT") in ("", "NEEDS-ACTION"):
            return line
        return with_parameters(line, {"PARTSTAT": "NEEDS-ACTION", "RSVP": "TRUE"})

    return mapped(part, asked)


def is_off(parts: Sequence[Component]) -> bool:
    """Whether all components are cancelled."""
    return all(part.value("STATUS").upper() == "CANCELLED" for part in parts)


def comparable(part: Component) -> frozenset[str]:
    """The lines of a component that matter to an attendee."""
    lines: set[str] = set()
    for line in part.properties:
        if line.name in UNTOLD or line.name.startswith("X-"):
            continue
        line = sent_line(line)
        if line.name in ("ATTENDEE", "ORGANIZER"):
            lines.add(with_parameters(line, dict.fromkeys(OF_ANSWER, "")).whole.strip())
        else:
            lines.add(line.whole.strip())
    return frozenset(lines)


def is_over(calendar_object: CalendarObject, now: int) -> bool:
    """Whether all of an entry is at least a day past, so that other users aren't notified about changes."""
    _, ends = calendar_object.bounds()
    return ends is not None and ends < now - int(timedelta(days=1).total_seconds())
