"""Bounds on HTML before it is parsed: they exclude input for which parsers take quadratic time or memory (WEBMAIL-109,
109b; HTML §13.2).

They are counted on the text, in one pass. A mail can be written so that this count is wrong; then the limits of the
process apply. With the bounds, the reader gets the error at once and no process has to be killed.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

# 10,000 nested elements take 0.2 s, 20,000 take 0.8 (measured); the nesting of a page with fewer tags is not counted
MAX_FREE_TAGS: Final = 10_000
MAX_DEPTH: Final = 512  # WEBMAIL-109; browsers stop at 512 as well

MAX_FORMATTING: Final = 600
"""Number of formatting elements that are open at once: each new one is compared with all (the Noah's Ark clause). 4,900
take 2.8 s (measured); no real mail has a tenth of that.
"""

SAME: Final = 3
"""Largest number of open formatting elements with the same attributes."""

MAX_REBUILT: Final = 250_000
"""Number of elements that a parser reconstructs: after each block, the formatting elements that were open in it
(§13.2.4.3). A million takes 250 MB and 2.7 s (measured).
"""

MAX_ATTRIBUTES: Final = 2_000
"""Number of attributes of a tag: each is compared with all others. 20,000 take 1.3 s (measured)."""

MAX_UNCLOSED: Final = 100
"""Number of formatting elements without an end tag in HTML that is not counted tag by tag. Counting takes 0.1 s for a
megabyte.
"""

LONG_TAG: Final = 3 * MAX_ATTRIBUTES
"""Characters from which on the attributes of a tag are counted: a shorter tag cannot have too many different ones."""

# HTML §13.2.5: a tag; matches like a tokenizer if the tag is well-formed. The groups are atomic, so that matching takes
# linear time. They are not possessive: groups with "*+" and "?+" match wrongly before Python 3.11.5.
TAG: Final = re.compile(
    r"<(?P<end>/?)(?P<name>[a-zA-Z][^\s/>]*+)"
    r"(?>(?:[\s/]*+[^\s\"'<>/=]++(?>(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'>][^\s>]*+))?))*)[\s/]*+>"
)
ATTRIBUTE: Final = re.compile(r"[\s/]([^\s/>=\"']++)")
NAME: Final = re.compile(r"</?([a-zA-Z][^\s/>]{0,40})")
FORMATS: Final = re.compile(r"<(/?(?:b|big|code|em|font|i|s|small|strike|strong|tt|u))[\s/>]", re.IGNORECASE)
LONG: Final = re.compile(rf"[^<>]{{{LONG_TAG}}}")
COMMENT_END: Final = re.compile(r"--!?>")
RAW_END: Final = {name: re.compile(rf"</{name}[\s/>]", re.IGNORECASE) for name in ("style", "title")}
"""End tags of the elements in ordinary mail whose content is text without tags (§13.2.5.2, §13.2.5.4)."""
VOID: Final = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"]
)
FORMATTING: Final = frozenset(["b", "big", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u"])
"""Formatting elements (HTML §13.2.4.3), without `a` and `nobr`: a second one of these ends the first."""
CELLS: Final = frozenset(["td", "th", "caption"])
"""Elements whose end closes the formatting elements in them (§13.2.4.3: markers)."""
# these end when their next sibling begins, so a thousand of them without end tags are not nested
SELF_ENDING: Final = frozenset(
    [
        "p",
        "li",
        "dd",
        "dt",
        "tr",
        "td",
        "th",
        "tbody",
        "thead",
        "tfoot",
        "colgroup",
        "caption",
        "option",
        "optgroup",
        "rt",
        "rp",
    ]
)
# these switch the parser to another grammar; no mail of that size has them
FOREIGN: Final = frozenset(
    [
        "script",
        "textarea",
        "xmp",
        "iframe",
        "noembed",
        "noframes",
        "noscript",
        "plaintext",
        "svg",
        "math",
        "select",
        "template",
        "frameset",
    ]
)


def excess(html: str) -> str:
    """Return a sentence for the reader about the bound that the HTML exceeds; "" if it may be parsed."""
    tags = html.count("<")
    if tags > MAX_FREE_TAGS and depth(html) > MAX_DEPTH:
        return "This message's HTML is nested too deeply to display."
    # Two searches by compiled patterns tell for nearly all mail that counting tag by tag can be spared.
    if _unclosed(html) <= MAX_UNCLOSED and LONG.search(html) is None:
        return ""
    return _ElementCounter(html).excess


def _unclosed(html: str) -> int:
    """Number of formatting elements without an end tag anywhere in the HTML."""
    tags = Counter(tag.lower() for tag in FORMATS.findall(html))
    return sum(max(0, count - tags["/" + name]) for name, count in tags.items() if name[0] != "/")


class _ElementCounter:
    """Counter of the elements of HTML, tag by tag, until a bound is exceeded."""

    def __init__(self, html: str) -> None:
        self._levels = [_Level()]
        """A level for all that is outside of tables, and one for the current cell of each open table."""
        self._rebuilt = 0
        """Number of elements reconstructed in cells that have ended."""
        self.excess = self._count(html)

    def _count(self, html: str) -> str:
        at = html.find("<")
        while 0 <= at < len(html):
            if html.startswith("<!--", at):
                end = COMMENT_END.search(html, at + 2)
                if end is None:
                    break
                at = html.find("<", end.end())
                continue
            name = NAME.match(html, at)
            if name is None:
                at = html.find("<", at + 1)
                continue
            tag = TAG.match(html, at)
            close = tag.end() if tag is not None else html.find(">", at)
            if close < 0:
                close = len(html)
            if close - at > LONG_TAG and _attributes(html, at, close) > MAX_ATTRIBUTES:
                return "This message's HTML has a tag with too many attributes to display."
            element, closing = name[1].lower(), html[at + 1] == "/"
            if element in RAW_END and not closing:
                end = RAW_END[element].search(html, close)
                if end is None:
                    break
                close = end.end()
            else:
                self._step(element, html[at : min(close, at + LONG_TAG)], closing=closing)
                level = self._levels[-1]
                if level.formats > MAX_FORMATTING or self._rebuilt + level.rebuilt > MAX_REBUILT:
                    return "This message's HTML has too many open formatting tags to display."
            at = html.find("<", close)
        return ""

    def _step(self, element: str, tag: str, *, closing: bool) -> None:
        """Count one tag."""
        # A cell or row ends the one before it, whatever is open there, so each has a level of its own; a table inside a
        # cell begins another.
        level = self._levels[-1]
        if element == "table":
            if not closing:
                self._levels.append(_Level())
            elif len(self._levels) > 1:
                self._leave()
        elif element in CELLS or element == "tr":
            if len(self._levels) > 1:
                self._leave()
                self._levels.append(_Level())
        elif element in FORMATTING:
            if closing:
                level.close_format(element)
            else:
                level.open_format(element, tag)
        elif closing:
            level.end(element)
        elif element not in VOID:
            if element in SELF_ENDING:
                level.end(element)
            level.begin(element)

    def _leave(self) -> None:
        self._rebuilt += self._levels.pop().rebuilt


class _Level:
    """The open elements in a cell of a table, or outside of all tables.

    Attributes:
      formats: number of open formatting elements. rebuilt: number of formatting elements that were reconstructed.
    """

    def __init__(self) -> None:
        self.formats = 0
        self.rebuilt = 0
        self._opened: list[tuple[str, str]] = []
        """Name of each open element, the innermost last, with its whole tag for formatting elements, "" for others."""
        self._count: dict[tuple[str, str], int] = {}
        self._orphans: list[tuple[str, str]] = []
        """Formatting elements whose block has ended: the parser reconstructs them before the next text (§13.2.4.3)."""

    def begin(self, element: str) -> None:
        """Open an element that is not a formatting element."""
        self._push((element, ""))
        self._rebuild()

    def open_format(self, element: str, tag: str) -> None:
        """Open a formatting element. A parser keeps at most three equal ones (§13.2.4.3)."""
        self._rebuild()
        if self._count.get((element, tag), 0) < SAME:
            self._push((element, tag))
            self.formats += 1

    def close_format(self, element: str) -> None:
        """Close the innermost formatting element with this name."""
        self._rebuild()
        for at in range(len(self._opened) - 1, -1, -1):
            name, tag = self._opened[at]
            if name == element and tag:
                self._count[self._opened.pop(at)] -= 1
                self.formats -= 1
                return

    def end(self, element: str) -> None:
        """Close an element that is not a formatting element, and the formatting elements that are open in it."""
        key = (element, "")
        if not self._count.get(key):
            return
        ended: list[tuple[str, str]] = []
        while (inner := self._opened.pop()) != key:
            self._count[inner] -= 1
            if inner[1]:
                ended.append(inner)
        self._count[key] -= 1
        self._orphans = ended[::-1] + self._orphans

    def _rebuild(self) -> None:
        if self._orphans:
            self.rebuilt += len(self._orphans)
            for orphan in self._orphans:
                self._push(orphan)
            self._orphans = []

    def _push(self, key: tuple[str, str]) -> None:
        self._opened.append(key)
        self._count[key] = self._count.get(key, 0) + 1


def _attributes(html: str, start: int, end: int) -> int:
    count = 0
    for _ in ATTRIBUTE.finditer(html, start, end):
        count += 1
        if count > MAX_ATTRIBUTES:
            break
    return count


def depth(html: str) -> int:
    """Return an upper bound of the nesting depth of elements, up to a small factor (cells in their tables).

    An end tag counts only if it ends the innermost element. Malformed or foreign content counts as too deep.
    """
    opened: list[str] = []
    deepest = 0
    at = html.find("<")
    while 0 <= at < len(html):
        if html.startswith("<!--", at):
            match = COMMENT_END.search(html, at + 2)
        elif html.startswith("<![CDATA", at):
            return len(html)
        elif html.startswith(("<!", "<?"), at):
            end = html.find(">", at)
            at = html.find("<", end) if end >= 0 else -1
            continue
        elif not html[at + 1 : at + 2].isalpha() and not html.startswith("</", at):
            at = html.find("<", at + 1)
            continue
        else:
            match = TAG.match(html, at)
            if match is None or match["name"].lower() in FOREIGN:
                return len(html)
            name = match["name"].lower()
            if match["end"]:
                if opened and opened[-1] == name:
                    opened.pop()
            elif name in RAW_END:
                match = RAW_END[name].search(html, match.end())
            elif name not in VOID and name not in SELF_ENDING:
                opened.append(name)
                deepest = max(deepest, len(opened))
        if match is None:  # a comment or style without an end extends to the end of the text
            break
        at = html.find("<", match.end())
    return deepest
