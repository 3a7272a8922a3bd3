"""Jobs that wait for a writer (STORE-4, STORE-4a): the loop puts them, the writer's thread takes them.

Units of series wait apart, and other jobs go first. The order is described in `writer`.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable

import apsw

from moxlite.store import metrics
from moxlite.store.errors import Closed
from moxlite.store.file.jobs import AnyJob, Job
from moxlite.store.file.series import SERIES_REST, SeriesCache

Chore = Callable[[apsw.Connection], None]
"""Work of the writer's thread between two batches, outside of a transaction."""


class Backlog:
    """The waiting jobs and chores of one writer.

    Args:
      kind: of the database, for metrics.
      cache: the writer's page cache: enlarged for units of series, shrunk when none has come for a while.
    """

    def __init__(self, kind: str, cache: SeriesCache) -> None:
        self._cache = cache
        self._queue: queue.SimpleQueue[AnyJob | Chore | None] = queue.SimpleQueue()
        # Items that the thread has taken out of the queue: units of series are kept apart.
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
                raise Closed("the writer has ended") from self._ended
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
            self._cache.grow()
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
        found: list[AnyJob] = []
        while not self.idle:
            item = self.next()
            if isinstance(item, Job):
                self._waiting.dec()
                if item.claim.acquire(blocking=False):
                    found.append(item)
        return found

    def _wait(self) -> AnyJob | Chore | None:
        if self._cache.large:
            try:
                return self._queue.get(timeout=SERIES_REST)
            except queue.Empty:
                self._cache.shrink()
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
