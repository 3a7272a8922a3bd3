"""Attempts over days, DSNs, restarts, shutdown: what the queue does with time."""

from contextlib import closing
from itertools import pairwise
from pathlib import Path

import apsw
import msgspec
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from moxlite.net.resolver import RecordType
from moxlite.operations.queue import Filter
from moxlite.proto.address import Address
from moxlite.queue import attempt, record
from moxlite.queue.data.rows import DELIVERING, INTERRUPTED, Message
from moxlite.queue.scheduling import scheduler
from moxlite.store.delivery.submission import DSNNotify, SubmissionRecipient
from moxlite.store.errors import AccountUnknown, StorageFull
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.types import Flag
from tests.queue_rig import MESSAGE, START, Rig, Server, as_a_kill_would_leave_it, rig_at, sample
from tests.tools import eventually, settled

pytestmark = pytest.mark.served

KEEP = 'keep_retired_message_period = "200h"'
HOUR = 3600.0


async def attempt_times(rig: Rig, server: Server, days: float) -> list[float]:
    """Minutes after the start at which attempts were made, stepping from one due time to the next."""
    times = []
    end = START + int(days * 24 * HOUR * 1e6)
    while rig.clock.now < end:
        before = server.connections
        rig.queue.scheduler.changed()
        await rig.settle()
        if server.connections > before:
            times.append((rig.clock.now - START) / 60e6)
        rows = await rig.queue.listings.list_messages()
        if not rows:
            break
        rig.clock.now = rows[0].next_attempt
    return times


async def test_message_is_tried_for_five_days_with_growing_delays(tmp_path: Path) -> None:
    """QUEUE-10, QUEUE-11, QUEUE-12: 14 attempts up to 4d15h52m30s, one DSN when it is late, one when it has failed."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        server = rig.remote(Server({"MAIL": "451 4.3.0 later"}))
        await rig.submit("bob@remote.example")
        times = await attempt_times(rig, server, 10)
        expected = [0, 7.5, 22.5, 52.5, 112.5, 232.5, 472.5, 952.5, *(952.5 + 960 * n for n in range(1, 7))]
        assert times == [pytest.approx(minutes, rel=0.011, abs=0.01) for minutes in expected]
        delayed, failed = await rig.inbox()
        assert b"Subject: Message delayed" in delayed
        assert b"Action: delayed" in delayed
        assert b"Will-Retry-Until:" in delayed
        assert delayed.count(b"\r\n    ") >= 9  # the attempts that are left
        assert b"Subject: Message not delivered" in failed
        assert b"Diagnostic-Code: smtp; 451 4.3.0 later" in failed
        [retired] = await rig.queue.listings.list_retired()
        assert (retired.success, retired.attempts, len(retired.results)) == (False, 14, 14)


@pytest.mark.parametrize("kind", ["dmarc", "tlsrpt"])
async def test_own_number_of_attempts_wins(tmp_path: Path, kind: str) -> None:
    """QUEUE-11, QUEUE-105: reports get 5 attempts, no delayed DSN, and their failure goes to the postmaster, seen,
    and counted.
    """
    before = sample("moxlite_queue_report_failure_total", kind=kind)
    async with rig_at(tmp_path) as rig:
        server = rig.remote(Server({"MAIL": "451 4.3.0 later"}))
        await rig.submit("bob@remote.example", is_dmarc_report=kind == "dmarc", is_tls_report=kind == "tlsrpt")
        assert len(await attempt_times(rig, server, 10)) == 5
        assert await rig.inbox() == []
        [failed] = await rig.inbox("admin", f"Postmaster/{kind}")
        assert b"Message not delivered" in failed
        async with rig.accounts.use("admin") as account:
            assert await account.read(lambda r: r.value("SELECT flags FROM message"), op="test") == Flag.SEEN
    assert sample("moxlite_queue_report_failure_total", kind=kind) == before + 1


async def test_a_dsn_is_no_mail_of_strangers(tmp_path: Path) -> None:
    """QUEUE-100, QUEUE-17: it is known as a DSN, counts for no one's reputation, and comes though the domain is
    disabled, when the message has waited for its whole time.
    """
    async with rig_at(tmp_path, static="[queue]\nmax_attempts = 2\ndelay_dsn_attempt = 5") as rig:
        rig.remote(Server())
        await rig.submit("bob@remote.example", sender="alice@off.example")
        await rig.settle()
        assert await rig.inbox() == []
        await rig.pass_time(460)
        [dsn] = await rig.inbox()
        assert b"Delivered-To: alice@off.example" in dsn
        assert b"sender's domain is temporarily disabled" in dsn
        async with rig.accounts.use("alice") as account:
            facts = "SELECT m.dsn, m.flags, (SELECT count(*) FROM message_smtp) FROM message m"
            assert await account.read(lambda r: tuple(r.row(facts) or ()), op="test") == (1, 0, 0)


async def test_dsn_says_what_happened_in_every_part(tmp_path: Path) -> None:
    """QUEUE-100..103, QUEUE-4: headers, human text, machine text, the message itself."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server({"RCPT": "550-5.1.1 no such user\r\n550 5.1.1 (ask sales) really"}))
        release = {"hold_until": START, "future_release": "for;60"}
        await rig.submit("bob@remote.example", dsn_envid="env1", dsn_ret="FULL", **release)
        await rig.settle()
        [dsn] = await rig.inbox()
        for expected in (
            b"Return-Path: <>\r\nDelivered-To: alice@own.example\r\n",
            b"From: Mail delivery system <postmaster@mail.own.example>",
            b"To: <alice@own.example>",
            b"Subject: Message not delivered",
            b"Message-Id: <",
            b"Date: Fri, 15 Jan 2027 08:00:00 +0000",
            b"References: <m1@own.example>",
            b"In-Reply-To: <m1@own.example>",
            b"Auto-Submitted: auto-replied",
            b"multipart/report",
            b"Original-Envelope-ID: env1",
            b"Reporting-MTA: dns; mail.own.example",
            b"Arrival-Date: Fri, 15 Jan 2027 08:00:00 +0000",
            b"Future-Release-Request: for;60",
            b"Last-Attempt-Date: Fri, 15 Jan 2027 08:00:00 +0000",
            b"Final-Recipient: rfc822;bob@remote.example",
            b"Action: failed",
            b"Status: 5.1.1",
            b"Remote-MTA: dns; mx.remote.example (192.0.2.1)",
            b"Diagnostic-Code: smtp; 550 5.1.1 no such user (ask sales) really",
            b"Your message to bob@remote.example couldn't be delivered",
            b"message/rfc822",
            b".body",
        ):
            assert expected in dsn, expected


@pytest.mark.parametrize(
    ("facts", "full"),
    [
        ({"dsn_ret": "HDRS"}, False),
        ({"data": MESSAGE + b"x" * 70 + b"\r\n"}, True),
        ({"data": MESSAGE + (b"x" * 70 + b"\r\n") * 1500}, False),
    ],
)
async def test_dsn_returns_the_header_only_where_asked_or_long(
    tmp_path: Path, facts: dict[str, object], full: bool
) -> None:
    """QUEUE-103: RET=HDRS, or over 100 KiB."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server({"RCPT": "550 5.1.1 no"}))
        await rig.submit("bob@remote.example", **facts)
        await rig.settle()
        [dsn] = await rig.inbox()
        assert (b".body" in dsn) is full
        assert b"Subject: test" in dsn
        assert (b"text/rfc822-headers" in dsn) is not full


async def test_no_dsn_where_the_sender_wants_none_or_is_nobody(tmp_path: Path) -> None:
    """QUEUE-100, RFC 3461: null sender, NOTIFY=NEVER, NOTIFY=DELAY."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server({"RCPT": "550 5.1.1 no"}))
        await rig.submit("bob@remote.example", sender="")
        for notify in (DSNNotify.NEVER, DSNNotify.DELAY):
            to = SubmissionRecipient(Address.parse("bob@remote.example"), dsn_notify=notify)
            await rig.submit(to)
        await rig.settle()
        assert await rig.queue.listings.list_messages() == []
        assert await rig.inbox() == []
        assert await rig.inbox("admin", "Postmaster") == []


async def test_dsn_for_an_account_that_is_gone_goes_to_the_postmaster(tmp_path: Path) -> None:
    """QUEUE-26, QUEUE-100."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server({"RCPT": "550 5.1.1 no"}))
        original = rig.accounts._config

        def config(name: str) -> object:
            if name == "alice":
                raise AccountUnknown(name)
            return original(name)

        rig.accounts._config = config  # type: ignore[assignment,method-assign]
        await rig.submit("bob@remote.example")
        await rig.settle()
        [dsn] = await rig.inbox("admin", "Postmaster")
        assert b"Delivered-To: alice@own.example" in dsn


async def test_dsn_is_stored_once_though_that_could_not_be_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """QUEUE-100, STORE-189: stored, then the queue's database fails, then stored again under the same key: one DSN."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.remote(Server({"RCPT": "550 5.1.1 no"}))
        tried: list[object] = []

        def told(*args: object) -> None:
            tried.append(args)
            raise StorageFull("queue.db")

        with monkeypatch.context() as patch:
            patch.setattr(record, "note_dsns", told)
            await rig.submit("bob@remote.example")
            await eventually(lambda: tried)
        [row] = await rig.queue.listings.list_messages()
        assert row.dsn_due == "failed"
        rig.queue.scheduler.changed()
        await rig.settle()
        assert len(await rig.inbox()) == 1
        assert len(await rig.queue.listings.list_retired()) == 1


async def test_interrupted_attempt_is_seen_as_such_after_a_restart(tmp_path: Path) -> None:
    """QUEUE-7, QUEUE-13, QUEUE-15a: counted and put off while it is under way; "delivering..." becomes "interrupted",
    and the message is tried at once.
    """
    async with rig_at(tmp_path) as rig:
        server = rig.remote(Server())
        server.hang_after_data = True
        await rig.submit("bob@remote.example")
        await server.in_data.wait()
        with closing(apsw.Connection(str(tmp_path / "queue.db"), flags=apsw.SQLITE_OPEN_READONLY)) as other:
            await eventually(lambda: other.execute("SELECT attempts FROM msg").fetchall() == [(1,)])
            [(next_attempt, results)] = other.execute("SELECT next_attempt, results FROM msg")
        assert [one["error"] for one in msgspec.json.decode(results)] == [DELIVERING]
        assert next_attempt > rig.clock.now
        copy = as_a_kill_would_leave_it(tmp_path)
    async with rig_at(copy, account=KEEP) as rig:
        mx = rig.remote(Server())
        await rig.settle()
        assert len(mx.messages) == 1
        [done] = await rig.queue.listings.list_retired()
        assert [one.error for one in done.results] == [INTERRUPTED, ""]


async def test_a_kill_in_the_first_second_of_the_first_attempt_leaves_no_trace(tmp_path: Path) -> None:
    """QUEUE-13, QUEUE-15a: the message is due after the start, and then its attempts are counted before they are
    made.
    """
    async with rig_at(tmp_path) as rig:
        server = rig.remote(Server())
        server.hang_after_data = True
        await rig.submit("bob@remote.example")
        await server.in_data.wait()
        copy = as_a_kill_would_leave_it(tmp_path)
    with closing(apsw.Connection(str(copy / "queue.db"))) as file:
        assert file.execute("SELECT attempts, results FROM msg").fetchall() == [(0, "[]")]
    async with rig_at(copy, account=KEEP) as rig:
        mx = rig.remote(Server())
        mx.hang_after_data = True
        await mx.in_data.wait()
        [row] = await rig.queue.listings.list_messages()
        assert (row.attempts, [one.error for one in row.results]) == (1, [DELIVERING])
        mx.release.set()
        await rig.settle()
        [done] = await rig.queue.listings.list_retired()
        assert (done.attempts, [one.error for one in done.results]) == (1, [""])


@pytest.mark.parametrize("reply", ["250 ok", "451 later"])
async def test_the_first_attempt_is_counted_with_its_outcome(tmp_path: Path, reply: str) -> None:
    """QUEUE-13, QUEUE-15: by the commit of the outcome, as the ones after it are before they are made."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server({"RCPT TO": [reply, "250 ok"]}))
        await rig.submit("bob@remote.example")
        await rig.settle()
        if reply != "250 ok":
            [row] = await rig.queue.listings.list_messages()
            assert (row.attempts, len(row.results), row.last_attempt) == (1, 1, rig.clock.now)
            assert 445 <= (row.next_attempt - rig.clock.now) / 1_000_000 <= 455
            await rig.pass_time(460)
        [done] = await rig.queue.listings.list_retired()
        assert (done.attempts, len(done.results)) == ((1, 1) if reply == "250 ok" else (2, 2))
        assert len(mx.messages) == 1


async def test_an_attempt_that_is_late_after_the_commit_for_another_is_counted_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leaping_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    """QUEUE-13, QUEUE-14: the scheduler goes on, however long the commit takes."""
    real, counted = record.mark_late, []

    def slow(tx: Tx, ids: list[int], policy: record.Policy) -> set[str]:
        counted.append(ids)
        leaping_clock.jump(0.02)
        return real(tx, ids, policy)

    monkeypatch.setattr(record, "mark_late", slow)
    async with rig_at(tmp_path) as rig:
        leaping_clock.rate = 0.0
        first, second = rig.remote(Server()), rig.remote(Server(), "other.example", "192.0.2.2")
        first.hang_after_data = second.hang_after_data = True
        [one] = await rig.submit("bob@remote.example")
        await first.in_data.wait()
        leaping_clock.jump(0.01)
        [other] = await rig.submit("carol@other.example")
        await second.in_data.wait()
        leaping_clock.jump(scheduler.SEEN_SECONDS - 0.005)
        await settled(0.02)
        assert counted == [[one], [other]]
        assert [row.attempts for row in await rig.queue.listings.list_messages()] == [1, 1]
    assert "task failed, restarting after backoff" not in [line.getMessage() for line in caplog.records]


async def test_attempts_that_cannot_be_counted_yet_hold_up_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leaping_clock: MockClock
) -> None:
    """QUEUE-13, QUEUE-14, QUEUE-157: the count is only for people, and made later."""
    failed = []

    def full(tx: Tx, ids: list[int], policy: record.Policy) -> set[str]:
        failed.append(ids)
        raise StorageFull("queue.db")

    async with rig_at(tmp_path) as rig:
        leaping_clock.rate = 0.0
        slow, mx = rig.remote(Server()), rig.remote(Server(), "other.example", "192.0.2.2")
        slow.hang_after_data = True
        with monkeypatch.context() as patch:
            patch.setattr(record, "mark_late", full)
            [row] = await rig.submit("bob@remote.example")
            await slow.in_data.wait()
            leaping_clock.jump(scheduler.SEEN_SECONDS + 0.005)
            await settled(0.02)
            assert failed == [[row]]
            await rig.submit("carol@other.example")
            await settled(0.02)
            assert len(mx.messages) == 1
            assert failed == [[row]]
        leaping_clock.jump(scheduler.FAILED_SECONDS)
        await settled(0.02)
        assert [row.attempts for row in await rig.queue.listings.list_messages()] == [1]


async def test_a_time_chosen_during_the_first_attempt_stands(tmp_path: Path) -> None:
    """QUEUE-22: whoever says "in an hour" while a message is under way is not overruled by its failure."""
    async with rig_at(tmp_path) as rig:
        mx = rig.remote(Server({"final": "451 later"}))
        mx.hang_after_data = True
        await rig.submit("bob@remote.example")
        await mx.in_data.wait()
        await rig.queue.operations.schedule(Filter(), 3600, from_now=True)
        mx.release.set()
        await rig.settle()
        [row] = await rig.queue.listings.list_messages()
        assert (row.attempts, row.next_attempt - rig.clock.now) == (1, 3600 * 1_000_000)


async def test_only_the_message_in_an_attempt_is_brought_forward(tmp_path: Path) -> None:
    """QUEUE-15a: a host that has put a message off is left alone after a restart too, and a held message waits."""
    async with rig_at(tmp_path) as rig:
        slow = rig.remote(Server({"RCPT TO:<LATER": "450 4.3.2 later"}))
        await rig.submit("later@remote.example")
        await rig.settle()
        slow.hang_after_data = True
        await rig.submit("now@remote.example")
        await slow.in_data.wait()
        copy = as_a_kill_would_leave_it(tmp_path)
    async with rig_at(copy) as rig:
        mx = rig.remote(Server())
        await rig.settle()
        assert mx.recipients == [["now@remote.example"]]
        [row] = await rig.queue.listings.list_messages()
        assert (row.rcpt_localpart, row.attempts) == ("later", 1)
        assert row.next_attempt > rig.clock.now


async def test_a_message_that_ends_the_server_waits_after_the_second_time(tmp_path: Path) -> None:
    """QUEUE-15a, QUEUE-13: a message whose first attempt ends the process does so twice more, and then by its
    schedule.
    """
    lives = [tmp_path / name for name in ("one", "two", "three", "four")]
    lives[0].mkdir()
    for life, following in pairwise(lives):
        async with rig_at(life) as rig:
            server = rig.remote(Server())
            server.hang_after_data = True
            if life == lives[0]:
                await rig.submit("bob@remote.example")
            await server.in_data.wait()
            as_a_kill_would_leave_it(life).rename(following)
    async with rig_at(lives[3]) as rig:
        mx = rig.remote(Server())
        [row] = await rig.queue.listings.list_messages()
        assert [one.error for one in row.results] == [INTERRUPTED, INTERRUPTED]
        await rig.settle()
        assert mx.connections == 0
        await rig.pass_time(16 * 60)
        assert len(mx.messages) == 1


async def test_shutdown_before_the_message_was_sent_does_not_count(tmp_path: Path) -> None:
    """QUEUE-15: due at once after the restart, as if the attempt had not been made."""
    async with rig_at(tmp_path, static='[queue]\nshutdown_grace = "10ms"') as rig:
        server = rig.remote(Server({"greeting": "220 hi"}))
        reached = trio.Event()

        async def stall(*args: object, **kwargs: object) -> None:
            reached.set()
            await trio.sleep_forever()

        server._speak = stall  # type: ignore[method-assign]
        await rig.submit("bob@remote.example")
        await reached.wait()
        rig.shutdown.set()
        await rig.stopped.wait()
        [row] = await rig.queue.listings.list_messages()
        assert (row.attempts, row.results, row.next_attempt) == (0, (), rig.clock.now)


async def test_shutdown_after_the_message_was_sent_is_a_temporary_failure(tmp_path: Path) -> None:
    """QUEUE-15: the host may have it, so it waits as after any failure."""
    async with rig_at(tmp_path, static='[queue]\nshutdown_grace = "10ms"') as rig:
        server = rig.remote(Server())
        server.hang_after_data = True
        await rig.submit("bob@remote.example")
        await server.in_data.wait()
        rig.shutdown.set()
        await rig.stopped.wait()
        [row] = await rig.queue.listings.list_messages()
        assert (row.attempts, row.results[0].error) == (1, "interrupted after data")
        assert row.next_attempt > rig.clock.now + 400e6


async def test_shutdown_lets_attempts_finish_and_starts_none(tmp_path: Path) -> None:
    """QUEUE-15: within the grace time."""
    async with rig_at(tmp_path) as rig:
        server = rig.remote(Server())
        server.hang_after_data = True
        await rig.submit("bob@remote.example")
        await server.in_data.wait()
        rig.shutdown.set()
        await rig.submit("carol@other.example")
        server.release.set()
        await rig.stopped.wait()
        [row] = await rig.queue.listings.list_messages()
        assert (row.rcpt_localpart, row.attempts) == ("carol", 0)


async def test_outcome_that_cannot_be_stored_is_kept_and_nothing_is_sent_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """QUEUE-157: the disk is full when the delivery ends."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server())
        real, failing = record.finish, [True]

        def finish(*args: object) -> None:
            if failing[0]:
                raise StorageFull("queue.db")
            real(*args)  # type: ignore[arg-type]

        monkeypatch.setattr(record, "finish", finish)
        await rig.submit("bob@remote.example")
        await eventually(lambda: rig.queue.scheduler.outcomes.unwritten)
        rig.clock.advance(10_000)
        rig.queue.scheduler.changed()
        await trio.sleep(0.05)
        assert len(mx.messages) == 1
        failing[0] = False
        rig.queue.scheduler.changed()
        await eventually(lambda: not rig.queue.scheduler.outcomes.unwritten)
        [retired] = await rig.queue.listings.list_retired()
        assert retired.success
        assert len(mx.messages) == 1


async def test_the_sender_is_told_of_an_outcome_that_is_stored_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """QUEUE-157, QUEUE-16: as soon as it is stored."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server({"RCPT": "550 5.1.1 no"}))
        tasks = rig.queue.scheduler

        def full(*_: object) -> None:
            raise StorageFull("queue.db")

        with monkeypatch.context() as patch:
            patch.setattr(record, "finish", full)
            await rig.submit("bob@remote.example")
            await eventually(lambda: tasks.outcomes.unwritten and not tasks.turns.busy)
            await trio.testing.wait_all_tasks_blocked(0.01)
        tasks.changed()  # in case it is no longer in the pause after its failure
        await eventually(lambda: not tasks.outcomes.unwritten)
        await rig.settle()
        [dsn] = await rig.inbox()
        assert b"Status: 5.1.1" in dsn


async def test_crash_of_the_delivery_code_puts_the_message_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-13: no tight loop whatever our own fault; the queue goes on."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server())

        async def crash(*args: object) -> None:
            raise RuntimeError("bug")

        with monkeypatch.context() as patch:
            patch.setattr(attempt, "deliver_direct", crash)
            await rig.submit("bob@remote.example")
            await rig.settle()
        [row] = await rig.queue.listings.list_messages()
        assert (row.attempts, row.results[0].error) == (1, "deliver: 4.3.0 server error; see the log")
        await rig.pass_time(460)
        assert await rig.queue.listings.list_messages() == []


async def test_a_crash_around_an_attempt_is_that_domain_s_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leaping_clock: MockClock
) -> None:
    """QUEUE-13, ADMIN-39a: it is tried again after a pause, and others are delivered meanwhile."""
    async with rig_at(tmp_path) as rig:
        mx, other = rig.remote(Server()), rig.remote(Server(), "other.example", "192.0.2.2")
        real, crashes = record.begin, 0

        def crash(r: Reader, ids: list[int], policy: record.Policy, newest: int) -> tuple[Message, ...] | None:
            nonlocal crashes
            if r.value("SELECT rcpt_domain FROM msg WHERE id = ?", ids[0]) == "remote.example":
                crashes += 1
                raise RuntimeError("bug")
            return real(r, ids, policy, newest)

        with monkeypatch.context() as patch:
            patch.setattr(record, "begin", crash)
            await rig.submit("bob@remote.example")
            await rig.submit("carol@other.example")
            await eventually(lambda: other.messages and crashes)
            rig.queue.scheduler.changed()
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert crashes == 1
        leaping_clock.jump(scheduler.FAILED_SECONDS)
        await eventually(lambda: mx.messages)


async def test_an_attempt_outlives_a_failure_of_the_scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-14, ADMIN-39a: the database fails while a host takes the message, which is delivered once."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        server = rig.remote(Server())
        server.hang_after_data = True
        await rig.submit("bob@remote.example")
        await server.in_data.wait()
        failed = trio.Event()

        async def fail() -> None:
            failed.set()
            raise StorageFull("queue.db")

        with monkeypatch.context() as patch:
            patch.setattr(rig.queue.scheduler.outcomes, "write_unwritten", fail)
            rig.queue.scheduler.changed()
            await failed.wait()
        server.release.set()
        await eventually(lambda: len(server.messages) == 1)
        await rig.settle()
        [retired] = await rig.queue.listings.list_retired()
        assert retired.success
        assert len(server.messages) == 1


async def test_routes_change_with_the_number_of_attempts(tmp_path: Path) -> None:
    """QUEUE-30, QUEUE-31: from the 3rd attempt on over the smarthost."""
    static = '[transports.relay]\nsmtp = { host = "relay.example", no_starttls = true }'
    domains = '[[routes]]\ntransport = "relay"\nminimum_attempts = 2'
    async with rig_at(tmp_path, static=static, domains=domains) as rig:
        rig.remote(Server({"MAIL": "451 4.3.0 later"}))
        rig.resolver.set("relay.example", RecordType.A, ["192.0.2.9"])
        relay = rig.serve("192.0.2.9", Server())
        await rig.submit("bob@remote.example")
        await rig.settle()
        await rig.pass_time(460)
        assert relay.messages == []
        await rig.pass_time(920)
        assert len(relay.messages) == 1


async def test_future_release_waits_until_its_time(tmp_path: Path) -> None:
    """QUEUE-27, QUEUE-10: the first attempt is at the release time; `schedule --now` overrides it."""
    async with rig_at(tmp_path) as rig:
        mx = rig.remote(Server())
        for _ in range(2):
            await rig.submit("bob@remote.example", hold_until=START + 3_600_000_000, future_release="for;3600")
        await rig.settle()
        assert mx.messages == []
        [first, _] = await rig.queue.listings.list_messages()
        assert await rig.queue.operations.schedule(Filter(ids=(first.id,)), 0, from_now=True) == 1
        await rig.settle()
        assert len(mx.messages) == 1
        await rig.pass_time(3600)
        assert len(mx.messages) == 2


async def test_a_clock_that_is_set_back_delays_no_retry(tmp_path: Path) -> None:
    """QUEUE-16a: retries go back with the clock, while the server runs and once at the next start, whatever the number
    of starts. A release at a time of the calendar stays.
    """
    hour = int(HOUR * 1e6)
    later = START + 40 * hour
    async with rig_at(tmp_path, account=KEEP) as rig:
        server = rig.remote(Server({"MAIL": "451 4.3.0 later"}))
        await rig.submit("bob@remote.example")
        await rig.settle()
        await rig.submit("eva@remote.example", hold_until=later, future_release="until;2027-01-17T00:00:00Z")
        await rig.submit("ida@remote.example", hold_until=START + 2 * hour, future_release="for;7200")
        rig.clock.now -= 24 * hour
        rig.queue.clock_set()

        async def times() -> dict[str, int]:
            rows = await rig.queue.listings.list_messages()
            return {row.recipient.localpart: row.next_attempt - rig.clock.now for row in rows}

        with trio.fail_after(60):
            while (await times())["ida"] != 2 * hour:  # noqa: ASYNC110 of the queue's task
                await trio.sleep(0.002)
        assert await times() == {"bob": pytest.approx(450e6, rel=0.02), "eva": 64 * hour, "ida": 2 * hour}
        await rig.pass_time(460)
        assert server.connections == 2
        await rig.pass_time(24 * HOUR)
    for _ in range(3):  # the clock of a new rig is at the start, minutes behind
        async with rig_at(tmp_path, account=KEEP, serve=False) as rig:
            rows = {str(row.recipient.localpart): row for row in await rig.queue.listings.list_messages()}
            assert rows["bob"].next_attempt - START == pytest.approx(1800e6, rel=0.02)
            assert rows["bob"].last_attempt == START
            assert rows["eva"].next_attempt == later
