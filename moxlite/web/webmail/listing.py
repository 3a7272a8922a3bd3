"""Views that no index holds: searches, views of several mailboxes, and threads (WEBMAIL-38..42, WEBMAIL-72).

Theory of operation
-------------------
The view keeps where each entry stands: 24 octets for a message or a thread. Matches come from the store in their final
order, so entries are only ever added behind those that are there, and a browser can be shown the first ones, by their
positions, while the rest is looked for. In a threaded view the first match of a thread makes its entry, at its place;
what comes into the thread later doesn't move it (WEBMAIL-66). When the account changes, the entries that it concerns
are looked at again, and the browser is told that what it shows may be another (`ViewStale`); it then asks for the rows
that are on its screen.
"""

from __future__ import annotations

import time
from array import array
from bisect import bisect_left
from collections.abc import AsyncGenerator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.store import errors as store_errors
from moxlite.store import types as store
from moxlite.store.rows.conversations import Member, members, threads_of, threads_of_removed
from moxlite.store.rows.messages import rows_by_ids
from moxlite.store.search.finding import Search
from moxlite.web.webmail.filters import is_plain, wanted_of
from moxlite.web.webmail.items import ITEM_SLICE
from moxlite.web.webmail.view import FIRST_SLICE, Reset, Slice

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.store.rows.conditions import Placed
    from moxlite.store.types import MailboxID
    from moxlite.web.webmail.changes import EncodedChange
    from moxlite.web.webmail.holders import Holder
    from moxlite.web.webmail.types import MessageItem, Page, Query

__all__ = ["Listing", "Progress"]

GATHER: Final = 0.3  # seconds for which results are gathered before they are sent (WEBMAIL-40)
THREADS: Final = 20  # threads read at once
MAX_MEMBERS: Final = 500  # messages sent of a thread: the newest; 600 kB at most
MAX_FOLLOWED: Final = 1000  # messages that changed at once, above which the view is made anew


class Progress(msgspec.Struct, frozen=True):
    """Nothing to show, but the search goes on."""


class Listing:
    """The entries of a view, found step by step.

    Attributes:
      mailboxes: those that it looks into, by their ids in the account of `holder`.
      end: whether all entries are known. stopped: the reader has ended the search.
    """

    def __init__(
        self,
        view_id: int,
        query: Query,
        mailboxes: Sequence[MailboxID],
        holder: Holder,
        searching: trio.CapacityLimiter,
    ) -> None:
        """`query` and `mailboxes` with ids as the account of `holder` has them. `searching`: how many searches of this
        account may work at the same time (WEBMAIL-115).
        """
        self.view_id: Final = view_id
        self.query: Final = query
        self.stopped = False
        self.holder: Final = holder
        self._account = holder.account
        self.mailboxes: Final = frozenset(mailboxes)
        self._wanted = wanted_of(query, mailboxes)
        self._searching = searching
        self._threaded = query.threading != "off"
        # of a search, the messages that match; of whole mailboxes, that is seen by the mailbox
        self._selective = not is_plain(msgspec.structs.replace(query, threading="off"))
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._search: Search | None = Search(self._account, self._wanted, oldest_first=self.query.order_asc)
        self._begun = False
        self._received = array("q")
        self._ids = array("q")
        self._threads = array("q")
        self._hits: set[int] = set()
        self._present: set[int] = set()  # while searching: messages, or threads, that have an entry
        self._looked = self._of = 0

    @property
    def total(self) -> int:
        """Entries known by now."""
        return len(self._ids)

    @property
    def end(self) -> bool:
        """Whether there will be no more."""
        return self._search is None

    @property
    def working(self) -> bool:
        """Whether entries are being looked for, since a page was asked for."""
        return self._begun and self._search is not None

    @property
    def progress(self) -> tuple[int, int]:
        """(messages looked at, how many there are at most)."""
        return self._looked, self._of

    def wants(self, change: EncodedChange) -> bool:
        """Whether a change concerns what this view shows. What is added comes with a page."""
        if change.mailbox_id == 0:
            return True
        return change.place is None and (self._threaded or change.mailbox_id in self.mailboxes)

    async def resume(self, wanted: Page | None) -> None:
        """A browser that comes back asks for the rows that it shows."""

    def stop(self) -> None:
        """Look for no more; what was found stays."""
        if self._search is not None:
            self.stopped = True
            self._finish()

    async def advance(self) -> None:
        """Look on, for a moment. Raises StorageBroken, ReadInterrupted."""
        search = self._search
        if search is None:
            return
        self._begun = True
        async with self._searching:
            found = await search.step()
        self._looked, self._of = search.looked, search.of
        for one in found:
            if self._threaded and self._selective:
                self._hits.add(one.message_id)
            key = one.threadid if self._threaded else one.message_id
            if key not in self._present:
                self._present.add(key)
                self._received.append(one.received)
                self._ids.append(one.message_id)
                self._threads.append(one.threadid)
        if search.done:
            self._finish()

    def _finish(self) -> None:
        self._search = None
        self._present.clear()

    async def more(self, wanted: Page) -> AsyncGenerator[Slice | Reset | Progress, None]:
        """The entries of a page in slices, as they are found."""
        start: int | None = wanted.position
        named = self.holder.local_id(wanted.anchor_message_id or wanted.dest_message_id)
        if start is None and named:
            index = None
            async for found in self._entry_of(named):
                if found is None:
                    yield Progress()
                index = found
            if index is None and wanted.anchor_message_id:
                yield Reset()
            elif index is not None and wanted.anchor_message_id:
                if wanted.before:
                    first = max(0, index - min(wanted.count, ITEM_SLICE))
                    yield Slice(await self._items(first, index), first, self.total)
                    return
                start = index + 1
            elif index is not None:
                start = 0 if index < wanted.count else index - wanted.count // 2
        sent = start or 0
        last = sent + wanted.count
        flushed = time.monotonic()
        while True:
            ready = min(last, self.total)
            while sent < ready and (
                self.end or ready == last or ready - sent >= FIRST_SLICE or time.monotonic() - flushed >= GATHER
            ):
                stop = min(ready, sent + (THREADS if self._threaded else FIRST_SLICE))
                yield Slice(await self._items(sent, stop), sent, self.total)
                sent, flushed = stop, time.monotonic()
            if sent >= last or self.end:
                break
            await self.advance()
            yield Progress()
        if sent == (start or 0):
            yield Slice([], min(sent, self.total), self.total)

    async def _entry_of(self, message_id: int) -> AsyncGenerator[int | None, None]:
        """The index of the entry that has a message, last; before it None, as long as it is looked for."""
        thread = 0
        if self._threaded:
            of = await self._account.read(lambda r: threads_of(r, [message_id]), op="webmail_thread")
            thread = next(iter(of), 0)
        while True:
            index = _index(self._threads, thread) if self._threaded else _index(self._ids, message_id)
            if index is not None or self.end:
                yield index
                return
            await self.advance()
            yield None

    async def _items(self, first: int, last: int) -> list[list[MessageItem]]:
        ids, threads = self._ids[first:last], self._threads[first:last]
        if not self._threaded:
            return await self._account.read(partial(self._read_messages, ids=ids), op="webmail_view")
        found: list[list[MessageItem]] = []
        for start in range(0, len(ids), THREADS):
            part = [*zip(ids[start : start + THREADS], threads[start : start + THREADS], strict=True)]
            found += await self._account.scan(partial(self._read_threads, entries=part), op="webmail_threads")
        return found

    def _readable(self, r: Reader) -> frozenset[MailboxID] | None:
        """The mailboxes that the user may read, None for all. Raises NoSuchMailbox when those of the view are not all
        among them any more.
        """
        readable = self.holder.readable(r)
        if readable is not None and not self.mailboxes <= readable:
            raise store_errors.NoSuchMailbox(self.holder.owner)
        return readable

    def _read_messages(self, r: Reader, ids: Sequence[int]) -> list[list[MessageItem]]:
        readable = self._readable(r)
        rows = rows_by_ids(r, ids)
        if readable is not None:  # one may have been moved since it was found
            rows = [row for row in rows if row.mailbox_id in readable]
        return [[item] for item in self.holder.items(r, rows)]

    def _read_threads(self, r: Reader, entries: list[tuple[int, int]]) -> list[list[MessageItem]]:
        readable = self._readable(r)
        found = []
        for first_id, threadid in entries:
            of = members(r, threadid, MAX_MEMBERS)
            if readable is not None:  # a thread reaches into mailboxes that are not shared
                of = [one for one in of if one.row.mailbox_id in readable]
            if of:
                found.append(self._thread(r, first_id, of))
        return found

    def _thread(self, r: Reader, first_id: int, of: list[Member]) -> list[MessageItem]:
        """A thread whole: the message of its entry first, then the others, oldest first."""
        known: dict[int, Member] = {one.row.id: one for one in of}
        made: list[MessageItem] = []
        for one, item in zip(of, self.holder.items(r, [one.row for one in of]), strict=True):
            above = next((known[parent] for parent in one.parents if parent in known), None)
            matching = one.row.id in self._hits if self._selective else one.row.mailbox_id in self.mailboxes
            made.append(
                msgspec.structs.replace(
                    item,
                    thread_parent=0 if above is None else self.holder.shown_id(above.row.id),
                    same_message_id=above is not None and above.row.messageid == one.row.messageid is not None,
                    match_query=matching,
                )
            )
        matching_ones = [item for item in made if item.match_query] or made
        shown = self.holder.shown_id(first_id)
        first = next((item for item in made if item.id == shown), matching_ones[-1])
        return [first, *(item for item in made if item is not first)]

    # Changes of the account

    async def follow(self, events: Sequence[store.Event]) -> bool:
        """Take up what has changed; whether entries may be other ones now."""
        if not self._begun:
            return False
        added = [one.message_id for one in events if isinstance(one, store.MessageAdded) and self._concerns(one)]
        removed = [one for one in events if isinstance(one, store.MessagesRemoved) and self._concerns(one)]
        moved = [one for one in events if isinstance(one, store.ThreadChanged)] if self._threaded else []
        count = len(added) + sum(len(one.uids) for one in removed) + sum(len(one.message_ids) for one in moved)
        if count == 0:
            return False
        if count > MAX_FOLLOWED:
            self._begin_anew()
            return True
        return await (self._follow_threads(added, removed, moved) if self._threaded else self._follow(added, removed))

    def _concerns(self, event: store.MessageAdded | store.MessagesRemoved) -> bool:
        return self._threaded or event.mailbox_id in self.mailboxes

    async def _follow(self, added: list[store.MessageID], removed: list[store.MessagesRemoved]) -> bool:
        changed = False
        for message_id in (one for event in removed for one in event.message_ids):
            if (index := _index(self._ids, message_id)) is not None:
                self._drop(index)
                changed = True
        for one in await self._matching(added):
            if _index(self._ids, one.message_id) is None:
                changed = True
                if not self._insert(one):
                    break
        return changed

    async def _follow_threads(
        self, added: list[store.MessageID], removed: list[store.MessagesRemoved], moved: list[store.ThreadChanged]
    ) -> bool:
        ids = [*added, *(one for event in moved for one in event.message_ids)]
        ids += [one for event in removed for one in event.message_ids]

        def read(r: Reader) -> dict[int, list[int]]:
            threads = threads_of(r, ids)
            for event in removed:
                threads |= threads_of_removed(r, event.mailbox_id, event.uids)
            # a message may have been the entry of a thread that it is in no more
            threads |= {self._threads[at] for one in ids if (at := _index(self._ids, one)) is not None}
            return {thread: [one.row.id for one in members(r, thread, MAX_MEMBERS)] for thread in threads}

        threads = await self._account.scan(read, op="webmail_threads")
        matching: dict[int, list[Placed]] = {}
        for one in await self._matching([one for of in threads.values() for one in of]):
            matching.setdefault(one.threadid, []).append(one)
            if self._selective:
                self._hits.add(one.message_id)
        changed = False
        for thread in threads:
            index = _index(self._threads, thread)
            found = matching.get(thread)
            if found is None and index is not None:
                self._drop(index)
            elif found is not None and index is None:
                if not self._insert(found[0]):
                    return True
            elif index is None:
                continue
            elif found is not None and self._ids[index] not in {one.message_id for one in found}:
                self._ids[index] = found[0].message_id  # at the place of the one that left
            changed = True
        return changed

    async def _matching(self, ids: Sequence[int]) -> list[Placed]:
        """Those of these messages that match, in the order of the view."""
        if not ids:
            return []
        search = Search(self._account, self._wanted, oldest_first=self.query.order_asc, only=ids)
        found: list[Placed] = []
        while not search.done:
            found += await search.step()
        return found

    def _drop(self, index: int) -> None:
        for column in (self._received, self._ids, self._threads):
            del column[index]

    def _insert(self, one: Placed) -> bool:
        """Make an entry at its place; False when that is where the search has not been yet, which then begins anew."""
        sign = 1 if self.query.order_asc else -1
        key = (sign * one.received, sign * one.message_id)
        index = bisect_left(
            range(len(self._ids)), key, key=lambda at: (sign * self._received[at], sign * self._ids[at])
        )
        if self._search is not None:
            if index == len(self._ids):
                self._begin_anew()
                return False
            self._present.add(one.threadid if self._threaded else one.message_id)
        self._received.insert(index, one.received)
        self._ids.insert(index, one.message_id)
        self._threads.insert(index, one.threadid)
        return True


def _index(column: array[int], value: int) -> int | None:
    """Where a value stands; looked for by the array itself, 50 µs in 100,000."""
    try:
        return column.index(value)
    except ValueError:
        return None
