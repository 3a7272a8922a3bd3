"""The junk filter: in an account with a table of words as large as years of mail make it, judging messages of 2, 20 and
200 KiB, learning, retraining; and bogofilter on the same messages, if it is installed.
"""

import random
import shutil
import statistics
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path

import trio

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import append
from moxlite.store.file.transaction import Tx
from moxlite.store.junk.classify import classify
from moxlite.store.junk.words import Meta, read_meta
from moxlite.store.junkflags import JunkParams
from moxlite.store.mail.adding import Append
from moxlite.store.options import AccountConfig, Options
from moxlite.store.rows.mailboxes import mailbox_by_name
from tests.junkcorpus import Corpus

__all__ = ["junk"]

SIZES = (2, 20, 200)  # KiB
ROUNDS = 40
WORDS = 600_000  # rows of the table
LEARNT = 500  # of each class
MORE = 100  # learnt one by one


def filler(tx: Tx, meta: Meta, words: int) -> None:
    """Words of mail that isn't there, so that the table is as large as a real one."""
    rng = random.Random(1)
    table = f"INSERT OR IGNORE INTO junk_word_{meta.generation.number} VALUES (?, 1, 1, 0)"
    tx.executemany(table, ((rng.getrandbits(64) - (1 << 63),) for _ in range(words)))


def letter(corpus: Corpus, kib: int, seed: int) -> bytes:
    """A message of that size in words of the corpus, many of which are known."""
    rng = random.Random(seed)
    text: list[str] = []
    size = 0
    while size < kib << 10:
        line = " ".join(corpus.ham.draw(rng, 9)) + f" {rng.getrandbits(40):x}"
        text.append(line)
        size += len(line) + 2
    return b"From: a@b.example\r\nSubject: measure\r\n\r\n" + "\r\n".join(text).encode() + b"\r\n"


async def add(account: Account, name: str, messages: list[bytes]) -> None:
    """Append messages to a mailbox."""
    box = await account.read(lambda r: mailbox_by_name(r, name), op="bench")
    assert box is not None
    await append(account, box.id, [Append(await prepare(Spool.of(message))) for message in messages])


async def measure(words: int) -> dict[str, float]:
    """All figures, in the unit at the end of the name."""
    corpus = Corpus(1)
    ham, spam = corpus.half("train", LEARNT, LEARNT)
    more, _ = corpus.half("test", MORE, 1)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="moxlite-bench-") as folder:
        options = Options(account_config=lambda name: AccountConfig(junk_filter=JunkParams()))
        accounts = Accounts(Path(folder), options)
        async with accounts.use("bench") as account:
            await account.trainer.once()
            await add(account, "Archive", ham)
            await add(account, "Junk", spam)
            began = time.perf_counter()
            await account.trainer.once()
            figures["learn, into an empty table, messages/s"] = 2 * LEARNT / (time.perf_counter() - began)
            meta, _ = await account.scan(read_meta, op="bench")
            assert meta is not None
            await account.write(partial(filler, meta=meta, words=words))
            for kib in SIZES:
                times = []
                for seed in range(ROUNDS):
                    message = letter(corpus, kib, seed)
                    began = time.perf_counter()
                    await classify(account, message)
                    times.append(time.perf_counter() - began)
                figures[f"classify {kib} KiB, median, ms"] = statistics.median(times) * 1e3
                figures[f"classify {kib} KiB, worst of {ROUNDS}, ms"] = max(times) * 1e3
            await add(account, "Archive", more)
            began = time.perf_counter()
            await account.trainer.once()
            figures[f"learn, beside {words:,} words, messages/s"] = MORE / (time.perf_counter() - began)
            began = time.perf_counter()
            done = await account.trainer.retrain()
            figures["retrain, messages/s"] = done / (time.perf_counter() - began)
        await accounts.aclose()
    return figures


def bogofilter() -> dict[str, float]:
    """The same with bogofilter, one process for all messages of a step; nothing if it is not installed."""
    program = shutil.which("bogofilter")
    if program is None:
        return {}
    corpus = Corpus(1)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="moxlite-bench-") as folder:

        def run(flags: list[str], messages: list[bytes]) -> float:
            path = Path(folder) / "messages"
            path.write_bytes(
                b"".join(
                    b"From x@y Fri Nov 20 07:00:00 2026\n" + one.replace(b"\r\n", b"\n") + b"\n" for one in messages
                )
            )
            began = time.perf_counter()
            subprocess.run(
                [program, "-C", "-d", folder, "-M", *flags, "-I", str(path)], capture_output=True, check=False
            )
            return time.perf_counter() - began

        ham, spam = corpus.half("train", LEARNT, LEARNT)
        figures["learn, into an empty table, messages/s"] = 2 * LEARNT / (run(["-n"], ham) + run(["-s"], spam))
        for kib in SIZES:
            seconds = run(["-TT"], [letter(corpus, kib, seed) for seed in range(ROUNDS)])
            figures[f"classify {kib} KiB, median, ms"] = seconds / ROUNDS * 1e3  # the mean: it tells no single times
    return figures


def junk(folder: Path) -> dict[str, float]:
    """Both, in accounts of their own."""
    ours = trio.run(measure, WORDS)
    return ours | {f"bogofilter: {name}": value for name, value in bogofilter().items()}
