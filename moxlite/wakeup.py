"""Wake-ups that may come at any time, from several sides, any number of times; sleeping through hours and days."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import trio

AHEAD: Final = 86_400.0
"""Seconds by which a moment may be ahead: a clock that is set right in service was wrong by less."""

LONGEST_SLEEP: Final = 3600.0
"""Seconds between looks at the clock: it may be set, the machine may sleep."""


async def sleep_by_both_clocks(seconds: float, *, since: float | None = None) -> None:
    """Sleep for so long by the wall clock, from `since` on (seconds UTC, now if None), or by ours from now on,
    whichever is over first: one may be set, the other stands still while the machine sleeps. A `since` that is over a
    day ahead was noted by a clock that was wrong, and counts as long ago.
    """
    if since is not None and since > time.time() + AHEAD:
        return
    wall, own = (time.time() if since is None else since) + seconds, trio.current_time() + seconds
    while (left := min(wall - time.time(), own - trio.current_time())) > 0:  # noqa: ASYNC110  clocks set no event
        await trio.sleep(min(left, LONGEST_SLEEP))


class Wakeup:
    """A flag that any task sets, and one task waits for.

    Unlike a `trio.Event` it can be cleared, also by another task, without losing a change. `alarm`, if there is one, is
    set with it: its task sleeps until any of several flags is set.
    """

    def __init__(self, *, is_set: bool = False, alarm: Alarm | None = None) -> None:
        self._set = is_set
        self._alarm = alarm
        self._lot = trio.lowlevel.ParkingLot()

    @property
    def is_set(self) -> bool:
        """Whether it was set since the last `clear`."""
        return self._set

    def set(self) -> None:
        """Wake the waiting task: there is work."""
        if not self._set:  # no task sleeps while it is set
            self._set = True
            self._lot.unpark_all()
            if self._alarm is not None:
                self._alarm.set()

    def clear(self) -> None:
        """Clear the flag. Call it before looking for work, so that work which comes during the look sets it again."""
        self._set = False

    async def wait(self) -> None:
        """Sleep until it is set."""
        await trio.lowlevel.checkpoint()  # also if it is: a loop that always finds work must let others run
        while not self._set:
            await self._lot.park()


class Alarm:
    """Wakes the one task that sleeps on it. If it is set while no task sleeps, it ends the next sleep at once.

    A thousand sleepers are woken by one change, so it is no more than a task and a flag.
    """

    __slots__ = ("_set", "_task")

    def __init__(self) -> None:
        self._set = False
        self._task: trio.lowlevel.Task | None = None

    def set(self) -> None:
        """Wake the sleeper, or the next one."""
        task = self._task
        if task is None:
            self._set = True
        else:
            self._task = None
            trio.lowlevel.reschedule(task)

    async def sleep(self) -> None:
        """Sleep until it is set. The change may be known already, so look for work and sleep again."""
        assert self._task is None, "another task sleeps on this alarm"
        if self._set:
            self._set = False
            await trio.lowlevel.checkpoint()
            return
        self._task = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(self._give_up)

    def _give_up(self, _: object) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED


class CallbackAlarm(Alarm):
    """An alarm without a sleeper: setting it calls a function."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__()
        self._call = call

    def set(self) -> None:
        """Call it."""
        self._call()
