"""The grammar of APPEND and REPLACE, read piece by piece (RFC 9051 §6.3.12, RFC 3502, RFC 4469, RFC 6855 §4, RFC
8508).

Theory of operation
-------------------
Message data may be 100 MB, so it is never part of a command's text. `AppendParser` gets the text between the literals.
At the end of each piece it returns whether the announced literal is message data (described by an `AppendHead`, its
octets are handled by the caller) or an ordinary argument such as a mailbox name. Parsed text is dropped from the buffer
at once, so that a command with a thousand messages takes linear time.
"""

import datetime as dt
from typing import Final, Literal

from msgspec import Struct

from .commands import Append, AppendMessage, CatenateUrl, Replace
from .errors import ProtocolError
from .reading.parsing import Modes
from .seqset import SequenceSet
from .tokens import LITERAL_MARK, CutOff, Reader

MAX_MESSAGES: Final = 1000
"""Number of messages in one APPEND (IMAP-88)."""

MAX_PARTS: Final = 100
"""Number of parts of one CATENATE (IMAP-91)."""


class AppendHead(Struct, frozen=True):
    """The message to which the octets of a literal belong.

    mailbox: the target. index: 0 for the first message of the command. part: 0, or the number of CATENATE parts
    before this one. replace: for REPLACE, the number of the message to replace; uid: whether it is a UID.
    before: CATENATE's URL parts (and None for TEXT) that precede this part in the same message.
    """

    mailbox: str
    index: int = 0
    flags: tuple[str, ...] = ()
    date: dt.datetime | None = None
    utf8: bool = False
    part: int = 0
    catenate: bool = False
    before: tuple[CatenateUrl | None, ...] = ()
    replace: SequenceSet | None = None
    uid: bool = False


class AppendParser:
    """Reads the arguments of one APPEND or REPLACE."""

    __slots__ = (
        "_date",
        "_flags",
        "_mailbox",
        "_messages",
        "_modes",
        "_number",
        "_parts",
        "_size",
        "_state",
        "_text",
        "_uid",
        "_wide",
    )

    def __init__(self, word: str, modes: Modes) -> None:
        self._uid = word.startswith("UID ")
        if word == "REPLACE" and modes.uidonly:
            raise ProtocolError("REPLACE isn't allowed while UIDONLY is enabled", code="UIDREQUIRED")
        self._state: Literal["number", "mailbox", "message", "data", "utf8", "part", "after"] = (
            "mailbox" if word == "APPEND" else "number"
        )
        self._modes = modes
        self._number: SequenceSet | None = None
        self._text = bytearray()
        self._mailbox = ""
        self._messages: list[AppendMessage] = []
        self._flags: tuple[str, ...] = ()
        self._date: dt.datetime | None = None
        self._wide = False  # UTF8 (~{…})
        self._parts: list[CatenateUrl | None] = []
        self._size = 0

    def feed(self, text: bytes) -> AppendHead | None:
        """Take the text up to an announced literal, with its ``{n}``.

        Returns the message to which the literal belongs, or None for an argument: its octets are then fed with the next
        text. Raises ProtocolError.
        """
        self._text += text
        return self._read(last=False)

    def data(self, size: int) -> None:
        """Note that the message data of the last `AppendHead` is complete; it has `size` octets."""
        self._size += size

    def finish(self, text: bytes) -> Append | Replace:
        """Take the rest of the text, up to the end of the command. Raises ProtocolError."""
        self._text += text
        self._read(last=True)
        if self._number is not None:
            return Replace(self._number, self._mailbox, self._messages[0], self._uid)
        return Append(self._mailbox, tuple(self._messages))

    def _read(self, *, last: bool) -> AppendHead | None:
        reader = Reader(bytes(self._text), utf8=self._modes.utf8, pedantic=self._modes.pedantic)
        committed = 0
        try:
            while True:
                if last and reader.at_end() and self._state in ("data", "message") and self._complete():
                    return None
                head = self._step(reader)
                committed = reader.position
                if head is not None:
                    if not reader.at_end():
                        raise ProtocolError("message data must be a literal")
                    return head
                if not last and reader.at_end():  # the announced literal is an empty argument
                    return None
        except CutOff:
            if last:
                raise ProtocolError("literal is truncated") from None
            return None
        # What was understood is dropped also where the text ends within an element: a thousand messages would else be
        # read a thousand times.
        finally:
            del self._text[:committed]

    def _complete(self) -> bool:
        """Whether the command may end here."""
        if self._state == "data":
            self._close()
        return bool(self._messages)

    def _close(self) -> None:
        """Complete the current message."""
        if len(self._messages) >= MAX_MESSAGES:
            raise ProtocolError(f"too many messages (limit {MAX_MESSAGES})", code="LIMIT", condition="NO")
        self._messages.append(AppendMessage(self._size, self._flags, self._date, self._wide, tuple(self._parts)))
        self._size, self._flags, self._date, self._wide, self._parts = 0, (), None, False, []
        self._state = "message"

    def _step(self, reader: Reader) -> AppendHead | None:
        """Read the next element if it is complete."""
        match self._state:
            case "number":
                reader.space()
                self._number = reader.sequence_set()
                ranges = self._number.ranges
                if self._number.saved or len(ranges) != 1 or ranges[0][0] != ranges[0][1]:
                    raise ProtocolError("REPLACE requires a single message number")  # RFC 8508 §3.1
                self._state = "mailbox"
            case "mailbox":
                reader.space()
                self._mailbox = reader.mailbox()
                self._state = "message"
            case "message":
                if self._number is not None and self._messages:
                    raise ProtocolError("REPLACE only accepts one message")
                return self._message(reader)
            case "data":
                self._close()
            case "utf8":
                reader.expect(b")")
                self._close()
            case "part":
                return self._part(reader)
            case "after":
                if reader.skip(b")"):
                    self._close()
                else:
                    reader.space()
                    self._state = "part"
        return None

    def _message(self, reader: Reader) -> AppendHead | None:
        reader.space()
        if reader.peek() == b"(":
            self._flags = reader.flags()
            reader.space()
        if reader.peek() == b'"':
            self._date = reader.date_time()
            reader.space()
        if reader.word(b"CATENATE ("):
            self._state = "part"
            return None
        if reader.word(b"UTF8 ("):
            self._wide = True
        self._mark(reader)
        self._state = "utf8" if self._wide else "data"
        return self._head()

    def _part(self, reader: Reader) -> AppendHead | None:
        if len(self._parts) >= MAX_PARTS:
            raise ProtocolError(f"too many parts (limit {MAX_PARTS})", code="LIMIT", condition="NO")
        if reader.word(b"URL "):
            self._parts.append(CatenateUrl(reader.text()))
            self._state = "after"
            return None
        if not reader.word(b"TEXT "):
            raise ProtocolError("expected URL or TEXT")
        self._mark(reader)
        head = self._head(catenate=True)
        self._parts.append(None)
        self._state = "after"
        return head

    def _mark(self, reader: Reader) -> None:
        match = LITERAL_MARK.match(reader.data, reader.position)
        if match is None:
            raise ProtocolError("expected a literal")
        reader.position = match.end()

    def _head(self, *, catenate: bool = False) -> AppendHead:
        return AppendHead(
            self._mailbox,
            len(self._messages),
            self._flags,
            self._date,
            self._wide,
            len(self._parts),
            catenate,
            tuple(self._parts),
            self._number,
            self._uid,
        )
