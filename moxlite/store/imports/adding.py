"""One import: items of a source are read in a thread, staged in units, and appear in others (docs/spec/store.md §11).

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
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec
import trio

from moxlite.processor import give_way, place as place_of_work
from moxlite.store import metrics
from moxlite.store.accounts.access import Access, allowed_flags
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import held_body
from moxlite.store.content.spool import SpoolSpace
from moxlite.store.errors import AccountRemoved, Closed, ImportFailed, OverQuota, StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.imports.appearing import (
    AGAIN,
    AT_ONCE,
    SLICE,
    Staged,
    Target,
    adopt,
    appear,
    at_home,
    follow,
    place,
    prepare,
)
from moxlite.store.imports.archives import READ_SIZE
from moxlite.store.imports.items import AddBeside, Done, Form, Item, Order, Problems, Progress, RunningImport, Upload
from moxlite.store.imports.labels import Labels
from moxlite.store.imports.reading import EVERYTHING, Batch, ExistingState, KeywordNames, ReadAhead
from moxlite.store.imports.sources import ZIP_MARK, Budget, PrefixedFile, read_source, set_aside
from moxlite.store.mail.labels import add_labels, labels_of
from moxlite.store.mail.staging import (
    GAP,
    Job,
    StagedMessage,
    begin,
    confirm,
    drop_job,
    drop_staged,
    gap_for,
    lettered,
    resolve_letters,
    stage,
)
from moxlite.store.mail.systemmailbox import QUEUE, is_kept
from moxlite.store.options import INITIAL_SPECIAL_USE
from moxlite.store.rows.mailboxes import LEARN, mailbox, mailbox_by_name, mailbox_by_use, mailboxes, state
from moxlite.store.types import MailboxID, MessageID, SpecialUse

logger = logging.getLogger("moxlite.store.imports")

CLEAN_SECONDS: Final = 600.0
"""Seconds for the removal of staged messages, also after a cancellation; the next open removes the rest."""

LETTERS_KEPT: Final = 1_000
"""Sets of flag letters whose meaning is kept for further messages."""

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
    Cancellation: nothing is changed, unless the last unit has begun, which then completes.
    """
    adding = _ImportJob(account, accounts, RunningImport(progress, trio.CancelScope()), tmp, gap=gap)
    return (await adding.run(items, home)).messages


class _ImportJob:
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
        try:
            reader = await self._read(items, job)
            await self._resolve(reader, job.first_id)
            await trio.lowlevel.checkpoint_if_cancelled()
            self._progress.begin_step("finishing")
            targets = [Target(box.number, box.name, box.messages) for box in reader.boxes]
            finishing = _Finishing(self._account, job, self._order, targets, home, reader.naming)
            if sum(target.messages for target in targets) > AT_ONCE:
                await finishing.appear(self._progress)
            # From here on the import can no longer be aborted, and the page does not offer it.
            self._running.final = True
            with trio.CancelScope(shield=True):  # bounded: one unit
                end = await self._account.write(finishing.end, weight=1)
            await finishing.adopt(end.staged, end.unadopted)
            if end.again:
                self._progress.problem(f"{end.again} messages now exist twice (to avoid this, skip duplicates)")
            metrics.IMPORTED.inc(end.staged.messages)
            return Done(end.staged.messages, self._progress.problem_count, dry_run=False, first_id=job.first_id)
        finally:
            with trio.move_on_after(CLEAN_SECONDS, shield=True):
                await self._clean()

    async def _clean(self) -> None:
        try:
            while await self._account.write(drop_staged):
                pass
            await self._account.write(drop_job)
        except StoreError as error:
            kv = {"account": self._account.name, "err": str(error)}
            level = logging.INFO if isinstance(error, Closed) else logging.ERROR  # a server that stops is no error
            logger.log(level, "unfinished import data stays until the account is next opened", extra={"kv": kv})

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
                        work = place_of_work("import")  # measured only, since the reader waits for scans
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
        for text in batch.notes:
            self._progress.note(text)

    async def _stage(self, messages: list[StagedMessage], batch: Batch) -> None:
        total = self._octets
        await self._account.write(lambda tx: stage(tx, messages, total), weight=max(batch.octets, 1))

    async def _check_quota(self) -> None:
        limit = self._account.config.quota
        used = await self._account.read(lambda r: state(r).total_size, op="import")
        if 0 < limit < used + self._octets:
            raise OverQuota(used, limit)

    async def _resolve(self, reader: ReadAhead, first: MessageID) -> None:
        """Set flags and keywords of messages that preceded their file of keywords in the archive (STORE-125)."""
        folders = {number: folder for folder, number in reader.waiting}
        problems = Problems()

        @lru_cache(LETTERS_KEPT)
        def meaning(number: int, letters: str) -> tuple[int, str]:
            flags, keywords = reader.meaning(folders[number], letters, problems)
            return int(flags), keywords

        start = int(first)
        while folders and (part := await self._account.scan(partial(lettered, start=start), op="import")):
            meanings = [(*meaning(one.folder, one.letters), one.id) for one in part if one.folder in folders]
            await self._account.write(partial(resolve_letters, meanings=meanings), weight=1)
            start = part[-1].id + 1
        self._progress.left_out(problems)

    def _existing(self, r: Reader) -> ExistingState:
        uses = {}
        for use in SpecialUse:
            box = mailbox_by_use(r, use)
            uses[use] = INITIAL_SPECIAL_USE[use] if box is None else box.name
        kept = QUEUE if is_kept(r, QUEUE, self._account.config) else ""
        labels = {label.name.casefold(): label.keyword for label in labels_of(r)}
        return ExistingState({box.name: box.keywords for box in mailboxes(r)}, uses, self._bodies, kept, labels)

    def _bodies(self, name: str) -> set[bytes]:
        """The hashes of the bodies in a mailbox; called in the reading thread."""

        def read(r: Reader) -> set[bytes]:
            box = mailbox_by_name(r, name)
            return set() if box is None else {row[0] for row in r.iterate(BODIES, box.id)}

        return trio.from_thread.run(partial(self._account.scan, read, op="import"))


class _End(msgspec.Struct, frozen=True):
    """How a job ended: its messages, the number of those that their mailbox had already, and the id from which orphans
    are still to be adopted.
    """

    staged: Staged
    again: int
    unadopted: int


class _Finishing:
    """The end of a job, whose messages are all staged: see `appearing`."""

    def __init__(
        self,
        account: Account,
        job: Job,
        order: Order | None,
        targets: Sequence[Target],
        home: MailboxID | None,
        naming: KeywordNames,
    ) -> None:
        """`home`: as in `add_messages`."""
        self._account = account
        self._job = job
        self._order = order
        self._targets = targets
        self._home = home
        self._naming = naming
        self._staged: Staged | None = None
        self._again = 0

    async def appear(self, progress: Progress) -> None:
        """Let the messages appear in many units. Raises StoreError: what has appeared is to be taken back."""
        staged = await self._account.write(self._prepare, weight=1)
        self._again = await self._account.scan(self._present, op="import")
        total = 2 * staged.messages
        for first in range(staged.first, staged.last + 1, SLICE):
            last = min(first + SLICE - 1, staged.last)
            await self._account.write(partial(self._appear, staged=staged, first=first, last=last), weight=1)
            progress.finished(last + 1 - staged.first, total)
        placed, at = bytearray(staged.messages), int(staged.first)
        while at <= staged.last:
            ids, at = await self._account.write(partial(place, staged=staged, placed=placed, start=at), weight=1)
            _note(placed, staged, ids)
            progress.finished(staged.messages + at - staged.first, total)
        await self.adopt(staged, staged.first)
        at = staged.since
        while at < staged.first:
            at = await self._account.write(partial(follow, staged=staged, start=at), weight=1)
        self._staged = staged

    async def adopt(self, staged: Staged, start: int) -> None:
        """Adopt orphans from the id `start`."""
        while start <= staged.last:
            start = await self._account.write(partial(adopt, staged=staged, start=start), weight=1)

    def end(self, tx: AccountTx) -> _End:
        """The last unit, which is the only one of a small import. Raises as `appear`."""
        staged, again = self._staged, self._again
        unadopted = 0 if staged is None else staged.last + 1
        if staged is None:
            staged = self._prepare(tx)
            again = self._present(tx)
            unadopted = self._at_once(tx, staged)
        tx.executemany(LEARN, self._naming.spellings.items())
        add_labels(tx, self._naming.names)
        confirm(tx, staged.last)
        return _End(staged, again, unadopted)

    def _prepare(self, tx: AccountTx) -> Staged:
        self._check(tx)
        return prepare(tx, self._job, at_home(tx, self._home, self._targets))

    def _appear(self, tx: AccountTx, staged: Staged, first: int, last: int) -> None:
        self._check(tx)
        appear(tx, staged, first, last)

    def _at_once(self, tx: AccountTx, staged: Staged) -> int:
        if not staged.messages:
            return staged.first
        appear(tx, staged, staged.first, staged.last)
        placed, at = bytearray(staged.messages), int(staged.first)
        while at <= staged.last:
            ids, at = place(tx, staged, placed, at, tell=False)
            _note(placed, staged, ids)
        return adopt(tx, staged, staged.first)

    def _check(self, tx: AccountTx) -> None:
        """Raise if the chosen mailbox is gone, renamed, or closed to the user."""
        order = self._order
        if order is not None and order.into is not None:
            box = mailbox(tx, order.into.mailbox_id)
            Access(owner=self._account.name, guest=order.into.guest).require(tx, box, order.into.rights)
            # The messages were staged for a name; the user may have a reason for giving it to another mailbox.
            if box.name != order.mailbox:
                raise ImportFailed("the folder was renamed during the import; start the import again")

    def _present(self, r: Reader) -> int:
        """Number of messages that their mailboxes have already. Raises ImportFailed if it had all of them: the same
        file was given twice.
        """
        if self._order is None or self._order.skip_duplicates:
            return 0
        again: int = r.value(AGAIN)
        if again and again == sum(target.messages for target in self._targets):
            raise ImportFailed(f"all {again} messages have already been imported")
        return again


def _note(placed: bytearray, staged: Staged, message_ids: Sequence[int]) -> None:
    for message_id in message_ids:
        placed[message_id - staged.first] = 1


class FromFile:
    """An import of a file, which is parsed into items for `_ImportJob`."""

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
            adding = _ImportJob(*self._arguments, space=self._space, order=self._order, gap=gap)
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

    async def _add(self, adding: _ImportJob, items: Iterator[Item]) -> Done:
        return await (adding.count(items) if self._order.dry_run else adding.run(items))

    async def _limit(self) -> int:
        """Maximum of unpacked octets (STORE-156)."""
        free = (await trio.to_thread.run_sync(shutil.disk_usage, self._account.directory)).free
        return min(self._order.max_size, max(free - self._account.options.min_free_space, 0))

    def _seekable(self, file: BinaryIO | Upload, limit: int) -> BinaryIO | Upload | PrefixedFile:
        """Copy a zip file that comes as a stream to a temporary file, as its directory is at its end. In a thread."""
        if self._order.form is not Form.ARCHIVE or file.seekable():
            return file
        start = b""
        while len(start) < len(ZIP_MARK) and (data := file.read(len(ZIP_MARK) - len(start))):
            start += data
        if start != ZIP_MARK:
            return PrefixedFile(start, file.read)
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


def _size_of(file: BinaryIO | Upload | PrefixedFile) -> int | None:
    """Size of a file in octets, or None if it isn't known before its end. Blocks."""
    if not file.seekable():
        return None
    at = file.tell()
    size = file.seek(0, io.SEEK_END)
    file.seek(at)
    return size
