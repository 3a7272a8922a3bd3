"""The change bus of an account: one shared tail of events, and a cursor for each subscriber (STORE-31 to 35, 38).

Theory of operation
-------------------
The change log is in the database: modseq indices and tombstones. The tail is the newest part of it, in memory: an entry
for each committed unit, oldest first, shared by all cursors, at most 10,000 events or 4 MiB. A cursor is a position:
the modseq it has taken up to, and the entry that comes next. A slow subscriber costs the others nothing: entries that
fall off the front of the tail are read from the database by the cursors that still need them (`catchup`), coalesced,
through the same call. A unit that touched over 1,000 rows puts a mark into the tail instead of its events, with the
same effect.

An entry counts the cursors that have yet to pass it, and is dropped when the count is 0; without cursors nothing is
kept. Waiting is check-then-sleep with no await between, so no wake-up is lost. Each cursor has an `Alarm`, which is set
at each change; cursors on several buses may share one, so that one task waits for all of them.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import msgspec
import trio

from moxlite.processor import turn
from moxlite.store import metrics
from moxlite.store.changelog.catchup import EVERYTHING, Catchup
from moxlite.store.types import AccountClosing, Event, FlagsChanged, MessageAdded, MessageID, MessagesRemoved, ModSeq
from moxlite.wakeup import Alarm

# Units that a subscriber made itself: it knows their changes, but for what it must be told all the same (STORE-33).


class OwnUnits:
    """The units of one subscriber that were published and not passed yet.

    Attributes:
      keep: the subscriber takes its own units like the units of others.
      overtaken: by modseq, the messages that must be delivered all the same; None for all messages.
    """

    __slots__ = ("keep", "overtaken")

    def __init__(self, *, keep: bool) -> None:
        self.keep = keep
        self.overtaken: dict[ModSeq, frozenset[MessageID] | None] = {}

    def knows(self, overtaken: frozenset[MessageID] | None) -> bool:
        """Whether an own unit that overtook these messages has nothing that must be read from the database."""
        return not self.keep and overtaken == frozenset()

    def select(self, events: Iterable[Event], overtaken: frozenset[MessageID] | None) -> Iterable[Event]:
        """The events of an own unit that are delivered, given the messages that it overtook."""
        return events if self.keep or overtaken is None else _concerning(events, overtaken)

    def forget(self, modseq: ModSeq) -> None:
        """Forget units up to `modseq`. A catch-up that is under way keeps those that it was made with."""
        self.overtaken = {own: overtaken for own, overtaken in self.overtaken.items() if own > modseq}


def _concerning(events: Iterable[Event], messages: frozenset[MessageID]) -> list[Event]:
    """Select the events, or the parts of them, about these messages."""
    found: list[Event] = []
    for event in events:
        match event:
            case MessageAdded() | FlagsChanged():
                if event.message_id in messages:
                    found.append(event)
            case MessagesRemoved():
                pairs = [pair for pair in zip(event.uids, event.message_ids, strict=True) if pair[1] in messages]
                if pairs:
                    uids, message_ids = zip(*pairs, strict=True)
                    found.append(msgspec.structs.replace(event, uids=uids, message_ids=message_ids))
    return found


logger = logging.getLogger("moxlite.store.bus")

TAIL_EVENTS: Final = 10_000
"""Events in the tail; about 4 MB as Python objects (STORE-34)."""

TAIL_BYTES: Final = 4 << 20
"""Estimated octets in the tail."""

MARK_ROWS: Final = 1_000
"""Rows above which a unit puts a mark into the tail: reading them from the database is cheaper than keeping them."""

SLICE: Final = 500
"""Events after which a `take` ends, at the next end of a unit."""

SILENCE: Final = 24 * 3600.0
"""Seconds after which a cursor that acknowledges nothing is closed: it would hold back erasures for ever (STORE-38)."""

EVENT_BYTES: Final = 320
"""Estimate of one event with its small integers and its place in the tuple (measured: 10,000 events are 4 MB less
strings).
"""

_ids = itertools.count(1)


class Batch(msgspec.Struct, frozen=True):
    """Result of `Cursor.take`.

    `events` are in commit order if they come from the tail; from the database (`from_log`) they are coalesced, in the
    order of STORE-30. `modseq` is the state that the subscriber has reached once it has applied the events; within a
    catch-up from the database it stays the old one until the last slice. `more`: take again at once.
    """

    events: tuple[Event, ...]
    modseq: ModSeq
    more: bool
    from_log: bool


class _Entry(msgspec.Struct, eq=False):
    """A committed unit in the tail. `before`: modseq of the unit before it. `events` is None for a mark. `overtaken`
    belongs to `origin`: see `Bus.publish`. `count` and `size` (octets) are its share of the tail's bounds; `readers` is
    the number of cursors that have yet to pass it.
    """

    modseq: ModSeq
    before: ModSeq
    events: tuple[Event, ...] | None
    origin: Cursor | None
    overtaken: frozenset[MessageID] | None
    count: int
    size: int
    readers: int


Load = Callable[[Catchup], Awaitable[list[Event]]]
"""Function that returns the next slice of a catch-up from the account's database; `Catchup.done` is true after the
last.
"""


class Bus:
    """Bus of one open account. All methods run on the loop.

    For cursors: entries are numbered from the start of the bus. `first` is the number of the oldest entry in the tail,
    `end` the number that the next entry will get.
    """

    def __init__(self, account: str, modseq: ModSeq, load: Load, acknowledged: Callable[[], None]) -> None:
        """`modseq` is the database's at opening; `acknowledged` is called when a cursor has acknowledged more, or was
        removed.
        """
        self.account = account
        self.modseq = modseq
        self.cursors: set[Cursor] = set()
        self.closing: AccountClosing | None = None
        self._load = load
        self._acknowledged = acknowledged
        # The first `_dead` entries of the list are dropped already; they are cut off once they are half of it.
        self._entries: list[_Entry] = []
        self._dead = 0
        self.first = 0
        self.end = 0
        self._events = 0
        self._bytes = 0

    @property
    def tail_events(self) -> int:
        """Events in the tail, a mark counting as one."""
        return self._events

    @property
    def acknowledged(self) -> ModSeq:
        """The modseq up to which all subscribers have applied everything."""
        return min((cursor.acknowledged for cursor in self.cursors), default=self.modseq)

    def publish(
        self,
        modseq: ModSeq,
        events: tuple[Event, ...] | None,
        origin: Cursor | None = None,
        overtaken: frozenset[MessageID] | None = frozenset(),
    ) -> None:
        """Append a committed unit to the tail and wake the subscribers. Called in commit order.

        Args:
          modseq: of the unit, above all published before.
          events: None puts a mark: read up to here from the database.
          origin: the cursor whose subscriber made the unit. It receives only the events that concern `overtaken`.
          overtaken: messages that the unit touched although their previous modseq was above the cursor of `origin`.
            That cursor has not delivered the previous change yet, and would skip the row as its own (STORE-33). None:
            too many to name, so `origin` receives all events.
        """
        before, self.modseq = self.modseq, modseq
        if not self.cursors:
            return
        count = 1 if events is None else len(events)
        entry = _Entry(modseq, before, events, origin, overtaken, count, _size(events), len(self.cursors))
        self._entries.append(entry)
        self.end += 1
        self._events += count
        self._bytes += entry.size
        if origin is not None and origin in self.cursors:
            origin.made(entry)
        # Without regard to its readers: one slow page must not hold the memory of all.
        while self._events > TAIL_EVENTS or self._bytes > TAIL_BYTES:
            self._drop_first()
        self.wake()

    def close(self, reason: str) -> None:
        """End all subscriptions: `take` returns AccountClosing from now on."""
        if self.closing is None:
            self.closing = AccountClosing(account=self.account, modseq=self.modseq, reason=reason)
            self.wake()

    def add(self, *, keep_own: bool) -> Cursor:
        """Return a cursor at the end of the tail, for `Account.subscribe`, which starts it."""
        cursor = Cursor(self, keep_own=keep_own)
        self.cursors.add(cursor)
        return cursor

    def remove(self, cursor: Cursor) -> None:
        """Forget a cursor, for `Cursor.close`."""
        if cursor in self.cursors:
            self.cursors.remove(cursor)
            for number in range(max(cursor.at, self.first), self.end):
                self.entry(number).readers -= 1
            self._trim()
            self._acknowledged()

    def close_silent(self) -> None:
        """Close cursors that have acknowledged nothing for 24 h although they are behind (STORE-38).

        To be called regularly: the time runs from the first call that finds the cursor behind.
        """
        now = trio.current_time()
        for cursor in list(self.cursors):
            if cursor.acknowledged >= self.modseq:
                cursor.stuck = None
            elif cursor.stuck is None or cursor.stuck[0] != cursor.acknowledged:
                cursor.stuck = (cursor.acknowledged, now)
            elif now - cursor.stuck[1] >= SILENCE:
                logger.warning(
                    "subscriber closed",
                    extra={
                        "kv": {"account": self.account, "cursor": cursor.id, "reason": "no acknowledgment for 24 h"}
                    },
                )
                cursor.end("no acknowledgment for 24 hours")

    # For cursors

    def entry(self, number: int) -> _Entry:
        """Entry of that number, which is still in the tail."""
        return self._entries[number - self.first + self._dead]

    @property
    def reaches(self) -> ModSeq:
        """Modseq from which the tail has all that follows."""
        return self._entries[self._dead].before if self.first < self.end else self.modseq

    def passed(self, number: int) -> None:
        """Note that a cursor has passed the entry of that number."""
        if number >= self.first:
            entry = self._entries[number - self.first + self._dead]
            entry.readers -= 1
            if not entry.readers:
                self._trim()

    def wake(self) -> None:
        """Ring the alarms of all cursors, so that sleeping subscribers check again."""
        for cursor in self.cursors:
            cursor.alarm.set()

    async def load(self, catchup: Catchup) -> list[Event]:
        """Return the next slice of a catch-up."""
        return await self._load(catchup)

    def heard(self) -> None:
        """Note that a cursor has acknowledged."""
        self._acknowledged()

    def _trim(self) -> None:
        while self._dead < len(self._entries) and self._entries[self._dead].readers == 0:
            self._drop_first()

    def _drop_first(self) -> None:
        entry = self._entries[self._dead]
        self._events -= entry.count
        self._bytes -= entry.size
        self._dead += 1
        self.first += 1
        if self._dead * 2 >= len(self._entries):
            del self._entries[: self._dead]
            self._dead = 0


class Cursor:
    """Position of a subscriber in the change log, from `Account.subscribe`. Only one task at a time takes from it.

    `modseq`: all changes up to it have been taken. `id`: the number that `Event.origin` carries. `wanted`: the
    subscriber may limit what it takes of a catch-up. `settled`: no catch-up is under way, so exactly the changes up to
    `modseq` have been taken. `partial`: a portion was taken, so the events of messages that were added and removed
    meanwhile are missing, although their removal has a modseq above `modseq`. `alarm` is set when there may be
    something to take; the subscriber may replace it by an alarm of its own. Use the cursor as a context manager, or
    `close` it: an open cursor holds back erasures.
    """

    def __init__(self, bus: Bus, *, keep_own: bool) -> None:
        self.id = next(_ids)
        self.modseq = ModSeq(0)
        self.acknowledged = ModSeq(0)
        self.closing: AccountClosing | None = None
        self.wanted = EVERYTHING
        self.partial = False
        self.alarm = Alarm()
        self.at = bus.end
        # Modseq acknowledged when the cursor was first found behind, and the time of that.
        self.stuck: tuple[ModSeq, float] | None = None
        self._bus = bus
        self._own = OwnUnits(keep=keep_own)
        self._catchup: Catchup | None = None

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, modseq: ModSeq, since: ModSeq | None = None) -> None:
        """Begin at `modseq`, the state of the snapshot that `Account.subscribe` read; with `since`, read the log from
        there first.
        """
        self.modseq = self.acknowledged = modseq
        if since is not None and since < modseq:
            self.modseq = self.acknowledged = since
            self._catchup = Catchup(since, self._own.overtaken)

    def pending(self) -> bool:
        """Whether `take` would return something now."""
        if self.closing is not None or self._bus.closing is not None or self._catchup is not None:
            return True
        if self.at == self._bus.end:
            return False
        self._skip()
        return self.at < self._bus.end

    @property
    def settled(self) -> bool:
        """See `Cursor`."""
        return self._catchup is None

    @property
    def latest(self) -> ModSeq:
        """Modseq of the last unit that was published."""
        return self._bus.modseq

    async def wait(self) -> None:
        """Sleep until `pending()`. No change between two calls is lost."""
        if self.pending():
            await trio.lowlevel.checkpoint()
        while not self.pending():
            await self.alarm.sleep()

    async def take(self) -> Batch:
        """Take the changes since the last call, about 750 events at most; the batch is empty without changes. `modseq`
        moves on to the batch's.

        The events come from the tail while it reaches back to the cursor, else from the database. Own units are left
        out, but for the messages of STORE-33. When the account closes, the last batch ends with AccountClosing, and
        further batches hold only that.

        Cancellation: loses nothing; a catch-up from the database begins again.
        """
        await turn()
        batch = self.take_tail()
        if batch is not None:
            return batch
        closing = self.closing or self._bus.closing
        if closing is not None:
            return Batch((closing,), self.modseq, more=False, from_log=False)
        if self._catchup is None:
            metrics.CATCHUP.inc()
            self._catchup = Catchup(self.modseq, self._own.overtaken, self.wanted)
        return await self._take_log(self._catchup)

    def take_tail(self) -> Batch | None:
        """Return the result of `take` if the tail holds it; None if it must be awaited."""
        if self.closing is not None or self._catchup is not None:
            return None
        self._skip()
        bus, began = self._bus, self.at
        if began < bus.first:
            return None
        closing = bus.closing
        events: list[Event] = []
        while self.at < bus.end and len(events) < SLICE:
            entry = bus.entry(self.at)
            own = entry.origin is self
            # A mark is read from the database, unless it is all our own.
            if entry.events is None and not (own and self._own.knows(entry.overtaken)):
                if self.at == began:
                    return None
                break  # by the next call
            found = entry.events or ()
            events += self._own.select(found, entry.overtaken) if own else found
            self._advance(entry.modseq)
        if self.at == bus.end:
            self.partial = False
        if closing is not None:
            events.append(closing)
        return Batch(tuple(events), self.modseq, more=self.at < bus.end, from_log=False)

    def upcoming(self, limit: int) -> list[Event] | None:
        """Return all events from the cursor's position on, without taking them; None if there are over `limit`, or if
        the tail does not hold all of them.
        """
        if self.closing is not None or self._bus.closing is not None:
            return None
        if self._catchup is not None or self._own.overtaken:
            return None
        self._skip()
        events: list[Event] = []
        if self.at < self._bus.first:
            return None
        for number in range(self.at, self._bus.end):
            more = self._bus.entry(number).events
            if more is None or len(events) + len(more) > limit:
                return None
            events += more
        return events

    def skip_to(self, modseq: ModSeq) -> None:
        """Skip changes up to `modseq`, which the subscriber knows already: they are its own consecutive units, or it
        read them another way.
        """
        if self._catchup is None and modseq > self.modseq:
            self.modseq = modseq
            self._own.forget(modseq)
            self._rejoin()

    def acknowledge(self, modseq: ModSeq) -> None:
        """Note that the subscriber has applied all changes up to `modseq`: it no longer holds back the erasure of
        content removed by then (STORE-36).
        """
        if modseq > self.acknowledged:
            self.acknowledged = modseq
            self._bus.heard()

    def close(self) -> None:
        """End the subscription; this counts as acknowledgement of everything (STORE-38)."""
        self.end("closed")

    def end(self, reason: str) -> None:
        """End the subscription, for the bus: hold back no erasure any more, and wake the subscriber, whose `take`
        returns AccountClosing.
        """
        self.closing = self.closing or AccountClosing(account=self._bus.account, modseq=self.modseq, reason=reason)
        self._catchup = None
        self._bus.remove(self)
        self.alarm.set()

    def made(self, entry: _Entry) -> None:
        """Note that an own unit was published, for the bus. If it comes next and has nothing to deliver, it is passed
        at once: the subscriber need not wake up for it.
        """
        if self._own.keep:
            return
        self._skip()
        if entry.overtaken == frozenset() and self.at == self._bus.end - 1 and self._catchup is None:
            # Only if all before was applied: an own unit must not acknowledge what was taken and is not applied yet.
            applied = self.acknowledged == self.modseq
            self._advance(entry.modseq)
            if applied:
                self.acknowledged = entry.modseq
        else:
            self._own.overtaken[entry.modseq] = entry.overtaken

    def _skip(self) -> None:
        """Pass entries that the snapshot, or the last catch-up, already contained."""
        bus = self._bus
        while bus.first <= self.at < bus.end and bus.entry(self.at).modseq <= self.modseq:
            bus.passed(self.at)
            self.at += 1

    def _rejoin(self) -> None:
        """Continue in the tail, from `modseq`.

        The slices of a catch-up are taken at the subscriber's pace, and the tail goes on meanwhile: an entry that is
        newer than the catch-up may have fallen off it. Then the cursor stays where it is, before the tail, so that the
        next call reads the log again; at the front of the tail it would pass that entry without a trace.
        """
        if self._bus.reaches <= self.modseq:
            self.at = max(self.at, self._bus.first)
        self._skip()

    def _advance(self, modseq: ModSeq) -> None:
        self._bus.passed(self.at)
        self.at += 1
        self.modseq = modseq
        self._own.overtaken.pop(modseq, None)

    async def _take_log(self, catchup: Catchup) -> Batch:
        self._catchup = None
        try:
            events = await self._bus.load(catchup)
        except BaseException:
            # Its slices cannot be read twice. One of `since` is owed, although the tail reaches back to the cursor.
            if self.closing is None:
                self._catchup = Catchup(self.modseq, self._own.overtaken, catchup.wanted)
            raise
        self.partial = self.partial or not catchup.whole
        if not catchup.done:
            self._catchup = catchup
            return Batch(tuple(events), self.modseq, more=True, from_log=True)
        self.modseq = catchup.modseq
        self._own.forget(self.modseq)
        if catchup.whole:
            self.partial = False
            self._rejoin()
        else:
            self._skip()
        return Batch(tuple(events), self.modseq, more=self.at < self._bus.end, from_log=True)


def _size(events: tuple[Event, ...] | None) -> int:
    """Estimate of the octets that the events take in memory."""
    if events is None:
        return EVENT_BYTES
    size = 0
    for event in events:
        size += EVENT_BYTES
        if isinstance(event, MessagesRemoved):
            size += 80 * len(event.uids)  # two integers and their places in the tuples
    return size
