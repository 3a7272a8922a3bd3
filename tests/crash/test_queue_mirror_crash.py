"""The server ends between the account's file and the queue's: the mailbox `Outgoing` agrees with the queue again, and
nothing was done twice (IMAP-162, STORE-189a).
"""

import json
from pathlib import Path

import pytest

from tests.tools import outcome_of

pytestmark = pytest.mark.served

CHILD = """
import json, os, sys, trio
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from moxlite.queue import metrics
from moxlite.queue import mirror
from moxlite.queue.data import mirrorrows
from moxlite.queue.data.mirrorrows import GRACE
from moxlite.store.upkeep.check import check_account
from moxlite.store.mail.copying import move_messages
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.delivery.status import queued_keys
from tests.queue_rig import rig_at

folder, point = Path(sys.argv[1]), sys.argv[2]

def end(*_, **__):
    os._exit(9)

if point == "before it is added":
    mirror.put_queued = end
elif point == "before it is noted as added":
    mirrorrows.added = end
elif point == "after it was canceled":
    metrics.canceled = SimpleNamespace(inc=end)
elif point == "before it is noted as removed":
    mirrorrows.removed = end

def facts(r):
    boxes = {name: mailbox_by_name(r, name) for name in ("Outgoing", "Trash")}
    return {name: None if box is None else (box.total, box.uidnext - 1) for name, box in boxes.items()}

def to_trash(tx):
    move_messages(tx, mailbox_by_name(tx, "Outgoing").id, [1], mailbox_by_name(tx, "Trash").id)

async def main():
    async with rig_at(folder, account="queue_mailbox = true") as rig:
        await rig.submit("a@remote.example", "b@remote.example", key=b"once", hold_until=rig.clock.now + 10**12)
        rig.clock.advance(10 * GRACE / 1_000_000)
        rig.queue.scheduler.changed()
        async with rig.accounts.use("alice") as account:
            async def state():
                found = await account.read(facts, op="test")
                found["waiting"] = len(await rig.queue.listings.list_messages())
                found["mirrored"] = await rig.queue._database.read(
                    lambda r: r.value("SELECT count(*) FROM mirror"), op="test")
                found["known"] = len(await account.scan(queued_keys, op="test"))
                return found

            with trio.fail_after(30):
                while True:
                    now = await state()
                    if now["Trash"][0]:
                        break
                    if now["Outgoing"] and now["Outgoing"][0]:
                        await account.write(to_trash)
                        if point == "after it was moved":
                            end()
                        break
                    await trio.sleep(0.005)
                while (now := await state())["waiting"] or now["mirrored"] or now["known"]:
                    await trio.sleep(0.005)
            assert await account.scan(lambda r: check_account(r, deep=True), op="test") == []
            print(json.dumps(now), flush=True)

trio.run(main)
"""

POINTS = [
    "before it is added",
    "before it is noted as added",
    "after it was moved",
    "after it was canceled",
    "before it is noted as removed",
]


@pytest.mark.slow
def test_after_an_end_between_the_two_files_both_agree(tmp_path: Path) -> None:
    """IMAP-162, STORE-189a: at each of the places, one after the other; the message was shown once, is in the trash
    once, and nobody waits for it.
    """
    for point in POINTS:
        outcome_of(CHILD, tmp_path, point, code=9)
    assert json.loads(outcome_of(CHILD, tmp_path, "")) == {
        "Outgoing": [0, 1],
        "Trash": [1, 1],
        "waiting": 0,
        "mirrored": 0,
        "known": 0,
    }
