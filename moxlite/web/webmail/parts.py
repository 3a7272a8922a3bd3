"""Messages and their parts over HTTP, each with the policy that makes hostile content harmless (WEBMAIL-49..54)."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import msgspec
import trio

from moxlite.proto.mime import types as mime
from moxlite.proto.mime.decode import decode, decoder
from moxlite.proto.mime.text import part_text
from moxlite.store.content import body
from moxlite.store.errors import ChunkDamaged, NoSuchMessage
from moxlite.store.rows import messages as message_rows
from moxlite.web.headers import disposition
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.messages import Response
from moxlite.web.webmail.items import clean_filename, find_html, time_of
from moxlite.web.webmail.pages import head, title_of, whole_text
from moxlite.web.webmail.parsed import parse_message, structure_of
from moxlite.web.webmail.sanitize import MAX_HTML, Sanitized, TooComplex, references, sanitize
from moxlite.web.webmail.zipped import send_zip

if TYPE_CHECKING:
    from pathlib import Path

    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader
    from moxlite.web.http.exchange import ResponseWriter
    from moxlite.web.webmail.holders import Holder

__all__ = ["serve_message"]

MAX_HOSTS: Final = 5  # named in the line about what was not loaded
MAX_IMAGES: Final = 10 * 1024 * 1024  # octets of all cid: images of a message together (WEBMAIL-54)
SANITIZE_TIMEOUT: Final = 5.0  # WEBMAIL-109
# sanitizing holds a thread for at most some seconds, and two of them leave the processor to others
SANITIZERS: Final = trio.CapacityLimiter(2)

POLICY: Final = "frame-ancestors 'self'; default-src 'none'; base-uri 'none'; form-action 'none'"
SANDBOX: Final = "sandbox allow-popups allow-popups-to-escape-sandbox"
# The origin of the app, and still no scripts: the app around the frame takes its keys (docs/decisions/009).
SHARED_SANDBOX: Final = f"{SANDBOX} allow-same-origin"
CLOSED: Final = f"{POLICY}; {SANDBOX}; img-src data:; style-src 'unsafe-inline'"
OPEN: Final = (
    f"{POLICY}; {SANDBOX}; img-src data: http: https:; font-src data: http: https:; "
    "style-src 'unsafe-inline' data: http: https:; media-src 'unsafe-inline' data: http: https:"
)
# Chromium shows no PDF in a sandbox; its viewer runs nothing of ours
VIEWER: Final = f"{POLICY}; img-src data:; style-src 'unsafe-inline'"
HEADERS: Final = (
    ("x-frame-options", "sameorigin"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
)
PAGE: Final = """<!doctype html>
<html><head><meta charset="utf-8"><title>Message</title>
<style>
body {{ margin: 0; background: #fff; color: #1c2430; overflow-wrap: anywhere; }}
body {{ font: 15px/1.5 system-ui, "Segoe UI", "Noto Sans", sans-serif; }}
.body {{ padding: 18px 26px; min-height: 100vh; box-sizing: border-box; }}
.blocked {{ padding: 7px 26px; background: #fdecd2; font-size: 13px; }}
img {{ max-width: 100%; }}
table {{ max-width: 100%; }}
blockquote {{ margin: 0 0 0 2px; padding-left: 14px; border-left: 2px solid #d5dbe1; }}
pre {{ white-space: pre-wrap; }}
.head {{ padding: 18px 26px 10px; border-bottom: 1px solid #d5dbe1; }}
.head h1 {{ margin: 0 0 8px; font-size: 20px; unicode-bidi: isolate; }}
.head dl {{ display: grid; grid-template-columns: max-content 1fr; gap: 2px 14px; margin: 0; font-size: 13.5px; }}
.head dt {{ color: #5a6675; }}
.head dd {{ margin: 0; white-space: pre-wrap; }}
pre.body {{ margin: 0; font: inherit; min-height: 0; }}
</style></head>
<body>{body}</body></html>
"""


class Located(msgspec.Struct, frozen=True):
    """A message that was asked for."""

    message_id: int
    received: int
    size: int
    structure: mime.Structure


async def serve_message(
    holder: Holder, rest: list[str], writer: ResponseWriter, directory: Path, *, sameorigin: bool = False
) -> None:
    """Answer ``msg/ID/KIND[/PATH]``; `rest` is what follows ``msg/``, split at slashes.

    Args:
      holder: the account that has the message.
      directory: for temporary files.
      sameorigin: HTML keeps the origin of the app, without scripts as always.

    Raises HTTPError: 404 for an unknown message, kind or part.
    """
    match rest:
        case [number, kind] if number.isascii() and number.isdigit():
            path = ""
        case [number, ("view" | "viewtext" | "download") as kind, path] if number.isascii() and number.isdigit():
            pass
        case _:
            raise not_found()
    account = holder.account
    found = await locate(holder, int(number[:16]))
    match kind, path:
        case (("raw" | "rawdl"), ""):
            await send_raw(account, found, writer, download=kind == "rawdl")
        case (("html" | "htmlexternal" | "msghtml" | "msghtmlexternal"), ""):
            external, headed = kind.endswith("external"), kind.startswith("msg")
            await send_html(account, found, writer, external=external, sameorigin=sameorigin, headed=headed)
        case (("text" | "msgtext"), ""):
            await send_text(holder, found, writer, headed=kind == "msgtext")
        case ("attachments.zip", ""):
            headers = (*HEADERS, ("content-security-policy", CLOSED))
            await send_zip(account, found.message_id, found.received, found.structure, writer, directory, headers)
        case (("view" | "viewtext" | "download"), _) if path:
            await send_part(account, found, writer, kind, path)
        case _:
            raise not_found()


def not_found() -> HTTPError:
    """The same answer for what never was, is gone, or belongs to another account (WEBMAIL-113)."""
    return HTTPError(404, "There is no such message, or no such part of it.")


async def locate(holder: Holder, shown: int) -> Located:
    """The message with this id of the browser, and its index."""
    message_id = holder.local_id(shown)

    def read(r: Reader) -> Located:
        holder.check_message(r, message_id)
        row = message_rows.message(r, message_id)
        return Located(message_id, row.received, row.size, structure_of(r, message_id))

    try:
        return await holder.account.read(read, op="webmail_locate")
    except (ChunkDamaged, NoSuchMessage) as e:
        raise not_found() from e


async def send_raw(account: Account, found: Located, writer: ResponseWriter, *, download: bool) -> None:
    """The octets as they are stored."""
    kind: tuple[tuple[str, str], ...]
    if download:
        name = f"email-{found.message_id}-{time_of(found.received):%Y%m%d-%H%M%S}.eml"
        kind = ("content-type", "message/rfc822"), disposition(name)
    else:
        charset = found.structure.root.charset or "utf-8"
        charset = charset if charset.isascii() and charset.replace("-", "").replace("_", "").isalnum() else "utf-8"
        kind = (("content-type", f"text/plain; charset={charset}"),)
    await writer.start(200, (*kind, ("content-length", str(found.size)), *HEADERS, ("content-security-policy", CLOSED)))
    async with aclosing(body.stream_message(account, found.message_id)) as pieces:
        async for piece in pieces:
            await writer.write(piece)
    await writer.finish()


async def send_part(account: Account, found: Located, writer: ResponseWriter, kind: str, path: str) -> None:
    """A part without its transfer encoding: to look at, as text, or to keep."""
    part = part_at(found.structure.root, path)
    if part is None:
        raise not_found()
    policy = CLOSED
    headers: list[tuple[str, str]] = []
    media_type = part.media_type
    if kind == "download":
        headers += [("content-type", media_type), disposition(clean_filename(part, path))]
    elif kind == "view" and media_type == "application/pdf":
        headers.append(("content-type", media_type))
        policy = VIEWER
    elif kind == "view" and part.type in ("IMAGE", "AUDIO", "VIDEO") and not part.subtype.startswith("SVG"):
        headers.append(("content-type", media_type))
    else:
        charset = (
            part.charset if part.charset.isascii() and part.charset.replace("-", "").replace("_", "").isalnum() else ""
        )
        headers.append(("content-type", f"text/plain; charset={charset or 'utf-8'}"))
    encoded = decoder(part.encoding)
    await writer.start(200, (*headers, *HEADERS, ("content-security-policy", policy)))
    stream = body.stream_message(account, found.message_id, part.body, part.size)
    async with aclosing(stream) as pieces:
        async for piece in pieces:
            await writer.write(encoded.feed(piece))
    await writer.write(encoded.finish())
    await writer.finish()


async def send_text(holder: Holder, found: Located, writer: ResponseWriter, *, headed: bool) -> None:
    """The texts as a page; `headed`: below a head, for a tab of its own."""
    content = whole_text(await parse_message(holder, holder.shown_id(found.message_id)))
    await send_page(found, writer, content, CLOSED, headed=headed)


async def send_page(found: Located, writer: ResponseWriter, content: str, policy: str, *, headed: bool) -> None:
    """A page with this content."""
    envelope = found.structure.envelope
    page = PAGE.format(body=(head(envelope, found.received) if headed else "") + content)
    if headed:
        page = page.replace("<title>Message<", f"<title>{title_of(envelope)}<", 1)
    headers = (("content-type", "text/html; charset=utf-8"), *HEADERS, ("content-security-policy", policy))
    await writer.respond(Response(200, headers, page.encode()))


async def send_html(
    account: Account, found: Located, writer: ResponseWriter, *, external: bool, sameorigin: bool, headed: bool
) -> None:
    """The HTML body, made harmless, as a page for the frame in the reader; `headed`: below a head, for a tab."""
    html = find_html(found.structure.root)
    if html is None:
        raise not_found()
    _, part = html
    if part.size > 2 * MAX_HTML:
        page = too_complex("The HTML of this message is too large to be shown.")
    else:
        try:
            clean, left_out = await sanitized(account, found, part, external=external)
            page = notice(clean.blocked) + omitted(left_out) + clean.html
        except TooComplex as e:
            page = too_complex(str(e))
    policy = OPEN if external else CLOSED
    if sameorigin:
        policy = policy.replace(SANDBOX, SHARED_SANDBOX)
    await send_page(found, writer, page, policy, headed=headed)


def notice(blocked: Mapping[str, int]) -> str:
    """A line above the HTML that tells what was left out, the hosts with the most first (WEBMAIL-55)."""
    if not blocked:
        return ""
    hosts = sorted(blocked, key=lambda host: (-blocked[host], host))
    named = ", ".join(escape(host) for host in hosts[:MAX_HOSTS]) + (", …" if len(hosts) > MAX_HOSTS else "")
    count = sum(blocked.values())
    images = "1 external image was" if count == 1 else f"{count} external images were"
    return f'<div class="blocked">{images} not loaded: {named}</div>'


def omitted(images: int) -> str:
    """A line above the HTML for images of the message itself that are not in it (WEBMAIL-54)."""
    if not images:
        return ""
    large = "1 image of this message is" if images == 1 else f"{images} images of this message are"
    return f'<div class="blocked">{large} too large to be shown here: it is among the attachments</div>'


def too_complex(text: str) -> str:
    """The page instead of HTML that is not given to anybody; the links of the reader lead to text and raw octets."""
    return f'<div class="body"><p>{text} Look at its text, or at the raw message.</p></div>'


async def sanitized(account: Account, found: Located, part: mime.Part, *, external: bool) -> tuple[Sanitized, int]:
    """Read, decode and sanitize in worker threads; also how many of its images are left out. Raises TooComplex."""

    def read(r: Reader) -> tuple[str, Mapping[str, str], int]:
        content = body.locate(r, found.message_id)
        text = part_text(part, lambda start, stop: body.read_content(r, content, start, stop - start), MAX_HTML + 1)
        return text, *inline_images(r, content, found.structure.root, part, references(text))

    text, images, left_out = await account.scan(read, op="webmail_html")
    result: Sanitized | None = None
    with trio.move_on_after(SANITIZE_TIMEOUT):
        result = await trio.to_thread.run_sync(
            lambda: sanitize(text, images, external=external), abandon_on_cancel=True, limiter=SANITIZERS
        )
    if result is None:
        raise TooComplex("The HTML of this message takes too long to be made safe.")
    return result, left_out


def inline_images(
    r: Reader, content: body.Content, root: mime.Part, html: mime.Part, wanted: Sequence[str]
) -> tuple[dict[str, str], int]:
    """Data URIs of the images that the HTML refers to, by Content-ID as it is written there, and how many are left out:
    all together have at most `MAX_IMAGES` octets, and the first ones come in.
    """
    images: dict[str, str] = {}
    left, left_out = MAX_IMAGES, 0
    by_id = _nearest_images(root, html, {unquoted(reference) for reference in wanted})
    for reference in wanted:
        part = by_id.get(unquoted(reference))
        if part is None:
            continue
        if part.decoded > left:
            left_out += 1
            continue
        left -= part.decoded
        octets = decode(body.read_content(r, content, part.body, part.size), part.encoding)
        images[reference] = f"data:{part.media_type};base64,{base64.b64encode(octets).decode()}"
    return images, left_out


def _nearest_images(root: mime.Part, html: mime.Part, names: Collection[str]) -> dict[str, mime.Part]:
    """The images of these Content-IDs. Of two that have the same, the one that stands in more of the multiparts around
    the HTML: its siblings come before those of its parents, and these before all others.
    """
    around: list[mime.Part] = []
    inner: mime.Part | None = root
    while inner is not None:
        around.append(inner)
        inner = next((part for part in inner.parts if part.body <= html.header < part.end), None)

    def nearness(part: mime.Part) -> int:
        return sum(outer.body <= part.header < outer.end for outer in around)

    found: dict[str, mime.Part] = {}
    for part in root.walk():
        name = _image_id(part)
        if name in names and (name not in found or nearness(part) > nearness(found[name])):
            found[name] = part
    return found


def _image_id(part: mime.Part) -> str:
    """The Content-ID of an image that may be shown, without its brackets; "" for another part."""
    if part.content_id is None or part.type != "IMAGE" or part.subtype.startswith("SVG"):
        return ""
    return part.content_id.decode("utf-8", "replace").strip().strip("<>")


def unquoted(reference: str) -> str:
    """A Content-ID out of a cid: URL (RFC 2392 §2)."""
    return unquote(reference)


def part_at(root: mime.Part, path: str) -> mime.Part | None:
    """The part of a path such as "0.1.2"."""
    part = root
    first, *rest = path.split(".")
    if first != "0" or len(path) > 400:
        return None
    for step in rest:
        if not (step.isascii() and step.isdigit()) or int(step[:6]) >= len(part.parts):
            return None
        part = part.parts[int(step)]
    return part
