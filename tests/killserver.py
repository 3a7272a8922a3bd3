"""`python -m tests.killserver ARGS`: moxlite that ends by SIGKILL at a point of its own, with a locked account `loc`.

The variable KILL_AT names the point, one of `POINTS`: each is between two commits of a message that several accounts
get. The account is locked while the file LOCKED exists.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from moxlite.cli import run
from moxlite.queue import localdelivery, notices
from moxlite.queue.queue import Queue
from moxlite.smtpd.commands import mail
from moxlite.smtpd.incoming import storing
from moxlite.store.errors import StorageBusy

POINTS = (
    "before the first account",
    "after the first account",
    "after the row of the queue",
    "after the account that was locked",
    "after the notice",
)
"""The first three are before the client hears 250, the others after it."""


def die() -> None:
    """End at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def dying(real: Callable[..., Awaitable[Any]], point: str, *, before: bool = False) -> Callable[..., Awaitable[Any]]:
    """The same function, which ends the process at this point."""

    async def call(*args: Any, **more: Any) -> Any:
        if before and os.environ.get("KILL_AT") == point:
            die()
        found = await real(*args, **more)
        if os.environ.get("KILL_AT") == point:
            die()
        return found

    return call


def locked(name: str) -> bool:
    """Whether the account is locked now."""
    return name == "loc" and os.path.exists(os.environ["LOCKED"])


def locking(real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The same function, for which the account is locked."""

    async def perform(account: Any, *args: Any, **more: Any) -> Any:
        if locked(account.name):
            raise StorageBusy("another process locks the file")
        return await real(account, *args, **more)

    return perform


async def proven(*_: object) -> bool:
    """Stands for an SPF pass: several recipients may be in a transaction."""
    return True


def main() -> int:
    """Plant the point and run the command."""
    setattr(mail, "has_proof", proven)  # noqa: B010
    stored = dying(getattr(storing, "perform"), POINTS[0], before=True)  # noqa: B009 - imported there
    setattr(storing, "perform", locking(dying(stored, POINTS[1])))  # noqa: B010 - of another type
    setattr(Queue, "defer", dying(Queue.defer, POINTS[2]))  # noqa: B010
    setattr(localdelivery, "perform", locking(dying(getattr(localdelivery, "perform"), POINTS[3])))  # noqa: B009, B010
    setattr(notices, "deliver_notice", dying(getattr(notices, "deliver_notice"), POINTS[4]))  # noqa: B009, B010
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
