"""The mail that devices are told of, and the user's choices about that (STORE-96c, WEBMAIL-122, WEBMAIL-122a).

A device has two marks: the highest message id that it was told of, and the moment of that. A message is new to it that
has a higher id, or was received later: one that comes back (WEBMAIL-125) keeps its id. So a notice that was not taken
is made again from the messages, and none is made twice. Only young and unread messages in the Inbox count. The requests
are in `web.notices`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from moxlite.escapes import DECEPTIVE
from moxlite.proto.address import AddressError, Domain
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import ChunkDamaged
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.alarms import alarms_after, highest_notice, seek_all
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.fetching import structure_of
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.names import INBOX
from moxlite.store.people.devices import HIGHEST, SECOND, Device, Notice, devices
from moxlite.store.rows.mailboxes import mailbox_by_name, mailbox_by_use
from moxlite.store.rows.views import mailboxes_of
from moxlite.store.types import Flag, MailboxID, MessageID, SpecialUse

MAX_AGE: Final = 3600 * SECOND
"""µs after its reception for which a message is told of: most older mail has been seen elsewhere by then."""

LOOKED: Final = 50
"""Newest messages that are looked at for one notice: 3 ms."""

MAX_NAME: Final = 100
"""Characters of a sender's name in a notice."""

MAX_ALARMS: Final = 5
"""Alarms in one notice, which has 4 kB."""

CONTROLS: Final = re.compile(f"[{DECEPTIVE}]+")
"""Characters that a name is shown without."""

LEFT_OUT: Final = Flag.SEEN | Flag.JUNK | Flag.PHISHING | Flag.DRAFT | Flag.DELETED
"""Flags of messages that no device is told of."""

GET_CHOICE: Final = "SELECT known, quiet_from, quiet_until, zone, alarms FROM notice_choice WHERE id = 1"
SET_CHOICE: Final = """
INSERT INTO notice_choice (id, known, quiet_from, quiet_until, zone, alarms) VALUES (1, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET known = excluded.known, quiet_from = excluded.quiet_from,
quiet_until = excluded.quiet_until, zone = excluded.zone, alarms = excluded.alarms"""
NEW: Final = """
SELECT m.id, m.received, i.structure, coalesce((SELECT msgfrom_validation = 'none' FROM message_smtp s
WHERE s.message_id = m.id), 0) FROM message m JOIN message_info i ON i.email_id = m.email_id
WHERE m.mailbox_id = ? AND m.received > ? AND (m.id > ? OR m.received BETWEEN ? AND ?) AND m.flags & ? = 0
AND NOT m.is_reject
ORDER BY m.received DESC LIMIT ?"""
KNOWN: Final = """
SELECT EXISTS (SELECT 1 FROM contact_address WHERE domain = ?1 AND localpart = ?2)
OR EXISTS (SELECT 1 FROM correspondent WHERE domain = ?1 AND localpart = ?2 AND wrote > 0)"""


Alarms: TypeAlias = Literal["all", "notices", "none"]


class Choice(msgspec.Struct, frozen=True):
    """Of which mail devices are told, and when they are not. `known`: only of mail that proves its author, whom the
    account knows. Quiet hours: minutes since midnight in the time zone; none if both are the same. `alarms`: alarms of
    the calendar are told by notices and, as each says, by mail; by notices alone; or not at all (DAV-50).
    """

    known: bool = True
    quiet_from: int = 0
    quiet_until: int = 0
    zone: str = "UTC"
    alarms: Alarms = "all"

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


def save_choice(tx: AccountTx, chosen: Choice) -> None:
    """Set the choices of the account. Raises ValueError for a time zone that is not known."""
    try:
        ZoneInfo(chosen.zone)
    except (LookupError, OSError):
        raise ValueError("unknown time zone") from None
    if chosen.zone != choice(tx).zone:
        seek_all(tx)
    tx.execute(SET_CHOICE, chosen.known, chosen.quiet_from, chosen.quiet_until, chosen.zone, chosen.alarms)


def pending(r: Reader, now: int) -> tuple[list[Notice], int | None]:
    """The notices for all devices that may be tried now, µs UTC, and the next moment at which another one may be, µs
    UTC, None without one.
    """
    every = devices(r)
    if not every:
        return [], None
    found = _news(r, every, now)
    quiet = choice(r).is_quiet(now)
    highest: int = r.value(HIGHEST)
    alarmed = highest_notice(r)
    notices: list[Notice] = []
    later: list[int] = []
    for device in every:
        mine = [one for one in found if one[0] > device.told or device.told_at < one[1] <= now]
        alarms = (
            tuple(alarms_after(r, device.alarmed, now - MAX_AGE, MAX_ALARMS, news=not quiet))
            if device.alarmed < alarmed
            else ()
        )
        if quiet and mine and not alarms:
            notices.append(Notice(device, highest, now, device.alarmed))
        elif not mine and not alarms:
            continue
        elif device.next > now:
            later.append(device.next)
        elif quiet or not mine:
            told, told_at = (highest, now) if mine else (device.told, device.told_at)
            notices.append(Notice(device, told, told_at, alarmed, alarms))
        else:
            notices.append(Notice(device, highest, now, alarmed, alarms, mine[0][2], mine[0][0], len(mine) - 1))
    return notices, min(later, default=None)


def _news(r: Reader, every: Sequence[Device], now: int) -> list[tuple[MessageID, int, str]]:
    """New mail, the newest first: ids, moments and senders."""
    inbox = mailbox_by_name(r, INBOX)
    if inbox is None:
        return []
    lowest = min(device.told for device in every)
    earliest = min(device.told_at for device in every) + 1
    rows = r.iterate(NEW, inbox.id, now - MAX_AGE, lowest, earliest, now, int(LEFT_OUT), LOOKED)
    known_only = choice(r).known
    news: list[tuple[MessageID, int, str]] = []
    for message_id, received, packed, unproven in rows:
        sender, is_known = _sender(r, packed)
        if (is_known and not unproven) or not known_only:
            news.append((message_id, received, sender))
    return news


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
