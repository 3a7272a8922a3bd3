"""The background tasks of one open account: eraser, outbox, junk filter, text index, gatherer, others' tasks.

They have a supervisor of their own: a task that fails is started anew, and the faults of one account stay in it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeAlias

import trio

from moxlite.processor import act_for
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.errors import StoreError
from moxlite.supervision import Supervisor, open_supervisor

BackgroundTask: TypeAlias = Callable[[OpenAccount], Awaitable[None]]
"""Runs while an account is open, and ends by cancellation. A task that returns runs again at the next opening."""


class AccountTasks:
    """The background tasks of one open account.

    Args:
      registered: tasks besides the account's own ones, by name (``package.task``).

    Attributes:
      tree: the supervisor, while `run` runs.
    """

    def __init__(self, account: OpenAccount, registered: Mapping[str, BackgroundTask]) -> None:
        self._account = account
        self._tasks: dict[str, Callable[[], Awaitable[None]]] = {
            "store.eraser": account.eraser.run,
            "store.carrier": account.carrier.run,
            "store.trainer": account.trainer.run,
            "store.indexer": account.indexer.run,
            "store.gatherer": account.gatherer.run,
        }
        self._scope = trio.CancelScope()
        self._stopped = trio.Event()
        self.tree: Supervisor | None = None
        for name, task in registered.items():
            self.add(name, task)

    def add(self, name: str, task: BackgroundTask) -> None:
        """Run this task, too."""
        job = partial(task, self._account)
        if self.tree is None:
            self._tasks[name] = job
        else:
            self.tree.start(name, job)

    async def run(self) -> None:
        """Run all tasks until `stop`. Their use counts for the account, not for its caller (STORE-198).

        Errors: those that end every supervisor propagate; the supervisor handles all others.
        """
        act_for(self._account.name)
        try:
            with self._scope:
                async with open_supervisor(f"account {self._account.name}", plain=(StoreError,)) as self.tree:
                    for name, job in self._tasks.items():
                        self.tree.start(name, job)
                    await trio.sleep_forever()
        finally:
            self.tree = None
            self._stopped.set()

    async def stop(self) -> None:
        """Cancel all tasks; returns when they have ended. `run` must have been started."""
        self._scope.cancel()
        await self._stopped.wait()
