"""Removing messages (STORE-25, STORE-36, STORE-62; IMAP-116; RFC 9051 §6.4.7, RFC 4315).

All functions work on an `AccountTx`, take time in proportion to the rows concerned, and use a handful of statements for
any number of messages: ids are bound as one array, and each statement releases the GIL once (design-facts §2).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import groupby, starmap
from typing import Final

import msgspec

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Array, Row, distinct_array, int_array
from moxlite.store.mail.counts import Delta, add_size, apply_delta
from moxlite.store.mail.recipients import forget_messages
from moxlite.store.mail.systemmailbox import changeable
from moxlite.store.rows.mailboxes import mailbox, split_keywords
from moxlite.store.rows.messages import flags_of_bits
from moxlite.store.types import UID, Mailbox, MailboxID, MessageID, MessagesRemoved, ModSeq

# Columns of messages that copying, moving and removing need, read by one statement for any number of messages.


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


class ExpungeResult(msgspec.Struct, frozen=True):
    """Messages removed from a mailbox; `uids` ascend, `message_ids` are in the same order."""

    mailbox_id: MailboxID
    uids: tuple[UID, ...]
    message_ids: tuple[MessageID, ...]


# Tombstones (STORE-25, STORE-36): ?1 ids, ?2 modseq, ?3 now
BURY: Final = """
INSERT INTO expunged (mailbox_id, uid, message_id, createseq, modseq, threadid, expunged_at, body_id, flags, keywords,
received, received_offset, size, email_id)
SELECT m.mailbox_id, m.uid, m.id, m.createseq, ?2, m.threadid, ?3, m.body_id, m.flags, m.keywords, m.received,
m.received_offset, m.size, nullif(m.email_id, m.id)
FROM carray(?1) c CROSS JOIN message m ON m.id = c.value"""

# ?4: whether the junk filter must be untrained; a moved message keeps `trained` in its row.
TO_ERASE: Final = """
INSERT INTO erase_queue (mailbox_id, uid, message_id, email_id, modseq, expunged_at, trained)
SELECT m.mailbox_id, m.uid, m.id, m.email_id, ?2, ?3, iif(?4, m.trained, NULL) FROM carray(?1) c CROSS JOIN message m
ON m.id = c.value"""

DELETE: Final = (
    "DELETE FROM message_smtp WHERE message_id IN (SELECT value FROM carray(?))",
    "DELETE FROM message WHERE id IN (SELECT value FROM carray(?))",
)

DELETE_KEYWORD: Final = "DELETE FROM message_keyword WHERE keyword = ? AND message_id IN (SELECT value FROM carray(?))"


def expunge(tx: AccountTx, mailbox_id: MailboxID, uids: Sequence[int]) -> ExpungeResult:
    """Remove messages of a mailbox; UIDs that do not exist are left out. Raises NoSuchMailbox; MailboxNotAllowed: the
    mailbox is the system's.
    """
    return _expunge(tx, changeable(tx, mailbox_id), by_uid(tx, mailbox_id, uids))


def expunge_ids(tx: AccountTx, ids: Sequence[int]) -> list[ExpungeResult]:
    """Remove messages by their ids, in any mailboxes; one result for each mailbox. Raises as `expunge`."""
    return [_expunge(tx, changeable(tx, mailbox_id), sources) for mailbox_id, sources in by_mailbox(tx, ids)]


def expunge_queued(tx: AccountTx, ids: Sequence[int]) -> None:
    """As `expunge_ids`, in the system's mailbox (IMAP-162); the messages cannot be undeleted."""
    for mailbox_id, sources in by_mailbox(tx, ids):
        _expunge(tx, mailbox(tx, mailbox_id), sources)


def expunge_all(tx: AccountTx, mailbox_id: MailboxID) -> ExpungeResult:
    """Empty a mailbox. Raises as `expunge`."""
    return _expunge(tx, changeable(tx, mailbox_id), in_mailbox(tx, mailbox_id))


def bury(tx: AccountTx, box: Mailbox, ids: Array, *, untrain: bool) -> None:
    """Write tombstones of messages that are about to leave the mailbox (STORE-25, STORE-36).

    Args:
      untrain: the junk filter must forget them; False for a move, whose messages stay learnt.
    """
    modseq = tx.modseq()
    tx.execute(BURY, ids, modseq, tx.now)
    # A message of the system's mailbox gets removal time 0, so that it is not kept for undeleting (STORE-190).
    tx.execute(TO_ERASE, ids, modseq, 0 if box.system else tx.now, untrain)


def _expunge(tx: AccountTx, box: Mailbox, sources: list[Source]) -> ExpungeResult:
    if not sources:
        return ExpungeResult(box.id, (), ())
    ids = int_array([source.id for source in sources])
    bury(tx, box, ids, untrain=True)
    for keyword, having in keyword_users(sources):
        tx.execute(DELETE_KEYWORD, keyword, having)
    for sql in DELETE:
        tx.execute(sql, ids)
    forget_messages(tx, ids)
    if not box.system:
        add_size(tx, -sum(source.size for source in sources))
    return note_removal(tx, box.id, sources)


def note_removal(tx: AccountTx, mailbox_id: MailboxID, sources: list[Source]) -> ExpungeResult:
    """Update the counts for messages that left a mailbox, and emit their removal."""
    delta = Delta()
    for bits, sizes in _sizes(sources).items():
        delta.add(flags_of_bits(bits), -sum(sizes), -len(sizes))
    tx.touch_all([(source.id, source.modseq) for source in sources])
    box = apply_delta(tx, mailbox_id, delta)
    gone = ExpungeResult(
        mailbox_id, tuple([source.uid for source in sources]), tuple([source.id for source in sources])
    )
    tx.emit(
        MessagesRemoved(
            mailbox_id=mailbox_id,
            uids=gone.uids,
            message_ids=gone.message_ids,
            uidnext=box.uidnext,
            exists=box.exists,
            unseen=box.unseen,
        )
    )
    return gone


def _sizes(sources: list[Source]) -> dict[int, list[int]]:
    """Group the sizes of messages by their flags."""
    sizes: dict[int, list[int]] = {}
    for source in sources:
        sizes.setdefault(source.bits, []).append(source.size)
    return sizes
