"""Packs: files of many blocks each, so that a snapshot is synced some times, not once for each block (STORE-183).

REPO/packs/NAME.pack    MAGIC; the stored forms of blocks, one after the other; an index of them; its length; MAGIC

A pack gets its name when it is whole and durable, and is never changed; until then it is a `.tmp`, which the next
snapshot removes. So what a crash leaves needs no checking. What is wrong with an index, zstd's checksum tells; with a
block, its name.
"""

from __future__ import annotations

import errno
import os
import secrets
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
import zstandard

from moxlite.store.backup.copying import SYNC
from moxlite.store.backup.errors import RepositoryError

__all__ = ["PACK_SIZE", "Pack", "PackWriter", "Record", "pack_names", "read_index", "remove_unfinished"]

MAGIC: Final = b"moxpack1"
TAIL: Final = struct.Struct("<Q8s")

PACK_SIZE: Final = 64 << 20
"""Octets at which a pack ends: few files even of a large account, and little to write anew when pruning empties it in
part.
"""

MAX_RECORDS: Final = 1 << 16
"""Blocks at which a pack ends, too: with deltas of 50 octets its index would be longer than they are."""

MAX_INDEX: Final = MAX_RECORDS << 7
"""Octets of an index, unpacked: a record has 80."""

SUFFIX: Final = ".pack"
UNFINISHED: Final = ".tmp"


class Record(msgspec.Struct, frozen=True, array_like=True):
    """A block in a pack: its name, the octets of its stored form, how many deltas are behind it, and the name of the
    block that it is a delta to, b"" for none.
    """

    name: bytes
    length: int
    depth: int = 0
    base: bytes = b""


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[Record])


class PackWriter:
    """A pack being written to `folder`. Its blocks can be read before it is finished."""

    def __init__(self, folder: Path) -> None:
        self.name = secrets.token_hex(16)
        self.end = len(MAGIC)
        self._folder = folder
        self._partial = folder / f".{self.name}{UNFINISHED}"
        self._records: list[Record] = []
        self._synced = 0
        self._broken: OSError | None = None
        self._file: BinaryIO = self._partial.open("x+b", buffering=0)
        try:
            self._put(0, MAGIC)
        except BaseException:
            self.abandon()
            raise

    @property
    def full(self) -> bool:
        """Whether it is long enough to be finished."""
        return self.end >= PACK_SIZE or len(self._records) >= MAX_RECORDS

    def add(self, record: Record, data: bytes) -> int:
        """Append a block; where it begins. Raises OSError: it was not added, the others are as they were."""
        at = self.end
        self._put(at, data)
        self.end += len(data)
        self._records.append(record)
        # Left to the end, the flush of it all would hold up the commits of a running server.
        if self.end - self._synced >= SYNC:
            self._sync()
        return at

    def read(self, at: int, length: int) -> bytes:
        """Octets of a block that was added."""
        self._file.seek(at)
        return self._file.read(length)

    def finish(self) -> int:
        """Make it durable under its name; its octets. Raises OSError: it can be tried again, unless a sync failed."""
        index = zstandard.ZstdCompressor(level=3, write_checksum=True).compress(_ENCODER.encode(self._records))
        data = index + TAIL.pack(len(index), MAGIC)
        self._put(self.end, data)
        self._sync()
        self._file.close()
        self._partial.rename(self._folder / (self.name + SUFFIX))
        return self.end + len(data)

    def abandon(self) -> None:
        """Give it up."""
        self._file.close()
        self._partial.unlink(missing_ok=True)

    def _put(self, at: int, data: bytes) -> None:
        self._file.seek(at)
        if self._file.write(data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._partial))

    def _sync(self) -> None:
        # A second sync after one that failed tells of success, though octets are lost.
        if self._broken is not None:
            raise self._broken
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            self._broken = error
            raise
        self._synced = self.end


class Pack:
    """A finished pack, open for reading."""

    def __init__(self, folder: Path, name: str) -> None:
        """Raises OSError."""
        self._file: BinaryIO = (folder / (name + SUFFIX)).open("rb", buffering=0)

    def read(self, at: int, length: int) -> bytes:
        """Octets of a block; fewer where the file is cut short. Raises OSError."""
        self._file.seek(at)
        return self._file.read(length)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def pack_names(folder: Path) -> list[str]:
    """The names of the finished packs."""
    return sorted(path.stem for path in folder.iterdir() if path.suffix == SUFFIX and not path.name.startswith("."))


def remove_unfinished(folder: Path) -> None:
    """Remove what writers that were killed have left."""
    for path in folder.iterdir():
        if path.name.startswith(".") and path.suffix == UNFINISHED:
            path.unlink()


def pack_path(folder: Path, name: str) -> Path:
    """The file of a finished pack."""
    return folder / (name + SUFFIX)


def read_index(folder: Path, name: str) -> Iterator[tuple[int, Record]]:
    """Where each block of a pack begins, and what it is. Raises RepositoryError: the pack is damaged; OSError."""
    with pack_path(folder, name).open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        data = b""
        if size >= len(MAGIC) + TAIL.size:
            file.seek(size - TAIL.size)
            length, magic = TAIL.unpack(file.read(TAIL.size))
            start = size - TAIL.size - length
            if magic == MAGIC and start >= len(MAGIC):
                file.seek(start)
                data = file.read(length)
    try:
        records = _DECODER.decode(zstandard.ZstdDecompressor().decompress(data, max_output_size=MAX_INDEX))
    except (zstandard.ZstdError, msgspec.DecodeError) as error:
        raise RepositoryError(f"pack {name} is damaged") from error
    at = len(MAGIC)
    for record in records:
        yield at, record
        at += record.length
    if at != start:
        raise RepositoryError(f"pack {name} is damaged")
