"""Bodies of messages: their stored form in chunks of 256 KiB, reading any range of one, and checking one that a new
message is about to share (STORE-7, STORE-180, STORE-181, STORE-182).
"""

from __future__ import annotations

import hashlib
import logging
import threading
import zlib
from array import array
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing, suppress
from enum import IntEnum
from functools import partial
from itertools import compress
from typing import Final

import msgspec
import zstandard

from moxlite.proto.mime.decode import decoder
from moxlite.proto.mime.text import reader_of
from moxlite.proto.mime.types import Part
from moxlite.store.changelog.account import Account
from moxlite.store.errors import ChunkDamaged, NoSuchMessage
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.types import BodyID, MessageID, chunk_id

# Body chunks: the stored form of 256 KiB of a body (STORE-7, STORE-181, STORE-182).
#
# A chunk is compressed if that saves a tenth, and has a check: in a zstd frame the frame's own (XXH64, RFC 8878
# §3.1.1), which costs next to nothing, otherwise a CRC-32 of the stored octets. Chunks written before account schema
# 0011 have a 64-bit BLAKE2b of the stored octets, which took a tenth of each download. Pure functions: no database,
# any thread.


CHUNK_SIZE: Final = 256 << 10
"""Octets of the body in one chunk: the unit of compression and of ranged reads (design-facts §2)."""

ZSTD_LEVEL: Final = 3
"""Level of zstd: 30–50 µs for a mail of 12 kB; level 9 costs four times that and saves 1 % (design-facts §2)."""

ZLIB_LEVEL: Final = 6
"""Level of zlib, its own default. For installations whose files must be readable with zlib alone."""

MIN_SAVING: Final = 10
"""Percent that compression must save (STORE-182): otherwise decompressing is not worth its time."""


class Encoding(IntEnum):
    """Column ``enc`` of ``body_chunk``: the compression of the stored octets, and the kind of check in the column
    ``digest``.
    """

    ZSTD = 3  # 0: the frame has a checksum
    RAW = 4  # CRC-32 of the stored octets
    ZLIB = 5  # the same


class Compression(IntEnum):
    """The setting ``store.compress``."""

    NONE = 0
    ZSTD = 1
    ZLIB = 2


_COMPRESSIONS: Final = {
    Encoding.RAW: Compression.NONE,
    Encoding.ZSTD: Compression.ZSTD,
    Encoding.ZLIB: Compression.ZLIB,
}


def compression_of(enc: int) -> Compression | None:
    """Compression of a chunk with this value of column ``enc``; None for an unknown value."""
    return _COMPRESSIONS.get(enc)  # type: ignore[call-overload, no-any-return] # any number may be asked for


_preferred = Compression.ZSTD


def prefer(compression: Compression) -> None:
    """Set the compression of new bodies in this process, from the setting ``store.compress``."""
    global _preferred
    _preferred = compression


def preferred() -> Compression:
    """Compression of new bodies."""
    return _preferred


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """A chunk as stored: the columns ``enc``, check, and octets."""

    enc: Encoding
    check: int
    data: bytes


class _Decoder(threading.local):
    """Decompressor of a thread: threads can't share one, and making one costs as much as a small chunk."""

    def __init__(self) -> None:
        self.zstd = zstandard.ZstdDecompressor(max_window_size=CHUNK_SIZE)  # damage may ask for any size


_decoder: Final = _Decoder()
_compressors: Final[list[zstandard.ZstdCompressor]] = []
"""Idle compressors. One takes a megabyte, ten times as much as a decompressor, so threads don't have their own."""

IDLE_COMPRESSORS: Final = 2
"""Number of compressors kept for the next call: more rarely work at the same time."""


def compressed(plain: bytes) -> bytes:
    """A zstd frame with a checksum, at `ZSTD_LEVEL`. For any thread."""
    try:
        compressor = _compressors.pop()
    except IndexError:
        compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True)
    frame = compressor.compress(plain)
    if len(_compressors) < IDLE_COMPRESSORS:
        _compressors.append(compressor)
    return frame


def is_sound(enc: object, check: object, data: object) -> bool:
    """Whether a chunk passes its check, as far as that can be known without decompressing it. A damaged row may have
    any value in its columns.
    """
    if not isinstance(data, bytes):
        return False
    match enc:
        case Encoding.ZSTD:
            return check == 0
        case Encoding.RAW | Encoding.ZLIB:
            return zlib.crc32(data) == check
        case _:
            return False


def encode_chunk(plain: bytes, compression: Compression = Compression.ZSTD) -> Chunk:
    """Encode at most `CHUNK_SIZE` octets into their stored form."""
    if compression is not Compression.NONE and plain:
        zstd = compression is Compression.ZSTD
        packed = compressed(plain) if zstd else zlib.compress(plain, ZLIB_LEVEL)
        if len(packed) * 100 <= len(plain) * (100 - MIN_SAVING):
            return Chunk(Encoding.ZSTD, 0, packed) if zstd else Chunk(Encoding.ZLIB, zlib.crc32(packed), packed)
    return Chunk(Encoding.RAW, zlib.crc32(plain), plain)


def encode_chunks(data: bytes | memoryview, compression: Compression = Compression.ZSTD) -> tuple[Chunk, ...]:
    """Encode a body into its chunks, in order."""
    return tuple(
        [
            encode_chunk(bytes(data[start : start + CHUNK_SIZE]), compression)
            for start in range(0, len(data), CHUNK_SIZE)
        ]
    )


def decode_chunk(enc: int, check: int, data: bytes, length: int) -> bytes:
    """Decode a stored chunk, whose octets must be `length`.

    Raises:
      ChunkDamaged: the check fails, or it cannot be decoded to that length.
    """
    if not is_sound(enc, check, data):
        raise ChunkDamaged
    try:
        match compression_of(enc):
            case Compression.ZSTD:
                # The library would allocate the size that the frame claims.
                if length > CHUNK_SIZE or zstandard.frame_content_size(data) != length:
                    raise ChunkDamaged
                plain = _decoder.zstd.decompress(data)
            case Compression.ZLIB:
                plain = zlib.decompress(data)
            case _:
                plain = data
    except (zstandard.ZstdError, zlib.error) as error:
        raise ChunkDamaged from error
    if len(plain) != length:
        raise ChunkDamaged
    return plain


class CompressedChunks:
    """Many chunks that are still compressed: call `decompress`, then `plain`.

    Only `decompress` may run in another thread: nearly all of it is one call of the library, which releases Python's
    lock.
    """

    __slots__ = ("_checks", "_encs", "_frames", "_lengths", "_places", "_sizes", "_stored", "_views")

    def __init__(
        self, encs: Sequence[int], checks: Sequence[int], stored: Sequence[bytes], lengths: Sequence[int]
    ) -> None:
        """Take the columns of the chunks, and the length in octets that each decodes to."""
        self._encs = encs
        self._checks = checks
        self._stored = stored
        self._lengths = lengths
        # Zstd frames, their positions among the chunks, and their decompressed sizes: for one call of the library.
        self._frames: list[bytes | bytearray | memoryview] = []
        self._places: Sequence[int] = ()
        self._sizes = array("Q")
        self._views: list[memoryview] = []
        if not stored or min(lengths) <= 0 or max(lengths) > CHUNK_SIZE:
            return  # the library cannot handle a frame that decompresses to nothing
        if encs.count(Encoding.ZSTD) == len(encs) and not any(checks):
            self._places, self._frames, self._sizes = range(len(encs)), [*stored], array("Q", lengths)
        elif all(map(is_sound, encs, checks, stored)):
            zstd = [compression_of(enc) is Compression.ZSTD for enc in encs]
            self._places = [*compress(range(len(encs)), zstd)]
            self._frames = [*compress(stored, zstd)]
            self._sizes = array("Q", compress(lengths, zstd))

    def decompress(self) -> None:
        """Decompress the zstd frames; frames that fail are left to `plain`."""
        if len(self._stored) == 1:  # the call for many frames takes 30 µs more than the call for one
            octets = _decode_or_none(self._encs[0], self._checks[0], self._stored[0], self._lengths[0])
            self._views = [] if octets is None else [memoryview(octets)]
        elif self._frames:
            # A damaged row may have anything in place of its octets: TypeError; or nothing: ValueError.
            with suppress(zstandard.ZstdError, TypeError, ValueError):
                segments = _decoder.zstd.multi_decompress_to_buffer(
                    self._frames,
                    decompressed_sizes=self._sizes,  # type: ignore[arg-type] # any buffer
                )
                self._views = list(map(memoryview, segments))  # type: ignore[call-overload] # they are buffers, which the stub doesn't tell

    def plain(self) -> list[bytes | memoryview | None]:
        """Return the octets of each chunk, as `decode_chunk` does; None for a damaged chunk."""
        if len(self._views) == len(self._stored):
            return [*self._views]
        found = dict(zip(self._places, self._views, strict=False))  # empty if there was an error
        return [
            found[place] if place in found else _decode_or_none(*columns)
            for place, columns in enumerate(zip(self._encs, self._checks, self._stored, self._lengths, strict=True))
        ]


def _decode_or_none(enc: int, check: int, data: bytes, length: int) -> bytes | None:
    try:
        return decode_chunk(enc, check, data, length)
    except ChunkDamaged:
        return None


class Content(msgspec.Struct, frozen=True, gc=False):
    """Location of a message's octets: its prefix, and the id and size (octets) of its body."""

    prefix: bytes
    body_id: BodyID
    body_size: int

    @property
    def size(self) -> int:
        """Message content, as bytes."""
        return len(self.prefix) + self.body_size


BODY_SIZE: Final = "SELECT size FROM body WHERE id = ?"
CHUNKS: Final = "SELECT enc, digest, data FROM body_chunk WHERE id BETWEEN ? AND ? ORDER BY id"
LOCATE: Final = """
SELECT i.prefix, b.id, b.size FROM message m JOIN message_info i ON i.email_id = m.email_id
JOIN body b ON b.id = m.body_id WHERE m.id = ?"""
LOCATE_GONE: Final = """
SELECT i.prefix, b.id, b.size FROM erase_queue q JOIN expunged e ON e.mailbox_id = q.mailbox_id AND e.uid = q.uid
JOIN message_info i ON i.email_id = q.email_id JOIN body b ON b.id = e.body_id WHERE q.message_id = ? LIMIT 1"""


def body_size(r: Reader, body_id: int) -> int:
    """Size of a body in octets. Raises ChunkDamaged if no body has this id."""
    size: int | None = r.value(BODY_SIZE, body_id)
    if size is None:
        raise ChunkDamaged(f"body {body_id} is missing")
    return size


def locate(r: Reader, message_id: int) -> Content:
    """Locate the octets of a message, also of a removed one that is not erased yet.

    Raises:
      NoSuchMessage: there is no such message.
    """
    row = r.row(LOCATE, message_id) or r.row(LOCATE_GONE, message_id)
    if row is None:
        raise NoSuchMessage(message_id)
    return Content(*row)


def read_content(r: Reader, content: Content, offset: int = 0, length: int | None = None) -> bytes:
    """As `message_range`, for a message that is already located."""
    end = content.size if length is None else min(offset + length, content.size)
    start = len(content.prefix)
    if offset >= end:
        return b""
    if end <= start:
        return content.prefix[offset:end]
    body = _read(r, content.body_id, content.body_size, max(offset - start, 0), end - max(offset, start))
    return content.prefix[offset:] + body if offset < start else body


def message_range(r: Reader, message_id: MessageID | int, offset: int = 0, length: int | None = None) -> bytes:
    """Read the octets of a message (prefix and body) from `offset`, at most `length`, fewer at its end.

    Raises:
      NoSuchMessage: there is no such message.
      ChunkDamaged: a chunk fails its check, or is missing.
    """
    return read_content(r, locate(r, message_id), offset, length)


def message_chunks(r: Reader, content: Content, start: int = 0) -> Iterator[bytes]:
    """Read a message from octet `start` to its end, in pieces of at most a chunk. For scans: exhaust it before they
    return.
    """
    prefix = len(content.prefix)
    if start < prefix:
        yield content.prefix[start:]
    for offset in range(max(start - prefix, 0), content.body_size, CHUNK_SIZE):
        yield _read(r, content.body_id, content.body_size, offset, CHUNK_SIZE)


async def stream_message(
    account: Account, message_id: int, offset: int = 0, length: int | None = None
) -> AsyncGenerator[bytes, None]:
    """Read the octets of a message from `offset`, at most `length`, in pieces of at most a chunk, each in a read of its
    own.

    No snapshot is held while the caller sends a piece. Close the iterator (``contextlib.aclosing``) when leaving early.

    Raises:
      NoSuchMessage: the message is gone.
      ChunkDamaged: as above, also when it was erased in the middle.
    """
    content = await account.read(lambda r: locate(r, message_id), op="locate")
    end = content.size if length is None else min(offset + length, content.size)
    prefix = len(content.prefix)
    # Between two pieces the message may be erased. Then chunks are missing, but no other message's are read in their
    # place, as no id of a body is given out twice.
    while offset < end:
        # Up to the next chunk boundary of the body, so that no chunk is decompressed twice.
        step = (
            min(end, prefix + ((offset - prefix) // CHUNK_SIZE + 1) * CHUNK_SIZE)
            if offset >= prefix
            else min(end, prefix)
        )
        yield await account.read(partial(read_content, content=content, offset=offset, length=step - offset), op="body")
        offset = step


async def stream_part(account: Account, message_id: int, part: Part) -> AsyncGenerator[bytes, None]:
    """Read the content of a part, without its transfer encoding, as `stream_message` does."""
    decoding = decoder(part.encoding)
    if part.within is None:
        async with aclosing(stream_message(account, message_id, part.body, part.size)) as pieces:
            async for piece in pieces:
                yield decoding.feed(piece)
    else:

        def read(r: Reader) -> bytes:
            content = locate(r, message_id)
            message = reader_of(part, lambda start, end: read_content(r, content, start, end - start))
            return message(part.body, part.end)

        octets = await account.scan(read, op="body")
        for at in range(0, len(octets), CHUNK_SIZE):
            yield decoding.feed(octets[at : at + CHUNK_SIZE])
    yield decoding.finish()


def _read(r: Reader, body_id: int, size: int, offset: int, length: int | None) -> bytes:
    end = size if length is None else min(offset + length, size)
    if offset >= end:
        return b""
    first, last = offset // CHUNK_SIZE, (end - 1) // CHUNK_SIZE
    rows = r.rows(CHUNKS, chunk_id(body_id, first), chunk_id(body_id, last))
    if len(rows) != last - first + 1:
        raise ChunkDamaged(f"body {body_id} is missing a chunk")
    parts = [
        decode_chunk(enc, digest, data, min(CHUNK_SIZE, size - seq * CHUNK_SIZE))
        for seq, (enc, digest, data) in enumerate(rows, first)
    ]
    start = first * CHUNK_SIZE
    if len(parts) == 1:
        return parts[0][offset - start : end - start]
    parts[0] = parts[0][offset - start :]
    parts[-1] = parts[-1][: end - last * CHUNK_SIZE]
    return b"".join(parts)


# Checking stored bodies that a new message is about to share (STORE-180).
#
# The octets of the new message are known to be good. A damaged stored body of the same hash is rewritten from them in
# place: the acknowledged message can be read, and the older messages that share the body can be read again.


logger = logging.getLogger("moxlite.store.content")

STORED: Final = "SELECT enc, digest, data FROM body_chunk WHERE id >= ? AND id < ? ORDER BY id"
BODY: Final = "SELECT id, size FROM body WHERE hash = ?"
STILL: Final = "SELECT 1 FROM body WHERE id = ? AND hash = ?"
DROP_CHUNKS: Final = "DELETE FROM body_chunk WHERE id >= ? AND id < ?"
TAKE_IDS: Final = "UPDATE state SET last_body_id = last_body_id + ?1 WHERE id = 1 RETURNING last_body_id - ?1 + 1"
# An upsert: in a damaged file, chunks of an erased body may be left under the ids of a new one.
WRITE_CHUNK: Final = """
INSERT INTO body_chunk (id, enc, digest, data) VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET enc = excluded.enc, digest = excluded.digest, data = excluded.data"""


def take_body_ids(tx: Tx, count: int) -> BodyID:
    """Take ids for new bodies (STORE-20); returns the first one."""
    return BodyID(tx.value(TAKE_IDS, count))


def make_sound(tx: Tx, body_id: BodyID, digest: bytes, size: int, chunks: Sequence[Chunk]) -> None:
    """Ensure that the octets of a stored body have this hash and size; otherwise replace them by `chunks`, which do.
    Equal octets have equal chunks, unless they were stored with other settings: comparing costs a tenth of writing.
    """
    bounds = chunk_id(body_id, 0), chunk_id(body_id + 1, 0)
    wanted = [(chunk.enc, chunk.check, chunk.data) for chunk in chunks]
    # Equal rows need no hash: that is the usual case, such as one message to two addresses of an account.
    if tx.rows(STORED, *bounds) == wanted or _is_sound(tx, body_id, size, digest):
        return
    tx.execute(DROP_CHUNKS, *bounds)
    write_chunks(tx, body_id, 0, chunks)
    tx.after_commit(partial(tell_mended, body_id, tx.db.filename))


def tell_mended(body_id: BodyID, file: str) -> None:
    """Log that a damaged body was written anew."""
    logger.warning("damaged body repaired", extra={"kv": {"file": file, "body": body_id}})


def write_chunks(tx: Tx, body_id: BodyID, seq: int, chunks: Iterable[Chunk], *, digest: bytes | None = None) -> None:
    """Write chunks of a body from number `seq` on, replacing existing ones. With `digest`, nothing is written if the
    body with that id has another hash by now.
    """
    if digest is not None and tx.row(STILL, body_id, digest) is None:
        return
    first = chunk_id(body_id, seq)
    tx.executemany(WRITE_CHUNK, [(first + n, chunk.enc, chunk.check, chunk.data) for n, chunk in enumerate(chunks)])


def unsound(r: Reader, digests: Iterable[bytes]) -> dict[bytes, BodyID]:
    """Find the stored bodies of these hashes whose octets are damaged; returns their ids by hash. Reads all octets: for
    a scan.
    """
    body_ids: dict[bytes, BodyID] = {}
    for digest in digests:
        for body_id, size in r.rows(BODY, digest):
            if not _is_sound(r, body_id, size, digest):
                body_ids[digest] = BodyID(body_id)
    return body_ids


def _is_sound(r: Reader, body_id: int, size: int, digest: bytes) -> bool:
    plain = hashlib.sha256()
    left = size
    try:
        for enc, check, data in r.iterate(STORED, chunk_id(body_id, 0), chunk_id(body_id + 1, 0)):
            plain.update(decode_chunk(enc, check, data, min(CHUNK_SIZE, left)))
            left -= CHUNK_SIZE
    except ChunkDamaged:
        return False
    return plain.digest() == digest
