"""Threads for views: the messages of a thread, and the ancestors of each (STORE-76..83, WEBMAIL-41)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.decoders import msgpack_decoder
from moxlite.store.file.arrays import int_array
from moxlite.store.file.transaction import Reader
from moxlite.store.rows.messages import MESSAGE_COLUMNS, message_row
from moxlite.store.types import MailboxID, MessageRow

THREADS_OF: Final = "SELECT DISTINCT m.threadid FROM carray(?) c CROSS JOIN message m ON m.id = c.value"
THREADS_OF_REMOVED: Final = """
SELECT DISTINCT e.threadid FROM carray(?2) c CROSS JOIN expunged e ON e.mailbox_id = ?1 AND e.uid = c.value"""
MEMBERS: Final = f"""
SELECT m.thread_parents, {MESSAGE_COLUMNS} FROM message m INDEXED BY message_threadid
WHERE m.threadid = ? ORDER BY m.received DESC, m.id DESC LIMIT ?"""  # noqa: S608 - constants
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


def members(r: Reader, threadid: int, limit: int) -> list[Member]:
    """The `limit` newest messages of a thread, in all mailboxes, oldest first."""
    rows = [Member(message_row(row[1:]), _parents.decode(row[0])) for row in r.rows(MEMBERS, threadid, limit)]
    rows.reverse()
    return rows
