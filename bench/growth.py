"""How figures grow: with the messages of a mailbox, and with the accounts of a server.

`python -m bench.growth messages|accounts [--sizes 1000,10000,100000] [--only KIND] [--svg FILE]`, beside postfix +
dovecot, and beside mox where its binary is found. A figure that grows with the power 0 does not depend on the size, one
with the power 1 is in proportion. `messages --sizes 1000,10000,100000,1000000` is for a night.
"""

import argparse
import json
import os
import shutil
import smtplib
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from bench.curves import Curves, exponent, panels
from bench.imap import Side, letter
from bench.measures import Figures
from bench.servers import Mox, Moxlite, Reference, Server

NAMES = {"moxlite": "moxlite", "reference": "postfix + dovecot", "mox": "mox"}
SIZES = {"messages": "1000,10000,100000", "accounts": "1,10,100,1000,5000"}
SENDERS = 8
"""Connections by which mail comes to many accounts."""

TIMES = 10
"""A figure is the least of so many."""

REACHED = 200
"""Accounts that get a message each while it is timed."""

Make = Callable[[str, Path, int], Server]


def of_messages(server: Server, sizes: Sequence[int]) -> dict[int, Figures]:
    """Figures for a mailbox that grows."""
    server.start()
    found: dict[int, Figures] = {}
    side = Side(server, max(sizes))
    maker = side.login(select=None)
    maker.command(b"CREATE Growing", keep=False)
    have = 0
    for size in sizes:
        began = time.perf_counter()
        for first in range(have, size, 100):
            batch = [letter(n) for n in range(first, min(first + 100, size))]
            maker.multiappend(b"Growing", batch)
        figures = {"APPEND in batches, ms a message": (time.perf_counter() - began) / (size - have) * 1e3}
        have = size
        side.settle()
        found[size] = figures | reading(side, size)
        report(server, f"{size} messages", found[size])
    maker.close()
    return found


def reading(side: Side, size: int) -> Figures:
    """What a person waits for in a mailbox of that size, in milliseconds: the least of ten, which other programs on the
    machine change less than a median.
    """
    firsts = []
    for _ in range(TIMES):
        session = side.login(select=None)
        firsts.append(session.timed(b"SELECT Growing"))
        session.close()
    session = side.login(select=b"Growing")

    def often(lines: Sequence[bytes]) -> float:
        return min([session.timed(line) for line in lines]) * 1e3

    step = max(size // 50, 1)
    spread = range(1, size + 1, step)
    figures = {
        "SELECT, first of a session, ms": min(firsts) * 1e3,
        "list the last 50, ms": often([b"UID FETCH %d:%d (UID FLAGS ENVELOPE BODYSTRUCTURE)" % (size - 49, size)] * 6),
        "open one message, ms": often([b"UID FETCH %d (BODY.PEEK[])" % uid for uid in spread]),
        "mark one as read, ms": often([b"UID STORE %d +FLAGS.SILENT (\\Answered)" % uid for uid in spread]),
        "SEARCH TEXT, 0.1 % hit, ms": often([b'UID SEARCH TEXT "quizzical"'] * TIMES),
        "SEARCH SUBJECT, a common word, ms": often([b'UID SEARCH SUBJECT "garden"'] * TIMES),
        "SEARCH UNANSWERED, ms": often([b"UID SEARCH UNANSWERED"] * TIMES),
        "FLAGS of all, ms": often([b"UID FETCH 1:* (FLAGS)"] * TIMES),
    }
    times = []
    for n in range(30):
        one = letter(side.messages + side.used + n)
        began = time.perf_counter()
        session.append(b"Growing", [one])
        times.append(time.perf_counter() - began)
    session.command(b"UID STORE %d:* +FLAGS.SILENT (\\Deleted)" % (size + 1), keep=False)
    session.command(b"EXPUNGE", keep=False)
    session.close()
    return figures | {"APPEND of one, ms": min(times) * 1e3}


def of_accounts(make: Make, kind: str, sizes: Sequence[int]) -> dict[int, Figures]:
    """Figures for servers with more and more accounts, each of which has a message."""
    found: dict[int, Figures] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="moxlite-growth-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            folder.chmod(0o755)
            server = make(kind, folder, size)
            domain = server.address.partition("@")[2]
            addresses = [f"user{n}@{domain}" for n in range(size)]
            server.start()
            try:
                began = time.perf_counter()
                deliver(server, addresses)
                first = (time.perf_counter() - began) / size * 1e3
                time.sleep(8)
                server.stop()
                started = server.start()
                time.sleep(3)
                figures = {"start again, ms": started * 1e3, "first message of an account, ms": first}
                figures["memory 3 s after the start, MB"] = server.anonymous()
                reached = addresses[:: max(size // REACHED, 1)][:REACHED]
                reached *= max(REACHED // len(reached), 1)
                began, ran = time.perf_counter(), processor(server)
                deliver(server, reached)
                figures["delivery in turn, ms"] = (time.perf_counter() - began) / len(reached) * 1e3
                figures["delivery in turn, processor, ms"] = (processor(server) - ran) / len(reached) * 1e3
                figures["memory then, MB"] = server.anonymous()
            finally:
                server.stop()
        found[size] = figures
        report(server, f"{size} accounts", figures)
    return found


def report(server: Server, what: str, figures: Figures) -> None:
    """A line while it runs: a run may be ended before its tables."""
    values = ", ".join(f"{name} {value:.1f}" for name, value in figures.items())
    print(f"# {server.name}, {what}, load {os.getloadavg()[0]:.1f}: {values}", flush=True)


def deliver(server: Server, addresses: Sequence[str]) -> None:
    """A message to each, over some connections. Returns when all are acknowledged; raises if one is not."""
    failed: list[Exception] = []

    def share(mine: Sequence[str]) -> None:
        try:
            with smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=300) as smtp:
                for n, address in enumerate(mine):
                    smtp.sendmail("sender@example.com", [address], letter(n))
        except (OSError, smtplib.SMTPException) as error:
            failed.append(error)

    threads = [threading.Thread(target=share, args=(addresses[n::SENDERS],)) for n in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def processor(server: Server) -> float:
    """Seconds of processor time of all its processes so far."""
    ticks = 0
    for pid in server.pids():
        with suppress(OSError):
            ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def table(found: Mapping[str, Mapping[int, Figures]], sizes: Sequence[int]) -> Curves:
    """Print figures by size, with the exponents; the same as curves."""
    curves: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for kind, by_size in found.items():
        print(
            f"\n{NAMES[kind]}\n\n| Figure | " + " | ".join(f"{size:,}" for size in sizes) + " | grows with the power |"
        )
        print("|---" * (len(sizes) + 2) + "|")
        for figure in by_size[sizes[0]]:
            points = [(float(size), by_size[size][figure]) for size in sizes]
            curves.setdefault(figure, {})[NAMES[kind]] = points
            values = " | ".join(f"{value:,.1f}" for _, value in points)
            print(f"| {figure} | {values} | {exponent(points):.2f} |")
    return curves


def main() -> None:
    """Measure, print the tables, and draw the curves."""
    parser = argparse.ArgumentParser(prog="bench.growth", description=__doc__)
    parser.add_argument("over", choices=SIZES)
    parser.add_argument("--sizes", help=f"without it {SIZES}")
    parser.add_argument("--only", choices=NAMES, nargs="*", default=list(NAMES))
    parser.add_argument("--mox", default=shutil.which("mox"), help="its binary; without one it is left out")
    parser.add_argument("--location", default="mdbox:~/mdbox", help="dovecot's mail_location")
    parser.add_argument("--svg", type=Path, help="draw the curves there")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    sizes = [int(one) for one in (options.sizes or SIZES[options.over]).split(",")]

    def make(kind: str, folder: Path, accounts: int = 0) -> Server:
        match kind:
            case "moxlite":
                return Moxlite(folder, accounts=accounts)
            case "reference":
                return Reference(folder, location=options.location)
            case _:
                return Mox(folder, options.mox)

    found: dict[str, dict[int, Figures]] = {}
    for kind in options.only:
        if kind == "mox" and (not options.mox or options.over == "accounts"):  # its accounts are made by hand
            continue
        if options.over == "accounts":
            found[kind] = of_accounts(make, kind, sizes)
            continue
        with tempfile.TemporaryDirectory(prefix="moxlite-growth-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            folder.chmod(0o755)
            server = make(kind, folder)
            try:
                found[kind] = of_messages(server, sizes)
            finally:
                server.stop()
    curves = table(found, sizes)
    if options.svg:
        options.svg.write_text(panels(curves, options.over))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
