"""Copying, moving and removing messages (STORE-25, 26, 36, 62, 68, 73, 84; IMAP-116..118; RFC 9051 §6.4.7, RFC 6851,
RFC 4315).

Adding is in adding.py, flags are in flags.py; their functions are offered here, too. All functions work on an
`AccountTx`, grow with the rows concerned, and use a handful of statements for any number of messages: ids are bound as
one array, and each statement gives the GIL away once (design-facts §2).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import groupby, starmap
from typing import Final, TypeAlias

import apsw
import msgspec

from moxlite.store.changelog.bus import MARK_ROWS
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Row
from moxlite.store.junkflags import Verdict, classify, flags_in_mailbox
from moxlite.store.mail.adding import Added, add_message
from moxlite.store.mail.counts import Delta, add_size, apply_delta, learn_keywords, next_message_id, take_uids
from moxlite.store.mail.flags import JUNK_BITS, Stored, store_flags, store_flags_ids, verdict_of
from moxlite.store.mail.systemmailbox import canceled, changeable, check_cancels, check_fillable
from moxlite.store.rows.keywords import split_keywords
from moxlite.store.rows.reading import distinct_array, flags_of_bits, int_array, mailbox
from moxlite.store.types import UID, Flag, Mailbox, MailboxID, MessageAdded, MessageID, MessagesRemoved, ModSeq

__all__ = [
    "Added",
    "Copied",
    "Expunged",
    "Stored",
    "add_message",
    "copy_ids",
    "copy_messages",
    "expunge",
    "expunge_all",
    "expunge_ids",
    "expunge_queued",
    "move_all",
    "move_ids",
    "move_messages",
    "store_flags",
    "store_flags_ids",
]


class Copied(msgspec.Struct, frozen=True):
    """A copy or a move, as COPYUID tells it (RFC 4315 §3): both lists of UIDs are parallel and ascend.

    `message_ids` are the messages in the target: new ids of a copy, the same ids of a move. Messages that did not exist
    are left out.
    """

    source_id: MailboxID
    target_id: MailboxID
    uidvalidity: int
    source_uids: tuple[UID, ...]
    target_uids: tuple[UID, ...]
    message_ids: tuple[MessageID, ...]


class Expunged(msgspec.Struct, frozen=True):
    """Messages that left a mailbox; `uids` ascend, `message_ids` are in their order."""

    mailbox_id: MailboxID
    uids: tuple[UID, ...]
    message_ids: tuple[MessageID, ...]


class _Source(msgspec.Struct, frozen=True, gc=False):
    """What the operations here need to know of a message: `_COLUMNS`, as they are in the row."""

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


class _Marks(msgspec.Struct, frozen=True):
    """The columns of a message that a copy or move may change."""

    flags: Flag
    is_reject: bool
    orig_id: MailboxID
    destined_id: MailboxID | None


_COLUMNS: Final = (
    "m.id, m.mailbox_id, m.uid, m.modseq, m.flags, m.keywords, m.size, m.is_reject, m.mailbox_orig_id, "
    "m.mailbox_destined_id"
)
BY_UID: Final = f"""
SELECT {_COLUMNS} FROM carray(?2) c CROSS JOIN message m ON m.mailbox_id = ?1 AND m.uid = c.value
ORDER BY m.uid"""  # noqa: S608
BY_ID: Final = f"""
SELECT {_COLUMNS} FROM carray(?) c CROSS JOIN message m ON m.id = c.value ORDER BY m.mailbox_id, m.uid"""  # noqa: S608
ALL: Final = f"SELECT {_COLUMNS} FROM message m WHERE m.mailbox_id = ? ORDER BY m.uid"  # noqa: S608

# Tombstones (STORE-25, STORE-36): ?1 ids, ?2 modseq, ?3 now
BURY: Final = """
INSERT INTO expunged (mailbox_id, uid, message_id, createseq, modseq, threadid, expunged_at, body_id, flags, keywords,
received, received_offset, size)
SELECT m.mailbox_id, m.uid, m.id, m.createseq, ?2, m.threadid, ?3, m.body_id, m.flags, m.keywords, m.received,
m.received_offset, m.size
FROM carray(?1) c CROSS JOIN message m ON m.id = c.value"""
# ?4: whether the trainer has to untrain; the row of a moved message carries `trained` on.
TO_ERASE: Final = """
INSERT INTO erase_queue (mailbox_id, uid, message_id, email_id, modseq, expunged_at, trained)
SELECT m.mailbox_id, m.uid, m.id, m.email_id, ?2, ?3, iif(?4, m.trained, NULL) FROM carray(?1) c CROSS JOIN message m
ON m.id = c.value"""
# One more user for each message of the set: the copy, or the tombstone that a move leaves.
ADD_REFS: Final = """
UPDATE body SET refs = refs + u.n FROM (SELECT m.body_id AS id, count(*) AS n FROM carray(?) c CROSS JOIN message m
ON m.id = c.value GROUP BY 1) u
WHERE body.id = u.id"""

DELETE: Final = (
    "DELETE FROM message_smtp WHERE message_id IN (SELECT value FROM carray(?))",
    "DELETE FROM message_dkim WHERE message_id IN (SELECT value FROM carray(?))",
    "DELETE FROM recipient WHERE message_id IN (SELECT value FROM carray(?))",
    "DELETE FROM message WHERE id IN (SELECT value FROM carray(?))",
)
DELETE_KEYWORD: Final = "DELETE FROM message_keyword WHERE keyword = ? AND message_id IN (SELECT value FROM carray(?))"

# ?1 ids by ascending UID, ?2 target, ?3 first new UID, ?4 modseq, ?5 now
MOVE: Final = """
UPDATE message SET mailbox_id = ?2, uid = ?3 - 1 + c.rowid, createseq = ?4, modseq = ?4, threadseq = ?4, savedate = ?5
FROM carray(?1) c WHERE message.id = c.value"""
# As MOVE, and ?6 the first new id; ?7 flags that stay, ?8 flags that come
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
# What lies beside a message and is not shared, since flags decide about it: ?1 ids, ?2 the first new id
COPY_BESIDE: Final = (
    """
INSERT INTO message_smtp (message_id, received, size, verdict, remote_ip, ip1, ip2, ip3, ehlo_domain, mailfrom,
mailfrom_domain, rcptto, rcptto_domain, msgfrom, msgfrom_domain, msgfrom_orgdomain, ehlo_ok, mailfrom_ok, msgfrom_ok,
ehlo_validation, mailfrom_validation, msgfrom_validation, orig_ehlo, orig_dkim) SELECT ?2 - 1 + c.rowid, s.received,
s.size, s.verdict, s.remote_ip, s.ip1, s.ip2, s.ip3, s.ehlo_domain, s.mailfrom, s.mailfrom_domain, s.rcptto,
s.rcptto_domain, s.msgfrom, s.msgfrom_domain, s.msgfrom_orgdomain, s.ehlo_ok, s.mailfrom_ok, s.msgfrom_ok,
s.ehlo_validation, s.mailfrom_validation, s.msgfrom_validation, s.orig_ehlo, s.orig_dkim FROM carray(?1) c CROSS JOIN
message_smtp s ON s.message_id = c.value""",
    """
INSERT INTO message_dkim (domain, received, message_id) SELECT d.domain, d.received, ?2 - 1 + c.rowid FROM carray(?1) c
CROSS JOIN message_dkim d ON d.message_id = c.value""",
)
ADD_KEYWORD: Final = "INSERT INTO message_keyword (keyword, message_id) SELECT ?, value FROM carray(?)"
SET_MARKS: Final = """
UPDATE message SET flags = ?, is_reject = ?, mailbox_orig_id = ?, mailbox_destined_id = ? WHERE id IN (SELECT value FROM
carray(?))"""
SET_VERDICT: Final = "UPDATE message_smtp SET verdict = ? WHERE message_id IN (SELECT value FROM carray(?))"


def _sources(rows: list[Row]) -> list[_Source]:
    return list(starmap(_Source, rows))


def _by_uid(tx: AccountTx, mailbox_id: MailboxID, uids: Sequence[int]) -> list[_Source]:
    return _sources(tx.rows(BY_UID, mailbox_id, distinct_array(uids))) if uids else []


def _by_mailbox(tx: AccountTx, ids: Sequence[int]) -> Iterator[tuple[MailboxID, list[_Source]]]:
    """The existing messages of these ids, grouped by mailbox, ascending UIDs."""
    sources = _sources(tx.rows(BY_ID, distinct_array(ids))) if ids else []
    for mailbox_id, group in groupby(sources, key=lambda source: source.mailbox_id):
        yield mailbox_id, list(group)


# Removing


def expunge(tx: AccountTx, mailbox_id: MailboxID, uids: Sequence[int]) -> Expunged:
    """Remove messages of a mailbox; UIDs that do not exist are left out. Raises NoSuchMailbox; MailboxNotAllowed: it is
    the system's.
    """
    return _expunge(tx, changeable(tx, mailbox_id), _by_uid(tx, mailbox_id, uids))


def expunge_ids(tx: AccountTx, ids: Sequence[int]) -> list[Expunged]:
    """Remove messages by their ids, in any mailboxes; one result for each mailbox concerned. Raises as `expunge`."""
    return [_expunge(tx, changeable(tx, mailbox_id), sources) for mailbox_id, sources in _by_mailbox(tx, ids)]


def expunge_queued(tx: AccountTx, ids: Sequence[int]) -> None:
    """As `expunge_ids`, of the system's mailbox (IMAP-162); the messages cannot be undeleted."""
    for mailbox_id, sources in _by_mailbox(tx, ids):
        _expunge(tx, mailbox(tx, mailbox_id), sources)


def expunge_all(tx: AccountTx, mailbox_id: MailboxID) -> Expunged:
    """Empty a mailbox. Raises as `expunge`."""
    return _expunge(tx, changeable(tx, mailbox_id), _sources(tx.rows(ALL, mailbox_id)))


def _removed_at(tx: AccountTx, box: Mailbox) -> int:
    """The time of a removal for `erase_queue`; that of the system's mailbox is long over, so that nothing is kept for
    undeleting (STORE-190).
    """
    return 0 if box.system else tx.now


def _expunge(tx: AccountTx, box: Mailbox, sources: list[_Source]) -> Expunged:
    if not sources:
        return Expunged(box.id, (), ())
    ids = int_array([source.id for source in sources])
    modseq = tx.modseq()
    tx.execute(BURY, ids, modseq, tx.now)
    tx.execute(TO_ERASE, ids, modseq, _removed_at(tx, box), True)
    for keyword, having in _keyword_users(sources):
        tx.execute(DELETE_KEYWORD, keyword, having)
    for sql in DELETE:
        tx.execute(sql, ids)
    if not box.system:
        add_size(tx, -sum(source.size for source in sources))
    return _left(tx, box.id, sources)


def _left(tx: AccountTx, mailbox_id: MailboxID, sources: list[_Source]) -> Expunged:
    """Count and tell what left a mailbox."""
    delta = Delta()
    for bits, sizes in _sizes(sources).items():
        delta.add(flags_of_bits(bits), -sum(sizes), -len(sizes))
    tx.touch_all([(source.id, source.modseq) for source in sources])
    box = apply_delta(tx, mailbox_id, delta)
    gone = Expunged(mailbox_id, tuple([source.uid for source in sources]), tuple([source.id for source in sources]))
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


def _sizes(sources: list[_Source]) -> dict[int, list[int]]:
    """The sizes of the messages with the same flags."""
    sizes: dict[int, list[int]] = {}
    for source in sources:
        sizes.setdefault(source.bits, []).append(source.size)
    return sizes


def _keyword_users(sources: list[_Source], ids: Sequence[int] | None = None) -> list[tuple[str, apsw.CArrayBinding]]:
    """Each keyword with the array of the messages that have it; `ids` stands in for the sources' own."""
    users: dict[str, array[int]] = {}
    for source, message_id in zip(sources, ids or [source.id for source in sources], strict=True):
        for keyword in split_keywords(source.keywords) if source.keywords else ():
            users.setdefault(keyword, array("q")).append(message_id)
    return [(keyword, int_array(having)) for keyword, having in users.items()]


# Copying and moving


def copy_messages(tx: AccountTx, source_id: MailboxID, uids: Sequence[int], target_id: MailboxID) -> Copied:
    """Copy messages of a mailbox to a mailbox, maybe the same; flags and received time are kept, the content is shared
    (STORE-25), the quota counts in full.

    Raises:
      NoSuchMailbox; MailboxNotAllowed: the target is the system's; OverQuota; UidsExhausted; LimitExceeded. Then
      nothing is changed.
    """
    mailbox(tx, source_id)
    return _copy(tx, source_id, _by_uid(tx, source_id, uids), mailbox(tx, target_id))


def copy_ids(tx: AccountTx, ids: Sequence[int], target_id: MailboxID) -> list[Copied]:
    """As `copy_messages`, by message ids in any mailboxes; one result for each mailbox concerned."""
    return [_copy(tx, source_id, sources, mailbox(tx, target_id)) for source_id, sources in _by_mailbox(tx, ids)]


def move_messages(tx: AccountTx, source_id: MailboxID, uids: Sequence[int], target_id: MailboxID) -> Copied:
    """Move messages of a mailbox to another one or to its own end (RFC 6851 §3.3); message ids, flags and received time
    stay, the quota is not asked.

    Raises:
      NoSuchMailbox; MailboxNotAllowed: the target is the system's, or the source is and the target not the one for
      trash; UidsExhausted; LimitExceeded. Then nothing is changed.
    """
    return _move(tx, mailbox(tx, source_id), _by_uid(tx, source_id, uids), mailbox(tx, target_id))


def move_ids(tx: AccountTx, ids: Sequence[int], target_id: MailboxID) -> list[Copied]:
    """As `move_messages`, by message ids in any mailboxes; those in the target already stay. One result for each
    mailbox concerned.
    """
    target = mailbox(tx, target_id)
    return [
        _move(tx, mailbox(tx, source_id), sources, target)
        for source_id, sources in _by_mailbox(tx, ids)
        if source_id != target_id
    ]


def move_all(tx: AccountTx, source_id: MailboxID, target_id: MailboxID) -> Copied:
    """Move all messages of a mailbox. Raises as `move_messages`."""
    return _move(tx, mailbox(tx, source_id), _sources(tx.rows(ALL, source_id)), mailbox(tx, target_id))


def _move(tx: AccountTx, box: Mailbox, sources: list[_Source], target: Mailbox) -> Copied:
    check_fillable(target)
    if box.system:
        check_cancels(target)
    if not sources:
        return Copied(box.id, target.id, target.uidvalidity, (), (), ())
    source_ids = [source.id for source in sources]
    ids = int_array(source_ids)
    modseq = tx.modseq()
    tx.execute(BURY, ids, modseq, tx.now)
    tx.execute(TO_ERASE, ids, modseq, _removed_at(tx, box), False)
    tx.execute(ADD_REFS, ids)
    if box.system:
        canceled(tx, source_ids, sum(source.size for source in sources))
    _left(tx, box.id, sources)
    first = take_uids(tx, target.id, len(sources))
    tx.execute(MOVE, ids, target.id, first, modseq, tx.now)
    return _arrived(tx, box.id, sources, target, first, source_ids, moved=True)


def _copy(tx: AccountTx, source_id: MailboxID, sources: list[_Source], target: Mailbox) -> Copied:
    check_fillable(target)
    if not sources:
        return Copied(source_id, target.id, target.uidvalidity, (), (), ())
    ids = int_array([source.id for source in sources])
    add_size(tx, sum(source.size for source in sources))
    first = take_uids(tx, target.id, len(sources))
    first_id = next_message_id(tx)
    verdict = classify(tx.config.junk_flags, target.name, target.special_use)
    come = flags_in_mailbox(Flag(0), verdict)
    stay = flags_in_mailbox(~Flag(0), verdict) & ~come
    tx.execute(ADD_REFS, ids)
    tx.execute(COPY, ids, target.id, first, tx.modseq(), tx.now, first_id, int(stay), int(come))
    for sql in COPY_BESIDE:
        tx.execute(sql, ids, first_id)
    new_ids = range(first_id, first_id + len(sources))
    for keyword, having in _keyword_users(sources, new_ids):
        tx.execute(ADD_KEYWORD, keyword, having)
    return _arrived(tx, source_id, sources, target, first, new_ids, moved=False)


def _arrived(
    tx: AccountTx,
    source_id: MailboxID,
    sources: list[_Source],
    target: Mailbox,
    first: int,
    ids: Sequence[int],
    *,
    moved: bool,
) -> Copied:
    """Set what the target does to the messages, count and tell them; `ids` are theirs there, `first` is the UID of the
    first.
    """
    verdict = classify(tx.config.junk_flags, target.name, target.special_use)
    delta = Delta()
    marked: dict[_State, _Arrived] = {}
    for source, message_id in zip(sources, ids, strict=True):
        state = (source.mailbox_id, source.bits, source.is_reject, source.orig_id, source.destined_id)
        arrived = marked.get(state)
        if arrived is None:
            arrived = marked[state] = _Arrived(_marks(source, target.id, verdict, moved=moved))
        arrived.ids.append(message_id)
        arrived.size += source.size
    for (_, bits, is_reject, orig_id, destined_id), arrived in marked.items():
        marks, having = arrived.marks, int_array(arrived.ids)
        before = flags_of_bits(bits)
        written = before if moved else flags_in_mailbox(before, verdict)
        delta.add(marks.flags, arrived.size, len(arrived.ids))
        if marks != _Marks(written, is_reject != 0, orig_id, destined_id):
            tx.execute(SET_MARKS, int(marks.flags), marks.is_reject, marks.orig_id, marks.destined_id, having)
        spam = verdict_of(marks.flags, marks.is_reject)
        if spam != verdict_of(before, is_reject != 0):
            tx.execute(SET_VERDICT, spam, having)
    box = apply_delta(tx, target.id, delta)
    keywords = {column: split_keywords(column) for column in {source.keywords for source in sources}}
    learn_keywords(tx, box, frozenset[str]().union(*keywords.values()))
    uids = range(first, first + len(sources))
    if len(sources) > MARK_ROWS:
        tx.rows_changed(len(sources))  # nobody would get them as events (STORE-34)
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
    return Copied(
        source_id,
        target.id,
        target.uidvalidity,
        tuple([source.uid for source in sources]),
        tuple(map(UID, uids)),
        tuple(map(MessageID, ids)),
    )


_State: TypeAlias = tuple[MailboxID, int, int, MailboxID, MailboxID | None]
"""What decides about the marks of a message: mailbox and flags it comes with, and the columns of `_Marks`."""


class _Arrived:
    """Messages that have the same marks in the target."""

    __slots__ = ("ids", "marks", "size")

    def __init__(self, marks: _Marks) -> None:
        self.marks = marks
        self.ids = array("q")
        self.size = 0


def _marks(source: _Source, target_id: MailboxID, verdict: Verdict, *, moved: bool) -> _Marks:
    """The marks of a message in the target mailbox."""
    flags, is_reject = flags_of_bits(source.bits), source.is_reject != 0
    orig_id, destined_id = source.orig_id, source.destined_id
    if is_reject and target_id != source.mailbox_id:
        # STORE-73: its owner took it out, so from now on it is history of the mailbox it was meant for.
        is_reject, flags = False, flags & ~Flag.SEEN
        orig_id, destined_id = destined_id or orig_id, None
    flags = flags_in_mailbox(flags, verdict)
    if moved and destined_id is not None:
        # STORE-68: out of the introbox.
        if target_id == destined_id and not flags & JUNK_BITS:
            flags |= Flag.NOTJUNK
        if target_id == destined_id or flags & JUNK_BITS:
            orig_id, destined_id = destined_id, None
    return _Marks(flags, is_reject, orig_id, destined_id)
