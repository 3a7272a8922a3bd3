"""Entries that people deleted, kept for a time in table `resource_kept` so that they can come back (DAV-46). Programs
see nothing of them.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader, Tx

KEPT: Final = 30 * 86_400_000_000
"""µs for which a deleted entry can come back."""

MAX_KEPT: Final = 5000
MAX_KEPT_OCTETS: Final = 20 << 20
"""Deleted entries of an account, and their octets; they count for no quota, so the oldest go."""

PURGE_ROWS: Final = 1000
"""Rows deleted in one unit."""

_COLUMNS: Final = "id, kind, collection_id, collection_name, name, component, title, starts, removed"
KEEP: Final = """
INSERT INTO resource_kept (kind, collection_id, collection_name, name, uid, component, title, starts, size, data,
removed)
SELECT ?2, ?1, ?3, r.name, r.uid, r.component, r.title, r.starts, r.size, d.data, ?4
FROM resource r JOIN resource_data d ON d.resource_id = r.id WHERE r.collection_id = ?1 AND (r.name = ?5 OR ?5 = ''
AND r.id >= coalesce((SELECT id FROM resource WHERE collection_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?6), 0)
AND r.id > coalesce((SELECT id FROM (SELECT id, sum(size) OVER (ORDER BY id DESC) AS octets
FROM resource WHERE collection_id = ?1) WHERE octets > ?7 ORDER BY id DESC LIMIT 1), 0))
ORDER BY r.id"""
"""Of a whole collection only what will stay is copied: it may have the size of the account."""

SIZES: Final = "SELECT id, size FROM resource_kept ORDER BY id DESC"
DROP: Final = "DELETE FROM resource_kept WHERE id <= ?"
BACK: Final = "DELETE FROM resource_kept WHERE kind = ? AND uid = ?"
LIST: Final = f"""
SELECT {_COLUMNS} FROM resource_kept WHERE kind = ? AND removed > ? ORDER BY removed DESC, id DESC LIMIT ?"""  # noqa: S608 column names
ONE: Final = f"SELECT {_COLUMNS}, data FROM resource_kept WHERE id = ?"  # noqa: S608 column names
PURGE: Final = "DELETE FROM resource_kept WHERE id IN (SELECT id FROM resource_kept WHERE removed <= ? LIMIT ?)"


class NotKept(StoreError):
    """A deleted entry that is no longer there."""

    def __init__(self) -> None:
        super().__init__("this was already restored or permanently deleted")


class KeptEntry(msgspec.Struct, frozen=True):
    """A deleted entry. `collection_id`, `collection_name`: where it was, which may be gone. `starts`: seconds UTC of
    its first moment; `removed`: µs UTC.
    """

    id: int
    kind: str
    collection_id: int
    collection_name: str
    name: str
    component: str
    title: str
    starts: int | None
    removed: int


def keep_entries(tx: Tx, kind: str, collection_id: int, shown: str, name: str = "") -> None:
    """Keep an entry that is about to be deleted by its user, or with "" all of a collection, whose name is `shown`."""
    # At most so many are copied that all of them may stay: else the copy of a large collection would go again in this
    # unit.
    tx.execute(KEEP, collection_id, kind, shown, tx.now, name, MAX_KEPT - 1, MAX_KEPT_OCTETS)
    rows: list[Any] = tx.rows(SIZES)
    octets = 0
    for place, (number, size) in enumerate(rows):
        # From the newest on: the first that is too many goes, with all that are older.
        octets += size
        if place >= MAX_KEPT or octets > MAX_KEPT_OCTETS:
            tx.execute(DROP, number)
            return


def kept_entries(r: Reader, kind: str, now: int, limit: int) -> list[KeptEntry]:
    """Deleted entries of a kind that can come back at `now`, µs UTC, the last one first."""
    return [KeptEntry(*row) for row in r.rows(LIST, kind, now - KEPT, limit)]


def kept_entry(r: Reader, number: int) -> tuple[KeptEntry, bytes]:
    """A deleted entry with its octets. Raises NotKept."""
    row = r.row(ONE, number)
    if row is None:
        raise NotKept
    return KeptEntry(*row[:-1]), bytes(row[-1])


def come_back(tx: Tx, kind: str, uid: str) -> None:
    """Note that an entry with this UID is there again."""
    tx.execute(BACK, kind, uid)


def purge_kept(tx: Tx) -> int:
    """Let entries go whose time is over, 1,000 at most; returns their number."""
    return int(tx.execute(PURGE, tx.now - KEPT, PURGE_ROWS))
