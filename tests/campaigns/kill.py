"""kill -9 at random moments under 16 senders, submissions, expunges and copies: nothing acknowledged is missing.

The load keeps a ledger of what it was told: a message counts as acknowledged when its 250 was read, an expunge or
copy when its tagged OK was. After each restart the mailboxes are compared with the ledger:
- each acknowledged message is there, unless an expunge of it was asked for;
- nothing whose expunge was acknowledged is back;
- no message stands twice in the Inbox (what the queue delivers locally carries its key, STORE-189);
- each acknowledged copy is in Archive.
bob, who submits, has a mailbox `Outgoing` (IMAP-162). At the end the queue is drained, and that mailbox must be empty,
each acknowledged submission must have arrived once, every body is compared with what was sent, and `store check
--deep` must find nothing.
"""

import contextlib
import hashlib
import imaplib
import random
import re
import smtplib
import ssl
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.campaigns.report import Finding, Report
from tests.running import ServedServer

__all__ = ["run"]

KILLS = 200
SENDERS = 16
#: How long the load runs before the kill, in seconds: from "while connecting" to "in full swing".
SHORTEST, LONGEST = 0.05, 1.2
MARK = re.compile(rb"X-Soak: (\S+)")


@dataclass
class Ledger:
    """What the load was told, by message mark."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    numbers: int = 0
    hashes: dict[str, str] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    submitted: set[str] = field(default_factory=set)
    expunging: set[str] = field(default_factory=set)
    expunged: set[str] = field(default_factory=set)
    copies: Counter[str] = field(default_factory=Counter)

    def make(self, kind: str, rng: random.Random) -> tuple[str, bytes]:
        """A new message: its mark and octets."""
        with self.lock:
            self.numbers += 1
            mark = f"{kind}{self.numbers}"
        body = "\r\n".join(f"{rng.getrandbits(128):032x}" for _ in range(rng.choice((1, 20, 60, 600))))
        content = (
            f"From: bob@example.org\r\nTo: eve@example.org\r\nSubject: soak {mark}\r\nX-Soak: {mark}\r\n"
            f"Date: Thu, 01 Oct 2026 10:00:00 +0000\r\nMessage-ID: <{mark}@soak.example>\r\n\r\n{body}\r\n"
        ).encode()
        self.hashes[mark] = hashlib.sha256(content).hexdigest()
        return mark, content


#: What a client meets when the server is killed under it.
CUT = (OSError, EOFError, smtplib.SMTPException, imaplib.IMAP4.abort, imaplib.IMAP4.error, ssl.SSLError)


def insecure() -> ssl.SSLContext:
    """For the self-signed certificate of the test."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def send(server: ServedServer, ledger: Ledger, rng: random.Random, stop: threading.Event) -> None:
    """Messages by SMTP to eve, several on one connection."""
    with smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=10) as client:
        while not stop.is_set():
            mark, content = ledger.make("in", rng)
            client.sendmail("", ["eve@example.org"], content)
            ledger.acknowledged.add(mark)


def submit(server: ServedServer, ledger: Ledger, rng: random.Random, stop: threading.Event) -> None:
    """Submissions of bob to eve, through the queue."""
    with submitting(server) as client:
        while not stop.is_set():
            mark, content = ledger.make("out", rng)
            client.sendmail("bob@example.org", ["eve@example.org"], content)
            ledger.submitted.add(mark)


@contextlib.contextmanager
def submitting(server: ServedServer) -> Iterator[smtplib.SMTP_SSL]:
    """A connection of bob's."""
    with smtplib.SMTP_SSL("127.0.0.1", server.ports["submissions"], timeout=10, context=insecure()) as client:
        client.login("bob@example.org", server.password)
        yield client


def session(server: ServedServer, mailbox: str = "INBOX") -> imaplib.IMAP4_SSL:
    """eve's mailbox, selected."""
    client = imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=insecure(), timeout=60)
    client.login("eve@example.org", server.password)
    client.select(mailbox)
    return client


def marks(client: imaplib.IMAP4_SSL, uids: str = "1:*") -> list[tuple[int, str]]:
    """(UID, mark) of messages."""
    _, answer = client.uid("FETCH", uids, "(UID BODY.PEEK[HEADER.FIELDS (X-Soak)])")
    found = []
    for item in answer:
        if isinstance(item, tuple):
            uid, mark = re.search(rb"UID (\d+)", item[0]), MARK.search(item[1])
            assert uid, item
            found.append((int(uid[1]), mark[1].decode() if mark else ""))
    return found


def expunge(server: ServedServer, ledger: Ledger, rng: random.Random, stop: threading.Event) -> None:
    """Flag and expunge the oldest messages of eve's Inbox."""
    client = session(server)
    while not stop.is_set():
        client.noop()
        chosen = marks(client, "1:*")[: rng.choice((1, 5, 40))]
        if not chosen:
            time.sleep(0.05)
            continue
        uids = ",".join(str(uid) for uid, _ in chosen)
        with ledger.lock:
            ledger.expunging |= {mark for _, mark in chosen}
        client.uid("STORE", uids, "+FLAGS.SILENT", "(\\Deleted)")
        code, _ = client.uid("EXPUNGE", uids)
        if code == "OK":
            with ledger.lock:
                ledger.expunged |= {mark for _, mark in chosen}


def copy(server: ServedServer, ledger: Ledger, rng: random.Random, stop: threading.Event) -> None:
    """Copy messages of eve's Inbox to Archive."""
    client = session(server)
    while not stop.is_set():
        client.noop()
        found = marks(client)
        if not found:
            time.sleep(0.05)
            continue
        uid, mark = rng.choice(found)
        code, _ = client.uid("COPY", str(uid), "Archive")
        _, told = client.response("COPYUID")
        if code == "OK" and told and told[0]:
            with ledger.lock:
                ledger.copies[mark] += 1


def verify(server: ServedServer, ledger: Ledger, *, drained: bool) -> tuple[int, int]:
    """Compare eve's mailboxes with the ledger; how many messages Inbox and Archive hold."""
    client = session(server)
    inbox = Counter(mark for _, mark in marks(client))
    client.select("Archive")
    archive = Counter(mark for _, mark in marks(client))
    client.logout()
    if doubled := [mark for mark, count in inbox.items() if count > 1]:
        raise Finding(f"in the Inbox twice: {doubled[:10]}")
    expected = ledger.acknowledged | (ledger.submitted if drained else set())
    if missing := expected - set(inbox) - ledger.expunging:
        raise Finding(f"acknowledged but missing: {sorted(missing)[:10]} ({len(missing)})")
    if back := ledger.expunged & set(inbox):
        raise Finding(f"expunged, acknowledged, and back: {sorted(back)[:10]}")
    for mark, count in ledger.copies.items():
        if archive[mark] < count:
            raise Finding(f"{count} copies of {mark} acknowledged, {archive[mark]} there")
    return inbox.total(), archive.total()


def wait_for_empty_queue_mailbox(server: ServedServer) -> None:
    """bob's mailbox `Outgoing` follows the queue, which is empty (IMAP-162)."""
    client = imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=insecure(), timeout=60)
    client.login("bob@example.org", server.password)
    deadline = time.monotonic() + 60
    while b"MESSAGES 0" not in (told := client.status("Outgoing", "(MESSAGES)")[1][0] or b""):
        if time.monotonic() > deadline:
            raise Finding(f"the queue is empty, its mailbox is not: {told!r}")
        time.sleep(0.2)
    client.logout()


def compare_bodies(server: ServedServer, ledger: Ledger) -> int:
    """Each message's octets below its trace headers must be those sent; how many were compared."""
    client = session(server)
    compared = 0
    for mailbox in ("INBOX", "Archive"):
        client.select(mailbox, readonly=True)
        _, answer = client.uid("FETCH", "1:*", "(UID BODY.PEEK[])")
        for item in answer:
            if isinstance(item, tuple):
                mark = MARK.search(item[1])
                assert mark, item[1][:200]
                at = item[1].index(b"From: bob@example.org\r\n")
                if hashlib.sha256(item[1][at:]).hexdigest() != ledger.hashes[mark[1].decode()]:
                    raise Finding(f"the octets of {mark[1].decode()} in {mailbox} are not those sent")
                compared += 1
    client.logout()
    return compared


Work = Callable[[ServedServer, Ledger, random.Random, threading.Event], None]


def under_load(server: ServedServer, ledger: Ledger, rng: random.Random, seconds: float) -> None:
    """Run the load for some time, then kill the server under it."""
    stop = threading.Event()

    def worker(work: Work, seed: int) -> None:
        try:
            work(server, ledger, random.Random(seed), stop)
        except CUT as error:
            if not stop.is_set():
                failures.append(f"{work.__name__}: {error!r}")

    failures: list[str] = []
    works: list[Work] = [*[send] * SENDERS, *[submit] * 2, *[expunge] * 2, *[copy] * 2]
    threads = [threading.Thread(target=worker, args=(work, rng.getrandbits(32)), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stop.set()
    server.kill()
    for thread in threads:
        thread.join(timeout=60)
    if failures:
        raise Finding(f"the server refused work before it was killed: {failures[:3]}\n{server.log()[-2000:]}")


def run(seed: int, share: float, report: Report) -> None:
    """KILLS × share kills."""
    kill_many(seed, max(1, round(KILLS * share)), report, ServedServer)
    report.tell("the server process was ended by SIGKILL")


def kill_many(seed: int, kills: int, report: Report, make: Callable[[Path], ServedServer]) -> None:
    """The campaign with a number of kills on a server that `make` gives for a folder."""
    rng = random.Random(seed)
    ledger = Ledger()
    with tempfile.TemporaryDirectory(prefix="moxlite-kill-") as folder:
        server = make(Path(folder) / "server")
        domains = server.config_folder / "domains.toml"
        domains.write_text(domains.read_text().replace("[accounts.bob]\n", "[accounts.bob]\nqueue_mailbox = true\n"))
        with server:
            pass
        for number in range(kills):
            server.start()
            if number:
                verify(server, ledger, drained=False)
            under_load(server, ledger, rng, rng.uniform(SHORTEST, LONGEST))
        server.start()
        # Interrupted attempts count, so that no fault of ours makes a tight loop (QUEUE-13): not to wait 7m30s here.
        server.cli("queue", "retry", "--all")
        deadline = time.monotonic() + 120
        while (listed := server.cli("queue", "list", "--json").stdout.strip()) not in ("", "[]"):
            if time.monotonic() > deadline:
                raise Finding(f"the queue does not drain: {listed[:1000]}")
            time.sleep(0.2)
        wait_for_empty_queue_mailbox(server)
        inbox, archive = verify(server, ledger, drained=True)
        compared = compare_bodies(server, ledger)
        code = server.stop()
        if code != 0:
            raise Finding(f"the server ended with exit code {code}:\n{server.log()[-2000:]}")
        checked = server.cli("store", "check", "--deep", check=False)
        if checked.returncode != 0:
            raise Finding(f"store check --deep: {checked.stdout}{checked.stderr}")
    report.tell(f"{kills} kills under {SENDERS} senders, 2 submitters, 2 expungers, 2 copiers")
    report.tell(
        f"{len(ledger.acknowledged)} deliveries and {len(ledger.submitted)} submissions acknowledged, all there"
    )
    report.tell(f"{len(ledger.expunged)} expunges acknowledged, none back")
    report.tell(f"{ledger.copies.total()} copies acknowledged, all there")
    report.tell(
        f"{inbox} messages in Inbox, none twice; {archive} in Archive; {compared} bodies equal to what was sent"
    )
    report.tell("`store check --deep`: clean")
