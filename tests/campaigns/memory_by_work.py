"""Work that takes much memory, in a server that may use little: it ends in refusals or waiting, never in a kill
(STORE-199a).

Unknown senders fill a mailbox with the most expensive mail that is accepted, and its owner's programs sort, list,
thread, search, show and export it, one after the other and all at once. Then many users and unknown senders use the
server as fast as it answers, while the owner's programs go on: without a limit, with 512 MB, and with 384 MB, the least
for which the server is made (docs/developers/design-facts.md §14). Another account's NOOP is timed meanwhile. The
server is in a control group, the clients are not, but they share its processors. Needs a control group with a limit of
memory.
"""

import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.imapload import IMAP
from moxlite.process.budget import CHILDREN, RESTING, make_budget
from tests.campaigns._expensivemail import KINDS, PROGRAMS, Owner, fill, play
from tests.campaigns._normaluse import BOX, CROWD, PASSWORD, address
from tests.campaigns.report import Finding, Report
from tests.controlgroups import Group, memory_group
from tests.running import LocalServer
from tests.tools import top

__all__ = ["run"]

LIMITS: Final = (512_000_000, 384_000_000)
"""Bytes that the server may use, in turn."""

UNLIMITED: Final = 1 << 40

MESSAGES: Final = 60
FEWEST: Final = 5
"""Messages of each kind of expensive mail."""

SECONDS: Final = 1_800.0
SHORTEST: Final = 5.0
"""Seconds of normal use with each limit; a quarter of it without."""

ACCOUNTS: Final = 10
FEW: Final = 2
"""Accounts that are used normally, and their number in a small share: setting a password takes a second."""

SMALL: Final = 1 / 20
"""A smaller share has the last limit only, with all programs at once."""

NOOP: Final = 1.0
TIMES: Final = 2
FAST: Final = 0.1
"""NOOP takes at most so many seconds at the 99th percentile, and so many times as long as without a limit, or as the
last number of seconds.
"""

BUSY: Final = 5
"""How many times as long it may take in a small share of the campaign, which runs beside other tests."""

SHOWN: Final = 4
"""Kinds of other outcomes that the report names."""

ARRIVAL: Final = 60.0
"""Seconds within which one more of the submitted messages arrives once the load has ended."""

OWNER: Final = "moxlite@localhost"
OTHER: Final = "eve@localhost"
MARK: Final = re.compile(rb"X-Soak: (\S+)")
PANICS: Final = re.compile(r"^moxlite_panic_total\{.*\} [^0]", re.MULTILINE)


class Watch(threading.Thread):
    """Times another account's NOOP, and looks at the group's memory.

    Attributes:
      took: seconds of each NOOP.
      most: bytes of anonymous memory at most.
    """

    def __init__(self, server: LocalServer, group: Group) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._group = group
        self._ended = threading.Event()
        self.took: list[float] = []
        self.most = 0
        self.error: Exception | None = None

    def run(self) -> None:
        """Twenty times a second, until `end`."""
        try:
            session = IMAP(self._server.port(143), OTHER, PASSWORD)
            while not self._ended.wait(0.05):
                self.took.append(session.timed(b"NOOP"))
                self.most = max(self.most, self._group.anonymous)
        except Exception as error:
            self.error = error

    def end(self) -> None:
        """Stop. Raises Finding if the server did not answer, or the kernel killed a process."""
        self._ended.set()
        self.join()
        if self._group.kills:
            raise Finding(f"the kernel killed {self._group.kills} processes, with {self.most / 1e6:.0f} MB in use")
        if self.error is not None or self._server.process.poll() is not None:
            raise Finding(f"the server does not answer: {self.error!r}\n{self._server.log()[-2000:]}")

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.took, n=100)[-1] if len(self.took) > 1 else max(self.took)


@contextmanager
def watched(server: LocalServer, group: Group) -> Iterator[Watch]:
    """A watch that ends with the block."""
    watch = Watch(server, group)
    watch.start()
    try:
        yield watch
    finally:
        watch.end()


def all_programs(server: LocalServer, names: tuple[str, ...], until: float = math.inf) -> Counter[str]:
    """Run programs of the owner side by side, each once, or to a time; what they were told."""
    told: Counter[str] = Counter()
    failures: list[Exception] = []

    def one(name: str) -> None:
        try:
            told.update(play(name, Owner(server.base, OWNER, until)))
        except Exception as error:
            failures.append(error)

    running = [threading.Thread(target=one, args=(name,), daemon=True) for name in names]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if failures:
        raise Finding(f"a program of the owner failed: {failures[0]!r}\n{server.log()[-2000:]}")
    return told


def words(told: Counter[str]) -> str:
    """How many requests were answered, and which weren't."""
    others = sorted(f"{count} × {what}" for what, count in told.items() if what != "answered")
    return "; ".join([f"{told['answered']} answered", *others[:SHOWN], *(["…"] if len(others) > SHOWN else [])])


def most_for_work(limit: int) -> int:
    """Bytes that the owner's programs may take with all else that is there while no one else uses the server."""
    budget = make_budget(None, limit)
    return RESTING + CHILDREN + budget.held * 3 // 2


def honest(server: LocalServer, group: Group, report: Report, *, once: bool) -> None:
    """The programs of the owner, one after the other unless `once`, then all at once, each twice."""
    name = f"{group.limit / 1e6:.0f} MB"
    for program in () if once else PROGRAMS:
        with watched(server, group) as watch:
            told = all_programs(server, (program,))
        report.row(name, program, f"{watch.most / 1e6:.0f} MB", f"{1000 * watch.p99:.0f} ms", words(told))
    with watched(server, group) as watch:
        told = all_programs(server, 2 * tuple(PROGRAMS))
    report.row(name, "all of them twice", f"{watch.most / 1e6:.0f} MB", f"{1000 * watch.p99:.0f} ms", words(told))
    if watch.most > most_for_work(group.limit):
        most = f"{watch.most / 1e6:.0f} MB of {most_for_work(group.limit) / 1e6:.0f} MB"
        raise Finding(f"the owner's programs took {most}, which leaves too little for others")


class Use:
    """Normal use by all kinds of clients, and what it was told."""

    def __init__(self, accounts: int) -> None:
        self.accounts = accounts
        self.acknowledged: dict[str, set[str]] = {}

    def go_on(self, server: LocalServer, group: Group, seconds: float, seed: int, report: Report) -> float:
        """Use the server for so long; the 99th percentile of NOOP."""
        command = [sys.executable, "-m", "tests.campaigns._normaluse", ",".join(CROWD)]
        command += map(str, (server.base, self.accounts, seed))
        with (server.folder.parent / "use.log").open("ab") as log:
            use = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ | {"PYTHONPATH": str(top())}
            )
        assert use.stdout is not None
        try:
            if use.stdout.readline() != "under way\n":
                raise Finding("normal use could not begin")
            with watched(server, group) as watch:
                until = time.monotonic() + seconds
                programs: Counter[str] = Counter()
                while time.monotonic() < until and watch.is_alive():
                    programs.update(all_programs(server, ("sorts", "imap"), until))
        finally:
            use.terminate()
            told = use.stdout.read()
            use.wait()
        done, acknowledged = json.loads(told)
        for mailbox, marks in acknowledged.items():
            self.acknowledged.setdefault(mailbox, set()).update(marks)
        if wrong := [kind for kind in done if kind.endswith("wrong")]:
            log_text = (server.folder.parent / "use.log").read_text()
            raise Finding(f"{wrong} got answers that are no refusals:\n{log_text[-2000:]}")
        name = "no limit" if group.limit == UNLIMITED else f"{group.limit / 1e6:.0f} MB"
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(done.items()))
        report.row(
            name,
            "normal use",
            f"{watch.most / 1e6:.0f} MB",
            f"{1000 * watch.p99:.0f} ms",
            f"{counts}; {words(programs)}",
        )
        return watch.p99

    def verify(self, server: LocalServer) -> int:
        """Look for all acknowledged messages; how many there are. Those whose delivery timed out under the load are
        tried at once. Raises Finding.
        """
        server.cli("queue", "retry", "--all")
        for mailbox, marks in self.acknowledged.items():
            until, left = time.monotonic() + ARRIVAL, len(marks)
            while missing := marks - self._there(server, mailbox):
                if len(missing) < left:
                    until, left = time.monotonic() + ARRIVAL, len(missing)
                elif time.monotonic() > until:
                    queue = server.cli("queue", "list").stdout[-2000:]
                    raise Finding(
                        f"{left} of {len(marks)} acknowledged messages of {mailbox} are missing, such as"
                        f" {sorted(missing)[:5]}; the queue:\n{queue}\n{server.log()[-5000:]}"
                    )
                time.sleep(1)  # the queue still has submitted ones
        return sum(map(len, self.acknowledged.values()))

    @staticmethod
    def _there(server: LocalServer, mailbox: str) -> set[str]:
        """The marks of all messages of an account, or of one mailbox."""
        user, _, name = mailbox.partition(" ")
        session = IMAP(server.port(143), user, PASSWORD)
        there: set[str] = set()
        for folder in (name,) if name else ("INBOX", "Rejects", "Junk"):
            try:
                session.command(b"EXAMINE %b" % folder.encode())
                answer = session.command(b"FETCH 1:* (BODY.PEEK[HEADER.FIELDS (X-SOAK)])")
            except RuntimeError:
                continue  # it does not exist, or is empty
            there |= {mark.decode() for mark in MARK.findall(answer)}
        session.close()
        return there


def configure(server: LocalServer, accounts: int) -> None:
    """Add accounts to the configuration of a server that isn't running."""
    with (server.folder / "config/domains.toml").open("a") as file:
        for user in (OTHER, *map(address, range(accounts))):
            name = user.partition("@")[0]
            file.write(f'[accounts.{name}]\ndomain = "localhost"\n[accounts.{name}.destinations."{user}"]\n')


def set_up(server: LocalServer, accounts: int, count: int, report: Report) -> None:
    """Set passwords, make mailboxes, and fill the owner's."""
    for user in (OTHER, *map(address, range(accounts))):
        server.cli("account", "set-password", user.partition("@")[0], stdin=f"{PASSWORD}\n")
    for number in range(accounts):
        session = IMAP(server.port(143), address(number), PASSWORD)
        session.command(b"CREATE %b" % BOX.encode())
        session.close()
    refused = fill(server, OWNER, count)
    messages = count * sum(KINDS.values())
    report.tell(f"{messages} messages of {len(KINDS)} kinds of expensive mail, refused: {refused or 'none'}")


def ended_well(server: LocalServer) -> None:
    """Raises Finding if a panic was counted."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port(81)}/metrics", timeout=60) as answer:
        if panics := PANICS.findall(answer.read().decode()):
            raise Finding(f"panics were counted: {panics}\n{server.log()[-3000:]}")


def run(seed: int, share: float, report: Report) -> None:
    """MESSAGES × share messages of each kind, SECONDS × share of normal use with each limit."""
    count, seconds = max(FEWEST, round(MESSAGES * share)), max(SHORTEST, SECONDS * share)
    small, slack, free = share < SMALL, (1 if share >= 1 else BUSY), NOOP
    slow: list[str] = []
    use = Use(FEW if small else ACCOUNTS)
    report.table(("limit", "work", "memory, without cached files", "NOOP of another account, p99", "outcome"))
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="moxlite-memory-") as folder:
        server = LocalServer(Path(folder) / "server")
        configure(server, use.accounts)
        with server:
            set_up(server, use.accounts, count, report)
        for limit in LIMITS[-1:] if small else (UNLIMITED, *LIMITS):
            with memory_group(limit) as group:
                server.group = group.path
                with server:
                    if limit != UNLIMITED:
                        honest(server, group, report, once=small)
                    took = use.go_on(server, group, seconds / (4 if limit == UNLIMITED else 1), seed + limit, report)
                    there = use.verify(server)
                    ended_well(server)
            if limit == UNLIMITED:
                free = took
            elif took > slack * min(NOOP, TIMES * max(free, FAST)):
                slow.append(f"NOOP took {took:.2f} s with {limit / 1e6:.0f} MB, {free:.2f} s without a limit")
    report.tell(f"{seconds:.0f} s of normal use with each limit; {there} acknowledged messages, all there")
    report.tell("no process was killed, and no panic counted; the clients share the server's processors")
    if slow:
        raise Finding("; ".join(slow))
