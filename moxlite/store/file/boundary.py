"""Boundary of the store: translation of errors of SQLite and the operating system into errors of the store
(STORE-158a).

Exceptions are mapped here alone. Every public method of the store runs inside ``with storage(…)``; an exception that
leaves the block is an error of `moxlite.store.errors`, or a bug. The table is `fault_of`:

| Fault       | Error                  | Cause                                                                       |
|-------------|------------------------|-----------------------------------------------------------------------------|
| FULL        | `StorageFull`          | the disk, or a quota of the file system                                     |
| BUSY        | `StorageBusy`          | descriptors or memory are short, another process locks the file: for now    |
| BROKEN      | `StorageBroken`        | the disk or the rights of a file; the next attempt may succeed              |
| DAMAGED     | `StorageBroken`        | the content of a database; it fails until the file is mended or read anew   |
| VALUE       | `StorageBroken`        | one stored value cannot be decoded; all else can                            |
| INTERRUPTED | `ReadInterrupted`      | the read was ended from outside                                             |

`Edge` translates errors that belong to no single database, such as the folder of all accounts. `Health` is the edge of
one database and also keeps its state.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto
from types import TracebackType
from typing import Final

import apsw
import msgspec

from moxlite.findings import Finding
from moxlite.store import metrics
from moxlite.store.errors import FilterDamaged, ReadInterrupted, StorageBroken, StorageBusy, StorageFull, StoreError
from moxlite.store.file.transaction import Reader

NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
"""The disk, or the owner's quota on it, is full."""

SHORT: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""The system has no more descriptors or memory for now."""

UNUSABLE: Final = frozenset(
    {
        errno.EIO,
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.ENOTEMPTY,
        errno.ELOOP,
        errno.EMLINK,
        errno.ENAMETOOLONG,
        errno.ENODEV,
        errno.ENXIO,
        errno.ESTALE,
        errno.EXDEV,
        errno.EFBIG,
        getattr(errno, "EUCLEAN", errno.EIO),
        errno.EBADMSG,
    }
)
"""The disk fails, or a file is missing, not ours, or not a regular file. File systems report their own damage as
EUCLEAN or EBADMSG; only Linux has the first.
"""

WRONG_SCHEMA: Final = re.compile(
    r"no such (table|column|index|collation|function)|unknown (function|column)|\S+ \S+ has no column named"
)
"""Messages of SQLite for a statement that does not match the schema. Our statements match, so the schema stored in the
file is damaged, although still valid SQL.
"""


class Fault(Enum):
    """Kind of a storage fault; the module's docstring has the causes."""

    FULL = auto()
    BUSY = auto()
    BROKEN = auto()
    DAMAGED = auto()
    VALUE = auto()
    INTERRUPTED = auto()


def fault_of(error: BaseException, number: int = 0) -> Fault | None:
    """Classify `error` as a storage fault; None for a bug or a network error.

    Args:
      number: errno of the failed call below SQLite (`Connection.system_errno`), 0 if unknown.
    """
    match error:
        case apsw.InterruptError():
            return Fault.INTERRUPTED
        case apsw.FullError():
            return Fault.FULL
        case apsw.NoMemError() | apsw.BusyError() | apsw.ProtocolError():
            return Fault.BUSY
        case apsw.CorruptError() | apsw.NotADBError():
            return Fault.DAMAGED
        case apsw.SQLError() if WRONG_SCHEMA.match(str(error)):
            return Fault.DAMAGED
        case apsw.CantOpenError() | apsw.IOError():
            if number == 0 and isinstance(error, apsw.CantOpenError):
                number = _shortage()  # a connection that was not opened has no errno
            return _of_number(number) or Fault.BROKEN
        case apsw.ReadOnlyError():
            return Fault.BROKEN
        case msgspec.DecodeError() | UnicodeDecodeError():
            return Fault.VALUE
        case OSError():
            return _of_number(error.errno or 0)
        case _:
            return None


def _of_number(number: int) -> Fault | None:
    if number in NO_SPACE:
        return Fault.FULL
    if number in SHORT:
        return Fault.BUSY
    return Fault.BROKEN if number in UNUSABLE else None


def _shortage() -> int:
    """Return EMFILE or ENFILE while no descriptor is available, else 0. The file itself is not tried: closing a second
    descriptor of it would drop SQLite's locks (fcntl(2)).
    """
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        return error.errno or 0
    return 0


class Edge:
    """Translates the errors of a part of the store; their texts begin with `name`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def translate(self, error: BaseException, db: apsw.Connection | None = None) -> BaseException:
        """Translate `error` into an error of the store; returns `error` itself if it does not come from storage.

        Args:
          db: the connection that raised it, which knows the errno.
        """
        fault = fault_of(error, 0 if db is None else db.system_errno)
        if fault is None:
            return error
        self.met(fault, error)
        found: StoreError
        match fault:
            case Fault.FULL:
                metrics.FULL.inc()
                found = StorageFull(f"{self.name}: {error}")
            case Fault.BUSY:
                metrics.BUSY.inc()
                found = StorageBusy(
                    f"{self.name}: out of descriptors, memory, or locks; try again in a moment: {error}"
                )
            case Fault.INTERRUPTED:
                found = ReadInterrupted(self.name)
            case Fault.VALUE:
                found = StorageBroken(f"{self.name}: stored data is damaged: {error}")
            case Fault.BROKEN | Fault.DAMAGED:
                found = StorageBroken(f"{self.name}: {error}")
        found.__cause__ = error
        return found

    def met(self, fault: Fault, error: BaseException) -> None:
        """Note a fault. May run in any thread."""


class Boundary:
    """Context manager of `storage`. It keeps no state of a block, so one object can be used for many, also nested."""

    __slots__ = ("_edge",)

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, FilterDamaged):
            self._edge.met(Fault.DAMAGED, error)
        if error is None or isinstance(error, StoreError):
            return
        translated = self._edge.translate(error)
        if translated is not error:
            raise translated from error


@contextmanager
def of_filter() -> Iterator[None]:
    """Reads or changes the words of the junk filter: damage to them doesn't degrade the database (STORE-158h).

    Raises FilterDamaged.
    """
    try:
        yield
    except (apsw.CorruptError, msgspec.DecodeError) as error:
        raise FilterDamaged(f"the junk filter can't be used, but mail is delivered: {error}") from error


def storage(edge: Edge) -> Boundary:
    """Translate storage errors that the block raises: ``with storage(edge):``.

    Raises:
      StorageFull, StorageBusy, StorageBroken, ReadInterrupted: see the module's docstring.
      Any other exception of the block, unchanged: bugs, cancellation, errors of the network.
    """
    return Boundary(edge)


# Findings of a check of a file, and SQLite's own check.


MAX_PER_KIND: Final = 20
"""Findings reported of one kind: a broken rule may concern every row."""


def damage(kind: str, text: str) -> Finding:
    """A fault in a file: its kind, and a sentence that names the rows."""
    return Finding(grade="error", code="store-damaged", about=kind, text=text)


def quick_check(r: Reader) -> list[Finding]:
    """SQLite's own check of the file: pages, order of rows, NOT NULL, CHECK. Linear in the size of the file."""
    rows = r.rows(f"PRAGMA quick_check({MAX_PER_KIND})")
    return [] if rows == [("ok",)] else [damage("file", str(row[0])) for row in rows]
