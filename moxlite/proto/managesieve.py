"""ManageSieve server codec (RFC 5804): octets in, requests out; responses in, octets out.

Theory of operation
-------------------
A request is a line of words: a verb, then strings and numbers. A string is quoted, or a literal ``{N+}`` whose octets
follow the line end; the server never has to ask for them (§4). So a request is complete or not: `next_request` returns
it, returns NEED_DATA, or raises `ManageSieveError`. Between them `expect_line` reads the answer to a SASL challenge,
which is a single string.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

import msgspec

MAX_STRING: Final = 64 << 10
"""Octets of the longest string: a script (IMAP-141)."""

MAX_WORDS: Final = 8
"""Words of a request. The longest request has four."""

MAX_LINE: Final = 8 << 10
"""Octets of a line without its literals: quoted strings have at most 1024 (§4)."""

NEED_DATA: Final = None


class Atom(str):
    """A word without quotes, in upper case."""


Word: TypeAlias = Atom | bytes | int


class Request(msgspec.Struct, frozen=True):
    """A request. `verb` in upper case; `arguments`: octets of strings, and numbers."""

    verb: str
    arguments: tuple[bytes | int, ...] = ()


class ManageSieveError(ValueError):
    """The client sent something else than a request. `fatal`: what follows cannot be read."""

    def __init__(self, text: str, *, fatal: bool = False) -> None:
        super().__init__(text)
        self.fatal = fatal


_WORD: Final = re.compile(
    rb"""
    "((?:[^"\\\r\n\x00]|\\["\\]){0,8192})"
    |\{([0-9]{1,10})\+?\}\r?\n
    |([0-9]{1,10})(?=[ \r\n])
    |([A-Za-z][A-Za-z0-9_-]{0,30})(?=[ \r\n])
    """,
    re.VERBOSE,
)
_ANNOUNCES: Final = re.compile(rb"\{[0-9]+\+?\}\r?\n\Z")
_BLANKS: Final = re.compile(rb" *")
_END: Final = re.compile(rb"\r?\n")
_ESCAPED: Final = re.compile(rb"\\(.)")
_UNSAFE: Final = re.compile(r"[\r\n\x00]|[^\x00-\x7f]")


class ServerDecoder:
    """Reads requests. Octets are bounded: by MAX_LINE for lines, MAX_WORDS literals of MAX_STRING.

    `pedantic`: a single blank between words and none elsewhere, and CR LF at the end of a line (IMAP-182).
    """

    def __init__(self, *, pedantic: bool = False) -> None:
        self._pedantic = pedantic
        self._buffer = bytearray()
        self._words: list[Word] = []
        self._announced = 0  # end of an incomplete literal in the buffer

    @property
    def octets(self) -> int:
        """Octets of the present request that have come or are announced."""
        there = sum(len(word) for word in self._words if isinstance(word, bytes))
        return there + max(len(self._buffer), self._announced)

    @property
    def buffered(self) -> bool:
        """Whether octets wait that no request has used."""
        return bool(self._buffer)

    def feed(self, octets: bytes) -> None:
        """Add octets of the client."""
        self._buffer += octets

    def next_request(self) -> Request | None:
        """The next request; NEED_DATA before it is complete. Raises ManageSieveError."""
        if not self._read():
            return NEED_DATA
        words, self._words = self._words, []
        if not words or not isinstance(words[0], Atom):
            raise ManageSieveError("expected a command")
        arguments = tuple(word for word in words[1:] if not isinstance(word, Atom))
        if len(arguments) != len(words) - 1:
            raise ManageSieveError("expected a string or a number")
        return Request(str(words[0]), arguments)

    def next_string(self) -> bytes | None:
        """The string that a client sends for a SASL challenge; NEED_DATA before it is complete."""
        if not self._read():
            return NEED_DATA
        words, self._words = self._words, []
        if len(words) != 1 or not isinstance(words[0], bytes):
            raise ManageSieveError("expected a string")
        return words[0]

    def _read(self) -> bool:
        """Read words up to a line end; False before it has come."""
        buffer = self._buffer
        self._announced = 0
        while True:
            blanks = _BLANKS.match(buffer)
            assert blanks is not None
            if (line_end := _END.match(buffer, blanks.end())) is not None:
                if self._pedantic and (blanks[0] or line_end[0] != b"\r\n"):
                    return self._no_word()
                del buffer[: line_end.end()]
                return True
            match = _WORD.match(buffer, blanks.end())
            if match is None or (self._pedantic and blanks.end() != bool(self._words)):
                return self._no_word()
            if len(self._words) >= MAX_WORDS:
                raise ManageSieveError("too many arguments", fatal=True)
            text, size, number, name = match.groups()
            if size is None:
                word: Word = (
                    _ESCAPED.sub(rb"\1", bytes(text))
                    if text is not None
                    else int(number)
                    if number is not None
                    else Atom(name.decode("ascii").upper())
                )
                self._words.append(word)
                del buffer[: match.end()]
                continue
            if self._pedantic and not match[0].endswith(b"+}\r\n"):
                raise ManageSieveError("a literal must be announced as {octets+}, with CR LF", fatal=True)
            if int(size) > MAX_STRING:
                raise ManageSieveError(f"string too long (limit {MAX_STRING} bytes)", fatal=True)
            end = match.end() + int(size)
            if len(buffer) < end:
                self._announced = end
                return False
            self._words.append(bytes(buffer[match.end() : end]))
            del buffer[:end]

    def _no_word(self) -> bool:
        """Wait for the rest of a line; drop one that cannot be read. Raises ManageSieveError."""
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) > MAX_LINE:
                raise ManageSieveError("line too long", fatal=True)
            return False
        # A line that announces a literal can't be dropped alone: the script behind it would be read as commands.
        announces = _ANNOUNCES.search(self._buffer, 0, end + 1) is not None
        del self._buffer[: end + 1]
        self._words.clear()
        raise ManageSieveError("invalid command syntax", fatal=announces)


def quoted(text: str) -> bytes:
    """A string in quotes, which may have no line ends and 1024 octets at most."""
    return b'"%b"' % text.replace("\\", "\\\\").replace('"', '\\"').encode()


def string(octets: bytes) -> bytes:
    """A literal (§4)."""
    return b"{%d}\r\n%b" % (len(octets), octets)


def response(kind: str, text: str = "", code: str = "") -> bytes:
    """``OK``, ``NO`` or ``BYE`` with a response code and a text for people (§1.3)."""
    words = [kind.encode("ascii")]
    if code:
        words.append(b"(%b)" % code.encode())
    if text:
        words.append(string(text.encode()) if _UNSAFE.search(text) or len(text) > 900 else quoted(text))
    return b" ".join(words) + b"\r\n"


def capability(name: str, value: str | None = None) -> bytes:
    """A line of the capabilities (§1.7)."""
    return quoted(name) + (b"" if value is None else b" " + quoted(value)) + b"\r\n"
