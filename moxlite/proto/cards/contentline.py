"""Content lines, of which vCards (RFC 6350 §3.2 to §3.4) and calendars (RFC 5545 §3.1) consist: folding, parameters and
escaped text.
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import unquote

import msgspec

from moxlite.normal import visible
from moxlite.proto.address import one_spelling
from moxlite.proto.mime.charset import decode_text

MAX_LINE: Final = 32 * 1024
"""Characters in which the name and parameters of a line end, at most."""

MAX_ADDRESS: Final = 320
"""Characters of a mail address."""

MAX_PARAMETERS: Final = 50
"""Parameters of a line that are read: ATTENDEE, which knows most, has eleven (RFC 5545 §3.8.4.1)."""

MAX_PIECES: Final = 50
"""Pieces of a structured value."""

ADDRESS_PIECES: Final = 18
"""Pieces of ADR (RFC 9554 §2.1)."""

FOLD: Final = 75
"""Octets of a line (RFC 6350 §3.2)."""

CARET: Final = re.compile(r"\^(['n^])")
"""How a parameter has a character that is not allowed in it (RFC 6868 §3.1); another caret is a caret."""

MARKS: Final = str.maketrans("", "", "-_/")
"""Characters of names beside letters and digits. The standards only have the hyphen, but programs write
``X-COST_CENTER`` and ``X-messaging/xmpp-All``.
"""

CARETS: Final = {"'": '"', "n": "\n", "^": "^"}


class Property(msgspec.Struct, frozen=True):
    """A line: its name in capitals, parameters by name in capitals, its value as it is in the file, and all of it."""

    name: str
    parameters: dict[str, list[str]]
    value: str
    whole: str

    def parameter(self, name: str) -> str:
        """The first value of a parameter; "" without one."""
        return next(iter(self.parameters.get(name, ())), "")

    @property
    def decoded(self) -> str:
        """The value, without quoted-printable and charset of old versions."""
        encodings = [*self.parameters.get("ENCODING", []), *self.parameters.get("TYPE", [])]
        if not any(encoding.upper() == "QUOTED-PRINTABLE" for encoding in encodings):
            return self.value
        octets = quopri.decodestring(self.value.encode("utf-8", "replace"))
        return decode_text(octets, self.parameter("CHARSET"))


def _lines(text: str) -> Iterator[str]:
    """Lines as they end in files of all systems, one after the other: a list of short ones takes 30 times the text."""
    # some programs write CRLF through a stream that makes CRLF of each LF
    text = text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start:end]
        start = end + 1
    yield text[start:]


IN_FOLD: Final = re.compile(rb"\r?\n[ \t]")


def unfolded(text: str) -> Iterator[str]:
    """Lines without their folds, and quoted-printable values of old versions in one line."""
    pieces: list[str] = []
    soft = False
    for line in _lines(text):
        if soft:
            pieces.append("\n" + line)
        elif line[:1] in (" ", "\t") and pieces:
            pieces.append(line[1:])
            continue
        else:
            if pieces:
                yield "".join(pieces)
            pieces = [line]
        soft = line.endswith("=") and "QUOTED-PRINTABLE" in pieces[0][:200].upper()
    if pieces:
        yield "".join(pieces)


def with_whole_letters(data: bytes) -> bytes:
    """Octets of a file without its folds, where these cut letters in two (RFC 5545 §3.1); all others as they are."""
    for octets in (data, IN_FOLD.sub(b"", data)):
        with suppress(UnicodeDecodeError):
            octets.decode()
            return octets
    return data


def property_of(line: str) -> Property | None:
    """The property of a line; None for another line. Values of parameters may be quoted."""
    at, quoted, starts = 0, False, [0]
    for at, char in enumerate(line):
        if char == '"':
            quoted = not quoted
        elif char == ":" and not quoted:
            break
        elif char == ";" and not quoted:
            starts.append(at + 1)
        elif at > MAX_LINE:
            return None
    else:
        return None
    ends = [*(start - 1 for start in starts[1:]), at]
    head, *rest = (line[start:end] for start, end in zip(starts, ends, strict=True))
    name = head.rpartition(".")[2].strip().upper()
    if not name.isascii() or not name.translate(MARKS).isalnum():
        return None
    parameters: dict[str, list[str]] = {}
    for one in rest[:MAX_PARAMETERS]:
        key, mark, value = one.partition("=")
        # version 2.1 of vCard has bare types: TEL;CELL:…
        key, value = (key.strip().upper(), value) if mark else ("TYPE", key)
        parameters.setdefault(key, []).extend(_of_parameter(part.strip(' "')) for part in _values(key, value))
    return Property(name, parameters, line[at + 1 :], line)


def _values(key: str, text: str) -> list[str]:
    """The values of a parameter: ``TYPE="home,work"`` has two, ``CN="Lind, Ada"`` one, as a zone has."""
    if key == "TZID":
        return [text]
    if key == "TYPE" or '"' not in text:
        return text.split(",")
    pieces = text.split('"')
    pieces[1::2] = [piece.replace(",", "\0") for piece in pieces[1::2]]
    return [value.replace("\0", ",") for value in "".join(pieces).split(",")]


def _of_parameter(text: str) -> str:
    return CARET.sub(lambda match: CARETS[match[1]], text) if "^" in text else text


def in_parameter(text: str) -> str:
    """A text as a parameter has it (RFC 6868 §3.1), without the quotes around it."""
    text = text.replace("^", "^^").replace('"', "^'")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "^n")


def group_of(line: Property) -> str:
    """The group that a line belongs to (``item1.EMAIL``), in lower case; "" without one."""
    return line.whole.partition(":")[0].partition(";")[0].rpartition(".")[0].strip().lower()


def with_value(line: Property, value: str) -> Property:
    """The line with another value; its name, group and parameters stay to the letter."""
    if line.decoded != line.value:
        kept = {key: values for key, values in line.parameters.items() if key not in ("ENCODING", "CHARSET", "TYPE")}
        return changed_line(line.name, kept, value, group_of(line))
    head = line.whole[: len(line.whole) - len(line.value)]
    return Property(line.name, line.parameters, value, head + value)


def changed_line(name: str, parameters: Mapping[str, Sequence[str]], value: str, group: str = "") -> Property:
    """The line of a name, parameters and a value."""
    head = f"{group}.{name}" if group else name
    for key, values in parameters.items():
        if values:
            texts = map(in_parameter, values)
            head += f";{key}=" + ",".join(f'"{text}"' if set(text) & set(",;:") else text for text in texts)
    return Property(name.upper(), {key: [*values] for key, values in parameters.items()}, value, f"{head}:{value}")


def split(value: str, mark: str) -> list[str]:
    """The pieces of a value between marks that are not escaped."""
    pieces, start, at = [], 0, 0
    while at < len(value):
        if value[at] == "\\":
            at += 2
            continue
        if value[at] == mark:
            pieces.append(value[start:at])
            start = at + 1
            if len(pieces) > MAX_PIECES:
                break
        at += 1
    return [*pieces, value[start:]]


def address_pieces(value: str) -> list[str]:
    """The pieces of ADR: seven (RFC 6350 §6.3.1), or eighteen (RFC 9554 §2.1). Google repeats the whole address in an
    eighth piece, so that more than seven count only if they are eighteen, or if there is no street among the seven.
    """
    pieces = split(value, ";")
    return pieces if len(pieces) >= ADDRESS_PIECES or not "".join(pieces[2:3]) else pieces[:7]


def unescaped(value: str) -> str:
    """Text of a value (RFC 6350 §3.4)."""
    if "\\" not in value:
        return value
    pieces = iter(value.split("\\"))
    found = [next(pieces)]
    for piece in pieces:
        if piece:
            found.append({"n": "\n", "N": "\n"}.get(piece[0], piece[0]) + piece[1:])
        else:  # a backslash that is escaped: the piece after it is as it is
            found.append("\\" + next(pieces, ""))
    return "".join(found)


def plain(value: str, most: int) -> str:
    """Text of a value in one line of at most so many characters, without control characters."""
    text = unescaped(value[: 4 * most])
    return " ".join(visible(text).split())[:most]


def mail_address(value: str) -> str:
    """The address in a ``mailto`` URI (RFC 6068), as it is written; "" for another value. Some programs write a name
    into the URI: ``mailto:%22Ann%22%20%3Cann@x.example%3E``.
    """
    scheme, _, text = value.strip()[: 4 * MAX_ADDRESS].partition(":")
    if scheme.lower() != "mailto":
        return ""
    text = unquote(text.partition("?")[0]).strip()
    if text.endswith(">"):
        text = text[:-1].rpartition("<")[2]
    return plain(text, MAX_ADDRESS)


def person_of(uri: str) -> str:
    """The URI of a calendar user in the one spelling by which people are compared."""
    address = mail_address(uri)
    return f"mailto:{one_spelling(address)}" if address else uri.strip().lower()


def escaped(text: str) -> str:
    """A text as a value."""
    text = text.replace("\\", "\\\\").replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")
    return text.replace(",", "\\,").replace(";", "\\;")


def folded(line: str) -> str:
    """A line with folds after at most 75 octets, never within a character."""
    if len(line) <= FOLD // 4:
        return line
    if line.isascii():  # pictures
        rest = [line[at : at + FOLD - 1] for at in range(FOLD, len(line), FOLD - 1)]
        return "\r\n ".join([line[:FOLD], *rest])
    pieces: list[bytes] = []
    piece, room = bytearray(), FOLD
    for char in line:
        octets = char.encode("utf-8", "replace")
        if len(octets) > room:
            pieces.append(bytes(piece))
            piece, room = bytearray(), FOLD - 1
        piece += octets
        room -= len(octets)
    return b"\r\n ".join([*pieces, bytes(piece)]).decode()
