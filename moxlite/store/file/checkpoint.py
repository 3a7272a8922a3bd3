"""When the write-ahead log is folded into the file (STORE-10a).

Measured (design-facts §2b): SQLite's own checkpoint at 1,000 pages makes the commit which meets it wait 8 ms; one
TRUNCATE by the writer at 16,000 pages 96 ms, seconds on a card. So a helper connection in a thread runs PASSIVE, which
locks out no one, each time the log has grown by 1,000 pages. Under constant load PASSIVE never comes to the end of the
log, and the log can start from its beginning only when all of it is copied: once few frames are left, the writer copies
these between two batches and restarts the log (RESTART). TRUNCATE above 16,000 pages is the safety net. None of them
waits for a reader.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import apsw

from moxlite.store.file.boundary import Fault, fault_of
from moxlite.store.file.health import Health

__all__ = ["GROWTH", "SAFETY", "Checkpoints"]

GROWTH: Final = 1_000
"""Pages by which the log grows until the helper runs: 4 MB, some 10 ms of copying."""

GROWTH_IN_SERIES: Final = 4_000
"""The same while a long change runs, which changes some pages again and again: the helper copies each once. Measured
(COPY of 20,000 messages): half of the octets written.
"""

FEW: Final = 300
"""Frames that the writer may copy itself: 14 ms at most when measured."""

SAFETY: Final = 16_000
"""Pages (64 MB) above which the writer truncates the log."""

PASSES: Final = 3
"""How often the helper looks for frames that came while it copied. Only who copies the last one syncs the file, and
that is not to be the writer, for whom all wait (measured after 4,000 pages: 50 to 80 ms).
"""

HELPER_CACHE_KIB: Final = 64
"""A checkpoint reads frames past the page cache, so it needs next to none."""


class Checkpoints:
    """The log of one database.

    `wanted`, `begin` and `passive` are for the helper's side, `committed` and `between` for the writer's thread.
    Numbers cross without a lock: a stale one only moves a checkpoint by one commit. A checkpoint that fails loses
    nothing, but units and reads need not meet the same error: so `health` is told (STORE-158b).
    """

    def __init__(self, path: Path, health: Health, *, vfs: str | None = None) -> None:
        self.pages = 0
        self._health = health
        self._path = path
        self._vfs = vfs
        self._helper: apsw.Connection | None = None
        self._seen = 0
        self._tried = 0
        self._restart = False
        self._running = False

    def attach(self, writer: apsw.Connection) -> None:
        """Follow the growth of the log by the commits of `writer`."""
        writer.set_wal_hook(self._committed)

    def _committed(self, _db: apsw.Connection, _name: str, pages: int) -> int:
        if pages < self.pages:  # the log has started over
            self._seen = self._tried = 0
        self.pages = pages
        return apsw.SQLITE_OK

    def begin(self, *, in_series: bool = False) -> bool:
        """Whether `passive` is to run now; the caller then runs it once, in a thread. `in_series`: of a long change."""
        if self._running or self.pages - self._seen < (GROWTH_IN_SERIES if in_series else GROWTH):
            return False
        self._running = True
        self._seen = self.pages
        return True

    def passive(self) -> None:
        """Copy what can be copied without making anyone wait. Blocks: for a thread."""
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
            pass  # the writer is at it
        except apsw.Error as error:
            self._note(error)
        finally:
            self._running = False

    def between(self, writer: apsw.Connection) -> None:
        """Between two batches: restart the log when little is left to copy, truncate it when it has become long."""
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
        """Run a checkpoint on the writer; gives up at once where a reader is in the way."""
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
                self._note(error)  # it is closed all the same
            self._helper = None

    def _note(self, error: apsw.Error) -> None:
        """A checkpoint failed: the log stays, nothing is lost."""
        fault = fault_of(error)
        if fault is Fault.DAMAGED:
            self._health.met(fault, error)
        elif fault is not Fault.BUSY:
            self._health.checkpoint(error)

    @property
    def running(self) -> bool:
        """Whether `passive` was begun and has not ended."""
        return self._running
