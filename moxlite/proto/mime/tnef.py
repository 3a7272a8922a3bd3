"""Files in TNEF (MS-OXTNEF), the ``winmail.dat`` of Outlook and Exchange, as an entity of MIME (STORE-52c).

A stream of attributes is read once and forward, with no recursion: the title, octets and MAPI properties of each file,
and the formatted text of the message, which is RTF (MS-OXRTFCP). Malformed parts become no entity. A truncated
attribute ends the stream. The same octets have to give the same entity for ever, since offsets of its parts are stored:
a change here raises `PARSE_VERSION`.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

from .signeddata import signed_content

_SIGNATURE: Final = 0x223E9F78.to_bytes(4, "little")

# Attributes (MS-OXTNEF §2.1.3): ids with their types.
_CODE_PAGE: Final = 0x00069007
_MESSAGE_PROPERTIES: Final = 0x00069003
_NEW_FILE: Final = 0x00069002
_FILE_TITLE: Final = 0x00018010
_FILE_OCTETS: Final = 0x0006800F
_FILE_PROPERTIES: Final = 0x00069005

# MAPI properties (MS-OXPROPS); of names the long one, the short one, that which is shown.
_RTF: Final = 0x1009
_FILE_CONTENT: Final = 0x3701
_FILE_NAMES: Final = (0x3707, 0x3704, 0x3001)
_FILE_TYPE: Final = 0x370E
_FILE_ID: Final = 0x3712

_SIZES: Final = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}
"""Octets of each type's values, including padding."""

_VARIABLE: Final = frozenset({0x0D, 0x1E, 0x1F, 0x102})

# Types whose values differ from octets, what an object begins with, and marks of a tag (MS-OXTNEF §2.1.3.4).
_OBJECT: Final = 0x0D
_STRING: Final = 0x1E
_UNICODE: Final = 0x1F
_GUID: Final = 16
_SEVERAL: Final = 0x1000
_NAMED: Final = 0x8000

_MAX_FILES: Final = 200  # more than programs attach
_TYPE: Final = re.compile(r"(?!multipart/|message/)[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,100}", re.IGNORECASE)
_ID: Final = re.compile(r"[!-;=?-~]{1,300}")
_MAX_NAME: Final = 200  # octets, fewer than a file system allows
_BOUNDARY: Final = "winmail"
_TYPES: Final = {
    "pdf": "application/pdf",
    "rtf": "application/rtf",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "zip": "application/zip",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
}
"""Media types by file extension, for files without a type in TNEF."""

_LZFU: Final = b"LZFu"
_PLAIN: Final = b"MELA"
_DICTIONARY: Final = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans Serif"
    rb"SymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
"""Text that references may lead to before there is any (MS-OXRTFCP §2.1.2.1)."""

_WINDOW: Final = 4096  # octets back that a reference may lead
_MAX_RTF: Final = 4 << 20  # octets, which text has only with pictures


class _Malformed(ValueError):
    """The octets are not written as the format says."""


class _File:
    """A file, as its attributes fill it in."""

    def __init__(self) -> None:
        self.name = ""
        self.type = ""
        self.content_id = ""
        self.octets = b""

    def take(self, attribute: int, data: bytes, charset: str) -> None:
        """Take what an attribute says of the file. Raises _Malformed."""
        if attribute == _FILE_TITLE:
            self.name = self.name or _text(data, charset)
        elif attribute == _FILE_OCTETS:
            self.octets = data
        elif attribute == _FILE_PROPERTIES:
            self._describe(_properties(data, charset))

    def _describe(self, properties: Mapping[int, bytes | str]) -> None:
        names = (properties.get(name) for name in _FILE_NAMES)
        self.name = next((name for name in names if isinstance(name, str) and name), self.name)
        kind, identity = properties.get(_FILE_TYPE, ""), properties.get(_FILE_ID, "")
        self.type = kind if isinstance(kind, str) else self.type
        self.content_id = identity.strip("<>") if isinstance(identity, str) else self.content_id
        content = properties.get(_FILE_CONTENT, b"")
        self.octets = self.octets or (content if isinstance(content, bytes) else b"")


def wrapped_content(octets: bytes) -> bytes | None:
    """The entity in TNEF or signed-data, None if they have none."""
    return tnef_content(octets) if octets.startswith(_SIGNATURE) else signed_content(octets)


def tnef_content(octets: bytes) -> bytes | None:
    """A multipart of the files in TNEF, None without any."""
    try:
        files = _files(octets)
    except _Malformed:
        return None
    if not files:
        return None
    lines = [f"Content-Type: multipart/mixed; boundary={_BOUNDARY}\r\n\r\n".encode()]
    for file in files:
        extension = file.name.rpartition(".")[2].lower()
        kind = file.type if _TYPE.fullmatch(file.type) else _TYPES.get(extension, "application/octet-stream")
        name = quote(file.name.encode("utf-8", "replace")[:_MAX_NAME].decode(errors="ignore"), safe="")
        place = f"attachment; filename*=utf-8''{name}" if name else "attachment"
        identity = f"Content-ID: <{file.content_id}>\r\n" if _ID.fullmatch(file.content_id) else ""
        head = f"--{_BOUNDARY}\r\nContent-Type: {kind}\r\nContent-Disposition: {place}\r\n{identity}"
        lines.append(f"{head}Content-Transfer-Encoding: base64\r\n\r\n".encode())
        text = b64encode(file.octets)
        lines += [text[at : at + 76] + b"\r\n" for at in range(0, len(text), 76)]
    lines.append(f"--{_BOUNDARY}--\r\n".encode())
    return b"".join(lines)


def _files(octets: bytes) -> list[_File]:
    """The files, and the text as one. Raises _Malformed."""
    if not octets.startswith(_SIGNATURE):
        raise _Malformed
    files: list[_File] = []
    text = _File()
    charset = "cp1252"
    for attribute, data in _attributes(octets):
        if attribute == _CODE_PAGE:
            charset = _charset(int.from_bytes(data[:4], "little"))
        elif attribute == _MESSAGE_PROPERTIES:
            rtf = _properties(data, charset).get(_RTF, b"")
            text.name, text.type = "message.rtf", "application/rtf"
            text.octets = b"" if isinstance(rtf, str) else _rtf(rtf)
        elif attribute == _NEW_FILE:
            files.append(_File())
            if len(files) == _MAX_FILES:
                break
        elif files:
            files[-1].take(attribute, data, charset)
    return [*([text] if text.octets else []), *files]


def _attributes(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Attributes with their data, up to the end or the one that was cut off. Raises _Malformed."""
    at = 6  # after the signature and a key
    while at + 9 <= len(octets):
        level, attribute = octets[at], int.from_bytes(octets[at + 1 : at + 5], "little")
        end = at + 9 + int.from_bytes(octets[at + 5 : at + 9], "little")
        if level not in (1, 2):
            raise _Malformed
        if end + 2 > len(octets):
            return
        yield attribute, octets[at + 9 : end]
        at = end + 2  # after a checksum, which some programs write wrongly


def _charset(page: int) -> str:
    return "utf-8" if page == 65001 else f"cp{page}" if 437 <= page <= 1258 else "cp1252"


def _text(data: bytes, charset: str) -> str:
    try:
        return data.partition(b"\0")[0].decode(charset, "replace")
    except LookupError:
        return data.partition(b"\0")[0].decode("cp1252", "replace")


class _Reader:
    """Octets of MAPI properties, read once and forward. What is missing raises _Malformed."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self) -> int:
        return int.from_bytes(self.piece(4), "little")

    def piece(self, length: int) -> bytes:
        """Octets, padded to four."""
        start, self._at = self._at, self._at - (-length // 4) * 4
        if self._at > len(self._data):
            raise _Malformed
        return self._data[start : start + length]


def _properties(data: bytes, charset: str) -> dict[int, bytes | str]:
    """MAPI properties with texts and octets by their ids. Raises _Malformed."""
    found: dict[int, bytes | str] = {}
    reader = _Reader(data)
    for _ in range(reader.number()):
        tag = reader.number()
        kind, name = tag & 0xFFFF & ~_SEVERAL, tag >> 16
        if name >= _NAMED:
            reader.piece(_GUID)
            if reader.number():
                reader.piece(reader.number())
            else:
                reader.number()
        if kind not in _SIZES and kind not in _VARIABLE:
            raise _Malformed
        for _ in range(reader.number() if tag & _SEVERAL or kind in _VARIABLE else 1):
            value = reader.piece(_SIZES[kind] if kind in _SIZES else reader.number())
            if kind in _VARIABLE:
                found[name] = _value(kind, value, charset)
    return found


def _value(kind: int, value: bytes, charset: str) -> bytes | str:
    if kind == _UNICODE:
        return value.decode("utf-16-le", "replace").rstrip("\0")
    if kind == _STRING:
        return _text(value, charset)
    return value[_GUID:] if kind == _OBJECT else value


def _rtf(packed: bytes) -> bytes:
    """Compressed RTF as it is written (MS-OXRTFCP §3.1.3); b"" for something else."""
    size, kind = int.from_bytes(packed[4:8], "little"), packed[8:12]
    if kind == _PLAIN:
        return packed[16 : 16 + size]
    if kind != _LZFU or size > _MAX_RTF:
        return b""
    text = bytearray(_DICTIONARY)
    end = len(text) + size
    at = 16
    while at < len(packed) and len(text) < end:
        control = packed[at]
        at += 1
        for bit in range(8):
            if at >= len(packed) or len(text) >= end:
                break
            if not control >> bit & 1:
                text.append(packed[at])
                at += 1
                continue
            reference = int.from_bytes(packed[at : at + 2], "big")
            at += 2
            place, here = reference >> 4, len(text) % _WINDOW
            if place == here:  # the end
                at = len(packed)
                break
            start = len(text) - ((here - place) % _WINDOW)
            if start < 0:
                return b""
            for number in range((reference & 0xF) + 2):
                text.append(text[start + number])
    return bytes(text[len(_DICTIONARY) : end])
