"""Bodies of a FETCH in groups: while one is on its way to the client, the next one is decoded (IMAP-95, IMAP-148).

Theory of operation
-------------------
A group is some messages whose bodies are read in one short read, as they are stored. Checking and decompressing them
takes longer than all else that is done for them, so a thread does it, and puts the responses together where that is
all there is to do, while the loop sends the group before and reads the next one. A body that is too long for a group is
streamed by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, repeat, starmap
from operator import itemgetter, sub
from typing import TYPE_CHECKING, Final, TypeAlias

from moxlite.proto.imap.fetchitems import FetchItem
from moxlite.store.fetching import Stored, plain_bodies, stored_bodies
from moxlite.store.offload import Ahead
from moxlite.store.transaction import Row

from .fetchbody import SMALL, Content, is_whole, item_name, needs
from .fetchrows import Plan, without_nul

if TYPE_CHECKING:
    from moxlite.store.account import Account

__all__ = ["AHEAD", "Bodies", "Group", "groups"]

FEW: Final = 128
"""Messages of a group: their decoding is a millisecond for the loop, where no thread is free for it."""

STEP: Final = 384 << 10
"""Octets of a group. Handing one to a thread and back takes 0.2 to 0.4 ms of a processor, as much as 30 messages of 5
kB do: with groups of 250 KiB downloads were a fifth slower, with 120 KiB by half.
"""

AHEAD: Final = 2 * STEP
"""Octets of two groups up to which one is read while the other is on its way (IMAP-148)."""

Bodies: TypeAlias = Mapping[int, bytes | memoryview]
"""Octets of bodies by id."""


class Group:
    """Some messages, with the beginnings of their responses; what follows needs their bodies.

    Attributes:
      rest: the items that follow. octets: of all messages and beginnings.
    """

    __slots__ = ("_account", "_ahead", "_columns", "_rows", "heads", "octets", "rest")

    def __init__(self, account: Account, how: Plan, rows: Sequence[Row], heads: Sequence[bytes], octets: int) -> None:
        self._account = account
        self._rows = rows
        self._columns = [how.position(name) for name in ("message_id", "body_id", *needs(how.rest))]
        self.rest = how.rest
        self.heads = heads
        self.octets = octets
        self._ahead: Ahead[bytes | Bodies]

    async def read(self) -> None:
        """Read the bodies as they are stored, but those that are streamed."""
        ids, sizes, prefixes = (list(map(itemgetter(column), self._rows)) for column in self._columns[1:4])
        wanted = dict(zip(ids, map(sub, sizes, map(len, prefixes)), strict=True))
        if max(wanted.values()) > SMALL:
            wanted = {body_id: size for body_id, size in wanted.items() if size <= SMALL}
        stored = await self._account.read(partial(stored_bodies, sizes=wanted), op="imap-bodies")
        if len(self.rest) == 1 and is_whole(self.rest[0]):
            self._ahead = Ahead(partial(_whole, stored, self.rest[0], self.heads, ids, sizes, prefixes))
        else:
            self._ahead = Ahead(partial(plain_bodies, stored))

    def begin(self) -> None:
        """Let a thread begin with the decoding, once it has been read."""
        self._ahead.begin()

    async def result(self) -> bytes | Bodies:
        """All responses in full, or the bodies for who puts them together. A damaged one is left out."""
        return await self._ahead.result()

    def contents(self) -> Iterator[Content]:
        """The messages."""
        return starmap(partial(Content, self._account), map(itemgetter(*self._columns), self._rows))


def groups(account: Account, how: Plan, rows: Sequence[Row], heads: Sequence[bytes]) -> Iterator[Group]:
    """Rows in groups: at most `FEW` messages and at most `STEP` octets; one that is larger stands alone."""
    size = how.position("size")
    start = octets = 0
    for position, (row, head) in enumerate(zip(rows, heads, strict=True)):
        length = row[size] + len(head)
        if position > start and (octets + length > STEP or position - start == FEW):
            yield Group(account, how, rows[start:position], heads[start:position], octets)
            start, octets = position, 0
        octets += length
    yield Group(account, how, rows[start:], heads[start:], octets)


def _whole(
    stored: Stored,
    item: FetchItem,
    heads: Sequence[bytes],
    ids: Sequence[int],
    sizes: Sequence[int],
    prefixes: Sequence[bytes],
) -> bytes | Bodies:
    """The responses of messages that are asked for in full, in one piece; the bodies when one of them is not there."""
    bodies = plain_bodies(stored)
    found = [bodies[body_id] for body_id in ids if body_id in bodies]
    if len(found) < len(ids):
        return bodies
    literals = map((b"%b {%%d}\r\n" % item_name(item)).__mod__, sizes)
    pieces = zip(heads, literals, prefixes, found, repeat(b")\r\n", len(ids)), strict=True)
    return without_nul(b"".join(chain.from_iterable(pieces)))
