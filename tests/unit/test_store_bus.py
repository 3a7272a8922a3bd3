"""The change bus: tail, cursors, own units, falling behind, closing (STORE-31..35, STORE-38)."""

from __future__ import annotations

import gc
from functools import partial

import pytest
import trio
import trio.testing

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog import bus as bus_module
from moxlite.store.changelog.bus import Batch, Bus, Cursor
from moxlite.store.changelog.catchup import Catchup
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import StorageBusy
from moxlite.store.mail import mailboxes
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.store.types import (
    UID,
    AccountClosing,
    Event,
    Flag,
    FlagsChanged,
    MailboxAdded,
    MailboxID,
    MessageAdded,
    MessageID,
    MessagesRemoved,
    ModSeq,
)
from tests.store_fixtures import accounts, store_options

__all__ = ["accounts", "store_options"]


class Log:
    """A bus without a database: what is read from it is told by the test."""

    def __init__(self, modseq: int = 10) -> None:
        self.loads: list[ModSeq] = []
        self.events: list[list[Event]] = []
        self.acknowledged = 0
        self.bus = Bus("mjl", ModSeq(modseq), self.load, self.note)

    async def load(self, catchup: Catchup) -> list[Event]:
        await trio.lowlevel.checkpoint()
        self.loads.append(catchup.since)
        if catchup.modseq == catchup.since:  # as a plan, which is made at the first call
            catchup.modseq = self.bus.modseq
        if self.events:
            return self.events.pop(0)
        catchup._done = True
        return []

    def note(self) -> None:
        self.acknowledged += 1

    def cursor(self, *, keep_own: bool = False) -> Cursor:
        cursor = self.bus.add(keep_own=keep_own)
        cursor.start(self.bus.modseq)
        return cursor

    def tell(
        self, *events: Event, origin: Cursor | None = None, overtaken: frozenset[int] | None = frozenset()
    ) -> None:
        named = None if overtaken is None else frozenset(map(MessageID, overtaken))
        self.bus.publish(ModSeq(self.bus.modseq + 1), events, origin, named)


def flags(number: int) -> FlagsChanged:
    return FlagsChanged(
        mailbox_id=MailboxID(1),
        uid=UID(number),
        message_id=MessageID(number),
        mask=Flag.SEEN,
        flags=Flag.SEEN,
        keywords=(),
        uidvalidity=1,
        unseen=0,
    )


def removed(*numbers: int) -> MessagesRemoved:
    return MessagesRemoved(
        mailbox_id=MailboxID(1),
        uids=tuple(map(UID, numbers)),
        message_ids=tuple(map(MessageID, numbers)),
        uidnext=UID(100),
        exists=0,
        unseen=0,
    )


def added(number: int) -> MessageAdded:
    return MessageAdded(
        mailbox_id=MailboxID(1),
        uid=UID(number),
        message_id=MessageID(number),
        flags=Flag(0),
        keywords=(),
        exists=1,
        unseen=1,
    )


async def test_all_subscribers_get_the_same_events_in_commit_order() -> None:
    """STORE-32."""
    log = Log()
    cursors = [log.cursor() for _ in range(3)]
    events = [flags(n) for n in range(5)]
    for event in events:
        log.tell(event)
    for cursor in cursors:
        batch = await cursor.take()
        assert batch == Batch(tuple(events), ModSeq(15), more=False, from_log=False)
        assert cursor.modseq == 15
        assert not cursor.pending()


async def test_a_batch_ends_at_the_end_of_a_unit() -> None:
    """STORE-34: its modseq is whole, whatever the slice."""
    log = Log()
    cursor = log.cursor()
    for _ in range(3):
        log.tell(*[flags(n) for n in range(300)])
    batch = await cursor.take()
    assert (len(batch.events), batch.modseq, batch.more) == (600, 12, True)
    batch = await cursor.take()
    assert (len(batch.events), batch.modseq, batch.more) == (300, 13, False)


async def test_nothing_is_kept_without_subscribers() -> None:
    """STORE-34."""
    log = Log()
    log.tell(flags(1))
    assert log.bus.tail_events == 0
    assert not log.cursor().pending()


async def test_the_tail_keeps_nothing_that_all_have_taken() -> None:
    """STORE-34."""
    log = Log()
    first, second = log.cursor(), log.cursor()
    for n in range(10):
        log.tell(flags(n))
    await first.take()
    assert log.bus.tail_events == 10
    await second.take()
    assert log.bus.tail_events == 0
    log.tell(flags(1))
    first.close()
    second.close()
    assert log.bus.tail_events == 0
    assert log.bus._entries == []


@pytest.mark.parametrize("bound", ["events", "bytes"])
async def test_a_slow_subscriber_reads_from_the_database_what_fell_off_the_tail(
    monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """STORE-34: the others are not concerned, and the tail stays bounded."""
    if bound == "events":
        monkeypatch.setattr(bus_module, "TAIL_EVENTS", 10)
    else:
        monkeypatch.setattr(bus_module, "TAIL_BYTES", 10 * bus_module.EVENT_BYTES)
    log = Log()
    slow, quick = log.cursor(), log.cursor()
    for n in range(25):
        log.tell(flags(n))
        assert len((await quick.take()).events) == 1
        assert log.bus.tail_events <= 10
    log.events = [[flags(1)], [flags(2)]]
    assert await slow.take() == Batch((flags(1),), ModSeq(10), more=True, from_log=True)
    assert slow.pending()
    assert await slow.take() == Batch((flags(2),), ModSeq(10), more=True, from_log=True)
    assert await slow.take() == Batch((), ModSeq(35), more=False, from_log=True)
    assert log.loads == [10, 10, 10]
    log.tell(flags(3))
    assert await slow.take() == Batch((flags(3),), ModSeq(36), more=False, from_log=False)


async def test_what_falls_off_the_tail_during_a_catch_up_is_read_by_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """STORE-34: the plan of the first one is older; nothing of the tail is taken before that."""
    monkeypatch.setattr(bus_module, "TAIL_EVENTS", 3)
    log = Log()
    cursor = log.cursor()
    for n in range(5):
        log.tell(flags(n))
    log.events = [[flags(1)]]
    assert await cursor.take() == Batch((flags(1),), ModSeq(10), more=True, from_log=True)
    for n in range(5, 10):
        log.tell(flags(n))
    assert await cursor.take() == Batch((), ModSeq(15), more=True, from_log=True)
    assert cursor.pending()
    assert await cursor.take() == Batch((), ModSeq(20), more=False, from_log=True)
    assert log.loads == [10, 10, 15]
    assert not cursor.pending()


async def test_a_cursor_that_skips_ahead_passes_nothing_that_fell_off_the_tail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """STORE-34."""
    monkeypatch.setattr(bus_module, "TAIL_EVENTS", 2)
    log = Log()
    cursor = log.cursor()
    for n in range(5):
        log.tell(flags(n))
    cursor.skip_to(ModSeq(11))
    assert await cursor.take() == Batch((), ModSeq(15), more=False, from_log=True)
    assert log.loads == [11]
    for n in range(2):
        log.tell(flags(n))
    cursor.skip_to(ModSeq(16))
    assert await cursor.take() == Batch((flags(1),), ModSeq(17), more=False, from_log=False)


async def test_a_single_event_larger_than_the_tail_is_read_from_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-34."""
    monkeypatch.setattr(bus_module, "TAIL_BYTES", 1000)
    log = Log()
    cursor = log.cursor()
    log.tell(removed(*range(100)))
    assert log.bus.tail_events == 0
    assert (await cursor.take()).from_log


async def test_a_mark_sends_everyone_to_the_database() -> None:
    """STORE-34: after what is before it."""
    log = Log()
    cursor = log.cursor()
    log.tell(flags(1))
    log.bus.publish(ModSeq(12), None)
    log.tell(flags(3))
    assert await cursor.take() == Batch((flags(1),), ModSeq(11), more=True, from_log=False)
    assert await cursor.take() == Batch((), ModSeq(13), more=False, from_log=True)
    assert not cursor.pending()
    assert log.bus.tail_events == 0


async def test_a_cancelled_catch_up_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-34."""
    monkeypatch.setattr(bus_module, "TAIL_EVENTS", 1)
    log = Log()
    cursor = log.cursor()
    log.tell(flags(1))
    log.tell(flags(2))
    log.events = [[flags(1)]]
    await cursor.take()
    with trio.CancelScope() as scope:
        scope.cancel()
        await cursor.take()
    log.events = [[flags(1)]]
    assert (await cursor.take()).events == (flags(1),)
    assert (await cursor.take()).modseq == 12


async def test_a_failed_catch_up_of_a_returning_subscriber_is_still_owed(monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-35: the tail alone would tell it that nothing has happened."""

    async def fail(_: Catchup) -> list[Event]:
        await trio.lowlevel.checkpoint()
        raise StorageBusy("no descriptor")

    log = Log()
    cursor = log.bus.add(keep_own=False)
    cursor.start(log.bus.modseq, ModSeq(5))
    with monkeypatch.context() as patch:
        patch.setattr(log.bus, "load", fail)
        with pytest.raises(StorageBusy):
            await cursor.take()
    log.events = [[flags(1)]]
    assert cursor.pending()
    assert (await cursor.take()).events == (flags(1),)
    assert (await cursor.take()).modseq == 10
    assert not cursor.pending()


async def test_waiting_loses_no_wake_up() -> None:
    """STORE-35: whether the change comes before, or while it sleeps."""
    log = Log()
    cursor = log.cursor()
    log.tell(flags(1))
    with trio.fail_after(60):
        await cursor.wait()
    await cursor.take()
    woken = trio.Event()

    async def sleeper() -> None:
        await cursor.wait()
        woken.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(sleeper)
        await trio.testing.wait_all_tasks_blocked()
        assert not woken.is_set()
        log.tell(flags(2))
        with trio.fail_after(60):
            await woken.wait()


async def test_a_thousand_sleepers_wake_up_at_once() -> None:
    """STORE-34: the publisher does one thing for all."""
    log = Log()
    taken: list[int] = []

    async def subscriber(cursor: Cursor) -> None:
        await cursor.wait()
        taken.append(len((await cursor.take()).events))

    async with trio.open_nursery() as nursery:
        for _ in range(1000):
            nursery.start_soon(subscriber, log.cursor())
        await trio.testing.wait_all_tasks_blocked()
        log.tell(flags(1), flags(2))
    assert taken == [2] * 1000
    assert log.bus.tail_events == 0


async def test_own_units_are_not_told_to_their_maker() -> None:
    """STORE-33: nor does it wake up for one, when it is up to date."""
    log = Log()
    mine, other = log.cursor(), log.cursor()
    log.tell(flags(1), origin=mine)
    assert not mine.pending()
    assert (mine.modseq, mine.acknowledged) == (11, 11)
    assert (await other.take()).events == (flags(1),)
    log.tell(flags(2), origin=other)
    log.tell(flags(3), origin=mine)
    log.tell(flags(4), origin=other)
    assert mine.pending()
    assert (await mine.take()).events == (flags(2), flags(4))
    assert (await other.take()).events == (flags(3),)


async def test_an_own_unit_is_not_acknowledged_over_what_was_only_taken() -> None:
    """STORE-36: taken is not yet applied."""
    log = Log()
    mine = log.cursor()
    log.tell(flags(1))
    await mine.take()
    log.tell(flags(2), origin=mine)
    assert (mine.modseq, mine.acknowledged) == (12, 10)


async def test_own_changes_of_what_another_has_changed_before_are_told() -> None:
    """STORE-33: the subscriber has not heard of message 1 when its own unit removes it."""
    log = Log()
    mine = log.cursor()
    log.tell(added(1))
    log.tell(removed(1, 2), flags(3), origin=mine, overtaken=frozenset({1}))
    batch = await mine.take()
    assert batch.events == (added(1), removed(1))
    assert batch.modseq == 12


async def test_an_own_unit_that_overtook_too_much_to_name_is_told_in_whole() -> None:
    """STORE-33."""
    log = Log()
    mine = log.cursor()
    log.tell(flags(1), flags(2), origin=mine, overtaken=None)
    assert len((await mine.take()).events) == 2


async def test_an_own_mark_is_passed_without_the_database() -> None:
    """STORE-33, STORE-34: a subscriber who changed 5,000 messages knows that."""
    log = Log()
    mine = log.cursor()
    log.tell(flags(1))
    log.bus.publish(ModSeq(12), None, mine)
    log.tell(flags(3))
    assert (await mine.take()).events == (flags(1), flags(3))
    assert log.loads == []


async def test_a_subscriber_may_ask_for_its_own_units_in_their_place() -> None:
    """STORE-33: with its id as their origin."""
    log = Log()
    mine = log.cursor(keep_own=True)
    log.tell(flags(1), origin=mine)
    assert mine.pending()
    assert (await mine.take()).events == (flags(1),)


async def test_closing_the_bus_ends_all_subscribers_after_what_was_told() -> None:
    """STORE-31."""
    log = Log()
    cursor = log.cursor()
    log.tell(flags(1))
    log.bus.close("removed")
    with trio.fail_after(60):
        await cursor.wait()
    closing = AccountClosing(account="mjl", modseq=ModSeq(11), reason="removed")
    assert (await cursor.take()).events == (flags(1), closing)
    assert (await cursor.take()).events == (closing,)


async def test_closing_wakes_who_sleeps() -> None:
    """STORE-31."""
    log = Log()
    cursor = log.cursor()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(cursor.wait)
        await trio.testing.wait_all_tasks_blocked()
        log.bus.close("removed")


async def test_a_closed_cursor_holds_nothing_back() -> None:
    """STORE-38."""
    log = Log()
    cursor, other = log.cursor(), log.cursor()
    log.tell(flags(1))
    other.acknowledge(ModSeq(11))
    assert log.bus.acknowledged == 10
    cursor.close()
    cursor.close()
    assert log.bus.acknowledged == 11
    assert cursor.pending()
    assert isinstance((await cursor.take()).events[0], AccountClosing)
    other.close()
    assert log.bus.acknowledged == 11
    assert log.bus.tail_events == 0


async def test_who_acknowledges_nothing_for_a_day_is_closed(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-38: one without anything to acknowledge is not."""
    log = Log()
    silent, good = log.cursor(), log.cursor()
    log.bus.close_silent()
    await trio.sleep(25 * 3600)
    log.tell(flags(1))
    log.bus.close_silent()
    assert silent.closing is None
    for _ in range(3):
        await trio.sleep(9 * 3600)
        log.tell(flags(1))
        await good.take()
        good.acknowledge(good.modseq)
        log.bus.close_silent()
    assert good.closing is None
    assert log.bus.cursors == {good}
    assert isinstance((await silent.take()).events[0], AccountClosing)
    assert "subscriber closed" in caplog.text


async def test_a_cursor_is_freed_with_its_bus() -> None:
    """No cycle keeps a closed subscription alive for long."""
    log = Log()
    cursor = log.cursor()
    cursor.close()
    del cursor
    gc.collect()
    assert log.bus.cursors == set()


# With a database


async def test_subscribing_loses_and_doubles_nothing_while_others_write(accounts: Accounts) -> None:
    """STORE-35: snapshot and events together are all mailboxes, each once."""
    async with accounts.use("mjl") as account:
        done = trio.Event()

        async def create(start: int) -> None:
            for n in range(start, start + 15):
                await account.write(partial(mailboxes.create_mailbox, name=f"box{n}"))

        async def subscriber() -> None:
            snapshot, cursor = await account.subscribe(mailbox_rows.mailboxes)
            seen = [box.name for box in snapshot]
            with cursor:
                while not (done.is_set() and not cursor.pending()):
                    with trio.move_on_after(0.01):
                        await cursor.wait()
                    seen += [event.name for event in (await cursor.take()).events if isinstance(event, MailboxAdded)]
            assert len(seen) == len(set(seen)) == 6 + 60

        async with trio.open_nursery() as nursery:
            async with trio.open_nursery() as writers:
                for n in range(4):
                    writers.start_soon(create, n * 15)
                for _ in range(8):
                    nursery.start_soon(subscriber)
                    await trio.sleep(0.002)
            done.set()


async def test_events_are_published_before_the_caller_is_woken(accounts: Accounts) -> None:
    """STORE-32."""
    async with accounts.use("mjl") as account:
        _, cursor = await account.subscribe()
        with cursor:
            await account.write(lambda tx: mailboxes.create_mailbox(tx, "new"))
            assert cursor.pending()
            batch = await cursor.take()
            assert [event.account for event in batch.events] == ["mjl"] * len(batch.events)
            assert {event.modseq for event in batch.events} == {batch.modseq}


async def test_a_failed_unit_publishes_nothing_and_takes_no_modseq(accounts: Accounts) -> None:
    """STORE-23, STORE-32."""
    async with accounts.use("mjl") as account:
        _, cursor = await account.subscribe()

        def bad(tx: AccountTx) -> None:
            mailboxes.create_mailbox(tx, "new")
            raise ZeroDivisionError

        with cursor:
            before = cursor.modseq
            with pytest.raises(ZeroDivisionError):
                await account.write(bad)
            assert not cursor.pending()
            assert await account.read(lambda r: r.value("SELECT modseq FROM state"), op="test") == before


async def test_one_unit_uses_one_modseq(accounts: Accounts) -> None:
    """STORE-23: and one that changes nothing uses none."""
    async with accounts.use("mjl") as account:
        before = account.bus.modseq
        await account.write(lambda tx: None)
        assert account.bus.modseq == before
        await account.write(lambda tx: [mailboxes.create_mailbox(tx, name) for name in ("x", "y/z")])
        assert account.bus.modseq == before + 1


async def test_the_origin_of_an_event_is_the_cursor_of_its_maker(accounts: Accounts) -> None:
    """STORE-31."""
    async with accounts.use("mjl") as account:
        _, mine = await account.subscribe()
        _, other = await account.subscribe()
        with mine, other:
            await account.write(lambda tx: mailboxes.create_mailbox(tx, "new"), mine)
            assert {event.origin for event in (await other.take()).events} == {mine.id}
            assert not mine.pending()


async def test_a_failed_snapshot_leaves_no_cursor(accounts: Accounts) -> None:
    """STORE-35."""
    async with accounts.use("mjl") as account:
        with pytest.raises(ZeroDivisionError):
            await account.subscribe(lambda r: 1 // 0)
        assert account.bus.cursors == set()
