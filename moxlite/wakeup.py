"""Wake-ups that may come at any time, from several sides, any number of times; sleeping through hours and days."""

import time
from typing import Final

import trio

__all__ = ["LONGEST_SLEEP", "Alarm", "Bell", "sleep_by_both_clocks"]

LONGEST_SLEEP: Final = 3600.0
"""Seconds between looks at the clock: it may be set, the machine may sleep."""


async def sleep_by_both_clocks(seconds: float, *, since: float | None = None) -> None:
    """Sleep for so long by the wall clock, from `since` on (seconds UTC, now if None), or by ours from now on,
    whichever is over first: one may be set, the other stands still while the machine sleeps.
    """
    wall, own = (time.time() if since is None else since) + seconds, trio.current_time() + seconds
    while (left := min(wall - time.time(), own - trio.current_time())) > 0:  # noqa: ASYNC110  clocks set no event
        await trio.sleep(min(left, LONGEST_SLEEP))


class Bell:
    """A wake-up flag: any task rings it, one task waits for it.

    Unlike a `trio.Event` it can be reset, also by another task, without losing a ring.
    """

    def __init__(self, *, rung: bool = False) -> None:
        self._rung = rung
        self._lot = trio.lowlevel.ParkingLot()

    @property
    def rung(self) -> bool:
        """Whether it has rung since the last `quiet`."""
        return self._rung

    def ring(self) -> None:
        """There is work."""
        if not self._rung:  # no task sleeps while it has rung
            self._rung = True
            self._lot.unpark_all()

    def quiet(self) -> None:
        """Call it before looking for work: what comes during the look rings again."""
        self._rung = False

    async def wait(self) -> None:
        """Sleep until it has rung since the last `quiet`."""
        await trio.lowlevel.checkpoint()
        while not self._rung:
            await self._lot.park()


class Alarm:
    """Wakes the one task that sleeps on it. Rung while no task sleeps, it ends the next sleep at once.

    A thousand sleepers are woken by one change, so it is no more than a task and a flag.
    """

    __slots__ = ("_rung", "_task")

    def __init__(self) -> None:
        self._rung = False
        self._task: trio.lowlevel.Task | None = None

    def ring(self) -> None:
        """Wake the sleeper, or the next one."""
        task = self._task
        if task is None:
            self._rung = True
        else:
            self._task = None
            trio.lowlevel.reschedule(task)

    async def sleep(self) -> None:
        """Until it rings. It may have rung for what is known already, so look what there is and sleep again."""
        assert self._task is None, "another task sleeps on this alarm"
        if self._rung:
            self._rung = False
            await trio.lowlevel.checkpoint()
            return
        self._task = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(self._give_up)

    def _give_up(self, _: object) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED
