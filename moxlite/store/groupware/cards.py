"""Facts of cards: the rows of `contact`, by the id of its resource, and of its addresses and groups
(STORE-96a).

There are at most `MAX_CONTACTS`, so that a search may look at all of them: 5 ms.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

import msgspec

from moxlite.proto.address import Address, AddressError
from moxlite.proto.cards.vcard import Contact
from moxlite.store.file.transaction import Tx
from moxlite.store.rows.personnames import folded_name

MAX_CONTACTS: Final = 10_000
"""Contacts of an account, in all its address books."""

SET: Final = "INSERT OR REPLACE INTO contact (id, sorted, found, folded, listed) VALUES (?, ?, ?, ?, ?)"
ADD_ADDRESS: Final = (
    "INSERT INTO contact_address (contact_id, localpart, domain) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
)
ADD_GROUP: Final = "INSERT INTO contact_group (name, contact_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
DROP_ADDRESSES: Final = "DELETE FROM contact_address WHERE contact_id = ?"
DROP_GROUPS: Final = "DELETE FROM contact_group WHERE contact_id = ?"
DROP_CARD: Final = (
    DROP_ADDRESSES,
    DROP_GROUPS,
    "DELETE FROM contact WHERE id = ?",
    "DELETE FROM contact_due WHERE id = ?",
)


class Listed(msgspec.Struct, frozen=True):
    """A contact as lists show it, without its card being read. `photo`: the beginning of the hash of its photo, "" if
    it has none that can be shown.
    """

    name: str
    emails: tuple[str, ...]
    organization: str
    photo: str = ""


def note_card(tx: Tx, number: int, contact: Contact, photo: str) -> None:
    """Write the rows about a card, in place of earlier ones. `photo` as for `Listed`."""
    for sql in (DROP_ADDRESSES, DROP_GROUPS):
        tx.execute(sql, number)
    listed = Listed(contact.name, tuple(email.value for email in contact.emails), contact.organization, photo)
    found = sorted_name(contact), _found(contact), contact_folded(contact)
    tx.execute(SET, number, *found, msgspec.json.encode(listed).decode())
    tx.executemany(ADD_ADDRESS, ((number, *contact_address) for contact_address in contact_addresses(contact)))
    tx.executemany(ADD_GROUP, ((group, number) for group in contact.groups))


def contact_addresses(contact: Contact) -> list[tuple[str, str]]:
    """Localparts and domains (U-labels) of the addresses that are valid."""
    return valid_addresses(entry.value for entry in contact.emails)


def valid_addresses(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Localparts and domains (U-labels) of those that are addresses, each once."""
    found: dict[tuple[str, str], None] = {}
    for text in texts:
        try:
            address = Address.parse(text)
        except AddressError:
            continue
        found[str(address.localpart), address.domain.unicode] = None
    return list(found)


def contact_folded(contact: Contact) -> str:
    """The name of a contact in the form in which names are compared; "" of one that is called by an address."""
    return "" if "@" in contact.name else folded_name(contact.name)


def sorted_name(contact: Contact) -> str:
    """The name by which a contact is listed: without accents, so that Émile comes before Zoé."""
    return listed_order(contact.name)


def listed_order(name: str) -> str:
    """What a name of a contact is ordered by."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", name[:200]) if not unicodedata.combining(char))
    return plain.casefold()[:200]


def _found(contact: Contact) -> str:
    texts = (contact.name, *(f"<{entry.value}>" for entry in contact.emails), contact.organization, *contact.groups)
    return "\n".join((*texts, *(entry.value for entry in contact.phones))).casefold()
