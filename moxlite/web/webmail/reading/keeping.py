"""HTML that goes into a message that is written (WEBMAIL-135): of the original that is answered or forwarded, which is
kept as it is, and of a draft that is edited again.

The sandbox reads it. Without room for it, or where it is too complex, an answer has the original's text alone.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.sandbox.jobs import ReadDraft, WriteHTML
from moxlite.sandbox.messages import Refused
from moxlite.sandbox.processes import JobFailed
from moxlite.store.content import body
from moxlite.store.errors import LimitExceeded
from moxlite.web.composing.drafts import QuotedOriginal, keep, new_marker, with_upload_links
from moxlite.web.composing.uploads import receive_upload, shown_upload
from moxlite.web.errors import Unavailable
from moxlite.web.webmail.items import bodies
from moxlite.web.webmail.reading.drawing import nearest_images, page_html
from moxlite.wording import worded

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from moxlite.proto.mime import types as mime
    from moxlite.sandbox.processes import Sandbox
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader
    from moxlite.web.webmail.holders import Holder

MAX_HTML: Final = 2 << 20
"""Octets of an original's HTML that is kept: more than nearly all newsletters have. Each saved draft has it anew."""

MAX_OWN: Final = 400_000
"""Characters of HTML that a browser is given to edit; a call may have 1 MiB (WEB-20)."""

MAX_PICTURES: Final = 100
MAX_OCTETS: Final = 10 << 20
"""Number and octets of the pictures that are kept of an original: as many as its page shows (WEBMAIL-54)."""


class Keeping(msgspec.Struct, frozen=True, eq=False):
    """A message whose HTML is used in another one.

    Attributes:
      holder, shown, root: its account, its id for the browser, and its parts.
      home: the account that writes. reader: its name, for the turns of the sandbox.
    """

    holder: Holder
    shown: int
    root: mime.Part
    home: Account
    reader: str
    sandbox: Sandbox


class DraftHTML(msgspec.Struct, frozen=True):
    """The HTML of a draft.

    Attributes:
      own: what was written, "" for plain text. typed: what was typed as plain text, None where it was HTML, or where
        there is no HTML. original: upload of the original below, "" without one. inside: the pictures of both.
    """

    own: str = ""
    typed: str | None = None
    original: str = ""
    inside: tuple[mime.Part, ...] = ()


async def keep_original(
    keeping: Keeping, text: str, head: str, *, forwarded: bool
) -> tuple[str, Collection[mime.Part]]:
    """Store the HTML of a message with its pictures for an answer; returns the id of the upload, "" where the message
    has none that can be kept, and the pictures.

    Args:
      text: the original as text, with `head`. head: lines above it.
      forwarded: the addresses of remote pictures are kept; an answer leaves them out.
    """
    html = await _html_of(keeping)
    if html is None:
        return "", ()
    images, marker = _images(keeping), new_marker()
    try:
        async with keeping.sandbox.turn(keeping.reader) as turn:
            job = WriteHTML(html, tuple(images), marker, whole=True, external=forwarded)
            found = await turn.do(job)
        parts = list(images.values())
        ids = await _carry(keeping, parts, found.pictures)
        clean = await with_upload_links(found.html, marker, ids)
        lines = "<br>".join(escape(line, quote=False) for line in head.split("\n"))
        style = "margin: 0 0 0 0.8ex; border-left: 2px solid #ccc; padding-left: 1ex"
        below = clean if forwarded else f'<blockquote type="cite" style="{style}">{clean}</blockquote>'
        kept = QuotedOriginal(
            text.strip("\n"), f'<div dir="auto">{lines}<br></div>\n{below}', tuple(one for one in ids if one)
        )
        return await keep(keeping.home, kept), _carried(parts, ids)
    except (Refused, JobFailed, LimitExceeded):
        return "", ()


async def draft_html(keeping: Keeping) -> DraftHTML:
    """The HTML of a draft, with its pictures as uploads. Raises Unavailable."""
    html = await _html_of(keeping)
    if html is None:
        return DraftHTML()
    images, marker = _images(keeping), new_marker()
    parts = list(images.values())
    try:
        async with keeping.sandbox.turn(keeping.reader) as turn:
            found = await turn.do(ReadDraft(html, tuple(images), marker))
    except (Refused, JobFailed) as e:
        raise Unavailable(worded("can't open this message's text for editing: {reason}", reason=e)) from e
    ids = await _carry(keeping, parts, found.pictures)
    own, inside = await with_upload_links(found.own, marker, ids), _carried(parts, ids)
    if len(own) > MAX_OWN:
        own, inside = "", []  # its text is edited instead
    original = ""
    if found.kept:
        ids = await _carry(keeping, parts, found.kept_pictures)
        kept = QuotedOriginal(
            found.kept_text, await with_upload_links(found.kept, marker, ids), tuple(one for one in ids if one)
        )
        original = await keep(keeping.home, kept)
        inside += _carried(parts, ids)
    return DraftHTML(own, found.typed, original, tuple(inside))


def _carried(parts: Sequence[mime.Part], ids: Sequence[str]) -> list[mime.Part]:
    """The pictures that have uploads."""
    return [part for part, upload in zip(parts, ids, strict=True) if upload]


async def _html_of(keeping: Keeping) -> str | None:
    """The HTML body of the message; None without one, or where it is too large."""
    parts = [leaf.part for leaf in bodies(keeping.root).html]
    if not parts or sum(part.decoded for part in parts) > MAX_HTML:
        return None
    local = keeping.holder.local_id(keeping.shown)

    def read(r: Reader) -> str:
        content = body.locate(r, local)
        return page_html(parts, lambda start, stop: body.read_content(r, content, start, stop - start), MAX_HTML)

    found = await keeping.holder.account.scan(read, op="webmail_keep")
    return found if found.strip() else None


def _images(keeping: Keeping) -> dict[str, mime.Part]:
    parts = [leaf.part for leaf in bodies(keeping.root).html]
    return dict(list(nearest_images(keeping.root, parts).items())[:MAX_PICTURES])


async def _carry(keeping: Keeping, images: Sequence[mime.Part], used: Sequence[int]) -> list[str]:
    """Copy the pictures that are used to uploads; returns the upload's id for each picture, "" for one left out."""
    ids = [""] * len(images)
    room = MAX_OCTETS
    local = keeping.holder.local_id(keeping.shown)
    for number in used:
        if number >= len(images) or ids[number] or images[number].decoded > room:
            continue
        part = images[number]
        room -= part.decoded
        pieces = body.stream_part(keeping.holder.account, local, part)
        name = part.filename or f"picture.{part.subtype.lower()}"
        ids[number] = shown_upload(await receive_upload(keeping.home, name, part.media_type, pieces)).upload_id
    return ids
