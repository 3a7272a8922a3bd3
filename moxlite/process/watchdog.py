"""Watching the event loop: tasks that hold it for long, and how long others had to wait (architecture §5).

Python code on the loop must not run over 5 ms at a stretch. A step of a task ends where the next one begins, or where
the loop polls its sockets. So two hooks suffice; Trio's call of a hook costs more (0.5 µs) than the hook itself.

Each step is counted for the account that its task acts for (`processor`).
"""

import ctypes
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import perf_counter, thread_time
from types import CodeType
from typing import Final

import msgspec
import trio

from moxlite.config.files import write_atomically
from moxlite.encoding import from_json, to_json
from moxlite.findings import Finding
from moxlite.net import metrics
from moxlite.processor import acting, calling, loop

logger = logging.getLogger("moxlite.net.watchdog")

LONG_STEP_SECONDS: Final = 0.005
"""Seconds. With a hundred sessions of such steps, each still gets an answer within half a second."""

FELT_SECONDS: Final = 0.1
"""Seconds. Steps of this length are noticeable, so the owner is warned of them; shorter ones are only counted."""

STOLEN_LOG_SECONDS: Final = 3600.0
"""Seconds between log lines about time that the machine took away: a busy host would fill the log."""

STOLEN_SECONDS: Final = 30.0
"""Seconds within `STOLEN_LOG_SECONDS` from which it is a finding: one step in a hundred then took ten times as long."""

LOG_SECONDS: Final = 1.0
"""Seconds between log lines, so that a busy minute does not fill the log."""

WINDOW_SECONDS: Final = 60.0
"""Seconds of a window. The lag metric is the worst of the present and the last window."""


class Watchdog(trio.abc.Instrument):
    """Counts and logs long steps. ``moxlite_event_loop_lag_seconds`` is the longest time that the loop did not poll its
    sockets.

    Pass it to ``trio.run(..., instruments=[Watchdog()])``.
    """

    def __init__(self) -> None:
        self._task: trio.lowlevel.Task | None = None  # of the running step; None from a wait to the first step after it
        self._batch_began = 0.0
        self._window_began = perf_counter()
        self._worst = 0.0
        self._worst_before = 0.0
        self._logged = float("-inf")
        self._unlogged = 0
        self._worked = 0.0  # processor time of the loop's thread when it last waited, or after the last long step
        metrics.event_loop_lag.set_function(self.lag)

    def lag(self) -> float:
        """The longest busy stretch of the last one to two windows, in seconds."""
        self._roll(perf_counter())
        return max(self._worst, self._worst_before)

    def _roll(self, now: float) -> None:
        elapsed = now - self._window_began
        if elapsed >= WINDOW_SECONDS:
            self._worst_before = self._worst if elapsed < 2 * WINDOW_SECONDS else 0.0
            self._worst = 0.0
            self._window_began = now

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        now = perf_counter()
        before = self._task
        if before is None:
            self._batch_began = now
        else:
            self._ended(before, now)
        self._task = task
        loop.step_began = now

    def before_io_wait(self, timeout: float) -> None:
        loop.round += 1
        task, self._task = self._task, None
        if task is None:
            return
        now = perf_counter()
        self._ended(task, now)
        self._worked = thread_time()
        busy = now - self._batch_began
        if busy > self._worst:
            self._roll(now)
            self._worst = max(self._worst, busy)

    def _ended(self, task: trio.lowlevel.Task, now: float) -> None:
        seconds = now - loop.step_began
        if seconds > LONG_STEP_SECONDS:
            # Read for long steps alone: the machine may have taken the core away, or the disk let the thread wait.
            worked = thread_time()
            took, self._worked = min(seconds, worked - self._worked), worked
            stolen.note(seconds - took, now)
            seconds = took
            if took > LONG_STEP_SECONDS:
                self._report(task, took, now)
        usage = task.context.get(acting)
        if usage is not None:
            usage.step(seconds)

    def _report(self, task: trio.lowlevel.Task, seconds: float, now: float) -> None:
        code: CodeType | None = getattr(task.coro, "cr_code", None)
        where = f"{code.co_filename}:{code.co_name}" if code is not None else task.name
        metrics.long_steps.labels(pkg=_package(where)).inc()
        self._unlogged += 1
        if seconds < FELT_SECONDS or now - self._logged < LOG_SECONDS:
            return
        call: str | None = task.context.get(calling)
        logger.warning(
            "task blocked the event loop",
            extra={"kv": {"call": call or task.name, "seconds": seconds, "since_warned": self._unlogged}},
        )
        self._logged, self._unlogged = now, 0


class StolenTime:
    """Time of long steps in which the loop's thread had no core: a quota of the machine, a busy host, memory that is
    read back from a disk. No fault of the task that happened to run (ADMIN-57a).
    """

    def __init__(self) -> None:
        self._began = float("-inf")
        self._seconds = 0.0
        self._before = 0.0

    def note(self, seconds: float, now: float) -> None:
        """Count time that a step waited; the first of an hour that can be felt is logged."""
        if now - self._began >= STOLEN_LOG_SECONDS:
            self._before = self._seconds if now - self._began < 2 * STOLEN_LOG_SECONDS else 0.0
            self._began, self._seconds = now, 0.0
        logged, self._seconds = self._seconds >= FELT_SECONDS, self._seconds + seconds
        if not logged and self._seconds >= FELT_SECONDS:
            kv = {"seconds": seconds, "last_hour": round(self._before, 1)}
            logger.warning("this machine paused the server: no processor time", extra={"kv": kv})

    def findings(self) -> list[Finding]:
        """A warning if this machine lets the server wait so much that clients feel it."""
        seconds = max(self._before, self._seconds)
        if seconds < STOLEN_SECONDS or perf_counter() - self._began >= 2 * STOLEN_LOG_SECONDS:
            return []
        text = "this machine often pauses the server: it's throttled, its host is busy, or it's short of memory"
        detail = f"Without processor time while working: {seconds:.0f} s within an hour."
        commands = ("cat /proc/pressure/cpu /proc/pressure/memory", "vcgencmd get_throttled (on a Raspberry Pi)")
        return [
            Finding(
                grade="warning", code="machine-slow", about="processor", text=text, detail=detail, commands=commands
            )
        ]


stolen: Final = StolenTime()
"""Time stolen from the loop's thread."""


def _package(where: str) -> str:
    """The package of a source file, by its path."""
    _, found, rest = where.replace("\\", "/").rpartition("/moxlite/")
    return metrics.package(f"moxlite.{rest.replace('/', '.')}") if found else "other"


# Detecting that the wall clock was set, or that the machine has slept.
#
# Trio's clock shows neither. A task that sleeps until a moment of the wall clock (a retry, an expiry) must look again
# then; with this module it need not look each minute.


clockset_logger = logging.getLogger("moxlite.net.clockset")

# Names of <sys/timerfd.h> and <time.h>, which Python has from 3.13 on.
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
            clockset_logger.info(
                "polling clock every minute: no timer notifications", extra={"kv": {"err": str(error)}}
            )
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
        clockset_logger.info("clock changed or machine was suspended")
        for observer in self._observers:
            observer()


# Whether the wall clock may decide that something is old enough to be deleted (STORE-190a).
#
# A machine without a battery may start a year ahead, and set its clock a moment later. What is deleted by age meanwhile
# would be gone for good, and waiting costs nothing but room.


JUMP: Final = 86_400 + 3600
"""Seconds by which the clock must differ from what it should be: a day, and the time between two looks."""

NIGHT: Final = 86_400.0
"""Seconds after a jump in which nothing is deleted."""

LOOK: Final = 3600.0
"""Seconds between two looks at the clock."""


class _Clock(msgspec.Struct, frozen=True):
    """State across starts. seen: seconds UTC of the last look. until: seconds UTC before which nothing is deleted."""

    seen: float
    until: float = 0.0


class ClockTrust:
    """Whether the clock is trusted: not in the night after a jump, also one that came while no server ran. A machine
    that was off for over a day waits a night as well, for the two look the same.

    Args:
      file: where the last look is remembered.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._last = time.monotonic()
        try:
            self._clock = from_json(file.read_bytes(), _Clock)
        except (OSError, msgspec.DecodeError):  # the first start, or a restored machine
            self._clock = _Clock(time.time())
        self._look()

    def __call__(self) -> bool:
        """Whether what is old may be deleted now."""
        now = time.time()
        if abs(now - self._expected()) > JUMP:
            self._look()
        return now >= self._clock.until

    async def serve(self) -> None:
        """Look each hour until cancelled."""
        while True:
            await trio.sleep(LOOK)
            self._look()

    def _expected(self) -> float:
        return self._clock.seen + time.monotonic() - self._last

    def _look(self) -> None:
        now, expected = time.time(), self._expected()
        until = self._clock.until
        if abs(now - expected) > JUMP:
            until = now + NIGHT
            kv = {"days": round((now - expected) / 86_400, 1)}
            clockset_logger.warning("clock jumped, pausing deletions for a day", extra={"kv": kv})
        self._clock, self._last = _Clock(now, until), time.monotonic()
        with suppress(OSError):  # a full disk: the next start may not see a jump, and this process does
            write_atomically(self._file, to_json(self._clock))


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
    # Only a timer that ends at a moment of the wall clock is cancelled when that is set (timerfd_create(2)).
    spec = long(0, 0, int(time.time()) + YEAR, 0)
    assert _LIBRARY is not None  # else there is no `fd`
    if _LIBRARY.timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, spec, None) < 0:
        raise OSError(ctypes.get_errno(), "timerfd_settime")
