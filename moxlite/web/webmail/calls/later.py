"""The calls for messages that are sent later, and that come back later (WEBMAIL-96, WEBMAIL-125)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from moxlite.store.later import scheduled, snooze, snoozes, unschedule, unsnooze, watch
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.rows.messages import rows_by_ids
from moxlite.store.types import MessageID
from moxlite.web.calls import call
from moxlite.web.composing.sending import LONGEST, moment, reschedule
from moxlite.web.cookies import Caller
from moxlite.web.errors import StorageRefused
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.items import make_items, time_of
from moxlite.web.webmail.querytypes import ID
from moxlite.web.webmail.types import MessageItem

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.file.transaction import Reader

LONGEST_SNOOZE: Final = 732 * 86_400
"""Seconds for which a message may be put off: two years."""

MAX_LISTED: Final = 1000
"""Messages in the list of what waits."""

OWN: Final = "messages are put off"
"""Subject of the error that a guest gets."""

Some = Annotated[list[ID], Meta(min_length=1, max_length=1000)]
Seconds = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Time = Annotated[datetime, Meta(tz=True)]


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A message that waits until ``due``: to be ``sent``; to come ``back`` to the mailbox ``origin``; or for an
    ``answer``, without which it comes to the Inbox.
    """

    kind: Literal["sent", "back", "answer"]
    due: Time
    item: MessageItem
    origin: str = ""


class LaterCalls(AccountCalls):
    """Calls about messages that wait for a moment. Times are seconds since 1970; the browser knows the zone of its
    user.
    """

    @call()
    async def message_snooze(self, caller: Caller, message_ids: Some, until: Seconds, unanswered: bool = False) -> None:
        """Put messages off: they move to Snoozed, and return at ``until`` as new mail.

        With ``unanswered`` they stay where they are, and copies come to the Inbox unless they are answered by then.
        """
        due = moment("until", until, LONGEST_SNOOZE)
        put = watch if unanswered else snooze
        await self._put(caller, message_ids, lambda tx, ids: put(tx, ids, due))

    @call()
    async def message_unsnooze(self, caller: Caller, message_ids: Some) -> None:
        """Return messages that were put off now, as they were; those that wait for an answer no longer do."""
        await self._put(caller, message_ids, unsnooze)

    @call()
    async def messages_waiting(self, caller: Caller) -> list[Waiting]:
        """Messages that wait, the next one first; a thousand at most. One whose time has come is on its way."""
        now = time.time_ns() // 1000

        def read(r: Reader) -> list[Waiting]:
            names = {box.id: box.name for box in mailboxes(r)}
            found = [("sent", one.due, one.message_id, "") for one in scheduled(r) if one.due > now]
            for row in snoozes(r):
                kind = "answer" if row.away_id is None else "back"
                found.append((kind, row.due, row.message_id, names.get(row.origin_id, "") if row.origin_id else ""))
            found = sorted(found, key=lambda one: one[1])[:MAX_LISTED]
            rows = rows_by_ids(r, [one[2] for one in found])
            items = {item.id: item for item in make_items(r, rows)}
            return [
                Waiting(kind=kind, due=time_of(due), item=items[int(message_id)], origin=origin)  # type: ignore[arg-type]  # of the literals above
                for kind, due, message_id, origin in found
                if int(message_id) in items
            ]

        async with self._accounts.use(caller.require().account) as account:
            return await account.scan(read, op="webmail_waiting")

    @call()
    async def scheduled_change(self, caller: Caller, message_id: ID, send_at: Seconds = 0) -> None:
        """Send a scheduled message at another time, seconds since 1970; 0: now. A conflict if it is on its way."""
        due = moment("send_at", send_at, LONGEST) if send_at else 0
        wish = msgspec.structs.replace(self._wish(caller), send_at=due)
        try:
            async with self._accounts.use(caller.require().account) as account:
                await reschedule(account, self._server.keys, message_id, wish, self._server.tmp)
        except OSError as e:
            raise StorageRefused("the disk of the server is full") from e

    @call()
    async def scheduled_cancel(self, caller: Caller, message_id: ID) -> int:
        """Make a scheduled message a draft again; returns the draft's id. A conflict if it is on its way."""
        async with self._accounts.use(caller.require().account) as account:
            return int(await account.write(lambda tx: unschedule(tx, message_id)))

    async def _put(
        self, caller: Caller, shown: Sequence[int], change: Callable[[AccountTx, list[MessageID]], object]
    ) -> None:
        async with self._holders.at(caller.require(), shown[0]) as holder:

            def unit(tx: AccountTx) -> None:
                message_ids = list(holder.known(tx, shown))
                holder.refuse_guest(OWN)
                change(tx, message_ids)

            await holder.account.write(unit)
