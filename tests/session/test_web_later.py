"""Sending later and coming back later, by the calls of the webmail (WEBMAIL-96, WEBMAIL-125)."""

import base64
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any

import pytest

from moxlite.store.accounts.access import publish_shares
from moxlite.store.auth.apppasswords import add_token
from moxlite.store.auth.credentials import change_password
from moxlite.store.mail.acl import set_rights
from moxlite.store.mail.delegates import Delegate, set_delegate
from moxlite.store.types import Flag
from moxlite.web.composing import sending
from tests.jmap_rig import JMAP, Client
from tests.session.test_web_compose import Queue, call_id, carried, messages, octets_of, parsed, queue, upload, written
from tests.session.test_web_webapi import API
from tests.store_mail import box, deliver_mail
from tests.web_rig import ADDRESS, PASSWORD, STATIC, Browser, Rig
from tests.webapi import Client as Programs

__all__ = ["queue"]

pytestmark = pytest.mark.served

DAY = 86_400
ORIGINAL = b"From: tom@example.net\r\nTo: mia@example.org\r\nSubject: x\r\nMessage-ID: <o@example.net>\r\n\r\nx\r\n"
TAKEN_BACK = "this message was taken back elsewhere and is a draft again"
LATE = (409, "user:conflict")


async def waiting(browser: Browser) -> list[dict[str, Any]]:
    """The messages that wait."""
    found: list[dict[str, Any]] = await browser.call("messages_waiting")
    return found


async def pass_time(rig: Rig) -> None:
    """Make all that waits due."""
    async with rig.accounts.use("mia") as account:
        await account.write(lambda tx: tx.execute("UPDATE outbox SET due = ? WHERE due > 0", tx.now - 1))
        await account.write(lambda tx: tx.execute("UPDATE snooze SET due = ?", tx.now - 1))
        await account.carrier.once()


async def test_a_message_waits_and_is_sent_once(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-96: with the Date of its time, signed then, from Scheduled to Sent; a repeated call adds nothing."""
    at = int(time.time()) + 3 * DAY
    send = {"message": written(), "submit_id": call_id(), "send_at": at}
    assert await browser.call("message_submit", **send) == 10
    await browser.call("message_submit", **send)
    [row] = await messages(rig, "Scheduled")
    assert await messages(rig, "Sent") == []
    await carried(rig, queue, 0)
    [one] = await waiting(browser)
    assert (one["kind"], one["item"]["id"]) == ("sent", row.id)
    assert (await browser.error("message_submit", message=written(), submit_id=call_id()))[1] == "user:sent"

    await pass_time(rig)
    [out] = await carried(rig, queue)
    assert parsedate_to_datetime(out.parsed["date"]).timestamp() == at
    assert out.submission.received == at * 1_000_000
    [sent] = await messages(rig, "Sent")
    assert sent.id == row.id
    assert await messages(rig, "Scheduled") == []
    assert await waiting(browser) == []
    assert await browser.error("scheduled_cancel", message_id=row.id) == LATE
    assert await browser.error("scheduled_change", message_id=row.id, send_at=at + DAY) == LATE
    await carried(rig, queue)


async def test_a_repeated_call_after_its_time_is_not_refused(
    rig: Rig, browser: Browser, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-96, WEBMAIL-98: the message is scheduled, or out; its answer was lost."""
    at = int(time.time()) + DAY
    send = {"message": written(), "submit_id": call_id(), "send_at": at}
    await browser.call("message_submit", **send)
    monkeypatch.setattr(sending, "time", SimpleNamespace(time=lambda: at + 1, time_ns=lambda: (at + 1) * 10**9))
    assert await browser.call("message_submit", **send) == 0
    assert len(await messages(rig, "Scheduled")) == 1


@pytest.mark.parametrize("ahead", [-60, 61 * DAY, 100 * 365 * DAY, 2**52])
async def test_times_out_of_reach_are_refused(rig: Rig, browser: Browser, queue: Queue, ahead: int) -> None:
    """WEBMAIL-96, WEBMAIL-125: a time that is past or too far ahead is a 400 that names its field."""
    at = int(time.time()) + ahead
    answer = await browser.post("message_submit", {"message": written(), "submit_id": call_id(), "send_at": at})
    assert answer.status == 400
    assert answer.json["error"]["message"].startswith("send_at: ")
    assert await messages(rig, "Scheduled") == []
    if ahead < 0 or ahead > 800 * DAY:
        async with rig.account() as account:
            one = (await deliver_mail(account, ORIGINAL)).message_id
        answer = await browser.post("message_snooze", {"message_ids": [one], "until": at})
        assert answer.status == 400
        assert answer.json["error"]["message"].startswith("until: ")


async def test_a_waiting_message_is_edited_again(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-96: it becomes a draft with its Bcc and files; the original loses its mark; nothing is sent."""
    async with rig.account() as account:
        original = (await deliver_mail(account, ORIGINAL)).message_id
    file = await upload(browser, "a.bin", b"content")
    fields = {"bcc": [{"name": "", "address": "secret@example.net"}], "uploads": [file["upload_id"]]}
    message = written(original_id=original, original_flag="answered", **fields)
    await browser.call("message_submit", message=message, submit_id=call_id(), send_at=int(time.time()) + DAY)
    assert (await messages(rig, "Inbox"))[0].flags & Flag.ANSWERED
    [row] = await messages(rig, "Scheduled")
    draft = await browser.call("scheduled_cancel", message_id=row.id)
    later = {"send_at": int(time.time()) + DAY}
    for name, more in (("scheduled_change", {}), ("scheduled_change", later), ("scheduled_cancel", {})):
        answer = await browser.post(name, {"message_id": row.id, **more})
        assert (answer.status, answer.json["error"]["message"]) == (409, TAKEN_BACK), name
    [kept] = await messages(rig, "Drafts")
    assert kept.id == draft
    assert kept.flags & Flag.DRAFT
    found = parsed(await octets_of(rig, draft))
    assert found["bcc"] == "secret@example.net"
    assert [part.get_content() for part in found.iter_attachments()] == [b"content"]
    assert not (await messages(rig, "Inbox"))[0].flags & Flag.ANSWERED
    async with rig.account() as account:
        assert await account.read(lambda r: r.value("SELECT count(*) FROM outgoing"), op="test") == 0
    await pass_time(rig)
    await carried(rig, queue, 0)
    assert await browser.error("scheduled_cancel", message_id=row.id) == LATE


async def test_the_time_is_changed_with_the_date(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-96: another time, and now; recipients, Bcc, text and files stay, one message goes out."""
    at = int(time.time()) + DAY
    file = await upload(browser, "a.bin", b"content")
    bcc = [{"name": "", "address": "secret@example.net"}]
    message = written(bcc=bcc, uploads=[file["upload_id"]])
    await browser.call("message_submit", message=message, submit_id=call_id(), send_at=at)
    [row] = await messages(rig, "Scheduled")
    await browser.call("scheduled_change", message_id=row.id, send_at=at + DAY)
    [row] = await messages(rig, "Scheduled")
    found = parsed(await octets_of(rig, row.id))
    assert parsedate_to_datetime(found["date"]).timestamp() == at + DAY
    assert len(found.get_all("date", [])) == 1
    assert found["bcc"] == "secret@example.net"
    [one] = await waiting(browser)
    assert one["item"]["id"] == row.id
    answer = await browser.post("scheduled_change", {"message_id": row.id, "send_at": at + 100 * DAY})
    assert answer.status == 400

    await browser.call("scheduled_change", message_id=row.id)
    assert await waiting(browser) == []
    [out] = await carried(rig, queue)
    assert abs(parsedate_to_datetime(out.parsed["date"]).timestamp() - time.time()) < 60
    assert out.parsed["bcc"] is None
    assert len(out.submission.recipients) == 2
    assert [part.get_content() for part in out.parsed.iter_attachments()] == [b"content"]
    assert len(await messages(rig, "Sent")) == 1
    assert await messages(rig, "Scheduled") == []


async def test_taken_back_by_the_toast(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-96, WEBMAIL-123: the page that scheduled it takes it back as one that was just sent."""
    submit_id = call_id()
    await browser.call("message_submit", message=written(), submit_id=submit_id, send_at=int(time.time()) + DAY)
    draft = await browser.call("message_submit_undo", submit_id=submit_id)
    [kept] = await messages(rig, "Drafts")
    assert kept.id == draft
    assert await messages(rig, "Scheduled") == []
    await carried(rig, queue, 0)


async def test_held_for_an_undo_and_sent_now(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-96a, WEBMAIL-123: in the list of what leaves later; it waits no longer."""
    await browser.call("message_submit", message=written(), submit_id=call_id(), undo_s=60)
    await carried(rig, queue, 0)
    [one] = await waiting(browser)
    await browser.call("scheduled_change", message_id=one["item"]["id"])
    await carried(rig, queue)
    assert await waiting(browser) == []


async def test_a_message_comes_back_by_the_calls(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-125: put off, listed, changed, called back; and back by itself."""
    async with rig.account() as account:
        one = (await deliver_mail(account, ORIGINAL)).message_id
    at = int(time.time()) + DAY
    await browser.call("message_snooze", message_ids=[one], until=at)
    assert await messages(rig, "Inbox") == []
    await browser.call("message_snooze", message_ids=[one], until=at + DAY)
    [row] = await waiting(browser)
    assert (row["kind"], row["origin"], row["item"]["id"]) == ("back", "Inbox", one)
    await browser.call("message_unsnooze", message_ids=[one])
    assert [row.id for row in await messages(rig, "Inbox")] == [one]
    assert await waiting(browser) == []
    await browser.call("flags_add", message_ids=[one], flags=["\\seen"])
    await browser.call("message_snooze", message_ids=[one], until=at)
    await pass_time(rig)
    [back] = await messages(rig, "Inbox")
    assert back.id == one
    assert not back.flags & Flag.SEEN
    assert (await browser.error("message_snooze", message_ids=[999_999], until=at))[0] == 404


async def test_a_reminder_of_a_sent_message(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-125: listed, ended, and kept in Sent when its copy comes."""
    async with rig.account() as account:
        one = (await deliver_mail(account, ORIGINAL, "Sent")).message_id
    at = int(time.time()) + 3 * DAY
    await browser.call("message_snooze", message_ids=[one], until=at, unanswered=True)
    [row] = await waiting(browser)
    assert row["kind"] == "answer"
    await browser.call("message_unsnooze", message_ids=[one])
    assert await waiting(browser) == []
    assert len(await messages(rig, "Sent")) == 1
    await browser.call("message_snooze", message_ids=[one], until=at, unanswered=True)
    await pass_time(rig)
    assert len(await messages(rig, "Sent")) == 1
    assert len(await messages(rig, "Inbox")) == 1


async def listed(rig: Rig, browser: Browser) -> list[dict[str, Any]]:
    """Mail that leaves later, as webmail and command line show it."""
    found: list[dict[str, Any]] = await browser.call("account_later_list")
    async with rig.running.ctl() as client:
        assert found == await client.call("account later list", {"account": "mia"}, list[dict[str, Any]])
    return found


@pytest.mark.rig(static=STATIC + JMAP)
async def test_mail_that_leaves_later_is_one_list(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-96a, JMAP-31a: what the webmail schedules or holds for an undo, and what a program holds, is shown by
    webmail, JMAP and command line, and each of them stops it.
    """
    program = Client(rig)
    at = int(time.time()) + 3 * DAY

    async def scheduled_one() -> None:
        await browser.call("message_submit", message=written(), submit_id=call_id(), send_at=at)

    async def held_one() -> None:
        await browser.call("message_submit", message=written(), submit_id=call_id(), undo_s=60)

    async def programs_one() -> None:
        mail = b"From: mia@example.org\r\nTo: tom@example.org\r\nMessage-ID: <p@x>\r\nSubject: p\r\n\r\np\r\n"
        [mine] = [one["id"] for one in (await program.call("Identity/get"))["list"] if one["email"] == ADDRESS]
        parameters = {"mailFrom": {"email": ADDRESS, "parameters": {"HOLDFOR": "864000"}}}
        made = {"identityId": mine, "emailId": await program.imported(mail)}
        envelope = {**parameters, "rcptTo": [{"email": "tom@example.org"}]}
        assert (await program.call("EmailSubmission/set", create={"a": made | {"envelope": envelope}}))["created"]

    async def by_list() -> None:
        [one] = await listed(rig, browser)
        await browser.call("account_later_stop", id=one["id"])

    async def by_command_line() -> None:
        [one] = await listed(rig, browser)
        async with rig.running.ctl() as client:
            await client.call("account later stop", {"account": "mia", "id": one["id"]}, Any)

    async def by_webmail() -> None:
        [one] = await waiting(browser)
        await browser.call("scheduled_cancel", message_id=one["item"]["id"])

    async def by_program() -> None:
        [one] = [one for one in await submissions() if one["undoStatus"] == "pending"]
        stop = await program.call("EmailSubmission/set", update={one["id"]: {"undoStatus": "canceled"}})
        assert stop["updated"]

    async def submissions() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await program.call("EmailSubmission/get"))["list"]
        return found

    for send in (held_one, programs_one):
        await send()
        [item] = await waiting(browser)
        await browser.call("scheduled_change", message_id=item["item"]["id"], send_at=at + DAY)
        [shown], [pending] = (
            await listed(rig, browser),
            [one for one in await submissions() if one["undoStatus"] == "pending"],
        )
        assert shown["due"] == (at + DAY) * 1_000_000
        assert pending["sendAt"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at + DAY))
        await by_webmail()
    for send in (scheduled_one, held_one, programs_one):
        for stop in (by_list, by_command_line, by_webmail, by_program):
            await send()
            [shown], [item], [pending] = (
                await listed(rig, browser),
                await waiting(browser),
                [one for one in await submissions() if one["undoStatus"] == "pending"],
            )
            assert shown["message_id"] == item["item"]["id"]
            assert [one["email"] for one in pending["envelope"]["rcptTo"]] == shown["recipients"]
            state = (await program.call("EmailSubmission/get"))["state"]
            await stop()
            assert await listed(rig, browser) == await waiting(browser) == []
            assert {one["undoStatus"] for one in await submissions()} == {"canceled"}
            assert (await program.call("EmailSubmission/get"))["state"] != state
            await pass_time(rig)
            await carried(rig, queue, 0)
    assert await messages(rig, "Scheduled") == await messages(rig, "Sent") == []
    assert (await browser.error("account_later_stop", id="00"))[0] == 409


SUBMISSION = """
[listeners.sending]
ips = ["127.0.0.1"]
submission = { enabled = true, require_tls = false }
"""
MAIL = b"From: mia@example.org\r\nTo: tom@example.org\r\nMessage-ID: <s%d@x>\r\nSubject: s\r\n\r\ns\r\n"


async def handed_in(rig: Rig, octets: bytes, *, until: str = "") -> None:
    """Submit a message as a mail program does, which may ask the server to hold it."""
    secret = base64.b64encode(f"\0{ADDRESS}\0{PASSWORD}".encode())
    async with rig.connect(port=587) as stream:
        received = b""
        for line in (
            b"",
            b"EHLO [127.0.0.1]",
            b"AUTH PLAIN " + secret,
            f"MAIL FROM:<{ADDRESS}>{until and f' HOLDUNTIL={until}'}".encode(),
            b"RCPT TO:<tom@example.org>",
            b"RCPT TO:<eve@remote.example>",
            b"DATA",
            octets + b".",
        ):
            await stream.send_all(line + b"\r\n" if line else b"")
            received = b""
            while not received.endswith(b"\r\n") or received.rsplit(b"\r\n", 2)[-2][3:4] == b"-":
                received += await stream.receive_some()
            assert received[:1] in b"23", received


@pytest.mark.rig(static=STATIC + JMAP + API + SUBMISSION)
async def test_mail_that_the_queue_holds_is_in_the_same_list(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-96a, JMAP-31a, QUEUE-27: what a program has handed in by SMTP or the web API to leave later is shown by
    webmail, JMAP and command line as one message, and each of them stops it; a copy becomes a draft.
    """
    program, api = Client(rig), Programs(rig, port=82)
    until = datetime.fromtimestamp(int(time.time()) + DAY, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    count = 0

    async def by_smtp() -> None:
        nonlocal count
        count += 1
        await handed_in(rig, MAIL % count, until=until)

    async def by_api(**options: Any) -> None:
        people = [{"Address": "tom@example.org"}, {"Address": "eve@remote.example"}]
        await api.call("Send", To=people, Subject="s", Text="s", FutureRelease=until, **options)

    async def by_api_with_copy() -> None:
        await by_api(SaveSent=True)

    async def submissions() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await program.call("EmailSubmission/get"))["list"]
        return found

    async def by_webmail(key: str) -> None:
        await browser.call("account_later_stop", id=key)

    async def by_command_line(key: str) -> None:
        async with rig.running.ctl() as client:
            await client.call("account later stop", {"account": "mia", "id": key}, Any)

    async def by_program(_: str) -> None:
        [found] = (await program.call("EmailSubmission/query", filter={"undoStatus": "pending"}))["ids"]
        stop = await program.call("EmailSubmission/set", update={found: {"undoStatus": "canceled"}})
        assert stop["updated"]

    stops: list[Callable[[str], Awaitable[None]]] = [by_webmail, by_command_line, by_program]
    for send in (by_smtp, by_api, by_api_with_copy):
        for stop in stops:
            before = (await program.call("EmailSubmission/get"))["state"]
            await send()
            [shown] = await listed(rig, browser)
            [pending] = [one for one in await submissions() if one["undoStatus"] == "pending"]
            assert [one["email"] for one in pending["envelope"]["rcptTo"]] == shown["recipients"]
            assert (pending["sendAt"], shown["subject"]) == (until, "s")
            state = (await program.call("EmailSubmission/get"))["state"]
            assert state != before
            await stop(shown["id"])
            assert await listed(rig, browser) == []
            assert {one["undoStatus"] for one in await submissions()} == {"canceled"}
            assert (await program.call("EmailSubmission/get"))["state"] != state
            assert (await browser.error("account_later_stop", id=shown["id"]))[0] == 404
    assert await messages(rig, "Sent") == []
    assert [row.flags & Flag.DRAFT for row in await messages(rig, "Drafts")] == [Flag.DRAFT] * len(stops)


@pytest.mark.rig(static=STATIC + JMAP)
async def test_mail_of_another_account_is_neither_shown_nor_stopped(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-96a: the list has the account's own mail alone, whatever account or message a call names."""
    async with rig.account("tom") as tom:
        await change_password(tom, PASSWORD)
    other = rig.browser()
    await other.log_in("tom@example.org")
    message = written(**{"from": {"name": "", "address": "tom@example.org"}})
    await other.call("message_submit", message=message, submit_id=call_id(), send_at=int(time.time()) + DAY)
    [theirs] = await other.call("account_later_list")
    assert await browser.call("account_later_list") == []
    assert (await browser.error("account_later_list", account="tom"))[0] == 403
    for key, status in ((theirs["id"], 409), ("q1", 404), ("x", 404)):
        assert (await browser.error("account_later_stop", id=key))[0] == status
        assert (await browser.error("account_later_stop", id=key, account="tom"))[0] == 403
    assert [theirs] == await other.call("account_later_list")


@pytest.mark.rig(static=STATIC + JMAP + API)
async def test_mail_that_was_sent_again_does_not_stop_what_waits(rig: Rig, browser: Browser) -> None:
    """JMAP-31a, JMAP-32: the owner's message waits in the queue; its copy sent again at once, by the owner or a guest,
    is `final`, and one held by a program is another submission. Whoever cancels one leaves the others alone.
    """
    program, api, guest = Client(rig), Programs(rig, port=82), Client(rig)
    async with rig.account("tom") as tom:
        guest.authorization = f"Bearer {await add_token(tom, 'guest', ['jmap'])}"
    until = datetime.fromtimestamp(int(time.time()) + DAY, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    to = [{"Address": "eve@remote.example"}]
    await api.call("Send", To=to, Subject="s", Text="s", FutureRelease=until, SaveSent=True)
    [first] = (await program.call("EmailSubmission/get"))["list"]
    async with rig.account() as mia:
        sent = (await box(mia, "Sent")).id
        await mia.write(lambda tx: set_rights(tx, sent, "tom", "lrswit"))
        await mia.write(lambda tx: set_delegate(tx, Delegate("tom", "as")))
        await publish_shares(rig.auth, mia)

    async def states() -> dict[str, str]:
        return {one["id"]: one["undoStatus"] for one in (await program.call("EmailSubmission/get"))["list"]}

    async def again(client: Client, parameters: dict[str, str] | None) -> str:
        [own] = [one["id"] for one in (await client.call("Identity/get"))["list"] if one["email"] == ADDRESS]
        sender = {"email": ADDRESS, "parameters": parameters}
        envelope = {"mailFrom": sender, "rcptTo": [{"email": "tom@example.org"}]}
        wish = {"identityId": own, "emailId": first["emailId"], "envelope": envelope}
        made = await client.call("EmailSubmission/set", create={"s": wish})
        number: str = made["created"]["s"]["id"]
        return number

    async def cancel(client: Client, number: str) -> dict[str, Any]:
        found: dict[str, Any] = await client.call("EmailSubmission/set", update={number: {"undoStatus": "canceled"}})
        return found

    for client in (program, guest):
        number = await again(client, None)
        refused = await cancel(client, number)
        assert refused["notUpdated"][number]["type"] == "cannotUnsend"
        assert await states() | {first["id"]: "pending", number: "final"} == await states()
        assert len(await browser.call("account_later_list")) == 1
    held = await again(program, {"HOLDUNTIL": until})
    waiting_there = [one["id"] for one in await browser.call("account_later_list") if one["id"].startswith("q")]
    await browser.call("account_later_stop", id=waiting_there[0])
    found = await states()
    assert (found[first["id"]], found[held]) == ("canceled", "pending")
    assert [row.flags & Flag.DRAFT for row in await messages(rig, "Drafts")] == [Flag.DRAFT]
    assert (await cancel(program, held))["updated"] == {held: None}
    assert await browser.call("account_later_list") == []


@pytest.mark.rig(static=STATIC + JMAP + SUBMISSION)
@pytest.mark.parametrize("later", [0, 60], ids=["same time", "later"])
async def test_a_message_handed_in_twice_is_canceled_once(rig: Rig, browser: Browser, later: int) -> None:
    """JMAP-31a: a program that hands in a message twice has two submissions, with one Message-ID."""
    program = Client(rig)
    first = int(time.time()) + DAY
    for at in (first, first + later):
        await handed_in(rig, MAIL % 1, until=datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    latest = (await program.call("EmailSubmission/query", sort=[{"property": "sentAt"}]))["ids"][-1]
    await program.call("EmailSubmission/set", update={latest: {"undoStatus": "canceled"}})
    [left] = await browser.call("account_later_list")
    assert left["due"] == first * 1_000_000
    [pending] = (await program.call("EmailSubmission/query", filter={"undoStatus": "pending"}))["ids"]
    await program.call("EmailSubmission/set", update={pending: {"undoStatus": "canceled"}})
    assert await browser.call("account_later_list") == []


@pytest.mark.rig(static=STATIC + SUBMISSION)
async def test_the_outbox_has_what_the_queue_delivers(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-96b: by recipient, without what waits for its time; the count has both, but nothing that is about to
    leave; pages hear of changes; others neither see nor stop it.
    """
    stream = await browser.events()
    async with rig.account("tom") as account:
        await change_password(account, PASSWORD)
    other = rig.browser()
    await other.log_in("tom@example.org")
    assert await browser.call("outbox_count") == 0
    later = datetime.fromtimestamp(int(time.time()) + DAY, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    await handed_in(rig, MAIL % 1, until=later)
    told = await stream.change("collection")
    assert (told["holds"], told["collection_id"]) == ("departure", 0)
    await stream.aclose()
    await browser.call("message_submit", message=written(), submit_id=call_id(), undo_s=30)
    assert await browser.call("outbox_count") == 1
    assert (await browser.call("outbox"))["waiting"] == []
    async with rig.running.ctl() as client:
        await client.call("queue holdrules add", {"account": "mia"}, Any)
    await handed_in(rig, MAIL % 2)
    found = (await browser.call("outbox"))["waiting"]
    facts = {"subject": "s", "attempts": 0, "next_attempt": None, "error": "", "code": 0, "stopped": False}
    assert [one | {"id": 0} for one in found] == [
        {"id": 0, "recipient": who, **facts} for who in ("eve@remote.example", "tom@example.org")
    ]
    assert await browser.call("outbox_count") == 3
    ids = [one["id"] for one in found]
    assert await other.call("outbox") == {"waiting": [], "more": False, "ended": []}
    assert await other.call("outbox", before=ids[0] + 1) == {"waiting": [], "more": False, "ended": []}
    assert await other.call("delivery_cancel", delivery_ids=ids) == 0
    assert await browser.call("outbox", before=ids[0]) == {"waiting": found[1:], "more": False, "ended": []}
    assert await browser.call("delivery_cancel", delivery_ids=ids) == 2
    ended = (await browser.call("outbox"))["ended"]
    assert {(one["recipient"], one["state"]) for one in ended} == {
        ("eve@remote.example", "canceled"),
        ("tom@example.org", "canceled"),
    }
    assert await browser.call("outbox_count") == 1
