"""Preparing a message for the store: all that is made of its octets before the unit that adds it (STORE-7,
STORE-50..58, STORE-180..182).

What is made does not depend on the account: one `Prepared` serves all recipients of a transaction, each with its own
prefix. A body over 4 MiB is not compressed here but by `held_body`, which writes it to the account's file piece by
piece, so that memory stays bounded and other units pass in between.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.proto.mime.headers import Header
from moxlite.proto.mime.messageid import base_subject, canonical_message_id, references
from moxlite.proto.mime.preview import preview
from moxlite.proto.mime.structure import scan
from moxlite.proto.mime.types import MailAddress, Structure, encode_structure
from moxlite.proto.mime.wire import render_bodystructure, render_envelope
from moxlite.store.chunks import CHUNK_SIZE, Chunk, Compression, encode_chunk, encode_chunks, preferred
from moxlite.store.errors import BadMessage, StoreError
from moxlite.store.spool import Spool
from moxlite.store.threadlinks import ThreadKeys
from moxlite.store.transaction import Tx
from moxlite.store.types import BodyID, chunk_id

if TYPE_CHECKING:
    from moxlite.store.account import Account

__all__ = [
    "HEADER_LIMIT",
    "LARGE",
    "MAX_MESSAGE",
    "Parsed",
    "Prepared",
    "held_body",
    "parse",
    "prepare",
    "prepare_here",
    "release_body",
]

ON_LOOP: Final = 64 << 10
"""Octets up to which a message is prepared on the loop (STORE-7): 0.2 to 1 ms, up to 5 ms if it was made to be slow."""

ON_LOOP_HEADER: Final = 8 << 10
"""Octets of the header section up to which that holds: a list of addresses costs 0.5 ms for each KiB."""

LARGE: Final = 4 << 20
"""Octets above which a body is written in units of its own, each of that size (STORE-7)."""

HEADER_LIMIT: Final = 64 << 10
"""Octets of the header section in ``message_header`` (STORE-51); who finds so many reads the section from the message
itself.
"""

MAX_MESSAGE: Final = 100 << 20
"""Octets of a message unless the caller says otherwise (STORE-150)."""


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A message ready to be added to any account.

    Attributes:
      digest, body_size: SHA-256 and octets of the body, without prefix.
      prefix: header lines before the body, "" for none.
      chunks: the stored form of the body; None for a large one, which is read from `spool` by `held_body`.
      held: in one account: where `held_body` wrote the body.
      index: the MIME structure of prefix and body; `structure` is its packed form.
      envelope, bodystructure, header, preview: as stored (STORE-51, STORE-58).
      thread: what decides about its thread.
      date: of the Date field, µs UTC. recipients: To, Cc and Bcc.
    """

    digest: bytes
    body_size: int
    prefix: bytes
    chunks: tuple[Chunk, ...] | None
    spool: Spool
    index: Structure
    structure: bytes
    envelope: bytes
    bodystructure: bytes
    header: bytes
    preview: str
    thread: ThreadKeys
    date: int | None
    recipients: tuple[MailAddress, ...]
    compression: Compression
    held: BodyID | None = None

    @property
    def size(self) -> int:
        """Octets of the message: prefix and body."""
        return len(self.prefix) + self.body_size

    @property
    def headerless(self) -> bool:
        """Whether the octets begin with no header field: who puts a prefix before them ends it with an empty line
        (STORE-21).
        """
        return self.index.root.defect == "no header fields"

    def with_prefix(self, prefix: bytes) -> Prepared:
        """The same message behind other header lines, each ending in CRLF; cheap: for each recipient."""
        if prefix == self.prefix:
            return self
        index = self.index.with_prefix(prefix)
        return msgspec.structs.replace(
            self,
            prefix=prefix,
            index=index,
            structure=encode_structure(index),
            header=(prefix + self.header[len(self.prefix) :])[:HEADER_LIMIT]
            if len(self.header) < HEADER_LIMIT
            else (prefix + self.spool.read(0, self.index.root.body - len(self.prefix)))[:HEADER_LIMIT],
        )


async def prepare(
    spool: Spool,
    prefix: bytes = b"",
    *,
    max_size: int = MAX_MESSAGE,
    strict: bool = False,
    compression: Compression | None = None,
) -> Prepared:
    """Make what is stored with the octets of a finished spool, on the loop if they are few, else in a thread.

    The spool stays open as long as the result is used.

    Args:
      prefix: header lines put before the octets, each ending in CRLF.
      max_size: octets of prefix and body that are accepted.
      strict: refuse what is not well-formed (STORE-53).
      compression: how the body is stored, if not as `chunks.prefer` says.

    Raises:
      BadMessage: empty or too large (STORE-150).
      MIMEError: only if `strict`; its text is fit for a reply.
    """
    _check_size(spool, len(prefix), max_size)
    if spool.size <= ON_LOOP and spool.in_memory and _header_is_short(spool):
        await trio.lowlevel.checkpoint()
        prepared = _prepare(spool, strict, compression)
    else:
        prepared = await trio.to_thread.run_sync(_prepare, spool, strict, compression)
    return prepared.with_prefix(prefix)


def prepare_here(spool: Spool, *, max_size: int = MAX_MESSAGE, compression: Compression | None = None) -> Prepared:
    """As `prepare`, in the calling thread, which is not that of the loop. Raises BadMessage."""
    _check_size(spool, 0, max_size)
    return _prepare(spool, False, compression)


def _check_size(spool: Spool, more: int, max_size: int) -> None:
    if spool.size == 0:
        raise BadMessage("the message is empty")
    if spool.size + more > max_size:
        raise BadMessage(f"the message is larger than {max_size} octets")


def _header_is_short(spool: Spool) -> bool:
    head = spool.read(0, ON_LOOP_HEADER)
    return spool.size <= ON_LOOP_HEADER or b"\n\r\n" in head or b"\n\n" in head


def _prepare(spool: Spool, strict: bool, compression: Compression | None) -> Prepared:
    if compression is None:
        compression = preferred()
    with spool.open_view() as view:
        parsed = parse(view, strict=strict)
        chunks = None if spool.size > LARGE else encode_chunks(view, compression)
    envelope = parsed.index.envelope
    return Prepared(
        digest=spool.digest(),
        body_size=spool.size,
        prefix=b"",
        chunks=chunks,
        spool=spool,
        index=parsed.index,
        structure=encode_structure(parsed.index),
        envelope=parsed.envelope,
        bodystructure=parsed.bodystructure,
        header=parsed.section[:HEADER_LIMIT],
        preview=parsed.preview,
        thread=parsed.thread,
        date=envelope.date,
        recipients=envelope.to + envelope.cc + envelope.bcc,
        compression=compression,
    )


class Parsed(msgspec.Struct, frozen=True):
    """What the octets of a body say, without any prefix; `section` is its header section, whole."""

    index: Structure
    section: bytes
    envelope: bytes
    bodystructure: bytes
    preview: str
    thread: ThreadKeys


def parse(view: memoryview, *, strict: bool = False) -> Parsed:
    """Read a body for the MIME index and all that is kept beside it. Linear. Raises MIMEError, only if `strict`."""
    index = scan(view, strict=strict)
    section = bytes(view[: index.root.body])
    header = Header(section)
    subject_base, is_response = base_subject(index.envelope.subject)
    return Parsed(
        index=index,
        section=section,
        envelope=render_envelope(header),
        bodystructure=render_bodystructure(index),
        preview=preview(index, lambda start, end: bytes(view[start:end])),
        thread=ThreadKeys(
            messageid=canonical_message_id(index.envelope.message_id),
            references=tuple(references(header.all(b"references"), header.get(b"in-reply-to"))),
            subject_base=subject_base,
            is_response=is_response,
            dsn=index.is_dsn,
        ),
    )


# Large bodies

# Until it is linked, a held body has a random name, so that two of the same content can be written at once.
HOLD: Final = "INSERT INTO body (hash, size, refs) VALUES (?, ?, 0)"
INSERT_CHUNK: Final = "INSERT INTO body_chunk (id, enc, digest, data) VALUES (?, ?, ?, ?)"
RELEASE: Final = "DELETE FROM body WHERE id = ? AND refs = 0 RETURNING id"
DROP_CHUNKS: Final = "DELETE FROM body_chunk WHERE id >= ? AND id < ?"

RELEASE_SECONDS: Final = 30.0
"""For the unit that removes a body which was not linked, also after a cancellation: what a slow disk may take. Else the
next open removes it.
"""


@asynccontextmanager
async def held_body(account: Account, prepared: Prepared) -> AsyncIterator[Prepared]:
    """The message with its body in the account's file, ready for units inside the block; one that no unit linked is
    removed at the end.

    Does nothing for a body up to 4 MiB, which is in `Prepared.chunks`. One that the account has already is written all
    the same and dropped at the end: what is there now may be erased before the unit runs.

    Raises:
      StorageFull, StorageBroken: the body could not be written.
    """
    if prepared.chunks is not None:
        yield prepared
        return
    name = secrets.token_bytes(32)
    body_id = BodyID(
        await account.write(lambda tx: tx.insert(HOLD, name, prepared.body_size), weight=prepared.body_size)
    )
    try:
        for start in range(0, prepared.body_size, LARGE):
            chunks = await trio.to_thread.run_sync(_encode_piece, prepared, start)
            first = chunk_id(body_id, start // CHUNK_SIZE)
            await account.write(partial(_write_chunks, first=first, chunks=chunks), weight=LARGE)
        yield msgspec.structs.replace(prepared, held=body_id)
    finally:
        with trio.move_on_after(RELEASE_SECONDS, shield=True), suppress(StoreError):
            await account.write(lambda tx: release_body(tx, body_id))


def _encode_piece(prepared: Prepared, start: int) -> list[Chunk]:
    end = min(start + LARGE, prepared.body_size)
    return [
        encode_chunk(prepared.spool.read(offset, CHUNK_SIZE), prepared.compression)
        for offset in range(start, end, CHUNK_SIZE)
    ]


def _write_chunks(tx: Tx, first: int, chunks: list[Chunk]) -> None:
    tx.executemany(
        INSERT_CHUNK, [(first + n, int(chunk.enc), chunk.check, chunk.data) for n, chunk in enumerate(chunks)]
    )


def release_body(tx: Tx, body_id: BodyID) -> None:
    """Remove a held body that nothing uses."""
    if tx.row(RELEASE, body_id) is not None:
        tx.execute(DROP_CHUNKS, chunk_id(body_id, 0), chunk_id(body_id + 1, 0))
