"""CalendarEventNotification (draft-ietf-jmap-calendars-26 §6): changes of the user's events by other people, the newest
500: by guests of a calendar, and by messages about events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from moxlite.groupware.people import account_of, addresses_of
from moxlite.proto.cards.calendarobject import BadObject, read_object
from moxlite.proto.cards.jscalendar import event_of
from moxlite.proto.cards.jspatches import difference
from moxlite.store.groupware.eventnotices import (
    EventNotice,
    event_notice_changes,
    event_notice_data,
    event_notice_state,
    event_notices,
    forget_event_notices,
)
from moxlite.store.mail.notices import MAX_NOTICES
from moxlite.web.jmap.accounts import account_id
from moxlite.web.jmap.headerforms import utc_date
from moxlite.web.jmap.methods import read_id
from moxlite.web.jmap.principals import visible_address
from moxlite.web.jmap.protocol import MethodError, Object, SetError, invalid
from moxlite.web.jmap.standard import (
    ObjectSet,
    ObjectType,
    Outcome,
    changes_of,
    changes_response,
    filter_moment,
    get_response,
    holds,
    query_changes_of,
    results_response,
    run_set,
)
from moxlite.web.jmap.storedevents import AS_JSON, EVENT

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.methods import Call


NOTIFICATION: Final = "N"
TYPE: Final = ObjectType(
    "CalendarEventNotification",
    "draft-ietf-jmap-calendars-26 §6",
    fixed=(*("id", "created", "changedBy", "comment", "type", "calendarEventId", "isDraft", "event", "eventPatch"),),
)
FILTERS: Final = ("after", "before", "type", "calendarEventIds")


def _object(r: Reader, call: Call, notice: EventNotice) -> Object:
    """A notice as an object. An event that cannot be read has no properties."""
    before, after = (None if octets is None else _event(octets) for octets in event_notice_data(r, notice.id))
    return {
        **_facts(call, notice),
        "event": after if before is None else before,
        "eventPatch": difference(before, after) if before is not None and after is not None else None,
    }


def _facts(call: Call, notice: EventNotice) -> Object:
    """The properties of a notice but for its event."""
    return {
        "id": f"{NOTIFICATION}{notice.id}",
        "created": utc_date(notice.created),
        "changedBy": _person(call, notice),
        "comment": notice.comment or None,
        "type": notice.kind,
        "calendarEventId": f"{EVENT}{notice.event_id}",
        "isDraft": False,
    }


def _event(octets: bytes) -> Object:
    try:
        return event_of(read_object(octets))
    except BadObject:
        return {}


def _person(call: Call, notice: EventNotice) -> Object:
    """The author: a guest of the calendar, or of a message."""
    if notice.account:
        account: str | None = notice.account
        address = visible_address(call, notice.account) or next(iter(addresses_of(call.snapshot, notice.account)), "")
        settings = call.snapshot.account(notice.account)
        name = "" if settings is None else settings.full_name
    else:
        address, name, account = notice.address, notice.name, account_of(call.snapshot, notice.address)
    return {
        "name": name or address or notice.account,
        "calendarAddress": f"mailto:{address}" if address else None,
        "principalId": None if account is None else account_id(account),
    }


async def get(call: Call) -> Object:
    """CalendarEventNotification/get."""
    ids, properties = call.ids(), call.properties(TYPE.properties)
    whole = not {"event", "eventPatch"}.isdisjoint(properties)

    def read(r: Reader) -> tuple[str, dict[str, Object]]:
        known = {f"{NOTIFICATION}{notice.id}": notice for notice in event_notices(r)}
        objects: dict[str, Object] = {}
        for key in known if ids is None else ids:
            if key in known and whole:
                call.budget.take(AS_JSON * known[key].size)
                objects[key] = _object(r, call, known[key])
            elif key in known:
                objects[key] = _facts(call, known[key])
        return call.place.state(r, event_notice_state(r)), objects

    now, found = await call.account.scan(read, op="jmap notifications")
    objects = [{name: one[name] for name in properties} for one in found.values()]
    return get_response(call, now, objects, ids)


async def changes(call: Call) -> Object:
    """CalendarEventNotification/changes."""
    return changes_response(call, await changes_of(call, event_notice_changes, event_notice_state, NOTIFICATION))


def _queried(r: Reader, call: Call) -> tuple[str, list[str]]:
    wish, sort = call.filter(), call.order() or [{"property": "created"}]
    objects = [_facts(call, notice) for notice in event_notices(r)]
    found = [one for one in objects if wish is None or holds(wish, partial(_meets, one))]
    for comparator in reversed(sort):
        if comparator.get("property") != "created":
            raise MethodError("unsupportedSort", "notifications can only be sorted by created")
        found.sort(key=lambda one: str(one["created"]), reverse=comparator.get("isAscending") is False)
    return call.place.state(r, event_notice_state(r)), [one["id"] for one in found]


def _meets(one: Object, name: str, value: Any) -> bool:
    if name not in FILTERS:
        raise MethodError("unsupportedFilter", f"unknown filter: {name[:100]!r}")
    if value is None:
        return True
    if name == "calendarEventIds":
        if not isinstance(value, list):
            raise invalid("filter: calendarEventIds must be an array of IDs")
        return one["calendarEventId"] in value
    if not isinstance(value, str):
        raise invalid(f"filter: {name} has the wrong type")
    if name == "type":
        return bool(one["type"] == value)
    created = filter_moment(one["created"])
    return created < filter_moment(value) if name == "before" else created >= filter_moment(value)


async def _results(call: Call) -> tuple[str, list[str]]:
    return await call.account.scan(partial(_queried, call=call), op="jmap notifications")


async def query(call: Call) -> Object:
    """CalendarEventNotification/query."""
    now, ids = await _results(call)
    return results_response(call, now, ids, most=MAX_NOTICES)


async def query_changes(call: Call) -> Object:
    """CalendarEventNotification/queryChanges."""
    return await query_changes_of(call, partial(_results, call), changes)


async def set_(call: Call) -> Object:
    """CalendarEventNotification/set: they can be destroyed."""
    return await run_set(call, _Notifications())


class _Notifications(ObjectSet):
    refusal = SetError("forbidden", "notifications are created by the server and can't be changed")

    def state(self, r: Reader, call: Call) -> str:
        return call.place.state(r, event_notice_state(r))

    async def destroy(self, call: Call, ids: Sequence[str]) -> Mapping[str, Outcome]:
        numbers = {one: read_id(one, NOTIFICATION) for one in ids}

        def unit(tx: AccountTx) -> dict[str, Outcome]:
            gone = forget_event_notices(tx, [*numbers.values()])
            return {one: None if number in gone else SetError("notFound") for one, number in numbers.items()}

        return await call.write(unit)
