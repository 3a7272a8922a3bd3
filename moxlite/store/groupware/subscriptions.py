"""Calendars that are read from an address again and again: table `calendar_subscription` (DAV-44). They have the
entries of the last file, and only the server changes these (`Collection.subscribed`). `upkeep.outbox` finds calendars
that are due.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import LimitExceeded
from moxlite.store.file.transaction import Reader, Row
from moxlite.store.groupware.collection import Collection, collection, create_collection
from moxlite.store.groupware.resources import (
    ResourceFacts,
    UIDTaken,
    delete_resource,
    put_resource,
    resource_data,
    resource_named,
)
from moxlite.wording import packed, unpacked

MAX_SUBSCRIPTIONS: Final = 20
"""Subscribed calendars of an account: each is a request every hour."""

HOUR: Final = 3_600_000_000
"""µs between two attempts."""

JITTER: Final = 0.2
"""Fraction by which the pause varies, so that a calendar's subscribers don't all fetch it at the same time."""

LONGEST: Final = 24 * HOUR
"""µs between two attempts after many failures."""

PAGE: Final = 500
"""Names that are read at once."""

MAX_ERROR: Final = 500
"""Maximum characters of a stored error. It quotes the other server, whose text may be long."""

_COLUMNS: Final = "collection_id, url, etag, modified, hash, tried, succeeded, error, failures, due"
ALL: Final = f"SELECT {_COLUMNS} FROM calendar_subscription ORDER BY collection_id"  # noqa: S608 column names
ONE: Final = f"SELECT {_COLUMNS} FROM calendar_subscription WHERE collection_id = ?"  # noqa: S608 column names
COUNT: Final = "SELECT count(*) FROM calendar_subscription"
POSTPONE: Final = "UPDATE calendar_subscription SET due = ? WHERE collection_id = ?"
ADD: Final = f"INSERT INTO calendar_subscription ({_COLUMNS}) VALUES (?, ?, '', '', x'', 0, 0, '', 0, ?)"  # noqa: S608
SUCCEEDED: Final = """
UPDATE calendar_subscription SET url = ?, etag = ?, modified = ?, hash = ?, tried = ?5, succeeded = ?5, error = ?,
failures = 0, due = ? WHERE collection_id = ?"""
FAILED: Final = """
UPDATE calendar_subscription SET tried = ?, error = ?, failures = failures + 1, due = ? WHERE collection_id = ?"""
NAMES: Final = "SELECT name FROM resource WHERE collection_id = ? AND name > ? ORDER BY name LIMIT ?"


class Subscription(msgspec.Struct, frozen=True):
    """A subscribed calendar. `url`: where it is read, with its secrets. `etag`, `modified`: fields of the last answer.
    `hash`: SHA-256 of the last file. `tried`, `succeeded`, `due`: µs UTC, 0 for never. `failures`: attempts since the
    last success. `error`: why the last attempt failed, else what was left out of the file, "" for nothing; `Worded`
    where it was made of values.
    """

    collection_id: int
    url: str
    etag: str
    modified: str
    hash: bytes
    tried: int
    succeeded: int
    error: str
    failures: int
    due: int


def subscriptions(r: Reader) -> list[Subscription]:
    """The subscribed calendars of the account."""
    return [_of_row(row) for row in r.rows(ALL)]


def subscription(r: Reader, collection_id: int) -> Subscription | None:
    """The subscription of a calendar, None for one of the user's own."""
    row = r.row(ONE, collection_id)
    return None if row is None else _of_row(row)


def hurry(tx: AccountTx, collection_id: int) -> None:
    """Have a calendar read now."""
    tx.execute(POSTPONE, 0, collection_id)
    tx.owed()


def subscribe(tx: AccountTx, new: Collection, url: str) -> Collection:
    """Make a calendar that is read from an address. Raises as `create_collection`, LimitExceeded."""
    if tx.value(COUNT) >= MAX_SUBSCRIPTIONS:
        raise LimitExceeded(f"you can have up to {MAX_SUBSCRIPTIONS} subscribed calendars")
    made = create_collection(tx, new)
    tx.execute(ADD, made.id, url, tx.now + _pause(0))
    tx.owed()
    return collection(tx, made.id)


def note_success(
    tx: AccountTx, collection_id: int, url: str, etag: str, modified: str, digest: bytes, left: str
) -> None:
    """Keep what the next request says of the file that was read now, and what was left out of it."""
    tx.execute(SUCCEEDED, url, etag, modified, digest, tx.now, _stored(left), tx.now + _pause(0), collection_id)
    tx.owed()


def note_failure(tx: AccountTx, collection_id: int, error: str) -> None:
    """Keep why a calendar could not be read; the pause to the next attempt doubles with each."""
    before = subscription(tx, collection_id)
    # The calendar may have been removed while its file was fetched.
    if before is not None:
        due = tx.now + _pause(before.failures + 1)
        tx.execute(FAILED, tx.now, _stored(error), due, collection_id)
        tx.owed()


def _stored(text: str) -> str:
    return packed(text) if len(text) <= MAX_ERROR else text[:MAX_ERROR]


def changed_entries(r: Reader, collection_id: int, entries: Sequence[tuple[str, bytes]]) -> list[int]:
    """Which of these entries, name and octets, differ from what the calendar has, by their places. When a file was made
    (DTSTAMP) differs in each.
    """
    found = []
    for place, (name, data) in enumerate(entries):
        there = resource_named(r, collection_id, name)
        # Many servers make the file anew for each request. Compared without that line, an unchanged calendar costs no
        # write, and no client fetches it again.
        if there is None or _lasting(resource_data(r, there.id)) != _lasting(data):
            found.append(place)
    return found


def put_entries(tx: AccountTx, collection_id: int, entries: Sequence[tuple[str, bytes, ResourceFacts]]) -> int:
    """Put entries: name, octets and facts; returns their number. One whose UID another has, written in another way, is
    left out. Raises as `put_resource`.
    """
    number = 0
    for name, data, facts in entries:
        try:
            put_resource(tx, collection_id, name, data, facts)
        # One such entry must not keep all others of the file from the user.
        except UIDTaken:
            continue
        number += 1
    return number


def names_of(r: Reader, collection_id: int, after: str) -> list[str]:
    """Names of entries after one, at most `PAGE`."""
    return [name for (name,) in r.rows(NAMES, collection_id, after, PAGE)]


def drop_entries(tx: AccountTx, collection_id: int, names: Sequence[str]) -> None:
    """Remove entries that the file no longer has."""
    for name in names:
        if resource_named(tx, collection_id, name) is not None:
            delete_resource(tx, collection_id, name, lambda _: None)


def _pause(failures: int) -> int:
    pause = min(HOUR << min(failures, 10), LONGEST)
    # Servers that were restarted together, or one with many users, must not ask a provider all in the same second.
    return int(pause * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 not a secret


def _lasting(data: bytes) -> list[bytes]:
    return [line for line in data.splitlines() if not line.startswith(b"DTSTAMP")]


def _of_row(row: Row) -> Subscription:
    found = Subscription(*row)
    return msgspec.structs.replace(found, error=unpacked(found.error))
