"""The calls for events (WEBMAIL-174). A change goes the way of a CalDAV PUT, so that guests hear of it by the same
rules.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from datetime import UTC
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from moxlite.admin.masked import MaskedAddresses
from moxlite.groupware import searching
from moxlite.groupware.entries import Expander, about, removal_outcome
from moxlite.groupware.people import is_missing, refusal_of
from moxlite.proto.address import one_spelling
from moxlite.proto.cards.calendarobject import CalendarObject
from moxlite.proto.cards.components import Component
from moxlite.proto.cards.editing import BadForm, ended, following, new_event, one_changed, one_removed, series_changed
from moxlite.proto.cards.invitation import PARTSTATS
from moxlite.proto.cards.itip import address_of, attendees_of, mapped, organizer_of, rebuilt, role_of, with_parameters
from moxlite.proto.cards.joining import join_of
from moxlite.store.changelog.unit import AccountTx, retried
from moxlite.store.errors import NoSuchMessage, Overtaken
from moxlite.store.groupware.collection import Collection, NoSuchCollection
from moxlite.store.groupware.resources import Resource, resource_of
from moxlite.store.groupware.scheduling import delete_entry
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, NotFound, UserError
from moxlite.web.webmail.calls.entries import (
    EntryCalls,
    Recurrence,
    Seconds,
    UndoSeconds,
    Visit,
    check_unchanged,
    shown_own,
    stored,
)
from moxlite.web.webmail.eventforms import (
    ChangedEvent,
    Event,
    EventForm,
    EventItem,
    Events,
    FoundEvent,
    FoundEvents,
    UndoStep,
    answer_of,
    call_form,
    form_at,
    form_of_call,
    guest_of,
    is_first,
    items_of,
    part_at,
    time_of,
)
from moxlite.web.webmail.holders import by_account, number_of
from moxlite.web.webmail.querytypes import ID, AnyID
from moxlite.wording import reason_of

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.store.file.transaction import Reader


MAX_INSTANCES: Final = 1000
"""Events in an answer."""

MAX_FOUND: Final = 200
"""Events that a search gives: more than a person reads through."""

MAX_WITH: Final = 10
"""Addresses of a person whose events are asked for."""

NEXT: Final = 5
"""Next events with a person: what a contact's page shows."""

CLOCKS: Final = 14 * 3600
"""Seconds by which a day anywhere differs from the day in UTC."""
Scope = Literal["this", "following", "all"]
Answer = Literal["yes", "no", "maybe"]
Guests = Sequence[tuple[str, str]]


class EventCalls(EntryCalls):
    """Calls about events."""

    @call()
    async def events(
        self,
        caller: Caller,
        since: Seconds,
        until: Seconds,
        calendar_ids: Annotated[list[ID], Meta(max_length=100)],
    ) -> Events:
        """The events of calendars that have a moment in a range, seconds UTC; events of days and of local times from 14
        hours before and after, too. At most a thousand.
        """
        event_items: list[EventItem] = []
        for ids in by_account(calendar_ids):
            try:
                async with self._entries(caller, ids[0]) as visit:
                    event_items += await self._events_of(caller, visit, ids, (since - CLOCKS, until + CLOCKS))
            except (NoSuchMessage, NotFound):
                if not number_of(ids[0]):
                    raise  # what is no longer shared is left out
        event_items.sort(key=lambda item: (item.starts, -item.ends, item.id))
        return Events(event_items[:MAX_INSTANCES], len(event_items) > MAX_INSTANCES)

    async def _events_of(
        self, caller: Caller, visit: Visit, ids: Sequence[int], span: tuple[int, int]
    ) -> list[EventItem]:
        own = await shown_own(self._server.config.current, visit)
        event_items: list[EventItem] = []
        for where in await self._calendars_of(visit, ids):
            async with aclosing(visit.expander.views(where.id, ("VEVENT",), span)) as views:
                async for viewed in views:
                    event_items += items_of(viewed, own, visit.holder.shown_id, guest=visit.holder.guest != "")
                    if len(event_items) > MAX_INSTANCES:
                        break
        return event_items

    async def _calendars_of(self, visit: Visit, ids: Sequence[int]) -> list[Collection]:
        """The calendars with these ids of the browser, without those that are gone."""

        def calendars(r: Reader) -> list[Collection]:
            calendars_read: list[Collection] = []
            for number in ids:
                with suppress(NoSuchCollection):
                    calendars_read.append(visit.calendar(r, visit.holder.local_id(number)))
            return calendars_read

        return await visit.account.read(calendars, op="events")

    @call()
    async def event_search(
        self,
        caller: Caller,
        text: Annotated[str, Meta(max_length=200)],
        calendar_ids: Annotated[list[ID], Meta(max_length=100)],
    ) -> FoundEvents:
        """The events of calendars that have all words of a text in title, place, guests or notes: the 200 nearest to
        now. Of a series its last time that is past, and the next.
        """
        words, now = searching.words_in(text), int(time.time())
        events: list[FoundEvent] = []
        more = False
        for ids in by_account(calendar_ids) if words else ():
            try:
                async with self._entries(caller, ids[0]) as visit:
                    homes = await self._calendars_of(visit, ids)
                    more = more or any(home.total > searching.MAX_SEARCHED for home in homes)
                    async for event in self._found_in(caller, visit, homes, words, now):
                        events.append(event)
                        if len(events) > 2 * MAX_FOUND:
                            events, more = _nearest(events, now), True
            except (NoSuchMessage, NotFound):
                if not number_of(ids[0]):
                    raise  # what is no longer shared is left out
        more = more or len(events) > MAX_FOUND
        events = _nearest(events, now)
        events.sort(key=lambda hit: (hit.event.starts, -hit.event.ends, hit.event.id))
        return FoundEvents(events, more)

    @call()
    async def events_with(
        self,
        caller: Caller,
        addresses: Annotated[list[Annotated[str, Meta(max_length=1000)]], Meta(max_length=MAX_WITH)],
        calendar_ids: Annotated[list[ID], Meta(max_length=100)],
    ) -> list[EventItem]:
        """The next events of calendars with one of these addresses among organizer and guests: five, of a series its
        next time.
        """
        people, now = [*map(one_spelling, addresses)], int(time.time())
        coming: list[EventItem] = []
        for ids in by_account(calendar_ids):
            try:
                async with self._entries(caller, ids[0]) as visit:
                    own = await shown_own(self._server.config.current, visit)
                    for home in await self._calendars_of(visit, ids):
                        for viewed in await searching.coming_with(visit.account, visit.expander, home.id, people, now):
                            coming += items_of(viewed, own, visit.holder.shown_id, guest=visit.holder.guest != "")
            except (NoSuchMessage, NotFound):
                if not number_of(ids[0]):
                    raise  # what is no longer shared is left out
        return sorted(coming, key=lambda item: (item.starts, item.id))[:NEXT]

    async def _found_in(
        self, caller: Caller, visit: Visit, homes: Sequence[Collection], words: Sequence[str], now: int
    ) -> AsyncGenerator[FoundEvent, None]:
        own = await shown_own(self._server.config.current, visit)
        for home in homes:
            async with aclosing(searching.search(visit.account, visit.expander, home.id, words, now)) as entries:
                async for entry in entries:
                    items = items_of(entry.viewed, own, visit.holder.shown_id, guest=visit.holder.guest != "")
                    for item, instance in zip(items, entry.viewed.instances or (), strict=True):
                        yield FoundEvent(item, entry.excerpts[instance.part])

    @call()
    async def event(self, caller: Caller, event_id: ID, recurrence: Recurrence = "") -> Event:
        """An event, or one of a series."""
        async with self._entries(caller, event_id) as visit:
            resource, entry = await stored(visit, event_id)
            own = await shown_own(self._server.config.current, visit)

        def shown() -> Event:
            part = part_at(entry, recurrence)
            organizer = organizer_of(entry)
            return Event(
                id=event_id,
                calendar_id=visit.holder.shown_id(resource.collection_id),
                recurrence=recurrence,
                changed=resource.modseq,
                repeats=entry.repeated,
                form=call_form(form_at(entry, recurrence)),
                organizer=None if organizer is None else guest_of(organizer),
                own=organizer is None or address_of(organizer) in own,
                guests=[
                    guest_of(line)
                    for address, line in attendees_of(part).items()
                    if organizer is None or address != address_of(organizer)
                ],
                answer=answer_of(entry, part, own),
                exceptions=sum(part.first("RECURRENCE-ID") is not None for part in entry.parts),
                join=join_of(part),
            )

        return await about(entry, shown)

    @call(once=True)
    async def event_save(
        self,
        caller: Caller,
        calendar_id: ID,
        event: EventForm,
        event_id: AnyID = 0,
        changed: AnyID = 0,
        recurrence: Recurrence = "",
        scope: Scope = "all",
        undo_s: UndoSeconds = 0,
    ) -> ChangedEvent:
        """Add an event, or change the one with this id as it was at ``changed``. Messages to its people wait for
        ``undo_s`` seconds, in which `event_undo` takes them back.

        Of a series, ``recurrence`` names the event that the form shows, and ``scope`` says whether this one changes,
        this and those that follow, or all. A conflict if it was changed or removed meanwhile.
        """
        masked = MaskedAddresses(self._server.config, self._accounts, self._holders.auth.masked)
        put = partial(self._put_event, undo_s=undo_s)
        try:
            form = form_of_call(event)
            async with self._entries(caller, event_id or calendar_id) as visit:
                author = self._author(caller, visit)
                check = partial(_check_new, masked, self._server.config.current, (visit.account.name, author.address))
                calendar = visit.holder.local_id(calendar_id)
                if calendar < 0:
                    raise UserError("you can't move events out of their owner's calendars")
                if not event_id:
                    await check(form.guests, ())
                    new = new_event(form, _new_uid(), author)
                    return await put(caller, visit, calendar, (new, None))
                resource, entry = await stored(visit, event_id)
                check_unchanged(resource, changed)
                home = calendar if scope == "all" else resource.collection_id
                shown = await about(entry, partial(form_at, entry, recurrence))
                await check(form.guests, shown.guests)
                own = {"alarms": form.alarms, "mails": form.mails, "free": form.free, "colour": form.colour}
                role = await about(entry, partial(role_of, entry, author.own))
                if role == "attendee" and form != msgspec.structs.replace(shown, **own):
                    raise UserError(
                        "only the organizer can change this event; you can only change your alerts and free/busy status"
                    )
                if not recurrence or scope == "all" or (scope == "following" and is_first(entry, recurrence)):
                    made = await about(entry, partial(series_changed, entry, form, shown, author))
                elif scope == "this":
                    made = await about(entry, partial(one_changed, entry, recurrence, form, author))
                else:
                    before = await _number_before(visit.expander, entry, recurrence)
                    work = partial(following, entry, recurrence, form, shown, author, _new_uid(), before)
                    rest = await about(entry, work)
                    kept = await about(entry, partial(ended, entry, recurrence))
                    return await put(caller, visit, home, (kept, resource), (rest, None))
                return await put(caller, visit, home, (made, resource))
        except BadForm as error:
            raise UserError(reason_of(error)) from None
        except OverflowError:
            raise UserError("start: events and their recurrences must be in the years 1 to 9999") from None

    @call(once=True)
    async def event_remove(
        self,
        caller: Caller,
        event_id: ID,
        changed: AnyID = 0,
        recurrence: Recurrence = "",
        scope: Scope = "all",
        undo_s: UndoSeconds = 0,
    ) -> ChangedEvent:
        """Remove an event, or of a series this one, this and those that follow, or all. ``undo_s`` as of
        `event_save`.
        """
        async with self._entries(caller, event_id) as visit:
            resource, entry = await stored(visit, event_id)
            check_unchanged(resource, changed)
            user = self._user(caller, visit)
            made: Component | None = None
            try:
                if recurrence and scope == "this":
                    made = one_removed(entry, recurrence)
                elif recurrence and scope == "following" and not is_first(entry, recurrence):
                    made = ended(entry, recurrence)
            except (BadForm, OverflowError) as error:
                raise UserError(reason_of(error)) from None
            if made is not None:
                return await self._put_event(caller, visit, resource.collection_id, (made, resource), undo_s=undo_s)
            wait = undo_s * 1_000_000
            outcome = await removal_outcome(visit.account, resource.collection_id, resource.name, user)

            def unit(tx: AccountTx) -> ChangedEvent:
                where = visit.calendar(tx, resource.collection_id, write=True)
                visit.check_alone(tx, resource_of(tx, resource.id))

                def allowed(there: Resource) -> None:
                    check_unchanged(there, resource.modseq)

                was = visit.data(tx, resource).decode("utf-8", "replace")
                told = delete_entry(tx, where, resource.name, allowed, user, outcome=outcome, wait=wait)
                home, owed = visit.holder.shown_id(where.id), tx.modseq() if wait else 0
                return ChangedEvent(0, told, [UndoStep(home, resource.name, was, 0, owed=owed)])

            return await visit.account.write(unit)

    @call(once=True)
    async def event_answer(
        self, caller: Caller, event_id: ID, answer: Answer, recurrence: Recurrence = "", undo_s: UndoSeconds = 0
    ) -> ChangedEvent:
        """Answer the invitation to an event of the user's calendar, or to a whole series; the organiser hears of it.
        ``undo_s`` as of `event_save`.
        """

        async def work(visit: Visit) -> ChangedEvent:
            own = self._own(visit)
            resource, entry = await stored(visit, event_id)
            if await about(entry, partial(role_of, entry, own)) != "attendee":
                raise UserError("you're not invited to this event")

            def answered(part: Component) -> Component:
                return mapped(
                    part,
                    lambda line: (
                        with_parameters(line, {"PARTSTAT": PARTSTATS[answer], "RSVP": ""})
                        if line.name == "ATTENDEE" and address_of(line) in own
                        else line
                    ),
                )

            def made() -> Component:
                only = part_at(entry, recurrence)
                alone = recurrence != "" and only is not entry.main
                return rebuilt(entry, [answered(part) if not alone or part is only else part for part in entry.parts])

            changed = await about(entry, made)
            try:
                return await self._put_event(caller, visit, resource.collection_id, (changed, resource), undo_s=undo_s)
            except Conflict:  # the organizer has changed the event, and the answer is to that
                raise Overtaken from None

        async with self._entries(caller, event_id) as visit:
            return await retried(partial(work, visit))


async def _check_new(masked: MaskedAddresses, snapshot: Snapshot, author: tuple[str, str], *guests: Guests) -> None:
    """Raise UserError for a new guest who can't be invited by an account and address. `guests`: of the form, and of the
    event before.
    """
    account, address = author
    new, there = guests
    known = {guest.lower() for _, guest in there}
    for _, guest in new:
        if guest.lower() in known:
            continue
        refusal = refusal_of(snapshot, account, address, guest)
        if refusal is None and is_missing(snapshot, guest):
            refusal = await masked.refusal(snapshot, account, address, guest)
        if refusal is not None:
            raise UserError(refusal)


def _nearest(events: list[FoundEvent], now: int) -> list[FoundEvent]:
    """The events that are nearest to now, as many as an answer has."""
    return sorted(events, key=lambda hit: (abs(hit.event.starts - now), hit.event.id))[:MAX_FOUND]


async def _number_before(expander: Expander, entry: CalendarObject, recurrence: str) -> int:
    """The number of events of a series before one of it."""
    limit = time_of(recurrence)
    start = entry.span(entry.main)[0]
    until = int(limit.replace(tzinfo=UTC).timestamp()) + CLOCKS
    instances = await expander.expand(entry, (start, until), MAX_INSTANCES)
    return sum(time_of(instance.recurrence) < limit for instance in instances)


def _new_uid() -> str:
    return token_hex(16)
