"""Delivery status of sent messages for their senders: the implementation of `store.delivery.status.Deliveries`."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial

from moxlite.admin.queueing.filters import Filter
from moxlite.queue import operations
from moxlite.queue.context import Context
from moxlite.queue.data.rows import Message
from moxlite.queue.data.status import Watchers, ended_since, statuses, was_sent
from moxlite.queue.guard.stops import stop_of
from moxlite.queue.operating import Operations
from moxlite.queue.webhooks.incoming import IncomingCarrier
from moxlite.store.delivery.status import RecipientStatus
from moxlite.store.delivery.submission import SendingStopped
from moxlite.store.file.database import Database
from moxlite.wakeup import Wakeup


class SentMessages:
    """State of accounts' sent messages, and the changes that senders may make."""

    def __init__(
        self, ctx: Context, database: Database, operations: Operations, watchers: Watchers, incoming: IncomingCarrier
    ) -> None:
        self._ctx = ctx
        self._database = database
        self._operations = operations
        self._watchers = watchers
        self._incoming = incoming

    async def was_sent(self, account: str, address: str, message_id: str, recipients: Sequence[str]) -> bool:
        """Whether an account ("" for any) has sent, in the last 30 days, a message that a notification may be about:
        one with the unique sender address `address`, with this Message-ID, or to one of the recipients (SMTP-110).

        Raises StoreError.
        """
        from_id = self._incoming.from_id(address)
        return await self._database.scan(
            partial(
                was_sent,
                account=account,
                from_id=from_id,
                message_id=message_id,
                recipients=recipients,
            ),
            op="queue sent",
        )

    async def status(self, account: str, message_id: str) -> list[RecipientStatus]:
        """Delivery status by recipient of an account's messages with a Message-ID (QUEUE-175)."""
        settings = self._ctx.config.current.static.queue
        return await self._database.scan(
            partial(
                statuses,
                account=account,
                message_id=message_id,
                retry_delays=settings.retry_delays,
                max_attempts=settings.max_attempts,
            ),
            op="queue status",
        )

    def watch(self, account: str) -> AbstractContextManager[Wakeup]:
        """A wake-up flag that is set, within the block, when the status of an account's messages changes."""
        return self._watchers.watch(account)

    async def try_now(self, account: str, ids: Sequence[int]) -> int:
        """Make the next attempt for these messages of an account at once; returns their number. Messages that the guard
        holds stay on hold.
        """
        if not ids:
            return 0
        wanted = Filter(ids=tuple(ids), account=account)
        await self._operations.change(lambda tx, now: operations.unhold_messages(tx, wanted, now, guarded=False))
        return await self._operations.schedule(wanted, 0, from_now=True)

    async def cancel(self, account: str, ids: Sequence[int]) -> int:
        """Remove these messages of an account from the queue; returns how many."""
        return await self._operations.drop(Filter(ids=tuple(ids), account=account)) if ids else 0

    async def waiting_of(self, account: str, before: int, limit: int) -> list[Message]:
        """Messages of an account with an id below `before`, the newest first."""
        return await self._database.scan(
            partial(operations.waiting_of, account=account, before=before, limit=limit), op="queue own"
        )

    async def ended_of(self, account: str, since: int, limit: int) -> list[tuple[int, str, str, int]]:
        """As `data.status.ended_since`."""
        return await self._database.scan(
            partial(ended_since, account=account, since=since, limit=limit), op="queue own"
        )

    async def check_sending(self, account: str) -> None:
        """Raise SendingStopped while the account is stopped (SMTP-170)."""
        stop = await self._database.read(partial(stop_of, account=account), op="queue stop")
        if stop is not None:
            raise SendingStopped(stop.since)
