"""Mailboxes of others in the webmail: what is shown, what the rights allow, and that nothing else can be reached."""

import time
from typing import Any, NoReturn
from urllib.parse import urlencode

import pytest
import trio

from moxlite.store.accounts.access import publish_shares
from moxlite.store.changelog.account import Account
from moxlite.store.errors import StorageBroken
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.collection import Kind, ensure_defaults
from moxlite.store.groupware.sharing import shared_collections
from moxlite.store.mail.acl import rights_of, visible
from moxlite.store.mail.delegates import WHOLE, Delegate, set_delegate
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.facts import MessageFacts, SMTPFacts
from moxlite.store.mail.mailboxes import create_mailbox, rename_mailbox, set_special_use
from moxlite.store.types import Flag, SpecialUse
from moxlite.web.calls import calls_of
from moxlite.web.webmail.api import API
from moxlite.web.webmail.live import streams, subscriptions
from tests.store_mail import box, deliver_mail, mail, put, rows
from tests.web_rig import Browser, Events, Rig, first_request
from tests.web_sharing import SALES, SECRET, mia, opened, share, shared_of, tom

pytestmark = pytest.mark.served

__all__ = ["mia", "tom"]

FORM = "application/x-www-form-urlencoded"
WRITTEN: dict[str, Any] = {
    "from": {"name": "", "address": "mia@example.org"},
    "to": [{"name": "", "address": "mia@example.org"}],
    **{name: [] for name in ("cc", "bcc", "reply_to", "uploads", "references")},
    **dict.fromkeys(("subject", "text", "in_reply_to"), ""),
    "message_id": "<written@mail.example.org>",
}
"""A message as typed."""


async def change_of(events: Events, kind: str) -> Any:
    """The next change of a kind."""
    while True:
        for change in (await events.until("view_changes"))["changes"]:
            if change["kind"] == kind:
                return change


async def test_shared_mailboxes_are_told_with_owner_and_rights(rig: Rig, tom: Account, mia: Browser) -> None:
    """WEBMAIL-62, WEBMAIL-34: those that may be read; the others, and messages in them, are not there."""
    await share(rig, "lrs")
    await share(rig, "l", "Sales/Old")
    events, start, items = await opened(mia)
    others = [one for one in start["mailboxes"] if one["owner"]]
    assert [(one["name"], one["owner"], one["rights"], one["total"]) for one in others] == [(SALES, "tom", "lrs", 3)]
    assert start["mailbox_name"] == SALES
    assert [thread[0]["mailbox_id"] for thread in items] == [others[0]["id"]] * 3
    assert len({thread[0]["id"] for thread in items}) == 3
    parsed = await mia.call("parsed_message", message_id=items[0][0]["id"])
    assert parsed["id"] == items[0][0]["id"]
    await events.aclose()


async def test_how_often_a_sender_wrote_is_the_owners(rig: Rig, tom: Account, mia: Browser) -> None:
    """WEBMAIL-62: counted over all mail and contacts of the owner, it would tell a guest whom the owner knows."""
    await share(rig, "lr")
    facts = MessageFacts(smtp=SMTPFacts(msgfrom="a", msgfrom_domain="example.com"))
    delivered = await deliver_mail(tom, mail(9), (await box(tom, "Sales")).name, facts=facts)
    events, _, items = await opened(mia)
    [shown] = [thread[0]["id"] for thread in items if thread[0]["id"] & 0xFFFFFFFF == delivered.message_id]
    assert (await mia.call("parsed_message", message_id=shown))["earlier"] is None
    await events.aclose()


async def test_rights_come_and_go_while_the_page_is_open(rig: Rig, tom: Account, mia: Browser) -> None:
    """WEBMAIL-62: a grant appears, what the owner changes arrives, and with the rights the view goes."""
    events, start, _ = await opened(mia, "Inbox")
    assert [one for one in start["mailboxes"] if one["owner"]] == []
    await share(rig, "lr")
    [sales] = await shared_of(events)
    assert (sales["name"], sales["rights"]) == (SALES, "lr")
    await share(rig, "lrs")
    assert [one["rights"] for one in await shared_of(events)] == ["lrs"]
    ask = {"id": 2, "stream_id": start["stream_id"], "view_id": 2, "page": {"count": 50}}
    await mia.call("request", request={**ask, "query": {"filter": {"mailbox_id": sales["id"]}}})
    while (await events.until("view_msgs"))["items"]:
        pass
    await put(tom, 1, "Sales", first=9)
    item = (await change_of(events, "msg_add"))["item"]
    assert item["mailbox_id"] == sales["id"]
    await deliver_mail(tom, SECRET)  # not shared: nothing is told of it
    await tom.write(lambda tx: expunge_ids(tx, [item["id"] & 0xFFFFFFFF]))
    removed = await change_of(events, "msg_remove")
    assert removed["message_ids"] == [item["id"]]
    inside = (await box(tom, "Sales")).id
    await tom.write(lambda tx: rename_mailbox(tx, inside, "Shop"))
    assert [one["name"] for one in await shared_of(events)] == ["Other Users/tom/Shop"]
    await share(rig, "", "Shop")
    assert await shared_of(events) == []
    await put(tom, 1, "Shop", first=20)
    await mia.call("request", request={**ask, "id": 3, "page": {"count": 5, "position": 0}})
    assert (await events.until("view_err"))["request_id"] == 3
    assert (await mia.error("parsed_message", message_id=item["id"]))[0] == 404
    await events.aclose()


async def test_a_stream_that_comes_back_hears_what_is_shared_now(rig: Rig, tom: Account, mia: Browser) -> None:
    """WEBMAIL-44, WEBMAIL-62."""
    await share(rig, "lr")
    events, start, _ = await opened(mia, "Inbox")
    await events.aclose()
    await share(rig, "")
    events = await mia.events(first_request("Inbox"), since=start["modseq"])
    assert (await events.next())["shared"] == []
    await events.aclose()


async def test_an_owner_who_cannot_be_read_is_told_once(
    rig: Rig, tom: Account, mia: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-43, WEBMAIL-62: the account is tried again and again; the browser hears when that changes something."""
    await share(rig, "lr")
    tries = trio.Semaphore(0)

    def broken(*_: object) -> NoReturn:
        tries.release()
        raise StorageBroken("no page of it can be read")

    monkeypatch.setattr(streams, "SESSION_CHECK", 0.05)
    with monkeypatch.context() as fault:
        fault.setattr(subscriptions, "visited", broken)
        events, start, _ = await opened(mia, "Inbox")
        assert [one for one in start["mailboxes"] if one["owner"]] == []
        with trio.fail_after(60):
            for _ in range(4):
                await tries.acquire()
        await deliver_to(rig, "mia")
        kinds: list[str] = []
        while "msg_add" not in kinds:
            kinds += [change["kind"] for change in (await events.until("view_changes"))["changes"]]
        assert "mailboxes_shared" not in kinds
    assert [one["name"] for one in await shared_of(events)] == [SALES]
    await events.aclose()


async def test_threads_show_nothing_of_what_is_not_shared(rig: Rig, tom: Account, mia: Browser) -> None:
    """WEBMAIL-62, WEBMAIL-66: a thread may reach into other mailboxes of its owner."""
    reply = SECRET.replace(b"<1@x>", b"<2@x>\r\nReferences: <1@x>").replace(b"unseen words", b"shown words")
    await deliver_mail(tom, reply, "Sales")
    await share(rig, "lrt")
    request = first_request(SALES)
    request["query"]["threading"] = "on"
    events = await mia.events(request)
    await events.until("start")
    page = (await events.until("view_msgs"))["items"]
    threads = [[item["subject"] for item in thread] for thread in page]
    assert ["private"] in threads
    assert max(map(len, threads)) == 1
    assert all(item["preview"] != "unseen words" for thread in page for item in thread)
    await events.aclose()


async def test_a_right_is_needed_for_each_thing(rig: Rig, tom: Account, mia: Browser) -> None:
    """WEBMAIL-62, IMAP-157: `s` for read, `w` for flags and labels, `t` and `e` to take away, `i` to put in."""
    await share(rig, "lr")
    events, start, items = await opened(mia)
    await events.aclose()
    one, two, three = (thread[0]["id"] for thread in items)
    sales = next(box["id"] for box in start["mailboxes"] if box["owner"])
    inbox = next(box["id"] for box in start["mailboxes"] if box["name"] == "Inbox")
    own = await deliver_to(rig, "mia")
    refused = (403, "user:notAllowed")
    assert await mia.error("flags_add", message_ids=[one], flags=["\\seen"]) == refused
    assert await mia.error("mailboxes_mark_read", mailbox_ids=[sales]) == refused
    assert await mia.error("message_delete", message_ids=[one]) == refused
    assert await mia.error("message_move", message_ids=[one], mailbox_id=inbox) == refused
    assert await mia.error("message_move", message_ids=[own], mailbox_id=sales) == refused
    await share(rig, "lrs")
    await mia.call("flags_add", message_ids=[one], flags=["\\seen"])
    assert await mia.error("flags_add", message_ids=[one], flags=["\\flagged"]) == refused
    assert await mia.error("flags_add", message_ids=[one], flags=["work"]) == refused
    await mia.call("mailboxes_mark_read", mailbox_ids=[sales])
    assert all(row.flags & Flag.SEEN for row in await rows(tom, "Sales"))
    await share(rig, "lrswte")
    await mia.call("flags_add", message_ids=[one], flags=["\\flagged", "work"])
    await mia.call("message_delete", message_ids=[two])
    await mia.call("message_move", message_ids=[one], mailbox_id=inbox)
    async with rig.account("mia") as account:
        moved = [row for row in await rows(account) if row.flags & Flag.FLAGGED]
    assert [row.keywords for row in moved] == [("work",)]
    assert [row.id for row in await rows(tom, "Sales")] == [three & 0xFFFFFFFF]
    assert await mia.error("message_move", message_ids=[own], mailbox_id=sales) == refused
    await share(rig, "lri")
    await mia.call("message_move", message_ids=[own], mailbox_id=sales)
    assert len(await rows(tom, "Sales")) == 2


async def deliver_to(rig: Rig, name: str) -> int:
    """A message in an account's Inbox; its id."""
    async with rig.account(name) as account:
        return int((await deliver_mail(account, mail(7))).message_id)


async def test_archive_and_trash_are_the_owners(rig: Rig, tom: Account, mia: Browser) -> None:
    """WEBMAIL-62: within the owner's account a message stays itself, and the move can be taken back."""
    await tom.write(lambda tx: set_special_use(tx, create_mailbox(tx, "Put away")[-1].id, SpecialUse.ARCHIVE))
    await share(rig, "lrswte")
    await share(rig, "lrswite", "Put away")
    events, start, items = await opened(mia)
    await events.aclose()
    roles = {box["roles"][0]: box["id"] for box in start["mailboxes"] if box["owner"] and box["roles"]}
    one = items[0][0]["id"]
    await mia.call("message_move", message_ids=[one], mailbox_id=roles["archive"], mark_seen=True)
    assert [row.id for row in await rows(tom, "Put away")] == [one & 0xFFFFFFFF]
    refused = await mia.error(
        "message_move",
        message_ids=[one],
        mailbox_id=items[0][0]["mailbox_id"],
        from_mailbox_id=roles["archive"],
    )
    assert refused == (403, "user:notAllowed"), "without `i` in Sales it can't come back"
    await share(rig, "lrswi")
    back = {"mailbox_id": items[0][0]["mailbox_id"], "from_mailbox_id": roles["archive"]}
    await mia.call("message_move", message_ids=[one], **back)
    assert (await rows(tom, "Put away"), len(await rows(tom, "Sales"))) == ([], 3)
    await mia.call("message_move", message_ids=[one], **back)  # it isn't there any more: nothing is moved


async def test_what_is_read_over_http_follows_the_rights(rig: Rig, tom: Account, mia: Browser) -> None:
    """WEBMAIL-49, WEBMAIL-50, WEBMAIL-62, WEBMAIL-85, WEBMAIL-113: pages, raw octets, and exports of messages."""
    await share(rig, "lr")
    events, _, items = await opened(mia)
    await events.aclose()
    one = items[0][0]["id"]
    hidden = one >> 32 << 32 | int((await rows(tom))[0].id)
    kinds = ["raw", "rawdl", "text", "msgtext", "msgtexts", "attachments.zip", "view/0", "viewtext/0", "download/0"]
    for kind in kinds:
        assert (await mia.fetch(f"/webmail/msg/{one}/{kind}")).status == 200
    for wrong in (hidden, one & 0xFFFFFFFF, one + (1 << 32), (1 << 52) + 1):
        for kind in kinds:
            assert (await mia.fetch(f"/webmail/msg/{wrong}/{kind}")).status == 404
    form = {"csrf": mia.csrf, "format": "mbox", "archive": "none"}

    async def export(**fields: str) -> int:
        body = urlencode({**form, **fields}).encode()
        answer = await mia.fetch("/webmail/export", method="POST", headers={"content-type": FORM}, body=body)
        assert b"unseen" not in answer.body
        return answer.status

    assert await export(messageids=str(one)) == 200
    assert await export(messageids=f"{one},{hidden}") == 404
    assert await export(mailbox=SALES) == 400
    await share(rig, "")
    assert await export(messageids=str(one)) == 404
    for kind in kinds:
        assert (await mia.fetch(f"/webmail/msg/{one}/{kind}")).status == 404


async def test_a_shared_mailbox_is_searched_with_those_below_it(rig: Rig, tom: Account, mia: Browser) -> None:
    """WEBMAIL-38, WEBMAIL-62: what is not shared is not found, below or in all mailboxes."""
    await share(rig, "lr")
    events, start, _ = await opened(mia)
    sales = next(box["id"] for box in start["mailboxes"] if box["owner"])
    ask = {"stream_id": start["stream_id"], "page": {"count": 50}}

    async def found(view_id: int, **criteria: Any) -> list[str]:
        query = {"filter": {"mailbox_children_included": True, "words": ["words"], **criteria}}
        await mia.call("request", request={**ask, "id": view_id, "view_id": view_id, "query": query})
        subjects: list[str] = []
        while (page := await events.until("view_msgs"))["items"] or page["view_id"] != view_id:
            subjects += [thread[0]["subject"] for thread in page["items"]]
        return subjects

    assert await found(2, mailbox_id=sales) == []
    assert await found(3, mailbox_id=-2) == []
    await share(rig, "lr", "Sales/Old")
    assert len(await shared_of(events)) == 2
    assert await found(4, mailbox_id=sales) == ["private"]
    await share(rig, "", "Sales/Old")
    assert len(await shared_of(events)) == 1
    await mia.call("request", request={**ask, "id": 5, "view_id": 4, "page": {"count": 5, "position": 0}})
    assert (await events.until("view_err"))["request_id"] == 5
    await events.aclose()


async def test_an_answer_from_a_shared_mailbox_is_ones_own(rig: Rig, tom: Account, mia: Browser) -> None:
    """WEBMAIL-62, WEBMAIL-90..92: text and files come along, From is the guest's address, and the owner's message stays
    as it was.
    """
    text = b"Content-Type: text/plain\r\n\r\nquoted\r\n"
    file = b"Content-Disposition: attachment; filename=a.txt\r\n\r\nfile\r\n"
    body = b"--b\r\n" + text + b"--b\r\n" + file + b"--b--\r\n"
    head = b"From: a@example.net\r\nTo: tom@example.org\r\nSubject: plan\r\nMIME-Version: 1.0\r\n"
    await deliver_mail(tom, head + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + body, "Sales")
    await share(rig, "lr")
    events, _, items = await opened(mia)
    await events.aclose()
    one = next(thread[0]["id"] for thread in items if thread[0]["subject"] == "plan")
    begun = await mia.call("compose_prepare", kind="reply", message_id=one)
    assert begun["from"]["address"] == "mia@example.org"
    assert "> quoted" in begun["text"]
    before = await rows(tom, "Sales")
    forwarded = await mia.call("compose_prepare", kind="forward", message_id=one)
    assert [upload["filename"] for upload in forwarded["uploads"]] == ["a.txt"]
    draft = {
        **WRITTEN,
        "text": forwarded["text"],
        "uploads": [upload["upload_id"] for upload in forwarded["uploads"]],
        "original_id": one,
        "original_flag": "forwarded",
    }
    saved = await mia.post("draft_save", {"draft": draft, "save_id": "0" * 32})
    assert saved.status == 200, saved.body
    assert await rows(tom, "Sales") == before


WITHOUT_IDS = {
    "birthdays",
    "draft_find",
    "account_later_list",
    "account_later_stop",
    "address_add",
    "address_off",
    "address_on",
    "import_abort",
    "import_state",
    "file_import_state",
    "file_import_stop",
    "inbox_unread",
    "messages_waiting",
    "login_prep",
    "login",
    "login_factor",
    "logout",
    "token",
    "decode_mime_words",
    "settings_save",
    "from_address_settings_save",
    "sorting_notices",
    "account_vacation_set",
    "upload_remove",
    "label_save",
    "label_remove",
    "newsletters",
    "address_books",
    "contacts_doubles",
    "contact",
    "contact_remove",
    "contact_restore",
    "contact_save",
    "contacts",
    "contacts_import",
    "contact_group_remove",
    "contact_groups",
    "group_members",
    "template_remove",
    "template_save",
    "templates",
    "export_prep",
    "confirm_options",
    "confirm",
    "newsletter_archive",
    "notices",
    "notices_choose",
    "notices_remove",
    "notices_subscribe",
    "notices_test",
    "complete_recipient",
    "hand_on",
    "calendars",
    "calendar_save",
    "calendar_remove",
    "calendar_link_list",
    "calendar_link_make",
    "calendar_link_rm",
    "calendar_refresh",
    "calendar_subscribe",
    "calendar_guests",
    "calendar_share",
    "contacts_share",
    "alarms",
    "alarm_seen",
    "calendar_view",
    "calendar_import",
    "busy_times",
    "deleted_list",
    "deleted_restore",
    "events",
    "event_search",
    "events_with",
    "event",
    "event_save",
    "event_remove",
    "event_undo",
    "event_answer",
    "event_propose",
    "event_news",
    "event_news_seen",
    "provider_name",
    "provider_login",
    "provider_finish",
    "provider_logout",
    "provider_confirm",
    "provider_confirmed",
    "label_counts",
    "recipient_security",
    "outbox",
    "outbox_count",
    "delivery_retry",
    "delivery_cancel",
}
"""Calls that name nothing of an account's; the last two name rows of the queue, which knows whose they are."""


@pytest.mark.parametrize("rights", ["", "l", "lrswitekxa"])
async def test_no_call_reaches_what_is_not_shared(
    rig: Rig, tom: Account, mia: Browser, monkeypatch: pytest.MonkeyPatch, rights: str
) -> None:
    """WEBMAIL-62, WEBMAIL-113: every call with ids of messages and mailboxes that the user may not read, whatever they
    may do in another mailbox of the same owner; each is refused, and nothing is another afterwards.
    """
    await share(rig, rights)
    hidden = await rows(tom)
    [(_, number)] = await rig.auth.sharing.numbered_owners("mia", 9) if rights else [("tom", 1)]
    message = number << 32 | int(hidden[0].id)
    mailbox = number << 32 | int((await box(tom)).id)
    own = await deliver_to(rig, "mia")
    async with rig.account("mia") as account:
        inbox = int((await box(account)).id)
    values: dict[str, Any] = {
        "message_id": message,
        "message_ids": [message],
        "mailbox_id": mailbox,
        "mailbox_ids": [mailbox],
        "from_mailbox_id": mailbox,
        "to_mailbox_id": mailbox,
        "beside": mailbox,
        "first_id": message,
        "messages": 1,
        "size": 1,
        "flags": ["\\seen"],
        "mute": True,
        "by_post": True,
        "until": int(time.time()) + 3600,
        "send_at": 0,
        "collapse": True,
        "roles": ["archive"],
        "name": "Mine",
        "kind": "reply",
        "never": "message",
        "draft_id": message,
        "replaces": message,
        "save_id": "0" * 32,
        "submit_id": "1" * 32,
        "path": "0",
        "start": "2026-07-01",
        "end": "2026-07-02",
        "accept": True,
        "active": True,
        "answer": "yes",
        "book_id": mailbox,
        "contact_id": message,
        "contact_ids": [message],
        "others": [message],
        "guest": "mia",
        "subject": "Read",
        "text": "It was read.",
    }
    answers: dict[str, tuple[int, str]] = {}
    for name, entry in calls_of(*API).items():
        if name in WITHOUT_IDS:
            continue
        fields = [field for field in entry.parameters.__struct_fields__ if field in values]
        given = {field: values[field] for field in fields}
        if name == "query_action":
            query = {"filter": {"mailbox_id": mailbox}}
            given = {"action": {"query": query, "modseq": 1 << 40, "action": "flags_add", "flags": ["\\seen"]}}
        elif name == "contacts_group":
            given["group"] = "Crew"
        elif name in ("search_glance", "files"):
            given = {"query": {"filter": {"mailbox_id": mailbox}}}
        elif name == "request":
            given = {"request": {"id": 1, "view_id": 1, "stream_id": message}}
        elif name in ("draft_save", "message_submit"):
            given["draft" if name == "draft_save" else "message"] = WRITTEN
        answer = await mia.post(name, given)
        answers[name] = (answer.status, answer.body.decode())
    allowed = {name: answer for name, answer in answers.items() if answer[0] not in (403, 404, 409)}
    assert set(answers) == set(calls_of(*API)) - WITHOUT_IDS
    # declining a rule for a mailbox that isn't there, and archiving a message that is gone, do nothing
    assert set(allowed) <= {"ruleset_never", "notice_archive"}, allowed
    answering = {**WRITTEN, "original_id": message, "original_flag": "answered"}
    await mia.call("draft_save", draft=answering, save_id="2" * 32)
    await mia.call("message_submit", message=answering, submit_id="3" * 32)
    for target in (mailbox, message):
        assert (await mia.error("message_move", message_ids=[own], mailbox_id=target))[0] == 404
    assert (await mia.error("message_move", message_ids=[message], mailbox_id=inbox))[0] == 404
    assert (await mia.error("flags_add", message_ids=[own, message], flags=["\\seen"]))[0] == 404
    assert await rows(tom) == hidden
    events = await mia.events({**first_request(), "query": {"filter": {"mailbox_id": mailbox}}})
    start = await events.until("start")
    assert start["mailbox_name"] == "Inbox"
    found = (await events.until("view_msgs"))["items"]
    assert [thread[0]["id"] for thread in found] == [own], "one's own Inbox"
    ask = {"id": 2, "stream_id": start["stream_id"], "view_id": 2, "page": {"count": 50}}
    for wrong in (mailbox, number << 32 | 99_999, 77 << 32 | 1):
        await mia.call("request", request={**ask, "query": {"filter": {"mailbox_id": wrong}}})
        assert (await events.until("view_err"))["view_id"] == 2
    await events.aclose()


async def test_an_answer_in_a_shared_mailbox_is_the_owners_by_right(rig: Rig, tom: Account, mia: Browser) -> None:
    """WEBMAIL-90, SMTP-189: From is the address that the message came to, from which the user may write; a draft keeps
    it, and the menu has it.
    """
    await share(rig, "lr")
    letter = mail(9).replace(b"Subject:", b"Cc: Tom <tom@example.org>, mia@example.org\r\nSubject:", 1)
    answered = await deliver_mail(tom, letter, "Sales")
    events, start, items = await opened(mia)
    [shown] = [thread[0]["id"] for thread in items if thread[0]["id"] & 0xFFFFFFFF == answered.message_id]
    [sales] = [one["id"] for one in start["mailboxes"] if one["owner"] == "tom"]

    async def authors() -> list[str]:
        asked: list[dict[str, Any]] = [
            {"kind": kind, "message_id": shown} for kind in ("reply", "reply_all", "forward")
        ]
        begun = [await mia.call("compose_prepare", **one) for one in [*asked, {"kind": "new", "mailbox_id": sales}]]
        assert all(one["name"] == begun[0]["name"] for one in begun)
        others = {one["address"] for one in begun[1]["to"] + begun[1]["cc"]} - {"anton@example.com"}
        assert others == {"mia@example.org" if begun[1]["senders"] else "tom@example.org"}
        return [one["from"]["address"] for one in begun]

    assert await authors() == ["mia@example.org"] * 4
    await tom.write(lambda tx: set_delegate(tx, Delegate("mia", "behalf")))
    assert await authors() == ["tom@example.org"] * 4
    begun = await mia.call("compose_prepare", kind="new")
    assert begun["from"]["address"] == "mia@example.org"
    assert [(one["owner"], one["address"], one["on_behalf"]) for one in begun["senders"]] == [
        ("tom", "tom@example.org", True)
    ]
    message = WRITTEN | {"from": {"name": "Tom", "address": "tom@example.org"}}
    draft = await mia.call("draft_save", draft=message, save_id="0" * 32)
    assert (await mia.call("compose_prepare", kind="edit", message_id=draft))["from"] == message["from"]
    await tom.write(lambda tx: set_delegate(tx, Delegate("mia", "as", ends=1)))
    assert await authors() == ["mia@example.org"] * 4
    await events.aclose()


async def test_a_delegate_of_the_whole_account_has_all_of_it_until_the_end(
    rig: Rig, tom: Account, mia: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SMTP-189a: all mailboxes, also those made later, calendars and address books, while the page is open; nothing of
    it after the end.
    """
    events, start, _ = await opened(mia, "Inbox")
    assert [one for one in start["mailboxes"] if one["owner"]] == []
    ends = time.time_ns() // 1000 + 3_600_000_000
    await tom.write(lambda tx: set_delegate(tx, Delegate("mia", "as", ends, whole=True)))
    await publish_shares(rig.auth, tom)
    shown = {one["name"]: one["rights"] for one in await shared_of(events)}
    assert {"Other Users/tom/Inbox", SALES, "Other Users/tom/Sales/Old"} <= shown.keys()
    assert set(shown.values()) == {WHOLE}
    await tom.write(lambda tx: create_mailbox(tx, "New"))
    new = await box(tom, "New")

    def all_rights(r: Reader) -> tuple[str, list[bool], bool]:
        kinds: tuple[Kind, ...] = ("calendar", "contact")
        found = [one for kind in kinds for one in shared_collections(r, kind, "mia")]
        return rights_of(r, new.id, "mia"), [one.writable for one in found], bool(visible(r, "mia", 100))

    await tom.write(ensure_defaults)
    rights, writable, seen = await tom.read(all_rights, op="test")
    assert (rights, set(writable), seen) == (WHOLE, {True}, True)
    monkeypatch.setattr("moxlite.store.mail.delegates.time.time_ns", lambda: (ends + 1) * 1000)
    assert await tom.read(all_rights, op="test") == ("", [], False)
    await events.aclose()
