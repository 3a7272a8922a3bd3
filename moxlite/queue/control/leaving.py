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
from moxlite.store.delivery.outgoing import NotHeld
from moxlite.store.delivery.submissions import stop_held
from moxlite.store.forms import Leaving
from moxlite.store.later import leaving, stop_leaving
from moxlite.wording import reason_of

logger = logging.getLogger("moxlite.queue")

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
        found += [
            Leaving(
                id=f"{QUEUED}{held.ids[0]}",
                due=held.due,
                sender=held.sender,
                recipients=held.recipients,
                subject=held.subject,
            )
            for held in ([] if self._queue is None else await self._queue.deliveries.held(args.account))
        ]
        return sorted(found, key=lambda message: message.due)

    async def stop(self, args: StopLeaving) -> None:
        """Stop a message."""
        account, key = args.account, args.id
        if key.startswith(QUEUED) and key[1:].isdecimal():
            async with account_of_command(self._config, self._accounts, account) as opened:
                if self._queue is None or not await stop_held(
                    opened, self._queue.deliveries, lambda message: message.ids[0] == int(key[1:])
                ):
                    raise CommandFailed("notFound", "scheduled message not found")
        else:
            try:
                octets = bytes.fromhex(key)
            except ValueError:
                raise CommandFailed("notFound", "scheduled message not found") from None
            async with account_of_command(self._config, self._accounts, account) as opened:
                try:
                    await opened.write(lambda tx: stop_leaving(tx, octets))
                except NotHeld as error:
                    raise CommandFailed("conflict", reason_of(error)) from None
        logger.info("message canceled before sending", extra={"kv": {"account": account}})
