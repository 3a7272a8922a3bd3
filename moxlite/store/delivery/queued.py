"""Messages that the queue shows in the system's mailbox (IMAP-162): adding and removing them.

The queue names each submission by a key. A row of `queued` records that a submission was shown, and its message; it
stays until the queue has finished with the submission. So steps that the queue repeats after a crash do nothing twice,
and a message that the owner canceled does not come back. The messages cost no quota, no rule applies to them, and they
cannot be undeleted.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Final

from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import Prepared, held_body
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.adding import add_message
from moxlite.store.mail.expunging import expunge_queued
from moxlite.store.mail.mailboxes import add_system_mailbox, drop_system_mailbox, rename_system_mailbox
from moxlite.store.mail.systemmailbox import QUEUE, queue_mailbox
from moxlite.store.rows.mailboxes import mailbox_by_name, state
from moxlite.store.types import Flag, Mailbox, MailboxID

logger = logging.getLogger("moxlite.store.queued")

SLICE: Final = 200
"""Messages removed in one unit: 10 ms."""

KNOWN: Final = "SELECT 1 FROM queued WHERE key = ?"
NOTE: Final = "INSERT INTO queued (key, message_id) VALUES (?, ?)"
FORGET: Final = "DELETE FROM queued WHERE key = ? RETURNING message_id"
KEYS: Final = "SELECT key FROM queued"
FORGET_ALL: Final = "DELETE FROM queued"
SOME: Final = "SELECT id FROM message WHERE mailbox_id = ? ORDER BY uid LIMIT ?"


def queued_keys(r: Reader) -> set[bytes]:
    """Keys of all submissions that are shown, or were shown and canceled. For a scan."""
    return {key for (key,) in r.iterate(KEYS)}


def created_at(r: Reader) -> int:
    """Creation time of the account, µs UTC: submissions queued earlier belong to a former account with the same
    name.
    """
    return state(r).created


async def put_queued(account: Account, key: bytes, prepared: Prepared, received: int) -> bool:
    """Show a submission that was queued at `received` (µs UTC), only once however often it is called. False if the
    account has no mailbox to show it in.

    Raises the errors of `add_message`, except OverQuota.
    """

    def unit(tx: AccountTx, ready: Prepared) -> bool:
        box = queue_mailbox(tx)
        if box is None:
            return False
        if tx.row(KNOWN, key) is None:
            added = add_message(tx, ready, box.id, flags=Flag.SEEN, received=received, queued=True)
            tx.execute(NOTE, key, added.message_id)
        return True

    async with held_body(account, prepared) as ready:
        return await account.write(lambda tx: unit(tx, ready), weight=prepared.size)


def drop_queued(tx: AccountTx, keys: Sequence[bytes]) -> int:
    """Remove the messages of submissions that the queue has finished with, unless they were canceled; returns the
    number removed. Unknown keys do nothing.
    """
    ids = [row[0] for key in keys for row in tx.rows(FORGET, key) if row[0] is not None]
    expunge_queued(tx, ids)
    return len(ids)


async def fit_queue_mailbox(account: Account) -> bool:
    """Create the system's mailbox if the configuration wants it, or rename it to its present name; otherwise remove it
    with its messages. False if it is wanted but the owner has a mailbox with that name, which is kept.
    """
    found = await account.read(lambda r: (mailbox_by_name(r, QUEUE), queue_mailbox(r)), op="queue-mailbox")
    named, own = found
    if account.config.queue_mailbox and _same(named, own):
        return True
    if account.config.queue_mailbox and await account.write(_make):
        logger.info("queue mailbox made or renamed", extra={"kv": {"account": account.name}})
        return True
    if own is not None:
        while await account.write(partial(_empty, mailbox_id=own.id)):
            pass
        logger.info("queue mailbox removed", extra={"kv": {"account": account.name}})
    return not account.config.queue_mailbox


def _same(one: Mailbox | None, other: Mailbox | None) -> bool:
    return one is not None and other is not None and one.id == other.id


def _make(tx: AccountTx) -> bool:
    """Create or rename the system's mailbox; returns whether it exists now under its name."""
    named, own = mailbox_by_name(tx, QUEUE), queue_mailbox(tx)
    if named is not None:
        return _same(named, own)
    if own is None:
        add_system_mailbox(tx, QUEUE)
    else:
        rename_system_mailbox(tx, own.id, QUEUE)
    return True


def _empty(tx: AccountTx, mailbox_id: MailboxID) -> bool:
    """Remove some messages, and at last the mailbox; returns whether more are left. A mailbox that is wanted again
    stays.
    """
    own = queue_mailbox(tx)
    if own is None or (tx.config.queue_mailbox and own.name == QUEUE):
        return False
    tx.execute(FORGET_ALL)
    ids = [row[0] for row in tx.rows(SOME, mailbox_id, SLICE)]
    expunge_queued(tx, ids)
    if len(ids) == SLICE:
        return True
    drop_system_mailbox(tx, mailbox_id)
    return False
