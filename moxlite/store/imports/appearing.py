"""The final unit of an import: all staged messages appear at once, or none of them (STORE-121, 122, 127).

It is alone in its commit. For each message it writes the narrow row with its indices, and for an answer its place
in a thread; the content was written while staging.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.encoding import msgpack_decoder
from moxlite.proto.mime.types import decode_structure
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import ImportFailed, NoSuchMailbox
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.junkflags import Verdict, classify, flags_in_mailbox
from moxlite.store.mail.counts import (
    Delta,
    add_size,
    apply_delta,
    learn_keywords,
    next_message_id,
    take_message_ids,
    take_uids,
)
from moxlite.store.mail.mailboxes import ensure_mailbox
from moxlite.store.mail.recipients import add_recipients
from moxlite.store.mail.staging import Job, drop_job
from moxlite.store.mail.threads import Keys, ThreadPlacement, adopt_orphans
from moxlite.store.rows.mailboxes import LEARN, mailbox, split_keywords
from moxlite.store.rows.messages import flags_of_bits
from moxlite.store.types import UID, Flag, Mailbox, MailboxID, MessageAdded, MessageID, SpecialUse, ThreadKeys

ALONE: Final = 1 << 40
"""Weight of the unit: more than a commit takes, so that no other unit shares the commit."""

CACHE_KIB: Final = 32 << 10
"""KiB of page cache while the unit runs: the indices of message ids and subjects are written all over; 100 000 keys of
50 octets are 8 MB."""

SLICE: Final = 500
"""Rows read at a time."""

UNMOVED: Final = 1_000
"""Messages up to which each gets an event (STORE-34); beyond, subscribers read them from the database."""

JUNK_BITS: Final = int(Flag.JUNK | Flag.NOTJUNK)

MAP: Final = """
INSERT INTO import_mailbox (id, mailbox_id, last_uid, flags_kept, flags_set) VALUES (?, ?, ?, ?, ?)"""
COUNTS: Final = """
SELECT i.mailbox, (i.flags & b.flags_kept) | b.flags_set, count(*), sum(i.size) FROM import_message i
JOIN import_mailbox b ON b.id = i.mailbox GROUP BY 1, 2"""
OCTETS: Final = "SELECT coalesce(sum(size), 0) FROM import_message"
LAST: Final = "SELECT max(id) FROM import_message"
APPEAR: Final = """
INSERT INTO message (id, mailbox_id, uid, createseq, modseq, threadseq, body_id, email_id, size, received,
received_offset, savedate, flags, keywords, dsn, mailbox_orig_id, messageid, subject_base, threadid)
SELECT i.id, b.mailbox_id, b.last_uid + i.place, ?1, ?1, ?1, i.body_id, i.id, i.size, i.received, i.received_offset, ?2,
(i.flags & b.flags_kept) | b.flags_set, i.keywords, i.dsn, b.mailbox_id, i.messageid, i.subject_base, i.id
FROM import_message i JOIN import_mailbox b ON b.id = i.mailbox ORDER BY i.id"""
KEYWORDS: Final = "SELECT id, keywords FROM import_message WHERE keywords <> ''"
INSERT_KEYWORD: Final = "INSERT INTO message_keyword (keyword, message_id) VALUES (?, ?)"
THREAD_KEYS: Final = """
SELECT i.id, i.messageid, i.refs, i.subject_base, i.is_response, i.dsn, b.mailbox_id, i.received FROM import_message i
JOIN import_mailbox b ON b.id = i.mailbox WHERE i.id >= ? ORDER BY i.id LIMIT ?"""
AWAITED: Final = """
SELECT i.id, i.messageid, i.refs = x'90' FROM import_message i
WHERE EXISTS (SELECT 1 FROM thread_missing t WHERE t.reference = i.messageid AND t.email_id < ?1)
ORDER BY i.id LIMIT 10000"""
SENT: Final = """
SELECT i.id, s.structure, i.received FROM import_message i JOIN message_info s ON s.email_id = i.id
WHERE i.mailbox = ?"""
ADDED: Final = """
SELECT m.uid, m.id, m.mailbox_id, m.flags, m.keywords FROM import_message i CROSS JOIN message m ON m.id = i.id
ORDER BY m.mailbox_id, m.uid"""
CLEAR: Final = "DELETE FROM import_message"
AGAIN: Final = """
SELECT count(*) FROM message i WHERE i.id >= ?1 AND i.id < ?1 + ?2 AND EXISTS (SELECT 1 FROM message m
WHERE m.mailbox_id = i.mailbox_id AND m.received = i.received AND m.body_id = i.body_id AND m.id < ?1)"""
"""Messages of an import that their mailbox had before, with the same octets and time of arrival."""

_references: Final = msgpack_decoder(tuple[str, ...])


class Target(msgspec.Struct, frozen=True):
    """A mailbox of the import: its number in the job, its name, and how many messages it gets."""

    number: int
    name: str
    messages: int


def at_home(r: Reader, home: MailboxID | None, targets: Sequence[Target]) -> Sequence[Target]:
    """The targets under the name that their mailbox has now; unchanged without one, and for one that is gone."""
    try:
        return (
            targets if home is None else [msgspec.structs.replace(one, name=mailbox(r, home).name) for one in targets]
        )
    except NoSuchMailbox:
        return targets


def finish(tx: AccountTx, job: Job, targets: Sequence[Target], spellings: Sequence[tuple[str, str]]) -> int:
    """Make all staged messages visible; returns their number.

    Args:
      targets: all mailboxes, also empty ones; missing ones are made, and subscribed.
      spellings: pairs of a keyword's stored form and its spelling.

    Raises:
      OverQuota, UidsExhausted, LimitExceeded, ImportFailed: nothing is changed.
    """
    # Ids were given to staged messages beforehand, above a gap for deliveries. If it is used up, new mail has the same
    # ids.
    if next_message_id(tx) >= job.first_id:
        raise ImportFailed("too many messages arrived during the import; start the import again")
    with tx.cache(CACHE_KIB):
        return _finish(tx, job, targets, spellings)


def _finish(tx: AccountTx, job: Job, targets: Sequence[Target], spellings: Sequence[tuple[str, str]]) -> int:
    last: int = tx.value(LAST) or job.first_id - 1
    messages = last + 1 - job.first_id
    add_size(tx, tx.value(OCTETS))
    boxes = {target.number: _prepare_mailbox(tx, target) for target in targets}
    tx.executemany(LEARN, spellings)
    if messages:
        tx.execute(APPEAR, tx.modseq(), tx.now)
        take_message_ids(tx, MessageID(last))
        words = _keywords(tx)
        _place(tx, job.first_id, last)
        _count(tx, boxes, targets, words)
        for number, box in boxes.items():
            if box.special_use & SpecialUse.SENT:
                _recipients(tx, number)
        _tell(tx, messages)
    tx.execute(CLEAR)
    drop_job(tx)
    return messages


def _prepare_mailbox(tx: AccountTx, target: Target) -> Mailbox:
    box = ensure_mailbox(tx, target.name)
    if target.messages:
        # Here and not while staging: until now other messages may have come into the mailbox.
        first = take_uids(tx, box.id, target.messages)
        verdict = classify(tx.config.junk_flags, box.name, box.special_use)
        kept = -1 if verdict is Verdict.UNCHANGED else ~JUNK_BITS
        tx.execute(MAP, target.number, box.id, first - 1, kept, int(flags_in_mailbox(Flag(0), verdict)))
    return box


def _keywords(tx: Tx) -> dict[int, frozenset[str]]:
    """Write the keywords of all messages; returns the keywords of each mailbox, by its number."""
    found: dict[int, set[str]] = {}
    for number, column in tx.rows("SELECT DISTINCT mailbox, keywords FROM import_message WHERE keywords <> ''"):
        found.setdefault(number, set()).update(split_keywords(column))
    rows = ((word, message_id) for message_id, column in tx.iterate(KEYWORDS) for word in split_keywords(column))
    tx.executemany(INSERT_KEYWORD, rows)
    return {number: frozenset(words) for number, words in found.items()}


def _count(
    tx: AccountTx, boxes: dict[int, Mailbox], targets: Sequence[Target], words: dict[int, frozenset[str]]
) -> None:
    deltas: dict[int, Delta] = {}
    for number, bits, count, octets in tx.rows(COUNTS):
        deltas.setdefault(number, Delta()).add(flags_of_bits(bits), octets, count)
    for target in targets:
        if target.number in deltas:
            box = apply_delta(tx, boxes[target.number].id, deltas[target.number])
            learn_keywords(tx, box, words.get(target.number, frozenset()))


def _place(tx: AccountTx, first: int, last: int) -> None:
    """Place messages in threads (STORE-82), and adopt orphans that waited for a message of the import (STORE-195)."""
    placed = bytearray(last + 1 - first)
    near: dict[int, Keys] = {}

    def read(start: int, count: int) -> dict[int, Keys]:
        return {
            message_id: Keys(
                ThreadKeys(messageid, _references.decode(refs), subject_base, bool(is_response), bool(dsn)),
                MailboxID(mailbox_id),
                received,
            )
            for message_id, messageid, refs, subject_base, is_response, dsn, mailbox_id, received in tx.rows(
                THREAD_KEYS, start, count
            )
        }

    def keys(message_id: int) -> Keys:
        return near[message_id] if message_id in near else read(message_id, 1)[message_id]

    def waits(message_id: int) -> bool:
        return message_id >= first and not placed[message_id - first]

    placing = ThreadPlacement(tx, keys, waits, thread_is_set=True)
    for start in range(first, last + 1, SLICE):
        near = read(start, SLICE)
        threads = [one.thread for one in near.values()]
        ids = [thread.messageid for thread in threads if thread.messageid is not None]
        placing.look_ahead([*ids, *(thread.references[-1] for thread in threads if thread.references)])
        for message_id in near:
            if not placed[message_id - first]:
                for done in placing.place(message_id):
                    placed[done - first] = 1
    placing.flush()
    for message_id, messageid, without in tx.rows(AWAITED, first):
        adopt_orphans(tx, message_id, messageid, by_subject=bool(without))


def _recipients(tx: Tx, number: int) -> None:
    """Store the recipients of the messages in a Sent mailbox (STORE-95)."""
    for message_id, packed, received in tx.iterate(SENT, number):
        envelope = decode_structure(packed).envelope
        sent = received if envelope.date is None else envelope.date
        add_recipients(tx, message_id, envelope.to + envelope.cc + envelope.bcc, sent)


def _tell(tx: AccountTx, messages: int) -> None:
    if messages > UNMOVED:
        tx.rows_changed(messages)
        return
    exists: dict[int, tuple[int, int]] = {}
    for uid, message_id, mailbox_id, bits, keywords in tx.rows(ADDED):
        if mailbox_id not in exists:
            row = tx.row("SELECT total + deleted, unseen FROM mailbox WHERE id = ?", mailbox_id)
            assert row is not None
            exists[mailbox_id] = row[0], row[1]
        tx.emit(
            MessageAdded(
                mailbox_id=MailboxID(mailbox_id),
                uid=UID(uid),
                message_id=MessageID(message_id),
                flags=flags_of_bits(bits),
                keywords=split_keywords(keywords),
                exists=exists[mailbox_id][0],
                unseen=exists[mailbox_id][1],
            )
        )
