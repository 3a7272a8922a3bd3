"""Other times that guests propose for events of the user's (COUNTER, RFC 5546 §3.2.7)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from moxlite.proto.cards.calendarobject import CalendarObject
from moxlite.proto.cards.components import Component
from moxlite.proto.cards.contentline import mail_address, plain, property_of
from moxlite.proto.cards.editing import Author, Form, one_changed, series_changed
from moxlite.proto.cards.invitation import Event, Moment, Person, Recurrence
from moxlite.proto.cards.itip import attendees_of, is_off, organizer_of, role_of, sequence_of
from moxlite.proto.cards.moments import Zones, is_date, known_zone, moment_of
from moxlite.store.groupware.resources import Resource
from moxlite.web.webmail.eventforms import form_at, part_at

MAX_NAME: Final = 200
"""Characters of a name that is shown."""


class TimeProposal(msgspec.Struct, frozen=True):
    """Another time that a guest proposes for an entry of the user's. `recurrence`: the time of a series, "" for all;
    `shown`, `form`: as it is, and as it is proposed; `sequence`: number of the version that it is.
    """

    resource: Resource
    entry: CalendarObject
    recurrence: str
    by: Person
    organizer: Person
    shown: Form
    form: Form
    sequence: int

    def state(self, sequence: int) -> Literal["", "accepted", "changed"]:
        """ "" for one that can be accepted; ``accepted`` if the event is at this time, ``changed`` if it was changed
        since the version with this number, which the guest knows.
        """
        if self.form == self.shown:
            return "accepted"
        return "changed" if sequence < self.sequence else ""

    def moved(self, author: Author) -> Component:
        """The calendar with the event at the new time. Raises BadForm, OverflowError."""
        if self.recurrence:
            return one_changed(self.entry, self.recurrence, self.form, author)
        return series_changed(self.entry, self.form, self.shown, author)


def proposed_in(
    resource: Resource, entry: CalendarObject, recurrence: str, event: Event, author: str, own: frozenset[str]
) -> TimeProposal | None:
    """The proposal of a guest for an entry, or one time of it; None where the author is
    no guest of an event of the user's, or its times have no meaning there."""
    part, line = part_at(entry, recurrence), organizer_of(entry)
    guest = attendees_of(part).get(author)
    if line is None or guest is None or author in own or role_of(entry, own) != "organizer" or is_off([part]):
        return None
    shown = form_at(entry, recurrence)
    form = form_with(shown, event, entry.zones)
    if form is None:
        return None
    by, organizer = (Person(plain(one.parameter("CN"), MAX_NAME), mail_address(one.value)) for one in (guest, line))
    return TimeProposal(resource, entry, recurrence, by, organizer, shown, form, sequence_of(part))


def time_in_series(entry: CalendarObject, at: Recurrence) -> str:
    """The time of a series that a mail names in any zone, as `form_at` takes it; "" for one that is not of its kind."""
    line, first = property_of(at.line), entry.main.first("DTSTART")
    moment, start = moment_of(line, entry.zones), moment_of(first, entry.zones)
    if line is None or first is None or moment is None or start is None or is_date(line) != is_date(first):
        return ""
    if is_date(line) or start.tzinfo is None or moment.tzinfo is None:
        return at.time.rstrip("Z")
    mark = "Z" if first.value.strip().endswith("Z") else ""
    return f"{moment.astimezone(start.tzinfo):%Y%m%dT%H%M%S}{mark}"


def form_with(form: Form, event: Event, zones: Zones) -> Form | None:
    """A form with the times of an event that came by mail, in the zone of the form where it has one; None for times
    that have no meaning in it.
    """
    start, end = event.start, event.end
    if start is None or (end is not None and ("T" in start.local) != ("T" in end.local)):
        return None
    whole = "T" not in start.local
    name = "" if whole else form.zone or start.zone or ("" if start.utc is None else "UTC")
    zone = known_zone(name, zones) if name else None

    def local(one: Moment) -> datetime | None:
        if one.utc is not None and zone is not None:
            return datetime.fromtimestamp(one.utc, zone).replace(tzinfo=None)
        # Otherwise a date, or a time that is the same on all clocks.
        return None if one.utc is not None or one.zone else datetime.fromisoformat(one.local)

    begins = local(start)
    length = timedelta(days=1) if whole and not form.whole else form.end - form.start
    ends = None if begins is None else begins + length if end is None else local(end)
    if begins is None or ends is None or ends < begins or (whole and ends == begins):
        return None
    return msgspec.structs.replace(form, whole=whole, zone=name, start=begins, end=ends)
