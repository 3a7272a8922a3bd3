"""Reading the change log, and its query plans (STORE-27, 30, 33, 36, 86, 171)."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial

import pytest

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog import account as account_module, bus, catchup as planning, unit
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.bus import Cursor
from moxlite.store.changelog.catchup import Catchup, ChangeFilter, TooMany
from moxlite.store.content.prepare import PreparedMessage, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.file.transaction import Reader
from moxlite.store.mail import copying, expunging, mailboxes
from moxlite.store.mail.adding import add_message
from moxlite.store.mail.flags import store_flags
from moxlite.store.types import (
    Event,
    Flag,
    FlagsChanged,
    MailboxAdded,
    MailboxID,
    MailboxRemoved,
    MessageAdded,
    MessagesRemoved,
    ModSeq,
    SettingsChanged,
    SubscriptionRemoved,
    ThreadChanged,
)
from moxlite.store.upkeep import erase
from tests.store_fixtures import accounts, store_options
from tests.store_mail import changes_since

__all__ = ["accounts", "store_options"]

INBOX = MailboxID(1)


@pytest.fixture
async def account(accounts: Accounts) -> AsyncIterator[Account]:
    async with accounts.use("mjl") as account:
        yield account


@pytest.fixture
async def prepared() -> AsyncIterator[PreparedMessage]:
    with Spool.of(b"Subject: x\r\n\r\ntext\r\n") as spool:
        yield await prepare(spool)


async def add(account: Account, prepared: PreparedMessage, count: int = 1, box: MailboxID = INBOX) -> None:
    await account.write(lambda tx: [add_message(tx, prepared, box) for _ in range(count)])


async def since(account: Account, modseq: int) -> list[Event]:
    return await account.scan(
        lambda r: [event for part in changes_since(r, ModSeq(modseq)) for event in part], op="test"
    )


async def test_removals_come_first_then_additions_by_uid_then_the_rest(
    account: Account, prepared: PreparedMessage
) -> None:
    """STORE-30: a message added first and flagged last keeps its place among the additions."""
    await add(account, prepared, 3)
    start = account.bus.modseq
    await add(account, prepared)
    await account.write(lambda tx: store_flags(tx, INBOX, [2], mode="add", flags=Flag.SEEN))
    await add(account, prepared)
    await account.write(lambda tx: store_flags(tx, INBOX, [4], mode="add", flags=Flag.FLAGGED))
    await account.write(lambda tx: expunging.expunge(tx, INBOX, [1]))
    events = [
        event
        for event in await since(account, start)
        if isinstance(event, MessagesRemoved | MessageAdded | FlagsChanged)
    ]
    assert [(type(event).__name__, getattr(event, "uid", None)) for event in events] == [
        ("MessagesRemoved", None),
        ("MessageAdded", 4),
        ("MessageAdded", 5),
        ("FlagsChanged", 2),
    ]
    assert isinstance(events[1], MessageAdded)
    assert events[1].flags == Flag.FLAGGED
    assert (events[1].exists, events[1].unseen) == (4, 3)


async def test_what_came_and_went_is_not_told(account: Account, prepared: PreparedMessage) -> None:
    """STORE-30: coalesced."""
    start = account.bus.modseq
    await add(account, prepared)
    await account.write(lambda tx: expunging.expunge(tx, INBOX, [1]))
    assert not [event for event in await since(account, start) if isinstance(event, MessagesRemoved | MessageAdded)]


async def test_mailboxes_come_before_what_is_in_them(account: Account, prepared: PreparedMessage) -> None:
    """STORE-30."""
    start = account.bus.modseq
    box = (await account.write(lambda tx: mailboxes.create_mailbox(tx, "new")))[0]
    await add(account, prepared, box=box.id)
    kinds = [type(event) for event in await since(account, start)]
    assert kinds.index(MailboxAdded) < kinds.index(MessageAdded)


async def test_a_deleted_mailbox_is_told_after_its_messages(account: Account, prepared: PreparedMessage) -> None:
    """STORE-13, STORE-30."""
    box = (await account.write(lambda tx: mailboxes.create_mailbox(tx, "old")))[0]
    await add(account, prepared, 2, box=box.id)
    start = account.bus.modseq
    await account.write(lambda tx: mailboxes.delete_mailbox(tx, box.id))
    events = await since(account, start)
    assert isinstance(events[0], MessagesRemoved)
    assert (events[0].uids, events[0].exists) == ((1, 2), 0)
    assert isinstance(events[1], MailboxRemoved)
    assert (events[1].mailbox_id, events[1].name) == (box.id, "old")


async def test_subscriptions_annotations_settings_and_threads_are_told(
    account: Account, prepared: PreparedMessage
) -> None:
    """STORE-30: thread flags by threadseq, so IMAP sees no FETCH for them."""
    await add(account, prepared, 2)
    start = account.bus.modseq
    await account.write(lambda tx: mailboxes.unsubscribe(tx, "Trash"))

    await account.write(lambda tx: tx.execute("UPDATE message SET thread_muted = 1, threadseq = ?", tx.modseq()))
    await account.write(lambda tx: tx.execute("INSERT INTO settings VALUES (1, '{}', ?)", tx.modseq()))
    events = await since(account, start)
    assert any(
        isinstance(event, SubscriptionRemoved) and event.name == "Trash" and not event.nonexistent for event in events
    )
    threads = [event for event in events if isinstance(event, ThreadChanged)]
    assert [(event.message_ids, event.muted, event.collapsed) for event in threads] == [((1, 2), True, False)]
    assert sum(isinstance(event, SettingsChanged) for event in events) == 1
    assert not any(isinstance(event, FlagsChanged) for event in events)


async def test_nothing_is_told_to_who_is_up_to_date(account: Account) -> None:
    """STORE-30."""
    assert await since(account, account.bus.modseq) == []


async def test_long_changes_come_in_slices_of_some_500(account: Account, prepared: PreparedMessage) -> None:
    """STORE-30, STORE-34: the unit itself is a mark; the slices are read each by itself."""
    _, cursor = await account.subscribe()
    with cursor:
        await add(account, prepared, 1200)
        assert account.bus.tail_events == 1
        uids: list[int] = []
        batches = 0
        while True:
            batch = await cursor.take()
            assert batch.from_log
            assert len(batch.events) <= 750
            uids += [event.uid for event in batch.events if isinstance(event, MessageAdded)]
            batches += 1
            if not batch.more:
                break
            assert cursor.modseq == 1
        assert uids == list(range(1, 1201))
        assert batches >= 2
        assert cursor.modseq == account.bus.modseq


async def test_what_changes_between_two_slices_is_told_by_the_next_catch_up(
    account: Account, prepared: PreparedMessage
) -> None:
    """STORE-30, STORE-35: nothing is lost, though no snapshot is held over the slices."""
    _, cursor = await account.subscribe()
    with cursor:
        await add(account, prepared, 1100)
        view: dict[int, Flag] = {}

        def apply(events: tuple[Event, ...]) -> None:
            for event in events:
                match event:
                    case MessageAdded() | FlagsChanged():
                        view[event.uid] = event.flags
                    case MessagesRemoved():
                        for uid in event.uids:
                            view.pop(uid, None)

        apply((await cursor.take()).events)
        await account.write(lambda tx: expunging.expunge(tx, INBOX, [1, 700]))
        await account.write(lambda tx: store_flags(tx, INBOX, [2, 701], mode="add", flags=Flag.SEEN))
        await account.write(lambda tx: copying.move_messages(tx, INBOX, [800], MailboxID(2)))
        await account.write(lambda tx: copying.move_messages(tx, MailboxID(2), [1], INBOX))
        while (batch := await cursor.take()).more or cursor.pending():
            apply(batch.events)
        apply(batch.events)
        assert view == dict(
            await account.scan(lambda r: r.rows("SELECT uid, flags FROM message WHERE mailbox_id = 1"), op="test")
        )


async def test_a_short_plan_is_made_here_and_a_long_one_in_a_thread(
    account: Account, prepared: PreparedMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-3, STORE-30."""
    await add(account, prepared, 30)
    catchup = Catchup(ModSeq(0))
    with pytest.raises(TooMany):
        await account.read(lambda r: catchup.plan(r, 10), op="test")
    monkeypatch.setattr(account_module, "FEW_CHANGES", 10)
    scans: list[str] = []
    scan = account.database.scan

    async def noted(fn: Callable[[Reader], object], *, op: str) -> object:
        scans.append(op)
        return await scan(fn, op=op)

    monkeypatch.setattr(account.database, "scan", noted)
    catchup = Catchup(ModSeq(0))
    events: list[Event] = []
    while not catchup.done:
        events += await account.bus.load(catchup)
    assert [op for op in scans if op != "gather"] == ["catchup_plan"], "but for the task that gathers known people"
    assert sum(isinstance(event, MessageAdded) for event in events) == 30
    assert {event.account for event in events} == {"mjl"}


async def test_a_unit_over_1000_rows_is_one_mark_in_the_tail(
    account: Account, prepared: PreparedMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-34: one of just as many is not."""
    monkeypatch.setattr(unit, "MARK_ROWS", 10)
    await add(account, prepared, 10)
    _, cursor = await account.subscribe()
    with cursor:
        await account.write(lambda tx: expunging.expunge(tx, INBOX, range(1, 9)))
        assert not (await cursor.take()).from_log
        await add(account, prepared, 12)
        assert (await cursor.take()).from_log


# Query plans

TEMP = "USE TEMP B-TREE"


def plan(r: Reader, sql: str, *args: object) -> str:
    return "; ".join(row[3] for row in r.rows("EXPLAIN QUERY PLAN " + sql, *args))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sql", "args", "index"),
    [
        (planning.EXPUNGED_IN, (1, 5, 9, 10), "expunged_mailbox_modseq (mailbox_id=? AND modseq>?"),
        (planning.EXPUNGED, (5, 9, 10), "expunged_modseq (modseq>?"),
        (planning.MESSAGES, (1, 5, 9, 10), "message_modseq (mailbox_id=? AND modseq>?"),
        (planning.PORTION_END, (1, 5, 10), "COVERING INDEX message_modseq (mailbox_id=? AND modseq>?)"),
        (planning.NEWEST, (1, 10), "sqlite_autoindex_message_1 (mailbox_id=?)"),
        (planning.THREADS, (5, 9, 10), "message_threadseq (threadseq>?"),
        (planning.MAILBOX_GONE, (5, 9), "mailbox_gone_modseq (modseq>?"),
        (erase.OLDEST, (5, 10), "expunged_modseq (modseq<?)"),
        (erase.BEYOND_KEPT, (10,), "expunged_modseq"),
        (erase.UNUSED, (10,), "body_unused"),
        (erase.USED, (1,), "erase_queue_message (message_id=?)"),
        (erase.READY, (5, 10), "erase_queue_modseq (modseq<?)"),
        (erase.KEPT_FROM, (5, 10), "erase_queue_modseq"),
    ],
)
async def test_the_log_is_read_by_index(account: Account, sql: str, args: tuple[object, ...], index: str) -> None:
    """STORE-171 for STORE-27, STORE-30, STORE-36: cost grows with the changes, not with the account."""
    found = await account.read(lambda r: plan(r, sql, *args), op="test")
    assert index in found
    assert "SCAN message" not in found


async def test_the_trainer_finds_its_work_by_index(account: Account) -> None:
    """STORE-86, STORE-171."""
    wanted = "SELECT id FROM message WHERE (CASE flags & 48 WHEN 16 THEN 1 WHEN 32 THEN 0 END) IS NOT trained LIMIT 200"
    assert "message_training" in await account.read(lambda r: plan(r, wanted), op="test")


# Portions


async def flags_up_to(account: Account, modseq: int) -> dict[int, int]:
    """Of the messages whose last change has a modseq of at most that."""
    sql = "SELECT uid, flags FROM message WHERE mailbox_id = ? AND modseq <= ?"
    return dict(await account.read(lambda r: r.rows(sql, INBOX, modseq), op="test"))


class Follower:
    """A subscriber of one mailbox that is told in portions, and what it makes of that."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        cursor.wanted = ChangeFilter(INBOX, 3)
        self.flags: dict[int, Flag] = {}
        self.last_uid = 0
        self.highest = 0

    async def take(self) -> None:
        """One portion: up to where all is taken that has a modseq of at most the cursor's."""
        while self.cursor.pending():
            for event in (await self.cursor.take()).events:
                match event:
                    case MessageAdded(uid=uid, flags=flags):
                        assert uid > self.last_uid, "a view grows only at its end"
                        self.last_uid = uid
                        self.flags[uid] = flags
                    case FlagsChanged(uid=uid, flags=flags) if uid in self.flags:
                        self.flags[uid] = flags
                    case MessagesRemoved(uids=uids):
                        for uid in uids:
                            self.flags.pop(uid, None)
                    case _:
                        continue
                self.highest = max(self.highest, event.modseq)
            if self.cursor.settled:
                break
        assert self.highest <= self.cursor.modseq


@pytest.mark.parametrize("seed", range(10))
async def test_portions_make_up_the_whole(
    account: Account, prepared: PreparedMessage, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-30, STORE-34: whatever is told from the tail, from the log, or has fallen off the tail."""
    monkeypatch.setattr(unit, "MARK_ROWS", 2)
    monkeypatch.setattr(bus, "TAIL_EVENTS", 10)
    random_ = random.Random(seed)
    async with AsyncExitStack() as stack:
        followers = [Follower(stack.enter_context((await account.subscribe())[1])) for _ in range(2)]
        for _ in range(60):
            uids = sorted(await flags_up_to(account, account.bus.modseq))
            some = sorted(random_.sample(uids, random_.randint(0, min(8, len(uids)))))
            match random_.choice(("add", "add", "flag", "flag", "flag", "remove", "take", "take")):
                case "add":
                    await add(account, prepared, random_.randint(1, 4))
                case "flag":
                    flag = random_.choice([Flag.SEEN, Flag.FLAGGED, Flag.ANSWERED])
                    await account.write(partial(store_flags, mailbox_id=INBOX, uids=some, mode="replace", flags=flag))
                case "remove":
                    await account.write(partial(expunging.expunge, mailbox_id=INBOX, uids=some[:2]))
                case "take":
                    follower = random_.choice(followers)
                    await follower.take()
                    told = await flags_up_to(account, follower.cursor.modseq)
                    assert told.items() <= follower.flags.items(), "all up to the cursor has been told"
        for follower in followers:
            while follower.cursor.pending():
                await follower.take()
            assert not follower.cursor.partial
            assert follower.flags == await flags_up_to(account, account.bus.modseq)
