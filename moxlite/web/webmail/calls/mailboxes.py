"""The calls that make, rename and remove mailboxes, and mark all in them as read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.mailboxes import create_mailbox, delete_in_slices, rename_mailbox, set_special_use
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.store.rows.views import unseen_ids
from moxlite.store.types import Flag, MailboxID
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.types import Name
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.holders import Holder, by_account
from moxlite.web.webmail.items import use_of_roles
from moxlite.web.webmail.querytypes import ID, IDs
from moxlite.web.webmail.types import Role

T = TypeVar("T")


class MailboxCalls(AccountCalls):
    """Calls for the mailboxes of the user's own account, and of those that others share."""

    @call()
    async def mailboxes_mark_read(self, caller: Caller, mailbox_ids: IDs) -> None:
        """Mark all messages of these mailboxes as read."""
        for ids in by_account(mailbox_ids):
            async with self._holders.at(caller.require(), ids[0]) as holder:

                def unit(tx: AccountTx, holder: Holder = holder, ids: Sequence[int] = ids) -> None:
                    for mailbox_id in map(holder.local_id, ids):
                        holder.check_box(tx, mailbox_id, "s")
                        mailbox_rows.mailbox(tx, mailbox_id)
                        if found := unseen_ids(tx, mailbox_id):
                            store_flags_ids(tx, found, mode="add", flags=Flag.SEEN)

                await holder.account.write(unit)

    @call()
    async def mailbox_create(self, caller: Caller, name: Name) -> int:
        """Create a mailbox and its missing parents; returns its id."""
        return await self._write(caller, lambda tx: int(create_mailbox(tx, name)[-1].id))

    @call()
    async def mailbox_rename(self, caller: Caller, mailbox_id: ID, name: Name) -> None:
        """Rename a mailbox and the mailboxes in it."""
        await self._write(caller, lambda tx: rename_mailbox(tx, MailboxID(mailbox_id), name))

    @call()
    async def mailbox_delete(self, caller: Caller, mailbox_id: ID) -> None:
        """Remove a mailbox with its messages; refused while it contains other mailboxes."""
        async with self._accounts.use(caller.require().account) as account:
            await delete_in_slices(account, lambda _: MailboxID(mailbox_id))

    @call()
    async def mailbox_set_special_use(self, caller: Caller, mailbox_id: ID, roles: list[Role]) -> None:
        """Give a mailbox exactly these roles; other mailboxes lose them."""
        use = use_of_roles(roles)
        await self._write(caller, lambda tx: set_special_use(tx, MailboxID(mailbox_id), use))

    async def _write(self, caller: Caller, unit: Callable[[AccountTx], T]) -> T:
        async with self._accounts.use(caller.require().account) as account:
            return await account.write(unit)
