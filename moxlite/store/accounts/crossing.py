"""Copying messages from one account to another, or into a mailbox where the user may not set all flags (IMAP-157,
WEBMAIL-62).

Messages are read from one file and added to the other, as by APPEND, in parts: each part is one unit of the target,
within its quota. The caller removes messages from the source afterwards, and combines the results of the parts.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from contextlib import ExitStack, aclosing, closing
from functools import partial
from typing import Final

import msgspec

from moxlite.store.accounts.access import Access, allowed_flags, check_rights
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.bus import Cursor
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.body import stream_message
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import append
from moxlite.store.errors import NoSuchMessage
from moxlite.store.mail.adding import AddedMessage, Append
from moxlite.store.mail.copying import CopyResult
from moxlite.store.mail.fetching import fetch_rows
from moxlite.store.rows.mailboxes import split_keywords
from moxlite.store.rows.messages import flags_of_bits
from moxlite.store.types import UID, Flag, MailboxID

PART: Final = 50
"""Maximum number of messages in a unit, and of spool files that are open for it."""

PART_OCTETS: Final = 16 << 20
"""Octets of a unit from which on no further message is added to it."""

MEMORY: Final = 65_536
"""Octets of each message kept in memory. The rest is written to a file."""


class TransferTarget(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Target of a transfer: a mailbox of `account`, with the rights of `access`; `origin`: the caller's cursor."""

    account: Account
    access: Access
    mailbox_id: MailboxID
    origin: Cursor | None = None


async def parts(account: Account, mailbox_id: MailboxID, uids: array[int]) -> list[array[int]]:
    """Split messages into parts, each small enough for one unit."""
    found: list[array[int]] = []
    part, octets = array("I"), 0
    for start in range(0, len(uids), PART):
        read = partial(fetch_rows, mailbox_id=mailbox_id, uids=uids[start : start + PART], columns=("size",))
        rows, _, _ = await account.read(read, op="crossing")
        for uid, *_, size in rows:
            if part and (len(part) == PART or octets + size > PART_OCTETS):
                found.append(part)
                part, octets = array("I"), 0
            part.append(uid)
            octets += size
    return [*found, part] if part else found


async def transfer(
    source: Account,
    mailbox_id: MailboxID,
    part: Iterable[int],
    target: TransferTarget,
    spool: Callable[[], Spool],
    *,
    also: Callable[[AccountTx, CopyResult], None] | None = None,
    seen: bool = False,
) -> CopyResult | None:
    """Add the messages of one part to the target, with the flags that the user may set there. None if all of them have
    been removed meanwhile.

    Args:
      spool: returns a new spool that keeps `MEMORY` octets in memory; it is closed here.
      also: more work for the unit that adds them.
      seen: mark them as read, where the user may.

    Raises NoRight (``i``), NoSuchMailbox, OSError: a message can't be spooled; OverQuota and other errors of `append`.
    """
    read = partial(
        fetch_rows, mailbox_id=mailbox_id, uids=array("I", part), columns=("size", "received", "received_offset")
    )
    rows, _, _ = await source.read(read, op="crossing")
    # For the flags alone, which are prepared outside the unit; the right to add messages is asked within it.
    rights = await target.account.read(lambda r: target.access.rights(r, target.mailbox_id), op="crossing")
    allowed, with_keywords = allowed_flags(rights)
    more = Flag.SEEN if seen else Flag(0)
    with ExitStack() as spools:
        uids: list[UID] = []
        items: list[Append] = []
        for uid, flags, keywords, message_id, _body, size, received, offset in rows:
            one = spools.enter_context(closing(spool()))
            # Removed since the part was read: the others of the part go on.
            if not await _spooled(source, message_id, one):
                continue
            prepared = await prepare(one, max_size=size)
            words = split_keywords(keywords) if with_keywords else ()
            items.append(Append(prepared, (flags_of_bits(flags) | more) & allowed, words, received, offset))
            uids.append(uid)
        if not items:
            return None
        found: list[CopyResult] = []

        def then(tx: AccountTx, added: list[AddedMessage]) -> None:
            # In the unit: the owner may have taken the right back while the messages were read.
            check_rights(target.access.rights(tx, target.mailbox_id), "i")
            found[:] = [_copied(mailbox_id, uids, added)]
            if also is not None:
                also(tx, found[0])

        await append(target.account, target.mailbox_id, items, origin=target.origin, also=then)
        return found[0]


def _copied(mailbox_id: MailboxID, uids: list[UID], added: list[AddedMessage]) -> CopyResult:
    return CopyResult(
        source_id=mailbox_id,
        target_id=added[0].mailbox_id,
        uidvalidity=added[0].uidvalidity,
        source_uids=tuple(uids),
        target_uids=tuple([one.uid for one in added]),
        message_ids=tuple([one.message_id for one in added]),
    )


async def _spooled(account: Account, message_id: int, spool: Spool) -> bool:
    """Write a message to the spool; False if the message does not exist any more. Raises OSError."""
    try:
        async with aclosing(stream_message(account, message_id)) as blocks:
            async for block in blocks:
                await spool.write(block)
        await spool.finish()
    except NoSuchMessage:
        return False
    return True
