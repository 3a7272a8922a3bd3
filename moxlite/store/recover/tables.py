"""A new auth.db, queue.db or reports.db from the rows that can be saved of a damaged one (STORE-188a).

Rows are copied, table by table. The root page of a table is taken from the schema in the file; if its first page is
damaged, from a new file, as migrations create tables on the same pages. Pages that no tree leads to any longer are
searched for rows of `STRAYS`, which are recognised by their columns. Keys and sessions are not searched for: a revoked
one must not come back.

Messages of the queue are on hold afterwards; messages that lack octets are left out.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import apsw
import msgspec

from moxlite.store.backup.restore import renew
from moxlite.store.content.body import CHUNK_SIZE, decode_chunk
from moxlite.store.errors import BadTarget, ChunkDamaged
from moxlite.store.file.migrations import Kind, open_file
from moxlite.store.file.transaction import Reader
from moxlite.store.options import Options
from moxlite.store.recover.pages import LEAF_TABLE, Damaged, Pages, Row, read_rows, roots, rows_of
from moxlite.store.types import CHUNK_BITS

logger = logging.getLogger("moxlite.store.recover")

SKIPPED: Final = frozenset({"session", "room"})
"""Tables that are left out: ended sessions must not come back, and logging in again is easy; `room` is counted anew."""

STRAYS: Final = frozenset(
    {
        "login_attempt",
        "audit",
        "content",
        "content_chunk",
        "msg",
        "msg_retired",
        "suppression",
        "dmarc_evaluation",
        "tls_result",
    }
)
"""Tables whose rows are also taken from pages that no tree leads to."""

TABLES: Final = """
SELECT name, rootpage FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"""
COLUMNS: Final = 'SELECT name, type, "notnull", pk FROM pragma_table_info(?) ORDER BY cid'
WITHOUT_ROWID: Final = "SELECT wr FROM pragma_table_list(?)"

TYPES: Final[Mapping[str, type]] = {"INTEGER": int, "TEXT": str, "BLOB": bytes}

LOST_CONTENT: Final = """
INSERT INTO content (id, size, refs) SELECT content_id, max(size - length(prefix)), 0 FROM msg
WHERE content_id NOT IN (SELECT id FROM content) GROUP BY content_id"""
CONTENTS: Final = "SELECT id, size FROM content"
CHUNKS: Final = "SELECT enc, check64, data FROM content_chunk WHERE id >= ? AND id < ? ORDER BY id"
OF_CONTENT: Final = "SELECT id, rcpt_localpart || '@' || rcpt_domain FROM msg WHERE content_id = ?"
DROP_OF_CONTENT: Final = "DELETE FROM msg WHERE content_id = ?"
SETTLE: Final = (
    "DELETE FROM local WHERE msg_id NOT IN (SELECT id FROM msg)",
    "UPDATE content SET refs = (SELECT count(*) FROM msg WHERE content_id = content.id)",
    "DELETE FROM content WHERE refs = 0",
    f"DELETE FROM content_chunk WHERE id >> {CHUNK_BITS} NOT IN (SELECT id FROM content)",  # noqa: S608 - a constant
    "UPDATE mirror SET state = 'remove', next = 0 WHERE content_id NOT IN (SELECT id FROM content)",
)


class RecoveredTables(msgspec.Struct):
    """Result of a recovery: number of rows saved; a line for each known kind of loss."""

    rows: int = 0
    losses: list[str] = []


class _Table(msgspec.Struct, frozen=True):
    """A table of the new file: its columns in the order of a record, and the index of the rowid, -1 without one."""

    name: str
    root: int
    columns: tuple[str, ...]
    types: tuple[type, ...]
    needed: tuple[bool, ...]
    rowid: int

    def values(self, row: Row) -> tuple[int | float | str | bytes | None, ...] | None:
        """The values of a row; None if it cannot belong to this table."""
        cell, record = row
        if not 1 < len(record) <= len(self.columns):  # fewer: columns that a migration has added
            return None
        found: list[int | float | str | bytes | None] = []
        for place, value in enumerate(record):
            if place == self.rowid:
                if value is not None:
                    return None
                found.append(cell.rowid)
                continue
            fits = not self.needed[place] if value is None else type(value) is self.types[place]
            if not fits:
                return None
            found.append(value)
        return tuple(found)


def recover_tables(kind: Kind, file: Path, out: Path) -> RecoveredTables:
    """Save the rows of `file` into ``out/NAME``. Blocks. `file` is only read; no process writes it meanwhile.

    Raises:
      BadTarget: `out` is not empty.
      OSError, apsw.Error: the file cannot be opened, or nothing can be written.
    """
    if out.exists() and any(out.iterdir()):
        raise BadTarget(f"{out} isn't empty")
    out.mkdir(mode=0o750, parents=True, exist_ok=True)
    options = Options(min_free_space=0)
    target = out / file.name
    done = RecoveredTables()
    pages = Pages(file)
    try:
        db = open_file(target, kind, options, create=True)
        try:
            db.execute("PRAGMA foreign_keys=OFF").fetchall()
            db.execute("BEGIN IMMEDIATE")
            _fill(db, pages, done)
            if kind is Kind.QUEUE:
                _settle_queue(db, done)
            db.execute("COMMIT")
        finally:
            db.close(True)
    finally:
        pages.close()
    renew(target, kind, options, resume_queue=False)
    kv = {"file": str(file), "rows": done.rows, "losses": len(done.losses), "out": str(out)}
    logger.info("file recovered", extra={"kv": kv})
    return done


def _tables(db: apsw.Connection) -> Iterator[_Table]:
    r = Reader(db)
    for name, root in r.rows(TABLES):
        columns = r.rows(COLUMNS, name)
        without_rowid = r.value(WITHOUT_ROWID, name)
        if without_rowid:  # the key comes first in a record
            columns.sort(key=lambda one: (not one[3], one[3]))
        keys = [place for place, (_, kind, _, pk) in enumerate(columns) if pk and kind == "INTEGER"]
        yield _Table(
            name=name,
            root=root,
            columns=tuple(column[0] for column in columns),
            types=tuple(TYPES[column[1]] for column in columns),
            needed=tuple(bool(column[2] or column[3]) for column in columns),
            rowid=-1 if without_rowid or not keys else keys[0],
        )


def _fill(db: apsw.Connection, pages: Pages, done: RecoveredTables) -> None:
    places = roots(pages)
    if not places:
        done.losses.append("the first page is damaged, so it's unknown if tables are complete")
    seen: set[int] = {1}
    tables = list(_tables(db))
    for table in tables:
        refused = 0
        for row in rows_of(pages, places.get(table.name, table.root), seen):
            if table.name not in SKIPPED:
                refused += not _insert(db, table, row, done)
        if refused:
            done.losses.append(f"{refused} rows in {table.name}")
    free = pages.free()
    strays = [table for table in tables if table.name in STRAYS]
    for number in range(2, pages.count + 1):
        if number not in seen and number not in free and _is_leaf(pages, number):
            for row in read_rows(pages, iter((number,))):
                fitting = next((table for table in strays if table.values(row) is not None), None)
                if fitting is not None:
                    _insert(db, fitting, row, done)


def _is_leaf(pages: Pages, number: int) -> bool:
    try:
        return pages.kind(number) == LEAF_TABLE
    except Damaged:
        return False


def _insert(db: apsw.Connection, table: _Table, row: Row, done: RecoveredTables) -> bool:
    values = table.values(row)
    if values is None:
        return False
    columns, marks = ", ".join(table.columns[: len(values)]), ", ".join("?" * len(values))
    try:
        db.execute(f"INSERT OR IGNORE INTO {table.name} ({columns}) VALUES ({marks})", values)  # noqa: S608 - of our schema
    except (apsw.ConstraintError, apsw.MismatchError):
        return False
    done.rows += db.changes()
    return True


def _settle_queue(db: apsw.Connection, done: RecoveredTables) -> None:
    """Make rows, contents and chunks consistent, and delete messages that lack octets."""
    db.execute(LOST_CONTENT)
    for content, size in Reader(db).rows(CONTENTS):
        if _is_whole(db, content, size):
            continue
        for number, recipient in db.execute(OF_CONTENT, (content,)).fetchall():
            done.losses.append(f"message {number} to {recipient}")
        db.execute(DROP_OF_CONTENT, (content,))
    for sql in SETTLE:
        db.execute(sql)


def _is_whole(db: apsw.Connection, content: int, size: int) -> bool:
    octets = 0
    try:
        for enc, check, data in db.execute(CHUNKS, (content << CHUNK_BITS, (content + 1) << CHUNK_BITS)):
            octets += len(decode_chunk(enc, check, data, min(CHUNK_SIZE, size - octets)))
    except (ChunkDamaged, ValueError):
        return False
    return octets == size
