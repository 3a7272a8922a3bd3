"""Remembering that a list or newsletter is left by a message of the user (WEBMAIL-136)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moxlite.store.errors import ChunkDamaged, NoSuchMessage
from moxlite.web.webmail.reading.parsed import left_by
from moxlite.web.webmail.unsubscribing import forget, note

if TYPE_CHECKING:
    from moxlite.store.changelog.account import Account

__all__ = ["remember_left"]


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
