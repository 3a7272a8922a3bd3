"""A message as a page of its own, for a new tab and for paper: a head, and the text or the HTML below it (WEBMAIL-50).

The pages run no scripts, not even ours: what is written here is all that there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from moxlite.proto.mime import types as mime
from moxlite.web.webmail.items import time_of
from moxlite.web.webmail.types import ParsedMessage

__all__ = ["head", "title_of", "whole_text"]

HEAD: Final = """<header class="head"><h1 dir="auto">{subject}</h1><dl>{rows}</dl></header>
"""
BIDI: Final = {point: f"[U+{point:04X}]" for point in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
"""What turns the direction of the text around it is written out (WEBMAIL-118)."""


def title_of(envelope: mime.Envelope) -> str:
    """The title of the page, as HTML."""
    return _shown(envelope.subject) or "Message"


def head(envelope: mime.Envelope, received: int) -> str:
    """The head of the page; `received` in µs UTC stands in for a date that there is not."""
    rows = "".join(f'<dt>{name}</dt><dd dir="auto">{value}</dd>' for name, value in _rows(envelope, received))
    return HEAD.format(subject=_shown(envelope.subject) or "(no subject)", rows=rows)


def whole_text(parsed: ParsedMessage) -> str:
    """All texts of the message, as HTML."""
    texts = "".join(f'<pre class="body" dir="auto">{_shown(text.text)}</pre>' for text in parsed.texts)
    return texts or '<div class="body"><p>No textual content</p></div>'


def _rows(envelope: mime.Envelope, received: int) -> Iterator[tuple[str, str]]:
    people = (("From", envelope.from_), ("To", envelope.to), ("Cc", envelope.cc), ("Bcc", envelope.bcc))
    for name, addresses in people:
        if addresses:
            yield name, _shown(_addresses(addresses))
    yield "Date", f"{time_of(_date(envelope, received)):%Y-%m-%d %H:%M} UTC"


def _date(envelope: mime.Envelope, received: int) -> int:
    try:
        time_of(envelope.date or received)
    except OverflowError:
        return received
    return envelope.date or received


def _addresses(addresses: Sequence[mime.MailAddress]) -> str:
    return ", ".join(
        f"{one.name} <{one.localpart}@{one.domain}>" if one.name else f"{one.localpart}@{one.domain}"
        for one in addresses
    )


def _shown(text: str) -> str:
    return escape(text.translate(BIDI))
