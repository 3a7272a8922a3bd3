"""SMTP replies (RFC 5321 §4.2, enhanced status codes RFC 2034 and RFC 3463): the value and its octets.

Both sides use the same `Response`: a server encodes it, a client reads it with `client.ReplyReader`.
"""

import re
from typing import Final, Self

import msgspec

LINE_LIMIT: Final = 512  # octets with CRLF that we send, RFC 5321 §4.5.3.1.5
TEXT_LIMIT: Final = 800  # octets of foreign text passed on in one reply or header (SMTP-152)

_UNPRINTABLE: Final = re.compile(r"[^ -~]")
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Control characters, and characters that some programs take for a line end."""


def printable(text: str, limit: int = TEXT_LIMIT) -> str:
    """Replace all but printable ASCII in `text` by `?`, and cut it to `limit` characters."""
    text = text[:limit]
    return text if text.isascii() and text.isprintable() else _UNPRINTABLE.sub("?", text)


class Response(msgspec.Struct, frozen=True):
    """A reply: code, enhanced code ("" without one), and one text per line."""

    code: int
    ecode: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, code: int, ecode: str, text: str) -> Self:
        """Make a reply with a line for each line of `text`."""
        return cls(code, ecode, tuple(text.split("\n")) if "\n" in text else (text,))

    @property
    def ok(self) -> bool:
        """Whether the command was successful (2xx)."""
        return 200 <= self.code < 300

    @property
    def text(self) -> str:
        """The lines, joined by spaces."""
        return " ".join(self.lines)

    def with_note(self, note: str) -> "Response":
        """The same with ` (note)` at the end of the last line."""
        return Response(self.code, self.ecode, (*self.lines[:-1], f"{self.lines[-1]} ({note})"))

    def encode(self, *, utf8: bool = False) -> bytes:
        """The octets to send: lines of at most 512 octets, wrapped at spaces, the enhanced code on every one (RFC 2034
        §4).

        Without `utf8` (RFC 6531 §3.7.4.2) anything but printable ASCII is replaced by `?`.
        """
        prefix = f"{self.ecode} " if self.ecode else ""
        if len(self.lines) == 1 and len(self.lines[0]) < 200:  # most replies: never too long, whatever the encoding
            text = self.lines[0]
            if text.isascii() and text.isprintable():
                return f"{self.code} {prefix}{text}\r\n".encode()
        room = LINE_LIMIT - len(f"{self.code} {prefix}\r\n")
        wrapped: list[bytes] = []
        for line in self.lines:
            clean = CONTROL.sub("?", line) if utf8 else _UNPRINTABLE.sub("?", line)
            wrapped += _wrap(clean.encode("utf-8", "replace"), room)
        last = len(wrapped) - 1
        return b"".join(
            b"%d%c%s%s\r\n" % (self.code, b" " if i == last else b"-", prefix.encode(), line)
            for i, line in enumerate(wrapped)
        )

    def __str__(self) -> str:
        """The reply on one line: `250 2.0.0 text`."""
        return " ".join(part for part in (str(self.code), self.ecode, self.text) if part)


class OwnFault(Response, frozen=True):
    """Temporary refusal for a cause on the server's side, such as a full disk: not the client's failure (SMTP-21)."""


def _wrap(line: bytes, room: int) -> list[bytes]:
    """Cut a line into pieces of at most `room` octets, at spaces if it has some, never inside a UTF-8 character."""
    pieces = []
    while len(line) > room:
        cut = line.rfind(b" ", 1, room + 1)
        if cut < 0:
            cut = room
            while line[cut] & 0xC0 == 0x80:
                cut -= 1
        pieces.append(line[:cut])
        line = line[cut:].lstrip(b" ") if line[cut : cut + 1] == b" " else line[cut:]
    pieces.append(line)
    return pieces
