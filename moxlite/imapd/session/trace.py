"""The transcript of an account's sessions, for the operator who looks for the cause of a client's trouble: ``moxlite
imap trace`` (IMAP-159).

Theory of operation
-------------------
A session with a transcript passes each command as parsed, and each response as written, to the taps of its account.
Content and secrets are masked before they leave the session: log-ins and SASL exchanges, the octets of messages, all
quoted and literal strings in FETCH and METADATA. A transcript begins at the beginning of a response, so that half a
literal is never taken for something else. A tap has a bounded buffer; if it is full, lines are dropped and counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import Final

from moxlite.net.transcripts import LENGTH, TranscriptBuffer
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.writing.write import encode_command

MAX_PENDING: Final = 65_536
"""Maximum octets kept of a line that is written in pieces; its end shows whether a literal follows."""

_LITERAL: Final = re.compile(rb"~?\{(\d{1,20})\+?\}\Z")
_QUOTED: Final = re.compile(r'((?:INTERNALDATE|SAVEDATE) )?"(?:[^"\\]|\\.)*(?:"|\\?\Z)')
_CONTENT: Final = re.compile(r"(?i)\* (?:\d+ (?:UID)?FETCH|METADATA) ")


class Masker:
    """Octets of responses in, masked lines out; keeps a line's beginning, never a literal."""

    __slots__ = ("_line", "_pending", "_skip")

    def __init__(self) -> None:
        self._line = bytearray()  # of the response, without its literals
        self._pending = bytearray()  # of a line whose end has not arrived
        self._skip = 0  # octets of a literal still to come

    def feed(self, octets: bytes) -> list[str]:
        """The responses that are complete now."""
        found: list[str] = []
        start = 0
        while start < len(octets):
            if self._skip:
                passed = min(self._skip, len(octets) - start)
                self._skip -= passed
                start += passed
                continue
            end = octets.find(b"\n", start)
            if end < 0:
                self._pending += octets[start:]
                if len(self._pending) > MAX_PENDING:
                    del self._pending[4 * LENGTH : -64]
                break
            line = bytes(self._pending) + octets[start : end + 1]
            self._pending.clear()
            start = end + 1
            line = line.rstrip(b"\r\n")
            literal = _LITERAL.search(line)
            if len(self._line) < 4 * LENGTH:
                self._line += line[: 4 * LENGTH]  # only the end may be missing: quotes must be recognised
            if literal is not None:
                self._skip = int(literal[1])
                continue
            found.append(_masked(self._line.decode("utf-8", "replace")))
            self._line.clear()
        return found


class Transcript:
    """The transcript of one session, as long as the operator wants it.

    Attributes:
      taps: the receivers of the account's transcripts; none before the log-in.
    """

    __slots__ = ("_cid", "_masker", "taps")

    def __init__(self, cid: int) -> None:
        self._cid = cid
        self.taps: Collection[TranscriptBuffer] = ()
        self._masker: Masker | None = None

    @property
    def active(self) -> bool:
        """Whether a transcript is being written."""
        return self._masker is not None

    def follow(self, user: Callable[[], str]) -> None:
        """Begin or end the transcript as the operator has requested. Called where a response begins.

        `user` describes the session's user, address and client, for the first line.
        """
        wanted = bool(self.taps)
        if wanted and self._masker is None:
            self._masker = Masker()
            self.add([user()], "-")
        elif not wanted:
            self._masker = None

    def response(self, octets: bytes) -> None:
        """Add octets of a response."""
        if self._masker is not None:
            self.add(self._masker.feed(octets))

    def add(self, lines: Iterable[str], side: str = "S") -> None:
        """Add lines: from the server, from the client (``C``) or about both (``-``)."""
        for tap in self.taps:
            for line in lines:
                tap.tell(self._cid, side, line)


def _masked(line: str) -> str:
    """A response without its quoted strings, if these may come from messages."""
    if _CONTENT.match(line):
        return _QUOTED.sub(lambda match: match[0] if match[1] else '"…"', line)
    return line


def command_line(tag: str, command: c.Command) -> str:
    """A command in IMAP syntax, without secrets and messages."""
    match command:
        case c.Login():
            return f"{tag} LOGIN … …"
        case c.Authenticate(mechanism=mechanism):
            return f"{tag} AUTHENTICATE {mechanism} …"
        case c.Append(mailbox=mailbox, messages=messages):
            return f"{tag} APPEND {mailbox}" + "".join(map(_message, messages))
        case c.Replace(set=numbers, mailbox=mailbox, message=message, uid=uid):
            return f"{tag} {'UID ' if uid else ''}REPLACE {numbers.encode().decode()} {mailbox}{_message(message)}"
        case c.SetMetadata(mailbox=mailbox, entries=entries):
            names = " ".join([name for name, _ in entries])
            return f'{tag} SETMETADATA "{mailbox}" ({names}) …'
    octets = b"".join(encode_command(tag, command, utf8=True))
    return octets.decode("utf-8", "replace").removesuffix("\r\n")


def _message(message: c.AppendMessage) -> str:
    flags = f" ({' '.join(message.flags)})" if message.flags else ""
    return f"{flags} {{{message.size}}}…"
