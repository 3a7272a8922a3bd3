"""Views of the database that reads and units get: `Reader` and `Tx`, thin and typed over an APSW connection.

Functions on a `Reader` may run on the Trio loop or in a thread; functions on a `Tx` run in the writer thread, and may
run twice (STORE-4). Neither awaits, and neither keeps the object, a cursor or a generator beyond its return.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import apsw

Connection: TypeAlias = apsw.Connection
"""Connection that a `Tx` is made from; packages above only pass it on."""

Array: TypeAlias = "apsw.CArrayBinding"
"""Array of values bound to ``carray(?)`` as one parameter."""

Value: TypeAlias = "int | float | str | bytes | memoryview | Array | None"
"""Value that can be bound to a statement."""

FAST: Final = 2
"""Value of the pragma secure_delete that SQLite reads as FAST, and doesn't write so."""

Row: TypeAlias = tuple[Any, ...]
"""A row of a result. STRICT tables fix the type of each column; the code that reads the row annotates it."""


PORTION: Final = 1 << 20
"""Octets of a portion of rows. A row may have a header, a structure and what is rendered of it, a megabyte each; usual
ones have 4 KiB together.
"""


def portion(rows: Iterator[Row], weighed: Sequence[int]) -> tuple[list[Row], bool]:
    """The next rows that are kept together, and whether there may be more: at least one, and no further one once the
    columns `weighed`, octets or text, exceed `PORTION` (STORE-198b).
    """
    found: list[Row] = []
    octets = 0
    for row in rows:
        found.append(row)
        for column in weighed:
            octets += len(row[column])
        if octets > PORTION:
            return found, True
    return found, False


def portions(rows: Iterator[Row], weighed: Sequence[int]) -> Iterator[list[Row]]:
    """Yields all rows, in portions."""
    more = True
    while more:
        found, more = portion(rows, weighed)
        yield found


class Reader:
    """Read access to one snapshot. `db` is the connection, for blob I/O and the like: never for changes."""

    __slots__ = ("db", "interrupted")

    def __init__(self, db: Connection) -> None:
        self.db = db
        # Set from the loop when the caller of a scan is cancelled: SQLite's own interrupt only reaches a statement that
        # is running.
        self.interrupted = False

    def row(self, sql: str, *args: Value) -> Row | None:
        """Return the first row, or None if the result is empty."""
        if self.interrupted:
            raise _cancelled()
        return self.db.execute(sql, args).fetchone()

    def rows(self, sql: str, *args: Value) -> list[Row]:
        """Return all rows."""
        if self.interrupted:
            raise _cancelled()
        return self.db.execute(sql, args).fetchall()

    def value(self, sql: str, *args: Value) -> Any:
        """Return the first column of the first row, or None if the result is empty."""
        if self.interrupted:
            raise _cancelled()
        row = self.db.execute(sql, args).fetchone()
        return None if row is None else row[0]

    def iterate(self, sql: str, *args: Value) -> Iterator[Row]:
        """Yield row by row, for scans of more than a slice; exhaust or drop it before the function returns."""
        if self.interrupted:
            raise _cancelled()
        for row in self.db.execute(sql, args):
            if self.interrupted:
                raise _cancelled()
            yield row


def array_of(values: array[int] | tuple[int, ...] | tuple[str, ...]) -> Array:
    """Bind values to ``carray(?)``, in their order: an array of type q, or a tuple."""
    return apsw.carray(values)


def sqlite_version() -> str:
    """Version of the SQLite library in use, for people."""
    return apsw.sqlite_lib_version()


def _cancelled() -> apsw.InterruptError:
    return apsw.InterruptError("the read was canceled")


class Tx(Reader):
    """A unit's view of the database, with its own changes and earlier units' changes.

    `now` is the time of the unit, µs UTC, the same for all rows that it writes.
    """

    __slots__ = ("_callbacks", "now")

    def __init__(self, db: Connection) -> None:
        super().__init__(db)
        self.now = time.time_ns() // 1000
        self._callbacks: list[Callable[[], None]] = []

    def execute(self, sql: str, *args: Value) -> int:
        """Run one statement that returns no rows; returns the number of rows that an INSERT, UPDATE or DELETE
        changed.
        """
        self.db.execute(sql, args)
        return self.db.changes()

    @property
    def total_changes(self) -> int:
        """Rows that the connection has changed since it was opened, also by triggers and virtual tables."""
        return self.db.total_changes()

    @contextmanager
    def cache(self, kib: int) -> Iterator[None]:
        """Set the page cache to `kib` KiB within the block, for a unit that changes many pages more than once."""
        before = int(self.db.pragma("cache_size"))
        self.db.pragma("cache_size", -kib)
        try:
            yield
        finally:
            self.db.pragma("cache_size", before)

    @contextmanager
    def zeroed(self) -> Iterator[None]:
        """Fill pages with zeros that are freed within the block, so that what they held is in no later copy."""
        before = int(self.db.pragma("secure_delete"))
        self.db.pragma("secure_delete", 1)
        try:
            yield
        finally:
            self.db.pragma("secure_delete", "FAST" if before == FAST else before)

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
        """Call the callbacks of a durable unit. The writer calls this on the loop."""
        for callback in self._callbacks:
            callback()


# Numbers bound to a statement as one array: ``carray(?)``.


def int_array(values: Iterable[int]) -> apsw.CArrayBinding:
    """Bind numbers to ``carray(?)``, in their order; at least one."""
    return apsw.carray(values if isinstance(values, array) and values.typecode == "q" else array("q", values))


def distinct_array(values: Iterable[int]) -> apsw.CArrayBinding:
    """As `int_array`, but ascending and each number once: for operations that count a message named twice once."""
    return apsw.carray(array("q", sorted(set(values))))
