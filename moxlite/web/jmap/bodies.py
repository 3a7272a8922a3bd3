"""The body of a message as JMAP sees it: parts, texts, attachments (RFC 8621 §4.1.4)."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import msgspec

from moxlite.ledger import Hold, NoRoom
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.text import decode_part, reader_of
from moxlite.proto.mime.types import Part
from moxlite.proto.mime.words import decode_words
from moxlite.web.jmap.headerforms import HeaderProperty, header_property, raw_value, value_of
from moxlite.web.jmap.protocol import MethodError, Object, invalid

Read: TypeAlias = Callable[[int, int], bytes]

BODY_PROPERTIES: Final = (
    *("partId", "blobId", "size", "headers", "name", "type", "charset", "disposition"),
    *("cid", "language", "location", "subParts"),
)
BODY_DEFAULT: Final = (
    *("partId", "blobId", "size", "name", "type", "charset", "disposition"),
    *("cid", "language", "location"),
)
"""Properties of a part that a client gets without asking (RFC 8621 §4.2)."""

MAX_VALUE: Final = 5 << 20
"""Octets of one text that are decoded."""

MAX_PART_HEADER: Final = 64 << 10
"""Octets of a part's header that are read: a part has a few fields, and a message up to 1,000 parts."""

PART: Final = 256
"""Octets that the object of a part counts in a `Budget`, whatever it has."""

LETTER: Final = 4
"""Times its octets that a text takes at most: with one emoji, each letter has four."""

AHEAD: Final = 4 << 20
"""Maximum octets to reserve in one step, which grows with what the call already keeps. Otherwise a call would wait for
memory at each of its pages.
"""

ENTRY_MADE: Final = 130
ENTRY_KEPT: Final = 70
"""Times its octets that a card or event takes while its object is made, and from then on: measured with empty lines."""

ITEM: Final = 128
"""Octets that an address, or another item of a field's value, counts: two octets of a field may be an address."""

INLINE_MEDIA: Final = ("image/", "audio/", "video/")


class Budget:
    """Size limits of one request's response: octets left to return, and memory held until it's sent.

    A call waits for memory before it builds a large value (`reserve`), reports how much of that it keeps (`keep`), and
    is done once its response is encoded (`write`), because JSON takes much less memory than the values.

    Attributes:
      used: octets that were returned so far.
      weight: octets that they take in memory.
    """

    def __init__(self, octets: int, hold: Hold | None = None) -> None:
        self.used = self.weight = 0
        self._most = octets
        self._hold = hold
        self._held = 0
        self._reserved = 0  # part of it for the value being built
        self._kept = 0  # part of it for the current call's values

    def take(self, octets: int, weight: int | None = None) -> None:
        """Take octets, in memory as many as `weight`, by default at most `LETTER` times as many. In any thread. Raises
        MethodError ``requestTooLarge``.
        """
        self.used += octets
        self.weight += LETTER * octets if weight is None else weight
        if self.used > self._most:
            raise MethodError("requestTooLarge", "the response would be too large; request fewer objects or properties")

    async def reserve(self, octets: int) -> None:
        """Wait for room for values of so many octets. What was reserved before and not kept is a part of it: were it
        given back, others would take it between two pages. Raises MethodError ``serverUnavailable``.
        """
        more = octets - self._reserved
        if self._hold is not None and more > 0:
            more = max(more, min(self._kept, AHEAD))
            try:
                await self._hold.take("answer", more)
            except NoRoom as error:
                raise unavailable(error) from None
            self._held += more
            self._reserved += more

    def keep(self, octets: int) -> None:
        """Keep so much of what was reserved, at most all, until the response is written."""
        octets = min(octets, self._reserved)
        self._kept += octets
        self._reserved -= octets

    async def write(self, octets: int, *, values: bool, force: bool) -> None:
        """Hold a response of so many octets in place of its values.

        Args:
          values: these stay, too, for calls that refer to them.
          force: what was done can't be refused any more.

        Raises MethodError ``serverUnavailable``.
        """
        have = 0 if values else self._reserved + self._kept
        self._reserved = self._kept = 0
        if force and self._hold is not None and octets > have:
            self._hold.count("answer", octets - have)
            self._held += octets - have
        elif octets > have:
            self._give(have)
            await self.reserve(octets)
            self._reserved = 0
        else:
            self._give(have - octets)

    @asynccontextmanager
    async def holding(self, octets: int) -> AsyncIterator[None]:
        """Hold so much within a block, for what is gone after it. Raises MethodError ``serverUnavailable``."""
        if self._hold is not None:
            try:
                await self._hold.take("answer", octets)
            except NoRoom as error:
                raise unavailable(error) from None
            self._held += octets
        try:
            yield
        finally:
            self._give(octets)

    def close(self) -> None:
        """Give all back."""
        self._give(self._held)

    def _give(self, octets: int) -> None:
        if self._hold is not None:
            self._hold.give("answer", octets)
            self._held -= octets


def unavailable(error: NoRoom) -> MethodError:
    """The error for a call that found no room."""
    return MethodError("serverUnavailable", f"{error}: try again in a moment")


class BodyProperties(msgspec.Struct, frozen=True):
    """Body properties requested by Email/get or Email/parse. `most`: maximum octets of a text, 0 for no limit."""

    properties: tuple[str, ...]
    headers: Mapping[str, HeaderProperty]
    text: bool
    html: bool
    all: bool
    most: int

    @classmethod
    def of(cls, names: Sequence[str] | None, *, text: bool, html: bool, all_: bool, most: int) -> BodyProperties:
        """Read the body properties that a call requests. Raises MethodError."""
        asked = tuple(BODY_DEFAULT if names is None else names)
        headers = {name: found for name in asked if (found := header_property(name)) and name.startswith("header:")}
        for name in asked:
            if name not in headers and name not in BODY_PROPERTIES:
                raise invalid(f"unknown body part property: {name[:100]!r}")
        return cls(asked, headers, text, html, all_, most)


class Message(msgspec.Struct, frozen=True):
    """A message to be shown. `blob` makes the blob id of a part; `read` reads octets of the message; `budget` is that
    of the request.
    """

    root: Part
    read: Read
    blob: Callable[[str], str]
    budget: Budget


def numbered(part: Part, number: str = "") -> Iterator[tuple[str, Part]]:
    """All parts with their ids: the numbers of IMAP, so that they are stable. Signed-data has its content below."""
    if not part.parts:
        yield number or "1", part
        if part.wrapped is not None:
            yield from numbered(part.wrapped, f"{number or '1'}.1")
        return
    yield number, part
    for index, child in enumerate(part.parts, 1):
        yield from numbered(child, f"{number}.{index}" if number else str(index))


def part_at(root: Part, number: str) -> Part | None:
    """The leaf part with this id."""
    return next((part for name, part in numbered(root) if name == number and not part.parts), None)


class _Piece(msgspec.Struct, frozen=True):
    """A leaf part and its id."""

    number: str
    part: Part


class BodyParts(msgspec.Struct, frozen=True):
    """Leaf parts grouped by use: text, HTML or attachment."""

    text: list[_Piece]
    html: list[_Piece]
    attachments: list[_Piece]


def sorted_parts(root: Part) -> BodyParts:
    """Sort the parts as RFC 8621 §4.1.4 does."""
    found = BodyParts([], [], [])
    _sort([("" if root.parts else "1", root)], "mixed", False, found.text, found.html, found.attachments)
    return found


def _sort(
    parts: Sequence[tuple[str, Part]],
    multipart: str,
    in_alternative: bool,
    text: list[_Piece] | None,
    html: list[_Piece] | None,
    attachments: list[_Piece],
) -> None:
    # Step by step the algorithm of RFC 8621 §4.1.4, by which clients compare: cut up, its None for "one kind alone from
    # here on" would travel through every piece.
    texts, htmls = len(text or ()), len(html or ())
    for index, (number, part) in enumerate(parts):
        kind = part.media_type
        if part.children:
            children = [(f"{number}.{at}" if number else str(at), child) for at, child in enumerate(part.children, 1)]
            sub = part.subtype.lower()
            _sort(children, sub, in_alternative or sub == "alternative", text, html, attachments)
            continue
        piece = _Piece(number, part)
        media = kind.startswith(INLINE_MEDIA)
        if not _is_inline(part, index, multipart, media):
            attachments.append(piece)
        elif multipart == "alternative":
            pieces = {"text/plain": text, "text/html": html}.get(kind)
            (attachments if pieces is None else pieces).append(piece)
        else:
            if in_alternative and kind == "text/plain":
                html = None
            elif in_alternative and kind == "text/html":
                text = None
            for pieces in (text, html):
                if pieces is not None:
                    pieces.append(piece)
            # Texts after both kinds of text within an alternative have no list in the RFC, and are not lost here.
            if (media and (text is None or html is None)) or (text is None and html is None):
                attachments.append(piece)
    if multipart == "alternative" and text is not None and html is not None:
        if len(text) == texts and len(html) != htmls:
            text += html[htmls:]
        elif len(html) == htmls and len(text) != texts:
            html += text[texts:]


def _is_inline(part: Part, index: int, multipart: str, media: bool) -> bool:
    if part.disposition.lower() == "attachment" or not (media or part.media_type in ("text/plain", "text/html")):
        return False
    return index == 0 or (multipart != "related" and (media or not part.filename))


def part_object(message: Message, number: str, part: Part, wish: BodyProperties, *, tree: bool = False) -> Object:
    """An EmailBodyPart; with `tree` with all below it."""
    leaf = not part.parts
    section: HeaderSection | None = None
    found: Object = {}
    message.budget.take(PART)
    for name in wish.properties:
        if name == "headers" or name in wish.headers:
            if section is None:
                octets = reader_of(part, message.read)(part.header, min(part.body, part.header + MAX_PART_HEADER))
                section = HeaderSection(octets, hint=part.hint)
            found[name] = (
                all_headers(section, message.budget)
                if name == "headers"
                else header_value(section, wish.headers[name], message.budget)
            )
        elif name != "subParts":
            found[name] = PART_VALUES[name](message, number, part, leaf)
    if tree and not leaf:
        found["subParts"] = [
            part_object(message, f"{number}.{at}" if number else str(at), child, wish, tree=True)
            for at, child in enumerate(part.parts, 1)
        ]
    elif "subParts" in wish.properties:
        found["subParts"] = None
    return found


def header_value(section: HeaderSection, asked: HeaderProperty, budget: Budget) -> object:
    """The value of a property of header fields. Raises MethodError for more than a request may return."""
    # A field may have 64 KiB, and one request may name it in a thousand spellings, for a thousand emails; those that an
    # email does not have are values of the answer, too.
    budget.take(ITEM + sum(len(field.raw) for field in section.all(asked.name)))
    value = value_of(section, asked)
    if isinstance(value, list):
        budget.take(ITEM * sum(len(item) if isinstance(item, list) else 1 for item in value))
    return value


def all_headers(section: HeaderSection, budget: Budget) -> list[Object]:
    """The property headers: all fields as they are. Raises MethodError for more than a request may return."""
    budget.take(sum(len(field.raw) + ITEM for field in section))
    return [
        {
            "name": field.label.decode("ascii", "replace"),
            "value": raw_value(field),
        }
        for field in section
        if field.name
    ]


def _charset(part: Part) -> str | None:
    if part.type != "TEXT":
        return None
    return part.charset or "us-ascii"


def _language(part: Part) -> list[str] | None:
    return [one.decode("ascii", "replace") for one in part.language] or None


def _cid(part: Part) -> str | None:
    return (part.content_id or b"").decode("utf-8", "replace").strip().removeprefix("<").removesuffix(">") or None


PART_VALUES: Final[Mapping[str, Callable[[Message, str, Part, bool], Any]]] = {
    "partId": lambda _, number, part, leaf: number if leaf else None,
    "blobId": lambda message, number, part, leaf: message.blob(number) if leaf else None,
    "size": lambda _, number, part, leaf: part.decoded if leaf else 0,
    "name": lambda _, number, part, leaf: part.filename or None,
    "type": lambda _, number, part, leaf: part.media_type,
    "charset": lambda _, number, part, leaf: _charset(part),
    "disposition": lambda _, number, part, leaf: part.disposition.lower() or None,
    "cid": lambda _, number, part, leaf: _cid(part),
    "language": lambda _, number, part, leaf: _language(part),
    "location": lambda _, number, part, leaf: decode_words(part.location, part.hint) if part.location else None,
}


def body_values(message: Message, parts: BodyParts, wish: BodyProperties) -> Object:
    """The bodyValues property: the requested texts, by the ids of their parts."""
    wanted: dict[str, Part] = {}
    if wish.all:
        wanted |= {number: part for number, part in numbered(message.root) if part.type == "TEXT" and not part.parts}
    for asked, pieces in ((wish.text, parts.text), (wish.html, parts.html)):
        if asked:
            wanted |= {piece.number: piece.part for piece in pieces if piece.part.type == "TEXT"}
    return {number: _value(message, part, wish.most) for number, part in wanted.items()}


def _value(message: Message, part: Part, most: int) -> Object:
    text, sound = decode_part(part, message.read, MAX_VALUE)
    text = text.replace("\r\n", "\n")
    octets = text.encode("utf-8", "replace")
    truncated = part.decoded > MAX_VALUE
    if most and len(octets) > most:
        octets, truncated = octets[:most], True
        text = octets.decode("utf-8", "ignore")
        if part.subtype == "HTML" and text.rfind("<") > text.rfind(">"):
            text = text[: text.rfind("<")]
    message.budget.take(len(octets), sys.getsizeof(text))
    return {"value": text, "isEncodingProblem": not sound, "isTruncated": truncated}
