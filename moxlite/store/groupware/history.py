"""What has changed of collections and their entries since a modseq, by the ids that JMAP has (RFC 8620 §5.2). For
`account.scan`.
"""

from __future__ import annotations

from collections.abc import Collection as Chosen, Container, Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec

from moxlite.store.file.transaction import Reader, int_array
from moxlite.store.groupware.collection import Kind
from moxlite.store.rows.history import Change, TooManyChanges

# ?1: the kind. ?2: the modseq of the client
STATE: Final = """
SELECT max(coalesce((SELECT max(modseq) FROM collection WHERE kind = ?1 AND NOT inbox), 0),
coalesce((SELECT max(modseq) FROM collection_gone WHERE kind = ?1), 0))"""
# Deleting a collection also deleted the tombstones of its entries.
UNKNOWN: Final = """
SELECT EXISTS (SELECT 1 FROM collection_gone WHERE kind = ?1 AND modseq > ?2 AND createseq <= ?2)
OR EXISTS (SELECT 1 FROM collection WHERE kind = ?1 AND NOT inbox AND purged > ?2)"""
ENTRIES: Final = """
SELECT b.id, r.id, r.createseq, r.modseq FROM collection b CROSS JOIN resource r ON r.collection_id = b.id
WHERE b.kind = ?1 AND NOT b.inbox AND b.modseq > ?2 AND r.modseq > ?2 AND r.component IN ('VCARD', 'VEVENT')"""
ENTRIES_GONE: Final = """
SELECT b.id, g.resource_id, g.createseq, coalesce(g.firstseq, g.createseq), g.modseq FROM collection b
CROSS JOIN resource_gone g ON g.collection_id = b.id WHERE b.kind = ?1 AND NOT b.inbox AND g.modseq > ?2"""
COLLECTIONS: Final = """
SELECT id, createseq, modseq FROM collection WHERE kind = ?1 AND NOT inbox AND modseq > ?2"""
COLLECTIONS_GONE: Final = """
SELECT collection_id, createseq, modseq FROM collection_gone WHERE kind = ?1 AND modseq > ?2"""
_COLUMNS: Final = "SELECT r.id, r.collection_id, r.created, r.changed, d.data FROM"
_DATA: Final = "JOIN resource_data d ON d.resource_id = r.id"
BY_IDS: Final = f"{_COLUMNS} carray(?) c CROSS JOIN resource r ON r.id = c.value {_DATA} WHERE r.component = 'VCARD'"
CARD_IDS: Final = """
SELECT r.id, b.id FROM collection b CROSS JOIN resource r ON r.collection_id = b.id
WHERE b.kind = 'contact' ORDER BY r.id"""
ALL: Final = f"""
{_COLUMNS} collection b CROSS JOIN resource r ON r.collection_id = b.id {_DATA}
WHERE b.kind = 'contact' ORDER BY r.id"""


class StoredCard(msgspec.Struct, frozen=True):
    """A card with its octets; times in µs UTC."""

    id: int
    book: int
    created: int
    changed: int
    data: bytes


def contact_state(r: Reader) -> int:
    """The modseq of the last change of a card or an address book."""
    return int(r.value(STATE, "contact"))


def calendar_state(r: Reader) -> int:
    """The modseq of the last change of a calendar or an entry of one."""
    return int(r.value(STATE, "calendar"))


def entry_changes(r: Reader, since: int, *, kind: Kind, only: Chosen[int] | None = None) -> list[Change]:
    """The changes of cards or events after `since`, by ascending modseq. What is gone may have been a task. `only`: the
    ids of the collections that count. Raises TooManyChanges.
    """
    if since > int(r.value(STATE, kind)) or r.value(UNKNOWN, kind, since):
        raise TooManyChanges
    latest: dict[int, Change] = {}
    first: dict[int, int] = {}
    for where, number, createseq, oldest, modseq in r.rows(ENTRIES_GONE, kind, since):
        if only is not None and where not in only:
            continue
        if number is None:  # of an older version
            raise TooManyChanges
        # One that has moved to another collection is gone here and new there, with the same id: for a client it is one
        # that has changed.
        first[number] = min(createseq, first.get(number, createseq))
        # The client may have learned of it before it was made again. One that it never knew may be told as gone, too.
        if oldest <= since:
            latest[number] = Change(number, "destroyed", modseq)
    for where, number, createseq, modseq in r.rows(ENTRIES, kind, since):
        if only is not None and where not in only:
            continue
        if min(createseq, first.get(number, createseq)) <= since:
            latest[number] = Change(number, "updated", modseq)
        else:
            latest[number] = Change(number, "created", createseq)
    return sorted(latest.values(), key=lambda change: change.modseq)


def collection_changes(r: Reader, since: int, *, kind: Kind, only: Chosen[int] | None = None) -> list[Change]:
    """The changes of address books or calendars after `since`, by ascending modseq; `only` as above. Raises
    TooManyChanges.
    """
    if since > int(r.value(STATE, kind)):
        raise TooManyChanges
    changes = [
        Change(number, "updated", modseq) if createseq <= since else Change(number, "created", createseq)
        for number, createseq, modseq in r.rows(COLLECTIONS, kind, since)
    ]
    rows = r.rows(COLLECTIONS_GONE, kind, since)
    gone = [Change(number, "destroyed", modseq) for number, createseq, modseq in rows if createseq <= since]
    seen = [change for change in (*changes, *gone) if only is None or change.id in only]
    return sorted(seen, key=lambda change: change.modseq)


def stored_cards(r: Reader, ids: Sequence[int] | None) -> Iterator[StoredCard]:
    """The cards with these ids that exist, in their order; None for all: up to 10,000, each of up to 1 MiB."""
    rows = r.iterate(ALL) if ids is None else r.iterate(BY_IDS, int_array(ids)) if ids else ()
    return (StoredCard(*row) for row in rows)


def card_ids(r: Reader, limit: int, only: Container[int] | None = None) -> list[int]:
    """The ids of the first cards. `only`: the ids of the address books that count."""
    found = (number for number, where in r.rows(CARD_IDS) if only is None or where in only)
    return [*islice(found, limit)]
