"""The open ``reports.db``."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

import trio

from moxlite.store.errors import StorageBroken, StoreError
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind
from moxlite.store.file.traces import TRACES
from moxlite.store.file.transaction import Tx
from moxlite.store.options import DAY, Options
from moxlite.store.reports.evaluations import Evaluation, evaluation_recorder
from moxlite.supervision import Supervisor

logger = logging.getLogger("moxlite.store.reports")

UPKEEP: Final = 3600.0
"""Seconds between two removals of expired rows."""

RECEIVED_RETENTION: Final = 400 * DAY
"""Microseconds for which a received report is kept: this month can be compared with the same month of last year."""

HISTORY_RETENTION: Final = 400 * DAY
"""Microseconds for which daily counts and samples of the queue are kept (WEB-86b)."""

COUNTED_RETENTION: Final = 3 * DAY
"""Microseconds for which evaluations and TLS results are kept (QUEUE-123, QUEUE-131). A report that could not be sent
in the night after its day is tried again in the next night, when its first rows are two days and some hours old."""

EXPIRE_STEP: Final = 2_000
"""Rows removed in one unit: 20 ms."""

DROP_DAYS: Final = """
DELETE FROM daily_count WHERE (kind, day, about) IN
(SELECT kind, day, about FROM daily_count WHERE day < ? / 86400000000 LIMIT ?)"""

EXPIRED: Final = (
    (
        "DELETE FROM dmarc_report WHERE id IN (SELECT id FROM dmarc_report WHERE received < ? LIMIT ?)",
        RECEIVED_RETENTION,
    ),
    ("DELETE FROM tls_report WHERE id IN (SELECT id FROM tls_report WHERE received < ? LIMIT ?)", RECEIVED_RETENTION),
    (
        "DELETE FROM dmarc_evaluation WHERE id IN (SELECT id FROM dmarc_evaluation WHERE evaluated < ? LIMIT ?)",
        COUNTED_RETENTION,
    ),
    ("DELETE FROM tls_result WHERE id IN (SELECT id FROM tls_result WHERE updated < ? LIMIT ?)", COUNTED_RETENTION),
    (DROP_DAYS, HISTORY_RETENTION),
    ("DELETE FROM queue_sample WHERE at IN (SELECT at FROM queue_sample WHERE at < ? LIMIT ?)", HISTORY_RETENTION),
    ("DELETE FROM report_suppression WHERE id IN (SELECT id FROM report_suppression WHERE until < ? LIMIT ?)", 0),
)
"""Statements that delete expired rows, each with the microseconds that rows are kept after their time."""


class ReportsDB:
    """The open file, made by `open`. Without `start` no evaluation is written."""

    def __init__(self, database: Database | StoreError) -> None:
        """For `open`."""
        self._database = database
        self._recorder = evaluation_recorder(lambda: self.database)

    @classmethod
    async def open(cls, path: Path, options: Options) -> ReportsDB:
        """Open the file, or make it if it is missing or empty. If the file cannot be used, the object is out of
        service: calls that need the file raise StorageBroken.
        """
        try:
            return cls(await Database.open(path, Kind.REPORTS, options=options, create=True))
        # Mail is delivered without reports, and the rest of the server starts.
        except StoreError as error:
            kv = {"path": path, "err": str(error)}
            logger.error("reports.db unavailable, delivering reports without keeping them", extra={"kv": kv})
            return cls(error)

    @property
    def database(self) -> Database:
        """The file. Raises StorageBroken while it is out of service."""
        if isinstance(self._database, Database):
            return self._database
        raise StorageBroken(str(self._database))

    @property
    def broken(self) -> str:
        """Why the file is out of service or degraded; empty if it is well."""
        return self._database.health.broken if isinstance(self._database, Database) else str(self._database)

    def record(self, evaluation: Evaluation) -> None:
        """Queue an evaluation for the writer; never waits, raises nothing."""
        self._recorder.record(evaluation)

    def start(self, tree: Supervisor) -> None:
        """Write evaluations, remove expired rows and give idle memory back, as tasks of `tree`."""
        tree.start("store.reports-recorder", self._recorder.serve)
        if isinstance(self._database, Database):
            tree.start("store.reports-database", self._database.serve)
            tree.start("store.reports-upkeep", self._upkeep)

    async def forget(self, account: str) -> None:
        """Take an account that is removed out of the file. A failure is only logged: no mail is in it."""

        def unit(tx: Tx) -> None:
            for sql in TRACES[Kind.REPORTS].values():
                tx.execute(sql, account)

        try:
            await self.database.write(unit)
        except StoreError as error:
            logger.error("failed to forget deleted account", extra={"kv": {"account": account, "err": str(error)}})

    async def aclose(self) -> None:
        """Close the file; after the tasks of `start` have ended."""
        if isinstance(self._database, Database):
            await self._database.aclose()

    async def _upkeep(self) -> None:
        """Remove expired rows, for ever. Errors: StoreError propagates."""
        while True:
            # One unit after the other, with room for others between: the rows of a whole busy day expire together.
            while self.database.options.steady() and await self.database.write(drop_expired):
                await trio.lowlevel.checkpoint()
            await trio.sleep(UPKEEP)


def drop_expired(tx: Tx) -> bool:
    """Remove up to `EXPIRE_STEP` expired rows of each table; returns whether there may be more."""
    return max(tx.execute(sql, tx.now - kept, EXPIRE_STEP) for sql, kept in EXPIRED) == EXPIRE_STEP
