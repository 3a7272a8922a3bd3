"""The end of an import: staged messages appear, all of them or none (STORE-121, 122, 127).

Theory of operation
-------------------
A small import appears in one unit. A larger one appears in units of a tenth of a second, so that deliveries and
sessions go on in between:

1. `prepare` makes the mailboxes, and checks that all of the import has room.
2. `appear` writes the narrow row of each message with its indices; the content was written while staging. Until its
   thread is known, a message is a thread of its own.
3. `place` puts the messages into threads. A parent may have any place in the import, so all rows come first.
4. `adopt` puts orphans that were there before below messages of the import, and `follow` mends the places of messages
   that were delivered or copied since `prepare`, whose parents have moved.
5. `confirm` of `mail.staging` lets them stay.

Whatever ends it before, a failure, a user or a crash, takes back what has appeared (`mail.staging.drop_staged`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.encoding import msgpack_decoder
from moxlite.proto.mime.types import decode_structure
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import ImportFailed, NoSuchMailbox
from moxlite.store.file.transaction import Reader, Tx, int_array
from moxlite.store.junkflags import Verdict, classify, flags_in_mailbox
from moxlite.store.mail.counts import Delta, add_size, apply_delta, learn_keywords, next_message_id, take_uids
from moxlite.store.mail.mailboxes import ensure_mailbox
from moxlite.store.mail.recipients import add_recipients
from moxlite.store.mail.staging import NEW_MAILBOX, Job, check_room
from moxlite.store.mail.threadlinks import MAX_PARENTS, pack_parents, place_of
from moxlite.store.mail.threads import SET_PLACE, Keys, ThreadPlacement, adopt_orphans, tell_placed
from moxlite.store.rows.mailboxes import mailbox, mailboxes, split_keywords
from moxlite.store.rows.messages import flags_of_bits
from moxlite.store.types import UID, Flag, Mailbox, MailboxID, MessageAdded, MessageID, SpecialUse, ThreadKeys

UNIT_SECONDS: Final = 0.1
"""Seconds of a unit of unknown cost, after which units of other callers go first."""

CACHE_KIB: Final = 32 << 10
"""KiB of page cache while a unit runs: the indices of message ids and subjects are written all over; 100 000 keys of
50 octets are 8 MB."""

SLICE: Final = 500
"""Messages that appear, or are placed in threads, in one unit: 0.02 s."""

AT_ONCE: Final = 1_000
"""Messages up to which an import appears in one unit: 0.1 s, of as many rows as a unit may have events (STORE-34)."""

LOOKED_THROUGH: Final = 5_000
"""Messages in which a unit looks for parents of orphans: 20 ms."""

JUNK_BITS: Final = int(Flag.JUNK | Flag.NOTJUNK)

MAP: Final = """
INSERT INTO import_mailbox (id, mailbox_id, last_uid, flags_kept, flags_set) VALUES (?, ?, ?, ?, ?)"""
MAPPED: Final = "SELECT id, mailbox_id FROM import_mailbox WHERE id >= 0"
OCTETS: Final = "SELECT coalesce(sum(size), 0) FROM import_message"
LAST: Final = "SELECT max(id) FROM import_message"
# ?1, ?2: ids of the first and last messages
COUNTS: Final = """
SELECT i.mailbox, (i.flags & b.flags_kept) | b.flags_set, count(*), sum(i.size) FROM import_message i
JOIN import_mailbox b ON b.id = i.mailbox WHERE i.id BETWEEN ?1 AND ?2 GROUP BY 1, 2"""
KEYWORDS: Final = """
SELECT id, mailbox, keywords FROM import_message WHERE id BETWEEN ?1 AND ?2 AND keywords <> ''"""
APPEAR: Final = """
INSERT INTO message (id, mailbox_id, uid, createseq, modseq, threadseq, body_id, email_id, size, received,
received_offset, savedate, flags, keywords, dsn, mailbox_orig_id, messageid, subject_base, threadid)
SELECT i.id, b.mailbox_id, x.uidnext - 1 + row_number() OVER (PARTITION BY b.mailbox_id ORDER BY i.id), ?3, ?3, ?3,
i.body_id, i.id, i.size, i.received, i.received_offset, ?4, (i.flags & b.flags_kept) | b.flags_set, i.keywords, i.dsn,
b.mailbox_id, i.messageid, i.subject_base, i.id
FROM import_message i JOIN import_mailbox b ON b.id = i.mailbox JOIN mailbox x ON x.id = b.mailbox_id
WHERE i.id BETWEEN ?1 AND ?2 ORDER BY i.id"""
HAND_OVER: Final = "UPDATE import_message SET body_id = 0 WHERE id BETWEEN ?1 AND ?2"
"""The message has the reference to the body from now on (`mail.staging`)."""

INSERT_KEYWORD: Final = "INSERT INTO message_keyword (keyword, message_id) VALUES (?, ?)"
SENT: Final = """
SELECT i.id, s.structure, i.received FROM import_message i JOIN message_info s ON s.email_id = i.id
WHERE i.mailbox = ?3 AND i.id BETWEEN ?1 AND ?2"""
ADDED: Final = """
SELECT m.uid, m.id, m.mailbox_id, m.flags, m.keywords FROM message m WHERE m.id BETWEEN ?1 AND ?2
ORDER BY m.mailbox_id, m.uid"""
# Without those that were removed meanwhile
THREAD_KEYS: Final = """
SELECT i.id, i.messageid, i.refs, i.subject_base, i.is_response, i.dsn, b.mailbox_id, i.received FROM import_message i
JOIN import_mailbox b ON b.id = i.mailbox WHERE i.id BETWEEN ? AND ?
AND EXISTS (SELECT 1 FROM message m WHERE m.id = i.id) ORDER BY i.id"""
ANSWERS: Final = "SELECT id FROM message WHERE id IN (SELECT value FROM carray(?)) AND threadid <> id"
# ?1: id of the first message of the import; ?2, ?3: where to look
AWAITED: Final = """
SELECT i.id, i.messageid, i.refs = x'90' FROM import_message i WHERE i.id BETWEEN ?2 AND ?3
AND EXISTS (SELECT 1 FROM thread_missing t WHERE t.reference = i.messageid AND t.email_id < ?1)
AND EXISTS (SELECT 1 FROM message m WHERE m.id = i.id) ORDER BY i.id"""
SINCE: Final = """
SELECT id, email_id, messageid FROM message WHERE id >= ? AND id < ? AND threadid <> 0 ORDER BY id LIMIT ?"""
EXISTS: Final = "SELECT EXISTS (SELECT 1 FROM message WHERE id = ?)"
AGAIN: Final = """
SELECT count(*) FROM import_message i JOIN import_mailbox b ON b.id = i.mailbox WHERE EXISTS (SELECT 1 FROM message m
WHERE m.mailbox_id = b.mailbox_id AND m.received = i.received AND m.body_id = i.body_id AND m.id < i.id)"""
"""Messages of an import that their mailbox has, with the same octets and time of arrival."""

_references: Final = msgpack_decoder(tuple[str, ...])


class Target(msgspec.Struct, frozen=True):
    """A mailbox of the import: its number in the job, its name, and how many messages it gets."""

    number: int
    name: str
    messages: int


class Staged(msgspec.Struct, frozen=True):
    """The messages of a job, whose ids follow each other; `since` is the id that the next delivery gets."""

    first: MessageID
    last: MessageID
    since: MessageID

    @property
    def messages(self) -> int:
        """Number of messages."""
        return self.last + 1 - self.first


def at_home(r: Reader, home: MailboxID | None, targets: Sequence[Target]) -> Sequence[Target]:
    """The targets under the name that their mailbox has now; unchanged without one, and for one that is gone."""
    try:
        return (
            targets if home is None else [msgspec.structs.replace(one, name=mailbox(r, home).name) for one in targets]
        )
    except NoSuchMailbox:
        return targets


def prepare(tx: AccountTx, job: Job, targets: Sequence[Target]) -> Staged:
    """Make the mailboxes, subscribed, also those that get no messages.

    Raises:
      OverQuota, LimitExceeded, ImportFailed: nothing is changed.
    """
    staged = Staged(job.first_id, MessageID(tx.value(LAST) or job.first_id - 1), next_message_id(tx))
    check_gap(tx, staged)
    check_room(tx, tx.value(OCTETS))
    before = {box.id for box in mailboxes(tx)}
    for target in targets:
        box = ensure_mailbox(tx, target.name)
        verdict = classify(tx.config.junk_flags, box.name, box.special_use)
        kept = -1 if verdict is Verdict.UNCHANGED else ~JUNK_BITS
        last_uid = box.uidnext - 1 if box.id in before else NEW_MAILBOX
        tx.execute(MAP, target.number, box.id, last_uid, kept, int(flags_in_mailbox(Flag(0), verdict)))
        before.add(box.id)
    for box in mailboxes(tx):
        if box.id not in before:  # a parent that was made with one
            tx.execute(MAP, -box.id, box.id, NEW_MAILBOX, 0, 0)
    return staged


def check_gap(tx: AccountTx, staged: Staged) -> None:
    """Raise ImportFailed if new mail has used up the ids that were left for it."""
    if next_message_id(tx) >= staged.first:
        raise ImportFailed("too many messages arrived during the import; start the import again")


def appear(tx: AccountTx, staged: Staged, first: int, last: int) -> None:
    """Make messages visible, each as a thread of its own.

    Raises:
      OverQuota, UidsExhausted, LimitExceeded, ImportFailed: nothing is changed. NoSuchMailbox: a mailbox was deleted.
    """
    check_gap(tx, staged)
    with tx.cache(CACHE_KIB):
        boxes = {number: mailbox(tx, MailboxID(mailbox_id)) for number, mailbox_id in tx.rows(MAPPED)}
        tx.execute(APPEAR, first, last, tx.modseq(), tx.now)
        words = _keywords(tx, first, last)
        _count(tx, boxes, words, first, last)
        for number, box in boxes.items():
            if box.special_use & SpecialUse.SENT:
                _recipients(tx, number, first, last)
        tx.execute(HAND_OVER, first, last)
    _tell(tx, first, last)


def _keywords(tx: Tx, first: int, last: int) -> dict[int, frozenset[str]]:
    """Write the keywords of messages; returns the keywords of each mailbox, by its number."""
    rows = [
        (message_id, number, split_keywords(column)) for message_id, number, column in tx.rows(KEYWORDS, first, last)
    ]
    of_mailboxes: dict[int, set[str]] = {}
    for _, number, words in rows:
        of_mailboxes.setdefault(number, set()).update(words)
    tx.executemany(INSERT_KEYWORD, [(word, message_id) for message_id, _, words in rows for word in words])
    return {number: frozenset(words) for number, words in of_mailboxes.items()}


def _count(tx: AccountTx, boxes: dict[int, Mailbox], words: dict[int, frozenset[str]], first: int, last: int) -> None:
    deltas: dict[int, Delta] = {}
    messages: dict[int, int] = {}
    size = 0
    for number, bits, count, octets in tx.rows(COUNTS, first, last):
        deltas.setdefault(number, Delta()).add(flags_of_bits(bits), octets, count)
        messages[number] = messages.get(number, 0) + count
        size += octets
    add_size(tx, size)
    for number, delta in deltas.items():
        take_uids(tx, boxes[number].id, messages[number])
        learn_keywords(tx, apply_delta(tx, boxes[number].id, delta), words.get(number, frozenset()))


def _recipients(tx: Tx, number: int, first: int, last: int) -> None:
    """Store the recipients of the messages in a Sent mailbox (STORE-95)."""
    for message_id, packed, received in tx.iterate(SENT, first, last, number):
        envelope = decode_structure(packed).envelope
        sent = received if envelope.date is None else envelope.date
        add_recipients(tx, message_id, envelope.to + envelope.cc + envelope.bcc, sent)


def place(tx: AccountTx, staged: Staged, placed: bytearray, start: int, *, tell: bool = True) -> tuple[list[int], int]:
    """Place `SLICE` messages in threads (STORE-82), from the id `start`, and before them all ancestors that have no
    thread yet; returns the ids of those placed, and where to go on.

    Args:
      placed: for each message of the import, whether it has been placed; the caller notes this unit's messages.
      tell: subscribers know the messages already.
    """
    end = min(start + SLICE, staged.last + 1)
    near = _thread_keys(tx, start, end - 1)
    ids: set[int] = set()

    def keys(message_id: int) -> Keys:
        return near[message_id] if message_id in near else _thread_keys(tx, message_id, message_id)[message_id]

    def waits(message_id: int) -> bool:
        return message_id >= staged.first and not placed[message_id - staged.first] and message_id not in ids

    # What came since `prepare` has a lower id, but is younger: a copy of a message would be taken for its parent.
    later = staged.since, staged.first - 1
    placing = ThreadPlacement(tx, keys, waits, thread_is_set=True, later=later)
    threads = [one.thread for one in near.values()]
    messageids = [thread.messageid for thread in threads if thread.messageid is not None]
    placing.look_ahead([*messageids, *(thread.references[-1] for thread in threads if thread.references)])
    for message_id in near:
        if waits(message_id):
            ids.update(placing.place(message_id))
    placing.flush()
    if tell and ids:
        answers = [row[0] for row in tx.rows(ANSWERS, int_array(sorted(ids)))]
        for at in range(0, len(answers), SLICE):
            tell_placed(tx, answers[at : at + SLICE])
    return list(ids), end


def _thread_keys(r: Reader, first: int, last: int) -> dict[int, Keys]:
    return {
        message_id: Keys(
            ThreadKeys(messageid, _references.decode(refs), subject_base, bool(is_response), bool(dsn)),
            MailboxID(mailbox_id),
            received,
        )
        for message_id, messageid, refs, subject_base, is_response, dsn, mailbox_id, received in r.rows(
            THREAD_KEYS, first, last
        )
    }


def adopt(tx: AccountTx, staged: Staged, start: int) -> int:
    """Put orphans that waited for messages of the import below them (STORE-195), from the id `start`; returns where to
    go on.
    """
    until = time.monotonic() + UNIT_SECONDS
    end = min(start + LOOKED_THROUGH, staged.last + 1)
    for message_id, messageid, without in tx.rows(AWAITED, staged.first, start, end - 1):
        adopt_orphans(tx, message_id, messageid, by_subject=bool(without))
        if time.monotonic() > until:
            return int(message_id) + 1
    return end


def follow(tx: AccountTx, staged: Staged, start: int) -> int:
    """Mend the places of messages delivered or copied since `prepare`, from the id `start`, whose ancestors in the
    import were placed after them, and put orphans of the import below them. Returns where to go on.
    """
    rows = tx.rows(SINCE, start, staged.first, SLICE)
    moved = [message_id for message_id, email_id, _ in rows if _follow(tx, staged, message_id, email_id)]
    if moved:
        tell_placed(tx, moved)
    for message_id, email_id, messageid in rows:
        if message_id == email_id:
            adopt_orphans(tx, message_id, messageid)
    return rows[-1][0] + 1 if len(rows) == SLICE else staged.first


def _follow(tx: AccountTx, staged: Staged, message_id: int, email_id: int) -> bool:
    now = place_of(tx, message_id)
    top = email_id if email_id >= staged.first else now.parents[0] if now.parents else 0
    if top < staged.since or not tx.value(EXISTS, top):
        return False
    above = place_of(tx, top)
    parents = above.parents if top == email_id else (top, *above.parents)
    if (above.threadid, parents) == (now.threadid, now.parents) or len(parents) > MAX_PARENTS:
        return False
    tx.execute(SET_PLACE, above.threadid, pack_parents(parents), tx.modseq(), message_id)
    return True


def _tell(tx: AccountTx, first: int, last: int) -> None:
    exists: dict[int, tuple[int, int]] = {}
    for uid, message_id, mailbox_id, bits, keywords in tx.rows(ADDED, first, last):
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
