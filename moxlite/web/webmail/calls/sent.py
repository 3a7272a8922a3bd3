"""The calls for the delivery status of sent messages, by recipient (WEBMAIL-138)."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
import trio
from msgspec import Meta

from moxlite.store.rows import messages as message_rows
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import Unavailable
from moxlite.web.webmail.calls.common import AccountCalls
from moxlite.web.webmail.items import time_of
from moxlite.web.webmail.querytypes import ID
from moxlite.web.webmail.reading.parsed import structure_of
from moxlite.web.webmail.returned import corrected, words_of

if TYPE_CHECKING:
    from moxlite.store.changelog.bus import Cursor
    from moxlite.store.delivery.status import Deliveries, RecipientStatus
    from moxlite.store.file.transaction import Reader
    from moxlite.wakeup import Wakeup

WAIT: Final = 20.0
"""Seconds that a call waits for a change: less than the timeouts of proxies, and than the grace period of a server that
stops.
"""

GATHER: Final = 0.2
"""Seconds from a change to reading it. An import is a thousand transactions without a DSN; they are read once."""

RowIDs = Annotated[list[ID], Meta(min_length=1, max_length=1000)]
Time = Annotated[datetime, Meta(tz=True)]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """Delivery status of a message for one recipient, as `store.delivery.status.RecipientStatus`. ``tls`` is the
    protection of the connection in the last attempt.
    """

    id: int
    recipient: str
    state: Literal["queued", "trying", "held", "delivered", "relayed", "failed", "canceled"]
    attempts: int
    ended: Time | None
    last_attempt: Time | None
    next_attempt: Time | None
    last_planned: Time | None
    error: str
    advice: str
    reply: str
    host: str
    tls: str


class DeliveryReport(msgspec.Struct, frozen=True):
    """All recipients of a message; empty if nothing is known of them, or no longer. ``seen`` identifies this state."""

    recipients: list[Delivery]
    seen: str


class SentCalls(AccountCalls):
    """The calls for sent messages."""

    @call()
    async def delivery_status(
        self, caller: Caller, message_id: ID, seen: Annotated[str, Meta(max_length=64)] = ""
    ) -> DeliveryReport:
        """The delivery status of a sent message, by the queue and by the DSNs that came back.

        If it still is the state ``seen``, the call waits up to 20 seconds for a change.
        """
        session = caller.require()
        deliveries = self._server.deliveries
        if deliveries is None:
            return _report([])

        def read(r: Reader) -> str:
            message_rows.message(r, message_id)
            return structure_of(r, message_id).envelope.message_id

        async with self._accounts.use(session.account) as account:
            name = await account.read(read, op="webmail_delivery")
            if not name:
                return _report([])
            _, news = await account.subscribe()
            with news, deliveries.watch(session.account) as wakeup:

                async def look() -> DeliveryReport:
                    wakeup.clear()
                    while news.pending() and news.closing is None:
                        await news.take()
                        news.acknowledge(news.modseq)
                    words = await account.scan(lambda r: words_of(r, message_id), op="webmail_returned")
                    return _report(corrected(await deliveries.status(session.account, name), words))

                report = await look()
                with trio.move_on_after(WAIT):
                    while report.seen == seen and news.closing is None:
                        await _either(wakeup, news)
                        await trio.sleep(GATHER)
                        report = await look()
        return report

    @call()
    async def delivery_retry(self, caller: Caller, delivery_ids: RowIDs) -> int:
        """Retry at once; returns the number of recipients."""
        return await self._required().try_now(caller.require().account, delivery_ids)

    @call()
    async def delivery_cancel(self, caller: Caller, delivery_ids: RowIDs) -> int:
        """Stop delivery to these recipients; returns the number of recipients that had not been reached."""
        return await self._required().cancel(caller.require().account, delivery_ids)

    def _required(self) -> Deliveries:
        if self._server.deliveries is None:
            raise Unavailable("the queue of the server cannot be used now")
        return self._server.deliveries


async def _either(wakeup: Wakeup, news: Cursor) -> None:
    """Wait until the queue or the account has changed."""

    async def first(wait: Callable[[], Awaitable[None]]) -> None:
        await wait()
        nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(first, wakeup.wait)
        nursery.start_soon(first, news.wait)


def _report(found: list[RecipientStatus]) -> DeliveryReport:
    recipients = [_delivery(one) for one in found]
    digest = hashlib.sha256(msgspec.json.encode(recipients)).hexdigest()
    return DeliveryReport(recipients, digest)


def _delivery(one: RecipientStatus) -> Delivery:
    def when(time: int | None) -> datetime | None:
        return None if time is None else time_of(time)

    return Delivery(
        id=one.id,
        recipient=one.recipient,
        state=one.state.value,
        attempts=one.attempts,
        ended=when(one.ended),
        last_attempt=when(one.last_attempt),
        next_attempt=when(one.next_attempt),
        last_planned=when(one.last_planned),
        error=one.error,
        advice=one.advice,
        reply=one.reply,
        host=one.host,
        tls=one.tls,
    )
