"""Resources: the events, tasks and cards of a collection, with the instances of repeated ones and what is looked up of
cards (DAV-1, DAV-2, DAV-5, DAV-9, DAV-19).
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Final, TypeVar

import msgspec

from moxlite.encoding import to_json
from moxlite.proto.cards.cardobject import CardObject, read_card
from moxlite.proto.cards.components import Instance
from moxlite.proto.cards.entryfacts import EntryFacts
from moxlite.proto.cards.photo import Photo, photo_of
from moxlite.proto.cards.vcard import Contact
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import LimitExceeded, OverQuota, StoreError
from moxlite.store.file.transaction import Reader, Row, Tx
from moxlite.store.groupware.alarms import seek_alarms, seek_known
from moxlite.store.groupware.cards import DROP_CARD, MAX_CONTACTS, note_card
from moxlite.store.groupware.collection import Collection, check_element, collection, octets_used, touch_collection
from moxlite.store.groupware.entryfacts import note_facts
from moxlite.store.groupware.kept import come_back, keep_entries
from moxlite.store.types import ModSeq

MAX_RESOURCES: Final = 50_000
"""Resources of an account."""

MAX_TITLE: Final = 500
"""Characters of a title as lists show it: the octets have it whole, and a row of the list must stay small."""

MAX_ADDRESSES: Final = 500
"""Addresses by which an entry is found: each costs a row, and the octets have all of them."""

T = TypeVar("T")

_COLUMNS: Final = """id, collection_id, name, uid, component, hash, size, createseq, modseq, created, changed, starts,
ends, expanded_from, expanded_to, tag"""
BY_NAME: Final = f"SELECT {_COLUMNS} FROM resource WHERE collection_id = ? AND name = ?"  # noqa: S608 column names
BY_ID: Final = f"SELECT {_COLUMNS} FROM resource WHERE id = ?"  # noqa: S608 column names
BY_UID: Final = "SELECT name FROM resource WHERE collection_id = ? AND uid = ?"
ENTRY: Final = f"""
SELECT {_COLUMNS} FROM resource WHERE uid = ?
AND collection_id IN (SELECT id FROM collection WHERE kind = 'calendar' AND NOT inbox)
AND collection_id NOT IN (SELECT collection_id FROM calendar_subscription) LIMIT 1"""  # noqa: S608 column names
PAGE: Final = f"SELECT {_COLUMNS} FROM resource WHERE collection_id = ? AND id > ? ORDER BY id LIMIT ?"  # noqa: S608
OVERLAPPING: Final = f"""
SELECT {_COLUMNS} FROM resource WHERE collection_id = ?1 AND id > ?5 AND component IN (SELECT value FROM json_each(?2))
AND (starts IS NULL OR starts < ?4)
AND (ends IS NULL OR ends > ?3 OR (ends = ?3 AND (starts IS NULL OR starts = ends)))
ORDER BY id LIMIT ?6"""  # noqa: S608 column names
WITH: Final = f"""
SELECT {_COLUMNS} FROM resource WHERE collection_id = ?1 AND component = 'VEVENT' AND (ends IS NULL OR ends > ?3)
AND id IN (SELECT resource_id FROM resource_address WHERE address IN (SELECT value FROM json_each(?2)))
ORDER BY starts, id LIMIT ?4"""  # noqa: S608 column names
TOGETHER: Final = 256 << 10
"""Octets of entries that are read at once; as objects they take ten times as much."""

EVENT_IDS: Final = """
SELECT r.id, c.id FROM collection c CROSS JOIN resource r ON r.collection_id = c.id
WHERE c.kind = 'calendar' AND NOT c.inbox AND r.component = 'VEVENT' ORDER BY r.id"""
SIZE: Final = "SELECT size FROM resource WHERE id = ?"
DATA: Final = "SELECT data FROM resource_data WHERE resource_id = ?"
KNOWN: Final = """
SELECT data FROM (SELECT r.size, d.data FROM resource r JOIN resource_data d ON d.resource_id = r.id WHERE r.uid = ?1
UNION ALL SELECT size, data FROM resource_kept WHERE uid = ?1) ORDER BY size DESC LIMIT 1"""
COUNT: Final = "SELECT coalesce(sum(total), 0) FROM collection"
CONTACTS: Final = "SELECT coalesce(sum(total), 0) FROM collection WHERE kind = 'contact'"
ADD: Final = """
INSERT INTO resource (id, collection_id, name, uid, component, hash, size, createseq, modseq, created, changed, starts,
ends, expanded_from, expanded_to, title, tag, firstseq)
VALUES (nullif(?, 0), ?, ?, ?, ?, ?, ?, ?8, ?8, ?9, ?9, ?, ?, ?, ?, ?, ?, ?)"""
CHANGE: Final = """
UPDATE resource SET uid = ?, component = ?, hash = ?, size = ?, modseq = ?, changed = ?, starts = ?, ends = ?,
expanded_from = ?, expanded_to = ?, title = ?, tag = ? WHERE id = ?"""
SET_DATA: Final = "INSERT OR REPLACE INTO resource_data (resource_id, data) VALUES (?, ?)"
DROP_SIDE: Final = (
    "DELETE FROM resource_address WHERE resource_id = ?",
    "DELETE FROM instance WHERE resource_id = ?",
)
ADD_ADDRESS: Final = "INSERT OR IGNORE INTO resource_address (resource_id, address) VALUES (?, ?)"
ADD_INSTANCE: Final = """
INSERT OR IGNORE INTO instance (resource_id, starts, ends, recurrence, part) VALUES (?, ?, ?, ?, ?)"""
INSTANCES: Final = """
SELECT starts, ends, recurrence, part FROM instance WHERE resource_id = ?1 AND starts < ?3
AND (ends > ?2 OR (ends = starts AND ends = ?2)) ORDER BY starts LIMIT ?4"""
SET_EXPANDED: Final = "UPDATE resource SET expanded_from = ?, expanded_to = ? WHERE id = ? AND modseq = ? RETURNING 1"
DROP_INSTANCES: Final = "DELETE FROM instance WHERE resource_id = ?"
DUE: Final = f"""
SELECT {_COLUMNS} FROM resource INDEXED BY resource_expanded WHERE expanded_to < ?
AND (ends IS NULL OR ends > expanded_to) ORDER BY expanded_to LIMIT ?"""  # noqa: S608 column names
DELETE: Final = (
    *DROP_SIDE,
    *DROP_CARD,
    "DELETE FROM entry_facts WHERE resource_id = ?",
    "DELETE FROM alarm WHERE resource_id = ?",
    "DELETE FROM resource_data WHERE resource_id = ?",
    "DELETE FROM resource WHERE id = ?",
)
GONE: Final = """
INSERT OR REPLACE INTO resource_gone (collection_id, name, createseq, modseq, gone, resource_id, firstseq)
SELECT collection_id, name, createseq, ?, ?, id, firstseq FROM resource WHERE id = ?"""
FORMER_ID: Final = """
SELECT g.resource_id FROM resource_gone g WHERE g.collection_id = ? AND g.name = ?
AND NOT EXISTS (SELECT 1 FROM resource r WHERE r.id = g.resource_id)"""
# ?1: an id that comes again. ?2: the modseq of the unit, which may have taken it out of another collection. ?3, ?4:
# where it comes.
FIRST: Final = """
SELECT min(coalesce(g.firstseq, g.createseq)) FROM (
SELECT firstseq, createseq, resource_id FROM resource_gone WHERE collection_id = ?3 AND name = ?4
UNION ALL SELECT o.firstseq, o.createseq, o.resource_id FROM collection b
CROSS JOIN resource_gone o ON o.collection_id = b.id AND o.modseq = ?2) g WHERE g.resource_id = ?1"""
NOT_GONE: Final = "DELETE FROM resource_gone WHERE collection_id = ? AND name = ?"
CHANGED: Final = """
SELECT name, hash, modseq FROM resource WHERE collection_id = ?1 AND modseq > ?2
UNION ALL SELECT name, NULL, modseq FROM resource_gone WHERE collection_id = ?1 AND modseq > ?2
ORDER BY modseq LIMIT ?3"""


class NoSuchResource(StoreError):
    """The collection has no such resource."""


class UIDTaken(StoreError):
    """Another resource of the collection has the UID; `name` is its name."""

    def __init__(self, name: str) -> None:
        super().__init__("another entry in the collection has this UID")
        self.name = name


class TooManyContacts(LimitExceeded):
    """The account would have more contacts than `MAX_CONTACTS`."""


class ResourceFacts(msgspec.Struct, frozen=True):
    """Facts about a resource, computed from its octets and used to find it.

    Attributes:
      starts, ends: seconds UTC of its first and last moment, None for no bound.
      expanded: the time range in seconds for which `instances` is complete; None if the entry doesn't repeat.
      contact: a card's data for lists and searches. photo: as for `cards.CardSummary`. members: of a group.
      alarms: the entry may remind its owner (DAV-50).
      entry: a calendar entry's data for views; None if it's computed later.
    """

    uid: str
    component: str
    title: str = ""
    addresses: tuple[str, ...] = ()
    starts: int | None = None
    ends: int | None = None
    expanded: tuple[int, int] | None = None
    instances: tuple[Instance, ...] = ()
    contact: Contact | None = None
    photo: str = ""
    members: tuple[str, ...] | None = None
    alarms: bool = False
    entry: EntryFacts | None = None


class Resource(msgspec.Struct, frozen=True):
    """A resource without its octets. Times: µs UTC, but `starts` to `expanded_to`, seconds UTC. `tag`: modseq of the
    last change that matters to the people of an entry, None for one without them (RFC 6638 §3.2.10).
    """

    id: int
    collection_id: int
    name: str
    uid: str
    component: str
    hash: bytes
    size: int
    createseq: ModSeq
    modseq: ModSeq
    created: int
    changed: int
    starts: int | None
    ends: int | None
    expanded_from: int | None
    expanded_to: int | None
    tag: int | None

    @property
    def schedule_tag(self) -> str:
        """Its schedule tag, with quotes; "" for an entry that has none."""
        return "" if self.tag is None else f'"{self.id}-{self.tag}"'

    @property
    def etag(self) -> str:
        """Its strong entity tag, with quotes."""
        return etag_of(self.hash)


class Change(msgspec.Struct, frozen=True):
    """A resource that changed, or with `etag` None one that was removed."""

    name: str
    etag: str | None
    modseq: ModSeq


class Changes(msgspec.Struct, frozen=True):
    """Changes of a collection up to `modseq`; `whole`: that is the collection's."""

    changes: tuple[Change, ...]
    modseq: ModSeq
    whole: bool


def card_facts(data: bytes) -> ResourceFacts:
    """Compute the facts of a card. Raises BadCard."""
    return facts_of_card(read_card(data))


def facts_of_card(card: CardObject) -> ResourceFacts:
    """Compute the facts of a card that was read."""
    photo = photo_mark(photo_of(card.card))
    return ResourceFacts(
        card.uid, "VCARD", card.title, card.addresses(), contact=card.contact, photo=photo, members=card.members
    )


def octets_known(r: Reader, uid: str) -> bytes | None:
    """Octets of the largest resource with this UID, including deleted ones that are kept; None without one."""
    data = r.value(KNOWN, uid)
    return None if data is None else bytes(data)


def photo_mark(photo: Photo | None) -> str:
    """Short hash of a photo, or "" without one."""
    return "" if photo is None else hashlib.sha256(photo.data).hexdigest()[:16]


def etag_of(digest: bytes) -> str:
    """The entity tag of octets with that SHA-256."""
    return f'"{digest[:16].hex()}"'


def resource_named(r: Reader, collection_id: int, name: str) -> Resource | None:
    """The resource of that name, or None."""
    row = r.row(BY_NAME, collection_id, name)
    return None if row is None else Resource(*row)


def resource_of(r: Reader, resource_id: int) -> Resource | None:
    """The resource with that id, or None."""
    row = r.row(BY_ID, resource_id)
    return None if row is None else Resource(*row)


def entry_with_uid(r: Reader, uid: str) -> Resource | None:
    """The entry with this UID in any calendar of the user's own, or None."""
    row = r.row(ENTRY, uid)
    return None if row is None else Resource(*row)


def resource_data(r: Reader, resource_id: int) -> bytes:
    """The octets of a resource. Raises NoSuchResource."""
    data = r.value(DATA, resource_id)
    if data is None:
        raise NoSuchResource("entry not found")
    return bytes(data)


def together(entries: Iterable[T], size: Callable[[T], int]) -> Iterator[T]:
    """The first entries, at least one, of which the octets are held at once: each may have 1 MiB."""
    octets = 0
    for entry in entries:
        yield entry
        octets += size(entry)
        if octets >= TOGETHER:
            return


def size_of(r: Reader, resource_id: int) -> int:
    """The octets of a resource, 0 for one that is gone."""
    return r.value(SIZE, resource_id) or 0


def with_data(r: Reader, resources: Iterable[Resource]) -> list[tuple[Resource, bytes]]:
    """The first of these resources, as many as are held at once, each with its octets."""
    return [(resource, resource_data(r, resource.id)) for resource in together(resources, attrgetter("size"))]


def resources_of(r: Reader, collection_id: int, after: int, limit: int) -> list[Resource]:
    """Resources of a collection with ids above `after`, at most `limit`."""
    return [Resource(*row) for row in r.rows(PAGE, collection_id, after, limit)]


def overlapping(
    r: Reader, collection_id: int, components: Sequence[str], since: int, until: int, after: int, limit: int
) -> list[Resource]:
    """Resources of these kinds that may have a moment from `since` to before `until`, with ids above `after`."""
    kinds = to_json(components).decode()
    return [Resource(*row) for row in r.rows(OVERLAPPING, collection_id, kinds, since, until, after, limit)]


def events_with(r: Reader, collection_id: int, addresses: Sequence[str], since: int, limit: int) -> list[Resource]:
    """Find events of a calendar with one of these people, sorted by start.

    `addresses`: in lower case. `since`: seconds UTC; events that end earlier are left out. `limit`: maximum number.
    """
    known = to_json(addresses).decode()
    return [Resource(*row) for row in r.rows(WITH, collection_id, known, since, limit)]


def event_ids(r: Reader, limit: int, only: Container[int] | None = None) -> list[int]:
    """The numbers of the events in all calendars, lowest first. `only`: the ids of the calendars that count."""
    found = (number for number, where in r.rows(EVENT_IDS) if only is None or where in only)
    return [*itertools.islice(found, limit)]


def instances_of(r: Reader, resource_id: int, since: int, until: int, limit: int) -> list[Instance]:
    """Stored instances that have a moment in the stretch."""
    return [Instance(*row) for row in r.rows(INSTANCES, resource_id, since, until, limit)]


def put_resource(
    tx: AccountTx,
    collection_id: int,
    name: str,
    data: bytes,
    facts: ResourceFacts,
    allowed: Callable[[Resource | None], None] = lambda _: None,
    *,
    number: int = 0,
    tag: int | None = None,
) -> tuple[Resource, bool]:
    """Add or replace a resource; returns it, and whether it is new. `allowed` gets the resource as it is and raises if
    the caller's conditions do not hold. `number`: the id of a contact that becomes a card, and needs no further room.

    Raises BadName, NoSuchCollection, UIDTaken, LimitExceeded, OverQuota.
    """
    check_element(name)
    home = collection(tx, collection_id)
    before = resource_named(tx, collection_id, name)
    # In this unit and before all else: what a client says in If-Match holds for the entry that is replaced, and another
    # program may have put one since the request came.
    allowed(before)
    taken = tx.value(BY_UID, collection_id, facts.uid)
    if taken is not None and taken != name:
        raise UIDTaken(taken)
    digest = hashlib.sha256(data).digest()
    # Many clients write back what they have read. Without a change of the modseq the others need not fetch it again.
    if before is not None and before.hash == digest and before.tag == tag:
        return before, False
    if not number:
        _check_room(tx, home, len(data) - (0 if before is None else before.size), new=before is None)
    expanded = (None, None) if facts.expanded is None else facts.expanded
    columns = (facts.starts, facts.ends, *expanded, facts.title[:MAX_TITLE], tag)
    what = (facts.uid, facts.component, digest, len(data), tx.modseq(), tx.now)
    if before is None:
        number = number or tx.value(FORMER_ID, collection_id, name) or 0  # its tombstone goes, so it keeps the id
        first = tx.value(FIRST, number, tx.modseq(), collection_id, name) if number else None
        number = tx.insert(ADD, number, collection_id, name, *what, *columns, first)
        tx.execute(NOT_GONE, collection_id, name)
        come_back(tx, home.kind, facts.uid)
    else:
        number = before.id
        tx.execute(CHANGE, *what, *columns, number)
        # Replaced whole, rather than compared: an entry has few of these rows, and none may outlive the octets it is
        # of.
        for sql in DROP_SIDE:
            tx.execute(sql, number)
    tx.execute(SET_DATA, number, data)
    tx.executemany(ADD_ADDRESS, ((number, address) for address in facts.addresses[:MAX_ADDRESSES]))
    _add_instances(tx, number, facts.instances)
    if facts.alarms or before is not None:
        seek_alarms(tx, number, has=facts.alarms and not home.inbox and not home.subscribed)
    if home.kind == "calendar":
        note_facts(tx, number, facts.entry)
    if facts.contact is not None:
        note_card(tx, number, facts.contact, facts.photo, facts.members)
    grown = len(data) - (0 if before is None else before.size)
    touch_collection(tx, home.kind, home.id, before is None, grown)
    after = resource_named(tx, collection_id, name)
    assert after is not None
    return after, before is None


def delete_resource(
    tx: AccountTx, collection_id: int, name: str, allowed: Callable[[Resource], None], *, keep: bool = False
) -> None:
    """Remove a resource; `allowed` as for `put_resource`. `keep`: it can come back (DAV-46). Raises NoSuchCollection,
    NoSuchResource.
    """
    home = collection(tx, collection_id)
    gone = resource_named(tx, collection_id, name)
    if gone is None:
        raise NoSuchResource("entry not found")
    allowed(gone)
    # Before its rows go, as it is copied from them. Messages in the inbox are no entries of the user.
    if keep and not home.inbox:
        keep_entries(tx, home.kind, home.id, home.display_name or home.name, name)
    # With its id: an entry put back under that name keeps its schedule tag, and its modseqs go on rising.
    tx.execute(GONE, tx.modseq(), tx.now, gone.id)
    for sql in DELETE:
        tx.execute(sql, gone.id)
    touch_collection(tx, home.kind, home.id, -1, -gone.size)


def changes_since(r: Reader, one: Collection, since: int, limit: int) -> Changes:
    """The oldest changes above a modseq, about `limit`; changes of one modseq are kept together. The first
    listing (`since` 0) has no removals.
    """
    rows: list[Row] = r.rows(CHANGED, one.id, since, limit + 1)
    whole = len(rows) <= limit
    # A client asks again from the modseq that it is told. A unit cut in two would leave its second half unseen for
    # ever.
    if not whole:
        last = rows[-1][2]
        kept = [row for row in rows if row[2] < last]
        if not kept:  # one unit changed more than the limit
            kept = [row for row in r.rows(CHANGED, one.id, since, -1) if row[2] == last]
        rows = kept
    reached = one.modseq if whole else rows[-1][2]
    changes = [
        Change(name, None if digest is None else etag_of(digest), ModSeq(modseq))
        for name, digest, modseq in rows
        if digest is not None or since > 0
    ]
    return Changes(tuple(changes), ModSeq(reached), whole)


def set_instances(tx: AccountTx, one: Resource, stretch: tuple[int, int], instances: Iterable[Instance]) -> None:
    """Store the instances of a stretch of seconds in place of earlier ones, unless the resource has changed."""
    # The instances were computed outside the unit, by a thread: they are of the octets with this modseq, and of no
    # others.
    if tx.row(SET_EXPANDED, *stretch, one.id, one.modseq) is not None:
        tx.execute(DROP_INSTANCES, one.id)
        _add_instances(tx, one.id, instances)
        seek_known(tx, one.id)


def due_expansions(r: Reader, before: int, limit: int) -> list[Resource]:
    """Repeated resources whose stored instances end before `before` (seconds UTC), at most `limit`."""
    return [Resource(*row) for row in r.rows(DUE, before, limit)]


def _add_instances(tx: Tx, number: int, instances: Iterable[Instance]) -> None:
    rows: Iterator[tuple[int, int, int, str, int]] = (
        (number, instance.starts, instance.ends, instance.recurrence, instance.part) for instance in instances
    )
    tx.executemany(ADD_INSTANCE, rows)


def _check_room(tx: AccountTx, home: Collection, octets: int, *, new: bool) -> None:
    if new and home.kind == "contact" and tx.value(CONTACTS) >= MAX_CONTACTS:
        raise TooManyContacts(f"you can have up to {MAX_CONTACTS:,} contacts")
    if new and tx.value(COUNT) >= MAX_RESOURCES:
        raise LimitExceeded(f"you can have up to {MAX_RESOURCES} calendar entries and contacts")
    used, limit = octets_used(tx), tx.config.quota
    # An owner above the quota can still make entries shorter, and remove them.
    if limit and octets > 0 and used + octets > limit:
        raise OverQuota(used, limit)
