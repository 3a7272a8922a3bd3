"""Entries as they are put: read, checked, and with the instances of their rules (DAV-7, DAV-9, DAV-11)."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.processor import give_way, off_loop
from moxlite.proto.cards.alarms import has_alarms
from moxlite.proto.cards.calendarobject import EARLIEST, LATEST, BadObject, CalendarObject, read_object
from moxlite.proto.cards.cardobject import BadCard
from moxlite.proto.cards.components import Component, Instance
from moxlite.proto.cards.repeating import BadRecurrence, Span, joined, main_part, rules_of
from moxlite.proto.dav.xml import CALDAV, CARDDAV
from moxlite.sandbox.jobs import MAX_TIMES, ExpandRules
from moxlite.sandbox.messages import Refused
from moxlite.sandbox.processes import BUSY, NO_PROCESS, JobFailed
from moxlite.store.groupware.collection import Collection
from moxlite.store.groupware.resources import (
    NoSuchResource,
    Resource,
    ResourceFacts,
    card_facts,
    due_expansions,
    instances_of,
    set_instances,
)
from moxlite.store.groupware.sharing import Shelf

if TYPE_CHECKING:
    from moxlite.sandbox.processes import Sandbox
    from moxlite.store.changelog.account import Account

LARGE: Final = 16 << 10
"""Octets above which an entry is read in a thread: reading 16 KiB takes the loop 3 ms."""

MANY: Final = 200
"""Lines and times of an entry above which its instances are found in a thread: a thousand EXDATEs take the loop 25 ms,
as many times 10 to 40 (measured).
"""

MAX_ENTRY: Final = 1 << 20
"""Octets of an entry (DAV-5)."""

TOO_LARGE: Final = "an entry has more than 1 MiB"

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

FAR: Final = 20 * 366 * DAY
"""Seconds of a stretch without an end in which instances are looked for."""

MOST_DUE: Final = 200
"""Entries whose instances are made anew at once."""

OWNER: Final = Shelf("calendar")

BUSY_TITLE: Final = "Busy"
"""Title of private entries for those who see their times alone: many programs show no event without one."""


class BadEntry(Exception):
    """An entry that is not taken. `condition`: name of the precondition, with its namespace; the message is one
    sentence for people.
    """

    def __init__(self, condition: str, text: str) -> None:
        super().__init__(text)
        self.condition = condition


class TooBusy(Exception):
    """Rules cannot be expanded now; a later attempt may succeed."""


class Expander:
    """Finds instances of an account's entries, with the help of the sandbox."""

    def __init__(self, account: Account, sandbox: Sandbox, shelf: Shelf = OWNER) -> None:
        self._account = account
        self._sandbox = sandbox
        self.shelf = shelf
        """As whom entries are read."""

    def of_owner(self) -> Expander:
        """The expander that reads entries as their owner."""
        return Expander(self._account, self._sandbox)

    async def facts(self, where: Collection, data: bytes) -> ResourceFacts:
        """Compute the facts of an entry that is put into a collection. Raises BadEntry, TooBusy."""
        if len(data) > MAX_ENTRY:
            raise BadEntry((CARDDAV if where.kind == "contact" else CALDAV) + "max-resource-size", TOO_LARGE)
        if where.kind == "contact":
            return await self._card(data)
        try:
            calendar_object = await read(data)
        except BadObject as error:
            raise BadEntry(CALDAV + error.condition, str(error)) from None
        if calendar_object.kind not in where.components:
            raise BadEntry(CALDAV + "supported-calendar-component", f"this calendar takes no {calendar_object.kind}")
        return await self.facts_of(calendar_object)

    async def facts_of(self, calendar_object: CalendarObject) -> ResourceFacts:
        """Compute the facts of an entry of a calendar. Raises BadEntry, TooBusy."""
        starts, ends = calendar_object.bounds()
        stretch: Span | None = None
        instances: tuple[Instance, ...] = ()
        if calendar_object.repeated:
            now = int(time.time())
            stretch, instances = await self.stored(calendar_object, (now - BEFORE, now + AFTER))
        known = calendar_object.uid, calendar_object.kind, calendar_object.title, calendar_object.addresses()
        return ResourceFacts(*known, starts, ends, stretch, instances, alarms=has_alarms(calendar_object))

    async def _card(self, data: bytes) -> ResourceFacts:
        try:
            return card_facts(data) if len(data) <= LARGE else await off_loop(lambda: card_facts(data), kind="dav")
        except BadCard as error:
            raise BadEntry(CARDDAV + "valid-address-data", str(error)) from None

    async def stored(self, calendar_object: CalendarObject, stretch: Span) -> tuple[Span, tuple[Instance, ...]]:
        """The instances that are stored, and the stretch of which they are all. Raises BadEntry, TooBusy."""
        instances = await self.expand(calendar_object, stretch, MAX_STORED)
        # Cut where the last one starts, for others may start in the same second that were left out.
        if len(instances) == MAX_STORED:
            stretch = stretch[0], instances[-1].starts
            instances = [instance for instance in instances if instance.starts < stretch[1]]
        return stretch, tuple(instances)

    async def expand(self, calendar_object: CalendarObject, stretch: Span, limit: int) -> list[Instance]:
        """Instances in a stretch, the first `limit`. Raises BadEntry for a rule that is not taken, TooBusy."""
        try:
            rules = rules_of(calendar_object.main, calendar_object.zones)
        except BadRecurrence as error:
            raise BadEntry(CALDAV + "valid-calendar-data", str(error)) from None
        times: tuple[int, ...] = ()
        if rules is not None:
            # local times differ from UTC by a day at most, and an instance that began before may last into the stretch
            length = max((end - start for start, end in map(calendar_object.span, calendar_object.parts)), default=0)
            room = DAY + min(length, 366 * DAY)
            job = ExpandRules(
                rules.rules, rules.start, stretch[0] - room, stretch[1] + DAY, min(limit + 400, MAX_TIMES)
            )
            times = await self._times(job)
        work = partial(joined, calendar_object.parts, calendar_object.zones, times, stretch)
        number = len(times) + sum(len(part.properties) for part in calendar_object.parts)
        return (work() if number <= MANY else await off_loop(work, kind="dav"))[:limit]

    async def _times(self, job: ExpandRules) -> tuple[int, ...]:
        try:
            async with self._sandbox.turn(self._account.name) as turn:
                return (await turn.do(job)).times
        except Refused as error:
            raise BadEntry(CALDAV + "valid-calendar-data", str(error)) from None
        except JobFailed as error:
            if str(error) in (BUSY, NO_PROCESS):
                raise TooBusy from None
            raise BadEntry(CALDAV + "valid-calendar-data", "the rule takes too long to be expanded") from None

    async def instances(self, resource: Resource, calendar_object: CalendarObject, stretch: Span) -> list[Instance]:
        """The instances of an entry in a stretch, at most `MAX_ANSWER`: stored ones, or expanded where the stretch is
        beyond these.
        """
        since, until = stretch
        if resource.starts is not None:
            since = max(since, resource.starts - 1)
        # A question without bounds has an answer near what is stored: no client shows the times of an event in the year
        # 9000.
        if since <= EARLIEST:
            since = (resource.expanded_from or 0) - FAR
        if until >= LATEST:
            until = max(since, resource.expanded_to or 0) + FAR
        if resource.expanded_from is not None and resource.expanded_to is not None:
            begun = since >= resource.expanded_from or (
                resource.starts is not None and resource.starts >= resource.expanded_from
            )
            ended = until <= resource.expanded_to or (
                resource.ends is not None and resource.ends <= resource.expanded_to
            )
            if begun and ended:
                return await self._account.read(
                    lambda r: instances_of(r, resource.id, since, until, MAX_ANSWER), op="dav-instances"
                )
        return await self.expand(calendar_object, (since, max(since, until)), MAX_ANSWER)

    async def has_time(self, calendar_object: CalendarObject, seconds: int) -> bool:
        """Whether an entry has a time, seconds UTC, by its rules and dates, of which exceptions may be made. Raises
        BadEntry, TooBusy.
        """
        main = main_part(calendar_object.parts)
        if main is None:
            return False
        part = calendar_object.parts[main]
        # without their lengths, times before this one do not last into it, and do not count for the limit
        lines = [line for line in part.properties if line.name not in ("DTEND", "DURATION", "DUE")]
        alone = msgspec.structs.replace(calendar_object, parts=[Component(part.name, lines, [])])
        instances = await self.expand(alone, (seconds, seconds + 1), MAX_STORED)
        return any(instance.starts == seconds for instance in instances)

    async def extend(self) -> None:
        """Make the instances anew that end in less than a year. Raises StoreError."""
        now = int(time.time())
        due = await self._account.read(lambda r: due_expansions(r, now + RENEWED, MOST_DUE), op="dav-due")
        for resource in due:
            await give_way()
            try:
                calendar_object = await self.read(resource)
                stretch, instances = await self.stored(calendar_object, (now - BEFORE, now + AFTER))
            except (BadEntry, BadObject, NoSuchResource, TooBusy):
                continue  # damaged, or gone meanwhile: the alarms of all other entries must not wait for this one
            await self._account.write(partial(set_instances, one=resource, stretch=stretch, instances=instances))

    async def read(self, resource: Resource) -> CalendarObject:
        """An entry of a calendar, read again. Raises NoSuchResource, BadObject."""
        return await read(await self.data(resource))

    async def data(self, resource: Resource) -> bytes:
        """The octets of an entry, as the user sees them. Raises NoSuchResource."""
        return await self._account.read(lambda r: self.shelf.data(r, resource, BUSY_TITLE), op="dav-data")

    async def seen(self, resource: Resource) -> Resource | None:
        """The row of an entry as the user sees it; None for one that the user does not see, or that is gone."""
        if not self.shelf.guest:
            return resource
        try:
            return await self._account.read(lambda r: self.shelf.seen(r, resource, BUSY_TITLE), op="dav-data")
        except NoSuchResource:
            return None


async def read(data: bytes) -> CalendarObject:
    """Read an entry of a calendar, a large one in a thread. Raises BadObject."""
    if len(data) <= LARGE:
        await give_way()
        return read_object(data)
    return await off_loop(lambda: read_object(data), kind="dav")
