"""Commands of the control socket about accounts that the guard has stopped: the server's side of ``moxlite queue guard
…`` (SMTP-170).
"""

from collections.abc import Mapping

from moxlite.admin.queueing.requests import Nothing, Release
from moxlite.admin.queueing.results import SentFrom, StoppedAccount
from moxlite.net.control.server import Command, Exchange
from moxlite.queue.control.answers import tried
from moxlite.queue.guard.stops import Stopped
from moxlite.queue.queue import Queue
from moxlite.queue.schedule import rfc3339


class GuardCommands:
    """The commands of one queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return {
            "queue guard list": Command(Nothing, self.list_stopped),
            "queue guard release": Command(Release, self.release),
        }

    async def list_stopped(self, args: Nothing, exchange: Exchange) -> list[StoppedAccount]:
        """All accounts that are stopped."""
        return [_shown(one) for one in await tried(self._queue.listings.stopped())]

    async def release(self, args: Release, exchange: Exchange) -> StoppedAccount:
        """Release an account, so that it can send again; returns the stop."""
        return _shown(await tried(self._queue.operations.release(args.account)))


def _shown(found: Stopped) -> StoppedAccount:
    stop, held = found.stop, found.held
    return StoppedAccount(
        account=stop.account,
        since=rfc3339(stop.since),
        sign=stop.sign.value,
        why=stop.why,
        messages=held.messages,
        recipients=held.recipients,
        domains=held.domains,
        oldest="" if held.oldest is None else rfc3339(held.oldest),
        sources=[SentFrom(one.address, rfc3339(one.first), rfc3339(one.last), one.messages) for one in found.sources],
    )
