"""HTML of messages that are written, and of drafts that are edited again (WEBMAIL-135). Imported only by the child
process.

A message from here has what the user wrote in an element of the class ``moxlite-own`` or, where it was typed as plain
text, ``moxlite-typed``, and the original below it in one of the class ``moxlite-kept``.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import unescape
from typing import Final
from urllib.parse import unquote

from moxlite.compose.draft import KEPT, OWN, TYPED
from moxlite.proto.mime.text import visible_text
from moxlite.sandbox.jobs import MAX_COMPOSED, Composed, ReadDraft, ReadDraftHTML, WriteHTML
from moxlite.sandbox.messages import Refused
from moxlite.sandbox.plain import plain_text
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
    text = "" if job.whole else plain_text(clean)[:MAX_COMPOSED]
    return Composed(clean.encode("utf-8", "replace"), text, tuple(images.used))


def read_draft(job: ReadDraft) -> ReadDraftHTML:
    """Take the HTML of a draft apart. Raises Refused."""
    own, kept = _split(job.html)
    typed = _typed(own)
    images, below = _Numbered(job.pictures, job.marker), _Numbered(job.pictures, job.marker)
    clean = _fragment(own, images, external=False, styled=False) if typed is None else ""
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
