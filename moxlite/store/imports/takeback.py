"""Taking back an import: its messages are removed as long as they are where the import put them (WEBMAIL-141)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.types import MailboxID

SLICE: Final = 400
"""Messages removed in one unit: 10 ms, after which units of other callers go first."""

UNMOVED: Final = """
SELECT id, mailbox_id FROM message WHERE id >= ? AND id < ? AND mailbox_id = mailbox_orig_id ORDER BY id LIMIT ?"""


async def take_back(
    account: Account, first_id: int, messages: int, allowed: Callable[[Reader, MailboxID], bool]
) -> int:
    """Remove the messages of an import, whose ids follow each other; returns the number of those that were there.

    Messages that were moved stay, and messages of mailboxes that are not `allowed`. An error of `allowed` ends it: the
    messages of earlier slices are removed then.
    """
    at, end, removed = first_id, first_id + messages, 0

    def unit(tx: AccountTx) -> tuple[int, int]:
        rows = tx.rows(UNMOVED, at, end, SLICE)
        boxes = {mailbox_id for _, mailbox_id in rows if allowed(tx, MailboxID(mailbox_id))}
        ids = [message_id for message_id, mailbox_id in rows if mailbox_id in boxes]
        expunge_ids(tx, ids)
        return len(ids), rows[-1][0] + 1 if rows else end

    while at < end:
        count, at = await account.write(unit)
        removed += count
    return removed
