"""Children that work on a data directory and are killed, for campaigns: what they do, and how it is compared.

They are forked from a server that has all modules loaded, so that one starts in some 20 ms.
"""

import multiprocessing
import random
import shutil
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import trio

from tests.campaigns.report import Finding

__all__ = ["Tell", "Work", "kill_many"]

DEADLINE = 300.0
"""Seconds that a child may take which is not killed: far more than any needs."""

STREAK = 4
"""Kills in a row, at most, before a work is left to come to its end."""

LAST = 0.8
"""Share of the time of an undisturbed run at which the last kills come: few children should have ended before."""

Tell = Callable[[object], None]
"""Tells the parent of something that was acknowledged: less than 4096 octets, so that a kill cuts none of it."""

_context = multiprocessing.get_context("forkserver")


class Work(ABC):
    """What a child does to a data directory. Stopped anywhere and begun again, it must come to the same result.

    Attributes:
      modules: what the server of the children loads.
    """

    modules: tuple[str, ...] = ("moxlite.store.accounts.accounts", "tests.store_mail")

    @abstractmethod
    async def make(self, folder: Path) -> None:
        """Make the directory that each round begins with, whole, with nobody using it."""

    @abstractmethod
    async def act(self, folder: Path, tell: Tell) -> None:
        """Do it, from wherever it was stopped; `tell(None)` when all is open and the work begins."""

    @abstractmethod
    async def check(self, folder: Path, told: list[object]) -> None:
        """Look at what a kill left, or the end. Raises Finding when it's unsound, or if something told is not there."""

    @abstractmethod
    async def result(self, folder: Path) -> object:
        """What must be the same, however often it was stopped."""


@dataclass
class Killed:
    """`kills`, and the `rounds` that they were in; `seconds` an undisturbed run took."""

    kills: int = 0
    rounds: int = 0
    seconds: float = 0.0


def kill_many(work: Work, kills: int, rng: random.Random, folder: Path) -> Killed:
    """Kill the work so many times, at random moments, and compare each round's end with that of an undisturbed run.

    Raises Finding.
    """
    _context.set_forkserver_preload([__name__, *work.modules])
    base, here = folder / "base", folder / "here"
    trio.run(work.make, base)
    shutil.copytree(base, here)
    told: list[object] = []
    _, seconds = _run(work, here, told, DEADLINE)
    trio.run(work.check, here, told)
    wanted = trio.run(work.result, here)
    shutil.rmtree(here)
    done = Killed(seconds=seconds)
    while done.kills < kills:
        shutil.copytree(base, here)
        told = []
        killed, streak, before = True, rng.randint(1, STREAK), done.kills
        while killed:
            killed, worked = _run(work, here, told, rng.uniform(0, LAST * seconds) if streak else DEADLINE)
            if not killed and done.kills == before:
                seconds = worked  # the machine has less to do than it had
            trio.run(work.check, here, told)
            done.kills += killed
            streak -= killed
        if (found := trio.run(work.result, here)) != wanted:
            raise Finding(f"after {done.kills} kills the end is not that of an undisturbed run: {found} {wanted}")
        done.rounds += 1
        shutil.rmtree(here)
    shutil.rmtree(base)
    return done


def _run(work: Work, folder: Path, told: list[object], seconds: float) -> tuple[bool, float]:
    """Run a child, kill it so long after its work began; whether it was killed before its end, and how long it
    worked.
    """
    ours, theirs = _context.Pipe(duplex=False)
    process = _context.Process(target=_child, args=(work, folder, theirs), daemon=True)
    process.start()
    theirs.close()
    began = None
    try:
        if not ours.poll(DEADLINE) or ours.recv() is not None:
            raise Finding("a child did not begin")
        began = time.monotonic()
        while (left := began + seconds - time.monotonic()) > 0 and ours.poll(left):
            told.append(ours.recv())
        process.kill()
        while True:
            told.append(ours.recv())
    except EOFError:
        pass  # it ended, or was killed and has told all
    finally:
        process.kill()
        process.join()
        ours.close()
    worked = time.monotonic() - (began or 0)
    if process.exitcode == 0:
        return False, worked
    if process.exitcode != -signal.SIGKILL:
        raise Finding(f"a child ended with exit code {process.exitcode}")
    if seconds == DEADLINE:
        raise Finding(f"a child was still at work after {DEADLINE:.0f} s")
    return True, worked


def _child(work: Work, folder: Path, pipe: Connection) -> None:
    trio.run(partial(work.act, folder, pipe.send))
