"""Sanitizer of style sheets, which also confines them to the message (WEBMAIL-53, 108, 109).

The output is serialized from parsed tokens (CSS Syntax 3), never copied: only rules and `@media`, properties of
`STYLES`, values of words, numbers, colours and lengths. Background pictures alone have addresses, each of
which `Look.picture` has allowed; no rule has one that applies only while the reader does something, or on some
screens, for its request would tell that. Each selector begins at the element that holds the message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final
from urllib.parse import quote

import tinycss2
from tinycss2 import color3

MAX_SHEETS: Final = 64 * 1024
"""Characters of all sheets of a message: takes 0.2 s (measured). Common mail readers allow 16 to 64 KiB."""
MAX_NESTING: Final = 4  # nested media queries, and brackets in values
ROOT: Final = ".body"
"""The element around the message (`sanitize.py`)."""

# fmt: off
# no property here but background-image takes a url(), and none places an element outside of the message
STYLES: Final = frozenset({
    "align-items", "background-color", "background-image", "background-position", "background-repeat",
    "background-size", "border", "border-bottom", "border-bottom-color", "border-bottom-style",
    "border-bottom-width", "border-collapse", "border-color", "border-left", "border-left-color",
    "border-left-style", "border-left-width", "border-radius", "border-right", "border-right-color",
    "border-right-style", "border-right-width", "border-spacing", "border-style", "border-top", "border-top-color",
    "border-top-style", "border-top-width", "border-width", "box-sizing", "clear", "color", "direction", "display",
    "flex", "flex-direction", "flex-wrap", "float", "font", "font-family", "font-size", "font-style",
    "font-variant", "font-weight", "gap", "height", "justify-content", "letter-spacing", "line-height",
    "list-style-position", "list-style-type", "margin", "margin-bottom", "margin-left", "margin-right", "margin-top",
    "max-height", "max-width", "min-height", "min-width", "object-fit", "opacity", "overflow", "overflow-wrap",
    "padding", "padding-bottom", "padding-left", "padding-right", "padding-top", "table-layout", "text-align",
    "text-decoration", "text-indent", "text-shadow", "text-transform", "unicode-bidi", "vertical-align", "visibility",
    "white-space", "width", "word-break", "word-spacing", "word-wrap",
})
# fmt: on
FONTS: Final = frozenset({"font", "font-family"})  # the only properties whose values may hold strings
FUNCTIONS: Final = frozenset({"rgb", "rgba", "hsl", "hsla", "calc", "min", "max", "clamp"})
COLOUR_FUNCTIONS: Final = frozenset({"rgb", "rgba", "hsl", "hsla"})
PSEUDO: Final = frozenset(
    {
        "active",
        "first-child",
        "first-of-type",
        "focus",
        "hover",
        "last-child",
        "last-of-type",
        "link",
        "only-child",
        "visited",
    }
)
NTH: Final = frozenset({"nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type"})
FEATURE_SIGNS: Final = frozenset({":", "<", ">", "=", "<=", ">=", "/"})
MATCHES: Final = frozenset({"=", "~=", "|=", "^=", "$=", "*="})
WORD: Final = re.compile(r"-?[a-zA-Z_][\w-]*\Z", re.ASCII)
TEXT: Final = re.compile(r"[^<>\\\"\n\r\f\0]*\Z")
HEX: Final = re.compile(r"(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\Z")
UNIT: Final = re.compile(r"[a-zA-Z]{1,8}\Z")

OPENING: Final = re.compile(r"<!--|<style(?=[\s>/])", re.IGNORECASE)
COMMENT_END: Final = re.compile(r"--!?>")
STYLE_TAG: Final = re.compile(r"<style[^>]{0,500}>", re.IGNORECASE)
STYLE_END: Final = re.compile(r"</style(?=[\s>/])", re.IGNORECASE)
MEDIA: Final = re.compile(r"\smedia\s{0,9}=\s{0,9}[\"']?([^\"'>]{0,200})", re.IGNORECASE)

GREY: Final = "#757575"
"""Behind words while their picture is not loaded: white and black on it have a contrast of 4.5 (WCAG 2.2 §1.4.3)."""
REPEATS: Final = frozenset({"repeat", "repeat-x", "repeat-y", "no-repeat", "round", "space"})
PLACES: Final = frozenset({"left", "right", "top", "bottom", "center"})
ACTING: Final = frozenset({"active", "focus", "hover", "link", "visited"})
"""Pseudo-classes that depend on what the reader does, or did."""
SCREENS: Final = frozenset({"", "all", "screen", "only screen"})
"""Media queries that say nothing of the reader."""
DARKEST: Final = 0.4
"""Lightness (HSL, CSS Color 4 §7) up to which a text is black on paper, and has our colour in a dark window."""
PALEST: Final = 0.97
"""Lightness from which a background is taken for paper."""


PAINT: Final = re.compile(
    r"\b(?:bgcolor|background(?:-color|-image)?)\s{0,9}[:=]\s{0,9}[\"']?([^;\"'<>{}]{1,200})", re.IGNORECASE
)
"""Attributes and declarations of backgrounds, as the text of HTML has them."""


@dataclass(frozen=True)
class Look:
    """How a message is shown.

    Attributes:
      picture: the address of a background picture as it may be written, None to leave it out.
      dark: the window is dark: rules for dark windows apply, else those for light ones.
      plain: without backgrounds, and without text colours that are dark.
      grey: a background stands for a picture that is left out.
      told: names of what was seen: "dark" for rules for a dark window.
    """

    picture: Callable[[str], str | None]
    dark: bool = False
    plain: bool = False
    grey: bool = True
    told: set[str] = field(default_factory=set)


# tinycss2 has no type hints: nodes are as documented, distinguished by `type`
Node = Any


BARE: Final = Look(lambda _: None, grey=False)
"""In a light window, without pictures."""


def safe_sheets(html: str, look: Look = BARE) -> str:
    """Return the allowed rules of all sheets of `html` as one sheet; "" if nothing is left."""
    rules: list[str] = []
    left = MAX_SHEETS
    for media, sheet in _sheets(html):
        # a truncated sheet could have another meaning
        if len(sheet) > left:
            break
        left -= len(sheet)
        try:
            query = _media(tinycss2.parse_component_value_list(media), look) if media.strip() else ""
            within = look if media.strip().lower() in SCREENS else _without_pictures(look)
            parsed = tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True)
            found = "".join(_rules(parsed, 0, within))
        except ValueError:  # a number of more digits than Python reads
            continue
        if found and query is not None:
            rules.append(f"@media {query}{{{found}}}" if query else found)
    written = "".join(rules)
    return "" if "</" in written else written


def safe_declarations(text: str, look: Look = BARE) -> str:
    """Return the allowed declarations of a style attribute."""
    try:
        return _declarations(look, tinycss2.parse_blocks_contents(text, skip_comments=True, skip_whitespace=True))
    except ValueError:  # as above
        return ""


def _sheets(html: str) -> Iterator[tuple[str, str]]:
    """Media query and text of each sheet. If a browser would delimit a sheet otherwise, its styles are left out."""
    at = 0
    while (match := OPENING.search(html, at)) is not None:
        if match[0] == "<!--":
            end = COMMENT_END.search(html, match.start() + 2)
            if end is None:
                return
            at = end.end()
            continue
        tag = STYLE_TAG.match(html, match.start())
        if tag is None:
            at = match.end()
            continue
        end = STYLE_END.search(html, tag.end())
        if end is None:
            return
        media = MEDIA.search(tag[0])
        yield (media[1] if media is not None else ""), html[tag.end() : end.start()]
        at = end.end()


def _without_pictures(look: Look) -> Look:
    """The same for rules that depend on the reader: the request for a picture would tell what the reader does."""
    return replace(look, picture=lambda _: None, grey=False)


def _acts(selector: str) -> bool:
    """Whether a selector depends on what the reader does: by a pseudo-class, or by what is unfolded."""
    return "[open" in selector or any(f":{one}" in selector for one in ACTING)


def _rules(nodes: Iterable[Node], depth: int, look: Look) -> Iterator[str]:
    for node in nodes:
        if node.type == "qualified-rule":
            # Each selector by itself: a browser drops a rule with one that it does not know, here the others are kept.
            selectors = [found for one in _split(node.prelude) if (found := _selector(one)) is not None]
            contents = tinycss2.parse_blocks_contents(node.content, skip_comments=True, skip_whitespace=True)
            within = _without_pictures(look) if any(_acts(selector) for selector in selectors) else look
            # pictures are counted whether or not a selector matches
            declarations = _declarations(within, contents)
            if selectors and declarations:
                yield f"{','.join(selectors)}{{{declarations}}}"
        elif node.type == "at-rule" and node.lower_at_keyword == "media" and node.content and depth < MAX_NESTING:
            query = _media(node.prelude, look)
            inner = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
            # Sizes, hover and colour schemes of the reader are told to a server by the picture that is loaded.
            everywhere = tinycss2.serialize(node.prelude).strip().lower() in SCREENS
            rules = "".join(_rules(inner, depth + 1, look if everywhere else _without_pictures(look)))
            if query and rules:
                yield f"@media {query}{{{rules}}}"


# Declarations


def _declarations(look: Look, nodes: Iterable[Node]) -> str:
    found: list[str] = []
    left_out = False
    coloured = False
    for node in nodes:
        if node.type != "declaration":
            continue
        for name, value in _expanded(node, look):
            if name == "background-image" and value is None:
                left_out = any((_address(one) or "").lower().startswith("http") for one in node.value)
            if value is None or (look.plain and _on_paper(name, node.value)):
                continue
            coloured = coloured or name == "background-color"
            # `parts.BEGIN` has rules for pictures that come before all others
            important = node.important and name != "background-image"
            found.append(f"{name}:{value}{'!important' if important else ''}")
    if left_out and not coloured and look.grey and not look.plain:
        found.append(f"background-color:{GREY}")
    return ";".join(found)


def _expanded(node: Node, look: Look) -> Iterator[tuple[str, str | None]]:
    """The allowed properties of a declaration with their values; an image whose address is left out has None."""
    name = node.lower_name
    if name == "background":
        # its colour, without which light text would be unreadable on a light page; its one picture, with its place
        yield from (("background-color", one) for one in [_colour(node.value)] if one is not None)
        addresses = [_address(one) for one in node.value]
        if any(address is not None for address in addresses):
            image = _image(node.value, look)
            yield "background-image", image
            if image is not None:
                yield from _place(node.value)
    elif name == "background-image":
        if any(_address(one) is not None for one in node.value):
            yield name, _image(node.value, look)
        elif (value := _value(node.value, 0)) is not None:
            yield name, value
    elif name in STYLES and (value := _value(node.value, 0, strings=name in FONTS)):
        yield name, value


def _address(node: Node) -> str | None:
    """The address of a `url()`, quoted or not (CSS Values 4 §4.5)."""
    if node.type == "url":
        return str(node.value).strip()
    if node.type == "function" and node.lower_name == "url":
        words = [argument for argument in node.arguments if argument.type not in ("whitespace", "comment")]
        if len(words) == 1 and words[0].type == "string":
            return str(words[0].value).strip()
    return None


def _image(nodes: Iterable[Node], look: Look) -> str | None:
    """Serialize the one picture of a background; None for several, and for one that may not be loaded."""
    addresses = [found for node in nodes if (found := _address(node)) is not None]
    if len(addresses) != 1 or (allowed := look.picture(addresses[0])) is None:
        return None
    # nothing is left that could end the string, the declaration or the sheet
    return f'url("{quote(allowed, safe="!#$&*+,-./:;=?@_~%[]")}")'


def _place(nodes: Iterable[Node]) -> Iterator[tuple[str, str]]:
    """The repetition, position and size of a `background` shorthand (CSS Backgrounds 3 §3.10)."""
    words: dict[str, list[str]] = {"repeat": [], "position": [], "size": []}
    at = "position"
    for node in nodes:
        word = _component(node, 0, strings=False) if node.type in ("ident", "percentage", "dimension", "number") else ""
        if node.type == "literal" and node.value == "/":
            at = "size"
        elif word and word.lower() in REPEATS:
            words["repeat"].append(word)
        elif word and (node.type != "ident" or word.lower() in (*PLACES, "auto", "cover", "contain")):
            words[at].append(word)
    yield from ((f"background-{name}", " ".join(found)) for name, found in words.items() if found)


def _on_paper(name: str, nodes: list[Node]) -> bool:
    """Whether a property is left out in a dark window: each background, and each dark colour of a text."""
    if name.startswith("background"):
        return True
    if name != "color":
        return False
    colours = [found for node in nodes if (found := lightness(node)) is not None]
    return not colours or min(colours) < DARKEST


def lightness(value: Node | str) -> float | None:
    """The lightness of a colour (HSL), 0 to 1; None for what is no colour, and for a transparent one."""
    try:
        found = color3.parse_color(value)
    except ValueError:
        return None
    if found is None or isinstance(found, str) or found.alpha == 0:
        return None
    return float(max(found[:3]) + min(found[:3])) / 2


def _value(nodes: Iterable[Node], depth: int, *, strings: bool = False) -> str | None:
    """Serialize a value; returns None if a part of it is not allowed."""
    written: list[str] = []
    for node in nodes:
        one = _component(node, depth, strings=strings)
        if one is None:
            return None
        written.append(one)
    return "".join(written).strip()


def _component(node: Node, depth: int, *, strings: bool) -> str | None:
    # A list of what is let through, written anew from values: what it does not name falls away, now and in later CSS.
    text: str | None = None
    match node.type:
        case "whitespace":
            text = " "
        case "comment":
            text = ""
        case "ident" if WORD.match(node.value):
            text = node.value
        case "number":
            text = node.representation
        case "percentage":
            text = f"{node.representation}%"
        case "dimension" if UNIT.match(node.unit):
            text = f"{node.representation}{node.unit}"
        case "hash" if HEX.match(node.value):
            text = f"#{node.value}"
        case "string" if strings and TEXT.match(node.value):
            text = f'"{node.value}"'
        case "literal" if node.value in (",", "/") or (depth and node.value in ("+", "-", "*")):
            text = node.value
        case "function" if node.lower_name in FUNCTIONS and depth < MAX_NESTING:
            inner = _value(node.arguments, depth + 1)
            text = f"{node.lower_name}({inner})" if inner else None
        case "() block" if depth and depth < MAX_NESTING:
            inner = _value(node.content, depth + 1)
            text = f"({inner})" if inner else None
        case _:
            pass
    return text


def _colour(nodes: Iterable[Node]) -> str | None:
    """Serialize the colour of a `background` shorthand (CSS Backgrounds 3 §3.10); returns None without one."""
    for node in nodes:
        plain = node.type in ("ident", "hash") or (node.type == "function" and node.lower_name in COLOUR_FUNCTIONS)
        if plain and color3.parse_color(node) is not None:
            return _component(node, 0, strings=False)
    return None


# Selectors


def _split(nodes: Iterable[Node]) -> list[list[Node]]:
    """Split a list at its commas."""
    parts: list[list[Node]] = [[]]
    for node in nodes:
        if node.type == "literal" and node.value == ",":
            parts.append([])
        elif node.type != "comment":
            parts[-1].append(node)
    return parts


def _selector(nodes: list[Node]) -> str | None:
    """Serialize a selector below the message's element; returns None if a part is not allowed or cannot match."""
    written: list[str] = []  # compounds, with a combinator between two
    compound = ""
    combinator = ""
    at = 0
    while at < len(nodes):
        node = nodes[at]
        at += 1
        if node.type == "whitespace" or (node.type == "literal" and node.value in (">", "+", "~")):
            if compound:
                written.append(compound)
                compound = ""
            if node.type == "literal":
                if combinator.strip() or not written:
                    return None
                combinator = node.value
            elif written:
                combinator = combinator or " "
            continue
        following = nodes[at] if at < len(nodes) else None
        one, used = _simple(node, following, first=compound == "")
        if one is None:
            return None
        if not compound and written:
            written.append(combinator)
        combinator = ""
        compound += one
        at += used
    if compound:
        written.append(compound)
    elif combinator.strip():
        return None
    return _below_root(written)


def _simple(node: Node, following: Node | None, *, first: bool) -> tuple[str | None, int]:
    """Serialize a simple selector (Selectors 4 §3). Also returns the number of following tokens that belong to it."""
    match node.type:
        case "ident" if first and WORD.match(node.value):
            return node.lower_value, 0
        case "hash" if WORD.match(node.value):
            return f"#{node.value}", 0
        case "[] block":
            return _attribute(node.content), 0
        case "literal" if node.value == "*" and first:
            return "*", 0
        case "literal" if node.value == "." and following is not None and following.type == "ident":
            return (f".{following.value}" if WORD.match(following.value) else None), 1
        case "literal" if node.value == ":" and following is not None:
            return _pseudo(following), 1
    return None, 0


def _pseudo(node: Node) -> str | None:
    if node.type == "ident" and node.lower_value in PSEUDO | {"root"}:
        return f":{node.lower_value}"
    if node.type == "function" and node.lower_name in NTH:
        inner = _value(node.arguments, 1)
        return f":{node.lower_name}({inner})" if inner else None
    return None


def _attribute(nodes: Iterable[Node]) -> str | None:
    match [node for node in nodes if node.type not in ("whitespace", "comment")]:
        case [name] if name.type == "ident" and WORD.match(name.value):
            return f"[{name.lower_value}]"
        case [name, sign, value] if (
            name.type == "ident"
            and WORD.match(name.value)
            and sign.type == "literal"
            and sign.value in MATCHES
            and value.type in ("ident", "string")
            and TEXT.match(value.value)
        ):
            return f'[{name.lower_value}{sign.value}"{value.value}"]'
    return None


def _below_root(written: list[str]) -> str | None:
    """Join compounds and combinators below the message's element, which replaces `html` and `body`."""
    compounds, combinators = written[::2], written[1::2]
    roots = [bool(re.match(r"(?:html|body|:root)(?![\w-])", one)) for one in compounds]
    count = roots.index(False) if False in roots else len(roots)
    if not compounds or any(roots[count:]) or any(one in ("+", "~") for one in combinators[:count]):
        return None
    if count == len(compounds):
        return ROOT
    before = combinators[count - 1] if count else " "
    rest = [compounds[count]]
    for sign, one in zip(combinators[count:], compounds[count + 1 :], strict=True):
        rest += [sign, one]
    return ROOT + before + "".join(rest)


# Media queries


def _media(nodes: Iterable[Node], look: Look) -> str | None:
    """Serialize a media query. Returns None if a part is not allowed."""
    written: list[str] = []
    for node in nodes:
        if node.type in ("ident", "whitespace", "comment") or (node.type == "literal" and node.value == ","):
            component = _component(node, 0, strings=False)
        else:
            component = _feature(node.content, look) if node.type == "() block" else None
        if component is None:
            return None
        written.append(component)
    return "".join(written).strip()


def _feature(nodes: list[Node], look: Look) -> str | None:
    """Serialize a condition of a media query, such as `(max-width: 600px)`. One of the scheme becomes one that is
    always true, or None: the window may have another scheme than the browser.
    """
    words = [node.lower_value for node in nodes if node.type == "ident"]
    if words[:1] == ["prefers-color-scheme"]:
        if words[1:] == ["dark"]:
            look.told.add("dark")
        return "(min-width:0)" if words[1:] == ["dark" if look.dark else "light"] else None
    written: list[str] = []
    for node in nodes:
        if node.type == "literal" and node.value in FEATURE_SIGNS:
            component = node.value
        elif node.type in ("ident", "number", "dimension", "whitespace", "comment"):
            component = _component(node, 0, strings=False)
        else:
            component = None
        if component is None:
            return None
        written.append(component)
    return f"({''.join(written)})"


# Backgrounds


@cache
def _paints(value: str) -> bool:
    """Whether a background has a picture, or a colour that is not that of paper."""
    if any(sign in value.lower() for sign in ("url(", "://", "cid:", "data:")):
        return True
    nodes = tinycss2.parse_component_value_list(value)
    shades = [lightness(node) for node in nodes]
    # a function is a gradient, or a colour that is not understood
    unknown = any(node.type == "function" and color3.parse_color(node) is None for node in nodes)
    return unknown or any(shade is not None and shade < PALEST for shade in shades)


def paints(html: str) -> bool:
    """Whether HTML has a background that is not that of paper, as far as its text tells."""
    try:
        return any(_paints(match[1]) for match in PAINT.finditer(html))
    except ValueError:  # a number of more digits than Python reads
        return True
    finally:
        _paints.cache_clear()
