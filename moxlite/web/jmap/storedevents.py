"""Events as they are stored: read, found by their ids, and as much of them as the user may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.groupware.entries import Expander
from moxlite.groupware.people import guest_of, user_of
from moxlite.proto.address import one_spelling
from moxlite.proto.cards.calendarobject import CalendarObject, read_object
from moxlite.proto.cards.contentline import mail_address
from moxlite.proto.cards.jscalendar import (
    Clock,
    clock_of,
    event_of,
    instance_of,
    local_text,
    lone_events,
    recurrence_key,
)
from moxlite.proto.cards.moments import moment_of, seconds_of, value_of
from moxlite.store.groupware.resources import NoSuchResource, Resource, event_ids, resource_of, size_of, together
from moxlite.store.groupware.scheduling import User
from moxlite.web.jmap.calendars import CALENDARS
from moxlite.web.jmap.methods import read_id
from moxlite.web.jmap.protocol import LIMITS, Object

if TYPE_CHECKING:
    from moxlite.proto.cards.components import Instance
    from moxlite.proto.cards.entryfacts import EntryFacts
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.methods import Call


AS_JSON: Final = 4
"""Octets of JSON that an octet of an entry may become."""

EVENT: Final = "J"


class StoredEvent(msgspec.Struct, frozen=True):
    """A stored event, read, and as JSCalendar. All that is looked up of its lines is found once, where it is read: an
    answer has up to a thousand of its times.

    Attributes:
      facts: as the user sees them.
      clock, start: of its series.
      alone: as `lone_events` has them. alone_keys: the keys of these by the number of the part.
    """

    one: Resource
    entry: CalendarObject
    event: Object
    facts: EntryFacts
    clock: Clock
    start: datetime | None
    alone: Mapping[str, Object]
    alone_keys: Sequence[str]

    def of_series(self, key: str, *, shown: bool = False) -> Object:
        """One event of its series, by its local time by the rule; `shown`: as `instance_of` has it."""
        alone = self.alone.get(key)
        return alone if alone is not None else instance_of(self.event, key, shown=self.clock if shown else None)

    def further(self) -> list[str]:
        """The local times of the events beside the first, if there is no series but events of one (RFC 8984 §4.3.1)."""
        return [*self.alone][1:]

    def key_of(self, instance: Instance) -> str:
        """The local time by the rule of an instance."""
        if self.alone:
            return self.alone_keys[instance.part]
        moment = value_of(instance.recurrence)
        if moment is not None and moment.tzinfo is None and self.start is not None:
            moment = moment.replace(tzinfo=self.start.tzinfo)  # its clock may be of a zone that only a file has
        return "" if moment is None else local_text(self.clock.local(moment))

    def seconds_at(self, key: str) -> int:
        """The moment of a local time by the rule, seconds UTC."""
        return seconds_of(datetime.fromisoformat(key).replace(tzinfo=self.clock.zone))


def split_id(key: str) -> tuple[int, str]:
    """Parse an event id into a resource number, or 0, and a local time in its series, or ""."""
    number, dash, text = key.partition("-")
    moment = value_of(text) if dash and len(text) == 15 else None
    if dash and moment is None:
        return 0, ""
    return read_id(number, EVENT), "" if moment is None else local_text(moment)


def instance_id(number: int, key: str) -> str:
    """The id of one event of a series."""
    return f"{EVENT}{number}-{key.replace('-', '').replace(':', '')}"


def own_addresses(call: Call) -> frozenset[str]:
    """The user's addresses as a calendar user."""
    return user_of(call.snapshot, call.account.name).addresses


def is_own(address: object, own: frozenset[str]) -> bool:
    """Whether a participant's URI is one of these addresses."""
    return isinstance(address, str) and one_spelling(mail_address(address)) in own


def user_in(call: Call, people: Iterable[str] = ()) -> User:
    """The owner of the account as a calendar user, in whose name guests of the calendar act, too (DAV-41)."""
    if call.place.guest:
        return guest_of(call.snapshot, call.account.name, call.place.guest, call.identity.address, people)
    return user_of(call.snapshot, call.account.name, people)


def found_event(r: Reader, call: Call, resource: Resource) -> StoredEvent | None:
    """A stored event as the user may see it, None for one that is the owner's secret (RFC 8984 §4.4.3)."""
    mine = CALENDARS.shelf(call)
    try:
        entry = read_object(mine.data(r, resource))
    except NoSuchResource:
        return None
    facts = mine.facts(r, resource.id)
    if facts is None:
        return None
    main, zones = entry.main, entry.zones
    clock, alone = clock_of(main, zones), lone_events(entry)
    keys = [recurrence_key(entry, part, clock) for part in entry.parts] if alone else []
    start = moment_of(main.first("DTSTART"), zones)
    return StoredEvent(resource, entry, event_of(entry), facts, clock, start, alone, keys)


def found_events(r: Reader, call: Call, numbers: Sequence[int]) -> tuple[list[StoredEvent], int]:
    """The events with the first of these numbers that the user's calendars have, and of how many numbers: at least one,
    and not more than are held at once (`together`).
    """
    calendars = {calendar.id for calendar in CALENDARS.all(r, call)}
    held = [*together(numbers, partial(size_of, r))]
    stored_events: list[StoredEvent | None] = []
    for number in held:
        resource = resource_of(r, number)
        if resource is not None and resource.component == "VEVENT" and resource.collection_id in calendars:
            stored_events.append(found_event(r, call, resource))
    return [stored_event for stored_event in stored_events if stored_event is not None], len(held)


def octets_of(r: Reader, numbers: Sequence[int]) -> int:
    """The octets of the events that `found_events` reads."""
    return sum(size_of(r, number) for number in together(numbers, partial(size_of, r)))


def visible_ids(r: Reader, call: Call) -> list[int]:
    """The numbers of the events that the user may see, more than a call may name at most by one."""
    visible = CALENDARS.shelf(call).ids(r)
    return event_ids(r, LIMITS["maxObjectsInGet"] + 1, visible)


async def has_instance(expander: Expander, stored_event: StoredEvent, key: str) -> bool:
    """Whether a series has an event at a local time."""
    if stored_event.alone:
        return key in stored_event.alone
    override = (stored_event.event.get("recurrenceOverrides") or {}).get(key)
    if override is not None or not stored_event.facts.repeated:
        return override is not None and override.get("excluded") is not True
    at = stored_event.seconds_at(key)
    instances = await expander.instances(stored_event.one, stored_event.entry, (at, at + 1))
    return any(stored_event.key_of(instance) == key for instance in instances)
