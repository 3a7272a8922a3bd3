"""The account and the user's rights behind an id of the browser (WEBMAIL-62).

Theory of operation
-------------------
Ids are unique within an account. The browser's ids for another account have the number of that account (`auth.db`)
above their lowest 32 bits; for the user's own account these bits are 0. So no call, page or event has to name an owner,
and a call without support for shared mailboxes cannot reach messages of others. Calls with support use `Holders.at`. It
opens the account of an id for its owner, and for the guests to whom the owner shares mailboxes. A guest's rights are
read from the owner's file in the same read or transaction as the operation. An id that the user may not read, an id
that never existed, and an id of an account that shares nothing all give the same error: NotFound.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.store.accounts.access import Access, check_rights, may_read, shares_drafts, visited
from moxlite.store.accounts.accounts import IDLE
from moxlite.store.errors import NoSuchMailbox, NoSuchMessage
from moxlite.store.rows.views import mailboxes_of
from moxlite.store.search.index import IndexedAccount
from moxlite.store.types import MailboxID, MessageID
from moxlite.web.errors import NotAllowed, NotFound
from moxlite.web.guards import account_pages
from moxlite.web.webmail.items import mailbox_of, make_items, with_ids
from moxlite.wording import worded

if TYPE_CHECKING:
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.auth.authdb import AuthDB
    from moxlite.store.auth.sessions import Session
    from moxlite.store.file.transaction import Reader
    from moxlite.store.types import Mailbox as MailboxRow, MessageRow
    from moxlite.web.webmail.types import Mailbox, MessageItem

BITS: Final = 32
"""Bits of an id within its account: 4 billion messages. The bits above are enough for 2 million accounts that share."""

LOCAL: Final = (1 << BITS) - 1

MAX_OWNERS: Final = 50
"""Accounts whose mailboxes one stream shows. The stream holds each of them open, which takes 1 MB."""


def number_of(shown: int) -> int:
    """The number of the account that an id belongs to; 0 for the user's own account, and for a value that is not an
    id.
    """
    return shown >> BITS if shown > 0 else 0


def by_account(shown: Iterable[int]) -> list[list[int]]:
    """Group ids by account; each group keeps their order."""
    found: dict[int, list[int]] = {}
    for one in shown:
        found.setdefault(number_of(one), []).append(one)
    return [*found.values()]


class Holder(Access, frozen=True, eq=False, kw_only=True):
    """An account and the user's rights in it. `number` is 0 for the user's own account."""

    account: IndexedAccount
    number: int = 0

    def shown_id(self, local: int) -> int:
        """The browser's form of an id of the account; 0 stays 0."""
        return self.number << BITS | local if local else 0

    def local_id(self, shown: int) -> int:
        """The account's form of an id of the browser. An id of another account becomes -1, which no object has. A value
        that is not an id is returned unchanged.
        """
        if shown <= 0:
            return shown
        return shown & LOCAL if number_of(shown) == self.number else -1

    def check_box(self, r: Reader, mailbox_id: int, needed: str = "") -> None:
        """Raise NoSuchMailbox for a mailbox that the user may not read, NoRight if a right in `needed` is missing."""
        if self.guest:
            rights = self.rights(r, MailboxID(mailbox_id))
            if not may_read(rights):
                raise NoSuchMailbox(self.shown_id(mailbox_id))
            check_rights(rights, needed)

    def check_message(self, r: Reader, message_id: int) -> None:
        """Raise NoSuchMessage for a message that the user may not read."""
        if self.guest:
            # By the mailbox of this moment: a message that its owner has moved away is gone for the guest, though the
            # id is known.
            there = mailboxes_of(r, [message_id]).get(MessageID(message_id))
            try:
                self.check_box(r, there or 0)
            except NoSuchMailbox:
                raise NoSuchMessage(self.shown_id(message_id)) from None

    def known(self, r: Reader, shown: Sequence[int], needed: str = "") -> dict[MessageID, MailboxID]:
        """The messages by their ids in the account, each once, with their mailboxes.

        Raises NotFound with the first id that does not exist for the user (WEBMAIL-26), NoRight.
        """
        mailbox_ids = mailboxes_of(r, [self.local_id(one) for one in shown])
        rights = {there: self.rights(r, there) for there in {*mailbox_ids.values()}} if self.guest else {}
        if self.guest:
            mailbox_ids = {message_id: there for message_id, there in mailbox_ids.items() if may_read(rights[there])}
        # What may not be read is missing like what never was: else a guest could count the messages of other mailboxes.
        missing = next((one for one in shown if MessageID(self.local_id(one)) not in mailbox_ids), None)
        if missing is not None:
            raise NotFound(worded("message {missing} no longer exists", missing=str(missing)))
        for given in rights.values():
            check_rights(given, needed)
        return mailbox_ids

    def refuse_guest(self, reason: str) -> None:
        """Raise NotAllowed with this text for a guest."""
        if self.guest:
            raise NotAllowed(reason)

    def items(self, r: Reader, rows: Sequence[MessageRow]) -> list[MessageItem]:
        """The list rows of these messages."""
        return [with_ids(item, self.shown_id) for item in make_items(r, rows)]

    def mailbox(self, box: MailboxRow, rights: str) -> Mailbox:
        """A mailbox in the form that guests' browsers get."""
        name = self.shown(box.name)
        return msgspec.structs.replace(
            mailbox_of(box), id=self.shown_id(box.id), name=name, owner=self.owner, rights=rights
        )


class Scope(msgspec.Struct, frozen=True, eq=False):
    """Mailboxes of an account that a query searches, by their ids there."""

    holder: Holder
    mailboxes: frozenset[MailboxID]

    def readable(self, r: Reader) -> frozenset[MailboxID] | None:
        """As `Holder.readable`. Raises NoSuchMailbox if the user may no longer read all of these mailboxes."""
        mailbox_ids = self.holder.readable(r)
        if mailbox_ids is not None and not self.mailboxes <= mailbox_ids:
            raise NoSuchMailbox(self.holder.owner)
        return mailbox_ids


class Holders:
    """Opens accounts for their users: the user's own account, and accounts that share mailboxes."""

    def __init__(self, accounts: Accounts, auth: AuthDB) -> None:
        self.accounts = accounts
        self.auth = auth

    @asynccontextmanager
    async def at(self, session: Session, shown: int = 0) -> AsyncIterator[Holder]:
        """Open the account that an id of the browser belongs to, for the duration of the block. The user's own account
        is opened for a value that is not an id. Raises NoSuchMessage if the account does not exist, or shares nothing
        with the user.
        """
        number = number_of(shown)
        owner = await self.auth.sharing.owner_of(number) if number else session.account
        if owner is None:
            raise NoSuchMessage(shown)
        async with AsyncExitStack() as stack:
            try:
                holder = await stack.enter_async_context(self._opened(session, owner, number))
            except NoSuchMailbox:
                raise NoSuchMessage(shown) from None
            yield holder

    @asynccontextmanager
    async def drafts(self, session: Session, owner: str) -> AsyncIterator[Holder]:
        """Open the account that keeps the drafts of mail from the addresses of `owner`, an account: the same, if the
        user writes from them and works on drafts there; else the user's own.
        """
        numbers = dict(await self.auth.sharing.numbered_owners(session.account, MAX_OWNERS))
        async with AsyncExitStack() as stack:
            holder = None
            if owner in numbers:
                with suppress(NoSuchMailbox):
                    visit = await stack.enter_async_context(self._opened(session, owner, numbers[owner]))
                    if await visit.account.read(lambda r: shares_drafts(r, session.account), op="drafts"):
                        holder = visit
            if holder is None:
                holder = await stack.enter_async_context(self._opened(session, session.account, 0))
            # Outside of `suppress`, which would hide an error of the block.
            yield holder

    @asynccontextmanager
    async def _opened(self, session: Session, owner: str, number: int) -> AsyncIterator[Holder]:
        """Open an account, with its number. Raises NoSuchMailbox if it shares nothing with the user."""
        if not number:
            async with self.accounts.use(owner, linger=IDLE) as account:
                yield Holder(owner=owner, account=account)
            return
        # By `visited`, which asks auth.db first: a user who guesses numbers has no accounts of others opened.
        async with visited(self.accounts, self.auth, owner, session.account) as account:
            yield Holder(owner=owner, guest=session.account, account=account, number=number)

    @asynccontextmanager
    async def page(self, session: Session, shown: int = 0) -> AsyncIterator[Holder]:
        """As `at`, for requests that are not API calls. Raises HTTPError 404, 503, 507."""
        with account_pages():
            async with self.at(session, shown) as holder:
                yield holder

    @asynccontextmanager
    async def exported(
        self, session: Session, ids: Sequence[int] | None
    ) -> AsyncIterator[tuple[IndexedAccount, tuple[int, ...] | None]]:
        """Open the account of messages to export; gives it with their ids there. Raises HTTPError."""
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
