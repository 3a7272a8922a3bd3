"""Calendars (draft-ietf-jmap-calendars-26 §4): those that phones have by CalDAV. Events are in `events`."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from moxlite.decoders import from_json
from moxlite.groupware.people import user_of
from moxlite.proto.cards.alarms import zone_of
from moxlite.proto.cards.components import Component, write_component
from moxlite.proto.cards.contentline import property_of
from moxlite.proto.cards.filezones import name_of
from moxlite.proto.cards.jscalendarlines import BadEvent, normal
from moxlite.proto.cards.moments import iana_zone
from moxlite.proto.cards.zonefile import zone_component
from moxlite.proto.dav.xml import BadXML, element, read_xml, text
from moxlite.store.groupware.collection import (
    COMPONENTS,
    Collection,
    NoSuchCollection,
    change_collection,
    create_collection,
    delete_collection,
    ensure_defaults,
)
from moxlite.store.groupware.history import calendar_state, collection_changes
from moxlite.store.groupware.scheduling import remove_collection
from moxlite.store.groupware.sharing import ReadableCollection
from moxlite.web.jmap.methods import read_id
from moxlite.web.jmap.protocol import Object, SetError
from moxlite.web.jmap.sharing import Collections, is_shown_name, publish, put_shares, rights_of, share_with
from moxlite.web.jmap.standard import ObjectType, Outcome, changes_of, changes_response, each, get_response, run_set

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.store.rows.history import Change
    from moxlite.web.jmap.methods import Call


CALENDAR: Final = "K"
ALERTS: Final = ("defaultAlertsWithTime", "defaultAlertsWithoutTime")
TYPE: Final = ObjectType(
    "Calendar",
    "draft-ietf-jmap-calendars-26 §4",
    settable=(
        *("name", "description", "color", "sortOrder", "isSubscribed", "isVisible", "includeInAvailability"),
        *(*ALERTS, "timeZone", "shareWith"),
    ),
    fixed=("id", "isDefault", "myRights"),
)
MAX_TEXT: Final = 10_000
"""Characters of a description, as many as CalDAV takes: the calendars are the same."""

COLOUR: Final = re.compile(r"#[0-9A-Fa-f]{3}|#[0-9A-Fa-f]{6}|[A-Za-z]{1,30}")
OWN: Final = "{urn:moxlite:jmap}calendar"
"""Property of a calendar with what JMAP alone knows of it, as JSON."""

ZONE_YEAR: Final = 2000
"""The year whose changes the zone of a calendar has."""


async def ready(call: Call) -> None:
    """Make the first calendar of an account that never had one."""
    if not call.place.guest and not await call.account.read(partial(calendars_of, call=call), op="jmap calendars"):
        # Two calls at once may both come here: the unit looks again, and an account that has removed its last one gets
        # none.
        await call.account.write(ensure_defaults)


def shelf(call: Call) -> Collections:
    """The calendars of the account that a call is about."""
    return Collections("calendar", call.place.guest)


def _seen(r: Reader, call: Call) -> list[ReadableCollection]:
    return [readable for readable in shelf(call).shared(r) if "VEVENT" in readable.collection.components]


def calendars_of(r: Reader, call: Call) -> list[Collection]:
    """The calendars that the user may read and that take events."""
    return [readable.collection for readable in _seen(r, call)]


def calendar_of(r: Reader, call: Call, key: str) -> Collection:
    """The calendar with an id. Raises SetError ``notFound``."""
    try:
        found = shelf(call).find(r, read_id(key, CALENDAR))
    except NoSuchCollection:
        raise SetError("notFound") from None
    if not found.has_events:
        raise SetError("notFound")
    return found


def default_of(calendars: Sequence[Collection]) -> int:
    """The id of the calendar for new events, which is that of invitations (DAV-25); 0 without one."""
    own = [calendar for calendar in calendars if not calendar.subscribed]
    named = next((one.id for one in own if one.name == "calendar"), None)
    return named or next((one.id for one in own), 0)


def _shown(r: Reader, call: Call, shared: ReadableCollection, default: int) -> Object:
    """A calendar as an object. `default`: the id of the default one."""
    one, owner = shared.collection, not call.place.guest
    own = _own(one)
    return {
        "id": f"{CALENDAR}{one.id}",
        "name": one.display_name or one.name,
        "description": one.description or None,
        "color": one.shown_colour or None,
        "sortOrder": max(0, one.position or 0),
        "isSubscribed": True,
        "isVisible": not one.hidden,
        "isDefault": owner and one.id == default,
        "includeInAvailability": "none" if one.transparent else "all",
        **{name: own.get(name) for name in ALERTS},
        "timeZone": _zone(one),
        "shareWith": (share_with(r, one) or None) if owner else None,
        "myRights": rights_of("calendar", writable=shared.writable and not one.subscribed, owner=owner),
    }


def _own(one: Collection) -> Object:
    """The alerts of a calendar, which a client of CalDAV can have changed."""
    try:
        # One element: a client can have put up to 64 KiB of others there, and each look at the calendar reads them.
        found = from_json(read_xml(one.dead[OWN].encode(), 1).text or "{}", dict[str, Any]) if OWN in one.dead else {}
    except (BadXML, msgspec.DecodeError):
        return {}
    return {name: value for name, value in found.items() if name in ALERTS and _are_alerts(value)}


def _zone(one: Collection) -> str | None:
    """The name of a calendar's zone; None for one like which the IANA database has none."""
    zone = zone_of(one.time_zone, "")
    return None if zone is None else name_of(zone, datetime.now(UTC).year)


async def get(call: Call) -> Object:
    """Calendar/get."""
    ids, properties = call.ids(), call.properties(TYPE.properties)
    await ready(call)

    def read(r: Reader) -> tuple[str, dict[str, Object]]:
        seen = _seen(r, call)
        default = default_of([readable.collection for readable in seen])
        return shelf(call).state(r), {
            f"{CALENDAR}{readable.collection.id}": _shown(r, call, readable, default) for readable in seen
        }

    now, found = await call.account.read(read, op="jmap calendars")
    chosen = [one for one in (found if ids is None else ids) if one in found]
    objects = [{name: found[one][name] for name in properties} for one in chosen]
    return get_response(call, now, objects, [one for one in ids or () if one not in found])


async def changes(call: Call) -> Object:
    """Calendar/changes."""
    own = shelf(call)

    def read(r: Reader, since: int) -> list[Change]:
        return collection_changes(r, since, kind="calendar", only=own.ids(r))

    return changes_response(call, await changes_of(call, read, calendar_state, CALENDAR, own.mark))


async def set_(call: Call) -> Object:
    """Calendar/set. Which calendar is the default one is not changed, as §4.3 allows. With ``sendSchedulingMessages``,
    which is of CalendarEvent/set in the draft, guests hear that events which go with a calendar are called off.
    """
    await ready(call)
    remove, tell = (call.argument(name, bool, False) for name in ("onDestroyRemoveEvents", "sendSchedulingMessages"))
    return await run_set(call, _Calendars(remove=remove, tell=tell))


class _Calendars:
    def __init__(self, *, remove: bool, tell: bool) -> None:
        self._remove, self._tell = remove, tell

    async def state(self, call: Call) -> str:
        return await call.account.read(shelf(call).state, op="jmap calendars")

    async def create(self, call: Call, objects: Mapping[str, Object]) -> Mapping[str, Outcome]:
        async def one(_: str, given: Object) -> Outcome:
            shelf(call).check_owner()
            blank = Collection(0, "calendar", uuid.uuid4().hex, components=COMPONENTS)
            wanted = _changed(blank, {"name": None, **given})

            def unit(tx: AccountTx) -> tuple[Object, list[str], Object]:
                made = create_collection(tx, wanted)
                guests, told = put_shares(tx, call, made, given.get("shareWith"))
                default = default_of(calendars_of(tx, call))
                return _shown(tx, call, ReadableCollection(made, writable=True), default), guests, told

            whole, guests, told = await call.account.write(unit)
            await publish(call, guests)
            return {name: value for name, value in whole.items() if name not in given} | told

        return await each(objects, one)

    async def update(self, call: Call, patches: Mapping[str, Object]) -> Mapping[str, Outcome]:
        async def one(key: str, patch: Object) -> Outcome:
            def unit(tx: AccountTx) -> tuple[list[str], Object]:
                calendar = calendar_of(tx, call, key)
                shelf(call).check_owner()
                now = _shown(tx, call, ReadableCollection(calendar, writable=True), default_of(calendars_of(tx, call)))
                now["shareWith"] = now["shareWith"] or {}
                wanted = TYPE.patched(now, patch)
                new = {name: wanted[name] for name in TYPE.settable if wanted[name] != now[name]}
                change_collection(tx, _changed(calendar, new))
                return put_shares(tx, call, calendar, wanted["shareWith"])

            guests, told = await call.account.write(unit)
            await publish(call, guests)
            return told or None

        return await each(patches, one)

    async def destroy(self, call: Call, ids: Sequence[str]) -> Mapping[str, Outcome]:
        async def one(key: str, _: None) -> Outcome:
            user = user_of(call.snapshot, call.account.name)

            def unit(tx: AccountTx) -> bool:
                found = calendar_of(tx, call, key)
                shelf(call).check_owner()
                if found.total and not self._remove:
                    raise SetError("calendarHasEvent", "the calendar isn't empty")
                if self._tell:
                    return remove_collection(tx, found, user)
                delete_collection(tx, found.id)
                return True

            while not await call.account.write(unit):
                pass
            return None

        return await each(dict.fromkeys(ids), one)


def _changed(before: Collection, wanted: Object) -> Collection:
    """A calendar with some properties of an object. Raises SetError."""
    unknown = [name for name in wanted if name not in TYPE.settable]
    if unknown:
        raise SetError("invalidProperties", "unknown or read-only property", properties=unknown)
    wrong = [name for name, value in wanted.items() if not _is_valid(name, value)]
    if wrong:
        raise SetError("invalidProperties", "missing, invalid, or read-only", properties=wrong)
    collection = before
    if "name" in wanted:
        collection = msgspec.structs.replace(collection, display_name=wanted["name"])
    if "description" in wanted:
        collection = msgspec.structs.replace(collection, description=wanted["description"] or "")
    if "color" in wanted:
        collection = msgspec.structs.replace(collection, colour=(wanted["color"] or "").lower())
    if "sortOrder" in wanted:
        collection = msgspec.structs.replace(collection, position=wanted["sortOrder"])
    if "includeInAvailability" in wanted:
        collection = msgspec.structs.replace(collection, transparent=wanted["includeInAvailability"] == "none")
    if "timeZone" in wanted:
        collection = msgspec.structs.replace(collection, time_zone=_zone_file(wanted["timeZone"]))
    if "isVisible" in wanted:
        collection = collection.with_hidden(hidden=not wanted["isVisible"])
    return _with_alerts(collection, wanted)


def _with_alerts(found: Collection, wanted: Object) -> Collection:
    if not any(name in wanted for name in ALERTS):
        return found
    own = _own(found) | {name: wanted[name] for name in ALERTS if name in wanted}
    kept = element(OWN, text(msgspec.json.encode(own).decode()))
    return msgspec.structs.replace(found, dead={**found.dead, OWN: kept})


def _is_valid(name: str, value: Any) -> bool:
    match name:
        case "name":
            return is_shown_name(value)
        case "description":
            return isinstance(value, str | None) and len(value or "") <= MAX_TEXT
        case "color":
            return value is None or (isinstance(value, str) and COLOUR.fullmatch(value) is not None)
        case "sortOrder":
            return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31
        case "isVisible":
            return isinstance(value, bool)
        case "isSubscribed":
            return value is True
        case "shareWith":
            return isinstance(value, dict | None)
        case "timeZone":
            return value is None or bool(_zone_file(value))
        case "includeInAvailability":
            return value in ("all", "none")
    return value is None or _are_alerts(value)


def _are_alerts(value: Any) -> bool:
    """Whether a value has alerts by id that go off some time before or after an event."""
    try:
        found = normal({"alerts": value}).get("alerts") or {}
    except BadEvent:
        return False
    triggers = (one.get("trigger") for one in found.values())
    return all(isinstance(trigger, dict) and trigger.get("@type") == "OffsetTrigger" for trigger in triggers)


def _zone_file(name: Any) -> str:
    """A calendar with a zone, "" for none."""
    known = iana_zone(name) if isinstance(name, str) and len(name) < 200 else None
    zone = zone_component(name, ZONE_YEAR) if known is not None and known.key == name else None
    head = [prop for line in ("VERSION:2.0", "PRODID:-//moxlite//EN") if (prop := property_of(line)) is not None]
    return "" if zone is None else write_component(Component("VCALENDAR", head, [zone]))
