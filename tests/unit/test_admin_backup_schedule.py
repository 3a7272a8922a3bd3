"""Scheduled backups and the notice when they fail (docs/spec/store.md, STORE-187)."""

import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
import trio

from moxlite.admin.backup.backups import BackupCommands
from moxlite.admin.backup.schedule import BackupSchedule, SampleResult, read_sampled
from moxlite.admin.doctor.backups import _of_clock, _of_sample
from moxlite.admin.storage.settings import store_options
from moxlite.config.holder import ConfigHolder
from moxlite.config.load import ConfigError, load
from moxlite.config.static import Backup
from moxlite.operations.server import BackUp
from moxlite.store import metrics
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.backup.keys import make_key
from moxlite.store.backup.packs import is_encrypted, snapshot_id, time_of
from moxlite.store.backup.repository import Repository, create_repository
from moxlite.store.backup.storage import Folder
from moxlite.store.errors import RemovalForbidden
from moxlite.store.rows.mailboxes import mailbox_by_name
from tests.tools import eventually

DAY = 86_400

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


@asynccontextmanager
async def serving(config: ConfigHolder, target: Path) -> AsyncIterator[Accounts]:
    """The schedule, once a day, serves as long as the block lasts."""
    accounts = Accounts(config.current.static.data_dir, store_options(config))
    async with accounts.use("bob"):
        pass
    commands = BackupCommands(config=config, accounts=accounts)
    settings = Backup(schedule=float(DAY), target=target)
    schedule = BackupSchedule(settings, commands=commands, config=config, accounts=accounts)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(schedule.serve)
        yield accounts
        nursery.cancel_scope.cancel()


async def test_snapshots_are_made_and_counted_as_success(config: ConfigHolder, tmp_path: Path) -> None:
    """STORE-187: at once when there is none yet, and not again before its time, also not after a restart."""
    target = tmp_path / "repo"
    metrics.BACKUP_LAST_SUCCESS.set(0)
    for _ in range(2):
        async with serving(config, target) as accounts:
            await eventually(lambda: metrics.BACKUP_LAST_SUCCESS.value > 0, what="a success")
            assert len(Repository(Folder(target)).ids()) == 1
            await trio.sleep(0.1)  # for what must not come
        assert len(Repository(Folder(target)).ids()) == 1
        metrics.BACKUP_LAST_SUCCESS.set(0)
    assert await notices(accounts) == 0


async def test_a_clock_that_was_ahead_stops_no_backups(
    config: ConfigHolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-187, STORE-187b: the machine ran once a year ahead, its last right backup is two days old."""
    target, data = tmp_path / "repo", config.current.static.data_dir
    async with serving(config, target):
        await eventually(lambda: read_sampled(data) is not None, what="a sample")
    (first,) = (target / "snapshots").iterdir()
    ahead = time_of(first.name) + 365 * DAY * 10**6
    first.rename(first.with_name(snapshot_id(ahead)))
    shutil.copy(first.with_name(snapshot_id(ahead)), first.with_name(snapshot_id(ahead - 367 * DAY * 10**6)))
    future = time.time() + 365 * DAY
    (data / "backup-sample.json").write_bytes(
        msgspec.json.encode(SampleResult(future, snapshot_id(ahead), partial=True, good=future))
    )
    (clock,) = _of_clock(config.current.static, "repo")
    assert (clock.grade, clock.code) == ("warning", "backup-clock")
    async with serving(config, target):
        await eventually(lambda: len(Repository(Folder(target)).ids()) == 3, what="a scheduled backup")
        await eventually(lambda: read_sampled(data).at < future, what="a sample")  # type: ignore[union-attr]
    newest = Repository(Folder(target)).ids()[-1]
    assert abs(time_of(newest) / 1e6 - time.time()) < DAY
    (clock,) = _of_clock(config.current.static, "repo")
    assert snapshot_id(ahead) in clock.text
    assert newest not in clock.text


async def test_a_failure_is_told_once_and_again_after_two_intervals(
    config: ConfigHolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-187: to the postmaster, and then each day; in the log each time; tried again soon."""
    (tmp_path / "repo").write_text("a file")
    monkeypatch.setattr("moxlite.admin.backup.schedule.RETRY", 0.01)
    now = 20_000.5 * DAY
    clock = SimpleNamespace(time=lambda: now, strftime=time.strftime, gmtime=time.gmtime)
    monkeypatch.setattr("moxlite.admin.backup.schedule.time", clock)
    monkeypatch.setattr("moxlite.wakeup.time", clock)
    async with serving(config, tmp_path / "repo") as accounts:
        for told, days in ((1, 0), (1, 1), (2, 1.5), (3, 1)):
            now += days * DAY
            caplog.clear()
            # The first of these may have begun before the clock was set, and what is told comes behind the log.
            await eventually(lambda: caplog.text.count("scheduled backup failed") > 2, what="failures")
            assert await notices(accounts) == told


async def test_a_sample_of_each_backup_is_read_back(
    config: ConfigHolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-184d, STORE-187b: the doctor tells it; one that cannot be read is an error, and the postmaster hears of it.
    Snapshots that must stay (STORE-184e) are a note, and no failure of the backup.
    """
    data = config.current.static.data_dir
    async with serving(config, tmp_path / "repo") as accounts:
        await eventually(lambda: read_sampled(data) is not None, what="a sample")
        (line,) = _of_sample(config.current.static, "repo")
        assert (line.grade, line.code) == ("note", "backup-sample")
        assert "contents verified" in line.text
        assert await notices(accounts) == 0
    (data / "backup-sample.json").unlink()
    (pack,) = (tmp_path / "repo/packs").glob("*.pack")
    for old in (tmp_path / "repo/snapshots").iterdir():
        old.rename(old.with_name("20200101T000000.000000Z"))
    octets = pack.read_bytes()
    pack.write_bytes(octets[:8] + bytes(len(octets) // 2) + octets[8 + len(octets) // 2 :])

    def forbidden(*_: object, **__: object) -> None:
        raise RemovalForbidden("repo: couldn't remove 1 old snapshot: Operation not permitted")

    monkeypatch.setattr(Repository, "prune", forbidden)
    async with serving(config, tmp_path / "repo") as accounts:
        await eventually(lambda: read_sampled(data) is not None, what="a sample")
        bad, kept = _of_sample(config.current.static, "repo")
        assert (bad.grade, kept.grade, kept.code) == ("error", "note", "backup-kept")
        assert "can't read a backup sample" in bad.text
        with trio.fail_after(10):
            while await notices(accounts) != 1:  # noqa: ASYNC110 - what comes is a message
                await trio.sleep(0.02)


async def test_a_place_that_goes_away_after_a_backup_is_no_failure(
    config: ConfigHolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-184d: the snapshot was made, so no other one is made for it, and nobody is told."""

    def away(*_: object) -> None:
        raise ConnectionError(111, "nas.example does not answer")

    monkeypatch.setattr("moxlite.admin.backup.schedule.sample", away)
    monkeypatch.setattr("moxlite.admin.backup.schedule.RETRY", 0.01)
    async with serving(config, tmp_path / "repo") as accounts:
        await eventually(lambda: "failed to read a backup sample" in caplog.text, what="a line of the log")
        await trio.sleep(0.1)  # for what must not come
        assert len(Repository(Folder(tmp_path / "repo")).ids()) == 1
        assert await notices(accounts) == 0


async def test_a_snapshot_that_lacks_something_is_no_success(
    config: ConfigHolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-187: not after a restart either; the pauses between tries grow, for each makes a snapshot."""
    monkeypatch.setattr("moxlite.admin.backup.schedule.RETRY", 0.1)
    metrics.BACKUP_LAST_SUCCESS.set(0)
    data = config.current.static.data_dir
    broken = data / "accounts/zoe/account.db"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no database" * 1000)
    repository = tmp_path / "repo"
    async with serving(config, repository):
        await eventually(lambda: "scheduled backup failed" in caplog.text, what="a failure")
        await trio.sleep(1)  # for what must not come
        assert 2 <= len(Repository(Folder(repository)).ids()) <= 4
    assert metrics.BACKUP_LAST_SUCCESS.value == 0
    broken.unlink()
    broken.parent.rmdir()
    async with serving(config, repository):
        await eventually(lambda: metrics.BACKUP_LAST_SUCCESS.value > 0, what="a success at once")
        good = metrics.BACKUP_LAST_SUCCESS.value
        await eventually(lambda: getattr(read_sampled(data), "partial", True) is False, what="a sample")
    metrics.BACKUP_LAST_SUCCESS.set(0)
    async with serving(config, repository):
        await eventually(lambda: metrics.BACKUP_LAST_SUCCESS.value > 0, what="the time of the last success")
    assert abs(metrics.BACKUP_LAST_SUCCESS.value - good) < 10


async def test_old_snapshots_that_cannot_be_removed_make_no_new_ones(
    config: ConfigHolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-187: the backup has succeeded, and the next one comes at its time; the reason is told. Nothing is to be
    removed without the key of a repository, however that was encrypted.
    """
    monkeypatch.setattr("moxlite.admin.backup.schedule.RETRY", 0.01)
    repository = Folder(tmp_path / "repo")
    create_repository(repository, config.current.static.data_dir, passphrase="x")
    async with serving(config, tmp_path / "repo") as accounts:
        await eventually(lambda: read_sampled(config.current.static.data_dir) is not None, what="a sample")
        await trio.sleep(0.2)  # for what must not come
        assert len(repository.list("snapshots")) == 1
        assert await notices(accounts) == 0
    create_repository(Folder(tmp_path / "plain"), config.current.static.data_dir)
    (tmp_path / "plain/snapshots/20200101T000000.000000Z").write_text("damaged")
    async with serving(config, tmp_path / "plain") as accounts:
        await eventually(lambda: "scheduled backup failed" in caplog.text, what="the reason")
        (failure,) = [one for one in caplog.records if one.getMessage() == "scheduled backup failed"]
        assert "couldn't delete old ones: the manifest is damaged" in failure.__dict__["kv"]["err"]
        await trio.sleep(0.2)  # for what must not come
        assert len(Folder(tmp_path / "plain").list("snapshots")) == 2


async def test_a_target_by_another_name_is_encrypted_as_it_is_set(config: ConfigHolder, tmp_path: Path) -> None:
    """STORE-184: `encrypt_to` counts where `backup.target` has a link or `..` in it; a repository that was made before,
    and is in clear, is told.
    """
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    accounts = Accounts(config.current.static.data_dir, store_options(config))
    _, recipient = make_key()
    for target in ("../link/repo", "../disk/plain"):
        if target.endswith("plain"):
            create_repository(Folder(tmp_path / "disk/plain"), config.current.static.data_dir)
        backup = f'[backup]\nschedule = "24h"\ntarget = "{target}"\nencrypt_to = ["{recipient}"]\n'
        config.path.write_text(STATIC + backup)
        changed = ConfigHolder.open(config.path)[0]
        commands = BackupCommands(config=changed, accounts=accounts)
        done = await commands.make_alone(BackUp(str(changed.current.static.backup.target), repo=True))
        told = any("isn't encrypted because it was created before" in line for line in done.warnings)
        assert is_encrypted(Folder(tmp_path / target.removeprefix("../"))) is not told
        assert told is target.endswith("plain")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('backup.schedule = "24h"', "requires target"),
        ('backup.target = "/mnt/backup"', "requires schedule"),
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
