"""Taking back what was sent, by the calls of the webmail (WEBMAIL-123)."""

from pathlib import Path

import pytest
import trio

from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import SUBMIT
from moxlite.store.delivery.submission import Submission
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.types import Flag
from moxlite.submission.carrying import carrier
from moxlite.web.composing import sending
from tests.session.test_web_compose import (
    TOM,
    Queue,
    call_id,
    carried,
    messages,
    octets_of,
    parsed,
    queue,
    upload,
    written,
)
from tests.store_mail import deliver_mail
from tests.tools import eventually
from tests.web_rig import Browser, Rig

__all__ = ["queue"]

pytestmark = pytest.mark.served

ORIGINAL = b"From: tom@example.net\r\nTo: mia@example.org\r\nSubject: x\r\nMessage-ID: <o@example.net>\r\n\r\nx\r\n"
LATE = (409, "user:conflict")


async def counted(rig: Rig) -> int:
    """Recipients that count against the limits of the day."""
    async with rig.account() as account:
        return int(await account.read(lambda r: r.value("SELECT count(*) FROM outgoing"), op="test"))


async def test_a_message_is_taken_back_with_all_that_sending_it_did(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-123, STORE-94: it is a draft again, whole; nothing goes out, is counted, marked or suggested by it."""
    async with rig.account() as account:
        original = (await deliver_mail(account, ORIGINAL)).message_id
    file = await upload(browser, "a.bin", b"content")
    fields: dict[str, object] = {
        "bcc": [{"name": "", "address": "secret@example.net"}],
        "uploads": [file["upload_id"]],
    }
    fields |= {"original_id": original, "original_flag": "answered", "in_reply_to": "<o@example.net>"}
    message = written(references=["<o@example.net>"], **fields)
    draft = await browser.call("draft_save", draft=message, save_id=call_id())
    submit_id = call_id()
    send = {"message": message, "submit_id": submit_id, "draft_id": draft, "undo_s": 10}
    assert await browser.call("message_submit", **send) == 10
    assert 0 < await browser.call("message_submit", **send) <= 10
    [sent] = await messages(rig, "Sent")
    assert await messages(rig, "Drafts") == []
    assert (await messages(rig, "Inbox"))[0].flags & Flag.ANSWERED
    assert await counted(rig) == 2
    await carried(rig, queue, 0)

    again = await browser.call("message_submit_undo", submit_id=submit_id)
    assert await browser.call("message_submit_undo", submit_id=submit_id) == again
    assert await messages(rig, "Sent") == []
    [kept] = await messages(rig, "Drafts")
    assert (kept.id, kept.id, kept.flags) == (again, sent.id, Flag.SEEN | Flag.DRAFT)
    found = parsed(await octets_of(rig, again))
    assert (found["bcc"], found["in-reply-to"]) == ("secret@example.net", "<o@example.net>")
    assert [part.get_content() for part in found.iter_attachments()] == [b"content"]
    assert not (await messages(rig, "Inbox"))[0].flags & (Flag.ANSWERED | Flag.NOTJUNK)
    assert await counted(rig) == 0
    assert (await browser.call("complete_recipient", search="tom"))["parties"] == []
    await carried(rig, queue, 0)

    await browser.call("message_submit", message=message, submit_id=call_id(), draft_id=again)
    [out] = await carried(rig, queue)
    assert len(out.submission.recipients) == 2
    assert await messages(rig, "Drafts") == []
    assert (await messages(rig, "Inbox"))[0].flags & Flag.ANSWERED


async def test_what_is_not_taken_back_goes_out_by_itself(
    rig: Rig, browser: Browser, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-123: once, and then it is too late to take it back."""
    monkeypatch.setattr(sending, "MARGIN", 0)
    submit_id = call_id()
    assert await browser.call("message_submit", message=written(), submit_id=submit_id, undo_s=1) == 1
    await eventually(lambda: len(queue.taken) == 1)
    assert await browser.error("message_submit_undo", submit_id=submit_id) == LATE
    assert await browser.call("message_submit", message=written(), submit_id=submit_id, undo_s=1) == 0
    assert len(await messages(rig, "Sent")) == 1
    assert await messages(rig, "Drafts") == []
    await carried(rig, queue)


async def test_what_the_queue_is_about_to_get_is_not_taken_back(
    rig: Rig, browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-123: between the first look at a row whose time has come and its end in the outbox."""
    monkeypatch.setattr(sending, "MARGIN", 0)
    reached, go = trio.Event(), trio.Event()

    class Slow(Queue):
        async def submit(self, submission: Submission, spool: Spool) -> list[int]:
            reached.set()
            await go.wait()
            return await super().submit(submission, spool)

    queue = Slow()
    rig.accounts.register_outbox(SUBMIT, carrier(queue.submit, tmp_path, frozenset))
    submit_id = call_id()
    await browser.call("message_submit", message=written(), submit_id=submit_id, undo_s=1)
    await reached.wait()
    assert await browser.error("message_submit_undo", submit_id=submit_id) == LATE
    go.set()
    await eventually(lambda: len(queue.taken) == 1)
    assert len(await messages(rig, "Sent")) == 1


async def test_a_copy_that_another_client_removed_stays_removed(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-123: the message does not go out, and there is no draft of it: the page has what was typed."""
    submit_id = call_id()
    await browser.call("message_submit", message=written(), submit_id=submit_id, undo_s=60)
    [sent] = await messages(rig, "Sent")
    async with rig.account() as account:
        await account.write(lambda tx: expunge_ids(tx, [sent.id]))
    assert await browser.call("message_submit_undo", submit_id=submit_id) == 0
    assert await browser.call("message_submit_undo", submit_id=submit_id) == 0
    assert await messages(rig, "Drafts") == []
    await carried(rig, queue, 0)


async def test_another_answer_keeps_the_mark_of_what_it_answers(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-123: only the first of two answers is taken back."""
    async with rig.account() as account:
        original = (await deliver_mail(account, ORIGINAL)).message_id
    ids = [call_id(), call_id()]
    for number, submit_id in enumerate(ids):
        answer = {"in_reply_to": "<o@example.net>", "references": ["<o@example.net>"], "original_id": original}
        answer |= {"message_id": f"<{number}@mail.example.org>", "subject": "Re: x", "original_flag": "answered"}
        message = written(**answer)
        await browser.call("message_submit", message=message, submit_id=submit_id, undo_s=60)
    await browser.call("message_submit_undo", submit_id=ids[0])
    assert (await messages(rig, "Inbox"))[0].flags & Flag.ANSWERED
    assert len(await messages(rig, "Sent")) == 1


async def test_what_cannot_be_taken_back_is_refused(rig: Rig, browser: Browser, queue: Queue) -> None:
    """WEBMAIL-123: a message that was sent at once, one that is unknown, a time that is too long."""
    submit_id = call_id()
    assert await browser.call("message_submit", message=written(), submit_id=submit_id) == 0
    assert await browser.error("message_submit_undo", submit_id=submit_id) == LATE
    assert await browser.error("message_submit_undo", submit_id=call_id()) == LATE
    wrong = {"message": written(to=[TOM]), "submit_id": call_id(), "undo_s": 61}
    assert (await browser.post("message_submit", wrong)).status == 400
    assert await messages(rig, "Drafts") == []
    await carried(rig, queue)
