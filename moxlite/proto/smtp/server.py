"""SMTP server codec (RFC 5321): octets in, commands and content out; replies in, octets out.

Theory of operation
-------------------
`receive_data` fills a buffer; `next_event` reads from it in the mode of the connection: command lines, the lines of an
AUTH exchange, the content of DATA, the octets of a BDAT chunk, or nothing (after the reply to STARTTLS, after an error
that ends the connection). The mode and the facts about the session (greeted, in a transaction, …) follow from the
replies that pass through `send`: a 250 to MAIL begins a transaction, a 354 to DATA begins content, and so on. The table
`REQUIRES` has the facts that a command needs, and the facts that forbid it. A violation, like any syntax error, is
returned as a `Refusal` with the reply to send.

    C: octets -> receive_data -> next_event -> Command | Refusal | AuthData | DataChunk | Oversize | DataEnd | NEED_DATA
    S: Response -> send -> octets

Policy does not belong here: permissions, passwords, timeouts.
"""

import enum
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.proto.smtp.body import ChunkDecoder, DataDecoder
from moxlite.proto.smtp.commands import (
    BAD_CHARACTER,
    PARSERS,
    Auth,
    Bdat,
    Command,
    Data,
    Ehlo,
    Grammar,
    Helo,
    MailFrom,
    Quit,
    RcptTo,
    Rset,
    StartTLS,
    decode_arguments,
    decode_response,
    parse_command,
)
from moxlite.proto.smtp.errors import CommandError
from moxlite.proto.smtp.replies import Response

LINE_LIMIT: Final = 2048  # octets of a command line with CRLF (SMTP-10); RFC 5321 §4.5.3.1.4 requires at least 512
AUTH_LINE_LIMIT: Final = 12288  # octets, RFC 4954 §4
OVERRUN: Final = 2  # multiple of the maximum size that is read and dropped before the connection is closed (SMTP-46)


class NeedData(enum.Enum):
    """The buffer has no complete event: receive more octets."""

    NEED_DATA = "NEED_DATA"


NEED_DATA: Final = NeedData.NEED_DATA


class Refusal(msgspec.Struct, frozen=True):
    """Refusal by the codec itself: send `response`, and close the connection if `close`.

    `verb`: the command, "" if unknown.
    """

    response: Response
    close: bool = False
    verb: str = ""


class AuthData(msgspec.Struct, frozen=True):
    """The client's answer in an AUTH exchange, decoded."""

    data: bytes

    def __repr__(self) -> str:
        """Without the octets, which may hold a password."""
        return f"AuthData({len(self.data)} octets)"


class DataChunk(msgspec.Struct, frozen=True):
    """Content of the message: with CRLF line ends, without doubled dots."""

    data: bytes


class Oversize(msgspec.Struct, frozen=True):
    """The message is larger than the maximum. The rest is dropped; DataEnd follows as usual."""


class DataEnd(msgspec.Struct, frozen=True):
    """The end of DATA, or of a BDAT chunk (`last`: the last one). The reply is due now.

    `bad_line_ends`: a bare CR that isn't mended, or a sequence that others could take for the end (SMTP-38). `overrun`:
    the message is far too large and is not read further: reply and close.
    """

    last: bool
    bad_line_ends: bool
    overrun: bool = False


Event: TypeAlias = Command | Refusal | AuthData | DataChunk | Oversize | DataEnd | Literal[NeedData.NEED_DATA]


class ServerLimits(msgspec.Struct, frozen=True):
    """Limits of the codec. `max_message_size`: octets of content."""

    max_message_size: int = 100 << 20


class _Mode(enum.Enum):
    COMMAND = enum.auto()
    AUTH = enum.auto()
    DATA = enum.auto()
    CHUNK = enum.auto()
    CLOSED = enum.auto()  # also before TLS takes over


# Facts about the session, as bits: a command is checked by two masks (an enum.Flag would take a microsecond each time).
HELLO: Final = 1
EXTENDED: Final = 2  # the hello was EHLO
TLS: Final = 4
STARTTLS: Final = 8  # TLS is configured for this listener
AUTH: Final = 16  # clients log in at this listener
ACCOUNT: Final = 32  # logged in, by password or certificate
SASL: Final = 64  # logged in by AUTH
MAIL: Final = 128
RCPT: Final = 256
CHUNKS: Final = 512  # a BDAT chunk was accepted
BROKEN: Final = 1024  # a BDAT chunk was refused: only RSET is allowed (RFC 3030 §2)
SMTPUTF8: Final = 2048
TRANSACTION: Final = MAIL | RCPT | CHUNKS | BROKEN | SMTPUTF8

# RFC 5321 §4.1.4 and the extensions: facts that must hold, facts that must not. Commands not named are always allowed.
REQUIRES: Final[Mapping[str, tuple[int, int]]] = {
    "STARTTLS": (HELLO | STARTTLS, TLS | ACCOUNT),
    "AUTH": (HELLO | AUTH, SASL | MAIL),
    "MAIL": (HELLO, MAIL),
    "RCPT": (HELLO | MAIL, CHUNKS | BROKEN),
    "DATA": (HELLO | MAIL | RCPT, CHUNKS | BROKEN),
    "BDAT": (HELLO | MAIL | RCPT, BROKEN),
}
_SEQUENCE: Final = Response(503, "5.5.1", ("bad sequence of commands",))
_NEED_LOGIN: Final = Response(530, "5.7.0", ("authentication required",))
_OVERSIZE: Final = Response(552, "5.3.4", ("message too large",))


@lru_cache(maxsize=64)  # few: they depend on the configuration, not on the client
def _grammars(
    submission: bool, pedantic: bool, tolerate_space: bool, offers: frozenset[str]
) -> tuple[Grammar, Grammar]:
    """The grammar outside and inside of a transaction with SMTPUTF8."""
    grammar = Grammar(submission, pedantic, tolerate_space, offers)
    return grammar, msgspec.structs.replace(grammar, smtputf8=True)


class ServerConnection:
    """The server's side of one connection."""

    def __init__(
        self,
        *,
        submission: bool = False,
        pedantic: bool = False,
        limits: ServerLimits | None = None,
        starttls: bool = False,
        tolerate_space: bool = False,
        tls: bool = False,
    ) -> None:
        """`submission`: clients log in here. `starttls`: TLS is configured. `tls`: it's active from the start."""
        self._submission = submission
        self._pedantic = pedantic
        self._limits = limits or ServerLimits()
        self._tolerate_space = tolerate_space
        self._facts = (AUTH if submission else 0) | (STARTTLS if starttls else 0) | (TLS if tls else 0)
        self._grammars = _grammars(submission, pedantic, tolerate_space, frozenset())
        self._buffer = bytearray()
        self._mode = _Mode.COMMAND
        self._first = True  # no command was read yet
        self._current: Command | None = None  # the command that the next reply answers
        self._pending: DataEnd | None = None  # returned after the content before it
        self._data = DataDecoder()
        self._chunk = ChunkDecoder()
        self._chunk_left = 0  # octets of the chunk still to come
        self._chunk_last = False
        self._chunk_refusal: Refusal | None = None  # returned after the skipped chunk
        self._size = 0  # octets of content so far
        self._read = 0  # octets read for it
        self._oversize = False

    # Facts that the session sets or reads

    @property
    def tls(self) -> bool:
        """Whether TLS is active."""
        return bool(self._facts & TLS)

    @property
    def extended(self) -> bool:
        """Whether the client sent EHLO."""
        return bool(self._facts & EXTENDED)

    def offer(self, keywords: frozenset[str]) -> None:
        """Set the keywords that the reply to the last EHLO announces; their parameters are accepted from now on."""
        self._grammars = _grammars(self._submission, self._pedantic, self._tolerate_space, keywords)

    def account_known(self) -> None:
        """Note that the client is logged in without AUTH (by its TLS certificate)."""
        self._facts |= ACCOUNT

    def tls_started(self) -> None:
        """Note that TLS is active: the state is reset to after the greeting (RFC 3207 §4.2)."""
        assert not self._buffer
        self._facts = self._facts & (AUTH | STARTTLS) | TLS
        self.offer(frozenset())
        self._mode = _Mode.COMMAND
        self._current = None

    def leftover(self) -> bytes:
        """Remove and return the octets after the line of STARTTLS, which are not SMTP."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    # Reading

    def receive_data(self, data: bytes) -> None:
        """Take octets from the client. Call it only after NEED_DATA from `next_event`: this bounds the buffer."""
        self._buffer += data

    def next_event(self) -> Event:
        """Return the next event of the client, or NEED_DATA."""
        if self._pending is not None:
            return self._take_pending()
        if self._mode is _Mode.COMMAND:
            return self._read_command()
        if self._mode is _Mode.DATA:
            return self._read_data()
        if self._mode is _Mode.CHUNK:
            return self._read_chunk()
        if self._mode is _Mode.AUTH:
            return self._read_auth()
        return NEED_DATA

    def _take_pending(self) -> Event:
        event, self._pending = self._pending, None
        assert event is not None
        return event

    def _read_line(self, limit: int, ecode: str) -> bytes | Refusal | None:
        """Read a line without its end; returns None if it is incomplete."""
        buffer = self._buffer
        end = buffer.find(b"\n", 0, limit)
        if end < 0:
            if len(buffer) >= limit:
                return self._fatal(Response(500, ecode, ("line too long",)))
            return None
        # A bare LF from another server ends the connection: where one host takes it for a line end and the next does
        # not, a message can hide commands (SMTP smuggling). Programs of users are forgiven, since nothing passes on
        # their lines as they came.
        if buffer[end - 1 : end] == b"\r":
            line = bytes(buffer[: end - 1])
        elif self._submission and not self._pedantic:
            line = bytes(buffer[:end])
        else:
            return self._fatal(Response(500, "5.5.2", ("line ends with bare LF",)))
        del buffer[: end + 1]
        return line

    def _fatal(self, response: Response, verb: str = "") -> Refusal:
        self._mode = _Mode.CLOSED
        self._buffer.clear()
        return Refusal(response, close=True, verb=verb)

    def _read_command(self) -> Event:
        buffer = self._buffer
        if not buffer:
            return NEED_DATA
        if self._first and not (65 <= buffer[0] & 0xDF <= 90):
            # Not a letter: a TLS hello or noise, which may never have a line end (SMTP-141).
            return self._fatal(Response(500, "5.5.2", ("this is SMTP",)))
        # AUTH alone may be long: its initial response can be a ticket (RFC 4954 §4). All others keep the short limit:
        # an unfinished line is searched again at each read, and a stranger may send it octet by octet.
        auth = buffer[:5].upper() == b"AUTH "
        line = self._read_line(AUTH_LINE_LIMIT if auth else LINE_LIMIT, "5.5.6" if auth else "5.5.0")
        if line is None:
            return NEED_DATA
        if isinstance(line, Refusal):
            return line
        verb_end = line.find(b" ")
        verb_octets = line if verb_end < 0 else line[:verb_end]
        verb = verb_octets.upper().decode("latin-1").rstrip("\t\r")
        if verb not in PARSERS:
            return self._unknown(line)
        self._first = False
        return self._check(verb, line[len(verb) :])

    def _unknown(self, line: bytes) -> Refusal:
        if self._first:
            return self._fatal(Response(500, "5.5.2", ("this is SMTP",)))  # SMTP-11
        if b"\0" in line:
            return Refusal(BAD_CHARACTER)
        return Refusal(Response(500, "5.5.1", ("unknown command",)))

    def _check(self, verb: str, octets: bytes) -> Event:
        """Check the sequence of commands, then the syntax of the arguments. A BDAT is read to its end in any case.

        A command that can't be read leaves the state that its RFC says (SMTP-20).
        """
        must, must_not = REQUIRES.get(verb, (0, 0))
        facts = self._facts
        in_sequence = facts & must == must and not facts & must_not
        try:
            arguments = decode_arguments(octets)
            if not in_sequence and verb != "BDAT":
                return Refusal(_SEQUENCE, verb=verb)
            if verb == "MAIL" and facts & (AUTH | ACCOUNT) == AUTH:
                return Refusal(_NEED_LOGIN, verb=verb)
            command = parse_command(verb, arguments, self._grammars[bool(facts & SMTPUTF8)])
        except CommandError as error:
            if verb == "BDAT":  # the number of octets that follow is unknown, and they must not be read as commands
                return self._fatal(error.response, verb)
            if verb == "RSET":  # whatever comes next isn't meant for the recipients so far
                self._facts &= ~TRANSACTION
            return Refusal(error.response, verb=verb)
        if isinstance(command, Bdat):
            return self._begin_chunk(command, in_sequence)
        self._current = command
        return command

    def _read_auth(self) -> Event:
        line = self._read_line(AUTH_LINE_LIMIT, "5.5.6")
        if line is None:
            return NEED_DATA
        if isinstance(line, Refusal):
            return line
        line = line.rstrip(b" ")  # as at the end of a command
        if line == b"*":
            self._mode = _Mode.COMMAND
            return Refusal(Response(501, "5.5.0", ("authentication aborted",)), verb="AUTH")
        try:
            return AuthData(decode_response(line))
        except CommandError as error:
            self._mode = _Mode.COMMAND
            return Refusal(error.response, verb="AUTH")

    # Content

    def _begin_content(self) -> None:
        bare_cr = self._submission and not self._pedantic  # the submission mends these CRs
        self._data = DataDecoder(bare_cr=bare_cr)
        self._chunk = ChunkDecoder(bare_cr=bare_cr)
        self._size = self._read = 0
        self._oversize = False

    def _content(self, data: bytes) -> Event | None:
        """The event for decoded content, None without one."""
        self._size += len(data)
        if self._oversize:
            return None
        if self._size > self._limits.max_message_size:
            self._oversize = True
            return Oversize()
        return DataChunk(data) if data else None

    def _read_data(self) -> Event:
        """Read content of DATA. Its end is returned after the content before it."""
        while self._buffer:
            octets = bytes(self._buffer)
            self._buffer.clear()
            self._read += len(octets)
            content, rest = self._data.feed(octets)
            event = self._content(content)
            if rest is not None:
                self._buffer += rest
                self._mode = _Mode.COMMAND
                self._pending = DataEnd(True, self._data.bad_line_ends)
            elif self._read > OVERRUN * self._limits.max_message_size:
                self._mode = _Mode.CLOSED
                self._pending = DataEnd(True, False, overrun=True)
            if event is not None:
                return event
            if self._pending is not None:
                return self._take_pending()
        return NEED_DATA

    def _begin_chunk(self, command: Bdat, in_sequence: bool) -> Event:
        # The client sends the octets whatever the reply is (RFC 3030 §2). So a chunk that is not worth reading leaves
        # only one way: to close.
        if command.size > OVERRUN * self._limits.max_message_size:
            self._mode = _Mode.CLOSED
            return Refusal(_OVERSIZE, close=True, verb=command.verb)
        if not self._facts & CHUNKS:
            self._begin_content()
        self._mode = _Mode.CHUNK
        self._chunk_left = command.size
        self._chunk_last = command.last
        self._current = command
        if not in_sequence:  # the client has already sent the octets: they are read, whatever the reply is
            self._chunk_refusal = Refusal(_SEQUENCE, verb=command.verb)
            return self._read_chunk()
        return command

    def _read_chunk(self) -> Event:
        """Read octets of a BDAT chunk, exactly as many as it announced."""
        while self._chunk_left and self._buffer:
            octets = bytes(self._buffer[: self._chunk_left])
            del self._buffer[: len(octets)]
            self._chunk_left -= len(octets)
            if self._chunk_refusal is None:
                event = self._content(self._chunk.feed(octets))
                if event is not None:
                    return event
        if self._chunk_left:
            return NEED_DATA
        self._mode = _Mode.COMMAND
        if self._chunk_refusal is not None:
            refusal, self._chunk_refusal, self._current = self._chunk_refusal, None, None
            return refusal
        if self._chunk_last:
            self._chunk.end()
        return DataEnd(self._chunk_last, self._chunk.bad_line_ends)

    # Replies

    def send(self, response: Response) -> bytes:
        """Encode the reply to the command or content read last, and update the state of the session."""
        # One reply for one command: a further one, such as the 421 of a shutdown, must not be taken for the end of a
        # transaction.
        command, self._current = self._current, None
        if command is not None:
            self._answered(command, response)
        return response.encode(utf8=bool(self._facts & SMTPUTF8))

    def _answered(self, command: Command, response: Response) -> None:
        """Update the state by the reply to a command (RFC 5321 §4.1.4)."""
        ok = response.ok
        match command:
            case RcptTo():
                if ok:
                    self._facts |= RCPT
            case MailFrom():
                if ok:
                    self._facts |= MAIL | (SMTPUTF8 if command.smtputf8 else 0)
            case Data():
                if response.code == 354:
                    self._mode = _Mode.DATA
                    self._current = command  # answered again after the content
                    self._begin_content()
                else:  # refused, or answered after the content: either way the transaction is over (RFC 5321 §4.1.1.4)
                    self._facts &= ~TRANSACTION
            case Bdat():
                if self._chunk_last:
                    self._facts &= ~TRANSACTION
                else:
                    self._facts |= CHUNKS if ok else BROKEN
            case Ehlo() | Helo():
                # RFC 5321 §4.1.4: it resets the session, but a refused one leaves the state as it was
                if ok:
                    self._facts &= ~(TRANSACTION | EXTENDED)
                    self._facts |= HELLO | (EXTENDED if isinstance(command, Ehlo) else 0)
                    if isinstance(command, Helo):
                        self.offer(frozenset())
            case Rset():
                self._facts &= ~TRANSACTION
            case Auth():
                if response.code == 334:
                    self._mode = _Mode.AUTH
                    self._current = command  # the exchange continues
                else:
                    self._mode = _Mode.COMMAND
                    self._facts |= (SASL | ACCOUNT) if ok else 0
            # Nothing that came with STARTTLS is read as a command (RFC 3207 §6, CVE-2011-0411): a third party could
            # have put it there, to be run as the client's own within TLS. `leftover` gives it to the handshake, which
            # fails by it.
            case StartTLS() | Quit():
                if ok:
                    self._mode = _Mode.CLOSED
            case _:
                pass
