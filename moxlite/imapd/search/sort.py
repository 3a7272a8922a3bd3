"""SORT and THREAD (RFC 5256, RFC 5267 §3, RFC 5957; IMAP-127), and searches in several mailboxes.

The sort keys were stored when the messages came, so no body is read. Rows are read in slices, in worker threads, and
sorted there too. The result is kept with the list of UIDs; new messages are inserted into it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

import msgspec

from moxlite.imapd.mailboxes.listing import shared_mailboxes
from moxlite.imapd.mailboxes.notify import MANY, MAX_SOURCES, KnownMailboxes, known_mailboxes
from moxlite.imapd.search.search import esearch, find, off_loop
from moxlite.imapd.search.searchkeys import divide
from moxlite.imapd.session.errors import Refused, bad, no
from moxlite.imapd.session.messagelimit import first_searched
from moxlite.imapd.session.named import conditions, highest_modseq
from moxlite.imapd.session.place import visit
from moxlite.imapd.session.progress import going_on
from moxlite.imapd.session.sessions import EMPTY, Seat, Threads, UidList, uid_array
from moxlite.imapd.session.state import Done, Session
from moxlite.imapd.session.view import View
from moxlite.imapd.updates.changes import tell
from moxlite.ledger import NoRoom, ledger
from moxlite.processor import turn
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.encode import encode, thread_line
from moxlite.proto.imap.responses import SortData
from moxlite.proto.imap.search import ModSeqIs, Return, SearchKey, Sequence as SequenceKey, SortKey, Uids, keys_of
from moxlite.proto.imap.threading import References, Subjects
from moxlite.store.file.transaction import Reader
from moxlite.store.rows.mailboxes import mailbox, state
from moxlite.store.rows.messages import uids as all_uids
from moxlite.store.rows.ordering import SLICE, KeysOf, arrange, holding, room_for
from moxlite.store.rows.sorting import sort_keys, thread_rows
from moxlite.store.types import Mailbox, MailboxID

THREADED: Final = 330
"""Octets of a message while it is threaded: half of them are its numbers, which are kept with the list."""

FRESH: Final = 200
"""New messages since a mailbox was sorted above which it is sorted again: inserting one takes some 16 look-ups."""

FEW: Final = 8
"""Messages that are inserted, or read in order to be threaded, on the loop (STORE-3): 0.2 ms each."""


async def _found(session: Session, view: View, program: SearchKey) -> array[int]:
    await first_searched(session, view, program, all_or_none=True)
    named = await conditions(view, program)
    return await find(session, view, divide(program, view, named))


# --- SORT


async def sort(session: Session, command: c.Sort) -> Done:
    """SORT and UID SORT."""
    view = session.selected
    returns = command.returns
    if returns is not None and "ESORT" in session.login.disabled:
        raise bad("return option isn't supported")
    if "SORT=DISPLAY" in session.login.disabled and any(key.name.startswith("DISPLAY") for key in command.keys):
        raise bad("sort key isn't supported")
    with_modseq = any(isinstance(key, ModSeqIs) for key in keys_of(command.program))
    if with_modseq:
        session.use_condstore()
    uids = await _found(session, view, command.program)  # in which $ is the result before this one
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
    known = view.list.orders.get(keys) or await _brought_up(view, keys)
    if isinstance(known, array):
        if len(known) == len(uids):
            return known
        return await off_loop(len(known), partial(_among, known, uids))
    async with _held(room_for(len(uids))):
        places = await arrange(view.seat.account, uids, _keys_of(view.mailbox_id, keys), op="imap-sort")
        ordered = await off_loop(len(places), lambda: uid_array(map(uids.__getitem__, places)))
    if view.list and len(ordered) == len(view.list):
        view.list.keep(keys, ordered)
    return ordered


def _among(known: array[int], uids: array[int]) -> array[int]:
    """The part of an order that has these UIDs."""
    wanted = frozenset(uids)
    return uid_array([uid for uid in known if uid in wanted])


def _keys_of(mailbox_id: MailboxID, keys: Sequence[SortKey]) -> KeysOf:
    return partial(sort_keys, mailbox_id=mailbox_id, keys=[(key.name, key.reverse) for key in keys])


@asynccontextmanager
async def _held(octets: int) -> AsyncIterator[None]:
    """Hold so much within a block. Raises Refused."""
    try:
        async with holding(octets):
            yield
    except NoRoom as error:
        raise no(str(error), "LIMIT" if error.own else "UNAVAILABLE") from None


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
    # The list may have changed while the rows were read: then the order belongs to a list that is gone.
    if order is not None and view.list.uids is uids:
        view.list.keep(keys, order)
    return order


def _inserted(
    r: Reader, mailbox_id: MailboxID, order: array[int], fresh: array[int], keys: tuple[SortKey, ...]
) -> array[int] | None:
    """An order with messages inserted whose UIDs are above all others; None if a message needed for a comparison is
    gone.
    """
    keys_of = _keys_of(mailbox_id, keys)

    def key(uid: int) -> bytes | None:
        return next((octets for _, octets in keys_of(r, [uid])), None)

    found = order[:]
    for uid in fresh:
        own = key(uid)
        low, high = 0, len(found)
        while low < high:
            middle = (low + high) // 2
            other = key(found[middle])
            if own is None or other is None:
                return None
            if own < other:
                high = middle
            else:
                low = middle + 1
        found.insert(low, uid)
    return found


# --- THREAD


_ALGORITHMS: Final[dict[str, type[Subjects]]] = {"REFERENCES": References, "ORDEREDSUBJECT": Subjects}


async def thread(session: Session, command: c.Thread) -> Done:
    """THREAD and UID THREAD."""
    view = session.selected
    if command.algorithm not in _ALGORITHMS or f"THREAD={command.algorithm}" in session.login.disabled:
        raise bad("unknown threading algorithm")
    uids = await _found(session, view, command.program)
    most = ledger().work
    if THREADED * len(uids) > most:
        raise no(f"can't thread more than {most // THREADED:,} messages", "LIMIT")
    async with _held(THREADED * len(uids)):
        session.write(await going_on(session, lambda: _threaded(view, uids, command.algorithm, by_uid=command.uid)))
    return Done("threaded")


async def _threaded(view: View, uids: array[int], algorithm: str, *, by_uid: bool) -> bytes:
    messages = view.list
    kept = messages.orders.get(algorithm) or messages.earlier.get(algorithm) if len(uids) == len(messages) else None
    if not isinstance(kept, Threads) or not kept.within(uids):
        kept = Threads(_ALGORITHMS[algorithm]())
    while True:
        known, threads = len(kept.uids), kept
        wanted, left = uids[:known], uids[known:]
        while left:
            some = left[:SLICE]
            read = partial(
                thread_rows, mailbox_id=view.mailbox_id, uids=some, with_references=algorithm == "REFERENCES"
            )
            account = view.seat.account
            found, part, rest = await (account.read if len(some) <= FEW else account.scan)(read, op="imap-sort")
            await off_loop(len(found), partial(threads.add, len(wanted), uid_array(found), part))
            wanted.extend(found)
            left = rest + left[SLICE:]
        numbers = (
            range(1, len(wanted) + 1) if len(wanted) == len(messages) else [messages.number(uid) for uid in wanted]
        )
        octets = await off_loop(len(wanted), partial(threads.octets, wanted, numbers, by_uid=by_uid))
        if octets is not None:
            if len(wanted) == len(messages):
                messages.keep(algorithm, threads)
            return thread_line(octets)
        kept = Threads(_ALGORITHMS[algorithm]())  # a session with newer messages has added them meanwhile


# ESEARCH: a search in several mailboxes (RFC 7377; IMAP-126).


NAMING: Final = frozenset({"mailboxes", "subtree", "subtree-one", "subscribed"})
"""Kinds of sources that may include mailboxes of other users; ``personal`` and ``inboxes`` never do."""

MAX_OWNERS: Final = 20
"""Maximum other users whose mailboxes one command searches: each takes a seat at their account."""


async def search_mailboxes(session: Session, command: c.Esearch) -> Done:
    """ESEARCH: one response for each mailbox that has matches, with UIDs always (RFC 7377 §2.1)."""
    returns = command.returns or Return(all=True)
    sources = tuple(dict.fromkeys(command.sources)) or (c.Source("selected"),)
    alone = all(source.kind == "selected" for source in sources)
    selected = any(source.kind == "selected" for source in sources)
    if any(source.kind == "selected-delayed" for source in sources):
        raise bad("selected-delayed can only be used with NOTIFY")
    if len(sources) > MAX_SOURCES:
        raise no("too many source options", "LIMIT")
    if selected and session.view is None:
        raise bad("no mailbox is selected")
    if returns.save and not alone:
        raise bad("SAVE is only supported when searching the selected mailbox")
    keys = keys_of(command.program)
    with_modseq = any(isinstance(key, ModSeqIs) for key in keys)
    if with_modseq:
        session.use_condstore()
    saved = any(isinstance(key, SequenceKey | Uids) and key.set.saved for key in keys)
    if saved and not alone:
        raise bad("$ only works with the selected mailbox")
    if selected:
        await tell(session, expunge=False)
    numbered = any(isinstance(key, SequenceKey | Uids) for key in keys)
    async with AsyncExitStack() as seats:
        known = await known_mailboxes(session)
        views = await _views(session, known, sources, numbered=numbered)
        views += await _foreign_views(session, known, sources, seats, numbered=numbered)
        await _search(session, command, returns, views, with_modseq=with_modseq)
    return Done("searched")


async def _search(
    session: Session, command: c.Esearch, returns: Return, views: list[tuple[Mailbox, View]], *, with_modseq: bool
) -> None:
    for box, view in views:
        program = divide(command.program, view, await conditions(view, command.program))
        found = await find(session, view, program, returns)
        mailbox = (box.name, box.uidvalidity)
        octets, kept = await esearch(session, view, found, returns, uid=True, with_modseq=with_modseq, mailbox=mailbox)
        if returns.save:
            assert session.view is not None
            session.view.saved = uid_array(sorted(kept))
        if found:
            session.write(octets)
            await session.drain()


async def _views(
    session: Session, known: KnownMailboxes, sources: tuple[c.Source, ...], *, numbered: bool
) -> list[tuple[Mailbox, View]]:
    """The mailboxes to search, each once. The selected one is searched in the state that the client knows.

    numbered: the program contains message numbers, so the UIDs are needed.
    """
    current = session.view
    found: list[tuple[Mailbox, View]] = []
    for number, box in enumerate(known.boxes):
        if number % MANY == MANY - 1:
            await turn()
        here = current is not None and current.seat is session.home and current.mailbox_id == box.id
        named = any((source.kind == "selected" and here) or known.means(source, box.name) for source in sources)
        if not named:
            continue
        if here and current is not None:
            found.append((box, _as_known(current, box)))
            continue
        found.append((box, await _searched(session.home, box, numbered=numbered)))
    if current is not None and current.access.lost and any(source.kind == "selected" for source in sources):
        raise Refused("NO", "the mailbox was deleted")
    return found


async def _foreign_views(
    session: Session, known: KnownMailboxes, sources: tuple[c.Source, ...], seats: AsyncExitStack, *, numbered: bool
) -> list[tuple[Mailbox, View]]:
    """The same for mailboxes that other users share with this one: the selected one, and those that are named."""
    current = session.view
    found: list[tuple[Mailbox, View]] = []
    if current is not None and (current.seat is session.home or current.access.lost):
        current = None
    if current is not None and any(source.kind == "selected" for source in sources):
        seat, mailbox_id = current.seat, current.mailbox_id
        box = await seat.account.read(lambda r: mailbox(r, mailbox_id), op="imap-search")
        found.append((_named(box, seat.shown(box.name)), _as_known(current, box)))
    naming = [source for source in sources if source.kind in NAMING]
    if not naming:
        return found
    at: dict[str, Seat] = {}
    for name, shared in (await shared_mailboxes(session, known.boxes)).items():
        owner, box = shared.access.owner, _named(shared.box, name)
        if "r" not in shared.rights or not any(known.means(source, name) for source in naming):
            continue
        if current is not None and current.seat.owner == owner and current.mailbox_id == box.id:
            if not found:
                found.append((box, _as_known(current, box)))
            continue
        if owner not in at:
            if len(at) == MAX_OWNERS:
                raise no(f"can't search mailboxes from more than {MAX_OWNERS} other users", "LIMIT")
            at[owner] = await visit(session, owner)
            seats.push_async_callback(at[owner].stack.aclose)
        found.append((box, await _searched(at[owner], box, numbered=numbered)))
    return found


def _named(box: Mailbox, name: str) -> Mailbox:
    return msgspec.structs.replace(box, name=name)


async def _searched(seat: Seat, box: Mailbox, *, numbered: bool) -> View:
    """A mailbox that is not selected."""
    uids = await _uids(seat, box) if numbered else EMPTY
    return View(seat, box, read_only=True, since=box.modseq, uids=uids)


def _as_known(current: View, box: Mailbox) -> View:
    """The selected mailbox in the state that the client knows."""
    if current.counted:
        return current
    view = View(current.seat, box, read_only=True, since=current.modseqs.since, uids=current.list)
    view.uidvalidity, view.uidnext, view.modseqs.last = current.uidvalidity, current.uidnext, current.modseqs.last
    view.keywords = current.keywords
    view.recent.uids = current.recent.uids
    view.gone = current.gone
    view.saved = current.saved
    return view


async def _uids(seat: Seat, box: Mailbox) -> UidList:
    def read(r: Reader) -> UidList:
        return seat.share.sharing.find(box.id, state(r).modseq) or UidList(all_uids(r, box.id))

    return await seat.account.scan(read, op="imap-search")
