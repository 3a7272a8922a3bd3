"""SORT and THREAD (RFC 5256, RFC 5267 §3, RFC 5957; IMAP-127).

The sort keys were stored when the messages came, so no body is read. Rows are read in slices, in worker threads, and
sorted there too. The result is kept with the list of UIDs; new messages are inserted into it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import Final

from moxlite.imapd.search.search import esearch, find, off_loop
from moxlite.imapd.search.searchkeys import divide
from moxlite.imapd.session.errors import bad
from moxlite.imapd.session.messagelimit import first_searched
from moxlite.imapd.session.named import conditions, highest_modseq
from moxlite.imapd.session.progress import going_on
from moxlite.imapd.session.state import Done, Session
from moxlite.imapd.session.uidlist import Threads, uid_array
from moxlite.imapd.session.view import View
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.encode import encode, thread_line
from moxlite.proto.imap.responses import SortData
from moxlite.proto.imap.search import ModSeqIs, SearchKey, SortKey, keys_of
from moxlite.proto.imap.threading import References, Subjects, Threadable
from moxlite.store.file.transaction import Reader, Row
from moxlite.store.rows.sorting import sort_rows, thread_rows
from moxlite.store.types import MailboxID

SLICE: Final = 5_000
"""Messages read at once: 5 to 20 ms in a thread, then the snapshot is given up."""

FRESH: Final = 200
"""New messages since a mailbox was sorted above which it is sorted again: inserting one takes some 16 look-ups."""

FEW: Final = 8
"""Messages that are inserted, or read in order to be threaded, on the loop (STORE-3): 0.2 ms each."""


async def _found(session: Session, view: View, program: SearchKey) -> array[int]:
    await first_searched(session, view, program, all_or_none=True)
    named = await conditions(view, program)
    return await find(session, view, divide(program, view, named))


def _slices(uids: array[int]) -> Iterator[array[int]]:
    for start in range(0, len(uids), SLICE):
        yield uids[start : start + SLICE]


# --- SORT


async def sort(session: Session, command: c.Sort) -> Done:
    """SORT and UID SORT."""
    view = session.selected
    returns = command.returns
    if returns is not None and "ESORT" in session.login.disabled:
        raise bad("return option is not supported")
    if "SORT=DISPLAY" in session.login.disabled and any(key.name.startswith("DISPLAY") for key in command.keys):
        raise bad("sort key is not supported")
    with_modseq = any(isinstance(key, ModSeqIs) for key in keys_of(command.program))
    if with_modseq:
        session.use_condstore()
    try:
        uids = await _found(session, view, command.program)  # in which $ is the result before this one
    finally:
        if returns is not None and returns.save:
            view.saved = uid_array()  # the saved result if this search fails (IMAP-124)
    ordered = await going_on(session, lambda: _ordered(view, uids, command.keys))
    if returns is None:
        highest = await highest_modseq(view, ordered) if with_modseq else 0

        def render() -> bytes:
            numbers = ordered if command.uid else [view.number(uid) for uid in ordered]
            return encode(SortData(numbers, highest or None))

        session.write(await off_loop(len(ordered), render))
    else:
        octets, kept = await esearch(session, view, ordered, returns, uid=command.uid, with_modseq=with_modseq)
        if returns.save:
            view.saved = uid_array(sorted(kept))
        session.write(octets)
    return Done("sorted")


async def _ordered(view: View, uids: array[int], keys: tuple[SortKey, ...]) -> Sequence[int]:
    names = [key.name for key in keys]
    known = view.list.orders.get(keys) or await _brought_up(view, keys)
    if isinstance(known, array):
        if len(known) == len(uids):
            return known
        wanted = frozenset(uids)
        return await off_loop(len(known), lambda: [uid for uid in known if uid in wanted])
    rows: list[Row] = []
    for some in _slices(uids):
        rows += await view.seat.account.scan(
            partial(sort_rows, mailbox_id=view.mailbox_id, uids=some, keys=names), op="imap-sort"
        )
    ordered = await off_loop(len(rows), lambda: _arranged(rows, keys))
    if view.list and len(ordered) == len(view.list):
        view.list.keep(keys, ordered)
    return ordered


def _arranged(rows: list[Row], keys: Sequence[SortKey]) -> array[int]:
    """The UIDs of rows with a value for each key, sorted."""
    # From the last key to the first, with a stable sort: equal messages finally stay in the order of their numbers.
    for position, key in reversed(list(enumerate(keys, 1))):
        rows.sort(key=itemgetter(position), reverse=key.reverse)
    return uid_array([row[0] for row in rows])


async def _brought_up(view: View, keys: tuple[SortKey, ...]) -> array[int] | None:
    """The order of the whole list, updated from an earlier order after a few messages came or went; None if that is not
    possible.
    """
    uids, earlier = view.list.uids, view.list.earlier.get(keys)
    if not isinstance(earlier, array):
        return None
    fresh = uids[bisect_right(uids, max(earlier)) :]
    if len(fresh) > FRESH:
        return None
    if len(earlier) + len(fresh) != len(uids):
        there = frozenset(uids)
        earlier = uid_array([uid for uid in earlier if uid in there])
    order: array[int] | None = earlier
    if len(earlier) + len(fresh) != len(uids):
        return None
    if fresh:
        insert = partial(_inserted, mailbox_id=view.mailbox_id, order=earlier, fresh=fresh, keys=keys)
        account = view.seat.account
        order = await (account.read if len(fresh) <= FEW else account.scan)(insert, op="imap-sort")
    if order is not None and view.list.uids is uids:
        view.list.keep(keys, order)
    return order


def _inserted(
    r: Reader, mailbox_id: MailboxID, order: array[int], fresh: array[int], keys: tuple[SortKey, ...]
) -> array[int] | None:
    """An order with messages inserted whose UIDs are above all others; None if a message needed for a comparison is
    gone.
    """
    names = [key.name for key in keys]
    rows = sort_rows(r, mailbox_id, fresh, names)
    values = {row[0]: row for row in rows}
    if len(rows) != len(fresh):
        return None
    found = order[:]
    low = 0
    for uid in _arranged(rows, keys):
        high = len(found)
        while low < high:
            middle = (low + high) // 2
            probe = sort_rows(r, mailbox_id, found[middle : middle + 1], names)
            if not probe:
                return None
            if _before(values[uid], probe[0], keys):
                high = middle
            else:
                low = middle + 1
        found.insert(low, uid)
        low += 1
    return found


def _before(row: Row, other: Row, keys: Sequence[SortKey]) -> bool:
    """Whether a message sorts before one with a lower UID."""
    for position, key in enumerate(keys, 1):
        if row[position] != other[position]:
            before: bool = row[position] < other[position]
            return before != key.reverse
    return False


# --- THREAD


_ALGORITHMS: Final[dict[str, type[Subjects]]] = {"REFERENCES": References, "ORDEREDSUBJECT": Subjects}


async def thread(session: Session, command: c.Thread) -> Done:
    """THREAD and UID THREAD."""
    view = session.selected
    if command.algorithm not in _ALGORITHMS or f"THREAD={command.algorithm}" in session.login.disabled:
        raise bad("unknown threading algorithm")
    uids = await _found(session, view, command.program)
    session.write(await going_on(session, lambda: _threaded(view, uids, command.algorithm, by_uid=command.uid)))
    return Done("threaded")


async def _threaded(view: View, uids: array[int], algorithm: str, *, by_uid: bool) -> bytes:
    messages = view.list
    kept = messages.orders.get(algorithm) or messages.earlier.get(algorithm) if len(uids) == len(messages) else None
    if not isinstance(kept, Threads) or not kept.within(uids):
        kept = Threads(_ALGORITHMS[algorithm]())
    while True:
        known, threads = len(kept.uids), kept
        wanted, more = uids[:known], list[Threadable]()
        for some in _slices(uids[known:]):
            read = partial(
                thread_rows, mailbox_id=view.mailbox_id, uids=some, with_references=algorithm == "REFERENCES"
            )
            account = view.seat.account
            found, part = await (account.read if len(some) <= FEW else account.scan)(read, op="imap-sort")
            wanted.extend(found)
            more += part
        numbers = (
            range(1, len(wanted) + 1) if len(wanted) == len(messages) else [messages.number(uid) for uid in wanted]
        )
        octets = await off_loop(len(wanted), partial(_written, threads, known, wanted, more, numbers, by_uid=by_uid))
        if octets is not None:
            if len(wanted) == len(messages):
                messages.keep(algorithm, threads)
            return octets
        kept = Threads(_ALGORITHMS[algorithm]())  # a session with newer messages has added them meanwhile


def _written(
    threads: Threads,
    known: int,
    uids: array[int],
    more: Sequence[Threadable],
    numbers: Sequence[int],
    *,
    by_uid: bool,
) -> bytes | None:
    threads.add(known, uids[known:], more)
    octets = threads.octets(uids, numbers, by_uid=by_uid)
    return None if octets is None else thread_line(octets)
