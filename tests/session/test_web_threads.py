"""Threads in views of the webmail: whole, at one position each, muted and collapsed."""

from typing import Any

import pytest

from moxlite.store.mail.copying import move_ids
from moxlite.store.types import Flag
from moxlite.web.webmail.live import listing
from tests.store_mail import box, deliver_mail, look, mail, put, rows
from tests.tools import eventually
from tests.web_rig import Browser, Events, Rig

pytestmark = pytest.mark.served


class Threads:
    """A stream that shows a mailbox in threads."""

    def __init__(self, browser: Browser, events: Events, stream_id: int, query: dict[str, Any]) -> None:
        self.browser, self.events, self.stream_id, self.query = browser, events, stream_id, query
        self.requests = 1

    @classmethod
    async def open(cls, rig: Rig, browser: Browser, **query: Any) -> "Threads":
        async with rig.account() as account:
            inbox = (await box(account)).id
        wanted = {"filter": {"mailbox_id": inbox}, "threading": "on", **query}
        page = {"count": 100}
        events = await browser.events({"id": 1, "view_id": 1, "query": wanted, "page": page})
        start = await events.until("start")
        return cls(browser, events, start["stream_id"], wanted)

    async def ask(self, **page: Any) -> None:
        self.requests += 1
        request = {"id": self.requests, "stream_id": self.stream_id, "view_id": 1}
        await self.browser.call("request", request={**request, "page": {"count": 100, **page}})

    async def read(self) -> tuple[list[list[dict[str, Any]]], dict[str, Any]]:
        """The threads of an answer, and its last event."""
        found: list[list[dict[str, Any]]] = []
        while items := (event := await self.events.until("view_msgs"))["items"]:
            found += items
        return found, event

    async def uids(self) -> list[list[int]]:
        """The UIDs of each thread of an answer."""
        return [[item["uid"] for item in thread] for thread in (await self.read())[0]]


async def three_threads(rig: Rig) -> None:
    """1, with 4 below, and 6 below that; 2, with 5 below; 3 alone. Their subjects differ, so that none joins by it."""
    async with rig.account() as account:
        for number in (1, 2, 3):
            await deliver_mail(account, mail(number, subject=f"topic {number}"))
        for number, above, topic in ((4, 1, 1), (5, 2, 2), (6, 4, 1)):
            data = mail(number, subject=f"Re: topic {topic}", references=f"<{above}@example.com>")
            await deliver_mail(account, data)


async def test_a_thread_is_one_entry_and_comes_whole(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-41: at the place of its newest message, which comes first; the others by age, with what is above them."""
    await three_threads(rig)
    view = await Threads.open(rig, browser)
    threads, end = await view.read()
    assert [[item["uid"] for item in thread] for thread in threads] == [[6, 1, 4], [5, 2], [3]]
    assert (end["total"], end["view_end"]) == (3, True)
    by_uid = {item["uid"]: item for thread in threads for item in thread}
    assert by_uid[6]["thread_parent"] == by_uid[4]["id"]
    assert by_uid[4]["thread_parent"] == by_uid[1]["id"]
    assert by_uid[1]["thread_parent"] == 0
    assert all(item["match_query"] for item in by_uid.values())
    await view.ask(position=1, count=1)
    assert await view.uids() == [[5, 2]]
    await view.ask(anchor_message_id=by_uid[4]["id"])
    assert await view.uids() == [[5, 2], [3]]
    await view.ask(anchor_message_id=by_uid[3]["id"], before=True, count=1)
    assert await view.uids() == [[5, 2]]
    await view.ask(dest_message_id=by_uid[2]["id"], count=1)
    assert await view.uids() == [[5, 2]]
    await view.events.aclose()


async def test_messages_of_other_mailboxes_belong_to_it(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-41: they don't match; a thread that is wholly elsewhere is not there."""
    await three_threads(rig)
    async with rig.account() as account:
        archive = (await box(account, "Archive")).id
        ids = {int(row.uid): row.id for row in await rows(account)}
        await account.write(lambda tx: move_ids(tx, [ids[4], ids[6], ids[3]], archive))
    view = await Threads.open(rig, browser)
    threads, end = await view.read()
    shown = [[(item["id"], item["match_query"]) for item in thread] for thread in threads]
    assert shown == [
        [(ids[5], True), (ids[2], True)],
        [(ids[1], True), (ids[4], False), (ids[6], False)],
    ]
    assert end["total"] == 2
    await view.events.aclose()


async def test_new_mail_of_a_thread_does_not_move_it(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-66: a new thread comes on top; one whose messages are all gone goes."""
    await three_threads(rig)
    view = await Threads.open(rig, browser)
    await view.read()
    async with rig.account() as account:
        await deliver_mail(account, mail(7, subject="Re: topic 2", references="<2@example.com>"))
        await deliver_mail(account, mail(8, subject="topic 8"))
        ids = {int(row.uid): row.id for row in await rows(account)}
    await view.events.until("view_stale")
    await view.ask(position=0)
    # the second delivery may be told after the first was asked for
    found = await view.uids()
    if found[0] != [8]:
        await view.events.until("view_stale")
        await view.ask(position=0)
        found = await view.uids()
    assert found == [[8], [6, 1, 4], [5, 2, 7], [3]]
    await browser.call("message_delete", message_ids=[ids[3], ids[6]])
    await view.events.until("view_stale")
    await view.ask(position=0)
    assert await view.uids() == [[8], [4, 1], [5, 2, 7]]
    await view.events.aclose()


async def test_many_changes_at_once_make_the_view_anew(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-43."""
    await three_threads(rig)
    monkeypatch.setattr(listing, "MAX_FOLLOWED", 1)
    view = await Threads.open(rig, browser)
    await view.read()
    async with rig.account() as account:
        await put(account, 5, first=20)
    await view.events.until("view_stale")
    await view.ask(position=0)
    threads, end = await view.read()
    assert sum(map(len, threads)) == 11
    assert end["total"] == len(threads)
    await view.events.aclose()


async def test_a_search_finds_threads(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-41, WEBMAIL-72: messages of a thread that were not looked for are marked."""
    await three_threads(rig)
    view = await Threads.open(rig, browser, filter={"mailbox_id": -1, "words": ["4: hello"]})
    threads, _ = await view.read()
    assert [[(item["uid"], item["match_query"]) for item in thread] for thread in threads] == [
        [(4, True), (1, False), (6, False)]
    ]
    await view.events.aclose()


async def test_a_search_says_how_many_messages_it_found_in_how_many_threads(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-40, WEBMAIL-73."""
    await three_threads(rig)
    view = await Threads.open(rig, browser, filter={"mailbox_id": -1, "words": ["hello"]})
    while not (progress := await view.events.until("view_progress"))["done"]:
        pass
    assert (progress["total"], progress["messages"]) == (3, 6)
    await view.events.aclose()


async def test_new_mail_of_a_muted_thread_arrives_read(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-67: muting collapses; other views hear of it; what is delivered below is read, muted and collapsed."""
    await three_threads(rig)
    view = await Threads.open(rig, browser)
    await view.read()
    async with rig.account() as account:
        top = next(row.id for row in await rows(account) if row.uid == 2)
    await browser.call("thread_mute", message_ids=[top], mute=True)
    change = await view.events.change("msg_thread")
    assert (len(change["message_ids"]), change["muted"], change["collapsed"]) == (2, True, True)
    async with rig.account() as account:
        await deliver_mail(account, mail(9, subject="Re: topic 2", references="<5@example.com>"))
        await deliver_mail(account, mail(10, subject="Re: topic 1", references="<1@example.com>"))
        new = {int(row.uid): row for row in await rows(account)}
    assert (new[7].flags & Flag.SEEN, new[7].thread_muted, new[7].thread_collapsed) == (Flag.SEEN, True, True)
    assert (new[8].flags & Flag.SEEN, new[8].thread_muted) == (Flag(0), False)
    await browser.call("thread_mute", message_ids=[top], mute=False)
    await browser.call("thread_collapse", message_ids=[top], collapse=False)
    async with rig.account() as account:
        assert not any(row.thread_muted or row.thread_collapsed for row in await rows(account))
    await view.events.aclose()


async def test_while_threads_are_put_together_there_are_none(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-68: the view says so, and that it could be shown without; the stream stays."""
    await three_threads(rig)
    first = await Threads.open(rig, browser)
    await first.read()
    async with rig.account() as account:
        tasks = rig.accounts._slots[account.name].tasks
        assert tasks is not None
        await eventually(lambda: not tasks.runs("store.threads"))  # it began with the session, and found nothing to do
        await account.write(lambda tx: tx.execute("UPDATE state SET threads_step = 1"))
    view = await Threads.open(rig, browser)
    refused = await view.events.until("view_err")
    assert refused["unthreaded"]
    assert "still being prepared" in refused["message"]
    request = {"id": 9, "stream_id": view.stream_id, "view_id": 2, "query": {**view.query, "threading": "off"}}
    await browser.call("request", request={**request, "page": {"count": 100}})
    assert len((await view.read())[0]) == 6
    async with rig.account() as account:
        await account.write(lambda tx: tx.execute("UPDATE state SET threads_step = 2"))
    await view.events.aclose()
    await first.events.aclose()


async def test_an_action_takes_threads_by_their_places(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-69, WEBMAIL-137: a range of threads is all that matches of them."""
    await three_threads(rig)
    view = await Threads.open(rig, browser)
    threads, _ = await view.read()
    async with rig.account() as account:
        modseq = await look(account, lambda r: int(r.value("SELECT modseq FROM state")))
    mark = {"received": threads[1][0]["received"], "id": threads[1][0]["id"]}
    action = {"query": view.query, "modseq": modseq, "ranges": [{"first": mark, "last": mark}]}
    done = await browser.call("query_action", action={**action, "action": "flags_add", "flags": ["\\seen"]})
    assert sorted(done["message_ids"]) == sorted(item["id"] for item in threads[1])
    await view.events.aclose()
