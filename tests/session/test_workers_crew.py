"""Workers are forked, watched and started again; none outlives the first process (docs/decisions/031-workers.md)."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.tools import top

T = TypeVar("T")

SIZE = 3
"""Number of workers."""


class First:
    """A first process, as `tests.crewprocess`."""

    def __init__(self, folder: Path) -> None:
        self.log, self.full = folder / "log", folder / "full"
        with self.log.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.crewprocess", str(SIZE), str(self.full)],
                cwd=top(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def say(self, line: str) -> Any:
        """Say a line, and return the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def pids(self, *, without: int = 0) -> dict[str, int]:
        """Process ids of all workers, when all have begun, and this one has ended."""

        def pids() -> dict[str, int] | None:
            found: dict[str, int] = self.say("pids")
            return found if len(found) == SIZE and without not in found.values() else None

        return until(pids)

    def forker(self) -> int:
        """The process id of the forker."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        assert len(children) == 1
        return int(children[0])


def until(look: Callable[[], T | None], seconds: float = 60.0) -> T:
    """What `look` returns once that is true."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return found


def runs(pid: int) -> bool:
    """Whether a process runs; one that was not reaped doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def first(tmp_path: Path) -> Iterator[First]:
    """A first process with three workers."""
    made = First(tmp_path)
    yield made
    made.process.kill()
    made.process.wait()
    for stream in (made.process.stdin, made.process.stdout):
        with suppress(BrokenPipeError):
            assert stream is not None
            stream.close()
    print(made.log.read_text())


def test_workers_share_what_was_imported_and_have_one_parent(first: First) -> None:
    """Decision 031: one process forks all of them; it has no thread."""
    pids, forker = first.pids(), first.forker()
    for pid in pids.values():
        assert f"\nPPid:\t{forker}\n" in Path(f"/proc/{pid}/status").read_text()
    assert "\nThreads:\t1\n" in Path(f"/proc/{forker}/status").read_text()


def test_a_killed_worker_is_started_again_and_the_others_go_on(first: First) -> None:
    """Decision 031: within two seconds; whoever isn't on the killed worker notices nothing."""
    before = first.pids()
    first.say("tell 7")
    os.kill(before["1"], signal.SIGKILL)
    began = time.monotonic()
    after = first.pids(without=before["1"])
    spent = time.monotonic() - began
    assert spent < 2 or os.getloadavg()[0] > 2, spent
    assert (after["0"], after["2"]) == (before["0"], before["2"])
    assert first.say("seen") == {"0": 7, "1": 0, "2": 7}


def test_a_worker_that_hangs_is_killed_and_started_again(first: First) -> None:
    """Decision 031: no answer for five seconds."""
    before = first.pids()
    first.say("hang 2")
    after = first.pids(without=before["2"])
    assert (after["0"], after["1"]) == (before["0"], before["1"])


def test_all_workers_have_heard_before_it_is_answered(first: First) -> None:
    """Decision 031: a revoked login is in all workers when its command is answered; a worker that hangs is killed."""
    before = first.pids()
    first.say("tell 1")
    assert set(first.say("seen").values()) == {1}
    os.kill(before["0"], signal.SIGSTOP)
    first.say("tell 2")
    first.pids(without=before["0"])
    assert first.say("seen") == {"0": 0, "1": 2, "2": 2}


def test_a_worker_that_sends_garbage_is_killed(first: First) -> None:
    """Decision 031: nothing that it says is believed any more."""
    before = first.pids()
    first.say("garble 0")
    after = first.pids(without=before["0"])
    assert (after["1"], after["2"]) == (before["1"], before["2"])


def test_workers_end_in_order(first: First) -> None:
    """Decision 031: a stop ends all of them, and none is started again."""
    before = first.pids()
    first.say("stop")
    assert not any(map(runs, before.values()))
    assert first.say("pids") == {}
    time.sleep(2)
    assert first.say("pids") == {}


@pytest.mark.parametrize("stopped", [False, True])
def test_no_worker_outlives_the_first_process(first: First, *, stopped: bool) -> None:
    """Decision 031: the others end at once, also if they hang; systemd starts all again."""
    workers, forker = first.pids(), first.forker()
    for pid in workers.values() if stopped else ():
        os.kill(pid, signal.SIGSTOP)
    first.process.kill()
    first.process.wait()
    until(lambda: not any(map(runs, [forker, *workers.values()])), 10)


def test_no_worker_outlives_the_forker(first: First) -> None:
    """Decision 031: a server that can't start workers again ends as a whole."""
    workers, forker = first.pids(), first.forker()
    os.kill(forker, signal.SIGKILL)
    assert first.process.wait(30) == -signal.SIGTERM
    until(lambda: not any(map(runs, workers.values())), 10)


def test_signals_of_a_terminal_and_of_systemd_are_for_the_first_process(first: First) -> None:
    """Decision 031: they come to all processes, and the first one tells the others."""
    workers, forker = first.pids(), first.forker()
    for pid in [forker, *workers.values()]:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
            os.kill(pid, number)
    assert first.say("seen") == {"0": 0, "1": 0, "2": 0}
    assert first.pids() == workers


def test_a_fork_that_fails_is_tried_again(first: First) -> None:
    """Decision 031: a fork that fails for want of memory is logged, and the others go on meanwhile."""
    before = first.pids()
    first.full.touch()
    os.kill(before["1"], signal.SIGKILL)
    until(lambda: "failed to start worker" in first.log.read_text())
    assert first.say("seen") == {"0": 0, "2": 0}
    first.full.unlink()
    after = first.pids(without=before["1"])
    assert (after["0"], after["2"]) == (before["0"], before["2"])
