"""Migrations of a database file (STORE-148, 149)."""

import hashlib
import logging
import os
import time
from pathlib import Path

import apsw
import pytest

from moxlite.store.errors import MigrationNeedsSpace, SchemaTooNew, StoreError, WrongFile
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind, Migration, drop_old_copies, migrations_of, open_file
from moxlite.store.options import Options
from tests.store_fixtures import Schema, schema

__all__ = ["schema"]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_migrations_run_once_in_order_and_survive(tmp_path: Path, schema: Schema) -> None:
    """STORE-148."""
    first = await Database.open(tmp_path / "queue.db", Kind.QUEUE, options=schema.options, create=True)
    await first.write(lambda tx: tx.execute("INSERT INTO item (data) VALUES (x'01')"))
    await first.aclose()
    schema.add(2, "ALTER TABLE item ADD COLUMN name TEXT; UPDATE item SET name = 'old';")
    schema.add(3, "UPDATE item SET name = name || 'er';")
    for _ in range(2):
        again = await Database.open(tmp_path / "queue.db", Kind.QUEUE, options=schema.options, create=True)
        assert await again.read(lambda r: r.rows("SELECT name FROM item"), op="test") == [("older",)]
        await again.aclose()


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path, schema: Schema) -> None:
    """STORE-148: the version too, so the next open tries again."""
    open_file(tmp_path / "queue.db", Kind.QUEUE, schema.options, create=True).close()
    before = digest(tmp_path / "queue.db")
    schema.add(2, "CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT; INSERT INTO nowhere VALUES (1);")
    with pytest.raises(apsw.SQLError):
        open_file(tmp_path / "queue.db", Kind.QUEUE, schema.options, create=True)
    assert digest(tmp_path / "queue.db") == before
    schema.add(2, "CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT;")
    db = open_file(tmp_path / "queue.db", Kind.QUEUE, schema.options, create=True)
    assert db.pragma("user_version") == 2
    db.close()


def test_a_migration_cannot_leave_a_row_without_its_parent(tmp_path: Path, schema: Schema) -> None:
    """STORE-148."""
    open_file(tmp_path / "queue.db", Kind.QUEUE, schema.options, create=True).close()
    schema.add(2, "CREATE TABLE child (item_id INTEGER REFERENCES item (id)) STRICT; INSERT INTO child VALUES (7);")
    with pytest.raises(WrongFile, match="child"):
        open_file(tmp_path / "queue.db", Kind.QUEUE, schema.options, create=True)


@pytest.mark.parametrize("log", ["folded", "unfolded"])
async def test_a_newer_file_is_refused_untouched(tmp_path: Path, schema: Schema, log: str) -> None:
    """STORE-148: naming both versions, even when the newer version is in the log only."""
    path = tmp_path / "queue.db"
    open_file(path, Kind.QUEUE, schema.options, create=True).close()
    newer = apsw.Connection(str(path))
    newer.execute("PRAGMA user_version=9")
    if log == "folded":
        newer.close()
    else:
        # A copy of a file in use is what a kill leaves.
        for suffix in ("", "-wal"):
            (tmp_path / f"copy.db{suffix}").write_bytes((tmp_path / f"queue.db{suffix}").read_bytes())
        newer.close()
        path = tmp_path / "copy.db"
    files = {suffix: digest(Path(f"{path}{suffix}")) for suffix in ("", "-wal") if Path(f"{path}{suffix}").exists()}  # noqa: ASYNC240
    with pytest.raises(SchemaTooNew) as caught:
        await Database.open(path, Kind.QUEUE, options=schema.options, create=True)
    assert (caught.value.found, caught.value.known) == (9, 1)
    assert {suffix: digest(Path(f"{path}{suffix}")) for suffix in files} == files


def test_migrations_are_numbered_without_a_gap(schema: Schema) -> None:
    """STORE-148."""
    schema.add(3, "SELECT 1")
    with pytest.raises(StoreError, match="gap"):
        migrations_of(Kind.QUEUE, schema.folder)


def test_the_file_is_copied_before_tables_are_rewritten(tmp_path: Path, schema: Schema) -> None:
    """STORE-149: and the copy goes after 14 days."""
    db = open_file(tmp_path / "queue.db", Kind.QUEUE, schema.options, create=True)
    db.execute("INSERT INTO item (data) VALUES (x'07')")
    db.close()
    schema.add(2, "-- rewrites tables\nDROP TABLE item; CREATE TABLE item (id INTEGER PRIMARY KEY) STRICT;")
    open_file(tmp_path / "queue.db", Kind.QUEUE, schema.options, create=True).close()
    copy = tmp_path / "queue.db.before-0002"
    old = apsw.Connection(str(copy))
    assert old.execute("SELECT data FROM item").fetchall() == [(b"\x07",)]
    old.close()
    assert drop_old_copies(tmp_path) == []
    os.utime(copy, (time.time() - 15 * 86_400,) * 2)
    assert drop_old_copies(tmp_path) == [copy]
    assert not copy.exists()


def test_without_room_for_the_copy_the_rewrite_needs_a_setting(tmp_path: Path, schema: Schema) -> None:
    """STORE-149."""
    open_file(tmp_path / "queue.db", Kind.QUEUE, schema.options, create=True).close()
    schema.add(2, "-- rewrites tables\nDROP TABLE item; CREATE TABLE item (id INTEGER PRIMARY KEY) STRICT;")
    tight = Options(schema=schema.folder, min_free_space=1 << 60)
    with pytest.raises(MigrationNeedsSpace):
        open_file(tmp_path / "queue.db", Kind.QUEUE, tight, create=True)
    bold = Options(schema=schema.folder, min_free_space=1 << 60, migrate_without_copy=True)
    open_file(tmp_path / "queue.db", Kind.QUEUE, bold, create=True).close()
    assert not (tmp_path / "queue.db.before-0002").exists()


def test_a_new_file_needs_no_copy(tmp_path: Path, schema: Schema, caplog: pytest.LogCaptureFixture) -> None:
    """STORE-149: and nothing was migrated, so the log does not say so."""
    schema.add(2, "-- rewrites tables\nDROP TABLE item; CREATE TABLE item (id INTEGER PRIMARY KEY) STRICT;")
    with caplog.at_level(logging.INFO):
        open_file(tmp_path / "queue.db", Kind.QUEUE, schema.options, create=True).close()
    assert [path.name for path in tmp_path.glob("queue.db*")] == ["queue.db"]
    assert not caplog.records


def test_a_rewrite_is_known_by_its_first_line() -> None:
    """STORE-149."""
    assert Migration(2, "x", "-- rewrites tables\nSELECT 1").rewrites
    assert not Migration(2, "x", "SELECT 1 -- rewrites tables").rewrites
