"""Ten linked mailboxes of 50,000 messages each at rest, and while mail comes (LINK-36): ``python -m bench.links``.

Dovecot is the other provider of all of them, in clear over loopback, so that neither a network nor TLS is measured.
Told are what the server takes more than before its first link, and how many connections it holds. Needs root, as
Dovecot does, and 4 GB for 500,000 messages of 700 octets: ``TMPDIR=/dev/shm`` keeps disks out of it.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.growth import processor
from bench.imapload import IMAP
from bench.measures import exists
from bench.servers import Moxlite
from tests.realservers import Dovecot
from tests.tools import until

PASSWORD: Final = "moxmoxmox"
BATCH: Final = 500
"""Messages of one APPEND."""

REST: Final = 60.0
"""Seconds that are measured, at rest and while mail comes."""

RATE: Final = 10
"""New messages a second, over all links."""

FIRST_COPY: Final = 6 * 3600.0
"""Seconds for the first copy at most."""

QUIET: Final = 0.02
"""Of a core: below that, what follows the first copy is done, such as the text index."""


def message(link: int, number: int) -> bytes:
    """A small message: a subject, and words of which a third is its own."""
    own = " ".join(f"w{number * 7919 % 99991 + at}" for at in range(20))
    head = f"From: Ann <ann{number % 500}@far.example>\r\nTo: mia{link}@far.example\r\nSubject: Report {number}\r\n"
    head += f"Date: Thu, 05 Nov 2026 10:{number // 60 % 60:02}:{number % 60:02} +0000\r\n"
    head += f"Message-ID: <{number}.{link}@far.example>\r\n\r\n"
    return (head + f"Dear Mia,\r\n{own}\r\n" + "the garden is fine and so is the winter\r\n" * 8).encode()


def private(server: Moxlite) -> float:
    """Memory of all its processes that no other process has, in MB (USS)."""
    octets = 0
    for pid in server.pids():
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(("Private_Clean:", "Private_Dirty:")):
                octets += int(line.split()[1]) * 1024
    return octets / 1e6


def connections(port: int) -> int:
    """Connections that are open to a port of this machine."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(line[2].endswith(f":{port:04X}") and line[3] == "01" for line in lines)


def used(server: Moxlite, seconds: float) -> float:
    """The part of a core that it uses from now on, in so many seconds."""
    before, began = processor(server), time.perf_counter()
    time.sleep(seconds)
    return (processor(server) - before) / (time.perf_counter() - began)


def told(what: str, server: Moxlite, dovecot: Dovecot, before: tuple[float, float]) -> None:
    """Print memory, the growth since `before`, and connections."""
    pss, uss = server.pss(), private(server)
    print(f"{what}: {pss:.1f} MB PSS ({pss - before[0]:+.1f}), {uss:.1f} MB USS ({uss - before[1]:+.1f}), ", end="")
    print(f"{connections(dovecot.port)} connections; load {os.getloadavg()[0]:.1f}", flush=True)


def fill(dovecot: Dovecot, link: int, count: int) -> None:
    """The messages of a mailbox there."""
    session = IMAP(dovecot.port, f"far{link}", PASSWORD)
    for first in range(0, count, BATCH):
        session.multiappend(b"INBOX", [message(link, n) for n in range(first, min(first + BATCH, count))])
    session.close()


def arrived(server: Moxlite, counts: list[int]) -> bool:
    """Whether so many messages are in the Inbox of each link."""
    session = IMAP(server.imap_port, server.user, server.password)
    here = [session.command(b"STATUS Far%d/Inbox (MESSAGES)" % link) for link in range(len(counts))]
    session.close()
    return all(b"MESSAGES %d)" % count in answer for count, answer in zip(counts, here, strict=True))


def in_step(server: Moxlite, links: int) -> bool:
    """Whether all links show what is there."""
    listed = server.server.cli("link", "list", "moxlite", "--json").stdout
    return listed.count('"current"') == links


def come(dovecot: Dovecot, server: Moxlite, counts: list[int]) -> None:
    """New mail for a minute; the processor meanwhile, and how long the last message takes."""
    sessions = [IMAP(dovecot.port, f"far{link}", PASSWORD) for link in range(len(counts))]
    before, began = processor(server), time.perf_counter()
    for number in range(int(REST * RATE)):
        link = number % len(counts)
        sessions[link].append(b"INBOX", [message(link, counts[link])])
        counts[link] += 1
        time.sleep(max(0.0, began + (number + 1) / RATE - time.perf_counter()))
    seconds = time.perf_counter() - began
    cores = (processor(server) - before) / seconds
    until(lambda: arrived(server, counts), what="the last message", seconds=60)
    late = time.perf_counter() - began - seconds
    rate = REST * RATE / seconds
    print(f"{rate:.1f} new messages a second: {cores * 100:.1f} % of a core; the last ones came after {late:.1f} s")
    for session in sessions:
        session.close()


def measure(top: Path, counts: list[int]) -> None:
    """Link mailboxes with so many messages each to one account, and print the figures."""
    top.chmod(0o755)
    (top / "password").write_text(PASSWORD)
    server = Moxlite(top)
    with Dovecot(top / "dovecot", location="mdbox:~/mdbox") as dovecot:
        for link, count in enumerate(counts):
            fill(dovecot, link, count)
        server.start()
        try:
            session = IMAP(server.imap_port, server.user, server.password)
            session.multiappend(b"INBOX", [message(99, number) for number in range(100)])
            assert exists(session) == 100
            session.close()
            time.sleep(REST)
            before = server.pss(), private(server)
            told("before the first link", server, dovecot, before)
            ticks, began = processor(server), time.perf_counter()
            for link in range(len(counts)):
                place = ("--host", "127.0.0.1", "--port", str(dovecot.port), "--tls", "none", "--user", f"far{link}")
                asked = ("--name", f"Far{link}", "--password-file", str(top / "password"), "--no-sending", *place)
                server.server.cli("link", "add", "moxlite", f"mia{link}@far.example", *asked)
            until(lambda: arrived(server, counts), what="the first copy", seconds=FIRST_COPY, pause=2.0)
            until(lambda: in_step(server, len(counts)), what="all links are current", seconds=600.0, pause=2.0)
            seconds = time.perf_counter() - began
            print(f"{sum(counts)} messages first copied in {seconds:.0f} s, {processor(server) - ticks:.0f} s of CPU")
            told("when all are in step", server, dovecot, before)
            cores = used(server, REST)
            told(f"a minute later ({cores * 100:.1f} % of a core)", server, dovecot, before)
            until(lambda: used(server, 10.0) < QUIET, what="the index is made", seconds=3600.0)
            cores = used(server, REST)
            told(f"at rest ({cores * 100:.1f} % of a core)", server, dovecot, before)
            come(dovecot, server, counts)
            time.sleep(REST)
            told("a minute after that", server, dovecot, before)
            server.stop()
            server.start()
            until(lambda: in_step(server, len(counts)), what="all links are current", seconds=600.0, pause=2.0)
            time.sleep(REST)
            told("a minute after a new start", server, dovecot, before)
            come(dovecot, server, counts)
        finally:
            server.stop()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, nargs="+", default=[50_000] * 10, help="of each linked mailbox")
    counts = parser.parse_args().messages
    with tempfile.TemporaryDirectory(prefix="moxlite-bench-", ignore_cleanup_errors=True) as folder:
        measure(Path(folder), counts)


if __name__ == "__main__":
    main()
