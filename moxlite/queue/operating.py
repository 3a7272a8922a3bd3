"""Operations of administrators on queued messages, hold rules and stopped senders."""

import logging
from collections.abc import Callable
from typing import TypeVar

from moxlite.admin.queueing.filters import Filter
from moxlite.queue import operations
from moxlite.queue.context import Context
from moxlite.queue.data import holdrules
from moxlite.queue.data.holdrules import HoldRule
from moxlite.queue.errors import NotStopped, UnknownTransport
from moxlite.queue.guard.stops import Stopped, release
from moxlite.queue.record import policy_of
from moxlite.queue.schedule import SECOND
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Tx

logger = logging.getLogger("moxlite.queue")

T = TypeVar("T")


class Operations:
    """Changes by administrators. Changes of messages return how many were changed, and raise BadFilter."""

    def __init__(self, ctx: Context, database: Database, changed: Callable[[], None]) -> None:
        """`changed` is called after each change, so that what is due is looked at again."""
        self._ctx = ctx
        self._database = database
        self._changed = changed

    async def hold(self, wanted: Filter) -> int:
        """Hold messages: no attempts until they are released."""
        return await self.change(lambda tx, now: operations.hold_messages(tx, wanted, now))

    async def unhold(self, wanted: Filter) -> int:
        """Release messages from hold, including messages that the guard holds."""
        return await self.change(lambda tx, now: operations.unhold_messages(tx, wanted, now, guarded=True))

    async def schedule(self, wanted: Filter, delta: float, *, from_now: bool = False) -> int:
        """Move the next attempt by `delta` seconds (may be negative), or with `from_now` to `delta` seconds from now.
        Pauses of hosts end.
        """
        microseconds = int(delta * SECOND)
        self._ctx.load.forget(self._ctx.clock())
        return await self.change(
            lambda tx, now: operations.schedule_messages(tx, wanted, now, delta=microseconds, from_now=from_now)
        )

    async def set_transport(self, wanted: Filter, transport: str) -> int:
        """Set the transport; an empty name lets the routes choose again. Raises UnknownTransport."""
        if transport and transport not in self._ctx.config.current.static.transports:
            raise UnknownTransport(f"unknown transport {transport!r}")
        return await self.change(lambda tx, now: operations.set_transport(tx, wanted, now, transport=transport))

    async def set_require_tls(self, wanted: Filter, require_tls: bool | None) -> int:
        """Demand verified TLS (True), ignore all policies (False), or do as usual (None)."""
        return await self.change(lambda tx, now: operations.set_require_tls(tx, wanted, now, require_tls=require_tls))

    async def fail(self, wanted: Filter) -> int:
        """Fail messages, with DSNs to their senders."""
        policy = policy_of(self._ctx)
        return await self.change(lambda tx, _: operations.fail_messages(tx, wanted, policy))

    async def drop(self, wanted: Filter) -> int:
        """Remove messages without DSNs."""
        policy = policy_of(self._ctx)
        return await self.change(lambda tx, _: operations.drop_messages(tx, wanted, policy))

    async def hold_rules(self) -> list[HoldRule]:
        """Return all rules that hold messages back."""
        return await self._database.read(holdrules.hold_rules, op="queue hold rules")

    async def add_hold_rule(self, *, account: str = "", sender: str = "", recipient: str = "") -> tuple[int, int]:
        """Hold matching messages, queued and future ones. Sender and recipient are domains or addresses; all empty
        holds every message.

        Returns the rule's id and how many messages were held. Raises BadFilter.
        """
        sender_localpart, sender_domain = holdrules.parse_party(sender, "sender")
        recipient_localpart, recipient_domain = holdrules.parse_party(recipient, "recipient")
        rule = HoldRule(
            account=account,
            sender_localpart=sender_localpart,
            sender_domain=sender_domain,
            recipient_localpart=recipient_localpart,
            recipient_domain=recipient_domain,
        )
        return await self.change(lambda tx, _: holdrules.add_hold_rule(tx, rule))

    async def remove_hold_rule(self, rule_id: int) -> bool:
        """Remove a rule; messages that it held stay on hold. Returns False if there is no such rule."""
        return await self.change(lambda tx, _: holdrules.remove_hold_rule(tx, rule_id))

    async def release(self, account: str) -> Stopped:
        """Release an account and its messages held by the guard; returns the stop. Raises NotStopped."""
        found = await self.change(lambda tx, now: release(tx, account, now))
        if found is None:
            raise NotStopped(f"account {account!r} is not stopped")
        logger.info("account released", extra={"kv": {"account": account, "messages": found.held.messages}})
        return found

    async def change(self, unit: Callable[[Tx, int], T]) -> T:
        """Run a unit, which gets the time (µs UTC) as well, and have what is due looked at again."""
        now = self._ctx.clock()
        result = await self._database.write(lambda tx: unit(tx, now))
        self._changed()
        return result
