"""How fast an account moves in from Dovecot, and what deliveries feel of it: ``python -m bench.imapcopy [COUNT]``.

Dovecot and moxlite run on the same machine, in clear over loopback, so that neither a network nor TLS is measured.
Needs root, as Dovecot does.
"""

import datetime as dt
import os
import smtplib
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

import trio

from bench.imapload import corpus
from moxlite.net.imapclient import Credentials, Server, connect
from moxlite.net.resolver import FakeResolver
from moxlite.net.tls.certificates import Trust
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.writing.write import Appended
from tests.realservers import Dovecot
from tests.running import LocalServer

BOXES: Final = ("INBOX", "Archive", "Work", "Lists", "Sent")
FLAGS: Final = ((r"\Seen",), (), (r"\Seen", r"\Answered"), (r"\Flagged", "work"))
PASSWORD: Final = "moxmoxmox"
BATCH: Final = 200
"""Messages of one APPEND."""

DELIVERY_SECONDS: Final = 0.2
"""Between two deliveries during the import."""


async def fill(dovecot: Dovecot, count: int) -> int:
    """Spread messages over the mailboxes; how many octets they have."""
    server = Server("127.0.0.1", "none", dovecot.port)
    credentials = Credentials("ann", PASSWORD, allow_clear=True)
    client = await connect(server, credentials, resolver=FakeResolver(), trust=Trust(system=False))
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    total = 0
    for at, name in enumerate(BOXES):
        if name != "INBOX":
            await client.run(c.Create(name))
        numbers = range(at, count, len(BOXES))
        for first in range(0, len(numbers), BATCH):
            messages = []
            for number in numbers[first : first + BATCH]:
                octets = corpus(number)
                total += len(octets)
                date = start + dt.timedelta(minutes=number)
                messages.append((Appended(len(octets), FLAGS[number % len(FLAGS)], date), octets))
            await client.append(name, messages)
    await client.logout()
    return total


def deliver(local: LocalServer, end: threading.Event, seconds: list[float]) -> None:
    """Deliver a message now and then; how long each takes."""
    while not end.wait(DELIVERY_SECONDS):
        began = time.perf_counter()
        with smtplib.SMTP("127.0.0.1", local.port(25), "bench.example", timeout=60) as session:
            session.sendmail("a@bench.example", [local.user], b"Subject: hi\r\n\r\nhello\r\n")
        seconds.append(time.perf_counter() - began)


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory(prefix="moxlite-bench-") as folder:
        top = Path(folder)
        top.chmod(0o755)
        (top / "password").write_text(PASSWORD)
        with Dovecot(top / "dovecot") as dovecot, LocalServer(top / "server") as local:
            octets = trio.run(fill, dovecot, count)
            print(f"{count} messages, {octets >> 20} MiB in {len(BOXES)} mailboxes; load {os.getloadavg()[0]:.1f}")
            for when in ("first run", "second run", "third run, something new"):
                if when.startswith("third"):
                    trio.run(fill_one, dovecot)
                run(local, dovecot, top, when)


async def fill_one(dovecot: Dovecot) -> None:
    """One more message."""
    server = Server("127.0.0.1", "none", dovecot.port)
    credentials = Credentials("ann", PASSWORD, allow_clear=True)
    client = await connect(server, credentials, resolver=FakeResolver(), trust=Trust(system=False))
    await client.append("Work", [(Appended(len(corpus(0))), corpus(0))])
    await client.logout()


def run(local: LocalServer, dovecot: Dovecot, top: Path, when: str) -> None:
    """One import, with deliveries beside it."""
    ticks = _ticks(local)
    taken: list[float] = []
    end = threading.Event()
    beside = threading.Thread(target=deliver, args=(local, end, taken))
    beside.start()
    began = time.perf_counter()
    done = local.cli(
        *("imap", "import", "--host", "127.0.0.1", "--port", str(dovecot.port), "--tls", "none", "--user", "ann"),
        *("--password-file", str(top / "password"), "moxlite"),
        seconds=3600,
    )
    seconds = time.perf_counter() - began
    end.set()
    beside.join()
    messages = int(done.stdout.split()[0])
    cpu = (_ticks(local) - ticks) / os.sysconf("SC_CLK_TCK")
    print(
        f"{when}: {messages} messages in {seconds:.1f} s, {messages / seconds:.0f} a second; server: {cpu:.1f} s of CPU"
    )
    if len(taken) > 1:
        centiles = statistics.quantiles(taken, n=100)
        print(
            f"  {len(taken)} deliveries beside it: median {centiles[49] * 1e3:.0f} ms, 99 % {centiles[98] * 1e3:.0f} ms"
        )
    print(f"  memory of the server at its peak: {_peak(local) >> 10} MiB; load {os.getloadavg()[0]:.1f}")


def _ticks(local: LocalServer) -> int:
    fields = Path(f"/proc/{local.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def _peak(local: LocalServer) -> int:
    status = Path(f"/proc/{local.process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
