"""Columns of messages that copying, moving and removing need, read by one statement for any number of messages."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import groupby, starmap
from typing import Final

import msgspec

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.arrays import distinct_array, int_array
from moxlite.store.file.transaction import Array, Row
from moxlite.store.rows.keywords import split_keywords
from moxlite.store.types import UID, MailboxID, MessageID, ModSeq


class Source(msgspec.Struct, frozen=True, gc=False):
    """One message: the values of `COLUMNS`."""

    id: MessageID
    mailbox_id: MailboxID
    uid: UID
    modseq: ModSeq
    bits: int
    keywords: str
    size: int
    is_reject: int
    orig_id: MailboxID
    destined_id: MailboxID | None


COLUMNS: Final = (
    "m.id, m.mailbox_id, m.uid, m.modseq, m.flags, m.keywords, m.size, m.is_reject, m.mailbox_orig_id, "
    "m.mailbox_destined_id"
)

BY_UID: Final = f"""
SELECT {COLUMNS} FROM carray(?2) c CROSS JOIN message m ON m.mailbox_id = ?1 AND m.uid = c.value
ORDER BY m.uid"""  # noqa: S608

BY_ID: Final = f"""
SELECT {COLUMNS} FROM carray(?) c CROSS JOIN message m ON m.id = c.value ORDER BY m.mailbox_id, m.uid"""  # noqa: S608

ALL: Final = f"SELECT {COLUMNS} FROM message m WHERE m.mailbox_id = ? ORDER BY m.uid"  # noqa: S608


def _made(rows: list[Row]) -> list[Source]:
    return list(starmap(Source, rows))


def by_uid(tx: AccountTx, mailbox_id: MailboxID, uids: Sequence[int]) -> list[Source]:
    """Read the existing messages of a mailbox with these UIDs, ascending."""
    return _made(tx.rows(BY_UID, mailbox_id, distinct_array(uids))) if uids else []


def by_mailbox(tx: AccountTx, ids: Sequence[int]) -> Iterator[tuple[MailboxID, list[Source]]]:
    """Read the existing messages with these ids, grouped by mailbox, by ascending UID."""
    sources = _made(tx.rows(BY_ID, distinct_array(ids))) if ids else []
    for mailbox_id, group in groupby(sources, key=lambda source: source.mailbox_id):
        yield mailbox_id, list(group)


def in_mailbox(tx: AccountTx, mailbox_id: MailboxID) -> list[Source]:
    """Read all messages of a mailbox, by ascending UID."""
    return _made(tx.rows(ALL, mailbox_id))


def keyword_users(sources: list[Source], ids: Sequence[int] | None = None) -> list[tuple[str, Array]]:
    """Pair each keyword with the array of ids of the messages that have it; `ids`, parallel to `sources`, replaces
    their own ids.
    """
    users: dict[str, array[int]] = {}
    for source, message_id in zip(sources, ids or [source.id for source in sources], strict=True):
        for keyword in split_keywords(source.keywords) if source.keywords else ():
            users.setdefault(keyword, array("q")).append(message_id)
    return [(keyword, int_array(having)) for keyword, having in users.items()]
