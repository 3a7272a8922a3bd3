"""Snapshots that read only what has changed (docs/spec/store.md, STORE-183a): whatever happens between two of them, the
second one has what the account has.
"""

import logging
import os
import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import apsw
import pytest
import trio

from moxlite.admin.backup.backups import LiveFiles
from moxlite.store import blockmaps
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.backup.layout import Source
from moxlite.store.backup.repository import Repository, create_repository
from moxlite.store.backup.storage import Folder
from moxlite.store.changelog.account import Account
from moxlite.store.file import database
from moxlite.store.file.database import Database
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.options import Options
from tests.store_fixtures import unserved
from tests.store_mail import deliver_mail, look, mail, put
from tests.tools import eventually

__all__ = ["store_options", "unserved"]

LARGE = "".join(f"{n} {random.Random(n).randbytes(40).hex()}\r\n" for n in range(2_000))


@pytest.fixture
def store_options() -> Options:
    """Options of the accounts."""
    return Options(min_free_space=0)


class Rig:
    """A repository and the accounts of a running server; `read` has what each backup read of accounts, in blocks: None
    for a whole file.
    """

    def __init__(self, accounts: Accounts, folder: Path) -> None:
        self.accounts = accounts
        self.folder = folder
        self.read: list[int | None] = []
        config = folder / "config"
        config.mkdir()
        (config / "moxlite.toml").write_text("hostname = 'mx.example'\n")
        (accounts.directory / "tmp").mkdir(parents=True, exist_ok=True)
        self.source = Source(accounts.directory, config, frozenset({"mia"}))
        create_repository(Folder(folder / "repo"), accounts.directory)

    @property
    def file(self) -> Path:
        """The account's file."""
        return self.accounts.path("mia") / "account.db"

    async def back_up(self, *, repo: str = "repo") -> int | None:
        """Add a snapshot, and compare it with the account; returns what it read."""
        live = LiveFiles(self.accounts, trio.lowlevel.current_trio_token())
        repository = Repository(Folder(self.folder / repo))
        source = Source(self.source.data, self.source.config, self.source.configured, live=live)
        before = len(self.read)
        report = await trio.to_thread.run_sync(partial(repository.back_up, source))
        assert report.errors == []
        out = self.folder / "out"
        await trio.to_thread.run_sync(partial(repository.extract, out))
        copy = out / "data/accounts/mia/account.db"
        assert dump(copy, whole=True) == dump(self.file)
        shutil.rmtree(out)
        return self.read[-1] if len(self.read) > before else None


def dump(path: Path, *, whole: bool = False) -> dict[str, list[tuple[object, ...]]]:
    """All rows of a database; `whole`: its structure is checked, too."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE if whole else apsw.SQLITE_OPEN_READONLY)
    try:
        if whole:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
        return {
            str(name): db.execute(f'SELECT * FROM "{name}" ORDER BY 1, 2').fetchall()
            for name in tables
            if count(db, name) > 1
        }
    finally:
        db.close()


def count(db: apsw.Connection, table: object) -> int:
    """Number of a table's columns."""
    return len(db.execute(f'PRAGMA table_info("{table}")').fetchall())


@pytest.fixture
def rig(unserved: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """See `Rig`."""
    made = Rig(unserved, tmp_path)
    real = Database.changed_blocks

    async def noting(self: Database, *args: object) -> object:
        copied = await real(self, *args)  # type: ignore[arg-type] # as given
        made.read.append(None if copied is None else len(copied[0].changed))
        return copied

    monkeypatch.setattr(Database, "changed_blocks", noting)
    return made


async def fill(account: Account, messages: int = 12) -> None:
    """Large messages: some megabytes."""
    for number in range(messages):
        await deliver_mail(account, mail(number, body=f"{number}\r\n{LARGE}"))


async def fold(account: Account) -> None:
    """Wait until the log is folded into the file."""
    await eventually(lambda: account.database.wal_bytes == 0)


async def test_a_snapshot_reads_what_has_changed(rig: Rig) -> None:
    """STORE-183a, ADMIN-84"""
    async with rig.accounts.use("mia") as account:
        await fill(account)
        await account.settle()
        await account.database.trim()
        await fold(account)
        assert await rig.back_up() is None
        await deliver_mail(account, mail(100))
        blocks = -(-rig.file.stat().st_size // blockmaps.BLOCK)
        changed = await rig.back_up()
        assert changed is not None
        assert changed < blocks / 2, (changed, blocks)
        await deliver_mail(account, mail(101, body=LARGE))
        assert await rig.back_up() is not None
        assert await rig.back_up() in {None, 1, 2}, "nothing but the edges"


async def test_two_repositories_have_marks_of_their_own(rig: Rig) -> None:
    """STORE-183a"""
    create_repository(Folder(rig.folder / "other"), rig.accounts.directory)
    async with rig.accounts.use("mia") as account:
        await fill(account)
        await rig.back_up()
        await deliver_mail(account, mail(100))
        assert await rig.back_up(repo="other") is None
        await deliver_mail(account, mail(101))
        assert await rig.back_up() is not None
        await deliver_mail(account, mail(102))
        assert await rig.back_up(repo="other") is not None


@pytest.mark.parametrize("seed", range(3))
async def test_any_work_between_two_snapshots(rig: Rig, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-183a: mail, removals, a smaller file, folds of the log, and an account that is closed and opened."""
    rng = random.Random(seed)
    monkeypatch.setattr(blockmaps, "SAMPLE", 1)
    monkeypatch.setattr(database, "SAMPLE", 1)
    number = 0
    async with rig.accounts.use("mia") as account:
        await fill(account, 4)
    await rig.back_up()
    for _ in range(8):
        async with rig.accounts.use("mia") as account:
            for _ in range(rng.randrange(1, 4)):
                number += 1
                match rng.randrange(6):
                    case 0:
                        await put(account, 20, first=1000 * number)
                    case 1:
                        ids = await look(account, lambda r: [row[0] for row in r.rows("SELECT id FROM message")])
                        await account.write(lambda tx, ids=ids: expunge_ids(tx, ids[:: rng.choice((1, 2))]))  # type: ignore[misc] # bound now
                    case 2:
                        await account.settle()
                        await account.database.upkeep()
                    case 3:
                        await account.database.trim()
                    case _:
                        await deliver_mail(
                            account, mail(number, body=f"{number}\r\n" + LARGE[: rng.randrange(200_000)])
                        )
            if rng.random() < 0.5:
                await rig.back_up()
        if rng.random() < 0.5:
            await rig.accounts.close_idle(room=1_000_000)
        await rig.back_up()
    assert any(count is not None for count in rig.read)


async def test_what_another_program_changed_is_read(rig: Rig) -> None:
    """STORE-183a: while the account is closed, and while it's open, with a log that starts over meanwhile."""

    def write(times: int, *, fold: bool) -> None:
        db = apsw.Connection(str(rig.file))
        for number in range(times):
            db.execute("UPDATE message_info SET preview = ?", (f"changed {times} {number}",))
            if fold:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        db.close()

    async with rig.accounts.use("mia") as account:
        await fill(account)
        await rig.back_up()
        await trio.to_thread.run_sync(partial(write, 3, fold=True))
        await deliver_mail(account, mail(100))
        assert await rig.back_up() is None
        await deliver_mail(account, mail(103))
        await trio.to_thread.run_sync(partial(write, 1, fold=True))
        await deliver_mail(account, mail(104))
        assert await rig.back_up() is None
        await trio.to_thread.run_sync(partial(write, 1, fold=False))
        await deliver_mail(account, mail(101))
        await rig.back_up()
    await rig.accounts.close_idle(room=1_000_000)
    await trio.to_thread.run_sync(partial(write, 1, fold=True))
    async with rig.accounts.use("mia") as account:
        await deliver_mail(account, mail(102))
        assert await rig.back_up() is None


async def test_a_reader_that_holds_an_old_snapshot_makes_a_backup_read_the_whole_file(rig: Rig) -> None:
    """STORE-183a"""
    async with rig.accounts.use("mia") as account:
        await fill(account)
        await rig.back_up()
        db = apsw.Connection(str(rig.file), flags=apsw.SQLITE_OPEN_READONLY)
        db.execute("BEGIN; SELECT count(*) FROM message").fetchall()
        await deliver_mail(account, mail(100))
        assert await rig.back_up() is None
        db.close()
        await deliver_mail(account, mail(101))
        assert await rig.back_up() is not None


async def test_a_wrong_map_is_found_and_the_whole_file_read(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-183a: each block is read in one of 64 snapshots, changed or not."""
    monkeypatch.setattr(blockmaps, "SAMPLE", 1)
    monkeypatch.setattr(database, "SAMPLE", 1)
    async with rig.accounts.use("mia") as account:
        await fill(account)
        await rig.back_up()
        await deliver_mail(account, mail(100, body=LARGE))
        blocks = rig.accounts.options.blocks.get(rig.file)
        assert blocks is not None
        monkeypatch.setattr(blocks, "since", lambda at: [])
        with caplog.at_level(logging.ERROR):
            await rig.back_up()
        assert [record.message for record in caplog.records] == [
            "a block changed that should not have; reading the whole file"
        ]


async def test_locks_of_an_account_outlive_a_snapshot(rig: Rig) -> None:
    """STORE-183a: POSIX drops all locks that a process has on a file when it closes any descriptor of it."""

    def locks() -> int:
        inode = f":{rig.file.stat().st_ino} "
        return sum(inode in line for line in Path("/proc/locks").read_text().splitlines())

    async with rig.accounts.use("mia") as account:
        await fill(account)
        await rig.back_up()
        await deliver_mail(account, mail(100))
        before = locks()
        assert before
        assert await rig.back_up() is not None
        assert locks() == before


def test_a_log_that_cannot_be_read_forgets_all(tmp_path: Path) -> None:
    """STORE-183a: also one that is shorter than it should be, and none."""
    path = tmp_path / "a.db"
    db = apsw.Connection(str(path))
    db.execute("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t (x)").fetchall()
    log = tmp_path / "a.db-wal"
    spoilers: tuple[Callable[[], object], ...] = (lambda: os.truncate(log, 40), lambda: os.truncate(log, 0), log.unlink)
    for spoil in spoilers:
        spoiled = blockmaps.BlockMap(path)
        db.execute("INSERT INTO t VALUES (1)")
        spoiled.mark(1)
        db.execute("INSERT INTO t VALUES (1)")
        spoiled.note(log.stat().st_size // 4120)
        assert spoiled.since(1)
        whole = log.read_bytes()
        spoil()
        spoiled.note(1 + len(whole) // 4120)
        assert spoiled.since(1) is None
        log.write_bytes(whole)
    db.close()
