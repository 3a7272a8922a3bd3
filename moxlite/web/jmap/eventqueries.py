"""CalendarEvent/query, /queryChanges and /parse (draft-ietf-jmap-calendars-26 §5.11, §5.13)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import msgspec

from moxlite.groupware.entries import Expander, about
from moxlite.processor import give_way, off_loop
from moxlite.proto.cards.calendarfiles import file_text, split_calendars
from moxlite.proto.cards.calendarobject import EARLIEST, LATEST, BadObject, CalendarObject, object_of
from moxlite.proto.cards.components import BadComponents, Instance, read_components
from moxlite.proto.cards.jscalendar import event_of, instance_of
from moxlite.proto.cards.jscalendarlines import BadEvent, read_local
from moxlite.proto.cards.moments import seconds_of
from moxlite.proto.cards.received import mended
from moxlite.proto.cards.repeating import rules_of
from moxlite.proto.cards.rules import BadRecurrence
from moxlite.store.groupware.resources import Resource, overlapping, together
from moxlite.web.jmap.blobs import blob_octets, find_blob, holding
from moxlite.web.jmap.bodies import ENTRY_MADE
from moxlite.web.jmap.calendars import CALENDAR, CALENDARS
from moxlite.web.jmap.events import AT_ONCE, changes, zone_argument
from moxlite.web.jmap.headerforms import EPOCH
from moxlite.web.jmap.methods import read_id
from moxlite.web.jmap.protocol import MethodError, Object, invalid
from moxlite.web.jmap.standard import (
    MAX_DEPTH,
    filter_moment,
    holds,
    in_order,
    query_changes_of,
    results_response,
    strings,
    words_of,
)
from moxlite.web.jmap.storedevents import AS_JSON, EVENT, StoredEvent, found_event, instance_id

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.methods import Call


MAX_IDS: Final = 5_000
"""Ids of one answer, as of Email/query."""

MAX_FOUND: Final = 20_000
"""Events, or events of series, that a query may find."""

MAX_EXPANDED: Final = 400 * 86_400
"""Maximum seconds of a query that expands series, as announced in the session."""

CLOCKS: Final = 14 * 3600
"""Seconds by which a local time differs from UTC."""

MAX_BLOBS: Final = 20
"""Blobs of one /parse, as of Email/parse."""

MAX_FILE: Final = 2 << 20
"""Octets of a file."""

PARSED_FILE: Final = 15
"""Times its octets that a file takes while it is read: 30 MB for the largest."""

NAME: Final = 64
"""Octets that a property of a parsed event takes, had or not: a thousand names of 20,000 events are a GB."""

MAX_PARSED: Final = 1_000
"""Events of a file."""

TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "title": ("title",),
    "description": ("description",),
    "location": ("locations", "virtualLocations"),
    "owner": ("participants",),
    "attendee": ("participants",),
    "text": ("title", "description", "locations", "virtualLocations", "participants", "keywords"),
}
"""Filters about texts, with the properties that are looked at."""

FILTERS: Final = ("inCalendar", "after", "before", "uid", *TEXTS)
MAX_KEY: Final = 200
"""Characters of a text by which events are sorted."""

SORTS: Final = ("start", "uid", "recurrenceId", "created", "updated")


class _Match(msgspec.Struct, frozen=True):
    """What a query looks at: an event, a series, or with `key` one of it. `starts`, `ends`: seconds UTC.

    `texts`: those that filters look at, of it and each of its exceptions, by the filter's name, once they were read.
    """

    found: StoredEvent
    key: str
    starts: int
    ends: int
    floating: bool
    texts: dict[str, list[str]] = {}

    @property
    def id(self) -> str:
        """Its id."""
        return instance_id(self.found.one.id, self.key) if self.key else f"{EVENT}{self.found.one.id}"

    def objects(self) -> list[Object]:
        """The objects in which texts are looked for: of a series, its exceptions, too."""
        event = self.found.event
        if self.key:
            return [self.found.of_series(self.key)]
        return [event, *(instance_of(event, key) for key in event.get("recurrenceOverrides") or {})]


async def query(call: Call) -> Object:
    """CalendarEvent/query."""
    await CALENDARS.ready(call)
    now, ids = await _results(call)
    steady = not call.argument("expandRecurrences", bool, False)
    return results_response(call, now, ids, most=MAX_IDS, calculable=steady)


async def _results(call: Call) -> tuple[str, list[str]]:
    """The state, and all that a query finds. Raises MethodError."""
    wish, expand = call.filter(), call.argument("expandRecurrences", bool, False)
    zone = ZoneInfo(zone_argument(call))
    sort = _sort(call)
    stretch = _stretch(call, wish, zone) if isinstance(wish, dict) and "operator" not in wish else (EARLIEST, LATEST)
    if expand:
        if wish is None or "operator" in wish or not {"after", "before"} <= wish.keys():
            raise invalid("to expand recurrences, use one filter condition with both after and before")
        if stretch[1] - stretch[0] > MAX_EXPANDED:
            raise MethodError("expandDurationTooLarge", "a query with expanded recurrences can span up to 400 days")
    now = await call.account.read(CALENDARS.shelf(call).state, op="jmap events")
    found: list[tuple[str, list[Any]]] = []  # no events: together they may have gigabytes
    around = stretch[0] - CLOCKS, stretch[1] + CLOCKS
    async for match in _looked_at(call, around, expand=expand, timed=_is_timed(wish)):
        if wish is None or await _fits(call, match, wish, zone):
            keys = [_sorted_by(match, name) for name, _ in sort]
            found.append((match.id, [*keys, match.found.one.id]))  # calendars may change their places
        if len(found) > MAX_FOUND:
            raise MethodError("cannotCalculateOccurrences", "the query matches too many events; use a shorter period")
    return now, [*dict.fromkeys(in_order(found, [*(not down for _, down in sort), True]))]


async def _fits(call: Call, match: _Match, wish: Object, zone: ZoneInfo) -> bool:
    """Whether a filter holds for an event."""
    await give_way()
    return await about(match.found.entry, partial(holds, wish, partial(_meets, call, match, zone)))


async def query_changes(call: Call) -> Object:
    """CalendarEvent/queryChanges. Which events a changed series had before is not known."""
    await CALENDARS.ready(call)
    if call.argument("expandRecurrences", bool, False):
        raise MethodError(
            "cannotCalculateChanges", "changes to expanded recurrences aren't tracked; run the query again"
        )
    return await query_changes_of(call, partial(_results, call), changes)


def _is_timed(wish: object, depth: int = 0) -> bool:
    """Whether a filter looks at times."""
    match wish:
        case {"operator": str(), "conditions": list(conditions)}:
            return depth <= MAX_DEPTH and any(_is_timed(condition, depth + 1) for condition in conditions)
        case dict():
            return not {"after", "before"}.isdisjoint(wish)
    return False


def _sort(call: Call) -> list[tuple[str, bool]]:
    found: list[tuple[str, bool]] = []
    for comparator in call.order() or [{"property": "start"}]:
        name = comparator.get("property")
        if name not in SORTS:
            raise MethodError("unsupportedSort", f"events can only be sorted by {', '.join(SORTS)}")
        found.append((name, comparator.get("isAscending") is False))
    return found


def _sorted_by(match: _Match, name: str) -> Any:
    match name:
        case "start":
            return match.starts
        case "recurrenceId":
            return match.key
        case "uid":
            return match.found.one.uid[:MAX_KEY]
    return (match.found.event.get(name) or "")[:MAX_KEY]


def _moment(call: Call, name: str, value: Any, zone: ZoneInfo) -> datetime:
    """The local time of a condition, in the zone of the query; of a time in UTC, as other servers take it, unless
    pedantic. Raises MethodError.
    """
    try:
        if str(value).endswith("Z") and not call.snapshot.static.pedantic:
            seconds = filter_moment(value) // 1_000_000
            return (EPOCH + timedelta(seconds=seconds)).astimezone(zone).replace(tzinfo=None)
        return read_local(name, value)
    except (BadEvent, OverflowError):  # the latter: the zone leads out of the years 1 to 9999
        raise invalid(f"filter: {name} must be a LocalDateTime") from None


def _stretch(call: Call, wish: Object, zone: ZoneInfo) -> tuple[int, int]:
    """The seconds that a condition is about. Raises MethodError."""
    bounds = [EARLIEST, LATEST]
    for number, name in enumerate(("after", "before")):
        if wish.get(name) is not None:
            bounds[number] = seconds_of(_moment(call, name, wish[name], zone).replace(tzinfo=zone))
    return bounds[0], bounds[1]


async def _looked_at(call: Call, stretch: tuple[int, int], *, expand: bool, timed: bool) -> AsyncIterator[_Match]:
    """All events that may have a moment in a stretch. `timed`: the events of series one by one, for filters of times.

    Raises MethodError.
    """
    expander = Expander(call.account)
    calendars = await call.account.read(partial(CALENDARS.all, call=call), op="jmap events")
    for where in calendars:
        after = 0
        while True:
            read = partial(overlapping, collection_id=where.id, components=("VEVENT",), limit=AT_ONCE)
            rows = await call.account.read(
                partial(read, since=stretch[0], until=stretch[1], after=after), op="jmap events"
            )
            page = [*together(rows, attrgetter("size"))]
            await call.budget.reserve(ENTRY_MADE * sum(resource.size for resource in page))
            for stored_event in await call.account.scan(partial(_read, call=call, page=page), op="jmap events"):
                for instance in await _instances(expander, stored_event, stretch, expand=expand, timed=timed):
                    yield _match(stored_event, instance, expand=expand)
            after = page[-1].id if page else after
            if len(page) == len(rows) < AT_ONCE:
                break
            await give_way()


def _read(r: Reader, call: Call, page: Sequence[Resource]) -> list[StoredEvent]:
    """Entries as the user may see them, without those that are gone."""
    return [event for event in (found_event(r, call, resource) for resource in page) if event is not None]


async def _instances(
    expander: Expander, stored_event: StoredEvent, stretch: tuple[int, int], *, expand: bool, timed: bool
) -> list[Instance]:
    facts = stored_event.facts
    if not facts.repeated or not (expand or timed):
        parts = enumerate(facts.parts)
        return [Instance(part.starts, part.ends, "", number) for number, part in parts if stored_event.alone] or [
            facts.single
        ]
    return await expander.instances(stored_event.one, stored_event.entry, stretch)


def _match(stored_event: StoredEvent, instance: Instance, *, expand: bool) -> _Match:
    facts = stored_event.facts
    named = facts.repeated and (expand or (instance.part > 0 and len(stored_event.alone) > 0))
    key = stored_event.key_of(instance) if named else ""
    return _Match(stored_event, key, instance.starts, instance.ends, facts.parts[instance.part].clock != "utc")


def _meets(call: Call, match: _Match, zone: ZoneInfo, name: str, value: Any) -> bool:
    if name not in FILTERS:
        raise MethodError("unsupportedFilter", f"unknown filter: {name[:100]!r}")
    if value is None:
        return True
    if not isinstance(value, str):
        raise invalid(f"filter: {name} has the wrong type")
    match name:
        case "inCalendar":
            return read_id(call.id_of(value), CALENDAR) == match.found.one.collection_id
        case "uid":
            return match.found.one.uid == value
        case "after" | "before":
            moment = _moment(call, name, value, zone)
            at = seconds_of(moment if match.floating else moment.replace(tzinfo=zone))
            return match.starts < at if name == "before" else match.ends > at or match.starts == match.ends == at
    if name not in match.texts:
        match.texts[name] = [
            "\n".join(strings([_looked(event, name, part) for part in TEXTS[name]])) for event in match.objects()
        ]
    words = [word.strip("'") for word in words_of(value.casefold())]
    return any(all(word in texts for word in words) for texts in match.texts[name])


def _looked(event: Object, name: str, part: str) -> Any:
    """Value of a property for a filter, with only the participants of the filter's role."""
    value = event.get(part)
    if name in ("owner", "attendee") and isinstance(value, dict):
        return [one for one in value.values() if name in one.get("roles", {})]
    return value


# CalendarEvent/parse


async def parse(call: Call) -> Object:
    """CalendarEvent/parse."""
    blobs, names = call.names("blobIds") or [], call.names("properties")
    if len(blobs) > MAX_BLOBS:
        raise MethodError("requestTooLarge", f"you can parse up to {MAX_BLOBS} blobs in one call")
    parsed: Object = {}
    missing: list[str] = []
    wrong: list[str] = []
    for blob in dict.fromkeys(call.id_of(one) for one in blobs):
        if await find_blob(call.place, blob) is None:
            missing.append(blob)
            continue
        async with holding(call, [blob], MAX_FILE, PARSED_FILE):
            octets = await blob_octets(call, blob, MAX_FILE)
            call.budget.take(AS_JSON * len(octets or b""))
            events = [] if octets is None else await off_loop(partial(_parsed, octets), kind="jmap")
        if not events:
            wrong.append(blob)
            continue
        if names is not None:
            call.budget.take(NAME * len(names) * len(events))
            events = [{name: event.get(name) for name in names} for event in events]
        parsed[blob] = events
    return {
        "accountId": call.place.id,
        "parsed": parsed or None,
        "notFound": missing or None,
        "notParsable": wrong or None,
    }


def _parsed(octets: bytes) -> list[Object]:
    """List a file's readable events."""
    text = file_text(octets)
    method = _method(text)
    found: list[Object] = []
    for number, one in enumerate(split_calendars(text)):
        if number == MAX_PARSED:
            break
        entry = _entry_of(one, message=bool(method))
        if entry is not None and entry.kind == "VEVENT":
            found.append({**event_of(entry), **({"method": method} if method else {})})
    return found


def _entry_of(text: str, *, message: bool) -> CalendarObject | None:
    """An entry as others wrote it, or else as a calendar can have it; None if it can't be read."""
    with suppress(BadComponents, BadObject, BadRecurrence):
        entry = object_of(read_components(text, "VCALENDAR"), message=message)
        rules_of(entry.main, entry.zones)
        return entry
    with suppress(BadComponents, BadObject):
        return object_of(mended(text).calendar, message=message)
    return None


def _method(text: str) -> str:
    """The METHOD of a calendar before its first component; "" without one."""
    head = text.upper().partition("\nBEGIN:")[0].replace("\r", "")
    return next((line[7:].strip().lower() for line in head.split("\n") if line.startswith("METHOD:")), "")[:50]
