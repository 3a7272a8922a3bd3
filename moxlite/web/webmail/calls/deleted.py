"""The calls for deleted events and contacts, which come back for 30 days (DAV-46)."""

from __future__ import annotations

import time
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from moxlite.groupware.entries import Expander, with_outcome
from moxlite.groupware.people import user_of
from moxlite.store.groupware.collection import Collection, NoSuchCollection, collection
from moxlite.store.groupware.contacts import default_book
from moxlite.store.groupware.kept import KeptEntry, NotKept, kept_entries, kept_entry
from moxlite.store.groupware.resources import ResourceFacts, put_resource, resource_named
from moxlite.store.groupware.scheduling import EntryPut, default_calendar, put_entry
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import NotFound
from moxlite.web.webmail.calls.entries import EntryCalls
from moxlite.web.webmail.querytypes import ID
from moxlite.wording import reason_of

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx


MOST: Final = 500
"""Deleted entries in an answer."""


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

    @call(once=True)
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
