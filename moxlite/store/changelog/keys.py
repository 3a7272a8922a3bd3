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

RECENT: Final = "SELECT recent_keys FROM state WHERE id = 1"
LOOK: Final = "SELECT recent_keys, EXISTS (SELECT 1 FROM unit_key WHERE key = ?) FROM state WHERE id = 1"
SET_RECENT: Final = "UPDATE state SET recent_keys = ? WHERE id = 1"
ADD: Final = "INSERT INTO unit_key (key, created) VALUES (?, ?) ON CONFLICT DO NOTHING"
FREE: Final = "DELETE FROM unit_key WHERE key = ?"


def note_key(tx: Tx, key: bytes) -> bool:
    """Note the key of this unit; False: it is known, from an earlier one."""
    recent, known = _look(tx, key)
    if known:
        return False
    recent += packed([(key, tx.now)])
    if len(recent) > FULL:
        tx.executemany(ADD, _unpacked(recent))
        recent = b""
    tx.execute(SET_RECENT, recent)
    return True


def is_known(r: Reader, key: bytes) -> bool:
    """Whether an earlier unit had this key."""
    return _look(r, key)[1]


def _look(r: Reader, key: bytes) -> tuple[bytes, bool]:
    """The recent keys, packed, and whether an earlier unit had this key."""
    row = r.row(LOOK, key)
    assert row is not None  # the only one
    recent: bytes = row[0]
    # What looks like the key may be part of others.
    return recent, bool(row[1]) or (_with_length(key) in recent and any(key == one for one, _ in _unpacked(recent)))


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
    return _unpacked(r.value(RECENT))


def _unpacked(octets: bytes) -> list[tuple[bytes, int]]:
    found: list[tuple[bytes, int]] = []
    at = 0
    while at < len(octets):
        start = at + TIME + LENGTH
        end = start + int.from_bytes(octets[at + TIME : start], "big")
        found.append((octets[start:end], int.from_bytes(octets[at : at + TIME], "big")))
        at = end
    return found
