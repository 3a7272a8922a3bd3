"""The calls for the view of mailing lists and newsletters (WEBMAIL-136a)."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from moxlite.store.errors import ChunkDamaged, NoSuchMessage, StoreError
from moxlite.store.people.gathering import BulkSender, Order, archive, bulk_senders, count_senders
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import UserError
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.items import EPOCH
from moxlite.web.webmail.querytypes import ID, Time
from moxlite.web.webmail.reading.parsed import left_by
from moxlite.web.webmail.types import Unsubscribe
from moxlite.web.webmail.unsubscribing import ask_once, forget, note

if TYPE_CHECKING:
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader


PAGE: Final = 50
"""Senders in one answer: the newest header of each is read, 15 ms for all."""

PATIENCE: Final = 1.0
"""Seconds for a look at new messages: after a large import, the rest is counted later."""

Microseconds = Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1)]


class Newsletter(msgspec.Struct, frozen=True):
    """A mailing list or newsletter: name and address of its newest message, number and octets of its messages.

    ``newest`` is the id of the newest message, ``received`` its time; ``read`` the time of the newest message of the
    last ones that was read. ``unsubscribe``: the ways to leave, None without one.
    """

    id: int
    name: str
    address: str
    messages: int
    size: int
    newest: int
    received: Time
    read: Time | None
    unsubscribe: Unsubscribe | None


class Newsletters(msgspec.Struct, frozen=True):
    """Some of the senders, and their number."""

    senders: list[Newsletter]
    total: int


class ArchivePlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place among the messages of a sender: time of reception, µs UTC, and id."""

    received: Microseconds
    id: ID


class NewsletterArchived(msgspec.Struct, frozen=True):
    """Messages that were moved, the mailboxes in which they were, and the unread ones among them. ``after``: where the
    next call goes on, None at the end.
    """

    ids: list[int]
    mailbox_ids: list[int]
    unread: list[int]
    after: ArchivePlace | None


class NewsletterCalls(AccountCalls):
    """Calls about mailing lists and newsletters of the user's own account."""

    @call()
    async def newsletters(
        self, caller: Caller, order: Order, position: Annotated[int, Meta(ge=0, le=2**31)] = 0
    ) -> Newsletters:
        """Mailing lists and newsletters, those with the most messages or octets first, 50 from a position on."""

        def read(r: Reader) -> Newsletters:
            return Newsletters(
                [_newsletter(r, bulk_sender) for bulk_sender in bulk_senders(r, order, PAGE, position)],
                count_senders(r),
            )

        async with self._accounts.use(caller.require().account) as account:
            with suppress(StoreError):  # such as of a full disk
                await account.gatherer.hurry(PATIENCE)
            return await account.scan(read, op="newsletters")

    @call(once=True)
    async def newsletter_archive(
        self, caller: Caller, sender_id: ID, after: ArchivePlace | None = None
    ) -> NewsletterArchived:
        """Move messages of a sender to the archive, and mark them as read, some hundred in a call. The next call goes
        on behind ``after``.
        """
        place = None if after is None else (after.received, after.id)
        async with self._accounts.use(caller.require().account) as account:
            done = await account.write(lambda tx: archive(tx, sender_id, place))
        if done is None:
            raise UserError("this account doesn't have an Archive folder")
        end = None if done.after is None else ArchivePlace(*done.after)
        return NewsletterArchived(done.ids, done.mailboxes, done.unread, end)


def _newsletter(r: Reader, bulk_sender: BulkSender) -> Newsletter:
    try:
        _, offered = left_by(r, bulk_sender.newest)
    except (NoSuchMessage, ChunkDamaged):
        offered = None
    return Newsletter(
        id=bulk_sender.id,
        name=bulk_sender.name,
        address=bulk_sender.address,
        messages=bulk_sender.messages,
        size=bulk_sender.size,
        newest=bulk_sender.newest,
        received=EPOCH + timedelta(microseconds=bulk_sender.received),
        read=EPOCH + timedelta(microseconds=bulk_sender.read) if bulk_sender.read else None,
        unsubscribe=offered,
    )


# Leaving a mailing list or newsletter, by one click or by a message of the user (WEBMAIL-136).


class UnsubscribeCalls(AccountCalls):
    """Calls about mailing lists and newsletters."""

    @call(once=True)
    async def unsubscribe(self, caller: Caller, message_id: ID, by_post: bool) -> None:
        """Leave the list of a message, and remember that. With `by_post` the server asks the sender's server, where
        one click is possible; otherwise the user has written a message or opened a page.
        """
        async with self._holders.at(caller.require(), message_id) as holder:

            def read(r: Reader) -> tuple[str, Unsubscribe | None]:
                holder.known(r, [message_id])
                holder.refuse_guest("you can only unsubscribe from your own mailing lists")
                return left_by(r, holder.local_id(message_id))

            sender, found = await holder.account.read(read, op="webmail_unsubscribe")
            if found is None or (by_post and not found.one_click):
                raise UserError("this list doesn't support this way of unsubscribing")
            if by_post:
                await ask_once(self._server.http, found)
            await holder.account.write(lambda tx: note(tx, sender))


async def remember_left(account: Account, message_id: int, *, left: bool) -> None:
    """Remember that the sender of a message of this account was left, or with ``left=False`` that the message about it
    was taken back. Nothing happens if the sender's message is gone.
    """
    try:
        sender, unsubscribe = await account.scan(lambda r: left_by(r, message_id), op="webmail_unsubscribe")
    except (NoSuchMessage, ChunkDamaged):
        return
    if unsubscribe is not None:
        await account.write(lambda tx: (note if left else forget)(tx, sender))
