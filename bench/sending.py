"""Measure how mail leaves, beside postfix: `python -m bench.sending [--rounds N] [--messages N]`, as root.

Both take messages of 4 kB by SMTP from 1 and 20 submitters, each with one session, look their hosts up in the same DNS,
and hand them on to postfix's smtp-sink, in a net of their own. Rates count from the first MAIL to the last message that
has left the queue. Postfix has Debian's settings but for the changes of `tests.realservers`.
"""

import argparse
import os
import random
import smtplib
import sqlite3
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path

import trio

from moxlite.queue.scheduling.due import Candidate, usable
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind
from moxlite.store.file.transaction import Reader
from moxlite.store.options import Options
from tests.dnsworld import DNSWorld
from tests.ownnet import set_up_net
from tests.realservers import Postfix, listening
from tests.running import ServedServer
from tests.tools import free_port, until

OWN = "5.45.100.10"
DOMAINS = 20
"""Each with a host of its own, but for the domains of one provider."""

SUBMITTERS = (1, 20)
LISTENER = "[listeners.metrics]\nips = ['127.0.0.1']\nmetrics_http = {{ enabled = true, port = {port} }}\n"
POSTFIX = "disable_dns_lookups = no\nrelayhost =\nsmtp_tls_security_level = may\n"
TEXT = (
    "Subject: figure\r\nFrom: bob@example.org\r\nTo: {to}\r\nMessage-ID: <{name}@example.org>\r\n\r\n"
    + "x" * 72
    + "\r\n"
)
SIZE = 4000


def host(number: int) -> str:
    """The address of a host."""
    return f"5.45.100.{100 + number}"


def zones() -> dict[str, str]:
    """Domains ``dN.example`` with a host each, and ``pN.example`` that one provider takes mail for."""
    found = {f"d{n}.example": f"@ MX 10 mx\nmx A {host(n)}" for n in range(DOMAINS)}
    found |= {f"p{n}.example": "@ MX 10 mx.provider.example." for n in range(DOMAINS)}
    found["provider.example"] = f"mx A {host(DOMAINS)}"
    return found


@contextmanager
def sink() -> Iterator[None]:
    """Takes all mail, at port 25 of each host."""
    addresses = [host(number) for number in range(DOMAINS + 1)]
    running = [
        subprocess.Popen(["smtp-sink", "-u", "nobody", f"{one}:25", "1000"], stderr=subprocess.DEVNULL)
        for one in addresses
    ]
    try:
        until(lambda: listening(25), what="the sink listens")
        time.sleep(0.5)
        yield
    finally:
        for process in running:
            process.terminate()
            process.wait()


class Ours:
    """moxlite, by submission over TLS."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._metrics = free_port()
        self.server = ServedServer(folder / "moxlite", static=LISTENER.format(port=self._metrics))
        stack.enter_context(self.server)

    def session(self) -> smtplib.SMTP:
        """A session of a submitter."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        smtp = smtplib.SMTP_SSL("127.0.0.1", self.server.ports["submissions"], context=context, timeout=300)
        smtp.login("bob@example.org", self.server.password)
        return smtp

    def waiting(self) -> int:
        """Messages in the queue."""
        database = sqlite3.connect(f"file:{self.server.folder}/data/queue.db?mode=ro", uri=True, timeout=30)
        with closing(database):
            [(count,)] = database.execute("SELECT count(*) FROM msg")
        return int(count)

    def connections(self) -> int:
        """Made to other servers so far."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        found = [line for line in lines if line.startswith('moxlite_queue_connection_total{result="ok"}')]
        return int(float(found[0].split()[-1])) if found else 0


class Theirs:
    """postfix, from the networks that it trusts."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.server = stack.enter_context(Postfix(folder / "postfix", POSTFIX))

    def session(self) -> smtplib.SMTP:
        """A session of a submitter."""
        return smtplib.SMTP("127.0.0.1", self.server.port, timeout=300)

    def waiting(self) -> int:
        """Messages in the queue."""
        return self.server.queued()

    def connections(self) -> int:
        """Made to other servers so far, as its log tells."""
        return sum("relay=" in line and "conn_use=" not in line for line in self.server.log().splitlines())


def processor(side: Ours | Theirs) -> float:
    """Seconds of processor time of all its processes so far, also of those that have ended."""
    ticks = 0
    for pid in side.server.pids():
        with suppress(OSError):
            ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def rate(side: Ours | Theirs, submitters: int, recipients: list[str]) -> float:
    """Messages a second until the queue is empty."""
    shares = [recipients[n::submitters] for n in range(submitters)]
    sessions = [side.session() for _ in shares]
    began = time.perf_counter()
    threads = [
        threading.Thread(target=hand_in, args=(session, share)) for session, share in zip(sessions, shares, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: side.waiting() == 0, seconds=300, what="the queue is empty")
    seconds = time.perf_counter() - began
    for session in sessions:
        session.quit()
    return len(recipients) / seconds


def hand_in(session: smtplib.SMTP, recipients: list[str]) -> None:
    """One message for each."""
    for to in recipients:
        text = TEXT.format(to=to, name=random.randbytes(8).hex())
        session.sendmail("bob@example.org", [to], text + ("y" * 72 + "\r\n") * ((SIZE - len(text)) // 74))


def leaving(folder: Path, rounds: int, messages: int) -> None:
    """All rates of both, in turn, and the connections for a thousand messages."""
    rates: dict[str, dict[str, list[float]]] = {}
    with ExitStack() as stack:
        stack.enter_context(DNSWorld(zones(), unsigned=list(zones()), port=53))
        stack.enter_context(sink())
        sides: dict[str, Ours | Theirs] = {"moxlite": Ours(folder, stack), "postfix": Theirs(folder, stack)}
        for side in sides.values():
            rate(side, 4, [f"warm{n}@d{n % DOMAINS}.example" for n in range(40)])
        for _ in range(rounds):
            for submitters in SUBMITTERS:
                for where, domains in (("20 domains", "d{}"), ("1 domain", "d0"), ("20 domains of one host", "p{}")):
                    to = [f"u{n}@{domains.format(n % DOMAINS)}.example" for n in range(messages)]
                    for name, side in sides.items():
                        before = processor(side)
                        found = rate(side, submitters, to)
                        used = (processor(side) - before) / messages * 1e3
                        figure = f"{submitters} submitters, {where}"
                        rates.setdefault(f"{figure}, /s", {}).setdefault(name, []).append(found)
                        rates.setdefault(f"{figure}, processor, ms", {}).setdefault(name, []).append(used)
        print("\n| Figure | moxlite | postfix | moxlite is better by |\n|---|---|---|---|")
        for figure, values in rates.items():
            ours, theirs = (statistics.median(values[name]) for name in ("moxlite", "postfix"))
            better = ours / theirs if figure.endswith("/s") else theirs / ours
            print(f"| {figure} | {ours:,.1f} | {theirs:,.1f} | {better:.2f} × |", flush=True)
        for what, domain in (("one domain", "d1.example"), ("20 domains of one host", "p{}.example")):
            for name, side in sides.items():
                before = side.connections()
                rate(side, 1, [f"u{n}@{domain.format(n % DOMAINS)}" for n in range(1000)])
                print(f"1,000 messages to {what}, {name}: {side.connections() - before} connections", flush=True)


ROWS = """
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
INSERT INTO msg (base_id, content_id, queued, hold, account, login_address, sender_localpart, sender_domain, from_id,
    rcpt_localpart, rcpt_domain, message_id, subject, attempts, max_attempts, next_attempt, last_attempt, dialed_ips,
    results, transport, future_release_request, has8bit, smtputf8, is_dmarc_report, is_tls_report, size, prefix,
    require_tls, extra, priority, deliver_by, dsn_notify, dsn_ret, dsn_envid, dsn_orcpt, dsn_due, dsn_next)
SELECT 0, 1, 1, 0, 'bob', '', 'bob', 'example.org', '', 'u' || i, 'd' || (i % ?2) || '.example', '', '', i % ?2 < ?3, 0,
    CASE WHEN i % ?2 < ?3 THEN i ELSE 1000000 + i END, NULL, '{}', '[]', '', '', 0, 0, 0, 0, 4000, x'', NULL, '{}',
    0, '', 0, '', '', '', '', 0 FROM n"""


def timed(r: Reader, asked: Callable[[Reader], list[Candidate]]) -> tuple[float, list[Candidate]]:
    """Milliseconds of the reader's thread, and what was found."""
    began = time.thread_time()
    found = asked(r)
    return (time.thread_time() - began) * 1e3, found


async def picking(folder: Path) -> None:
    """100,000 rows that are due, of 1,000 domains, the 100 with the oldest rows dead: processor time until it is known
    what is next, median and worst of 200.
    """
    database = await Database.open(folder / "queue.db", Kind.QUEUE, options=Options(min_free_space=0), create=True)
    try:
        await database.write(lambda tx: tx.execute("INSERT INTO content (id, size, refs) VALUES (1, 4000, 100000)"))
        await database.write(lambda tx: tx.execute(ROWS, 100_000, 1000, 100))
        dead = {f"d{n}.example" for n in range(100)}
        for what, busy in (
            ("no domain is busy", set[str]()),
            ("the dead ones are", dead),
            ("half of all are", {f"d{n}.example" for n in range(500)}),
        ):
            times = []
            asked = partial(usable, busy=busy, retries=True, without=(), now=1 << 60)
            for _ in range(200):
                milliseconds, found = await database.read(partial(timed, asked=asked), op="bench")
                times.append(milliseconds)
                assert found
                assert not busy & {one.domain for one in found}
            print(f"picking, {what}: {statistics.median(times):.2f} ms, worst {max(times):.2f} ms", flush=True)
    finally:
        await database.aclose()


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="bench.sending", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--messages", type=int, default=600, help="for each rate")
    parser.add_argument("--in-net", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.in_net is not None:
        set_up_net(options.in_net, OWN, *(host(number) for number in range(DOMAINS + 1)))
        leaving(options.in_net, options.rounds, options.messages)
        return
    with tempfile.TemporaryDirectory(prefix="moxlite-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        trio.run(picking, folder)
        command = [sys.executable, "-m", "bench.sending", "--in-net", name]
        command += ["--rounds", str(options.rounds), "--messages", str(options.messages)]
        subprocess.run(["unshare", "--net", "--mount", *command], check=True)
        print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
