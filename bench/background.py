"""Measure how commands fare while the text index of a large account is built: `python -m bench.background
[--messages N] [--rounds N]`.

One account is worked with, another one has the messages; its index is deleted, and its next log-in has it built. Each
figure is taken when the server is quiet, and while it builds.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import trio

from bench.accounts import set_passwords
from bench.imap import Side
from bench.imapload import IMAP
from bench.measures import Figures, indexed
from bench.servers import Moxlite

SECONDS = 2.0
"""Of each figure."""

SMALL = 3_000
"""Messages of the account that is worked with; they are in its index."""

BIG = "user0@localhost"


def rate(action: Callable[[], object]) -> float:
    """How often it can be done in a second."""
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        action()
        count += 1
    return count / (time.perf_counter() - began)


def worst(action: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds that it takes, now and then: median and the longest of twenty."""
    times = []
    for _ in range(20):
        time.sleep(0.05)
        began = time.perf_counter()
        action()
        times.append((time.perf_counter() - began) * 1e3)
    return statistics.median(times), max(times)


def look(side: Side) -> Figures:
    """What a user notices."""
    session = side.login()
    uids = iter(range(1, 1 << 30))

    def fetch() -> None:
        session.command(b"UID FETCH %d (BODY.PEEK[])" % (next(uids) % SMALL + 1), keep=False)

    def login(_: int = 0) -> None:
        side.login(select=None).close()

    def crowd() -> None:
        list(pool.map(login, range(8)))

    figures: Figures = {"bodies one by one, /s": rate(fetch)}
    figures["STATUS, /s"] = rate(lambda: session.command(b"STATUS INBOX (MESSAGES UNSEEN UIDNEXT)", keep=False))
    figures["log-ins, one after the other, /s"] = rate(login)
    with ThreadPoolExecutor(8) as pool:
        figures["log-ins, 8 clients, /s"] = 8 * rate(crowd)
    _, figures["NOOP now and then, worst, ms"] = worst(lambda: session.command(b"NOOP", keep=False))
    seek = b'UID SEARCH TEXT "quizzical"'
    figures["SEARCH TEXT, ms"], figures["SEARCH TEXT, worst, ms"] = worst(lambda: session.command(seek, keep=False))
    session.close()
    return figures


def build(side: Side, folder: Path, messages: int) -> tuple[Figures, Figures]:
    """The figures while the index is built; how long that took, alone and beside them."""

    def begin() -> tuple[IMAP, float]:
        side.server.stop()
        for path in folder.glob("search.db*"):
            path.unlink()
        side.server.start()
        session = side.login(user=BIG)
        while not indexed(folder):
            time.sleep(0.05)
        return session, time.perf_counter()

    session, began = begin()
    while indexed(folder) < messages:
        time.sleep(0.1)
    took = {"text index of all, s": time.perf_counter() - began}
    session.close()
    session, began = begin()
    figures = look(side)
    done = indexed(folder)
    print(f"# {done} of {messages} indexed meanwhile, in {time.perf_counter() - began:.0f} s", flush=True)
    if done == messages:
        raise SystemExit("the index was built too soon: more messages are needed")
    began = time.perf_counter()
    session.command(b'UID SEARCH TEXT "quizzical"', keep=False)
    figures["SEARCH TEXT in the account itself, ms"] = (time.perf_counter() - began) * 1e3
    print(f"# with {messages - done} messages not indexed", flush=True)
    session.close()
    return figures, took


def main() -> None:
    """Fill, measure, print one table: quiet, while the index is built."""
    parser = argparse.ArgumentParser(prog="bench.background", description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rounds: dict[str, list[Figures]] = {"quiet": [], "while indexing": []}
    with tempfile.TemporaryDirectory(prefix="moxlite-bench-", ignore_cleanup_errors=True) as name:
        server = Moxlite(Path(name), accounts=1)
        trio.run(set_passwords, server.server.folder / "config/moxlite.toml", ["user0"], server.password)
        side = Side(server, SMALL)
        folder = server.server.folder / "data/accounts/user0"
        server.start()
        try:
            side.fill(SMALL)
            side.fill(options.messages, BIG)
            for _ in range(options.rounds):
                quiet = look(side)
                busy, took = build(side, folder, options.messages)
                side.settle()
                rounds["quiet"].append(quiet | took)
                rounds["while indexing"].append(busy)
        finally:
            server.stop()
    print("\n| Figure | quiet | while indexing |\n|---|---|---|")
    for figure in dict.fromkeys(name for taken in rounds.values() for one in taken for name in one):
        row = [[one[figure] for one in taken if figure in one] for taken in rounds.values()]
        shown = " | ".join(f"{statistics.median(values):,.1f}" if values else "–" for values in row)
        print(f"| {figure} | {shown} |")


if __name__ == "__main__":
    main()
