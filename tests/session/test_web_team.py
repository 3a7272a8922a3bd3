"""A mailbox for a team in the webmail: several people write from its address (docs/team.md)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio

from moxlite.store.accounts.access import publish_shares
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.auth.credentials import change_password
from moxlite.store.content.body import message_range
from moxlite.store.delivery.perform import SUBMIT
from moxlite.store.mail.acl import set_rights
from moxlite.store.mail.delegates import Delegate, Sends, remove_delegate, set_delegate
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.rows.messages import rows_by_uid
from moxlite.store.types import MessageRow
from moxlite.submission.carrying import carrier
from tests.browsing import PASSWORD
from tests.session.test_web_compose import Queue, call_id, upload, written
from tests.store_mail import box
from tests.web_rig import DOMAINS, Browser, Rig, open_rig

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
"""
)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with trio.open_nursery() as nursery:
        found = await open_rig(tmp_path, nursery, domains=HOUSE)
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


@pytest.fixture(autouse=True)
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


async def test_a_draft_moves_with_its_author(rig: Rig, support: OpenAccount, mia: Browser) -> None:
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


async def test_a_draft_stays_with_a_member_who_is_let_go(
    rig: Rig, support: OpenAccount, mia: Browser, queue: Queue
) -> None:
    """WEBMAIL-88b, SMTP-189: sending is refused in words; what was written is kept in own Drafts from then on."""
    shared = await mia.call("draft_save", draft=team(), save_id=call_id())
    await let(rig, support, "mia", None)
    refused = await mia.post("message_submit", {"message": team(), "submit_id": call_id(), "draft_id": shared})
    assert (refused.status, b"you can't send from the address in From" in refused.body) == (400, True)
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


@pytest.mark.parametrize("rights", ["", "lr", "lrit", "lrite"])
async def test_who_may_not_work_on_the_drafts_keeps_own_ones(
    rig: Rig, support: OpenAccount, mia: Browser, rights: str
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
