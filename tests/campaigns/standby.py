"""Two machines and a lease: the first one loses its power, or the network to the storage, and the second takes over.

Machines are processes with folders of their own: a server with its Litestream, and `moxlite standby follow
--take-over`, which becomes a server. The storage is S3 with conditional writes behind a proxy that delays, and that can
be cut for one machine. The lease lasts 12 s in place of 60 (`_fastlease`), all times of it in the same proportion. Most
of a round is waiting for it, so pairs of machines work side by side.

- Mode sync: 16 senders, submissions, expunges and copies (as in the campaign `kill`) and clicks in the webmail until
  all of the first machine is killed at a random moment. The second one must have all that was acknowledged, nothing
  twice, nothing back that was expunged, under the same UIDVALIDITYs. It is the first machine of the next round, with a
  new follower.
- Mode async: what is missing was acknowledged in the last moments before the kill.
- Handovers: under the same load, in mode async, over and back; nothing is missing, UIDVALIDITYs stay.
- Cuts: the first machine must stop acknowledging before the second one begins, and end by itself.
"""

import contextlib
import http.client
import imaplib
import multiprocessing
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyrage

from bench.webload import Webmail
from tests.campaigns import kill
from tests.campaigns._fastlease import FACTOR, PROGRAM
from tests.campaigns.report import Finding, Report
from tests.objectstorage import Bucket, serving
from tests.realservers import tree
from tests.running import ServedServer
from tests.tools import free_port, write_own

__all__ = [
    "PROGRAM",
    "Ledger",
    "Pair",
    "load",
    "machines",
    "power_off",
    "run",
    "until",
    "validities",
    "verify_clicks",
    "wait_for_moment",
]

KILLS, ASYNC, CUTS, HANDED = 150, 50, 50, 50
PAIRS: Final = 3
"""Pairs of machines that share the kills in mode sync. The other kinds have a pair each."""

SHORTEST, LONGEST = 0.1, 4.0
"""Seconds from the first acknowledgement of a round to the death of the first machine, or the cut."""

EARLY: Final = 0.2
"""Share of the rounds that do not wait for an acknowledgement: the clients just connect."""

BEGIN: Final = 3900.0
"""Seconds in which rounds begin. The report tells how many there were."""

DELAY: Final = 0.01
"""Seconds for which the proxy holds each piece in each direction."""

TAKEN: Final = 300.0
"""Seconds in which the second machine must serve, however busy this one is. The report tells how long it took."""

CURRENT: Final = 180.0
"""Seconds in which a new second machine must have all databases."""

LOST: Final = 4.0
"""Seconds before the death whose mail may be missing in mode async: 1 s and the upload, on a busy machine."""

SILENT: Final = 40.0 / FACTOR

TAKING: Final = 'm="taking over"'
"""In the log of a second machine that has taken the lease."""

CUT = (*kill.CUT, AssertionError, http.client.HTTPException)
NEWEST: Final = 30
"""Messages from which a click chooses."""

EMAIL: Final = re.compile(rb"EMAILID \(M(\d+)")


class Proxy:
    """A port that leads to the storage, slowly. While it is `cut` nothing passes, and nothing is refused either."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.cut = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while octets := one.recv(1 << 16):
                time.sleep(DELAY)
                while self.cut:
                    time.sleep(0.05)
                other.sendall(octets)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Accept no more."""
        self.cut = False
        self._listener.close()


class Times(set[str]):
    """A set that knows when each was added."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[str, float] = {}

    def add(self, element: str) -> None:
        """Add one."""
        super().add(element)
        self.at[element] = time.monotonic()


@dataclass
class Ledger(kill.Ledger):
    """With the messages whose flagging in the webmail was acknowledged, by their marks, and the browser. Its session
    outlives the machines.
    """

    clicked: set[str] = field(default_factory=set)
    browser: Webmail | None = None


Work = Callable[[ServedServer, Ledger, random.Random, threading.Event], None]


@dataclass
class Tally:
    """Results of one pair of machines. counts: of all kinds. took: seconds of each take-over. silent, ended: seconds
    from each cut to the last acknowledgement, and to the end. oldest: seconds before the death, of the first lost
    message. problem: a finding, which ended its rounds.
    """

    counts: Counter[str] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)
    silent: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    oldest: float = 0.0
    problem: str = ""


class Pair:
    """A first machine and its follower; the roles move on with each take-over."""

    def __init__(self, folder: Path, bucket: Bucket, mode: str) -> None:
        self.folder = folder
        self.number = 0
        self.proxies = Proxy(bucket.address[1]), Proxy(bucket.address[1])
        key = pyrage.x25519.Identity.generate()
        self.identity = folder / "identity"
        self.identity.write_text(f"{key}\n")
        self.keys = [self._keys(bucket, number) for number in range(2)]
        port = free_port()
        static = (
            f"webmail_http = {{ enabled = true, port = {port} }}\n"
            f'[standby]\ntarget = "s3://bucket/pair"\nstorage_keys_file = "{self.keys[0]}"\nlease = true\n'
            f'mode = "{mode}"\ntarget_away = "refuse"\nencrypt_to = ["{key.to_public()}"]\n'
        )
        self.server = ServedServer(folder / "machine-0", static=static, module="tests.campaigns._fastlease")
        self.server.ports["webmail"] = port
        self.server.__enter__()
        self.follow()

    def _keys(self, bucket: Bucket, number: int) -> Path:
        return bucket.keys_file(
            self.folder / f"keys-{number}", endpoint=f"http://127.0.0.1:{self.proxies[number].port}"
        )

    def follow(self) -> None:
        """Start a new second machine."""
        self.number += 1
        self._place.mkdir()
        write_own(self._place / "config")
        self.start_follower()

    @property
    def _place(self) -> Path:
        return self.folder / f"machine-{self.number}"

    def start_follower(self, *options: str, environment: Mapping[str, str] | None = None) -> None:
        """Start the command of the second machine, which may have run before."""
        words = ["standby", "follow", "s3://bucket/pair", "--into", str(self._place / "copy"), "--take-over"]
        words += ["--storage-keys", str(self.keys[1]), "--identity", str(self.identity), "--no-drop"]
        words += ["--config-dir", str(self._place / "config"), "--data-dir", str(self._place / "data")]
        words += options
        with self._place.with_suffix(".log").open("ab") as log:
            self.follower = subprocess.Popen(
                [*PROGRAM, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | (environment or {}),
            )

    def log(self) -> str:
        """What the second machine has said."""
        return self._place.with_suffix(".log").read_text(errors="replace")

    def words(self) -> str:
        """The last words of the machines, for a finding."""
        logs = sorted(self.folder.glob("machine-*.log"), key=lambda file: file.stat().st_mtime)[-3:]
        return "\n".join(f"{file.name}:\n{file.read_text(errors='replace')[-6000:]}" for file in logs)

    def wait_until_current(self) -> None:
        """Wait until the follower has all databases. On a busy machine the first one may lose its short lease, and end
        by itself: then the next one serves, and has a follower.
        """
        while True:
            until(lambda: self._current() or TAKING in self.log(), CURRENT, self)
            if TAKING not in self.log():
                return
            self.wait_for_take_over(time.monotonic())
            self.follow()

    def _current(self) -> bool:
        file = self._place / "copy/followed.json"
        text = file.read_text() if file.exists() else ""
        return '"behind":0' in text and '"current":0.0' not in text

    def power_off(self) -> None:
        """Kill all processes of the first machine."""
        power_off(self.server.process)

    def wait_for_take_over(self, died: float) -> float:
        """Wait until the second machine serves; how long it took since the first one died."""
        until(lambda: "ready to serve" in self.log(), TAKEN, self)
        took = time.monotonic() - died
        shutil.rmtree(self.server.folder)
        server = object.__new__(ServedServer)
        server.__dict__.update(self.server.__dict__)
        server.folder, server.process = self._place, self.follower
        self.server = server
        return took

    def close(self) -> None:
        """End both."""
        for process in (self.follower, self.server.process):
            power_off(process)
        for proxy in self.proxies:
            proxy.close()


def power_off(machine: subprocess.Popen[bytes]) -> None:
    """Kill a process and its children."""
    if machine.poll() is None:
        for pid in tree(machine.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    machine.wait(timeout=60)


def until(condition: Callable[[], object], seconds: float, pair: Pair) -> None:
    """Wait for a condition. Raises Finding."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Finding(f"not within {seconds:.0f} s:\n{pair.log()[-4000:]}")
        time.sleep(0.05)


@contextlib.contextmanager
def machines(mode: str, kind: type[Pair] = Pair) -> Iterator[Pair]:
    """Two machines, while the block lasts."""
    with tempfile.TemporaryDirectory(prefix="moxlite-standby-") as folder, serving() as bucket:
        pair = kind(Path(folder), bucket, mode)
        try:
            yield pair
        except Exception:
            print(pair.words(), file=sys.stderr, flush=True)
            raise
        finally:
            pair.close()


def click(server: ServedServer, ledger: Ledger, rng: random.Random, stop: threading.Event) -> None:
    """Flag messages of eve's Inbox in the webmail."""
    imap = kill.session(server)
    browser = ledger.browser = ledger.browser or Webmail(server.ports["webmail"], "eve@example.org", server.password)
    while not stop.is_set():
        there = int(imap.select("INBOX")[1][0] or 0)
        newest = emails(imap, f"{max(1, there - NEWEST)}:*")
        found = [(number, mark) for number, mark in newest if mark not in ledger.clicked]
        if not found:
            time.sleep(0.05)
            continue
        number, mark = rng.choice(found)
        with contextlib.suppress(RuntimeError):  # it was expunged meanwhile
            browser.call("flags_add", message_ids=[number], flags=["\\flagged"])
            ledger.clicked.add(mark)


def emails(client: imaplib.IMAP4_SSL, which: str = "ALL") -> list[tuple[int, str]]:
    """(number of the message in its account, mark) of messages of the mailbox."""
    found = []
    numbers = (client.search(None, which)[1][0] or b"").decode().replace(" ", ",")
    for item in client.fetch(numbers, "(EMAILID BODY.PEEK[HEADER.FIELDS (X-Soak)])")[1] if numbers else ():
        if isinstance(item, tuple):
            number, mark = EMAIL.search(item[0]), kill.MARK.search(item[1])
            assert number, item
            found.append((int(number[1]), mark[1].decode() if mark else ""))
    return found


def load(pair: Pair, ledger: Ledger, rng: random.Random, end: Callable[[], None]) -> None:
    """Run the load of the campaign `kill`, and clicks, until `end` has been called and returns."""
    stop = threading.Event()
    server = pair.server

    def worker(work: Work, seed: int) -> None:
        with contextlib.suppress(*CUT):
            work(server, ledger, random.Random(seed), stop)

    works: list[Work] = [*[kill.send] * kill.SENDERS, *[kill.submit] * 2, kill.expunge, kill.copy, click]
    threads = [threading.Thread(target=worker, args=(one, rng.getrandbits(32)), daemon=True) for one in works]
    for thread in threads:
        thread.start()
    end()
    stop.set()
    for thread in threads:
        thread.join(timeout=60)


def validities(pair: Pair) -> dict[str, str]:
    """UIDVALIDITY of eve's mailboxes."""
    client = kill.session(pair.server)
    found = {}
    for mailbox in ("INBOX", "Archive"):
        told = (client.status(mailbox, "(UIDVALIDITY)")[1][0] or b"").decode()
        match = re.search(r"UIDVALIDITY (\d+)", told)
        assert match, told
        found[mailbox] = match[1]
    client.logout()
    return found


def verify_clicks(pair: Pair, ledger: Ledger) -> None:
    """All that was flagged in the webmail is. Raises Finding."""
    client = kill.session(pair.server)
    flagged = {mark for _, mark in emails(client, "FLAGGED")}
    client.logout()
    if missing := ledger.clicked - flagged - ledger.expunging:
        raise Finding(f"flagged by a click, acknowledged, and not flagged: {sorted(missing)[:10]} ({len(missing)})")


def wait_for_moment(pair: Pair, ledger: Ledger, rng: random.Random) -> None:
    """Wait for the moment of a round at which the first machine is to die. On a busy one it may lose its short lease,
    and end by itself before.
    """
    earlier = len(ledger.acknowledged)
    if rng.random() >= EARLY:
        until(lambda: len(ledger.acknowledged) > earlier or pair.server.process.poll() is not None, TAKEN, pair)
    time.sleep(rng.uniform(SHORTEST, LONGEST))


def rounds(kind: str, count: int, last: float) -> Iterator[int]:
    """The numbers of the rounds of a pair, each told as it begins. None begins later than `last`."""
    for number in range(count):
        if time.monotonic() > last:
            break
        print(f"{time.strftime('%H:%M:%S')} {kind}: round {number + 1} of {count}", file=sys.stderr, flush=True)
        yield number


def power_offs(tally: Tally, rng: random.Random, numbers: Iterator[int]) -> None:
    """Kills in mode sync."""
    ledger = Ledger()
    with machines("sync") as pair:
        before = validities(pair)
        for _number in numbers:
            pair.wait_until_current()

            def end() -> None:
                wait_for_moment(pair, ledger, rng)
                pair.power_off()

            load(pair, ledger, rng, end)
            tally.took.append(pair.wait_for_take_over(time.monotonic()))
            kill.verify(pair.server, ledger, drained=False)
            verify_clicks(pair, ledger)
            if (after := validities(pair)) != before:
                raise Finding(f"UIDVALIDITYs changed in mode sync: {before} {after}")
            tally.counts["power_offs"] += 1
            tally.counts |= Counter(
                deliveries=len(ledger.acknowledged),
                submissions=len(ledger.submitted),
                expunges=len(ledger.expunged),
                copies=ledger.copies.total(),
                clicks=len(ledger.clicked),
            )
            pair.follow()
        pair.server.cli("queue", "retry", "--all")
        until(lambda: pair.server.cli("queue", "list", "--json").stdout.strip() in ("", "[]"), 120, pair)
        inbox, archive = kill.verify(pair.server, ledger, drained=True)
        compared = kill.compare_bodies(pair.server, ledger)
    tally.counts += Counter(inbox=inbox, archive=archive, compared=compared)


def power_offs_async(tally: Tally, rng: random.Random, numbers: Iterator[int]) -> None:
    """Kills in mode async."""
    with machines("async") as pair:
        missing_before: set[str] = set()
        ledger = Ledger(acknowledged=Times())
        assert isinstance(ledger.acknowledged, Times)
        for _number in numbers:
            pair.wait_until_current()

            def end() -> None:
                wait_for_moment(pair, ledger, rng)
                pair.power_off()

            load(pair, ledger, rng, end)
            died = time.monotonic()
            tally.took.append(pair.wait_for_take_over(died))
            client = kill.session(pair.server)
            there = {mark for _, mark in kill.marks(client)}
            client.logout()
            missing = set(ledger.acknowledged) - there - ledger.expunging - missing_before
            for mark in missing:
                tally.oldest = max(tally.oldest, died - ledger.acknowledged.at[mark])
            if tally.oldest > LOST:
                raise Finding(f"a message was lost that was acknowledged {tally.oldest:.1f} s before the death")
            if "mail clients will download all mailboxes again" not in pair.log():
                raise Finding("the second machine does not say that the last changes may be missing")
            missing_before |= missing
            tally.counts["power_offs"] += 1
            tally.counts |= Counter(deliveries=len(ledger.acknowledged), lost=len(missing_before))
            pair.follow()


def cuts(tally: Tally, rng: random.Random, numbers: Iterator[int]) -> None:
    """Cuts between the first machine and the storage."""
    with machines("async") as pair:
        for _number in numbers:
            pair.wait_until_current()
            ledger, cut = Ledger(acknowledged=Times()), 0.0
            assert isinstance(ledger.acknowledged, Times)

            def end() -> None:
                nonlocal cut
                wait_for_moment(pair, ledger, rng)  # noqa: B023 - called in this round
                cut = time.monotonic()
                pair.proxies[0].cut = True
                # The second machine has the same file of keys, and so the same proxy, when it serves.
                until(lambda: pair.server.process.poll() is not None or TAKING in pair.log(), TAKEN, pair)
                pair.proxies[0].cut = False
                until(lambda: pair.server.process.poll() is not None, TAKEN, pair)

            load(pair, ledger, rng, end)
            ended = time.monotonic()
            last = max(ledger.acknowledged.at.values(), default=cut)
            if last > cut + SILENT + 0.5:
                raise Finding(f"the first machine acknowledged {last - cut:.1f} s after the cut")
            tally.took.append(pair.wait_for_take_over(cut))
            if TAKING not in pair.log():
                raise Finding("nothing was taken over")
            tally.silent.append(last - cut)
            tally.ended.append(ended - cut)
            tally.counts["cuts"] += 1
            pair.follow()


def handovers(tally: Tally, rng: random.Random, numbers: Iterator[int]) -> None:
    """Handovers on purpose."""
    ledger = Ledger(acknowledged=Times())
    assert isinstance(ledger.acknowledged, Times)
    with machines("async") as pair:
        before = validities(pair)
        for _number in numbers:
            pair.wait_until_current()

            def end() -> None:
                wait_for_moment(pair, ledger, rng)
                until(lambda: hand_over(pair), TAKEN, pair)
                pair.server.process.wait(timeout=TAKEN)

            load(pair, ledger, rng, end)
            pair.wait_for_take_over(time.monotonic())
            tally.took.append(time.monotonic() - max(ledger.acknowledged.at.values(), default=time.monotonic()))
            kill.verify(pair.server, ledger, drained=False)
            verify_clicks(pair, ledger)
            if (after := validities(pair)) != before:
                raise Finding(f"UIDVALIDITYs changed at a handover: {before} {after}")
            tally.counts["handovers"] += 1
            tally.counts |= Counter(deliveries=len(ledger.acknowledged))
            pair.follow()


def hand_over(pair: Pair) -> bool:
    """Hand over; False if that was refused, as where the follower is slow on a busy machine."""
    return pair.server.cli("standby", "handover", check=False).returncode == 0 or TAKING in pair.log()


Play = Callable[[Tally, random.Random, Iterator[int]], None]


def played(play: Play, seed: int, count: int, last: float) -> Tally:
    """The results of a play. A finding ends it, and is one of them."""
    tally = Tally()
    try:
        play(tally, random.Random(seed), rounds(play.__name__, count, last))
    except Exception as error:  # whatever it is, the other pairs go on
        traceback.print_exc()
        tally.problem = str(error) if isinstance(error, Finding) else repr(error)
    return tally


def run(seed: int, share: float, report: Report) -> None:
    """KILLS, ASYNC, CUTS and HANDED × share, by pairs of machines side by side."""
    rng = random.Random(seed)
    kills, kills_async, count, over = (max(1, round(number * share)) for number in (KILLS, ASYNC, CUTS, HANDED))
    pairs = min(PAIRS, kills)
    portions = [len(range(number, kills, pairs)) for number in range(pairs)]
    last = time.monotonic() + BEGIN
    plays: list[tuple[Play, int]] = [*((power_offs, one) for one in portions), (power_offs_async, kills_async)]
    plays += [(cuts, count), (handovers, over)]
    with ProcessPoolExecutor(len(plays), multiprocessing.get_context("forkserver")) as pool:
        running = [pool.submit(played, play, rng.getrandbits(32), number, last) for play, number in plays]
    tallies = [one.result() for one in running]
    *in_sync, in_async, cut, handed = tallies
    total, took = Counter[str](), sorted(seconds for one in tallies[:-1] for seconds in one.took)
    for one in in_sync:
        total += one.counts
    report.tell(
        f"mode sync: {total['power_offs']} of {kills} power-offs of the first machine of {len(in_sync)} pairs, under "
        f"{kill.SENDERS} senders and 5 others each"
    )
    report.tell(
        f"{total['deliveries']} deliveries, {total['submissions']} submissions, {total['expunges']} expunges, "
        f"{total['copies']} copies and {total['clicks']} clicks acknowledged: all there, none twice, under the same "
        "UIDVALIDITYs"
    )
    report.tell(
        f"{total['inbox']} messages in Inbox, {total['archive']} in Archive, {total['compared']} bodies equal to what "
        "was sent"
    )
    report.tell(
        f"mode async: {in_async.counts['power_offs']} of {kills_async} power-offs, "
        f"{in_async.counts['deliveries']} deliveries acknowledged, {in_async.counts['lost']} of them lost, the first "
        f"{in_async.oldest:.1f} s before the death; said by the second machine"
    )
    report.tell(
        f"{cut.counts['cuts']} of {count} cuts between the first machine and the storage: it acknowledged for at most "
        f"{max(cut.silent, default=0.0):.1f} s, and ended after at most {max(cut.ended, default=0.0):.1f} s, before "
        "the second one began; never two that acknowledged"
    )
    report.tell(
        f"{handed.counts['handovers']} of {over} handovers in mode async, {handed.counts['deliveries']} deliveries "
        "acknowledged: all there, under the same UIDVALIDITYs; the second machine served at most "
        f"{max(handed.took, default=0.0):.1f} s after the last acknowledgement of the first one"
    )
    if took:
        report.tell(
            f"the second machine served after {took[0]:.1f} to {took[-1]:.1f} s, half of the times within "
            f"{took[len(took) // 2]:.1f} s, with a lease of {60 / FACTOR:.0f} s"
        )
    if problems := [one.problem for one in tallies if one.problem]:
        raise Finding(problems[0])
