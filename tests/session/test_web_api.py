"""The calls of the webmail on a real account."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio.testing

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.delivery.status import fit_queue_mailbox, put_queued
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.rows.mailboxes import mailbox_by_name, subscriptions
from moxlite.store.rows.messages import rows_by_ids
from moxlite.store.types import Flag, MailboxID, MessageID, MessageRow
from moxlite.web.webmail.calls import mailboxes
from moxlite.web.webmail.holders import Holder
from tests.house import soon
from tests.store_mail import box, deliver_mail, look, mail, prepared, put, rows
from tests.web_rig import Browser, Rig, first_request, serving

pytestmark = pytest.mark.served


async def one(rig: Rig, message_id: int) -> MessageRow:
    async with rig.account() as account:
        return (await look(account, lambda r: rows_by_ids(r, [message_id])))[0]


async def test_flags_are_added_and_cleared(rig: Rig, browser: Browser) -> None:
    r"""WEBMAIL-26: names of system flags in any case, other words are keywords."""
    async with rig.account() as account:
        message_id = (await put(account))[0].message_id
    await browser.call("flags_add", message_ids=[message_id], flags=["\\Seen", "$JUNK", "Urgent"])
    row = await one(rig, message_id)
    assert (row.flags, row.keywords) == (Flag.SEEN | Flag.JUNK, ("urgent",))
    await browser.call("flags_clear", message_ids=[message_id], flags=["\\seen", "urgent"])
    row = await one(rig, message_id)
    assert (row.flags, row.keywords) == (Flag.JUNK, ())


async def test_one_call_is_one_unit_with_one_modseq(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-26, WEBMAIL-3."""
    async with rig.account() as account:
        ids = [added.message_id for added in await put(account, 5)]
    await browser.call("flags_add", message_ids=ids, flags=["\\flagged"])
    async with rig.account() as account:
        assert len({row.modseq for row in await rows(account)}) == 1


async def test_an_id_that_is_not_there_leaves_all_others_alone(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-26."""
    async with rig.account() as account:
        message_id = (await put(account))[0].message_id
    calls: dict[str, dict[str, object]] = {
        "flags_add": {"flags": ["\\seen"]},
        "flags_clear": {"flags": ["\\seen"]},
        "message_move": {"mailbox_id": 2},
        "message_delete": {},
    }
    for name, parameters in calls.items():
        answer = await browser.post(name, {"message_ids": [message_id, 4711], **parameters})
        assert (answer.status, answer.json["error"]["code"]) == (404, "user:notFound")
        assert "4711" in answer.json["error"]["message"]
    row = await one(rig, message_id)
    assert row.flags == Flag(0)


async def test_messages_of_another_account_are_not_there(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-113."""
    async with rig.account("tom") as account:
        message_id = (await put(account))[0].message_id
    assert await browser.error("parsed_message", message_id=message_id) == (404, "user:notFound")


async def test_messages_move_and_are_read_when_asked(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-26."""
    async with rig.account() as account:
        first, second = (added.message_id for added in await put(account, 2))
        trash = (await box(account, "Trash")).id
    await browser.call("message_move", message_ids=[first, first], mailbox_id=trash, mark_seen=True)
    row = await one(rig, first)
    assert (row.mailbox_id, row.flags & Flag.SEEN) == (trash, Flag.SEEN)
    assert await browser.error("message_move", message_ids=[second, first], mailbox_id=trash) == (409, "user:conflict")
    assert (await one(rig, second)).mailbox_id != trash
    assert await browser.error("message_move", message_ids=[second], mailbox_id=4711) == (404, "user:notFound")


async def test_messages_are_deleted_for_good(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-26."""
    async with rig.account() as account:
        ids = [added.message_id for added in await put(account, 3)]
    await browser.call("message_delete", message_ids=ids[:2])
    async with rig.account() as account:
        assert [row.id for row in await rows(account)] == ids[2:]


async def test_a_mailbox_is_marked_read(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-26."""
    async with rig.account() as account:
        await put(account, 3)
        inbox = (await box(account)).id
    await browser.call("mailboxes_mark_read", mailbox_ids=[inbox])
    async with rig.account() as account:
        assert (await box(account)).unread == 0


async def test_long_mailboxes_are_marked_read_in_slices(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-26, STORE-4a: units of others go in between; what comes meanwhile stays unread."""
    sizes: list[int] = []
    store_flags = store_flags_ids

    def stored(tx: AccountTx, ids: Sequence[MessageID], **more: Any) -> None:
        sizes.append(len(ids))
        store_flags(tx, ids, **more)

    def begun(r: Reader, holder: Holder, shown: Sequence[int]) -> list[tuple[MailboxID, int]]:
        return [(mailbox_id, uidnext - 1) for mailbox_id, uidnext in unread(r, holder, shown)]

    unread = mailboxes._unread
    monkeypatch.setattr(mailboxes, "_unread", begun)
    monkeypatch.setattr(mailboxes, "store_flags_ids", stored)
    monkeypatch.setattr(mailboxes, "SLICE", 2)
    async with rig.account() as account:
        await put(account, 4)
        await put(account, 4, "Archive", first=10)
        ids = [(await box(account, name)).id for name in ("Inbox", "Archive")]
    await browser.call("mailboxes_mark_read", mailbox_ids=[*ids, ids[0]])
    async with rig.account() as account:
        assert [(await box(account, name)).unread for name in ("Inbox", "Archive")] == [1, 1]
    assert sizes == [2, 1, 1, 2]


async def test_mailboxes_are_made_renamed_and_removed(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-27, IMAP-63, STORE-14: new ones are subscribed, and stay so when they are renamed."""
    mailbox_id = await browser.call("mailbox_create", name="Lists/trio")
    async with rig.account() as account:
        assert {"Lists", "Lists/trio"} <= {*await look(account, subscriptions)}
    assert await browser.error("mailbox_create", name="Lists/trio") == (409, "user:conflict")
    for bad in ("", "/a", "a/", "a//b", "a\nb", "..", "#x"):
        assert await browser.error("mailbox_create", name=bad) == (400, "user:error")
    await browser.call("mailbox_rename", mailbox_id=mailbox_id, name="Python/trio")
    async with rig.account() as account:
        names = {*await look(account, subscriptions)}
        assert ("Python/trio" in names, "Lists/trio" in names) == (True, False)
        lists = (await box(account, "Lists")).id
        python = (await box(account, "Python")).id
        inbox = (await box(account)).id
    assert await browser.error("mailbox_delete", mailbox_id=python) == (409, "user:conflict")
    assert await browser.error("mailbox_delete", mailbox_id=inbox) == (400, "user:error")
    assert await browser.error("mailbox_rename", mailbox_id=inbox, name="Box") == (400, "user:error")
    await browser.call("mailbox_delete", mailbox_id=mailbox_id)
    await browser.call("mailbox_delete", mailbox_id=lists)
    async with rig.account() as account:
        assert await look(account, lambda r: mailbox_by_name(r, "Python/trio")) is None


async def test_a_role_is_taken_from_the_mailbox_that_had_it(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-27."""
    mailbox_id = await browser.call("mailbox_create", name="Bin")
    await browser.call("mailbox_set_special_use", mailbox_id=mailbox_id, roles=["trash"])
    events = await browser.events()
    roles = {box["name"]: box["roles"] for box in (await events.until("start"))["mailboxes"]}
    assert (roles["Bin"], roles["Trash"]) == (["trash"], [])
    await events.aclose()


async def test_encoded_words_are_decoded(browser: Browser) -> None:
    """WEBMAIL-26."""
    assert await browser.call("decode_mime_words", text="=?utf-8?q?b=C3=BCro?= x") == "büro x"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"[]", "flags_add"),
        (b'{"message_ids": ["1"], "flags": ["x"]}', "$.message_ids[0]"),
        (b'{"message_ids": [1], "flags": [1]}', "$.flags[0]"),
        (b'{"message_ids": [1]}', "flags"),
        (b'{"message_ids": [1], "flags": ["x"], "more": 1}', "more"),
        (b'{"message_ids": [], "flags": ["x"]}', "message_ids: choose at least one"),
        (b'{"message_ids": [9007199254740992], "flags": ["x"]}', "message_ids[0]: must be a number up to"),
        (b'{"message_ids": [NaN], "flags": ["x"]}', "flags_add"),
        (b'{"message_ids": [1], "flags": ["\\ud800"]}', "flags_add"),
        (b"[" * 100_000, "flags_add"),
        (b"\xff", "flags_add"),
        (b'{"\xff": 1}', "isn't valid UTF-8"),
        (b'{"message_ids": [1], "flags": ["x\xff"]}', "isn't valid UTF-8"),
        (b'{"message_ids": [1e300], "flags": ["x"]}', "message_ids[0]"),
    ],
)
async def test_parameters_that_do_not_fit_are_named(browser: Browser, body: bytes, path: str) -> None:
    """WEBMAIL-23, WEBMAIL-114, WEB-134."""
    answer = await browser.post("flags_add", body)
    assert (answer.status, answer.json["error"]["code"]) == (400, "user:error")
    assert path in answer.json["error"]["message"]


@pytest.mark.parametrize("app", ["/webmail/", "/"])
async def test_a_name_that_is_not_utf_8_is_refused_by_each_call(rig: Rig, app: str) -> None:
    """WEB-134, WEBMAIL-23: with a session and without one."""
    browser = rig.browser(app=app)
    answer = await browser.post("login_prep", b'{"\xff": 1}')
    assert (answer.status, answer.json["error"]["code"]) == (400, "user:error")
    await browser.log_in()
    calls = json.loads((await browser.fetch(f"{app}api/")).body)["x-calls"]
    for name in calls:
        answer = await browser.post(name, b'{"\xff": 1}')
        assert (name, answer.status) == (name, 400)


async def test_calls_are_posts_of_json_of_bounded_size(browser: Browser) -> None:
    """WEBMAIL-23, WEB-20."""
    assert (await browser.fetch("/webmail/api/token")).status == 405
    assert (await browser.post("token", {}, {"content-type": "text/plain"})).status == 415
    assert (await browser.post("token", b" " * (1024 * 1024 + 1))).status == 413
    assert await browser.error("nothing") == (404, "user:notFound")
    answer = await browser.post("token", {}, {"origin": "http://mail.example.org"})
    assert answer.status == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["cache-control"] == "no-store"


async def test_the_api_describes_itself(rig: Rig) -> None:
    """WEB-61, WEBMAIL-24."""
    answer = await rig.browser().fetch("/webmail/api/")
    schema = json.loads(answer.body)
    assert {"login", "flags_add", "request"} <= set(schema["x-calls"])
    assert schema["x-calls"]["login_prep"]["public"] is True
    assert "MessageItem" in schema["$defs"]


async def test_descriptions_of_apis_are_made_once_and_beside_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-61, WEB-168: each takes 0.2 s, and strangers may ask for it as often as they like."""
    threads: list[int] = []
    make = msgspec.json.schema_components

    def noted(*args: Any, **named: Any) -> Any:
        threads.append(threading.get_ident())
        return make(*args, **named)

    monkeypatch.setattr(msgspec.json, "schema_components", noted)
    targets = ("/webmail/api/", "/api/", "/admin/api/", "/admin/v1/openapi.json")
    async with serving(tmp_path, app="/admin/") as rig:
        for target in targets * 2:
            assert (await rig.browser().fetch(target)).status == 200
    assert len(threads) == len(targets)
    assert threading.get_ident() not in threads


async def test_an_opened_message_has_its_texts_and_parts(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-48, WEBMAIL-47."""
    data = b"\r\n".join(
        [
            b"From: =?utf-8?q?B=C3=BCro?= <a@xn--bcher-kva.example>",
            b"Subject: hi",
            b"List-Post: <mailto:list@example.org?x>",
            b"MIME-Version: 1.0",
            b'Content-Type: multipart/mixed; boundary="b"',
            b"",
            b"--b",
            b'Content-Type: multipart/alternative; boundary="c"',
            b"",
            b"--c",
            b"Content-Type: text/plain; charset=iso-8859-1",
            b"Content-Transfer-Encoding: quoted-printable",
            b"",
            b"gr=FC=DFe",
            b"--c",
            b"Content-Type: text/html",
            b"",
            b"<p>hi",
            b"--c--",
            b"--b",
            b"Content-Type: application/pdf",
            b"Content-Disposition: attachment; filename*=utf-8''..%2Fb%C3%BCro%E2%80%AE.pdf",
            b"Content-Transfer-Encoding: base64",
            b"",
            b"AAAA",
            b"--b--",
            b"",
        ]
    )
    async with rig.account() as account:
        message_id = (await deliver_mail(account, data)).message_id
    message = await browser.call("parsed_message", message_id=message_id)
    assert [text["text"] for text in message["texts"]] == ["grüße"]
    assert message["texts"][0]["path"] == "0.0.0"
    assert message["has_html"] is True
    assert message["list_reply_address"] == "list@example.org"
    assert {"name": "From", "value": "Büro <a@xn--bcher-kva.example>"} in message["headers"]
    assert [part["path"] for part in message["structure"]["parts"]] == ["0.0", "0.1"]
    item = await browser.call("message_item", message_id=message_id)
    assert item["from"] == [{"name": "Büro", "user": "a", "host": "bücher.example"}]
    assert item["attachments"] == [
        {"path": "0.1", "filename": "_büroU+202E.pdf", "content_type": "application/pdf", "size": 3, "inside": False}
    ]
    assert len(json.dumps(item)) < 1200


async def test_a_message_that_is_no_mail_is_shown_as_it_can_be(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-110, WEBMAIL-111."""
    async with rig.account() as account:
        broken = (await deliver_mail(account, b"\x00\xff no header at all\r\n\r\n\xe4\xf6")).message_id
        charset = (
            await deliver_mail(account, b"Content-Type: text/plain; charset=klingon\r\n\r\nna\xefve\r\n")
        ).message_id
    assert (await browser.call("parsed_message", message_id=broken))["id"] == broken
    assert "na" in (await browser.call("parsed_message", message_id=charset))["texts"][0]["text"]


async def test_a_long_text_is_cut_with_a_note(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-48."""
    async with rig.account() as account:
        message_id = (await deliver_mail(account, mail(body="x" * 70 + "\r\n") + b"y" * 2_200_000)).message_id
    text = (await browser.call("parsed_message", message_id=message_id))["texts"][0]
    assert text["truncated"] is True
    assert len(text["text"]) == 2 * 1024 * 1024


async def test_a_flowed_text_is_joined(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-48, RFC 3676: lines that go on are one; of a text that is not flowed each stays."""
    body = b"Bring the blue \r\ndish.\r\n> and the \r\n> spoons\r\n-- \r\nMia\r\n"
    async with rig.account() as account:
        head = b"Content-Type: text/plain; charset=utf-8"
        ids = [
            (await deliver_mail(account, head + more + b"\r\n\r\n" + body)).message_id
            for more in (b"; format=flowed", b"")
        ]
    first, second = [(await browser.call("parsed_message", message_id=one))["texts"][0]["text"] for one in ids]
    assert first == "Bring the blue dish.\n> and the spoons\n-- \nMia\n"
    assert second == body.decode()


async def test_an_invitation_is_a_file_of_the_row_and_of_the_search(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-47, WEBMAIL-48: one that is another form of the text, as Outlook sends it."""
    octets = "\r\n".join(
        [
            "Subject: Budget review",
            'Content-Type: multipart/alternative; boundary="b"',
            "",
            "--b",
            "Content-Type: text/plain",
            "",
            "Priya invites you.",
            "--b",
            "Content-Type: text/calendar; method=REQUEST; charset=utf-8",
            "",
            "BEGIN:VCALENDAR",
            "--b--",
            "",
        ]
    )
    async with rig.account() as account:
        message_id = (await deliver_mail(account, octets.encode())).message_id
    item = await browser.call("message_item", message_id=message_id)
    [file] = item["attachments"]
    assert (file["path"], file["filename"], file["content_type"]) == ("0.1", "invitation.ics", "text/calendar")
    assert (await browser.call("parsed_message", message_id=message_id))["attachments"] == [file]
    answer = await browser.fetch(f"/webmail/msg/{message_id}/download/0.1")
    assert answer.body == b"BEGIN:VCALENDAR"
    assert "invitation.ics" in answer.headers["content-disposition"]


async def test_the_mailbox_of_the_queue_is_shown_and_refuses_in_clear_words(
    rig: Rig, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """IMAP-162, WEBMAIL-26: read like any other; what would change it is refused, a move to the trash cancels."""
    current = rig.accounts.options.account_config
    async with rig.account() as account:
        account.options = msgspec.structs.replace(
            account.options,
            account_config=lambda name: msgspec.structs.replace(current(name), queue_mailbox=True),  # type: ignore[type-var] # it is configured
        )
        await browser.call("calendars")  # begins what a session begins, which fits the mailbox to the queue
        await fit_queue_mailbox(account)
        await trio.testing.wait_all_tasks_blocked(0.2)
        await put_queued(account, b"1 1", await prepared(mail(1, subject="waits")), 1_790_000_000_000_000)
        queue, trash, inbox = [(await box(account, name)).id for name in ("Outgoing", "Trash", "Inbox")]
        [row] = await rows(account, "Outgoing")
        events = await browser.events(first_request("Outgoing"))
        try:
            start = await events.next()
        finally:
            await events.aclose()
        assert start["mailbox_name"] == "Outgoing"
        item = await browser.call("message_item", message_id=row.id)
        assert (item["subject"], item["flags"]) == ("waits", ["\\seen"])
        assert (await browser.call("parsed_message", message_id=row.id))["texts"]
        for name, parameters, words in (
            ("flags_add", {"message_ids": [row.id], "flags": ["\\flagged"]}, "only shows queued messages"),
            ("flags_clear", {"message_ids": [row.id], "flags": ["\\seen"]}, "only shows queued messages"),
            ("message_delete", {"message_ids": [row.id]}, "to cancel a message, move it"),
            ("message_move", {"message_ids": [row.id], "mailbox_id": inbox}, "only move messages in Outgoing"),
            ("mailbox_rename", {"mailbox_id": queue, "name": "Mine"}, "managed by the server"),
            ("mailbox_delete", {"mailbox_id": queue}, "managed by the server"),
            ("mailbox_set_special_use", {"mailbox_id": queue, "roles": ["archive"]}, "managed by the server"),
            ("mailbox_create", {"name": "Outgoing/sub"}, "is reserved"),
        ):
            answer = await browser.post(name, parameters)
            assert (answer.status, answer.json["error"]["code"]) == (400, "user:error"), (name, answer.body)
            assert words in answer.json["error"]["message"]
        await browser.call("flags_add", message_ids=[row.id], flags=["\\seen"])
        await browser.call("mailboxes_mark_read", mailbox_ids=[queue])
        await browser.call("message_move", message_ids=[row.id], mailbox_id=trash, mark_seen=True)
        assert [one.id for one in await rows(account, "Trash")] == [row.id]
        await soon(lambda: "messages canceled" in caplog.messages)
