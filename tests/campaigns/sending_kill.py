"""kill -9 while thousands of messages are submitted and go to 50 domains: none lost, twice only where our server may
have missed the answer.

Each message has a recipient of its own. A sink stands for the mail hosts of all domains: some put each recipient off
once, some refuse a part of them for good. It notes each message that it takes, and whether our server was heard of on
that connection after the answer: then it had read it, and the message must not come again (QUEUE-7, QUEUE-15). At the
end the queue is drained: each acknowledged message was taken or refused, and each refusal is told in one DSN.
"""

import imaplib
import random
import re
import smtplib
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.campaigns._mailhosts import Hosts, Server, Taken
from tests.campaigns.kill import CUT, insecure
from tests.campaigns.report import Finding, Report
from tests.running import ServedServer
from tests.sendserver import DOMAINS

__all__ = ["run"]

MESSAGES = 10_000
KILLS = 40
FEWEST = 300, 4
"""Messages and kills, however small the share."""

SUBMITTERS = 6
LONGEST_REST = 1.0
"""Seconds between the last submission of a round and its kill, at most: the queue works on."""

DRAIN_SECONDS = 300.0
GREY = frozenset(range(5))
"""Domains whose host puts each recipient off once."""

STRICT = frozenset(range(5, 8))
"""Domains whose host refuses each tenth recipient for good."""

STATIC = '[queue]\nretry_delays = ["1s"]\nmax_attempts = 1000\ndelay_dsn_attempt = 1000\n'
RECIPIENT = re.compile(rb"RCPT TO:<(m(\d+))@d(\d+)\.example>", re.IGNORECASE)


@dataclass
class Sink(Hosts):
    """What all hosts together have answered, by number of the message."""

    taken: defaultdict[int, list[Taken]] = field(default_factory=lambda: defaultdict(list))
    deferred: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)

    def recipient(self, line: bytes) -> bytes:
        """The answer to RCPT."""
        number, domain = _parts(line)
        with self.lock:
            if domain in STRICT and number // DOMAINS % 10 == 0:
                self.refused.add(number)
                return b"550 5.1.1 no such user"
            if domain in GREY and number not in self.deferred:
                self.deferred.add(number)
                return b"450 4.2.0 come again"
        return b"250 2.1.5 ok"

    def take(self, line: bytes, octets: bytes) -> tuple[bytes, Taken]:
        """Each message is taken."""
        number, _ = _parts(line)
        with self.lock:
            self.taken[number].append(Taken())
            return b"250 2.0.0 taken", self.taken[number][-1]


def _parts(line: bytes) -> tuple[int, int]:
    """The number of the message, and of its domain."""
    found = RECIPIENT.match(line)
    if found is None:
        raise AssertionError(line)
    return int(found[2]), int(found[3])


@dataclass
class Ledger:
    """What submitters were told."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    numbers: int = 0
    acknowledged: set[int] = field(default_factory=set)


def submit(server: ServedServer, ledger: Ledger, wanted: int, stop: threading.Event) -> None:
    """Messages of bob, one after the other, until `wanted` are acknowledged in all."""
    with smtplib.SMTP_SSL("127.0.0.1", server.ports["submissions"], timeout=60, context=insecure()) as client:
        client.login("bob@example.org", server.password)
        while not stop.is_set() and len(ledger.acknowledged) < wanted:
            with ledger.lock:
                ledger.numbers += 1
                number = ledger.numbers
            to = f"m{number}@d{number % DOMAINS}.example"
            text = f"From: bob@example.org\r\nTo: {to}\r\nSubject: {number}\r\n\r\n{'x' * (number % 3000)}\r\n"
            client.sendmail("bob@example.org", [to], text)
            with ledger.lock:
                ledger.acknowledged.add(number)


def work(server: ServedServer, ledger: Ledger, wanted: int, rest: float | None) -> None:
    """Submit until so many are acknowledged; after `rest` seconds kill the server, without it let it be."""
    stop = threading.Event()
    failures: list[str] = []

    def worker() -> None:
        try:
            submit(server, ledger, wanted, stop)
        except CUT as error:
            if not stop.is_set():
                failures.append(repr(error))

    threads = [threading.Thread(target=worker, daemon=True) for _ in range(SUBMITTERS)]
    for thread in threads:
        thread.start()
    while len(ledger.acknowledged) < wanted and not failures:
        time.sleep(0.01)
    if rest is not None:
        time.sleep(rest)
        stop.set()
        server.kill()
    for thread in threads:
        thread.join(timeout=120)
    if failures:
        raise Finding(f"the server refused work before it was killed: {failures[:3]}\n{server.log()[-2000:]}")


def notices(server: ServedServer) -> list[int]:
    """The messages that bob's DSNs tell to have failed."""
    client = imaplib.IMAP4_SSL("127.0.0.1", server.ports["imaps"], ssl_context=insecure(), timeout=120)
    client.login("bob@example.org", server.password)
    client.select("INBOX", readonly=True)
    _, answer = client.uid("FETCH", "1:*", "(BODY.PEEK[2])")
    client.logout()
    texts = [item[1] for item in answer if isinstance(item, tuple)]
    return [int(one) for text in texts for one in re.findall(rb"Final-Recipient: rfc822; ?m(\d+)@", text)]


def drain(server: ServedServer) -> None:
    """Wait until the queue is empty."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while (listed := server.cli("queue", "list", "--json").stdout.strip()) not in ("", "[]"):
        if time.monotonic() > deadline:
            raise Finding(f"the queue does not drain: {listed[:1000]}\n{server.log()[-2000:]}")
        time.sleep(0.5)


def judge(sink: Sink, ledger: Ledger, told: list[int]) -> tuple[int, int]:
    """Compare; how many messages came more than once, and how many times too often."""
    if lost := ledger.acknowledged - sink.taken.keys() - sink.refused:
        raise Finding(f"acknowledged, and neither taken nor refused: {sorted(lost)[:10]} ({len(lost)})")
    twice = {number: times for number, times in sink.taken.items() if len(times) > 1}
    if wrong := [number for number, times in twice.items() if any(one.seen for one in times[:-1])]:
        raise Finding(f"sent again though the answer had been read: {wrong[:10]} ({len(wrong)})")
    if sorted(told) != sorted(sink.refused):
        missing, more = sink.refused - set(told), [one for one in set(told) if told.count(one) > 1]
        raise Finding(f"refusals without DSN: {sorted(missing)[:10]}; told twice: {more[:10]}")
    return len(twice), sum(len(times) - 1 for times in twice.values())


def run(seed: int, share: float, report: Report) -> None:
    """MESSAGES and KILLS × share."""
    rng = random.Random(seed)
    messages, kills = max(FEWEST[0], round(MESSAGES * share)), max(FEWEST[1], round(KILLS * share))
    ledger, hosts = Ledger(), Sink()
    with tempfile.TemporaryDirectory(prefix="moxlite-sending-kill-") as folder, Server(hosts) as sink:
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        server = ServedServer(Path(folder) / "server", static=STATIC, module="tests.sendserver")
        server.environment = {"SINK": str(sink.server_address[1])}
        try:
            with server:
                pass
            stages = sorted(rng.randrange(1, messages) for _ in range(kills))
            for stage in stages:
                server.start()
                work(server, ledger, stage, rng.uniform(0, LONGEST_REST))
            server.start()
            work(server, ledger, messages, None)
            drain(server)
            told = notices(server)
            if (code := server.stop()) != 0:
                raise Finding(f"the server ended with exit code {code}:\n{server.log()[-2000:]}")
        finally:
            if server.process.poll() is None:  # there was a finding
                server.kill()
        sink.shutdown()
        checked = server.cli("store", "check", "--deep", check=False)
        if checked.returncode != 0:
            raise Finding(f"store check --deep: {checked.stdout}{checked.stderr}")
    twice, more = judge(hosts, ledger, told)
    seen = hosts
    report.tell(
        f"{kills} kills (SIGKILL) under {SUBMITTERS} submitters, {DOMAINS} domains, each with a host of its own"
    )
    report.tell(f"{len(ledger.acknowledged)} submissions acknowledged, none lost")
    report.tell(
        f"{len(seen.taken)} messages taken over {seen.connections} connections, {len(seen.deferred)} put off first"
    )
    report.tell(
        f"{twice} of them came again, {more} times in all: each time the kill came between the host's answer and the "
        "next word of the server"
    )
    report.tell(f"{len(seen.refused)} refused for good, each told in one DSN")
    report.tell("`store check --deep`: clean")
