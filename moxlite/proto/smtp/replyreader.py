"""A client's reader of SMTP replies (RFC 5321 §4.2, RFC 2034)."""

import re
from typing import Final

from moxlite.proto.smtp.errors import ProtocolError
from moxlite.proto.smtp.replies import CONTROL, Response

REPLY_LINE_LIMIT: Final = 2048  # octets that we read: some servers put URLs and addresses there (QUEUE-62)
REPLY_LINES: Final = 100  # lines of one reply that we read (QUEUE-62)

_ENHANCED: Final = re.compile(r"([245])\.([0-9]{1,3})\.([0-9]{1,3})(?: |$)")  # RFC 2034 §4


class ReplyReader:
    """Parser of replies, with a buffer of received octets."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._code = 0
        self._lines: list[str] = []

    def receive_data(self, data: bytes) -> None:
        """Take octets from the peer."""
        self._buffer += data

    def leftover(self) -> bytes:
        """Remove and return the unread octets, which are not SMTP (after the reply to STARTTLS)."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def next_reply(self, *, enhanced: bool) -> Response | None:
        """Return the next reply, None while it is incomplete.

        `enhanced`: the peer announced ENHANCEDSTATUSCODES, so texts begin with an enhanced code. A line may end in a
        bare LF, and the space after the code may be missing. Raises ProtocolError: the connection is then unusable.
        """
        while True:
            end = self._buffer.find(b"\n", 0, REPLY_LINE_LIMIT + 1)
            if end < 0:
                if len(self._buffer) > REPLY_LINE_LIMIT:
                    raise ProtocolError("reply line too long")
                return None
            line = bytes(self._buffer[:end]).removesuffix(b"\r")
            del self._buffer[: end + 1]
            if self._add(line):
                code, lines = self._code, self._lines
                self._code, self._lines = 0, []
                return _with_enhanced(code, lines) if enhanced else Response(code, "", tuple(lines))

    def _add(self, line: bytes) -> bool:
        """Add a line; returns whether it ends the reply."""
        digits = line[:3]
        if len(digits) < 3 or not digits.isdigit() or not 200 <= int(digits) <= 599:
            raise ProtocolError("no reply code in reply")
        if self._lines and int(digits) != self._code:
            raise ProtocolError("reply with different codes")
        if len(self._lines) == REPLY_LINES:
            raise ProtocolError("reply with too many lines")
        self._code = int(digits)
        rest = line[4:] if line[3:4] in b" -" else line[3:]
        self._lines.append(CONTROL.sub("?", rest.decode("utf-8", "replace")))
        return line[3:4] != b"-"


def _with_enhanced(code: int, lines: list[str]) -> Response:
    """Make a reply from lines that begin with an enhanced code, if its class matches the code (QUEUE-62)."""
    match = _ENHANCED.match(lines[0])
    if not match or match[1] != str(code)[0]:
        return Response(code, "", tuple(lines))
    ecode = match[0].rstrip(" ")
    return Response(code, ecode, tuple(line.removeprefix(ecode).removeprefix(" ") for line in lines))
