"""How far Litestream has copied the databases of the first machine."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import Final

from moxlite.admin.standby import control
from moxlite.admin.standby.layout import databases_of

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
    """

    def __init__(self, lag: float = 0.0) -> None:
        self.copied: dict[str, int] = {}
        self.uncopied = 0
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
        listed = control.databases(path)
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
        return f"{late[0]} is not copied" if late else ""

    def _ask(self, path: Path, data: Path, changed: dict[str, object], now: float) -> None:
        """Ask for the transactions of databases with these marks of their logs."""
        busy = 0
        for name in sorted(changed, key=lambda name: self._asked.get(name, 0.0)):
            self._asked[name] = now
            try:
                at = control.position(path, data / name)
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
