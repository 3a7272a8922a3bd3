"""State of one account name: the open account, its users and background tasks; `Accounts` has one for each."""

from __future__ import annotations

import trio

from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.accounts.tasks import AccountTasks


class Slot:
    """State of one account name.

    Attributes:
      account: the open account, None while it is closed.
      users: number of blocks that use it now.
      idle_since: time at which the last user left (of the loop's clock).
      opened: time at which it was opened last.
      linger: seconds that it stays open without users, as the longest of them wanted.
      removed: it is being removed, and cannot be used any more.
      lock: held while the account is opened, created, closed or removed.
      tasks: its background tasks, None before they start.
      left: set when the last user has left.
    """

    __slots__ = ("account", "idle_since", "left", "linger", "lock", "opened", "removed", "tasks", "users")

    def __init__(self) -> None:
        self.account: OpenAccount | None = None
        self.users = 0
        self.idle_since = 0.0
        self.opened = 0.0
        self.linger = 0.0
        self.removed = False
        self.lock = trio.Lock()
        self.tasks: AccountTasks | None = None
        self.left = trio.Event()

    async def deserted(self) -> None:
        """Sleep while the account has users."""
        while self.users:
            if self.left.is_set():  # an event that is not set may have another call waiting for it
                self.left = trio.Event()
            await self.left.wait()
