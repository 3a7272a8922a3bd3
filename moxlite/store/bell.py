"""A wake-up for one background task that may come at any time, from several sides, any number of times."""

import trio

__all__ = ["Bell"]


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
