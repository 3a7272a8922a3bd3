"""Submitting, listing, holding, failing, dropping: what people and programs do with the queue."""

import datetime as dt
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
import trio

from moxlite.operations.queue import Filter, Page, RetiredFilter, RetiredPage
from moxlite.proto.address import Address
from moxlite.queue import notices
from moxlite.queue.context import Context
from moxlite.queue.data.rows import Message
from moxlite.queue.errors import BadFilter, NoSuchMessage, UnknownTransport
from moxlite.store.delivery.submission import FromIDTaken, QueueFull, SubmissionRecipient
from moxlite.store.errors import StorageBusy
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Reader
from tests.queue_rig import MESSAGE, START, Server, rig_at

pytestmark = pytest.mark.served

KEEP = 'keep_retired_message_period = "72h"'


def everything() -> Filter:
    return Filter()


async def test_submission_is_one_row_per_recipient_and_one_content(tmp_path: Path) -> None:
    """QUEUE-1, QUEUE-3: base ids, shared octets, ids in the order of the recipients."""
    async with rig_at(tmp_path, serve=False) as rig:
        ids = await rig.submit("a@remote.example", "b@remote.example", prefix=b"X: y\r\n")
        [single] = await rig.submit("c@remote.example")
        rows = await rig.queue.listings.list_messages(page=Page(sort="queued"))
        assert [row.id for row in rows] == [*ids, single]
        assert [row.base_id for row in rows] == [ids[0], ids[0], 0]
        assert rows[0].content_id == rows[1].content_id != rows[2].content_id
        assert rows[0].size == len(b"X: y\r\n" + MESSAGE)
        assert b"".join([piece async for piece in rig.queue.listings.dump(ids[1])]) == b"X: y\r\n" + MESSAGE


async def test_submission_with_a_known_key_adds_nothing(tmp_path: Path) -> None:
    """QUEUE-1, STORE-189: a carrier that was killed after the commit comes again; the key is forgotten a week after
    the rows.
    """
    async with rig_at(tmp_path, serve=False) as rig:
        first = await rig.submit("a@remote.example", "b@remote.example", key=b"outbox 1")
        assert await rig.submit("a@remote.example", "b@remote.example", key=b"outbox 1") == first
        assert (await rig.queue.listings.counts()).messages == 2
        rig.clock.advance(8 * 86400)
        await rig.queue.clean()
        assert await rig.submit("a@remote.example", "b@remote.example", key=b"outbox 1") == first
        await rig.queue.operations.drop(everything())
        rig.clock.advance(6 * 86400)
        await rig.queue.clean()
        assert await rig.submit("a@remote.example", "b@remote.example", key=b"outbox 1") == first
        rig.clock.advance(2 * 86400)
        await rig.queue.clean()
        again = await rig.submit("a@remote.example", "b@remote.example", key=b"outbox 1")
        assert min(again) > max(first)


@pytest.mark.parametrize("size", [0, 100, 70_000, 300_000, 5_000_000])
async def test_octets_of_any_length_come_back_and_go_with_the_last_row(tmp_path: Path, size: int) -> None:
    """QUEUE-1, QUEUE-22: dump is byte exact; nothing is left behind."""
    data = bytes(range(256)) * (size // 256) + b"z" * (size % 256)
    async with rig_at(tmp_path, serve=False) as rig:
        ids = await rig.submit("a@remote.example", "b@remote.example", data=data)
        assert b"".join([piece async for piece in rig.queue.listings.dump(ids[0])]) == data
        await rig.queue.operations.drop(Filter(ids=(ids[0],)))
        assert b"".join([piece async for piece in rig.queue.listings.dump(ids[1])]) == data
        await rig.queue.operations.drop(everything())
        left = await rig.queue._database.scan(
            lambda r: [r.value(f"SELECT count(*) FROM {table}") for table in ("msg", "content", "content_chunk")],
            op="test",
        )
        assert left == [0, 0, 0]
        with pytest.raises(NoSuchMessage):
            await rig.queue.listings.get(ids[0])


async def test_account_cannot_fill_the_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-115: rows and octets, all or nothing."""
    monkeypatch.setattr("moxlite.queue.submit.MAX_ROWS", 3)
    async with rig_at(tmp_path, serve=False) as rig:
        await rig.submit("a@remote.example", "b@remote.example")
        with pytest.raises(QueueFull, match="2 of"):
            await rig.submit("c@remote.example", "d@remote.example")
        await rig.submit("c@remote.example", "d@remote.example", account="admin")
        monkeypatch.setattr("moxlite.queue.submit.MAX_OCTETS", 100)
        with pytest.raises(QueueFull, match="MiB"):
            await rig.submit("e@remote.example")
        assert (await rig.queue.listings.counts()).messages == 4


async def test_what_an_account_has_waiting_is_known_without_counting(tmp_path: Path) -> None:
    """SMTP-115, QUEUE-90: whatever happens to rows, their number and octets are those that a count would find."""
    counted = "SELECT account, count(*), sum(size) FROM {} GROUP BY account ORDER BY account"
    known = "SELECT account, {0}s, {0}_octets FROM room WHERE {0}s > 0 ORDER BY account"
    async with rig_at(tmp_path, account='outgoing_webhook = { url = "http://127.0.0.1:1/" }') as rig:
        rig.remote(Server({"RCPT TO:<late": "450 4.2.0 later", "RCPT TO:<no": "550 5.1.1 no"}))

        async def agree() -> list[int]:
            numbers = []
            for table, name in (("msg", "message"), ("hook", "hook")):
                by_count = await rig.queue._database.read(partial(Reader.rows, sql=counted.format(table)), op="test")
                by_room = await rig.queue._database.read(partial(Reader.rows, sql=known.format(name)), op="test")
                assert by_count == by_room
                numbers.append(sum(row[1] for row in by_count))
            return numbers

        await rig.submit("bob@remote.example", "late1@remote.example", "no@remote.example", prefix=b"X: y\r\n")
        await rig.submit("late2@remote.example", account="admin", sender="admin@own.example", data=MESSAGE * 9)
        await rig.settle()
        assert (await agree())[0] == 2
        await rig.queue._database.write(lambda tx: tx.execute("UPDATE msg SET size = size + 7 WHERE account = 'alice'"))
        await agree()
        await rig.queue.operations.drop(everything())
        messages, hooks = await agree()
        assert messages == 0
        assert hooks > 0


async def test_a_waiting_message_says_what_another_server_replied(tmp_path: Path) -> None:
    """WEBMAIL-96b: the code of its reply; what this server itself refuses for now has none."""
    static = "[transports.closed]\nfail = { smtp_code = 451, smtp_message = 'not today' }"
    domains = '[[routes]]\nto_domain = ["c.example"]\ntransport = "closed"'
    async with rig_at(tmp_path, static=static, domains=domains) as rig:
        rig.remote(Server({"RCPT": "451 4.3.0 later"}))
        await rig.submit("bob@remote.example", "cat@c.example")
        await rig.settle()
        waiting = await rig.queue.deliveries.waiting_of("alice", 1 << 62, 100)
        assert {one.recipient: one.code for one in waiting} == {"bob@remote.example": 451, "cat@c.example": 0}


async def test_sender_id_is_used_once(tmp_path: Path) -> None:
    """QUEUE-6: over waiting and finished messages."""
    async with rig_at(tmp_path, serve=False, account=KEEP) as rig:
        to = SubmissionRecipient(Address.parse("a@remote.example"), from_id="id1")
        await rig.submit(to)
        with pytest.raises(FromIDTaken, match="id1"):
            await rig.submit(to)
        await rig.queue.operations.drop(everything())
        with pytest.raises(FromIDTaken, match="id1"):
            await rig.submit(to)


async def test_ids_never_come_again(tmp_path: Path) -> None:
    """QUEUE-1a: also when the queue was empty in between."""
    async with rig_at(tmp_path, serve=False) as rig:
        [first] = await rig.submit("a@remote.example")
        await rig.queue.operations.drop(everything())
        [second] = await rig.submit("a@remote.example")
        assert second > first


async def test_filters_choose_by_all_that_is_given(tmp_path: Path) -> None:
    """QUEUE-23: ids, account, addresses, domains, hold, times, transport, number; combined with AND."""
    async with rig_at(tmp_path, serve=False, static="[transports.t]\nfail = {}") as rig:
        [a] = await rig.submit("bob@remote.example")
        rig.clock.advance(3600)
        [b] = await rig.submit("carol@sub.remote.example", sender="Bob@own.example")
        [c] = await rig.submit("dan@münchen.example", account="admin", sender="", transport="t")
        await rig.queue.operations.hold(Filter(ids=(c,)))

        async def found(**fields: object) -> list[int]:
            wanted = Filter(**fields)  # type: ignore[arg-type]
            return [row.id for row in await rig.queue.listings.list_messages(wanted, Page(sort="queued"))]

        assert await found() == [a, b, c]
        assert await found(ids=(a, c)) == [a, c]
        assert await found(account="admin") == [c]
        assert await found(sender="bob@OWN") == [b]
        assert await found(recipient="REMOTE.example") == [a, b]
        assert await found(recipient="@remote.example") == [a]
        assert await found(recipient="@xn--mnchen-3ya.example") == [c]
        assert await found(hold=True) == [c]
        assert await found(hold=False) == [a, b]
        assert await found(submitted="<-30m") == [a]
        assert await found(submitted=">-30m") == [b, c]
        assert await found(next_attempt="<now") == [a]
        assert await found(transport="t") == [c]
        assert await found(transport="") == [a, b]
        assert await found(n=2) == [a, b]
        assert await found(recipient="remote", sender="alice") == [a]


@pytest.mark.parametrize(
    ("fields", "page", "named"),
    [
        ({"submitted": "1h"}, {}, "submitted"),
        ({"submitted": "<soon"}, {}, "soon"),
        ({"next_attempt": "=1h"}, {}, "next_attempt"),
        ({"recipient": "@not a domain"}, {}, "not a domain"),
        ({}, {"last_id": 5}, "last"),
        ({}, {"last": "2026-01-01T00:00:00Z"}, "last_id"),
        ({}, {"last_id": 5, "last": "yesterday"}, "yesterday"),
        ({}, {"n": 0}, "n"),
        ({}, {"n": 5000}, "5000"),
    ],
)
async def test_bad_filters_are_named_and_change_nothing(
    tmp_path: Path, fields: dict[str, str], page: dict[str, object], named: str
) -> None:
    """QUEUE-154."""
    async with rig_at(tmp_path, serve=False) as rig:
        await rig.submit("bob@remote.example")
        with pytest.raises(BadFilter, match=named):
            await rig.queue.listings.list_messages(Filter(**fields), Page(**page))  # type: ignore[arg-type]
        if fields:
            with pytest.raises(BadFilter, match=named):
                await rig.queue.operations.drop(Filter(**fields))  # type: ignore[arg-type]
        assert (await rig.queue.listings.counts()).messages == 1


async def test_pages_follow_each_other_without_gap(tmp_path: Path) -> None:
    """QUEUE-24: by key, in both directions, equal times told apart by id."""
    async with rig_at(tmp_path, serve=False) as rig:
        ids: list[int] = []
        for n in range(7):
            ids += await rig.submit(f"u{n}@remote.example")
            rig.clock.advance(0 if n % 2 else 0.000001)
        for ascending in (True, False):
            seen: list[int] = []
            page = Page(sort="queued", ascending=ascending, n=3)
            while rows := await rig.queue.listings.list_messages(page=page):
                seen += [row.id for row in rows]
                moment = dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=rows[-1].queued)
                page = Page(sort="queued", ascending=ascending, n=3, last_id=rows[-1].id, last=moment.isoformat())
            assert seen == (ids if ascending else ids[::-1])


async def test_held_messages_wait_and_go_when_released(tmp_path: Path) -> None:
    """QUEUE-20, QUEUE-22, QUEUE-8: releasing wakes the scheduler at once."""
    async with rig_at(tmp_path) as rig:
        mx = rig.remote(Server())
        rule_id, held = await rig.queue.operations.add_hold_rule()
        assert held == 0
        await rig.submit("a@remote.example", "b@remote.example")
        await rig.settle()
        assert mx.messages == []
        assert (await rig.queue.listings.counts()).held == 2
        assert await rig.queue.operations.remove_hold_rule(rule_id)
        assert not await rig.queue.operations.remove_hold_rule(rule_id)
        assert (await rig.queue.listings.counts()).held == 2
        assert await rig.queue.operations.unhold(everything()) == 2
        await rig.settle()
        assert len(mx.messages) == 1


async def test_a_submission_may_come_on_hold(tmp_path: Path) -> None:
    """QUEUE-20, STORE-145: what an account of a restored backup owes to the queue waits until it is released."""
    async with rig_at(tmp_path) as rig:
        mx = rig.remote(Server())
        await rig.submit("a@remote.example", "b@remote.example", hold=True)
        await rig.settle()
        assert mx.messages == []
        assert await rig.queue.operations.unhold(everything()) == 2
        await rig.settle()
        assert len(mx.messages) == 1


async def test_hold_rules_match_by_all_that_is_set(tmp_path: Path) -> None:
    """QUEUE-20, QUEUE-21: account, sender and recipient as domain or address; also what is there already."""
    async with rig_at(tmp_path, serve=False) as rig:
        await rig.submit("bob@remote.example")
        await rig.submit("carol@remote.example")
        assert (await rig.queue.operations.add_hold_rule(recipient="bob@remote.example"))[1] == 1
        await rig.queue.operations.add_hold_rule(account="alice", sender="own.example", recipient="other.example")
        await rig.submit("dan@other.example")
        await rig.submit("dan@other.example", sender="")
        await rig.submit("dan@other.example", account="admin")
        rows = await rig.queue.listings.list_messages(page=Page(sort="queued"))
        assert [row.hold for row in rows] == [True, False, True, False, False]
        assert len(await rig.queue.operations.hold_rules()) == 2
        with pytest.raises(BadFilter, match="isn't a valid address or domain"):
            await rig.queue.operations.add_hold_rule(sender="no domain")
        with pytest.raises(BadFilter, match="isn't a valid address or domain"):
            await rig.queue.operations.add_hold_rule(recipient="@")
        assert (await rig.queue.operations.add_hold_rule(recipient="@remote.example"))[1] == 1
        assert (await rig.queue.operations.hold_rules())[-1].recipient_domain == "remote.example"


async def test_schedule_moves_attempts(tmp_path: Path) -> None:
    """QUEUE-22: by a duration, possibly negative, or to now."""
    async with rig_at(tmp_path, serve=False) as rig:
        [message_id] = await rig.submit("a@remote.example")
        await rig.queue.operations.schedule(everything(), 60)
        assert (await rig.queue.listings.get(message_id)).next_attempt == START + 60_000_000
        await rig.queue.operations.schedule(everything(), -90)
        assert (await rig.queue.listings.get(message_id)).next_attempt == START - 30_000_000
        await rig.queue.operations.schedule(everything(), 5, from_now=True)
        assert (await rig.queue.listings.get(message_id)).next_attempt == START + 5_000_000


async def test_transport_of_a_row_wins_over_routes(tmp_path: Path) -> None:
    """QUEUE-22, QUEUE-30: unknown names are refused; one that has gone since is a temporary failure naming it."""
    async with rig_at(tmp_path, static="[transports.no]\nfail = {}") as rig:
        rig.remote(Server())
        with pytest.raises(UnknownTransport, match="nosuch"):
            await rig.queue.operations.set_transport(everything(), "nosuch")
        await rig.submit("a@remote.example", transport="gone")
        await rig.settle()
        [row] = await rig.queue.listings.list_messages()
        assert "transport gone doesn't exist" in row.results[0].error
        assert await rig.queue.operations.set_transport(everything(), "no") == 1
        assert await rig.queue.operations.schedule(everything(), 0, from_now=True) == 1
        await rig.settle()
        [dsn] = await rig.inbox()
        assert b"can't deliver to this destination" in dsn


async def test_require_tls_can_be_changed(tmp_path: Path) -> None:
    """QUEUE-22, QUEUE-55."""
    async with rig_at(tmp_path, serve=False) as rig:
        [message_id] = await rig.submit("a@remote.example", requiretls=True)
        for value in (False, None, True):
            assert await rig.queue.operations.set_require_tls(everything(), value) == 1
            assert (await rig.queue.listings.get(message_id)).require_tls is value


async def test_failed_by_an_admin_tells_the_sender(tmp_path: Path) -> None:
    """QUEUE-22: DSN, result, retired without success; also what is on hold."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        await rig.queue.operations.add_hold_rule()
        await rig.submit("a@remote.example")
        assert await rig.queue.operations.fail(everything()) == 1
        await rig.settle()
        [dsn] = await rig.inbox()
        assert b"an administrator of this server bounced the message" in dsn
        [retired] = await rig.queue.listings.list_retired(RetiredFilter(success=False))
        assert retired.results[-1].error == "an administrator of this server bounced the message"
        assert await rig.queue.listings.list_retired(RetiredFilter(success=True)) == []


async def test_a_notice_about_what_was_held_for_long_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """QUEUE-22, QUEUE-100: its five days begin when it is owed."""
    tried = 0
    deliver = notices.deliver_notice

    async def failing(ctx: Context, database: Database, messages: Sequence[Message]) -> None:
        nonlocal tried
        tried += 1
        if tried == 1:
            raise StorageBusy
        await deliver(ctx, database, messages)

    monkeypatch.setattr(notices, "deliver_notice", failing)
    async with rig_at(tmp_path, account=KEEP) as rig:
        await rig.queue.operations.add_hold_rule()
        await rig.submit("a@remote.example")
        rig.clock.advance(6 * 24 * 3600)
        assert await rig.queue.operations.fail(everything()) == 1
        await rig.settle()
        assert tried == 1
        assert await rig.inbox() == []
        await rig.pass_time(301)
        [dsn] = await rig.inbox()
        assert b"Message not delivered" in dsn


async def test_failed_during_an_attempt_stays_failed(tmp_path: Path) -> None:
    """QUEUE-22: what the host then replies neither brings the message back nor changes what the sender is told."""
    async with rig_at(tmp_path, account=KEEP, static="[queue]\ndelay_dsn_attempt = 1") as rig:
        mx = rig.remote(Server({"final": "451 4.3.0 later"}))
        mx.hang_after_data = True
        await rig.submit("a@remote.example")
        await mx.in_data.wait()
        assert await rig.queue.operations.fail(everything()) == 1
        mx.release.set()
        await rig.settle()
        rig.clock.advance(60)
        rig.queue.scheduler.changed()
        with trio.fail_after(60):
            while await rig.queue.listings.list_messages():  # noqa: ASYNC110  the queue's own task tells the sender
                await trio.sleep(0.005)
        [dsn] = await rig.inbox()
        assert b"Message not delivered" in dsn
        [retired] = await rig.queue.listings.list_retired()
        errors = [result.error for result in retired.results]
        assert errors == ["data: 451 4.3.0 later", "an administrator of this server bounced the message"]


async def test_dropped_is_gone_without_a_word(tmp_path: Path) -> None:
    """QUEUE-22, QUEUE-25: retired for the account's time, not at all by default."""
    async with rig_at(tmp_path, serve=False, account=KEEP) as rig:
        [message_id] = await rig.submit("a@remote.example")
        await rig.submit("a@remote.example", account="admin")
        assert await rig.queue.operations.drop(everything()) == 2
        gone = await rig.queue.listings.get_retired(message_id)
        assert (gone.account, gone.success) == ("alice", False)
        assert gone.results[-1].error.startswith("an administrator of this server deleted the message")
        assert len(await rig.queue.listings.list_retired(page=RetiredPage(sort="queued"))) == 1
        assert await rig.inbox() == []
        rig.clock.advance(71 * 3600)
        await rig.queue.clean()
        assert (await rig.queue.listings.get_retired(message_id)).id == message_id
        rig.clock.advance(2 * 3600)
        await rig.queue.clean()
        with pytest.raises(NoSuchMessage):
            await rig.queue.listings.get_retired(message_id)
