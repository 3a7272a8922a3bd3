"""Packs: files of many blocks each, so that a snapshot is synced some times, not once for each block (STORE-183).

REPO/packs/NAME.pack    MAGIC; the stored forms of blocks, one after the other; an index of them; its length; MAGIC

A pack is an object when it is whole and durable, and is never changed; until then it is a `.tmp`, which the next
snapshot removes. So what a crash leaves needs no checking. What is wrong with an index, zstd's checksum tells; with a
block, its name.
"""

from __future__ import annotations

import errno
import os
import secrets
import struct
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final

import msgspec
import zstandard

from moxlite.decoders import msgpack_decoder
from moxlite.store.backup.copying import SYNC
from moxlite.store.backup.storage import Storage

PACKS: Final = "packs"
"""The folder of packs in a repository."""

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

GUESS: Final = 128 << 10
"""Octets at the end of a pack that are read first: the index of 64 MiB of whole blocks has some 50 KiB."""

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
_DECODER: Final = msgpack_decoder(list[Record])


class PackWriter:
    """A pack being written. Its blocks can be read before it is finished."""

    def __init__(self, storage: Storage) -> None:
        self.name = secrets.token_hex(16)
        self.end = len(MAGIC)
        self._storage = storage
        self._partial = storage.staging / f".{self.name}{UNFINISHED}"
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
        """Make it an object; its octets. Raises OSError: it can be tried again, unless a sync failed."""
        index = zstandard.ZstdCompressor(level=3, write_checksum=True).compress(_ENCODER.encode(self._records))
        data = index + TAIL.pack(len(index), MAGIC)
        self._put(self.end, data)
        self._sync()
        self._storage.add(object_name(self.name), self._partial)
        self._file.close()
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

    def __init__(self, storage: Storage, name: str) -> None:
        """Open a pack for reading. Raises OSError."""
        self._file: BinaryIO = storage.fetch(object_name(name)).open("rb", buffering=0)

    def read(self, at: int, length: int) -> bytes:
        """Octets of a block; fewer where the file is cut short. Raises OSError."""
        self._file.seek(at)
        return self._file.read(length)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def object_name(pack: str) -> str:
    """The object of a finished pack."""
    return f"{PACKS}/{pack}{SUFFIX}"


def pack_sizes(storage: Storage) -> dict[str, int]:
    """The names of the finished packs, sorted, and their octets. Raises OSError."""
    found = sorted(storage.list(PACKS).items())
    return {
        name.removesuffix(SUFFIX): size
        for name, size in found
        if size is not None and name.endswith(SUFFIX) and not name.startswith(".")
    }


def read_indices(storage: Storage, sizes: Mapping[str, int]) -> Iterator[tuple[str, list[tuple[int, Record]] | None]]:
    """The index of each pack: where its blocks begin, and what they are; None for a pack that is damaged. Raises
    OSError.
    """
    # Two rounds at most: most indices are in what the first one reads.
    starts = {name: max(0, size - GUESS) for name, size in sizes.items()}
    while starts:
        wanted = {object_name(name): (start, sizes[name]) for name, start in starts.items()}
        longer: dict[str, int] = {}
        for (name, start), (_, data) in zip(starts.items(), storage.tails(wanted), strict=True):
            begins = _index_start(data, sizes[name])
            if len(MAGIC) <= begins < start:
                longer[name] = begins
            else:
                yield name, _records(data[begins - start : -TAIL.size], begins) if begins >= len(MAGIC) else None
        starts = longer


def _index_start(data: bytes, size: int) -> int:
    """Where the index of a pack begins, of which `data` is the end; less than a pack can have where it is damaged."""
    if size < len(MAGIC) + TAIL.size or len(data) < TAIL.size:
        return 0
    length, magic = TAIL.unpack(data[-TAIL.size :])
    return size - TAIL.size - int(length) if magic == MAGIC else 0


def _records(data: bytes, end: int) -> list[tuple[int, Record]] | None:
    """Records of an index. `end`: where the blocks end."""
    try:
        records = _DECODER.decode(zstandard.ZstdDecompressor().decompress(data, max_output_size=MAX_INDEX))
    except (zstandard.ZstdError, msgspec.DecodeError):
        return None
    at = len(MAGIC)
    found = []
    for record in records:
        found.append((at, record))
        at += record.length
    return found if at == end else None
