"""The calls for calendars and their events (WEBMAIL-174). A change goes the way of a CalDAV PUT, so that guests hear of
it by the same rules.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from moxlite.groupware.entries import Expander, read
from moxlite.groupware.links import NotServed, new_link
from moxlite.groupware.people import user_of
from moxlite.processor import give_way
from moxlite.proto.cards.calendarobject import CalendarObject
from moxlite.proto.cards.components import Component, Instance, write_component
from moxlite.proto.cards.editing import (
    BadForm,
    ended,
    following,
    new_event,
    one_changed,
    one_removed,
    series_changed,
)
from moxlite.proto.cards.invitation import PARTSTATS
from moxlite.proto.cards.itip import (
    address_of,
    attendees_of,
    mapped,
    organizer_of,
    rebuilt,
    role_of,
    with_parameters,
)
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.groupware.collection import (
    Collection,
    NoSuchCollection,
    change_collection,
    collection,
    collections_of,
    create_collection,
    delete_collection,
    ensure_defaults,
)
from moxlite.store.groupware.resources import (
    NoSuchResource,
    Resource,
    move_resource,
    overlapping,
    resource_data,
    resource_named,
    resource_of,
)
from moxlite.store.groupware.scheduling import delete_entry, put_entry, shared_entries
from moxlite.store.groupware.sharing import NoSuchLink, links_of, remove_link
from moxlite.store.groupware.subscriptions import Subscription, subscriptions
from moxlite.web.calls import call, remark
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, NotFound, UserError
from moxlite.web.webmail.calls.entries import COLOUR, EntryCalls
from moxlite.web.webmail.events import (
    MAX_ENTRY,
    Calendar,
    CalendarLink,
    Event,
    EventForm,
    EventItem,
    Events,
    RemovedEvent,
    answer_of,
    call_form,
    form_at,
    form_of_call,
    guest_of,
    is_first,
    item_of,
    part_at,
    time_of,
)
from moxlite.web.webmail.querytypes import ID, AnyID

if TYPE_CHECKING:
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.store.file.transaction import Reader

MAX_INSTANCES: Final = 1000
"""Events in an answer."""

PAGE: Final = 200
"""Entries that are read at once."""

CLOCKS: Final = 14 * 3600
"""Seconds by which a day anywhere differs from the day in UTC."""

Recurrence = Annotated[str, Meta(pattern=r"^([0-9]{8}(T[0-9]{6}Z?)?)?$")]
Seconds = Annotated[int, Meta(ge=-(2**40), le=2**40)]
Scope = Literal["this", "following", "all"]
Answer = Literal["yes", "no", "maybe"]


class CalendarCalls(EntryCalls):
    """Calls about the calendars of the user's own account."""

    @call()
    async def calendars(self, caller: Caller) -> list[Calendar]:
        """The calendars that have events; a first one is made."""

        def read(r: Reader) -> list[Calendar]:
            sources = {one.collection_id: one for one in subscriptions(r)}
            return [_shown(one, sources.get(one.id)) for one in _calendars(r)]

        async with self._accounts.use(caller.require().account) as account:
            found = await account.read(read, op="calendars")
            if not any(one.source == "" for one in found):
                await account.write(ensure_defaults)
                found = await account.read(read, op="calendars")
        return found

    @call()
    async def calendar_save(
        self,
        caller: Caller,
        name: Annotated[str, Meta(min_length=1, max_length=200)],
        colour: Annotated[str, Meta(pattern=COLOUR)] = "",
        hidden: bool = False,
        calendar_id: AnyID = 0,
    ) -> int:
        """Make a calendar, or change the one with this id; returns its id."""
        shown = " ".join(name.split())
        if not shown:
            raise UserError("name: a calendar needs a name")

        def unit(tx: AccountTx) -> int:
            before = (
                _calendar(tx, calendar_id)
                if calendar_id
                else Collection(0, "calendar", f"c-{token_hex(8)}", components=("VEVENT",))
            )
            changed = msgspec.structs.replace(
                before,
                display_name=shown,
                colour=before.colour if colour == before.colour[:7] else colour,
            ).with_hidden(hidden=hidden)
            if not calendar_id:
                return create_collection(tx, changed).id
            if changed != before:
                change_collection(tx, changed)
            return before.id

        async with self._entries(caller) as (account, _):
            return await account.write(unit)

    @call()
    async def calendar_remove(self, caller: Caller, calendar_id: ID) -> None:
        """Remove a calendar with its events; guests of coming ones hear that these are called off."""
        user = user_of(self._server.config.current, caller.require().account)
        now = int(time.time())

        def unit(tx: AccountTx) -> None:
            where = _calendar(tx, calendar_id)
            for name in shared_entries(tx, where.id, now):
                delete_entry(tx, where, name, lambda _: None, user)
            delete_collection(tx, where.id)

        async with self._entries(caller) as (account, _):
            await account.write(unit)

    @call()
    async def calendar_links(self, caller: Caller, calendar_id: ID) -> list[CalendarLink]:
        """The secret links of a calendar."""
        async with self._entries(caller) as (account, _):
            found = await account.read(links_of, op="calendar-link")
        return [
            CalendarLink(one.id, one.note, one.busy, one.made // 1_000_000)
            for one in found
            if one.collection_id == calendar_id
        ]

    @call(audit="calendar link made")
    async def calendar_link_make(
        self, caller: Caller, calendar_id: ID, note: Annotated[str, Meta(max_length=200)] = "", busy: bool = False
    ) -> str:
        """Make a secret link of a calendar; returns its address, which cannot be had again. Those who have it read the
        calendar, or with ``busy`` when its owner is busy.
        """
        try:
            async with self._entries(caller) as (account, _):
                return await new_link(
                    account, self._server.config.current, lambda r: _calendar(r, calendar_id), note, busy=busy
                )
        except NotServed:
            raise UserError("this server has no https address for calendars: ask its administrator") from None

    @call(audit="calendar link withdrawn")
    async def calendar_link_remove(self, caller: Caller, link_id: ID) -> None:
        """Withdraw a secret link."""
        try:
            async with self._entries(caller) as (account, _):
                await account.write(lambda tx: remove_link(tx, link_id))
        except NoSuchLink:
            raise NotFound("this link was withdrawn already") from None

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
        own = self._own(caller)
        found: list[EventItem] = []
        span = since - CLOCKS, until + CLOCKS
        async with self._entries(caller) as (account, expander):
            for where in await account.read(_calendars, op="events"):
                after = 0
                while where.id in calendar_ids and len(found) <= MAX_INSTANCES:
                    page = await account.scan(lambda r: _page(r, where.id, span, after), op="events")  # noqa: B023 at once
                    for one, data in page:
                        after = one.id
                        entry = await read(data)
                        instances = [Instance(*entry.span(entry.main), "", 0)]
                        if entry.repeated:
                            instances = await expander.instances(one, entry, span)
                        found += [item_of(one, entry, instance, own) for instance in instances]
                    if len(page) < PAGE:
                        break
                    await give_way()
        found.sort(key=lambda item: (item.starts, -item.ends, item.id))
        return Events(found[:MAX_INSTANCES], len(found) > MAX_INSTANCES)

    @call()
    async def event(self, caller: Caller, event_id: ID, recurrence: Recurrence = "") -> Event:
        """An event, or one of a series."""
        own = self._own(caller)
        async with self._entries(caller) as (account, _):
            one, entry = await _stored(account, event_id)
        part = part_at(entry, recurrence)
        organizer = organizer_of(entry)
        return Event(
            id=one.id,
            calendar_id=one.collection_id,
            recurrence=recurrence,
            changed=one.modseq,
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
        )

    @call()
    async def event_save(
        self,
        caller: Caller,
        calendar_id: ID,
        event: EventForm,
        event_id: AnyID = 0,
        changed: AnyID = 0,
        recurrence: Recurrence = "",
        scope: Scope = "all",
    ) -> int:
        """Add an event, or change the one with this id as it was at ``changed``; returns its id.

        Of a series, ``recurrence`` names the event that the form shows, and ``scope`` says whether this one changes,
        this and those that follow, or all. A conflict if it was changed or removed meanwhile.
        """
        form, author = form_of_call(event), self._author(caller)
        try:
            async with self._entries(caller) as (account, expander):
                if not event_id:
                    new = new_event(form, _new_uid(), author)
                    return await self._put_event(caller, account, expander, calendar_id, (new, None))
                one, entry = await _stored(account, event_id)
                _check_unchanged(one, changed)
                home = calendar_id if scope == "all" else one.collection_id
                shown = form_at(entry, recurrence)
                if role_of(entry, author.own) == "attendee" and form != msgspec.structs.replace(
                    shown, alarms=form.alarms, free=form.free
                ):
                    raise UserError(
                        "only the organiser changes this event; alarms, and whether you are busy, are yours"
                    )
                if not recurrence or scope == "all" or (scope == "following" and is_first(entry, recurrence)):
                    made = series_changed(entry, form, shown, author)
                elif scope == "this":
                    made = one_changed(entry, recurrence, form, author)
                else:
                    before = await _number_before(expander, entry, recurrence)
                    rest = following(entry, recurrence, form, shown, author, _new_uid(), before)
                    kept = ended(entry, recurrence)
                    return await self._put_event(caller, account, expander, home, (kept, one), (rest, None))
                return await self._put_event(caller, account, expander, home, (made, one))
        except BadForm as error:
            raise UserError(str(error)) from None

    @call()
    async def event_remove(
        self,
        caller: Caller,
        event_id: ID,
        changed: AnyID = 0,
        recurrence: Recurrence = "",
        scope: Scope = "all",
    ) -> RemovedEvent:
        """Remove an event, or of a series this one, this and those that follow, or all; returns what `event_restore`
        needs to bring it back.
        """
        user = user_of(self._server.config.current, caller.require().account)
        async with self._entries(caller) as (account, expander):
            one, entry = await _stored(account, event_id)
            _check_unchanged(one, changed)
            made: Component | None = None
            try:
                if recurrence and scope == "this":
                    made = one_removed(entry, recurrence)
                elif recurrence and scope == "following" and not is_first(entry, recurrence):
                    made = ended(entry, recurrence)
            except BadForm as error:
                raise UserError(str(error)) from None
            data = await account.read(lambda r: resource_data(r, one.id), op="event")
            left = 0
            if made is not None:
                await self._put_event(caller, account, expander, one.collection_id, (made, one))
                kept = await account.read(lambda r: resource_of(r, one.id), op="event")
                left = 0 if kept is None else kept.modseq
            else:

                def unit(tx: AccountTx) -> None:
                    where = collection(tx, one.collection_id)
                    delete_entry(tx, where, one.name, lambda there: _check_unchanged(there, one.modseq), user)

                await account.write(unit)
        return RemovedEvent(one.collection_id, one.name, data.decode("utf-8", "replace"), left)

    @call()
    async def event_restore(self, caller: Caller, removed: RemovedEvent) -> int:
        """Bring back what `event_remove` returned; returns the id of the event. A conflict if the entry was changed
        since.
        """
        data = removed.data.encode("utf-8", "replace")
        user, account_name = self._server.config.current, caller.require().account
        async with self._entries(caller) as (account, expander):
            where = await account.read(lambda r: _calendar(r, removed.calendar_id), op="event")
            facts = await expander.facts(where, data)

            def allowed(there: Resource | None) -> None:
                if (0 if there is None else there.modseq) != removed.changed:
                    raise Conflict("the event was changed meanwhile")

            people = user_of(user, account_name, facts.addresses)
            done = await account.write(
                lambda tx: put_entry(tx, _calendar(tx, where.id), removed.name, data, facts, allowed, people)
            )
            return done.resource.id

    @call()
    async def event_answer(self, caller: Caller, event_id: ID, answer: Answer, recurrence: Recurrence = "") -> None:
        """Answer the invitation to an event of the user's calendar, or to a whole series; the organiser hears of it."""
        own = self._own(caller)
        async with self._entries(caller) as (account, expander):
            one, entry = await _stored(account, event_id)
            if role_of(entry, own) != "attendee":
                raise UserError("you are not invited to this event")

            def answered(part: Component) -> Component:
                return mapped(
                    part,
                    lambda line: (
                        with_parameters(line, {"PARTSTAT": PARTSTATS[answer], "RSVP": ""})
                        if line.name == "ATTENDEE" and address_of(line) in own
                        else line
                    ),
                )

            only = part_at(entry, recurrence)
            alone = recurrence != "" and only is not entry.main
            parts = [answered(part) if not alone or part is only else part for part in entry.parts]
            await self._put_event(caller, account, expander, one.collection_id, (rebuilt(entry, parts), one))

    async def _put_event(
        self,
        caller: Caller,
        account: OpenAccount,
        expander: Expander,
        calendar_id: int,
        *made: tuple[Component, Resource | None],
    ) -> int:
        """Put entries, each in place of another or as a new one, into a calendar in one unit; returns the id of the
        last.
        """
        puts = [await self._put_of(caller, expander, calendar_id, *one) for one in made]
        return await account.write(lambda tx: [put(tx) for put in puts][-1])

    async def _put_of(
        self, caller: Caller, expander: Expander, calendar_id: int, made: Component, before: Resource | None
    ) -> Callable[[AccountTx], int]:
        data = write_component(made).encode()
        if len(data) > MAX_ENTRY:
            raise UserError("an event has at most 1 MiB")
        entry = await read(data)
        facts = await expander.facts_of(entry)
        user = user_of(self._server.config.current, caller.require().account, facts.addresses)
        name = f"{entry.uid}.ics" if before is None else before.name

        def allowed(there: Resource | None) -> None:
            if before is not None:
                _check_unchanged(there, before.modseq)

        def put(tx: AccountTx) -> int:
            home = _calendar(tx, calendar_id if before is None else before.collection_id)
            done = put_entry(tx, home, name, data, facts, allowed, user)
            if home.id == calendar_id:
                return done.resource.id
            there = _calendar(tx, calendar_id)
            move_resource(tx, home, name, facts, (there, name), keep=False)
            moved = resource_named(tx, there.id, name)
            assert moved is not None
            return moved.id

        return put


def _shown(one: Collection, source: Subscription | None) -> Calendar:
    shown = Calendar(one.id, one.display_name or one.name, one.colour[:7], one.hidden, one.total)
    if source is None:
        return shown
    return msgspec.structs.replace(
        shown, writable=False, source=source.url, read=source.succeeded // 1_000_000, problem=remark(source.error)
    )


def _calendars(r: Reader) -> list[Collection]:
    return [one for one in collections_of(r, "calendar") if "VEVENT" in one.components]


def _calendar(r: Reader, calendar_id: int) -> Collection:
    """A calendar for events. Raises NoSuchCollection."""
    found = collection(r, calendar_id)
    if found.kind != "calendar" or found.inbox or "VEVENT" not in found.components:
        raise NoSuchCollection("there is no such calendar")
    return found


def _page(r: Reader, calendar_id: int, span: tuple[int, int], after: int) -> list[tuple[Resource, bytes]]:
    found = overlapping(r, calendar_id, ("VEVENT",), *span, after, PAGE)
    return [(one, resource_data(r, one.id)) for one in found]


async def _stored(account: OpenAccount, event_id: int) -> tuple[Resource, CalendarObject]:
    """An entry with an event. Raises NoSuchResource."""

    def find(r: Reader) -> tuple[Resource, bytes]:
        one = resource_of(r, event_id)
        if one is None or one.component != "VEVENT":
            raise NoSuchResource("there is no such event")
        _calendar(r, one.collection_id)
        return one, resource_data(r, one.id)

    one, data = await account.read(find, op="event")
    return one, await read(data)


def _check_unchanged(there: Resource | None, changed: int) -> None:
    if there is None:
        raise NotFound("this event was removed")
    if changed and there.modseq != changed:
        raise Conflict("the event was changed meanwhile")


async def _number_before(expander: Expander, entry: CalendarObject, recurrence: str) -> int:
    """The number of events of a series before one of it."""
    limit = time_of(recurrence)
    start = entry.span(entry.main)[0]
    until = int(limit.replace(tzinfo=UTC).timestamp()) + CLOCKS
    found = await expander.expand(entry, (start, until), MAX_INSTANCES)
    return sum(time_of(one.recurrence) < limit for one in found)


def _new_uid() -> str:
    return token_hex(16)
