"""CalendarEventNotification (draft-ietf-jmap-calendars-26 §6): changes of events by other people, from the messages
about events that came (RFC 6638 §2.2). The newest of each event is kept, 500 at most; one that is replaced has changed.

A message has the event as it is afterwards: ``event`` is that, and ``eventPatch`` null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from moxlite.groupware.people import account_of
from moxlite.proto.cards.calendarobject import BadObject
from moxlite.proto.cards.components import BadComponents
from moxlite.proto.cards.contentline import plain
from moxlite.proto.cards.itip import address_of, organizer_of
from moxlite.proto.cards.jscalendar import event_of
from moxlite.proto.cards.received import read_message
from moxlite.store.groupware.collection import INBOX, NoSuchCollection, collection_named
from moxlite.store.groupware.history import entry_changes, message_state
from moxlite.store.groupware.resources import (
    NoSuchResource,
    Resource,
    delete_resource,
    entry_with_uid,
    resource_data,
    resource_of,
    resources_of,
)
from moxlite.store.groupware.scheduling import MAX_INBOX
from moxlite.web.jmap.accounts import account_id
from moxlite.web.jmap.headerforms import utc_date
from moxlite.web.jmap.methods import read_id
from moxlite.web.jmap.protocol import MethodError, Object, SetError, invalid
from moxlite.web.jmap.standard import (
    Outcome,
    changes_of,
    changes_response,
    each,
    filter_moment,
    get_response,
    holds,
    query_changes_of,
    results_response,
    run_set,
)
from moxlite.web.jmap.storedevents import AS_JSON, EVENT

if TYPE_CHECKING:
    from moxlite.proto.cards.calendarobject import CalendarObject
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.methods import Call


NOTIFICATION: Final = "N"
PROPERTIES: Final = (
    *("id", "created", "changedBy", "comment", "type", "calendarEventId", "isDraft", "event", "eventPatch"),
)
FILTERS: Final = ("after", "before", "type", "calendarEventIds")


def _messages(r: Reader) -> list[Resource]:
    """The messages that are kept, the oldest first."""
    try:
        inbox = collection_named(r, "calendar", INBOX)
    except NoSuchCollection:
        return []
    resources = [resource for resource in resources_of(r, inbox.id, 0, MAX_INBOX) if resource.component == "VEVENT"]
    return sorted(resources, key=lambda resource: (resource.changed, resource.id))


def _object(r: Reader, call: Call, resource: Resource) -> Object | None:
    """A message as an object; None for one that cannot be read."""
    try:
        method, message = read_message(resource_data(r, resource.id).decode("utf-8", "replace"))
    except (BadObject, BadComponents, NoSuchResource):
        return None
    kind = {"CANCEL": "destroyed", "REQUEST": "created"}.get(method, "updated")
    if kind == "created" and (resource.createseq != resource.modseq or message.main.value("SEQUENCE") not in ("", "0")):
        kind = "updated"
    there = entry_with_uid(r, resource.uid)
    texts = [plain(line.value, 5_000) for line in message.main.all("COMMENT")]
    return {
        "id": f"{NOTIFICATION}{resource.id}",
        "created": utc_date(resource.changed),
        "changedBy": _person(call, method, message),
        "comment": "\n".join(texts) or None,
        "type": kind,
        "calendarEventId": None if there is None else f"{EVENT}{there.id}",
        "isDraft": False,
        "event": event_of(message),
        "eventPatch": None,
    }


def _person(call: Call, method: str, message: CalendarObject) -> Object | None:
    """The sender: the guest who answers, or the organiser."""
    line = message.main.first("ATTENDEE") if method == "REPLY" else organizer_of(message)
    address = address_of(line)
    if line is None or not address:
        return None
    account = account_of(call.snapshot, address)
    return {
        "name": plain(line.parameter("CN"), 200) or address,
        "calendarAddress": f"mailto:{address}",
        "principalId": None if account is None else account_id(account),
    }


async def get(call: Call) -> Object:
    """CalendarEventNotification/get."""
    ids, properties = call.ids(), call.properties(PROPERTIES)

    def read(r: Reader) -> tuple[int, list[Object]]:
        wanted = None if ids is None else {read_id(one, NOTIFICATION) for one in ids}
        objects: list[Object] = []
        for message in _messages(r):
            if wanted is None or message.id in wanted:
                call.budget.take(AS_JSON * message.size)
                if (found := _object(r, call, message)) is not None:
                    objects.append(found)
        return message_state(r), objects

    now, found = await call.account.scan(read, op="jmap notifications")
    by_id = {one["id"]: one for one in found}
    objects = [{name: by_id[key][name] for name in properties} for key in (ids or by_id) if key in by_id]
    return get_response(call, str(now), objects, [one for one in ids or () if one not in by_id])


async def changes(call: Call) -> Object:
    """CalendarEventNotification/changes."""
    read = partial(entry_changes, kind="calendar", messages=True)
    return changes_response(call, await changes_of(call, read, message_state, NOTIFICATION))


def _queried(r: Reader, call: Call) -> tuple[str, list[str]]:
    wish, sort = call.filter(), call.order() or [{"property": "created"}]
    read = (_object(r, call, message) for message in _messages(r))
    objects = [{**one, "event": None} for one in read if one is not None]  # together they may be large
    found = [one for one in objects if wish is None or holds(wish, partial(_meets, one))]
    for comparator in reversed(sort):
        if comparator.get("property") != "created":
            raise MethodError("unsupportedSort", "notifications are sorted by created")
        found.sort(key=lambda one: str(one["created"]), reverse=comparator.get("isAscending") is False)
    return str(message_state(r)), [one["id"] for one in found]


def _meets(one: Object, name: str, value: Any) -> bool:
    if name not in FILTERS:
        raise MethodError("unsupportedFilter", f"there is no filter {name[:100]!r}")
    if value is None:
        return True
    if name == "calendarEventIds":
        if not isinstance(value, list):
            raise invalid("filter: calendarEventIds is an array of ids")
        return one["calendarEventId"] in value
    if not isinstance(value, str):
        raise invalid(f"filter: {name} is of the wrong type")
    if name == "type":
        return bool(one["type"] == value)
    created = filter_moment(one["created"])
    return created < filter_moment(value) if name == "before" else created >= filter_moment(value)


async def _results(call: Call) -> tuple[str, list[str]]:
    return await call.account.scan(partial(_queried, call=call), op="jmap notifications")


async def query(call: Call) -> Object:
    """CalendarEventNotification/query."""
    now, ids = await _results(call)
    return results_response(call, now, ids, most=MAX_INBOX)


async def query_changes(call: Call) -> Object:
    """CalendarEventNotification/queryChanges."""
    return await query_changes_of(call, partial(_results, call), changes)


async def set_(call: Call) -> Object:
    """CalendarEventNotification/set: they can be destroyed."""
    return await run_set(call, _Notifications())


class _Notifications:
    async def state(self, call: Call) -> str:
        return str(await call.account.read(message_state, op="jmap notifications"))

    async def create(self, call: Call, objects: Mapping[str, Object]) -> Mapping[str, Outcome]:
        return dict.fromkeys(objects, SetError("forbidden", "notifications are made by the server"))

    async def update(self, call: Call, patches: Mapping[str, Object]) -> Mapping[str, Outcome]:
        return dict.fromkeys(patches, SetError("forbidden", "notifications do not change"))

    async def destroy(self, call: Call, ids: Sequence[str]) -> Mapping[str, Outcome]:
        async def one(key: str, _: None) -> Outcome:
            def unit(tx: AccountTx) -> None:
                resource = resource_of(tx, read_id(key, NOTIFICATION))
                if resource is None or resource.id not in {kept.id for kept in _messages(tx)}:
                    raise SetError("notFound")
                delete_resource(tx, resource.collection_id, resource.name, lambda _: None)

            await call.account.write(unit)
            return None

        return await each(dict.fromkeys(ids), one)
