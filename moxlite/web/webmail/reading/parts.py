"""Messages and their parts over HTTP, each with a Content-Security-Policy against hostile content (WEBMAIL-49..54)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Container, Iterable, Iterator
from contextlib import aclosing
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.processor import off_loop
from moxlite.proto.mime import types as mime
from moxlite.proto.mime.charset import UNDECLARED, codec_name, guess_charset
from moxlite.sandbox.jobs import GREY_PIXEL, Scheme
from moxlite.sandbox.processes import Sandbox
from moxlite.store.content import body
from moxlite.store.errors import ChunkDamaged, NoSuchMessage
from moxlite.store.exports.containers import ZipWriter
from moxlite.store.rows import messages as message_rows
from moxlite.web.headers import disposition
from moxlite.web.http.errors import HTTPError
from moxlite.web.webmail.items import attachments, bodies, clean_filename, time_of
from moxlite.web.webmail.reading.drawing import (
    HTMLUnavailable,
    Page,
    Source,
    draw,
    facts,
    head,
    notices,
    replacement,
    shown_text,
    title_of,
    with_images,
)
from moxlite.web.webmail.reading.parsed import answered_letters, fixed_width, read_texts, structure_of
from moxlite.web.webmail.reading.views import Views
from moxlite.wording import ReaderLanguage

if TYPE_CHECKING:
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader
    from moxlite.web.http.exchange import ResponseWriter
    from moxlite.web.webmail.holders import Holder


POLICY: Final = "frame-ancestors 'self'; default-src 'none'; base-uri 'none'; form-action 'none'"
SANDBOX: Final = "sandbox allow-popups allow-popups-to-escape-sandbox"
# The origin of the app, still without scripts: the app around the frame handles its keys (docs/decisions/009).
SHARED_SANDBOX: Final = f"{SANDBOX} allow-same-origin"
# The same, and the app's page may open the browser's dialog for printing it.
PRINT_SANDBOX: Final = f"{SHARED_SANDBOX} allow-modals"
MAX_TOGETHER: Final = 200
"""Messages of a conversation on one page."""
GUESSED: Final = 1 << 18
"""Octets of a text part that tell its charset where it declares none."""
CLOSED: Final = f"{POLICY}; {SANDBOX}; img-src data:; style-src 'unsafe-inline'"
OPEN: Final = (
    f"{POLICY}; {SANDBOX}; img-src data: http: https:; font-src data: http: https:; "
    "style-src 'unsafe-inline' data: http: https:; media-src 'unsafe-inline' data: http: https:"
)
# Chromium shows no PDF in a sandbox; its viewer runs no code in our origin
VIEWER: Final = f"{POLICY}; img-src data:; style-src 'unsafe-inline'"
HEADERS: Final = (
    ("x-frame-options", "sameorigin"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
)
# pictures in a folded quote would be loaded when it is opened, and tell that; important rules of a layer come first;
# 50 quotes within others would leave no room for words: from the ninth on all have one edge; where a background is left
# out, words are black or white (`sheets.INK`), also those that have their colour from an attribute or from the browser
BEGIN: Final = """<!doctype html>
<html><head><meta charset="utf-8"><title>{title}</title>{facts}
<style>
:root {{ color-scheme: {scheme}; }}
body {{ margin: 0; background: {paper}; color: {ink}; overflow-wrap: break-word; }}
body {{ font: 15px/1.5 system-ui, "Segoe UI", "Noto Sans", sans-serif; }}
.body {{ padding: 18px 26px; box-sizing: border-box; }}
.blocked {{ padding: 7px 26px; background: #fdecd2; font-size: 13px; }}
img {{ max-width: 100%; }}
img:not([width="1"], [height="1"]) {{ background: {plate}; }}
table {{ max-width: 100%; }}
blockquote {{ margin: 0 0 0 2px; padding-left: 14px; border-left: 2px solid #8795a066; }}
@layer quote {{
  blockquote blockquote blockquote blockquote blockquote blockquote blockquote blockquote blockquote
  {{ margin-inline: 0 !important; padding-inline: 0 !important; border-inline: 0 !important; }}
}}
.moxlite-quote > summary {{ width: max-content; margin: 8px 0; padding: 2px 10px; border-radius: 12px; }}
.moxlite-quote > summary {{ background: #8795a033; color: inherit; font: 13px/20px system-ui, sans-serif; }}
.moxlite-quote > summary {{ list-style: none; cursor: pointer; }}
@layer quote {{ .moxlite-quote * {{ background-image: none !important; }} }}
@media print {{ .moxlite-quote::details-content {{ content-visibility: visible; }} }}
@media print {{ .moxlite-quote > summary {{ display: none; }} }}
pre {{ white-space: pre-wrap; }}
[background$="GREY"] {{ background-image: none; }}
[background$="GREY"]:not([bgcolor]) {{ background-color: #757575; color: var(--ink, #000); }}
[background$="GREY"]:not([bgcolor]) {{ --dark-ink: #000; --light-ink: #fff; }}
[bgcolor] {{ --dark-ink: initial; --light-ink: initial; }}
:where(a:link) {{ color: var(--dark-ink, LinkText); }}
:where(a:visited) {{ color: var(--dark-ink, VisitedText); }}
:where([color]) {{ color: var(--dark-ink, revert-layer); }}
.head {{ padding: 18px 26px 10px; border-bottom: 1px solid #8795a066; }}
.head h1 {{ margin: 0 0 8px; font-size: 20px; unicode-bidi: isolate; }}
.head dl {{ display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 2px 14px; margin: 0;
  font-size: 13.5px; }}
.head dt {{ color: #5a6675; }}
.head dd {{ margin: 0; white-space: pre-wrap; }}
pre.body {{ margin: 0; font: inherit; min-height: 0; }}
pre.fixed {{ font: 13px/1.55 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }}
</style></head>
<body>""".replace("GREY", GREY_PIXEL.rpartition(",")[2])
LIGHT: Final = ("light", "#ffffff", "#1a2329", "transparent")
"""Scheme, and the colours of paper, of ink, and behind pictures."""

SHEET: Final = ("light", "#ffffff", "#000000", "transparent")
"""The same for HTML with its own colours, which were chosen for black words. Also in a dark window: inverted colours
could hide text, and break pictures. The app draws it on a sheet there that is darker than white."""

DARK: Final = ("dark", "#141a1e", "#e4eaed", "transparent")
PLATED: Final = (*DARK[:3], "#f4f3f0")
"""The same with a light plate behind pictures: a logo that is black on nothing would not be seen."""

END: Final = b"</body></html>\n"
TEXT_BEGIN: Final = '<pre class="body{fixed}" dir="auto">'
TEXT_END: Final = b"</pre>"
PIECE: Final = 16 * 1024
"""Characters of a text that are escaped at once: 1 ms at most."""


def colours_of(scheme: Scheme, *, coloured: bool, own: bool) -> tuple[str, str, str, str]:
    """The colours of a page in a window; for `coloured` and `own` see `Drawn`."""
    if coloured:
        return SHEET
    return LIGHT if scheme == "light" else DARK if own else PLATED


def scheme_of(value: str) -> Scheme:
    """The scheme that a page is asked for; light for an unknown one."""
    return "dark" if value == "dark" else "plain" if value == "plain" else "light"


class LocatedMessage(msgspec.Struct, frozen=True):
    """A requested message: its id, time of reception (µs UTC), size in octets, structure."""

    message_id: int
    received: int
    size: int
    structure: mime.Structure


class View(msgspec.Struct, frozen=True):
    """The circumstances in which a message is shown.

    Attributes:
      account: the account that asks. directory: for temporary files.
      sameorigin: HTML keeps the origin of the app, always without scripts. The page of the app shows what was blocked,
        from the facts in the head, see `facts`.
      printed: a page with a head is in a frame of the app, which prints it.
      others: more messages, ids in the browser's form, for the page of a conversation.
      without: paths of files that are left out of the archive of all, as the page shows them.
      scheme: that of the window around the page; plain: dark, without regard to the colours of the message.
      language: that of the words around the message.
    """

    account: str
    views: Views
    sandbox: Sandbox
    directory: Path
    sameorigin: bool = False
    scheme: Scheme = "light"
    printed: bool = False
    others: tuple[int, ...] = ()
    without: frozenset[str] = frozenset()
    language: ReaderLanguage = ReaderLanguage()


async def serve_message(holder: Holder, rest: list[str], writer: ResponseWriter, view: View) -> None:
    """Answer ``msg/ID/KIND[/PATH]``. `rest` is the path after ``msg/``, split at slashes. `holder` has the message.

    Raises:
      HTTPError: 404 for an unknown message, kind or part.
      Unavailable: too much is shown to this account already.
    """
    match rest:
        case [number, kind] if number.isascii() and number.isdigit():
            path = ""
        case [number, ("view" | "viewtext" | "download") as kind, path] if number.isascii() and number.isdigit():
            pass
        case _:
            raise not_found()
    account = holder.account
    located_message = await locate(holder, int(number[:16]))
    match kind, path:
        case (("raw" | "rawdl"), ""):
            async with view.views.sent(view.account):
                await send_raw(account, located_message, writer, download=kind == "rawdl")
        case (("html" | "htmlexternal" | "msghtml" | "msghtmlexternal"), ""):
            external, headed = kind.endswith("external"), kind.startswith("msg")
            async with view.views.shown(view.account):
                await send_html(holder, located_message, writer, view, external=external, headed=headed)
        case (("text" | "msgtext"), ""):
            async with view.views.shown(view.account):
                await send_text(holder, located_message, writer, view, headed=kind == "msgtext")
        case ("msgtexts", ""):
            together = [located_message, *[await locate(holder, other) for other in view.others[: MAX_TOGETHER - 1]]]
            async with view.views.shown(view.account):
                await send_texts(holder, together, writer, view)
        case ("attachments.zip", ""):
            headers = (*HEADERS, ("content-security-policy", CLOSED))
            async with view.views.sent(view.account):
                await send_zip(
                    account,
                    located_message.message_id,
                    located_message.received,
                    located_message.structure,
                    writer,
                    view.directory,
                    headers,
                    view.without,
                )
        case (("view" | "viewtext" | "download"), _) if path:
            async with view.views.sent(view.account):
                await send_part(account, located_message, writer, kind, path)
        case _:
            raise not_found()


def not_found() -> HTTPError:
    """The 404 answer. It is the same for a message that never existed, is gone, or belongs to another account
    (WEBMAIL-113).
    """
    return HTTPError(404, "Message or attachment not found.")


async def locate(holder: Holder, shown: int) -> LocatedMessage:
    """The message with this id in the browser's form, and its structure. Raises HTTPError 404."""
    message_id = holder.local_id(shown)

    def read(r: Reader) -> LocatedMessage:
        holder.check_message(r, message_id)
        row = message_rows.message(r, message_id)
        return LocatedMessage(message_id, row.received, row.size, structure_of(r, message_id))

    try:
        return await holder.account.read(read, op="webmail_locate")
    except (ChunkDamaged, NoSuchMessage) as e:
        raise not_found() from e


async def send_raw(
    account: Account, located_message: LocatedMessage, writer: ResponseWriter, *, download: bool
) -> None:
    """Send the message as it is stored."""
    kind: tuple[tuple[str, str], ...]
    if download:
        name = f"email-{located_message.message_id}-{time_of(located_message.received):%Y%m%d-%H%M%S}.eml"
        kind = ("content-type", "message/rfc822"), disposition(name)
    else:
        root = located_message.structure.root
        kind = (("content-type", _plain_text(root.charset or root.hint)),)
    await writer.start(
        200, (*kind, ("content-length", str(located_message.size)), *HEADERS, ("content-security-policy", CLOSED))
    )
    async with aclosing(body.stream_message(account, located_message.message_id)) as pieces:
        async for piece in pieces:
            await writer.write(piece)
    await writer.finish()


async def send_part(
    account: Account, located_message: LocatedMessage, writer: ResponseWriter, kind: str, path: str
) -> None:
    """Send a part without its transfer encoding: for viewing, as text, or as a download."""
    part = part_at(located_message.structure.root, path)
    if part is None:
        raise not_found()
    policy = CLOSED
    headers: list[tuple[str, str]] = []
    begin = b""
    media_type = part.media_type
    async with aclosing(body.stream_part(account, located_message.message_id, part)) as pieces:
        if kind == "download":
            headers += [("content-type", part.media_type), disposition(clean_filename(part, path))]
        elif kind == "view" and media_type == "application/pdf":
            headers.append(("content-type", media_type))
            policy = VIEWER
        # Not SVG, which is a document with scripts. Everything else is text: no other type of a stranger is opened in
        # our origin.
        elif kind == "view" and part.type in ("IMAGE", "AUDIO", "VIDEO") and not part.subtype.startswith("SVG"):
            headers.append(("content-type", media_type))
        else:
            charset = part.charset
            if codec_name(charset) in UNDECLARED:
                while len(begin) < GUESSED and (piece := await anext(pieces, None)) is not None:
                    begin += piece
                charset = guess_charset(begin, part.hint)
            headers.append(("content-type", _plain_text(charset)))
        await writer.start(200, (*headers, *HEADERS, ("content-security-policy", policy)), first=len(begin))
        await writer.write(begin)
        async for piece in pieces:
            await writer.write(piece)
    await writer.finish()


def _plain_text(charset: str) -> str:
    """The Content-Type of text that is opened alone. The sender chose the charset, and it goes into a header field."""
    sound = charset.isascii() and charset.replace("-", "").replace("_", "").isalnum()
    return f"text/plain; charset={charset if sound else 'utf-8'}"


async def send_text(
    holder: Holder, located_message: LocatedMessage, writer: ResponseWriter, view: View, *, headed: bool
) -> None:
    """Send the texts as a page. `headed` adds a head, for a separate tab and for paper."""
    await start_page(located_message, writer, view, CLOSED, headed=headed)
    if not await write_texts(holder, located_message, writer):
        await writer.write(_no_text(view).encode())
    await end_page(writer)


async def send_texts(holder: Holder, together: list[LocatedMessage], writer: ResponseWriter, view: View) -> None:
    """Send the texts of a conversation's messages as a page, each below its head."""
    first = together[0]
    await start_page(first, writer, view, CLOSED, headed=True)
    for located_message in together:
        if located_message is not first:
            await writer.write(_head(located_message, view, ()).encode("utf-8", "replace"))
        if await write_texts(holder, located_message, writer):
            continue
        await writer.write(_no_text(view).encode("utf-8", "replace"))
    await end_page(writer)


def _no_text(view: View) -> str:
    text = view.language.say("This message doesn't have any text")
    return f'<div class="body"><p>{escape(text)}</p></div>'


async def write_texts(holder: Holder, located_message: LocatedMessage, writer: ResponseWriter) -> bool:
    """Write the texts of a message; each is written before the next is read. False for none."""
    none = True
    structure = located_message.structure
    fixed = await holder.account.read(lambda r: fixed_width(r, holder, structure), op="webmail_message")
    begin = TEXT_BEGIN.format(fixed=" fixed" if fixed else "").encode()
    async with aclosing(read_texts(holder.account, located_message.message_id, structure.root)) as texts:
        async for text in texts:
            none = False
            await writer.write(begin)
            for start in range(0, len(text.text), PIECE):
                await writer.write(shown_text(text.text[start : start + PIECE]).encode("utf-8", "replace"))
            await writer.write(TEXT_END)
    return not none


async def send_html(
    holder: Holder,
    located_message: LocatedMessage,
    writer: ResponseWriter,
    view: View,
    *,
    external: bool,
    headed: bool,
) -> None:
    """Send the sanitised HTML body as a page for the frame in the reader. `headed` adds a head, for a separate tab."""
    root = located_message.structure.root
    html = bodies(root).html
    if not html:
        raise not_found()
    source = Source(
        holder.account,
        located_message.message_id,
        tuple(leaf.part for leaf in html),
        lambda r: answered_letters(r, holder, located_message.structure.envelope),
    )
    page: Page | None = None
    instead = ""
    try:
        page = await draw(
            source, root, view.account, view.sandbox, view.language, external=external, scheme=view.scheme
        )
    except HTMLUnavailable as reason:
        said = view.language.say(str(reason))
        instead = await replacement(source, view.account, view.sandbox, said, view.language)
    policy = OPEN if external else CLOSED
    if view.sameorigin:
        policy = policy.replace(SANDBOX, SHARED_SANDBOX)
    drawn = None if page is None else page.drawn
    colours = colours_of(view.scheme, coloured=drawn is not None and drawn.coloured, own=drawn is None or drawn.own)
    images = () if page is None else page.drawn_images()
    inside = [path for path, part in walk_parts(root) if any(part is image for image in images)]
    known = facts(drawn, inside) if view.sameorigin else ""
    await start_page(located_message, writer, view, policy, headed=headed, colours=colours, known=known, inside=inside)
    if page is None:
        await writer.write(instead.encode("utf-8", "replace"))
    else:
        await writer.write(notices(page.drawn, view.language, blocked=not view.sameorigin).encode("utf-8", "replace"))
        async with aclosing(with_images(source, page)) as pieces:
            async for piece in pieces:
                await writer.write(piece)
    await end_page(writer)


async def start_page(
    located_message: LocatedMessage,
    writer: ResponseWriter,
    view: View,
    policy: str,
    *,
    headed: bool,
    colours: tuple[str, str, str, str] = LIGHT,
    known: str = "",
    inside: Collection[str] = (),
) -> None:
    """Send the headers and the beginning of a page, up to its content. `known` is HTML for its head; `inside` has the
    paths of the files that are in the content.
    """
    if view.printed and headed:
        policy = policy.replace(SANDBOX, PRINT_SANDBOX)
    envelope = located_message.structure.envelope
    scheme, paper, ink, plate = colours
    title = title_of(envelope, view.language) if headed else view.language.say("Message")
    begin = BEGIN.format(title=title, facts=known, scheme=scheme, paper=paper, ink=ink, plate=plate)
    headers = (("content-type", "text/html; charset=utf-8"), *HEADERS, ("content-security-policy", policy))
    await writer.start(200, headers)
    top = _head(located_message, view, inside) if headed else ""
    await writer.write((begin + top).encode("utf-8", "replace"))


def _head(located_message: LocatedMessage, view: View, inside: Collection[str]) -> str:
    structure = located_message.structure
    files = [file for file in attachments(structure.root) if file.path not in inside]
    return head(structure.envelope, located_message.received, files, view.language)


async def end_page(writer: ResponseWriter) -> None:
    """Send the end of a page."""
    await writer.write(END)
    await writer.finish()


def part_at(root: mime.Part, path: str) -> mime.Part | None:
    """The part at a path such as "0.1.2"; None if there is no such part."""
    part = root
    first, *rest = path.split(".")
    if first != "0" or len(path) > 400:
        return None
    for step in rest:
        if not (step.isascii() and step.isdigit()) or int(step) >= len(part.children):
            return None
        part = part.children[int(step)]
    return part


# All attachments of a message as one zip file, streamed (WEBMAIL-50, WEBMAIL-112).


STORED: Final = 0
DEFLATED: Final = 6
COMPRESSED: Final = re.compile(
    r"(?:image/(?!svg|bmp|tiff)|audio/|video/|application/(?:zip|gzip|zstd|x-(?:7z|rar|bzip|xz|gzip)|pdf|epub\+zip"
    r"|vnd\.(?:openxmlformats|oasis)))"
)
"""Types with compressed content: compressing them again takes time and gains nothing."""

MAX_SLUG: Final = 60
"""Maximum characters of the subject in the name of the file."""

MAX_SUBJECT: Final = 1000
"""Characters of the subject that are used to make the name."""

ZIP_PIECE: Final = 256 * 1024
"""Octets of the directory that are sent at once."""


def member_names(names: Iterable[str]) -> Iterator[str]:
    """Unique names in a zip file: the second of equal names becomes ``NAME-1.EXT``. Names that differ in case only are
    equal.
    """
    given: set[str] = set()
    # last number that was tried for a name, so that ten thousand equal names are counted once
    numbers: dict[str, int] = {}
    for name in names:
        stem, dot, extension = name.rpartition(".")
        if not stem:
            stem, dot, extension = name, "", ""
        number, found = numbers.get(name.lower(), 0), name
        while found.lower() in given:
            number += 1
            found = f"{stem}-{number}{dot}{extension}"
        numbers[name.lower()] = number
        given.add(found.lower())
        yield found


def zip_name(message_id: int, received: int, subject: str) -> str:
    """The name of the file, with the ASCII letters and digits of the subject."""
    plain = unicodedata.normalize("NFKD", subject[:MAX_SUBJECT]).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:MAX_SLUG].strip("-")
    return f"email-{message_id}-attachments-{time_of(received):%Y%m%d}{'-' if slug else ''}{slug}.zip"


async def send_zip(
    account: Account,
    message_id: int,
    received: int,
    structure: mime.Structure,
    writer: ResponseWriter,
    directory: Path,
    headers: Iterable[tuple[str, str]],
    without: Container[str] = (),
) -> None:
    """Answer with the zip file. `received` in µs UTC. `directory` is for a temporary file with the list of members,
    which is sent last. `without`: paths of files that are left out.
    """
    parts = dict(walk_parts(structure.root))
    files = [file for file in attachments(structure.root) if file.path not in without]
    names = member_names(file.filename for file in files)
    zipped = await trio.to_thread.run_sync(ZipWriter, directory)
    try:
        name = zip_name(message_id, received, structure.envelope.subject)
        await writer.start(200, (("content-type", "application/zip"), disposition(name), *headers))
        for file, member in zip(files, names, strict=True):
            part = parts[file.path]
            level = STORED if COMPRESSED.match(file.content_type) else DEFLATED
            await writer.write(zipped.begin(member, received // 1_000_000, level=level))
            async with aclosing(body.stream_part(account, message_id, part)) as pieces:
                async for piece in pieces:
                    await writer.write(await off_loop(partial(zipped.data, piece), kind="webmail_zip"))
            await writer.write(zipped.end())
        position = 0
        while piece := zipped.directory(position, ZIP_PIECE):
            position += len(piece)
            await writer.write(piece)
        await writer.write(zipped.trailer())
        await writer.finish()
    finally:
        zipped.close()


def walk_parts(root: mime.Part) -> Iterator[tuple[str, mime.Part]]:
    """All parts of the tree with their paths."""
    stack = [("0", root)]
    while stack:
        path, part = stack.pop()
        yield path, part
        stack.extend((f"{path}.{i}", child) for i, child in enumerate(part.children))
