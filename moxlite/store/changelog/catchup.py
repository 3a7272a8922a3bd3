"""Reading the change log: the changes of an account since a modseq, coalesced (STORE-30).

The log has no table of its own: it consists of the modseq indices of existing rows and the tombstones of removed ones.
`Catchup` first makes a `Plan`, in one snapshot. Then it renders slices of events, each in a snapshot of its own, so no
slow subscriber holds one open. A row that has changed again in between is rendered as it is now or, if it was removed
or moved, left out: its new modseq is above the planned one, so the next catch-up delivers it.

A plan may end at an earlier modseq than the newest, so that a subscriber that is far behind catches up in portions: a
portion delivers everything up to that modseq, and nothing above. A message that has changed again since is left to a
later portion.

Order: removals; mailboxes removed, added, renamed; per mailbox the additions by ascending UID; then the rest by modseq.
A client's view of a mailbox can only grow at its end, so a message added first and flagged later must not come after a
higher UID.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, TypeAlias

from moxlite.store.changelog.planning import EVERYTHING, SLICE, Own, Plan, Removals, Wanted
from moxlite.store.file.transaction import Reader, Row, array_of
from moxlite.store.rows.keywords import split_keywords
from moxlite.store.rows.messages import flags_of_bits
from moxlite.store.types import (
    UID,
    Event,
    Flag,
    FlagsChanged,
    MailboxID,
    MessageAdded,
    MessageID,
    MessagesRemoved,
    ModSeq,
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


class Catchup:
    """Catch-up of one reader from `since` to `modseq`: call `plan` once, then `slice` until `done`."""

    def __init__(self, since: ModSeq, own: Own | None = None, wanted: Wanted = EVERYTHING) -> None:
        """Changes of messages whose modseq is in `own` are skipped by the rule of STORE-33."""
        self.since = since
        self.modseq = since
        self.whole = True  # `modseq` is the newest in the snapshot of the plan
        self._own: Own = own or {}
        self._wanted = wanted
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
        self._plan = Plan(r, self.since, self._own, self._wanted, limit)
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
