"""Base of the groups of calls about events; the calls for calendars, also shared ones (DAV-47) and ones at other
addresses (DAV-44), and for deleted events and contacts, which come back for 30 days (DAV-46).
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta

from moxlite.groupware.entries import BadEntry, Expander, TooBusy, read, with_outcome
from moxlite.groupware.people import addresses_of, colleague_access, is_missing, user_of
from moxlite.groupware.subscribing import SubscriptionFailed, Subscriptions
from moxlite.processor import off_loop
from moxlite.proto.address import Address
from moxlite.proto.cards.calendarobject import BadObject, CalendarObject
from moxlite.proto.cards.components import Component, write_component
from moxlite.proto.cards.editing import Author
from moxlite.proto.cards.itip import Message, NotAllowed
from moxlite.proto.cards.limits import MAX_ENTRY, TOO_LARGE
from moxlite.store.delivery.outgoing import OutgoingLimitExceeded, OutgoingLimits, check_outgoing
from moxlite.store.errors import StoreError
from moxlite.store.groupware.collection import (
    BadName,
    Collection,
    CollectionChange,
    NoSuchCollection,
    ReadOnly,
    changed,
    collection,
    collections_of,
    create_collection,
    ensure_defaults,
    patch_collection,
)
from moxlite.store.groupware.contacts import default_book
from moxlite.store.groupware.kept import KeptEntry, NotKept, kept_entries, kept_entry
from moxlite.store.groupware.resources import (
    NoSuchResource,
    Resource,
    ResourceFacts,
    UIDTaken,
    put_resource,
    resource_named,
    resource_of,
)
from moxlite.store.groupware.scheduling import (
    Elsewhere,
    EntryPut,
    User,
    default_calendar,
    entry_name,
    move_entry,
    put_entry,
    remove_collection,
)
from moxlite.store.groupware.sharing import (
    NotWritable,
    Shelf,
    guests_of,
    patch_shared_view,
    shared_collections,
    shared_views,
)
from moxlite.store.groupware.subscriptions import Subscription, subscriptions
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, NotFound, Unavailable, UserError
from moxlite.web.webmail.calls.books import CollectionGuest, shown_guests, shown_name
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.events import Calendar, CalendarChange, CalendarView
from moxlite.web.webmail.holders import BITS
from moxlite.web.webmail.querytypes import ID, AnyID
from moxlite.wording import reason_of, remark

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.store.search.index import IndexedAccount
    from moxlite.web.webmail.holders import Holder


Recurrence = Annotated[str, Meta(pattern=r"^([0-9]{8}(T[0-9]{6}Z?)?)?$")]

MAX_OWNERS: Final = 50
"""Accounts whose shared calendars are shown; each is opened."""

MOST: Final = 500
"""Deleted entries in an answer."""


class Visit(Shelf, frozen=True, eq=False, kw_only=True):
    """An account with calendars: the user's own, or that of another one, as whose guest the user sees what is shared
    (DAV-47).
    """

    holder: Holder
    expander: Expander

    @property
    def account(self) -> IndexedAccount:
        """The account."""
        return self.holder.account

    def calendar(self, r: Reader, local_id: int, *, write: bool = False) -> Collection:
        """A calendar for events; with `write`, the user wants to change these. Raises NoSuchCollection, NotWritable."""
        found = self.find(r, local_id, write=write)
        if not found.has_events:
            raise NoSuchCollection("calendar not found")
        return found

    def check_alone(self, r: Reader, resource: Resource | None) -> None:
        """Raise UserError if a guest would change an entry with people, who would hear of it from its owner, or a
        private one.
        """
        if self.holder.guest and resource is not None:
            if resource.tag is not None:
                raise UserError("only the calendar's owner can change events with guests")
            if self.keeps_back(r, resource):
                raise UserError("only the calendar's owner can change private events")


class EntryCalls(AccountCalls):
    """Calls about the entries of calendars."""

    def _own(self, caller: Caller) -> frozenset[str]:
        return user_of(self._server.config.current, caller.require().account).addresses

    def _author(self, caller: Caller) -> Author:
        session, snapshot = caller.require(), self._server.config.current
        settings = snapshot.account(session.account)
        name = "" if settings is None else settings.full_name
        addresses = addresses_of(snapshot, session.account, session.address)
        return Author(name, addresses[0], self._own(caller), int(time.time()))

    @asynccontextmanager
    async def _entries(self, caller: Caller, shown: int = 0) -> AsyncIterator[Visit]:
        """The account of an id of the browser, the user's own without one; refusals become errors of calls."""
        try:
            async with self._holders.at(caller.require(), shown) as holder:
                expander = Expander(holder.account, Shelf("calendar", holder.guest))
                yield Visit("calendar", holder.guest, holder=holder, expander=expander)
        except (BadEntry, BadObject, NotAllowed, BadName, ReadOnly, NotWritable, SubscriptionFailed) as error:
            raise UserError(reason_of(error)) from None
        except TooBusy:
            raise Unavailable("the server is busy; try again in a moment") from None
        except NoSuchCollection:
            raise NotFound("this calendar was deleted") from None
        except NoSuchResource:
            raise NotFound("this event was deleted") from None
        except (Elsewhere, UIDTaken) as error:
            raise Conflict(reason_of(error)) from None

    def _user(self, caller: Caller, visit: Visit, people: Iterable[str] = ()) -> User:
        """The user in whose name guests of an event hear of its changes; without addresses in another's calendar."""
        if visit.holder.guest:
            return User(frozenset(), guest=visit.holder.guest)
        return user_of(self._server.config.current, caller.require().account, people)

    async def _put_event(
        self, caller: Caller, visit: Visit, calendar_id: int, *made: tuple[Component, Resource | None]
    ) -> int:
        """Put entries, each in place of another or as a new one, into a calendar in one unit; returns the id of the
        last.
        """
        # All are checked before the unit; then both halves of a series change, or
        # none.
        made_puts = [await self._put_of(caller, visit, calendar_id, *one) for one in made]
        puts = [put for put, _ in made_puts]
        told = [message for _, messages in made_puts for message in messages]
        await _check_limits(self._server.config.current, caller.require().account, visit, told)
        return visit.holder.shown_id(await visit.account.write(lambda tx: [put(tx) for put in puts][-1]))

    async def _put_of(
        self, caller: Caller, visit: Visit, calendar_id: int, made: Component, before: Resource | None
    ) -> tuple[Callable[[AccountTx], int], Sequence[Message]]:
        """What puts an entry, and the messages about it that its people are owed."""
        data = (await off_loop(partial(write_component, made), kind="dav")).encode()
        if len(data) > MAX_ENTRY:
            raise UserError(TOO_LARGE)
        entry = await read(data)
        facts = await visit.expander.facts_of(entry)
        user = self._user(caller, visit, facts.addresses)
        name = f"{entry.uid}.ics" if before is None else before.name
        home_id = calendar_id if before is None else before.collection_id
        wanted = await with_outcome(visit.account, home_id, EntryPut(name, data, facts, user))

        def put(tx: AccountTx) -> int:
            def allowed(there: Resource | None) -> None:
                visit.check_alone(tx, there)
                if before is not None:
                    check_unchanged(there, before.modseq)

            home = visit.calendar(tx, home_id, write=True)
            done = put_entry(tx, home, msgspec.structs.replace(wanted, allowed=allowed))
            if home.id == calendar_id:
                return done.resource.id
            there = visit.calendar(tx, calendar_id, write=True)
            # Programs name entries as they like: another one there may have the name.
            new = name if resource_named(tx, there.id, name) is None else entry_name(entry.uid)
            visit.check_alone(tx, resource_named(tx, there.id, new))
            move_entry(tx, home, name, facts, (there, new), user)
            moved = resource_named(tx, there.id, new)
            assert moved is not None
            return moved.id

        return put, () if wanted.outcome is None else wanted.outcome.messages


async def _check_limits(snapshot: Snapshot, name: str, visit: Visit, messages: Sequence[Message]) -> None:
    """Raise UserError if the sending limits of account `name` keep messages about a change from its people."""
    settings = snapshot.account(name)
    if not messages or settings is None:
        return
    told = [
        snapshot.canonical(Address.parse(address))
        for message in messages
        for address in message.recipients
        if not is_missing(snapshot, address)
    ]
    limits = OutgoingLimits(settings.max_outgoing_messages_per_day, settings.max_first_time_recipients_per_day)
    now = time.time_ns() // 1000
    try:
        await visit.account.read(lambda r: check_outgoing(r, told, limits, now), op="event")
    except OutgoingLimitExceeded as error:
        raise UserError(reason_of(error)) from None


async def stored(visit: Visit, event_id: int) -> tuple[Resource, CalendarObject]:
    """An entry with an event, by its id in the browser. Raises NoSuchResource, NoSuchCollection."""

    def find(r: Reader) -> tuple[Resource, bytes]:
        one = resource_of(r, visit.holder.local_id(event_id))
        if one is None or one.component != "VEVENT":
            raise NoSuchResource("event not found")
        visit.calendar(r, one.collection_id)
        return one, visit.data(r, one)

    # In a thread where what a guest sees of an entry is found in its octets.
    ask = visit.account.scan if visit.holder.guest else visit.account.read
    resource, data = await ask(find, op="event")
    return resource, await read(data)


def check_unchanged(there: Resource | None, changed: int) -> None:
    """Raise NotFound or Conflict for an event that was removed or changed since it was shown."""
    if there is None:
        raise NotFound("this event was deleted")
    if changed and there.modseq != changed:
        raise Conflict("the event has changed")


class SubscribingCalls(EntryCalls):
    """Calls about calendars that are read from addresses; `calendar_remove` ends a subscription."""

    @call(audit="calendar subscribed")
    async def calendar_subscribe(
        self,
        caller: Caller,
        calendar_url: Annotated[str, Meta(min_length=1, max_length=2000)],
        name: Annotated[str, Meta(max_length=200)] = "",
        colour: Annotated[str, Meta(max_length=50)] = "",
    ) -> int:
        """Make a calendar of the events at an address, https:// or webcal://, which is read now and each hour; returns
        its id. ``name``: by default as the file has it.
        """
        async with self._entries(caller) as visit:
            await visit.account.write(ensure_defaults)
            return await self._subscriptions().add(visit.account, calendar_url, " ".join(name.split()), colour)

    @call()
    async def calendar_refresh(self, caller: Caller, calendar_id: ID) -> None:
        """Read a subscribed calendar now. An error if it cannot be read: then it stays as it was."""
        async with self._entries(caller) as visit:
            failure = await self._subscriptions().refresh_now(visit.account, calendar_id)
        if failure:
            raise UserError(failure)

    def _subscriptions(self) -> Subscriptions:
        return Subscriptions(self._server.sandbox, self._server.http)


class DeletedEntry(msgspec.Struct, frozen=True):
    """A deleted event, task or contact. ``place``: the name of its calendar or address book. ``starts``: seconds UTC of
    its first moment, None without one; ``deleted``: seconds UTC.
    """

    id: int
    title: str
    place: str
    starts: int | None
    deleted: int


class DeletedCalls(EntryCalls):
    """Calls about deleted events and contacts."""

    @call()
    async def deleted_list(self, caller: Caller, kind: Literal["calendar", "contact"]) -> list[DeletedEntry]:
        """Entries that were deleted in the last 30 days, the last first; at most 500."""
        async with self._entries(caller) as visit:
            found = await visit.account.read(
                partial(kept_entries, kind=kind, now=time.time_ns() // 1000, limit=MOST), op="deleted"
            )
        return [
            DeletedEntry(one.id, one.title, one.collection_name, one.starts, one.removed // 1_000_000) for one in found
        ]

    @call()
    async def deleted_restore(self, caller: Caller, deleted_id: ID) -> None:
        """Bring one back, to where it was, or if that is gone to the first calendar or address book. Guests of an event
        are invited anew.
        """
        name = caller.require().account
        try:
            async with self._entries(caller) as visit:
                kept, data = await visit.account.read(lambda r: kept_entry(r, deleted_id), op="deleted")
                facts = await _facts(visit.expander, kept, data)
                user = user_of(self._server.config.current, name, facts.addresses)
                entry = EntryPut(kept.name, data, facts, user, again=True)
                if kept.kind == "calendar":
                    entry = await with_outcome(visit.account, 0, entry)

                def unit(tx: AccountTx) -> None:
                    home = _home(tx, kept)
                    taken = resource_named(tx, home.id, kept.name) is not None
                    free = f"{token_hex(16)}.{kept.name.rpartition('.')[2]}"[:200] if taken else kept.name
                    if kept.kind == "calendar":
                        put_entry(tx, home, msgspec.structs.replace(entry, name=free))
                    else:
                        put_resource(tx, home.id, free, data, facts)

                await visit.account.write(unit)
        except NotKept as error:
            raise NotFound(reason_of(error)) from None


async def _facts(expander: Expander, kept: KeptEntry, data: bytes) -> ResourceFacts:
    kind: Literal["calendar", "contact"] = "calendar" if kept.kind == "calendar" else "contact"
    return await expander.facts(Collection(0, kind, "", components=(kept.component,)), data)


def _home(tx: AccountTx, kept: KeptEntry) -> Collection:
    try:
        home = collection(tx, kept.collection_id)
    except NoSuchCollection:
        pass
    else:
        if kept.kind == "contact" or (kept.component in home.components and not home.subscribed):
            return home
    return default_calendar(tx, kept.component) if kept.kind == "calendar" else default_book(tx)


class CalendarCalls(EntryCalls):
    """Calls about calendars: the own ones, and those that others share."""

    @call()
    async def calendars(self, caller: Caller) -> list[Calendar]:
        """The calendars that have events, the own ones first; a first one is made."""

        name = caller.require().account
        usual = colleague_access(self._server.config.current, name, name) or "busy"

        def read(r: Reader) -> list[Calendar]:
            sources = {subscription.collection_id: subscription for subscription in subscriptions(r)}
            shown = (
                (calendar.access or "usual", _shown(calendar, sources.get(calendar.id))) for calendar in _calendars(r)
            )
            return [msgspec.structs.replace(calendar, access=access, usual=usual) for access, calendar in shown]

        async with self._entries(caller) as visit:
            found = await visit.account.read(read, op="calendars")
            if not any(calendar.source == "" for calendar in found):
                await visit.account.write(ensure_defaults)
                found = await visit.account.read(read, op="calendars")
            seen = await visit.account.read(shared_views, op="calendars")
        return [*found, *await self._shared(caller, seen)]

    async def _shared(self, caller: Caller, seen: Mapping[tuple[str, int], tuple[str, bool]]) -> list[Calendar]:
        """The calendars of others that the user may see, as the user wants to see them."""
        found = []
        guest = caller.require().account
        for owner, number in await self._holders.auth.sharing.numbered_owners(guest, MAX_OWNERS):
            try:
                async with self._entries(caller, number << BITS | 1) as visit:
                    shared = await visit.account.read(
                        lambda r: shared_collections(r, "calendar", guest), op="calendars"
                    )
            except (StoreError, NotFound):
                continue  # one broken account must not hide the others
            for foreign in shared:
                place = foreign.collection
                if "VEVENT" not in place.components:
                    continue
                colour, hidden = seen.get((owner, place.id), ("", False))
                shown = _shown(place, None)
                found.append(
                    msgspec.structs.replace(
                        shown,
                        id=visit.holder.shown_id(place.id),
                        events=0,  # secret ones count, too (DAV-41)
                        colour=colour or shown.colour,
                        hidden=hidden,
                        writable=foreign.writable and not place.subscribed,
                        owner=owner,
                    )
                )
        return found

    @call()
    async def calendar_view(self, caller: Caller, calendar_id: ID, change: CalendarView) -> None:
        """Change how the user sees a calendar that another user shares: its colour, "" for the owner's, and whether it
        is off.
        """
        async with self._entries(caller, calendar_id) as visit:
            place = await visit.account.read(
                lambda r: visit.calendar(r, visit.holder.local_id(calendar_id)), op="calendars"
            )
        async with self._entries(caller) as own:
            wanted = CollectionChange(colour=change.colour, hidden=change.hidden)
            await own.account.write(lambda tx: patch_shared_view(tx, visit.holder.owner, place.id, wanted))

    @call()
    async def calendar_save(self, caller: Caller, change: CalendarChange, calendar_id: AnyID = 0) -> int:
        """Make a calendar, or change the one with this id; returns its id."""
        wanted = CollectionChange(
            display_name=change.name if change.name is UNSET else shown_name(change.name),
            colour=change.colour,
            hidden=change.hidden,
            access=None if change.access == "usual" else change.access,
        )

        def unit(tx: AccountTx) -> int:
            if not calendar_id:
                blank = Collection(0, "calendar", f"c-{token_hex(8)}", components=("VEVENT",))
                return create_collection(tx, changed(blank, wanted)).id
            patch_collection(tx, event_calendar(tx, calendar_id), wanted)
            return calendar_id

        async with self._entries(caller) as visit:
            return await visit.account.write(unit)

    @call()
    async def calendar_remove(self, caller: Caller, calendar_id: ID) -> None:
        """Remove a calendar with its events; guests of coming ones hear that these are called off."""
        user = user_of(self._server.config.current, caller.require().account)
        async with self._entries(caller) as visit:
            while not await visit.account.write(
                lambda tx: remove_collection(tx, event_calendar(tx, calendar_id), user)
            ):
                pass

    @call()
    async def calendar_guests(self, caller: Caller, calendar_id: ID) -> list[CollectionGuest]:
        """The users with whom a calendar of one's own is shared."""
        async with self._entries(caller) as visit:
            found = await visit.account.read(
                lambda r: guests_of(r, event_calendar(r, calendar_id)), op="calendar-guests"
            )
        return shown_guests(self._server.config.current, found)


def _shown(one: Collection, source: Subscription | None) -> Calendar:
    shown = Calendar(one.id, one.display_name or one.name, one.shown_colour, one.hidden, one.total, one.name)
    if source is None:
        return shown
    return msgspec.structs.replace(
        shown, writable=False, source=source.url, read=source.succeeded // 1_000_000, problem=remark(source.error)
    )


def _calendars(r: Reader) -> list[Collection]:
    return [one for one in collections_of(r, "calendar") if "VEVENT" in one.components]


def event_calendar(r: Reader, calendar_id: int) -> Collection:
    """A calendar of one's own for events. Raises NoSuchCollection."""
    found = collection(r, calendar_id)
    if not found.has_events:
        raise NoSuchCollection("calendar not found")
    return found
