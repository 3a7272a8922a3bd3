"""Sanitizer of HTML mail (WEBMAIL-53, 54, 79, 108, 109). Style sheets are sanitized by `sheets`.

nh3 (ammonia) parses as browsers do and keeps only allowed elements and attributes. Its cost is quadratic for some
inputs (design-facts §12): `bounds` refuses these, and the process that runs it has limits of time and memory
(docs/decisions/010). The Content-Security-Policy of the page is a second layer, which would suffice alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from html import escape, unescape
from typing import Final, Protocol
from urllib.parse import unquote, urljoin, urlsplit

import idna
import msgspec
import nh3

from moxlite.proto.mime.text import HIDDEN
from moxlite.proto.publicsuffix import organizational_domain
from moxlite.sandbox.bounds import TAG as HTML_TAG, excess
from moxlite.sandbox.jobs import GREY_PIXEL, Scheme
from moxlite.sandbox.quotes import folded
from moxlite.sandbox.sheets import STYLES, Look, safe_declarations, safe_sheets, variables_of, words_in_the_dark
from moxlite.sandbox.values import CALL, may_lose, paints

# Marks links whose text names another host than their target: the real host is added after them (WEBMAIL-79).
#
# The input is the sanitizer's output: attributes are quoted, `<` and `&` are escaped. It is scanned forward only, in
# linear time.


MAX_LINKS: Final = 20_000
"""Number of links whose text is checked; takes 0.5 s (measured). No newsletter has a tenth of that."""
MAX_TEXT: Final = 2000
"""Characters of a link's text that are checked: a reader does not take longer ones for an address."""
MAX_WORDS: Final = 50
"""Words of a link's text that are checked: behind so many, a reader overlooks an address."""

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
PUNCTUATION: Final = ".,;:!?()[]{}<>'\"“”„‘’«»*_|…→»"
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


OPENED: Final = re.compile(r"<a(rea)? ")


class TooManyLinks(Exception):
    """The HTML has more than `MAX_LINKS` links."""


def marked(html: str) -> str:
    """Return `html` with a mark after each link whose text names another host. Raises TooManyLinks."""
    pieces: list[str] = []
    copied = count = 0
    for end, attributes, text in _links(html):
        if not DOT.search(text):
            continue
        count += 1
        if count > MAX_LINKS:
            raise TooManyLinks
        real = target_host(_attribute(attributes, "href"))
        if real and any(not _same(host, real) for host in named_hosts(_text(text))):
            title = escape(f"This link actually goes to {real}")
            pieces += [html[copied:end], f'<b title="{title}" style="{escape(STYLE)}">→ {escape(real)}</b>']
            copied = end
    pieces.append(html[copied:])
    return "".join(pieces)


def _links(html: str) -> Iterator[tuple[int, str, str]]:
    """Where each link ends, its tag, and the HTML of its text; that of an area of a picture is in its attributes."""
    at = 0
    while (match := OPENED.search(html, at)) is not None:
        inside = _tag_end(html, match.start())
        tag = html[match.start() : inside]
        if match[1]:
            at = inside
            yield at, tag, f"{_attribute(tag, 'alt')} {_attribute(tag, 'title')}"
            continue
        end = html.find("</a>", inside)
        if end < 0:
            return
        at = end + 4
        yield at, tag, html[inside:end]


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
        bare = word.strip(PUNCTUATION)
        match = SCHEME.match(bare)
        web = match is not None and match[1].lower() in ("http", "https")
        rest = bare[match.end() :] if match is not None and web else bare
        # a reader takes the text before an @ for the host, although it is not
        for part in re.split(r"[/\\?#]", rest, maxsplit=1)[0].split("@")[:3]:
            host = part.partition(":")[0].strip(PUNCTUATION)
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
    end = -1
    while True:
        if end < at:
            end = html.find(">", at)
        # no quote further than that: for each tag without one, all the rest would be searched
        quote = html.find('"', at, end) if end >= 0 else -1
        if quote < 0:
            return end + 1 if end >= 0 else len(html)
        closing = html.find('"', quote + 1)
        if closing < 0:
            return len(html)
        at = closing + 1


def _attribute(tag: str, name: str) -> str:
    _, found, rest = tag.partition(f' {name}="')
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


MAX_HTML: Final = 10 * 1024 * 1024  # WEBMAIL-109

# fmt: off
TAGS: Final = {
    "a", "abbr", "acronym", "address", "area", "article", "aside", "b", "bdi", "bdo", "big", "blockquote", "br",
    "caption", "center", "cite", "code", "col", "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em",
    "figcaption", "figure", "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "i",
    "img", "ins", "kbd", "li", "main", "map", "mark", "nav", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp",
    "section", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead",
    "time", "tr", "tt", "u", "ul", "var", "wbr",
}
# fmt: on
ATTRIBUTES: Final = {
    "*": {
        *("align", "bgcolor", "border", "class", "color", "dir", "height", "hidden", "id", "lang", "style", "title"),
        *("valign", "width"),
    },
    "a": {"href", "name"},
    "area": {"alt", "coords", "href", "shape"},
    "blockquote": {"type"},
    "col": {"span"},
    "colgroup": {"span"},
    "font": {"color", "face", "size"},
    "img": {"alt", "src", "usemap"},
    "li": {"value"},
    "map": {"name"},
    "ol": {"reversed", "start", "type"},
    "table": {"background", "cellpadding", "cellspacing"},
    "td": {"background", "colspan", "rowspan", "nowrap"},
    "th": {"background", "colspan", "rowspan", "nowrap", "scope"},
    "time": {"datetime"},
    "tr": {"background"},
    "ul": {"type"},
}
REWRITTEN: Final = re.compile(
    r"<(/?)(noscript|select|optgroup|option|audio|button|canvas|object|video|xmp)(?=[\s/>])", re.IGNORECASE
)
# fmt: off
INSTEAD: Final = {
    "/select": "<br>", "option": "<br>", "noscript": "", "/noscript": "", "xmp": "<pre>", "/xmp": "</pre>",
}
# fmt: on
"""Replacements for tags of elements whose content is shown without them; a blank for other tags."""
LINK: Final = re.compile(r'<a(?:rea)? [^"<>]*+(?>(?:"[^"]*+"[^"<>]*+)*)>')
ELSEWHERE: Final = re.compile(r' target="_blank"| rel="noopener noreferrer"')
"""Attributes of links to other pages, as the sanitizer writes them."""
MAX_TAG: Final = 5000
"""Characters of a tag that is rewritten."""
LINKS: Final = {"http", "https", "mailto", "sms", "tel", "webcal"}
SCHEMES: Final = LINKS | {"cid", "data"}
DATA_IMAGE: Final = re.compile(r"data:image/(?:png|gif|jpe?g|webp|bmp|avif|x-icon)[;,]", re.IGNORECASE)
BODY_TAG: Final = re.compile(r"<body\b([^<>]{0,2000})>", re.IGNORECASE)
COLOUR: Final = re.compile(r"#[0-9a-f]{3,8}|[a-z]{3,20}\Z", re.IGNORECASE)
BODY_STYLE: Final = re.compile(r"\bstyle\s{0,9}=\s{0,9}(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
BODY_COLOUR: Final = re.compile(r"\b(bgcolor|text)\s*=\s*[\"']?([#0-9a-zA-Z]{3,20})", re.IGNORECASE)
BASE: Final = re.compile(
    r"<base\s(?:[^<>]{0,500}\s)?href\s{0,9}=\s{0,9}(?:\"([^\"<>]{1,2000})\"|'([^'<>]{1,2000})'|([^\s\"'<>]{1,2000}))",
    re.IGNORECASE,
)
BODY_PICTURE: Final = re.compile(r"\bbackground\s{0,9}=\s{0,9}(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)

MAX_PLAIN: Final = 300_000
"""Characters of HTML whose colours are changed for a dark window; takes 0.5 s (measured)."""
OWN_DARK: Final = re.compile(r"prefers-color-scheme\s{0,9}:\s{0,9}dark", re.IGNORECASE)


# Most style attributes needn't be parsed: they have no escape, no block in braces, no function but these, no length of
# the window's height, and no background of more than a colour. Of those, property names are compared with `STYLES`.
PLAIN: Final = frozenset({"rgb", "rgba", "hsl", "hsla", "calc", "min", "max", "clamp"})
UNUSUAL: Final = re.compile(r"[\\{}<>@]")
"""Characters of escapes, blocks, tags and rules: a style that has one is parsed."""
OF_WINDOW: Final = re.compile(r"\d(?:[sld]?v|cq)(?:h|b|min|max)\b", re.IGNORECASE)
BACKGROUND: Final = re.compile(
    r"(?:#[0-9a-f]{3,8}|[a-z]{3,20}|rgba?\([\d.,%\s]{1,40}\))(?:\s?!\s?important)?", re.IGNORECASE
)
"""A `background` that is a colour."""


class TooComplex(Exception):
    """The HTML exceeds a bound. The text is a sentence for the reader."""


class Images(Protocol):
    """Mapping from Content-ID to the data URI of an image of the message; a dictionary satisfies it."""

    def get(self, reference: str, /) -> str | None:
        """Return the data URI for ``cid:reference``, None to leave the image out. Called once per reference."""


class Sanitized(msgspec.Struct, frozen=True):
    """Sanitized HTML for the content of a body element.

    Attributes:
      blocked: number of blocked remote resources by host.
      coloured: it has backgrounds for a light window, and none for a dark one, which shows it on a light sheet.
      own: it has colours of its own for a dark window, which are used.
    """

    html: str
    blocked: Mapping[str, int]
    coloured: bool
    own: bool


def sanitize(
    html: str,
    images: Images,
    *,
    external: bool,
    quoted: str = "Quoted text",
    answered: str | None = None,
    scheme: Scheme = "light",
) -> Sanitized:
    """Sanitize HTML. With `external`, remote images are kept; otherwise they are removed and counted. The last quote is
    folded behind the words `quoted`, for `answered` see `DrawHTML`.

    Raises TooComplex.
    """
    blocked: dict[str, int] = {}
    html = apart(html)
    own = scheme == "dark" and OWN_DARK.search(html) is not None
    coloured = scheme != "plain" and not own and (len(html) > MAX_PLAIN or paints(html))
    plain = scheme == "plain" or (scheme == "dark" and not own and not coloured)
    base = _base(html)
    pictures = _pictures(images, blocked, base, external=external)
    inked = not plain and may_lose(html)
    look = _with_variables(html, Look(pictures, dark=own or plain, plain=plain, inked=inked, base=base))
    cleaned = _cleaned(html, look)
    sheet = safe_sheets(html, look)
    styled = f"<style>{sheet}</style>" if sheet else ""
    style = _body_style(html, look)
    try:
        shown = styled + _wrapped(style, folded(marked(cleaned), quoted, answered))
    except TooManyLinks as e:
        raise TooComplex("This message's HTML has too many links to display.") from e
    return Sanitized(shown, blocked, coloured, own)


def fragment(html: str, images: Images, *, external: bool, styled: bool) -> str:
    """HTML by the same rules, as a part of a message that is written (WEBMAIL-135): nothing is added to links.

    `styled`: with the style sheets and the body's style of a whole document; else the elements alone. Raises
    TooComplex.
    """
    html = apart(html)
    base = _base(html)
    look = _with_variables(html, Look(_pictures(images, {}, base, external=external), grey=False, base=base))
    cleaned = _cleaned(html, look)
    if not styled:
        return cleaned
    sheet = safe_sheets(html, look)
    return (f"<style>{sheet}</style>" if sheet else "") + _wrapped(_body_style(html, look), cleaned)


def _with_variables(html: str, look: Look) -> Look:
    return replace(look, variables=variables_of(html, look))


def apart(html: str) -> str:
    """Return HTML whose elements for programs with scripts, choices and media have become their content: a parser takes
    the HTML in `noscript` and `xmp` for words, and without their elements, choices run together.
    """
    pieces: list[str] = []
    copied = 0
    for match in REWRITTEN.finditer(html):
        if match.start() < copied:
            continue
        pieces.append(html[copied : match.start()])
        tag = HTML_TAG.match(html, match.start(), match.start() + MAX_TAG)
        if tag is None:
            # a tag that ends nowhere near: what seems to be its inside stays as it is, and is not searched again
            copied = min(len(html), match.start() + MAX_TAG)
            pieces.append(html[match.start() : copied])
            continue
        copied = tag.end()
        pieces.append(INSTEAD.get((match[1] + match[2]).lower(), " "))
    pieces.append(html[copied:])
    return "".join(pieces)


def _cleaned(html: str, look: Look) -> str:
    """The allowed elements and attributes. Raises TooComplex."""
    if len(html) > MAX_HTML:
        raise TooComplex("This message's HTML is too large to display.")
    if beyond := excess(html):
        raise TooComplex(beyond)
    cleaned = nh3.clean(
        html,
        tags=TAGS,
        clean_content_tags=set(HIDDEN),
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        attribute_filter=_filter(look),
        set_tag_attribute_values={"a": {"target": "_blank"}, "area": {"target": "_blank"}},
        link_rel="noopener noreferrer",
    )
    return LINK.sub(_link_as_others, cleaned) if ' href="#' in cleaned or "<area " in cleaned else cleaned


def _link_as_others(link: re.Match[str]) -> str:
    """The tag of a link: without attributes for other pages if it leads to a place of the message, and that of an area
    with the attributes that `nh3` gives to all others.
    """
    tag = link[0]
    if ' href="#' in tag:
        return ELSEWHERE.sub("", tag)
    return f'{tag[:-1]} rel="noopener noreferrer">' if tag.startswith("<area") else tag


def _base(html: str) -> str:
    """The address to which relative ones belong (HTML §4.2.3); "" if the message has none."""
    element = BASE.search(html)
    address = unescape(element[1] or element[2] or element[3]).strip() if element is not None else ""
    return address if address.lower().startswith(("http://", "https://")) else ""


def _scheme(address: str) -> str:
    return address.strip().partition(":")[0].lower()


def _absolute(address: str, base: str) -> str:
    """Return an address with its scheme and host, where the message has them; others as they are."""
    bare = address.strip()
    if bare.startswith("//"):
        return f"https:{bare}"
    if SCHEME.match(bare) is not None:
        return address
    if base:
        try:
            return urljoin(base, bare)
        except ValueError:
            return address
    return f"https://{bare}" if bare.lower().startswith("www.") else address


def _pictures(images: Images, blocked: dict[str, int], base: str, *, external: bool) -> Callable[[str], str | None]:
    """The rules for addresses of pictures: the address as it is written, None to leave it out. What is left out
    because it is remote is counted in `blocked`, by host.
    """

    def allowed(address: str) -> str | None:
        address = _absolute(address, base)
        scheme = _scheme(address)
        if scheme == "cid":
            return images.get(address.strip()[4:])
        if scheme == "data":
            return address if DATA_IMAGE.match(address.strip()) else None
        if scheme not in ("http", "https"):
            return None
        if external:
            return address
        try:
            host = urlsplit(address).hostname or ""
        except ValueError:
            return None
        blocked[host] = blocked.get(host, 0) + 1
        return None

    return allowed


def _has_no_address(style: str) -> bool:
    """Whether no value of a style can have an address, nor be that of a custom property."""
    return "\\" not in style and ("(" not in style or PLAIN.issuperset(CALL.findall(style.lower())))


def _plain_style(style: str) -> str | None:
    """The allowed declarations of a style attribute that needn't be parsed; None for all others.

    Each declaration begins after a semicolon, whatever else the text has: none begins with another name. After a block
    in braces one could begin without it (CSS Syntax 3 §5.5.4).
    """
    if not _has_no_address(style) or UNUSUAL.search(style) is not None or OF_WINDOW.search(style) is not None:
        return None
    written: list[str] = []
    for declaration in style.split(";"):
        name, _, value = declaration.partition(":")
        name, value = name.strip().lower(), " ".join(value.split())
        if name == "background":
            # without the background colour, light text would be unreadable on a light page
            if BACKGROUND.fullmatch(value) is None:
                return None
            name = "background-color"
        if name in STYLES and value:
            written.append(f"{name}:{value}")
    return ";".join(written)


def _filter(look: Look) -> Callable[[str, str, str], str | None]:
    """The filter of attributes."""
    written: dict[str, str] = {}  # newsletters have a few styles, in each of their rows

    def restyled(value: str) -> str:
        style = written.get(value)
        if style is None:
            plain = None if look.plain or look.inked else _plain_style(value)
            style = safe_declarations(value, look) if plain is None else plain
            # each address of a picture is counted
            if _has_no_address(value):
                written[value] = style
        return style

    def keep(tag: str, attribute: str, value: str) -> str | None:
        match attribute:
            case "style":
                return restyled(value)
            case "background" if look.plain:
                return None
            case "background":
                remote = look.grey and _absolute(value, look.base).strip().lower().startswith("http")
                return look.picture(value) or (GREY_PIXEL if remote else None)
            case "bgcolor" if look.plain:
                return None
            case "color" if look.plain:
                return words_in_the_dark(value, value)
            case "src":
                return look.picture(value)
            case "href":
                address = value if value.startswith("#") else _absolute(value, look.base)
                return address if address.startswith("#") or _scheme(address) in LINKS else None
            case "usemap":
                return value if value.startswith("#") else None
            case _:
                return value

    return keep


def _body_style(html: str, look: Look) -> str:
    """The colours, the picture and styles of the body element, as declarations."""
    body = BODY_TAG.search(html)
    attributes = body[1] if body is not None else ""
    colours: dict[str, str] = {}
    for match in BODY_COLOUR.finditer(attributes):
        if COLOUR.match(match[2]):
            colours.setdefault(match[1].lower(), match[2])
    style = "".join(
        f"{name}:{colours[key]};"
        for key, name in (("bgcolor", "background-color"), ("text", "color"))
        if key in colours
    )
    if (found := BODY_PICTURE.search(attributes)) and '"' not in (address := unescape(found[1] or found[2] or "")):
        style += f'background-image:url("{address}");'
    if found := BODY_STYLE.search(attributes):
        style += unescape(found[1] or found[2] or "")
    return safe_declarations(style, look)


def _wrapped(style: str, cleaned: str) -> str:
    """The cleaned HTML in an element that has the style of the body element."""
    return (
        f'<div class="body" style="{escape(style)}">{cleaned}</div>' if style else f'<div class="body">{cleaned}</div>'
    )
