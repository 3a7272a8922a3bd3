"""Commands of the control socket about suppression lists: the server's side of ``moxlite queue suppress …``."""

from collections.abc import Mapping

from moxlite.admin.queueing.requests import ListSuppressions, Suppress
from moxlite.admin.queueing.results import Suppressed
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.queue.control.answers import tried
from moxlite.queue.queue import Queue
from moxlite.queue.schedule import rfc3339
from moxlite.store.delivery.accountqueue import Suppression


class SuppressCommands:
    """The commands of one queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return {
            "queue suppress list": Command(ListSuppressions, self.list_suppressions),
            "queue suppress add": Command(Suppress, self.add),
            "queue suppress remove": Command(Suppress, self.remove),
            "queue suppress lookup": Command(Suppress, self.look_up),
        }

    async def list_suppressions(self, args: ListSuppressions, exchange: Exchange) -> list[Suppressed]:
        """Run the command that lists suppressed addresses, of one account or of all."""
        found = self._queue.suppressions(args.account, after=(args.after_account, args.after_base), limit=args.n)
        return [_shown(one) for one in await tried(found)]

    async def add(self, args: Suppress, exchange: Exchange) -> None:
        """Add an address to the list of an account."""
        snapshot = self._queue.ctx.config.current
        if snapshot.account(args.account) is None:
            raise CommandFailed("notFound", snapshot.no_account(args.account), "account")
        await tried(self._queue.add_suppression(args.account, args.address, args.reason), "address")

    async def remove(self, args: Suppress, exchange: Exchange) -> None:
        """Remove an address from the list of an account."""
        await tried(self._queue.remove_suppression(args.account, args.address))

    async def look_up(self, args: Suppress, exchange: Exchange) -> list[Suppressed]:
        """The entry that matches an address, as a list of at most one."""
        found = await tried(self._queue.suppression(args.account, args.address))
        return [] if found is None else [_shown(found)]


def _shown(entry: Suppression) -> Suppressed:
    return Suppressed(
        account=entry.account,
        address=entry.original_address,
        base=entry.base_address,
        manual=entry.manual,
        reason=entry.reason,
        created=rfc3339(entry.created),
        expires="" if entry.expires is None else rfc3339(entry.expires),
    )
