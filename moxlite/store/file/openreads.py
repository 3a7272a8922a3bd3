"""Open reads of one database that may become long: they are logged, and interrupted when they hold the log back
(STORE-3, STORE-161).

Reads on the loop are not among them: nothing else runs while they do. Connections and their choice are in `readers`.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from moxlite.store.file.transaction import Reader

logger = logging.getLogger("moxlite.store.readers")

LONG: Final = 60.0
"""Seconds after which an open read is logged, and may be interrupted (STORE-161)."""

WAL_LIMIT: Final = 256 << 20
"""Octets of log above which long reads are interrupted: the log cannot start over while they last."""

WAL_LIMIT_PATIENT: Final = 4 << 30
"""`WAL_LIMIT` for backup, export and restore, which are slow by nature."""


class OpenRead:
    """An open read, so that it can be logged and interrupted."""

    __slots__ = ("began", "db", "expired", "logged", "op", "patient", "reader")

    def __init__(self, db: apsw.Connection, op: str, *, patient: bool) -> None:
        self.db = db
        self.op = op
        self.patient = patient
        self.reader = Reader(db)
        self.began = time.monotonic()
        self.expired = False
        self.logged = False

    def interrupt(self) -> None:
        """Make the read end with InterruptError, inside a statement or between two."""
        self.reader.interrupted = True
        self.db.interrupt()

    def expire(self) -> None:
        """Interrupt the read for the sake of the log."""
        self.expired = True
        self.interrupt()


class OpenReads:
    """The open reads of one database; used on the loop.

    Args:
      path: the file, which says the disk that the log grows on.
      name: the database's, for log lines.

    Attributes:
      reads: the reads that are open now.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self.reads: set[OpenRead] = set()

    @contextmanager
    def opened(self, db: apsw.Connection, op: str, *, patient: bool = False) -> Iterator[OpenRead]:
        """Count a read on the connection `db` as open during the block."""
        read = OpenRead(db, op, patient=patient)
        self.reads.add(read)
        try:
            yield read
        finally:
            self.reads.discard(read)

    def interrupt(self) -> None:
        """Interrupt all of them, for a database that is being closed."""
        for read in self.reads:
            read.interrupt()

    def upkeep(self, wal_bytes: int) -> None:
        """Log reads over 60 s; interrupt them when the log has grown over their limit (STORE-3, STORE-161)."""
        now = time.monotonic()
        for read in self.reads:
            age = now - read.began
            if age < LONG:
                continue
            if not read.logged:
                read.logged = True
                logger.warning(
                    "long read", extra={"kv": {"database": self._name, "op": read.op, "seconds": round(age)}}
                )
            limit = WAL_LIMIT
            if read.patient:
                limit = min(WAL_LIMIT_PATIENT, shutil.disk_usage(self._path.parent).free // 4)
            if wal_bytes > limit and not read.expired:
                logger.warning(
                    "read interrupted",
                    extra={"kv": {"database": self._name, "op": read.op, "wal_bytes": wal_bytes}},
                )
                read.expire()
