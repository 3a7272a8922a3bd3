"""Composing messages (RFC 5322, 2045..2047, 2231, 2183, 3676; raw UTF-8 headers of RFC 6532): values in, blocks of
octets out.

A message is a list of header fields and a tree of parts. Attachments may be iterables of blocks, which are encoded
block by block, so a message of any size is composed in constant memory. Control characters are removed from header
fields, so that fields cannot be injected.
"""

from __future__ import annotations

import re
import secrets
from binascii import b2a_base64, b2a_qp
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final, TypeAlias

import msgspec

from moxlite.proto.address import AddressError, Domain

from .types import MailAddress, Part
from .words import encode_parameter, encode_words

_LINE: Final = 78  # RFC 5322 §2.1.1: lines should not be longer
_MAX_LINE: Final = 998  # and must not be longer than this
_MAX_ID: Final = 900  # characters of a message-id that is answered: with its field's name it fits into a line
_CONTROLS: Final = {**dict.fromkeys(range(0x20), " "), 0x7F: " "}
_ATOMS: Final = re.compile(r"[!#$%&'*+\-/0-9=?A-Z^_`a-z{|}~ ]+")
_DOT_ATOM: Final = re.compile(r"""[^\x00-\x20"(),.:;<>@\[\\\]\x7f]+(?:\.[^\x00-\x20"(),.:;<>@\[\\\]\x7f]+)*""")
_NEWLINE: Final = re.compile(r"\r\n|\r|\n")
_BASE64_LINE: Final = 57  # octets that make a line of 76 characters (RFC 2045 §6.8)
_BASE64_BLOCK: Final = _BASE64_LINE * 1024


class ComposeError(ValueError):
    """The message can't be written: an address is missing, or needs UTF-8 headers where these are not allowed."""


class TextPart(msgspec.Struct, frozen=True):
    """A text part. `text` may have any line ends; it is sent as us-ascii or utf-8, with the lightest possible transfer
    encoding.

    `subtype`: such as `plain` or `html`; `media_type` replaces `text/subtype`. `eightbit` allows the encoding 8bit.
    """

    text: str
    subtype: str = "plain"
    parameters: tuple[tuple[str, str], ...] = ()
    media_type: str = ""
    eightbit: bool = False
    base64: bool = False
    headers: tuple[bytes, ...] = ()


class DataPart(msgspec.Struct, frozen=True):
    """Any content: an attachment, or with `disposition="inline"` and `content_id` (without brackets) an image of an
    HTML part. Its octets are encoded as base64, or with the `encoding` 7bit or 8bit unchanged, as messages must be (RFC
    2046 §5.2.1).

    Composing exhausts an iterable `content`.
    """

    content: bytes | Iterable[bytes]
    media_type: str = "application/octet-stream"
    filename: str = ""
    disposition: str = "attachment"
    content_id: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    headers: tuple[bytes, ...] = ()
    encoding: str = "base64"


class MultiPart(msgspec.Struct, frozen=True):
    """A multipart: `subtype` such as mixed, alternative, related, report."""

    parts: tuple[TextPart | DataPart | MultiPart, ...]
    subtype: str = "mixed"
    parameters: tuple[tuple[str, str], ...] = ()


Entity: TypeAlias = TextPart | DataPart | MultiPart


# --- header fields ---


def text_field(name: str, text: str, *, utf8: bool = False) -> bytes:
    """An unstructured field, e.g. Subject: folded, non-ASCII words as encoded words, or raw if `utf8` (RFC 6532)."""
    words = text.translate(_CONTROLS).strip().split(" ")
    return _fold(name, _encode_text(words, len(name) + 2, utf8))


def _encode_text(words: Sequence[str], column: int, utf8: bool) -> list[str]:
    """Encode words, to be joined by single blanks, each short enough for a line. Adjacent words that need encoding are
    encoded together (RFC 2047 §6.2).
    """
    out: list[str] = []
    run: list[str] = []
    for word in [*words, ""]:
        plain = not word or (
            (utf8 or word.isascii()) and "=?" not in word and len(word.encode("utf-8", "replace")) < _MAX_LINE - column
        )
        if not plain:
            run.append(word)
            continue
        if run:
            out += encode_words(" ".join(run), max(30, 75 - column) if not out else 75)
            run.clear()
        out.append(word)
    out.pop()  # the empty word that ended the last run
    return out


class Group(msgspec.Struct, frozen=True):
    """A named group of addresses (RFC 5322 §3.4)."""

    name: str
    members: tuple[MailAddress, ...] = ()


def address_field(name: str, addresses: Sequence[MailAddress | Group], *, utf8: bool = False) -> bytes:
    """An address list, folded between addresses and inside long names.

    Raises:
      ComposeError: see `format_address`.
    """
    texts = [
        _format_group(entry, utf8=utf8) if isinstance(entry, Group) else format_address(entry, utf8=utf8)
        for entry in addresses
    ]
    return _fold(name, ", ".join(texts).split(" "))


def _format_group(group: Group, *, utf8: bool) -> str:
    name = _phrase(group.name, utf8=utf8) or '""'  # else the first address would be the name of the group
    if name.endswith("?="):
        name += " "  # an encoded word is separated from specials (RFC 2047 §5)
    return f"{name}: {', '.join([format_address(address, utf8=utf8) for address in group.members])};"


def format_address(address: MailAddress, *, utf8: bool = False) -> str:
    """`name <localpart@domain>`, or `<localpart@domain>`, quoted or encoded where needed. The domain, in any spelling,
    is in U-labels with `utf8`, as people write it (RFC 6532 §3.2), else in A-labels.

    Raises:
      ComposeError: there is no localpart or domain, or the address is not ASCII and `utf8` is not set.
    """
    localpart, domain = address.localpart, address.domain
    if not domain.isascii() or "xn--" in domain:
        with suppress(AddressError):
            domain = Domain.parse(domain).pack(utf8)
    if (
        not localpart
        or not domain
        or _has_controls(localpart)
        or _has_controls(domain)
        or re.search(r"[\s<>,;@\"]", domain)
    ):
        raise ComposeError(f"invalid address: {f'{localpart}@{domain}'!r}")
    if not utf8 and not (localpart.isascii() and domain.isascii()):
        raise ComposeError("internationalized address requires UTF-8 headers")
    if not _DOT_ATOM.fullmatch(localpart):
        localpart = _quote(localpart)
    return f"{_phrase(address.name, utf8=utf8)} <{localpart}@{domain}>".lstrip()


def _phrase(name: str, *, utf8: bool) -> str:
    """A display name, quoted or encoded where needed; "" for a blank one."""
    name = " ".join(name.translate(_CONTROLS).split())
    if (not utf8 and not name.isascii()) or len(name) > _MAX_LINE // 4 or "=?" in name:
        return " ".join(encode_words(name, 50))
    return name if not name or _ATOMS.fullmatch(name) else _quote(name)


def needs_utf8(*addresses: MailAddress) -> bool:
    """Whether a header with these addresses is raw UTF-8: their localparts have no other form (RFC 6532)."""
    return not all(address.localpart.isascii() for address in addresses)


def _has_controls(text: str) -> bool:
    return any(ord(character) in _CONTROLS for character in text)


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def parameter_field(name: str, value: str, parameters: Sequence[tuple[str, str]] = (), *, utf8: bool = False) -> bytes:
    """A field with parameters, e.g. Content-Type (RFC 2045 §5.1, RFC 2231)."""
    pieces = [value.translate(_CONTROLS)]
    for key, text in parameters:
        for piece in encode_parameter(key, text, utf8=utf8):
            pieces[-1] += ";"
            pieces.append(piece)
    return _fold(name, pieces)


def _fold(name: str, pieces: Sequence[str]) -> bytes:
    """`name: pieces` with lines broken between pieces; an empty piece is a further blank, never a line of its own
    (RFC 5322 §3.2.2).
    """
    lines = [f"{name}:"]
    pending = ""
    for piece in pieces:
        if not piece:
            pending += " "
            continue
        if len(lines[-1]) + len(pending) + 1 + len(piece) > _LINE and (len(lines) > 1 or lines[0] != f"{name}:"):
            lines.append("")
        lines[-1] += f"{pending} {piece}"
        pending = ""
    return "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n"


def answer_fields(message_id: str, references: Sequence[str] = (), *, utf8: bool = False) -> list[bytes]:
    """In-Reply-To and References of a message that answers the one with this id, brackets included (RFC 5322 §3.6.4).

    Empty without an id, and for an id that does not fit into a line, as no mail program uses it for threads.

    Args:
      references: ids of earlier messages that the answered one names, the oldest first.
    """
    if not message_id or len(message_id) > _MAX_ID:
        return []
    known = [*(reference for reference in references if len(reference) <= _MAX_ID), message_id]
    return [
        text_field("In-Reply-To", message_id, utf8=utf8),
        text_field("References", " ".join(known), utf8=utf8),
    ]


def new_message_id(domain: str) -> str:
    """A new message-id with its brackets (RFC 5322 §3.6.4)."""
    return f"<{secrets.token_hex(16)}@{domain}>"


# --- bodies ---


def compose(
    headers: Iterable[bytes], entity: Entity, *, utf8: bool = False, boundary: Callable[[], str] | None = None
) -> Iterator[bytes]:
    """The message as blocks of octets: `headers` (fields with their line ends), MIME-Version, then the entity.

    Args:
      utf8: raw UTF-8 in the headers of parts.
      boundary: returns a new boundary; random ones by default, which no content contains.
    """
    yield b"".join([*headers, b"MIME-Version: 1.0\r\n"])
    yield from _entity(entity, utf8, boundary or _new_boundary)


def _new_boundary() -> str:
    return f"=_{secrets.token_hex(14)}"  # "=_" is in no base64 and no quoted-printable text (RFC 2045 §6.7)


def _entity(entity: Entity, utf8: bool, boundary: Callable[[], str]) -> Iterator[bytes]:
    if isinstance(entity, MultiPart):
        yield from _multipart(entity, utf8, boundary)
    elif isinstance(entity, TextPart):
        yield _text(entity, utf8)
    else:
        yield from _data(entity, utf8)


def _multipart(entity: MultiPart, utf8: bool, boundary: Callable[[], str]) -> Iterator[bytes]:
    delimiter = boundary()
    yield parameter_field("Content-Type", f"multipart/{entity.subtype}", [*entity.parameters, ("boundary", delimiter)])
    line = f"--{delimiter}".encode("ascii")
    yield b"\r\n"
    for index, part in enumerate(entity.parts):
        yield line + b"\r\n" if not index else b"\r\n" + line + b"\r\n"
        yield from _entity(part, utf8, boundary)
    yield b"\r\n" + line + b"--\r\n"


def _text(entity: TextPart, utf8: bool) -> bytes:
    text = _NEWLINE.sub("\r\n", entity.text)
    if text and not text.endswith("\r\n"):
        text += "\r\n"
    octets = text.encode("utf-8", "replace")
    charset = "us-ascii" if octets.isascii() else "utf-8"
    encoding, content = _encode(octets, eightbit=entity.eightbit, base64=entity.base64)
    return b"".join(
        [
            parameter_field(
                "Content-Type",
                entity.media_type or f"text/{entity.subtype}",
                [("charset", charset), *entity.parameters],
                utf8=utf8,
            ),
            b"Content-Transfer-Encoding: %s\r\n" % encoding,
            *entity.headers,
            b"\r\n",
            content,
        ]
    )


def _encode(octets: bytes, *, eightbit: bool, base64: bool) -> tuple[bytes, bytes]:
    """Return the lightest transfer encoding of lines with CRLF, and the encoded octets: 7bit, 8bit if allowed,
    quoted-printable, or base64 if that is shorter (RFC 2045 §6).
    """
    if not base64:
        if b"\0" not in octets and max(map(len, octets.split(b"\r\n"))) <= _MAX_LINE:
            if octets.isascii():
                return b"7bit", octets
            if eightbit:
                return b"8bit", octets
        quoted = b2a_qp(octets, istext=True)
        if len(quoted) * 3 <= len(octets) * 4 + 300:
            return b"quoted-printable", quoted
    return b"base64", b"".join(base64_lines([octets]))


def _data(entity: DataPart, utf8: bool) -> Iterator[bytes]:
    parameters = [*entity.parameters, ("name", entity.filename)] if entity.filename else entity.parameters
    yield parameter_field("Content-Type", entity.media_type, parameters, utf8=utf8)
    yield b"Content-Transfer-Encoding: %s\r\n" % entity.encoding.encode("ascii")
    if entity.disposition:
        placed = [("filename", entity.filename)] if entity.filename else []
        yield parameter_field("Content-Disposition", entity.disposition, placed, utf8=utf8)
    if entity.content_id:
        yield text_field("Content-ID", f"<{entity.content_id}>", utf8=utf8)
    yield b"".join([*entity.headers, b"\r\n"])
    blocks = [entity.content] if isinstance(entity.content, bytes) else entity.content
    yield from base64_lines(blocks) if entity.encoding == "base64" else blocks


def base64_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Base64 in lines of 76 characters with CRLF, whatever the sizes of the blocks (RFC 2045 §6.8)."""
    rest = b""
    for block in blocks:
        data = rest + block
        at = 0
        while len(data) - at >= _BASE64_LINE:
            size = min(_BASE64_BLOCK, (len(data) - at) // _BASE64_LINE * _BASE64_LINE)
            yield _base64_lines(data[at : at + size])
            at += size
        rest = data[at:]
    if rest:
        yield _base64_lines(rest)


def _base64_lines(data: bytes) -> bytes:
    text = b2a_base64(data, newline=False)
    return b"".join([text[at : at + 76] + b"\r\n" for at in range(0, len(text), 76)])


def quoted_printable(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Text with CRLF in quoted-printable, whatever the sizes of the blocks (RFC 2045 §6.7)."""
    rest = b""
    for block in blocks:
        data = rest + block
        cut = data.rfind(b"\r\n") + 2
        if cut < 2:  # a long line, of which a CR at the end is kept back
            cut = len(data) - data.endswith(b"\r")
        rest = data[cut:]
        if cut:
            soft = b"" if data.endswith(b"\r\n", 0, cut) else b"=\r\n"
            yield _quoted_lines(data[:cut]) + soft
    if rest:
        yield _quoted_lines(rest)


def _quoted_lines(data: bytes) -> bytes:
    """Encode in quoted-printable with CRLF. `b2a_qp` copies the first line end of `data` for soft line breaks, or uses
    LF.
    """
    return b2a_qp(data, istext=True).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def flow(text: str, width: int = 72) -> str:
    """`text` as format=flowed (RFC 3676 §4): long paragraphs wrapped with a blank before each soft line end, lines
    stuffed where needed.

    Quoted lines (">") keep their depth. Send it with the parameter format=flowed.
    """
    out: list[str] = []
    for line in _NEWLINE.split(text):
        content = line.lstrip(">")
        quotes = line[: len(line) - len(content)]
        if quotes:
            content = content.removeprefix(" ")
        if line == "-- ":
            out.append(line)
            continue
        content = content.rstrip(" ")
        wrapped = _wrap(content, width - len(quotes) - 1)
        for index, piece in enumerate(wrapped):
            stuff = " " if quotes or piece.startswith((" ", ">", "From ")) else ""
            out.append(f"{quotes}{stuff}{piece}{' ' if index < len(wrapped) - 1 else ''}")
    return "\r\n".join(out)


def unflow(text: str, *, delsp: bool = False) -> str:
    """The text that `flow` made this one from, as far as it can be known: paragraphs on one line each (RFC 3676 §4).

    For a part with format=flowed. `delsp`: with DelSp=yes, the space at a soft line break is not part of the text
    (§4.1). Lines end in LF. An unquoted line that begins with ">" keeps the space before it (§4.4).
    """
    out: list[str] = []
    open_depth = -1  # of the paragraph that the next line may go on, -1: none
    for line in _NEWLINE.split(text):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        if depth or not content.startswith(" >"):
            content = content.removeprefix(" ")
        if depth != open_depth or content == "-- ":
            out.append(f"\n{'>' * depth}{' ' if depth and content else ''}")
        open_depth = depth if content.endswith(" ") and content != "-- " else -1
        out.append(content[:-1] if delsp and open_depth >= 0 else content)
    return "".join(out)[1:]


def unflowed(part: Part, text: str) -> str:
    """Text of a plain text part. With format=flowed, each paragraph becomes one line, which ends in LF."""
    if part.parameter("format").lower() != "flowed":
        return text
    return unflow(text, delsp=part.parameter("delsp").lower() == "yes")


def _wrap(content: str, width: int) -> list[str]:
    lines: list[str] = []
    line: list[str] = []  # words joined only once, so that a long run of spaces, which isn't broken, takes linear time
    length, any_text = -1, False  # of `line` joined
    for word in content.split(" "):
        if length + 1 + len(word) > width and any_text:
            lines.append(" ".join(line))
            line, length, any_text = [], -1, False
        line.append(word)
        length += 1 + len(word)
        any_text = any_text or word != ""
    lines.append(" ".join(line))
    return lines
