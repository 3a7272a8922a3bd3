"""Taking back an import: its messages are removed as long as they are where the import put them (WEBMAIL-141)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.types import MailboxID

__all__ = ["take_back"]

SLICE: Final = 400
"""Messages removed in one unit: 10 ms, after which units of other callers go first."""

UNMOVED: Final = """
SELECT id, mailbox_id FROM message WHERE id >= ? AND id < ? AND mailbox_id = mailbox_orig_id ORDER BY id LIMIT ?"""


async def take_back(account: Account, first_id: int, messages: int, check: Callable[[Reader, MailboxID], None]) -> int:
    """Remove the messages of an import, whose ids follow each other; returns the number of those that were there.

    Messages that were moved stay. `check` raises an error for a mailbox from which nothing may be removed: the messages
    of earlier slices are removed then.
    """
    end, removed = first_id + messages, 0

    def unit(tx: AccountTx) -> list[int]:
        rows = tx.rows(UNMOVED, first_id, end, SLICE)
        for mailbox_id in {mailbox_id for _, mailbox_id in rows}:
            check(tx, MailboxID(mailbox_id))
        ids = [message_id for message_id, _ in rows]
        expunge_ids(tx, ids)
        return ids

    while ids := await account.write(unit):
        removed += len(ids)
    return removed
