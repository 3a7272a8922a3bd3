"""HTML of messages that are written, and of drafts that are edited again (WEBMAIL-135). Imported only by the child
process.

A message from here has what the user wrote in an element of the class ``moxlite-own`` or, where it was typed as plain
text, ``moxlite-typed``, and the original below it in one of the class ``moxlite-kept``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from html.parser import HTMLParser
from typing import Final
from urllib.parse import unquote

from moxlite.compose.directions import with_directions, without_directions
from moxlite.compose.draft import KEPT, OWN, TYPED
from moxlite.proto.mime.text import visible_text
from moxlite.sandbox.jobs import MAX_COMPOSED, Composed, ReadDraft, ReadDraftHTML, WriteHTML
from moxlite.sandbox.messages import Refused
from moxlite.sandbox.sanitize import TooComplex, fragment

_END: Final = "</div>"


class _Numbered:
    """Images by their Content-IDs; remembers those that were asked for."""

    def __init__(self, names: Sequence[str], marker: str) -> None:
        self._numbers = {name: number for number, name in enumerate(names)}
        self._marker = marker
        self.used: dict[int, None] = {}

    def get(self, reference: str, /) -> str | None:
        """Return the placeholder of the image of a ``cid:`` URL, None if there is no such image."""
        number = self._numbers.get(unquote(reference))
        if number is None:
            return None
        self.used[number] = None
        return f"{self._marker}{number};"


def write_html(job: WriteHTML) -> Composed:
    """Sanitize HTML that is sent. Raises Refused."""
    images = _Numbered(job.pictures, job.marker)
    clean = _fragment(job.html, images, external=job.external, styled=job.whole)
    if not job.whole:
        clean = with_directions(clean)
    text = "" if job.whole else plain_text(clean)[:MAX_COMPOSED]
    return Composed(clean.encode("utf-8", "replace"), text, tuple(images.used))


def read_draft(job: ReadDraft) -> ReadDraftHTML:
    """Take the HTML of a draft apart. Raises Refused."""
    own, kept = _split(job.html)
    typed = _typed(own)
    images, below = _Numbered(job.pictures, job.marker), _Numbered(job.pictures, job.marker)
    clean = without_directions(_fragment(own, images, external=False, styled=False)) if typed is None else ""
    keeps = _fragment(kept, below, external=True, styled=True) if kept else ""
    return ReadDraftHTML(
        own=clean.encode("utf-8", "replace"),
        typed=typed,
        kept=keeps.encode("utf-8", "replace"),
        kept_text=visible_text(keeps, quotes=True)[:MAX_COMPOSED] if kept else "",
        pictures=tuple(images.used),
        kept_pictures=tuple(below.used),
    )


def _fragment(html: str, images: _Numbered, *, external: bool, styled: bool) -> str:
    try:
        return fragment(html, images, external=external, styled=styled)
    except TooComplex as refusal:
        raise Refused(str(refusal)) from None


def _split(html: str) -> tuple[str, str]:
    """The text that was written, and the original below it. All text of another program's draft counts as written."""
    above, found, below = html.partition(f'<div class="{KEPT}">')
    kept = below.strip().removesuffix("</html>").strip().removesuffix("</body>").strip().removesuffix(_END)
    if TYPED in above and (found or above.rstrip().endswith("</html>")):
        return above, kept
    own = above.partition(f'<div class="{OWN}">')[2]
    if not own:
        return html, ""
    return own.rpartition(_END)[0], kept


def _typed(own: str) -> str | None:
    """The plain text of which the HTML was made (`compose.draft.typed_html`), None for other HTML."""
    _, found, rest = own.partition(f'<div class="{TYPED}"')
    if not found:
        return None
    text = rest.partition(">")[2].rpartition(_END)[0]
    return None if "<" in text.replace("<br>", "") else unescape(text.replace("<br>", "\n"))[:MAX_COMPOSED]


# Plain text made of sanitized HTML, as the alternative of a message that is written (WEBMAIL-135). Imported only by
# the child process.
#
# Quotes begin with ``> ``, list items with ``- `` or their number, a link is followed by its address where the text
# does not show it. Nothing is said of bold and italic letters.

MAX_LEVELS: Final = 20
"""Levels of quotes and lists that are shown by the beginning of a line; deeper ones have the same beginning."""

_SPACE: Final = re.compile(r"[ \t\r\n\f]+")
_MANY_LINES: Final = re.compile(r"\n{3,}")

# fmt: off
_BLOCKS: Final = frozenset({
    "address", "article", "aside", "center", "dd", "details", "div", "dl", "dt", "figcaption", "figure", "footer",
    "header", "hgroup", "main", "nav", "section", "summary", "table", "tbody", "tfoot", "thead", "tr",
})
# fmt: on
_APART: Final = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "ul", "ol"})
"""Blocks with an empty line before and after them."""


def plain_text(html: str) -> str:
    """The text of sanitized HTML; lines end in LF, without blank lines at its ends. Linear in the length of `html`."""
    writer = _Writer()
    writer.feed(html)
    writer.close()
    return writer.text()


class _Writer(HTMLParser):
    """Writes lines while tags come by."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line: list[str] = []
        """Pieces of the line that is written; joined once, at its end."""
        self._blank = -1
        """Level of quotes of the empty line that is wanted before the next text, -1 for no such line."""
        self._quotes = 0
        self._pre = 0
        self._lists: list[int] = []
        """Open lists: the number of the next item, 0 for bullets."""
        self._item = ""
        """The mark of an item that has no text yet."""
        self._link = ("", 0, 0)
        """Address of the open link, number of lines and of pieces of the line before it."""

    def text(self) -> str:
        self._end_line()
        return _MANY_LINES.sub("\n\n", "\n".join(self._lines)).strip("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._new_line()
        elif tag == "hr":
            self._apart()
            self._write("-" * 20)
            self._apart()
        elif tag == "img":
            if alt := dict(attrs).get("alt"):
                self._write(f"[{_SPACE.sub(' ', alt)}]")
        elif tag == "a":
            self._link = (dict(attrs).get("href") or "", len(self._lines), len(self._line))
        elif tag in ("td", "th"):
            if self._line:
                self._write(" ")
        elif tag == "li":
            self._end_line()
            self._item = self._mark()
        elif tag in _APART:
            # a list in an item follows its text without an empty line
            self._end_line() if tag in ("ul", "ol") and self._lists else self._apart()
            self._open(tag, attrs)
        elif tag in _BLOCKS:
            self._end_line()

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._show_address()
        elif tag == "li":
            if self._item:
                self._write("")
            self._end_line()
        elif tag in _APART:
            self._end_line()
            if tag == "blockquote":
                self._quotes = max(0, self._quotes - 1)
            elif tag == "pre":
                self._pre = max(0, self._pre - 1)
            elif tag in ("ul", "ol"):
                del self._lists[-1:]
            if not self._lists:
                self._apart()
        elif tag in _BLOCKS:
            self._end_line()

    def handle_data(self, data: str) -> None:
        if self._pre:
            first, *others = data.split("\n")
            self._write(first)
            for line in others:
                self._new_line()
                self._write(line)
            return
        words = _SPACE.sub(" ", data)
        self._write(words.lstrip(" ") if not self._line or self._line[-1].endswith(" ") else words)

    def _open(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "blockquote":
            self._quotes += 1
        elif tag == "pre":
            self._pre += 1
        elif tag in ("ul", "ol"):
            start = dict(attrs).get("start") or ""
            number = int(start) if start.isascii() and start.isdigit() and len(start) < 6 else 1
            self._lists.append(number if tag == "ol" else 0)

    def _mark(self) -> str:
        """The mark of the next item of the innermost list."""
        if not self._lists or not self._lists[-1]:
            return "- "
        self._lists[-1] += 1
        return f"{self._lists[-1] - 1}. "

    def _show_address(self) -> None:
        """Write the address of the link that ends, if its text does not show it."""
        href, lines, pieces = self._link
        self._link = ("", 0, 0)
        if not href.startswith(("http://", "https://", "mailto:")):
            return
        shown = "".join(self._line[pieces if len(self._lines) == lines else 0 :]).strip()
        bare = href.removeprefix("mailto:")
        # the mark of an item or quote is a piece of the line, too
        if self._line and not shown.rstrip("/").endswith(
            (href.rstrip("/"), bare.partition("://")[2].rstrip("/") or bare)
        ):
            self._write(f" <{href}>")

    def _write(self, words: str) -> None:
        if not self._line:
            if not (words.strip() or self._item or (self._pre and words)):
                return
            quoted = "> " * min(self._quotes, MAX_LEVELS)
            if self._blank >= 0 and self._lines:
                self._lines.append(quoted[: 2 * self._blank].rstrip(" "))
            self._blank = -1
            indent = "  " * min(max(0, len(self._lists) - 1), MAX_LEVELS)
            hanging = "" if self._item or not self._lists else "  "
            self._line.append(quoted + indent + hanging + self._item)
            self._item = ""
        self._line.append(words)

    def _apart(self) -> None:
        self._end_line()
        self._blank = self._quotes if self._blank < 0 else min(self._blank, self._quotes)

    def _end_line(self) -> None:
        """End the line, if there is anything on it."""
        if self._line:
            line = "".join(self._line).rstrip(" \xa0")
            # above a signature (RFC 3676 §4.3)
            self._lines.append(f"{line} " if line == "--" else line)
            self._line = []

    def _new_line(self) -> None:
        """End the line, even an empty one."""
        if not self._line:
            self._lines.append(("> " * min(self._quotes, MAX_LEVELS)).rstrip(" "))
            return
        self._end_line()
