"""Preparing a message for the store: everything derived from its octets before the unit that adds it (STORE-7,
STORE-50..58, STORE-180..182).

The result does not depend on the account: one `PreparedMessage` serves all recipients of a transaction, each with its
own prefix. A body over 4 MiB is not compressed here but by `held_bodies`, which writes it to the account's file piece
by piece, so that memory stays bounded and other units can run in between.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

import msgspec
import trio

from moxlite.ledger import ledger
from moxlite.processor import place, turn
from moxlite.proto.mime.headers import MAX_HEADER
from moxlite.proto.mime.messageid import base_subject, canonical_message_id, conversation_subject, references
from moxlite.proto.mime.structure import scan_message
from moxlite.proto.mime.text import TooManySigns, preview
from moxlite.proto.mime.types import FAILED_RECIPIENTS, HEADLESS, MailAddress, Structure, encode_structure
from moxlite.proto.mime.wire import render_bodystructure
from moxlite.store.changelog.account import Account
from moxlite.store.content.body import (
    CHUNK_SIZE,
    Chunk,
    Compression,
    encode_chunk,
    encode_chunks,
    preferred,
    take_body_ids,
    tell_mended,
    unsound,
    write_chunks,
)
from moxlite.store.content.spool import Spool
from moxlite.store.errors import BadMessage, StorageBusy, StoreError
from moxlite.store.file.transaction import Tx
from moxlite.store.types import BodyID, ThreadKeys, chunk_id

ON_LOOP: Final = 64 << 10
"""Octets up to which a message may be prepared on the loop (STORE-7): in 0.2 to 1 ms. A hostile one takes up to 6 ms
within the limits that follow, and up to 140 ms without them.
"""

ON_LOOP_HEADER: Final = 8 << 10
"""Octets up to which the header section of such a message may be."""

ON_LOOP_SIGNS: Final = 1000
"""Signs that such a message may have in its octets, and again in the decoded texts from which its preview is made. A
part counts for `PART_SIGNS`, and padding counts where base64 is used. A newsletter has more.
"""

HEADER_SIGNS: Final = (b",", b'"', b":", b"(", b";")
"""Signs at which addresses and parameters begin or end, which cost some 2.5 µs each."""

PART_SIGNS: Final = 10
"""A part costs some 25 µs."""

LARGE: Final = 4 << 20
"""Octets above which a body is written in units of its own, each of that size (STORE-7)."""

HEADER_LIMIT: Final = 64 << 10
"""Octets of the header section kept in ``message_header`` (STORE-51); a reader that finds that many reads the section
from the message itself.
"""

MAX_MESSAGE: Final = 100 << 20
"""Largest message in octets, unless the caller sets another limit (STORE-150)."""

PREPARED_AT_ONCE: Final = 8
"""Octets prepared at one time over all accounts, as a part of the ledger's total, beside it (STORE-7a): at most 37 MiB,
a long mail, or many short ones. More threads would not be faster, as they share the interpreter, and would delay the
loop.
"""

WRITTEN_AT_ONCE: Final = 4
"""Octets of encoded bodies that wait for writers at one time over all accounts, as such a part: at most 75 MiB, 16
accounts at full speed.
"""

TURN_SECONDS: Final = 120.0
"""Seconds that a task waits for its turn: 2 to 10 GiB are prepared in that time, and an SMTP client waits ten minutes
(RFC 5321 §4.5.3.2.6).
"""


# Bound for the octets that are processed at one time, over all connections (STORE-7a).


class OctetLimiter:
    """Lets tasks process at most `total` octets at one time, in the order of their arrival.

    Args:
      total: returns the octets. A task that needs more runs alone.
      seconds: the longest time that a task waits for its turn.
    """

    def __init__(self, total: Callable[[], int], seconds: float) -> None:
        self._total = total
        self._seconds = seconds
        self._used = 0
        self._turn = trio.Lock()  # its holder is the next to start
        self._released = trio.Event()

    @asynccontextmanager
    async def hold(self, octets: int) -> AsyncIterator[None]:
        """Process `octets` inside the block. Raises StorageBusy if the turn does not come in time."""
        with trio.move_on_after(self._seconds) as scope:
            async with self._turn:
                # The first in line waits here, all others in the lock behind it: short messages do not pass a long one
                # for ever. Alone, any length may pass.
                while self._used and self._used + octets > self._total():
                    self._released = trio.Event()
                    await self._released.wait()
                self._used += octets
                # The time is for the turn, not for the work.
                scope.deadline = float("inf")
        if scope.cancelled_caught:
            raise StorageBusy(f"timed out after {self._seconds:.0f} s waiting for memory ({octets} bytes)")
        try:
            yield
        finally:
            self._used -= octets
            self._released.set()


_preparing: Final = OctetLimiter(lambda: ledger().total // PREPARED_AT_ONCE, TURN_SECONDS)
_writing: Final = OctetLimiter(lambda: ledger().total // WRITTEN_AT_ONCE, TURN_SECONDS)


class PreparedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message ready to be added to any account.

    Attributes:
      digest, body_size: SHA-256 and octets of the body, without prefix.
      prefix: header lines before the body, empty without any.
      chunks: the stored form of the body; None for one that `held_bodies` reads from `spool`.
      held: id of the body that `held_bodies` wrote; valid in one account.
      index: the MIME structure of prefix and body; `structure` is its packed form.
      envelope, bodystructure, header, preview: as stored (STORE-51, STORE-58).
      thread: the fields that determine its thread.
      date: time of the Date field, µs UTC, None without one. recipients: To, Cc and Bcc.
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
        """Whether the octets do not begin with a header field: a prefix put before them must end with an empty line
        (STORE-21).
        """
        root = self.index.root
        return root.defect == HEADLESS or (root.body == 0 and self.body_size > 0)

    def with_prefix(self, prefix: bytes) -> PreparedMessage:
        """The same message with other header lines before it, each ending in CRLF. Cheap: called for each recipient."""
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
            else (prefix + self.spool.read(0, min(self.index.root.body - len(self.prefix), HEADER_LIMIT)))[
                :HEADER_LIMIT
            ],
        )


async def prepare(
    spool: Spool,
    prefix: bytes = b"",
    *,
    max_size: int = MAX_MESSAGE,
    strict: bool = False,
    compression: Compression | None = None,
    chunks: bool = True,
) -> PreparedMessage:
    """Derive everything that is stored with the octets of a finished spool: on the loop if they are few, else in a
    thread.

    The spool stays open as long as the result is used.

    Args:
      prefix: header lines put before the octets, each ending in CRLF.
      max_size: largest accepted size of prefix and body, octets.
      strict: refuse a message that is not well-formed (STORE-53).
      compression: compression of the body; None for the one set by `chunks.prefer`.
      chunks: False does not encode the body, to save memory: `held_bodies` then encodes it, as it does for a long one,
        and one for which the ledger has no room.

    Raises:
      BadMessage: empty or too large (STORE-150).
      OSError: the file of the spool cannot be written or read.
      MIMEError: only if `strict`; its text is fit for a reply.
      StorageBusy: the turn did not come in time, as too much is being prepared.
    """
    _check_size(spool, len(prefix), max_size)
    chunks = chunks and _may_encode(spool)
    prepared = _prepare_on_loop(spool, strict, compression, chunks)
    if prepared is None:
        prepared = await _prepare_in_thread(spool, strict, compression, chunks)
    else:
        await turn()
    return prepared.with_prefix(prefix)


def prepare_on_loop(spool: Spool, *, max_size: int = MAX_MESSAGE, chunks: bool = True) -> PreparedMessage | None:
    """As `prepare`, without a checkpoint; None for a message that may hold the loop. Raises BadMessage."""
    _check_size(spool, 0, max_size)
    return _prepare_on_loop(spool, False, None, chunks and _may_encode(spool))


async def prepare_in_thread(spool: Spool, *, max_size: int = MAX_MESSAGE, chunks: bool = True) -> PreparedMessage:
    """As `prepare`, for a message that `prepare_on_loop` did not take. Raises BadMessage, OSError, StorageBusy."""
    _check_size(spool, 0, max_size)
    return await _prepare_in_thread(spool, False, None, chunks and _may_encode(spool))


def prepare_here(spool: Spool, *, max_size: int = MAX_MESSAGE) -> PreparedMessage:
    """As `prepare`, in the calling thread, which is not that of the loop. Raises BadMessage, OSError."""
    _check_size(spool, 0, max_size)
    return _prepare(spool, False, None, True)


def _check_size(spool: Spool, more: int, max_size: int) -> None:
    if spool.size == 0:
        raise BadMessage("the message is empty")
    if spool.size + more > max_size:
        raise BadMessage(f"the message is larger than {max_size} bytes")


def _may_encode(spool: Spool) -> bool:
    """Whether the body may be encoded before its unit, and wait in memory for it. Takes room for it."""
    return spool.size <= LARGE and spool.memory.take_beside(spool.size)


def _prepare_on_loop(
    spool: Spool, strict: bool, compression: Compression | None, chunks: bool
) -> PreparedMessage | None:
    if spool.size > ON_LOOP or not spool.in_memory or not _is_simple(spool.whole()):
        return None
    try:
        return _prepare(spool, strict, compression, chunks, ON_LOOP_SIGNS)
    except TooManySigns:
        return None


async def _prepare_in_thread(
    spool: Spool, strict: bool, compression: Compression | None, chunks: bool
) -> PreparedMessage:
    # In this order: no account holds memory that others wait for while it waits for its place.
    async with place("prepare") as work, _preparing.hold(spool.size):
        return await trio.to_thread.run_sync(work.run, partial(_prepare, spool, strict, compression, chunks))


def _is_simple(octets: bytes) -> bool:
    """Whether the header and the structure of a message are within the limits for the loop, and its text probably."""
    ends = [octets.find(blank, 0, ON_LOOP_HEADER + len(blank)) for blank in (b"\n\r\n", b"\n\n")]
    end = min((at for at in ends if at >= 0), default=len(octets))
    if end > ON_LOOP_HEADER:
        return False
    signs = octets.count(b"<") + PART_SIGNS * octets.count(b"\n--")
    signs += sum(octets.count(sign, 0, end) for sign in HEADER_SIGNS)
    if signs > ON_LOOP_SIGNS:
        return False
    # each padding costs some 1.5 µs; other encodings have the sign, too
    return signs + octets.count(b"=") <= ON_LOOP_SIGNS or b"base64" not in octets.lower()


def _prepare(
    spool: Spool, strict: bool, compression: Compression | None, chunks: bool, signs: int | None = None
) -> PreparedMessage:
    if compression is None:
        compression = preferred()
    size = spool.size
    if size <= ON_LOOP:
        octets = spool.whole()  # `parse` would copy a view of them
        parsed = parse(octets, strict=strict, signs=signs)
        encoded = encode_chunks(octets, compression) if chunks else None
    else:
        with spool.open_view() as view:
            parsed = parse(view, strict=strict)
            encoded = encode_chunks(view, compression) if chunks and size <= LARGE else None
    envelope = parsed.index.envelope
    return PreparedMessage(
        digest=spool.digest(),
        body_size=size,
        prefix=b"",
        chunks=encoded,
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


class ParsedBody(msgspec.Struct, frozen=True):
    """Result of `parse`: the MIME index and stored fields of a body, without any prefix; `section` is its header
    section, up to MAX_HEADER.
    """

    index: Structure
    section: bytes
    envelope: bytes
    bodystructure: bytes
    preview: str
    thread: ThreadKeys


def parse(view: bytes | memoryview, *, strict: bool = False, signs: int | None = None) -> ParsedBody:
    """Parse a body into its MIME index and the fields stored beside it. Linear.

    Raises:
      MIMEError: only if `strict`.
      TooManySigns: the texts from which the preview is made have more than `signs` tags and entities.
    """
    # A short body is copied: searching and slicing bytes is cheaper than a memoryview.
    data = bytes(view) if len(view) <= ON_LOOP else view
    index, header, envelope = scan_message(data, strict=strict)
    section = bytes(data[: min(index.root.body, MAX_HEADER)])
    subject_base, _ = base_subject(index.envelope.subject)
    _, is_response = conversation_subject(index.envelope.subject)
    return ParsedBody(
        index=index,
        section=section,
        envelope=envelope,
        bodystructure=render_bodystructure(index),
        preview=preview(index, lambda start, end: bytes(data[start:end]), signs=signs),
        thread=ThreadKeys(
            messageid=canonical_message_id(index.envelope.message_id),
            references=tuple(references(header.texts(b"references"), header.text(b"in-reply-to"))),
            subject_base=subject_base,
            is_response=is_response,
            dsn=index.status_part is not None or header.first(FAILED_RECIPIENTS) is not None,
        ),
    )


# Bodies written before the unit that links them

# Until it is linked, a held body has a random hash, so that two of the same content can be written at once.
HOLD: Final = "INSERT INTO body (id, hash, size, refs) VALUES (?, ?, ?, 0)"
INSERT_CHUNK: Final = "INSERT INTO body_chunk (id, enc, digest, data) VALUES (?, ?, ?, ?)"
# A body that a unit has linked has refs 1 by now, and stays.
RELEASE: Final = "DELETE FROM body WHERE id = ? AND refs = 0 RETURNING id"
DROP_CHUNKS: Final = "DELETE FROM body_chunk WHERE id >= ? AND id < ?"

RELEASE_SECONDS: Final = 30.0
"""Seconds allowed for the unit that removes unlinked bodies, also after a cancellation: enough for a slow disk. After
that, the next open removes them.
"""


@asynccontextmanager
async def held_body(account: Account, prepared: PreparedMessage) -> AsyncIterator[PreparedMessage]:
    """As `held_bodies`, for one message."""
    async with held_bodies(account, (prepared,)) as (ready,):
        yield ready


@asynccontextmanager
async def held_bodies(account: Account, messages: Sequence[PreparedMessage]) -> AsyncIterator[list[PreparedMessage]]:
    """Write the bodies of messages to the account's file, for units inside the block; a body that no unit linked is
    removed at the end.

    A body that is in `PreparedMessage.chunks` is not written. A body that the account has already is written all the
    same and dropped at the end: the stored one may be erased before the unit runs. If the stored one is damaged, it is
    mended first. Many short bodies share a unit.

    Raises:
      StorageFull, StorageBroken, StorageBusy: a body could not be written.
    """
    ready = list(messages)
    held: list[BodyID] = []  # of messages without chunks, in the order of `messages`
    try:
        for pieces in _in_units([message for message in messages if message.chunks is None]):
            octets = sum(piece.size for piece in pieces)
            async with _writing.hold(octets):
                encoded = await trio.to_thread.run_sync(_encode_pieces, pieces)
                # A unit that has begun returns its ids to a cancelled caller, too: no body is left without an owner.
                held += await account.write(partial(_write_pieces, pieces=encoded, held=tuple(held)), weight=octets)
        await _mend_stored(account, [message for message in messages if message.chunks is None])
        ids = iter(held)
        yield [one if one.chunks is not None else msgspec.structs.replace(one, held=next(ids)) for one in ready]
    finally:
        # Shielded: a caller that is cancelled, as by a closed connection, would leave its octets until the next open.
        if held:
            with trio.move_on_after(RELEASE_SECONDS, shield=True), suppress(StoreError):
                await account.write(lambda tx: _release_all(tx, held))


async def _mend_stored(account: Account, messages: Sequence[PreparedMessage]) -> None:
    """Rewrite damaged stored bodies that the messages are about to share (STORE-180)."""
    by_digest = {message.digest: message for message in messages}
    damaged = await account.scan(partial(unsound, digests=list(by_digest)), op="sound") if by_digest else {}
    for digest, body_id in damaged.items():
        for pieces in _in_units([by_digest[digest]]):
            for piece, chunks in await trio.to_thread.run_sync(_encode_pieces, pieces):
                seq = piece.start // CHUNK_SIZE
                unit = partial(write_chunks, body_id=body_id, seq=seq, chunks=chunks, digest=digest)
                await account.write(unit, weight=piece.size)
        tell_mended(body_id, str(account.database.path))


class _Piece(msgspec.Struct, frozen=True):
    """At most `LARGE` octets of a body from `start` on."""

    prepared: PreparedMessage
    start: int
    size: int


def _in_units(messages: Iterable[PreparedMessage]) -> Iterator[list[_Piece]]:
    """Cut the bodies into pieces, grouped for units of at most LARGE octets."""
    pieces: list[_Piece] = []
    octets = 0
    for prepared in messages:
        for start in range(0, prepared.body_size, LARGE):
            size = min(LARGE, prepared.body_size - start)
            if pieces and octets + size > LARGE:
                yield pieces
                pieces, octets = [], 0
            pieces.append(_Piece(prepared, start, size))
            octets += size
    if pieces:
        yield pieces


def _encode_pieces(pieces: list[_Piece]) -> list[tuple[_Piece, list[Chunk]]]:
    return [
        (
            piece,
            [
                encode_chunk(piece.prepared.spool.read(offset, CHUNK_SIZE), piece.prepared.compression)
                for offset in range(piece.start, piece.start + piece.size, CHUNK_SIZE)
            ],
        )
        for piece in pieces
    ]


def _write_pieces(tx: Tx, pieces: list[tuple[_Piece, list[Chunk]]], held: tuple[BodyID, ...]) -> list[BodyID]:
    """Write pieces; returns the ids of the new bodies. The first piece may continue the last body of `held`."""
    last = held[-1] if held else BodyID(0)
    new: list[BodyID] = []
    rows: list[tuple[int, int, int, bytes]] = []
    ids = itertools.count(take_body_ids(tx, sum(not piece.start for piece, _ in pieces)))
    for piece, chunks in pieces:
        if not piece.start:
            last = BodyID(next(ids))
            tx.execute(HOLD, last, secrets.token_bytes(32), piece.prepared.body_size)
            new.append(last)
        first = chunk_id(last, piece.start // CHUNK_SIZE)
        rows += [(first + n, chunk.enc, chunk.check, chunk.data) for n, chunk in enumerate(chunks)]
    tx.executemany(INSERT_CHUNK, rows)
    return new


def _release_all(tx: Tx, held: Iterable[BodyID]) -> None:
    for body_id in held:
        release_body(tx, body_id)


def release_body(tx: Tx, body_id: BodyID) -> None:
    """Remove a held body that nothing uses."""
    if tx.row(RELEASE, body_id) is not None:
        tx.execute(DROP_CHUNKS, chunk_id(body_id, 0), chunk_id(body_id + 1, 0))
