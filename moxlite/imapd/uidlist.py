"""The UIDs of a mailbox as one session knows them: immutable, and shared by all sessions that know the same
(IMAP-53).

A hundred idle sessions on a mailbox of 100,000 messages would cost 40 MB if each had its own array. Sessions which
have applied all changes up to one modseq know the same UIDs, so they hold the same `UidList`: `Sharing` finds the one
that a neighbour has just made. A change makes a new array by joining slices of the old one (IMAP-171: O(n + k), and
the n is a memory copy).
"""

from array import array
from bisect import bisect_left
from collections.abc import Hashable, Iterable
from typing import Final
from weakref import ref

from moxlite.proto.imap.seqset import Ranges, index_runs

__all__ = ["EMPTY", "Sharing", "UidList", "uid_array"]


def uid_array(uids: Iterable[int] = ()) -> "array[int]":
    """An array of UIDs, four octets each."""
    return array("I", uids)


MAX_ORDERS: Final = 3
"""Results that are kept with a list: a client sorts and threads in one or two ways, again and again."""


class UidList:
    """Ascending UIDs; position + 1 is the message number.

    `orders` are results of sorting and threading all of them, which are true as long as the list is: what messages are
    sorted by never changes. By what was asked for, at most `MAX_ORDERS`, the last one last.
    """

    __slots__ = ("__weakref__", "orders", "uids")

    def __init__(self, uids: "array[int]") -> None:
        self.uids = uids
        self.orders: dict[Hashable, array[int] | bytes] = {}

    def __len__(self) -> int:
        return len(self.uids)

    def number(self, uid: int) -> int:
        """The message number of `uid`, 0 if it isn't here."""
        position = bisect_left(self.uids, uid)
        return position + 1 if position < len(self.uids) and self.uids[position] == uid else 0

    def keep(self, asked: Hashable, result: "array[int] | bytes") -> None:
        """Keep a result in `orders`."""
        self.orders.pop(asked, None)
        self.orders[asked] = result
        if len(self.orders) > MAX_ORDERS:
            del self.orders[next(iter(self.orders))]

    def adding(self, uids: "array[int]") -> "UidList":
        """With `uids`, which ascend and are above all others, at the end."""
        return UidList(self.uids + uids) if uids else self

    def without(self, ranges: Ranges) -> "UidList":
        """Without the UIDs in `ranges`."""
        kept = uid_array()
        start = 0
        for first, stop in index_runs(self.uids, ranges):
            kept += self.uids[start:first]
            start = stop
        if not start:
            return self
        kept += self.uids[start:]
        return UidList(kept)


EMPTY = UidList(uid_array())


class Sharing:
    """The list of the session that has come farthest, for each mailbox of one account. The last one shared is kept for
    who selects that mailbox again.
    """

    __slots__ = ("_last", "_lists")

    def __init__(self) -> None:
        self._lists: dict[int, tuple[int, ref[UidList]]] = {}
        self._last: UidList | None = None

    def find(self, mailbox_id: int, modseq: int) -> UidList | None:
        """The list of a session that has applied all changes of the account up to `modseq`, and no others."""
        found = self._lists.get(mailbox_id)
        return found[1]() if found is not None and found[0] == modseq else None

    def nearest(self, mailbox_id: int) -> tuple[int, UidList] | None:
        """The modseq and the list of the session that has come farthest."""
        modseq, found = self._lists.get(mailbox_id, (0, _nothing))
        uids = found()
        return None if uids is None else (modseq, uids)

    def share(self, mailbox_id: int, modseq: int, mine: UidList) -> UidList:
        """The list to hold at `modseq`: a neighbour's if there is one, else `mine`, from now on for others to find."""
        found = self._lists.get(mailbox_id)
        if found is not None:
            other = found[1]()
            if other is not None and found[0] >= modseq:
                return other if found[0] == modseq else mine
        self._lists[mailbox_id] = (modseq, ref(mine))
        self._last = mine
        return mine


def _nothing() -> None:
    """In place of a reference."""
