"""SELECT, EXAMINE, CLOSE, UNSELECT (RFC 9051 §6.3.2, §6.3.3, §6.4.1, §6.4.2; RFC 7162 §3.1.8, §3.2.5; IMAP-72..84)."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from moxlite.proto.imap import commands as c
from moxlite.proto.imap.encode import flag_list, vanished_lines
from moxlite.proto.imap.responses import Code, FlagsData, ListData, RecentData, State
from moxlite.proto.imap.seqset import Ranges, SequenceSet, index_runs, runs, subtract, within
from moxlite.store.account import Account
from moxlite.store.errors import BadMailboxName, NoSuchMailbox
from moxlite.store.keywords import MAX_PER_MAILBOX, split_keywords
from moxlite.store.mailboxes import is_subscribed
from moxlite.store.names import check_name
from moxlite.store.reading import first_unseen, flags_of_bits, mailbox_by_name, state, uids, vanished
from moxlite.store.transaction import Reader, Row
from moxlite.store.types import Mailbox

from .bulk import expunge_slices
from .changes import flags_line, tell
from .errors import no
from .flagwire import SYSTEM_FLAGS, use_names, wire_flags
from .named import known_uids
from .recent import claim_selected
from .session import Done, Session
from .uidlist import UidList, uid_array
from .view import CountedView, View

__all__ = ["close", "select", "unselect"]

MANY: Final = 2_000
"""Messages above which the UIDs are read in a thread: a covering index gives 5,000 in a millisecond (STORE-3)."""

SLICE: Final = 500
"""Changed messages told at once when a client catches up: rendering them takes 3 ms."""

CHANGED: Final = """
SELECT uid, modseq, flags, keywords FROM message INDEXED BY message_modseq
WHERE mailbox_id = ? AND modseq > ? AND uid BETWEEN ? AND ? ORDER BY uid LIMIT ?"""
REMOVED_BEFORE: Final = "SELECT uid FROM expunged WHERE mailbox_id = ? AND modseq <= ? AND uid BETWEEN ? AND ?"


ADDED: Final = "SELECT uid FROM message WHERE mailbox_id = ? AND uid > ? ORDER BY uid LIMIT ?"


class _Snapshot(msgspec.Struct, frozen=True):
    """What SELECT reads, of one moment. uids: as held by a session that has just read them, or read; None for none."""

    box: Mailbox
    modseq: int
    purged: int
    uids: UidList | None
    unseen: int | None
    subscribed: bool


async def select(session: Session, command: c.Select | c.Examine) -> Done:
    """SELECT and EXAMINE. A failure leaves nothing selected (IMAP-73)."""
    if session.leave():
        session.respond(State("OK", "previous mailbox closed", Code("CLOSED")))
    # What happened before is of no interest any more, but for mailboxes; the cursor moves close to the snapshot.
    await tell(session, expunge=True)
    read_only = isinstance(command, c.Examine) or session.read_only
    try:
        name = check_name(command.mailbox)
    except BadMailboxName:
        raise NoSuchMailbox(command.mailbox) from None
    snapshot = await _read(session, name)
    box = snapshot.box
    if command.condstore or command.qresync is not None:
        session.use_condstore()
    view = _view(session, snapshot, read_only=read_only)
    await claim_selected(session, view, box)
    session.enter(view)
    await _introduce(session, view, snapshot)
    if command.qresync is not None and command.qresync.uidvalidity == box.uidvalidity:
        await _resynchronize(session, view, command.qresync, purged=snapshot.purged)
    await tell(session, expunge=True)
    return Done("selected", Code("READ-ONLY" if read_only else "READ-WRITE"))


def _view(session: Session, snapshot: _Snapshot, *, read_only: bool) -> View:
    """What the client is told first."""
    box = snapshot.box
    if snapshot.uids is None:
        return CountedView(
            box.id,
            read_only=read_only,
            uidvalidity=box.uidvalidity,
            uidnext=box.uidnext,
            modseq=box.modseq,
            since=snapshot.modseq,
            count=box.exists,
            keywords=box.keywords,
        )
    return View(
        box.id,
        read_only=read_only,
        uidvalidity=box.uidvalidity,
        uidnext=box.uidnext,
        modseq=box.modseq,
        since=snapshot.modseq,
        uids=session.share.sharing.share(box.id, snapshot.modseq, snapshot.uids),
        keywords=box.keywords,
    )


async def _read(session: Session, name: str) -> _Snapshot:
    """One snapshot of the mailbox; a big one is read in a thread, or its UIDs are taken from a session that has just
    read them.
    """
    account = session.account
    sharing = session.share.sharing

    def read(r: Reader) -> _Snapshot | None:
        box = mailbox_by_name(r, name)
        if box is None:
            raise NoSuchMailbox(name)
        if session.uidonly:
            return whole(r, box, None)
        known = _up_to_date(r, box, sharing.nearest(box.id))
        return None if known is None and box.exists > MANY else whole(r, box, known)

    def whole(r: Reader, box: Mailbox, known: UidList | None) -> _Snapshot:
        account_state = state(r)
        return _Snapshot(
            box,
            account_state.modseq,
            account_state.highest_purged_modseq,
            None if session.uidonly else known or UidList(uids(r, box.id)),
            first_unseen(r, box.id) if box.unseen and not session.rev2 and not session.uidonly else None,
            is_subscribed(r, name),
        )

    def all_of_it(r: Reader) -> _Snapshot:
        box = mailbox_by_name(r, name)
        if box is None:
            raise NoSuchMailbox(name)
        return whole(r, box, None)

    found = await account.read(read, op="imap-select")
    return found if found is not None else await account.scan(all_of_it, op="imap-select")


def _up_to_date(r: Reader, box: Mailbox, nearest: tuple[int, UidList] | None) -> UidList | None:
    """The UIDs of a mailbox, made of those which it had at some modseq; None when too much has happened since."""
    if nearest is None:
        return None
    modseq, known = nearest
    if modseq >= box.modseq:
        return known
    last = known.uids[-1] if known.uids else 0
    added = [row[0] for row in r.rows(ADDED, box.id, last, MANY)]
    removed = len(known) + len(added) - box.exists
    if len(added) == MANY or removed > MANY or modseq < state(r).highest_purged_modseq:
        return None
    if removed:
        known = known.without(list(runs(vanished(r, box.id, modseq, 1, last))))
    return known.adding(uid_array(added))


async def _introduce(session: Session, view: View, snapshot: _Snapshot) -> None:
    """The untagged lines of SELECT (IMAP-72)."""
    box = snapshot.box
    words = (*SYSTEM_FLAGS, *await session.share.spelled(session.account, box.keywords))
    session.respond(FlagsData(words))
    more = (r"\*",) if len(box.keywords) < MAX_PER_MAILBOX else ()
    permanent = () if view.read_only else (*words, *more)
    session.respond(State("OK", "flags that stay", Code("PERMANENTFLAGS", flag_list(permanent))))
    if not session.rev2:
        session.respond(RecentData(view.recent_count))
    session.write(b"* %d EXISTS\r\n" % view.exists)
    if snapshot.unseen is not None:
        session.respond(State("OK", "first unseen message", Code("UNSEEN", b"%d" % view.number(snapshot.unseen))))
    session.respond(State("OK", "UIDs are valid", Code("UIDVALIDITY", b"%d" % box.uidvalidity)))
    session.respond(State("OK", "predicted next UID", Code("UIDNEXT", b"%d" % box.uidnext)))
    if session.rev2:
        subscribed = (r"\Subscribed",) if snapshot.subscribed else ()
        session.respond(ListData((*subscribed, *use_names(box.special_use)), box.name))
    session.respond(State("OK", "highest", Code("HIGHESTMODSEQ", b"%d" % box.modseq)))
    session.respond(State("OK", "mailbox id", Code("MAILBOXID", b"(F%d)" % box.id)))


# --- QRESYNC (RFC 7162 §3.2.5)


async def _resynchronize(session: Session, view: View, parameters: c.Qresync, *, purged: int) -> None:
    """What the client has missed: removals first, then changes."""
    known = within(
        parameters.known.resolve(0) if parameters.known is not None else [(1, view.uidnext - 1)], 1, view.uidnext - 1
    )
    removed = await _removed(session, view, parameters, known, purged=purged)
    session.write(vanished_lines(removed, earlier=True))
    await tell_changed(session, view, parameters.modseq, known)


async def _removed(session: Session, view: View, parameters: c.Qresync, known: Ranges, *, purged: int) -> Ranges:
    """The UIDs to call VANISHED (IMAP-81, IMAP-82)."""
    account, modseq = session.account, parameters.modseq
    start = 1
    if parameters.match is not None:
        numbers, found = parameters.match
        start = _first_difference(view, numbers, found)
        if await _inconsistent(account, view, found, modseq):
            session.respond(State("OK", "your copy of the mailbox is wrong", Code("ALERT")))
            start, modseq = 1, 0
    if modseq < purged:
        removed = within(known, start, view.uidnext - 1)
    else:
        gone = await account.scan(lambda r: vanished(r, view.mailbox_id, modseq, start), op="imap-vanished")
        removed = [pair for first, stop in index_runs(gone, known) for pair in runs(gone, first, stop)]
    return subtract(removed, await known_uids(session, view, removed))


def _first_difference(view: View, numbers: SequenceSet, found: SequenceSet) -> int:
    """The first UID whose removal may be news: below, message numbers and UIDs of the client agree with ours (RFC
    7162 §3.2.5.2).

    Both sets are walked range by range. Where a stretch of numbers has the UIDs that the client says, nothing below
    was removed.
    """
    agreed = 0
    for number, uid, length in _zip_ranges(numbers.ranges, found.ranges):
        last = length - 1
        if number + last <= view.exists and (view.uid(number), view.uid(number + last)) == (uid, uid + last):
            agreed = uid + last
            continue
        for step in range(min(length, view.exists - number + 1)):
            if view.uid(number + step) != uid + step:
                break
            agreed = uid + step
        break
    return agreed + 1


def _zip_ranges(left: tuple[tuple[int, int], ...], right: tuple[tuple[int, int], ...]) -> list[tuple[int, int, int]]:
    """Two ascending sets of equal count, as stretches (first of left, first of right, length)."""
    result: list[tuple[int, int, int]] = []
    i = j = done_left = done_right = 0
    while i < len(left) and j < len(right):
        first, other = left[i][0] + done_left, right[j][0] + done_right
        length = min(left[i][1] - first, right[j][1] - other) + 1
        result.append((first, other, length))
        done_left, done_right = done_left + length, done_right + length
        if first + length > left[i][1]:
            i, done_left = i + 1, 0
        if other + length > right[j][1]:
            j, done_right = j + 1, 0
    return result


async def _inconsistent(account: Account, view: View, found: SequenceSet, modseq: int) -> bool:
    """Whether the client names UIDs as present that were removed before the modseq it claims to know (IMAP-82)."""
    missing = subtract(within(found.resolve(0), 1, view.uidnext - 1), view.uids)[:100]  # a wrong client is wrong early

    def read(r: Reader) -> bool:
        return any(r.value(REMOVED_BEFORE, view.mailbox_id, modseq, low, high) for low, high in missing)

    return bool(missing) and await account.read(read, op="imap-match")


async def tell_changed(session: Session, view: View, modseq: int, known: Ranges) -> None:
    """FETCH (UID FLAGS MODSEQ) of messages changed since `modseq` whose UIDs are in `known`."""
    low, high = (known[0][0], known[-1][1]) if known else (1, 0)
    while low <= high:
        rows = await session.account.scan(_changed(view, modseq, low, high), op="imap-changed")
        wanted = set(_members([row[0] for row in rows], known))
        for uid, changed, bits, column in rows:
            if uid in wanted:
                keywords = await session.share.spelled(session.account, split_keywords(column))
                flags = wire_flags(flags_of_bits(bits), keywords, view.is_recent(uid))
                session.write(flags_line(session, view, uid, flags, changed))
        await session.drain()
        if len(rows) < SLICE:
            return
        low = rows[-1][0] + 1


def _changed(view: View, modseq: int, low: int, high: int) -> Callable[[Reader], list[Row]]:
    return lambda r: r.rows(CHANGED, view.mailbox_id, modseq, low, high, SLICE)


def _members(values: Sequence[int], ranges: Ranges) -> list[int]:
    """The elements of ascending `values` that are in `ranges`."""
    return [value for start, stop in index_runs(values, ranges) for value in values[start:stop]]


# --- leaving


async def close(session: Session, command: c.Close) -> Done:
    """CLOSE: remove what is ``\\Deleted``, silently, unless the mailbox was opened by EXAMINE (RFC 9051 §6.4.1)."""
    view = session.view
    if view is None:
        raise no("no mailbox is selected")
    if not view.read_only and not view.deleted:
        await expunge_slices(session, view, silently=True)
    return await unselect(session, c.Unselect())


async def unselect(session: Session, command: c.Unselect) -> Done:
    """UNSELECT: leave the mailbox, remove nothing."""
    session.leave()
    await tell(session, expunge=True)
    return Done("closed")
