"""A clock that is set back delays nothing that waits in the queue (QUEUE-16a).

The clock of a small machine may start wrong and be corrected later. A retry, a call or a DSN that waits for a time of
the old clock would wait as much longer as the clock went back. So all these times go back with it. Release times that
a sender has asked for stay: they mean the calendar.

While the server runs, the step is known exactly from the monotonic clock. After a start, it is known from the latest
time in a waiting row: this was in the past once. No time of a waiting row is later than the clock when its rows have
been moved, so that they are moved once for each step, however often the server starts.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Final

import trio

from moxlite.queue.context import Context
from moxlite.queue.schedule import SECOND
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Reader, Tx
from moxlite.wakeup import Wakeup

logger = logging.getLogger("moxlite.queue.clockback")

SET_BACK: Final = 2 * SECOND
"""Microseconds by which a clock must go back to count as set: corrections of NTP between two looks are shorter."""

LOOK_SECONDS: Final = 1800.0
"""Seconds between two looks. NTP slews a clock by 0.0005 at most (adjtimex(2)), which is less than `SET_BACK` then."""

# Only times that were the present once: `next_attempt` may be far ahead by the sender's wish.
LATEST: Final = """
SELECT max(coalesce((SELECT max(queued) FROM msg), 0), coalesce((SELECT max(last_attempt) FROM msg), 0),
    coalesce((SELECT max(max(submitted, coalesce(json_extract(results, '$[#-1].start'), 0))) FROM hook), 0))"""
MOVE_MESSAGES: Final = """
UPDATE msg SET queued = min(queued, ?1), last_attempt = min(last_attempt, ?1),
    next_attempt = next_attempt - iif(attempts = 0 AND future_release_request LIKE 'until;%', 0, ?2),
    dsn_next = dsn_next - iif(dsn_due = '', 0, ?2)"""
MOVE_HOOKS: Final = """
UPDATE hook SET submitted = min(submitted, ?1), next_attempt = next_attempt - ?2, results = iif(
    json_extract(results, '$[#-1].start') > ?1, json_set(results, '$[#-1].start', ?1), results)"""


def latest_time(r: Reader) -> int:
    """The latest time at which a message or call that waits was queued or tried, µs UTC; 0 if none waits."""
    return int(r.value(LATEST))


def move_back(tx: Tx, now: int, step: int) -> int:
    """Move the times of all that waits back by `step` µs; times of the past that would be later than `now` (µs UTC)
    become `now`. Returns how many rows wait.
    """
    return tx.execute(MOVE_MESSAGES, now, step) + tx.execute(MOVE_HOOKS, now, step)


def catch_up(tx: Tx, now: int) -> None:
    """Move what waits, at the start, if the clock is behind it."""
    step = latest_time(tx) - now
    if step > SET_BACK:
        _tell(move_back(tx, now, step), step)


class ClockFollower:
    """Moves what waits with the clock, while the server runs."""

    def __init__(self, ctx: Context, database: Database, changed: Callable[[], None]) -> None:
        """`changed` is called after each look, since a clock that was set may have made something due."""
        self._ctx = ctx
        self._database = database
        self._changed = changed
        self._wake = Wakeup()
        self._offset = self._now_offset()

    def look(self) -> None:
        """The clock was set: look at it soon."""
        self._wake.set()

    async def serve(self) -> None:
        """Follow the clock, for ever.

        Errors: exceptions of the database are raised; a restarted `serve` makes up for the step.
        """
        while True:
            with trio.move_on_after(LOOK_SECONDS):
                await self._wake.wait()
            self._wake.clear()
            await self._follow()
            self._changed()

    async def _follow(self) -> None:
        offset = self._now_offset()
        step = self._offset - offset
        if step > SET_BACK:
            self._ctx.load.forget(self._ctx.clock())  # a pause of minutes would last for the step, too
            _tell(await self._database.write(partial(move_back, now=self._ctx.clock(), step=step)), step)
        self._offset = offset

    def _now_offset(self) -> int:
        """Microseconds that the wall clock is ahead of the monotonic one."""
        return self._ctx.clock() - self._ctx.elapsed()


def _tell(number: int, step: int) -> None:
    if number:
        facts = {"number": number, "seconds": step / SECOND}
        logger.warning("clock set back, queued times adjusted", extra={"kv": facts})
