"""Body chunks: how 256 KiB of a body lie in the database (STORE-7, STORE-181, STORE-182).

A chunk is compressed when that saves a tenth, and carries a 64-bit BLAKE2b of its stored form, so that damage is found
before anything is decompressed. Pure functions: no database, any thread.
"""

from __future__ import annotations

import struct
import threading
import zlib
from array import array
from collections.abc import Sequence
from enum import IntEnum
from hashlib import blake2b
from typing import Final

import msgspec
import zstandard

from moxlite.store.errors import ChunkDamaged

__all__ = [
    "CHUNK_SIZE",
    "Chunk",
    "Compression",
    "Encoding",
    "check_of",
    "decode_chunk",
    "decode_chunks",
    "encode_chunk",
    "encode_chunks",
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
    """Column ``enc`` of ``body_chunk``."""

    RAW = 0
    ZSTD = 1
    ZLIB = 2


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
    """A chunk as stored: `check` is the 64-bit BLAKE2b of `data`, as a signed integer of 8 octets."""

    enc: Encoding
    check: int
    data: bytes


class _Coders(threading.local):
    """Compressors are not for several threads at once, and making one costs as much as a small chunk."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=False)
        self.decompressor = zstandard.ZstdDecompressor()


_coders: Final = _Coders()


def check_of(data: bytes) -> int:
    """The 64-bit BLAKE2b of stored octets, signed."""
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big", signed=True)


def encode_chunk(plain: bytes, compression: Compression = Compression.ZSTD) -> Chunk:
    """The stored form of at most `CHUNK_SIZE` octets."""
    if compression is not Compression.NONE and plain:
        if compression is Compression.ZSTD:
            packed, enc = _coders.compressor.compress(plain), Encoding.ZSTD
        else:
            packed, enc = zlib.compress(plain, ZLIB_LEVEL), Encoding.ZLIB
        if len(packed) * 100 <= len(plain) * (100 - MIN_SAVING):
            return Chunk(enc, check_of(packed), packed)
    return Chunk(Encoding.RAW, check_of(plain), plain)


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
    if not isinstance(data, bytes) or check_of(data) != check:  # a damaged row may have anything in its place
        raise ChunkDamaged
    try:
        match enc:
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


def decode_chunks(
    encs: Sequence[int], checks: Sequence[int], stored: Sequence[bytes], lengths: Sequence[int]
) -> list[bytes | memoryview | None]:
    """`decode_chunk` for many, whose columns and lengths are given; None for one that is damaged.

    Other threads run meanwhile: zstd is called once for all of them.
    """
    packed: list[int] = []
    plain: list[memoryview] = []
    try:
        digests = b"".join([blake2b(data, digest_size=8).digest() for data in stored])
        sound = struct.pack(f">{len(stored)}q", *checks) == digests
        if sound and stored and min(lengths) > 0 and max(lengths) <= CHUNK_SIZE:
            if encs.count(Encoding.ZSTD) == len(encs):
                return [*_decompress(stored, lengths)]
            packed = [position for position, enc in enumerate(encs) if enc == Encoding.ZSTD]
            plain = _decompress([stored[n] for n in packed], [lengths[n] for n in packed]) if packed else []
    except (TypeError, struct.error, zstandard.ZstdError):
        packed = []  # a damaged row may have anything in place of a column
    found = dict(zip(packed, plain, strict=False))
    return [
        found[n] if n in found else _decode_or_none(encs[n], checks[n], stored[n], lengths[n])
        for n in range(len(stored))
    ]


def _decompress(frames: Sequence[bytes], lengths: Sequence[int]) -> list[memoryview]:
    """Zstd frames, at least one, each of which gives so many octets, at least one: the library does not bear none.
    Raises ZstdError.
    """
    segments = _coders.decompressor.multi_decompress_to_buffer([*frames], decompressed_sizes=array("Q", lengths))  # type: ignore[arg-type] # any buffer
    return list(map(memoryview, segments))  # type: ignore[call-overload] # they are buffers, which the stub doesn't tell


def _decode_or_none(enc: int, check: int, data: bytes, length: int) -> bytes | None:
    try:
        return decode_chunk(enc, check, data, length)
    except ChunkDamaged:
        return None
