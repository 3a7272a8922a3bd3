"""Contacts of one's own, with groups (STORE-96a). A contact is a row with the whole card as JSON, its addresses and
groups in tables of their own; what has no place in the webmail is kept, so that CardDAV and export have all of it.

There are at most `MAX_CONTACTS`, so that a search may look at all of them: 5 ms.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from moxlite.decoders import from_json
from moxlite.proto.address import Address, AddressError
from moxlite.proto.cards.vcard import Contact, Entry
from moxlite.store.errors import LimitExceeded, StoreError
from moxlite.store.file.transaction import Reader, Row, Tx
from moxlite.store.mail.recipients import search_words
from moxlite.store.rows.personnames import folded_name

MAX_CONTACTS: Final = 10_000
"""Contacts of an account."""

MAX_EMAILS: Final = 50
"""Addresses of a contact."""

MAX_GROUP: Final = 1000
"""Addresses of a group: as many recipients as a message may have (SMTP-32)."""

_COLUMNS: Final = "SELECT id, changed, card FROM contact"
BY_ID: Final = f"{_COLUMNS} WHERE id = ?"
PAGE: Final = f"{_COLUMNS} WHERE (sorted, id) > (?1, ?2) AND instr(found, ?3) ORDER BY sorted, id LIMIT ?4"
GROUP_PAGE: Final = f"""
{_COLUMNS} WHERE id IN (SELECT contact_id FROM contact_group WHERE name = ?5)
AND (sorted, id) > (?1, ?2) AND instr(found, ?3) ORDER BY sorted, id LIMIT ?4"""  # noqa: S608 column names
SORTED: Final = "SELECT sorted FROM contact WHERE id = ?"
COUNT: Final = "SELECT count(*) FROM contact WHERE instr(found, ?)"
BY_UID: Final = "SELECT id FROM contact WHERE uid = ?"
NAMED: Final = f"{_COLUMNS} WHERE sorted = ? ORDER BY id"
BY_FOLDED: Final = f"{_COLUMNS} WHERE folded = ? ORDER BY id LIMIT ?"
BY_ADDRESS: Final = "SELECT min(contact_id) FROM contact_address WHERE domain = ? AND localpart = ?"
HAS_ADDRESS: Final = """
SELECT EXISTS (SELECT 1 FROM contact_address WHERE domain = ? AND localpart = ? COLLATE NOCASE)"""
ADD: Final = "INSERT INTO contact (uid, sorted, folded, found, changed, card) VALUES (?, ?, ?, ?, ?, ?) RETURNING id"
CHANGE: Final = "UPDATE contact SET sorted = ?, folded = ?, found = ?, changed = ?, card = ? WHERE id = ?"
REMOVE: Final = (
    "DELETE FROM contact_address WHERE contact_id = ?",
    "DELETE FROM contact_group WHERE contact_id = ?",
    "DELETE FROM contact WHERE id = ?",
)
ADD_ADDRESS: Final = (
    "INSERT INTO contact_address (contact_id, localpart, domain) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
)
ADD_GROUP: Final = "INSERT INTO contact_group (name, contact_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
GROUPS: Final = "SELECT name, count(*) FROM contact_group GROUP BY name ORDER BY name"
MEMBERS: Final = f"""
{_COLUMNS} WHERE id IN (SELECT contact_id FROM contact_group WHERE name = ?) ORDER BY sorted, id"""  # noqa: S608 column names
SUGGESTED: Final = f"{_COLUMNS} WHERE instr(found, ?) ORDER BY sorted, id LIMIT ?"
ALL: Final = f"{_COLUMNS} ORDER BY sorted, id"


class TooManyContacts(LimitExceeded):
    """The account would have more contacts than `MAX_CONTACTS`."""


class ContactChanged(StoreError):
    """A contact was changed or removed since it was read."""


class Kept(msgspec.Struct, frozen=True):
    """A contact as it is stored. `changed`: µs UTC of the last change."""

    id: int
    changed: int
    contact: Contact


def contact_of(r: Reader, contact_id: int) -> Kept | None:
    """The contact, or None."""
    row = r.row(BY_ID, contact_id)
    return None if row is None else _kept(row[0], row[1], row[2])


def is_contact(r: Reader, localpart: str, domain: str) -> bool:
    """Whether a contact has this address (U-labels), in any case. Linear in the contacts of the domain."""
    return bool(r.value(HAS_ADDRESS, domain, localpart))


def find_contacts(r: Reader, text: str, group: str, after: int, limit: int) -> list[Kept]:
    """Contacts by name, at most `limit`: those that contain `text` in any case, of a group or "" for all, after the
    contact with this id, 0 for the first ones.
    """
    place = ("", 0) if not after else ((r.value(SORTED, after) or ""), after)
    sql, arguments = (GROUP_PAGE, (group,)) if group else (PAGE, ())
    return [_kept(*row) for row in r.rows(sql, *place, text.casefold(), limit, *arguments)]


def count_contacts(r: Reader, text: str = "") -> int:
    """Number of contacts that contain a text."""
    return int(r.value(COUNT, text.casefold()) or 0)


def groups_of(r: Reader) -> list[tuple[str, int]]:
    """Groups, with their numbers of contacts."""
    return [(name, number) for name, number in r.rows(GROUPS)]


def group_members(r: Reader, group: str) -> list[tuple[str, str]]:
    """Name and first address of the contacts of a group that have one, at most `MAX_GROUP`."""
    found: list[tuple[str, str]] = []
    for row in r.iterate(MEMBERS, group):
        contact = _kept(*row).contact
        if contact.emails:
            found.append((contact.name, contact.emails[0].value))
            if len(found) == MAX_GROUP:
                break
    return found


def all_contacts(r: Reader) -> Iterator[Contact]:
    """All contacts by name."""
    for row in r.iterate(ALL):
        yield _kept(*row).contact


def save_contact(tx: Tx, contact: Contact, now: int, contact_id: int = 0, changed: int = 0) -> int:
    """Add a contact, or with its id change it; returns its id. `changed`: of the contact that was changed by a person,
    0 for whatever it is now. A contact that has these values already stays as it is, also after a client's change.

    Raises ContactChanged, TooManyContacts.
    """
    if contact_id:
        before = contact_of(tx, contact_id)
        if before is None:
            raise ContactChanged("the contact was changed or removed elsewhere")
        contact = msgspec.structs.replace(contact, uid=before.contact.uid)
        if contact == before.contact:
            return contact_id
        if changed and before.changed != changed:
            raise ContactChanged("the contact was changed or removed elsewhere")
        folded = contact_folded(contact)
        tx.execute(CHANGE, _sorted(contact), folded, _found(contact), now, _encoded(contact), contact_id)
        for sql in REMOVE[:2]:
            tx.execute(sql, contact_id)
    else:
        if (tx.value(COUNT, "") or 0) >= MAX_CONTACTS:
            raise TooManyContacts(f"contacts: there are {MAX_CONTACTS:,} already")
        if not contact.uid or tx.value(BY_UID, contact.uid) is not None:
            contact = msgspec.structs.replace(contact, uid=f"urn:moxlite:{secrets.token_hex(16)}")
        folded = contact_folded(contact)
        contact_id = tx.value(ADD, contact.uid, _sorted(contact), folded, _found(contact), now, _encoded(contact))
    for localpart, domain in dict.fromkeys(contact_addresses(contact)):
        tx.execute(ADD_ADDRESS, contact_id, localpart, domain)
    for group in contact.groups:
        tx.execute(ADD_GROUP, group, contact_id)
    return contact_id


def same_contact(r: Reader, contact: Contact) -> int:
    """The id of a contact that is equal but for its UID, 0 without one. Linear in the contacts of this name."""
    for row in r.iterate(NAMED, _sorted(contact)):
        known = _kept(*row)
        if msgspec.structs.replace(known.contact, uid=contact.uid) == contact:
            return known.id
    return 0


def remove_contact(tx: Tx, contact_id: int) -> Contact | None:
    """Remove a contact; returns it, or None if it is gone already."""
    before = contact_of(tx, contact_id)
    for sql in REMOVE:
        tx.execute(sql, contact_id)
    return None if before is None else before.contact


def import_contacts(tx: Tx, contacts: Sequence[Contact], now: int) -> tuple[int, int]:
    """Add contacts; returns how many were added, and how many were there: one with the same UID, or with the same name
    and addresses. What an import adds to a contact that is there: addresses, numbers and groups it has not.

    Raises TooManyContacts; then none was added.
    """
    added = 0
    for contact in contacts:
        known = _known(tx, contact)
        if known is None:
            save_contact(tx, contact, now)
            added += 1
        elif (merged := _merged(known.contact, contact)) != known.contact:
            save_contact(tx, merged, now, known.id)
    return added, len(contacts) - added


def suggest_contacts(r: Reader, text: str, limit: int) -> Iterator[tuple[str, str]]:
    """Name and address of contacts that contain a text, in any case, each address once; at most `limit` contacts."""
    needle = text.casefold()
    for row in r.iterate(SUGGESTED, needle, limit):
        contact = _kept(*row).contact
        in_name = needle in contact.name.casefold()
        for entry in contact.emails:
            if in_name or needle in f"{contact.name} <{entry.value}>".casefold() or not _in_any(contact, needle):
                yield contact.name, entry.value


def suggest_groups(r: Reader, text: str, limit: int) -> list[str]:
    """Groups whose name contains a text, in any case."""
    needle = text.casefold()
    return [name for name, _ in groups_of(r) if needle in name.casefold()][:limit]


def add_address(tx: Tx, contact_id: int, name: str, addresses: Sequence[str], now: int) -> int:
    """Add addresses to a contact, or make one of this name where the contact is gone or full; returns its id. Addresses
    that the contact has stay as they are. Raises TooManyContacts.
    """
    known = contact_of(tx, contact_id)
    had = {entry.value.casefold() for entry in known.contact.emails} if known is not None else set()
    more = tuple(Entry(one, "") for one in addresses if one.casefold() not in had)
    if known is None or len(known.contact.emails) + len(more) > MAX_EMAILS:
        return save_contact(tx, Contact(name=name, emails=tuple(Entry(one, "") for one in addresses)), now)
    emails = (*known.contact.emails, *more)
    return save_contact(tx, msgspec.structs.replace(known.contact, emails=emails), now, contact_id)


def contact_addresses(contact: Contact) -> Iterable[tuple[str, str]]:
    """Localparts and domains (U-labels) of the addresses that are valid."""
    for entry in contact.emails:
        try:
            address = Address.parse(entry.value)
        except AddressError:
            continue
        yield str(address.localpart), address.domain.unicode


def contacts_named(r: Reader, folded: str, limit: int) -> list[Kept]:
    """Contacts whose name has this form (`contact_folded`), the oldest first, at most `limit`."""
    return [_kept(*row) for row in r.rows(BY_FOLDED, folded, limit)]


def contact_folded(contact: Contact) -> str:
    """The name of a contact in the form in which names are compared; "" of one that is called by an address."""
    return "" if "@" in contact.name else folded_name(contact.name)


def _in_any(contact: Contact, needle: str) -> bool:
    return any(needle in entry.value.casefold() for entry in contact.emails)


def _known(r: Reader, contact: Contact) -> Kept | None:
    """The contact that this one is: by UID, else by name and an address."""
    if contact.uid and (found := r.value(BY_UID, contact.uid)) is not None:
        return contact_of(r, found)
    for localpart, domain in contact_addresses(contact):
        if (found := r.value(BY_ADDRESS, domain, localpart)) is not None:
            known = contact_of(r, found)
            if known is not None and known.contact.name.casefold() == contact.name.casefold():
                return known
    return None


def _merged(old: Contact, new: Contact) -> Contact:
    """The old contact with what only the new one has."""
    values = {entry.value.casefold() for entry in (*old.emails, *old.phones)}
    more = [tuple(one for one in entries if one.value.casefold() not in values) for entries in (new.emails, new.phones)]
    return msgspec.structs.replace(
        old,
        emails=(*old.emails, *more[0])[:MAX_EMAILS],
        phones=(*old.phones, *more[1])[:50],
        groups=tuple(dict.fromkeys((*old.groups, *new.groups)))[:50],
        organization=old.organization or new.organization,
        note=old.note or new.note,
        other=old.other or new.other,
    )


def _sorted(contact: Contact) -> str:
    return contact.name.casefold()[:200]


def _found(contact: Contact) -> str:
    texts = (contact.name, *(f"<{entry.value}>" for entry in contact.emails), contact.organization, *contact.groups)
    return "\n".join((*texts, *(entry.value for entry in contact.phones))).casefold()


def _encoded(contact: Contact) -> str:
    return msgspec.json.encode(msgspec.structs.replace(contact, dropped=())).decode()


def _kept(contact_id: int, changed: int, card: str) -> Kept:
    return Kept(contact_id, changed, from_json(card, Contact))


# Suggestions of people for a text (STORE-96).
#
# The work is bounded, however many people there are: the best-ranked rows are searched for the text, then rows that
# have a word which begins like a word of it.


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
    if (r.value(CORRESPONDENTS, BEST + 1) or 0) <= BEST:
        return
    words = search_words(needle)
    if words:
        word = max(words, key=len)
        yield from r.iterate(HAVING_WORD, needle, word, word + END, BY_WORD)


# People whom the user knows, by name, and whether an address is known (STORE-96d, WEBMAIL-161).
#
# An address is known if a contact has it, if the account wrote to it, or if mail from it was wanted. That a message
# is read marks it as wanted, so mail proves nothing about its own sender: `before` is the time up to which it counts.
# The work is bounded, however many people bear a name.


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
KNOWN_BY_ADDRESS: Final = """
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
    row = r.row(KNOWN_BY_ADDRESS, *spelled)
    return None if row is None else Known(*row)


def is_known(r: Reader, localpart: str, domain: str, before: int) -> bool:
    """Whether an address (U-labels) is known, by mail up to a time, µs UTC."""
    return (
        is_contact(r, localpart, domain)
        or r.row(KNOWN_BY_ADDRESS, domain, localpart, localpart.casefold()) is not None
        or bool(r.value(WANTED, domain, localpart, before, JUDGED))
    )
