"""Mail for accounts that are not open: what the first mail of each costs, the next one when the account is closed
again, a mail for an account that is open, and a post to a list of many.

Milliseconds of a processor until the last reply, and with all that follows; the text index of an account without a
session waits for more mail. What the server does at rest is taken off.

``python -m bench.closed TREE`` compares this version with another one, TREE a checkout of that: both servers run at the
same time, and each round does the same on both, in turn. Medians of the rounds until the last reply, and the median of
the rounds' ratios, which a busy machine disturbs least.
"""

import argparse
import os
import smtplib
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench.imapload import IMAP, corpus
from bench.servers import BYTECODE, Moxlite
from tests.tools import top

__all__ = ["closed", "main"]

ACCOUNTS = 100
MEMBERS = 200
"""Of the list, whose accounts had mail before."""
CONNECTIONS = 8
FOLLOWS = 60.0
"""Seconds in which all that follows is done, but for what waits for more mail or the night."""

FEW = 24
"""Accounts that a round of a comparison writes to one by one: more than stay open."""

LIST = '\n[domains."localhost".aliases.all]\npost_public = true\naddresses = [{members}]\n'


def closed(folder: Path) -> dict[str, float]:
    """Figures for a server of its own below `folder`."""
    server = Moxlite(folder, accounts=ACCOUNTS + MEMBERS)
    people, members = listed(server, ACCOUNTS)
    server.start()
    try:
        post(server, [server.address] * 20)  # modules are loaded, and threads started
        time.sleep(60)
        rest = worked(server)
        time.sleep(30)
        rest = (worked(server) - rest) / 30
        figures = {}

        def measured(name: str, work: Callable[[], object], count: int) -> None:
            began, before = time.monotonic(), worked(server)
            work()
            until = worked(server) - rest * (time.monotonic() - began)
            figures[f"{name}, until the reply, ms"] = (until - before) / count
            figures[f"{name}, at once, MB (PSS)"] = server.pss()
            time.sleep(FOLLOWS)
            follows = worked(server) - rest * (time.monotonic() - began)
            figures[f"{name}, with all that follows, ms"] = (follows - before) / count
            print(f"# {name}: {(until - before) / count:.2f} {(follows - before) / count:.2f}", flush=True)

        measured("first mail of an account", lambda: post(server, people), ACCOUNTS)
        measured("mail for a closed account", lambda: post(server, people), ACCOUNTS)
        session = IMAP(server.imaps_port, server.user, server.password, tls=True)
        session.command(b"SELECT INBOX", keep=False)
        measured("mail for an open account", lambda: post(server, [server.address] * ACCOUNTS), ACCOUNTS)
        session.close()
        post(server, members)
        time.sleep(FOLLOWS)
        measured("a post to 200 closed accounts", lambda: post(server, ["all@localhost"]), 1)
    finally:
        server.stop()
    return figures


def listed(server: Moxlite, others: int) -> tuple[list[str], list[str]]:
    """Addresses of `others` of its accounts, and of the members of a list: all the rest, which is written down."""
    path = server.server.folder / "config/domains.toml"
    everyone = [f"user{number}@localhost" for number in range(server.accounts)]
    people, members = everyone[:others], everyone[others:]
    path.write_text(path.read_text() + LIST.format(members=", ".join(f'"{member}"' for member in members)))
    return people, members


def post(server: Moxlite, recipients: Sequence[str], connections: int = CONNECTIONS) -> None:
    """Send one mail to each, by several connections."""

    def send(number: int) -> None:
        with smtplib.SMTP("127.0.0.1", server.smtp_port) as smtp:
            for at in range(number, len(recipients), connections):
                smtp.sendmail("sender@example.com", [recipients[at]], corpus(10 * at + 1))

    with ThreadPoolExecutor(connections) as threads:
        list(threads.map(send, range(min(connections, len(recipients)))))


def worked(server: Moxlite) -> float:
    """Milliseconds of processors that the server has taken so far, of ended threads too."""
    ticks = 0
    for pid in server.pids():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def spent(server: Moxlite) -> float:
    """Milliseconds of processors that the server has taken so far, in finer steps than `worked`."""
    clocks = ((~pid << 3) | 2 for pid in server.pids())  # clock_getcpuclockid(3)
    return sum(map(time.clock_gettime_ns, clocks)) / 1e6


def compare(tree: Path, rounds: int) -> None:
    """Print milliseconds of a processor of this version and of the one in `tree`."""
    figures: dict[str, tuple[list[float], list[float]]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="moxlite-", ignore_cleanup_errors=True)))
        ours, theirs = (started(of, folder / name, stack) for name, of in (("ours", top()), ("theirs", tree)))
        people = [f"user{number}@localhost" for number in range(FEW)]
        work: dict[str, tuple[Callable[[Moxlite], None], int]] = {
            "a mail to a closed account": (partial(post, recipients=people, connections=1), FEW),
            "the same, 8 connections": (partial(post, recipients=people), FEW),
            "a mail to an open account": (partial(post, recipients=[ours.address] * FEW, connections=1), FEW),
            "a post to 200 closed accounts": (partial(post, recipients=["all@localhost"]), 1),
        }
        for number in range(rounds):
            for name, (send, count) in work.items():
                pair = figures.setdefault(name, ([], []))
                for server, found in ((ours, pair[0]), (theirs, pair[1]))[:: 1 if number % 2 else -1]:
                    before = spent(server)
                    send(server)
                    found.append((spent(server) - before) / count)
                    time.sleep(1)
        print(f"# load {os.getloadavg()[0]:.1f}, MB (PSS): {ours.pss():.1f}, {theirs.pss():.1f}")
    for name, pair in figures.items():
        ratio = statistics.median(a / b for a, b in zip(*pair, strict=True))
        print(f"{name}, ms: {statistics.median(pair[0]):.2f}, before {statistics.median(pair[1]):.2f}, × {ratio:.2f}")


def started(tree: Path, folder: Path, stack: ExitStack) -> Moxlite:
    """A server of a version, all of whose accounts have had a mail."""
    folder.mkdir()
    environment = BYTECODE | {"PYTHONPATH": str(tree), "PYTHONSAFEPATH": "1"}
    server = Moxlite(folder, accounts=FEW + MEMBERS, environment=environment)
    people, members = listed(server, FEW)
    server.start()
    stack.callback(server.stop)
    post(server, [server.address, *people, *members])
    return server


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(prog="bench.closed", description=__doc__)
    parser.add_argument("tree", type=Path, metavar="TREE", help="a checkout of the other version")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    compare(options.tree.resolve(), options.rounds)


if __name__ == "__main__":
    main()
