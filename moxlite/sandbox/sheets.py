"""Sanitizer of style sheets, which also confines them to the message (WEBMAIL-53, 108, 109).

The output is serialized from parsed tokens (CSS Syntax 3), never copied: only rules and `@media`, properties of
`STYLES`, values of words, numbers, colours and lengths. Background pictures alone have addresses, each of
which `Look.picture` has allowed; no rule has one that applies only while the reader does something, or on some
screens, for its request would tell that. Each selector begins at the element that holds the message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final
from urllib.parse import quote

import tinycss2

from moxlite.sandbox.values import (
    DARKEST,
    GREY,
    LEGIBLE,
    MAX_NESTING,
    PLACES,
    REPEATS,
    TEXT,
    VISIBLE,
    WORD,
    Node,
    address_of,
    colour_text,
    component_text,
    define,
    first_colour,
    gradient_text,
    ink_on,
    lightened,
    lightness,
    resolved,
    shade_of,
    split_at_commas,
    value_text,
)

MAX_SHEETS: Final = 64 * 1024
"""Characters of all sheets of a message: takes 0.2 s (measured). Common mail readers allow 16 to 64 KiB."""
ROOT: Final = ".body"
"""The element around the message (`sanitize.py`)."""

# fmt: off
# no property here but background-image takes a url(), and none places an element outside of the message
STYLES: Final = frozenset({
    "align-content", "align-items", "align-self", "aspect-ratio", "background-clip", "background-color",
    "background-image", "background-origin", "background-position", "background-repeat", "background-size", "border",
    "border-bottom", "border-bottom-color", "border-bottom-left-radius", "border-bottom-right-radius",
    "border-bottom-style", "border-bottom-width", "border-collapse", "border-color", "border-left",
    "border-left-color", "border-left-style", "border-left-width", "border-radius", "border-right",
    "border-right-color", "border-right-style", "border-right-width", "border-spacing", "border-style", "border-top",
    "border-top-color", "border-top-left-radius", "border-top-right-radius", "border-top-style", "border-top-width",
    "border-width", "box-sizing", "caption-side", "clear", "color", "column-count", "column-gap", "column-rule",
    "column-width", "columns", "direction", "display", "empty-cells", "flex", "flex-basis", "flex-direction",
    "flex-flow", "flex-grow", "flex-shrink", "flex-wrap", "float", "font", "font-family", "font-size", "font-style",
    "font-variant", "font-weight", "gap", "grid-auto-columns", "grid-auto-flow", "grid-auto-rows", "grid-column",
    "grid-gap", "grid-row", "grid-template-columns", "grid-template-rows", "height", "hyphens", "justify-content",
    "justify-items", "justify-self", "letter-spacing", "line-height", "list-style", "list-style-position",
    "list-style-type", "margin", "margin-bottom", "margin-left", "margin-right", "margin-top", "max-height",
    "max-width", "min-height", "min-width", "object-fit", "object-position", "opacity", "order", "overflow",
    "overflow-wrap", "overflow-x", "overflow-y", "padding", "padding-bottom", "padding-left", "padding-right",
    "padding-top", "place-content", "place-items", "row-gap", "table-layout", "tab-size", "text-align",
    "text-align-last", "text-decoration", "text-decoration-color", "text-decoration-line", "text-decoration-style",
    "text-decoration-thickness", "text-indent", "text-orientation", "text-overflow", "text-shadow", "text-transform",
    "text-underline-offset", "unicode-bidi", "vertical-align", "visibility", "white-space", "width", "word-break",
    "word-spacing", "word-wrap", "writing-mode", "-webkit-background-clip",
})
# fmt: on
FONTS: Final = frozenset({"font", "font-family"})  # the only properties whose values may hold strings
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

# Custom properties, which the message itself can't have. On `GREY`, words are black or white, whichever their colour is
# more like, since no other colour can be read there: `color: #336699` becomes `color: var(--dark-ink, #336699)`.
DARK_INK: Final = "--dark-ink"
LIGHT_INK: Final = "--light-ink"
INK: Final = "--ink"
"""Black or white of the words around, for words on grey without a colour of their own."""
ON_GREY: Final = f"{DARK_INK}:#000;{LIGHT_INK}:#fff"
OFF_GREY: Final = f"{DARK_INK}:initial;{LIGHT_INK}:initial"

PICTURE: Final = "picture"
"""Name for a picture that is left out, among properties."""
PLACING: Final = {"repeat": "repeat", "position": "0% 0%", "size": "auto"}
"""Properties of a background that place its pictures, with their initial values."""
HALF: Final = 0.5
"""Lightness above which words are lost on white."""
LINES: Final = ("border", "column-rule", "text-decoration")
"""Beginnings of the names of properties that draw lines."""

OPENING: Final = re.compile(r"<!--|<style(?=[\s>/])", re.IGNORECASE)
COMMENT_END: Final = re.compile(r"--!?>")
STYLE_TAG: Final = re.compile(r"<style[^>]{0,500}>", re.IGNORECASE)
STYLE_END: Final = re.compile(r"</style(?=[\s>/])", re.IGNORECASE)
MEDIA: Final = re.compile(r"\smedia\s{0,9}=\s{0,9}[\"']?([^\"'>]{0,200})", re.IGNORECASE)

ACTING: Final = frozenset({"active", "focus", "hover", "link", "visited"})
"""Pseudo-classes that depend on what the reader does, or did."""
SCREENS: Final = frozenset({"", "all", "screen", "only screen"})
"""Media queries that say nothing of the reader."""
ROOTS: Final = frozenset({":root", "html", "body", "*"})
"""Selectors of rules whose custom properties are for the whole message."""
MAX_VARIABLES: Final = 500
"""Custom properties for the whole message. A framework's sheet has up to a hundred."""


@dataclass(frozen=True)
class Look:
    """How a message is shown.

    Attributes:
      picture: the address of a background picture as it may be written, None to leave it out.
      dark: the window is dark: rules for dark windows apply, else those for light ones.
      plain: without backgrounds, and without text colours that are dark.
      grey: a colour stands for a background that is left out, so that words on it can be read.
      inked: such a colour may be there: on it, each colour of words is black or white (`INK`).
      quiet: nothing stands for a picture, since other rules may have one, unless the same rule has light words.
      variables: custom properties for the whole message.
      base: the address to which relative ones belong, "" for none.
      told: names of what was seen: "dark" for rules for a dark window.
    """

    picture: Callable[[str], str | None]
    dark: bool = False
    plain: bool = False
    grey: bool = True
    inked: bool = False
    quiet: bool = False
    variables: Mapping[str, list[Node]] = field(default_factory=dict)
    base: str = ""
    told: set[str] = field(default_factory=set)


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


def variables_of(html: str, look: Look) -> dict[str, list[Node]]:
    """The custom properties that sheets set for the whole message, up to `MAX_VARIABLES`."""
    variables: dict[str, list[Node]] = {}
    left = MAX_SHEETS
    for media, sheet in _sheets(html) if "var(" in html.lower() else ():
        left -= len(sheet)
        if left < 0:
            break
        if media.strip().lower() in SCREENS:
            try:
                rules = tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True)
                _define_in(rules, variables, look)
            except ValueError:  # as above
                continue
    return dict(islice(variables.items(), MAX_VARIABLES))


def _define_in(rules: Iterable[Node], variables: dict[str, list[Node]], look: Look) -> None:
    for rule in rules:
        if rule.type == "qualified-rule":
            if not ROOTS.isdisjoint(tinycss2.serialize(one).strip().lower() for one in split_at_commas(rule.prelude)):
                define(variables, tinycss2.parse_blocks_contents(rule.content), dark=look.dark)
        elif (
            rule.type == "at-rule"
            and rule.lower_at_keyword == "media"
            and rule.content
            # of the rules for other schemes and sizes, those for this scheme alone are certain to apply
            and _media(rule.prelude, look) == "(min-width:0)"
        ):
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            _define_in((one for one in inner if one.type == "qualified-rule"), variables, look)


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
    return replace(look, picture=lambda _: None, quiet=True)


def _acts(selector: str) -> bool:
    """Whether a selector depends on what the reader does: by a pseudo-class, or by what is unfolded."""
    return "[open" in selector or any(f":{one}" in selector for one in ACTING)


def _rules(nodes: Iterable[Node], depth: int, look: Look) -> Iterator[str]:
    for node in nodes:
        if node.type == "qualified-rule":
            # Each selector by itself: a browser drops a rule with one that it does not know, here the others are kept.
            selectors = [found for one in split_at_commas(node.prelude) if (found := _selector(one)) is not None]
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
    declarations = [node for node in nodes if node.type == "declaration"]
    variables = look.variables
    if any(node.name.startswith("--") for node in declarations):
        variables = dict(variables)
        define(variables, declarations, dark=look.dark)
    written: list[str] = []
    kept: dict[str, str] = {}
    missing: set[str] = set()
    for node in declarations:
        value = node.value
        if any(one.type == "function" for one in value):
            value = resolved(value, variables, dark=look.dark)
        for name, text in _expanded(node.lower_name, value, look):
            if text is None:
                missing.add(name)
                continue
            if look.plain and (text := _in_the_dark(name, value, text)) is None:
                continue
            # `parts.BEGIN` has rules for pictures that come before all others
            important = node.important and name != "background-image"
            kept[name] = text
            written += (f"{one}{'!important' if important else ''}" for one in _written(name, value, text, look))
    if look.grey and not look.plain:
        written += _stand_ins(kept, missing, look)
    return ";".join(written)


def _written(name: str, value: Iterable[Node], text: str, look: Look) -> Iterator[str]:
    """A declaration; for a colour of words also that of the colour that they have on grey."""
    shades = (shade_of(node) for node in value) if look.inked and name == "color" else ()
    shade = next((shade for shade in shades if shade is not None), None)
    if shade is None:
        yield f"{name}:{text}"
        return
    own, ink = (DARK_INK, "#000") if ink_on(shade) == "#fff" else (LIGHT_INK, "#fff")
    yield f"{name}:var({own},{text})"
    yield f"{INK}:{ink}"


def _stand_ins(kept: Mapping[str, str], missing: Container[str], look: Look) -> Iterator[str]:
    """The colours that stand for backgrounds and for words whose own are left out."""
    paper = kept.get("background-color")
    if paper is None:
        lost = PICTURE in missing and (not look.quiet or (lightness(kept.get("color", "black")) or 1) > HALF)
        unknown = "background-image" not in kept and ("background" in missing or "background-color" in missing)
        paper = GREY if lost or unknown else _behind_gradient(kept)
        if paper is not None:
            yield f"background-color:{paper}"
    if look.inked and paper is not None:
        yield from _inks(paper, kept, missing, look)
    if "color" in missing and "color" not in kept and paper is not None and (shade := shade_of(paper)) is not None:
        yield f"color:{ink_on(shade)}"


def _inks(paper: str, kept: Mapping[str, str], missing: Container[str], look: Look) -> Iterator[str]:
    """The declarations by which words on a background can be read (`INK`)."""
    if paper == GREY:
        yield ON_GREY
        if "color" not in kept and "color" not in missing:
            yield f"color:var({INK},{'#fff' if look.dark else '#000'})"
    elif (shade := shade_of(paper)) is not None and shade.alpha == 1:
        yield OFF_GREY


def _behind_gradient(kept: Mapping[str, str]) -> str | None:
    """The first colour of a gradient that covers all its element, for where pictures aren't drawn (folded quotes)."""
    image = kept.get("background-image", "")
    if "gradient(" not in image or "url(" in image or any(f"background-{name}" in kept for name in PLACING):
        return None
    colours = list(first_colour(tinycss2.parse_component_value_list(image)))
    shades = [shade_of(colour) for colour in colours]
    if not colours or any(shade is None or shade.alpha < 1 for shade in shades):
        return None
    return component_text(colours[0], 0, strings=False)


def _expanded(name: str, nodes: list[Node], look: Look) -> Iterator[tuple[str, str | None]]:
    """The allowed properties of a declaration with their values; None for what is left out, of which `PICTURE` is one
    that is not loaded.
    """
    if name == "background":
        # its colour, without which light text would be unreadable on a light page; its pictures, with their places
        yield from islice((("background-color", text) for node in nodes if (text := colour_text(node))), 1)
        yield from _pictures(nodes, look)
    elif name == "background-image" and any(node.type in ("function", "url") for node in nodes):
        yield from ((part, text) for part, text in _pictures(nodes, look) if part[11:] not in PLACING)
    elif name in STYLES:
        yield name, value_text(nodes, 0, strings=name in FONTS) or None


def _pictures(nodes: list[Node], look: Look) -> Iterator[tuple[str, str | None]]:
    """The pictures of a background: gradients, and one with an address, if it may be loaded."""
    alone = sum(address_of(node) is not None for node in nodes) == 1
    layers: list[tuple[str, list[Node]]] = []
    for layer in split_at_commas(nodes):
        for node in layer:
            address = address_of(node)
            if address is not None:
                text = _picture(address, look) if alone else None
                if text is None and (look.base or address.lower().startswith(("http", "//", "cid:"))):
                    yield PICTURE, None
            else:
                text = gradient_text(node)
                if text is None and node.type == "function" and component_text(node, 0, strings=False) is None:
                    yield "background", None
            if text is not None:
                layers.append((text, layer))
    if layers:
        yield "background-image", ",".join(text for text, _ in layers)
        yield from _places([layer for _, layer in layers])


def _picture(address: str, look: Look) -> str | None:
    allowed = look.picture(address)
    # nothing is left that could end the string, the declaration or the sheet
    return None if allowed is None else f'url("{quote(allowed, safe="!#$&*+,-./:;=?@_~%[]")}")'


def _places(layers: list[list[Node]]) -> Iterator[tuple[str, str]]:
    """The repetition, position and size of a `background` shorthand (CSS Backgrounds 3 §3.10), for each picture."""
    places = [_place(layer) for layer in layers]
    for name, initial in PLACING.items():
        if any(name in place for place in places):
            yield f"background-{name}", ",".join(place.get(name, initial) for place in places)


def _place(layer: list[Node]) -> dict[str, str]:
    words: dict[str, list[str]] = {}
    at = "position"
    for node in layer:
        word = (
            component_text(node, 0, strings=False)
            if node.type in ("ident", "percentage", "dimension", "number")
            else ""
        )
        if node.type == "literal" and node.value == "/":
            at = "size"
        elif word and word.lower() in REPEATS:
            words.setdefault("repeat", []).append(word)
        elif word and (node.type != "ident" or word.lower() in (*PLACES, "auto", "cover", "contain")):
            words.setdefault(at, []).append(word)
    return {name: " ".join(texts) for name, texts in words.items()}


def _in_the_dark(name: str, nodes: list[Node], text: str) -> str | None:
    """A property in a dark window: no background, no dark words but in the window's colour, and no words or lines that
    hardly differ from the page.
    """
    if name.startswith(("background", "-webkit-background")):
        return None
    if name == "color":
        return words_in_the_dark(next((node for node in nodes if shade_of(node) is not None), ""), text)
    if name.startswith(LINES):
        parts = (lightened(node, VISIBLE) or component_text(node, 0, strings=False) or "" for node in nodes)
        return "".join(parts).strip()
    return text


def words_in_the_dark(colour: Node | str, text: str) -> str | None:
    """A colour of words in a dark window, of which `text` is its text; None for the window's own."""
    light = lightness(colour)
    return None if light is None or light < DARKEST else lightened(colour, LEGIBLE) or text


# Selectors


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
        inner = value_text(node.arguments, 1)
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
            component = component_text(node, 0, strings=False)
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
    # the frame is as high as its page: a rule for some heights would change what it depends on
    if any(word.endswith(("height", "aspect-ratio")) or word == "orientation" for word in words):
        return None
    written: list[str] = []
    for node in nodes:
        if node.type == "literal" and node.value in FEATURE_SIGNS:
            component = node.value
        elif node.type in ("ident", "number", "dimension", "whitespace", "comment"):
            component = component_text(node, 0, strings=False)
        else:
            component = None
        if component is None:
            return None
        written.append(component)
    return f"({''.join(written)})"
