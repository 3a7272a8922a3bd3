"""Marks links whose text names another host than their target: the real host is added after them (WEBMAIL-79).

The input is the sanitizer's output: attributes are quoted, `<` and `&` are escaped. It is scanned forward only, in
linear time.
"""

from __future__ import annotations

import re
from html import escape, unescape
from typing import Final
from urllib.parse import unquote

import idna

from moxlite.proto.publicsuffix import organizational_domain

MAX_LINKS: Final = 20_000
"""Number of links whose text is checked; takes 0.5 s (measured). No newsletter has a tenth of that."""
MAX_TEXT: Final = 2000
"""Characters of a link's text that are checked: a reader does not take longer ones for an address."""
MAX_WORDS: Final = 50

SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]{0,20}):[/\\]{0,9}", re.IGNORECASE)
LABELS: Final = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,20}\Z")
TOP: Final = re.compile(r"(?:[^\W\d_]{2,63}|xn--[a-z0-9-]{1,59})\Z")
NUMBERS: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}\Z")
# control characters and invisible characters: soft hyphen, zero width, direction, variation
UNSEEN: Final = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]"
)
# characters that browsers treat as a dot (UTS 46), and look-alikes
DOT: Final = re.compile("[.\u3002\uff0e\uff61\u2024]")
DOTS: Final = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61\u2024", "."))
AROUND: Final = ".,;:!?()[]{}<>'\"“”„‘’«»*_|…→»"
# file name extensions: `report.pdf` is a file, not a host
# fmt: off
FILES: Final = frozenset({
    "asp", "aspx", "avi", "bat", "bmp", "cfg", "conf", "css", "csv", "doc", "docx", "eml", "exe", "gif", "gz", "htm",
    "html", "ics", "ini", "jpeg", "jpg", "js", "json", "jsp", "log", "mov", "mp3", "mp4", "msg", "odp", "ods", "odt",
    "pdf", "php", "png", "ppt", "pptx", "py", "rar", "rtf", "svg", "tar", "tgz", "tif", "tiff", "ts", "txt", "wav",
    "webp", "xls", "xlsx", "xml", "yaml", "yml", "zip",
})
# fmt: on
# Styles of the message cannot hide the mark: an inline style with !important overrides all style sheets.
STYLE: Final = ";".join(
    f"{one}!important"
    for one in (
        *("all:initial", "display:inline-block", "margin:0 3px", "padding:0 5px", "border-radius:4px"),
        *("background:#fde3cf", "color:#7a2500", "font:600 12px/1.5 system-ui,sans-serif", "unicode-bidi:isolate"),
    )
)


class TooManyLinks(Exception):
    """The HTML has more than `MAX_LINKS` links."""


def marked(html: str) -> str:
    """Return `html` with a mark after each link whose text names another host. Raises TooManyLinks."""
    pieces: list[str] = []
    copied = at = count = 0
    while (at := html.find("<a ", at)) >= 0:
        inside = _tag_end(html, at)
        end = html.find("</a>", inside)
        if end < 0:
            break
        attributes = html[at:inside]
        inner = html[inside:end]
        at = end + 4
        if not DOT.search(inner):
            continue
        count += 1
        if count > MAX_LINKS:
            raise TooManyLinks
        real = target_host(_href(attributes))
        if real and any(not _same(host, real) for host in named_hosts(_text(inner))):
            title = escape(f"This link leads to {real}, not to where its text says")
            pieces += [html[copied:at], f'<b title="{title}" style="{escape(STYLE)}">→ {escape(real)}</b>']
            copied = at
    pieces.append(html[copied:])
    return "".join(pieces)


def target_host(url: str) -> str:
    """The host that a browser would connect to for `url` (WHATWG URL §4.4), as A-labels; "" if it has no such host."""
    url = re.sub(r"[\t\r\n]", "", url).strip("\0\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x1b\x1f ")
    match = SCHEME.match(url)
    if match is None or match[1].lower() not in ("http", "https"):
        return ""
    return _ascii(unquote(_host(url[match.end() :])))


def named_hosts(text: str) -> set[str]:
    """The hosts that a reader sees in a text: web addresses and words that look like domains, as A-labels."""
    found: set[str] = set()
    seen = UNSEEN.sub("", text[:MAX_TEXT]).translate(DOTS)
    for word in seen.split()[:MAX_WORDS]:
        bare = word.strip(AROUND)
        match = SCHEME.match(bare)
        web = match is not None and match[1].lower() in ("http", "https")
        rest = bare[match.end() :] if match is not None and web else bare
        # a reader takes the text before an @ for the host, although it is not
        for part in re.split(r"[/\\?#]", rest, maxsplit=1)[0].split("@")[:3]:
            host = part.partition(":")[0].strip(AROUND)
            if _is_host(host, web=web or host.lower().startswith("www.")):
                found.add(_ascii(host))
    return found


def _is_host(text: str, *, web: bool) -> bool:
    if not LABELS.match(text):
        return web and bool(NUMBERS.match(text))
    top = text.rpartition(".")[2]
    if NUMBERS.match(text):
        return web
    if not TOP.match(top):
        return False
    # in a sentence without a blank after its dot, the next word begins with a capital letter
    return web or (top.lower() not in FILES and text in (text.lower(), text.upper()))


def _same(named: str, real: str) -> bool:
    return named == real or organizational_domain(named) == organizational_domain(real)


def _host(rest: str) -> str:
    authority = re.split(r"[/\\?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    if authority.startswith("["):
        return authority.partition("]")[0] + "]"
    return authority.partition(":")[0]


def _ascii(host: str) -> str:
    host = host.translate(DOTS).strip(".").lower()
    if host.isascii():
        return host[:255]
    try:
        return idna.encode(host[:255], uts46=True).decode()
    except UnicodeError:
        return host[:255].encode("ascii", "backslashreplace").decode()


def _tag_end(html: str, at: int) -> int:
    """Index after the tag that begins at `at`; a `>` in a quoted value does not end it."""
    while True:
        end, quote = html.find(">", at), html.find('"', at)
        if quote < 0 or end < quote:
            return end + 1 if end >= 0 else len(html)
        closing = html.find('"', quote + 1)
        if closing < 0:
            return len(html)
        at = closing + 1


def _href(attributes: str) -> str:
    _, found, rest = attributes.partition(' href="')
    return unescape(rest.partition('"')[0]) if found else ""


def _text(inner: str) -> str:
    """The text of an element without its tags; pieces separated only by tags are joined."""
    pieces: list[str] = []
    length = at = 0
    while length < MAX_TEXT and at < len(inner):
        tag = inner.find("<", at)
        stop = len(inner) if tag < 0 else tag
        pieces.append(inner[at:stop])
        length += stop - at
        if tag < 0:
            break
        if inner.startswith(("<br", "<div", "<p", "<td", "<li", "<tr"), tag):
            pieces.append(" ")
        at = _tag_end(inner, tag)
    return unescape("".join(pieces)[: 4 * MAX_TEXT])
