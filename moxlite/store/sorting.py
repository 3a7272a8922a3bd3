"""What messages are sorted and threaded by (RFC 5256, IMAP-127): stored columns, and the stored parse of the header."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from moxlite.proto.mime.types import Envelope
from moxlite.store.reading import int_array
from moxlite.store.transaction import Reader
from moxlite.store.types import MailboxID

__all__ = ["SortRow", "ThreadRow", "sort_rows", "thread_rows"]


class SortRow(NamedTuple):
    """One message. `received` in µs UTC; `envelope` is None unless it was asked for, or can't be read."""

    uid: int
    received: int
    size: int
    subject_base: str
    envelope: Envelope | None


class ThreadRow(NamedTuple):
    """One message. `messageid` is canonical; `header` as stored, cut at `HEADER_LIMIT`."""

    uid: int
    received: int
    subject_base: str
    messageid: str | None
    envelope: Envelope | None
    header: bytes


class _Head(msgspec.Struct, array_like=True, gc=False):
    """A stored `Structure` up to its envelope; the tree of parts stays undecoded."""

    version: int
    size: int
    envelope: Envelope
    root: msgspec.Raw


_decoder: Final = msgspec.msgpack.Decoder(_Head)

SORT: Final = """
SELECT m.uid, m.received, m.size, m.subject_base FROM carray(?2) c
CROSS JOIN message m ON m.mailbox_id = ?1 AND m.uid = c.value"""
SORT_ENVELOPE: Final = """
SELECT m.uid, m.received, m.size, m.subject_base, i.structure FROM carray(?2) c
CROSS JOIN message m ON m.mailbox_id = ?1 AND m.uid = c.value CROSS JOIN message_info i ON i.message_id = m.id"""
THREAD: Final = """
SELECT m.uid, m.received, m.subject_base, m.messageid, i.structure, h.header FROM carray(?2) c
CROSS JOIN message m ON m.mailbox_id = ?1 AND m.uid = c.value CROSS JOIN message_info i ON i.message_id = m.id
CROSS JOIN message_header h ON h.message_id = m.id"""


def _envelope(packed: bytes) -> Envelope | None:
    try:
        return _decoder.decode(packed).envelope
    except msgspec.DecodeError:
        return None  # an older layout, or damage: repaired elsewhere (STORE-59)


def sort_rows(r: Reader, mailbox_id: MailboxID, uids: Sequence[int], *, envelope: bool) -> list[SortRow]:
    """The messages with these UIDs that are in the mailbox, in their order: 10 µs each, 25 with the envelope."""
    if not envelope:
        return [
            SortRow(uid, received, size, subject, None)
            for uid, received, size, subject in r.rows(SORT, mailbox_id, int_array(uids))
        ]
    return [
        SortRow(uid, received, size, subject, _envelope(packed))
        for uid, received, size, subject, packed in r.rows(SORT_ENVELOPE, mailbox_id, int_array(uids))
    ]


def thread_rows(r: Reader, mailbox_id: MailboxID, uids: Sequence[int]) -> list[ThreadRow]:
    """The messages with these UIDs that are in the mailbox, in their order."""
    return [
        ThreadRow(uid, received, subject, messageid, _envelope(packed), header)
        for uid, received, subject, messageid, packed, header in r.rows(THREAD, mailbox_id, int_array(uids))
    ]
