"""Writer jobs: units passed to the writer's thread and back, long changes split into units, and waiting jobs (STORE-4,
STORE-4a).
"""

from __future__ import annotations

import contextvars
import itertools
import queue
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Generic, TypeAlias, TypeVar

import apsw
import trio

from moxlite.processor import acting, is_pressed, writing
from moxlite.store import metrics
from moxlite.store.errors import Closed
from moxlite.store.file.transaction import Tx

X = TypeVar("X", bound=Tx)
T = TypeVar("T")


class Job(Generic[X, T]):
    """A unit to run, the task that waits for it, and its result. `done` makes the job one of a series: it is called on
    the loop once the unit is committed and published, or has failed, and no task is woken. It must not raise.
    """

    __slots__ = ("claim", "context", "done", "error", "make", "result", "seconds", "task", "tx", "unit", "weight")

    def __init__(
        self,
        unit: Callable[[X], T],
        make: Callable[[apsw.Connection], X],
        weight: int = 0,
        *,
        done: Callable[[Job[X, T]], None] | None = None,
    ) -> None:
        self.unit = unit
        self.make = make
        self.weight = weight
        self.done = done
        self.context = contextvars.copy_context()
        self.task = trio.lowlevel.current_task()
        self.claim = threading.Lock()
        self.tx: X | None = None
        self.seconds = 0.0  # processor time in the writer's thread
        self.result: T
        self.error: BaseException | None = None

    def run(self, db: apsw.Connection) -> None:
        """Run the unit in the open transaction."""
        began = time.thread_time()
        try:
            tx = self.make(db)
            self.result = self.context.run(self.unit, tx)
        finally:
            self.seconds += time.thread_time() - began
        self.tx = tx
        self.error = None

    def fail(self, error: BaseException) -> None:
        """Note the error that kept the unit out of the database."""
        self.error = error
        self.tx = None

    @property
    def of_series(self) -> bool:
        """Whether it belongs to a series, so that other jobs go first."""
        return self.done is not None

    def outcome(self) -> T:
        """Return the result of the unit, or raise its error."""
        error, self.error = self.error, None  # the traceback holds this frame: without the cycle, all is freed at once
        try:
            if error is not None:
                raise error
            return self.result
        finally:
            del error

    def wake(self) -> None:
        """Wake the waiting task, or call `done`; count what the unit used. Runs on the loop."""
        usage = self.context.get(acting)
        if usage is not None:
            usage.charge(self.seconds, "write")
        if self.done is None:
            trio.lowlevel.reschedule(self.task)
        else:
            self.done(self)


AnyJob: TypeAlias = Job[Any, Any]


# Series: long changes cut into many units (STORE-4a), from their callers' side, and the page cache that they need.
# The order in which units run is described in `writer`.


SERIES_AHEAD: Final = 16
"""Units of a series queued ahead. Twice as many as fit into a batch, so the next batch can begin immediately."""

SERIES_CACHE_KIB: Final = 16 << 10
"""Page cache in KiB while a series runs, and until no unit of a series ran for `SERIES_REST`. The pages that a batch
changes must fit: others are written before the commit, read again and written again (measured: COPY of 400 messages
wrote 1,300 pages for 300 that it changed).
"""

SERIES_REST: Final = 1.0
"""Seconds after the last unit of a series until the cache is shrunk again."""


class Series:
    """Running series of one writer; used on the loop.

    Args:
      put: queues a job for the writer.
    """

    def __init__(self, put: Callable[[AnyJob], None]) -> None:
        self._put = put
        self._under_way = 0
        self._calm = trio.Event()
        self._calm.set()

    @property
    def under_way(self) -> bool:
        """Whether a series is under way."""
        return self._under_way > 0

    async def calm(self) -> None:
        """Sleep while a series is under way."""
        await self._calm.wait()

    async def run(
        self,
        units: Iterable[Callable[[X], T]],
        make: Callable[[apsw.Connection], X],
        note: Callable[[T], None],
        between: Callable[[], Awaitable[None]] | None = None,
        *,
        ahead: int = SERIES_AHEAD,
    ) -> None:
        """Run units in their order, each committed and published; see `Database.write_series`."""
        await trio.lowlevel.checkpoint_if_cancelled()
        source = iter(units)
        under: list[Job[X, T]] = []
        errors: list[BaseException] = []
        changed = trio.Event()

        def done(job: Job[X, T]) -> None:
            under.remove(job)
            if job.error is None:
                note(job.result)
            else:
                errors.append(job.error)
            changed.set()

        if not self._under_way:
            self._calm = trio.Event()
        self._under_way += 1
        try:
            while not errors:
                async with writing():
                    for unit in itertools.islice(source, max((1 if is_pressed() else ahead) - len(under), 0)):
                        job = Job(unit, make, done=done)
                        self._put(job)
                        under.append(job)
                    if not under:
                        return
                    changed = trio.Event()
                    await changed.wait()
                if between is not None and not errors:
                    await between()
            raise errors[0]
        except BaseException:
            under[:] = [job for job in under if not job.claim.acquire(blocking=False)]
            with trio.CancelScope(shield=True):  # bounded: units that have begun
                while under:
                    changed = trio.Event()
                    await changed.wait()
            raise
        finally:
            errors.clear()  # their tracebacks hold this frame
            self._under_way -= 1
            if not self._under_way:
                self._calm.set()


class SeriesCache:
    """Page cache of the writer's connection, enlarged while a series runs; used in the writer's thread."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._kib = 0  # size before it was enlarged; 0 if it was not
        self._used = 0.0

    @property
    def large(self) -> bool:
        """Whether the cache is enlarged."""
        return self._kib > 0

    def grow(self) -> None:
        """Enlarge the cache for a unit of a series; it stays so for a while."""
        self._used = time.monotonic()
        if not self._kib:
            self._kib = -int(self._db.pragma("cache_size"))
            self._db.pragma("cache_size", -SERIES_CACHE_KIB)

    def rest(self) -> None:
        """Shrink the cache if the last unit of a series was over `SERIES_REST` ago."""
        if time.monotonic() - self._used > SERIES_REST:
            self.shrink()

    def shrink(self) -> None:
        """Shrink the cache."""
        if self._kib:
            self._db.pragma("cache_size", -self._kib)
            self._kib = 0


# Jobs that wait for a writer (STORE-4, STORE-4a): the loop puts them, the writer's thread takes them.
#
# Units of series wait apart, and other jobs go first. The order is described in `writer`.


Chore = Callable[[apsw.Connection], None]
"""Work of the writer's thread between two batches, outside of a transaction."""


class Backlog:
    """The waiting jobs and chores of one writer.

    Args:
      kind: of the database, for metrics.
      cache: the writer's page cache: enlarged for units of series, shrunk when none has come for a while.
    """

    def __init__(self, kind: str, cache: SeriesCache) -> None:
        self.cache = cache
        self._queue: queue.SimpleQueue[AnyJob | Chore | None] = queue.SimpleQueue()
        # Items that the thread has taken from the queue. Units of series are separate.
        self._items: deque[AnyJob | Chore | None] = deque()
        self._series: deque[AnyJob] = deque()
        self._passed_over = False  # a series waited for the last batch, while other jobs still wait
        # Held while a job is put and while the end is declared: no job can be put after the last check of the queue.
        self._gate = threading.Lock()
        self._ended: BaseException | None = None
        self._waiting = metrics.WRITER_QUEUE.labels(kind)

    # On the Trio loop

    def put(self, job: AnyJob) -> None:
        """Add a job. Raises Closed after the end."""
        with self._gate:
            if self._ended is not None:
                raise Closed("the writer has stopped") from self._ended
            self._waiting.inc()
            self._queue.put(job)

    def put_chore(self, chore: Chore) -> None:
        """Add a chore; after the end it is dropped."""
        with self._gate:
            if self._ended is None:
                self._queue.put(chore)

    def put_end(self) -> None:
        """Let `next` return None once all waiting jobs have run. Any thread may call it."""
        with self._gate:
            self._queue.put(None)

    @property
    def idle(self) -> bool:
        """Whether no job waits. Any thread may ask."""
        return self._queue.empty() and not self._items and not self._series

    # In the thread

    def next(self) -> AnyJob | Chore | None:
        """Wait for the next item and return it: another job first, unless a series had to wait for the last batch
        already. None at the end.
        """
        self._gather()
        while not self._items and not self._series:
            self._sort(self._wait())
            self._gather()
        passed_over, self._passed_over = self._passed_over, False
        # Series end before the writer does.
        if self._series and (passed_over or not self._items or self._items[0] is None):
            return self._series.popleft()
        return self._items.popleft()

    def claim(self, job: AnyJob) -> bool:
        """Whether the job is the thread's to run now; its caller may have been cancelled before."""
        self._waiting.dec()
        if not job.claim.acquire(blocking=False):
            return False
        if job.of_series:
            self.cache.grow()
        return True

    def take(self, batch: list[AnyJob], room: int, *, late: bool, series: bool) -> bool:
        """Claim one more job for the batch, if one waits and fits into `room` octets. If the batch is `late`, it takes
        only units of a series, if `series` allows more of them and no other job waits.
        """
        self._gather()
        while self._items and not late:
            item = self._items[0]
            if not isinstance(item, Job) or item.weight > room:
                return False
            self._items.popleft()
            if self.claim(item):
                batch.append(item)
                return True
        # Only after units of series: any other job in the batch waits for its commit.
        while self._series and not self._items and series and batch[0].of_series and batch[-1].of_series:
            job = self._series.popleft()
            if self.claim(job):
                batch.append(job)
                return True
        return False

    def ran(self, batch: list[AnyJob]) -> None:
        """Note whether a series had to wait for this batch, so that its next unit goes first."""
        self._passed_over = not batch[0].of_series and bool(self._series and self._items)

    def end(self, error: BaseException) -> list[AnyJob]:
        """Refuse all further jobs because of `error`; returns those that still waited, claimed."""
        with self._gate:
            self._ended = error
        jobs: list[AnyJob] = []
        while not self.idle:
            item = self.next()
            if isinstance(item, Job):
                self._waiting.dec()
                if item.claim.acquire(blocking=False):
                    jobs.append(item)
        return jobs

    def _wait(self) -> AnyJob | Chore | None:
        if self.cache.large:
            try:
                return self._queue.get(timeout=SERIES_REST)
            except queue.Empty:
                self.cache.shrink()
        return self._queue.get()

    def _gather(self) -> None:
        """Take all waiting items out of the queue."""
        while not self._queue.empty():
            self._sort(self._queue.get())

    def _sort(self, item: AnyJob | Chore | None) -> None:
        if isinstance(item, Job) and item.of_series:
            self._series.append(item)
        else:
            self._items.append(item)
