"""State of one database's storage: whether it may be written, and when it is retried (STORE-157, STORE-158).

The classification of errors is in `boundary.py`. Only errors of SQLite degrade a database: an error of the operating
system may concern any file.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw
import msgspec
import trio

from moxlite.store import metrics
from moxlite.store.blockmaps import BlockMap
from moxlite.store.errors import FilterDamaged, StorageBroken, StorageFull
from moxlite.store.file.boundary import Edge, Fault, fault_of, storage
from moxlite.store.file.migrations import Kind

logger = logging.getLogger("moxlite.store.health")

RETRY: Final = 10.0
"""Seconds between two checks of a full disk, and between two attempts to write a database after an I/O error
(STORE-157).
"""

RETEST: Final = 60.0
"""Seconds after which a damaged file is read again (STORE-158c): the damage may have been in the transfer only."""

RETEST_MAX: Final = 3600.0
"""Longest such pause in seconds: it doubles each time, as each test reads the whole file."""

LOG_INTERVAL: Final = 60.0
"""Seconds between two error lines of one database (STORE-158)."""

LOOK_INTERVAL: Final = 1.0
"""Seconds for which the free space is taken as known: one statvfs per delivery would be wasteful."""

NEAR: Final = 4
"""Multiple of `min_free_space` below which each addition checks the disk anew: a burst on a fast disk fills some
megabytes within that second.
"""

CHECKPOINTS: Final = 3
"""Failed checkpoints in a row after which they are reported by `tell`: a single one may be a hiccup of the disk."""

WORDS: Final = {
    Fault.FULL: "disk is full",
    Fault.BUSY: "out of descriptors, memory, or locks for the database",
    Fault.BROKEN: "can't use a database file",
    Fault.DAMAGED: "can't use a database file",
    Fault.VALUE: "stored data is damaged",
}
"""Log texts of faults that do not degrade the database."""


class _Space:
    """The free space of the disk below a folder, of which `reserve` octets are to stay."""

    def __init__(self, folder: Path, reserve: int) -> None:
        self.reserve = reserve
        self._folder = folder
        self._free = 0
        self._known_until = 0.0

    def free(self) -> int:
        """Free octets, as they were a moment ago. Raises OSError."""
        now = time.monotonic()
        low = self.reserve <= self._free < NEAR * self.reserve
        if low or now >= self._known_until:
            self._free = shutil.disk_usage(self._folder).free
            self._known_until = now + (RETRY if self._free < self.reserve else LOOK_INTERVAL)
        return self._free


class Health(Edge):
    """State of one database. Used by the loop, the writer and reading threads: each attribute is written whole, so no
    lock is needed.

    After an I/O error one unit may try every 10 s, and a commit ends the degraded state. A damaged file (CORRUPT,
    NOTADB) stays degraded until it was closed, or was read as a whole without error. `Database.upkeep` runs both tests.
    Reads are always tried.

    Attributes:
      broken: reason for which the database is degraded, "" if it is not.
      log_stuck: error that keeps the log from being folded in, "" without one.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        min_free_space: int,
        *,
        tell: Callable[[str, Path, str], None] | None = None,
    ) -> None:
        """`tell` is called with the database's name, its path and the error when the database becomes degraded, in the
        thread that finds it, or when its checkpoints keep failing.
        """
        super().__init__(name)
        self._tell = tell
        self.broken = ""
        self.log_stuck = ""
        self._path = path
        self._space = _Space(path.parent, min_free_space)
        self._damaged = False
        self._retry_at = 0.0
        self._retest_at = 0.0
        self._pause = RETEST
        self._healed_at = 0.0
        self._log_at = 0.0
        self._checkpoints_failed = 0

    def check(self) -> None:
        """Raise StorageBroken while the database is degraded, but for one caller every 10 s."""
        if not self.broken:
            return
        now = time.monotonic()
        if self._damaged or now < self._retry_at:
            raise StorageBroken(f"{self.name} is degraded: {self.broken}")
        self._retry_at = now + RETRY

    def short_of_space(self, reserves: int = 1) -> bool:
        """Whether the disk has less than `reserves` times `min_free_space` left; work that can wait asks for several.
        Raises StorageBroken.
        """
        with storage(self):
            return self._space.free() < reserves * self._space.reserve

    def check_space(self) -> None:
        """Raise StorageFull if the disk has less than `min_free_space` left: to be called before each addition
        (STORE-157).
        """
        if self.short_of_space():
            metrics.FULL.inc()
            raise StorageFull(f"not enough space: at least {self._space.reserve} bytes must remain free")

    def committed(self) -> None:
        """Note that a unit was committed: an I/O error is over."""
        if self.broken and not self._damaged:
            self.healed()

    @property
    def is_damaged(self) -> bool:
        """Whether the content of the file was found to be wrong."""
        return self._damaged

    def damaged(self, text: str) -> None:
        """Note damage that a check of the file found."""
        self._degrade(f"CorruptError: {text}", damaged=True)

    def refused(self, error: BaseException) -> None:
        """Note that the file could not be opened."""
        if not self.broken:
            self._degrade(str(error), damaged=False)

    # The test of a degraded database, by `Database.upkeep`

    def retest_due(self) -> bool:
        """Return whether a test of the database is due; this also sets the time of the next one."""
        now = time.monotonic()
        if not self.broken or now < (self._retest_at if self._damaged else self._retry_at):
            return False
        self._retry_at = now + RETRY
        self._retest_at = now + self._pause
        if self._damaged:
            self._pause = min(2 * self._pause, RETEST_MAX)
        return True

    def healed(self) -> None:
        """Note that the database can be read and written again."""
        if self.broken:
            self.broken = ""
            self._damaged = False
            self._healed_at = time.monotonic()
            metrics.BROKEN.labels(self.name).set(0)
            logger.warning("database writable again", extra={"kv": {"database": self.name}})

    # The log

    def checkpoint(self, error: apsw.Error | None) -> None:
        """Note the result of a checkpoint: `CHECKPOINTS` failures in a row are reported by `tell`, and one success ends
        that state (STORE-158b).
        """
        if error is None:
            self._checkpoints_failed = 0
            if self.log_stuck:
                self.log_stuck = ""
                metrics.CHECKPOINT_FAILING.labels(self.name).set(0)
                logger.warning("checkpoints working again", extra={"kv": {"database": self.name}})
            return
        kv = {"database": self.name, "err": f"{type(error).__name__}: {error}"}
        logger.warning("checkpoint failed", extra={"kv": kv})
        self._checkpoints_failed += 1
        if self._checkpoints_failed >= CHECKPOINTS and not self.log_stuck:
            self.log_stuck = f"can't checkpoint the log: {kv['err']}"
            metrics.CHECKPOINT_FAILING.labels(self.name).set(1)
            logger.error("checkpoints failing, write-ahead log growing", extra={"kv": kv})
            if self._tell is not None:
                self._tell(self.name, self._path, self.log_stuck)

    @property
    def checkpoint_failed(self) -> bool:
        """Whether the last checkpoint failed: it is then repeated without waiting for growth of the log."""
        return self._checkpoints_failed > 0

    def close(self) -> None:
        """Note that the database is closed: it no longer counts as degraded."""
        if self.broken:
            metrics.BROKEN.labels(self.name).set(0)
        if self.log_stuck:
            metrics.CHECKPOINT_FAILING.labels(self.name).set(0)

    def met(self, fault: Fault, error: BaseException) -> None:
        """See `Edge.met`."""
        if fault in (Fault.BROKEN, Fault.DAMAGED) and isinstance(error, apsw.Error):
            self._degrade(f"{type(error).__name__}: {error}", damaged=fault is Fault.DAMAGED)
        elif fault in WORDS:
            self._log(WORDS[fault], f"{type(error).__name__}: {error}")
        if isinstance(error, FilterDamaged) and self._tell is not None:
            self._tell(self.name, self._path, str(error))

    def _degrade(self, text: str, *, damaged: bool) -> None:
        now = time.monotonic()
        new = not self.broken
        self.broken = text
        if damaged and not self._damaged:
            if now - self._healed_at > RETEST_MAX:
                self._pause = RETEST
            self._retest_at = now + self._pause
            self._damaged = True
        self._retry_at = now + RETRY
        metrics.BROKEN.labels(self.name).set(1)
        self._log("database is degraded", text)
        if new and self._tell is not None:
            self._tell(self.name, self._path, text)

    def _log(self, text: str, error: str) -> None:
        now = time.monotonic()
        if now >= self._log_at:
            self._log_at = now + LOG_INTERVAL
            logger.error(text, extra={"kv": {"database": self.name, "err": error}})


# Checkpoints: folding the write-ahead log into the file (STORE-10a).
#
# Measured (design-facts §2b): SQLite's own checkpoint at 1,000 pages delays the commit that triggers it by 8 ms; one
# TRUNCATE by the writer at 16,000 pages by 96 ms, seconds on a card. So a helper connection in a thread runs PASSIVE,
# which locks out no other connection, each time the log has grown by 1,000 pages. Under constant load PASSIVE never
# reaches the end of the log, and the log can start from its beginning only when all of it is copied: once few frames
# are left, the writer copies them between two batches and restarts the log (RESTART). TRUNCATE above 16,000 pages is
# the safety net. No checkpoint waits for a reader.
#
# The log of a file that Litestream copies is folded by that program alone, which must have read a frame before it may
# be overwritten: beside our checkpoints it missed some, and its copies were damaged (seen under load, each second
# time). Only the safety net stays, for when the program does not run: while it does, its lock makes that come back.


PAGE: Final = 4096
"""Octets of a page."""

GROWTH: Final = 1_000
"""Pages of log growth after which the helper runs: 4 MB, about 10 ms of copying."""

GROWTH_IN_SERIES: Final = 4_000
"""Pages of log growth during a series, which changes some pages repeatedly: the helper copies each once. Measured (COPY
of 20,000 messages): half of the octets written.
"""

FEW: Final = 300
"""Frames that the writer may copy itself: at most 14 ms when measured."""

SAFETY: Final = 16_000
"""Pages (64 MB) above which the writer truncates the log."""

PASSES: Final = 3
"""Passes in which the helper copies frames, as new ones arrive meanwhile. The copy of the last frame triggers the
fsync: the helper should do it, as all units wait for the writer (measured after 4,000 pages: 50 to 80 ms).
"""

HELPER_CACHE_KIB: Final = 64
"""Page cache of the helper in KiB: a checkpoint bypasses the page cache, so it needs next to none."""


class _File(msgspec.Struct, frozen=True):
    """The file of `Checkpoints`: how to connect to it, and its map, if it has one."""

    connect: Callable[[], apsw.Connection]
    blocks: Callable[[], BlockMap | None]


class Checkpoints:
    """Checkpoints of one database's log.

    `start_due` and `wait` run on the loop, `passive` in the helper's thread, `attach`, `between`, `fold` and `end` in
    the writer's thread.
    Numbers are shared without a lock: a stale one only moves a checkpoint by one commit. A failed checkpoint loses
    nothing, and units and reads may not meet the same error: so it is reported to `health` (STORE-158b).

    Attributes:
      pages: of the log after the last commit.
      stopped: no checkpoint is started any more.
    """

    def __init__(
        self,
        path: Path,
        health: Health,
        kind: Kind,
        *,
        vfs: str | None = None,
        replicated: bool = False,
        blocks: Callable[[], BlockMap | None] = lambda: None,
    ) -> None:
        """`replicated`: another program copies the log and folds it. `blocks`: the file's map, if it has one."""
        self._replicated = replicated
        self.pages = 0
        self.stopped = False
        self._done = trio.Event()  # set while `passive` does not run
        self._done.set()
        self._octets = metrics.WAL_BYTES.labels(kind.value)
        self._health = health
        self._file = _File(lambda: apsw.Connection(str(path), vfs=vfs), blocks)
        self._helper: apsw.Connection | None = None
        self._seen = 0
        self._tried = 0
        self._restart = False
        self._running = False

    def attach(self, writer: apsw.Connection) -> None:
        """Track the growth of the log through the commits of `writer`."""
        writer.set_wal_hook(self._committed)
        if (blocks := self._file.blocks()) is not None:
            blocks.opened()

    def _committed(self, _db: apsw.Connection, _name: str, pages: int) -> int:
        if pages < self.pages:  # the log has started over
            self._seen = self._tried = 0
        self.pages = pages
        if (blocks := self._file.blocks()) is not None:
            blocks.note(pages)
        return apsw.SQLITE_OK

    def start_due(self, *, in_series: bool) -> None:
        """Start `passive` in a thread if it is due. The writer calls this on the loop after each batch.

        Args:
          in_series: a series is under way.
        """
        self._octets.set(self.pages * PAGE)
        if self.stopped or not self.begin(in_series=in_series):
            return
        token = trio.lowlevel.current_trio_token()
        done = self._done = trio.Event()

        def deliver(_: object) -> None:
            try:
                token.run_sync_soon(done.set)
            except trio.RunFinishedError:
                pass  # the program ends without closing

        trio.lowlevel.start_thread_soon(self.passive, deliver, f"checkpoint {self._health.name}")

    async def wait(self) -> None:
        """Wait while `passive` runs in its thread."""
        await self._done.wait()

    def begin(self, *, in_series: bool = False) -> bool:
        """Return whether `passive` is due; the caller then runs it once, in a thread. `in_series`: a series is under
        way.
        """
        if self._replicated or self._running or self.pages - self._seen < (GROWTH_IN_SERIES if in_series else GROWTH):
            return False
        self._running = True
        self._seen = self.pages
        return True

    def passive(self) -> None:
        """Copy the frames that can be copied without making any connection wait. Blocks: for a thread."""
        try:
            if self._helper is None:
                self._helper = self._file.connect()
                self._helper.execute(f"PRAGMA cache_size=-{HELPER_CACHE_KIB}").fetchall()
                self._helper.execute("PRAGMA wal_autocheckpoint=0").fetchall()
            for _ in range(PASSES):
                frames, copied = self._checkpoint(self._helper, apsw.SQLITE_CHECKPOINT_PASSIVE)
                if copied < frames or copied >= self.pages:
                    break
            self._restart = frames - copied < FEW
            self._health.checkpoint(None)
        except apsw.BusyError:
            pass  # the writer runs a checkpoint
        except apsw.Error as error:
            self._note(error)
        finally:
            self._running = False

    def between(self, writer: apsw.Connection) -> None:
        """Restart the log if little is left to copy, or truncate it if it has become long. The writer calls this
        between batches.
        """
        if self.pages > SAFETY:
            if self.pages - self._tried < GROWTH:
                return
            self._tried = self.pages
            mode = apsw.SQLITE_CHECKPOINT_TRUNCATE
        elif self._restart:
            mode = apsw.SQLITE_CHECKPOINT_RESTART
        else:
            return
        self._restart = False
        self.fold(writer, mode)

    def fold(self, writer: apsw.Connection, mode: int) -> None:
        """Run a checkpoint on the writer's connection; gives up at once if a reader blocks it."""
        if self._replicated and self.pages <= SAFETY:
            return
        timeout = int(writer.pragma("busy_timeout"))
        writer.set_busy_timeout(0)
        try:
            self._checkpoint(writer, mode)
            if mode == apsw.SQLITE_CHECKPOINT_TRUNCATE:
                self.pages = self._seen = self._tried = 0
            self._health.checkpoint(None)
        except apsw.BusyError:
            pass  # a reader holds an old snapshot, or the helper runs: next time
        except apsw.Error as error:
            self._note(error)
        finally:
            writer.set_busy_timeout(timeout)

    def _checkpoint(self, db: apsw.Connection, mode: int) -> tuple[int, int]:
        """Run a checkpoint, between two looks of the map at the file; returns the frames of the log, and those copied.
        Raises BusyError also if another thread runs one.
        """
        blocks = self._file.blocks()
        if blocks is None:
            return db.wal_checkpoint(mode=mode)
        if not blocks.begin_fold():
            raise apsw.BusyError("another thread runs a checkpoint")
        try:
            return db.wal_checkpoint(mode=mode)
        finally:
            blocks.end_fold()

    def blocks(self) -> BlockMap | None:
        """The map of the file, if it has one."""
        return self._file.blocks()

    def closed(self) -> None:
        """The writer's connection is closed."""
        if (blocks := self._file.blocks()) is not None:
            blocks.closed()

    def end(self, writer: apsw.Connection) -> None:
        """Fold the log before the writer's connection is closed. SQLite would do it then, but APSW closes with Python's
        lock held, so the loop, too, would wait for the disk.
        """
        if self._replicated:
            return
        try:
            self._checkpoint(writer, apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error as error:
            self._note(error)

    @property
    def helped(self) -> bool:
        """Whether there is a helper connection for `close`."""
        return self._helper is not None

    def close(self) -> None:
        """Close the helper connection; `passive` must not run any more. Blocks."""
        if self._helper is not None:
            try:
                self._helper.close(True)
            except apsw.Error as error:
                self._note(error)  # the connection is closed all the same
            self._helper = None

    def _note(self, error: apsw.Error) -> None:
        """Report a failed checkpoint. The log stays, nothing is lost."""
        fault = fault_of(error)
        if fault is Fault.DAMAGED:
            self._health.met(fault, error)
        elif fault is not Fault.BUSY:
            self._health.checkpoint(error)

    @property
    def running(self) -> bool:
        """Whether `begin` has returned True and `passive` has not ended since."""
        return self._running
