"""Contacts that seem to be the same person, and their merge into one card (WEBMAIL-128c). Linear in the contacts; a
merge is one unit, by the user's choice alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal

import msgspec

from moxlite.encoding import from_json
from moxlite.proto.cards.cardobject import read_card
from moxlite.proto.cards.photo import Photo, photo_of
from moxlite.proto.cards.vcard import MAX_ENTRIES, MAX_NOTE, Contact, Entry
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import LimitExceeded
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.cards import CardSummary
from moxlite.store.groupware.contacts import (
    ContactChanged,
    ContactRow,
    contact_of,
    groups_with,
    remove_contact,
    save_contact,
)
from moxlite.store.groupware.groups import join_group
from moxlite.store.groupware.resources import resource_data, resource_of

MAX_MEMBERS: Final = 20
"""Contacts of one group of duplicates. Others follow once these are merged."""

ALL: Final = """
SELECT c.id, c.sorted, c.found, c.listed, r.collection_id, r.modseq FROM contact c JOIN resource r ON r.id = c.id
ORDER BY c.id"""
ADDRESSES: Final = "SELECT contact_id, localpart, domain FROM contact_address"

PHONE: Final = re.compile(r"^\+?[\d\s()./-]{5,40}$", re.ASCII)
DIGITS: Final = re.compile(r"\D+", re.ASCII)
MIN_DIGITS: Final = 5
"""Digits of a telephone number; extensions of offices have fewer, and belong to many people."""

Reason = Literal["address", "phone"]
Key = tuple[str, ...]


class Double(msgspec.Struct, frozen=True):
    """Contacts that have an address in common, or their whole name and a telephone number. `changed`: the modseq of the
    last change of one of them.
    """

    reason: Reason
    contacts: list[ContactRow]
    changed: int


def find_doubles(r: Reader, limit: int) -> tuple[list[Double], int]:
    """The first groups of contacts that seem to be one person, by the first contact, and the number of all groups."""
    rows = {row[0]: row for row in r.iterate(ALL)}
    parents = {number: number for number in rows}
    reasons: dict[int, Reason] = {}
    seen: dict[Key, int] = {}

    def join(number: int, key: Key, reason: Reason) -> None:
        first = _root(parents, seen.setdefault(key, number))
        last = _root(parents, number)
        if first != last:
            parents[max(first, last)] = min(first, last)
            found = {reason, reasons.get(first, reason), reasons.get(last, reason)}
            reasons[min(first, last)] = "address" if "address" in found else "phone"

    for number, localpart, domain in r.iterate(ADDRESSES):
        if number in rows:
            join(number, ("", localpart.casefold(), domain), "address")
    for number, (_, name, text, *_) in rows.items():
        for phone in _phones(text):
            join(number, (name, phone), "phone")
    groups: dict[int, list[int]] = {}
    for number in rows:
        groups.setdefault(_root(parents, number), []).append(number)
    several = [(first, members) for first, members in groups.items() if len(members) > 1]
    several.sort(key=lambda one: rows[one[0]][1])
    doubles: list[Double] = []
    for first, members in several[:limit]:
        shown = [rows[number] for number in members[:MAX_MEMBERS]]
        doubles.append(Double(reasons[first], [_found(row) for row in shown], max(row[5] for row in shown)))
    return doubles, len(several)


def merge_contacts(tx: AccountTx, kept_id: int, others: Sequence[int], changed: int = 0) -> None:
    """Add to a contact the addresses, numbers, groups, note and photo of others, and the further properties that it has
    none of, and delete these, which can come back (DAV-46). Lines of the kept card that do not change stay as they are.
    `changed`: of the group that a person was shown, 0 for whatever its contacts are now.

    Raises ContactChanged for one that is gone or has changed, LimitExceeded, OverQuota.
    """
    for number in (kept_id, *others):
        there = resource_of(tx, number)
        if changed and there is not None and there.modseq > changed:
            raise ContactChanged("this contact was changed or deleted since you opened it")
    contact, photo = _whole(tx, kept_id)
    new: Photo | None = None
    for number in dict.fromkeys(others):
        if number == kept_id:
            continue
        other, picture = _whole(tx, number)
        contact = _merged(contact, other)
        new = new or picture
        for group in groups_with(tx, number):
            join_group(tx, [kept_id], group)
        remove_contact(tx, number)
    save_contact(tx, contact, kept_id, photo=new if photo is None else None)


def _whole(r: Reader, number: int) -> tuple[Contact, Photo | None]:
    known = contact_of(r, number)
    if known is None or resource_of(r, number) is None:
        raise ContactChanged("this contact was changed or deleted since you opened it")
    return known.contact, photo_of(read_card(resource_data(r, number)).card)


def _merged(kept: Contact, other: Contact) -> Contact:
    emails = _union(kept.emails, other.emails, str.casefold)
    phones = _union(kept.phones, other.phones, lambda text: DIGITS.sub("", text) or text)
    groups = tuple(dict.fromkeys((*kept.groups, *other.groups)))
    note = kept.note
    if other.note.strip() and other.note.strip() not in note:
        note = f"{note}\n\n{other.note}" if note.strip() else other.note
    if max(len(emails), len(phones), len(groups)) > MAX_ENTRIES or len(note) > MAX_NOTE:
        raise LimitExceeded(
            f"a contact can have up to {MAX_ENTRIES} addresses, numbers, or groups, and a {MAX_NOTE:,}-character note"
        )
    names = {_name(line) for line in kept.other}
    more = (line for line in other.other if _name(line) not in names and not _name(line).startswith(("X-", "PHOTO")))
    return msgspec.structs.replace(
        kept,
        emails=emails,
        phones=phones,
        groups=groups,
        note=note,
        organization=kept.organization or other.organization,
        units=(kept if kept.organization else other).units,
        other=(*kept.other, *more),
    )


def _union(kept: tuple[Entry, ...], other: tuple[Entry, ...], form: Callable[[str], str]) -> tuple[Entry, ...]:
    had = {form(entry.value) for entry in kept}
    return (*kept, *(entry for entry in other if form(entry.value) not in had))


def _name(line: str) -> str:
    return line.partition(":")[0].partition(";")[0].rpartition(".")[2].upper()


def _phones(text: str) -> Iterator[str]:
    """The digits of what looks like a telephone number among the texts by which a contact is found."""
    for line in text.split("\n")[1:]:
        if PHONE.match(line) and len(digits := DIGITS.sub("", line)) >= MIN_DIGITS:
            yield digits


def _root(parents: dict[int, int], number: int) -> int:
    while parents[number] != number:
        parents[number] = parents[parents[number]]
        number = parents[number]
    return number


def _found(row: tuple[int, str, str, str, int, int]) -> ContactRow:
    number, place, _, listed, book, _ = row
    return ContactRow(number, book, place, from_json(listed, CardSummary))
