"""The entries of a listed view, in their order (WEBMAIL-38, WEBMAIL-66).

An entry is a message, or in a threaded view a thread, at the place of its first message that matches. Kept of each are
24 octets, and its rank in an order by sender or size. Ids are in the browser's form, which includes the account
(WEBMAIL-62).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from moxlite.store.rows.conditions import Run
from moxlite.web.webmail.live.merging import Key, key_of

if TYPE_CHECKING:
    from moxlite.store.rows.conditions import Placed
    from moxlite.web.webmail.holders import Holder
    from moxlite.web.webmail.querytypes import Query


class NotReached(Exception):
    """An entry belongs behind all that are known, and the search has not reached its place."""


class Entries:
    """Columns of the entries, with one row each.

    Attributes:
      threaded: whether an entry is a thread.
      ids, threads: of the message that makes the entry. ranks: only in another order than that of reception.
      hits: in a search by threads, all messages that match; else empty.
    """

    def __init__(self, query: Query, *, selective: bool) -> None:
        """`selective`: the view is a search, not whole mailboxes."""
        self.threaded: Final = query.threading != "off"
        self.selective: Final = selective
        self.received = array("q")
        self.ids = array("q")
        self.threads = array("q")
        self.ranks: list[int | str] = []
        self.hits: set[int] = set()
        self._query = query
        self._present: set[int] | None = set()  # keys of the entries while the search goes on

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def messages(self) -> int:
        """Messages that match in a search; in whole mailboxes, whose counts the browser has, the entries."""
        return len(self.hits) if self.threaded and self.selective else len(self)

    def end(self) -> None:
        """Take note that all entries are known."""
        self._present = None

    def append(self, holder: Holder, found: Sequence[Placed]) -> None:
        """Add the next matches of an account, in order. Of a thread the first one makes the entry."""
        if not found:
            return
        if isinstance(found, Run):
            received, ids, threads = found.received, found.ids, found.threads
        else:
            received, ids, threads, _ = map(list, zip(*found, strict=True))
        if holder.number:
            ids, threads = [*map(holder.shown_id, ids)], [*map(holder.shown_id, threads)]
        if self.threaded and self.selective:
            self.hits.update(ids)
        keys = threads if self.threaded else ids
        # of what is set twice the last value stays: the first place of each key
        firsts = dict(zip(reversed(keys), reversed(range(len(keys))), strict=True))
        if self._present is not None:
            for key in self._present.intersection(firsts):
                del firsts[key]
            self._present.update(firsts)
        places = sorted(firsts.values())
        self.received.extend(map(received.__getitem__, places))
        self.ids.extend(map(ids.__getitem__, places))
        self.threads.extend(map(threads.__getitem__, places))
        if self._ranked:
            self.ranks.extend([found[at].rank for at in places])

    def insert(self, holder: Holder, one: Placed) -> None:
        """Insert an entry at its place. Raises NotReached while the search goes on."""
        shown, thread = holder.shown_id(one.message_id), holder.shown_id(one.threadid)
        index = bisect_left(range(len(self)), key_of(self._query, one.rank, one.received, shown), key=self._key)
        if self._present is not None:
            if index == len(self):
                raise NotReached
            self._present.add(thread if self.threaded else shown)
        if self._ranked:
            self.ranks.insert(index, one.rank)
        self.received.insert(index, one.received)
        self.ids.insert(index, shown)
        self.threads.insert(index, thread)

    def drop(self, index: int) -> None:
        """Remove an entry."""
        for column in (self.received, self.ids, self.threads):
            del column[index]
        del self.ranks[index : index + 1]

    def of_message(self, shown: int) -> int | None:
        """The index of the entry that this message makes, or None."""
        return _index(self.ids, shown)

    def of_thread(self, shown: int) -> int | None:
        """The index of the entry of this thread, or None."""
        return _index(self.threads, shown)

    @property
    def _ranked(self) -> bool:
        return self._query.order != "received"

    def _key(self, at: int) -> Key:
        return key_of(self._query, self.ranks[at] if self._ranked else 0, self.received[at], self.ids[at])


def _index(column: array[int], value: int) -> int | None:
    """The index of a value, or None. The array's own search takes 50 µs for 100,000 values."""
    try:
        return column.index(value)
    except ValueError:
        return None
