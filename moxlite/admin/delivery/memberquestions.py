"""Questions to new members of aliases at other servers, however the configuration got them (SMTP-166), and to the
owners of addresses that a script has begun to name (SMTP-160a).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio

from moxlite.lazyimport import Lazy
from moxlite.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from moxlite.admin.delivery.forwarding import Forwarding
    from moxlite.config.holder import ConfigHolder
    from moxlite.config.snapshot import Snapshot
    from moxlite.store.changelog.account import Account
    from moxlite.store.upkeep.outbox import OutboxRow

logger = logging.getLogger("moxlite.admin.delivery.memberquestions")


class MemberQuestions:
    """Asks the owner of each new member once. A question that fails is put again after the next change of the file.

    Args:
      forwarding: makes what puts the questions; loaded where an alias has such members.
    """

    def __init__(self, config: ConfigHolder, forwarding: Callable[[], Forwarding]) -> None:
        self._config = config
        self._forwarding = Lazy(forwarding)
        self._known: set[tuple[str, str]] = set()
        self._changed = trio.Event()

    def reconfigured(self, _old: Snapshot, _new: Snapshot) -> None:
        """Look for new members."""
        self._changed.set()

    async def serve(self) -> None:
        """Ask after each change of the configuration, for ever."""
        while True:
            self._changed = trio.Event()  # before the look: a change during the questions begins another round
            wanted = members(self._config.current)
            self._known &= wanted
            for account, address in sorted(wanted - self._known):
                await self._ask(account, address)
            await self._changed.wait()

    async def _ask(self, account: str, address: str) -> None:
        forwarding = await self._forwarding.get()
        from moxlite.admin.delivery.forwarding import NoWayToAsk

        try:
            found = await forwarding.find(account, address)
            if found is not None and found.is_new:
                await forwarding.ask(account, address)
        except (NoWayToAsk, StoreError) as error:
            kv = {"account": account, "err": str(error)}
            logger.warning("failed to email new alias member", extra={"kv": kv})
        else:
            self._known.add((account, address))

    async def carry(self, account: Account, row: OutboxRow) -> None:
        """The handler of outbox rows of the kind `QUESTIONS`, which scripts write. Raises StoreError."""
        forwarding = await self._forwarding.get()
        for problem in await forwarding.ask_new(account.name):
            logger.warning(
                "failed to send forwarding confirmation", extra={"kv": {"account": account.name, "err": problem}}
            )


def members(snapshot: Snapshot) -> set[tuple[str, str]]:
    """The members of all aliases at other servers, each with the account that sends to it."""
    return {
        (alias.carrier.account, str(address))
        for aliases in snapshot.derived.aliases_of.values()
        for alias in aliases
        if alias.carrier is not None
        for address in alias.external
    }
