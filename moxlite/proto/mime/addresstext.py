"""Search in address fields: SEARCH FROM and similar keys compare with the addresses in ENVELOPE (RFC 9051 §6.4.4).

An address may contain comments, blanks, a route or quotes (``joe (his office) @ example.com``), so the address in the
envelope need not be in the text of the field. Each word of it is: messages without these words are ruled out before
their addresses are parsed.
"""

import re
from typing import Final

from moxlite.proto.address import unicode_domain
from moxlite.proto.mime.envelope import GroupEnd, GroupStart, parse_addresses
from moxlite.proto.mime.text import fold
from moxlite.proto.mime.words import decode_words

ADDRESS_FIELDS: Final = frozenset({"from", "sender", "reply-to", "to", "cc", "bcc"})

_BETWEEN: Final = re.compile(r'[\x00-\x20\x7f@.,:;<>()"\\\[\]]+')
"""Separators of words in an address: blanks, control characters and specials (RFC 5322 §3.2.3)."""


def address_words(needle: str) -> tuple[str, ...]:
    """The words of a folded needle, the longest first."""
    return tuple(sorted(set(_BETWEEN.split(needle)) - {""}, key=lambda word: (-len(word), word)))


def header_words(needle: str) -> tuple[tuple[str, ...], ...]:
    """For each word of a folded needle, the texts of which the header of a match has one: its domains may have either
    spelling, whichever the needle has.
    """
    return tuple(
        (word, *(() if word.isascii() and "xn--" not in word else ("xn--", unicode_domain(word))))
        for word in address_words(needle)
    )


def address_text(value: bytes, hint: str) -> str:
    """The addresses of an unfolded field, without comments and routes, case-folded; one per line. `hint`: see
    `decode_words`.
    """
    lines: list[str] = []
    for item in parse_addresses(value):
        if isinstance(item, GroupStart):
            lines.append(f"{decode_words(item.name, hint)}:")
        elif not isinstance(item, GroupEnd):
            name = decode_words(item.name or b"", hint)
            local, domain = ((part or b"").decode("utf-8", "replace") for part in (item.localpart, item.domain))
            lines.append(f"{name} <{local}@{domain}>".strip())
    return fold("\n".join(lines))
