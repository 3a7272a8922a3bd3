"""Files in TNEF (MS-OXTNEF), the ``winmail.dat`` of Outlook and Exchange, as an entity of MIME (STORE-52c).

A stream of attributes is read once and forward: the title, octets and MAPI properties of each file, and the text of the
message, which is HTML, plain, or RTF (MS-OXRTFCP). An attached message is a stream of its own, of which those within it
stay files. Malformed parts become no entity. A truncated attribute ends the stream. If something isn't in the entity,
the whole stream is a file in it. The same octets have to give the same entity for ever, since offsets of its parts are
stored: a change here raises `PARSE_VERSION`.
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
_BODY: Final = 0x0002800C
_CODE_PAGE: Final = 0x00069007
_MESSAGE_PROPERTIES: Final = 0x00069003
_NEW_FILE: Final = 0x00069002
_FILE_TITLE: Final = 0x00018010
_FILE_OCTETS: Final = 0x0006800F
_FILE_PROPERTIES: Final = 0x00069005

# MAPI properties (MS-OXPROPS); of names the long one, the short one, that which is shown.
_SUBJECT: Final = 0x0037
_SENDER: Final = 0x0C1A
_SENDER_ADDRESS: Final = 0x0C1F
_PLAIN_TEXT: Final = 0x1000
_RTF: Final = 0x1009
_HTML: Final = 0x1013
_HTML_CODE_PAGE: Final = 0x3FDE
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
_MESSAGE: Final = bytes.fromhex("0703020000000000C000000000000046")  # of IID_IMessage
_SEVERAL: Final = 0x1000
_NAMED: Final = 0x8000

_MAX_FILES: Final = 200  # more than programs attach
_TYPE: Final = re.compile(r"(?!multipart/|message/)[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,100}", re.IGNORECASE)
_ID: Final = re.compile(r"[!-;=?-~]{1,300}")
_ADDRESS: Final = re.compile(r"[!#-'*+\-./0-9=?A-Z^_`a-z{|}~]{1,64}@[A-Za-z0-9.-]{1,255}")
_MAX_FIELD: Final = 500  # characters of a field of an attached message
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

_CODECS: Final = {65001: "utf-8", 50220: "iso2022_jp", 20866: "koi8-r", 51932: "euc_jp", 54936: "gb18030"}
"""Code pages of Windows whose codecs have other names."""

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
_MAX_TEXT: Final = 4 << 20  # octets, of all RTF, and of each other text


class _Malformed(ValueError):
    """The octets are not written as the format says."""


class _File:
    """A file, as its attributes fill it in. `message`: an attached message, in TNEF, b"" for none."""

    def __init__(self) -> None:
        self.message = b""
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
        if isinstance(content, bytes) and content.startswith(_MESSAGE + _SIGNATURE):
            self.message = content[_GUID:]  # its octets beside it say that programs without MAPI can't read it
        elif isinstance(content, bytes):
            self.octets = self.octets or content


class _Message:
    """The content of a stream. `whole`: all of it is in the other attributes; `end`: octets that were read."""

    def __init__(self) -> None:
        self.fields: dict[int, bytes | str] = {}
        self.plain = self.html = ""
        self.rtf = b""
        self.files: list[_File] = []
        self.whole = True
        self.end = 0

    def describe(self, properties: dict[int, bytes | str], charset: str, room: int) -> None:
        """Take the message's MAPI properties, and RTF of at most `room` octets."""
        for name in (_HTML, _PLAIN_TEXT):
            if len(properties.get(name, "")) > _MAX_TEXT:
                del properties[name]
                self.whole = False
        self.fields = properties
        page, html, rtf = (properties.get(name, b"") for name in (_HTML_CODE_PAGE, _HTML, _RTF))
        if isinstance(html, bytes):
            codec = _charset(int.from_bytes(page, "little")) if page and isinstance(page, bytes) else charset
            html = _text(html, codec)
        self.html = html
        self.plain = self.text(_PLAIN_TEXT) or self.plain
        self.rtf = _rtf(rtf, room) if isinstance(rtf, bytes) else b""
        self.whole = self.whole and bool(self.rtf) == bool(rtf)

    def text(self, name: int) -> str:
        """A property that is a text, "" without it."""
        value = self.fields.get(name, "")
        return value if isinstance(value, str) else ""


def wrapped_content(octets: bytes) -> bytes | None:
    """The entity in TNEF or signed-data, None if they have none."""
    return tnef_content(octets) if octets.startswith(_SIGNATURE) else signed_content(octets)


def tnef_content(octets: bytes) -> bytes | None:
    """A multipart of the text and the files in TNEF, None without any."""
    try:
        message = _read(octets, _MAX_TEXT)
    except _Malformed:
        return None
    if not (message.files or message.html or message.plain or message.rtf):
        return None
    return b"".join(_entity(message, _BOUNDARY, b"" if message.whole else octets))


def _entity(message: _Message, boundary: str, stream: bytes) -> Iterator[bytes]:
    """The pieces of a multipart. `stream`: octets in which there is more, b"" for none."""
    yield f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n".encode()
    room = _MAX_TEXT - len(message.rtf)
    text, kind = (message.html, "html") if message.html else (message.plain, "plain")
    if text:
        head = f"Content-Type: text/{kind}; charset=utf-8\r\n"
        yield from _part(boundary, head, text.encode("utf-8", "replace"))
    if message.rtf and not message.html:
        yield from _attached(boundary, "application/rtf", "message.rtf", message.rtf)
    for file in message.files:
        extension = file.name.rpartition(".")[2].lower()
        kind = file.type if _TYPE.fullmatch(file.type) else _TYPES.get(extension, "application/octet-stream")
        identity = f"Content-ID: <{file.content_id}>\r\n" if _ID.fullmatch(file.content_id) else ""
        if not file.message:
            yield from _attached(boundary, kind, file.name, file.octets, identity)
        elif boundary == _BOUNDARY and (inner := _message_in(file.message, room)) is not None:
            room -= len(inner.rtf)
            yield f"--{boundary}\r\nContent-Type: message/rfc822\r\n{_place(file.name)}\r\n".encode()
            yield _fields(inner)
            yield from _entity(inner, f"{_BOUNDARY}-message", b"" if inner.whole else file.message)
        else:
            yield from _attached(boundary, "application/ms-tnef", file.name, file.message, identity)
    if stream:
        yield from _attached(boundary, "application/ms-tnef", "winmail.dat", stream)
    yield f"--{boundary}--\r\n".encode()


def _message_in(octets: bytes, room: int) -> _Message | None:
    """An attached message, None if it can't be read."""
    try:
        return _read(octets, room)
    except _Malformed:
        return None


def _fields(message: _Message) -> bytes:
    """The header fields of an attached message before that of its content."""
    subject, name = (" ".join(message.text(field)[:_MAX_FIELD].split()) for field in (_SUBJECT, _SENDER))
    address = message.text(_SENDER_ADDRESS)
    quoted = name.replace("\\", "").replace('"', "")
    author = f'"{quoted}" <{address if _ADDRESS.fullmatch(address) else ""}>'
    return f"Subject: {subject}\r\nFrom: {author}\r\nMIME-Version: 1.0\r\n".encode("utf-8", "replace")


def _attached(boundary: str, kind: str, name: str, octets: bytes, identity: str = "") -> Iterator[bytes]:
    return _part(boundary, f"Content-Type: {kind}\r\n{_place(name)}{identity}", octets)


def _place(name: str) -> str:
    """The field that makes a part a file."""
    written = quote(name.encode("utf-8", "replace")[:_MAX_NAME].decode(errors="ignore"), safe="")
    place = f"attachment; filename*=utf-8''{written}" if written else "attachment"
    return f"Content-Disposition: {place}\r\n"


def _part(boundary: str, head: str, octets: bytes) -> Iterator[bytes]:
    yield f"--{boundary}\r\n{head}Content-Transfer-Encoding: base64\r\n\r\n".encode()
    text = b64encode(octets)
    yield b"".join(text[at : at + 76] + b"\r\n" for at in range(0, len(text), 76))


def _read(octets: bytes, room: int) -> _Message:
    """The text and the files. `room`: octets of RTF at most. Raises _Malformed."""
    if not octets.startswith(_SIGNATURE):
        raise _Malformed
    message = _Message()
    charset = "cp1252"
    for attribute, data, end in _attributes(octets):
        message.end = end
        if attribute == _CODE_PAGE:
            charset = _charset(int.from_bytes(data[:4], "little"))
        elif attribute == _BODY:
            message.plain = message.plain or _text(data, charset)
        elif attribute == _MESSAGE_PROPERTIES:
            message.describe(_properties(data, charset), charset, room)
        elif attribute == _NEW_FILE:
            message.files.append(_File())
            if len(message.files) == _MAX_FILES:
                message.whole = False
                break
        elif message.files:
            message.files[-1].take(attribute, data, charset)
    message.whole = message.whole and message.end == len(octets)
    return message


def _attributes(octets: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Attributes with their data and ends, up to the end or the one that was cut off. Raises _Malformed."""
    at = 6  # after the signature and a key
    while at + 9 <= len(octets):
        level, attribute = octets[at], int.from_bytes(octets[at + 1 : at + 5], "little")
        end = at + 9 + int.from_bytes(octets[at + 5 : at + 9], "little")
        if level not in (1, 2):
            raise _Malformed
        if end + 2 > len(octets):
            return
        yield attribute, octets[at + 9 : end], end + 2
        at = end + 2  # after a checksum, which some programs write wrongly


def _charset(page: int) -> str:
    if page in _CODECS:
        return _CODECS[page]
    return f"iso8859-{page - 28590}" if 28591 <= page <= 28605 else f"cp{page}" if 437 <= page <= 1258 else "cp1252"


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
            if kind in _VARIABLE or name == _HTML_CODE_PAGE:
                found[name] = _value(kind, value, charset)
    return found


def _value(kind: int, value: bytes, charset: str) -> bytes | str:
    if kind == _UNICODE:
        return value.decode("utf-16-le", "replace").rstrip("\0")
    if kind == _STRING:
        return _text(value, charset)
    return value[_GUID:] if kind == _OBJECT and not value.startswith(_MESSAGE) else value


def _rtf(packed: bytes, room: int) -> bytes:
    """Compressed RTF as it is written (MS-OXRTFCP §3.1.3); b"" for something else, and for one above `room` octets."""
    size, kind = int.from_bytes(packed[4:8], "little"), packed[8:12]
    if kind == _PLAIN:
        return packed[16 : 16 + size]
    if kind != _LZFU or size > room:
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
