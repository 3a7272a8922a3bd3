"""Threads of many messages at once, and adoption of messages whose parents arrive late (STORE-82, 83, 195).

The place of one arriving message is found by `threadlinks`. Two other ways to a thread are here:

- *Bulk.* Messages in the account without a thread, after an import or during an upgrade, are placed by the same rules
  among all messages. A message whose parent has no thread yet waits for it; in a remaining cycle, the message with the
  lowest id begins the thread.
- *Lazy parents.* Unresolved references are kept in table ``thread_missing``. When the message that they name arrives,
  the orphans join it, with all below them, in the unit that adds it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import msgspec

from moxlite.encoding import msgpack_decoder, to_json
from moxlite.proto.mime.messageid import base_subject, canonical_message_id, conversation_subject, references
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader, Tx, array_of, int_array, portion
from moxlite.store.mail.fetching import section_of
from moxlite.store.mail.threadlinks import (
    AFTER,
    BEFORE,
    BY_SUBJECT,
    MAX_PARENTS,
    MAX_REFERENCES,
    SAME_ID,
    Place,
    is_same_conversation,
    pack_parents,
    place_of,
)
from moxlite.store.rows.messages import in_thread
from moxlite.store.types import MailboxID, MessageID, ThreadChanged, ThreadID, ThreadKeys

logger = logging.getLogger("moxlite.store.threads")

MAX_ADOPTED: Final = 200
"""Messages that one arriving message may change (STORE-195): each is a row of 2 kB."""

MAX_THREAD: Final = 4_000
"""Messages up to which a thread is searched for the descendants of one of them."""

ROW: Final = 64
"""Cost of reading a row, in octets of `thread_parents` that take as long."""

WAITING: Final = 1_000
"""Orphans of one reference to examine, oldest first. A million messages may have the same reference."""

LOOKED_THROUGH: Final = 4 << 20
"""Octets of `thread_parents` that one arriving message may have read: 50 ms. Threads of thousands of messages, each a
thousand deep, have 20 MB, and each orphan in them would read all of it again.
"""

MISSING_KEPT: Final = 10
"""Number of unresolved references kept per message, nearest first. A parent that arrives later is rarely further up."""

UNIT_MESSAGES: Final = 1_000
"""Messages per unit of an upgrade (STORE-83)."""

TOLD: Final = 500
"""Messages per event of a changed thread."""

REMEMBERED: Final = 1_000
"""Messages whose place is cached while many are placed: answers are usually close to their questions."""

SETTLED: Final = 500
"""Messages whose places are written by one statement, before they leave the cache: each statement releases the GIL, and
may wait for it (design-facts §2). With `look_ahead`, a message takes 30 µs instead of 60.
"""

DONE: Final = 2
"""Value of `state.threads_step` once the account's threads are complete."""

_parents: Final = msgpack_decoder(tuple[int, ...])

NOTE_MISSING: Final = (
    "INSERT INTO thread_missing (reference, email_id, distance) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
)
# Of an email that had no row in thread_missing with such references. The row is long: it is seldom written anew.
NAME_MISSING: Final = """
UPDATE message_header SET missing = (SELECT json_group_array(value)
FROM (SELECT value FROM json_each(missing) UNION SELECT value FROM json_each(?2)))
WHERE email_id = ?1 AND EXISTS (SELECT value FROM json_each(?2) EXCEPT SELECT value FROM json_each(missing))"""
FORGET: Final = """
DELETE FROM thread_missing WHERE email_id = ?1 AND distance >= ?2
AND reference IN (SELECT j.value FROM message_header h CROSS JOIN json_each(h.missing) j WHERE h.email_id = ?1)"""
EMAIL_ID: Final = "SELECT email_id FROM message WHERE id = ?"
# ?1 a reference, ?2 the message that has it as Message-ID: orphans, with their copies, and both subjects.
ORPHANS: Final = f"""
SELECT m.id, t.email_id, t.distance, x.subject_base, m.subject_base, m.dsn FROM message x CROSS JOIN
(SELECT email_id, distance FROM thread_missing WHERE reference = ?1 ORDER BY email_id LIMIT {WAITING}) t
CROSS JOIN message m WHERE x.id = ?2 AND m.id IN (SELECT t.email_id UNION ALL
SELECT c.id FROM message c WHERE c.email_id = t.email_id AND c.email_id <> c.id) AND m.id <> ?2 AND m.threadid <> 0
ORDER BY t.email_id LIMIT {WAITING}"""  # noqa: S608 - a number
SIZE_OF_THREAD: Final = f"""
SELECT count(*), sum(length(thread_parents)) FROM (SELECT thread_parents FROM message m WHERE {in_thread("?1")}
LIMIT ?2)"""  # noqa: S608 - a constant
OF_THREAD: Final = f"""
SELECT id, thread_muted, thread_collapsed, thread_parents FROM message m WHERE {in_thread("?1")}
ORDER BY id LIMIT ?2"""  # noqa: S608 - a constant
SET_PLACE: Final = "UPDATE message SET threadid = ?, thread_parents = ?, threadseq = ? WHERE id = ?"
SET_MISSING: Final = "UPDATE message SET thread_missing_link = ? WHERE id = ?"


def missing_rows(email_id: int, missing: Sequence[str]) -> list[tuple[str, int, int]]:
    """Make rows for `NOTE_MISSING`: the unresolved references of a message, nearest first."""
    return [(reference, email_id, distance) for distance, reference in enumerate(missing[:MISSING_KEPT])]


def missing_names(missing: Sequence[str]) -> str | None:
    """Encode references for the column ``message_header.missing``, which leads from an email to its rows."""
    return to_json(missing).decode() if missing else None


# Lazy parents


def adopt_orphans(
    tx: AccountTx, message_id: int, messageid: str | None, *, by_subject: bool = False
) -> ThreadID | None:
    """Put the orphans that wait for a message below it (STORE-195); returns its thread, None if there were no orphans.

    `by_subject`: its own place was found by its subject alone, and may be below a message that names it as a parent.

    A message without a parent joins the thread of its first orphan, in the place of the orphan's missing parent. At
    most 200 messages are changed, and 4 MiB of parents read; further orphans stay where they are.
    """
    if messageid is None:
        return None
    orphans = [
        (orphan_id, email_id, distance)
        for orphan_id, email_id, distance, subject, orphan_subject, dsn in tx.rows(ORPHANS, messageid, message_id)
        if dsn or is_same_conversation(subject, orphan_subject)
    ][:MAX_ADOPTED]
    if not orphans:
        return None
    branches = _Branches(tx)
    for orphan_id, email_id, distance in orphans:
        ours, theirs = place_of(tx, message_id), place_of(tx, orphan_id)
        below = orphan_id in ours.parents
        if not ours.threadid or message_id in theirs.parents or (below and not by_subject):
            continue
        if below or (not ours.parents and (theirs.threadid != ours.threadid or theirs.parents)):
            if not branches.move(message_id, theirs.parents, theirs.threadid):
                break
            ours = place_of(tx, message_id)
        if not branches.move(orphan_id, (message_id, *ours.parents), ours.threadid):
            break
        tx.execute(FORGET, email_id, distance)
        tx.execute(SET_MISSING, distance > 0, orphan_id)
    branches.tell(message_id)
    return ThreadID(place_of(tx, message_id).threadid)


class _Branches:
    """Moves messages with all below them, within the limits of one unit."""

    def __init__(self, tx: AccountTx) -> None:
        self._tx = tx
        self._changed: dict[int, tuple[bool, bool]] = {}
        self._room = LOOKED_THROUGH

    def move(self, top: int, parents: tuple[int, ...], threadid: int) -> bool:
        """Move a message with all below it, so that its ancestors are `parents`; returns False, with nothing done, if
        that would change too many messages.
        """
        tx = self._tx
        # All checks come before the first change: a move is whole or not at all.
        if len(parents) > MAX_PARENTS:
            return False
        now = place_of(tx, top)
        count, octets = tx.rows(SIZE_OF_THREAD, now.threadid, MAX_THREAD)[0]
        self._room -= octets + count * ROW
        if count == MAX_THREAD or self._room < 0:
            return False  # even looking through it is too much for a delivery
        rows = tx.rows(OF_THREAD, now.threadid, MAX_THREAD)
        branch = []
        for message_id, muted, collapsed, packed in rows:
            above = _parents.decode(packed)
            if message_id == top:
                branch.append((message_id, muted, collapsed, parents))
            elif top in above:
                new = above[: above.index(top) + 1] + parents
                if len(new) > MAX_PARENTS or not set(above[: above.index(top) + 1]).isdisjoint(parents):
                    return False
                branch.append((message_id, muted, collapsed, new))
        if len(self._changed.keys() | {row[0] for row in branch}) > MAX_ADOPTED:
            return False
        for message_id, muted, collapsed, above in branch:
            tx.execute(SET_PLACE, threadid, pack_parents(above), tx.modseq(), message_id)
            self._changed[message_id] = bool(muted), bool(collapsed)
        return True

    def tell(self, arrived: int) -> None:
        """Emit the changed messages, except the one that has just arrived."""
        groups: dict[tuple[bool, bool], list[MessageID]] = {}
        for message_id, flags in self._changed.items():
            if message_id != arrived:
                groups.setdefault(flags, []).append(MessageID(message_id))
        for (muted, collapsed), ids in groups.items():
            self._tx.emit(ThreadChanged(message_ids=tuple(ids), muted=muted, collapsed=collapsed))


# Bulk


class _Match(msgspec.Struct, frozen=True):
    """Result of matching a message: `parent` is None for a message that begins a thread; `missing` as in
    `threadlinks.Link`.
    """

    parent: int | None = None
    missing_link: bool = False
    missing: tuple[str, ...] = ()


class Keys(msgspec.Struct, frozen=True):
    """Fields of a stored message that determine its thread; `received` in µs UTC."""

    thread: ThreadKeys
    mailbox_orig_id: MailboxID
    received: int


# The last two arguments of each: ids between which no message is a parent.
OLDEST: Final = """
SELECT id, subject_base FROM message WHERE messageid = ? AND id NOT BETWEEN ? AND ? ORDER BY id LIMIT 1"""
OLDEST_OF: Final = """
SELECT c.value, m.id, m.subject_base FROM carray(?1) c CROSS JOIN message m ON m.id = (SELECT o.id FROM message o
WHERE o.messageid = c.value AND o.id NOT BETWEEN ?2 AND ?3 ORDER BY o.id LIMIT 1)"""
REFERENCED: Final = f"""
SELECT id FROM (SELECT id, subject_base FROM message WHERE messageid = ?1 AND id NOT BETWEEN ?6 AND ?7
ORDER BY id LIMIT {SAME_ID})
WHERE id <> ?4 AND (subject_base IN (?2, ?5) OR ?3) ORDER BY id LIMIT 1"""  # noqa: S608 - a number
# ?1: JSON, for each message its id, thread, missing link, muted, collapsed, and packed parents in hexadecimal.
SETTLE: Final = """
UPDATE message SET threadid = j.value ->> 1, thread_missing_link = j.value ->> 2, thread_muted = j.value ->> 3,
thread_collapsed = j.value ->> 4, thread_parents = unhex(j.value ->> 5)
FROM json_each(?1) j WHERE message.id = j.value ->> 0"""


class ThreadPlacement:
    """Places messages that have no thread yet, in one unit; `flush` ends it (STORE-82).

    Args:
      keys: reads the fields that determine a message's thread.
      waits: whether a message has no thread yet; it is not asked about messages placed recently.
      thread_is_set: the rows of messages have their own id as thread already, so a message that begins a thread need
        not be written.
      later: the first and last ids of messages that came after those to place, and aren't parents of them.
    """

    def __init__(
        self,
        tx: Tx,
        keys: Callable[[int], Keys],
        waits: Callable[[int], bool],
        *,
        thread_is_set: bool = False,
        later: tuple[int, int] = (0, 0),
    ) -> None:
        self._tx = tx
        self._keys = keys
        self._waits = waits
        self._thread_is_set = thread_is_set
        self._later = later
        self._placed: dict[int, Place] = {}
        self._unwritten: list[tuple[int, int, int, int, int, str]] = []
        self._oldest: dict[str, tuple[int, str] | None] = {}

    def look_ahead(self, messageids: Sequence[str]) -> None:
        """Look up the messages with these Message-IDs at once, as they are likely needed next. All messages must be
        stored by then.
        """
        self._oldest = dict.fromkeys(messageids)
        if self._oldest:
            for messageid, message_id, subject_base in self._tx.rows(
                OLDEST_OF, array_of(tuple(self._oldest)), *self._later
            ):
                self._oldest[messageid] = message_id, subject_base

    def flush(self) -> None:
        """Write the places that are not written yet."""
        if self._unwritten:
            self._tx.execute(SETTLE, to_json(self._unwritten).decode())
            self._unwritten.clear()

    def place(self, message_id: int) -> list[int]:
        """Place a message, and before it all ancestors that have no thread yet; returns the ids of all placed."""
        chain: list[int] = []
        position: dict[int, int] = {}
        matches: list[_Match] = []
        current = message_id
        while True:
            position[current] = len(chain)
            chain.append(current)
            match = self._match(current)
            matches.append(match)
            if match.parent is None or match.parent in self._placed or not self._waits(match.parent):
                order: Iterable[int] = range(len(chain) - 1, -1, -1)
                break
            if match.parent in position:
                first = position[match.parent]
                lowest = min(range(first, len(chain)), key=chain.__getitem__)
                # The lowest id does not depend on where the walk began, so a repeated import gives the same threads.
                matches[lowest] = _Match(missing_link=True)
                order = (
                    *range(lowest, first - 1, -1),
                    *range(len(chain) - 1, lowest, -1),
                    *range(first - 1, -1, -1),
                )
                break
            current = match.parent
        for index in order:
            self._settle(chain[index], matches[index])
        return chain

    def _match(self, message_id: int) -> _Match:
        """Find the parent by the rules of STORE-79, among all messages, with or without a thread."""
        tx, keys = self._tx, self._keys(message_id)
        thread = keys.thread
        if thread.messageid is not None:
            oldest = self._find(thread.messageid)
            if oldest is not None and oldest[0] != message_id:
                return _Match(oldest[0], missing_link=True)
        bare, _ = conversation_subject(thread.subject_base)
        missing: list[str] = []
        for reference in reversed(thread.references[-MAX_REFERENCES:]):
            if reference == thread.messageid:
                continue
            first = self._find(reference)
            found = None if first is None else first[0]
            if first is not None and (
                found == message_id or not (thread.dsn or is_same_conversation(first[1], thread.subject_base))
            ):
                found = tx.value(REFERENCED, reference, thread.subject_base, thread.dsn, message_id, bare, *self._later)
            if found is not None:
                return _Match(found, bool(missing), tuple(missing))
            missing.append(reference)
        if not thread.references and thread.is_response and bare:
            since, until = keys.received - BEFORE, keys.received + AFTER
            rows = [
                tx.row(BY_SUBJECT, subject, keys.mailbox_orig_id, since, until, message_id, *self._later)
                for subject in {thread.subject_base, bare}
            ]
            answered = max((row for row in rows if row is not None), default=None)
            if answered is not None:
                return _Match(answered[1], missing_link=True)
        return _Match(None, bool(missing), tuple(missing))

    def _find(self, messageid: str) -> tuple[int, str] | None:
        """Find the oldest message with this Message-ID, and its base subject."""
        if messageid in self._oldest:
            return self._oldest[messageid]
        row = self._tx.row(OLDEST, messageid, *self._later)
        return None if row is None else (row[0], row[1])

    def _settle(self, message_id: int, match: _Match) -> None:
        tx = self._tx
        place = Place(message_id, False, False, ())
        missing_link = match.missing_link
        if match.parent is not None:
            above = self._placed.get(match.parent)
            if above is None:
                # It may have left the cache and not be written: messages that begin a thread fill the cache alone.
                self.flush()
                above = place_of(tx, match.parent)
            if len(above.parents) < MAX_PARENTS:
                place = Place(above.threadid, above.muted, above.collapsed, (match.parent, *above.parents))
            else:
                missing_link = True
        if place.parents or missing_link or not self._thread_is_set:
            packed = pack_parents(place.parents).hex()
            self._unwritten.append(
                (message_id, place.threadid, int(missing_link), int(place.muted), int(place.collapsed), packed)
            )
            if len(self._unwritten) >= SETTLED:
                self.flush()
        if match.missing:
            email_id = tx.value(EMAIL_ID, message_id)
            tx.executemany(NOTE_MISSING, missing_rows(email_id, match.missing))
            tx.execute(NAME_MISSING, email_id, missing_names(match.missing))
        # The oldest goes: messages are placed by rising id, and answers are near their questions.
        if len(self._placed) >= REMEMBERED:
            self._placed.pop(next(iter(self._placed)))
        self._placed[message_id] = place


# Upgrade

STEP: Final = "SELECT s.threads_step, coalesce(u.position, 0) FROM state s LEFT JOIN upgrade u ON u.name = 'threads'"
BEGIN: Final = """
INSERT INTO upgrade (name, position, total, started) SELECT 'threads', 0, count(*), ? FROM message WHERE true
ON CONFLICT (name) DO UPDATE SET position = 0, total = excluded.total, started = excluded.started"""
SET_STEP: Final = "UPDATE state SET threads_step = ? WHERE id = 1"
SET_POSITION: Final = "UPDATE upgrade SET position = ? WHERE name = 'threads'"
TOTAL: Final = "SELECT total FROM upgrade WHERE name = 'threads'"
END: Final = "DELETE FROM upgrade WHERE name = 'threads'"
NEXT: Final = """
SELECT m.id, h.header, coalesce(i.structure, x'') FROM message m CROSS JOIN message_header h ON h.email_id = m.email_id
LEFT JOIN message_info i ON i.email_id = m.email_id WHERE m.id > ?
ORDER BY m.id LIMIT ?"""
WITHOUT: Final = """
SELECT id FROM message INDEXED BY message_threadid WHERE threadid = 0 AND threadid <> id ORDER BY id LIMIT ?"""
CLEAR: Final = """
UPDATE message SET messageid = ?, subject_base = ?, threadid = 0, thread_missing_link = 0, thread_parents = x'90'
WHERE id = ?"""
CLEAR_MISSING: Final = """
DELETE FROM thread_missing WHERE (reference, email_id) IN (SELECT j.value, h.email_id FROM carray(?) c
CROSS JOIN message m ON m.id = c.value CROSS JOIN message_header h ON h.email_id = m.email_id
CROSS JOIN json_each(h.missing) j)"""
STORED: Final = """
SELECT m.messageid, m.subject_base, m.dsn, m.mailbox_orig_id, m.received, h.header, i.structure FROM message m
JOIN message_header h ON h.email_id = m.email_id LEFT JOIN message_info i ON i.email_id = m.email_id WHERE m.id = ?"""
SET_SEQ: Final = "UPDATE message SET threadseq = ? WHERE id IN (SELECT value FROM carray(?))"
FLAGS: Final = """
SELECT id, thread_muted, thread_collapsed FROM message WHERE id IN (SELECT value FROM carray(?))"""
HAS_THREAD: Final = "SELECT threadid FROM message WHERE id = ?"


async def reassign_threads(account: Account, *, tell: Callable[[int, int], Awaitable[None]] | None = None) -> int:
    """Rebuild all threads in the background (``store reassign-threads``, STORE-43); returns the number of messages
    placed. The thread flags of messages are taken from their new parents. At the end the account's sessions are closed,
    as their knowledge of threads is outdated.

    `tell` is called with the number of messages placed, and the number of messages at the beginning.
    """
    await account.write(_begin)
    placed = await finish_threads(account, tell=tell)
    logger.info("threads rebuilt", extra={"kv": {"account": account.name, "messages": placed}})
    for cursor in list(account.bus.cursors):
        cursor.end("threads were rebuilt")
    return placed


async def keep_threads(account: Account) -> None:
    """Complete the threads of an account, as a background task for `Accounts.register_task` (STORE-83)."""
    placed = await finish_threads(account)
    if placed:
        logger.info("threading finished", extra={"kv": {"account": account.name, "messages": placed}})


async def finish_threads(account: Account, *, tell: Callable[[int, int], Awaitable[None]] | None = None) -> int:
    """Finish both steps of a rebuild, 1000 messages per unit, from where it was stopped. Returns the number of messages
    placed; `tell` as for `reassign_threads`.
    """
    placed = 0
    total = await account.read(lambda r: r.value(TOTAL), op="threads") or 0
    while True:
        step, position = await account.read(_step, op="threads")
        if step == DONE:
            return placed
        if step == 0:
            await account.write(lambda tx, after=position: _clear(tx, after))  # type: ignore[misc] # bound now
        else:
            placed += await account.write(_place_some)
            if tell is not None:
                await tell(placed, max(placed, total))


def has_unplaced(r: Reader) -> bool:
    """Whether `keep_threads` has work."""
    return _step(r)[0] != DONE


def _step(r: Reader) -> tuple[int, int]:
    row = r.row(STEP)
    assert row is not None
    return row[0], row[1]


def _begin(tx: Tx) -> None:
    tx.execute(BEGIN, tx.now)
    tx.execute(SET_STEP, 0)


def _clear(tx: Tx, after: int) -> None:
    """Step 1: recompute message-id and base subject, which are indexed, and clear the thread. Does nothing if another
    task has done that already.
    """
    if _step(tx) != (0, after):
        return
    rows, _ = portion(tx.iterate(NEXT, after, UNIT_MESSAGES), (1, 2))
    for message_id, octets, packed in rows:
        header = section_of(octets, packed)
        subject_base, _ = base_subject(header.decode(header.text(b"subject") or b""))
        tx.execute(CLEAR, canonical_message_id(header.text(b"message-id") or b""), subject_base, message_id)
    if rows:
        tx.execute(CLEAR_MISSING, int_array([row[0] for row in rows]))
        tx.execute(SET_POSITION, rows[-1][0])
    else:
        tx.execute(SET_STEP, 1)


def _place_some(tx: AccountTx) -> int:
    """Step 2: place some messages; returns the number placed, 0 at the end."""
    found = [row[0] for row in tx.rows(WITHOUT, UNIT_MESSAGES)]
    if not found:
        tx.execute(SET_STEP, DONE)
        tx.execute(END)
        return 0
    placing = ThreadPlacement(
        tx, lambda message_id: stored_keys(tx, message_id), lambda other: not tx.value(HAS_THREAD, other)
    )
    placed: set[int] = set()
    for message_id in found:
        if message_id not in placed:
            placed.update(placing.place(message_id))
    placing.flush()
    ids = sorted(placed)
    for start in range(0, len(ids), TOLD):
        tell_placed(tx, ids[start : start + TOLD])
    return len(placed)


def tell_placed(tx: AccountTx, ids: list[int]) -> None:
    """Set threadseq, so that later catch-ups have the new threads, and emit them to present subscribers."""
    array = int_array(ids)
    tx.execute(SET_SEQ, tx.modseq(), array)
    groups: dict[tuple[bool, bool], list[MessageID]] = {}
    for message_id, muted, collapsed in tx.rows(FLAGS, array):
        groups.setdefault((bool(muted), bool(collapsed)), []).append(MessageID(message_id))
    for (muted, collapsed), of_group in groups.items():
        tx.emit(ThreadChanged(message_ids=tuple(of_group), muted=muted, collapsed=collapsed))


def stored_keys(r: Reader, message_id: int) -> Keys:
    """Read the fields that determine a message's thread, from its row and stored header section."""
    row = r.row(STORED, message_id)
    assert row is not None
    messageid, subject_base, dsn, orig_id, received, octets, packed = row
    header = section_of(octets, packed or b"")
    _, is_response = conversation_subject(header.decode(header.text(b"subject") or b""))
    return Keys(
        ThreadKeys(
            messageid=messageid,
            references=tuple(references(header.texts(b"references"), header.text(b"in-reply-to"))),
            subject_base=subject_base,
            is_response=is_response,
            dsn=bool(dsn),
        ),
        orig_id,
        received,
    )
