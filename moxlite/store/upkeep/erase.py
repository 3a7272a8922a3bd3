"""Erasing the content of removed messages, purging old tombstones (STORE-27, STORE-36, STORE-37, STORE-190).

An operation that removes a message leaves a tombstone with content, and a row in `erase_queue`. The content is erased
once every subscriber has applied the removal, the grace period for undeleting is over, no row of `outbox` names the
message, and the junk filter has unlearnt it. The queue is in the database, so work interrupted by a kill goes on at the
next open.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec
import trio

from moxlite.store import metrics
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.keys import forget_recent
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.mail.expunging import expunge
from moxlite.store.options import DAY, SECOND
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import UID, MailboxID, ModSeq, chunk_id
from moxlite.wakeup import Wakeup

logger = logging.getLogger("moxlite.store.erase")

UNIT_BODIES: Final = 500
"""Tombstones in one unit (STORE-37): 2 ms for 12 kB mails."""

UNIT_BYTES: Final = 64 << 20
"""Octets of bodies in one unit, to bound the log: freeing 64 MB takes 20 ms."""

PAUSE: Final = 1.0
"""Seconds between a removal and the erasure: acknowledgements of many subscribers come together, and a burst is one
unit.
"""

HELD: Final = 60.0
"""Seconds until the eraser tries again to erase content that is held back by subscribers, outbox or junk filter."""

LOOK: Final = 600.0
"""Seconds between two checks whether content kept for undeleting can go: its time is over, or disk space is short."""

COUNTED: Final = 10_000
"""Contents that are counted, at most: 0.5 ms. They are counted on the loop, after each acknowledgement."""

PURGE_ROWS: Final = 1_000
"""Tombstones deleted in one unit (STORE-27)."""

KEY_AGE: Final = 7 * DAY
"""Microseconds for which an idempotency key is kept (STORE-189)."""

READY: Final = """
SELECT q.mailbox_id, q.uid, q.message_id, q.email_id, e.body_id, b.size
FROM erase_queue q JOIN expunged e ON e.mailbox_id = q.mailbox_id AND e.uid = q.uid LEFT JOIN body b ON b.id = e.body_id
WHERE q.modseq <= ? AND q.trained IS NULL
AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.message_id = q.message_id)
AND NOT EXISTS (SELECT 1 FROM junk_retrain t WHERE t.message_id = q.message_id)
ORDER BY q.modseq LIMIT ?"""
CLEAR: Final = """
UPDATE expunged SET body_id = NULL, flags = NULL, keywords = NULL, received = NULL, received_offset = NULL, size = NULL
WHERE mailbox_id = ? AND uid = ?"""
DEQUEUE: Final = "DELETE FROM erase_queue WHERE mailbox_id = ? AND uid = ?"
UNREF: Final = "UPDATE body SET refs = refs - 1 WHERE id = ? RETURNING refs"
DROP_CHUNKS: Final = "DELETE FROM body_chunk WHERE id >= ? AND id < ?"
DROP_BODY: Final = "DELETE FROM body WHERE id = ?"
UNUSED: Final = "SELECT id FROM body WHERE refs = 0 LIMIT ?"
USED: Final = """
SELECT EXISTS (SELECT 1 FROM message WHERE id = ?1) OR EXISTS (SELECT 1 FROM erase_queue WHERE message_id = ?1)"""
# Whether another message, or a tombstone with content, has the email_id: the first one, or a copy.
SHARED: Final = f"""
{USED} OR EXISTS (SELECT 1 FROM message WHERE email_id = ?1 AND email_id <> id)
OR EXISTS (SELECT 1 FROM erase_queue WHERE email_id = ?1 AND email_id <> message_id)"""  # noqa: S608 - a constant
DROP_SIDE: Final = (
    """DELETE FROM thread_missing WHERE email_id = ?1
    AND reference IN (SELECT j.value FROM message_header h CROSS JOIN json_each(h.missing) j WHERE h.email_id = ?1)""",
    "DELETE FROM message_info WHERE email_id = ?",
    "DELETE FROM message_header WHERE email_id = ?",
)
PENDING: Final = "SELECT count(*) FROM (SELECT 1 FROM erase_queue LIMIT ?)"
# Of the next ?2 contents, the first one to keep, or their end. Modseqs and times rise together. If the clock was set
# back, content is erased a little later.
KEPT_FROM: Final = """
SELECT coalesce(min(modseq) FILTER (WHERE expunged_at > ?1), max(modseq) + 1)
FROM (SELECT modseq, expunged_at FROM erase_queue ORDER BY modseq LIMIT ?2)"""

OLDEST: Final = """
SELECT mailbox_id, uid, modseq, expunged_at FROM expunged INDEXED BY expunged_modseq
WHERE modseq <= ? AND body_id IS NULL ORDER BY modseq LIMIT ?"""
BEYOND_KEPT: Final = "SELECT modseq FROM expunged ORDER BY modseq DESC LIMIT 1 OFFSET ?"
PURGE: Final = "DELETE FROM expunged WHERE mailbox_id = ? AND uid = ?"
PURGE_GONE: Final = "DELETE FROM mailbox_gone WHERE modseq <= ?"
RAISE_PURGED: Final = "UPDATE state SET highest_purged_modseq = max(highest_purged_modseq, ?) WHERE id = 1"
OLDEST_RESOURCES: Final = "SELECT collection_id, name, modseq FROM resource_gone WHERE gone < ? ORDER BY gone LIMIT ?"
PURGE_RESOURCE: Final = "DELETE FROM resource_gone WHERE collection_id = ? AND name = ?"
RAISE_COLLECTION: Final = "UPDATE collection SET purged = max(purged, ?) WHERE id = ?"
FORGET_KEYS: Final = "DELETE FROM unit_key WHERE key IN (SELECT key FROM unit_key WHERE created < ? LIMIT ?)"


class EraseResult(msgspec.Struct, frozen=True):
    """Result of one erasure unit. `gone`: ids of completely erased messages."""

    tombstones: int
    bodies: int
    octets: int
    gone: tuple[int, ...]


def erase(tx: Tx, until: int) -> EraseResult:
    """Erase content whose removal has a modseq of at most `until`, within one unit's bounds. Nothing of it is in copies
    and backups made afterwards.
    """
    with tx.zeroed():
        return _erase(tx, until)


def _erase(tx: Tx, until: int) -> EraseResult:
    ready = tx.rows(READY, until, UNIT_BODIES)
    tombstones = bodies = octets = 0
    gone: list[int] = []
    for mailbox_id, uid, message_id, email_id, body_id, size in ready:
        tx.execute(CLEAR, mailbox_id, uid)
        tx.execute(DEQUEUE, mailbox_id, uid)
        # In the unit that clears the tombstone: after a kill in between, nothing would name the body any more.
        if body_id is not None and tx.value(UNREF, body_id) == 0:
            tx.execute(DROP_CHUNKS, chunk_id(body_id, 0), chunk_id(body_id + 1, 0))
            tx.execute(DROP_BODY, body_id)
            bodies += 1
            octets += size
        if not tx.value(USED, message_id):
            gone.append(message_id)
            if not tx.value(SHARED, email_id):
                for sql in DROP_SIDE:
                    tx.execute(sql, email_id)
        tombstones += 1
        if octets >= UNIT_BYTES:
            break
    return EraseResult(tombstones, bodies, octets, tuple(gone))


def reclaim(tx: Tx) -> int:
    """Delete unused bodies, `UNIT_BODIES` at most; returns their number (STORE-10, STORE-131).

    Only for the opening of an account: later, a delivery or an import may be about to use an unused body.
    """
    unused = [row[0] for row in tx.rows(UNUSED, UNIT_BODIES)]
    with tx.zeroed():
        for body_id in unused:
            tx.execute(DROP_CHUNKS, chunk_id(body_id, 0), chunk_id(body_id + 1, 0))
            tx.execute(DROP_BODY, body_id)
    return len(unused)


def purge(tx: Tx, acknowledged: ModSeq, *, retention: int, kept: int, limit: int = PURGE_ROWS) -> int:
    """Delete tombstones older than `retention` µs, or beyond the newest `kept`, which all subscribers have applied and
    whose content is erased (STORE-27).

    Returns the number deleted; call it until that is less than `limit`. `highest_purged_modseq` becomes the highest
    modseq of a deleted tombstone.
    """
    beyond = tx.value(BEYOND_KEPT, kept) or 0
    gone: list[tuple[int, int]] = []
    highest = 0
    for mailbox_id, uid, modseq, expunged_at in tx.rows(OLDEST, acknowledged, limit):
        # In modseq order, so that all tombstones up to the highest purged modseq are deleted: a client that
        # synchronises from below it gets all missing UIDs instead (RFC 7162 §3.2.6).
        if modseq > beyond and expunged_at >= tx.now - retention:
            break
        gone.append((mailbox_id, uid))
        highest = modseq
    if gone:
        tx.executemany(PURGE, gone)
        tx.execute(PURGE_GONE, highest)
        tx.execute(RAISE_PURGED, highest)
    return len(gone)


def purge_resources(tx: Tx, retention: int) -> int:
    """Delete tombstones of calendars and address books older than `retention` µs, 1,000 at most; returns their
    number.
    """
    rows: list[tuple[int, str, int]] = tx.rows(OLDEST_RESOURCES, tx.now - retention, PURGE_ROWS)
    for collection_id, name, modseq in rows:
        tx.execute(PURGE_RESOURCE, collection_id, name)
        tx.execute(RAISE_COLLECTION, modseq, collection_id)
    return len(rows)


def forget_keys(tx: Tx, limit: int = PURGE_ROWS) -> int:
    """Delete idempotency keys over 7 days old, little more than `limit`; returns their number (STORE-189)."""
    since = tx.now - KEY_AGE
    return forget_recent(tx, since) + tx.execute(FORGET_KEYS, since, limit)


def _pending(r: Reader, grace: int, *, steady: bool) -> tuple[int, int | None]:
    """Number of contents to erase, `COUNTED` at most, and the modseq from which on none is erased now: it is kept for
    undeleting, or its turn comes later. None: there is no such modseq. Unless the clock is `steady`, all are kept.
    """
    since = time.time_ns() // 1000 - grace if steady else 0
    kept_from = r.value(KEPT_FROM, since, UNIT_BODIES) if grace else None
    return r.value(PENDING, COUNTED), kept_from


def has_erasable(r: Reader) -> bool:
    """Whether there is content that is to be erased, now or later."""
    return bool(r.value(PENDING, 1))


class Eraser:
    """The background eraser of one open account.

    Args:
      erased: called with the ids of messages of which nothing is left.
    """

    def __init__(self, account: Account, erased: Callable[[Sequence[int]], None]) -> None:
        self._account = account
        self._erased = erased
        self._wakeup = Wakeup(is_set=True)
        self._lock = trio.Lock()
        self._gauge = metrics.ERASE_PENDING
        self._counted = 0

    def want(self) -> None:
        """Wake the eraser: a message was removed, or a subscriber has acknowledged changes."""
        self._wakeup.set()

    async def run(self) -> None:
        """Erase content, for ever. Errors: StoreError propagates; the next start goes on."""
        try:
            while True:
                delay = await self.once()
                with trio.move_on_after(delay):
                    await self._wakeup.wait()
                    await trio.sleep(PAUSE)
        finally:
            self._count(0)

    async def once(self) -> float:
        """Erase all content that can be erased now; returns the seconds until the next call without a wakeup.

        Raises StorageFull, StorageBroken, StorageBusy: finished units are kept, and the next call goes on from there.
        """
        account = self._account
        # When disk space is short, content kept for undeleting is erased first (STORE-190).
        grace = 0 if account.database.health.short_of_space() else account.options.undelete_grace
        async with self._lock:
            self._wakeup.clear()
            while True:
                looking = partial(_pending, grace=grace, steady=account.options.steady())
                pending, kept_from = await account.read(looking, op="erase_pending")
                self._count(pending)
                if not pending:
                    return float("inf")
                await account.database.calm()
                # Read this for each unit, because a new subscriber holds back changes that it hasn't applied.
                until: int = account.bus.acknowledged
                if kept_from is not None:
                    until = min(until, kept_from - 1)
                erased = await account.database.write(partial(erase, until=until))
                if not erased.tombstones:
                    return HELD if not grace else max(HELD, min(grace / SECOND, LOOK))
                self._erased(erased.gone)

    def _count(self, pending: int) -> None:
        self._gauge.inc(pending - self._counted)
        self._counted = pending


# Free pages from before erased content was overwritten, or of a restored older file, may still hold it (STORE-37b).
#
# They are given back once, by night, in steps. A row of `upgrade` is the mark, so a file from before has none. To
# overwrite them in place would need their numbers, which SQLite doesn't tell.


FREED: Final = "SELECT EXISTS (SELECT 1 FROM upgrade WHERE name = 'free-pages')"
SET_FREED: Final = "INSERT INTO upgrade (name, position, total, started) VALUES ('free-pages', 0, 0, ?)"
GIVE_BACK: Final = "PRAGMA incremental_vacuum(1000)"
"""Of so many pages in one unit: 4 MB, which the log gets."""


async def give_back(account: Account) -> None:
    """Give back all free pages of the account's file, unless that was done. Raises as `Account.write`."""
    if await account.read(lambda r: bool(r.value(FREED)), op="tend"):
        return
    while await account.database.write(_give_back):
        await account.database.calm()


def _give_back(tx: Tx) -> bool:
    """Give back some free pages; returns whether there are more."""
    if tx.value("PRAGMA freelist_count"):
        tx.rows(GIVE_BACK)
        return True
    tx.execute(SET_FREED, tx.now)
    return False


# Removing old messages from mailboxes with a retention time, such as Trash after 30 days (STORE-192).
#
# Runs nightly. Messages are removed as by EXPUNGE, so subscribers get events, and the messages can be undeleted for a
# while. The age counts from the time when a message came into the mailbox (`savedate`), not from its reception.


retention_logger = logging.getLogger("moxlite.store.retention")

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
        retention_logger.info("messages expired", extra={"kv": {"account": account.name, "messages": removed}})
    return removed


def _old(r: Reader, mailbox_id: MailboxID, before: int) -> list[UID]:
    return [UID(uid) for (uid,) in r.rows(OLD, mailbox_id, before, BATCH)]
