"""Opening, reading and tending a database (STORE-2, 3, 10, 10a, 161)."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
import trio
import trio.testing

from moxlite.heap import Trimmer
from moxlite.net.exposition import REGISTRY
from moxlite.store.errors import Closed, ReadInterrupted, StorageBroken, StoreError, WrongFile
from moxlite.store.file import database as database_module, health, migrations, readers, threads as store_threads
from moxlite.store.file.database import Database
from moxlite.store.file.health import Health
from moxlite.store.file.migrations import Kind, open_file
from moxlite.store.file.threads import Precomputation
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.options import Options
from tests.faultvfs import FaultVFS
from tests.logs import kv
from tests.store_fixtures import Schema, schema, soon
from tests.tools import eventually

__all__ = ["schema"]

FOREVER = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c"


@pytest.fixture
async def db(tmp_path: Path, schema: Schema) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "queue.db", Kind.QUEUE, options=schema.options, create=True)
    yield database
    await database.aclose()


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch) -> None:
    """To open a file reads from the disk."""
    blocks = itertools.count()
    monkeypatch.setattr(database_module, "used", lambda: (next(blocks), 0.0))


def thread(_: Reader) -> int:
    return threading.get_ident()


# Opening


def test_each_kind_has_an_application_id_of_its_own() -> None:
    """STORE-2."""
    ids = [kind.application_id for kind in Kind]
    assert len(set(ids)) == len(ids)
    assert all(0 < number < 1 << 31 for number in ids)


async def test_a_new_database_has_all_its_pragmas(db: Database) -> None:
    """STORE-2, STORE-10b: of whatever kind."""

    def pragmas(tx: Tx) -> dict[str, object]:
        wanted = (
            "journal_mode synchronous foreign_keys page_size auto_vacuum trusted_schema cell_size_check application_id "
            "user_version cache_size mmap_size wal_autocheckpoint secure_delete"
        )
        return {name: tx.db.pragma(name) for name in wanted.split()}

    assert await db.write(pragmas) == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "page_size": 4096,
        "auto_vacuum": 2,
        "trusted_schema": 0,
        "cell_size_check": 1,
        "application_id": Kind.QUEUE.application_id,
        "user_version": 1,
        "cache_size": -512,
        "mmap_size": 0,
        "wal_autocheckpoint": 0,
        "secure_delete": 1,
    }
    assert await db.read(lambda r: r.db.pragma("cache_size"), op="test") == -4096  # STORE-10: readers of the queue


async def test_plans_do_not_depend_on_bound_values(db: Database) -> None:
    """STORE-2: no query is prepared again for each of its values, by the writer or by readers."""

    def stable(r: Reader) -> int:
        return r.db.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, -1)

    assert await db.write(stable) == 1
    assert await db.read(stable, op="test") == 1
    assert await db.scan(stable, op="test") == 1


async def test_the_file_is_readable_by_owner_and_group_only(db: Database) -> None:
    """STORE-1, ADMIN-37: the log too."""
    await db.write(lambda tx: tx.execute("INSERT INTO item DEFAULT VALUES"))
    for name in ("queue.db", "queue.db-wal", "queue.db-shm"):
        assert (db.path.parent / name).stat().st_mode & 0o777 == 0o640


def test_all_tables_of_all_kinds_are_strict(tmp_path: Path) -> None:
    """STORE-2."""
    for kind in Kind:
        if not (Path(migrations.__file__).parent.parent / "schema" / kind.value).is_dir():
            continue
        db = open_file(tmp_path / f"{kind.value}.db", kind, Options(), create=True)
        loose = db.execute(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict"
        ).fetchall()
        assert [name for (name,) in loose if not str(name).startswith("sqlite_")] == []
        db.close()


@pytest.mark.parametrize("version", ["3.44.2", "3.51.2"])
def test_an_old_sqlite_is_refused(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """STORE-2: of the library that runs, also one whose reset of the log may damage a file."""
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: version)
    with pytest.raises(StoreError, match="or later is required"):
        migrations.check_library()


async def test_a_file_of_another_kind_is_refused(tmp_path: Path, schema: Schema) -> None:
    """STORE-2."""
    open_file(tmp_path / "auth.db", Kind.AUTH, Options(), create=True).close()
    with pytest.raises(WrongFile):
        await Database.open(tmp_path / "auth.db", Kind.QUEUE, options=schema.options, create=True)


@pytest.mark.parametrize(
    "content", [b"no database at all, but some text\n" * 100, b"SQLite format 3\0" + b"\xff" * 5000]
)
async def test_a_file_that_is_no_database_is_refused_untouched(tmp_path: Path, schema: Schema, content: bytes) -> None:
    """STORE-2, STORE-158."""
    path = tmp_path / "queue.db"
    path.write_bytes(content)
    with pytest.raises((WrongFile, StorageBroken)):
        await Database.open(path, Kind.QUEUE, options=schema.options, create=True)
    assert path.read_bytes() == content


async def test_a_foreign_sqlite_file_is_refused(tmp_path: Path, schema: Schema) -> None:
    """STORE-2."""
    path = tmp_path / "queue.db"
    foreign = apsw.Connection(str(path))
    foreign.execute("CREATE TABLE t (x)")
    foreign.close()
    with pytest.raises(WrongFile):
        await Database.open(path, Kind.QUEUE, options=schema.options, create=True)


async def test_a_folder_that_cannot_be_written_is_storage_broken(tmp_path: Path, schema: Schema) -> None:
    """STORE-158."""
    with pytest.raises((StorageBroken, OSError)):
        await Database.open(tmp_path / "missing" / "queue.db", Kind.QUEUE, options=schema.options, create=True)


# Reading


@pytest.mark.parametrize("threads", [0, 1])
async def test_what_is_computed_ahead_is_there_or_is_computed_when_it_is_asked_for(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-3: a thread is at it, if there is one; an error is told to who asks."""
    workers = store_threads.Workers(threads)
    monkeypatch.setattr(store_threads, "_workers", workers)
    here, began, go = threading.get_ident(), threading.Event(), threading.Event()

    def compute() -> int:
        began.set()
        assert go.wait(30)
        return threading.get_ident()

    async def let_go() -> None:
        await trio.sleep(0.01)  # longer than the loop itself waits
        go.set()

    first, second, third = Precomputation(compute), Precomputation(threading.get_ident), Precomputation(lambda: 1 // 0)
    for one in (first, second):
        one.begin()
        one.begin()
    if threads:
        await trio.to_thread.run_sync(began.wait)
        assert await second.result() == here, "the thread is at the first one"
        async with trio.open_nursery() as nursery:
            nursery.start_soon(let_go)
            assert await first.result() != here
    else:
        go.set()
        assert await first.result() == await second.result() == here
    third.begin()
    with pytest.raises(ZeroDivisionError):
        await third.result()
    await eventually(lambda: not workers.busy)


async def test_without_threads_of_the_system_nothing_waits_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-3: what was to be computed ahead is computed when it's asked for, and nothing is kept for a thread."""

    def none(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    workers = store_threads.Workers(1)
    monkeypatch.setattr(store_threads, "_workers", workers)
    monkeypatch.setattr(trio.lowlevel, "start_thread_soon", none)
    for number in range(3):
        one = Precomputation(lambda: threading.get_ident())
        one.begin()
        assert not workers.busy
        assert await one.result() == threading.get_ident(), number
    monkeypatch.undo()
    began = threading.Event()
    workers.put(began.set)
    assert await trio.to_thread.run_sync(began.wait, 30)
    await eventually(lambda: not workers.busy)


@pytest.mark.usefixtures("cold")
async def test_the_first_read_of_a_cold_file_is_in_a_thread_and_the_next_ones_on_the_loop(db: Database) -> None:
    """STORE-3."""
    here = threading.get_ident()
    assert await db.read(thread, op="test") != here
    assert await db.read(thread, op="test") == here
    assert await db.scan(thread, op="test") != here


async def test_all_reads_of_a_file_that_was_in_memory_are_on_the_loop(db: Database) -> None:
    """STORE-3: opening it read nothing from the disk; the read that makes a connection is in a thread all the same."""
    here = threading.get_ident()
    for _ in range(2):
        assert await db.read(thread, op="test") == here
    await db.write(lambda tx: tx.execute("INSERT INTO item DEFAULT VALUES"))
    assert await db.read(thread, op="test") != here
    assert await db.read(thread, op="test") == here


@pytest.mark.parametrize("place", ["read", "scan"])
async def test_a_read_that_fails_between_two_rows_ends_its_snapshot(db: Database, place: str) -> None:
    """STORE-3: also while its error is kept, with a row that is being read. The next read sees what came meanwhile."""
    run = getattr(db, place)

    def add(tx: Tx) -> None:
        tx.executemany("INSERT INTO item (data) VALUES (x'00')", [()] * 3)

    def count(r: Reader) -> int:
        return int(r.value("SELECT count(*) FROM item"))

    def fail(r: Reader) -> None:
        rows = r.iterate("SELECT id FROM item")
        raise LookupError(next(rows))

    await db.write(add)
    assert await run(count, op="test") == 3
    with pytest.raises(LookupError) as kept:
        await run(fail, op="test")
    await db.write(add)
    assert await run(count, op="test") == 6
    assert kept.value.args == ((1,),)


async def test_a_slow_slice_sends_reads_to_a_thread_for_ten_seconds(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-3: if it was the disk that took the time."""
    here = threading.get_ident()
    await db.read(thread, op="test")
    await db.read(lambda r: time.sleep(0.006), op="test")
    assert await db.read(thread, op="test") == here
    reads = itertools.count()
    monkeypatch.setattr(readers, "used", lambda: (next(reads), 0.0))
    await db.read(lambda r: time.sleep(0.006), op="test")
    assert await db.read(thread, op="test") != here
    monkeypatch.setattr(db._readers, "_cold_until", time.monotonic() - 0.001)
    assert await db.read(thread, op="test") == here


@pytest.mark.usefixtures("cold")
async def test_who_has_just_had_its_turn_reads_without_giving_one_to_others(db: Database) -> None:
    """STORE-3: as long as the read is on the loop."""
    with trio.testing.assert_checkpoints():
        await db.read(thread, op="test", turn=False)
    with trio.testing.assert_no_checkpoints():
        assert await db.read(thread, op="test", turn=False) == threading.get_ident()
    with trio.testing.assert_checkpoints():
        await db.read(thread, op="test")


async def test_a_slice_that_computes_for_long_keeps_reads_on_the_loop(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-3: though it has read a block or two besides."""
    await db.read(thread, op="test")
    reads = itertools.count()
    monkeypatch.setattr(readers, "used", lambda: (next(reads), time.perf_counter()))
    await db.read(lambda r: time.sleep(0.006), op="test")
    assert await db.read(thread, op="test") == threading.get_ident()


async def test_a_slow_disk_moves_reads_off_the_loop(
    tmp_path: Path, schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-3: each read of a page takes 1 ms."""
    vfs = FaultVFS()
    monkeypatch.setattr(readers, "used", lambda: (vfs.reads, 0.0))
    database = await Database.open(
        tmp_path / "slow.db", Kind.QUEUE, options=msgspec.structs.replace(schema.options, vfs=vfs.name), create=True
    )
    await database.write(lambda tx: tx.executemany("INSERT INTO item (data) VALUES (randomblob(3000))", [()] * 300))
    await database.read(thread, op="test")
    await database.trim()
    vfs.read_delay = 0.001
    await database.read(lambda r: r.rows("SELECT sum(length(data)) FROM item"), op="test")
    assert await database.read(thread, op="test") != threading.get_ident()
    vfs.read_delay = 0.0
    await database.aclose()


async def test_a_read_is_one_snapshot(db: Database) -> None:
    """STORE-3: units between two of its statements are not seen."""
    await db.read(thread, op="test")
    entered, opened = threading.Event(), threading.Event()

    def twice(r: Reader) -> tuple[int, int]:
        first = r.value("SELECT count(*) FROM item")
        entered.set()
        assert opened.wait(60)
        return first, r.value("SELECT count(*) FROM item")

    counts: list[tuple[int, int]] = []

    async def scan() -> None:
        counts.append(await db.scan(twice, op="test"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(scan)
        await trio.to_thread.run_sync(entered.wait)
        await db.write(lambda tx: tx.execute("INSERT INTO item DEFAULT VALUES"))
        opened.set()
    assert counts == [(0, 0)]


async def test_a_cancelled_scan_is_interrupted(db: Database) -> None:
    """STORE-3: in a long statement; the connection is good for the next one."""
    entered = threading.Event()

    def forever(r: Reader) -> None:
        entered.set()
        r.value(FOREVER)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: db.scan(forever, op="test"))
        await trio.to_thread.run_sync(entered.wait)
        nursery.cancel_scope.cancel()
    assert await db.scan(lambda r: r.value("SELECT 1"), op="test") == 1


async def test_a_cancelled_scan_ends_between_two_statements_too(db: Database) -> None:
    """STORE-3: SQLite's interrupt only reaches a statement that runs."""
    entered = threading.Event()

    def many(r: Reader) -> None:
        while True:
            r.value("SELECT 1")
            entered.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: db.scan(many, op="test"))
        await trio.to_thread.run_sync(entered.wait)
        nursery.cancel_scope.cancel()


async def test_a_cancelled_scan_ends_in_the_statement_that_was_about_to_begin(db: Database) -> None:
    """STORE-3: which is behind the look between statements, and not yet within reach of SQLite's interrupt."""
    entered = threading.Event()

    def late(r: Reader) -> None:
        entered.set()
        while not r.interrupted:
            time.sleep(0.001)
        time.sleep(0.05)  # the interrupt itself comes just behind
        r.db.execute(FOREVER).fetchone()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: db.scan(late, op="test"))
        await trio.to_thread.run_sync(entered.wait)
        nursery.cancel_scope.cancel()
    assert await db.scan(lambda r: r.value("SELECT 1"), op="test") == 1


async def test_at_most_four_scans_run_at_once(db: Database) -> None:
    """STORE-3."""
    running, peak = 0, 0
    lock, opened = threading.Lock(), threading.Event()

    def wait(_: Reader) -> None:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        assert opened.wait(60)
        with lock:
            running -= 1

    async with trio.open_nursery() as nursery:
        for _ in range(7):
            nursery.start_soon(lambda: db.scan(wait, op="test"))

        async def four() -> bool:
            return peak == 4

        await soon(four)
        await trio.testing.wait_all_tasks_blocked()
        opened.set()
    assert peak == 4


async def test_a_borrowed_snapshot_stays_the_same_over_slices(db: Database) -> None:
    """STORE-3: on the loop and in threads."""
    await db.read(thread, op="test")
    count = "SELECT count(*) FROM item"
    async with db.snapshot(op="test") as snapshot:
        assert await snapshot.read(lambda r: r.value(count)) == 0
        await db.write(lambda tx: tx.execute("INSERT INTO item DEFAULT VALUES"))
        assert await snapshot.read(lambda r: r.value(count)) == 0
        assert await snapshot.scan(lambda r: r.value(count)) == 0
        assert await db.read(lambda r: r.value(count), op="test") == 1
    async with db.snapshot(op="test") as snapshot:
        assert await snapshot.read(lambda r: r.value(count)) == 1


async def test_a_reader_cannot_write(db: Database) -> None:
    """STORE-3."""
    for _ in range(2):
        with pytest.raises(StorageBroken):
            await db.read(lambda r: r.rows("DELETE FROM item RETURNING id"), op="test")


@pytest.mark.usefixtures("cold")
async def test_a_unit_waits_for_a_read_that_has_the_writers_connection(db: Database) -> None:
    """STORE-3: the first reads make no connection of their own; those after the first unit do."""
    reading, go_on = threading.Event(), threading.Event()
    order: list[str] = []

    def slow(r: Reader) -> int:
        reading.set()
        assert go_on.wait(30)
        order.append("read")
        return int(r.value("SELECT count(*) FROM item"))

    def unit(tx: Tx) -> None:
        order.append("unit")
        tx.execute("INSERT INTO item DEFAULT VALUES")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(db.read, slow, op="test"))
        await trio.to_thread.run_sync(reading.wait)
        assert db._readers._reader is None
        nursery.start_soon(db.write, unit)
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert order == []
        go_on.set()
    assert order == ["read", "unit"]
    assert await db.read(lambda r: r.value("SELECT count(*) FROM item"), op="test") == 1
    assert db._readers._reader is not None


@pytest.mark.usefixtures("cold")
async def test_a_read_that_is_interrupted_at_closing_gives_the_connection_back(db: Database) -> None:
    """STORE-3: its end is that of the file."""
    reading = threading.Event()

    def endless(r: Reader) -> int:
        reading.set()
        return int(r.value(FOREVER))

    async def read() -> None:
        with pytest.raises(ReadInterrupted):
            await db.read(endless, op="test")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await trio.to_thread.run_sync(reading.wait)
        with trio.fail_after(30):
            await db.aclose()


async def test_what_a_read_raises_reaches_its_caller_and_ends_the_snapshot(db: Database) -> None:
    """STORE-3."""
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await db.read(lambda r: (r.value("SELECT 1"), 1 // 0), op="test")
    await db.write(lambda tx: tx.execute("INSERT INTO item DEFAULT VALUES"))
    assert await db.read(lambda r: r.value("SELECT count(*) FROM item"), op="test") == 1


async def test_a_long_read_is_logged_once_by_name(
    db: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-3."""
    monkeypatch.setattr(readers, "LONG", 0.0)
    with caplog.at_level(logging.WARNING, "moxlite.store.readers"):
        async with db.snapshot(op="export"):
            await db.upkeep()
            await db.upkeep()
    entries = [kv(record) for record in caplog.records if record.message == "read transaction running too long"]
    assert [entry["op"] for entry in entries] == ["export"]


@pytest.mark.parametrize("patient", [False, True])
async def test_a_long_read_is_ended_when_the_log_grows_too_long(
    db: Database, monkeypatch: pytest.MonkeyPatch, patient: bool
) -> None:
    """STORE-161: but a backup bears more."""
    monkeypatch.setattr(readers, "LONG", 0.0)
    monkeypatch.setattr(db._checkpoints, "pages", (300 << 20) // 4096)
    async with db.snapshot(op="backup", patient=patient) as snapshot:
        await snapshot.read(thread)
        await db.upkeep()
        if patient:
            await snapshot.read(thread)
        else:
            with pytest.raises(ReadInterrupted):
                await snapshot.read(thread)


async def test_a_read_error_degrades_this_database_only_and_reads_are_tried(tmp_path: Path, schema: Schema) -> None:
    """STORE-10, STORE-158: a page that is damaged on the disk."""
    path = tmp_path / "queue.db"
    db = open_file(path, Kind.QUEUE, schema.options, create=True)
    db.executemany("INSERT INTO item (data) VALUES (randomblob(3000))", [()] * 50)
    db.close()
    content = bytearray(path.read_bytes())
    for page in range(4, len(content) // 4096 - 1):
        content[page * 4096 : page * 4096 + 200] = b"\xa5" * 200
    path.write_bytes(content)
    database = await Database.open(path, Kind.QUEUE, options=schema.options, create=True)
    for _ in range(2):
        with pytest.raises(StorageBroken):
            await database.read(lambda r: r.rows("SELECT data FROM item"), op="test")
    with pytest.raises(StorageBroken):
        await database.write(lambda tx: tx.execute("DELETE FROM item"))
    assert await database.read(lambda r: r.value("SELECT 1"), op="test") == 1
    await database.aclose()


async def test_a_table_whose_text_is_damaged_degrades_the_database(tmp_path: Path, schema: Schema) -> None:
    """STORE-158: one octet of the name of a column, so that SQLite still reads the schema."""
    path = tmp_path / "queue.db"
    open_file(path, Kind.QUEUE, schema.options, create=True).close()
    content = path.read_bytes()
    assert content.count(b"data BLOB") == 1
    path.write_bytes(content.replace(b"data BLOB", b"dzta BLOB"))
    database = await Database.open(path, Kind.QUEUE, options=schema.options, create=True)
    with pytest.raises(StorageBroken, match="no such column: data"):
        await database.read(lambda r: r.rows("SELECT data FROM item"), op="test")
    with pytest.raises(StorageBroken, match="degraded"):
        await database.write(lambda tx: tx.execute("DELETE FROM item"))
    with pytest.raises(StorageBroken, match="no such column: data"):
        await database.scan(lambda r: r.rows("SELECT data FROM item"), op="test")
    await database.aclose()


@pytest.mark.parametrize("call", ["read", "scan", "write"])
async def test_a_value_that_cannot_be_decoded_is_told_as_damage(db: Database, call: str) -> None:
    """STORE-158, STORE-159: it costs what asks for it; all else goes on."""
    await db.write(lambda tx: tx.execute("INSERT INTO item (data) VALUES (x'c1')"))

    def decode(r: Reader) -> object:
        return msgspec.msgpack.decode(r.value("SELECT data FROM item"))

    def text(r: Reader) -> object:
        return r.value("SELECT CAST(x'ff41' AS TEXT)")

    for fn in (decode, text):
        with pytest.raises(StorageBroken, match="stored data is damaged"):
            await (db.write(fn) if call == "write" else getattr(db, call)(fn, op="test"))
    await db.write(lambda tx: tx.execute("DELETE FROM item"))


async def test_nothing_runs_after_closing(db: Database) -> None:
    """STORE-8."""
    await db.aclose()
    for call in (db.read, db.scan):
        with pytest.raises(Closed):
            await call(thread, op="test")
    with pytest.raises(Closed):
        await db.write(lambda tx: None)
    await db.aclose()


async def test_closing_folds_the_log_and_interrupts_scans(tmp_path: Path, schema: Schema) -> None:
    """STORE-10."""
    database = await Database.open(tmp_path / "queue.db", Kind.QUEUE, options=schema.options, create=True)
    await database.write(lambda tx: tx.execute("INSERT INTO item DEFAULT VALUES"))
    entered = threading.Event()

    def forever(r: Reader) -> None:
        entered.set()
        r.value(FOREVER)

    async def scan() -> None:
        with pytest.raises(ReadInterrupted):
            await database.scan(forever, op="test")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(scan)
        await trio.to_thread.run_sync(entered.wait)
        await database.aclose()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["queue.db"]  # noqa: ASYNC240
    again = await Database.open(tmp_path / "queue.db", Kind.QUEUE, options=schema.options, create=True)
    assert not again.unclean
    await again.aclose()


@pytest.fixture
def opening(db: Database, monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """The first event is set once a scan opens its connection, which lasts until the second one is set."""
    entered, opened = threading.Event(), threading.Event()
    connect = readers.Readers._connect

    def slowly(self: readers.Readers) -> apsw.Connection:
        connection = connect(self)
        entered.set()
        assert opened.wait(60)
        return connection

    monkeypatch.setattr(readers.Readers, "_connect", slowly)
    return entered, opened


async def test_closing_while_a_scan_opens_its_connection_ends_the_scan(
    db: Database, opening: tuple[threading.Event, threading.Event]
) -> None:
    """STORE-10: before it has read anything, for nobody could interrupt it."""
    entered, opened = opening

    async def scan() -> None:
        with pytest.raises(ReadInterrupted):
            await db.scan(lambda r: r.value(FOREVER), op="test")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(scan)
        await trio.to_thread.run_sync(entered.wait)
        nursery.start_soon(db.aclose)
        await trio.testing.wait_all_tasks_blocked()
        opened.set()
    assert not db.path.with_name("queue.db-wal").exists()


async def test_a_scan_cancelled_as_it_opens_its_connection_leaves_it_to_the_next(
    db: Database, opening: tuple[threading.Event, threading.Event]
) -> None:
    """STORE-10: one that is lost would keep the file open, and its log from being folded in."""
    entered, opened = opening
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: db.scan(lambda r: None, op="test"))
        await trio.to_thread.run_sync(entered.wait)
        nursery.cancel_scope.cancel()
        opened.set()
    assert len(db._readers._idle) == 1


# Upkeep


async def test_trimming_empties_the_log_and_the_caches(db: Database) -> None:
    """STORE-10."""
    await db.write(lambda tx: tx.executemany("INSERT INTO item (data) VALUES (randomblob(3000))", [()] * 200))
    assert db.wal_bytes > 600_000
    await db.trim()
    await db.write(lambda tx: None)  # behind the chore
    assert db.path.with_name("queue.db-wal").stat().st_size == 0
    assert db.wal_bytes == 0


async def test_a_file_that_nobody_uses_wakes_nobody(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-10: its upkeep sleeps until the next use."""
    # one of its own: another test's clock, far ahead, may have been the last that the shared one saw
    monkeypatch.setattr("moxlite.store.file.database.give_memory_back", Trimmer())
    for name in (
        "moxlite.store.file.database.UPKEEP",
        "moxlite.store.file.database.IDLE",
        "moxlite.heap.TRIM_INTERVAL",
    ):
        monkeypatch.setattr(name, 0.01)

    async def still() -> bool:
        return db.resting and not db._upkeep._wakeup.is_set and db._upkeep._wakeup._lot.statistics().tasks_waiting == 1

    used: list[bool] = []
    wake = db._upkeep.on_use

    def on_use() -> None:
        used.append(True)
        wake()

    db.call_on_use(on_use)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(db.serve)
        await soon(still)
        used.clear()
        await db.read(lambda r: r.value("SELECT 1"), op="test")
        assert used
        await soon(still)
        nursery.cancel_scope.cancel()


async def test_free_pages_go_back_to_the_file_system_while_idle(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-37."""
    await db.write(lambda tx: tx.executemany("INSERT INTO item (data) VALUES (randomblob(3000))", [()] * 3000))
    await db.write(lambda tx: tx.execute("DELETE FROM item WHERE id > 10"))
    monkeypatch.setattr("moxlite.store.file.database.UPKEEP", 0.0)
    await db.upkeep()

    def pages(r: Reader) -> tuple[int, int]:
        return r.value("PRAGMA page_count"), r.value("PRAGMA freelist_count")

    async def small() -> bool:
        count, free = await db.read(pages, op="test")
        return free * 10 <= count < 100

    await soon(small)


async def test_the_log_does_not_grow_by_pages_that_are_moved_while_idle(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-37: no batch follows, at whose end a checkpoint would begin."""
    await db.write(lambda tx: tx.executemany("INSERT INTO item (data) VALUES (randomblob(3000))", [()] * 3000))
    await db.write(lambda tx: tx.execute("DELETE FROM item WHERE id <= 1500"))
    await db.trim()
    monkeypatch.setattr("moxlite.store.file.database.UPKEEP", 0.0)
    await db._checkpoints.wait()  # a fold gives up while the helper copies
    await db.upkeep()

    async def folded() -> bool:
        return db.path.stat().st_size < 1800 * 4096 and db.wal_bytes == 0

    await soon(folded, seconds=20)


async def test_the_helper_copies_the_log_as_it_grows(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-10a."""
    monkeypatch.setattr(health, "GROWTH", 10)
    for _ in range(20):
        await db.write(lambda tx: tx.executemany("INSERT INTO item (data) VALUES (randomblob(3000))", [()] * 20))
        await db._checkpoints.wait()
    assert db.wal_bytes < 100 * 4096
    assert db.path.stat().st_size > 300 * 4096


def test_the_helper_copies_what_came_while_it_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-10a: so that the file is synced by it, and not by the writer."""
    path = tmp_path / "x.db"
    writer = apsw.Connection(str(path))
    writer.execute("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE item (data)").fetchall()
    log = health.Checkpoints(path, Health("x", path, 0), Kind.QUEUE)
    log.attach(writer)
    copied: list[tuple[int, int]] = []

    class Helper(apsw.Connection):
        def wal_checkpoint(self, *args: Any, **kwargs: Any) -> tuple[int, int]:
            copied.append(result := super().wal_checkpoint(*args, **kwargs))
            if len(copied) == 1:
                writer.execute("INSERT INTO item VALUES (randomblob(9000))")
                reader.execute("ROLLBACK")
            return result

    writer.execute("INSERT INTO item VALUES (randomblob(9000))")
    reader = apsw.Connection(str(path))
    reader.execute("BEGIN; SELECT * FROM item").fetchall()  # else the log would begin anew
    monkeypatch.setattr(apsw, "Connection", Helper)
    log.passive()
    assert len(copied) == 2
    assert copied[0] < copied[1] == (log.pages, log.pages)
    log.close()
    reader.close()
    writer.close()


async def test_the_log_of_a_replicated_file_is_left_to_the_other_program(
    tmp_path: Path, schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-10a: not copied, begun anew or shrunk here, but truncated above the bound: that program does not run."""
    monkeypatch.setattr(health, "GROWTH", 10)
    options = msgspec.structs.replace(schema.options, replicated=lambda path: path.name == "queue.db")
    db = await Database.open(tmp_path / "queue.db", Kind.QUEUE, options=options, create=True)

    async def fill() -> None:
        await db.write(lambda tx: tx.executemany("INSERT INTO item (data) VALUES (randomblob(3000))", [()] * 100))
        await db._checkpoints.wait()

    for _ in range(3):
        await fill()
    await db.trim()
    assert db.wal_bytes > 300 * 4096
    monkeypatch.setattr(health, "SAFETY", 50)
    await fill()
    await db.write(lambda tx: None)
    assert db.path.with_name("queue.db-wal").stat().st_size == 0
    await db.aclose()


async def test_above_the_safety_bound_the_writer_truncates_the_log(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-10a: and gives up at once where a reader is in the way."""
    monkeypatch.setattr(db._checkpoints, "begin", lambda **_: False)
    monkeypatch.setattr(health, "SAFETY", 50)
    monkeypatch.setattr(health, "GROWTH", 1)

    async def fill() -> None:
        await db.write(lambda tx: tx.executemany("INSERT INTO item (data) VALUES (randomblob(3000))", [()] * 100))

    async with db.snapshot(op="test"):
        await fill()
        assert db.wal_bytes > 50 * 4096
    await fill()
    await db.write(lambda tx: None)
    assert db.path.with_name("queue.db-wal").stat().st_size == 0


async def test_closing_does_not_wait_for_ever_for_a_borrowed_snapshot(
    tmp_path: Path, schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-8: its connection is closed when it comes back."""
    monkeypatch.setattr(readers, "CLOSE_WAIT", 0.01)
    database = await Database.open(tmp_path / "queue.db", Kind.QUEUE, options=schema.options, create=True)
    async with database.snapshot(op="export") as snapshot:
        await database.aclose()
        with pytest.raises(ReadInterrupted):
            await snapshot.scan(thread)
    assert not database._readers._idle


@pytest.mark.usefixtures("cold")
async def test_work_is_seen_in_the_metrics(db: Database) -> None:
    """STORE-170: reads by operation and place, commits and their units, the log."""

    def sample(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(f"moxlite_store_{name}", labels) or 0.0

    reads = sample("read_seconds_count", op="metric", place="loop")
    units = sample("units_per_commit_sum", database="queue")
    commits = sample("commit_seconds_count", database="queue")
    await db.read(thread, op="metric")
    await db.read(thread, op="metric")
    await db.write(lambda tx: tx.execute("INSERT INTO item DEFAULT VALUES"))

    async def commit_counted() -> bool:
        counted = sample("units_per_commit_sum", database="queue"), sample("commit_seconds_count", database="queue")
        return counted == (units + 1, commits + 1)

    await soon(commit_counted)  # the writer tells its caller first
    assert sample("read_seconds_count", op="metric", place="loop") == reads + 1
    assert sample("wal_bytes", database="queue") > 0
    assert sample("writer_queue", database="queue") == 0
