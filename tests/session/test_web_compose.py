"""Writing mail by the calls of the webmail: what begins, what is kept, what goes out (WEBMAIL-28, 87..100)."""

import base64
import email
import email.policy
import json
import os
import time
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
import trio
import trio.testing

from moxlite.store.content.body import message_range
from moxlite.store.content.spool import Spool
from moxlite.store.content.uploads import PIECE_SIZE
from moxlite.store.delivery.perform import SUBMIT
from moxlite.store.delivery.submission import Submission
from moxlite.store.mail.delegates import Delegate, set_delegate
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.rows.messages import rows_by_uid
from moxlite.store.types import Flag, MessageRow
from moxlite.submission.carrying import carrier
from tests.store_mail import deliver_mail
from tests.web_rig import DOMAINS, Browser, Rig, open_rig

pytestmark = pytest.mark.served

LARGE = 20 << 20
"""Octets of a file (WEBMAIL-151)."""
ME = {"name": "", "address": "mia@example.org"}
TOM = {"name": "Tom", "address": "tom@example.net"}


class Carried(msgspec.Struct):
    """What came to the queue."""

    submission: Submission
    octets: bytes

    @property
    def parsed(self) -> EmailMessage:
        found = email.message_from_bytes(self.submission.prefix + self.octets, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        return found


class Queue:
    """In the place of the queue: it takes a key once."""

    def __init__(self) -> None:
        self.taken: list[Carried] = []
        self.calls = 0

    async def submit(self, submission: Submission, spool: Spool) -> list[int]:
        self.calls += 1
        if all(one.submission.key != submission.key for one in self.taken):
            self.taken.append(Carried(submission, spool.whole()))
        return [1]


@pytest.fixture
def queue(rig: Rig, tmp_path: Path) -> Queue:
    found = Queue()
    rig.accounts.register_outbox(SUBMIT, carrier(found.submit, tmp_path, frozenset))
    return found


def written(**fields: Any) -> dict[str, Any]:
    """A message as the composer sends it."""
    return {
        "from": ME,
        "to": [TOM],
        "cc": [],
        "bcc": [],
        "reply_to": [],
        "subject": "Minutes",
        "text": "Hello.\n",
        "uploads": [],
        "message_id": "<1@mail.example.org>",
        "in_reply_to": "",
        "references": [],
        **fields,
    }


async def used_pages(rig: Rig) -> int:
    """Octets of the account's file that are in use."""
    async with rig.account() as account:

        def read(r: Any) -> int:
            pages, free, size = (r.value(f"PRAGMA {name}") for name in ("page_count", "freelist_count", "page_size"))
            return int((pages - free) * size)

        return await account.read(read, op="test")


def call_id() -> str:
    return os.urandom(16).hex()


async def upload(browser: Browser, name: str, content: bytes, kind: str = "application/pdf") -> dict[str, Any]:
    headers = {"content-type": kind, "x-moxlite-csrf": browser.csrf}
    target = f"/webmail/upload?filename={quote(name)}"
    answer = await browser.fetch(target, method="POST", headers=headers, body=content)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json["result"]
    return found


async def messages(rig: Rig, mailbox: str, name: str = "mia") -> list[MessageRow]:
    async with rig.account(name) as account:

        def read(r: Any) -> list[MessageRow]:
            box = mailbox_by_name(r, mailbox)
            return [] if box is None else rows_by_uid(r, box.id, 1)

        return await account.read(read, op="test")


async def octets_of(rig: Rig, message_id: int) -> bytes:
    async with rig.account() as account:
        return await account.scan(lambda r: message_range(r, message_id), op="test")


async def carried(rig: Rig, queue: Queue, count: int = 1) -> list[Carried]:
    """What came to the queue once the outbox has been carried over."""
    async with rig.accounts.use("mia") as account:
        await account.carrier.once()
    assert len(queue.taken) == count
    return queue.taken


def parsed(octets: bytes) -> EmailMessage:
    found = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def files(message: EmailMessage) -> list[tuple[str | None, bytes]]:
    return [(part.get_filename(), part.get_content()) for part in message.iter_attachments()]


async def test_a_message_goes_out_and_a_copy_to_sent(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-98, WEBMAIL-99: the copy has the Bcc, what goes out has not."""
    message = written(
        to=[{"name": "Zoë Müller", "address": "zoe@example.net"}],
        bcc=[{"name": "", "address": "secret@example.net"}],
        text="A long line. " * 40 + "\n> quoted\nFrom here on.\n",
        subject="Grüße aus Köln",
    )
    await browser.call("message_submit", message=message, submit_id=call_id())
    [sent] = await messages(rig, "Sent")
    assert sent.flags == Flag.SEEN | Flag.NOTJUNK
    copy = parsed(await octets_of(rig, sent.id))
    [out] = await carried(rig, queue)
    assert copy["bcc"] == "secret@example.net"
    assert b"secret@example.net" not in out.octets + out.submission.prefix
    assert {str(one.address) for one in out.submission.recipients} == {"zoe@example.net", "secret@example.net"}
    assert str(out.submission.mail_from) == "mia@example.org"
    assert out.parsed["subject"] == copy["subject"] == "Grüße aus Köln"
    assert out.parsed["to"] == "Zoë Müller <zoe@example.net>"
    assert out.parsed["received"].startswith("from mail.example.org by mail.example.org")
    assert out.parsed["date"]
    assert out.parsed["message-id"] == "<1@mail.example.org>"
    assert out.parsed.get_content_type() == "text/plain"
    assert out.parsed.get_param("format") == "flowed"
    assert max(map(len, out.octets.split(b"\r\n"))) <= 78
    assert copy.get_content() == out.parsed.get_content()


async def test_a_text_that_is_attached_says_its_charset(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-97: UTF-8 where the octets are; a reader would take it for ASCII (RFC 2045 §5.2)."""
    wanted = {"a.txt": b"plain", "b.csv": "Größe".encode(), "c.txt": "Größe".encode("latin-1")}
    kinds = {"a.txt": "text/plain", "b.csv": "text/csv", "c.txt": "text/plain"}
    ids = [(await upload(browser, name, wanted[name], kinds[name]))["upload_id"] for name in wanted]
    await browser.call("message_submit", message=written(uploads=ids), submit_id=call_id())
    [out] = await carried(rig, queue)
    parts = {part.get_filename(): part for part in out.parsed.iter_attachments()}
    assert {name: part.get_payload(decode=True) for name, part in parts.items()} == wanted
    assert [parts[name].get_content_charset() for name in wanted] == [None, "utf-8", None]


async def test_attachments_arrive_octet_for_octet(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-28, WEBMAIL-97: forty of them, with names in any script."""
    wanted = [(f"плён {n} „x“.bin", os.urandom(1 + n * 977)) for n in range(40)]
    ids = [(await upload(browser, name, content))["upload_id"] for name, content in wanted]
    await browser.call("message_submit", message=written(uploads=ids), submit_id=call_id())
    [out] = await carried(rig, queue)
    assert files(out.parsed) == wanted
    [sent] = await messages(rig, "Sent")
    assert files(parsed(await octets_of(rig, sent.id))) == wanted


async def test_a_message_of_25_megabytes_goes_out(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-28, WEBMAIL-97."""
    content = os.urandom(25 << 20)
    found = await upload(browser, "film.mp4", content, "video/mp4")
    assert found["size"] == len(content)
    assert found["content_type"] == "video/mp4"
    await browser.call("message_submit", message=written(uploads=[found["upload_id"]]), submit_id=call_id())
    [out] = await carried(rig, queue)
    assert files(out.parsed) == [("film.mp4", content)]


async def test_a_repeated_call_sends_nothing_again(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-100: also when both come at once, and after the draft has gone."""
    draft = await browser.call("draft_save", draft=written(), save_id=call_id())
    submit_id = call_id()

    async def send() -> None:
        await browser.call("message_submit", message=written(), submit_id=submit_id, draft_id=draft)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        nursery.start_soon(send)
    await send()
    assert len(await messages(rig, "Sent")) == 1
    assert await messages(rig, "Drafts") == []
    await carried(rig, queue)
    await carried(rig, queue)


async def test_a_message_is_not_sent_again_under_another_id(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-100: a browser that was killed while it sent has an older copy, which knows nothing of the call."""
    await browser.call("message_submit", message=written(), submit_id=call_id())
    again = written(message_id="<1@MAIL.example.org>", text="Hello, a")
    assert await browser.error("message_submit", message=again, submit_id=call_id()) == (409, "user:sent")
    assert await browser.error("draft_save", draft=again, save_id=call_id()) == (409, "user:sent")
    assert len(await messages(rig, "Sent")) == 1
    assert await messages(rig, "Drafts") == []
    await carried(rig, queue)
    # another message is another matter
    await browser.call("message_submit", message=written(message_id="<2@mail.example.org>"), submit_id=call_id())
    await carried(rig, queue, 2)


async def test_a_message_from_a_shared_address_is_kept_there(rig: Rig, browser: Browser, queue: Queue) -> None:
    """SMTP-189, WEBMAIL-98: once, with a copy in Sent of the owner alone. Without the right the draft stays."""
    message = written(**{"from": {"name": "Team", "address": "tom@example.org"}})
    draft, submit_id = await browser.call("draft_save", draft=message, save_id=call_id()), call_id()
    asked = {"message": message, "submit_id": submit_id, "draft_id": draft}
    refused = await browser.post("message_submit", asked)
    assert b"you can't send from tom@example.org" in refused.body
    assert len(await messages(rig, "Drafts")) == 1
    async with rig.account("tom") as tom:
        await tom.write(lambda tx: set_delegate(tx, Delegate("mia", "as")))
        later = await browser.post("message_submit", asked | {"send_at": int(time.time()) + 3600})
        assert b"you can't schedule messages from tom@example.org" in later.body
        for _ in range(2):
            assert await browser.call("message_submit", **asked, undo_s=10) == 0
        await tom.carrier.once()
    assert len(await messages(rig, "Sent", "tom")) == 1
    assert await messages(rig, "Sent") == []
    assert await messages(rig, "Drafts") == []
    [sent] = queue.taken
    assert (sent.submission.account, sent.parsed["From"]) == ("mia", "Team <tom@example.org>")


async def test_what_is_refused_changes_nothing(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-89, WEBMAIL-98, WEBMAIL-100: the answer names the field."""
    draft = await browser.call("draft_save", draft=written(), save_id=call_id())
    for fields, text in (
        ({"subject": "a\nBcc: x@example.net"}, "subject: control characters"),
        ({"to": [{"name": "", "address": "tom at example.net"}]}, "to: tom at example.net"),
        ({"to": []}, "to: add a recipient"),
        ({"from": TOM}, "from: you can't send from tom@example.net"),
        ({"to": [{"name": "a\r\nX: y", "address": "tom@example.net"}]}, "to: control characters"),
        ({"uploads": ["A" * 22]}, "attachments: "),
        ({"references": ["<a\n@b>"]}, "references: "),
    ):
        message = written(**fields)
        answer = await browser.post("message_submit", {"message": message, "submit_id": call_id(), "draft_id": draft})
        assert answer.status == 400, answer.body
        assert answer.json["error"]["message"].startswith(text)
    assert await messages(rig, "Sent") == []
    assert [row.id for row in await messages(rig, "Drafts")] == [draft]
    await carried(rig, queue, 0)


async def test_a_limit_names_its_setting_and_nothing_is_kept(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-98, SMTP-116."""
    many = [{"name": "", "address": f"a{n}@example.net"} for n in range(500)]
    for _ in range(2):
        await browser.post("message_submit", {"message": written(to=many), "submit_id": call_id()})
    answer = await browser.post("message_submit", {"message": written(to=many), "submit_id": call_id()})
    assert answer.status == 400
    assert "max_" in answer.json["error"]["message"]
    async with rig.accounts.use("mia") as account:
        await account.carrier.once()
    assert len(await messages(rig, "Sent")) == len(queue.taken) < 3


async def test_an_account_that_is_stopped_is_told_and_keeps_its_draft(tmp_path: Path) -> None:
    """SMTP-170, WEBMAIL-98: with words that say what to do; nothing goes to Sent."""
    domains = DOMAINS.replace("[accounts.mia]\n", "[accounts.mia]\nmax_recipients_per_hour = 1\n")
    async with trio.open_nursery() as nursery:
        rig = await open_rig(tmp_path, nursery, domains=domains)
        browser = rig.browser()
        await browser.log_in()
        draft = await browser.call("draft_save", draft=written(), save_id=call_id())
        sent = 0
        with trio.fail_after(60):  # what was accepted is carried to the queue a moment later
            while True:
                to = [TOM, {"name": "", "address": "ann@example.net"}]
                two = written(to=to, message_id=f"<{sent + 2}@mail.example.org>")
                answer = await browser.post("message_submit", {"message": two, "submit_id": call_id()})
                if answer.status != 200:
                    break
                sent += 1
        assert (sent > 0, answer.status) == (True, 400)
        assert "Contact your administrator" in answer.json["error"]["message"]
        arguments = {"message": written(), "submit_id": call_id(), "draft_id": draft}
        assert (await browser.post("message_submit", arguments)).status == 400
        assert len(await messages(rig, "Sent")) == sent
        assert [row.id for row in await messages(rig, "Drafts")] == [draft]
        nursery.cancel_scope.cancel()


async def test_a_draft_is_kept_whole_and_replaced(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-88: with its files; what is half-typed is no obstacle."""
    file = await upload(browser, "notes.txt", b"line\nline", "text/plain")
    half = [TOM, {"name": "", "address": "an unfinished addr"}]
    save_id = call_id()
    first = await browser.call("draft_save", draft=written(to=half, uploads=[file["upload_id"]]), save_id=save_id)
    assert first == await browser.call("draft_save", draft=written(subject="other"), save_id=save_id)
    [row] = await messages(rig, "Drafts")
    assert (row.id, row.flags) == (first, Flag.SEEN | Flag.DRAFT)
    kept = parsed(await octets_of(rig, first))
    assert kept["to"] == "Tom <tom@example.net>"
    assert [name for name, _ in files(kept)] == ["notes.txt"]
    text = "Better. " * 30
    second = await browser.call("draft_save", draft=written(text=text), save_id=call_id(), replaces=first)
    assert [row.id for row in await messages(rig, "Drafts")] == [second]
    refused = await browser.error("draft_save", draft=written(), save_id=call_id(), replaces=first)
    assert refused == (409, "user:conflict")
    begun = await browser.call("compose_prepare", kind="edit", message_id=second)
    assert begun["text"].rstrip("\n") == text.rstrip()
    await browser.call("draft_remove", draft_id=second)
    assert await messages(rig, "Drafts") == []


async def test_a_draft_is_replaced_by_its_message_id_too(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-88: a browser that was killed may not remember that it has saved the message."""
    first = await browser.call("draft_save", draft=written(), save_id=call_id())
    other = await browser.call("draft_save", draft=written(message_id="<2@mail.example.org>"), save_id=call_id())
    second = await browser.call("draft_save", draft=written(text="More.\n"), save_id=call_id())
    assert [row.id for row in await messages(rig, "Drafts")] == [other, second]
    # what knows its draft replaces that one alone, and nothing when it is gone
    assert await browser.error("draft_save", draft=written(), save_id=call_id(), replaces=first) == (
        409,
        "user:conflict",
    )
    assert [row.id for row in await messages(rig, "Drafts")] == [other, second]


async def test_a_draft_that_is_newer_than_a_copy_is_found(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-88: by the Message-ID of the copy, and how old the copy is, seconds."""
    name = written()["message_id"]
    assert await browser.call("draft_find", message_id=name, seconds=60) == 0
    draft = await browser.call("draft_save", draft=written(), save_id=call_id())
    assert await browser.call("draft_find", message_id=name, seconds=60) == draft
    assert await browser.call("draft_find", message_id="<other@x.example>", seconds=60) == 0
    async with rig.account() as account:
        await account.write(lambda tx: tx.execute("UPDATE message SET received = received - 61000000"))
    assert await browser.call("draft_find", message_id=name, seconds=60) == 0


async def test_a_message_that_is_sent_takes_its_forgotten_draft_away(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-88, WEBMAIL-100: a browser that was killed while it sent may not know of the draft."""
    await browser.call("draft_save", draft=written(), save_id=call_id())
    await browser.call("message_submit", message=written(), submit_id=call_id())
    assert await messages(rig, "Drafts") == []
    assert len(await messages(rig, "Sent")) == 1


async def test_a_draft_comes_back_with_its_files(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-88: also when the files of the browser have long gone."""
    content = os.urandom(3 << 20)
    file = await upload(browser, "a.bin", content)
    draft = await browser.call("draft_save", draft=written(uploads=[file["upload_id"]]), save_id=call_id())
    await browser.call("upload_remove", upload_id=file["upload_id"])
    begun = await browser.call("compose_prepare", kind="edit", message_id=draft)
    assert begun["to"] == [TOM]
    assert begun["subject"] == "Minutes"
    ids = [one["upload_id"] for one in begun["uploads"]]
    await browser.call("message_submit", message=written(uploads=ids), submit_id=call_id(), draft_id=draft)
    [out] = await carried(rig, queue)
    assert files(out.parsed) == [("a.bin", content)]
    assert await messages(rig, "Drafts") == []


async def test_an_older_copy_of_a_draft_that_was_sent_is_refused(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-100: a draft keeps its Message-ID when it is edited, so that a browser which was killed and comes back
    with the copy of before makes no draft of what has gone out.
    """
    draft = await browser.call("draft_save", draft=written(), save_id=call_id())
    begun = await browser.call("compose_prepare", kind="edit", message_id=draft)
    assert begun["message_id"] == written()["message_id"]
    message = written(message_id=begun["message_id"], text="More.\n")
    await browser.call("message_submit", message=message, submit_id=call_id(), draft_id=draft)
    assert await browser.error("draft_save", draft=written(), save_id=call_id()) == (409, "user:sent")
    assert await messages(rig, "Drafts") == []
    [sent] = await messages(rig, "Sent")
    again = await browser.call("compose_prepare", kind="edit", message_id=sent.id)
    assert again["message_id"] != begun["message_id"]


async def test_a_reply_begins_with_what_it_answers(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-90, WEBMAIL-91, WEBMAIL-92, WEBMAIL-99, WEBMAIL-82: and the original is marked."""
    octets = (
        b"From: Ann <ann@example.net>\r\nTo: MIA@example.org, bob@example.net\r\nSubject: Re: Boats\r\n"
        b"Message-Id: <b@x>\r\nReferences: <a@x>\r\n\r\nWhich boat?\r\n"
    )
    async with rig.account() as account:
        original = (await deliver_mail(account, octets)).message_id
    begun = await browser.call("compose_prepare", kind="reply_all", message_id=original, when="Friday")
    assert begun["from"]["address"].lower() == "mia@example.org"
    assert [one["address"] for one in begun["to"]] == ["ann@example.net", "bob@example.net"]
    assert (begun["subject"], begun["in_reply_to"], begun["references"]) == ("Re: Boats", "<b@x>", ["<a@x>", "<b@x>"])
    assert begun["text"].startswith("On Friday, Ann wrote:\n> ")
    message = written(
        **{key: begun[key] for key in ("from", "to", "subject", "text", "in_reply_to", "references", "message_id")},
        original_id=original,
        original_flag="answered",
    )
    await browser.call("message_submit", message=message, submit_id=call_id())
    [out] = await carried(rig, queue)
    assert (out.parsed["in-reply-to"], out.parsed["references"]) == ("<b@x>", "<a@x> <b@x>")
    assert (await messages(rig, "Inbox"))[0].flags & (Flag.ANSWERED | Flag.NOTJUNK) == Flag.ANSWERED | Flag.NOTJUNK


async def test_a_message_is_forwarded_as_it_is(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-92: as an attachment with a name, octet for octet."""
    octets = "From: ann@example.net\r\nSubject: Über Boote\r\n\r\nText\r\n".encode()
    async with rig.account() as account:
        original = (await deliver_mail(account, octets)).message_id
    begun = await browser.call("compose_prepare", kind="forward_attached", message_id=original)
    [file] = begun["uploads"]
    assert file["content_type"] == "message/rfc822"
    assert begun["subject"] == "Fwd: Über Boote"
    message = written(uploads=[file["upload_id"]], original_id=original, original_flag="forwarded")
    await browser.call("message_submit", message=message, submit_id=call_id())
    [out] = await carried(rig, queue)
    assert await octets_of(rig, original) in out.octets
    [attached] = out.parsed.iter_attachments()
    assert (attached.get_content_type(), attached.get_filename()) == ("message/rfc822", file["filename"])
    assert (await messages(rig, "Inbox"))[0].flags & Flag.FORWARDED


async def test_files_of_what_is_forwarded_come_along_and_can_be_left_out(
    rig: Rig, browser: Browser, queue: Queue
) -> None:
    """WEBMAIL-92: in the text, all of them are files of the new message; one that was taken away does not go."""
    original = EmailMessage()
    original["From"], original["Subject"] = "ann@example.net", "Plans"
    original.set_content("Two plans.\n")
    contents = {name: os.urandom(2000) for name in ("one.pdf", "two.pdf")}
    for name, content in contents.items():
        original.add_attachment(content, maintype="application", subtype="pdf", filename=name)
    async with rig.account() as account:
        forwarded = (await deliver_mail(account, original.as_bytes(policy=email.policy.SMTP))).message_id
    begun = await browser.call("compose_prepare", kind="forward", message_id=forwarded, when="Friday")
    assert [one["filename"] for one in begun["uploads"]] == ["one.pdf", "two.pdf"]
    assert "Subject: Plans\n" in begun["text"]
    kept = begun["uploads"][1]["upload_id"]
    message = written(uploads=[kept], original_id=forwarded, original_flag="forwarded")
    await browser.call("message_submit", message=message, submit_id=call_id())
    [out] = await carried(rig, queue)
    assert files(out.parsed) == [("two.pdf", contents["two.pdf"])]


async def test_a_large_message_that_is_sent_is_stored_once(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-151: the copy in Sent is what goes out; the queue's note of it holds no second one."""
    file = await upload(browser, "large.bin", os.urandom(LARGE))
    before = await used_pages(rig)
    await browser.call("message_submit", message=written(uploads=[file["upload_id"]]), submit_id=call_id())
    grown = await used_pages(rig) - before
    assert LARGE < grown < 2 * LARGE
    [sent] = await messages(rig, "Sent")
    [out] = await carried(rig, queue)
    assert out.octets in await octets_of(rig, sent.id)
    assert await used_pages(rig) - before <= grown


async def test_an_upload_is_bounded_and_guarded(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-28: without the token of the session nothing is taken, and nothing that is too large."""
    answer = await browser.fetch("/webmail/upload?filename=a", method="POST", body=b"x")
    assert answer.status == 401
    limit = rig.holder.current.listener("local").max_message_size
    headers = {"x-moxlite-csrf": browser.csrf, "content-type": "text/plain"}
    codec, octets = browser.request("POST", "/webmail/upload?filename=a", headers, b"x")
    octets = octets.replace(b"content-length: 1\r\n", b"content-length: %d\r\n" % limit)
    async with rig.connect() as stream:
        await stream.send_all(octets)
        codec.receive_data(bytes(await stream.receive_some()))
        assert b"413" in bytes(codec.trailing_data[0]) or getattr(codec.next_event(), "status_code", 0) == 413
    async with rig.account() as account:
        assert await account.read(lambda r: r.value("SELECT count(*) FROM upload"), op="test") == 0


async def test_an_upload_goes_on_where_it_was_cut(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-28: in pieces with a key of the browser; what came before a cut is kept, and nothing is stored twice."""
    content = os.urandom(3 * PIECE_SIZE + 1000)
    headers = {"content-type": "video/mp4", "x-moxlite-csrf": browser.csrf}

    def target(start: int, size: int = len(content)) -> str:
        return f"/webmail/upload?filename=film.mp4&key={'k' * 21}A&start={start}&size={size}"

    async def send(start: int, octets: bytes) -> dict[str, Any]:
        answer = await browser.fetch(target(start), method="POST", headers=headers, body=octets)
        json: dict[str, Any] = answer.json
        return json

    assert await send(0, content[: PIECE_SIZE + 500]) == {"result": {"received": PIECE_SIZE}}
    # an answer was lost: the page asks without a body, or sends what is there already
    for octets in (b"", content[:PIECE_SIZE]):
        assert await send(0, octets) == {"result": {"received": PIECE_SIZE}}
    _, whole = browser.request("POST", target(PIECE_SIZE), headers, content[PIECE_SIZE:])
    async with rig.connect() as stream, rig.account() as account:
        await stream.send_all(whole[: whole.index(content[PIECE_SIZE : PIECE_SIZE + 100]) + PIECE_SIZE + 10])
        while await account.read(lambda r: r.value("SELECT size FROM upload"), op="test") < 2 * PIECE_SIZE:
            await trio.testing.wait_all_tasks_blocked()
    assert await send(PIECE_SIZE, b"") == {"result": {"received": 2 * PIECE_SIZE}}
    file = (await send(2 * PIECE_SIZE, content[2 * PIECE_SIZE :]))["result"]
    assert file == (await send(0, b""))["result"]
    assert (file["filename"], file["content_type"], file["size"]) == ("film.mp4", "video/mp4", len(content))
    await browser.call("message_submit", message=written(uploads=[file["upload_id"]]), submit_id=call_id())
    [sent] = await messages(rig, "Sent")
    assert base64.b64encode(content)[:60] in await octets_of(rig, sent.id)
    assert "error" in await send(-1, b"")
    limit = rig.holder.current.listener("local").max_message_size
    assert (await browser.fetch(target(0, limit), method="POST", headers=headers, body=b"")).status == 413


async def test_an_upload_that_takes_too_long_is_refused(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-28: it is no fault of the server."""

    async def stalled(*_: object, **__: object) -> None:
        await trio.sleep_forever()

    monkeypatch.setattr("moxlite.web.webmail.calls.composing.receive_upload", stalled)
    monkeypatch.setattr("moxlite.web.webmail.calls.composing.UPLOAD_DEADLINE", 0.0)
    fields = {"x-moxlite-csrf": browser.csrf, "content-type": "text/plain"}
    answer = await browser.fetch("/webmail/upload?filename=a", method="POST", headers=fields, body=b"x")
    assert (answer.status, answer.json["error"]["message"]) == (400, "the upload took too long")


async def test_a_message_type_that_is_none_becomes_octets(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-28: an .eml whose lines a message may not have is not put among them."""
    for kind in ("message/rfc822", "multipart/mixed", "x", "text/plain\x01", "a/b/c"):
        assert (await upload(browser, "a/b\\c", b"\n\r\0", kind))["content_type"] == "application/octet-stream"


async def test_addresses_are_completed(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-93."""
    await browser.call("message_submit", message=written(), submit_id=call_id())
    found = await browser.call("complete_recipient", search="TOM")
    assert found == {"parties": [TOM], "complete": True, "groups": []}
    assert json.loads(json.dumps(await browser.call("complete_recipient", search="zz")))["parties"] == []


async def test_a_device_gets_all_names_for_times_without_a_connection(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-93: an empty text finds contacts and people of mail alike, each once."""
    await browser.call("message_submit", message=written(), submit_id=call_id())
    emails = [{"value": f"ada{n}@work.example", "kind": ""} for n in range(3)]
    contact = {"name": "Ada", "emails": emails, "phones": [], "organization": "", "note": "", "groups": []}
    await browser.call("contact_save", contact=contact)
    found = await browser.call("complete_recipient", search="")
    assert found["complete"]
    assert TOM in found["parties"]
    assert [one["address"] for one in found["parties"] if one["name"] == "Ada"] == [
        f"ada{n}@work.example" for n in range(3)
    ]
