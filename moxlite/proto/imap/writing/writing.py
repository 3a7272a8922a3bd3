"""Helpers for command encoders: a command's octets with its literals, names and lists."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from ..tokens import encode_astring, encode_mailbox

_LITERAL: Final = re.compile(rb"(~?)\{([0-9]+)\}\r\n")


def is_literal(wire: bytes) -> bool:
    """Whether a string in wire form is a literal."""
    return _LITERAL.match(wire) is not None


class Writer:
    """Collects the octets of a command. Literals are written as synchronizing; `pieces` converts them for LITERAL+."""

    __slots__ = ("_octets", "_starts", "utf8")

    def __init__(self, tag: str, *, utf8: bool) -> None:
        self._octets = bytearray(tag.encode())
        self._starts: list[int] = []  # where the octets of literals begin
        self.utf8 = utf8

    def put(self, octets: bytes) -> None:
        """Write octets unchanged."""
        self._octets += octets

    def word(self, octets: bytes) -> None:
        """Write a space, and octets that may have literals in place of strings."""
        self._octets += b" "
        self.string(octets)

    def string(self, wire: bytes) -> None:
        """Write a string in wire form."""
        match = _LITERAL.match(wire)
        if match is not None:
            self._starts.append(len(self._octets) + match.end())
        self._octets += wire

    def astring(self, text: str) -> None:
        """Write a space and an ``astring``."""
        self.word(encode_astring(text.encode(), utf8=self.utf8))

    def mailbox(self, name: str) -> None:
        """Write a space and a mailbox name."""
        wire = encode_mailbox(name, utf8=self.utf8)
        self.word(wire if name else b'""')

    def pieces(self, *, literal_plus: bool) -> list[bytes]:
        """Return the pieces of the command, the last one with the line end."""
        self._octets += b"\r\n"
        found: list[bytes] = []
        last = 0
        for start in self._starts:
            found.append(bytes(self._octets[last:start]))
            last = start
        found.append(bytes(self._octets[last:]))
        if literal_plus:
            return [b"".join([piece[:-3] + b"+}\r\n" for piece in found[:-1]] + found[-1:])]
        return found


Encoder: TypeAlias = Callable[[Writer, Any], None]
"""Function that writes a command of one type after its tag."""


def uid_word(command: Any) -> bytes:
    """``UID`` and a space before a command with UIDs, else b""."""
    return b" UID" if command.uid else b""


def write_set(w: Writer, command: Any) -> None:
    """Write a space and the command's set of numbers."""
    w.put(b" " + command.set.encode())


def flag_list(flags: Iterable[str]) -> bytes:
    """Words in parentheses."""
    return b"(%b)" % " ".join(flags).encode()


def fixed(word: bytes) -> Encoder:
    """Return the encoder of a command without arguments."""
    return lambda w, command: w.put(b" " + word)


def named(word: bytes) -> Encoder:
    """Return the encoder of a command whose argument is a mailbox name."""

    def write(w: Writer, command: Any) -> None:
        w.put(b" " + word)
        w.mailbox(command.mailbox)

    return write


def words_of(word: bytes, field: str) -> Encoder:
    """Return the encoder of a command whose arguments are the words in the struct's `field`."""

    def write(w: Writer, command: Any) -> None:
        w.put(b" " + word)
        for text in getattr(command, field):
            w.astring(text)

    return write
