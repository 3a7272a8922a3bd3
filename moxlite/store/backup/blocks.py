"""The blocks of a repository: 64 KiB of a file each, stored once under the name of their content (STORE-183).

They are kept in packs (see `packs`), in one of these forms:

- whole: compressed by zstd;
- as a delta: compressed with another block as dictionary. A database changes a page of 4 KiB here and there, and each
  would bring 64 KiB: with the block that was in its place before, little more than the page is stored;
- sealed: whole, then encrypted (see `sealing`), in an encrypted repository.

The name is the SHA-256 of the plain block, or a keyed hash of it where blocks are sealed. Which blocks there are is
read from the indices of the packs (see `blockindex`).
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import logging
import random
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import apsw
import zstandard

from moxlite.store.backup.keys import Opener, Sealer, check_sealed
from moxlite.store.backup.packs import (
    DAMAGED,
    MAX_DEPTH,
    PACK_SIZE,
    PACKS,
    SUFFIX,
    BlockIndex,
    Pack,
    PackWriter,
    Place,
    Record,
    object_name,
    pack_sizes,
    read_indices,
)
from moxlite.store.backup.storage import Storage
from moxlite.store.errors import RepositoryError, StorageFailed

# The forms in which blocks are stored: whole, as a delta, sealed (STORE-183).


BLOCK: Final = 64 << 10
"""Octets of a block: 16 pages. Smaller blocks would make long manifests, larger ones store more for each changed page.
"""

LEVEL: Final = 3
"""Bodies are compressed already, the rest is small (design-facts §2)."""


class Forms:
    """The forms of one repository.

    Args:
      sealer: encrypts, None for a plain repository.
      opener: decrypts, None when the identity is not at hand.
    """

    def __init__(self, sealer: Sealer | None, opener: Opener | None) -> None:
        self._sealer = sealer
        self._opener = opener
        self._compressor = zstandard.ZstdCompressor(level=LEVEL)
        self._decompressor = zstandard.ZstdDecompressor()

    @property
    def sealed(self) -> bool:
        """Whether blocks are encrypted: then there are no deltas."""
        return self._sealer is not None

    @property
    def readable(self) -> bool:
        """Whether blocks can be read: they are plain, or the identity is at hand."""
        return self._sealer is None or self._opener is not None

    def name_of(self, block: bytes) -> bytes:
        """The name that a block has."""
        if self._sealer is not None:
            return hmac.digest(self._sealer.name_key, block, "sha256")
        return hashlib.sha256(block).digest()

    def whole(self, block: bytes) -> bytes:
        """The form that needs no other block."""
        data = self._compressor.compress(block)
        return data if self._sealer is None else self._sealer.seal(data)

    def delta(self, block: bytes, base: bytes) -> bytes:
        """The form that needs `base`."""
        return zstandard.ZstdCompressor(level=LEVEL, dict_data=_dictionary(base)).compress(block)

    def opened(self, data: bytes) -> bytes:
        """Compressed octets. Raises RepositoryError: they are encrypted, and no identity is at hand."""
        if self._sealer is None:
            return data
        if self._opener is None:
            raise RepositoryError("this repository is encrypted; specify an identity to read it")
        return self._opener.open(data)

    def block(self, name: bytes, data: bytes, base: bytes | None) -> bytes:
        """The block of compressed octets. Raises RepositoryError: they are damaged."""
        decompressor = self._decompressor
        if base is not None:
            decompressor = zstandard.ZstdDecompressor(dict_data=_dictionary(base))
        try:
            return decompressor.decompress(data, max_output_size=BLOCK)
        except zstandard.ZstdError as error:
            raise RepositoryError(f"block {name.hex()} is damaged: {error}") from error


def _dictionary(base: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


# An SQLite VFS whose file is a row of blocks that are handed on as soon as they are full (STORE-183).
#
# The backup API writes the pages of a copy once each and nearly in order, page 1 once more at the end. So a block is
# collected until all its octets have come; the first one waits for the end, as do the last one and that of the page
# at 1 GiB which SQLite never uses. Anything else that SQLite might want of such a file (to read a page again, to
# write one again) is an error: the copy would not be what it seems.


_names: Final = itertools.count(1)

Sink = Callable[[int, bytes], None]
"""Takes the number of a block, from 0, and its octets; called once for each, in any order."""


class BlockVFS(apsw.VFS):
    """Registered for as long as it lives; give `name` to one connection."""

    def __init__(self, sink: Sink) -> None:
        self.name = f"moxlite-blocks-{next(_names)}"
        self._sink = sink
        self.error: BaseException | None = None
        """What the sink raised: SQLite makes a plain I/O error of it."""
        super().__init__(self.name, apsw.vfs_names()[0])

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> Any:  # noqa: N802 - APSW's name
        """The file of blocks; there is no other, for the connection keeps no journal."""
        if not flags[0] & apsw.SQLITE_OPEN_MAIN_DB:
            raise apsw.CantOpenError("only one file is supported")
        flags[1] = flags[0]
        return _BlockFile(self)

    def xFullPathname(self, name: str) -> str:  # noqa: N802 - APSW's name
        """The name itself: SQLite would look at the folder of the process, which its user may not be able to enter."""
        return name

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: N802 - APSW's name
        """No file is there."""
        return False

    def hand_on(self, number: int, block: bytes) -> None:
        """Give a block to the sink."""
        try:
            self._sink(number, block)
        except BaseException as error:
            self.error = error
            raise apsw.IOError(str(error)) from error


class _BlockFile:
    """Named as APSW wants it: see its class VFSFile."""

    def __init__(self, vfs: BlockVFS) -> None:
        self._vfs = vfs
        self._size = 0
        # Number of a block to its octets, and where in it something has come.
        self._open: dict[int, tuple[bytearray, set[int]]] = {}
        self._done: set[int] = set()

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        if offset >= self._size:
            return b""
        number, start = divmod(offset, BLOCK)
        if number not in self._open:
            raise apsw.IOError("block already released")
        return bytes(self._open[number][0][start : start + amount])

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        number, start = divmod(offset, BLOCK)
        length = len(data)
        # The block is stored by now, under the hash of other octets.
        if number in self._done or start + length > BLOCK:
            raise apsw.IOError("page was already written or is past the end of the block")
        block, came = self._open.setdefault(number, (bytearray(), set()))
        if len(block) < start + length:
            block.extend(bytes(start + length - len(block)))
        block[start : start + length] = data
        came.add(start)
        self._size = max(self._size, offset + length)
        # By the places that came, not by how many writes: SQLite may write a page of an open block again.
        if len(came) * length >= BLOCK and number:
            del self._open[number]
            self._done.add(number)
            self._vfs.hand_on(number, bytes(block))

    def xClose(self) -> None:  # noqa: N802
        for number, (block, _) in sorted(self._open.items()):
            self._vfs.hand_on(number, bytes(block))
        self._open.clear()

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        if newsize != self._size:
            raise apsw.IOError("the copy can't be truncated")

    def xFileSize(self) -> int:  # noqa: N802
        return self._size

    def xSync(self, flags: int) -> None:  # noqa: N802
        """The blocks are synced together, later."""

    def xLock(self, level: int) -> None:  # noqa: N802
        """No other process can open it."""

    def xUnlock(self, level: int) -> None:  # noqa: N802
        """See `xLock`."""

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xFileControl(self, op: int, pointer: int) -> bool:  # noqa: N802
        return False

    def xSectorSize(self) -> int:  # noqa: N802
        return 4096

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return 0


logger = logging.getLogger("moxlite.store.backup.blocks")

SAMPLES: Final = 16
"""Blocks that are read back after a backup, of 64 KiB each."""

OPEN_PACKS: Final = 16
"""Packs held open for reading."""

DELTA_SHARE: Final = 2
"""A delta must be at most half of the whole form: else the block is better off alone."""

REPACK_SHARE: Final = 4
"""A pack of whose octets one in so many is needed by no snapshot is written anew when pruning."""


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
        self.forms = Forms(sealer, opener)
        self._index: BlockIndex | None = None
        self._open = _OpenPacks(storage)
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
        self._index = BlockIndex()
        try:
            self._load()
            yield
        finally:
            if self._writer is not None:
                self._writer.abandon()
                self._writer = None
            self._open.close_all()
            self._index.close()
            self._index = None

    def _load(self) -> None:
        self.stored, self.damaged = 0, []
        self._sizes = pack_sizes(self._storage)
        for name, records in read_indices(self._storage, self._sizes):
            if records is None:
                self.damaged.append(name)
                logger.warning("pack is damaged", extra={"kv": {"pack": name}})
                continue
            self.index.add(self.index.add_pack(name), records)
        self.index.settle()

    @property
    def index(self) -> BlockIndex:
        """The blocks that are known."""
        assert self._index is not None, "blocks are used within `opened`"
        return self._index

    # Writing

    def begin(self) -> None:
        """Begin a snapshot: remove what one that was killed has left."""
        self._storage.make(PACKS)
        self._storage.clean(PACKS)

    def put(self, block: bytes, base: bytes | None = None) -> bytes:
        """Store a block if it is new; its name. `base` names the block which was in its place before. Raises OSError,
        BackupError.
        """
        name = self.forms.name_of(block)
        if not self.index.has(name):
            record, data = self._encode(name, block, base)
            self._add(record, data)
        return name

    def _add(self, record: Record, data: bytes) -> None:
        if self._writer is None:
            self._writer = PackWriter(self._storage)
            self._writing = self.index.add_pack(self._writer.name)
        at = self._writer.add(record, data)
        self.index.add(self._writing, [(at, record)])
        if self._writer.full:
            self.finish()

    def finish(self) -> None:
        """Make all that was put durable. Raises OSError: some of it may be lost."""
        if self._writer is not None:
            try:
                self.stored += self._writer.finish()
            except OSError as error:
                if self._storage.folder is None:
                    raise StorageFailed(str(error.strerror)) from error
                raise
            self._writer = None

    def _encode(self, name: bytes, block: bytes, base: bytes | None) -> tuple[Record, bytes]:
        whole = self.forms.whole(block)
        lost = self.index.find(name) is not None  # a delta without its base: two of them could need each other
        if base is not None and not lost and not self.forms.sealed and self._storage.folder is not None:
            try:
                depth, plain = self._read(base)
            except RepositoryError:
                depth, plain = MAX_DEPTH, b""
            if depth < MAX_DEPTH and self.forms.name_of(plain) == base:
                delta = self.forms.delta(block, plain)
                if len(delta) * DELTA_SHARE <= len(whole):
                    return Record(name, len(delta), depth + 1, base), delta
        return Record(name, len(whole)), whole

    # Reading

    def get(self, name: bytes) -> bytes:
        """A block. Raises RepositoryError when it is missing or damaged, or cannot be decrypted."""
        block = self._read(name)[1]
        if self.forms.name_of(block) != name:
            raise RepositoryError(f"block {name.hex()} is corrupted: its content doesn't match its ID")
        return block

    def sample(self, chosen: random.Random, needed: Sequence[bytes]) -> tuple[int, bool]:
        """Read some of the blocks that are needed. Without any, as in an encrypted repository without its key, some
        blocks of one pack are read. Returns their number, and whether they were compared with their names.

        Raises RepositoryError, OSError.
        """
        names = chosen.sample(needed, min(SAMPLES, len(needed))) if needed else self.index.some(chosen, SAMPLES)
        places = {name: place for name in names if (place := self.index.find(name)) is not None}
        if self._storage.folder is None and places:  # each pack comes from there as a whole
            first = next(iter(places.values()))
            places = {name: place for name, place in places.items() if place.number == first.number}
        for name, place in places.items():
            if self.forms.readable:
                self.get(name)
            else:
                check_sealed(self._stored(place), f"a block in pack {place.pack}")
        return len(places), self.forms.readable

    def _stored(self, place: Place) -> bytes:
        """The stored form of a block. Raises RepositoryError: it cannot be read; OSError."""
        try:
            data = self._pack(place.number, place.pack).read(place.at, place.length)
        except OSError as error:
            raise _fault(self._storage, f"pack {place.pack}", error) from error
        if len(data) != place.length:
            raise RepositoryError(f"pack {place.pack} is truncated")
        return data

    def whole(self, name: bytes) -> bool:
        """Whether there is a block, with all that it needs."""
        return self.index.has(name)

    def names(self) -> Iterator[bytes]:
        """Names of all blocks, pack by pack. The copy of a pack is given up once all its names were taken."""
        before: tuple[int, str] | None = None
        for name, number, pack in self.index.places():
            if before is not None and number != before[0]:
                self._open.close(*before)
            before = number, pack
            yield name

    def _read(self, name: bytes, above: int = 0) -> tuple[int, bytes]:
        """How many deltas are behind a block, and the block."""
        place = self.index.find(name)
        if place is None:
            raise RepositoryError(f"block {name.hex()} is missing")
        if above > MAX_DEPTH:
            raise RepositoryError(f"block {name.hex()} has too long a delta chain")
        try:
            data = self._pack(place.number, place.pack).read(place.at, place.length)
        except OSError as error:
            raise _fault(self._storage, f"block {name.hex()}", error) from error
        data = self.forms.opened(data)
        base = self._read(place.base, above + 1)[1] if place.base else None
        return place.depth, self.forms.block(name, data, base)

    def _pack(self, number: int, name: str) -> Pack | PackWriter:
        if self._writer is not None and number == self._writing:
            return self._writer
        return self._open.get(number, name)

    # Removing

    def sweep(self) -> tuple[int, int]:
        """Remove all blocks but those marked as needed in `index` and those below them, as far as it is worth the
        writing; by how many blocks and octets there are fewer. A pack that is damaged stays.

        Raises OSError: nothing that is needed was removed.
        """
        self._storage.clean(PACKS)
        blocks = octets = 0
        copied: list[str] = []
        for number, name, count, needed, needed_octets in self.index.needs():
            size = self._sizes[name]
            if (size - needed_octets) * REPACK_SHARE < size:
                continue
            try:
                self._copy(number, name)
            except RepositoryError as error:
                logger.warning("failed to rewrite pack", extra={"kv": {"err": str(error)}})
                continue
            finally:
                self._open.close(number, name)  # one copy at a time of what is on another machine
            blocks += count - needed
            octets += size
            copied.append(name)
            if self._writer is None or self._writer.end >= PACK_SIZE // 2:
                self._replace(copied)
        self._replace(copied)
        return blocks, octets - self.stored

    def set_aside(self, unreadable: Collection[bytes]) -> list[str]:
        """Move damaged packs to the folder `DAMAGED`, once their other blocks were added to new packs; their names.
        `unreadable`: all blocks that cannot be read. Raises OSError: all that could be read can be read still.
        """
        damaged: dict[int, tuple[str, set[bytes]]] = {}
        for name in unreadable:
            place = self.index.find(name)
            # A delta whose base is damaged is no damage of its own pack.
            if place is not None and (not place.base or (place.base not in unreadable and self.index.has(place.base))):
                damaged.setdefault(place.number, (place.pack, set()))[1].add(name)
        for number, (pack, names) in damaged.items():
            there = [name for name, pack_number, _ in self.index.places() if pack_number == number]
            self.index.use(name for name in there if name not in names)
            with suppress(RepositoryError):  # cut short: what comes behind is lost
                self._copy(number, pack)
            self._open.close(number, pack)
        self.finish()
        packs = [*self.damaged, *(pack for pack, _ in damaged.values())]
        if packs:
            self._storage.make(DAMAGED)
        for pack in packs:
            found, aside = object_name(pack), f"{DAMAGED}/{pack}{SUFFIX}"
            if self._storage.folder is not None:
                self._storage.add(aside, self._storage.fetch(found))  # renamed: a bad sector cannot be copied
            else:
                self._storage.write(aside, self._storage.fetch(found).read_bytes())
            self._storage.remove([found])
        return packs

    def _copy(self, number: int, name: str) -> None:
        """Add the needed blocks of a pack to others. Raises RepositoryError: it cannot be read; OSError."""
        for at, record in self.index.needed(number):
            try:
                data = self._pack(number, name).read(at, record.length)
            except OSError as error:
                raise _fault(self._storage, f"pack {name}", error) from error
            if len(data) != record.length:
                raise RepositoryError(f"pack {name} is truncated")
            self._add(record, data)

    def _replace(self, copied: list[str]) -> None:
        """Remove packs all needed blocks of which were added to others."""
        self.finish()
        self._storage.remove(map(object_name, copied))
        copied.clear()


def _fault(storage: Storage, what: str, error: OSError) -> RepositoryError:
    """The error of a pack that cannot be read. Raises the OSError where that tells nothing about the pack: the
    connection with another machine failed, or this one has no room for a copy.
    """
    if storage.folder is None and not isinstance(error, FileNotFoundError):
        raise error
    return RepositoryError(f"{what}: {error.strerror}")


class _OpenPacks:
    """The packs that are being read, the one used last at the end."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._packs: OrderedDict[int, Pack] = OrderedDict()

    def get(self, number: int, name: str) -> Pack:
        """A pack, opened if it is not open."""
        if number not in self._packs:
            if len(self._packs) >= OPEN_PACKS:
                self._packs.popitem(last=False)[1].close()
            self._packs[number] = Pack(self._storage, name)
        self._packs.move_to_end(number)
        return self._packs[number]

    def close(self, number: int, name: str) -> None:
        """Give up a pack that was read."""
        if number in self._packs:
            self._packs.pop(number).close()
        self._storage.release(object_name(name))

    def close_all(self) -> None:
        """Close all packs; copies of them stay."""
        while self._packs:
            self._packs.popitem()[1].close()
