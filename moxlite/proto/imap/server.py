"""IMAP server codec: octets in, commands out (RFC 9051 §4, §7.6). Responses are written by `encode.encode`.

Theory of operation
-------------------
`feed` appends octets to a buffer; `next_event` returns the next event from it, or NEED_DATA. A command is a line,
unless a line ends in ``{n}``: then n octets follow, and the line continues. All literals but message data become part
of the command's text, which is parsed as a whole. Message data of APPEND and REPLACE is returned in chunks of exactly
`CHUNK` octets (the last one shorter), so events don't depend on how the input was split (IMAP-4).

Each literal is announced by a `LiteralRequest`. The session answers it before the next event: by `accept` (after
sending ``+`` if the literal is synchronizing), or by `reject(response)`. The client of a rejected synchronizing literal
sends nothing; the octets of a rejected non-synchronizing literal are dropped. Then a `Rejected` event returns the
response to send.

A command with a syntax error is a `BadCommand`. It is fatal if the start of the next command is unknown.
"""

import enum
import re
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from . import commands
from .append import AppendHead, AppendParser
from .errors import ProtocolError
from .reading.extensions import NEVER_OFFERED
from .reading.parse import COMMANDS, MAX_TAG, parse_arguments, parse_tag, parse_word
from .reading.parsing import Modes, decode_base64
from .responses import State
from .tokens import Reader, tidy

MAX_LINE: Final = 65_536
"""Octets of a command without its literals (IMAP-28); a longer one is dropped and answered. An ID command with 30
fields of 30 and 1,024 escaped octets (RFC 2971 §3.3) has 63,420. RFC 7162 §4 requires 8,192.
"""

MAX_SASL_LINE: Final = 12_288
"""Octets of a client's line within AUTHENTICATE (IMAP-43, RFC 4954 §4)."""

MAX_LITERAL: Final = 102_400
"""Octets of one literal outside message data (IMAP-29)."""

MAX_LITERAL_EARLY: Final = 4_096
"""Octets of one literal before login: enough for any user name and password."""

MAX_LITERALS: Final = 1_000
MAX_LITERAL_OCTETS: Final = 1_024_000
"""Literals of one command, and their octets together (IMAP-29)."""

MAX_DISCARD: Final = 1_000_000
"""Octets of a rejected non-synchronizing literal, or of a line that is too long, that are read and dropped (IMAP-30,
IMAP-28). For a longer one the connection is closed, which is cheaper for both sides.
"""

MAX_MARK: Final = 64
"""Octets at the end of a line that is too long, which may announce a literal."""

CHUNK: Final = 65_536
"""Octets of message data in one event."""

_WORD: Final = re.compile(rb"[^ ]* +((?:[Uu][Ii][Dd] +)?[A-Za-z]+)")
"""The command word, if a tag and blanks are before it that are no tag, or too many."""

_MARK: Final = re.compile(rb"(~?)\{([0-9]{1,20})(\+?)\}\Z")


class NeedData(enum.Enum):
    """The buffer has no complete event: feed more octets."""

    NEED_DATA = enum.auto()


NEED_DATA: Final = NeedData.NEED_DATA


class Command(Struct, frozen=True):
    """A complete command."""

    tag: str
    command: commands.Command


class BadCommand(Struct, frozen=True):
    """A malformed command. tag: None if it has no tag; fatal: the session must end; word: the command word, as far as
    it could be read; saves: it may have been a search whose result is saved.
    """

    tag: str | None
    text: str
    code: str | None = None
    condition: Literal["BAD", "NO"] = "BAD"
    fatal: bool = False
    word: str = ""
    saves: bool = False


class LiteralRequest(Struct, frozen=True):
    """The client announces a literal of size octets; answer with `accept` or `reject`.

    command_head: the message to which the octets belong, which follow as `LiteralChunk`s; None for an argument, which
    the codec buffers. sync: the client waits for ``+``. binary: literal8.
    """

    tag: str
    command_head: AppendHead | None
    size: int
    sync: bool
    binary: bool


class LiteralChunk(Struct, frozen=True):
    """Octets of message data."""

    octets: bytes


class LiteralEnd(Struct, frozen=True):
    """The message data of the last `LiteralRequest` is complete."""


class Rejected(Struct, frozen=True):
    """The command `word` whose literal was rejected has ended: send `response` now."""

    response: State
    word: str = ""


class SaslLine(Struct, frozen=True):
    """A line within AUTHENTICATE, decoded; None for ``*``, by which the client cancels (RFC 9051 §6.2.2)."""

    octets: bytes | None


class IdleDone(Struct, frozen=True):
    """``DONE`` (RFC 9051 §6.3.13)."""


class Closed(Struct, frozen=True):
    """The client has closed its side. clean: not within a command or literal."""

    clean: bool


Event: TypeAlias = (
    NeedData
    | Command
    | BadCommand
    | LiteralRequest
    | LiteralChunk
    | LiteralEnd
    | Rejected
    | SaslLine
    | IdleDone
    | Closed
)


_Reading: TypeAlias = Literal[
    "line",
    "answer",  # a LiteralRequest waits for accept or reject
    "argument",  # octets of a literal that becomes part of the command
    "message",  # octets of message data
    "skip",  # octets of a literal to be dropped
    "skip line",  # the rest of a command to be dropped
    "skip long",  # the rest of a line that is too long
    "over",  # a dropped command has ended
    "nothing",  # after a fatal error
]
"""State of the decoder: the kind of octets that it expects next."""


def _beginning(line: bytes) -> tuple[str | None, str]:
    """Tag and word of a line that can't be read, as far as they can be told."""
    match = _WORD.match(line)
    word = "" if match is None else " ".join(match[1].decode().upper().split())
    try:
        return parse_tag(Reader(line)), word
    except ProtocolError:
        return None, word


class ServerDecoder:
    """Decoder of a client's commands.

    The session sets `modes` (enabled extensions, IMAP-5), `authenticated`, and `expect` for the lines of AUTHENTICATE
    and IDLE. Memory is bounded by the limits above plus the octets of one `feed`, if `feed` is only called after
    NEED_DATA.
    """

    __slots__ = (
        "_append",
        "_buffer",
        "_eof",
        "_left",
        "_line",
        "_literal_octets",
        "_literals",
        "_mark",
        "_outcome",
        "_pending",
        "_reading",
        "_scanned",
        "_tag",
        "_text",
        "_word",
        "authenticated",
        "expect",
        "modes",
    )

    def __init__(self, *, pedantic: bool = False) -> None:
        self.modes = Modes(pedantic=pedantic)
        self.authenticated = False
        self.expect: Literal["command", "sasl", "idle"] = "command"
        self._buffer = bytearray()
        self._scanned = 0  # octets of the buffer known to hold no LF
        self._eof = False
        self._reading: _Reading = "line"
        self._left = 0  # octets of the current literal to come
        self._pending: LiteralRequest | None = None
        self._outcome: BadCommand | Rejected | None = None  # event of the command that is being skipped
        self._reset()

    def _reset(self) -> None:
        """Forget the current command."""
        self._text = bytearray()  # received text of a command that has literals
        self._line = 0  # octets of its lines
        self._literals = 0
        self._literal_octets = 0
        self._append: AppendParser | None = None
        self._mark: re.Match[bytes] | None = None  # the literal that the current line announces
        self._tag: str | None = None
        self._word = ""
        self._reading = "line"

    # -- input

    def feed(self, octets: bytes) -> None:
        """Take octets from the client."""
        self._buffer += octets

    def feed_eof(self) -> None:
        """Note that the client has closed its side."""
        self._eof = True

    @property
    def buffered(self) -> int:
        """Number of unused octets in the buffer. After STARTTLS they are an attempt to inject commands (IMAP-41)."""
        return len(self._buffer)

    def take_rest(self) -> bytes:
        """Remove and return the unused octets: after COMPRESS they are compressed (RFC 4978 §3)."""
        return self._take(len(self._buffer))

    def next_event(self) -> Event:
        """Return the next event, or NEED_DATA if none is complete yet. Never raises for input of a client."""
        while True:
            if self._reading == "answer":
                raise RuntimeError("literal request is still pending")
            try:
                event = self._step()
            except ProtocolError as error:
                event = self._error(error)
            if event is not None:
                return event

    def _step(self) -> Event | None:
        # None: something was taken, and the next step looks again; so a long literal needs no recursion.
        match self._reading:
            case "line":
                line = self._take_line()
                if line is None:
                    return self._starved() if self._reading == "line" else None
                if self.expect != "command" and not self._text and self._append is None:
                    return self._other_line(line)
                return self._command_line(line)
            case "argument":
                if len(self._buffer) < self._left:
                    return self._starved()
                self._text += self._take(self._left)
                self._reading = "line"
                return None
            case "message":
                return self._message()
            case "skip":
                taken = min(self._left, len(self._buffer))
                self._take(taken)
                self._left -= taken
                if self._left:
                    return self._starved()
                self._reading = "skip line"
                self._line = 0
                return None
            case "skip line":
                line = self._take_line()
                if line is None:
                    return self._starved()
                return self._skipped_line(line)
            case "skip long":
                return self._skip_long()
            case "over":
                return self._give_up()
            case _:
                return Closed(clean=False) if self._eof else NEED_DATA

    def _starved(self) -> Event:
        if not self._eof:
            return NEED_DATA
        clean = self._reading == "line" and not self._buffer and not self._text and self._append is None
        return Closed(clean)

    def _take(self, size: int) -> bytes:
        octets = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._scanned = 0
        return octets

    def _take_line(self) -> bytes | None:
        """The next line without its end; None if it is not complete, or too long, which changes the state."""
        # From where the last search ended: a line that comes octet by octet would else cost the square of its length.
        end = self._buffer.find(b"\n", self._scanned)
        limit = MAX_LINE - self._line
        if end < 0:
            self._scanned = len(self._buffer)
            if self._scanned > limit + 1:
                self._too_long()
            return None
        if end - (self._buffer[end - 1 : end] == b"\r") > limit:
            self._too_long()
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._scanned = 0
        if line.endswith(b"\r"):
            line = line[:-1]
        elif self.modes.pedantic and self._reading == "line":
            if self._tag is None and self.expect == "command":
                self._tag, self._word = _beginning(line)
            self._mark = _MARK.search(line) if line.endswith(b"}") else None  # its octets are no commands either
            raise ProtocolError("missing CR at the end of the line")
        self._line += len(line)
        return line

    def _too_long(self) -> None:
        """Drop a user's command to its end, so that its tag can be answered; a stranger is sent away."""
        if self.authenticated and self.expect == "command" and self._reading == "line":
            if self._tag is None:
                self._tag, self._word = _beginning(bytes(self._buffer[: 2 * MAX_TAG]))
            if self._tag is not None:
                # The octets that may say SAVE are dropped.
                saves = self._word.endswith(("SEARCH", "SORT"))
                outcome = BadCommand(self._tag, "command line too long", "LIMIT", "NO", word=self._word, saves=saves)
                self._skip(outcome, MAX_DISCARD, sync=True)
                self._reading = "skip long"
                return
        raise ProtocolError("command line too long", code="TOOBIG", fatal=True)

    def _skip_long(self) -> Event | None:
        """Drop the rest of the line, but for its end, which may announce a literal."""
        end = self._buffer.find(b"\n", self._scanned)
        keep = len(self._buffer) if end < 0 else end
        drop = max(0, keep - MAX_MARK)
        self._take(drop)
        self._left -= drop
        if self._left < 0:
            raise ProtocolError("command line too long", code="TOOBIG", fatal=True)
        if end < 0:
            self._scanned = len(self._buffer)
            return self._starved()
        line = self._take(end - drop + 1)
        return self._skipped_line(line.removesuffix(b"\n").removesuffix(b"\r"))

    # -- lines outside of commands

    def _other_line(self, line: bytes) -> Event:
        self._line = 0
        if not self.modes.pedantic:
            line = line.rstrip(b" ")
        if self.expect == "idle":
            if line.upper() == b"DONE":
                return IdleDone()
            # Fatal, since a client that sends a command here has lost count of the answers: what it takes for the next
            # one would be that of another command.
            return BadCommand(None, "expected DONE", "CLIENTBUG", fatal=True)  # IMAP-128
        if len(line) > MAX_SASL_LINE:
            return BadCommand(None, "line too long", "TOOBIG", fatal=True)
        if line == b"*":
            return SaslLine(None)
        return SaslLine(decode_base64(line))

    # -- commands

    def _command_line(self, line: bytes) -> Event | None:
        # Blanks behind the mark of a literal aren't overlooked: where the octets begin, and the next command, is sure.
        mark = self._mark = _MARK.search(line) if line.endswith(b"}") else None
        if not self.modes.pedantic:
            line = tidy(line)
        if self._append is not None:
            return self._append_line(line, mark)
        if not self._text:
            reader = Reader(line, utf8=self.modes.utf8, pedantic=self.modes.pedantic)
            try:
                self._tag = parse_tag(reader)
                word = self._word = parse_word(reader)
            except ProtocolError:
                self._tag, self._word = _beginning(line)
                raise
            if word in ("APPEND", "REPLACE", "UID REPLACE"):
                self._append = AppendParser(word, self.modes)
                return self._append_line(line[reader.position :], mark)
            if word not in COMMANDS:
                extension = NEVER_OFFERED.get(word)
                known = "" if extension is None else f": the extension {extension} isn't offered"
                raise ProtocolError(f"unknown command {word[:40]}{known}")
            if mark is None:  # the usual case: one line
                command = parse_arguments(word, reader, self.modes)
                return self._done(command)
            self._text += line
        else:
            self._text += line
            if mark is None:
                reader = Reader(bytes(self._text), utf8=self.modes.utf8, pedantic=self.modes.pedantic)
                parse_tag(reader)
                return self._done(parse_arguments(parse_word(reader), reader, self.modes))
        assert mark is not None
        self._text += b"\r\n"
        return self._announce(mark, None)

    def _done(self, command: commands.Command) -> Command:
        tag = self._tag
        assert tag is not None
        self._reset()
        return Command(tag, command)

    def _append_line(self, line: bytes, mark: re.Match[bytes] | None) -> Event | None:
        append = self._append
        assert append is not None
        if self._text:
            line = bytes(self._text) + line
            self._text.clear()
        if mark is None:
            return self._done(append.finish(line))
        return self._announce(mark, append.feed(line + b"\r\n"))

    def _announce(self, mark: re.Match[bytes], head: AppendHead | None) -> LiteralRequest:
        size = int(mark[2])
        self._literals += 1
        if head is None:
            self._literal_octets += size
            limit = MAX_LITERAL if self.authenticated else MAX_LITERAL_EARLY
            if size > limit or self._literals > MAX_LITERALS or self._literal_octets > MAX_LITERAL_OCTETS:
                raise ProtocolError("literal too large", code="TOOBIG")
            if mark[1] and self._word != "SETMETADATA":
                raise ProtocolError("literal8 isn't allowed here")
        # Refused when it is announced: else a stranger could have 100 MB of message data spooled before the log-in is
        # missed.
        elif not self.authenticated:
            raise ProtocolError("log in first", condition="NO")
        assert self._tag is not None
        self._left = size
        self._reading = "answer"
        self._pending = LiteralRequest(self._tag, head, size, sync=not mark[3], binary=bool(mark[1]))
        return self._pending

    def accept(self) -> None:
        """Accept the announced literal."""
        request = self._pending
        assert request is not None
        self._pending = None
        self._reading = "argument" if request.command_head is None else "message"

    def reject(self, response: State) -> None:
        """Reject the announced literal and its command. A `Rejected` event follows after the octets that the client
        sends anyway.
        """
        request = self._pending
        assert request is not None
        self._pending = None
        self._skip(Rejected(response, self._word), request.size, sync=request.sync)

    def _message(self) -> Event:
        if not self._left:
            assert self._append is not None
            self._reading = "line"
            return LiteralEnd()
        size = min(self._left, CHUNK)
        if len(self._buffer) < size:
            return self._starved()
        octets = self._take(size)
        self._left -= size
        assert self._append is not None
        self._append.data(size)
        return LiteralChunk(octets)

    # -- commands that fail

    def _error(self, error: ProtocolError) -> Event | None:
        """Skip a malformed command, with the literal that its line announces (IMAP-30)."""
        tag, word = self._tag, self._word
        outcome = BadCommand(tag, error.text, error.code, error.condition, error.fatal, word, error.saves)
        mark = self._mark
        if error.fatal:
            self._fail()
        elif mark is None:
            self._reset()
        elif mark[3] and int(mark[2]) > MAX_DISCARD:
            self._fail()
            return BadCommand(outcome.tag, "literal too large to skip", "TOOBIG", fatal=True)
        else:
            self._skip(outcome, int(mark[2]), sync=not mark[3])
            return None
        return outcome

    def _fail(self) -> None:
        self._reset()
        self._buffer.clear()
        self._reading = "nothing"

    def _skip(self, outcome: BadCommand | Rejected, size: int, *, sync: bool) -> None:
        """Drop the rest of this command. A synchronizing literal has no octets to drop: the client gets no ``+``."""
        literals = self._literals
        self._reset()
        self._literals = literals + 1
        self._outcome = outcome
        self._left = size
        self._reading = "over" if sync else "skip"

    def _skipped_line(self, line: bytes) -> Event | None:
        mark = _MARK.search(line) if line.endswith(b"}") else None
        if mark is not None and mark[3] and self._literals < MAX_LITERALS:
            if int(mark[2]) > MAX_DISCARD:
                outcome = self._outcome
                self._tag = outcome.response.tag if isinstance(outcome, Rejected) else outcome.tag if outcome else None
                raise ProtocolError("literal too large to skip", code="TOOBIG", fatal=True)
            self._literals += 1
            self._left = int(mark[2])
            self._reading = "skip"
            return None
        return self._give_up()

    def _give_up(self) -> Event:
        outcome = self._outcome
        assert outcome is not None
        self._outcome = None
        self._reset()
        return outcome
