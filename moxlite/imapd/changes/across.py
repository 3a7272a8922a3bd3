"""COPY and MOVE between the files of two accounts, and into a mailbox where the user may not set all flags (IMAP-157).

Messages are read from one file and added to the other, as APPEND would, some at a time: each part is a unit of the
target, within its quota. A copy is all or nothing, as in `bulk`. A move removes each part once it is added: a crash
between the two leaves both, which RFC 6851 §3.3 permits; nothing is lost.
"""

from __future__ import annotations

import logging
from array import array
from contextlib import ExitStack, aclosing, closing
from functools import partial
from typing import Final

from moxlite.imapd.changes.bulk import undo_copy
from moxlite.imapd.session.errors import no
from moxlite.imapd.session.place import Place
from moxlite.imapd.session.rights import allowed_flags, check_rights
from moxlite.imapd.session.state import Session
from moxlite.imapd.session.uidlist import uid_array
from moxlite.imapd.session.view import View
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.body import stream_message
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.deliver import Append
from moxlite.store.delivery.deliver import append as add
from moxlite.store.errors import NoSuchMailbox, NoSuchMessage
from moxlite.store.mail.acl import RIGHTS
from moxlite.store.mail.adding import Added
from moxlite.store.mail.copying import Copied, end_copy, new_copy, note_part
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.fetching import fetch_rows
from moxlite.store.rows.keywords import split_keywords
from moxlite.store.rows.messages import flags_of_bits
from moxlite.store.types import UID, MailboxID

__all__ = ["copy_across", "is_within", "move_across"]

logger = logging.getLogger("moxlite.imapd")

PART: Final = 50
"""Messages in a unit: as many open files at most."""

PART_OCTETS: Final = 16 << 20
"""Octets in a unit, from which on no further message is added to it."""

MEMORY: Final = 65_536
"""Octets of each message that are kept in memory; the rest lies in a file."""


async def is_within(view: View, place: Place) -> bool:
    """Whether a copy from the view to a place can be made inside one file, with all flags (`bulk`)."""
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
        for part in await _parts(view, uids):
            done += await _transfer(session, view, part, place, target, copy)
        if done:
            await place.account.write(lambda tx: end_copy(tx, copy), place.origin)
    except BaseException:
        await undo_copy(place.account, copy, place.origin)
        raise
    return done


async def move_across(session: Session, view: View, uids: array[int], place: Place, done: list[Copied]) -> None:
    """Move messages to another account; `done` is what has been moved, also when this raises in the middle."""
    target = await place.account.read(place.target, op="imap-move")
    seat = view.seat
    for part in await _parts(view, uids):
        for copied in await _transfer(session, view, part, place, target, None):
            done.append(copied)
            remove = partial(expunge, mailbox_id=view.mailbox_id, uids=copied.source_uids)
            await seat.account.write(remove, seat.cursor)


async def _parts(view: View, uids: array[int]) -> list[array[int]]:
    """The messages in parts, each small enough for one unit."""
    parts: list[array[int]] = []
    part, octets = uid_array(), 0
    for start in range(0, len(uids), PART):
        read = partial(fetch_rows, mailbox_id=view.mailbox_id, uids=uids[start : start + PART], columns=("size",))
        rows, _ = await view.seat.account.read(read, op="imap-copy")
        for uid, *_, size in rows:
            if part and (len(part) == PART or octets + size > PART_OCTETS):
                parts.append(part)
                part, octets = uid_array(), 0
            part.append(uid)
            octets += size
    return [*parts, part] if part else parts


async def _transfer(
    session: Session, view: View, part: array[int], place: Place, target: MailboxID, copy: bytes | None
) -> list[Copied]:
    """Add one part to the target; `copy`: noted as a part of this copy. Nothing if all of it is gone meanwhile."""
    read = partial(
        fetch_rows,
        mailbox_id=view.mailbox_id,
        uids=part,
        columns=("size", "received", "received_offset"),
    )
    rows, _ = await view.seat.account.read(read, op="imap-copy")
    rights = await place.account.read(lambda r: place.rights(r, target), op="imap-rights")
    allowed, with_keywords = allowed_flags(rights)
    room = session.context.spools
    with ExitStack() as spools:
        uids: list[UID] = []
        items: list[Append] = []
        for uid, flags, keywords, message_id, _body, size, received, offset in rows:
            spool = Spool(room.directory, memory_limit=MEMORY, space=room.space.share())
            spools.enter_context(closing(spool))
            if not await _spooled(view.seat.account, message_id, spool):
                continue
            prepared = await prepare(spool, max_size=size)
            words = split_keywords(keywords) if with_keywords else ()
            items.append(Append(prepared, flags_of_bits(flags) & allowed, words, received, offset))
            uids.append(uid)
        if not items:
            return []
        found: list[Copied] = []

        def also(tx: AccountTx, added: list[Added]) -> None:
            check_rights(place.rights(tx, target), "i")
            found[:] = [_copied(view, uids, added)]
            if copy is not None:
                note_part(tx, copy, found[0])

        try:
            await add(place.account, target, items, origin=place.origin, also=also)
        except NoSuchMailbox:
            raise no("the mailbox was deleted", "NONEXISTENT") from None
        return found


def _copied(view: View, uids: list[UID], added: list[Added]) -> Copied:
    return Copied(
        source_id=view.mailbox_id,
        target_id=added[0].mailbox_id,
        uidvalidity=added[0].uidvalidity,
        source_uids=tuple(uids),
        target_uids=tuple([one.uid for one in added]),
        message_ids=tuple([one.message_id for one in added]),
    )


async def _spooled(account: Account, message_id: int, spool: Spool) -> bool:
    """Whether all octets of a message are in the spool now; False if it is gone. Raises Refused when the disk of the
    spool is full.
    """
    try:
        async with aclosing(stream_message(account, message_id)) as blocks:
            async for block in blocks:
                await spool.write(block)
        await spool.finish()
    except NoSuchMessage:
        return False
    except OSError as error:
        logger.error("message can't be spooled", extra={"kv": {"err": error}})
        raise no("a message could not be kept", "UNAVAILABLE") from None
    return True
