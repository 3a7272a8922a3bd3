"""kill -9 at any step of the loop while first attempts are made: none lost, twice only where the outcome of a host's
answer was not committed.

Each life of the queue is a child that submits messages to a few domains until it kills itself at a step chosen by
chance; the next life opens the same file. Hosts put some recipients off, and refuse some. A log, which outlives the
children, says what was acknowledged, what a host took, and which rows were in the file at each start: a message may
come again only if its row was there after the kill (QUEUE-1, QUEUE-13, QUEUE-15a). The last life delivers all that is
left.
"""

import os
import random
import signal
import tempfile
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Final

import apsw
import trio

from tests.campaigns.report import Finding, Report
from tests.queue_rig import Rig, Server, rig_at

__all__ = ["run"]

KILLS: Final = 2_000
FEWEST: Final = 8
STEPS: Final = 500
"""Steps of the loop until a kill, at most: two or three messages are sent in so many."""

DOMAINS: Final = 3
LIVES: Final = 100
"""Kills of one file."""

REPLIES: Final = {"RCPT TO:<G": ["450 4.2.0 come again", "250 2.1.5 ok"], "RCPT TO:<S": "550 5.1.1 no such user"}
"""Recipients that a host puts off once in its life, and those that it refuses."""


class Log:
    """Lines that are in the file when the call returns, whatever becomes of the process."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def write(self, word: str, name: str = "") -> None:
        """Add a line."""
        os.write(self._file, f"{word} {name}\n".encode())


class Taken(list[list[str]]):
    """The recipients of the messages that a host has taken; it notes them before it answers."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def append(self, recipients: list[str]) -> None:
        """Note the recipients of a message."""
        for recipient in recipients:
            self._log.write("taken", recipient)


class Killer(trio.abc.Instrument):
    """Ends the process at a step of the loop."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Count a step."""
        self._left -= 1
        if self._left < 0:
            os.kill(os.getpid(), signal.SIGKILL)


async def live(folder: Path, log: Log, seed: int, *, last: bool) -> None:
    """One life of the queue, to the kill or, if it is the last, until nothing waits."""
    rng = random.Random(seed)

    def begin(rig: Rig) -> None:
        log.write("life")
        with apsw.Connection(str(folder / "queue.db"), flags=apsw.SQLITE_OPEN_READONLY) as file:
            for [name] in file.execute("SELECT rcpt_localpart || '@' || rcpt_domain FROM msg WHERE dsn_due = ''"):
                log.write("row", name)
        for number in range(DOMAINS):
            server = rig.remote(Server(REPLIES), f"d{number}.example", f"192.0.2.{number + 1}")
            server.recipients = Taken(log)
        if not last:
            trio.lowlevel.add_instrument(Killer(rng.randrange(STEPS)))

    async with rig_at(folder, prepare=begin) as rig:
        number = 0
        while not last:
            number += 1
            kinds = rng.choices("mgs", (8, 1, 1), k=rng.choice((1, 1, 2)))
            domain = f"d{rng.randrange(DOMAINS)}.example"
            names = [f"{kind}{seed}x{number}x{place}@{domain}" for place, kind in enumerate(kinds)]
            await rig.submit(*names)
            for name in names:
                log.write("acknowledged", name)
            await trio.sleep(0.001 * rng.randrange(4))
        while await rig.queue.listings.list_messages():
            await rig.pass_time(3600)


def in_child(folder: Path, log: Log, seed: int, *, last: bool) -> int:
    """The end of a life, as `os.waitpid` tells it."""
    child = os.fork()
    if child == 0:
        try:
            trio.run(lambda: live(folder, log, seed, last=last))
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1]


def judge(path: Path) -> tuple[int, int]:
    """The numbers of recipients whose mail was acknowledged, and of those that got it twice. Raises Finding."""
    acknowledged: list[str] = []
    taken: defaultdict[str, list[int]] = defaultdict(list)
    rows: defaultdict[int, set[str]] = defaultdict(set)
    life = 0
    for line in path.read_text().splitlines():
        word, _, name = line.partition(" ")
        match word:
            case "life":
                life += 1
            case "row":
                rows[life].add(name)
            case "taken":
                taken[name].append(life)
            case _:
                acknowledged.append(name)
    twice = 0
    for name in acknowledged:
        lives = taken[name]
        if not lives and not name.startswith("s"):
            raise Finding(f"{name} is lost")
        for before, after in pairwise(lives):
            if after == before or name not in rows[before + 1]:
                raise Finding(f"{name} is doubled: taken in lives {lives}, and its row was gone")
            twice += 1
    return len(acknowledged), twice


def run(seed: int, share: float, report: Report) -> None:
    """Kill and look."""
    kills = max(FEWEST, int(KILLS * share))
    mails = twice = done = 0
    while done < kills:
        with tempfile.TemporaryDirectory() as top:
            log = Log(Path(top) / "log")
            for _ in range(min(LIVES, kills - done)):
                done += 1
                if (status := in_child(Path(top), log, seed + done, last=False)) != signal.SIGKILL:
                    raise Finding(f"life {done} ended by itself: {status}")
            if (status := in_child(Path(top), log, 0, last=True)) != 0:
                raise Finding(f"the last life failed: {status}")
            some, again = judge(Path(top) / "log")
            mails, twice = mails + some, twice + again
    report.tell(
        f"{done} kills at any step of the loop, {mails} recipients acknowledged: 0 lost, {twice} got their mail again "
        "whose row was there after the kill, 0 others"
    )
