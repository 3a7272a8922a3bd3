"""The background tasks of one open account: eraser, outbox, junk filter, text index, and what other rooms registered.

A task that fails is started anew: a broken account ends neither the server nor its own other tasks.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeAlias

import trio

from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.errors import StoreError

__all__ = ["AccountTasks", "BackgroundTask"]

logger = logging.getLogger("moxlite.store.accounts")

TASK_RETRY: Final = 60.0
"""Seconds until a background task that failed starts again: a disk that is full or broken is not mended sooner."""

BackgroundTask: TypeAlias = Callable[[OpenAccount], Awaitable[None]]
"""Runs while an account is open, and ends by cancellation. One that returns runs again at the next opening."""


class AccountTasks:
    """The background tasks of one open account.

    Args:
      registered: what runs besides the account's own tasks.
    """

    def __init__(self, account: OpenAccount, registered: Iterable[BackgroundTask]) -> None:
        self._account = account
        self._tasks: list[BackgroundTask] = [_erase, _carry, _train, _index, *registered]
        self._scope = trio.CancelScope()
        self._nursery: trio.Nursery | None = None
        self._stopped = trio.Event()

    def add(self, task: BackgroundTask) -> None:
        """Run this task, too."""
        if self._nursery is None:
            self._tasks.append(task)
        else:
            self._nursery.start_soon(_guard, task, self._account)

    async def run(self) -> None:
        """Run all tasks until `stop`. Errors of a task are logged."""
        try:
            with self._scope:
                async with trio.open_nursery() as self._nursery:
                    for task in self._tasks:
                        self._nursery.start_soon(_guard, task, self._account)
        finally:
            self._nursery = None
            self._stopped.set()

    async def stop(self) -> None:
        """Cancel all tasks; returns when they have ended. `run` must have been started."""
        self._scope.cancel()
        await self._stopped.wait()


async def _erase(account: OpenAccount) -> None:
    await account.eraser.run()


async def _carry(account: OpenAccount) -> None:
    await account.carrier.run()


async def _train(account: OpenAccount) -> None:
    await account.trainer.run()


async def _index(account: OpenAccount) -> None:
    await account.indexer.run()


async def _guard(task: BackgroundTask, account: OpenAccount) -> None:
    """Run a background task, again and again if it fails."""
    while True:
        try:
            return await task(account)
        except Exception as error:
            # The one guard of background work, as each connection has one: the task may be another room's, or meet a
            # broken disk.
            logger.error(
                "background task failed",
                exc_info=None if isinstance(error, StoreError) else error,
                extra={
                    "kv": {
                        "account": account.name,
                        "err": f"{type(error).__name__}: {error}",
                        "retry_seconds": TASK_RETRY,
                    }
                },
            )
        await trio.sleep(TASK_RETRY)
