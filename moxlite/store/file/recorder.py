"""Recorder of entries that must never delay their maker: they pass a short queue, and one task writes all waiting
entries in one unit. Entries that wait when the process is killed are lost.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

import trio

from moxlite.metrics import Counter
from moxlite.store.errors import StoreError

T = TypeVar("T")

WRITE_SECONDS: Final = 5.0
"""Seconds allowed for one unit: many fsyncs of a slow card. A shutdown waits at most twice that long."""


class Recorder(Generic[T]):
    """Queue between the makers of entries and the writer of a database.

    Args:
      write: writes entries in a unit; returns the number that did not fit, or None if all always fit. May raise
        StoreError.
      size: number of entries that may wait; further ones are dropped and counted.
      dropped: counter of entries that were not written.
      failure: log text for entries that the file did not take.
    """

    def __init__(
        self,
        write: Callable[[list[T]], Awaitable[int | None]],
        *,
        size: int,
        dropped: Counter,
        logger: logging.Logger,
        failure: str,
    ) -> None:
        self._write_unit = write
        self._dropped = dropped
        self._logger = logger
        self._failure = failure
        self._send, self._receive = trio.open_memory_channel[T](size)

    def record(self, entry: T) -> bool:
        """Hand over an entry; never waits. If the queue is full, the entry is dropped and counted; returns False."""
        try:
            self._send.send_nowait(entry)
        except trio.WouldBlock:
            self._dropped.inc()
            return False
        return True

    async def serve(self) -> None:
        """Write entries, all waiting ones in one unit, until cancelled; entries that wait then are still written.

        Errors: entries that the file does not take are dropped, counted and logged.
        """
        try:
            while True:
                await self._write([await self._receive.receive(), *self._waiting()])
        finally:
            rest = self._waiting()
            if rest:
                await self._write(rest)

    def _waiting(self) -> list[T]:
        waiting: list[T] = []
        while True:
            try:
                waiting.append(self._receive.receive_nowait())
            except trio.WouldBlock:
                return waiting

    async def _write(self, entries: list[T]) -> None:
        """Write entries, also during shutdown; a file that cannot be written must not end the server."""
        with trio.move_on_after(WRITE_SECONDS, shield=True) as scope:
            try:
                left_out = await self._write_unit(entries)
                self._dropped.inc(left_out or 0)
            except StoreError as error:
                self._dropped.inc(len(entries))
                self._logger.warning(self._failure, extra={"kv": {"err": str(error), "count": len(entries)}})
        if scope.cancelled_caught:
            self._dropped.inc(len(entries))
