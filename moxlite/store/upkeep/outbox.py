"""Carrying changes from an account's outbox to other files (STORE-189a).

A unit writes a row of `outbox` with its change; this task passes the rows, oldest first, to the handler of their kind
and deletes each afterwards. After a crash between the two the handler gets the row again: it must be idempotent by the
row's key. A handler that raises is called again later, with growing delays, and does not block the others.

A row with a due time waits until then, and may be taken back (`store.delivery.outgoing`). The carrier clears the time
before it passes the row to its handler, so that a row is either carried over or taken back, never both. The carrier
also lets the messages come back that are due (WEBMAIL-125), and has calendars read anew (DAV-44) and alarms told
(DAV-50). An account stays open for what is due soon; for later moments `accounts.rounds` opens it again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol, TypeAlias

import msgspec
import trio

from moxlite.lazyimport import Lazy
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.delivery.perform import SUBMIT
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.groupware.alarms import NEXT as NEXT_ALARM, RING, next_alarm, postpone_alarms
from moxlite.store.later import NEXT as NEXT_SNOOZE, claim, next_snooze, postpone, wake
from moxlite.wakeup import LONGEST_SLEEP, Wakeup

logger = logging.getLogger("moxlite.store.outbox")

SLICE: Final = 100
"""Rows read at a time; `data` of each may be some kB."""

DEADLINE: Final = 60.0
"""Time limit of a handler in seconds: it writes to a local database and uses no network."""

FIRST_RETRY: Final = 5.0
LAST_RETRY: Final = 3600.0
"""Seconds until a row that failed is tried again; doubled each time from the first to the last."""

LEAST_PAUSE: Final = 300.0
"""Seconds until an account without users is opened again for a row that failed, at least; for a row that is older, as
long as its age, up to `LAST_RETRY`.
"""

RING_RETRY: Final = 300.0
"""Seconds until alarms that could not be told are tried again: those that are an hour late are not told any more."""

SOON: Final = 600.0
"""Seconds before its time in which an account stays open for a row: longer than messages may be taken back."""

SECOND: Final = 1_000_000
"""µs of a second, the unit of all moments in rows."""

REFRESH: Final = "refresh"
"""Kind of the handler of subscribed calendars that are due (DAV-44); the row's data is the number of the calendar."""

REFRESH_PAUSE: Final = 3600 * SECOND
"""µs until a calendar is due again that the handler has got; how reading it went changes that."""

NEXT_REFRESH: Final = "SELECT min(due) FROM calendar_subscription"
CLAIM_REFRESH: Final = """
UPDATE calendar_subscription SET due = ?1 + ?2 WHERE collection_id =
(SELECT collection_id FROM calendar_subscription WHERE due <= ?1 ORDER BY due LIMIT 1) RETURNING collection_id"""

ROWS: Final = "SELECT id, key, kind, message_id, data, created, due FROM outbox WHERE id > ? ORDER BY id LIMIT ?"
OWED: Final = f"""
SELECT EXISTS (SELECT 1 FROM outbox) OR coalesce(({NEXT_SNOOZE}), ({NEXT_REFRESH}), ({NEXT_ALARM})) IS NOT NULL"""  # noqa: S608 - constants
CLAIM: Final = "UPDATE outbox SET due = 0 WHERE id = ? AND due = ?"
DELETE: Final = "DELETE FROM outbox WHERE id = ?"


class OutboxRow(msgspec.Struct, frozen=True):
    """A change to be carried to another file. `key` is unique; `message_id` names the message it is about, if any,
    whose content is kept until then. `created`, `due`: µs UTC; `due` is 0 if the row is carried at once.
    """

    id: int
    key: bytes
    kind: str
    message_id: int | None
    data: bytes
    created: int
    due: int = 0


Handler: TypeAlias = Callable[[Account, OutboxRow], Awaitable[None]]
"""Function that carries one row over; called again for the same row after a crash or an error."""


class OutboxHandler(Protocol):
    """A carrier of rows of a kind."""

    async def carry(self, account: Account, row: OutboxRow) -> None:
        """A `Handler`."""


def loaded(make: Callable[[], OutboxHandler]) -> Handler:
    """A handler that is made with the first row: most servers need few of the modules."""
    late = Lazy(make)

    async def carry(account: Account, row: OutboxRow) -> None:
        await (await late.get()).carry(account, row)

    return carry


def _rows(r: Reader, after: int) -> list[OutboxRow]:
    return [OutboxRow(*row) for row in r.rows(ROWS, after, SLICE)]


def has_owed(r: Reader) -> bool:
    """Whether there is anything to be carried, now or later."""
    return bool(r.value(OWED))


class OutboxWorker:
    """The task that carries the outbox rows of one open account.

    Attributes:
      due: the earliest later moment, µs UTC, at which the account has to be open, None for none. It is right while
        `waits` is False.
    """

    def __init__(self, account: Account, handlers: Mapping[str, Handler], *, due: bool = False) -> None:
        """`due`: the account has something to carry; until the task has looked, that is as good as overdue."""
        self._account = account
        self._handlers = handlers
        self._wakeup = Wakeup()
        self._lock = trio.Lock()
        # Rows that failed: when to try again, and the delay after the next failure.
        self._later: dict[int, tuple[float, float]] = {}
        # Rows that wait for their time, which is soon: that time, and its moment by Trio's clock, which changes of the
        # system clock do not affect.
        self._held: dict[int, tuple[int, float]] = {}
        self.due: int | None = 0 if due else None

    @property
    def waits(self) -> bool:
        """Whether rows are being carried, or wait for their time, which is soon: the account stays open for them."""
        return self._lock.locked() or bool(self._held)

    def want(self) -> None:
        """Wake the task: a row was committed, or a handler registered."""
        self._wakeup.set()

    async def run(self) -> None:
        """Carry rows over, for ever.

        Errors: StoreError, OSError and TooSlowError of a handler are logged, and its row is tried again later. All
        others propagate; the next start goes on with the other rows.
        """
        while True:
            delay = await self.once()
            if self.due is not None:
                delay = min(delay, LONGEST_SLEEP)  # the clock may be set
            with trio.move_on_after(delay):
                await self._wakeup.wait()

    async def once(self) -> float:
        """Carry over all rows that are due, and let messages come back; returns the seconds until another one is
        due.
        """
        async with self._lock:
            self._wakeup.clear()
            after = 0
            seen: set[int] = set()
            dues: list[int] = []
            failed: list[int] = []
            # Read all rows, including waiting ones, to find the earliest due time. A row whose handler fails doesn't
            # block the rows after it.
            while rows := await self._account.read(lambda r, after=after: _rows(r, after), op="outbox"):  # type: ignore[misc]  # a default binds the loop's value
                for row in rows:
                    seen.add(row.id)
                    if _left(row) > SOON:
                        self._held.pop(row.id, None)
                        dues.append(row.due)
                    else:
                        await self._carry(row)
                        if row.id in self._later:
                            # The account may be closed until then: without users it is not kept open for the row.
                            age = (_now() - row.created) / SECOND
                            failed.append(_now() + int(max(LEAST_PAUSE, min(age, LAST_RETRY)) * SECOND))
                after = rows[-1].id
            self._later = {row_id: later for row_id, later in self._later.items() if row_id in seen}
            self._held = {row_id: held for row_id, held in self._held.items() if row_id in seen}
            dues += [
                due for due in (await self._come_back(), await self._refresh(), await self._ring()) if due is not None
            ]
            self.due = min([*dues, *failed], default=None)
            far = [trio.current_time() + max(0.0, min(dues) / SECOND - time.time())] if dues else []
            moments = [*far, *(moment for _, moment in self._held.values()), *(due for due, _ in self._later.values())]
            return max(0.0, min(moments, default=float("inf")) - trio.current_time())

    async def _carry(self, row: OutboxRow) -> None:
        handler = self._handlers.get(row.kind)
        due, delay = self._later.get(row.id, (0.0, FIRST_RETRY))
        if handler is None or trio.current_time() < max(due, self._held_until(row)):
            return
        # Stored before the call: whatever the handler raises, the next start goes on with the other rows.
        self._later[row.id] = (trio.current_time() + delay, min(delay * 2, LAST_RETRY))
        try:
            if row.due and not await self._account.write(lambda tx: _claim(tx, row)):
                self._held.pop(row.id, None)
                self._later.pop(row.id, None)
                self.want()
                return  # sending was undone, or the time was changed
            self._held.pop(row.id, None)
            with trio.fail_after(DEADLINE):
                await handler(self._account, row)
        except (StoreError, OSError, trio.TooSlowError) as error:
            logger.error(
                "failed to transfer outbox row",
                exc_info=error,
                extra={"kv": {"account": self._account.name, "kind": row.kind, "row": row.id, "retry_seconds": delay}},
            )
            return
        # By id, which no other row ever gets: the sender may have settled this row meanwhile (`outgoing.settle`), and a
        # debt written since must not go in its place.
        await self._account.database.write(lambda tx: _done(tx, row.id))
        self._later.pop(row.id, None)

    async def _come_back(self) -> int | None:
        """Let the messages come back that are due; returns the moment of the next one."""
        while (due := await self._account.read(next_snooze, op="snooze")) is not None and due <= _now():
            try:
                await self._account.write(wake)
            except StoreError as error:
                kv = {"account": self._account.name, "err": str(error), "retry_seconds": LAST_RETRY}
                logger.error("failed to unsnooze message", extra={"kv": kv})
                again = _now() + int(LAST_RETRY * SECOND)
                await self._account.write(lambda tx, again=again: postpone(tx, again))  # type: ignore[misc]  # a default binds the loop's value
        return due

    async def _refresh(self) -> int | None:
        """Pass the calendars that are due to the handler, which only begins to read them; returns the moment of the
        next one.
        """
        handler = self._handlers.get(REFRESH)
        while (due := await self._account.read(_next_refresh, op="refresh")) is not None and due <= _now():
            number = await self._account.write(lambda tx: tx.value(CLAIM_REFRESH, tx.now, REFRESH_PAUSE))
            if handler is not None and number is not None:
                await handler(self._account, OutboxRow(0, b"", REFRESH, None, str(number).encode(), _now()))
        return due

    async def _ring(self) -> int | None:
        """Have the alarms told that are due, and the next ones found; returns the moment of the next one."""
        handler = self._handlers.get(RING)
        while (due := await self._account.read(next_alarm, op="alarms")) is not None and due <= _now():
            if handler is None:  # a store without a server
                return None
            try:
                with trio.fail_after(DEADLINE):
                    await handler(self._account, OutboxRow(0, b"", RING, None, b"", _now()))
            except (StoreError, OSError, trio.TooSlowError) as error:
                kv = {"account": self._account.name, "retry_seconds": RING_RETRY}
                logger.error("calendar alerts failed", exc_info=error, extra={"kv": kv})
                again = _now() + int(RING_RETRY * SECOND)
                await self._account.write(lambda tx, again=again: postpone_alarms(tx, again))  # type: ignore[misc]  # a default binds the loop's value
        return due

    def _held_until(self, row: OutboxRow) -> float:
        """Due time of a row by Trio's clock. A system clock that was set back does not delay the row by more than its
        original waiting time.
        """
        if not row.due:
            return 0.0
        held = self._held.get(row.id)
        if held is None or held[0] != row.due:
            held = self._held[row.id] = row.due, trio.current_time() + _left(row)
        return held[1]


def _left(row: OutboxRow) -> float:
    """Seconds until a row is due; not more than there were when it was written."""
    return min(row.due - _now(), row.due - row.created) / SECOND if row.due else 0.0


def _now() -> int:
    return time.time_ns() // 1000


def _claim(tx: AccountTx, row: OutboxRow) -> bool:
    if row.kind == SUBMIT:
        return claim(tx, row.id, row.due, row.message_id, row.data)
    return bool(tx.execute(CLAIM, row.id, row.due))


def _done(tx: Tx, row_id: int) -> None:
    tx.execute(DELETE, row_id)


def _next_refresh(r: Reader) -> int | None:
    found: int | None = r.value(NEXT_REFRESH)
    return found
