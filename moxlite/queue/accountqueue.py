"""The queue as the user of one account sees it (`store.delivery.accountqueue`; WEB-68, WEB-69)."""

from collections.abc import Awaitable, Sequence
from typing import Final, TypeVar

import msgspec

from moxlite.config.domains import IncomingWebhook, OutgoingWebhook
from moxlite.config.webhookkeys import webhook_keys
from moxlite.operations.queue import Filter
from moxlite.queue.data.rows import Message
from moxlite.queue.errors import QueueError
from moxlite.queue.queue import Queue
from moxlite.queue.schedule import SECOND
from moxlite.queue.webhooks.calls import call_samples
from moxlite.queue.webhooks.events import Event
from moxlite.store.delivery.accountqueue import (
    FinishedMessage,
    QueuedMessage,
    QueueRefused,
    SuppressedAddress,
    WebhookTest,
)

T = TypeVar("T")

MAX_ROWS: Final = 1000
"""Maximum rows of one page."""


class OwnQueue:
    """Operations of a queue, each on one account's rows alone."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    async def waiting(self, account: str, *, before: int, limit: int) -> list[QueuedMessage]:
        """Waiting messages with an id below `before`, the newest first."""
        found = await self._queue.deliveries.waiting_of(account, before, min(limit, MAX_ROWS))
        return [_queued(one) for one in found]

    async def finished(self, account: str, *, since: int, limit: int) -> list[FinishedMessage]:
        """Messages that ended after `since` (µs UTC), the latest first."""
        rows = await self._queue.deliveries.ended_of(account, since, min(limit, MAX_ROWS))
        return [FinishedMessage(*row) for row in rows]

    async def try_now(self, account: str, ids: Sequence[int]) -> int:
        """Make the next attempt at once; returns the number of messages."""
        return await self._queue.deliveries.try_now(account, ids)

    async def cancel(self, account: str, ids: Sequence[int]) -> int:
        """Remove waiting messages of the account from the queue; no bounce goes to the sender. Returns their number."""
        return await self._queue.deliveries.cancel(account, ids)

    async def hold_all(self, account: str) -> int:
        """Hold all waiting messages of the account; returns their number."""
        return await self._queue.operations.hold(Filter(account=account))

    async def suppressed(self, account: str) -> list[SuppressedAddress]:
        """The suppression list, by address."""
        return [
            SuppressedAddress(one.original_address, one.manual, one.reason, one.created, one.expires)
            for one in await self._queue.suppressions(account)
        ]

    async def suppress(self, account: str, address: str, reason: str) -> None:
        """Add an address by hand. Raises QueueRefused."""
        await _tried(self._queue.add_suppression(account, address, reason))

    async def unsuppress(self, account: str, address: str) -> None:
        """Remove an address. Raises QueueRefused."""
        await _tried(self._queue.remove_suppression(account, address))

    async def test_webhook(
        self, account: str, url: str, authorization: str, secret: str, *, incoming: bool
    ) -> WebhookTest:
        """Call a webhook with a made-up event, once."""
        ctx = self._queue.ctx
        settings = ctx.config.current.account(account)
        if settings is None:
            raise QueueRefused("this account is no longer there")
        outgoing = OutgoingWebhook(url=url, authorization=authorization, secret=secret, events=(Event.DELIVERED,))
        asked = msgspec.structs.replace(
            settings,
            outgoing_webhook=None if incoming else outgoing,
            incoming_webhook=IncomingWebhook(url=url, authorization=authorization, secret=secret) if incoming else None,
        )
        try:
            webhook_keys(secret)
        except ValueError as error:
            raise QueueRefused(f"the secret {error}") from None
        (sample,) = await call_samples(ctx, account, asked)
        result = sample.result
        return WebhookTest(result.status, result.duration / SECOND, result.error, result.response)


async def _tried(operation: Awaitable[T]) -> T:
    try:
        return await operation
    except QueueError as error:
        raise QueueRefused(str(error)) from None


def _queued(one: Message) -> QueuedMessage:
    last = one.last_result
    return QueuedMessage(
        id=one.id,
        sender=one.sender_address,
        recipient=one.recipient_address,
        subject=one.subject,
        queued=one.queued,
        attempts=one.attempts,
        last_attempt=one.last_attempt,
        next_attempt=one.next_attempt,
        error=last.error if last is not None and not last.success else "",
        hold=one.hold,
        guarded=one.guarded,
    )
