"""The tokens of IMAP (RFC 9051 §9, RFC 3501 §9): a reader over one complete command or response, and the writers of
strings and dates.

Theory of operation
-------------------
Both decoders pass a command or response as one piece of octets, with its literals in place (``{3}\\r\\nabc``) and
without its last line end. `Reader` reads it from left to right, with one compiled expression per rule of the ABNF and
without backtracking, so the cost is linear. It does not recurse: nested rules (search keys, body structures) have their
own stack.
"""

import datetime as dt
import re
from typing import Final

from . import utf7
from .errors import ProtocolError
from .seqset import SequenceSet

# RFC 9051 §9. atom-specials: ( ) { SP CTL % * " \ ]
ATOM: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
_ASTRING: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\]+')  # astring-char = atom-char / "]"
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_./-]{1,200}")
_NAME: Final = re.compile(rb'[^\x00-\x20\x7f(){%*"\\]+')  # the same with 8-bit octets
_LIST: Final = re.compile(rb'[^\x00-\x20\x7f(){"\\]+')  # list-char: also % * ]; 8-bit for clients that send raw UTF-8
_FLAG: Final = re.compile(rb'\\?[^\x00-\x20\x7f-\xff(){%*"\\\]]+')  # RFC 9051 §9 flag = "\" atom / atom
_BARE: Final = re.compile(rb'[^\x00-\x20\x7f(){"]+')
_NUMBER: Final = re.compile(rb"[0-9]{1,20}")
_SET: Final = re.compile(rb"[0-9*:,]+|\$")
_QUOTED: Final = re.compile(rb'"((?>(?:[^"\\\r\n\x00]++|\\["\\])*))"')  # atomic: no backtracking, linear
_STRING_START: Final = frozenset({b'"', b"{"})
_ESCAPE: Final = re.compile(rb"\\(.)")
LITERAL_MARK: Final = re.compile(rb"(~?)\{([0-9]{1,20})(\+?)\}\r?\n")
_SECTION_TEXT: Final = re.compile(rb"[A-Za-z0-9.]*")

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH: Final = {name.lower().encode(): number for number, name in enumerate(_MONTHS, 1)}
_DATE: Final = re.compile(rb'("?)([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})\1')
_CLOCK: Final = rb"-([A-Za-z]{3})-([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) "
_DATETIME: Final = re.compile(rb'"([ 0-9][0-9])' + _CLOCK + rb'([+-])([0-9]{2})([0-9]{2})"')
_LOOSE_DATETIME: Final = re.compile(rb'"( ?[0-9]{1,2})' + _CLOCK + rb'(?:([+-])([0-9]{2})([0-9]{2})|(?i:GMT|UTC?|Z))"')

# A quoted string; the blanks behind "(", before ")" and at the end; of other runs of blanks, the first one
_LOOSE: Final = re.compile(rb'("(?>(?:[^"\\]|\\.)*)"?)|(?<=\() ++| ++(?=\))| ++\Z|( ) ++')

MAX_RAW_NAMES: Final = 10_000
"""Names that a server lists in UTF-8 unasked, and that are remembered: a copy takes no more mailboxes."""

MAX_MODSEQ: Final = (1 << 63) - 1
"""Largest mod-sequence: 63 bits (RFC 7162 §7 ``mod-sequence-value``)."""

MAX_QUOTED: Final = 1000
"""Octets of a quoted string that we write; a longer one is written as a literal (IMAP-6)."""


def tidy(line: bytes) -> bytes:
    """`line` without the blanks that clients write where the grammar has none or one: the rules of commands then need
    no other form (IMAP-182). Quoted strings keep theirs.
    """
    if b"  " in line or b"( " in line or b" )" in line or line.endswith(b" "):
        return _LOOSE.sub(lambda match: match[1] or match[2] or b"", line)
    return line


class CutOff(ProtocolError):
    """The octets of a literal are not in the text: they have not arrived yet, or are streamed as message data."""


def inbox(name: str) -> str:
    """`name`, with INBOX in any case as first component spelled ``Inbox`` (RFC 9051 §5.1, IMAP-34)."""
    if name[:5].lower() == "inbox" and (len(name) == 5 or name[5] == "/"):
        return "Inbox" + name[5:]
    return name


class Reader:
    """Reads tokens of one command or response.

    Each method reads the token in its name and advances, or raises ProtocolError. `utf8`: mailbox names are UTF-8, not
    modified UTF-7 (IMAP-32). `pedantic`: names must be valid strings, and no string stands for an atom, a number or a
    set (IMAP-182).
    """

    __slots__ = ("data", "pedantic", "position", "utf8")

    def __init__(self, data: bytes, *, utf8: bool = False, pedantic: bool = False, position: int = 0) -> None:
        self.data = data
        self.pedantic = pedantic
        self.position = position
        self.utf8 = utf8

    # -- position

    def at_end(self) -> bool:
        """Whether everything has been read."""
        return self.position >= len(self.data)

    def peek(self) -> bytes:
        """The next octet, empty at the end."""
        return self.data[self.position : self.position + 1]

    def skip(self, octets: bytes) -> bool:
        """Read `octets` (case-sensitive) if they are next; returns whether they were."""
        if self.data.startswith(octets, self.position):
            self.position += len(octets)
            return True
        return False

    def expect(self, octets: bytes) -> None:
        """Read `octets`, which must be next."""
        if not self.skip(octets):
            raise ProtocolError(f"expected {octets.decode('ascii')!r}" if octets != b" " else "expected a space")

    def space(self) -> None:
        """Read one space."""
        if not self.data.startswith(b" ", self.position):
            raise ProtocolError("expected a space")
        self.position += 1

    def word(self, text: bytes) -> bool:
        """Read `text` (given in upper case) in any case if it is next; returns whether it was."""
        end = self.position + len(text)
        if self.data[self.position : end].upper() == text:
            self.position = end
            return True
        return False

    def end(self) -> None:
        """Raise ProtocolError unless everything has been read (IMAP-28)."""
        if self.position < len(self.data):
            raise ProtocolError("unexpected text at the end of the command")

    def _take(self, rule: re.Pattern[bytes], what: str, *, bare: bool = False) -> bytes:
        """Read what `rule` matches; unless it's `bare`, a string may hold it."""
        start = self.position
        if not self.pedantic and not bare and self.peek() in _STRING_START:
            octets = self.string()
            if rule.fullmatch(octets) is not None:
                return octets
            self.position = start
        match = rule.match(self.data, self.position)
        if match is None:
            raise ProtocolError(f"expected {what}")
        self.position = match.end()
        return match[0]

    # -- atoms and numbers

    def atom(self, what: str = "an atom") -> str:
        """Read an atom (``atom``, RFC 9051 §9)."""
        return self._take(ATOM, what).decode("ascii")

    def flag(self) -> str:
        """``flag``, also an unknown system flag; never from a string, since it's stored as it came."""
        return self._take(_FLAG, "a flag", bare=True).decode("ascii")

    def bare(self) -> bytes:
        """An unquoted value of any kind: atom, number, flag, set, NIL."""
        return self._take(_BARE, "a value", bare=True)

    def flags(self) -> tuple[str, ...]:
        """``"(" [flag *(SP flag)] ")"``."""
        self.expect(b"(")
        found: list[str] = []
        if self.skip(b")"):
            return ()
        while True:
            found.append(self.flag())
            if self.skip(b")"):
                return tuple(found)
            self.space()

    def number(self, largest: int = 0xFFFF_FFFF, *, smallest: int = 0, what: str = "a number") -> int:
        """``number``, ``nz-number`` (smallest 1), ``number64`` (largest 2^63−1)."""
        start = self.position
        value = int(self._take(_NUMBER, what))
        if not smallest <= value <= largest or self.peek().isdigit():
            self.position = start
            raise ProtocolError(f"{what} is out of range")
        return value

    def sequence_set(self) -> SequenceSet:
        """``sequence-set`` or ``$``."""
        return SequenceSet.parse(self._take(_SET, "a set of numbers"))

    def section_text(self) -> bytes:
        """Letters, digits and dots, as within ``BODY[…]``; may be empty."""
        match = _SECTION_TEXT.match(self.data, self.position)
        assert match is not None
        self.position = match.end()
        return match[0]

    # -- strings

    def literal(self, *, binary: bool = False) -> bytes:
        """``literal``; with `binary` also ``literal8``, which may hold NUL (RFC 9051 §4.3)."""
        match = LITERAL_MARK.match(self.data, self.position)
        if match is None:
            raise ProtocolError("expected a string")
        if match[1] and not binary:
            raise ProtocolError("literal8 isn't allowed here")
        stop = match.end() + int(match[2])
        if stop > len(self.data):
            raise CutOff("literal is truncated")
        octets = self.data[match.end() : stop]
        if not match[1] and b"\x00" in octets:
            raise ProtocolError("literals can't contain NUL")
        self.position = stop
        return octets

    def string(self, *, binary: bool = False, utf8: bool = True) -> bytes:
        """``string = quoted / literal``, its octets unescaped. With `utf8`, 8-bit octets in a quoted string must be
        UTF-8 (IMAP-31).
        """
        if not self.data.startswith(b'"', self.position):
            return self.literal(binary=binary)
        match = _QUOTED.match(self.data, self.position)
        if match is None:
            raise ProtocolError("quoted string is unterminated, or contains an invalid escape or control character")
        octets = match[1]
        if utf8 and not octets.isascii():
            _utf8(octets)
        self.position = match.end()
        if b"\\" in octets:
            octets = _ESCAPE.sub(rb"\1", octets)
        return octets

    def astring(self) -> bytes:
        """Read an atom, quoted string or literal (``astring``, RFC 9051 §9)."""
        match = _ASTRING.match(self.data, self.position)
        if match is None:
            return self.string()
        self.position = match.end()
        return match[0]

    def text(self) -> str:
        """``astring`` holding UTF-8."""
        return _utf8(self.astring())

    def nstring(self) -> bytes | None:
        """Read a string; None for NIL (``nstring``, RFC 9051 §9)."""
        if self.word(b"NIL"):
            return None
        return self.string()

    # -- names and dates

    def mailbox(self) -> str:
        """``mailbox`` (RFC 9051 §5.1), decoded. Malformed octets become a name that no mailbox can have: the error is
        then an impossible name, not a syntax error (IMAP-32).
        """
        return inbox(self._name(_ASTRING if self.pedantic else _NAME))

    def list_mailbox(self) -> str:
        """``list-mailbox``: a pattern with ``%`` and ``*``."""
        return self._name(_LIST)

    def _name(self, bare: re.Pattern[bytes]) -> str:
        match = bare.match(self.data, self.position)
        if match is None:
            octets = self.string(utf8=self.pedantic)
        else:
            octets = match[0]
            self.position = match.end()
        # UTF-8 although the client has not enabled it (IMAP-31): decoded as UTF-8, since it can't be UTF-7.
        try:
            return octets.decode() if self.utf8 or not octets.isascii() else utf7.decode(octets)
        except (UnicodeDecodeError, ProtocolError):
            return "\0" + octets.decode("latin-1")

    def date(self) -> dt.date:
        """``date``, quoted or not."""
        match = _DATE.match(self.data, self.position)
        if match is None:
            raise ProtocolError("expected a date like 1-Feb-2024")
        try:
            value = dt.date(int(match[4]), _MONTH.get(match[3].lower(), 0), int(match[2]))
        except ValueError as error:
            raise ProtocolError("invalid date") from error
        self.position = match.end()
        return value

    def date_time(self) -> dt.datetime:
        """``date-time``: quoted, with offset."""
        match = (_DATETIME if self.pedantic else _LOOSE_DATETIME).match(self.data, self.position)
        if match is None:
            raise ProtocolError('expected a date and time like "01-Feb-2024 12:00:00 +0100"')
        offset = dt.timedelta(hours=int(match[8] or 0), minutes=int(match[9] or 0))
        try:
            value = dt.datetime(
                int(match[3]),
                _MONTH.get(match[2].lower(), 0),
                int(match[1]),
                int(match[4]),
                int(match[5]),
                min(int(match[6]), 59) if match[6] == b"60" else int(match[6]),  # a leap second (RFC 5322 §3.3)
                tzinfo=dt.timezone(-offset if match[7] == b"-" else offset),
            )
            value.timestamp()
            value.astimezone(dt.UTC)
        except (ValueError, OverflowError) as error:
            raise ProtocolError("invalid date or time") from error
        self.position = match.end()
        return value


def _utf8(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError("string isn't valid UTF-8") from error


# --- writing


def encode_string(octets: bytes, *, utf8: bool = False) -> bytes:
    """``string``: quoted where allowed, else literal (IMAP-6)."""
    if (
        len(octets) <= MAX_QUOTED
        and b"\r" not in octets
        and b"\n" not in octets
        and b"\x00" not in octets
        and (octets.isascii() or (utf8 and _is_utf8(octets)))
    ):
        if b"\\" in octets or b'"' in octets:
            octets = octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        return b'"%b"' % octets
    return b"{%d}\r\n%b" % (len(octets), octets)


def encode_astring(octets: bytes, *, utf8: bool = False) -> bytes:
    """``astring``: an atom if possible. NIL is quoted, so that it is not taken for an absent string."""
    if _ASTRING.fullmatch(octets) and len(octets) <= MAX_QUOTED and octets.upper() != b"NIL":
        return octets
    return encode_string(octets, utf8=utf8)


def encode_nstring(octets: bytes | None, *, utf8: bool = False) -> bytes:
    """A string, or NIL for None (``nstring``, RFC 9051 §9)."""
    return b"NIL" if octets is None else encode_string(octets, utf8=utf8)


def encode_mailbox(name: str, *, utf8: bool = False) -> bytes:
    """Encode a mailbox name: as modified UTF-7, or as UTF-8 in a quoted string (IMAP-32). ``Inbox`` as first component
    is written INBOX, which clients expect (IMAP-34).
    """
    if name[:5] == "Inbox" and name[5:6] in ("", "/"):
        name = "INBOX" + name[5:]
    if _PLAIN_NAME.fullmatch(name) and name.upper() != "NIL":  # most names are atoms either way
        return name.encode()
    return encode_astring(name.encode() if utf8 else utf7.encode(name), utf8=utf8)


def encode_date(value: dt.date) -> bytes:
    """A date as the grammar's ``date`` has it, without quotes: ``1-Feb-2026`` (RFC 9051 §9)."""
    return f"{value.day}-{_MONTHS[value.month - 1]}-{value.year:04d}".encode()


def encode_datetime(value: dt.datetime) -> bytes:
    """``date-time`` with quotes; `value` has an offset, of which the seconds are dropped."""
    offset = value.utcoffset()
    assert offset is not None
    minutes = int(offset.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    hours, minutes = divmod(abs(minutes), 60)
    return (
        f'"{value.day:2d}-{_MONTHS[value.month - 1]}-{value.year:04d} {value:%H:%M:%S} {sign}{hours:02d}{minutes:02d}"'
    ).encode()


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
