"""Deleting a mailbox (STORE-13, IMAP-64) and moving all its messages (RENAME of Inbox, IMAP-65), in slices."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from moxlite.store.changelog.account import Account
from moxlite.store.changelog.bus import Cursor
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.mail.copying import move_messages
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.mailboxes import check_deletable, delete_mailbox
from moxlite.store.types import MailboxID

SLICE: Final = 400
"""Messages removed or moved in one unit: 10 ms, after which units of other callers go first."""

FIRST: Final = "SELECT uid FROM message WHERE mailbox_id = ? ORDER BY uid LIMIT ?"
BELOW: Final = "SELECT uid FROM message WHERE mailbox_id = ? AND uid < ? ORDER BY uid LIMIT ?"


async def delete_in_slices(
    account: Account, find: Callable[[AccountTx], MailboxID], origin: Cursor | None = None
) -> None:
    """As `mailboxes.delete_mailbox`, for any number of messages: each slice is a unit, the last one removes the
    mailbox.

    Args:
      find: finds the mailbox, in the first unit; its errors are raised unchanged.

    Raises the errors of `find` and `delete_mailbox`. After a cancellation, or if a mailbox is created below it
    meanwhile, the mailbox still exists with fewer messages.
    """

    def begin(tx: AccountTx) -> MailboxID | None:
        return remove(tx, find(tx))

    def remove(tx: AccountTx, mailbox_id: MailboxID) -> MailboxID | None:
        check_deletable(tx, mailbox_id)
        uids = [uid for (uid,) in tx.rows(FIRST, mailbox_id, SLICE + 1)]
        if len(uids) > SLICE:
            expunge(tx, mailbox_id, uids[:SLICE])
            return mailbox_id
        delete_mailbox(tx, mailbox_id)
        return None

    left = await account.write(begin, origin)
    while left is not None:
        left = await account.write(partial(remove, mailbox_id=left), origin)


async def move_in_slices(
    account: Account, source_id: MailboxID, uidnext: int, target_id: MailboxID, origin: Cursor | None = None
) -> None:
    """Move the messages that a mailbox had when `uidnext` was its next UID, each slice in a unit of its own.

    Raises as `copying.move_messages`. After an error or a cancellation, the remaining messages are where they were.
    """

    def move(tx: AccountTx) -> bool:
        uids = [uid for (uid,) in tx.rows(BELOW, source_id, uidnext, SLICE)]
        move_messages(tx, source_id, uids, target_id)
        return len(uids) == SLICE

    while await account.write(move, origin):
        pass
