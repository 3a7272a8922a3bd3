"""Folds the quote at the end of HTML mail: text that the reader has seen before (WEBMAIL-165).

The input is the sanitizer's output: elements are closed, attributes are quoted, `<` and `&` are escaped. It is scanned
forward, in linear time. Programs mark quotes in three ways: by an element around it, by a head after which all the rest
is quoted, or by a bare blockquote after a line such as "On 3 November, Ada wrote:".

Senders also write inside the element of their program, below or between the quoted parts. So only the parts that the
program itself put there are folded (`_inside`). If this isn't certain, the quote stays open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape, unescape
from itertools import islice
from typing import Final, NamedTuple

from moxlite.proto.mime.quotes import FROM, ORIGINAL, SUBJECT, TO, is_all_quoted, label_of

QUOTE: Final = "moxlite-quote"
"""Class of the element that is folded."""

TAG: Final = re.compile(r'<(/?)([a-z][a-z0-9]*+)([^"<>]*+(?:"[^"]*+"[^"<>]*+)*)>')
VOID: Final = frozenset({"area", "br", "col", "hr", "img", "wbr"})
HINT: Final = re.compile(
    r"gmail_quote|yahoo_quoted|protonmail_quote|zmail_extra|<blockquote|<hr|divRplyFwdMsg|OLK_SRC_BODY|border-top|-{4}"
    r"|MsoNormal"
)
CONTAINER: Final = re.compile(r'class="[^"]*(?:gmail_quote|yahoo_quoted|protonmail_quote|zmail_extra)[ "_]')
"""Attributes of an element that holds a quote and the line before it: of Gmail, Yahoo, Proton and Zoho."""
AROUND: Final = re.compile(r'type="cite"|id="(?:x_)*(?:mail-editor-reference-message-container|OLK_SRC_BODY_SECTION)"')
"""Attributes of an element that holds nothing but a quote: of Apple Mail and Thunderbird; of Outlook on a phone and, of
old, on a Mac.
"""

HEAD: Final = re.compile(
    r'id="(?:x_)*divRplyFwdMsg"'
    r'|style="border:none;\s?border-top:\s?solid #(?:E1E1E1|B5C4DF) 1\.0pt',
    re.IGNORECASE,
)
"""Attributes of the head that Outlook on the web, and on the desk, puts above the rest of a quoted message."""

LINED: Final = re.compile(r"border-top(?:-style)?:[^;]{0,40}solid", re.IGNORECASE)
"""Style of the head of other Outlooks, and of Windows Mail."""
NAMED: Final = re.compile(rf"(?:<[^<>]{{0,500}}>|\s){{0,9}}{ORIGINAL}", re.IGNORECASE)
"""The line above the head of a plain quote."""
BOLD: Final = re.compile(r"(?:<[^<>]{0,500}>|\s){0,9}<b>(?:<[^<>]{0,500}>|\s){0,9}[^<>:]{2,20}:")
"""The first label of a head of Outlook's."""
SMALL: Final = re.compile(r'font\b[^<>]{0,200} size="1"[^<>]{0,200}>[^<>:]{2,20}:')
"""The first label of a head of Notes, which has its line below."""
MAX_HEADS: Final = 500
"""Places in a message where the head of a quoted message is looked for; each costs some 30 µs."""

COMMENT: Final = re.compile(r"<b><i>(?:<span\b[^<>]*>)?\s?\[[^\[\]<>]{2,60}\]")
"""The name of the sender that Outlook on the desk can put before words among quoted text."""

SAYS: Final = re.compile(r"\d[^\n]{0,200}[:：]\Z")
"""The line before a bare blockquote: it has a date, and ends with a colon."""
FORWARDED: Final = re.compile(r"\A\s*-{4,}+[^\d\n-]{0,60}-")
"""Text of what Gmail forwards. Zoho has a line with a date between dashes above what it quotes."""
BEFORE: Final = 1000
"""Characters before a bare blockquote in which that line is."""
LINE: Final = re.compile(r"<(?:br|/?(?:div|p|td|tr|li|table|blockquote))\b[^<>]{0,200}>")
BEGINS: Final = frozenset({"br", "div", "hr", "p", "pre", "span", "td"})
"""Elements that the line of a plain quote follows."""
CLOSED: Final = re.compile(r"(?:</[a-z]{1,10}>|\s|&nbsp;){0,20}")
BLANK: Final = re.compile(r"(?:\s|&nbsp;|[\u200b\u200e\u200f\ufeff])+")

MAX_LEVELS: Final = 4
"""Elements within each other in which the parts of a container are looked for; Yahoo has the most, two."""
MAX_LINES: Final = 20
"""Elements before a quote among which its line is looked for."""
MAX_FOLDED: Final = 2_000_000
"""Characters of HTML in which quotes are looked for; takes at most 0.6 s (measured)."""


class _Quote(NamedTuple):
    """Indexes of a quote, of which the tags are a part."""

    start: int
    end: int


class _Element(NamedTuple):
    """Indexes of an element and of its content."""

    name: str
    start: int
    inside: int
    close: int
    end: int


def folded(html: str, words: str, answered: str | None = None) -> str:
    """Return `html` with its last quote behind `words`; unchanged without one, or without anything else to be seen.
    `answered` has the letters of the answered message (`proto.mime.quotes`), None if it isn't there.
    """
    if len(html) > MAX_FOLDED or HINT.search(html) is None:
        return html
    quotes = list(_quotes(html, answered))
    if not quotes:
        return html
    start, end = quotes[-1]
    after = _seen(html[end:])
    # answers between quotes are not understood without what they answer
    if after and len(quotes) > 1:
        return html
    if not after and not any(_seen(piece) for piece in _between(html, quotes)):
        return html
    begin = f'<details class="{QUOTE}"><summary>{escape(words)}</summary>'
    return f"{html[:start]}{begin}{html[start:end]}</details>{html[end:]}"


def _between(html: str, quotes: list[_Quote]) -> Iterator[str]:
    """The pieces before each quote."""
    at = 0
    for start, end in quotes:
        yield html[at:start]
        at = end


def _quotes(html: str, answered: str | None) -> Iterator[_Quote]:
    """The outermost quotes, in their order."""
    # each open element, the first for all: where it and its content begin, and a quote that its end ends; -1 for none
    opened: list[list[int]] = [[0, 0, -1]]
    quoted = 0  # elements of the quote that is open, with those in it
    rest = 0  # depth at which the rest of an element is quoted
    container = False  # the quote that is open is a container
    head = 0  # where the head of such a rest begins
    heads = _Heads(html)
    for tag in TAG.finditer(html):
        closing, name, attributes = tag[1], tag[2], tag[3]
        if name in VOID:
            if not quoted and not rest and heads.begins(tag):
                rest = _holder(html, opened, tag)
                head = opened[rest][0] if rest < len(opened) else tag.start()
                opened[rest - 1][2] = head
            continue
        if not closing:
            opened.append([tag.start(), tag.end(), -1])
            if quoted or rest:
                quoted += bool(quoted)
            elif HEAD.search(attributes) or heads.begins(tag):
                # the head alone in its element: that begins the quote
                alone = len(opened) > 2 and not _seen(html[opened[-2][1] : tag.start()])
                holder = -3 if alone else -2
                opened[holder][2] = opened[holder + 1][0]
                rest = len(opened) + holder + 1
                head = tag.start()
            elif name in ("div", "blockquote", "span") and _is_quote(html, name, attributes, tag):
                quoted = 1
                container = name == "div" and CONTAINER.search(attributes) is not None
            continue
        if len(opened) == 1:
            return
        start, inside, begun = opened.pop()
        if quoted:
            quoted -= 1
            if not quoted and container:
                yield from _inside(html, _Element(name, start, inside, tag.start(), tag.end()))
            elif not quoted:
                yield _Quote(start, tag.end())
        elif rest and len(opened) < rest:
            rest = 0
            yield from _below(html, _Quote(begun, tag.start()), head, answered)
    if rest:
        yield from _below(html, _Quote(opened[0][2], len(html)), head, answered)


def _holder(html: str, opened: list[list[int]], line: re.Match[str]) -> int:
    """The depth of the element whose rest a line begins: without those that hold the line, or the head below, alone."""
    closed = CLOSED.match(html, line.end())
    rest = len(opened) if closed is None else max(1, len(opened) - closed[0].count("<"))
    if 1 < rest < len(opened) and not _seen(html[opened[rest - 1][1] : opened[rest][0]]):
        rest -= 1
    return rest


class _Heads:
    """Finds the heads of quoted messages by their words: sender and subject below a line, or a line in words."""

    def __init__(self, html: str) -> None:
        self._html = html
        self._left = MAX_HEADS

    def begins(self, tag: re.Match[str]) -> bool:
        """Whether the head of a quoted message begins with this tag, or right after it."""
        named = NAMED.match(self._html, tag.end()) is not None if tag[2] in BEGINS else False
        lined = tag[2] == "hr" or ("border-top" in tag[3] and LINED.search(tag[3]) is not None)
        # Outlook wrote no line above some heads, Notes above none
        bold = "MsoNormal" in tag[3] and BOLD.match(self._html, tag.end()) is not None
        small = tag[2] == "font" and SMALL.match(self._html, tag.start() + 1) is not None
        plain = not (named or lined) and (bold or small)
        if not self._left or not (named or lined or plain):
            return False
        self._left -= 1
        text = self._html[tag.end() : tag.end() + 2 * BEFORE]
        if "divRplyFwdMsg" in text[:BEFORE]:
            return False  # that begins it
        labels = _labels(text)
        if plain:
            return not any(labels.isdisjoint(names) for names in (FROM, SUBJECT, TO))
        # Windows Mail leaves out an empty subject; a journey has senders and recipients of no address
        by_address = "border-top" in tag[3] and "@" in text.partition("<br")[0] and not labels.isdisjoint(TO)
        return not labels.isdisjoint(FROM) and (named or by_address or not labels.isdisjoint(SUBJECT))


def _labels(html: str) -> set[str]:
    """The labels of the first lines, but for one without."""
    labels: set[str] = set()
    lines = TAG.sub("", LINE.sub("\n", html.replace("\n", " "))).split("\n")
    for line in islice((line for line in (BLANK.sub(" ", line).strip() for line in lines) if line), 8):
        if (label := label_of(line)) is not None:
            labels.add(label)
        elif labels:
            break
    return labels


def _is_quote(html: str, name: str, attributes: str, tag: re.Match[str]) -> bool:
    """Whether an element holds what was written before, and not what is forwarded."""
    if AROUND.search(attributes) or CONTAINER.search(attributes):
        return FORWARDED.match(TAG.sub("", html[tag.end() : tag.end() + BEFORE])) is None
    return name == "blockquote" and _follows_line(html, 0, tag.start())


def _follows_line(html: str, start: int, end: int) -> bool:
    """Whether the text that begins at `start` ends with the line before a quote."""
    last = next(_lines_back(html[max(start, end - BEFORE) : end]), "")
    return SAYS.search(last) is not None


def _lines_back(html: str) -> Iterator[str]:
    """The lines in which anything is to be seen, the last one first."""
    for line in reversed(TAG.sub("", LINE.sub("\n", html)).split("\n")):
        if shown := BLANK.sub(" ", line).strip():
            yield shown


def _inside(html: str, container: _Element) -> list[_Quote]:
    """The quotes of a container: the container, or the quoted parts if the sender has written between or below them."""
    whole = [_Quote(container.start, container.end)]
    level = container
    below: list[str] = []
    for _ in range(MAX_LEVELS):
        children = list(_children(html, level.inside, level.close))
        parts = [child for child in children if child.name == "blockquote"] or _after_line(html, level, children)
        if parts:
            break
        holder = next((child for child in children if _seen(html[child.start : child.end])), None)
        if holder is None or _seen(html[level.inside : holder.start]):
            return whole
        below.append(html[holder.end : level.close])
        level = holder
    else:
        return whole
    above = list(_lines_back(html[level.inside : parts[0].start]))
    written = len(above) > 1 and SAYS.search(above[0]) is not None
    ends = [*(part.start for part in parts[1:]), level.close]
    below += [html[part.end : end] for part, end in zip(parts, ends, strict=True)]
    if not written and not any(_seen(piece) for piece in below):
        return whole
    first = parts[0].start if written else level.inside
    return [_Quote(first, parts[0].end), *(_Quote(part.start, part.end) for part in parts[1:])]


def _after_line(html: str, level: _Element, children: list[_Element]) -> list[_Element]:
    """The element that follows the line before a quote; empty if that line isn't among the first elements."""
    for child in children[:MAX_LINES]:
        if _seen(html[child.start : child.end]) and _follows_line(html, level.inside, child.start):
            return [child]
    return []


def _below(html: str, rest: _Quote, head: int, answered: str | None) -> list[_Quote]:
    """The quote that begins with a head. On the web, Outlook has the whole message in one element below its head, and
    the sender has written what follows that. On the desk, the answered message tells, or the sender's name.
    """
    if 'divRplyFwdMsg"' not in html[head : html.find(">", head)]:
        own = not is_all_quoted(_lines(html[head : rest.end]), answered) if answered is not None else False
        return [] if own or COMMENT.search(html, head, rest.end) else [rest]
    if COMMENT.search(html, head, rest.end):
        return []
    levels = [(rest.start, rest.start, rest.end)]  # where the quote would begin, and the content of an element
    for _, inside, close in levels:
        holder = next((child for child in _children(html, inside, close) if child.end > head), None)
        if holder is None:
            return [rest]
        if holder.start < head and len(levels) <= MAX_LEVELS:
            levels.append((head, holder.inside, holder.close))
    for start, inside, close in reversed(levels):
        ends = [child for child in _children(html, inside, close) if child.end > head]
        message = next((child for child in ends[1:] if _seen(html[child.start : child.end])), None)
        if message is not None:
            return [rest if _seen(html[ends[0].end : message.start]) else _Quote(start, message.end)]
    return [rest]


def _lines(html: str) -> list[str]:
    """The text, with a line for each piece that can be a paragraph of its own."""
    return unescape(TAG.sub("", LINE.sub("\n", html.replace("<img", "<br><img")))).split("\n")


def _children(html: str, start: int, end: int) -> Iterator[_Element]:
    """The elements between two indexes that are in no other element there."""
    depth = begun = inside = 0
    for tag in TAG.finditer(html, start, end):
        if tag[2] in VOID:
            continue
        if not tag[1]:
            if not depth:
                begun, inside = tag.start(), tag.end()
            depth += 1
            continue
        depth -= 1
        if depth < 0:
            return
        if not depth:
            yield _Element(tag[2], begun, inside, tag.start(), tag.end())


def _seen(html: str) -> bool:
    """Whether a reader sees anything of it."""
    return "<img" in html or BLANK.sub("", TAG.sub("", html)) != ""
