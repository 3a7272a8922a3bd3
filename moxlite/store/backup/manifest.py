"""What a snapshot of a repository consists of (STORE-183)."""

from __future__ import annotations

import time
from typing import Final

import msgspec
import zstandard

from moxlite.decoders import msgpack_decoder
from moxlite.safefile import plain_parts
from moxlite.store.backup.copying import Stamp
from moxlite.store.backup.errors import RepositoryError
from moxlite.store.backup.sources import TREES

__all__ = ["FORMAT", "NAME_SIZE", "Entry", "Manifest", "decode", "encode", "snapshot_id"]

NAME_SIZE: Final = 32
"""Octets of the name of a block."""

FORMAT: Final = 2

MAX_SIZE: Final = 1 << 30
"""Octets of a manifest, 32 for each 64 KiB: 2 TiB of data."""


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
        """The parts of the path. Raises RepositoryError: it is not below one of `TREES`, or leads up. Whoever may
        write to the place of a repository can make such a manifest.
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


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgpack_decoder(Manifest)


def snapshot_id(created: int) -> str:
    """The name of a snapshot: its time to the microsecond, in UTC; sorted by name is sorted by time."""
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime(created // 1_000_000)) + f".{created % 1_000_000:06}Z"


def encode(manifest: Manifest) -> bytes:
    """The stored form, with a checksum of zstd's own."""
    return zstandard.ZstdCompressor(level=3, write_checksum=True).compress(_ENCODER.encode(manifest))


def decode(data: bytes) -> Manifest:
    """The manifest. Raises RepositoryError."""
    try:
        found = _DECODER.decode(zstandard.ZstdDecompressor().decompress(data, max_output_size=MAX_SIZE))
    except (zstandard.ZstdError, msgspec.DecodeError) as error:
        raise RepositoryError(f"a manifest is damaged: {error}") from error
    if found.format != FORMAT:
        raise RepositoryError(f"a manifest has format {found.format}, this moxlite knows {FORMAT}")
    return found
