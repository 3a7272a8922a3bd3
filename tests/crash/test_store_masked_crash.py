"""The server is killed while addresses to give away are made and removed: the index of RCPT TO never lacks a living one
(MASK-3).
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tools import outcome_of, top

pytestmark = pytest.mark.served

CHILD = """
import json, os, sys, trio
from pathlib import Path
from types import SimpleNamespace
from moxlite.admin.masked import MaskedAddresses, New
from moxlite.config.holder import ConfigHolder
from moxlite.proto.address import Address
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.maskedindex import MaskedIndex
from moxlite.store.mail.masked import masked_addresses
from moxlite.store.options import Options
from moxlite.store.upkeep.check import check_account

folder, point = Path(sys.argv[1]), sys.argv[2]

STATIC = '''hostname = "mail.ours.example"
data_dir = "data"
[postmaster]
account = "mia"
mailbox = "Postmaster"
[listeners.local]
ips = ["127.0.0.1"]
'''
DOMAINS = '''[domains."ours.example"]
[accounts.mia]
domain = "ours.example"
[accounts.mia.destinations."mia@ours.example"]
'''

async def end(*_, **__):
    os._exit(9)

async def main():
    (folder / "moxlite.toml").write_text(STATIC)
    (folder / "domains.toml").write_text(DOMAINS)
    (folder / "data").mkdir(exist_ok=True)
    config, _ = ConfigHolder.open(folder / "moxlite.toml")
    options = Options(min_free_space=0)
    accounts = Accounts(folder / "data", options)
    auth = await AuthDB.open(folder / "data/auth.db", options, create=True)
    given = MaskedAddresses(config, accounts, auth.masked)
    async with accounts.use("mia") as mia:
        if point == "look":
            stored = await mia.read(masked_addresses, op="test")
            lacking = [one for one in stored if await auth.masked.account_of(one) != "mia"]
            before = await auth.database.read(lambda r: r.value("SELECT count(*) FROM masked"), op="test")
            await auth.masked.compare(mia)
            after = await auth.database.read(lambda r: r.value("SELECT count(*) FROM masked"), op="test")
            assert await mia.scan(lambda r: check_account(r, deep=True), op="test") == []
            found = {"stored": sorted(stored), "lacking": lacking, "before": before, "after": after}
            print(json.dumps(found), flush=True)
        made = await given.make("mia", New()) if point in ("entered", "removed") else None
        if point == "entered":
            real = auth.masked.enter
            async def enter(*args):
                await real(*args)
                os._exit(9)
            auth.masked.enter = enter
            await given.make("mia", New())
        if point == "removed":
            auth.masked.leave = end
            await given.remove("mia", made.address)
        while point == "loop":
            made = await given.make("mia", New())
            print(made.address, flush=True)
            await given.remove("mia", (await given.make("mia", New())).address)
    await accounts.aclose()
    await auth.aclose()

trio.run(main)
"""


@pytest.mark.parametrize(("point", "stored"), [("entered", 1), ("removed", 0)])
def test_a_server_that_ends_between_the_files(tmp_path: Path, point: str, stored: int) -> None:
    """MASK-3: an entry too many, which the next opening takes away."""
    outcome_of(CHILD, tmp_path, point, code=9)
    found = json.loads(outcome_of(CHILD, tmp_path, "look"))
    assert (len(found["stored"]), found["lacking"]) == (stored, [])
    assert (found["before"], found["after"]) == (stored + 1, stored)


@pytest.mark.parametrize("seconds", [0.05, 0.13])
def test_a_server_that_is_killed_while_it_makes_them(tmp_path: Path, seconds: float) -> None:
    """MASK-3: what was acknowledged is stored, and all that is stored is in the index."""
    command = [sys.executable, "-c", CHILD, str(tmp_path), "loop"]
    env = {**os.environ, "PYTHONPATH": str(top())}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as child:
        assert child.stdout is not None
        told = [child.stdout.readline().strip() for _ in range(5)]
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
        told += child.stdout.read().split()
    found = json.loads(outcome_of(CHILD, tmp_path, "look"))
    assert found["lacking"] == []
    assert set(told) <= set(found["stored"])
    assert len(found["stored"]) == found["after"]
