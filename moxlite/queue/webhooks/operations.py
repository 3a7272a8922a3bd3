"""Operations on webhooks for people: list, schedule, cancel (QUEUE-96). On a reader or a transaction."""

from collections.abc import Callable
from typing import Final

from moxlite.admin.queueing.filters import HookFilter, HookPage, RetiredHookFilter, RetiredHookPage
from moxlite.queue.data.filters import compose, compose_page
from moxlite.queue.webhooks.keeping import end_hook, get_hook
from moxlite.queue.webhooks.rows import (
    HOOK_COLUMNS,
    RETIRED_HOOK_COLUMNS,
    CallResult,
    Hook,
    RetiredHook,
    hook_of,
    retired_hook_of,
)
from moxlite.store.file.transaction import Reader, Tx

CANCELED: Final = "canceled by admin"

SELECT: Final = f"SELECT {HOOK_COLUMNS} FROM hook"  # noqa: S608 column names
SELECT_RETIRED: Final = f"SELECT {RETIRED_HOOK_COLUMNS} FROM hook_retired"  # noqa: S608 column names
SELECT_IDS: Final = "SELECT id FROM hook"
SET_NEXT: Final = "UPDATE hook SET next_attempt = ? WHERE id = ?"
ADD_NEXT: Final = "UPDATE hook SET next_attempt = next_attempt + ? WHERE id = ?"
COUNT: Final = "SELECT count(*) FROM hook"


def list_hooks(r: Reader, wanted: HookFilter, page: HookPage, now: int) -> list[Hook]:
    """One page of webhooks that wait. Raises BadFilter."""
    condition = compose_page(wanted, page, now)
    return [hook_of(row) for row in r.rows(SELECT + condition.sql, *condition.args)]


def list_retired_hooks(r: Reader, wanted: RetiredHookFilter, page: RetiredHookPage, now: int) -> list[RetiredHook]:
    """One page of finished webhooks. Raises BadFilter."""
    condition = compose_page(wanted, page, now)
    return [retired_hook_of(row) for row in r.rows(SELECT_RETIRED + condition.sql, *condition.args)]


def get_retired_hook(r: Reader, hook_id: int) -> RetiredHook | None:
    """A finished webhook by its id."""
    row = r.row(SELECT_RETIRED + " WHERE id = ?", hook_id)
    return None if row is None else retired_hook_of(row)


def count_hooks(r: Reader) -> int:
    """Number of waiting webhooks."""
    return int(r.value(COUNT))


def _ids(r: Reader, wanted: HookFilter, now: int) -> list[int]:
    condition = compose(wanted, now)
    return [row[0] for row in r.rows(SELECT_IDS + condition.sql, *condition.args)]


def schedule_hooks(tx: Tx, wanted: HookFilter, now: int, *, delta: int, from_now: bool) -> int:
    """Add `delta` (µs, possibly negative) to the time of the next call, or with `from_now` set it to now plus `delta`.
    Returns how many were changed.
    """
    sql, value = (SET_NEXT, now + delta) if from_now else (ADD_NEXT, delta)
    return sum(tx.execute(sql, value, hook_id) for hook_id in _ids(tx, wanted, now))


def cancel_hooks(tx: Tx, wanted: HookFilter, now: int, keep_for: Callable[[str], int]) -> int:
    """Cancel webhooks. Returns how many."""
    ids = _ids(tx, wanted, now)
    for hook_id in ids:
        hook = get_hook(tx, hook_id)
        assert hook is not None
        results = (*hook.results, CallResult(now, error=CANCELED))
        end_hook(tx, hook_id, success=False, now=now, keep=keep_for(hook.account), results=results)
    return len(ids)
