"""The message as tests see it: header fields, addresses, dates and body, each read when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from moxlite.proto.mime.dates import parse_date
from moxlite.proto.mime.envelope import RawAddress, decode_address, parse_addresses
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.text import MAX_TEXT, Read, part_text, visible_text
from moxlite.proto.mime.types import Part, Structure
from moxlite.proto.mime.words import decode_words
from moxlite.proto.sieve.comparing import Values

__all__ = ["NO_VALUES", "Body", "Mailbox", "Message"]

MAX_FIELDS: Final = 1000
"""Fields of one name that are looked at, as for rulesets (STORE-64)."""

MAX_ADDRESSES: Final = 1000
"""Addresses of one name that are looked at: a bigger list costs 5 µs for each."""

NO_VALUES: Final = Values(())


class Mailbox(msgspec.Struct, frozen=True):
    """An address of a header field or an envelope. `domain` is "" where it has none."""

    localpart: str
    domain: str

    def __str__(self) -> str:
        return f"{self.localpart}@{self.domain}" if self.domain else self.localpart


class Body(msgspec.Struct, frozen=True):
    """The body of a message: its MIME structure and its octets; offsets of `read` as in the structure."""

    structure: Structure
    read: Read


class Message:
    """A message. Header names are in lower case; one that no message can have has no fields.

    Args:
      header: the header section.
      size: octets of the message.
      body: reads the body when a test asks for it.

    Attributes:
      headers: the fields that `header` was asked for.
    """

    def __init__(self, header: HeaderSection, size: int, body: Callable[[], Body]) -> None:
        self.size = size
        self._section = header
        self._read = body
        self._body: Body | None = None
        self.headers: dict[str, Values] = {}
        self._addresses: dict[str, tuple[tuple[Mailbox, ...], ...]] = {}
        self._bodies: dict[tuple[str, ...], Values] = {}

    def exists(self, name: str) -> bool:
        """Whether a field of this name is there."""
        return self._section.count(_octets(name)) > 0

    def header(self, name: str) -> Values:
        """The texts of all fields of this name, decoded, without blanks around them; NO_VALUES without any."""
        values = self.headers.get(name)
        if values is None:
            texts = self._section.texts(_octets(name))[:MAX_FIELDS]
            values = Values([decode_words(text).strip() for text in texts]) if texts else NO_VALUES
            self.headers[name] = values
        return values

    def addresses(self, name: str) -> tuple[tuple[Mailbox, ...], ...]:
        """The addresses of each field of this name."""
        found = self._addresses.get(name)
        if found is None:
            left = MAX_ADDRESSES
            fields: list[tuple[Mailbox, ...]] = []
            for text in self._section.texts(_octets(name))[:MAX_FIELDS]:
                fields.append(tuple(_mailboxes(text, left)))
                left -= len(fields[-1])
                if left <= 0:
                    break
            found = self._addresses[name] = tuple(fields)
        return found

    def dates(self, name: str) -> list[tuple[int, int] | None]:
        """Moment (µs UTC) and offset (minutes) of each field of this name: the text after the last semicolon, as in
        Received (RFC 5260 §4); None for one without a date.
        """
        texts = self._section.texts(_octets(name))[:MAX_FIELDS]
        return [parse_date(text.rpartition(b";")[2].strip()) for text in texts]

    def body(self, transform: str, content: tuple[str, ...] = ()) -> Values:
        """Texts of the body (RFC 5173 §5), MAX_TEXT characters together.

        Args:
          transform: raw, content (the parts of the types of `content`), or text.
        """
        key = (transform, *content)
        values = self._bodies.get(key)
        if values is None:
            if self._body is None:
                self._body = self._read()
            values = self._bodies[key] = Values(list(_cut(_texts(self._body, transform, content))))
        return values


def _octets(name: str) -> bytes:
    return name.encode("ascii", "replace")


def _mailboxes(text: bytes, limit: int) -> Iterator[Mailbox]:
    for item in parse_addresses(text, limit) if limit > 0 else ():
        if isinstance(item, RawAddress):
            address = decode_address(item)
            if address.localpart or address.domain:
                yield Mailbox(address.localpart, address.domain)


def _cut(texts: Iterator[str]) -> Iterator[str]:
    left = MAX_TEXT
    for text in texts:
        yield text[:left]
        left -= len(text)
        if left <= 0:
            return


def _texts(body: Body, transform: str, content: tuple[str, ...]) -> Iterator[str]:
    root = body.structure.root
    wanted = _types(content)
    if transform == "raw":
        yield body.read(root.body, min(root.end, root.body + MAX_TEXT)).decode("utf-8", "replace")
        return
    for part in root.walk():
        if part.parts:
            continue  # the texts between the parts of a multipart are for programs without MIME
        if transform == "content":
            if not wanted.isdisjoint(("", part.type.lower(), part.media_type)):
                yield _content(part, body)
        elif part.type == "TEXT" and part.end > part.body:
            text = part_text(part, body.read)
            yield visible_text(text) if part.subtype == "HTML" else text


def _types(content: tuple[str, ...]) -> frozenset[str]:
    """The types of parts that are meant (RFC 5173 §5.2): "" for all, a main type, or a whole one; without what is no
    type.
    """
    split = (one.lower().partition("/") for one in content)
    return frozenset(
        main + slash + sub for main, slash, sub in split if (main and sub and "/" not in sub) or not (slash or sub)
    )


def _content(part: Part, body: Body) -> str:
    """A decoded part; of an embedded message its header section (RFC 5173 §5.2)."""
    if part.message is not None:
        root = part.message.root
        return body.read(root.header, min(root.body, root.header + MAX_TEXT)).decode("utf-8", "replace")
    return part_text(part, body.read)
