"""Exact counts of a mailbox (STORE-19), its keywords (STORE-22) and next UID (STORE-16), and the account's size
(STORE-62).

An operation collects its effect on a mailbox in a `Delta` and applies it by one UPDATE, so the work grows with the rows
changed, never with the mailbox.
"""

from __future__ import annotations

from typing import Final

import msgspec

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import LimitExceeded, OverQuota, UidsExhausted
from moxlite.store.file.transaction import Reader
from moxlite.store.rows.mailboxes import MAX_PER_MAILBOX, mailbox, mailboxes, split_keywords
from moxlite.store.rows.messages import MAX_UID
from moxlite.store.types import UID, BodyID, Flag, Mailbox, MailboxCounts, MailboxID, MailboxKeywords, MessageID

APPLY: Final = """
UPDATE mailbox SET total = total + ?, deleted = deleted + ?, unread = unread + ?, unseen = unseen + ?, size = size + ?,
deleted_size = deleted_size + ?, modseq = ? WHERE id = ?"""
ARRIVE: Final = """
UPDATE mailbox SET uidnext = uidnext + ?, total = total + ?, deleted = deleted + ?, unread = unread + ?,
unseen = unseen + ?, size = size + ?, deleted_size = deleted_size + ?, modseq = ? WHERE id = ?"""
TAKE_UIDS: Final = "UPDATE mailbox SET uidnext = uidnext + ? WHERE id = ? RETURNING uidnext, name"
SET_KEYWORDS: Final = "UPDATE mailbox SET keywords = ?, modseq = ? WHERE id = ?"
FORGET_SPELLING: Final = "DELETE FROM keyword WHERE lower = ?"
# Reads the column of `message`. The key of `message_keyword` begins with the keyword: finding a mailbox's rows in it
# would read all of them.
KEYWORDS_IN_USE: Final = "SELECT DISTINCT keywords FROM message WHERE mailbox_id = ? AND keywords <> ''"
# Not max(id): the id of a removed message must not come again. The text index, the tables of people and the marks of
# devices go by ids that only rise.
LAST_ID: Final = "SELECT last_message_id FROM state WHERE id = 1"
RAISE_LAST_ID: Final = "UPDATE state SET last_message_id = max(last_message_id, ?) WHERE id = 1"
ADD_SIZE: Final = "UPDATE state SET total_size = total_size + ? WHERE id = 1 RETURNING total_size"
TAKE_ROOM: Final = """
UPDATE state SET total_size = total_size + ?1, modseq = modseq + ?2, last_message_id = last_message_id + ?3,
last_body_id = last_body_id + ?4 WHERE id = 1
RETURNING total_size, modseq, last_message_id - ?3 + 1, last_body_id - ?4 + 1"""

SEEN: Final = int(Flag.SEEN)
DELETED: Final = int(Flag.DELETED)


class Delta:
    """Changes that one operation makes to the counts of a mailbox."""

    __slots__ = ("deleted", "deleted_size", "size", "total", "unread", "unseen")

    def __init__(self) -> None:
        self.total = self.deleted = self.unread = self.unseen = self.size = self.deleted_size = 0

    def add(self, flags: int, size: int, count: int = 1) -> None:
        """Add `count` messages with these flags (bits of `Flag`) and `size` octets in all; negative numbers remove
        messages.
        """
        self.size += size
        bits = int(flags)  # arithmetic of flags costs ten times that of numbers
        seen = bits & SEEN
        if not seen:
            self.unseen += count
        if bits & DELETED:
            self.deleted += count
            self.deleted_size += size
        else:
            self.total += count
            if not seen:
                self.unread += count

    def change(self, old: Flag, new: Flag, size: int, count: int = 1) -> None:
        """Change the flags of `count` messages of `size` octets in all."""
        self.add(old, -size, -count)
        self.add(new, size, count)


def apply_delta(tx: AccountTx, mailbox_id: MailboxID, delta: Delta) -> Mailbox:
    """Write the new counts, raise the mailbox's modseq, emit the counts; returns the mailbox as it is now."""
    tx.execute(
        APPLY,
        delta.total,
        delta.deleted,
        delta.unread,
        delta.unseen,
        delta.size,
        delta.deleted_size,
        tx.modseq(),
        mailbox_id,
    )
    box = mailbox(tx, mailbox_id)
    _tell(tx, box)
    return box


def next_uids(box: Mailbox, count: int) -> range:
    """UIDs of the next messages of a mailbox that was read in this unit; `add_arrivals` takes them. Raises
    UidsExhausted.
    """
    if box.uidnext + count - 1 > MAX_UID:
        raise UidsExhausted(box.name)
    return range(box.uidnext, box.uidnext + count)


def add_arrivals(tx: AccountTx, box: Mailbox, delta: Delta, count: int) -> Mailbox:
    """Write the counts of a mailbox, which was read in this unit, after `count` messages have taken the next UIDs, and
    emit them. Returns the mailbox as it is now.
    """
    modseq = tx.modseq()
    tx.execute(
        ARRIVE,
        count,
        delta.total,
        delta.deleted,
        delta.unread,
        delta.unseen,
        delta.size,
        delta.deleted_size,
        modseq,
        box.id,
    )
    box = msgspec.structs.replace(
        box,
        uidnext=UID(box.uidnext + count),
        total=box.total + delta.total,
        deleted=box.deleted + delta.deleted,
        unread=box.unread + delta.unread,
        unseen=box.unseen + delta.unseen,
        size=box.size + delta.size,
        deleted_size=box.deleted_size + delta.deleted_size,
        modseq=modseq,
    )
    _tell(tx, box)
    return box


def _tell(tx: AccountTx, box: Mailbox) -> None:
    tx.emit(
        MailboxCounts(
            mailbox_id=box.id,
            total=box.total,
            deleted=box.deleted,
            unread=box.unread,
            unseen=box.unseen,
            size=box.size,
            deleted_size=box.deleted_size,
        )
    )


def take_uids(tx: AccountTx, mailbox_id: MailboxID, count: int) -> int:
    """Take `count` new UIDs; returns the first. Raises UidsExhausted."""
    row = tx.row(TAKE_UIDS, count, mailbox_id)
    assert row is not None
    uidnext, name = row
    # After the update: the error takes the unit back.
    if uidnext - 1 > MAX_UID:
        raise UidsExhausted(name)
    first: int = uidnext - count
    return first


def next_message_id(r: Reader) -> MessageID:
    """Id that the next new message will get (STORE-20)."""
    return MessageID(r.value(LAST_ID) + 1)


def take_message_ids(tx: AccountTx, last: MessageID) -> None:
    """Note that messages have ids up to `last`."""
    tx.execute(RAISE_LAST_ID, last)


def learn_keywords(tx: AccountTx, box: Mailbox, keywords: frozenset[str]) -> None:
    """Add new keywords (stored forms) to the mailbox's list; unused ones are dropped only when the limit is reached
    (STORE-22).

    Raises:
      LimitExceeded: too many keywords.
    """
    known = frozenset(box.keywords)
    if keywords <= known:
        return
    known |= keywords
    if len(known) > MAX_PER_MAILBOX:
        known = keywords.union(*[split_keywords(column) for (column,) in tx.rows(KEYWORDS_IN_USE, box.id)])
        if len(known) > MAX_PER_MAILBOX:
            raise LimitExceeded("too many keywords in this folder")
    _set_keywords(tx, box, known)


def unlearn_keyword(tx: AccountTx, keyword: str) -> None:
    """Remove a keyword (stored form) that no message has from the lists of all mailboxes, and its spelling."""
    for box in mailboxes(tx):
        if keyword in box.keywords:
            _set_keywords(tx, box, frozenset(box.keywords) - {keyword})
    tx.execute(FORGET_SPELLING, keyword)


def _set_keywords(tx: AccountTx, box: Mailbox, keywords: frozenset[str]) -> None:
    words = tuple(sorted(keywords))
    tx.execute(SET_KEYWORDS, " ".join(words), tx.modseq(), box.id)
    tx.emit(MailboxKeywords(mailbox_id=box.id, name=box.name, keywords=words))


def take_room(tx: AccountTx, octets: int, messages: int, bodies: int) -> tuple[MessageID, BodyID]:
    """Count added octets as `add_size` does, take the unit's modseq, and as many new ids (STORE-20); returns the first
    id of each kind. Raises OverQuota.
    """
    row = tx.row(TAKE_ROOM, octets, not tx.numbered, messages, bodies)
    assert row is not None
    total, modseq, message_id, body_id = row
    tx.number(modseq)
    _check_quota(tx, octets, total)
    return MessageID(message_id), BodyID(body_id)


def add_size(tx: AccountTx, octets: int) -> None:
    """Count added (or, negative, removed) octets for the quota. Raises OverQuota for added ones (STORE-62)."""
    _check_quota(tx, octets, tx.value(ADD_SIZE, octets))


def _check_quota(tx: AccountTx, octets: int, total: int) -> None:
    limit = tx.config.quota
    if octets > 0 and 0 < limit < total:
        raise OverQuota(total - octets, limit)
