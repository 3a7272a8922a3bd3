"""Base of the calls about the entries of calendars: the account that they are in, and how they change."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from moxlite.groupware.entries import BadEntry, Expander, TooBusy, read, with_outcome
from moxlite.groupware.people import addresses_of, guest_of, is_missing, user_of
from moxlite.groupware.subscribing import SubscriptionFailed
from moxlite.processor import off_loop
from moxlite.proto.address import Address
from moxlite.proto.cards.calendarobject import BadObject, CalendarObject
from moxlite.proto.cards.components import Component, write_component
from moxlite.proto.cards.editing import Author
from moxlite.proto.cards.itip import Message, NotAllowed
from moxlite.proto.cards.limits import MAX_ENTRY, TOO_LARGE
from moxlite.store.delivery.outgoing import OutgoingLimitExceeded, OutgoingLimits, check_outgoing
from moxlite.store.groupware.collection import BadName, Collection, NoSuchCollection, ReadOnly, collection
from moxlite.store.groupware.resources import NoSuchResource, Resource, UIDTaken, resource_named, resource_of
from moxlite.store.groupware.scheduling import EntryPut, InOtherCalendar, User, entry_name, move_entry, put_entry
from moxlite.store.groupware.sharing import NotWritable, Shelf
from moxlite.store.mail.delegates import right_to_send
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, NotFound, Unavailable, UserError
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.eventforms import ChangedEvent, UndoStep
from moxlite.wording import reason_of

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.store.search.index import IndexedAccount
    from moxlite.web.webmail.holders import Holder


Recurrence = Annotated[str, Meta(pattern=r"^([0-9]{8}(T[0-9]{6}Z?)?)?$")]
Seconds = Annotated[int, Meta(ge=-(2**40), le=2**40)]
UndoSeconds = Annotated[int, Meta(ge=0, le=60)]


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

    def invites(self, r: Reader) -> bool:
        """Whether the user may write to people of events in the owner's name."""
        return not self.holder.guest or right_to_send(r, self.holder.guest, time.time_ns() // 1000) is not None

    def calendar(self, r: Reader, local_id: int, *, write: bool = False) -> Collection:
        """A calendar for events; with `write`, the user wants to change these. Raises NoSuchCollection, NotWritable."""
        found = self.find(r, local_id, write=write)
        if not found.has_events:
            raise NoSuchCollection("calendar not found")
        return found

    def check_alone(self, r: Reader, resource: Resource | None) -> None:
        """Raise UserError if a guest would change a private entry."""
        if self.holder.guest and resource is not None and self.keeps_back(r, resource):
            raise UserError("only the calendar's owner can change private events")


class EntryCalls(AccountCalls):
    """Calls about the entries of calendars."""

    def _own(self, visit: Visit) -> frozenset[str]:
        """The addresses of the owner of the events."""
        return user_of(self._server.config.current, visit.account.name).addresses

    def _author(self, caller: Caller, visit: Visit) -> Author:
        """Invites people to events: their owner."""
        session, snapshot, owner = caller.require(), self._server.config.current, visit.account.name
        settings = snapshot.account(owner)
        name = "" if settings is None else settings.full_name
        addresses = addresses_of(snapshot, owner, *([] if visit.holder.guest else [session.address]))
        return Author(name, next(iter(addresses), ""), self._own(visit), int(time.time()))

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
        except (InOtherCalendar, UIDTaken) as error:
            raise Conflict(reason_of(error)) from None

    def _user(self, caller: Caller, visit: Visit, people: Iterable[str] = ()) -> User:
        """The user in whose name guests of an event hear of its changes."""
        snapshot = self._server.config.current
        if guest := visit.holder.guest:
            return guest_of(snapshot, visit.account.name, guest, caller.require().address, people)
        return user_of(snapshot, visit.account.name, people)

    async def _put_event(
        self, caller: Caller, visit: Visit, calendar_id: int, *made: tuple[Component, Resource | None], undo_s: int = 0
    ) -> ChangedEvent:
        """Put entries, each in place of another or as a new one, into a calendar in one unit; ``id`` of the result is
        of the last. `undo_s`: seconds for which the messages to their people wait.
        """
        # All are checked before the unit; then both halves of a series change, or
        # none.
        made_puts = [await self._put_of(caller, visit, calendar_id, *one, undo_s * 1_000_000) for one in made]
        told = [message for _, messages in made_puts for message in messages]
        await _check_limits(self._server.config.current, visit, told)
        changes = await visit.account.write(lambda tx: [put(tx) for put, _ in made_puts])
        undo = [step for change in changes for step in change.undo]
        return ChangedEvent(changes[-1].id, max(change.told for change in changes), undo)

    async def _put_of(
        self, caller: Caller, visit: Visit, calendar_id: int, made: Component, before: Resource | None, wait: int
    ) -> tuple[Callable[[AccountTx], ChangedEvent], Sequence[Message]]:
        """A function that puts an entry, and the messages about it that its people are owed."""
        data = (await off_loop(partial(write_component, made), kind="dav")).encode()
        if len(data) > MAX_ENTRY:
            raise UserError(TOO_LARGE)
        entry = await read(data)
        facts = await visit.expander.facts_of(entry)
        user = self._user(caller, visit, facts.addresses)
        name = f"{entry.uid}.ics" if before is None else before.name
        home_id = calendar_id if before is None else before.collection_id
        wanted = await with_outcome(visit.account, home_id, EntryPut(name, data, facts, user, wait=wait))
        shown_id = visit.holder.shown_id

        def put(tx: AccountTx) -> ChangedEvent:
            def allowed(there: Resource | None) -> None:
                visit.check_alone(tx, there)
                if before is not None:
                    check_unchanged(there, before.modseq)

            home = visit.calendar(tx, home_id, write=True)
            was = "" if before is None else visit.data(tx, before).decode("utf-8", "replace")
            done = put_entry(tx, home, msgspec.structs.replace(wanted, allowed=allowed))
            back = UndoStep(shown_id(home.id), name, was, done.resource.modseq, owed=tx.modseq() if wait else 0)
            if home.id == calendar_id:
                return ChangedEvent(shown_id(done.resource.id), done.told, [back])
            there = visit.calendar(tx, calendar_id, write=True)
            # Programs name entries as they like: another one there may have the name.
            new = name if resource_named(tx, there.id, name) is None else entry_name(entry.uid)
            visit.check_alone(tx, resource_named(tx, there.id, new))
            move_entry(tx, home, name, facts, (there, new), user)
            moved = resource_named(tx, there.id, new)
            assert moved is not None
            away = UndoStep(shown_id(there.id), new, "", moved.modseq, quiet=True)
            return ChangedEvent(shown_id(moved.id), done.told, [away, msgspec.structs.replace(back, changed=0)])

        return put, () if wanted.outcome is None else wanted.outcome.messages


async def shown_own(snapshot: Snapshot, visit: Visit) -> frozenset[str]:
    """The addresses by which events are the user's: of their owner, in whose name a guest may act; none for another
    guest.
    """
    may_act = await visit.account.read(visit.invites, op="calendars") if visit.holder.guest else True
    return user_of(snapshot, visit.account.name).addresses if may_act else frozenset()


async def _check_limits(snapshot: Snapshot, visit: Visit, messages: Sequence[Message]) -> None:
    """Raise UserError if the sending limits of the account keep messages about a change from its people."""
    settings = snapshot.account(visit.account.name)
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
        raise Conflict("this event was changed since you opened it")


def event_calendar(r: Reader, calendar_id: int) -> Collection:
    """A calendar of one's own for events. Raises NoSuchCollection."""
    found = collection(r, calendar_id)
    if not found.has_events:
        raise NoSuchCollection("calendar not found")
    return found
