"""Views without an index: searches, views of several mailboxes, and threads (WEBMAIL-38..42, WEBMAIL-72).

Theory of operation
-------------------
The view keeps the place of each entry (`Entries`). Matches come in their final order, across several accounts too
(`MergedSearch`). So entries are only appended, and a browser can get the first ones, by their positions, while the
search goes on. In a threaded view the first match of a thread makes its entry, at the place of the match; later
messages of the thread do not move it (WEBMAIL-66). When an account changes, the affected entries are read again
(`follow`), and the browser is notified that its rows may be outdated (`ViewStale`); it then requests the rows on its
screen again. The same happens when the search restarts because the accounts to search have changed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite.store import types as store
from moxlite.store.errors import NoSuchMailbox, StoreError
from moxlite.store.rows.views import members, threads_of, threads_of_removed, threads_ready
from moxlite.store.search.finding import Search
from moxlite.web.webmail.filters import is_by_flags, is_whole, wanted_of
from moxlite.web.webmail.holders import Scope, number_of
from moxlite.web.webmail.items import ITEM_SLICE
from moxlite.web.webmail.live.entries import (
    MAX_MEMBERS,
    THREADS,
    Entries,
    MergedSearch,
    NotReached,
    indexes_of,
    items_of,
    join_copies,
)
from moxlite.web.webmail.live.view import FIRST_SLICE, Reset, Slice

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.store.rows.conditions import Placed
    from moxlite.web.webmail.holders import Holder
    from moxlite.web.webmail.live.changes import EncodedChange
    from moxlite.web.webmail.querytypes import Page, Query
    from moxlite.web.webmail.types import MessageItem


logger = logging.getLogger("moxlite.web.webmail")

GATHER: Final = 0.3  # seconds for which results are collected before they are sent (WEBMAIL-40)
INSERTED: Final = 20  # entries between two checkpoints: each moves all that is behind it, 0.1 ms of 100,000
MAX_FOLLOWED: Final = 1000  # messages that change at once; after more changes, the view is searched again


class Progress(msgspec.Struct, frozen=True):
    """State of a search: entries and matching messages found, messages searched and to search at most, whether it is at
    its end, and whether the user cancelled it. In a page it says that the search goes on without entries to send.
    `index`: messages in the text index and in all, while it is being made, which keeps the search slow; else none.
    """

    total: int
    messages: int
    looked: int
    of: int
    end: bool
    stopped: bool
    index: list[int]


class Listing:
    """The entries of a view, found step by step.

    Attributes:
      end: whether all entries are known.
      left_out: owners whose mailboxes could not be searched.
      stale: entries changed for another reason than an event, and the browser is not yet notified.
    """

    def __init__(self, view_id: int, query: Query, scopes: Iterable[Scope], searching: trio.CapacityLimiter) -> None:
        """`query` has the account's form of its mailbox's id. `searching` limits the account's searches that work at
        the same time (WEBMAIL-115).
        """
        self.view_id: Final = view_id
        self.query: Final = query
        self.stale = False
        self._stopped = False
        self._searching = searching
        self._given: dict[int, Scope] = {}
        self._begun = False
        self.look_into(scopes)

    @property
    def everywhere(self) -> bool:
        """Whether it searches all mailboxes that the user has or may read. Then accounts that cannot be read are left
        out. In other views they end the view with NoSuchMailbox or the store's error.
        """
        return self.query.filter.mailbox_id < 0

    def look_into(self, scopes: Iterable[Scope]) -> bool:
        """Set the mailboxes to search; returns whether entries that the browser knows may have changed."""
        found = {scope.holder.number: scope for scope in scopes}
        if [(scope.holder, scope.mailboxes) for scope in found.values()] == [
            (scope.holder, scope.mailboxes) for scope in self._given.values()
        ]:
            return False
        self._given = found
        self._scopes = dict(found)
        self.left_out: set[str] = set()
        begun = self._begun
        self._begin_anew()
        return begun

    def _begin_anew(self) -> None:
        self._begun = False
        self._search: MergedSearch | None = MergedSearch(self._scopes.values(), self.query)
        # of a search, the messages that match; of whole mailboxes, the mailbox shows whether a message matches
        self._entries = Entries(self.query, selective=not is_whole(self.query))
        self._looked = (0, 0)

    def _without(self, number: int, error: StoreError) -> None:
        """Restart without an account that cannot be searched. Raises the error if the account may not be left out."""
        scope = self._scopes[number]
        if not (self.everywhere and scope.holder.guest):
            raise error
        if not isinstance(error, NoSuchMailbox):  # the visit reports rights that were taken back
            self.left_out.add(scope.holder.owner)
            kv = {"account": scope.holder.guest, "owner": scope.holder.owner, "err": str(error)}
            logger.warning("failed to search shared mailboxes", extra={"kv": kv})
        del self._scopes[number]
        self._begin_anew()
        self.stale = True

    @property
    def end(self) -> bool:
        """Whether all entries are known."""
        return self._search is None

    @property
    def working(self) -> bool:
        """Whether the search is running; it starts with the first request for a page."""
        return self._begun and self._search is not None

    @property
    def progress(self) -> Progress:
        """The state of the search."""
        index = [] if self._search is None else self._search.index
        return Progress(len(self._entries), self._entries.messages, *self._looked, self.end, self._stopped, index)

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
        for number, scope in [*self._scopes.items()] if self._entries.threaded else ():
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
        if scope is None or change.place is not None:
            return False
        return self._entries.threaded or change.mailbox_id in scope.mailboxes

    async def resume(self, page: Page | None) -> None:
        """Nothing to do: a browser that reconnects requests its rows again."""

    def stop(self) -> None:
        """Cancel the search; entries that were found stay."""
        if self._search is not None:
            self._stopped = True
            self._finish()

    def _finish(self) -> None:
        self._search = None
        self._entries.end()

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
        self._looked = search.progress
        entries = self._entries
        for holder, placed in found:
            entries.append(holder, placed)
        for holder, placed in found:
            await join_copies(self._scopes[holder.number], [one.message_id for one in placed], entries)
        if search.done:
            self._finish()

    async def more(self, page: Page) -> AsyncGenerator[Slice | Reset | Progress, None]:
        """The entries of a page in slices, as they are found."""
        start: int | None = page.position
        named = page.anchor_message_id or page.dest_message_id
        if start is None and named:
            index = None
            async for found in self._entry_of(named):
                if found is None:
                    yield self.progress
                index = found
            # the page continues after a message that has left the list: the client must begin anew
            if index is None and page.anchor_message_id:
                yield Reset()
            elif index is not None and page.anchor_message_id:
                if page.before:
                    first = max(0, index - min(page.count, ITEM_SLICE))
                    yield Slice(await self._items(first, index), first, len(self._entries))
                    return
                start = index + 1
            elif index is not None:
                # the wanted message comes to the middle of the page, unless it is on the first
                start = 0 if index < page.count else index - page.count // 2
        sent = start or 0
        last = sent + page.count
        flushed = time.monotonic()
        while True:
            ready = min(last, len(self._entries))
            while sent < ready and (
                self.end or ready == last or ready - sent >= FIRST_SLICE or time.monotonic() - flushed >= GATHER
            ):
                stop = min(ready, sent + (THREADS if self._entries.threaded else FIRST_SLICE))
                yield Slice(await self._items(sent, stop), sent, len(self._entries))
                sent, flushed = stop, time.monotonic()
            if sent >= last or self.end:
                break
            await self.advance()
            yield self.progress
        # also an empty page is answered, with the total
        if sent == (start or 0):
            yield Slice([], min(sent, len(self._entries)), len(self._entries))

    async def _entry_of(self, message_id: int) -> AsyncGenerator[int | None, None]:
        """Search the entry that has a message. Yields None after each step of the search, and last its index, None if
        there is no such entry.
        """
        thread = 0
        if self._entries.threaded and (holder := self.holder_of(message_id)) is not None:
            ids = [holder.local_id(message_id)]
            try:
                of = await holder.account.read(lambda r: threads_of(r, ids), op="webmail_thread")
            except StoreError as e:
                self._without(holder.number, e)
                of = set()
            thread = holder.shown_id(next(iter(of), 0))
        while True:
            entries = self._entries
            index = entries.of_thread(thread) if entries.threaded else entries.of_message(message_id)
            if index is not None or self.end:
                yield index
                return
            await self.advance()
            yield None

    async def _items(self, first: int, last: int) -> list[list[MessageItem]]:
        """The messages of these entries. Entries whose messages are gone are left out."""
        entries = self._entries
        ids, threads = entries.ids[first:last], entries.threads[first:last]
        found: dict[int, list[MessageItem]] = {}
        for number in dict.fromkeys(map(number_of, ids)):
            scope = self._scopes.get(number)
            if scope is None:  # left out meanwhile
                continue
            local = scope.holder.local_id
            wanted = [
                (local(one), local(thread))
                for one, thread in zip(ids, threads, strict=True)
                if number_of(one) == number
            ]
            try:
                found |= await items_of(scope, wanted, entries, everywhere=self.everywhere)
            except StoreError as e:
                self._without(number, e)
        return [found[one] for one in ids if one in found]

    async def follow(self, events: Sequence[store.Event], holder: Holder) -> bool:
        """Apply changes of an account to the entries; returns whether entries may have changed."""
        scope = self._scopes.get(holder.number)
        if not self._begun or scope is None:
            return False
        news = ViewNews.of(events, self.query, scope)
        if not len(news):
            return False
        # reading the list again costs less than to place so many changes
        if len(news) > MAX_FOLLOWED:
            self._begin_anew()
            return True
        if self._search is not None:
            # Matches that wait for the searches of other accounts are not entries yet, and would be added though they
            # are gone.
            self._search.forget(holder, [*news.relabelled, *news.gone])
        try:
            return await follow(self._entries, self.query, scope, news)
        except NotReached:
            self._begin_anew()
        except StoreError as e:
            self._without(holder.number, e)
        return True


# Changes of an account, applied to the entries of a listed view (WEBMAIL-42, WEBMAIL-66).


class ViewNews(msgspec.Struct, frozen=True):
    """Events of an account that may change a view: added messages and those with other flags, expunged ones, messages
    that came to another thread.
    """

    added: list[store.MessageID]
    relabelled: list[store.MessageID]
    removed: list[store.MessagesRemoved]
    moved: list[store.ThreadChanged]

    @classmethod
    def of(cls, events: Sequence[store.Event], query: Query, scope: Scope) -> ViewNews:
        """The events that concern a view of these mailboxes."""
        threaded, mailbox_ids = query.threading != "off", scope.mailboxes
        marked = [event for event in events if isinstance(event, store.FlagsChanged)] if is_by_flags(query) else []
        return cls(
            added=[
                event.message_id
                for event in events
                if isinstance(event, store.MessageAdded) and (threaded or event.mailbox_id in mailbox_ids)
            ],
            relabelled=[one.message_id for one in marked if one.mailbox_id in mailbox_ids],
            removed=[
                event
                for event in events
                if isinstance(event, store.MessagesRemoved) and (threaded or event.mailbox_id in mailbox_ids)
            ],
            moved=[event for event in events if isinstance(event, store.ThreadChanged)] if threaded else [],
        )

    def __len__(self) -> int:
        """Messages that changed."""
        count = len(self.added) + len(self.relabelled) + sum(len(one.uids) for one in self.removed)
        return count + sum(len(one.message_ids) for one in self.moved)

    @property
    def gone(self) -> list[store.MessageID]:
        """Messages that left their mailbox."""
        return [message_id for event in self.removed for message_id in event.message_ids]


async def follow(entries: Entries, query: Query, scope: Scope, news: ViewNews) -> bool:
    """Apply events of an account; returns whether entries may have changed.

    Raises NotReached: the view must be searched again. StoreError.
    """
    if entries.threaded:
        return await _follow_threads(entries, query, scope, news)
    return await _follow_messages(entries, query, scope, news)


async def _follow_messages(entries: Entries, query: Query, scope: Scope, news: ViewNews) -> bool:
    shown_id = scope.holder.shown_id
    matching = await _matching(query, scope, news.added + news.relabelled)
    gone = {*news.gone, *set(news.relabelled).difference(one.message_id for one in matching)}
    hidden = {copy for of in entries.copies.values() for copy in of}
    left = {*map(shown_id, gone)}
    if not left.isdisjoint(entries.copies):  # a copy takes its place
        raise NotReached
    indexes = await indexes_of(entries.ids, left)
    entries.drop(indexes.values())
    changed = bool(indexes) or not left.isdisjoint(hidden)
    known = await indexes_of(entries.ids, [shown_id(one.message_id) for one in matching])
    added = [one for one in matching if (shown := shown_id(one.message_id)) not in known and shown not in hidden]
    await _insert(entries, scope.holder, added)
    await join_copies(scope, [one.message_id for one in added], entries)
    return changed or bool(added)


async def _insert(entries: Entries, holder: Holder, added: Iterable[Placed]) -> None:
    """Insert entries at their places. Raises NotReached."""
    for number, one in enumerate(added):
        entries.insert(holder, one)
        if number % INSERTED == 0:
            await trio.lowlevel.checkpoint()


async def _follow_threads(entries: Entries, query: Query, scope: Scope, news: ViewNews) -> bool:
    holder = scope.holder
    ids = [
        *news.added,
        *news.relabelled,
        *(message_id for event in news.moved for message_id in event.message_ids),
        *news.gone,
    ]

    def read(r: Reader) -> dict[int, list[int]]:
        threads = threads_of(r, ids)
        for event in news.removed:
            threads |= threads_of_removed(r, event.mailbox_id, event.uids)
        # a message may have been the entry of a thread that it left
        known = {*map(holder.shown_id, ids)}
        threads |= {
            holder.local_id(thread)
            for shown, thread in zip(entries.ids, entries.threads, strict=True)
            if shown in known
        }
        return {thread: [member.row.id for member in members(r, thread, MAX_MEMBERS)] for thread in threads}

    threads = await holder.account.scan(read, op="webmail_threads")
    matching: dict[int, list[Placed]] = {}
    if entries.selective:
        entries.hits.difference_update(holder.shown_id(one) for of in threads.values() for one in of)
    for one in await _matching(query, scope, [one for of in threads.values() for one in of]):
        matching.setdefault(one.threadid, []).append(one)
        if entries.selective:
            entries.hits.add(holder.shown_id(one.message_id))
    indexes = await indexes_of(entries.threads, map(holder.shown_id, threads))
    added: list[Placed] = []
    for thread, found in matching.items():
        index = indexes.get(holder.shown_id(thread))
        if index is None:
            added.append(found[0])
            continue
        shown = [holder.shown_id(one.message_id) for one in found]
        if entries.ids[index] not in shown:
            entries.ids[index] = shown[0]  # at the place of the message that left
    entries.drop(index for thread, index in indexes.items() if holder.local_id(thread) not in matching)
    await _insert(entries, holder, added)
    return bool(matching or indexes)


async def _matching(query: Query, scope: Scope, ids: Sequence[int]) -> list[Placed]:
    """The messages of `ids` that match, in the order of the view."""
    if not ids:
        return []
    message_query = wanted_of(query, sorted(scope.mailboxes))
    search = Search(scope.holder.account, message_query, oldest_first=query.order_asc, by=query.order, only=ids)
    found: list[Placed] = []
    while not search.done:
        found += await search.step()
    return found
