"""What a session has at one account: its own, or that of another user whose mailbox it has selected (IMAP-157)."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from moxlite.imapd.session.access import Access, open_account
from moxlite.store.changelog.bus import Cursor
from moxlite.store.search.index import IndexedAccount

if TYPE_CHECKING:
    from moxlite.imapd.session.session import Session
    from moxlite.imapd.session.sessions import AccountShare

__all__ = ["Seat", "visit"]


class Seat(Access, frozen=True, eq=False, kw_only=True):
    """A session's place at an account. Message ids, UIDs and modseqs of a view mean something only at its seat.

    cursor: our position on the account's change bus. share: what we have in common with its other sessions. stack:
    what is left with the seat; that of one's own account is left with the session.
    """

    account: IndexedAccount
    cursor: Cursor
    share: AccountShare
    stack: AsyncExitStack

    async def spelled(self, keywords: tuple[str, ...]) -> tuple[str, ...]:
        """Keywords as first written in the account (IMAP-109)."""
        return await self.share.spelled(self.account, keywords)


async def visit(session: Session, owner: str) -> Seat:
    """Take a seat at the account of another user. Raises NoSuchMailbox if it shares nothing with this one."""
    sessions = session.context.sessions
    async with AsyncExitStack() as stack:
        account = await stack.enter_async_context(open_account(session, owner))
        share = sessions.visit(owner)
        stack.callback(sessions.end_visit, share)
        _, cursor = await account.subscribe(keep_own=True)
        stack.enter_context(cursor)
        share.sharing = sessions.sharing(account)
        return Seat(
            owner=owner,
            guest=session.home.owner,
            account=account,
            cursor=cursor,
            share=share,
            stack=stack.pop_all(),
        )
    raise AssertionError("not reached")
