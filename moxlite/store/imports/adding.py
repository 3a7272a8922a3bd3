"""One import: items of a source are read in a thread, staged in units, and finished in one (docs/spec/store.md §11).

Two parts work at the same time, each on a batch: a worker thread reads, hashes, parses and compresses the next one
while the writer stores the last one. Deliveries pass between two units.

The first import loads this module, in a thread: with the formats of archives it takes a megabyte.
"""

from __future__ import annotations

import io
import logging
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec
import trio

from moxlite.decoders import msgpack_decoder
from moxlite.processor import give_way, place
from moxlite.proto.mime.types import decode_structure
from moxlite.store import metrics
from moxlite.store.accounts.access import Access, allowed_flags
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import held_body
from moxlite.store.content.spool import SpoolSpace
from moxlite.store.errors import AccountRemoved, Closed, ImportFailed, NoSuchMailbox, OverQuota, StoreError
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.imports.archives import READ_SIZE
from moxlite.store.imports.items import AddBeside, Done, Form, Item, Order, Problems, Progress, RunningImport, Upload
from moxlite.store.imports.labels import Labels
from moxlite.store.imports.reading import EVERYTHING, Batch, Existing, ReadAhead
from moxlite.store.imports.sources import ZIP_MARK, Budget, Rejoined, read_source, set_aside
from moxlite.store.junkflags import Verdict, classify, flags_in_mailbox
from moxlite.store.mail.counts import Delta, add_size, apply_delta, learn_keywords, next_message_id, take_uids
from moxlite.store.mail.labels import add_labels, labels_of
from moxlite.store.mail.mailboxes import ensure_mailbox
from moxlite.store.mail.recipients import add_recipients
from moxlite.store.mail.staging import (
    GAP,
    Job,
    Staged,
    begin,
    drop_job,
    drop_staged,
    gap_for,
    letters_of,
    resolve_letters,
    stage,
)
from moxlite.store.mail.systemmailbox import QUEUE, is_kept
from moxlite.store.mail.threads import Keys, Placing, adopt_orphans
from moxlite.store.options import INITIAL_SPECIAL_USE
from moxlite.store.rows.mailboxes import (
    LEARN,
    mailbox,
    mailbox_by_name,
    mailbox_by_use,
    mailboxes,
    split_keywords,
    state,
)
from moxlite.store.rows.messages import flags_of_bits
from moxlite.store.types import UID, Flag, Mailbox, MailboxID, MessageAdded, MessageID, SpecialUse, ThreadKeys

logger = logging.getLogger("moxlite.store.imports")

CLEAN_SECONDS: Final = 600.0
"""Seconds for the removal of staged messages, also after a cancellation; the next open removes the rest."""

BODIES: Final = "SELECT b.hash FROM message m JOIN body b ON b.id = m.body_id WHERE m.mailbox_id = ?"


async def add_messages(
    account: Account,
    accounts: Accounts,
    items: Iterator[Item],
    progress: Progress,
    tmp: Path,
    *,
    gap: int = GAP,
    home: MailboxID | None = None,
) -> int:
    """Add messages in one job: staged in units, then all or nothing becomes visible; returns the number of messages.

    Args:
      items: iterated in worker threads of Trio; it may call back to the loop.
      progress: gets counts and problems.
      tmp: for temporary files.
      gap: ids that are left for deliveries.
      home: the mailbox of all items, which may have another name by the end.

    Raises: StoreError, OSError: nothing is changed.
    Cancellation: nothing is changed, unless the final unit has begun, which then completes.
    """
    adding = _Adding(account, accounts, RunningImport(progress, trio.CancelScope()), tmp, gap=gap)
    return (await adding.run(items, home)).messages


class _Adding:
    """One job that adds messages to an account."""

    def __init__(
        self,
        account: Account,
        accounts: Accounts,
        running: RunningImport,
        directory: Path,
        *,
        space: SpoolSpace | None = None,
        order: Order | None = None,
        gap: int = GAP,
    ) -> None:
        """`order` is that of an import from files; `gap` is the number of ids that are left for deliveries."""
        self._order = order
        self._into = None if order is None else order.into
        self._gap = gap
        self._space = space
        self._account = account
        self._accounts = accounts
        self._running = running
        self._progress = running.progress
        self._directory = directory
        self._octets = 0

    async def count(self, items: Iterator[Item]) -> Done:
        """Do a dry run: only count messages and find problems."""
        self._progress.begin_step("reading")
        await self._read(items, None)
        return Done(self._progress.messages, self._progress.problem_count, dry_run=True)

    async def run(self, items: Iterator[Item], home: MailboxID | None = None) -> Done:
        """Add the messages, with `home` as in `add_messages`. Raises StoreError, OSError: nothing is changed."""
        self._progress.begin_step("reading")
        job = await self._account.write(lambda tx: begin(tx, self._gap))
        done = False
        try:
            reader = await self._read(items, job)
            await self._resolve(reader)
            await trio.lowlevel.checkpoint_if_cancelled()
            # From here on the import can no longer be aborted, and the page does not offer it.
            self._running.final = True
            self._progress.begin_step("finishing")
            targets = [Target(box.number, box.name, box.messages) for box in reader.boxes]
            spellings, names = list(reader.naming.spellings.items()), dict(reader.naming.names)
            with trio.CancelScope(shield=True):  # bounded: one unit
                messages, again = await self._account.write(
                    lambda tx: self._finish(tx, job, _at_home(tx, home, targets), spellings, names), weight=ALONE
                )
            done = True
            if again:
                self._progress.problem(
                    f"{again} messages were in their mailboxes already, and are there twice now: leave out duplicates"
                )
            metrics.IMPORTED.inc(messages)
            return Done(messages, self._progress.problem_count, dry_run=False, first_id=job.first_id)
        finally:
            if not done:
                with trio.move_on_after(CLEAN_SECONDS, shield=True):
                    await self._clean()

    def _finish(
        self,
        tx: AccountTx,
        job: Job,
        targets: Sequence[Target],
        spellings: Sequence[tuple[str, str]],
        names: Mapping[str, str],
    ) -> tuple[int, int]:
        """The final unit; returns the number of messages, and of those that their mailbox had already. Raises as
        `finish`, if the chosen mailbox is gone, renamed or closed to the user, or if it had all of them: the same file
        was given twice.
        """
        if self._into is not None:
            box = mailbox(tx, self._into.mailbox_id)
            Access(owner=self._account.name, guest=self._into.guest).require(tx, box, self._into.rights)
            # The messages were staged for a name; the user may have a reason for giving it to another mailbox.
            if self._order is not None and box.name != self._order.mailbox:
                raise ImportFailed("the mailbox was renamed during the import, start it again")
        messages = finish(tx, job, targets, spellings)
        add_labels(tx, names)
        again: int = (
            tx.value(AGAIN, job.first_id, messages)
            if self._order is not None and not self._order.skip_duplicates
            else 0
        )
        if again and again == messages:
            raise ImportFailed(f"all {messages} messages are in their mailboxes already")
        return messages, again

    async def _clean(self) -> None:
        try:
            while await self._account.write(drop_staged):
                pass
            await self._account.write(drop_job)
        except StoreError as error:
            kv = {"account": self._account.name, "err": str(error)}
            level = logging.INFO if isinstance(error, Closed) else logging.ERROR  # a server that stops is no error
            logger.log(level, "what an import had staged is left until the next open", extra={"kv": kv})

    async def _read(self, items: Iterator[Item], job: Job | None) -> ReadAhead:
        existing = await self._account.scan(self._existing, op="import")
        first = MessageID(1) if job is None else job.first_id
        reader = ReadAhead(
            items,
            existing,
            first,
            self._directory,
            self._space,
            skip_duplicates=self._order is not None and self._order.skip_duplicates,
            allowed=EVERYTHING if self._into is None else allowed_flags(self._into.rights),
            labels=Labels({} if self._order is None else self._order.meanings, trial=job is None),
        )
        await self._pump(reader, dry=job is None)
        return reader

    async def _pump(self, reader: ReadAhead, *, dry: bool) -> None:
        """Stage batch by batch; the first failure of reader or writer is raised, not in an exception group."""
        failure: Exception | None = None
        # No buffer: one batch is read while one is written, and more would only hold memory.
        send, receive = trio.open_memory_channel[Batch](0)

        async def read() -> None:
            nonlocal failure
            async with send:
                try:
                    more = True
                    while more:
                        await give_way()
                        work = place("import")  # measured only, since the reader waits for scans
                        batch = await trio.to_thread.run_sync(work.run, reader.next_batch)
                        work.count()
                        more = not batch.last
                        try:
                            await send.send(batch)
                        except trio.Cancelled:  # no task has taken it
                            batch.close()
                            raise
                except (StoreError, OSError) as error:
                    failure = error
                    nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            try:
                async for batch in receive:
                    await self._take(batch, dry=dry)
            except (StoreError, OSError) as error:
                failure = error
                nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _take(self, batch: Batch, *, dry: bool) -> None:
        try:
            self._octets += batch.octets
            # An import has no cursor, so the end of the account is not told to it; a removal would wait for its end.
            if not self._accounts.exists(self._account.name):
                raise AccountRemoved(self._account.name)
            if dry:
                await self._check_quota()
            elif batch.spool is not None:
                *others, large = batch.staged
                async with held_body(self._account, large.prepared) as ready:
                    await self._stage([*others, msgspec.structs.replace(large, prepared=ready)], batch)
            elif batch.staged:
                await self._stage(batch.staged, batch)
        finally:
            batch.close()
        self._progress.left_out(batch.problems)
        if batch.counts:
            self._progress.count(batch.counts)
        if batch.asked:
            self._progress.ask(batch.asked)

    async def _stage(self, messages: list[Staged], batch: Batch) -> None:
        total = self._octets
        await self._account.write(lambda tx: stage(tx, messages, total), weight=max(batch.octets, 1))

    async def _check_quota(self) -> None:
        limit = self._account.config.quota
        used = await self._account.read(lambda r: state(r).total_size, op="import")
        if 0 < limit < used + self._octets:
            raise OverQuota(used, limit)

    async def _resolve(self, reader: ReadAhead) -> None:
        """Set flags and keywords of messages that preceded their file of keywords in the archive (STORE-125)."""
        for folder, number in reader.waiting:
            problems = Problems()
            for letters in await self._account.scan(lambda r, n=number: letters_of(r, n), op="import"):  # type: ignore[misc] # bound now
                flags, keywords = reader.meaning(folder, letters, problems)
                await self._account.write(
                    partial(resolve_letters, folder=number, letters=letters, flags=flags, keywords=keywords)
                )
            self._progress.left_out(problems)

    def _existing(self, r: Reader) -> Existing:
        uses = {}
        for use in SpecialUse:
            box = mailbox_by_use(r, use)
            uses[use] = INITIAL_SPECIAL_USE[use] if box is None else box.name
        kept = QUEUE if is_kept(r, QUEUE, self._account.config) else ""
        labels = {label.name.casefold(): label.keyword for label in labels_of(r)}
        return Existing({box.name: box.keywords for box in mailboxes(r)}, uses, self._bodies, kept, labels)

    def _bodies(self, name: str) -> set[bytes]:
        """The hashes of the bodies in a mailbox; called in the reading thread."""

        def read(r: Reader) -> set[bytes]:
            box = mailbox_by_name(r, name)
            return set() if box is None else {row[0] for row in r.iterate(BODIES, box.id)}

        return trio.from_thread.run(partial(self._account.scan, read, op="import"))


class FromFile:
    """An import of a file, which is parsed into items for `_Adding`."""

    def __init__(
        self,
        account: Account,
        accounts: Accounts,
        running: RunningImport,
        directory: Path,
        order: Order,
        file: BinaryIO | Upload,
        space: SpoolSpace | None,
        add_beside: AddBeside | None = None,
    ) -> None:
        """`add_beside`: see `Imports`."""
        self._add_beside = add_beside
        self._progress = running.progress
        self._arguments = account, accounts, running, directory
        self._space = space
        self._account = account
        self._directory = directory
        self._order = order
        self._file = file

    async def run(self) -> Done:
        """Do the import. Raises StoreError, OSError: nothing is changed."""
        limit = await self._limit()
        source = await trio.to_thread.run_sync(partial(self._seekable, self._file, limit))
        try:
            size = await trio.to_thread.run_sync(_size_of, source)
            gap = GAP if size is None else gap_for(size)
            # The reading thread looks itself whether it is to end: between two batches may be minutes.
            budget = Budget(limit, trio.from_thread.check_cancelled)
            items = read_source(cast("BinaryIO", source), self._order, budget)
            adding = _Adding(*self._arguments, space=self._space, order=self._order, gap=gap)
            if self._add_beside is None:
                return await self._add(adding, set_aside(items, None))
            with tempfile.TemporaryFile(dir=self._directory) as file:
                with zipfile.ZipFile(file, "w") as beside:
                    done = await self._add(adding, set_aside(items, beside))
                if not beside.namelist() or self._order.dry_run:
                    return done
                # After the mail, which appears all at once: what of this cannot be added leaves the mail in place.
                self._progress.left_out(await self._add_beside(self._account, cast("BinaryIO", file)))
                return msgspec.structs.replace(done, problems=self._progress.problem_count)
        finally:
            if source is not self._file:
                source.close()

    async def _add(self, adding: _Adding, items: Iterator[Item]) -> Done:
        return await (adding.count(items) if self._order.dry_run else adding.run(items))

    async def _limit(self) -> int:
        """Maximum of unpacked octets (STORE-156)."""
        free = (await trio.to_thread.run_sync(shutil.disk_usage, self._account.directory)).free
        return min(self._order.max_size, max(free - self._account.options.min_free_space, 0))

    def _seekable(self, file: BinaryIO | Upload, limit: int) -> BinaryIO | Upload | Rejoined:
        """Copy a zip file that comes as a stream to a temporary file, as its directory is at its end. In a thread."""
        if self._order.form is not Form.ARCHIVE or file.seekable():
            return file
        start = b""
        while len(start) < len(ZIP_MARK) and (data := file.read(len(ZIP_MARK) - len(start))):
            start += data
        if start != ZIP_MARK:
            return Rejoined(start, file.read)
        copy = tempfile.TemporaryFile(dir=self._directory)  # noqa: SIM115 - closed by the caller
        copy.write(start)
        while data := file.read(READ_SIZE):
            copy.write(data)
            limit -= len(data)
            if limit < 0:
                copy.close()
                raise ImportFailed("the file is too large")
        copy.seek(0)
        return cast("BinaryIO", copy)


def _size_of(file: BinaryIO | Upload | Rejoined) -> int | None:
    """In a thread: the octets of a file, None if they are not known before its end."""
    if not file.seekable():
        return None
    at = file.tell()
    size = file.seek(0, io.SEEK_END)
    file.seek(at)
    return size


# The final unit of an import: all staged messages appear at once, or none of them (STORE-121, 122, 127).
#
# It is alone in its commit. For each message it writes the narrow row with its indices, and for an answer its place
# in a thread; the content was written while staging.


ALONE: Final = 1 << 40
"""Weight of the unit: more than a commit takes, so that no other unit shares the commit."""

CACHE_KIB: Final = 32 << 10
"""KiB of page cache while the unit runs: the indices of message ids and subjects are written all over; 100 000 keys of
50 octets are 8 MB."""

SLICE: Final = 500
"""Rows read at a time."""

UNMOVED: Final = 1_000
"""Messages up to which each gets an event (STORE-34); beyond, subscribers read them from the database."""

JUNK_BITS: Final = int(Flag.JUNK | Flag.NOTJUNK)

MAP: Final = """
INSERT INTO import_mailbox (id, mailbox_id, last_uid, flags_kept, flags_set) VALUES (?, ?, ?, ?, ?)"""
COUNTS: Final = """
SELECT i.mailbox, (i.flags & b.flags_kept) | b.flags_set, count(*), sum(i.size) FROM import_message i
JOIN import_mailbox b ON b.id = i.mailbox GROUP BY 1, 2"""
OCTETS: Final = "SELECT coalesce(sum(size), 0) FROM import_message"
LAST: Final = "SELECT max(id) FROM import_message"
APPEAR: Final = """
INSERT INTO message (id, mailbox_id, uid, createseq, modseq, threadseq, body_id, email_id, size, received,
received_offset, savedate, flags, keywords, dsn, mailbox_orig_id, messageid, subject_base, threadid)
SELECT i.id, b.mailbox_id, b.last_uid + i.place, ?1, ?1, ?1, i.body_id, i.id, i.size, i.received, i.received_offset, ?2,
(i.flags & b.flags_kept) | b.flags_set, i.keywords, i.dsn, b.mailbox_id, i.messageid, i.subject_base, i.id
FROM import_message i JOIN import_mailbox b ON b.id = i.mailbox ORDER BY i.id"""
KEYWORDS: Final = "SELECT id, keywords FROM import_message WHERE keywords <> ''"
INSERT_KEYWORD: Final = "INSERT INTO message_keyword (keyword, message_id) VALUES (?, ?)"
THREAD_KEYS: Final = """
SELECT i.id, i.messageid, i.refs, i.subject_base, i.is_response, i.dsn, b.mailbox_id, i.received FROM import_message i
JOIN import_mailbox b ON b.id = i.mailbox WHERE i.id >= ? ORDER BY i.id LIMIT ?"""
AWAITED: Final = """
SELECT DISTINCT i.id, i.messageid, i.refs = x'90' FROM thread_missing t
CROSS JOIN message m ON m.messageid = t.reference CROSS JOIN import_message i ON i.id = m.id
WHERE t.email_id < ?1 ORDER BY i.id LIMIT 10000"""
SENT: Final = """
SELECT i.id, s.structure, i.received FROM import_message i JOIN message_info s ON s.email_id = i.id
WHERE i.mailbox = ?"""
ADDED: Final = """
SELECT m.uid, m.id, m.mailbox_id, m.flags, m.keywords FROM import_message i CROSS JOIN message m ON m.id = i.id
ORDER BY m.mailbox_id, m.uid"""
CLEAR: Final = "DELETE FROM import_message"
AGAIN: Final = """
SELECT count(*) FROM message i WHERE i.id >= ?1 AND i.id < ?1 + ?2 AND EXISTS (SELECT 1 FROM message m
WHERE m.mailbox_id = i.mailbox_id AND m.received = i.received AND m.body_id = i.body_id AND m.id < ?1)"""
"""Messages of an import that their mailbox had before, with the same octets and time of arrival."""

_references: Final = msgpack_decoder(tuple[str, ...])


class Target(msgspec.Struct, frozen=True):
    """A mailbox of the import: its number in the job, its name, and how many messages it gets."""

    number: int
    name: str
    messages: int


def _at_home(r: Reader, home: MailboxID | None, targets: Sequence[Target]) -> Sequence[Target]:
    """The targets under the name that their mailbox has now; unchanged without one, and for one that is gone."""
    try:
        return (
            targets if home is None else [msgspec.structs.replace(one, name=mailbox(r, home).name) for one in targets]
        )
    except NoSuchMailbox:
        return targets


def finish(tx: AccountTx, job: Job, targets: Sequence[Target], spellings: Sequence[tuple[str, str]]) -> int:
    """Make all staged messages visible; returns their number.

    Args:
      targets: all mailboxes, also empty ones; missing ones are made, and subscribed.
      spellings: pairs of a keyword's stored form and its spelling.

    Raises:
      OverQuota, UidsExhausted, LimitExceeded, ImportFailed: nothing is changed.
    """
    # Ids were given to staged messages beforehand, above a gap for deliveries. If it is used up, new mail has the same
    # ids.
    if next_message_id(tx) >= job.first_id:
        raise ImportFailed("too many messages came in during the import, start it again")
    with tx.cache(CACHE_KIB):
        return _finish(tx, job, targets, spellings)


def _finish(tx: AccountTx, job: Job, targets: Sequence[Target], spellings: Sequence[tuple[str, str]]) -> int:
    last: int = tx.value(LAST) or job.first_id - 1
    messages = last + 1 - job.first_id
    add_size(tx, tx.value(OCTETS))
    boxes = {target.number: _prepare_mailbox(tx, target) for target in targets}
    tx.executemany(LEARN, spellings)
    if messages:
        tx.execute(APPEAR, tx.modseq(), tx.now)
        words = _keywords(tx)
        _place(tx, job.first_id, last)
        _count(tx, boxes, targets, words)
        for number, box in boxes.items():
            if box.special_use & SpecialUse.SENT:
                _recipients(tx, number)
        _tell(tx, messages)
    tx.execute(CLEAR)
    drop_job(tx)
    return messages


def _prepare_mailbox(tx: AccountTx, target: Target) -> Mailbox:
    box = ensure_mailbox(tx, target.name)
    if target.messages:
        # Here and not while staging: until now other messages may have come into the mailbox.
        first = take_uids(tx, box.id, target.messages)
        verdict = classify(tx.config.junk_flags, box.name, box.special_use)
        kept = -1 if verdict is Verdict.UNCHANGED else ~JUNK_BITS
        tx.execute(MAP, target.number, box.id, first - 1, kept, int(flags_in_mailbox(Flag(0), verdict)))
    return box


def _keywords(tx: Tx) -> dict[int, frozenset[str]]:
    """Write the keywords of all messages; returns the keywords of each mailbox, by its number."""
    found: dict[int, set[str]] = {}
    for number, column in tx.rows("SELECT DISTINCT mailbox, keywords FROM import_message WHERE keywords <> ''"):
        found.setdefault(number, set()).update(split_keywords(column))
    rows = ((word, message_id) for message_id, column in tx.iterate(KEYWORDS) for word in split_keywords(column))
    tx.executemany(INSERT_KEYWORD, rows)
    return {number: frozenset(words) for number, words in found.items()}


def _count(
    tx: AccountTx, boxes: dict[int, Mailbox], targets: Sequence[Target], words: dict[int, frozenset[str]]
) -> None:
    deltas: dict[int, Delta] = {}
    for number, bits, count, octets in tx.rows(COUNTS):
        deltas.setdefault(number, Delta()).add(flags_of_bits(bits), octets, count)
    for target in targets:
        if target.number in deltas:
            box = apply_delta(tx, boxes[target.number].id, deltas[target.number])
            learn_keywords(tx, box, words.get(target.number, frozenset()))


def _place(tx: AccountTx, first: int, last: int) -> None:
    """Place messages in threads (STORE-82), and adopt orphans that waited for a message of the import (STORE-195)."""
    placed = bytearray(last + 1 - first)
    near: dict[int, Keys] = {}

    def read(start: int, count: int) -> dict[int, Keys]:
        return {
            message_id: Keys(
                ThreadKeys(messageid, _references.decode(refs), subject_base, bool(is_response), bool(dsn)),
                MailboxID(mailbox_id),
                received,
            )
            for message_id, messageid, refs, subject_base, is_response, dsn, mailbox_id, received in tx.rows(
                THREAD_KEYS, start, count
            )
        }

    def keys(message_id: int) -> Keys:
        return near[message_id] if message_id in near else read(message_id, 1)[message_id]

    def waits(message_id: int) -> bool:
        return message_id >= first and not placed[message_id - first]

    placing = Placing(tx, keys, waits, thread_is_set=True)
    for start in range(first, last + 1, SLICE):
        near = read(start, SLICE)
        threads = [one.thread for one in near.values()]
        ids = [thread.messageid for thread in threads if thread.messageid is not None]
        placing.look_ahead([*ids, *(thread.references[-1] for thread in threads if thread.references)])
        for message_id in near:
            if not placed[message_id - first]:
                for done in placing.place(message_id):
                    placed[done - first] = 1
    placing.flush()
    for message_id, messageid, without in tx.rows(AWAITED, first):
        adopt_orphans(tx, message_id, messageid, by_subject=bool(without))


def _recipients(tx: Tx, number: int) -> None:
    """Store the recipients of the messages in a Sent mailbox (STORE-95)."""
    for message_id, packed, received in tx.iterate(SENT, number):
        envelope = decode_structure(packed).envelope
        sent = received if envelope.date is None else envelope.date
        add_recipients(tx, message_id, envelope.to + envelope.cc + envelope.bcc, sent)


def _tell(tx: AccountTx, messages: int) -> None:
    if messages > UNMOVED:
        tx.rows_changed(messages)
        return
    exists: dict[int, tuple[int, int]] = {}
    for uid, message_id, mailbox_id, bits, keywords in tx.rows(ADDED):
        if mailbox_id not in exists:
            row = tx.row("SELECT total + deleted, unseen FROM mailbox WHERE id = ?", mailbox_id)
            assert row is not None
            exists[mailbox_id] = row[0], row[1]
        tx.emit(
            MessageAdded(
                mailbox_id=MailboxID(mailbox_id),
                uid=UID(uid),
                message_id=MessageID(message_id),
                flags=flags_of_bits(bits),
                keywords=split_keywords(keywords),
                exists=exists[mailbox_id][0],
                unseen=exists[mailbox_id][1],
            )
        )
