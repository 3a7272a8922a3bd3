"""Rights of other users on calendars and address books: table `collection_acl` of the owner's file (DAV-41). Which
accounts share with which users is copied to `auth.db` with the shares of mailboxes.
"""

from __future__ import annotations

from typing import Final

import msgspec

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import LimitExceeded, StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.collection import Collection, Kind, collection, collection_named, touch_collection

READ: Final = "lr"
CHANGE: Final = "lrwit"
"""Rights to read entries, and to change, add and remove them, too."""

ANYONE: Final = "anyone"
MAX_GUESTS: Final = 100
"""Users with rights on one collection."""

OF: Final = "SELECT rights FROM collection_acl WHERE collection_id = ? AND identifier IN (?, 'anyone')"
GUESTS: Final = "SELECT identifier, rights FROM collection_acl WHERE collection_id = ? ORDER BY identifier"
COUNT: Final = "SELECT count(*) FROM collection_acl WHERE collection_id = ?"
SEEN: Final = """
SELECT DISTINCT c.id FROM collection_acl a JOIN collection c ON c.id = a.collection_id
WHERE a.identifier IN (?1, 'anyone') AND c.kind = ?2 ORDER BY c.id"""
SET: Final = """
INSERT INTO collection_acl (collection_id, identifier, rights) VALUES (?, ?, ?)
ON CONFLICT (collection_id, identifier) DO UPDATE SET rights = excluded.rights"""
REMOVE: Final = "DELETE FROM collection_acl WHERE collection_id = ? AND identifier = ?"


class BadGuest(StoreError):
    """A user who cannot get rights on a collection."""


class Shared(msgspec.Struct, frozen=True):
    """A collection of another user. `writable`: its entries may be changed."""

    collection: Collection
    writable: bool


def share_collection(tx: AccountTx, one: Collection, guest: str, rights: str) -> None:
    """Set the rights of an account, or `ANYONE`, on a collection, "" to take them. The caller has checked that the
    account exists.

    Raises BadGuest, LimitExceeded.
    """
    if guest == tx.account or one.inbox:
        raise BadGuest("the owner has all rights always, and the place for messages about events stays the owner's")
    if not rights:
        tx.execute(REMOVE, one.id, guest)
    elif tx.value(COUNT, one.id) >= MAX_GUESTS:
        raise LimitExceeded(f"rights for {MAX_GUESTS} others on one calendar or address book")
    else:
        tx.execute(SET, one.id, guest, rights)
    touch_collection(tx, one.kind, one.id, 0, 0)


def guests_of(r: Reader, one: Collection) -> list[tuple[str, bool]]:
    """The users with rights on a collection, and whether they may change its entries."""
    return [(identifier, "w" in rights) for identifier, rights in r.rows(GUESTS, one.id)]


def shared_collection(r: Reader, kind: Kind, name: str, guest: str) -> Shared | None:
    """The collection of that name, if it is shared with a user. Raises NoSuchCollection."""
    return _seen(r, collection_named(r, kind, name), guest)


def shared_collections(r: Reader, kind: Kind, guest: str) -> list[Shared]:
    """The collections of a kind that are shared with a user."""
    found = (_seen(r, collection(r, number), guest) for (number,) in r.rows(SEEN, guest, kind))
    return [one for one in found if one is not None]


def _seen(r: Reader, one: Collection, guest: str) -> Shared | None:
    rights = "".join(text for (text,) in r.rows(OF, one.id, guest))
    return Shared(one, "w" in rights) if "r" in rights else None
