"""Kills and cuts of a linked mailbox: Debian's Dovecot and Cyrus, and mox, are the other provider (LINK-12).

In each round mail comes, and messages are flagged, moved and removed, on both sides; meanwhile the connection to the
provider is cut after a random number of octets, and in every second round the server is killed. Every few rounds both
sides must agree:
- each message is on both sides, once, in the same mailbox with the same flags;
- none is lost that no side has removed.
"""

import contextlib
import os
import random
import shutil
import socket
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import imapclient
from imapclient.exceptions import IMAPClientError

from tests.campaigns.kill import insecure
from tests.campaigns.report import Finding, Report
from tests.realservers import CYRUS_PROGRAM, Cyrus, Dovecot, Mox
from tests.running import ServedServer

__all__ = ["run"]

COUNT = 2_000
"""Kills and cuts, of all providers together."""

CUT_AFTER = 6_000
"""Octets from the provider before a cut, at most: it answers about as many in a round."""

SETTLED_EACH = 5
SETTLE_SECONDS = 120.0
"""Seconds without a change on either side, within which they look at each other twice."""

PASSWORD = "moxmoxmox"
"""At the provider."""

BOXES = ("Work", "Trips")
LINK = "Far"
FLAGS = (rb"\Seen", rb"\Flagged", rb"\Answered", b"blue")
COMPARED = frozenset(flag.lower() for flag in FLAGS)

Source = Cyrus | Dovecot | Mox

State = dict[str, tuple[str, frozenset[bytes]]]


class Cutter:
    """A relay to the provider that ends connections after a number of octets from it."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.left = -1
        """Octets until the cut, below 0 for no cut."""
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            far = socket.create_connection(("127.0.0.1", self._target))
            threading.Thread(target=self._relay, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._relay, args=(far, near, True), daemon=True).start()

    def _relay(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while octets := source.recv(4096):
                if counted and self.left >= 0:
                    octets = octets[: self.left]
                    self.left -= len(octets)
                target.sendall(octets)
                if counted and self.left == 0:
                    self.left, self.cuts = -1, self.cuts + 1
                    break
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def select(client: imapclient.IMAPClient, name: str, *, readonly: bool = False) -> list[int]:
    """Select a mailbox; its UIDs. Of a search imapclient takes one answer, and mox gives one for each 100 messages."""
    count = client.select_folder(name, readonly=readonly)[b"EXISTS"]
    return [uid for first in range(1, count + 1, 100) for uid in client.search(f"{first}:{min(first + 99, count)}")]


class Side:
    """One of the two: where its clients log in, and the name of a mailbox there."""

    def __init__(self, port: int, user: str, password: str, *, linked: bool, below: str = "") -> None:
        self._port = port
        self._user = user
        self._password = password
        self._linked = linked
        self._below = below

    @contextlib.contextmanager
    def client(self):  # type: ignore[no-untyped-def] # imapclient has no types
        """A client that has logged in."""
        context = insecure() if self._linked else None
        with imapclient.IMAPClient(
            "127.0.0.1", self._port, ssl=self._linked, ssl_context=context, timeout=30
        ) as client:
            client.login(self._user, self._password)
            yield client

    @property
    def mark(self) -> str:
        """Begins the marks of messages of this side."""
        return LINK[:1] if self._linked else ""

    def name(self, box: str) -> str:
        """A mailbox by its name, which the provider may have below Inbox."""
        if self._linked:
            return f"{LINK}/{'Inbox' if box == 'INBOX' else box}"
        return box if box == "INBOX" else f"{self._below}{box}"

    def state(self) -> tuple[State, Counter[str]]:
        """Mailbox and flags of each message by its mark, and the number of copies."""
        found: State = {}
        count: Counter[str] = Counter()
        with self.client() as client:
            for box in ("INBOX", *BOXES):
                with contextlib.suppress(IMAPClientError):
                    present = select(client, self.name(box), readonly=True)
                    for one in client.fetch(present, ["FLAGS", "BODY.PEEK[HEADER.FIELDS (SUBJECT)]"]).values():
                        mark = one[b"BODY[HEADER.FIELDS (SUBJECT)]"].split()[1].decode()
                        count[mark] += 1
                        found[mark] = box, frozenset(flag.lower() for flag in one[b"FLAGS"]) & COMPARED
        return found, count


def change(side: Side, rng: random.Random, number: int, kept: set[str], removed: set[str]) -> None:
    """Do some things at one side."""
    with side.client() as client:
        for index in range(rng.randrange(1, 4)):
            mark = f"m{number}.{index}.{side.mark}x"
            text = f"From: a@example.net\r\nSubject: {mark}\r\nMessage-ID: <{mark}@soak>\r\n\r\nhello\r\n"
            client.append(side.name(rng.choice(("INBOX", *BOXES))), text.encode())
            kept.add(mark)
        box = rng.choice(("INBOX", *BOXES))
        present = select(client, side.name(box))
        for uid in rng.sample(present, min(len(present), 6)):
            act = rng.random()
            if act < 0.5:
                flag = rng.choice(FLAGS)
                (client.add_flags if rng.random() < 0.6 else client.remove_flags)([uid], [flag])
            elif act < 0.8:
                client.move([uid], side.name(rng.choice([one for one in ("INBOX", *BOXES) if one != box])))
            elif act < 0.9:
                answer = client.fetch([uid], ["BODY.PEEK[HEADER.FIELDS (SUBJECT)]"]).get(uid)
                if answer is not None:
                    removed.add(answer[b"BODY[HEADER.FIELDS (SUBJECT)]"].split()[1].decode())
                    client.delete_messages([uid])
                    client.uid_expunge([uid])


def settled(near: Side, far: Side, kept: set[str], removed: set[str]) -> None:
    """Wait until both sides agree, as long as there is progress; raises Finding."""
    end, last = 0.0, None
    while True:
        (here, count), (there, far_count) = near.state(), far.state()
        twice = [mark for mark, copies in (count + far_count).items() if copies > 2]
        lost = kept - removed - (here.keys() | there.keys())
        if here == there and not twice and not lost:
            return
        if (here, there) != last:
            end, last = time.monotonic() + SETTLE_SECONDS, (here, there)
        if time.monotonic() > end:
            differing = {mark: (here.get(mark), there.get(mark)) for mark in here.keys() | there.keys()}
            differing = {mark: pair for mark, pair in differing.items() if pair[0] != pair[1]}
            raise Finding(f"lost {sorted(lost)[:9]}, twice {twice[:9]}, differing {dict(list(differing.items())[:9])}")
        time.sleep(0.3)


def run(seed: int, share: float, report: Report) -> None:
    """COUNT × share kills and cuts, with each provider that is installed in turn."""
    count = max(5, round(COUNT * share))
    with tempfile.TemporaryDirectory(prefix="moxlite-link-") as name:
        folder = Path(name)
        sources: list[Source] = [Dovecot(folder / "dovecot")]
        if CYRUS_PROGRAM.exists():
            sources.append(Cyrus())
        if shutil.which(os.environ.get("MOX_BINARY", "mox")):
            sources.append(Mox(folder / "mox"))
        for source in sources[: max(1, count // SETTLED_EACH)]:
            play(source, folder / type(source).__name__, seed, count // len(sources), report)


def play(source: Source, folder: Path, seed: int, count: int, report: Report) -> None:
    """Kill and cut a link to one provider `count` times. Raises Finding."""
    rng = random.Random(seed)
    kept, removed, kills = set[str](), set[str](), 0
    with source:
        cutter = Cutter(source.port)
        server = ServedServer(folder / "server", top="allow_private_webhooks = true")
        far = Side(source.port, source.user, PASSWORD, linked=False, below=source.below)
        near = Side(server.ports["imaps"], "bob@example.org", server.password, linked=True)
        with far.client() as client:
            for box in BOXES:
                client.create_folder(far.name(box))
        change(far, rng, 0, kept, removed)
        with server:
            place = ("--host", "127.0.0.1", "--port", str(cutter.port), "--tls", "none", "--no-sending")
            user = ("--user", source.user, "--name", LINK)
            server.cli("link", "add", "bob", "far@example.net", *user, *place, stdin=PASSWORD)
            for box in BOXES:
                with near.client() as client, contextlib.suppress(IMAPClientError):
                    client.create_folder(near.name(box))
            settled(near, far, kept, removed)
            number = 0
            while kills + cutter.cuts < count:
                number += 1
                cutter.left = rng.randrange(CUT_AFTER)
                with contextlib.suppress(IMAPClientError, OSError):
                    for side in rng.sample((near, far), 2):
                        change(side, rng, number, kept, removed)
                        time.sleep(rng.random() * 1.5)
                if rng.random() < 0.5:
                    server.kill()
                    server.start()
                    kills += 1
                cutter.left = -1
                server.cli("link", "resume", "bob", LINK)
                if number % SETTLED_EACH == 0:
                    settled(near, far, kept, removed)
            settled(near, far, kept, removed)
            server.cli("store", "check", "--deep")
    name = type(source).__name__
    report.tell(
        f"{kills} kills and {cutter.cuts} cuts of a link to {name}; {len(kept)} messages, each once on both sides"
    )
