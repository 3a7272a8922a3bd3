"""Values of CSS declarations in messages: written anew from tokens, and the colours in them (WEBMAIL-53, 167, 168).

A list of what is let through (`component_text`): what it doesn't name falls away, now and in later CSS. No value but
that of a background picture has an address, and `sheets` writes that one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from math import ceil
from typing import Any, Final, NamedTuple

import tinycss2
from tinycss2 import ast, color4

# tinycss2 has no type hints: nodes are as documented, distinguished by `type`
Node = Any

MAX_NESTING: Final = 4  # nested media queries, and brackets in values

COLOUR_FUNCTIONS: Final = frozenset(
    {"color", "color-mix", "hsl", "hsla", "hwb", "lab", "lch", "oklab", "oklch", "rgb", "rgba"}
)
_SHAPES: Final = ("linear-gradient", "radial-gradient", "conic-gradient")
GRADIENTS: Final = frozenset(
    {f"{before}{shape}" for shape in _SHAPES for before in ("", "repeating-", "-webkit-")} | {"-webkit-gradient"}
)
"""Pictures made of colours, angles and lengths: they have no address."""
FUNCTIONS: Final = COLOUR_FUNCTIONS | {"calc", "clamp", "fit-content", "max", "min", "minmax", "repeat"}
WITHIN_GRADIENTS: Final = FUNCTIONS | {"color-stop", "from", "to"}
WORD: Final = re.compile(r"-?[a-zA-Z_][\w-]*\Z", re.ASCII)
TEXT: Final = re.compile(r"[^<>\\\"\n\r\f\0]*\Z")
HEX: Final = re.compile(r"(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\Z")
UNIT: Final = re.compile(r"[a-zA-Z]{1,8}\Z")

HEIGHT: Final = 8.0
"""Pixels of a hundredth of the window's height: the frame is as high as its page, so its own height tells nothing."""
VIEWPORT: Final = re.compile(r"(?:[sld]?v|cq)(?:h|b|min|max)\Z", re.IGNORECASE)
"""Units that depend on the height of the window (CSS Values 4 §6.1.2), also where there is no container."""

PLACES: Final = frozenset({"left", "right", "top", "bottom", "center"})
REPEATS: Final = frozenset({"repeat", "repeat-x", "repeat-y", "no-repeat", "round", "space"})
NO_COLOURS: Final = frozenset({
    *PLACES, *REPEATS, "auto", "cover", "contain", "scroll", "fixed", "local", "border-box", "padding-box",
    "content-box", "text", "none", "inherit", "initial", "unset", "revert", "revert-layer",
})  # fmt: skip
"""Words of a background (CSS Backgrounds 3 §3.10) that aren't colours."""

GREY: Final = "#757575"
"""Behind words while their picture is not loaded: white and black on it have a contrast of 4.5 (WCAG 2.2 §1.4.3)."""
DARK_PAPER: Final = "#141a1e"
"""The page in a dark window (`parts.DARK`)."""
LEGIBLE: Final = 4.5
"""Contrast of words on their page (WCAG 2.2 §1.4.3)."""
VISIBLE: Final = 3.0
"""Contrast of lines on their page (WCAG 2.2 §1.4.11)."""
DARKEST: Final = 0.4
"""Lightness (HSL, CSS Color 4 §7) up to which a text is black on paper, and has our colour in a dark window."""
PALEST: Final = 0.97
"""Lightness from which a background is taken for paper."""
MAX_VALUE: Final = 16
"""Tokens of a custom property that is put in. Fonts and colours have fewer."""


# Writing


def value_text(nodes: Iterable[Node], depth: int, *, strings: bool = False) -> str | None:
    """Serialize a value; returns None if a part of it is not allowed."""
    written: list[str] = []
    for node in nodes:
        text = component_text(node, depth, strings=strings)
        if text is None:
            return None
        written.append(text)
    return "".join(written).strip()


def component_text(node: Node, depth: int, *, strings: bool, functions: frozenset[str] = FUNCTIONS) -> str | None:
    """Serialize a token with all in it; returns None if it is not allowed."""
    if node.type == "function" and node.lower_name in functions and depth < MAX_NESTING:
        return _block_text(node.lower_name, node.arguments, depth, functions)
    if node.type == "() block" and 0 < depth < MAX_NESTING:
        return _block_text("", node.content, depth, functions)
    if node.type == "literal":
        return node.value if node.value in (",", "/") or (depth and node.value in ("+", "-", "*")) else None
    if node.type == "string":
        return f'"{node.value}"' if strings and TEXT.match(node.value) else None
    return _token_text(node)


def _token_text(node: Node) -> str | None:
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
        case "dimension" if VIEWPORT.match(node.unit):
            text = _height_text(node)
        case "dimension" if UNIT.match(node.unit):
            text = f"{node.representation}{node.unit}"
        case "hash" if HEX.match(node.value):
            text = f"#{node.value}"
        case _:
            pass
    return text


def gradient_text(node: Node) -> str | None:
    """Serialize a gradient; returns None for all else."""
    if node.type != "function" or node.lower_name not in GRADIENTS:
        return None
    return _block_text(node.lower_name, node.arguments, 0, WITHIN_GRADIENTS)


def _block_text(name: str, nodes: Iterable[Node], depth: int, functions: frozenset[str]) -> str | None:
    parts = [component_text(node, depth + 1, strings=False, functions=functions) for node in nodes]
    inner = "".join(part for part in parts if part is not None).strip()
    return f"{name}({inner})" if inner and None not in parts else None


def _height_text(node: Node) -> str:
    """A length of the window's height in pixels; the width remains what it is."""
    pixels = f"{node.value * HEIGHT:g}px"
    unit = node.unit.lower()
    return f"{unit[-3:]}({node.representation}vw,{pixels})" if unit[-3:] in ("min", "max") else pixels


def address_of(node: Node) -> str | None:
    """The address of a `url()`, quoted or not (CSS Values 4 §4.5)."""
    if node.type == "url":
        return str(node.value).strip()
    if node.type == "function" and node.lower_name == "url":
        words = [argument for argument in node.arguments if argument.type not in ("whitespace", "comment")]
        if len(words) == 1 and words[0].type == "string":
            return str(words[0].value).strip()
    return None


def split_at_commas(nodes: Iterable[Node]) -> list[list[Node]]:
    """Split a list at its commas."""
    parts: list[list[Node]] = [[]]
    for node in nodes:
        if node.type == "literal" and node.value == ",":
            parts.append([])
        elif node.type != "comment":
            parts[-1].append(node)
    return parts


# Custom properties (CSS Variables 1), and functions that choose


def define(variables: dict[str, list[Node]], nodes: Iterable[Node], *, dark: bool) -> None:
    """Add the custom properties among declarations. Those that need earlier ones have their values."""
    for node in nodes:
        if node.type == "declaration" and node.name.startswith("--"):
            value = resolved(node.value, variables, dark=dark)
            if _size(value, 0) <= MAX_VALUE:
                variables[node.name] = value


def _size(nodes: Iterable[Node], depth: int) -> int:
    """The number of tokens of a value with those in its functions; above all bounds for one that is nested deeply."""
    if depth > MAX_NESTING:
        return MAX_VALUE + 1
    return sum(1 + (_size(node.arguments, depth + 1) if node.type == "function" else 0) for node in nodes)


def resolved(nodes: Iterable[Node], variables: Mapping[str, list[Node]], *, dark: bool, depth: int = 0) -> list[Node]:
    """A value with the values of its custom properties, and with one colour of each `light-dark()`."""
    written: list[Node] = []
    for node in nodes:
        if node.type != "function" or depth >= MAX_NESTING:
            written.append(node)
            continue
        parts = split_at_commas(node.arguments)
        if node.lower_name == "light-dark" and len(parts) == 2:
            chosen = parts[dark]
        elif node.lower_name == "var":
            name = "".join(part.value for part in parts[0] if part.type == "ident")
            chosen = variables.get(name) or _fallback(node.arguments) or [node]
        else:
            arguments = resolved(node.arguments, variables, dark=dark, depth=depth + 1)
            written.append(ast.FunctionBlock(node.source_line, node.source_column, node.name, arguments))
            continue
        written += chosen if chosen == [node] else resolved(chosen, variables, dark=dark, depth=depth + 1)
    return written


def _fallback(arguments: list[Node]) -> list[Node]:
    """What follows the first comma of a `var()`."""
    at = next((at for at, node in enumerate(arguments) if node.type == "literal" and node.value == ","), None)
    return [] if at is None else arguments[at + 1 :]


# Colours


class Shade(NamedTuple):
    """A colour of sRGB, each channel from 0 to 1."""

    red: float
    green: float
    blue: float
    alpha: float

    @property
    def lightness(self) -> float:
        """HSL lightness (CSS Color 4 §7)."""
        return (max(self[:3]) + min(self[:3])) / 2

    @property
    def luminance(self) -> float:
        """Relative luminance (WCAG 2.2)."""
        red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in self[:3])
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue


_DARK_SHADE: Final = Shade._make((*(int(DARK_PAPER[at : at + 2], 16) / 255 for at in (1, 3, 5)), 1.0))


def shade_of(value: Node | str) -> Shade | None:
    """The colour of a token; None for what is no colour, for a transparent one, and for colours beyond sRGB."""
    try:
        colour = color4.parse_color(value)
        if colour is None or isinstance(colour, str) or colour.alpha == 0:
            return None
        red, green, blue = (min(1.0, max(0.0, float(one or 0))) for one in colour.to("srgb").coordinates)
    except (ValueError, TypeError, NotImplementedError):
        return None
    return Shade(red, green, blue, float(colour.alpha))


def lightness(value: Node | str) -> float | None:
    """The lightness of a colour (HSL), 0 to 1; None for what is no colour, and for a transparent one."""
    shade = shade_of(value)
    return None if shade is None else shade.lightness


def contrast(one: Shade, other: Shade) -> float:
    """The contrast of two colours, 1 to 21 (WCAG 2.2)."""
    lighter, darker = sorted((one.luminance, other.luminance), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def ink_on(paper: Shade) -> str:
    """Black or white, whichever is read better."""
    return "#fff" if paper.luminance < 0.18 else "#000"


def colour_text(node: Node) -> str | None:
    """Serialize a token that is a colour, or could be the name of one; None for all else."""
    if node.type == "ident":
        return component_text(node, 0, strings=False) if node.lower_value not in NO_COLOURS else None
    if node.type == "hash" or (node.type == "function" and node.lower_name in COLOUR_FUNCTIONS):
        return component_text(node, 0, strings=False)
    return None


def lightened(value: Node | str, least: float) -> str | None:
    """A colour of the same hue with at least that contrast to the page of a dark window; None if it has it as it is, or
    is no colour.
    """
    shade = shade_of(value)
    if shade is None or contrast(shade, _DARK_SHADE) >= least:
        return None
    # the way to white keeps the hue; eight steps are finer than a channel's step is seen
    low, high = 0.0, 1.0
    for _ in range(8):
        middle = (low + high) / 2
        low, high = (low, middle) if contrast(_toward_white(shade, middle), _DARK_SHADE) >= least else (middle, high)
    red, green, blue, _ = _toward_white(shade, high)
    return f"#{ceil(red * 255):02x}{ceil(green * 255):02x}{ceil(blue * 255):02x}"


def _toward_white(shade: Shade, share: float) -> Shade:
    red, green, blue = (channel + (1 - channel) * share for channel in shade[:3])
    return Shade(red, green, blue, 1.0)


# Backgrounds


PAINT: Final = re.compile(
    r"\b(?:bgcolor|background(?:-color|-image)?)\s{0,9}[:=]\s{0,9}[\"']?([^;\"'<>{}]{1,200})", re.IGNORECASE
)
"""Attributes and declarations of backgrounds, as the text of HTML has them."""
PICTURE_ATTRIBUTE: Final = re.compile(r"\sbackground\s{0,9}=", re.IGNORECASE)
CALL: Final = re.compile(r"(?<![\w-])([\w-]*)\(")
KEPT: Final = COLOUR_FUNCTIONS | GRADIENTS | WITHIN_GRADIENTS
"""Functions of backgrounds that are never left out."""


def paints(html: str) -> bool:
    """Whether HTML has a background that is not that of paper, as far as its text tells."""
    try:
        return any(_paints(match[1]) for match in PAINT.finditer(html))
    except ValueError:  # a number of more digits than Python reads
        return True
    finally:
        _paints.cache_clear()


def may_lose(html: str) -> bool:
    """Whether HTML has backgrounds that could be left out, as far as its text tells: pictures, or unknown functions."""
    try:
        return PICTURE_ATTRIBUTE.search(html) is not None or any(
            _may_be_lost(match[1].lower()) for match in PAINT.finditer(html)
        )
    finally:
        _may_be_lost.cache_clear()


@cache
def _may_be_lost(value: str) -> bool:
    return not KEPT.issuperset(CALL.findall(value))


@cache
def _paints(value: str) -> bool:
    """Whether a background has a picture, or a colour that is not that of paper."""
    if any(sign in value.lower() for sign in ("url(", "://", "cid:", "data:")):
        return True
    return any(_is_painted(node) for node in tinycss2.parse_component_value_list(value))


def _is_painted(node: Node) -> bool:
    shade = shade_of(node)
    if shade is not None:
        return shade.lightness < PALEST
    if node.type != "function":
        return False
    # a gradient, a colour that is not understood, or one beyond sRGB
    colour = color4.parse_color(node)
    return colour is None or isinstance(colour, str) or colour.alpha != 0


def first_colour(nodes: Iterable[Node]) -> Iterator[Node]:
    """The tokens in gradients that are colours of sRGB, in their order."""
    for node in nodes:
        if node.type == "function" and node.lower_name in GRADIENTS | {"color-stop", "from", "to"}:
            yield from first_colour(node.arguments)
        elif node.type in ("hash", "ident", "function") and shade_of(node) is not None:
            yield node
