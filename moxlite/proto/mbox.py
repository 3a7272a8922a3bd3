"""Mbox files (RFC 4155, with mboxrd quoting): octets in, messages out, and back.

Theory of operation
-------------------
A file is a sequence of messages, each after a separator line ``From SENDER DATE``. A separator is at the start of the
file or after an empty line, which belongs to the separator, not to the message before it. Some programs leave out the
empty line: behind another line of a body, a separator has a date, and a header field follows it. Its sender is an
address or one word in its place, as ``-``, and its date can be read (RFC 4155 App. A): many programs do not quote, and
a line of a text may begin with ``From `` as well. In a file whose first line has no date, separators have one word and
no date. A byte order mark and empty lines before the first separator are skipped.
Programs that write ``Content-Length`` (the forms mboxcl and mboxcl2, https://www.loc.gov/preservation/digital/formats/
fdd/fdd000384.shtml) need not quote. Others leave the field as it was when they change a message, so it is believed only
where the body that it gives ends before a separator or at the end of the file, and has a line that would separate.
Lines of a message that begin with ``From ``, or with ``>``s and ``From ``, have one more ``>`` in the file. Flags are
header fields: ``Status`` and ``X-Status`` of mutt and Dovecot, ``X-Keywords`` of Dovecot, ``X-Mozilla-Status`` and
``X-Mozilla-Keys`` of Thunderbird. Reading removes them and ``Content-Length``, which no longer matches then. Writing
adds the first three.

`MboxReader` is fed with pieces of the file and returns events: for each message a `Head` with its header section, then
``bytes`` of the body, then an `End`. Line ends are converted to CRLF (`localform`). Of a body, only an unfinished line
is buffered; a header section is buffered whole, up to a limit.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, datetime
from typing import Final, TypeAlias

import msgspec

from moxlite.proto.localform import FromFile, IntoFile, flag_word
from moxlite.proto.mime.dates import parse_date

MAX_HEADER: Final = 1 << 20
"""Octets of a header section that are searched for status fields; the rest is read as body (STORE-55)."""

MAX_LINE: Final = 64 << 10
"""Octets of an unfinished line that are buffered; a longer line is passed on in parts."""

MAX_FIELD_NAME: Final = 200
"""Octets of a line in which the name of a field ends, if it is one."""

MAX_AHEAD: Final = 4 << 20
"""Octets that are buffered behind a line that would separate, up to the end that Content-Length gives. A message that
is longer behind such a line is divided there."""

MAX_FROM: Final = 8 << 10
"""Octets of a separator line: an address of 254, a date, and a reserve for other formats."""


class MboxError(Exception):
    """The octets are not an mbox file. The text names the place."""


class Head(msgspec.Struct, frozen=True):
    """The beginning of a message.

    Attributes:
      sender: sender in the separator line, raw.
      moment, offset: date in the separator line, µs UTC and minutes east of UTC; None without a date.
      header: the header section with CRLF line ends and the empty line after it, if any, without status fields.
      words: names of flags (``\\Seen``, ``$Junk``, …) and keywords, as found, each once.
      expunged: Thunderbird has deleted the message, but not yet compacted the file.
    """

    sender: bytes
    moment: int | None
    offset: int
    header: bytes
    words: tuple[str, ...]
    expunged: bool


class End(msgspec.Struct, frozen=True):
    """The message is complete."""


Event: TypeAlias = Head | bytes | End

SEPARATOR: Final = re.compile(rb"(?:\A|(?<=\n))(\r?\n)?From ")
SEPARATOR_INSIDE: Final = re.compile(rb"(?<=\n)(\r?\n)?From ")
EMPTY_LINE: Final = re.compile(rb"(?:\A|(?<=\n))\r?\n")
LAST_EMPTY_LINE: Final = re.compile(rb"(?:\A|(?<=\n))\r?\n\Z")
QUOTED: Final = re.compile(rb"^>(>*From )", re.MULTILINE)
TO_QUOTE: Final = re.compile(rb"^(>*From )", re.MULTILINE)
LINE: Final = re.compile(rb"[^\n]*\n|[^\n]+")
FIELD_NAME: Final = re.compile(rb"([!-9;-~]+)[ \t]*:")
LENGTH: Final = re.compile(rb"^content-length:[ \t]*(\d{1,15})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
AFTER_LENGTH: Final = re.compile(rb"(?:\r?\n){0,2}(?=From )|(?:\r?\n){0,2}\Z")
"""Line ends between a body and the next separator: programs count the last one, or not."""

# ctime format of separators: "Thu Oct  1 10:00:00 2026", optionally with a zone before or after the year.
# "remote from" is of UUCP.
FROM_DATE: Final = re.compile(
    rb"(?P<week>[A-Za-z]{3}),?\s+(?P<month>[A-Za-z]{3})\s+(?P<day>\d{1,2})\s+(?P<time>\d{1,2}:\d{2}(?::\d{2})?)"
    rb"(?:\s+(?P<before>[A-Za-z]{1,5}|[+-]\d{4}))?\s+(?P<year>\d{4})(?:\s+(?P<behind>[A-Za-z]{1,5}|[+-]\d{4}))?"
    rb"(?:\s+remote from \S+)?\s*$"
)
SENDER: Final = re.compile(rb'(?:"[^"]*"\S*|\S+(?:\s+at\s+\S+)?)?')
"""The sender in a separator line: an address, whose localpart may be quoted; a word, as "-" of Thunderbird and
MAILER-DAEMON; "name at domain" of Mailman's archives; nothing for the null path."""

STATUS_FIELDS: Final = frozenset(
    (b"status", b"x-status", b"x-keywords", b"x-mozilla-status", b"x-mozilla-status2", b"x-mozilla-keys")
)
DROPPED: Final = STATUS_FIELDS | {b"content-length"}

STATUS_LETTERS: Final = {"R": r"\Seen"}
X_STATUS_LETTERS: Final = {"A": r"\Answered", "F": r"\Flagged", "T": r"\Draft", "D": r"\Deleted"}
MOZILLA_BITS: Final = {1: r"\Seen", 2: r"\Answered", 4: r"\Flagged", 0x1000: "$Forwarded"}
MOZILLA_EXPUNGED: Final = 8
"""Bits of X-Mozilla-Status. Thunderbird keeps a removed message, with this bit, until the folder is compacted."""


class MboxReader:
    """Reads one file. Each `feed` costs time linear in its octets, however they are cut."""

    def __init__(self) -> None:
        self._buffer = b""
        self._searched = 0
        self._state = "start"
        self._sender = b""
        self._date: tuple[int, int] | None = None
        self._dated = True
        self._lines = FromFile()
        self._mid_line = False
        self._promised = 0  # octets from the start of the buffer to the end of the body by Content-Length
        self._believed = False  # it is true
        self.messages = 0
        """Number of messages that have begun."""

    def feed(self, data: bytes) -> Iterator[Event]:
        """Take the next octets. Raises MboxError: a message does not begin with ``From ``."""
        self._buffer += data
        yield from self._run(last=False)

    def finish(self) -> Iterator[Event]:
        """Handle the end of the file. Raises MboxError."""
        yield from self._run(last=True)

    def _run(self, *, last: bool) -> Iterator[Event]:
        while True:
            match self._state:
                case "start":
                    more = self._skip_start(last)
                case "from":
                    more = self._separator(last)
                case "header":
                    more = yield from self._header(last)
                case _:
                    more = yield from self._body(last)
            if not more:
                return

    def _take(self, count: int) -> bytes:
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        self._searched = 0
        self._promised -= count
        return taken

    def _skip_start(self, last: bool) -> bool:
        """Skip what programs write before the first separator; False to await more."""
        if not last and codecs.BOM_UTF8.startswith(self._buffer[:3]) and len(self._buffer) < 3:
            return False
        self._buffer = self._buffer.removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n")
        if not last and not self._buffer:
            return False
        self._state = "from"
        return True

    def _separator(self, last: bool) -> bool:
        end = self._buffer.find(b"\n", self._searched) + 1
        if not end:
            if last:
                end = len(self._buffer)
            elif len(self._buffer) > MAX_FROM:
                raise MboxError(f"the first line of message {self.messages + 1} is too long")
            else:
                self._searched = len(self._buffer)
                return False
        line = self._take(end)
        if not line.startswith(b"From "):
            if last and not line.strip() and not self._buffer:
                return False  # an empty file, or an extra empty line
            raise MboxError(f"message {self.messages + 1} doesn't start with a 'From ' line")
        self._sender, self._date = parse_from_line(line)
        if not self.messages:
            self._dated = is_separator(line)
        self._lines = FromFile()
        self._state = "header"
        self.messages += 1
        return True

    def _header(self, last: bool) -> Generator[Event, None, bool]:
        match = EMPTY_LINE.search(self._buffer, self._searched)
        if match is None:
            if not last and len(self._buffer) < MAX_HEADER:
                self._searched = max(len(self._buffer) - 1, 0)  # a final CR, whose LF may follow
                return False
            self._promised = 0
            section = self._take(len(self._buffer) if last else self._buffer.rfind(b"\n") + 1 or len(self._buffer))
        elif (separator := self._ends_header(match.end(), last)) is None:
            self._searched = match.start()
            return False
        elif separator or (last and match.end() == len(self._buffer)):
            section = self._take(match.start())  # the empty line belongs to the next separator, or to the end
        else:
            section = self._take(match.end())
        yield self._head(section)
        self._state = "body"
        # Only the empty line before a separator: it is found again as the end of an empty body.
        self._mid_line = bool(section) and not section.endswith(b"\n")
        return True

    def _ends_header(self, at: int, last: bool) -> bool | None:
        """Whether the empty line that ends a header section at `at` belongs to a separator; None to await more."""
        length = LENGTH.search(self._buffer, 0, at)
        self._promised, self._believed = at + int(length[1]) if length else 0, False
        return self._parts(at, last)

    def _head(self, section: bytes) -> Head:
        header, words, expunged = take_status(QUOTED.sub(rb"\1", section))
        moment, offset = self._date or (None, 0)
        return Head(self._sender, moment, offset, self._lines.feed(header), words, expunged)

    def _body(self, last: bool) -> Generator[Event, None, bool]:
        pattern = SEPARATOR_INSIDE if self._mid_line else SEPARATOR
        start, self._searched = self._searched, max(len(self._buffer) - len(b"\r\nFrom"), 0)
        pending: int | None = None
        for match in pattern.finditer(self._buffer, start):
            if self._believed and match.end() <= self._promised:
                continue
            separator = self._parts(match.end() - len(b"From "), last, bare=match[1] is None)
            if separator:
                body = self._take(match.start())
                self._take(len(match[1] or b""))
                yield from self._piece(body)
                yield from self._end()
                return True
            if separator is None:
                self._searched = pending = match.start()
                break
        if last:
            body = self._take(len(self._buffer))
            empty = LAST_EMPTY_LINE.search(body, max(len(body) - 3, 0))
            if empty is not None and not (self._mid_line and empty.start() == 0):
                body = body[: empty.start()]
            yield from self._piece(body)
            yield from self._end()
            return False
        cut = self._certain() if pending is None else min(pending, self._certain())
        if cut:
            yield from self._piece(self._take(cut))
        return False

    def _parts(self, at: int, last: bool, *, bare: bool = False) -> bool | None:
        """As `_separates`, but False for a line that Content-Length counts as text, if that is believed."""
        separator = self._separates(at, last, bare=bare)
        if separator and at < self._promised:
            separator = self._promise_fails(at, last)
            self._believed = separator is False
        return separator

    def _promise_fails(self, at: int, last: bool) -> bool | None:
        """Whether Content-Length is wrong about the separator at `at`, which it counts as text; None to await more."""
        end = self._promised
        if end - at > MAX_AHEAD or (last and end > len(self._buffer)):
            return True
        if not last and len(self._buffer) < end + MAX_FROM:
            return None
        after = AFTER_LENGTH.match(self._buffer, end)
        if after is None or (after.end() == end and not self._buffer.startswith(b"\n", end - 1)):
            return True
        line_end = self._buffer.find(b"\n", after.end())
        line = self._buffer[after.end() : line_end if line_end >= 0 else len(self._buffer)]
        return after.end() < len(self._buffer) and not is_separator(line, dated=self._dated)

    def _separates(self, at: int, last: bool, *, bare: bool = False) -> bool | None:
        """Whether the line at `at` is a separator; None to await more. `bare`: not after an empty one."""
        if not b"From ".startswith(self._buffer[at : at + 5]) and not self._buffer.startswith(b"From ", at):
            return False
        end = self._buffer.find(b"\n", at, at + MAX_FROM)
        if end < 0 and not last:
            return False if len(self._buffer) - at >= MAX_FROM else None
        line = self._buffer[at:] if end < 0 else self._buffer[at:end]
        if not line.startswith(b"From ") or not is_separator(line, dated=self._dated or bare):
            return False
        if not bare:
            return True
        field = self._buffer[end + 1 : end + 1 + MAX_FIELD_NAME] if end >= 0 else b""
        if not last and len(field) < MAX_FIELD_NAME and b"\n" not in field:
            return None
        return FIELD_NAME.match(field) is not None

    def _certain(self) -> int:
        """Number of buffered octets that cannot belong to a separator: whole lines, without an empty one at the end."""
        buffer = self._buffer
        start = buffer.rfind(b"\n") + 1
        if len(buffer) - start > MAX_LINE:
            return len(buffer) - buffer.endswith(b"\r")
        for empty in (b"\r\n", b"\n"):
            if buffer.endswith(empty, 0, start):
                before = start - len(empty)
                at_line_start = buffer[before - 1 : before] == b"\n" if before else not self._mid_line
                return before if at_line_start else start
        return start

    def _piece(self, data: bytes) -> Iterator[bytes]:
        if not data:
            return
        if self._mid_line:
            end = data.find(b"\n") + 1
            plain = data[:end] + QUOTED.sub(rb"\1", data[end:]) if end else data
        else:
            plain = QUOTED.sub(rb"\1", data)
        self._mid_line = not data.endswith(b"\n")
        plain = self._lines.feed(plain)
        if plain:
            yield plain

    def _end(self) -> Iterator[Event]:
        rest = self._lines.finish()
        if rest:
            yield rest
        yield End()
        self._state = "from"


def parse_from_line(line: bytes) -> tuple[bytes, tuple[int, int] | None]:
    """Parse a separator line into the sender and the date (µs UTC, minutes east of UTC), None without a date."""
    text = line[len(b"From ") :].strip()
    match = FROM_DATE.search(text)
    if match is not None:
        zone = match["before"] or match["behind"] or b"+0000"
        date = b"%b %b %b %b %b" % (match["day"], match["month"], match["year"], match["time"], zone)
        return text[: match.start()].strip(), parse_date(date)
    sender, _, rest = text.partition(b" ")
    return sender, parse_date(rest.strip()) if rest else None


def is_separator(line: bytes, *, dated: bool = True) -> bool:
    """Whether a line that begins with ``From `` separates messages of a file whose separators are `dated`, or not."""
    text = line[len(b"From ") :].strip()
    shape = FROM_DATE.search(text)  # a day that does not exist separates as well
    if shape is not None:
        return SENDER.fullmatch(text[: shape.start()].strip()) is not None
    sender, date = parse_from_line(line)
    if date is None:
        return not dated and line.split() == [b"From", sender]
    # A word in place of an address has a date as ctime writes it: "From our side 2 Oct 2026 10:00" is a text.
    return b"@" in sender or sender == b"-"


def take_status(section: bytes) -> tuple[bytes, tuple[str, ...], bool]:
    """Remove the status fields of a header section with LF or CRLF line ends.

    Returns:
      The section without them, the flags and keywords in them, and whether Thunderbird has deleted the message.
    """
    kept: list[bytes] = []
    taken: dict[bytes, list[bytes]] = {}
    dropping = b""
    for line in LINE.findall(section):
        if line[:1] in (b" ", b"\t"):
            if dropping:
                taken[dropping].append(line)
                continue
        else:
            name = FIELD_NAME.match(line)
            dropping = name[1].lower() if name is not None and name[1].lower() in DROPPED else b""
            if dropping and name is not None:
                taken[dropping] = [line[name.end() :]]
                continue
        kept.append(line)
    if not taken:
        return section, (), False
    words, expunged = _words({name: b"".join(lines).decode("latin-1").strip() for name, lines in taken.items()})
    return b"".join(kept), words, expunged


def _words(fields: dict[bytes, str]) -> tuple[tuple[str, ...], bool]:
    words = [word for letter, word in STATUS_LETTERS.items() if letter in fields.get(b"status", "")]
    words += [word for letter, word in X_STATUS_LETTERS.items() if letter in fields.get(b"x-status", "")]
    keywords = re.split(r"[,\s]+", fields.get(b"x-keywords", "")) + fields.get(b"x-mozilla-keys", "").split()
    words += [flag_word(keyword) for keyword in keywords if keyword]
    try:
        bits = int(fields.get(b"x-mozilla-status", "0")[:8], 16)
    except ValueError:
        bits = 0
    words += [word for bit, word in MOZILLA_BITS.items() if bits & bit]
    return tuple(dict.fromkeys(words)), bool(bits & MOZILLA_EXPUNGED)


# Writing


def from_line(sender: str, moment: int) -> bytes:
    """Return the separator line of a message. `sender`: envelope sender, "" without one; `moment`: arrival, µs UTC."""
    # Readers end the sender at the first blank. The null path gets the name that other programs write for it.
    address = "".join(sender.split()) or "MAILER-DAEMON"
    return f"From {address} {_asctime(moment)}\n".encode()


def _asctime(moment: int) -> str:
    at = datetime.fromtimestamp(moment // 1_000_000, UTC)
    # Not strftime, whose names depend on the locale.
    week = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[at.weekday()]
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{week} {months[at.month - 1]} {at.day:2} {at:%H:%M:%S} {at.year:04}"


def status_fields(words: Iterable[str]) -> bytes:
    r"""Return the header fields for flags and keywords (as `Head.words`), with LF; at least ``Status: O``."""
    left = set(words)
    status = "RO" if r"\Seen" in left else "O"
    letters = "".join(letter for letter, word in X_STATUS_LETTERS.items() if word in left)
    keywords = sorted(word for word in left if not word.startswith("\\"))
    lines = [f"Status: {status}"]
    if letters:
        lines.append(f"X-Status: {letters}")
    if keywords:
        lines.append(f"X-Keywords: {' '.join(keywords)}")
    return "".join(line + "\n" for line in lines).encode()


def write_message(
    pieces: Iterable[bytes], section: int, *, separator: bytes, words: Iterable[str], lf: bool
) -> Iterator[bytes]:
    """Return a message in mbox form, with its separator before it and the empty line after it.

    Args:
      pieces: octets of the message in mail form, in pieces; the header section is buffered.
      section: number of octets of the header section, with the empty line after it.
      separator: from `from_line`.
      lf: write LF line ends (requires `localform.fits_lf`), else keep the octets unchanged.
    """
    yield separator
    source = iter(pieces)
    head = b""
    for piece in source:
        head += piece
        if len(head) >= min(section, MAX_HEADER):
            break
    cut = section if section <= MAX_HEADER else head.rfind(b"\n", 0, MAX_HEADER) + 1
    header, _, _ = take_status(head[:cut])
    empty = EMPTY_LINE.search(header)
    end = 0 if empty is None else empty.start()
    status = status_fields(words).replace(b"\n", b"\r\n")
    lines = IntoFile() if lf else None
    at_start = True
    for piece in _whole_lines(header[:end] + status + header[end:] + head[cut:], source):
        data = piece if lines is None else lines.feed(piece)
        if data:
            yield _quote(data, at_start=at_start)
            at_start = data.endswith(b"\n")
    rest = b"" if lines is None else lines.finish()
    yield rest + (b"\n" if at_start and not rest else b"\n\n")


def _whole_lines(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    """Regroup pieces so that they end at line ends, except in very long lines; a line to be quoted is then whole."""
    held = first
    for piece in rest:
        end = held.rfind(b"\n") + 1
        if not end and len(held) >= MAX_LINE:
            end = len(held)
        if end:
            yield held[:end]
        held = held[end:] + piece
    yield held


def _quote(data: bytes, *, at_start: bool) -> bytes:
    if at_start:
        return TO_QUOTE.sub(rb">\1", data)
    end = data.find(b"\n") + 1
    return data[:end] + TO_QUOTE.sub(rb">\1", data[end:]) if end else data
