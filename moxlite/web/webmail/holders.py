"""Whose message or mailbox an id of the browser means, and what the user may do there (WEBMAIL-62).

Theory of operation
-------------------
Ids are unique within an account. The browser's ids of another account have the number of that account (`auth.db`) above
their lowest 32 bits; one's own have none. So no call, page or event has to name an owner, and a call that knows nothing
of others finds none of their messages. Every call that does goes through `Holders.at`, which opens the account of an id
for its owner, and for those to whom it shares something; what a guest may do is read from the owner's file in the same
read or unit in which it is done. What the user may not read, what never was, and what belongs to an account that
doesn't share anything are all the same: NotFound.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.store.accounts.access import Access, check_rights, visited
from moxlite.store.errors import NoSuchMailbox, NoSuchMessage
from moxlite.store.mail.acl import rights_seen, visible
from moxlite.store.rows.views import mailboxes_of
from moxlite.store.search.index import IndexedAccount
from moxlite.store.types import MailboxID, MessageID
from moxlite.web.errors import NotAllowed, NotFound
from moxlite.web.guards import account_pages
from moxlite.web.webmail.items import mailbox_of, make_items, with_ids

if TYPE_CHECKING:
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.auth.authdb import AuthDB
    from moxlite.store.auth.sessions import Session
    from moxlite.store.file.transaction import Reader
    from moxlite.store.types import Mailbox as MailboxRow
    from moxlite.store.types import MessageRow
    from moxlite.web.webmail.types import Mailbox, MessageItem

__all__ = ["Holder", "Holders", "Scope", "by_account", "number_of"]

BITS: Final = 32
"""Of an id within its account: 4 billion messages. Above it there is room for 2 million accounts that share."""

LOCAL: Final = (1 << BITS) - 1

READING: Final = "lr"
"""Rights without which a mailbox of another is not there for the webmail: one that can't be opened is of no use."""

MAX_BOXES: Final = 500
"""Mailboxes of one owner that a guest sees: they are read together, each in 10 µs."""


def number_of(shown: int) -> int:
    """The number of the account that an id belongs to; 0 for one's own, and for what is no id."""
    return shown >> BITS if shown > 0 else 0


def by_account(shown: Iterable[int]) -> list[list[int]]:
    """Ids parted by the accounts that they belong to, each list in its order."""
    found: dict[int, list[int]] = {}
    for one in shown:
        found.setdefault(number_of(one), []).append(one)
    return [*found.values()]


def _may_read(rights: str) -> bool:
    return all(letter in rights for letter in READING)


class Holder(Access, frozen=True, eq=False, kw_only=True):
    """An account and what the user may do there; `number` is 0 for one's own."""

    account: IndexedAccount
    number: int = 0

    def shown_id(self, local: int) -> int:
        """An id of the account as the browser knows it; 0 stays 0."""
        return self.number << BITS | local if local else 0

    def local_id(self, shown: int) -> int:
        """An id of the browser within the account; -1, which nothing has, for one of another account. What is no id
        stays.
        """
        if shown <= 0:
            return shown
        return shown & LOCAL if number_of(shown) == self.number else -1

    def readable(self, r: Reader) -> frozenset[MailboxID] | None:
        """The mailboxes that the user may read; None for all of them."""
        if not self.guest:
            return None
        return frozenset(one for one, rights in rights_seen(r, self.guest, MAX_BOXES) if _may_read(rights))

    def seen(self, r: Reader) -> list[tuple[MailboxRow, str]]:
        """The mailboxes of another that the user may read, with the rights there."""
        found = visible(r, self.guest, MAX_BOXES)
        return [(box, rights) for box, rights in found if _may_read(rights)]

    def check_box(self, r: Reader, mailbox_id: int, needed: str = "") -> None:
        """Raises NoSuchMailbox for a mailbox that the user may not read, NoRight without the rights that are needed."""
        if self.guest:
            rights = self.rights(r, MailboxID(mailbox_id))
            if not _may_read(rights):
                raise NoSuchMailbox(self.shown_id(mailbox_id))
            check_rights(rights, needed)

    def check_message(self, r: Reader, message_id: int) -> None:
        """Raises NoSuchMessage for a message that the user may not read."""
        if self.guest:
            there = mailboxes_of(r, [message_id]).get(MessageID(message_id))
            try:
                self.check_box(r, there or 0)
            except NoSuchMailbox:
                raise NoSuchMessage(self.shown_id(message_id)) from None

    def known(self, r: Reader, shown: Sequence[int], needed: str = "") -> dict[MessageID, MailboxID]:
        """These messages by their ids in the account, each once, with their mailboxes.

        Raises NotFound naming the first that is not there for the user (WEBMAIL-26), NoRight.
        """
        found = mailboxes_of(r, [self.local_id(one) for one in shown])
        rights = {there: self.rights(r, there) for there in {*found.values()}} if self.guest else {}
        if self.guest:
            found = {one: there for one, there in found.items() if _may_read(rights[there])}
        missing = next((one for one in shown if MessageID(self.local_id(one)) not in found), None)
        if missing is not None:
            raise NotFound(f"message {missing} is not there, or no more")
        for given in rights.values():
            check_rights(given, needed)
        return found

    def refuse_guest(self, what: str) -> None:
        """Raises NotAllowed at the account of another: `what` is for one's own messages and mailboxes."""
        if self.guest:
            raise NotAllowed(f"{what}: only for what is your own")

    def items(self, r: Reader, rows: Sequence[MessageRow]) -> list[MessageItem]:
        """Rows of the list."""
        return [with_ids(item, self.shown_id) for item in make_items(r, rows)]

    def mailbox(self, box: MailboxRow, rights: str) -> Mailbox:
        """A mailbox of another as the browser knows it."""
        name = self.shown(box.name)
        return msgspec.structs.replace(
            mailbox_of(box), id=self.shown_id(box.id), name=name, owner=self.owner, rights=rights
        )


class Scope(msgspec.Struct, frozen=True, eq=False):
    """Mailboxes of an account that a query looks into, by their ids there."""

    holder: Holder
    mailboxes: frozenset[MailboxID]

    def readable(self, r: Reader) -> frozenset[MailboxID] | None:
        """As of the holder. Raises NoSuchMailbox when these mailboxes are not all among them any more."""
        found = self.holder.readable(r)
        if found is not None and not self.mailboxes <= found:
            raise NoSuchMailbox(self.holder.owner)
        return found


class Holders:
    """The ways of all users to accounts: their own and those of others."""

    def __init__(self, accounts: Accounts, auth: AuthDB) -> None:
        self.accounts = accounts
        self.auth = auth

    @asynccontextmanager
    async def at(self, session: Session, shown: int = 0) -> AsyncIterator[Holder]:
        """The account that has what this id names, open as long as the block lasts; one's own for what is no id. Raises
        NoSuchMessage where that is no account that shares anything with the user.
        """
        number = number_of(shown)
        if not number:
            async with self.accounts.use(session.account) as account:
                yield Holder(owner=session.account, account=account)
            return
        owner = await self.auth.owner_of(number)
        if owner is None:
            raise NoSuchMessage(shown)
        async with AsyncExitStack() as stack:
            opened = visited(self.accounts, self.auth, owner, session.account)
            try:
                account = await stack.enter_async_context(opened)
            except NoSuchMailbox:
                raise NoSuchMessage(shown) from None
            yield Holder(owner=owner, guest=session.account, account=account, number=number)

    @asynccontextmanager
    async def page(self, session: Session, shown: int = 0) -> AsyncIterator[Holder]:
        """The same for what is no call. Raises HTTPError 404, 503, 507."""
        with account_pages():
            async with self.at(session, shown) as holder:
                yield holder

    @asynccontextmanager
    async def exported(
        self, session: Session, ids: Sequence[int] | None
    ) -> AsyncIterator[tuple[IndexedAccount, tuple[int, ...] | None]]:
        """The account of messages that are to be exported, and their ids there. Raises HTTPError."""
        async with self.page(session, ids[0] if ids else 0) as holder:
            if ids is None:
                yield holder.account, None
                return
            if holder.guest:
                try:
                    await holder.account.read(lambda r: holder.known(r, ids), op="webmail_export")
                except NotFound:
                    raise NoSuchMessage(ids[0]) from None
            yield holder.account, tuple([holder.local_id(one) for one in ids])
