"""An attendee's changes of an entry, and the answers to its organiser in them (RFC 5546 §3.2.3; RFC 6638 §3.2.2)."""

from __future__ import annotations

import msgspec

from moxlite.proto.cards.calendarobject import CalendarObject
from moxlite.proto.cards.components import Component, write_component
from moxlite.proto.cards.contentline import Property
from moxlite.proto.cards.itip import (
    ANSWERS,
    DELIVERED,
    MAX_DECLINED,
    OF_ATTENDEE,
    PERSONAL,
    SENT,
    Dates,
    Message,
    NotAllowed,
    address_of,
    attendees_of,
    by_key,
    comparable,
    is_off,
    key_of,
    mapped,
    new_calendar,
    new_line,
    organizer_of,
    rebuilt,
    renamed,
    sent_line,
    sequence_of,
    times_of,
    with_parameters,
)
from moxlite.proto.cards.moments import utc_text


def check_attendee(before: CalendarObject, after: CalendarObject, own: frozenset[str]) -> None:
    """Check that an attendee changes nothing that is the organiser's (RFC 6638 §3.2.2.1). Raises NotAllowed."""
    earlier = by_key(before)
    for part in after.parts:
        was = earlier.get(key_of(after, part))
        if was is None:
            continue
        others = attendees_of(part).keys() - own
        if times_of(part) != times_of(was) or others != attendees_of(was).keys() - own:
            text = "only the organizer can change an event's time and guests"
            raise NotAllowed(OF_ATTENDEE, text)


class AttendeeChange(msgspec.Struct, frozen=True):
    """An attendee's change: the calendar as it is stored, and the answer in it, None for none."""

    calendar: Component
    message: Message | None


def is_answer(before: CalendarObject, after: CalendarObject, own: frozenset[str]) -> bool:
    """Whether an attendee's change is the answer alone."""

    def told(part: Component) -> tuple[frozenset[str], str]:
        mine = own_line(part, own)
        lines = [prop for prop in part.properties if prop is not mine and prop.name != "TRANSP"]
        personal = [prop for prop in lines if prop.name in PERSONAL]
        return comparable(Component(part.name, lines, [])), write_component(Component("", personal, part.components))

    was, is_now = by_key(before), by_key(after)
    return was.keys() == is_now.keys() and all(told(was[key]) == told(part) for key, part in is_now.items())


def answered(
    before: CalendarObject | None,
    after: CalendarObject,
    own: frozenset[str],
    local: frozenset[str],
    now: int,
    *,
    keep_answers: bool = False,
) -> AttendeeChange:
    """Find the answer in an attendee's change. Arguments as of `organized`."""
    line = organizer_of(after)
    assert line is not None
    earlier = by_key(before)
    calendar = after.calendar
    if keep_answers:
        kept = [_kept(part, earlier.get(key_of(after, part)), own) for part in after.parts]
        calendar = calendar if kept == after.parts else rebuilt(after, kept)
        after = msgspec.structs.replace(after, parts=kept)
    replies: list[Component] = []
    for part in after.parts:
        mine = own_line(part, own)
        was = own_line(earlier.get(key_of(after, part)) or earlier.get(None) or Component("", [], []), own)
        status = "" if mine is None else mine.parameter("PARTSTAT").upper()
        forced = line.parameter("SCHEDULE-FORCE-SEND").upper() == "REPLY"
        if mine is not None and status in ANSWERS and (forced or was is None or status != was.parameter("PARTSTAT")):
            replies.append(_reply(part, mine, now))
    replies += _declined(before, after, own, now)
    if not replies:
        return AttendeeChange(calendar, None)
    organizer = address_of(line)
    told = {"SCHEDULE-STATUS": DELIVERED if organizer in local else SENT, "SCHEDULE-FORCE-SEND": ""}
    parts = [
        mapped(part, lambda prop: with_parameters(prop, told) if prop.name == "ORGANIZER" else prop)
        for part in after.parts
    ]
    text = write_component(new_calendar(after, replies, "REPLY"))
    return AttendeeChange(rebuilt(after, parts), Message("REPLY", (organizer,), text))


def _kept(part: Component, was: Component | None, own: frozenset[str]) -> Component:
    """A component with the answer that is known already, where the client knows none."""
    mine, earlier = own_line(part, own), None if was is None else own_line(was, own)
    known = "" if earlier is None else earlier.parameter("PARTSTAT").upper()
    if mine is None or known not in ANSWERS or mine.parameter("PARTSTAT").upper() in ANSWERS:
        return part
    return mapped(part, lambda prop: with_parameters(prop, {"PARTSTAT": known}) if prop is mine else prop)


def refused(before: CalendarObject, own: frozenset[str], now: int) -> Message | None:
    """Find the answer in the removal of an attendee's entry."""
    line = organizer_of(before)
    replies = [
        _reply(part, with_parameters(mine, {"PARTSTAT": "DECLINED"}), now)
        for part in before.parts
        if (mine := own_line(part, own)) is not None
        and mine.parameter("PARTSTAT").upper() != "DECLINED"
        and part.value("STATUS").upper() != "CANCELLED"
    ]
    if line is None or not replies:
        return None
    return Message("REPLY", (address_of(line),), write_component(new_calendar(before, replies, "REPLY")))


def own_line(part: Component, own: frozenset[str]) -> Property | None:
    """The line of the attendee with one of these addresses, or None."""
    return next((line for address, line in attendees_of(part).items() if address in own), None)


def _reply(part: Component, mine: Property, now: int) -> Component:
    names = ("UID", "RECURRENCE-ID", "DTSTART", "DTEND", "DURATION", "SUMMARY", "COMMENT")
    lines = [sent_line(line) for line in part.properties if line.name in names]
    organizer = part.first("ORGANIZER")
    people = [prop for prop in (organizer, mine) if prop is not None]
    lines += [with_parameters(sent_line(prop), {"RSVP": ""}) for prop in people]
    lines += [new_line("SEQUENCE", str(sequence_of(part))), new_line("DTSTAMP", utc_text(now))]
    return Component(part.name, [*lines, new_line("REQUEST-STATUS", "2.0;Success")], [])


def _declined(before: CalendarObject | None, after: CalendarObject, own: frozenset[str], now: int) -> list[Component]:
    """Refusals of the dates that an attendee took out of a repeated entry (RFC 6638 §3.2.2.1)."""
    if before is None:
        return []
    was, left = Dates(before), Dates(after).left_out.times
    components: list[Component] = []
    for key in sorted(left.keys() - was.left_out.times.keys())[:MAX_DECLINED]:
        part = was.at(renamed(left[key], "RECURRENCE-ID"))
        mine = None if part is None else own_line(part, own)
        if part is not None and mine is not None and not is_off([part]):
            components.append(_reply(part, with_parameters(mine, {"PARTSTAT": "DECLINED"}), now))
    return components
