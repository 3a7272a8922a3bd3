"""Moving messages within an account, and from one account to another (WEBMAIL-62).

Within an account a move is one transaction. Between accounts, and into a mailbox where a guest may not set all flags,
messages are added to the target and then removed from the source, some at a time (`store.accounts.crossing`). A crash
between the two leaves both copies, so nothing is lost. The moved messages get new ids.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from moxlite.store.accounts.access import allowed_flags
from moxlite.store.accounts.crossing import MEMORY, Landing, parts, transfer
from moxlite.store.content.spool import Spool
from moxlite.store.errors import MailboxNotAllowed
from moxlite.store.mail.acl import RIGHTS
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.expunging import expunge
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.systemmailbox import is_system
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.store.rows.messages import rows_by_ids
from moxlite.store.rows.views import mailboxes_of
from moxlite.store.types import Flag, MailboxID
from moxlite.web.errors import Conflict, StorageRefused
from moxlite.wording import worded

if TYPE_CHECKING:
    from pathlib import Path

    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.web.webmail.holders import Holder

TAKING = "te"
"""Rights that are needed to move messages away, and to remove them (RFC 6851 §4.4)."""


async def move(
    source: Holder, shown: Sequence[int], target: Holder, mailbox_id: int, *, seen: bool, only_in: int, tmp: Path
) -> None:
    """Move messages of one account to a mailbox.

    Args:
      shown: ids of the messages, in the browser's form, as `mailbox_id` is.
      seen: mark them as read, if the user may.
      only_in: messages that are no longer in this mailbox stay where they are; 0: all are moved.
      tmp: directory for temporary files of long messages that go to another account.

    Raises NotFound, NoSuchMailbox, NoRight, Conflict if a message is in the mailbox already, and errors of adding.
    """
    there = MailboxID(target.local_id(mailbox_id))
    if await target.account.read(lambda r: _is_within(r, source, target, there), op="webmail_rights"):
        await source.account.write(
            lambda tx: _move(tx, source, _still_in(tx, source, shown, only_in), there, seen=seen)
        )
    else:
        shown = await source.account.read(lambda r: _still_in(r, source, shown, only_in), op="webmail_move")
        await _cross(source, shown, target, there, seen=seen, tmp=tmp)


def mark_seen(tx: AccountTx, holder: Holder, messages: Sequence[int], mailbox_id: MailboxID) -> None:
    """Mark messages of a mailbox as read, if the user may."""
    if "s" in holder.rights(tx, mailbox_id):
        store_flags_ids(tx, messages, mode="add", flags=Flag.SEEN)


def _is_within(r: Reader, source: Holder, target: Holder, mailbox_id: MailboxID) -> bool:
    """Whether the move stays inside one account's file and keeps all flags. Raises NoSuchMailbox, NoRight."""
    target.check_box(r, mailbox_id, "i")
    mailbox_rows.mailbox(r, mailbox_id)
    if source.owner != target.owner:
        return False
    return not target.guest or allowed_flags(target.rights(r, mailbox_id)) == allowed_flags(RIGHTS)


def _still_in(r: Reader, holder: Holder, shown: Sequence[int], mailbox_id: int) -> Sequence[int]:
    """The messages that are in this mailbox; with 0 all of them."""
    if not mailbox_id:
        return shown
    found = mailboxes_of(r, [holder.local_id(one) for one in shown])
    return [holder.shown_id(one) for one, there in found.items() if there == holder.local_id(mailbox_id)]


def _move(tx: AccountTx, holder: Holder, shown: Sequence[int], mailbox_id: MailboxID, *, seen: bool) -> None:
    holder.check_box(tx, mailbox_id, "i")
    mailbox_rows.mailbox(tx, mailbox_id)
    if not shown:
        return
    messages = holder.known(tx, shown, TAKING)
    for message_id, there in messages.items():
        if there == mailbox_id:
            raise Conflict(
                worded("message {message_id} is in this mailbox already", message_id=str(holder.shown_id(message_id)))
            )
    if seen:
        for box in {*messages.values()}:
            mark_seen(tx, holder, [one for one, there in messages.items() if there == box], box)
    move_ids(tx, list(messages), mailbox_id)


async def _cross(
    source: Holder, shown: Sequence[int], target: Holder, mailbox_id: MailboxID, *, seen: bool, tmp: Path
) -> None:
    def read(r: Reader) -> dict[MailboxID, array[int]]:
        messages = source.known(r, shown, TAKING)
        uids: dict[MailboxID, array[int]] = {}
        for row in rows_by_ids(r, list(messages)):
            if is_system(r, row.mailbox_id):
                raise MailboxNotAllowed("what waits to be sent can only be moved to your own trash")
            if source.owner == target.owner and row.mailbox_id == mailbox_id:
                raise Conflict(
                    worded("message {message_id} is in this mailbox already", message_id=str(source.shown_id(row.id)))
                )
            uids.setdefault(row.mailbox_id, array("I")).append(row.uid)
        return uids

    def remove(tx: AccountTx, box: MailboxID, uids: Sequence[int]) -> None:
        source.check_box(tx, box, TAKING)
        expunge(tx, mailbox_id=box, uids=uids)

    landing = Landing(account=target.account, access=target, mailbox_id=mailbox_id)
    try:
        for box, uids in (await source.account.read(read, op="webmail_move")).items():
            for part in await parts(source.account, box, array("I", sorted(uids))):
                spool = partial(Spool, tmp, memory_limit=MEMORY)
                copied = await transfer(source.account, box, part, landing, spool, seen=seen)
                if copied is not None:
                    await source.account.write(partial(remove, box=box, uids=copied.source_uids))
    except OSError as e:
        raise StorageRefused("the disk of the server is full") from e
