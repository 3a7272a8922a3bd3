"""Encoding and decoding of message content in DATA and BDAT (RFC 5321 §4.5.2, RFC 3030 §4.2), block by block.

Theory of operation
-------------------
Blocks are not split into lines: a block is searched and replaced as a whole, at memory speed. An incomplete sequence at
the end of a block (part of CR LF, or of a dot at the start of a line) is held back until the next block arrives.

Only CR LF `.` CR LF ends DATA. A sequence that another server might take for the end allows smuggling (two messages
there, one here, or vice versa): a CR without LF, and a lone dot between line ends of which one is a bare LF. A message
with such a sequence is read to its real end and then refused. Other bare LFs become CR LF.

With `bare_cr`, for programs of users, a CR without LF is content, which the submission mends. Only one beside a lone
dot is refused then: some servers drop CRs before CR LF, others take each CR for a line end.
"""

import re
from typing import Final

from moxlite.proto.smtp.errors import UnsendableMessage

_END: Final = b"\r\n.\r\n"
_HELD_BACK: Final = re.compile(rb"(?:\r?\n|\r)(?:\.\r?)?\Z")  # may be the start of an end of data, real or smuggled
_LONE_DOT: Final = re.compile(rb"[\r\n]\.[\r\n]")
_HOLD: Final = 4  # largest number of octets that are held back


class DataDecoder:
    """Decoder of DATA: removes doubled dots at the start of lines, and the end of data.

    `bad_line_ends`: whether the octets have a bare CR, or a sequence that others could take for the end.
    """

    def __init__(self, *, bare_cr: bool = False) -> None:
        self._bare_cr = bare_cr
        # The content begins at the start of a line, as after a CR LF, which is dropped again.
        self._held = b"\r\n"
        self._virtual = 2
        self.bad_line_ends = False

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        """Decode octets. Returns the content, and the octets after the end of DATA, None before the end."""
        data = self._held + data
        end = data.find(_END)
        if end >= 0:
            data, rest = data[: end + len(_END)], data[end + len(_END) :]
            cut = end + 2
        else:
            rest = None
            match = _HELD_BACK.search(data, max(0, len(data) - _HOLD))
            cut = match.start() if match else len(data)
        bare = self._check(data, end)
        content, self._held = data[:cut], data[cut:]
        if b"\r\n." in content:
            content = content.replace(b"\r\n.", b"\r\n")
        if bare:
            content = _with_crlf(content)
        if self._virtual and content:
            content, self._virtual = content[self._virtual :], 0
        return content, rest

    def _check(self, data: bytes, end: int) -> bool:
        """Check the line ends of the octets; returns whether there is a bare LF.

        Octets that are held back are checked twice, which has no effect.
        """
        lines = data.count(b"\r\n")
        if data.count(b"\r") - data.endswith(b"\r") != lines and not (self._bare_cr and _dots_are_plain(data, end)):
            self.bad_line_ends = True
        if data.count(b"\n") == lines:
            return False
        # A lone dot after or before a bare LF. The real end of data, if present, also has LF `.` CR LF.
        true_end = end + 1 if end >= 0 else -1
        if b"\n.\n" in data or data.find(b"\n.\r\n") != true_end:
            self.bad_line_ends = True
        return True


def _dots_are_plain(data: bytes, end: int) -> bool:
    """Whether no lone dot is between octets of line ends, but the one that ends the data at `end`, -1 if none does."""
    if end < 0 and data.endswith(_END[:-1]):  # perhaps the end, which is held back
        end = len(data) - len(_END[:-1])
    return all(end >= 0 and dot.start() == end + 1 for dot in _LONE_DOT.finditer(data))


def _with_crlf(data: bytes) -> bytes:
    """Convert bare LFs to CR LF. A bare CR stays: the message is refused or mended."""
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


class ChunkDecoder:
    """Decoder of BDAT chunks: a bare CR is an error unless `bare_cr`, a bare LF becomes CR LF."""

    def __init__(self, *, bare_cr: bool = False) -> None:
        self._bare_cr = bare_cr
        self._held = b""
        self.bad_line_ends = False

    def feed(self, data: bytes) -> bytes:
        """Decode octets and return their content."""
        data = self._held + data
        self._held = b""
        if data.endswith(b"\r"):
            data, self._held = data[:-1], b"\r"
        lines = data.count(b"\r\n")
        if data.count(b"\r") != lines and not self._bare_cr:
            self.bad_line_ends = True
        return _with_crlf(data) if data.count(b"\n") != lines else data

    def end(self) -> None:
        """The last chunk is complete. A CR at its end is left out."""
        if self._held and not self._bare_cr:
            self.bad_line_ends = True


class BodyEncoder:
    """Encoder of message content: doubles dots at the start of lines (for DATA) and checks the line ends.

    Raises UnsendableMessage for a bare CR or LF before any octet of that block is returned (QUEUE-71).
    """

    def __init__(self, *, dots: bool) -> None:
        self._dots = dots
        self._held = b""
        self._line_start = True

    def feed(self, data: bytes) -> bytes:
        """Encode the next octets of the message."""
        if self._held:
            data, self._held = self._held + data, b""
        if data.endswith(b"\r"):
            data, self._held = data[:-1], b"\r"
        if not data:
            return b""
        lines = data.count(b"\r\n")
        if data.count(b"\r") != lines or data.count(b"\n") != lines:
            # Not mended here: the signatures over the body are made, and would break. Not sent either: some hosts would
            # find an end of data in it, and take what follows for commands.
            raise UnsendableMessage("message contains a bare CR or LF")
        first_dot = self._dots and self._line_start and data.startswith(b".")
        self._line_start = data.endswith(b"\r\n")
        if self._dots and b"\r\n." in data:
            data = data.replace(b"\r\n.", b"\r\n..")
        return b"." + data if first_dot else data

    def end(self) -> bytes:
        """Return the octets after the content: the end of DATA, b"" for BDAT. Raises UnsendableMessage."""
        if self._held or not self._line_start:
            raise UnsendableMessage("message doesn't end with CRLF")
        return b".\r\n" if self._dots else b""
