"""The calls for messages that are sent later, and that come back later (WEBMAIL-96, WEBMAIL-125)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from moxlite.store.accounts.access import shares_drafts
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import NoSuchMessage
from moxlite.store.file.transaction import Reader
from moxlite.store.forms import Leaving
from moxlite.store.later import leaving, may_leave, snooze, snoozes, unschedule, unsnooze, watch
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.rows.messages import rows_by_ids
from moxlite.store.types import MessageID
from moxlite.submission.authors import senders
from moxlite.submission.counting import WITHDRAWN
from moxlite.web.calls import call
from moxlite.web.composing.sending import LONGEST, moment, reschedule
from moxlite.web.cookies import Caller
from moxlite.web.errors import NotAllowed, StorageRefused
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.holders import Holder
from moxlite.web.webmail.items import time_of
from moxlite.web.webmail.querytypes import ID
from moxlite.web.webmail.types import MessageItem
from moxlite.wording import worded

LONGEST_SNOOZE: Final = 732 * 86_400
"""Seconds for which a message may be put off: two years."""

MAX_LISTED: Final = 1000
"""Messages in the list of what waits."""

OWN: Final = "you can only snooze your own messages"
"""Subject of the error that a guest gets."""

Some = Annotated[list[ID], Meta(min_length=1, max_length=1000)]
Seconds = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Time = Annotated[datetime, Meta(tz=True)]


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A message that waits until ``due``: to be ``sent``, in the user's own mailbox ``origin``; to come ``back`` to the
    mailbox ``origin``; or for an ``answer``, without which it comes to the Inbox. ``writer``: the account of another
    user who wrote it, and alone may change its time; "" for the user's own.
    """

    kind: Literal["sent", "back", "answer"]
    due: Time
    item: MessageItem
    origin: str = ""
    writer: str = ""


def _waiting(r: Reader, holder: Holder) -> list[Waiting]:
    """The messages of an account that wait; of another's account those that will be sent."""
    now = time.time_ns() // 1000
    names = {box.id: box.name for box in mailboxes(r)}
    found = [("sent", one.due, MessageID(one.message_id), "", _other_writer(holder, one)) for one in leaving(r, now)]
    for row in snoozes(r) if not holder.guest else ():
        kind = "answer" if row.away_id is None else "back"
        found.append((kind, row.due, row.message_id, names.get(row.origin_id, "") if row.origin_id else "", ""))
    found = sorted(found, key=lambda one: one[1])[:MAX_LISTED]
    rows = rows_by_ids(r, [one[2] for one in found])
    items = {row.id: item for row, item in zip(rows, holder.items(r, rows), strict=True)}
    places = {} if holder.guest else {row.id: names[row.mailbox_id] for row in rows}
    return [
        Waiting(
            kind=kind,  # type: ignore[arg-type]  # of the literals above
            due=time_of(due),
            item=items[message_id],
            origin=places.get(message_id, "") if kind == "sent" else origin,
            writer=writer,
        )
        for kind, due, message_id, origin, writer in found
        if message_id in items
    ]


def _other_writer(holder: Holder, message: Leaving) -> str:
    """The account of another user who wrote a message that waits; "" for the user's own."""
    # An owner who writes alone is not named.
    writer = message.writer or holder.owner
    return "" if writer == (holder.guest or holder.owner) else writer


def _check_writer(r: Reader, holder: Holder, message_id: int) -> None:
    """Refuse a change of time unless the user wrote this message, and may still send it. Raises NotAllowed, and as
    `_leaving`.
    """
    message = _leaving(r, holder, message_id)
    if message is not None and (writer := _other_writer(holder, message)):
        raise NotAllowed(worded("only {writer} can change the time of this message", writer=writer))
    if not may_leave(r, holder.owner, message_id):
        raise NotAllowed(WITHDRAWN)


def _leaving(r: Reader, holder: Holder, message_id: int) -> Leaving | None:
    """A message that waits to be sent. Raises NoSuchMessage for a guest who does not work on the drafts there."""
    if holder.guest and not shares_drafts(r, holder.guest):
        raise NoSuchMessage(message_id)
    return next((one for one in leaving(r, 0) if one.message_id == message_id), None)


class LaterCalls(AccountCalls):
    """Calls about messages that wait for a moment. Times are seconds since 1970; the browser knows the zone of its
    user.
    """

    @call(once=True)
    async def message_snooze(self, caller: Caller, message_ids: Some, until: Seconds, unanswered: bool = False) -> None:
        """Put messages off: they move to Snoozed, and return at ``until`` as new mail.

        With ``unanswered`` they stay where they are, and copies come to the Inbox unless they are answered by then.
        """
        due = moment("until", until, LONGEST_SNOOZE)
        put = watch if unanswered else snooze
        await self._put(caller, message_ids, lambda tx, ids: put(tx, ids, due))

    @call(once=True)
    async def message_unsnooze(self, caller: Caller, message_ids: Some) -> None:
        """Return messages that were put off now, as they were; those that wait for an answer no longer do."""
        await self._put(caller, message_ids, unsnooze)

    @call()
    async def messages_waiting(self, caller: Caller) -> list[Waiting]:
        """Messages that wait, the next one first; a thousand at most. One whose time has come is on its way. Messages
        of accounts on whose drafts the user works are among them.
        """
        session = caller.require()
        others = await senders(self._accounts, self._holders.auth, self._server.config.current, session.account)
        waiting: list[Waiting] = []
        for owner in {session.account: True} | {sender.owner: True for sender in others}:
            async with self._holders.drafts(session, owner) as holder:
                if holder.owner == owner:
                    waiting += await holder.account.scan(partial(_waiting, holder=holder), op="webmail_waiting")
        return sorted(waiting, key=lambda one: one.due)[:MAX_LISTED]

    @call(once=True)
    async def scheduled_change(self, caller: Caller, message_id: ID, send_at: Seconds = 0) -> None:
        """Send a scheduled message at another time, seconds since 1970; 0: now. A conflict if it is on its way."""
        due = moment("send_at", send_at, LONGEST) if send_at else 0
        options, session = msgspec.structs.replace(self._send_options(caller), send_at=due), caller.require()
        try:
            async with self._holders.at(session, message_id) as holder:
                local = holder.local_id(message_id)
                await holder.account.read(lambda r: _check_writer(r, holder, local), op="webmail_waiting")
                await reschedule(holder.account, self._server.keys, local, options, self._server.tmp)
        except OSError as e:
            raise StorageRefused("the server's disk is full") from e

    @call(once=True)
    async def scheduled_cancel(self, caller: Caller, message_id: ID) -> int:
        """Make a message that leaves later a draft again; returns the draft's id. A conflict if it is on its way."""
        async with self._holders.at(caller.require(), message_id) as holder:

            def unit(tx: AccountTx) -> int:
                local = holder.local_id(message_id)
                _leaving(tx, holder, local)
                return unschedule(tx, local)

            return holder.shown_id(await holder.account.write(unit))

    async def _put(
        self, caller: Caller, shown: Sequence[int], change: Callable[[AccountTx, list[MessageID]], object]
    ) -> None:
        async with self._holders.at(caller.require(), shown[0]) as holder:

            def unit(tx: AccountTx) -> None:
                message_ids = list(holder.known(tx, shown))
                holder.refuse_guest(OWN)
                change(tx, message_ids)

            await holder.account.write(unit)
