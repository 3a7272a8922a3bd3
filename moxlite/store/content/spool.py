"""Spool for the octets of one incoming message.

Up to 1 MiB stay in memory, if the ledger has room for it; else the message goes to a temporary file that has no name
(SMTP-37), so a crash leaves nothing behind. While the octets pass, the spool keeps facts that later steps need: the
size, the SHA-256 that names the body in the store (STORE-180), and facts about line ends and 8-bit octets. It knows
nothing of MIME, SMTP or accounts.

One task writes; after `finish` any number of tasks and threads may read at once. The owner closes the spool: `deliver`
does not consume it (STORE-60), and one spool serves many accounts.
"""

from __future__ import annotations

import copy
import errno
import hashlib
import mmap
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Final, TypeAlias

import msgspec
import trio

from moxlite.store import metrics
from moxlite.store.content.spoolmemory import MEMORY_LIMIT, WRITE_SIZE, SpoolMemory

# Disk space for incoming messages (SMTP-43a): checked while the octets arrive, and divided between networks.
#
# All spools together may take half of the free space beyond `store.min_free_space`: each message is written a second
# time, into an account or the queue. A network may take a share of that half, so that one client cannot use up the
# space of the others.


LOOK_SECONDS: Final = 1.0
"""Seconds between two look-ups of the free space; octets taken in between are counted."""

NETWORK_SHARES: Final = (8, 4, 2)
"""Divisors of the room for all spools, by the networks of `ip_classes`: a customer may take an eighth of it, a small
provider network a quarter, a large one half.
"""

MAX_MESSAGE: Final = 100 << 20
"""Octets that a network may take in any case if that is at most half of the room for all: the default largest message.
"""

MAX_FILES: Final = 4096
"""Files of messages at once, unless the server gives a number that its descriptors allow (ADMIN-39b)."""


class SpoolFull(OSError):
    """There is no room for more octets now. Has ``ENOSPC``, as if the disk were full."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(errno.ENOSPC, text)
        metrics.SPOOL_REFUSED.labels(reason=reason).inc()


class SpoolSpace:
    """Disk space for the spools of a server. For any thread.

    Args:
      directory: the folder of their files (``data/tmp``).
      reserve: octets to leave free on the disk.
      message: octets of the largest message: a network may take one if that is no more than half of the room for all.
      files: number of files at once.
      free: returns the free octets of the disk; None looks them up. clock: returns seconds.
    """

    def __init__(
        self,
        directory: Path,
        *,
        reserve: int = 0,
        message: int = MAX_MESSAGE,
        files: int = MAX_FILES,
        free: Callable[[], int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.directory = directory
        self._reserve = reserve
        self._message = message
        self._max_files = files
        self._look_up = free or self._disk
        self._clock = clock
        self._lock = threading.Lock()
        self._free = 0
        self._looked = -LOOK_SECONDS
        self._files = 0
        self._used = 0
        self._by_network: dict[Hashable, int] = {}

    @property
    def used(self) -> int:
        """Octets that all spools take on the disk."""
        return self._used

    def share(self, networks: Sequence[Hashable] = ()) -> SpoolShare:
        """Make the share of a client in these networks, ordered from the smallest to the largest (`NETWORK_SHARES`);
        without networks only the bound for all spools applies.
        """
        return SpoolShare(self, tuple(networks))

    def _disk(self) -> int:
        return shutil.disk_usage(self.directory).free

    def take(self, networks: tuple[Hashable, ...], octets: int) -> None:
        """Take octets for spools of these networks. Blocks for a statvfs, once a second. Raises SpoolFull: nothing is
        taken; OSError: the free space cannot be looked up.
        """
        with self._lock:
            room = self._room(octets)
            limit = (room + self._used) // 2
            if self._used + octets > limit:
                raise SpoolFull("all", f"not enough space: incoming messages use {self._used} of {limit} bytes")
            for network, part in zip(networks, NETWORK_SHARES, strict=False):
                share = max(limit // part, min(self._message, limit // 2))
                if self._by_network.get(network, 0) + octets > share:
                    raise SpoolFull("network", f"too much data arriving from this network (limit {share} bytes)")
            self._count(networks, octets)
            # Until the next look at the disk, which has them.
            self._free -= octets

    def give_back(self, networks: tuple[Hashable, ...], octets: int) -> None:
        """Return octets that were taken."""
        with self._lock:
            self._count(networks, -octets)

    def _count(self, networks: tuple[Hashable, ...], octets: int) -> None:
        self._used += octets
        metrics.SPOOL_OCTETS.set(self._used)
        for network in networks:
            count = self._by_network.get(network, 0) + octets
            if count:
                self._by_network[network] = count
            else:
                self._by_network.pop(network, None)

    @property
    def due(self) -> bool:
        """Whether the next `take` or `check` asks the disk, and so blocks."""
        return self._clock() - self._looked >= LOOK_SECONDS

    def check(self, octets: int) -> None:
        """Look whether the disk has room for so many octets. Blocks and raises as `take`, and takes nothing."""
        with self._lock:
            self._room(octets)

    def _room(self, octets: int) -> int:
        """Free octets beyond the reserve. Raises SpoolFull if these are fewer than `octets`."""
        now = self._clock()
        if self.due:
            self._free, self._looked = self._look_up(), now
        room = self._free - self._reserve
        if octets > room:
            raise SpoolFull("disk", f"not enough space: at least {self._reserve} bytes must remain free")
        return room

    def open_file(self) -> None:
        """Count one more file. Raises SpoolFull."""
        with self._lock:
            if self._files >= self._max_files:
                raise SpoolFull("files", f"too many incoming messages at once (limit {self._files})")
            self._files += 1

    def close_file(self) -> None:
        """Count one file less."""
        with self._lock:
            self._files -= 1


class SpoolShare:
    """Share of one client's spools in the disk space, from `SpoolSpace.share`."""

    __slots__ = ("_networks", "space")

    def __init__(self, space: SpoolSpace, networks: tuple[Hashable, ...]) -> None:
        self.space = space
        self._networks = networks

    def take(self, octets: int) -> None:
        """As `SpoolSpace.take`."""
        self.space.take(self._networks, octets)

    def give_back(self, octets: int) -> None:
        """Return octets that were taken."""
        self.space.give_back(self._networks, octets)


Octets: TypeAlias = bytes | bytearray | memoryview


class LineFacts(msgspec.Struct, frozen=True, gc=False):
    """Facts about the octets that matter to SMTP; all false for an empty spool.

    ``eight_bit``: an octet above 127. ``nul``: a NUL octet. ``crlf_final``: the last two octets are CR LF. ``bare_cr``:
    a CR without LF after it; ``bare_lf``: a LF without CR before it (RFC 5321 §2.3.8).
    """

    eight_bit: bool
    nul: bool
    bare_cr: bool
    bare_lf: bool
    crlf_final: bool


class _LineCounter:
    """Collects `LineFacts` of octets that pass in pieces: a few memchr passes for each piece."""

    __slots__ = ("_cr", "_crlf", "_eight_bit", "_last", "_lf", "_nul")

    def __init__(self) -> None:
        self._cr = self._lf = self._crlf = 0
        self._eight_bit = self._nul = False
        self._last = b""  # the last two octets

    def look(self, data: Octets) -> None:
        """Examine the next piece."""
        chunk = bytes(data)
        if not chunk:
            return
        self._cr += chunk.count(b"\r")
        self._lf += chunk.count(b"\n")
        self._crlf += chunk.count(b"\r\n") + (self._last[-1:] == b"\r" and chunk[:1] == b"\n")
        self._eight_bit = self._eight_bit or not chunk.isascii()
        self._nul = self._nul or b"\0" in chunk
        self._last = (self._last + chunk[-2:])[-2:]

    def facts(self) -> LineFacts:
        """Facts about all pieces so far."""
        return LineFacts(
            eight_bit=self._eight_bit,
            nul=self._nul,
            bare_cr=self._cr > self._crlf,
            bare_lf=self._lf > self._crlf,
            crlf_final=self._last == b"\r\n",
        )


class SpoolFile:
    """A temporary file without a name, made when the first octets are written. Several spools of one task may share it
    if they are written one after the other.

    Args:
      directory: the folder of the file (``data/tmp``).
      space: the share of disk space that its octets are taken from.
    """

    def __init__(self, directory: Path, space: SpoolShare | None = None) -> None:
        self._directory = directory
        self._space = space
        self._taken = 0
        self._counted = False
        self._file: IO[bytes] | None = None
        self._written = 0
        self._pending = bytearray()  # octets after the written ones
        self._lock = threading.Lock()  # readers in threads share one file position, as not every system has pread
        self._closed = False
        self.at_once = WRITE_SIZE  # octets to write at a time

    @property
    def size(self) -> int:
        """Octets so far."""
        return self._written + len(self._pending)

    def in_memory(self, offset: int) -> bool:
        """Whether reading from `offset` on costs no disk access."""
        return offset >= self._written

    def add(self, data: Octets) -> bool:
        """Append octets; returns whether it is time for `flush`."""
        if self._closed:
            raise ValueError("the spool is closed")
        self._pending += data
        return len(self._pending) >= self.at_once

    def flush(self) -> None:
        """Write the appended octets to the disk. Blocks. Raises OSError: the file can then only be closed."""
        if not self._pending:
            return
        if self._space is not None:
            self._take_room(self._space)
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._directory, buffering=0)  # noqa: SIM115 - 0600, without a name; close() ends it
        view = memoryview(self._pending)
        while view:
            written = self._file.write(view)
            self._written += written
            view = view[written:]
        self._pending = bytearray()

    def _take_room(self, space: SpoolShare) -> None:
        if self._file is None and not self._counted:
            space.space.open_file()
            self._counted = True
        octets = len(self._pending) - (self._taken - self._written)
        space.take(octets)
        self._taken += octets

    def read(self, offset: int, length: int) -> bytes:
        """Read `length` octets from `offset`, which exist. Blocks, unless `in_memory`."""
        start, end = max(offset, self._written), offset + length
        tail = bytes(memoryview(self._pending)[start - self._written : end - self._written]) if end > start else b""
        return (self._read(offset, min(end, self._written) - offset) if offset < self._written else b"") + tail

    def _read(self, offset: int, length: int) -> bytes:
        assert self._file is not None
        parts: list[bytes] = []
        with self._lock:
            self._file.seek(offset)
            while length:
                part = self._file.read(length)
                if not part:
                    raise OSError(f"spool file is {length} bytes too short")
                parts.append(part)
                length -= len(part)
            self._file.seek(0, os.SEEK_END)
        return b"".join(parts)

    @contextmanager
    def open_view(self, offset: int, length: int) -> Iterator[memoryview]:
        """Provide octets as one read-only memoryview, mapped if they are in the file. Blocks, unless `in_memory`.
        Raises OSError.
        """
        if self.in_memory(offset):
            with (
                memoryview(self._pending) as all_of_it,
                all_of_it[offset - self._written :][:length].toreadonly() as view,
            ):
                yield view
            return
        self.flush()
        assert self._file is not None
        first = offset - offset % mmap.ALLOCATIONGRANULARITY
        with (
            mmap.mmap(self._file.fileno(), offset + length - first, access=mmap.ACCESS_READ, offset=first) as mapped,
            memoryview(mapped) as whole,
            whole[offset - first :] as view,
        ):
            yield view

    def close(self) -> None:
        """Release memory and file. Idempotent."""
        self._closed = True
        self._pending = bytearray()
        if self._file is not None:
            self._file.close()
        if self._space is not None:
            if self._taken:
                self._space.give_back(self._taken)
            if self._counted:
                self._space.space.close_file()
            self._taken, self._counted = 0, False


class Spool:
    """A message being received: written once, then read any number of times.

    Args:
      directory: the folder of the temporary file, if one is needed (``data/tmp``).
      memory_limit: octets kept in memory.
      file: the file for octets beyond, None for one of the spool's own. The spool must be complete before another spool
        that shares the file is written, and the owner of the file closes it.
      space: the share of disk space that octets in a file of its own are taken from.

    Attributes:
      memory: the room in memory that it has taken, until it is closed.
    """

    def __init__(
        self,
        directory: Path,
        *,
        memory_limit: int = MEMORY_LIMIT,
        file: SpoolFile | None = None,
        space: SpoolShare | None = None,
    ) -> None:
        self._directory = directory
        self._space = space
        self.memory = SpoolMemory(memory_limit)
        self._shared = file
        self._file: SpoolFile | None = None
        self._start = 0  # offset in the file
        self._octets = bytearray()  # while there is no file
        self._hash = hashlib.sha256()
        self._size = 0
        self._seen = _LineCounter()  # of the octets in the file
        self._finished = False
        self._closed = False

    @classmethod
    def of(cls, data: Octets, directory: Path | None = None) -> Spool:
        """Make a finished spool of octets that are in memory anyway (composed messages, tests), of any length."""
        spool = cls(directory or Path(tempfile.gettempdir()), memory_limit=max(len(data), MEMORY_LIMIT))
        spool._take(data)
        spool._finished = True
        return spool

    # Writing

    async def write(self, data: Octets) -> None:
        """Append octets.

        Returns at once while the message is short; beyond `MEMORY_LIMIT`, or without room in memory, each full
        `WRITE_SIZE` is written in a thread.

        Raises:
          SpoolFull, OSError: the file could not be written (disk full); the spool can then only be closed.
        """
        if self._finished or self._closed:
            raise ValueError("the spool is already finished")
        if self._file is None:
            self.memory.take(self._size + len(data))
        if self._take(data):
            assert self._file is not None
            await trio.to_thread.run_sync(self._file.flush)

    async def finish(self) -> None:
        """Declare the message complete: buffered octets of a long one are written to the file. Idempotent.

        Raises:
          OSError: as `write`.
        """
        if self._closed:
            raise ValueError("the spool is closed")
        if not self._finished:
            if self._file is not None and self._shared is None:
                await trio.to_thread.run_sync(self._file.flush)
            self._finished = True

    def reserve(self) -> None:
        """Take room in memory for `fill`, which can't take it in its thread. On the event loop."""
        self.memory.take(self.memory.limit)

    def fill(self, pieces: Iterable[Octets]) -> None:
        """Write all octets and declare the message complete, in this thread. Blocks. Raises OSError as `write`."""
        if self._finished or self._closed:
            raise ValueError("the spool is already finished")
        for data in pieces:
            if self._take(data):
                assert self._file is not None
                self._file.flush()
        if self._file is not None and self._shared is None:
            self._file.flush()
        self.memory.settle(len(self._octets))
        self._finished = True

    async def with_header(self, header: bytes, body_start: int) -> Spool:
        """Make a new, finished spool: `header` followed by this one's octets from `body_start` on.

        For messages whose header section is changed before storing (Bcc removed, SMTP-112). This spool stays as it is.
        """
        new = Spool(self._directory, memory_limit=self.memory.limit, space=self._space)
        try:
            await new.write(header)
            for offset in range(body_start, self._size, WRITE_SIZE):
                if self.in_memory:
                    await new.write(self.read(offset, WRITE_SIZE))
                else:
                    await new.write(await trio.to_thread.run_sync(self.read, offset, WRITE_SIZE))
            await new.finish()
        except BaseException:
            new.close()
            raise
        return new

    async def rewritten(self, work: Callable[[memoryview], Iterable[Octets]]) -> Spool:
        """Make a new, finished spool of what `work` makes of all octets, in a thread. Raises as `work` and `write`."""
        new = Spool(self._directory, memory_limit=self.memory.limit, space=self._space)
        new.reserve()
        try:
            with self.open_view() as view:
                await trio.to_thread.run_sync(lambda: new.fill(work(view)))
        except BaseException:
            new.close()
            raise
        return new

    def _take(self, data: Octets) -> bool:
        """Append octets; returns whether it is time to write some to the disk."""
        self._hash.update(data)
        self._size += len(data)
        if self._size <= self.memory.limit:
            self._octets += data
            return False
        if self._file is None:
            self._file = self._shared or SpoolFile(self._directory, self._space)
            self._start = self._file.size
            self._seen.look(self._octets)
            self._file.add(self._octets)
            self._octets = bytearray()
            self._file.at_once = self.memory.leave()
        self._seen.look(data)
        return self._file.add(data)

    # Facts

    @property
    def size(self) -> int:
        """Octets so far."""
        return self._size

    @property
    def in_memory(self) -> bool:
        """Whether nothing is on the disk: reading then costs no disk access and may happen on the loop."""
        return self._file is None or self._file.in_memory(self._start)

    @property
    def facts(self) -> LineFacts:
        """Facts about the octets so far. Linear in the octets that are in memory."""
        seen = copy.copy(self._seen)
        seen.look(self._octets)
        return seen.facts()

    def digest(self) -> bytes:
        """SHA-256 of the octets so far: 32 octets."""
        return self._hash.digest()

    # Reading

    def read(self, offset: int, length: int) -> bytes:
        """Read the octets from `offset`, at most `length`, fewer at the end. Blocks if there is a file: see
        `in_memory`.
        """
        if self._closed:
            raise ValueError("the spool is closed")
        end = min(offset + length, self._size)
        if offset >= end:
            return b""
        if self._file is None:
            return bytes(memoryview(self._octets)[offset:end])
        return self._file.read(self._start + offset, end - offset)

    def chunks(self, size: int = WRITE_SIZE, *, start: int = 0) -> Iterator[bytes]:
        """Read the octets from `start` in pieces of `size`, the last one shorter. Blocks like `read`."""
        for offset in range(start, self._size, size):
            yield self.read(offset, size)

    def whole(self) -> bytes:
        """Read all octets as one object, for a short message. Blocks like `read`. Only after `finish`."""
        if self._closed or not self._finished:
            raise ValueError("the spool isn't finished")
        return bytes(self._octets) if self._file is None else self._file.read(self._start, self._size)

    @contextmanager
    def open_view(self) -> Iterator[memoryview]:
        """Provide all octets as one read-only memoryview, for the MIME scan; a long message is mapped, not loaded.

        Slices must be released before the block ends. Only after `finish`.
        """
        if self._closed or not self._finished:
            raise ValueError("the spool isn't finished")
        if self._file is None:
            with memoryview(self._octets).toreadonly() as view:
                yield view
        else:
            with self._file.open_view(self._start, self._size) as view:
                yield view

    # Closing

    def close(self) -> None:
        """Release memory and file, from any thread. Idempotent."""
        self._closed = True
        self._octets = bytearray()
        self.memory.close()
        if self._file is not None and self._shared is None:
            self._file.close()

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
