"""Backups beside deliveries: `python -m bench.backup [MEBIBYTES] [--json FILE]` (STORE-183, ADMIN-84).

An account is filled from a seed with letters of 1 to 60 kB, some with an attachment, until its file has that size.
Deliveries of 4 kB come 20 times a second into the same account meanwhile. Told are the rates of a full backup, of the
first snapshot of a repository, and of `verifydata`; what a second snapshot adds after 1 % of new mail; how long a
delivery took.
"""

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import trio

from moxlite.store.account import Account
from moxlite.store.accounts import Accounts
from moxlite.store.backup.full import Source, back_up
from moxlite.store.backup.repository import Repository, create_repository
from moxlite.store.deliver import Append, append, deliver
from moxlite.store.facts import NO_FACTS
from moxlite.store.options import Options
from moxlite.store.prepare import prepare
from moxlite.store.reading import mailbox_by_name
from moxlite.store.spool import Spool
from moxlite.store.verify import verify

SEED = 20261120
INTERVAL = 0.05  # seconds between two deliveries
BATCH = 50

T = TypeVar("T")


class Letters:
    """Letters from a seed."""

    def __init__(self) -> None:
        self.rng = random.Random(SEED)
        words = [
            bytes(self.rng.choices(b"abcdefghijklmnopqrstuvwxyz", k=self.rng.randint(2, 11))) for _ in range(20_000)
        ]
        self.lines = [b" ".join(self.rng.choices(words, k=11)) for _ in range(20_000)]
        self.number = 0

    def letter(self) -> bytes:
        """The next one."""
        self.number += 1
        lines = self.rng.choices(self.lines, k=self.rng.choice((12, 30, 60, 240)))
        if self.number % 10 == 0:
            lines += [self.rng.randbytes(36).hex().encode() for _ in range(self.rng.choice((200, 600)))]
        head = b"Subject: %s\r\nMessage-ID: <%d@bench.example>\r\nTo: mia@example.com\r\n\r\n"
        return head % (self.lines[self.number % 20_000], self.number) + b"\r\n".join(lines) + b"\r\n"


async def fill(account: Account, letters: Letters, octets: int) -> None:
    """Append so many octets of letters."""
    box = await account.read(lambda r: mailbox_by_name(r, "Inbox"), op="bench")
    assert box is not None
    came = 0
    while came < octets:
        batch = [letters.letter() for _ in range(BATCH)]
        came += sum(map(len, batch))
        await append(account, box.id, [Append(await prepare(Spool.of(one))) for one in batch])


async def beside(account: Account, work: Callable[[], T]) -> tuple[T, float, list[float]]:
    """Run `work` in a thread with deliveries beside it: what it gave, its seconds, those of the deliveries."""
    took: list[float] = []
    done = trio.Event()

    async def one(number: int) -> None:
        text = b"Subject: beside\r\n\r\n%d %s\r\n" % (number, os.urandom(2000).hex().encode())
        began = time.perf_counter()
        await deliver(account, await prepare(Spool.of(text)), NO_FACTS, "Beside")
        took.append(time.perf_counter() - began)

    async def deliveries(nursery: trio.Nursery) -> None:
        number = 0
        while not done.is_set():
            nursery.start_soon(one, number)
            number += 1
            await trio.sleep(INTERVAL)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(deliveries, nursery)
        began = time.perf_counter()
        result = await trio.to_thread.run_sync(work)
        seconds = time.perf_counter() - began
        done.set()
    return result, seconds, took


def p99(took: list[float]) -> float:
    """In milliseconds."""
    return round(statistics.quantiles(took, n=100)[-1] * 1000, 1) if len(took) > 1 else round(took[0] * 1000, 1)


async def measure(folder: Path, mebibytes: int) -> dict[str, float]:
    """All figures."""
    figures: dict[str, float] = {}
    (folder / "config").mkdir()
    source = Source(folder / "data", folder / "config", frozenset({"mia"}))
    accounts = Accounts(folder / "data", Options(min_free_space=0))
    letters = Letters()
    async with accounts.use("mia") as account:
        file = folder / "data/accounts/mia/account.db"
        while file.stat().st_size < mebibytes << 20:
            await fill(account, letters, max(1 << 20, ((mebibytes << 20) - file.stat().st_size)))
        await account.database.trim()
        await trio.sleep(1)
        figures["file_mib"] = round(file.stat().st_size / (1 << 20), 1)
        _, _, took = await beside(account, partial(time.sleep, 5))
        figures["delivery_p99_ms_alone"] = p99(took)

        report, seconds, took = await beside(account, lambda: back_up(source, folder / "full"))
        assert not report.errors
        figures["full_mib_per_s"] = round(report.octets / seconds / (1 << 20), 1)
        figures["delivery_p99_ms_beside_full"] = p99(took)

        create_repository(folder / "repo", source.data)
        repository = Repository(folder / "repo")
        first, seconds, took = await beside(account, lambda: repository.back_up(source))
        assert not first.errors
        figures["first_snapshot_mib_per_s"] = round(first.octets / seconds / (1 << 20), 1)
        figures["first_snapshot_stored_mib"] = round(first.stored / (1 << 20), 1)
        figures["delivery_p99_ms_beside_snapshot"] = p99(took)

        await fill(account, letters, (mebibytes << 20) // 100)
        began = time.perf_counter()
        second = await trio.to_thread.run_sync(repository.back_up, source)
        assert not second.errors
        figures["second_snapshot_seconds"] = round(time.perf_counter() - began, 2)
        figures["second_snapshot_stored_percent_of_data"] = round(second.stored / second.octets * 100, 2)
        figures["second_snapshot_stored_percent_of_first"] = round(second.stored / first.stored * 100, 2)
    await accounts.aclose()

    began = time.perf_counter()
    found = await trio.to_thread.run_sync(verify, folder / "full")
    assert not found.problems
    figures["verifydata_messages_per_s"] = round(found.messages / (time.perf_counter() - began))
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.backup", description=__doc__)
    parser.add_argument("mebibytes", nargs="?", type=int, default=1024)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="moxlite-bench-") as folder:
        figures = trio.run(measure, Path(folder), options.mebibytes)
    for name, value in figures.items():
        print(f"{name:45} {value}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
