"""Counts, searches and orders of emails that have copies are of the emails that JMAP shows (RFC 8621 §2, §4.4)."""

import random
from collections import defaultdict
from typing import Any

import pytest

from moxlite.store.changelog.account import Account
from moxlite.store.mail.copying import copy_ids
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.types import Flag
from tests.jmap_rig import Client, Object, rig
from tests.session.test_web_jmap_shared_push import TOM
from tests.store_mail import put
from tests.web_rig import Rig
from tests.web_sharing import share, tom

pytestmark = pytest.mark.served

__all__ = ["rig", "tom"]

COUNTS = ("totalEmails", "unreadEmails", "totalThreads", "unreadThreads")
ROUNDS = 12
WORD = "$label1"


async def listed(client: Client) -> list[Object]:
    """All emails."""
    ids = (await client.call("Email/query"))["ids"]
    found: list[Object] = (
        await client.call("Email/get", ids=ids, properties=["mailboxIds", "keywords", "threadId", "receivedAt"])
    )["list"]
    return found


def explained(emails: list[Object], box: str, trash: str, *, guest: bool) -> dict[str, int]:
    """The counts of a mailbox by a listing."""
    threads: dict[str, list[Object]] = defaultdict(list)
    for email in emails:
        threads[email["threadId"]].append(email)

    def unread(email: Object) -> bool:
        return not {"$seen", "$draft"} & email["keywords"].keys()

    def counts(email: Object) -> bool:
        """Whether an unread email of a thread makes the thread unread here; mail in Trash counts in Trash alone."""
        places = {*email["mailboxIds"]}
        return box in places if guest or box == trash else bool(places - {trash})

    there = [email for email in emails if box in email["mailboxIds"]]
    seen = {email["threadId"] for email in there}
    return {
        "totalEmails": len(there),
        "unreadEmails": sum(map(unread, there)),
        "totalThreads": len(seen),
        "unreadThreads": sum(any(unread(email) and counts(email) for email in threads[one]) for one in seen),
    }


async def check(client: Client, *, guest: bool = False) -> None:
    """Compare counts, searches and orders with the listing."""
    emails = await listed(client)
    boxes = (await client.call("Mailbox/get", properties=["role", *COUNTS]))["list"]
    trash = next((box["id"] for box in boxes if box["role"] == "trash"), "")
    for box in boxes:
        wanted = explained(emails, box["id"], trash, guest=guest)
        assert {name: box[name] for name in COUNTS} == wanted, box
        for name in ("$seen", "$flagged", WORD):
            there = {one["id"]: name in one["keywords"] for one in emails if box["id"] in one["mailboxIds"]}
            for kind, value in (("hasKeyword", True), ("notKeyword", False)):
                found = await client.call("Email/query", filter={"inMailbox": box["id"], kind: name})
                assert {*found["ids"]} == {number for number, has in there.items() if has is value}, (box, kind, name)
    ordered = await client.call("Email/query", sort=[{"property": "hasKeyword", "keyword": WORD}])
    has = {one["id"]: WORD in one["keywords"] for one in emails}
    assert [has[number] for number in ordered["ids"]] == sorted(has.values())
    if not guest:
        await _check_threads(client, emails)


async def _check_threads(client: Client, emails: list[Object]) -> None:
    """Compare filters and orders about threads with the listing."""
    threads: dict[str, list[bool]] = defaultdict(list)
    for email in emails:
        threads[email["threadId"]].append("$seen" in email["keywords"])
    tests: dict[str, Any] = {
        "allInThreadHaveKeyword": all,
        "someInThreadHaveKeyword": any,
        "noneInThreadHaveKeyword": lambda values: not any(values),
    }
    for name, test in tests.items():
        wanted = {one["id"]: bool(test(threads[one["threadId"]])) for one in emails}
        found = await client.call("Email/query", filter={name: "$seen"})
        assert {*found["ids"]} == {number for number, has in wanted.items() if has}, name
        if not name.startswith("none"):
            ordered = await client.call("Email/query", sort=[{"property": name, "keyword": "$seen"}])
            assert [wanted[number] for number in ordered["ids"]] == sorted(wanted.values()), name


async def change(chance: random.Random, account: Account, known: list[int]) -> None:
    """Add a message, copy one, or change the flags of one."""
    boxes = await account.read(mailboxes, op="test")
    box = chance.choice([box for box in boxes if not box.system])
    match chance.choice(["add", "copy", "copy", "flag", "flag", "flag"]):
        case "add":
            known += [added.message_id for added in await put(account, 1, box.name, first=len(known) + 1)]
        case "copy" if known:
            copied = await account.write(lambda tx: copy_ids(tx, [chance.choice(known)], box.id))
            known += copied[0].message_ids if isinstance(copied, list) else copied.message_ids
        case "flag" if known:
            flags = chance.choice([Flag.SEEN, Flag.SEEN, Flag.DRAFT, Flag.DELETED, Flag.FLAGGED, Flag(0)])
            words = [] if flags else [WORD]
            mode: Any = chance.choice(["add", "add", "remove"])
            number = chance.choice(known)
            await account.write(lambda tx: store_flags_ids(tx, [number], mode=mode, flags=flags, keywords=words))


@pytest.mark.parametrize("seed", range(3))
async def test_a_listing_explains_all_counts(rig: Rig, tom: Account, seed: int) -> None:
    """JMAP-10, JMAP-24: with copies of other flags elsewhere, of the owner and of a guest."""
    chance = random.Random(seed)
    await share(rig, "lrs")
    await share(rig, "lrs", "Sales/Old")
    guest = Client(rig)
    guest.account = TOM
    async with rig.account() as mine:
        known: dict[str, list[int]] = {"mia": [], "tom": []}
        for _ in range(ROUNDS):
            for _ in range(3):
                await change(chance, mine, known["mia"])
                await change(chance, tom, known["tom"])
            await check(Client(rig))
            await check(guest, guest=True)
