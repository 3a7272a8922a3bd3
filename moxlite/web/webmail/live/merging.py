"""A search over the mailboxes of several accounts, in one order (WEBMAIL-38, WEBMAIL-62).

Theory of operation
-------------------
A search returns the matches of one account in their final order, and the place that it has reached. With two accounts,
a match of one has its final position when the search of the other has passed that place. So the next step is always
taken in the account that is furthest behind, and matches that all searches have passed are returned. This is fair: all
accounts are at the same time of reception, within one step. And it is bounded: of each account only the matches of its
last step wait. Messages that were received in the same microsecond are ordered by the browser's form of their ids.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final, TypeAlias

from moxlite.store.search.finding import Search
from moxlite.web.webmail.filters import wanted_of

if TYPE_CHECKING:
    from moxlite.store.rows.conditions import Placed
    from moxlite.web.webmail.holders import Holder, Scope
    from moxlite.web.webmail.querytypes import Query

Key: TypeAlias = tuple[int | str, int, int]
"""Sort key of a message in a view, smaller is earlier: its rank, time of reception (µs UTC) and the browser's id, the
latter two negated if the newest is first.
"""


def key_of(query: Query, rank: int | str, received: int, shown: int) -> Key:
    """The sort key of a message by its rank, its time of reception (µs UTC) and the browser's id."""
    return (rank, received, shown) if query.order_asc else (rank, -received, -shown)


class Source:
    """One account of a search. `waiting` are matches without a final position."""

    def __init__(self, scope: Scope, query: Query, beside: int) -> None:
        """`beside`: number of searches that run at the same time, this one included."""
        self.scope: Final = scope
        self.waiting: deque[Placed] = deque()
        wanted = wanted_of(query, sorted(scope.mailboxes))
        self.search: Final = Search(
            scope.holder.account, wanted, oldest_first=query.order_asc, by=query.order, beside=beside
        )


class Merging:
    """A search over several accounts, which proceeds by one step per call.

    Attributes:
      sources: by the numbers of their accounts.
    """

    def __init__(self, scopes: Iterable[Scope], query: Query) -> None:
        found = list(scopes)
        self._query = query
        self.sources = {one.holder.number: Source(one, query, len(found)) for one in found}

    @property
    def done(self) -> bool:
        """Whether all accounts are searched."""
        return all(source.search.done for source in self.sources.values())

    @property
    def progress(self) -> tuple[int, int]:
        """(messages searched, messages to search at most)."""
        searches = [source.search for source in self.sources.values()]
        return sum(one.looked for one in searches), sum(one.of for one in searches)

    def next(self) -> Source:
        """The account to search next: the furthest behind of the unfinished ones."""
        unfinished = [source for source in self.sources.values() if not source.search.done]
        unbegun = next((source for source in unfinished if source.search.reached is None), None)
        return unbegun or min(unfinished, key=lambda source: self._reached(source) or ())

    async def step(self, source: Source) -> list[tuple[Holder, Sequence[Placed]]]:
        """Search one step further in this account; returns the next matches of all accounts, in order, as runs of one
        account each. The result may be empty before the end.

        Raises NoSuchMailbox when a guest may not read all of the account's mailboxes any more; StorageBroken,
        ReadInterrupted.
        """
        holder = source.scope.holder
        if holder.guest:
            await holder.account.read(source.scope.readable, op="webmail_rights")
        found = await source.search.step()
        if len(self.sources) == 1:  # they are in order already, and stay columns
            return [(holder, found)]
        source.waiting.extend(found)
        return self._settled()

    def forget(self, holder: Holder, messages: Sequence[int]) -> None:
        """Drop waiting matches of an account that are removed, or may no longer match."""
        source = self.sources[holder.number]
        gone = frozenset(messages)
        source.waiting = deque(one for one in source.waiting if one.message_id not in gone)

    def _reached(self, source: Source) -> Key | None:
        """The place that the search of an account has reached; None before its first step."""
        return None if source.search.reached is None else self._key(source.scope.holder, source.search.reached)

    def _key(self, holder: Holder, one: Placed) -> Key:
        return key_of(self._query, one.rank, one.received, holder.shown_id(one.message_id))

    def _settled(self) -> list[tuple[Holder, Sequence[Placed]]]:
        reached = [self._reached(source) for source in self.sources.values() if not source.search.done]
        if None in reached:
            return []
        limit = min((one for one in reached if one is not None), default=None)
        found: list[tuple[Key, Holder, Placed]] = []
        for source in self.sources.values():
            holder, waiting = source.scope.holder, source.waiting
            while waiting and (limit is None or self._key(holder, waiting[0]) <= limit):
                one = waiting.popleft()
                found.append((self._key(holder, one), holder, one))
        found.sort(key=lambda entry: entry[0])
        runs = groupby(found, key=lambda entry: entry[1])
        return [(holder, [one for _, _, one in run]) for holder, run in runs]
