"""Repairing findings of `check.py`, and giving mailboxes new UIDs or a new UIDVALIDITY (STORE-43).

Each repair is one unit, and returns a line for each change, [] if nothing was wrong. Repairs work on a running server
(`repair`) and on the files of a stopped one (`repair_file`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import LimitExceeded, NoSuchMailbox
from moxlite.store.file.boundary import Edge, storage
from moxlite.store.file.migrations import Kind, open_file
from moxlite.store.file.transaction import Tx
from moxlite.store.options import Options
from moxlite.store.rows.mailboxes import mailbox_by_name

logger = logging.getLogger("moxlite.store.repairs")

MAX_UIDVALIDITY: Final = (1 << 32) - 1

# In the order of the columns of mailbox. 64 is \Deleted, 1 is \Seen.
COUNTED: Final = """
SELECT b.id, b.name, b.total, b.deleted, b.unread, b.unseen, b.size, b.deleted_size, coalesce(sum(m.flags & 64 = 0), 0),
coalesce(sum(m.flags & 64 <> 0), 0), coalesce(sum(m.flags & 65 = 0), 0), coalesce(sum(m.flags & 1 = 0), 0),
coalesce(sum(m.size), 0), coalesce(sum(CASE WHEN m.flags & 64 THEN m.size ELSE 0 END), 0)
FROM mailbox b LEFT JOIN message m ON m.mailbox_id = b.id GROUP BY b.id ORDER BY b.id"""
SET_COUNTS: Final = """
UPDATE mailbox SET total = ?, deleted = ?, unread = ?, unseen = ?, size = ?, deleted_size = ? WHERE id = ?"""
# Messages in the system's mailbox do not count against the quota (IMAP-162).
TOTAL_SIZE: Final = """
SELECT total_size, (SELECT coalesce(sum(size), 0) FROM message
WHERE mailbox_id NOT IN (SELECT id FROM mailbox WHERE system)) FROM state WHERE id = 1"""
SET_TOTAL_SIZE: Final = "UPDATE state SET total_size = ? WHERE id = 1"
HIGHEST_UIDS: Final = """
SELECT b.id, b.name, b.uidnext, b.recent_uid,
max((SELECT coalesce(max(uid), 0) FROM message WHERE mailbox_id = b.id),
(SELECT coalesce(max(uid), 0) FROM expunged WHERE mailbox_id = b.id)) FROM mailbox b ORDER BY b.id"""
SET_UIDNEXT: Final = "UPDATE mailbox SET uidnext = ?, recent_uid = max(1, min(recent_uid, ?)) WHERE id = ?"
UIDVALIDITY: Final = """
SELECT next_uidvalidity, max((SELECT coalesce(max(uidvalidity), 0) FROM mailbox),
(SELECT coalesce(max(uidvalidity), 0) FROM mailbox_gone)) FROM state WHERE id = 1"""
SET_NEXT_UIDVALIDITY: Final = "UPDATE state SET next_uidvalidity = ? WHERE id = 1"
WRONG_SIZES: Final = """
SELECT m.id, m.size, length(i.prefix) + b.size FROM message m JOIN message_info i ON i.email_id = m.email_id
JOIN body b ON b.id = m.body_id WHERE m.size <> length(i.prefix) + b.size ORDER BY m.id"""
SET_SIZE: Final = "UPDATE message SET size = ? WHERE id = ?"
MAILBOXES: Final = "SELECT id, name FROM mailbox ORDER BY id"
SET_UIDVALIDITY: Final = "UPDATE mailbox SET uidvalidity = ?, modseq = ? WHERE id = ?"
MESSAGES: Final = "SELECT id FROM message WHERE mailbox_id = ? ORDER BY uid"
SET_UID: Final = "UPDATE message SET uid = ?, modseq = ? WHERE id = ?"
DROP_TOMBSTONES: Final = "DELETE FROM expunged WHERE mailbox_id = ? AND body_id IS NULL"
TOMBSTONES: Final = "SELECT uid FROM expunged WHERE mailbox_id = ? ORDER BY uid"
MOVE_TOMBSTONE: Final = "UPDATE expunged SET uid = ? WHERE mailbox_id = ? AND uid = ?"
MOVE_ERASURE: Final = "UPDATE erase_queue SET uid = ? WHERE mailbox_id = ? AND uid = ?"
HIGHEST_UID: Final = "SELECT coalesce(max(uid), 0) FROM expunged WHERE mailbox_id = ?"
SET_UIDS_FROM: Final = "UPDATE mailbox SET uidnext = ?, recent_uid = 1 WHERE id = ?"
NEXT_MODSEQ: Final = "UPDATE state SET modseq = modseq + 1 WHERE id = 1 RETURNING modseq"

Fix = Callable[[Tx], list[str]]


def fix_counts(tx: Tx) -> list[str]:
    """Recount the messages of all mailboxes, and the account's size."""
    changed = []
    for mailbox_id, name, *counts in tx.rows(COUNTED):
        old, new = counts[:6], counts[6:]
        if old != new:
            tx.execute(SET_COUNTS, *new, mailbox_id)
            changed.append(f"{name}: counts {_numbers(old)} are now {_numbers(new)}")
    row = tx.row(TOTAL_SIZE)
    assert row is not None
    if row[0] != row[1]:
        tx.execute(SET_TOTAL_SIZE, row[1])
        changed.append(f"total_size {row[0]} is now {row[1]}")
    return changed


def _numbers(counts: list[int]) -> str:
    return "/".join(map(str, counts))


def fix_uidmeta(tx: Tx) -> list[str]:
    """Raise the next UID of each mailbox, and the next UIDVALIDITY, above all that were given out."""
    changed = []
    for mailbox_id, name, uidnext, recent_uid, highest in tx.rows(HIGHEST_UIDS):
        right = max(uidnext, highest + 1)
        if right != uidnext or not 1 <= recent_uid <= right:
            tx.execute(SET_UIDNEXT, right, right, mailbox_id)
            changed.append(f"{name}: uidnext {uidnext} is now {right}")
    row = tx.row(UIDVALIDITY)
    assert row is not None
    if row[0] <= row[1]:
        tx.execute(SET_NEXT_UIDVALIDITY, row[1] + 1)
        changed.append(f"next_uidvalidity {row[0]} is now {row[1] + 1}")
    return changed


def fix_sizes(tx: Tx) -> list[str]:
    """Set the size of each message to the octets of its prefix and body; then count anew."""
    changed = []
    for message_id, size, right in tx.rows(WRONG_SIZES):
        tx.execute(SET_SIZE, right, message_id)
        changed.append(f"message {message_id}: size {size} is now {right}")
    return changed + fix_counts(tx)


FIXES: Final[Mapping[str, Fix]] = {"fix-sizes": fix_sizes, "fix-counts": fix_counts, "fix-uidmeta": fix_uidmeta}
"""The repairs that change nothing in a sound file."""


def bump_uidvalidity(tx: Tx, mailbox: str | None = None) -> list[str]:
    """Give a mailbox, or all, a new UIDVALIDITY, so that mail programs read them anew. Raises NoSuchMailbox,
    LimitExceeded.
    """
    chosen = _chosen(tx, mailbox)
    row = tx.row(UIDVALIDITY)
    assert row is not None
    first = max(row[0], row[1] + 1)
    if first + len(chosen) > MAX_UIDVALIDITY:
        raise LimitExceeded("UIDVALIDITYs of an account")
    modseq = _modseq(tx)
    changed = []
    for uidvalidity, (mailbox_id, name) in enumerate(chosen, first):
        tx.execute(SET_UIDVALIDITY, uidvalidity, modseq, mailbox_id)
        changed.append(f"{name}: uidvalidity is now {uidvalidity}")
    tx.execute(SET_NEXT_UIDVALIDITY, first + len(chosen))
    return changed


def reassign_uids(tx: Tx, mailbox: str | None = None) -> list[str]:
    """Number the messages of a mailbox, or of all, from 1, with a new UIDVALIDITY. Raises as `bump_uidvalidity`."""
    changed = bump_uidvalidity(tx, mailbox)
    modseq = _modseq(tx)
    for mailbox_id, name in _chosen(tx, mailbox):
        ids = [message_id for (message_id,) in tx.rows(MESSAGES, mailbox_id)]
        # Tombstones list removed UIDs, which clients cannot ask for under the new UIDVALIDITY. Tombstones with content
        # stay for the eraser, and get UIDs above all that are in use.
        tx.execute(DROP_TOMBSTONES, mailbox_id)
        kept = [uid for (uid,) in tx.rows(TOMBSTONES, mailbox_id)]
        highest = max(tx.value(HIGHEST_UID, mailbox_id), len(ids))
        if highest + len(kept) >= MAX_UIDVALIDITY:
            raise LimitExceeded("UIDs of a mailbox")
        for new, uid in enumerate(kept, highest + 1):
            tx.execute(MOVE_TOMBSTONE, new, mailbox_id, uid)
            tx.execute(MOVE_ERASURE, new, mailbox_id, uid)
        # A new UID is never above the old one, so in ascending order UIDs stay unique at any moment.
        for uid, message_id in enumerate(ids, 1):
            tx.execute(SET_UID, uid, modseq, message_id)
        tx.execute(SET_UIDS_FROM, (highest + len(kept) if kept else len(ids)) + 1, mailbox_id)
        changed.append(f"{name}: {len(ids)} messages have UIDs from 1")
    return changed


def _chosen(tx: Tx, mailbox: str | None) -> list[tuple[int, str]]:
    if mailbox is None:
        return [(mailbox_id, name) for mailbox_id, name in tx.rows(MAILBOXES)]
    found = mailbox_by_name(tx, mailbox)
    if found is None:
        raise NoSuchMailbox(mailbox)
    return [(found.id, found.name)]


def _modseq(tx: Tx) -> int:
    """The modseq of the unit; a new one for a file that no server has open."""
    return tx.modseq() if isinstance(tx, AccountTx) else int(tx.value(NEXT_MODSEQ))


async def repair(account: Account, fix: Fix) -> list[str]:
    """Repair an open account; if anything changed, all its sessions end, as their state is wrong.

    Raises as `fix` and `Account.write`.
    """
    changed = await account.write(fix)
    if changed:
        logger.warning("account repaired", extra={"kv": {"account": account.name, "changes": len(changed)}})
        for cursor in list(account.bus.cursors):
            cursor.end("the account was repaired")
    return changed


def repair_file(path: Path, fixes: Mapping[str, Fix], options: Options) -> list[str]:
    """Repair an account's file that is not open. Blocks. Raises StoreError."""
    with storage(Edge(str(path))):
        db = open_file(path, Kind.ACCOUNT, options)
        try:
            db.execute("BEGIN IMMEDIATE")
            tx = Tx(db)
            changed = [f"{name}: {line}" for name, fix in fixes.items() for line in fix(tx)]
            db.execute("COMMIT")
        finally:
            db.close(True)
        return changed
