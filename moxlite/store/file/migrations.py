"""Opening a file and bringing its schema up to date (STORE-2, STORE-148, STORE-149), or creating a new one, only on
request (STORE-158d).

A kind of database has numbered migrations, `schema/KIND/NNNN-name.sql`, from 0001 without a gap; `user_version` is the
number of the last one done. Each runs in one transaction of its own with its number: after a kill at any point, the
next open continues from there. A file written by a newer program is refused, and not even its log is folded in.

A new file is a copy of a template, in which all migrations were run once: it appears whole, or not at all.

The first line of a migration that rewrites tables is `-- rewrites tables`: the file is copied first, unless it is new,
since an error in it would affect everything.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final

import apsw
import msgspec
import zstandard

from moxlite.safefile import check_regular, open_regular
from moxlite.store.errors import MigrationNeedsSpace, MissingFile, PreviewSchema, SchemaTooNew, StoreError, WrongFile
from moxlite.store.file.transaction import Reader
from moxlite.store.options import Options

logger = logging.getLogger("moxlite.store.migrations")

MINIMUM_SQLITE: Final = (3, 51, 3)
"""Version of SQLite that mends the reset of the log (STORE-2). In older ones, a checkpoint right behind a complete one,
while another connection commits and begins the log anew, may count frames as copied that are not: the file is damaged
then (https://www.sqlite.org/wal.html#walresetbug). The passes of our checkpoint helper beside the writer are just that.
"""

CACHE_KIB: Final = 512
"""Page cache of a connection in KiB: the default of 2 MB would take 400 kB more per open account without a measured
gain (design-facts §2b).
"""

QUEUE_CACHE_KIB: Final = 4096
"""Page cache in KiB of connections that read the queue. With 100,000 messages, the search for the next one reads the
first message of each domain, each in a page of its own; reading uncached pages took a third of its time. With few
messages the cache stays small.
"""

BUSY_MS: Final = 5_000
"""Milliseconds that a writer waits for another process that has locked the file, such as an admin's sqlite3 shell; our
own connections never hold a lock that long.
"""

COPY_KEPT: Final = 14 * 86_400
"""Seconds for which `account.db.before-NNNN` is kept (STORE-149)."""

REWRITES: Final = "-- rewrites tables"

BESIDE: Final = ("-wal", "-shm", "-journal")
"""Ends of the names of files that SQLite keeps beside a database."""

WAL_MODE: Final = b"\x02\x02"
"""Octets 18 and 19 of a database with a write-ahead log (https://www.sqlite.org/fileformat2.html §1.3.3). A database in
memory cannot have one, and changing its mode later would be three more flushes.
"""

OBJECTS: Final = "SELECT count(*) FROM sqlite_schema"


class Kind(Enum):
    """Kind of a database. The value names its schema folder, and is used in logs and metrics."""

    ACCOUNT = "account"
    AUTH = "auth"
    QUEUE = "queue"
    REPORTS = "reports"
    CACHE = "cache"
    SEARCH = "search"

    @property
    def application_id(self) -> int:
        """Application id of the file, octets 68 to 71: "mx" and two letters of the kind, shown by file(1)."""
        return int.from_bytes(b"mx" + self.value[:2].encode(), "big")

    @property
    def synchronous(self) -> str:
        """SQLite's synchronous setting: FULL, but NORMAL for the search index, which is rebuilt when lost (STORE-2)."""
        return "NORMAL" if self is Kind.SEARCH else "FULL"

    @property
    def secure_delete(self) -> str:
        """SQLite's secure_delete setting: what is deleted isn't in copies and backups made afterwards. FAST leaves
        content in free pages, which costs no writes; large content is deleted in `Tx.zeroed` (STORE-37a).
        """
        return "ON" if self in (Kind.AUTH, Kind.QUEUE) else "FAST"


PREVIEW: Final[Mapping[Kind, range]] = {
    Kind.ACCOUNT: range(46, 57),
    Kind.AUTH: range(10, 16),
    Kind.QUEUE: range(11, 12),
    Kind.REPORTS: range(3, 4),
}
"""Numbers of schemas before 0.1.0, which are not numbers of ours (STORE-149a)."""


def is_preview(kind: Kind, version: int) -> bool:
    """Whether a schema's number, which is above ours, is one from before 0.1.0."""
    return version in PREVIEW.get(kind, ())


class Migration(msgspec.Struct, frozen=True):
    """One step from schema `number - 1` to `number`."""

    number: int
    name: str
    sql: str

    @property
    def rewrites(self) -> bool:
        """Whether it rewrites tables, so that the file must be copied first."""
        return self.sql.startswith(REWRITES)


def check_library() -> None:
    """Raise StoreError if the SQLite library is too old for the files."""
    # Of the library that runs: a package of a distribution loads another one than APSW was compiled with.
    version = apsw.sqlite_lib_version()
    if tuple(map(int, version.split("."))) < MINIMUM_SQLITE:
        raise StoreError(f"SQLite {'.'.join(map(str, MINIMUM_SQLITE))} or later is required (found {version})")


def drop_statistics() -> None:
    """Have SQLite count no memory in this process: no code reads these numbers, and for each block, a lock is taken
    that all threads share. A twelfth of all instructions of a delivery that opens its account (measured).

    To be called before anything is opened. Raises apsw.MisuseError if a connection is open.
    """
    apsw.shutdown()  # imported, it is initialized, and takes no settings
    apsw.config(apsw.SQLITE_CONFIG_MEMSTATUS, False)
    apsw.initialize()


PROGRESS_STEPS: Final = 1_000_000
"""Steps of SQLite's virtual machine between two reports of progress, some ten milliseconds."""

SCHEMA: Final = Path(__file__).parents[2] / "schema"
"""Folder of the program's own schema. Found without `importlib.resources`, whose import takes half a megabyte."""

_cache: dict[tuple[Kind, Path | None], tuple[Migration, ...]] = {}


def migrations_of(kind: Kind, schema: Path | None = None) -> tuple[Migration, ...]:
    """All migrations of a kind in order, from the program's own schema or from the folder `schema`."""
    if (kind, schema) not in _cache:
        folder = (SCHEMA if schema is None else schema) / kind.value
        if not folder.is_dir():
            raise StoreError(f"no schema found for kind {kind.value}")
        migrations = []
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
            stem, dot, suffix = entry.name.rpartition(".")
            if dot and suffix == "sql":
                number, _, name = stem.partition("-")
                migrations.append(Migration(int(number), name, entry.read_text(encoding="utf-8")))
        if [migration.number for migration in migrations] != list(range(1, len(migrations) + 1)):
            raise StoreError(f"migrations for {kind.value} must be numbered from 1 without gaps")
        _cache[kind, schema] = tuple(migrations)
    return _cache[kind, schema]


def configure(db: apsw.Connection, kind: Kind, *, writer: bool) -> None:
    """Set the pragmas of a connection, which the file does not store (STORE-2)."""
    cache = QUEUE_CACHE_KIB if kind is Kind.QUEUE and not writer else CACHE_KIB
    pragmas = ["trusted_schema=OFF", "cell_size_check=ON", f"cache_size=-{cache}", "mmap_size=0"]
    if writer:
        pragmas += [f"synchronous={kind.synchronous}", f"secure_delete={kind.secure_delete}", "foreign_keys=ON"]
        pragmas += ["wal_autocheckpoint=0", "temp_store=MEMORY"]
    else:
        pragmas += ["query_only=ON"]
    db.execute("; ".join([f"PRAGMA {pragma}" for pragma in pragmas])).fetchall()
    # Query plans must not depend on bound values. Otherwise SQLite prepares a query anew whenever a value that might
    # matter is bound, as in most joins and sorted look-ups: 5 to 30 µs each time, for the same plan, as there are no
    # statistics.
    db.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)


def open_file(path: Path, kind: Kind, options: Options, *, create: bool = False) -> apsw.Connection:
    """Open a database for writing, with its schema up to date; with `create`, create a missing one. Blocks.

    Raises:
      MissingFile: the file is missing, empty or without tables, and `create` is False.
      WrongFile: it is not a database, or one of another kind.
      SchemaTooNew: it was written by a newer program; nothing was changed.
      MigrationNeedsSpace: STORE-149.
      OSError: it is a link, or has several names (ADMIN-37).
      apsw.Error: the file cannot be opened, read or written.
    """
    check_library()
    migrations = migrations_of(kind, options.schema)
    for suffix in ("", *BESIDE):
        check_regular(path.with_name(path.name + suffix))
    if not path.exists() or path.stat().st_size == 0:
        if not create:
            raise MissingFile(path, "is empty" if path.exists() else "is missing", _mend(path, kind))
        _copy_template(path, kind, options.schema)
    db = apsw.Connection(str(path), vfs=options.vfs)
    try:
        db.set_busy_timeout(BUSY_MS)
        db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)  # a file that is refused is left as it is
        done = _look(db, path, kind, len(migrations))
        db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
        if done == 0 and not create:
            raise MissingFile(path, "doesn't have any tables", _mend(path, kind))
        db.execute("PRAGMA journal_mode=WAL").fetchall()
        configure(db, kind, writer=True)
        for migration in migrations[done:]:
            if migration.rewrites and done:
                _copy_before(db, path, migration, options)
            _migrate(db, path, kind, migration)
            if done:
                kv = {"file": str(path), "number": migration.number, "name": migration.name}
                logger.info("schema migrated", extra={"kv": kv})
    except BaseException:
        db.close()
        raise
    return db


def _mend(path: Path, kind: Kind) -> str:
    """Advice on a missing file, for the error text."""
    what = path.parent.name if kind is Kind.ACCOUNT else f"--file {path.name}"
    return f"restore it from a backup, or create an empty one with `moxlite store create {what}`"


def _number(db: apsw.Connection) -> int:
    return int(db.pragma("user_version"))


def _look(db: apsw.Connection, path: Path, kind: Kind, known: int) -> int:
    """The number of the file's schema. Raises WrongFile or SchemaTooNew if the file must not be written."""
    try:
        application, version = int(db.pragma("application_id")), _number(db)
        # An empty database, made by hand or another program, counts as a lost one.
        if application != kind.application_id and (application != 0 or Reader(db).value(OBJECTS) != 0):
            raise WrongFile(path, f"application ID {application:#x} isn't that of a moxlite {kind.value} database")
    except apsw.NotADBError as error:
        raise WrongFile(path, "not a database") from error
    if version > known:
        raise (PreviewSchema if is_preview(kind, version) else SchemaTooNew)(path, version, known)
    return version


def _copy_template(path: Path, kind: Kind, schema: Path | None) -> None:
    """Make a new file, durable but for the entry in its folder."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)  # a kill left it, or another one put it there
    # SQLite gives -wal and -shm the mode of the file, and would give the file itself that of the umask (ADMIN-37).
    with os.fdopen(open_regular(new, os.O_CREAT | os.O_EXCL | os.O_RDWR), "wb") as file:
        file.write(zstandard.decompress(_template(kind, schema)))
        file.flush()
        os.fsync(file.fileno())
    for suffix in BESIDE:  # leftovers of a lost file would be used for this one
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    new.replace(path)


@cache
def _template(kind: Kind, schema: Path | None) -> bytes:
    """The compressed octets of a new file."""
    db = apsw.Connection(":memory:")
    try:
        # Both are fixed by the first page written.
        db.execute("PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL").fetchall()
        configure(db, kind, writer=True)
        for migration in migrations_of(kind, schema):
            _migrate(db, Path(kind.value), kind, migration)
        db.execute("VACUUM").fetchall()
        octets = bytearray(db.serialize("main"))
    finally:
        db.close()
    octets[18:20] = WAL_MODE
    return zstandard.compress(bytes(octets))


def on_progress(tell: Callable[[], None]) -> None:
    """Have `tell` called, in any thread, while a migration goes on."""
    _told_of_progress[:] = [tell]


_told_of_progress: Final[list[Callable[[], None]]] = []


def _go_on() -> bool:
    """Progress handler of SQLite; false: it is not interrupted."""
    for tell in _told_of_progress:
        tell()
    return False


def _migrate(db: apsw.Connection, path: Path, kind: Kind, migration: Migration) -> None:
    # A table is rewritten as create, copy, drop, rename; with enforcement on, the drop would cascade. The pragma has no
    # effect inside a transaction.
    db.execute("PRAGMA foreign_keys=OFF").fetchall()
    db.execute("BEGIN IMMEDIATE")
    db.set_progress_handler(_go_on, PROGRESS_STEPS)
    try:
        db.execute(migration.sql).fetchall()
        if (broken := db.execute("PRAGMA foreign_key_check").fetchone()) is not None:
            raise WrongFile(path, f"migration {migration.number} violates a foreign key in table {broken[0]}")
        db.execute(f"PRAGMA application_id={kind.application_id}")
        db.execute(f"PRAGMA user_version={migration.number}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    finally:
        db.set_progress_handler(None)
    db.execute("PRAGMA foreign_keys=ON").fetchall()


def _copy_before(db: apsw.Connection, path: Path, migration: Migration, options: Options) -> None:
    """Copy the file to `NAME.before-NNNN`; without space for it, the copy is skipped if the options allow that."""
    copy = path.with_name(f"{path.name}.before-{migration.number:04}")
    needed = int(db.pragma("page_count")) * int(db.pragma("page_size"))
    free = shutil.disk_usage(path.parent).free
    if free < needed + options.min_free_space:
        if options.migrate_without_copy:
            logger.warning(
                "not enough space for a copy before migration",
                extra={"kv": {"file": str(path), "number": migration.number}},
            )
            return
        raise MigrationNeedsSpace(path, needed + options.min_free_space, free)
    # A copy cut short by a kill is overwritten: the backup API replaces all pages.
    os.close(open_regular(copy, os.O_CREAT | os.O_RDWR))
    target = apsw.Connection(str(copy))
    try:
        with target.backup("main", db, "main") as backup:
            while not backup.done:
                backup.step(1000)
    finally:
        target.close()


def drop_old_copies(folder: Path) -> list[Path]:
    """Delete the copies of STORE-149 that are over 14 days old; returns them. A copy that cannot be deleted is
    logged.
    """
    limit = time.time() - COPY_KEPT
    dropped: list[Path] = []
    for path in folder.glob("*.db.before-[0-9][0-9][0-9][0-9]"):
        try:
            if path.stat().st_mtime < limit:
                path.unlink()
                dropped.append(path)
        except OSError as error:
            kv = {"path": str(path), "err": error.strerror or str(error)}
            logger.warning("failed to delete old database copy", extra={"kv": kv})
    return dropped
