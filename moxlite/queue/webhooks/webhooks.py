"""The webhooks of a queue: their tasks for the composition root, and operations for people (QUEUE-96)."""

import logging
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec

from moxlite.config.domains import IncomingWebhook, OutgoingWebhook
from moxlite.config.transports import webhook_keys
from moxlite.operations.webhooks import HookFilter, HookPage, RetiredHookFilter, RetiredHookPage
from moxlite.queue import metrics
from moxlite.queue.context import Context
from moxlite.queue.data.filters import compose, compose_page
from moxlite.queue.errors import NoSuchWebhook, QueueError
from moxlite.queue.schedule import SECOND
from moxlite.queue.webhooks.calls import Caller, SampleCall, call_samples
from moxlite.queue.webhooks.events import Event, keep_hooks
from moxlite.queue.webhooks.incoming import IncomingCarrier
from moxlite.queue.webhooks.keeping import (
    HOOK_COLUMNS,
    RETIRED_HOOK_COLUMNS,
    CallResult,
    Hook,
    RetiredHook,
    clean_hooks,
    end_hook,
    get_hook,
    hook_of,
    retired_hook_of,
)
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Reader, Tx

logger = logging.getLogger("moxlite.queue.webhooks")

T = TypeVar("T")


class WebhookQueue:
    """The webhooks of a queue. Methods may be called from any task; each change is durable when its method returns."""

    def __init__(self, ctx: Context, database: Database, watched: Callable[[Sequence[str]], None]) -> None:
        """`watched` is called with the accounts whose sent messages have changed."""
        self._ctx = ctx
        self._database = database
        self.caller = Caller(ctx, database)
        self.incoming = IncomingCarrier(ctx, database, self.caller.changed, watched)

    async def list_hooks(self, hook_filter: HookFilter | None = None, page: HookPage | None = None) -> list[Hook]:
        """One page of webhooks. Raises BadFilter."""
        now = self._ctx.clock()
        return await self._database.scan(
            lambda r: list_hooks(r, hook_filter or HookFilter(), page or HookPage(), now), op="webhook list"
        )

    async def list_retired(
        self, hook_filter: RetiredHookFilter | None = None, page: RetiredHookPage | None = None
    ) -> list[RetiredHook]:
        """One page of finished webhooks. Raises BadFilter."""
        now = self._ctx.clock()
        return await self._database.scan(
            lambda r: list_retired_hooks(r, hook_filter or RetiredHookFilter(), page or RetiredHookPage(), now),
            op="webhook retired",
        )

    async def get(self, hook_id: int) -> Hook:
        """A waiting webhook. Raises NoSuchWebhook."""
        hook = await self._database.read(lambda r: get_hook(r, hook_id), op="webhook get")
        if hook is None:
            raise NoSuchWebhook(f"webhook not found: {hook_id}")
        return hook

    async def get_retired(self, hook_id: int) -> RetiredHook:
        """A finished webhook. Raises NoSuchWebhook."""
        hook = await self._database.read(lambda r: get_retired_hook(r, hook_id), op="webhook get retired")
        if hook is None:
            raise NoSuchWebhook(f"finished webhook not found: {hook_id}")
        return hook

    async def schedule(self, hook_filter: HookFilter, delta: float, *, from_now: bool = False) -> int:
        """Move the next call by `delta` seconds (may be negative), or with `from_now` to `delta` seconds from now.
        Returns how many were changed. Raises BadFilter.
        """
        microseconds = int(delta * SECOND)
        return await self._change(
            lambda tx, now: schedule_hooks(tx, hook_filter, now, delta=microseconds, from_now=from_now)
        )

    async def cancel(self, hook_filter: HookFilter) -> int:
        """Cancel webhooks; returns how many. Raises BadFilter."""
        snapshot = self._ctx.config.current
        return await self._change(
            lambda tx, now: cancel_hooks(tx, hook_filter, now, lambda name: keep_hooks(snapshot.account(name)))
        )

    async def try_out(self, account: str, url: str, authorization: str, secret: str, *, incoming: bool) -> CallResult:
        """Call a webhook with a made-up event, once, whether or not it is saved. Raises QueueError."""
        settings = self._ctx.config.current.account(account)
        if settings is None:
            raise QueueError(self._ctx.config.current.no_account(account))
        outgoing = OutgoingWebhook(url=url, authorization=authorization, secret=secret, events=(Event.DELIVERED,))
        asked = msgspec.structs.replace(
            settings,
            outgoing_webhook=None if incoming else outgoing,
            incoming_webhook=IncomingWebhook(url=url, authorization=authorization, secret=secret) if incoming else None,
        )
        try:
            webhook_keys(secret)
        except ValueError as error:
            raise QueueError(f"the webhook secret {error}") from None
        (sample,) = await call_samples(self._ctx, account, asked)
        return sample.result

    async def test(self, account: str) -> list[SampleCall]:
        """Call the web servers of an account with a sample of each event. Raises NoSuchWebhook if it has none."""
        snapshot = self._ctx.config.current
        settings = snapshot.account(account)
        if settings is None:
            raise NoSuchWebhook(snapshot.no_account(account))
        if settings.outgoing_webhook is None and settings.incoming_webhook is None:
            raise NoSuchWebhook(f"account {account} doesn't have a webhook; set outgoing_webhook or incoming_webhook")
        return await call_samples(self._ctx, account, settings)

    async def _change(self, unit: Callable[[Tx, int], T]) -> T:
        now = self._ctx.clock()
        result = await self._database.write(lambda tx: unit(tx, now))
        self.caller.changed()
        return result

    async def clean(self) -> None:
        """Remove expired retired rows."""
        now = self._ctx.clock()
        while await self._database.write(lambda tx: clean_hooks(tx, now)):
            pass

    async def measure(self) -> None:
        """Set the gauge. Raises StoreError."""
        metrics.webhooks.set(await self._database.scan(count_hooks, op="webhook counts"))


# Operations on webhooks for people: list, schedule, cancel (QUEUE-96). On a reader or a transaction.


CANCELED: Final = "canceled by admin"

SELECT: Final = f"SELECT {HOOK_COLUMNS} FROM hook"  # noqa: S608 column names
SELECT_RETIRED: Final = f"SELECT {RETIRED_HOOK_COLUMNS} FROM hook_retired"  # noqa: S608 column names
SELECT_IDS: Final = "SELECT id FROM hook"
SET_NEXT: Final = "UPDATE hook SET next_attempt = ? WHERE id = ?"
ADD_NEXT: Final = "UPDATE hook SET next_attempt = next_attempt + ? WHERE id = ?"
COUNT: Final = "SELECT count(*) FROM hook"


def list_hooks(r: Reader, hook_filter: HookFilter, page: HookPage, now: int) -> list[Hook]:
    """One page of webhooks that wait. Raises BadFilter."""
    condition = compose_page(hook_filter, page, now)
    return [hook_of(row) for row in r.rows(SELECT + condition.sql, *condition.args)]


def list_retired_hooks(r: Reader, hook_filter: RetiredHookFilter, page: RetiredHookPage, now: int) -> list[RetiredHook]:
    """One page of finished webhooks. Raises BadFilter."""
    condition = compose_page(hook_filter, page, now)
    return [retired_hook_of(row) for row in r.rows(SELECT_RETIRED + condition.sql, *condition.args)]


def get_retired_hook(r: Reader, hook_id: int) -> RetiredHook | None:
    """A finished webhook by its id."""
    row = r.row(SELECT_RETIRED + " WHERE id = ?", hook_id)
    return None if row is None else retired_hook_of(row)


def count_hooks(r: Reader) -> int:
    """Number of waiting webhooks."""
    return int(r.value(COUNT))


def _ids(r: Reader, hook_filter: HookFilter, now: int) -> list[int]:
    condition = compose(hook_filter, now)
    return [row[0] for row in r.rows(SELECT_IDS + condition.sql, *condition.args)]


def schedule_hooks(tx: Tx, hook_filter: HookFilter, now: int, *, delta: int, from_now: bool) -> int:
    """Add `delta` (µs, possibly negative) to the time of the next call, or with `from_now` set it to now plus `delta`.
    Returns how many were changed.
    """
    sql, value = (SET_NEXT, now + delta) if from_now else (ADD_NEXT, delta)
    return sum(tx.execute(sql, value, hook_id) for hook_id in _ids(tx, hook_filter, now))


def cancel_hooks(tx: Tx, hook_filter: HookFilter, now: int, keep_for: Callable[[str], int]) -> int:
    """Cancel webhooks. Returns how many."""
    ids = _ids(tx, hook_filter, now)
    for hook_id in ids:
        hook = get_hook(tx, hook_id)
        assert hook is not None
        results = (*hook.results, CallResult(now, error=CANCELED))
        end_hook(tx, hook_id, success=False, now=now, keep=keep_for(hook.account), results=results)
    return len(ids)
