"""Mail that leaves later: what accounts keep until its time, and what the queue does, as one list."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Final

from moxlite.acceptance.sieve.commands import account_of_command
from moxlite.config.holder import ConfigHolder
from moxlite.net.control.server import Command, CommandFailed
from moxlite.operations.leaving import ListLeaving, StopLeaving
from moxlite.operations.performing import commands
from moxlite.queue.queue import Queue
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.delivery.outgoing import TooLate
from moxlite.store.forms import Leaving
from moxlite.store.later import leaving, stop_leaving
from moxlite.wording import reason_of

logger = logging.getLogger("moxlite.queue")

MOST: Final = 1000
"""Messages of the queue that are looked at, the newest."""

QUEUED: Final = "q"
"""Letter before the ids of messages in the queue; others are hexadecimal."""


class LeavingCommands:
    """``moxlite account later``."""

    def __init__(self, config: ConfigHolder, accounts: Accounts, queue: Queue | None) -> None:
        self._config = config
        self._accounts = accounts
        self._queue = queue

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return commands(ListLeaving.bind(self.show), StopLeaving.bind(self.stop))

    async def show(self, args: ListLeaving) -> list[Leaving]:
        """All messages of an account that leave later."""
        now = time.time_ns() // 1000
        async with account_of_command(self._config, self._accounts, args.account) as account:
            found = await account.scan(lambda r: leaving(r, now), op="leaving")
        return sorted([*found, *await self._queued(args.account, now)], key=lambda one: one.due)

    async def _queued(self, account: str, now: int) -> list[Leaving]:
        if self._queue is None:
            return []
        return [
            Leaving(
                id=f"{QUEUED}{row.id}",
                due=row.next_attempt,
                sender=row.sender_address,
                recipients=[row.recipient_address],
                subject=row.subject,
            )
            for row in await self._queue.deliveries.waiting_of(account, 2**62, MOST)
            if row.future_release_request and not row.attempts and row.next_attempt > now
        ]

    async def stop(self, args: StopLeaving) -> None:
        """Stop a message."""
        account, key = args.account, args.id
        if key.startswith(QUEUED) and key[1:].isdecimal():
            waiting = {one.id for one in await self._queued(account, time.time_ns() // 1000)}
            if key not in waiting or self._queue is None:
                raise CommandFailed("notFound", "scheduled message not found")
            await self._queue.deliveries.cancel(account, [int(key[1:])])
        else:
            try:
                octets = bytes.fromhex(key)
            except ValueError:
                raise CommandFailed("notFound", "scheduled message not found") from None
            async with account_of_command(self._config, self._accounts, account) as opened:
                try:
                    await opened.write(lambda tx: stop_leaving(tx, octets))
                except TooLate as error:
                    raise CommandFailed("conflict", reason_of(error)) from None
        logger.info("message stopped before it left", extra={"kv": {"account": account}})
