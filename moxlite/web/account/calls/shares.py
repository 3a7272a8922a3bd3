"""Mailboxes shared with others, and those that others share (IMAP-157)."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

from moxlite.admin.shares import guest_of, share
from moxlite.store.accounts.access import visited
from moxlite.store.errors import NoSuchMailbox, StoreError
from moxlite.store.mail.acl import RIGHTS, all_acls, visible
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.web.account.calls.common import AccountCalls
from moxlite.web.account.mailtypes import Given, Received, Shares
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import FieldError, FieldErrors
from moxlite.wording import worded

MAX_OWNERS: Final = 50
"""Accounts whose shares are shown; each is opened."""

MAX_BOXES: Final = 200
"""Mailboxes of one owner that are shown."""

Name = Annotated[str, Meta(max_length=1000)]
Rights = Annotated[str, Meta(max_length=len(RIGHTS))]


class ShareCalls(AccountCalls):
    """The calls about shared mailboxes."""

    @call()
    async def shares(self, caller: Caller) -> Shares:
        """Mailboxes that the user shares, by name, and mailboxes that others share with the user."""
        guest = caller.require().account
        async with self._open(caller) as account:
            given = await account.read(all_acls, op="shares")
            boxes = await account.read(mailbox_rows.mailboxes, op="shares")
        return Shares(
            [Given(*row) for row in given],
            await self._received(guest),
            [box.name for box in boxes if not box.system],
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

    @call(audit="mailbox shared", confirm=True)
    async def share_set(self, caller: Caller, mailbox: Name, guest: Name, rights: Rights, below: bool) -> None:
        """Give an account, by name or address, just these rights (RFC 4314 §2.1) on a mailbox; "" for none."""
        own = caller.require().account
        identifier = guest_of(self._server.config.current, self._server.logins, guest.strip())
        mistakes = []
        if identifier is None:
            mistakes.append(FieldError("guest", "isn't an account on this server; you can only share with accounts"))
        elif identifier == own:
            mistakes.append(FieldError("guest", "is your own account, which has all rights"))
        if set(rights) - set(RIGHTS) or (rights and "l" not in rights):
            mistakes.append(FieldError("rights", worded("must be letters of {letters}, with l", letters=RIGHTS)))
        if mistakes or identifier is None:
            raise FieldErrors(mistakes)
        async with self._open(caller) as account:
            try:
                await share(account, self._server.auth, mailbox, identifier, rights, below=below, by=own)
            except NoSuchMailbox:
                raise FieldErrors([FieldError("mailbox", "is no longer there")]) from None
