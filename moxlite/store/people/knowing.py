"""People whom the user knows, by name, and whether an address is known (STORE-96d, WEBMAIL-161).

An address is known if a contact has it, if the account wrote to it, or if mail from it was wanted. That a message is
read marks it as wanted, so mail proves nothing about its own sender: `before` is the time up to which it counts.
The work is bounded, however many people bear a name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from moxlite.store.file.transaction import Reader
from moxlite.store.people.contacts import contact_addresses, contacts_named, is_contact

BEARERS: Final = 100
"""Addresses of a name that are looked at, those that came first: later ones may have been made to hide them. 1 ms."""

CONTACTS: Final = 10
"""Contacts of a name that are looked at."""

JUDGED: Final = 100
"""Judged messages of an address among which a wanted one is looked for, the oldest first."""

CONTACT_OF: Final = """
SELECT c.id, c.card ->> '$.name' FROM contact_address a CROSS JOIN contact c ON c.id = a.contact_id
WHERE a.domain = ?1 AND a.localpart IN (?2, ?3) LIMIT 1"""
BY_NAME: Final = "SELECT name, localpart, domain, wrote FROM correspondent WHERE folded = ? ORDER BY id LIMIT ?"
BY_ADDRESS: Final = """
SELECT name, localpart, domain FROM correspondent WHERE domain = ?1 AND localpart IN (?2, ?3) AND wrote > 0 LIMIT 1"""
WANTED: Final = """
SELECT 0 IN (SELECT verdict FROM message_smtp INDEXED BY message_smtp_msgfrom_address
WHERE msgfrom_domain = ?1 AND msgfrom = ?2 AND verdict IS NOT NULL AND received < ?3 ORDER BY received LIMIT ?4)"""


class Known(msgspec.Struct, frozen=True):
    """An address of a person whom the user knows, with its domain in U-labels. `contact_id`: 0 for one that no contact
    has.
    """

    name: str
    localpart: str
    domain: str
    contact_id: int = 0


def known_people(r: Reader, folded: str, full: str, before: int) -> Iterator[Known]:
    """The known addresses of a name: addresses of contacts, then addresses that the account wrote to, then authors of
    wanted mail before a time, µs UTC. `folded` and `full` are the name's forms of `personnames`.
    """
    if folded:
        for one in contacts_named(r, folded, CONTACTS):
            for localpart, domain in contact_addresses(one.contact):
                yield Known(one.contact.name, localpart, domain, one.id)
    if full:
        rows = r.rows(BY_NAME, full, BEARERS)
        for name, localpart, domain, wrote in rows:
            if wrote:
                yield Known(name, localpart, domain)
        for name, localpart, domain, wrote in rows:
            if not wrote and r.value(WANTED, domain, localpart, before, JUDGED):
                yield Known(name, localpart, domain)


def known_address(r: Reader, localpart: str, domain: str) -> Known | None:
    """The person of an address (U-labels) that a contact has or that the account wrote to."""
    spelled = (domain, localpart, localpart.casefold())
    row = r.row(CONTACT_OF, *spelled)
    if row is not None:
        return Known(row[1], localpart, domain, row[0])
    row = r.row(BY_ADDRESS, *spelled)
    return None if row is None else Known(*row)


def is_known(r: Reader, localpart: str, domain: str, before: int) -> bool:
    """Whether an address (U-labels) is known, by mail up to a time, µs UTC."""
    return (
        is_contact(r, localpart, domain)
        or r.row(BY_ADDRESS, domain, localpart, localpart.casefold()) is not None
        or bool(r.value(WANTED, domain, localpart, before, JUDGED))
    )
