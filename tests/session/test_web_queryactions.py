"""Actions on all messages of a query, or on ranges of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from moxlite.store.rows.views import FIRST_NEWEST, page
from moxlite.store.types import Flag, MessageRow
from moxlite.web.webmail import queryactions
from tests.store_mail import box, look, put, rows
from tests.web_rig import Browser, Rig


def mark(row: MessageRow) -> dict[str, Any]:
    """Where a message stands, as a browser says it."""
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=row.received)
    return {"received": when.isoformat(), "id": row.id}


async def whole(browser: Browser, action: dict[str, Any]) -> tuple[list[int], int]:
    """All calls of an action: the messages that it changed, and how many calls it took."""
    ids: list[int] = []
    after, calls = None, 0
    while calls == 0 or after is not None:
        done = await browser.call("query_action", action={**action, "after": after})
        ids += done["message_ids"]
        after, calls = done["after"], calls + 1
    return ids, calls


async def state(rig: Rig) -> tuple[int, int]:
    """The Inbox's id, and the modseq reached."""
    async with rig.account() as account:
        modseq = await look(account, lambda r: int(r.value("SELECT modseq FROM state")))
        return (await box(account)).id, modseq


async def test_all_of_a_query_but_some_are_moved(rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-69, WEBMAIL-137: in several calls, each a unit of its own; what came later stays."""
    monkeypatch.setattr(queryactions, "UNIT", 10)
    async with rig.account() as account:
        ids = [one.message_id for one in await put(account, 35)]
        archive = (await box(account, "Archive")).id
    inbox, modseq = await state(rig)
    async with rig.account() as account:
        later = (await put(account, first=100))[0].message_id
    action = {"query": {"filter": {"mailbox_id": inbox}}, "modseq": modseq, "except_ids": ids[3:6]}
    moved, calls = await whole(browser, {**action, "action": "move", "mailbox_id": archive, "mark_seen": True})
    assert calls == 4
    assert sorted(moved) == sorted(set(ids) - set(ids[3:6]))
    async with rig.account() as account:
        assert {row.id for row in await rows(account)} == {*ids[3:6], later}
        assert all(row.flags & Flag.SEEN for row in await rows(account, "Archive"))


@pytest.mark.parametrize("order_asc", [False, True])
async def test_ranges_of_a_query_are_flagged(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch, order_asc: bool
) -> None:
    """WEBMAIL-137: both ends belong to a range; only what changes is told."""
    monkeypatch.setattr(queryactions, "UNIT", 4)
    async with rig.account() as account:
        await put(account, 30)
    inbox, modseq = await state(rig)
    async with rig.account() as account:
        order = await look(account, lambda r: page(r, inbox, FIRST_NEWEST, 100))
    if order_asc:
        order.reverse()
    await browser.call("flags_add", message_ids=[order[6].id], flags=["\\flagged", "urgent"])
    ranges = [{"first": mark(order[2]), "last": mark(order[9])}, {"first": mark(order[20]), "last": mark(order[20])}]
    query = {"filter": {"mailbox_id": inbox}, "order_asc": order_asc}
    action = {"query": query, "modseq": modseq, "ranges": ranges, "flags": ["\\flagged", "urgent"]}
    changed, _ = await whole(browser, {**action, "action": "flags_add"})
    wanted = [*(row.id for row in order[2:10]), order[20].id]
    assert changed == [message_id for message_id in wanted if message_id != order[6].id]
    cleared, _ = await whole(browser, {**action, "action": "flags_clear"})
    assert cleared == wanted


@pytest.mark.parametrize("words", [[], ["hello"]])
async def test_a_thousand_ranges_cost_little_more_than_their_messages(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """WEBMAIL-137: ranges may overlap, and come in any order; each message counts once."""
    read = 0

    def counted(*args: Any, **more: Any) -> list[MessageRow]:
        nonlocal read
        found = page(*args, **more)
        read += len(found)
        return found

    monkeypatch.setattr(queryactions, "page", counted)
    async with rig.account() as account:
        await put(account, 300)
    inbox, modseq = await state(rig)
    async with rig.account() as account:
        order = await look(account, lambda r: page(r, inbox, FIRST_NEWEST, 300))
    single = [{"first": mark(row), "last": mark(row)} for row in reversed(order[:100])]
    wide = [{"first": mark(order[0]), "last": mark(order[20])}] * 800
    action = {"query": {"filter": {"mailbox_id": inbox, "words": words}}, "modseq": modseq, "flags": ["\\flagged"]}
    changed, _ = await whole(browser, {**action, "action": "flags_add", "ranges": [*single, *wide]})
    assert changed == [row.id for row in order[:100]]
    assert read <= 1200


async def test_a_query_is_deleted_for_good(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-137."""
    async with rig.account() as account:
        await put(account, 5)
    inbox, modseq = await state(rig)
    query = {"filter": {"mailbox_id": inbox, "unread": True}}
    deleted, _ = await whole(browser, {"query": query, "modseq": modseq, "action": "delete"})
    assert len(deleted) == 5
    async with rig.account() as account:
        assert await rows(account) == []


async def test_a_query_action_that_cannot_be_is_refused(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-137."""
    inbox, modseq = await state(rig)
    action = {"query": {"filter": {"mailbox_id": inbox}}, "modseq": modseq}
    sized = {"filter": {"mailbox_id": inbox}, "order": "size"}
    ends = {"received": "2026-01-01T00:00:00Z", "id": 1}
    for more, error in (
        ({"action": "move", "mailbox_id": inbox}, (409, "user:conflict")),
        ({"action": "move", "mailbox_id": 4711}, (404, "user:notFound")),
        ({"action": "flags_add"}, (400, "user:error")),
        ({"action": "delete", "query": sized, "ranges": [{"first": ends, "last": ends}]}, (400, "user:error")),
    ):
        assert await browser.error("query_action", action={**action, **more}) == error


async def test_an_undone_move_leaves_what_went_elsewhere(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-124: another client moved one meanwhile, and expunged another."""
    async with rig.account() as account:
        first, second, third = (one.message_id for one in await put(account, 3))
        inbox, archive, trash = [(await box(account, name)).id for name in ("Inbox", "Archive", "Trash")]
    await browser.call("message_move", message_ids=[first, second, third], mailbox_id=archive)
    await browser.call("message_move", message_ids=[second], mailbox_id=trash)
    await browser.call("message_delete", message_ids=[third])
    ids = [first, second, third]
    await browser.call("message_move", message_ids=ids, mailbox_id=inbox, from_mailbox_id=archive)
    async with rig.account() as account:
        assert [row.id for row in await rows(account)] == [first]
        assert [row.id for row in await rows(account, "Trash")] == [second]
