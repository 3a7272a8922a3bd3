"""The writer: group commit, undone batches, cancellation, the order of publishing (STORE-4..6, STORE-157,
STORE-158).
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path

import apsw
import msgspec
import pytest
import trio
import trio.testing

from moxlite.store.errors import Closed, StorageBroken, StorageBusy, StorageFull
from moxlite.store.file import health as health_module, jobs as series_module, writer as writer_module
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.options import Options
from tests.faultvfs import FaultFile, FaultVFS
from tests.tools import eventually

SCHEMA = "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, data BLOB) STRICT;"


@pytest.fixture
def options(tmp_path: Path) -> Options:
    (tmp_path / "schema" / "queue").mkdir(parents=True)
    (tmp_path / "schema" / "queue" / "0001-initial.sql").write_text(SCHEMA)
    return Options(schema=tmp_path / "schema", min_free_space=0)


@pytest.fixture
def vfs() -> FaultVFS:
    return FaultVFS()


@pytest.fixture
async def db(tmp_path: Path, options: Options, vfs: FaultVFS) -> AsyncIterator[Database]:
    database = await Database.open(
        tmp_path / "queue.db", Kind.QUEUE, options=msgspec.structs.replace(options, vfs=vfs.name), create=True
    )
    yield database
    await database.aclose()


def insert(name: str, size: int = 0) -> Callable[[Tx], int]:
    def unit(tx: Tx) -> int:
        return tx.insert("INSERT INTO item (name, data) VALUES (?, zeroblob(?))", name, size)

    return unit


def names(r: Reader) -> list[str]:
    return [row[0] for row in r.rows("SELECT name FROM item ORDER BY id")]


class Gate:
    """A unit that holds the writer until it is opened, so that others gather behind it."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def unit(self, tx: Tx) -> None:
        self.entered.set()
        assert self.opened.wait(60)

    async def hold(self, nursery: trio.Nursery, db: Database) -> None:
        nursery.start_soon(db.write, self.unit)
        await trio.to_thread.run_sync(self.entered.wait)


async def gathered(
    db: Database, units: list[Callable[[Tx], object]], *, then: Callable[[], None] = lambda: None
) -> list[object]:
    """Run all units in one batch, in order; returns the result or the error of each."""
    results: list[object] = [None] * len(units)

    async def run(number: int, unit: Callable[[Tx], object]) -> None:
        try:
            results[number] = await db.write(unit)
        except BaseException as error:
            results[number] = error

    gate = Gate()
    async with trio.open_nursery() as nursery:
        await gate.hold(nursery, db)
        for number, unit in enumerate(units):
            nursery.start_soon(run, number, unit)
            await trio.testing.wait_all_tasks_blocked()  # in order
        then()
        gate.opened.set()
    return results


async def test_a_unit_is_durable_when_write_returns(db: Database, vfs: FaultVFS) -> None:
    """STORE-5: no octet of the log is unsynced then."""
    await db.write(insert("a"))
    assert not vfs.unsynced


@pytest.fixture
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches do not end by the time that they take, which on a busy machine may be any."""
    monkeypatch.setattr(writer_module, "MAX_RUN", math.inf)


async def test_units_that_wait_share_one_commit(db: Database, vfs: FaultVFS, no_hurry: None) -> None:
    """STORE-4."""
    syncs = vfs.syncs
    results = await gathered(db, [insert(f"n{n}") for n in range(20)])
    assert results == list(range(1, 21))
    assert vfs.syncs - syncs <= 2  # the commit, and at the first one of a log its header


async def test_a_batch_has_at_most_64_units(db: Database, vfs: FaultVFS, no_hurry: None) -> None:
    """STORE-4."""
    syncs = vfs.syncs
    await gathered(db, [insert(f"n{n}") for n in range(64)])  # and the gate: 65
    assert 2 <= vfs.syncs - syncs <= 3


async def test_a_batch_has_at_most_32_mib_of_bodies(db: Database, vfs: FaultVFS) -> None:
    """STORE-4: the unit beyond it begins the next batch."""
    gate = Gate()
    syncs = vfs.syncs
    async with trio.open_nursery() as nursery:
        await gate.hold(nursery, db)
        for n in range(3):
            nursery.start_soon(partial(db.write, insert(f"n{n}"), weight=20 << 20))
        await trio.testing.wait_all_tasks_blocked()
        gate.opened.set()
    assert vfs.syncs - syncs >= 3
    assert sorted(await db.read(names, op="test")) == ["n0", "n1", "n2"]


async def test_a_batch_commits_after_50_ms_of_execution(
    db: Database, vfs: FaultVFS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-4: here with no time at all, so each unit commits alone."""
    monkeypatch.setattr(writer_module, "MAX_RUN", -1.0)
    syncs = vfs.syncs
    await gathered(db, [insert(f"n{n}") for n in range(5)])
    assert vfs.syncs - syncs >= 5


async def test_a_failing_unit_rolls_back_alone(db: Database) -> None:
    """STORE-4."""

    def bad(tx: Tx) -> None:
        insert("bad")(tx)
        raise ValueError("no")

    results = await gathered(db, [insert("a"), bad, insert("b")])
    assert isinstance(results[1], ValueError)
    assert await db.read(names, op="test") == ["a", "b"]


async def test_of_a_first_unit_that_fails_nothing_stays_and_those_behind_it_run(db: Database) -> None:
    """STORE-4: it has no savepoint."""
    entered, opened = threading.Event(), threading.Event()
    errors: list[BaseException] = []

    def bad(tx: Tx) -> None:
        insert("bad")(tx)
        entered.set()
        assert opened.wait(60)
        raise ValueError("no")

    async def run() -> None:
        try:
            await db.write(bad)
        except ValueError as error:
            errors.append(error)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await trio.to_thread.run_sync(entered.wait)
        for name in ("a", "b"):
            nursery.start_soon(db.write, insert(name))
            await trio.testing.wait_all_tasks_blocked()
        opened.set()
    assert len(errors) == 1
    assert await db.read(names, op="test") == ["a", "b"]


@pytest.mark.parametrize("error", [SystemExit("x"), KeyboardInterrupt(), GeneratorExit(), BaseException("x")])
async def test_whatever_a_unit_raises_the_writer_lives_on(db: Database, error: BaseException) -> None:
    """STORE-4."""

    def bad(tx: Tx) -> None:
        raise error

    results = await gathered(db, [insert("a"), bad, insert("b")])
    assert results[1] is error
    await db.write(insert("c"))
    assert await db.read(names, op="test") == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("raised", "expected"), [(apsw.FullError, StorageFull), (apsw.IOError, StorageBroken)], ids=["full", "io error"]
)
async def test_when_the_whole_batch_is_undone_only_the_failing_unit_raises(
    db: Database, vfs: FaultVFS, raised: type[apsw.Error], expected: type[Exception]
) -> None:
    """STORE-4: the error ends the transaction of all, and the others run again, one by one."""
    runs: list[str] = []

    def unit(name: str) -> Callable[[Tx], int]:
        def run(tx: Tx) -> int:
            runs.append(name)
            return insert(name)(tx)

        return run

    def spills(tx: Tx) -> None:
        # A cache of one page is written to the log before the commit, where the write fails.
        tx.db.pragma("cache_size", 1)
        vfs.fail_nth_write(1, raised)
        try:
            insert("bad", 2_000_000)(tx)
        finally:
            tx.db.pragma("cache_size", -512)

    results = await gathered(db, [unit("a"), unit("b"), spills, unit("c"), unit("d")])
    assert isinstance(results[2], expected)
    assert [result for n, result in enumerate(results) if n != 2] == [1, 2, 3, 4]
    assert runs[:4] == ["a", "b", "a", "b"]
    assert await db.read(names, op="test") == ["a", "b", "c", "d"]
    db.health.check()


async def test_a_disk_that_hangs_is_told_once_and_is_a_fault(
    db: Database, vfs: FaultVFS, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-157b: while the commit lasts, however many units wait behind it; and its end."""
    monkeypatch.setattr(writer_module, "HANGING", 0.05)
    commits, released, syncing = writer_module.commits, threading.Event(), threading.Event()
    sync = FaultFile.xSync

    def hang(file: FaultFile, flags: int) -> None:
        syncing.set()
        assert released.wait(60)
        sync(file, flags)

    def told() -> list[str]:
        return [record.message for record in caplog.records if record.name == "moxlite.store.writer"]

    async with trio.open_nursery() as nursery:
        nursery.start_soon(commits.watch)
        async with trio.open_nursery() as writing:
            monkeypatch.setattr(FaultFile, "xSync", hang)
            for name in ("one", "two"):
                writing.start_soon(db.write, insert(name))
            await trio.to_thread.run_sync(syncing.wait)
            await eventually(lambda: told() != [])
            [finding] = commits.findings()
            assert (finding.grade, finding.code) == ("error", "disk-slow")
            assert "queue" in finding.text
            released.set()
        await eventually(lambda: len(told()) == 2)
        assert told() == ["disk isn't finishing a write", "disk is writing again"]
        assert commits.findings() == []
        nursery.cancel_scope.cancel()


async def test_a_commit_that_fails_runs_all_again(db: Database, vfs: FaultVFS) -> None:
    """STORE-4."""
    results = await gathered(
        db, [insert(f"n{n}") for n in range(4)], then=lambda: vfs.fail_nth_write(1, apsw.FullError)
    )
    assert results == [1, 2, 3, 4]
    assert await db.read(names, op="test") == ["n0", "n1", "n2", "n3"]


async def test_units_beyond_max_page_count_get_storage_full_and_only_the_others_are_there(db: Database) -> None:
    """STORE-4, STORE-157: 16 units in one batch, of which a few fit."""
    await db.write(lambda tx: tx.db.pragma("max_page_count", tx.db.pragma("page_count") + 100))
    results = await gathered(db, [insert(f"n{n}", 50_000) for n in range(16)])
    good = [f"n{n}" for n, result in enumerate(results) if not isinstance(result, BaseException)]
    assert 5 <= len(good) < 16
    assert all(isinstance(result, StorageFull) for result in results if isinstance(result, BaseException))
    assert await db.read(names, op="test") == good
    await db.write(lambda tx: tx.execute("DELETE FROM item"))  # removing goes on


async def test_a_unit_cancelled_before_it_starts_is_dropped(db: Database) -> None:
    """STORE-6."""
    gate = Gate()
    async with trio.open_nursery() as nursery:
        await gate.hold(nursery, db)
        with trio.CancelScope() as scope:
            scope.cancel()
            await db.write(insert("early"))
        with trio.move_on_after(0.01) as scope:
            await db.write(insert("waiting"))
        assert scope.cancelled_caught
        gate.opened.set()
    assert await db.read(names, op="test") == []


async def test_a_unit_cancelled_while_it_runs_gives_its_result_and_the_cancellation_comes_after(db: Database) -> None:
    """STORE-6."""
    entered, opened = threading.Event(), threading.Event()

    def unit(tx: Tx) -> int:
        entered.set()
        assert opened.wait(60)
        return insert("a")(tx)

    results: list[int] = []
    with trio.CancelScope() as scope:

        async def cancel() -> None:
            await trio.to_thread.run_sync(entered.wait)
            scope.cancel()
            opened.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(cancel)
            results.append(await db.write(unit))
            await trio.lowlevel.checkpoint()
            results.append(0)
    assert results == [1]
    assert scope.cancelled_caught
    assert await db.read(names, op="test") == ["a"]


async def test_callbacks_after_commit_run_in_commit_order_before_any_caller(db: Database) -> None:
    """STORE-32."""
    order: list[str] = []

    def unit(name: str) -> Callable[[Tx], None]:
        def run(tx: Tx) -> None:
            insert(name)(tx)
            tx.after_commit(lambda: order.append(f"told {name}"))

        return run

    async def caller(name: str) -> None:
        await db.write(unit(name))
        order.append(f"awake {name}")

    gate = Gate()
    async with trio.open_nursery() as nursery:
        await gate.hold(nursery, db)
        for name in ("a", "b", "c"):
            nursery.start_soon(caller, name)
            await trio.testing.wait_all_tasks_blocked()
        gate.opened.set()
    assert order[:3] == ["told a", "told b", "told c"]
    assert sorted(order[3:]) == ["awake a", "awake b", "awake c"]


async def test_a_callback_does_not_run_for_a_unit_that_failed(db: Database) -> None:
    """STORE-32."""
    told: list[str] = []

    def unit(tx: Tx) -> None:
        tx.after_commit(lambda: told.append("x"))
        raise ValueError

    with pytest.raises(ValueError):
        await db.write(unit)
    assert told == []


async def test_a_callback_that_raises_is_seen_by_its_caller_only(db: Database) -> None:
    """STORE-32: the loop goes on."""

    def fails() -> None:
        raise ValueError("callback")

    results = await gathered(db, [insert("a"), lambda tx: tx.after_commit(fails), insert("b")])
    assert isinstance(results[1], ValueError)
    assert results[::2] == [1, 2]


async def test_a_crash_of_the_writer_fails_all_who_wait(
    db: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-4: nobody waits for a thread that is gone."""

    def crash(*_: object) -> bool:
        raise RuntimeError("a fault of the writer")

    monkeypatch.setattr(db._writer, "_run_one", crash)
    results: list[BaseException] = []

    async def caller() -> None:
        with pytest.raises(StorageBroken) as caught:
            await db.write(insert("a"))
        results.append(caught.value)

    with caplog.at_level(logging.CRITICAL):
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(caller)
    assert len(results) == 3
    assert "writer crashed" in caplog.text
    with pytest.raises(Closed):
        await db.write(insert("b"))


async def test_closing_finishes_what_waits(tmp_path: Path, options: Options) -> None:
    """STORE-6: a unit that was handed over is not lost by closing."""
    database = await Database.open(tmp_path / "other.db", Kind.QUEUE, options=options, create=True)
    gate = Gate()
    async with trio.open_nursery() as nursery:
        await gate.hold(nursery, database)
        for n in range(5):
            nursery.start_soon(database.write, insert(f"n{n}"))
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(database.aclose)
        await trio.testing.wait_all_tasks_blocked()
        gate.opened.set()
    with pytest.raises(Closed):
        await database.write(insert("late"))
    again = await Database.open(tmp_path / "other.db", Kind.QUEUE, options=options, create=True)
    assert len(await again.read(names, op="test")) == 5
    await again.aclose()


async def test_additions_are_refused_below_min_free_space_while_removals_go_on(
    tmp_path: Path, options: Options
) -> None:
    """STORE-157."""
    full = Options(schema=options.schema, min_free_space=1 << 60)
    database = await Database.open(tmp_path / "full.db", Kind.QUEUE, options=full, create=True)
    with pytest.raises(StorageFull):
        await database.write(insert("a", 100), weight=100)
    with pytest.raises(StorageFull):
        database.health.check_space()
    await database.write(lambda tx: tx.execute("DELETE FROM item"))
    await database.aclose()


async def test_after_an_io_error_changes_are_refused_until_one_succeeds(
    db: Database, vfs: FaultVFS, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-158: reads are tried; one error line."""
    await db.write(insert("a"))
    with caplog.at_level(logging.ERROR, "moxlite.store"):
        vfs.fail_nth_write(1)
        with pytest.raises(StorageBroken):
            await db.write(insert("b"))
        for _ in range(3):
            with pytest.raises(StorageBroken):
                await db.write(insert("c"))
    assert len(caplog.records) == 1
    assert await db.read(names, op="test") == ["a"]
    monkeypatch.setattr(db.health, "_retry_at", 0.0)
    await db.write(insert("d"))
    assert db.health.broken == ""
    assert await db.read(names, op="test") == ["a", "d"]


async def test_a_unit_that_fails_in_an_open_transaction_does_not_end_the_degraded_state(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-158: the empty transaction which it leaves commits, but proves nothing."""

    def broken(tx: Tx) -> None:
        raise apsw.IOError("a page cannot be read")

    with pytest.raises(StorageBroken):
        await db.write(broken)
    assert db.health.broken
    monkeypatch.setattr(db.health, "_retry_at", 0.0)
    await db.write(insert("a"))
    assert not db.health.broken


def test_damage_is_never_forgotten_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-158, STORE-158c: CORRUPT and NOTADB stay until the file is closed, or was read as a whole."""
    health = health_module.Health("x", tmp_path / "x.db", 0)
    for error in (apsw.CorruptError("bad page"), apsw.NotADBError("bad file")):
        assert isinstance(health.translate(error), StorageBroken)
    health.committed()
    monkeypatch.setattr(health, "_retry_at", 0.0)
    with pytest.raises(StorageBroken):
        health.check()


def test_errors_that_say_nothing_of_the_file_do_not_degrade_it(tmp_path: Path) -> None:
    """STORE-158a: no memory, or a foreign process with a lock."""
    health = health_module.Health("x", tmp_path / "x.db", 0)
    assert isinstance(health.translate(apsw.NoMemError("no memory")), StorageBusy)
    assert isinstance(health.translate(apsw.BusyError("busy")), StorageBusy)
    assert health.translate(error := apsw.ConstraintError("unique")) is error
    health.check()


async def test_under_constant_load_the_log_stays_short(db: Database) -> None:
    """STORE-10a: the helper copies, the writer restarts the log, between changes that never pause."""
    restarts = changes = last = 0

    async def load(name: str) -> None:
        nonlocal restarts, changes, last
        while restarts < 3 and changes < 6_000:  # a helper that gets no processor is late
            await db.write(insert(f"{name}{changes}", 40_000))
            changes += 1
            restarts += db.wal_bytes < last
            last = db.wal_bytes

    async with trio.open_nursery() as nursery:
        for name in "abcdefgh":
            nursery.start_soon(load, name)
    assert restarts >= 3


# Series


def tail(name: str) -> Callable[[Tx], str]:
    """A unit of a series: it adds a row, and tells which one was the last before it."""

    def unit(tx: Tx) -> str:
        last = tx.value("SELECT name FROM item ORDER BY id DESC LIMIT 1") or ""
        insert(name)(tx)
        return str(last)

    return unit


async def test_a_series_runs_in_order_and_shares_commits(db: Database, vfs: FaultVFS) -> None:
    """STORE-4a."""
    noted: list[str] = []
    rounds: list[int] = []
    gate = Gate()
    syncs = vfs.syncs

    async def between() -> None:
        rounds.append(len(noted))

    async with trio.open_nursery() as nursery:
        await gate.hold(nursery, db)
        units = (tail(f"n{n}") for n in range(20))
        nursery.start_soon(partial(db.write_series, units, Tx, noted.append, between, ahead=4))
        await trio.testing.wait_all_tasks_blocked()
        gate.opened.set()
    assert noted == ["", *(f"n{n}" for n in range(19))]
    assert rounds[-1] == 20
    assert vfs.syncs - syncs < 20


async def test_what_others_write_goes_before_the_next_unit_of_a_series(
    db: Database, monkeypatch: pytest.MonkeyPatch, no_hurry: None
) -> None:
    """STORE-4a, IMAP-167: though three units were put before it; then the series goes on, even under constant load."""
    monkeypatch.setattr(writer_module, "SERIES_RUN", -1.0)
    monkeypatch.setattr(writer_module, "MAX_UNITS", 2)
    gate = Gate()
    async with trio.open_nursery() as nursery:
        await gate.hold(nursery, db)
        series = [insert(f"n{n}") for n in range(3)]
        nursery.start_soon(db.write_series, series, Tx, lambda _: None)
        await trio.testing.wait_all_tasks_blocked()
        for n in range(6):
            nursery.start_soon(db.write, insert(f"other{n}"))
            await trio.testing.wait_all_tasks_blocked()
        gate.opened.set()
    found = await db.read(names, op="test")
    assert found[0] == "other0"
    assert sorted(found) == sorted([f"n{n}" for n in range(3)] + [f"other{n}" for n in range(6)])
    assert found.index("n0") < found.index("other5")  # not starved


async def test_a_series_ends_with_the_first_unit_that_fails(db: Database) -> None:
    """STORE-4a: what had been done is noted, what comes behind does not run."""
    noted: list[int] = []
    asked: list[int] = []

    def bad(tx: Tx) -> int:
        raise ValueError("no")

    def units() -> Iterator[Callable[[Tx], int]]:
        for n in range(100):
            asked.append(n)
            yield bad if n == 5 else insert(f"n{n}")

    with pytest.raises(ValueError, match="no"):
        await db.write_series(units(), Tx, noted.append, ahead=3)
    found = await db.read(names, op="test")
    assert found[:5] == [f"n{n}" for n in range(5)]
    assert len(noted) == len(found) <= 8
    assert len(asked) <= 9
    await db.calm()


async def test_a_cancelled_series_notes_what_has_begun(db: Database) -> None:
    """STORE-4a, STORE-6."""
    noted: list[int] = []
    entered, opened = threading.Event(), threading.Event()

    def slow(tx: Tx) -> int:
        entered.set()
        assert opened.wait(60)
        return insert("begun")(tx)

    async def cancel(scope: trio.CancelScope) -> None:
        await trio.to_thread.run_sync(entered.wait)
        scope.cancel()
        opened.set()

    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as scope:
            nursery.start_soon(cancel, scope)
            await db.write_series([slow, *(insert(f"n{n}") for n in range(50))], Tx, noted.append)
    assert scope.cancelled_caught
    found = await db.read(names, op="test")
    assert found[0] == "begun"
    assert len(noted) == len(found) < 51


async def test_the_cache_is_large_while_a_series_runs(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-10: its memory is given back soon after."""
    monkeypatch.setattr(series_module, "SERIES_REST", 0.0)
    sizes: list[int] = []

    def unit(tx: Tx) -> int:
        return int(tx.value("PRAGMA cache_size"))

    await db.write_series([unit] * 3, Tx, sizes.append)
    assert set(sizes) == {-series_module.SERIES_CACHE_KIB}
    assert await db.write(unit) == -512


async def test_closing_folds_the_log_before_it_takes_pythons_lock(
    tmp_path: Path, options: Options, vfs: FaultVFS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-10a: APSW closes with that lock held, so a fold by SQLite's own end would stop the loop."""
    during: list[tuple[int, int]] = []

    class Connection(apsw.Connection):
        def close(self, force: bool = False) -> None:
            before = vfs.writes, vfs.syncs
            super().close(force)
            during.append((vfs.writes - before[0], vfs.syncs - before[1]))

    monkeypatch.setattr(apsw, "Connection", Connection)
    on_vfs = msgspec.structs.replace(options, vfs=vfs.name)
    db = await Database.open(tmp_path / "queue.db", Kind.QUEUE, options=on_vfs, create=True)
    await db.write(insert("one", 50_000))
    assert await db.read(names, op="test") == ["one"]
    await db.aclose()
    assert {*during} == {(0, 0)}
    assert not db.path.with_name("queue.db-wal").exists()
