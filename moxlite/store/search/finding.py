"""Searches over messages of several mailboxes, in the order of reception or another, slice by slice (STORE-111,
STORE-114, WEBMAIL-38): for the webmail.

A search has three parts, each optional: a condition on rows, a term that the text of a message fulfils, and a test of
its structure and header. The first messages in the order of reception are examined at once. Then the text index narrows
the search to candidates where it can; else all messages that meet the condition are read. The index changes the time of
a search, but not its result. Matches come in their final order, so the caller can show the first ones during the
search. No index has other orders than that of reception: it would cost each delivery a write, and few lists are sorted
by sender or size. So all rows are read for a slice in the order of a column, and the names of all senders before the
first slice in their order.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, TypeAlias

import msgspec

from moxlite.ledger import NoRoom, ledger
from moxlite.processor import off_loop
from moxlite.proto.mime.types import Structure, decode_structure
from moxlite.store.errors import StorageBusy
from moxlite.store.file.transaction import Reader
from moxlite.store.rows import messages as message_rows
from moxlite.store.rows.conditions import (
    BEFORE_ALL,
    MAX_INT,
    RANK_COLUMNS,
    All,
    Condition,
    Placed,
    Run,
    listed,
    walk,
    walk_ranked,
)
from moxlite.store.rows.ordering import holding
from moxlite.store.rows.sorting import Ranking, Senders, ranked, ranks_of, sort_by_rank
from moxlite.store.rows.views import FIRST_NEWEST, FIRST_OLDEST, Place
from moxlite.store.search import queries
from moxlite.store.search.index import IndexedAccount, Preparation
from moxlite.store.search.queries import AllOf, FileHint, Term, holds
from moxlite.store.search.texts import texts_of
from moxlite.store.types import MailboxID

SLICE: Final = 500
"""Messages examined in one step (STORE-114): 5 ms of stored texts or structures, 50 ms of messages."""

FIRST: Final = 300
"""Messages examined before the index is asked. For a common word they have what is shown first, and the index would
list a fifth of all messages; a rare word costs their texts more, 6 to 10 ms.
"""

NEXT: Final = 3_000
"""Messages examined after the first ones if the index has more than `FEW` candidates: they have the matches that are
shown first in 40 ms, and listing 200,000 candidates takes 0.5 s.
"""

FEW: Final = 10_000
"""Candidates that are listed at once: 20 ms."""

LIGHT: Final = 5_000
"""Rows read at once, and examined in one step if rows alone decide: 5 ms."""

WIDE: Final = 50_000
"""Rows of several mailboxes read at once: SQLite sorts all rows that follow for it, 100 ms at 100,000."""

ROW: Final = 80
"""Octets of a row while all are put in order: three numbers, a rank, a place, and the copy of a column."""

PATIENCE: Final = 0.1
"""Seconds for which one step reads messages: a caller that gives up waits no longer (WEBMAIL-115)."""

Test: TypeAlias = Callable[[Structure, bytes], bool]
"""Whether a message with this structure and header section (its first 64 KiB) is wanted."""


class MessageQuery(msgspec.Struct, frozen=True):
    """A query: messages of these mailboxes that meet all of the other conditions.

    ``hint`` is a term that holds for each match of ``test``, so that the index can rule out other messages, and so is
    ``files``, of the files of a message. ``reads_header``: whether the test needs the header section.
    """

    mailboxes: tuple[MailboxID, ...]
    condition: Condition = All()
    term: Term | None = None
    hint: Term | None = None
    files: FileHint | None = None
    test: Test | None = None
    reads_header: bool = False

    @property
    def by_rows(self) -> bool:
        """Whether rows alone decide."""
        return self.term is None and self.test is None


class _SearchOptions(msgspec.Struct, frozen=True):
    oldest_first: bool
    by: Ranking
    only: Sequence[int] | None
    beside: int


class _PrefetchedMessages:
    """Messages that were read ahead, and are taken in order."""

    def __init__(self, found: Run) -> None:
        self._found = found
        self._next = 0

    @property
    def left(self) -> int:
        """Messages that were not taken yet."""
        return len(self._found) - self._next

    def take(self, count: int) -> Run:
        """The next messages, at most `count`."""
        part = self._found[self._next : self._next + count]
        self._next += len(part)
        return part

    def put_back(self, count: int) -> None:
        """Take back the last `count` of them."""
        self._next -= count


class Search:
    """One search, which is continued by each call of `step`.

    Attributes:
      done: all messages were examined.
      looked: number of messages examined. of: upper bound of their total; 0 before the first step.
      reached: the last examined message; further matches follow it in the order.
    """

    def __init__(
        self,
        account: IndexedAccount,
        wanted: MessageQuery,
        *,
        oldest_first: bool = False,
        by: Ranking = "received",
        only: Sequence[int] | None = None,
        beside: int = 1,
        after: Place | None = None,
    ) -> None:
        """`by`: the order; messages of the same rank are in the order of reception. `only`: search only messages with
        these ids. `beside`: number of concurrent searches, including this one: they share the bound of rows in memory,
        and each takes small steps. `after`: search only messages behind that place.
        """
        self.done = False
        self.looked = 0
        self.of = 0
        self.reached: Placed | None = None
        self._account = account
        self._wanted = wanted
        self._manner: Final = _SearchOptions(oldest_first, by, only, beside)
        self._first: bool | None = None  # the first messages are examined, before the index is asked; None: not begun
        self._behind: tuple[int | str, Place] = (BEFORE_ALL, after or (FIRST_OLDEST if oldest_first else FIRST_NEWEST))
        self._senders: Senders | None = None  # in their order, once they were read
        self._ahead = _PrefetchedMessages(Run.empty())
        self._listed = False  # `_ahead` has all further messages

    async def step(self) -> Sequence[Placed]:
        """Examine further messages; returns the matches among them, in order, maybe [] before the end.

        Raises StorageBroken, ReadInterrupted. A damaged message is not found.
        """
        if self._first is None:
            self._first = self._asks_index and self._manner.only is None and self._manner.by == "received"
            await self._begin()
        elif self._first and not self._ahead.left and not self._listed:
            await self._ask_index()
        part = await self._take()
        found = part
        if part and self._wanted.term is not None:
            part, found = await self._decided(part, self._wanted.term)
        self.looked += len(part)
        if part:
            self.reached = part[-1]
        if found and self._wanted.test is not None:
            found = await self._account.scan(partial(self._tested, part=found), op="search-test")
        self.done = self._listed and not self._ahead.left
        if self.done:
            self.of = self.looked
        return found

    async def _begin(self) -> None:
        manner = self._manner
        self.of = await self._account.read(partial(_size, mailboxes=self._wanted.mailboxes), op="search-size")
        if manner.only is not None:
            await self._list(manner.only, MAX_INT)
        elif self._first:
            await self._read_ahead(FIRST)
        else:
            await self._narrow()
        if manner.by == "sender" and not self._listed:
            self._senders = await self._read_senders()

    @property
    def preparation(self) -> Preparation | None:
        """How far the text index is, while that makes this search slow."""
        return self._account.search.preparation if self._asks_index else None

    @property
    def _hints(self) -> tuple[Term, ...]:
        """Terms that hold for each match."""
        return tuple([part for part in (self._wanted.term, self._wanted.hint) if part is not None])

    @property
    def _asks_index(self) -> bool:
        """Whether the index can rule out messages."""
        return bool(self._hints) or self._wanted.files is not None

    async def _ask_index(self) -> None:
        """Ask the index after the first messages; once more, after the next ones, if it has many candidates."""
        if self.looked > FIRST:
            self._first = False
            await self._narrow()
        else:
            await self._narrow(most=FEW)
            if not self._listed:
                await self._read_ahead(NEXT)

    async def _narrow(self, *, most: int | None = None) -> None:
        """List the candidates of the index among the messages that were not examined, if the index has an answer, and
        no more than `most`.
        """
        index, files = self._account.search, self._wanted.files
        answers = [
            await queries.candidates(index, AllOf(self._hints), most=most) if self._hints else None,
            None if files is None else await queries.with_files(index, files, most=most),
        ]
        known = [answer for answer in answers if answer is not None]
        if known:
            ids = set(known[0].ids).intersection(*[answer.ids for answer in known[1:]]) if known[1:] else known[0].ids
            await self._list(array("q", ids), min(answer.watermark for answer in known))

    async def _list(self, ids: Sequence[int], watermark: int) -> None:
        message_query, manner, behind = self._wanted, self._manner, self._behind[1]
        later = await self._account.scan(lambda r: r.value(LATER, watermark), op="search-rows")
        async with _room_for(len(ids) + later):
            found = await self._account.scan(
                lambda r: listed(
                    r,
                    ids,
                    watermark,
                    message_query.mailboxes,
                    message_query.condition,
                    behind,
                    oldest_first=manner.oldest_first,
                ),
                op="search-rows",
            )
            if manner.by != "received":
                found = await self._ranked(found)
                await self._account.scan(partial(sort_by_rank, found=found), op="search-ranks")
        self._take_all(found)

    async def _read_senders(self) -> Senders:
        """Read the senders' names of all messages, and put these in order."""
        senders = Senders()
        async with _room_for(self.of):
            for mailbox in self._wanted.mailboxes:
                behind: Place | None = FIRST_OLDEST
                while behind is not None:
                    read = partial(
                        senders.read,
                        mailbox_id=mailbox,
                        condition=self._wanted.condition,
                        behind=behind,
                        limit=LIGHT,
                    )
                    behind = await self._account.scan(read, op="search-ranks")
            await off_loop(senders.arrange, kind="sort")
        self.of = len(senders)
        return senders

    async def _ranked(self, found: Run) -> Run:
        ordered = Run.empty(ranks_of(self._manner.by))
        for at in range(0, len(found), LIGHT):
            read = partial(ranked, found=found[at : at + LIGHT], by=self._manner.by)
            ordered.extend(await self._account.scan(read, op="search-ranks"))
        return ordered

    def _take_all(self, found: Run) -> None:
        self._ahead = _PrefetchedMessages(found)
        self._listed = True
        self.of = self.looked + len(found)

    @property
    def _wide(self) -> int:
        """Rows to read at once."""
        sorts = len(self._wanted.mailboxes) > 1 or self._manner.by != "received"
        return max(LIGHT, WIDE // self._manner.beside) if sorts else LIGHT

    def _walk(self, r: Reader, limit: int) -> Run:
        mailboxes, condition, manner = self._wanted.mailboxes, self._wanted.condition, self._manner
        if manner.by in RANK_COLUMNS:
            return walk_ranked(
                r, mailboxes, condition, manner.by, self._behind, limit, oldest_first=manner.oldest_first
            )
        return walk(r, mailboxes, condition, self._behind[1], limit, oldest_first=manner.oldest_first)

    async def _take(self) -> Sequence[Placed]:
        """The next messages to examine. The first part is small, so that first matches come soon."""
        if not self._ahead.left and not self._listed:
            await self._read_ahead(SLICE if self.looked == 0 else self._wide)
        quick = self._wanted.by_rows and self.looked > 0 and self._manner.beside == 1
        return self._ahead.take(LIGHT if quick else SLICE)

    async def _read_ahead(self, limit: int) -> None:
        if self._senders is not None:
            take = partial(self._senders.take, LIGHT, oldest_first=self._manner.oldest_first)
            found = await off_loop(take, kind="sort")
            self._listed = not self._senders.left
        else:
            found = await self._account.scan(partial(self._walk, limit=limit), op="search-rows")
            self._listed = len(found) < limit
        self._ahead = _PrefetchedMessages(found)
        if found:
            self._behind = found[-1].rank, found[-1].place

    async def _decided(self, part: Sequence[Placed], term: Term) -> tuple[Sequence[Placed], list[Placed]]:
        """Decide by stored texts, else by the messages, which of `part` fulfil the term; returns (examined messages,
        matches). Messages beyond `PATIENCE` are put back.
        """
        sifted = await queries.sift(self._account.search, array("q", [one.message_id for one in part]), term)
        matching: set[int] = set() if sifted is None else set(sifted.matching)
        ruled_out = frozenset[int]() if sifted is None else sifted.ruled_out
        unknown = [one.message_id for one in part if one.message_id not in matching | ruled_out]
        if unknown:
            read = partial(_look_into, message_ids=unknown, term=term)
            holding, last = await self._account.scan(read, op="search-messages")
            matching |= holding
            if last is not None:
                at = next(i for i, one in enumerate(part) if one.message_id == last) + 1
                self._ahead.put_back(len(part) - at)
                part = part[:at]
        return part, [one for one in part if one.message_id in matching]

    def _tested(self, r: Reader, part: Sequence[Placed]) -> list[Placed]:
        test = self._wanted.test
        assert test is not None
        ids = [one.message_id for one in part]
        headers = message_rows.headers(r, ids) if self._wanted.reads_header else iter(())
        structures = message_rows.in_step(ids, message_rows.structures(r, ids))
        passed: list[Placed] = []
        for one, packed, header in zip(part, structures, message_rows.in_step(ids, headers), strict=True):
            try:
                structure = decode_structure(packed or b"")
            except msgspec.DecodeError:
                continue
            if test(structure, header or b""):
                passed.append(one)
        return passed


@asynccontextmanager
async def _room_for(rows: int) -> AsyncIterator[None]:
    """Hold the room for so many rows within a block. Raises StorageBusy."""
    try:
        async with holding(min(ROW * rows, ledger().work)):
            yield
    except NoRoom as error:
        raise StorageBusy(str(error)) from None


LATER: Final = "SELECT count(*) FROM message WHERE id > ?"
SIZE: Final = "SELECT coalesce(sum(total + deleted), 0) FROM mailbox WHERE id = ?"


def _size(r: Reader, mailboxes: Sequence[int]) -> int:
    return sum(int(r.value(SIZE, mailbox)) for mailbox in mailboxes)


def _look_into(r: Reader, message_ids: Sequence[int], term: Term) -> tuple[set[int], int | None]:
    """Read messages; returns the ids that fulfil the term, and the last id read within `PATIENCE`, None if all were."""
    until = time.monotonic() + PATIENCE
    found: set[int] = set()
    for text in texts_of(r, message_ids):
        if text.text is not None and holds(term, text.text):
            found.add(text.message_id)
        if time.monotonic() >= until:
            return found, text.message_id
    return found, None
