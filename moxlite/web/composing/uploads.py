"""Uploading files for a message that is being written (WEBMAIL-28)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, Final

import trio

from moxlite.store.content.uploads import (
    PIECE_SIZE,
    NoSuchUpload,
    Upload,
    add_piece,
    begin_upload,
    drop_upload,
    finish_upload,
)
from moxlite.web.composing.types import Uploaded

if TYPE_CHECKING:
    from moxlite.store.changelog.account import Account

OCTETS: Final = "application/octet-stream"
MESSAGE: Final = "message/rfc822"

MAX_NAME: Final = 255
"""Maximum characters of a file's name."""

CLEANUP: Final = 30.0
"""Seconds to remove the octets of an unfinished upload. If that fails, they are removed a day later."""

_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9.+_-]{0,63}/[a-z0-9][a-z0-9.+_-]{0,127}")


async def receive_upload(
    account: Account, filename: str, media_type: str, octets: AsyncIterable[bytes], *, message: bool = False
) -> Upload:
    """Store an uploaded file. If the octets end with an error, nothing is kept.

    Args:
      filename: control characters and path separators in it are replaced.
      media_type: as the client gives it. A type that a part cannot have becomes application/octet-stream.
      message: the octets are a whole message, attached as such if its lines allow.

    Raises:
      LimitExceeded, StorageFull, …: the file cannot be stored.
    """
    name = "".join("_" if char in "/\\" or not char.isprintable() else char for char in filename)[:MAX_NAME]
    key = await account.write(lambda tx: begin_upload(tx, name or "file", MESSAGE if message else _clean(media_type)))
    done = False
    try:
        number, rest = 0, bytearray()
        async for data in octets:
            rest += data
            while len(rest) >= PIECE_SIZE:
                await _add(account, key, number, bytes(rest[:PIECE_SIZE]))
                del rest[:PIECE_SIZE]
                number += 1
        if rest:
            await _add(account, key, number, bytes(rest))
        upload = await account.write(lambda tx: finish_upload(tx, key))
        done = True
        return upload
    finally:
        if not done:
            with trio.move_on_after(CLEANUP, shield=True):
                await account.write(lambda tx: drop_upload(tx, key))


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


def key_of(upload_id: str) -> bytes:
    """The key of an upload. Raises NoSuchUpload if the id is not valid."""
    try:
        return base64.urlsafe_b64decode(upload_id + "==")
    except (binascii.Error, ValueError):
        raise NoSuchUpload from None


def shown_upload(upload: Upload) -> Uploaded:
    """The upload in the form that browsers get."""
    upload_id = base64.urlsafe_b64encode(upload.key).rstrip(b"=").decode()
    return Uploaded(upload_id, upload.filename, upload.media_type, upload.size)
