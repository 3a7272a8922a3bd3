"""Suggestions of people for a text (STORE-96).

The work is bounded, however many people there are: the best-ranked rows are searched for the text, then rows that have
a word which begins like a word of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from moxlite.store.file.transaction import Reader, Row
from moxlite.store.mail.recipients import search_words

BEST: Final = 2000
"""Best-ranked correspondents that are searched: a common text has its suggestions there. 2 ms."""

BY_WORD: Final = 2000
"""Correspondents looked at that have a word which begins like the text."""

MAX_TEXT: Final = 1000
"""Longest search text in characters: no address is that long."""

SUGGESTIONS: Final = 20
"""Suggestions at once (STORE-96)."""

END: Final = "\U0010ffff"

LATEST: Final = """
SELECT localpart, domain, name, wrote FROM (
SELECT localpart, domain, name, wrote, found, rank FROM correspondent ORDER BY rank DESC LIMIT ?2)
WHERE instr(found, ?1) ORDER BY rank DESC"""
HAVING_WORD: Final = """
SELECT p.localpart, p.domain, p.name, p.wrote
FROM (SELECT correspondent_id FROM correspondent_word WHERE word >= ?2 AND word < ?3 LIMIT ?4) w
CROSS JOIN correspondent p ON p.id = w.correspondent_id WHERE instr(p.found, ?1) ORDER BY p.rank DESC"""
COUNT: Final = "SELECT count(*) FROM (SELECT 1 FROM correspondent LIMIT ?)"
# An address whose newest mail was found to be junk is not suggested, unless the account wrote to it.
JUNK: Final = """
SELECT verdict FROM message_smtp WHERE msgfrom_domain = ? AND msgfrom = ? AND verdict IS NOT NULL
ORDER BY received DESC LIMIT 1"""


class Suggestion(msgspec.Struct, frozen=True):
    """A person: `wrote` is the time of the newest message to the address, µs UTC, 0 without one."""

    name: str
    localpart: str
    domain: str
    wrote: int


def suggest(r: Reader, text: str, limit: int = SUGGESTIONS) -> tuple[list[Suggestion], bool]:
    """Suggest addresses whose name or address contains `text` in any case, each once; returns them, and whether there
    may be more.

    The order: addresses that the account wrote to, senders, senders of bulk mail alone; of each kind the newest use
    first. Addresses beyond the first rows are found by the beginnings of their words.
    """
    needle = text.casefold()
    if len(needle) > MAX_TEXT:
        return [], False
    found: dict[tuple[str, str], Suggestion] = {}
    for localpart, domain, name, wrote in _rows(r, needle):
        if (localpart, domain) in found or (not wrote and r.value(JUNK, domain, localpart) == 1):
            continue
        if len(found) == limit:
            return list(found.values()), True
        found[localpart, domain] = Suggestion(name, localpart, domain, wrote)
    return list(found.values()), False


def _rows(r: Reader, needle: str) -> Iterator[Row]:
    """Rows of correspondents that contain the text, the best first."""
    yield from r.iterate(LATEST, needle, BEST)
    if (r.value(COUNT, BEST + 1) or 0) <= BEST:
        return
    words = search_words(needle)
    if words:
        word = max(words, key=len)
        yield from r.iterate(HAVING_WORD, needle, word, word + END, BY_WORD)
