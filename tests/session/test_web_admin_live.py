"""The owner's live view: the stream of what happens, its limits, and the explanation behind a line."""

import json
from typing import Any

import pytest
import trio
import trio.testing

from moxlite.net.activity import MAX_KEPT, MAX_TEXT, Activity, Happening, activity
from moxlite.net.log import bind_cid
from moxlite.web import metrics
from moxlite.web.admin.calls import live
from tests.store_mail import deliver_mail, mail
from tests.tools import eventually
from tests.web_rig import ADMIN_DOMAINS, ADMIN_STATIC, Browser, Events, Rig, owner

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/admin/", static=ADMIN_STATIC, domains=ADMIN_DOMAINS)]


def failed(number: int = 0) -> Happening:
    return Happening(kind="login", outcome="refused", who=f"user{number}@example.org", to="imap", remote="192.0.2.7")


async def opened(browser: Browser, after: str = "0", csrf: str | None = None) -> Events:
    """The stream after a number."""
    fields = {"x-moxlite-csrf": browser.csrf if csrf is None else csrf}
    codec, octets = browser.request("GET", f"/admin/live?after={after}", fields)
    stream = browser.rig.connect(**browser.connection)
    await stream.send_all(octets)
    return Events(codec, stream)


async def told(events: Events) -> dict[str, Any]:
    """The next event."""
    while (block := await events.block()).startswith(":"):
        pass
    assert block.startswith("event: happenings\ndata: "), block
    found: dict[str, Any] = json.loads(block.partition("data: ")[2])
    return found


async def test_what_happens_is_told_as_it_happens(rig: Rig, browser: Browser) -> None:
    """WEB-88b: a log-in that fails is on the page at once, with its connection and without its password."""
    events = await opened(browser)
    first = await told(events)
    assert first["last"] == activity.last
    other = rig.browser(app="/admin/")
    token = await other.call("login_prep")
    answer = await other.post("login", {"login_token": token, "username": "", "password": "a wrong password"})
    assert answer.status == 401
    found = await told(events)
    assert (found["missed"], len(found["found"])) == (0, 1)
    [line] = found["found"]
    assert (line["kind"], line["outcome"], line["to"], line["account"]) == ("login", "refused", "webadmin", "(admin)")
    assert line["id"] == first["last"] + 1
    assert line["cid"]
    assert "a wrong password" not in json.dumps(found)
    assert metrics.admin_streams.value == 1
    await events.aclose()
    activity.note(failed())
    await eventually(lambda: metrics.admin_streams.value == 0)


async def test_a_page_resumes_where_it_was(browser: Browser) -> None:
    """WEB-88b: by the number of the last line; one that the server does not know, after a start, gets all."""
    before = activity.last
    for number in range(3):
        activity.note(failed(number))
    events = await opened(browser, str(before + 1))
    found = await told(events)
    assert [one["who"] for one in found["found"]] == ["user1@example.org", "user2@example.org"]
    await events.aclose()
    events = await opened(browser, str(activity.last + 1_000))
    found = await told(events)
    assert found["last"] == activity.last
    assert found["missed"] == 0
    assert found["found"][-1]["who"] == "user2@example.org"
    await events.aclose()


async def test_a_flood_is_told_in_parts_and_counted(browser: Browser) -> None:
    """WEB-88b: no more than a hundred lines in a write; what is left out is counted, and nothing is queued."""
    events = await opened(browser)
    first = await told(events)
    for number in range(2 * MAX_KEPT):
        activity.note(failed(number))
    found = await told(events)
    assert len(found["found"]) <= live.MAX_TOLD
    assert first["last"] + found["missed"] + len(found["found"]) == found["last"] == activity.last
    await events.aclose()


async def test_only_the_owners_script_opens_the_stream(rig: Rig, browser: Browser) -> None:
    """WEB-88b: not the cookie alone, nor another method, nor a wrong number; and no more than ten at a time."""
    for fields in ({}, {"x-moxlite-csrf": "wrong"}):
        assert (await browser.fetch("/admin/live", headers=fields)).status == 403
    right = {"x-moxlite-csrf": browser.csrf}
    assert (await browser.fetch("/admin/live?after=-1", headers=right)).status == 400
    assert (await browser.fetch(f"/admin/live?after={'9' * 16}", headers=right)).status == 400
    assert (await browser.fetch("/admin/live", method="POST", headers=right)).status == 405
    assert (await browser.fetch("/admin/live", headers=right | {"sec-fetch-site": "cross-site"})).status == 403
    streams = [await opened(browser) for _ in range(live.MAX_STREAMS)]
    for one in streams:
        await told(one)
    refused = await browser.fetch("/admin/live", headers=right)
    assert (refused.status, refused.headers["retry-after"]) == (503, "60")
    for one in streams:
        await one.aclose()


async def test_a_session_that_ends_ends_its_streams(rig: Rig, browser: Browser) -> None:
    """WEB-88b: at the next line, or after half a minute of silence."""
    other = await owner(rig)
    events = await opened(other)
    await told(events)
    await other.call("logout")
    activity.note(failed())
    assert await events.block() == ""
    await events.aclose()


async def test_the_reasons_of_a_message_are_explained(rig: Rig, browser: Browser) -> None:
    """WEB-88b, ADMIN-77: by Message-ID; a message without reasons, an unknown one, an unknown account."""
    async with rig.account() as account:
        await deliver_mail(account, mail(1))
    found = await browser.call("message_why", account="mia", message="1")
    assert [(one["message"], one["why"]) for one in found] == [(1, None)]
    assert await browser.error("message_why", account="mia", message="<none@example.org>") == (404, "user:notFound")
    assert await browser.error("message_why", account="nobody", message="1") == (404, "user:notFound")


async def test_only_the_newest_are_kept() -> None:
    """WEB-88b: a few hundred, with texts that are cut, each with the connection of its task."""
    kept = Activity(clock=lambda: 5.0)
    with bind_cid(0x1F):
        for _ in range(MAX_KEPT + 7):
            kept.note(Happening(kind="send", outcome="failed", text="x" * 10_000))
    news = kept.after(1)
    assert (len(news.found), news.missed) == (MAX_KEPT, 6)
    assert kept.after(0).missed == 0
    assert kept.after(kept.last) == ([], 0)
    line = news.found[-1]
    assert (line.cid, line.at, len(line.text), line.id) == ("1f", 5_000_000, MAX_TEXT, kept.last)
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(kept.wait, kept.last)
            await trio.testing.wait_all_tasks_blocked()
            kept.note(failed())
