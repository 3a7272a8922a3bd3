"""Compressed copies of static files on the disk (WEB-11). All functions block; `static` calls them in threads.

A copy's name is a hash of all that identifies the file's content: path, size, times of change, inode, and the coding.
A file that has changed has another name, so that its old copy is never found again, and goes when others need its
room. Copies are written under another name, synced and renamed: a copy is whole, or it is not there. The folder may be
emptied at any time.
"""

import hashlib
import logging
import os
import shutil
import stat
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from moxlite.web.handlers.files import File, FileError, open_plain, read
from moxlite.web.http.encoding import MIN_SIZE, Coder, coder

logger = logging.getLogger("moxlite.web.handlers")

FOLDER: Final = "httpcompresscache"
"""Name of the folder in the data directory."""

MAX_OCTETS: Final = 512 << 20
"""Octets of all copies."""

MAX_COPIES: Final = 20_000
"""Number of all copies: their names take 4 MB of memory."""

MAX_SIZE: Final = 10 << 20
"""Octets of the largest file with copies. Larger ones are mostly archives, which do not compress."""

BLOCK: Final = 4096
"""Octets that the smallest copy takes on a disk."""

AT_ONCE: Final = 2
"""Copies written at a time. Each is synced, which the mail store would wait for on a slow disk."""

SETTLED_SECONDS: Final = 2.0
"""Seconds after a change in which a file has no copy: a second change within the resolution of the file system's clock
would leave times and size as they are.
"""

GZIP_LEVEL: Final = 6
"""Level of gzip: a copy is made once and sent often."""

UNFINISHED: Final = ".part"


class Copies:
    """The copies of all rules and ports of a server, the least recently used ones removed beyond `MAX_OCTETS`.

    Args:
      folder: made when the first copy is.
      reserve: octets of the disk that stay free; below, no copy is made.
    """

    def __init__(self, folder: Path, *, reserve: int) -> None:
        self._folder = folder
        self._reserve = reserve
        self._lock = threading.Lock()
        self._sizes: OrderedDict[str, int] | None = None  # octets by name, the least recently used first
        self._total = 0
        self._making: set[str] = set()

    def find(self, path: str, file: File, coding: str) -> File | None:
        """The copy of a file, opened; None while the file has no copy."""
        if not MIN_SIZE <= file.size <= MAX_SIZE:
            return None
        name = _name(path, file, coding)
        with self._lock:
            sizes = self._known()
            if name not in sizes:
                return None
            sizes.move_to_end(name)
        return self._open(name)

    def make(self, path: str, file: File, coding: str) -> File | None:
        """Compress a file and open the copy; None if it is not to have one, another thread makes it, or the disk
        refuses it. Then the caller compresses the file itself.

        Args:
          path: that names the file on this machine.
          file: open, or whole in memory.
        """
        changed = max(file.changed, file.modified) / 1_000_000_000
        if not MIN_SIZE <= file.size <= MAX_SIZE or not changed < time.time() - SETTLED_SECONDS:
            return None
        name = _name(path, file, coding)
        with self._lock:
            if name in self._making or len(self._making) >= AT_ONCE:
                return None
            self._making.add(name)
        try:
            return self._make(name, file, coding)
        except OSError as error:
            logger.warning(
                "cannot keep a compressed copy of a file", extra={"kv": {"path": path, "err": error.strerror}}
            )
            return None
        finally:
            with self._lock:
                self._making.discard(name)

    def _make(self, name: str, file: File, coding: str) -> File | None:
        """Write a copy. Raises OSError."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if shutil.disk_usage(self._folder).free < self._reserve + file.size:
            return None
        unfinished = self._folder / (name + UNFINISHED)
        try:
            with unfinished.open("wb") as sink:
                if not _compress(file, coder(coding, gzip_level=GZIP_LEVEL), sink):
                    return None
                sink.flush()
                os.fsync(sink.fileno())
                size = sink.tell()
            unfinished.replace(self._folder / name)
        finally:
            unfinished.unlink(missing_ok=True)
        with self._lock:
            sizes = self._known()
            self._total += _room(size) - _room(sizes.pop(name, 0))
            sizes[name] = size
            self._shrink(sizes)
        return self._open(name)

    def _open(self, name: str) -> File | None:
        try:
            return open_plain(self._folder / name)
        except (FileError, OSError):  # the folder was emptied
            with self._lock:
                self._total -= _room(self._known().pop(name, 0))
            return None

    def _known(self) -> OrderedDict[str, int]:
        """All copies. The first call reads the folder, and removes what was not finished before a crash."""
        if self._sizes is None:
            found: list[tuple[int, str, int]] = []
            with suppress(OSError), os.scandir(self._folder) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    if entry.name.endswith(UNFINISHED) or not stat.S_ISREG(status.st_mode):
                        with suppress(OSError):
                            Path(entry.path).unlink()
                        continue
                    found.append((status.st_mtime_ns, entry.name, status.st_size))
            self._sizes = OrderedDict((name, size) for _, name, size in sorted(found))
            self._total = sum(map(_room, self._sizes.values()))
            self._shrink(self._sizes)
        return self._sizes

    def _shrink(self, sizes: OrderedDict[str, int]) -> None:
        """Remove the least recently used copies beyond the limits. Answers that are being sent keep theirs open."""
        while sizes and (self._total > MAX_OCTETS or len(sizes) > MAX_COPIES):
            name, size = sizes.popitem(last=False)
            self._total -= _room(size)
            with suppress(OSError):
                (self._folder / name).unlink()


def _room(size: int) -> int:
    """Octets on the disk; 0 for no copy."""
    return -(-size // BLOCK) * BLOCK


def _name(path: str, file: File, coding: str) -> str:
    facts = (path, coding, file.size, file.modified, file.changed, file.inode)
    return hashlib.sha256("\0".join(map(str, facts)).encode("utf-8", "surrogateescape")).hexdigest()


def _compress(file: File, stream: Coder, sink: BinaryIO) -> bool:
    """Write the compressed octets of a file; False if it was truncated meanwhile. Raises OSError."""
    at, data = len(file.first), file.first
    sink.write(stream.compress(data))
    while at < file.size:
        assert file.descriptor is not None
        data = read(file.descriptor, at)[: file.size - at]
        if not data:
            return False
        sink.write(stream.compress(data))
        at += len(data)
    sink.write(stream.flush())
    return True
