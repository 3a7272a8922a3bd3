"""Messages of the entries of a listed view, as a browser gets them (WEBMAIL-41, WEBMAIL-72)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.store.rows.messages import rows_by_ids
from moxlite.store.rows.views import Member, members

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.store.types import MailboxID
    from moxlite.web.webmail.holders import Scope
    from moxlite.web.webmail.live.entries import Entries
    from moxlite.web.webmail.types import MessageItem

THREADS: Final = 20
"""Threads read at once."""

MAX_MEMBERS: Final = 500
"""Messages of a thread that are sent, the newest ones: 600 kB at most."""


async def items_of(
    scope: Scope, wanted: Sequence[tuple[int, int]], entries: Entries, *, everywhere: bool
) -> dict[int, list[MessageItem]]:
    """The messages of entries of one account, by the browser's id of the entry; entries that are gone are left out.

    Args:
      wanted: of each entry the ids of its message and its thread, in the account's form.
      everywhere: the view is over all mailboxes. It skips a mailbox that is no longer readable.

    Raises NoSuchMailbox if a mailbox of another view is no longer readable; StoreError.
    """
    account = scope.holder.account
    if not entries.threaded:
        ids = [one for one, _ in wanted]
        return await account.read(
            partial(_read_messages, scope=scope, ids=ids, everywhere=everywhere), op="webmail_view"
        )
    found: dict[int, list[MessageItem]] = {}
    for start in range(0, len(wanted), THREADS):
        part = wanted[start : start + THREADS]
        read = partial(_read_threads, scope=scope, wanted=part, entries=entries, everywhere=everywhere)
        found |= await account.scan(read, op="webmail_threads")
    return found


def _readable(r: Reader, scope: Scope, *, everywhere: bool) -> frozenset[MailboxID] | None:
    """The mailboxes that the user may read, None for all. Raises NoSuchMailbox."""
    return scope.holder.readable(r) if everywhere else scope.readable(r)


def _read_messages(r: Reader, scope: Scope, ids: Sequence[int], *, everywhere: bool) -> dict[int, list[MessageItem]]:
    readable = _readable(r, scope, everywhere=everywhere)
    rows = rows_by_ids(r, ids)
    if readable is not None:  # one may have been moved since it was found
        rows = [row for row in rows if row.mailbox_id in readable]
    return {item.id: [item] for item in scope.holder.items(r, rows)}


def _read_threads(
    r: Reader, scope: Scope, wanted: Sequence[tuple[int, int]], entries: Entries, *, everywhere: bool
) -> dict[int, list[MessageItem]]:
    readable = _readable(r, scope, everywhere=everywhere)
    found = {}
    for first_id, threadid in wanted:
        of = members(r, threadid, MAX_MEMBERS)
        if readable is not None:  # a thread may extend to mailboxes that are not shared
            of = [one for one in of if one.row.mailbox_id in readable]
        if of:
            shown = scope.holder.shown_id(first_id)
            found[shown] = _thread(r, scope, shown, of, entries)
    return found


def _thread(r: Reader, scope: Scope, shown: int, of: list[Member], entries: Entries) -> list[MessageItem]:
    """A whole thread: first the message of its entry, then the others, oldest first."""
    known: dict[int, Member] = {one.row.id: one for one in of}
    made: list[MessageItem] = []
    for one, item in zip(of, scope.holder.items(r, [one.row for one in of]), strict=True):
        above = next((known[parent] for parent in one.parents if parent in known), None)
        matching = item.id in entries.hits if entries.selective else one.row.mailbox_id in scope.mailboxes
        made.append(
            msgspec.structs.replace(
                item,
                thread_parent=0 if above is None else scope.holder.shown_id(above.row.id),
                same_message_id=above is not None and above.row.messageid == one.row.messageid is not None,
                match_query=matching,
            )
        )
    matching_ones = [item for item in made if item.match_query] or made
    first = next((item for item in made if item.id == shown), matching_ones[-1])
    return [first, *(item for item in made if item is not first)]
