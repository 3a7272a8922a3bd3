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
from pathlib import Path
from typing import Final

import apsw
import zstandard

from moxlite.store.backup.copying import sync_folder
from moxlite.store.backup.errors import RepositoryError
from moxlite.store.backup.packs import (
    PACK_SIZE,
    Pack,
    PackWriter,
    Record,
    pack_names,
    pack_path,
    read_index,
    remove_unfinished,
)
from moxlite.store.backup.sealing import Opener, Sealer
from moxlite.store.file.transaction import Row

__all__ = ["BLOCK", "PACKS", "Blocks"]

logger = logging.getLogger("moxlite.store.backup.blocks")

BLOCK: Final = 64 << 10
"""Octets of a block: 16 pages. Smaller ones would make the manifests long, larger ones store more for each page."""

PACKS: Final = "packs"
"""The folder of packs in a repository."""

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
PLACES: Final = "SELECT name FROM block ORDER BY pack, at"
USE: Final = "UPDATE block SET used = 1 WHERE name = ? AND NOT used"
USE_BASES: Final = """
UPDATE block SET used = 1 WHERE NOT used AND name IN (SELECT base FROM block WHERE used AND base <> x'')"""
NEEDED: Final = """
SELECT p.id, p.name, count(b.name), coalesce(sum(b.used), 0), coalesce(sum(b.length) FILTER (WHERE b.used), 0) AS octets
FROM pack p LEFT JOIN block b ON b.pack = p.id GROUP BY p.id ORDER BY octets"""
USED: Final = "SELECT name, length, depth, base, at FROM block WHERE pack = ? AND used ORDER BY at"


class Blocks:
    """The blocks of the repository `repo`. For one thread at a time, and within `opened`.

    Args:
      sealer: encrypts what is put in, None for a plain repository.
      opener: decrypts, None when the identity is not at hand: then sealed blocks can only be looked for.
    """

    def __init__(self, repo: Path, sealer: Sealer | None = None, opener: Opener | None = None) -> None:
        self._folder = repo / PACKS
        self._sealer = sealer
        self._opener = opener
        self._compressor = zstandard.ZstdCompressor(level=LEVEL)
        self._decompressor = zstandard.ZstdDecompressor()
        self._index: apsw.Connection | None = None
        self._open: OrderedDict[int, Pack] = OrderedDict()
        self._writer: PackWriter | None = None
        self._writing = 0  # its number in the index
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
        for name in pack_names(self._folder):
            number = self._number(name)
            with db:
                try:
                    db.executemany(
                        ADD_BLOCK, (_row(number, at, record) for at, record in read_index(self._folder, name))
                    )
                except RepositoryError as error:
                    self.damaged.append(name)
                    logger.warning("a pack cannot be used", extra={"kv": {"err": str(error)}})

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
        self._folder.mkdir(exist_ok=True)
        remove_unfinished(self._folder)

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
            self._writer = PackWriter(self._folder)
            self._writing = self._number(self._writer.name)
        at = self._writer.add(record, data)
        self._db.execute(ADD_BLOCK, _row(self._writing, at, record))
        if self._writer.full:
            self._finish_pack()

    def _finish_pack(self) -> None:
        if self._writer is not None:
            self.stored += self._writer.finish()
            self._writer = None

    def finish(self) -> None:
        """Make all that was put durable. Raises OSError: some of it may be lost."""
        self._finish_pack()
        sync_folder(self._folder)

    def name_of(self, block: bytes) -> bytes:
        """The name that a block has."""
        if self._sealer is not None:
            return hmac.digest(self._sealer.name_key, block, "sha256")
        return hashlib.sha256(block).digest()

    def _encode(self, name: bytes, block: bytes, base: bytes | None) -> tuple[Record, bytes]:
        whole = self._compressor.compress(block)
        if self._sealer is not None:
            whole = self._sealer.seal(whole)
        elif base is not None:
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
        """Names of all blocks, in their order on the disk."""
        for row in self._db.execute(PLACES):
            yield row[0]

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
            raise RepositoryError(f"block {name.hex()}: {error.strerror}") from error
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
            self._open[number] = Pack(self._folder, name)
        self._open.move_to_end(number)
        return self._open[number]

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
        remove_unfinished(self._folder)
        while db.execute(USE_BASES) and db.changes():
            pass
        blocks = octets = 0
        copied: list[Path] = []
        packs: list[Row] = db.execute(NEEDED).fetchall()
        for number, name, count, needed, needed_octets in packs:
            path = pack_path(self._folder, name)
            size = path.stat().st_size
            if name in self.damaged or (size - needed_octets) * REPACK_SHARE < size:
                continue
            try:
                self._copy(number, name)
            except RepositoryError as error:
                logger.warning("a pack cannot be written anew", extra={"kv": {"err": str(error)}})
                continue
            blocks += count - needed
            octets += size
            copied.append(path)
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
                raise RepositoryError(f"pack {name}: {error.strerror}") from error
            if len(data) != length:
                raise RepositoryError(f"pack {name} is cut short")
            self._add(Record(block, length, depth, base), data)

    def _replace(self, copied: list[Path]) -> None:
        """Remove packs all needed blocks of which were added to others."""
        self.finish()
        for path in copied:
            path.unlink()
        copied.clear()


def _row(pack: int, at: int, record: Record) -> tuple[bytes, int, int, int, int, bytes]:
    return record.name, pack, at, record.length, record.depth, record.base


def _decompressor(base: bytes | None, plain: zstandard.ZstdDecompressor) -> zstandard.ZstdDecompressor:
    return plain if base is None else zstandard.ZstdDecompressor(dict_data=_dictionary(base))


def _dictionary(base: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _with(base: bytes) -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(level=LEVEL, dict_data=_dictionary(base))
