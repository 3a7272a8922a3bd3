"""HTML of messages that are written (WEBMAIL-135): what the user wrote, and the original below it.

The sandbox sanitises both and makes the text. The original is an upload of its own (`Kept`): browsers pass its id on,
and neither show nor change it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from moxlite.compose.draft import MAX_FILES, Draft, html_page, typed_html
from moxlite.decoders import msgpack_decoder
from moxlite.processor import off_loop
from moxlite.sandbox.jobs import WriteHTML
from moxlite.sandbox.messages import Refused
from moxlite.sandbox.processes import JobFailed
from moxlite.store.content.uploads import NoSuchUpload, upload_of, upload_pieces
from moxlite.web.composing.types import UploadID
from moxlite.web.composing.uploads import key_of, receive_upload, shown_upload
from moxlite.web.errors import Unavailable, UserError
from moxlite.wording import worded

if TYPE_CHECKING:
    from moxlite.sandbox.processes import Sandbox
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader
    from moxlite.web.composing.types import Written

MAX_KEPT: Final = 8 << 20
"""Characters of an original's HTML after it was sanitised: its style sheets and marks of images make it longer."""

MAX_KEPT_TEXT: Final = 4 << 20

KEPT_TYPE: Final = "application/vnd.moxlite.original"
"""Media type of the upload that holds an original."""


class Kept(msgspec.Struct, frozen=True):
    """The original below a message that is written.

    Attributes:
      text: it as plain text, with the line above it. html: sanitised; it refers to `pictures` by their content ids.
      pictures: ids of their uploads.
    """

    text: Annotated[str, msgspec.Meta(max_length=MAX_KEPT_TEXT)]
    html: Annotated[str, msgspec.Meta(max_length=MAX_KEPT)]
    pictures: Annotated[tuple[UploadID, ...], msgspec.Meta(max_length=MAX_FILES)] = ()


_kept: Final = msgpack_decoder(Kept)


class Words(msgspec.Struct, frozen=True):
    """The words of a message that is written.

    Attributes:
      html: what the user wrote, sanitised; "" for plain text. text: it as text.
      pictures: uploads that the HTML shows. original: id of the upload of `Kept`, "" without one.
    """

    text: str
    html: str = ""
    pictures: tuple[str, ...] = ()
    original: str = ""


def content_id(upload_id: str) -> str:
    """The Content-ID of an uploaded picture in HTML, without its brackets; 128 random bits make it unique."""
    return f"{upload_id}@moxlite.invalid"


def new_marker() -> str:
    """Characters that no HTML can contain by chance."""
    return f"data:moxlite-{secrets.token_hex(12)},"


async def placed(html: bytes, marker: str, upload_ids: Sequence[str]) -> str:
    """The HTML of a job with ``cid:`` addresses of uploads instead of its marks; a mark without an upload is empty."""
    # Each of some thousand marks costs 3 µs, and megabytes must be decoded.
    return await off_loop(partial(_placed, html, marker, upload_ids), kind="compose")


def _placed(html: bytes, marker: str, upload_ids: Sequence[str]) -> str:
    def address(match: re.Match[str]) -> str:
        number = int(match[1])
        found = upload_ids[number] if number < len(upload_ids) else ""
        return f"cid:{content_id(found)}" if found else ""

    return re.sub(re.escape(marker) + r"([0-9]{1,4});", address, html.decode("utf-8", "replace"))


async def words_of(sandbox: Sandbox, account: str, written: Written) -> Words:
    """The words of a message, its HTML sanitised by the sandbox.

    Raises:
      UserError: the HTML is too complex. Unavailable: the sandbox has no room, or failed.
    """
    if not written.html:
        return Words(written.text, original=written.original)
    marker = new_marker()
    ids = tuple(written.uploads)
    try:
        async with sandbox.turn(account) as turn:
            found = await turn.do(WriteHTML(written.html, tuple(map(content_id, ids)), marker))
    except Refused as e:
        raise UserError(worded("html: {reason}", reason=e)) from e
    except JobFailed as e:
        raise Unavailable(worded("the text cannot be prepared now: {reason}", reason=e)) from e
    shown = tuple(ids[number] for number in found.pictures if number < len(ids))
    return Words(found.text, await placed(found.html, marker, ids), shown, written.original)


async def keep(account: Account, kept: Kept) -> str:
    """Store an original as an upload; returns its id. Raises StoreError."""
    data = msgspec.msgpack.encode(kept)

    async def octets() -> AsyncIterator[bytes]:
        yield data

    return shown_upload(await receive_upload(account, "original", KEPT_TYPE, octets())).upload_id


def with_words(r: Reader, draft: Draft, words: Words) -> tuple[Draft, tuple[str, ...]]:
    """The draft with its text and HTML, and the ids of the uploads that this HTML shows. For `account.scan`.

    Raises NoSuchUpload: the original, or what was uploaded as one, cannot be read.
    """
    kept = _read(r, words.original) if words.original else None
    if kept is None:
        html = html_page(words.html, "") if words.html else ""
        return msgspec.structs.replace(draft, text=words.text, html=html), words.pictures
    text = "\n\n".join(one for one in (words.text.rstrip(), kept.text) if one)
    html = html_page(words.html or typed_html(words.text), kept.html)
    return msgspec.structs.replace(draft, text=text, html=html), (*words.pictures, *kept.pictures)


def used_by(r: Reader, written: Written) -> tuple[str, ...]:
    """Ids of all uploads of a message: its files, its original, and the pictures of that. Raises NoSuchUpload."""
    if not written.original:
        return tuple(written.uploads)
    return (*written.uploads, written.original, *_read(r, written.original).pictures)


def _read(r: Reader, upload_id: str) -> Kept:
    upload = upload_of(r, key_of(upload_id))
    if upload.media_type != KEPT_TYPE or upload.size > 2 * (MAX_KEPT + MAX_KEPT_TEXT):
        raise NoSuchUpload
    try:
        return _kept.decode(b"".join(upload_pieces(r, upload)))
    except msgspec.DecodeError:
        raise NoSuchUpload from None
