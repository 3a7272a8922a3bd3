"""Idempotency keys of units (STORE-189).

A key is random: in a table of its own, each one costs a page in the log. So the newest are in the row `state`, which
each message changes anyway, until there is nearly a page of them; then they go to `unit_key` together.
"""

from __future__ import annotations

from typing import Final

from moxlite.store.file.transaction import Reader, Tx

FULL: Final = 2_800
"""Octets of recent keys above which they go to `unit_key`: the row must not become longer than a page."""

TIME: Final = 8
LENGTH: Final = 2
"""Octets before each recent key: the time of its unit in µs UTC, and its length."""

# ?1 a key with its length, ?2 the key
KNOWN: Final = """
SELECT instr(recent_keys, ?1), EXISTS (SELECT 1 FROM unit_key WHERE key = ?2) FROM state WHERE id = 1"""
RECENT: Final = "SELECT recent_keys FROM state WHERE id = 1"
# ?1 a key with its time and length, ?2 with its length, ?3 the key. What is joined is text in SQLite.
NOTE: Final = """
UPDATE state SET recent_keys = CAST(recent_keys || ?1 AS BLOB)
WHERE id = 1 AND instr(recent_keys, ?2) = 0 AND NOT EXISTS (SELECT 1 FROM unit_key WHERE key = ?3)
RETURNING length(recent_keys)"""
ADD_RECENT: Final = """
UPDATE state SET recent_keys = CAST(recent_keys || ? AS BLOB) WHERE id = 1 RETURNING length(recent_keys)"""
SET_RECENT: Final = "UPDATE state SET recent_keys = ? WHERE id = 1"
ADD: Final = "INSERT INTO unit_key (key, created) VALUES (?, ?) ON CONFLICT DO NOTHING"
FREE: Final = "DELETE FROM unit_key WHERE key = ?"


def note_key(tx: Tx, key: bytes) -> bool:
    """Note the key of this unit; False: it is known, from an earlier one."""
    end = _with_length(key)
    new = tx.now.to_bytes(TIME, "big") + end
    row = tx.row(NOTE, new, end, key)
    if row is None:
        if is_known(tx, key):
            return False
        # What looked like the key was part of others.
        row = tx.row(ADD_RECENT, new)
    assert row is not None  # the only one
    if row[0] > FULL:
        tx.executemany(ADD, recent_keys(tx))
        tx.execute(SET_RECENT, b"")
    return True


def is_known(r: Reader, key: bytes) -> bool:
    """Whether an earlier unit had this key."""
    row = r.row(KNOWN, _with_length(key), key)
    assert row is not None  # the only one
    return bool(row[1] or (row[0] and any(key == known for known, _ in recent_keys(r))))


def free_key(tx: Tx, key: bytes) -> bool:
    """Forget a key, so that another unit may have it; False: it is not known."""
    found = recent_keys(tx)
    kept = [one for one in found if one[0] != key]
    if len(kept) < len(found):
        tx.execute(SET_RECENT, packed(kept))
        return True
    return tx.execute(FREE, key) > 0


def forget_recent(tx: Tx, until: int) -> int:
    """Forget recent keys of units before `until` (µs UTC); returns their number."""
    found = recent_keys(tx)
    kept = [one for one in found if one[1] >= until]
    if len(kept) < len(found):
        tx.execute(SET_RECENT, packed(kept))
    return len(found) - len(kept)


def _with_length(key: bytes) -> bytes:
    return len(key).to_bytes(LENGTH, "big") + key


def packed(keys: list[tuple[bytes, int]]) -> bytes:
    """The octets in which `recent_keys` finds these."""
    return b"".join([created.to_bytes(TIME, "big") + _with_length(key) for key, created in keys])


def recent_keys(r: Reader) -> list[tuple[bytes, int]]:
    """The recent keys, each with the time of its unit, the oldest first."""
    octets: bytes = r.value(RECENT)
    found: list[tuple[bytes, int]] = []
    at = 0
    while at < len(octets):
        start = at + TIME + LENGTH
        end = start + int.from_bytes(octets[at + TIME : start], "big")
        found.append((octets[start:end], int.from_bytes(octets[at : at + TIME], "big")))
        at = end
    return found
