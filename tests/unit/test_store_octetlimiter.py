"""Octets that are worked on at one time."""

import pytest
import trio
import trio.testing

from moxlite.store.content.prepare import OctetLimiter
from moxlite.store.errors import StorageBusy


async def test_tasks_work_within_the_bound_in_the_order_in_which_they_came(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """STORE-7a"""
    limiter = OctetLimiter(lambda: 10, 100.0)
    began: list[int] = []
    held = most = 0

    async def work(number: int, octets: int) -> None:
        nonlocal held, most
        async with limiter.hold(octets):
            began.append(number)
            held += octets
            most = max(most, held)
            await trio.sleep(1)
            held -= octets

    sizes = [4, 5, 9, 1, 1, 8, 25, 3, 10, 1]
    async with trio.open_nursery() as nursery:
        for number, octets in enumerate(sizes):
            nursery.start_soon(work, number, octets)
            await trio.testing.wait_all_tasks_blocked()
    assert began == list(range(len(sizes)))
    assert most == 25  # alone
    assert held == 0


async def test_a_turn_that_does_not_come_in_time_is_an_error(autojump_clock: trio.testing.MockClock) -> None:
    """STORE-7a"""
    limiter = OctetLimiter(lambda: 10, 5.0)
    async with limiter.hold(10):
        with pytest.raises(StorageBusy):
            async with limiter.hold(1):
                pass
    async with limiter.hold(10):
        await trio.sleep(60)  # work has no deadline


async def test_who_is_cancelled_while_waiting_is_passed_over(autojump_clock: trio.testing.MockClock) -> None:
    """STORE-7a"""
    limiter = OctetLimiter(lambda: 10, 100.0)

    async def give_up() -> None:
        with trio.move_on_after(1):
            async with limiter.hold(10):
                pytest.fail("its turn came too early")

    async with trio.open_nursery() as nursery, limiter.hold(6):
        nursery.start_soon(give_up)
        await trio.testing.wait_all_tasks_blocked()
        async with limiter.hold(4):
            assert trio.current_time() >= 1
    async with limiter.hold(10):
        pass
