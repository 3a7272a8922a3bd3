"""How far Litestream has copied the databases of the first machine."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import Final

from moxlite.admin.standby import control
from moxlite.admin.standby.layout import databases_of

__all__ = ["Progress"]

NOTICED: Final = 10.0
"""Seconds in which the program notices a new account."""


class Progress:
    """How far the program has copied each database, since its start. Used by one thread at a time.

    Args:
      since: seconds UTC; all that was committed until then is in the target.

    Attributes:
      copied: path below the data directory, and the number of the last transaction that is in the target.
      uncopied: number of databases of which nothing is there yet.
    """

    def __init__(self, since: float) -> None:
        self.copied: dict[str, int] = {}
        self.uncopied = 0
        self._marks: dict[str, tuple[object, float]] = {}  # the log's size and time, and when they were seen first
        self._sent: dict[str, object] = {}  # the mark of which all is in the target
        self._files: dict[str, tuple[int, int]] = {}  # device and inode
        self._synced: dict[str, float] = {}
        self._missing: dict[str, float] = {}  # databases that the program does not list, and since when
        self._since = since

    def look(self, path: Path, data: Path) -> str:
        """Ask the program at a socket. Returns why it must be started again, "" if it need not. Blocks. Raises
        OSError.
        """
        listed = control.databases(path)
        now = time.time()
        synced: dict[str, float] = {}
        for one in listed:
            try:
                name = Path(one.path).relative_to(data).as_posix()
                found = (data / name).stat()
            except (ValueError, FileNotFoundError):
                continue  # an account that was removed
            if self._files.setdefault(name, (found.st_dev, found.st_ino)) != (found.st_dev, found.st_ino):
                return f"{name} is another file now"
            synced[name] = _seconds(one.last_sync_at)
            mark = _mark(data / f"{name}-wal")
            if name not in self._marks or self._marks[name][0] != mark:
                self._marks[name] = mark, now
            if (name not in self.copied or self._sent[name] != mark) and synced[name] > self._marks[name][1]:
                self.copied[name] = control.transaction(path, data / name)
                self._sent[name] = mark
        self._synced = synced
        for gone in self.copied.keys() - synced.keys():
            del self.copied[gone], self._files[gone], self._marks[gone]
        there = list(databases_of(data))
        self.uncopied = sum(name not in self.copied for name in there)
        self._missing = {name: self._missing.get(name, now) for name in there if name not in synced}
        late = [name for name, since in self._missing.items() if now - since > NOTICED]
        return f"{late[0]} is not copied" if late else ""

    @property
    def since(self) -> float:
        """Seconds UTC; all that was committed until then is in the target."""
        return min(self._synced.values(), default=0.0) or self._since

    def lag(self) -> float:
        """Seconds for which changes may be missing in the target."""
        return max(0.0, time.time() - self.since)


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
