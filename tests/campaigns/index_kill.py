"""kill -9 while the text index is built: searches give what a scan gives, at once after the kill and at the end.

A child delivers, expunges, erases and deletes the index again and again, with its builder at work in small batches; it
is killed at random. The parent then opens the account: the index must agree with it, and searches must give the same
with the index, as far as it has come, and without. At the end the builder finishes, and all texts are compared with the
messages (STORE-112, STORE-113).
"""

import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import trio

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.mail.expunging import expunge
from moxlite.store.options import Options
from moxlite.store.rows.messages import uids
from moxlite.store.search import builder, queries
from moxlite.store.search.check import check_index
from moxlite.store.search.queries import Contains
from moxlite.store.types import MailboxID
from tests.campaigns.report import Finding, Report
from tests.store_mail import put, search_words
from tests.supervised import supervised
from tests.tools import top

__all__ = ["run"]

KILLS = 100
#: How long a child works before it is killed, in seconds.
SHORTEST, LONGEST = 0.02, 0.8
#: Messages in one batch of the builder: many commits, and the kill comes between two, or into one.
BATCH = 8

INBOX = MailboxID(1)


def options() -> Options:
    """With the index."""
    return Options(min_free_space=0, search_index=True)


async def work(folder: Path, seed: int) -> None:
    """What the child does until it is killed."""
    rng = random.Random(seed)
    builder.BATCH, builder.PAUSE = BATCH, 0.005  # type: ignore[misc]
    accounts = Accounts(folder, options())
    async with trio.open_nursery() as nursery:
        await nursery.start(supervised, accounts)
        async with accounts.use("mia") as account:
            print("ready", flush=True)
            number = seed * 1_000_000
            while True:
                count = rng.choice((1, 5, 40))
                await put(account, count, first=number)
                number += count
                here = await account.read(lambda r: uids(r, INBOX), op="test")
                if len(here) > 150:
                    gone = rng.sample(list(here), rng.choice((1, 30)))
                    await account.write(lambda tx, gone=gone: expunge(tx, INBOX, gone))  # type: ignore[misc]
                    await account.eraser.once()
                if not rng.randrange(40):
                    await account.search.delete("damaged")
                await trio.sleep(rng.choice((0, 0.01, 0.05)))


def child(folder: str, seed: int) -> None:
    """The child's program."""
    trio.run(work, Path(folder), seed)


def kill_one(folder: Path, rng: random.Random) -> None:
    """Start a child, let it work, kill it."""
    program = f"from tests.campaigns.index_kill import child; child({str(folder)!r}, {rng.getrandbits(20)})"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=top()) as process:
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            raise Finding("the child did not begin")
        time.sleep(rng.uniform(SHORTEST, LONGEST))
        process.send_signal(signal.SIGKILL)


async def compare(account: OpenAccount, rng: random.Random) -> None:
    """Search with the index and without."""
    for words in (["hello"], ["example.com"], [f"{rng.randrange(100)}@exa"], ["no such word"], ["an"]):
        account.search.enabled = True
        by_index = await search_words(account, None, words)
        account.search.enabled = False
        by_scan = await search_words(account, None, words)
        account.search.enabled = True
        if by_index != by_scan:
            raise Finding(f"{words}: {len(by_index)} found by the index, {len(by_scan)} by a scan")


async def sound(account: OpenAccount) -> None:
    """Neither searches nor the deep check met damage. If they did, the files are kept."""
    broken = account.search.broken
    findings = await check_index(account, deep=True)
    if broken or findings:
        kept = Path(tempfile.mkdtemp(prefix="moxlite-index-kill-found-"))
        shutil.copytree(account.directory, kept, dirs_exist_ok=True)
        raise Finding(f"{broken} {[finding.text for finding in findings]}; the files are in {kept}")


async def verify(folder: Path, rng: random.Random, *, finish: bool) -> tuple[bool, int]:
    """Look at what a killed child left; whether there was an index, and how far it had come."""
    accounts = Accounts(folder, options())
    try:
        async with accounts.use("mia") as account:
            found = await queries.candidates(account.search, Contains("hello"))
            await compare(account, rng)
            await sound(account)
            if finish:
                await account.eraser.once()
                await account.indexer.once()
                await compare(account, rng)
                await sound(account)
                await compare(account, rng)
            return found is not None, 0 if found is None else found.watermark
    finally:
        with trio.CancelScope(shield=True):
            await accounts.aclose()


def run(seed: int, share: float, report: Report) -> None:
    """KILLS × share kills."""
    rng = random.Random(seed)
    kills = max(1, round(KILLS * share))
    with_index, highest = 0, 0
    with tempfile.TemporaryDirectory(prefix="moxlite-index-kill-") as name:
        folder = Path(name)
        for number in range(kills):
            kill_one(folder, rng)
            there, watermark = trio.run(partial(verify, folder, rng, finish=number == kills - 1))
            with_index += there
            highest = max(highest, watermark)
    report.tell(f"{kills} kills while the index was built; {with_index} left one to be used, up to message {highest}")
    report.tell("after each: the index agreed with the account, searches gave the same with it and without")
    report.tell("at the end: the index was finished, all texts were the messages' own")
