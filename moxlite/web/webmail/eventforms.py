"""Events in the form that browsers have of them: types, and what a calendar file says in them (WEBMAIL-174)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from moxlite.proto.address import Address, AddressError
from moxlite.proto.cards.calendarobject import CalendarObject
from moxlite.proto.cards.components import Component
from moxlite.proto.cards.contentline import Property, plain, property_of
from moxlite.proto.cards.editing import BadForm, Form, exception_at, form_of
from moxlite.proto.cards.invitation import ANSWERS, Event as InvitedEvent, Recurrence, event_of
from moxlite.proto.cards.itip import STAMP, Dates, attendees_of, role_of, sequence_of
from moxlite.proto.cards.joining import MAX_LINK, is_link
from moxlite.proto.cards.limits import MAX_ENTRY
from moxlite.proto.cards.moments import iana_zone, zone_name
from moxlite.proto.cards.received import FORMER, WHEN, kept_lines
from moxlite.web.composing.uploads import Party
from moxlite.web.errors import UserError
from moxlite.web.webmail.querytypes import ID, AnyID
from moxlite.wording import Remark, reason_of

if TYPE_CHECKING:
    from moxlite.groupware.entries import EntryView
    from moxlite.proto.cards.entryfacts import PartFacts

Moment = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2})?$")]
Short = Annotated[str, Meta(max_length=1000)]
Answered: TypeAlias = Literal["", "ask", "yes", "no", "maybe"]


class Calendar(msgspec.Struct, frozen=True):
    """A calendar. ``colour``: #RRGGBB, or "" for none; ``events``: number of its entries, 0 for one of another user.
    ``path``: last part of its address, its name for operations.
    ``writable``: the user may change these. ``source``: the address from which it is read each hour, "" for others;
    ``read``: seconds UTC of the last time, 0 for never; ``problem``: why it cannot be read now, "" if it can;
    ``left``: what was left out of it the last time.
    ``owner``: the account that shares it, "" for an own one; ``invites``: the user may invite people to events there.
    ``access``: what colleagues see of it, "usual" for what
    ``usual`` tells, the setting of their domain. ``second_zone``: the time zone whose hours the user sees beside
    the own ones, kept with one of the own calendars, "" in all others.
    """

    id: int
    name: str
    colour: str
    hidden: bool
    events: int
    path: str
    writable: bool = True
    source: str = ""
    read: int = 0
    problem: Remark = Remark("")
    left: Remark = Remark("")
    owner: str = ""
    invites: bool = True
    access: Literal["usual", "details", "busy", "nothing"] = "usual"
    usual: Literal["details", "busy", "nothing"] = "busy"
    second_zone: str = ""


class CalendarView(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the user sees a calendar; what is unset stays."""

    colour: Annotated[str, Meta(max_length=50)] | UnsetType = UNSET
    hidden: bool | UnsetType = UNSET


class CalendarChange(CalendarView, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of an own calendar."""

    name: Annotated[str, Meta(max_length=1000)] | UnsetType = UNSET
    access: Literal["usual", "details", "busy", "nothing"] | UnsetType = UNSET
    second_zone: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET


class BusyTime(msgspec.Struct, frozen=True):
    """A time when someone is busy: seconds since 1970 UTC, or with ``whole_days`` counted as if local days were UTC.
    ``tentative``: an event that is not certain, or not answered. ``title``: "" where the user may not know it.
    """

    starts: int
    ends: int
    whole_days: bool
    tentative: bool
    title: str


class BusyPerson(msgspec.Struct, frozen=True):
    """When someone is busy. ``known``: the user may know it; else ``times`` is empty. ``name``: "" if not known."""

    address: str
    name: str
    known: bool
    times: list[BusyTime]


class EventItem(msgspec.Struct, frozen=True, kw_only=True):
    """An event, or one time of a repeated one, in a range.

    ``recurrence`` names it within a series. ``starts``, ``ends``: seconds; ``clock`` tells of what: "utc" since
    1970, "local" the same on all clocks, "date" whole days, both counted as if in UTC. ``guests``: their number.
    ``answer``: the user's to an invitation, "ask" for none yet, "" where the user is not invited.
    ``private``: another user's, who shows when it is, and no more. ``join``: the link by which one joins, also one in
    the place, "" for none. ``colour``: #rrggbb, "" for that of the calendar.
    """

    id: int
    calendar_id: int
    recurrence: str
    starts: int
    ends: int
    clock: Literal["utc", "local", "date"]
    title: str
    place: str
    free: bool
    repeats: bool
    guests: int
    answer: Answered
    cancelled: bool
    private: bool
    join: str = ""
    colour: str = ""


class Events(msgspec.Struct, frozen=True):
    """Events in a range, and whether there are more than an answer has."""

    events: list[EventItem]
    more: bool


class FoundEvent(msgspec.Struct, frozen=True):
    """An event that a search has found. ``excerpt``: what its guests or notes have of the words, "" where title and
    place have all of them.
    """

    event: EventItem
    excerpt: str


class FoundEvents(msgspec.Struct, frozen=True):
    """The events that a search has found, the earliest first, and whether there may be more than an answer has."""

    events: list[FoundEvent]
    more: bool


class EventForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event as people write it. ``start`` and ``end``: local dates and times, or of an event of whole days its first
    day and the day after its last. ``zone``: of the IANA database, "" for times that are the same on all clocks.
    ``rule``: as in iCalendar (RRULE), "" for none. ``alarms``, ``mails``: minutes before the start at which an alarm
    comes, and a mail as one (DAV-50c). ``link``: http or https, by which one joins, "" for none. ``colour``: #rrggbb,
    "" for that of the calendar.
    """

    title: Short
    place: Short
    notes: Annotated[str, Meta(max_length=20_000)]
    all_day: bool
    start: Moment
    end: Moment
    zone: Annotated[str, Meta(max_length=200)]
    rule: Annotated[str, Meta(max_length=500, pattern=r"^[A-Za-z0-9=;,+-]*$")]
    alarms: Annotated[list[Annotated[int, Meta(ge=0, le=525_600)]], Meta(max_length=10)]
    free: bool
    guests: Annotated[list[Party], Meta(max_length=200)]
    mails: Annotated[list[Annotated[int, Meta(ge=0, le=525_600)]], Meta(max_length=10)] = []
    link: Annotated[str, Meta(max_length=MAX_LINK)] = ""
    colour: Annotated[str, Meta(pattern=r"^(#[0-9A-Fa-f]{6})?$")] = ""


class EventGuest(msgspec.Struct, frozen=True):
    """A guest. ``answer``: yes, no, maybe, or "" for none yet. ``undelivered``: the newest message about the event
    couldn't be delivered to the guest.
    """

    name: str
    address: str
    answer: str
    undelivered: bool = False


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event with all that is known. ``changed`` tells changes by others. ``organizer``: None for an event without
    guests; ``own``: the user may change it, and is not just invited. ``answer`` as in `EventItem`.
    ``exceptions``: events of the series that were changed by themselves. ``join`` as in `EventItem`.
    """

    id: int
    calendar_id: int
    recurrence: str
    changed: int
    repeats: bool
    form: EventForm
    organizer: EventGuest | None
    own: bool
    guests: list[EventGuest]
    answer: Answered
    exceptions: int
    join: str = ""


class UndoStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Undoes the change of an entry. ``data``: what it was before, "" for none. ``changed``: of the entry as the change
    left it, 0 for none. ``quiet``: no organizer or guest heard of the change, nor will of its end. ``owed``: names the
    messages about it, which wait for ``undo_s`` of its call.
    """

    calendar_id: ID
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    data: Annotated[str, Meta(max_length=MAX_ENTRY)]
    changed: AnyID
    quiet: bool = False
    owed: AnyID = 0


class ChangedEvent(msgspec.Struct, frozen=True):
    """A change of an event. ``id``: of the event, 0 for one that is gone. ``told``: how many people hear of it.
    ``undo``: what `event_undo` needs.
    """

    id: int
    told: int
    undo: list[UndoStep]


def items_of(viewed: EntryView, own: frozenset[str], shown_id: Callable[[int], int], *, guest: bool) -> list[EventItem]:
    """The times of an event as the page shows them to the owner of the calendar, or a guest. Each component is looked
    at once. `own`: the user's addresses. `shown_id`: makes ids of the browser.
    """
    facts = viewed.facts
    private = guest and facts.privacy != "public"
    answers = facts.invites(own)
    ids = shown_id(viewed.resource.id), shown_id(viewed.resource.collection_id)
    shown: dict[int, EventItem] = {}
    items: list[EventItem] = []
    for instance in viewed.instances or ():
        if instance.part not in shown:
            part = facts.parts[instance.part]
            answer = _answer_in(part.people, own) if answers else ""
            shown[instance.part] = _item_of(ids, part, own, answer, repeats=facts.repeated, private=private)
        items.append(
            msgspec.structs.replace(
                shown[instance.part], recurrence=instance.recurrence, starts=instance.starts, ends=instance.ends
            )
        )
    return items


def _item_of(
    ids: tuple[int, int], part: PartFacts, own: frozenset[str], answer: Answered, *, repeats: bool, private: bool
) -> EventItem:
    """Facts that all times of one component share. `ids`: of the event and its calendar."""
    return EventItem(
        id=ids[0],
        calendar_id=ids[1],
        recurrence="",
        starts=0,
        ends=0,
        clock=part.clock,
        title=part.title,
        place=part.place,
        free=part.free,
        repeats=repeats,
        # Without the user, who often is among the participants as organiser.
        guests=len(part.people) - sum(address in part.people for address in own),
        answer=answer,
        cancelled=part.status == "CANCELLED",
        private=private,
        join=part.link,
        colour=part.colour,
    )


def part_at(entry: CalendarObject, recurrence: str) -> Component:
    """The component that describes a time of a series."""
    with suppress(BadForm):
        return (exception_at(entry, recurrence) if recurrence else None) or entry.main
    return entry.main


def event_at(entry: CalendarObject, recurrence: str) -> InvitedEvent:
    """An event, or one of a series, as messages to its organiser name it. Raises BadCalendar."""
    part = part_at(entry, recurrence)
    event = event_of(part.properties, entry.zones)
    if not recurrence or event.recurrence is not None:
        return event
    start = entry.main.first("DTSTART")
    zone = "" if start is None else zone_name(start.parameter("TZID"))
    return msgspec.structs.replace(event, recurrence=Recurrence(recurrence, zone))


def event_before(entry: CalendarObject, event: InvitedEvent) -> InvitedEvent | None:
    """The event of a message as the user's calendar had it before this version; None where the calendar has a later
    version, or had none before.
    """
    at = event.recurrence
    part = part_at(entry, "" if at is None else at.time)
    organizer = part.first("ORGANIZER")
    if organizer is None:
        return None
    known, version = (sequence_of(part), organizer.parameter(STAMP)), (event.sequence, event.stamp)
    if known == version:
        lines = kept_lines(organizer)
    elif known < version:
        named = None if at is None else property_of(at.line)
        was = part if named is None else Dates(entry).at(named)
        lines = [] if was is None else [line for line in was.properties if line.name in FORMER]
    else:
        return None
    names = {line.name for line in lines}
    dated = not names.isdisjoint(WHEN)
    rest = [line for line in part.properties if line.name not in WHEN or not dated]
    return event_of([*lines, *rest], entry.zones) if lines else None


def form_at(entry: CalendarObject, recurrence: str) -> Form:
    """The form of an event, or of one of a series: with its own time, and the rule of the series. Raises UserError."""
    part = part_at(entry, recurrence)
    try:
        form = form_of(entry, part)
    except BadForm as error:
        raise UserError(reason_of(error)) from None
    if recurrence and part is entry.main and part.first("RECURRENCE-ID") is None:
        start = time_of(recurrence)
        # An instance has no component of its own: its time is the RECURRENCE-ID, its length that of the series.
        form = msgspec.structs.replace(form, start=start, end=start + (form.end - form.start))
    return msgspec.structs.replace(form, rule=entry.main.value("RRULE"))


def is_first(entry: CalendarObject, recurrence: str) -> bool:
    return form_of(entry, entry.main).start == time_of(recurrence)


def time_of(recurrence: str) -> datetime:
    text = recurrence.rstrip("Z")
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%S" if "T" in text else "%Y%m%d")  # noqa: DTZ007 local time
    except ValueError:
        raise UserError("recurrence: not an occurrence of this event") from None


def form_of_call(event: EventForm) -> Form:
    """The form of a call. Raises UserError."""
    try:
        start, end = (datetime.fromisoformat(one) for one in (event.start, event.end))
    except ValueError:
        raise UserError("start: this date doesn't exist") from None
    if event.all_day:
        # A page may send the times that the form had before its box "all day" was ticked.
        start, end = (one.replace(hour=0, minute=0) for one in (start, end))
        if end <= start:
            end = start + timedelta(days=1)
    if event.zone and not event.all_day and iana_zone(event.zone) is None:
        raise UserError("zone: unknown time zone")
    if event.link and not is_link(event.link.strip()):
        raise UserError("link: must be an http:// or https:// URL")
    for guest in event.guests:
        try:
            Address.parse(guest.address)
        except AddressError:
            raise UserError("guests: enter a complete address") from None
    return Form(
        title=" ".join(event.title.split()),
        place=" ".join(event.place.split()),
        notes=event.notes,
        whole=event.all_day,
        start=start,
        end=end,
        zone="" if event.all_day else event.zone,
        rule=event.rule.upper(),
        alarms=tuple(sorted(set(event.alarms))),
        mails=tuple(sorted(set(event.mails))),
        free=event.free,
        guests=tuple((party.name, party.address) for party in event.guests),
        link=event.link.strip(),
        colour=event.colour.lower(),
    )


def call_form(form: Form) -> EventForm:
    write = "%Y-%m-%d" if form.whole else "%Y-%m-%dT%H:%M"
    return EventForm(
        title=form.title,
        place=form.place,
        notes=form.notes,
        all_day=form.whole,
        start=f"{form.start:{write}}",
        end=f"{form.end:{write}}",
        zone=form.zone,
        rule=form.rule,
        alarms=list(form.alarms),
        mails=list(form.mails),
        free=form.free,
        guests=[Party(name, address) for name, address in form.guests],
        link=form.link,
        colour=form.colour,
    )


def guest_of(line: Property) -> EventGuest:
    address = plain(line.value.strip()[7:], 320)
    answer = ANSWERS.get(line.parameter("PARTSTAT").upper(), "")
    # Statuses of failures (RFC 5546 §3.6): the address is wrong, or the message couldn't be delivered.
    undelivered = line.parameter("SCHEDULE-STATUS").startswith(("3.", "5."))
    return EventGuest(plain(line.parameter("CN"), 200), address, answer, undelivered)


def answer_of(entry: CalendarObject, part: Component, own: frozenset[str]) -> Answered:
    """The user's answer to an invitation, "ask" for none yet, "" where there is nothing to answer."""
    if role_of(entry, own) != "attendee":
        return ""
    return _answer_in({address: line.parameter("PARTSTAT") for address, line in attendees_of(part).items()}, own)


def _answer_in(people: Mapping[str, str], own: frozenset[str]) -> Answered:
    """The answer of an attendee in one component. `people`: PARTSTAT by address."""
    mine = next((people[address] for address in sorted(own) if address in people), None)
    match "" if mine is None else ANSWERS.get(mine.upper(), "ask"):
        case "yes":
            return "yes"
        case "no":
            return "no"
        case "maybe":
            return "maybe"
        case "ask":
            return "ask"
    return ""
