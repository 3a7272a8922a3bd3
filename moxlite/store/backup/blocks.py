"""The blocks of a repository: 64 KiB of a file each, stored once under the name of their content (STORE-183).

They are kept in packs (see `packs`), in one of these forms:

- whole: compressed by zstd;
- as a delta: compressed with another block as dictionary. A database changes a page of 4 KiB here and there, and each
  would bring 64 KiB: with the block that was in its place before, little more than the page is stored;
- sealed: whole, then encrypted (see `sealing`), in an encrypted repository.

The name is the SHA-256 of the plain block, or a keyed hash of it where blocks are sealed. Which blocks there are is
read from the indices of the packs, into a database in memory: 100 octets for a block.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import apsw
import zstandard

from moxlite.store.backup.errors import RepositoryError, StorageFailed
from moxlite.store.backup.packs import (
    PACK_SIZE,
    PACKS,
    Pack,
    PackWriter,
    Record,
    object_name,
    pack_sizes,
    read_indices,
)
from moxlite.store.backup.sealing import Opener, Sealer
from moxlite.store.backup.storage import Storage
from moxlite.store.file.transaction import Row

__all__ = ["BLOCK", "Blocks"]

logger = logging.getLogger("moxlite.store.backup.blocks")

BLOCK: Final = 64 << 10
"""Octets of a block: 16 pages. Smaller ones would make the manifests long, larger ones store more for each page."""

MAX_DEPTH: Final = 8
"""Deltas that one block may need: reading it takes that many reads more."""

DELTA_SHARE: Final = 2
"""A delta must be at most half of the whole form: else the block is better off alone."""

LEVEL: Final = 3
"""Bodies are compressed already, the rest is small (design-facts §2)."""

OPEN_PACKS: Final = 16
"""Packs held open for reading."""

REPACK_SHARE: Final = 4
"""A pack of whose octets one in so many is needed by no snapshot is written anew when pruning."""

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


class Blocks:
    """The blocks of a repository. For one thread at a time, and within `opened`.

    Args:
      storage: where its packs are. In a folder of another machine no block is stored as a delta: reading the block
        that was in its place would take a whole pack from there.
      sealer: encrypts what is put in, None for a plain repository.
      opener: decrypts, None when the identity is not at hand: then sealed blocks can only be looked for.
    """

    def __init__(self, storage: Storage, sealer: Sealer | None = None, opener: Opener | None = None) -> None:
        self._storage = storage
        self._sealer = sealer
        self._opener = opener
        self._compressor = zstandard.ZstdCompressor(level=LEVEL)
        self._decompressor = zstandard.ZstdDecompressor()
        self._index: apsw.Connection | None = None
        self._open: OrderedDict[int, Pack] = OrderedDict()
        self._writer: PackWriter | None = None
        self._writing = 0  # its number in the index
        self._sizes: dict[str, int] = {}  # of the packs that were there at the begin
        self.stored = 0
        """Octets written since `opened`."""
        self.damaged: list[str] = []
        """Packs whose index cannot be read: none of their blocks is known."""

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Read what there is; at the end forget it, and give up a pack that was not finished. Within itself it does
        nothing.

        Raises OSError.
        """
        if self._index is not None:
            yield
            return
        self._index = apsw.Connection(":memory:")
        try:
            self._load()
            yield
        finally:
            if self._writer is not None:
                self._writer.abandon()
                self._writer = None
            while self._open:
                self._open.popitem()[1].close()
            self._index.close()
            self._index = None

    def _load(self) -> None:
        db = self._db
        db.execute(SCHEMA).fetchall()
        self.stored, self.damaged = 0, []
        self._sizes = pack_sizes(self._storage)
        for name, records in read_indices(self._storage, self._sizes):
            if records is None:
                self.damaged.append(name)
                logger.warning("a pack is damaged", extra={"kv": {"pack": name}})
                continue
            number = self._number(name)
            with db:
                db.executemany(ADD_BLOCK, (_row(number, at, record) for at, record in records))

    @property
    def _db(self) -> apsw.Connection:
        assert self._index is not None, "blocks are used within `opened`"
        return self._index

    def _number(self, pack: str) -> int:
        row = self._db.execute(ADD_PACK, (pack,)).fetchone()
        assert row is not None
        return int(row[0])

    # Writing

    def begin(self) -> None:
        """Begin a snapshot: remove what one that was killed has left."""
        self._storage.make(PACKS)
        self._storage.clean(PACKS)

    def put(self, block: bytes, base: bytes | None = None) -> bytes:
        """Store a block if it is new; its name. `base` names the block which was in its place before. Raises OSError,
        BackupError.
        """
        name = self.name_of(block)
        if not self.has(name):
            record, data = self._encode(name, block, base)
            self._add(record, data)
        return name

    def _add(self, record: Record, data: bytes) -> None:
        if self._writer is None:
            self._writer = PackWriter(self._storage)
            self._writing = self._number(self._writer.name)
        at = self._writer.add(record, data)
        self._db.execute(ADD_BLOCK, _row(self._writing, at, record))
        if self._writer.full:
            self._finish_pack()

    def _finish_pack(self) -> None:
        if self._writer is not None:
            try:
                self.stored += self._writer.finish()
            except OSError as error:
                if self._storage.folder is None:
                    raise StorageFailed(str(error.strerror)) from error
                raise
            self._writer = None

    def finish(self) -> None:
        """Make all that was put durable. Raises OSError: some of it may be lost."""
        self._finish_pack()

    def name_of(self, block: bytes) -> bytes:
        """The name that a block has."""
        if self._sealer is not None:
            return hmac.digest(self._sealer.name_key, block, "sha256")
        return hashlib.sha256(block).digest()

    def _encode(self, name: bytes, block: bytes, base: bytes | None) -> tuple[Record, bytes]:
        whole = self._compressor.compress(block)
        if self._sealer is not None:
            whole = self._sealer.seal(whole)
        elif base is not None and self._storage.folder is not None:
            depth, plain = self._base(base)
            if depth < MAX_DEPTH:
                delta = _with(plain).compress(block)
                if len(delta) * DELTA_SHARE <= len(whole):
                    return Record(name, len(delta), depth + 1, base), delta
        return Record(name, len(whole)), whole

    def _base(self, name: bytes) -> tuple[int, bytes]:
        """As `_read`; too deep for another delta when it cannot be had."""
        try:
            depth, block = self._read(name)
        except RepositoryError:
            return MAX_DEPTH, b""
        return (depth, block) if self.name_of(block) == name else (MAX_DEPTH, b"")

    # Reading

    def get(self, name: bytes) -> bytes:
        """A block. Raises RepositoryError when it is missing or damaged, or cannot be decrypted."""
        block = self._read(name)[1]
        if self.name_of(block) != name:
            raise RepositoryError(f"block {name.hex()} has other octets than its name says")
        return block

    def has(self, name: bytes) -> bool:
        """Whether there is a block of that name."""
        return self._db.execute(HAS, (name,)).fetchone() is not None

    def names(self) -> Iterator[bytes]:
        """Names of all blocks, pack by pack. The copy of a pack is given up once all its names were taken."""
        before: tuple[int, str] | None = None
        rows: Iterable[Row] = self._db.execute(PLACES)
        for name, number, pack in rows:
            if before is not None and number != before[0]:
                self._close(*before)
            before = number, pack
            yield name

    def whole(self, name: bytes) -> bool:
        """Whether a block, and all that it needs, is there; nothing is read."""
        for _ in range(MAX_DEPTH + 1):
            row: Row | None = self._db.execute(FIND, (name,)).fetchone()
            if row is None:
                return False
            if not row[-1]:
                return True
            name = row[-1]
        return False

    def _read(self, name: bytes, above: int = 0) -> tuple[int, bytes]:
        """How many deltas are behind a block, and the block."""
        row: Row | None = self._db.execute(FIND, (name,)).fetchone()
        if row is None:
            raise RepositoryError(f"block {name.hex()} is missing")
        number, pack, at, length, depth, base = row
        if above > MAX_DEPTH:
            raise RepositoryError(f"block {name.hex()} needs too many others")
        try:
            data = self._pack(number, pack).read(at, length)
        except OSError as error:
            raise self._fault(f"block {name.hex()}", error) from error
        if self._sealer is not None:
            if self._opener is None:
                raise RepositoryError("the repository is encrypted: an identity is needed")
            data = self._opener.open(data)
        dictionary = self._read(base, above + 1)[1] if base else None
        try:
            return depth, _decompressor(dictionary, self._decompressor).decompress(data, max_output_size=BLOCK)
        except zstandard.ZstdError as error:
            raise RepositoryError(f"block {name.hex()} is damaged: {error}") from error

    def _pack(self, number: int, name: str) -> Pack | PackWriter:
        if self._writer is not None and number == self._writing:
            return self._writer
        if number not in self._open:
            if len(self._open) >= OPEN_PACKS:
                self._open.popitem(last=False)[1].close()
            self._open[number] = Pack(self._storage, name)
        self._open.move_to_end(number)
        return self._open[number]

    def _close(self, number: int, name: str) -> None:
        """Give up a pack that was read."""
        if number in self._open:
            self._open.pop(number).close()
        self._storage.release(object_name(name))

    def _fault(self, what: str, error: OSError) -> RepositoryError:
        """The error of a pack that cannot be read. Raises the OSError where that tells nothing about the pack: the
        connection with another machine failed, or this one has no room for a copy.
        """
        if self._storage.folder is None and not isinstance(error, FileNotFoundError):
            raise error
        return RepositoryError(f"{what}: {error.strerror}")

    # Removing

    def use(self, names: Iterable[bytes]) -> None:
        """Some blocks are needed: for `sweep`."""
        with self._db:
            self._db.executemany(USE, ((name,) for name in names))

    def sweep(self) -> tuple[int, int]:
        """Remove all blocks but those in `use` and what they need, as far as it is worth the writing; by how many
        blocks and octets there are fewer. A pack that is damaged stays.

        Raises OSError: nothing that is needed was removed.
        """
        db = self._db
        self._storage.clean(PACKS)
        db.execute(USE_BASES)
        while db.changes():
            db.execute(USE_BASES)
        blocks = octets = 0
        copied: list[str] = []
        packs: list[Row] = db.execute(NEEDED).fetchall()
        for number, name, count, needed, needed_octets in packs:
            size = self._sizes[name]
            if (size - needed_octets) * REPACK_SHARE < size:
                continue
            try:
                self._copy(number, name)
            except RepositoryError as error:
                logger.warning("a pack cannot be written anew", extra={"kv": {"err": str(error)}})
                continue
            blocks += count - needed
            octets += size
            copied.append(name)
            if self._writer is None or self._writer.end >= PACK_SIZE // 2:
                self._replace(copied)
        self._replace(copied)
        return blocks, octets - self.stored

    def _copy(self, number: int, name: str) -> None:
        """Add the needed blocks of a pack to others. Raises RepositoryError: it cannot be read; OSError."""
        rows: list[Row] = self._db.execute(USED, (number,)).fetchall()
        for block, length, depth, base, at in rows:
            try:
                data = self._pack(number, name).read(at, length)
            except OSError as error:
                raise self._fault(f"pack {name}", error) from error
            if len(data) != length:
                raise RepositoryError(f"pack {name} is cut short")
            self._add(Record(block, length, depth, base), data)

    def _replace(self, copied: list[str]) -> None:
        """Remove packs all needed blocks of which were added to others."""
        self.finish()
        self._storage.remove(map(object_name, copied))
        copied.clear()


def _row(pack: int, at: int, record: Record) -> tuple[bytes, int, int, int, int, bytes]:
    return record.name, pack, at, record.length, record.depth, record.base


def _decompressor(base: bytes | None, plain: zstandard.ZstdDecompressor) -> zstandard.ZstdDecompressor:
    return plain if base is None else zstandard.ZstdDecompressor(dict_data=_dictionary(base))


def _dictionary(base: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _with(base: bytes) -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(level=LEVEL, dict_data=_dictionary(base))
