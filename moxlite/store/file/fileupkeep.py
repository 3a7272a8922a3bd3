"""Upkeep of one SQLite file: memory released, the file shrunk, long reads watched, a degraded file tested again
(STORE-10, STORE-37, STORE-158c).

A file that is not used needs none, so its upkeep rests until the next use. The parts that change the file are chores of
the writer's thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import apsw
import trio

from moxlite.heap import give_memory_back
from moxlite.store.file.boundary import storage
from moxlite.store.file.health import PAGE, Checkpoints, Health
from moxlite.store.file.readers import Readers
from moxlite.store.file.transaction import Connection
from moxlite.store.file.writer import Writer
from moxlite.wakeup import Wakeup

IDLE: Final = 30.0
"""Seconds without a read or unit after which memory is released (STORE-10): with the upkeep interval and the pause
between two malloc_trim, an account takes next to no memory a minute after its last use.
"""

UPKEEP: Final = 10.0
"""Seconds between two rounds of upkeep: idleness, long reads and free pages."""

VACUUM_SHARE: Final = 10
"""Percent of free pages above which the file is shrunk (STORE-37)."""

VACUUM_STEP: Final = 1_000
"""Pages returned at a time: 8 to 30 ms, the longest delay of a unit (design-facts §2b)."""

VACUUM_STEPS: Final = 50
"""Steps in one upkeep, 200 MB: the log of one round stays below the limit of STORE-161."""


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
