"""No account is open in two processes (docs/decisions/031-workers.md)."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from moxlite.store.accounts.folders import make_folder
from moxlite.workers import owning
from moxlite.workers.owning import OwnedElsewhere, lock_folder
from tests.tools import top, until

PROCESSES: Final = 3
KILLS: Final = 12


class Owner:
    """A process as `tests.ownerprocess`."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.ownerprocess", str(folder / "data"), str(folder / "history")],
            cwd=top(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def say(self, line: str) -> str:
        """Say a line, and return the answer."""
        self.tell(line)
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, line: str) -> None:
        """Say a line that has no answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """End the process at once."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Callable[[], Owner]]:
    """Starts processes, which end with the test."""
    started: list[Owner] = []

    def start() -> Owner:
        started.append(Owner(tmp_path))
        return started[-1]

    yield start
    for process in started:
        if process.process.returncode is None:
            process.kill()


def test_an_account_has_one_owner_at_a_time(owner: Callable[[], Owner]) -> None:
    """Decision 031: two owners are impossible, and who has the account is named."""
    first, second = owner(), owner()
    assert first.say("open mia") == "ok"
    assert second.say("open mia") == f"account mia is locked by process {first.process.pid}"
    assert second.say("open tom") == "ok"
    assert first.say("close mia") == "ok"
    assert second.say("open mia") == "ok"


def test_accounts_of_a_killed_owner_are_free(owner: Callable[[], Owner]) -> None:
    """Decision 031: at once. While an owner hangs, its accounts are closed until it has ended."""
    first, second = owner(), owner()
    assert first.say("open mia") == "ok"
    os.kill(first.process.pid, signal.SIGSTOP)
    assert second.say("open mia").startswith("account mia is locked")
    first.kill()
    assert second.say("open mia") == "ok"


def test_an_account_that_is_made_anew_is_another_folder(owner: Callable[[], Owner]) -> None:
    """Decision 031, STORE-140: the lock is that of the folder that is there now."""
    first, second = owner(), owner()
    for _ in range(3):
        assert first.say("open mia") == "ok"
        assert first.say("close mia") == "ok"
        assert first.say("remove mia") == "ok"
        assert second.say("open mia") == "ok"
        assert first.say("open mia").startswith("account mia is locked")
        assert second.say("close mia") == "ok"


def test_an_owner_that_is_killed_at_any_point_leaves_no_second_one(owner: Callable[[], Owner], tmp_path: Path) -> None:
    """Decision 031: a history for the account, in which the times of two owners never overlap."""
    history = tmp_path / "history"
    running = [owner() for _ in range(PROCESSES)]
    for process in running:
        process.tell("run mia")
    for _ in range(KILLS):
        pids = {str(one.process.pid) for one in running}
        until(lambda pids=pids: pids <= openers(history), what="each process to open the account")  # type: ignore[misc]
        time.sleep(random.uniform(0, 0.03))
        victim = running.pop(random.randrange(PROCESSES))
        with history.open("a") as lines_of_all:
            lines_of_all.write(f"{victim.process.pid} killed\n")
        victim.kill()
        running.append(owner())
        running[-1].tell("run mia")
    check_history(history)


def openers(history: Path) -> set[str]:
    """The processes that have opened the account so far."""
    lines = history.read_text().splitlines() if history.exists() else []
    return {line.split()[0] for line in lines if line.endswith(" open")}


def check_history(history: Path) -> None:
    """Check that an account had one owner at a time. One that is being killed closes nothing any more."""
    holder, killed = "", set()
    for line in history.read_text().splitlines():
        pid, what = line.split()
        match what:
            case "open":
                assert not holder or holder in killed, line
                holder = pid
            case "closed":
                assert holder == pid, line
                holder = ""
            case _:
                killed.add(pid)


def test_a_lock_that_another_program_holds_is_told_without_a_name_if_need_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decision 031: a program in another container has no number here."""
    folder = tmp_path / "accounts/mia"
    make_folder(folder)
    descriptor = lock_folder(folder)
    with pytest.raises(OwnedElsewhere, match=f"process {os.getpid()}"):
        lock_folder(folder)
    monkeypatch.setattr(owning, "LOCKS", tmp_path / "locks")
    with pytest.raises(OwnedElsewhere, match="another process"):
        lock_folder(folder)
    os.close(descriptor)
    descriptor = lock_folder(folder)
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)
