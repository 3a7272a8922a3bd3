"""Scheduling (iTIP, RFC 5546; RFC 6638 §3): what a change of one's own calendar tells others. Components in, components
out; which way a message takes is decided elsewhere.

Theory of operation
-------------------
An entry is shared by its organiser and the attendees; each has a copy, and the organiser's counts. `organized` compares
the organiser's entry before and after a change. Each attendee has a view of it: the event, and those exceptions to
which the attendee is invited. A view that differs is sent (REQUEST), one that is gone is called off (CANCEL).
`itipanswers` finds what an attendee's change answers (REPLY). `received` brings such messages into the receiver's copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.proto.address import one_spelling
from moxlite.proto.cards.calendarobject import CalendarObject
from moxlite.proto.cards.components import Component, write_component
from moxlite.proto.cards.contentline import MAX_ADDRESS, Property, in_parameter, mail_address, plain, property_of
from moxlite.proto.cards.moments import moment_of, seconds_of, utc_text
from moxlite.proto.cards.repeating import main_part, recurrence_of, span_of

Method: TypeAlias = Literal["REQUEST", "CANCEL", "REPLY"]
Role: TypeAlias = Literal["organizer", "attendee", ""]

MAX_DECLINED: Final = 50
"""Dates that an attendee may remove at a time. Each of them is declined."""

MAX_VIEWS: Final = 16 << 20
"""Characters of all different views of an entry, before and after a change: they are compared and written in a second.
Guests of the same dates share a view.
"""

SIZE_OF_DATE: Final = 40
"""Characters of EXDATE with one date."""

Numbers: TypeAlias = tuple[int, ...]

PRODID: Final = "-//moxlite//EN"

OF_END: Final = frozenset({"UID", "SUMMARY", "ORGANIZER", "DTSTART", "DTEND", "DURATION", "DUE"})
"""Properties of the short message that a whole entry is called off."""

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
"""Parameter of ORGANIZER: lines that the newest version has changed, as they were before (`received.former_lines`)."""

LEFT_OUT: Final = "X-MOXLITE-LEFT-OUT"
"""Parameter of ORGANIZER: what of the event no calendar takes (`received.LEFT`)."""

OF_SERVER: Final = frozenset(
    {"SCHEDULE-AGENT", "SCHEDULE-STATUS", "SCHEDULE-FORCE-SEND", STAMP, BROUGHT_BY, BEFORE, LEFT_OUT}
)
"""Parameters between a client and its server (RFC 6638 §7), and the server's own."""

OF_SENDER: Final = OF_SERVER | {"MEMBER"}
"""Parameters that aren't sent to others, besides those that begin with X-: MEMBER names the organizer's groups."""

OF_ANSWER: Final = frozenset({*OF_SERVER, "PARTSTAT", "RSVP"})

ANSWERS: Final = frozenset({"ACCEPTED", "DECLINED", "TENTATIVE", "DELEGATED"})

DELIVERED: Final = "1.2"
SENT: Final = "1.1"
"""Values of SCHEDULE-STATUS: brought into the calendar of a user of this server; sent by mail (RFC 6638 §3.2.9)."""


class NotAllowed(ValueError):
    """A change that a calendar user may not make. `condition`: name of the precondition (RFC 6638 §3.2.4)."""

    def __init__(self, condition: str, text: str) -> None:
        super().__init__(text)
        self.condition = condition


class TooManyViews(NotAllowed):
    """The messages about a change, of which each view has its own, would be too large together."""


class Message(msgspec.Struct, frozen=True):
    """A message to some calendar users. `recipients`: addresses in lower case; `text`: the calendar with its METHOD;
    `before`: the calendar that they had, "" for none.
    """

    method: Method
    recipients: tuple[str, ...]
    text: str
    before: str = ""


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
        raise NotAllowed("allowed-organizer-scheduling-object-change", "you can't change an entry's organizer")


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


def sequence_of(part: Component) -> int:
    """The number of a version."""
    value = part.value("SEQUENCE")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0


def times_of(part: Component) -> list[str]:
    """The lines that say when a component takes place, which answers are about."""
    return [f"{line.name};{line.parameter('TZID')}:{line.value.strip()}" for name in TIMES for line in part.all(name)]


# Lines.


def with_parameters(line: Property, wanted: Mapping[str, str]) -> Property:
    """A line with these parameters in place of its own ones of the same names; "" takes a parameter away."""
    name, *pieces = _head_pieces(line)
    kept = [piece for piece in pieces if _parameter_name(piece) not in wanted]
    added = [f"{name}={_quoted(value)}" for name, value in wanted.items() if value]
    made = property_of(";".join([name, *kept, *added]) + ":" + line.value)
    return line if made is None else made


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


def _quoted(value: str) -> str:
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


# The organiser's changes.


class OrganizerChange(msgspec.Struct, frozen=True):
    """An organiser's change: the calendar as it is stored, and the messages about it."""

    calendar: Component
    messages: tuple[Message, ...]


def organized(
    before: CalendarObject | None,
    after: CalendarObject,
    own: frozenset[str],
    local: frozenset[str],
    now: int,
    *,
    keep_answers: bool,
) -> OrganizerChange:
    """Find the messages about an organiser's change. Raises TooManyViews.

    Args:
      own: addresses of the organiser. local: addresses of users of this server. now: seconds UTC.
      keep_answers: the client may not know the newest answers, so that the answers in `before` count.
    """
    earlier = by_key(before)
    parts = [_numbered(part, earlier.get(key_of(after, part)), own, keep=keep_answers) for part in after.parts]
    if before is not None and (series := earlier.get(None)) is not None:
        parts = [
            _asked_anew(part, series, own)
            if key_of(after, part) not in earlier and _is_moved(after, part, before, series)
            else part
            for part in parts
        ]
    changed = msgspec.structs.replace(after, parts=parts)
    everyone = dict.fromkeys(
        address
        for calendar_object in (before, changed)
        if calendar_object is not None
        for part in calendar_object.parts
        for address, line in attendees_of(part).items()
        if address not in own and agent_of(line) == "SERVER"
    )
    messages = _messages(before, changed, everyone, now)
    told = {address for message in messages for address in message.recipients}

    def stored(part: Component) -> Component:
        was = attendees_of(earlier.get(key_of(after, part), Component("", [], [])))

        def line(prop: Property) -> Property:
            address = address_of(prop) if prop.name == "ATTENDEE" else ""
            if address in told:
                status = DELIVERED if address in local else SENT
                return with_parameters(prop, {"SCHEDULE-STATUS": status, "SCHEDULE-FORCE-SEND": ""})
            if address in was and (status := was[address].parameter("SCHEDULE-STATUS")):
                return with_parameters(prop, {"SCHEDULE-STATUS": status})
            return prop

        return mapped(part, line)

    if not told and parts == after.parts:
        return OrganizerChange(after.calendar, ())
    return OrganizerChange(rebuilt(after, [stored(part) for part in parts]), messages)


def renewed(calendar_object: CalendarObject) -> CalendarObject:
    """An organiser's entry that comes back after its guests were told of its end, with numbers above that message's:
    they would take the invitation for an older one (RFC 5546 §2.1.5).
    """
    parts = [with_property(part, "SEQUENCE", str(sequence_of(part) + 2)) for part in calendar_object.parts]
    return msgspec.structs.replace(calendar_object, parts=parts)


def called_off(before: CalendarObject, own: frozenset[str], now: int) -> tuple[Message, ...]:
    """Find the messages about the removal of an organiser's entry."""
    everyone = {
        address: None
        for part in before.parts
        for address, line in attendees_of(part).items()
        if address not in own and agent_of(line) == "SERVER"
    }
    try:
        return _messages(before, None, everyone, now)
    except TooManyViews:
        # A guest who has one date of a series takes this for its end, too (RFC 5546 §3.2.5).
        lines = [line for line in before.main.properties if line.name in OF_END]
        number = max(map(sequence_of, before.parts)) + 1
        [told] = _told([Component(before.kind, lines, [])], now)
        text = write_component(new_calendar(before, [_called_off(told, number)], "CANCEL"))
        return (Message("CANCEL", tuple(everyone), text),)


def _numbered(part: Component, was: Component | None, own: frozenset[str], *, keep: bool) -> Component:
    """A component with its number raised, and answers void, if it was moved (RFC 5546 §2.1.4, RFC 6638 §3.2.8)."""
    if was is None:
        return part
    if times_of(part) == times_of(was):
        answers = attendees_of(was)

        def kept(line: Property) -> Property:
            there = answers.get(address_of(line)) if line.name == "ATTENDEE" else None
            if there is None or address_of(line) in own:
                return line
            status = there.parameter("PARTSTAT")
            return line if line.parameter("PARTSTAT") == status else with_parameters(line, {"PARTSTAT": status})

        return mapped(part, kept) if keep else part
    return _asked_anew(part, was, own)


def _is_moved(after: CalendarObject, part: Component, before: CalendarObject, series: Component) -> bool:
    """Whether a new exception is at another time than the series before has it, or of another length."""
    span, usual = span_of(part, after.zones), span_of(series, before.zones)
    if span is None or usual is None:
        return False
    length = part.value("DURATION")  # its days may have other hours
    same = (length and length == series.value("DURATION")) or span[1] - span[0] == usual[1] - usual[0]
    return span[0] != key_of(after, part) or not same


def _asked_anew(part: Component, was: Component, own: frozenset[str]) -> Component:
    """A component that was moved, with its number raised, and answers void."""
    number = max(sequence_of(part), sequence_of(was) + 1)
    numbered = part if number == sequence_of(part) else with_property(part, "SEQUENCE", str(number))
    return without_answers(numbered, own)


def without_answers(part: Component, own: frozenset[str]) -> Component:
    """A component whose attendees, but for those with these addresses, have not answered."""

    def asked(line: Property) -> Property:
        if line.name != "ATTENDEE" or address_of(line) in own or line.parameter("PARTSTAT") in ("", "NEEDS-ACTION"):
            return line
        return with_parameters(line, {"PARTSTAT": "NEEDS-ACTION", "RSVP": "TRUE"})

    return mapped(part, asked)


def _messages(
    before: CalendarObject | None, after: CalendarObject | None, everyone: Iterable[str], now: int
) -> tuple[Message, ...]:
    """Find what attendees are told. Raises TooManyViews."""
    was, is_now = _Views(before, now), _Views(after, now)
    groups: dict[tuple[Numbers, Numbers, str], list[str]] = {}
    for address in everyone:
        groups.setdefault((was.of(address), is_now.of(address), is_now.forced(address)), []).append(address)
    found: dict[tuple[Method, str, str], list[str]] = {}
    left = MAX_VIEWS
    for (old, new, forced), addresses in groups.items():
        left -= was.size(old) + is_now.size(new)
        if left < 0 and len(groups) > 1:
            raise TooManyViews("max-attendees-per-instance", "guests see too many different versions of this event")
        if not forced and was.lines(old) == is_now.lines(new):
            continue
        was_off, is_now_off = was.is_off(old), is_now.is_off(new)
        if not forced and (is_now_off if new else was_off) and was_off:
            continue  # no attendee has to hear of what never was, or is off already
        earlier = "" if before is None or not old else write_component(new_calendar(before, was.told(old)))
        off = not new or forced == "CANCEL" or is_now_off
        home, parts = (after, is_now.told(new)) if new else (before, was.told(old))
        assert home is not None
        if off:
            parts = [_called_off(part, sequence_of(part) + int(not new)) for part in parts]
        method: Method = "CANCEL" if off else "REQUEST"
        text = write_component(new_calendar(home, parts, method))
        found.setdefault((method, text, earlier), []).extend(addresses)
    return tuple(Message(method, tuple(to), text, was) for (method, text, was), to in found.items())


class _Views:
    """Each attendee's view of an entry.

    It has the indexes of the components to which the attendee is invited, and the main event without the dates of
    exceptions for other attendees. Each component is examined once, whatever the number of guests.
    """

    def __init__(self, calendar_object: CalendarObject | None, now: int) -> None:
        self._parts = [] if calendar_object is None else calendar_object.parts
        self._main = main_part(self._parts)
        self._invited: dict[str, list[int]] = {}
        self._forced: dict[str, str] = {}
        for number, part in enumerate(self._parts):
            for address, line in attendees_of(part).items():
                self._invited.setdefault(address, []).append(number)
                wanted = line.parameter("SCHEDULE-FORCE-SEND").upper()
                if wanted in ("REQUEST", "CANCEL"):
                    self._forced.setdefault(address, wanted)
        self._lines = [comparable(part) for part in self._parts]
        self._dates = [_left_out(part) for part in self._parts]
        self._told = _told(self._parts, now)
        self._sizes = [sum(len(line.whole) for line in part.properties) for part in self._parts]
        self._off = [is_off([part]) for part in self._parts]

    def of(self, address: str) -> Numbers:
        """The components to which an attendee is invited, the event itself first."""
        numbers = self._invited.get(address, [])
        return tuple(sorted(numbers, key=lambda number: number != self._main))

    def forced(self, address: str) -> str:
        """The method that a client wants to be sent in any case (RFC 6638 §7.2)."""
        return self._forced.get(address, "")

    def size(self, numbers: Numbers) -> int:
        """About the characters of a view."""
        dates = SIZE_OF_DATE * len(self._parts) if self._main in numbers[:1] else 0
        return dates + sum(self._sizes[number] for number in numbers)

    def is_off(self, numbers: Numbers) -> bool:
        """Whether all of a view is cancelled; true of an empty one."""
        return all(self._off[number] for number in numbers)

    def lines(self, numbers: Numbers) -> list[frozenset[str]]:
        """The lines of each component that matter to the attendee."""
        lines = [self._lines[number] for number in numbers]
        if dates := self._without(numbers):
            lines[0] = lines[0] | {line.whole.strip() for line in dates}
        return lines

    def told(self, numbers: Numbers) -> list[Component]:
        """A view as the attendee gets it."""
        parts = [self._told[number] for number in numbers]
        if dates := self._without(numbers):
            parts[0] = Component(parts[0].name, [*parts[0].properties, *dates], [])
        return parts

    def _without(self, numbers: Numbers) -> list[Property]:
        """EXDATE of the exceptions that are left out of a view with the event itself."""
        if self._main not in numbers[:1]:
            return []
        seen = set(numbers)
        return [line for number, line in enumerate(self._dates) if line is not None and number not in seen]


def is_off(parts: Sequence[Component]) -> bool:
    """Whether all components are cancelled."""
    return all(part.value("STATUS").upper() == "CANCELLED" for part in parts)


def _left_out(part: Component) -> Property | None:
    """EXDATE of an exception; None for the event itself."""
    recurrence = part.first("RECURRENCE-ID")
    if recurrence is None:
        return None
    parameters = recurrence.whole[len("RECURRENCE-ID") : len(recurrence.whole) - len(recurrence.value) - 1]
    line = property_of(f"EXDATE{parameters}:{recurrence.value}")
    return None if line is None else with_parameters(line, {"RANGE": ""})


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


def _told(parts: Sequence[Component], now: int) -> list[Component]:
    """Components as others get them: without alarms, what is the organizer's own, and what is between a client and its
    server.
    """
    components: list[Component] = []
    for part in parts:
        lines = [
            sent_line(line)
            for line in part.properties
            if not line.name.startswith("X-") and line.name not in PERSONAL and line.name != "DTSTAMP"
        ]
        components.append(Component(part.name, [*lines, new_line("DTSTAMP", utc_text(now))], []))
    return components


def _called_off(part: Component, sequence: int) -> Component:
    """A component that is called off, as attendees are told; one that is gone has a number above the organiser's."""
    return with_property(with_property(part, "STATUS", "CANCELLED"), "SEQUENCE", str(sequence))


def is_over(calendar_object: CalendarObject, now: int) -> bool:
    """Whether all of an entry is at least a day past, so that other users aren't notified about changes."""
    _, ends = calendar_object.bounds()
    return ends is not None and ends < now - int(timedelta(days=1).total_seconds())
