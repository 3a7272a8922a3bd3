"""REPORT (DAV-18, DAV-19): queries, multigets, free-busy and synchronisation. Each gives pieces of a multistatus one
after the other, so that an answer is written as it is made.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import tzinfo
from functools import partial
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element

from moxlite.groupware.busy import busy_calendar, busy_times, merged, unavailable
from moxlite.groupware.entries import DAY, LARGE, parsed_cost
from moxlite.processor import give_way, off_loop
from moxlite.proto.address import one_spelling
from moxlite.proto.cards.alarms import zone_of
from moxlite.proto.cards.calendarobject import EARLIEST, LATEST, BadObject, CalendarObject
from moxlite.proto.cards.cardobject import read_card
from moxlite.proto.cards.components import Instance, write_component
from moxlite.proto.cards.repeating import Span
from moxlite.proto.dav.filters import (
    ALARM_REACH,
    BadFilter,
    CardFilter,
    ComponentFilter,
    calendar_filter,
    card_filter,
    card_matches,
    matches,
    time_range,
)
from moxlite.proto.dav.xml import CALDAV, CARDDAV, DAV, element, text
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.collection import Collection, Kind, collection, token_of
from moxlite.store.groupware.resources import (
    Change,
    Changes,
    NoSuchResource,
    Resource,
    changes_since,
    overlapping,
    resource_named,
    resources_of,
)
from moxlite.web.dav.entrydata import (
    ADDRESS_DATA,
    PORTION,
    PORTION_MADE,
    DataWanted,
    calendar_lines,
    card_text,
    data_wanted,
    instances_text,
    made,
    portions,
    shown_calendar,
)
from moxlite.web.dav.places import NotThere, Place, Refusal, href
from moxlite.web.dav.properties import Target, Viewer, answer_for, hrefs_of, wanted_of

if TYPE_CHECKING:
    from moxlite.groupware.entries import Expander
    from moxlite.ledger import Hold
    from moxlite.store.changelog.account import Account

logger = logging.getLogger("moxlite.web.dav")

PAGE: Final = 100
"""Rows that are read at once."""

MAX_HREFS: Final = 5000
"""Addresses of a multiget."""

MAX_CHANGES: Final = 5000
"""Changes of one answer of sync-collection."""

MAX_FOUND: Final = 10_000
"""Entries of a query without a limit of the client's."""

MAX_ALL_EXPANDED: Final = 32 << 20
"""Octets of a report's entries that are shown as instances, which each have all of their entry's text: a year of 120
daily events has 30 MB.
"""

TOO_MUCH: Final = "too many occurrences to expand in one response; use a shorter time range"

AS_TEXT: Final = 5
"""Times its octets that an entry takes with its text: measured with an emoji, for which each letter has four."""

SLICE: Final = 16 << 10
"""Characters of a text that are escaped at once."""

ESCAPED: Final = 40
"""Times its octets that a slice takes until it is written: measured with ampersands and an emoji."""

MARK: Final = "\0"
"""Place of an entry's text in an answer. XML can't have it."""

JUDGED: Final = 4 * LARGE
"""Octets of an entry times elements of a report, up to which it is tried on the event loop: 3 ms."""


class Reports:
    """The reports of one request."""

    def __init__(
        self, account: Account, viewer: Viewer, expander: Expander, root: Element, hold: Hold, *, minimal: bool
    ) -> None:
        """`hold`: of the exchange."""
        self._account = account
        self._hold = hold
        self._viewer = viewer
        self._expander = expander
        self._root = root
        self._minimal = minimal
        self._wanted = wanted_of(root)
        self._data = data_wanted(root)
        self._weight = sum(1 for _ in root.iter())
        self._zones: dict[int, tzinfo | None] = {}
        self._expanded = 0  # octets of what was shown as instances
        self._begun = False

    def _is_full(self) -> bool:
        """Whether the report has as many instances as it may have."""
        return self._expanded >= MAX_ALL_EXPANDED

    # the entries of an answer

    @asynccontextmanager
    async def _held(self, resource: Resource, *, parsed: bool = False) -> AsyncIterator[None]:
        """Context of an entry that is read, perhaps to be compared with a filter (`parsed`), made to an answer, and
        given to the client: objects of entries that wait for others would add up. All of it is taken before, so that no
        two wait for each other. Raises NoRoom.
        """
        parsed = parsed or not (self._data is None or self._data.as_kept)
        expand = self._data is not None and self._data.expand is not None
        octets = AS_TEXT * resource.size + ESCAPED * (SLICE if expand else min(SLICE, resource.size))
        octets += (parsed_cost(resource.size) if parsed else 0) + (PORTION_MADE * PORTION if expand else 0)
        await self._hold.take("report", octets, begun=self._begun)
        try:
            yield
        finally:
            self._hold.give("report")

    async def _response(
        self, where: Collection, resource: Resource, calendar_object: CalendarObject | None = None
    ) -> AsyncGenerator[str, None]:
        """The answer about an entry in pieces; none for one that the user does not see, or that is gone since its row
        was read. Call within `_held`. Raises _TooMuch, before the first piece.
        """
        seen = await self._expander.seen(resource)
        if seen is None:
            return
        resource = seen
        place = Place("resource", where.kind, where.name, resource.name)
        wanted, data = self._data, {}
        if wanted is not None and (wanted.name == ADDRESS_DATA) is (where.kind == "contact"):
            data[wanted.name] = MARK
        answer = answer_for(
            self._viewer, Target(place, where, resource, data=data), self._wanted, minimal=self._minimal
        )
        before, mark, after = answer.partition(MARK)
        self._begun = True
        if wanted is not None and mark:
            try:
                async with aclosing(self._shown(resource, wanted, calendar_object, self._zone(where))) as texts:
                    async for portion in texts:
                        for start in range(0, len(portion), SLICE):
                            yield before + text(portion[start : start + SLICE])
                            before = ""
            except NoSuchResource:  # before the first portion
                return
        yield before + after

    async def _shown(
        self, resource: Resource, data_wanted: DataWanted, calendar_object: CalendarObject | None, zone: tzinfo | None
    ) -> AsyncGenerator[str, None]:
        """The text of an entry as the report wants it, in portions. Raises NoSuchResource, and _TooMuch, before the
        first one.
        """
        if data_wanted.as_kept:
            yield (await self._expander.data(resource)).decode("utf-8-sig")
            return
        if data_wanted.name == ADDRESS_DATA:
            data = await self._expander.data(resource)
            yield await made(resource, lambda: card_text(data, data_wanted))
            return
        expand = data_wanted.expand is not None
        calendar = calendar_object or await self._expander.read(resource)
        instances: Sequence[Instance] = ()
        stretch = data_wanted.expand or data_wanted.recurrences
        if stretch is not None and calendar.repeated:
            instances = await self._expander.instances(resource, calendar, _widened(stretch))
            placed = calendar.placed_instances(instances, zone)
            instances = [instance for instance, there in zip(instances, placed, strict=True) if _is_in(there, stretch)]
        if not (expand and calendar.repeated):
            yield await made(resource, lambda: write_component(shown_calendar(calendar, data_wanted, instances)))
            return
        sizes = [len(write_component(part).encode("utf-8", "replace")) for part in calendar.parts]
        octets = sum(sizes[instance.part] for instance in instances)
        if self._expanded + octets > MAX_ALL_EXPANDED:
            # An entry that is too large by itself hides no other.
            self._expanded = MAX_ALL_EXPANDED if self._expanded else 0
            raise _TooMuch
        self._expanded += octets
        head, end = calendar_lines(shown_calendar(calendar, data_wanted, ()))
        yield head
        for portion in portions(instances, sizes):
            yield await made(resource, partial(instances_text, calendar, data_wanted, portion))
        yield end

    def _zone(self, where: Collection) -> tzinfo | None:
        """The zone of dates, and of times without one: the query's, else the calendar's (RFC 4791 §5.2.2, §9.8)."""
        if where.id not in self._zones:
            asked = self._root.findtext(CALDAV + "timezone") or ""
            name = (self._root.findtext(CALDAV + "timezone-id") or "").strip()
            self._zones[where.id] = zone_of(asked, name) or zone_of(where.time_zone, "")
        return self._zones[where.id]

    # calendar-query and addressbook-query

    async def calendar_query(self, homes: Sequence[Collection]) -> AsyncIterator[str]:
        """The entries that pass a filter (RFC 4791 §7.8)."""
        try:
            component_filter = calendar_filter(self._root.find(CALDAV + "filter"))
        except BadFilter as error:
            raise Refusal(403, error.condition, str(error)) from None
        number = 0
        for where in homes:
            hull = _hull(component_filter)
            here = self._viewer.tree.href(Place("collection", where.kind, where.name))
            async for resource, decided in self._candidates(where, component_filter):
                async with self._held(resource, parsed=not decided):
                    calendar_object = None
                    if not decided:
                        calendar_object = await self._passing(resource, component_filter, hull, self._zone(where))
                        if calendar_object is None:
                            continue
                    number += 1
                    if number > MAX_FOUND or self._is_full():
                        yield _truncated(here, TOO_MUCH if self._is_full() else "")
                        return
                    try:
                        async for piece in self._response(where, resource, calendar_object):
                            yield piece
                    except _TooMuch:
                        yield _truncated(here if self._is_full() else self._href(where, resource.name), TOO_MUCH)
                        if self._is_full():
                            return

    async def _candidates(
        self, where: Collection, component_filter: ComponentFilter
    ) -> AsyncIterator[tuple[Resource, bool]]:
        """The entries that may pass, and whether rows and facts show that they do."""
        inner = (
            component_filter.components[0]
            if len(component_filter.components) == 1 and not component_filter.properties
            else None
        )
        quick = (
            inner is not None and not inner.absent and component_filter.stretch is None and not component_filter.absent
        )
        simple = inner is not None and quick and inner.plain
        if inner is not None and simple and inner.name == "VEVENT" and inner.stretch is not None:
            async for candidate in self._events_within(where, inner.stretch):
                yield candidate
            return
        kinds = where.components if inner is None or not quick else (inner.name,)
        stretch = _widened((inner.stretch if inner is not None and quick else None) or (EARLIEST, LATEST))
        after = 0
        while True:
            rows = await self._account.read(
                partial(
                    overlapping,
                    collection_id=where.id,
                    components=kinds,
                    since=stretch[0],
                    until=stretch[1],
                    after=after,
                    limit=PAGE,
                ),
                op="dav-query",
            )
            for resource in rows:
                after = resource.id
                yield resource, simple and inner is not None and inner.stretch is None
            if len(rows) < PAGE:
                return

    async def _events_within(self, where: Collection, stretch: Span) -> AsyncIterator[tuple[Resource, bool]]:
        """Events that have a moment in a stretch; False for an event whose instances must be expanded first."""
        after, more, zone = 0, True, self._zone(where)
        while more:
            page, after, more = await self._account.scan(
                partial(
                    self._expander.page,
                    collection_id=where.id,
                    kinds=("VEVENT",),
                    stretch=_widened(stretch),
                    after=after,
                ),
                op="dav-query",
            )
            for viewed in page:
                if viewed.instances is None:
                    yield viewed.resource, False
                elif any(_is_in(instance, stretch) for instance in viewed.placed(zone)):
                    yield viewed.resource, True

    async def _passing(
        self, resource: Resource, component_filter: ComponentFilter, hull: Span | None, zone: tzinfo | None
    ) -> CalendarObject | None:
        await give_way()
        try:
            calendar_object = await self._expander.read(resource)
        except NoSuchResource:
            return None  # removed meanwhile
        except BadObject as error:  # all others are answered
            kv = {"account": self._account.name, "entry": resource.id, "err": str(error)}
            logger.warning("failed to read calendar entry", extra={"kv": kv})
            return None
        instances: Sequence[Instance] = ()
        if hull is not None and calendar_object.repeated:
            instances = await self._expander.instances(resource, calendar_object, _widened(hull))
            instances = calendar_object.placed_instances(instances, zone)

        def within(stretch: Span) -> list[Instance]:
            return [instance for instance in instances if instance.starts < stretch[1] and instance.ends >= stretch[0]]

        passes = partial(matches, component_filter, calendar_object.placed(zone), within)
        return calendar_object if await self._judged(resource, passes) else None

    async def _judged(self, resource: Resource, passes: Callable[[], bool]) -> bool:
        """Whether an entry passes a filter; in a thread where one or the other is large."""
        return passes() if resource.size * self._weight <= JUDGED else await off_loop(passes, kind="dav")

    async def addressbook_query(self, where: Collection) -> AsyncIterator[str]:
        """The cards that pass a filter (RFC 6352 §8.6)."""
        try:
            wanted = card_filter(self._root.find(CARDDAV + "filter"))
        except BadFilter as error:
            raise Refusal(403, error.condition, str(error)) from None
        limit = min(_limit(self._root, CARDDAV), MAX_FOUND)
        number = 0
        async for resource in self._all(where):
            async with self._held(resource, parsed=bool(wanted.properties)):
                if not await self._card_passes(resource, wanted):
                    continue
                number += 1
                if number > limit:
                    yield _truncated(self._viewer.tree.href(Place("collection", "contact", where.name)))
                    return
                async for piece in self._response(where, resource):
                    yield piece

    async def _card_passes(self, resource: Resource, wanted: CardFilter) -> bool:
        if not wanted.properties:
            return True
        await give_way()
        try:
            data = await self._expander.data(resource)
        except NoSuchResource:
            return False
        return await self._judged(resource, lambda: card_matches(wanted, read_card(data).card))

    async def _all(self, where: Collection) -> AsyncIterator[Resource]:
        after = 0
        while True:
            rows = await self._account.read(
                partial(resources_of, collection_id=where.id, after=after, limit=PAGE), op="dav-list"
            )
            for resource in rows:
                after = resource.id
                yield resource
            if len(rows) < PAGE:
                return

    # multiget

    async def multiget(self, homes: Sequence[Collection]) -> AsyncIterator[str]:
        """The entries that the request names (RFC 4791 §7.9, RFC 6352 §8.7)."""
        hrefs = hrefs_of(self._root)
        if len(hrefs) > MAX_HREFS:
            raise Refusal(
                403, DAV + "number-of-matches-within-limits", f"too many entries in the request (limit {MAX_HREFS})"
            )
        known = {(home.kind, home.name): home for home in homes}
        for path in hrefs:
            await give_way()
            if self._is_full():
                yield _truncated(path, TOO_MUCH)
                continue
            found = await self._named(path, known)
            if found is None:
                yield _missing(path)
                continue
            where, resource = found
            async with self._held(resource):
                there = False
                try:
                    async for piece in self._response(where, resource):
                        there = True
                        yield piece
                except _TooMuch:
                    there = True
                    yield _truncated(path, TOO_MUCH)
                if not there:
                    yield _missing(path)

    async def _named(
        self, path: str, known: Mapping[tuple[Kind, str], Collection]
    ) -> tuple[Collection, Resource] | None:
        """The entry at a path, with its collection, one of `known`; None if there is no such entry."""
        try:
            place = self._viewer.tree.target(path)
        except NotThere:
            return None
        where = known.get((place.shelf, place.collection)) if place.kind == "resource" else None
        if where is None:
            return None
        read = partial(resource_named, collection_id=where.id, name=place.name)
        resource = await self._account.read(read, op="dav-multiget")
        return None if resource is None else (where, resource)

    # sync-collection

    async def sync(self, where: Collection) -> AsyncIterator[str]:
        """Answer with the changes since a token (RFC 6578 §3)."""
        if self._data is not None and self._data.expand is not None:
            raise Refusal(403, CALDAV + "supported-calendar-data", "use calendar-multiget to expand changed events")
        token = (self._root.findtext(DAV + "sync-token") or "").strip()
        limit = min(_limit(self._root, DAV), MAX_CHANGES)

        # One snapshot gives the changes and the token: a later token would pass over what was written between.
        def read(r: Reader) -> tuple[Changes, str, int]:
            here = collection(r, where.id)
            since = _since(token, token_of(r, here, 0), here)
            part = changes_since(r, here, since, limit)
            return part, token_of(r, here, part.modseq), since

        part, state, since = await self._account.read(read, op="dav-sync")
        for at in range(0, len(part.changes), PAGE):
            async for piece in self._changed(where, part.changes[at : at + PAGE], since):
                yield piece
        if not part.whole:
            yield _truncated(self._viewer.tree.href(Place("collection", where.kind, where.name)))
        yield element(DAV + "sync-token", text(state))

    async def _changed(self, where: Collection, changes: Sequence[Change], since: int) -> AsyncIterator[str]:
        """The answers about a page of changes."""
        names = [change.name for change in changes if change.etag is not None]
        known = await self._account.read(
            lambda r: {name: resource_named(r, where.id, name) for name in names}, op="dav-sync"
        )
        for change in changes:
            resource = known.get(change.name)
            if resource is not None:
                # An entry may have been made secret since the client's token; of one that is gone the next answer says
                # so, too.
                known_to_client = resource.createseq <= since
                async with self._held(resource):
                    there = False
                    async for piece in self._response(where, resource):
                        there = True
                        yield piece
                    if not there and known_to_client:
                        yield _missing(self._href(where, change.name))
            elif change.etag is None:
                yield _missing(self._href(where, change.name))

    def _href(self, where: Collection, name: str) -> str:
        return self._viewer.tree.href(Place("resource", where.kind, where.name, name))

    # free-busy-query

    async def free_busy(self, where: Collection) -> str:
        """When the owner is busy by a calendar (RFC 4791 §7.10)."""
        try:
            stretch = time_range(self._root.find(CALDAV + "time-range"))
        except BadFilter as error:
            raise Refusal(403, error.condition, str(error)) from None
        if stretch is None or EARLIEST in stretch or LATEST in stretch:
            raise Refusal(
                403, CALDAV + "valid-filter", "free-busy-query must have a time range with a start and an end"
            )
        own = frozenset(map(one_spelling, self._viewer.addresses))
        # By all entries as their owner has them: whose answers to invitations count, and what guests see has none.
        expander = self._expander.of_owner()
        busy = await busy_times(self._account, expander, where, stretch, own)
        away = await unavailable(self._account, expander, [where], stretch)
        return busy_calendar(stretch, merged((*busy, *away), stretch))


class _TooMuch(Exception):
    """The instances of an entry have no place in the answer."""


def _widened(stretch: Span) -> Span:
    """A stretch that has all times without a zone that are in another one in some zone."""
    return stretch[0] - DAY, stretch[1] + DAY


def _is_in(instance: Instance, stretch: Span) -> bool:
    starts, ends = instance.starts, instance.ends
    return starts < stretch[1] and (ends > stretch[0] or starts == ends == stretch[0])


def _hull(component_filter: ComponentFilter) -> Span | None:
    """The stretch that covers all ranges of a filter, wider where it asks for alarms."""
    spans = [] if component_filter.stretch is None else [component_filter.stretch]
    if component_filter.name == "VALARM" and component_filter.stretch is not None:
        spans = [(component_filter.stretch[0] - ALARM_REACH, component_filter.stretch[1] + ALARM_REACH)]
    spans += [span for span in map(_hull, component_filter.components) if span is not None]
    return (min(span[0] for span in spans), max(span[1] for span in spans)) if spans else None


def _limit(root: Element, space: str) -> int:
    given = root.findtext(f"{space}limit/{space}nresults")
    if given is None:
        return MAX_FOUND
    number = given.strip()
    if not (number.isascii() and number.isdigit() and int(number[:9]) > 0):
        raise Refusal(400, "", "the limit must be greater than 0")
    return int(number[:9])


def _since(token: str, start: str, here: Collection) -> int:
    """The modseq of a token, 0 for the first synchronisation. Raises Refusal for one that is not of this collection."""
    if not token:
        return 0
    prefix = start.rpartition(":")[0] + ":"
    number = token.removeprefix(prefix)
    known = number != token and number.isascii() and number.isdigit() and len(number) < 19
    # no client was given a token above the collection's modseq
    if not known or not here.purged <= int(number) <= here.modseq:
        raise Refusal(
            403, DAV + "valid-sync-token", "the sync token isn't valid for this collection; sync again without a token"
        )
    return int(number)


def _missing(path: str) -> str:
    return element(DAV + "response", href(path), element(DAV + "status", "HTTP/1.1 404 Not Found"))


def _truncated(path: str, words: str = "") -> str:
    """The element that says that there is more (RFC 6578 §3.6, RFC 6352 §8.6.2)."""
    why = element(DAV + "error", element(DAV + "number-of-matches-within-limits"))
    status = element(DAV + "status", "HTTP/1.1 507 Insufficient Storage")
    described = [element(DAV + "responsedescription", text(words))] if words else []
    return element(DAV + "response", href(path), status, why, *described)
