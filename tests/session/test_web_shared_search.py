"""Searches over all mailboxes, one's own and those that others share."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn

import pytest
import trio

from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.errors import StorageBroken
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.mailboxes import create_mailbox, set_special_use
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.search import finding, queries
from moxlite.store.types import Flag, SpecialUse
from moxlite.web.webmail.holders import Holder
from moxlite.web.webmail.live import subscriptions
from moxlite.web.webmail.live.entries import MergedSearch
from tests.store_mail import box, deliver_mail, look, mail, put, rows
from tests.web_rig import Browser, Events, Rig, first_request
from tests.web_sharing import mia, share, tom

pytestmark = pytest.mark.served

__all__ = ["mia", "tom"]

EVERYWHERE = {"filter": {"mailbox_id": -2}}
WORDS = {"filter": {"mailbox_id": -1, "words": ["findable"]}}


class Searching:
    """A stream of the guest on which one view after the other is opened."""

    def __init__(self, browser: Browser, events: Events, start: Any) -> None:
        self.browser, self.events, self.start = browser, events, start
        self.view_id = self.request_id = 1
        self.progress: Any = None
        self.total = 0
        self.stale = False

    async def ask(self, query: dict[str, Any] | None = None, **page: Any) -> list[list[Any]]:
        """A page of a new view; without a query of the one that is open."""
        self.stale = False
        self.request_id += 1
        self.view_id += query is not None
        request = {"id": self.request_id, "stream_id": self.start["stream_id"], "view_id": self.view_id}
        await self.browser.call("request", request={**request, "query": query, "page": {"count": 500, **page}})
        found: list[list[Any]] = []
        while True:
            event = await self.events.next()
            assert event is not None
            assert event["kind"] != "view_err", event
            if event["kind"] == "view_progress":
                self.progress = event
            self.stale = self.stale or event["kind"] == "view_stale"
            if event["kind"] == "view_msgs" and event["request_id"] == self.request_id:
                self.total = event["total"]
                found += event["items"]
                if not event["items"]:
                    return found

    async def subjects(self, query: dict[str, Any] | None = None, **page: Any) -> list[str]:
        """The subjects of the first messages of a page."""
        return [thread[0]["subject"] for thread in await self.ask(query, **page)]

    async def until(self, shows: Callable[[list[list[Any]]], bool], **page: Any) -> list[list[Any]]:
        """Ask for the view again as it says that it is another, until it shows what is asked for."""
        with trio.fail_after(60):
            while not shows(found := await self.ask(**page)):
                if not self.stale:  # it may have said so while it answered
                    await self.events.until("view_stale")
        return found

    async def until_shows(self, subjects: list[str], **page: Any) -> None:
        """As `until`, with the subjects of the first messages."""
        await self.until(lambda found: [thread[0]["subject"] for thread in found] == subjects, **page)


@pytest.fixture
async def searching(mia: Browser) -> Searching:
    """A stream that shows the guest's Inbox."""
    events = await mia.events(first_request())
    start = await events.until("start")
    while (await events.until("view_msgs"))["items"]:
        pass
    return Searching(mia, events, start)


@pytest.fixture
async def own(rig: Rig) -> AsyncIterator[OpenAccount]:
    """The guest's account."""
    async with rig.accounts.use("mia") as account:
        yield account


def words(subject: str) -> bytes:
    """A message that is found by its text."""
    return mail(subject=subject, message_id=f"<{subject}@x>", body="findable\r\n")


async def interleave(tom: OpenAccount, own: OpenAccount, count: int) -> list[str]:
    """Messages that come in turn to the guest's Inbox and the owner's Sales; their subjects, newest first."""
    for number in range(count):
        at_home = number % 3 == 0
        await deliver_mail(own if at_home else tom, words(f"m{number}"), "Inbox" if at_home else "Sales")
    return [f"m{number}" for number in reversed(range(count))]


@pytest.mark.parametrize("threading", ["off", "on"])
async def test_a_search_over_all_mailboxes_finds_what_is_shared(
    rig: Rig, tom: OpenAccount, own: OpenAccount, searching: Searching, threading: str
) -> None:
    """WEBMAIL-38, WEBMAIL-40, WEBMAIL-41, WEBMAIL-62: in one order, newest and oldest first, with the ids of the owner;
    what may not be read is not found, nor what the owner threw away.
    """
    await tom.write(lambda tx: set_special_use(tx, create_mailbox(tx, "Bin")[-1].id, SpecialUse.TRASH))
    await deliver_mail(tom, words("thrown away"), "Bin")
    await deliver_mail(tom, words("aren't shared"))
    await deliver_mail(tom, words("listed alone"), "Sales/Old")
    wanted = await interleave(tom, own, 7)
    await share(rig, "lr")
    await share(rig, "lr", "Bin")
    await share(rig, "l", "Sales/Old")
    query = {**WORDS, "threading": threading}
    found = await searching.ask(query)
    assert [thread[0]["subject"] for thread in found] == wanted
    assert searching.total == 7
    last = searching.progress
    assert (last["total"], last["done"], last["stopped"], last["left_out"]) == (7, True, False, [])
    at_home = {thread[0]["subject"] for thread in found if thread[0]["id"] < 1 << 32}
    assert at_home == {"m0", "m3", "m6"}
    for [item] in found:
        parsed = await searching.browser.call("parsed_message", message_id=item["id"])
        assert any("findable" in text["text"] for text in parsed["texts"])
    assert await searching.subjects({**query, "order_asc": True}) == wanted[::-1]
    everywhere = {**query, "filter": {**WORDS["filter"], "mailbox_id": -2}}
    assert await searching.subjects(everywhere) == [*wanted, "thrown away"]


async def test_pages_of_all_mailboxes_follow_each_other(
    rig: Rig, tom: OpenAccount, own: OpenAccount, searching: Searching
) -> None:
    """WEBMAIL-37, WEBMAIL-40, WEBMAIL-62: by position, behind and before messages of either account, and around one."""
    await put(tom, 40, "Sales", first=100)
    await put(own, 40, first=200)
    wanted = await interleave(tom, own, 60)
    await share(rig, "lr")
    whole = await searching.ask(EVERYWHERE)
    ids = [thread[0]["id"] for thread in whole]
    places = [(thread[0]["received"], thread[0]["id"]) for thread in whole]
    assert places == sorted(places, reverse=True)
    assert (len(ids), len({*ids}), searching.total) == (143, 143, 143)
    assert [thread[0]["subject"] for thread in whole[:60]] == wanted

    async def page(**wanted: Any) -> list[int]:
        return [thread[0]["id"] for thread in await searching.ask(**wanted)]

    assert await page(position=50, count=50) == ids[50:100]
    for at in (20, 21, 22):
        assert await page(anchor_message_id=ids[at], count=10) == ids[at + 1 : at + 11]
        assert await page(anchor_message_id=ids[at], count=10, before=True) == ids[at - 10 : at]
    around = await searching.ask(EVERYWHERE, dest_message_id=ids[70], count=20)
    assert [thread[0]["id"] for thread in around] == ids[60:80]


async def test_a_view_of_all_mailboxes_follows_those_of_others(
    rig: Rig, tom: OpenAccount, own: OpenAccount, searching: Searching
) -> None:
    """WEBMAIL-43, WEBMAIL-62: what comes, changes and goes there, and the rights themselves."""
    await interleave(tom, own, 3)
    await share(rig, "lr")
    assert await searching.subjects(WORDS) == ["m2", "m1", "m0"]
    await deliver_mail(tom, words("aren't shared"))
    added = await deliver_mail(tom, words("m3"), "Sales")
    await searching.until_shows(["m3", "m2", "m1", "m0"])
    inbox = (await box(tom)).id
    await tom.write(lambda tx: move_ids(tx, [added.message_id], inbox))
    await searching.until_shows(["m2", "m1", "m0"])
    await deliver_mail(own, words("m4"))
    await searching.until_shows(["m4", "m2", "m1", "m0"])
    flagged = next(row for row in await rows(tom, "Sales") if row.flags == Flag(0))
    await tom.write(lambda tx: store_flags_ids(tx, [flagged.id], mode="add", flags=Flag.FLAGGED))
    change = await searching.events.change("msg_flags")
    assert (change["message_id"] & 0xFFFFFFFF, change["flags"]) == (flagged.id, ["\\flagged"])
    await deliver_mail(tom, words("older"), "Sales/Old")
    await share(rig, "lr", "Sales/Old")
    await searching.until_shows(["older", "m4", "m2", "m1", "m0"])
    await share(rig, "")
    await searching.until_shows(["older", "m4", "m0"])
    await share(rig, "", "Sales/Old")
    await searching.until_shows(["m4", "m0"])
    assert searching.progress["left_out"] == []


@pytest.mark.parametrize("where", ["opening", "searching", "showing"])
async def test_an_owner_who_cannot_be_read_is_named_and_left_out(
    rig: Rig, tom: OpenAccount, own: OpenAccount, mia: Browser, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """WEBMAIL-40, WEBMAIL-62: one's own results come, whenever it is that the owner's file fails."""
    await interleave(tom, own, 4)
    await share(rig, "lr")
    step, items = MergedSearch.step, Holder.items

    async def broken_step(self: MergedSearch, source: Any) -> Any:
        if source.scope.holder.guest:
            raise StorageBroken("no page of it can be read")
        return await step(self, source)

    def broken_items(self: Holder, *given: Any) -> Any:
        if self.guest:
            raise StorageBroken("no page of it can be read")
        return items(self, *given)

    def broken_visit(*_: object) -> NoReturn:
        raise StorageBroken("no page of it can be read")

    if where == "opening":
        monkeypatch.setattr(subscriptions, "visited", broken_visit)
    elif where == "searching":
        monkeypatch.setattr(MergedSearch, "step", broken_step)
    else:
        monkeypatch.setattr(Holder, "items", broken_items)
    events = await mia.events(first_request())
    searching = Searching(mia, events, await events.until("start"))
    await searching.subjects(WORDS)
    await searching.until_shows(["m3", "m0"])
    assert searching.progress["left_out"] == ["tom"]
    assert searching.total == 2


async def test_first_results_come_while_the_accounts_are_looked_into_and_can_be_stopped(
    rig: Rig, tom: OpenAccount, own: OpenAccount, searching: Searching, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-40, WEBMAIL-62, WEBMAIL-73: the account that is the furthest behind is looked into next, what all have
    passed is shown in its final order, and what was found stays when the search is ended.
    """
    wanted = await interleave(tom, own, 24)
    await put(own, 30, first=100)  # newer ones in which nothing is found
    await share(rig, "lr")

    async def unindexed(*_: object) -> None:
        """As long as the text index has nothing, all messages are looked through."""

    monkeypatch.setattr(queries, "candidates", unindexed)
    monkeypatch.setattr(finding, "SLICE", 2)
    step, going, asked = MergedSearch.step, trio.Event(), trio.Event()
    steps: list[str] = []

    async def held(self: MergedSearch, source: Any) -> Any:
        found = await step(self, source)
        steps.append(source.scope.holder.guest)
        if found and len(steps) > 20:
            asked.set()
            await going.wait()
        return found

    monkeypatch.setattr(MergedSearch, "step", held)
    first = await searching.subjects(WORDS, count=2)
    assert first == wanted[:2]
    assert steps.count("") > 10, "what is newer was looked through before anything was shown"
    with trio.fail_after(60):
        await asked.wait()
    stop = {"id": 0, "stream_id": searching.start["stream_id"], "view_id": searching.view_id, "cancel": True}
    await searching.browser.call("request", request=stop)
    going.set()
    progress = await searching.events.until("view_progress")
    while not progress["done"]:
        progress = await searching.events.until("view_progress")
    assert progress["stopped"]
    assert 2 <= progress["total"] < 24
    assert 0 < progress["looked"] < progress["of"]
    assert await searching.subjects() == wanted[: progress["total"]]


async def test_messages_of_several_accounts_are_changed_together_or_not_at_all(
    rig: Rig, tom: OpenAccount, own: OpenAccount, searching: Searching
) -> None:
    """WEBMAIL-26, WEBMAIL-62: a right that lacks at one account is found before anything is changed at another."""
    await interleave(tom, own, 3)
    await share(rig, "lr")
    ids = [thread[0]["id"] for thread in await searching.ask(WORDS)]
    browser = searching.browser
    archive = next(one["id"] for one in searching.start["mailboxes"] if one["roles"] == ["archive"])
    attempts: list[Callable[[], Awaitable[tuple[int, str]]]] = [
        lambda: browser.error("flags_add", message_ids=ids, flags=["\\flagged"]),
        lambda: browser.error("message_delete", message_ids=ids[::-1]),
        lambda: browser.error("message_move", message_ids=ids[::-1], mailbox_id=archive),
        lambda: browser.error("thread_mute", message_ids=ids[::-1], mute=True),
    ]
    before = (await rows(own), await rows(tom, "Sales"))
    for attempt in attempts:
        assert await attempt() == (403, "user:notAllowed")
    assert (await rows(own), await rows(tom, "Sales")) == before
    await share(rig, "lrswte")
    await browser.call("flags_add", message_ids=ids, flags=["\\flagged"])
    assert [row.flags for row in await rows(own)] == [Flag.FLAGGED]
    await browser.call("message_move", message_ids=ids, mailbox_id=archive)
    assert len(await rows(own, "Archive")) == 3
    assert len(await rows(tom, "Sales")) == 3, "those that were there before"


async def test_an_action_on_a_whole_query_leaves_the_mailboxes_of_others_alone(
    rig: Rig, tom: OpenAccount, own: OpenAccount, searching: Searching
) -> None:
    """WEBMAIL-62, WEBMAIL-137: whatever the rights there are."""
    await interleave(tom, own, 5)
    await share(rig, "lrswitekxa")
    assert len(await searching.ask(WORDS)) == 5
    before = await rows(tom, "Sales")
    action = {"query": WORDS, "modseq": 1 << 40, "action": "delete"}
    done = await searching.browser.call("query_action", action=action)
    assert (len(done["message_ids"]), done["after"]) == (2, None)
    assert done["mailbox_ids"] == [(await box(own)).id] * 2
    assert (await rows(own), await rows(tom, "Sales")) == ([], before)


async def test_random_changes_at_both_accounts_end_in_what_is_there(
    rig: Rig, tom: OpenAccount, own: OpenAccount, searching: Searching
) -> None:
    """WEBMAIL-43, WEBMAIL-62: mail comes, moves and goes at both, mailboxes are shared and no more; the view says when
    it is another, and in the end it shows what may be read, in its order.
    """
    chance = random.Random(62)
    shared = {"Sales": False, "Sales/Old": False}
    await searching.ask(EVERYWHERE)

    async def change(number: int) -> None:
        account, names = chance.choice([(own, ["Inbox", "Archive"]), (tom, ["Inbox", "Sales", "Sales/Old"])])
        name = chance.choice(names)
        here = await rows(account, name)
        kind = chance.choice(["come", "come", "go", "move", "share"])
        if kind == "share":
            name = chance.choice([*shared])
            shared[name] = not shared[name]
            await share(rig, "lr" if shared[name] else "", name)
        elif kind == "come" or not here:
            await deliver_mail(account, words(f"r{number}"), name)
        elif kind == "go":
            await account.write(lambda tx: expunge_ids(tx, [chance.choice(here).id]))
        else:
            there = (await box(account, chance.choice(names))).id
            one = chance.choice(here)
            if there != one.mailbox_id:
                await account.write(lambda tx: move_ids(tx, [one.id], there))

    async def wanted() -> list[int]:
        names = [(own, name) for name in [one.name for one in await look(own, mailboxes)]]
        names += [(tom, name) for name, given in shared.items() if given]
        found = [(row.received, account is tom, row.id) for account, name in names for row in await rows(account, name)]
        return [row[2] for row in sorted(found, reverse=True)]

    for number in range(60):
        await change(number)
        if number % 6 == 5:
            expected = await wanted()
            with trio.fail_after(60):
                while [thread[0]["id"] & 0xFFFFFFFF for thread in await searching.ask()] != expected:
                    await searching.events.until("view_stale")
