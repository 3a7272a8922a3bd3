"""Full backups: what they hold, while the server goes on, and what is refused (docs/spec/store.md §13)."""

import os
import shutil
import socket
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import apsw
import msgspec
import pytest
import trio

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.backup import copying
from moxlite.store.backup.copying import back_up, copy_database
from moxlite.store.backup.layout import INCOMPLETE, RESTORING, Report, Source, databases
from moxlite.store.backup.repository import Repository, create_repository
from moxlite.store.backup.storage import Folder, make_durable
from moxlite.store.backup.verify import verify
from moxlite.store.errors import BackupCancelled, BadTarget
from moxlite.store.file.migrations import Kind, open_file
from moxlite.store.file.transaction import Reader
from moxlite.store.options import Options
from moxlite.store.upkeep.check import check_account
from tests.store_fixtures import accounts
from tests.store_mail import box, put, rows

__all__ = ["accounts", "store_options"]


@pytest.fixture
def store_options() -> Options:
    return Options(min_free_space=0)


def source(tmp_path: Path, *configured: str) -> Source:
    """The data directory of `accounts`, with a configuration folder."""
    config = tmp_path / "config"
    config.mkdir(exist_ok=True)
    (config / "moxlite.toml").write_text("hostname = 'mx.example'\n")
    (config / "dkim").mkdir(exist_ok=True)
    key = config / "dkim" / "key.pem"
    key.write_text("secret")
    key.chmod(0o600)
    return Source(tmp_path / "data", config, frozenset(configured))


async def back_up_in_thread(source: Source, target: Path) -> Report:
    return await trio.to_thread.run_sync(partial(back_up, source, target))


def count(path: Path) -> int:
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        row = db.execute("SELECT count(*) FROM message").fetchone()
        assert row is not None
        return int(row[0])
    finally:
        db.close()


async def test_a_backup_holds_databases_configuration_and_small_files(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-141, ADMIN-50."""
    async with accounts.use("mia") as account:
        await put(account, 3)
    data = tmp_path / "data"
    for kind in (Kind.QUEUE, Kind.AUTH):
        open_file(data / f"{kind.value}.db", kind, Options(min_free_space=0), create=True).close()
    (data / "receivedid.key").write_bytes(b"k" * 24)
    (data / "version").write_text("0.1\n")
    (data / "acme").mkdir()
    (data / "acme" / "account.json").write_text("{}")
    (data / "tmp").mkdir()
    (data / "tmp" / "spool").write_text("no")
    (data / "accounts" / "mia" / "search.db").write_text("no")
    report = await back_up_in_thread(source(tmp_path, "mia"), tmp_path / "backup")
    assert (report.databases, report.errors, report.warnings) == (3, [], [])
    target = tmp_path / "backup"
    found = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
    assert found == [
        "config/dkim/key.pem",
        "config/moxlite.toml",
        "data/accounts/mia/account.db",
        "data/acme/account.json",
        "data/auth.db",
        "data/queue.db",
        "data/receivedid.key",
        "data/version",
    ]
    assert (target / "config/dkim/key.pem").stat().st_mode & 0o777 == 0o600
    assert count(target / "data/accounts/mia/account.db") == 3
    assert verify(target, deep=True).problems == []


async def test_the_copy_is_one_moment_while_deliveries_go_on(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-141: commits between the steps neither change nor restart the copy, and none of them waits."""
    async with accounts.use("mia") as account:
        await put(account, 300)
        path = tmp_path / "data/accounts/mia/account.db"
        steps = 0
        copied = trio.Event()

        def cancelled() -> bool:
            nonlocal steps
            steps += 1
            return False

        async def copy() -> None:
            target = tmp_path / "copy.db"
            await trio.to_thread.run_sync(partial(copy_database, path, target, cancelled=cancelled))
            copied.set()

        added = 0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(copy)
            while not copied.is_set():
                await put(account, 1, first=1000 + added)
                added += 1
        assert len(await rows(account)) == 300 + added
    db = apsw.Connection(str(tmp_path / "copy.db"))
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert check_account(Reader(db), deep=True) == []
    db.close()


@pytest.mark.parametrize("repository", [False, True])
async def test_a_full_disk_is_backed_up_to_another_one(
    accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: bool
) -> None:
    """STORE-161: its log is as long as it is, and cannot grow."""
    full = SimpleNamespace(total=1 << 30, used=1 << 30, free=0)
    monkeypatch.setattr("moxlite.store.backup.copying.shutil.disk_usage", lambda path: full)
    async with accounts.use("mia") as account:
        await put(account, 200)
        assert (tmp_path / "data/accounts/mia/account.db-wal").stat().st_size > 0
        if repository:
            create_repository(Folder(tmp_path / "backup"), tmp_path / "data")
            back_up_there = partial(Repository(Folder(tmp_path / "backup")).back_up, source(tmp_path, "mia"))
            report = await trio.to_thread.run_sync(back_up_there)
        else:
            report = await back_up_in_thread(source(tmp_path, "mia"), tmp_path / "backup")
    assert (report.databases, report.errors) == (1, [])


async def test_the_queue_is_copied_first_and_auth_last(tmp_path: Path) -> None:
    """STORE-142: what is delivered meanwhile is found twice at worst, never nowhere."""
    for name in ("auth.db", "queue.db", "accounts/b/account.db", "accounts/a/account.db"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [str(one.path) for one in databases(tmp_path)] == [
        "queue.db",
        "accounts/a/account.db",
        "accounts/b/account.db",
        "auth.db",
    ]


async def test_unknown_files_and_unconfigured_accounts_are_copied_with_a_warning(
    accounts: Accounts, tmp_path: Path
) -> None:
    """STORE-143, ADMIN-50."""
    async with accounts.use("old"):
        pass
    data = tmp_path / "data"
    (data / "notes.txt").write_text("mine")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(os.path.relpath(data / "other.sock"))  # noqa: ASYNC240 - the path of a socket must be short
        report = await back_up_in_thread(source(tmp_path, "mia"), tmp_path / "backup")
    assert report.errors == []
    assert [line.split(" ")[0].removeprefix(str(data)).removesuffix(":") for line in report.warnings] == [
        "account",
        "/notes.txt",
        "/other.sock",
    ]
    assert (tmp_path / "backup/data/notes.txt").read_text() == "mine"
    assert not (tmp_path / "backup/data/other.sock").exists()


async def test_a_damaged_database_is_an_error_and_the_rest_goes_on(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-143, ADMIN-68: the copy stays marked as incomplete."""
    for name in ("bad", "good"):
        async with accounts.use(name) as account:
            await put(account, 1)
    await accounts.aclose()
    (tmp_path / "data/accounts/bad/account.db").write_bytes(b"this is no database, it was overwritten" * 200)
    report = await back_up_in_thread(source(tmp_path, "bad", "good"), tmp_path / "backup")
    assert len(report.errors) == 1
    assert "accounts/bad/account.db" in report.errors[0]
    assert count(tmp_path / "backup/data/accounts/good/account.db") == 1
    assert not list((tmp_path / "backup/data/accounts/bad").iterdir())
    assert "accounts/bad" in (tmp_path / "backup" / INCOMPLETE).read_text()
    assert any("the copy is incomplete" in problem.text for problem in verify(tmp_path / "backup").problems)


@pytest.mark.parametrize("lost", ["accounts/mia", "accounts/mia/account.db", "accounts", "queue.db", "auth.db"])
async def test_what_was_made_and_is_missing_makes_a_backup_incomplete(
    accounts: Accounts, tmp_path: Path, lost: str
) -> None:
    """STORE-143, STORE-144: a disk that is not mounted, a folder or file that was removed by hand."""
    data = tmp_path / "data"
    async with accounts.use("mia") as account:
        await put(account, 1)
    await accounts.aclose()
    for name in ("queue.db", "auth.db"):
        apsw.Connection(str(data / name)).execute("PRAGMA user_version = 1").fetchall()
    (data / "version").write_text("0.1\n")
    assert (await back_up_in_thread(source(tmp_path, "mia", "new"), tmp_path / "whole")).errors == []
    path = data / lost
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    report = await back_up_in_thread(source(tmp_path, "mia", "new"), tmp_path / "backup")
    (error,) = report.errors
    assert error.startswith(
        f"{path if path.suffix else data / 'accounts/mia/account.db'}: missing, so not in this backup"
    )
    assert error in (tmp_path / "backup" / INCOMPLETE).read_text()
    assert any("is missing" in problem.text for problem in verify(data).problems)
    if "mia" in error:  # an account that the configuration has no more
        assert (await back_up_in_thread(source(tmp_path), tmp_path / "other")).errors == []


async def test_the_mark_of_a_backup_is_durable_before_its_first_file(
    accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-143: a power failure leaves no part of a backup without it."""
    async with accounts.use("mia") as account:
        await put(account, 1)
    await accounts.aclose()
    synced: list[tuple[Path, list[str]]] = []

    def noting(folder: Path) -> None:
        synced.append((folder, [path.name for path in folder.iterdir()]))
        make_durable(folder)

    monkeypatch.setattr(copying, "make_durable", noting)
    await back_up_in_thread(source(tmp_path, "mia"), tmp_path / "backup")
    assert synced[0] == (tmp_path / "backup", [INCOMPLETE])


async def test_what_is_removed_during_a_backup_is_no_error(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-141, STORE-143: an account, and a file that was listed."""
    for name in ("mia", "zoe"):
        async with accounts.use(name) as account:
            await put(account, 1)
    await accounts.aclose()
    acme = tmp_path / "data/acme"
    acme.mkdir()
    for name in ("a", "b"):
        (acme / name).write_text(name)

    def tell(line: str) -> None:
        if line.endswith("zoe/account.db"):
            shutil.rmtree(tmp_path / "data/accounts/zoe")
        elif line.endswith("acme/a"):
            (acme / "b").unlink()

    copy = partial(back_up, source(tmp_path, "mia"), tmp_path / "backup", tell=tell)
    report = await trio.to_thread.run_sync(copy)
    assert (report.errors, report.databases) == ([], 1)
    assert not (tmp_path / "backup" / INCOMPLETE).exists()


async def test_an_account_known_to_be_damaged_is_told(accounts: Accounts, tmp_path: Path) -> None:
    """ADMIN-68."""
    async with accounts.use("mia"):
        pass
    broken = Source(tmp_path / "data", source(tmp_path).config, frozenset({"mia"}), {"mia": "malformed"})
    report = await back_up_in_thread(broken, tmp_path / "backup")
    assert report.errors == [f"{tmp_path}/data/accounts/mia/account.db: copied, but damaged: malformed"]


async def test_the_key_of_links_stays_here_unless_keys_are_wanted(accounts: Accounts, tmp_path: Path) -> None:
    """LINK-2: passwords of other providers are not readable in a backup without encryption."""
    async with accounts.use("mia") as account:
        await put(account, 1)
    (tmp_path / "data/links.key").write_bytes(b"k" * 32)
    plain = source(tmp_path, "mia")
    report = await back_up_in_thread(plain, tmp_path / "one")
    assert (report.errors, report.warnings) == ([], [])
    assert not (tmp_path / "one/data/links.key").exists()
    await back_up_in_thread(msgspec.structs.replace(plain, include_keys=True), tmp_path / "two")
    assert (tmp_path / "two/data/links.key").read_bytes() == b"k" * 32


async def test_what_a_write_that_was_cut_short_left_is_in_no_backup(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-141a, STORE-184f: such as the key of signatures, or the hash of the admin password, by another name."""
    async with accounts.use("mia"):
        subject = source(tmp_path, "mia")
        (subject.config / ".backup-signing.key.1a2b3c4d.tmp").write_text("a key")
        await back_up_in_thread(subject, tmp_path / "backup")
    assert not list((tmp_path / "backup/config").glob(".*"))


async def test_nothing_is_overwritten(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-143: a second backup to the same place is refused, and leaves the first as it is."""
    async with accounts.use("mia") as account:
        await put(account, 1)
    await back_up_in_thread(source(tmp_path, "mia"), tmp_path / "backup")
    with pytest.raises(BadTarget, match="found a backup"):
        await back_up_in_thread(source(tmp_path, "mia"), tmp_path / "backup")
    assert not (tmp_path / "backup" / INCOMPLETE).exists()


@pytest.mark.parametrize("inside", ["data/accounts/mia/backup", "data", "config/backup"])
async def test_a_target_inside_of_what_is_backed_up_is_refused(accounts: Accounts, tmp_path: Path, inside: str) -> None:
    """ADMIN-68."""
    async with accounts.use("mia"):
        pass
    with pytest.raises(BadTarget, match="into itself"):
        await back_up_in_thread(source(tmp_path, "mia"), tmp_path / inside)


async def test_a_cancelled_backup_stays_marked_and_leaves_no_partial_database(
    accounts: Accounts, tmp_path: Path
) -> None:
    """ADMIN-68."""
    async with accounts.use("mia") as account:
        await put(account, 10)
    with pytest.raises(BackupCancelled):
        back_up(source(tmp_path, "mia"), tmp_path / "backup", cancelled=lambda: True)
    assert (tmp_path / "backup" / INCOMPLETE).exists()
    assert not list((tmp_path / "backup").rglob("account.db*"))


def test_a_data_directory_in_the_middle_of_a_restore_is_not_backed_up(tmp_path: Path) -> None:
    """STORE-145."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / RESTORING).touch()
    with pytest.raises(BadTarget, match="didn't finish; complete it first"):
        back_up(source(tmp_path), tmp_path / "backup")


async def test_what_was_not_folded_into_the_file_yet_is_in_the_backup(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-141: the log counts."""
    async with accounts.use("mia") as account:
        await put(account, 5)
        assert account.database.wal_bytes > 0
        await back_up_in_thread(source(tmp_path, "mia"), tmp_path / "backup")
        assert (await box(account)).total == 5
    assert count(tmp_path / "backup/data/accounts/mia/account.db") == 5
