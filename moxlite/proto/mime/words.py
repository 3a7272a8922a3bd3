"""Text inside header fields: encoded words (RFC 2047), parameters with charsets and continuations (RFC 2231), raw UTF-8
(RFC 6532).

Decoding never fails: malformed text is kept unchanged. Encoding makes UTF-8 words of at most 75 octets that never split
a character (RFC 2047 §2, §5), and RFC 2231 segments for long or non-ASCII parameters.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

import msgspec
from msgspec.structs import replace

from .charset import decode_text, guess_text, is_hint
from .decode import decode
from .types import Parameter, Part

MAX_PARAMETERS: Final = 200
"""Number of parameters read per field; real fields have a few."""

# RFC 2047 §2, tolerant: blanks inside the text, any place in a line, no limit of 75. Each class excludes "?", so a scan
# never goes back.
_WORD: Final = re.compile(rb"=\?([^?\s*]{1,60})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?]*)\?=")
_CONTROLS: Final = {**dict.fromkeys(range(0x20), " "), 0x7F: " "}
_Q_ESCAPE: Final = re.compile(rb"=([0-9A-Fa-f]{2})")


def decode_words(raw: bytes, hint: str = "") -> str:
    """Decode unfolded header text; control characters become blanks.

    Raw 8-bit text is guessed (`guess_text`): by the charset of the word beside it, then by `hint`, that of the
    message's texts. Adjacent words with the same charset are joined before decoding, since some senders split
    characters.
    """
    if b"=?" not in raw:
        return _clean(guess_text(raw, hint))
    out: list[str] = []
    charset = ""
    pending: list[bytes] = []
    at = 0
    for match in _WORD.finditer(raw):
        between = raw[at : match.start()]
        name = match[1].decode("latin-1").lower()
        if pending and (name != charset or between.strip()):
            out.append(decode_text(b"".join(pending), charset))
            pending.clear()
        if between and (at == 0 or between.strip()):
            out.append(guess_text(between, name, hint))
        charset = name
        pending.append(_decode_word(match[2], match[3]))
        at = match.end()
    if pending:
        out.append(decode_text(b"".join(pending), charset))
    out.append(guess_text(raw[at:], charset, hint))
    return _clean("".join(out))


def _clean(text: str) -> str:
    return text if text.isprintable() else text.translate(_CONTROLS)


def _decode_word(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"qQ":
        return _Q_ESCAPE.sub(_unescape, text.replace(b"_", b" "))
    return decode(text, "BASE64")


def _unescape(match: re.Match[bytes]) -> bytes:
    return binascii.unhexlify(match[1])


# --- parameters ---

_TOKEN: Final = rb"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+"  # RFC 2045 §5.1
_MEDIA: Final = re.compile(rb"[ \t]*(%s)(?:[ \t]*/[ \t]*(%s))?[ \t]*(?=[;(, \t]|$)" % (_TOKEN, _TOKEN))
# The begin of a parameter whose semicolon is missing.
_LOOSE: Final = re.compile(rb"[ \t]+%s[ \t]*=" % _TOKEN)
_TYPE_PIECE: Final = re.compile(rb"[();]|\\.|[^();\\]+|\\", re.DOTALL)
# A parameter: quoted (perhaps without the closing quote) or anything up to the next semicolon.
_PARAMETER: Final = re.compile(rb';[ \t]*([^\s=;"]+)[ \t]*=[ \t]*(?:"([^"\\]*(?:\\.[^"\\]*)*)"?|([^;]*))', re.DOTALL)
_SEGMENT: Final = re.compile(rb"([^*]+)(?:\*(\d{1,3}))?(\*)?")
_QUOTED_PAIR: Final = re.compile(rb"\\(.)", re.DOTALL)


MAX_CONTENT: Final = 64 << 10
"""Octets of a field that are read: a quoted parameter takes a hundred times its size while it is matched."""


class ContentValue(msgspec.Struct, frozen=True, gc=False):
    """A parsed Content-Type, Content-Disposition or similar field.

    `value` and `subtype` are upper case; both "" when the field doesn't start with a token; `subtype` "" when there is
    no slash. `boundary` is the octets of that parameter without blanks at its end, None if missing or empty.
    """

    value: str
    subtype: str
    parameters: tuple[Parameter, ...]
    boundary: bytes | None

    @property
    def is_wrapping(self) -> bool:
        """Whether the type is that of TNEF, of S/MIME signed-data, or of S/MIME that does not say of what (RFC 8551
        §3.2).
        """
        if self.subtype in ("MS-TNEF", "VND.MS-TNEF"):
            return True
        kind = next((parameter.value for parameter in self.parameters if parameter.name == "smime-type"), "")
        return self.subtype in ("PKCS7-MIME", "X-PKCS7-MIME") and kind.lower() in ("", "signed-data")


def parse_content(field: bytes, hint: str = "") -> ContentValue:
    """The value and the parameters, in order, of an unfolded field (RFC 2045 §5.1, RFC 2231, RFC 2183). At most
    MAX_CONTENT octets are read.

    Some programs write the whole field, or all of its parameters, as encoded words, which RFC 2047 §5 forbids: such a
    field is read decoded, if that gives it a value or parameters. `hint`: see `decode_words`.
    """
    content = _parse_cached(field) if len(field) <= 256 else _parse_content(field)
    return replace(content, parameters=_decoded(content.parameters, hint)) if hint else content


def _parse_content(field: bytes) -> ContentValue:
    content = _parse_plain(field[:MAX_CONTENT])
    if b"=?" not in field or (content.value and content.parameters):
        return content
    decoded = _parse_plain(decode_words(field[:MAX_CONTENT]).encode()[:MAX_CONTENT])
    return decoded if decoded.value and (not content.value or decoded.parameters) else content


def _parse_plain(field: bytes) -> ContentValue:
    field = _without_type_comments(field)
    match = _MEDIA.match(field)
    value = subtype = ""
    at = field.find(b";")
    if match is not None and _LOOSE.match(field, match.end()):
        field, at = b";" + field[match.end() :], 0
    if match is not None:
        value = match[1].decode("ascii").upper()
        subtype = (match[2] or b"").decode("ascii").upper()
    if at < 0:
        return ContentValue(value, subtype, (), None)
    pairs: list[tuple[bytes, bytes]] = []
    for item in _PARAMETER.finditer(field, at):
        quoted = item[2]
        if quoted is not None:
            text = _QUOTED_PAIR.sub(rb"\1", quoted) if b"\\" in quoted else quoted
        else:
            text = _without_comment(item[3].strip())
        pairs.append((item[1], text))
        if len(pairs) == MAX_PARAMETERS:
            break
    parameters = _join(pairs)
    return ContentValue(value, subtype, parameters, _boundary(pairs, parameters))


def _boundary(pairs: Sequence[tuple[bytes, bytes]], parameters: Sequence[Parameter]) -> bytes | None:
    """The boundary in its own octets, which lines are compared with; one in pieces or encoded as its text."""
    for name, text in pairs:
        if name.lower() == b"boundary":
            return text.rstrip(b" \t\r\n") or None
    texts = [parameter.value for parameter in parameters if parameter.name == "boundary"]
    return (texts[-1].encode().rstrip(b" \t\r\n") or None) if texts else None


_parse_cached = lru_cache(maxsize=256)(_parse_content)


def _without_type_comments(field: bytes) -> bytes:
    """A field without the comments before its first parameter, nested ones included (RFC 2045 §5.1); one without an
    end is text. Parameters have theirs at the end only: names of files with parentheses are more frequent.
    """
    if b"(" not in field.partition(b";")[0]:
        return field
    kept: list[bytes] = []
    depth = 0
    for piece in _TYPE_PIECE.finditer(field):
        text = piece[0]
        if text == b";" and not depth:
            return b"".join(kept) + field[piece.start() :]
        if text == b")" and depth:
            depth -= 1
        elif text == b"(":
            depth += 1
            kept.append(b" ")
        elif not depth:
            kept.append(text)
    return field if depth else b"".join(kept)


def _without_comment(text: bytes) -> bytes:
    return text[: text.rfind(b"(")].rstrip() if text.endswith(b")") and b"(" in text else text


def _join(pairs: list[tuple[bytes, bytes]]) -> tuple[Parameter, ...]:
    """Parameters in the order of their first segment, segments joined and decoded (RFC 2231 §3, §4)."""
    if not any(b"*" in name for name, _ in pairs):
        return tuple([_simple(name, text) for name, text in pairs])
    groups: dict[bytes, list[tuple[bytes, bytes]]] = {}
    for name, text in pairs:
        match = _SEGMENT.fullmatch(name)
        groups.setdefault((match[1] if match else name).lower(), []).append((name, text))
    out: list[Parameter] = []
    for base, members in groups.items():
        value = _assemble(members) if any(b"*" in name for name, _ in members) else None
        if value is None:
            out.extend(_simple(name, text) for name, text in members)
        else:
            raw = () if value.isascii() else tuple([(name.upper(), text) for name, text in members])
            out.append(Parameter(base.decode("latin-1"), value, raw))
    return tuple(out)


def _assemble(members: list[tuple[bytes, bytes]]) -> str | None:
    """Join the segments of one parameter; None without a first segment. Extended forms take precedence over a plain
    one.
    """
    segments: dict[int, tuple[bool, bytes]] = {}
    for name, text in members:
        match = _SEGMENT.fullmatch(name)
        if match is None or (match[2] is None and match[3] is None):
            continue
        segments.setdefault(int(match[2] or b"0"), (match[3] is not None, text))
    if 0 not in segments:
        return None
    charset = ""
    octets: list[bytes] = []
    for index in range(len(segments)):
        if index not in segments:
            break  # a segment is missing: what comes after it would be joined wrongly
        extended, text = segments[index]
        if extended and index == 0 and text.count(b"'") >= 2:
            label, _, text = text.split(b"'", 2)
            charset = label.decode("latin-1")
        octets.append(unquote_to_bytes(text) if extended else text)
    return _clean(decode_text(b"".join(octets), charset))


def _simple(name: bytes, text: bytes) -> Parameter:
    value = decode_words(text)
    raw = () if value.isascii() and value.encode() == text else ((name.upper(), text),)
    return Parameter(name.lower().decode("latin-1"), value, raw)


def hinted(root: Part) -> Part:
    """The root of a message with the `hint` of its texts, by which raw 8-bit file names and other parameters of its
    parts are decoded. Embedded messages have their own.
    """
    hint = _texts_charset(root)
    return _hinted(root, hint) if hint else root


def _texts_charset(root: Part) -> str:
    """The first charset that a text declares and that says what octets above 127 are; "" if none."""
    charsets = (
        part.charset if part.wrapped is None else _texts_charset(part.wrapped)
        for part in root.walk()
        if part.type == "TEXT" or part.wrapped is not None
    )
    return next(filter(is_hint, charsets), "")


def _hinted(part: Part, hint: str) -> Part:
    return replace(
        part,
        parameters=_decoded(part.parameters, hint),
        disposition_parameters=_decoded(part.disposition_parameters, hint),
        parts=tuple([_hinted(child, hint) for child in part.parts]),
        wrapped=part.wrapped and _hinted(part.wrapped, hint),
        hint=hint,
    )


def _decoded(parameters: tuple[Parameter, ...], hint: str) -> tuple[Parameter, ...]:
    return tuple(
        [
            parameter
            if not parameter.raw or b"*" in parameter.raw[0][0]
            else replace(parameter, value=decode_words(parameter.raw[0][1], hint))
            for parameter in parameters
        ]
    )


# --- encoding ---

_MAX_WORD: Final = 75  # RFC 2047 §2
_PREFIX_B: Final = "=?utf-8?b?"
_PREFIX_Q: Final = "=?utf-8?q?"
# RFC 2047 §5 (3): characters that need no encoding in a phrase, the strictest context.
_Q_SAFE: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")


def encode_words(text: str, first: int = _MAX_WORD) -> list[str]:
    """`text` as encoded words, to be joined by folding white space; the first has at most `first` octets, at least one
    character long.

    The shorter of B and Q is used for all words.
    """
    octets = text.encode("utf-8", "replace")
    q_size = sum(1 if octet in _Q_SAFE or octet == 0x20 else 3 for octet in octets)
    use_q = q_size <= -(-len(octets) // 3) * 4
    words: list[str] = []
    chunk: list[str] = []
    used = 0
    room = first - len(_PREFIX_Q) - 2
    for character in text:
        encoded = character.encode("utf-8", "replace")
        if use_q:
            piece = _q_encode(encoded)
            size = len(piece)
            full = used + size > room
        else:
            piece = character
            size = len(encoded)
            full = -(-(used + size) // 3) * 4 > room
        if full and chunk:
            words.append(_word(chunk, use_q))
            chunk = []
            used = 0
            room = _MAX_WORD - len(_PREFIX_Q) - 2
        chunk.append(piece)
        used += size
    if chunk:
        words.append(_word(chunk, use_q))
    return words


def _q_encode(octets: bytes) -> str:
    return "".join(chr(octet) if octet in _Q_SAFE else "_" if octet == 0x20 else f"={octet:02X}" for octet in octets)


def _word(chunk: list[str], use_q: bool) -> str:
    text = "".join(chunk)
    if use_q:
        return f"{_PREFIX_Q}{text}?="
    return f"{_PREFIX_B}{binascii.b2a_base64(text.encode('utf-8', 'replace'), newline=False).decode('ascii')}?="


_PLAIN_VALUE: Final = re.compile(r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+")
_MAX_SEGMENT: Final = 60  # with a name and its marks a line stays below 78 octets (RFC 5322 §2.1.1)


def encode_parameter(name: str, value: str, *, utf8: bool = False) -> list[str]:
    """One parameter as `name=value` pieces, to be joined with `;` and folding white space.

    ASCII values are tokens or quoted strings; others, and long ones, become RFC 2231 segments. `utf8` allows raw UTF-8
    in quoted strings (RFC 6532).
    """
    value = _clean(value)
    if len(value) <= _MAX_SEGMENT and (value.isascii() or utf8):
        if _PLAIN_VALUE.fullmatch(value):
            return [f"{name}={value}"]
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return [f'{name}="{escaped}"']
    segments = [""]
    for character in value:
        piece = quote_from_bytes(character.encode("utf-8", "replace"), safe="!#$&+.^_`{|}~-")
        if len(segments[-1]) + len(piece) > _MAX_SEGMENT - len(name) - 10:
            segments.append("")
        segments[-1] += piece
    if len(segments) == 1:
        return [f"{name}*=utf-8''{segments[0]}"]
    segments[0] = "utf-8''" + segments[0]
    return [f"{name}*{index}*={segment}" for index, segment in enumerate(segments)]
