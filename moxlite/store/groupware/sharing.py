"""Rights of other users on calendars and address books: table `collection_acl` of the owner's file (DAV-41). Which
accounts share with which users is copied to `auth.db` with the shares of mailboxes. Table `calendar_link` has secret
links of calendars, by the hash of the token (DAV-42).
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import UNSET

from moxlite.proto.cards.entryfacts import EntryFacts
from moxlite.proto.cards.privacy import shown_to_guests
from moxlite.store.changelog.origin import WayKind, note_way, origin
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import LimitExceeded, StoreError
from moxlite.store.file.transaction import Reader, Row
from moxlite.store.groupware.collection import (
    Collection,
    CollectionChange,
    Kind,
    NoSuchCollection,
    changed,
    collection,
    collection_named,
    collections_of,
    touch_collection,
)
from moxlite.store.groupware.entryfacts import facts_of_entry
from moxlite.store.groupware.resources import NoSuchResource, Resource, resource_data
from moxlite.store.mail.delegates import has_all
from moxlite.store.mail.sharenotices import owe_notice

READ: Final = "lr"
CHANGE: Final = "lrwit"
"""Rights to read entries, and to change, add and remove them, too."""

MAX_GUESTS: Final = 100
"""Users with rights on one collection."""

OF: Final = "SELECT rights FROM collection_acl WHERE collection_id = ? AND identifier IN (?, 'anyone')"
GUESTS: Final = "SELECT identifier, rights FROM collection_acl WHERE collection_id = ? ORDER BY identifier"
GUEST_ROWS: Final = """
SELECT c.kind, c.id, coalesce(nullif(c.display_name, ''), c.name), a.identifier, a.rights
FROM collection_acl a JOIN collection c ON c.id = a.collection_id"""
COUNT: Final = "SELECT count(*) FROM collection_acl WHERE collection_id = ? AND identifier <> ?"
SEEN: Final = """
SELECT DISTINCT c.id FROM collection_acl a JOIN collection c ON c.id = a.collection_id
WHERE a.identifier IN (?1, 'anyone') AND c.kind = ?2 ORDER BY c.id"""
ALL_OF: Final = "SELECT id FROM collection WHERE kind = ? ORDER BY id"
SET: Final = """
INSERT INTO collection_acl (collection_id, identifier, rights) VALUES (?, ?, ?)
ON CONFLICT (collection_id, identifier) DO UPDATE SET rights = excluded.rights"""
REMOVE: Final = "DELETE FROM collection_acl WHERE collection_id = ? AND identifier = ?"

TOKEN_SIZE: Final = 24
"""Octets of a link's token: 192 random bits."""

MAX_LINKS: Final = 50
"""Secret links of one calendar."""

LINK_COLUMNS: Final = "id, collection_id, busy, note, made"
LINK_OF: Final = f"SELECT {LINK_COLUMNS} FROM calendar_link WHERE token_hash = ?"  # noqa: S608 column names
LINKS: Final = f"SELECT {LINK_COLUMNS} FROM calendar_link ORDER BY id"  # noqa: S608 column names
COUNT_LINKS: Final = "SELECT count(*) FROM calendar_link WHERE collection_id = ?"
ADD_LINK: Final = "INSERT INTO calendar_link (collection_id, token_hash, busy, note, made) VALUES (?, ?, ?, ?, ?)"
REMOVE_LINK: Final = "DELETE FROM calendar_link WHERE id = ? RETURNING id"
REMOVE_LOST_LINK: Final = "DELETE FROM calendar_link WHERE collection_id = ? AND busy = ? AND note = ? AND made >= ?"


VIEWS: Final = "SELECT owner, collection_id, colour, hidden FROM shared_view"
SET_VIEW: Final = "INSERT OR REPLACE INTO shared_view (owner, collection_id, colour, hidden) VALUES (?, ?, ?, ?)"
MAX_VIEWS: Final = 1000
"""Calendars of others with a colour of their own; many more than a user can see."""

COUNT_VIEWS: Final = "SELECT count(*) FROM shared_view WHERE (owner, collection_id) <> (?, ?)"

NOT_WRITABLE: Final[Mapping[Kind, str]] = {
    "calendar": "you can view this calendar, but not edit it",
    "contact": "you can view this address book, but not edit it",
}


SHARED: Final[Mapping[Kind, WayKind]] = {"calendar": "calendar", "contact": "contacts"}
"""Kinds of the ways into shared collections."""


class BadGuest(StoreError):
    """A user who cannot get rights on a collection."""


class NoSuchLink(StoreError):
    """The account has no such link, or it was withdrawn."""

    def __init__(self) -> None:
        super().__init__("this link was already revoked")


class Link(msgspec.Struct, frozen=True):
    """A secret link of a calendar. `busy`: it tells when the owner is busy, and no more. `note`: the owner's own.
    `made`: µs UTC.
    """

    id: int
    collection_id: int
    busy: bool
    note: str
    made: int


class ReadableCollection(msgspec.Struct, frozen=True):
    """A collection that a user may read. `writable`: its entries may be changed."""

    collection: Collection
    writable: bool


class NotWritable(StoreError):
    """A collection that a user may read, but not change."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(NOT_WRITABLE[kind])


class Shelf(msgspec.Struct, frozen=True):
    """The calendars or address books of an account that a user may read, and their entries as the user sees them.
    `guest`: the user's account, "" for the owner, who may change them all.
    """

    kind: Kind
    guest: str = ""

    def shared(self, r: Reader) -> list[ReadableCollection]:
        """All of them."""
        if self.guest:
            return shared_collections(r, self.kind, self.guest)
        return [ReadableCollection(one, writable=True) for one in collections_of(r, self.kind)]

    def ids(self, r: Reader) -> frozenset[int] | None:
        """The ids of those that a guest may read; None for the owner, who may read all."""
        return frozenset(readable.collection.id for readable in self.shared(r)) if self.guest else None

    def find(self, r: Reader, collection_id: int, *, write: bool = False) -> Collection:
        """One of them; with `write`, the user wants to change its entries. Raises NoSuchCollection, NotWritable."""
        one = collection(r, collection_id)
        readable = _seen(r, one, self.guest) if self.guest else ReadableCollection(one, writable=True)
        if readable is None or one.kind != self.kind:
            raise NoSuchCollection("collection not found")
        if write and not readable.writable:
            raise NotWritable(self.kind)
        return one

    def data(self, r: Reader, resource: Resource, title: str = "") -> bytes:
        """The octets of an entry as the user sees it: of a private one a guest sees the times, with that title. Raises
        NoSuchResource, also for a secret one.
        """
        octets: bytes | None = resource_data(r, resource.id)
        if self._limits and octets is not None:
            octets = shown_to_guests(octets, title)
        if octets is None:
            raise NoSuchResource("entry not found")
        return octets

    def seen(self, r: Reader, resource: Resource, title: str = "") -> Resource:
        """The row of an entry as the user sees it: of a private one, a guest does not see how much there is, and
        whether it has people. Raises NoSuchResource as `data`.
        """
        if not self._limits or _privacy(r, resource.id) == "public":
            return resource
        size = len(self.data(r, resource, title))
        return msgspec.structs.replace(resource, size=size, tag=None)

    def facts(self, r: Reader, resource_id: int) -> EntryFacts | None:
        """An entry's facts as visible to the user.

        None if the entry is hidden from the user, deleted or unreadable.
        """
        facts = facts_of_entry(r, resource_id)
        return facts.for_guest() if self._limits and facts is not None else facts

    def keeps_back(self, r: Reader, resource: Resource) -> bool:
        """Whether the user is a guest who does not see the whole of an entry, and so does not change it."""
        return self._limits and _privacy(r, resource.id) != "public"

    def hides(self, r: Reader, resource_id: int) -> bool:
        """Whether the user is a guest for whom an entry is not there."""
        return self._limits and _privacy(r, resource_id) == "secret"

    @property
    def _limits(self) -> bool:
        return self.guest != "" and self.kind == "calendar"


def share_collection(tx: AccountTx, one: Collection, guest: str, rights: str) -> None:
    """Set the rights of an account, or `ANYONE`, on a collection, "" to take them; that user is told (JMAP-80). The
    caller has checked that the account exists.

    Raises BadGuest, LimitExceeded.
    """
    if guest == tx.account:
        raise BadGuest("you can't change the owner's permissions")
    if one.inbox:
        raise BadGuest("the scheduling inbox and outbox can't be shared")
    before = _rights(tx, one.id, guest)
    if not rights:
        tx.execute(REMOVE, one.id, guest)
    # The others alone: at the limit an owner must still be able to take rights back from one of the guests.
    elif tx.value(COUNT, one.id, guest) >= MAX_GUESTS:
        raise LimitExceeded(f"you can share a calendar or address book with up to {MAX_GUESTS} others")
    else:
        tx.execute(SET, one.id, guest, rights)
        if set(rights) - set(before):
            note_way(tx, SHARED[one.kind], f"{one.id}/{guest}")
    # Clients of the owner see by it that the list of guests is another.
    touch_collection(tx, one.kind, one.id, 0, 0)
    owe_notice(tx, guest, one.kind, one.id, one.display_name or one.name, before, _rights(tx, one.id, guest))


def guests_of(r: Reader, one: Collection) -> list[tuple[str, bool]]:
    """The users with rights on a collection, and whether they may change its entries."""
    return [(identifier, "w" in rights) for identifier, rights in r.rows(GUESTS, one.id)]


def guest_rows(r: Reader) -> Iterator[tuple[Kind, int, str, str, str]]:
    """Rows (kind, id and name of the collection, identifier, rights) of all collections."""
    return iter(r.rows(GUEST_ROWS))


def shared_collection(r: Reader, kind: Kind, name: str, guest: str) -> ReadableCollection | None:
    """The collection of that name, if it is shared with a user. Raises NoSuchCollection."""
    return _seen(r, collection_named(r, kind, name), guest)


def shared_collections(r: Reader, kind: Kind, guest: str) -> list[ReadableCollection]:
    """The collections of a kind that are shared with a user."""
    numbers = r.rows(ALL_OF, kind) if has_all(r, guest) else r.rows(SEEN, guest, kind)
    found = (_seen(r, collection(r, number), guest) for (number,) in numbers)
    return [foreign for foreign in found if foreign is not None]


def shared_views(r: Reader) -> dict[tuple[str, int], tuple[str, bool]]:
    """How the user sees calendars of others: colour, "" for the owner's, and whether it is off, by owner and id."""
    return {(owner, number): (colour, hidden != 0) for owner, number, colour, hidden in r.rows(VIEWS)}


def patch_shared_view(tx: AccountTx, owner: str, collection_id: int, change: CollectionChange) -> None:
    """Change how the user sees a calendar of another one. Raises BadForm, LimitExceeded."""
    if tx.value(COUNT_VIEWS, owner, collection_id) >= MAX_VIEWS:
        raise LimitExceeded(f"you can have up to {MAX_VIEWS} calendars from other users")
    colour, hidden = shared_views(tx).get((owner, collection_id), ("", False))
    after = changed(Collection(collection_id, "calendar", "", colour=colour), change)
    tx.execute(SET_VIEW, owner, collection_id, after.colour, hidden if change.hidden is UNSET else change.hidden)


def make_link(tx: AccountTx, one: Collection, note: str, *, busy: bool) -> str:
    """Make a secret link of a calendar; returns its token, which is not kept. Raises BadGuest, LimitExceeded."""
    if one.kind != "calendar" or one.inbox:
        raise BadGuest("only calendars can have private links")
    note = " ".join(note.split())
    if again := origin().again:
        tx.execute(REMOVE_LOST_LINK, one.id, busy, note, again)
    if tx.value(COUNT_LINKS, one.id) >= MAX_LINKS:
        raise LimitExceeded(f"a calendar can have up to {MAX_LINKS} private links")
    # Kept as a hash, as sessions are: who reads the file, or a backup of it, cannot open the calendar.
    token = secrets.token_urlsafe(TOKEN_SIZE)
    number = tx.insert(ADD_LINK, one.id, _hash(token), busy, note, time.time_ns() // 1000)
    note_way(tx, "calendar_link", number)
    return token


def links_of(r: Reader) -> list[Link]:
    """The secret links of all calendars, the oldest first."""
    return [_link(row) for row in r.rows(LINKS)]


def link_with(r: Reader, token: str) -> Link | None:
    """The link with a token, or None."""
    row = r.row(LINK_OF, _hash(token))
    return None if row is None else _link(row)


def remove_link(tx: AccountTx, link_id: int) -> None:
    """Withdraw a link. Raises NoSuchLink."""
    if tx.row(REMOVE_LINK, link_id) is None:
        raise NoSuchLink


def _link(row: Row) -> Link:
    number, collection_id, busy, note, made = row
    return Link(number, collection_id, busy != 0, note, made)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _privacy(r: Reader, resource_id: int) -> str:
    """As `privacy.privacy_of`; "secret" for what cannot be read."""
    facts = facts_of_entry(r, resource_id)
    return "secret" if facts is None else facts.privacy


def _seen(r: Reader, one: Collection, guest: str) -> ReadableCollection | None:
    rights = _rights(r, one.id, guest)
    return ReadableCollection(one, "w" in rights) if "r" in rights else None


def _rights(r: Reader, collection_id: int, guest: str) -> str:
    """The letters of a user's rights: by name, or the rights of all users if these are more."""
    # To read is a part of to change, so the longer text is what both rows give together.
    given = [text for (text,) in r.rows(OF, collection_id, guest)]
    return max([*given, "rw"] if has_all(r, guest) else given, key=len, default="")
