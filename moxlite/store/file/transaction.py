"""What a read or a unit works on: `Reader` and `Tx`, thin and typed over an APSW connection.

Functions on a `Reader` may run on the Trio loop or in a thread; functions on a `Tx` run in the writer thread, and may
run twice (STORE-4). Neither awaits, and neither keeps the object, a cursor or a generator beyond its return.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import apsw

__all__ = ["Array", "Connection", "Reader", "Row", "Tx", "Value", "array_of", "sqlite_version"]

Connection: TypeAlias = apsw.Connection
"""What a `Tx` is made from; the rooms above only hand it on."""

Array: TypeAlias = "apsw.CArrayBinding"
"""Many values bound as one, for ``carray(?)``."""

Value: TypeAlias = "int | float | str | bytes | memoryview | Array | None"
"""What can be bound to a statement."""

Row: TypeAlias = tuple[Any, ...]
"""A row of a result. STRICT tables fix the type of each column; the reader of the row names it."""


class Reader:
    """Reading one snapshot. `db` is the connection, for blob I/O and such: never for changes."""

    __slots__ = ("db", "interrupted")

    def __init__(self, db: Connection) -> None:
        self.db = db
        # Set from the loop when the caller of a scan is cancelled: SQLite's own interrupt only reaches a statement that
        # is running.
        self.interrupted = False

    def row(self, sql: str, *args: Value) -> Row | None:
        """The first row, None if there is none."""
        if self.interrupted:
            raise _cancelled()
        return self.db.execute(sql, args).fetchone()

    def rows(self, sql: str, *args: Value) -> list[Row]:
        """All rows."""
        if self.interrupted:
            raise _cancelled()
        return self.db.execute(sql, args).fetchall()

    def value(self, sql: str, *args: Value) -> Any:
        """The first column of the first row, None if there is no row."""
        if self.interrupted:
            raise _cancelled()
        row = self.db.execute(sql, args).fetchone()
        return None if row is None else row[0]

    def iterate(self, sql: str, *args: Value) -> Iterator[Row]:
        """Row by row, for scans of more than a slice; to be used up, or dropped, before the function returns."""
        if self.interrupted:
            raise _cancelled()
        for row in self.db.execute(sql, args):
            if self.interrupted:
                raise _cancelled()
            yield row


def array_of(values: array[int] | tuple[int, ...] | tuple[str, ...]) -> Array:
    """Values for ``carray(?)``, in their order: an array of type q, or a tuple."""
    return apsw.carray(values)


def sqlite_version() -> str:
    """That of the library in use, for people."""
    return apsw.sqlite_lib_version()


def _cancelled() -> apsw.InterruptError:
    return apsw.InterruptError("the read was cancelled")


class Tx(Reader):
    """A unit's view of the database: it sees its own changes and those of the units before it.

    `now` is the time of the unit, µs UTC, the same for all that it writes.
    """

    __slots__ = ("_callbacks", "now")

    def __init__(self, db: Connection) -> None:
        super().__init__(db)
        self.now = time.time_ns() // 1000
        self._callbacks: list[Callable[[], None]] = []

    def execute(self, sql: str, *args: Value) -> int:
        """Run one statement that gives no rows; returns how many rows an INSERT, UPDATE or DELETE changed."""
        self.db.execute(sql, args)
        return self.db.changes()

    @property
    def total_changes(self) -> int:
        """Rows that the connection has changed since it was opened, also by triggers and virtual tables."""
        return self.db.total_changes()

    @contextmanager
    def cache(self, kib: int) -> Iterator[None]:
        """Have a page cache of this size while the block lasts, for a unit that changes many pages more than once."""
        before = int(self.db.pragma("cache_size"))
        self.db.pragma("cache_size", -kib)
        try:
            yield
        finally:
            self.db.pragma("cache_size", before)

    def executemany(self, sql: str, rows: Iterable[tuple[Value, ...]]) -> None:
        """Run one statement for each tuple of arguments."""
        self.db.executemany(sql, rows)

    def insert(self, sql: str, *args: Value) -> int:
        """Run one INSERT; returns the id of the new row."""
        self.db.execute(sql, args)
        return self.db.last_insert_rowid()

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` on the Trio loop once the unit is committed, before its caller is woken. It never runs for a
        unit that failed.
        """
        self._callbacks.append(callback)

    def committed(self) -> None:
        """For the writer, on the loop: the unit is durable, so tell those who asked."""
        for callback in self._callbacks:
            callback()
