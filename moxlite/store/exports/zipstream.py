"""Writing a zip file as a stream: no seeking, no list of members in memory (APPNOTE.TXT 6.3.10).

Sizes follow the data of each member (§4.3.9). Local headers and descriptors have the zip64 format, as a member's size
is not known when it begins. The directory, written at the end, is kept in a temporary file.
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

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
FLAGS: Final = 1 << 3 | 1 << 11
"""Flags of members (§4.4.4): sizes follow the data; names are in UTF-8."""
DEFLATED: Final = 8
FILE_MODE: Final = 0o100600 << 16
FOLDER_MODE: Final = 0o040700 << 16 | 0x10
MAX32: Final = 0xFFFFFFFF
MAX16: Final = 0xFFFF
FIRST_YEAR: Final = 1980
LAST_YEAR: Final = 2107

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
