"""STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3; IMAP-79, IMAP-108..115).

`updates.changes` sends the new flags, in their order among the changes of others. Only flags that have not changed are
sent here.
"""

from array import array
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from moxlite.imapd.changes.bulk import STORED, slices
from moxlite.imapd.fetch.fetch import tell_items
from moxlite.imapd.session.errors import no
from moxlite.imapd.session.messagelimit import cut
from moxlite.imapd.session.named import resolve
from moxlite.imapd.session.sessions import uid_array
from moxlite.imapd.session.state import Done, Session
from moxlite.imapd.session.view import View
from moxlite.imapd.updates.changes import flags_line, parse_words, tell, tell_flags, wire_flags
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.fetchitems import Attribute
from moxlite.proto.imap.responses import Code
from moxlite.proto.imap.seqset import format_ranges, runs
from moxlite.store.accounts.access import allowed_flags
from moxlite.store.changelog.bus import MARK_ROWS
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.flags import Mode, StoreResult, store_flags
from moxlite.store.rows.messages import SLICE, FlagRow, flags_of

AHEAD: Final = 4
"""Transactions done ahead of sending their responses, in one commit. Each keeps 200 kB of changes until then. More of
them delay other sessions longer, and are hardly faster (measured with 100,000: 45 ms, with 8 of them 57).
"""

_MODES: dict[c.StoreMode, Mode] = {
    c.StoreMode.REPLACE: "replace",
    c.StoreMode.ADD: "add",
    c.StoreMode.REMOVE: "remove",
}


async def store(session: Session, command: c.Store) -> Done:
    """STORE and UID STORE."""
    view = session.writable()
    flags, keywords = parse_words(command.flags)
    allowed, with_keywords = allowed_flags(view.access.rights)
    wanted = bool(flags or keywords)
    flags, keywords = flags & allowed, keywords if with_keywords else ()
    if not allowed or (wanted and not flags and not keywords):
        raise no("you don't have permission to change these flags", "NOPERM")  # RFC 4314 §4: some of them are enough
    if command.unchangedsince is not None:
        session.use_condstore()
    named = cut(session, await resolve(view, command.set, uid=command.uid))
    uids = view.live(named)
    if not uids:
        return _done(command, len(named), 0)

    modified: list[int] = []
    found = 0
    to_show: deque[StoreResult] = deque()

    def unit(tx: AccountTx, part: "array[int]") -> StoreResult:
        return store_flags(
            tx,
            view.mailbox_id,
            part,
            mode=_MODES[command.mode],
            flags=flags,
            keywords=keywords,
            unchangedsince=command.unchangedsince,
            kept=~allowed,
            keep_keywords=not with_keywords,
        )

    def note(stored: StoreResult) -> None:
        nonlocal found
        modified.extend(stored.modified)
        if command.silent and stored.changed:
            session.hush(stored.changed[0].modseq)
        found += len(stored.changed) + len(stored.unchanged)
        to_show.append(stored)

    async def show() -> None:
        while to_show:
            await _show(session, view, command, to_show.popleft())

    account, cursor = view.seat.account, view.seat.cursor
    if len(uids) <= STORED:
        note(await account.write(partial(unit, part=uids), cursor))
        await show()
    else:
        units = (partial(unit, part=part) for part in slices(uids, STORED))
        await account.write_series(units, note, show, origin=cursor, ahead=AHEAD)
    if modified:
        numbers = modified if command.uid else [view.number(uid) for uid in modified]
        return Done("some messages were changed in the meantime", Code("MODIFIED", format_ranges(runs(numbers))))
    return _done(command, len(named), found)


def _done(command: c.Store, named: int, found: int) -> Done:
    """The outcome. A client that wants no answers need not know that messages are gone (IMAP-57, RFC 2180 §4.2.1)."""
    return Done("stored", Code("EXPUNGEISSUED") if found < named and not command.silent else None)


async def _show(session: Session, view: View, command: c.Store, stored: StoreResult) -> None:
    """Send the responses for a slice: its flags, MODSEQ, and pending changes of others."""
    rows: list[FlagRow] = []
    if stored.modified:
        modified = stored.modified
        for start in range(0, len(modified), SLICE):
            part = modified[start : start + SLICE]
            rows += await view.seat.account.read(_flags(view, part), op="imap-store")
    if not command.silent:
        rows += stored.unchanged
    await _tell_rows(session, view, rows)
    if session.extensions.condstore:
        view.modseqs.shown = max([view.modseqs.shown, *[row.modseq for row in (*rows, *stored.changed[:1])]])
    known = _known(session, view, stored)
    if known:
        await _tell_many(session, view, command, stored)
    if command.silent and session.extensions.condstore:  # RFC 7162 §3.1.3: the new modseq is sent even then
        for row in (*stored.changed, *stored.unchanged):
            session.write(modseq_line(session, view, row.uid, row.modseq))
            await session.drain()
    if known:
        return
    session.running.budget += len(stored.changed)  # as many changes of others as of ours
    await tell(session, expunge=False)
    if not command.silent and stored.changed and view.seat.cursor.modseq < stored.changed[0].modseq:
        # So many changes of others come first that ours are sent now, and once more in their order.
        await tell_flags(session, view, tuple(sorted(view.keywords.union(*[row.keywords for row in stored.changed]))))
        await _tell_rows(session, view, stored.changed)


async def _tell_rows(session: Session, view: View, rows: Sequence[FlagRow]) -> None:
    for row in rows:
        keywords = await view.seat.spelled(row.keywords)
        session.write(
            flags_line(session, view, row.uid, wire_flags(row.flags, keywords, view.recent.shows(row.uid)), row.modseq)
        )
        await session.drain()


def _known(session: Session, view: View, stored: StoreResult) -> bool:
    """Whether many changes can be sent from their rows: no other change and no new keyword came before."""
    return (
        len(stored.changed) > MARK_ROWS
        and view.seat.cursor.modseq == stored.changed[0].modseq - 1
        and session.notify is None
        and not view.modseqs.behind
        and view.keywords.issuperset(keyword for row in stored.changed for keyword in row.keywords)
    )


async def _tell_many(session: Session, view: View, command: c.Store, stored: StoreResult) -> None:
    """Send changes from their rows. Sent as events, they would be read from the database, at five times the cost."""
    modseq = stored.changed[0].modseq
    view.seat.cursor.skip_to(modseq)
    view.modseqs.last = max(view.modseqs.last, modseq)
    if not command.silent:
        items = (Attribute.FLAGS, Attribute.MODSEQ) if session.extensions.condstore else (Attribute.FLAGS,)
        await tell_items(session, view, uid_array([row.uid for row in stored.changed]), items)
        if session.extensions.condstore:  # another session may have changed them since
            view.modseqs.shown = max(view.modseqs.shown, view.seat.cursor.latest)


def _flags(view: View, uids: Sequence[int]) -> Callable[[Reader], list[FlagRow]]:
    return lambda r: flags_of(r, view.mailbox_id, uids)


def modseq_line(session: Session, view: View, uid: int, modseq: int) -> bytes:
    """``* n FETCH (UID u MODSEQ (m))``."""
    if session.extensions.uidonly:
        return b"* %d UIDFETCH (MODSEQ (%d))\r\n" % (uid, modseq)
    return b"* %d FETCH (UID %d MODSEQ (%d))\r\n" % (view.number(uid), uid, modseq)
