"""Taking over a whole account (docs/spec/store.md, STORE-197)."""

import errno
import os
import shutil
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import trio

from moxlite.admin.backup.backups import BackupCommands
from moxlite.net.control.server import CommandFailed
from moxlite.operations.store import ImportAccount, RestoreMail
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.backup.restore import export_account
from tests.store_fixtures import accounts, store_options
from tests.store_mail import box, put

__all__ = ["accounts", "store_options"]


CONFIG: Any = SimpleNamespace(
    current=SimpleNamespace(
        account=lambda name: object() if name in ("mia", "bob", "eve") else None, no_account=lambda name: f"no {name}"
    )
)


async def octets(file: Path) -> AsyncIterator[bytes]:
    """What a client sends."""
    yield await trio.Path(file).read_bytes()


async def test_one_that_is_cancelled_midway_leaves_the_account_taken_over(
    accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-197: between the removal of the unused account and its replacement there would be none."""
    async with accounts.use("mia") as account:
        await put(account, 3)
        file = tmp_path / "mia.moxlite"
        await trio.to_thread.run_sync(export_account, account.database.path, "mia", file)
    async with accounts.use("bob") as account:
        unused = (await box(account)).total
    (accounts.directory / "tmp").mkdir(exist_ok=True)
    commands = BackupCommands(config=CONFIG, accounts=accounts)
    exchange = cast("Any", SimpleNamespace(upload=octets(file)))
    remove = accounts.remove
    with trio.CancelScope() as scope:

        async def cancelling(name: str, **options: Any) -> None:
            await remove(name, **options)
            scope.cancel()

        monkeypatch.setattr(accounts, "remove", cancelling)
        await commands.import_full(ImportAccount("bob"), exchange)
    async with accounts.use("bob") as account:
        assert (unused, (await box(account)).total) == (0, 3)


@pytest.mark.parametrize("seconds", [0.0, 0.3])
async def test_mail_that_comes_while_the_file_does_is_not_replaced(
    accounts: Accounts, tmp_path: Path, seconds: float
) -> None:
    """STORE-197: a message that came meanwhile was acknowledged, also one whose delivery is not done when the file is
    here.
    """
    file = tmp_path / "mia.moxlite"
    async with accounts.use("mia") as account:
        await put(account, 3)
        await trio.to_thread.run_sync(export_account, account.database.path, "mia", file)
    (accounts.directory / "tmp").mkdir(exist_ok=True)
    commands = BackupCommands(config=CONFIG, accounts=accounts)

    async def deliver(*, task_status: trio.TaskStatus[None]) -> None:
        async with accounts.use("bob") as account:
            task_status.started()
            await trio.sleep(seconds)  # the users that a removal waits for take as long as they do
            await put(account, 1)

    async with trio.open_nursery() as nursery:

        async def slow() -> AsyncIterator[bytes]:
            await nursery.start(deliver)
            async for piece in octets(file):
                yield piece

        exchange = cast("Any", SimpleNamespace(upload=slow()))
        with pytest.raises(CommandFailed, match="'bob' already exists"):
            await commands.import_full(ImportAccount("bob"), exchange)
    async with accounts.use("bob") as account:
        assert (await box(account)).total == 1


async def test_files_of_gigabytes_are_removed_in_a_thread(
    accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-185, STORE-197: a second each would be one in which the server does nothing else. A disk that is full is
    told.
    """
    file = tmp_path / "mia.moxlite"
    async with accounts.use("mia") as account:
        await put(account, 3)
        await trio.to_thread.run_sync(export_account, account.database.path, "mia", file)
    (accounts.directory / "tmp").mkdir(exist_ok=True)
    commands = BackupCommands(config=CONFIG, accounts=accounts)
    threads, rmtree = list[threading.Thread](), shutil.rmtree

    def remove(*arguments: Any, **options: Any) -> None:
        threads.append(threading.current_thread())
        rmtree(*arguments, **options)

    monkeypatch.setattr(shutil, "rmtree", remove)

    def exchange() -> Any:
        return SimpleNamespace(upload=octets(file), progress=None)

    await commands.import_full(ImportAccount("bob"), exchange())
    with pytest.raises(CommandFailed, match="not a database"):
        await commands.restore_mail(RestoreMail("bob", "Restored"), exchange())
    assert len(threads) >= 2
    assert threading.main_thread() not in threads
    assert os.listdir(accounts.directory / "tmp") == []

    async def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(trio, "open_file", full)
    with pytest.raises(CommandFailed, match="No space left"):
        await commands.restore_mail(RestoreMail("bob", "Restored"), exchange())


async def test_a_file_that_comes_leaves_the_room_that_mail_needs(
    accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-157, STORE-185, STORE-197: what is received for an account ends before the disk is full."""
    commands = BackupCommands(config=CONFIG, accounts=accounts)
    usage, received = shutil.disk_usage(tmp_path), list[bytes]()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            received.append(b"")
            yield bytes(1 << 16)

    def free(folder: Path) -> Any:
        rest = accounts.options.min_free_space + (3 << 16)
        return usage._replace(free=rest - sum(path.stat().st_size for path in folder.iterdir()))

    async with accounts.use("bob"):
        (accounts.directory / "tmp").mkdir(exist_ok=True)
    monkeypatch.setattr(shutil, "disk_usage", free)
    for work in (
        partial(commands.import_full, ImportAccount("eve")),
        partial(commands.restore_mail, RestoreMail("bob", "Restored")),
    ):
        received.clear()
        with pytest.raises(CommandFailed, match="must remain free"):
            await work(cast("Any", SimpleNamespace(upload=endless())))
        assert 3 < len(received) < 10
        assert os.listdir(accounts.directory / "tmp") == []


async def test_an_account_that_the_configuration_does_not_have_is_refused(accounts: Accounts, tmp_path: Path) -> None:
    """STORE-197: its mail would be in a folder that no login reaches. Otherwise, the answer has what was imported."""
    async with accounts.use("mia") as account:
        await put(account, 3)
        file = tmp_path / "mia.moxlite"
        await trio.to_thread.run_sync(export_account, account.database.path, "mia", file)
    (accounts.directory / "tmp").mkdir(exist_ok=True)
    commands = BackupCommands(config=CONFIG, accounts=accounts)
    with pytest.raises(CommandFailed, match="no mistyped"):
        await commands.import_full(ImportAccount("mistyped"), cast("Any", SimpleNamespace(upload=octets(file))))
    assert not accounts.exists("mistyped")
    imported = await commands.import_full(ImportAccount("eve"), cast("Any", SimpleNamespace(upload=octets(file))))
    assert (imported.messages, imported.mailboxes > 0) == (3, True)
