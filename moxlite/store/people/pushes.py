"""Programs that are told of changes by requests: push subscriptions of JMAP (RFC 8620 §7.2).

Every opened account is asked whether it has one, so this module loads little.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from moxlite.store.errors import LimitExceeded
from moxlite.store.file.transaction import Reader, Tx

MAX_PUSHES: Final = 20
"""Subscriptions of an account; one more takes the place of that which ends first."""

GIVEN_UP: Final = 3 * 86_400_000_000
"""µs of failures alone after which a subscription is removed."""

FIRST_PAUSE: Final = 10_000_000
LAST_PAUSE: Final = 3_600_000_000

ANY: Final = "SELECT EXISTS (SELECT 1 FROM jmap_push)"
ALL: Final = """
SELECT id, device, url, public, secret, types, expires, login, code, verified, told, failing, next FROM jmap_push
ORDER BY id"""
COUNT: Final = "SELECT count(*) FROM jmap_push"
ADD: Final = """
INSERT INTO jmap_push (device, url, public, secret, types, expires, login, code) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
SAME: Final = "DELETE FROM jmap_push WHERE device = ? AND url = ?"
CHANGE: Final = "UPDATE jmap_push SET types = ?, expires = ?, verified = ? WHERE id = ?"
DROP: Final = "DELETE FROM jmap_push WHERE id = ?"
DROP_OF: Final = "DELETE FROM jmap_push WHERE login = ?"
EXPIRED: Final = "DELETE FROM jmap_push WHERE expires < ?"
TOLD: Final = "UPDATE jmap_push SET told = ?, failing = 0, next = 0 WHERE id = ?"
FAILED: Final = "UPDATE jmap_push SET failing = iif(failing, failing, ?), next = ? WHERE id = ?"


class Push(msgspec.Struct, frozen=True):
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


def has_pushes(r: Reader) -> bool:
    """Whether the account has a subscription."""
    return bool(r.value(ANY))


def pushes(r: Reader) -> list[Push]:
    """All subscriptions."""
    return [Push(*row) for row in r.rows(ALL)]


def add_push(tx: Tx, new: Push) -> int:
    """Add a subscription, in place of one of the same device to the same address; returns its id. Raises
    LimitExceeded.
    """
    tx.execute(EXPIRED, tx.now)
    tx.execute(SAME, new.device, new.url)
    if tx.value(COUNT) >= MAX_PUSHES:
        raise LimitExceeded("push subscriptions")
    row = (new.device, new.url, new.public, new.secret, new.types, new.expires, new.login, new.code)
    return tx.insert(ADD, *row)


def change_push(tx: Tx, changed: Push) -> None:
    """Store types, expiry and verification."""
    tx.execute(CHANGE, changed.types, changed.expires, changed.verified, changed.id)


def drop_push(tx: Tx, ids: Sequence[int]) -> None:
    """Remove subscriptions."""
    tx.executemany(DROP, [(one,) for one in ids])


def forget_pushes(tx: Tx, logins: Collection[str]) -> None:
    """Remove the subscriptions that were made with these app passwords, "" for the account's own."""
    tx.executemany(DROP_OF, [(one,) for one in logins])


def note_told(tx: Tx, push_id: int, told: str) -> None:
    """Note the states that a program has been told."""
    tx.execute(TOLD, told, push_id)


def note_failed(tx: Tx, push: Push, *, gone: bool) -> int | None:
    """Note that a request was not taken; returns when the next one may be made, µs UTC, None for a subscription that is
    removed: its address is `gone`, or nothing was taken for days.
    """
    since = push.failing or tx.now
    if gone or tx.now - since > GIVEN_UP:
        tx.execute(DROP, push.id)
        return None
    following = tx.now + min(max(FIRST_PAUSE, tx.now - since), LAST_PAUSE)
    tx.execute(FAILED, since, following, push.id)
    return following
