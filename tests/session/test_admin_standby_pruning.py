"""History in the target of a stand-by: kept for its time, and no longer (STORE-186d), with the real Litestream."""

import datetime as dt
import time
from pathlib import Path
from typing import Final

import msgspec
import pytest

from moxlite.admin.standby import litestream, pruning, replicating
from moxlite.admin.standby.layout import STATE, State, read_document
from moxlite.admin.standby.moments import restored_at
from moxlite.admin.standby.pruning import PRUNED, EpochPruner, pause_of
from moxlite.store.backup.storage import Folder
from moxlite.store.errors import BackupError
from tests.house import house, soon
from tests.session.test_admin_standby import (
    copied,
    deliver,
    following,
    identity,
    quick as quick,
    settings,
    source,
    subjects,
)

__all__ = ["identity"]

KEEP: Final = 8.0
"""Seconds in place of a week: whole copies come each two seconds."""


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A week of eight seconds."""
    monkeypatch.setattr(litestream, "RECENT", "1s")
    monkeypatch.setattr(litestream, "LEVELS", ("1s", "2s", "4s"))
    monkeypatch.setattr(litestream, "between_copies", lambda keep: round(KEEP / 4))
    monkeypatch.setattr(replicating, "EpochPruner", lambda data, epoch, keep: EpochPruner(data, epoch, KEEP))
    monkeypatch.setattr(replicating, "pause_of", lambda keep: pause_of(KEEP))


def whole(target: Path) -> list[Path]:
    return sorted((target / "ltx/9").glob("*.ltx"))


@pytest.mark.nightly
@pytest.mark.served
@pytest.mark.slow
@pytest.mark.integration
async def test_a_moment_before_the_last_change_of_a_quiet_account_can_be_restored(
    tmp_path: Path, identity: Path, short: None
) -> None:
    """STORE-186d: an account that had no mail for longer than `standby.keep`, and has some now, has all moments of that
    time; what is older is removed, and so is an account that was removed long ago. One of its name is copied.
    """
    target = tmp_path / "target/epoch-0001/accounts/mia/account.db"
    toms = tmp_path / "target/epoch-0001/accounts/tom/account.db"

    def restored(at: float) -> set[str]:
        moment = dt.datetime.fromtimestamp(at, dt.UTC)
        place = source(tmp_path, None)
        with restored_at(place, moment, account="mia", beside=tmp_path, tell=print, left_out=print) as found:
            return subjects(found / "data/accounts/mia/account.db")

    async with house(tmp_path, static=settings(tmp_path, identity)) as h, following(tmp_path, identity):
        await deliver(h, "early")
        await soon(lambda: len(whole(target)) > 0, "a whole copy")
        await h.house.files.accounts.remove("tom")
        await soon(lambda: not list(toms.rglob("*.ltx")), "nothing of the removed account is left")
        quiet = time.time()
        assert quiet - whole(target)[-1].stat().st_mtime > KEEP / 2, "nothing has changed meanwhile"
        await deliver(h, "late")
        count = len(whole(target))
        await soon(lambda: len(whole(target)) > count, "a whole copy with the late message")
        assert restored(quiet) == {"early"}
        assert restored(time.time()) == {"early", "late"}
        await soon(lambda: len(whole(target)) == 1, "the first whole copy is too old")
        with pytest.raises(BackupError, match="is empty as of"):
            restored(quiet - 2 * KEEP)
        await h.house.files.accounts.create("tom")
        await soon((tmp_path / "second/data/accounts/tom/account.db").is_file, "the new account of the name")
        await soon(lambda: subjects(copied(tmp_path)) == {"early", "late"}, "both messages are in the copy")
        state = read_document(h.house.static.data_dir / STATE, State)
        assert state is not None
        assert not state.problem


NAME: Final = "accounts/mia/account.db"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> "Clock":
    found = Clock()
    monkeypatch.setattr(time, "time", lambda: found.wall)
    monkeypatch.setattr(pruning, "steady", lambda: found.elapsed)
    return found


class Clock:
    """A wall clock and elapsed time, in seconds."""

    def __init__(self) -> None:
        self.wall, self.elapsed = 1e9, 0.0

    def go(self, seconds: float) -> None:
        self.wall += seconds
        self.elapsed += seconds


def made(tmp_path: Path) -> tuple[Path, Path]:
    """A data directory and a target with three whole copies and the changes between them."""
    data, target = tmp_path / "data", tmp_path / "target"
    (data / "accounts/mia").mkdir(parents=True)
    (data / "standby").mkdir()
    (data / NAME).touch()
    for name in ("9/1-2", "9/1-4", "9/1-6", "1/1-2", "1/3-4", "1/5-6", "3/1-3", "3/4-5"):
        level, _, numbers = name.partition("/")
        first, last = map(int, numbers.split("-"))
        file = target / f"epoch-0001/{NAME}/ltx/{level}/{first:016x}-{last:016x}.ltx"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return data, target


def left(target: Path) -> list[str]:
    found = []
    for file in (target / f"epoch-0001/{NAME}/ltx").rglob("*.ltx"):
        first, last = file.stem.split("-")
        found.append(f"{file.parent.name}/{int(first, 16)}-{int(last, 16)}")
    return sorted(found)


def test_the_newest_whole_copy_that_is_old_enough_stays(tmp_path: Path, clock: Clock) -> None:
    """STORE-186d: with the changes after it; also after a restart, whose looks go on with the times of before."""
    data, target = made(tmp_path)
    later = target / f"epoch-0001/{NAME}/ltx/9/{1:016x}-{6:016x}.ltx"
    later.rename(tmp_path / "later")
    assert EpochPruner(data, 1, 100.0).look(Folder(target), {NAME: 4}) == 0
    clock.go(60)
    (tmp_path / "later").rename(later)
    assert EpochPruner(data, 1, 100.0).look(Folder(target), {NAME: 6}) == 0
    clock.go(41)
    assert EpochPruner(data, 1, 100.0).look(Folder(target), {NAME: 6}) == 4
    assert left(target) == ["1/5-6", "3/4-5", "9/1-4", "9/1-6"]
    clock.go(60)
    assert EpochPruner(data, 1, 100.0).look(Folder(target), {NAME: 6}) == 3
    assert left(target) == ["9/1-6"]
    (data / PRUNED).write_bytes(b"{")
    assert EpochPruner(data, 1, 100.0).look(Folder(target), {NAME: 6}) == 0, "a damaged note is begun anew"


@pytest.mark.parametrize("jump", [1e8, -1e8])
def test_a_clock_that_is_set_removes_nothing(tmp_path: Path, clock: Clock, jump: float) -> None:
    """STORE-186d: elapsed time counts, also where the clock was set back while the server did not run."""
    data, target = made(tmp_path)
    looks = EpochPruner(data, 1, 100.0)
    assert looks.look(Folder(target), {NAME: 6}) == 0
    clock.wall += jump
    clock.go(50)
    assert looks.look(Folder(target), {NAME: 6}) == 0
    clock.go(51)
    assert looks.look(Folder(target), {NAME: 6}) == 7
    clock.wall -= 1000
    assert EpochPruner(data, 1, 100.0).look(Folder(target), {NAME: 6}) == 0


def test_storage_that_forbids_removal_is_an_error(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186d: the next look tries again."""
    data, target = made(tmp_path)
    looks, storage = EpochPruner(data, 1, 100.0), Folder(target)
    looks.look(storage, {NAME: 6})
    clock.go(101)

    def refuse(names: object) -> None:
        raise PermissionError(13, "forbidden")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "remove", refuse)
        with pytest.raises(PermissionError):
            looks.look(storage, {NAME: 6})
    assert looks.look(storage, {NAME: 6}) == 7


def test_files_of_others_stay(tmp_path: Path, clock: Clock) -> None:
    """STORE-186d: only files of Litestream are removed; an account comes back within its time, and all stays."""
    data, target = made(tmp_path)
    other = target / f"epoch-0001/{NAME}/ltx/9/readme.txt"
    other.touch()
    looks = EpochPruner(data, 1, 100.0)
    looks.look(Folder(target), {NAME: 6})
    (data / NAME).unlink()
    clock.go(60)
    looks.look(Folder(target), {})
    (data / NAME).touch()
    clock.go(60)
    assert looks.look(Folder(target), {}) == 0
    (data / NAME).unlink()
    looks.look(Folder(target), {})
    clock.go(101)
    assert looks.look(Folder(target), {}) == 8
    assert other.exists()
    assert msgspec.json.decode((data / PRUNED).read_bytes())["copies"] == {}
