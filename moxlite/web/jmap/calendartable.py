"""The methods about calendars, loaded with the first call of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from moxlite.web.jmap import calendars, eventqueries, events, people, principals
from moxlite.web.jmap.methods import Run

RUNS: Final[Mapping[str, Run]] = {
    "Calendar/get": calendars.get,
    "Calendar/changes": calendars.changes,
    "Calendar/set": calendars.set_,
    "CalendarEvent/get": events.get,
    "CalendarEvent/changes": events.changes,
    "CalendarEvent/query": eventqueries.query,
    "CalendarEvent/queryChanges": eventqueries.query_changes,
    "CalendarEvent/set": events.set_,
    "CalendarEvent/copy": events.copy,
    "CalendarEvent/parse": eventqueries.parse,
    "ParticipantIdentity/get": people.identity_get,
    "ParticipantIdentity/changes": people.identity_changes,
    "ParticipantIdentity/set": people.identity_set,
    "Principal/get": principals.get,
    "Principal/query": principals.query,
    "Principal/getAvailability": principals.availability,
}
