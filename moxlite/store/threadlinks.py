"""Threads: where an arriving message belongs (STORE-79..81, 153), and thread flags of whole branches.

A thread is a ``threadid``, the id of the message that began it. Each message keeps the ids above it, nearest first
(``message_info.thread_parents``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.store.options import DAY
from moxlite.store.reading import int_array
from moxlite.store.transaction import Reader
from moxlite.store.types import MailboxID, MessageID, ThreadChanged, ThreadID
from moxlite.store.unit import AccountTx

__all__ = [
    "AFTER",
    "BEFORE",
    "MAX_PARENTS",
    "MAX_REFERENCES",
    "SAME_ID",
    "Link",
    "ThreadKeys",
    "join_thread",
    "pack_parents",
    "set_thread_flags",
]

MAX_REFERENCES: Final = 200
"""References looked at, the last ones (STORE-153)."""

MAX_PARENTS: Final = 1000
"""Depth of a thread: each message keeps the ids of all above it, so a chain that somebody feeds for ever must end. The
next one begins a thread.
"""

SAME_ID: Final = 100
"""Messages with one Message-ID that are compared by subject: copies and list duplicates are a handful, an attack is a
million (STORE-153).
"""

BEFORE: Final = 28 * DAY
AFTER: Final = DAY
"""A response without references belongs to a message of its subject that came up to 4 weeks before, or a day after, it
(STORE-79).
"""

_COLUMNS: Final = "m.id, m.threadid, m.thread_muted, m.thread_collapsed, i.thread_parents"
BY_MESSAGEID: Final = f"""
SELECT {_COLUMNS} FROM message m JOIN message_info i ON i.message_id = m.id WHERE m.messageid = ?
ORDER BY m.id LIMIT 1"""  # noqa: S608 - constants, here and below
BY_REFERENCE: Final = f"""
SELECT {_COLUMNS} FROM (SELECT * FROM message WHERE messageid = ? ORDER BY id LIMIT {SAME_ID}) m JOIN message_info i
ON i.message_id = m.id
WHERE m.subject_base = ? OR ? ORDER BY m.id LIMIT 1"""  # noqa: S608
BY_SUBJECT: Final = f"""
SELECT {_COLUMNS} FROM message m INDEXED BY message_subject JOIN message_info i ON i.message_id = m.id
WHERE m.subject_base = ?1 AND m.subject_base <> '' AND m.mailbox_orig_id = ?2 AND m.received BETWEEN ?3 AND ?4
ORDER BY m.received DESC, m.id DESC LIMIT 1"""  # noqa: S608

# ?1 an array of message ids: these, and all in their threads that have one of them above.
BRANCH: Final = """
SELECT id, threadid FROM message WHERE id IN (SELECT value FROM carray(?1))"""
IN_THREADS: Final = """
SELECT m.id, i.thread_parents FROM carray(?) c CROSS JOIN message m ON m.threadid = c.value JOIN message_info i
ON i.message_id = m.id"""
SET_FLAGS: Final = """
UPDATE message SET thread_muted = ?1, thread_collapsed = ?2, threadseq = ?3
WHERE id IN (SELECT value FROM carray(?4)) AND (thread_muted <> ?1 OR thread_collapsed <> ?2) RETURNING id"""
COLLAPSED: Final = "SELECT id, thread_collapsed, thread_muted FROM message WHERE id IN (SELECT value FROM carray(?))"

_parents: Final = msgspec.msgpack.Decoder(tuple[int, ...])


class ThreadKeys(msgspec.Struct, frozen=True):
    """What of a message decides about its thread: all canonical (STORE-76..78)."""

    messageid: str | None
    references: tuple[str, ...]
    subject_base: str
    is_response: bool
    dsn: bool


class Link(msgspec.Struct, frozen=True):
    """The place of a message: `threadid` is None when it begins a thread, 0 when its parent waits for a thread itself
    (STORE-83). `parents` are the ids above it, nearest first.

    `missing` are the references nearer than the parent that no message has, the nearest first.
    """

    threadid: ThreadID | None = None
    parents: tuple[int, ...] = ()
    missing_link: bool = False
    missing: tuple[str, ...] = ()
    muted: bool = False
    collapsed: bool = False


def pack_parents(parents: Sequence[int]) -> bytes:
    """The form of ``message_info.thread_parents``."""
    return msgspec.msgpack.encode(tuple(parents))


def join_thread(r: Reader, keys: ThreadKeys, mailbox_orig_id: MailboxID, received: int) -> Link:
    """The place of an arriving message among those of the account (STORE-79), before it is added.

    One look-up for each reference that is not there, one or two otherwise.
    """
    if keys.messageid is not None:
        row = r.row(BY_MESSAGEID, keys.messageid)
        if row is not None:
            return _below(row, missing_link=True)
    missing: list[str] = []
    for reference in reversed(keys.references[-MAX_REFERENCES:]):
        if reference == keys.messageid:
            continue
        row = r.row(BY_REFERENCE, reference, keys.subject_base, keys.dsn)
        if row is not None:
            return _below(row, missing_link=bool(missing), missing=tuple(missing))
        missing.append(reference)
    if not keys.references and keys.is_response and keys.subject_base:
        row = r.row(BY_SUBJECT, keys.subject_base, mailbox_orig_id, received - BEFORE, received + AFTER)
        if row is not None:
            return _below(row, missing_link=True)
    return Link(missing_link=bool(missing), missing=tuple(missing))


def _below(row: tuple[object, ...], *, missing_link: bool, missing: tuple[str, ...] = ()) -> Link:
    """The link to a parent, which inherits the thread flags of it (STORE-81)."""
    parent_id, threadid, muted, collapsed, packed = row
    assert isinstance(parent_id, int)
    assert isinstance(threadid, int)
    assert isinstance(packed, bytes)
    if not threadid:
        return Link(ThreadID(0))
    above = _parents.decode(packed)
    if len(above) >= MAX_PARENTS:
        return Link(missing_link=True)
    return Link(ThreadID(threadid), (parent_id, *above), missing_link, missing, bool(muted), bool(collapsed))


def set_thread_flags(
    tx: AccountTx, ids: Sequence[int], *, muted: bool | None = None, collapsed: bool | None = None
) -> list[MessageID]:
    """Mute or collapse messages with all below them; muting also collapses (STORE-81). Returns the messages changed.

    None leaves a flag as it is. Does not touch modseq, only threadseq, so IMAP clients see nothing of it (STORE-30).
    """
    if muted:
        collapsed = True
    branch = _branch(tx, ids)
    if not branch:
        return []
    # By the values that result, so that each event has one pair of them.
    groups: dict[tuple[bool, bool], list[int]] = {}
    for message_id, was_collapsed, was_muted in tx.rows(COLLAPSED, int_array(branch)):
        after = (bool(was_muted) if muted is None else muted, bool(was_collapsed) if collapsed is None else collapsed)
        if after != (bool(was_muted), bool(was_collapsed)):
            groups.setdefault(after, []).append(message_id)
    changed: list[MessageID] = []
    for (is_muted, is_collapsed), members in groups.items():
        done = [
            MessageID(row[0]) for row in tx.rows(SET_FLAGS, is_muted, is_collapsed, tx.modseq(), int_array(members))
        ]
        changed += done
        tx.emit(ThreadChanged(message_ids=tuple(done), muted=is_muted, collapsed=is_collapsed))
    return changed


def _branch(r: Reader, ids: Sequence[int]) -> list[int]:
    """The messages of `ids` that exist, and all below them."""
    rows = r.rows(BRANCH, int_array(ids)) if ids else []
    tops = {message_id for message_id, _ in rows}
    if not tops:
        return []
    threads = {threadid for _, threadid in rows}
    return [
        message_id
        for message_id, packed in r.rows(IN_THREADS, int_array(threads))
        if message_id in tops or not tops.isdisjoint(_parents.decode(packed))
    ]
