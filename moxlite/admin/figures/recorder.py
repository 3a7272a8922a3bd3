"""The task that stores daily counts and samples of the queue for plots, since counters end with the process (WEB-86b).

Once a minute it takes what was counted meanwhile, and writes it in one unit: one fsync a minute at most, and none while
nothing happens. A sample of the queue is taken each five minutes while messages wait, and once more when the queue has
become empty. A kill loses the counts of the last minute; a stop loses none.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import trio
from trio import sleep

from moxlite.metrics import Daily, DailyKey, daily
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Tx
from moxlite.store.reports.history import QueueSample, add_counts, add_sample
from moxlite.store.reports.reportsdb import ReportsDB

logger = logging.getLogger("moxlite.admin.figures")

PERIOD: Final = 60.0
"""Seconds between two writes."""

SAMPLE_PERIODS: Final = 5
"""Periods between two samples of the queue."""

WRITE_SECONDS: Final = 5.0
"""Seconds for the last write, during a stop."""


class HistoryRecorder:
    """Stores the counts of `counts` in ``reports.db``.

    Args:
      sample: takes a sample of the queue; None while no queue runs. Raises StoreError.
    """

    def __init__(
        self,
        reports: ReportsDB,
        sample: Callable[[], Awaitable[QueueSample | None]],
        counts: Daily = daily,
    ) -> None:
        self._reports = reports
        self._sample = sample
        self._counts = counts
        self._waiting = True  # the first sample shows an empty queue, too

    async def serve(self) -> None:
        """Store counts and samples, until cancelled; what is counted then is still stored. Raises nothing."""
        period = 0
        try:
            while True:
                await self._write(await self._due() if period % SAMPLE_PERIODS == 0 else None)
                period += 1
                await sleep(PERIOD)
        finally:
            with trio.move_on_after(WRITE_SECONDS, shield=True):
                await self._write(None)

    async def _due(self) -> QueueSample | None:
        """A sample to be stored; None while nothing waits, unless something waited before."""
        try:
            sample = await self._sample()
        except StoreError as error:
            logger.warning("queue not sampled", extra={"kv": {"err": str(error)}})
            return None
        if sample is None or (not sample.messages and not self._waiting):
            return None
        self._waiting = sample.messages > 0
        return sample

    async def _write(self, sample: QueueSample | None) -> None:
        """Store counts and perhaps a sample; counts that the file does not take wait for the next time."""
        taken = self._counts.take()
        if not taken and sample is None:
            return
        try:
            await self._reports.database.write(lambda tx: _add(tx, taken, sample))
        except StoreError as error:
            self._counts.put_back(taken)
            logger.warning("daily counts not stored", extra={"kv": {"err": str(error)}})
        except trio.Cancelled:
            self._counts.put_back(taken)
            raise


def _add(tx: Tx, counts: Mapping[DailyKey, int], sample: QueueSample | None) -> None:
    add_counts(tx, counts)
    if sample is not None:
        add_sample(tx, sample)
