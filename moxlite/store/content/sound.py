"""Checking stored bodies that a new message is about to share (STORE-180).

The octets of the new message are known to be good. A damaged stored body of the same hash is rewritten from them in
place: the acknowledged message can be read, and the older messages that share the body can be read again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from moxlite.store.content.chunks import CHUNK_SIZE, Chunk, decode_chunk
from moxlite.store.errors import ChunkDamaged
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.types import BodyID, chunk_id

logger = logging.getLogger("moxlite.store.content")

STORED: Final = "SELECT enc, digest, data FROM body_chunk WHERE id >= ? AND id < ? ORDER BY id"
BODY: Final = "SELECT id, size FROM body WHERE hash = ?"
STILL: Final = "SELECT 1 FROM body WHERE id = ? AND hash = ?"
DROP_CHUNKS: Final = "DELETE FROM body_chunk WHERE id >= ? AND id < ?"
# An upsert: in a damaged file, chunks of an erased body may be left under the ids of a new one.
WRITE_CHUNK: Final = """
INSERT INTO body_chunk (id, enc, digest, data) VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET enc = excluded.enc, digest = excluded.digest, data = excluded.data"""


def make_sound(tx: Tx, body_id: BodyID, digest: bytes, size: int, chunks: Sequence[Chunk]) -> None:
    """Ensure that the octets of a stored body have this hash and size; otherwise replace them by `chunks`, which do.
    Equal octets have equal chunks, unless they were stored with other settings: comparing costs a tenth of writing.
    """
    bounds = chunk_id(body_id, 0), chunk_id(body_id + 1, 0)
    wanted = [(chunk.enc, chunk.check, chunk.data) for chunk in chunks]
    if tx.rows(STORED, *bounds) == wanted or _is_sound(tx, body_id, size, digest):
        return
    tx.execute(DROP_CHUNKS, *bounds)
    write_chunks(tx, body_id, 0, chunks)
    tx.after_commit(partial(tell_mended, body_id, tx.db.filename))


def tell_mended(body_id: BodyID, file: str) -> None:
    """Log that a damaged body was written anew."""
    logger.warning("damaged body mended", extra={"kv": {"file": file, "body": body_id}})


def write_chunks(tx: Tx, body_id: BodyID, seq: int, chunks: Iterable[Chunk], *, digest: bytes | None = None) -> None:
    """Write chunks of a body from number `seq` on, replacing existing ones. With `digest`, nothing is written if the
    body with that id has another hash by now.
    """
    if digest is not None and tx.row(STILL, body_id, digest) is None:
        return
    first = chunk_id(body_id, seq)
    tx.executemany(WRITE_CHUNK, [(first + n, one.enc, one.check, one.data) for n, one in enumerate(chunks)])


def unsound(r: Reader, digests: Iterable[bytes]) -> dict[bytes, BodyID]:
    """Find the stored bodies of these hashes whose octets are damaged; returns their ids by hash. Reads all octets: for
    a scan.
    """
    found: dict[bytes, BodyID] = {}
    for digest in digests:
        for body_id, size in r.rows(BODY, digest):
            if not _is_sound(r, body_id, size, digest):
                found[digest] = BodyID(body_id)
    return found


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
