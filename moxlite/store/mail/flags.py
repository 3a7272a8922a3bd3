"""Changing flags and keywords of messages (STORE-22..24, STORE-85, IMAP-108..111, RFC 9051 §6.4.6, RFC 7162 §3.1.3).

The work is one SELECT of the rows, and then a few statements per distinct change: marking 10 000 messages as seen takes
one UPDATE.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.metrics import DailyKind, daily
from moxlite.store.changelog.bus import MARK_ROWS
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import LimitExceeded
from moxlite.store.file.transaction import Array, Reader, Row, distinct_array, int_array
from moxlite.store.mail.counts import Delta, apply_delta, learn_keywords, unlearn_keyword
from moxlite.store.mail.systemmailbox import check_changeable
from moxlite.store.rows.mailboxes import MAX_PER_MESSAGE, join_keywords, learn_spellings, mailbox, split_keywords
from moxlite.store.rows.messages import FlagRow, flags_of_bits
from moxlite.store.types import Flag, FlagsChanged, Mailbox, MailboxID, SpecialUse

Mode: TypeAlias = Literal["add", "remove", "replace"]

STRIPPED: Final = 500
"""Messages that lose a keyword in one unit: 20 ms, after which units of other callers go first."""

JUNK_BITS: Final = Flag.JUNK | Flag.NOTJUNK

BY_UID: Final = """
SELECT m.id, m.mailbox_id, m.uid, m.modseq, m.flags, m.keywords, m.size, m.is_reject
FROM carray(?2) c CROSS JOIN message m ON m.mailbox_id = ?1 AND m.uid = c.value"""
BY_RANGE: Final = """
SELECT m.id, m.mailbox_id, m.uid, m.modseq, m.flags, m.keywords, m.size, m.is_reject
FROM message m WHERE m.mailbox_id = ?1 AND m.uid BETWEEN ?2 AND ?3 ORDER BY m.uid"""
BY_ID: Final = """
SELECT m.id, m.mailbox_id, m.uid, m.modseq, m.flags, m.keywords, m.size, m.is_reject
FROM carray(?) c CROSS JOIN message m ON m.id = c.value ORDER BY m.mailbox_id, m.uid"""
UPDATE: Final = "UPDATE message SET flags = ?, keywords = ?, modseq = ? FROM carray(?) c WHERE message.id = c.value"
ADD_KEYWORD: Final = (
    "INSERT INTO message_keyword (keyword, message_id) SELECT ?, value FROM carray(?) WHERE true ON CONFLICT DO NOTHING"
)
DROP_KEYWORD: Final = "DELETE FROM message_keyword WHERE keyword = ? AND message_id IN (SELECT value FROM carray(?))"
WITH_KEYWORD: Final = "SELECT message_id FROM message_keyword WHERE keyword = ? LIMIT ?"
UNREAD_WITH: Final = (
    "SELECT count(*) FROM (SELECT 1 FROM message_keyword k CROSS JOIN message m ON m.id = k.message_id"
    " JOIN mailbox b ON b.id = m.mailbox_id WHERE k.keyword = ? AND m.flags & ? = 0 AND b.special_use & ? = 0 LIMIT ?)"
)
SET_VERDICT: Final = "UPDATE message_smtp SET verdict = ? WHERE message_id IN (SELECT value FROM carray(?))"


class StoreResult(msgspec.Struct, frozen=True):
    """Result of a change of flags.

    ``changed``: rows as they are now. ``unchanged``: rows that had these flags before; they took no modseq (STORE-23).
    ``modified``: UIDs left alone because their modseq is above `unchangedsince`. All ascend; messages that do not exist
    are left out.
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


def count_corrections(tx: AccountTx, before: Flag, after: Flag, number: int, *, released: bool = False) -> None:
    """Count messages that a user finds junk, or junk no longer, by flags or by moving them; once this is committed
    (WEB-86b). `released`: copies of refused messages that were moved out of Rejects. Other marks only confirm.
    """
    kind: DailyKind
    if after & Flag.JUNK and not before & Flag.JUNK:
        kind = "marked-junk"
    elif (before & Flag.JUNK or released) and not after & Flag.JUNK:
        kind = "marked-wanted"
    else:
        return
    tx.after_commit(partial(daily.count, kind, number=number))


def store_flags(
    tx: AccountTx,
    mailbox_id: MailboxID,
    uids: Sequence[int],
    *,
    mode: Mode,
    flags: Flag = Flag(0),
    keywords: Iterable[str] = (),
    unchangedsince: int | None = None,
    kept: Flag = Flag(0),
    keep_keywords: bool = False,
) -> StoreResult:
    """Add, remove or replace flags and keywords of messages of one mailbox. `replace` leaves the flags in `kept`
    unchanged, and with `keep_keywords` all keywords.

    Adding one of junk and notjunk removes the other (IMAP-111). Keywords are given in any case; the spelling of new
    ones is kept.

    Raises:
      NoSuchMailbox; MailboxNotAllowed: the mailbox is the system's; BadKeyword; LimitExceeded: too
        many keywords. Then nothing is changed.
    """
    mailbox(tx, mailbox_id)
    rows = _rows(tx, mailbox_id, uids) if uids else []
    how = _FlagOperation(mode, flags, kept, keep_keywords)
    return _store(tx, rows, how, keywords, unchangedsince)


def store_flags_ids(
    tx: AccountTx,
    ids: Sequence[int],
    *,
    mode: Mode,
    flags: Flag = Flag(0),
    keywords: Iterable[str] = (),
) -> StoreResult:
    """As `store_flags`, by message ids in any mailboxes; ids that do not exist are left out. Raises as that."""
    rows = tx.rows(BY_ID, distinct_array(ids)) if ids else []
    return _store(tx, rows, _FlagOperation(mode, flags), keywords)


def strip_keyword(tx: AccountTx, keyword: str, limit: int = STRIPPED) -> int:
    """Remove a keyword (stored form) from the next messages that have it. When none is left, from the lists of the
    mailboxes and from the spellings, too. Returns the number of messages, 0 at the end.
    """
    ids = [message_id for (message_id,) in tx.rows(WITH_KEYWORD, keyword, limit)]
    if ids:
        store_flags_ids(tx, ids, mode="remove", keywords=[keyword])
    else:
        unlearn_keyword(tx, keyword)
    return len(ids)


def unread_with(r: Reader, keyword: str, most: int) -> int:
    """Number of unread messages with a keyword (stored form), outside of Trash and Junk; `most` at most."""
    away = int(SpecialUse.TRASH | SpecialUse.JUNK)
    count: int = r.value(UNREAD_WITH, keyword, int(Flag.SEEN | Flag.DELETED), away, most)
    return count


def _rows(tx: AccountTx, mailbox_id: MailboxID, uids: Sequence[int]) -> list[Row]:
    """Read rows of messages by ascending UID. If the UIDs are dense, a range is read, at half the cost."""
    wanted = set(uids)
    first, last = min(wanted), max(wanted)
    between = last + 1 - first - len(wanted)
    if between > len(wanted):
        return tx.rows(BY_UID, mailbox_id, distinct_array(wanted))
    rows = tx.rows(BY_RANGE, mailbox_id, first, last)
    return [row for row in rows if row[2] in wanted] if between else rows


class _FlagOperation(msgspec.Struct, frozen=True):
    """Operation of `store_flags`."""

    mode: Mode
    flags: Flag
    kept: Flag = Flag(0)
    keep_keywords: bool = False


class _Change(msgspec.Struct, frozen=True):
    """Messages of a mailbox that change from one state to another; `rows` are rows of `BY_UID`."""

    before: Flag
    had: tuple[str, ...]
    after: Flag
    keywords: str
    rows: list[Row]

    @property
    def ids(self) -> Array:
        """Ids of the messages."""
        return int_array([row[0] for row in self.rows])


def _store(
    tx: AccountTx,
    rows: list[Row],
    how: _FlagOperation,
    keywords: Iterable[str],
    unchangedsince: int | None = None,
) -> StoreResult:
    words = frozenset(word.lower() for word in keywords) if how.mode == "remove" else learn_spellings(tx, keywords)
    modified: list[int] = []
    if unchangedsince is not None:
        # In the unit that writes, so that no other change comes between the look and the write (RFC 7162 §3.1.3).
        modified = [row[2] for row in rows if row[3] > unchangedsince]
        rows = [row for row in rows if row[3] <= unchangedsince]
    changed: list[FlagRow] = []
    unchanged: list[FlagRow] = []
    for mailbox_id, group in groupby(rows, itemgetter(1)):
        by_state: dict[tuple[int, str], list[Row]] = {}
        for row in group:
            by_state.setdefault((row[4], row[5]), []).append(row)
        same: list[FlagRow] = []
        changes: list[_Change] = []
        for (bits, column), part in by_state.items():
            before, had = flags_of_bits(bits), split_keywords(column)
            outcome = _outcome((bits, column), how, words)
            if outcome is None:
                same += [FlagRow(row[0], row[2], row[3], before, had) for row in part]
            else:
                changes.append(_Change(before, had, *outcome, part))
        unchanged += sorted(same, key=_UID)
        if changes:
            changed += _write(tx, mailbox_id, changes)
    return StoreResult(tuple(changed), tuple(unchanged), tuple(modified))


_UID: Final = attrgetter("uid")


def _outcome(old: tuple[int, str], how: _FlagOperation, words: frozenset[str]) -> tuple[Flag, str] | None:
    """Compute the new flags and keywords; None if they are the old ones."""
    before, column = flags_of_bits(old[0]), old[1]
    flags = how.flags
    match how.mode:
        case "add":
            after = before | flags
            if flags & JUNK_BITS not in (Flag(0), JUNK_BITS):
                after &= ~(JUNK_BITS & ~flags)
            new = join_keywords({*split_keywords(column), *words}) if words else column
        case "remove":
            after = before & ~flags
            new = join_keywords(set(split_keywords(column)) - words) if words else column
        case "replace":
            after = flags & ~how.kept | before & how.kept
            new = column if how.keep_keywords else join_keywords(words)
    if new.count(" ") >= MAX_PER_MESSAGE:
        raise LimitExceeded("too many keywords on this message")
    return None if after == before and new == column else (after, new)


def _write(tx: AccountTx, mailbox_id: MailboxID, changes: list[_Change]) -> list[FlagRow]:
    """Write the changes of one mailbox and emit them; returns the rows as they are now, by ascending UID."""
    modseq = tx.modseq()
    delta = Delta()
    learnt: frozenset[str] = frozenset()
    for change in changes:
        before, after, ids = change.before, change.after, change.ids
        tx.execute(UPDATE, int(after), change.keywords, modseq, ids)
        delta.change(before, after, sum([row[6] for row in change.rows]), len(change.rows))
        tx.touch_all([(row[0], row[3]) for row in change.rows])
        now = split_keywords(change.keywords)
        if now != change.had:
            for keyword in set(change.had).difference(now):
                tx.execute(DROP_KEYWORD, keyword, ids)
            for keyword in set(now).difference(change.had):
                tx.execute(ADD_KEYWORD, keyword, ids)
            learnt = learnt.union(now)
        if verdict_of(before, is_reject=False) != verdict_of(after, is_reject=False):
            tx.execute(SET_VERDICT, verdict_of(after, is_reject=False), ids)
            count_corrections(tx, change.before, change.after, len(change.rows))
            if rejects := [row[0] for row in change.rows if row[7]]:
                tx.execute(SET_VERDICT, None, int_array(rejects))
    box = apply_delta(tx, mailbox_id, delta)
    # Here, where the mailbox is read in any case: the error takes the unit back.
    check_changeable(box)
    learn_keywords(tx, box, learnt)
    _tell(tx, box, changes)
    rows: list[FlagRow] = []
    for change in changes:
        now = split_keywords(change.keywords)
        rows += [FlagRow(row[0], row[2], modseq, change.after, now) for row in change.rows]
    return sorted(rows, key=_UID)


def _tell(tx: AccountTx, box: Mailbox, changes: list[_Change]) -> None:
    """Emit the changes by ascending UID; too many for events are only counted (STORE-34)."""
    count = sum([len(change.rows) for change in changes])
    if count > MARK_ROWS:
        tx.rows_changed(count)
        return
    pairs = [(row, change) for change in changes for row in change.rows]
    for row, change in sorted(pairs, key=lambda pair: pair[0][2]):
        tx.emit(
            FlagsChanged(
                mailbox_id=box.id,
                uid=row[2],
                message_id=row[0],
                mask=change.before ^ change.after,
                flags=change.after,
                keywords=split_keywords(change.keywords),
                uidvalidity=box.uidvalidity,
                unseen=box.unseen,
            )
        )
