"""Addresses to give away in the webmail and the account app (docs/spec/masked.md)."""

import time
from functools import partial

import pytest

from moxlite.admin.masked import MaskedAddresses, New
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import append
from moxlite.store.mail.adding import Append
from moxlite.store.mail.facts import MessageFacts, SMTPFacts
from moxlite.store.mail.masked import note_masked_mail
from moxlite.store.rows.mailboxes import mailbox_by_name
from tests.store_mail import deliver_mail
from tests.web_rig import Rig

pytestmark = pytest.mark.served


async def test_an_answer_goes_out_from_the_address_that_was_given_away(rig: Rig) -> None:
    """MASK-6: where the message came to it, though To does not name it; other accounts' addresses do not count."""
    given = MaskedAddresses(rig.holder, rig.accounts, rig.auth.masked)
    own, other = await given.make("mia", New(site="shop.example")), await given.make("tom", New())
    browser = rig.browser()
    await browser.log_in()
    for address, author in ((own.address, own.address), (other.address, "mia@example.org")):
        octets = f"Delivered-To: {address}\r\nFrom: <news@shop.example>\r\nTo: <list@shop.example>\r\n\r\nhello\r\n"
        async with rig.account() as account:
            box = await account.read(lambda r: mailbox_by_name(r, "Inbox"), op="test")
            assert box is not None
            [added] = await append(account, box.id, [Append(await prepare(Spool.of(octets.encode())))])
        begun = await browser.call("compose_prepare", kind="reply", message_id=added.message_id)
        assert begun["from"]["address"] == author


async def test_the_account_app_makes_changes_and_removes_addresses(rig: Rig) -> None:
    """MASK-12, MASK-1, MASK-8: with senders and the leak."""
    browser = rig.browser(app="/")
    await browser.log_in()
    made = await browser.call("address_add", site="https://shop.example/x", note="books")
    assert made["address"].startswith("shop.")
    assert (made["state"], made["site"], made["note"], made["strangers"]) == ("on", "shop.example", "books", 0)
    for author in ("news@shop.example", "spam@far.example"):
        async with rig.account() as account:
            local, _, domain = made["address"].partition("@")
            facts = SMTPFacts(rcptto=local, rcptto_domain=domain, msgfrom_orgdomain=author.partition("@")[2])
            await account.write(partial(note_masked_mail, smtp=facts, received=time.time_ns() // 1000))
    [one] = (await browser.call("masked_list", text="BOOK", offset=0))["items"]
    assert (one["messages"], one["strangers"], one["strangers_since"]) == (2, 1, one["wrote"][1]["first"])
    assert [sender["domain"] for sender in one["wrote"]] == ["shop.example", "far.example"]
    for state in ("off", "on"):
        await browser.call(f"address_{state}", address=one["address"])
        assert (await browser.call("masked_list", text="", offset=0))["items"][0]["state"] == state
    form = {"address": one["address"], "site": "other.example", "note": "", "only_from": "shop.example, a@b.example"}
    changed = await browser.call("address_set", **form, expires="2099-01-02T03:04:05.000Z")
    assert (changed["site"], changed["note"]) == ("other.example", "")
    assert changed["only_from"] == ["shop.example", "a@b.example"]
    assert changed["expires"] == "2099-01-02T03:04:05Z"
    assert (await browser.call("address_set", address=one["address"], note="x"))["expires"] == changed["expires"]
    assert (await browser.call("address_set", address=one["address"], expires="never"))["expires"] == ""
    await browser.call("address_rm", address=one["address"])
    assert (await browser.call("masked_list", text="", offset=0))["total"] == 0
    assert await browser.error("address_rm", address=one["address"]) == (404, "user:notFound")


@pytest.mark.parametrize(
    ("field", "value"),
    [("site", "no host"), ("note", "x" * 501), ("only_from", "x@@y"), ("expires", "2020-01-01T00:00:00Z")],
)
async def test_a_refused_value_is_told_at_its_field(rig: Rig, field: str, value: str) -> None:
    """MASK-12: and nothing is changed."""
    browser = rig.browser(app="/")
    await browser.log_in()
    made = await browser.call("address_add")
    answer = await browser.post("address_set", {"address": made["address"], field: value})
    assert [one["field"] for one in answer.json["error"]["fields"]] == [field]
    assert (await browser.call("masked_list", text="", offset=0))["items"] == [made]


async def test_many_addresses_are_read_by_pages(rig: Rig) -> None:
    """MASK-12: 50 at a time, the newest first."""
    browser = rig.browser(app="/")
    await browser.log_in()
    for number in range(52):
        await browser.call("address_add", note=f"number {number}")
    first = await browser.call("masked_list", text="", offset=0)
    assert (len(first["items"]), first["total"], first["domains"]) == (50, 52, ["example.org"])
    rest = await browser.call("masked_list", text="", offset=50)
    assert [one["note"] for one in rest["items"]] == ["number 1", "number 0"]
    assert (await browser.call("masked_list", text="number 51", offset=0))["total"] == 1


async def test_the_webmail_makes_an_address_and_turns_it_off(rig: Rig) -> None:
    """MASK-14: while one writes, and where one reads what came to it; with who else writes. No guest does that."""
    browser = rig.browser()
    await browser.log_in()
    address = (await browser.call("address_add", site="shop.example"))["address"]
    assert address.startswith("shop.")
    local, _, domain = address.partition("@")
    ids = []
    async with rig.account() as account:
        for author in ("shop.example", "far.example"):
            octets = f"From: <news@{author}>\r\nTo: <x@else.example>\r\n\r\nhello\r\n".encode()
            facts = SMTPFacts(rcptto=local, rcptto_domain=domain, msgfrom_orgdomain=author)
            ids.append((await deliver_mail(account, octets, facts=MessageFacts(smtp=facts))).message_id)
        plain = await deliver_mail(account, b"Subject: x\r\n\r\ny\r\n")
    given = (await browser.call("parsed_message", message_id=ids[0]))["given"]
    assert (given["address"], given["state"], given["site"], given["strangers"]) == (address, "on", "shop.example", 1)
    assert given["since"] is not None
    await browser.call("address_off", address=given["address"])
    assert (await browser.call("parsed_message", message_id=ids[1]))["given"]["state"] == "off"
    await browser.call("address_on", address=given["address"])
    assert (await browser.call("parsed_message", message_id=ids[1]))["given"]["state"] == "on"
    assert (await browser.call("parsed_message", message_id=plain.message_id))["given"] is None
    assert (await browser.error("address_off", address="other@example.org"))[0] == 404
