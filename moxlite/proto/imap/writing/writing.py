"""What the writers of several commands share: the octets of a command with its literals, names and lists."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from ..tokens import encode_astring, encode_mailbox

__all__ = ["Encoder", "Writer", "fixed", "flag_list", "is_literal", "named", "uid_word", "words_of", "write_set"]

_LITERAL: Final = re.compile(rb"(~?)\{([0-9]+)\}\r\n")


def is_literal(wire: bytes) -> bool:
    """Whether a string in wire form is a literal."""
    return _LITERAL.match(wire) is not None


class Writer:
    """Collects one command. Literals are written as synchronizing ones; `pieces` turns them into what the server
    allows.
    """

    __slots__ = ("_octets", "_starts", "utf8")

    def __init__(self, tag: str, *, utf8: bool) -> None:
        self._octets = bytearray(tag.encode())
        self._starts: list[int] = []  # where the octets of literals begin
        self.utf8 = utf8

    def put(self, octets: bytes) -> None:
        """Octets as they are."""
        self._octets += octets

    def word(self, octets: bytes) -> None:
        """A space, and octets in which a string may be a literal: only such ones are written here."""
        self._octets += b" "
        self.string(octets)

    def string(self, wire: bytes) -> None:
        """A string in wire form."""
        match = _LITERAL.match(wire)
        if match is not None:
            self._starts.append(len(self._octets) + match.end())
        self._octets += wire

    def astring(self, text: str) -> None:
        """A space and an ``astring``."""
        self.word(encode_astring(text.encode(), utf8=self.utf8))

    def mailbox(self, name: str) -> None:
        """A space and a mailbox name."""
        wire = encode_mailbox(name, utf8=self.utf8)
        self.word(wire if name else b'""')

    def pieces(self, *, literal_plus: bool) -> list[bytes]:
        """The pieces, the last one with the line end."""
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
"""Writes a command of one kind behind its tag."""


def uid_word(command: Any) -> bytes:
    """The word before a command that names UIDs, or nothing."""
    return b" UID" if command.uid else b""


def write_set(w: Writer, command: Any) -> None:
    """A space and the numbers that the command names."""
    w.put(b" " + command.set.encode())


def flag_list(flags: Iterable[str]) -> bytes:
    """Words in parentheses."""
    return b"(%b)" % " ".join(flags).encode()


def fixed(word: bytes) -> Encoder:
    """A command without arguments."""
    return lambda w, command: w.put(b" " + word)


def named(word: bytes) -> Encoder:
    """A command on a mailbox."""

    def write(w: Writer, command: Any) -> None:
        w.put(b" " + word)
        w.mailbox(command.mailbox)

    return write


def words_of(word: bytes, field: str) -> Encoder:
    """A command with the words that are in `field`."""

    def write(w: Writer, command: Any) -> None:
        w.put(b" " + word)
        for text in getattr(command, field):
            w.astring(text)

    return write
