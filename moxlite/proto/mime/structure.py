"""Scanner of MIME messages: octets in, `Structure` out; no content is copied or kept (RFC 2045, 2046, 5322).

Theory of operation
-------------------
The message is scanned once, forward only: the header of an entity up to its blank line, a body up to the next
*delimiter*, a line `--boundary` of any open multipart (RFC 2046 §5.1.1). One dict has all open boundaries, so a line is
looked up once, however deep the nesting. The level of the delimiter determines which entities end there: an inner
multipart that is never closed ends at the next delimiter of an outer one.

Line ends up to the cursor are counted during the scan, and the decoded size of leaves is computed by decoding them in
blocks. The cost is linear in the size of the message; only the header sections, bounded by MAX_HEADER, are read more
than once.

Broken mail is indexed as far as possible (STORE-52..54), within the limits below: a part that exceeds one is an opaque
leaf (STORE-55). Strict scanning raises instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from mmap import mmap
from typing import Final, TypeAlias

import msgspec

from .decode import BLOCK, base64_size, decode, decode_blocks
from .headers import MAX_HEADER, HeaderSection, first_fault
from .tnef import wrapped_content
from .types import (
    ENCODED_MESSAGE,
    HEADLESS,
    LARGE_HEADER,
    LONG_BOUNDARY,
    MANY_PARTS,
    NESTED,
    NO_BOUNDARY,
    PARSE_VERSION,
    EmbeddedMessage,
    Enclosure,
    MIMEError,
    Parameter,
    Part,
    Structure,
)
from .wire import read_envelope
from .words import ContentValue, decode_words, hinted, parse_content

MAX_DEPTH: Final = 50
"""Depth of nested multiparts and embedded messages (STORE-55): mail that was forwarded a lot has up to ten levels."""

MAX_PARTS: Final = 1000
"""Number of entities of a message (STORE-55); the last one holds the rest of the message."""

MAX_BOUNDARY: Final = 1000
"""Octets of a boundary (STORE-55); RFC 2046 §5.1.1 allows 70."""

MAX_LINE: Final = 1000
"""Octets of a line with its line end that strict scanning accepts (RFC 5322 §2.1.1)."""

MAX_WRAPPED: Final = 16 << 20
"""Octets of signed-data or TNEF that is opened (STORE-52b): all of it is decoded whenever one of its parts is read."""

Octets: TypeAlias = bytes | bytearray | memoryview | mmap

MAX_LANGUAGES: Final = 100
"""Number of language tags read per part."""

_WINDOW: Final = 1 << 20  # octets per call into C: none holds the interpreter lock for more than a millisecond
_MANY_MISSES: Final = 1000  # costs about as much as compiling the pattern of `_likely`
_NEAR: Final = 1 << 16  # octets of a body whose first delimiter decides between several Content-Type fields
_MANY_TYPES: Final = 10  # fields to compare this way
_LOOK: Final = 70  # octets of each boundary in it, the most that RFC 2046 §5.1.1 allows
_BLANK: Final = re.compile(rb"\n\r?\n")
# A line that may be a delimiter, cut where no boundary can match any more: boundary, "--", and one octet to see what
# follows.
_DASHES: Final = re.compile(rb"\n--([^\n]{0,%d})" % (MAX_BOUNDARY + 3))
_NEWLINE: Final = re.compile(rb"\n")
_TOKEN: Final = re.compile(rb"""[^\s;()"]+""")
_DEFAULT: Final = ContentValue("TEXT", "PLAIN", (Parameter("charset", "us-ascii"),), None)  # RFC 2045 §5.2
_DIGEST: Final = ContentValue("MESSAGE", "RFC822", (), None)  # RFC 2046 §5.1.5
_FIELDS: Final = (
    b"content-type",
    b"content-transfer-encoding",
    b"content-disposition",
    b"content-id",
    b"content-description",
    b"content-md5",
    b"content-language",
    b"content-location",
)
# The usual values, as they are written in nearly all parts.
_ENCODINGS: Final[Mapping[bytes | None, str]] = {
    None: "7BIT",
    b"7bit": "7BIT",
    b"8bit": "8BIT",
    b"base64": "BASE64",
    b"quoted-printable": "QUOTED-PRINTABLE",
}
_UNDIVIDED: Final = (NO_BOUNDARY, LONG_BOUNDARY)  # defects of multiparts whose content is shown as text (STORE-53)
_COMPOSITE: Final = frozenset({"", "7BIT", "8BIT", "BINARY"})  # of an embedded message (RFC 2046 §5.2.1)


class _Delimiter(msgspec.Struct, frozen=True, gc=False):
    """A delimiter line: the level of its multipart, the offset of the line and of the next one."""

    level: int
    closing: bool
    start: int
    after: int


class _Head(msgspec.Struct, frozen=True, gc=False):
    """The header section of an entity: `end` is the first octet after the blank line; `delimiter` ended it if there
    was no blank line.
    """

    header: HeaderSection
    end: int
    complete: bool
    delimiter: _Delimiter | None


def scan(data: Octets, *, strict: bool = False) -> Structure:
    """The MIME index of the message `data` (STORE-50).

    Args:
      data: the whole message, without prefix.
      strict: refuse malformed messages (STORE-53), for pedantic listeners.

    Raises:
      MIMEError: only if `strict`.
    """
    return scan_message(data, strict=strict)[0]


def scan_message(data: Octets, *, strict: bool = False) -> tuple[Structure, HeaderSection, bytes]:
    """As `scan`; also returns the header of the message (at most MAX_HEADER octets) and its ENVELOPE for IMAP."""
    scanner = _Scanner(data, strict)
    if strict:
        scanner.check_lines()
    header, root = scanner.message(0, 1)
    root = hinted(root)
    header.hint = root.hint
    envelope, wire = read_envelope(header)
    return Structure(PARSE_VERSION, scanner.size, envelope, root), header, wire


class _Scanner:
    def __init__(self, data: Octets, strict: bool) -> None:
        self.data = data
        self.size = len(data)
        self.strict = strict
        self.levels: dict[bytes, int] = {}  # open boundaries; equal ones: the innermost
        self.open = 0  # how many multiparts are open
        self.widths: list[int] = []  # the different lengths of open boundaries, longest first; empty if not known
        self.count = 0
        self.delimiter: _Delimiter | None = None  # the last entity's; None at the end of the message
        self.misses = 0  # lines with dashes that weren't delimiters, since a multipart was last entered or left
        self.likely: re.Pattern[bytes] | None = None
        self.opens = True  # whether signed-data and TNEF are opened: not within other
        self.blank = (-1, -1)  # start and end of the last blank line found
        self.counted = (0, 0)  # where line ends have been counted up to, and how many

    def fail(self, reason: str) -> None:
        if self.strict:
            raise MIMEError(reason)

    # --- entities ---

    def message(self, start: int, depth: int) -> tuple[HeaderSection, Part]:
        """A message, the outermost or an embedded one, and its header."""
        head = self._head(start)
        fault = first_fault(head.header)
        if fault == "text":
            head = _Head(HeaderSection(b""), start, True, head.delimiter)
        return head.header, self._entity(start, start, head, depth, _DEFAULT, fault == "opaque")

    def _entity(self, boundary: int, start: int, head: _Head, depth: int, default: ContentValue, junk: bool) -> Part:
        """The part whose header section is `head`; `self.delimiter` is then what ended it."""
        self.count += 1
        kind, transfer, disposition, content_id, description, md5, language, location = map(head.header.text, _FIELDS)
        encoding = _encoding(transfer)
        content = self._content(kind, default, is_text=encoding != "BASE64" and disposition is None)
        if head.header.count(b"content-type") > 1:
            content = _dividing(self.data, head) or content
        # Unless strict, a defect makes the part a leaf and never the message a failure: mail that a program writes
        # wrongly must still be stored, listed and shown.
        defect = ""
        container = content.value == "MULTIPART" or (
            content.value == "MESSAGE" and content.subtype in ("RFC822", "GLOBAL")
        )
        if junk:
            defect = HEADLESS
        elif not head.complete:
            defect = LARGE_HEADER
        elif self.count >= MAX_PARTS:
            defect = MANY_PARTS
        elif container:
            defect = self._refusal(content, encoding, depth)
        body = head.end
        before = self._newlines_to(body)
        parts: tuple[Part, ...] = ()
        message: EmbeddedMessage | None = None
        # the rest of the message becomes the content of this part: no more delimiters are looked for
        if self.count >= MAX_PARTS:
            self.delimiter = None
        elif head.delimiter is not None:
            self.delimiter = head.delimiter
            # RFC 3501 has no multipart without parts, so it gets an empty one
            if container and not defect and content.value == "MULTIPART":
                parts = (self._empty_part(body),)
        elif defect or not container:
            self.delimiter = self._next_delimiter(body) if self.levels else None
        elif content.value == "MULTIPART":
            parts = self._multipart(content, encoding, body, depth)
        else:
            inner, root = self.message(body, depth + 1)
            root = hinted(root)
            inner.hint = root.hint
            message = EmbeddedMessage(*read_envelope(inner), root)
        # a delimiter came before the embedded message: its envelope and body are empty
        if container and not defect and content.value == "MESSAGE" and message is None:
            message = EmbeddedMessage(*read_envelope(HeaderSection(b"")), self._empty_part(body))
        end = self._end(body, parts[-1] if parts else message.root if message else None)
        newlines = self._newlines_to(end) - before
        if defect:
            self.fail(defect)
            content = _as_text(content) if defect in _UNDIVIDED else _as_octets(content)
        decoded = text_size = end - body
        if not parts and message is None:
            decoded, text_size = self._sizes(body, end, encoding, content.value == "TEXT", newlines)
        placed = parse_content(disposition) if disposition else None
        wrapped: Part | None = None
        if content.value == "APPLICATION" and content.is_wrapping:
            wrapped = _wrapped(self, body, end, encoding, depth)
        return Part(
            boundary,
            start,
            body,
            end,
            newlines + self._unterminated(body, end),
            decoded,
            text_size,
            content.value,
            content.subtype,
            encoding,
            content.parameters,
            parts,
            placed.value if placed else "",
            placed.parameters if placed else (),
            content_id,
            description,
            message,
            md5,
            _languages(language) if language else (),
            location,
            defect,
            wrapped,
        )

    def _multipart(self, content: ContentValue, encoding: str, body: int, depth: int) -> tuple[Part, ...]:
        boundary = content.boundary
        assert boundary is not None
        # Two multiparts in each other may have one boundary, by mistake or malice. A delimiter then belongs to the
        # inner one as long as that is open, as any reader does that knows only the part it is in; then the outer one
        # counts again.
        outer = self.levels.get(boundary)
        level = self.open
        self.levels[boundary] = level
        self.open += 1
        self._forget()
        default = _DIGEST if content.subtype == "DIGEST" else _DEFAULT
        parts: list[Part] = []
        delimiter = self._next_delimiter(body)
        while delimiter is not None and delimiter.level == level and not delimiter.closing:
            strict = self.strict
            if content.subtype == "REPORT" and len(parts) == 2:
                self.strict = False  # the original is often cut short by the reporter (STORE-53)
            start = delimiter.after
            parts.append(self._entity(delimiter.start, start, self._head(start), depth + 1, default, False))
            self.strict = strict
            delimiter = self.delimiter
        # A delimiter that should have been the closing one begins no part, nor do a few empty lines behind it.
        if len(parts) > 1:
            first, closed = parts[-1].header, delimiter is not None and delimiter.level == level
            octets = bytes(self.data[first : min(parts[-1].end, first + 9)])
            if len(octets) <= (0 if closed else 8) and not octets.strip(b"\r\n"):
                parts.pop()
        self.open -= 1
        if outer is None:
            del self.levels[boundary]
        else:
            self.levels[boundary] = outer
        self._forget()
        if not parts:
            self.fail("multipart doesn't have any parts")
            parts.append(self._undivided(content, encoding, body, delimiter))
        if delimiter is not None and delimiter.level == level:
            delimiter = self._next_delimiter(delimiter.after) if self.levels else None
        elif self.count < MAX_PARTS:
            self.fail("missing closing boundary in multipart")
        self.delimiter = delimiter
        return tuple(parts)

    def _undivided(self, content: ContentValue, encoding: str, body: int, delimiter: _Delimiter | None) -> Part:
        """The one part of a multipart in which no part begins: its text up to `delimiter` (STORE-53)."""
        self.count += 1
        end = self.size if delimiter is None else max(body, self._before_line(delimiter.start))
        before = self._newlines_to(body)
        newlines = self._newlines_to(end) - before
        text = _as_text(content)
        lines = newlines + self._unterminated(body, end)
        sizes = self._sizes(body, end, encoding, True, newlines)
        return Part(body, body, body, end, lines, *sizes, text.value, text.subtype, encoding, text.parameters)

    def _forget(self) -> None:
        """Reset the values derived from the open boundaries."""
        self.widths.clear()
        self.likely = None
        self.misses = 0

    def _end(self, body: int, last: Part | None) -> int:
        """The end of a body that `self.delimiter` ended; `last` is the last part inside.

        A delimiter right after the header section, or right after another delimiter, leaves no line end to take away.
        """
        end = self.size if self.delimiter is None else max(body, self._before_line(self.delimiter.start))
        return end if last is None else max(end, last.end)

    def _empty_part(self, at: int) -> Part:
        self.count += 1
        return Part(at, at, at, at, 0, 0, 0, "TEXT", "PLAIN", "7BIT", _DEFAULT.parameters)

    def _refusal(self, content: ContentValue, encoding: str, depth: int) -> str:
        """Why a multipart or embedded message cannot be entered, "" if it can."""
        if depth >= MAX_DEPTH:
            return NESTED
        if content.value == "MESSAGE":
            return "" if encoding in _COMPOSITE else ENCODED_MESSAGE
        if content.boundary is None:
            return NO_BOUNDARY
        return "" if len(content.boundary) <= MAX_BOUNDARY else LONG_BOUNDARY

    # --- header sections ---

    def _head(self, start: int) -> _Head:
        first = bytes(self.data[start : start + 2])
        if first[:1] == b"\n" or first == b"\r\n":
            return _Head(HeaderSection(b""), start + (1 if first[:1] == b"\n" else 2), True, None)
        if self.blank[0] < start:
            self.blank = self._find_blank(start)
        stop, after = self.blank
        delimiter = None
        if self.levels:
            delimiter = self._next_delimiter(start, stop)
            if delimiter is not None:
                stop = after = max(start, self._before_line(delimiter.start))
        header = HeaderSection(bytes(self.data[start : min(stop, start + MAX_HEADER)]))
        if header.count(b""):
            self.fail("malformed header line")
        return _Head(header, after, header.complete and stop - start <= MAX_HEADER, delimiter)

    def _find_blank(self, start: int) -> tuple[int, int]:
        while start < self.size:
            match = _BLANK.search(self.data, start, start + _WINDOW + 3)
            if match is not None:
                return match.span()
            start += _WINDOW
        return self.size, self.size

    def _content(self, field: bytes | None, default: ContentValue, *, is_text: bool) -> ContentValue:
        if not field:
            return default
        content = parse_content(field)
        if content.value and content.subtype:
            return content
        self.fail("malformed Content-Type")
        if content.value == "TEXT" or (is_text and not content.value):  # RFC 2045 §5.2; "TEXT" alone is of RFC 1049
            return ContentValue("TEXT", "PLAIN", content.parameters or _DEFAULT.parameters, None)
        return ContentValue("APPLICATION", "OCTET-STREAM", (), None)

    # --- delimiters and lines ---

    def _next_delimiter(self, start: int, stop: int | None = None) -> _Delimiter | None:
        """The first delimiter line of an open multipart at or after `start`, a line's begin, whose line starts
        before `stop`.
        """
        data = self.data
        levels = self.levels
        end = self.size if stop is None else stop
        at = start - 1
        while at < end:
            window = min(end, at + _WINDOW)
            reach = min(self.size, window + MAX_BOUNDARY + 6)
            match = _DASHES.search(data, at, reach)
            while match is not None and match.start() < window:
                line = match[1]
                text = line.rstrip(b" \t\r")
                level = levels.get(text)
                closing = False
                if level is None:
                    closing = text.endswith(b"--")
                    level = levels.get(text[:-2]) if closing else None
                    if level is None and (b"--" in line or b" " in line or b"\t" in line or b"\r" in line):
                        level, closing = self._prefix(line)
                if level is not None:
                    return _Delimiter(level, closing, match.start() + 1, self._line_after(match.end()))
                self.misses += 1
                at = match.end()
                if self.misses > _MANY_MISSES:
                    likely = self._likely().search(data, at, reach)
                    if likely is None:
                        break
                    at = likely.start()
                match = _DASHES.search(data, at, reach)
            at = window
        return None

    def _likely(self) -> re.Pattern[bytes]:
        """Finds lines that look like an open boundary: for bodies full of lines with dashes, each of which costs
        Python a microsecond.
        """
        if self.likely is None:
            starts = b"|".join(
                re.escape(boundary[:_LOOK]) + (rb"(?=--|[ \t\r\n]|\Z)" if len(boundary) <= _LOOK else b"")
                for boundary in self.levels
            )
            self.likely = re.compile(rb"\n--(?:%s)" % starts)
        return self.likely

    def _prefix(self, line: bytes) -> tuple[int | None, bool]:
        """A boundary followed by "--" or a blank and then other text (STORE-54)."""
        if not self.widths:
            self.widths = sorted({len(boundary) for boundary in self.levels}, reverse=True)
        for length in self.widths:
            following = line[length : length + 2]
            if following and (following == b"--" or following[0] in b" \t\r"):
                level = self.levels.get(line[:length])
                if level is not None:
                    return level, following == b"--"
        return None, False

    def _line_after(self, at: int) -> int:
        while at < self.size:
            if self.data[at] == 0x0A:
                return at + 1
            match = _NEWLINE.search(self.data, at, min(self.size, at + _WINDOW))
            if match is not None:
                return match.end()
            at += _WINDOW
        return self.size

    def _before_line(self, start: int) -> int:
        """Where the line before the one at `start` ends, without its line end."""
        if start >= 2 and self.data[start - 2] == 0x0D:
            return start - 2
        return start - 1

    def _newlines_to(self, at: int) -> int:
        """Line ends from the begin of the message to `at`; successive calls go forward, but for the two octets
        before a delimiter.
        """
        counted, newlines = self.counted
        if at < counted:
            return newlines - self._count(b"\n", at, counted)
        newlines += self._count(b"\n", counted, at)
        self.counted = (at, newlines)
        return newlines

    def _count(self, what: bytes, start: int, end: int) -> int:
        """Number of non-overlapping occurrences of `what` in this range."""
        data = self.data
        if isinstance(data, bytes) and end - start <= _WINDOW:
            return data.count(what, start, end)
        overlap = len(what) - 1
        total = 0
        while start < end:
            stop = min(end, start + _WINDOW + overlap)
            if isinstance(data, bytes | bytearray):
                total += data.count(what, start, stop)
            else:
                total += bytes(data[start:stop]).count(what)
            start += _WINDOW
        return total

    def _blocks(self, start: int, end: int, size: int) -> Iterator[bytes]:
        for at in range(start, end, size):
            yield bytes(self.data[at : min(end, at + size)])

    def _unterminated(self, body: int, end: int) -> bool:
        """Whether the last line has no line end: IMAP counts it all the same."""
        return end > body and self.data[end - 1] != 0x0A

    def _sizes(self, body: int, end: int, encoding: str, text: bool, newlines: int) -> tuple[int, int]:
        """The size of a leaf's decoded content, and of a text with each bare LF as CRLF, as IMAP sends it."""
        if encoding in ("BASE64", "QUOTED-PRINTABLE"):
            return self._decoded_size(body, end, encoding, text)
        size = end - body
        return size, size + (newlines - self._count(b"\r\n", body, end) if text and newlines else 0)

    def _decoded_size(self, body: int, end: int, encoding: str, text: bool) -> tuple[int, int]:
        """The size of the decoded content, and that with each bare LF as CRLF."""
        if encoding == "BASE64" and not text:
            quick = base64_size(self._blocks(body, end, BLOCK))
            if quick is not None:
                return quick, quick
        size = bare = 0
        last = b""
        blocks: Iterable[bytes]
        if end - body <= BLOCK:
            blocks = [decode(bytes(self.data[body:end]), encoding)]
        else:
            blocks = decode_blocks(self._blocks(body, end, BLOCK), encoding)
        for block in blocks:
            size += len(block)
            if text:
                bare += block.count(b"\n") - block.count(b"\r\n") - (last == b"\r" and block[:1] == b"\n")
                last = block[-1:]
        return size, size + bare

    # --- strictness ---

    def check_lines(self) -> None:
        """Refuse bare CR, bare LF and long lines (STORE-53). Checks windows of some 1,000 octets, not single lines."""
        rest = b""
        for block in self._blocks(0, self.size, _WINDOW):
            data = rest + block
            if data.endswith(b"\r"):  # its LF may come with the next block
                data, rest = data[:-1], b"\r"
            else:
                rest = b""
            pairs = data.count(b"\r\n")
            if data.count(b"\n") > pairs:
                raise MIMEError("bare LF")
            if data.count(b"\r") > pairs:
                raise MIMEError("bare CR")
            at = 0
            while len(data) - at >= MAX_LINE:
                at = data.rfind(b"\n", at, at + MAX_LINE) + 1
                if at == 0:
                    raise MIMEError("line too long")
            rest = data[max(at, data.rfind(b"\n", at) + 1) :] + rest
        if rest.endswith(b"\r"):
            raise MIMEError("bare CR")


def _dividing(data: Octets, head: _Head) -> ContentValue | None:
    """The first of several Content-Type fields whose boundary occurs near the begin of the body."""
    begin = b"\n" + bytes(data[head.end : head.end + _NEAR])
    for field in head.header.texts(b"content-type")[:_MANY_TYPES]:
        content = parse_content(field)
        if content.value == "MULTIPART" and content.boundary and b"\n--" + content.boundary in begin:
            return content
    return None


def _wrapped(scanner: _Scanner, body: int, end: int, encoding: str, depth: int) -> Part | None:
    """The entity that a leaf of signed-data or TNEF has as its content."""
    if not scanner.opens or end - body > MAX_WRAPPED or depth >= MAX_DEPTH or scanner.count >= MAX_PARTS:
        return None
    octets = wrapped_content(decode(bytes(scanner.data[body:end]), encoding))
    if octets is None:
        return None
    inner = _Scanner(octets, False)
    inner.opens, inner.count = False, scanner.count
    _, root = inner.message(0, depth + 1)
    scanner.count = inner.count
    return root.enclosed(Enclosure(body, end, encoding))


def _encoding(field: bytes | None) -> str:
    """The transfer encoding in a Content-Transfer-Encoding field, in upper case; 7BIT by default (RFC 2045 §6)."""
    if field in _ENCODINGS:
        return _ENCODINGS[field]
    if field and field.startswith(b"=?"):  # as `parse_content` reads it
        field = decode_words(field).encode()
    match = _TOKEN.search(field) if field else None
    return match[0].decode("ascii", "replace").upper() if match else "7BIT"


def _languages(field: bytes) -> tuple[bytes, ...]:
    """The tags of Content-Language (RFC 3282 §2)."""
    return tuple([tag.strip() for tag in field.split(b",")[:MAX_LANGUAGES] if tag.strip()])


def _as_octets(content: ContentValue) -> ContentValue:
    """The type of an opaque leaf, which keeps its name."""
    return ContentValue("APPLICATION", "OCTET-STREAM", _only("name", content.parameters), None)


def _as_text(content: ContentValue) -> ContentValue:
    """The type of the text in a multipart without parts, which keeps name and charset of the multipart."""
    charset = _only("charset", content.parameters) or _DEFAULT.parameters
    return ContentValue("TEXT", "PLAIN", charset + _only("name", content.parameters), None)


def _only(name: str, parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    return tuple([parameter for parameter in parameters if parameter.name == name])
