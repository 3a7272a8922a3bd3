"""The mailbox `Outgoing` of accounts with that setting: it shows the queue, and moving a message from it to the trash
cancels the delivery (IMAP-162, `docs/decisions/003-queue-mailbox.md`).

The nursery tree::

    supervisor
     └─ Mirror.serve: adds and removes messages of mailboxes, as the rows of ``mirror`` say

Opening an account compares its mailbox with the queue (`attend`), so that both agree after a restore, a recovery or a
change of the setting.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from itertools import groupby
from typing import Final

import msgspec
import trio

from moxlite.config.snapshot import Snapshot
from moxlite.queue import metrics
from moxlite.queue.context import Context
from moxlite.queue.data import mirrorrows
from moxlite.queue.data.content import octets
from moxlite.queue.data.mirrorrows import MirrorRow
from moxlite.queue.data.rows import Message, Result
from moxlite.queue.data.status import retire
from moxlite.queue.record import Policy, policy_of
from moxlite.queue.schedule import SECOND
from moxlite.queue.webhooks.events import Event, note_event
from moxlite.store.changelog.account import Account
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.status import State, created_at, drop_queued, fit_queue_mailbox, put_queued, queued_keys
from moxlite.store.errors import AccountRemoved, AccountUnknown, BadMessage, ChunkDamaged, StoreError
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.mail.systemmailbox import QUEUE, queue_mailbox
from moxlite.store.upkeep.outbox import OutboxRow
from moxlite.wakeup import Wakeup

logger = logging.getLogger("moxlite.queue.mirror")

CANCELED: Final = "delivery canceled: moved from the mailbox Outgoing to the trash"

AT_ONCE: Final = 50
"""Rows read at a time: a row that becomes due meanwhile waits for at most so many others."""

RECHECK_SECONDS: Final = 3600.0
"""Seconds until the next look without a `changed`, which also follows a clock change or sleep of the machine
(QUEUE-16): an idle queue wakes no task.
"""

AGAIN_SECONDS: Final = 60.0
"""Seconds until an account that could not be fitted to its setting is tried again."""

RETRY: Final = 5 * 60 * SECOND
"""µs until an account that could not be changed is tried again."""

DROP_SLICE: Final = 100
"""Messages removed in one unit."""


class Mirror:
    """Keeps the mailboxes `Outgoing`, made by `Queue`. The server registers `attend` and `unqueue` at the accounts."""

    def __init__(self, ctx: Context, database: Database, under_way: Callable[[], Collection[int]]) -> None:
        """`under_way`: tells the rows in attempts under way."""
        self._ctx = ctx
        self._database = database
        self._under_way = under_way
        self._wakeup = Wakeup(is_set=True)
        # Only one account is changed at a time, so that none is compared during a change.
        self._lock = trio.Lock()
        self._unfit: set[str] = set()
        self._told: set[str] = set()

    def wants(self, account: str) -> bool:
        """Whether the configuration gives the account a mailbox `Outgoing`."""
        configured = self._ctx.config.current.account(account)
        return configured is not None and configured.queue_mailbox

    def concerned(self, account: str, r: Reader) -> bool:
        """Whether `attend` has work for an account: it has such a mailbox, or should have."""
        return self.wants(account) or queue_mailbox(r) is not None

    def changed(self) -> None:
        """Wake `serve`, after each commit that queues or retires messages."""
        self._wakeup.set()

    def reconfigured(self, old: Snapshot, new: Snapshot) -> None:
        """Fit the accounts whose setting has changed; for `ConfigHolder.on_change`."""
        for name, after in new.domains.accounts.items():
            before = old.account(name)
            if after.queue_mailbox != (before is not None and before.queue_mailbox):
                self._unfit.add(name)
        if self._unfit:
            self._wakeup.set()

    async def serve(self) -> None:
        """Keep all mailboxes up to date, for ever. Cancelling loses nothing.

        Errors: exceptions of the queue's database are raised; an account that cannot be changed is tried again later.
        """
        self._unfit.update(name for name in self._ctx.config.current.domains.accounts if self.wants(name))
        while True:
            self._wakeup.clear()
            with trio.move_on_after(await self._once()):
                await self._wakeup.wait()

    async def _once(self) -> float:
        """Make the due changes; returns the seconds until the next one."""
        for name in sorted(self._unfit):
            self._unfit.discard(name)
            if not await self._use(name, self.attend):
                self._unfit.add(name)
        now = self._ctx.clock()
        rows = await self._database.read(partial(mirrorrows.due, now=now, limit=AT_ONCE), op="queue mirror")
        if new := [row.content_id for row in rows if row.state == mirrorrows.NEW]:
            await self._database.write(partial(mirrorrows.begin, content_ids=new))
        for name, group in groupby(sorted(rows, key=_account), key=_account):
            mine = list(group)
            if not await self._use(name, partial(self._carry, rows=mine)):
                ids = [row.content_id for row in mine]
                await self._database.write(partial(mirrorrows.postpone, content_ids=ids, until=now + RETRY))
        when = await self._database.read(mirrorrows.next_due, op="queue next mirror")
        seconds = RECHECK_SECONDS if when is None else max(0.0, (when - self._ctx.clock()) / SECOND)
        return min(seconds, AGAIN_SECONDS if self._unfit else RECHECK_SECONDS)

    async def _use(self, name: str, work: Callable[[Account], Awaitable[None]]) -> bool:
        """Call `work` with an account; returns False if it could not be changed now."""
        try:
            async with self._ctx.accounts.use(name) as account:
                await work(account)
        except (AccountUnknown, AccountRemoved):
            await self._database.write(partial(mirrorrows.forget, account=name))
        except (StoreError, OSError) as exc:
            logger.error("failed to update queue mailbox", extra={"kv": {"account": name, "err": exc}})
            return False
        return True

    async def attend(self, account: Account) -> None:
        """Fit an opened account to its setting: its mailbox shows exactly the waiting messages, or is removed.

        Raises StoreError; it is then called again later.
        """
        async with self._lock:
            self._tell(account.name, fitted=await fit_queue_mailbox(account))
            if await account.read(queue_mailbox, op="queue-mailbox") is None:
                await self._forget(account)
                return
            created, known = await account.scan(lambda r: (created_at(r), queued_keys(r)), op="queue-mailbox")
            compare = partial(mirrorrows.compare, account=account.name, created=created, known=known)
            stale = await self._database.write(partial(compare, now=self._ctx.clock()))
            for start in range(0, len(stale), DROP_SLICE):
                await account.write(partial(drop_queued, keys=stale[start : start + DROP_SLICE]))
        self.changed()

    def _tell(self, name: str, *, fitted: bool) -> None:
        """Log once that a setting has no effect."""
        if fitted:
            self._told.discard(name)
        elif name not in self._told:
            self._told.add(name)
            logger.warning(
                "ignoring queue_mailbox: rename the existing mailbox with this name first",
                extra={"kv": {"account": name, "mailbox": QUEUE}},
            )

    async def _forget(self, account: Account) -> None:
        mirrored = partial(mirrorrows.is_mirrored, account=account.name)
        if await self._database.read(mirrored, op="queue mirror"):
            await self._database.write(partial(mirrorrows.forget, account=account.name))

    async def _carry(self, account: Account, rows: list[MirrorRow]) -> None:
        """Add and remove messages in an account's mailbox, as these rows demand."""
        async with self._lock:
            if await account.read(queue_mailbox, op="queue-mailbox") is None:
                await self._forget(account)  # `attend` compares everything once the mailbox exists
                return
            gone = [row for row in rows if row.state == mirrorrows.REMOVE]
            if gone:
                await account.write(partial(drop_queued, keys=[row.key for row in gone]))
                await self._database.write(partial(mirrorrows.removed, content_ids=[row.content_id for row in gone]))
            for row in rows:
                if row.state != mirrorrows.REMOVE:
                    await self._add(account, row)
                    await self._database.write(partial(mirrorrows.added, content_id=row.content_id))

    async def _add(self, account: Account, row: MirrorRow) -> None:
        message = await self._database.read(partial(mirrorrows.sample, content_id=row.content_id), op="queue mirror")
        if message is None or message.account != account.name:
            return  # the last recipient was done, or the account removed and another one made, meanwhile
        body = msgspec.structs.replace(message, prefix=b"", size=message.size - len(message.prefix))
        try:
            with Spool(self._ctx.tmp) as spool:
                async for piece in octets(self._database, body):
                    await spool.write(piece)
                await spool.finish()
                prepared = await prepare(spool, message.prefix, max_size=message.size)
                await put_queued(account, row.key, prepared, row.queued)
        except (BadMessage, ChunkDamaged) as exc:
            found = await self._database.read(partial(mirrorrows.sample, content_id=row.content_id), op="queue mirror")
            if found is not None:  # else its row was removed while it was read
                logger.error("failed to show queued message", extra={"kv": {"msg": message.id, "err": exc}})

    async def unqueue(self, account: Account, row: OutboxRow) -> None:
        """Handler of `UNQUEUE` (STORE-189a): cancel what the owner of an account has moved to the trash.

        Recipients that are done stay as they are; an attempt under way may still deliver the message.
        """
        content_id, queued = mirrorrows.key_of(row.data)
        cancel = partial(_cancel, account=account.name, content_id=content_id, queued=queued)
        # The policy of now: the row may have waited in the outbox, and webhooks and retention may have changed since.
        under_way = self._under_way()
        canceled = await self._database.write(partial(cancel, policy=policy_of(self._ctx)))
        metrics.canceled.inc(len(canceled))
        logger.info(
            "messages canceled",
            extra={
                "kv": {
                    "account": account.name,
                    "number": len(canceled),
                    "ids": ",".join(str(message.id) for message in canceled[:10]) or None,
                    "messageid": canceled[0].message_id or None if canceled else None,
                    "under_way": ",".join(_addresses(canceled, under_way)) or None,
                }
            },
        )
        self.changed()


def _account(row: MirrorRow) -> str:
    return row.account


def _addresses(canceled: list[Message], under_way: Collection[int]) -> list[str]:
    """Recipients that an attempt under way may still have reached, at most ten, for the log."""
    return [message.recipient_address for message in canceled if message.id in under_way][:10]


def _cancel(tx: Tx, account: str, content_id: int, queued: int, policy: Policy) -> list[Message]:
    canceled = mirrorrows.waiting(tx, account, content_id, queued)
    for message in canceled:
        attempts = message.results[:-1] if mirrorrows.is_under_way(message) else message.results
        results = (*attempts, Result(start=policy.now, error=CANCELED))
        note_event(tx, message, Event.CANCELED, policy.webhooks, policy.now)
        retire(tx, [message.id], State.CANCELED, now=policy.now, keep_for=policy.keep_for, results=results)
    return canceled
