"""Body chunks: how 256 KiB of a body lie in the database (STORE-7, STORE-181, STORE-182).

A chunk is compressed when that saves a tenth, and carries a CRC-32 of its stored form, so that damage is found before
anything is decompressed. Chunks of before have a 64-bit BLAKE2b, which took a tenth of a download. Pure functions: no
database, any thread.
"""

from __future__ import annotations

import threading
import zlib
from array import array
from collections.abc import Sequence
from contextlib import suppress
from enum import IntEnum
from hashlib import blake2b
from itertools import compress
from typing import Final

import msgspec
import zstandard

from moxlite.store.errors import ChunkDamaged

__all__ = [
    "CHUNK_SIZE",
    "CRC",
    "Chunk",
    "Compression",
    "Encoding",
    "Packed",
    "decode_chunk",
    "encode_chunk",
    "encode_chunks",
    "encoding_of",
    "is_sound",
    "prefer",
    "preferred",
]

CHUNK_SIZE: Final = 256 << 10
"""Octets of the body in one chunk: the unit of compression and of ranged reads (design-facts §2)."""

ZSTD_LEVEL: Final = 3
"""30–50 µs for a mail of 12 kB; level 9 costs four times that and saves 1 % (design-facts §2)."""

ZLIB_LEVEL: Final = 6
"""For systems that want only zlib to read their files; its own default."""

MIN_SAVING: Final = 10
"""Percent that compression must save (STORE-182): else reading would pay for nothing."""


class Encoding(IntEnum):
    """How octets are stored: column ``enc`` of ``body_chunk``, but for `CRC`."""

    RAW = 0
    ZSTD = 1
    ZLIB = 2


CRC: Final = 4
"""Bit of the column ``enc``: the check is the CRC-32 of the stored octets. Without it, their 64-bit BLAKE2b, signed."""


class Compression(IntEnum):
    """The setting ``store.compress``."""

    NONE = 0
    ZSTD = 1
    ZLIB = 2


_preferred = Compression.ZSTD


def prefer(compression: Compression) -> None:
    """How this process stores new bodies from now on: the setting ``store.compress``, for who reads it."""
    global _preferred
    _preferred = compression


def preferred() -> Compression:
    """How new bodies are stored."""
    return _preferred


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """A chunk as stored: the columns ``enc`` (`Encoding` and `CRC`), check, and octets."""

    enc: int
    check: int
    data: bytes


class _Coders(threading.local):
    """Compressors are not for several threads at once, and making one costs as much as a small chunk."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=False)
        self.decompressor = zstandard.ZstdDecompressor()


_coders: Final = _Coders()


def is_sound(enc: object, check: object, data: object) -> bool:
    """Whether the check of a chunk holds. A damaged row may have anything in its columns."""
    if not isinstance(data, bytes) or not isinstance(enc, int):
        return False
    if enc & CRC:
        return zlib.crc32(data) == check
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big", signed=True) == check


def encoding_of(enc: int) -> int:
    """The `Encoding` that a column ``enc`` tells, if it is one."""
    return enc & ~CRC


def encode_chunk(plain: bytes, compression: Compression = Compression.ZSTD) -> Chunk:
    """The stored form of at most `CHUNK_SIZE` octets."""
    if compression is not Compression.NONE and plain:
        if compression is Compression.ZSTD:
            packed, enc = _coders.compressor.compress(plain), Encoding.ZSTD
        else:
            packed, enc = zlib.compress(plain, ZLIB_LEVEL), Encoding.ZLIB
        if len(packed) * 100 <= len(plain) * (100 - MIN_SAVING):
            return Chunk(enc | CRC, zlib.crc32(packed), packed)
    return Chunk(Encoding.RAW | CRC, zlib.crc32(plain), plain)


def encode_chunks(data: memoryview, compression: Compression = Compression.ZSTD) -> tuple[Chunk, ...]:
    """All chunks of a body, in order."""
    return tuple(
        encode_chunk(bytes(data[start : start + CHUNK_SIZE]), compression) for start in range(0, len(data), CHUNK_SIZE)
    )


def decode_chunk(enc: int, check: int, data: bytes, length: int) -> bytes:
    """The octets of a stored chunk, which must be `length`.

    Raises:
      ChunkDamaged: the check fails, or it cannot be decoded to that length.
    """
    if not is_sound(enc, check, data):
        raise ChunkDamaged
    try:
        match encoding_of(enc):
            case Encoding.RAW:
                plain = data
            case Encoding.ZSTD:
                plain = _coders.decompressor.decompress(data, max_output_size=CHUNK_SIZE)
            case Encoding.ZLIB:
                plain = zlib.decompress(data)
            case _:
                raise ChunkDamaged
    except (zstandard.ZstdError, zlib.error) as error:
        raise ChunkDamaged from error
    if len(plain) != length:
        raise ChunkDamaged
    return plain


class Packed:
    """Many chunks that are checked, and not decompressed yet: `decompress`, then `plain`.

    Only `decompress` is for another thread: nearly all of it is one call, while which other threads run.
    """

    __slots__ = ("_checks", "_encs", "_frames", "_lengths", "_places", "_sizes", "_stored", "_views")

    def __init__(
        self, encs: Sequence[int], checks: Sequence[int], stored: Sequence[bytes], lengths: Sequence[int]
    ) -> None:
        """The columns of the chunks, and how many octets each is to give."""
        self._encs = encs
        self._checks = checks
        self._stored = stored
        self._lengths = lengths
        # Zstd frames, where they stand among the chunks, and what they give: for one call of the library.
        self._frames: list[bytes | bytearray | memoryview] = []
        self._places: Sequence[int] = ()
        self._sizes = array("Q")
        self._views: list[memoryview] = []
        try:
            if all(enc & CRC for enc in set(encs)):
                sound = [*map(zlib.crc32, stored)] == [*checks]
            else:
                sound = all(map(is_sound, encs, checks, stored))
            # The library does not bear a frame that gives nothing.
            if sound and stored and min(lengths) > 0 and max(lengths) <= CHUNK_SIZE:
                self._take_frames()
        except TypeError:
            pass  # a damaged row may have anything in place of a column

    def _take_frames(self) -> None:
        zstd = [encoding_of(enc) == Encoding.ZSTD for enc in self._encs]
        self._places = [*compress(range(len(zstd)), zstd)]
        self._frames = [*compress(self._stored, zstd)]
        self._sizes = array("Q", compress(self._lengths, zstd))

    def decompress(self) -> None:
        """Decompress what is in zstd frames; what fails is left to `plain`."""
        if self._frames:
            with suppress(zstandard.ZstdError):
                segments = _coders.decompressor.multi_decompress_to_buffer(
                    self._frames,
                    decompressed_sizes=self._sizes,  # type: ignore[arg-type] # any buffer
                )
                self._views = list(map(memoryview, segments))  # type: ignore[call-overload] # they are buffers, which the stub doesn't tell

    def plain(self) -> list[bytes | memoryview | None]:
        """The octets of each chunk, as `decode_chunk` gives them; None for one that is damaged."""
        if len(self._views) == len(self._stored):
            return [*self._views]
        found = dict(zip(self._places, self._views, strict=False))  # none of them if there was an error
        return [
            found[place] if place in found else _decode_or_none(*columns)
            for place, columns in enumerate(zip(self._encs, self._checks, self._stored, self._lengths, strict=True))
        ]


def _decode_or_none(enc: int, check: int, data: bytes, length: int) -> bytes | None:
    try:
        return decode_chunk(enc, check, data, length)
    except ChunkDamaged:
        return None
