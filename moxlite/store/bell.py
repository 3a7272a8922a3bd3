"""Wake-ups that may come at any time, from several sides, any number of times."""

import trio

__all__ = ["Alarm", "Bell"]


class Bell:
    """Rung by those who have work, heard by the one who does it.

    Unlike a `trio.Event` it can be quieted by another task than the one that waits, without losing the wake-up.
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
        if not self._rung:  # nobody sleeps while it has rung
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
    """Wakes the one task that sleeps on it. Rung while nobody sleeps, it ends the next sleep at once.

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
