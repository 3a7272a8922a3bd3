"""Threads: finding the place of an arriving message (STORE-79..81, 153), and thread flags of whole branches.

A thread is identified by a ``threadid``, the id of the message that began it. Each message keeps the ids of its
ancestors, nearest first (``message.thread_parents``).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Collection, Sequence
from operator import itemgetter
from typing import Final

import msgspec

from moxlite.encoding import msgpack_decoder, to_msgpack
from moxlite.proto.mime.messageid import conversation_subject
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader, array_of, int_array
from moxlite.store.options import DAY
from moxlite.store.rows.messages import in_thread
from moxlite.store.types import MailboxID, MessageID, ThreadChanged, ThreadID, ThreadKeys

MAX_REFERENCES: Final = 200
"""References examined per message, the last ones (STORE-153)."""

LOOKED_AHEAD: Final = 3
"""References per message, the last ones, that are looked up for all messages at once: nearly all parents are among
them.
"""

MAX_PARENTS: Final = 1000
"""Depth of a thread. Each message keeps the ids of all its ancestors, so a chain that a sender extends for ever must
end: the next message begins a new thread.
"""

SAME_ID: Final = 100
"""Messages with one Message-ID that are compared by subject: copies and list duplicates are a handful, an attack is a
million (STORE-153).
"""

BEFORE: Final = 28 * DAY
AFTER: Final = DAY
"""Microseconds before and after a response without references in which its parent, a message with the same base
subject, was received: 4 weeks before to a day after (STORE-79).
"""

# ?1 Message-IDs: for each, whether orphans wait for it (STORE-195), and the oldest message that has it, if any.
LOOK: Final = """
SELECT c.value, EXISTS (SELECT 1 FROM thread_missing t WHERE t.reference = c.value), m.id, m.subject_base, m.threadid,
m.thread_muted, m.thread_collapsed, m.thread_parents
FROM carray(?) c LEFT JOIN message m ON m.id = (SELECT o.id FROM message o WHERE o.messageid = c.value ORDER BY o.id
LIMIT 1)"""
BY_REFERENCE: Final = f"""
SELECT id FROM (SELECT id, subject_base FROM message WHERE messageid = ?1 ORDER BY id LIMIT {SAME_ID})
WHERE subject_base IN (?2, ?4) OR ?3 ORDER BY id LIMIT 1"""  # noqa: S608 - a number
# The index of subjects is divided into stretches of 16,384 ids, so that a change of many messages with adjacent ids
# touches a part of it that fits into the cache (COPY and EXPUNGE of 100,000: a third of the time). The query finds the
# latest message of each stretch; a million messages have 61 stretches.
BY_SUBJECT: Final = """
WITH RECURSIVE stretch (number) AS (SELECT max(id) >> 14 FROM message UNION ALL
SELECT (SELECT id >> 14 FROM message WHERE id < number << 14 ORDER BY id DESC LIMIT 1) FROM stretch
WHERE number IS NOT NULL)
SELECT m.received, m.id FROM stretch CROSS JOIN message m ON m.id = (
SELECT o.id FROM message o INDEXED BY message_subject WHERE o.id >> 14 = number AND o.subject_base = ?1
AND o.subject_base <> '' AND o.mailbox_orig_id = ?2 AND o.received BETWEEN ?3 AND ?4 AND o.id <> ?5
AND o.id NOT BETWEEN ?6 AND ?7 ORDER BY o.received DESC, o.id DESC LIMIT 1)
ORDER BY m.received DESC, m.id DESC LIMIT 1"""
PLACE: Final = "SELECT threadid, thread_muted, thread_collapsed, thread_parents FROM message WHERE id = ?"

# ?1 an array of message ids: finds these. `_branch` adds the messages of their threads that have one as an ancestor.
BRANCH: Final = """
SELECT id, threadid FROM message WHERE id IN (SELECT value FROM carray(?1))"""
IN_THREADS: Final = f"""
SELECT m.id, m.thread_parents FROM carray(?) c CROSS JOIN message m ON {in_thread("c.value")}"""  # noqa: S608 - a constant
SET_FLAGS: Final = """
UPDATE message SET thread_muted = ?1, thread_collapsed = ?2, threadseq = ?3
WHERE id IN (SELECT value FROM carray(?4)) AND (thread_muted <> ?1 OR thread_collapsed <> ?2) RETURNING id"""
COLLAPSED: Final = "SELECT id, thread_collapsed, thread_muted FROM message WHERE id IN (SELECT value FROM carray(?))"

_parents: Final = msgpack_decoder(tuple[int, ...])


class Link(msgspec.Struct, frozen=True):
    """Place found for a message. `threadid` is None if it begins a thread, 0 if its parent waits for a thread itself
    (STORE-83). `parents` are the ids of its ancestors, nearest first.

    `missing` are the references nearer than the parent that no message has, nearest first.
    """

    threadid: ThreadID | None = None
    parents: tuple[int, ...] = ()
    missing_link: bool = False
    missing: tuple[str, ...] = ()
    muted: bool = False
    collapsed: bool = False


def pack_parents(parents: Sequence[int]) -> bytes:
    """Encode ids for the column ``message.thread_parents``."""
    return to_msgpack(tuple(parents))


class Place(msgspec.Struct, frozen=True, gc=False):
    """Place of a stored message: its thread, 0 while it waits for one, its thread flags, and the ids of its ancestors,
    nearest first.
    """

    threadid: int
    muted: bool
    collapsed: bool
    parents: tuple[int, ...]


def place_of(r: Reader, message_id: int) -> Place:
    """Read the place of an existing message."""
    row = r.row(PLACE, message_id)
    assert row is not None
    return Place(row[0], bool(row[1]), bool(row[2]), _parents.decode(row[3]))


def is_same_conversation(subject: str, other: str) -> bool:
    """Whether messages with these base subjects belong to one conversation, if one refers to the other (STORE-79)."""
    return subject == other or conversation_subject(subject)[0] == conversation_subject(other)[0]


class Links:
    """Finds the places of messages that are added to a mailbox one after the other, in one unit (STORE-79).

    The messages that they refer to are looked up for all of them by one statement. Each message is `place`d and then
    `note`d; later messages can refer to it from then on, although its rows may not be written yet (`note_place` gives
    its place then).

    Attributes:
      waited_for: Message-IDs of arriving messages for which orphans wait (STORE-195).
    """

    def __init__(self, r: Reader, mailbox_orig_id: MailboxID, arriving: Sequence[ThreadKeys]) -> None:
        self.waited_for: set[str] = set()
        self._r = r
        self._mailbox_orig_id = mailbox_orig_id
        self._own = {keys.messageid for keys in arriving if keys.messageid is not None}
        # The oldest stored message by Message-ID, and its base subject.
        self._oldest: dict[str, tuple[int, str] | None] = {}
        self._places: dict[int, Place] = {}
        # Noted messages: (id, base subject) by Message-ID, and (time, id) by base subject, sorted.
        self._noted: dict[str, list[tuple[int, str]]] = {}
        self._subjects: dict[str, list[tuple[int, int]]] = {}
        wanted = self._own.union(*(keys.references[-LOOKED_AHEAD:] for keys in arriving))
        if wanted:
            self._look(wanted)

    def _look(self, messageids: Collection[str]) -> None:
        for messageid, waited, message_id, subject_base, threadid, muted, collapsed, packed in self._r.rows(
            LOOK, array_of(tuple(messageids))
        ):
            if waited:
                self.waited_for.add(messageid)
            if message_id is None:
                self._oldest[messageid] = None
            else:
                self._oldest[messageid] = message_id, subject_base
                self._places[message_id] = Place(threadid, bool(muted), bool(collapsed), _parents.decode(packed))

    def place(self, keys: ThreadKeys, received: int) -> Link:
        """Find the place of the next message, among all stored and noted messages."""
        if keys.messageid is not None:
            # The message itself is here already, by a list or another address: both copies belong together.
            oldest = self._first(keys.messageid)
            if oldest is not None:
                return self._below(oldest[0], missing_link=True)
        missing: list[str] = []
        for reference in reversed(keys.references[-MAX_REFERENCES:]):
            if reference == keys.messageid:
                continue
            found = self._referenced(reference, keys)
            if found is not None:
                return self._below(found, missing_link=bool(missing), missing=tuple(missing))
            missing.append(reference)
        # Without references alone: strangers share subjects such as "Re: Invoice", but no references.
        if not keys.references and keys.is_response and (bare := conversation_subject(keys.subject_base)[0]):
            since, until = received - BEFORE, received + AFTER
            # A message that has other marks, too, may be answered by its whole subject.
            matches = [self._answered(subject, since, until) for subject in {keys.subject_base, bare}]
            answered = max((match for match in matches if match is not None), default=None)
            if answered is not None:
                return self._below(answered[1], missing_link=True)
        return Link(missing_link=bool(missing), missing=tuple(missing))

    def note(self, message_id: MessageID, keys: ThreadKeys, received: int, link: Link) -> None:
        """Note a placed message, so that later ones find it."""
        if keys.messageid is not None:
            self._noted.setdefault(keys.messageid, []).append((message_id, keys.subject_base))
        if keys.subject_base:
            insort(self._subjects.setdefault(keys.subject_base, []), (received, message_id))
        if link.missing:
            self.waited_for.update(self._own.intersection(link.missing))

    def note_place(self, message_id: MessageID, threadid: ThreadID, link: Link) -> None:
        """Note the place of a message whose rows are not written yet."""
        self._places[message_id] = Place(threadid, link.muted, link.collapsed, link.parents)

    def forget_places(self) -> None:
        """Forget all places: rows were written and threads changed, so they must be read from the database."""
        self._places.clear()

    def _first(self, messageid: str) -> tuple[int, str] | None:
        """Find the oldest message with this Message-ID, and its base subject."""
        if messageid not in self._oldest:
            self._look((messageid,))
        oldest = self._oldest[messageid]
        if oldest is None and messageid in self._noted:
            oldest = self._noted[messageid][0]
        return oldest

    def _referenced(self, reference: str, keys: ThreadKeys) -> int | None:
        """Find the oldest message with this Message-ID whose subject fits."""
        first = self._first(reference)
        if first is None:
            return None
        if keys.dsn or is_same_conversation(first[1], keys.subject_base):
            return first[0]
        if self._oldest[reference] is not None:
            thread: int | None = self._r.value(
                BY_REFERENCE, reference, keys.subject_base, keys.dsn, conversation_subject(keys.subject_base)[0]
            )
            if thread is not None:
                return thread
        for message_id, subject_base in self._noted.get(reference, ())[:SAME_ID]:
            if is_same_conversation(subject_base, keys.subject_base):
                return message_id
        return None

    def _answered(self, subject_base: str, since: int, until: int) -> tuple[int, int] | None:
        """Find the latest message with this subject within the time (µs UTC): when it was received, and its id."""
        latest: tuple[int, int] | None = self._r.row(
            BY_SUBJECT, subject_base, self._mailbox_orig_id, since, until, 0, 0, 0
        )
        noted = self._subjects.get(subject_base, [])
        at = bisect_right(noted, until, key=itemgetter(0)) - 1
        if at >= 0 and noted[at][0] >= since:
            latest = noted[at] if latest is None else max(latest, noted[at])
        return latest

    def _below(self, parent_id: int, *, missing_link: bool, missing: tuple[str, ...] = ()) -> Link:
        """Make the link to a parent, with the thread flags inherited from it (STORE-81)."""
        parent = self._places.get(parent_id)
        if parent is None:
            parent = self._places[parent_id] = place_of(self._r, parent_id)
        # The parent waits for its own thread (STORE-83): the message waits with it, and step 2 places both.
        if not parent.threadid:
            return Link(ThreadID(0))
        if len(parent.parents) >= MAX_PARENTS:
            return Link(missing_link=True)
        above = (parent_id, *parent.parents)
        return Link(ThreadID(parent.threadid), above, missing_link, missing, parent.muted, parent.collapsed)


def set_thread_flags(
    tx: AccountTx, ids: Sequence[int], *, muted: bool | None = None, collapsed: bool | None = None
) -> list[MessageID]:
    """Mute or collapse messages with all below them; muting also collapses (STORE-81). Returns the changed messages.

    None leaves a flag as it is. Changes threadseq but not modseq, so IMAP clients do not see the change (STORE-30).
    """
    if muted:
        collapsed = True
    branch = _branch(tx, ids)
    if not branch:
        return []
    # Grouped by the new values, so that each event has one pair of them.
    groups: dict[tuple[bool, bool], list[int]] = {}
    for message_id, was_collapsed, was_muted in tx.rows(COLLAPSED, int_array(branch)):
        after = (bool(was_muted) if muted is None else muted, bool(was_collapsed) if collapsed is None else collapsed)
        if after != (bool(was_muted), bool(was_collapsed)):
            groups.setdefault(after, []).append(message_id)
    changed: list[MessageID] = []
    for (is_muted, is_collapsed), members in groups.items():
        done = [
            MessageID(row[0]) for row in tx.rows(SET_FLAGS, is_muted, is_collapsed, tx.modseq(), int_array(members))
        ]
        changed += done
        tx.emit(ThreadChanged(message_ids=tuple(done), muted=is_muted, collapsed=is_collapsed))
    return changed


def _branch(r: Reader, ids: Sequence[int]) -> list[int]:
    """Find the messages of `ids` that exist, and all below them."""
    rows = r.rows(BRANCH, int_array(ids)) if ids else []
    tops = {message_id for message_id, _ in rows}
    if not tops:
        return []
    threads = {threadid for _, threadid in rows}
    return [
        message_id
        for message_id, packed in r.rows(IN_THREADS, int_array(threads))
        if message_id in tops or not tops.isdisjoint(_parents.decode(packed))
    ]
