"""Event streams: views, changes, resuming, and readers that do not read."""

import itertools
import json
import zlib
from collections.abc import Sequence

import pytest
import trio
import trio.testing

from moxlite.store.delivery.perform import deliver
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.facts import NO_FACTS
from moxlite.store.types import Flag, MessageRow
from moxlite.web.webmail.items import make_items
from moxlite.web.webmail.live import changes, openstreams, streams
from moxlite.web.webmail.types import MessageItem
from tests.store_mail import box, deliver_mail, mail, prepared, put
from tests.tools import eventually
from tests.web_rig import Browser, Events, Rig, first_request

pytestmark = pytest.mark.served


async def opened(browser: Browser, **options: object) -> tuple[Events, dict[str, object]]:
    """A stream whose first view has been read, and its `start`."""
    events = await browser.events(**options)  # type: ignore[arg-type]
    start = await events.until("start")
    while (await events.until("view_msgs"))["items"]:
        pass
    return events, start


async def test_a_stream_begins_with_all_mailboxes_and_the_first_page(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-31, WEBMAIL-34, WEBMAIL-35, WEBMAIL-40."""
    async with rig.account() as account:
        await put(account, 3)
        await put(account, 1, flags=Flag.SEEN, first=4)
    events = await browser.events()
    start = await events.next()
    assert start["kind"] == "start"
    assert start["login_address"] == "mia@example.org"
    assert start["addresses"] == ["mia@example.org", "büro@example.org"]
    assert start["mailbox_name"] == "Inbox"
    assert start["id"] == start["modseq"]
    inbox = start["mailboxes"][0]
    assert (inbox["name"], inbox["total"], inbox["unread"]) == ("Inbox", 4, 3)
    page = await events.next()
    assert page["kind"] == "view_msgs"
    assert [thread[0]["uid"] for thread in page["items"]] == [4, 3, 2, 1]
    assert page["parsed_message"]["id"] == page["items"][0][0]["id"]
    end = await events.next()
    assert (end["items"], end["view_end"]) == ([], True)
    await events.aclose()


async def test_a_view_goes_on_behind_its_anchor(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-36, WEBMAIL-37, WEBMAIL-146."""
    async with rig.account() as account:
        await put(account, 120)
    events = await browser.events(first_request(count=50))
    start = await events.until("start")
    uids = [thread[0]["uid"] for thread in (await events.until("view_msgs"))["items"]]
    assert uids == list(range(120, 70, -1))
    assert (await events.until("view_msgs"))["view_end"] is False
    anchor = 120 - 49
    ask = {"id": 2, "stream_id": start["stream_id"], "view_id": 1}
    await browser.call("request", request={**ask, "page": {"count": 500, "anchor_message_id": anchor}})
    while page := (await events.until("view_msgs"))["items"]:
        uids += [thread[0]["uid"] for thread in page]
    assert uids == list(range(120, 0, -1))
    await events.aclose()


async def polled(browser: Browser, request: dict[str, object], **options: object) -> list[dict[str, object]]:
    """All events of a poll."""
    events = await browser.events(request, polled=True, **options)  # type: ignore[arg-type]
    all_events = []
    while (event := await events.next()) is not None:
        all_events.append(event)
    assert events.status == 200
    await events.aclose()
    return all_events


async def test_a_poll_ends_when_there_is_nothing_more(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-32a: the first one is as a stream begins; the next ones have what came since, and what is asked for."""
    async with rig.account() as account:
        await put(account, 120)
    first = first_request(count=50)
    start, *pages = await polled(browser, first)
    assert start["kind"] == "start"
    assert sum(len(page["items"]) for page in pages) == 50  # type: ignore[arg-type, misc]
    assert {event["kind"] for event in pages} == {"view_msgs"}
    since = f"{start['modseq']}{start['epoch']}"
    anchor = 120 - 49
    first = first_request(count=50, anchor_message_id=anchor)
    quiet = await polled(browser, first, since=since)
    assert {event["kind"] for event in quiet} <= {"resume", "view_changes", "alarms"}
    assert [event["changes"] for event in quiet if event["kind"] == "view_changes"] in ([], [[]])
    async with rig.account() as account:
        await put(account, 1, first=121)
    changed = await polled(browser, first, since=since)
    changes = [change for event in changed if event["kind"] == "view_changes" for change in event["changes"]]  # type: ignore[attr-defined]
    assert "msg_add" in [change["kind"] for change in changes]
    # more of the view, and another view
    more = {"id": 2, "view_id": 1, "page": {"count": 500, "anchor_message_id": anchor}}
    events = await polled(browser, first, since=since, asked=more)
    uids = [thread[0]["uid"] for event in events if event["kind"] == "view_msgs" for thread in event["items"]]  # type: ignore[attr-defined]
    assert uids == list(range(70, 0, -1))
    archive = {**first_request("Archive", view_id=2), "id": 3}
    events = await polled(browser, {**first, "view_id": 0}, since=since, asked=archive)
    answers = [event for event in events if event["kind"] == "view_msgs"]
    assert [(answer["view_id"], answer["items"], answer["view_end"]) for answer in answers] == [(2, [], True)]
    refused = await browser.events(first, polled=True, asked={"id": "x"})
    await refused.block()
    assert refused.status == 400
    await refused.aclose()


async def test_a_request_that_a_later_one_overtook_is_dropped(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-36: the browser sends both at once over two connections; the view of the later one stays."""
    async with rig.account() as account:
        await put(account, 3)
        archive = (await box(account, "Archive")).id
    events, start = await opened(browser)
    ask = {"stream_id": start["stream_id"], "page": {"count": 10}}
    query = {"filter": {"mailbox_id": archive}}
    for number, view, wanted in ((5, 2, query), (4, 1, first_request()["query"])):
        await browser.call("request", request={**ask, "id": number, "view_id": view, "query": wanted})
    assert (await events.until("view_msgs"))["request_id"] == 5
    await browser.call("message_move", message_ids=[1], mailbox_id=archive, mark_seen=False)
    changed = await events.until("view_changes")
    assert changed["view_id"] == 2
    assert "msg_add" in [change["kind"] for change in changed["changes"]]
    await events.aclose()


async def test_a_page_lies_around_the_message_that_is_wanted(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-37, WEBMAIL-40: the message comes opened, and what is above it is not sent."""
    async with rig.account() as account:
        wanted = (await put(account, 400))[150].message_id
    events = await browser.events(first_request(count=50, dest_message_id=wanted))
    sent: list[int] = []
    parsed = 0
    first = await events.until("view_msgs")
    event = first
    while items := event["items"]:
        sent += [thread[0]["id"] for thread in items]
        parsed = parsed or (event["parsed_message"] or {}).get("id", 0)
        event = await events.until("view_msgs")
    assert wanted in sent
    assert len(sent) == 50
    assert parsed == wanted
    assert (first["position"], first["total"]) == (400 - 1 - 150 - 25, 400)
    assert (event["position"], event["view_end"]) == (first["position"] + 50, False)
    await events.aclose()


@pytest.mark.parametrize("position", [0, 3, 60, 199, 200, 230, 399, 400, 5000])
@pytest.mark.parametrize("unread", [False, True])
async def test_a_page_is_asked_for_by_its_position(rig: Rig, browser: Browser, position: int, unread: bool) -> None:
    """WEBMAIL-37, WEBMAIL-40, WEBMAIL-146: from the nearer end; the total is told."""
    async with rig.account() as account:
        await put(account, 400)
        inbox = (await box(account)).id
    events, start = await opened(browser)
    query = {"filter": {"mailbox_id": inbox, "unread": unread}}
    ask = {"id": 2, "stream_id": start["stream_id"], "view_id": 2, "query": query}
    await browser.call("request", request={**ask, "page": {"count": 20, "position": position}})
    uids: list[int] = []
    event = await events.until("view_msgs")
    first = event["position"]
    while event["items"]:
        uids += [thread[0]["uid"] for thread in event["items"]]
        event = await events.until("view_msgs")
    start_at = min(position, 400)
    assert first == start_at
    assert uids == list(range(400 - start_at, max(0, 400 - start_at - 20), -1))
    assert (event["total"], event["view_end"]) == (400, start_at + 20 >= 400)
    await events.aclose()


async def test_a_page_is_asked_for_before_its_anchor(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-37: in the order of the view; nothing is before the first message."""
    async with rig.account() as account:
        ids = [one.message_id for one in await put(account, 60)]
    events, start = await opened(browser, request=first_request(count=5))
    ask = {"stream_id": start["stream_id"], "view_id": 1}
    page = {"count": 10, "before": True, "anchor_message_id": ids[30]}
    await browser.call("request", request={**ask, "id": 2, "page": page})
    event = await events.until("view_msgs")
    assert [thread[0]["uid"] for thread in event["items"]] == list(range(41, 31, -1))
    assert event["position"] == 19
    assert (await events.until("view_msgs"))["items"] == []
    await browser.call("request", request={**ask, "id": 3, "page": {**page, "anchor_message_id": ids[59]}})
    event = await events.until("view_msgs")
    assert (event["items"], event["position"]) == ([], 0)
    await events.aclose()


async def test_the_order_can_be_turned_and_the_read_ones_left_out(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-37, WEBMAIL-38."""
    async with rig.account() as account:
        await put(account, 2)
        await put(account, 1, flags=Flag.SEEN, first=3)
        inbox = (await box(account)).id
    events, start = await opened(browser)
    ask = {"stream_id": start["stream_id"], "page": {"count": 10}}
    query = {"filter": {"mailbox_id": inbox}, "order_asc": True}
    await browser.call("request", request={**ask, "id": 2, "view_id": 2, "query": query})
    assert [thread[0]["uid"] for thread in (await events.until("view_msgs"))["items"]] == [1, 2, 3]
    query = {"filter": {"mailbox_id": inbox, "unread": True}}
    await browser.call("request", request={**ask, "id": 3, "view_id": 3, "query": query})
    page = await events.until("view_msgs")
    while page["view_id"] != 3:
        page = await events.until("view_msgs")
    assert [thread[0]["uid"] for thread in page["items"]] == [2, 1]
    await events.aclose()


async def test_an_anchor_that_is_gone_begins_the_view_again(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-42."""
    async with rig.account() as account:
        await put(account, 3)
    events, start = await opened(browser)
    ask = {"id": 2, "stream_id": start["stream_id"], "view_id": 1}
    await browser.call("request", request={**ask, "page": {"count": 10, "anchor_message_id": 4711}})
    await events.until("view_reset")
    assert len((await events.until("view_msgs"))["items"]) == 3
    await events.aclose()


async def test_a_mailbox_that_is_gone_is_an_error_of_the_view_only(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-42; WEBMAIL-38: an unknown name is Inbox."""
    events = await browser.events(first_request("No such thing"))
    start = await events.until("start")
    assert start["mailbox_name"] == "Inbox"
    ask = {"id": 2, "stream_id": start["stream_id"], "view_id": 2, "page": {"count": 10}}
    await browser.call("request", request={**ask, "query": {"filter": {"mailbox_id": 4711}}})
    assert "no longer exists" in (await events.until("view_err"))["message"]
    async with rig.account() as account:
        await put(account)
    await events.change("mailbox_counts")
    await events.aclose()


async def test_requests_go_to_own_streams_only(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-36."""
    events, start = await opened(browser)
    other = rig.browser()
    await other.log_in()
    request = {"id": 2, "stream_id": start["stream_id"], "view_id": 1, "page": {"count": 10}}
    assert await other.error("request", request=request) == (404, "user:notFound")
    assert await browser.error("request", request={**request, "stream_id": 4711}) == (404, "user:notFound")
    await events.aclose()


@pytest.mark.parametrize(
    "request_",
    [{}, {"id": 1, "view_id": 1, "query": {"filter": {}}, "page": {"count": 0}}, {**first_request(), "x": 1}],
)
async def test_a_bad_first_request_is_refused(browser: Browser, request_: dict[str, object]) -> None:
    """WEBMAIL-31."""
    events = await browser.events(request_)
    assert await events.next() is None
    assert events.status == 400


async def test_changes_of_the_view_and_of_all_mailboxes_arrive(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-43."""
    events, _ = await opened(browser)
    async with rig.account() as account:
        message_id = (await deliver_mail(account, mail(1))).message_id
        event = await events.until("view_changes")
        told = {change["kind"]: change for change in event["changes"]}
        assert set(told) == {"msg_add", "mailbox_counts"}
        assert told["msg_add"]["item"]["id"] == message_id
        assert event["id"] == event["modseq"]
        await put(account, 1, "Archive", first=2)
        event = await events.until("view_changes")
        assert [change["kind"] for change in event["changes"]] == ["mailbox_counts"]
        await browser.call("flags_add", message_ids=[message_id], flags=["\\seen", "todo"])
        event = await events.until("view_changes")
        flags = next(change for change in event["changes"] if change["kind"] == "msg_flags")
        assert (flags["message_id"], flags["flags"], flags["keywords"]) == (message_id, ["\\seen"], ["todo"])
        assert "mailbox_keywords" in [change["kind"] for change in event["changes"]]
        archive = (await box(account, "Archive")).id
        await account.write(lambda tx: move_ids(tx, [message_id], archive))
        event = await events.until("view_changes")
        assert [change["kind"] for change in event["changes"]].count("msg_remove") == 1
        assert "msg_add" not in [change["kind"] for change in event["changes"]]
    mailbox_id = await browser.call("mailbox_create", name="New")
    assert (await events.change("mailbox_add"))["mailbox"]["name"] == "New"
    await browser.call("mailbox_rename", mailbox_id=mailbox_id, name="Newer")
    assert (await events.change("mailbox_rename"))["name"] == "Newer"
    await browser.call("mailbox_set_special_use", mailbox_id=mailbox_id, roles=["archive"])
    await events.change("mailbox_special_use")
    await browser.call("mailbox_delete", mailbox_id=mailbox_id)
    assert (await events.change("mailbox_remove"))["mailbox_id"] == mailbox_id
    await events.aclose()


async def test_old_mail_below_what_was_sent_is_not_told(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-43: it comes with its page."""
    async with rig.account() as account:
        await put(account, 60)
        events = await browser.events(first_request(count=50))
        await events.until("start")
        while (await events.until("view_msgs"))["items"]:
            pass
        await deliver(account, await prepared(mail(99)), NO_FACTS, "Inbox", received=1_000_000)
        event = await events.until("view_changes")
    assert [change["kind"] for change in event["changes"]] == ["mailbox_counts"]
    await events.aclose()


async def test_a_stream_goes_on_where_the_last_one_ended(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-44: nothing is lost, nothing is sent again."""
    async with rig.account() as account:
        ids = [added.message_id for added in await put(account, 3)]
        events, start = await opened(browser)
        await events.aclose()
        fresh = (await deliver_mail(account, mail(9))).message_id
        await browser.call("message_delete", message_ids=ids[:1])
        await browser.call("flags_add", message_ids=ids[1:2], flags=["\\seen"])
        inbox = (await box(account)).id
    request = {"id": 2, "view_id": 1, "query": {"filter": {"mailbox_id": inbox}}}
    events = await browser.events(request, since=int(str(start["modseq"])))
    resume = await events.next()
    assert (resume["kind"], resume["modseq"]) == ("resume", start["modseq"])
    told: dict[str, dict[str, object]] = {}
    event = await events.until("view_changes")
    while True:
        told |= {change["kind"]: change for change in event["changes"]}
        if not event["more"]:
            break
        event = await events.until("view_changes")
    assert told["msg_add"]["item"]["id"] == fresh  # type: ignore[index]
    assert told["msg_remove"]["message_ids"] == ids[:1]
    assert told["msg_flags"]["message_id"] == ids[1]
    assert "mailbox_counts" in told
    await events.aclose()


async def test_a_stream_from_the_future_begins_anew(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-44: as after a restore of the account."""
    events = await browser.events(since=10_000)
    assert (await events.next())["kind"] == "start"
    await events.aclose()


async def test_events_are_compressed_one_by_one(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-31."""
    events = await browser.events(gzip=True)
    reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
    text = b""
    with trio.fail_after(60):
        while text.count(b"\n\n") < 2:
            assert await events._more()
            text += reader.decompress(events.text)
            events.text = b""
        assert text.startswith(b"event: start\n")
        async with rig.account() as account:
            await put(account)
        while b"msg_add" not in text:
            assert await events._more()
            text += reader.decompress(events.text)
            events.text = b""
    await events.aclose()


async def test_a_silent_stream_says_that_it_stands(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-33."""
    monkeypatch.setattr(streams, "KEEPALIVE", 0.05)
    events, _ = await opened(browser)
    assert (await events.next())["kind"] == "keepalive"
    assert (await events.next())["kind"] == "keepalive"
    await events.aclose()


async def test_a_server_that_stops_says_so(rig: Rig, browser: Browser) -> None:
    """WEB-17, WEBMAIL-46."""
    events, _ = await opened(browser)
    rig.shutdown.set()
    assert (await events.next())["kind"] == "server_shutdown"
    assert await events.block() == ":"
    assert await events.block() == ""


async def test_many_streams_share_the_work_of_one_change(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-148: an item is built once, however many look."""
    made: list[int] = []

    def counting(r: Reader, rows: Sequence[MessageRow]) -> list[MessageItem]:
        made.append(len(rows))
        return make_items(r, rows)

    monkeypatch.setattr(changes, "make_items", counting)
    all_streams = [(await opened(browser))[0] for _ in range(20)]
    async with rig.account() as account:
        await deliver_mail(account, mail(1))
    for events in all_streams:
        await events.change("msg_add")
        await events.aclose()
    assert sum(made) == 1


async def test_a_reader_that_stops_costs_the_others_nothing_and_catches_up(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-45: nothing is made for it while it does not read; then it gets what it missed at once."""
    browser.connection = {"small": True}
    stalled, _ = await opened(browser)
    browser.connection = {}
    reading, _ = await opened(browser)
    async with rig.account() as account:
        for number in range(30):
            await deliver_mail(account, mail(number, subject="more than the kernel holds " * 200))
            assert (await reading.change("msg_add"))["item"]["uid"] == number + 1
    uids: list[int] = []
    events = 0
    while len(uids) < 30:
        event = await stalled.until("view_changes")
        events += 1
        uids += [change["item"]["uid"] for change in event["changes"] if change["kind"] == "msg_add"]
    assert uids == list(range(1, 31))
    assert events <= 5  # those that the kernel held, and the rest at once
    await stalled.aclose()
    await reading.aclose()


async def test_one_account_does_not_hear_of_another(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-113."""
    events, _ = await opened(browser)
    async with rig.account("tom") as account:
        await deliver_mail(account, mail(1))
    async with rig.account() as account:
        await deliver_mail(account, mail(2, subject="for mia"))
    assert (await events.change("msg_add"))["item"]["subject"] == "for mia"
    await events.aclose()


async def test_the_oldest_stream_ends_when_a_session_has_too_many(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-115."""
    monkeypatch.setattr(openstreams, "MAX_PER_SESSION", 2)
    first, _ = await opened(browser)
    second, _ = await opened(browser)
    third, _ = await opened(browser)
    assert "too many" in (await first.until("fatal"))["message"]
    monkeypatch.setattr(openstreams, "MAX_STREAMS", 2)
    refused = await browser.events()
    assert await refused.next() is None
    assert refused.status == 503
    for events in (second, third):
        await events.aclose()


async def test_streams_that_are_not_read_do_not_fill_the_server(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-115: each further stream ends another; those that end without being read are counted, too."""
    running: list[streams.Stream] = []
    done = trio.Event()

    async def unread(self: streams.Stream, *_: object) -> None:
        running.append(self)
        await done.wait()

    monkeypatch.setattr(streams.Stream, "run", unread)
    monkeypatch.setattr(openstreams, "MAX_PER_SESSION", 2)
    monkeypatch.setattr(openstreams, "MAX_PER_ACCOUNT", 3)
    monkeypatch.setattr(openstreams, "MAX_ENDING", 1)
    opened_streams: list[Events] = []
    for _ in range(4):
        opened_streams.append(await browser.events())
        await eventually(lambda: len(running) == len(opened_streams), what="the stream")
    assert [stream.ending for stream in running] == [True, True, False, False]
    refused = await browser.events()
    assert await refused.next() is None
    assert refused.status == 503
    done.set()


async def test_a_stream_that_is_left_is_forgotten(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-45: its cursor holds nothing back, once an event does not reach the browser."""
    events, _ = await opened(browser)
    async with rig.account() as account:
        assert len(account.bus.cursors) == 1
        await events.aclose()
        with trio.fail_after(60):
            for number in itertools.count(1):
                await deliver_mail(account, mail(number))
                with trio.move_on_after(1):
                    await eventually(lambda: not account.bus.cursors, what="the end of the stream")
                    break


async def test_a_row_of_the_list_is_small(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-146."""
    async with rig.account() as account:
        await deliver_mail(account, mail(1, body="A usual beginning of a letter. " * 20))
    events, _ = await opened(browser)
    await events.aclose()
    item = await browser.call("message_item", message_id=1)
    assert len(json.dumps(item)) < 1200
    assert len(item["preview"]) <= 200
