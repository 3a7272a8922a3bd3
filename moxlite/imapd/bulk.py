"""Changes of many messages, in slices: each is a unit of its own, so that what other sessions want to change waits for
one slice, not for all of them (IMAP-167). What must not end half-way is undone when a later slice fails.
"""

from array import array
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import trio

from moxlite.proto.imap.seqset import Ranges, pick
from moxlite.store.account import AccountTx
from moxlite.store.copyparts import end_copy, new_copy, note_part, undo_part
from moxlite.store.messages import Copied, copy_messages, expunge, move_messages
from moxlite.store.reading import deleted_uids
from moxlite.store.types import MailboxID

from .changes import tell
from .session import Session
from .uidlist import uid_array
from .view import View

__all__ = ["STORED", "copy_slices", "expunge_slices", "move_slices"]

SLICE: Final = 400
"""Messages in a unit: 10 ms of copying; and their events are few enough to be told from memory (STORE-34). Units of 900
are a third faster, and others wait up to three times as long.
"""

STORED: Final = 2_000
"""Messages whose flags are changed in a unit: 10 ms."""

Target = Callable[[AccountTx], MailboxID]
"""Finds the mailbox that messages go to; raises Refused."""


async def expunge_slices(session: Session, view: View, chosen: Ranges | None = None, *, silently: bool = False) -> None:
    r"""Remove what is ``\Deleted``, of the messages that the client was told of; `chosen`: only these UIDs.

    The client is told between two slices, unless that is to happen `silently`.
    """
    first = 1

    def unit(tx: AccountTx) -> int:
        uids = uid_array(deleted_uids(tx, view.mailbox_id, view.uidnext, first=first, limit=SLICE))
        expunge(tx, view.mailbox_id, uids if chosen is None else pick(uids, chosen))
        return uids[-1] + 1 if len(uids) == SLICE else 0

    while first := await session.account.write(unit, session.cursor):
        if not silently:
            await tell(session, expunge=True)


async def copy_slices(session: Session, view: View, uids: "array[int]", target: Target) -> list[Copied]:
    """Copy messages: all or, when this raises, is cancelled or the server is killed, none (RFC 9051 §6.4.7)."""
    copy = new_copy()
    last = max(0, len(uids) - 1) // SLICE
    done: list[Copied] = []

    def add(tx: AccountTx, source_id: MailboxID, part: Sequence[int], target_id: MailboxID) -> Copied:
        copied = copy_messages(tx, source_id, part, target_id)
        if len(done) < last:
            note_part(tx, copy, copied)
        elif last:
            end_copy(tx, copy)
        return copied

    try:
        await _transfer(session, view, uids, target, add, done)
    except BaseException:
        with trio.CancelScope(shield=True):  # bounded: no more parts than were made
            while last and await session.account.write(partial(undo_part, copy=copy), session.cursor):
                pass
        raise
    return done


async def move_slices(session: Session, view: View, uids: "array[int]", target: Target, done: list[Copied]) -> None:
    """Move messages; `done` is what has been moved, also when this raises in the middle (RFC 6851 §3.3)."""
    await _transfer(session, view, uids, target, move_messages, done)


Operation = Callable[[AccountTx, MailboxID, Sequence[int], MailboxID], Copied]


async def _transfer(
    session: Session, view: View, uids: "array[int]", target: Target, operation: Operation, done: list[Copied]
) -> None:
    for start in range(0, len(uids) or 1, SLICE):
        part = uids[start : start + SLICE]

        def unit(tx: AccountTx, part: "array[int]" = part) -> Copied:
            target_id = done[0].target_id if done else target(tx)  # it may get another name meanwhile
            return operation(tx, view.mailbox_id, part, target_id)

        done.append(await session.account.write(unit, session.cursor))
