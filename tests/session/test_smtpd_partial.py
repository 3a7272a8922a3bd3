"""A message that some of its accounts take and others don't (docs/spec/smtp.md SMTP-104, SMTP-105, SMTP-108)."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest
import trio

from moxlite.acceptance import gathering
from moxlite.acceptance.cases import Case
from moxlite.acceptance.plan import Proposal, Reason
from moxlite.acceptance.producers import ORDER
from moxlite.net.httpclient import HTTPClient
from moxlite.net.resolver import FakeResolver
from moxlite.net.tls.certificates import Trust
from moxlite.operations.queue import Filter
from moxlite.proto.smtp.replies import Response
from moxlite.proto.srs import SRS
from moxlite.queue import localdelivery
from moxlite.queue.context import Context as QueueContext
from moxlite.queue.hosts.hosts import IPv6Source
from moxlite.queue.queue import Queue
from moxlite.queue.tls.policies import Policies
from moxlite.smtpd import Context
from moxlite.smtpd.connection import serve_connection
from moxlite.smtpd.incoming import deliver, storing
from moxlite.store.changelog.account import Account
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.actions import Deferred
from moxlite.store.delivery.perform import SUBMIT, perform
from moxlite.store.errors import AccountRemoved, OverQuota, StorageBroken, StorageBusy, StorageFull, StoreError
from moxlite.store.options import Options
from moxlite.submission.carrying import carrier
from moxlite.supervision import open_supervisor
from tests.queue_rig import Clock
from tests.session import smtpd_harness
from tests.session.smtpd_harness import MESSAGE, Client, Smtp, clock, fail_for, headers, smtp

pytestmark = pytest.mark.served

__all__ = ["clock", "smtp"]

WITH_ID = MESSAGE.replace(b"Subject", b"Message-Id: <orig@remote.example>\r\nSubject")


async def send(client: Client, *recipients: str, sender: str = "ann@remote.example", message: bytes = WITH_ID) -> str:
    """A transaction; its last reply."""
    await client.play(f"C: MAIL FROM:<{sender}>\nS: 250")
    for recipient in recipients:
        await client.play(f"C: RCPT TO:<{recipient}>\nS: 250")
    await client.play("C: DATA\nS: 354")
    await client.send(message + b".\r\n")
    return await client.reply()


BOTH = ("mia@ours.example", "bo@ours.example")


@pytest.fixture(autouse=True, params=[deliver.MANY, 0], ids=["few", "many"])
def many(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Accounts of a message above which each stores it right after its plan: all is told alike."""
    monkeypatch.setattr(deliver, "MANY", request.param)
    return int(request.param)


async def test_a_post_to_many_opens_each_account_once(smtp: Smtp, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-104, STORE-8: from the plan until the message is stored."""
    users: dict[str, int] = {}

    async def store(account: Account, *args: Any, **more: Any) -> Any:
        users[account.name] = smtp.context.accounts._slots[account.name].users
        return await perform(account, *args, **more)

    monkeypatch.setattr(storing, "perform", store)
    async with smtp.connect() as client:
        assert (await send(client, "team@ours.example")).startswith("250")
    assert users == dict.fromkeys(("mia", "bo"), 1 if many else 2)


async def test_what_one_account_cannot_take_now_is_owed_before_250(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-74, SMTP-108: nothing is told to the sender, the others have it."""
    await fail_for(smtp, monkeypatch, {"mia": OverQuota(5, 5)})
    async with smtp.connect() as client:
        assert (await send(client, *BOTH)).startswith("250 2.0.0 message accepted, id ")
    (owed,) = smtp.deferred
    assert (owed.account, str(owed.recipient), str(owed.sender)) == ("mia", "mia@ours.example", "ann@remote.example")
    assert (owed.code, owed.ecode, owed.text) == (452, "4.2.2", "mailbox full")
    assert b"Delivered-To: mia@ours.example\r\n" in owed.prefix
    assert owed.message_id == "<orig@remote.example>"
    assert await smtp.carried() == []
    assert len(await smtp.messages("bo")) == 1
    assert await smtp.messages("mia") == []


async def test_who_is_refused_for_good_among_others_is_told_by_one_notice(smtp: Smtp) -> None:
    """SMTP-74, 108, 109: it is owed by the account that accepts."""
    async with smtp.connect(trusted=True) as client:
        assert (await send(client, "nobody@ours.example", "bo@ours.example")).startswith("250 2.0.0")
    (queued,) = await smtp.carried()
    assert queued.submission.mail_from is None
    assert queued.submission.key.startswith(b"notice ")
    assert [str(one.address) for one in queued.submission.recipients] == ["ann@remote.example"]
    assert queued.message["References"] == "<orig@remote.example>"
    assert queued.message["Auto-Submitted"] == "auto-replied"
    assert re.search(rb"Final-Recipient: rfc822; ?nobody@ours.example", queued.octets)
    assert b"550 5.1.1" in queued.octets
    assert len(await smtp.messages("bo")) == 1
    assert smtp.deferred == []


@pytest.mark.parametrize(("notify", "told"), [("NEVER", 0), ("SUCCESS,DELAY", 0), ("SUCCESS,FAILURE", 1)])
async def test_a_sender_who_wants_no_notice_gets_none(smtp: Smtp, notify: str, told: int) -> None:
    """SMTP-156, SMTP-74: NOTIFY of a listener with `dsn_ext` (RFC 3461 §4.1); the other recipient has the message."""
    context = smtp.configured("starttls = false, first=>starttls = false, dsn_ext = true, first")
    async with smtp.connect(trusted=True, context=context) as client:
        await client.play(
            "C: MAIL FROM:<ann@remote.example> ENVID=id1\nS: 250\n"
            f"C: RCPT TO:<nobody@ours.example> NOTIFY={notify} ORCPT=rfc822;no@old.example\nS: 250\n"
            "C: RCPT TO:<bo@ours.example>\nS: 250\nC: DATA\nS: 354"
        )
        await client.send(WITH_ID + b".\r\n")
        assert (await client.reply()).startswith("250 2.0.0")
    queued = await smtp.carried()
    assert len(queued) == told
    if queued:
        assert b"Original-Recipient: rfc822;no@old.example" in queued[0].octets
        assert b"Original-Envelope-ID: id1" in queued[0].octets
    assert len(await smtp.messages("bo")) == 1


async def test_an_account_that_is_gone_when_it_should_store_is_told_as_well(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SMTP-108: refused for good only after others have stored the message."""
    await fail_for(smtp, monkeypatch, {"mia": AccountRemoved("mia")})
    async with smtp.connect() as client:
        assert (await send(client, *BOTH)).startswith("250 2.0.0 message accepted for some recipients")
    (queued,) = await smtp.carried()
    assert re.search(rb"Final-Recipient: rfc822; ?mia@ours.example", queued.octets)


async def test_a_null_sender_is_never_told(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """SMTP-108, RFC 5321 §4.5.5: a permanent failure is logged, a temporary one is tried again."""
    caplog.set_level("INFO", logger="moxlite.smtpd")
    await fail_for(smtp, monkeypatch, {"mia": AccountRemoved("mia")})
    async with smtp.connect() as client:
        assert (await send(client, "team@ours.example", sender="")).startswith("250")
    assert await smtp.carried() == []
    assert "message rejected for recipient, sender not notified" in [one.getMessage() for one in caplog.records]
    await fail_for(smtp, monkeypatch, {"mia": StorageBroken("x")})
    async with smtp.connect() as client:
        assert (await send(client, "team@ours.example", sender="")).startswith("250")
    (owed,) = smtp.deferred
    assert (owed.account, owed.sender) == ("mia", None)


async def test_members_of_an_alias_fail_alone(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-104: one is full, one is fine; all full; one full and one gone; one fine and one gone."""
    await fail_for(smtp, monkeypatch, {"mia": OverQuota(5, 5)})
    async with smtp.connect() as client:
        assert (await send(client, "team@ours.example")).startswith("250 2.0.0 message accepted, id ")
        assert [(one.account, str(one.recipient)) for one in smtp.deferred] == [("mia", "team@ours.example")]
        await fail_for(smtp, monkeypatch, {"mia": OverQuota(5, 5), "bo": OverQuota(5, 5)})
        assert (await send(client, "team@ours.example")).startswith("452 4.2.2 mailbox full")
        await fail_for(smtp, monkeypatch, {"mia": AccountRemoved("mia"), "bo": StorageBusy("locked")})
        assert (await send(client, "team@ours.example")).startswith("451 4.3.0")
        await fail_for(smtp, monkeypatch, {"mia": AccountRemoved("mia"), "bo": AccountRemoved("bo")})
        assert (await send(client, "team@ours.example")).startswith("550 5.1.1")
    assert len(smtp.deferred) == 1
    assert await smtp.carried() == []
    await fail_for(smtp, monkeypatch, {"mia": AccountRemoved("mia")})
    async with smtp.connect() as client:
        assert (await send(client, "team@ours.example")).startswith("250")
    (queued,) = await smtp.carried()
    assert re.search(rb"Final-Recipient: rfc822; ?team@ours.example", queued.octets)


async def test_temporary_and_permanent_refusals_together_are_temporary(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SMTP-108: nothing is stored and nothing is owed; the sender's server tries again."""
    await fail_for(smtp, monkeypatch, {"mia": AccountRemoved("mia"), "bo": StorageFull("disk")})
    async with smtp.connect() as client:
        assert await send(client, *BOTH) != ""
        reply = await send(client, *BOTH)
        assert reply.startswith("451-4.3.0 550 5.1.1 no such user\n451 4.3.0 452 4.3.1 out of storage space")
    assert (smtp.deferred, await smtp.carried()) == ([], [])


async def test_an_own_address_counts_before_the_alias_and_the_alias_refuses_for_itself(smtp: Smtp) -> None:
    """SMTP-105, SMTP-106: who may not write to the alias is told, though a member gets the message otherwise."""
    async with smtp.connect() as client:
        reply = await send(client, "inner@ours.example", "mia@ours.example")
        assert reply.startswith("250 2.0.0 message accepted for some")
    (queued,) = await smtp.carried()
    assert re.search(rb"Final-Recipient: rfc822; ?inner@ours.example", queued.octets)
    assert b"550 5.7.2" in queued.octets
    assert headers(await smtp.one("mia"), "Delivered-To") == ["mia@ours.example"]
    assert await smtp.messages("bo") == []


def junk_for(monkeypatch: pytest.MonkeyPatch, account: str, code: int = 550) -> None:
    """Let an account refuse everything as junk."""

    def producer(case: Case) -> Sequence[Proposal]:
        if case.account != account:
            return ()
        reply = Response(code, "5.7.1" if code == 550 else "4.3.0", ("junk",))
        return (Proposal(because=Reason("test-junk", "test"), reply=reply, junk=True),)

    monkeypatch.setattr(gathering, "ORDER", (producer, *ORDER))


@pytest.mark.parametrize("code", [550, 451])
async def test_junk_is_told_to_nobody_and_a_copy_is_kept(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """SMTP-102, SMTP-108: no notice, no second try; alone it is refused."""
    junk_for(monkeypatch, "mia", code)
    async with smtp.connect() as client:
        assert (await send(client, *BOTH)).startswith("250")
        assert (await send(client, "mia@ours.example")).startswith(str(code))
    assert await smtp.carried() == []
    assert smtp.deferred == []
    assert len(await smtp.messages("mia", "Rejects")) == 1
    assert await smtp.messages("mia") == []
    assert len(await smtp.messages("bo")) == 1


async def test_without_a_queue_all_is_brought_again_and_nothing_comes_twice(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SMTP-108, QUEUE-158"""
    await fail_for(smtp, monkeypatch, {"mia": OverQuota(5, 5)})
    async with smtp.connect(context=smtp.with_context(defer=None)) as client:
        for _ in range(2):
            assert (await send(client, *BOTH)).startswith("451 4.3.0 can't accept mail for some recipients")
            assert len(await smtp.messages("bo")) == 1
        await fail_for(smtp, monkeypatch, {})
        assert (await send(client, *BOTH)).startswith("250")
        assert len(await smtp.messages("bo")) == len(await smtp.messages("mia")) == 1
        assert (await send(client, *BOTH)).startswith("250")  # which is another message of the same octets
    assert len(await smtp.messages("bo")) == len(await smtp.messages("mia")) == 2


@pytest.mark.parametrize("way", ["crash", "cancelled"])
async def test_a_session_that_breaks_off_after_one_account_has_stored_doubles_nothing(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """SMTP-108: the client has no reply and brings it again: who has the message ignores it once."""
    session = trio.CancelScope()
    broken = False

    async def in_order(names: Iterable[str], work: Callable[[str], Awaitable[None]]) -> None:
        nonlocal broken
        for name in names:
            if name == "bo" and not broken and await smtp.messages("mia"):
                broken = True
                if way == "crash":
                    raise RuntimeError("bug")
                session.cancel()
            await trio.lowlevel.checkpoint()
            await work(name)

    async def served(*args: Any) -> None:
        with session:
            await serve_connection(*args)

    monkeypatch.setattr(deliver, "_each", in_order)
    with monkeypatch.context() as patch:
        patch.setattr(smtpd_harness, "serve_connection", served)
        async with smtp.connect() as client:
            assert not (await send(client, *BOTH)).startswith("250")
    assert broken
    assert (len(await smtp.messages("mia")), len(await smtp.messages("bo"))) == (1, 0)
    async with smtp.connect() as client:
        for number in (1, 2):  # the second is another message of the same octets
            assert (await send(client, *BOTH)).startswith("250")
            assert len(await smtp.messages("mia")) == len(await smtp.messages("bo")) == number


async def test_a_session_that_breaks_off_before_an_account_has_stored_loses_nothing(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SMTP-44, SMTP-108: what is brought again is stored where it is not."""

    async def crash(account: Account, *args: Any, **more: Any) -> Any:
        raise RuntimeError("bug")

    with monkeypatch.context() as patch:
        patch.setattr(storing, "perform", crash)
        async with smtp.connect() as client:
            assert not (await send(client, *BOTH)).startswith("250")
    async with smtp.connect() as client:
        assert (await send(client, *BOTH)).startswith("250")
    assert len(await smtp.messages("mia")) == len(await smtp.messages("bo")) == 1


async def test_a_queue_that_fails_is_none(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-108"""

    async def broken(deferred: Sequence[Deferred], spool: Spool) -> None:
        raise StorageFull("queue.db")

    await fail_for(smtp, monkeypatch, {"mia": OverQuota(5, 5)})
    async with smtp.connect(context=smtp.with_context(defer=broken)) as client:
        assert (await send(client, *BOTH)).startswith("451 4.3.0")


async def test_localserve_fails_for_one_recipient_among_several(smtp: Smtp) -> None:
    """SMTP-132"""
    async with smtp.connect(context=smtp.with_context(default_account="bo")) as client:
        assert (await send(client, "mia@ours.example", "a-temperror@x.example")).startswith("250")
    (owed,) = smtp.deferred
    assert (owed.account, owed.code) == ("bo", 451)


async def test_an_alias_that_is_named_a_thousand_times_is_planned_once(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SMTP-32, SMTP-105"""
    planned = 0

    def producer(case: Case) -> Sequence[Proposal]:
        nonlocal planned
        planned += 1
        return ()

    monkeypatch.setattr(gathering, "ORDER", (producer, *ORDER))
    async with smtp.connect() as client:
        reply = await send(client, *["team@ours.example", "mia@ours.example"] * 500)
        assert reply.startswith("250 2.0.0 message accepted, id ")
    assert planned == 3
    assert len(await smtp.messages("mia")) == len(await smtp.messages("bo")) == 1


# With a queue


@asynccontextmanager
async def with_queue(smtp: Smtp, now: Clock) -> AsyncIterator[tuple[Context, Queue]]:
    """The server with a queue that holds what goes out."""
    data = smtp.context.spools.directory.parent
    resolver = FakeResolver()

    async def fetch(url: str) -> bytes:
        pytest.fail(f"nothing is fetched from {url}")

    ctx = QueueContext(
        srs=SRS([b"key of the test"]),
        config=smtp.context.config,
        accounts=smtp.context.accounts,
        resolver=resolver,
        web=HTTPClient(resolver),
        policies=Policies(None, resolver, fetch, now, Random(1)),
        ipv6=IPv6Source(resolver),
        connect_local=lambda key, submitter: pytest.fail("nothing goes to own addresses by SMTP"),
        tmp=smtp.context.spools.directory,
        trust=Trust(system=False),
        clock=now,
        random=Random(1),
    )
    async with Queue.open(data / "queue.db", ctx, Options(min_free_space=0), create=True) as queue:
        await queue.operations.add_hold_rule(recipient="remote.example")
        smtp.context.accounts.register_outbox(SUBMIT, carrier(queue.submit, data / "tmp", frozenset))
        async with open_supervisor("test") as tree, trio.open_nursery() as attempts:
            queue.start(tree, attempts)
            yield smtp.with_context(submit=queue.submit, defer=queue.defer), queue
            await queue.stop(tree)
            attempts.cancel_scope.cancel()


async def attempts_made(queue: Queue, number: int) -> None:
    """Wait until all deliveries that wait for accounts have been tried so often, or are gone."""
    with trio.fail_after(30):
        while any(  # noqa: ASYNC110
            row.attempts < number or not row.last_result or row.last_result.error == "delivering..."
            for row in await queue.listings.list_messages()
            if not row.account
        ):
            await trio.sleep(0.002)  # the queue does not tell when an attempt is over


async def test_three_recipients_one_locked_one_full_one_fine(
    smtp: Smtp, monkeypatch: pytest.MonkeyPatch, clock: trio.testing.MockClock
) -> None:
    """SMTP-108, QUEUE-28: the fine one has it at once, the locked one after the lock ends, the full one's sender gets
    one DSN at the end of the message's life.
    """
    now = Clock()
    errors: dict[str, StoreError] = {"mia": StorageBusy("locked"), "bo": OverQuota(5, 5)}
    await fail_for(smtp, monkeypatch, errors, localdelivery)
    clock.rate = 1.0
    async with with_queue(smtp, now) as (context, queue), smtp.connect(context=context) as client:
        assert (await send(client, *BOTH, "shut@ours.example")).startswith("250 2.0.0 message accepted, id ")
        assert len(await smtp.messages("shut")) == 1
        waiting = await queue.listings.list_messages()
        assert [(row.recipient_address, row.attempts, row.account) for row in waiting] == [
            ("mia@ours.example", 1, ""),
            ("bo@ours.example", 1, ""),
        ]
        assert [row.last_result.error for row in waiting if row.last_result] == [
            "account mia: 451 4.3.0 the server is busy; try again in a moment",
            "account bo: 452 4.2.2 mailbox full",
        ]
        del errors["mia"]
        limit = context.config.current.static.queue.max_attempts
        for number in range(2, limit + 1):
            now.advance(24 * 3600)
            queue.scheduler.changed()
            await attempts_made(queue, number)
            message = await smtp.one("mia")
        assert headers(message, "Delivered-To") == ["mia@ours.example"]
        assert message.endswith(WITH_ID)
        with trio.fail_after(30):
            while [row.account for row in await queue.listings.list_messages()] != ["mia"]:  # noqa: ASYNC110
                await trio.sleep(0.002)  # until the DSN is written and its cause is gone
        [notice] = await queue.listings.list_messages()
        octets = b"".join([piece async for piece in queue.listings.dump(notice.id)])
    assert (notice.recipient_address, notice.sender_address) == ("ann@remote.example", "")
    assert re.search(rb"Final-Recipient: rfc822; ?bo@ours.example", octets)
    assert b"452 4.2.2 mailbox full" in octets
    assert await smtp.messages("bo") == []
    assert len(await smtp.messages("shut")) == 1


async def test_a_delivery_waits_once_however_often_it_is_owed(smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-28: the own queue brings its message again under the same key; a null sender's row ends without a DSN."""
    await fail_for(smtp, monkeypatch, {"mia": StorageBusy("locked")}, localdelivery)
    now = Clock()
    async with with_queue(smtp, now) as (context, queue):
        for _ in range(2):
            async with smtp.connect(context=context, trusted=True, key=b"queue 7") as client:
                assert (await send(client, *BOTH, sender="")).startswith("250")
        [row] = await queue.listings.list_messages()
        assert row.sender_address == ""
        await queue.operations.fail(Filter(ids=(row.id,)))
        assert await queue.listings.list_messages() == []
        assert await queue._database.read(lambda r: r.value("SELECT count(*) FROM local"), op="test") == 0
    assert len(await smtp.messages("bo")) == 1
