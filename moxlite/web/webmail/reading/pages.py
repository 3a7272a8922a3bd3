"""A message as a separate page, for a new tab and for printing: a head, and below it the text or the HTML (WEBMAIL-50).

The pages run no scripts, not even ours; the server writes all of their content.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from moxlite.proto.mime import types as mime
from moxlite.web.http.pagetexts import PageLanguage
from moxlite.web.webmail.items import time_of
from moxlite.wording import worded

HEAD: Final = """<header class="head"><h1 dir="auto">{subject}</h1><dl>{rows}</dl></header>
"""
MAX_SHOWN: Final = 1000
"""Maximum characters of a subject or name in the head."""

MAX_ADDRESSES: Final = 200
"""Maximum addresses of a field in the head."""

BIDI: Final = {point: f"[U+{point:04X}]" for point in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
"""Visible text for characters that change the direction of the text around them (WEBMAIL-118)."""


def title_of(envelope: mime.Envelope, language: PageLanguage) -> str:
    """The title of the page, as HTML."""
    return _subject(envelope) or language.say("Message")


def head(envelope: mime.Envelope, received: int, language: PageLanguage) -> str:
    """The head of the page. `received` (µs UTC) is shown if the message has no valid date."""
    found = _rows(envelope, received, language)
    rows = "".join(f'<dt>{name}</dt><dd dir="auto">{value}</dd>' for name, value in found)
    return HEAD.format(subject=_subject(envelope) or language.say("(no subject)"), rows=rows)


def shown_text(text: str) -> str:
    """Text escaped for HTML."""
    return escape(text.translate(BIDI))


def _subject(envelope: mime.Envelope) -> str:
    subject = envelope.subject
    return shown_text(subject[:MAX_SHOWN] + ("…" if len(subject) > MAX_SHOWN else ""))


def _rows(envelope: mime.Envelope, received: int, language: PageLanguage) -> Iterator[tuple[str, str]]:
    people = (
        (language.say("From"), envelope.from_),
        (language.say("To"), envelope.to),
        (language.say("Cc"), envelope.cc),
        (language.say("Bcc"), envelope.bcc),
    )
    for name, addresses in people:
        if addresses:
            yield name, shown_text(_addresses(addresses, language))
    yield language.say("Date"), f"{time_of(_date(envelope, received)):%Y-%m-%d %H:%M} UTC"


def _date(envelope: mime.Envelope, received: int) -> int:
    try:
        time_of(envelope.date or received)
    except OverflowError:
        return received
    return envelope.date or received


def _addresses(addresses: Sequence[mime.MailAddress], language: PageLanguage) -> str:
    shown = ", ".join(
        f"{one.name[:MAX_SHOWN]} <{one.localpart}@{one.domain}>" if one.name else f"{one.localpart}@{one.domain}"
        for one in addresses[:MAX_ADDRESSES]
    )
    if len(addresses) <= MAX_ADDRESSES:
        return shown
    return f"{shown}, … ({language.say(worded('{n} in all', n=len(addresses)))})"
