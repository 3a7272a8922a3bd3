"""Programs that are told of changes by requests: push subscriptions of JMAP (RFC 8620 §7.2).

Every opened account is asked whether it has one, so this module loads little.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.store.changelog.origin import note_way
from moxlite.store.errors import LimitExceeded
from moxlite.store.file.transaction import Reader, Tx

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx

MAX_SUBSCRIPTIONS: Final = 20
"""Subscriptions of an account; one more is refused, as each is a request for each change."""

GIVEN_UP: Final = 3 * 86_400_000_000
"""µs of failures alone after which a subscription is removed."""

FIRST_PAUSE: Final = 10_000_000
LAST_PAUSE: Final = 3_600_000_000
"""µs until a push that failed is tried again: the first time, and at most."""

ANY: Final = "SELECT EXISTS (SELECT 1 FROM jmap_push)"
ALL: Final = """
SELECT id, device, url, public, secret, types, expires, login, code, verified, told, failing, next FROM jmap_push
ORDER BY id"""
COUNT: Final = "SELECT count(*) FROM jmap_push"
ADD: Final = """
INSERT INTO jmap_push (device, url, public, secret, types, expires, login, code) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
SAME: Final = "DELETE FROM jmap_push WHERE device = ? AND url = ?"
CHANGE: Final = "UPDATE jmap_push SET types = ?, expires = ?, verified = ?, told = ? WHERE id = ?"
DROP: Final = "DELETE FROM jmap_push WHERE id = ?"
DROP_OF: Final = "DELETE FROM jmap_push WHERE login = ?"
EXPIRED: Final = "DELETE FROM jmap_push WHERE expires < ?"
# `verified`: a program that was verified since begins with the states of that moment.
TOLD: Final = "UPDATE jmap_push SET told = ?, failing = 0, next = 0 WHERE id = ? AND verified = ?"
FAILED: Final = "UPDATE jmap_push SET failing = iif(failing, failing, ?), next = ? WHERE id = ?"


class Subscription(msgspec.Struct, frozen=True):
    """A row of `jmap_push`; the columns are explained there."""

    id: int
    device: str
    url: str
    public: bytes | None
    secret: bytes | None
    types: str | None
    expires: int
    login: str
    code: str
    verified: int
    told: str
    failing: int
    next: int


def has_subscriptions(r: Reader) -> bool:
    """Whether the account has a subscription."""
    return bool(r.value(ANY))


def subscriptions(r: Reader) -> list[Subscription]:
    """All subscriptions."""
    return [Subscription(*row) for row in r.rows(ALL)]


def add_subscription(tx: AccountTx, new: Subscription) -> int:
    """Add a subscription, in place of one of the same device to the same address; returns its id. Raises
    LimitExceeded.
    """
    tx.execute(EXPIRED, tx.now)
    tx.execute(SAME, new.device, new.url)
    if tx.value(COUNT) >= MAX_SUBSCRIPTIONS:
        raise LimitExceeded("too many push subscriptions")
    row = (new.device, new.url, new.public, new.secret, new.types, new.expires, new.login, new.code)
    number = tx.insert(ADD, *row)
    note_way(tx, "push", number)
    return number


def change_subscription(tx: Tx, changed: Subscription) -> None:
    """Store types, expiry, verification, and the states that the program knows."""
    tx.execute(CHANGE, changed.types, changed.expires, changed.verified, changed.told, changed.id)


def drop_subscriptions(tx: Tx, ids: Sequence[int]) -> None:
    """Remove subscriptions."""
    tx.executemany(DROP, [(one,) for one in ids])


def forget_subscriptions(tx: Tx, logins: Collection[str]) -> None:
    """Remove the subscriptions that were made with these app passwords, "" for the account's own."""
    tx.executemany(DROP_OF, [(login,) for login in logins])


def note_told(tx: Tx, one: Subscription, told: str) -> None:
    """Note the states that a program has been told, unless it was verified meanwhile."""
    tx.execute(TOLD, told, one.id, one.verified)


def note_failed(tx: Tx, one: Subscription, *, gone: bool, refused: bool) -> int | None:
    """Record a failed request. Returns when to retry (µs UTC), or None if the subscription was removed.

    It's removed if its URL is `gone`, or the push service has `refused` the request after days without a success. A
    push service that is out of reach or in trouble has refused nothing.
    """
    since = one.failing or tx.now
    if gone or (refused and tx.now - since > GIVEN_UP):
        tx.execute(DROP, one.id)
        return None
    following = tx.now + min(max(FIRST_PAUSE, tx.now - since), LAST_PAUSE)
    tx.execute(FAILED, since, following, one.id)
    return following
