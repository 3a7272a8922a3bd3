"""A mailbox for a team in the webmail: several people write from its address (docs/team.md)."""

import base64
import email
import email.policy
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import trio

from moxlite.store.accounts.access import publish_shares
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.auth.audit import AuditFilter
from moxlite.store.auth.credentials import change_password
from moxlite.store.content.body import message_range
from moxlite.store.delivery.answers import FADES
from moxlite.store.delivery.perform import SUBMIT
from moxlite.store.errors import NoSuchMailbox
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.acl import set_rights
from moxlite.store.mail.delegates import Delegate, Sends, remove_delegate, set_delegate
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.mailboxes import mailbox_for
from moxlite.store.rows.mailboxes import MAX_PER_MAILBOX, MAX_PER_MESSAGE, mailbox_by_name, mailboxes
from moxlite.store.rows.messages import rows_by_uid
from moxlite.store.types import Flag, MessageRow, SpecialUse
from moxlite.submission.carrying import carrier
from moxlite.web.webmail.holders import Holders
from tests.browsing import PASSWORD
from tests.jmap_rig import Client
from tests.session.imapd_harness import Client as IMAPClient
from tests.session.test_web_compose import Queue, call_id, upload, written
from tests.session.test_web_shared import change_of
from tests.store_mail import box, deliver_mail, mail, rows
from tests.web_rig import ADDRESS, DOMAINS, STATIC, Browser, Rig, open_rig
from tests.web_sharing import opened
from tests.webapi import Client as WebAPI

if TYPE_CHECKING:
    from moxlite.store.auth.sessions import Session

pytestmark = pytest.mark.served

TEAM = {"name": "Support", "address": "support@example.org"}
HOUSE = (
    DOMAINS
    + """
[accounts.ben]
domain = "example.org"
[accounts.ben.destinations."ben@example.org"]

[accounts.support]
domain = "example.org"
login_disabled = "This mailbox is shared."
[accounts.support.destinations."support@example.org"]

[accounts.sales]
domain = "example.org"
login_disabled = "This mailbox is shared."
[accounts.sales.destinations."sales@example.org"]
"""
)
PROGRAMS = """
[listeners.programs]
ips = ["127.0.0.1"]
imap = { enabled = true, port = 1143, require_tls = false }
submission = { enabled = true, port = 1587, require_tls = false }
jmap_http = { enabled = true, port = 83 }
webapi_http = { enabled = true, port = 84 }
"""


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with trio.open_nursery() as nursery:
        found = await open_rig(tmp_path, nursery, static=STATIC + PROGRAMS, domains=HOUSE)
        async with found.account("ben") as ben:
            await change_password(ben, PASSWORD)
        yield found
        nursery.cancel_scope.cancel()


@pytest.fixture
async def support(rig: Rig) -> AsyncIterator[OpenAccount]:
    """The shared mailbox, with mia and ben as members, who have all of it."""
    async with rig.account("support") as account:
        for name in ("mia", "ben"):
            await let(rig, account, name, "as")
        yield account


@pytest.fixture
async def mia(rig: Rig) -> Browser:
    found = rig.browser()
    await found.log_in()
    return found


@pytest.fixture
async def ben(rig: Rig) -> Browser:
    found = rig.browser()
    await found.log_in("ben@example.org")
    return found


@pytest.fixture
def queue(rig: Rig, tmp_path: Path) -> Queue:
    found = Queue()
    rig.accounts.register_outbox(SUBMIT, carrier(found.submit, tmp_path, frozenset))
    return found


async def let(rig: Rig, support: OpenAccount, name: str, sends: Sends | None, *, whole: bool = True) -> None:
    """Make a member of an account, or let one go."""
    if sends is None:
        await support.write(lambda tx: remove_delegate(tx, name))
    else:
        await support.write(lambda tx: set_delegate(tx, Delegate(name, sends, whole=whole)))
    await publish_shares(rig.auth, support)


async def there(rig: Rig, name: str, mailbox: str) -> list[MessageRow]:
    """The messages of a mailbox, in the order of their UIDs."""
    async with rig.account(name) as account:

        def read(r: Any) -> list[MessageRow]:
            found = mailbox_by_name(r, mailbox)
            return [] if found is None else rows_by_uid(r, found.id, 1)

        return await account.read(read, op="test")


async def counts(rig: Rig, mailbox: str) -> dict[str, int]:
    """How many messages each account has in a mailbox."""
    return {name: len(await there(rig, name, mailbox)) for name in ("support", "mia", "ben")}


async def text_of(rig: Rig, row: MessageRow) -> bytes:
    async with rig.account("support") as account:
        return await account.scan(lambda r: message_range(r, row.id), op="test")


def team(**fields: Any) -> dict[str, Any]:
    """A message from the shared address."""
    return written(**{"from": TEAM} | fields)


async def test_a_draft_from_a_shared_address_is_the_teams(
    rig: Rig, support: OpenAccount, mia: Browser, ben: Browser, queue: Queue
) -> None:
    """WEBMAIL-88b: it is in Drafts of the shared mailbox alone; another member opens it again with its files, and
    sends it. Who saves or sends an older state of it hears so.
    """
    file = await upload(mia, "plan.pdf", b"the plan")
    save_id = call_id()
    first = await mia.call("draft_save", draft=team(uploads=[file["upload_id"]]), save_id=save_id)
    assert await mia.call("draft_save", draft=team(uploads=[file["upload_id"]]), save_id=save_id) == first
    assert await counts(rig, "Drafts") == {"support": 1, "mia": 0, "ben": 0}
    begun = await ben.call("compose_prepare", kind="edit", message_id=first)
    assert (begun["from"], begun["text"].strip()) == (TEAM, "Hello.")
    assert [one["filename"] for one in begun["uploads"]] == ["plan.pdf"]
    edited = team(text="Hello from Ben.\n", uploads=[begun["uploads"][0]["upload_id"]])
    second = await ben.call("draft_save", draft=edited, save_id=call_id(), replaces=first)
    assert await counts(rig, "Drafts") == {"support": 1, "mia": 0, "ben": 0}
    stale = {"draft": team(text="Older.\n"), "save_id": call_id(), "replaces": first}
    assert await mia.error("draft_save", **stale) == (409, "user:conflict")
    older = {"message": team(), "submit_id": call_id(), "draft_id": first}
    assert await mia.error("message_submit", **older) == (409, "user:conflict")
    assert await mia.error("draft_remove", draft_id=first) == (409, "user:conflict")
    [draft] = await there(rig, "support", "Drafts")
    assert b"Hello from Ben." in await text_of(rig, draft)
    assert await mia.call("draft_find", message_id=team()["message_id"], seconds=60, author=TEAM["address"]) == second
    await ben.call("message_submit", message=edited, submit_id=call_id(), draft_id=second)
    await support.carrier.once()
    assert await counts(rig, "Drafts") == {"support": 0, "mia": 0, "ben": 0}
    assert await counts(rig, "Sent") == {"support": 1, "mia": 0, "ben": 0}
    [sent] = queue.taken
    assert (sent.submission.account, b"the plan" in sent.octets or b"dGhlIHBsYW4" in sent.octets) == ("ben", True)
    assert await mia.error("draft_save", draft=team(), save_id=call_id()) == (409, "user:sent")


async def test_a_draft_moves_with_its_author(rig: Rig, support: OpenAccount, mia: Browser, queue: Queue) -> None:
    """WEBMAIL-88b: another address in From has the draft kept where that belongs; there is one at any time."""
    draft = await mia.call("draft_save", draft=written(), save_id=call_id())
    assert await counts(rig, "Drafts") == {"support": 0, "mia": 1, "ben": 0}
    shared = await mia.call("draft_save", draft=team(), save_id=call_id(), replaces=draft)
    assert await counts(rig, "Drafts") == {"support": 1, "mia": 0, "ben": 0}
    back = await mia.call("draft_save", draft=written(), save_id=call_id(), replaces=shared)
    assert await counts(rig, "Drafts") == {"support": 0, "mia": 1, "ben": 0}
    assert await mia.error("draft_save", draft=team(), save_id=call_id(), replaces=shared) == (409, "user:conflict")
    shared = await mia.call("draft_save", draft=team(), save_id=call_id(), replaces=back)
    await mia.call("message_submit", message=written(), submit_id=call_id(), draft_id=shared)
    assert await counts(rig, "Drafts") == {"support": 0, "mia": 0, "ben": 0}
    assert await counts(rig, "Sent") == {"support": 0, "mia": 1, "ben": 0}


async def test_a_draft_of_one_team_is_sent_by_another(
    rig: Rig, support: OpenAccount, mia: Browser, ben: Browser, queue: Queue
) -> None:
    """WEBMAIL-88b: From was changed before the draft was saved again; it is gone, and one that was changed elsewhere
    meanwhile is not sent.
    """
    async with rig.account("sales") as sales:
        await let(rig, sales, "mia", "as")
        older = await mia.call("draft_save", draft=team(), save_id=call_id())
        draft = await ben.call("draft_save", draft=team(text="More.\n"), save_id=call_id(), replaces=older)
        message = written(**{"from": {"name": "Sales", "address": "sales@example.org"}})
        stale = {"message": message, "submit_id": call_id(), "draft_id": older}
        assert await mia.error("message_submit", **stale) == (409, "user:conflict")
        assert await there(rig, "sales", "Sent") == []
        for _ in range(2):
            await mia.call("message_submit", **stale | {"draft_id": draft})
        assert len(await there(rig, "sales", "Sent")) == 1
    assert await counts(rig, "Drafts") == await counts(rig, "Sent") == {"support": 0, "mia": 0, "ben": 0}


async def test_a_draft_stays_with_a_member_who_is_let_go(
    rig: Rig, support: OpenAccount, mia: Browser, queue: Queue
) -> None:
    """WEBMAIL-88b, SMTP-189: sending is refused in words; what was written is kept in own Drafts from then on."""
    shared = await mia.call("draft_save", draft=team(), save_id=call_id())
    await let(rig, support, "mia", None)
    refused = await mia.post("message_submit", {"message": team(), "submit_id": call_id(), "draft_id": shared})
    assert (refused.status, b"you can't send from support@example.org" in refused.body) == (400, True)
    assert await counts(rig, "Drafts") == {"support": 1, "mia": 0, "ben": 0}
    own = await mia.call("draft_save", draft=team(text="Mine.\n"), save_id=call_id(), replaces=shared)
    assert await counts(rig, "Drafts") == {"support": 1, "mia": 1, "ben": 0}
    begun = await mia.call("compose_prepare", kind="edit", message_id=own)
    assert (begun["from"]["address"], begun["text"].strip()) == ("mia@example.org", "Mine.")
    assert await mia.error("compose_prepare", kind="edit", message_id=shared) == (404, "user:notFound")
    assert await mia.error("draft_remove", draft_id=shared) == (409, "user:conflict")
    assert await mia.error("draft_save", draft=written(), save_id=call_id(), replaces=shared) == (409, "user:conflict")
    await mia.call("draft_remove", draft_id=own)
    await support.carrier.once()
    assert (queue.taken, await counts(rig, "Sent")) == ([], {"support": 0, "mia": 0, "ben": 0})


async def test_an_error_while_drafts_are_open_is_told(rig: Rig, support: OpenAccount) -> None:
    """WEBMAIL-88b: a mailbox that is missed there is no reason to take the user's own account."""
    session = cast("Session", SimpleNamespace(account="mia"))
    with pytest.raises(NoSuchMailbox):
        async with Holders(rig.accounts, rig.auth).drafts(session, "support") as holder:
            raise NoSuchMailbox(holder.owner)


@pytest.mark.parametrize("rights", ["lr", "lrswite"])
async def test_who_may_not_send_changes_no_draft_of_the_team(
    rig: Rig, support: OpenAccount, mia: Browser, ben: Browser, rights: str
) -> None:
    """WEBMAIL-88b, WEBMAIL-96: whatever the rights to its mailboxes are, as a call about drafts."""
    draft = await ben.call("draft_save", draft=team(), save_id=call_id())
    later = {"submit_id": call_id(), "send_at": int(time.time()) + 3600}
    await ben.call("message_submit", message=team(message_id="<2@mail.example.org>"), **later)
    [waiting] = await ben.call("messages_waiting")
    await let(rig, support, "mia", None)
    for name in ("Drafts", "Scheduled"):
        there_id = (await box(support, name)).id
        await support.write(lambda tx, there_id=there_id: set_rights(tx, there_id, "mia", rights))  # type: ignore[misc]
    await publish_shares(rig.auth, support)
    assert (await mia.call("compose_prepare", kind="edit", message_id=draft))["text"].strip() == "Hello."
    conflict = (409, "user:conflict")
    assert await mia.error("draft_remove", draft_id=draft) == conflict
    assert await mia.error("draft_save", draft=written(), save_id=call_id(), replaces=draft) == conflict
    assert await mia.error("message_submit", message=written(), submit_id=call_id(), draft_id=draft) == conflict
    await mia.call("draft_save", draft=team(), save_id=call_id(), replaces=draft)
    assert await mia.error("scheduled_cancel", message_id=waiting["item"]["id"]) == (404, "user:notFound")
    assert await mia.error("scheduled_change", message_id=waiting["item"]["id"]) == (404, "user:notFound")
    assert await mia.call("messages_waiting") == []
    assert await counts(rig, "Drafts") == {"support": 1, "mia": 1, "ben": 0}
    assert await counts(rig, "Scheduled") == {"support": 1, "mia": 0, "ben": 0}


@pytest.mark.parametrize("rights", ["", "lr", "lrit", "lrite"])
async def test_who_may_not_work_on_the_drafts_keeps_own_ones(
    rig: Rig, support: OpenAccount, mia: Browser, queue: Queue, rights: str
) -> None:
    """WEBMAIL-88b: the right to send alone gives no rights to Drafts."""
    await let(rig, support, "mia", "behalf", whole=False)
    drafts = (await box(support, "Drafts")).id
    await support.write(lambda tx: set_rights(tx, drafts, "mia", rights))
    draft = await mia.call("draft_save", draft=team(), save_id=call_id())
    shares = rights == "lrite"
    assert await counts(rig, "Drafts") == {"support": shares, "mia": not shares, "ben": 0}
    await mia.call("message_submit", message=team(), submit_id=call_id(), draft_id=draft)
    assert await counts(rig, "Drafts") == {"support": 0, "mia": 0, "ben": 0}
    assert await counts(rig, "Sent") == {"support": 1, "mia": 0, "ben": 0}


async def counted(rig: Rig, name: str) -> int:
    """Messages that count to an account's limits."""
    async with rig.account(name) as account:
        return int(await account.read(lambda r: r.value("SELECT count(*) FROM outgoing"), op="test"))


async def carry(rig: Rig) -> None:
    """Carry over what the shared mailbox owes, to its members, too."""
    async with rig.account("support") as account:
        await account.carrier.once()


async def test_a_message_from_a_shared_address_is_taken_back(
    rig: Rig, support: OpenAccount, mia: Browser, ben: Browser, queue: Queue
) -> None:
    """WEBMAIL-123: by its writer alone; it is a draft of the team again, and counts no longer."""
    asked = {"message": team(), "submit_id": call_id()}
    assert await mia.call("message_submit", **asked, undo_s=60) == 60
    assert 0 < await mia.call("message_submit", **asked, undo_s=60) <= 60  # a repeated call
    assert (await counted(rig, "mia"), await counts(rig, "Sent")) == (1, {"support": 1, "mia": 0, "ben": 0})
    undo = {"submit_id": asked["submit_id"], "author": TEAM["address"]}
    assert await ben.error("message_submit_undo", **undo) == (409, "user:conflict")
    draft = await mia.call("message_submit_undo", **undo)
    assert await mia.call("message_submit_undo", **undo) == draft
    await carry(rig)
    assert (await counted(rig, "mia"), await counts(rig, "Sent")) == (0, {"support": 0, "mia": 0, "ben": 0})
    begun = await ben.call("compose_prepare", kind="edit", message_id=draft)
    assert begun["from"] == TEAM
    await ben.call("message_submit", message=team(), submit_id=call_id(), draft_id=draft)
    await carry(rig)
    [sent] = queue.taken
    assert (sent.submission.account, await counts(rig, "Drafts")) == ("ben", {"support": 0, "mia": 0, "ben": 0})


async def test_a_message_from_a_shared_address_is_sent_later(
    rig: Rig, support: OpenAccount, mia: Browser, ben: Browser, queue: Queue
) -> None:
    """WEBMAIL-96: it waits in the shared mailbox, where all members see who wrote it; each may make it a draft, its
    writer may send it at another time.
    """
    at = int(time.time()) + 3600
    assert await mia.call("message_submit", message=team(), submit_id=call_id(), send_at=at) == 10
    assert await counts(rig, "Scheduled") == {"support": 1, "mia": 0, "ben": 0}
    [waiting] = await ben.call("messages_waiting")
    assert (waiting["kind"], waiting["writer"], waiting["item"]["subject"]) == ("sent", "mia", "Minutes")
    number = waiting["item"]["id"]
    assert number >> 32 > 0
    refused = await ben.post("scheduled_change", {"message_id": number})
    assert (refused.status, b"only mia can change the time" in refused.body) == (403, True)
    await mia.call("scheduled_change", message_id=number, send_at=at + 60)
    [waiting] = await mia.call("messages_waiting")
    assert waiting["writer"] == ""
    number = waiting["item"]["id"]
    draft = await ben.call("scheduled_cancel", message_id=number)
    assert await counts(rig, "Drafts") == {"support": 1, "mia": 0, "ben": 0}
    await carry(rig)
    assert await counted(rig, "mia") == 0
    await ben.call("message_submit", message=team(), submit_id=call_id(), draft_id=draft, send_at=at)
    [waiting] = await mia.call("messages_waiting")
    assert waiting["writer"] == "ben"
    await ben.call("scheduled_change", message_id=waiting["item"]["id"])
    await carry(rig)
    assert await counts(rig, "Sent") == {"support": 1, "mia": 0, "ben": 0}
    [sent] = queue.taken
    assert sent.submission.account == "ben"
    assert await counted(rig, "ben") == 1


async def test_the_time_of_the_owners_message_is_the_owners(rig: Rig, mia: Browser, ben: Browser, queue: Queue) -> None:
    """WEBMAIL-96: also of one that was written before others wrote from the account; they see whose it is."""
    at = int(time.time()) + 3600
    await mia.call("message_submit", message=written(), submit_id=call_id(), send_at=at)
    async with rig.account() as own:
        await let(rig, own, "ben", "as")
        [waiting] = await ben.call("messages_waiting")
        assert waiting["writer"] == "mia"
        for send_at in (0, at + 60):
            refused = await ben.post("scheduled_change", {"message_id": waiting["item"]["id"], "send_at": send_at})
            assert (refused.status, b"only mia can change the time" in refused.body) == (403, True)
        [waiting] = await mia.call("messages_waiting")
        assert waiting["writer"] == ""
        await mia.call("scheduled_change", message_id=waiting["item"]["id"])
        await own.carrier.once()
    [sent] = queue.taken
    assert sent.submission.account == "mia"


@pytest.mark.parametrize("later", [True, False])
async def test_who_may_no_longer_write_so_changes_no_time(
    rig: Rig, support: OpenAccount, mia: Browser, queue: Queue, later: bool
) -> None:
    """SMTP-189, WEBMAIL-96: a message that does not name its writer, who has to be named from now on, stays where it
    is, scheduled or held for an undo.
    """
    when = {"send_at": int(time.time()) + 3600} if later else {"undo_s": 60}
    await mia.call("message_submit", message=team(), submit_id=call_id(), **when)
    [waiting] = await mia.call("messages_waiting")
    await let(rig, support, "mia", "behalf")
    for send_at in (0, int(time.time()) + 7200):
        refused = await mia.post("scheduled_change", {"message_id": waiting["item"]["id"], "send_at": send_at})
        assert (refused.status, b"you can no longer send from this address" in refused.body) == (403, True)
    await carry(rig)
    assert (queue.taken, await mia.call("messages_waiting")) == ([], [waiting])


async def test_a_message_that_names_its_writer_goes_out_after_its_time_was_changed(
    rig: Rig, support: OpenAccount, mia: Browser, queue: Queue
) -> None:
    """SMTP-189, WEBMAIL-96: also if that was needless in between."""
    at = int(time.time()) + 3600
    await let(rig, support, "mia", "behalf")
    await mia.call("message_submit", message=team(), submit_id=call_id(), send_at=at)
    await let(rig, support, "mia", "as")
    [waiting] = await mia.call("messages_waiting")
    await mia.call("scheduled_change", message_id=waiting["item"]["id"], send_at=at + 60)
    await let(rig, support, "mia", "behalf")
    await support.write(lambda tx: tx.execute("UPDATE outbox SET due = ?, created = due", tx.now))
    await carry(rig)
    [sent] = queue.taken
    assert b"\nSender: " in sent.octets


@pytest.mark.parametrize("author", [ADDRESS, TEAM["address"]])
async def test_a_program_says_in_one_way_who_has_written(
    rig: Rig, support: OpenAccount, queue: Queue, author: str
) -> None:
    """SMTP-111, SMTP-111a: of a message that JMAP has imported, From is written anew, and another's Sender is left out,
    when the outbox hands it over, too; the account's copy stays as it came.
    """
    await let(rig, support, "mia", "behalf")
    client = Client(rig)
    client.account = "umia" if author == ADDRESS else "usupport"
    [identity] = [one for one in (await client.call("Identity/get"))["list"] if one["email"] == author]
    [sent] = [one["id"] for one in (await client.call("Mailbox/get"))["list"] if one["role"] == "sent"]
    form = f"From: ceo@bank.example:<{author}>\r\nSender: ben@example.org\r\nTo: ann@example.net\r\n\r\nx\r\n"
    email_id = await client.imported(form.encode(), sent)
    made = await client.call("EmailSubmission/set", create={"s": {"identityId": identity["id"], "emailId": email_id}})
    assert made["notCreated"] is None
    for name in ("mia", "support"):
        async with rig.account(name) as account:
            await account.carrier.once()
    [carried] = queue.taken
    found = email.message_from_bytes(carried.submission.prefix + carried.octets)
    assert found.get_all("From") == [f'"ceo@bank.example" <{author}>']
    assert found.get_all("Sender", []) == ([] if author == ADDRESS else [f"<{ADDRESS}>"])
    [kept] = (await client.call("Email/get", ids=[email_id], properties=["header:From:asRaw"]))["list"]
    assert kept["header:From:asRaw"] == f" ceo@bank.example:<{author}>"


@pytest.mark.parametrize("sends", [None, "behalf"])
async def test_a_message_that_waits_is_not_sent_once_the_right_is_gone(
    rig: Rig, support: OpenAccount, mia: Browser, ben: Browser, queue: Queue, sends: Sends | None
) -> None:
    """SMTP-189: also one that was to name its writer from now on; the team keeps it as a draft. Its writer is told."""
    at = int(time.time()) + 3600
    await mia.call("message_submit", message=team(), submit_id=call_id(), send_at=at)
    await let(rig, support, "mia", sends)
    if sends is None:
        assert await mia.call("messages_waiting") == []
    await support.write(lambda tx: tx.execute("UPDATE outbox SET due = ?, created = due", tx.now))
    for _ in range(2):  # the second time for what the first owes
        await carry(rig)
    assert (queue.taken, await counted(rig, "mia")) == ([], 0)
    assert await counts(rig, "Sent") == {"support": 0, "mia": 0, "ben": 0}
    [draft] = await there(rig, "support", "Drafts")
    assert draft.flags & Flag.DRAFT
    assert await ben.call("messages_waiting") == []
    [notice] = await there(rig, "mia", "Inbox")
    async with rig.account("mia") as own:
        text = (await own.scan(lambda r: message_range(r, notice.id), op="test")).decode()
    assert "Message not sent" in text
    plain = email.message_from_string(text, policy=email.policy.default).get_content()
    assert "Your message “Minutes” from support@example.org wasn't sent." in plain
    assert "a draft in the shared mailbox" in plain


QUESTION = (
    b"From: jo@else.example\r\nTo: support@example.org\r\nMessage-ID: <q@else.example>\r\nSubject: Why\r\n\r\nWhy?\r\n"
)
ANSWER = {"in_reply_to": "<q@else.example>", "references": ["<q@else.example>"]}


EVA, MIA, BEN = "eva@remote.example", "mia@example.org", "ben@example.org"
OTHER = "Other Users/support/"


# (mailbox, From, To) of a message without Delivered-To, (From, To) of mia's answer
COPIES = [
    ("Inbox", TEAM["address"], (MIA, EVA), (MIA, [TEAM["address"]])),
    ("Inbox", EVA, (TEAM["address"],), (MIA, [EVA])),
    ("Inbox", MIA, (EVA,), (MIA, [EVA])),
    ("Inbox", BEN, (MIA,), (MIA, [BEN])),
    ("Sent", "mia@old.example", (EVA,), (MIA, [EVA])),
    ("Sent", MIA, (EVA, MIA), (MIA, [EVA])),
]
TEAMS = [
    (OTHER + "Inbox", EVA, (TEAM["address"],), (TEAM["address"], [EVA])),
    (OTHER + "Inbox", MIA, (TEAM["address"],), (TEAM["address"], [MIA])),
    (OTHER + "Inbox", TEAM["address"], (EVA,), (TEAM["address"], [EVA])),
    (OTHER + "Sent", "support@old.example", (EVA,), (TEAM["address"], [EVA])),
    (OTHER + "Sent", TEAM["address"], (EVA,), (TEAM["address"], [EVA])),
]


@pytest.mark.parametrize(
    ("sends", "mailbox", "author", "recipients", "answer"),
    [(sends, *case) for case in COPIES for sends in ("as", "behalf", None)] + [("as", *case) for case in TEAMS],
)
async def test_an_answer_goes_out_in_ones_own_name(
    rig: Rig,
    support: OpenAccount,
    mia: Browser,
    sends: Sends | None,
    mailbox: str,
    author: str,
    recipients: tuple[str, ...],
    answer: tuple[str, list[str]],
) -> None:
    """WEBMAIL-90, WEBMAIL-91: who may write from an address hasn't written what is from it, and answers it from there
    in its account alone. Pages say the same of the message as the composer.
    """
    await let(rig, support, "mia", sends)
    letter = mail(to=", ".join(recipients)).replace(b"Anton <anton@example.com>", author.encode())
    async with rig.account() as own:
        await deliver_mail(support if mailbox.startswith(OTHER) else own, letter, mailbox.removeprefix(OTHER))
    events, _, [[item]] = await opened(mia, mailbox)
    begun = await mia.call("compose_prepare", kind="reply", message_id=item["id"])
    assert (begun["from"]["address"], [one["address"] for one in begun["to"]]) == answer
    answering = (await mia.call("parsed_message", message_id=item["id"]))["answering"]
    assert "{user}@{host}".format(**answering["from"]) == answer[0]
    assert answering["own_mail"] == ("Sent" in mailbox or author == (TEAM["address"] if OTHER in mailbox else MIA))
    await events.aclose()


@pytest.mark.parametrize("mailbox", ["Inbox", "Sent"])
async def test_a_guest_without_the_right_to_write_answers_as_a_guest(
    rig: Rig, support: OpenAccount, mia: Browser, mailbox: str
) -> None:
    """WEBMAIL-90, WEBMAIL-91: what is in the owner's Sent isn't the guest's, what the guest wrote is."""
    await let(rig, support, "mia", None)
    there = await box(support, mailbox)
    await support.write(lambda tx: set_rights(tx, there.id, "mia", "lr"))
    await publish_shares(rig.auth, support)
    mine = mailbox == "Inbox"
    author = MIA if mine else TEAM["address"]
    await deliver_mail(support, mail(to=EVA).replace(b"Anton <anton@example.com>", author.encode()), mailbox)
    events, _, [[item]] = await opened(mia, OTHER + mailbox)
    begun = await mia.call("compose_prepare", kind="reply", message_id=item["id"])
    assert begun["from"]["address"] == MIA
    assert [one["address"] for one in begun["to"]] == [EVA if mine else TEAM["address"]]
    assert (await mia.call("parsed_message", message_id=item["id"]))["answering"]["own_mail"] == mine
    await events.aclose()


async def marks(support: OpenAccount) -> tuple[bool, set[str]]:
    """Whether the question is answered, and its keywords."""
    [question] = await rows(support)
    return bool(question.flags & Flag.ANSWERED), set(question.keywords)


async def test_a_message_tells_who_answers_it(
    rig: Rig, support: OpenAccount, mia: Browser, ben: Browser, queue: Queue
) -> None:
    """WEBMAIL-90a: who writes, as long as there is a draft, and who has answered; both are taken back."""
    await deliver_mail(support, QUESTION)
    events, _, items = await opened(ben, "Other Users/support/Inbox")
    [[question]] = items
    draft = await mia.call("draft_save", draft=team(**ANSWER), save_id=call_id())
    assert (await change_of(events, "msg_flags"))["keywords"] == ["$writing-mia"]
    draft = await mia.call("draft_save", draft=team(**ANSWER, text="More.\n"), save_id=call_id(), replaces=draft)
    assert await marks(support) == (False, {"$writing-mia"})
    await mia.call("draft_remove", draft_id=draft)
    assert await marks(support) == (False, set())
    draft = await mia.call("draft_save", draft=team(**ANSWER), save_id=call_id())
    answer = team(**ANSWER, original_id=question["id"], original_flag="answered")
    asked = {"message": answer, "submit_id": call_id(), "draft_id": draft, "undo_s": 10}
    await mia.call("message_submit", **asked)
    assert await marks(support) == (True, {"$by-mia"})
    back = await mia.call("message_submit_undo", submit_id=asked["submit_id"], author=TEAM["address"])
    assert await marks(support) == (False, set())
    # opened again, a draft no longer knows the id of what it answers
    await ben.call("message_submit", message=team(**ANSWER), submit_id=call_id(), draft_id=back)
    assert await marks(support) == (True, {"$by-ben"})
    await events.aclose()


async def test_an_answer_marks_no_message_of_the_same_number(
    rig: Rig, support: OpenAccount, mia: Browser, queue: Queue
) -> None:
    """WEBMAIL-62, WEBMAIL-90a: an answer from one's own address, or one of a third account, to a message that is shared
    leaves own messages as they are; so does one to a message of an account that is gone.
    """
    await deliver_mail(support, QUESTION)
    [asked] = await rows(support)
    numbers = dict(await rig.auth.sharing.numbered_owners("mia", 10))
    async with rig.account() as own, rig.account("sales") as sales:
        await let(rig, sales, "mia", "as")
        await own.write(lambda tx: set_delegate(tx, Delegate("ben", "as")))
        for account in (own, sales):
            await deliver_mail(account, QUESTION.replace(b"<q@", b"<other@"))
            assert [row.id for row in await rows(account)] == [asked.id]
        before = [await rows(account) for account in (own, sales)]
        sender = {"from": {"name": "", "address": "sales@example.org"}}
        ways = [(numbers["support"], {}), (numbers["support"], sender), (99_999, {}), (99_999, sender)]
        for n, (number, author) in enumerate(ways):
            fields = {"original_id": number << 32 | asked.id, "original_flag": "answered"}
            message = written(**ANSWER, **author, **fields, message_id=f"<{n}@mail.example.org>")
            await mia.call("message_submit", message=message, submit_id=call_id())
            assert [await rows(account) for account in (own, sales)] == before, (number, author)
    assert await marks(support) == (False, set())


async def test_a_message_that_is_not_shared_is_not_marked_by_its_number(
    rig: Rig, support: OpenAccount, mia: Browser, queue: Queue
) -> None:
    """WEBMAIL-62, WEBMAIL-90a: who may send only marks the message that the answer names."""
    await let(rig, support, "mia", "as", whole=False)
    secret = (await deliver_mail(support, QUESTION.replace(b"<q@", b"<secret@"), "Archive")).message_id
    before = await there(rig, "support", "Archive")
    await deliver_mail(support, QUESTION)
    number = dict(await rig.auth.sharing.numbered_owners("mia", 10))["support"]
    message = team(**ANSWER, original_id=number << 32 | secret, original_flag="forwarded")
    await mia.call("message_submit", message=message, submit_id=call_id())
    assert await there(rig, "support", "Archive") == before
    [question] = await rows(support)
    assert question.flags & Flag.FORWARDED


async def test_who_writes_is_told_for_some_minutes(rig: Rig, support: OpenAccount, mia: Browser) -> None:
    """WEBMAIL-90a: after the last time that the draft was saved, whatever became of it."""
    await deliver_mail(support, QUESTION)
    draft = await mia.call("draft_save", draft=team(**ANSWER), save_id=call_id())
    await mia.call("draft_save", draft=team(**ANSWER, text="More.\n"), save_id=call_id(), replaces=draft)
    due = "SELECT due - created FROM outbox WHERE kind = 'writing'"
    assert await support.read(lambda r: r.rows(due), op="test") == [(FADES,)]
    await support.write(lambda tx: tx.execute("UPDATE outbox SET due = ?, created = due", tx.now))
    await carry(rig)
    assert await marks(support) == (False, set())
    assert await support.read(lambda r: r.rows(due), op="test") == []


async def test_the_owner_is_named_where_others_write(rig: Rig, mia: Browser) -> None:
    """WEBMAIL-90a: an account whose owner works in it alone has no such keywords."""
    async with rig.account() as own:
        await deliver_mail(own, QUESTION)
        [question] = await rows(own)
        answer = written(**ANSWER, original_id=int(question.id), original_flag="answered")
        draft = await mia.call("draft_save", draft=answer, save_id=call_id())
        assert await marks(own) == (False, set())
        await own.write(lambda tx: set_delegate(tx, Delegate("ben", "as")))
        draft = await mia.call("draft_save", draft=answer, save_id=call_id(), replaces=draft)
        assert await marks(own) == (False, {"$writing-mia"})
        asked = {"submit_id": call_id(), "draft_id": draft, "undo_s": 10}
        await mia.call("message_submit", message=answer, **asked)
        assert await marks(own) == (True, {"$by-mia"})
        await mia.call("message_submit_undo", submit_id=asked["submit_id"])
        assert (await marks(own), await counted(rig, "mia")) == ((False, set()), 0)


async def test_a_mailbox_with_too_many_keywords_takes_answers(
    rig: Rig, support: OpenAccount, mia: Browser, queue: Queue
) -> None:
    """WEBMAIL-90a, STORE-22: the answer matters more than who is told of it."""
    await deliver_mail(support, QUESTION)
    [question] = await rows(support)
    words = [f"word{n}" for n in range(100)]
    await support.write(lambda tx: store_flags_ids(tx, [question.id], mode="add", keywords=words))
    draft = await mia.call("draft_save", draft=team(**ANSWER), save_id=call_id())
    await mia.call("message_submit", message=team(**ANSWER), submit_id=call_id(), draft_id=draft)
    assert await marks(support) == (True, set(words))


async def test_a_full_list_of_keywords_takes_answers(
    rig: Rig, support: OpenAccount, mia: Browser, queue: Queue
) -> None:
    """WEBMAIL-90a, STORE-22: a mark for which the mailbox has no room leaves nothing behind."""
    await deliver_mail(support, QUESTION)
    words = [f"word{n}" for n in range(MAX_PER_MAILBOX)]
    for start in range(0, len(words), MAX_PER_MESSAGE):
        other = (await deliver_mail(support, mail(start))).message_id
        some = words[start : start + MAX_PER_MESSAGE]
        await support.write(partial(store_flags_ids, ids=[other], mode="add", keywords=some))

    async def kept() -> tuple[bool, tuple[str, ...], int, int]:
        question, marked = (await rows(support))[0], "SELECT count(*) FROM message_keyword"
        fading = "SELECT count(*) FROM outbox WHERE kind = 'writing'"
        numbers = [await support.read(partial(_value, statement), op="test") for statement in (marked, fading)]
        return bool(question.flags & Flag.ANSWERED), question.keywords, numbers[0], numbers[1]

    draft = await mia.call("draft_save", draft=team(**ANSWER), save_id=call_id())
    assert await kept() == (False, (), MAX_PER_MAILBOX, 0)
    await mia.call("message_submit", message=team(**ANSWER), submit_id=call_id(), draft_id=draft)
    assert await kept() == (True, (), MAX_PER_MAILBOX, 0)
    question = (await rows(support))[0]
    await support.write(partial(store_flags_ids, ids=[question.id], mode="add", keywords=words[:1]))
    assert set((await box(support)).keywords) == set(words)


def _value(statement: str, r: Reader) -> int:
    return int(r.value(statement))


# All ways of sending, and the programs that see the same drafts.


async def by_webmail(rig: Rig, author: str, number: int) -> None:
    browser = rig.browser()
    await browser.log_in()
    message = written(**{"from": {"name": "", "address": author}}, to=ANN, message_id=f"<{number}@mail.example.org>")
    draft = await browser.call("draft_save", draft=message, save_id=call_id()) if number % 2 else 0
    undo = 10 if number % 3 else 0
    await browser.call("message_submit", message=message, submit_id=call_id(), draft_id=draft, undo_s=undo)


async def by_smtp(rig: Rig, author: str, number: int) -> None:
    client = await rig.running.smtp("programs", "submission")
    plain = base64.b64encode(f"\0{ADDRESS}\0{PASSWORD}".encode()).decode()
    assert (await client.say(f"AUTH PLAIN {plain}")).startswith("235")
    answer = await client.deliver(to="ann@example.net", sender=author, message=octets(author, number))
    assert answer.startswith("250")


async def by_jmap(rig: Rig, author: str, number: int) -> None:
    client = Client(rig)
    client.account = "umia" if author == ADDRESS else "usupport"
    [identity] = [one for one in (await client.call("Identity/get"))["list"] if one["email"] == author]
    boxes = (await client.call("Mailbox/get"))["list"]
    [sent] = [one["id"] for one in boxes if one["role"] == "sent"]
    email = await client.imported(octets(author, number), sent)
    made = await client.call("EmailSubmission/set", create={"s": {"identityId": identity["id"], "emailId": email}})
    assert made["notCreated"] is None


async def by_jmap_elsewhere(rig: Rig, author: str, number: int) -> None:
    """In the account that is not the author's, which is refused: the message is no longer there then."""
    client = Client(rig)
    client.account = "usupport" if author == ADDRESS else "umia"
    [*_, identity] = (await client.call("Identity/get"))["list"]
    boxes = (await client.call("Mailbox/get"))["list"]
    [drafts] = [one["id"] for one in boxes if one["role"] == "drafts"]
    email = await client.imported(octets(author, number), drafts)
    made = await client.call("EmailSubmission/set", create={"s": {"identityId": identity["id"], "emailId": email}})
    assert made["notCreated"]["s"]["type"] == "forbiddenFrom"
    await client.call("Email/set", destroy=[email])


async def by_webapi(rig: Rig, author: str, number: int) -> None:
    api = WebAPI(rig, password=PASSWORD, port=84)
    to = [{"Address": "ann@example.net"}]
    await api.call("Send", From=[{"Address": author}], To=to, Text="x", Subject=f"s{number}", SaveSent=True)


ANN = [{"name": "", "address": "ann@example.net"}]
WAYS: list[Callable[[Rig, str, int], Awaitable[None]]] = [by_webmail, by_smtp, by_jmap, by_jmap_elsewhere, by_webapi]


def octets(author: str, number: int) -> bytes:
    return (
        f"From: {author}\r\nTo: ann@example.net\r\nMessage-ID: <{number}@x.example>\r\nSubject: s\r\n\r\nx\r\n".encode()
    )


@pytest.mark.parametrize("sends", ["as", "behalf"])
async def test_each_copy_is_in_sent_of_its_author(rig: Rig, support: OpenAccount, sends: Sends) -> None:
    """SMTP-189, JMAP-30a, WEBMAIL-98, WEB-154: whichever way it is sent, in any order, no message is in the wrong Sent;
    of those that the server keeps, each is there once, and all count as the user's.
    """
    await let(rig, support, "mia", sends)
    for name in ("support", "mia"):
        async with rig.account(name) as account:
            await account.write(lambda tx: [mailbox_for(tx, use) for use in (SpecialUse.SENT, SpecialUse.DRAFTS)])
    order = [(way, author) for way in WAYS for author in (ADDRESS, TEAM["address"])] * 2
    seed = random.Random(sends)
    seed.shuffle(order)
    kept = dict.fromkeys(("support", "mia"), 0)
    for number, (way, author) in enumerate(order):
        await way(rig, author, number)
        owner = "mia" if author == ADDRESS else "support"
        # what a mail program sends from its own address, it keeps itself
        kept[owner] += way is not by_jmap_elsewhere and (owner, way) != ("mia", by_smtp)
        assert {name: len(await there(rig, name, "Sent")) for name in kept} == kept, (way, author)
    for name, author in (("support", TEAM["address"]), ("mia", ADDRESS)):
        async with rig.account(name) as account:
            for row in await there(rig, name, "Sent"):
                found = await account.scan(lambda r, row=row: message_range(r, row.id), op="test")  # type: ignore[misc]
                copy = email.message_from_bytes(found, policy=email.policy.default)
                assert copy["From"].addresses[0].addr_spec == author
    assert await counts(rig, "Drafts") == {"support": 0, "mia": 0, "ben": 0}
    assert await counted(rig, "mia") == len([way for way, _ in order if way is not by_jmap_elsewhere])
    assert await counted(rig, "support") == 0


async def test_programs_see_the_drafts_of_a_team(
    rig: Rig, support: OpenAccount, mia: Browser, ben: Browser, queue: Queue
) -> None:
    """WEBMAIL-88b: one that the webmail keeps is there by IMAP and JMAP; one of a program is sent by the webmail."""
    await mia.call("draft_save", draft=team(), save_id=call_id())
    async with rig.running.connect(port=1143) as stream:
        imap = IMAPClient(stream)
        assert (await imap.response()).startswith("* OK")
        await imap.login("ben@example.org", PASSWORD)
        told = await imap.ok('a STATUS "Other Users/support/Drafts" (MESSAGES)')
        assert "(MESSAGES 1)" in told[0]
    program = Client(rig, "ben@example.org")
    program.account = "usupport"
    boxes = (await program.call("Mailbox/get"))["list"]
    [drafts] = [one["id"] for one in boxes if one["role"] == "drafts"]
    [kept] = (await program.call("Email/query", filter={"inMailbox": drafts}))["ids"]
    assert (await program.call("Email/get", ids=[kept]))["list"][0]["keywords"]["$draft"]
    await program.call("Email/set", destroy=[kept])
    await program.imported(octets(TEAM["address"], 1), drafts, keywords={"$draft": True})
    events, _, items = await opened(ben, "Other Users/support/Drafts")
    [[item]] = items
    begun = await mia.call("compose_prepare", kind="edit", message_id=item["id"])
    assert begun["from"]["address"] == TEAM["address"]
    message = team(message_id=begun["message_id"])
    await mia.call("message_submit", message=message, submit_id=call_id(), draft_id=item["id"])
    assert await counts(rig, "Drafts") == {"support": 0, "mia": 0, "ben": 0}
    assert await counts(rig, "Sent") == {"support": 1, "mia": 0, "ben": 0}
    await events.aclose()


class ByWebmail:
    """A member who changes folders of the shared mailbox in the webmail."""

    async def begin(self, rig: Rig, stack: AsyncExitStack) -> None:
        self._rig, self._browser = rig, rig.browser()
        await self._browser.log_in()

    async def _id(self, name: str) -> int:
        [(_, number)] = await self._rig.auth.sharing.numbered_owners("mia", 9)
        async with self._rig.account("support") as account:
            return number << 32 | int((await box(account, name)).id)

    async def create(self, name: str) -> None:
        made = await self._browser.call("mailbox_create", name=name, beside=await self._id("Inbox"))
        assert made == await self._id(name)

    async def rename(self, name: str, new: str) -> None:
        await self._browser.call("mailbox_rename", mailbox_id=await self._id(name), name=new)

    async def delete(self, name: str) -> bool:
        return (await self._browser.post("mailbox_delete", {"mailbox_id": await self._id(name)})).status == 200


class ByIMAP(ByWebmail):
    """The same in a program that speaks IMAP."""

    async def begin(self, rig: Rig, stack: AsyncExitStack) -> None:
        self._client = IMAPClient(await stack.enter_async_context(rig.running.connect(port=1143)))
        await self._client.response()
        await self._client.login(ADDRESS, PASSWORD)

    async def create(self, name: str) -> None:
        await self._client.ok(f'a CREATE "Other Users/support/{name}"')

    async def rename(self, name: str, new: str) -> None:
        await self._client.ok(f'a RENAME "Other Users/support/{name}" "Other Users/support/{new}"')

    async def delete(self, name: str) -> bool:
        return (await self._client.tagged(f'a DELETE "Other Users/support/{name}"')).startswith("OK")


class ByJMAP(ByWebmail):
    """The same in a program that speaks JMAP."""

    async def begin(self, rig: Rig, stack: AsyncExitStack) -> None:
        self._client = Client(rig)
        self._client.account = "usupport"

    async def _box(self, name: str) -> str | None:
        if not name:
            return None
        above, _, last = name.rpartition("/")
        found = (await self._client.call("Mailbox/get"))["list"]
        parent = await self._box(above)
        [number] = [one["id"] for one in found if (one["name"], one["parentId"]) == (last, parent)]
        return str(number)

    async def create(self, name: str) -> None:
        above, _, last = name.rpartition("/")
        given = {"name": last, "parentId": await self._box(above)}
        assert (await self._client.call("Mailbox/set", create={"a": given}))["created"]

    async def rename(self, name: str, new: str) -> None:
        assert (await self._client.call("Mailbox/set", update={await self._box(name): {"name": new}}))["updated"]

    async def delete(self, name: str) -> bool:
        number = await self._box(name)
        return bool((await self._client.call("Mailbox/set", destroy=[number], onDestroyRemoveEmails=True))["destroyed"])


@pytest.mark.parametrize("member", [ByWebmail(), ByIMAP(), ByJMAP()])
async def test_a_member_creates_renames_and_deletes_folders(
    rig: Rig, support: OpenAccount, ben: Browser, member: ByWebmail, caplog: pytest.LogCaptureFixture
) -> None:
    """SMTP-189a, IMAP-157, WEBMAIL-62, JMAP-7a: beside all others and below them; what a deleted folder had is in Trash
    then. A folder with a role stays. Audit log and log name the member; who was let go changes nothing.
    """

    async def names() -> set[str]:
        return {found.name for found in await support.read(mailboxes, op="test") if not found.system}

    before = await names()
    async with AsyncExitStack() as stack:
        await member.begin(rig, stack)
        await member.create("Cases")
        await member.create("Cases/2026")
        await member.rename("Cases", "Done")
        assert await names() - before == {"Done", "Done/2026"}
        for number in range(3):
            await deliver_mail(support, mail(number), "Done/2026")
        assert not await member.delete("Done")
        assert await member.delete("Done/2026")
        assert not await member.delete("Sent")
        assert not await member.delete("Inbox")
    assert await names() - before == {"Done"}
    assert len(await there(rig, "support", "Trash")) == 3
    entries = await rig.auth.audit.entries(AuditFilter(object="support"))
    changes = [(entry.actor, entry.action, json.loads(entry.detail)["mailbox"], entry.outcome) for entry in entries]
    assert changes[::-1] == [
        ("mia", "folder created", "Cases", "done"),
        ("mia", "folder created", "Cases/2026", "done"),
        ("mia", "folder renamed", "Cases → Done", "done"),
        ("mia", "folder deleted", "Done/2026", "done"),
    ]
    lines = [record.__dict__["kv"]["by"] for record in caplog.records if record.getMessage().startswith("folder ")]
    assert lines == ["mia"] * 4


@pytest.mark.parametrize("rights", ["lrswite", "lrswikxtea"])
async def test_who_shares_folders_alone_creates_none_beside_them(
    rig: Rig, support: OpenAccount, mia: Browser, rights: str
) -> None:
    """SMTP-189a, WEBMAIL-62: rights to a folder don't reach beyond it."""
    await let(rig, support, "mia", "as", whole=False)
    inbox = await box(support, "Inbox")
    await support.write(lambda tx: set_rights(tx, inbox.id, "mia", rights))
    await publish_shares(rig.auth, support)
    [(_, number)] = await rig.auth.sharing.numbered_owners("mia", 9)
    shown = number << 32 | int(inbox.id)
    sent = number << 32 | int((await box(support, "Sent")).id)
    assert await mia.error("mailbox_create", name="Cases", beside=shown) == (404, "user:notFound")
    assert await mia.error("mailbox_create", name="Sent/Cases", beside=shown) == (404, "user:notFound")
    assert await mia.error("mailbox_rename", mailbox_id=sent, name="Away") == (404, "user:notFound")
    assert await mia.error("mailbox_delete", mailbox_id=sent) == (404, "user:notFound")
    answer = await mia.post("mailbox_create", {"name": "Inbox/Cases", "beside": shown})
    assert answer.status == (200 if "k" in rights else 403)
    assert await rig.auth.audit.entries(AuditFilter(object="support", words="folder deleted")) == []
