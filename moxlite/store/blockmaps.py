"""Which blocks of an account's file have changed since a backup read it, so that the next one reads these alone
(STORE-183a).

Theory of operation
-------------------
A file in WAL mode changes only where frames of its log are copied into it. After each commit the writer notes the pages
of the new frames, as blocks of `BLOCK` octets with a rising number. A backup marks the number that it begins at: a
block with a lower one is as it was then.

Maps are in memory alone, so no map can be older than its file. A map forgets all marks, after which a backup reads the
whole file, if frames may have been missed: when a generation of the log was skipped (the first salt of its header rises
by one with each), when a log can't be read, and when another program has changed the file, so that it isn't as the last
fold of the log or the closing of the file left it.
"""

from __future__ import annotations

import logging
import os
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Final

import msgspec

logger = logging.getLogger("moxlite.store.blockmaps")

BLOCK: Final = 64 << 10
"""Octets of a block, as in repositories."""

SAMPLE: Final = 64
"""Each block that should be unchanged is read in one of so many backups."""

LOCK: Final = 1 << 30
"""Place of a page that SQLite never writes, and that its copies leave out."""

MARKS: Final = 16
"""Marks kept per file: one for each repository that is in use."""

HEADER: Final = 32
"""Octets of the header of a log (https://www.sqlite.org/fileformat2.html#walformat)."""

FRAME: Final = 24
"""Octets of the header of each frame in it."""

Times = tuple[int, int, int, int]


class Unseen(Exception):
    """Frames of the log may have been missed."""


class BlockChanges(msgspec.Struct, frozen=True):
    """Blocks of a file that were read at one moment, in the order in which they were written: `sampled` ones, which
    should be unchanged, and `changed` ones; `size` of the file in octets.
    """

    size: int
    sampled: tuple[int, ...]
    changed: tuple[int, ...]

    def length(self, number: int) -> int:
        """Octets of a block."""
        return min(BLOCK, self.size - number * BLOCK)


def blocks_to_read(changed: Sequence[int], before: int, size: int, first: int) -> BlockChanges:
    """The blocks to read of a file of `size` octets, in which some have changed since it had `before`; each `SAMPLE`-th
    of the others from `first` proves the map.
    """
    count = -(-size // BLOCK)
    # The first page has the size, and the last block may have another length without being written.
    edges = {0, LOCK // BLOCK, count - 1, *range(before // BLOCK, count)}
    numbers = sorted({number for number in (*changed, *edges) if number < count})
    known = set(numbers)
    return BlockChanges(size, tuple(n for n in range(first, count, SAMPLE) if n not in known), tuple(numbers))


class BlockMap:
    """The map of one file. All methods may be called in any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log = path.with_name(path.name + "-wal")
        self._lock = Lock()
        self._number = 0
        self._changed = array("I")  # for each block, the number of its last change
        self._marks: dict[int, int] = {}
        self._salts = b""
        self._frames = 0  # of the log's generation that are noted
        self._times = times_of(path)
        self._folding = Lock()

    def mark(self, at: int) -> None:
        """Begin to know what changes from now on, under the name `at`."""
        with self._lock:
            self._marks.pop(at, None)
            if len(self._marks) >= MARKS:
                del self._marks[next(iter(self._marks))]
            self._marks[at] = self._number

    def since(self, at: int) -> list[int] | None:
        """The blocks that may have changed since a mark, ascending; None if that isn't known."""
        with self._lock:
            begun = self._marks.get(at)
            return None if begun is None else [n for n, number in enumerate(self._changed) if number > begun]

    def note(self, frames: int | None = None) -> None:
        """Note the frames of the log that are new, up to `frames`, or all of them."""
        with self._lock:
            try:
                with self._log.open("rb", buffering=0) as file:
                    self._note(file, frames)
            except FileNotFoundError:
                if frames:
                    self._forget("log not found")
            except (OSError, Unseen) as error:
                self._forget(str(error))

    def forget(self, reason: str) -> None:
        """Forget all marks."""
        with self._lock:
            self._forget(reason)

    def opened(self) -> None:
        """The file was opened, and its writer notes all commits from now on."""
        with self._lock:
            self._compare()
            self._salts, self._frames = b"", 0
        self.note()

    def closed(self) -> None:
        """The file was closed."""
        with self._lock:
            log = times_of(self._log)
            self._times = times_of(self._path) if log is None or log[1] == 0 else None

    def begin_fold(self) -> bool:
        """The log is about to be folded into the file; returns False if another thread does that."""
        if not self._folding.acquire(blocking=False):
            return False
        with self._lock:
            self._compare()
        return True

    def end_fold(self) -> None:
        """The log was folded, or as much of it as could be."""
        with self._lock:
            self._times = times_of(self._path)
        self._folding.release()

    def _compare(self) -> None:
        if self._times is None or times_of(self._path) != self._times:
            self._forget("the file was changed elsewhere")

    def _note(self, file: BinaryIO, frames: int | None) -> None:
        header = file.read(HEADER)
        if len(header) < HEADER:
            if frames:
                raise Unseen("the log is cut short")
            return
        page, salts = int.from_bytes(header[8:12], "big"), header[16:24]
        if salts != self._salts:
            if self._salts and int.from_bytes(salts[:4], "big") != int.from_bytes(self._salts[:4], "big") + 1 & _MASK:
                raise Unseen("missed a log generation")
            self._salts, self._frames = salts, 0
        if frames is not None and frames < self._frames:
            raise Unseen("the log became shorter")
        numbers = list(_pages(file.fileno(), page, salts, self._frames, frames))
        self._frames += len(numbers)
        if frames is not None and self._frames < frames:
            raise Unseen("frames of the log are missing")
        if numbers:
            self._number += 1
            blocks = {(number - 1) * page // BLOCK for number in numbers}
            self._changed.extend([0] * (max(blocks) + 1 - len(self._changed)))
            for block in blocks:
                self._changed[block] = self._number

    def _forget(self, reason: str) -> None:
        if self._marks:
            logger.info("next backup reads the whole file", extra={"kv": {"file": str(self._path), "reason": reason}})
        self._marks.clear()
        self._changed = array("I")
        self._salts, self._frames = b"", 0


_MASK: Final = 0xFFFFFFFF  # salts have 32 bits


class BlockMaps:
    """The maps of all files that were backed up in this process."""

    def __init__(self) -> None:
        self._maps: dict[Path, BlockMap] = {}

    def get(self, path: Path) -> BlockMap | None:
        """The map of a file, if it has one."""
        return self._maps.get(path)

    def mark(self, path: Path, at: int) -> None:
        """As `BlockMap.mark`; a file gets its map with its first mark. To be called before the file is read."""
        self._maps.setdefault(path, BlockMap(path)).mark(at)


def times_of(path: Path) -> Times | None:
    """Inode, size, and both times in ns of a file, which differ after each change; None if it doesn't exist."""
    try:
        facts = path.stat()
    except FileNotFoundError:
        return None
    return facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def _pages(fd: int, page: int, salts: bytes, first: int, end: int | None) -> Iterator[int]:
    """The page numbers of the frames of a log's generation, from the frame `first`, which counts from 0."""
    at = first
    while end is None or at < end:
        frame = os.pread(fd, FRAME, HEADER + at * (FRAME + page))
        if len(frame) < FRAME or frame[8:16] != salts:
            return
        yield int.from_bytes(frame[:4], "big")
        at += 1
