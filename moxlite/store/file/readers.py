"""Reads: on the Trio loop while the file is warm, else in a thread (STORE-3).

Measured (design-facts §2): 500 rows of metadata take 0.5 ms directly on the loop; a thread adds 60 µs and, beside a
busy loop, a wait for the GIL at each row. But 500 cold rows are 100 disk reads: 7 ms on NVMe, 70 ms on a card. So after
a slice that waited for over 5 ms and read from the disk, the reads of this database run in a thread for 10 s. So does
the first read after an opening that read from the disk, and the one that makes a connection. Long scans have up to four
connections of their own in threads.
"""

from __future__ import annotations

import logging
import math
import shutil
import sys
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final, TypeVar

import apsw
import msgspec
import trio

from moxlite import processor
from moxlite.metrics import Histogram
from moxlite.store import metrics
from moxlite.store.errors import Closed, ReadInterrupted
from moxlite.store.file.boundary import storage
from moxlite.store.file.health import Health
from moxlite.store.file.migrations import Kind, configure
from moxlite.store.file.threads import in_thread
from moxlite.store.file.transaction import Reader

if sys.platform != "win32":
    import resource

logger = logging.getLogger("moxlite.store.readers")

T = TypeVar("T")

SLOW: Final = 0.005
"""Seconds that the loop may be blocked at most; a slice that waited longer shows that the file is not in memory."""

COLD: Final = 10.0
"""Seconds for which reads run in a thread after such a slice."""

MAX_SCANS: Final = 4
"""Connections for scans and snapshots beside the loop's own; each may hold 0.5 MB of cache."""

CLOSE_WAIT: Final = 10.0
"""Seconds that closing waits for a borrowed snapshot; its connection is closed when it is returned."""

LOOK_STEPS: Final = 1_000_000
"""Instructions of SQLite's virtual machine between two checks whether a statement was interrupted: about 11 ms.
SQLite's own interrupt only reaches a running statement, and would miss one that is just about to begin.
"""

_COUNTED: Final = Path("/proc/self/io").exists()
"""Whether the kernel counts the blocks read by each thread."""

_children: dict[tuple[str, str], Histogram] = {}


def _observe(op: str, place: str, seconds: float) -> None:
    child = _children.get((op, place))
    if child is None:
        child = _children[op, place] = metrics.READ_SECONDS.labels(op, place)
    child.observe(seconds)


class Snapshot:
    """One snapshot over several slices, on a borrowed connection, from `Database.snapshot`. For one task."""

    def __init__(self, readers: Readers, opened: OpenRead) -> None:
        self._readers = readers
        self._opened = opened

    async def read(self, fn: Callable[[Reader], T]) -> T:
        """Read a slice of at most 500 rows, on the loop or in a thread like `Database.read`."""
        await processor.turn()
        if self._readers.warm:
            return self._readers.slice(fn, self._opened.reader(), self._opened.op, "loop")
        return await self.scan(fn)

    async def scan(self, fn: Callable[[Reader], T]) -> T:
        """Read more than a slice, in a thread."""
        return await self._readers.in_worker(fn, self._opened)


class Readers:
    """Read-only connections of one database, each made by the first read that needs it, in its thread. Methods run on
    the loop unless they are documented to block.

    The first reads borrow the writer's connection, until it has begun: mail for an account that no session uses is a
    read or two and a unit, and a connection of their own would cost more than they do, 0.7 ms for reading the schema
    again.

    Args:
      lend: lends the writer's connection, or None if it has begun or was lent often.
      cold: opening the file read from the disk, so the first read may have to, too.

    Attributes:
      open: the reads that may become long ones.
      last_used: time of the last read (monotonic).
    """

    def __init__(
        self,
        path: Path,
        kind: Kind,
        health: Health,
        lend: Callable[[], AbstractContextManager[apsw.Connection | None]],
        *,
        cold: bool,
        vfs: str | None = None,
    ) -> None:
        self._file = path, kind, vfs
        self._health = health
        self._lend = lend
        self._reader: Reader | None = None  # for reads on the loop, which cannot be interrupted
        self._lock = trio.Lock()
        self._slots = trio.Semaphore(MAX_SCANS, max_value=MAX_SCANS)
        self._idle: list[apsw.Connection] = []
        self.open = OpenReads(path, health.name)
        self._cold_until = math.inf if cold else 0.0
        self._closed = False
        self.last_used = time.monotonic()

    @property
    def warm(self) -> bool:
        """Whether reads run on the loop now."""
        return time.monotonic() >= self._cold_until

    async def read(self, fn: Callable[[Reader], T], *, op: str, turn: bool = True) -> T:
        """See `Database.read`."""
        if turn:
            await processor.turn()
        self.last_used = now = time.monotonic()
        if now >= self._cold_until and not self._lock.locked():
            self._check()
            with self._borrowed() as reader:
                if reader is not None:
                    return self.slice(fn, reader, op, "loop")
        async with self._lock:
            self._check()
            with self._borrowed() as reader:
                if reader is not None and self.warm:
                    return self.slice(fn, reader, op, "loop")
                work = processor.place(op)  # measured only: one read at a time, for which a delivery may wait
                with self._open_read(None if reader is None else reader.db, op) as opened:
                    try:
                        return await in_thread(
                            lambda: work.run(lambda: self.slice(fn, opened.reader(), op, "thread")),
                            interrupt=opened.interrupt,
                            name=f"read {op}",
                        )
                    finally:
                        work.count()
                        if opened.db is not None:
                            self._cold_until = 0.0 if self._cold_until == math.inf else self._cold_until
                            self._reader = Reader(opened.db) if reader is None else self._reader

    @contextmanager
    def _borrowed(self) -> Iterator[Reader | None]:
        """The connection that reads on the loop use; None if that has to be made."""
        if self._reader is not None:
            yield self._reader
            return
        with self._lend() as db:
            yield None if db is None else Reader(db)

    async def scan(self, fn: Callable[[Reader], T], *, op: str) -> T:
        """See `Database.scan`."""
        async with self._borrow(op, patient=False) as opened:
            return await self.in_worker(fn, opened)

    @asynccontextmanager
    async def snapshot(self, *, op: str, patient: bool) -> AsyncIterator[Snapshot]:
        """See `Database.snapshot`."""
        async with self._borrow(op, patient=patient) as opened:
            snapshot = Snapshot(self, opened)
            try:
                with storage(self._health):
                    await in_thread(
                        lambda: _hold(opened.reader().db), interrupt=opened.interrupt, name=f"snapshot {op}"
                    )
                yield snapshot
            finally:
                with storage(self._health):
                    if opened.db is not None and opened.db.in_transaction:
                        opened.db.execute("ROLLBACK")

    async def in_worker(self, fn: Callable[[Reader], T], opened: OpenRead) -> T:
        """Run `fn` in one of the threads that all accounts share (STORE-198)."""
        async with processor.place(opened.op) as work:
            return await in_thread(
                lambda: work.run(lambda: self.slice(fn, opened.reader(), opened.op, "thread")),
                interrupt=opened.interrupt,
                name=f"scan {opened.op}",
            )

    def slice(self, fn: Callable[[Reader], T], reader: Reader, op: str, place: str) -> T:
        """Run `fn` in one snapshot, in the calling thread, and measure it. Blocks for as long as `fn`."""
        if reader.interrupted:
            raise ReadInterrupted(op)
        db = reader.db
        before = used()
        began = time.perf_counter()
        inner = db.in_transaction  # a borrowed snapshot goes on
        if place == "thread":
            db.set_progress_handler(lambda: reader.interrupted, LOOK_STEPS)
        try:
            if not inner:
                db.execute("BEGIN")
            return _read(fn, reader)
        except (apsw.Error, msgspec.DecodeError, UnicodeDecodeError) as error:
            translated = self._health.translate(error, db)
            if translated is error:
                raise
            raise translated from error
        finally:
            if place == "thread":
                db.set_progress_handler(None)
            if not inner and db.in_transaction:
                db.execute("ROLLBACK")
            seconds = time.perf_counter() - began
            if place == "loop" and seconds > SLOW:
                reads, ran = (now - then for now, then in zip(used(), before, strict=True))
                if reads and seconds - ran > SLOW:
                    self._cold_until = time.monotonic() + COLD
            _observe(op, place, seconds)

    @asynccontextmanager
    async def _borrow(self, op: str, *, patient: bool) -> AsyncIterator[OpenRead]:
        async with self._slots:
            self._check()
            self.last_used = time.monotonic()
            with self._open_read(self._idle.pop() if self._idle else None, op, patient=patient) as opened:
                try:
                    yield opened
                finally:
                    self.last_used = time.monotonic()
                    db = opened.db
                    if db is not None:
                        # If ROLLBACK failed, the next read would be in an old snapshot.
                        if self._closed or db.in_transaction:
                            _close([db])
                        else:
                            self._idle.append(db)

    def _open_read(
        self, db: apsw.Connection | None, op: str, *, patient: bool = False
    ) -> AbstractContextManager[OpenRead]:
        return self.open.opened(OpenRead(db or self._connect, op, patient=patient))

    def _connect(self) -> apsw.Connection:
        path, kind, vfs = self._file
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY, vfs=vfs)
        try:
            configure(db, kind, writer=False)
        except BaseException:
            db.close(True)
            raise
        return db

    def _check(self) -> None:
        if self._closed:
            raise Closed("the database is closed")

    async def trim(self) -> None:
        """Release the memory of unused connections (STORE-10)."""
        async with self._lock:
            if self._closed:
                return
            idle, self._idle = self._idle, []
            with trio.CancelScope(shield=True):  # bounded: it reads nothing, and `idle` has no other owner
                kept = [] if self._reader is None else [self._reader.db]
                await in_thread(lambda: _shrink(kept, idle), interrupt=_nothing, name="trim readers")

    async def end(self) -> Callable[[], None] | None:
        """Interrupt running reads, and wait for them; returns what closes all connections, and blocks; None if it has
        none. A snapshot whose borrower is idle delays this by 10 s at most.
        """
        self._closed = True
        self.open.interrupt()
        with trio.CancelScope(shield=True):  # bounded: what runs was interrupted
            async with self._lock:
                taken = 0
                if self._slots.value < MAX_SCANS:
                    with trio.move_on_after(CLOSE_WAIT):
                        for _ in range(MAX_SCANS):
                            await self._slots.acquire()
                            taken += 1
                for _ in range(taken):
                    self._slots.release()  # a task that waited for a slot finds the database closed
        ours = [*([] if self._reader is None else [self._reader.db]), *self._idle]
        return (lambda: _close(ours)) if ours else None


def _read(fn: Callable[[Reader], T], reader: Reader) -> T:
    """Run `fn`. The traceback of its error keeps no rows that were being read: SQLite ends no snapshot before them, so
    that later reads of the connection would not see what came meanwhile.
    """
    handled = sys.exception()  # by the caller, whose frames are its own
    try:
        return fn(reader)
    except BaseException as error:
        kept: BaseException | None = error
        while kept is not None and kept is not handled:
            traceback.clear_frames(kept.__traceback__)
            kept = kept.__context__
        raise


def used() -> tuple[int, float]:
    """Return the disk blocks that this thread has read so far, and the seconds that it has run. A slice that only
    waited for the processor or for Python's lock has read no blocks, and would take as long in another thread; so would
    a slice that computes.

    Where the kernel does not count blocks, the first value is the number of the thread's voluntary context switches; 0
    where those are counted for the whole process only.
    """
    if sys.platform == "win32" or not hasattr(resource, "RUSAGE_THREAD"):
        return 0, time.thread_time()
    usage = resource.getrusage(resource.RUSAGE_THREAD)
    return usage.ru_inblock if _COUNTED else usage.ru_nvcsw, usage.ru_utime + usage.ru_stime


def _nothing() -> None:
    """Interrupt of work that is too short to need one."""


def _hold(db: apsw.Connection) -> None:
    """Begin a snapshot: BEGIN alone takes none before the first read."""
    db.execute("BEGIN")
    db.execute("SELECT count(*) FROM sqlite_schema").fetchone()


def _shrink(kept: list[apsw.Connection], idle: list[apsw.Connection]) -> None:
    _close(idle)
    for db in kept:
        db.execute("PRAGMA shrink_memory").fetchall()


def _close(connections: list[apsw.Connection]) -> None:
    for db in connections:
        try:
            db.close(True)
        except apsw.Error as error:
            # It is closed all the same. Being the last one, after a crash of the writer, it cannot lock the file that
            # it has open for reading only; the log is folded in at the next open.
            logger.warning("reader closed with an error", extra={"kv": {"err": str(error)}})


# Open reads of one database that may become long: they are logged, and interrupted when they hold the log back
# (STORE-3, STORE-161).
#
# Reads on the loop are not among them: nothing else runs while they do. Connections and their choice are in
# `readers`.


LONG: Final = 60.0
"""Seconds after which an open read is logged, and may be interrupted (STORE-161)."""

WAL_LIMIT: Final = 256 << 20
"""Octets of log above which long reads are interrupted: the log cannot start over while they last."""

WAL_LIMIT_PATIENT: Final = 4 << 30
"""`WAL_LIMIT` for backup, export and restore, which are slow by nature."""


class OpenRead:
    """An open read, so that it can be logged and interrupted.

    Args:
      source: its connection, or what makes it, and blocks.
    """

    __slots__ = ("_connect", "_reader", "_stopped", "began", "expired", "logged", "op", "patient")

    def __init__(self, source: apsw.Connection | Callable[[], apsw.Connection], op: str, *, patient: bool) -> None:
        self.op = op
        self.patient = patient
        self._reader = Reader(source) if isinstance(source, apsw.Connection) else None
        self._connect = source
        self._stopped = False
        self.began = time.monotonic()
        self.expired = False
        self.logged = False

    @property
    def db(self) -> apsw.Connection | None:
        """The connection; None if none was made."""
        return None if self._reader is None else self._reader.db

    def reader(self) -> Reader:
        """The view of its connection. Blocks while that is made, by the first call."""
        if self._reader is None:
            assert not isinstance(self._connect, apsw.Connection)
            self._reader = Reader(self._connect())
            if self._stopped:  # looked at after the connection is known: `interrupt` sets it before it looks for that
                self._reader.interrupted = True
        return self._reader

    def interrupt(self) -> None:
        """Make the read end with InterruptError, inside a statement or between two."""
        self._stopped = True
        if self._reader is not None:
            self._reader.interrupted = True
            self._reader.db.interrupt()

    def expire(self) -> None:
        """Interrupt the read for the sake of the log."""
        self.expired = True
        self.interrupt()


class OpenReads:
    """The open reads of one database; used on the loop.

    Args:
      path: the file, which says the disk that the log grows on.
      name: the database's, for log lines.

    Attributes:
      reads: the reads that are open now.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self.reads: set[OpenRead] = set()

    @contextmanager
    def opened(self, read: OpenRead) -> Iterator[OpenRead]:
        """Count a read as open during the block."""
        self.reads.add(read)
        try:
            yield read
        finally:
            self.reads.discard(read)

    def interrupt(self) -> None:
        """Interrupt all of them, for a database that is being closed."""
        for read in self.reads:
            read.interrupt()

    def upkeep(self, wal_bytes: int) -> None:
        """Log reads over 60 s; interrupt them when the log has grown over their limit (STORE-3, STORE-161)."""
        now = time.monotonic()
        for read in self.reads:
            age = now - read.began
            if age < LONG:
                continue
            if not read.logged:
                read.logged = True
                logger.warning(
                    "read transaction running too long",
                    extra={"kv": {"database": self._name, "op": read.op, "seconds": round(age)}},
                )
            limit = WAL_LIMIT
            if read.patient:
                limit = min(WAL_LIMIT_PATIENT, max(WAL_LIMIT, shutil.disk_usage(self._path.parent).free // 4))
            if wal_bytes > limit and not read.expired:
                logger.warning(
                    "read interrupted",
                    extra={"kv": {"database": self._name, "op": read.op, "wal_bytes": wal_bytes}},
                )
                read.expire()
