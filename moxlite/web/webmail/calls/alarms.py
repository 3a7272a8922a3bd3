"""The calls for alarms of the calendar in an open page (DAV-51)."""

from __future__ import annotations

import time
import uuid
from functools import partial
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from moxlite.groupware.entries import read, with_outcome
from moxlite.groupware.people import user_of
from moxlite.processor import off_loop
from moxlite.proto.cards.alarms import OVER, acknowledged
from moxlite.proto.cards.calendarobject import CalendarObject
from moxlite.proto.cards.components import write_component
from moxlite.proto.cards.itip import rebuilt
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.alarms import SECOND, alarms_after
from moxlite.store.groupware.collection import collection
from moxlite.store.groupware.resources import NoSuchResource, Resource, resource_data, resource_of
from moxlite.store.groupware.scheduling import EntryPut, put_entry
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict
from moxlite.web.webmail.calls.entries import EntryCalls
from moxlite.web.webmail.querytypes import ID, AnyID

RECENT: Final = 300
"""Seconds for which an alarm that came is told to a page: one that was not connected for a moment."""

MOST: Final = 5
"""Alarms in an answer, the newest, as in a notice."""


class AlarmItem(msgspec.Struct, frozen=True):
    """An alarm that has come. ``starts``: seconds UTC of the event, null without a time; ``day``: the first day of an
    event of whole days, as YYYY-MM-DD, else "".
    """

    id: int
    event_id: int
    title: str
    place: str
    starts: int | None
    day: str


class AlarmCalls(EntryCalls):
    """Calls about alarms that have come."""

    @call()
    async def alarms(self, caller: Caller, after: AnyID = 0) -> list[AlarmItem]:
        """Alarms that came within five minutes, after the one with the id ``after``; the newest five, newest first."""
        since = time.time_ns() // 1000 - RECENT * SECOND
        async with self._entries(caller) as visit:
            rung = await visit.account.read(partial(alarms_after, number=after, since=since, limit=MOST), op="alarms")
        return [AlarmItem(one.id, one.resource_id, one.title, one.place, one.starts, one.day) for one in rung]

    @call()
    async def alarm_seen(self, caller: Caller, event_id: ID, snooze: Annotated[int, Meta(ge=0, le=10_080)] = 0) -> None:
        """Note that the user has seen the alarms of an event so far, in the event, where programs of the user find it.

        ``snooze``: minutes after which the user is reminded once more, 0 for never.
        """
        now = int(time.time())
        again = now + snooze * 60 if snooze else None
        async with self._entries(caller) as visit:
            account = visit.account
            resource, data = await account.read(partial(_stored, number=event_id), op="alarms")
            entry = await read(data)
            octets = await off_loop(lambda: _seen(entry, now, again), kind="dav")
            where = await account.read(lambda r: collection(r, resource.collection_id), op="alarms")
            facts = await visit.expander.facts(where, octets)
            user = user_of(self._server.config.current, caller.require().account, facts.addresses)

            def allowed(there: Resource | None) -> None:
                if there is None or there.modseq != resource.modseq:
                    raise Conflict("this event was changed since you opened it")

            put = await with_outcome(account, where.id, EntryPut(resource.name, octets, facts, user, allowed))
            await account.write(lambda tx: put_entry(tx, where, put))


def _seen(entry: CalendarObject, now: int, again: int | None) -> bytes:
    return write_component(rebuilt(entry, acknowledged(entry, now, again, str(uuid.uuid4())))).encode()


def _stored(r: Reader, number: int) -> tuple[Resource, bytes]:
    """An event or task of the user's own, which alarms are about. Raises NoSuchResource."""
    resource = resource_of(r, number)
    if resource is None or resource.component not in OVER:
        raise NoSuchResource("entry not found")
    return resource, resource_data(r, number)
