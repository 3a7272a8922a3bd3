"""Entries that people deleted, kept for a time in table `resource_kept` so that they can come back (DAV-46). Programs
see nothing of them.
"""

from __future__ import annotations

from typing import Any, Final

from moxlite.store.file.transaction import Tx

KEPT: Final = 30 * 86_400_000_000
"""µs for which a deleted entry can come back."""

MAX_KEPT: Final = 5000
MAX_KEPT_OCTETS: Final = 20 << 20
"""Deleted entries of an account, and their octets; they count for no quota, so the oldest go."""

PURGE_ROWS: Final = 1000
"""Rows deleted in one unit."""

KEEP: Final = """
INSERT INTO resource_kept (kind, collection_id, collection_name, name, uid, component, title, starts, size, data,
removed)
SELECT ?2, ?1, ?3, r.name, r.uid, r.component, r.title, r.starts, r.size, d.data, ?4
FROM resource r JOIN resource_data d ON d.resource_id = r.id WHERE r.collection_id = ?1 AND (?5 = '' OR r.name = ?5)
AND r.id >= coalesce((SELECT id FROM resource WHERE collection_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?6), 0)
ORDER BY r.id"""
SIZES: Final = "SELECT id, size FROM resource_kept ORDER BY id DESC"
DROP: Final = "DELETE FROM resource_kept WHERE id <= ?"
BACK: Final = "DELETE FROM resource_kept WHERE kind = ? AND uid = ?"
PURGE: Final = "DELETE FROM resource_kept WHERE id IN (SELECT id FROM resource_kept WHERE removed <= ? LIMIT ?)"


def keep_entries(tx: Tx, kind: str, collection_id: int, shown: str, name: str = "") -> None:
    """Keep an entry that is about to be deleted by its user, or with "" all of a collection, whose name is `shown`."""
    tx.execute(KEEP, collection_id, kind, shown, tx.now, name, MAX_KEPT - 1)
    rows: list[Any] = tx.rows(SIZES)
    octets = 0
    for place, (number, size) in enumerate(rows):
        octets += size
        if place >= MAX_KEPT or octets > MAX_KEPT_OCTETS:
            tx.execute(DROP, number)
            return


def come_back(tx: Tx, kind: str, uid: str) -> None:
    """Note that an entry with this UID is there again."""
    tx.execute(BACK, kind, uid)


def purge_kept(tx: Tx) -> int:
    """Let entries go whose time is over, 1,000 at most; returns their number."""
    return int(tx.execute(PURGE, tx.now - KEPT, PURGE_ROWS))
