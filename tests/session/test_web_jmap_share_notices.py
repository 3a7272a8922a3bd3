"""ShareNotification: users hear what others give them rights to (RFC 9670 §3)."""

from functools import partial

import pytest
import trio

from moxlite.store.mail import notices, sharenotices
from moxlite.store.mail.acl import set_rights
from moxlite.store.mail.mailboxes import create_mailbox, delete_mailbox
from moxlite.store.rows.mailboxes import mailbox_by_name
from tests.jmap_rig import ACCOUNT, Client, Object, rig
from tests.session.test_web_jmap_shared_calendars import CHANGE, READ, only, share, users
from tests.web_rig import Rig

pytestmark = pytest.mark.served

__all__ = ["rig"]

KIND = "ShareNotification"


async def carried(rig: Rig, name: str = "mia") -> None:
    """Have what an account owes carried to the others."""
    async with rig.account(name) as account:
        await account.carrier.once()


async def listed(client: Client, **members: object) -> list[Object]:
    found: list[Object] = (await client.call(f"{KIND}/get", **members))["list"]
    return found


async def give(rig: Rig, rights: str, name: str = "Inbox", guest: str = "tom", by: str = "") -> int:
    """Give rights on a mailbox of Mia; the number of the mailbox."""
    async with rig.account("mia") as account:
        box = await account.read(partial(mailbox_by_name, name=name), op="test")
        assert box is not None
        await account.write(lambda tx: set_rights(tx, box.id, guest, rights, by))
        await account.carrier.once()
        return box.id


async def test_a_user_hears_of_each_right_that_is_given_and_taken(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-80: of calendars, address books and mailboxes, with the rights before and after; the author does not."""
    monkeypatch.setattr(sharenotices, "JOINED", 0)
    mia, tom = await users(rig)
    own = Client(rig, "tom@example.org")
    own.account = "utom"
    before = (await own.call(f"{KIND}/get"))["state"]
    calendar, book = await only(mia, "Calendar"), await only(mia, "AddressBook")
    await share(mia, "Calendar", calendar["id"], {"utom": READ})
    await share(mia, "Calendar", calendar["id"], {"utom": CHANGE})
    await share(mia, "AddressBook", book["id"], {"utom": {"mayRead": True}})
    await share(mia, "AddressBook", book["id"], None)
    await carried(rig)
    inbox = await give(rig, "lrs")
    first, second, third, fourth, last = await listed(own)
    assert first["changedBy"] == {"name": "mia@example.org", "email": "mia@example.org", "principalId": ACCOUNT}
    assert (first["objectType"], first["objectAccountId"], first["objectId"]) == ("Calendar", ACCOUNT, calendar["id"])
    assert (first["oldRights"], first["name"]) == (None, calendar["name"])
    assert {name for name, has in first["newRights"].items() if has} == {*READ}
    assert second["oldRights"] == first["newRights"]
    assert {name for name, has in second["newRights"].items() if has} == {*CHANGE}
    assert (third["objectType"], third["objectId"], third["newRights"]["mayRead"]) == ("AddressBook", book["id"], True)
    assert (fourth["oldRights"], fourth["newRights"]) == (third["newRights"], None)
    assert (last["objectType"], last["objectId"], last["name"]) == ("Mailbox", f"F{inbox}", "Inbox")
    assert [name for name, has in last["newRights"].items() if has] == ["mayReadItems", "maySetSeen"]
    every = [one["id"] for one in (first, second, third, fourth, last)]
    found = await own.call(f"{KIND}/changes", sinceState=before)
    assert (found["created"], found["updated"], found["destroyed"]) == (every, [], [])
    part = await own.call(f"{KIND}/changes", sinceState=before, maxChanges=2)
    assert (part["created"], part["hasMoreChanges"]) == (every[:2], True)
    assert await listed(mia) == []
    assert await tom.error(f"{KIND}/get") == "accountNotSupportedByMethod"


async def test_what_others_do_in_a_shared_mailbox_is_told(rig: Rig) -> None:
    """JMAP-80: of its removal; not of rights of all, of rights that do not show it, or of what the user does."""
    _, tom = await users(rig)
    tom.account = "utom"
    async with rig.account("mia") as account:
        [made] = await account.write(lambda tx: create_mailbox(tx, "Boat"))
    await give(rig, "l", "Boat")
    await give(rig, "lr", "Boat", "anyone")
    assert await listed(tom) == []
    await give(rig, "lrs", "Boat", by="tom")
    assert await listed(tom) == []
    async with rig.account("mia") as account:
        await account.write(lambda tx: delete_mailbox(tx, made.id))
        await account.carrier.once()
    [gone] = await listed(tom)
    assert (gone["name"], gone["newRights"], gone["oldRights"]["maySetSeen"]) == ("Boat", None, True)


async def test_notices_are_found_destroyed_and_bounded(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-80: filters and queryChanges; one that is taken back at once goes; of many the newest are kept."""
    monkeypatch.setattr(notices, "MAX_NOTICES", 3)
    mia, tom = await users(rig)
    tom.account = "utom"
    start = (await tom.call(f"{KIND}/get"))["state"]
    calendar = await only(mia, "Calendar")
    await share(mia, "Calendar", calendar["id"], {"utom": READ})
    await carried(rig)
    await give(rig, "lr")
    [first, second] = [one["id"] for one in await listed(tom)]
    wish = {"objectType": "Mailbox", "objectAccountId": ACCOUNT, "after": "2026-01-01T00:00:00Z"}
    found = await tom.call(f"{KIND}/query", filter=wish, calculateTotal=True)
    assert (found["ids"], found["total"], found["canCalculateChanges"]) == ([second], 1, True)
    down = [{"property": "created", "isAscending": False}]
    everything = await tom.call(f"{KIND}/query", sort=down)
    assert everything["ids"] == [second, first]
    assert (await tom.call(f"{KIND}/query", filter={"before": "2026-01-01T00:00:00Z"}))["ids"] == []
    assert await tom.error(f"{KIND}/query", filter={"shoe": "x"}) == "unsupportedFilter"
    assert await tom.error(f"{KIND}/query", filter={"after": 5}) == "invalidArguments"
    assert await tom.error(f"{KIND}/query", sort=[{"property": "name"}]) == "unsupportedSort"

    await share(mia, "Calendar", calendar["id"], None)
    await carried(rig)
    assert [one["id"] for one in await listed(tom)] == [second]  # one that was taken back within a minute
    moved = await tom.call(f"{KIND}/queryChanges", sinceQueryState=everything["queryState"], sort=down)
    assert (moved["removed"], moved["added"]) == ([first], [])
    wrong = await tom.call(
        f"{KIND}/set", create={"a": {}}, update={second: {"name": "x"}}, destroy=[second, "A99", "x"]
    )
    assert wrong["destroyed"] == [second]
    assert {one["type"] for one in wrong["notDestroyed"].values()} == {"notFound"}
    assert wrong["notCreated"]["a"]["type"] == "forbidden"
    for number in range(9):
        async with rig.account("mia") as account:
            await account.write(partial(create_mailbox, name=f"Box {number}"))
        await give(rig, "lr", f"Box {number}")
    assert [one["name"] for one in await listed(tom)] == ["Box 6", "Box 7", "Box 8"]
    assert await tom.error(f"{KIND}/changes", sinceState=start) == "cannotCalculateChanges"
    assert await tom.error(f"{KIND}/queryChanges", sinceQueryState=start) == "cannotCalculateChanges"
    assert await tom.error(f"{KIND}/changes", sinceState="99999") == "cannotCalculateChanges"


async def test_programs_are_told_at_once(rig: Rig) -> None:
    """JMAP-80, JMAP-40: the event stream names the type."""
    _, tom = await users(rig)
    async with rig.connect(port=83) as stream:
        await stream.send_all(
            b"GET /jmap/events?types=ShareNotification&closeafter=state&ping=0 HTTP/1.1\r\nHost: mail.example.org\r\n"
            b"Authorization: " + tom.authorization.encode() + b"\r\n\r\n"
        )
        received = b""
        with trio.fail_after(30):
            while b"\n:\n" not in received and b"\r\n:\n" not in received:
                received += await stream.receive_some(4096)
            await give(rig, "lr")
            while b"ShareNotification" not in received:
                received += await stream.receive_some(4096)


async def test_a_user_who_is_removed_is_told_nothing(rig: Rig) -> None:
    """JMAP-80: the row of the owner's outbox goes, too."""
    await users(rig)
    async with rig.account("mia") as account:
        told = partial(
            sharenotices.owe_notice, guest="nobody", kind="mailbox", object_id=1, name="x", before="", after="lr"
        )
        await account.write(lambda tx: told(tx))
        await account.carrier.once()
        assert await account.read(lambda r: r.value("SELECT count(*) FROM outbox"), op="test") == 0
