"""Base of the calls about contacts: the address books of an account, which may be another user's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta

from moxlite.proto.cards.cardobject import read_card
from moxlite.proto.cards.photo import Photo, photo_of
from moxlite.store.groupware.collection import NoSuchCollection, has_due
from moxlite.store.groupware.contacts import settle_contacts
from moxlite.store.groupware.resources import NoSuchResource, Resource, UIDTaken, resource_data, resource_of
from moxlite.store.groupware.sharing import NotWritable, Shelf
from moxlite.web.cookies import Caller
from moxlite.web.errors import Conflict, NotAllowed, NotFound
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.holders import BITS
from moxlite.wording import reason_of

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.store.search.index import IndexedAccount
    from moxlite.web.webmail.holders import Holder


MAX_OWNERS: Final = 50
"""Accounts whose shared address books are shown; each is opened."""

GONE: Final = "this address book was deleted"
"""Also the answer for one that is not shared with the user."""


GroupName = Annotated[str, Meta(min_length=1, max_length=100)]


class Books(Shelf, frozen=True, eq=False, kw_only=True):
    """The address books of an account: the user's own, or the ones of another account that the user may read."""

    holder: Holder

    @property
    def account(self) -> IndexedAccount:
        """The account."""
        return self.holder.account

    def card(self, r: Reader, local_id: int, *, write: bool = False) -> Resource | None:
        """The card of a contact; None for one of the user's own that is gone. Raises NoSuchResource, NotAllowed."""
        resource = resource_of(r, local_id)
        if resource is None and not self.holder.guest:
            return None
        if resource is None or resource.component != "VCARD":
            raise NoSuchResource("entry not found")
        self.find(r, resource.collection_id, write=write)
        return resource

    def writable(self, r: Reader) -> frozenset[int] | None:
        """The ids of those that a guest may change; None for the owner, who may change all."""
        if not self.holder.guest:
            return None
        return frozenset(readable.collection.id for readable in self.shared(r) if readable.writable)

    def photo(self, r: Reader, local_id: int) -> Photo | None:
        """The photo of a contact, None without one. Raises NoSuchResource, NoSuchCollection."""
        resource = self.card(r, local_id)
        return None if resource is None else photo_of(read_card(resource_data(r, resource.id)).card)


class ShelfCalls(AccountCalls):
    """Calls about contacts."""

    @asynccontextmanager
    async def _shelf(self, caller: Caller, shown: int = 0) -> AsyncIterator[Books]:
        """The account of an id of the browser, the user's own without one; refusals become errors of calls."""
        try:
            async with self._holders.at(caller.require(), shown) as holder:
                yield Books("contact", holder.guest, holder=holder)
        except NoSuchCollection:
            raise NotFound(GONE) from None
        except NotWritable as error:
            raise NotAllowed(reason_of(error)) from None
        except NoSuchResource:
            raise NotFound("this contact was deleted") from None
        except UIDTaken:
            raise Conflict("this address book already has this contact") from None

    async def _shelves(self, caller: Caller) -> list[int]:
        """Ids of the browser for the accounts with address books that the user may read, the own one, 0, first."""
        guest = caller.require().account
        owners = await self._holders.auth.sharing.numbered_owners(guest, MAX_OWNERS)
        return [0, *(number << BITS | 1 for _, number in owners)]


async def settle(account: IndexedAccount) -> None:
    """Make the rows of all cards without them, which may take some units after a recovery."""
    while await account.read(has_due, op="contacts_due"):
        await account.write(settle_contacts)
