"""Transfer encodings (RFC 2045 §6): base64 and quoted-printable, streaming and tolerant; ranges of decoded content.

Decoders take octets in blocks of any size and give the same result however the input was split. They never fail:

- base64: characters outside of the alphabet are skipped; "=" after two or three characters of a quantum ends a run, and
  the next character begins another (§6.8 lets a reader stop there, but a list's footer follows the padding of a text,
  and some programs encode a file in several runs); other "=" are junk. Missing padding is supplied, a single left-over
  character at the end is dropped.
- quoted-printable: malformed escapes are kept as text; blanks before a line end, and at the end, are dropped (§6.7 rule
  3), up to MAX_BLANKS.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, a2b_qp
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

BLOCK: Final = 1 << 18
"""Octets decoded at once: some 0.5 ms of work without interruption."""

MAX_BLANKS: Final = 1 << 16
"""Largest number of blanks before a line end that are dropped: the run is buffered until the next octet is known."""

_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_JUNK: Final = bytes(set(range(256)) - set(_ALPHABET) - set(b"="))
_NO_ALPHABET: Final = _JUNK + b"="
_PADS: Final = re.compile(rb"=+")
_IDENTITY: Final = frozenset({"", "7BIT", "8BIT", "BINARY"})


class Decoder(Protocol):
    """Streaming decoder of a transfer encoding."""

    def feed(self, block: bytes) -> bytes:
        """Decoded octets for the next block; may be empty."""
        ...

    def finish(self) -> bytes:
        """Return the buffered octets at the end of the input, decoded."""
        ...


class IdentityDecoder:
    """Decoder of 7bit, 8bit and binary: returns its input."""

    def feed(self, block: bytes) -> bytes:
        return block

    def finish(self) -> bytes:
        return b""


class Base64Decoder:
    """Content-Transfer-Encoding: base64 (RFC 2045 §6.8)."""

    def __init__(self) -> None:
        self._rest = b""  # less than a quantum

    def feed(self, block: bytes) -> bytes:
        data = self._rest + block.translate(None, _JUNK)
        ended = b""
        if b"=" in data:
            ended, data = _up_to_padding(data)
        whole = len(data) & ~3
        self._rest = data[whole:]
        return ended + a2b_base64(data[:whole])

    def finish(self) -> bytes:
        rest, self._rest = self._rest, b""
        return _last_quantum(rest) if len(rest) > 1 else b""


def _up_to_padding(data: bytes) -> tuple[bytes, bytes]:
    """The decoded runs of characters that padding ends, and the characters after the last of them."""
    decoded: list[bytes] = []
    rest = b""
    at = 0
    for pads in _PADS.finditer(data):
        rest += data[at : pads.start()]
        at = pads.end()
        whole = len(rest) & ~3
        decoded.append(a2b_base64(rest[:whole]))
        rest = rest[whole:]
        if len(rest) > 1:
            decoded.append(_last_quantum(rest))
            rest = b""
    return b"".join(decoded), rest + data[at:]


def _last_quantum(rest: bytes) -> bytes:
    return a2b_base64(rest + b"=" * (4 - len(rest)))


# Begins with a literal, so that the search runs from line end to line end.
_BLANK_END: Final = re.compile(rb"\n(?:(?<=[ \t]\r\n)|(?<=[ \t]\n))")


class QuotedPrintableDecoder:
    """Content-Transfer-Encoding: quoted-printable (RFC 2045 §6.7)."""

    def __init__(self) -> None:
        self._rest = b""  # the end of the last block, as far as what follows changes its meaning
        self._in_run = False  # inside a run of blanks longer than MAX_BLANKS

    def feed(self, block: bytes) -> bytes:
        data = self._rest + block
        head = b""
        if self._in_run:
            stripped = data.lstrip(b" \t")
            head = data[: len(data) - len(stripped)]
            data = stripped
            if not data:
                self._rest = b""
                return head
            self._in_run = False
        cut = self._safe_end(data)
        if len(data) - cut > MAX_BLANKS + 3:
            # The run of blanks at the end is too long to be held, and content by that.
            end = len(data) - 1 if data.endswith(b"\r") else len(data)
            self._rest = data[end:]
            self._in_run = not self._rest
            return head + _decode_qp(data[:end], final=False)
        self._rest = data[cut:]
        return head + _decode_qp(data[:cut], final=False)

    @staticmethod
    def _safe_end(data: bytes) -> int:
        """Where the tail starts that may yet be a blank at a line end, or part of an escape or soft line break."""
        end = len(data)
        if data.endswith(b"\r"):
            end -= 1
        blanks = end
        while blanks:
            piece = data[max(0, blanks - 4096) : blanks]
            left = len(piece.rstrip(b" \t"))
            blanks -= len(piece) - left
            if left:
                break
        if blanks and data[blanks - 1] == 0x0D:  # blanks between CR and LF are at a line end, too
            blanks -= 1
        if blanks and data[blanks - 1] == 0x3D:
            return blanks - 1
        if blanks == len(data) and blanks > 1 and data[blanks - 2] == 0x3D:
            return blanks - 2
        return blanks

    def finish(self) -> bytes:
        rest, self._rest = self._rest, b""
        return b"" if self._in_run else _decode_qp(rest, final=True)


def _decode_qp(data: bytes, *, final: bool) -> bytes:
    if _BLANK_END.search(data):
        data = _strip_lines(_strip_lines(data, b"\r\n"), b"\n")
    if final:
        data = _strip_blanks(data[:-1]) + b"\r" if data.endswith(b"\r") else _strip_blanks(data)
        data = data.removesuffix(b"=")
    # "=" that starts neither an escape nor a soft line break is text. The C decoder does the same, except before
    # another one, before a lone CR, and at the end.
    if b"==" in data:
        data = data.replace(b"==", b"=3D=").replace(b"==", b"=3D=")
    if b"=\r" in data:
        data = data.replace(b"=\r\n", b"=\n").replace(b"=\r", b"=3D\r")
    if data.endswith(b"="):
        data += b"3D"
    return a2b_qp(data)


def _strip_lines(data: bytes, end: bytes) -> bytes:
    """Without blanks before each `end`."""
    lines = data.split(end)
    last = lines.pop()
    return end.join([*map(_strip_blanks, lines), last])


def _strip_blanks(line: bytes) -> bytes:
    stripped = line.rstrip(b" \t")
    return stripped if len(line) - len(stripped) <= MAX_BLANKS else line


def is_known_encoding(encoding: str) -> bool:
    """Whether `decoder` supports `encoding` (upper case); otherwise its content can only be sent raw (IMAP-100)."""
    return encoding in _IDENTITY or encoding in ("BASE64", "QUOTED-PRINTABLE")


def decoder(encoding: str) -> Decoder:
    """A new decoder for a Content-Transfer-Encoding in upper case; the identity for unknown ones."""
    if encoding == "BASE64":
        return Base64Decoder()
    if encoding == "QUOTED-PRINTABLE":
        return QuotedPrintableDecoder()
    return IdentityDecoder()


def base64_size(blocks: Iterable[bytes]) -> int | None:
    """Size of the output of `Base64Decoder`, computed without decoding (six times as fast).

    None if octets follow the padding: then the size is known only by decoding.
    """
    characters = 0
    padded = False
    for block in blocks:
        pad = 0 if padded else block.find(b"=")
        if pad >= 0:
            padded = True
            if block[pad:].translate(None, _NO_ALPHABET):
                return None
            block = block[:pad]
        characters += len(block) - len(block.translate(None, _ALPHABET))
    return characters // 4 * 3 + (0, 0, 1, 2)[characters % 4]


def decode(octets: bytes, encoding: str) -> bytes:
    """All of `octets` decoded."""
    if len(octets) <= BLOCK:
        if encoding == "QUOTED-PRINTABLE":
            return _decode_qp(octets, final=True)
        undo = decoder(encoding)
        return undo.feed(octets) + undo.finish()
    return b"".join(decode_blocks([octets], encoding))


def decode_blocks(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Decoded blocks, each from at most BLOCK encoded octets."""
    undo = decoder(encoding)
    for block in blocks:
        for at in range(0, len(block), BLOCK):
            if out := undo.feed(block[at : at + BLOCK] if len(block) > BLOCK else block):
                yield out
    if out := undo.finish():
        yield out


def decode_range(blocks: Iterable[bytes], encoding: str, offset: int, length: int) -> Iterator[bytes]:
    """`length` decoded octets from decoded `offset` on, in blocks; reads no more blocks than that needs
    (BINARY[n]<o.l>, IMAP-99).
    """
    if length <= 0:
        return
    for block in decode_blocks(blocks, encoding):
        if offset >= len(block):
            offset -= len(block)
            continue
        piece = block[offset : offset + length]
        offset = 0
        length -= len(piece)
        yield piece
        if length <= 0:
            return
