"""Reading the message that is answered, forwarded or edited again, for the initial content of the composer
(WEBMAIL-90..92).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import aclosing
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from moxlite.compose.reply import Kind, Original, PlainText, Quotable, quotable
from moxlite.proto.mdn import requesters
from moxlite.proto.mime import headers, types as mime
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.text import part_text
from moxlite.store.content import body
from moxlite.store.content.spoolheader import HeaderTooLarge
from moxlite.web.composing.answering import delivered_to
from moxlite.web.composing.drafts import DELIVERED, PROTECTED, WISH
from moxlite.web.composing.uploads import OCTETS, for_others, receive_upload, shown_upload
from moxlite.web.errors import UserError
from moxlite.web.webmail.items import attachments, bodies, clean_filename
from moxlite.web.webmail.reading.drawing import page_html
from moxlite.web.webmail.reading.parsed import list_post, sent_by, structure_of
from moxlite.web.webmail.reading.parts import walk_parts
from moxlite.web.webmail.types import Attachment

if TYPE_CHECKING:
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader
    from moxlite.web.composing.uploads import Uploaded
    from moxlite.web.webmail.holders import Holder

MAX_TEXT: Final = 2 << 20  # octets that are read of a text to quote: more than is quoted (`compose.reply`)
MAX_ALL_TEXTS: Final = 4 << 20  # of all texts of a message
MAX_HEADER: Final = 256 << 10  # octets of the header section, as an opened message shows
MAX_WHOLE_HEADER: Final = headers.MAX_HEADER + 2  # of a message that is attached whole, with the empty line
MAX_FIELDS: Final = 1000  # likewise
MAX_FILES: Final = 200  # `compose.draft` accepts no more


class Read(msgspec.Struct, frozen=True):
    """The parts of a message that an answer needs; its text is not processed yet."""

    original: Original
    words: Quotable
    structure: mime.Structure


async def read_original(
    holder: Holder,
    shown: int,
    when: str,
    kind: Kind | Literal["forward", "forward_attached", "edit"],
    selected: str = "",
) -> Read:
    """Read a message to be answered. `when` is its date in the reader's words; `selected` is quoted instead of the
    whole text. Raises NoSuchMessage, ChunkDamaged.
    """
    message_id = holder.local_id(shown)

    def read(r: Reader) -> Read:
        holder.check_message(r, message_id)
        structure = structure_of(r, message_id)
        content = body.locate(r, message_id)
        root = structure.root

        def octets(start: int, stop: int) -> bytes:
            return body.read_content(r, content, start, stop - start)

        section = HeaderSection(octets(0, min(root.body, MAX_HEADER)), MAX_FIELDS, hint=root.hint)

        wishes = (section.text(WISH.lower().encode()) or b"").decode("ascii", "replace").split()
        unprotected = (section.text(b"tls-required") or b"").strip().lower() == b"no"
        original = Original(
            envelope=structure.envelope,
            references=" ".join(text.decode("ascii", "replace") for text in section.texts(b"references")),
            list_post=list_post(section.decoded(b"list-post")),
            delivered_to=delivered_to(section),
            when=when,
            receipts_to=requesters(section),
            ask_delivered=DELIVERED in wishes,
            tls="require" if PROTECTED in wishes else "insecure" if unprotected else "default",
            sent_by=sent_by(r, holder, message_id),
        )
        words = quotable(original, kind)
        if kind == "forward_attached" or selected:
            return Read(original, msgspec.structs.replace(words, selected=selected), structure)
        texts, html = _texts(root, octets)
        return Read(original, msgspec.structs.replace(words, texts=texts, html=html), structure)

    return await holder.account.scan(read, op="webmail_original")


def _texts(root: mime.Part, octets: Callable[[int, int], bytes]) -> tuple[tuple[PlainText, ...], str]:
    """The plain texts; the HTML if they are all blank, or not all that there is to read."""
    shown = bodies(root)
    texts: list[PlainText] = []
    left = MAX_ALL_TEXTS
    for part in [leaf.part for leaf in shown.text if leaf.part.media_type == "text/plain"]:
        if not left:
            break
        flowed = part.parameter("format").lower() == "flowed"
        delsp = part.parameter("delsp").lower() == "yes"
        text = part_text(part, octets, min(left, MAX_TEXT)).encode("utf-8", "replace").decode()  # no lone surrogates
        texts.append(PlainText(text, flowed, delsp))
        left -= min(left, part.decoded)
    complete = all(leaf.part.subtype != "HTML" for leaf in shown.text)
    if complete and any(not text.text.isspace() for text in texts if text.text):
        return tuple(texts), ""
    return (), page_html([leaf.part for leaf in shown.html], octets, MAX_TEXT)


async def carry_files(
    holder: Holder, shown: int, root: mime.Part, home: Account, inside: Collection[mime.Part]
) -> list[Uploaded]:
    """Copy the files of a message, and its texts that are not quoted, to uploads of the account `home`, to attach them
    to another message; pictures `inside` its HTML are carried with that.
    """
    message_id = holder.local_id(shown)
    files: list[Uploaded] = []
    parts = dict(walk_parts(root))
    reports = [
        Attachment(leaf.path, clean_filename(leaf.part, leaf.path), leaf.part.media_type, leaf.part.decoded)
        for leaf in bodies(root).text
        if leaf.part.media_type not in ("text/plain", "text/html")
    ]
    for file in [*reports, *attachments(root)][:MAX_FILES]:
        part = parts[file.path]
        if any(part is picture for picture in inside):
            continue
        whole = part.message is not None
        pieces = body.stream_part(holder.account, message_id, part)
        media_type = OCTETS if whole else part.media_type
        upload = await receive_upload(home, file.filename or "file", media_type, pieces, message=False)
        files.append(shown_upload(upload))
    return files


async def carry_message(holder: Holder, shown: int, subject: str, home: Account) -> Uploaded:
    """Copy a whole message, as others may read it, to an upload of the account `home`. Raises UserError."""
    account, message_id = holder.account, holder.local_id(shown)

    def read(r: Reader) -> tuple[bytes, int]:
        return for_others(body.read_content(r, body.locate(r, message_id), 0, MAX_WHOLE_HEADER))

    try:
        header, start = await account.scan(read, op="webmail_item")
    except HeaderTooLarge as error:
        raise UserError("the message header is too long") from error

    async def octets() -> AsyncIterator[bytes]:
        yield header
        async with aclosing(body.stream_message(account, message_id, start)) as pieces:
            async for piece in pieces:
                yield piece

    sound = await _has_sound_lines(account, message_id)
    name = f"{subject[:100].strip() or 'message'}.eml"
    return shown_upload(await receive_upload(home, name, OCTETS, octets(), message=sound))


async def _has_sound_lines(account: Account, message_id: int) -> bool:
    """Whether all lines end in CRLF: a message that is attached as such is never encoded (RFC 2046 §5.2.1)."""
    last = b""
    async with aclosing(body.stream_message(account, message_id)) as pieces:
        async for piece in pieces:
            data = last + piece
            ends = data.count(b"\r\n")
            if data.count(b"\n") != ends or data.count(b"\r") - data.endswith(b"\r") != ends or b"\0" in data:
                return False
            last = data[-1:] if data.endswith(b"\r") else b""
    return not last
