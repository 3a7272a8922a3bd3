"""Views without an index: searches, views of several mailboxes, and threads (WEBMAIL-38..42, WEBMAIL-72).

Theory of operation
-------------------
The view keeps the place of each entry: 24 octets for a message or a thread, and its rank in an order by sender or size,
with ids in the browser's form, which include the account (WEBMAIL-62). Matches come in their final order, across
several accounts too (`merging`). So entries are only appended, and a browser can get the first ones, by their
positions, while the search goes on. In a threaded view the first match of a thread makes its entry, at the place of the
match; later messages of the thread do not move it (WEBMAIL-66). When an account changes, the affected entries are read
again, and the browser is notified that its rows may be outdated (`ViewStale`); it then requests the rows on its screen
again. The same happens when the search restarts because the accounts to search have changed.
"""

from __future__ import annotations

import logging
import time
from array import array
from bisect import bisect_left
from collections.abc import AsyncGenerator, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.store import types as store
from moxlite.store.errors import NoSuchMailbox, StoreError
from moxlite.store.rows.conversations import Member, members, threads_of, threads_of_removed, threads_ready
from moxlite.store.rows.messages import rows_by_ids
from moxlite.store.search.finding import Search
from moxlite.web.webmail.filters import is_by_flags, is_plain, wanted_of
from moxlite.web.webmail.holders import Scope, number_of
from moxlite.web.webmail.items import ITEM_SLICE
from moxlite.web.webmail.live.merging import Key, Merging, key_of
from moxlite.web.webmail.live.view import FIRST_SLICE, Reset, Slice

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.store.rows.conditions import Placed
    from moxlite.store.types import MailboxID
    from moxlite.web.webmail.holders import Holder
    from moxlite.web.webmail.live.changes import EncodedChange
    from moxlite.web.webmail.types import MessageItem, Page, Query

__all__ = ["Listing", "Progress"]

logger = logging.getLogger("moxlite.web.webmail")

GATHER: Final = 0.3  # seconds for which results are collected before they are sent (WEBMAIL-40)
THREADS: Final = 20  # threads read at once
MAX_MEMBERS: Final = 500  # messages of a thread that are sent: the newest; 600 kB at most
MAX_FOLLOWED: Final = 1000  # messages that change at once; after more changes, the view is searched again


class Progress(msgspec.Struct, frozen=True):
    """The search goes on without entries to send."""


class _Entries:
    """Columns of the entries, with one row each; ranks only in another order than that of reception."""

    def __init__(self) -> None:
        self.received = array("q")
        self.ids = array("q")
        self.threads = array("q")
        self.ranks: list[int | str] = []

    def insert(self, index: int, one: Placed, shown: int, thread: int, *, ranked: bool) -> None:
        if ranked:
            self.ranks.insert(index, one.rank)
        self.received.insert(index, one.received)
        self.ids.insert(index, shown)
        self.threads.insert(index, thread)

    def drop(self, index: int) -> None:
        for column in (self.received, self.ids, self.threads):
            del column[index]
        del self.ranks[index : index + 1]


class Listing:
    """The entries of a view, found step by step.

    Attributes:
      everywhere: whether it searches all mailboxes that the user has or may read. Then accounts that cannot be read are
        left out. In other views they end the view with NoSuchMailbox or the store's error.
      end: whether all entries are known. stopped: whether the user cancelled the search.
      left_out: owners whose mailboxes could not be searched.
      stale: entries changed for another reason than an event, and the browser is not yet notified.
    """

    def __init__(self, view_id: int, query: Query, scopes: Iterable[Scope], searching: trio.CapacityLimiter) -> None:
        """`query` has the account's form of its mailbox's id. `searching` limits the account's searches that work at
        the same time (WEBMAIL-115).
        """
        self.view_id: Final = view_id
        self.query: Final = query
        self.everywhere: Final = query.filter.mailbox_id < 0
        self.stopped = self.stale = False
        self._searching = searching
        self._threaded = query.threading != "off"
        # of a search, the messages that match; of whole mailboxes, the mailbox shows whether a message matches
        self._selective = not is_plain(msgspec.structs.replace(query, threading="off", order="received"))
        self._by_flags = is_by_flags(query)
        self._given: dict[int, Scope] = {}
        self._begun = False
        self.look_into(scopes)

    def look_into(self, scopes: Iterable[Scope]) -> bool:
        """Set the mailboxes to search; returns whether entries that the browser knows may have changed."""
        found = {one.holder.number: one for one in scopes}
        if [(one.holder, one.mailboxes) for one in found.values()] == [
            (one.holder, one.mailboxes) for one in self._given.values()
        ]:
            return False
        self._given = found
        self._scopes = dict(found)
        self.left_out: set[str] = set()
        begun = self._begun
        self._begin_anew()
        return begun

    def _begin_anew(self) -> None:
        self._search: Merging | None = Merging(self._scopes.values(), self.query)
        self._begun = False
        self._columns = _Entries()
        self._hits: set[int] = set()
        self._present: set[int] = set()  # while searching: messages, or threads, that have an entry
        self._looked = self._of = 0

    def _without(self, number: int, error: StoreError) -> None:
        """Restart without an account that cannot be searched. Raises the error if the account may not be left out."""
        scope = self._scopes[number]
        if not (self.everywhere and scope.holder.guest):
            raise error
        if not isinstance(error, NoSuchMailbox):  # the visit reports rights that were taken back
            self.left_out.add(scope.holder.owner)
            kv = {"account": scope.holder.guest, "owner": scope.holder.owner, "err": str(error)}
            logger.warning("shared mailboxes are not searched", extra={"kv": kv})
        del self._scopes[number]
        self._begin_anew()
        self.stale = True

    @property
    def total(self) -> int:
        """Entries known so far."""
        return len(self._columns.ids)

    @property
    def messages(self) -> int:
        """Matching messages known so far in a search; in whole mailboxes, whose counts the browser has, the entries."""
        return len(self._hits) if self._threaded and self._selective else self.total

    @property
    def end(self) -> bool:
        """Whether all entries are known."""
        return self._search is None

    @property
    def working(self) -> bool:
        """Whether the search is running; it starts with the first request for a page."""
        return self._begun and self._search is not None

    @property
    def progress(self) -> tuple[int, int]:
        """(messages searched, messages to search at most)."""
        return self._looked, self._of

    def holder_of(self, shown: int) -> Holder | None:
        """The holder of the account that a shown message belongs to."""
        scope = self._scopes.get(number_of(shown))
        return None if scope is None else scope.holder

    @property
    def scopes(self) -> list[Scope]:
        """The mailboxes that it was asked to search."""
        return [*self._given.values()]

    async def threads_ready(self) -> bool:
        """Whether the view can be shown; False while the threads of an account are still being built."""
        for number, scope in [*self._scopes.items()] if self._threaded else ():
            try:
                if not await scope.holder.account.read(threads_ready, op="webmail_view"):
                    return False
            except StoreError as e:
                self._without(number, e)
        return True

    def wants(self, change: EncodedChange, holder: Holder) -> bool:
        """Whether a change of an account concerns this view. Added messages are excluded; they come with a page."""
        if change.mailbox_id == 0:
            return True
        scope = self._scopes.get(holder.number)
        return scope is not None and change.place is None and (self._threaded or change.mailbox_id in scope.mailboxes)

    async def resume(self, wanted: Page | None) -> None:
        """Nothing to do: a browser that reconnects requests its rows again."""

    def stop(self) -> None:
        """Cancel the search; entries that were found stay."""
        if self._search is not None:
            self.stopped = True
            self._finish()

    async def advance(self) -> None:
        """Search one step further. Raises NoSuchMailbox, StorageBroken, ReadInterrupted."""
        search = self._search
        if search is None:
            return
        self._begun = True
        source = search.next()
        try:
            async with self._searching:
                found = await search.step(source)
        except StoreError as e:
            self._without(source.scope.holder.number, e)
            return
        self._looked, self._of = search.progress
        for holder, one in found:
            shown = holder.shown_id(one.message_id)
            thread = holder.shown_id(one.threadid)
            if self._threaded and self._selective:
                self._hits.add(shown)
            key = thread if self._threaded else shown
            if key not in self._present:
                self._present.add(key)
                self._columns.insert(self.total, one, shown, thread, ranked=self.query.order != "received")
        if search.done:
            self._finish()

    def _finish(self) -> None:
        self._search = None
        self._present.clear()

    async def more(self, wanted: Page) -> AsyncGenerator[Slice | Reset | Progress, None]:
        """The entries of a page in slices, as they are found."""
        start: int | None = wanted.position
        named = wanted.anchor_message_id or wanted.dest_message_id
        if start is None and named:
            index = None
            async for found in self._entry_of(named):
                if found is None:
                    yield Progress()
                index = found
            # the page continues after a message that has left the list: the client must begin anew
            if index is None and wanted.anchor_message_id:
                yield Reset()
            elif index is not None and wanted.anchor_message_id:
                if wanted.before:
                    first = max(0, index - min(wanted.count, ITEM_SLICE))
                    yield Slice(await self._items(first, index), first, self.total)
                    return
                start = index + 1
            elif index is not None:
                # the wanted message comes to the middle of the page, unless it is on the first
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
        # also an empty page is answered, with the total
        if sent == (start or 0):
            yield Slice([], min(sent, self.total), self.total)

    async def _entry_of(self, message_id: int) -> AsyncGenerator[int | None, None]:
        """Search the entry that has a message. Yields None after each step of the search, and last its index, None if
        there is no such entry.
        """
        thread = 0
        if self._threaded and (holder := self.holder_of(message_id)) is not None:
            ids = [holder.local_id(message_id)]
            try:
                of = await holder.account.read(lambda r: threads_of(r, ids), op="webmail_thread")
            except StoreError as e:
                self._without(holder.number, e)
                of = set()
            thread = holder.shown_id(next(iter(of), 0))
        while True:
            index = _index(self._columns.threads, thread) if self._threaded else _index(self._columns.ids, message_id)
            if index is not None or self.end:
                yield index
                return
            await self.advance()
            yield None

    async def _items(self, first: int, last: int) -> list[list[MessageItem]]:
        """The messages of these entries. Entries whose messages are gone are left out."""
        ids, threads = self._columns.ids[first:last], self._columns.threads[first:last]
        found: dict[int, list[MessageItem]] = {}
        for number in dict.fromkeys(map(number_of, ids)):
            scope = self._scopes.get(number)
            if scope is None:  # left out meanwhile
                continue
            local = scope.holder.local_id
            entries = [
                (local(one), local(thread))
                for one, thread in zip(ids, threads, strict=True)
                if number_of(one) == number
            ]
            try:
                found |= await self._entries(scope, entries)
            except StoreError as e:
                self._without(number, e)
        return [found[one] for one in ids if one in found]

    async def _entries(self, scope: Scope, entries: list[tuple[int, int]]) -> dict[int, list[MessageItem]]:
        """The messages of entries of one account, by the browser's id of the entry."""
        account = scope.holder.account
        if not self._threaded:
            ids = [one for one, _ in entries]
            return await account.read(partial(self._read_messages, scope=scope, ids=ids), op="webmail_view")
        found: dict[int, list[MessageItem]] = {}
        for start in range(0, len(entries), THREADS):
            part = entries[start : start + THREADS]
            found |= await account.scan(partial(self._read_threads, scope=scope, entries=part), op="webmail_threads")
        return found

    def _readable(self, r: Reader, scope: Scope) -> frozenset[MailboxID] | None:
        """The mailboxes that the user may read, None for all. If a mailbox of the view is no longer readable, a view
        over all mailboxes skips it; other views raise NoSuchMailbox.
        """
        return scope.holder.readable(r) if self.everywhere else scope.readable(r)

    def _read_messages(self, r: Reader, scope: Scope, ids: Sequence[int]) -> dict[int, list[MessageItem]]:
        readable = self._readable(r, scope)
        rows = rows_by_ids(r, ids)
        if readable is not None:  # one may have been moved since it was found
            rows = [row for row in rows if row.mailbox_id in readable]
        return {item.id: [item] for item in scope.holder.items(r, rows)}

    def _read_threads(self, r: Reader, scope: Scope, entries: list[tuple[int, int]]) -> dict[int, list[MessageItem]]:
        readable = self._readable(r, scope)
        found = {}
        for first_id, threadid in entries:
            of = members(r, threadid, MAX_MEMBERS)
            if readable is not None:  # a thread may extend to mailboxes that are not shared
                of = [one for one in of if one.row.mailbox_id in readable]
            if of:
                shown = scope.holder.shown_id(first_id)
                found[shown] = self._thread(r, scope, shown, of)
        return found

    def _thread(self, r: Reader, scope: Scope, shown: int, of: list[Member]) -> list[MessageItem]:
        """A whole thread: first the message of its entry, then the others, oldest first."""
        known: dict[int, Member] = {one.row.id: one for one in of}
        made: list[MessageItem] = []
        for one, item in zip(of, scope.holder.items(r, [one.row for one in of]), strict=True):
            above = next((known[parent] for parent in one.parents if parent in known), None)
            matching = item.id in self._hits if self._selective else one.row.mailbox_id in scope.mailboxes
            made.append(
                msgspec.structs.replace(
                    item,
                    thread_parent=0 if above is None else scope.holder.shown_id(above.row.id),
                    same_message_id=above is not None and above.row.messageid == one.row.messageid is not None,
                    match_query=matching,
                )
            )
        matching_ones = [item for item in made if item.match_query] or made
        first = next((item for item in made if item.id == shown), matching_ones[-1])
        return [first, *(item for item in made if item is not first)]

    # Changes of the accounts

    async def follow(self, events: Sequence[store.Event], holder: Holder) -> bool:
        """Apply changes of an account to the entries; returns whether entries may have changed."""
        scope = self._scopes.get(holder.number)
        if not self._begun or scope is None:
            return False
        here = scope.mailboxes
        added = [
            one.message_id
            for one in events
            if isinstance(one, store.MessageAdded) and (self._threaded or one.mailbox_id in here)
        ]
        removed = [
            one
            for one in events
            if isinstance(one, store.MessagesRemoved) and (self._threaded or one.mailbox_id in here)
        ]
        moved = [one for one in events if isinstance(one, store.ThreadChanged)] if self._threaded else []
        marked = [one for one in events if isinstance(one, store.FlagsChanged)] if self._by_flags else []
        relabelled = [one.message_id for one in marked if one.mailbox_id in here]
        count = len(added) + sum(len(one.uids) for one in removed) + sum(len(one.message_ids) for one in moved)
        count += len(relabelled)
        if count == 0:
            return False
        # reading the list again costs less than to place so many changes
        if count > MAX_FOLLOWED:
            self._begin_anew()
            return True
        if self._search is not None:
            self._search.forget(holder, [*relabelled, *(one for event in removed for one in event.message_ids)])
        try:
            if self._threaded:
                return await self._follow_threads(scope, added + relabelled, removed, moved)
            return await self._follow(scope, added, removed, relabelled)
        except StoreError as e:
            self._without(holder.number, e)
            return True

    async def _follow(
        self,
        scope: Scope,
        added: list[store.MessageID],
        removed: list[store.MessagesRemoved],
        relabelled: list[store.MessageID],
    ) -> bool:
        shown_id = scope.holder.shown_id
        matching = await self._matching(scope, added + relabelled)
        gone = {one for event in removed for one in event.message_ids}
        gone |= set(relabelled).difference(one.message_id for one in matching)
        changed = False
        for message_id in gone:
            if (index := _index(self._columns.ids, shown_id(message_id))) is not None:
                self._columns.drop(index)
                changed = True
        for one in matching:
            if _index(self._columns.ids, shown_id(one.message_id)) is None:
                changed = True
                if not self._insert(scope.holder, one):
                    break
        return changed

    async def _follow_threads(
        self,
        scope: Scope,
        added: list[store.MessageID],
        removed: list[store.MessagesRemoved],
        moved: list[store.ThreadChanged],
    ) -> bool:
        holder = scope.holder
        ids = [*added, *(one for event in moved for one in event.message_ids)]
        ids += [one for event in removed for one in event.message_ids]

        def read(r: Reader) -> dict[int, list[int]]:
            threads = threads_of(r, ids)
            for event in removed:
                threads |= threads_of_removed(r, event.mailbox_id, event.uids)
            # a message may have been the entry of a thread that it left
            entries = [at for one in ids if (at := _index(self._columns.ids, holder.shown_id(one))) is not None]
            threads |= {holder.local_id(self._columns.threads[at]) for at in entries}
            return {thread: [one.row.id for one in members(r, thread, MAX_MEMBERS)] for thread in threads}

        threads = await holder.account.scan(read, op="webmail_threads")
        matching: dict[int, list[Placed]] = {}
        if self._selective:
            self._hits.difference_update(holder.shown_id(one) for of in threads.values() for one in of)
        for one in await self._matching(scope, [one for of in threads.values() for one in of]):
            matching.setdefault(one.threadid, []).append(one)
            if self._selective:
                self._hits.add(holder.shown_id(one.message_id))
        changed = False
        for thread in threads:
            index = _index(self._columns.threads, holder.shown_id(thread))
            found = matching.get(thread)
            if found is None and index is not None:
                self._columns.drop(index)
            elif found is not None and index is None:
                if not self._insert(holder, found[0]):
                    return True
            elif index is None:
                continue
            elif found is not None and self._columns.ids[index] not in {
                holder.shown_id(one.message_id) for one in found
            }:
                self._columns.ids[index] = holder.shown_id(found[0].message_id)  # at the place of the message that left
            changed = True
        return changed

    async def _matching(self, scope: Scope, ids: Sequence[int]) -> list[Placed]:
        """The messages of `ids` that match, in the order of the view."""
        if not ids:
            return []
        wanted = wanted_of(self.query, sorted(scope.mailboxes))
        search = Search(scope.holder.account, wanted, oldest_first=self.query.order_asc, by=self.query.order, only=ids)
        found: list[Placed] = []
        while not search.done:
            found += await search.step()
        return found

    def _insert(self, holder: Holder, one: Placed) -> bool:
        """Insert an entry at its place. Returns False if the search has not reached that place; the search restarts
        then.
        """
        shown, thread = holder.shown_id(one.message_id), holder.shown_id(one.threadid)
        by_rank = self.query.order != "received"

        def key(at: int) -> Key:
            return key_of(
                self.query, self._columns.ranks[at] if by_rank else 0, self._columns.received[at], self._columns.ids[at]
            )

        wanted = key_of(self.query, one.rank, one.received, shown)
        index = bisect_left(range(len(self._columns.ids)), wanted, key=key)
        if self._search is not None:
            if index == len(self._columns.ids):
                self._begin_anew()
                return False
            self._present.add(thread if self._threaded else shown)
        self._columns.insert(index, one, shown, thread, ranked=by_rank)
        return True


def _index(column: array[int], value: int) -> int | None:
    """The index of a value, or None. The array's own search takes 50 µs for 100,000 values."""
    try:
        return column.index(value)
    except ValueError:
        return None
