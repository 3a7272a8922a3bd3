"""Pages of a mailbox in the order in which messages were received, for views that show the newest first (WEBMAIL-37,
WEBMAIL-146).

A page begins after a place, so it costs the same anywhere in the mailbox. The place at a position is found by counting
in the covering index from the nearer end: 1 ms at 50,000 of 100,000. Of messages received in the same microsecond the
one with the higher id counts as the newer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.encoding import msgpack_decoder
from moxlite.store.file.transaction import Reader, int_array
from moxlite.store.rows.messages import MESSAGE_COLUMNS, in_thread, message_row
from moxlite.store.types import MailboxID, MessageID, MessageRow


class Place(msgspec.Struct, frozen=True, order=True):
    """Place of a message in this order: time of reception, µs UTC, and message id."""

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
AT_NEWEST: Final = """
SELECT received, id FROM message INDEXED BY message_mailbox_received WHERE mailbox_id = ?1
ORDER BY received DESC, id DESC LIMIT 1 OFFSET ?2"""
AT_OLDEST: Final = """
SELECT received, id FROM message INDEXED BY message_mailbox_received WHERE mailbox_id = ?1
ORDER BY received, id LIMIT 1 OFFSET ?2"""
AT_NEWEST_UNREAD: Final = """
SELECT received, id FROM message INDEXED BY message_unseen WHERE mailbox_id = ?1 AND flags & 1 = 0
ORDER BY received DESC, id DESC LIMIT 1 OFFSET ?2"""
AT_OLDEST_UNREAD: Final = """
SELECT received, id FROM message INDEXED BY message_unseen WHERE mailbox_id = ?1 AND flags & 1 = 0
ORDER BY received, id LIMIT 1 OFFSET ?2"""
NEWER: Final = """
SELECT count(*) FROM message INDEXED BY message_mailbox_received
WHERE mailbox_id = ?1 AND (received, id) > (?2, ?3)"""
OLDER: Final = """
SELECT count(*) FROM message INDEXED BY message_mailbox_received
WHERE mailbox_id = ?1 AND (received, id) < (?2, ?3)"""
NEWER_UNREAD: Final = """
SELECT count(*) FROM message INDEXED BY message_unseen
WHERE mailbox_id = ?1 AND flags & 1 = 0 AND (received, id) > (?2, ?3)"""
OLDER_UNREAD: Final = """
SELECT count(*) FROM message INDEXED BY message_unseen
WHERE mailbox_id = ?1 AND flags & 1 = 0 AND (received, id) < (?2, ?3)"""
TOTAL: Final = "SELECT total + deleted, unseen FROM mailbox WHERE id = ?"
PLACE: Final = "SELECT received, id FROM message WHERE id = ? AND mailbox_id = ?"

MAILBOXES_OF: Final = "SELECT m.id, m.mailbox_id FROM carray(?) c CROSS JOIN message m ON m.id = c.value"
UNSEEN: Final = """
SELECT id FROM message INDEXED BY message_unseen WHERE mailbox_id = ? AND flags & 1 = 0 AND uid < ?
ORDER BY uid LIMIT ?"""


def page(
    r: Reader, mailbox_id: int, behind: Place, limit: int, *, oldest_first: bool = False, unread: bool = False
) -> list[MessageRow]:
    """At most `limit` messages of a mailbox after the place `behind`, in order."""
    if oldest_first:
        sql = OLDEST_UNREAD if unread else OLDEST
    else:
        sql = NEWEST_UNREAD if unread else NEWEST
    return [message_row(row) for row in r.rows(sql, mailbox_id, behind.received, behind.message_id, limit)]


def place_of(r: Reader, mailbox_id: int, message_id: MessageID | int) -> Place | None:
    """The place of a message, None if it is not in this mailbox."""
    row = r.row(PLACE, message_id, mailbox_id)
    return None if row is None else Place(*row)


def view_total(r: Reader, mailbox_id: int, *, unread: bool = False) -> int:
    r"""Number of messages in a view of this mailbox, 0 if it does not exist. ``unread``: only those without \Seen."""
    row = r.row(TOTAL, mailbox_id)
    return 0 if row is None else int(row[1] if unread else row[0])


def place_at(
    r: Reader, mailbox_id: int, position: int, *, oldest_first: bool = False, unread: bool = False
) -> Place | None:
    """The place of the message at this position, from 0; None if there are fewer. Counted from the nearer end."""
    total = view_total(r, mailbox_id, unread=unread)
    if not 0 <= position < total:
        return None
    from_end = position > total // 2
    oldest = oldest_first != from_end
    if unread:
        sql = AT_OLDEST_UNREAD if oldest else AT_NEWEST_UNREAD
    else:
        sql = AT_OLDEST if oldest else AT_NEWEST
    row = r.row(sql, mailbox_id, total - 1 - position if from_end else position)
    return None if row is None else Place(*row)


def position_of(r: Reader, mailbox_id: int, place: Place, *, oldest_first: bool = False, unread: bool = False) -> int:
    """Number of messages before a place."""
    if unread:
        sql = OLDER_UNREAD if oldest_first else NEWER_UNREAD
    else:
        sql = OLDER if oldest_first else NEWER
    return int(r.value(sql, mailbox_id, place.received, place.message_id))


def mailboxes_of(r: Reader, ids: Sequence[int]) -> dict[MessageID, MailboxID]:
    """The mailbox of each of these messages that exists."""
    return dict(r.rows(MAILBOXES_OF, int_array(ids))) if ids else {}


def unseen_ids(r: Reader, mailbox_id: int, uidnext: int, limit: int) -> list[MessageID]:
    r"""The first messages of a mailbox without ``\Seen``, with UIDs below `uidnext`, at most `limit`."""
    return [message_id for (message_id,) in r.rows(UNSEEN, mailbox_id, uidnext, limit)]


# Threads for views: the messages of a thread, and the ancestors of each (STORE-76..83, WEBMAIL-41).


THREADS_OF: Final = "SELECT DISTINCT m.threadid FROM carray(?) c CROSS JOIN message m ON m.id = c.value"
THREADS_OF_REMOVED: Final = """
SELECT DISTINCT e.threadid FROM carray(?2) c CROSS JOIN expunged e ON e.mailbox_id = ?1 AND e.uid = c.value"""
MEMBERS: Final = f"""
SELECT m.thread_parents, {MESSAGE_COLUMNS} FROM message m
WHERE {in_thread("?1")} ORDER BY m.received DESC, m.id DESC LIMIT ?2"""  # noqa: S608 - constants
STEP: Final = "SELECT threads_step FROM state"

DONE: Final = 2
"""`state.threads_step` of an account whose threads are complete (STORE-83)."""

_parents: Final = msgpack_decoder(tuple[int, ...])


class Member(msgspec.Struct, frozen=True):
    """A message of a thread; `parents` are the ids of its ancestors, nearest first, including removed messages."""

    row: MessageRow
    parents: tuple[int, ...]


def threads_ready(r: Reader) -> bool:
    """Whether all messages have their threads by now."""
    return int(r.value(STEP)) == DONE


def threads_of(r: Reader, ids: Sequence[int]) -> set[int]:
    """The threads of these messages."""
    return {threadid for (threadid,) in r.rows(THREADS_OF, int_array(ids))} if ids else set()


def threads_of_removed(r: Reader, mailbox_id: MailboxID, uids: Sequence[int]) -> set[int]:
    """The threads of messages that left a mailbox."""
    return {threadid for (threadid,) in r.rows(THREADS_OF_REMOVED, mailbox_id, int_array(uids))} if uids else set()


MAX_PAIRS: Final = 1_000
"""Pairs of messages with one Message-ID that are looked at in one read."""

PAIRS: Final = """
SELECT m.id, o.id FROM carray(?1) c CROSS JOIN message m ON m.id = c.value
JOIN message o ON o.messageid = m.messageid AND o.id <> m.id JOIN carray(?2) b ON b.value = o.mailbox_id LIMIT ?3"""


def pairs(r: Reader, ids: Sequence[int], mailbox_ids: Sequence[MailboxID]) -> set[MessageID]:
    """Messages with one Message-ID: those in `ids` with others in the mailboxes, and the others."""
    if not ids:
        return set()
    return {one for row in r.rows(PAIRS, int_array(ids), int_array(mailbox_ids), MAX_PAIRS) for one in row}


def members(r: Reader, threadid: int, limit: int) -> list[Member]:
    """The `limit` newest messages of a thread, in all mailboxes, oldest first."""
    rows = [Member(message_row(row[1:]), _parents.decode(row[0])) for row in r.rows(MEMBERS, threadid, limit)]
    rows.reverse()
    return rows
