"""DSNs that are due are stored, one after the other."""

import logging
from collections.abc import Callable
from typing import Final

import trio

from moxlite.net.connections import guard
from moxlite.queue import record
from moxlite.queue.context import Context
from moxlite.queue.data.rows import Message
from moxlite.queue.notices.dsns import deliver_notice
from moxlite.queue.schedule import SECOND
from moxlite.store.errors import StoreError
from moxlite.store.file.database import Database

logger = logging.getLogger("moxlite.queue.notices")

RECHECK_SECONDS: Final = 3600.0
"""Maximum seconds of sleep, which `changed` ends (QUEUE-16)."""

NOTICE_RETRY: Final = 5 * 60 * SECOND
"""µs until a DSN that could not be stored is tried again."""

NOTICE_LIFE: Final = 5 * 24 * 3600 * SECOND
"""µs after which a DSN that its account could not store is given up."""

NOTICES_AT_ONCE: Final = 20

NEXT_NOTICE: Final = "SELECT min(dsn_next) FROM msg WHERE dsn_due <> ''"


class Notices:
    """Stores due DSNs. `changed` is called after each commit that may make one due."""

    def __init__(
        self, ctx: Context, database: Database, stored: Callable[[], None], moved: Callable[[set[str]], None]
    ) -> None:
        """`stored` is called after a DSN, which may be a message of the queue; `moved` with the accounts whose messages
        have another status.
        """
        self._ctx = ctx
        self._database = database
        self._stored = stored
        self._moved = moved
        self._wake = trio.Event()

    def changed(self) -> None:
        """Look again for due DSNs."""
        self._wake.set()

    async def serve(self) -> None:
        """Store the due DSNs, for ever.

        Errors: exceptions of the queue's database are raised; a DSN that its account does not take is tried again
        later.
        """
        while True:
            self._wake = trio.Event()
            due = await self._database.read(
                lambda r: record.dsns_due(r, self._ctx.clock(), NOTICES_AT_ONCE), op="queue notices"
            )
            for message in due:
                await self._tell(message)
            if due:
                continue
            when = await self._database.read(lambda r: r.value(NEXT_NOTICE), op="queue next notice")
            seconds = RECHECK_SECONDS if when is None else max(0.0, (when - self._ctx.clock()) / SECOND)
            with trio.move_on_after(min(seconds, RECHECK_SECONDS)):
                await self._wake.wait()

    async def _tell(self, message: Message) -> None:
        """Store one DSN, then record that: after a crash in between it is stored again under the same key, which
        changes nothing. The DSN reports on all recipients of the submission with the same kind of DSN due.
        """
        policy = record.policy_of(self._ctx)
        current = await self._database.read(lambda r: record.get(r, message.id), op="queue notice")
        if current is None or current.dsn_due != message.dsn_due:
            return  # part of another DSN
        messages = await self._database.read(lambda r: record.alike(r, current), op="queue notice")
        stored = False
        with guard("queue"):
            try:
                await deliver_notice(self._ctx, self._database, messages)
                stored = True
            except StoreError as exc:
                facts = {"err": exc, "msg": message.id, "kind": message.dsn_due}
                logger.error("dsn cannot be stored", extra={"kv": facts})
        given_up = policy.now - (message.last_attempt or message.queued) > NOTICE_LIFE
        if stored or given_up:
            await self._database.write(lambda tx: record.told(tx, messages, policy))
            self._moved({message.account})
            self._stored()
        else:
            until = policy.now + NOTICE_RETRY
            await self._database.write(lambda tx: record.postpone_dsn(tx, messages, until))
