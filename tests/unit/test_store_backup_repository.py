"""Incremental repositories of snapshots (docs/spec/store.md, STORE-183, STORE-184)."""

import errno
import hashlib
import os
import random
import shutil
import time
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import BinaryIO
from unittest.mock import Mock

import apsw
import pytest
import trio

import moxlite.store.backup.blocks
import moxlite.store.backup.making
import moxlite.store.backup.packs
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.backup.blocks import BLOCK, Blocks
from moxlite.store.backup.copying import snapshot
from moxlite.store.backup.layout import INCOMPLETE, Report, Source
from moxlite.store.backup.packs import kept_ids, next_id, order_of, snapshot_id, time_of
from moxlite.store.backup.repository import Repository, create_repository
from moxlite.store.backup.storage import Folder
from moxlite.store.backup.verify import verify
from moxlite.store.errors import BackupCancelled, BackupError, BadTarget, RepositoryError
from moxlite.store.options import Options
from moxlite.store.recover.rebuild import recover
from tests.store_fixtures import unserved
from tests.store_mail import deliver_mail, mail, put

__all__ = ["store_options", "unserved"]


@pytest.fixture
def store_options() -> Options:
    return Options(min_free_space=0)


@pytest.fixture
def accounts(unserved: Accounts) -> Accounts:
    """Accounts that change by what a test does alone: what is equal in two backups is stored once."""
    return unserved


@pytest.fixture
def source(tmp_path: Path) -> Source:
    config = tmp_path / "config"
    config.mkdir()
    (config / "moxlite.toml").write_text("hostname = 'mx.example'\n")
    return Source(tmp_path / "data", config, frozenset({"mia", "ben"}))


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    create_repository(Folder(tmp_path / "repo"), tmp_path / "data")
    return tmp_path / "repo"


async def back_up(repository: Repository, source: Source) -> Report:
    report = await trio.to_thread.run_sync(partial(repository.back_up, source))
    assert report.errors == []
    return report


def packs(repo: Path) -> list[Path]:
    return sorted((repo / "packs").iterdir())


async def test_a_snapshot_is_extracted_as_a_full_backup(
    accounts: Accounts, source: Source, repo: Path, tmp_path: Path
) -> None:
    """STORE-183."""
    async with accounts.use("mia") as account:
        await put(account, 50)
        await back_up(Repository(Folder(repo)), source)
        await put(account, 50, first=100)
    Repository(Folder(repo)).extract(tmp_path / "out")
    found = verify(tmp_path / "out", deep=True)
    assert (found.problems, found.messages) == ([], 50)
    assert (tmp_path / "out/config/moxlite.toml").read_text() == "hostname = 'mx.example'\n"
    assert Repository(Folder(repo)).verify(deep=True) == []
    (info,) = Repository(Folder(repo)).snapshots()
    assert info.files == 2


async def test_a_second_snapshot_stores_little_more_than_what_changed(
    accounts: Accounts, source: Source, repo: Path, tmp_path: Path
) -> None:
    """STORE-183, ADMIN-84: each version can be restored."""
    async with accounts.use("mia") as account:
        await put(account, 1000)
        first = await back_up(Repository(Folder(repo)), source)
        await put(account, 10, first=5000)
        second = await back_up(Repository(Folder(repo)), source)
    # Mails of a few hundred octets are the worst case: nearly all that changes is pages of indices.
    assert second.stored < first.octets * 0.05
    for number, messages in ((0, 1000), (1, 1010)):
        repository = Repository(Folder(repo))
        repository.extract(tmp_path / str(number), snapshot_id=repository.ids()[number])
        found = verify(tmp_path / str(number), deep=True)
        assert (found.problems, found.messages) == ([], messages)


async def test_unchanged_databases_are_not_read_again(
    accounts: Accounts, source: Source, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-183: by the times of file and log, once they are old enough to tell."""
    for name in ("mia", "ben"):
        async with accounts.use(name) as account:
            await put(account, 3)
    await accounts.aclose()
    for path in (source.data / "accounts").rglob("account.db*"):
        os.utime(path, (1, 1))
    monkeypatch.setattr("moxlite.store.backup.copying.SETTLED", 0)
    await back_up(Repository(Folder(repo)), source)
    monkeypatch.setattr("moxlite.store.backup.making.copy_pages", Mock(side_effect=AssertionError("read again")))
    report = await back_up(Repository(Folder(repo)), source)
    assert report.databases == 2


async def test_blocks_that_were_lost_are_stored_anew(
    accounts: Accounts, source: Source, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-183: also blocks of a database that has not changed, so that a snapshot lacks none."""
    async with accounts.use("mia") as account:
        await put(account, 3)
    await accounts.aclose()
    for path in (source.data / "accounts").rglob("account.db*"):
        os.utime(path, (1, 1))
    monkeypatch.setattr("moxlite.store.backup.copying.SETTLED", 0)
    await back_up(Repository(Folder(repo)), source)
    for pack in packs(repo):
        pack.unlink()
    await back_up(Repository(Folder(repo)), source)
    assert Repository(Folder(repo)).verify(deep=True) == []


@pytest.mark.parametrize("cut", [None, 0, 100, -30])
@pytest.mark.parametrize("changed", [True, False])
async def test_a_delta_whose_base_was_lost_is_stored_anew(
    accounts: Accounts,
    source: Source,
    repo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cut: int | None,
    changed: bool,
) -> None:
    """STORE-183: its own octets are there, but it cannot be read. A restored database that has not changed is read."""
    async with accounts.use("mia") as account:
        await put(account, 300)
        await back_up(Repository(Folder(repo)), source)
        (first,) = packs(repo)
        await put(account, 5, first=500)
    await accounts.aclose()
    monkeypatch.setattr("moxlite.store.backup.copying.SETTLED", 0)
    for path in (source.data / "accounts").rglob("account.db*"):
        os.utime(path, (1, 1))
    await back_up(Repository(Folder(repo)), source)
    octets = first.read_bytes()
    first.unlink()
    if cut is not None:
        first.write_bytes(octets[:cut])
    with pytest.raises(RepositoryError, match=r"missing blocks|is damaged"):
        Repository(Folder(repo)).sample(random.Random(1))
    if changed:
        for path in (source.data / "accounts").rglob("account.db"):
            os.utime(path)
    report = await back_up(Repository(Folder(repo)), source)
    assert any("couldn't read" in line for line in report.warnings)
    first.unlink(missing_ok=True)
    repository = Repository(Folder(repo))
    assert [line for line in repository.verify(deep=True) if repository.ids()[-1] in line] == []
    repository.extract(tmp_path / "out")
    found = verify(tmp_path / "out", deep=True)
    assert (found.problems, found.messages) == ([], 305)
    # What was stored anew stays the one that is read, should the lost pack come back, and when packs are written anew.
    first.write_bytes(octets)
    assert Repository(Folder(repo)).verify(deep=True) == []
    Repository(Folder(repo)).prune(keep_daily=1, keep_weekly=0)
    assert Repository(Folder(repo)).verify(deep=True) == []


async def test_a_snapshot_that_is_made_during_a_check_is_no_damage(
    accounts: Accounts, source: Source, repo: Path
) -> None:
    """STORE-183: `backup verify --deep` takes long, and needs no lock."""
    async with accounts.use("mia") as account:
        await put(account, 3)
        await back_up(Repository(Folder(repo)), source)
        await put(account, 3, first=100)

        def tell(line: str) -> None:
            if line.endswith("packs"):
                Repository(Folder(repo)).back_up(source)

        found = await trio.to_thread.run_sync(partial(Repository(Folder(repo)).verify, deep=True, tell=tell))
    assert (found, len(Repository(Folder(repo)).ids())) == ([], 2)


async def test_the_next_snapshot_removes_what_one_that_was_killed_has_left(
    accounts: Accounts, source: Source, repo: Path
) -> None:
    """STORE-184a."""
    left = [repo / name / ".20260101T000000.000000Z.tmp" for name in ("packs", "signatures", "snapshots")]
    for path in left:
        path.write_text("truncated")
    async with accounts.use("mia"):
        await back_up(Repository(Folder(repo)), source)
    assert not any(path.exists() for path in left)


async def test_a_change_right_before_the_snapshot_is_not_overlooked(
    accounts: Accounts, source: Source, repo: Path
) -> None:
    """STORE-183: times too near to the snapshot tell nothing."""
    async with accounts.use("mia") as account:
        await put(account, 1)
        repository = Repository(Folder(repo))
        await back_up(repository, source)
        assert all(
            entry.stamp is None or not entry.stamp.unchanged(entry.stamp) for entry in repository.manifest().entries
        )


async def test_only_an_account_that_is_gone_is_left_out_without_an_error(
    accounts: Accounts, source: Source, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-143, STORE-183: not one for which a file of the repository was missing."""
    for name in ("ben", "mia", "zoe"):
        async with accounts.use(name) as account:
            await put(account, 1)
    await accounts.aclose()

    def failing(path: Path) -> AbstractContextManager[apsw.Connection]:
        if path.parent.name == "ben":
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if path.parent.name == "zoe":
            shutil.rmtree(path.parent)
        return snapshot(path)

    monkeypatch.setattr(moxlite.store.backup.making, "snapshot", failing)
    repository = Repository(Folder(repo))
    report = await trio.to_thread.run_sync(partial(repository.back_up, source))
    (error,) = report.errors
    assert error.endswith("accounts/ben/account.db: No such file or directory")
    assert [name for name in repository.names() if name.startswith("data/accounts")] == ["data/accounts/mia/account.db"]


def test_deltas_are_small_and_their_chains_short(tmp_path: Path) -> None:
    """STORE-183: a changed page costs little more than itself, also the hundredth time."""
    (tmp_path / "repo").mkdir()
    store = Blocks(Folder(tmp_path / "repo"))
    store.begin()
    with store.opened():
        block = bytearray(os.urandom(BLOCK))
        names = [store.put(bytes(block))]
        versions = [bytes(block)]
        for number in range(30):
            start = (number % 16) * 4096
            block[start : start + 4096] = os.urandom(4096)
            names.append(store.put(bytes(block), names[-1]))
            versions.append(bytes(block))
        store.finish()
        assert store.stored < 5 * BLOCK + 30 * 2 * 4096
    with store.opened():
        assert [store.get(name) for name in names] == versions


def test_a_snapshot_of_many_packs_is_read_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-183: each is durable when it gets its name, and can be read from before that."""
    monkeypatch.setattr(moxlite.store.backup.packs, "PACK_SIZE", 3 * BLOCK)
    monkeypatch.setattr(moxlite.store.backup.packs, "SYNC", BLOCK)
    (tmp_path / "repo").mkdir()
    store = Blocks(Folder(tmp_path / "repo"))
    store.begin()
    versions = [os.urandom(BLOCK) for _ in range(50)]
    with store.opened():
        names = [store.put(block) for block in versions]
        assert [store.get(name) for name in names] == versions
        assert [store.put(block) for block in versions] == names
        store.finish()
    assert len(packs(tmp_path / "repo")) == 17
    assert store.stored == sum(path.stat().st_size for path in packs(tmp_path / "repo"))
    with store.opened():
        assert [store.get(name) for name in names] == versions
        assert sorted(store.names()) == sorted(names)


def test_after_a_sync_that_failed_no_other_one_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-183: the kernel tells of an error once; what it has not written is gone."""
    (tmp_path / "repo").mkdir()
    store = Blocks(Folder(tmp_path / "repo"))
    store.begin()
    with store.opened():
        store.put(b"x" * BLOCK)
        with monkeypatch.context() as patch:
            patch.setattr("moxlite.store.backup.packs.os.fsync", Mock(side_effect=OSError(5, "EIO")))
            with pytest.raises(OSError, match="EIO"):
                store.finish()
        with pytest.raises(OSError, match="EIO"):
            store.finish()
    assert packs(tmp_path / "repo") == []


def test_a_block_that_found_no_room_leaves_the_others_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-183: one database fails, and the snapshot goes on with the next."""
    (tmp_path / "repo").mkdir()
    store = Blocks(Folder(tmp_path / "repo"))
    store.begin()
    first, lost, last = (os.urandom(BLOCK) for _ in range(3))
    with store.opened():
        names = [store.put(first)]
        assert store._writer is not None
        file = store._writer._file
        with monkeypatch.context() as patch:
            patch.setattr(store._writer, "_file", _Full(file))
            with pytest.raises(OSError, match="No space left"):
                store.put(lost)
        assert not store.index.has(hashlib.sha256(lost).digest())
        names.append(store.put(last))
        store.finish()
    with store.opened():
        assert [store.get(name) for name in names] == [first, last]


class _Full:
    """A file that takes half of what is written."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def seek(self, at: int) -> int:
        return self.file.seek(at)

    def write(self, data: bytes) -> int:
        return self.file.write(data[: len(data) // 2])


async def test_pruning_keeps_days_and_weeks_and_all_that_they_need(
    accounts: Accounts, source: Source, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-183."""
    day = 86_400 * 10**9
    start = 1_790_000_000 * 10**9
    async with accounts.use("mia") as account:
        for number in range(12):
            await put(account, 60, first=number * 100)
            moment = start + number * day
            monkeypatch.setattr("moxlite.store.backup.repository.time.time_ns", lambda moment=moment: moment)
            await back_up(Repository(Folder(repo)), source)
            monkeypatch.undo()
    before = Repository(Folder(repo)).ids()
    pruned = Repository(Folder(repo)).prune(keep_daily=3, keep_weekly=2)
    kept = Repository(Folder(repo)).ids()
    assert kept[-3:] == before[-3:]
    assert len(kept) == 4
    assert sorted([*kept, *pruned.snapshots]) == before
    assert pruned.blocks > 0
    assert pruned.octets > 0
    assert Repository(Folder(repo)).verify(deep=True) == []
    Repository(Folder(repo)).prune(keep_daily=0, keep_weekly=0)
    assert Repository(Folder(repo)).ids() == before[-1:]
    assert Repository(Folder(repo)).verify(deep=True) == []
    assert Repository(Folder(repo)).prune(keep_daily=0, keep_weekly=0).blocks == 0


def test_a_snapshot_that_lacks_something_puts_no_whole_one_out() -> None:
    """STORE-183: it stands for a day without a whole one; the newest of both kinds stay in any case."""
    day = 86_400 * 10**6
    first = 1_790_000_000 * 10**6
    whole = [snapshot_id(first + number * day) for number in range(4)]
    lacking = [snapshot_id(first + number * day + 60 * 10**6) for number in (3, 2)]
    ids = sorted([*whole, *lacking])
    assert kept_ids(ids, lacking, keep_daily=3, keep_weekly=0) == {*whole[1:], max(lacking)}
    assert kept_ids(ids, lacking, keep_daily=0, keep_weekly=0) == {whole[-1], max(lacking)}
    later = [snapshot_id(first + number * day) for number in range(4, 9)]
    kept = kept_ids([*ids, *later], [*lacking, *later], keep_daily=3, keep_weekly=0)
    assert kept == {*whole[1:], *later[-3:]}


async def test_pruning_reads_whether_a_snapshot_is_whole(accounts: Accounts, source: Source, repo: Path) -> None:
    """STORE-183."""
    async with accounts.use("mia") as account:
        await put(account, 1)
        await back_up(Repository(Folder(repo)), source)
    broken = source.data / "accounts/zoe/account.db"
    broken.parent.mkdir()
    broken.write_bytes(b"no database" * 1000)
    for _ in range(2):
        report = await trio.to_thread.run_sync(partial(Repository(Folder(repo)).back_up, source))
        assert report.errors != []
    ids = Repository(Folder(repo)).ids()
    Repository(Folder(repo)).prune(keep_daily=14, keep_weekly=8)
    assert Repository(Folder(repo)).ids() == [ids[0], ids[2]]


async def test_an_account_of_the_last_whole_snapshot_must_be_there(
    accounts: Accounts, source: Source, repo: Path
) -> None:
    """STORE-143, STORE-183: also if all traces of it are gone; and each later snapshot without it lacks it."""
    async with accounts.use("mia") as account:
        await put(account, 1)
    await accounts.aclose()
    await back_up(Repository(Folder(repo)), source)
    shutil.rmtree(source.data / "accounts/mia")
    shutil.rmtree(source.data / "made")
    for _ in range(3):
        report = await trio.to_thread.run_sync(partial(Repository(Folder(repo)).back_up, source))
        assert [line.partition(":")[0] for line in report.errors] == [f"{source.data}/accounts/mia/account.db"]
    ids = Repository(Folder(repo)).ids()
    Repository(Folder(repo)).prune(keep_daily=1, keep_weekly=1)
    assert Repository(Folder(repo)).ids() == [ids[0], ids[-1]]
    assert Repository(Folder(repo)).manifest(ids[0]).errors == ()


async def test_a_snapshot_that_lacks_blocks_puts_no_readable_one_out(
    accounts: Accounts, source: Source, repo: Path
) -> None:
    """STORE-183."""
    async with accounts.use("mia") as account:
        await put(account, 3)
        await back_up(Repository(Folder(repo)), source)
        before = packs(repo)
        await put(account, 3, first=10)
        await back_up(Repository(Folder(repo)), source)
    for pack in set(packs(repo)) - set(before):
        pack.unlink()
    Repository(Folder(repo)).prune(keep_daily=1, keep_weekly=1)
    assert len(Repository(Folder(repo)).ids()) == 2


async def test_pruning_ends_what_one_that_was_killed_had_begun(
    accounts: Accounts, source: Source, repo: Path, tmp_path: Path
) -> None:
    """STORE-183: blocks that are in an old and in a new pack do no harm."""
    async with accounts.use("mia") as account:
        await put(account, 20)
        await back_up(Repository(Folder(repo)), source)
    (pack,) = packs(repo)
    shutil.copyfile(pack, repo / "packs" / f"{'0' * 32}.pack")
    (repo / "packs/.killed.tmp").write_bytes(b"half")
    assert Repository(Folder(repo)).verify(deep=True) == []
    pruned = Repository(Folder(repo)).prune(keep_daily=1, keep_weekly=1)
    assert (pruned.blocks, pruned.octets, len(packs(repo))) == (0, pack.stat().st_size, 1)
    assert Repository(Folder(repo)).verify(deep=True) == []


def test_packs_that_are_needed_in_part_are_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-183: one that is needed nearly whole stays; what a delta needs is kept, too."""
    for module in (moxlite.store.backup.packs, moxlite.store.backup.blocks):
        monkeypatch.setattr(module, "PACK_SIZE", 8 * BLOCK)
    (tmp_path / "repo").mkdir()
    store = Blocks(Folder(tmp_path / "repo"))
    store.begin()
    versions = [os.urandom(BLOCK) for _ in range(80)]
    with store.opened():
        names = [store.put(block) for block in versions]
        changed = versions[0][:-4096] + os.urandom(4096)
        delta = store.put(changed, names[0])
        store.finish()
    before = {path.name for path in packs(tmp_path / "repo")}
    needed = names[9:16] + names[16::3]
    with store.opened():
        store.index.use([*needed, delta])
        blocks, octets = store.sweep()
        assert blocks > 40
        assert octets > 40 * BLOCK
        # The pack with one of eight blocks in vain is not worth the writing.
        assert {path.name for path in packs(tmp_path / "repo")} & before
        assert [store.get(name) for name in needed] == [versions[names.index(name)] for name in needed]
    with store.opened():
        assert [store.get(name) for name in needed] == [versions[names.index(name)] for name in needed]
        assert store.get(delta) == changed
        assert not store.index.has(names[17])


async def test_damage_in_a_repository_is_found(accounts: Accounts, source: Source, repo: Path, tmp_path: Path) -> None:
    """STORE-183."""
    async with accounts.use("mia") as account:
        await put(account, 5)
        await back_up(Repository(Folder(repo)), source)
        (victim,) = packs(repo)
        data = victim.read_bytes()
        victim.write_bytes(data[:100] + b"wrong" + data[105:])
        assert Repository(Folder(repo)).verify(deep=False) == []
        assert "has missing or damaged blocks" in Repository(Folder(repo)).verify(deep=True)[0]
        with pytest.raises(RepositoryError, match=r"account mia .* blocks can't be read"):
            Repository(Folder(repo)).extract_account("mia", tmp_path / "account.db")
        for cut in (data[:-5], data[:100], data[:-60] + b"wrong" + data[-55:], b"", None):
            if cut is None:
                victim.unlink()
            else:
                victim.write_bytes(cut)
            problems = Repository(Folder(repo)).verify(deep=False)
            assert ("pack" in problems[0] and "is damaged" in problems[0]) == (cut is not None)
            assert "has missing" in problems[-1]
            assert Repository(Folder(repo)).prune(keep_daily=1, keep_weekly=0).blocks == 0
        # What is lost is stored again by the next snapshot.
        await back_up(Repository(Folder(repo)), source)
        assert Repository(Folder(repo)).verify(deep=True) == []
    manifest = repo / "snapshots" / Repository(Folder(repo)).ids()[0]
    manifest.write_bytes(b"?" * 100)
    assert "manifest is damaged" in Repository(Folder(repo)).verify(deep=False)[0]


@pytest.mark.parametrize("cut", [None, 0, 100, -30, "octets"])
async def test_a_damaged_snapshot_is_written_as_far_as_it_can_be_read(
    accounts: Accounts, source: Source, repo: Path, tmp_path: Path, cut: int | str | None
) -> None:
    """STORE-183: the files after a damaged one, too; accounts and files that lack something are listed."""
    async with accounts.use("mia") as account:
        await put(account, 5)
    await back_up(Repository(Folder(repo)), source)
    (sound,) = packs(repo)
    async with accounts.use("ben") as account:
        await put(account, 300)
    await accounts.aclose()
    await back_up(Repository(Folder(repo)), source)
    (victim,) = set(packs(repo)) - {sound}
    octets = victim.read_bytes()
    if cut is None:
        victim.unlink()
    else:
        at = len(octets) // 3
        victim.write_bytes(octets[:cut] if isinstance(cut, int) else octets[:at] + os.urandom(20) + octets[at + 20 :])
    lacks = Repository(Folder(repo)).extract(tmp_path / "out")
    assert lacks[0].startswith("account ben (data/accounts/ben/account.db): ")
    assert "moxlite account recover ben" in lacks[0]
    assert (tmp_path / "out" / INCOMPLETE).read_text() == "".join(f"{line}\n" for line in lacks)
    assert lacks[0] in [problem.text for problem in verify(tmp_path / "out").problems]
    damaged = tmp_path / "out/data/accounts/ben/account.db"
    assert damaged.stat().st_size == (source.data / "accounts/ben/account.db").stat().st_size
    if cut == "octets":  # all but one block, or what needs it
        assert (await trio.to_thread.run_sync(recover, "ben", damaged, tmp_path / "saved")).saved > 0
    shutil.rmtree(damaged.parent)
    (tmp_path / "out" / INCOMPLETE).unlink()
    found = verify(tmp_path / "out", deep=True)
    assert (found.problems, found.messages) == ([], 5)


@pytest.mark.parametrize("cut", [None, 0, 100, -30, "octets"])
async def test_damaged_packs_are_set_aside_and_their_blocks_stored_anew(
    accounts: Accounts, source: Source, repo: Path, tmp_path: Path, cut: int | str | None
) -> None:
    """STORE-183: without anything that can still be read being lost, and deltas of what is lost are stored anew."""
    async with accounts.use("mia") as account:
        await put(account, 300)
        await back_up(Repository(Folder(repo)), source)
        (victim,) = packs(repo)
        await put(account, 5, first=500)
    await accounts.aclose()
    await back_up(Repository(Folder(repo)), source)
    octets = victim.read_bytes()
    if cut is None:
        victim.unlink()
    else:
        at = len(octets) // 3
        victim.write_bytes(octets[:cut] if isinstance(cut, int) else octets[:at] + os.urandom(20) + octets[at + 20 :])
    lacks = Repository(Folder(repo)).verify(deep=True)
    assert lacks
    aside = Repository(Folder(repo)).set_aside()
    assert aside == ([] if cut is None else [victim.stem])
    assert not victim.exists()
    if cut is not None:
        assert (repo / "damaged" / victim.name).exists()
    # Exactly what could be read before can be read.
    left = [line for line in Repository(Folder(repo)).verify(deep=True) if line.startswith("snapshot")]
    assert left == [line for line in lacks if line.startswith("snapshot")]
    assert Repository(Folder(repo)).set_aside() == []
    await back_up(Repository(Folder(repo)), source)
    repository = Repository(Folder(repo))
    assert [line for line in repository.verify(deep=True) if repository.ids()[-1] in line] == []
    assert repository.extract(tmp_path / "out") == []
    found = verify(tmp_path / "out", deep=True)
    assert (found.problems, found.messages) == ([], 305)


async def test_a_snapshot_cut_short_is_invisible(
    accounts: Accounts, source: Source, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-183, ADMIN-68: what was finished of it is used by the next one, and the rest removed."""
    monkeypatch.setattr(moxlite.store.backup.packs, "PACK_SIZE", 1 << 20)
    async with accounts.use("mia") as account:
        await deliver_mail(account, mail(body=os.urandom(8 << 20).hex()))
        steps = 0

        def cancelled() -> bool:
            nonlocal steps
            steps += 1
            return steps > 3

        with pytest.raises(BackupCancelled):
            Repository(Folder(repo)).back_up(source, cancelled=cancelled)
        assert Repository(Folder(repo)).ids() == []
        left = packs(repo)
        assert left
        assert all(path.suffix == ".pack" for path in left)
        (repo / "packs/.killed.tmp").write_bytes(b"half")
        await back_up(Repository(Folder(repo)), source)
    assert set(left) < set(packs(repo))
    assert not (repo / "packs/.killed.tmp").exists()
    assert Repository(Folder(repo)).verify(deep=True) == []


async def test_one_process_writes_at_a_time(accounts: Accounts, source: Source, repo: Path) -> None:
    """STORE-183."""
    async with accounts.use("mia"):
        pass
    seen: list[str] = []

    def meanwhile(line: str) -> None:
        if not seen:
            seen.append(line)
            with pytest.raises(RepositoryError, match="in use by another process"):
                Repository(Folder(repo)).prune(keep_daily=1, keep_weekly=1)

    await trio.to_thread.run_sync(partial(Repository(Folder(repo)).back_up, source, tell=meanwhile))
    assert seen


def test_what_is_no_repository_is_refused(tmp_path: Path) -> None:
    """STORE-183."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(RepositoryError, match="isn't a backup repository"):
        Repository(Folder(tmp_path / "nothing"))
    with pytest.raises(BadTarget, match="isn't empty"):
        create_repository(Folder(tmp_path / "full"), tmp_path)
    create_repository(Folder(tmp_path / "repo"), tmp_path)
    (tmp_path / "repo/repository.json").write_text('{"format": 9}')
    with pytest.raises(RepositoryError, match="format 9"):
        Repository(Folder(tmp_path / "repo"))


def test_names_of_snapshots_sort_by_time() -> None:
    """STORE-183."""
    assert snapshot_id(1_790_000_000_000_001) == "20260921T141320.000001Z"
    year = 366 * 86_400 * 10**6
    right, ids = 1_790_000_000_000_000, list[str]()
    for created in (right, right + year, right + 1, right + 2, right + year + 1, right + 3):
        ids.append(next_id(created, ids[-1] if ids else None))
    assert [one.partition("Z")[2] for one in ids] == ["", "", "-1", "-1", "-1", "-2"]
    assert sorted({*ids}, key=order_of) == ids
    assert [time_of(one) - right for one in ids] == [0, year, 1, 2, year + 1, 3]
    # A snapshot of a wrong clock takes the place of none that was made after it.
    assert kept_ids(ids[:4], (), keep_daily=1, keep_weekly=0) == {ids[3]}


async def test_the_newest_snapshot_is_the_one_that_was_made_last(
    accounts: Accounts, source: Source, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-183: not that of a clock that was a year ahead; and that one is named."""
    now = time.time_ns()
    async with accounts.use("mia") as account:
        for number, (messages, ahead) in enumerate(((3, 0), (1, 366), (4, 0), (2, 0))):
            await put(account, messages, first=100 * number + 1)
            monkeypatch.setattr(
                "moxlite.store.backup.repository.time.time_ns", lambda at=now + ahead * 86_400 * 10**9: at
            )
            await back_up(Repository(Folder(repo)), source)
            now += 10**9
    monkeypatch.undo()
    repository = Repository(Folder(repo))
    assert repository.extract(tmp_path / "out") == []
    assert verify(tmp_path / "out").messages == 10
    assert repository.sample(random.Random(1)).ahead == repository.ids()[1]


# Encrypted


@pytest.fixture
def identity(tmp_path: Path) -> tuple[Path, str]:
    """An identity file and its recipient."""
    age = pytest.importorskip("pyrage")
    key = age.x25519.Identity.generate()
    path = tmp_path / "identity.txt"
    path.write_text(f"# created: today\n{key}\n")
    return path, str(key.to_public())


async def test_an_encrypted_repository_is_written_without_and_read_with_the_identity(
    accounts: Accounts, source: Source, tmp_path: Path, identity: tuple[Path, str]
) -> None:
    """STORE-184: the server holds no private key."""
    path, recipient = identity
    async with accounts.use("mia") as account:
        await put(account, 20)
        create_repository(Folder(tmp_path / "repo"), source.data, recipients=(recipient,))
        writer = Repository(Folder(tmp_path / "repo"), data=source.data)
        first = await back_up(writer, source)
        second = await back_up(writer, source)
    assert second.stored < first.stored / 2
    with pytest.raises(RepositoryError, match="identity"):
        writer.manifest()
    assert [info.octets for info in writer.snapshots()] == [None, None]
    stored = b"".join(path.read_bytes() for path in packs(tmp_path / "repo"))
    assert stored.count(b"age-encryption.org/v1") > 5
    assert b"SQLite" not in stored
    reader = Repository(Folder(tmp_path / "repo"), identity_file=path)
    assert reader.verify(deep=True) == []
    reader.extract(tmp_path / "out")
    assert verify(tmp_path / "out", deep=True).messages == 20
    with pytest.raises(RepositoryError, match="identity"):
        Repository(Folder(tmp_path / "repo"))


@pytest.mark.nightly
@pytest.mark.slow
def test_a_repository_of_another_server_is_refused(tmp_path: Path, identity: tuple[Path, str]) -> None:
    """STORE-184: blocks that are named by another key could not be restored, and nothing would tell before."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    create_repository(Folder(tmp_path / "repo"), tmp_path / "one", recipients=(identity[1],))
    create_repository(Folder(tmp_path / "own"), tmp_path / "two", recipients=(identity[1],))
    Repository(Folder(tmp_path / "repo"), data=tmp_path / "one")
    with pytest.raises(RepositoryError, match="is another server's repository"):
        Repository(Folder(tmp_path / "repo"), data=tmp_path / "two")
    assert Repository(Folder(tmp_path / "repo"), identity_file=identity[0]).readable


async def test_a_passphrase_protects_an_identity_of_the_repository(
    accounts: Accounts, source: Source, tmp_path: Path
) -> None:
    """STORE-184."""
    pytest.importorskip("pyrage")
    async with accounts.use("mia") as account:
        await put(account, 2)
        create_repository(Folder(tmp_path / "repo"), source.data, passphrase="correct horse")
        await back_up(Repository(Folder(tmp_path / "repo"), data=source.data), source)
    with pytest.raises(RepositoryError, match="couldn't decrypt with this passphrase"):
        Repository(Folder(tmp_path / "repo"), passphrase="wrong")
    reader = Repository(Folder(tmp_path / "repo"), passphrase="correct horse")
    assert reader.verify(deep=True) == []


def test_without_the_package_encryption_is_refused_clearly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-184, ADMIN-43: with the command for a frozen program, whose folder is no place for others."""
    monkeypatch.setitem(__import__("sys").modules, "pyrage", None)
    with pytest.raises(BackupError, match="pip install pyrage"):
        create_repository(Folder(tmp_path / "repo"), tmp_path, recipients=("age1x",))
    monkeypatch.setattr("moxlite.lazyimport.FROZEN", True)
    with pytest.raises(BackupError, match=r"pip install --target /usr/local/lib/moxlite --python-version \S+ --only"):
        create_repository(Folder(tmp_path / "repo"), tmp_path, recipients=("age1x",))


def test_a_wrong_recipient_is_named(tmp_path: Path) -> None:
    """STORE-184."""
    pytest.importorskip("pyrage")
    with pytest.raises(BackupError, match="'age1x' isn't an age recipient"):
        create_repository(Folder(tmp_path / "repo"), tmp_path, recipients=("age1x",))
