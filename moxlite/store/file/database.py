"""One SQLite file with its writer, readers, checkpoints and migrations, the same for account.db, auth.db, queue.db and
the others (STORE-2 to 10b).

`Reader` and `Tx`, the views that reads and units get, are in `transaction.py`; group commit is in `writer.py`; the
choice between loop and thread is in `readers.py`.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, TypeVar, cast

import apsw
import trio

from moxlite.heap import give_memory_back
from moxlite.store import metrics
from moxlite.store.blockmaps import BLOCK, SAMPLE, BlockChanges, blocks_to_read, times_of
from moxlite.store.errors import StorageBroken
from moxlite.store.file.boundary import storage
from moxlite.store.file.health import PAGE, Checkpoints, Health
from moxlite.store.file.jobs import SERIES_AHEAD, Job
from moxlite.store.file.migrations import Kind, drop_old_copies, open_file
from moxlite.store.file.readers import Readers, Snapshot, used
from moxlite.store.file.transaction import Connection, Reader, Tx
from moxlite.store.file.writer import Writer
from moxlite.store.options import Options
from moxlite.wakeup import Wakeup

# Upkeep of one SQLite file: memory released, the file shrunk, long reads watched, a degraded file tested again
# (STORE-10, STORE-37, STORE-158c).
#
# A file that is not used needs none, so its upkeep rests until the next use. The parts that change the file are chores
# of the writer's thread.


MAX_CHANGED: Final = 2_048
"""Changed blocks that are copied between two units: 128 MB, 0.2 s."""

BLOCKS_SECONDS: Final = 30.0
"""Seconds to wait for the writer, after which a backup reads the whole file."""

IDLE: Final = 30.0
"""Seconds without a read or unit after which memory is released (STORE-10): with the upkeep interval and the pause
between two malloc_trim, an account takes next to no memory a minute after its last use.
"""

UPKEEP: Final = 10.0
"""Seconds between two rounds of upkeep: idleness, long reads and free pages."""

VACUUM_SHARE: Final = 10
"""Percent of free pages above which the file is shrunk (STORE-37)."""

VACUUM_STEP: Final = 1_000
"""Pages returned at a time: 8 to 30 ms, and about as long to fold them: the longest delay of a unit (design-facts
§2b).
"""

VACUUM_STEPS: Final = 50
"""Steps in one upkeep, 200 MB: a log that a reader keeps from being folded stays below the limit of STORE-161."""


class FileUpkeep:
    """The last use of a file, and the upkeep that is due since then. Methods run on the loop, chores in the writer's
    thread.

    Attributes:
      on_use: called when the file is used again after its upkeep was done.
      last_written: time of the last unit (monotonic).
    """

    def __init__(self, health: Health, checkpoints: Checkpoints, readers: Readers, writer: Writer) -> None:
        self._health = health
        self._edge = storage(health)
        self._checkpoints = checkpoints
        self._readers = readers
        self._writer = writer
        self._trimmed = False
        self._writes = 0
        self._vacuumed = -1  # value of `_writes` when nothing was left to vacuum
        self._wakeup = Wakeup()
        self.on_use: Callable[[], None] = self._wakeup.set
        self.last_written = time.monotonic()

    def wrote(self) -> None:
        """Note that a unit was given to the writer."""
        self.last_written = time.monotonic()
        self._writes += 1
        self.used()

    def used(self) -> None:
        """Note that the file is used, so that upkeep has something to do."""
        if self._trimmed:
            self._trimmed = False
            self.on_use()

    @property
    def idle(self) -> float:
        """Seconds since the last read or unit."""
        return time.monotonic() - max(self.last_written, self._readers.last_used)

    @property
    def resting(self) -> bool:
        """Whether nothing is to be done until the file is used again."""
        well = not self._health.broken and not self._health.checkpoint_failed
        return well and self._trimmed and self._vacuumed == self._writes and not self._readers.open.reads

    async def serve(self) -> None:
        """Do a round every `UPKEEP` seconds until cancelled. Sleeps while the file is unused and upkeep is done."""
        while True:
            self._wakeup.clear()
            if self.resting and not give_memory_back.owed:
                await self._wakeup.wait()
            await trio.sleep(UPKEEP)
            await self.round()
            if give_memory_back.owed:
                await trio.to_thread.run_sync(give_memory_back)

    async def round(self) -> None:
        """One round; a degraded database is tested again (STORE-158c). Raises StorageBusy, StorageBroken."""
        if self._health.retest_due():
            with self._edge:
                await self._readers.trim()  # their caches may hold damaged pages
            self._writer.chore(self._test)
        if self._health.checkpoint_failed:
            self._writer.chore(self._fold)
        with self._edge:
            self._readers.open.upkeep(self._checkpoints.pages * PAGE)
        if self.idle >= UPKEEP and self._vacuumed != self._writes:
            self._writer.chore(self._vacuum)
        if self.idle >= IDLE and not self._trimmed:
            await self.trim()

    async def trim(self) -> None:
        """Release memory now: the caches of all connections, and the log (STORE-10). Raises StorageBusy,
        StorageBroken.
        """
        self._trimmed = True
        self._writer.chore(self._shrink)
        with self._edge:
            await self._readers.trim()
        await trio.to_thread.run_sync(give_memory_back)

    # Chores

    def _vacuum(self, db: Connection) -> None:
        """Return free pages to the file system while no unit waits."""
        writes, before = self._writes, -1
        for _ in range(VACUUM_STEPS):
            free, pages = int(db.pragma("freelist_count")), int(db.pragma("page_count"))
            if free * 100 <= pages * VACUUM_SHARE or free == before:
                self._vacuumed = writes
                return
            if not self._writer.idle:
                return
            before = free
            db.execute(f"PRAGMA incremental_vacuum({VACUUM_STEP})").fetchall()
            # No batch follows whose end would start a checkpoint, and the file shrinks with the fold alone.
            self._fold(db)

    def _test(self, db: Connection) -> None:
        """Test whether the file can be read and written, while units are refused."""
        if self._checkpoints.stopped:  # it is being closed
            return
        db.execute("PRAGMA shrink_memory").fetchall()
        if self._health.is_damaged:
            (found,) = db.execute("PRAGMA quick_check(1)").fetchone() or ("",)
            if found != "ok":
                self._health.damaged(found)
                return
        number = int(db.pragma("user_version"))
        db.execute("BEGIN IMMEDIATE")
        db.execute(f"PRAGMA user_version={number}")  # the same, but a page is written and synced
        db.execute("COMMIT")
        self._health.healed()

    def _fold(self, db: Connection) -> None:
        """Fold the log into the file."""
        self._checkpoints.fold(db, apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def _shrink(self, db: Connection) -> None:
        """Fold the log into the file and release the page cache."""
        if self._checkpoints.pages:
            self._fold(db)
        db.execute("PRAGMA shrink_memory").fetchall()


logger = logging.getLogger("moxlite.store.database")

X = TypeVar("X", bound=Tx)
T = TypeVar("T")

PATIENCE: Final = 10.0
"""Seconds that background work waits for the end of a series (COPY of 100,000 messages takes 2 to 20), or of a burst of
small units. The wait is limited, as clients may write all day.
"""

QUIET: Final = 0.5
"""Seconds without a unit after which a burst of units is over. Background work during the burst would take half a core
from it.
"""


class Database:
    """An open database. Made by `open`, ended by `aclose`; not shared between two runs of Trio."""

    def __init__(
        self,
        path: Path,
        kind: Kind,
        options: Options,
        name: str,
        health: Health,
        *,
        unclean: bool,
        cold: bool,
    ) -> None:
        """For `open`."""
        self.path = path
        self.kind = kind
        self.options = options
        self.name = name
        self.unclean = unclean
        self.health = health
        self._edge = storage(health)
        # Another program that folds the log, or another file system, would make changes that no map has.
        mapped = kind is Kind.ACCOUNT and options.vfs is None and not options.replicated(path)
        self._checkpoints = Checkpoints(
            path,
            health,
            kind,
            vfs=options.vfs,
            replicated=options.replicated(path),
            blocks=partial(options.blocks.get, path) if mapped else lambda: None,
        )
        self._writer: Writer
        self._readers = Readers(path, kind, self.health, lambda: self._writer.lend(), cold=cold, vfs=options.vfs)
        self._upkeep: FileUpkeep
        self._closed = False

    @classmethod
    async def open(
        cls,
        path: Path,
        kind: Kind,
        *,
        options: Options,
        name: str | None = None,
        create: bool | Callable[[], bool] = False,
        look: Callable[[Reader], None] = lambda r: None,
    ) -> Database:
        """Open the file, with its schema up to date.

        Args:
          path: the file; its folder exists.
          name: name in logs and metrics; the file's name if None. An account gives its own.
          create: create the file if it is missing or empty; or what says so, in the thread that opens it, and may make
            its folder.
          look: reads what the caller has to know first, in one snapshot in the same thread.

        Raises:
          MissingFile, WrongFile, SchemaTooNew, MigrationNeedsSpace, StorageFull, StorageBusy, StorageBroken.

        `unclean` tells whether the last user of the file ended without closing it.
        """

        health = Health(name or path.name, path, options.min_free_space, tell=options.degraded)

        def work() -> tuple[Database, Connection]:
            new = create() if callable(create) else create
            blocks, _ = used()
            try:
                with storage(health):
                    wal = path.with_name(path.name + "-wal")
                    unclean = wal.exists() and wal.stat().st_size > 0
                    db = open_file(path, kind, options, create=new)
                    try:
                        db.execute("BEGIN")  # each statement by itself would take and return the locks of a read
                        look(Reader(db))
                        db.execute("COMMIT; PRAGMA query_only=ON").fetchall()  # lent to reads, until the writer begins
                        cold = used()[0] != blocks
                        return cls(path, kind, options, name or path.name, health, unclean=unclean, cold=cold), db
                    except BaseException:
                        db.close(True)
                        raise
            except StorageBroken as error:
                health.refused(error)
                raise

        self, db = await trio.to_thread.run_sync(work)
        metrics.BROKEN.remove(self.name)  # an earlier opening may have failed
        self._writer = Writer(
            db,
            name=self.name,
            kind=kind.value,
            health=self.health,
            checkpoints=self._checkpoints,
            copied=None if options.copied is None else partial(options.copied, self.path),
            permitted=None if options.permitted is None else partial(options.permitted, self.path),
        )
        self._upkeep = FileUpkeep(health, self._checkpoints, self._readers, self._writer)
        return self

    async def write(self, unit: Callable[[Tx], T], *, weight: int = 0) -> T:
        """Run `unit` in the writer thread and commit it; returns what it returned, once it is durable (STORE-4,
        STORE-5).

        Args:
          unit: a plain function. It does not await, has no effect outside of the transaction, and may run twice.
          weight: octets of bodies that it adds. If above 0, the free space of the disk is checked first (STORE-157).

        Raises:
          StorageFull, StorageBusy, StorageBroken: nothing of the unit is in the database.
          Closed: the database was closed before it ran.
          Any exception of the unit: it alone was rolled back.

        Cancellation: a unit that has not begun is dropped; one that has completes and returns its result, and the
          cancellation comes at the next checkpoint (STORE-6).
        """
        return await self.submit(unit, Tx, weight=weight)

    async def submit(self, unit: Callable[[X], T], make: Callable[[Connection], X], *, weight: int = 0) -> T:
        """`write` for a unit on a subclass of `Tx`, which `make` creates in the writer thread each time the unit
        runs.
        """
        with self._edge:
            self.health.check()
            if weight:
                self.health.check_space()
            self._upkeep.wrote()
            return await self._writer.run(Job(unit, make, weight))

    async def write_series(
        self,
        units: Iterable[Callable[[X], T]],
        make: Callable[[Connection], X],
        note: Callable[[T], None],
        between: Callable[[], Awaitable[None]] | None = None,
        *,
        ahead: int = SERIES_AHEAD,
    ) -> None:
        """Run the units of a long change in their order, each as by `write`; units of other callers go before the next
        one.

        Args:
          units: each takes 10 ms at most. A unit may run before the result of the previous one is noted.
          make: as for `submit`.
          note: called with the result of each unit, in order, once it is durable and before any subscriber can take its
            events.
          between: awaited after some results were noted; more may be noted meanwhile.
          ahead: number of units that may wait in the queue.

        Raises:
          Errors of the first unit that fails, as `write`, or of `between`: the remaining units do not run, but for
            those that have begun; the results of successful ones are noted.

        Cancellation: as a failed unit.
        """
        self.health.check()
        self._upkeep.wrote()
        # The writer translates the errors of units; errors of `between` are raised unchanged.
        await self._writer.series.run(units, make, note, between, ahead=ahead)

    async def calm(self) -> None:
        """Sleep while a series is under way, `PATIENCE` at most: background work should not delay a client that waits
        for the series.
        """
        with trio.move_on_after(PATIENCE):
            await self._writer.series.calm()

    async def quiet(self) -> None:
        """Sleep until no unit has come for `QUIET` seconds, `PATIENCE` at most."""
        with trio.move_on_after(PATIENCE):
            while (left := QUIET - self.since_write) > 0:  # noqa: ASYNC110 - no event signals that writing has paused
                await trio.sleep(left)

    async def read(self, fn: Callable[[Reader], T], *, op: str, turn: bool = True) -> T:
        """Run `fn` in one snapshot: on the loop while the file is warm, else in a thread (STORE-3).

        At most 500 rows or 256 KiB, aimed at 2 ms; use `scan` for more. `op` names the read in metrics and logs: one of
        a few constants. First it takes the account's turn (`processor.turn`): a checkpoint only for a heavy account, or
        if the task's step has run for over 1 ms. With `turn` False it takes none, for a caller that has just done so.

        Raises:
          StorageBusy, StorageBroken, ReadInterrupted, Closed, and whatever `fn` raises.
        """
        self._upkeep.used()
        with self._edge:
            return await self._readers.read(fn, op=op, turn=turn)

    async def scan(self, fn: Callable[[Reader], T], *, op: str) -> T:
        """Run `fn` in one snapshot in a worker thread, on one of at most 4 connections. A cancelled caller interrupts
        it.

        Do not call it while the same task holds a `snapshot`, which occupies such a connection already: use
        `Snapshot.scan`.
        """
        self._upkeep.used()
        with self._edge:
            return await self._readers.scan(fn, op=op)

    def snapshot(self, *, op: str, patient: bool = False) -> AbstractAsyncContextManager[Snapshot]:
        """Borrow a connection for one snapshot over several slices: `async with database.snapshot(op="export") as
        snapshot`.

        A snapshot of over 60 s is logged, and interrupted (ReadInterrupted) once the log is over 256 MiB. With
        `patient` (backup, export, restore) the limit is 4 GiB or a quarter of the free space (STORE-161).
        """
        self._upkeep.used()
        return self._readers.snapshot(op=op, patient=patient)

    @property
    def idle(self) -> float:
        """Seconds since the last read or unit."""
        return self._upkeep.idle

    @property
    def since_write(self) -> float:
        """Seconds since the last unit."""
        return time.monotonic() - self._upkeep.last_written

    @property
    def resting(self) -> bool:
        """Whether upkeep has nothing to do until the file is used again."""
        return self._upkeep.resting

    def call_on_use(self, call: Callable[[], None]) -> None:
        """Have `call` called when the file is used again after it was `resting`: for a caller that does the upkeep of
        several files, in place of `serve`.
        """
        self._upkeep.on_use = call

    @property
    def wal_bytes(self) -> int:
        """Size of the log after the last commit."""
        return self._checkpoints.pages * PAGE

    async def changed_blocks(
        self, at: int, size: int, folder: Path, taken: Callable[[], int]
    ) -> tuple[BlockChanges, BinaryIO] | None:
        """Copy the blocks that have changed since the mark `at`, when the file had `size` octets, as they are between
        two units. Returns a temporary file in `folder` with them, or None if the whole file must be read: what has
        changed isn't known, or too much, or a reader is in the way.

        Args:
          taken: called at that moment, in the writer's thread; returns the name of the new mark.
        """
        token, done = trio.lowlevel.current_trio_token(), trio.Event()
        copies: list[tuple[BlockChanges, BinaryIO] | None] = []
        waiting = True

        def chore(db: Connection) -> None:
            if waiting:
                try:
                    copies.append(_copy_blocks(self.path, self._checkpoints, db, at, size, folder, taken))
                except (apsw.Error, OSError) as error:
                    kv = {"database": self.name, "err": str(error)}
                    logger.warning("failed to read changed blocks", extra={"kv": kv})
            with contextlib.suppress(trio.RunFinishedError):
                token.run_sync_soon(done.set)

        self._upkeep.used()
        self._writer.chore(chore)
        with trio.move_on_after(BLOCKS_SECONDS):
            await done.wait()
        waiting = False
        return copies[0] if copies else None

    async def serve(self) -> None:
        """Do the upkeep until cancelled: release memory, watch long reads, shrink the file. For databases that no
        `Accounts` looks after. Sleeps while the file is unused and upkeep is done.

        Errors: StorageBusy, StorageBroken are raised; the next start begins anew.
        """
        with self._edge:
            await trio.to_thread.run_sync(drop_old_copies, self.path.parent)
        await self._upkeep.serve()

    async def upkeep(self) -> None:
        """One round of `serve`; a degraded database is tested again (STORE-158c). Raises StorageBusy, StorageBroken."""
        await self._upkeep.round()

    async def trim(self) -> None:
        """Release memory now: the caches of all connections, and the log (STORE-10). Raises StorageBusy,
        StorageBroken.
        """
        await self._upkeep.trim()

    async def aclose(self) -> None:
        """Finish the waiting units, interrupt reads, close all connections; the last one folds the log into the file.

        Cancellation: ignored; all of it is done.
        """
        if self._closed:
            return
        self._closed = self._checkpoints.stopped = True
        if self.health.is_damaged:
            self._writer.interrupt()  # only the file's check; nothing else is being written
        with self._edge, trio.CancelScope(shield=True):  # bounded: the queue of the writer, reads were interrupted
            # The writer comes last: the last connection to be closed folds the log into the file and deletes it, which
            # a reader's, open for reading only, cannot.
            close_readers = await self._readers.end()
            await self._checkpoints.wait()
            if close_readers is not None or self._checkpoints.helped:  # mail for an account alone leaves none to close

                def work() -> None:
                    if close_readers is not None:
                        close_readers()
                    self._checkpoints.close()

                await trio.to_thread.run_sync(work)
            await self._writer.end()
            if give_memory_back.early():
                give_memory_back.owed = True
            else:
                await trio.to_thread.run_sync(give_memory_back)
        self.health.close()


def _copy_blocks(
    path: Path, checkpoints: Checkpoints, db: Connection, at: int, size: int, folder: Path, taken: Callable[[], int]
) -> tuple[BlockChanges, BinaryIO] | None:
    """In the writer's thread: no commit comes in between, and with an empty log no checkpoint writes the file."""
    checkpoints.fold(db, apsw.SQLITE_CHECKPOINT_TRUNCATE)
    # Only now: the fold has found out whether another program has changed the file.
    blocks = checkpoints.blocks()
    if blocks is None or (changed := blocks.since(at)) is None:
        return None
    log, before = times_of(path.with_name(path.name + "-wal")), times_of(path)
    if before is None or (log is not None and log[1]):
        return None
    mark = taken()
    plan = blocks_to_read(changed, size, before[1], secrets.randbelow(SAMPLE))
    if len(plan.changed) > MAX_CHANGED:
        return None
    out = cast("BinaryIO", tempfile.TemporaryFile(dir=folder))  # noqa: SIM115 - closed by the caller
    try:
        # SQLite's own layer: to close another descriptor of the file would end all locks of this process on it.
        flags = [apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READONLY, 0]
        file = apsw.VFSFile(apsw.vfs_names()[0], str(path), flags)
        try:
            for number in (*plan.sampled, *plan.changed):
                out.write(file.xRead(plan.length(number), number * BLOCK))
        finally:
            file.xClose()
        if times_of(path) != before:
            raise OSError("the file was changed elsewhere")
    except BaseException:
        out.close()
        raise
    blocks.mark(mark)
    return plan, out
