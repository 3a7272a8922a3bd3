"""What a /set of JMAP changes, and what it answers: each object for itself (RFC 8620 §5.3)."""

import threading
from typing import Any

import pytest
import trio
import trio.testing

from moxlite.sandbox.turns import Turns
from moxlite.store.rows.mailboxes import subscriptions
from moxlite.web.jmap import emailset, mailboxes
from moxlite.web.jmap.methods import Call
from tests.jmap_rig import MAIL, Client, Object, rig
from tests.web_rig import Rig

pytestmark = pytest.mark.served

__all__ = ["rig"]

BODY: Object = {"mailboxIds": {"F3": True}, "textBody": [{"partId": "t"}], "bodyValues": {"t": {"value": "hi"}}}


async def test_an_email_that_the_store_refuses_stops_no_other(rig: Rig) -> None:
    """JMAP-5, JMAP-22: a keyword too many is an error of its email; the others of the call change."""
    client = Client(rig)
    first, second = await client.imported(), await client.imported(MAIL.replace(b"<a@", b"<b@"))
    words = {f"word{number}": True for number in range(200)}
    found = await client.call("Email/set", update={first: {"keywords": words}, second: {"keywords": {"$seen": True}}})
    assert {key: one["type"] for key, one in found["notUpdated"].items()} == {first: "overQuota"}
    assert [*found["updated"]] == [second]
    listed = (await client.call("Email/get", ids=[first, second], properties=["keywords"]))["list"]
    assert [one["keywords"] for one in listed] == [{}, {"$seen": True}]


async def test_a_renamed_mailbox_takes_its_subscriptions_along(rig: Rig) -> None:
    """JMAP-11: also those of the mailboxes below it."""
    client = Client(rig)
    given: Object = {"a": {"name": "A", "isSubscribed": True}, "c": {"name": "C", "parentId": "#a"}}
    given["b"] = {"name": "B", "parentId": "#a", "isSubscribed": True}
    made = (await client.call("Mailbox/set", create=given))["created"]
    await client.call("Mailbox/set", update={made["a"]["id"]: {"name": "D"}})
    listed = (await client.call("Mailbox/get", ids=[made[key]["id"] for key in "abc"]))["list"]
    assert [(one["name"], one["isSubscribed"]) for one in listed] == [("D", True), ("B", True), ("C", False)]
    async with rig.account() as account:
        names = {*await account.read(subscriptions, op="test")}
    assert {"D", "D/B"} <= names
    assert not {"A", "A/B"} & names


async def test_mail_that_has_just_come_keeps_its_mailbox(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-11: whether a mailbox has emails is asked by the unit that removes it."""
    client = Client(rig)
    made = (await client.call("Mailbox/set", create={"a": {"name": "A"}}))["created"]["a"]["id"]
    real = mailboxes.delete_in_slices

    async def late(*args: Any) -> None:
        await client.imported(mailbox=made)
        await real(*args)

    monkeypatch.setattr(mailboxes, "delete_in_slices", late)
    found = await client.call("Mailbox/set", destroy=[made])
    assert found["notDestroyed"][made]["type"] == "mailboxHasEmail"


async def test_an_unknown_script_deactivates_none(rig: Rig) -> None:
    """JMAP-52: onSuccessActivateScript with an id that is no script's changes nothing."""
    client = Client(rig)
    blob = await client.upload(b"keep;", "application/sieve")
    given = {"s": {"name": "s", "blobId": blob}}
    await client.call("SieveScript/set", create=given, onSuccessActivateScript="#s")
    for unknown in ("nothing", "V0", "V99"):
        assert (await client.call("SieveScript/set", onSuccessActivateScript=unknown))["updated"] is None
    assert [one["isActive"] for one in (await client.call("SieveScript/get"))["list"]] == [True]
    await client.call("SieveScript/set", onSuccessDeactivateScript=True)
    assert [one["isActive"] for one in (await client.call("SieveScript/get"))["list"]] == [False]


