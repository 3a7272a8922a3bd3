"""Facts about cards (STORE-96a): rows of `contact`, by resource id, of their addresses and groups, and of group cards.

There are at most `MAX_CONTACTS`, so that a search may look at all of them: 5 ms.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

import msgspec

from moxlite.encoding import to_json
from moxlite.proto.address import Address, AddressError
from moxlite.proto.cards.cardobject import member_key
from moxlite.proto.cards.vcard import Contact
from moxlite.store.file.transaction import Tx
from moxlite.store.rows.personnames import folded_name

MAX_CONTACTS: Final = 10_000
"""Contacts of an account, in all its address books."""

SET: Final = "INSERT INTO contact (id, sorted, found, folded, listed, uid) VALUES (?, ?, ?, ?, ?, ?)"
ADD_ADDRESS: Final = (
    "INSERT INTO contact_address (contact_id, localpart, domain) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
)
ADD_GROUP: Final = "INSERT INTO contact_group (name, contact_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
SET_GROUP: Final = "INSERT INTO group_card (id, name) VALUES (?, ?)"
ADD_MEMBER: Final = "INSERT INTO group_member (group_id, uid) VALUES (?, ?)"
DROP_ROWS: Final = (
    "DELETE FROM contact_address WHERE contact_id = ?",
    "DELETE FROM contact_group WHERE contact_id = ?",
    "DELETE FROM group_member WHERE group_id = ?",
    "DELETE FROM group_card WHERE id = ?",
    "DELETE FROM contact WHERE id = ?",
)
DROP_CARD: Final = (
    *DROP_ROWS,
    "DELETE FROM contact_due WHERE id = ?",
)

STARRED: Final = "starred"
"""The category of favorites, as Google exports them and Android names them: a keyword for JMAP (RFC 9555)."""

MEMBERS_OF: Final = """
SELECT contact_id FROM contact_group WHERE name = {name} UNION
SELECT c.id FROM group_card g CROSS JOIN group_member m ON m.group_id = g.id CROSS JOIN contact c ON c.uid = m.uid
WHERE g.name = {name} AND ({books} IS NULL
OR (SELECT collection_id FROM resource WHERE id = g.id) IN (SELECT value FROM json_each({books})))"""
"""The ids of the contacts of a group, by their categories and by the cards of groups in these address books."""


class CardSummary(msgspec.Struct, frozen=True):
    """A contact as lists show it, without its card being read. `photo`: the beginning of the hash of its photo, "" if
    it has none that can be shown.
    """

    name: str
    emails: tuple[str, ...]
    organization: str
    photo: str = ""


def note_card(tx: Tx, number: int, contact: Contact, photo: str = "", members: tuple[str, ...] | None = None) -> None:
    """Write the rows about a card, in place of earlier ones. `photo` as for `CardSummary`; `members` of a group, which
    is no contact.
    """
    for sql in DROP_ROWS:
        tx.execute(sql, number)
    if members is not None:
        tx.execute(SET_GROUP, number, contact.name)
        tx.executemany(ADD_MEMBER, ((number, key) for key in members))
        return
    listed = CardSummary(contact.name, tuple(email.value for email in contact.emails), contact.organization, photo)
    found = sorted_name(contact), _found(contact), contact_folded(contact)
    tx.execute(SET, number, *found, to_json(listed).decode(), member_key(contact.uid))
    tx.executemany(ADD_ADDRESS, ((number, *contact_address) for contact_address in contact_addresses(contact)))
    groups = (STARRED if is_starred(group) else group for group in contact.groups)
    tx.executemany(ADD_GROUP, ((group, number) for group in groups))


def is_starred(category: str) -> bool:
    """Whether a category of a contact means that it is a favorite."""
    return category.casefold() == STARRED


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
    """Sort key of a contact's name."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", name[:200]) if not unicodedata.combining(char))
    return plain.casefold()[:200]


def _found(contact: Contact) -> str:
    texts = (contact.name, *(f"<{entry.value}>" for entry in contact.emails), contact.organization, *contact.groups)
    return "\n".join((*texts, *(entry.value for entry in contact.phones))).casefold()
