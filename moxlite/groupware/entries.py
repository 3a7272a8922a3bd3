"""Entries as they are put: read, checked, and with the instances of their rules (DAV-7, DAV-9, DAV-11)."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence, Set
from datetime import tzinfo
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from moxlite.processor import give_way, off_loop
from moxlite.proto.cards.alarms import has_alarms, zone_of
from moxlite.proto.cards.calendarobject import EARLIEST, LATEST, BadObject, CalendarObject, read_object
from moxlite.proto.cards.cardobject import BadCard, read_card
from moxlite.proto.cards.components import BadComponents, Component, Instance, read_components, write_component
from moxlite.proto.cards.entryfacts import EntryFacts
from moxlite.proto.cards.entryreading import entry_facts
from moxlite.proto.cards.itip import organized_for, organizer_of
from moxlite.proto.cards.limits import MAX_ENTRY, TOO_LARGE, AboveLimit, Extent, check_extent, extent_of
from moxlite.proto.cards.moments import in_zone
from moxlite.proto.cards.received import mended
from moxlite.proto.cards.repeating import Span, has_date, joined, main_part, rules_of
from moxlite.proto.cards.rules import MAX_STEPS, BadRecurrence, Rule, Steps, TooMuchWork, times_of
from moxlite.proto.dav.xml import CALDAV, CARDDAV
from moxlite.store.groupware.collection import Collection
from moxlite.store.groupware.resources import (
    NoSuchResource,
    Resource,
    ResourceFacts,
    due_expansions,
    facts_of_card,
    instances_of,
    octets_known,
    overlapping,
    resource_data,
    resource_named,
    set_instances,
    together,
)
from moxlite.store.groupware.scheduling import (
    EntryPut,
    Outcome,
    User,
    guest_sends,
    is_scheduled,
    outcome_of,
    outcome_of_removal,
)
from moxlite.store.groupware.sharing import Shelf
from moxlite.store.mail.delegates import Sends
from moxlite.store.people.notices import choice
from moxlite.wording import reason_of

if TYPE_CHECKING:
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader

T = TypeVar("T")

logger = logging.getLogger("moxlite.groupware")

LARGE: Final = 16 << 10
"""Octets above which an entry is read in a thread: reading 16 KiB takes the loop 3 ms."""

MANY: Final = 200
"""Lines and times of an entry above which its instances are found in a thread: a thousand EXDATEs take the loop 25 ms,
as many times 10 to 40 (measured).
"""

PARSED: Final = 72
"""Times the octets of an entry that it takes parsed, with them, and while it is written: measured with cards and events
of empty lines.
"""

LONG_PARSED: Final = 18
ALL_LINES: Final = 7 << 20
"""Times the octets of a long entry that it takes parsed, measured with an emoji in each line, and beside them all lines
and parameters that an entry may have (DAV-5a).
"""

DAY: Final = 86_400
BEFORE: Final = 366 * DAY
AFTER: Final = 731 * DAY
"""Seconds of the stored instances, before and after now."""

RENEWED: Final = 365 * DAY
"""Seconds of stored instances below which they are made anew."""

MAX_STORED: Final = 2000
"""Stored instances of an entry; their stretch ends earlier for a rule that gives more."""

MAX_ANSWER: Final = 1000
"""Instances of an entry in an answer."""

MORE: Final = 400
"""Extra times to compute for a rule beyond a limit, to make up for those that EXDATE excludes."""

FEW_STEPS: Final = 1000
"""Steps of rules on the event loop: 2 ms. Those that take more begin anew in a thread."""

FAR: Final = 20 * 366 * DAY
"""Seconds of a stretch without an end in which instances are looked for."""

PAGE: Final = 100
"""Entries that a view reads at a time."""

MOST_DUE: Final = 200
"""Entries whose instances are recomputed at a time."""

OWNER: Final = Shelf("calendar")

BUSY_TITLE: Final = "Busy"
"""Title of private entries for those who see their times alone: many programs show no event without one."""


def parsed_cost(octets: int) -> int:
    """Octets that an entry of so many takes parsed, with them."""
    return min(PARSED * octets, LONG_PARSED * octets + ALL_LINES)


class BadEntry(Exception):
    """An entry that is not taken. `condition`: name of the precondition, with its namespace; the message is one
    sentence for people.
    """

    def __init__(self, condition: str, text: str) -> None:
        super().__init__(text)
        self.condition = condition


class TooBusy(Exception):
    """The server is busy; a later attempt may succeed."""


class EntryView(msgspec.Struct, frozen=True):
    """An entry as a view shows it: its facts, and its instances in a stretch; None where these are not stored, and are
    to be expanded. One that does not repeat has its own time, wherever that is.
    """

    resource: Resource
    facts: EntryFacts
    instances: Sequence[Instance] | None

    def placed(self, zone: tzinfo | None) -> list[Instance]:
        """Its instances, with dates and times without a zone placed in a zone."""
        return [
            instance
            if zone is None or self.facts.parts[instance.part].clock == "utc"
            else msgspec.structs.replace(
                instance, starts=in_zone(instance.starts, zone), ends=in_zone(instance.ends, zone)
            )
            for instance in self.instances or ()
        ]


class Expander:
    """Finds instances of an account's entries."""

    def __init__(self, account: Account, shelf: Shelf = OWNER) -> None:
        self._account = account
        self.shelf = shelf
        """As whom entries are read."""

    def of_owner(self) -> Expander:
        """The expander that reads entries as their owner."""
        return Expander(self._account)

    async def facts(self, where: Collection, data: bytes) -> ResourceFacts:
        """Compute the facts of an entry that is put into a collection. Raises BadEntry."""
        if len(data) > MAX_ENTRY:
            raise BadEntry((CARDDAV if where.kind == "contact" else CALDAV) + "max-resource-size", TOO_LARGE)
        if where.kind == "contact":
            return await self._card(data)
        try:
            calendar_object = await read(data)
        except BadObject as error:
            raise BadEntry(CALDAV + error.condition, reason_of(error)) from None
        if calendar_object.kind not in where.components:
            raise BadEntry(
                CALDAV + "supported-calendar-component", f"this calendar doesn't support {calendar_object.kind}"
            )
        return await self.facts_of(calendar_object)

    async def facts_of(self, calendar_object: CalendarObject) -> ResourceFacts:
        """Compute the facts of an entry of a calendar. Raises BadEntry."""
        many = _size(calendar_object) > MANY
        await self._check_extent(calendar_object.calendar, calendar_object.uid, CALDAV, many=many)
        facts = await about(calendar_object, partial(_facts_alone, calendar_object))
        if not calendar_object.repeated:
            return facts
        now = int(time.time())
        stretch, instances = await self.stored(calendar_object, (now - BEFORE, now + AFTER))
        return msgspec.structs.replace(facts, expanded=stretch, instances=instances)

    async def _card(self, data: bytes) -> ResourceFacts:
        many = len(data) > LARGE
        try:
            card = await off_loop(lambda: read_card(data), kind="dav") if many else read_card(data)
        except BadCard as error:
            raise BadEntry(CARDDAV + "valid-address-data", reason_of(error)) from None
        await self._check_extent(card.card, card.uid, CARDDAV, many=many)
        return await off_loop(lambda: facts_of_card(card), kind="dav") if many else facts_of_card(card)

    async def _check_extent(self, top: Component, uid: str, space: str, *, many: bool) -> None:
        """Check that an entry or card is within the limits, or no larger than the account has it. Raises BadEntry."""
        try:
            await off_loop(lambda: check_extent(top), kind="dav") if many else check_extent(top)
        except AboveLimit:
            data = await self._account.scan(lambda r: octets_known(r, uid), op="dav-known")
            try:
                await off_loop(lambda: check_extent(top, _extent_in(data)), kind="dav")
            except AboveLimit as error:
                raise BadEntry(space + error.condition, reason_of(error)) from None

    async def zone_name(self, where: Collection) -> str:
        """The IANA name of a calendar's zone, else of the owner's; "" if neither is known."""
        owner = await self._account.read(choice, op="dav-zone")
        zone = zone_of(where.time_zone, "" if owner.zone == "UTC" else owner.zone)
        return str(getattr(zone, "key", ""))

    async def stored(self, calendar_object: CalendarObject, stretch: Span) -> tuple[Span, tuple[Instance, ...]]:
        """The instances that are stored, and the stretch of which they are all. Raises BadEntry."""
        instances = await self.expand(calendar_object, stretch, MAX_STORED)
        # Cut where the last one starts, for others may start in the same second that were left out.
        if len(instances) == MAX_STORED:
            stretch = stretch[0], instances[-1].starts
            instances = [instance for instance in instances if instance.starts < stretch[1]]
        return stretch, tuple(instances)

    async def expand(self, calendar_object: CalendarObject, stretch: Span, limit: int) -> list[Instance]:
        """Instances in a stretch, the first `limit`. Raises BadEntry for a rule that is not taken."""
        try:
            rules = rules_of(calendar_object.main, calendar_object.zones)
            times = await _times(calendar_object, rules, stretch, limit) if rules else []
        except (BadRecurrence, TooMuchWork) as error:
            raise _bad_rule(error) from None
        return await _joined(calendar_object, times, stretch, limit)

    async def views(self, collection_id: int, kinds: Sequence[str], stretch: Span) -> AsyncGenerator[EntryView, None]:
        """Yield entries of these kinds that may fall in a time range, with their instances.

        Unreadable entries are skipped. Errors: StoreError propagates.
        """
        after, more = 0, True
        while more:
            page, after, more = await self._account.scan(
                partial(self.page, collection_id=collection_id, kinds=kinds, stretch=stretch, after=after), op="views"
            )
            for viewed in page:
                if viewed.instances is None:
                    try:
                        calendar_object = await self.read(viewed.resource)
                    except (NoSuchResource, BadObject):  # gone meanwhile
                        continue
                    instances = await self.instances(viewed.resource, calendar_object, stretch)
                    viewed = msgspec.structs.replace(viewed, instances=instances)
                yield viewed
            await give_way()

    def page(
        self, r: Reader, collection_id: int, kinds: Sequence[str], stretch: Span, after: int
    ) -> tuple[list[EntryView], int, bool]:
        """Read a page of `views`, nothing expanded; return it, the number of its last entry, and if more follow."""
        resources = overlapping(r, collection_id, kinds, *stretch, after, PAGE)
        page: list[EntryView] = []
        found = 0
        for resource in together(resources, attrgetter("size")):
            after = resource.id
            viewed = self.view(r, resource, stretch)
            if viewed is not None:
                page.append(viewed)
                found += len(viewed.instances or ())
            if found >= MAX_ANSWER:
                break
        return page, after, len(resources) == PAGE or (bool(resources) and after < resources[-1].id)

    def view(self, r: Reader, resource: Resource, stretch: Span) -> EntryView | None:
        """An entry as a view shows it; None for one that the user does not see, or that cannot be read."""
        facts = self.shelf.facts(r, resource.id)
        if facts is None:
            return None
        if not facts.repeated:
            return EntryView(resource, facts, (facts.single,))
        since, until = _bounded(resource, stretch)
        known = _are_stored(resource, (since, until))
        return EntryView(resource, facts, instances_of(r, resource.id, since, until, MAX_ANSWER) if known else None)

    async def instances(self, resource: Resource, calendar_object: CalendarObject, stretch: Span) -> list[Instance]:
        """The instances of an entry in a stretch, at most `MAX_ANSWER`: stored ones, or expanded where the stretch is
        beyond these. Of a rule that cannot be expanded there, the first one, and exceptions.
        """
        since, until = stretch = _bounded(resource, stretch)
        if _are_stored(resource, stretch):
            return await self._account.read(
                lambda r: instances_of(r, resource.id, since, until, MAX_ANSWER), op="dav-instances"
            )
        try:
            return await self.expand(calendar_object, stretch, MAX_ANSWER)
        except BadEntry as error:  # all others are shown
            kv = {"account": self._account.name, "entry": resource.id, "err": str(error)}
            logger.warning("failed to expand recurrence rule", extra={"kv": kv})
            return await _joined(calendar_object, [], stretch, MAX_ANSWER)

    async def extend(self) -> None:
        """Make the instances anew that end in less than a year. Raises StoreError."""
        now = int(time.time())
        due = await self._account.read(lambda r: due_expansions(r, now + RENEWED, MOST_DUE), op="dav-due")
        for resource in due:
            await give_way()
            try:
                calendar_object = await self.read(resource)
                stretch, instances = await self.stored(calendar_object, (now - BEFORE, now + AFTER))
            except (BadEntry, BadObject, NoSuchResource):
                continue  # damaged, or gone meanwhile: the alarms of all other entries must not wait for this one
            await self._account.write(partial(set_instances, one=resource, stretch=stretch, instances=instances))

    async def read(self, resource: Resource) -> CalendarObject:
        """An entry of a calendar, read again. Raises NoSuchResource, BadObject."""
        return await read(await self.data(resource))

    async def data(self, resource: Resource) -> bytes:
        """The octets of an entry, as the user sees them. Raises NoSuchResource."""
        ask = self._account.scan if self.shelf.guest else self._account.read
        return await ask(lambda r: self.shelf.data(r, resource, BUSY_TITLE), op="dav-data")

    async def seen(self, resource: Resource) -> Resource | None:
        """The row of an entry as the user sees it; None for one that the user does not see, or that is gone."""
        if not self.shelf.guest:
            return resource
        try:
            # In a thread, because finding what a guest may see needs the entry's octets.
            return await self._account.scan(lambda r: self.shelf.seen(r, resource, BUSY_TITLE), op="dav-data")
        except NoSuchResource:
            return None


def _bounded(resource: Resource, stretch: Span) -> Span:
    """A stretch in which the instances of an entry are looked for."""
    since, until = stretch
    if resource.starts is not None:
        since = max(since, resource.starts - 1)
    # For a range without bounds, stay near the stored instances, because no client shows an event's times in the year
    # 9000.
    if since <= EARLIEST:
        since = (resource.expanded_from or 0) - FAR
    if until >= LATEST:
        until = max(since, resource.expanded_to or 0) + FAR
    return since, max(since, until)


def _are_stored(resource: Resource, stretch: Span) -> bool:
    """Whether all instances of an entry in a stretch are stored."""
    if resource.expanded_from is None or resource.expanded_to is None:
        return False
    begun = stretch[0] >= resource.expanded_from or (
        resource.starts is not None and resource.starts >= resource.expanded_from
    )
    return begun and (
        stretch[1] <= resource.expanded_to or (resource.ends is not None and resource.ends <= resource.expanded_to)
    )


def _size(calendar_object: CalendarObject) -> int:
    """Lines and components of an entry, without the lines of alarms."""
    return sum(len(part.properties) + len(part.components) for part in calendar_object.calendar.components)


def _extent_in(data: bytes | None) -> Extent:
    """The extent of octets that are stored."""
    try:
        text = "" if data is None else data.decode("utf-8-sig")
        return extent_of(read_components(text, "VCARD" if text[:20].upper().startswith("BEGIN:VCARD") else "VCALENDAR"))
    except (UnicodeDecodeError, BadComponents):
        return Extent()


async def has_time(calendar_object: CalendarObject, seconds: int) -> bool:
    """Whether an entry's rules and dates include a time (seconds UTC), so that it can have an exception. Raises
    BadEntry.
    """
    main = main_part(calendar_object.parts)
    if main is None:
        return False
    work = partial(has_date, calendar_object.parts[main], calendar_object.zones, seconds)
    try:
        return await off_loop(lambda: work(Steps()), kind="dav")
    except (BadRecurrence, TooMuchWork) as error:
        raise _bad_rule(error) from None


def _bad_rule(error: BadRecurrence | TooMuchWork) -> BadEntry:
    text = reason_of(error) if isinstance(error, BadRecurrence) else "the recurrence rule takes too long to expand"
    return BadEntry(CALDAV + "valid-calendar-data", text)


def _facts_alone(calendar_object: CalendarObject) -> ResourceFacts:
    """The facts of an entry but its instances. Raises BadEntry."""
    if (name := calendar_object.unknown_zone()) is not None:
        text = f"unknown time zone {name}, which the file doesn't define"
        raise BadEntry(CALDAV + "valid-calendar-data", text)
    starts, ends = calendar_object.bounds()
    return ResourceFacts(
        calendar_object.uid,
        calendar_object.kind,
        calendar_object.title,
        calendar_object.addresses(),
        starts,
        ends,
        alarms=has_alarms(calendar_object),
        entry=entry_facts(calendar_object),
    )


async def _times(calendar_object: CalendarObject, rules: Sequence[Rule], stretch: Span, limit: int) -> list[int]:
    """The local times of rules around a stretch, all that may last into it, and `limit` in it. Raises TooMuchWork."""
    # local times differ from UTC by a day at most
    length = max((end - start for start, end in map(calendar_object.span, calendar_object.parts)), default=0)
    since, begin, until = stretch[0] - DAY - min(length, 366 * DAY), stretch[0] + DAY, stretch[1] + DAY

    def times(steps: Steps) -> list[int]:
        moments: set[int] = set()
        for rule in rules:
            moments.update(times_of(rule, since, min(begin, until), MAX_STEPS, steps))
            moments.update(times_of(rule, begin, until, limit + MORE, steps))
        return sorted(moments)

    try:
        return times(Steps(FEW_STEPS))
    except TooMuchWork:
        return await off_loop(lambda: times(Steps()), kind="dav")


async def _joined(calendar_object: CalendarObject, times: Sequence[int], stretch: Span, limit: int) -> list[Instance]:
    work = partial(joined, calendar_object.parts, calendar_object.zones, times, stretch)
    return (work() if len(times) + _size(calendar_object) <= MANY else await off_loop(work, kind="dav"))[:limit]


async def about(calendar_object: CalendarObject, work: Callable[[], T]) -> T:
    """Run work that takes as long as an entry is large: that of a large one in a thread."""
    return work() if _size(calendar_object) <= MANY else await off_loop(work, kind="dav")


async def of_owner(entry: CalendarObject, user: User) -> bytes | None:
    """Octets of an entry that a guest puts into an owner's calendar, which invites in the owner's name; None where the
    guest's program has named the owner already.
    """
    guest = user.guest
    if guest is None or guest.organizer is None or organizer_of(entry) is None:
        return None
    made = await about(entry, partial(organized_for, entry, user.addresses, guest.own, guest.organizer))
    return None if made is None else (await off_loop(partial(write_component, made), kind="dav")).encode()


async def with_outcome(account: Account, collection_id: int, entry: EntryPut) -> EntryPut:
    """An entry that is put, with what its change means for people: computed in a thread, and before the unit, since the
    writer of the account takes its mail, too.
    """

    def found(r: Reader) -> tuple[bool, bytes | None, Sends | None]:
        before = resource_named(r, collection_id, entry.name)
        if not is_scheduled(entry.facts, before):
            return False, None, None
        return True, None if before is None else resource_data(r, before.id), guest_sends(r, entry.user)

    shared, octets, sends = await account.read(found, op="schedule")
    if not shared:
        return entry
    now = int(time.time())
    outcome = await off_loop(lambda: outcome_of(octets, entry, now, sends), kind="dav")
    return msgspec.structs.replace(entry, outcome=outcome)


async def removal_outcome(
    account: Account, collection_id: int, name: str, user: User, *, answer: bool = True
) -> Outcome | None:
    """Outcome of an entry's removal for people, as of `with_outcome`; None for one without people."""

    def found(r: Reader) -> tuple[bytes | None, Sends | None]:
        before = resource_named(r, collection_id, name)
        return None if before is None or before.tag is None else resource_data(r, before.id), guest_sends(r, user)

    octets, sends = await account.read(found, op="schedule")
    if octets is None:
        return None
    now = int(time.time())
    return await off_loop(lambda: outcome_of_removal(octets, user, now, sends, answer=answer), kind="dav")


class ImportedEntry(msgspec.Struct, frozen=True):
    """An entry of a file as a calendar can have it, with its facts.

    Attributes:
      left: what was left out, as of `mended`, and "line" for lines that can't be read.
      zone: name of the zone that times of an unknown zone are in, "" if there's none.
    """

    data: bytes
    facts: ResourceFacts
    left: Set[str] = frozenset()
    zone: str = ""


async def imported(expander: Expander, where: Collection, data: bytes) -> ImportedEntry:
    """An entry of a file, as others wrote it, or else as a calendar can have it. Raises BadEntry."""
    try:
        return ImportedEntry(data, await expander.facts(where, data))
    except BadEntry:
        if where.kind == "contact" or len(data) > MAX_ENTRY:
            raise
        zone = await expander.zone_name(where)
        try:
            entry = await off_loop(lambda: mended(data.decode("utf-8", "replace"), zone), kind="dav")
        except BadComponents:
            entry = None
        made = data if entry is None else write_component(entry.calendar).encode("utf-8", "replace")
        if entry is None or made == data:
            raise
        left = {*entry.left, "line"} if entry.lines else entry.left
        return ImportedEntry(made, await expander.facts(where, made), left, entry.zone)


async def read(data: bytes) -> CalendarObject:
    """Read an entry of a calendar, a large one in a thread. Raises BadObject."""
    if len(data) <= LARGE:
        await give_way()
        return read_object(data)
    return await off_loop(lambda: read_object(data), kind="dav")
