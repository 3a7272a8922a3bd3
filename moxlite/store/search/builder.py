"""Building the text index in the background: adding messages by id, as ids only rise, and deleting removed ones
(STORE-112, STORE-36).

A batch of messages is read and decoded in a worker thread, from one snapshot of the account; one unit of `search.db`
then adds it and raises the watermark, the highest id that is indexed. After a kill, the next run goes on above the
watermark. Removed messages are found in the queue of the eraser by their modseq; the eraser also reports them, as it
may have emptied the queue first. After a crash, removed messages are found by comparing all ids.

What an index from before lacks comes at last, by falling id: the files of messages, then texts with names of parts and
without what no reader sees (STORE-112b, decisions/028).

All accounts take turns, batch by batch, and the builder waits for all other work, as no client waits for it.
"""

from __future__ import annotations

import logging
import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

import apsw
import msgspec
import trio

from moxlite.proto.mime.types import decode_structure
from moxlite.store import metrics
from moxlite.store.changelog.account import MODSEQ
from moxlite.store.errors import StoreError
from moxlite.store.file.database import QUIET, Database
from moxlite.store.file.threads import Background
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.search.index import Index, IndexedAccount, Preparation
from moxlite.store.search.texts import (
    ANY_FILES,
    NO_FIELDS,
    IndexDamaged,
    IndexedText,
    file_names_of,
    packed_texts,
    unreadable,
)
from moxlite.store.types import ModSeq

logger = logging.getLogger("moxlite.store.search")

BATCH: Final = 100
"""Messages in one transaction (STORE-112)."""

LOOKED_AT: Final = 500
"""Structures that are looked at in one read: 10 ms."""

BATCH_TEXT: Final = 4 << 20
"""Characters of text after which a batch ends, to bound its memory."""

BATCH_SECONDS: Final = 0.5
"""Seconds after which a batch ends: it keeps a snapshot of the account open, and delays the end of the builder."""

PAUSE: Final = 2.0
"""Seconds between a change and the indexing: a burst of deliveries makes few batches, and does not share the disk."""

FAR_BEHIND: Final = 5_000
"""Number of messages not indexed from which batches do not wait for the end of a burst, and searches say that they are
slow: a search reads that many in 0.3 s.
"""

RESERVES: Final = 2
"""Multiple of `store.min_free_space` that must be free for indexing to go on (STORE-112, STORE-157)."""

RETRY: Final = 60.0
"""Seconds until the builder tries again when disk space is short, or the messages are being parsed anew."""

IDLE: Final = 20.0
"""Seconds without use after which the file is closed (STORE-10), before the account's own memory is freed."""

MERGE_PAGES: Final = 250
"""Pages written by one step of merging, which takes 20 ms."""

MERGED: Final = 2
"""A merge step that changes fewer rows than this found nothing to merge (FTS5: the merge command)."""

AUTOMERGE: Final = 8
"""Segments of one level from which writing merges them: with 4, the default of FTS5, a build takes a tenth longer
(measured), and idle time merges the rest.
"""

MAX_TOLD: Final = 100_000
"""Maximum number of removed messages remembered until the index drops them; beyond, all ids are compared."""

NEXT: Final = "SELECT id FROM message WHERE id > ? ORDER BY id LIMIT ?"
LIVE_IDS: Final = "SELECT id FROM message WHERE id <= ?"
# A moved message leaves a tombstone, too, but still exists. An undeleted one has a new id (STORE-190).
REMOVED: Final = """
SELECT q.message_id FROM erase_queue q
WHERE q.modseq > ? AND NOT EXISTS (SELECT 1 FROM message m WHERE m.id = q.message_id) LIMIT ?"""
BEHIND: Final = "SELECT count(*) FROM message WHERE id > ?"
ALL: Final = "SELECT count(*) FROM message"
HIGHEST: Final = "SELECT last_message_id FROM state WHERE id = 1"
FAR: Final = "SELECT count(*) FROM (SELECT 1 FROM message WHERE id > ? LIMIT ?)"

STRUCTURES: Final = """
SELECT m.id, i.structure FROM message m CROSS JOIN message_info i ON i.email_id = m.email_id
WHERE m.id <= ? ORDER BY m.id DESC LIMIT ?"""

WATERMARK: Final = "SELECT watermark FROM state WHERE id = 1"
OUTDATED: Final = "SELECT outdated FROM state WHERE id = 1"
SET_OUTDATED: Final = "UPDATE state SET outdated = ? WHERE id = 1"
UNLISTED: Final = "SELECT unlisted FROM state WHERE id = 1"
SET_UNLISTED: Final = "UPDATE state SET unlisted = ? WHERE id = 1"
INDEXED: Final = "SELECT message_id FROM text INDEXED BY text_boundary"
ADD_FIELDS: Final = "INSERT INTO field (message_id, subject, sender, recipient, cc, bcc) VALUES (?, ?, ?, ?, ?, ?)"
ADD_TEXT: Final = "INSERT INTO text (message_id, boundary, data) VALUES (?, ?, ?)"
ADD_TAIL: Final = "INSERT INTO tail (message_id, data) VALUES (?, ?)"
ADD_FILES: Final = "INSERT OR REPLACE INTO file (message_id, names, beside) VALUES (?, ?, ?)"
ADD_GRAMS: Final = "INSERT INTO trigram (rowid, text) VALUES (?, ?)"
RAISE: Final = "UPDATE state SET watermark = ? WHERE id = 1"
DROP_TEXT: Final = "DELETE FROM text WHERE message_id = ? RETURNING boundary"
DROP_TAIL: Final = "DELETE FROM tail WHERE message_id = ?"
DROP_FIELDS: Final = "DELETE FROM field WHERE message_id = ?"
DROP_FILES: Final = "DELETE FROM file WHERE message_id = ?"
DROP_GRAMS: Final = "DELETE FROM trigram WHERE rowid = ?"
SET: Final = "INSERT INTO trigram (trigram, rank) VALUES (?, ?)"

_turn: Final = trio.lowlevel.RunVar[trio.CapacityLimiter]("moxlite.store.search.turn")


class _Batch(msgspec.Struct, frozen=True):
    """The next messages, by rising id; `last` is the new watermark, `more` whether there may be further messages.
    `failed` has errors of messages without stored text, which each search must read.
    """

    texts: tuple[IndexedText, ...]
    last: int
    more: bool
    failed: tuple[tuple[int, Exception], ...] = ()


class Builder:
    """The background task of one open account."""

    def __init__(self, account: IndexedAccount, index: Index) -> None:
        self._account = account
        self._index = index
        self._lock = trio.Lock()
        self._removed = array("q")
        self._seen = account.bus.modseq  # later removals are found by modseq, earlier ones when the file is opened
        self._lag = 0
        self._worked = False

    def want(self) -> None:
        """Wake the task: messages were added or removed."""
        self._index.wakeup.set()

    def forget(self, message_ids: Iterable[int]) -> None:
        """Have the texts of erased messages deleted."""
        if self._index.enabled:
            self._note(message_ids)
            self._index.wakeup.set()

    async def run(self) -> None:
        """Keep the index up to date, for ever; if the configuration has no index, delete its files.

        Errors: StoreError propagates; the next start tries again.
        """
        index = self._index
        if not index.enabled:
            await index.delete("disabled")
            return
        index.wakeup.set()  # work of a failed run is left
        try:
            while True:
                await index.wakeup.wait()
                await trio.sleep(PAUSE)
                opened = index.opened
                # Incoming mail has precedence when the disk fills up.
                room = not self._account.database.health.short_of_space(RESERVES)
                if not room or not await self.once(patient=True):
                    await trio.sleep(RETRY)
                    index.wakeup.set()
                    continue
                await self._tidy()
                if not opened and not self._worked:
                    await index.close_idle(0)  # opened only to compare, as for each account after start
                while index.opened and not index.wakeup.is_set:
                    with trio.move_on_after(IDLE):
                        await index.wakeup.wait()
                    await index.close_idle(IDLE)
        finally:
            self._count(0)

    async def once(self, *, patient: bool = False) -> bool:
        """Index all messages that are not indexed yet; False when the account is not ready for it. `patient` waits for
        the end of bursts of messages.

        Raises:
          StorageFull, StorageBroken: finished batches are kept.
        """
        index = self._index
        async with self._lock:
            index.wakeup.clear()
            self._worked = False
            async with index.use(create=True) as database:
                if database is None:
                    return False
                watermark: int = await database.read(lambda r: r.value(WATERMARK), op="search-state")
                behind, messages = await self._account.scan(partial(_behind, after=watermark), op="search-state")
                if behind >= FAR_BEHIND:
                    index.preparation = Preparation(messages - behind, messages)
                self._count(behind)
                if not watermark:
                    await database.write(lambda tx: tx.execute(SET, "automerge", AUTOMERGE))
                await self._let_go(database, watermark)
                more = True
                while more:
                    await self._account.database.calm()
                    if patient:
                        await self._let_pass(watermark)
                    async with _take_turn():
                        batch = await self._account.scan(partial(_read, after=watermark), op="search-texts")
                        self._tell(batch)
                        if batch.texts:
                            size = sum(len(text.data) for text in batch.texts if text.data is not None)
                            await database.write(partial(_write, batch=batch), weight=size or 1)
                            self._worked = True
                            metrics.INDEXED.inc(len(batch.texts))
                            self._count(max(0, self._lag - len(batch.texts)))
                    watermark, more = batch.last, batch.more
                    await self._let_go(database, watermark)
                self._count(0)
                await self._complete(database, UNLISTED, _read_files, _list_files)
                await self._complete(database, OUTDATED, _read_outdated, _replace)
        return True

    async def _complete(
        self,
        database: Database,
        left: str,
        read: Callable[..., _Batch],
        write: Callable[..., None],
    ) -> None:
        """Add what messages of before lack, the newest first; a later run goes on where this one ends. `left`: query of
        the highest id that is left.
        """
        until: int = await database.read(lambda r: r.value(left), op="search-state")
        while until:
            await self._account.database.calm()
            async with _take_turn():
                batch = await self._account.scan(partial(read, until=until), op="search-texts")
                self._tell(batch)
                size = sum(len(text.data) for text in batch.texts if text.data is not None)
                await database.write(partial(write, batch=batch), weight=size or 1)
                self._worked = True
            until = batch.last
            await self._let_go(database, await database.read(lambda r: r.value(WATERMARK), op="search-state"))

    async def _let_pass(self, watermark: int) -> None:
        """Sleep until a burst of messages ends, unless the index is `FAR_BEHIND`."""
        database = self._account.database
        if database.since_write >= QUIET:
            return
        if await self._account.read(lambda r: r.value(FAR, watermark, FAR_BEHIND), op="search-state") < FAR_BEHIND:
            await database.quiet()

    async def _let_go(self, database: Database, watermark: int) -> None:
        """Delete texts of removed messages."""
        find = partial(_removed, since=self._seen)
        gone, self._seen = await self._account.scan(find, op="search-removed")
        self._note(gone)
        while self._index.leftovers:
            # The index is read before the account: a message removed in between is deleted from the index, which is
            # right.
            indexed = await database.scan(lambda r: {row[0] for row in r.rows(INDEXED)}, op="search-ids")
            live = await self._account.scan(lambda r: {row[0] for row in r.rows(LIVE_IDS, watermark)}, op="search-ids")
            if live - indexed:
                self._index.broken = "incomplete"
                raise StoreError(f"{len(live - indexed)} messages are missing from the text index")
            self._index.leftovers = False
            self._removed.extend(indexed - live)
        while self._removed:
            part, self._removed = self._removed[:BATCH], self._removed[BATCH:]
            try:
                await database.write(partial(_drop, message_ids=part))
            except BaseException:
                self._index.leftovers = True  # the unit may have been committed or not
                raise
            logger.debug("indexed text deleted", extra={"kv": {"account": self._account.name, "messages": len(part)}})

    def _note(self, message_ids: Iterable[int]) -> None:
        self._removed.extend(message_ids)
        if len(self._removed) > MAX_TOLD:
            self._removed = array("q")
            self._index.leftovers = True

    async def _tidy(self) -> None:
        """Merge small segments of the index while no other work is waiting (FTS5: the merge command)."""
        try:
            async with self._index.use(create=False) as database:
                while database is not None and await database.write(_merge) >= MERGED:
                    if self._index.wakeup.is_set:
                        return
        except StoreError as error:
            logger.warning("text index merge failed", extra={"kv": {"account": self._account.name, "err": str(error)}})

    def _tell(self, batch: _Batch) -> None:
        """Log the first error of a batch, as a damaged page may fail many messages, and mark a damaged file."""
        if not batch.failed:
            return
        message_id, error = batch.failed[0]
        damage = [one for _, one in batch.failed if isinstance(one, apsw.CorruptError)]
        if damage:
            self._account.database.health.damaged(str(damage[0]))
        kv = {"account": self._account.name, "messages": len(batch.failed), "first": message_id}
        logger.warning(
            "failed to index messages",
            exc_info=None if damage else error,
            extra={"kv": kv | {"err": f"{type(error).__name__}: {error}"}},
        )

    def _count(self, lag: int) -> None:
        metrics.LAG.inc(lag - self._lag)
        self._lag = lag
        if (known := self._index.preparation) is not None:
            self._index.preparation = Preparation(max(0, known.messages - lag), known.messages) if lag else None


def _take_turn() -> trio.CapacityLimiter:
    """Limiter that allows one batch at a time in this run of Trio."""
    try:
        return _turn.get()
    except LookupError:
        limiter = trio.CapacityLimiter(1)
        _turn.set(limiter)
        return limiter


def _behind(r: Reader, after: int) -> tuple[int, int]:
    """The number of messages that are not indexed; of all messages, 0 if they need not be counted."""
    behind: int = r.value(BEHIND, after)
    return behind, r.value(ALL) if behind >= FAR_BEHIND else 0


def _read(r: Reader, after: int) -> _Batch:
    listed = r.rows(NEXT, after, BATCH)
    # SQLite does not check the order of rows: a damaged table gives ids in any order, some of them twice.
    highest = r.value(HIGHEST)
    ids = sorted({one for (one,) in listed if isinstance(one, int) and after < one <= highest})
    more = len(listed) == BATCH and bool(ids)
    until = time.monotonic() + BATCH_SECONDS
    texts: dict[int, IndexedText] = {}
    failed: list[tuple[int, Exception]] = []
    size = 0
    with Background() as work:
        for packed in packed_texts(r, ids, lambda *fault: failed.append(fault)):
            work.give_way()
            texts[packed.message_id] = packed
            size += len(packed.text or "")
            if size >= BATCH_TEXT or time.monotonic() >= until:
                ids, more = ids[: ids.index(packed.message_id) + 1], True
                break
        return _Batch(_all(ids, texts), ids[-1] if ids else after, more, tuple(failed))


def _removed(r: Reader, since: ModSeq) -> tuple[list[int], ModSeq]:
    """Ids of messages removed by units after `since`, and the modseq of the snapshot. `MAX_TOLD` + 1 ids at most, as
    beyond `MAX_TOLD` all ids are compared.
    """
    modseq = ModSeq(r.value(MODSEQ))
    rows = r.rows(REMOVED, since, MAX_TOLD + 1) if modseq > since else []
    return [row[0] for row in rows], modseq


def _all(ids: list[int], texts: dict[int, IndexedText]) -> tuple[IndexedText, ...]:
    """The texts in the order of `ids`; a message without a text is stored without data, so each search reads it."""
    return tuple([texts.get(one) or unreadable(one) for one in ids])


def _read_outdated(r: Reader, until: int) -> _Batch:
    """The texts of the next messages that may have changed, by falling id from `until`; `last` is where the rest
    begins.
    """
    with Background() as work:
        outdated: list[int] = []
        looked_at = message_id = 0
        for message_id, packed in r.iterate(STRUCTURES, until, LOOKED_AT):
            work.give_way()
            looked_at += 1
            if _may_be_outdated(packed):
                outdated.append(message_id)
        last = message_id - 1 if looked_at == LOOKED_AT else 0
        texts: list[IndexedText] = []
        failed: list[tuple[int, Exception]] = []
        size = 0
        for packed in packed_texts(r, outdated, lambda *fault: failed.append(fault)):
            work.give_way()
            texts.append(packed)
            size += len(packed.text or "")
            if size >= BATCH_TEXT or len(texts) == BATCH:
                last = packed.message_id - 1
                break
        return _Batch(tuple(texts), last, last > 0, tuple(failed))


def _read_files(r: Reader, until: int) -> _Batch:
    """The files of the next messages, by falling id from `until`; `last` is where the rest begins."""
    texts: list[IndexedText] = []
    looked_at = message_id = 0
    with Background() as work:
        for message_id, packed in r.iterate(STRUCTURES, until, LOOKED_AT):
            work.give_way()
            looked_at += 1
            try:
                files = file_names_of(decode_structure(packed))
            except msgspec.DecodeError:
                files = ANY_FILES
            if files is not None:
                texts.append(IndexedText(message_id, None, None, None, NO_FIELDS, files))
    last = message_id - 1 if looked_at == LOOKED_AT else 0
    return _Batch(tuple(texts), last, last > 0)


def _list_files(tx: Tx, batch: _Batch) -> None:
    """Add the files of a batch, and note where the rest begins."""
    for text in batch.texts:
        _add_files(tx, text)
    tx.execute(SET_UNLISTED, batch.last)


def _add_files(tx: Tx, text: IndexedText) -> None:
    if text.files is not None:
        tx.execute(ADD_FILES, text.message_id, text.files.names, text.files.beside)


def _may_be_outdated(packed: bytes) -> bool:
    """Whether the text of a message may differ from one of before: not if it's plain text without a name."""
    try:
        root = decode_structure(packed).root
    except msgspec.DecodeError:
        return False  # it has no text either
    return root.type != "TEXT" or root.subtype == "HTML" or bool(root.filename)


def _replace(tx: Tx, batch: _Batch) -> None:
    """Replace the texts of a batch, and note where the rest begins."""
    _drop(tx, array("q", [text.message_id for text in batch.texts]))
    _add(tx, batch.texts)
    tx.execute(SET_OUTDATED, batch.last)


def _write(tx: Tx, batch: _Batch) -> None:
    """Add a batch and raise the watermark. Raises IndexDamaged if one of its messages has a row already."""
    _add(tx, batch.texts)
    tx.execute(RAISE, batch.last)


def _add(tx: Tx, texts: Sequence[IndexedText]) -> None:
    with Background() as work:
        try:
            for text in texts:
                work.give_way()
                data, tail = (None, b"") if text.data is None else cut(text.data)
                tx.execute(ADD_TEXT, text.message_id, text.boundary, data)
                if tail:
                    tx.execute(ADD_TAIL, text.message_id, tail)
                tx.execute(ADD_FIELDS, text.message_id, *text.fields)
                _add_files(tx, text)
                if text.text is not None:
                    tx.execute(ADD_GRAMS, text.message_id, text.text)
        except apsw.ConstraintError as error:
            raise IndexDamaged(f"the text index is inconsistent: {error}") from error


def _drop(tx: Tx, message_ids: array[int]) -> None:
    for message_id in message_ids:
        with tx.zeroed():
            row = tx.row(DROP_TEXT, message_id)
            tx.execute(DROP_TAIL, message_id)
            tx.execute(DROP_FIELDS, message_id)
            tx.execute(DROP_FILES, message_id)
        if row is not None and row[0] is not None:
            tx.execute(DROP_GRAMS, message_id)


def _merge(tx: Tx) -> int:
    with Background() as work:
        before = tx.total_changes
        tx.execute(SET, "merge", MERGE_PAGES)
        work.give_way()
        return tx.total_changes - before


# Tails of stored texts: octets kept in a row of their own, so that the rows fill the pages of the file (STORE-110).
#
# A mail of 5 kB has a compressed text of 2.3 kB. A leaf of SQLite's B-tree has room for one such row, and leaves 1.7
# kB unused: four tenths of `search.db` were empty (measured). With a tail of 1 kB, of which a leaf takes four, three
# of the remaining rows share a leaf.


TAIL: Final = 1_000
"""Octets of a tail. Four tails fill a leaf, with 10 octets each for the row."""

LEAF: Final = 4_050
"""Octets of a text in a leaf, at most: SQLite's limit of 4,061 for a row on pages of 4,096, less the row's other
columns (https://www.sqlite.org/fileformat2.html#cell_payload_overflow_pages).
"""

HALF: Final = 2_020
"""Octets of a text of which a leaf takes two."""

LEAST: Final = 480
"""Octets in the leaf of a longer text whose other octets fill overflow pages completely."""

OVERFLOW: Final = 4_092
"""Octets of a text in an overflow page."""


def cut(data: bytes) -> tuple[bytes, bytes]:
    """The octets for the row of a text, and its tail, which is b"" if the row alone wastes no more room."""
    local = _in_leaf(len(data))
    return (data[:-TAIL], data[-TAIL:]) if HALF < local <= HALF + TAIL else (data, b"")


def _in_leaf(size: int) -> int:
    """Octets that SQLite keeps in the leaf."""
    if size <= LEAF:
        return size
    left = LEAST + (size - LEAST) % OVERFLOW
    return left if left <= LEAF else LEAST
