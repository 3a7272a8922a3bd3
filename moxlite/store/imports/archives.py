"""Members of archives, read as a stream without trusting any field: tar files in order, zip files in the order of their
directory (STORE-155, STORE-156).
"""

from __future__ import annotations

import stat
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import BinaryIO, Final

import msgspec

from moxlite.proto.tar import BLOCK
from moxlite.store.errors import ImportFailed

# Reading tar files as a stream, in order and without seeking; no field is trusted (STORE-155, STORE-156).
#
# Python's `tarfile` parses one header block; its own stream reader is not used, for it reads extended headers of any
# size into memory, and takes a file cut short between two members for a complete one.


MAX_EXTENDED: Final = 1 << 20
"""Octets of an extended header: names are at most 4 KiB on all systems, but programs may add many other records."""

MAX_RECORDS: Final = 1_000
"""Records of an extended header that are parsed; programs write ten, and one for each extended attribute."""

WANTED: Final = frozenset((b"path", b"size", b"mtime"))
"""Records of an extended header that are kept; there may be hundreds of thousands of others."""

READ_SIZE: Final = 256 << 10
"""Maximum number of octets per read."""

Read = Callable[[int], bytes]
"""Function that returns at most the given number of octets, and at least one, but none at the end."""


class Member(msgspec.Struct, frozen=True):
    """A member of an archive; `pieces` are its octets, to be read before the next member. `kind` is "file", "folder",
    or the name of a kind that is not imported. `mtime` is Unix time; if `local_time`, in an unknown time zone.
    """

    name: str
    kind: str
    size: int
    mtime: int
    pieces: Iterator[bytes]
    local_time: bool = False


KINDS: Final = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.CONTTYPE: "file",
    tarfile.DIRTYPE: "folder",
    tarfile.LNKTYPE: "link",
    tarfile.SYMTYPE: "link",
    tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device",
    tarfile.FIFOTYPE: "device",
}


class _Data:
    """The data of one member, as an iterator; unread data can be skipped."""

    def __init__(self, read: Read, size: int) -> None:
        self._read = read
        self._left = size
        self._padding = -size % BLOCK

    def __iter__(self) -> Iterator[bytes]:
        while self._left:
            data = self._read(min(self._left, READ_SIZE))
            if not data:
                raise ImportFailed("the archive is truncated")
            self._left -= len(data)
            yield data

    def skip(self) -> None:
        """Skip the rest of the member and its padding."""
        for _ in self:
            pass
        if self._padding:
            _exactly(self._read, self._padding)


def members(read: Read) -> Iterator[Member]:
    """All members of a tar file, to its end mark or its end. Raises ImportFailed: it is damaged."""
    name, size, mtime = "", -1, -1  # of extended headers, for the next member
    while True:
        block = _block(read)
        if block is None or not block.strip(b"\0"):
            return
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise ImportFailed(f"the archive is damaged: {error}") from None
        if info.size < 0:
            raise ImportFailed("the archive is damaged: negative size")
        if info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
            data = _extended(read, info.size)
            if info.type == tarfile.GNUTYPE_LONGNAME:
                name = data.rstrip(b"\0").decode("utf-8", "surrogateescape")
            elif info.type != tarfile.GNUTYPE_LONGLINK:
                fields = _records(data)
                name = fields.get(b"path", b"").decode("utf-8", "surrogateescape") or name
                size, mtime = _number(fields.get(b"size"), size), _number(fields.get(b"mtime"), mtime)
            continue
        if info.type == tarfile.XGLTYPE:
            _extended(read, info.size)
            continue
        kind = KINDS.get(info.type, "unknown member type")
        # A link may have the size of its target in its header, but has no data.
        length = 0 if kind in ("link", "device", "folder") else size if size >= 0 else info.size
        member = _Data(read, length)
        name = name or info.name
        if name.endswith("/"):
            kind = "folder" if kind == "file" else kind
        yield Member(name.rstrip("/"), kind, length, mtime if mtime >= 0 else int(info.mtime), iter(member))
        member.skip()
        name, size, mtime = "", -1, -1


def _block(read: Read) -> bytes | None:
    """Read the next header block; None at the end of the file."""
    block = read(BLOCK)
    while 0 < len(block) < BLOCK:
        more = read(BLOCK - len(block))
        if not more:
            raise ImportFailed("the archive is truncated")
        block += more
    return block or None


def _exactly(read: Read, size: int) -> bytes:
    parts = []
    while size:
        data = read(min(size, READ_SIZE))
        if not data:
            raise ImportFailed("the archive is truncated")
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


def _extended(read: Read, size: int) -> bytes:
    if size > MAX_EXTENDED:
        raise ImportFailed("the archive is damaged: an extended header is too long")
    data = _exactly(read, size)
    _exactly(read, -size % BLOCK)
    return data


def _records(data: bytes) -> dict[bytes, bytes]:
    """Values of the ``LENGTH NAME=VALUE`` records of an extended header (POSIX pax) that are `WANTED`, up to the first
    malformed one.
    """
    found: dict[bytes, bytes] = {}
    at = 0
    for _ in range(MAX_RECORDS):
        space = data.find(b" ", at, at + 10)
        if space < 0 or not data[at:space].isdigit():
            break
        end = at + int(data[at:space])
        if end <= space or end > len(data):
            break
        name, equals, value = data[space + 1 : end].partition(b"=")
        if equals and name in WANTED:
            found[name] = value.removesuffix(b"\n")
        at = end
    return found


def _number(text: bytes | None, otherwise: int) -> int:
    digits = (text or b"").partition(b".")[0]
    return int(digits) if digits.isdigit() and len(digits) < 19 else otherwise


# Members of a zip file, in the order of its directory, which is read as a stream (APPNOTE.TXT; STORE-155, STORE-156).
#
# Python's `zipfile` keeps all of the directory in memory, some 700 octets for a member and more for long names, so it
# is not used. All fields of a member are taken from the directory; its local header only gives the offset of its
# data.


ENTRY: Final = struct.Struct("<4s6H3L5H2L")
ENTRY_MARK: Final = b"PK\x01\x02"
"""First octets of a member's entry in the directory (§4.3.12)."""

LOCAL: Final = struct.Struct("<4s5H3L2H")
LOCAL_MARK: Final = b"PK\x03\x04"
"""First octets of the header before a member's data (§4.3.7)."""

END: Final = struct.Struct("<4s4H2LH")
END_MARK: Final = b"PK\x05\x06"
END64: Final = struct.Struct("<4sQ2H2L4Q")
END64_MARK: Final = b"PK\x06\x06"
LOCATOR: Final = struct.Struct("<4sLQL")
LOCATOR_MARK: Final = b"PK\x06\x07"
"""First octets of the records that give the offset of the directory (§4.3.14..16)."""

ENCRYPTED: Final = 1
UTF8: Final = 1 << 11
"""Bits of a member's flags (§4.4.4)."""

STORED: Final = 0
DEFLATED: Final = 8
"""Methods of compression (§4.4.5); all others are rare, and not supported."""

EXTRA: Final = struct.Struct("<HH")
ZIP64: Final = 0x0001
UNIX_TIME: Final = 0x5455
TIME: Final = struct.Struct("<Bi")
"""Extended timestamp of Info-ZIP: bits of the times that are present, and the time of modification."""

BIG: Final = 0xFFFFFFFF
"""Marks a value that is in the extra field ZIP64 instead (§4.5.3)."""


FARTHEST: Final = 1 << 62
"""Offset beyond any file; systems refuse to seek to some offsets above it."""


class _Entry(msgspec.Struct):
    """A member's entry in the directory; `offset` is the position of its local header in the file."""

    name: str
    flags: int
    method: int
    checksum: int
    packed: int
    size: int
    offset: int
    mode: int
    mtime: int
    local_time: bool


def zip_members(file: BinaryIO) -> Iterator[Member]:
    """All members of a zip file. Raises ImportFailed: it is damaged."""
    for entry in _directory(file):
        pieces = _pieces(file, entry)
        yield Member(entry.name.rstrip("/"), _kind(entry), entry.size, entry.mtime, pieces, entry.local_time)


class _Part:
    """A part of a file, read in blocks; other readers may move the file's position between two calls."""

    def __init__(self, file: BinaryIO, at: int, size: int) -> None:
        self._file = file
        self._at = at
        self._left = size
        self._block = b""
        self._used = 0

    def more(self) -> bool:
        """Whether there are octets left."""
        return self._left > 0 or self._used < len(self._block)

    def take(self, size: int) -> bytes:
        """Read exactly `size` octets. Raises ImportFailed: there are fewer."""
        while len(self._block) - self._used < size:
            self._file.seek(self._at)
            data = self._file.read(min(self._left, READ_SIZE))
            if not data:
                raise ImportFailed("the zip file is damaged: truncated directory")
            self._at += len(data)
            self._left -= len(data)
            self._block, self._used = self._block[self._used :] + data, 0
        self._used += size
        return self._block[self._used - size : self._used]


def _directory(file: BinaryIO) -> Iterator[_Entry]:
    at, size, before = _find_directory(file)
    part = _Part(file, at, size)
    while part.more():
        fixed = part.take(ENTRY.size)
        if not fixed.startswith(ENTRY_MARK):
            raise ImportFailed("the zip file is damaged: invalid directory entry")
        yield _entry(fixed, part.take(sum(ENTRY.unpack(fixed)[10:13])), before)


def _find_directory(file: BinaryIO) -> tuple[int, int, int]:
    """Find the directory: returns its offset, its octets, and the number of octets before the archive, as in
    self-extracting files.
    """
    size = file.seek(0, 2)
    start = max(size - END.size - LOCATOR.size - 0xFFFF, 0)
    file.seek(start)
    tail = file.read(size - start)
    # From the end: a comment, or a zip file within this one, may have the same four octets.
    at = tail.rfind(END_MARK)
    if at < 0 or len(tail) - at < END.size:
        raise ImportFailed("the zip file is truncated")
    length, offset = END.unpack_from(tail, at)[5:7]
    end = start + at
    if at >= LOCATOR.size and tail.startswith(LOCATOR_MARK, at - LOCATOR.size):
        end = LOCATOR.unpack_from(tail, at - LOCATOR.size)[2]
        if end + END64.size > size:
            raise ImportFailed("the zip file is damaged: invalid end record")
        file.seek(end)
        found = END64.unpack(file.read(END64.size))
        if found[0] != END64_MARK:
            raise ImportFailed("the zip file is damaged: invalid end record")
        length, offset = found[8:10]
    # Compare the directory's position by its length with its stored offset. The difference is data before the archive.
    before = end - length - offset
    if before < 0 or length > size:
        raise ImportFailed("the zip file is damaged: truncated directory")
    return before + offset, length, before


def _entry(fixed: bytes, variable: bytes, before: int) -> _Entry:
    """Parse an entry from its fixed part, and from `variable`: name, extra fields and comment."""
    fields = ENTRY.unpack(fixed)
    flags, method, time, date, checksum, packed, size, name_length, extra_length = fields[3:12]
    offset, attributes = fields[16], fields[15]
    raw, extra = variable[:name_length], variable[name_length : name_length + extra_length]
    mtime, local_time = _dos_time(date, time), True
    while len(extra) >= EXTRA.size:
        kind, length = EXTRA.unpack_from(extra)
        field, extra = extra[EXTRA.size : EXTRA.size + length], extra[EXTRA.size + length :]
        if kind == UNIX_TIME and len(field) >= TIME.size and field[0] & 1:
            mtime, local_time = TIME.unpack_from(field)[1], False
        elif kind == ZIP64:
            size, field = _wide(size, field)
            packed, field = _wide(packed, field)
            offset, field = _wide(offset, field)
    # Programs on Windows write "\\" as well, against §4.4.17.1.
    name = raw.decode("utf-8" if flags & UTF8 else "cp437", "replace").replace("\\", "/")
    return _Entry(name, flags, method, checksum, packed, size, before + offset, attributes >> 16, mtime, local_time)


def _wide(value: int, field: bytes) -> tuple[int, bytes]:
    """Return a number, from the extra field ZIP64 if it is `BIG`, and the rest of that field."""
    if value != BIG or len(field) < 8:
        return value, field
    return int.from_bytes(field[:8], "little"), field[8:]


def _dos_time(date: int, time: int) -> int:
    """Unix time of a DOS date and time, whose unknown time zone is taken as UTC; 0 if it is invalid."""
    day, clock = (1980 + (date >> 9), date >> 5 & 15, date & 31), (time >> 11, time >> 5 & 63, (time & 31) * 2)
    try:
        return int(datetime(*day, *clock, tzinfo=UTC).timestamp())
    except ValueError:
        return 0


def _kind(entry: _Entry) -> str:
    if entry.name.endswith("/"):
        return "folder"
    if entry.flags & ENCRYPTED:
        return "encrypted member"
    if entry.method not in (STORED, DEFLATED):
        return "member with unknown compression"
    if stat.S_IFMT(entry.mode) in (0, stat.S_IFREG):
        return "file"
    return "link" if stat.S_ISLNK(entry.mode) else "device"


def _pieces(file: BinaryIO, entry: _Entry) -> Iterator[bytes]:
    """Yield the octets of a member, `READ_SIZE` at most at a time. Raises ImportFailed: wrong size or check sum."""
    header = b""
    if entry.offset < FARTHEST:
        file.seek(entry.offset)
        header = file.read(LOCAL.size)
    if len(header) < LOCAL.size or not header.startswith(LOCAL_MARK):
        raise ImportFailed(f"the zip file is damaged: no file entry at offset {entry.offset}")
    at = entry.offset + LOCAL.size + sum(LOCAL.unpack(header)[9:11])
    checksum, size = 0, 0
    for piece in _unpacked(file, at, entry):
        checksum = zlib.crc32(piece, checksum)
        size += len(piece)
        if size > entry.size:
            break
        yield piece
    if size != entry.size or checksum != entry.checksum:
        raise ImportFailed("the zip file is damaged: checksum mismatch")


def _unpacked(file: BinaryIO, at: int, entry: _Entry) -> Iterator[bytes]:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS) if entry.method == DEFLATED else None
    left = entry.packed
    while left:
        file.seek(at)
        data = file.read(min(left, READ_SIZE))
        if not data:
            raise ImportFailed("the zip file is truncated")
        at += len(data)
        left -= len(data)
        if inflate is None:
            yield data
            continue
        while data and not inflate.eof:
            if piece := _inflated(inflate, data):
                yield piece
            data = inflate.unconsumed_tail
    while inflate is not None and not inflate.eof:
        piece = _inflated(inflate, b"")
        if not piece:
            raise ImportFailed("the zip file is damaged: a file in it is truncated")
        yield piece


def _inflated(inflate: zlib._Decompress, data: bytes) -> bytes:
    try:
        return inflate.decompress(data, READ_SIZE)
    except zlib.error as error:
        raise ImportFailed(f"the zip file is damaged: {error}") from None
