"""FETCH items that need the message itself: sections, decoded parts, previews that are not stored yet (IMAP-93..105).

A small message is read whole, once, for any items. Of a large one only the requested ranges are read, streamed in
chunks while no snapshot is held (IMAP-95, IMAP-148).
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Final

import msgspec

from moxlite.imapd.fetch.fetchrows import section_literal, without_nul
from moxlite.imapd.session.errors import Disconnect, refusal
from moxlite.imapd.session.state import Session
from moxlite.processor import off_loop
from moxlite.proto.imap.encode import literal_head
from moxlite.proto.imap.fetchitems import (
    Attribute,
    Binary,
    BinarySize,
    Body,
    FetchItem,
    Preview,
    Section as AskedSection,
)
from moxlite.proto.mime.decode import decode, decoder, is_known_encoding
from moxlite.proto.mime.headers import MAX_HEADER, HeaderSection, select_content_fields, select_fields
from moxlite.proto.mime.sections import Kind, Section, find_part, find_section
from moxlite.proto.mime.text import preview
from moxlite.proto.mime.types import Part, Structure
from moxlite.proto.mime.wire import string
from moxlite.store.changelog.account import Account
from moxlite.store.content.body import CHUNK_SIZE, message_range, stream_message
from moxlite.store.content.prepare import HEADER_LIMIT
from moxlite.store.errors import ChunkDamaged, StoreError
from moxlite.store.mail.fetching import Column, check_content, set_preview, structure_of

logger = logging.getLogger("moxlite.imapd")

SMALL: Final = CHUNK_SIZE
"""Maximum octets of a body that is read whole, in one go on the loop (STORE-3)."""

_ALIASES: Final = {
    # RFC 3501 §6.4.5: the same sections under older names
    Attribute.RFC822: Body(AskedSection()),
    Attribute.RFC822_HEADER: Body(AskedSection((), "HEADER"), peek=True),
    Attribute.RFC822_TEXT: Body(AskedSection((), "TEXT")),
}


_WHOLE: Final = AskedSection()


def is_whole(item: FetchItem) -> bool:
    """Whether an item asks for all octets of the message, unchanged."""
    return item is Attribute.RFC822 or (isinstance(item, Body) and item.section == _WHOLE and item.partial is None)


def needs(items: Sequence[FetchItem]) -> tuple[Column, ...]:
    """The columns that `Content` needs for these items."""
    if all(map(is_whole, items)):
        return "size", "prefix"
    if any(isinstance(item, Preview) for item in items):
        return "size", "prefix", "structure", "preview"
    return "size", "prefix", "structure"


class ItemFailed(Exception):
    """An item of a message could not be answered; the rest of the command goes on (IMAP-96, IMAP-100).

    `code` and `text` are for the tagged NO at its end.
    """

    def __init__(self, text: str, code: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class Content:
    """One message of a FETCH: its structure, and its octets as far as they are needed.

    Attributes:
      account: the account with the message. whole: all octets, None for a message whose body is not `SMALL`.
      preview: as stored; None if it has not been made yet, or is not requested.
    """

    __slots__ = (
        "_checked",
        "_packed",
        "_structure",
        "account",
        "body_id",
        "message_id",
        "prefix",
        "preview",
        "size",
        "whole",
    )

    def __init__(
        self,
        account: Account,
        message_id: int,
        body_id: int,
        size: int,
        prefix: bytes,
        packed: bytes = b"",
        preview: str | None = None,
    ) -> None:
        self.account = account
        self.message_id = message_id
        self.body_id = body_id
        self.size = size
        self.prefix = prefix
        self.preview = preview
        self.whole: bytes | None = None
        self._packed = packed
        self._structure: Structure | None = None
        self._checked = False

    @property
    def body_size(self) -> int:
        """Octets of the body, without the prefix."""
        return self.size - len(self.prefix)

    @property
    def structure(self) -> Structure:
        """The MIME index. Raises ChunkDamaged."""
        if self._structure is None:
            self._structure = structure_of(self._packed)
        return self._structure

    async def read(self, start: int, end: int) -> bytes:
        """Read a range that is known to be short."""
        if self.whole is not None:
            return self.whole[start:end]
        return await self.account.read(
            partial(message_range, message_id=self.message_id, offset=start, length=end - start), op="imap-body"
        )

    async def blocks(self, start: int, end: int) -> AsyncIterator[bytes]:
        """Read a range in chunks."""
        if self.whole is not None:
            yield self.whole[start:end]
            return
        async with aclosing(stream_message(self.account, self.message_id, start, end - start)) as stream:
            async for block in stream:
                yield block

    async def check(self) -> None:
        """Make sure that all of a large message is readable before its size is promised.

        Raises ChunkDamaged.
        """
        if self.whole is None and not self._checked:
            sound = await self.account.scan(
                partial(check_content, body_id=self.body_id, size=self.body_size), op="imap-check"
            )
            if not sound:
                raise ChunkDamaged(f"body {self.body_id}")
            self._checked = True


async def write_rest(
    session: Session, content: Content, items: tuple[FetchItem, ...]
) -> ItemFailed | StoreError | None:
    """Write the items that rows cannot answer, separated by spaces. Returns the last error, if any item could not be
    answered.

    An error that must end the command is returned, too, so that the response that has begun is completed first.
    """
    problem: ItemFailed | StoreError | None = None
    for position, item in enumerate(items):
        if position:
            session.write(b" ")
        try:
            await _write_item(session, content, item)
        except ItemFailed as unanswered:
            problem = unanswered
        except ChunkDamaged as error:
            kv = {"account": content.account.name, "message": content.message_id, "err": error}
            logger.error("stored message is damaged", extra={"kv": kv})
            problem = ItemFailed("stored message is damaged", "CORRUPTION")
            session.write(_nothing(item))
        except StoreError as error:
            session.write(b" ".join(map(_nothing, items[position:])))
            # The response has begun, and a client cannot resynchronise within it: it is completed with NIL before the
            # command fails.
            return error
    return problem


def _nothing(item: FetchItem) -> bytes:
    return (b"%b 0" if isinstance(item, BinarySize) else b"%b NIL") % item_name(item)


async def _write_item(session: Session, content: Content, item: FetchItem) -> None:
    name = item_name(item)
    match item:
        case Attribute():
            await _write_body(session, content, name, _ALIASES[item])
        case Body():
            await _write_body(session, content, name, item)
        case BinarySize(part=numbers):
            session.write(b"%b %d" % (name, await _binary_size(session, content, numbers)))
        case Binary():
            await _write_binary(session, content, name, item)
        case Preview():
            preview_text = content.preview if content.preview is not None else await _preview(content)
            session.write(b"PREVIEW " + string(preview_text.encode()))


def item_name(item: FetchItem) -> bytes:
    """Name of the item in the response (IMAP-97)."""
    match item:
        case Attribute():
            return item.value.encode()
        case Body():
            return section_literal(item)
        case Binary(part=numbers, partial=partial):
            name = b"BINARY[%b]" % AskedSection(numbers).encode()
            return name if partial is None else name + b"<%d>" % partial[0]
        case BinarySize(part=numbers):
            return b"BINARY.SIZE[%b]" % AskedSection(numbers).encode()
        case Preview():
            return b"PREVIEW"


# --- BODY[section]


async def chosen_fields(header: bytes, asked: AskedSection, section: Section) -> bytes:
    """The header fields that a section names: by a field list, or as the MIME header of a message's only part
    (IMAP-98).
    """
    if len(header) > HEADER_LIMIT:
        return await off_loop(lambda: _chosen_fields(header, asked, section), kind="imap-fetch")
    return _chosen_fields(header, asked, section)


def _chosen_fields(header: bytes, asked: AskedSection, section: Section) -> bytes:
    if section.content_fields:
        return select_content_fields(header)
    names = frozenset(field.lower().encode() for field in asked.fields)
    return select_fields(header, names, invert=asked.specifier == "HEADER.FIELDS.NOT")


async def _write_body(session: Session, content: Content, name: bytes, item: Body) -> None:
    asked = item.section
    if asked == _WHOLE:
        section: Section | None = Section(0, content.size)  # the whole message: without its structure
    else:
        kind: Kind = "HEADER" if asked.specifier.startswith("HEADER") else asked.specifier  # type: ignore[assignment] # one of Kind by the parser
        section = find_section(content.structure, asked.part, kind)
    if section is None:
        session.write(b"%b NIL" % name)
        return
    if asked.fields or section.content_fields:
        header = await content.read(section.start, min(section.end, section.start + MAX_HEADER))
        header = await chosen_fields(header, asked, section)
        if item.partial is not None:
            header = header[item.partial[0] : item.partial[0] + item.partial[1]]
        session.write(b"%b %b%b" % (name, literal_head(len(header)), without_nul(header)))
        return
    start, end = section.start, section.end
    if item.partial is not None:
        start = min(start + item.partial[0], end)
        end = min(start + item.partial[1], end)
    if end - start > SMALL:
        await content.check()
    if content.whole is not None or end - start <= SMALL:
        octets = await content.read(start, end)
        if len(octets) != end - start:
            raise ChunkDamaged(f"body {content.body_id}")
        session.write(b"%b %b%b" % (name, literal_head(end - start), without_nul(octets)))
        return
    session.write(b"%b %b" % (name, literal_head(end - start)))
    await _stream(session, content.blocks(start, end), end - start)


async def _stream(session: Session, blocks: AsyncIterator[bytes], promised: int, *, binary: bool = False) -> None:
    """Write a literal of a size already sent. Raises Disconnect if less can be read, as the response cannot be
    corrected.
    """
    async with aclosing(blocks) as stream:  # type: ignore[type-var] # async generators, all of them
        try:
            async for block in stream:
                part = block[:promised]
                promised -= len(part)
                session.write(part if binary else without_nul(part))
                await session.drain()
                if not promised:
                    return
        except StoreError as error:
            raise Disconnect(refusal(error).text, "UNAVAILABLE") from error
    if promised:
        raise Disconnect("stored message is damaged", "UNAVAILABLE")


# --- BINARY (RFC 3516)


_PLAIN: Final = frozenset({"7BIT", "8BIT", "BINARY"})
"""Encodings that leave the octets as they are (RFC 2045 §6.2)."""


def _is_multipart(part: Part) -> bool:
    return bool(part.parts) or part.type == "MULTIPART"


def _is_message(part: Part) -> bool:
    return part.message is not None or part.type == "MESSAGE"


class _DecodedPart(msgspec.Struct, frozen=True):
    """Content of BINARY[part]: octets of a prefix, then a part's body decoded from `encoding`; `size` in all."""

    front: bytes
    start: int
    end: int
    encoding: str
    size: int


async def _decoded(content: Content, numbers: tuple[int, ...]) -> _DecodedPart | None:
    """The decoded content of a part, or None if there is no such part. Raises ItemFailed for a part that cannot be
    decoded.
    """
    structure = content.structure
    part = find_part(structure, numbers)
    if part is None:
        return None
    container = _is_multipart(part) or _is_message(part)
    if numbers and container:
        if _is_multipart(part) or part.encoding not in _PLAIN:
            raise ItemFailed("can't decode a multipart, or an attached message that's encoded")
        return _DecodedPart(b"", part.body, part.end, "BINARY", part.end - part.body)
    if not container and not is_known_encoding(part.encoding):
        raise ItemFailed("unknown content transfer encoding", "UNKNOWN-CTE")
    if numbers:
        return _DecodedPart(b"", part.body, part.end, part.encoding, part.decoded)
    # the message itself: its header without the encoding that its body no longer has
    head = HeaderSection(await content.read(part.header, min(part.body, part.header + MAX_HEADER + len(b"\r\n"))))
    if container or not head.complete:
        return _DecodedPart(b"", part.header, part.end, "BINARY", part.end - part.header)
    front = head.select([name for name in head.names if name != b"content-transfer-encoding"])
    return _DecodedPart(front, part.body, part.end, part.encoding, len(front) + part.decoded)


async def _binary_size(session: Session, content: Content, numbers: tuple[int, ...]) -> int:
    """BINARY.SIZE: exact, from the structure; 0 for a part that cannot be decoded (IMAP-96)."""
    try:
        found = await _decoded(content, numbers)
    except ItemFailed as unanswered:
        if unanswered.code:
            session.write(b"BINARY.SIZE[%b] 0" % AskedSection(numbers).encode())
            raise
        return 0
    return 0 if found is None else found.size


async def _write_binary(session: Session, content: Content, name: bytes, item: Binary) -> None:
    try:
        found = await _decoded(content, item.part)
    except ItemFailed:
        session.write(b"%b NIL" % name)
        raise
    if found is None:
        session.write(b"%b NIL" % name)
        return
    skip, size = 0, found.size
    if item.partial is not None:
        skip = min(item.partial[0], size)
        size = min(item.partial[1], size - skip)
    if content.whole is not None:
        octets = found.front + decode(content.whole[found.start : found.end], found.encoding)
        octets = octets[skip : skip + size]
        session.write(b"%b %b%b" % (name, literal_head(len(octets), binary=b"\0" in octets), octets))
        return
    await content.check()
    # NUL may occur: a literal8 in any case (RFC 9051 §9 allows it for all of BINARY)
    session.write(b"%b %b" % (name, literal_head(size, binary=True)))
    await _stream(session, _skipping(_decoding(content, found), skip), size, binary=True)


async def _decoding(content: Content, found: _DecodedPart) -> AsyncIterator[bytes]:
    """The octets of a decoded part of a large message."""
    yield found.front
    undo = decoder(found.encoding)
    async for block in content.blocks(found.start, found.end):
        yield undo.feed(block)
    yield undo.finish()


async def _skipping(blocks: AsyncIterator[bytes], skip: int) -> AsyncIterator[bytes]:
    """All but the first `skip` octets."""
    async for block in blocks:
        if skip < len(block):
            yield block[skip:]
            skip = 0
        else:
            skip -= len(block)


# --- PREVIEW (RFC 8970)


async def _preview(content: Content) -> str:
    """The stored preview, or else a new one, which is then stored (IMAP-105)."""
    account, message_id = content.account, content.message_id

    def make() -> str:
        whole = content.whole
        assert whole is not None
        return preview(content.structure, lambda start, end: whole[start:end])

    if content.whole is not None and content.size <= SMALL:
        text = make()
    else:
        structure = content.structure
        text = await account.scan(
            lambda r: preview(structure, lambda start, end: message_range(r, message_id, start, end - start)),
            op="imap-preview",
        )
    await account.write(lambda tx: set_preview(tx, message_id, text))
    return text
