"""SELECT, EXAMINE, CLOSE, UNSELECT (RFC 9051 §6.3.2, §6.3.3, §6.4.1, §6.4.2; RFC 7162 §3.1.8, §3.2.5; IMAP-72..84)."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from itertools import chain
from typing import Final, TypeVar

import msgspec

from moxlite.imapd.changes.bulk import expunge_slices
from moxlite.imapd.session.errors import Refused, no
from moxlite.imapd.session.named import known_uids
from moxlite.imapd.session.place import owner_of, visit
from moxlite.imapd.session.sessions import Seat, Sharing, UidList, uid_array
from moxlite.imapd.session.state import Done, Session
from moxlite.imapd.session.view import CountedView, View
from moxlite.imapd.updates.changes import SYSTEM_FLAGS, flags_line, list_names, tell, tell_permanent, wire_flags
from moxlite.imapd.updates.recent import claim_selected
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.encode import encode, flag_list, vanished_lines
from moxlite.proto.imap.responses import Code, ListData, State
from moxlite.proto.imap.seqset import Ranges, SequenceSet, index_runs, runs, subtract, within
from moxlite.store.changelog.account import Account
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader, Row
from moxlite.store.mail.mailboxes import is_subscribed
from moxlite.store.rows.mailboxes import split_keywords, state, state_and_unseen
from moxlite.store.rows.messages import flags_of_bits, gapless_uids, uids, vanished
from moxlite.store.rows.sorting import columns_of
from moxlite.store.types import UID, Mailbox, MailboxID

T = TypeVar("T")

MANY: Final = 2_000
"""Number of messages above which the UIDs are read in a thread: a covering index returns 5,000 in a millisecond
(STORE-3).
"""

MANY_GAPLESS: Final = 100_000
"""The same number for UIDs without gaps, of which only the first and the last are read: 2 ms."""

SLICE: Final = 500
"""Changed messages sent at once when a client catches up: rendering them takes 3 ms."""

CHANGED: Final = """
SELECT uid FROM message INDEXED BY message_modseq
WHERE mailbox_id = ? AND modseq > ? AND uid BETWEEN ? AND ? ORDER BY uid"""
COUNT_CHANGES: Final = """
SELECT (SELECT count(*) FROM (SELECT 1 FROM message INDEXED BY message_modseq
    WHERE mailbox_id = ?1 AND modseq > ?2 LIMIT ?3))
    + (SELECT count(*) FROM (SELECT 1 FROM expunged INDEXED BY expunged_mailbox_modseq
    WHERE mailbox_id = ?1 AND modseq > ?2 LIMIT ?3))"""
"""Number of messages changed, and of messages removed, after a modseq, each counted up to a limit."""
REMOVED_BEFORE: Final = "SELECT uid FROM expunged WHERE mailbox_id = ? AND modseq <= ? AND uid BETWEEN ? AND ?"


ADDED: Final = "SELECT uid FROM message WHERE mailbox_id = ? AND uid > ? ORDER BY uid LIMIT ?"


class _Snapshot(msgspec.Struct, frozen=True):
    """Data that SELECT reads in one snapshot. rights: the user's rights. uids: from a session that has just read them,
    or read here; None if no UIDs are kept. unseen: the first unseen UID, if it is to be sent. subscribed: for the
    user's own mailbox, if it is to be sent.
    """

    box: Mailbox
    rights: str
    modseq: int
    purged: int
    uids: UidList | None
    unseen: int | None
    subscribed: bool


_READ_ONLY: Final = Done("selected", Code("READ-ONLY"))
_READ_WRITE: Final = Done("selected", Code("READ-WRITE"))


async def select(session: Session, command: c.Select | c.Examine) -> Done:
    """SELECT and EXAMINE. The loop has left the former mailbox; a failure leaves nothing selected (IMAP-73)."""
    seat, name = session.home, command.mailbox
    found = await owner_of(session, name)
    if found is not None:
        owner, name = found
        seat = await visit(session, owner)
    try:
        return await _select(session, seat, name, command)
    except (Refused, StoreError):
        await session.leave()  # an error may come when the mailbox is half introduced
        raise
    finally:
        if session.view is None and seat is not session.home:
            await seat.stack.aclose()


async def _select(session: Session, seat: Seat, name: str, command: c.Select | c.Examine) -> Done:
    """Answer SELECT or EXAMINE of a mailbox in the account of `seat`, the user's own or one that shares with the user.

    `name`: as the client gave it, without the prefix of other users' mailboxes.
    """
    examined = isinstance(command, c.Examine) or session.login.read_only
    snapshot = await _read(session, seat, name)
    box = snapshot.box
    if command.condstore or command.qresync is not None:
        session.use_condstore()
    view = _view(seat, snapshot, read_only=examined)
    await claim_selected(session, view, box)
    session.enter(view)
    await _introduce(session, view, snapshot)
    if command.qresync is not None and command.qresync.uidvalidity == box.uidvalidity:
        await _resynchronize(session, view, command.qresync, purged=snapshot.purged)
    if view.modseqs.shown or session.pending():
        await tell(session, expunge=True, whole=True)
    return _READ_ONLY if view.access.read_only else _READ_WRITE


def _view(seat: Seat, snapshot: _Snapshot, *, read_only: bool) -> View:
    """The new view of the mailbox, as sent to the client by SELECT."""
    box, since = snapshot.box, snapshot.modseq
    view: View
    if snapshot.uids is None:
        view = CountedView(seat, box, read_only=read_only, since=since)
    else:
        uids = seat.share.sharing.share(box.id, box.uidvalidity, since, snapshot.uids)
        view = View(seat, box, read_only=read_only, since=since, uids=uids)
    view.access.allow(snapshot.rights)
    return view


async def _read(session: Session, seat: Seat, name: str) -> _Snapshot:
    """Read a snapshot of the mailbox. A large one is read in a thread, or its UIDs are taken from a session that has
    just read them.
    """

    def read(r: Reader) -> _Snapshot | None:
        box = seat.find(r, name, "r")
        if session.extensions.uidonly:
            return _snapshot(session, seat, r, box, None)
        known = _uids(r, box, seat.share.sharing)
        return None if known is None else _snapshot(session, seat, r, box, known)

    snapshot = await seat.account.read(read, op="imap-select", turn=False)
    if snapshot is not None:
        return snapshot

    def scan(r: Reader) -> _Snapshot:
        box = seat.find(r, name, "r")
        return _snapshot(session, seat, r, box, UidList(uids(r, box.id)))

    return await seat.account.scan(scan, op="imap-select")


def _snapshot(session: Session, seat: Seat, r: Reader, box: Mailbox, known: UidList | None) -> _Snapshot:
    tells_unseen = box.unseen and not session.extensions.rev2 and not session.extensions.uidonly
    modseq, purged, unseen = state_and_unseen(r, box.id if tells_unseen else None)
    subscribed = session.extensions.rev2 and not seat.guest and is_subscribed(r, box.name)
    return _Snapshot(box, seat.rights_to(r, box), modseq, purged, known, unseen, subscribed)


def _uids(r: Reader, box: Mailbox, sharing: Sharing) -> UidList | None:
    """The UIDs of a mailbox; None if they are too many to be read on the loop."""
    nearest = sharing.nearest(box.id, box.uidvalidity)
    if nearest is not None:
        modseq, known = nearest
        if modseq >= box.modseq:
            return known
        uid_list = _up_to_date(r, box, modseq, known)
        if uid_list is not None:
            return uid_list
    if box.exists <= MANY:
        return UidList(uids(r, box.id))
    gapless = gapless_uids(r, box.id) if box.exists <= MANY_GAPLESS else None
    return None if gapless is None else UidList(gapless)


def _up_to_date(r: Reader, box: Mailbox, modseq: int, known: UidList) -> UidList | None:
    """The UIDs of a mailbox, made from its UIDs at `modseq`; None if too much has changed since."""
    last = known.uids[-1] if known.uids else 0
    added = [row[0] for row in r.rows(ADDED, box.id, last, MANY)]
    removed = len(known) + len(added) - box.exists
    if len(added) == MANY or removed > MANY or modseq < state(r).highest_purged_modseq:
        return None
    if removed:
        known = known.without(list(runs(vanished(r, box.id, modseq, 1, last))))
    return known.adding(uid_array(added))


_FLAGS: Final = flag_list(SYSTEM_FLAGS)
_RECENT: Final = b"* %d RECENT\r\n"
_UNSEEN: Final = b"* OK [UNSEEN %d] first unseen message\r\n"
_REST: Final = (
    b"* %d EXISTS\r\n"
    b"%b%b* OK [UIDVALIDITY %d] UIDs are valid\r\n"
    b"* OK [UIDNEXT %d] predicted next UID\r\n"
    b"%b* OK [HIGHESTMODSEQ %d] highest\r\n"
    b"* OK [MAILBOXID (F%d%b)] mailbox id\r\n"
)


async def _introduce(session: Session, view: View, snapshot: _Snapshot) -> None:
    """Send the untagged lines of SELECT (IMAP-72)."""
    box, rev2 = snapshot.box, session.extensions.rev2
    flags = _FLAGS
    if box.keywords:
        flags = flag_list((*SYSTEM_FLAGS, *await view.seat.spelled(box.keywords)))
    session.write(b"* FLAGS %b\r\n" % flags)
    await tell_permanent(session, view)
    # c-client (alpine, PHP) calls a RECENT before EXISTS unknown, as it has no messages yet.
    recent = b"" if rev2 else _RECENT % view.recent_count
    unseen = b"" if snapshot.unseen is None else _UNSEEN % view.number(snapshot.unseen)
    name = await _name(session, view, snapshot) if rev2 else b""
    session.write(
        _REST % (view.exists, recent, unseen, box.uidvalidity, box.uidnext, name, box.modseq, box.id, view.seat.suffix)
    )


async def _name(session: Session, view: View, snapshot: _Snapshot) -> bytes:
    """LIST of the mailbox. Special uses of other users' mailboxes are not sent, as mail programs would use them."""
    box, subscribed = snapshot.box, snapshot.subscribed
    name = view.seat.shown(box.name)
    uses = list_names(box.special_use, system=box.system)
    if view.seat.guest:
        subscribed = await session.home.account.read(lambda r: is_subscribed(r, name), op="imap-select")
        uses = ()
    listed = ListData(((r"\Subscribed",) if subscribed else ()) + uses, name)
    return encode(session.running.spelled(listed), utf8=session.extensions.utf8)


# --- QRESYNC (RFC 7162 §3.2.5)


async def _resynchronize(session: Session, view: View, parameters: c.Qresync, *, purged: int) -> None:
    """Send the changes that the client has missed: removals first, then flags (IMAP-81, IMAP-82)."""
    last = view.uidnext - 1
    known = within(parameters.known.resolve(last) if parameters.known is not None else [(1, last)], 1, last)
    start, since = 1, parameters.modseq
    if parameters.match is not None:
        numbers, sequence_set = parameters.match
        start = _first_difference(view, numbers, sequence_set)
        if await _inconsistent(view.seat.account, view, sequence_set, since):
            session.respond(State("OK", "the client's copy of the mailbox is out of sync", Code("ALERT")))
            start, since = 1, 0

    def read(r: Reader) -> tuple[list[UID], array[int], list[Row]]:
        gone = vanished(r, view.mailbox_id, since, start) if since >= purged else []
        changed = _changed(r, view.mailbox_id, parameters.modseq, known)
        return gone, changed, _flags_of(r, view.mailbox_id, changed[:SLICE])

    gone, changed, rows = await _changes(view, since, read)
    if since < purged:
        removed = within(known, start, last)
    else:
        removed = [pair for first, stop in index_runs(gone, known) for pair in runs(gone, first, stop)]
    session.write(vanished_lines(subtract(removed, await known_uids(view, removed)), earlier=True))
    await _tell_changed(session, view, changed, rows)


def _first_difference(view: View, numbers: SequenceSet, sequence_set: SequenceSet) -> int:
    """The first UID whose removal may be unknown to the client. Below it, message numbers and UIDs of the client agree
    with ours (RFC 7162 §3.2.5.2).

    Both sets are walked range by range. If a range of numbers has the UIDs that the client gives, no message below it
    was removed.
    """
    agreed = 0
    for number, uid, length in _zip_ranges(numbers.ranges, sequence_set.ranges):
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
    """Two ascending sets of equal count, as ranges (first of left, first of right, length)."""
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


async def _inconsistent(account: Account, view: View, sequence_set: SequenceSet, modseq: int) -> bool:
    """Whether the client names UIDs as present that were removed before the modseq it claims to know (IMAP-82)."""
    # UIDs that the client has and the view has not: right if they were removed after the modseq that it claims to
    # know, else its copy belongs to another state.
    missing = subtract(within(sequence_set.resolve(0), 1, view.uidnext - 1), view.uids)[
        :100
    ]  # the first ones are enough

    def read(r: Reader) -> bool:
        return any(r.value(REMOVED_BEFORE, view.mailbox_id, modseq, low, high) for low, high in missing)

    return bool(missing) and await account.read(read, op="imap-match")


async def _tell_changed(session: Session, view: View, changed: array[int], rows: list[Row]) -> None:
    """Send FETCH (UID FLAGS MODSEQ) of changed messages, by their UIDs. `rows`: of the first `SLICE`."""
    for at in range(0, len(changed), SLICE):
        if at:
            rows = await _next_rows(view, changed[at : at + SLICE])
        written: dict[tuple[int, str, bool], bytes] = {}  # the combinations of flags are few
        lines: list[bytes] = []
        for uid, modseq, bits, column in rows:
            what = bits, column, view.recent.shows(uid)
            flags = written.get(what)
            if flags is None:
                keywords = await view.seat.spelled(split_keywords(column))
                flags = written[what] = wire_flags(flags_of_bits(bits), keywords, what[2])
            lines.append(flags_line(session, view, uid, flags, modseq))
        session.write(b"".join(lines))
        await session.drain()


async def _next_rows(view: View, uids: array[int]) -> list[Row]:
    """The rows of these messages as they are now: all changes in the snapshot are sent before the command ends."""

    def read(r: Reader) -> tuple[list[Row], int]:
        return _flags_of(r, view.mailbox_id, uids), state(r).modseq

    rows, shown = await view.seat.account.read(read, op="imap-changed")
    view.modseqs.shown = max(view.modseqs.shown, shown)
    return rows


async def _changes(view: View, modseq: int, read: Callable[[Reader], T]) -> T:
    """Run a read whose cost grows with the mailbox's changes since `modseq`: in a thread if they are many. All changes
    in its snapshot are sent before the command ends.
    """

    def all_of_it(r: Reader) -> tuple[T, int]:
        return read(r), state(r).modseq

    def few(r: Reader) -> tuple[T, int] | None:
        return all_of_it(r) if r.value(COUNT_CHANGES, view.mailbox_id, modseq, SLICE + 1) <= SLICE else None

    account = view.seat.account
    found = await account.read(few, op="imap-changed", turn=False)
    what, shown = found if found is not None else await account.scan(all_of_it, op="imap-changed")
    view.modseqs.shown = max(view.modseqs.shown, shown)
    return what


def _changed(r: Reader, mailbox_id: int, modseq: int, known: Ranges) -> array[int]:
    """The UIDs of messages changed since `modseq`, as far as they are known."""
    if not known:
        return uid_array()
    uids = uid_array(uid for (uid,) in r.iterate(CHANGED, mailbox_id, modseq, known[0][0], known[-1][1]))
    if len(known) > 1:
        uids = uid_array(chain.from_iterable(uids[start:stop] for start, stop in index_runs(uids, known)))
    return uids


def _flags_of(r: Reader, mailbox_id: MailboxID, uids: array[int]) -> list[Row]:
    """UID, modseq, flags and keywords of these messages."""
    return [*columns_of(r, "m.uid, m.modseq, m.flags, m.keywords", "", mailbox_id, uids)]


# --- leaving


async def close(session: Session, command: c.Close) -> Done:
    r"""CLOSE: remove ``\Deleted`` messages, silently, unless the mailbox was opened by EXAMINE (RFC 9051 §6.4.1)."""
    view = session.view
    if view is None:
        raise no("no mailbox is selected")
    if not view.access.read_only and not view.access.lost and not view.access.system and "e" in view.access.rights:
        await expunge_slices(session, view, silently=True)
    return await unselect(session, c.Unselect())


async def unselect(session: Session, command: c.Unselect) -> Done:
    """UNSELECT: leave the mailbox without removing messages."""
    await session.leave()
    await tell(session, expunge=True)
    return Done("closed")
