"""Twenty years of mail beside Dovecot: `python -m bench.large [--messages N] [--only-ours] [--folder DIR]`.

By default, 500,000 messages in 302 folders (`bench.largemail`). Both servers run at the same time, and each task is
made on one, then on the other. On two cores at rest it takes two to three hours, and 50 GB in DIR.

For each task, the table has the processor time and wall time of both servers, how long another user waited for a NOOP,
and how much memory moxlite had above its start. The last column says which limits weren't met:

- 1 s of a processor for what a person waits for;
- five times Dovecot's where that takes 0.1 s, but for bodies and bulk changes;
- 0.3 s for another user, 0.5 s for the owner's APPEND while an import runs;
- 150 MB.

What reads or changes a whole folder or account is only printed.
"""

import argparse
import multiprocessing
import os
import resource
import shutil
import smtplib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from imaplib import Time2Internaldate
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import msgspec
import trio

from bench.accounts import set_passwords
from bench.growth import processor
from bench.imapload import IMAP, corpus
from bench.jmap import Client
from bench.largemail import Letter, Mail, rare
from bench.largetasks import Task, imap_tasks, jmap_tasks, search_tasks, text_tasks, webmail_tasks
from bench.measures import indexed
from bench.servers import Moxlite, Server
from tests.realservers import Dovecot, tree

__all__ = ["main"]

WAITED: Final = 1.0
TIMES: Final = 5.0
WORTH: Final = 0.1
OTHERS: Final = 0.3
OWNERS: Final = 0.5
MEMORY: Final = 150.0
"""The limits, as above."""

QUICK: Final = 0.5
"""Seconds for which what is repeated is measured, but at most `ROUNDS` times."""

ROUNDS: Final = 20
BATCH: Final = 50
"""Messages of an APPEND."""

NEW: Final = 20
"""Messages that are delivered."""

SILENT: Final = 600.0
"""Seconds without a command."""

HOURS: Final = 6 * 3600.0
"""Seconds until a command is given up."""

UNINDEXED: Final = " without an index"
"""What the name of a task ends with while the server's text index is off. Dovecot never has one."""

ACCOUNT: Final = "moxlite"
OTHER: Final = "user0@localhost"


class Figure(msgspec.Struct):
    """What a task took: seconds of a processor and in all, the longest wait of another user, and MB above the start."""

    processor: float
    wall: float
    waited: float
    memory: float


Row = dict[str, Figure]
"""By the server's name."""


class Reference(Server):
    """Dovecot alone."""

    user = "mia"

    def __init__(self, top: Path) -> None:
        self._dovecot = Dovecot(top, location="mdbox:~/mdbox")
        self.imap_port = self._dovecot.port

    def start(self) -> float:
        """Start it; seconds until it listens."""
        began = time.perf_counter()
        self._dovecot.start()
        return time.perf_counter() - began

    def stop(self) -> None:
        """Stop it."""
        self._dovecot.stop()

    def pids(self) -> list[int]:
        """All its processes."""
        return self._dovecot.pids()


# Other users, each in a process of their own: nothing that the bench itself does makes them wait.


def _other(pipe: Connection, port: int, user: str, password: str, root: int) -> None:
    """Answer each begin and end with the longest wait for a NOOP between them, and the most MB that the server had."""
    session = IMAP(port, user, password)
    while _asked(pipe, session):
        longest = most = looked = 0.0
        while not pipe.poll():
            longest = max(longest, session.timed(b"NOOP"))
            if time.monotonic() - looked > 0.2:
                looked, most = time.monotonic(), max(most, _resident(root))
            time.sleep(0.01)
        pipe.recv()
        pipe.send((longest, most))


def _asked(pipe: Connection, session: IMAP) -> bool:
    """Wait for the next begin; False for the end. A server ends sessions that are silent for half an hour."""
    while not pipe.poll(SILENT):
        session.command(b"NOOP", keep=False)
    return bool(pipe.recv())


def _resident(root: int) -> float:
    total = 0
    for pid in tree(root):
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:
            continue
    return total * resource.getpagesize() / 1e6


def _owner(pipe: Connection, imap: int, http: int, user: str, password: str) -> None:
    """Read and write while an import runs, until told to end; answers with the longest time of each command."""
    session = IMAP(imap, user, password)
    client = Client(http, user, password) if http else None
    longest: dict[str, float] = {}

    def timed(name: str, work: Callable[[], object]) -> None:
        began = time.perf_counter()
        work()
        longest[name] = max(longest.get(name, 0.0), time.perf_counter() - began)

    number = 0
    while not pipe.poll(0.5):
        number += 1
        timed("APPEND", partial(session.append, b"INBOX", [corpus(number)]))
        timed("SELECT", partial(session.command, b"SELECT INBOX", keep=False))
        timed("SEARCH TEXT", partial(session.command, b"SEARCH TEXT " + rare(1).encode(), keep=False))
        if client is not None:
            timed("JMAP Mailbox/get", partial(client.call, "Mailbox/get", ids=None))
            timed("JMAP newest 50", partial(client.call, "Email/query", limit=50))
    pipe.send(longest)


@contextmanager
def _process(work: Callable[..., None], *args: object) -> Iterator[Connection]:
    """A process that does this, with the other end of its pipe as its first argument."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=work, args=(there, *args), daemon=True)
    process.start()
    try:
        yield here
    finally:
        process.terminate()
        process.join()


class Side:
    """One of the two servers, with another user's session."""

    def __init__(self, server: Server, name: str, other: str) -> None:
        self.server = server
        self.name = name
        self._user = other
        self._stack = ExitStack()
        self._memory = 0.0

    def start(self) -> None:
        """Start it; what memory it has at first is what others are compared with."""
        self.server.start()
        root = self.server.pids()[0]
        ports = (self.server.imap_port, self._user, self.server.password)
        self._other = self._stack.enter_context(_process(_other, *ports, root))
        self._memory = self._memory or _resident(root)

    def stop(self) -> None:
        """Stop it."""
        self._stack.close()
        self.server.stop()

    def measured(self, task: Task) -> Figure:
        """Do a task, perhaps several times."""
        self._other.send(True)
        before, began, rounds = _spent(self.server), time.perf_counter(), 0
        while rounds == 0 or (task.repeated and time.perf_counter() - began < QUICK and rounds < ROUNDS):
            task.work()
            rounds += 1
        wall, spent = time.perf_counter() - began, _spent(self.server) - before
        self._other.send(False)
        longest, most = self._other.recv()
        return Figure(spent / rounds, wall / rounds, longest, max(0.0, most - self._memory))


def _spent(server: Server) -> float:
    """Seconds of a processor that a server and the commands of this bench have used."""
    return processor(server) + _commands()


def _commands() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


class Bench:
    """The run: both sides, and the figures so far."""

    def __init__(self, folder: Path, messages: int, *, only_ours: bool) -> None:
        self.folder = folder
        self.mail = Mail(messages)
        self.ours = Moxlite(folder, accounts=1)
        self.sides = [Side(self.ours, "moxlite", OTHER)]
        if not only_ours:
            self.sides.append(Side(Reference(folder / "reference"), "Dovecot", "other"))
        self.rows: dict[str, Row] = {}
        self.kinds: dict[str, str] = {}
        self.sizes: dict[str, float] = {}
        self.failed: list[str] = []

    def run(self) -> None:
        """Make all tasks."""
        config = self.ours.server.folder / "config/moxlite.toml"
        config.write_text(f'user = "{os.getuid()}"\n{config.read_text()}')  # whom `restore` gives what it writes
        trio.run(set_passwords, config, ["user0"], self.ours.password)
        for side in self.sides:
            side.start()
        try:
            self._load()
            self._together(lambda side: imap_tasks(*_login(side), self.mail))
            first = self.sides[0]
            http = (self.ours.http_port, self.ours.user, self.ours.password, self.mail)
            for tasks in (jmap_tasks, webmail_tasks):
                for task in tasks(*http):
                    self._note(first, task)
            self._size("all tasks")
            for task in self._running():
                self._note(first, task)
            self._alone(Task("stop", first.stop, "waits"))
            self._alone(Task("start", first.start, "waits"))
            self._note(first, Task("first log-in and SELECT", partial(_select, first), "waits", repeated=False))
            first.stop()
            for task in self._stopped():
                self._alone(task)
            config.write_text(config.read_text() + "\n[store]\nsearch_index = false\n")
            first.start()
            self._together(lambda side: text_tasks(*_login(side), self.mail), UNINDEXED)
            for task in search_tasks(*http):
                self._note(first, task._replace(name=task.name + UNINDEXED))
        finally:
            for side in self.sides:
                side.stop()

    # --- loading

    def _load(self) -> None:
        source = self.folder / "mail"
        (source / "Projects").mkdir(parents=True)
        for name in self.mail.folders:
            with (source / f"{name}.mbox").open("wb") as file:
                file.writelines(self.mail.mbox(name))
        print(f"# {self.mail.total:,} messages are written, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
        for side in self.sides:
            ours = side.server is self.ours
            load = (
                partial(self._cli, "import", "archive", ACCOUNT, str(source)) if ours else partial(self._append, side)
            )
            http = side.server.http_port if ours else 0
            with _process(_owner, side.server.imap_port, http, side.server.user, side.server.password) as owner:
                self._note(side, Task("import", load, "whole", repeated=False))
                owner.send(None)
                for name, longest in owner.recv().items():
                    self._put(side, Task(f"{name} while importing, the longest", load, "whole"), _wall(longest))
        shutil.rmtree(source)
        first = self.sides[0]
        for task in text_tasks(*_login(first), self.mail):
            self._note(first, task._replace(name=f"{task.name}, index being made"))
        self._note(first, Task("index until it's whole", self._wait_for_index, "whole", repeated=False))
        self._size("import")

    def _append(self, side: Side) -> None:
        session = IMAP(*_login(side))
        for name in self.mail.folders:
            if name != "Inbox":
                session.command(f"CREATE {name}".encode(), keep=False)
            letters = self.mail.letters(name)
            while batch := [*islice(letters, BATCH)]:
                session.command(f"APPEND {name}".encode() + b"".join(map(_literal, batch)), keep=False)
        session.close()

    def _wait_for_index(self) -> None:
        folder = self._database().parent
        session = IMAP(*_login(self.sides[0]))
        session.append(b"INBOX", [corpus(0)])  # has the highest id of all
        session.close()
        last = -1
        while (now := indexed(folder)) != last or now == 0:
            last = now
            time.sleep(10)

    def _database(self) -> Path:
        return self.ours.server.folder / f"data/accounts/{ACCOUNT}/account.db"

    def _size(self, what: str) -> None:
        for path in sorted(self._database().parent.iterdir()):
            if path.is_file():
                self.sizes[f"{path.name} after {what}, MB"] = path.stat().st_size / 1e6
        if len(self.sides) > 1:
            mail = self.folder / "reference/mail"
            octets = sum(path.lstat().st_size for path in mail.rglob("*") if path.is_file())
            self.sizes[f"Dovecot after {what}, MB"] = octets / 1e6

    # --- administration

    def _cli(self, *args: str) -> None:
        done = self.ours.server.cli(*args, check=False, seconds=HOURS)
        if done.returncode and args[0] != "doctor":  # it finds much where nothing has been set up
            self.failed.append(f"{' '.join(args)}: {done.stderr[-500:]}")

    def _running(self) -> Iterator[Task]:
        """Tasks of an owner whose server runs."""

        def command(name: str, *args: str) -> Task:
            return Task(name, partial(self._cli, *args), "whole", repeated=False)

        full, repo = str(self.folder / "full"), str(self.folder / "repo")
        yield Task(f"delivery of {NEW}", self._deliver, "waits", repeated=False)
        yield command("backup, full", "backup", "run", full)
        yield command("verifydata", "verifydata", full)
        yield command("backup, first snapshot", "backup", "run", "--repo", repo)
        yield Task(f"delivery of {NEW}, again", self._deliver, "waits", repeated=False)
        yield command(f"backup, snapshot after {NEW} messages", "backup", "run", "--repo", repo)
        yield command("account export-full", "account", "export-full", ACCOUNT, str(self.folder / "whole.moxlite"))
        yield command("doctor", "doctor")
        yield command("store check --deep", "store", "check", "--deep", ACCOUNT)

    def _stopped(self) -> Iterator[Task]:
        """Tasks of an owner whose server is stopped."""
        data, aside = self.ours.server.folder / "data", self.ours.server.folder / "aside"
        yield Task("account recover", partial(self._cli, "account", "recover", ACCOUNT, "--out", str(aside)), "whole")
        shutil.rmtree(aside, ignore_errors=True)
        data.rename(aside)
        restore = partial(self._cli, "restore", "--unsigned", str(self.folder / "full"))
        yield Task("restore", restore, "whole")
        shutil.rmtree(data, ignore_errors=True)
        aside.rename(data)

    def _deliver(self) -> None:
        with smtplib.SMTP("127.0.0.1", self.ours.smtp_port, timeout=120) as client:
            for number in range(NEW):
                client.sendmail("sender@example.com", [self.ours.address], corpus(time.time_ns() % 1_000_000 + number))

    # --- figures

    def _together(self, tasks: Callable[[Side], Iterator[Task]], more: str = "") -> None:
        """Make the same tasks on each side, in turn."""
        for row in zip(*(tasks(side) for side in self.sides), strict=True):
            for side, task in zip(self.sides, row, strict=True):
                self._note(side, task._replace(name=task.name + more))

    def _note(self, side: Side, task: Task) -> None:
        self._put(side, task, side.measured(task))

    def _alone(self, task: Task) -> None:
        """Do a task while nobody uses the server, which may be stopped."""
        before, began = _commands(), time.perf_counter()
        task.work()
        wall = time.perf_counter() - began
        spent = 0.0 if task.kind == "waits" else _commands() - before  # a server that ends counts all of its time
        self._put(self.sides[0], task, Figure(spent, wall, 0.0, 0.0))

    def _put(self, side: Side, task: Task, figure: Figure) -> None:
        self.rows.setdefault(task.name, {})[side.name] = figure
        self.kinds[task.name] = task.kind
        text = f"{figure.processor:.3f} s of a processor, {figure.wall:.2f} s, load {os.getloadavg()[0]:.1f}"
        print(f"# {side.name}: {task.name}: {text}", file=sys.stderr, flush=True)

    def over(self, name: str) -> list[str]:
        """The limits that a task of moxlite doesn't meet."""
        ours, theirs, kind = self.rows[name]["moxlite"], self.rows[name].get("Dovecot"), self.kinds[name]
        limits = [
            (kind == "waits" and ours.processor > WAITED, "processor"),
            (
                theirs is not None and kind != "bulk" and ours.processor > TIMES * max(theirs.processor, WORTH),
                "Dovecot",
            ),
            (ours.waited > OTHERS, "others"),
            (name.startswith("APPEND while") and ours.wall > OWNERS, "the owner"),
            (ours.memory > MEMORY, "memory"),
        ]
        return [text for missed, text in limits if missed]

    def table(self) -> None:
        """Print all figures."""
        print("\n| Task | CPU s | s | others wait, s | MB | Dovecot: CPU s | s | others wait, s | × | over |")
        print("|---" * 10 + "|")
        for name, row in self.rows.items():
            ours, theirs = row["moxlite"], row.get("Dovecot")
            cells = [f"{ours.processor:.3f}", f"{ours.wall:.2f}", f"{ours.waited:.2f}", f"{ours.memory:.0f}"]
            if theirs is None:
                cells += [""] * 4
            else:
                times = f"{theirs.processor / ours.processor:.2f}" if ours.processor else ""
                cells += [f"{theirs.processor:.3f}", f"{theirs.wall:.2f}", f"{theirs.waited:.2f}", times]
            print(f"| {' | '.join([name, *cells, ', '.join(self.over(name))])} |")
        print()
        for name, megabytes in self.sizes.items():
            print(f"{name}: {megabytes:,.0f}")
        for text in self.failed:
            print(f"failed: {text}")


def _login(side: Side) -> tuple[int, str, str]:
    return side.server.imap_port, side.server.user, side.server.password


def _select(side: Side) -> None:
    session = IMAP(*_login(side))
    session.command(b"SELECT INBOX", keep=False)
    session.close()


def _wall(seconds: float) -> Figure:
    return Figure(0.0, seconds, 0.0, 0.0)


def _literal(letter: Letter) -> bytes:
    flags = [flag for flag, is_set in (("\\Seen", letter.seen), ("\\Flagged", letter.flagged)) if is_set]
    head = f" ({' '.join(flags)}) {Time2Internaldate(letter.received)} {{{len(letter.octets)}+}}\r\n"
    return head.encode() + letter.octets


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.large", description=__doc__)
    parser.add_argument("--messages", type=int, default=500_000)
    parser.add_argument("--only-ours", action="store_true", help="without Dovecot")
    parser.add_argument("--folder", type=Path, help="for all files; without it the folder of temporary files")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="moxlite-large-", dir=options.folder, ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        bench = Bench(Path(name), options.messages, only_ours=options.only_ours)
        try:
            bench.run()
        finally:  # hours of figures aren't lost when a task fails
            bench.table()
            if options.json:
                figures = {"rows": bench.rows, "sizes": bench.sizes, "failed": bench.failed}
                options.json.write_bytes(msgspec.json.format(msgspec.json.encode(figures)))


if __name__ == "__main__":
    main()
