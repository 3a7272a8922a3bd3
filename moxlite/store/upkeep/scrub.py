"""Maintenance of bodies: checking every chunk, storing chunks in another encoding, and statistics (STORE-180..182).

Checking and storing process the chunks in slices of 4 MiB, while the account is in use.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import msgspec
import trio

from moxlite.store.changelog.account import Account
from moxlite.store.content.body import CHUNK_SIZE, Chunk, Compression, compression_of, decode_chunk, encode_chunk
from moxlite.store.errors import ChunkDamaged
from moxlite.store.file.threads import Background
from moxlite.store.file.transaction import Reader, Row, Tx
from moxlite.store.types import CHUNK_BITS, BodyID, MessageID

SCRUB_RATE: Final = 20 << 20
"""Octets per second that a scrub reads (STORE-181): an hour for 70 GiB, well below the speed of a disk."""

SLICE: Final = 16
"""Chunks processed at a time: 4 MiB."""

CHUNKS: Final = """
SELECT c.id, c.enc, c.digest, c.data, b.size FROM body_chunk c LEFT JOIN body b ON b.id = c.id >> ?
WHERE c.id > ? ORDER BY c.id LIMIT ?"""
COUNT: Final = "SELECT count(*) FROM body_chunk"
USERS: Final = "SELECT id FROM message WHERE body_id = ? ORDER BY id LIMIT 100"
# A zstd chunk has the check 0, so that the id must tell that it is the chunk which was read: no id of a body is given
# out twice, and the plain octets of one never change.
REPLACE: Final = "UPDATE body_chunk SET enc = ?, digest = ?, data = ? WHERE id = ? AND digest = ?"
STATS: Final = """
SELECT (SELECT count(*) FROM message), (SELECT total_size FROM state), (SELECT count(*) FROM body),
(SELECT coalesce(sum(size), 0) FROM body), (SELECT coalesce(sum(octet_length(data)), 0) FROM body_chunk)"""


class BodyStats(msgspec.Struct, frozen=True):
    """Space used by the messages of an account; `messages` and `bodies` are numbers, the others octets.

    ``logical``: sum of the sizes of messages, which counts against the quota. ``plain``: sum of the sizes of bodies.
    ``stored``: sum of the chunks as encoded in the file.
    """

    messages: int
    logical: int
    bodies: int
    plain: int
    stored: int


class Damage(msgspec.Struct, frozen=True):
    """A chunk that fails its check, `seq` from 0, and messages that have its body (at most a hundred)."""

    body_id: BodyID
    seq: int
    messages: tuple[MessageID, ...]


def body_stats(r: Reader) -> BodyStats:
    """Compute the space used by messages. Reads each chunk's row, so it is for `account.scan`."""
    row = r.row(STATS)
    assert row is not None
    return BodyStats(*row)


async def scrub(account: Account, *, rate: int = SCRUB_RATE) -> list[Damage]:
    """Read and check all chunks, `rate` stored octets per second; returns the damaged ones.

    Bodies added meanwhile are checked, too; bodies erased meanwhile are no damage.
    """
    damage: list[Damage] = []
    position = 0
    while True:
        started = trio.current_time()
        position, octets, damages = await account.scan(partial(_check_slice, after=position), op="scrub")
        damage += damages
        if not octets:
            return damage
        await trio.sleep_until(started + octets / rate)


def _check_slice(r: Reader, after: int) -> tuple[int, int, list[Damage]]:
    """Check the next chunks; returns the id of the last one, their stored octets, and the damaged ones."""
    rows = _slice(r, after)
    damage: list[Damage] = []
    with Background() as work:
        for row in rows:
            work.give_way()
            try:
                _decode(row)
            except ChunkDamaged:
                body_id = row[0] >> CHUNK_BITS
                users = tuple([MessageID(found) for (found,) in r.rows(USERS, body_id)])
                damage.append(Damage(BodyID(body_id), row[0] & ((1 << CHUNK_BITS) - 1), users))
        # A damaged chunk may be empty; it counts as one octet, so that only the slice after the last chunk has none.
        return (rows[-1][0] if rows else after), sum(max(_octets(row), 1) for row in rows), damage


def _slice(r: Reader, after: int) -> list[Row]:
    return r.rows(CHUNKS, CHUNK_BITS, after, SLICE)


def _octets(row: Row) -> int:
    """Stored octets of a chunk; 0 if a damaged row has something else in their place."""
    return len(row[3]) if isinstance(row[3], bytes) else 0


def _decode(row: Row) -> bytes:
    chunk_id, enc, digest, data, size = row
    if not isinstance(size, int):  # its body is missing or damaged, too
        raise ChunkDamaged
    seq = chunk_id & ((1 << CHUNK_BITS) - 1)
    return decode_chunk(enc, digest, data, min(CHUNK_SIZE, size - seq * CHUNK_SIZE))


async def recompress(
    account: Account,
    compression: Compression,
    *,
    rate: int = SCRUB_RATE,
    tell: Callable[[int, int], Awaitable[None]] | None = None,
) -> int:
    """Store chunks of another encoding with `compression`, `rate` stored octets per second; returns the number of
    changed chunks. `tell` is called with the number of chunks done, and of chunks at the beginning.

    A repeated call skips finished chunks. Damaged chunks stay unchanged.
    """
    changed = position = done = 0
    total = await account.scan(lambda r: int(r.value(COUNT)), op="recompress")
    while True:
        started = trio.current_time()
        rows = await account.scan(partial(_slice, after=position), op="recompress")
        if not rows:
            return changed
        position = rows[-1][0]
        # Outside of the read: encoding would keep its snapshot open, and with it the log.
        anew = await trio.to_thread.run_sync(_encode_anew, rows, compression)
        if anew:
            changed += await account.write(partial(_replace, chunks=anew), weight=SLICE * CHUNK_SIZE)
        done += len(rows)
        if tell is not None:
            await tell(done, max(done, total))
        await trio.sleep_until(started + sum(map(_octets, rows)) / rate)


def _encode_anew(rows: list[Row], compression: Compression) -> list[tuple[int, int, Chunk]]:
    """The chunks that `compression` changes: tuples of id, check of the old form, new form."""
    anew: list[tuple[int, int, Chunk]] = []
    with Background() as work:
        for row in rows:
            work.give_way()
            if compression_of(row[1]) is compression and compression is not Compression.NONE:
                continue
            try:
                chunk = encode_chunk(_decode(row), compression)
            except ChunkDamaged:
                continue
            if compression_of(chunk.enc) is not compression_of(row[1]):
                anew.append((row[0], row[2], chunk))
        return anew


def _replace(tx: Tx, chunks: list[tuple[int, int, Chunk]]) -> int:
    return sum(
        tx.execute(REPLACE, chunk.enc, chunk.check, chunk.data, chunk_id, old) for chunk_id, old, chunk in chunks
    )
