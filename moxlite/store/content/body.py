"""Reading the octets of messages: prefix and body, by range, chunk by chunk (STORE-7, STORE-181, STORE-182).

A message is its prefix (``message_info``) followed by its body (``body_chunk``). A range reads and decompresses only
the chunks that it touches, and each chunk is checked before any of its octets are returned. The content of a removed
message is read in the same way until it is erased (STORE-36).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from functools import partial
from typing import Final

import msgspec

from moxlite.store.changelog.account import Account
from moxlite.store.content.chunks import CHUNK_SIZE, decode_chunk
from moxlite.store.errors import ChunkDamaged, NoSuchMessage
from moxlite.store.file.transaction import Reader
from moxlite.store.types import BodyID, MessageID, chunk_id


class Content(msgspec.Struct, frozen=True, gc=False):
    """Location of a message's octets: its prefix, and the id and size (octets) of its body."""

    prefix: bytes
    body_id: BodyID
    body_size: int

    @property
    def size(self) -> int:
        """Octets of the message."""
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
      NoSuchMessage: the message is gone, also when it was erased in the middle.
      ChunkDamaged: as above.
    """
    content = await account.read(lambda r: locate(r, message_id), op="locate")
    end = content.size if length is None else min(offset + length, content.size)
    prefix = len(content.prefix)
    while offset < end:
        # Up to the next chunk boundary of the body, so that no chunk is decompressed twice.
        step = (
            min(end, prefix + ((offset - prefix) // CHUNK_SIZE + 1) * CHUNK_SIZE)
            if offset >= prefix
            else min(end, prefix)
        )
        yield await account.read(partial(read_content, content=content, offset=offset, length=step - offset), op="body")
        offset = step


def _read(r: Reader, body_id: int, size: int, offset: int, length: int | None) -> bytes:
    end = size if length is None else min(offset + length, size)
    if offset >= end:
        return b""
    first, last = offset // CHUNK_SIZE, (end - 1) // CHUNK_SIZE
    rows = r.rows(CHUNKS, chunk_id(body_id, first), chunk_id(body_id, last))
    if len(rows) != last - first + 1:
        raise ChunkDamaged(f"body {body_id} misses a chunk")
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
