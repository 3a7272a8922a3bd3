"""Untrusted octets on stdout: unchanged into a file or pipe, made safe on a terminal (ADMIN-65)."""

import codecs
import sys
from typing import BinaryIO, Protocol

from moxlite.escapes import printable


class Sink(Protocol):
    """A writer of octets."""

    def write(self, data: bytes, /) -> object:
        """Write octets."""


class _Terminal:
    """Shows octets as UTF-8 text: lines and tabs stay, and characters that could deceive or control the terminal are
    escaped.
    """

    def __init__(self, to: BinaryIO) -> None:
        self._to = to
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._held = b""

    def write(self, data: bytes, /) -> None:
        # CR LF is one line end, also if two writes split it.
        data = self._held + data
        self._held = b"\r" if data.endswith(b"\r") else b""
        text = self._decoder.decode(data.removesuffix(b"\r").replace(b"\r\n", b"\n"))
        shown = "".join(part if part in ("\n", "\t") else printable(part) for part in _parts(text))
        self._to.write(shown.encode())
        self._to.flush()


def _parts(text: str) -> list[str]:
    """A text split before and after each line end and tab."""
    found: list[str] = []
    for number, line in enumerate(text.split("\n")):
        if number:
            found.append("\n")
        for place, cell in enumerate(line.split("\t")):
            if place:
                found.append("\t")
            found.append(cell)
    return found


def raw_output() -> Sink:
    """The output for a command that passes octets through."""
    return _Terminal(sys.stdout.buffer) if sys.stdout.isatty() else sys.stdout.buffer
