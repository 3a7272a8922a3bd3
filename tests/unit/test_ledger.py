"""The ledger of bytes held: shares, waits, refusals, and who ends in a shortage."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import get_args

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from moxlite.ledger import (
    ALONE,
    FREE,
    HANDFUL,
    LEAST,
    MAX_WAITING,
    MOST,
    NETWORKS,
    WORK,
    Hold,
    Kind,
    Ledger,
    NoRoom,
    begin,
    ledger,
    own,
    visit,
)
from moxlite.processor import act_for
from moxlite.store.errors import LimitExceeded
from moxlite.store.rows.ordering import room_for

TOTAL = 160 << 20


@asynccontextmanager
async def held_for(book: Ledger, kind: Kind, octets: int) -> AsyncIterator[Hold]:
    hold = book.hold()
    try:
        await hold.take(kind, octets)
        yield hold
    finally:
        hold.close()


ACCOUNT = TOTAL // 2
NETWORK = TOTAL // NETWORKS


async def test_shares_of_accounts_strangers_and_networks() -> None:
    """STORE-198a: an account has half, a network of strangers a sixteenth, all strangers half."""
    book = begin(TOTAL)
    act_for("mia")
    mia, more = book.hold(), book.hold()
    assert mia.try_take("request", ACCOUNT)
    assert not more.try_take("request", FREE)
    own("")
    for number in range(NETWORKS // 2):
        visit(f"192.0.2.{number}/32")
        hold = book.hold()
        assert hold.try_take("request", NETWORK // 2)
        assert hold.try_take("answer", NETWORK // 2)
        assert not book.hold().try_take("request", FREE)
    visit("198.51.100.1/32")
    assert not book.hold().try_take("request", 1)
    assert book.octets == TOTAL
    mia.close()
    assert not book.hold().try_take("request", 1)  # of the strangers' half, not of the server's total
    act_for("bob")
    assert book.hold().try_take("request", ACCOUNT)


async def test_what_the_process_has_beyond_the_total_is_missing(autojump_clock: MockClock) -> None:
    """STORE-198c: half of the total at most, so that each item still has its turn."""
    book = begin(TOTAL)
    act_for("mia")
    async with held_for(book, "request", ACCOUNT):
        act_for("ben")
        book.lack(TOTAL)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait_for_room, book, FREE)
            await wait_all_tasks_blocked()
            assert book.asks
            book.lack(TOTAL // 4)
            await wait_all_tasks_blocked()
            assert not book.asks
    book.lack(TOTAL)
    assert book.hold().try_take("request", ACCOUNT)


async def wait_for_room(book: Ledger, octets: int) -> None:
    """Hold something for a moment."""
    async with held_for(book, "request", octets):
        pass


async def test_a_stranger_that_logs_in_holds_as_the_account() -> None:
    """STORE-198a."""
    book = begin(TOTAL)
    visit("192.0.2.1/32")
    hold = book.hold()
    assert hold.try_take("request", NETWORK)
    act_for("mia")
    assert hold.try_take("answer", ACCOUNT - NETWORK)
    assert (book.strangers, hold.owner.name, hold.owner.held) == (0, "mia", ACCOUNT)
    own("")
    assert book.hold().try_take("request", NETWORK)


async def test_what_is_larger_than_its_share_runs_alone(autojump_clock: MockClock) -> None:
    """STORE-198a: one at a time, also what is larger than the total; idle streams beside it don't count, and others go
    on in the rest.
    """
    book = begin(TOTAL)
    act_for("mia")
    stream, large, second = book.hold(), book.hold(), book.hold()
    await stream.take("request", 24 << 10)
    await large.take("request", ACCOUNT + 1)
    with pytest.raises(NoRoom) as error:
        await second.take("request", ACCOUNT + 1)
    assert error.value.own
    act_for("bob")
    with pytest.raises(NoRoom) as error:
        await book.hold().take("request", 2 * TOTAL)
    assert not error.value.own
    small = book.hold()
    await small.take("request", ACCOUNT - (24 << 10))
    small.close()
    large.close()
    await book.hold().take("request", 2 * TOTAL)
    act_for("mia")
    await large.take("request", ACCOUNT - (24 << 10))


async def test_work_never_runs_alone(autojump_clock: MockClock) -> None:
    """STORE-198a: what a request makes of stored data or a file has the share of its owner at most, whatever the
    request itself takes.
    """
    book = begin(TOTAL)
    act_for("mia")
    for kind in get_args(Kind):
        hold = book.hold()
        assert hold.try_take(kind, ACCOUNT + 1) is (kind in ALONE)
        hold.close()
    request = book.hold()
    await request.take("request", ACCOUNT)
    assert request.try_take("report", ACCOUNT)
    request.close()
    assert LEAST // 2 == WORK


async def test_what_holds_something_does_not_wait_for_more(autojump_clock: MockClock) -> None:
    """STORE-198a: it's refused at once, unless its response has begun, it's another item, or it holds a handful."""
    book = begin(TOTAL)
    act_for("mia")
    other, hold, few = book.hold(), book.hold(), book.hold()
    await hold.take("request", HANDFUL + 1)
    await few.take("request", HANDFUL)
    await other.take("request", ACCOUNT - 2 * HANDFUL - 1)
    began = trio.current_time()
    for kind in ("request", "answer", "report", "file", "link"):
        with pytest.raises(NoRoom):
            await hold.take(kind, FREE)
    assert trio.current_time() == began
    waits: list[Callable[[], Awaitable[None]]] = [
        partial(hold.take, "answer", FREE, begun=True),
        partial(hold.take, "socket", FREE, apart=True),
        partial(hold.take, "command", FREE),
        partial(few.take, "answer", FREE),
    ]
    async with trio.open_nursery() as nursery:
        for wait in waits:
            nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        assert len(book.asks) == len(waits)
        other.close()


async def test_what_holds_something_waits_for_what_others_hold(autojump_clock: MockClock) -> None:
    """STORE-198a: else a large answer would never be complete while others keep the server busy."""
    book = begin(TOTAL)
    act_for("bob")
    hold = book.hold()
    await hold.take("answer", HANDFUL + 1)
    others = [book.hold(), book.hold()]
    for name, other in zip(("mia", "eve"), others, strict=True):
        act_for(name)
        await other.take("request", ACCOUNT - HANDFUL)
    act_for("bob")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hold.take, "answer", 2 * HANDFUL)
        await wait_all_tasks_blocked()
        assert len(book.asks) == 1
        others[0].close()
    assert hold.octets == 3 * HANDFUL + 1


async def test_waits_end_by_room_and_by_time(autojump_clock: MockClock) -> None:
    """STORE-198a: the owner that holds least goes first; what waits too long is refused, and known to the doctor."""
    book = begin(TOTAL)
    order: list[str] = []

    async def work(name: str, octets: int, seconds: float) -> None:
        act_for(name)
        async with held_for(book, "request", octets):
            order.append(name)
            await trio.sleep(seconds)

    async with trio.open_nursery() as nursery:
        act_for("carl")
        held = book.hold()
        await held.take("request", ACCOUNT)
        nursery.start_soon(work, "bob", ACCOUNT // 2, 2)
        nursery.start_soon(work, "bob", ACCOUNT // 2, 1)
        await wait_all_tasks_blocked()
        nursery.start_soon(work, "bob", ACCOUNT // 2, 0)
        await wait_all_tasks_blocked()
        nursery.start_soon(work, "mia", ACCOUNT // 2, 0)
        await wait_all_tasks_blocked()
        assert order == ["bob", "bob"]
    assert order == ["bob", "bob", "mia", "bob"]
    began = trio.current_time()
    with pytest.raises(NoRoom):
        await book.hold().take("report", FREE, seconds=7)
    assert trio.current_time() == began + 7
    assert [(one.owner, one.kind, one.times) for one in book.refusals.values()] == [("carl", "report", 1)]
    assert not book.asks


async def test_small_items_do_not_take_the_room_of_a_large_one(autojump_clock: MockClock) -> None:
    """STORE-198a: what is given back is kept for the first that waits for the total."""
    book = begin(TOTAL)
    order: list[str] = []

    async def work(name: str, octets: int) -> None:
        act_for(name)
        async with held_for(book, "request", octets):
            order.append(name)

    holds: list[Hold] = []
    for number in range(16):
        act_for(f"account{number}")
        holds.append(book.hold())
        await holds[-1].take("request", TOTAL // 16)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(work, "large", TOTAL // 4)
        await wait_all_tasks_blocked()
        for _ in range(5):
            nursery.start_soon(work, "small", TOTAL // 64)
        await wait_all_tasks_blocked()
        for hold in holds[:4]:
            assert order == []
            hold.close()
            act_for("late")
            assert not book.hold().try_take("request", TOTAL // 64)
            await wait_all_tasks_blocked()
    assert order[0] == "large"
    assert len(order) == 6


async def test_an_owner_has_so_many_that_wait(autojump_clock: MockClock) -> None:
    """STORE-198a: one more is refused at once."""
    book = begin(TOTAL)
    act_for("mia")
    held = book.hold()
    await held.take("request", ACCOUNT)
    refused = 0

    async def work() -> None:
        nonlocal refused
        try:
            async with held_for(book, "request", FREE):
                pass
        except NoRoom:
            refused += 1

    async with trio.open_nursery() as nursery:
        for _ in range(MAX_WAITING + 5):
            nursery.start_soon(work)
        await wait_all_tasks_blocked()
        assert refused == 5
        held.close()
    assert refused == 5
    assert book.octets == 0


async def test_what_has_begun_is_served_before_what_has_not(autojump_clock: MockClock) -> None:
    """STORE-198a: of one owner; as many may wait beside what only wants to begin."""
    book = begin(TOTAL)
    visit("192.0.2.7/32")
    held = book.hold()
    await held.take("answer", NETWORK)
    order: list[bool] = []

    async def work(begun: bool) -> None:
        hold = book.hold()
        try:
            await hold.take("answer", NETWORK // 2 + 1, begun=begun)
            order.append(begun)
        finally:
            hold.close()

    async with trio.open_nursery() as nursery:
        for begun in (*[False] * MAX_WAITING, True):
            nursery.start_soon(work, begun)
            await wait_all_tasks_blocked()
        with pytest.raises(NoRoom):
            await work(False)
        held.close()
    assert order == [True, *[False] * MAX_WAITING]
    assert book.octets == 0


async def test_a_cancelled_wait_leaves_nothing(autojump_clock: MockClock) -> None:
    """STORE-198a: also one that was granted in the moment of its end."""
    book = begin(TOTAL)
    act_for("mia")
    held = book.hold()
    await held.take("request", ACCOUNT)

    async def wait() -> None:
        async with held_for(book, "request", ACCOUNT):
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        held.close()
        nursery.cancel_scope.cancel()
    assert (book.octets, book.asks) == (0, [])


@pytest.mark.parametrize("whose", ["own", "all"])
async def test_in_a_shortage_the_stalled_end_and_no_reader(autojump_clock: MockClock, whose: str) -> None:
    """STORE-198a, WEB-4a: of one account's shortage its own; readers with progress, and others' events, go on."""
    book = begin(TOTAL)
    ended: list[str] = []

    async def peer(name: str, account: str, octets: int, *, reads: bool, event: bool = False) -> None:
        act_for(account)
        async with held_for(book, "event" if event else "answer", octets) as hold:
            with hold.peer(600) as peer:
                for _ in range(600):
                    await trio.sleep(1)
                    peer.moved((16 << 10) if reads else 10)
            ended.append(name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: peer("tab", "mia", 1 << 20, reads=False, event=True))
        nursery.start_soon(lambda: peer("reader", "mia", 30 << 20, reads=True))
        nursery.start_soon(lambda: peer("silent", "mia", 40 << 20, reads=False))
        nursery.start_soon(lambda: peer("bob's", "bob", 60 << 20, reads=False))
        await wait_all_tasks_blocked()
        assert not ended
        act_for("mia" if whose == "own" else "carl")
        began = trio.current_time()
        hold = book.hold()
        await hold.take("answer", 40 << 20)
        assert 4 <= trio.current_time() - began <= 7
        assert len(ended) == 1
        assert ended == ["silent"] if whose == "own" else ended[0] in ("silent", "bob's")
        hold.close()
        nursery.cancel_scope.cancel()
    assert book.octets == 0


async def test_events_have_a_part_of_their_own(autojump_clock: MockClock) -> None:
    """STORE-198a."""
    book = begin(TOTAL)
    hold = book.hold()
    assert hold.try_take("event", TOTAL // 8)
    assert not book.hold().try_take("event", 1)
    assert book.hold().try_take("answer", 1 << 20)


def test_any_order_of_takes_keeps_the_shares() -> None:
    """STORE-198a: random holds of random owners; sums are right at each step, and all is back at the end."""

    async def run(seed: int) -> None:
        rng = random.Random(seed)
        book = begin(TOTAL)
        assert book is ledger()

        async def work() -> None:
            hold = book.hold()
            steps: list[Callable[[], bool | None]] = [
                lambda: hold.try_take("request", rng.randrange(ACCOUNT // 8)),
                lambda: hold.try_take("answer", rng.randrange(ACCOUNT // 8)),
                lambda: hold.give("request", rng.randrange(ACCOUNT // 8)),
                lambda: hold.close(),
                lambda: visit(f"10.0.0.{rng.randrange(4)}/32"),
                lambda: act_for(rng.choice(("mia", "bob"))),
            ]
            for _ in range(60):
                rng.choice(steps)()
                await trio.lowlevel.checkpoint()
                assert book.octets == sum(book.held.values()) <= 2 * TOTAL
                assert 0 <= book.strangers <= TOTAL // 2
            hold.close()

        async with trio.open_nursery() as nursery:
            for _ in range(12):
                nursery.start_soon(work)
        assert (book.octets, book.strangers, book.held.total()) == (0, 0, 0)

    for seed in range(20):
        trio.run(run, seed)


async def test_a_larger_machine_gives_a_piece_of_work_more() -> None:
    """STORE-198a, STORE-198b: a third of the total, but never less than the smallest machine gives."""
    assert Ledger(LEAST).work == WORK
    begin(MOST)
    assert room_for(500_000) == Ledger(MOST).work == MOST // 3
    begin(LEAST)
    with pytest.raises(LimitExceeded, match="more than 279,620 messages"):
        room_for(500_000)
