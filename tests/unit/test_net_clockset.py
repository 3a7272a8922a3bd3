"""Noticing that the wall clock was set (moxlite.process.watchdog)."""

import time

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from moxlite.process import watchdog
from moxlite.process.watchdog import ClockWatch
from tests.tools import eventually


async def test_nobody_is_woken_up_while_the_clock_goes_on(mock_clock: MockClock) -> None:
    """QUEUE-16, IMAP-170."""
    watch, told = ClockWatch(), trio.Event()
    watch.on_set(told.set)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch.serve)
        await trio.testing.wait_all_tasks_blocked()
        assert trio.lowlevel.current_statistics().seconds_to_next_deadline == float("inf")
        assert not told.is_set()
        nursery.cancel_scope.cancel()


async def test_the_timer_of_the_system_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-16: a test cannot set the clock, so the timer ends here; it's made anew each time."""
    monkeypatch.setattr(watchdog, "YEAR", 1)
    watch, told = ClockWatch(), []
    watch.on_set(lambda: told.append(True))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch.serve)
        await eventually(lambda: len(told) >= 2, what="the second end of the timer")
        nursery.cancel_scope.cancel()


async def test_without_the_timer_the_clocks_are_compared(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """QUEUE-16: each minute; who slews the clock is not told."""

    def none() -> int:
        raise OSError(38, "Function not implemented")

    watch, told = ClockWatch(), []
    watch.on_set(lambda: told.append(True))
    monkeypatch.setattr(watchdog, "_timer", none)
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    moment = 5000.0
    monkeypatch.setattr(time, "time", lambda: moment)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch.serve)
        await trio.sleep(90)
        moment += 1.5
        await trio.sleep(60)
        assert told == []
        moment -= 3600
        await trio.sleep(60)
        assert told == [True]
        await trio.sleep(600)
        assert told == [True]
        nursery.cancel_scope.cancel()
    monkeypatch.undo()
