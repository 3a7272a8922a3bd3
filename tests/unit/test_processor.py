"""Processor time, fair between accounts: turns on the loop, places in threads, rests beside others (STORE-198)."""

import math
import threading
import time
from collections.abc import Callable
from typing import Final

import pytest
import trio
import trio.testing
from trio.testing import MockClock, wait_all_tasks_blocked

from moxlite import processor
from moxlite.process.watchdog import Watchdog
from moxlite.processor import EACH, FADING, JUST, KEPT_FREE, MAX_THREADS, MUCH, PIECE, TIMES, Usage, act_for, acting

HEAVY: Final = 2 * MUCH
"""Seconds, after which an account is heavy."""


def own() -> Usage:
    """The usage that the calling task acts for."""
    found = acting.get()
    assert found is not None
    return found


def usage(name: str) -> Usage:
    """The usage of an account."""
    before = acting.get()
    act_for(name)
    found = own()
    acting.set(before)
    return found


def work(seconds: float) -> None:
    """Use the loop for so long, as the watchdog would count it."""
    own().step(seconds)


async def test_an_account_that_used_little_passes_at_once(autojump_clock: MockClock) -> None:
    """STORE-198: also beside another one's heavy work."""
    usage("eve").step(HEAVY)
    act_for("bob")
    for _ in range(20):
        work(0.001)
        await processor.turn()
    assert trio.current_time() == pytest.approx(0, abs=1e-9)
    assert not own().is_heavy()


async def test_a_heavy_account_alone_never_rests(autojump_clock: MockClock) -> None:
    """STORE-198: an idle server lets one account use all of the processor."""
    act_for("eve")
    began = trio.current_time()
    for _ in range(500):
        work(0.005)
        await processor.turn()
    assert own().is_heavy()
    assert trio.current_time() == began


async def test_work_without_a_name_is_not_others(autojump_clock: MockClock) -> None:
    """STORE-198: upkeep and connections before the log-in neither wait nor make others wait."""
    assert acting.get() is None
    await processor.turn()
    assert await processor.off_loop(lambda: 7, kind="test") == 7
    act_for("eve")
    work(HEAVY)
    await processor.turn()
    assert trio.current_time() == pytest.approx(0, abs=1e-9)


async def test_a_heavy_account_rests_while_another_one_works(autojump_clock: MockClock) -> None:
    """STORE-198: at most `TIMES` as long as it worked; not longer than the other one works."""
    bob = usage("bob")

    async def others() -> None:
        for _ in range(4):
            bob.step(0.001)
            await trio.sleep(0.003)

    act_for("eve")
    work(HEAVY)
    await processor.turn()  # the look from which on others are seen
    async with trio.open_nursery() as nursery:
        began = trio.current_time()
        bob.step(0.01)
        work(0.01)
        nursery.start_soon(others)
        await processor.turn()
        assert 0.003 <= trio.current_time() - began <= TIMES * 0.01 + 1e-9
    began = trio.current_time()
    work(0.01)
    await processor.turn()
    work(0.01)
    await processor.turn()
    assert trio.current_time() - began <= 0.003 + 1e-9  # one look at what was done meanwhile


async def test_a_rest_ends_beside_work_without_end(autojump_clock: MockClock) -> None:
    """STORE-198: a heavy account keeps a share of the time on the busiest server."""
    bob = usage("bob")

    async def others() -> None:
        while True:
            bob.step(0.002)
            await trio.sleep(0.002)

    act_for("eve")
    work(HEAVY)
    await processor.turn()
    bob.limited = False  # as if it were many accounts
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(others)
            began = trio.current_time()
            for _ in range(20):
                await trio.sleep(0.01)
                work(0.01)
                await processor.turn()
            assert trio.current_time() - began <= 20 * 0.01 * (1 + TIMES) + 0.01
            assert trio.current_time() - began > 20 * 0.01 * 1.5
            scope.cancel()


async def test_a_heavy_account_has_one_turn_in_a_round_of_the_loop(autojump_clock: MockClock) -> None:
    """STORE-198: fifty sessions delay others no more than one does; they pass in the order in which they came."""
    passed: list[int] = []
    most = 0
    in_this_round = 0

    class Rounds(trio.abc.Instrument):
        def before_io_wait(self, timeout: float) -> None:
            nonlocal most, in_this_round
            most, in_this_round = max(most, in_this_round), 0

    async def session(number: int) -> None:
        nonlocal in_this_round
        for _ in range(3):
            await processor.turn()
            in_this_round += 1
            passed.append(number)
            work(0.001)

    act_for("eve")
    work(HEAVY)
    assert own().is_heavy()
    rounds = Rounds()
    trio.lowlevel.add_instrument(rounds)
    try:
        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(session, number)
    finally:
        trio.lowlevel.remove_instrument(rounds)
    assert most == 1
    assert sorted(passed) == sorted(list(range(50)) * 3)
    assert len(set(passed[:50])) == 50  # all once, before one passes again


async def test_a_cancelled_task_lets_the_next_one_pass(autojump_clock: MockClock) -> None:
    """STORE-198: while it waits, while it rests, and at its own checkpoint."""
    act_for("eve")
    work(HEAVY)
    assert own().is_heavy()
    scopes = [trio.CancelScope() for _ in range(6)]
    passed: list[int] = []

    async def session(number: int) -> None:
        with scopes[number]:
            await processor.turn()
            passed.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(6):
            nursery.start_soon(session, number)
        for number in (0, 2, 5):
            scopes[number].cancel()
    assert sorted(passed) == [1, 3, 4]
    assert not own().queue
    with trio.move_on_after(1):
        await processor.turn()
        passed.append(6)
    assert passed[-1] == 6


async def test_who_uses_less_than_the_heaviest_goes_before_it(autojump_clock: MockClock) -> None:
    """STORE-198: also one that works all day; among equals both are heavy."""
    bob, eve = usage("bob"), usage("eve")
    bob.step(HEAVY)
    assert bob.is_heavy()
    eve.step(3 * HEAVY)
    assert eve.is_heavy()
    bob.step(PIECE)
    assert not bob.is_heavy()
    bob.step(2 * HEAVY)
    assert bob.is_heavy()
    assert eve.is_heavy()


async def test_use_is_forgotten(autojump_clock: MockClock) -> None:
    """STORE-198: an account that has rested for a while is like any other."""
    act_for("eve")
    work(HEAVY)
    assert own().is_heavy()
    await trio.sleep(3 * FADING)
    work(PIECE)
    assert not own().is_heavy()


class Blocked:
    """Work in threads that lasts until it is let go."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self._gates: list[threading.Event] = []

    async def run(self, name: str) -> None:
        """One piece of work of an account."""
        act_for(name)
        gate = threading.Event()
        async with processor.place("test") as place:
            self.running.append(name)
            self._gates.append(gate)
            await trio.to_thread.run_sync(place.run, lambda: gate.wait(10))

    def let_go(self, count: int = 1) -> None:
        """End those that began first."""
        for _ in range(count):
            self._gates.pop(0).set()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for threads: the clock of the tests does not wait for them."""
    while not condition():  # noqa: ASYNC110  a thread sets no event
        await trio.sleep(0.001)


async def test_an_account_has_four_threads_and_leaves_the_others_theirs() -> None:
    """STORE-198."""
    blocked = Blocked()
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(blocked.run, "eve")
        await wait_all_tasks_blocked(0.01)
        assert blocked.running == ["eve"] * EACH
        nursery.start_soon(blocked.run, "bob")
        await wait_all_tasks_blocked(0.01)
        assert blocked.running[EACH:] == ["bob"]
        blocked.let_go(1)
        await until(lambda: len(blocked.running) == EACH + 2)
        while len(blocked.running) < 11 or blocked._gates:
            await wait_all_tasks_blocked(0.01)
            blocked.let_go(len(blocked._gates))
    assert blocked.running.count("eve") == 10


async def test_a_heavy_account_has_one_thread_beside_others() -> None:
    """STORE-198."""
    blocked = Blocked()
    act_for("eve")
    work(HEAVY)
    assert own().is_heavy()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(blocked.run, "bob")
        await until(lambda: blocked.running == ["bob"])
        for _ in range(3):
            nursery.start_soon(blocked.run, "eve")
        for count in (1, 2, 3):
            await until(lambda: blocked.running.count("eve") == count)  # noqa: B023  called here
            await wait_all_tasks_blocked(0.01)
            assert own().threads == 1
            blocked.let_go()  # at first that of the other one
            if count == 1:
                blocked.let_go()


async def test_heavy_accounts_leave_places_to_the_others() -> None:
    """STORE-198: those that have used little get the last places, and the first one that becomes free."""
    blocked = Blocked()
    for number in range(6):
        usage(f"eve{number}").step(HEAVY + number / 100)
        assert usage(f"eve{number}").is_heavy()
    for number in range(6):
        usage(f"eve{number}").others.look(usage(f"eve{number}"))  # what they used before they were heavy
    async with trio.open_nursery() as nursery:
        for number in range(6):
            for _ in range(3):
                nursery.start_soon(blocked.run, f"eve{number}")
        await wait_all_tasks_blocked(0.01)
        assert len(blocked.running) == MAX_THREADS - KEPT_FREE
        for number in range(KEPT_FREE + 1):
            nursery.start_soon(blocked.run, f"bob{number}")
        await wait_all_tasks_blocked(0.01)
        assert len([name for name in blocked.running if name.startswith("bob")]) == KEPT_FREE
        blocked.let_go()
        await until(lambda: len(blocked.running) == MAX_THREADS + 1)
        assert blocked.running[-1].startswith("bob")
        while len(blocked.running) < 18 + KEPT_FREE + 1 or blocked._gates:
            await wait_all_tasks_blocked(0.01)
            blocked.let_go(len(blocked._gates))


async def test_a_turn_is_a_checkpoint_unless_others_have_just_had_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-198: the reads of a delivery follow each other."""
    watchdog, before = Watchdog(), time.perf_counter()
    trio.lowlevel.add_instrument(watchdog)
    try:
        await trio.lowlevel.checkpoint()
        assert processor.loop.step_began >= before
    finally:
        trio.lowlevel.remove_instrument(watchdog)
    monkeypatch.setattr(processor.loop, "step_began", math.inf)
    with trio.testing.assert_no_checkpoints():
        await processor.turn()
    monkeypatch.setattr(processor.loop, "step_began", time.perf_counter() - JUST)
    with trio.testing.assert_checkpoints():
        await processor.turn()


async def test_the_steps_of_tasks_count_for_the_account_they_act_for() -> None:
    """STORE-198: tasks and threads inherit it from the task that starts them."""
    watchdog = Watchdog()
    trio.lowlevel.add_instrument(watchdog)

    def spin(seconds: float) -> None:
        began = time.thread_time()
        while time.thread_time() - began < seconds:
            pass

    async def child() -> None:
        spin(0.02)
        await processor.off_loop(lambda: spin(0.03), kind="test")

    async def login() -> None:
        act_for("mia")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child)

    before = processor.USED.labels("test").value
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(login)
    finally:
        trio.lowlevel.remove_instrument(watchdog)
    assert usage("mia").spent >= 0.05
    assert processor.USED.labels("test").value - before == pytest.approx(0.03, abs=0.02)
