"""Rows for IMAP's FETCH: any set of columns of a message and of its other tables, in one statement (STORE-51).

A removed message whose removal a session has not received yet is read from its tombstone (STORE-36): the same columns,
as far as a tombstone has them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.types import Structure, decode_structure
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.body import CHUNK_SIZE, CompressedChunks, decode_chunk
from moxlite.store.errors import ChunkDamaged
from moxlite.store.file.transaction import Reader, Row, int_array, portion
from moxlite.store.rows.messages import EMAIL_ID, SLICE
from moxlite.store.types import CHUNK_BITS, MailboxID, chunk_id

Column: TypeAlias = Literal[
    "modseq",
    "received",
    "received_offset",
    "size",
    "savedate",
    "email_id",
    "threadid",
    "envelope",
    "bodystructure",
    "header",
    "preview",
    "structure",
    "prefix",
]

FIXED: Final = ("uid", "flags", "keywords")
"""First columns of every row."""

IDS: Final = ("message_id", "body_id")
"""Next columns of a row, unless they are not wanted; the requested columns follow."""

_BESIDE: Final[dict[Column, str]] = {
    "envelope": "message_info",
    "bodystructure": "message_info",
    "header": "message_header",
    "preview": "message_info",
    "structure": "message_info",
    "prefix": "message_info",
}
_LARGE: Final = ("envelope", "bodystructure", "header", "structure")
"""Columns that may have a megabyte each."""

_ALIAS: Final = {"message_header": "h", "message_info": "i"}
# Columns that a tombstone lacks: the date of saving; the email_id is in its row of `erase_queue`.
_OF_TOMBSTONE: Final[dict[Column, str]] = {"savedate": "NULL", "email_id": "q.email_id"}


@lru_cache(maxsize=256)  # clients ask for few combinations; a statement is some 500 octets
def _statements(columns: tuple[Column, ...], ids: bool) -> tuple[str, str, str]:
    """Compose the SELECTs of a range of UIDs, of an array of UIDs, and of tombstones."""
    tables = list(dict.fromkeys(_BESIDE[name] for name in columns if name in _BESIDE))
    names = [f"{_ALIAS[_BESIDE[name]]}.{name}" if name in _BESIDE else f"m.{name}" for name in columns]
    joins = "".join(f" CROSS JOIN {t} {_ALIAS[t]} ON {_ALIAS[t]}.email_id = m.email_id" for t in tables)
    head = ", ".join(["m.uid, m.flags, m.keywords", *(["m.id, m.body_id"] if ids else []), *names])
    gone = [
        f"{_ALIAS[_BESIDE[name]]}.{name}" if name in _BESIDE else _OF_TOMBSTONE.get(name, f"e.{name}")
        for name in columns
    ]
    gone_joins = ""
    if tables or "email_id" in columns:
        gone_joins = " CROSS JOIN erase_queue q ON q.mailbox_id = e.mailbox_id AND q.uid = e.uid"
        gone_joins += joins.replace("m.email_id", "q.email_id")
    gone_head = ", ".join(["e.uid, e.flags, e.keywords", *(["e.message_id, e.body_id"] if ids else []), *gone])
    return (
        f"""SELECT {head} FROM message m{joins}
        WHERE m.mailbox_id = ?1 AND m.uid BETWEEN ?2 AND ?3 AND m.modseq > ?4 ORDER BY m.uid""",  # noqa: S608 - constants
        f"""SELECT {head} FROM carray(?2) c CROSS JOIN message m ON m.mailbox_id = ?1 AND m.uid = c.value{joins}
        WHERE m.modseq > ?3""",  # noqa: S608
        f"""SELECT {gone_head} FROM carray(?2) c CROSS JOIN expunged e
        ON e.mailbox_id = ?1 AND e.uid = c.value{gone_joins} WHERE e.body_id IS NOT NULL""",  # noqa: S608
    )


def slice_of(columns: Sequence[Column]) -> int:
    """Number of messages that are read at once on the loop (STORE-3); twice as many if only narrow rows of ``message``
    are read.
    """
    return SLICE if any(name in _BESIDE for name in columns) else 2 * SLICE


def fetch_rows(
    r: Reader,
    mailbox_id: MailboxID,
    uids: array[int],
    columns: tuple[Column, ...],
    *,
    since: int | None = None,
    ids: bool = True,
) -> tuple[list[Row], list[Row], array[int]]:
    """Read FIXED, IDS and `columns` of messages, by ascending UID, as many as make a portion; returns rows of messages
    in the mailbox, rows of messages removed but not erased, and the UIDs that are left to be read.

    Args:
      uids: ascending, at most a slice (`slice_of`).
      ids: False leaves IDS out.
      since: only messages with a modseq above it; removed ones are then left out.
    """
    if not uids:
        return [], [], uids
    by_range, by_array, removed = _statements(columns, ids)
    first, last, floor = uids[0], uids[-1], since or 0
    at = len(FIXED) + (len(IDS) if ids else 0)
    large = [at + index for index, name in enumerate(columns) if name in _LARGE]
    # In a range with few gaps one walk by the index is cheaper than a look-up for each UID. What was not asked for is
    # left out here.
    if last - first < 2 * len(uids):
        found = r.iterate(by_range, mailbox_id, first, last, floor)
        if last - first + 1 != len(uids):
            wanted = frozenset(uids)
            found = (row for row in found if row[0] in wanted)
    else:
        found = r.iterate(by_array, mailbox_id, int_array(uids), floor)
    rows, more = portion(found, large)
    read = uids[: bisect_right(uids, rows[-1][0])] if more else uids
    if since is not None or len(rows) == len(read):
        return rows, [], uids[len(read) :]
    # Asked for second, and only for what is missing: nearly always nothing is.
    there = {row[0] for row in rows}
    missing = int_array([uid for uid in read if uid not in there])
    gone, more = portion(r.iterate(removed, mailbox_id, missing), large)
    if more:
        read = read[: bisect_right(read, gone[-1][0])]
        rows = [row for row in rows if row[0] <= read[-1]]
    return rows, gone, uids[len(read) :]


CHUNKS: Final = f"""
SELECT c.enc, c.digest, c.data FROM carray(?) v LEFT JOIN body_chunk c ON c.id = v.value << {CHUNK_BITS}"""  # noqa: S608 - a constant
CHUNKS_BETWEEN: Final = f"""
SELECT enc, digest, data FROM body_chunk WHERE id BETWEEN ? AND ? AND id & {(1 << CHUNK_BITS) - 1} = 0 ORDER BY id"""  # noqa: S608
ALL_CHUNKS: Final = "SELECT enc, digest, data FROM body_chunk WHERE id BETWEEN ? AND ? ORDER BY id"
SET_PREVIEW: Final = f"UPDATE message_info SET preview = ?2 WHERE email_id = {EMAIL_ID} AND preview IS NULL"  # noqa: S608 - a constant


class StoredBodies:
    """Bodies in their stored form; `decompress` may run in any thread, `plain` comes after it."""

    __slots__ = ("_packed", "_sizes", "decompress")

    def __init__(self, sizes: Sequence[int], rows: Sequence[Row]) -> None:
        """Take the size of each body in octets, and for each the row (``enc``, check, octets) of its first chunk, all
        None if the chunk is missing.
        """
        encs, checks, data = zip(*rows, strict=True)
        self._sizes = sizes
        self._packed = CompressedChunks(encs, checks, data, sizes)
        self.decompress = self._packed.decompress

    def plain(self) -> list[bytes | memoryview | None]:
        """Return the octets of each body; None if it is damaged, missing or longer than a chunk."""
        plain = self._packed.plain()
        if 0 in self._sizes:  # an empty body has no chunk
            return [octets if size else b"" for octets, size in zip(plain, self._sizes, strict=True)]
        return plain


def stored_bodies(r: Reader, ids: Sequence[int], sizes: Sequence[int]) -> list[Row]:
    """Read the rows for `StoredBodies`, for at least one body with these ids and sizes. A body longer than a chunk gets
    a row of None.
    """
    if max(sizes) > CHUNK_SIZE:
        ids = [body_id if size <= CHUNK_SIZE else 0 for body_id, size in zip(ids, sizes, strict=True)]
    elif ids[-1] - ids[0] == len(ids) - 1 and tuple(ids) == tuple(range(ids[0], ids[-1] + 1)):  # consecutive ids
        rows = r.rows(CHUNKS_BETWEEN, chunk_id(ids[0], 0), chunk_id(ids[-1], 0))
        if len(rows) == len(ids):
            return rows
    return r.rows(CHUNKS, int_array(ids))


def small_bodies(r: Reader, bodies: Sequence[tuple[int, int]]) -> dict[int, bytes]:
    """Read bodies of at most a chunk each, by body id; a damaged or missing one is left out.

    Args:
      bodies: pairs of body id and size in octets.
    """
    if not bodies:
        return {}
    ids, sizes = zip(*bodies, strict=True)
    stored = StoredBodies(sizes, stored_bodies(r, ids, sizes))
    stored.decompress()
    return {body_id: bytes(octets) for body_id, octets in zip(ids, stored.plain(), strict=True) if octets is not None}


def check_content(r: Reader, body_id: int, size: int) -> bool:
    """Whether a whole body can be read. For a scan, before any of it is announced to a client."""
    seq = 0
    for enc, digest, data in r.iterate(ALL_CHUNKS, chunk_id(body_id, 0), chunk_id(body_id, size // CHUNK_SIZE)):
        try:
            decode_chunk(enc, digest, data, min(CHUNK_SIZE, size - seq * CHUNK_SIZE))
        except ChunkDamaged:
            return False
        seq += 1
    return seq == -(-size // CHUNK_SIZE)


def set_preview(tx: AccountTx, message_id: int, preview: str) -> None:
    """Store a preview that was made on demand (STORE-58). It is derived data, so no modseq is used."""
    tx.execute(SET_PREVIEW, message_id, preview)


def structure_of(packed: bytes) -> Structure:
    """Decode the MIME index of a message from its column. Raises ChunkDamaged (STORE-159)."""
    try:
        return decode_structure(packed)
    except msgspec.DecodeError as error:
        raise ChunkDamaged(f"can't read the message structure: {error}") from error


def section_of(header: bytes, packed: bytes) -> HeaderSection:
    """A stored header section, raw 8-bit text of which is read by the charset of the message's texts: `packed` is the
    column of its MIME index, without which it still can be read.
    """
    hint = ""
    if not header.isascii():
        with suppress(ChunkDamaged):
            hint = structure_of(packed).root.hint
    return HeaderSection(header, hint=hint)
