"""Conversion of an 8-bit message for a host without 8BITMIME: its parts are encoded in quoted-printable or base64 (RFC
6152 §3, RFC 2045 §6).

Theory of operation
-------------------
The structure has the offsets of the entities. Each entity that must change becomes one or two *edits*, of its header
section and its body. Octets between edits are sent unchanged. So the cost is linear in the size, and at most a block of
a body is in memory.

Octets that others may have signed are not changed: a message with 8-bit data in a multipart/signed, or in an embedded
message with a DKIM signature, cannot be converted. Raw 8-bit octets in header fields cannot be converted either: they
need SMTPUTF8.
"""

import codecs
from collections.abc import Iterator
from operator import attrgetter
from typing import Final

import msgspec

from moxlite.proto.mime.compose import base64_lines, quoted_printable
from moxlite.proto.mime.decode import decode_blocks, is_known_encoding
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.structure import Octets, scan
from moxlite.proto.mime.types import Part

BLOCK: Final = 1 << 18
"""Octets of a body to check or encode at a time."""

SHORT: Final = 300
"""Octets by which quoted-printable may be longer than base64: people can read it."""

_EIGHT: Final = bytes(range(128, 256))
_MARKS: Final = bytes(range(128)) + b"?" * 128
SEALED: Final = frozenset({"SIGNED", "ENCRYPTED"})
"""Subtypes of multiparts whose octets are signed or encrypted."""

_LABELS: Final = ("8BIT", "BINARY")


class Unconvertible(ValueError):
    """The message has no 7-bit form, or the conversion would break signatures of others. The argument is the reason."""


class Edit(msgspec.Struct, frozen=True):
    """Replacement of the octets from `start` to `end`: by `octets`, or by their encoded form if `encoding` is given."""

    start: int
    end: int
    octets: bytes = b""
    encoding: str = ""
    before: str = ""  # the encoding that they have


def convert(data: Octets) -> Iterator[bytes]:
    """The message in pieces of 7-bit data. Blocks for as long as reading and encoding the octets takes.

    Args:
      data: the whole message, lines ending in CRLF. It is read until the iterator is exhausted.

    Raises Unconvertible, before the first piece.
    """
    edits: list[Edit] = []
    _look(data, scan(data).root, edits, top=True)
    # All edits are known before the first octet goes out: `Unconvertible` after that would leave half a message sent.
    return map(_masked, edited(data, edits))


def _masked(block: bytes) -> bytes:
    """Octets without 8-bit ones, which belong to a preamble or epilogue, which programs ignore (RFC 2046 §5.1.1)."""
    return block if block.isascii() else block.translate(_MARKS)


def edited(data: Octets, edits: list[Edit]) -> Iterator[bytes]:
    """The octets with all edits, in pieces."""
    at = 0
    for edit in sorted(edits, key=attrgetter("start")):
        yield from blocks(data, at, edit.start)
        if edit.encoding:
            content = decode_blocks(blocks(data, edit.start, edit.end), edit.before)
            yield from quoted_printable(content) if edit.encoding == "quoted-printable" else base64_lines(content)
        else:
            yield edit.octets
        at = edit.end
    yield from blocks(data, at, len(data))


def blocks(data: Octets, start: int, end: int) -> Iterator[bytes]:
    for at in range(start, end, BLOCK):
        yield bytes(data[at : min(at + BLOCK, end)])


def _is_ascii(data: Octets, start: int, end: int) -> bool:
    return all(block.isascii() for block in blocks(data, start, end))


def _look(data: Octets, part: Part, edits: list[Edit], *, top: bool) -> None:
    """Add the edits of an entity and those in it. `top`: it is a message of its own. Raises Unconvertible."""
    if not _is_ascii(data, part.header, part.body):
        raise Unconvertible("a header field contains 8-bit data")
    eight_bit = not _is_ascii(data, part.body, part.end)
    if part.parts or part.message is not None:
        # What others have signed must keep its octets: another encoding would break the signature.
        if eight_bit and part.type == "MULTIPART" and part.subtype in SEALED:
            raise Unconvertible("a signed part contains 8-bit data")
        if part.encoding in _LABELS:
            edits.append(_header(data, part, "7bit", top=top))
        for inner in part.parts:
            _look(data, inner, edits, top=False)
        if part.message is not None:
            root = part.message.root
            section = HeaderSection(bytes(data[root.header : root.body]))
            if eight_bit and section.count(b"dkim-signature"):
                raise Unconvertible("an attached message with a DKIM signature contains 8-bit data")
            _look(data, root, edits, top=True)
        return
    if not eight_bit:
        if part.encoding in _LABELS:
            edits.append(_header(data, part, "7bit", top=top))
        return
    if part.defect or not is_known_encoding(part.encoding):
        raise Unconvertible(part.defect or f"the encoding {part.encoding} has 8-bit data")
    edits += recoded(data, part, lightest(data, part), top=top)


def recoded(data: Octets, part: Part, encoding: str, *, top: bool, header: bytes = b"") -> list[Edit]:
    """The edits that give a part's body another transfer encoding. `header`: the octets of its header section."""
    body = Edit(part.body, part.end, encoding=encoding, before=part.encoding)
    return [_header(data, part, encoding, top=top, header=header), body]


def lightest(data: Octets, part: Part) -> str:
    """Quoted-printable for text of which at most a sixth is 8-bit, and for short text, else base64."""
    if part.type != "TEXT" or part.encoding not in ("7BIT", "8BIT"):
        return "base64"
    eight = nul = 0
    for block in blocks(data, part.body, part.end):
        eight += len(block) - len(block.translate(None, _EIGHT))
        nul += block.count(b"\0")
    return "base64" if nul or eight * 6 > part.size + SHORT else "quoted-printable"


def _header(data: Octets, part: Part, encoding: str, *, top: bool, header: bytes = b"") -> Edit:
    """The header section with another transfer encoding; of a message or part without Content-Type also its type."""
    octets = header or bytes(data[part.header : part.body])
    section = HeaderSection(octets)
    end = b"" if section.body is None else octets[len(section.octets) :]
    new = section.without(section.all(b"content-transfer-encoding"))
    if top and not section.count(b"mime-version"):
        new += b"MIME-Version: 1.0\r\n"
    if not section.count(b"content-type") and encoding != "7bit":
        charset = b"utf-8" if _is_utf8(data, part) else b"unknown-8bit"  # RFC 1428 §3
        new += b"Content-Type: text/plain; charset=%s\r\n" % charset
    new += b"Content-Transfer-Encoding: %s\r\n" % encoding.encode()
    return Edit(part.header, part.body, new + (end or b"\r\n"))


def _is_utf8(data: Octets, part: Part) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in blocks(data, part.body, part.end):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
