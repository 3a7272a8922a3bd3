"""Sending the reports of each day after its end (QUEUE-123, QUEUE-131).

Due reports are read from reports.db, so that a restart, a clock change or a missed day neither loses a report nor sends
one twice.
"""

import datetime as dt
import logging
from collections.abc import Sequence
from typing import Final, Generic, Protocol, TypeVar

import msgspec
import trio

from moxlite.mailauth.dkim.sign import SigningError
from moxlite.net.connections import guard
from moxlite.queue import metrics
from moxlite.queue.context import Context
from moxlite.queue.reports.counting import day_of
from moxlite.queue.reports.mail import Author, Outcome, author_of, unsigned_reason
from moxlite.queue.schedule import SECOND
from moxlite.store.delivery.submission import QueueFull
from moxlite.store.errors import StoreError
from moxlite.store.reports.received import Kind
from moxlite.store.reports.tlsresults import Pending

logger = logging.getLogger("moxlite.queue.reports")

FIRST_SECONDS: Final = 240
LAST_SECONDS: Final = 360
"""Seconds after midnight UTC, chosen at random between both: clocks of others may be slow, and reports of all servers
should not be sent at once.
"""

MAX_GAP: Final = 300.0
"""Maximum seconds between two reports."""

RECHECK_SECONDS: Final = 3600.0
"""Maximum seconds of sleep; `look` ends it at a clock change."""

MAX_LISTED: Final = 10_000

DAY: Final = 24 * 3600 * SECOND

W = TypeVar("W", bound="_Item")


class _Item(Protocol):
    @property
    def domain(self) -> str: ...
    @property
    def day(self) -> str: ...


class Reports(Protocol[W]):
    """Interface of one kind of reports: `tls.TLSReports`, `dmarc.DMARCReports`."""

    kind: Kind
    span: float

    def off(self) -> bool:
        """Whether the configuration switches these reports off."""

    async def waiting(self, day: str) -> Sequence[W]:
        """Reports that may be due for days up to this one, yyyymmdd. Raises StoreError."""

    async def pending(self, limit: int) -> list[Pending]:
        """Counts that no report contains yet. Raises StoreError."""

    async def drop(self, domain: str) -> int:
        """Delete the counts of a domain; returns the number of deleted rows. Raises StoreError."""

    async def send(self, wanted: W, author: Author) -> Outcome:
        """Queue one report, if it has contents and recipients. Raises StoreError, QueueFull, SigningError."""


class DailyReports(Generic[W]):
    """Daily sending of one kind of reports."""

    def __init__(self, ctx: Context, reports: Reports[W]) -> None:
        self._ctx = ctx
        self._reports = reports
        self._turn = trio.Lock()
        self._wake = trio.Event()
        self._done = ""  # the day on which the reports of earlier days were sent
        self._after = ctx.random.uniform(FIRST_SECONDS, LAST_SECONDS) * SECOND

    def look(self) -> None:
        """Look again for due reports: the clock was set."""
        self._wake.set()

    async def serve(self) -> None:
        """Send the due reports each day, for ever.

        Errors: exceptions of reports.db are raised; a report that cannot be sent is tried again the next day.
        """
        while True:
            self._wake = trio.Event()
            now = self._ctx.clock()
            today = day_of(now)
            at = now - now % DAY + self._after
            if self._done == today:
                seconds = (at + DAY - now) / SECOND
            elif now < at:
                seconds = (at - now) / SECOND
            else:
                await self.send(day_of(now - DAY), spread=True)
                self._done = today
                continue
            with trio.move_on_after(min(seconds, RECHECK_SECONDS)):
                await self._wake.wait()

    @property
    def kind(self) -> Kind:
        """Kind of the reports."""
        return self._reports.kind

    async def pending(self) -> list[Pending]:
        """Counts that no report contains yet, at most MAX_LISTED rows. Raises StoreError."""
        return [] if self._ctx.reports is None else await self._reports.pending(MAX_LISTED)

    async def drop(self, domain: str) -> int:
        """Delete the counts of a domain, an A-label; returns the number of deleted rows. Raises StoreError."""
        return 0 if self._ctx.reports is None else await self._reports.drop(domain)

    async def send(self, day: str, *, spread: bool = False) -> list[Outcome]:
        """Send the reports for days up to this one, yyyymmdd; `spread`: with pauses between them. Raises StoreError."""
        if self._ctx.reports is None or self._reports.off():
            return []
        waiting = await self._reports.waiting(day)
        gap = min(MAX_GAP, self._reports.span / max(1, len(waiting))) if spread else 0.0
        outcomes: list[Outcome] = []
        for number, wanted in enumerate(waiting):
            if number and gap:
                await trio.sleep(self._ctx.random.uniform(0.5, 1.0) * gap)
            if self._reports.off():
                break
            async with self._turn:
                outcome = await self._send(wanted)
            metrics.reports.labels(kind=outcome.kind, result=outcome.result).inc()
            logger.info("report was due", extra={"kv": msgspec.structs.asdict(outcome)})
            outcomes.append(outcome)
        return outcomes

    async def _send(self, wanted: W) -> Outcome:
        outcome = Outcome(kind=self._reports.kind, domain=wanted.domain, day=wanted.day, result="later")
        why = "unexpected error on our side, see the log"
        with guard("queue"):
            try:
                author = author_of(self._ctx)
                if author is not None:
                    return await self._reports.send(wanted, author)
                why = unsigned_reason(None)
            except SigningError as error:
                why = unsigned_reason(error)
            except (StoreError, QueueFull) as error:
                why = str(error)
        return msgspec.structs.replace(outcome, why=why)


def yesterday(now: int) -> str:
    """The previous UTC day, yyyymmdd."""
    return day_of(now - DAY)


def parse_day(text: str, now: int) -> str:
    """Parse a day, yyyy-mm-dd; returns yyyymmdd. Raises ValueError for a bad date, or one in the future."""
    day = dt.date.fromisoformat(text).strftime("%Y%m%d")
    if day > day_of(now):
        raise ValueError(f"{text} lies ahead")
    return day
