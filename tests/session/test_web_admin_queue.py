"""The admin app's calls about the queue, each once right and once wrong."""

import time
from typing import Any

import pytest

from moxlite.proto.address import Address
from moxlite.queue.queue import Queue
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.submission import Submission, SubmissionRecipient
from tests.web_rig import Browser, Rig

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/admin/")]

HOSTILE = "\u202egnp.exe<script>alert(1)</script>\x1b[2J"


async def queue_of(rig: Rig) -> Queue:
    """The queue behind the commands."""
    parts = [getattr(one, "__self__", None) for one in rig.house.measures]
    return next(one for one in parts if isinstance(one, Queue))


async def put(rig: Rig, *recipients: str, hold: bool = True, subject: str = "letter") -> list[int]:
    """Queue a message that stays on hold."""
    with Spool(rig.house.files.spools.directory) as spool:
        await spool.write(b"Subject: letter\r\nX-Odd: yes\r\n\r\nbody\r\n")
        submission = Submission(
            account="mia",
            mail_from=Address.parse("mia@example.org"),
            recipients=tuple(SubmissionRecipient(Address.parse(one)) for one in recipients),
            received=time.time_ns() // 1000,
            subject=subject,
            hold=hold,
        )
        return await (await queue_of(rig)).submit(submission, spool)


async def listed(browser: Browser, filter_: dict[str, Any] | None = None, **page: Any) -> list[str]:
    found = await browser.call("queue_list", filter=filter_ or {}, page=page)
    return [one["recipient"] for one in found]


async def test_messages_are_filtered_sorted_and_paged(rig: Rig, browser: Browser) -> None:
    """WEB-84."""
    await put(rig, *(f"user{number}@far.example" for number in range(5)))
    await put(rig, "other@near.example", subject=HOSTILE)
    assert len(await listed(browser)) == 6
    assert await listed(browser, {"recipient": "@near.example"}) == ["other@near.example"]
    assert await listed(browser, {"sender": "tom"}) == []
    assert await listed(browser, {"hold": False}) == []
    assert await listed(browser, {"account": "mia", "submitted": "<1h"}, sort="queued", n=2) == [
        "user0@far.example",
        "user1@far.example",
    ]
    first = await browser.call("queue_list", filter={}, page={"sort": "queued", "n": 2})
    last = {"last_id": first[-1]["id"], "last": first[-1]["queued"]}
    assert (await listed(browser, sort="queued", n=2, **last))[0] == "user2@far.example"
    assert (await listed(browser, sort="queued", ascending=False, n=1)) == ["other@near.example"]
    found = await browser.call("queue_list", filter={"recipient": "other"}, page={})
    assert found[0]["subject"] == HOSTILE  # as it is: the page shows it as text
    assert await browser.error("queue_list", filter={"submitted": "yesterday"}, page={}) == (400, "user:error")
    assert await browser.error("queue_list", filter={"nonsense": 1}, page={}) == (400, "user:error")
    assert await browser.error("queue_list", filter={}, page={"n": 100_000}) == (400, "user:error")


async def test_a_filter_is_counted_before_anything_is_done(rig: Rig, browser: Browser) -> None:
    """WEB-84: and what has come since then is not touched."""
    await put(rig, "one@far.example", "two@far.example")
    chosen = {"recipient": "@far.example"}
    assert (await browser.call("queue_count", filter=chosen))["messages"] == 2
    assert await browser.error("queue_count", filter={"next_attempt": "x"}) == (400, "user:error")
    await put(rig, "three@far.example")
    answer = await browser.post("queue_drop", {"filter": chosen, "expected": 2})
    assert (answer.status, "There are now 3 messages" in answer.json["error"]["message"]) == (400, True)
    assert (await browser.call("queue_drop", filter=chosen, expected=3))["messages"] == 3
    assert await listed(browser) == []


async def test_messages_are_held_released_put_off_and_returned(rig: Rig, browser: Browser) -> None:
    """WEB-84, QUEUE-22: each operation, for a selection. To try now is `retry` alone."""
    (number,) = await put(rig, "one@far.example")
    chosen = {"ids": [number]}

    async def changed(verb: str, **more: Any) -> int:
        return (await browser.call(f"queue_{verb}", filter=chosen, expected=1, **more))["messages"]  # type: ignore[no-any-return]

    assert await changed("schedule", seconds=36_000, from_now=True) == 1
    now = {"seconds": 0, "from_now": True}
    assert await browser.error("queue_schedule", filter=chosen, expected=1, **now) == (400, "user:error")
    assert await changed("unhold") == 1
    assert await listed(browser, {"hold": False, "next_attempt": ">9h"}) == ["one@far.example"]
    assert await changed("hold") == 1
    assert await changed("requiretls", require_tls="yes") == 1
    assert await browser.error("queue_requiretls", filter=chosen, expected=1, require_tls="maybe") == (
        400,
        "user:error",
    )
    assert await changed("transport", transport="") == 1
    assert await browser.error("queue_transport", filter=chosen, expected=1, transport="no") == (400, "user:error")
    assert "X-Odd: yes" in await browser.call("queue_header", id=number)
    assert await browser.call("queue_attempts", id=number) == []
    for name in ("queue_header", "queue_attempts"):
        assert await browser.error(name, id=10**9) == (400, "user:error")
    assert await browser.error("queue_hold") == (400, "user:error")  # every message, and nobody said so
    assert await browser.error("queue_schedule", filter=chosen, expected=1, seconds=1e9, from_now=True) == (
        400,
        "user:error",
    )
    assert await changed("fail") == 1


async def test_hold_rules(rig: Rig, browser: Browser) -> None:
    """WEB-84: a rule holds what waits and what comes."""
    await put(rig, "one@far.example")
    await browser.call("queue_holdrules_add", account="mia", sender="", recipient="far.example")
    rules = await browser.call("queue_holdrules_list")
    assert [(one["account"], one["recipient"]) for one in rules] == [("mia", "far.example")]
    assert await browser.error("queue_holdrules_add", account="", sender="a b@c", recipient="") == (400, "user:fields")
    await browser.call("queue_holdrules_remove", id=rules[0]["id"])
    assert await browser.error("queue_holdrules_remove", id=rules[0]["id"]) == (404, "user:notFound")


async def test_lists_of_finished_messages_webhooks_and_suppressions(browser: Browser) -> None:
    """WEB-85."""
    assert await browser.call("queue_retired_list", filter={"success": False}, page={}) == []
    assert await browser.error("queue_retired_list", filter={"last_activity": "x"}, page={}) == (400, "user:error")
    assert await browser.call("queue_webhook_list", filter={}, page={}) == []
    assert await browser.error("queue_webhook_list", filter={}, page={"n": 0}) == (400, "user:error")
    assert await browser.call("queue_webhook_retired_list", filter={}, page={}) == []
    assert await browser.error("queue_webhook_retired_list", filter={"event": 1}, page={}) == (400, "user:error")
    await browser.call("queue_webhook_schedule", filter={"ids": [1]}, seconds=0, from_now=True)  # nothing is left to do
    assert await browser.error("queue_webhook_schedule", filter={"ids": ["x"]}, seconds=0) == (400, "user:error")
    await browser.call("queue_webhook_cancel", filter={"ids": [1]})
    assert await browser.error("queue_webhook_cancel") == (400, "user:error")
    await browser.call("queue_suppress_add", account="mia", address="gone@far.example", reason="moved")
    found = await browser.call("queue_suppress_list")
    assert [(one["address"], one["manual"], one["reason"]) for one in found] == [("gone@far.example", True, "moved")]
    assert await browser.error("queue_suppress_add", account="nobody", address="a@far.example") == (400, "user:fields")
    await browser.call("queue_suppress_remove", account="mia", address="gone@far.example")
    assert await browser.error("queue_suppress_remove", account="mia", address="gone@far.example") == (
        400,
        "user:error",
    )
    assert await browser.call("queue_suppress_list", account="mia") == []


async def test_suppressions_are_paged_by_key(browser: Browser) -> None:
    """WEB-85, WEB-175: by account and address, also where one is removed between two pages."""
    for account in ("tom", "mia"):
        for number in range(3):
            await browser.call("queue_suppress_add", account=account, address=f"gone{number}@far.example")
    seen: list[tuple[str, str]] = []
    after: dict[str, str] = {}
    while page := await browser.call("queue_suppress_list", n=2, **after):
        seen += [(one["account"], one["address"]) for one in page]
        after = {"after_account": page[-1]["account"], "after_base": page[-1]["base"]}
        await browser.call("queue_suppress_remove", account=page[-1]["account"], address=page[-1]["address"])
    assert seen == [(account, f"gone{number}@far.example") for account in ("mia", "tom") for number in range(3)]
    assert len(await browser.call("queue_suppress_list", account="tom", n=200)) == 1
    assert await browser.error("queue_suppress_list", n=10_001) == (400, "user:error")
