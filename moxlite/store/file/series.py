"""Series: long changes cut into many units (STORE-4a), from their callers' side, and the page cache that they need. The
order in which units run is described in `writer`.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

import apsw
import trio

from moxlite.processor import is_pressed, writing
from moxlite.store.file.jobs import AnyJob, Job
from moxlite.store.file.transaction import Tx

X = TypeVar("X", bound=Tx)
T = TypeVar("T")

SERIES_AHEAD: Final = 16
"""Units of a series queued ahead: twice the number that a batch takes, so that the next batch can begin at once."""

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
