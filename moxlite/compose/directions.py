"""The direction of text that is sent as HTML: right to left, or left to right, by its first strong letter (UAX #9, P2).

Programs that read mail, Outlook among them, don't find a direction by themselves, nor by ``dir="auto"``. So each block
of a message with letters from right to left names its own.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias
from unicodedata import bidirectional

Direction: TypeAlias = Literal["ltr", "rtl"]

_TO_LEFT: Final = re.compile(
    "[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
"""Characters that may be of a script from right to left. The sanitizer writes none of them as a reference."""

# fmt: off
_LEAVES: Final = frozenset({
    "address", "article", "aside", "center", "div", "dt", "figcaption", "footer", "h1", "h2", "h3", "h4", "h5", "h6",
    "header", "main", "p", "pre", "section",
})
# fmt: on
"""Blocks whose direction is that of the text directly in them."""

_WHOLES: Final = frozenset({"blockquote", "dd", "dl", "li", "ol", "table", "td", "th", "ul"})
"""Blocks whose direction is that of all text in them: it places bars, bullets, and columns."""

_BLOCKS: Final = _LEAVES | _WHOLES
_TAG: Final = re.compile(r'<(/?)([a-z][a-z0-9]*)((?: (?:[^"<>]|"[^"]*")*)?)>')
"""A tag as the sanitizer writes it."""

_NAMED: Final = re.compile(r' dir="(?:ltr|rtl)"')


def direction_of(text: str) -> Direction | None:
    """The direction of a text by its first strong letter; None without one."""
    for letter in text:
        match bidirectional(letter):
            case "L":
                return "ltr"
            case "R" | "AL":
                return "rtl"
            case _:
                pass
    return None


def has_direction(text: str) -> bool:
    """Whether a text, or HTML, may have letters from right to left."""
    return _TO_LEFT.search(text) is not None


def with_directions(html: str) -> str:
    """Sanitized HTML whose blocks name their directions, if it has letters from right to left. What its author has
    named stays, with all in it. Linear in the length of `html`.
    """
    if not has_direction(html):
        return html
    blocks = _Blocks(html, named_too=False)
    written = blocks.written()
    return f'<div dir="{blocks.outside}">{written}</div>' if blocks.outside else written


def without_directions(html: str) -> str:
    """Sanitized HTML without the directions that `with_directions` would name: they follow the text when it changes."""
    if not has_direction(html):
        return html
    return _Blocks(html, named_too=True).bare()


class _Blocks:
    """Finds the direction of each block of sanitized HTML. With `named_too`, of those that have one, too."""

    def __init__(self, html: str, *, named_too: bool) -> None:
        self.outside: Direction | None = None
        """Direction of the text that is in no block."""
        self._pieces: list[str] = []
        self._found: dict[int, Direction] = {}
        """Directions, by the places of tags in `_pieces`."""
        self._open: list[tuple[str, int]] = []
        """Blocks that are open: the name, and the place of the tag, -1 for one that gets no direction."""
        self._waiting: list[int] = []
        """Places of open blocks whose direction is that of the next letter in them."""
        self._fixed = 0
        """Blocks that are open in one whose author has named a direction, with that one."""
        end = 0
        for tag in _TAG.finditer(html):
            self._say(html[end : tag.start()])
            end = tag.end()
            name = tag[2]
            self._pieces.append(tag[0])
            if name not in _BLOCKS:
                continue
            if tag[1]:
                self._close(name)
            elif self._fixed or (_NAMED.search(tag[3]) and not named_too):
                self._fixed += 1
                self._open.append((name, -1))
            else:
                self._open.append((name, len(self._pieces) - 1))
                if name in _WHOLES:
                    self._waiting.append(len(self._pieces) - 1)
        self._say(html[end:])

    def written(self) -> str:
        """The HTML with the directions."""
        return "".join(
            f'{piece[:-1]} dir="{self._found[at]}">' if at in self._found else piece
            for at, piece in enumerate(self._pieces)
        )

    def bare(self) -> str:
        """The HTML without directions that are as found."""
        return "".join(
            piece.replace(f' dir="{self._found[at]}"', "", 1) if at in self._found else piece
            for at, piece in enumerate(self._pieces)
        )

    def _close(self, name: str) -> None:
        if self._open and self._open[-1][0] == name:
            _, at = self._open.pop()
            self._fixed -= at < 0
            if self._waiting[-1:] == [at]:
                self._waiting.pop()

    def _say(self, text: str) -> None:
        self._pieces.append(text)
        if self._fixed or (direction := direction_of(text)) is None:
            return
        if not self._open:
            self.outside = self.outside or direction
            return
        self._found.setdefault(self._open[-1][1], direction)
        self._found.update(dict.fromkeys(self._waiting, direction))
        self._waiting.clear()
