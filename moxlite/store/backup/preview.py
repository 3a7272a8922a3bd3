"""``moxlite store upgrade-preview``: data of versions before 0.1.0 gets the present schema (STORE-149a, decisions/026).

Versions before 0.1.0 were never released. Their migrations are in `schema/preview/`, from the oldest supported schema
on, and are used here alone; the last one's schema is our first. Each database is copied, its copy upgraded, and its
rows put into a new file: what comes out is a file as the present version makes it.

The old files stay as they are until all new ones are durable below `tmp/`. A rename of their folder decides: before it
the data is old, afterwards it is new, and all that is left to do is to move files. A run that was killed there is
finished by the next one. auth.db is moved last; without it no server starts.
"""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Final

import apsw
import zstandard

from moxlite.encoding import from_json, to_json
from moxlite.store.backup.copying import copy_database
from moxlite.store.backup.layout import INCOMPLETE, RESTORING, DatabaseFile, databases
from moxlite.store.backup.storage import make_durable
from moxlite.store.backup.verify import data_of
from moxlite.store.content.body import CHUNK_SIZE, Chunk, Encoding, encode_chunk
from moxlite.store.errors import BadTarget, StorageFull
from moxlite.store.file.migrations import BESIDE, PREVIEW, SCHEMA, Kind, migrations_of, open_file
from moxlite.store.options import Options
from moxlite.store.rows.personnames import full_name

SOURCES: Final = "sources.json"
"""File in the folder with the states of the old files from which the new ones were made."""

FOLDER: Final = "upgrade-preview"
"""Folder with the new files: below `tmp/` while they are made, then in the data directory itself."""

SEARCH: Final = ("search.db", *(f"search.db{suffix}" for suffix in BESIDE))
"""Files of the text index, which the server builds anew."""

LITESTREAM: Final = "_litestream_%"
TABLES: Final = """
SELECT name FROM pragma_table_list
WHERE schema = ? AND type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE ? ORDER BY name"""
COLUMNS: Final = "SELECT name FROM pragma_table_info(?, ?) ORDER BY cid"
HAS_SEQUENCE: Final = "SELECT 1 FROM main.sqlite_schema WHERE name = 'sqlite_sequence'"
COPY_SEQUENCE: Final = """
DELETE FROM main.sqlite_sequence;
INSERT INTO main.sqlite_sequence (name, seq) SELECT name, seq FROM old.sqlite_sequence"""

NO_CARDS: Final = "SELECT count(*) FROM contact_due WHERE card IS NOT NULL"
ALL_CARDS: Final = """
INSERT OR IGNORE INTO contact_due (id, changed) SELECT id, changed FROM resource WHERE component = 'VCARD'"""
UNFOLDED: Final = "SELECT id, name FROM correspondent WHERE folded IS NULL"
FOLD: Final = "UPDATE correspondent SET folded = ? WHERE id = ?"

CHUNKS: Final = {Kind.ACCOUNT: ("body_chunk", "digest"), Kind.QUEUE: ("content_chunk", "check64")}
"""Tables of chunks, with the column of the check."""

OLD_CHUNKS: Final = 3
"""Values of the column ``enc`` below this are of chunks with a check by BLAKE2b: 0 raw, 1 zstd, 2 zlib."""

ZSTD: Final = 1
"""Value of the column ``enc`` of an old chunk that is compressed by zstd."""


def upgrade_preview(folder: Path, tell: Callable[[str], None]) -> int:
    """Upgrade a data directory, or the data of a full backup; returns the number of new files. Blocks. The caller holds
    the lock of the data directory.

    Raises:
      BadTarget: `folder` has no data that can be upgraded. Nothing was changed.
      StorageFull: there is no room for the new files. Nothing was changed.
      StoreError, OSError: the data is as it was, or the next run finishes it.
    """
    data = data_of(folder)
    if not (data / FOLDER).is_dir():
        for mark in (folder / INCOMPLETE, data / RESTORING):
            if mark.exists():
                raise BadTarget(f"{folder} is incomplete: {mark} exists")
        old = [database for database in databases(data) if _is_old(data / database.path, database.kind)]
        if not old:
            return 0
        _check_space(data, old, tell)
        tmp = data / "tmp"
        staging = tmp / FOLDER
        shutil.rmtree(staging, ignore_errors=True)  # of a run that was killed
        try:
            for database in old:
                tell(f"upgrading {data / database.path}")
                _make(data / database.path, database.kind, staging / database.path)
            sources = {str(database.path): _state(data / database.path) for database in old}
            (staging / SOURCES).write_bytes(to_json(sources))
            make_durable(staging / SOURCES)
            for place in {path.parent for path in staging.rglob("*")}:
                make_durable(place)
            staging.replace(data / FOLDER)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            if data != folder:
                tmp.rmdir()  # a backup has none
        make_durable(data)
    return _put_in_place(data)


def _is_old(path: Path, kind: Kind) -> bool:
    """Whether a database must be upgraded. Raises BadTarget if it can't be."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        version, application = int(db.pragma("user_version")), int(db.pragma("application_id"))
    finally:
        db.close()
    if application != kind.application_id:
        raise BadTarget(f"{path} isn't a moxlite database")
    known, supported = len(migrations_of(kind)), PREVIEW.get(kind, range(0))
    if version not in supported and version != known:
        raise BadTarget(f"can't upgrade {path}: unknown schema version {version}")
    return version in supported


def _check_space(data: Path, old: list[DatabaseFile], tell: Callable[[str], None]) -> None:
    """Room for all new files, and for one more copy of the largest. Raises StorageFull."""
    sizes = [
        sum(file.stat().st_size for file in (data / one.path, _log(data / one.path)) if file.exists()) for one in old
    ]
    needed, free = sum(sizes) + max(sizes), shutil.disk_usage(data).free
    tell(f"this requires {needed} bytes of disk space in {data} ({free} free)")
    if free < needed:
        raise StorageFull(f"not enough disk space in {data} (need {needed} bytes, {free} free)")


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _make(path: Path, kind: Kind, target: Path) -> None:
    """Make the new file `target` of an old database."""
    try:
        _convert(path, kind, target)
    except apsw.Error as error:
        raise BadTarget(f"can't upgrade {path}: {error}") from error


def _convert(path: Path, kind: Kind, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    copy = target.with_name(f"{target.name}.old")
    copy_database(path, copy)
    # No process uses the copy or the new file: a journal would serve for nothing.
    with _unjournaled(copy) as db:
        for sql in _migrations(kind, int(db.pragma("user_version"))):
            db.execute(f"BEGIN; {sql}; COMMIT").fetchall()
        if kind is Kind.ACCOUNT:
            _settle(db, path)
        if kind in CHUNKS:
            db.execute("BEGIN")
            _check_anew(db, *CHUNKS[kind])
            db.execute("COMMIT")
    open_file(target, kind, Options(min_free_space=0), create=True).close()
    with _unjournaled(target) as db:
        db.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)  # rows that triggers made are copied themselves
        db.execute("ATTACH ? AS old; BEGIN", (str(copy),))
        _copy_rows(db, path)
        db.execute("COMMIT; DETACH old; PRAGMA journal_mode=WAL").fetchall()
    make_durable(target)
    copy.unlink()


def _settle(db: apsw.Connection, path: Path) -> None:
    """Have done what background tasks of old versions may have left: rows of cards are made anew by the present one."""
    row = db.execute(NO_CARDS).fetchone()
    if row is not None and row[0]:
        raise BadTarget(
            f"can't upgrade {path}: some contacts ({row[0]}) aren't stored as vCards yet; edit or delete them in the "
            "moxlite version that created them"
        )
    db.execute(ALL_CARDS).fetchall()
    for number, name in db.execute(UNFOLDED).fetchall():
        db.execute(FOLD, (full_name(str(name)), number)).fetchall()


@contextmanager
def _unjournaled(path: Path) -> Iterator[apsw.Connection]:
    db = apsw.Connection(str(path))
    try:
        db.execute("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA foreign_keys=OFF").fetchall()
        yield db
    finally:
        db.close(True)


def _migrations(kind: Kind, version: int) -> Iterator[str]:
    """The SQL that leads from an old schema to the present one."""
    for file in sorted((SCHEMA / "preview" / kind.value).glob("*.sql")):
        if int(file.name.partition("-")[0]) > version:
            yield file.read_text(encoding="utf-8")
    for migration in migrations_of(kind)[1:]:
        yield migration.sql


def _check_anew(db: apsw.Connection, table: str, check: str) -> None:
    """Give chunks with an old kind of check a present one."""
    ids = db.execute(f"SELECT id FROM {table} WHERE enc < ?", (OLD_CHUNKS,)).fetchall()  # noqa: S608 - constants
    for (number,) in ids:
        enc, old, data = db.execute(f"SELECT enc, {check}, data FROM {table} WHERE id = ?", (number,)).fetchone()  # type: ignore[misc]  # noqa: S608
        assert isinstance(enc, int)
        assert isinstance(data, bytes)
        chunk = _chunk(enc, data)
        if int.from_bytes(blake2b(data, digest_size=8).digest(), "big", signed=True) != old:
            chunk = Chunk(chunk.enc, -1, data)  # no check is negative: it stays damaged
        row = (chunk.enc, chunk.check, chunk.data, number)
        db.execute(f"UPDATE {table} SET enc = ?, {check} = ?, data = ? WHERE id = ?", row)  # noqa: S608


def _chunk(enc: int, data: bytes) -> Chunk:
    if enc != ZSTD:
        return Chunk(Encoding.ZLIB if enc else Encoding.RAW, zlib.crc32(data), data)
    try:
        return encode_chunk(zstandard.decompress(data, max_output_size=CHUNK_SIZE))
    except zstandard.ZstdError:
        return Chunk(Encoding.ZSTD, -1, data)


def _copy_rows(db: apsw.Connection, path: Path) -> None:
    """Fill the tables of a new file. Raises BadTarget if the old one has other tables or columns."""
    tables, old = ([str(name) for (name,) in db.execute(TABLES, (where, LITESTREAM))] for where in ("main", "old"))
    if tables != old:
        raise BadTarget(f"can't upgrade {path}: unexpected tables {sorted(set(tables) ^ set(old))}")
    for table in tables:
        columns, found = (sorted(str(name) for (name,) in db.execute(COLUMNS, (table, at))) for at in ("main", "old"))
        if columns != found:
            raise BadTarget(f"can't upgrade {path}: unexpected columns in table {table}")
        names = ", ".join(f'"{name}"' for name in columns)
        db.execute(f'DELETE FROM main."{table}"').fetchall()  # noqa: S608 - names of our schema
        db.execute(f'INSERT INTO main."{table}" ({names}) SELECT {names} FROM old."{table}"').fetchall()  # noqa: S608
    if db.execute(HAS_SEQUENCE).fetchone() is not None:
        db.execute(COPY_SEQUENCE)
    if (broken := db.execute("PRAGMA main.foreign_key_check").fetchone()) is not None:
        raise BadTarget(f"can't upgrade {path}: foreign key violation in table {broken[0]}")


def _state(path: Path) -> list[int]:
    """What a write to a database or its log would change: sizes and times."""
    found = [file.stat() for file in (path, _log(path)) if file.exists()]
    return [number for one in found if one.st_size for number in (one.st_size, one.st_mtime_ns)]


def _put_in_place(data: Path) -> int:
    """Move all new files to their places, auth.db last; returns how many there were. Raises BadTarget if an old version
    ran after a run that was killed: its changes are only in the old files.
    """
    staging = data / FOLDER
    done = databases(staging)
    # The file goes with the folder, once all databases are in their places.
    sources = from_json((staging / SOURCES).read_bytes(), dict[str, list[int]]) if done else {}
    for database in done:
        state = _state(data / database.path)
        if state != sources[str(database.path)][: len(state)]:  # a killed run may have removed the log
            raise BadTarget(
                f"the database {data / database.path} changed after the upgrade; delete {staging} and run this again"
            )
    for database in done:
        for name in SEARCH if database.kind is Kind.ACCOUNT else ():
            (data / database.path).with_name(name).unlink(missing_ok=True)
    for database in done:
        target = data / database.path
        for suffix in BESIDE:
            target.with_name(target.name + suffix).unlink(missing_ok=True)
        (staging / database.path).replace(target)
        make_durable(target.parent)
    shutil.rmtree(staging)
    make_durable(data)
    return len(done)
