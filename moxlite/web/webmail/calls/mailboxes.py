"""The calls for mailboxes: marking them as read, making, renaming and removing them, and their roles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING

from moxlite.store.accounts.access import folder_change
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.mailboxes import SLICE, create_mailbox, delete_in_slices, rename_subscribed, set_special_use
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.store.rows.views import unseen_ids
from moxlite.store.types import Flag, Mailbox, MailboxID
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.types import Name
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.holders import Holder, by_account
from moxlite.web.webmail.items import use_of_roles
from moxlite.web.webmail.querytypes import ID, Counter, IDs
from moxlite.web.webmail.types import Role

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader


class MailboxCalls(AccountCalls):
    """Calls for the mailboxes of the user's own account, and of those that others share."""

    @call()
    async def mailboxes_mark_read(self, caller: Caller, mailbox_ids: IDs) -> None:
        """Mark all messages of these mailboxes as read."""
        for ids in by_account(mailbox_ids):
            async with self._holders.at(caller.require(), ids[0]) as holder:
                read = partial(_unread, holder=holder, shown=ids)
                left: Sequence[tuple[MailboxID, int]] = await holder.account.read(read, op="webmail_unread")
                while left:
                    left = await holder.account.write(partial(_read_next, holder=holder, left=left))

    @call(once=True)
    async def mailbox_create(self, caller: Caller, name: Name, beside: Counter = 0) -> int:
        """Create a mailbox and its missing parents, in the account of mailbox `beside` (0: own); returns its id."""

        def unit(tx: AccountTx) -> int:
            return create_mailbox(tx, holder.check_new(tx, name))[-1].id

        async with (
            self._holders.at(caller.require(), beside) as holder,
            self._change(holder, "folder created", partial(holder.check_new, name=name)),
        ):
            return holder.shown_id(await holder.account.write(unit))

    @call(once=True)
    async def mailbox_rename(self, caller: Caller, mailbox_id: ID, name: Name) -> None:
        """Rename a mailbox and the mailboxes in it; `name`: within its account."""

        def names(r: Reader) -> tuple[MailboxID, str, str]:
            box = _removable(r, holder, mailbox_id)
            return box.id, box.name, holder.check_new(r, name)

        def unit(tx: AccountTx) -> None:
            number, _, new = names(tx)
            rename_subscribed(tx, number, new)

        async with (
            self._holders.at(caller.require(), mailbox_id) as holder,
            self._change(holder, "folder renamed", lambda r: " → ".join(names(r)[1:])),
        ):
            await holder.account.write(unit)

    @call(once=True)
    async def mailbox_delete(self, caller: Caller, mailbox_id: ID) -> None:
        """Remove a mailbox; refused while it contains other mailboxes. Its messages are removed, too; of another
        account they move to Trash there.
        """

        def find(r: Reader) -> Mailbox:
            box = _removable(r, holder, mailbox_id)
            holder.check_removal(r, box)
            return box

        async with (
            self._holders.at(caller.require(), mailbox_id) as holder,
            self._change(holder, "folder deleted", lambda r: find(r).name),
        ):
            guest, write = bool(holder.guest), holder.account.write
            await delete_in_slices(write, lambda tx: find(tx).id, unsubscribes=not guest, keeps=guest)

    @call()
    async def mailbox_set_special_use(self, caller: Caller, mailbox_id: ID, roles: list[Role]) -> None:
        """Give a mailbox exactly these roles; other mailboxes lose them."""
        use = use_of_roles(roles)
        async with self._accounts.use(caller.require().account) as account:
            await account.write(lambda tx: set_special_use(tx, MailboxID(mailbox_id), use))

    def _change(
        self, holder: Holder, action: str, change: Callable[[Reader], str]
    ) -> AbstractAsyncContextManager[None]:
        return folder_change(self._holders.auth, holder, holder.account, action, change)


def _removable(r: Reader, holder: Holder, shown: int) -> Mailbox:
    """The mailbox behind an id of the browser, to which the user has ``x``. Raises NoSuchMailbox, NoRight."""
    number = MailboxID(holder.local_id(shown))
    holder.check_box(r, number, "x")
    return mailbox_rows.mailbox(r, number)


def _unread(r: Reader, holder: Holder, shown: Sequence[int]) -> list[tuple[MailboxID, int]]:
    """Each of the mailboxes with its next UID: mail that comes later stays unread. Raises NoSuchMailbox, NoRight."""
    ends: list[tuple[MailboxID, int]] = []
    for mailbox_id in dict.fromkeys(map(holder.local_id, shown)):
        holder.check_box(r, mailbox_id, "s")
        box = mailbox_rows.mailbox(r, mailbox_id)
        ends.append((box.id, box.uidnext))
    return ends


def _read_next(tx: AccountTx, holder: Holder, left: Sequence[tuple[MailboxID, int]]) -> Sequence[tuple[MailboxID, int]]:
    """Mark the next slice of messages as read; returns the mailboxes that are left."""
    room = SLICE
    for place, (mailbox_id, uidnext) in enumerate(left):
        holder.check_box(tx, mailbox_id, "s")
        message_ids = unseen_ids(tx, mailbox_id, uidnext, room)
        if message_ids:
            store_flags_ids(tx, message_ids, mode="add", flags=Flag.SEEN)
        room -= len(message_ids)
        if not room:
            return left[place:]
    return []
