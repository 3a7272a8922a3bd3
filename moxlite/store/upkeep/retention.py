"""Removing old messages from mailboxes with a retention time, such as Trash after 30 days (STORE-192).

Runs nightly. Messages are removed as by EXPUNGE, so subscribers get events, and the messages can be undeleted for a
while. The age counts from the time when a message came into the mailbox (`savedate`), not from its reception.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Final

from moxlite.store.changelog.account import Account
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.expunging import expunge
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import UID, MailboxID

logger = logging.getLogger("moxlite.store.retention")

BATCH: Final = 500
"""Messages of one unit: 20 ms, so that other units get in between."""

OLD: Final = "SELECT uid FROM message WHERE mailbox_id = ? AND savedate < ? ORDER BY uid LIMIT ?"


async def expire(account: Account, now: int) -> int:
    """Remove messages that are too old at `now` (µs UTC) by the account's configuration; returns their number. Raises
    as `Account.write`.
    """
    removed = 0
    for name, age in account.config.expire_after.items():
        box = await account.read(partial(mailbox_by_name, name=name), op="expire")
        if box is None or box.system:
            continue
        before = now - age
        while uids := await account.scan(partial(_old, mailbox_id=box.id, before=before), op="expire"):
            done = await account.write(partial(expunge, mailbox_id=box.id, uids=uids))
            removed += len(done.uids)
            if not done.uids:
                break  # another task removed them meanwhile, or the mailbox
    if removed:
        logger.info("messages expired", extra={"kv": {"account": account.name, "messages": removed}})
    return removed


def _old(r: Reader, mailbox_id: MailboxID, before: int) -> list[UID]:
    return [UID(uid) for (uid,) in r.rows(OLD, mailbox_id, before, BATCH)]
