"""Two machines and a lease: the first one loses its power, or the network to the storage, and the second takes over.

Machines are processes with folders of their own: a server with its Litestream, and `moxlite standby follow
--take-over`, which becomes a server. The storage is S3 with conditional writes behind a proxy that delays, and that can
be cut for one machine. The lease lasts 12 s in place of 60 (`_fastlease`), all times of it in the same proportion.

- Mode sync: 16 senders, submissions, expunges and copies (as in the campaign `kill`) until all of the first machine
  is killed at a random moment. The second one must have all that was acknowledged, nothing twice, nothing back that was
  expunged, under the same UIDVALIDITYs. It is the first machine of the next round, with a new follower.
- Mode async: what is missing was acknowledged in the last moments before the kill.
- Cuts: the first machine must stop acknowledging before the second one begins, and end by itself.
"""

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pyrage

from tests.campaigns import kill
from tests.campaigns._fastlease import FACTOR, PROGRAM
from tests.campaigns.report import Finding, Report
from tests.objectstorage import Bucket, serving
from tests.running import ServedServer

__all__ = ["run"]

KILLS, ASYNC, CUTS = 150, 50, 50
SHORTEST, LONGEST = 0.3, 3.0
"""Seconds of load before the first machine dies."""

DELAY: Final = 0.01
"""Seconds for which the proxy holds each piece in each direction."""

TAKEN: Final = 75.0
"""Seconds in which the second machine must serve. The lease is shorter here, and the machine has much else to do."""

TAKEN_BUSY: Final = 300.0
"""The same for a share of the campaign, beside other tests."""

LOST: Final = 4.0
"""Seconds before the death whose mail may be missing in mode async: 1 s and the upload, on a busy machine."""

SILENT: Final = 40.0 / FACTOR

CUT = (*kill.CUT, AssertionError)


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


class Pair:
    """A first machine and its follower; the roles move on with each take-over."""

    def __init__(self, folder: Path, bucket: Bucket, mode: str, taken: float) -> None:
        self.folder = folder
        self.taken = taken
        self.number = 0
        self.proxies = Proxy(bucket.port), Proxy(bucket.port)
        key = pyrage.x25519.Identity.generate()
        self.identity = folder / "identity"
        self.identity.write_text(f"{key}\n")
        self.keys = [self._keys(bucket, number) for number in range(2)]
        static = (
            f'[standby]\ntarget = "s3://bucket/pair"\nstorage_keys_file = "{self.keys[0]}"\nlease = true\n'
            f'mode = "{mode}"\ntarget_away = "refuse"\nencrypt_to = ["{key.to_public()}"]\n'
        )
        self.server = ServedServer(folder / "machine-0", static=static, module="tests.campaigns._fastlease")
        self.server.__enter__()
        self.follower = self._follow()

    def _keys(self, bucket: Bucket, number: int) -> Path:
        file = self.folder / f"keys-{number}"
        settings = bucket.keys | {"endpoint": f"http://127.0.0.1:{self.proxies[number].port}"}
        file.write_text("".join(f"{name} = {text}\n" for name, text in settings.items()))
        return file

    def _follow(self) -> subprocess.Popen[bytes]:
        self.number += 1
        place = self.folder / f"machine-{self.number}"
        words = ["standby", "follow", "s3://bucket/pair", "--into", str(place / "copy"), "--take-over"]
        words += ["--storage-keys", str(self.keys[1]), "--identity", str(self.identity), "--no-drop"]
        words += ["--config-dir", str(place / "config"), "--data-dir", str(place / "data")]
        place.mkdir()
        with (self.folder / f"machine-{self.number}.log").open("wb") as log:
            return subprocess.Popen([*PROGRAM, *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def log(self) -> str:
        """What the second machine has said."""
        return (self.folder / f"machine-{self.number}.log").read_text(errors="replace")

    def wait_until_current(self) -> None:
        """Wait until the follower has all databases."""
        file = self.folder / f"machine-{self.number}" / "copy/followed.json"
        until(
            lambda: file.exists() and '"current":0.0' not in (text := file.read_text()) and '"behind":0' in text,
            60,
            self,
        )

    def power_off(self) -> None:
        """Kill all processes of the first machine."""
        pids = self.server.pids()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.server.process.wait(timeout=60)

    def wait_for_take_over(self, died: float) -> float:
        """Wait until the second machine serves; how long it took since the first one died."""
        until(lambda: "ready to serve" in self.log(), self.taken, self)
        took = time.monotonic() - died
        shutil.rmtree(self.server.folder)
        server = object.__new__(ServedServer)
        server.__dict__.update(self.server.__dict__)
        server.folder, server.process = self.folder / f"machine-{self.number}", self.follower
        self.server = server
        return took

    def close(self) -> None:
        """End both."""
        for process in (self.follower, self.server.process):
            for pid in [process.pid] if process.poll() is not None else kill_tree(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait(timeout=60)
        for proxy in self.proxies:
            proxy.close()


def kill_tree(pid: int) -> list[int]:
    """A process and its children."""
    from tests.realservers import tree

    return tree(pid)


def until(condition: Callable[[], object], seconds: float, pair: Pair) -> None:
    """Wait for a condition. Raises Finding."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Finding(f"not within {seconds:.0f} s:\n{pair.log()[-4000:]}")
        time.sleep(0.05)


@contextlib.contextmanager
def machines(mode: str, taken: float) -> Iterator[tuple[Pair, Bucket]]:
    """Two machines, while the block lasts."""
    with tempfile.TemporaryDirectory(prefix="moxlite-standby-") as folder, serving() as bucket:
        pair = Pair(Path(folder), bucket, mode, taken)
        try:
            yield pair, bucket
        finally:
            pair.close()


def load(pair: Pair, ledger: kill.Ledger, rng: random.Random, end: Callable[[], None]) -> None:
    """Run the load of the campaign `kill` until `end` has been called and returns."""
    stop = threading.Event()
    server = pair.server

    def worker(work: kill.Work, seed: int) -> None:
        with contextlib.suppress(*CUT):
            work(server, ledger, random.Random(seed), stop)

    works: list[kill.Work] = [*[kill.send] * kill.SENDERS, *[kill.submit] * 2, kill.expunge, kill.copy]
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


def power_offs(rng: random.Random, kills: int, taken: float, report: Report) -> None:
    """Kills in mode sync."""
    ledger, took = kill.Ledger(), []
    with machines("sync", taken) as (pair, _):
        for _number in range(kills):
            pair.wait_until_current()
            before = validities(pair)

            def end() -> None:
                time.sleep(rng.uniform(SHORTEST, LONGEST))
                pair.power_off()

            load(pair, ledger, rng, end)
            took.append(pair.wait_for_take_over(time.monotonic()))
            kill.verify(pair.server, ledger, drained=False)
            if (after := validities(pair)) != before:
                raise Finding(f"UIDVALIDITYs changed in mode sync: {before} {after}")
            pair.follower = pair._follow()
        pair.server.cli("queue", "schedule", "--all", "--now", "0s")
        until(lambda: pair.server.cli("queue", "list", "--json").stdout.strip() in ("", "[]"), 120, pair)
        inbox, archive = kill.verify(pair.server, ledger, drained=True)
        compared = kill.compare_bodies(pair.server, ledger)
    report.tell(f"mode sync: {kills} power-offs of the first machine under {kill.SENDERS} senders and 4 others")
    report.tell(
        f"{len(ledger.acknowledged)} deliveries, {len(ledger.submitted)} submissions, {len(ledger.expunged)} expunges "
        f"and {ledger.copies.total()} copies acknowledged: all there, none twice, under the same UIDVALIDITYs"
    )
    report.tell(f"{inbox} messages in Inbox, {archive} in Archive, {compared} bodies equal to what was sent")
    report.tell(
        f"the second machine served after {min(took):.1f} to {max(took):.1f} s, with a lease of {60 / FACTOR:.0f} s"
    )


def power_offs_async(rng: random.Random, kills: int, taken: float, report: Report) -> None:
    """Kills in mode async."""
    acknowledged = lost = 0
    oldest = 0.0
    with machines("async", taken) as (pair, _):
        missing_before: set[str] = set()
        ledger = kill.Ledger(acknowledged=Times())
        for _number in range(kills):
            pair.wait_until_current()

            earlier = len(ledger.acknowledged)

            def end() -> None:
                until(lambda: len(ledger.acknowledged) > earlier, 120, pair)  # noqa: B023 - called in this round
                time.sleep(rng.uniform(SHORTEST, LONGEST))
                pair.power_off()

            load(pair, ledger, rng, end)
            died = time.monotonic()
            pair.wait_for_take_over(died)
            client = kill.session(pair.server)
            there = {mark for _, mark in kill.marks(client)}
            client.logout()
            missing = set(ledger.acknowledged) - there - ledger.expunging - missing_before
            assert isinstance(ledger.acknowledged, Times)
            for mark in missing:
                oldest = max(oldest, died - ledger.acknowledged.at[mark])
            if oldest > LOST:
                raise Finding(f"a message was lost that was acknowledged {oldest:.1f} s before the death")
            if "mail programs will read all mailboxes anew" not in pair.log():
                raise Finding("the second machine does not say that the last changes may be missing")
            missing_before |= missing
            lost += len(missing)
            acknowledged = len(ledger.acknowledged)
            pair.follower = pair._follow()
    report.tell(
        f"mode async: {kills} power-offs, {acknowledged} deliveries acknowledged, {lost} of them lost, the earliest "
        f"{oldest:.1f} s before the death; said by the second machine"
    )


def cuts(rng: random.Random, count: int, taken: float, report: Report) -> None:
    """Cuts between the first machine and the storage, of which it recovers or not."""
    ends = []
    for _number in range(count):
        with machines("async", taken) as (pair, _):
            pair.wait_until_current()
            ledger, cut = kill.Ledger(acknowledged=Times()), 0.0
            assert isinstance(ledger.acknowledged, Times)

            def end() -> None:
                nonlocal cut
                time.sleep(rng.uniform(SHORTEST, LONGEST))
                cut = time.monotonic()
                pair.proxies[0].cut = True
                until(lambda: pair.server.process.poll() is not None, taken, pair)

            load(pair, ledger, rng, end)
            ended = time.monotonic()
            pair.proxies[0].cut = False
            last = max(ledger.acknowledged.at.values(), default=cut)
            if last > cut + SILENT + 0.5:
                raise Finding(f"the first machine acknowledged {last - cut:.1f} s after the cut")
            pair.wait_for_take_over(cut)
            if "taking over" not in pair.log():
                raise Finding("nothing was taken over")
            ends.append((last - cut, ended - cut))
    report.tell(
        f"{count} cuts between the first machine and the storage: it acknowledged for at most "
        f"{max(one[0] for one in ends):.1f} s, and ended after at most {max(one[1] for one in ends):.1f} s, before the "
        "second one began; never two that acknowledged"
    )


def run(seed: int, share: float, report: Report) -> None:
    """KILLS, ASYNC and CUTS × share."""
    rng = random.Random(seed)
    taken = TAKEN if share >= 1 else TAKEN_BUSY
    power_offs(rng, max(1, round(KILLS * share)), taken, report)
    power_offs_async(rng, max(1, round(ASYNC * share)), taken, report)
    cuts(rng, max(1, round(CUTS * share)), taken, report)
