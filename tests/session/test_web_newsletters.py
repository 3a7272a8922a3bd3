"""The view of mailing lists and newsletters, and leaving one by a message (WEBMAIL-136, WEBMAIL-136a)."""

from typing import Any

import pytest

from moxlite.store.people import gathering
from tests.browsing import typed_fields
from tests.session.test_web_unsubscribe import listed, put
from tests.web_rig import Browser, Rig

pytestmark = pytest.mark.served

MAILTO = listed("mailto:leave@shop.example?subject=leave")


async def test_senders_are_listed_with_what_they_sent_and_ways_out(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-136a: by number or octets, at once after they came; what was left and goes on says so; ordinary mail is
    not there.
    """
    async with rig.account() as account:
        ids = [await put(account, MAILTO + "List-Id: <news.shop.example>\r\n", days=-1) for _ in range(3)]
        big = await put(account, f"List-Id: <big.example>\r\nX-Long: {'x' * 900}\r\n", days=-2)
        await put(account, "")
    found = await browser.call("newsletters", order="messages")
    assert found["total"] == 2
    shop, other = found["senders"]
    assert (shop["name"], shop["address"], shop["messages"], shop["newest"]) == (
        "Shop",
        "news@shop.example",
        3,
        ids[-1],
    )
    assert (shop["read"], shop["unsubscribe"]["mailto"][:12]) == (None, "mailto:leave")
    assert (other["newest"], other["unsubscribe"]) == (big, None)
    assert (await browser.call("newsletters", order="size"))["senders"][0]["newest"] == big
    await browser.call("flags_add", message_ids=[ids[0]], flags=["\\seen"])
    assert (await browser.call("newsletters", order="messages"))["senders"][0]["read"] is not None
    assert (await browser.call("newsletters", order="messages", position=2))["senders"] == []
    await browser.call("unsubscribe", message_id=ids[0], by_post=False)
    async with rig.account() as account:
        await put(account, MAILTO + "List-Id: <news.shop.example>\r\n", days=11)
    assert (await browser.call("newsletters", order="messages"))["senders"][0]["unsubscribe"]["still_sends"] is True


async def test_a_list_of_many_authors_has_its_own_name(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-136a: by List-Id, else by the id, with the address to which its members write."""
    fields = {
        "=?utf-8?q?Bo=C3=B6te?= <boats.lists.example>": "<mailto:boats@lists.example?subject=x> (members)",
        "<trio-dev.python.example>": "<MAILTO:trio-dev@python.example>",
        "<no.shop.example>": "NO",
        '"Odd" <odd.shop.example>': "<mailto:not an address>",
    }
    async with rig.account() as account:
        for number, (listed_id, post) in enumerate(fields.items()):
            await put(account, f"List-Id: {listed_id}\r\nList-Post: {post}\r\n", days=-number)
    found = (await browser.call("newsletters", order="messages"))["senders"]
    assert sorted((one["name"], one["address"]) for one in found) == [
        ("Boöte", "boats@lists.example"),
        ("Shop", "news@shop.example"),
        ("Shop", "news@shop.example"),
        ("trio-dev", "trio-dev@python.example"),
    ]


async def test_all_of_a_sender_is_archived_in_pieces(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-136a: each call says where it ended; what it moved can be moved back."""
    monkeypatch.setattr(gathering, "UNIT", 2)
    async with rig.account() as account:
        ids = [await put(account, MAILTO, days=one) for one in range(3)]
    [shop] = (await browser.call("newsletters", order="messages"))["senders"]
    first = await browser.call("newsletter_archive", sender_id=shop["id"])
    assert (first["ids"], first["unread"]) == (ids[:2], ids[:2])
    last = await browser.call("newsletter_archive", sender_id=shop["id"], after=first["after"])
    assert (last["ids"], last["after"]) == (ids[2:], None)
    again = await browser.call("newsletter_archive", sender_id=shop["id"])
    assert again["ids"] == []
    await browser.call("message_move", message_ids=first["ids"], mailbox_id=first["mailbox_ids"][0])
    assert (await browser.call("message_item", message_id=ids[0]))["mailbox_id"] == first["mailbox_ids"][0]
    assert await browser.call("newsletter_archive", sender_id=999) == {
        "ids": [],
        "mailbox_ids": [],
        "unread": [],
        "after": None,
    }


async def test_a_message_to_leave_counts_when_it_is_sent(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-136, WEBMAIL-123: not before; one that is taken back does not count."""
    async with rig.account() as account:
        message_id = await put(account, MAILTO)

    async def left() -> bool:
        return (await browser.call("parsed_message", message_id=message_id))["unsubscribe"]["at"] is not None

    begun = await browser.call("compose_prepare", kind="new")
    written: dict[str, Any] = {
        **typed_fields(begun),
        "to": [{"name": "", "address": "leave@shop.example"}],
        "subject": "leave",
        "reply_to": [],
        "uploads": [],
    }
    assert not await left()
    sent = {"message": written, "submit_id": "0" * 32, "undo_s": 10, "leaves": message_id}
    await browser.call("message_submit", **sent)
    assert await left()
    await browser.call("message_submit_undo", submit_id="0" * 32, leaves=message_id)
    assert not await left()
    await browser.call("message_submit", **{**sent, "submit_id": "1" * 32, "leaves": 999_999})
    assert not await left()
