"""Contacts, with groups: the cards of all address books of an account, as lists, completion and imports see them
(STORE-96a, DAV-22). A contact's id is that of its resource. Values that a contact has no field for stay in its card.
"""

from __future__ import annotations

import logging
import secrets
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Final, Literal

import msgspec

from moxlite.encoding import from_json, to_json
from moxlite.normal import normalized
from moxlite.proto.address import AddressKey
from moxlite.proto.cards.carddetails import birthday_in
from moxlite.proto.cards.cardobject import BadCard, FileCard, card_with_uid, changed_card, new_card, read_card
from moxlite.proto.cards.photo import Photo, card_with_photo, photo_of
from moxlite.proto.cards.vcard import Contact, Entry, tidied
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader, Row
from moxlite.store.groupware.cards import (
    MEMBERS_OF,
    STARRED,
    CardSummary,
    contact_addresses,
    note_card,
    sorted_name,
    valid_addresses,
)
from moxlite.store.groupware.collection import (
    Collection,
    CollectionChange,
    collections_of,
    create_collection,
    default_of,
    ensure_defaults,
    patch_collection,
)
from moxlite.store.groupware.resources import (
    NoSuchResource,
    UIDTaken,
    card_facts,
    delete_resource,
    put_resource,
    resource_data,
    resource_of,
    size_of,
    together,
)

logger = logging.getLogger("moxlite.store.contacts")

MAX_EMAILS: Final = 50
"""Addresses of a contact."""

MAX_BIRTHDAYS: Final = 2000
"""Birthdays in an answer: five or six on each day of a year."""

SLICE: Final = 50
"""Cards that get their rows in one unit: 25 ms."""

_COLUMNS: Final = "SELECT id, listed FROM contact"
_BOOK: Final = "(SELECT collection_id FROM resource WHERE resource.id = contact.id)"
IN_BOOKS: Final = f"(?1 IS NULL OR {_BOOK} IN (SELECT value FROM json_each(?1)))"  # noqa: S608 column names
"""Condition: the contact is in one of these address books."""

CARD_IN_BOOKS: Final = """(?1 IS NULL OR (SELECT collection_id FROM resource WHERE resource.id = g.id) IN
(SELECT value FROM json_each(?1)))"""
"""Condition: the card of a group is in one of these address books."""

_STARRED: Final = f"EXISTS (SELECT 1 FROM contact_group WHERE name = '{STARRED}' AND contact_id = contact.id)"  # noqa: S608
_PAGE: Final = f"""
SELECT id, listed, {_BOOK}, sorted, {_STARRED} FROM contact
WHERE {IN_BOOKS} AND (sorted, id) > (?2, ?3) AND instr(found, ?4)"""  # noqa: S608 column names
PAGE: Final = f"{_PAGE} ORDER BY sorted, id LIMIT ?5"
GROUP_PAGE: Final = f"""
{_PAGE} AND id IN ({MEMBERS_OF.format(name="?6", books="?1")}) ORDER BY sorted, id LIMIT ?5"""
LETTERS: Final = f"""
SELECT DISTINCT substr(sorted, 1, 1) FROM contact WHERE {IN_BOOKS} AND instr(found, ?2)"""  # noqa: S608 column names
GROUP_LETTERS: Final = f"{LETTERS} AND id IN ({MEMBERS_OF.format(name='?3', books='?1')})"
LISTED: Final = "SELECT listed FROM contact WHERE id = ?"
SORTED: Final = "SELECT sorted FROM contact WHERE id = ?"
COUNT: Final = f"SELECT count(*) FROM contact WHERE {IN_BOOKS}"  # noqa: S608 column names
CARD: Final = """
SELECT r.changed, d.data FROM resource r JOIN resource_data d ON d.resource_id = r.id
WHERE r.id = ? AND r.component = 'VCARD'"""
BY_UID: Final = """
SELECT id FROM resource WHERE collection_id IN (SELECT id FROM collection WHERE kind = 'contact') AND uid = ? LIMIT 1"""
NAMED: Final = f"SELECT id FROM contact WHERE {IN_BOOKS} AND sorted = ?2 ORDER BY id"  # noqa: S608 column names
BY_FOLDED: Final = f"{_COLUMNS} WHERE folded = ? ORDER BY id LIMIT ?"
BY_ADDRESS: Final = "SELECT min(contact_id) FROM contact_address WHERE domain = ? AND localpart = ?"
HAS_ADDRESS: Final = """
SELECT EXISTS (SELECT 1 FROM contact_address WHERE domain = ? AND localpart = ? COLLATE NOCASE)"""
SUGGESTED: Final = f"{_COLUMNS} WHERE instr(found, ?) AND NOT {_STARRED} ORDER BY sorted, id LIMIT ?"
SUGGESTED_FAVORITES: Final = f"""
{_COLUMNS} WHERE id IN (SELECT contact_id FROM contact_group WHERE name = '{STARRED}') AND instr(found, ?)
ORDER BY sorted, id LIMIT ?"""  # noqa: S608 a constant
PICTURED: Final = """
SELECT c.id, c.listed FROM contact_address a JOIN contact c ON c.id = a.contact_id
WHERE a.domain = ? AND a.localpart = ? COLLATE NOCASE AND instr(c.listed, '"photo":"') > 0
AND instr(c.listed, '"photo":""') = 0 ORDER BY c.id LIMIT 1"""
BORN: Final = """
SELECT c.id, c.listed, d.data FROM contact c JOIN resource_data d ON d.resource_id = c.id
WHERE instr(d.data, x'42444159') ORDER BY c.id"""  # BDAY
OF_CONTACT: Final = f"""
SELECT DISTINCT g.name FROM contact c JOIN group_member m ON m.uid = c.uid
JOIN group_card g ON g.id = m.group_id WHERE c.id = ?2 AND {CARD_IN_BOOKS}
ORDER BY g.name"""  # noqa: S608 column names
ALL: Final = "SELECT id FROM contact ORDER BY sorted, id"
DUE: Final = "SELECT id FROM contact_due WHERE problem IS NULL ORDER BY id LIMIT ?"
DONE: Final = "DELETE FROM contact_due WHERE id = ?"
FAILED: Final = "UPDATE contact_due SET problem = ? WHERE id = ?"


class ContactChanged(StoreError):
    """A contact was changed or removed since it was read."""


class StoredContact(msgspec.Struct, frozen=True):
    """A contact as it is stored. `changed`: µs UTC of the last change."""

    id: int
    changed: int
    contact: Contact


class Birthday(msgspec.Struct, frozen=True):
    """The birthday of a contact. `date` as `carddetails.Details.birthday` has it; `address`: the first one, "" for
    none.
    """

    id: int
    name: str
    address: str
    date: str


class ContactRow(msgspec.Struct, frozen=True):
    """A contact in a list. `book`: its address book; `sorted`: its place;
    `starred`: it is a favorite.
    """

    id: int
    book: int
    sorted: str
    listed: CardSummary
    starred: bool = False


def contact_of(r: Reader, contact_id: int) -> StoredContact | None:
    """The contact, or None."""
    row = r.row(CARD, contact_id)
    return None if row is None else StoredContact(contact_id, row[0], read_card(bytes(row[1])).contact)


def is_contact(r: Reader, localpart: str, domain: str) -> bool:
    """Whether a contact has this address (U-labels), in any case. Linear in the contacts of the domain."""
    return bool(r.value(HAS_ADDRESS, domain, localpart))


def sorted_of(r: Reader, contact_id: int) -> str:
    """The place of a contact in lists, "" for an id without a contact."""
    return r.value(SORTED, contact_id) or ""


def find_contacts(
    r: Reader,
    text: str = "",
    group: str = "",
    after: tuple[str, int] = ("", 0),
    limit: int = -1,
    books: frozenset[int] | None = None,
) -> list[ContactRow]:
    """Contacts by name, at most `limit`: those that contain `text` in any case, of a group or "" for all, of these
    address books or all, after the one with this `sorted` and id.
    """
    sql, arguments = (GROUP_PAGE, (group,)) if group else (PAGE, ())
    rows = r.rows(sql, ids_json(books), *after, text.casefold(), limit, *arguments)
    return [
        ContactRow(number, book or 0, place, from_json(listed, CardSummary), bool(star))
        for number, listed, book, place, star in rows
    ]


def letters_of(r: Reader, text: str = "", group: str = "", books: frozenset[int] | None = None) -> set[str]:
    """The first characters of the places of contacts, as `find_contacts` finds these."""
    sql, arguments = (GROUP_LETTERS, (group,)) if group else (LETTERS, ())
    return {letter for (letter,) in r.rows(sql, ids_json(books), text.casefold(), *arguments)}


def count_contacts(r: Reader, books: frozenset[int] | None = None) -> int:
    """Number of contacts, in these address books or all."""
    return int(r.value(COUNT, ids_json(books)) or 0)


def ids_json(books: frozenset[int] | None) -> str | None:
    """The ids of address books as a parameter of `IN_BOOKS`."""
    return None if books is None else to_json(books).decode()


def groups_with(r: Reader, contact_id: int, books: frozenset[int] | None = None) -> tuple[str, ...]:
    """The names of the groups that have a contact as a member, by their cards in these address books or all."""
    return tuple(name for (name,) in r.rows(OF_CONTACT, ids_json(books), contact_id))


def contact_ids(r: Reader) -> list[int]:
    """The ids of all contacts, by name."""
    return [number for (number,) in r.rows(ALL)]


def some_contacts(r: Reader, ids: Sequence[int]) -> tuple[list[Contact], int]:
    """The contacts with the first of these ids, with all their groups, and of how many ids: not more than are held at
    once (`together`).
    """
    held = [*together(ids, partial(size_of, r))]
    contacts: list[Contact] = []
    for number in held:
        if (stored := contact_of(r, number)) is not None:
            groups = dict.fromkeys((*stored.contact.groups, *groups_with(r, number)))
            contacts.append(msgspec.structs.replace(stored.contact, groups=tuple(groups)))
    return contacts, len(held)


def some_cards(r: Reader, ids: Sequence[int]) -> tuple[list[bytes], int]:
    """The cards of the contacts with the first of these ids, as `some_contacts`."""
    held = [*together(ids, partial(size_of, r))]
    cards = (_card_of(r, number) for number in held)
    return [card for card in cards if card is not None], len(held)


def _card_of(r: Reader, contact_id: int) -> bytes | None:
    row = r.row(CARD, contact_id)
    return None if row is None else bytes(row[1])


def photo_mark_of(r: Reader, contact_id: int) -> str:
    """The mark of a contact's photo, "" without one."""
    listed = r.value(LISTED, contact_id)
    return "" if listed is None else from_json(listed, CardSummary).photo


def photo_for(r: Reader, localpart: str, domain: str) -> tuple[int, str]:
    """The id of a contact that has this address (U-labels), in any case, and a photo, with the photo's mark; 0 and ""
    without one.
    """
    row = r.row(PICTURED, domain, localpart)
    return (0, "") if row is None else (row[0], _listed(row)[1].photo)


def save_contact(
    tx: AccountTx,
    contact: Contact,
    contact_id: int = 0,
    changed: int = 0,
    book: Collection | None = None,
    photo: Photo | Literal[False] | None = None,
) -> int:
    """Add a contact to an address book, by default the first, or with its id change it; returns its id. `changed`: of
    the contact that was changed by a person, 0 for whatever it is now. A contact that has these values already stays as
    it is, also after a client's change. `photo`: a new one, False to take it away, None for the one that it has.

    Raises ContactChanged, TooManyContacts, OverQuota.
    """
    contact = tidied(contact)
    if not contact_id:
        if not contact.uid or tx.value(BY_UID, contact.uid) is not None:
            contact = msgspec.structs.replace(contact, uid=_new_uid())
        return _put(tx, book or default_book(tx), _new_name(), _pictured(new_card(contact), photo))
    before = contact_of(tx, contact_id)
    if before is None:
        raise ContactChanged("this contact was changed or deleted since you opened it")
    contact = msgspec.structs.replace(contact, uid=before.contact.uid)
    there = resource_of(tx, contact_id)
    assert there is not None  # the contact was read from it
    card = resource_data(tx, contact_id)
    pictured = _pictured(card, photo)
    if photo is not None:  # the photo is among the further properties
        pictures = [line for line in read_card(pictured).contact.other if _name_of(line).endswith("PHOTO")]
        other = [line for line in contact.other if not _name_of(line).endswith("PHOTO")]
        contact = msgspec.structs.replace(contact, other=(*other, *pictures))
    if contact == before.contact and pictured == card:
        return contact_id
    if changed and before.changed != changed:
        raise ContactChanged("this contact was changed or deleted since you opened it")
    card = changed_card(read_card(pictured), contact)
    put_resource(tx, there.collection_id, there.name, card, card_facts(card))
    return contact_id


def same_contact(r: Reader, contact: Contact, books: frozenset[int] | None = None) -> int:
    """The id of a contact, in these address books or all, that is equal but for its UID, 0 without one. Linear in the
    contacts of this name.
    """
    contact = tidied(contact)
    for (number,) in r.rows(NAMED, ids_json(books), sorted_name(contact)):
        known = contact_of(r, number)
        if known is not None and _is_same(known.contact, contact):
            return known.id
    return 0


def remove_contact(tx: AccountTx, contact_id: int, changed: int = 0) -> str:
    """Remove a contact; returns its card, or "" if it is gone already. `changed`: as for `save_contact`.

    Raises ContactChanged.
    """
    there = resource_of(tx, contact_id)
    if there is None:
        return ""
    before = contact_of(tx, contact_id)
    if changed and before is not None and before.changed != changed:
        raise ContactChanged("this contact was changed or deleted since you opened it")
    card = resource_data(tx, contact_id)
    delete_resource(tx, there.collection_id, there.name, lambda _: None, keep=True)
    return card.decode()


def restore_contact(tx: AccountTx, card: bytes, book: Collection | None = None) -> None:
    """Add a contact from the card that `remove_contact` returned to an address book, by default the first, unless one
    with its UID is there; another address book may have one, too.

    Raises BadCard, TooManyContacts, OverQuota.
    """
    with suppress(UIDTaken):
        _put(tx, book or default_book(tx), _new_name(), card)


def move_contact(tx: AccountTx, contact_id: int, book: Collection) -> None:
    """Put a contact into another address book of the account; it keeps its id. Raises NoSuchResource, UIDTaken."""
    there = resource_of(tx, contact_id)
    if there is None:
        raise NoSuchResource("entry not found")
    if there.collection_id != book.id:
        card = resource_data(tx, contact_id)
        delete_resource(tx, there.collection_id, there.name, lambda _: None)
        _put(tx, book, _new_name(), card, contact_id)


def add_copy(tx: AccountTx, card: bytes, book: Collection) -> int:
    """Add a copy of a card to an address book, with a UID of its own where the account has that already; returns its
    id. Raises BadCard, TooManyContacts, OverQuota.
    """
    card_object = read_card(card)
    if tx.value(BY_UID, card_object.uid) is not None:
        card = card_with_uid(card_object, _new_uid())
    return _put(tx, book, _new_name(), card)


def import_contacts(
    tx: AccountTx, contacts: Sequence[FileCard | Contact], book: Collection | None = None
) -> tuple[int, int]:
    """Add contacts, or cards to the letter, to an address book, by default the first; returns how many were added, and
    how many were there: one with the same UID, or with the same name and addresses. What an import adds to a contact
    that is there: addresses, numbers and groups it has not.

    Raises TooManyContacts, OverQuota; then none was added.
    """
    added = 0
    for new in contacts:
        contact = new.contact if isinstance(new, FileCard) else new
        known = known_contact(tx, contact)
        if known is None:
            if isinstance(new, FileCard):
                _put(tx, book or default_book(tx), _new_name(), new.data)
            else:
                save_contact(tx, new, book=book)
            added += 1
        elif (merged := _merged(known.contact, contact)) != known.contact:
            save_contact(tx, merged, known.id)
    return added, len(contacts) - added


def suggest_contacts(r: Reader, text: str, limit: int) -> Iterator[tuple[str, str]]:
    """Name and address of contacts that contain a text, in any case, favorites first, each address once; at most
    `limit` contacts.
    """
    needle = normalized("NFC", text).casefold()
    favorites = r.rows(SUGGESTED_FAVORITES, needle, limit)
    for row in chain(favorites, r.iterate(SUGGESTED, needle, limit - len(favorites))):
        _, contact = _listed(row)
        in_name = needle in contact.name.casefold()
        in_any = any(needle in one.casefold() for one in contact.emails)
        for email in contact.emails:
            if in_name or needle in f"{contact.name} <{email}>".casefold() or not in_any:
                yield contact.name, email


def add_address(tx: AccountTx, contact_id: int, name: str, addresses: Sequence[str]) -> int:
    """Add addresses to a contact, or make one of this name where the contact is gone or full; returns its id. Addresses
    that the contact has stay as they are. Raises TooManyContacts, OverQuota.
    """
    known = contact_of(tx, contact_id)
    had = {AddressKey.parse(entry.value) for entry in known.contact.emails} if known is not None else set()
    more = tuple(Entry(address, "") for address in addresses if AddressKey.parse(address) not in had)
    if known is None or len(known.contact.emails) + len(more) > MAX_EMAILS:
        return save_contact(tx, Contact(name=name, emails=tuple(Entry(address, "") for address in addresses)))
    emails = (*known.contact.emails, *more)
    return save_contact(tx, msgspec.structs.replace(known.contact, emails=emails), contact_id)


def contacts_named(r: Reader, folded: str, limit: int) -> Iterator[tuple[int, str, list[tuple[str, str]]]]:
    """Ids, names and addresses of contacts whose name has this form (`cards.contact_folded`), the oldest first, at most
    `limit`.
    """
    for row in r.rows(BY_FOLDED, folded, limit):
        number, contact = _listed(row)
        yield number, contact.name, valid_addresses(contact.emails)


def birthdays_of(r: Reader) -> list[Birthday]:
    """The birthdays of all contacts, up to `MAX_BIRTHDAYS`. Looks at all cards."""
    birthdays: list[Birthday] = []
    for number, listed, data in r.rows(BORN):
        date = birthday_in(bytes(data))
        if date:
            contact = from_json(listed, CardSummary)
            birthdays.append(Birthday(number, contact.name, next(iter(contact.emails), ""), date))
            if len(birthdays) == MAX_BIRTHDAYS:
                break
    return birthdays


def birthdays_shown(r: Reader) -> bool:
    """Whether the user wants to see birthdays in the calendar."""
    return not any(book.birthdays_hidden for book in collections_of(r, "contact"))


def show_birthdays(tx: AccountTx, *, shown: bool) -> None:
    """Note whether the user wants to see birthdays in the calendar."""
    first = default_book(tx)
    for book in collections_of(tx, "contact"):
        hidden = not shown and book.id == first.id
        patch_collection(tx, book, CollectionChange(birthdays_hidden=hidden))


def default_book(tx: AccountTx) -> Collection:
    """The first address book, to which new contacts are added; made if the account has no address book."""
    ensure_defaults(tx)
    book = default_of(collections_of(tx, "contact"))
    return book or create_collection(tx, Collection(0, "contact", "contacts", "Contacts"))


def settle_contacts(tx: AccountTx) -> None:
    """Make the rows of the next cards without them. A card that cannot be read stays without, with the reason."""
    for (number,) in tx.rows(DUE, SLICE):
        try:
            facts = card_facts(resource_data(tx, number))
            note_card(tx, number, facts.contact or Contact(), facts.photo, facts.members)
            tx.execute(DONE, number)
        except (BadCard, NoSuchResource) as error:
            tx.execute(FAILED, str(error), number)
            tx.after_commit(partial(_tell, tx.account, number, error))


def _tell(account: str, number: int, error: Exception) -> None:
    kv = {"account": account, "contact": number, "err": str(error)}
    logger.warning("can't read card", extra={"kv": kv})


def _pictured(card: bytes, photo: Photo | Literal[False] | None) -> bytes:
    """The card with the photo that `save_contact` is given."""
    if photo is None:
        return card
    component = read_card(card).card
    wanted = photo or None
    return card if photo_of(component) == wanted else card_with_photo(component, wanted)


def _put(tx: AccountTx, book: Collection, name: str, card: bytes, number: int = 0) -> int:
    resource, _ = put_resource(tx, book.id, name, card, card_facts(card), number=number)
    return resource.id


def _is_same(contact: Contact, wanted: Contact) -> bool:
    """Whether a contact that was read has all of the wanted one. The UID does not count, nor parts of the name that the
    wanted one has not.
    """
    return msgspec.structs.replace(
        contact, uid="", parts=contact.parts if wanted.parts else ()
    ) == msgspec.structs.replace(wanted, uid="")


def known_contact(r: Reader, contact: Contact) -> StoredContact | None:
    """The contact of the account that this one is: by UID, else by name and an address; None if it has none."""
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
    more = [
        tuple(entry for entry in entries if entry.value.casefold() not in values)
        for entries in (new.emails, new.phones)
    ]
    there = {_name_of(line) for line in old.other}
    return msgspec.structs.replace(
        old,
        emails=(*old.emails, *more[0])[:MAX_EMAILS],
        phones=(*old.phones, *more[1])[:50],
        groups=tuple(dict.fromkeys((*old.groups, *new.groups)))[:50],
        organization=old.organization or new.organization,
        units=(old if old.organization else new).units,
        note=old.note or new.note,
        other=(*old.other, *(line for line in new.other if _name_of(line) not in there)),
    )


def _name_of(line: str) -> str:
    """The name of a property in capitals, with its group."""
    return line.partition(":")[0].partition(";")[0].upper()


def _listed(row: Row) -> tuple[int, CardSummary]:
    return row[0], from_json(row[1], CardSummary)


def _new_uid() -> str:
    return f"urn:uuid:{uuid.uuid4()}"


def _new_name() -> str:
    return f"{secrets.token_hex(16)}.vcf"
