"""Uploaded pictures, as the editor shows them in a message that is written (WEBMAIL-135)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from moxlite.store.content.uploads import NoSuchUpload, Upload, upload_of, upload_piece
from moxlite.web.composing.uploads import key_of
from moxlite.web.http.errors import HTTPError

if TYPE_CHECKING:
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader
    from moxlite.web.http.exchange import ResponseWriter

TYPES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"})
"""Types of pictures that run no scripts, unlike SVG."""

HEADERS: Final = (
    ("x-frame-options", "deny"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("content-security-policy", "default-src 'none'; sandbox; frame-ancestors 'none'"),
    ("cache-control", "private, max-age=86400, immutable"),
)


async def serve_picture(account: Account, upload_id: str, writer: ResponseWriter) -> None:
    """Answer ``upload/ID`` with the picture, a piece at a time. Raises HTTPError 404 where it is no picture."""

    def find(r: Reader) -> Upload:
        return upload_of(r, key_of(upload_id))

    try:
        upload = await account.read(find, op="webmail_picture")
    except NoSuchUpload:
        raise HTTPError(404, "There is no such picture.") from None
    if upload.media_type not in TYPES:
        raise HTTPError(404, "There is no such picture.")
    await writer.start(200, (("content-type", upload.media_type), ("content-length", str(upload.size)), *HEADERS))
    number, left = 0, upload.size
    while left > 0:
        data = await account.scan(partial(_piece, upload, number), op="webmail_picture")
        number, left = number + 1, left - len(data)
        await writer.write(data)
    await writer.finish()


def _piece(upload: Upload, number: int, r: Reader) -> bytes:
    return upload_piece(r, upload, number)
