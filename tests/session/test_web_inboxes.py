"""All inboxes in one list: one's own, linked ones, and shared ones."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.links import NewLink, SubmissionServer, add_link, link_named, pause_link, remove_link
from moxlite.store.mail.mailboxes import create_mailbox
from moxlite.web.webmail.live import entries
from moxlite.web.webmail.live.entries import copies_by_id
from moxlite.web.webmail.querytypes import INBOXES
from tests.session.test_web_shared_search import Searching, searching
from tests.store_mail import box, deliver_mail, mail, put, rows
from tests.web_rig import Browser, Rig, first_request
from tests.web_sharing import mia, share, tom

pytestmark = pytest.mark.served

__all__ = ["mia", "searching", "tom"]

ALL = {"filter": {"mailbox_id": INBOXES}}


async def link(account: OpenAccount, name: str, *, inbox: bool = True, sends: bool = False) -> None:
    """Link a mailbox that is not connected, with its Inbox here."""
    new = NewLink(
        name=name,
        address=f"mia@{name.lower()}.example",
        host=f"imap.{name}",
        port=993,
        tls="implicit",
        username=name,
        secret=b"x",
        outlet=SubmissionServer(host=f"smtp.{name}" if sends else ""),
    )
    made = await account.write(lambda tx: add_link(tx, new))
    if not sends:
        await account.write(lambda tx: pause_link(tx, made.id, paused=True))
    if inbox:
        await account.write(lambda tx: create_mailbox(tx, f"{name}/Inbox"))


@pytest.fixture
async def own(rig: Rig) -> AsyncIterator[OpenAccount]:
    """The account of mia."""
    async with rig.accounts.use("mia") as account:
        yield account


async def arrive(account: OpenAccount, subject: str, mailbox: str = "Inbox") -> None:
    """A message that comes into a mailbox."""
    await deliver_mail(account, mail(subject=subject, message_id=f"<{subject}@x>"), mailbox)


@pytest.mark.parametrize("threading", ["off", "on"])
async def test_all_inboxes_are_one_list_by_date(
    rig: Rig, tom: OpenAccount, own: OpenAccount, searching: Searching, threading: str
) -> None:
    """WEBMAIL-176, WEBMAIL-37, WEBMAIL-41: own, linked and shared inboxes, newest or oldest first, and nothing
    of other mailboxes; a page by its position, and around a message.
    """
    await link(own, "Gmail")
    await link(own, "GMX")
    await own.write(lambda tx: create_mailbox(tx, "Work/Inbox"))
    await share(rig, "lr", "Inbox")
    await share(rig, "lr")
    before = await box(tom, "Inbox")
    places = [(own, "Inbox"), (own, "Gmail/Inbox"), (tom, "Inbox"), (own, "GMX/Inbox")]
    for number in range(12):
        account, mailbox = places[number % 4]
        await arrive(account, f"m{number}", mailbox)
    for mailbox in ("Gmail/Archive", "Work/Inbox", "Archive"):
        await arrive(own, "elsewhere", mailbox)
    await arrive(tom, "elsewhere", "Sales")
    query = {**ALL, "threading": threading}
    wanted = [f"m{number}" for number in reversed(range(12))]
    found = await searching.ask(query)
    assert [thread[0]["subject"] for thread in found][:12] == wanted
    assert searching.total == 12 + before.total
    assert {thread[0]["id"] >> 32 > 0 for thread in found} == {True, False}
    assert [thread[0]["subject"] for thread in await searching.ask(position=4, count=3)] == ["m7", "m6", "m5"]
    around = found[6][0]["id"]
    assert "m5" in await searching.subjects(query, dest_message_id=around, count=4)
    assert (await searching.subjects({**query, "order_asc": True}))[-12:] == wanted[::-1]
    by_size = await searching.subjects({**query, "order": "size"})
    assert sorted(by_size) == sorted(thread[0]["subject"] for thread in found)


async def test_what_comes_and_goes_in_any_inbox_shows(
    rig: Rig, tom: OpenAccount, own: OpenAccount, searching: Searching
) -> None:
    """WEBMAIL-176, WEBMAIL-43: new mail, what is archived or removed, an inbox that is linked or shared meanwhile, and
    one that is no longer.
    """
    await own.write(lambda tx: create_mailbox(tx, "Gmail/Inbox"))
    await arrive(own, "first")
    await arrive(own, "linked", "Gmail/Inbox")
    await arrive(tom, "shared")
    assert await searching.subjects(ALL) == ["first"]
    await link(own, "Gmail", inbox=False)
    await searching.until_shows(["linked", "first"])
    await arrive(own, "second", "Gmail/Inbox")
    await searching.until_shows(["second", "linked", "first"])
    await share(rig, "lr", "Inbox")
    await searching.until_shows(["second", "shared", "linked", "first", "private"])
    there, archive = await box(own, "Gmail/Inbox"), await box(own, "Archive")
    found = await own.read(lambda r: list(r.rows("SELECT id FROM message WHERE mailbox_id = ?", there.id)), op="test")
    ids = [row[0] for row in found]
    await own.write(lambda tx: move_ids(tx, ids[:1], archive.id))
    await searching.until_shows(["second", "shared", "first", "private"])
    await own.write(lambda tx: expunge_ids(tx, ids[1:]))
    await searching.until_shows(["shared", "first", "private"])
    await share(rig, "", "Inbox")
    await searching.until_shows(["first"])
    await link(own, "Later")
    await arrive(own, "later", "Later/Inbox")
    await searching.until_shows(["later", "first"])
    await own.write(lambda tx: remove_link(tx, link_named(tx, "Later").id))
    await searching.until_shows(["first"])


async def test_a_page_knows_the_links(own: OpenAccount, mia: Browser) -> None:
    """WEBMAIL-34, WEBMAIL-43, WEBMAIL-44: with its first event, as they change, and after a reconnect."""
    await link(own, "Gmail")
    events = await mia.events(first_request())
    start = await events.until("start")
    gmail, gmx = [{"name": name, "address": f"mia@{name.lower()}.example"} for name in ("Gmail", "GMX")]
    assert start["links"] == [gmail]

    async def told() -> Any:
        while True:
            for change in (await events.until("view_changes"))["changes"]:
                if change["kind"] == "links":
                    return change["links"]

    await link(own, "GMX")
    assert await told() == [gmail, gmx]
    await own.write(lambda tx: remove_link(tx, link_named(tx, "Gmail").id))
    assert await told() == [gmx]
    again = await mia.events(first_request(), since=start["modseq"])
    assert (await again.until("resume"))["links"] == [gmx]


async def test_messages_that_are_not_loaded_move_within_their_homes(own: OpenAccount, mia: Browser) -> None:
    """WEBMAIL-137, WEBMAIL-176: each to the mailbox that the action names for its own; what it does not name stays."""
    await link(own, "Gmail")
    await link(own, "GMX")
    await own.write(lambda tx: create_mailbox(tx, "Gmail/Archive"))
    await put(own, 3)
    await put(own, 4, "Gmail/Inbox", first=10)
    await put(own, 2, "GMX/Inbox", first=20)
    names = ("Inbox", "Archive", "Gmail/Inbox", "Gmail/Archive", "GMX/Inbox")
    boxes = {name: (await box(own, name)).id for name in names}
    action = {
        "query": {**ALL, "threading": "on"},
        "modseq": 2**50,
        "action": "move",
        "mark_seen": True,
        "targets": [
            {"from_id": boxes["Inbox"], "mailbox_id": boxes["Archive"]},
            {"from_id": boxes["Gmail/Inbox"], "mailbox_id": boxes["Gmail/Archive"]},
        ],
    }
    done = await mia.call("query_action", action=action)
    assert len(done["message_ids"]) == 7
    assert done["after"] is None
    assert [(await box(own, name)).total for name in names] == [0, 3, 0, 4, 2]
    unknown = {**action, "targets": [{"from_id": boxes["Inbox"], "mailbox_id": 999}]}
    assert (await mia.error("query_action", action=unknown))[0] == 404


async def test_an_answer_goes_out_from_where_the_message_came_in(rig: Rig, own: OpenAccount, mia: Browser) -> None:
    """WEBMAIL-177, WEBMAIL-90: from the link's address, whatever is in To, also for a new message begun there; own mail
    of the link is answered to its recipients; elsewhere from the address in To. A link that does not send has no say.
    """
    await link(own, "Gmail", sends=True)
    await link(own, "GMX")
    await own.write(lambda tx: create_mailbox(tx, "Gmail/Sent"))
    both = mail(1, to="mia@example.org, mia@gmail.example, eve@x.example")
    to_list = mail(2, to="list@lists.example")
    sent = mail(3, to="eve@x.example").replace(b"anton@example.com", b"mia@gmail.example")

    async def begun(data: bytes, mailbox: str, kind: str = "reply_all") -> Any:
        added = await deliver_mail(own, data, mailbox)
        return await mia.call("compose_prepare", kind=kind, message_id=added.message_id)

    gmail, local = "mia@gmail.example", "mia@example.org"
    found = await begun(both, "Gmail/Inbox")
    assert found["from"]["address"] == gmail
    assert [one["address"] for one in found["to"]] == ["anton@example.com", "eve@x.example"]
    assert (await begun(to_list, "Gmail/Inbox"))["from"]["address"] == gmail
    assert (await begun(to_list, "Gmail/Inbox", "forward"))["from"]["address"] == gmail
    again = await begun(sent, "Gmail/Sent", "reply")
    assert again["from"]["address"] == gmail
    assert [one["address"] for one in again["to"]] == ["eve@x.example"]
    draft = mail(6, to="eve@x.example").replace(b"anton@example.com", b"mia@example.org")
    assert (await begun(draft, "Gmail/Sent", "edit"))["from"]["address"] == local
    assert (await begun(to_list, "Inbox"))["from"]["address"] == local
    assert (await begun(mail(4, to=gmail), "Inbox"))["from"]["address"] == gmail
    assert (await begun(mail(5, to="mia@gmx.example"), "GMX/Inbox"))["from"]["address"] == local

    for name, wanted in (("Gmail/Inbox", gmail), ("GMX/Inbox", local), ("Inbox", local)):
        new = await mia.call("compose_prepare", kind="new", mailbox_id=(await box(own, name)).id)
        assert new["from"]["address"] == wanted
    assert (await mia.error("compose_prepare", kind="new", mailbox_id=999))[0] == 404
    start = await (await mia.events(first_request())).until("start")
    assert gmail in start["addresses"]
    assert "mia@gmx.example" not in start["addresses"]


FORWARDED = b"Received: from mx.gmail.example by fwd.gmail.example;\r\n Mon, 5 Oct 2026 10:00:01 +0000\r\n"


async def ids_of(account: OpenAccount, mailbox: str) -> list[Any]:
    """The messages of a mailbox."""
    return [row.id for row in await rows(account, mailbox)]


@pytest.mark.parametrize("query", [ALL, {"filter": {"mailbox_id": -1, "words": ["Lunch"]}}, {**ALL, "order": "size"}])
async def test_a_message_that_is_forwarded_and_linked_shows_once(
    own: OpenAccount, searching: Searching, query: dict[str, Any]
) -> None:
    """WEBMAIL-176a: with what came by the other way, whichever came first; the other one when that is moved away."""
    await link(own, "Gmail")
    await own.write(lambda tx: create_mailbox(tx, "Gmail/Archive"))
    first, second = (mail(subject=f"Lunch {n}", message_id=f"<{n}@x>", body="At noon?\r\n" * 50**n) for n in (0, 1))
    await deliver_mail(own, FORWARDED + first, "Inbox")
    await deliver_mail(own, first, "Gmail/Inbox")
    for threading in ("off", "on"):
        [[shown, other]] = await searching.ask({**query, "threading": threading})
        assert (searching.total, shown["copy_of"], other["copy_of"]) == (1, 0, shown["id"])
        assert {shown["mailbox_id"], other["mailbox_id"]} == {
            (await box(own, name)).id for name in ("Inbox", "Gmail/Inbox")
        }
    await searching.ask({**query, "threading": "off"})
    await deliver_mail(own, second, "Gmail/Inbox")
    await deliver_mail(own, FORWARDED + second, "Inbox")
    subjects = [["Lunch 1"] * 2, ["Lunch 0"] * 2]
    before = await searching.until(lambda found: [[one["subject"] for one in entry] for entry in found] == subjects)
    await own.write(lambda tx: expunge_ids(tx, [before[0][0]["id"]]))
    [[left], _] = await searching.until(lambda found: [len(entry) for entry in found] == [1, 2])
    assert (left["id"], left["copy_of"]) == (before[0][1]["id"], 0)
    assert searching.total == 2


@pytest.mark.parametrize("threading", ["off", "on"])
async def test_only_the_same_message_is_a_copy(own: OpenAccount, searching: Searching, threading: str) -> None:
    """WEBMAIL-176a: another text, subject, sender or type with the same Message-ID is shown; so are two that came by
    one way, and one that was filed elsewhere.
    """
    await link(own, "Gmail")
    await own.write(lambda tx: create_mailbox(tx, "Gmail/Archive"))
    same = mail(subject="Pay", message_id="<1@x>", body="100 EUR to A\r\n")
    others = (
        same.replace(b"to A", b"to B"),
        same.replace(b"Pay", b"Bay"),
        same.replace(b"anton@", b"bnton@"),
        b"Content-Type: text/html\r\n" + same,
        same.replace(b"\r\n\r\n", b"\r\nReply-To: eve@x.example\r\n\r\n", 1),
    )
    await deliver_mail(own, same, "Inbox")
    await deliver_mail(own, FORWARDED + same, "Inbox")
    for other in others:
        await deliver_mail(own, other, "Gmail/Inbox")
    await deliver_mail(own, same, "Gmail/Archive")
    found = await searching.ask({"filter": {"mailbox_id": -1, "from": ["nton"]}, "threading": threading})
    assert {item["copy_of"] for entry in found for item in entry} == {0}
    assert sum(map(len, found)) == 2 + len(others) + 1


async def test_large_and_many_alike_are_shown_all(own: OpenAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-176a: what would take long to compare; a damaged one, too."""
    await link(own, "Gmail")
    same = mail(message_id="<1@x>")
    for name in ("Inbox", "Gmail/Inbox"):
        await deliver_mail(own, same, name)
    ids = [*await ids_of(own, "Inbox"), *await ids_of(own, "Gmail/Inbox")]

    async def copies() -> int:
        read = partial(copies_by_id, ids=ids, digests={})
        return len(await own.scan(lambda r: read(r, where=entries.places(r)), op="test"))

    assert await copies() == 1
    with monkeypatch.context() as patch:
        patch.setattr(entries, "MAX_OCTETS", 2 * len(same) - 1)
        assert await copies() == 0
    await own.write(lambda tx: tx.execute("UPDATE body_chunk SET digest = digest + 1"))
    assert await copies() == 0
    await own.write(lambda tx: tx.execute("UPDATE body_chunk SET digest = digest - 1"))
    for _ in range(entries.MAX_ALIKE):
        await deliver_mail(own, same.replace(b"\r\n\r\n", b"\r\nX-More: 1\r\n\r\n", 1), "Inbox")
    ids = [*await ids_of(own, "Inbox"), *await ids_of(own, "Gmail/Inbox")]
    assert await copies() == 0
