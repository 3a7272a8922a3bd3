"""The octets of queued messages: chunk rows shared by the recipients of a submission (docs/spec/queue.md §1)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import trio

from moxlite.queue.data.rows import MESSAGE_COLUMNS, Message, message_of
from moxlite.store.content.body import CHUNK_SIZE, Chunk, decode_chunk, encode_chunk
from moxlite.store.content.spool import Spool
from moxlite.store.errors import ChunkDamaged
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.options import Options

CHUNK_BITS: Final = 16
"""Bits of a chunk's id for its number in the message, as in account.db: at most 65 536 chunks per message."""

RELEASE_SECONDS: Final = 30.0
"""Seconds for the unit that removes unused content, also after a cancellation. If it fails, the next start removes it.
"""

LARGE: Final = 4 << 20
"""Octets above which a message is written in several units, each of that size, so that memory and the waiting time of
other writers stay bounded.
"""

INSERT: Final = "INSERT INTO content (size, refs) VALUES (?, ?)"
INSERT_CHUNK: Final = "INSERT INTO content_chunk (id, enc, check64, data) VALUES (?, ?, ?, ?)"
READ_CHUNK: Final = "SELECT enc, check64, data FROM content_chunk WHERE id = ?"
REFER: Final = "UPDATE content SET refs = ? WHERE id = ?"
RELEASE: Final = "UPDATE content SET refs = refs - ? WHERE id = ? RETURNING refs"
UNUSED: Final = "SELECT id FROM content WHERE refs = 0"
DELETE: Final = "DELETE FROM content WHERE id = ?"
DELETE_CHUNKS: Final = "DELETE FROM content_chunk WHERE id >= ? AND id < ?"


class Content(msgspec.Struct, frozen=True):
    """A message encoded for its rows, ``size`` octets long; a large one is in the database already, as row `held`."""

    size: int
    chunks: tuple[Chunk, ...] = ()
    held: int | None = None


@asynccontextmanager
async def encoded(database: Database, spool: Spool) -> AsyncIterator[Content]:
    """Encode the octets of a finished spool, for the unit that adds their rows within the block.

    A large message is written before the block, and removed at its end unless that unit has used it.
    """
    if spool.size > LARGE:
        # Without references no submission owns it yet: after a crash `drop_unused` removes it.
        held = await database.write(lambda tx: tx.insert(INSERT, spool.size, 0), weight=spool.size)
        try:
            for start in range(0, spool.size, LARGE):
                piece = await trio.to_thread.run_sync(_encode_piece, spool, start)
                first = (held << CHUNK_BITS) + start // CHUNK_SIZE
                await database.write(partial(_write_chunks, first=first, chunks=piece), weight=LARGE)
            yield Content(spool.size, held=held)
        finally:
            with trio.move_on_after(RELEASE_SECONDS, shield=True):
                await database.write(lambda tx: release_content(tx, held, 0))
    elif spool.in_memory and spool.size <= CHUNK_SIZE // 4:  # 0.2 ms of compression: cheaper than two thread switches
        yield Content(spool.size, _encode_piece(spool, 0))
    else:
        yield Content(spool.size, await trio.to_thread.run_sync(_encode_piece, spool, 0))


def _encode_piece(spool: Spool, start: int) -> tuple[Chunk, ...]:
    end = min(start + LARGE, spool.size)
    return tuple(encode_chunk(spool.read(offset, CHUNK_SIZE)) for offset in range(start, end, CHUNK_SIZE))


def _write_chunks(tx: Tx, first: int, chunks: tuple[Chunk, ...]) -> None:
    rows = [(first + n, chunk.enc, chunk.check, chunk.data) for n, chunk in enumerate(chunks)]
    tx.executemany(INSERT_CHUNK, rows)


def add_content(tx: Tx, content: Content, refs: int) -> int:
    """Write the rows of a content with `refs` recipients; returns its id."""
    if content.held is not None:
        tx.execute(REFER, refs, content.held)
        return content.held
    content_id = tx.insert(INSERT, content.size, refs)
    _write_chunks(tx, content_id << CHUNK_BITS, content.chunks)
    return content_id


def drop_unused(tx: Tx) -> None:
    """Remove large messages whose submission was not written before the process ended."""
    for (content_id,) in tx.rows(UNUSED):
        release_content(tx, content_id, 0)


def release_content(tx: Tx, content_id: int, refs: int = 1) -> bool:
    """Release a content for `refs` recipients; delete it if no recipients are left. Returns whether it was deleted."""
    left = tx.value(RELEASE, refs, content_id)
    if left is None or left > 0:
        return False
    tx.execute(DELETE_CHUNKS, content_id << CHUNK_BITS, (content_id + 1) << CHUNK_BITS)
    tx.execute(DELETE, content_id)
    return True


def _chunk(r: Reader, *, content_id: int, number: int, length: int) -> bytes:
    row = r.row(READ_CHUNK, (content_id << CHUNK_BITS) + number)
    if row is None:
        raise ChunkDamaged(f"content {content_id} is missing chunk {number}")
    return decode_chunk(row[0], row[1], row[2], length)


async def octets(database: Database, message: Message) -> AsyncIterator[bytes]:
    """Yield the octets of a message, prefix first, in pieces of at most 256 KiB, one in memory at a time.

    Raises ChunkDamaged if the file is damaged, or the row was removed meanwhile.
    """
    if message.prefix:
        yield message.prefix
    left = message.size - len(message.prefix)
    number = 0
    while left > 0:
        length = min(left, CHUNK_SIZE)
        read = partial(_chunk, content_id=message.content_id, number=number, length=length)
        yield await database.read(read, op="queue content")
        left -= length
        number += 1


# Messages of another queue.db, of a machine that is gone: which of them a take-over did not bring (STORE-186j).


LATER: Final = f"SELECT {MESSAGE_COLUMNS} FROM msg WHERE id > ? ORDER BY id LIMIT 100"  # noqa: S608 - names of columns
"""As many as are read at a time."""


async def leftover(file: Path, after: int) -> AsyncGenerator[tuple[Message, Callable[[], AsyncIterator[bytes]]]]:
    """Messages with ids above `after`, each with a function that gives its octets. `file` is a copy without other
    users. Raises StoreError.
    """
    database = await Database.open(file, Kind.QUEUE, options=Options(min_free_space=0), name="queue of another machine")
    try:
        while messages := await database.read(lambda r, after=after: _some(r, after), op="leftover"):  # type: ignore[misc]  # a default
            for message in messages:
                yield message, lambda message=message: octets(database, message)  # type: ignore[misc]  # a default
                after = message.id
    finally:
        await database.aclose()


def _some(r: Reader, after: int) -> list[Message]:
    return [message_of(row) for row in r.rows(LATER, after)]
