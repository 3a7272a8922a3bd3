"""Messages as Apple Mail keeps them: files ``NUMBER.emlx``, piece by piece.

A file is a line with the number of the message's octets, the message (with LF line ends), and a property list in XML.
Of the list two values are read: ``flags``, a number with one bit for each state, and ``date-received``, in Unix time.
Apple has not described the form; it is known from https://docs.fileformat.com/email/emlx/, the bits from
https://www.jwz.org/blog/2005/07/emlx-flags/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

MAX_FIRST_LINE: Final = 64
"""Octets of the first line: a number, padded with blanks."""

MAX_LIST: Final = 64 << 10
"""Octets of the property list that are read: a few hundred are usual."""

FLAGS: Final = re.compile(rb"<key>flags</key>\s*<integer>(\d{1,19})</integer>")
RECEIVED: Final = re.compile(rb"<key>date-received</key>\s*<(?:integer|real)>(\d{1,10})(?:\.\d{0,20})?</")

BITS: Final = {
    1 << 0: r"\Seen",
    1 << 1: r"\Deleted",
    1 << 2: r"\Answered",
    1 << 4: r"\Flagged",
    1 << 6: r"\Draft",
    1 << 8: "$Forwarded",
    1 << 24: "$Junk",
    1 << 25: "$NotJunk",
}


class EmlxError(Exception):
    """The octets are no such file. The text says why."""


class EmlxReader:
    """Reads one file. `words`, the names of flags, and `received`, Unix time or None, are known after the message.

    Iterating yields the message's octets. Raises EmlxError: the file is another one, or truncated.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.words: tuple[str, ...] = ()
        self.received: int | None = None
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        start = b""
        for piece in self._pieces:
            start += piece
            if b"\n" in start or len(start) > MAX_FIRST_LINE:
                break
        line, _, rest = start.partition(b"\n")
        digits = line.strip()
        if not digits.isdigit() or len(line) > MAX_FIRST_LINE:
            raise EmlxError("the first line isn't the message's size")
        left = int(digits)
        while left:
            if not rest:
                rest = next(self._pieces, b"")
                if not rest:
                    raise EmlxError("the file is truncated")
            data, rest = rest[:left], rest[left:]
            left -= len(data)
            yield data
        self._read_list(rest)

    def _read_list(self, text: bytes) -> None:
        for piece in self._pieces:
            text = (text + piece)[:MAX_LIST]
        flags, received = FLAGS.search(text), RECEIVED.search(text)
        bits = 0 if flags is None else int(flags[1])
        self.words = tuple(word for bit, word in BITS.items() if bits & bit)
        self.received = None if received is None else int(received[1])
