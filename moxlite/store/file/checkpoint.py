"""Checkpoints: folding the write-ahead log into the file (STORE-10a).

Measured (design-facts §2b): SQLite's own checkpoint at 1,000 pages delays the commit that triggers it by 8 ms; one
TRUNCATE by the writer at 16,000 pages by 96 ms, seconds on a card. So a helper connection in a thread runs PASSIVE,
which locks out no other connection, each time the log has grown by 1,000 pages. Under constant load PASSIVE never
reaches the end of the log, and the log can start from its beginning only when all of it is copied: once few frames are
left, the writer copies them between two batches and restarts the log (RESTART). TRUNCATE above 16,000 pages is the
safety net. No checkpoint waits for a reader.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import apsw
import trio

from moxlite.store import metrics
from moxlite.store.file.boundary import Fault, fault_of
from moxlite.store.file.health import Health
from moxlite.store.file.migrations import Kind

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


class Checkpoints:
    """Checkpoints of one database's log.

    `start_due` and `wait` run on the loop, `passive` in the helper's thread, `attach`, `between` and `fold` in the
    writer's thread.
    Numbers are shared without a lock: a stale one only moves a checkpoint by one commit. A failed checkpoint loses
    nothing, and units and reads may not meet the same error: so it is reported to `health` (STORE-158b).

    Attributes:
      pages: of the log after the last commit.
      stopped: no checkpoint is started any more.
    """

    def __init__(self, path: Path, health: Health, kind: Kind, *, vfs: str | None = None) -> None:
        self.pages = 0
        self.stopped = False
        self._done = trio.Event()  # set while `passive` does not run
        self._done.set()
        self._octets = metrics.WAL_BYTES.labels(kind.value)
        self._health = health
        self._path = path
        self._vfs = vfs
        self._helper: apsw.Connection | None = None
        self._seen = 0
        self._tried = 0
        self._restart = False
        self._running = False

    def attach(self, writer: apsw.Connection) -> None:
        """Track the growth of the log through the commits of `writer`."""
        writer.set_wal_hook(self._committed)

    def _committed(self, _db: apsw.Connection, _name: str, pages: int) -> int:
        if pages < self.pages:  # the log has started over
            self._seen = self._tried = 0
        self.pages = pages
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
        if self._running or self.pages - self._seen < (GROWTH_IN_SERIES if in_series else GROWTH):
            return False
        self._running = True
        self._seen = self.pages
        return True

    def passive(self) -> None:
        """Copy the frames that can be copied without making any connection wait. Blocks: for a thread."""
        try:
            if self._helper is None:
                self._helper = apsw.Connection(str(self._path), vfs=self._vfs)
                self._helper.execute(f"PRAGMA cache_size=-{HELPER_CACHE_KIB}").fetchall()
                self._helper.execute("PRAGMA wal_autocheckpoint=0").fetchall()
            for _ in range(PASSES):
                frames, copied = self._helper.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
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
        timeout = int(writer.pragma("busy_timeout"))
        writer.set_busy_timeout(0)
        try:
            writer.wal_checkpoint(mode=mode)
            if mode == apsw.SQLITE_CHECKPOINT_TRUNCATE:
                self.pages = self._seen = self._tried = 0
            self._health.checkpoint(None)
        except apsw.BusyError:
            pass  # a reader holds an old snapshot, or the helper runs: next time
        except apsw.Error as error:
            self._note(error)
        finally:
            writer.set_busy_timeout(timeout)

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
