"""Folds the quote at the end of HTML mail: what the reader has seen before (WEBMAIL-165).

The input is the sanitizer's output: elements are closed, attributes are quoted, `<` and `&` are escaped. It is scanned
forward once, in linear time. Programs mark what they quote in three ways: by an element around it, by a head after
which all the rest is quoted, or by a bare blockquote after a line such as "On 3 November, Ada wrote:".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Final, NamedTuple

QUOTE: Final = "moxlite-quote"
"""Class of the element that is folded."""

TAG: Final = re.compile(r'<(/?)([a-z][a-z0-9]*+)([^"<>]*+(?:"[^"]*+"[^"<>]*+)*)>')
VOID: Final = frozenset({"br", "col", "hr", "img", "wbr"})
HINT: Final = re.compile(r"gmail_quote|yahoo_quoted|protonmail_quote|zmail_extra|<blockquote|divRplyFwdMsg|border-top:")
AROUND: Final = re.compile(
    r'class="(?:[^"]* )?(?:gmail_quote|yahoo_quoted|protonmail_quote|zmail_extra)[ "_]|type="cite"'
)
"""Attributes of an element that holds a quote: of Gmail, Yahoo, Proton and Zoho; of Apple Mail and Thunderbird."""

HEAD: Final = re.compile(
    r'id="(?:x_)*(?:divRplyFwdMsg|mail-editor-reference-message-container)"'
    r'|style="border:none;\s?border-top:\s?solid #(?:E1E1E1|B5C4DF) 1\.0pt',
    re.IGNORECASE,
)
"""Attributes of the head that Outlook on the web, and on the desk, puts above the rest of a quoted message."""

SAYS: Final = re.compile(r"\d[^\n]{0,200}:\Z")
"""The line before a bare blockquote: it has a date, and ends with a colon."""
FORWARDED: Final = re.compile(r"\A\s*-{4,}")
"""Text of what Gmail forwards."""
BEFORE: Final = 1000
"""Characters before a bare blockquote in which that line is."""
LINE: Final = re.compile(r"<(?:br|/?(?:div|p|td|tr|li|table|blockquote))\b[^<>]{0,200}>")
BLANK: Final = re.compile(r"(?:\s|&nbsp;|[\u200b\ufeff])+")


MAX_FOLDED: Final = 2_000_000
"""Characters of HTML in which quotes are looked for; takes at most 0.6 s (measured)."""


class _Quote(NamedTuple):
    """Indexes of a quote, of which the tags are a part."""

    start: int
    end: int


def folded(html: str, words: str) -> str:
    """Return `html` with its last quote behind `words`; unchanged without one, or without anything else to be seen."""
    if len(html) > MAX_FOLDED or HINT.search(html) is None:
        return html
    found = list(_quotes(html))
    if not found:
        return html
    start, end = found[-1]
    after = _seen(html[end:])
    # answers between quotes are not understood without what they answer
    if after and len(found) > 1:
        return html
    if not after and not any(_seen(piece) for piece in _between(html, found)):
        return html
    begin = f'<details class="{QUOTE}"><summary>{escape(words)}</summary>'
    return f"{html[:start]}{begin}{html[start:end]}</details>{html[end:]}"


def _between(html: str, found: list[_Quote]) -> Iterator[str]:
    """The pieces before each quote."""
    at = 0
    for start, end in found:
        yield html[at:start]
        at = end


def _quotes(html: str) -> Iterator[_Quote]:
    """The outermost quotes, in their order."""
    # each open element, the first for all: where it and its content begin, and a quote that its end ends; -1 for none
    opened: list[list[int]] = [[0, 0, -1]]
    quoted = 0  # elements of the quote that is open, with those in it
    rest = 0  # depth at which the rest of an element is quoted
    for tag in TAG.finditer(html):
        closing, name, attributes = tag[1], tag[2], tag[3]
        if name in VOID:
            continue
        if not closing:
            opened.append([tag.start(), tag.end(), -1])
            if quoted or rest:
                quoted += bool(quoted)
            elif HEAD.search(attributes):
                # the head alone in its element: that begins the quote
                alone = len(opened) > 2 and not _seen(html[opened[-2][1] : tag.start()])
                holder = -3 if alone else -2
                opened[holder][2] = opened[holder + 1][0]
                rest = len(opened) + holder + 1
            elif name in ("div", "blockquote") and _is_quote(html, name, attributes, tag):
                quoted = 1
            continue
        if len(opened) == 1:
            return
        start, _, begun = opened.pop()
        if quoted:
            quoted -= 1
            if not quoted:
                yield _Quote(start, tag.end())
        elif rest and len(opened) < rest:
            rest = 0
            yield _Quote(begun, tag.start())
    if rest:
        yield _Quote(opened[0][2], len(html))


def _is_quote(html: str, name: str, attributes: str, tag: re.Match[str]) -> bool:
    """Whether an element holds what was written before, and not what is forwarded."""
    if AROUND.search(attributes):
        return FORWARDED.match(TAG.sub("", html[tag.end() : tag.end() + BEFORE])) is None
    if name != "blockquote":
        return False
    lines = LINE.sub("\n", html[max(0, tag.start() - BEFORE) : tag.start()])
    return SAYS.search(BLANK.sub(" ", TAG.sub("", lines).strip().rpartition("\n")[2]).strip()) is not None


def _seen(html: str) -> bool:
    """Whether a reader sees anything of it."""
    return "<img" in html or BLANK.sub("", TAG.sub("", html)) != ""
