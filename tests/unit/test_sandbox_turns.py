"""Turns at something of which there are few, fairly by account."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from moxlite.sandbox.turns import Turns


async def test_an_account_with_many_requests_delays_another_by_one_turn() -> None:
    """WEBMAIL-109c: rotation by account, not by request."""
    turns = Turns(1, each=1, waiting=10, seconds=60)
    order: list[str] = []
    held = trio.Event()

    async def take(name: str) -> None:
        async with turns.turn(name):
            order.append(name)
            await held.wait()

    async with trio.open_nursery() as nursery:
        for name in ["mia"] * 5 + ["tom", "eva", "tom"]:
            nursery.start_soon(take, name)
            await wait_all_tasks_blocked()
        assert (order, turns.taken) == (["mia"], 1)
        held.set()
    assert order == ["mia", "mia", "tom", "eva", "mia", "tom", "mia", "mia"]
    assert turns.taken == 0


async def test_one_account_does_not_take_all_turns() -> None:
    """WEBMAIL-109c."""
    turns = Turns(2, each=1, waiting=10, seconds=60)
    async with turns.turn("mia"):
        with trio.move_on_after(0) as limit:
            async with turns.turn("mia"):
                pytest.fail("a second turn")
        assert limit.cancelled_caught
        async with turns.turn("tom"):
            assert turns.taken == 2
    async with turns.turn("mia"):
        pass


async def test_waiting_ends(autojump_clock: trio.testing.MockClock) -> None:
    """WEBMAIL-109d: after a time, and at once where too many wait; a turn that is given up goes to the next."""
    turns = Turns(1, each=1, waiting=2, seconds=20, error=lambda: BrokenPipeError("too many"))
    refused: list[float] = []

    async def take(seconds: float) -> None:
        try:
            async with turns.turn("mia"):
                await trio.sleep(seconds)
        except BrokenPipeError:
            refused.append(trio.current_time() - began)

    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        for seconds in (30, 1, 1, 1):
            nursery.start_soon(take, seconds)
            await wait_all_tasks_blocked()
    assert refused == [0, 20, 20]
    with trio.CancelScope() as scope:
        async with turns.turn("mia"), trio.open_nursery() as nursery:
            nursery.start_soon(take, 1)
            await wait_all_tasks_blocked()
            scope.cancel()
    async with turns.turn("mia"):
        assert turns.taken == 1
