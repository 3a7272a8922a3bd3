"""Which text of HTML isn't shown to a reader: hidden by an attribute or a style, without size, or in the colour of the
page (STORE-88).

What senders hide must not count as what they say. This is no renderer: what isn't certainly hidden is shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

Colour: TypeAlias = tuple[int, int, int]
Hiding: TypeAlias = Literal["", "whole", "unless styled"]
"""How an element is hidden: with all that it has, or unless an element in it has a style of its own."""

MAX_OPEN: Final = 50
"""Elements that are open inside a hidden one: with more, the rest counts as shown."""

MAX_RULES: Final = 1000
"""Classes and ids of style sheets."""

MAX_ATTRIBUTES: Final = 4096
"""Characters of a tag that are read."""

SAME: Final = 16
"""Steps of 255 by which a colour may differ from the page's, and still can't be read."""

NAMED: Final[Mapping[str, Colour]] = {"white": (255, 255, 255), "black": (0, 0, 0)}

_VOID: Final = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
})  # fmt: skip
_UNCLOSED: Final = frozenset({
    "dd", "dt", "li", "optgroup", "option", "p", "tbody", "td", "tfoot", "th", "thead", "tr",
})  # fmt: skip
"""Elements that may end without a tag: they aren't relied on to hide anything but text up to the next tag of a kind."""

_INLINE: Final = frozenset({
    "a", "abbr", "b", "big", "br", "em", "font", "i", "img", "small", "span", "strong", "sub", "sup", "tt", "u", "wbr",
})  # fmt: skip
_STYLED: Final = ("style", "color", "hidden", "background")
_NAMED: Final = ("class", "id")
_ATTRIBUTE: Final = re.compile(r"""([^\s=/>"']+)(?:\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?""")
_SELECTOR: Final = re.compile(r"[a-z0-9]*([.#][a-z0-9_-]+)")
_ZERO: Final = re.compile(r"0*(?:\.0*)?(?:px|pt|em|rem|ex|%)?")
_TINY: Final = re.compile(r"[01]?(?:\.0*)?(?:px|pt)?|0(?:\.0[0-9]*)?(?:em|rem|%)")
_HEX: Final = re.compile(r"#?([0-9a-f]{6}|[0-9a-f]{3})")
_RGB: Final = re.compile(r"rgb\(\s{0,9}([0-9]{1,3})[\s,]{1,9}([0-9]{1,3})[\s,]{1,9}([0-9]{1,3})\s{0,9}\)")


class Curtain:
    """Follows the tags of HTML.

    `hidden` is the hidden element in which the text that comes next is, and what is open in it; empty if it's shown.
    """

    def __init__(self) -> None:
        self.hidden: list[str] = []
        self._how: Hiding = ""
        self._page: Colour | None = NAMED["white"]
        self._rules: dict[str, Hiding] = {}

    def read_sheet(self, text: str) -> None:
        """Learn what a style sheet hides by class or id, on any screen."""
        everywhere = _without_comments(text).lower().partition("@media")[0]
        if "background" in everywhere:
            self._page = None
        for rule in everywhere.split("}")[:-1]:
            names, _, declarations = rule.rpartition("{")
            how = _hiding(_declared(declarations), self._page)
            for name in names.rpartition("{")[2].split(",") if how else ():
                selector = _SELECTOR.fullmatch(name.strip())
                if selector is not None and len(self._rules) < MAX_RULES:
                    self._rules[selector[1]] = how

    def pass_tag(self, element: str, tag: str, *, closing: bool) -> None:
        """Pass the tag of an element; `tag` is what is in it after the name."""
        if closing:
            self._close(element)
        else:
            self._begin(element, tag)

    def _close(self, element: str) -> None:
        # The end of an element around the hidden one ends that, too.
        while self.hidden and self.hidden.pop() != element:
            pass

    def _begin(self, element: str, tag: str) -> None:
        if element in _VOID:
            return
        attributes: dict[str, str] = {}
        if tag:
            lower = tag.lower()
            if any(name in lower for name in (_STYLED + _NAMED if self._rules or self.hidden else _STYLED)):
                attributes = _attributes(tag)
        if self.hidden and not self._ends(element, attributes):
            self.hidden.append(element)
            return
        self.hidden.clear()
        self._how = self._hiding(attributes) if attributes else ""
        # A slash at the end closes nothing, but a sender may have meant it.
        if self._how and not tag.endswith("/"):
            self.hidden.append(element)
        elif attributes:
            self._see_ground(element, attributes)

    def _ends(self, element: str, attributes: Mapping[str, str]) -> bool:
        """Whether a start tag inside a hidden element means that it's shown from here on, or may be."""
        if len(self.hidden) >= MAX_OPEN:
            return True
        if self.hidden[0] in _UNCLOSED and element not in _INLINE:
            return True
        return self._how == "unless styled" and bool(attributes)

    def _hiding(self, attributes: Mapping[str, str]) -> Hiding:
        if "hidden" in attributes:
            return "whole"
        declared = _declared(attributes.get("style", "").lower())
        if "color" in attributes:
            declared.setdefault("color", attributes["color"].lower())
        if how := _hiding(declared, self._page):
            return how
        if "display" in declared or "visibility" in declared:
            return ""  # which undoes what a style sheet says
        names = [f".{name}" for name in attributes.get("class", "").lower().split()]
        names.append(f"#{attributes.get('id', '').lower()}")
        return next((self._rules[name] for name in names if name in self._rules), "")

    def _see_ground(self, element: str, attributes: Mapping[str, str]) -> None:
        """Note the colour of the page; that of a part of it makes all colours uncertain."""
        declared = _declared(attributes.get("style", "").lower())
        ground = _ground(declared) or attributes.get("bgcolor", "").lower() or attributes.get("background", "")
        if ground:
            self._page = _colour(ground) if element == "body" else None


def _attributes(tag: str) -> dict[str, str]:
    """The attributes of a tag; of two with the same name, the first counts."""
    attributes: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(tag[:MAX_ATTRIBUTES]):
        value = double or single or bare
        if "&" in value:
            from html import unescape  # 0.5 MB of names

            value = unescape(value)
        attributes.setdefault(name.lower(), value)
    return attributes


def _without_comments(style: str) -> str:
    """A style without its comments; one without an end goes on to the end of the text (CSS Syntax 3 §4.3.2)."""
    first, *rest = style.split("/*")
    return first + "".join(part.partition("*/")[2] for part in rest)


def _declared(style: str) -> dict[str, str]:
    """The declarations of a style in lower case."""
    found = {}
    for declaration in _without_comments(style).split(";"):
        name, _, value = declaration.partition(":")
        found[name.strip()] = value.replace("!important", "").strip()
    return found


def _ground(declared: Mapping[str, str]) -> str:
    return declared.get("background-color", "") or declared.get("background", "")


def _hiding(declared: Mapping[str, str], page: Colour | None) -> Hiding:
    """How a style hides an element on a page of that colour; None is an unknown one."""
    get = declared.get
    if get("display") == "none" or _ZERO.fullmatch(get("opacity", "1")):
        return "whole"
    sizes = [get(name, "1") for name in ("height", "max-height", "width", "max-width")]
    if get("overflow") == "hidden" and any(_ZERO.fullmatch(size) for size in sizes):
        return "whole"
    if get("visibility") in ("hidden", "collapse") or _TINY.fullmatch(get("font-size", "2")):
        return "unless styled"
    ground = _ground(declared)
    ink, paper = _colour(get("color", "")), _colour(ground) if ground else page
    if ink is not None and paper is not None and all(abs(a - b) <= SAME for a, b in zip(ink, paper, strict=True)):
        return "unless styled"
    return ""


def _colour(text: str) -> Colour | None:
    if text in NAMED:
        return NAMED[text]
    if match := _HEX.fullmatch(text):
        digits = match[1] if len(match[1]) == 6 else "".join(digit * 2 for digit in match[1])
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    if match := _RGB.fullmatch(text):
        return int(match[1]), int(match[2]), int(match[3])
    return None
