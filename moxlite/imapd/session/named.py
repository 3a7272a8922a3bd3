"""The messages that a command names: its numbers resolved in the state that the client knows (IMAP-53, IMAP-62).

A view keeps its UIDs. Under UIDONLY only the UIDs that the command names are read from the store.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeVar

from moxlite.imapd.session.errors import no
from moxlite.imapd.session.sessions import uid_array
from moxlite.imapd.session.view import CountedView, View
from moxlite.proto.imap import search as s
from moxlite.proto.imap.seqset import Ranges, SequenceSet, count, index_runs, pick, runs, within
from moxlite.store.file.transaction import Reader, int_array
from moxlite.store.mail.fetching import fetch_rows
from moxlite.store.rows import conditions as q
from moxlite.store.rows.messages import SLICE, vanished

T = TypeVar("T")

PAGE: Final = 100_000
"""Messages whose modseqs are read at once, in a thread."""

MANY: Final = 50
"""Maximum ranges that are looked up on the loop."""

FEW: Final = 8
"""Maximum ranges of a set that become conditions of a search, which may have 1,000 sets (IMAP-119): SQLite binds 32,766
values at most.
"""

TIMES: Final = 4
"""How often a search may name each message in sets of more ranges: their UIDs are listed, and 1,000 lists of all of
them would fill the memory.
"""

FIRST_UIDS: Final = "SELECT uid FROM message WHERE mailbox_id = ? AND uid BETWEEN ? AND ? ORDER BY uid LIMIT ?"
LAST_UIDS: Final = "SELECT uid FROM message WHERE mailbox_id = ? AND uid BETWEEN ? AND ? ORDER BY uid DESC LIMIT ?"
LAST: Final = "SELECT max(uid) FROM message WHERE mailbox_id = ? AND uid < ?"
REMOVED_AFTER: Final = """
SELECT e.uid FROM carray(?2) c CROSS JOIN expunged e ON e.mailbox_id = ?1 AND e.uid = c.value WHERE e.modseq > ?3"""


async def resolve(view: View, numbers: SequenceSet, *, uid: bool, most: int = 0) -> array[int]:
    """See `View.resolve`. `most`: only as many, the first or, if negative, the last ones; 0 for all."""
    if not isinstance(view, CountedView) or numbers.saved:
        return view.resolve(numbers, uid=uid)
    return await known_uids(view, await named_ranges(view, numbers), most=most)


async def named_ranges(view: View, numbers: SequenceSet) -> Ranges:
    """The ranges of a set of UIDs, below `uidnext`. Without UIDs in the view they include UIDs that do not exist."""
    if not isinstance(view, CountedView) or numbers.saved:
        return list(runs(view.resolve(numbers, uid=True)))
    return within(numbers.resolve(await last_uid(view) if numbers.star else 0), 1, view.uidnext - 1)


async def last_uid(view: View) -> int:
    """The highest UID sent to the client, 0 for none: the meaning of ``*`` in a UID set (IMAP-62)."""
    if not isinstance(view, CountedView):
        return view.last_uid
    since = _told(view)

    def read(r: Reader) -> int:
        last: int = r.value(LAST, view.mailbox_id, view.uidnext) or 0
        return max([last, *vanished(r, view.mailbox_id, since, last + 1, view.uidnext - 1)])

    return max(await view.seat.account.read(read, op="imap-uids"), view.gone[-1] if view.gone else 0)


async def known_uids(view: View, ranges: Ranges, *, most: int = 0) -> array[int]:
    """The UIDs in `ranges` that the client knows, ascending, including removed messages whose removal was not sent yet.
    `most` as for `resolve`.
    """
    if not isinstance(view, CountedView):
        return pick(view.uids, ranges)
    if not ranges:
        return uid_array()
    since = _told(view)

    def read(r: Reader) -> array[int]:
        removed = uid_array(vanished(r, view.mailbox_id, since, ranges[0][0], ranges[-1][1]))
        missing = {*pick(removed, ranges), *(pick(view.gone, ranges) if view.gone else ())}
        if most and len(ranges) == 1 and not missing and not view.absent:
            sql = FIRST_UIDS if most > 0 else LAST_UIDS
            return uid_array(sorted([uid for (uid,) in r.rows(sql, view.mailbox_id, *ranges[0], abs(most))]))
        found = uid_array()
        for low, high in ranges:
            found += q.matching_uids(r, view.mailbox_id, q.All(), low, high, high - low + 1)
        return uid_array(sorted({*found, *missing})) if missing else found

    found = await _read(view, ranges, read)
    for start, stop in reversed(index_runs(found, view.absent)):
        del found[start:stop]
    return found


def _told(view: View) -> int:
    """The modseq up to which removals have been sent, or are held in `View.gone`."""
    return max(view.seat.cursor.modseq, view.modseqs.since)


async def _read(view: View, ranges: Ranges, read: Callable[[Reader], T]) -> T:
    """Read in a thread if it may take long."""
    if len(ranges) <= MANY and count(ranges) <= SLICE:
        return await view.seat.account.read(read, op="imap-uids")
    return await view.seat.account.scan(read, op="imap-uids")


async def removed_since(view: CountedView, uids: tuple[int, ...]) -> Ranges:
    """The UIDs, of those that the change log calls removed, that were in the mailbox when the view began, or came
    later.
    """

    def read(r: Reader) -> list[int]:
        return [uid for (uid,) in r.rows(REMOVED_AFTER, view.mailbox_id, int_array(uids), view.modseqs.since)]

    return list(runs(await view.seat.account.read(read, op="imap-uids")))


class NamedUIDs:
    """Counts the UIDs that the sets of one search program list."""

    def __init__(self, view: View) -> None:
        self._left = TIMES * view.exists

    def condition(self, uids: array[int]) -> q.Condition:
        """The condition of these UIDs. Raises Refused (LIMIT)."""
        self._left -= len(uids)
        if self._left < 0:
            raise no("this search uses the saved result too many times", "LIMIT")
        return q.UIDs(uids)


def in_ranges(ranges: Ranges) -> q.Condition:
    """The condition of UIDs in ranges."""
    return q.Or(tuple([q.UIDRange(low, high) for low, high in ranges]))


async def conditions(view: View, program: s.SearchKey) -> dict[SequenceSet, q.Condition]:
    """Conditions for the UID sets of a search program that a view without UIDs cannot resolve; empty for other
    views. Raises Refused (LIMIT).
    """
    found: dict[SequenceSet, q.Condition] = {}
    if isinstance(view, CountedView):
        named = NamedUIDs(view)
        for key in s.keys_of(program):
            if isinstance(key, s.Uids) and key.set not in found:
                ranges = await named_ranges(view, key.set)
                if len(ranges) <= FEW:
                    found[key.set] = in_ranges(ranges)
                else:
                    found[key.set] = named.condition(await known_uids(view, ranges))
    return found


async def highest_modseq(view: View, uids: Sequence[int]) -> int:
    """The highest modseq of these messages, 0 for none. All changes up to it are sent before the command ends
    (`Modseqs.shown`).
    """
    highest = 0
    ascending = uid_array(sorted(uids))
    for start in range(0, len(ascending), PAGE):
        part = ascending[start : start + PAGE]
        rows, _, _ = await view.seat.account.scan(
            partial(fetch_rows, mailbox_id=view.mailbox_id, uids=part, columns=("modseq",)), op="imap-search"
        )
        highest = max([highest, *[row[5] for row in rows]])
    view.modseqs.shown = max(view.modseqs.shown, highest)
    return highest
