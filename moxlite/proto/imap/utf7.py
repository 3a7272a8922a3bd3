"""Mailbox names in modified UTF-7 (RFC 3501 §5.1.3), decoded strictly (IMAP-32)."""

import binascii
import re
from typing import Final

from .errors import ProtocolError

_SHIFT: Final = re.compile(rb"&([A-Za-z0-9+,]*)-")
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]*")
_OTHER: Final = re.compile(r"[^\x20-\x7e]+|&")


def decode(name: bytes) -> str:
    """Decode a mailbox name.

    Raises ProtocolError for an open shift, bad base64, an odd number of octets, a lone surrogate, printable ASCII
    inside of a shift, and a shift directly after another one: each name has exactly one encoding.
    """
    # Strict, since one name must have one spelling: with two, a client would list and cache one mailbox as two, and a
    # check of the spelling could be passed by the other.
    if b"&" not in name:
        if not name.isascii():
            raise ProtocolError("mailbox name must be ASCII or modified UTF-7")
        return name.decode("ascii")
    parts: list[str] = []
    position = 0
    shifted = -1
    while (start := name.find(b"&", position)) >= 0:
        match = _SHIFT.match(name, start)
        if match is None:
            raise ProtocolError("mailbox name has an unterminated or invalid modified UTF-7 sequence")
        if start > position or not parts:
            parts.append(_ascii(name[position:start]))
        if match[1]:
            if start == shifted:
                raise ProtocolError("mailbox name has adjacent modified UTF-7 sequences")
            parts.append(_shifted(match[1]))
            shifted = match.end()
        else:
            parts.append("&")
        position = match.end()
    parts.append(_ascii(name[position:]))
    return "".join(parts)


def _ascii(octets: bytes) -> str:
    if not octets.isascii():
        raise ProtocolError("mailbox name mixes modified UTF-7 and 8-bit bytes")
    return octets.decode("ascii")


def _shifted(base64: bytes) -> str:
    padded = base64.replace(b",", b"/") + b"=" * (-len(base64) % 4)
    try:
        octets = binascii.a2b_base64(padded, strict_mode=True)
        text = octets.decode("utf-16-be")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ProtocolError("mailbox name contains invalid modified UTF-7") from error
    if any(" " <= c <= "~" for c in text):
        raise ProtocolError("mailbox name encodes printable ASCII in modified UTF-7")
    if binascii.b2a_base64(octets, newline=False).rstrip(b"=") != padded.rstrip(b"="):
        raise ProtocolError("mailbox name has nonzero padding bits in modified UTF-7")
    return text


def encode(name: str) -> bytes:
    """`name` in modified UTF-7."""
    if _PRINTABLE.fullmatch(name) and "&" not in name:
        return name.encode("ascii")
    return _OTHER.sub(_shift, name).encode("ascii")


def _shift(match: re.Match[str]) -> str:
    text = match[0]
    if text == "&":
        return "&-"
    base64 = binascii.b2a_base64(text.encode("utf-16-be"), newline=False).rstrip(b"=").replace(b"/", b",")
    return f"&{base64.decode('ascii')}-"
