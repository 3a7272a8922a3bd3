"""Messages of an organiser to the attendees about a change of an entry (RFC 5546 §3.2.2, §3.2.5).

Theory of operation
-------------------
`organized` compares the organiser's entry before and after a change. Each attendee has a view of it: the event, and
those exceptions to which the attendee is invited. A view that differs is sent (REQUEST), one that is gone is called off
(CANCEL). Of a series in which single dates have changed, these are sent alone: an exception by REQUEST, a date that is
called off by CANCEL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import msgspec

from moxlite.proto.cards.calendarobject import CalendarObject
from moxlite.proto.cards.components import Component, write_component
from moxlite.proto.cards.contentline import Property, property_of
from moxlite.proto.cards.itip import (
    DELIVERED,
    PERSONAL,
    SENT,
    Message,
    Method,
    NotAllowed,
    address_of,
    agent_of,
    attendees_of,
    by_key,
    comparable,
    is_off,
    key_of,
    mapped,
    new_calendar,
    new_line,
    quoted,
    rebuilt,
    sent_line,
    sequence_of,
    times_of,
    with_parameters,
    with_property,
    without_answers,
)
from moxlite.proto.cards.moments import is_date, moment_of, seconds_of, utc_text
from moxlite.proto.cards.repeating import date_of, dates_in, left_out, main_part, span_of

MAX_VIEWS: Final = 16 << 20
"""Characters of all different views of an entry, before and after a change: they are compared and written in a second.
Guests of the same dates share a view.
"""

SIZE_OF_DATE: Final = 40
"""Characters of EXDATE with one date."""

MAX_DATES: Final = 10
"""Dates of a series that are sent alone; a change of more sends the series."""

OF_END: Final = frozenset({"UID", "SUMMARY", "ORGANIZER", "DTSTART", "DTEND", "DURATION", "DUE"})
"""Properties of the short message that a whole entry is called off."""

Numbers: TypeAlias = tuple[int, ...]


class TooManyViews(NotAllowed):
    """The messages about a change, of which each view has its own, would be too large together."""


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
    """A component with its number raised, and answers void, if it was moved (RFC 5546 §2.1.4, RFC 6638 §3.2.8). Where
    a series leaves out other dates, only its number is raised.
    """
    if was is None:
        return part
    if times_of(part) == times_of(was):
        if {line.whole for line in part.all("EXDATE")} != {line.whole for line in was.all("EXDATE")}:
            part = with_property(part, "SEQUENCE", str(max(sequence_of(part), sequence_of(was) + 1)))
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


def _messages(
    before: CalendarObject | None, after: CalendarObject | None, everyone: Iterable[str], now: int
) -> tuple[Message, ...]:
    """Find what attendees are told. Raises TooManyViews."""
    was, is_now = _Views(before, now), _Views(after, now)
    groups: dict[tuple[Numbers, Numbers, str], list[str]] = {}
    for address in everyone:
        groups.setdefault((was.of(address), is_now.of(address), is_now.forced(address)), []).append(address)
    found: dict[tuple[Method, str, str, bool], list[str]] = {}
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
        whole: Method = "CANCEL" if off else "REQUEST"
        dates: list[tuple[Method, list[Component]]] = []
        if before is not None and after is not None and old and not off and not forced:
            view = msgspec.structs.replace(after, parts=parts)
            dates = _changed_dates(msgspec.structs.replace(before, parts=was.told(old)), view)
        for method, components in dates or [(whole, parts)]:
            text = write_component(new_calendar(home, components, method))
            found.setdefault((method, text, earlier, bool(dates)), []).extend(addresses)
    return tuple(Message(method, tuple(to), text, was, dates) for (method, text, was, dates), to in found.items())


def _changed_dates(was: CalendarObject, view: CalendarObject) -> list[tuple[Method, list[Component]]]:
    """The dates of a series that a change is about: exceptions as they are now, and as they are called off. None of
    them where the series itself has changed, a date is back at its place by the rule, or there are more than
    `MAX_DATES`.

    Args:
      was: an attendee's view before the change. view: the one after it.
    """
    old, new = by_key(was), by_key(view)
    series, now = old.get(None), new.get(None)
    if series is None or now is None or _without_dates(series) != _without_dates(now):
        return []
    left, leaves = left_out(series, was.zones), left_out(now, view.zones)
    gone = leaves.times - left.times
    back = (left.times - leaves.times - new.keys()) or (old.keys() - new.keys() - gone)
    exceptions = [part for key, part in new.items() if key is not None and _differs(part, old.get(key))]
    if back or left.days != leaves.days or any(_is_and_later(part) for part in exceptions):
        return []
    off = [part for part in exceptions if is_off([part])]
    for line in dates_in(now, "EXDATE") if len(gone) <= MAX_DATES else ():
        moment = moment_of(line, view.zones)
        key = None if moment is None else seconds_of(moment)
        if key not in gone or key in new:
            continue
        earlier = old.get(key) or date_of(series, was.zones, left, _named("RECURRENCE-ID", line))
        if earlier is not None and not is_off([earlier]):
            off.append(_called_off(earlier, max(sequence_of(earlier) + 1, sequence_of(now))))
    changed = [part for part in exceptions if not is_off([part])]
    if len(changed) + len(off) > MAX_DATES or len(gone) > MAX_DATES:
        return []
    dates: list[tuple[Method, list[Component]]] = [("REQUEST", changed), ("CANCEL", off)]
    return [(method, parts) for method, parts in dates if parts]


def _differs(part: Component, earlier: Component | None) -> bool:
    return earlier is None or comparable(earlier) != comparable(part)


def _is_and_later(part: Component) -> bool:
    """Whether an exception is of all later dates, too (RFC 5545 §3.2.13)."""
    line = part.first("RECURRENCE-ID")
    return line is not None and line.parameter("RANGE") != ""


def _named(name: str, line: Property) -> Property:
    """A line of another name with the same time."""
    zone = line.parameter("TZID")
    kind = ";VALUE=DATE" if is_date(line) else f";TZID={quoted(zone)}" if zone else ""
    made = property_of(f"{name}{kind}:{line.value}")
    assert made is not None
    return made


def _without_dates(part: Component) -> frozenset[str]:
    """The lines of a series that matter to an attendee, but for the dates that it leaves out."""
    return comparable(Component(part.name, [line for line in part.properties if line.name != "EXDATE"], []))


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


def _left_out(part: Component) -> Property | None:
    """EXDATE of an exception; None for the event itself."""
    recurrence = part.first("RECURRENCE-ID")
    return None if recurrence is None else _named("EXDATE", recurrence)


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
