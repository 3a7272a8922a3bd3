"""Copying one database as it is at one moment, while it goes on (STORE-141).

The pages come by SQLite's backup API from a connection that holds one read transaction throughout: commits of others
neither change nor restart the copy (measured: 61 of them between its steps, design-facts §2b), and no writer waits.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw
import msgspec

from moxlite.safefile import open_regular
from moxlite.store.errors import BackupCancelled, BackupError

STEP: Final = 500
"""Pages of one step, 2 MB: the thread looks at its interruption that often."""

SYNC: Final = 16 << 20
"""Octets after which a copy is synced: left to the end, the flush of gigabytes would hold up the commits of a
running server.
"""

WAL_LIMIT: Final = 4 << 30
"""Octets of log above which a copy is given up, for the log cannot start over while it lasts (STORE-161); or a quarter
of the free space.
"""

SETTLED: Final = 2 * 10**9
"""Nanoseconds after which a file's times are sure to differ at its next change, whatever their grain."""

BUSY_MS: Final = 10_000
"""How long to wait for a lock: only the recovery of a log holds one that matters here."""

Cancelled = Callable[[], bool]


class Stamp(msgspec.Struct, frozen=True):
    """By what one tells that neither a database nor its log was written since: (inode, size, mtime, ctime) of both, the
    log's None when it is empty. `at` is when it was taken, ns.
    """

    at: int
    file: tuple[int, int, int, int]
    log: tuple[int, int, int, int] | None

    def unchanged(self, now: Stamp) -> bool:
        """Whether `now`, of the same file, tells of no change since."""
        newest = max(self.file[2:] + (self.log[2:] if self.log else ()))
        return self.file == now.file and self.log == now.log and self.at - newest > SETTLED


def stamp_of(path: Path) -> Stamp:
    """The stamp of a database. It is to be taken before its snapshot, so that what comes between makes it too old."""
    return Stamp(time.time_ns(), _times(path.stat()), _log_times(path))


def _times(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _log_times(path: Path) -> tuple[int, int, int, int] | None:
    try:
        found = path.with_name(path.name + "-wal").stat()
    except FileNotFoundError:
        return None
    return _times(found) if found.st_size else None  # even reading makes an empty log


@contextmanager
def snapshot(path: Path) -> Iterator[apsw.Connection]:
    """A read-only connection that holds one read transaction. Raises apsw.Error."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        db.set_busy_timeout(BUSY_MS)
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # BEGIN alone takes no snapshot
        yield db
    finally:
        db.close(True)


def copy_pages(
    source: apsw.Connection, target: apsw.Connection, log: Path, *, cancelled: Cancelled, stepped: Callable[[int], None]
) -> int:
    """Copy all pages of a snapshot; returns their octets. `stepped` is told the octets so far after each step.

    Raises:
      BackupCancelled, BackupError (the log grew too long), apsw.Error.
    """
    page = int(source.pragma("page_size"))
    limit = min(WAL_LIMIT, shutil.disk_usage(log.parent).free // 4)
    with target.backup("main", source, "main") as backup:
        while not backup.done:
            if cancelled():
                raise BackupCancelled("the backup was cancelled")
            backup.step(STEP)
            stepped((backup.page_count - backup.remaining) * page)
            if _size(log) > limit:
                raise BackupError(f"{log} grew over {limit} octets while the copy was made")
        pages = backup.page_count
    return pages * page


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def copy_database(path: Path, target: Path, *, cancelled: Cancelled = lambda: False) -> int:
    """Copy a database to a new file, durably; returns its octets. It appears under its name when it is whole.

    Raises:
      FileExistsError: nothing is overwritten.
      BackupCancelled, BackupError, apsw.Error, OSError.
    """
    if target.exists():
        raise FileExistsError(f"{target} exists")
    partial = target.with_name(target.name + ".partial")
    fd = open_regular(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        synced = 0

        def stepped(octets: int) -> None:
            nonlocal synced
            if octets - synced >= SYNC:
                os.fsync(fd)
                synced = octets

        with snapshot(path) as source:
            into = apsw.Connection(str(partial))
            try:
                # The file is unused until it is renamed: a journal or a sync of SQLite's own would serve for nothing.
                for pragma in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE"):
                    into.execute(f"PRAGMA {pragma}").fetchall()
                octets = copy_pages(
                    source, into, path.with_name(path.name + "-wal"), cancelled=cancelled, stepped=stepped
                )
            finally:
                into.close(True)
        os.fsync(fd)
        partial.rename(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    finally:
        os.close(fd)
    return octets


def sync_folder(folder: Path) -> None:
    """Make what was created or renamed in a folder durable."""
    if os.name != "posix":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
