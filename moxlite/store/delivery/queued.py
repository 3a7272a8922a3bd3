"""What the queue puts into the system's mailbox, and takes out of it again (IMAP-162).

The queue names each submission by a key. A row of `queued` says that a submission was shown, and where; it stays until
the queue has done with it, so that whatever the queue repeats after a crash does nothing twice, and what the owner has
canceled does not come back. The messages cost no quota, are judged by no rule, and cannot be undeleted.
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

__all__ = ["created_at", "drop_queued", "fit_queue_mailbox", "put_queued", "queued_keys"]

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
    """The keys of all submissions that are shown, or were canceled and are known all the same. For a scan."""
    return {key for (key,) in r.iterate(KEYS)}


def created_at(r: Reader) -> int:
    """When the account was made, µs UTC: what was queued before belonged to another one of its name."""
    return state(r).created


async def put_queued(account: Account, key: bytes, prepared: Prepared, received: int) -> bool:
    """Show a submission that was queued at `received` (µs UTC); once, whatever is repeated. False when there is no
    mailbox to show it in.

    Raises what adding raises, but for OverQuota.
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
    """The queue has done with these submissions: their messages go, wherever they are not canceled; returns how many
    went. Unknown keys do nothing.
    """
    ids = [row[0] for key in keys for row in tx.rows(FORGET, key) if row[0] is not None]
    expunge_queued(tx, ids)
    return len(ids)


async def fit_queue_mailbox(account: Account) -> bool:
    """Make the system's mailbox if the configuration wants it, or give it its present name; else remove it with its
    messages. False when it is wanted and the account has a mailbox of that name of its own, which it keeps.
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
    """Whether the system's mailbox is there now, under its name."""
    named, own = mailbox_by_name(tx, QUEUE), queue_mailbox(tx)
    if named is not None:
        return _same(named, own)
    if own is None:
        add_system_mailbox(tx, QUEUE)
    else:
        rename_system_mailbox(tx, own.id, QUEUE)
    return True


def _empty(tx: AccountTx, mailbox_id: MailboxID) -> bool:
    """Remove some messages, at last the mailbox; whether there is more to do. It stays if it is wanted again."""
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
