"""The files of a repository: manifests, which list what a snapshot consists of; packs of many blocks each; and the
index of blocks (STORE-183).
"""

from __future__ import annotations

import calendar
import errno
import os
import random
import re
import secrets
import struct
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import BinaryIO, Final, NamedTuple

import apsw
import msgspec
import zstandard

from moxlite.encoding import from_json, msgpack_decoder, to_msgpack
from moxlite.safefile import plain_parts
from moxlite.store.backup.copying import SYNC, Stamp
from moxlite.store.backup.layout import SETTINGS, TREES
from moxlite.store.backup.storage import Storage
from moxlite.store.errors import NoRepository, RepositoryError
from moxlite.store.file.transaction import Row

# What a snapshot of a repository consists of, and what is told of snapshots (STORE-183).


NAME_SIZE: Final = 32
"""Octets of the name of a block."""

FORMAT: Final = 2
"""The format that is written."""

FORMATS: Final = (FORMAT,)
"""All released formats: each can be restored."""

MAX_SIZE: Final = 1 << 30
"""Octets of a manifest, 32 for each 64 KiB: 2 TiB of data."""


TURNS: Final = re.compile(r"[1-9][0-9]{0,8}")

DAY: Final = 86_400 * 1_000_000
WEEK: Final = 7 * DAY
MONDAY: Final = 3 * DAY
"""1970 began on a Thursday."""


class RepositorySettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """Content of the file `repository.json`: format and recipients of a repository of backups, and a hash of its key of
    names, "" where it is older than that.
    """

    format: int
    recipients: tuple[str, ...] = ()
    names: str = ""


def read_settings(storage: Storage) -> RepositorySettings:
    """Raises NoRepository, RepositoryError: damaged, or of an unknown format; OSError."""
    try:
        settings = from_json(storage.read(SETTINGS), RepositorySettings)
    except (FileNotFoundError, NotADirectoryError):
        raise NoRepository(f"{storage} isn't a backup repository") from None
    except msgspec.DecodeError as error:
        raise RepositoryError(f"{SETTINGS} in {storage} is damaged: {error}") from error
    if settings.format not in FORMATS:
        raise RepositoryError(
            f"{storage} uses format {settings.format}, but this version of moxlite only supports format {FORMAT}"
        )
    return settings


def is_encrypted(storage: Storage) -> bool:
    """Whether the blocks of a repository are encrypted. Raises RepositoryError, OSError."""
    return bool(read_settings(storage).recipients)


def exists(storage: Storage) -> bool:
    """Whether there is a repository, sound or not. Raises OSError."""
    try:
        return SETTINGS in storage.list()
    except (FileNotFoundError, NotADirectoryError):
        return False


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file: its path in a full backup (``data/…`` or ``config/…``), and its blocks, whose names follow each other.
    `stamp` is that of a database.
    """

    path: str
    size: int
    mode: int
    blocks: bytes
    stamp: Stamp | None = None

    def names(self) -> list[bytes]:
        """The names of the blocks, in order."""
        return [self.blocks[at : at + NAME_SIZE] for at in range(0, len(self.blocks), NAME_SIZE)]

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the path. Raises RepositoryError: it is not below one of `TREES`, or leads up. A user who
        may write to the place of a repository can make such a manifest.
        """
        try:
            parts = plain_parts(self.path)
        except ValueError as error:
            raise RepositoryError(f"the manifest contains an invalid path: {error}") from None
        if len(parts) < 2 or parts[0] not in TREES:
            raise RepositoryError(f"the manifest contains an invalid path: {self.path[:200]!r}")
        return parts


class Manifest(msgspec.Struct, frozen=True):
    """A snapshot, begun at `created` (µs UTC) by the program `version`. `data` is where its data directory was."""

    format: int
    created: int
    version: str
    data: str
    entries: tuple[Entry, ...]
    errors: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Octets of all files."""
        return sum(entry.size for entry in self.entries)


class SnapshotInfo(msgspec.Struct, frozen=True):
    """A line of ``moxlite backup list``: `created` in µs UTC; files and their octets, and errors of what it lacks, None
    without the identity.
    """

    id: str
    created: int
    files: int | None = None
    octets: int | None = None
    errors: int | None = None


class Sample(msgspec.Struct, frozen=True):
    """Blocks that were read back, and whether their octets were compared with their names. `ahead`: a snapshot with a
    time in the future, "" for none.
    """

    snapshot: str
    blocks: int
    compared: bool
    ahead: str = ""


class PruneResult(msgspec.Struct, frozen=True):
    """Snapshots that were removed, and the number and octets of removed blocks."""

    snapshots: list[str]
    blocks: int
    octets: int


_MANIFEST_DECODER: Final = msgpack_decoder(Manifest)


def snapshot_id(created: int) -> str:
    """Its time to the microsecond, in UTC: the name of a snapshot, unless the clock went back (see `next_id`)."""
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime(created // 1_000_000)) + f".{created % 1_000_000:06}Z"


def order_of(snapshot: str) -> tuple[int, str]:
    """The key by which names of snapshots sort as these were made: how often the clock went back, and the time."""
    name, _, turns = snapshot.partition("-")
    return (int(turns), name) if TURNS.fullmatch(turns) else (0, snapshot)


def next_id(created: int, last: str | None) -> str:
    """The name of a snapshot made after `last`, the newest one. After a clock that was ahead it ends with how often
    that happened, so that a snapshot of the wrong time is the newest one no more.
    """
    name = snapshot_id(created)
    turns, before = order_of(last or "")
    if name <= before:
        turns += 1
    return f"{name}-{turns}" if turns else name


def time_of(snapshot: str) -> int:
    """µs UTC of a snapshot's name, 0 for another name."""
    try:
        seconds, _, micros = order_of(snapshot)[1].removesuffix("Z").partition(".")
        return calendar.timegm(time.strptime(seconds, "%Y%m%dT%H%M%S")) * 1_000_000 + int(micros or 0)
    except ValueError:
        return 0


def kept_ids(ids: list[str], partial: Collection[str], *, keep_daily: int, keep_weekly: int) -> set[str]:
    """Which snapshots stay: the newest one, the newest whole one, and the last ones of so many days and weeks that have
    any.

    Args:
      ids: all, as they were made.
      partial: those that lack something. They stand for a day or week that has no whole one, and put no whole one out.
    """
    whole = [one for one in ids if one not in partial]
    kept = {*ids[-1:], *whole[-1:]}
    for among in (whole, [*(one for one in ids if one in partial), *whole]):
        for length, shift, number in ((DAY, 0, keep_daily), (WEEK, MONDAY, keep_weekly)):
            newest = {(time_of(one) + shift) // length: one for one in among}  # the last of each stays
            kept.update(sorted(newest.values(), key=order_of, reverse=True)[:number])
    return kept


def encode(manifest: Manifest) -> bytes:
    """The stored form, with a checksum of zstd's own."""
    return zstandard.ZstdCompressor(level=3, write_checksum=True).compress(to_msgpack(manifest))


def decode(data: bytes) -> Manifest:
    """The manifest. Raises RepositoryError."""
    try:
        manifest = _MANIFEST_DECODER.decode(zstandard.ZstdDecompressor().decompress(data, max_output_size=MAX_SIZE))
    except (zstandard.ZstdError, msgspec.DecodeError) as error:
        raise RepositoryError(f"the manifest is damaged: {error}") from error
    if manifest.format not in FORMATS:
        raise RepositoryError(
            f"the manifest uses format {manifest.format}, but this version of moxlite only supports format {FORMAT}"
        )
    return manifest


PACKS: Final = "packs"
"""The folder of packs in a repository."""

DAMAGED: Final = "damaged"
"""The folder of packs that were set aside. Nothing reads them; who does not need them any more removes them."""

MAGIC: Final = b"moxpack1"
TAIL: Final = struct.Struct("<Q8s")

PACK_SIZE: Final = 64 << 20
"""Octets at which a pack ends: few files even of a large account, and little to write anew when pruning empties it in
part.
"""

MAX_RECORDS: Final = 1 << 16
"""Blocks at which a pack ends, too: with deltas of 50 octets its index would be longer than they are."""

MAX_INDEX: Final = MAX_RECORDS << 7
"""Octets of an index, unpacked: a record has 80."""

GUESS: Final = 128 << 10
"""Octets at the end of a pack that are read first: the index of 64 MiB of whole blocks has some 50 KiB."""

SUFFIX: Final = ".pack"
UNFINISHED: Final = ".tmp"


class Record(msgspec.Struct, frozen=True, array_like=True):
    """A block in a pack: its name, the octets of its stored form, how many deltas are behind it, and the name of the
    block that it is a delta to, b"" for none.
    """

    name: bytes
    length: int
    depth: int = 0
    base: bytes = b""


_DECODER: Final = msgpack_decoder(list[Record])


class PackWriter:
    """A pack being written. Its blocks can be read before it is finished."""

    def __init__(self, storage: Storage) -> None:
        self.name = secrets.token_hex(16)
        self.end = len(MAGIC)
        self._storage = storage
        self._partial = storage.staging / f".{self.name}{UNFINISHED}"
        self._records: list[Record] = []
        self._synced = 0
        self._broken: OSError | None = None
        self._file: BinaryIO = self._partial.open("x+b", buffering=0)
        try:
            self._put(0, MAGIC)
        except BaseException:
            self.abandon()
            raise

    @property
    def full(self) -> bool:
        """Whether it is long enough to be finished."""
        return self.end >= PACK_SIZE or len(self._records) >= MAX_RECORDS

    def add(self, record: Record, data: bytes) -> int:
        """Append a block; where it begins. Raises OSError: it was not added, the others are as they were."""
        at = self.end
        self._put(at, data)
        self.end += len(data)
        self._records.append(record)
        # Left to the end, the flush of it all would hold up the commits of a running server.
        if self.end - self._synced >= SYNC:
            self._sync()
        return at

    def read(self, at: int, length: int) -> bytes:
        """Read the octets of an added block."""
        self._file.seek(at)
        return self._file.read(length)

    def finish(self) -> int:
        """Make it an object; its octets. Raises OSError: it can be tried again, unless a sync failed."""
        index = zstandard.ZstdCompressor(level=3, write_checksum=True).compress(to_msgpack(self._records))
        data = index + TAIL.pack(len(index), MAGIC)
        self._put(self.end, data)
        self._sync()
        self._storage.add(object_name(self.name), self._partial)
        self._file.close()
        return self.end + len(data)

    def abandon(self) -> None:
        """Give it up."""
        self._file.close()
        self._partial.unlink(missing_ok=True)

    def _put(self, at: int, data: bytes) -> None:
        self._file.seek(at)
        if self._file.write(data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._partial))

    def _sync(self) -> None:
        # A second sync after one that failed tells of success, though octets are lost.
        if self._broken is not None:
            raise self._broken
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            self._broken = error
            raise
        self._synced = self.end


class Pack:
    """A finished pack, open for reading."""

    def __init__(self, storage: Storage, name: str) -> None:
        """Open a pack for reading. Raises OSError."""
        self._file: BinaryIO = storage.fetch(object_name(name)).open("rb", buffering=0)

    def read(self, at: int, length: int) -> bytes:
        """Octets of a block; fewer where the file is cut short. Raises OSError."""
        self._file.seek(at)
        return self._file.read(length)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def object_name(pack: str) -> str:
    """The object of a finished pack."""
    return f"{PACKS}/{pack}{SUFFIX}"


def pack_sizes(storage: Storage) -> dict[str, int]:
    """The names of the finished packs, sorted, and their octets. Raises OSError."""
    found = sorted(storage.list(PACKS).items())
    return {
        name.removesuffix(SUFFIX): size
        for name, size in found
        if size is not None and name.endswith(SUFFIX) and not name.startswith(".")
    }


def read_indices(storage: Storage, sizes: Mapping[str, int]) -> Iterator[tuple[str, list[tuple[int, Record]] | None]]:
    """The index of each pack: where its blocks begin, and what they are; None for a pack that is damaged. Raises
    OSError.
    """
    # Two rounds at most: most indices are in what the first one reads.
    starts = {name: max(0, size - GUESS) for name, size in sizes.items()}
    while starts:
        wanted = {object_name(name): (start, sizes[name]) for name, start in starts.items()}
        longer: dict[str, int] = {}
        for (name, start), (_, data) in zip(starts.items(), storage.tails(wanted), strict=True):
            begins = _index_start(data, sizes[name])
            if len(MAGIC) <= begins < start:
                longer[name] = begins
            else:
                yield name, _records(data[begins - start : -TAIL.size], begins) if begins >= len(MAGIC) else None
        starts = longer


def _index_start(data: bytes, size: int) -> int:
    """Where the index of a pack begins, of which `data` is the end; less than a pack can have where it is damaged."""
    if size < len(MAGIC) + TAIL.size or len(data) < TAIL.size:
        return 0
    length, magic = TAIL.unpack(data[-TAIL.size :])
    return size - TAIL.size - int(length) if magic == MAGIC else 0


def _records(data: bytes, end: int) -> list[tuple[int, Record]] | None:
    """Records of an index. `end`: where the blocks end."""
    try:
        records = _DECODER.decode(zstandard.ZstdDecompressor().decompress(data, max_output_size=MAX_INDEX))
    except (zstandard.ZstdError, msgspec.DecodeError):
        return None
    at = len(MAGIC)
    found = []
    for record in records:
        found.append((at, record))
        at += record.length
    return found if at == end else None


# Which blocks the packs of a repository have: a database in memory, 100 octets for a block. No file is read here.


MAX_DEPTH: Final = 8
"""Deltas that one block may need: reading it takes that many reads more."""

SCHEMA: Final = """
CREATE TABLE pack (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
CREATE TABLE block (name BLOB PRIMARY KEY, pack INTEGER NOT NULL, at INTEGER NOT NULL, length INTEGER NOT NULL,
depth INTEGER NOT NULL, base BLOB NOT NULL, readable INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID"""
ADD_PACK: Final = "INSERT INTO pack (name) VALUES (?) RETURNING id"
# Twice in packs is what was being moved by `sweep` in a process that was killed, and a delta whose base was lost, which
# was stored anew, whole.
ADD_BLOCK: Final = """
INSERT INTO block (name, pack, at, length, depth, base, readable)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6 = x'' OR EXISTS (SELECT 1 FROM block WHERE name = ?6 AND readable))
ON CONFLICT DO UPDATE SET pack = excluded.pack, at = excluded.at, length = excluded.length, depth = excluded.depth,
base = excluded.base, readable = excluded.readable WHERE excluded.depth <= depth"""
READABLE: Final = """
UPDATE block SET readable = 1 WHERE NOT readable AND base IN (SELECT name FROM block WHERE readable)"""
HAS: Final = "SELECT 1 FROM block WHERE name = ? AND readable"
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

    def settle(self) -> None:
        """Find out which deltas can be read, once all packs are noted: their bases may be in later packs."""
        for _ in range(MAX_DEPTH):
            self._db.execute(READABLE)
            if not self._db.changes():
                return

    def has(self, name: bytes) -> bool:
        """Whether a block can be read: it is there, and so are all that it needs."""
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
        """List a pack's needed blocks in order, each with its position."""
        rows: list[Row] = self._db.execute(USED, (number,)).fetchall()
        return [(at, Record(name, length, depth, base)) for name, length, depth, base, at in rows]


def _row(pack: int, at: int, record: Record) -> tuple[bytes, int, int, int, int, bytes]:
    return record.name, pack, at, record.length, record.depth, record.base
