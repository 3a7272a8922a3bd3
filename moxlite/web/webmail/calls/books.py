"""The calls for address books: the user's own, and those that others share (WEBMAIL-128a)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from moxlite.proto.cards.cardobject import BadCard
from moxlite.store.accounts.access import publish_shares
from moxlite.store.errors import StoreError
from moxlite.store.groupware.collection import (
    Collection,
    CollectionChange,
    changed,
    create_collection,
    delete_collection,
    ensure_defaults,
    patch_collection,
)
from moxlite.store.groupware.contacts import ContactChanged, add_copy, move_contact
from moxlite.store.groupware.groups import count_groups
from moxlite.store.groupware.resources import NoSuchResource, Resource, delete_resource, resource_data
from moxlite.store.groupware.sharing import guests_of
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import NotFound, UserError
from moxlite.web.webmail.calls.shelves import Books, ShelfCalls, settle
from moxlite.web.webmail.querytypes import ID, AnyID
from moxlite.wording import reason_of

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader


class AddressBook(msgspec.Struct, frozen=True):
    """An address book. ``path``: last part of its address, its name for operations. ``contacts``: their number.
    ``owner``: the account that shares it, "" for an own one. ``writable``: the user may change its contacts.
    ``guests``: number of those with whom the user shares it.
    """

    id: int
    name: str
    path: str
    contacts: int
    owner: str = ""
    writable: bool = True
    guests: int = 0


class CollectionGuest(msgspec.Struct, frozen=True):
    """A user with rights on an address book or calendar: an account, or "anyone". ``name``: "" if not known."""

    account: str
    name: str
    writable: bool


def shown_name(text: str) -> str:
    """The name of a calendar or address book that a user has typed."""
    return " ".join(text.split())


def shown_guests(snapshot: Snapshot, guests: Sequence[tuple[str, bool]]) -> list[CollectionGuest]:
    """The guests of an address book or calendar (`guests_of`), with their names."""
    known = {name: snapshot.account(name) for name, _ in guests}
    return [
        CollectionGuest(name, "" if (account := known[name]) is None else account.full_name, writable)
        for name, writable in guests
    ]


class BookCalls(ShelfCalls):
    """Calls about address books."""

    @call()
    async def address_books(self, caller: Caller) -> list[AddressBook]:
        """The address books, the own ones first; a first one is made."""
        found: list[AddressBook] = []
        for shown in await self._shelves(caller):
            try:
                async with self._shelf(caller, shown) as shelf:
                    books = await shelf.account.read(partial(_books, shelf=shelf), op="address_books")
                    if not shown and not books:
                        await shelf.account.write(ensure_defaults)
                        books = await shelf.account.read(partial(_books, shelf=shelf), op="address_books")
            except (StoreError, NotFound):
                if not shown:
                    raise
                continue  # one broken account must not hide the others
            found += books
        return found

    @call(once=True)
    async def address_book_save(
        self, caller: Caller, name: Annotated[str, Meta(min_length=1, max_length=1000)], book_id: AnyID = 0
    ) -> int:
        """Make an address book, or rename the one with this id; returns its id."""

        wanted = CollectionChange(display_name=shown_name(name))

        def unit(tx: AccountTx) -> int:
            if not book_id:
                ensure_defaults(tx)
                return create_collection(tx, changed(Collection(0, "contact", f"c-{token_hex(8)}"), wanted)).id
            patch_collection(tx, shelf.find(tx, book_id), wanted)
            return book_id

        async with self._shelf(caller) as shelf:
            return await shelf.account.write(unit)

    @call(once=True)
    async def address_book_remove(self, caller: Caller, book_id: ID) -> None:
        """Remove an address book of one's own with its contacts, which come back for 30 days (DAV-46)."""
        async with self._shelf(caller) as shelf:
            await shelf.account.write(lambda tx: delete_collection(tx, shelf.find(tx, book_id).id))
            await publish_shares(self._holders.auth, shelf.account)

    @call()
    async def address_book_guests(self, caller: Caller, book_id: ID) -> list[CollectionGuest]:
        """The users with whom an address book of one's own is shared."""
        async with self._shelf(caller) as shelf:
            found = await shelf.account.read(lambda r: guests_of(r, shelf.find(r, book_id)), op="address_books")
        return shown_guests(self._server.config.current, found)

    @call(once=True)
    async def contact_move(self, caller: Caller, contact_id: ID, book_id: ID, keep: bool = False) -> int:
        """Move a contact to another address book, or with ``keep`` copy it; returns its id there. What leaves another
        user's address book can come back there (DAV-46).
        """
        async with self._shelf(caller, contact_id) as source:
            await settle(source.account)
            number = source.holder.local_id(contact_id)
            target = source.holder.local_id(book_id)
            if target >= 0:

                def unit(tx: AccountTx) -> int:
                    one = source.card(tx, number, write=not keep)
                    book = source.find(tx, target, write=True)
                    if one is None:
                        raise NoSuchResource("entry not found")
                    if keep:
                        return add_copy(tx, resource_data(tx, one.id), book)
                    move_contact(tx, one.id, book)
                    return one.id

                return source.holder.shown_id(await source.account.write(unit))
            resource, card = await source.account.read(lambda r: _card(r, source, number, write=not keep), op="contact")
            async with self._shelf(caller, book_id) as other:
                place = other.holder.local_id(book_id)
                try:
                    # Added there before it is removed here: no crash loses the contact, and at worst there are two.
                    made = await other.account.write(lambda tx: add_copy(tx, card, other.find(tx, place, write=True)))
                except BadCard as error:
                    raise UserError(reason_of(error)) from None
                made = other.holder.shown_id(made)
            if not keep:

                def remove(tx: AccountTx) -> None:
                    there = source.card(tx, number, write=True)
                    if there is not None:
                        delete_resource(tx, there.collection_id, there.name, _same_as(resource), keep=True)

                await source.account.write(remove)
            return made


def _card(r: Reader, shelf: Books, number: int, *, write: bool) -> tuple[Resource, bytes]:
    resource = shelf.card(r, number, write=write)
    if resource is None:
        raise NoSuchResource("entry not found")
    return resource, resource_data(r, resource.id)


def _same_as(resource: Resource) -> Callable[[Resource], None]:
    def allowed(there: Resource) -> None:
        if there.hash != resource.hash:
            raise ContactChanged("this contact was changed or deleted since you opened it")

    return allowed


def _books(r: Reader, shelf: Books) -> list[AddressBook]:
    holder = shelf.holder
    return [
        AddressBook(
            id=holder.shown_id(readable.collection.id),
            name=readable.collection.display_name or readable.collection.name,
            path=readable.collection.name,
            contacts=readable.collection.total - count_groups(r, readable.collection.id),
            owner=holder.owner if holder.guest else "",
            writable=readable.writable,
            guests=0 if holder.guest else len(guests_of(r, readable.collection)),
        )
        for readable in shelf.shared(r)
    ]
