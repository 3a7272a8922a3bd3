"""A search over the mailboxes of several accounts, in one order (WEBMAIL-38, WEBMAIL-62).

Theory of operation
-------------------
A search gives the matches of one account in their final order, and tells how far it has looked. Of two accounts, a
match of one is in its final place when the search of the other has looked beyond it. So the account that is the
furthest behind is always looked into next, and what all have looked beyond is given on. That is fair: all accounts are
at the same time of reception, give or take one step. And it is bounded: of each account there waits what its last step
found. In the order of a view, messages that were received in the same microsecond are ordered by the ids that the
browser has for them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from moxlite.store.search.finding import Search
from moxlite.web.webmail.filters import wanted_of

if TYPE_CHECKING:
    from moxlite.store.rows.conditions import Placed
    from moxlite.web.webmail.holders import Holder, Scope
    from moxlite.web.webmail.types import Query

__all__ = ["Key", "Merging", "Source", "key_of"]

Key: TypeAlias = tuple[int, int]
"""Where a message stands in a view: less is earlier. By its time of reception and the browser's id, both negated when
the newest is first.
"""


def key_of(query: Query, received: int, shown: int) -> Key:
    """Where a message stands that was received then (µs UTC), by the browser's id."""
    return (received, shown) if query.order_asc else (-received, -shown)


class Source:
    """One account of a search. `waiting`: matches that it gave, and that are not yet in their final place."""

    def __init__(self, scope: Scope, query: Query, beside: int) -> None:
        """`beside`: how many searches go on at the same time, this one included."""
        self.scope: Final = scope
        self.waiting: deque[Placed] = deque()
        wanted = wanted_of(query, sorted(scope.mailboxes))
        self.search: Final = Search(scope.holder.account, wanted, oldest_first=query.order_asc, beside=beside)


class Merging:
    """The search. It goes on by a step each time that it is asked.

    Attributes:
      sources: by the numbers of their accounts.
    """

    def __init__(self, scopes: Iterable[Scope], query: Query) -> None:
        found = list(scopes)
        self._query = query
        self.sources = {one.holder.number: Source(one, query, len(found)) for one in found}

    @property
    def done(self) -> bool:
        """Whether all was looked at."""
        return all(source.search.done for source in self.sources.values())

    @property
    def progress(self) -> tuple[int, int]:
        """(messages looked at, how many there are at most)."""
        searches = [source.search for source in self.sources.values()]
        return sum(one.looked for one in searches), sum(one.of for one in searches)

    def next(self) -> Source:
        """The account to look into next: of those that are not done."""
        unfinished = [source for source in self.sources.values() if not source.search.done]
        return min(unfinished, key=lambda source: self._reached(source) or (-(1 << 63), 0))

    async def step(self, source: Source) -> list[tuple[Holder, Placed]]:
        """Look on in this account; the next matches of all, in order. Perhaps there are none, although it is not done.

        Raises NoSuchMailbox when a guest may not read all of the account's mailboxes any more; StorageBroken,
        ReadInterrupted.
        """
        holder = source.scope.holder
        if holder.guest:
            await holder.account.read(source.scope.readable, op="webmail_rights")
        source.waiting.extend(await source.search.step())
        return self._settled()

    def forget(self, holder: Holder, messages: Sequence[int]) -> None:
        """These messages of an account are gone, or may match no more: those that wait are not given on."""
        source = self.sources[holder.number]
        gone = frozenset(messages)
        source.waiting = deque(one for one in source.waiting if one.message_id not in gone)

    def _reached(self, source: Source) -> Key | None:
        """How far an account was looked into; None: not at all."""
        return None if source.search.reached is None else self._key(source.scope.holder, source.search.reached)

    def _key(self, holder: Holder, one: Placed) -> Key:
        return key_of(self._query, one.received, holder.shown_id(one.message_id))

    def _settled(self) -> list[tuple[Holder, Placed]]:
        if len(self.sources) == 1:
            [only] = self.sources.values()
            given = [(only.scope.holder, one) for one in only.waiting]
            only.waiting.clear()
            return given
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
        return [(holder, one) for _, holder, one in found]
