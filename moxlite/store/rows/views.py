"""Pages of a mailbox in the order in which messages were received, for views that show the newest first (WEBMAIL-37,
WEBMAIL-146).

A page begins behind a place, so its cost is that of its own rows, wherever it lies. Of messages received in the same
microsecond the one with the higher id counts as the newer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.store.file.arrays import int_array
from moxlite.store.file.transaction import Reader
from moxlite.store.rows.messages import MESSAGE_COLUMNS, message_row
from moxlite.store.types import MailboxID, MessageID, MessageRow

__all__ = ["FIRST_NEWEST", "FIRST_OLDEST", "Place", "mailboxes_of", "page", "place_of", "unseen_ids"]


class Place(msgspec.Struct, frozen=True, order=True):
    """Where a message stands in this order: when it was received, µs UTC, and its id."""

    received: int
    message_id: int


FIRST_NEWEST: Final = Place((1 << 63) - 1, (1 << 63) - 1)
"""Before the first message, newest first."""
FIRST_OLDEST: Final = Place(-(1 << 63), 0)
"""Before the first message, oldest first."""

# The row comparison is searched in the index (mailbox_id, received, rowid), which is the order, too. 1 is \Seen.
NEWEST: Final = f"""
SELECT {MESSAGE_COLUMNS} FROM message m INDEXED BY message_mailbox_received
WHERE m.mailbox_id = ?1 AND (m.received, m.id) < (?2, ?3) ORDER BY m.received DESC, m.id DESC LIMIT ?4"""  # noqa: S608 - constants, here and below
OLDEST: Final = f"""
SELECT {MESSAGE_COLUMNS} FROM message m INDEXED BY message_mailbox_received
WHERE m.mailbox_id = ?1 AND (m.received, m.id) > (?2, ?3) ORDER BY m.received, m.id LIMIT ?4"""  # noqa: S608
# Unread messages are few: found in the partial index message_unseen, then sorted, instead of walking by a hundred
# thousand read ones.
NEWEST_UNREAD: Final = f"""
SELECT {MESSAGE_COLUMNS} FROM message m INDEXED BY message_unseen
WHERE m.mailbox_id = ?1 AND m.flags & 1 = 0 AND (m.received, m.id) < (?2, ?3)
ORDER BY m.received DESC, m.id DESC LIMIT ?4"""  # noqa: S608
OLDEST_UNREAD: Final = f"""
SELECT {MESSAGE_COLUMNS} FROM message m INDEXED BY message_unseen
WHERE m.mailbox_id = ?1 AND m.flags & 1 = 0 AND (m.received, m.id) > (?2, ?3)
ORDER BY m.received, m.id LIMIT ?4"""  # noqa: S608
PLACE: Final = "SELECT received, id FROM message WHERE id = ? AND mailbox_id = ?"

MAILBOXES_OF: Final = "SELECT m.id, m.mailbox_id FROM carray(?) c CROSS JOIN message m ON m.id = c.value"
UNSEEN: Final = "SELECT id FROM message INDEXED BY message_unseen WHERE mailbox_id = ? AND flags & 1 = 0 ORDER BY uid"


def page(
    r: Reader, mailbox_id: int, behind: Place, limit: int, *, oldest_first: bool = False, unread: bool = False
) -> list[MessageRow]:
    """At most `limit` messages of a mailbox that stand behind a place, in order."""
    if oldest_first:
        sql = OLDEST_UNREAD if unread else OLDEST
    else:
        sql = NEWEST_UNREAD if unread else NEWEST
    return [message_row(row) for row in r.rows(sql, mailbox_id, behind.received, behind.message_id, limit)]


def place_of(r: Reader, mailbox_id: int, message_id: MessageID | int) -> Place | None:
    """Where a message stands, None when it is not in this mailbox."""
    row = r.row(PLACE, message_id, mailbox_id)
    return None if row is None else Place(*row)


def mailboxes_of(r: Reader, ids: Sequence[int]) -> dict[MessageID, MailboxID]:
    """The mailbox of each of these messages that exists."""
    return dict(r.rows(MAILBOXES_OF, int_array(ids))) if ids else {}


def unseen_ids(r: Reader, mailbox_id: int) -> list[MessageID]:
    r"""The messages of a mailbox without ``\Seen``."""
    return [message_id for (message_id,) in r.rows(UNSEEN, mailbox_id)]
