"""Changes of an account, applied to the entries of a listed view (WEBMAIL-42, WEBMAIL-66)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from moxlite.store import types as store
from moxlite.store.rows.views import members, threads_of, threads_of_removed
from moxlite.store.search.finding import Search
from moxlite.web.webmail.filters import is_by_flags, wanted_of
from moxlite.web.webmail.live.entryitems import MAX_MEMBERS

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.store.rows.conditions import Placed
    from moxlite.web.webmail.holders import Scope
    from moxlite.web.webmail.live.entries import Entries
    from moxlite.web.webmail.querytypes import Query


class News(msgspec.Struct, frozen=True):
    """Events of an account that may change a view: added messages and those with other flags, expunged ones, messages
    that came to another thread.
    """

    added: list[store.MessageID]
    relabelled: list[store.MessageID]
    removed: list[store.MessagesRemoved]
    moved: list[store.ThreadChanged]

    @classmethod
    def of(cls, events: Sequence[store.Event], query: Query, scope: Scope) -> News:
        """The events that concern a view of these mailboxes."""
        threaded, here = query.threading != "off", scope.mailboxes
        marked = [one for one in events if isinstance(one, store.FlagsChanged)] if is_by_flags(query) else []
        return cls(
            added=[
                one.message_id
                for one in events
                if isinstance(one, store.MessageAdded) and (threaded or one.mailbox_id in here)
            ],
            relabelled=[one.message_id for one in marked if one.mailbox_id in here],
            removed=[
                one for one in events if isinstance(one, store.MessagesRemoved) and (threaded or one.mailbox_id in here)
            ],
            moved=[one for one in events if isinstance(one, store.ThreadChanged)] if threaded else [],
        )

    def __len__(self) -> int:
        """Messages that changed."""
        count = len(self.added) + len(self.relabelled) + sum(len(one.uids) for one in self.removed)
        return count + sum(len(one.message_ids) for one in self.moved)

    @property
    def gone(self) -> list[store.MessageID]:
        """Messages that left their mailbox."""
        return [one for event in self.removed for one in event.message_ids]


async def follow(entries: Entries, query: Query, scope: Scope, news: News) -> bool:
    """Apply events of an account; returns whether entries may have changed.

    Raises NotReached: the view must be searched again. StoreError.
    """
    if entries.threaded:
        return await _follow_threads(entries, query, scope, news)
    return await _follow_messages(entries, query, scope, news)


async def _follow_messages(entries: Entries, query: Query, scope: Scope, news: News) -> bool:
    shown_id = scope.holder.shown_id
    matching = await _matching(query, scope, news.added + news.relabelled)
    gone = {*news.gone, *set(news.relabelled).difference(one.message_id for one in matching)}
    changed = False
    for message_id in gone:
        if (index := entries.of_message(shown_id(message_id))) is not None:
            entries.drop(index)
            changed = True
    for one in matching:
        if entries.of_message(shown_id(one.message_id)) is None:
            entries.insert(scope.holder, one)
            changed = True
    return changed


async def _follow_threads(entries: Entries, query: Query, scope: Scope, news: News) -> bool:
    holder = scope.holder
    ids = [*news.added, *news.relabelled, *(one for event in news.moved for one in event.message_ids), *news.gone]

    def read(r: Reader) -> dict[int, list[int]]:
        threads = threads_of(r, ids)
        for event in news.removed:
            threads |= threads_of_removed(r, event.mailbox_id, event.uids)
        # a message may have been the entry of a thread that it left
        places = [at for one in ids if (at := entries.of_message(holder.shown_id(one))) is not None]
        threads |= {holder.local_id(entries.threads[at]) for at in places}
        return {thread: [one.row.id for one in members(r, thread, MAX_MEMBERS)] for thread in threads}

    threads = await holder.account.scan(read, op="webmail_threads")
    matching: dict[int, list[Placed]] = {}
    if entries.selective:
        entries.hits.difference_update(holder.shown_id(one) for of in threads.values() for one in of)
    for one in await _matching(query, scope, [one for of in threads.values() for one in of]):
        matching.setdefault(one.threadid, []).append(one)
        if entries.selective:
            entries.hits.add(holder.shown_id(one.message_id))
    changed = False
    for thread in threads:
        index = entries.of_thread(holder.shown_id(thread))
        found = matching.get(thread)
        if found is None and index is None:
            continue
        if found is None and index is not None:
            entries.drop(index)
        elif found is not None and index is None:
            entries.insert(holder, found[0])
        elif found is not None and index is not None:
            shown = [holder.shown_id(one.message_id) for one in found]
            if entries.ids[index] not in shown:
                entries.ids[index] = shown[0]  # at the place of the message that left
        changed = True
    return changed


async def _matching(query: Query, scope: Scope, ids: Sequence[int]) -> list[Placed]:
    """The messages of `ids` that match, in the order of the view."""
    if not ids:
        return []
    wanted = wanted_of(query, sorted(scope.mailboxes))
    search = Search(scope.holder.account, wanted, oldest_first=query.order_asc, by=query.order, only=ids)
    found: list[Placed] = []
    while not search.done:
        found += await search.step()
    return found
