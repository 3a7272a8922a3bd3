"""The text and the HTML of a message as pages, which are written while the message is read (WEBMAIL-50, 53..55, 109).

The sandbox sanitises HTML. If that fails, the page shows the reason and the text of the HTML.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

import trio

from moxlite.proto.mime import types as mime
from moxlite.proto.mime.compose import unflowed
from moxlite.proto.mime.text import Read as Octets, part_text, visible_text
from moxlite.proto.mime.wire import MAX_KEPT
from moxlite.sandbox.jobs import DrawHTML, Drawn, Picture, Scheme, ShowText
from moxlite.sandbox.messages import Refused
from moxlite.sandbox.processes import JobFailed
from moxlite.store.content import body
from moxlite.web.webmail.items import MAX_HTML, time_of
from moxlite.wording import ReaderLanguage, worded

if TYPE_CHECKING:
    from moxlite.sandbox.processes import Sandbox
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader
    from moxlite.web.webmail.types import Attachment


MAX_SIZE: Final = 2 * MAX_HTML
"""Maximum octets of encoded HTML that is read."""

MAX_IMAGES: Final = 10 * 1024 * 1024
"""Maximum octets of a message's images in its HTML, counted per reference (WEBMAIL-54)."""

MAX_PICTURES: Final = 1000
"""Images that the HTML may refer to: as many as a message has parts."""

MAX_NAME: Final = 998
"""Characters of a Content-ID; a longer one does not fit on a line of a header (RFC 5322 §2.1.1)."""

MAX_INSTEAD: Final = 200_000
"""Characters of HTML's text that are shown when the HTML is not."""

SMALL: Final = 64 * 1024
"""Octets up to which an image is kept while its page is written: HTML may refer to a spacer a thousand times."""

BEHIND: Final = (b' background="', b"url(&quot;")
"""Octets before the address of a background picture."""
QUOTE: Final = b'<details class="moxlite-quote">'
ENDLESS: Final = re.compile(r"<hr|border-top|-{4}", re.IGNORECASE)
"""In HTML that may have a quoted message whose end isn't marked (`sandbox.quotes`)."""

NUMBER: Final = 8
"""Maximum octets of an image's number and its terminator, after a marker."""


class HTMLUnavailable(Exception):
    """The HTML cannot be shown; the text is a sentence for the reader."""


@dataclass(frozen=True)
class Source:
    """The unsanitised HTML of a message: its `parts`, of which some may be texts. `answered` reads the letters of the
    message that it answers, None if the account doesn't have it (`answers.answered_letters`).
    """

    account: Account
    message_id: int
    parts: tuple[mime.Part, ...]
    answered: Callable[[Reader], str | None]

    @property
    def is_readable(self) -> bool:
        """Whether it is not too large to be read."""
        return sum(part.size for part in self.parts) <= MAX_SIZE


@dataclass(frozen=True)
class Page:
    """Sanitised HTML, and the message's images in it, by the numbers after its markers."""

    drawn: Drawn
    marker: bytes
    images: tuple[mime.Part, ...]

    def drawn_images(self) -> list[mime.Part]:
        """The images that elements of the HTML show, or have behind them. Those in style sheets may be behind nothing,
        and a folded quote has no backgrounds.
        """
        images: dict[int, mime.Part] = {}
        room, html = MAX_IMAGES, self.drawn.html
        quote = html.find(QUOTE)
        end = html.find(b"</details>", quote) if quote >= 0 else quote
        for start, _, number in _references(html, self.marker):
            if 0 <= number < len(self.images) and (image := self.images[number]).decoded <= room:
                room -= image.decoded
                if html.endswith(b'src="', 0, start) or (html.endswith(BEHIND, 0, start) and not quote < start < end):
                    images[number] = image
        return list(images.values())


async def draw(
    source: Source,
    root: mime.Part,
    reader: str,
    sandbox: Sandbox,
    language: ReaderLanguage,
    *,
    external: bool,
    scheme: Scheme,
) -> Page:
    """Sanitise the HTML of a message, in a sandbox turn of the account `reader`. `root` is the whole message.

    Raises HTMLUnavailable.
    """
    if not source.is_readable:
        raise HTMLUnavailable("This message's HTML is too large to display.")
    marker = f"data:moxlite-{secrets.token_hex(12)},"
    images = dict(list(nearest_images(root, source.parts).items())[:MAX_PICTURES])
    pictures = tuple(Picture(name, image.decoded) for name, image in images.items())
    try:
        async with sandbox.turn(reader) as turn:
            html = await _read(source)
            answered = await source.account.scan(source.answered, op="webmail_html") if ENDLESS.search(html) else None
            quoted = language.say("Quoted text")
            job = DrawHTML(html, pictures, MAX_IMAGES, marker, external, quoted, answered, scheme)
            del html, answered
            return Page(await turn.do(job), marker.encode(), tuple(images.values()))
    except (Refused, JobFailed) as error:
        raise HTMLUnavailable(str(error)) from None


async def replacement(source: Source, reader: str, sandbox: Sandbox, reason: str, language: ReaderLanguage) -> str:
    """The page that replaces HTML which cannot be shown: `reason`, a sentence in `language`, and the HTML's text."""
    if not source.is_readable:
        return _without(reason, language)
    try:
        text = await _visible_text(source, reader, sandbox)
    except (Refused, JobFailed):
        return _without(reason, language)
    if not text.strip():
        return _without(reason, language)
    words = f"{reason} {language.say('Only the plain text is shown. For the full message, view the source.')}"
    return f'<div class="blocked">{escape(words)}</div><pre class="body" dir="auto">{shown_text(text)}</pre>'


async def _visible_text(source: Source, reader: str, sandbox: Sandbox) -> str:
    """The HTML's text. Raises Refused, JobFailed."""
    if not sandbox.supported:  # in a thread: our own reader takes linear time, and no library
        html = await _read(source)
        return await trio.to_thread.run_sync(lambda: visible_text(html, alt=True, limit=MAX_INSTEAD)[:MAX_INSTEAD])
    async with sandbox.turn(reader) as turn:
        return (await turn.do(ShowText(await _read(source), MAX_INSTEAD))).text


def _without(reason: str, language: ReaderLanguage) -> str:
    words = f"{reason} {language.say('View the plain text or the source instead.')}"
    return f'<div class="body"><p>{escape(words)}</p></div>'


async def _read(source: Source) -> str:
    def read(r: Reader) -> str:
        content = body.locate(r, source.message_id)
        return page_html(
            source.parts, lambda start, stop: body.read_content(r, content, start, stop - start), MAX_HTML + 1
        )

    return await source.account.scan(read, op="webmail_html")


def page_html(parts: Iterable[mime.Part], octets: Octets, limit: int) -> str:
    """The HTML of a message's parts as one, texts among them as they are; at most `limit` octets of each. `octets`
    reads the message from one offset to another.
    """
    pieces: list[str] = []
    for part in parts:
        text = part_text(part, octets, limit)
        pieces.append(text if part.subtype == "HTML" else f"<pre>{escape(unflowed(part, text))}</pre>")
    return "".join(pieces).encode("utf-8", "replace").decode()  # some charsets can produce lone surrogates


def notices(drawn: Drawn, language: ReaderLanguage, *, blocked: bool) -> str:
    """Lines above the HTML about parts that were left out (WEBMAIL-54, 55); about remote ones if `blocked`."""
    return (_blocked(drawn, language) if blocked else "") + _omitted(drawn.left_out, language)


def facts(drawn: Drawn | None, inside: Collection[str]) -> str:
    """Elements for the head of a page in the app's frame, which says them in its own words (WEBMAIL-55): the number of
    blocked remote resources, their hosts, whether the HTML has colours for light windows alone, and the paths of the
    files that it shows inside. HTML of a mail has no head. `drawn` is None if the HTML is not shown.
    """
    blocked = "0" if drawn is None else " ".join([str(drawn.blocked), *map(escape, drawn.hosts), *["…"] * drawn.more])
    return (
        f'<meta name="blocked" content="{blocked}">'
        f'<meta name="coloured" content="{"yes" if drawn is not None and drawn.coloured else "no"}">'
        f'<meta name="inside" content="{" ".join(inside)}">'
    )


def _blocked(drawn: Drawn, language: ReaderLanguage) -> str:
    if not drawn.blocked:
        return ""
    hosts = ", ".join(drawn.hosts) + (", …" if drawn.more else "")
    one = worded("1 remote image not loaded: {hosts}", hosts=hosts)
    others = worded("{n} remote images not loaded: {hosts}", n=drawn.blocked, hosts=hosts)
    return f'<div class="blocked">{escape(language.say(one if drawn.blocked == 1 else others))}</div>'


def _omitted(images: int, language: ReaderLanguage) -> str:
    if not images:
        return ""
    one = worded("1 image is too large to display here. You'll find it in the attachments")
    others = worded("{n} images are too large to display here. You'll find them in the attachments", n=images)
    return f'<div class="blocked">{escape(language.say(one if images == 1 else others))}</div>'


async def with_images(source: Source, page: Page) -> AsyncGenerator[bytes, None]:
    """The HTML in pieces, with the message's images as data URIs. All images together have at most `MAX_IMAGES` octets,
    whatever the sandbox has returned.
    """
    html = page.drawn.html
    kept: dict[int, bytes] = {}
    room, at = MAX_IMAGES, 0
    for start, after, number in _references(html, page.marker):
        yield html[at:start]
        at = after
        if not 0 <= number < len(page.images) or page.images[number].decoded > room:
            continue
        image = page.images[number]
        room -= image.decoded
        if number in kept:
            yield kept[number]
        elif image.decoded <= SMALL:
            kept[number] = b"".join([piece async for piece in _data(source, image)])
            yield kept[number]
        else:
            async with aclosing(_data(source, image)) as pieces:
                async for piece in pieces:
                    yield piece
    yield html[at:]


def _references(html: bytes, marker: bytes) -> Iterator[tuple[int, int, int]]:
    """Begin and end of each reference to an image, and the image's number, or -1 for an invalid one."""
    at = 0
    while (start := html.find(marker, at)) >= 0:
        at = start + len(marker)
        end = html.find(b";", at, at + NUMBER)
        number = int(html[at:end]) if end > at and html[at:end].isdigit() else -1
        at = max(at, end + 1)
        yield start, at, number


async def _data(source: Source, image: mime.Part) -> AsyncGenerator[bytes, None]:
    """A data URI in pieces, with no more octets than the index of the message says."""
    yield f"data:{image.media_type};base64,".encode()
    left, rest = image.decoded, b""
    async with aclosing(body.stream_part(source.account, source.message_id, image)) as pieces:
        async for piece in pieces:
            data = piece[:left]
            left -= len(data)
            data = rest + data
            whole = len(data) - len(data) % 3
            rest = data[whole:]
            yield base64.b64encode(data[:whole])
    yield base64.b64encode(rest)


def nearest_images(root: mime.Part, parts: Sequence[mime.Part]) -> dict[str, mime.Part]:
    """The images of a message by Content-ID. If several have the same, the nearest to the first HTML among `parts`
    wins: siblings of the HTML come before siblings of its parents, and these before all others.
    """
    html = next(part for part in parts if part.subtype == "HTML")
    if html.within is not None:
        contents = (part.wrapped for part in root.walk() if part.wrapped is not None)
        root = next(content for content in contents if content.within == html.within)
    around: list[mime.Part] = []
    inner: mime.Part | None = root
    while inner is not None:
        around.append(inner)
        inner = next((part for part in inner.parts if part.body <= html.header < part.end), None)

    def nearness(part: mime.Part) -> int:
        return sum(outer.body <= part.header < outer.end for outer in around)

    nearest: dict[str, tuple[int, mime.Part]] = {}
    for part in root.walk():
        name = _image_id(part)
        if name and (name not in nearest or nearness(part) > nearest[name][0]):
            nearest[name] = (nearness(part), part)
    return {name: part for name, (_, part) in nearest.items()}


def _image_id(part: mime.Part) -> str:
    """The Content-ID of an image that may be shown, without its brackets; "" for any other part."""
    if part.content_id is None or not part.is_picture:
        return ""
    return part.content_id.decode("utf-8", "replace").strip().strip("<>")[:MAX_NAME]


# A message as a separate page, for a new tab and for printing: a head, and below it the text or the HTML
# (WEBMAIL-50).
#
# The pages run no scripts, not even ours; the server writes all of their content.


HEAD: Final = """<header class="head"><h1 dir="auto">{subject}</h1><dl>{rows}</dl></header>
"""
MAX_SHOWN: Final = 1000
"""Maximum characters of a subject or name in the head."""

MAX_ADDRESSES: Final = 200
"""Maximum addresses of a field in the head."""

BIDI: Final = {point: f"[U+{point:04X}]" for point in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
"""Visible text for characters that change the direction of the text around them (WEBMAIL-118)."""


def title_of(envelope: mime.Envelope, language: ReaderLanguage) -> str:
    """The title of the page, as HTML."""
    return _subject(envelope) or language.say("Message")


def head(envelope: mime.Envelope, received: int, files: Sequence[Attachment], language: ReaderLanguage) -> str:
    """The head of the page. `received` (µs UTC) is shown if the message has no valid date; of `files` the names."""
    found = [*_rows(envelope, received, language)]
    if files:
        found.append((language.say("Attachments"), shown_text(", ".join(file.filename for file in files))))
    rows = "".join(f'<dt>{name}</dt><dd dir="auto">{value}</dd>' for name, value in found)
    return HEAD.format(subject=_subject(envelope) or language.say("(no subject)"), rows=rows)


def shown_text(text: str) -> str:
    """Text escaped for HTML."""
    return escape(text.translate(BIDI))


def _subject(envelope: mime.Envelope) -> str:
    subject = envelope.subject
    return shown_text(subject[:MAX_SHOWN] + ("…" if len(subject) > MAX_SHOWN else ""))


def _rows(envelope: mime.Envelope, received: int, language: ReaderLanguage) -> Iterator[tuple[str, str]]:
    people = (
        (language.say("From"), envelope.from_),
        (language.say("To"), envelope.to),
        (language.say("Cc"), envelope.cc),
        (language.say("Bcc"), envelope.bcc),
    )
    for name, addresses in people:
        if addresses:
            yield name, shown_text(_addresses(addresses, language))
    yield language.say("Date"), f"{time_of(_date(envelope, received)):%Y-%m-%d %H:%M} UTC"


def _date(envelope: mime.Envelope, received: int) -> int:
    try:
        time_of(envelope.date or received)
    except OverflowError:
        return received
    return envelope.date or received


def _addresses(addresses: Sequence[mime.MailAddress], language: ReaderLanguage) -> str:
    shown = ", ".join(
        f"{address.name[:MAX_SHOWN]} <{address.localpart}@{address.domain}>"
        if address.name
        else f"{address.localpart}@{address.domain}"
        for address in addresses[:MAX_ADDRESSES]
    )
    if len(addresses) <= MAX_ADDRESSES:
        return shown
    total = f"{MAX_KEPT}+" if len(addresses) >= MAX_KEPT else len(addresses)
    return f"{shown}, … ({language.say(worded('{n} total', n=total))})"
