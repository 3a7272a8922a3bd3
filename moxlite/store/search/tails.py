"""Tails of stored texts: octets kept in a row of their own, so that the rows fill the pages of the file (STORE-110).

A mail of 5 kB has a compressed text of 2.3 kB. A leaf of SQLite's B-tree has room for one such row, and leaves 1.7 kB
unused: four tenths of `search.db` were empty (measured). With a tail of 1 kB, of which a leaf takes four, three of the
remaining rows share a leaf.
"""

from __future__ import annotations

from typing import Final

TAIL: Final = 1_000
"""Octets of a tail: four of them fill a leaf, with 10 octets each for the row."""

LEAF: Final = 4_050
"""Octets of a text in a leaf, at most: SQLite's limit of 4,061 for a row on pages of 4,096, less the row's other
columns (https://www.sqlite.org/fileformat2.html#cell_payload_overflow_pages).
"""

HALF: Final = 2_020
"""Octets of a text of which a leaf takes two."""

LEAST: Final = 480
"""Octets in the leaf of a longer text whose other octets fill overflow pages completely."""

OVERFLOW: Final = 4_092
"""Octets of a text in an overflow page."""


def cut(data: bytes) -> tuple[bytes, bytes]:
    """The octets for the row of a text, and its tail, which is b"" if the row alone wastes no more room."""
    local = _in_leaf(len(data))
    return (data[:-TAIL], data[-TAIL:]) if HALF < local <= HALF + TAIL else (data, b"")


def _in_leaf(size: int) -> int:
    """Octets that SQLite keeps in the leaf."""
    if size <= LEAF:
        return size
    left = LEAST + (size - LEAST) % OVERFLOW
    return left if left <= LEAF else LEAST
