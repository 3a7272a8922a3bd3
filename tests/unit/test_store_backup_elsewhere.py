"""Backups on another machine: limit of uploads, samples, storage that forbids removal (STORE-184c to e)."""

import os
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import trio

from moxlite.config.load import ConfigError, load
from moxlite.net.storage import objectstore
from moxlite.net.storage.locking import LOOK
from moxlite.net.storage.objectstore import ObjectStore
from moxlite.net.storage.sftp import SFTP
from moxlite.process.backuptargets import reach_fault
from moxlite.proto.sshurl import parse_object_url, parse_ssh_url
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.backup.layout import Source
from moxlite.store.backup.repository import Repository, create_repository
from moxlite.store.backup.storage import Folder
from moxlite.store.errors import RemovalForbidden, RepositoryError
from moxlite.store.options import Options
from tests.objectstorage import Bucket, serving
from tests.store_fixtures import accounts
from tests.store_mail import deliver_mail

__all__ = ["accounts", "store_options"]

URL = parse_object_url("s3://backups/mail")


@pytest.fixture
def store_options() -> Options:
    return Options(min_free_space=0)


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serving() as found:
        yield found


@pytest.fixture
def source(tmp_path: Path) -> Source:
    (tmp_path / "config").mkdir()
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "config/moxlite.toml").write_text("hostname = 'mx.example'\n")
    return Source(tmp_path / "data", tmp_path / "config", frozenset({"mia"}))


def store(bucket: Bucket, tmp_path: Path, **options: int) -> ObjectStore:
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    return ObjectStore(URL, scratch, keys=bucket.keys, owner="one", pauses=(), upload_limit=options.get("limit", 0))


def key() -> tuple[str, str]:
    pyrage = pytest.importorskip("pyrage")
    identity = pyrage.x25519.Identity.generate()
    return str(identity), str(identity.to_public())


async def filled(accounts: Accounts, source: Source, repository: Repository, count: int = 20) -> None:
    async with accounts.use("mia") as mia:
        for number in range(count):
            await deliver_mail(
                mia, b"From: <a@b.example>\r\nSubject: %d\r\n\r\n" % number + os.urandom(3000).hex().encode() + b"\r\n"
            )
    report = await trio.to_thread.run_sync(partial(repository.back_up, source))
    assert report.errors == []


def test_files_for_object_storage_are_sent_as_slowly_as_the_limit_says(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-184c: 20 MB at 1 MB a second take 20 s of waiting, in pieces in which a cancelled backup ends."""
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        assert seconds <= LOOK
        now += seconds

    storage = store(bucket, tmp_path, limit=1_000_000)
    monkeypatch.setattr(objectstore, "time", SimpleNamespace(monotonic=lambda: now, sleep=sleep, time=lambda: 0.0))
    octets = os.urandom(20_000_000)
    file = storage.staging / "file"
    file.write_bytes(octets)
    storage.add("packs/one.pack", file)
    assert bucket.objects["mail/packs/one.pack"] == octets
    assert 19.9 <= now <= 20.1


def test_the_limit_is_handed_to_sftp_for_what_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-184c: as thousands of bits a second; not for what is read."""
    (tmp_path / "sftp").write_text(f"#!/bin/sh\necho $@ >>{tmp_path}/said\ncat >/dev/null\n")
    (tmp_path / "sftp").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    storage = SFTP(parse_ssh_url("ssh://nas.example/srv"), scratch, pauses=(), upload_limit=1_000_000)
    storage.write("snapshots/one", b"x")
    storage.list("packs")
    sent, listed = (tmp_path / "said").read_text().splitlines()
    assert " -l 8000 " in sent
    assert " -l " not in listed


def test_names_that_no_object_has_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-184a: one could be a pattern, which removes all, or break the batch; a folder is no object."""
    line = "{kind}rw------- 1 0 0 7 Jan  1 00:00 packs/{name}"
    files = (".*.tmp", ".a b.tmp", '."".tmp', ".mine.pack.tmp", "whole.pack")
    shown = [line.format(kind="-", name=name) for name in files]
    (tmp_path / "shown").write_text("\n".join([*shown, line.format(kind="d", name=".folder.tmp")]) + "\n")
    (tmp_path / "sftp").write_text(f"#!/bin/sh\ncat >>{tmp_path}/said\ncat {tmp_path}/shown\n")
    (tmp_path / "sftp").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    SFTP(parse_ssh_url("ssh://nas.example/srv"), scratch, pauses=()).clean("packs")
    said = (tmp_path / "said").read_text().splitlines()
    assert [command for command in said if command.startswith("rm")] == ["rm packs/.mine.pack.tmp"]


def test_a_limit_that_is_too_low_is_refused(tmp_path: Path) -> None:
    """STORE-184c: the lock would be taken over before a pack is there."""
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "moxlite.toml").write_text(
        'hostname = "mx.example"\n[postmaster]\naccount = "bob"\nmailbox = "P"\n'
        '[listeners.local]\nips = ["127.0.0.1"]\n[backup]\nupload_limit = "15k"\n'
    )
    (folder / "domains.toml").write_text("")
    with pytest.raises(ConfigError, match="at least 16k"):
        load(folder / "moxlite.toml")


def samples(repository: Repository) -> None:
    for seed in range(20):
        repository.sample(random.Random(seed))


async def test_a_sample_is_read_back(accounts: Accounts, source: Source, bucket: Bucket, tmp_path: Path) -> None:
    """STORE-184d: with a key it is compared; without one it is seen that it is there and encrypted. A pack with other
    octets, one that is cut short, and one that is missing are found.
    """
    identity, recipient = key()
    storage = store(bucket, tmp_path)
    create_repository(storage, source.data, recipients=(recipient,))
    blind = Repository(storage, data=source.data)
    await filled(accounts, source, blind)
    seen = blind.sample(random.Random(1))
    assert (seen.snapshot, seen.compared) == (blind.ids()[-1], False)
    assert seen.blocks > 0
    knowing = Repository(storage, data=source.data, identity=identity)
    read = knowing.sample(random.Random(1))
    assert read.compared
    assert read.blocks > 0
    storage.close()
    (name,) = [one for one in bucket.objects if one.endswith(".pack")]
    whole = bucket.objects[name]
    bucket.objects[name] = whole[:8] + bytes(len(whole) // 2) + whole[8 + len(whole) // 2 :]
    for repository in (blind, knowing):
        with pytest.raises(RepositoryError, match=r"damaged|can't decrypt"):
            samples(repository)  # some of the blocks are not in the half that is damaged
        storage.close()
    bucket.objects[name] = whole[:-5]
    with pytest.raises(RepositoryError, match="damaged"):
        blind.sample(random.Random(1))
    storage.close()
    del bucket.objects[name]
    with pytest.raises(RepositoryError, match="missing"):
        knowing.sample(random.Random(1))


async def test_storage_that_forbids_removal_keeps_old_snapshots(
    accounts: Accounts, source: Source, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-184e: the backup is made, nothing is written anew, the error says what stays, and the next server of the
    same data directory writes at once.
    """
    identity, recipient = key()
    storage = store(bucket, tmp_path)
    create_repository(storage, source.data, recipients=(recipient,))
    repository = Repository(storage, data=source.data, identity=identity)
    for _ in range(3):
        await filled(accounts, source, repository, 3)
    bucket.keeping = True
    await filled(accounts, source, repository, 3)
    before = {name for name in bucket.objects if not name.endswith("locked")}
    for _ in range(2):
        with pytest.raises(
            RemovalForbidden, match=r"couldn't remove 3 old snapshots: .*doesn't allow deleting objects"
        ):
            repository.prune(keep_daily=0, keep_weekly=0)
    assert {name for name in bucket.objects if not name.endswith("locked")} == before
    assert repository.verify(deep=True) == []
    assert "mail/locked" in bucket.objects
    await filled(accounts, source, Repository(store(bucket, tmp_path), data=source.data), 1)
    bucket.keeping = False
    repository.prune(keep_daily=0, keep_weekly=0)
    assert len(repository.ids()) == 1


async def test_a_folder_that_forbids_removal_keeps_old_snapshots(
    accounts: Accounts, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-184e: as storage does."""
    create_repository(Folder(tmp_path / "repo"), source.data)
    repository = Repository(Folder(tmp_path / "repo"), data=source.data)
    for _ in range(2):
        await filled(accounts, source, repository, 3)

    def refused(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refused)
        with pytest.raises(RemovalForbidden, match="couldn't remove 1 old snapshot: Operation not permitted"):
            repository.prune(keep_daily=0, keep_weekly=0)
    assert repository.verify(deep=True) == []
    repository.prune(keep_daily=0, keep_weekly=0)
    assert len(repository.ids()) == 1


def test_the_trial_of_config_test_passes_where_removal_is_forbidden(bucket: Bucket, tmp_path: Path) -> None:
    """STORE-184e: the server can write there, and that is what is asked."""
    keys = tmp_path / "keys"
    keys.write_text("".join(f"{name} = {value}\n" for name, value in bucket.keys.items()))
    bucket.keeping = True
    from moxlite.config.static import Backup

    settings = Backup(target=URL, schedule=1.0, storage_keys_file=keys)
    assert reach_fault(URL, settings, Path.read_bytes) == ""
