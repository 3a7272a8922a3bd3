"""What the groups of calls about events share; the calls for calendars that are read from addresses (DAV-44), and for
deleted events and contacts, which come back for 30 days (DAV-46).
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from moxlite.groupware.entries import BadEntry, Expander, TooBusy
from moxlite.groupware.people import addresses_of, user_of
from moxlite.groupware.subscribing import SubscriptionFailed, Subscriptions
from moxlite.proto.cards.calendarobject import BadObject
from moxlite.proto.cards.editing import Author
from moxlite.proto.cards.itip import NotAllowed
from moxlite.store.groupware.collection import (
    BadName,
    Collection,
    NoSuchCollection,
    ReadOnly,
    collection,
    ensure_defaults,
)
from moxlite.store.groupware.contacts import default_book
from moxlite.store.groupware.kept import KeptEntry, NotKept, kept_entries, kept_entry
from moxlite.store.groupware.resources import Facts, NoSuchResource, UIDTaken, put_resource, resource_named
from moxlite.store.groupware.scheduling import Elsewhere, default_calendar, put_entry
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, NotFound, Unavailable, UserError
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.querytypes import ID
from moxlite.wording import reason_of

if TYPE_CHECKING:
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.store.changelog.unit import AccountTx


COLOUR: Final = r"^(#[0-9A-Fa-f]{6})?$"

MOST: Final = 500
"""Deleted entries in an answer."""


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
    async def _entries(self, caller: Caller) -> AsyncIterator[tuple[OpenAccount, Expander]]:
        """The account and what reads its entries; refusals become errors of calls."""
        try:
            async with self._accounts.use(caller.require().account) as account:
                yield account, Expander(account, self._server.sandbox)
        except (BadEntry, BadObject, NotAllowed, BadName, ReadOnly, SubscriptionFailed) as error:
            raise UserError(reason_of(error)) from None
        except TooBusy:
            raise Unavailable("the server is busy, try again in a moment") from None
        except NoSuchCollection:
            raise NotFound("this calendar was removed") from None
        except NoSuchResource:
            raise NotFound("this event was removed") from None
        except (Elsewhere, UIDTaken) as error:
            raise Conflict(str(error)) from None


class SubscribingCalls(EntryCalls):
    """Calls about calendars that are read from addresses; `calendar_remove` ends a subscription."""

    @call(audit="calendar subscribed")
    async def calendar_subscribe(
        self,
        caller: Caller,
        calendar_url: Annotated[str, Meta(min_length=1, max_length=2000)],
        name: Annotated[str, Meta(max_length=200)] = "",
        colour: Annotated[str, Meta(pattern=COLOUR)] = "",
    ) -> int:
        """Make a calendar of the events at an address, https:// or webcal://, which is read now and each hour; returns
        its id. ``name``: by default as the file has it.
        """
        async with self._entries(caller) as (account, _):
            await account.write(ensure_defaults)
            return await self._subscriptions().add(account, calendar_url, " ".join(name.split()), colour)

    @call()
    async def calendar_refresh(self, caller: Caller, calendar_id: ID) -> None:
        """Read a subscribed calendar now. An error if it cannot be read: then it stays as it was."""
        async with self._entries(caller) as (account, _):
            failure = await self._subscriptions().refresh(account, calendar_id)
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
        """What was deleted in the last 30 days, the last first; at most 500."""
        async with self._entries(caller) as (account, _):
            found = await account.read(
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
            async with self._entries(caller) as (account, expander):
                kept, data = await account.read(lambda r: kept_entry(r, deleted_id), op="deleted")
                facts = await _facts(expander, kept, data)
                user = user_of(self._server.config.current, name, facts.addresses)

                def unit(tx: AccountTx) -> None:
                    home = _home(tx, kept)
                    taken = resource_named(tx, home.id, kept.name) is not None
                    free = f"{token_hex(16)}.{kept.name.rpartition('.')[2]}"[:200] if taken else kept.name
                    if kept.kind == "calendar":
                        put_entry(tx, home, free, data, facts, lambda _: None, user)
                    else:
                        put_resource(tx, home.id, free, data, facts)

                await account.write(unit)
        except NotKept as error:
            raise NotFound(str(error)) from None


async def _facts(expander: Expander, kept: KeptEntry, data: bytes) -> Facts:
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
