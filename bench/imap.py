"""Measure IMAP beside dovecot: `python -m bench.imap [MEASURE ...] [--messages N] [--rounds N] [--location WHERE]`.

Both servers run at the same time, each with one account that is filled once; each round of a measure is taken on one,
then on the other. What only moxlite has a bar for is measured on moxlite alone.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trio

from bench.__main__ import table
from bench.accounts import set_passwords
from bench.imapload import IMAP, corpus
from bench.measures import Figures, best, idle
from bench.servers import Moxlite, Reference, Server
from moxlite.imapd.updates.changes import wire_flags
from moxlite.proto.imap.encode import fetch_flags
from moxlite.proto.imap.server import Command, ServerDecoder
from moxlite.store.types import Flag

CROWD_ACCOUNTS = 20
CROWD_MESSAGES = 5_000
CROWD_SESSIONS = 1_000
RARE = 1_000
"""One message of so many has the word that text searches look for."""
SORTED = {"SORT": ("ARRIVAL", "DATE", "SUBJECT", "FROM"), "THREAD": ("REFERENCES", "ORDEREDSUBJECT")}
"""By which keys, and how, a mailbox is put in order."""


def letter(number: int) -> bytes:
    """A message of the corpus; some have one more word in their text."""
    data = corpus(number)
    return data.replace(b"\r\n\r\n", b"\r\n\r\nquizzical zebra\r\n", 1) if number % RARE == 7 else data


@dataclass
class Side:
    """One of the two servers, with its filled account."""

    server: Server
    messages: int
    octets: int = 0  # of all messages together
    used: int = 0  # numbers of letters that it has had beside them

    def new(self, count: int) -> list[bytes]:
        """So many letters that it has never had."""
        first = self.messages + self.used
        self.used += count
        return [letter(number) for number in range(first, first + count)]

    def login(self, *, user: str | None = None, tls: bool = False, select: bytes | None = b"INBOX") -> IMAP:
        """A session, with the mailbox selected."""
        port = self.server.imaps_port if tls else self.server.imap_port
        session = IMAP(port, user or self.server.user, self.server.password, tls=tls)
        if select is not None:
            session.command(b"SELECT " + select, keep=False)
        return session

    def fill(self, count: int, user: str | None = None) -> None:
        """Append messages to the Inbox of a user, every second one seen."""
        session = self.login(user=user, select=None)
        self.octets = 0
        for first in range(0, count, 100):
            batch = [letter(n) for n in range(first, min(first + 100, count))]
            self.octets += sum(map(len, batch))
            session.multiappend(b"INBOX", batch)
        session.command(b"SELECT INBOX", keep=False)
        for first in range(1, count, 2_000):
            some = b",".join(b"%d" % uid for uid in range(first, min(first + 2_000, count), 2))
            session.command(b"UID STORE " + some + b" +FLAGS.SILENT (\\Seen)", keep=False)
        session.close()
        self.settle()

    def settle(self) -> None:
        """Wait until the server has done what it does behind its answers (indexing, erasing)."""
        deadline = time.monotonic() + 3600
        before = self._busy()
        while time.monotonic() < deadline:
            time.sleep(2)
            now = self._busy()
            if sum(seconds - before.get(thread, 0.0) for thread, seconds in now.items()) < 0.1:
                return
            before = now

    def _busy(self) -> dict[Path, float]:
        """Seconds for which each thread of it has run, or waited for a processor (proc_pid_schedstat)."""
        busy: dict[Path, float] = {}
        for pid in self.server.pids():
            for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                with suppress(OSError):
                    busy[file] = sum(map(int, file.read_text().split()[:2])) / 1e9
        return busy

    def renew(self) -> None:
        """Start the server again; dovecot has then forgotten what it knew of messages beyond their flags."""
        self.server.stop()
        if isinstance(self.server, Reference):
            for cache in (self.server.top / "dovecot/mail").rglob("dovecot.index.cache"):
                cache.unlink()
        self.server.start()


def median(session: IMAP, line: bytes, times: int = 5) -> float:
    """Of the milliseconds that a command takes, the first time not counted."""
    return best([session.timed(line) for _ in range(times + 1)][1:])


# --- reading


def sync(side: Side) -> Figures:
    """What a client asks for when it sees a mailbox for the first time; then again; then bare flags."""
    side.renew()
    session = side.login()
    line = b"UID FETCH 1:%d (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)" % side.messages
    figures = {"sync items, first time, ms": session.timed(line) * 1e3, "sync items, again, ms": median(session, line)}
    figures["FLAGS of all, ms"] = median(session, b"UID FETCH 1:%d (FLAGS)" % side.messages)
    session.close()
    session = side.login(tls=True)
    figures["sync items over TLS, ms"] = median(session, line, 3)
    session.close()
    return figures


def bodies(side: Side) -> Figures:
    """All messages in full."""
    session = side.login()
    milliseconds = median(session, b"UID FETCH 1:%d (BODY.PEEK[])" % side.messages, 2)
    session.close()
    return {"bodies, MB/s": side.octets / milliseconds / 1e3}


def opened(side: Side) -> Figures:
    """Messages in full, one after the other, as a person opens them: no question before the last one's answer."""
    session = side.login()
    some = range(1, min(side.messages, 2_000) + 1)
    times = [session.timed(b"UID FETCH %d (BODY.PEEK[])" % uid) for uid in some]
    session.close()
    return {"open one message after the other, /s": len(some) / sum(times), "open one message, p50, ms": best(times)}


def search(side: Side) -> Figures:
    """Searches in rows, headers and texts."""
    figures: Figures = {}
    session = side.login()
    for name, line in (
        ("UNSEEN, every second", b"UNSEEN"),
        ("SINCE", b"SINCE 1-Jan-2020"),
        ("FROM, 1 % hit", b'FROM "sender13@"'),
        ("SUBJECT, 0.3 % hit", b'SUBJECT "winter garden"'),
        ("SUBJECT, a common word", b'SUBJECT "garden"'),
        ("TO, all hit", b'TO "bench@"'),
        ("OR FROM TO SUBJECT, a common word", b'OR OR FROM "garden" TO "garden" SUBJECT "garden"'),
        ("TEXT, two letters", b'TEXT "xq"'),
    ):
        figures[f"SEARCH {name}, ms"] = median(session, b"UID SEARCH " + line)
    for name, line in (
        ("BODY, 0.1 % hit", b'BODY "quizzical"'),
        ("TEXT, 0.1 % hit", b'TEXT "quizzical"'),
        ("BODY, no hit", b'BODY "not there at all"'),
    ):
        figures[f"SEARCH {name}, ms"] = median(session, b"UID SEARCH " + line, 2)
    session.close()
    return figures


def sorting(side: Side) -> Figures:
    """SORT and THREAD of all messages: the first time after a start, again, and when one message has come since. In a
    new copy of the Inbox: dovecot keeps what it once sorted a mailbox by in its index.
    """
    figures: Figures = {}
    questions = {
        f"{command} {how}": f"UID {command} {f'({how})' if command == 'SORT' else how} UTF-8 ALL".encode()
        for command, ways in SORTED.items()
        for how in ways
    }
    session = side.login()
    session.command(b"CREATE Sorted", keep=False)
    session.command(b"UID COPY 1:%d Sorted" % side.messages, keep=False)
    session.close()
    side.settle()
    for name, line in questions.items():
        side.renew()
        session = side.login(select=b"Sorted")
        figures[f"{name}, first time, ms"] = session.timed(line) * 1e3
        session.close()
    session, other = side.login(select=b"Sorted"), side.login(select=None)
    for name, line in questions.items():
        figures[f"{name}, again, ms"] = median(session, line, 2)
        times = []
        for number in range(5):
            other.append(b"Sorted", [letter(side.messages + number)])
            times.append(session.timed(line))
        figures[f"{name}, one message has come, ms"] = best(times)
    session.close()
    other.command(b"DELETE Sorted", keep=False)
    other.close()
    side.settle()
    return figures


def select(side: Side) -> Figures:
    """SELECT, first and again; and with QRESYNC, after another session has changed the flags of 100 messages here and
    there.
    """
    figures: Figures = {}
    times = []
    for _ in range(11):
        session = side.login(select=None)
        times.append(session.timed(b"SELECT INBOX"))
        session.close()
    figures["SELECT, first of a session, ms"] = best(times[1:])
    session, other = side.login(), side.login()
    times = []
    for _ in range(11):
        session.command(b"UNSELECT", keep=False)
        times.append(session.timed(b"SELECT INBOX"))
    figures["SELECT, again, ms"] = best(times[1:])
    session.command(b"ENABLE QRESYNC", keep=False)
    step = side.messages // 100
    uids = b",".join(b"%d" % (n * step + 1) for n in range(100))
    times = []
    for n in range(7):
        session.command(b"UNSELECT", keep=False)
        known = session.command(b"SELECT INBOX")
        session.command(b"UNSELECT", keep=False)
        validity, modseq = (_number(known, word) for word in (b"UIDVALIDITY", b"HIGHESTMODSEQ"))
        other.command(b"UID STORE %b %bFLAGS.SILENT (\\Answered)" % (uids, b"+-"[n % 2 : n % 2 + 1]), keep=False)
        times.append(session.timed(b"SELECT INBOX (QRESYNC (%d %d))" % (validity, modseq)))
    figures["SELECT with QRESYNC, 100 changes, ms"] = best(times[1:])
    session.close()
    other.close()
    return figures


def _number(answer: bytes, word: bytes) -> int:
    match = re.search(rb"\[%b (\d+)\]" % word, answer)
    assert match
    return int(match[1])


def status(side: Side) -> Figures:
    """What clients ask now and then: STATUS, LIST of 200 mailboxes with their STATUS, NOOP."""
    session = side.login(select=None)
    for n in range(200):
        session.command(b"CREATE Box%d" % n, keep=False)
    figures: Figures = {"STATUS, ms": median(session, b"STATUS INBOX (MESSAGES UNSEEN UIDNEXT HIGHESTMODSEQ)", 20)}
    line = b'LIST "" "Box*" RETURN (STATUS (MESSAGES UNSEEN UIDNEXT))'
    figures["LIST of 200 with STATUS, ms"] = median(session, line)
    for n in range(200):
        session.command(b"DELETE Box%d" % n, keep=False)
    session.command(b"SELECT INBOX", keep=False)
    figures["NOOP, ms"] = median(session, b"NOOP", 100)
    session.close()
    return figures


def logins(side: Side) -> Figures:
    """Connect, LOGIN, LOGOUT."""

    def some(count: int) -> None:
        for _ in range(count):
            side.login(select=None).close()

    some(5)
    began = time.perf_counter()
    some(100)
    one = 100 / (time.perf_counter() - began)
    with ThreadPoolExecutor(8) as pool:
        began = time.perf_counter()
        list(pool.map(some, [40] * 8))
        many = 320 / (time.perf_counter() - began)
    return {"log-ins, one after the other, /s": one, "log-ins, 8 clients, /s": many}


# --- writing


def append(side: Side) -> Figures:
    """APPEND of new messages, each waited for; and MULTIAPPEND of 100 (RFC 3502)."""
    session = side.login(select=None)
    session.command(b"CREATE Appended", keep=False)
    session.append(b"Appended", side.new(20))
    letters = side.new(500)
    began = time.perf_counter()
    for data in letters:
        session.append(b"Appended", [data])
    single = 500 / (time.perf_counter() - began)
    batches = [side.new(100) for _ in range(10)]
    began = time.perf_counter()
    for batch in batches:
        session.multiappend(b"Appended", batch)
    multi = 1_000 / (time.perf_counter() - began)
    session.command(b"DELETE Appended", keep=False)
    session.close()
    side.settle()
    return {"APPEND one by one, /s": single, "MULTIAPPEND of 100, /s": multi}


@contextmanager
def others(side: Side) -> Iterator[dict[str, list[float]]]:
    """Sessions that go on meanwhile: one reads a message of the Inbox, one changes it; how long each waited."""
    waits: dict[str, list[float]] = {"read": [], "change": []}
    stop = threading.Event()
    lines = {"read": b"UID FETCH 5 (FLAGS ENVELOPE)", "change": b"UID STORE 6 +FLAGS (\\Answered)"}

    def run(kind: str, session: IMAP) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            line = lines[kind] if number % 2 else lines[kind].replace(b"+", b"-")
            waits[kind].append(session.timed(line))
            time.sleep(0.005)

    sessions = {kind: side.login() for kind in waits}
    threads = [threading.Thread(target=run, args=item) for item in sessions.items()]
    for thread in threads:
        thread.start()
    try:
        yield waits
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for session in sessions.values():
            session.close()


def bulk(side: Side) -> Figures:
    """STORE, COPY, MOVE and EXPUNGE of as many messages as the Inbox has: alone, then beside others that are timed."""
    figures: Figures = {}
    everything = b"1:%d" % side.messages
    session = side.login()
    for beside in (False, True):

        def run(name: str, line: bytes, beside: bool = beside) -> None:
            if not beside:
                figures[f"{name} of all, /s"] = side.messages / session.timed(line)
                return
            with others(side) as waits:
                time.sleep(0.1)
                session.command(line, keep=False)
                time.sleep(0.1)
            for kind, times in waits.items():
                figures[f"– another session's {kind} while {name}, worst, ms"] = max(times) * 1e3

        run("STORE", b"UID STORE " + everything + b" +FLAGS.SILENT (\\Flagged)")
        session.command(b"UID STORE " + everything + b" -FLAGS.SILENT (\\Flagged)", keep=False)
        for name in (b"Copied", b"Moved"):
            session.command(b"CREATE " + name, keep=False)
        run("COPY", b"UID COPY " + everything + b" Copied")
        session.command(b"SELECT Copied", keep=False)
        run("MOVE", b"UID MOVE 1:* Moved")
        session.command(b"SELECT Moved", keep=False)
        session.command(b"UID STORE 1:* +FLAGS.SILENT (\\Deleted)", keep=False)
        run("EXPUNGE", b"EXPUNGE")
        session.command(b"SELECT INBOX", keep=False)
        for name in (b"Copied", b"Moved"):
            session.command(b"DELETE " + name, keep=False)
        side.settle()
    session.close()
    return figures


def expunges(side: Side) -> Figures:
    """10,000 messages are removed from a mailbox that 20 more sessions have selected; they go on with commands."""
    session = side.login()
    session.command(b"CREATE Shrinking", keep=False)
    session.command(b"UID COPY 1:10000 Shrinking", keep=False)
    session.command(b"SELECT Shrinking", keep=False)
    session.command(b"UID STORE 1:* +FLAGS.SILENT (\\Deleted)", keep=False)
    stop = threading.Event()

    def run(one: IMAP) -> list[float]:
        times = []
        while not stop.is_set():
            times.append(one.timed(b"NOOP"))
            time.sleep(0.05)
        return times

    neighbours = [side.login(select=b"Shrinking") for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        runs = [pool.submit(run, one) for one in neighbours]
        time.sleep(0.3)
        took = session.timed(b"EXPUNGE")
        time.sleep(0.5)
        stop.set()
        times = [late for one in runs for late in one.result()]
    for one in neighbours:
        one.close()
    session.command(b"UNSELECT", keep=False)
    session.command(b"DELETE Shrinking", keep=False)
    session.close()
    side.settle()
    return {
        "EXPUNGE of 10,000 with 20 neighbours, ms": took * 1e3,
        "– a neighbour's command meanwhile, worst, ms": max(times) * 1e3,
    }


# --- of moxlite alone


def crowd(side: Side) -> Figures:
    """1,000 idle TLS sessions over 20 accounts of 5,000 messages: what one takes, and how often the server wakes up."""
    assert isinstance(side.server, Moxlite)
    side.fill(CROWD_MESSAGES, "user0@localhost")
    side.server.stop()
    accounts = side.server.server.folder / "data/accounts"
    for n in range(1, CROWD_ACCOUNTS):
        shutil.copytree(accounts / "user0", accounts / f"user{n}", dirs_exist_ok=True)
    side.server.start()
    sessions: list[IMAP] = []

    def open_some(count: int) -> None:
        for _ in range(count):
            session = side.login(user=f"user{len(sessions) % CROWD_ACCOUNTS}@localhost", tls=True)
            session.sock.sendall(b"I IDLE\r\n")
            session.sock.recv(4096)
            sessions.append(session)

    open_some(100)  # what each account takes, and room that the start has left free
    time.sleep(10)
    before = side.server.anonymous()
    open_some(CROWD_SESSIONS)
    time.sleep(10)
    kilobytes = (side.server.anonymous() - before) / CROWD_SESSIONS * 1e3
    time.sleep(120)  # what the opening left to do is done, memory is given back
    before_it = switches(side.server)
    time.sleep(60)
    wakes = sum(count - before_it.get(thread, 0) for thread, count in switches(side.server).items())
    for session in sessions:
        session.sock.close()
    return {
        "memory for each of 1,000 idle TLS sessions, kB": kilobytes,
        "wake-ups of the server with 1,100 idle sessions, 1/s": wakes / 60,
    }


def codec(side: Side) -> Figures:
    """Commands read, and FETCH lines with flags written; in this process, by its time on a processor."""
    count = 20_000
    decoder = ServerDecoder()
    decoder.authenticated = True
    line = b"a UID FETCH 1:100,200 (UID FLAGS BODY.PEEK[HEADER.FIELDS (FROM SUBJECT)])\r\n"
    began = time.process_time()
    for _ in range(count):
        decoder.feed(line)
        if not isinstance(decoder.next_event(), Command):
            raise AssertionError("no command")
    read = count / (time.process_time() - began)
    began = time.process_time()
    for n in range(count):
        fetch_flags(n, n, wire_flags(Flag(n % 16), ("work",)), n)
    return {"commands read, /s": read, "FLAGS written, /s": count / (time.process_time() - began)}


def switches(server: Server) -> dict[str, int]:
    """How often each thread of the server has gone to sleep so far; those that have ended are not counted."""
    counts: dict[str, int] = {}
    for pid in server.pids():
        for path in Path(f"/proc/{pid}/task").glob("*/status"):
            match = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", path.read_text(), re.MULTILINE)
            counts[str(path)] = int(match[1]) if match else 0
    return counts


BOTH: dict[str, Callable[[Side], Figures]] = {
    "sync": sync,
    "bodies": bodies,
    "opened": opened,
    "search": search,
    "sorting": sorting,
    "select": select,
    "status": status,
    "logins": logins,
    "append": append,
    "bulk": bulk,
    "expunges": expunges,
    "idle": lambda side: idle(side.server),
}
OWN: dict[str, Callable[[Side], Figures]] = {"crowd": crowd, "codec": codec}


def main() -> None:
    """Run the measures and print one table."""
    parser = argparse.ArgumentParser(prog="bench.imap", description=__doc__)
    parser.add_argument("measures", nargs="*", default=[], help=f"of {', '.join([*BOTH, *OWN])}; none: all")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["moxlite", "reference"])
    parser.add_argument("--location", default="mdbox:~/mdbox", help="dovecot's mail_location")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="moxlite-bench-", ignore_cleanup_errors=True) as name:
        top = Path(name)
        top.chmod(0o755)
        rounds = run(top, options.measures or [*BOTH, *OWN], options)
    figures = {kind: {name: statistics.median(values) for name, values in got.items()} for kind, got in rounds.items()}
    table(figures)
    if options.json:
        options.json.write_text(json.dumps({"figures": figures, "rounds": rounds}, indent=1) + "\n")


def run(top: Path, measures: Sequence[str], options: argparse.Namespace) -> dict[str, dict[str, list[float]]]:
    """All rounds: side, figure, values."""
    sides: dict[str, Side] = {}
    if options.only != "reference":
        moxlite = Moxlite(top, accounts=CROWD_ACCOUNTS if "crowd" in measures else 0)
        names = [f"user{n}" for n in range(moxlite.accounts)]
        if names:
            trio.run(set_passwords, moxlite.server.folder / "config/moxlite.toml", names, moxlite.password)
        sides["moxlite"] = Side(moxlite, options.messages)
    if options.only != "moxlite":
        sides["reference"] = Side(Reference(top, location=options.location), options.messages)
    rounds: dict[str, dict[str, list[float]]] = {kind: {} for kind in sides}
    try:
        for kind, side in sides.items():
            side.server.start()
            if set(measures) & set(BOTH):
                began = time.perf_counter()
                side.fill(options.messages)
                print(f"# filled {kind} in {time.perf_counter() - began:.0f} s", flush=True)
        for name in measures:
            for _ in range(options.rounds if name in BOTH else 1):
                for kind, side in sides.items():
                    if name in OWN and kind == "reference":
                        continue
                    for figure, value in (BOTH | OWN)[name](side).items():
                        rounds[kind].setdefault(figure, []).append(value)
                    print(f"# {name}, {kind}: done, load {os.getloadavg()[0]:.1f}", flush=True)
    finally:
        for side in sides.values():
            side.server.stop()
    return rounds


if __name__ == "__main__":
    main()
