"""Input of DKIM: a message with exact header fields and a body that is read in pieces."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

from moxlite.proto.mime.headers import HeaderSection

ON_LOOP: Final = 64 << 10
"""Octets of the longest message that is canonicalised and hashed on the event loop: 0.5 ms."""

PIECE: Final = 64 << 10
"""Octets of a body to canonicalize at a time. A piece fits into the CPU's caches."""


class Message(msgspec.Struct, frozen=True):
    """A message to sign or to verify.

    Attributes:
      section: the header section as it was received, before anything is removed.
      body: returns the octets after the empty line, in pieces. It is called at most once, in a thread.
      size: octets of the whole message.
      in_memory: `body` does not block.

    A message in a spool::

        Message(section, lambda: spool.chunks(start=section.body or 0), spool.size, spool.in_memory)
    """

    section: HeaderSection
    body: Callable[[], Iterable[bytes]]
    size: int
    in_memory: bool = True

    @classmethod
    def of(cls, octets: bytes) -> "Message":
        """A message that is in memory."""
        section = HeaderSection(octets)
        start = len(octets) if section.body is None else section.body

        def body() -> Iterable[bytes]:
            return (octets[at : at + PIECE] for at in range(start, len(octets), PIECE))

        return cls(section, body, len(octets))

    @property
    def is_short(self) -> bool:
        """Whether it may be hashed on the event loop."""
        return self.in_memory and self.size <= ON_LOOP


def with_crlf(octets: bytes) -> bytes:
    """Convert a file's line endings, which may be LF, to CRLF as SMTP sends them."""
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


Canonicalization: TypeAlias = Literal["simple", "relaxed"]


class SignedFields:
    """Header fields in canonical form, chosen by the names that signatures list (RFC 6376 §5.4.2).

    A field is canonicalised once, however many signatures cover it.
    """

    def __init__(self, section: HeaderSection) -> None:
        self._section = section
        self._found: dict[tuple[bytes, Canonicalization], list[bytes]] = {}

    def choose(self, names: Sequence[bytes], canonicalization: Canonicalization) -> list[bytes]:
        """Return the fields with these names (lower case), in the order of `names`.

        A name that is listed several times takes the fields of the message from the last one up. A name without a
        further field adds nothing.
        """
        used: dict[bytes, int] = {}
        chosen: list[bytes] = []
        for name in names:
            if not self._section.count(name):
                continue
            fields = self._fields(name, canonicalization)
            at = used.get(name, 0)
            if at < len(fields):
                chosen.append(fields[-1 - at])
                used[name] = at + 1
        return chosen

    def _fields(self, name: bytes, canonicalization: Canonicalization) -> list[bytes]:
        key = name, canonicalization
        if key not in self._found:
            canonicalize = relaxed_field if canonicalization == "relaxed" else simple_field
            self._found[key] = [canonicalize(field.raw) for field in self._section.all(name)]
        return self._found[key]


# Canonicalisation of header fields and bodies (RFC 6376 §3.4), and the hashes of bodies.
#
# All of it is linear in the octets, whatever they are: runs of blanks and of empty lines cost what other octets cost,
# and what is kept between two pieces of a body is a number and at most two octets.

HashName: TypeAlias = Literal["sha256", "sha1"]
BodyHash: TypeAlias = tuple[Canonicalization, HashName]

EMPTY_LINES: Final = 32 << 10
"""Empty lines that are hashed at once: 64 KiB."""

_REVERSED_LINE_ENDS: Final = re.compile(rb"(?:\n\r)*")


def simple_field(raw: bytes) -> bytes:
    """A header field in simple form: unchanged (§3.4.1)."""
    return raw


def relaxed_field(raw: bytes) -> bytes:
    """A header field with its name in lower case, unfolded, runs of blanks as one space (§3.4.2); ends in CRLF."""
    name, _, value = raw.partition(b":")
    unfolded = value.replace(b"\r\n", b"").replace(b"\n", b"")
    return b"%b:%b\r\n" % (name.rstrip(b" \t").lower(), _one_space(unfolded).strip(b" "))


def hash_body(pieces: Iterable[bytes], body_hashes: Iterable[BodyHash]) -> Mapping[BodyHash, bytes]:
    """The digests of a body for all these pairs of canonicalisation and hash, in one pass over its pieces.

    A body may be cut anywhere. Blocks as `pieces` does, some 3 ms for a megabyte and canonicalisation.
    """
    hashes = {pair: hashlib.new(pair[1], usedforsecurity=False) for pair in body_hashes}
    bodies: list[_Simple | _Relaxed] = []
    for canonicalization, make in (("simple", _Simple), ("relaxed", _Relaxed)):
        if sinks := [found for pair, found in hashes.items() if pair[0] == canonicalization]:
            bodies.append(make(sinks))
    for piece in pieces:
        for body in bodies:
            body.add(piece)
    for body in bodies:
        body.end()
    return {pair: found.digest() for pair, found in hashes.items()}


class _Sink(Protocol):
    def update(self, data: bytes, /) -> None: ...


class _Simple:
    """Body in simple form: without the empty lines at its end, always ending in CRLF (§3.4.3)."""

    def __init__(self, sinks: Sequence[_Sink]) -> None:
        self._sinks = sinks
        self._line_ends = 0  # CRLFs seen last, not hashed yet: more may follow, or the end
        self._rest = b""  # octets that may begin a CRLF or a run of blanks

    def add(self, piece: bytes) -> None:
        data = self._rest + piece
        self._rest = b"\r" if data.endswith(b"\r") else b""
        self._take(data[: len(data) - len(self._rest)])

    def end(self) -> None:
        self._take(self._rest)
        self._put(b"\r\n")

    def _take(self, data: bytes) -> None:
        """Hash the part of the data that cannot belong to trailing empty lines."""
        matched = _REVERSED_LINE_ENDS.match(_line_end_octets(data)[::-1])
        assert matched is not None
        if kept := data[: len(data) - matched.end()]:
            while self._line_ends:
                lines = min(self._line_ends, EMPTY_LINES)
                self._put(b"\r\n" * lines)
                self._line_ends -= lines
            self._put(kept)
        self._line_ends += matched.end() // 2

    def _put(self, data: bytes) -> None:
        for sink in self._sinks:
            sink.update(data)


class _Relaxed(_Simple):
    """Body in relaxed form: no blanks at the ends of lines, each run of blanks one space; empty if it has only empty
    lines (§3.4.4).
    """

    def __init__(self, sinks: Sequence[_Sink]) -> None:
        super().__init__(sinks)
        self._begun = False

    def add(self, piece: bytes) -> None:
        data = _one_space(self._rest + piece).replace(b" \r\n", b"\r\n")
        self._rest = next((rest for rest in (b" \r", b"\r", b" ") if data.endswith(rest)), b"")
        self._take(data[: len(data) - len(self._rest)])

    def end(self) -> None:
        self._take(self._rest.removesuffix(b" "))
        if self._begun:
            self._put(b"\r\n")

    def _put(self, data: bytes) -> None:
        self._begun = True
        super()._put(data)


def _line_end_octets(data: bytes) -> bytes:
    """The CR and LF that data ends with."""
    return data[len(data.rstrip(b"\r\n")) :]


def _one_space(data: bytes) -> bytes:
    """Each run of blanks as one space: as many passes as the longest run has binary digits."""
    data = data.replace(b"\t", b" ")
    while b"  " in data:
        data = data.replace(b"  ", b" ")
    return data
