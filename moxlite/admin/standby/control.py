"""Calls to a running Litestream by its control socket: HTTP with JSON on a Unix socket (tried with version 0.5.17).

All functions block, for a thread, and raise OSError if the program does not answer in time, or refuses.
"""

from __future__ import annotations

import http.client
import os
import socket
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from moxlite.decoders import from_json

T = TypeVar("T")

MAX_ANSWER: Final = 16 << 20
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


class Copied(msgspec.Struct, frozen=True):
    """A database that is copied. `last_sync_at`: RFC 3339, of the last time that all of it was in the target; "" before
    the first.
    """

    path: str
    last_sync_at: str = ""


class _List(msgspec.Struct, frozen=True):
    databases: list[Copied] = []


class Position(msgspec.Struct, frozen=True):
    """How far a database is copied: the number of its last transaction, and of the last one that is in the target, 0
    where the program does not know it.
    """

    txid: int = 0
    replicated_txid: int = 0


MAX_PATH: Final = 100
"""Octets of a path of a socket that each system takes (unix(7)); a longer one is reached by its folder."""


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
        if len(os.fsencode(self._path)) < MAX_PATH:
            self.sock.connect(str(self._path))
            return
        folder = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            self.sock.connect(f"/proc/self/fd/{folder}/{self._path.name}")
        finally:
            os.close(folder)


def info(path: Path) -> Info:
    """The program that listens at a socket."""
    return _call(path, "GET", "/info", Info)


def databases(path: Path) -> list[Copied]:
    """The databases that the program copies."""
    return _call(path, "GET", "/list", _List).databases


def position(path: Path, database: Path) -> Position:
    """How far a database is copied at this moment. Raises TimeoutError: the program is busy with it."""
    return _sync(path, database, ASK, wait=False)


def sync(path: Path, database: Path, seconds: float) -> None:
    """Wait until all that is committed in a database is in the target."""
    _sync(path, database, seconds, wait=True)


def _sync(path: Path, database: Path, seconds: float, *, wait: bool) -> Position:
    body = msgspec.json.encode({"path": str(database), "wait": wait, "timeout": max(1, round(seconds))})
    return _call(path, "POST", "/sync", Position, body, seconds + 1)


def _call(path: Path, verb: str, what: str, kind: type[T], body: bytes | None = None, seconds: float = CALL) -> T:
    connection = _Connection(path, seconds)
    try:
        connection.request(verb, what, body)
        answer = connection.getresponse()
        data = answer.read(MAX_ANSWER)
    except http.client.HTTPException as error:
        raise ConnectionError(f"Litestream does not answer: {type(error).__name__}") from None
    finally:
        connection.close()
    try:
        if answer.status != http.client.OK:
            kind_of = UnknownDatabase if answer.status == http.client.NOT_FOUND else ConnectionError
            raise kind_of(f"Litestream: {from_json(data, _Refused).error[:300]}")
        return from_json(data, kind)
    except msgspec.DecodeError:
        raise ConnectionError(f"Litestream gives an answer that cannot be read, with status {answer.status}") from None
