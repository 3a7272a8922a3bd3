"""Devices that are told of new mail by Web Push (STORE-96c, WEBMAIL-122): their rows, and what became of notices.

Every opened account is asked whether it has a device, so this module loads little. `notices` finds the mail.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import msgspec

from moxlite.escapes import DECEPTIVE
from moxlite.proto.address import AddressError, Domain
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import ChunkDamaged, LimitExceeded
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.fetching import structure_of
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.names import INBOX
from moxlite.store.rows.mailboxes import mailbox_by_name, mailbox_by_use
from moxlite.store.rows.views import mailboxes_of
from moxlite.store.types import Flag, MailboxID, MessageID, SpecialUse

if TYPE_CHECKING:
    from moxlite.store.changelog.account import Account


MAX_DEVICES: Final = 10
"""Devices of an account."""

SECOND: Final = 1_000_000
"""Microseconds of a second."""

FIRST_PAUSE: Final = 60 * SECOND
"""µs until a device is tried again after its first failure; each pause is twice the one before."""

LAST_PAUSE: Final = 6 * 3600 * SECOND
"""µs of the longest pause."""

GIVEN_UP: Final = 7 * 24 * 3600 * SECOND
"""µs of failures alone after which a device is removed."""

_COLUMNS: Final = """
SELECT id, endpoint, public, secret, name, session, told, told_at, created, used, failures, failing, next, error
FROM notice_device"""
ALL: Final = f"{_COLUMNS} ORDER BY id"
ONE: Final = f"{_COLUMNS} WHERE id = ?"
ANY: Final = "SELECT EXISTS (SELECT 1 FROM notice_device)"
COUNT: Final = "SELECT count(*) FROM notice_device WHERE endpoint <> ?"
HIGHEST: Final = "SELECT coalesce(max(id), 0) FROM message"
ADD: Final = """
INSERT INTO notice_device (endpoint, public, secret, name, session, told, told_at, created)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (endpoint) DO UPDATE SET public = excluded.public, secret = excluded.secret, name = excluded.name,
session = excluded.session, failures = 0, failing = 0, next = 0, error = '' RETURNING id"""
REMOVE: Final = "DELETE FROM notice_device WHERE id = ?"
END_SESSION: Final = "DELETE FROM notice_device WHERE session = ?"
END_ALL: Final = "DELETE FROM notice_device"
SESSIONS: Final = "SELECT DISTINCT session FROM notice_device WHERE session > 0"
TAKEN: Final = """
UPDATE notice_device SET told = max(told, ?), told_at = max(told_at, ?), used = ?, failures = 0, failing = 0, next = 0,
error = '' WHERE id = ?"""
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


class Notice(msgspec.Struct, frozen=True):
    """Message to one device: the sender of the newest message, its id, and the number of further messages. `told` and
    `told_at` are the device's marks after it. `sender` is None if it is told nothing, and only the marks change.
    """

    device: Device
    told: int
    told_at: int
    sender: str | None = None
    message_id: int = 0
    more: int = 0


class Outcome(msgspec.Struct, frozen=True):
    """Outcome of sending a notice.

    `gone`: the push service knows the subscription no more; `error`: why it was not taken, "" if it was; `pause`: µs
    for which the push service asked.
    """

    notice: Notice
    gone: bool = False
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
    tx: Tx, endpoint: str, public: bytes, secret: bytes, name: str, session: int, *, replaces: int = 0
) -> int:
    """Add a device, or give the one with that endpoint other keys; returns its id. It is told of later messages only,
    but of those that the device `replaces`, whose endpoint has ended, was not told of.

    Raises TooManyDevices.
    """
    former = device(tx, replaces) if replaces else None
    if former is not None and former.endpoint != endpoint:
        tx.execute(REMOVE, replaces)
    told, told_at = (tx.value(HIGHEST), tx.now) if former is None else (former.told, former.told_at)
    if tx.value(COUNT, endpoint) >= MAX_DEVICES:
        raise TooManyDevices(f"notices: there are {MAX_DEVICES} devices already; remove one first")
    return int(tx.value(ADD, endpoint, public, secret, name, session, told, told_at, tx.now))


def remove_device(tx: Tx, device_id: int) -> None:
    """Remove a device, if it is there."""
    tx.execute(REMOVE, device_id)


def note_outcomes(tx: Tx, outcomes: list[Outcome]) -> tuple[list[Device], int | None]:
    """Write what became of notices. Returns the devices that were removed, and the next moment at which a device that
    failed may be tried, µs UTC, None without one.
    """
    removed: list[Device] = []
    later: list[int] = []
    for one in outcomes:
        device = one.notice.device
        if one.gone or (one.error and device.failing and tx.now - device.failing >= GIVEN_UP):
            tx.execute(REMOVE, device.id)
            removed.append(device)
        elif one.error:
            pause = min(FIRST_PAUSE << min(device.failures, 20), LAST_PAUSE)
            moment = tx.now + min(max(pause, one.pause), LAST_PAUSE)
            tx.execute(FAILED, tx.now, moment, one.error[:200], device.id)
            later.append(moment)
        elif one.notice.sender is None:
            tx.execute(PASSED, one.notice.told, one.notice.told_at, device.id)
        else:
            tx.execute(TAKEN, one.notice.told, one.notice.told_at, tx.now, device.id)
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


# The mail that devices are told of, and the user's choices about that (STORE-96c, WEBMAIL-122, WEBMAIL-122a).
#
# A device has two marks: the highest message id that it was told of, and the moment of that. A message is new to it
# that has a higher id, or was received later: one that comes back (WEBMAIL-125) keeps its id. So a notice that was not
# taken is made again from the messages, and none is made twice. Only young and unread messages in the Inbox count. The
# requests are in `web.notices`.

MAX_AGE: Final = 3600 * SECOND
"""µs after its reception for which a message is told of: most older mail has been seen elsewhere by then."""

LOOKED: Final = 50
"""Newest messages that are looked at for one notice: 3 ms."""

MAX_NAME: Final = 100
"""Characters of a sender's name in a notice."""

CONTROLS: Final = re.compile(f"[{DECEPTIVE}]+")
"""Characters that a name is shown without."""

LEFT_OUT: Final = Flag.SEEN | Flag.JUNK | Flag.PHISHING | Flag.DRAFT | Flag.DELETED
"""Flags of messages that no device is told of."""

GET_CHOICE: Final = "SELECT known, quiet_from, quiet_until, zone FROM notice_choice WHERE id = 1"
SET_CHOICE: Final = """
INSERT INTO notice_choice (id, known, quiet_from, quiet_until, zone) VALUES (1, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET known = excluded.known, quiet_from = excluded.quiet_from,
quiet_until = excluded.quiet_until, zone = excluded.zone"""
NEW: Final = """
SELECT m.id, m.received, i.structure FROM message m JOIN message_info i ON i.email_id = m.email_id
WHERE m.mailbox_id = ? AND m.received > ? AND (m.id > ? OR m.received BETWEEN ? AND ?) AND m.flags & ? = 0
AND NOT m.is_reject
ORDER BY m.received DESC LIMIT ?"""
KNOWN: Final = """
SELECT EXISTS (SELECT 1 FROM contact_address WHERE domain = ?1 AND localpart = ?2)
OR EXISTS (SELECT 1 FROM correspondent WHERE domain = ?1 AND localpart = ?2 AND wrote > 0)"""


class Choice(msgspec.Struct, frozen=True):
    """Of which mail devices are told, and when they are not. `known`: only of mail by people whom the account knows.
    Quiet hours: minutes since midnight in the time zone; none if both are the same.
    """

    known: bool = True
    quiet_from: int = 0
    quiet_until: int = 0
    zone: str = "UTC"

    def is_quiet(self, now: int) -> bool:
        """Whether the moment, µs UTC, is in the quiet hours."""
        if self.quiet_from == self.quiet_until:
            return False
        try:
            zone = ZoneInfo(self.zone)
        except (LookupError, ValueError, OSError):  # its data are gone from the machine
            zone = ZoneInfo("UTC")
        local = datetime.fromtimestamp(now / SECOND, zone)
        minute = local.hour * 60 + local.minute
        if self.quiet_from < self.quiet_until:
            return self.quiet_from <= minute < self.quiet_until
        return minute >= self.quiet_from or minute < self.quiet_until


def choice(r: Reader) -> Choice:
    """The choices of the account."""
    row = r.row(GET_CHOICE)
    return Choice() if row is None else Choice(bool(row[0]), *row[1:])


def save_choice(tx: Tx, chosen: Choice) -> None:
    """Set the choices of the account. Raises ValueError for a time zone that is not known."""
    try:
        ZoneInfo(chosen.zone)
    except (LookupError, OSError):
        raise ValueError("unknown time zone") from None
    tx.execute(SET_CHOICE, chosen.known, chosen.quiet_from, chosen.quiet_until, chosen.zone)


def pending(r: Reader, now: int) -> tuple[list[Notice], int | None]:
    """The notices for all devices that may be tried now, µs UTC, and the next moment at which another one may be, µs
    UTC, None without one.
    """
    every = devices(r)
    inbox = mailbox_by_name(r, INBOX)
    if not every or inbox is None:
        return [], None
    lowest = min(device.told for device in every)
    earliest = min(device.told_at for device in every) + 1
    chosen, left_out = choice(r), int(LEFT_OUT)
    rows = r.rows(NEW, inbox.id, now - MAX_AGE, lowest, earliest, now, left_out, LOOKED)
    quiet = chosen.is_quiet(now)
    found: list[tuple[MessageID, int, str]] = []
    for message_id, received, packed in list(rows):
        sender, is_known = _sender(r, packed)
        if is_known or not chosen.known:
            found.append((message_id, received, sender))
    highest: int = r.value(HIGHEST)
    notices: list[Notice] = []
    later: list[int] = []
    for device in every:
        mine = [one for one in found if one[0] > device.told or device.told_at < one[1] <= now]
        if not mine:
            continue
        if quiet:
            notices.append(Notice(device, highest, now))
        elif device.next > now:
            later.append(device.next)
        else:
            notices.append(Notice(device, highest, now, mine[0][2], mine[0][0], len(mine) - 1))
    return notices, min(later, default=None)


def archive_told(tx: AccountTx, message_id: MessageID) -> bool:
    """Move a message that a device was told of from the Inbox to the archive, and mark it as read. A message that is
    elsewhere by now, or gone, stays as it is. Returns False if no mailbox is the archive.
    """
    target, inbox = mailbox_by_use(tx, SpecialUse.ARCHIVE), mailbox_by_name(tx, INBOX)
    if target is None:
        return False
    if inbox is not None and mailboxes_of(tx, [message_id]).get(message_id) == inbox.id:
        store_flags_ids(tx, [message_id], mode="add", flags=Flag.SEEN)
        move_ids(tx, [message_id], MailboxID(target.id))
    return True


def _sender(r: Reader, packed: bytes) -> tuple[str, bool]:
    """The name of a message's author, and whether the account knows the address. A name that looks like an address
    could be another's: the address is shown then.
    """
    try:
        authors = structure_of(packed).envelope.from_
    except ChunkDamaged:
        return "", False
    if len(authors) != 1 or not authors[0].localpart:
        return "", False
    author = authors[0]
    try:
        domain = Domain.parse(author.domain).unicode
    except AddressError:
        domain = author.domain
    address = f"{author.localpart}@{domain}"
    name = " ".join(CONTROLS.sub(" ", author.name).split())
    known = bool(r.value(KNOWN, domain, author.localpart))
    return (CONTROLS.sub("", address) if not name or "@" in name else name)[:MAX_NAME], known
