"""Actions on the messages of a query, loaded by the browser or not (WEBMAIL-69, WEBMAIL-137).

One call is one transaction and changes at most a thousand messages, so that other writers of the account get their
turn. The result says where it ended, and the browser calls again to continue; it stops calling to cancel. In a plain
mailbox, the transaction finds the messages itself. In a search, or with threads, they are found before it, and the
transaction skips messages that are gone.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from moxlite.store.accounts.access import allowed_flags
from moxlite.store.accounts.crossing import MEMORY, TransferTarget, parts, transfer
from moxlite.store.content.spool import Spool
from moxlite.store.errors import MailboxNotAllowed
from moxlite.store.mail.acl import RIGHTS
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.expunging import expunge, expunge_ids
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.systemmailbox import is_system
from moxlite.store.names import split_flags
from moxlite.store.rows import mailboxes as mailbox_rows
from moxlite.store.rows.messages import rows_by_ids
from moxlite.store.rows.views import FIRST_NEWEST, FIRST_OLDEST, Place, mailboxes_of, page
from moxlite.store.search.finding import Search
from moxlite.store.types import Flag, MailboxID, MessageID, SpecialUse
from moxlite.web.errors import Conflict, StorageRefused, UserError
from moxlite.web.webmail.filters import wanted_of
from moxlite.web.webmail.items import EPOCH
from moxlite.web.webmail.live.view import resolve, resolve_all
from moxlite.web.webmail.querytypes import Mark, QueryDone
from moxlite.wording import worded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader
    from moxlite.store.search.index import IndexedAccount
    from moxlite.store.types import MessageRow
    from moxlite.web.webmail.holders import Holder
    from moxlite.web.webmail.querytypes import QueryAction


UNIT: Final = 1000  # messages that one call changes at most (WEBMAIL-137)

FIRST_READ: Final = 10
"""Messages that are read first of a range, ten times as many each time after: a thousand ranges may have one each."""


def act(tx: AccountTx, query_action: QueryAction, home: Holder) -> QueryDone:
    """Act on the next thousand messages of a plain mailbox. Raises NoSuchMailbox, UserError, Conflict for a move into
    the mailbox itself.
    """
    mailbox = resolve(tx, query_action.query, home)
    _check(tx, query_action)
    if query_action.action == "move" and query_action.mailbox_id == mailbox.id:
        raise Conflict("these messages are already in this folder")
    looked = _next(tx, mailbox.id, query_action)
    after = None
    if len(looked) == UNIT:
        last = looked[-1]
        after = mark_of(Place(last.received, last.id))
    return _done(_change(tx, _chosen(looked, query_action), query_action), after)


async def act_on_search(home: Holder, query_action: QueryAction, rejects: str) -> QueryDone:
    """Act on the next thousand messages of a search. `rejects` as for `resolve_all`. Raises as `act`, but without the
    conflict: messages that are in the target already stay.
    """
    account = home.account
    boxes = await account.read(lambda r: resolve_all(r, query_action.query, rejects, home), op="webmail_view")
    found, after = await _find(account, query_action, [box.id for box in boxes])

    def unit(tx: AccountTx) -> QueryDone:
        _check(tx, query_action)
        rows = _chosen(rows_by_ids(tx, found), query_action)
        if query_action.action == "move":
            sent = mailbox_rows.mailbox_by_use(tx, SpecialUse.SENT)
            # WEBMAIL-70: sent messages stay, unless Sent itself was searched
            kept = {sent.id} if sent is not None and len(boxes) > 1 else set()
            targets = _targets(rows, query_action)
            rows = [row for row in rows if row.mailbox_id not in kept and targets[row.mailbox_id] != row.mailbox_id]
        return _done(_change(tx, rows, query_action), after)

    return await account.write(unit)


async def _find(
    account: IndexedAccount, query_action: QueryAction, mailboxes: list[MailboxID]
) -> tuple[list[int], Mark | None]:
    """The next messages of the ranges, and the mark to continue from. With threads, a thread is in a range if its first
    match is; then all its matches are.
    """
    query = query_action.query
    search = Search(account, wanted_of(query, mailboxes), oldest_first=query.order_asc)
    sign = 1 if query.order_asc else -1
    spans = _spans(query_action)
    lows = [low for low, _ in spans]
    done = None if query_action.after is None else place_of(query_action.after)
    inside: dict[int, bool] = {}  # threads, or messages, by the place of their first match
    found: list[int] = []
    while not search.done:
        for one in await search.step():
            place = one.place
            key = one.threadid if query.threading != "off" else one.message_id
            if key not in inside:
                before = bisect_right(lows, place)
                inside[key] = not query_action.ranges or (before > 0 and place <= spans[before - 1][1])
            if not inside[key] or (done is not None and (place <= done if sign > 0 else place >= done)):
                continue
            found.append(one.message_id)
            if len(found) == UNIT:
                return found, mark_of(place)
    return found, None


def _check(tx: AccountTx, query_action: QueryAction) -> None:
    if query_action.query.order != "received" and query_action.ranges:
        raise UserError("ranges: only supported when sorted by date received")
    if query_action.action == "move":
        for target in {one.mailbox_id for one in query_action.targets} or {query_action.mailbox_id}:
            mailbox_rows.mailbox(tx, target)
    elif query_action.action != "delete" and not query_action.flags:
        raise UserError("flags: specify at least one")


def _chosen(rows: list[MessageRow], query_action: QueryAction) -> list[MessageRow]:
    """The rows without exceptions, and without messages that came after the browser chose."""
    kept = frozenset(query_action.except_ids)
    return [row for row in rows if row.id not in kept and row.createseq <= query_action.modseq]


def _done(changed: list[MessageRow], after: Mark | None) -> QueryDone:
    unseen: list[int] = [row.id for row in changed if not row.flags & Flag.SEEN]
    return QueryDone([row.id for row in changed], [int(row.mailbox_id) for row in changed], unseen, after)


def _next(tx: AccountTx, mailbox_id: MailboxID, query_action: QueryAction) -> list[MessageRow]:
    """The next messages of the ranges, at most a thousand, in the order of the view."""
    oldest_first, unread = query_action.query.order_asc, query_action.query.filter.unread
    message_rows: list[MessageRow] = []
    for behind, last in _stretches(query_action):
        size = FIRST_READ
        while len(message_rows) < UNIT:
            limit = min(size, UNIT - len(message_rows))
            size *= 10
            rows = page(tx, mailbox_id, behind, limit, oldest_first=oldest_first, unread=unread)
            inside = [row for row in rows if last is None or not _beyond(row, last, oldest_first=oldest_first)]
            message_rows += inside
            if len(inside) < limit:
                break
            behind = Place(inside[-1].received, inside[-1].id)
    return message_rows


def _stretches(query_action: QueryAction) -> Iterator[tuple[Place, Place | None]]:
    """The ranges that are left to do, each as the place before its first message and the place of its last."""
    oldest_first = query_action.query.order_asc
    step = -1 if oldest_first else 1
    done = None if query_action.after is None else place_of(query_action.after)
    if not query_action.ranges:
        yield done or (FIRST_OLDEST if oldest_first else FIRST_NEWEST), None
    spans = _spans(query_action)
    for low, high in spans[::-step]:
        first, last = (low, high) if oldest_first else (high, low)
        # ids are integers, so no message is between this place and the first message
        behind = Place(first.received, first.message_id + step)
        if done is not None:
            if not (last > done if oldest_first else last < done):
                continue
            behind = max(behind, done) if oldest_first else min(behind, done)
        yield behind, last


def _spans(query_action: QueryAction) -> list[tuple[Place, Place]]:
    """The ranges from the oldest on, each as its oldest and newest place; those that overlap are one."""
    ends = [(place_of(one.first), place_of(one.last)) for one in query_action.ranges]
    spans: list[tuple[Place, Place]] = []
    for low, high in sorted(ends if query_action.query.order_asc else [(last, first) for first, last in ends]):
        if spans and low <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(high, spans[-1][1]))
        elif low <= high:
            spans.append((low, high))
    return spans


def _beyond(row: MessageRow, last: Place, *, oldest_first: bool) -> bool:
    place = Place(row.received, row.id)
    return place > last if oldest_first else place < last


def mark_of(place: Place) -> Mark:
    """The mark of a place, for the browser."""
    return Mark(EPOCH + timedelta(microseconds=place.received), place.message_id)


def place_of(mark: Mark) -> Place:
    """The place of a mark."""
    return Place((mark.received - EPOCH) // timedelta(microseconds=1), mark.id)


def _change(tx: AccountTx, rows: list[MessageRow], query_action: QueryAction) -> list[MessageRow]:
    """Apply the action. Returns the rows that it changed, as they were before."""
    if query_action.action in ("flags_add", "flags_clear"):
        bits, keywords = split_flags(query_action.flags)
        adding = query_action.action == "flags_add"
        # Only what changes gets a modseq, or all pages and programs would read a thousand messages for nothing. Undo
        # clears a flag just where it was set.
        rows = [row for row in rows if _differs(row, bits, {word.lower() for word in keywords}, adding=adding)]
        if rows:
            ids = [row.id for row in rows]
            store_flags_ids(tx, ids, mode="add" if adding else "remove", flags=bits, keywords=keywords)
        return rows
    ids = [row.id for row in rows]
    if ids and query_action.action == "delete":
        expunge_ids(tx, ids)
    elif ids:
        if query_action.mark_seen:
            store_flags_ids(tx, ids, mode="add", flags=Flag.SEEN)
        targets, moved = _targets(rows, query_action), dict[MailboxID, list[MessageID]]()
        for row in rows:
            moved.setdefault(targets[row.mailbox_id], []).append(row.id)
        for target, numbers in moved.items():
            move_ids(tx, numbers, target)
    return rows


def _targets(rows: Sequence[MessageRow], query_action: QueryAction) -> dict[MailboxID, MailboxID]:
    """Where messages of each mailbox move; to itself if the action names no other. The first target of one counts."""
    named = {target.from_id: target.mailbox_id for target in reversed(query_action.targets)}
    return {box: MailboxID(named.get(box, query_action.mailbox_id or box)) for box in {row.mailbox_id for row in rows}}


def _differs(row: MessageRow, bits: Flag, keywords: set[str], *, adding: bool) -> bool:
    own = {word.lower() for word in row.keywords}
    if adding:
        return row.flags & bits != bits or not keywords <= own
    return bool(row.flags & bits) or bool(keywords & own)


# Moving messages within an account, and from one account to another (WEBMAIL-62).
#
# Within an account a move is one transaction. Between accounts, and into a mailbox where a guest may not set all
# flags, messages are added to the target and then removed from the source, some at a time
# (`store.accounts.crossing`). A crash between the two leaves both copies, so nothing is lost. The moved messages get
# new ids.


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
    mailbox_ids = mailboxes_of(r, [holder.local_id(one) for one in shown])
    return [
        holder.shown_id(message_id) for message_id, there in mailbox_ids.items() if there == holder.local_id(mailbox_id)
    ]


def _move(tx: AccountTx, holder: Holder, shown: Sequence[int], mailbox_id: MailboxID, *, seen: bool) -> None:
    holder.check_box(tx, mailbox_id, "i")
    mailbox_rows.mailbox(tx, mailbox_id)
    if not shown:
        return
    messages = holder.known(tx, shown, TAKING)
    for message_id, there in messages.items():
        if there == mailbox_id:
            raise Conflict(
                worded("message {message_id} is already in this folder", message_id=str(holder.shown_id(message_id)))
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
            # What waits to be sent is bound to this account: in another one nothing would send it.
            if is_system(r, row.mailbox_id):
                raise MailboxNotAllowed("you can only move scheduled messages to your own trash")
            if source.owner == target.owner and row.mailbox_id == mailbox_id:
                raise Conflict(
                    worded("message {message_id} is already in this folder", message_id=str(source.shown_id(row.id)))
                )
            uids.setdefault(row.mailbox_id, array("I")).append(row.uid)
        return uids

    def remove(tx: AccountTx, box: MailboxID, uids: Sequence[int]) -> None:
        source.check_box(tx, box, TAKING)
        expunge(tx, mailbox_id=box, uids=uids)

    landing = TransferTarget(account=target.account, access=target, mailbox_id=mailbox_id)
    try:
        # Copied first, then removed by UID: a crash in between leaves both, and a message that was moved meanwhile is
        # not removed.
        for box, uids in (await source.account.read(read, op="webmail_move")).items():
            for part in await parts(source.account, box, array("I", sorted(uids))):
                spool = partial(Spool, tmp, memory_limit=MEMORY)
                copied = await transfer(source.account, box, part, landing, spool, seen=seen)
                if copied is not None:
                    await source.account.write(partial(remove, box=box, uids=copied.source_uids))
    except OSError as e:
        raise StorageRefused("the server's disk is full") from e
