"""Detecting that the wall clock was set, or that the machine has slept.

Trio's clock shows neither. A task that sleeps until a moment of the wall clock (a retry, an expiry) must look again
then; with this module it need not look each minute.
"""

import ctypes
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import trio

logger = logging.getLogger("moxlite.net.clockset")

# <sys/timerfd.h>, <time.h>
CLOCK_REALTIME: Final = 0
TFD_TIMER_ABSTIME: Final = 1
TFD_TIMER_CANCEL_ON_SET: Final = 2

YEAR: Final = 365 * 24 * 3600
"""Seconds; the timer needs some end."""

INTERVAL: Final = 60.0
"""Seconds between looks if the system does not report changes of the clock."""

STEP: Final = 2.0
"""Seconds by which the clocks may drift apart within `INTERVAL`: NTP slews by 0.03 at most (adjtime(3))."""


class ClockWatch:
    """Calls its observers when the wall clock was set, or the machine has slept."""

    def __init__(self) -> None:
        self._observers: list[Callable[[], None]] = []

    def on_set(self, observer: Callable[[], None]) -> None:
        """Call `observer()` on the loop after each change. It must not block or raise; some calls come without a
        change.
        """
        self._observers.append(observer)

    async def serve(self) -> None:
        """Watch until cancelled: with a timer that the kernel cancels when the clock is set (timerfd_create(2)), else
        by comparing clocks each minute.

        Errors: an exception of an observer comes out; the other observers are called at the next change.
        """
        try:
            fd = _timer()
        except OSError as error:
            logger.info("the clock is looked at each minute: no timer tells", extra={"kv": {"err": str(error)}})
            await self._compare()
            return
        try:
            while True:
                await trio.lowlevel.wait_readable(fd)
                with suppress(OSError):  # ECANCELED: the clock was set
                    os.read(fd, 8)
                with suppress(OSError):  # the clock was set once more
                    _arm(fd)
                self._tell()
        finally:
            os.close(fd)

    async def _compare(self) -> None:
        before = time.time() - time.monotonic()
        while True:
            await trio.sleep(INTERVAL)
            now = time.time() - time.monotonic()
            if abs(now - before) > STEP:
                self._tell()
            before = now

    def _tell(self) -> None:
        logger.info("the clock was set, or the machine has slept")
        for observer in self._observers:
            observer()


_LIBRARY: Final[ctypes.CDLL | None] = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None


def _timer() -> int:
    """A timer descriptor that becomes readable when the wall clock is set. Raises OSError if the system has no such
    timers.
    """
    create = getattr(_LIBRARY, "timerfd_create", None)
    fd: int = -1 if create is None else create(CLOCK_REALTIME, os.O_NONBLOCK | os.O_CLOEXEC)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "timerfd_create")
    try:
        _arm(fd)
    except OSError:
        os.close(fd)
        raise
    return fd


def _arm(fd: int) -> None:
    long = ctypes.c_long * 4  # struct itimerspec: interval and end, each seconds and nanoseconds
    spec = long(0, 0, int(time.time()) + YEAR, 0)
    assert _LIBRARY is not None  # else there is no `fd`
    if _LIBRARY.timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, spec, None) < 0:
        raise OSError(ctypes.get_errno(), "timerfd_settime")
