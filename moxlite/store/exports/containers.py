"""Containers of files, as streams of octets: tar, tar.gz, zip, or one file by itself."""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from moxlite.proto.tar import TAR_END, padding, tar_header
from moxlite.store.exports.items import Container

Pieces = Callable[[], Iterator[bytes]]
"""Returns the octets of a file; called twice, it returns the same octets both times."""

DIRECTORY_STEP: Final = 256 << 10
"""Octets of a zip file's directory per piece."""

GZIP: Final = 31
"""zlib's number for the gzip format."""


class Sink(Protocol):
    """Packs files, one after the other; its methods return octets of the container."""

    def folder(self, name: str, mtime: int) -> Iterator[bytes]:
        """A folder, without its content."""
        ...

    def file(self, name: str, mtime: int, pieces: Pieces) -> Iterator[bytes]:
        """A whole file; `mtime` is Unix time."""
        ...

    def finish(self) -> Iterator[bytes]:
        """The end of the container."""
        ...

    def close(self) -> None:
        """Release temporary files; also after a failure."""
        ...


def make_sink(container: Container, directory: Path) -> Sink:
    """Make the sink of a container; `directory` is for temporary files."""
    match container:
        case Container.NONE:
            return _Plain()
        case Container.TAR:
            return _Tar()
        case Container.TGZ:
            return _Gzipped(_Tar())
        case Container.ZIP:
            return _Zip(directory)


class _Plain:
    """Concatenation of the files as they are."""

    def folder(self, name: str, mtime: int) -> Iterator[bytes]:
        yield from ()

    def file(self, name: str, mtime: int, pieces: Pieces) -> Iterator[bytes]:
        yield from pieces()

    def finish(self) -> Iterator[bytes]:
        yield from ()

    def close(self) -> None:
        """Nothing is held."""


class _Tar:
    """A tar file. The size precedes the data, so the octets of each file are generated twice."""

    def folder(self, name: str, mtime: int) -> Iterator[bytes]:
        yield tar_header(name, 0, mtime, folder=True)

    def file(self, name: str, mtime: int, pieces: Pieces) -> Iterator[bytes]:
        size = 0
        for piece in pieces():
            size += len(piece)
            yield b""  # a large mbox takes its time: the caller may pause
        yield tar_header(name, size, mtime)
        yield from pieces()
        yield padding(size)

    def finish(self) -> Iterator[bytes]:
        yield TAR_END

    def close(self) -> None:
        """Nothing is held."""


class _Gzipped:
    """Another container, compressed."""

    def __init__(self, inner: Sink) -> None:
        self._inner = inner
        self._compressor = zlib.compressobj(wbits=GZIP)

    def folder(self, name: str, mtime: int) -> Iterator[bytes]:
        return map(self._compressor.compress, self._inner.folder(name, mtime))

    def file(self, name: str, mtime: int, pieces: Pieces) -> Iterator[bytes]:
        return map(self._compressor.compress, self._inner.file(name, mtime, pieces))

    def finish(self) -> Iterator[bytes]:
        yield from map(self._compressor.compress, self._inner.finish())
        yield self._compressor.flush()

    def close(self) -> None:
        self._inner.close()


class _Zip:
    """A zip file."""

    def __init__(self, directory: Path) -> None:
        self._writer = ZipWriter(directory)

    def folder(self, name: str, mtime: int) -> Iterator[bytes]:
        yield self._writer.begin(name, mtime, folder=True)
        yield self._writer.end()

    def file(self, name: str, mtime: int, pieces: Pieces) -> Iterator[bytes]:
        yield self._writer.begin(name, mtime)
        for piece in pieces():
            yield self._writer.data(piece)
        yield self._writer.end()

    def finish(self) -> Iterator[bytes]:
        trailer = self._writer.trailer()
        position = 0
        while piece := self._writer.directory(position, DIRECTORY_STEP):
            position += len(piece)
            yield piece
        yield trailer

    def close(self) -> None:
        self._writer.close()


# Writing a zip file as a stream: no seeking, no list of members in memory (APPNOTE.TXT 6.3.10).
#
# Sizes follow the data of each member (§4.3.9). Local headers and descriptors have the zip64 format, as a member's
# size is not known when it begins. The directory, written at the end, is kept in a temporary file.


LOCAL: Final = struct.Struct("<4sHHHHHLLLHH")
CENTRAL: Final = struct.Struct("<4sHHHHHHLLLHHHHHLL")
DESCRIPTOR: Final = struct.Struct("<4sLQQ")
ZIP64_LOCAL: Final = struct.Struct("<HHQQ")
ZIP64_CENTRAL: Final = struct.Struct("<HHQQQ")
END64: Final = struct.Struct("<4sQHHLLQQQQ")
LOCATOR: Final = struct.Struct("<4sLQL")
END: Final = struct.Struct("<4sHHHHLLH")

VERSION: Final = 45
"""Version needed to extract (§4.4.3): 4.5, for zip64."""
MADE_BY_UNIX: Final = 3 << 8 | VERSION
"""Version made by (§4.4.2); the upper octet says that the attributes are modes of Unix."""

FLAGS: Final = 1 << 3 | 1 << 11
"""Flags of members (§4.4.4): sizes follow the data; names are in UTF-8."""
DEFLATED: Final = 8
FILE_MODE: Final = 0o100600 << 16
FOLDER_MODE: Final = 0o040700 << 16 | 0x10
"""Method (§4.4.5), and attributes of members (§4.4.15): modes of Unix above, the bit for a folder of MS-DOS below."""
MAX32: Final = 0xFFFFFFFF
MAX16: Final = 0xFFFF
"""The largest values of fields of 32 and 16 bits: they say that the number is in a record of zip64 (§4.4.1.4)."""

FIRST_YEAR: Final = 1980
LAST_YEAR: Final = 2107
"""The years that a date of MS-DOS can have: seven bits, counted from the first (§4.4.6)."""

LEVEL: Final = 6
"""Compression level, zlib's default: mail shrinks to a third, at 30 MB/s."""


class ZipWriter:
    """Writer of a zip file; its methods return the octets. For one thread at a time."""

    def __init__(self, directory: Path) -> None:
        """`directory` is for the temporary file."""
        self._directory = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115 - closed by close()
        self._offset = 0
        self._count = 0

    def begin(self, name: str, mtime: int, *, folder: bool = False, level: int = LEVEL) -> bytes:
        """The header of a member; `mtime` is Unix time, `level` zlib's: 0 for data that is compressed already."""
        self._name = name.encode("utf-8", "replace") + (b"/" if folder else b"")
        self._time, self._date = _dos_time(mtime)
        self._folder = folder
        self._start = self._offset
        self._crc = self._size = self._packed = 0
        self._compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
        # Always, also for a small member: its size is not known yet, and the form of the descriptor depends on this
        # field.
        extra = ZIP64_LOCAL.pack(1, 16, 0, 0)
        head = LOCAL.pack(
            b"PK\x03\x04",
            VERSION,
            FLAGS,
            DEFLATED,
            self._time,
            self._date,
            0,
            MAX32,
            MAX32,
            len(self._name),
            len(extra),
        )
        return self._count_octets(head + self._name + extra)

    def data(self, piece: bytes) -> bytes:
        """Octets of the member."""
        self._crc = zlib.crc32(piece, self._crc)
        self._size += len(piece)
        return self._pack(self._compressor.compress(piece))

    def end(self) -> bytes:
        """The end of the member."""
        rest = self._pack(self._compressor.flush())
        extra = ZIP64_CENTRAL.pack(1, 24, self._size, self._packed, self._start)
        # Stored in a file, because a mailbox may have hundreds of thousands of messages, each a member of a Maildir.
        self._directory.write(
            CENTRAL.pack(
                b"PK\x01\x02",
                MADE_BY_UNIX,
                VERSION,
                FLAGS,
                DEFLATED,
                self._time,
                self._date,
                self._crc,
                MAX32,
                MAX32,
                len(self._name),
                len(extra),
                0,
                0,
                0,
                FOLDER_MODE if self._folder else FILE_MODE,
                MAX32,
            )
            + self._name
            + extra
        )
        self._count += 1
        return rest + self._count_octets(DESCRIPTOR.pack(b"PK\x07\x08", self._crc, self._packed, self._size))

    def directory(self, position: int, size: int) -> bytes:
        """Octets of the directory, after the last member."""
        self._directory.seek(position)
        return self._directory.read(size)

    def trailer(self) -> bytes:
        """The records after the directory: its end in zip64 form, the locator, and the end record (§4.3.14 to 16)."""
        size = self._directory.seek(0, 2)
        end = self._offset + size
        return (
            END64.pack(
                b"PK\x06\x06",
                END64.size - 12,
                MADE_BY_UNIX,
                VERSION,
                0,
                0,
                self._count,
                self._count,
                size,
                self._offset,
            )
            + LOCATOR.pack(b"PK\x06\x07", 0, end, 1)
            + END.pack(
                b"PK\x05\x06",
                0,
                0,
                min(self._count, MAX16),
                min(self._count, MAX16),
                min(size, MAX32),
                min(self._offset, MAX32),
                0,
            )
        )

    def close(self) -> None:
        """Close the temporary file, which deletes it."""
        self._directory.close()

    def _pack(self, packed: bytes) -> bytes:
        self._packed += len(packed)
        return self._count_octets(packed)

    def _count_octets(self, data: bytes) -> bytes:
        self._offset += len(data)
        return data


def _dos_time(mtime: int) -> tuple[int, int]:
    at = datetime.fromtimestamp(max(mtime, 0), UTC)
    if at.year < FIRST_YEAR or at.year > LAST_YEAR:
        return 0, 1 << 5 | 1
    return at.hour << 11 | at.minute << 5 | at.second // 2, (at.year - FIRST_YEAR) << 9 | at.month << 5 | at.day
