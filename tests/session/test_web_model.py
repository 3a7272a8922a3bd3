"""The browser's model of an account, fed by a stream of random changes, is what a fresh stream shows."""

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
import trio

from moxlite.store.changelog.account import Account
from moxlite.store.mail.copying import copy_messages, move_ids
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.flags import Mode, store_flags_ids
from moxlite.store.mail.mailboxes import create_mailbox, delete_mailbox, rename_mailbox
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.rows.messages import rows_by_uid
from moxlite.store.types import Flag
from tests.store_mail import deliver_mail, look, mail
from tests.tools import top
from tests.web_rig import Events, Rig, first_request

pytestmark = pytest.mark.served

FEED = """
import { Mailboxes } from "../frontend/webmail/data/mailboxes";
import { View } from "../frontend/webmail/data/view";
import { readFileSync } from "node:fs";
const streams = JSON.parse(readFileSync(process.argv[2]!, "utf8"));
console.log(JSON.stringify(streams.map((events) => {
  const mailboxes = new Mailboxes();
  const view = new View();
  const request = view.open({ filter: {} });
  for (const event of events) {
    if (event.kind === "start") {
      const opened = event.mailboxes.find((mailbox) => mailbox.name === event.mailbox_name);
      view.query = { filter: { mailbox_id: opened.id } };
      mailboxes.set(event.mailboxes);
    }
    if (event.kind === "view_msgs") view.take({ ...event, view_id: request.view_id, request_id: request.id });
    if (event.kind === "view_changes") {
      for (const change of event.changes) {
        mailboxes.apply(change);
        view.apply(change);
      }
    }
    view.checkConsistency();
  }
  const items = view.items.map(({ id, uid, flags, keywords, modseq }) => ({ id, uid, flags, keywords, modseq }));
  return { mailboxes: mailboxes.ordered(), items, total: view.total };
})));
"""


async def change_something(account: Account, chance: random.Random, number: int) -> None:
    """One random change, as any client could make it."""
    boxes = await look(account, mailboxes)
    inbox = boxes[0]
    rows = await look(account, lambda r: rows_by_uid(r, inbox.id, 1, limit=1000))
    ids = [row.id for row in chance.sample(rows, min(len(rows), chance.randint(1, 4)))]
    target = chance.choice(boxes[1:]).id
    match chance.choice(["deliver", "deliver", "flags", "flags", "keyword", "move", "back", "copy", "expunge", "box"]):
        case "flags" if ids:
            flags = Flag(chance.choice([Flag.SEEN, Flag.FLAGGED, Flag.DELETED, Flag.JUNK]))
            mode: Mode = "add" if chance.random() < 0.6 else "remove"
            await account.write(lambda tx: store_flags_ids(tx, ids, mode=mode, flags=flags))
        case "keyword" if ids:
            await account.write(lambda tx: store_flags_ids(tx, ids, mode="add", keywords=[f"k{number % 5}"]))
        case "move" if ids:
            await account.write(lambda tx: move_ids(tx, ids, target))
        case "back":
            others = await look(account, lambda r: rows_by_uid(r, target, 1, limit=10))
            await account.write(lambda tx: move_ids(tx, [row.id for row in others], inbox.id))
        case "copy" if ids:
            uids = [row.uid for row in rows if row.id in ids]
            await account.write(lambda tx: copy_messages(tx, inbox.id, uids, inbox.id))
        case "expunge" if ids:
            await account.write(lambda tx: expunge_ids(tx, ids[:1]))
        case "box":
            made = [box for box in boxes if box.name.startswith("Box")]
            if not made or chance.random() < 0.4:
                await account.write(lambda tx: create_mailbox(tx, f"Box{number}"))
            elif chance.random() < 0.5:
                await account.write(lambda tx: rename_mailbox(tx, made[0].id, f"Box{number}"))
            else:
                await account.write(lambda tx: delete_mailbox(tx, made[0].id))
        case _:
            await deliver_mail(account, mail(number))


async def collect(events: Events, modseq: int) -> list[Any]:
    """All events up to that modseq, the first page included."""
    found: list[Any] = []
    with trio.fail_after(30):
        while True:
            event = await events.next()
            found.append(event)
            reached = event["kind"] == "view_changes" and not event["more"] and event["modseq"] >= modseq
            paged = event["kind"] == "view_msgs" and not event["items"] and found[0].get("modseq", -1) >= modseq
            if reached or paged:
                return found


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_browsers_model_follows_any_changes(rig: Rig, tmp_path: Path, seed: int) -> None:
    """WEBMAIL-154, WEBMAIL-43, WEBMAIL-35: also when its stream was lost and caught up from the log (WEBMAIL-44)."""
    esbuild = top() / "frontend" / "node_modules" / ".bin" / "esbuild"
    node = shutil.which("node")
    if not esbuild.exists() or node is None:
        pytest.skip("frontend/node_modules is missing")
    chance = random.Random(seed)
    browser = rig.browser()
    await browser.log_in()
    async with rig.account() as account:
        for number in range(10):
            await deliver_mail(account, mail(number))
        quick = await browser.events(first_request(count=1000))
        gone = await browser.events(first_request(count=1000))
        told: list[list[Any]] = [[], await collect(gone, 0)]
        await gone.aclose()
        for number in range(100, 180):
            await change_something(account, chance, number)
            if number % 10 == 0:
                modseq = await look(account, lambda r: int(r.value("SELECT modseq FROM state")))
                told[0] += await collect(quick, modseq)
        modseq = await look(account, lambda r: int(r.value("SELECT modseq FROM state")))
        if not told[0] or told[0][-1].get("modseq", 0) < modseq:
            told[0] += await collect(quick, modseq)
        request = {**first_request(view_id=2), "page": None}
        back = await browser.events(request, since=f"{told[1][0]['modseq']}{told[1][0]['epoch']}")
        told[1] += await collect(back, modseq)
        fresh = await browser.events(first_request(count=1000))
        told.append(await collect(fresh, modseq))
        for events in (quick, back, fresh):
            await events.aclose()
    (tmp_path / "feed.ts").write_text(FEED.replace("../frontend", str(top() / "frontend")))
    (tmp_path / "told.json").write_text(json.dumps(told))
    bundle = tmp_path / "feed.mjs"
    command = [esbuild, tmp_path / "feed.ts", "--bundle", "--platform=node", "--format=esm", f"--outfile={bundle}"]
    await trio.run_process([*map(str, command), "--log-level=error"])
    process = await trio.run_process([node, str(bundle), str(tmp_path / "told.json")], capture_stdout=True)
    followed, caught_up, wanted = json.loads(process.stdout)
    assert followed == wanted
    assert caught_up == wanted
