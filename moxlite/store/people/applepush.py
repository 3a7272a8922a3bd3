"""Devices whose Mail is told of new mail by Apple's push service (IMAP-164b): their rows, and what there is to tell.

Every opened account is asked whether it has one, so this module loads little.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from moxlite.decoders import from_json
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import Flag

MAX_DEVICES: Final = 20
"""Devices of an account; one more takes the place of that which has not registered for longest."""

DAY: Final = 86_400_000_000
"""Microseconds of a day."""

KEPT: Final = 30 * DAY
"""µs for which a device is told without registering again, which it does when it connects."""

GIVEN_UP: Final = 7 * DAY
"""µs of failures alone after which a device is removed."""

FIRST_PAUSE: Final = 10_000_000
"""µs until a device is tried again after its first failure; later pauses are as long as it has been failing."""

LAST_PAUSE: Final = 3_600_000_000
"""µs of the longest pause."""

LOOKED: Final = 200
"""Newest messages of a mailbox that are looked at for one that is unread: 0.2 ms."""

LEFT_OUT: Final = Flag.SEEN | Flag.DRAFT | Flag.DELETED
"""Flags of messages that no device is told of."""

ANY: Final = "SELECT EXISTS (SELECT 1 FROM apple_push)"
ALL: Final = """
SELECT id, account_id, token, mailboxes, login, used, failing, next FROM apple_push ORDER BY used DESC, id DESC"""
ADD: Final = """
INSERT INTO apple_push (account_id, token, mailboxes, login, used) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (account_id, token) DO UPDATE SET mailboxes = excluded.mailboxes, login = excluded.login,
used = excluded.used, failing = 0, next = 0"""
SURPLUS: Final = """
DELETE FROM apple_push WHERE used < ? OR id NOT IN (SELECT id FROM apple_push ORDER BY used DESC, id DESC LIMIT ?)"""
DROP: Final = "DELETE FROM apple_push WHERE id = ?"
DROP_OF: Final = "DELETE FROM apple_push WHERE login = ?"
# `used`: a device that has registered since has newer marks, which must not be set back.
TOLD: Final = "UPDATE apple_push SET mailboxes = ?, failing = 0, next = 0 WHERE id = ? AND used = ?"
FAILED: Final = "UPDATE apple_push SET failing = iif(failing, failing, ?), next = ? WHERE id = ?"
NEW: Final = """
SELECT EXISTS (SELECT 1 FROM (SELECT flags FROM message WHERE mailbox_id = ? AND uid >= ? ORDER BY uid DESC LIMIT ?)
WHERE flags & ? = 0)"""


class AppleDevice(msgspec.Struct, frozen=True):
    """A row of `apple_push`; the columns are explained there."""

    id: int
    account_id: str
    token: str
    mailboxes: str
    login: str
    used: int
    failing: int
    next: int

    @property
    def marks(self) -> dict[str, int]:
        """By name of a mailbox, the first UID that the device was not told of."""
        return from_json(self.mailboxes, dict[str, int])


class ApplePush(msgspec.Struct, frozen=True):
    """Message to a device: there is new mail in the mailboxes `names`. `mailboxes`: the device's own after it."""

    device: AppleDevice
    names: tuple[str, ...]
    mailboxes: str


def has_apple_devices(r: Reader) -> bool:
    """Whether the account has a device."""
    return bool(r.value(ANY))


def apple_devices(r: Reader) -> list[AppleDevice]:
    """All devices, the one that has registered last first."""
    return [AppleDevice(*row) for row in r.rows(ALL)]


def is_registered(r: Reader, account_id: str, token: str, mailboxes: Collection[str], login: str, now: int) -> bool:
    """Whether the device has registered so within a day, and is told: then no row need be written."""
    return any(
        (device.account_id, device.token, device.login, device.failing) == (account_id, token, login, 0)
        and now - device.used < DAY
        and device.marks.keys() == set(mailboxes)
        for device in apple_devices(r)
    )


def register_device(tx: Tx, account_id: str, token: str, mailboxes: Sequence[str], login: str) -> None:
    """Add a device, or note that it is still there. It is told of later messages alone: it reads its mail just now."""
    marks = {name: _uidnext(tx, name)[1] for name in mailboxes}
    tx.execute(ADD, account_id, token, msgspec.json.encode(marks).decode(), login, tx.now)
    tx.execute(SURPLUS, tx.now - KEPT, MAX_DEVICES)


def pending_pushes(r: Reader, now: int) -> tuple[list[ApplePush], int | None]:
    """What is to be told now, µs UTC, and the next moment at which another device may be tried, None without one."""
    pushes: list[ApplePush] = []
    later: list[int] = []
    for device in apple_devices(r):
        marks = device.marks
        fresh = {name: uidnext for name, mark in marks.items() if (uidnext := _fresh(r, name, mark))}
        if not fresh or now - device.used > KEPT:
            continue
        if device.next > now:
            later.append(device.next)
        else:
            pushes.append(ApplePush(device, tuple(fresh), msgspec.json.encode(marks | fresh).decode()))
    return pushes, min(later, default=None)


def _fresh(r: Reader, name: str, mark: int) -> int:
    """The next UID of a mailbox with unread messages from `mark` on, else 0."""
    mailbox_id, uidnext = _uidnext(r, name)
    # a mailbox that was made anew begins with UID 1
    return uidnext if r.value(NEW, mailbox_id, mark if mark <= uidnext else 1, LOOKED, int(LEFT_OUT)) else 0


def _uidnext(r: Reader, name: str) -> tuple[int, int]:
    mailbox = mailbox_by_name(r, name)
    return (0, 1) if mailbox is None else (mailbox.id, mailbox.uidnext)


def note_push(tx: Tx, push: ApplePush, *, error: str, gone: bool, pause: int) -> int | None:
    """Note what became of a push: it was taken, or why not. `gone`: the device takes no more; `pause`: µs for which the
    service asks. Returns when the next one may be tried, µs UTC, None for never or at once.
    """
    device = push.device
    since = device.failing or tx.now
    if gone or (error and tx.now - since > GIVEN_UP):
        tx.execute(DROP, device.id)
    elif error:
        following = tx.now + min(max(FIRST_PAUSE, tx.now - since, pause), LAST_PAUSE)
        tx.execute(FAILED, since, following, device.id)
        return following
    else:
        tx.execute(TOLD, push.mailboxes, device.id, device.used)
    return None


def forget_apple_devices(tx: Tx, logins: Collection[str]) -> None:
    """Remove the devices that came by these app passwords, "" for the account's own."""
    tx.executemany(DROP_OF, [(login,) for login in logins])
