"""Queued and finished messages, counts and stopped senders, as administrators are shown them."""

from collections.abc import AsyncIterator
from functools import partial

import msgspec

from moxlite.admin.queueing.filters import Filter, Page, RetiredFilter, RetiredPage
from moxlite.queue import operations, record
from moxlite.queue.bounces.blocks import Block
from moxlite.queue.context import Context
from moxlite.queue.data.content import octets
from moxlite.queue.data.rows import Message, Retired
from moxlite.queue.data.suppression import for_message
from moxlite.queue.errors import NoSuchMessage
from moxlite.queue.explaining.explain import explain, message_to, waiting_for
from moxlite.queue.explaining.values import Explanation
from moxlite.queue.guard.stops import Stopped, stop_of, stops
from moxlite.queue.operations import Counts
from moxlite.queue.scheduling.scheduler import Scheduler
from moxlite.store.file.database import Database


class Listings:
    """Reads of queue.db for administrators."""

    def __init__(self, ctx: Context, database: Database, scheduler: Scheduler) -> None:
        self._ctx = ctx
        self._database = database
        self._scheduler = scheduler

    async def list_messages(self, wanted: Filter | None = None, page: Page | None = None) -> list[Message]:
        """One page of messages (QUEUE-23, QUEUE-24). Raises BadFilter."""
        now = self._ctx.clock()
        return await self._database.scan(
            lambda r: operations.list_messages(r, wanted or Filter(), page or Page(), now), op="queue list"
        )

    async def get(self, message_id: int) -> Message:
        """One message. Raises NoSuchMessage."""
        message = await self._database.read(lambda r: record.get(r, message_id), op="queue get")
        if message is None:
            raise NoSuchMessage(f"no message {message_id} in the queue")
        return message

    async def dump(self, message_id: int) -> AsyncIterator[bytes]:
        """The octets of a message, prefix and content. Raises NoSuchMessage."""
        message = await self.get(message_id)
        async for piece in octets(self._database, message):
            yield piece

    async def counts(self) -> Counts:
        """Number of messages, number on hold, and time of the next attempt."""
        return await self._database.scan(operations.count, op="queue counts")

    async def count(self, wanted: Filter) -> int:
        """Number of messages that a filter chooses. Raises BadFilter."""
        now = self._ctx.clock()
        return await self._database.scan(lambda r: operations.count_chosen(r, wanted, now), op="queue count")

    def blocks(self) -> list[Block]:
        """Recent replies of hosts that block this server's IP address, the latest first (QUEUE-184)."""
        return self._scheduler.outcomes.blocks.listed(self._ctx.clock())

    async def list_retired(self, wanted: RetiredFilter | None = None, page: RetiredPage | None = None) -> list[Retired]:
        """One page of finished messages. Raises BadFilter."""
        now = self._ctx.clock()
        return await self._database.scan(
            lambda r: operations.list_retired(r, wanted or RetiredFilter(), page or RetiredPage(), now),
            op="queue retired",
        )

    async def get_retired(self, message_id: int) -> Retired:
        """One finished message. Raises NoSuchMessage."""
        found = await self._database.read(lambda r: operations.get_retired(r, message_id), op="queue get retired")
        if found is None:
            raise NoSuchMessage(f"no finished message {message_id}")
        return found

    async def explain(self, recipient: str, sender: str = "", *, connect: bool = False) -> Explanation:
        """Explain the route of a message to an address, and count the mail that waits for its domain (QUEUE-182).
        `sender`: selects the routes of its domain and account. `connect`: connect to the hosts, up to STARTTLS.

        Raises BadFilter if a text is not an address.
        """
        message, now = message_to(self._ctx, recipient, sender), self._ctx.clock()
        entry = await self._database.read(partial(for_message, message=message, now=now), op="queue explain")
        stop = await self._database.read(partial(stop_of, account=message.account), op="queue explain")
        why = self._scheduler.waits_of(message.rcpt_domain, now)
        waits = partial(waiting_for, domain=message.rcpt_domain, why=why)
        waiting = await self._database.scan(waits, op="queue explain")
        found = await explain(self._ctx, message, connect=connect)
        return msgspec.structs.replace(
            found,
            suppressed="" if entry is None else entry.reason or "put on the suppression list by hand",
            stopped="" if stop is None else stop.why,
            waiting=waiting,
        )

    async def stopped(self) -> list[Stopped]:
        """The stopped accounts, with their held messages."""
        now = self._ctx.clock()
        return await self._database.scan(partial(stops, now=now), op="queue stops")
