"""Copying and moving messages (STORE-25, 26, 62, 68, 73, 84; IMAP-117, IMAP-118; RFC 9051 §6.4.7, RFC 6851, RFC 4315).

All functions work on an `AccountTx`, take time in proportion to the rows concerned, and use a handful of statements for
any number of messages: ids are bound as one array, and each statement releases the GIL once (design-facts §2).

A copy of very many messages takes several units, which together are all or nothing (IMAP-117): each unit but the last
records the messages that it added (`note_part`), and the last one deletes these records (`end_copy`). If the copy
fails, or the account is opened after a crash, `undo_part` takes it back, one unit for each part.
"""

from __future__ import annotations

import hashlib
import secrets
from array import array
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import msgspec

from moxlite.store.changelog.bus import MARK_ROWS
from moxlite.store.changelog.unit import AccountTx, was_done
from moxlite.store.errors import NoSuchMailbox
from moxlite.store.file.transaction import Reader, int_array
from moxlite.store.junkflags import Verdict, classify, flags_in_mailbox
from moxlite.store.mail.counts import Delta, apply_delta, learn_keywords, take_room, take_uids
from moxlite.store.mail.expunging import Source, bury, by_mailbox, by_uid, expunge, keyword_users, note_removal
from moxlite.store.mail.flags import JUNK_BITS, count_corrections, verdict_of
from moxlite.store.mail.systemmailbox import canceled, check_cancels, check_fillable
from moxlite.store.rows.mailboxes import mailbox, split_keywords
from moxlite.store.rows.messages import flags_of_bits
from moxlite.store.types import UID, Flag, Mailbox, MailboxID, MessageAdded, MessageID, SpecialUse


class CopyResult(msgspec.Struct, frozen=True):
    """Result of a copy or a move, as COPYUID has it (RFC 4315 §3): both lists of UIDs are parallel and ascend.

    `message_ids` are the messages in the target: new ids of a copy, the same ids of a move. Messages that did not exist
    are left out.
    """

    source_id: MailboxID
    target_id: MailboxID
    uidvalidity: int
    source_uids: tuple[UID, ...]
    target_uids: tuple[UID, ...]
    message_ids: tuple[MessageID, ...]


class _Marks(msgspec.Struct, frozen=True):
    """Columns of a message that a copy or move may change."""

    flags: Flag
    is_reject: bool
    orig_id: MailboxID
    destined_id: MailboxID | None


# Adds a reference to the body of each message of the set: for the copy, or for the tombstone that a move leaves.
ADD_REFS: Final = """
UPDATE body SET refs = refs + u.n FROM (SELECT m.body_id AS id, count(*) AS n FROM carray(?) c CROSS JOIN message m
ON m.id = c.value GROUP BY 1) u
WHERE body.id = u.id"""

# ?1 ids by ascending UID, ?2 target, ?3 first new UID, ?4 modseq, ?5 now
MOVE: Final = """
UPDATE message SET mailbox_id = ?2, uid = ?3 - 1 + c.rowid, createseq = ?4, modseq = ?4, threadseq = ?4, savedate = ?5
FROM carray(?1) c WHERE message.id = c.value"""

# As MOVE, and ?6 the first new id; ?7 mask of flags that are kept, ?8 flags that are added
COPY: Final = """
INSERT INTO message (id, mailbox_id, uid, createseq, modseq, threadseq, body_id, email_id, size, received,
received_offset, savedate, flags, keywords,
is_reject, is_forward, is_mailinglist, dsn, mailbox_orig_id, mailbox_destined_id, messageid, subject_base, threadid,
thread_missing_link,
thread_muted, thread_collapsed, thread_parents)
SELECT ?6 - 1 + c.rowid, ?2, ?3 - 1 + c.rowid, ?4, ?4, ?4, m.body_id, m.email_id, m.size, m.received, m.received_offset,
?5, m.flags & ?7 | ?8, m.keywords,
m.is_reject, m.is_forward, m.is_mailinglist, m.dsn, m.mailbox_orig_id, m.mailbox_destined_id, m.messageid,
m.subject_base, m.threadid,
m.thread_missing_link, m.thread_muted, m.thread_collapsed, m.thread_parents
FROM carray(?1) c CROSS JOIN message m ON m.id = c.value"""

# The row that a copy does not share, as it depends on its flags: ?1 ids, ?2 the first new id
COPY_SMTP: Final = """
INSERT INTO message_smtp (message_id, received, size, verdict, remote_ip, ip1, ip2, ip3, ehlo_domain, mailfrom,
mailfrom_domain, rcptto, rcptto_domain, msgfrom, msgfrom_domain, msgfrom_orgdomain, ehlo_ok, mailfrom_ok, msgfrom_ok,
ehlo_validation, mailfrom_validation, msgfrom_validation, orig_ehlo, orig_dkim, dkim)
SELECT ?2 - 1 + c.rowid, s.received, s.size, s.verdict, s.remote_ip, s.ip1, s.ip2, s.ip3, s.ehlo_domain, s.mailfrom,
s.mailfrom_domain, s.rcptto, s.rcptto_domain, s.msgfrom, s.msgfrom_domain, s.msgfrom_orgdomain, s.ehlo_ok,
s.mailfrom_ok, s.msgfrom_ok, s.ehlo_validation, s.mailfrom_validation, s.msgfrom_validation, s.orig_ehlo, s.orig_dkim,
s.dkim FROM carray(?1) c CROSS JOIN message_smtp s ON s.message_id = c.value"""

ADD_KEYWORD: Final = "INSERT INTO message_keyword (keyword, message_id) SELECT ?, value FROM carray(?)"
SET_MARKS: Final = """
UPDATE message SET flags = ?, is_reject = ?, mailbox_orig_id = ?, mailbox_destined_id = ? WHERE id IN (SELECT value FROM
carray(?))"""

SET_VERDICT: Final = "UPDATE message_smtp SET verdict = ? WHERE message_id IN (SELECT value FROM carray(?))"


def copy_messages(tx: AccountTx, source_id: MailboxID, uids: Sequence[int], target_id: MailboxID) -> CopyResult:
    """Copy messages of a mailbox to a mailbox, maybe the same one. Flags and received time are kept, the content is
    shared (STORE-25), the quota counts in full.

    Raises:
      NoSuchMailbox; MailboxNotAllowed: the target is the system's; OverQuota; UidsExhausted; LimitExceeded. Then
      nothing is changed.
    """
    mailbox(tx, source_id)
    return _copy(tx, source_id, by_uid(tx, source_id, uids), mailbox(tx, target_id))


def copy_ids(tx: AccountTx, ids: Sequence[int], target_id: MailboxID) -> list[CopyResult]:
    """As `copy_messages`, by message ids in any mailboxes; one result for each source mailbox."""
    return [_copy(tx, source_id, sources, mailbox(tx, target_id)) for source_id, sources in by_mailbox(tx, ids)]


def move_messages(tx: AccountTx, source_id: MailboxID, uids: Sequence[int], target_id: MailboxID) -> CopyResult:
    """Move messages of a mailbox to another one or to its own end (RFC 6851 §3.3). Message ids, flags and received time
    stay; the quota is not checked.

    Raises:
      NoSuchMailbox; MailboxNotAllowed: the target is the system's, or the source is and the target is not the trash;
        UidsExhausted; LimitExceeded. Then nothing is changed.
    """
    return _move(tx, mailbox(tx, source_id), by_uid(tx, source_id, uids), mailbox(tx, target_id))


def move_ids(tx: AccountTx, ids: Sequence[int], target_id: MailboxID) -> list[CopyResult]:
    """As `move_messages`, by message ids in any mailboxes; messages in the target already stay. One result for each
    source mailbox.
    """
    target = mailbox(tx, target_id)
    return [
        _move(tx, mailbox(tx, source_id), sources, target)
        for source_id, sources in by_mailbox(tx, ids)
        if source_id != target_id
    ]


def _move(tx: AccountTx, box: Mailbox, sources: list[Source], target: Mailbox) -> CopyResult:
    check_fillable(target)
    if box.system:
        check_cancels(target)
    if not sources:
        return CopyResult(box.id, target.id, target.uidvalidity, (), (), ())
    source_ids = [source.id for source in sources]
    ids = int_array(source_ids)
    # The tombstones are made of the rows as they are before MOVE, and hold a reference to the bodies of their own. The
    # removal is told before UIDs are taken: within one mailbox it must name the UIDNEXT from before.
    bury(tx, box, ids, untrain=False)
    tx.execute(ADD_REFS, ids)
    if box.system:
        canceled(tx, source_ids, sum(source.size for source in sources))
    note_removal(tx, box.id, sources)
    first = take_uids(tx, target.id, len(sources))
    tx.execute(MOVE, ids, target.id, first, tx.modseq(), tx.now)
    return _arrived(tx, box.id, sources, target, first, source_ids, moved=True)


def _copy(tx: AccountTx, source_id: MailboxID, sources: list[Source], target: Mailbox) -> CopyResult:
    check_fillable(target)
    if not sources:
        return CopyResult(source_id, target.id, target.uidvalidity, (), (), ())
    ids = int_array([source.id for source in sources])
    first_id, _ = take_room(tx, sum(source.size for source in sources), len(sources), 0)
    first = take_uids(tx, target.id, len(sources))
    verdict = classify(tx.config.junk_flags, target.name, target.special_use)
    come = flags_in_mailbox(Flag(0), verdict)
    stay = flags_in_mailbox(~Flag(0), verdict)
    tx.execute(ADD_REFS, ids)
    tx.execute(COPY, ids, target.id, first, tx.modseq(), tx.now, first_id, int(stay), int(come))
    tx.execute(COPY_SMTP, ids, first_id)
    new_ids = range(first_id, first_id + len(sources))
    for keyword, having in keyword_users(sources, new_ids):
        tx.execute(ADD_KEYWORD, keyword, having)
    return _arrived(tx, source_id, sources, target, first, new_ids, moved=False)


def _arrived(
    tx: AccountTx,
    source_id: MailboxID,
    sources: list[Source],
    target: Mailbox,
    first: int,
    ids: Sequence[int],
    *,
    moved: bool,
) -> CopyResult:
    """Apply the target mailbox's effect on flags and marks, count the messages and emit their events. `ids` are the
    messages' ids in the target, `first` is the UID of the first one.
    """
    verdict = classify(tx.config.junk_flags, target.name, target.special_use)
    delta = Delta()
    marked: dict[_State, _CopiedMessages] = {}
    for source, message_id in zip(sources, ids, strict=True):
        state = (source.mailbox_id, source.bits, source.is_reject, source.orig_id, source.destined_id)
        arrived = marked.get(state)
        if arrived is None:
            arrived = marked[state] = _CopiedMessages(_marks(source, target.id, verdict, moved=moved))
        arrived.ids.append(message_id)
        arrived.size += source.size
    for (_, bits, is_reject, orig_id, destined_id), arrived in marked.items():
        marks, having = arrived.marks, int_array(arrived.ids)
        before = flags_of_bits(bits)
        written = before if moved else flags_in_mailbox(before, verdict)
        delta.add(marks.flags, arrived.size, len(arrived.ids))
        if marks != _Marks(written, is_reject != 0, orig_id, destined_id):
            tx.execute(SET_MARKS, int(marks.flags), marks.is_reject, marks.orig_id, marks.destined_id, having)
        if moved:
            released = bool(is_reject) and not marks.is_reject
            count_corrections(tx, before, marks.flags, len(arrived.ids), released=released)
        if is_reject and not marks.is_reject:
            note_released(tx, arrived.ids)
        spam = verdict_of(marks.flags, marks.is_reject)
        if spam != verdict_of(before, is_reject != 0):
            tx.execute(SET_VERDICT, spam, having)
    box = apply_delta(tx, target.id, delta)
    keywords = {column: split_keywords(column) for column in {source.keywords for source in sources}}
    learn_keywords(tx, box, frozenset[str]().union(*keywords.values()))
    uids = range(first, first + len(sources))
    if len(sources) > MARK_ROWS:
        tx.rows_changed(len(sources))  # too many for events (STORE-34)
    else:
        flags = {message_id: arrived.marks.flags for arrived in marked.values() for message_id in arrived.ids}
        for source, uid, message_id in zip(sources, uids, ids, strict=True):
            tx.emit(
                MessageAdded(
                    mailbox_id=target.id,
                    uid=UID(uid),
                    message_id=MessageID(message_id),
                    flags=flags[message_id],
                    keywords=keywords[source.keywords],
                    exists=box.exists,
                    unseen=box.unseen,
                )
            )
    return CopyResult(
        source_id,
        target.id,
        target.uidvalidity,
        tuple([source.uid for source in sources]),
        tuple(map(UID, uids)),
        tuple(map(MessageID, ids)),
    )


_State: TypeAlias = tuple[MailboxID, int, int, MailboxID, MailboxID | None]
"""State on which a message's marks in the target depend: source mailbox, flags, and the columns of `_Marks`."""


class _CopiedMessages:
    """Messages with the same marks in the target."""

    __slots__ = ("ids", "marks", "size")

    def __init__(self, marks: _Marks) -> None:
        self.marks = marks
        self.ids = array("q")
        self.size = 0


def _marks(source: Source, target_id: MailboxID, verdict: Verdict, *, moved: bool) -> _Marks:
    """Compute the marks of a message in the target mailbox."""
    flags, is_reject = flags_of_bits(source.bits), source.is_reject != 0
    orig_id, destined_id = source.orig_id, source.destined_id
    if is_reject and target_id != source.mailbox_id:
        # STORE-73: its owner took it out, so from now on it counts to the history of the mailbox it was meant for.
        is_reject, flags = False, flags & ~Flag.SEEN
        orig_id, destined_id = destined_id or orig_id, None
    flags = flags_in_mailbox(flags, verdict)
    if moved and destined_id is not None:
        # STORE-68: moved out of the introbox.
        if target_id == destined_id and not flags & JUNK_BITS:
            flags |= Flag.NOTJUNK
        if target_id == destined_id or flags & JUNK_BITS:
            orig_id, destined_id = destined_id, None
    return _Marks(flags, is_reject, orig_id, destined_id)


NOTE: Final = "INSERT INTO copy_part (copy, mailbox_id, first_uid, last_uid) VALUES (?, ?, ?, ?)"
END: Final = "DELETE FROM copy_part WHERE copy = ?"
LAST: Final = "SELECT id, mailbox_id, first_uid, last_uid FROM copy_part WHERE copy = ? ORDER BY id DESC LIMIT 1"
DROP: Final = "DELETE FROM copy_part WHERE id = ?"
# A copy without its last unit is undone, also after a crash: a client that got no OK repeats COPY, and would have all
# twice.
UNFINISHED: Final = "SELECT DISTINCT copy FROM copy_part"


# A copy in several units


def new_copy() -> bytes:
    """Make a name for a copy."""
    return secrets.token_bytes(12)


def note_part(tx: AccountTx, copy: bytes, part: CopyResult) -> None:
    """Record a part of an unfinished copy, to be removed if the copy fails. For the unit that made `part`."""
    if part.target_uids:
        tx.execute(NOTE, copy, part.target_id, part.target_uids[0], part.target_uids[-1])


def end_copy(tx: AccountTx, copy: bytes) -> None:
    """Delete the records of a completed copy. For its last unit."""
    tx.execute(END, copy)


def undo_part(tx: AccountTx, copy: bytes) -> bool:
    """Remove the newest part of a failed copy; returns False if no part is left. Messages that were moved elsewhere
    meanwhile stay there.
    """
    row = tx.row(LAST, copy)
    if row is None:
        return False
    part_id, mailbox_id, first, last = row
    tx.execute(DROP, part_id)
    try:
        # The range has no other message: one unit took its UIDs, one after the other.
        expunge(tx, mailbox_id, range(first, last + 1))
    except NoSuchMailbox:
        pass  # deleted meanwhile, and the copies with it
    return True


def unfinished_copies(r: Reader) -> list[bytes]:
    """Copies that were neither completed nor undone: when an account is opened, they were interrupted by a crash."""
    return [row[0] for row in r.rows(UNFINISHED)]


# Messages that their owner took out of the rejects mailbox (STORE-73). If the refused sender retries such a message
# and it is accepted now, it is not delivered again (STORE-74).


TAKEN: Final = """
SELECT m.messageid, b.hash FROM carray(?) c CROSS JOIN message m ON m.id = c.value JOIN body b ON b.id = m.body_id
WHERE m.messageid IS NOT NULL"""
STANDS: Final = """
SELECT 1 FROM message m JOIN body b ON b.id = m.body_id JOIN mailbox box ON box.id = m.mailbox_id
WHERE m.messageid = ? AND b.hash = ? AND NOT m.is_reject AND (box.special_use & ?) = 0 LIMIT 1"""


def note_released(tx: AccountTx, ids: Iterable[int]) -> None:
    """Note that the owner took these messages out of the rejects mailbox. Kept for 7 days (STORE-189): senders give up
    earlier.
    """
    for messageid, digest in tx.rows(TAKEN, int_array(ids)):
        tx.once(_key(messageid, digest))


def is_released(tx: AccountTx, messageid: str, digest: bytes) -> bool:
    """Whether the owner took this message out of the rejects mailbox and still has it, other than in Trash or Junk."""
    if not was_done(tx, _key(messageid, digest)):
        return False
    return tx.row(STANDS, messageid, digest, int(SpecialUse.TRASH | SpecialUse.JUNK)) is not None


def _key(messageid: str, digest: bytes) -> bytes:
    return b"released " + hashlib.sha256(messageid.encode() + b"\0" + digest).digest()
