"""What a browser sends while a message is written: its fields as types, and uploaded files (WEBMAIL-28)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
import trio
from msgspec import Meta

from moxlite.compose.reply import TLSWish
from moxlite.normal import visible
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.transport import BLIND
from moxlite.store.content.spoolheader import HeaderTooLarge
from moxlite.store.content.uploads import (
    PIECE_SIZE,
    NoSuchUpload,
    Upload,
    UploadOvertaken,
    add_piece,
    begin_upload,
    continue_upload,
    drop_upload,
    finish_upload,
)

if TYPE_CHECKING:
    from moxlite.store.changelog.account import Account


# Types of a message that is being written, as the webmail and the web API send it.


AnyID = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Line = Annotated[str, Meta(max_length=10_000)]
UploadID = Annotated[str, Meta(min_length=22, max_length=22)]


class Party(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A name, which may be empty, and an address as it was typed."""

    name: Line
    address: Line


Parties = Annotated[list[Party], Meta(max_length=1000)]


class Uploaded(msgspec.Struct, frozen=True):
    """An uploaded file; ``size`` in octets."""

    upload_id: str
    filename: str
    content_type: str
    size: int


class Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message as typed.

    ``message_id``, ``in_reply_to`` and ``references`` are the values from `compose_prepare`. ``uploads`` are the files
    in their order, those that ``html`` shows among them. ``original_id`` is the message that is answered or forwarded,
    by ``original_flag``; 0 for none.

    ``ask_read``: ask for a receipt of reading (RFC 8098); ``ask_delivered``: for notices of delivery to each recipient
    (RFC 3461).

    ``html``: the text as HTML; ``text`` is made of it then. It refers to uploaded pictures by ``cid:`` and their
    content id. ``original``: the id from `compose_prepare` for the HTML of the original, which goes below the text.
    """

    from_: Party = msgspec.field(name="from")
    to: Parties
    cc: Parties
    bcc: Parties
    reply_to: Parties
    subject: Annotated[str, Meta(max_length=10_000)]
    text: str
    uploads: Annotated[list[UploadID], Meta(max_length=200)]
    message_id: Line
    in_reply_to: Line
    references: Annotated[list[Line], Meta(max_length=1000)]
    html: str = ""
    original: Annotated[str, Meta(pattern=r"^([A-Za-z0-9_-]{22})?$")] = ""
    tls: TLSWish = "default"
    original_id: AnyID = 0
    original_flag: Literal["", "answered", "forwarded"] = ""
    ask_read: bool = False
    ask_delivered: bool = False


OCTETS: Final = "application/octet-stream"
MESSAGE: Final = "message/rfc822"

MAX_NAME: Final = 255
"""Maximum characters of a file's name."""

OWN_PREFIX: Final = b"x-moxlite-"

CLEANUP: Final = 30.0
"""Seconds to remove the octets of an unfinished upload. If that fails, they are removed a day later."""

_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9.+_-]{0,63}/[a-z0-9][a-z0-9.+_-]{0,127}")


async def receive_upload(
    account: Account, filename: str, media_type: str, octets: AsyncIterable[bytes], *, message: bool = False
) -> Upload:
    """Store an uploaded file. If the octets end with an error, nothing is kept.

    Args:
      filename: control characters and path separators in it are replaced. "" for a blob of JMAP, which may take the
        place of older ones.
      media_type: as the client gives it. A type that a part cannot have becomes application/octet-stream.
      message: the octets are a whole message, attached as such if its lines allow.

    Raises:
      LimitExceeded, StorageFull, …: the file cannot be stored.
    """
    name, kind = _name(filename) if filename else "", MESSAGE if message else _clean(media_type)
    # Begun before an octet is read: a full quota or disk refuses the file at once, not after a hundred megabytes.
    key = await account.write(lambda tx: begin_upload(tx, name, kind))
    done = False
    try:
        number, rest = await _add_pieces(account, key, 0, octets)
        if rest:
            await _add(account, key, number, rest)
        upload = await account.write(lambda tx: finish_upload(tx, key))
        done = True
        return upload
    finally:
        if not done:
            # Shielded: the usual reason is a client that has gone, by which this task is cancelled.
            with trio.move_on_after(CLEANUP, shield=True):
                await account.write(lambda tx: drop_upload(tx, key))


class Piece(msgspec.Struct, frozen=True):
    """A part of a file that a browser sends in several requests. `start` and `size` of the file are in octets."""

    key: UploadID
    start: Annotated[int, Meta(ge=0)]
    size: Annotated[int, Meta(ge=0)]


async def receive_piece(
    account: Account, piece: Piece, filename: str, media_type: str, octets: AsyncIterable[bytes]
) -> Upload | int:
    """Store octets of a file that its sender has given a random key, as for `receive_upload`. What is stored when the
    octets end with an error is kept, in whole pieces of `PIECE_SIZE`.

    Returns:
      The upload if it is complete, else the number of octets that are stored, from which the sender goes on.
    """
    key, name, kind = key_of(piece.key), _name(filename), _clean(media_type)
    stored = (await account.write(lambda tx: continue_upload(tx, key, name, kind))).size
    if stored == piece.start < piece.size:
        try:
            number, rest = await _add_pieces(account, key, stored // PIECE_SIZE, octets)
            stored = number * PIECE_SIZE
            if rest and stored + len(rest) == piece.size:
                await _add(account, key, number, rest)
                stored = piece.size
        except UploadOvertaken:
            stored = (await account.write(lambda tx: continue_upload(tx, key, name, kind))).size
    return await account.write(lambda tx: finish_upload(tx, key)) if stored == piece.size else stored


def _name(filename: str) -> str:
    name = visible(filename.replace("/", "_").replace("\\", "_"), "_")[:MAX_NAME]
    return name or "file"


async def _add_pieces(account: Account, key: bytes, number: int, octets: AsyncIterable[bytes]) -> tuple[int, bytes]:
    """Store the whole pieces of these octets, the first as this number; the next number, and the octets of the rest."""
    rest = bytearray()
    async for data in octets:
        rest += data
        # Pieces of one size, whatever the network brings: they are read by number later. Each is a unit of its own, so
        # that other writers get their turn, and memory holds one.
        while len(rest) >= PIECE_SIZE:
            await _add(account, key, number, bytes(rest[:PIECE_SIZE]))
            del rest[:PIECE_SIZE]
            number += 1
    return number, bytes(rest)


async def _add(account: Account, key: bytes, number: int, data: bytes) -> None:
    await account.write(lambda tx: add_piece(tx, key, number, data), weight=len(data))


def _clean(media_type: str) -> str:
    """A media type that fits any content, else application/octet-stream: for messages and multiparts the content must
    fit (RFC 2046 §5).
    """
    found = media_type.partition(";")[0].strip().lower()
    if not _TYPE.fullmatch(found) or found.startswith(("message/", "multipart/")):
        return OCTETS
    return found


def for_others(octets: bytes) -> tuple[bytes, int]:
    """The header section of a message that is attached to another one as its readers may have it, and the length of the
    section in whose place it goes: without blind copies (RFC 5322 §5), and without what this server tells the owner of
    the message. Raises HeaderTooLarge.
    """
    section = HeaderSection(octets)
    if not section.complete:
        raise HeaderTooLarge("header section too large")
    own = [name for name in section.names if name.startswith(OWN_PREFIX)]
    return section.without(section.all(*BLIND, *own)), len(section.octets)


def key_of(upload_id: str) -> bytes:
    """The key of an upload. Raises NoSuchUpload if the id is not valid."""
    try:
        # No further check: the row is looked up by this key in the account of the session alone.
        return base64.urlsafe_b64decode(upload_id + "==")
    except (binascii.Error, ValueError):
        raise NoSuchUpload from None


def shown_upload(upload: Upload) -> Uploaded:
    """The upload in the form that browsers get."""
    upload_id = base64.urlsafe_b64encode(upload.key).rstrip(b"=").decode()
    return Uploaded(upload_id, upload.filename, upload.media_type, upload.size)
