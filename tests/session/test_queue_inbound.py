"""Deliveries that wait in the queue for an account of this server (docs/spec/queue.md QUEUE-28)."""

import email
from pathlib import Path
from typing import Any

import pytest
import trio

from moxlite.mailauth.dkim.message import Message as SignedMessage
from moxlite.mailauth.dkim.sign import generate, key_record, to_pem
from moxlite.mailauth.dkim.verify import verify
from moxlite.net.resolver import FakeResolver
from moxlite.operations.queue import Filter
from moxlite.proto.address import Address
from moxlite.queue import localdelivery
from moxlite.queue.submit import MAX_ROWS
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.actions import Deferred, Delivery, FileInto
from moxlite.store.delivery.submission import DSNNotify, QueueFull
from tests.queue_rig import MESSAGE, Rig, Server, rig_at

pytestmark = pytest.mark.served

PREFIX = b"Received: by mail.own.example\r\n"


def deferred(account: str = "alice", **changes: Any) -> Deferred:
    """A message from ann for an account that was full."""
    facts: dict[str, Any] = {
        "key": b"transaction",
        "account": account,
        "delivery": Delivery(actions=(FileInto(mailbox="Filed"),), received=1_700_000_000_000_000),
        "prefix": PREFIX,
        "sender": Address.parse("ann@remote.example"),
        "recipient": Address.parse(f"{account}@own.example"),
        "code": 452,
        "ecode": "4.2.2",
        "text": "mailbox full",
        "message_id": "<m1@own.example>",
        "subject": "test",
    }
    return Deferred(**(facts | changes))


async def defer(rig: Rig, *found: Deferred, data: bytes = MESSAGE) -> None:
    with Spool.of(data, rig.path) as spool:
        await rig.queue.defer(found, spool)


async def left(rig: Rig) -> list[int]:
    """Rows of local, content and its chunks."""
    tables = ("local", "content", "content_chunk")
    return [
        await rig.queue._database.read(lambda r, t=table: r.value(f"SELECT count(*) FROM {t}"), op="test")  # type: ignore[misc]  # binds the loop's value
        for table in tables
    ]


@pytest.mark.parametrize("size", [0, 5 << 20])
async def test_it_is_delivered_at_its_time_with_its_own_prefix(tmp_path: Path, size: int) -> None:
    """QUEUE-28, QUEUE-10: the deliveries of one message share its octets, also of a large one."""
    data = MESSAGE + b"x" * 70 * (size // 70) + b"\r\n"
    async with rig_at(tmp_path) as rig:
        await defer(rig, deferred(), deferred("admin", prefix=b"X: other\r\n"), data=data)
        assert (await left(rig))[:2] == [2, 1]
        await rig.settle()
        assert await rig.inbox(mailbox="Filed") == []
        await rig.pass_time(500)
        assert await rig.inbox(mailbox="Filed") == [PREFIX + data]
        assert await rig.inbox("admin", "Filed") == [b"X: other\r\n" + data]
        assert await left(rig) == [0, 0, 0]
        async with rig.accounts.use("alice") as account:
            received = await account.read(lambda r: r.value("SELECT received FROM message"), op="test")
        assert received == 1_700_000_000_000_000
        assert rig.local.connections == 0


async def test_it_waits_over_a_restart_and_is_owed_once(tmp_path: Path) -> None:
    """QUEUE-28, QUEUE-1"""
    async with rig_at(tmp_path) as rig:
        for _ in range(2):
            await defer(rig, deferred())
        assert [row.attempts for row in await rig.queue.listings.list_messages()] == [1]
    async with rig_at(tmp_path) as rig:
        await rig.pass_time(500)
        assert len(await rig.inbox(mailbox="Filed")) == 1


async def test_operations_of_the_queue_work_on_it(tmp_path: Path) -> None:
    """QUEUE-20, QUEUE-22, QUEUE-28"""
    async with rig_at(tmp_path) as rig:
        await rig.queue.operations.add_hold_rule(recipient="own.example")
        await defer(rig, deferred())
        await rig.pass_time(500)
        [row] = await rig.queue.listings.list_messages(Filter(recipient="alice@own.example"))
        assert row.hold
        assert b"".join([piece async for piece in rig.queue.listings.dump(row.id)]) == PREFIX + MESSAGE
        assert await rig.queue.operations.unhold(Filter(ids=(row.id,))) == 1
        await rig.settle()
        assert len(await rig.inbox(mailbox="Filed")) == 1
        await defer(rig, deferred(key=b"other"))
        assert await rig.queue.operations.drop(Filter(recipient="alice@own.example")) == 1
        assert await left(rig) == [0, 0, 0]


async def told(rig: Rig, server: Server, sender: str = "ann@remote.example") -> bytes:
    """The DSN that the sender's server gets."""
    await rig.pass_time(500)
    with trio.fail_after(30):
        while not server.messages:  # noqa: ASYNC110 - the server tells nothing
            await trio.sleep(0.002)
    await rig.settle()
    [notice] = server.messages
    assert server.recipients == [[sender]]
    assert await left(rig) == [0, 0, 0]
    return notice


@pytest.mark.parametrize("change", ["delivery = x'ff'", "account = 'gone'"])
async def test_what_is_damaged_or_for_an_account_that_is_gone_is_told(tmp_path: Path, change: str) -> None:
    """QUEUE-28, QUEUE-100: one DSN, from the null path, to the sender of mail that came in."""
    async with rig_at(tmp_path) as rig:
        server = rig.remote(Server())
        await defer(rig, deferred())
        await rig.queue._database.write(lambda tx: tx.execute(f"UPDATE local SET {change}"))
        notice = await told(rig, server)
        assert b"Final-Recipient: rfc822;alice@own.example" in notice.replace(b"; ", b";")
        assert any(line.startswith("MAIL FROM:<>") for line in server.lines)
        assert await rig.inbox(mailbox="Inbox") == []


@pytest.mark.parametrize(
    ("notify", "action"),
    [
        (DSNNotify.SUCCESS, b"Action: delivered"),
        (DSNNotify.FAILURE, b""),
        (DSNNotify.SUCCESS | DSNNotify.FAILURE, b"Action: failed"),
        (DSNNotify.NEVER, b""),
    ],
)
async def test_its_sender_is_told_what_he_has_asked_for(tmp_path: Path, notify: DSNNotify, action: bytes) -> None:
    """QUEUE-28, QUEUE-172: of its delivery, or that there was none, with the ids that the sender gave."""
    async with rig_at(tmp_path) as rig:
        server = rig.remote(Server())
        fails = b"failed" in action or notify is DSNNotify.NEVER
        wanted = deferred(dsn_notify=notify, dsn_envid="id1", dsn_orcpt="rfc822;al@old.example", dsn_ret="HDRS")
        await defer(rig, wanted)
        if fails:
            await rig.queue._database.write(lambda tx: tx.execute("UPDATE local SET account = 'gone'"))
        if action:
            notice = await told(rig, server)
            assert action in notice
            assert b"Original-Envelope-ID: id1" in notice
            assert b"Original-Recipient: rfc822;al@old.example" in notice
            assert b"text/rfc822-headers" in notice
        else:
            await rig.pass_time(500)
            assert server.messages == []
        assert len(await rig.inbox(mailbox="Filed")) == (not fails)
        assert await left(rig) == [0, 0, 0]


@pytest.mark.parametrize("sender", ["ann@remote.example", "änn@remote.example"])
async def test_a_dsn_that_leaves_has_the_form_that_its_way_takes(tmp_path: Path, sender: str) -> None:
    """QUEUE-104: seven bits for an address that each host knows, though the message was an internationalized one and
    the host has no SMTPUTF8; UTF-8 where the sender's address needs it.
    """
    wide = not sender.isascii()
    data = "Subject: täst\r\nMessage-Id: <m1@own.example>\r\n\r\nx\r\n".encode()
    waiting = deferred(sender=Address.parse(sender), recipient=Address.parse("älice@own.example"), smtputf8=True)
    async with rig_at(tmp_path) as rig:
        plain = ("PIPELINING", "ENHANCEDSTATUSCODES")
        server = rig.remote(Server(extensions=(*plain, "8BITMIME", "SMTPUTF8") if wide else plain))
        await defer(rig, waiting, data=data)
        await rig.queue._database.write(lambda tx: tx.execute("UPDATE local SET account = 'gone'"))
        notice = await told(rig, server, sender)
        [mail] = [line for line in server.lines if line.startswith("MAIL")]
        assert ("SMTPUTF8" in mail) == wide
        if wide:
            assert b"message/global-delivery-status" in notice
            assert "Final-Recipient: utf-8;älice@own.example".encode() in notice
            assert "Subject: täst".encode() in notice
        else:
            assert notice.isascii()
            assert b"message/delivery-status" in notice
            assert rb"Final-Recipient: utf-8;\x{E4}lice@own.example" in notice
            returned = list(email.message_from_bytes(notice).walk())[-1]
            assert returned.get_content_type() == "text/rfc822-headers"
            assert "Subject: täst".encode() in returned.get_payload(decode=True)


async def test_a_dsn_that_leaves_the_server_is_signed_by_the_nearest_domain(tmp_path: Path) -> None:
    """SMTP-113, QUEUE-100: mail.own.example is no domain of the configuration, own.example above it is."""
    key = generate("ed25519")
    (tmp_path / "key.pem").write_bytes(to_pem(key))
    domain = 'dkim = { sign = ["a"], selectors = { a = { key_file = "key.pem" } } }'
    async with rig_at(tmp_path, domain=domain) as rig:
        server = rig.remote(Server())
        await defer(rig, deferred())
        await rig.queue._database.write(lambda tx: tx.execute("UPDATE local SET account = 'gone'"))
        notice = await told(rig, server)
    resolver = FakeResolver({"TXT": {"a._domainkey.own.example": [key_record(key)]}})
    [result] = await verify(resolver, SignedMessage.of(notice))
    assert (result.status, result.domain, result.identity) == ("pass", "own.example", "postmaster@mail.own.example")


async def test_a_commit_that_takes_too_long_is_tried_again(tmp_path: Path) -> None:
    """QUEUE-28"""

    async def stuck(*args: object) -> None:
        await trio.sleep_forever()

    async with rig_at(tmp_path) as rig:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(localdelivery, "ATTEMPT_SECONDS", 0.01)
            patch.setattr(localdelivery, "perform", stuck)
            await defer(rig, deferred())
            await rig.pass_time(500)
        [row] = await rig.queue.listings.list_messages()
        assert row.attempts == 2
        assert row.last_result is not None
        assert row.last_result.error == "deliver: 451 4.3.0 commit timed out"
        await rig.pass_time(1000)
        assert len(await rig.inbox(mailbox="Filed")) == 1


async def test_what_waits_has_the_room_of_one_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-28, SMTP-115: and takes none of the accounts'."""
    assert MAX_ROWS == 10_000
    monkeypatch.setattr("moxlite.queue.submit.MAX_ROWS", 2)
    async with rig_at(tmp_path) as rig:
        await defer(rig, deferred(), deferred("admin"))
        with pytest.raises(QueueFull):
            await defer(rig, deferred(key=b"other"))
        assert (await left(rig))[:2] == [2, 1]
        assert len(await rig.submit("a@remote.example", "b@remote.example")) == 2
