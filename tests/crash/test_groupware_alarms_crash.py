"""The server is killed while alarms are told by mail and by notice: no mail is doubled, nothing is lost (DAV-50)."""

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
import json, os, sys, time, trio
from pathlib import Path
from types import SimpleNamespace
from moxlite.config.holder import ConfigHolder
from moxlite.groupware import ringing
from moxlite.groupware.entries import Expander
from moxlite.groupware.ringing import AlarmSender
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.groupware.alarms import next_alarm
from moxlite.store.groupware.collection import collection_named, ensure_defaults
from moxlite.store.groupware.resources import put_resource
from moxlite.store.options import Options
from moxlite.store.people.devices import add_device
from moxlite.store.people.notices import pending
from moxlite.store.upkeep.check import check_account
from moxlite.store.upkeep.outbox import OutboxRow

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
MAILS = "SELECT count(*) FROM message m JOIN mailbox b ON b.id = m.mailbox_id WHERE b.name = 'Inbox'"

def entry(number):
    one = "BEGIN:VALARM\\r\\nACTION:{}\\r\\nTRIGGER:-PT10M\\r\\nEND:VALARM\\r\\n"
    alarms = one.format("EMAIL") + one.format("DISPLAY")
    start = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + 600 - number))
    return (
        f"BEGIN:VCALENDAR\\r\\nVERSION:2.0\\r\\nBEGIN:VEVENT\\r\\nUID:{number}\\r\\nSUMMARY:{number}\\r\\n"
        f"DTSTART:{start}\\r\\n{alarms}END:VEVENT\\r\\nEND:VCALENDAR\\r\\n"
    ).encode()

async def main():
    (folder / "moxlite.toml").write_text(STATIC)
    (folder / "domains.toml").write_text(DOMAINS)
    (folder / "data/tmp").mkdir(parents=True, exist_ok=True)
    config, _ = ConfigHolder.open(folder / "moxlite.toml")
    accounts = Accounts(folder / "data", Options(min_free_space=0))
    told = []
    handler = AlarmSender(config=config, told=told.append, tmp=folder / "data/tmp")

    async with accounts.use("mia") as mia:
        async def ring():
            now = time.time_ns() // 1000
            while (due := await mia.read(next_alarm, op="test")) is not None and due <= now:
                await handler.carry(mia, OutboxRow(0, b"", "ring", None, b"", now))

        if point == "put":
            await mia.write(ensure_defaults)
            await mia.write(lambda tx: add_device(tx, "https://push.example/1", b"k", b"s", "Phone", 1))
            home = await mia.read(lambda r: collection_named(r, "calendar", "calendar"), op="test")
            for number in range(12):
                facts = await Expander(mia).facts(home, entry(number))
                await mia.write(lambda tx: put_resource(tx, home.id, f"{number}.ics", entry(number), facts))
            await mia.write(lambda tx: tx.execute("UPDATE alarm SET since = since - 60000000"))
        elif point == "mailed":
            real = ringing.deliver
            async def deliver(*args, **more):
                await real(*args, **more)
                os._exit(9)
            ringing.deliver = deliver
            await ring()
        elif point == "marked":
            handler._told = lambda name: os._exit(9)
            await ring()
        elif point == "ring":
            print("begun", flush=True)
            await ring()
        else:
            await ring()
            notices, _ = await mia.read(lambda r: pending(r, time.time_ns() // 1000), op="test")
            total = await mia.read(lambda r: r.value("SELECT count(*) FROM alarm_notice WHERE NOT mailed"), op="test")
            assert await mia.scan(lambda r: check_account(r, deep=True), op="test") == []
            left = await mia.read(lambda r: r.value("SELECT count(*) FROM alarm"), op="test")
            mails = await mia.read(lambda r: r.value(MAILS), op="test")
            found = {"mails": mails, "alarms": total, "told": len(notices), "left": left}
            print(json.dumps(found), flush=True)
    await accounts.aclose()

trio.run(main)
"""


@pytest.mark.parametrize("points", [("mailed", "mailed", "marked"), ("marked",), ()])
def test_a_server_that_ends_between_mail_and_notice(tmp_path: Path, points: tuple[str, ...]) -> None:
    """DAV-50: after the first mail, and once more; and between the mark and the device."""
    outcome_of(CHILD, tmp_path, "put")
    for point in points:
        outcome_of(CHILD, tmp_path, point, code=9)
    assert json.loads(outcome_of(CHILD, tmp_path, "look")) == {"mails": 12, "alarms": 12, "told": 1, "left": 0}


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.05])
def test_a_server_that_is_killed_while_it_tells(tmp_path: Path, seconds: float) -> None:
    """DAV-50: each mail once, each alarm once."""
    outcome_of(CHILD, tmp_path, "put")
    env = {**os.environ, "PYTHONPATH": str(top())}
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path), "ring"], stdout=subprocess.PIPE, env=env
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"begun\n"
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
    assert json.loads(outcome_of(CHILD, tmp_path, "look")) == {"mails": 12, "alarms": 12, "told": 1, "left": 0}
