"""Sanitizer of HTML mail (WEBMAIL-53, 54, 79, 108, 109). Style sheets are sanitized by `sheets`.

nh3 (ammonia) parses as browsers do and keeps only allowed elements and attributes. Its cost is quadratic for some
inputs (design-facts §12): `bounds` refuses these, and the process that runs it has limits of time and memory
(docs/decisions/010). The Content-Security-Policy of the page is a second layer, which would suffice alone.
"""

import re
from collections.abc import Callable, Mapping
from html import escape, unescape
from typing import Final, Protocol
from urllib.parse import urlsplit

import msgspec
import nh3

from moxlite.sandbox.bounds import excess
from moxlite.sandbox.links import TooManyLinks, marked
from moxlite.sandbox.sheets import STYLES, safe_declarations, safe_sheets

MAX_HTML: Final = 10 * 1024 * 1024  # WEBMAIL-109

# fmt: off
TAGS: Final = {
    "a", "abbr", "acronym", "address", "article", "aside", "b", "bdi", "bdo", "big", "blockquote", "br", "caption",
    "center", "cite", "code", "col", "colgroup", "dd", "del", "details", "dfn", "div", "dl", "dt", "em",
    "figcaption", "figure", "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "i",
    "img", "ins", "kbd", "li", "main", "mark", "nav", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp",
    "section", "small", "span", "strike", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th",
    "thead", "time", "tr", "tt", "u", "ul", "var", "wbr",
}
# fmt: on
ATTRIBUTES: Final = {
    "*": {
        *("align", "bgcolor", "border", "class", "color", "dir", "height", "id", "lang", "style", "title", "valign"),
        "width",
    },
    "a": {"href", "name"},
    "col": {"span"},
    "colgroup": {"span"},
    "font": {"color", "face", "size"},
    "img": {"alt", "src"},
    "li": {"value"},
    "ol": {"reversed", "start", "type"},
    "table": {"cellpadding", "cellspacing"},
    "td": {"colspan", "rowspan", "nowrap"},
    "th": {"colspan", "rowspan", "nowrap", "scope"},
    "time": {"datetime"},
    "ul": {"type"},
}
SCHEMES: Final = {"http", "https", "mailto", "tel", "cid", "data"}
DATA_IMAGE: Final = re.compile(r"data:image/(?:png|gif|jpe?g|webp|bmp|avif|x-icon)[;,]", re.IGNORECASE)
BODY_TAG: Final = re.compile(r"<body\b([^<>]{0,2000})>", re.IGNORECASE)
COLOUR: Final = re.compile(r"#[0-9a-f]{3,8}|[a-z]{3,20}\Z", re.IGNORECASE)
BODY_STYLE: Final = re.compile(r"\bstyle\s{0,9}=\s{0,9}(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
BODY_COLOUR: Final = re.compile(r"\b(bgcolor|text)\s*=\s*[\"']?([#0-9a-zA-Z]{3,20})", re.IGNORECASE)

# The colour in the shorthand (CSS Backgrounds 3 §3.10), which is first or follows an image; each run is bounded.
BACKGROUND: Final = re.compile(
    r"(?<![\w-])background\s{0,9}:\s{0,9}(?:url\([^();]{0,500}\)\s{1,9})?"
    r"(#[0-9a-f]{3,8}|[a-z]{3,20}|(?:rgb|hsl)a?\([\d.,%\s]{1,40}\))(?=[\s;!]|\Z)",
    re.IGNORECASE,
)


class TooComplex(Exception):
    """The HTML exceeds a bound. The text is a sentence for the reader."""


class Images(Protocol):
    """Mapping from Content-ID to the data URI of an image of the message; a dictionary satisfies it."""

    def get(self, reference: str, /) -> str | None:
        """Return the data URI for ``cid:reference``, None to leave the image out. Called once per reference."""


class Sanitized(msgspec.Struct, frozen=True):
    """Sanitized HTML for the content of a body element. `blocked`: number of blocked remote resources by host;
    `coloured`: the HTML sets a colour of text or background.
    """

    html: str
    blocked: Mapping[str, int]
    coloured: bool


def sanitize(html: str, images: Images, *, external: bool) -> Sanitized:
    """Sanitize HTML. With `external`, remote images are kept; otherwise they are removed and counted.

    Raises TooComplex.
    """
    found = _Found()
    cleaned = _cleaned(html, images, found, external=external)
    sheet = safe_sheets(html)
    styled = f"<style>{sheet}</style>" if sheet else ""
    style = _body_style(html)
    try:
        shown = styled + _wrapped(style, marked(cleaned))
    except TooManyLinks as e:
        raise TooComplex("The HTML of this message has too many links to be shown.") from e
    return Sanitized(shown, found.blocked, found.coloured or _colours(style) or _colours(sheet))


def fragment(html: str, images: Images, *, external: bool, styled: bool) -> str:
    """HTML by the same rules, as a part of a message that is written (WEBMAIL-135): nothing is added to links.

    `styled`: with the style sheets and the body's style of a whole document; else the elements alone. Raises
    TooComplex.
    """
    cleaned = _cleaned(html, images, _Found(), external=external)
    if not styled:
        return cleaned
    sheet = safe_sheets(html)
    return (f"<style>{sheet}</style>" if sheet else "") + _wrapped(_body_style(html), cleaned)


def _cleaned(html: str, images: Images, found: "_Found", *, external: bool) -> str:
    """The allowed elements and attributes. Raises TooComplex."""
    if len(html) > MAX_HTML:
        raise TooComplex("The HTML of this message is too large to be shown.")
    if beyond := excess(html):
        raise TooComplex(beyond)
    return nh3.clean(
        html,
        tags=TAGS,
        clean_content_tags={"script", "style", "title"},
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        attribute_filter=_filter(images, found, external=external),
        filter_style_properties=STYLES,
        set_tag_attribute_values={"a": {"target": "_blank"}},
        link_rel="noopener noreferrer",
    )


class _Found:
    """Observations while the attributes are filtered; see `Sanitized`."""

    def __init__(self) -> None:
        self.blocked: dict[str, int] = {}
        self.coloured = False


def _colours(style: str) -> bool:
    """Whether declarations set a colour: of text, of a background, or of a border, which is drawn for one of them."""
    lower = style.lower()
    return "color" in lower or "background" in lower


def _filter(images: Images, found: _Found, *, external: bool) -> Callable[[str, str, str], str | None]:
    def keep(tag: str, attribute: str, value: str) -> str | None:
        if attribute in ("bgcolor", "color"):
            found.coloured = True
        if attribute == "style":
            found.coloured = found.coloured or _colours(value)
            # without the background colour, light text would be unreadable on a light page
            return BACKGROUND.sub(_background, value)
        if attribute not in ("src", "href"):
            return value
        scheme = value.strip().partition(":")[0].lower()
        if attribute == "href":
            return value if scheme in ("http", "https", "mailto", "tel") or value.startswith("#") else None
        if scheme == "cid":
            return images.get(value.strip()[4:])
        if scheme == "data":
            return value if DATA_IMAGE.match(value.strip()) else None
        if scheme not in ("http", "https"):
            return None
        if external:
            return value
        try:
            host = urlsplit(value).hostname or ""
        except ValueError:
            return None
        found.blocked[host] = found.blocked.get(host, 0) + 1
        return None

    return keep


def _background(match: re.Match[str]) -> str:
    """Replace the shorthand by its colour; the rest becomes a separate, invalid declaration that browsers ignore."""
    important = match.string[match.end() : match.end() + 9].lstrip().startswith("!")
    return f"background-color:{match[1]}{'' if important else ';'}"


def _body_style(html: str) -> str:
    """The colours and styles of the body element, as declarations."""
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
    if found := BODY_STYLE.search(attributes):
        style += safe_declarations(unescape(found[1] or found[2] or ""))
    return style


def _wrapped(style: str, cleaned: str) -> str:
    """The cleaned HTML in an element that has the style of the body element."""
    return (
        f'<div class="body" style="{escape(style)}">{cleaned}</div>' if style else f'<div class="body">{cleaned}</div>'
    )
