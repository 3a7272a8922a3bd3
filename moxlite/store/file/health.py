"""What an error of SQLite means for a database, and whether it may be written at all (STORE-157, STORE-158)."""

from __future__ import annotations

import errno
import logging
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import apsw
import msgspec

from moxlite.store import metrics
from moxlite.store.errors import StorageBroken, StorageFull

__all__ = ["Health"]

logger = logging.getLogger("moxlite.store.health")

E = TypeVar("E", StorageFull, StorageBroken)

RETRY: Final = 10.0
"""Seconds after which a full disk is looked at, and a degraded database written to, again (STORE-157)."""

LOG_INTERVAL: Final = 60.0
"""Seconds between two error lines of one database (STORE-158)."""

LOOK_INTERVAL: Final = 1.0
"""Seconds for which the free space is taken as known: one statvfs per delivery would be waste."""

NEAR: Final = 4
"""Reserves below which each addition looks anew: a burst on a fast disk fills some megabytes within that second."""

WRONG_SCHEMA: Final = re.compile(
    r"no such (table|column|index|collation|function)|unknown (function|column)|\S+ \S+ has no column named"
)
"""SQLite says this of a statement that does not go with the tables, and ours do: so their text in the file is damaged,
and is still SQL.
"""

NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class Health:
    """The state of one database's storage. Used by the loop, the writer and reading threads: each attribute is written
    whole, none needs a lock.

    A file that is damaged (CORRUPT, NOTADB) stays degraded until it is closed; after an I/O error one unit may try
    every 10 s, and one that commits ends the state. Reads are always tried.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        min_free_space: int,
        *,
        tell: Callable[[str, Path, str], None] | None = None,
    ) -> None:
        """`tell` is called when the database becomes degraded, in whichever thread that is found: with its name, path
        and the error.
        """
        self.name = name
        self._tell = tell
        self.broken = ""
        self._path = path
        self._min_free_space = min_free_space
        self._damaged = False
        self._retry_at = 0.0
        self._log_at = 0.0
        self._free_at = 0.0
        self._free = 0

    def check(self) -> None:
        """Raise StorageBroken while the database is degraded, but for one caller every 10 s."""
        if not self.broken:
            return
        now = time.monotonic()
        if self._damaged or now < self._retry_at:
            raise StorageBroken(f"{self.name} is degraded: {self.broken}")
        self._retry_at = now + RETRY

    def short_of_space(self, reserves: int = 1) -> bool:
        """Whether the disk has less than `min_free_space` left; what can wait asks for several such `reserves`."""
        now = time.monotonic()
        low = self._min_free_space <= self._free < NEAR * self._min_free_space
        if low or now >= self._free_at:
            self._free = shutil.disk_usage(self._path.parent).free
            self._free_at = now + (RETRY if self._free < self._min_free_space else LOOK_INTERVAL)
        return self._free < reserves * self._min_free_space

    def check_space(self) -> None:
        """Raise StorageFull when the disk has less than `min_free_space` left: to be called before anything is added
        (STORE-157).
        """
        if self.short_of_space():
            metrics.FULL.inc()
            raise StorageFull(f"less than {self._min_free_space} octets are free")

    def committed(self) -> None:
        """A unit was committed: what had been an I/O error is over."""
        if self.broken and not self._damaged:
            self.broken = ""
            metrics.BROKEN.labels(self.name).set(0)
            logger.warning("database can be written again", extra={"kv": {"database": self.name}})

    def translate(self, error: BaseException, db: apsw.Connection | None = None) -> BaseException:
        """What a caller gets for `error`: StorageFull, StorageBroken, or the error itself when it is not one of
        storage.
        """
        match error:
            case apsw.FullError():
                return self._full_error(error)
            case apsw.IOError() if db is not None and db.system_errno in NO_SPACE:
                return self._full_error(error)
            case apsw.CorruptError() | apsw.NotADBError():
                return self._degrade(error, damaged=True)
            case apsw.SQLError() if WRONG_SCHEMA.match(str(error)):
                return self._degrade(error, damaged=True)
            case apsw.IOError() | apsw.CantOpenError() | apsw.ReadOnlyError():
                return self._degrade(error, damaged=False)
            case msgspec.DecodeError() | UnicodeDecodeError():
                # One value of one row; the page it is on is sound for SQLite, so others may well be.
                self._log("stored data is damaged", error)
                return _caused(StorageBroken(f"{self.name}: stored data is damaged: {error}"), error)
            case apsw.NoMemError() | apsw.BusyError():
                # Nothing is wrong with the file: this unit failed, the next may succeed.
                return _caused(StorageBroken(f"{self.name}: {error}"), error)
            case _:
                return error

    @property
    def is_damaged(self) -> bool:
        """Whether the content of the file was found to be wrong."""
        return self._damaged

    def damaged(self, text: str) -> None:
        """A check of the file found damage."""
        self._degrade(apsw.CorruptError(text), damaged=True)

    def close(self) -> None:
        """The database is closed: it is not counted as degraded any longer."""
        if self.broken:
            metrics.BROKEN.labels(self.name).set(0)

    def _full_error(self, error: BaseException) -> StorageFull:
        metrics.FULL.inc()
        self._log("disk is full", error)
        return _caused(StorageFull(f"{self.name}: {error}"), error)

    def _degrade(self, error: BaseException, *, damaged: bool) -> StorageBroken:
        new = not self.broken
        self.broken = f"{type(error).__name__}: {error}"
        self._damaged = self._damaged or damaged
        self._retry_at = time.monotonic() + RETRY
        metrics.BROKEN.labels(self.name).set(1)
        self._log("database is degraded", error)
        if new and self._tell is not None:
            self._tell(self.name, self._path, self.broken)
        return _caused(StorageBroken(f"{self.name}: {error}"), error)

    def _log(self, text: str, error: BaseException) -> None:
        now = time.monotonic()
        if now >= self._log_at:
            self._log_at = now + LOG_INTERVAL
            logger.error(text, extra={"kv": {"database": self.name, "err": f"{type(error).__name__}: {error}"}})


def _caused(error: E, cause: BaseException) -> E:
    error.__cause__ = cause
    return error
