"""Suggestions of people for a text (STORE-96), people whom the user knows by name, and whether an address is known
(STORE-96d, WEBMAIL-161).

The work is bounded, however many people there are: for suggestions the best-ranked rows are searched for the text, then
rows that have a word which begins like a word of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from moxlite.normal import normalized
from moxlite.store.file.transaction import Reader, Row
from moxlite.store.groupware.contacts import contacts_named, is_contact
from moxlite.store.mail.recipients import TIER, search_words
from moxlite.store.rows.personnames import skeleton

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
CORRESPONDENTS: Final = "SELECT count(*) FROM (SELECT 1 FROM correspondent LIMIT ?)"
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
    if len(text) > MAX_TEXT:
        return [], False
    needle = normalized("NFC", text).casefold()
    suggestions: dict[tuple[str, str], Suggestion] = {}
    for localpart, domain, name, wrote in _rows(r, needle):
        if (localpart, domain) in suggestions or (not wrote and r.value(JUNK, domain, localpart) == 1):
            continue
        if len(suggestions) == limit:
            return list(suggestions.values()), True
        suggestions[localpart, domain] = Suggestion(name, localpart, domain, wrote)
    return list(suggestions.values()), False


def _rows(r: Reader, needle: str) -> Iterator[Row]:
    """Rows of correspondents that contain the text, the best first."""
    yield from r.iterate(LATEST, needle, BEST)
    if (r.value(CORRESPONDENTS, BEST + 1) or 0) <= BEST:
        return
    words = search_words(needle)
    if words:
        word = max(words, key=len)
        yield from r.iterate(HAVING_WORD, needle, word, word + END, BY_WORD)


# People whom the user knows, by name, and whether an address is known (STORE-96d, WEBMAIL-161).
#
# An address is known if a contact has it, if the account wrote to it, or if proven mail from it was wanted. That a
# message is read marks it as wanted, so mail proves nothing about its own sender: `before` is the time up to which it
# counts. The work is bounded, however many people bear a name.


BEARERS: Final = 100
"""Addresses of a name that are looked at, those that came first: later ones may have been made to hide them. 1 ms."""

CONTACTS: Final = 10
"""Contacts of a name that are looked at."""

JUDGED: Final = 100
"""Judged messages of an address among which a wanted one is looked for, the oldest first."""

CONTACT_OF: Final = """
SELECT c.id, c.listed ->> '$.name' FROM contact_address a CROSS JOIN contact c ON c.id = a.contact_id
WHERE a.domain = ?1 AND a.localpart IN (?2, ?3) LIMIT 1"""
BY_NAME: Final = "SELECT name, localpart, domain, wrote FROM correspondent WHERE folded = ? ORDER BY id LIMIT ?"
KNOWN_BY_ADDRESS: Final = """
SELECT name, localpart, domain FROM correspondent WHERE domain = ?1 AND localpart IN (?2, ?3) AND wrote > 0 LIMIT 1"""
WANTED: Final = """
SELECT 0 IN (SELECT verdict FROM (
SELECT verdict, msgfrom_validation FROM message_smtp INDEXED BY message_smtp_msgfrom_address
WHERE msgfrom_domain = ?1 AND msgfrom = ?2 AND verdict IS NOT NULL AND received < ?3 ORDER BY received LIMIT ?4)
WHERE msgfrom_validation <> 'none')"""


WRITTEN: Final = """
SELECT name, localpart, domain FROM correspondent WHERE rank >= ? ORDER BY rank DESC LIMIT ?"""


class Correspondent(msgspec.Struct, frozen=True):
    """An address of a person whom the user knows, with its domain in U-labels. `contact_id`: 0 for one that no contact
    has.
    """

    name: str
    localpart: str
    domain: str
    contact_id: int = 0


def known_people(r: Reader, folded: str, full: str, before: int) -> Iterator[Correspondent]:
    """The known addresses of a name: addresses of contacts, then addresses that the account wrote to, then authors of
    wanted mail before a time, µs UTC. `folded` and `full` are the name's forms of `personnames`.
    """
    if folded:
        for number, name, addresses in contacts_named(r, folded, CONTACTS):
            for localpart, domain in addresses:
                yield Correspondent(name, localpart, domain, number)
    if full:
        rows = r.rows(BY_NAME, full, BEARERS)
        for name, localpart, domain, wrote in rows:
            if wrote:
                yield Correspondent(name, localpart, domain)
        for name, localpart, domain, wrote in rows:
            if not wrote and r.value(WANTED, domain, localpart, before, JUDGED):
                yield Correspondent(name, localpart, domain)


def known_address(r: Reader, localpart: str, domain: str) -> Correspondent | None:
    """The person of an address (U-labels) that a contact has or that the account wrote to."""
    localpart = normalized("NFC", localpart)
    spelled = (domain, localpart, localpart.casefold())
    row = r.row(CONTACT_OF, *spelled)
    if row is not None:
        return Correspondent(row[1], localpart, domain, row[0])
    row = r.row(KNOWN_BY_ADDRESS, *spelled)
    return None if row is None else Correspondent(*row)


def person_alike(r: Reader, domain: str) -> Correspondent | None:
    """The person to whom the account wrote last at another domain that looks like this one (U-labels), among `BEST`
    people.
    """
    look, alike = skeleton(domain), {domain: False}
    for name, localpart, known in r.iterate(WRITTEN, 2 * TIER, BEST):
        if known not in alike:
            alike[known] = skeleton(known) == look
        if alike[known]:
            return Correspondent(name, localpart, known)
    return None


def is_known(r: Reader, localpart: str, domain: str, before: int) -> bool:
    """Whether an address (U-labels) is known, by mail up to a time, µs UTC."""
    localpart = normalized("NFC", localpart)
    return (
        is_contact(r, localpart, domain)
        or r.row(KNOWN_BY_ADDRESS, domain, localpart, localpart.casefold()) is not None
        or bool(r.value(WANTED, domain, localpart, before, JUDGED))
    )
