"""Mailing lists and newsletters of an account, with their messages (WEBMAIL-136a), found by indices of the tables that
`gathering` fills.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.rows.mailboxes import mailbox_by_use
from moxlite.store.rows.messages import rows_by_ids
from moxlite.store.types import Flag, MailboxID, MessageID, SpecialUse

Order = Literal["messages", "size"]

LOOKED: Final = 50
"""Newest messages of a sender of which the newest that was read is looked for."""

UNIT: Final = 500
"""Messages archived in one unit: 20 ms."""

KEPT: Final = SpecialUse.ARCHIVE | SpecialUse.TRASH | SpecialUse.JUNK | SpecialUse.DRAFTS | SpecialUse.SENT
"""Uses of mailboxes whose messages stay where they are."""

_COLUMNS: Final = "SELECT id, key, name, address, messages, size FROM bulk_sender"
BY_MESSAGES: Final = f"{_COLUMNS} WHERE messages > 0 ORDER BY messages DESC LIMIT ? OFFSET ?"
BY_SIZE: Final = f"{_COLUMNS} WHERE messages > 0 ORDER BY size DESC LIMIT ? OFFSET ?"
COUNT: Final = "SELECT count(*) FROM bulk_sender WHERE messages > 0"
NEWEST: Final = """
SELECT g.message_id, g.received, m.flags & 1 FROM gathered g CROSS JOIN message m ON m.id = g.message_id
WHERE g.bulk_id = ? ORDER BY g.received DESC, g.message_id DESC LIMIT ?"""
# A message that is moved keeps its place in this order, so nothing is looked at twice.
NEXT: Final = """
SELECT g.message_id, g.received FROM gathered g WHERE g.bulk_id = ?1 AND (g.received, g.message_id) > (?2, ?3)
ORDER BY g.received, g.message_id LIMIT ?4"""
PLACES: Final = "SELECT id FROM mailbox WHERE special_use & ? OR system"


class BulkSender(msgspec.Struct, frozen=True):
    """A mailing list or newsletter: number and octets of its messages, the newest message with its time (µs UTC), and
    the time of the newest one of the last `LOOKED` that was read, 0 without one.
    """

    id: int
    key: str
    name: str
    address: str
    messages: int
    size: int
    newest: MessageID
    received: int
    read: int


class Archived(msgspec.Struct, frozen=True):
    """Messages that one unit has moved, with the mailboxes in which they were, and the unread ones among them.
    ``after`` is where the next unit goes on, None at the end.
    """

    ids: list[int]
    mailboxes: list[int]
    unread: list[int]
    after: tuple[int, int] | None


def count_senders(r: Reader) -> int:
    """Number of mailing lists and newsletters that have messages."""
    number: int = r.value(COUNT)
    return number


def bulk_senders(r: Reader, order: Order, limit: int, position: int) -> list[BulkSender]:
    """Mailing lists and newsletters with the most messages, or octets, first."""
    rows = r.rows(BY_MESSAGES if order == "messages" else BY_SIZE, limit, position)
    return [found for row in rows if (found := _sender(r, *row)) is not None]


def _sender(r: Reader, number: int, key: str, name: str, address: str, messages: int, size: int) -> BulkSender | None:
    newest = r.rows(NEWEST, number, LOOKED)
    if not newest:
        return None
    read = next((received for _, received, seen in newest if seen), 0)
    return BulkSender(number, key, name, address, messages, size, MessageID(newest[0][0]), newest[0][1], read)


def archive(tx: AccountTx, number: int, after: tuple[int, int] | None) -> Archived | None:
    """Move the next messages of a sender to the archive, read; None: no mailbox is the archive. What is in the archive,
    Trash, Junk, Drafts or Sent stays.
    """
    target = mailbox_by_use(tx, SpecialUse.ARCHIVE)
    if target is None:
        return None
    found = tx.rows(NEXT, number, *(after or (-(2**62), 0)), UNIT)
    kept = {mailbox_id for (mailbox_id,) in tx.rows(PLACES, int(KEPT))}
    rows = [row for row in rows_by_ids(tx, [one for one, _ in found]) if row.mailbox_id not in kept]
    ids = [row.id for row in rows]
    unread: list[int] = [row.id for row in rows if not row.flags & Flag.SEEN]
    if unread:
        store_flags_ids(tx, unread, mode="add", flags=Flag.SEEN)
    if ids:
        move_ids(tx, ids, MailboxID(target.id))
    end = None if len(found) < UNIT else (int(found[-1][1]), int(found[-1][0]))
    return Archived([int(one) for one in ids], [int(row.mailbox_id) for row in rows], unread, end)
