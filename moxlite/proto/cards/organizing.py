"""Messages of an organiser to the attendees about a change of an entry (RFC 5546 §3.2.2, §3.2.5).

Theory of operation
-------------------
`organized` compares the organiser's entry before and after a change. Each attendee has a view of it: the event, and
those exceptions to which the attendee is invited. A view that differs is sent (REQUEST), one that is gone is called off
(CANCEL). Of a series in which single dates have changed, these are sent alone: an exception by REQUEST, a date that is
called off by CANCEL. So are all changes for an attendee of single dates, who has no series. One who has dates of it
left is told that the series is called off, and then of these.

Receivers take no message with a lower number than they have (RFC 5546 §2.1.5). So the number rises with each change
after which one attendee has a higher one than the others, as after a date was called off. An answer doesn't lose its
meaning by that: `itip.ASKED`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from moxlite.proto.cards.calendarobject import CalendarObject
from moxlite.proto.cards.components import Component, write_component
from moxlite.proto.cards.contentline import Property
from moxlite.proto.cards.itip import (
    ASKED,
    DELIVERED,
    PERSONAL,
    SENT,
    Dates,
    Message,
    Method,
    NotAllowed,
    address_of,
    agent_of,
    asked_of,
    attendees_of,
    by_key,
    comparable,
    is_off,
    key_of,
    mapped,
    new_calendar,
    new_line,
    rebuilt,
    renamed,
    sent_line,
    sequence_of,
    times_of,
    with_parameters,
    with_property,
    without_answers,
)
from moxlite.proto.cards.moments import utc_text
from moxlite.proto.cards.repeating import has_date, main_part, span_of
from moxlite.proto.cards.rules import BadRecurrence, Steps, TooMuchWork

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
    parts = _all_numbered(before, after, own, keep=keep_answers)
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


def _all_numbered(
    before: CalendarObject | None, after: CalendarObject, own: frozenset[str], *, keep: bool
) -> list[Component]:
    """The components after a change, with their numbers, and answers void where they are at another time (RFC 5546
    §2.1.4, RFC 6638 §3.2.8).
    """
    if before is None:
        return after.parts
    earlier, parts = by_key(before), by_key(after)
    series = earlier.get(None)
    for key, part in parts.items():
        was = earlier.get(key)
        if was is not None:
            parts[key] = _numbered(part, was, own, keep=keep)
        elif series is not None and _is_moved(after, part, before, series):
            parts[key] = _asked_anew(part, series, own)
        elif series is not None and is_off([part]):
            parts[key] = _raised(part, series, sequence_of(series) + 1)
    now = parts.get(None)
    if series is None or now is None:
        return list(parts.values())
    # Above the numbers of exceptions that are gone, which a receiver might keep.
    gone = [sequence_of(was) + 1 for key, was in earlier.items() if key not in parts]
    parts[None] = _raised(now, series, max(gone)) if gone else now
    return list(_with_series(parts, earlier, own).values())


def _with_series(
    parts: Mapping[int | None, Component], earlier: Mapping[int | None, Component], own: frozenset[str]
) -> dict[int | None, Component]:
    """Components of a series with the numbers that its exceptions need beside its own."""
    series, now = earlier[None], parts[None]
    # The series is called off for those who only have dates of it from now on.
    off = attendees_of(series).keys() - attendees_of(now).keys() - own
    raised = dict(parts)
    for key, part in parts.items():
        if key is not None and off & attendees_of(part).keys():
            raised[key] = _raised(part, earlier.get(key, series), sequence_of(now) + 1)
        elif key not in earlier and sequence_of(part) < sequence_of(now):
            # A receiver without an exception compares it with the series, or with what called its date off.
            raised[key] = _raised(part, series, sequence_of(now))
    return raised


def _numbered(part: Component, was: Component, own: frozenset[str], *, keep: bool) -> Component:
    """A component in place of an earlier version."""
    if times_of(part) != times_of(was):
        return _asked_anew(part, was, own)
    fewer = attendees_of(was).keys() - attendees_of(part).keys() - own
    number = sequence_of(was) + int(bool(fewer) or _number_matters(part) != _number_matters(was))
    part = _raised(part, was, number)
    answers = attendees_of(was)

    def kept(line: Property) -> Property:
        there = answers.get(address_of(line)) if line.name == "ATTENDEE" else None
        if there is None or address_of(line) in own:
            return line
        status = there.parameter("PARTSTAT")
        return line if line.parameter("PARTSTAT") == status else with_parameters(line, {"PARTSTAT": status})

    return mapped(part, kept) if keep else part


def _number_matters(part: Component) -> set[str]:
    """The lines beside the times whose change raises the number (RFC 5546 §2.1.4)."""
    return {line.whole.strip() for line in part.properties if line.name in ("EXDATE", "STATUS")}


def _raised(part: Component, was: Component, number: int) -> Component:
    """A component with this number at least, whose guests were asked about the same time as by `was`."""
    number = max(number, sequence_of(part))
    asked = min(asked_of(was), number)
    parameters = {ASKED: str(asked) if asked < number else ""}
    if number != sequence_of(part):
        part = with_property(part, "SEQUENCE", str(number))

    def line(prop: Property) -> Property:
        same = prop.name != "ORGANIZER" or prop.parameter(ASKED) == parameters[ASKED]
        return prop if same else with_parameters(prop, parameters)

    return mapped(part, line)


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
    return without_answers(mapped(numbered, _unasked), own)


def _unasked(line: Property) -> Property:
    return with_parameters(line, {ASKED: ""}) if line.name == "ORGANIZER" and line.parameter(ASKED) else line


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
        known = None if before is None or not old else msgspec.structs.replace(before, parts=was.told(old))
        view = None if after is None or not new else msgspec.structs.replace(after, parts=is_now.told(new))
        earlier = "" if known is None else write_component(new_calendar(known, known.parts))
        home = view or known
        assert home is not None
        for told in [_whole(known, view, forced)] if forced else _differences(known, view):
            text = write_component(new_calendar(home, told.parts, told.method))
            message = told.method, text, earlier if told.known else "", told.dates
            found.setdefault(message, []).extend(addresses)
    return tuple(Message(method, tuple(to), text, was, dates) for (method, text, was, dates), to in found.items())


class Difference(msgspec.Struct, frozen=True):
    """Components that an attendee is told. `known`: the attendee had an earlier version; `dates`: as in `Message`."""

    method: Method
    parts: list[Component]
    known: bool = True
    dates: bool = False


def _differences(was: CalendarObject | None, view: CalendarObject | None) -> list[Difference]:
    """What tells an attendee the difference between two views, of which not both are None."""
    goes_on = [] if view is None else [part for part in view.parts if not is_off([part])]
    if was is None or view is None or not goes_on:
        return [_whole(was, view)]
    old, new = Dates(was), Dates(view)
    if old.series is not None and new.series is None:
        known = msgspec.structs.replace(was, parts=[part for key, part in old.parts.items() if key not in new.parts])
        return [_whole(known, None), Difference("REQUEST", goes_on, known=False)]
    dates = _changed_dates(old, new) if (old.series is None) == (new.series is None) else None
    return [_whole(was, view)] if dates is None else dates


def _whole(was: CalendarObject | None, view: CalendarObject | None, forced: str = "") -> Difference:
    """All of a view, or that it has ended. `forced`: method that a client wants to be sent."""
    if view is not None and forced != "CANCEL" and not is_off(view.parts):
        return Difference("REQUEST", view.parts, known=was is not None)
    now = {} if view is None else by_key(view)
    known = now if was is None else by_key(was)
    ended = {key: part for key, part in known.items() if forced or not is_off([part])}
    parts = [
        _called_off(now[key], sequence_of(now[key])) if key in now else _called_off(part, sequence_of(part) + 1)
        for key, part in ended.items()
    ]
    return Difference("CANCEL", parts, known=was is not None)


def _changed_dates(old: Dates, new: Dates) -> list[Difference] | None:
    """The dates of a series that a change is about: exceptions as they are now, and as they are called off. None where
    the series itself has changed, a date is back at its place by the rule, or there are more than `MAX_DATES`.

    Args:
      old: an attendee's view before the change. new: the one after it. Both have the series, or neither.
    """
    changed = [
        part
        for key, part in new.parts.items()
        if key is not None and ((earlier := old.version_of(part)) is None or comparable(earlier) != comparable(part))
    ]
    off = [part for part in changed if is_off([part])]
    if old.series is None or new.series is None:
        gone = [part for key, part in old.parts.items() if key not in new.parts and not is_off([part])]
        off += [_called_off(part, sequence_of(part) + 1) for part in gone]
    else:
        left = _left_out_anew(old, new)
        if left is None or any(_is_and_later(part) for part in changed):
            return None
        off += left
    changed = [part for part in changed if not is_off([part])]
    if new.series is not None and len(changed) + len(off) > MAX_DATES:
        return None
    dates = Difference("REQUEST", changed, dates=True), Difference("CANCEL", off, dates=True)
    return [said for said in dates if said.parts]


def _left_out_anew(old: Dates, new: Dates) -> list[Component] | None:
    """The dates that a series leaves out from now on, as they are called off; None where more of it has changed."""
    series, now = old.series, new.series
    assert series is not None
    assert now is not None
    left, leaves = old.left_out, new.left_out
    gone = leaves.times.keys() - left.times.keys()
    back = (left.times.keys() - leaves.times.keys() - new.parts.keys()) or (old.parts.keys() - new.parts.keys() - gone)
    if back or left.days != leaves.days or len(gone) > MAX_DATES or _without_dates(series) != _without_dates(now):
        return None
    off: list[Component] = []
    steps = Steps()
    for key in sorted(gone - new.parts.keys()):
        earlier = old.parts.get(key)
        try:
            if earlier is None and has_date(series, old.zones, key, steps):
                earlier = old.at(renamed(leaves.times[key], "RECURRENCE-ID"))
        except (BadRecurrence, TooMuchWork):
            return None
        if earlier is not None and not is_off([earlier]):
            off.append(_called_off(earlier, max(sequence_of(earlier) + 1, sequence_of(now))))
    return off


def _is_and_later(part: Component) -> bool:
    """Whether an exception is of all later dates, too (RFC 5545 §3.2.13)."""
    line = part.first("RECURRENCE-ID")
    return line is not None and line.parameter("RANGE") != ""


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
    return None if recurrence is None else renamed(recurrence, "EXDATE")


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
