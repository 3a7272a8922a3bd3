"""The methods about calendars and sharing, loaded with the first call of one; of them participant identities
(draft-ietf-jmap-calendars-26 §3), addresses by which guests and organisers know the user.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from moxlite.web.jmap import calendars, eventnotifications, eventqueries, events, principals, sharenotices
from moxlite.web.jmap.identities import participants
from moxlite.web.jmap.methods import Run
from moxlite.web.jmap.protocol import MethodError, Object, SetError
from moxlite.web.jmap.standard import (
    Changes,
    ObjectSet,
    ObjectType,
    Outcome,
    changes_response,
    chosen_response,
    run_set,
)

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.web.jmap.methods import Call


IDENTITY_TYPE: Final = ObjectType(
    "ParticipantIdentity",
    "draft-ietf-jmap-calendars-26 §3",
    fixed=("id", "name", "calendarAddress", "isDefault"),
)


def _identities(call: Call) -> tuple[str, dict[str, Object]]:
    return participants(call.snapshot, call.account.name, call.identity.address)


async def identity_get(call: Call) -> Object:
    """ParticipantIdentity/get."""
    return chosen_response(call, IDENTITY_TYPE, *_identities(call))


async def identity_changes(call: Call) -> Object:
    """ParticipantIdentity/changes: of the configuration, which keeps no history."""
    now, _ = _identities(call)
    if call.argument("sinceState", str) != now:
        raise MethodError("cannotCalculateChanges", "the identities have changed; fetch them all again")
    return changes_response(call, Changes(now, now, [], [], []))


async def identity_set(call: Call) -> Object:
    """ParticipantIdentity/set: all belongs to the configuration."""
    return await run_set(call, _Identities())


class _Identities(ObjectSet):
    refusal = SetError("forbidden", "set addresses and their names in the account app")

    def state(self, r: Reader, call: Call) -> str:
        return _identities(call)[0]

    async def change(self, call: Call, key: str, patch: Object) -> Outcome:
        return await self.remove(call, key)

    async def remove(self, call: Call, key: str) -> Outcome:
        return self.refusal if key in _identities(call)[1] else SetError("notFound")


RUNS: Final[Mapping[str, Run]] = {
    "Calendar/get": calendars.CALENDARS.get,
    "Calendar/changes": calendars.CALENDARS.changes,
    "Calendar/set": calendars.set_,
    "CalendarEvent/get": events.get,
    "CalendarEvent/changes": events.changes,
    "CalendarEvent/query": eventqueries.query,
    "CalendarEvent/queryChanges": eventqueries.query_changes,
    "CalendarEvent/set": events.set_,
    "CalendarEvent/copy": events.copy,
    "CalendarEvent/parse": eventqueries.parse,
    "CalendarEventNotification/get": eventnotifications.get,
    "CalendarEventNotification/changes": eventnotifications.changes,
    "CalendarEventNotification/query": eventnotifications.query,
    "CalendarEventNotification/queryChanges": eventnotifications.query_changes,
    "CalendarEventNotification/set": eventnotifications.set_,
    "ParticipantIdentity/get": identity_get,
    "ParticipantIdentity/changes": identity_changes,
    "ParticipantIdentity/set": identity_set,
    "Principal/get": principals.get,
    "Principal/query": principals.query,
    "Principal/changes": principals.changes,
    "Principal/queryChanges": principals.query_changes,
    "Principal/set": principals.set_,
    "Principal/getAvailability": principals.availability,
    "ShareNotification/get": sharenotices.get,
    "ShareNotification/changes": sharenotices.changes,
    "ShareNotification/query": sharenotices.query,
    "ShareNotification/queryChanges": sharenotices.query_changes,
    "ShareNotification/set": sharenotices.set_,
}
