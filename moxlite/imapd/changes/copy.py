"""COPY, MOVE, EXPUNGE (RFC 9051 §6.4.3, §6.4.7, §6.4.8; RFC 4315, RFC 6851, RFC 7162 §3.2.7; IMAP-116..118)."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, TypeVar

from moxlite.imapd.changes.bulk import copy_slices, expunge_slices, move_slices, undo_copy
from moxlite.imapd.session.errors import no
from moxlite.imapd.session.messagelimit import cut, cut_deleted, refuse_more, saving_limit_of
from moxlite.imapd.session.named import named_ranges, resolve
from moxlite.imapd.session.place import Place, at
from moxlite.imapd.session.progress import going_on
from moxlite.imapd.session.state import Done, Session
from moxlite.imapd.session.view import View
from moxlite.imapd.updates.changes import tell
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.responses import Code, State
from moxlite.proto.imap.seqset import format_ranges, runs
from moxlite.store.accounts.access import allowed_flags
from moxlite.store.accounts.crossing import MEMORY, TransferTarget, parts, transfer
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.spool import Spool
from moxlite.store.errors import NoSuchMailbox
from moxlite.store.mail.acl import RIGHTS
from moxlite.store.mail.copying import CopyResult, end_copy, new_copy, note_part
from moxlite.store.mail.expunging import expunge as expunge_slice
from moxlite.store.types import MailboxID

T = TypeVar("T")

MANY: Final = 1_000
"""Number of messages above which copying may take so long that the client gets progress responses: small boards copy
3,000 a second.
"""


def _copyuid(copied: Sequence[CopyResult]) -> Code | None:
    """``COPYUID uidvalidity source target`` (RFC 4315 §3); both sets ascend, so they're parallel."""
    source = [uid for one in copied for uid in one.source_uids]
    target = [uid for one in copied for uid in one.target_uids]
    if not source:
        return None
    return Code(
        "COPYUID", b"%d %b %b" % (copied[0].uidvalidity, format_ranges(runs(source)), format_ranges(runs(target)))
    )


def _check_all_gone(named: array[int], code: Code | None) -> None:
    """Raise Refused if all named messages have been removed by others (IMAP-57)."""
    if named and code is None:
        raise no("the messages no longer exist", "EXPUNGEISSUED")


async def _long(session: Session, work: Callable[[], Awaitable[T]], count: int, *, within: bool) -> T:
    """Run `work` on `count` messages, `within` one file or not. If it takes long, progress responses are sent
    (IMAP-125).
    """
    return await (work() if within and count <= MANY else going_on(session, work))


async def copy(session: Session, command: c.Copy) -> Done:
    """COPY: all messages or none; the selected mailbox may be the target."""
    view = session.selected
    named = await resolve(view, command.set, uid=command.uid)
    refuse_more(saving_limit_of(session), len(named), named)
    uids = view.live(named)
    async with at(session, command.mailbox) as place:
        within = await is_within(view, place)

        async def work() -> list[CopyResult]:
            if within:
                return await copy_slices(view.seat.account, view.mailbox_id, uids, place.target, view.seat.cursor)
            return await copy_across(session, view, uids, place)

        code = _copyuid(await _long(session, work, len(uids), within=within))
    _check_all_gone(named, code)
    return Done("copied" if code else "no matching messages to copy", code)


async def move(session: Session, command: c.Move) -> Done:
    """MOVE: COPYUID comes before the removals (RFC 6851 §4.3), also for messages that were moved before an error."""
    view = session.movable
    named = cut(session, await resolve(view, command.set, uid=command.uid))
    uids = view.live(named)
    moved: list[CopyResult] = []
    try:
        async with at(session, command.mailbox) as place:
            within = await is_within(view, place)
            if view.access.system and not within:
                raise no("you can only move scheduled messages to your own trash", "CANNOT")

            async def work() -> None:
                if within:
                    await move_slices(view, uids, place.target, moved)
                else:
                    await move_across(session, view, uids, place, moved)

            await _long(session, work, len(uids), within=within)
    finally:
        # Also after an error: those messages have moved, and the client would look for them here.
        code = _copyuid(moved) if moved else None
        if code is not None:
            session.respond(State("OK", "moved", code))
    _check_all_gone(named, code)
    return await _removed(session, "moved")


async def expunge(session: Session, command: c.Expunge) -> Done:
    r"""EXPUNGE and UID EXPUNGE: remove ``\Deleted`` messages, but never one that the client does not know yet."""
    view = session.writable("e")
    chosen = None
    if command.uids is not None:
        chosen = await cut_deleted(session, view, await named_ranges(view, command.uids))
    await expunge_slices(session, view, chosen)
    return await _removed(session, "expunged")


async def _removed(session: Session, text: str) -> Done:
    """Send all pending changes, so that the modseq in the answer covers them (IMAP-83)."""
    await tell(session, expunge=True, whole=True)
    view = session.view
    assert view is not None
    return Done(text, Code("HIGHESTMODSEQ", b"%d" % view.modseqs.last) if session.extensions.condstore else None)


# COPY and MOVE between the files of two accounts, and into a mailbox where the user may not set all flags (IMAP-157).
#
# `store.accounts.crossing` transfers the messages in parts. A copy is all or nothing, as in `bulk`. A move removes each
# part once it's added. A crash in between leaves both, which RFC 6851 §3.3 allows, so nothing is lost.


logger = logging.getLogger("moxlite.imapd")


async def is_within(view: View, place: Place) -> bool:
    """Whether both mailboxes are in one account's file, and the user may set all flags there: then `bulk` copies."""
    if view.seat.owner != place.owner:
        return False
    if not place.guest:
        return True
    rights = await place.account.read(lambda r: place.rights(r, place.target(r)), op="imap-rights")
    return allowed_flags(rights) == allowed_flags(RIGHTS)


async def copy_across(session: Session, view: View, uids: array[int], place: Place) -> list[CopyResult]:
    """Copy messages to another account: all or, when this raises, is cancelled or the server is killed, none."""
    copy = new_copy()
    done: list[CopyResult] = []

    try:
        target = await place.account.read(place.target, op="imap-copy")
        for part in await parts(view.seat.account, view.mailbox_id, uids):
            copied = await _transfer(session, view, part, place, target, copy)
            done += [] if copied is None else [copied]
        if done:
            await place.account.write(lambda tx: end_copy(tx, copy), place.origin)
    except BaseException:
        await undo_copy(place.account, copy, place.origin)
        raise
    return done


async def move_across(session: Session, view: View, uids: array[int], place: Place, done: list[CopyResult]) -> None:
    """Move messages to another account; `done` collects the moved messages, also if this raises in the middle."""
    target = await place.account.read(place.target, op="imap-move")
    seat = view.seat
    for part in await parts(seat.account, view.mailbox_id, uids):
        copied = await _transfer(session, view, part, place, target, None)
        if copied is not None:
            done.append(copied)
            remove = partial(expunge_slice, mailbox_id=view.mailbox_id, uids=copied.source_uids)
            await seat.account.write(remove, seat.cursor)


async def _transfer(
    session: Session, view: View, part: array[int], place: Place, target: MailboxID, copy: bytes | None
) -> CopyResult | None:
    """Add one part to the target; `copy`: record it as a part of this copy. None if all of it has been removed
    meanwhile.
    """
    room = session.context.spools

    def spool() -> Spool:
        return Spool(room.directory, memory_limit=MEMORY, space=room.space.share())

    def note(tx: AccountTx, copied: CopyResult) -> None:
        if copy is not None:
            note_part(tx, copy, copied)

    landing = TransferTarget(account=place.account, access=place, mailbox_id=target, origin=place.origin)
    try:
        return await transfer(view.seat.account, view.mailbox_id, part, landing, spool, also=note)
    except NoSuchMailbox:
        raise no("the mailbox was deleted", "NONEXISTENT") from None
    except OSError as error:
        logger.error("failed to spool message", extra={"kv": {"err": error}})
        raise no("couldn't save the copied messages", "UNAVAILABLE") from None
