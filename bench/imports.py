"""Import of an mbox beside deliveries: `python -m bench.imports [MESSAGES] [--json FILE]` (STORE-122, performance).

The mail is generated from a seed: threads of five, bodies of 0.5 to 20 kB, as many senders as people have. Deliveries
of 4 kB come 20 times a second into the same account; how long each took is told for the time of staging and for that of
the final unit.
"""

import argparse
import json
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import trio

from moxlite.store.account import Account
from moxlite.store.accounts import Accounts
from moxlite.store.check import check_account
from moxlite.store.deliver import deliver
from moxlite.store.facts import NO_FACTS
from moxlite.store.imports.engine import Imports
from moxlite.store.imports.items import Form, Order
from moxlite.store.imports.progress import Done, Progress
from moxlite.store.options import Options
from moxlite.store.prepare import prepare
from moxlite.store.spool import Spool

SEED = 20261120
INTERVAL = 0.05  # seconds between two deliveries
THREAD = 5  # messages of a thread


def messages(count: int) -> Iterator[bytes]:
    """An mbox, message by message."""
    rng = random.Random(SEED)
    words = [bytes(rng.choices(b"abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 11))) for _ in range(20_000)]
    lines = [b" ".join(rng.choices(words, k=11)) for _ in range(20_000)]
    for number in range(count):
        top, depth = number // THREAD, number % THREAD
        references = b" ".join(b"<%d.%d@bench.example>" % (top, above) for above in range(depth))
        yield b"".join(
            (
                b"From sender%d@example.org Thu Oct  1 10:00:00 2026\n" % (number % 3000),
                b"From: Sender %d <sender%d@example.org>\nTo: mia@example.com\n" % (number % 3000, number % 3000),
                b"Subject: %s%s\n" % (b"Re: " if depth else b"", lines[top % 20_000]),
                b"Message-ID: <%d.%d@bench.example>\n" % (top, depth),
                b"References: %s\n" % references if depth else b"",
                b"Date: Thu, 01 Oct 2026 10:00:00 +0000\nMIME-Version: 1.0\nContent-Type: text/plain\nStatus: RO\n\n",
                b"\n".join(rng.choices(lines, k=rng.choice((6, 12, 30, 60, 240)))),
                b"\n\n",
            )
        )


class Generated:
    """The mbox as a file."""

    def __init__(self, count: int) -> None:
        self._messages = messages(count)
        self._held = bytearray()
        self.octets = 0

    def seekable(self) -> bool:
        """Never."""
        return False

    def read(self, size: int = -1) -> bytes:
        """At most `size` octets."""
        while len(self._held) < size and (message := next(self._messages, None)):
            self._held += message
        data = bytes(self._held[:size])
        del self._held[:size]
        self.octets += len(data)
        return data


async def deliveries(account: Account, progress: Progress, took: dict[str, list[float]]) -> None:
    """Deliver until the import has ended."""
    number = 0
    while progress.end is None:
        step = progress.step
        began = trio.current_time()
        body = (
            f"Subject: delivery {number}\r\nMessage-ID: <{number}@now>\r\n\r\n".encode()
            + os.urandom(2000).hex().encode()
        )
        with Spool.of(body) as spool:
            await deliver(account, await prepare(spool), NO_FACTS, "Inbox")
        seconds = trio.current_time() - began
        took.setdefault("finishing" if progress.step != step else step, []).append(seconds)
        number += 1
        await trio.sleep(max(INTERVAL - seconds, 0))


async def run(count: int) -> dict[str, float]:
    """The figures."""
    with tempfile.TemporaryDirectory(prefix="moxlite-bench-") as name:
        folder = Path(name)
        (folder / "tmp").mkdir()
        accounts = Accounts(folder, Options(min_free_space=0))
        imports = Imports(accounts, folder / "tmp")
        figures: dict[str, float] = {}
        async with accounts.use("mia") as account:
            progress = imports.begin("mia")
            file = Generated(count)
            took: dict[str, list[float]] = {}
            began = time.perf_counter()
            finishing = began

            async def watch() -> None:
                nonlocal finishing
                async for _ in progress.subscribe():
                    if progress.step == "finishing" and finishing == began:
                        finishing = time.perf_counter()

            async with trio.open_nursery() as nursery:
                nursery.start_soon(watch)
                nursery.start_soon(deliveries, account, progress, took)
                await imports.run(progress, Order(form=Form.MBOX, mailbox="Import"), cast("BinaryIO", file))
            ended = time.perf_counter()
            assert progress.end == Done(count, 0, dry_run=False), progress.end
            figures["messages"] = count
            figures["MB"] = file.octets / 1e6
            figures["messages/s"] = count / (ended - began)
            figures["final unit, s per 100 000"] = (ended - finishing) * 100_000 / count
            staging = sorted(took["reading"])
            figures["deliveries while staging"] = len(staging)
            figures["delivery p50 while staging, ms"] = statistics.median(staging) * 1e3
            figures["delivery p99 while staging, ms"] = staging[int(len(staging) * 0.99)] * 1e3
            figures["delivery max while staging, ms"] = staging[-1] * 1e3
            figures["RSS max, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            findings = await account.scan(lambda r: check_account(r, idle=True), op="check")
            assert findings == [], findings[:5]
            figures["threads"] = await account.read(
                lambda r: r.value("SELECT count(DISTINCT threadid) FROM message WHERE mailbox_id <> 1"), op="bench"
            )
        await accounts.aclose()
        return figures


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="bench.imports", description=__doc__)
    parser.add_argument("messages", type=int, nargs="?", default=50_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    sys.setswitchinterval(0.0002)  # as the server does
    figures = trio.run(run, options.messages)
    for name, value in figures.items():
        print(f"{name:34} {value:12,.1f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
