"""Reading the change log: the changes of an account since a modseq, coalesced (STORE-30).

The log doesn't have its own table. It consists of the modseq indexes of existing rows and the tombstones of removed
ones. `Catchup` first makes a `Plan`, in one snapshot. Then it renders slices of events, each in a snapshot of its own,
so no slow subscriber holds one open. A row that has changed again in between is rendered as it is now or, if it was
removed or moved, left out: its new modseq is above the planned one, so the next catch-up delivers it.

A plan may end at an earlier modseq than the newest, so that a subscriber that is far behind catches up in portions: a
portion delivers everything up to that modseq, and nothing above. A message that has changed again since is left to a
later portion.

Order: removals; mailboxes removed, added, renamed; per mailbox the additions by ascending UID; then the rest by modseq.
A client's view of a mailbox can only grow at its end, so a message added first and flagged later must not come after a
higher UID.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final, TypeAlias

import msgspec

from moxlite.store.file.transaction import Reader, Row, array_of
from moxlite.store.rows.mailboxes import split_keywords
from moxlite.store.rows.messages import flags_of_bits
from moxlite.store.types import (
    UID,
    AnnotationChanged,
    Event,
    Flag,
    FlagsChanged,
    GroupwareChanged,
    MailboxAdded,
    MailboxCounts,
    MailboxID,
    MailboxKeywords,
    MailboxRemoved,
    MailboxRenamed,
    MailboxSpecialUse,
    MessageAdded,
    MessageID,
    MessagesRemoved,
    ModSeq,
    SettingsChanged,
    SpecialUse,
    SubscriptionAdded,
    SubscriptionRemoved,
    ThreadChanged,
)

MOST: Final = 750
"""Events up to which several parts are joined to one slice: a few events of a mailbox go with its messages."""

ALL_FLAGS: Final = Flag(sum(Flag))


MAILBOX: Final = "SELECT uidvalidity, uidnext, total + deleted, unseen FROM mailbox WHERE id = ?"


MESSAGE_ROWS: Final = """
SELECT m.id, m.mailbox_id, m.uid, m.createseq, m.modseq, m.flags, m.keywords
FROM carray(?) c CROSS JOIN message m ON m.id = c.value"""


_Part: TypeAlias = "tuple[int, Callable[[Reader], list[Event]]]"
"""Upper bound of the number of events, and the function that reads them."""


class ChangeFilter(msgspec.Struct, frozen=True):
    """The part of the changes that a reader takes; it may receive more all the same.

    messages_of: limits changes of messages to that mailbox; events that are not about messages are never limited.
    portion: if not 0, limits changes of that mailbox further to the oldest ones, little more than that number.
    """

    messages_of: MailboxID | None = None
    portion: int = 0


EVERYTHING: Final = ChangeFilter()


class Catchup:
    """Catch-up of one reader from `since` to `modseq`: call `plan` once, then `slice` until `done`."""

    def __init__(self, since: ModSeq, own: Own | None = None, wanted: ChangeFilter = EVERYTHING) -> None:
        """Changes of messages whose modseq is in `own` are skipped by the rule of STORE-33."""
        self.since = since
        self.modseq = since
        self.whole = True  # `modseq` is the newest in the snapshot of the plan
        self._own: Own = own or {}
        self.wanted = wanted
        self._plan: Plan | None = None
        self._parts: Iterator[_Part] | None = None
        self._next: _Part | None = None
        self._done = False

    @property
    def done(self) -> bool:
        """Whether the last slice was returned; the reader is at `modseq` then."""
        return self._done

    @property
    def planned(self) -> bool:
        """Whether `plan` was called."""
        return self._plan is not None

    def plan(self, r: Reader, limit: int | None = None) -> None:
        """Find the changed rows in the snapshot of `r`. Raises TooMany above `limit` rows; the call may then be
        repeated.
        """
        self._plan = Plan(r, self.since, self._own, self.wanted, limit)
        self.modseq, self.whole = self._plan.modseq, self._plan.whole

    def slice(self, r: Reader) -> list[Event]:
        """Return the next events, 750 at most and maybe none. Either all slices are read in the snapshot of the plan,
        or each in a snapshot of its own.
        """
        if self._parts is None:
            assert self._plan is not None, "`plan` comes first"
            self._parts = _render(self._plan)
            self._next = next(self._parts, None)
        events: list[Event] = []
        count = 0
        while self._next is not None and (not count or count + self._next[0] <= MOST):
            count += self._next[0]
            events += self._next[1](r)
            self._next = next(self._parts, None)
        self._done = self._next is None
        return events


def _render(plan: Plan) -> Iterator[_Part]:
    for removals in plan.removals:
        for start in range(0, len(removals.uids), SLICE):
            end = min(start + SLICE, len(removals.uids))
            yield end - start, partial(_removed, removals, start, end)
    yield from map(_made, _sliced(plan.structure))
    for mailbox_id, ids in plan.added:
        for start in range(0, len(ids), SLICE):
            part = ids[start : start + SLICE]
            yield len(part), partial(_added_events, plan, mailbox_id, part)
    for start in range(0, len(plan.changed), SLICE):
        part = plan.changed[start : start + SLICE]
        yield len(part), partial(_changed_events, plan, part)
    yield from map(_made, _sliced(plan.rest))


def _removed(removals: Removals, start: int, end: int, r: Reader) -> list[Event]:
    # A removed mailbox has assigned no UID since its last message.
    _, uidnext, exists, unseen = r.row(MAILBOX, removals.mailbox_id) or (0, removals.uids[-1] + 1, 0, 0)
    return [
        MessagesRemoved(
            modseq=removals.modseq,
            mailbox_id=removals.mailbox_id,
            uids=tuple(map(UID, removals.uids[start:end])),
            message_ids=tuple(map(MessageID, removals.ids[start:end])),
            uidnext=uidnext,
            exists=exists,
            unseen=unseen,
        )
    ]


def _rows_of(plan: Plan, ids: array[int], r: Reader) -> list[Row]:
    """Read the rows that have not changed since they were planned: not removed, not moved."""
    return [row for row in r.rows(MESSAGE_ROWS, array_of(ids)) if row[3] <= plan.modseq]


def _added_events(plan: Plan, mailbox_id: MailboxID, ids: array[int], r: Reader) -> list[Event]:
    _, _, exists, unseen = r.row(MAILBOX, mailbox_id) or (0, 0, 0, 0)
    return [
        MessageAdded(
            modseq=modseq,
            mailbox_id=mailbox_id,
            uid=uid,
            message_id=message_id,
            flags=flags_of_bits(flags),
            keywords=split_keywords(keywords),
            exists=exists,
            unseen=unseen,
        )
        for message_id, _, uid, _, modseq, flags, keywords in _rows_of(plan, ids, r)
    ]


def _changed_events(plan: Plan, ids: array[int], r: Reader) -> list[Event]:
    boxes: dict[MailboxID, Row] = {}
    events: list[Event] = []
    for message_id, mailbox_id, uid, _, modseq, flags, keywords in _rows_of(plan, ids, r):
        if mailbox_id not in boxes:
            boxes[mailbox_id] = r.row(MAILBOX, mailbox_id) or (0, 0, 0, 0)
        uidvalidity, _, _, unseen = boxes[mailbox_id]
        events.append(
            FlagsChanged(
                modseq=modseq,
                mailbox_id=mailbox_id,
                uid=uid,
                message_id=message_id,
                mask=ALL_FLAGS,
                flags=flags_of_bits(flags),
                keywords=split_keywords(keywords),
                uidvalidity=uidvalidity,
                unseen=unseen,
            )
        )
    return events


def _sliced(events: list[Event]) -> Iterator[list[Event]]:
    for start in range(0, len(events), SLICE):
        yield events[start : start + SLICE]


def _made(events: list[Event]) -> _Part:
    """Part of events that are made already and need no reading."""
    return len(events), lambda _: events


# The rows that changed in an account since a modseq, found in one snapshot (STORE-30); `catchup` makes events of
# them.
#
# A plan keeps ids in arrays, 16 octets for a changed row, whatever the unit was.


SLICE: Final = 500
"""Events in one part, and rows behind one event: 2 ms on the loop (STORE-3)."""

STATE: Final = "SELECT modseq FROM state WHERE id = 1"
# Without INDEXED BY, SQLite would walk all tombstones by the primary key, to avoid the sorting. The limit comes before
# the order: a plan on the loop that has too many rows would sort all of them first.
EXPUNGED: Final = """
SELECT mailbox_id, uid, message_id, createseq, modseq FROM (
    SELECT * FROM expunged INDEXED BY expunged_modseq WHERE modseq > ? AND modseq <= ? LIMIT ?
) ORDER BY mailbox_id, uid"""
EXPUNGED_IN: Final = """
SELECT mailbox_id, uid, message_id, createseq, modseq FROM (
    SELECT * FROM expunged INDEXED BY expunged_mailbox_modseq
    WHERE mailbox_id = ? AND modseq > ? AND modseq <= ? LIMIT ?
) ORDER BY uid"""
MAILBOX_GONE: Final = """
SELECT mailbox_id, name, modseq FROM mailbox_gone WHERE modseq > ? AND modseq <= ? ORDER BY modseq"""
SUBSCRIBED: Final = "SELECT name FROM subscription WHERE present"
MAILBOXES: Final = """
SELECT id, name, uidvalidity, uidnext, special_use, keywords, createseq, modseq, total, deleted, unread, unseen, size,
deleted_size, system FROM mailbox WHERE modseq > ? ORDER BY name"""
MAILBOX_NAMES: Final = "SELECT name FROM mailbox"
MAILBOX_NAME: Final = "SELECT name FROM mailbox WHERE id = ?"
MESSAGES: Final = """
SELECT id, uid, createseq, modseq FROM message
WHERE mailbox_id = ? AND modseq > ? AND modseq <= ? ORDER BY modseq LIMIT ?"""
PORTION_END: Final = """
SELECT modseq FROM message INDEXED BY message_modseq
WHERE mailbox_id = ? AND modseq > ? ORDER BY modseq LIMIT 1 OFFSET ?"""
NEWEST: Final = "SELECT createseq, modseq FROM message WHERE mailbox_id = ? ORDER BY uid DESC LIMIT ?"
THREADS: Final = """
SELECT id, createseq, threadseq, thread_muted, thread_collapsed FROM message
WHERE threadseq > ? AND threadseq <= ? AND threadseq > createseq ORDER BY threadseq, id LIMIT ?"""
SUBSCRIPTIONS: Final = "SELECT name, present, modseq FROM subscription WHERE modseq > ? AND modseq <= ?"
ANNOTATIONS: Final = """
SELECT mailbox_id, key, modseq FROM annotation WHERE modseq > ? AND modseq <= ? ORDER BY modseq, id"""
GROUPWARE: Final = """
SELECT id, kind, modseq FROM collection WHERE modseq > ?1 AND modseq <= ?2
UNION ALL SELECT collection_id, kind, modseq FROM collection_gone WHERE modseq > ?1 AND modseq <= ?2"""
SETTINGS: Final = "SELECT modseq FROM settings WHERE modseq > ? AND modseq <= ?"

Own = Mapping[ModSeq, frozenset[MessageID] | None]
"""Units of the reader itself: their modseq, and the messages in them that must be delivered to it all the same; None
for all messages.
"""


class TooMany(Exception):
    """A plan has more rows than the caller wanted to read here."""


class Removals:
    """Messages that left a mailbox, by ascending UID."""

    __slots__ = ("ids", "mailbox_id", "modseq", "uids")

    def __init__(self, mailbox_id: MailboxID) -> None:
        self.mailbox_id = mailbox_id
        self.modseq = ModSeq(0)
        self.uids = array("q")
        self.ids = array("q")


class Plan:
    """The changes of one reader from `since` to `modseq`, read in the snapshot of `r`. Raises TooMany above `limit`
    rows.

    Args:
      own: changes of messages at these modseqs are skipped by the rule of STORE-33.
      wanted: the part of the changes to plan.

    Attributes:
      whole: `modseq` is the newest in the snapshot.
      removals, added, changed: messages, by mailbox but for the last.
      structure, rest: events that go before and after the events of messages.
    """

    def __init__(self, r: Reader, since: ModSeq, own: Own, wanted: ChangeFilter, limit: int | None) -> None:
        self.since = since
        self._own = own
        self._messages_of = wanted.messages_of
        self._rows = 0
        self.removals: list[Removals] = []
        self.structure: list[Event] = []
        self.added: list[tuple[MailboxID, array[int]]] = []
        self.changed: array[int] = array("q")
        self.rest: list[Event] = []
        newest = ModSeq(r.value(STATE))
        self.modseq = self._portion_end(r, wanted.portion) or newest
        self.whole = self.modseq == newest
        room = -1 if limit is None else limit
        self._plan_removals(r, room)
        self._plan_mailboxes(r, room)
        self._plan_rest(r, room)

    def _portion_end(self, r: Reader, portion: int) -> ModSeq | None:
        """Modseq of the portion's end: the changes of one unit share a modseq, so no unit is split. None: at the newest
        modseq.
        """
        if not portion or not self._messages_of:
            return None
        end = r.value(PORTION_END, self._messages_of, self.since, portion)
        # New messages are delivered by ascending UID: one that has changed since must come before a newer one.
        added: list[tuple[ModSeq, ModSeq]] = []
        for createseq, modseq in r.iterate(NEWEST, self._messages_of, portion):
            if createseq <= self.since:
                break
            added.append((createseq, modseq))
        if end is None or len(added) == portion:
            return None
        for createseq, modseq in reversed(added):
            if createseq <= end:
                end = max(end, modseq)
        return ModSeq(end)

    def _count(self, rows: int, room: int) -> None:
        self._rows += rows
        if room >= 0 and self._rows > room:
            raise TooMany

    def _skipped(self, modseq: ModSeq, message_id: MessageID) -> bool:
        """Whether the last change of the message is the reader's own, and covers no change that the reader has not
        received.
        """
        if modseq not in self._own:
            return False
        overtaken = self._own[modseq]
        return overtaken is not None and message_id not in overtaken

    def _new(self, createseq: ModSeq) -> bool:
        """Whether a row created at this modseq is new to the reader."""
        return createseq > self.since and createseq not in self._own

    def _plan_removals(self, r: Reader, room: int) -> None:
        sql_limit = -1 if room < 0 else room + 1
        if self._messages_of is None:
            rows = r.iterate(EXPUNGED, self.since, self.modseq, sql_limit)
        else:
            rows = r.iterate(EXPUNGED_IN, self._messages_of, self.since, self.modseq, sql_limit)
        for mailbox_id, uid, message_id, createseq, modseq in rows:
            self._count(1, room)
            if self._new(createseq) or self._skipped(modseq, message_id):
                continue
            if not self.removals or self.removals[-1].mailbox_id != mailbox_id:
                self.removals.append(Removals(mailbox_id))
            removals = self.removals[-1]
            removals.uids.append(uid)
            removals.ids.append(message_id)
            removals.modseq = max(removals.modseq, modseq)

    def _plan_mailboxes(self, r: Reader, room: int) -> None:
        subscribed = {row[0] for row in r.rows(SUBSCRIBED)}
        # Also mailboxes made since: a unit of the reader may have added messages before it received MailboxAdded.
        self.structure += [
            MailboxRemoved(modseq=modseq, mailbox_id=mailbox_id, name=name, subscribed=name in subscribed)
            for mailbox_id, name, modseq in r.iterate(MAILBOX_GONE, self.since, self.modseq)
        ]
        # Without an upper bound: a mailbox that has changed after a portion's end may have messages that are below it.
        for row in r.rows(MAILBOXES, self.since):
            self._count(1, room)
            if row[0] == self._messages_of:
                self._plan_keywords(row)
            if row[7] <= self.modseq:
                self._plan_mailbox(row, subscribed)
            if self._messages_of in (None, row[0]):
                self._plan_messages(r, row[0], room)

    def _plan_keywords(self, row: Row) -> None:
        """Add the mailbox's keywords: they must come before the messages that have them (RFC 9051 §7.3.5)."""
        mailbox_id, name, keywords, modseq = row[0], row[1], row[5], min(row[7], self.modseq)
        self.structure.append(
            MailboxKeywords(modseq=modseq, mailbox_id=mailbox_id, name=name, keywords=split_keywords(keywords))
        )

    def _plan_mailbox(self, row: Row, subscribed: set[str]) -> None:
        (
            mailbox_id,
            name,
            _,
            _,
            bits,
            keywords,
            createseq,
            modseq,
            total,
            deleted,
            unread,
            unseen,
            size,
            deleted_size,
            system,
        ) = row
        special_use = SpecialUse(bits)
        if createseq > self.since:
            self.structure.append(
                MailboxAdded(
                    modseq=modseq,
                    mailbox_id=mailbox_id,
                    name=name,
                    special_use=special_use,
                    subscribed=name in subscribed,
                    system=system != 0,
                )
            )
        else:
            self.structure.append(
                MailboxRenamed(
                    modseq=modseq,
                    mailbox_id=mailbox_id,
                    old_name="",
                    name=name,
                    special_use=special_use,
                    subscribed=name in subscribed,
                    system=system != 0,
                )
            )
        if mailbox_id != self._messages_of:
            self.rest.append(
                MailboxKeywords(modseq=modseq, mailbox_id=mailbox_id, name=name, keywords=split_keywords(keywords))
            )
        self.rest += [
            MailboxSpecialUse(modseq=modseq, mailbox_id=mailbox_id, name=name, special_use=special_use),
            MailboxCounts(
                modseq=modseq,
                mailbox_id=mailbox_id,
                total=total,
                deleted=deleted,
                unread=unread,
                unseen=unseen,
                size=size,
                deleted_size=deleted_size,
            ),
        ]

    def _plan_messages(self, r: Reader, mailbox_id: MailboxID, room: int) -> None:
        added: list[tuple[int, int]] = []
        # A bounded plan is made on the loop: reading all rows at once releases Python's lock once, not at each row.
        rows = r.iterate if room < 0 else r.rows
        for message_id, uid, createseq, modseq in rows(
            MESSAGES, mailbox_id, self.since, self.modseq, -1 if room < 0 else room + 1
        ):
            self._count(1, room)
            if self._skipped(modseq, message_id):
                continue
            if self._new(createseq):
                added.append((uid, message_id))
            else:
                self.changed.append(message_id)
        if added:
            added.sort()
            self.added.append((mailbox_id, array("q", [message_id for _, message_id in added])))

    def _plan_rest(self, r: Reader, room: int) -> None:
        self._plan_threads(r, room)
        names: set[str] | None = None
        for name, present, modseq in r.rows(SUBSCRIPTIONS, self.since, self.modseq):
            if names is None:
                names = {row[0] for row in r.iterate(MAILBOX_NAMES)}
            kind = SubscriptionAdded if present else SubscriptionRemoved
            self.rest.append(kind(modseq=modseq, name=name, nonexistent=name not in names))
        for mailbox_id, key, modseq in r.rows(ANNOTATIONS, self.since, self.modseq):
            self.rest.append(
                AnnotationChanged(
                    modseq=modseq, mailbox_id=mailbox_id, mailbox_name=r.value(MAILBOX_NAME, mailbox_id) or "", key=key
                )
            )
        self.rest += [SettingsChanged(modseq=modseq) for (modseq,) in r.rows(SETTINGS, self.since, self.modseq)]
        self.rest += [
            GroupwareChanged(modseq=modseq, kind=kind, collection_id=collection_id)
            for collection_id, kind, modseq in r.rows(GROUPWARE, self.since, self.modseq)
        ]
        self.rest.sort(key=lambda event: event.modseq)

    def _plan_threads(self, r: Reader, room: int) -> None:
        groups: dict[tuple[ModSeq, bool, bool], list[MessageID]] = {}
        for message_id, createseq, threadseq, muted, collapsed in r.iterate(
            THREADS, self.since, self.modseq, -1 if room < 0 else room + 1
        ):
            self._count(1, room)
            if createseq <= self.since:
                groups.setdefault((threadseq, bool(muted), bool(collapsed)), []).append(message_id)
        for (threadseq, muted, collapsed), ids in groups.items():
            for start in range(0, len(ids), SLICE):
                part = tuple(ids[start : start + SLICE])
                self.rest.append(ThreadChanged(modseq=threadseq, message_ids=part, muted=muted, collapsed=collapsed))
