"""Rehearsals of a restore (docs/spec/store.md, STORE-187a)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from moxlite.admin.backup.backups import BackupCommands
from moxlite.admin.backup.rehearsal import Rehearsal, RehearsalResult, read_rehearsed
from moxlite.admin.doctor.backups import _of_rehearsal
from moxlite.admin.storage.settings import store_options
from moxlite.config.holder import ConfigHolder
from moxlite.config.static import Backup
from moxlite.operations.server import BackUp
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.backup.repository import create_repository
from moxlite.store.backup.storage import Folder
from moxlite.store.rows.mailboxes import mailbox_by_name
from tests.store_mail import put
from tests.unit.test_admin_backup_schedule import DOMAINS, STATIC

PACK = "packs"


@pytest.fixture
def config(tmp_path: Path) -> ConfigHolder:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "moxlite.toml").write_text(STATIC)
    (folder / "domains.toml").write_text(DOMAINS + '[accounts.amy]\ndomain = "example.org"\n')
    (tmp_path / "data" / "tmp").mkdir(parents=True)
    return ConfigHolder.open(folder / "moxlite.toml")[0]


@pytest.fixture
async def accounts(config: ConfigHolder) -> AsyncIterator[Accounts]:
    found = Accounts(config.current.static.data_dir, store_options(config))
    for name in ("amy", "bob"):
        async with found.use(name) as account:
            await put(account, 3)
    yield found
    await found.aclose()


async def notices(accounts: Accounts) -> int:
    async with accounts.use("bob") as account:
        found = await account.read(lambda r: mailbox_by_name(r, "Postmaster"), op="test")
        return 0 if found is None else found.total


async def test_each_account_is_restored_in_turn_and_compared(
    config: ConfigHolder, accounts: Accounts, tmp_path: Path
) -> None:
    """STORE-187a: the scratch copy is gone afterwards, and the doctor says that a restore works."""
    target, data = tmp_path / "repo", config.current.static.data_dir
    commands = BackupCommands(config=config, accounts=accounts)
    rehearsal = Rehearsal(Backup(schedule=1.0, target=target), commands=commands, config=config, accounts=accounts)
    await commands.make_alone(BackUp(str(target), repo=True))
    async with accounts.use("amy") as account:
        await put(account, 2, first=10)
    first, second, third = [await rehearsal.once() for _ in range(3)]
    assert first is not None
    assert second is not None
    assert third is not None
    assert [(one.account, one.messages, one.newer, one.problem) for one in (first, second, third)] == [
        ("amy", 3, 2, ""),
        ("bob", 3, 0, ""),
        ("amy", 3, 2, ""),
    ]
    assert read_rehearsed(data) == third
    assert list((data / "tmp").iterdir()) == []
    (line,) = _of_rehearsal(config.current.static, "repo")
    assert line.grade == "note"
    assert "test restore works: account amy" in line.text
    assert await notices(accounts) == 0


async def test_a_restore_that_fails_is_told(config: ConfigHolder, accounts: Accounts, tmp_path: Path) -> None:
    """STORE-187a: to the postmaster once a day, and by the doctor as an error."""
    target = tmp_path / "repo"
    commands = BackupCommands(config=config, accounts=accounts)
    rehearsal = Rehearsal(Backup(schedule=1.0, target=target), commands=commands, config=config, accounts=accounts)
    await commands.make_alone(BackUp(str(target), repo=True))
    for pack in (target / PACK).rglob("*.pack"):
        octets = bytearray(pack.read_bytes())
        octets[len(octets) // 3 : len(octets) // 2] = bytes(len(octets) // 2 - len(octets) // 3)
        pack.chmod(0o600)
        pack.write_bytes(octets)
    problems: list[str] = []
    for _ in range(2):
        found = await rehearsal.once()
        assert found is not None
        assert found.problem
        problems.append(found.problem)
    assert await notices(accounts) == 1
    (line,) = _of_rehearsal(config.current.static, "repo")
    assert line.grade == "error"
    assert problems[-1] in line.text


async def test_an_encrypted_repository_needs_an_identity(
    config: ConfigHolder, accounts: Accounts, tmp_path: Path
) -> None:
    """STORE-187a: without one nothing is tried, and the doctor says so."""
    pyrage = pytest.importorskip("pyrage")
    identity = pyrage.x25519.Identity.generate()
    key = tmp_path / "key.txt"
    key.write_text(f"{identity}\n")
    target = tmp_path / "repo"
    commands = BackupCommands(config=config, accounts=accounts)
    await commands.make_alone(BackUp(str(target), repo=True, recipients=[str(identity.to_public())]))
    settings = Backup(schedule=1.0, target=target)
    found = await Rehearsal(settings, commands=commands, config=config, accounts=accounts).once()
    assert found is not None
    assert found.unreadable
    (line,) = _of_rehearsal(config.current.static, "repo")
    assert line.grade == "note"
    assert "encrypted" in line.text
    settings = Backup(schedule=1.0, target=target, rehearsal_identity=key)
    found = await Rehearsal(settings, commands=commands, config=config, accounts=accounts).once()
    assert found is not None
    assert (found.account, found.messages, found.problem) == ("amy", 3, "")


async def test_a_disk_without_room_is_left_alone(
    config: ConfigHolder, accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-187a: a rehearsal does not fill the disk of the mail."""
    target = tmp_path / "repo"
    commands = BackupCommands(config=config, accounts=accounts)
    await commands.make_alone(BackUp(str(target), repo=True))
    monkeypatch.setattr("moxlite.admin.backup.rehearsal.shutil.disk_usage", lambda _: type("Usage", (), {"free": 100}))
    rehearsal = Rehearsal(Backup(schedule=1.0, target=target), commands=commands, config=config, accounts=accounts)
    found = await rehearsal.once()
    assert found is not None
    assert "not enough space" in found.problem


async def test_nothing_is_rehearsed_without_a_snapshot(
    config: ConfigHolder, accounts: Accounts, tmp_path: Path
) -> None:
    """STORE-187a: a repository that is missing is a fault; one without snapshots is not."""
    target = tmp_path / "repo"
    commands = BackupCommands(config=config, accounts=accounts)
    rehearsal = Rehearsal(Backup(schedule=1.0, target=target), commands=commands, config=config, accounts=accounts)
    found = await rehearsal.once()
    assert found is not None
    assert "isn't a backup repository" in found.problem
    assert isinstance(read_rehearsed(config.current.static.data_dir), RehearsalResult)


async def test_a_repository_without_a_snapshot_is_looked_at_once_a_day(
    config: ConfigHolder, accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-187a: nothing is saved then, and the next look is not at once."""
    create_repository(Folder(tmp_path / "repo"), config.current.static.data_dir)
    monkeypatch.setattr("moxlite.admin.backup.rehearsal.FIRST", 0.0)
    commands = BackupCommands(config=config, accounts=accounts)
    settings = Backup(schedule=1.0, target=tmp_path / "repo")
    rehearsal = Rehearsal(settings, commands=commands, config=config, accounts=accounts)
    looks: list[object] = []
    once = rehearsal.once

    async def counted() -> RehearsalResult | None:
        looks.append(None)
        return await once()

    monkeypatch.setattr(rehearsal, "once", counted)
    with trio.move_on_after(0.5):
        await rehearsal.serve()
    assert len(looks) == 1
