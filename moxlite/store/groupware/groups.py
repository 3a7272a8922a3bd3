"""Groups of contacts (WEBMAIL-128g). A group has a name. Its contacts are those that have it among their categories
(CATEGORIES, RFC 6350 §6.7.1), and the members of cards of this name that are groups (KIND and MEMBER, §6.1.4, §6.6.5).
Clients write the one or the other: a group is kept as it came, and a new one is a card.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Collection as Container, Iterable
from typing import Final, Literal

import msgspec

from moxlite.encoding import from_json
from moxlite.proto.cards.cardobject import MAX_MEMBERS, changed_group, member_key, new_group, read_card
from moxlite.proto.cards.photo import Photo
from moxlite.proto.cards.vcard import MAX_ENTRIES, Contact
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import LimitExceeded, StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.cards import MEMBERS_OF, STARRED, CardSummary, is_starred
from moxlite.store.groupware.collection import Collection
from moxlite.store.groupware.contacts import (
    CARD_IN_BOOKS,
    IN_BOOKS,
    contact_of,
    default_book,
    groups_with,
    ids_json,
    same_contact,
    save_contact,
)
from moxlite.store.groupware.resources import card_facts, delete_resource, put_resource, resource_data, resource_of

MAX_GROUP: Final = 1000
"""Addresses of a group: as many recipients as a message may have (SMTP-32)."""

GROUPS: Final = f"""
SELECT name, count(DISTINCT member) FROM (
SELECT name, contact.id AS member FROM contact_group JOIN contact ON contact.id = contact_id WHERE {IN_BOOKS}
UNION ALL
SELECT g.name, contact.id FROM group_card g LEFT JOIN group_member m ON m.group_id = g.id
LEFT JOIN contact ON contact.uid = m.uid AND {IN_BOOKS} WHERE {CARD_IN_BOOKS}
) GROUP BY name ORDER BY name"""  # noqa: S608 column names
IDS: Final = MEMBERS_OF.format(name="?2", books="?1")
MEMBERS: Final = f"SELECT listed FROM contact WHERE id IN ({IDS}) ORDER BY sorted, id"  # noqa: S608 column names
OTHERS: Final = """
SELECT substr(m.uid, 8) FROM group_card g JOIN group_member m ON m.group_id = g.id
WHERE g.name = ? AND m.uid LIKE 'mailto:%' ORDER BY m.uid"""
CATEGORIZED: Final = f"""
SELECT contact.id FROM contact_group JOIN contact ON contact.id = contact_id
WHERE name = ?2 AND {IN_BOOKS} ORDER BY contact.id"""  # noqa: S608 column names
CARDS: Final = f"SELECT g.id FROM group_card g WHERE g.name = ?2 AND {CARD_IN_BOOKS} ORDER BY g.id"  # noqa: S608 column names
ALL: Final = "SELECT id FROM group_card ORDER BY name, id"
IN_BOOK: Final = "SELECT count(*) FROM resource r JOIN group_card g ON g.id = r.id WHERE r.collection_id = ?"


TAKEN: Final = "a group with this name already exists"


class GroupExists(StoreError):
    """There is a group of this name already."""


def groups_of(r: Reader, books: frozenset[int] | None = None) -> list[tuple[str, int]]:
    """Groups, with their numbers of contacts, in these address books or all; favorites are one, too."""
    return [(name, number) for name, number in r.rows(GROUPS, ids_json(books))]


def group_ids(r: Reader) -> list[int]:
    """The ids of the cards of all groups."""
    return [number for (number,) in r.rows(ALL)]


def count_groups(r: Reader, collection_id: int) -> int:
    """Number of cards of an address book that are groups."""
    return int(r.value(IN_BOOK, collection_id) or 0)


def group_members(r: Reader, group: str) -> list[tuple[str, str]]:
    """List a group's members as name and address, up to `MAX_GROUP`.

    First contacts that have an address, with their first one, then members without a card.
    """
    listed = (from_json(row[0], CardSummary) for row in r.iterate(MEMBERS, None, group))
    members = [(contact.name, contact.emails[0]) for contact in listed if contact.emails]
    return [*members, *(("", address) for (address,) in r.rows(OTHERS, group))][:MAX_GROUP]


def suggest_groups(r: Reader, text: str, limit: int) -> list[str]:
    """Groups whose name contains a text, in any case."""
    needle = text.casefold()
    return [name for name, _ in groups_of(r) if needle in name.casefold() and name != STARRED][:limit]


# Changes. `books`: the ids of the address books that may be changed, None for all.


def create_group(tx: AccountTx, name: str, book: Collection | None = None) -> None:
    """Add the card of a group without members to an address book, by default the first. One that is there stays.

    Raises GroupExists for the name of favorites, TooManyContacts, OverQuota.
    """
    if is_starred(name):
        raise GroupExists(TAKEN)
    if tx.value(CARDS, None, name) is None:
        card = new_group(f"urn:uuid:{uuid.uuid4()}", name)
        put_resource(tx, (book or default_book(tx)).id, f"{secrets.token_hex(16)}.vcf", card, card_facts(card))


def save_in_groups(
    tx: AccountTx,
    contact: Contact,
    contact_id: int = 0,
    changed: int = 0,
    book: Collection | None = None,
    photo: Photo | Literal[False] | None = None,
    books: frozenset[int] | None = None,
    seen: frozenset[int] | None = None,
) -> int:
    """Add or change a contact as `save_contact`, without adding duplicates. Returns its id.

    Its groups are updated: it becomes a member of groups with a card, and other groups become categories. A favorite
    stays one. `seen`: the address books whose groups the user was shown, some of which may be read-only.
    """
    before = contact_of(tx, contact_id) if contact_id else None
    had = () if before is None else before.contact.groups
    member = groups_with(tx, contact_id, seen)
    joined = [
        group
        for group in contact.groups
        if group not in had and group not in member and tx.value(CARDS, ids_json(books), group) is not None
    ]
    categories = [group for group in contact.groups if group in had or (group not in member and group not in joined)]
    plain = msgspec.structs.replace(contact, groups=(*categories, *filter(is_starred, had)))
    number = contact_id or same_contact(tx, plain, None if book is None else frozenset({book.id}))
    if contact_id or not number or photo:
        number = save_contact(tx, plain, number, changed, book, photo)
    for group in joined:
        join_group(tx, [number], group, books)
    for group in member:
        if group not in contact.groups and not is_starred(group):
            leave_group(tx, [number], group, books)
    return number


def join_group(tx: AccountTx, contact_ids: Iterable[int], group: str, books: frozenset[int] | None = None) -> None:
    """Put contacts into a group: by its card, where it has one, else by a category.

    Raises ContactChanged for one that is gone, TooManyContacts, OverQuota.
    """
    card = None if group == STARRED else tx.value(CARDS, ids_json(books), group)
    uids: list[str] = []
    for number in contact_ids:
        there = resource_of(tx, number)
        known = contact_of(tx, number)
        if known is None or any(_is(category, group) for category in known.contact.groups):
            continue
        if card is not None and there is not None:
            uids.append(there.uid)
        else:
            groups = (*known.contact.groups, group)
            if len(groups) > MAX_ENTRIES:
                raise LimitExceeded(f"a contact can be in up to {MAX_ENTRIES} groups")
            save_contact(tx, msgspec.structs.replace(known.contact, groups=groups), number)
    if card is not None:
        _change(tx, card, add=uids)


def leave_group(tx: AccountTx, contact_ids: Iterable[int], group: str, books: frozenset[int] | None = None) -> None:
    """Take contacts out of a group, whichever way they are in it."""
    numbers = list(contact_ids)
    keys: set[str] = set()
    for number in numbers:
        if (there := resource_of(tx, number)) is not None:
            keys.add(member_key(there.uid))
        _recategorize(tx, number, group, "")
    for card in _cards(tx, group, books):
        _change(tx, card, remove=keys)


def rename_group(tx: AccountTx, group: str, name: str, books: frozenset[int] | None = None) -> None:
    """Give a group another name, in its cards and in the categories of its contacts. Raises GroupExists."""
    if name == group:
        return
    if is_starred(name) or any(name == known for known, _ in groups_of(tx, books)):
        raise GroupExists(TAKEN)
    for card in _cards(tx, group, books):
        _change(tx, card, name=name)
    for number in _categorized(tx, group, books):
        _recategorize(tx, number, group, name)


def remove_group(tx: AccountTx, group: str, books: frozenset[int] | None = None) -> list[tuple[int, str]]:
    """Remove a group, not its contacts; returns cards with which `restore_contact` brings it back, with the ids of
    their address books: those that there were, and new ones where a book has it as a category alone.
    """
    uids: dict[int, list[str]] = {}
    for number in _categorized(tx, group, books):
        _recategorize(tx, number, group, "")
        if (there := resource_of(tx, number)) is not None:
            uids.setdefault(there.collection_id, []).append(there.uid)
    kept: list[tuple[int, bytes]] = []
    for number in _cards(tx, group, books):
        there = resource_of(tx, number)
        assert there is not None
        kept.append((there.collection_id, resource_data(tx, number)))
        delete_resource(tx, there.collection_id, there.name, lambda _: None, keep=True)
    had = {book for book, _ in kept}
    kept += [(book, new_group(f"urn:uuid:{uuid.uuid4()}", group)) for book in uids if book not in had]
    return [(book, changed_group(read_card(card), add=uids.pop(book, ())).decode()) for book, card in kept]


def _cards(r: Reader, group: str, books: frozenset[int] | None) -> list[int]:
    return [number for (number,) in r.rows(CARDS, ids_json(books), group)]


def _categorized(r: Reader, group: str, books: frozenset[int] | None) -> list[int]:
    return [number for (number,) in r.rows(CATEGORIZED, ids_json(books), group)]


def _is(category: str, group: str) -> bool:
    return category == group or (group == STARRED and is_starred(category))


def _recategorize(tx: AccountTx, contact_id: int, group: str, name: str) -> None:
    """Replace a category of a contact by another one, or by none for ""."""
    known = contact_of(tx, contact_id)
    if known is None:
        return
    groups = (name if _is(category, group) else category for category in known.contact.groups)
    save_contact(tx, msgspec.structs.replace(known.contact, groups=tuple(filter(None, groups))), contact_id)


def _change(tx: AccountTx, card_id: int, name: str = "", add: Iterable[str] = (), remove: Container[str] = ()) -> None:
    there = resource_of(tx, card_id)
    assert there is not None
    before = read_card(resource_data(tx, card_id))
    known = {*(before.members or ())}
    new = [uid for uid in add if member_key(uid) not in known]
    if not (name or new or remove):
        return
    facts = card_facts(card := changed_group(before, name, new, remove))
    if new and len(facts.members or ()) >= MAX_MEMBERS:
        raise LimitExceeded(f"a group can have up to {MAX_MEMBERS:,} contacts")
    put_resource(tx, there.collection_id, there.name, card, facts)
