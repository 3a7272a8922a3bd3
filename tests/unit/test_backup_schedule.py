"""Scheduled backups and the notice when they fail (docs/spec/store.md, STORE-187)."""

from pathlib import Path

import pytest
import trio

from moxlite.admin.backups import BackupCommands
from moxlite.admin.backupschedule import BackupSchedule
from moxlite.admin.storage import store_options
from moxlite.config.holder import ConfigHolder
from moxlite.config.load import ConfigError, load
from moxlite.config.static import Backup
from moxlite.store import metrics
from moxlite.store.accounts import Accounts
from moxlite.store.backup.repository import Repository
from moxlite.store.reading import mailbox_by_name

STATIC = """
hostname = "mx.example.org"
data_dir = "../data"
store.min_free_space = "0"
[postmaster]
account = "bob"
mailbox = "Postmaster"
[listeners.local]
ips = ["127.0.0.1"]
"""
DOMAINS = """
[domains."example.org"]
[accounts.bob]
domain = "example.org"
[accounts.bob.destinations."bob@example.org"]
"""


@pytest.fixture
def config(tmp_path: Path) -> ConfigHolder:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "moxlite.toml").write_text(STATIC)
    (folder / "domains.toml").write_text(DOMAINS)
    (tmp_path / "data" / "tmp").mkdir(parents=True)
    return ConfigHolder.open(folder / "moxlite.toml")[0]


async def notices(accounts: Accounts) -> int:
    async with accounts.use("bob") as account:
        found = await account.read(lambda r: mailbox_by_name(r, "Postmaster"), op="test")
        return 0 if found is None else found.total


async def run(config: ConfigHolder, settings: Backup, seconds: float) -> Accounts:
    """Serve the schedule for some (mocked) time."""
    accounts = Accounts(config.current.static.data_dir, store_options(lambda: config.current))
    async with accounts.use("bob"):
        pass
    commands = BackupCommands(config=config, accounts=accounts)
    schedule = BackupSchedule(settings, commands=commands, config=config, accounts=accounts)
    with trio.move_on_after(seconds):
        await schedule.serve()
    return accounts


async def test_snapshots_are_made_and_counted_as_success(config: ConfigHolder, tmp_path: Path) -> None:
    """STORE-187: at once when there is none yet, and not again before its time, also not after a restart."""
    target = tmp_path / "repo"
    metrics.BACKUP_LAST_SUCCESS.set(0)
    accounts = await run(config, Backup(schedule=86_400.0, target=target), 1.0)
    assert len(Repository(target).ids()) == 1
    assert metrics.BACKUP_LAST_SUCCESS._value.get() > 0
    metrics.BACKUP_LAST_SUCCESS.set(0)
    await run(config, Backup(schedule=86_400.0, target=target), 0.3)
    assert len(Repository(target).ids()) == 1
    assert metrics.BACKUP_LAST_SUCCESS._value.get() > 0
    assert await notices(accounts) == 0


async def test_a_failure_is_told_once(
    config: ConfigHolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-187: to the postmaster and in the log; tried again soon."""
    (tmp_path / "repo").write_text("a file")
    monkeypatch.setattr("moxlite.admin.backupschedule.RETRY", 0.02)
    accounts = await run(config, Backup(schedule=86_400.0, target=tmp_path / "repo"), 1.0)
    assert caplog.text.count("scheduled backup failed") > 1
    assert await notices(accounts) == 1


async def test_without_success_for_two_intervals_it_is_told_again(
    config: ConfigHolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-187."""
    (tmp_path / "repo").write_text("a file")
    monkeypatch.setattr("moxlite.admin.backupschedule.RETRY", 0.02)
    accounts = await run(config, Backup(schedule=0.2, target=tmp_path / "repo"), 1.0)
    assert await notices(accounts) == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('backup.schedule = "24h"', "needs target"),
        ('backup.target = "/mnt/backup"', "needs schedule"),
        ('backup = { schedule = "1m", target = "/mnt/backup" }', "at least 10m"),
        ('backup = { schedule = "24h", target = "../data/backup" }', "inside data_dir"),
        ("backup.keep_daily = -1", "negative"),
    ],
)
def test_settings_that_make_no_sense_are_refused(config: ConfigHolder, text: str, problem: str) -> None:
    """STORE-187."""
    config.path.write_text(f"{text}\n{STATIC}")
    with pytest.raises(ConfigError, match=problem):
        load(config.path)
