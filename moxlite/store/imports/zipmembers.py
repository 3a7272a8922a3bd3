"""Members of a zip file, in the order of its directory (STORE-155, STORE-156).

`zipfile` keeps all of the directory in memory, so its size is looked at before.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import BinaryIO, Final

from moxlite.store.errors import ImportFailed
from moxlite.store.imports.tarstream import READ_SIZE, Member

__all__ = ["zip_members"]

MAX_MEMBERS: Final = 200_000
"""Of one file: some 700 octets each in memory. Who has more can use tar.gz, which needs none."""

MAX_DIRECTORY: Final = 64 << 20
"""Octets of the directory in the file."""

ENCRYPTED: Final = 1
"""Bit of a member's flags (APPNOTE.TXT §4.4.4)."""

EXTRA: Final = struct.Struct("<HH")
UNIX_TIME: Final = 0x5455
TIME: Final = struct.Struct("<Bi")
"""Extended timestamp, as Info-ZIP writes it: which times there are, and when the file was changed."""

END: Final = struct.Struct("<4s4H2LH")
END_MARK: Final = b"PK\x05\x06"
END64: Final = struct.Struct("<4sQ2H2L4Q")
LOCATOR: Final = struct.Struct("<4sLQL")
LOCATOR_MARK: Final = b"PK\x06\x07"


def zip_members(file: BinaryIO) -> Iterator[Member]:
    """All members of a zip file. Raises ImportFailed: it is damaged, or has too many members."""
    with _understood():
        _look_at_end(file)
        archive = zipfile.ZipFile(file)
    with archive:
        for info in archive.infolist():
            mtime, local = _time(info)
            pieces = _pieces(archive, info)
            yield Member(info.filename.rstrip("/"), _kind(info), info.file_size, mtime, pieces, local)


@contextmanager
def _understood() -> Iterator[None]:
    """What `zipfile` raises as words for the user."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError) as error:
        raise ImportFailed(f"the zip file is damaged: {error}") from None
    except (NotImplementedError, RuntimeError) as error:
        raise ImportFailed(f"the zip file cannot be read: {error}") from None


def _look_at_end(file: BinaryIO) -> None:
    """Refuse a directory that would fill the memory (APPNOTE.TXT §4.3.14..16)."""
    size = file.seek(0, 2)
    start = max(size - END.size - 0xFFFF, 0)
    file.seek(start)
    tail = file.read(size - start)
    at = tail.rfind(END_MARK)
    if at < 0 or len(tail) - at < END.size:
        raise ImportFailed("the zip file is cut short")
    count, directory = END.unpack_from(tail, at)[4:6]
    if at >= LOCATOR.size and tail.startswith(LOCATOR_MARK, at - LOCATOR.size):
        offset = LOCATOR.unpack_from(tail, at - LOCATOR.size)[2]
        if offset + END64.size > size:
            raise ImportFailed("the zip file is damaged")
        file.seek(offset)
        count, directory = END64.unpack(file.read(END64.size))[7:9]
    if count > MAX_MEMBERS or directory > MAX_DIRECTORY:
        raise ImportFailed(f"the zip file has over {MAX_MEMBERS} members: use a tar.gz file")
    file.seek(0)


def _kind(info: zipfile.ZipInfo) -> str:
    mode = info.external_attr >> 16
    if info.filename.endswith("/"):  # as is_dir() does it, which breaks on an empty name
        return "folder"
    if info.flag_bits & ENCRYPTED:
        return "encrypted member"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "member with an unknown compression"
    if stat.S_IFMT(mode) in (0, stat.S_IFREG):
        return "file"
    return "link" if stat.S_ISLNK(mode) else "device"


def _time(info: zipfile.ZipInfo) -> tuple[int, bool]:
    """When the file was changed, and whether that is local time of nobody knows where."""
    extra = info.extra
    while len(extra) >= EXTRA.size:
        kind, size = EXTRA.unpack_from(extra)
        field, extra = extra[EXTRA.size : EXTRA.size + size], extra[EXTRA.size + size :]
        if kind == UNIX_TIME and len(field) >= TIME.size and field[0] & 1:
            return TIME.unpack_from(field)[1], False
    try:
        return int(datetime(*info.date_time, tzinfo=UTC).timestamp()), True
    except ValueError:
        return 0, True


def _pieces(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with _understood():
        data = archive.open(info)
    with data:
        while True:
            with _understood():
                piece = data.read(READ_SIZE)
            if not piece:
                return
            yield piece
