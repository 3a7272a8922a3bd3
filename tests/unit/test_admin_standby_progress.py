"""How far the databases of both machines are, with clocks of the test, and a program that is played (STORE-186)."""

import datetime as dt
import json
import os
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
import trio

from moxlite.admin.standby import control, following, litestream, replicating
from moxlite.admin.standby.control import DatabaseCopy, Position, Progress
from moxlite.admin.standby.following import Follower, Source
from moxlite.admin.standby.layout import FOLLOWER, META, OWN, Head, Positions, claim, read_document
from moxlite.admin.standby.lease import Lease
from moxlite.admin.standby.litestream import Place, find_program, needed_program
from moxlite.admin.standby.takingover import TAKING, Candidate
from moxlite.proto.sshurl import parse_object_url
from moxlite.store.backup.storage import Folder
from moxlite.store.errors import BackupError

QUEUE, REPORTS = "queue.db", "reports.db"


class Program:
    """Litestream for two databases, with clocks of the test.

        Attributes:
          steady, wall: elapsed time, and the time of the wall clock, seconds.
          at: the last transaction of each database, and the last one that is in the target.
          synced: the time of the wall clock when all of a database was in the target.
    timed out waiting for       busy: databases for which it.
          asked: databases that it was asked for.
    """

    def __init__(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.data = data
        self.steady, self.wall = 1000.0, 1_800_000_000.0
        self.at = {QUEUE: (1, 1), REPORTS: (1, 1)}
        self.synced = dict.fromkeys(self.at, self.wall)
        self.busy: set[str] = set()
        self.asked: list[str] = []
        for name in self.at:
            (data / name).touch()
            self.change(name, 1)
        clock = SimpleNamespace(monotonic=lambda: self.steady, time=lambda: self.wall)
        monkeypatch.setattr(control, "time", clock)
        monkeypatch.setattr(control, "databases", self.databases)
        monkeypatch.setattr(control, "position", self.position)

    def databases(self, path: Path) -> list[DatabaseCopy]:
        """As the control socket."""
        return [
            DatabaseCopy(str(self.data / name), dt.datetime.fromtimestamp(at, dt.UTC).isoformat())
            for name, at in self.synced.items()
        ]

    def position(self, path: Path, database: Path) -> Position:
        """As the control socket."""
        self.asked.append(database.name)
        if database.name in self.busy:
            raise TimeoutError
        return Position(*self.at[database.name])

    def change(self, name: str, number: int) -> None:
        """Commit a transaction."""
        (self.data / f"{name}-wal").write_bytes(bytes(number))
        self.at[name] = number, self.at[name][1]

    def copy(self, name: str) -> None:
        """Copy what there is."""
        self.at[name] = self.at[name][0], self.at[name][0]

    def wait(self, seconds: float, *, away: bool = False) -> None:
        """Let time pass; `away`: the target is."""
        self.steady += seconds
        self.wall += seconds
        if not away:
            self.synced = dict.fromkeys(self.at, self.wall)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """The program."""
    return Program(tmp_path, monkeypatch)


def look(found: Progress, program: Program) -> None:
    assert found.look(Path("socket"), program.data) == ""


@pytest.mark.parametrize("step", [-7200.0, 7200.0])
def test_a_wall_clock_that_is_set_changes_nothing(program: Program, step: float) -> None:
    """STORE-186: with databases at rest, and with a change that is not copied because the target is away."""
    found = Progress()
    look(found, program)
    program.wait(5)
    look(found, program)
    assert found.copied == {QUEUE: 1, REPORTS: 1}
    assert found.lag() <= 5
    program.wall += step
    program.wait(5, away=True)
    look(found, program)
    assert found.lag() == pytest.approx(5, abs=0.01)
    program.change(QUEUE, 2)
    program.wait(55, away=True)
    look(found, program)
    assert found.copied == {QUEUE: 1, REPORTS: 1}, "the change is not in the target"
    assert found.lag() == pytest.approx(60, abs=0.01)
    program.copy(QUEUE)
    program.wait(5)
    look(found, program)
    assert found.copied == {QUEUE: 2, REPORTS: 1}
    assert found.lag() < 1


def test_only_what_is_in_the_target_is_told(program: Program) -> None:
    """STORE-186h: a transaction that is not in the target is not told: a take-over would wait for it for ever."""
    found = Progress()
    look(found, program)
    program.change(QUEUE, 7)
    program.at[QUEUE] = 9, 6
    program.wait(5)
    look(found, program)
    assert found.copied[QUEUE] == 6
    program.at[QUEUE] = 9, 0  # after an error of the target the program does not know it
    look(found, program)
    assert found.copied[QUEUE] == 6
    program.copy(QUEUE)
    look(found, program)
    assert found.copied[QUEUE] == 9


def test_databases_at_rest_cost_no_calls(program: Program) -> None:
    """STORE-186: a database is asked for while its log has more than the target."""
    found = Progress()
    look(found, program)
    assert sorted(program.asked) == [QUEUE, REPORTS]
    for _ in range(3):
        program.wait(5)
        look(found, program)
    assert len(program.asked) == 2
    program.change(QUEUE, 2)
    program.copy(QUEUE)
    look(found, program)
    look(found, program)
    assert program.asked[2:] == [QUEUE]


def test_a_database_that_keeps_the_program_busy_delays_no_other(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186: while a large file is copied the others are asked for, after some time without an answer by the next
    look.
    """
    monkeypatch.setattr(control, "BUSY", 1)
    program.busy = {QUEUE}
    found = Progress()
    for _ in range(2):
        look(found, program)
        program.wait(5)
    assert found.copied == {REPORTS: 1}
    assert found.uncopied == 1
    program.busy = set()
    look(found, program)
    assert found.uncopied == 0


def test_a_program_that_starts_again_keeps_the_lag(program: Program) -> None:
    """STORE-186: until it has copied, what was missing is missing."""
    program.synced = {}
    found = Progress(lag=120.0)
    assert found.lag() == pytest.approx(120, abs=0.01)


@pytest.mark.parametrize("apart", [-7200.0, 0.0, 7200.0])
async def test_a_first_machine_is_missed_whatever_the_clocks_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, apart: float
) -> None:
    """STORE-186b: its positions have not changed for two minutes, by the elapsed time of the second machine."""
    steady, wall, sent = [1000.0], [1_800_000_000.0], [1_800_000_000.0 + apart]
    clock = SimpleNamespace(monotonic=lambda: steady[0], time=lambda: wall[0])
    monkeypatch.setattr(following, "time", clock)
    follower = Follower(Source(target=tmp_path, access=None, program=tmp_path / "none"), tmp_path)
    monkeypatch.setattr(follower, "_look", lambda: (1, Positions(sent[0], "first", "1", "0.5", {})))

    async def problem_after(seconds: float) -> str:
        steady[0] += seconds
        wall[0] += seconds
        async with trio.open_nursery() as nursery:
            await follower._round(Place({}, "", {}), nursery)
        return follower.followed.problem

    assert await problem_after(500) == ""
    sent[0] += 30
    assert await problem_after(30) == ""
    assert await problem_after(119) == ""
    assert await problem_after(2) == "no update from first for 121 s"
    wall[0] -= 3600
    assert await problem_after(5) == "no update from first for 126 s"
    sent[0] -= 3600
    assert await problem_after(5) == ""


async def test_a_copy_stays_while_the_first_machine_does_not_know_all_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186b: after a restart of its Litestream, which is busy, it tells of some databases later. Accounts that are
    removed go as soon as it knows all.
    """
    copy = tmp_path / "data/accounts/mia/account.db"
    copy.parent.mkdir(parents=True)
    copy.touch()
    follower = Follower(Source(target=tmp_path, access=None, program=tmp_path / "none"), tmp_path)
    monkeypatch.setattr(follower, "followed", msgspec.structs.replace(follower.followed, epoch=1))
    for missing in (1, 0):
        positions = Positions(1.0, "first", "1", "0.5", {"auth.db": 0}, missing=missing)
        monkeypatch.setattr(follower, "_look", lambda positions=positions: (1, positions))
        async with trio.open_nursery() as nursery:
            await follower._round(Place({}, "", {}), nursery)
        assert await trio.Path(copy).exists() is (missing == 1)


def test_litestream_is_found_where_it_was_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-186: beside Python, added to the package, or in PATH; the text of a missing one names both ways to say
    where it is.
    """
    beside, added, elsewhere = (tmp_path / name for name in ("venv", "added", "path"))
    for folder in (beside, added / "bin", elsewhere):
        folder.mkdir(parents=True)
    monkeypatch.setattr("sys.executable", str(beside / "python"))
    monkeypatch.setattr(litestream, "ADDED", str(added))
    monkeypatch.setenv("PATH", str(elsewhere))
    with pytest.raises(BackupError, match=r"with --litestream or standby\.litestream \(moxlite\.toml\)"):
        needed_program(None)
    (tmp_path / "text").touch(0o644)
    with pytest.raises(BackupError, match="text isn't executable"):
        needed_program(tmp_path / "text")
    for folder in (elsewhere, added / "bin", beside):  # each goes before the one that was there
        (folder / "litestream").touch(0o755)
        assert find_program(None) == folder / "litestream"


def test_a_machine_knows_its_epoch_before_the_target_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """STORE-186: after a power cut the target would be another machine's, had this one forgotten what it claimed."""
    (tmp_path / "data" / FOLLOWER).mkdir(parents=True)
    durable: set[int] = set()
    monkeypatch.setattr(os, "fsync", lambda fd: durable.add(os.fstat(fd).st_ino))

    class Target(Folder):
        def write(self, name: str, data: bytes) -> None:
            assert {(tmp_path / "data" / OWN).stat().st_ino, (tmp_path / "data" / FOLLOWER).stat().st_ino} <= durable
            super().write(name, data)

    head = claim(Target(tmp_path / "target"), tmp_path / "data")
    assert (head.epoch, read_document(tmp_path / "data" / OWN, Head)) == (1, head)


def test_a_take_over_is_noted_before_the_lease_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """STORE-186h: durably; after a power cut the machine would not know that the lease is its own."""
    durable: set[int] = set()
    monkeypatch.setattr(os, "fsync", lambda fd: durable.add(os.fstat(fd).st_ino))
    there = Lease("a", 1, "h", "o", "first", handed=True)

    class Storage:
        def peek(self, name: str) -> tuple[str, bytes]:
            return "1", msgspec.json.encode(there)

        def swap(self, name: str, data: bytes, version: str | None) -> str:
            assert {(tmp_path / TAKING).stat().st_ino, tmp_path.stat().st_ino} <= durable
            return "2"

    source = Source(target=parse_object_url("s3://bucket"), access={}, program=tmp_path / "none")
    candidate = Candidate(source, tmp_path)
    candidate._storage = Storage()  # type: ignore[assignment]  # what is asked for here
    assert candidate._look()
    assert candidate.head.epoch == 2


def test_a_configuration_is_replaced_and_never_written_in_place(tmp_path: Path) -> None:
    """STORE-186: whatever its name ends in."""
    for name in ("rest.yml", ".queue.db.follow.tmp"):
        file = tmp_path / name
        file.write_text("before")
        with file.open() as before:
            litestream.write_configuration(file, [], socket=None, keep=60.0)
            assert before.read() == "before"
        assert json.loads(file.read_text())["dbs"] == []
        assert file.stat().st_mode & 0o777 == 0o600
    assert len(list(tmp_path.iterdir())) == 2


def test_what_the_program_keeps_of_removed_accounts_goes(tmp_path: Path) -> None:
    """STORE-186r: once it has closed them."""
    mia, tom = (f"accounts/{name}/account.db" for name in ("mia", "tom"))
    folder = tmp_path / META / "accounts"
    for name in ("mia", "tom", "ann"):
        (folder / name / "account.db-litestream").mkdir(parents=True)
    (tmp_path / mia).parent.mkdir(parents=True)
    (tmp_path / mia).touch()
    replicating._forget_removed(tmp_path, {tom, mia})
    assert {path.name for path in folder.iterdir()} == {"mia", "tom"}
    replicating._forget_removed(tmp_path, {mia})
    assert {path.name for path in folder.iterdir()} == {"mia"}
