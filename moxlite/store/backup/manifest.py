"""What a snapshot of a repository consists of, and what is told of snapshots (STORE-183)."""

from __future__ import annotations

import calendar
import time
from typing import Final

import msgspec
import zstandard

from moxlite.decoders import msgpack_decoder
from moxlite.safefile import plain_parts
from moxlite.store.backup.copying import Stamp
from moxlite.store.backup.errors import RepositoryError
from moxlite.store.backup.sources import TREES

NAME_SIZE: Final = 32
"""Octets of the name of a block."""

FORMAT: Final = 2
"""What is written. Format 1 had a file for each block (`LooseBlocks`), and the same manifests."""

LOOSE: Final = 1
FORMATS: Final = (LOOSE, FORMAT)
"""All formats that were ever written: each can be restored."""

MAX_SIZE: Final = 1 << 30
"""Octets of a manifest, 32 for each 64 KiB: 2 TiB of data."""


DAY: Final = 86_400 * 1_000_000
WEEK: Final = 7 * DAY
MONDAY: Final = 3 * DAY
"""1970 began on a Thursday."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file: its path in a full backup (``data/…`` or ``config/…``), and its blocks, whose names follow each other.
    `stamp` is that of a database.
    """

    path: str
    size: int
    mode: int
    blocks: bytes
    stamp: Stamp | None = None

    def names(self) -> list[bytes]:
        """The names of the blocks, in order."""
        return [self.blocks[at : at + NAME_SIZE] for at in range(0, len(self.blocks), NAME_SIZE)]

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the path. Raises RepositoryError: it is not below one of `TREES`, or leads up. A user who
        may write to the place of a repository can make such a manifest.
        """
        try:
            parts = plain_parts(self.path)
        except ValueError as error:
            raise RepositoryError(f"a manifest has a path that no backup has: {error}") from None
        if len(parts) < 2 or parts[0] not in TREES:
            raise RepositoryError(f"a manifest has a path that no backup has: {self.path[:200]!r}")
        return parts


class Manifest(msgspec.Struct, frozen=True):
    """A snapshot, begun at `created` (µs UTC) by the program `version`. `data` is where its data directory was."""

    format: int
    created: int
    version: str
    data: str
    entries: tuple[Entry, ...]
    errors: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Octets of all files."""
        return sum(entry.size for entry in self.entries)


class SnapshotInfo(msgspec.Struct, frozen=True):
    """A line of ``moxlite backup list``: `created` in µs UTC; files and their octets, None without the identity."""

    id: str
    created: int
    files: int | None = None
    octets: int | None = None


class Sample(msgspec.Struct, frozen=True):
    """Blocks that were read back, and whether their octets were compared with their names."""

    snapshot: str
    blocks: int
    compared: bool


class Pruned(msgspec.Struct, frozen=True):
    """Snapshots that were removed, and the number and octets of removed blocks."""

    snapshots: list[str]
    blocks: int
    octets: int


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgpack_decoder(Manifest)


def snapshot_id(created: int) -> str:
    """The name of a snapshot: its time to the microsecond, in UTC; sorted by name is sorted by time."""
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime(created // 1_000_000)) + f".{created % 1_000_000:06}Z"


def time_of(snapshot: str) -> int:
    """µs UTC of a snapshot's name, 0 for another name."""
    try:
        seconds, _, micros = snapshot.removesuffix("Z").partition(".")
        return calendar.timegm(time.strptime(seconds, "%Y%m%dT%H%M%S")) * 1_000_000 + int(micros or 0)
    except ValueError:
        return 0


def kept_ids(ids: list[str], *, keep_daily: int, keep_weekly: int) -> set[str]:
    """Which snapshots stay: the newest one, and the last ones of so many days and weeks that have any. `ids` ascend."""
    kept = set(ids[-1:])
    for length, shift, number in ((DAY, 0, keep_daily), (WEEK, MONDAY, keep_weekly)):
        newest = {(time_of(one) + shift) // length: one for one in ids}  # ascending: the last of each stays
        kept.update(newest[key] for key in sorted(newest, reverse=True)[:number])
    return kept


def encode(manifest: Manifest) -> bytes:
    """The stored form, with a checksum of zstd's own."""
    return zstandard.ZstdCompressor(level=3, write_checksum=True).compress(_ENCODER.encode(manifest))


def decode(data: bytes) -> Manifest:
    """The manifest. Raises RepositoryError."""
    try:
        found = _DECODER.decode(zstandard.ZstdDecompressor().decompress(data, max_output_size=MAX_SIZE))
    except (zstandard.ZstdError, msgspec.DecodeError) as error:
        raise RepositoryError(f"a manifest is damaged: {error}") from error
    if found.format not in FORMATS:
        raise RepositoryError(f"a manifest has format {found.format}, this moxlite knows {FORMAT} and older ones")
    return found
