"""Input of DKIM: a message with exact header fields and a body that is read in pieces."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from moxlite.mailauth.dkim.canonical import Canonicalization, relaxed_field, simple_field
from moxlite.proto.mime.headers import HeaderSection

ON_LOOP: Final = 64 << 10
"""Octets of the longest message that is canonicalised and hashed on the event loop: 0.5 ms."""

PIECE: Final = 64 << 10
"""Octets of a body in memory that are canonicalised at once: a piece fits into the CPU's caches."""


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
    """The octets of a file, whose lines may end in LF alone, as SMTP would send them."""
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


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
