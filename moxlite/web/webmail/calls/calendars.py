"""The calls for calendars: the user's own, ones that others share (DAV-47), and ones at other addresses (DAV-44)."""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import UNSET, Meta

from moxlite.groupware.people import colleague_access, user_of
from moxlite.groupware.subscribing import Subscriptions
from moxlite.store.errors import StoreError
from moxlite.store.groupware.collection import (
    Collection,
    CollectionChange,
    changed,
    collections_of,
    create_collection,
    ensure_defaults,
    patch_collection,
)
from moxlite.store.groupware.scheduling import remove_collection
from moxlite.store.groupware.sharing import guests_of, patch_shared_view, shared_collections, shared_views
from moxlite.store.groupware.subscriptions import Subscription, subscriptions
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import NotFound, UserError
from moxlite.web.webmail.calls.books import CollectionGuest, shown_guests, shown_name
from moxlite.web.webmail.calls.entries import EntryCalls, event_calendar
from moxlite.web.webmail.eventforms import Calendar, CalendarChange, CalendarView
from moxlite.web.webmail.holders import BITS
from moxlite.web.webmail.querytypes import ID, AnyID
from moxlite.wording import remark

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader


MAX_OWNERS: Final = 50
"""Accounts whose shared calendars are shown; each is opened."""


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
                    shared, invites = await visit.account.read(
                        lambda r: (shared_collections(r, "calendar", guest), visit.invites(r)), op="calendars"
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
                        second_zone="",
                        colour=colour or shown.colour,
                        hidden=hidden,
                        writable=foreign.writable and not place.subscribed,
                        owner=owner,
                        invites=invites,
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

    @call(once=True)
    async def calendar_save(self, caller: Caller, change: CalendarChange, calendar_id: AnyID = 0) -> int:
        """Make a calendar, or change the one with this id; returns its id."""
        wanted = CollectionChange(
            display_name=change.name if change.name is UNSET else shown_name(change.name),
            colour=change.colour,
            hidden=change.hidden,
            access=None if change.access == "usual" else change.access,
            second_zone=change.second_zone,
        )

        def unit(tx: AccountTx) -> int:
            if not calendar_id:
                blank = Collection(0, "calendar", f"c-{token_hex(8)}", components=("VEVENT",))
                return create_collection(tx, changed(blank, wanted)).id
            patch_collection(tx, event_calendar(tx, calendar_id), wanted)
            return calendar_id

        async with self._entries(caller) as visit:
            return await visit.account.write(unit)

    @call(once=True)
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
    name, zone = one.display_name or one.name, one.second_zone
    shown = Calendar(one.id, name, one.shown_colour, one.hidden, one.total, one.name, second_zone=zone)
    if source is None:
        return shown
    failed, left = (source.error, "") if source.failures else ("", source.error)
    return msgspec.structs.replace(
        shown,
        writable=False,
        source=source.url,
        read=source.succeeded // 1_000_000,
        problem=remark(failed),
        left=remark(left),
    )


def _calendars(r: Reader) -> list[Collection]:
    return [one for one in collections_of(r, "calendar") if "VEVENT" in one.components]
