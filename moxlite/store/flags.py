"""Changing flags and keywords of messages (STORE-22..24, STORE-85, IMAP-108..111, RFC 9051 §6.4.6, RFC 7162 §3.1.3).

The work is one SELECT of the rows, and then a few statements per distinct change: 10 000 messages that become seen cost
one UPDATE.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.store.counts import Delta, apply_delta, learn_keywords
from moxlite.store.errors import LimitExceeded
from moxlite.store.keywords import MAX_PER_MESSAGE, join_keywords, learn_spellings, split_keywords
from moxlite.store.reading import FlagRow, distinct_array, flags_of_bits, int_array, mailbox
from moxlite.store.transaction import Row
from moxlite.store.types import UID, Flag, FlagsChanged, MailboxID, MessageID, ModSeq
from moxlite.store.unit import AccountTx

__all__ = ["Mode", "Stored", "store_flags", "store_flags_ids", "verdict_of"]

Mode: TypeAlias = Literal["add", "remove", "replace"]

JUNK_BITS: Final = Flag.JUNK | Flag.NOTJUNK

BY_UID: Final = """
SELECT m.id, m.mailbox_id, m.uid, m.modseq, m.flags, m.keywords, m.size, m.is_reject
FROM carray(?2) c CROSS JOIN message m ON m.mailbox_id = ?1 AND m.uid = c.value"""
BY_ID: Final = """
SELECT m.id, m.mailbox_id, m.uid, m.modseq, m.flags, m.keywords, m.size, m.is_reject
FROM carray(?) c CROSS JOIN message m ON m.id = c.value ORDER BY m.mailbox_id, m.uid"""
UPDATE: Final = "UPDATE message SET flags = ?, keywords = ?, modseq = ? WHERE id IN (SELECT value FROM carray(?))"
ADD_KEYWORD: Final = (
    "INSERT INTO message_keyword (keyword, message_id) SELECT ?, value FROM carray(?) WHERE true ON CONFLICT DO NOTHING"
)
DROP_KEYWORD: Final = "DELETE FROM message_keyword WHERE keyword = ? AND message_id IN (SELECT value FROM carray(?))"
SET_VERDICT: Final = "UPDATE message_smtp SET verdict = ? WHERE message_id IN (SELECT value FROM carray(?))"


class Stored(msgspec.Struct, frozen=True):
    """What became of a change of flags.

    ``changed``: rows as they are now. ``unchanged``: rows that had these flags before; they took no modseq (STORE-23).
    ``modified``: UIDs (for `store_flags`) or message ids (for `store_flags_ids`) left alone because their modseq is
    above `unchangedsince`. All ascend; messages that do not exist are nowhere.
    """

    changed: tuple[FlagRow, ...]
    unchanged: tuple[FlagRow, ...]
    modified: tuple[int, ...]


def verdict_of(flags: Flag, is_reject: bool) -> int | None:
    """Column ``message_smtp.verdict``: 1 spam, 0 ham, None neither (STORE-91)."""
    junk = flags & JUNK_BITS
    if is_reject or junk in (Flag(0), JUNK_BITS):
        return None
    return int(junk == Flag.JUNK)


def store_flags(
    tx: AccountTx,
    mailbox_id: MailboxID,
    uids: Sequence[int],
    *,
    mode: Mode,
    flags: Flag = Flag(0),
    keywords: Iterable[str] = (),
    unchangedsince: int | None = None,
) -> Stored:
    """Add, remove or replace flags and keywords of messages of one mailbox.

    Naming one of junk and notjunk in `add` clears the other (IMAP-111). Keywords are given in any case; new ones are
    learnt with their spelling.

    Raises:
      NoSuchMailbox; BadKeyword; LimitExceeded: ``keywords of a message``, ``keywords of a mailbox``. Then nothing is
      changed.
    """
    mailbox(tx, mailbox_id)
    rows = tx.rows(BY_UID, mailbox_id, distinct_array(uids)) if uids else []
    return _store(tx, rows, mode, flags, keywords, unchangedsince, key=2)


def store_flags_ids(
    tx: AccountTx,
    ids: Sequence[int],
    *,
    mode: Mode,
    flags: Flag = Flag(0),
    keywords: Iterable[str] = (),
    unchangedsince: int | None = None,
) -> Stored:
    """As `store_flags`, by message ids in any mailboxes; ids that do not exist are left out."""
    rows = tx.rows(BY_ID, distinct_array(ids)) if ids else []
    return _store(tx, rows, mode, flags, keywords, unchangedsince, key=0)


class _Change:
    """All messages of a mailbox that go from one state to another one."""

    __slots__ = ("ids", "rejects", "size", "uids")

    def __init__(self) -> None:
        self.ids = array("q")
        self.rejects = array("q")
        self.uids: list[UID] = []
        self.size = 0


def _store(
    tx: AccountTx,
    rows: list[Row],
    mode: Mode,
    flags: Flag,
    keywords: Iterable[str],
    unchangedsince: int | None,
    *,
    key: int,
) -> Stored:
    words = frozenset(word.lower() for word in keywords) if mode == "remove" else learn_spellings(tx, keywords)
    outcome: dict[tuple[int, str], tuple[Flag, str] | None] = {}
    unchanged: list[FlagRow] = []
    modified: list[int] = []
    # mailbox → (old flags, old keywords) → the messages; the rows come by mailbox
    changes: dict[MailboxID, dict[tuple[int, str], _Change]] = {}
    for row in rows:
        message_id, mailbox_id, uid, modseq, bits, column, size, is_reject = row
        if unchangedsince is not None and modseq > unchangedsince:
            modified.append(row[key])
            continue
        old = (bits, column)
        if old not in outcome:
            outcome[old] = _outcome(old, mode, flags, words)
        if outcome[old] is None:
            unchanged.append(FlagRow(message_id, uid, modseq, flags_of_bits(bits), split_keywords(column)))
            continue
        change = changes.setdefault(mailbox_id, {}).setdefault(old, _Change())
        change.ids.append(message_id)
        change.uids.append(uid)
        change.size += size
        if is_reject:
            change.rejects.append(message_id)
        tx.touch(message_id, modseq)
    changed: list[FlagRow] = []
    for mailbox_id, by_state in changes.items():
        changed += _write(tx, mailbox_id, by_state, outcome)
    return Stored(tuple(changed), tuple(unchanged), tuple(modified))


def _outcome(old: tuple[int, str], mode: Mode, flags: Flag, words: frozenset[str]) -> tuple[Flag, str] | None:
    """The new flags and keywords; None when they are the old ones."""
    before, column = flags_of_bits(old[0]), old[1]
    match mode:
        case "add":
            after = before | flags
            if flags & JUNK_BITS not in (Flag(0), JUNK_BITS):
                after &= ~(JUNK_BITS & ~flags)
            new = join_keywords({*split_keywords(column), *words}) if words else column
        case "remove":
            after = before & ~flags
            new = join_keywords(set(split_keywords(column)) - words) if words else column
        case "replace":
            after, new = flags, join_keywords(words)
    if new.count(" ") >= MAX_PER_MESSAGE:
        raise LimitExceeded("keywords of a message")
    return None if after == before and new == column else (after, new)


def _write(
    tx: AccountTx,
    mailbox_id: MailboxID,
    by_state: dict[tuple[int, str], _Change],
    outcome: dict[tuple[int, str], tuple[Flag, str] | None],
) -> list[FlagRow]:
    """Write the changes of one mailbox and tell them; returns the rows as they are now, by ascending UID."""
    modseq = tx.modseq()
    delta = Delta()
    rows: list[tuple[UID, MessageID, Flag, Flag, tuple[str, ...]]] = []
    learnt: frozenset[str] = frozenset()
    for old, change in by_state.items():
        result = outcome[old]
        assert result is not None
        before, (after, column) = flags_of_bits(old[0]), result
        ids = int_array(change.ids)
        tx.execute(UPDATE, int(after), column, modseq, ids)
        delta.change(before, after, change.size, len(change.ids))
        now = split_keywords(column)
        if column != old[1]:
            had = frozenset(split_keywords(old[1]))
            for keyword in had.difference(now):
                tx.execute(DROP_KEYWORD, keyword, ids)
            for keyword in set(now) - had:
                tx.execute(ADD_KEYWORD, keyword, ids)
            learnt = learnt.union(now)
        if verdict_of(before, is_reject=False) != verdict_of(after, is_reject=False):
            tx.execute(SET_VERDICT, verdict_of(after, is_reject=False), ids)
            if change.rejects:
                tx.execute(SET_VERDICT, None, int_array(change.rejects))
        rows += [
            (uid, message_id, before, after, now)
            for uid, message_id in zip(change.uids, map(MessageID, change.ids), strict=True)
        ]
    rows.sort()
    box = apply_delta(tx, mailbox_id, delta)
    learn_keywords(tx, box, learnt)
    for uid, message_id, before, after, now in rows:
        tx.emit(
            FlagsChanged(
                mailbox_id=mailbox_id,
                uid=uid,
                message_id=message_id,
                mask=before ^ after,
                flags=after,
                keywords=now,
                uidvalidity=box.uidvalidity,
                unseen=box.unseen,
            )
        )
    return [FlagRow(message_id, uid, ModSeq(modseq), after, now) for uid, message_id, _, after, now in rows]
