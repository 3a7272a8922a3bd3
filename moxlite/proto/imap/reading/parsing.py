"""Helpers of the command parsers: lists, numbers, names, and the modes that the grammar depends on."""

import binascii
from collections.abc import Callable, Iterable
from typing import TypeAlias, TypeVar

from msgspec import Struct

from .. import commands as c
from ..errors import ProtocolError
from ..seqset import SequenceSet
from ..tokens import MAX_MODSEQ, Reader

T = TypeVar("T")


class Modes(Struct):
    """Modes of the session that change the syntax of commands (IMAP-5). `utf8_accept` is UTF8=ACCEPT itself,
    `utf8` that or IMAP4rev2.
    """

    utf8: bool = False
    utf8_accept: bool = False
    qresync: bool = False
    uidonly: bool = False
    pedantic: bool = False


Rule: TypeAlias = Callable[[Reader, Modes], c.Command]
"""Function that reads the arguments of one command, up to the end of the line."""


def list_of(reader: Reader, item: Callable[[], T], *, empty: bool = False) -> list[T]:
    """Read ``"(" item *(SP item) ")"``."""
    reader.expect(b"(")
    found: list[T] = []
    if empty and reader.skip(b")"):
        return found
    while True:
        found.append(item())
        if reader.skip(b")"):
            return found
        reader.space()


def atoms(reader: Reader, known: Iterable[str], what: str) -> tuple[str, ...]:
    """Read a list of words, which must be in `known`; returns them in upper case."""
    words = [word.upper() for word in list_of(reader, reader.atom)]
    for word in words:
        if word not in known:
            raise ProtocolError(f"unknown {what} {word}")
    return tuple(words)


def modseq_value(reader: Reader, *, zero: bool) -> int:
    """``mod-sequence-value``, or ``mod-sequence-valzer`` with `zero` (RFC 7162 §7)."""
    return reader.number(MAX_MODSEQ, smallest=0 if zero else 1, what="a modification sequence")


def plain(command: c.Command) -> Rule:
    """The rule of a command without arguments."""
    return lambda reader, modes: command


def with_mailbox(kind: Callable[[str], c.Command]) -> Rule:
    """The rule of a command whose one argument is a mailbox."""

    def read(reader: Reader, modes: Modes) -> c.Command:
        reader.space()
        return kind(reader.mailbox())

    return read


def numbers_of(reader: Reader, modes: Modes, *, uid: bool) -> SequenceSet:
    """Read the set of FETCH, STORE, COPY, MOVE; message numbers are an error if UIDONLY is enabled (RFC 9586 §3)."""
    if not uid and modes.uidonly:
        raise ProtocolError("message numbers aren't allowed with UIDONLY", code="UIDREQUIRED")
    reader.space()
    return reader.sequence_set()


def decode_text(octets: bytes) -> str:
    """Decode a string, which must be UTF-8. Raises ProtocolError."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError("string isn't valid UTF-8") from error


def decode_base64(text: bytes) -> bytes:
    """Strict base64 (RFC 4648 §4). Raises ProtocolError."""
    try:
        return binascii.a2b_base64(text, strict_mode=True) if text else b""
    except binascii.Error as error:
        raise ProtocolError("invalid base64") from error


def entry_name(reader: Reader) -> str:
    """An entry name (RFC 5464 §3): ASCII, compared in lower case."""
    octets = reader.astring()
    if not octets.isascii():
        raise ProtocolError("entry names must be ASCII")
    return octets.decode("ascii").lower()
