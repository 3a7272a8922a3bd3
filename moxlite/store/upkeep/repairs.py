"""Repairing findings of `check.py`, and giving mailboxes new UIDs or a new UIDVALIDITY (STORE-43).

Each repair is one unit, and returns a line for each change, [] if nothing was wrong. Repairs work on a running server
(`repair`) and on the files of a stopped one (`repair_file`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.body import locate, message_chunks
from moxlite.store.content.prepare import held_body, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.errors import ChunkDamaged, LimitExceeded, NoSuchMailbox, NoSuchMessage
from moxlite.store.file.boundary import Edge, storage
from moxlite.store.file.migrations import Kind, open_file
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.mail.adding import add_message
from moxlite.store.mail.facts import NO_FACTS
from moxlite.store.mail.mailboxes import ensure_mailbox
from moxlite.store.mail.staging import FIRST_STAGED
from moxlite.store.options import Options
from moxlite.store.rows.mailboxes import mailbox_by_name, split_keywords
from moxlite.store.types import Flag

logger = logging.getLogger("moxlite.store.repairs")

MAX_UIDVALIDITY: Final = (1 << 32) - 1
"""The largest number of IMAP for messages and mailboxes (RFC 9051 §9, nz-number)."""

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
# The messages of an import take their ids at its end.
HIGHEST_IDS: Final = f"""
SELECT last_message_id, max((SELECT coalesce(max(id), 0) FROM message WHERE id < ({FIRST_STAGED})),
(SELECT coalesce(max(message_id), 0) FROM expunged WHERE message_id < ({FIRST_STAGED}))), last_body_id,
(SELECT coalesce(max(id), 0) FROM body) FROM state WHERE id = 1"""  # noqa: S608 - a constant
SET_LAST_IDS: Final = "UPDATE state SET last_message_id = ?, last_body_id = ? WHERE id = 1"
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
COLLECTIONS: Final = """
SELECT c.id, c.name, c.total, c.size, count(r.id), coalesce(sum(r.size), 0) FROM collection c
LEFT JOIN resource r ON r.collection_id = c.id GROUP BY c.id"""
SET_COLLECTION: Final = "UPDATE collection SET total = ?, size = ? WHERE id = ?"
NEXT_MODSEQ: Final = "UPDATE state SET modseq = modseq + 1 WHERE id = 1 RETURNING modseq"

Fix = Callable[[Tx], list[str]]


def fix_counts(tx: Tx) -> list[str]:
    """Recount the messages of all mailboxes, the account's size, and the entries of its collections."""
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
    for number, name, total, size, entries, octets in tx.rows(COLLECTIONS):
        if (total, size) != (entries, octets):
            tx.execute(SET_COLLECTION, entries, octets, number)
            changed.append(f"{name}: counts {total}/{size} are now {entries}/{octets}")
    return changed


def _numbers(counts: list[int]) -> str:
    return "/".join(map(str, counts))


def fix_uidmeta(tx: Tx) -> list[str]:
    """Raise the next UID of each mailbox, the next UIDVALIDITY, and the next ids of messages and bodies, above all that
    were given out.
    """
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
    row = tx.row(HIGHEST_IDS)
    assert row is not None
    messages, highest, bodies, highest_body = row
    if messages < highest or bodies < highest_body:
        tx.execute(SET_LAST_IDS, max(messages, highest), max(bodies, highest_body))
        changed.append(f"last ids {messages}/{bodies} are now {max(messages, highest)}/{max(bodies, highest_body)}")
    return changed


def fix_sizes(tx: Tx) -> list[str]:
    """Set the size of each message to the octets of its prefix and body; then count anew."""
    changed = []
    for message_id, size, right in tx.rows(WRONG_SIZES):
        tx.execute(SET_SIZE, right, message_id)
        changed.append(f"message {message_id}: size {size} is now {right}")
    return changed + fix_counts(tx)


# Fix sizes before counts, because counts include sums of sizes.
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
        raise LimitExceeded("no UIDVALIDITY values left in this account")
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
            raise LimitExceeded("no UIDs left in this mailbox")
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


# Bringing removed messages back while their content is still there: ``moxlite account undelete`` (STORE-190).
#
# An expunged message leaves a tombstone with content for `store.undelete_grace`. It comes back as a new message of
# its mailbox, with flags, keywords and time of reception; a deleted mailbox is made again under its name. The content
# of the tombstone is then released, so that a second call brings nothing back twice.


undelete_logger = logging.getLogger("moxlite.store.undelete")

# A moved message leaves a tombstone, too, but still exists. If it was then expunged, it has several tombstones, and the
# last one counts.
REMOVED: Final = """
SELECT q.message_id, coalesce(b.name, g.name) AS mailbox, e.flags, e.keywords, e.received, e.received_offset, e.size,
max(q.expunged_at) AS removed
FROM erase_queue q JOIN expunged e ON e.mailbox_id = q.mailbox_id AND e.uid = q.uid
LEFT JOIN mailbox b ON b.id = q.mailbox_id LEFT JOIN mailbox_gone g ON g.mailbox_id = q.mailbox_id
WHERE e.body_id IS NOT NULL AND q.expunged_at >= ?
AND NOT EXISTS (SELECT 1 FROM message m WHERE m.id = q.message_id)
AND (?2 = '' OR b.name = ?2 OR (b.name IS NULL AND g.name = ?2)) AND coalesce(b.name, g.name) IS NOT NULL
GROUP BY q.message_id ORDER BY q.message_id"""
BY_MAILBOX: Final = f"""
SELECT mailbox, count(*), sum(size), max(removed) FROM ({REMOVED}) GROUP BY mailbox ORDER BY mailbox LIMIT 500"""  # noqa: S608 a constant
STILL_THERE: Final = "SELECT 1 FROM erase_queue WHERE message_id = ? AND expunged_at > 0"
GIVE_UP: Final = "UPDATE erase_queue SET expunged_at = 0 WHERE mailbox_id = ? AND uid = ?"
GIVE_FREE: Final = "UPDATE erase_queue SET expunged_at = 0 WHERE message_id = ?"


class Removed(msgspec.Struct, frozen=True):
    """A removed message whose content still exists: `removed` and `received` in µs UTC."""

    message_id: int
    mailbox: str
    flags: int
    keywords: str
    received: int
    received_offset: int
    size: int
    removed: int


class UndeleteResult(msgspec.Struct):
    """Numbers of messages that came back, and of messages that could not be read."""

    messages: int = 0
    damaged: int = 0


def removed_messages(r: Reader, since: int, mailbox: str = "") -> list[Removed]:
    """Messages that can be brought back: removed at or after `since` (µs UTC), of one mailbox or of all. For a scan."""
    return [Removed(*row) for row in r.rows(REMOVED, max(since, 1), mailbox)]


class RemovedFrom(msgspec.Struct, frozen=True):
    """Numbers of the messages removed from a mailbox that can be brought back; `last`: when the last one was removed,
    in µs UTC.
    """

    mailbox: str
    messages: int
    octets: int
    last: int


def removed_by_mailbox(r: Reader, since: int) -> list[RemovedFrom]:
    """Messages that can be brought back, by mailbox, of the first 500 mailboxes. For a scan."""
    return [RemovedFrom(*row) for row in r.rows(BY_MAILBOX, max(since, 1), "")]


def give_up(tx: Tx, mailbox: str, uids: Sequence[int]) -> None:
    """Release the content of removed messages, so that they cannot be brought back. `mailbox`: its name, checked.

    The caller calls `Account.removed` after the commit.
    """
    box = mailbox_by_name(tx, mailbox)
    if box is not None:
        for uid in uids:
            tx.execute(GIVE_UP, box.id, uid)


async def undelete(account: Account, tmp: Path, *, since: int = 0, mailbox: str = "") -> UndeleteResult:
    """Bring back messages removed at or after `since` (µs UTC), of one mailbox or of all.

    Args:
      tmp: folder for temporary files.

    Raises:
      OverQuota, StorageFull, LimitExceeded and other errors of adding: messages that came back before stay.
    """
    done = UndeleteResult()
    for one in await account.scan(partial(removed_messages, since=since, mailbox=mailbox), op="undelete"):
        with Spool(tmp) as spool:
            spool.reserve()
            try:
                prefix = await account.scan(partial(_fill, message_id=one.message_id, spool=spool), op="undelete")
            except NoSuchMessage:
                continue  # erased meanwhile
            except ChunkDamaged:
                done.damaged += 1
                continue
            prepared = await prepare(spool, prefix, max_size=len(prefix) + spool.size)
            async with held_body(account, prepared) as ready:

                def unit(tx: AccountTx, one: Removed = one) -> bool:
                    # Asked in the unit that adds: two calls at once bring a message back once.
                    if tx.value(STILL_THERE, one.message_id) is None:
                        return False  # another call was here
                    add_message(
                        tx,
                        ready,
                        ensure_mailbox(tx, one.mailbox).id,
                        flags=Flag(one.flags) & ~Flag.DELETED,
                        keywords=split_keywords(one.keywords),
                        received=one.received,
                        received_offset=one.received_offset,
                        facts=NO_FACTS,
                    )
                    tx.execute(GIVE_FREE, one.message_id)
                    return True

                done.messages += await account.write(unit, weight=one.size)
    account.removed()
    undelete_logger.info("messages undeleted", extra={"kv": {"account": account.name, "messages": done.messages}})
    return done


def _fill(r: Reader, message_id: int, spool: Spool) -> bytes:
    """Write the body of a message to a spool; returns its prefix."""
    content = locate(r, message_id)
    spool.fill(message_chunks(r, content, len(content.prefix)))
    return content.prefix
