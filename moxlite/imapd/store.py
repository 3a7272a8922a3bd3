"""STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3; IMAP-79, IMAP-108..115).

The new flags are told by `changes`, in their place among the changes of others; only what isn't a change is written
here.
"""

from collections.abc import Callable, Sequence

from moxlite.proto.imap import commands as c
from moxlite.proto.imap.responses import Code
from moxlite.proto.imap.seqset import format_ranges, runs
from moxlite.store.account import AccountTx
from moxlite.store.flags import Mode, Stored, store_flags
from moxlite.store.reading import SLICE, FlagRow, flags_of
from moxlite.store.transaction import Reader

from .changes import flags_line, tell
from .errors import no
from .flagwire import parse_words, wire_flags
from .session import Done, Session
from .view import View

__all__ = ["store"]

_MODES: dict[c.StoreMode, Mode] = {
    c.StoreMode.REPLACE: "replace",
    c.StoreMode.ADD: "add",
    c.StoreMode.REMOVE: "remove",
}


async def store(session: Session, command: c.Store) -> Done:
    """STORE and UID STORE."""
    view = session.writable
    flags, keywords = parse_words(command.flags)
    if command.unchangedsince is not None:
        session.use_condstore()
    named = view.resolve(command.set, uid=command.uid)
    uids = view.live(named)
    if not uids:
        return _nothing(len(named), len(uids))

    def unit(tx: AccountTx) -> Stored:
        return store_flags(
            tx,
            view.mailbox_id,
            uids,
            mode=_MODES[command.mode],
            flags=flags,
            keywords=keywords,
            unchangedsince=command.unchangedsince,
        )

    stored = await session.account.write(unit, session.cursor)
    await _show(session, view, command, stored)
    if stored.modified:
        numbers = stored.modified if command.uid else [view.number(uid) for uid in stored.modified]
        return Done("some messages were changed meanwhile", Code("MODIFIED", format_ranges(runs(numbers))))
    return _nothing(len(named), len(stored.changed) + len(stored.unchanged))


def _nothing(named: int, found: int) -> Done:
    """The outcome when messages named are gone (IMAP-57, RFC 2180 §4.2)."""
    if named and not found:
        raise no("the messages are gone", "EXPUNGEISSUED")
    return Done("stored", Code("EXPUNGEISSUED") if found < named else None)


async def _show(session: Session, view: View, command: c.Store, stored: Stored) -> None:
    """What the client must hear besides the changes themselves."""
    rows: list[FlagRow] = []
    if stored.modified:
        modified = stored.modified
        for start in range(0, len(modified), SLICE):
            part = modified[start : start + SLICE]
            rows += await session.account.read(_flags(view, part), op="imap-store")
    if not command.silent:
        rows += stored.unchanged
    for row in rows:
        keywords = await session.share.spelled(session.account, row.keywords)
        session.write(
            flags_line(session, view, row.uid, wire_flags(row.flags, keywords, view.is_recent(row.uid)), row.modseq)
        )
        await session.drain()
    if command.silent and stored.changed:
        session.hush(stored.changed[0].modseq)
        if session.condstore:  # RFC 7162 §3.1.3: the new modseq is told also then
            for row in (*stored.changed, *stored.unchanged):
                session.write(modseq_line(session, view, row.uid, row.modseq))
                await session.drain()
    await tell(session, expunge=False)


def _flags(view: View, uids: Sequence[int]) -> Callable[[Reader], list[FlagRow]]:
    return lambda r: flags_of(r, view.mailbox_id, uids)


def modseq_line(session: Session, view: View, uid: int, modseq: int) -> bytes:
    """``* n FETCH (UID u MODSEQ (m))``."""
    if session.uidonly:
        return b"* %d UIDFETCH (MODSEQ (%d))\r\n" % (uid, modseq)
    return b"* %d FETCH (UID %d MODSEQ (%d))\r\n" % (view.number(uid), uid, modseq)
