"""Mailboxes shared with others, and those that others share (IMAP-157)."""

from __future__ import annotations

from typing import Final

from moxlite.admin.shares import delegate_info
from moxlite.operations.access import ShareInfo
from moxlite.store.accounts.access import visited
from moxlite.store.errors import StoreError
from moxlite.store.mail.acl import all_acls, visible
from moxlite.store.mail.delegates import delegates
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.web.account.calls.common import AccountCalls
from moxlite.web.account.mailtypes import Received, Shares
from moxlite.web.calls import call
from moxlite.web.cookies import Caller

MAX_OWNERS: Final = 50
"""Accounts whose shares are shown; each is opened."""

MAX_BOXES: Final = 200
"""Mailboxes of one owner that are shown."""


class ShareCalls(AccountCalls):
    """The page of shared mailboxes; an operation changes them."""

    @call()
    async def shares(self, caller: Caller) -> Shares:
        """Mailboxes that the user shares, by name, and mailboxes that others share with the user."""
        guest = caller.require().account
        async with self._open(caller) as account:
            given = await account.read(all_acls, op="shares")
            boxes = await account.read(mailbox_rows.mailboxes, op="shares")
            senders = await account.read(delegates, op="shares")
        return Shares(
            [ShareInfo(*row) for row in given],
            await self._received(guest),
            [box.name for box in boxes if not box.system],
            [delegate_info(delegate) for delegate in senders],
        )

    async def _received(self, guest: str) -> list[Received]:
        found: list[Received] = []
        for owner in (await self._server.auth.sharing.owners(guest))[:MAX_OWNERS]:
            try:
                async with visited(self._server.accounts, self._server.auth, owner, guest) as account:
                    seen = await account.read(lambda r: visible(r, guest, MAX_BOXES), op="shares")
            except StoreError:  # one account that cannot be opened hides only what it shares
                continue
            found += [Received(owner, box.name, rights) for box, rights in seen]
        return found
