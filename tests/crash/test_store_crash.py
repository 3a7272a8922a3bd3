"""kill -9, power loss and a full disk: what was acknowledged is there, nothing else is half there (STORE-160).

Small counts; `tests/campaigns` runs the long ones.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trio

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import deliver
from moxlite.store.errors import Closed, StorageBroken, StorageFull
from moxlite.store.file import health
from moxlite.store.file.boundary import quick_check
from moxlite.store.mail import expunging
from moxlite.store.mail.facts import NO_FACTS
from moxlite.store.options import Options
from moxlite.store.types import MailboxID
from moxlite.store.upkeep.check import check_account
from tests.faultvfs import FaultVFS
from tests.tools import need, top

INBOX = MailboxID(1)

CHILD = """
import json, random, sys, trio
from pathlib import Path
from moxlite.store.accounts.accounts import Accounts

from moxlite.store.delivery.perform import deliver
from moxlite.store.errors import StorageFull
from moxlite.store.mail.facts import NO_FACTS
from moxlite.store.options import Options
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from tests.supervised import supervised

async def worker(account, name, size, count):
    for n in range(count):
        text = f"{name}-{n}"
        head = f"Message-ID: <{text}@x>\\r\\n\\r\\n{text}\\r\\n".encode()
        with Spool.of(head + random.Random(text).randbytes(size)) as spool:
            try:
                done = await deliver(account, await prepare(spool), NO_FACTS, "Inbox", transaction_id=text.encode())
            except StorageFull:
                print(json.dumps(["full", text, 0]), flush=True)
                continue
        print(json.dumps(["delivered", text, done.added.uid]), flush=True)
        if n % 3 == 2 and size == 0:
            await account.write(lambda tx: expunging.expunge(tx, 1, [done.added.uid]))
            print(json.dumps(["expunged", text, done.added.uid]), flush=True)

async def main():
    folder, size, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    accounts = Accounts(folder, Options(min_free_space=0))
    async with trio.open_nursery() as nursery:
        await nursery.start(supervised, accounts)
        async with accounts.use("mjl") as account:
            print(json.dumps(["ready", "", 0]), flush=True)
            async with trio.open_nursery() as workers:
                for name in "abcdefghijklmnop":
                    workers.start_soon(worker, account, name, size, count)
        nursery.cancel_scope.cancel()

trio.run(main)
"""


async def left(folder: Path) -> dict[str, int]:
    """Open what a crash left, check it, and return the Message-IDs with their UIDs."""
    accounts = Accounts(folder, Options(min_free_space=0, check_on_close=True))
    async with accounts.use("mjl") as account:
        assert await account.scan(quick_check, op="check") == []
        assert await account.scan(lambda r: check_account(r, deep=True), op="check") == []
        rows = await account.scan(lambda r: r.rows("SELECT messageid, uid FROM message"), op="test")
        # It goes on working.
        with Spool.of(b"Subject: after\r\n\r\nx\r\n") as spool:
            added = (await deliver(account, await prepare(spool), NO_FACTS, "Inbox")).added
        assert added is not None
        assert all(uid < added.uid for _, uid in rows)
        await account.eraser.once()
    await accounts.aclose()
    return {messageid.partition("@")[0]: uid for messageid, uid in rows}


def child(folder: Path, *args: object, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*before, sys.executable, "-c", CHILD, str(folder), *map(str, args)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(top())},
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
async def test_after_kill_9_all_that_was_acknowledged_is_there(tmp_path: Path, seed: int) -> None:
    """STORE-5, STORE-160: and nothing half; what was expunged stays so."""
    process = child(tmp_path, 0, 100_000)
    assert process.stdout is not None
    lines: list[str] = []

    def read() -> None:
        assert process.stdout is not None
        rng = random.Random(seed)
        stop = rng.randrange(20, 600)
        for line in process.stdout:
            lines.append(line)
            if len(lines) == stop:
                time.sleep(rng.random() / 100)
                os.kill(process.pid, signal.SIGKILL)

    await trio.to_thread.run_sync(read)
    process.wait()
    # The kill may have cut the last line.
    told = [json.loads(line) for line in lines if line.endswith("]\n")]
    delivered = {text: uid for what, text, uid in told if what == "delivered"}
    expunged = {text for what, text, _ in told if what == "expunged"}
    found = await left(tmp_path)
    missing = {text for text in delivered if text not in found and text not in expunged}
    # An expunge whose answer was lost may have been done.
    assert all(int(text.partition("-")[2]) % 3 == 2 for text in missing)
    assert not expunged & set(found)
    assert all(found[text] == uid for text, uid in delivered.items() if text in found)


@pytest.mark.parametrize("seed", range(12))
async def test_after_a_power_loss_all_that_was_acknowledged_is_there(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-5, STORE-160: unsynced writes are lost, whole or in part, at any moment, also in a checkpoint."""
    monkeypatch.setattr(health, "GROWTH", 50)
    rng = random.Random(seed)
    vfs = FaultVFS()
    accounts = Accounts(tmp_path, Options(min_free_space=0, vfs=vfs.name))
    acknowledged: dict[str, int] = {}
    stop = vfs.writes + rng.randrange(100, 3000)

    async def worker(name: str) -> None:
        for n in range(1000):
            text = f"{name}-{n}"
            data = f"Message-ID: <{text}@x>\r\n\r\n{text}\r\n".encode() + rng.randbytes(rng.choice([0, 3000, 40_000]))
            with Spool.of(data) as spool:
                done = await deliver(account, await prepare(spool), NO_FACTS, "Inbox")
            assert done.added is not None
            acknowledged[text] = done.added.uid
            if vfs.writes > stop:
                scope.cancel()

    async with accounts.use("mjl") as account:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                for name in "abcd":
                    nursery.start_soon(worker, name)
    vfs.power_loss(rng if seed % 2 else None)
    await accounts.aclose()
    found = await left(tmp_path)
    assert {text: found.get(text) for text in acknowledged} == acknowledged


@pytest.mark.parametrize("nth", [1, 2, 3, 5, 8, 13, 21, 34, 55, 89])
async def test_a_write_that_fails_loses_only_what_was_refused(tmp_path: Path, nth: int) -> None:
    """STORE-4, STORE-158, STORE-160: the n-th write of 16 deliveries at once."""
    vfs = FaultVFS()
    accounts = Accounts(tmp_path, Options(min_free_space=0, vfs=vfs.name))
    acknowledged: dict[str, int] = {}
    refused: list[str] = []

    async def worker(text: str) -> None:
        with Spool.of(
            f"Message-ID: <{text}@x>\r\n\r\n{text}\r\n".encode() + random.Random(text).randbytes(9000)
        ) as spool:
            prepared = await prepare(spool)
            try:
                done = await deliver(account, prepared, NO_FACTS, "Inbox")
            except (StorageBroken, StorageFull, Closed):
                refused.append(text)
            else:
                assert done.added is not None
                acknowledged[text] = done.added.uid

    async with accounts.use("mjl") as account:
        vfs.fail_nth_write(nth)
        async with trio.open_nursery() as nursery:
            for n in range(16):
                nursery.start_soon(worker, f"m-{n}")
    await accounts.aclose()
    assert len(acknowledged) + len(refused) == 16
    assert await left(tmp_path) == acknowledged


@pytest.mark.slow
@pytest.mark.integration
async def test_on_a_full_disk_exactly_the_refused_deliveries_are_missing(tmp_path: Path) -> None:
    """STORE-157, STORE-160: a tmpfs of 4 MiB, 16 deliveries at once, until nothing fits."""
    unshare = need("unshare")
    copied = tmp_path / "copied"
    (tmp_path / "disk").mkdir()
    script = 'mount -t tmpfs -o size=4m none "$0" || exit 77; "$@" && cp -r "$0" "$0/../copied"'
    process = child(tmp_path / "disk", 30_000, 20, before=(unshare, "-rm", "sh", "-c", script, str(tmp_path / "disk")))
    output, _ = await trio.to_thread.run_sync(process.communicate)
    if process.returncode == 77:
        if os.environ.get("CI") == "true":
            pytest.fail("no tmpfs can be mounted, and CI=true allows no skip")
        pytest.skip("no tmpfs can be mounted here")
    assert process.returncode == 0
    told = [json.loads(line) for line in output.splitlines()]
    delivered = {text: uid for what, text, uid in told if what == "delivered"}
    full = {text for what, text, _ in told if what == "full"}
    assert len(delivered) > 5
    assert full
    assert await left(copied) == delivered
    shutil.rmtree(copied)


async def test_a_disk_that_fails_while_expunging_keeps_what_was_not_acknowledged(tmp_path: Path) -> None:
    """STORE-160."""
    vfs = FaultVFS()
    accounts = Accounts(tmp_path, Options(min_free_space=0, vfs=vfs.name))
    async with accounts.use("mjl") as account:
        for n in range(3):
            with Spool.of(f"Message-ID: <m-{n}@x>\r\n\r\n{n}\r\n".encode()) as spool:
                await deliver(account, await prepare(spool), NO_FACTS, "Inbox")
        vfs.fail_nth_write(1)
        with pytest.raises(StorageBroken):
            await account.write(lambda tx: expunging.expunge(tx, INBOX, [2]))
    await accounts.aclose()
    assert sorted(await left(tmp_path)) == ["m-0", "m-1", "m-2"]
