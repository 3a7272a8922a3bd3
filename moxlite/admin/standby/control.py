"""Calls to a running Litestream by its control socket: HTTP with JSON on a Unix socket (tried with version 0.5.17).

All functions block, for a thread, and raise OSError if the program does not answer in time, or refuses.
"""

from __future__ import annotations

import datetime as dt
import http.client
import os
import socket
import time
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from moxlite.admin.standby.layout import databases_of
from moxlite.encoding import from_json, to_json
from moxlite.net.socketpath import short
from moxlite.wording import plain_reason

T = TypeVar("T")

MAX_ANSWER: Final = 16 << 20
"""Octets of an answer: a list of 100,000 databases."""

CALL: Final = 5.0
"""Seconds for an answer that waits for nothing."""


ASK: Final = 1.0
"""Seconds for how far a database is: the program reads the log for it."""


class UnknownDatabase(ConnectionError):
    """The program does not copy this database, or has not noticed it yet."""


class Info(msgspec.Struct, frozen=True):
    """The running program: its version and process."""

    version: str
    pid: int


class DatabaseCopy(msgspec.Struct, frozen=True):
    """A database that is copied. `last_sync_at`: RFC 3339, of the last time that all of it was in the target; "" before
    the first.
    """

    path: str
    last_sync_at: str = ""


class _List(msgspec.Struct, frozen=True):
    databases: list[DatabaseCopy] = []


class Position(msgspec.Struct, frozen=True):
    """How far a database is copied: the number of its last transaction, and of the last one that is in the target, 0
    where the program does not know it.
    """

    txid: int = 0
    replicated_txid: int = 0


class _Refused(msgspec.Struct, frozen=True):
    error: str = ""


class _Connection(http.client.HTTPConnection):
    """HTTP on a Unix socket."""

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        with short(self._path) as name:
            self.sock.connect(name)


def info(path: Path) -> Info:
    """The program that listens at a socket."""
    return _call(path, "GET", "/info", Info)


def databases(path: Path) -> list[DatabaseCopy]:
    """The databases that the program copies."""
    return _call(path, "GET", "/list", _List).databases


def position(path: Path, database: Path) -> Position:
    """How far a database is copied at this moment. Raises TimeoutError: the program is busy with it."""
    return _sync(path, database, ASK, wait=False)


def sync(path: Path, database: Path, seconds: float) -> Position:
    """Wait until all that is committed in a database is in the target; returns how far it is."""
    return _sync(path, database, seconds, wait=True)


def _sync(path: Path, database: Path, seconds: float, *, wait: bool) -> Position:
    body = to_json({"path": str(database), "wait": wait, "timeout": max(1, round(seconds))})
    return _call(path, "POST", "/sync", Position, body, seconds + 1)


def _call(path: Path, verb: str, what: str, kind: type[T], body: bytes | None = None, seconds: float = CALL) -> T:
    connection = _Connection(path, seconds)
    try:
        connection.request(verb, what, body)
        answer = connection.getresponse()
        data = answer.read(MAX_ANSWER)
    except http.client.HTTPException as error:
        raise ConnectionError(f"unexpected response from Litestream: {plain_reason(error)}") from None
    finally:
        connection.close()
    try:
        if answer.status != http.client.OK:
            kind_of = UnknownDatabase if answer.status == http.client.NOT_FOUND else ConnectionError
            raise kind_of(f"Litestream error: {from_json(data, _Refused).error[:300]}")
        return from_json(data, kind)
    except msgspec.DecodeError:
        raise ConnectionError(f"unexpected response from Litestream (status {answer.status})") from None


# How far Litestream has copied the databases of the first machine.


NOTICED: Final = 10.0
"""Seconds in which the program notices a new account."""

BUSY: Final = 3
"""Databases in one look for which the program may be too busy to answer, as while it copies a large file. The others
are asked by the next look.
"""


class Progress:
    """How far the program has copied each database, since its start. Used by one thread at a time.

    Elapsed time counts: a wall clock that is set changes nothing.

    Args:
      lag: seconds before now; all that was committed until then is in the target.

    Attributes:
      copied: path below the data directory, and the number of the last transaction that is in the target.
      uncopied: number of databases of which nothing is there yet.
      listed: databases that the program has open.
    """

    def __init__(self, lag: float = 0.0) -> None:
        self.copied: dict[str, int] = {}
        self.uncopied = 0
        self.listed: set[str] = set()
        self._sent: dict[str, object] = {}  # the log's size and time of which all is in the target
        self._asked: dict[str, float] = {}
        self._files: dict[str, tuple[int, int]] = {}  # device and inode
        self._synced: dict[str, tuple[str, float]] = {}  # the program's word for when all was in the target, and when
        self._missing: dict[str, float] = {}  # databases that the program does not list, and since when
        self._looked = time.monotonic() - lag

    def look(self, path: Path, data: Path) -> str:
        """Ask the program at a socket. Returns why it must be started again, "" if it need not. Blocks. Raises
        OSError.
        """
        listed = databases(path)
        self.listed = {os.path.relpath(one.path, data) for one in listed}
        now, wall = time.monotonic(), time.time()
        synced: dict[str, tuple[str, float]] = {}
        changed: dict[str, object] = {}
        for one in listed:
            try:
                name = Path(one.path).relative_to(data).as_posix()
                found = (data / name).stat()
            except (ValueError, FileNotFoundError):
                continue  # an account that was removed
            if self._files.setdefault(name, (found.st_dev, found.st_ino)) != (found.st_dev, found.st_ino):
                return f"{name} is another file now"
            was = self._synced.get(name, ("", self._looked))
            if one.last_sync_at != was[0]:  # since the last look
                was = one.last_sync_at, min(now, max(self._looked, now - wall + _seconds(one.last_sync_at)))
            synced[name] = was
            mark = _mark(data / f"{name}-wal")
            if name not in self.copied or self._sent.get(name, self) != mark:
                changed[name] = mark
        self._synced, self._looked = synced, now
        self._ask(path, data, changed, now)
        for gone in self._files.keys() - synced.keys():
            for known in (self.copied, self._sent, self._asked, self._files):
                known.pop(gone, None)
        there = list(databases_of(data))
        self.uncopied = sum(name not in self.copied for name in there)
        self._missing = {name: self._missing.get(name, now) for name in there if name not in synced}
        late = [name for name, since in self._missing.items() if now - since > NOTICED]
        return f"{late[0]} hasn't been copied" if late else ""

    def _ask(self, path: Path, data: Path, changed: dict[str, object], now: float) -> None:
        """Ask for the transactions of databases with these marks of their logs."""
        busy = 0
        for name in sorted(changed, key=lambda name: self._asked.get(name, 0.0)):
            self._asked[name] = now
            try:
                at = position(path, data / name)
            except TimeoutError:
                busy += 1
                if busy == BUSY:
                    break
                continue
            if at.replicated_txid:
                self.copied[name] = at.replicated_txid
                if at.replicated_txid == at.txid:
                    self._sent[name] = changed[name]

    def lag(self) -> float:
        """Seconds for which changes may be missing in the target."""
        return time.monotonic() - min((moment for _, moment in self._synced.values()), default=self._looked)


def _mark(log: Path) -> object:
    try:
        found = log.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _seconds(text: str) -> float:
    """Seconds UTC of a time in the form of RFC 3339; 0 for none."""
    try:
        return dt.datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0
