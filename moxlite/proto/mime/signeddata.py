"""The content of CMS signed-data (RFC 5652 §5, RFC 8551 §3.5.2), which nothing encrypts: a message signed in one piece.

Only the way to the content is read, in the encoding rules of BER (X.690 §8), once and forward, with no recursion: the
content may be in pieces, and lengths may be indefinite, as programs write that sign while they read. Signatures and
certificates behind it are not looked at.
"""

from __future__ import annotations

from typing import Final

_SIGNED_DATA: Final = bytes.fromhex("2a864886f70d010702")  # RFC 5652 §5.1
_DATA: Final = bytes.fromhex("2a864886f70d010701")  # RFC 5652 §4

# Identifier octets (X.690 §8.1.2).
_OBJECT: Final = 0x06
_OCTETS: Final = 0x04
_PIECES: Final = 0x24
_SEQUENCE: Final = 0x30
_EXPLICIT: Final = 0xA0
_CONSTRUCTED: Final = 0x20
_END: Final = b"\0\0"
_INDEFINITE: Final = -1
_MAX_LENGTH: Final = 8  # octets of a length


class _Malformed(ValueError):
    """The octets are no signed-data with a content."""


def signed_content(octets: bytes) -> bytes | None:
    """The content of `octets`, None if they are not signed-data with content of the type data. Content that was cut off
    is as long as it is.
    """
    try:
        return _content(octets)
    except _Malformed:
        return None


def _content(octets: bytes) -> bytes:
    at, _ = _enter(octets, 0, _SEQUENCE)  # ContentInfo
    at = _object(octets, at, _SIGNED_DATA)
    at, _ = _enter(octets, at, _EXPLICIT)
    at, _ = _enter(octets, at, _SEQUENCE)  # SignedData
    at = _after(octets, at)  # version
    at = _after(octets, at)  # digestAlgorithms
    at, _ = _enter(octets, at, _SEQUENCE)  # encapContentInfo
    at = _object(octets, at, _DATA)
    at, _ = _enter(octets, at, _EXPLICIT)
    return _string(octets, at)


def _head(octets: bytes, at: int) -> tuple[int, int, int]:
    """Identifier octet, begin and end of the contents of the value at `at`; the end may be _INDEFINITE."""
    if at + 2 > len(octets) or octets[at] & 0x1F == 0x1F:
        raise _Malformed
    identifier, length, start = octets[at], octets[at + 1], at + 2
    if length == 0x80 and identifier & _CONSTRUCTED:
        return identifier, start, _INDEFINITE
    if length >= 0x80:
        size = length & 0x7F
        if not 0 < size <= _MAX_LENGTH:
            raise _Malformed
        length = int.from_bytes(octets[start : start + size], "big")
        start += size
    return identifier, start, start + length


def _enter(octets: bytes, at: int, expected: int) -> tuple[int, int]:
    identifier, start, end = _head(octets, at)
    if identifier != expected:
        raise _Malformed
    return start, end


def _object(octets: bytes, at: int, expected: bytes) -> int:
    """The place after an object identifier."""
    start, end = _enter(octets, at, _OBJECT)
    if octets[start:end] != expected:
        raise _Malformed
    return end


def _after(octets: bytes, at: int) -> int:
    """The place after a value."""
    depth = 0  # of values with indefinite length
    while True:
        if depth and octets[at : at + 2] == _END:
            at += 2
            depth -= 1
        else:
            _, start, end = _head(octets, at)
            depth += end == _INDEFINITE
            at = start if end == _INDEFINITE else end
        if not depth:
            return at


def _string(octets: bytes, at: int) -> bytes:
    """An octet string, joined if it is in pieces, which may be in pieces themselves (X.690 §8.7.3)."""
    pieces: list[bytes] = []
    ends: list[int] = []  # of the values that hold pieces
    while at < len(octets):
        if ends and ends[-1] == _INDEFINITE and octets[at : at + 2] == _END:
            ends.pop()
            at += 2
        else:
            identifier, start, end = _head(octets, at)
            if identifier == _PIECES:
                ends.append(end)
                at = start
            elif identifier == _OCTETS:
                pieces.append(octets[start:end])
                at = end
            else:
                raise _Malformed
        while ends and 0 <= ends[-1] <= at:
            ends.pop()
        if not ends:
            break
    return b"".join(pieces)
