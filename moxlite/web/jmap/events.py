"""Events (draft-ietf-jmap-calendars-26 §5): entries of calendars, as JSCalendar. A change goes the way of a CalDAV PUT,
so that limits, UIDs and guests are treated alike. Searches are in `eventqueries`.

``J12`` is the event, or the series, of a resource; ``J12-20261130T090000`` the event of a series that has this local
time by its rule.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec

from moxlite.groupware.entries import BadEntry, Expander, of_owner, read, removal_outcome, with_outcome
from moxlite.groupware.people import addresses_of
from moxlite.processor import off_loop
from moxlite.proto.cards.calendarobject import BadObject
from moxlite.proto.cards.components import write_component
from moxlite.proto.cards.itip import NotAllowed
from moxlite.proto.cards.jscalendar import (
    FLAGS,
    PROPERTIES as JSCALENDAR,
    Clock,
    duration_text,
    instance_of,
    local_text,
    read_duration,
)
from moxlite.proto.cards.jscalendarlines import BadEvent, read_local, wanted_clock
from moxlite.proto.cards.jscalendarseries import entry_of
from moxlite.proto.cards.jspatches import difference
from moxlite.proto.cards.limits import CONDITIONS, MAX_ENTRY, SIZE, TOO_LARGE
from moxlite.proto.cards.moments import iana_zone, seconds_of
from moxlite.store.errors import Overtaken
from moxlite.store.groupware.collection import Collection, ReadOnly, check_own
from moxlite.store.groupware.history import entry_changes
from moxlite.store.groupware.resources import (
    NoSuchResource,
    Resource,
    ResourceFacts,
    UIDTaken,
    delete_resource,
    entry_with_uid,
    put_resource,
    resource_data,
    size_of,
)
from moxlite.store.groupware.scheduling import EntryPut, InOtherCalendar, delete_entry, put_entry
from moxlite.web.jmap.blobs import check_blobs, data_uri
from moxlite.web.jmap.bodies import ENTRY_KEPT, ENTRY_MADE
from moxlite.web.jmap.calendars import CALENDAR, CALENDARS
from moxlite.web.jmap.collections import EntrySet, Prepared
from moxlite.web.jmap.headerforms import microseconds, utc_date
from moxlite.web.jmap.protocol import LIMITS, MethodError, Object, SetError, invalid
from moxlite.web.jmap.sharing import copy_entries
from moxlite.web.jmap.standard import (
    ObjectType,
    Outcome,
    changes_of,
    changes_response,
    get_response,
    patched,
    property_moment,
    run_set,
)
from moxlite.web.jmap.storedevents import (
    AS_JSON,
    EVENT,
    StoredEvent,
    found_events,
    has_instance,
    instance_id,
    is_own,
    octets_of,
    own_addresses,
    split_id,
    user_in,
    visible_ids,
)

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.store.rows.history import Change
    from moxlite.web.jmap.methods import Call


ALWAYS: Final = ("id", "calendarIds", "isDraft", "isOrigin")
COMPUTED: Final = ("utcStart", "utcEnd")
FIXED: Final = ("id", "baseEventId", "isOrigin", "@type", "uid", "recurrenceId", "recurrenceIdTimeZone")
TYPE: Final = ObjectType(
    "CalendarEvent",
    "draft-ietf-jmap-calendars-26 §5, draft-ietf-calext-jscalendarbis",
    settable=("calendarIds", *(name for name in (*JSCALENDAR, *FLAGS, *COMPUTED) if name not in FIXED)),
    fixed=FIXED,
    once=("@type", "uid"),
)
DEFAULTS: Final[Mapping[str, Any]] = {
    "title": "",
    "description": "",
    "duration": "PT0S",
    "showWithoutTime": False,
    "status": "confirmed",
    "freeBusyStatus": "busy",
    "privacy": "public",
    "priority": 0,
    "sequence": 0,
    **dict.fromkeys(FLAGS, False),
    **dict.fromkeys(("timeZone", "recurrenceRule", "recurrenceOverrides", "baseEventId", "recurrenceId")),
}
"""Values of properties that are asked for by name and that an event does not have (RFC 8984)."""

AT_ONCE: Final = 100
"""Events that are read in one scan."""


# CalendarEvent/get


class _View(msgspec.Struct, frozen=True):
    """How a /get shows events."""

    names: list[str] | None
    own: frozenset[str]
    reduced: bool
    before: int | None
    after: int | None
    zone: str

    def shown(self, stored_event: StoredEvent, key: str) -> Object:
        """An event, or with `key` one of a series."""
        resource, event = stored_event.one, stored_event.event
        whole: Object = {**(stored_event.of_series(key, shown=True) if key else event)}
        whole["id"] = instance_id(resource.id, key) if key else f"{EVENT}{resource.id}"
        whole["baseEventId"] = f"{EVENT}{resource.id}" if key else None
        whole["calendarIds"] = {f"{CALENDAR}{resource.collection_id}": True}
        whole["isDraft"] = False
        organizer = event.get("organizerCalendarAddress")
        whole["isOrigin"] = organizer is None or is_own(organizer, self.own)
        whole.setdefault("created", utc_date(resource.created))
        whole.setdefault("updated", utc_date(resource.changed))
        if "recurrenceOverrides" in whole and (self.before is not None or self.after is not None):
            whole["recurrenceOverrides"] = self._between(stored_event, whole["recurrenceOverrides"])
        if self.reduced:
            whole = _reduced(whole, self.own)
        if self.names is None:
            del whole["baseEventId"]
            return whole
        if not {*COMPUTED}.isdisjoint(self.names):
            whole |= _utc_times(whole, self.zone)
        return {name: whole.get(name, DEFAULTS.get(name)) for name in self.names if name in whole or name in DEFAULTS}

    def _between(self, stored_event: StoredEvent, overrides: Object) -> Object:
        return {
            key: patch
            for key, patch in overrides.items()
            if (self.before is None or stored_event.seconds_at(key) < self.before)
            and (self.after is None or stored_event.seconds_at(key) >= self.after)
        }


def _reduced(event: Object, own: frozenset[str]) -> Object:
    """An event with its owners and the user alone as participants."""
    people = event.get("participants") or {}
    kept = {
        key: one
        for key, one in people.items()
        if "owner" in one.get("roles", {}) or is_own(one.get("calendarAddress"), own)
    }

    def patch(override: Object) -> Object:
        return {
            path: value
            for path, value in override.items()
            if not path.startswith("participants/") or path.split("/")[1] in kept
        }

    found = {**event, "participants": kept} if people else {**event}
    if "recurrenceOverrides" in found:
        found["recurrenceOverrides"] = {key: patch(one) for key, one in found["recurrenceOverrides"].items()}
    return found


def _utc_times(event: Object, zone: str) -> Object:
    """Start and end of an event in UTC; floating times are of `zone`."""
    try:
        clock = wanted_clock({"start": event.get("start"), "timeZone": event.get("timeZone") or zone})
        start = read_local("start", event.get("start"))
        days, seconds, _ = read_duration(event.get("duration") or "PT0S") or (0, 0, False)
        end = (start + timedelta(days=days)).replace(tzinfo=clock.zone).astimezone(UTC) + timedelta(seconds=seconds)
        starts = start.replace(tzinfo=clock.zone).astimezone(UTC)
    except (BadEvent, OverflowError):
        return {}
    return {"utcStart": f"{local_text(starts)}Z", "utcEnd": f"{local_text(end)}Z"}


async def get(call: Call) -> Object:
    """CalendarEvent/get. Without ids at most as many as a call may name."""
    ids, names = call.ids(), call.names("properties")
    if names is not None:
        names = [*dict.fromkeys([*ALWAYS[:1], *names])]
        both = "recurrenceOverrides" in names and not {*COMPUTED}.isdisjoint(names)
        if both and call.snapshot.static.pedantic:
            raise invalid("utcStart and utcEnd can't be requested together with recurrenceOverrides")
    bounds = [call.argument(f"recurrenceOverrides{one}", str) for one in ("Before", "After")]
    before, after = (None if one is None else _bound(one) for one in bounds)
    view = _View(
        names, own_addresses(call), call.argument("reduceParticipants", bool, False), before, after, zone_argument(call)
    )
    await CALENDARS.ready(call)
    now = await call.account.read(CALENDARS.shelf(call).state, op="jmap events")
    whole = ids is None
    if ids is None:
        numbers = await call.account.scan(partial(visible_ids, call=call), op="jmap events")
        if len(numbers) > LIMITS["maxObjectsInGet"]:
            raise MethodError(
                "requestTooLarge", "too many events to return at once; use CalendarEvent/query and specify ids"
            )
        ids = [f"{EVENT}{number}" for number in numbers]
    objects = [event async for event in _shown(call, view, ids, further=whole)]
    return get_response(call, now, objects, ids)


def _bound(text: str) -> int:
    try:
        return microseconds(text) // 1_000_000
    except ValueError:
        raise invalid("recurrenceOverridesBefore and recurrenceOverridesAfter must be UTCDates") from None


def zone_argument(call: Call) -> str:
    """The zone in which a call has floating times. Raises MethodError."""
    name: str = call.argument("timeZone", str, "Etc/UTC")
    zone = iana_zone(name) if len(name) < 200 else None
    if zone is None:
        raise invalid(f"unknown timeZone: {name[:100]!r}")
    return zone.key


async def _shown(call: Call, view: _View, ids: Sequence[str], *, further: bool) -> AsyncIterator[Object]:
    """The events with these ids. `further`: and those that are alone beside one of them (`StoredEvent.further`)."""
    expander = Expander(call.account)
    asked = deque(split_id(event_id) for event_id in ids)
    while asked:
        numbers = [*dict.fromkeys(number for number, _ in islice(asked, AT_ONCE))]
        octets = await call.account.read(partial(octets_of, numbers=numbers), op="jmap events")
        await call.budget.reserve(ENTRY_MADE * octets)
        found, looked_at = await call.account.scan(partial(found_events, call=call, numbers=numbers), op="jmap events")
        stored_events = {stored_event.one.id: stored_event for stored_event in found}
        these = {*numbers[:looked_at]}
        while asked and asked[0][0] in these:
            number, key = asked.popleft()
            stored_event = stored_events.get(number)
            if stored_event is None or (key and not await has_instance(expander, stored_event, key)):
                continue
            call.budget.take(AS_JSON * stored_event.one.size)
            yield view.shown(stored_event, key)
            for beside in stored_event.further() if further else ():
                yield view.shown(stored_event, beside)
        call.budget.keep(ENTRY_KEPT * octets)


async def changes(call: Call) -> Object:
    """CalendarEvent/changes."""
    own = CALENDARS.shelf(call)

    def read_changes(r: Reader, since: int) -> list[Change]:
        found: list[Change] = []
        for change in entry_changes(r, since, kind="calendar", only=own.ids(r)):
            if change.kind == "destroyed" or not own.hides(r, change.id):
                found.append(change)
            # Made secret since, perhaps: for a guest as one that was removed, as CalDAV has it (DAV-41).
            elif change.kind == "updated":
                found.append(msgspec.structs.replace(change, kind="destroyed"))
        return found

    return changes_response(call, await changes_of(call, read_changes, own.modseq, EVENT, own.mark))


# CalendarEvent/set


async def set_(call: Call) -> Object:
    """CalendarEvent/set. Guests hear of changes only if ``sendSchedulingMessages`` is true."""
    await CALENDARS.ready(call)
    return await run_set(call, _Events(tell=call.argument("sendSchedulingMessages", bool, False)))


@contextmanager
def refusals() -> Iterator[None]:
    """Turn refusals of the codec and the store into SetErrors."""
    try:
        yield
    except BadEvent as error:
        raise SetError("invalidProperties", str(error), properties=[error.name]) from None
    except (BadEntry, BadObject) as error:
        if error.condition.rpartition("}")[2] in (SIZE, *CONDITIONS.values()):
            raise SetError("tooLarge", str(error)) from None
        raise SetError("invalidProperties", str(error), properties=["recurrenceRule"]) from None
    except (NotAllowed, ReadOnly) as error:
        raise SetError("forbidden", str(error)) from None
    except (UIDTaken, InOtherCalendar) as error:
        raise SetError("invalidProperties", str(error), properties=["uid"]) from None
    except NoSuchResource:
        raise SetError("notFound") from None


class _Events(EntrySet):
    def __init__(self, *, tell: bool) -> None:
        self._tell = tell

    def state(self, r: Reader, call: Call) -> str:
        return CALENDARS.shelf(call).state(r)

    async def making(self, call: Call, key: str, given: Object) -> Prepared:
        with refusals():
            return await self._created(call, given)

    async def _created(self, call: Call, given: Object) -> Prepared:
        fixed = [name for name in ("id", "baseEventId", "isOrigin") if name in given]
        if fixed or given.get("isDraft"):
            raise SetError("invalidProperties", "can only be set by the server", properties=fixed or ["isDraft"])
        now = utc_date(time.time_ns() // 1000)
        wanted: Object = {"uid": str(uuid.uuid4()), "created": now, **_own_part(given), "updated": now}
        wanted = await _prepared(call, wanted)
        data, facts = await self._written(call, None, wanted)

        user = user_in(call, facts.addresses)
        entry = EntryPut(f"{uuid.uuid4()}.ics", data, facts, user, tell=self._tell)
        entry = await with_outcome(call.account, 0, entry)
        told = {name: wanted[name] for name in ("uid", "created", "updated") if name not in given}
        if "organizerCalendarAddress" not in given and "organizerCalendarAddress" in wanted:
            told["organizerCalendarAddress"] = wanted["organizerCalendarAddress"]

        @refusals()
        def unit(tx: AccountTx) -> Outcome:
            where = _wanted_calendar(tx, call, given.get("calendarIds"))
            if entry_with_uid(tx, facts.uid) is not None:
                raise SetError("invalidProperties", "an event with this uid already exists", properties=["uid"])
            made = put_entry(tx, where, entry).resource
            calendar = {} if given.get("calendarIds") else {"calendarIds": {f"{CALENDAR}{where.id}": True}}
            return {"id": f"{EVENT}{made.id}", "isDraft": False, "isOrigin": True, **told, **calendar}

        return Prepared(unit, len(data))

    async def changing(self, call: Call, key: str, patch: Object) -> Prepared:
        with refusals():
            return await self._patched(call, key, patch)

    async def _patched(self, call: Call, key: str, patch: Object) -> Prepared:
        stored_event, at = await _one(call, key)
        _check_guest(call, stored_event)
        event = instance_of(stored_event.event, at) if at else stored_event.event
        calendars = {f"{CALENDAR}{stored_event.one.collection_id}": True}
        fixed: Object = {name: event.get(name) for name in FIXED[3:]}
        fixed |= {"id": key, "isDraft": False, "recurrenceId": at or event.get("recurrenceId")}
        patch = {_resolved(call, path): value for path, value in patch.items()}
        names = [path.partition("/")[0] for path in patch]
        current = {**dict.fromkeys((*JSCALENDAR, *FLAGS, *COMPUTED, *names)), **event, "calendarIds": calendars}
        for name in FIXED:
            current.pop(name, None)
        changed = patched(current, patch, fixed=fixed)
        wanted_calendars = changed.pop("calendarIds")
        if at and wanted_calendars != calendars:
            raise SetError(
                "invalidProperties", "all events in a series must be in the same calendar", properties=["calendarIds"]
            )
        new = await _prepared(call, {**{name: event[name] for name in FIXED if name in event}, **changed})
        wanted = new if not at else _with_override(stored_event.event, at, new)
        if wanted != stored_event.event and "updated" not in names:
            wanted["updated"] = utc_date(time.time_ns() // 1000)
        entry = await self._changed(call, stored_event, wanted)
        resource = stored_event.one

        @refusals()
        def unit(tx: AccountTx) -> None:
            _put_changed(tx, call, resource, _wanted_calendar(tx, call, wanted_calendars), entry)

        return Prepared(unit, len(entry.data))

    async def removing(self, call: Call, key: str, _: object) -> Prepared:
        with refusals():
            stored_event, at = await _one(call, key)
            _check_guest(call, stored_event)
            resource, user = stored_event.one, user_in(call)
            if at:
                entry = await self._changed(call, stored_event, _with_override(stored_event.event, at, None))
                return Prepared(lambda tx: _put_changed(tx, call, resource, None, entry), len(entry.data))
            outcome = await removal_outcome(call.account, resource.collection_id, resource.name, user)

        def allowed(now: Resource) -> None:
            # The owner may have made it private, or invited people, since it was read.
            if call.place.guest and now.hash != resource.hash:
                raise Overtaken

        @refusals()
        def unit(tx: AccountTx) -> None:
            home = _home(tx, call, resource)
            delete_entry(tx, home, resource.name, allowed, user, tell=self._tell, outcome=outcome)

        return Prepared(unit)

    async def _changed(self, call: Call, stored_event: StoredEvent, wanted: Object) -> EntryPut:
        """A changed event as it is put. Raises as `refusals` takes."""
        data, facts = await self._written(call, stored_event, wanted)
        user = user_in(call, facts.addresses)
        entry = EntryPut(stored_event.one.name, data, facts, user, tell=self._tell)
        return await with_outcome(call.account, stored_event.one.collection_id, entry)

    async def _written(
        self, call: Call, stored_event: StoredEvent | None, wanted: Object
    ) -> tuple[bytes, ResourceFacts]:
        """Octets of a new or changed event, and its facts for lookups. Raises exceptions that `refusals` handles."""
        now = int(time.time())

        def write() -> bytes:
            return write_component(entry_of(None if stored_event is None else stored_event.entry, wanted, now)).encode(
                "utf-8", "replace"
            )

        data = await off_loop(write, kind="jmap")
        if len(data) > MAX_ENTRY:
            raise SetError("tooLarge", TOO_LARGE)
        entry = await read(data)
        if (written := await of_owner(entry, user_in(call))) is not None:
            data, entry = written, await read(written)
        return data, await Expander(call.account).facts_of(entry)


async def _one(call: Call, key: str) -> tuple[StoredEvent, str]:
    """A stored event, and the local time of the one of its series that is meant. Raises SetError ``notFound``."""
    number, at = split_id(key)
    await call.budget.reserve(ENTRY_MADE * await call.account.read(lambda r: size_of(r, number), op="jmap events"))
    stored_events, _ = await call.account.scan(partial(found_events, call=call, numbers=[number]), op="jmap events")
    if not stored_events or (at and not await has_instance(Expander(call.account), stored_events[0], at)):
        raise SetError("notFound")
    return stored_events[0], at


def _check_guest(call: Call, stored_event: StoredEvent) -> None:
    """Raise SetError if a guest would change a private event."""
    if call.place.guest and stored_event.event.get("privacy", "public") != "public":
        raise SetError("forbidden", "only the owner can change private events")


def _home(tx: AccountTx, call: Call, resource: Resource) -> Collection:
    """The calendar of an event that is changed. Raises as `refusals` takes."""
    home = CALENDARS.find(tx, call, f"{CALENDAR}{resource.collection_id}")
    CALENDARS.shelf(call).check_writable(tx, home.id)
    return home


@refusals()
def _put_changed(tx: AccountTx, call: Call, resource: Resource, there: Collection | None, entry: EntryPut) -> None:
    """Put a changed event into a calendar, None for the one where it is; it keeps its id."""
    home = _home(tx, call, resource)

    def allowed(now: Resource | None) -> None:
        if now is None or now.hash != resource.hash:
            raise Overtaken

    done = put_entry(tx, home, msgspec.structs.replace(entry, allowed=allowed))
    if there is not None and there.id != home.id:
        check_own(there)
        # What was stored, not what was put: scheduling may have changed the octets.
        octets = resource_data(tx, resource.id)
        delete_resource(tx, home.id, resource.name, lambda _: None)
        name = f"{hashlib.sha256(f'{resource.id} {resource.name}'.encode()).hexdigest()[:32]}.ics"
        put_resource(tx, there.id, name, octets, entry.facts, number=resource.id, tag=done.resource.tag)


def _with_override(event: Object, key: str, wanted: Object | None) -> Object:
    """A series with one event as it is wanted, None to leave it out."""
    overrides = {**(event.get("recurrenceOverrides") or {})}
    if wanted is None:
        overrides[key] = {"excluded": True}
    else:
        base = instance_of({**event, "recurrenceOverrides": None}, key)
        new = {name: value for name, value in wanted.items() if value is not None}
        patch = difference(base, new)
        if patch or key in overrides:
            overrides[key] = patch
    return {**event, "recurrenceOverrides": overrides}


def _resolved(call: Call, path: str) -> str:
    """A path of a patch with the id of a calendar that the request has created."""
    name, slash, rest = path.partition("/")
    return f"{name}/{call.id_of(rest)}" if slash and name == "calendarIds" else path


def _own_part(given: Object) -> Object:
    """The properties of JSCalendar of an object."""
    return {
        name: value for name, value in given.items() if name not in ("calendarIds", "isDraft") and value is not None
    }


async def _prepared(call: Call, wanted: Object) -> Object:
    """An object with its times in UTC as local ones, blobs of its links as data, and an organiser if it has people.

    Raises SetError, BadEvent.
    """
    found = {name: value for name, value in wanted.items() if name not in COMPUTED}
    starts, ends = (None if wanted.get(name) is None else property_moment(name, wanted[name]) for name in COMPUTED)
    clock = _clock(found)
    if starts is not None:
        found["start"] = _local(starts, clock)
    if ends is not None:
        start = read_local("start", found.get("start")).replace(tzinfo=clock.zone or UTC)
        length = ends // 1_000_000 - seconds_of(start)
        if length < 0:
            raise SetError("invalidProperties", "the event must end after it starts", properties=["utcEnd"])
        found["duration"] = duration_text(0, length)
    links = found.get("links")
    if isinstance(links, dict):
        check_blobs(links.values())
        found["links"] = {key: await _link(call, link) for key, link in links.items()}
    if found.get("participants") and found.get("organizerCalendarAddress") is None:
        first = () if call.place.guest else (call.identity.address,)
        for author in addresses_of(call.snapshot, call.account.name, *first)[:1]:
            found["organizerCalendarAddress"] = f"mailto:{author}"
    return found


def _clock(event: Object) -> Clock:
    return wanted_clock({"start": "2000-01-01T00:00:00", "timeZone": event.get("timeZone")})


def _local(moment: int, clock: Clock) -> str:
    return local_text(clock.local(datetime.fromtimestamp(moment // 1_000_000, UTC)))


async def _link(call: Call, one: Any) -> Any:
    """A link with its blob as data (§5.2)."""
    if not isinstance(one, dict) or not isinstance(one.get("blobId"), str):
        return one
    rest = {name: value for name, value in one.items() if name != "blobId"}
    return {**rest, "href": await data_uri(call, one["blobId"], one.get("contentType"))}


def _wanted_calendar(tx: AccountTx, call: Call, value: Any) -> Collection:
    """The one calendar of an event. Raises SetError."""
    if value is None and not call.place.guest:
        return CALENDARS.find(tx, call, f"{CALENDAR}{CALENDARS.default(tx, call)}")
    if not isinstance(value, dict) or len(value) != 1 or [*value.values()] != [True]:
        raise SetError("invalidProperties", "an event must be in exactly one calendar", properties=["calendarIds"])
    try:
        collection = CALENDARS.find(tx, call, call.id_of(next(iter(value))))
    except SetError:
        raise SetError("invalidProperties", "calendar not found", properties=["calendarIds"]) from None
    CALENDARS.shelf(call).check_writable(tx, collection.id)
    return collection


async def copy(call: Call) -> Object:
    """CalendarEvent/copy, of events in calendars that others share; a series as a whole."""
    await CALENDARS.ready(call)

    async def read_event(source: Call, key: str) -> Object:
        stored_event, at = await _one(source, key)
        if at:
            raise SetError(
                "invalidProperties", "a single occurrence can't be copied; copy the whole series", properties=["id"]
            )
        return {name: value for name, value in stored_event.event.items() if name != "method"}

    handler = _Events(tell=call.argument("sendSchedulingMessages", bool, False))
    return await copy_entries(call, handler, read_event, "CalendarEvent/set")
