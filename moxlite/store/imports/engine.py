"""An import from beginning to end: reads in a thread, stages in units, finishes in one (docs/spec/store.md §11).

Two parts work at the same time, each on a batch: a worker thread reads, hashes, parses and compresses the next one
while the writer puts the last one in. Deliveries pass between two units.
"""

from __future__ import annotations

import io
import logging
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec
import trio

from moxlite.store import metrics
from moxlite.store.account import Account
from moxlite.store.accounts import Accounts
from moxlite.store.errors import AccountRemoved, Closed, OverQuota, StoreError
from moxlite.store.imports.finish import ALONE, Target, finish
from moxlite.store.imports.items import Form, ImportFailed, Item, Order
from moxlite.store.imports.progress import Aborted, Done, Progress
from moxlite.store.imports.reading import Batch, Existing, ReadAhead
from moxlite.store.imports.sources import ZIP_MARK, Rejoined, read_source
from moxlite.store.imports.staging import (
    Job,
    Staged,
    begin,
    drop_job,
    drop_staged,
    letters_of,
    resolve_letters,
    stage,
)
from moxlite.store.imports.tarstream import READ_SIZE
from moxlite.store.options import INITIAL_SPECIAL_USE
from moxlite.store.prepare import held_body
from moxlite.store.reading import mailbox_by_name, mailbox_by_use, mailboxes, state
from moxlite.store.systemmailbox import QUEUE, is_kept
from moxlite.store.transaction import Reader
from moxlite.store.types import MessageID, SpecialUse

__all__ = ["Imports", "Upload", "add_messages"]

logger = logging.getLogger("moxlite.store.imports")

KEPT_SECONDS: Final = 60.0
"""For which the state of an import that has ended can be asked for (STORE-128)."""

CLEAN_SECONDS: Final = 600.0
"""For taking away what was staged, also after a cancellation; what is left then goes at the next open."""

BODIES: Final = "SELECT b.hash FROM message m JOIN body b ON b.id = m.body_id WHERE m.mailbox_id = ?"


class Upload(io.RawIOBase):
    """Octets that come in pieces on the loop, as a file for a worker thread of Trio."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self._held = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """At least one octet, but at the end; never more than `size`, if it is given."""
        while not self._held and not self._ended:
            try:
                self._held = trio.from_thread.run(self._pieces.__anext__)
            except StopAsyncIteration:
                self._ended = True
        size = len(self._held) if size < 0 else size
        data, self._held = self._held[:size], self._held[size:]
        return data


class _Running(msgspec.Struct):
    """An import by its token; `final` once nothing can stop it."""

    progress: Progress
    scope: trio.CancelScope
    final: bool = False


class Imports:
    """The imports of a server. What runs, and what has ended within the last minute, is found by its token."""

    def __init__(self, accounts: Accounts, directory: Path) -> None:
        """`directory` is for temporary files, ``data/tmp``."""
        self._accounts = accounts
        self._directory = directory
        self._running: dict[bytes, _Running] = {}
        self._nursery: trio.Nursery | None = None

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Have `start` do imports in the background, until cancelled: which aborts them."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None

    def begin(self, account: str) -> Progress:
        """The state of an import that is going to `run`; its token is random, 16 octets."""
        now = trio.current_time()
        for token, one in list(self._running.items()):
            if one.progress.end is not None and now - one.progress.ended >= KEPT_SECONDS:
                del self._running[token]
        progress = Progress(secrets.token_bytes(16), account)
        self._running[progress.token] = _Running(progress, trio.CancelScope())
        return progress

    def find(self, token: bytes) -> Progress | None:
        """The import of that token: one that runs, or that ended within the last minute."""
        one = self._running.get(token)
        if one is None:
            return None
        ended = one.progress.end is not None and trio.current_time() - one.progress.ended >= KEPT_SECONDS
        return None if ended else one.progress

    def of(self, account: str) -> Progress | None:
        """The newest import of an account that `find` would give."""
        for token in reversed(self._running):
            found = self.find(token)
            if found is not None and found.account == account:
                return found
        return None

    def start(self, progress: Progress, order: Order, file: BinaryIO) -> None:
        """`run` in the background; then close the file. Raises ImportFailed: the server is stopping."""
        if self._nursery is None:
            raise ImportFailed("the server is stopping")
        self._nursery.start_soon(self._run_and_close, progress, order, file)

    async def _run_and_close(self, progress: Progress, order: Order, file: BinaryIO) -> None:
        try:
            await self.run(progress, order, file)
        except Exception:
            # Like the guard of a connection: what no code expected ends one import, not the server.
            progress.finish(Aborted("something went wrong in the server; its log tells more"))
            logger.exception("unexpected error in an import", extra={"kv": {"account": progress.account}})
        finally:
            file.close()

    def abort(self, token: bytes) -> None:
        """End an import, with nothing changed (STORE-129). Raises ImportFailed: there is none, or it is finished."""
        one = self._running.get(token)
        if one is None:
            raise ImportFailed("there is no such import")
        if one.final or one.progress.end is not None:
            raise ImportFailed("the import is already finished")
        one.scope.cancel()

    async def run(self, progress: Progress, order: Order, file: BinaryIO | Upload) -> None:
        """Do the import; how it ends is in `progress.end`, also when it fails.

        Args:
          file: the octets, read in a worker thread; not closed.

        Cancellation: as `abort`, until the final unit begins; that one is waited for.
        """
        one = self._running[progress.token]
        end: Done | Aborted = Aborted("the import was aborted")
        try:
            with one.scope:
                async with self._accounts.use(progress.account) as account:
                    adding = _FromFile(account, self._accounts, one, self._directory, order, file)
                    end = await adding.run()
        except OverQuota as error:
            end = Aborted(f"there is not enough room: {error}")
        except StoreError as error:
            end = Aborted(str(error))
        except OSError as error:
            end = Aborted(f"the file cannot be read: {error.strerror or error}")
        finally:
            progress.finish(end)
            logger.info(
                "import ended",
                extra={
                    "kv": {
                        "account": progress.account,
                        "messages": progress.messages,
                        "problems": progress.problem_count,
                        "end": end.text if isinstance(end, Aborted) else "done",
                    }
                },
            )


async def add_messages(
    account: Account, accounts: Accounts, items: Iterator[Item], progress: Progress, tmp: Path
) -> int:
    """Add what `items` yields in one job: staged in units, and all or nothing in the end; returns how many messages.

    Args:
      items: taken in worker threads of Trio; it may call back to the loop.
      progress: told mailboxes and problems.
      tmp: for temporary files.

    Raises: StoreError, OSError: nothing is changed.
    Cancellation: nothing is changed, unless the final unit has begun; that one is waited for.
    """
    adding = _Adding(account, accounts, _Running(progress, trio.CancelScope()), tmp)
    return (await adding.run(items)).messages


class _Adding:
    """Adds messages to one account, as one job."""

    def __init__(
        self,
        account: Account,
        accounts: Accounts,
        running: _Running,
        directory: Path,
        *,
        skip_duplicates: bool = False,
    ) -> None:
        self._account = account
        self._accounts = accounts
        self._running = running
        self._progress = running.progress
        self._directory = directory
        self._octets = 0
        self._skip_duplicates = skip_duplicates

    async def count(self, items: Iterator[Item]) -> Done:
        """A dry run: only count, and find problems."""
        self._progress.begin_step("reading")
        await self._read(items, None)
        return Done(self._progress.messages, self._progress.problem_count, dry_run=True)

    async def run(self, items: Iterator[Item]) -> Done:
        """Raises StoreError, OSError: nothing is changed."""
        self._progress.begin_step("reading")
        job = await self._account.write(begin)
        done = False
        try:
            reader = await self._read(items, job)
            await self._resolve(reader)
            await trio.lowlevel.checkpoint_if_cancelled()
            self._running.final = True
            self._progress.begin_step("finishing")
            targets = [Target(box.number, box.name, box.messages) for box in reader.boxes]
            spellings = list(reader.spellings.items())
            with trio.CancelScope(shield=True):  # bounded: one unit
                messages = await self._account.write(lambda tx: finish(tx, job, targets, spellings), weight=ALONE)
            done = True
            metrics.IMPORTED.inc(messages)
            return Done(messages, self._progress.problem_count, dry_run=False)
        finally:
            if not done:
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
            logger.log(level, "what an import had staged is left until the next open", extra={"kv": kv})

    async def _read(self, items: Iterator[Item], job: Job | None) -> ReadAhead:
        existing = await self._account.scan(self._existing, op="import")
        first = MessageID(1) if job is None else job.first_id
        reader = ReadAhead(items, existing, first, self._directory, skip_duplicates=self._skip_duplicates)
        await self._pump(reader, dry=job is None)
        return reader

    async def _pump(self, reader: ReadAhead, *, dry: bool) -> None:
        """Stage batch by batch; the first failure of either side is raised by itself."""
        failure: Exception | None = None
        send, receive = trio.open_memory_channel[Batch](0)

        async def read() -> None:
            nonlocal failure
            async with send:
                try:
                    more = True
                    while more:
                        batch = await trio.to_thread.run_sync(reader.next_batch)
                        more = not batch.last
                        await send.send(batch)
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
            if batch.spool is not None:
                batch.spool.close()
        for text in batch.problems:
            self._progress.problem(text)
        if batch.counts:
            self._progress.count(batch.counts)

    async def _stage(self, messages: list[Staged], batch: Batch) -> None:
        total = self._octets
        await self._account.write(lambda tx: stage(tx, messages, total), weight=max(batch.octets, 1))

    async def _check_quota(self) -> None:
        limit = self._account.config.quota
        used = await self._account.read(lambda r: state(r).total_size, op="import")
        if 0 < limit < used + self._octets:
            raise OverQuota(limit)

    async def _resolve(self, reader: ReadAhead) -> None:
        """Letters whose file of keywords came behind their messages, as archives may have it (STORE-125)."""
        for folder in sorted(reader.waiting):
            number = reader.folder_number(folder)
            problems: list[str] = []
            for letters in await self._account.scan(lambda r, n=number: letters_of(r, n), op="import"):  # type: ignore[misc] # bound now
                flags, keywords = reader.meaning(folder, letters, problems)
                await self._account.write(
                    partial(resolve_letters, folder=number, letters=letters, flags=flags, keywords=keywords)
                )
            for text in problems:
                self._progress.problem(text)

    def _existing(self, r: Reader) -> Existing:
        uses = {}
        for use in SpecialUse:
            box = mailbox_by_use(r, use)
            uses[use] = INITIAL_SPECIAL_USE[use] if box is None else box.name
        kept = QUEUE if is_kept(r, QUEUE, self._account.config) else ""
        return Existing({box.name: box.keywords for box in mailboxes(r)}, uses, self._bodies, kept)

    def _bodies(self, name: str) -> set[bytes]:
        """In the reading thread: the hashes of what a mailbox has."""

        def read(r: Reader) -> set[bytes]:
            box = mailbox_by_name(r, name)
            return set() if box is None else {row[0] for row in r.iterate(BODIES, box.id)}

        return trio.from_thread.run(partial(self._account.scan, read, op="import"))


class _FromFile:
    """An import of a file: its octets to items, for `_Adding`."""

    def __init__(
        self,
        account: Account,
        accounts: Accounts,
        running: _Running,
        directory: Path,
        order: Order,
        file: BinaryIO | Upload,
    ) -> None:
        self._adding = _Adding(account, accounts, running, directory, skip_duplicates=order.skip_duplicates)
        self._account = account
        self._directory = directory
        self._order = order
        self._file = file

    async def run(self) -> Done:
        """Raises StoreError, OSError: nothing is changed."""
        limit = await self._limit()
        source = await trio.to_thread.run_sync(partial(self._seekable, self._file, limit))
        try:
            items = read_source(cast("BinaryIO", source), self._order, limit)
            return await (self._adding.count(items) if self._order.dry_run else self._adding.run(items))
        finally:
            if source is not self._file:
                source.close()

    async def _limit(self) -> int:
        """Octets that are unpacked at most (STORE-156)."""
        free = (await trio.to_thread.run_sync(shutil.disk_usage, self._account.directory)).free
        return min(self._order.max_size, max(free - self._account.options.min_free_space, 0))

    def _seekable(self, file: BinaryIO | Upload, limit: int) -> BinaryIO | Upload | Rejoined:
        """In a thread: a zip file that comes as a stream is written down, for its directory is at its end."""
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
