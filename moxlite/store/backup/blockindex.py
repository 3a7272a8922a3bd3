"""Which blocks the packs of a repository have: a database in memory, 100 octets for a block. No file is read here."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import apsw

from moxlite.store.backup.packs import Record
from moxlite.store.file.transaction import Row

MAX_DEPTH: Final = 8
"""Deltas that one block may need: reading it takes that many reads more."""

SCHEMA: Final = """
CREATE TABLE pack (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
CREATE TABLE block (name BLOB PRIMARY KEY, pack INTEGER NOT NULL, at INTEGER NOT NULL, length INTEGER NOT NULL,
depth INTEGER NOT NULL, base BLOB NOT NULL, used INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID"""
ADD_PACK: Final = "INSERT INTO pack (name) VALUES (?) RETURNING id"
# Twice in packs is what was being moved by `sweep` in a process that was killed.
ADD_BLOCK: Final = """
INSERT INTO block (name, pack, at, length, depth, base) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET pack = excluded.pack, at = excluded.at, length = excluded.length, depth = excluded.depth,
base = excluded.base"""
HAS: Final = "SELECT 1 FROM block WHERE name = ?"
FIND: Final = """
SELECT p.id, p.name, b.at, b.length, b.depth, b.base FROM block b JOIN pack p ON p.id = b.pack WHERE b.name = ?"""
PLACES: Final = "SELECT b.name, p.id, p.name FROM block b JOIN pack p ON p.id = b.pack ORDER BY b.pack, b.at"
USE: Final = "UPDATE block SET used = 1 WHERE name = ? AND NOT used"
USE_BASES: Final = """
UPDATE block SET used = 1 WHERE NOT used AND name IN (SELECT base FROM block WHERE used AND base <> x'')"""
NEEDED: Final = """
SELECT p.id, p.name, count(b.name), coalesce(sum(b.used), 0), coalesce(sum(b.length) FILTER (WHERE b.used), 0) AS octets
FROM pack p LEFT JOIN block b ON b.pack = p.id GROUP BY p.id ORDER BY octets"""
USED: Final = "SELECT name, length, depth, base, at FROM block WHERE pack = ? AND used ORDER BY at"


class Place(NamedTuple):
    """Where a block is: the pack by its number and name, the octets in it, and the block that it is a delta of, b""
    for a whole one. `depth`: deltas that are behind it.
    """

    number: int
    pack: str
    at: int
    length: int
    depth: int
    base: bytes


class Need(NamedTuple):
    """How much of a pack is needed: blocks and octets."""

    number: int
    pack: str
    blocks: int
    needed: int
    octets: int


class BlockIndex:
    """The blocks that are known. For one thread at a time."""

    def __init__(self) -> None:
        self._db = apsw.Connection(":memory:")
        self._db.execute(SCHEMA).fetchall()

    def close(self) -> None:
        """Forget all."""
        self._db.close()

    def add_pack(self, name: str) -> int:
        """Note a pack; its number."""
        row = self._db.execute(ADD_PACK, (name,)).fetchone()
        assert row is not None
        return int(row[0])

    def add(self, number: int, records: Iterable[tuple[int, Record]]) -> None:
        """Note blocks of a pack, each with its place in it."""
        with self._db:
            self._db.executemany(ADD_BLOCK, (_row(number, at, record) for at, record in records))

    def has(self, name: bytes) -> bool:
        """Whether there is a block of that name."""
        return self._db.execute(HAS, (name,)).fetchone() is not None

    def find(self, name: bytes) -> Place | None:
        """Where a block is; None without one of that name."""
        row: Row | None = self._db.execute(FIND, (name,)).fetchone()
        return None if row is None else Place(*row)

    def some(self, chosen: random.Random, count: int) -> list[bytes]:
        """The names of so many blocks at most, of one pack that `chosen` chooses."""
        packs: list[Row] = self._db.execute("SELECT DISTINCT pack FROM block").fetchall()
        if not packs:
            return []
        rows: list[Row] = self._db.execute("SELECT name FROM block WHERE pack = ?", chosen.choice(packs)).fetchall()
        return [row[0] for row in chosen.sample(rows, min(count, len(rows)))]

    def whole(self, name: bytes) -> bool:
        """Whether a block, and all that it needs, is there."""
        for _ in range(MAX_DEPTH + 1):
            place = self.find(name)
            if place is None:
                return False
            if not place.base:
                return True
            name = place.base
        return False

    def places(self) -> Iterator[tuple[bytes, int, str]]:
        """Name, number of the pack and its name of each block, pack by pack."""
        rows: Iterable[Row] = self._db.execute(PLACES)
        yield from rows

    def use(self, names: Iterable[bytes]) -> None:
        """Mark blocks as needed."""
        with self._db:
            self._db.executemany(USE, ((name,) for name in names))

    def needs(self) -> list[Need]:
        """How much of each pack is needed by the marked blocks, the least first."""
        self._db.execute(USE_BASES)
        while self._db.changes():
            self._db.execute(USE_BASES)
        rows: Iterable[Row] = self._db.execute(NEEDED)
        return [Need(*row) for row in rows]

    def needed(self, number: int) -> list[tuple[int, Record]]:
        """The needed blocks of a pack, in its order, each with its place."""
        rows: list[Row] = self._db.execute(USED, (number,)).fetchall()
        return [(at, Record(name, length, depth, base)) for name, length, depth, base, at in rows]


def _row(pack: int, at: int, record: Record) -> tuple[bytes, int, int, int, int, bytes]:
    return record.name, pack, at, record.length, record.depth, record.base
