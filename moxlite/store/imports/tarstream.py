"""Reading tar files as a stream, in order and without seeking; no field is trusted (STORE-155, STORE-156).

Python's `tarfile` parses one header block; its own stream reader is not used, for it reads extended headers of any
size into memory, and takes a file cut short between two members for a complete one.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from moxlite.proto.tar import BLOCK
from moxlite.store.errors import ImportFailed

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
                raise ImportFailed("the archive is cut short")
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
            raise ImportFailed("the archive is damaged: a negative size")
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
        kind = KINDS.get(info.type, "unknown kind of member")
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
            raise ImportFailed("the archive is cut short")
        block += more
    return block or None


def _exactly(read: Read, size: int) -> bytes:
    parts = []
    while size:
        data = read(min(size, READ_SIZE))
        if not data:
            raise ImportFailed("the archive is cut short")
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
