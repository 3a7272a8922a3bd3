"""COPY, MOVE, EXPUNGE (RFC 9051 §6.4.3, §6.4.7, §6.4.8; RFC 4315, RFC 6851, RFC 7162 §3.2.7; IMAP-116..118)."""

from array import array
from collections.abc import Callable
from typing import Final

from moxlite.proto.imap import commands as c
from moxlite.proto.imap.responses import Code, State
from moxlite.proto.imap.seqset import format_ranges, pick, runs
from moxlite.store.account import AccountTx
from moxlite.store.errors import NoSuchMailbox
from moxlite.store.messages import Copied, copy_messages, move_messages
from moxlite.store.messages import expunge as remove
from moxlite.store.reading import deleted_uids
from moxlite.store.types import MailboxID

from .changes import tell
from .errors import no
from .mailboxes import existing
from .progress import going_on
from .session import Done, Session
from .uidlist import uid_array

__all__ = ["copy", "expunge", "move"]

MANY: Final = 1_000
"""Messages above which copying may take so long that the client should hear of it: small boards do 3,000 a second."""


def _target(tx: AccountTx, name: str) -> MailboxID:
    try:
        return existing(tx, name).id
    except NoSuchMailbox:
        raise no("no such mailbox", "TRYCREATE") from None


def _copyuid(copied: Copied) -> Code | None:
    """``COPYUID uidvalidity source target`` (RFC 4315 §3); both sets ascend, so they're parallel."""
    if not copied.source_uids:
        return None
    source, target = format_ranges(runs(copied.source_uids)), format_ranges(runs(copied.target_uids))
    return Code("COPYUID", b"%d %b %b" % (copied.uidvalidity, source, target))


def _check_all_gone(named: "array[int]", found: int) -> None:
    """Messages were named, but they have all been removed by others (IMAP-57)."""
    if named and not found:
        raise no("the messages are gone", "EXPUNGEISSUED")


async def _write(session: Session, unit: Callable[[AccountTx], Copied], count: int) -> Copied:
    """Run a unit on `count` messages; if it's long, the client hears of it (IMAP-125)."""
    if count <= MANY:
        return await session.account.write(unit, session.cursor)
    return await going_on(session, lambda: session.account.write(unit, session.cursor))


async def copy(session: Session, command: c.Copy) -> Done:
    """COPY: all messages or none; the selected mailbox may be the target."""
    view = session.selected
    named = view.resolve(command.set, uid=command.uid)
    uids = view.live(named)

    def unit(tx: AccountTx) -> Copied:
        return copy_messages(tx, view.mailbox_id, uids, _target(tx, command.mailbox))

    copied = await _write(session, unit, len(uids))
    _check_all_gone(named, len(copied.source_uids))
    return Done("copied" if copied.source_uids else "no such messages, nothing copied", _copyuid(copied))


async def move(session: Session, command: c.Move) -> Done:
    """MOVE: COPYUID comes before the removals (RFC 6851 §4.3)."""
    view = session.writable
    named = view.resolve(command.set, uid=command.uid)
    uids = view.live(named)

    def unit(tx: AccountTx) -> Copied:
        return move_messages(tx, view.mailbox_id, uids, _target(tx, command.mailbox))

    moved = await _write(session, unit, len(uids))
    _check_all_gone(named, len(moved.source_uids))
    code = _copyuid(moved)
    if code is not None:
        session.respond(State("OK", "moved", code))
    return await _removed(session, "moved")


async def expunge(session: Session, command: c.Expunge) -> Done:
    """EXPUNGE and UID EXPUNGE: what is ``\\Deleted``, never messages that the client hasn't been told of."""
    view = session.writable
    chosen = None if command.uids is None else view.resolve(command.uids, uid=True)

    def unit(tx: AccountTx) -> None:
        uids = uid_array(deleted_uids(tx, view.mailbox_id, view.uidnext))
        if chosen is not None:
            uids = pick(uids, list(runs(chosen)))
        remove(tx, view.mailbox_id, uids)

    await session.account.write(unit, session.cursor)
    return await _removed(session, "expunged")


async def _removed(session: Session, text: str) -> Done:
    """Tell all there is, so that the modseq in the answer covers it (IMAP-83)."""
    await tell(session, expunge=True)
    view = session.view
    assert view is not None
    return Done(text, Code("HIGHESTMODSEQ", b"%d" % view.modseq) if session.condstore else None)
