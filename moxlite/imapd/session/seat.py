"""Seat of a session at one account: its own, or the account of another user whose mailbox it has selected
(IMAP-157).
"""

from contextlib import AsyncExitStack

from moxlite.imapd.session.sessions import AccountShare
from moxlite.store.accounts.access import Access
from moxlite.store.changelog.bus import Cursor
from moxlite.store.search.index import IndexedAccount


class Seat(Access, frozen=True, eq=False, kw_only=True):
    """A session's place at an account. Message ids, UIDs and modseqs of a view mean something only at its seat.

    cursor: the session's position on the account's change bus. share: state shared with the account's other sessions.
    stack: releases resources with the seat, or for the user's own account with the session.
    """

    account: IndexedAccount
    cursor: Cursor
    share: AccountShare
    stack: AsyncExitStack

    async def spelled(self, keywords: tuple[str, ...]) -> tuple[str, ...]:
        """Keywords as first written in the account (IMAP-109)."""
        return await self.share.spelled(self.account, keywords)
