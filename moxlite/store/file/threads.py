"""Running a read in a worker thread so that cancelling its caller interrupts it, and computing results ahead of
need.
"""

from __future__ import annotations

import contextvars
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, Self, TypeVar, cast

import outcome
import trio

T = TypeVar("T")


async def in_thread(fn: Callable[[], T], *, interrupt: Callable[[], None], name: str) -> T:
    """Run `fn` in a worker thread and return its result, or raise its exception.

    Cancellation: `interrupt` is called on the loop and must make `fn` end soon. The thread is always waited for, so it
    uses nothing any more when this returns; the result of `fn` is then discarded. `trio.to_thread.run_sync` could only
    abandon the thread or ignore the cancellation.
    """
    await trio.lowlevel.checkpoint_if_cancelled()
    task = trio.lowlevel.current_task()
    token = trio.lowlevel.current_trio_token()
    context = contextvars.copy_context()  # log lines of the thread carry the connection's id

    def work() -> T:
        return context.run(fn)

    def deliver(result: outcome.Outcome[T]) -> None:
        try:
            token.run_sync_soon(trio.lowlevel.reschedule, task, outcome.Value(result))
        except trio.RunFinishedError:
            pass  # the program ends; no task waits any more

    def abort(_: object) -> trio.lowlevel.Abort:
        interrupt()
        return trio.lowlevel.Abort.FAILED

    trio.lowlevel.start_thread_soon(work, deliver, name)
    result = cast("outcome.Outcome[T]", await trio.lowlevel.wait_task_rescheduled(abort))
    await trio.lowlevel.checkpoint_if_cancelled()
    return result.unwrap()


class Workers:
    """Threads for computations ahead of need (`Precomputation`), at most `limit`: each takes one job after the other,
    and ends when no job is left.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._jobs: deque[Callable[[], None]] = deque()
        self._threads = 0

    @property
    def busy(self) -> bool:
        """Whether a thread is at work."""
        return self._threads > 0

    def put(self, job: Callable[[], None]) -> None:
        """Queue `job` for a thread; it must not raise. Does nothing if `limit` is 0."""
        if not self._limit:
            return
        with self._lock:
            self._jobs.append(job)
            if self._threads == self._limit:
                return
            self._threads += 1
        try:
            trio.lowlevel.start_thread_soon(self._work, lambda _: None, "ahead")
        except RuntimeError:  # no more threads are available; the caller of `Precomputation.result` computes it
            with self._lock:
                self._threads -= 1
                if not self._threads:
                    self._jobs.clear()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._threads -= 1
                    return
                job = self._jobs.popleft()
            job()


PROCESSORS: Final = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
"""Number of processors that this process may use, maybe fewer than the machine has."""

_workers: Final = Workers(PROCESSORS - 1)
"""Threads of the whole process, one fewer than processors: the loop needs one itself."""

MOMENT: Final = 0.001
"""Seconds that the loop blocks for a computation that is nearly done: waking up a task costs 0.1 ms, and computing it
there would block the loop for as long.
"""


class Precomputation(Generic[T]):
    """A computation whose result is needed later: after `begin`, a thread may run it while its owner continues.

    It is for up to a millisecond of a pure function that releases Python's lock nearly all of the time: Python code in
    the thread would wait for the loop, and the loop for it. If no thread has begun when `result` is called, the caller
    runs it. If `result` is never called, it ends by itself, and holds nothing but its arguments.
    """

    __slots__ = ("_begun", "_claim", "_done", "_fn", "_lock", "_outcome", "_running", "_token")

    def __init__(self, fn: Callable[[], T]) -> None:
        self._fn = fn
        self._begun = False
        self._claim = threading.Lock()  # acquired for good by the thread that runs it
        self._running = threading.Lock()  # held until the outcome is known
        self._running.acquire()
        self._lock = threading.Lock()
        self._outcome: outcome.Outcome[T] | None = None
        self._done: trio.Event | None = None  # a task waits for it
        self._token = trio.lowlevel.current_trio_token()

    def begin(self) -> None:
        """Queue the computation for a free thread. May be called again."""
        if not self._begun:
            self._begun = True
            _workers.put(self._run)

    def _run(self) -> None:
        """Call the function in this worker thread, and keep its result or exception for the task that waits."""
        if not self._claim.acquire(blocking=False):
            return
        result = outcome.capture(self._fn)
        with self._lock:
            self._outcome = result
            done = self._done
        self._running.release()
        if done is not None:
            try:
                self._token.run_sync_soon(done.set)
            except trio.RunFinishedError:
                pass  # the program ends; no task waits any more

    async def result(self) -> T:
        """Return the result of the computation, or raise its exception. To be called once. A checkpoint only if the
        wait is long.
        """
        if self._claim.acquire(blocking=False):
            return self._fn()
        if not self._running.acquire(timeout=MOMENT):
            with self._lock:
                if self._outcome is None:
                    self._done = trio.Event()
            if self._done is not None:
                await self._done.wait()
        assert self._outcome is not None
        return self._outcome.unwrap()


# Background work in threads, which yields to other threads: it is done in short pieces, with rests while others are
# busy.
#
# Python runs one thread at a time. A thread that computes makes the event loop wait for `sys.setswitchinterval` each
# time the loop returns from the kernel or from SQLite: a STATUS then takes six times as long (measured). It also
# takes a core from log-ins, whose hashes are computed beside the loop.
#
# Others are busy if this process uses processor time that is not background work: of the loop, of readers and
# writers, of password checks. So they need not announce anything, and on a quiet server background work gets all of
# the time.


PIECE: Final = 0.002
"""Seconds of work between two checks whether others are busy: the longest delay that a command meets."""

LOOK: Final = 0.003
"""Seconds of rest between two such checks."""

REST: Final = 0.018
"""Seconds of rest after a piece, at most: background work keeps a tenth of the time on the busiest server."""

BUSY: Final = 0.03
"""Share of a processor above which others count as busy: one command in the time of a piece."""


class _BackgroundTime:
    """Processor time of all background work of this process. Where threads' clocks can be read by others (not on macOS
    and Windows), it includes pieces under way; else two that work at the same time take each other for others.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds = 0.0
        self._pieces: dict[
            Background, tuple[int, float]
        ] = {}  # the clock of its thread, and what that showed at its begin

    def begin(self, work: Background) -> None:
        """Count what this thread uses from now on, until `end`."""
        clock = time.pthread_getcpuclockid(threading.get_ident()) if hasattr(time, "pthread_getcpuclockid") else 0
        used = time.thread_time()
        with self._lock:
            self._pieces[work] = clock, used

    def end(self, work: Background) -> None:
        """Count the thread's time no longer."""
        used = time.thread_time()
        with self._lock:
            self._seconds += used - self._pieces.pop(work)[1]

    def others(self) -> float:
        """Seconds that all other threads have used so far."""
        with self._lock:
            pieces = sum(time.clock_gettime(clock) - used for clock, used in self._pieces.values() if clock)
            return time.process_time() - self._seconds - pieces


class Background:
    """Pacing of background work, for the thread that makes it: a context for each call that the thread runs."""

    __slots__ = ("_began", "_others")

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        _ours.end(self)

    def give_way(self) -> None:
        """Rest if a piece is over and others are busy. To be called about every millisecond, not on the event loop, and
        without holding locks or transactions that others need. Blocks for `REST` at most.
        """
        took = time.perf_counter() - self._began
        if took < PIECE:
            return
        _ours.end(self)
        if _ours.others() - self._others > BUSY * took:
            self._rest()
        self._begin()

    def _rest(self) -> None:
        until = time.perf_counter() + REST
        while (now := time.perf_counter()) < until:
            before = _ours.others()
            time.sleep(LOOK)
            if _ours.others() - before <= BUSY * (time.perf_counter() - now):
                return

    def _begin(self) -> None:
        _ours.begin(self)
        self._began = time.perf_counter()
        self._others = _ours.others()


_ours: Final = _BackgroundTime()
