"""COPY and MOVE between the files of two accounts, and into a mailbox where the user may not set all flags (IMAP-157).

The messages cross by `store.accounts.crossing`, some at a time. A copy is all or nothing, as in `bulk`. A move removes
each part once it is added: a crash between the two leaves both, which RFC 6851 §3.3 permits; nothing is lost.
"""

from __future__ import annotations

import logging
from array import array
from functools import partial

from moxlite.imapd.changes.bulk import undo_copy
from moxlite.imapd.session.errors import no
from moxlite.imapd.session.place import Place
from moxlite.imapd.session.state import Session
from moxlite.imapd.session.view import View
from moxlite.store.accounts.access import allowed_flags
from moxlite.store.accounts.crossing import MEMORY, Landing, parts, transfer
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.spool import Spool
from moxlite.store.errors import NoSuchMailbox
from moxlite.store.mail.acl import RIGHTS
from moxlite.store.mail.copying import Copied, end_copy, new_copy, note_part
from moxlite.store.mail.expunging import expunge
from moxlite.store.types import MailboxID

logger = logging.getLogger("moxlite.imapd")


async def is_within(view: View, place: Place) -> bool:
    """Whether both mailboxes are in one account's file, and the user may set all flags there: then `bulk` copies."""
    if view.seat.owner != place.owner:
        return False
    if not place.guest:
        return True
    rights = await place.account.read(lambda r: place.rights(r, place.target(r)), op="imap-rights")
    return allowed_flags(rights) == allowed_flags(RIGHTS)


async def copy_across(session: Session, view: View, uids: array[int], place: Place) -> list[Copied]:
    """Copy messages to another account: all or, when this raises, is cancelled or the server is killed, none."""
    copy = new_copy()
    done: list[Copied] = []

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


async def move_across(session: Session, view: View, uids: array[int], place: Place, done: list[Copied]) -> None:
    """Move messages to another account; `done` collects the moved messages, also if this raises in the middle."""
    target = await place.account.read(place.target, op="imap-move")
    seat = view.seat
    for part in await parts(seat.account, view.mailbox_id, uids):
        copied = await _transfer(session, view, part, place, target, None)
        if copied is not None:
            done.append(copied)
            remove = partial(expunge, mailbox_id=view.mailbox_id, uids=copied.source_uids)
            await seat.account.write(remove, seat.cursor)


async def _transfer(
    session: Session, view: View, part: array[int], place: Place, target: MailboxID, copy: bytes | None
) -> Copied | None:
    """Add one part to the target; `copy`: record it as a part of this copy. None if all of it has been removed
    meanwhile.
    """
    room = session.context.spools

    def spool() -> Spool:
        return Spool(room.directory, memory_limit=MEMORY, space=room.space.share())

    def note(tx: AccountTx, copied: Copied) -> None:
        if copy is not None:
            note_part(tx, copy, copied)

    landing = Landing(account=place.account, access=place, mailbox_id=target, origin=place.origin)
    try:
        return await transfer(view.seat.account, view.mailbox_id, part, landing, spool, also=note)
    except NoSuchMailbox:
        raise no("the mailbox was deleted", "NONEXISTENT") from None
    except OSError as error:
        logger.error("message can't be spooled", extra={"kv": {"err": error}})
        raise no("a message could not be kept", "UNAVAILABLE") from None
