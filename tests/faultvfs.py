"""An SQLite VFS that fails as disks do: loses what was not synced, fails the n-th write, is slow to read.

Writes go to the real files at once; what they replaced is kept until the next sync of that file. `power_loss` puts it
back, in whole or, as a torn disk would, in part, and refuses all further I/O, so that connections of before can only be
closed. The files are then opened with the ordinary VFS.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw

__all__ = ["FaultVFS"]

_names = itertools.count(1)

SECTOR = 512
"""Octets that a disk writes whole."""


class FaultVFS(apsw.VFS):
    """Registered while it lives; give `name` to `Options.vfs`."""

    def __init__(self) -> None:
        self.name = f"fault{next(_names)}"
        self.base = apsw.vfs_names()[0]  # by name: this one may be made the default
        super().__init__(self.name, self.base)
        self.lock = threading.RLock()
        self.read_delay = 0.0
        self.reads = 0
        # Every open, read and write fails with it, while it is set.
        self.broken: type[apsw.Error] | None = None
        self.fail_write: tuple[int, type[apsw.Error]] | None = None
        self.writes = 0
        self.syncs = 0
        self.sync_delay = 0.0
        # Called before each write, and before a file is deleted.
        self.before_change: Callable[[], None] = lambda: None
        self.lost = False
        # Path to what must be put back, oldest first: (offset, the octets that were there), or (size, None) for a
        # changed length.
        self.unsynced: dict[str, list[tuple[int, bytes | None]]] = {}

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> FaultFile:
        self.check()
        return FaultFile(self, name, flags)

    def fail_nth_write(self, number: int, error: type[apsw.Error] = apsw.IOError) -> None:
        """Let the write that comes `number`-th from now fail, once: 1 is the next."""
        with self.lock:
            self.fail_write = (self.writes + number, error)

    def power_loss(self, rng: random.Random | None = None) -> None:
        """Take back what was not synced; with `rng` a random part of it survives, sector by sector, in any order."""
        with self.lock:
            self.lost = True
            for path, changes in self.unsynced.items():
                if not Path(path).exists():
                    continue
                with Path(path).open("r+b") as file:
                    for offset, old in reversed(changes):
                        if old is None:
                            file.truncate(offset)
                            continue
                        for start in range(0, len(old), SECTOR):
                            if rng is None or rng.random() < 0.5:
                                file.seek(offset + start)
                                file.write(old[start : start + SECTOR])
            self.unsynced.clear()

    def xDelete(self, filename: str, syncdir: bool) -> None:
        self.before_change()
        super().xDelete(filename, syncdir)

    def check(self) -> None:
        if self.lost:
            raise apsw.IOError("the power is gone")
        if self.broken is not None:
            raise self.broken("injected")


class FaultFile(apsw.VFSFile):
    def __init__(self, vfs: FaultVFS, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__(vfs.base, name, flags)
        self.vfs = vfs
        self.path = name.filename() if isinstance(name, apsw.URIFilename) else name

    def xRead(self, amount: int, offset: int) -> bytes:
        self.vfs.reads += 1
        if self.vfs.broken is not None:
            self.vfs.check()
        if self.vfs.read_delay:
            time.sleep(self.vfs.read_delay)
        return super().xRead(amount, offset)

    def xWrite(self, data: Any, offset: int) -> None:
        vfs = self.vfs
        with vfs.lock:
            vfs.check()
            vfs.before_change()
            vfs.writes += 1
            if vfs.fail_write is not None and vfs.writes >= vfs.fail_write[0]:
                error = vfs.fail_write[1]
                vfs.fail_write = None
                raise error("injected")
            if self.path is not None:
                size = super().xFileSize()
                changes = vfs.unsynced.setdefault(self.path, [])
                length = min(len(data), max(0, size - offset))
                if offset + len(data) > size:
                    changes.append((size, None))
                if length:
                    changes.append((offset, super().xRead(length, offset)))
            super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:
        vfs = self.vfs
        with vfs.lock:
            vfs.check()
            size = super().xFileSize()
            if self.path is not None and newsize < size:
                vfs.unsynced.setdefault(self.path, []).append((newsize, super().xRead(size - newsize, newsize)))
            super().xTruncate(newsize)

    def xLock(self, level: int) -> None:
        # A connection that is read-only can't lock exclusively when it closes: SQLite ignores that, an exception not.
        try:
            super().xLock(level)
        except apsw.IOError as error:
            raise apsw.BusyError("read-only") from error

    def xSync(self, flags: int) -> None:
        vfs = self.vfs
        vfs.check()
        if vfs.sync_delay:
            time.sleep(vfs.sync_delay)
        with vfs.lock:
            vfs.syncs += 1
            if self.path is not None:
                vfs.unsynced.pop(self.path, None)
            super().xSync(flags)
