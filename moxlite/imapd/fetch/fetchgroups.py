"""Bodies of a FETCH in groups: while one is being sent to the client, the next one is decompressed (IMAP-95, IMAP-148).

Theory of operation
-------------------
A group is some messages whose bodies are read in one short read, in their stored form. Decompressing them takes as long
as all other work on them, and does not hold the interpreter lock: a thread does it, while the loop sends the group
before and reads the next one. Work that needs the lock stays on the loop: two threads that need it wait for each other
(measured: with the responses composed in the thread, too, 230 MB/s instead of 500). A body that is too long for a group
is streamed by itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate, chain, repeat, starmap
from operator import add, itemgetter, sub
from typing import Final, TypeAlias

from moxlite.imapd.fetch.fetchbody import Content, is_whole, item_name, needs
from moxlite.imapd.fetch.fetchrows import Plan, without_nul
from moxlite.proto.imap.fetchitems import FetchItem
from moxlite.store.changelog.account import Account
from moxlite.store.file.threads import Ahead
from moxlite.store.file.transaction import Reader, Row
from moxlite.store.mail.fetching import StoredBodies, stored_bodies

FEW: Final = 128
"""Maximum messages of a group: decoding them takes the loop a millisecond if no thread is free."""

STEP: Final = 384 << 10
"""Maximum octets of a group. With groups of 250 KiB downloads were a fifth slower, with 120 KiB by half."""

AHEAD: Final = 2 * STEP
"""Maximum octets of two groups of which one is decompressed while the other is being sent (IMAP-148). The thread then
has its next group waiting and need not be woken for each.
"""

Bodies: TypeAlias = Sequence[bytes | memoryview | None]
"""Bodies of messages; None for one that is damaged, missing, or streamed."""


class Slice:
    """Messages of one non-empty read of rows, in groups.

    Attributes:
      stored: the bodies, if they were read with the rows. ids, sizes: of the bodies. whole: nothing but all of each
        message is to be added. starts: the response for each message up to where its body begins, if `whole`; else up
        to where `rest` begins.
    """

    def __init__(
        self,
        account: Account,
        how: Plan,
        rows: Sequence[Row],
        numbers: Sequence[int],
        stored: Sequence[Row] | None = None,
    ) -> None:
        """`numbers` as for `Plan.heads`; `stored` as from `row_and_body`."""
        columns = how.split(rows)
        self.account = account
        self.how = how
        self.rows = rows
        self.numbers = numbers
        self.stored = stored
        self.ids: Sequence[int] = columns["body_id"]
        self.sizes: Sequence[int] = list(map(sub, columns["size"], map(len, columns["prefix"])))
        self.whole = len(how.rest) == 1 and is_whole(how.rest[0])
        self.starts = list(
            how.starts(columns, numbers, item_name(how.rest[0])) if self.whole else how.heads(columns, numbers)
        )
        lengths = self.sizes if self.whole else columns["size"]
        self._ends = list(accumulate(map(add, lengths, map(len, self.starts))))

    def groups(self) -> Iterator[Group]:
        """Groups of at most `FEW` messages and at most `STEP` octets. A larger message is a group by itself."""
        ends = self._ends
        start = before = 0
        while start < len(ends):
            few = min(start + FEW, len(ends))
            stop = max(bisect_right(ends, before + STEP, start, few), start + 1)
            yield Group(self, slice(start, stop), ends[stop - 1] - before)
            start, before = stop, ends[stop - 1]


def row_and_body(
    r: Reader, rows_of: Callable[[Reader], tuple[list[Row], list[Row]]], how: Plan
) -> tuple[list[Row], list[Row], list[Row]]:
    """Read the row of one message by `rows_of`, and its body in stored form, in one snapshot: a message that a person
    opens. A second read would take a fifth of the command's time.
    """
    rows, gone = rows_of(r)
    found = rows or gone
    if not found:
        return rows, gone, []
    body_id, size, prefix = (found[0][how.position(name)] for name in ("body_id", "size", "prefix"))
    return rows, gone, stored_bodies(r, [body_id], [size - len(prefix)])


class Group:
    """Some messages of a slice; their responses need their bodies.

    Attributes:
      octets: of all messages and beginnings.
    """

    __slots__ = ("_ahead", "_part", "_slice", "_stored", "octets")

    def __init__(self, of: Slice, part: slice, octets: int) -> None:
        self._slice = of
        self._part = part
        self.octets = octets
        self._stored: StoredBodies
        self._ahead: Ahead[None]

    @property
    def rest(self) -> tuple[FetchItem, ...]:
        """The items that need the bodies."""
        return self._slice.how.rest

    async def read(self, *, turn: bool) -> None:
        """Read the bodies in their stored form, except streamed ones. `turn` as for `Database.read`."""
        of, part = self._slice, self._part
        sizes = of.sizes[part]
        rows = of.stored
        if rows is None:
            read = partial(stored_bodies, ids=of.ids[part], sizes=sizes)
            rows = await of.account.read(read, op="imap-bodies", turn=turn)
        self._stored = StoredBodies(sizes, rows)
        self._ahead = Ahead(self._stored.decompress)

    def begin(self) -> None:
        """Let a thread begin to decompress the group, once it has been read."""
        self._ahead.begin()

    async def result(self) -> bytes | Bodies:
        """All responses in full, or the bodies if the caller composes the responses; to be called once. The group does
        not keep them, as the client may be slow.
        """
        await self._ahead.result()
        bodies = self._stored.plain()
        del self._ahead, self._stored
        return _responses(self._slice.starts[self._part], bodies) if self._slice.whole else bodies

    def heads(self) -> Iterable[bytes]:
        """The responses, up to where `rest` begins."""
        of, part = self._slice, self._part
        if of.whole:  # rare: one of them is missing
            return of.how.heads(of.how.split(of.rows[part]), of.numbers[part])
        return of.starts[part]

    def contents(self) -> Iterator[Content]:
        """Contents of the messages in this group, in the order of its rows."""
        how = self._slice.how
        columns = [how.position(name) for name in ("message_id", "body_id", *needs(how.rest))]
        return starmap(partial(Content, self._slice.account), map(itemgetter(*columns), self._slice.rows[self._part]))


def _responses(starts: Sequence[bytes], bodies: Bodies) -> bytes | Bodies:
    """The responses of messages that are requested in full, in one piece; the bodies if one of them is missing."""
    found = [octets for octets in bodies if octets is not None]
    if len(found) < len(bodies):
        return bodies
    pieces = zip(starts, found, repeat(b")\r\n", len(starts)), strict=True)
    return without_nul(b"".join(chain.from_iterable(pieces)))
