"""The calls for groups of contacts, and favorites (WEBMAIL-128g)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

from moxlite.normal import visible
from moxlite.store.errors import StoreError
from moxlite.store.groupware.groups import (
    GroupExists,
    create_group,
    group_members,
    groups_of,
    join_group,
    leave_group,
    remove_group,
    rename_group,
)
from moxlite.web.calls import call
from moxlite.web.composing.uploads import Party
from moxlite.web.cookies import Caller
from moxlite.web.errors import NotFound, UserError
from moxlite.web.webmail.calls.shelves import GroupName, ShelfCalls
from moxlite.web.webmail.holders import by_account
from moxlite.web.webmail.querytypes import AnyID

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.web.webmail.calls.shelves import Books

T = TypeVar("T")

MAX_CHOSEN: Final = 500
"""Contacts that are put into a group in one unit: 250 ms."""


class ContactGroup(msgspec.Struct, frozen=True):
    """A group, and the number of its contacts that the user may read."""

    name: str
    contacts: int


class GroupCard(msgspec.Struct, frozen=True):
    """A vCard of a group that was removed, and its address book."""

    book_id: int
    card: str


class GroupCalls(ShelfCalls):
    """Calls about groups."""

    @call()
    async def contact_groups(self, caller: Caller) -> list[ContactGroup]:
        """The groups of all address books that the user may read, by name."""
        found: Counter[str] = Counter()
        for shown in await self._shelves(caller):
            try:
                async with self._shelf(caller, shown) as shelf:
                    found.update(dict(await shelf.account.scan(partial(_groups, shelf=shelf), op="groups")))
            except (StoreError, NotFound):
                if not shown:
                    raise
                continue  # one broken account must not hide the others
        return [ContactGroup(name, found[name]) for name in sorted(found)]

    @call(once=True)
    async def contacts_group(
        self,
        caller: Caller,
        contact_ids: Annotated[list[AnyID], Meta(min_length=1, max_length=MAX_CHOSEN)],
        group: GroupName,
        member: bool = True,
    ) -> None:
        """Put contacts into a group, or take them out of it. The group ``starred`` is that of favorites."""
        name = _group(group)
        for ids in by_account(contact_ids):
            async with self._shelf(caller, ids[0]) as shelf:
                await shelf.account.write(partial(_change, shelf=shelf, ids=ids, group=name, member=member))

    @call(once=True)
    async def contact_group_save(
        self, caller: Caller, name: GroupName, group: Annotated[str, Meta(max_length=100)] = "", book_id: AnyID = 0
    ) -> str:
        """Make a group in an address book, by default the first, or rename ``group``; returns its name. A conflict if
        another group has the name. One that is there already is not made again.
        """
        wanted = _group(name)
        if group:
            await self._everywhere(caller, group, lambda tx, shelf: rename_group(tx, group, wanted, shelf.writable(tx)))
            return wanted
        async with self._shelf(caller, book_id) as shelf:

            def unit(tx: AccountTx) -> None:
                book = shelf.find(tx, shelf.holder.local_id(book_id), write=True) if book_id else None
                create_group(tx, wanted, book)

            await shelf.account.write(unit)
        return wanted

    @call(once=True)
    async def contact_group_remove(self, caller: Caller, group: GroupName) -> list[GroupCard]:
        """Remove a group, and not its contacts; returns the vCards with which `contact_restore` brings it back, none if
        it was gone.
        """

        def unit(tx: AccountTx, shelf: Books) -> list[GroupCard]:
            cards = remove_group(tx, group, shelf.writable(tx))
            return [GroupCard(shelf.holder.shown_id(book), card) for book, card in cards]

        return [card for cards in await self._everywhere(caller, group, unit) for card in cards]

    async def _everywhere(self, caller: Caller, group: str, change: Callable[[AccountTx, Books], T]) -> list[T]:
        """Change a group in all address books that the user may change; what that returned in each account."""
        found: list[T] = []
        for shown in await self._shelves(caller):
            try:
                async with self._shelf(caller, shown) as shelf:
                    books = await shelf.account.read(shelf.writable, op="groups")
                    known = await shelf.account.scan(lambda r: groups_of(r, books), op="groups")  # noqa: B023 at once
                    if not shown or any(name == group for name, _ in known):
                        found.append(await shelf.account.write(lambda tx: change(tx, shelf)))
            except GroupExists:
                raise
            except (StoreError, NotFound):
                if not shown:
                    raise
                continue  # one broken account must not stop the others
        return found

    @call()
    async def group_members(self, caller: Caller, group: GroupName) -> list[Party]:
        """The contacts of a group that have an address, as recipients."""
        async with self._accounts.use(caller.require().account) as account:
            found = await account.read(lambda r: group_members(r, group), op="group_members")
        return [Party(name, address) for name, address in found]


def _groups(r: Reader, shelf: Books) -> list[tuple[str, int]]:
    return groups_of(r, shelf.ids(r))


def _change(tx: AccountTx, shelf: Books, ids: Sequence[int], group: str, *, member: bool) -> None:
    numbers = [shelf.holder.local_id(shown) for shown in ids]
    for number in numbers:
        shelf.card(tx, number, write=True)
    change = join_group if member else leave_group
    change(tx, numbers, group, shelf.writable(tx))


def _group(name: str) -> str:
    """The name of a group as a card has it. Raises UserError."""
    group = " ".join(visible(name).split())
    if not group:
        raise UserError("name: enter a group name")
    return group
