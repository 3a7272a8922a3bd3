"""kill -9 while the junk filter learns and retrains: words and marks agree, and the rest is learnt later (STORE-86)."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trio

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.junk.words import read_meta
from moxlite.store.junkflags import JunkParams
from moxlite.store.options import AccountConfig, Options
from moxlite.store.upkeep.check import check_account
from tests.tools import top

MESSAGES = 60

CHILD = """
import sys, trio
from pathlib import Path
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.delivery.perform import Append, append
from moxlite.store.junk import trainer
from moxlite.store.junkflags import JunkParams
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.copying import move_messages
from moxlite.store.mail.flags import store_flags
from moxlite.store.options import AccountConfig, Options
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.types import Flag

async def main():
    trainer.UNIT_MESSAGES = trainer.BATCH = 2
    options = Options(min_free_space=0, account_config=lambda name: AccountConfig(junk_filter=JunkParams()))
    accounts = Accounts(Path(sys.argv[1]), options)
    async with accounts.use("mjl") as account:
        items = []
        for n in range(int(sys.argv[2])):
            text = " ".join(f"word{n % m}x" for m in range(2, 60))
            items.append(Append(await prepare(Spool.of(f"Subject: {n}\\r\\n\\r\\n{text}\\r\\n".encode())), Flag(0)))
        await append(account, 1, items)
        every = range(1, len(items) + 1)
        print("ready", flush=True)
        round = 0
        while True:
            round += 1
            for flags, uids in ((Flag.JUNK, every[round % 2 :: 2]), (Flag.NOTJUNK, every[round % 3 :: 3])):
                await account.write(lambda tx: store_flags(tx, 1, uids, mode="add", flags=flags))
                await account.trainer.once()
                print("learnt", flush=True)
            await account.trainer.retrain()
            print("retrained", flush=True)
            await account.write(lambda tx: expunge(tx, 1, [round]))

trio.run(main)
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
async def test_after_kill_9_words_and_marks_agree(tmp_path: Path, seed: int) -> None:
    """STORE-86, STORE-87, STORE-160."""

    def kill() -> None:
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path), str(MESSAGES)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(top())},
        )
        assert process.stdout is not None
        rng = random.Random(seed)
        for _ in range(rng.randrange(1, 8)):
            assert process.stdout.readline()
        time.sleep(rng.random() / 10)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()

    await trio.to_thread.run_sync(kill)
    options = Options(
        min_free_space=0,
        check_on_close=True,
        account_config=lambda name: AccountConfig(junk_filter=JunkParams()),
    )
    accounts = Accounts(tmp_path, options)
    async with accounts.use("mjl") as account:
        assert await account.scan(lambda r: check_account(r, deep=True), op="check") == []
        await account.settle()
        active, filling = await account.scan(read_meta, op="test")
        assert active is not None
        assert filling is None
        wanted = await account.scan(
            lambda r: r.row("SELECT sum(flags & 48 = 32), sum(flags & 48 = 16) FROM message"), op="test"
        )
        assert (active.hams, active.spams) == wanted
    await accounts.aclose()
