"""The store's edge (STORE-158a..c): what errors of SQLite and of the system become, and that all works again after."""

from __future__ import annotations

import errno
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path

import apsw
import msgspec
import pytest
import trio

from moxlite.net.exposition import REGISTRY
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.errors import MissingFile, ReadInterrupted, StorageBroken, StorageBusy, StorageFull, StoreError
from moxlite.store.file import health as health_module
from moxlite.store.file.boundary import Edge, storage
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.options import Options
from tests.faultvfs import FaultVFS
from tests.store_fixtures import soon, store_options, unserved
from tests.systemfaults import calls_fail, no_descriptors

__all__ = ["store_options", "unserved"]

SCHEMA = "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;"


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
    vfs.broken = None
    await database.aclose()


def insert(tx: Tx) -> int:
    return tx.insert("INSERT INTO item (name) VALUES ('a')")


def count(r: Reader) -> int:
    found: int = r.value("SELECT count(*) FROM item")
    return found


# The table


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (apsw.FullError("full"), StorageFull),
        (apsw.NoMemError("memory"), StorageBusy),
        (apsw.BusyError("locked"), StorageBusy),
        (apsw.IOError("disk"), StorageBroken),
        (apsw.CantOpenError("open"), StorageBroken),
        (apsw.ReadOnlyError("read-only"), StorageBroken),
        (apsw.CorruptError("page"), StorageBroken),
        (apsw.NotADBError("no database"), StorageBroken),
        (apsw.SQLError("no such table: message"), StorageBroken),
        (apsw.InterruptError("interrupted"), ReadInterrupted),
        (msgspec.DecodeError("value"), StorageBroken),
        (OSError(errno.ENOSPC, "full"), StorageFull),
        (OSError(errno.EDQUOT, "quota"), StorageFull),
        (OSError(errno.EMFILE, "descriptors"), StorageBusy),
        (OSError(errno.ENFILE, "descriptors"), StorageBusy),
        (OSError(errno.ENOMEM, "memory"), StorageBusy),
        (OSError(errno.EIO, "disk"), StorageBroken),
        (OSError(errno.EROFS, "read-only"), StorageBroken),
        (PermissionError(errno.EACCES, "rights"), StorageBroken),
        (FileNotFoundError(errno.ENOENT, "gone"), StorageBroken),
    ],
    ids=lambda one: repr(one) if isinstance(one, Exception) else one.__name__,
)
def test_each_error_of_storage_becomes_one_of_the_store(error: Exception, becomes: type[StoreError]) -> None:
    """STORE-158a: with the error as its cause."""
    with pytest.raises(becomes) as raised, storage(Edge("x")):
        raise error
    assert raised.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        apsw.ConstraintError("unique"),
        apsw.SQLError("near FORM: syntax error"),
        BrokenPipeError(errno.EPIPE, "client"),
        ConnectionResetError(errno.ECONNRESET, "client"),
        OSError("without a number"),
        KeyError("a bug"),
        StorageFull("of the store already"),
        KeyboardInterrupt(),
    ],
    ids=repr,
)
def test_all_else_passes_unchanged(error: BaseException) -> None:
    """STORE-158a: bugs, the network, what is of the store already."""
    with pytest.raises(type(error)) as raised, storage(Edge("x")):
        raise error
    assert raised.value is error


def test_a_connection_that_is_not_opened_for_want_of_descriptors_is_no_broken_file(tmp_path: Path) -> None:
    """STORE-158a: SQLite says "unable to open database file" of both."""
    path = tmp_path / "x.db"
    path.touch()
    with no_descriptors(), pytest.raises(StorageBusy), storage(Edge("x")):
        apsw.Connection(str(path))
    with pytest.raises(StorageBroken), storage(Edge("x")):
        apsw.Connection(str(tmp_path / "none" / "x.db"))


# Each public method of a database

Call = Callable[[Database], Awaitable[object]]


async def hold(db: Database) -> None:
    async with db.snapshot(op="test") as snapshot:
        await snapshot.scan(count)


async def series(db: Database) -> None:
    await db.write_series([insert], Tx, lambda _: None)


async def reopen(db: Database) -> None:
    options = msgspec.structs.replace(db.options, vfs=db.options.vfs)
    second = await Database.open(db.path, Kind.QUEUE, options=options, name="second", create=True)
    await second.aclose()


CALLS: dict[str, Call] = {
    "open": reopen,
    "read": lambda db: db.read(count, op="test"),
    "scan": lambda db: db.scan(count, op="test"),
    "snapshot": hold,
    "write": lambda db: db.write(insert),
    "submit": lambda db: db.submit(insert, Tx, weight=1),
    "write_series": series,
    "upkeep": lambda db: db.upkeep(),
    "trim": lambda db: db.trim(),
}


async def works(db: Database) -> None:
    """Units are taken, and reads of all kinds work."""
    await db.write(insert)
    await db.read(count, op="test")
    await db.scan(count, op="test")
    await hold(db)


@pytest.mark.parametrize("name", CALLS)
async def test_without_descriptors_a_call_works_or_is_busy_and_degrades_nothing(
    db: Database, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-158a: what needs a new connection has to wait, and only that."""
    await db.read(count, op="test")
    busy = False
    with no_descriptors():
        try:
            await CALLS[name](db)
        except StorageBusy:
            busy = True
    assert busy == (name in ("open", "scan", "snapshot"))
    assert db.health.broken == ""
    await works(db)


@pytest.mark.parametrize(("number", "becomes"), [(errno.EIO, StorageBroken), (errno.EACCES, StorageBroken)])
@pytest.mark.parametrize("name", CALLS)
async def test_when_calls_of_the_system_fail_only_errors_of_the_store_come_out(
    db: Database, tmp_path: Path, name: str, number: int, becomes: type[StoreError]
) -> None:
    """STORE-158a: statvfs, stat, open of the file; SQLite itself goes on, so the database stays well."""
    failed = False
    with calls_fail(tmp_path, number):
        try:
            await CALLS[name](db)
        except becomes:
            failed = True
    assert failed == (name in ("open", "submit"))
    assert db.health.broken == ""
    await works(db)


@pytest.mark.parametrize(("error", "becomes"), [(apsw.FullError, StorageFull), (apsw.IOError, StorageBroken)])
@pytest.mark.parametrize("name", CALLS)
async def test_when_the_disk_fails_only_errors_of_the_store_come_out(
    db: Database,
    vfs: FaultVFS,
    name: str,
    error: type[apsw.Error],
    becomes: type[StoreError],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """STORE-157, STORE-158: and when the disk works again, so does the database, after a unit or its upkeep."""
    await works(db)
    vfs.broken = error
    in_memory = name in ("read", "scan", "snapshot", "upkeep", "trim")  # what they need
    with nullcontext() if in_memory else pytest.raises(becomes):
        await CALLS[name](db)
    vfs.broken = None
    monkeypatch.setattr(db.health, "_retry_at", 0.0)

    async def well() -> bool:
        await db.upkeep()
        return db.health.broken == ""

    await soon(well)
    await works(db)


async def test_closing_ends_without_an_error_whatever_the_disk_does(
    tmp_path: Path, options: Options, vfs: FaultVFS
) -> None:
    """STORE-158a: and the file is as it was."""
    own = msgspec.structs.replace(options, vfs=vfs.name)
    database = await Database.open(tmp_path / "queue.db", Kind.QUEUE, options=own, create=True)
    await database.write(insert)
    vfs.broken = apsw.IOError
    with no_descriptors():
        await database.aclose()
    vfs.broken = None
    database = await Database.open(tmp_path / "queue.db", Kind.QUEUE, options=own, create=True)
    assert await database.read(count, op="test") == 1
    await database.aclose()


# A broken state is tested again


async def test_a_file_that_reads_well_again_heals_by_itself(
    db: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-158c: one damaged read must not keep queue.db from being written until the next start."""
    monkeypatch.setattr(health_module, "RETEST", 0.0)
    db.health._pause = 0.0

    def damaged(r: Reader) -> None:
        raise apsw.CorruptError("database disk image is malformed")

    with pytest.raises(StorageBroken):
        await db.read(damaged, op="test")
    with pytest.raises(StorageBroken):
        await db.write(insert)
    assert not db.resting
    with caplog.at_level(logging.WARNING, "moxlite.store"):

        async def well() -> bool:
            await db.upkeep()
            return db.health.broken == ""

        await soon(well)
    assert [record.message for record in caplog.records][-1] == "database writable again"
    await works(db)


async def test_a_file_that_is_damaged_stays_degraded_and_is_tested_ever_more_seldom(
    tmp_path: Path, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-158c: the pause doubles, to an hour at most."""
    path = tmp_path / "queue.db"
    db = await Database.open(path, Kind.QUEUE, options=options, create=True)
    await db.write(lambda tx: tx.executemany("INSERT INTO item (name) VALUES (?)", [("x" * 500,)] * 500))
    await db.aclose()
    content = bytearray(path.read_bytes())
    content[20 * 4096 : 20 * 4096 + 100] = b"\xa5" * 100
    path.write_bytes(content)
    db = await Database.open(path, Kind.QUEUE, options=options, create=True)
    db.health.damaged("found by a check")
    pauses = []
    for _ in range(8):
        db.health._retest_at = 0.0
        pauses.append(db.health._pause)
        await db.upkeep()

        async def tested() -> bool:
            return db._writer.idle

        await soon(tested)
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    with pytest.raises(StorageBroken):
        await db.write(insert)
    await db.aclose()


async def test_failing_checkpoints_are_told_and_end_when_one_works(
    tmp_path: Path, options: Options, vfs: FaultVFS, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-158b: units go into the log and succeed, so nothing else would tell that it grows for ever."""
    told: list[str] = []
    own = msgspec.structs.replace(options, vfs=vfs.name, degraded=lambda name, path, text: told.append(text))
    db = await Database.open(tmp_path / "queue.db", Kind.QUEUE, options=own, create=True)
    await db.write(insert)

    def fail() -> None:
        raise apsw.IOError("injected")

    async def stuck() -> bool:
        await db.trim()
        return bool(told)

    vfs.before_change = fail
    await soon(stuck)
    assert not db.resting
    assert told == [db.health.log_stuck]
    assert db.health.broken == ""
    vfs.before_change = lambda: None

    async def well() -> bool:
        await db.upkeep()
        return db.health.log_stuck == ""

    await soon(well)
    await works(db)
    assert "checkpoints working again" in caplog.text
    await db.aclose()


# Accounts


async def use(accounts: Accounts) -> None:
    async with accounts.use("mjl") as account:
        await account.read(lambda r: r.value("SELECT 1"), op="test")


async def names(accounts: Accounts) -> None:
    await trio.to_thread.run_sync(accounts.names)


async def exists(accounts: Accounts) -> None:
    await trio.to_thread.run_sync(accounts.exists, "other")


async def create(accounts: Accounts) -> None:
    await accounts.create("new")


async def remove(accounts: Accounts) -> None:
    await accounts.remove("other")


async def adopt(accounts: Accounts) -> None:
    await accounts.adopt("adopted", accounts.directory / "tmp" / "made")


FAULTS = {
    "EMFILE": (errno.EMFILE, StorageBusy),
    "ENOSPC": (errno.ENOSPC, StorageFull),
    "EIO": (errno.EIO, StorageBroken),
    "EACCES": (errno.EACCES, StorageBroken),
}


@pytest.mark.parametrize("fault", [*FAULTS, "no descriptors"])
@pytest.mark.parametrize("call", [use, names, exists, create, remove, adopt], ids=lambda call: call.__name__)
async def test_accounts_raise_errors_of_the_store_and_work_again(
    unserved: Accounts, call: Callable[[Accounts], Awaitable[None]], fault: str
) -> None:
    """STORE-158a: each public method; the second attempt succeeds."""
    accounts = unserved
    for name in ("mjl", "other"):
        await accounts.create(name)
    await accounts.aclose()
    accounts = Accounts(accounts.directory, accounts.options)
    (accounts.directory / "tmp" / "made").mkdir(parents=True)
    number, becomes = FAULTS.get(fault, (0, StorageBusy))
    failing = calls_fail(accounts.directory, number) if number else no_descriptors()
    expected = nullcontext() if number == 0 and call is exists else pytest.raises(becomes)
    with failing, expected:
        await call(accounts)
    await call(accounts)
    assert accounts.broken() == {}
    await use(accounts)
    await accounts.aclose()


async def test_one_account_that_cannot_be_looked_into_does_not_hide_the_others(unserved: Accounts) -> None:
    """STORE-158: it is among the names, and its use says why."""
    for name in ("mjl", "other"):
        await unserved.create(name)
    with calls_fail(unserved.path("other"), errno.EACCES):
        assert unserved.names() == ["mjl", "other"]


async def test_a_file_that_can_be_opened_again_or_is_removed_counts_no_longer(unserved: Accounts) -> None:
    """STORE-158, STORE-158d: an alarm by the metric ends with its cause."""

    def broken(name: str) -> float:
        return REGISTRY.get_sample_value("moxlite_store_broken", {"account": name}) or 0.0

    for name in ("mjl", "other"):
        await unserved.create(name)
        await unserved.close_idle(room=unserved.max_open)
        file = unserved.path(name) / "account.db"
        file.rename(file.with_name("away"))
        with pytest.raises(MissingFile):
            await unserved.create(name)
        assert broken(name) == 1
    file.with_name("away").rename(file)
    await unserved.create("other")
    await unserved.remove("mjl")
    assert (broken("other"), broken("mjl"), unserved.broken()) == (0, 0, {})
