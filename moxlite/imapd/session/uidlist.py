"""The UIDs of a mailbox as one session knows them: immutable, and shared by all sessions in the same state (IMAP-53).

A hundred idle sessions on a mailbox of 100,000 messages would cost 40 MB if each had its own array. Sessions which
have applied all changes up to one modseq know the same UIDs, so they hold the same `UidList`: `Sharing` finds the one
that another session has just made. A change makes a new array by joining slices of the old one (IMAP-171: O(n + k), and
the n is a memory copy).
"""

from array import array
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Sequence
from threading import Lock
from typing import Final
from weakref import ref

from moxlite.proto.imap.seqset import Ranges, index_runs
from moxlite.proto.imap.threading import Subjects, Threadable


def uid_array(uids: Iterable[int] = ()) -> "array[int]":
    """An array of UIDs, four octets each."""
    return array("I", uids)


MAX_ORDERS: Final = 3
"""Maximum results kept with a list: a client sorts and threads in one or two ways, again and again."""


class Threads:
    """The threads of a mailbox, to which new messages can be added. May be used in several threads of the process.

    uids: the UIDs in the threads, ascending. Successive lists share one object, so it may have more UIDs than the list
    that refers to it.
    """

    __slots__ = ("_line", "_lock", "_subjects", "_told", "uids")

    def __init__(self, subjects: Subjects) -> None:
        self.uids = uid_array()
        self._subjects = subjects
        self._lock = Lock()
        self._line: bytes | None = None
        self._told: Sequence[int] | None = None  # UIDs or numbers, as in the line written last

    def within(self, uids: "array[int]") -> bool:
        """Whether `uids` begin with all UIDs in the threads."""
        return self.uids == uids[: len(self.uids)]

    def add(self, known: int, uids: "array[int]", messages: Sequence[Threadable]) -> None:
        """Add messages with UIDs above all others, unless messages beyond the `known` ones have been added by now."""
        with self._lock:
            if len(self.uids) == known and uids:
                self._subjects.add(messages)
                self.uids = self.uids + uids
                self._line = None

    def octets(self, uids: "array[int]", numbers: Sequence[int], *, by_uid: bool) -> bytes | None:
        """The threads of `uids` in wire format, by UIDs or by numbers; None if they contain other messages."""
        with self._lock:
            if self.uids != uids:
                return None
            told, before = uids if by_uid else numbers, self._told
            if self._line is None or told != before:
                go_on = before is not None and told[: len(before)] == before
                self._line = self._subjects.octets(told, go_on=go_on)
                self._told = told
            return self._line


class UidList:
    """Ascending UIDs; position + 1 is the message number.

    `orders` are results of sorting and threading all of them, by request, at most `MAX_ORDERS`, the newest last. They
    stay valid as long as the list, as sort keys never change. `earlier` are `orders` of the lists from which this one
    was made, to be updated: orders that lack messages at the end or have removed ones, threads that lack messages.
    """

    __slots__ = ("__weakref__", "_next", "earlier", "orders", "uids")

    def __init__(self, uids: "array[int]", earlier: dict[Hashable, "array[int] | Threads"] | None = None) -> None:
        self.uids = uids
        self.orders: dict[Hashable, array[int] | Threads] = {}
        self.earlier = earlier or {}
        self._next = 0  # position after the one that was looked up last

    def __len__(self) -> int:
        return len(self.uids)

    def number(self, uid: int) -> int:
        """The message number of `uid`, or 0 if it is not in the list."""
        uids, position = self.uids, self._next
        if position >= len(uids) or uids[position] != uid:  # most look-ups come in ascending order
            position = bisect_left(uids, uid)
            if position == len(uids) or uids[position] != uid:
                return 0
        self._next = number = position + 1
        return number

    def keep(self, asked: Hashable, result: "array[int] | Threads") -> None:
        """Keep a result in `orders`."""
        self.earlier.pop(asked, None)
        self.orders.pop(asked, None)
        self.orders[asked] = result
        if len(self.orders) > MAX_ORDERS:
            del self.orders[next(iter(self.orders))]

    def _kept(self) -> dict[Hashable, "array[int] | Threads"]:
        return dict([*self.earlier.items(), *self.orders.items()][-MAX_ORDERS:])

    def adding(self, uids: "array[int]") -> "UidList":
        """The list with `uids`, which ascend and are above all others, added at its end."""
        return UidList(self.uids + uids, self._kept()) if uids else self

    def without(self, ranges: Ranges) -> "UidList":
        """The list without the UIDs in `ranges`."""
        kept = uid_array()
        start = 0
        for first, stop in index_runs(self.uids, ranges):
            kept += self.uids[start:first]
            start = stop
        if not start:
            return self
        kept += self.uids[start:]
        # Links made by a removed message cannot be told from others.
        return UidList(kept, {asked: one for asked, one in self._kept().items() if not isinstance(one, Threads)})


EMPTY = UidList(uid_array())


class Sharing:
    """The newest list of each mailbox of one account. The last one is kept even without a session, for the next session
    that selects that mailbox.
    """

    __slots__ = ("_last", "_lists")

    def __init__(self) -> None:
        self._lists: dict[int, tuple[int, int, ref[UidList]]] = {}  # UIDVALIDITY, modseq
        self._last: UidList | None = None

    def find(self, mailbox_id: int, modseq: int) -> UidList | None:
        """The list of a session that has applied all changes of the account up to `modseq`, and no later ones."""
        found = self._lists.get(mailbox_id)
        return found[2]() if found is not None and found[1] == modseq else None

    def nearest(self, mailbox_id: int, uidvalidity: int) -> tuple[int, UidList] | None:
        """The modseq and the list of the session with the newest state."""
        validity, modseq, found = self._lists.get(mailbox_id, (0, 0, _nothing))
        uids = found() if validity == uidvalidity else None
        return None if uids is None else (modseq, uids)

    def share(self, mailbox_id: int, uidvalidity: int, modseq: int, mine: UidList) -> UidList:
        """The list to hold at `modseq`: another session's if there is one, else `mine`, which other sessions can find
        from now on.
        """
        found = self._lists.get(mailbox_id)
        if found is not None and found[0] == uidvalidity:
            other = found[2]()
            if other is not None and found[1] >= modseq:
                return other if found[1] == modseq else mine
        self._lists[mailbox_id] = (uidvalidity, modseq, ref(mine))
        self._last = mine
        return mine


def _nothing() -> None:
    """Substitute for a dead weak reference."""
