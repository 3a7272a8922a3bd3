"""Changes of many messages, in slices: each slice is a transaction, and changes by other sessions may run before the
next one (IMAP-167). An operation that must be atomic is undone if a later slice fails.
"""

from array import array
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import trio

from moxlite.imapd.session.sessions import uid_array
from moxlite.imapd.session.state import Session
from moxlite.imapd.session.view import View
from moxlite.imapd.updates.changes import tell
from moxlite.proto.imap.seqset import Ranges, pick, runs
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.bus import Cursor
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.mail.copying import (
    CopyResult,
    copy_messages,
    end_copy,
    move_messages,
    new_copy,
    note_part,
    undo_part,
)
from moxlite.store.mail.expunging import expunge
from moxlite.store.rows.messages import deleted_uids
from moxlite.store.types import MailboxID

SLICE: Final = 400
"""Messages in a transaction: 10 ms of copying, and few enough events to be kept in memory (STORE-34)."""

STORED: Final = 1_200
"""Messages whose flags are changed in a transaction: 6 ms. They get one modseq, so another session must send all of
them before its next answer: 6 ms as well. Fewer would be sent from events (STORE-34), which costs more.
"""

Target = Callable[[AccountTx], MailboxID]
"""Function that finds the mailbox that messages go to; raises Refused."""


def slices(uids: "array[int]", size: int) -> "list[array[int]]":
    """The UIDs in parts of `size`; one empty part if the array is empty."""
    return [uids[start : start + size] for start in range(0, len(uids) or 1, size)]


async def expunge_slices(session: Session, view: View, chosen: Ranges | None = None, *, silently: bool = False) -> None:
    r"""Remove the ``\Deleted`` messages that the client knows; `chosen`: only these UIDs.

    Removals are sent to the client between two slices, unless `silently`.
    """
    account, cursor = view.seat.account, view.seat.cursor

    def begin(tx: AccountTx) -> int:
        uids = uid_array(deleted_uids(tx, view.mailbox_id, view.uidnext, limit=SLICE))
        expunge(tx, view.mailbox_id, uids if chosen is None else pick(uids, chosen))
        return uids[-1] + 1 if len(uids) == SLICE else 0

    def go_on(tx: AccountTx, part: "array[int]") -> None:
        deleted = uid_array(deleted_uids(tx, view.mailbox_id, part[-1] + 1, first=part[0]))
        expunge(tx, view.mailbox_id, pick(deleted, list(runs(part))))

    async def between() -> None:
        if not silently:
            await tell(session, expunge=True, whole=True)

    # The usual EXPUNGE of a few messages is this one unit; only with a full slice are the others looked for.
    first = await account.write(begin, cursor)
    if first:
        rest = await account.scan(
            lambda r: uid_array(deleted_uids(r, view.mailbox_id, view.uidnext, first=first)), op="imap-expunge"
        )
        if chosen is not None:
            rest = pick(rest, chosen)
        if rest:
            units = (partial(go_on, part=part) for part in slices(rest, SLICE))
            await account.write_series(units, lambda _: None, between, origin=cursor)


async def copy_slices(
    account: Account, source_id: MailboxID, uids: "array[int]", target: Target, origin: Cursor | None
) -> list[CopyResult]:
    """Copy messages: all or, when this raises, is cancelled or the server is killed, none (RFC 9051 §6.4.7)."""
    copy = new_copy()
    *parts, last = slices(uids, SLICE)
    done: list[CopyResult] = []

    def add(tx: AccountTx, source_id: MailboxID, part: Sequence[int], target_id: MailboxID) -> CopyResult:
        copied = copy_messages(tx, source_id, part, target_id)
        note_part(tx, copy, copied)
        return copied

    def end(tx: AccountTx) -> CopyResult:
        copied = copy_messages(tx, source_id, last, done[0].target_id if parts else target(tx))
        if parts:
            end_copy(tx, copy)
        return copied

    try:
        if parts:
            await _transfer(account, source_id, parts, target, origin, add, done)
        done.append(await account.write(end, origin))  # only now: no part may fail after it
    except BaseException:
        if parts:
            await undo_copy(account, copy, origin)
        raise
    return done


async def undo_copy(account: Account, copy: bytes, origin: Cursor | None) -> None:
    """Remove the parts that a copy has added, also if the caller is cancelled."""
    with trio.CancelScope(shield=True):  # bounded: no more parts than were made
        while await account.write(lambda tx: undo_part(tx, copy), origin):
            pass


async def move_slices(view: View, uids: "array[int]", target: Target, done: list[CopyResult]) -> None:
    """Move messages; `done` collects the moved messages, also if this raises in the middle (RFC 6851 §3.3)."""
    seat = view.seat
    await _transfer(seat.account, view.mailbox_id, slices(uids, SLICE), target, seat.cursor, move_messages, done)


Operation = Callable[[AccountTx, MailboxID, Sequence[int], MailboxID], CopyResult]


async def _transfer(
    account: Account,
    source_id: MailboxID,
    parts: "list[array[int]]",
    target: Target,
    origin: Cursor | None,
    operation: Operation,
    done: list[CopyResult],
) -> None:
    """Copy or move parts. The first one finds the target, which may be renamed meanwhile."""
    first, *rest = parts
    begun = await account.write(lambda tx: operation(tx, source_id, first, target(tx)), origin)
    done.append(begun)

    def unit(tx: AccountTx, part: "array[int]") -> CopyResult:
        return operation(tx, source_id, part, begun.target_id)

    if rest:
        await account.write_series((partial(unit, part=part) for part in rest), done.append, origin=origin)
