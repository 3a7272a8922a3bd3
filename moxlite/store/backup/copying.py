"""Copying one database as it is at one moment, while it goes on (STORE-141).

The pages come by SQLite's backup API from a connection that holds one read transaction throughout: commits of others
neither change nor restart the copy (measured: 61 of them between its steps, design-facts §2b), and no writer waits.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw
import msgspec

from moxlite.safefile import open_regular
from moxlite.store import metrics
from moxlite.store.backup.layout import (
    CONFIG,
    INCOMPLETE,
    NAMED,
    RESTORING,
    ConfigFile,
    Report,
    Source,
    config_files,
    databases,
    lost_databases,
    other_files,
)
from moxlite.store.backup.storage import make_durable
from moxlite.store.errors import BackupCancelled, BackupError, BadTarget

STEP: Final = 500
"""Pages of one step, 2 MB: the thread looks at its interruption that often."""

SYNC: Final = 16 << 20
"""Octets after which a copy is synced: left to the end, the flush of gigabytes would hold up the commits of a
running server.
"""

WAL_LIMIT: Final = 4 << 30
"""Octets by which a log may grow before a copy is given up, for it cannot start over while the copy lasts (STORE-161);
or a quarter of the free space.
"""

WAL_FLOOR: Final = 64 << 20
"""Octets by which it may always grow: on a full disk it does not, and its data can still be saved to another one."""

SETTLED: Final = 2 * 10**9
"""Nanoseconds after which a file's times are sure to differ at its next change, whatever their grain."""

SIGN: Final = 5.0
"""Seconds between two signs of life during the copy of one file."""

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
    limit = _size(log) + min(WAL_LIMIT, max(WAL_FLOOR, shutil.disk_usage(log.parent).free // 4))
    with target.backup("main", source, "main") as backup:
        while not backup.done:
            if cancelled():
                raise BackupCancelled("the backup was canceled")
            backup.step(STEP)
            stepped((backup.page_count - backup.remaining) * page)
            if _size(log) > limit:
                raise BackupError(
                    f"not enough space on the data disk: {log} exceeded {limit >> 20} MiB during the copy"
                )
        pages = backup.page_count
    return pages * page


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def signs(tell: Tell, path: Path) -> Callable[[int], None]:
    """Make a function that takes the octets of a file that are done, and tells of them every `SIGN` seconds."""
    size, told = max(path.stat().st_size, 1), time.monotonic()

    def stepped(octets: int) -> None:
        nonlocal told
        if time.monotonic() - told >= SIGN:
            told = time.monotonic()
            tell(f"{path} ({min(octets * 100 // size, 99)}%)")

    return stepped


def copy_database(
    path: Path, target: Path, *, tell: Tell = lambda _: None, cancelled: Cancelled = lambda: False
) -> int:
    """Copy a database to a new file, durably; returns its octets. It appears under its name when it is whole.

    Raises:
      FileExistsError: nothing is overwritten.
      BackupCancelled, BackupError, apsw.Error, OSError.
    """
    if target.exists():
        raise FileExistsError(f"{target} already exists")
    partial = target.with_name(target.name + ".partial")
    fd = open_regular(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        synced, told = 0, signs(tell, path)

        def stepped(octets: int) -> None:
            nonlocal synced
            told(octets)
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


# ``moxlite backup DEST``: a copy of configuration and data that is a data directory itself (STORE-141..143, ADMIN-50,
# ADMIN-68).


logger = logging.getLogger("moxlite.store.backup")

FOLDER_MODE: Final = 0o750
"""Mode of folders of the copy: closed to other users, as the data directory is."""

KEY_MODE: Final = 0o600
"""Mode of a file that another process has read: a private key."""

Tell = Callable[[str], None]
"""Takes a line on what is being done, for ``--verbose``."""


def note_failure(report: Report, source: Source, path: Path, error: OSError) -> None:
    """Note that a file could not be copied. Of the configuration, what only another user can read (a key that is
    root's) is named as left out, and the backup is whole without: what `restore` restores is the data.
    """
    in_config = path.is_relative_to(source.config) and not path.is_relative_to(source.data)
    if in_config and isinstance(error, PermissionError):
        report.warnings.append(f"{path}: skipped, because only another user can read it; keep a copy yourself")
    else:
        report.errors.append(f"{path}: {error_text(error)}")


def check_target(source: Source, target: Path) -> None:
    """Raise BadTarget when a full backup must not be written there: inside of its source, or over another one."""
    inside(source, target)
    if any((target / name).exists() for name in ("data", CONFIG, NAMED, INCOMPLETE)):
        raise BadTarget(f"found a backup (possibly incomplete) in {target}; delete it or choose another folder")


def inside(source: Source, target: Path) -> None:
    """Raise BadTarget if `target` is inside of what is backed up."""
    resolved = target.resolve()
    for folder in (source.data.resolve(), source.config.resolve()):
        if resolved == folder or folder in resolved.parents:
            raise BadTarget(f"can't back up {folder} into itself ({target}); choose another folder")


def warnings_of(source: Source) -> list[str]:
    """Oddities of a data directory that are no reason to fail."""
    warnings = [f"{path}: skipped, because another program manages it" for path in source.foreign]
    warnings += [
        f"account {database.account} isn't in the configuration, but is backed up anyway"
        for database in databases(source.data)
        if database.account is not None and database.account not in source.configured
    ]
    for file in other_files(source.data):
        if not file.regular:
            warnings.append(f"{source.data / file.path}: skipped, not a regular file")
        elif not file.known:
            warnings.append(f"{source.data / file.path} is unknown, but is backed up anyway")
    return warnings


def lost_of(source: Source, before: Collection[str] = ()) -> list[str]:
    """Errors for databases that should be in the backup and are gone: all but databases of accounts that are not in the
    configuration.

    Args:
      before: paths in the newest whole snapshot, which may know of accounts of which nothing here tells any more.

    Raises OSError.
    """
    known = {f"data/accounts/{name}/account.db": name for name in source.configured}
    lost = {
        str(database_file.path)
        for database_file in lost_databases(source.data)
        if database_file.account is None or database_file.account in source.configured
    }
    there = {f"data/{database_file.path}" for database_file in databases(source.data)}
    lost |= {path.removeprefix("data/") for path in before if path in known and path not in there}
    return [f"{source.data / path}: missing, so not in this backup; is the disk mounted?" for path in sorted(lost)]


def back_up(
    source: Source, target: Path, *, tell: Tell = lambda _: None, cancelled: Cancelled = lambda: False
) -> Report:
    """Copy everything to `target`. Blocks.

    A failure is added to the report's errors, and the backup continues. Existing files aren't overwritten.

    `target` has a file INCOMPLETE until all is there and durable.

    Raises:
      BadTarget: nothing was written.
      BackupCancelled: the copy is incomplete.
      OSError: nothing can be written to `target` at all.
    """
    check_target(source, target)
    if (source.data / RESTORING).exists():
        raise BadTarget(f"a restore to {source.data} didn't finish; complete it first")
    began = time.perf_counter()
    target.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    mark = target / INCOMPLETE
    mark.write_text("This backup is incomplete. Don't restore it.\n")
    make_durable(target)  # what is copied is synced at once, and must not outlive the mark
    report = Report(errors=lost_of(source), warnings=warnings_of(source))
    work = _Work(source, target, report, tell, cancelled)
    work.databases()
    work.files()
    if report.errors:
        mark.write_text("".join(f"{line}\n" for line in ["This backup is incomplete:", *report.errors]))
    else:
        mark.unlink()
        make_durable(target)
        metrics.BACKUP_LAST_SUCCESS.set(time.time())
    logger.log(
        logging.ERROR if report.errors else logging.INFO,
        "backup is incomplete" if report.errors else "backup created",
        extra={
            "kv": {
                "target": str(target),
                "databases": report.databases,
                "octets": report.octets,
                "errors": len(report.errors),
                "seconds": round(time.perf_counter() - began, 1),
            }
        },
    )
    return report


class _Work:
    def __init__(self, source: Source, target: Path, report: Report, tell: Tell, cancelled: Cancelled) -> None:
        self.source = source
        self.target = target
        self.report = report
        self.tell = tell
        self.cancelled = cancelled

    def databases(self) -> None:
        for database in databases(self.source.data):
            path, target = self.source.data / database.path, self.target / "data" / database.path
            self.tell(str(path))
            try:
                target.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
                self.report.octets += copy_database(path, target, tell=self.tell, cancelled=self.cancelled)
                self.report.databases += 1
                make_durable(target.parent)
            except BackupCancelled:
                raise
            except (BackupError, apsw.Error, OSError) as error:
                if path.exists() or database.account in self.source.configured:  # else it was removed meanwhile
                    self.report.errors.append(f"{path}: {error_text(error)}")
                continue
            if database.account in self.source.broken:
                self.report.errors.append(f"{path}: copied, but damaged: {self.source.broken[database.account]}")

    def files(self) -> None:
        for other in other_files(self.source.data):
            if other.regular and (self.source.include_keys or not other.private):
                self.file(self.source.data / other.path, self.target / "data" / other.path)
        for config_file in config_files(
            self.source, keys=self.source.include_keys, encrypted=False, report=self.report
        ):
            if config_file.content is None:
                self.file(config_file.path, self.target / config_file.name)
            else:
                self.written(config_file, self.target / config_file.name)

    def file(self, path: Path, target: Path) -> None:
        if self.cancelled():
            raise BackupCancelled("the backup was canceled")
        self.tell(str(path))
        try:
            copy_file(path, target)
        except OSError as error:
            if not path.exists():
                return  # a certificate was renewed, an account removed
            note_failure(self.report, self.source, path, error)

    def written(self, config_file: ConfigFile, target: Path) -> None:
        """A file of which the octets are at hand."""
        self.tell(str(config_file.path))
        try:
            target.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, KEY_MODE)
            with os.fdopen(fd, "wb") as copy:
                copy.write(config_file.content or b"")
                copy.flush()
                os.fsync(copy.fileno())
            make_durable(target.parent)
        except OSError as error:
            self.report.errors.append(f"{config_file.path}: {error_text(error)}")


def copy_file(path: Path, target: Path) -> None:
    """Copy a small file with its mode to a new one, durably. Raises OSError, FileExistsError when `target` is there."""
    target.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    with path.open("rb") as source, target.open("xb") as copy:
        shutil.copyfileobj(source, copy)
        shutil.copymode(path, target)
        copy.flush()
        os.fsync(copy.fileno())
    make_durable(target.parent)


def error_text(error: Exception) -> str:
    """Text of an error for people."""
    if isinstance(error, FileExistsError):
        return "already exists in the backup and won't be overwritten"
    if isinstance(error, apsw.FullError):  # which says "not an error"
        return os.strerror(errno.ENOSPC)
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error) or type(error).__name__
