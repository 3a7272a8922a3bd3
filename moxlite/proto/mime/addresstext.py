"""Search in address fields: SEARCH FROM and similar keys compare with the addresses in ENVELOPE (RFC 9051 §6.4.4).

An address may contain comments, blanks, a route or quotes (``joe (his office) @ example.com``), so the address in the
envelope need not be in the text of the field. Each word of it is: messages without these words are ruled out before
their addresses are parsed.
"""

import re
from typing import Final

from moxlite.proto.address import spellings, unicode_domain
from moxlite.proto.mime.envelope import MAX_CODED, GroupEnd, GroupStart, decode_address, parse_addresses
from moxlite.proto.mime.text import fold
from moxlite.proto.mime.words import decode_words

ADDRESS_FIELDS: Final = frozenset({"from", "sender", "reply-to", "to", "cc", "bcc"})

_BETWEEN: Final = re.compile(r'[\x00-\x20\x7f@.,:;<>()"\\\[\]]+')
"""Separators of words in an address: blanks, control characters and specials (RFC 5322 §3.2.3)."""


def address_words(needle: str) -> tuple[str, ...]:
    """The words of a folded needle, the longest first."""
    return tuple(sorted(set(_BETWEEN.split(needle)) - {""}, key=lambda word: (-len(word), word)))


def has_labels(needle: str) -> bool:
    """Whether the domain of an address with this text can have another spelling."""
    return not needle.isascii() or "xn--" in needle


def header_words(needle: str) -> tuple[tuple[str, ...], ...]:
    """For each word of a folded needle, the texts of which the header of a match has one: its domains may have either
    spelling, whichever the needle has.
    """
    return tuple(
        (word, *(("xn--", unicode_domain(word)) if has_labels(word) else ())) for word in address_words(needle)
    )


def address_text(value: bytes, hint: str, *, labels: bool = False) -> str:
    """The addresses of an unfolded field, without comments and routes, case-folded; one per line. `hint`: see
    `decode_words`. `labels`: also the other spellings of up to `MAX_CODED` domains.
    """
    lines: list[str] = []
    coded: dict[str, str] = {}
    twins: dict[str, None] = {}
    for item in parse_addresses(value):
        if isinstance(item, GroupStart):
            lines.append(f"{decode_words(item.name, hint)}:")
        elif not isinstance(item, GroupEnd):
            name = decode_words(item.name or b"", hint)
            local, domain = ((part or b"").decode("utf-8", "replace") for part in (item.localpart, item.domain))
            lines.append(f"{name} <{local}@{domain}>".strip())
            if labels and len(twins) < 2 * MAX_CODED and (not domain.isascii() or "xn--" in domain.lower()):
                ascii_domain = decode_address(item, coded, hint).domain
                twins.update(dict.fromkeys(f"<{spelling}>" for spelling in spellings(local, ascii_domain)))
    return fold("\n".join((*lines, *twins)))
