"""Devices that are told of new mail by Web Push (STORE-96c, WEBMAIL-122): their rows, and what became of notices.

Every opened account is asked whether it has a device, so this module loads little. `notices` finds the mail.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.store.changelog.origin import note_way
from moxlite.store.errors import LimitExceeded
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.groupware.alarms import DueAlarm, highest_notice

if TYPE_CHECKING:
    from moxlite.store.changelog.account import Account
    from moxlite.store.changelog.unit import AccountTx

MAX_DEVICES: Final = 10
"""Devices of an account."""

SECOND: Final = 1_000_000
"""Microseconds of a second."""

FIRST_PAUSE: Final = 60 * SECOND
"""µs until a device is tried again after its first failure; each pause is twice the one before."""

LAST_PAUSE: Final = 6 * 3600 * SECOND
"""µs of the longest pause."""

GIVEN_UP: Final = 7 * 24 * 3600 * SECOND
"""µs of failures alone after which a device is removed that its push service refuses."""

_COLUMNS: Final = """
SELECT id, endpoint, public, secret, name, session, told, told_at, created, used, failures, failing, next, error,
alarmed FROM notice_device"""
ALL: Final = f"{_COLUMNS} ORDER BY id"
ONE: Final = f"{_COLUMNS} WHERE id = ?"
ANY: Final = "SELECT EXISTS (SELECT 1 FROM notice_device)"
COUNT: Final = "SELECT count(*) FROM notice_device WHERE endpoint <> ?"
HIGHEST: Final = "SELECT coalesce(max(id), 0) FROM message"
ADD: Final = """
INSERT INTO notice_device (endpoint, public, secret, name, session, told, told_at, created, alarmed)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (endpoint) DO UPDATE SET public = excluded.public, secret = excluded.secret, name = excluded.name,
session = excluded.session, failures = 0, failing = 0, next = 0, error = '' RETURNING id"""
REMOVE: Final = "DELETE FROM notice_device WHERE id = ?"
END_SESSION: Final = "DELETE FROM notice_device WHERE session = ?"
END_ALL: Final = "DELETE FROM notice_device"
SESSIONS: Final = "SELECT DISTINCT session FROM notice_device WHERE session > 0"
TAKEN: Final = """
UPDATE notice_device SET told = max(told, ?), told_at = max(told_at, ?), alarmed = max(alarmed, ?), used = ?,
failures = 0, failing = 0, next = 0, error = '' WHERE id = ?"""
PASSED: Final = "UPDATE notice_device SET told = max(told, ?), told_at = max(told_at, ?) WHERE id = ?"
FAILED: Final = """
UPDATE notice_device SET failures = failures + 1, failing = CASE failing WHEN 0 THEN ? ELSE failing END, next = ?,
error = ? WHERE id = ?"""


class TooManyDevices(LimitExceeded):
    """The account would have more devices than `MAX_DEVICES`."""


class Device(msgspec.Struct, frozen=True):
    """A row of `notice_device`; the columns are explained there."""

    id: int
    endpoint: str
    public: bytes
    secret: bytes
    name: str
    session: int
    told: int
    told_at: int
    created: int
    used: int
    failures: int
    failing: int
    next: int
    error: str
    alarmed: int


class Notice(msgspec.Struct, frozen=True):
    """Message to one device: alarms of the calendar, the newest first; the sender of the newest message, its id, and
    the number of further messages. `told`, `told_at` and `alarmed` are the device's marks after it. `sender` is None if
    it is told of no mail; without alarms, only the marks change then.
    """

    device: Device
    told: int
    told_at: int
    alarmed: int
    alarms: tuple[DueAlarm, ...] = ()
    sender: str | None = None
    message_id: int = 0
    more: int = 0


class Outcome(msgspec.Struct, frozen=True):
    """Outcome of sending a notice.

    `gone`: the push service knows the subscription no more; `refused`: it rejects the request, so it isn't just out of
    reach or in trouble; `error`: why it was not taken, "" if it was; `pause`: µs for which the push service asked.
    """

    notice: Notice
    gone: bool = False
    refused: bool = False
    error: str = ""
    pause: int = 0


def devices(r: Reader) -> list[Device]:
    """All devices, the oldest first."""
    return [Device(*row) for row in r.rows(ALL)]


def device(r: Reader, device_id: int) -> Device | None:
    """Return a device by its number; None if it is gone."""
    row = r.row(ONE, device_id)
    return None if row is None else Device(*row)


def has_devices(r: Reader) -> bool:
    """Whether there is a device."""
    return bool(r.value(ANY))


def add_device(
    tx: AccountTx, endpoint: str, public: bytes, secret: bytes, name: str, session: int, *, replaces: int = 0
) -> int:
    """Add a device, or give the one with that endpoint other keys; returns its id. It is told of later messages only,
    but of those that the device `replaces`, whose endpoint has ended, was not told of.

    Raises TooManyDevices.
    """
    former = device(tx, replaces) if replaces else None
    if former is not None and former.endpoint != endpoint:
        tx.execute(REMOVE, replaces)
    told, told_at = (tx.value(HIGHEST), tx.now) if former is None else (former.told, former.told_at)
    alarmed = highest_notice(tx) if former is None else former.alarmed
    if tx.value(COUNT, endpoint) >= MAX_DEVICES:
        raise TooManyDevices(f"this account already has {MAX_DEVICES} devices with notifications; remove one first")
    number = int(tx.value(ADD, endpoint, public, secret, name, session, told, told_at, tx.now, alarmed))
    if former is None:  # a browser changes the endpoint of a device by itself
        note_way(tx, "device", number)
    return number


def remove_device(tx: Tx, device_id: int) -> None:
    """Remove a device, if it is there."""
    tx.execute(REMOVE, device_id)


def note_outcomes(tx: Tx, outcomes: list[Outcome]) -> tuple[list[Device], int | None]:
    """Write what became of notices. Returns the devices that were removed, and the next moment at which a device that
    failed may be tried, µs UTC, None without one.
    """
    removed: list[Device] = []
    later: list[int] = []
    for outcome in outcomes:
        device = outcome.notice.device
        if outcome.gone or (outcome.refused and device.failing and tx.now - device.failing >= GIVEN_UP):
            tx.execute(REMOVE, device.id)
            removed.append(device)
        elif outcome.error:
            pause = min(FIRST_PAUSE << min(device.failures, 20), LAST_PAUSE)
            moment = tx.now + min(max(pause, outcome.pause), LAST_PAUSE)
            tx.execute(FAILED, tx.now, moment, outcome.error[:200], device.id)
            later.append(moment)
        elif outcome.notice.sender is None and not outcome.notice.alarms:
            tx.execute(PASSED, outcome.notice.told, outcome.notice.told_at, device.id)
        else:
            tx.execute(TAKEN, outcome.notice.told, outcome.notice.told_at, outcome.notice.alarmed, tx.now, device.id)
    return removed, min(later, default=None)


async def forget_ended(account: Account, living: Collection[int]) -> int:
    """Remove the devices whose session is not among the `living` ones; returns how many sessions had ended.

    Raises StoreError.
    """
    ended = [row[0] for row in await account.read(lambda r: r.rows(SESSIONS), op="notices") if row[0] not in living]
    for session in ended:
        await forget_devices(account, session)
    return len(ended)


async def forget_devices(account: Account, session: int | None = None) -> None:
    """Remove the devices that subscribed in a session, by default all: it has ended. Raises StoreError."""
    if await account.read(has_devices, op="notices"):
        if session is None:
            await account.write(lambda tx: tx.execute(END_ALL))
        else:
            await account.write(lambda tx: tx.execute(END_SESSION, session))
