"""Leaving a mailing list or newsletter, by one click or by a message of the user (WEBMAIL-136)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moxlite.store.errors import ChunkDamaged, NoSuchMessage
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import UserError
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.querytypes import ID
from moxlite.web.webmail.reading.parsed import left_by
from moxlite.web.webmail.unsubscribing import ask_once, forget, note

if TYPE_CHECKING:
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader
    from moxlite.web.webmail.types import Unsubscribe


class UnsubscribeCalls(AccountCalls):
    """Calls about mailing lists and newsletters."""

    @call()
    async def unsubscribe(self, caller: Caller, message_id: ID, by_post: bool) -> None:
        """Leave the list of a message, and remember that. With `by_post` the server asks the sender's server, where
        one click is possible; otherwise the user has written a message or opened a page.
        """
        async with self._holders.at(caller.require(), message_id) as holder:

            def read(r: Reader) -> tuple[str, Unsubscribe | None]:
                holder.known(r, [message_id])
                holder.refuse_guest("lists are left")
                return left_by(r, holder.local_id(message_id))

            sender, found = await holder.account.read(read, op="webmail_unsubscribe")
            if found is None or (by_post and not found.one_click):
                raise UserError("this message offers no such way")
            if by_post:
                await ask_once(self._server.http, found)
            await holder.account.write(lambda tx: note(tx, sender))


async def remember_left(account: Account, message_id: int, *, left: bool) -> None:
    """Remember that the sender of a message of this account was left, or with ``left=False`` that the message about it
    was taken back. Nothing happens if the sender's message is gone.
    """
    try:
        sender, found = await account.scan(lambda r: left_by(r, message_id), op="webmail_unsubscribe")
    except (NoSuchMessage, ChunkDamaged):
        return
    if found is not None:
        await account.write(lambda tx: (note if left else forget)(tx, sender))
