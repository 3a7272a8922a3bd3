"""The tasks of rooms beside a test, as the server runs them: `await nursery.start(supervised, accounts, auth)`."""

from typing import Protocol

import trio

from moxlite.store.accounts.accounts import Accounts
from moxlite.supervision import Supervisor, open_supervisor

__all__ = ["Room", "supervised"]


class Room(Protocol):
    """What has tasks for a supervisor."""

    def start(self, tree: Supervisor) -> None:
        """Start them."""
        ...


async def supervised(*rooms: Room, task_status: trio.TaskStatus[Supervisor] = trio.TASK_STATUS_IGNORED) -> None:
    """Run the tasks of rooms until cancelled; accounts are closed then. Starts with the supervisor."""
    try:
        async with open_supervisor("test") as tree:
            for room in rooms:
                room.start(tree)
            task_status.started(tree)
            await trio.sleep_forever()
    finally:
        for room in rooms:
            if isinstance(room, Accounts):
                await room.aclose()
