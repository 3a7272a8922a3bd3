"""Measure text searches: `python -m bench.search [--messages N] [--size OCTETS] [--json FILE]`.

Builds an account in a temporary folder, through the same units as an import does, lets the indexer follow it while
mail is delivered, and asks for words that 10, 1 % and all of the messages have: by the index, and by a scan of the
messages themselves in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import accumulate
from pathlib import Path

import trio

from moxlite.store.account import Account
from moxlite.store.accounts import Accounts
from moxlite.store.deliver import Append, append, deliver
from moxlite.store.facts import NO_FACTS
from moxlite.store.options import Options
from moxlite.store.prepare import Prepared, prepare
from moxlite.store.reading import mailbox_by_name
from moxlite.store.search.finding import search_messages
from moxlite.store.spool import Spool

__all__ = ["main"]

UNIT = 200
"""Messages added in one unit."""
RARE = 10
"""Messages that have the rare word."""
REPEATS = 21
"""Searches of which the median is told."""
BETWEEN = 0.1
"""Seconds between two deliveries while the index is built."""

Figures = dict[str, float]


class Mail:
    """Letters of words that are as frequent as words are (Zipf), from a seed."""

    def __init__(self, seed: int, size: int) -> None:
        self.random = random.Random(seed)
        letters = "etaoinshrdlucmfwypvbgkjqxz"
        weights = [1 / (rank + 1) for rank in range(len(letters))]
        self.words = [
            "".join(self.random.choices(letters, weights, k=self.random.randint(2, 11))) for _ in range(40_000)
        ]
        self.weights = list(accumulate([1 / (rank + 1) for rank in range(len(self.words))]))
        self.size = size

    def make(self, number: int, *extra: str) -> bytes:
        """The letter of that number, which also has the words `extra`."""
        words = self.random.choices(self.words, cum_weights=self.weights, k=self.size // 6)
        for word in extra:
            words.insert(self.random.randrange(len(words)), word)
        lines = [" ".join(words[start : start + 12]) for start in range(0, len(words), 12)]
        return (
            f"From: {words[0].title()} <{words[1]}@example.com>\r\nTo: mia@example.org\r\n"
            f"Subject: {' '.join(words[2:8])}\r\nMessage-ID: <{number}@bench.example.com>\r\n"
            "Date: Fri, 20 Nov 2026 07:00:00 +0100\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n\r\n" + "\r\n".join(lines) + "\r\n"
        ).encode()


async def fill(account: Account, mail: Mail, count: int) -> None:
    """Add letters to the Inbox. Ten have a rare word, each hundredth another one, all have a common one."""
    box = await account.read(lambda r: mailbox_by_name(r, "Inbox"), op="bench")
    assert box is not None
    rare = set(range(count // RARE // 2, count, count // RARE))

    def ready(first: int) -> list[bytes]:
        return [
            mail.make(
                number,
                "everybody",
                *(["quizzical-zebra"] if number in rare else []),
                *(["hundredfold"] if number % 100 == 0 else []),
            )
            for number in range(first, min(first + UNIT, count))
        ]

    for first in range(0, count, UNIT):
        items = [Append(await prepared(data)) for data in await trio.to_thread.run_sync(ready, first)]
        await append(account, box.id, items)


async def prepared(data: bytes) -> Prepared:
    """A letter, ready for the store."""
    return await prepare(Spool.of(data))


async def timed(fn: Callable[[], Awaitable[object]]) -> float:
    """Seconds."""
    began = time.perf_counter()
    await fn()
    return time.perf_counter() - began


async def delivering(account: Account, mail: Mail, times: list[float]) -> None:
    """Deliver until cancelled; note how long each took."""
    number = 10_000_000
    while True:
        number += 1
        data = await prepared(mail.make(number))
        times.append(await timed(lambda data=data: deliver(account, data, NO_FACTS, "Inbox")))  # type: ignore[misc]
        await trio.sleep(BETWEEN)


async def look_up(account: Account, words: list[str], limit: int, results: list[object]) -> None:
    """Search; add the result to `results`."""
    results.append((await search_messages(account, None, words, limit)).ids)


def percentile(times: list[float], share: float) -> float:
    """In ms."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1e3


async def measure(folder: Path, messages: int, size: int) -> Figures:
    """All figures."""
    figures: Figures = {}
    accounts = Accounts(folder, Options(min_free_space=0, search_index=True))
    mail = Mail(1, size)
    async with accounts.use("mia") as account:
        took = await timed(lambda: fill(account, mail, messages))
        figures["messages added, 1/s"] = messages / took
        figures["account.db, MB"] = account.database.path.stat().st_size / 1e6
        quiet: list[float] = []
        with trio.move_on_after(5):
            await delivering(account, mail, quiet)
        beside: list[float] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(delivering, account, mail, beside)
            took = await timed(account.indexer.once)
            nursery.cancel_scope.cancel()
        for name, times in (("alone", quiet), ("while indexing", beside)):
            figures[f"delivery {name}, p50, ms"] = percentile(times, 0.5)
            figures[f"delivery {name}, p99, ms"] = percentile(times, 0.99)
        figures["messages indexed, 1/s"] = messages / took
        figures["merging afterwards, s"] = await timed(account.indexer._tidy)
        figures["search.db, MB"] = account.search.path.stat().st_size / 1e6
        for name, words, limit in (
            ("10 hits", ["quizzical-zebra"], 50),
            ("10 hits, two words", ["quizzical", "everybody"], 50),
            ("1 % hit", ["hundredfold"], 10_000),
            ("newest 10 of all", ["everybody"], 10),
            ("no hit", ["nowhere to be found"], 10),
        ):
            results: list[object] = []
            search = partial(look_up, account, words, limit, results)
            by_index = statistics.median([await timed(search) for _ in range(REPEATS)])
            account.search.enabled = False
            by_scan = await timed(search)
            account.search.enabled = True
            if results[0] != results[-1]:
                raise AssertionError(f"{name}: the index gives another result than the scan")
            figures[f"{name}: by index, ms"] = by_index * 1e3
            figures[f"{name}: by scan, ms"] = by_scan * 1e3
            figures[f"{name}: times faster"] = by_scan / by_index
    await accounts.aclose()
    return figures


def main() -> None:
    """Run, print a table."""
    parser = argparse.ArgumentParser(prog="bench.search", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--size", type=int, default=10_240, help="octets of one, about")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="moxlite-bench-") as folder:
        figures = trio.run(measure, Path(folder), options.messages, options.size)
    print(f"{options.messages} messages of about {options.size} octets, {os.cpu_count()} cores\n")
    print("| Figure | |\n|---|---|")
    for name, value in figures.items():
        print(f"| {name} | {value:,.1f} |")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
