"""The queue: takes messages, delivers them, and offers operations on them (docs/spec/queue.md)."""

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import trio

from moxlite.proto.address import Domain
from moxlite.queue import metrics, operations, record
from moxlite.queue.assurance import assurance_of
from moxlite.queue.bounces.blocks import Block
from moxlite.queue.context import Context
from moxlite.queue.data import holdrules
from moxlite.queue.data.content import drop_unused, encoded, octets
from moxlite.queue.data.filters import Filter, Page, RetiredFilter, RetiredPage
from moxlite.queue.data.holdrules import HoldRule
from moxlite.queue.data.retire import clean_retired
from moxlite.queue.data.rows import Message, Retired
from moxlite.queue.data.status import Watchers, clean_outcomes, statuses, was_sent
from moxlite.queue.data.suppression import (
    add_suppression,
    clean_suppressions,
    for_message,
    remove_suppression,
    suppression_of,
    suppressions,
)
from moxlite.queue.errors import NoSuchMessage, NotStopped, SendingStopped, UnknownTransport
from moxlite.queue.explaining.explain import explain, message_to, waiting_for
from moxlite.queue.explaining.values import Explanation
from moxlite.queue.guard.signs import clean_signs, limits_from
from moxlite.queue.guard.stops import Stopped, clean_stops, number_of_stops, release, stop_of, stops
from moxlite.queue.guard.telling import Guard
from moxlite.queue.guard.units import take
from moxlite.queue.localdelivery.inbound import add_deferred
from moxlite.queue.mirror import Mirror
from moxlite.queue.operations import Counts
from moxlite.queue.reports.daily import DailyReports
from moxlite.queue.reports.dmarc import DMARCReports
from moxlite.queue.reports.tls import TLSReports
from moxlite.queue.schedule import SECOND, delay_after
from moxlite.queue.scheduler import Scheduler, policy_of
from moxlite.queue.submit import receipt_of
from moxlite.queue.webhooks.keeping import recover_calls
from moxlite.queue.webhooks.webhooks import WebhookQueue
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.apiqueue import Receipt, Suppression
from moxlite.store.delivery.deferred import Deferred
from moxlite.store.delivery.status import RecipientStatus
from moxlite.store.delivery.submission import Submission
from moxlite.store.errors import StoreError
from moxlite.store.file.database import Database, Kind
from moxlite.store.file.transaction import Tx
from moxlite.store.options import Options
from moxlite.submission.assurance import Assurance, not_asked
from moxlite.supervision import Supervisor
from moxlite.wakeup import Wakeup

__all__ = ["Queue"]

logger = logging.getLogger("moxlite.queue")

T = TypeVar("T")

SCHEDULER: Final = "queue.scheduler"
WEBHOOKS: Final = "queue.webhooks"
"""Names of the tasks that make attempts and calls."""

FIRST_CLEANING_SECONDS: Final = 3.0
CLEANING_SECONDS: Final = 3600.0
"""Seconds between two removals of expired rows (QUEUE-25)."""

KEY_LIFE: Final = 7 * 24 * 3600 * SECOND
"""µs for which the key of a submission is kept after its last row was removed (STORE-189)."""

SEEN_KEYS: Final = """
UPDATE unit_key SET live = ? WHERE EXISTS (SELECT 1 FROM msg WHERE msg.id BETWEEN first_id AND last_id)"""
OLD_KEYS: Final = "DELETE FROM unit_key WHERE live < ?"


class Queue:
    """The queue of outgoing mail, made by `open`. Methods may be called from any task; each change is durable when its
    method returns.
    """

    def __init__(self, ctx: Context, database: Database) -> None:
        self.ctx = ctx
        self._database = database
        self.mirror = Mirror(ctx, database)
        self._watchers = Watchers()
        self.webhooks = WebhookQueue(ctx, database, self._watchers.changed)
        self.guard = Guard(ctx, database)
        self.scheduler = Scheduler(ctx, database, self._also_changed, self._watchers.changed, self.guard.began)
        self.tls_reports = DailyReports(ctx, TLSReports(ctx, self.submit, self.scheduler.sessions))
        self.dmarc_reports = DailyReports(ctx, DMARCReports(ctx, self.submit))

    @classmethod
    @asynccontextmanager
    async def open(
        cls, path: Path, ctx: Context, options: Options | None = None, *, create: bool = False
    ) -> AsyncIterator["Queue"]:
        """Open queue.db, or with `create` make it if it is missing. Attempts that were under way when the last process
        ended are marked as interrupted.

        Raises StoreError; the server then runs without its queue (QUEUE-158).
        """
        database = await Database.open(path, Kind.QUEUE, options=options or Options(), create=create)
        try:
            interrupted = await database.write(_recover)
            if interrupted:
                logger.info("deliveries were interrupted", extra={"kv": {"number": interrupted}})
            yield cls(ctx, database)
        finally:
            await database.aclose()

    def _also_changed(self) -> None:
        self.mirror.changed()
        self.webhooks.caller.changed()

    def start(self, tree: Supervisor, attempts: trio.Nursery) -> None:
        """Start the queue's tasks in `tree`; delivery attempts are tasks of `attempts`.

        To end: `stop`, and give `attempts` a deadline (QUEUE-15).
        """
        tree.start("queue.database", self._database.serve)
        tree.start("queue.clean", self._clean)
        tree.start("queue.mirror", self.mirror.serve)
        tree.start("queue.policies", self.ctx.policies.serve)
        tree.start("queue.source", self.ctx.ipv6.serve)
        tree.start("queue.cache", self.ctx.policies.serve_file)
        tree.start("queue.notices", self.scheduler.serve_notices)
        tree.start("queue.guard", self.guard.serve)
        if self.ctx.reports is not None:
            tree.start("queue.tls-sessions", self.scheduler.sessions.serve)
            if not self.ctx.reports.broken:  # /readyz names it
                tree.start("queue.tls-reports", self.tls_reports.serve)
                tree.start("queue.dmarc-reports", self.dmarc_reports.serve)
        tree.start(SCHEDULER, partial(self.scheduler.serve, attempts))
        tree.start(WEBHOOKS, partial(self.webhooks.caller.serve, attempts))

    def clock_set(self) -> None:
        """Look again for due work: the wall clock was set."""
        self.scheduler.changed()
        self.tls_reports.look()
        self.dmarc_reports.look()

    async def stop(self, tree: Supervisor) -> None:
        """Begin no more attempts and calls; attempts under way continue."""
        await tree.stop(SCHEDULER)
        await tree.stop(WEBHOOKS)

    async def submit(self, submission: Submission, spool: Spool) -> list[int]:
        """Queue a message for its recipients, all or none; returns the ids of their rows, in order, after the commit.

        A submission with a known key adds nothing, and returns the ids of the first time. The caller keeps the spool.

        Raises QueueFull, FromIDTaken, SendingStopped, StorageFull, StorageBroken.
        """
        await spool.finish()
        now = self.ctx.clock()
        async with encoded(self._database, spool) as content:
            mirrored = self.mirror.wants(submission.account)
            limits_of = limits_from(self.ctx.config.current)
            unit = partial(
                take, submission=submission, content=content, now=now, limits_of=limits_of, mirrored=mirrored
            )
            ids, stop = await self._database.write(unit, weight=spool.size or 1)
        if stop is not None:
            self.guard.began([stop])
        logger.info(
            "message queued",
            extra={
                "kv": {
                    "ids": ",".join(map(str, ids[:10])),
                    "recipients": len(ids),
                    "account": submission.account,
                    "mailfrom": submission.mail_from or "<>",
                    "size": len(submission.prefix) + spool.size,
                    "messageid": submission.message_id or None,
                }
            },
        )
        self.scheduler.changed()
        self._watchers.changed([submission.account])
        return ids

    async def receipt(self, key: bytes) -> Receipt | None:
        """The submission with this key in the last 7 days, or None."""
        return await self._database.read(partial(receipt_of, key=key), op="queue receipt")

    async def defer(self, deferred: Sequence[Deferred], spool: Spool) -> None:
        """Queue deliveries to accounts of this server that cannot take a message now, all or none (QUEUE-28). The
        caller keeps the spool.

        Raises QueueFull, StorageFull, StorageBroken.
        """
        await spool.finish()
        now = self.ctx.clock()
        delay = delay_after(1, self.ctx.config.current.static.queue.retry_delays, self.ctx.random)
        async with encoded(self._database, spool) as content:
            unit = partial(add_deferred, deferred=deferred, content=content, now=now, delay=delay)
            ids = await self._database.write(unit, weight=spool.size or 1)
        for one in deferred:
            facts = {"ids": ",".join(map(str, ids[:10])), "account": one.account, "mailfrom": one.sender or "<>"}
            logger.info("message waits for an account", extra={"kv": facts | {"reply": f"{one.code} {one.text}"}})
        self.scheduler.changed()

    # For senders: `store.delivery.status.Deliveries`

    async def was_sent(self, account: str, address: str, message_id: str, recipients: Sequence[str]) -> bool:
        """Whether an account ("" for any) has sent, in the last 30 days, a message that a notification may be about:
        one with the unique sender address `address`, with this Message-ID, or to one of the recipients (SMTP-110).

        Raises StoreError.
        """
        from_id = self.webhooks.incoming.from_id(address)
        return await self._database.scan(
            partial(
                was_sent,
                account=account,
                from_id=from_id,
                message_id=message_id,
                recipients=recipients,
            ),
            op="queue sent",
        )

    async def status(self, account: str, message_id: str) -> list[RecipientStatus]:
        """Delivery status by recipient of an account's messages with a Message-ID (QUEUE-175)."""
        settings = self.ctx.config.current.static.queue
        return await self._database.scan(
            partial(
                statuses,
                account=account,
                message_id=message_id,
                retry_delays=settings.retry_delays,
                max_attempts=settings.max_attempts,
            ),
            op="queue status",
        )

    def watch(self, account: str) -> AbstractContextManager[Wakeup]:
        """A wake-up flag that is set, within the block, when the status of an account's messages changes."""
        return self._watchers.watch(account)

    async def try_now(self, account: str, ids: Sequence[int]) -> int:
        """Make the next attempt for these messages of an account at once; returns their number. Messages that the guard
        holds stay on hold.
        """
        if not ids:
            return 0
        wanted = Filter(ids=tuple(ids), account=account)
        await self._change(lambda tx, now: operations.unhold_messages(tx, wanted, now, guarded=False))
        return await self.schedule(wanted, 0, from_now=True)

    async def cancel(self, account: str, ids: Sequence[int]) -> int:
        """Remove these messages of an account from the queue; returns how many."""
        return await self.drop(Filter(ids=tuple(ids), account=account)) if ids else 0

    async def check_sending(self, account: str) -> None:
        """Raise SendingStopped while the account is stopped (SMTP-170)."""
        stop = await self._database.read(partial(stop_of, account=account), op="queue stop")
        if stop is not None:
            raise SendingStopped(stop.since)

    async def assure(self, domain: Domain) -> Assurance:
        """How well mail to a domain would be protected (`submission.assurance.Assure`); no look-ups in localserve."""
        if self.ctx.loopback is not None:
            return await not_asked(domain)
        return await assurance_of(domain, self.ctx.resolver, self.ctx.policies, self.ctx.random)

    # Accounts that the guard has stopped (SMTP-170)

    async def stopped(self) -> list[Stopped]:
        """The stopped accounts, with their held messages."""
        now = self.ctx.clock()
        return await self._database.scan(partial(stops, now=now), op="queue stops")

    async def release(self, account: str) -> Stopped:
        """Release an account and its messages held by the guard; returns the stop. Raises NotStopped."""
        found = await self._change(lambda tx, now: release(tx, account, now))
        if found is None:
            raise NotStopped(f"account {account!r} is not stopped")
        logger.info("account released", extra={"kv": {"account": account, "messages": found.held.messages}})
        return found

    # Suppression lists; addresses and accounts as typed by people

    async def suppressions(self, account: str = "") -> list[Suppression]:
        """The suppression list of an account, or the lists of all accounts if the name is empty."""
        now = self.ctx.clock()
        return await self._database.scan(partial(suppressions, account=account, now=now), op="queue suppressions")

    async def suppression(self, account: str, address: str) -> Suppression | None:
        """The account's suppression entry for an address, or None. Raises BadFilter."""
        now = self.ctx.clock()
        lookup = partial(suppression_of, account=account, address=address, now=now)
        return await self._database.read(lookup, op="queue suppression")

    async def add_suppression(self, account: str, address: str, reason: str = "", *, manual: bool = True) -> None:
        """Add an address to an account's suppression list. Raises AlreadySuppressed, BadFilter."""
        await self._change(lambda tx, now: add_suppression(tx, account, address, reason, now, manual=manual))

    async def remove_suppression(self, account: str, address: str) -> None:
        """Remove an address from an account's suppression list. Raises NotSuppressed, BadFilter."""
        await self._change(lambda tx, now: remove_suppression(tx, account, address, now))

    # Reading

    async def list_messages(self, wanted: Filter | None = None, page: Page | None = None) -> list[Message]:
        """One page of messages (QUEUE-23, QUEUE-24). Raises BadFilter."""
        now = self.ctx.clock()
        return await self._database.scan(
            lambda r: operations.list_messages(r, wanted or Filter(), page or Page(), now), op="queue list"
        )

    async def get(self, message_id: int) -> Message:
        """One message. Raises NoSuchMessage."""
        message = await self._database.read(lambda r: record.get(r, message_id), op="queue get")
        if message is None:
            raise NoSuchMessage(f"no message {message_id} in the queue")
        return message

    async def dump(self, message_id: int) -> AsyncIterator[bytes]:
        """The octets of a message, prefix and content. Raises NoSuchMessage."""
        message = await self.get(message_id)
        async for piece in octets(self._database, message):
            yield piece

    async def counts(self) -> Counts:
        """Number of messages, number on hold, and time of the next attempt."""
        return await self._database.scan(operations.count, op="queue counts")

    async def count(self, wanted: Filter) -> int:
        """Number of messages that a filter chooses. Raises BadFilter."""
        now = self.ctx.clock()
        return await self._database.scan(lambda r: operations.count_chosen(r, wanted, now), op="queue count")

    def blocks(self) -> list[Block]:
        """Recent replies of hosts that block this server's IP address, the latest first (QUEUE-184)."""
        return self.scheduler.blocks.listed(self.ctx.clock())

    async def list_retired(self, wanted: RetiredFilter | None = None, page: RetiredPage | None = None) -> list[Retired]:
        """One page of finished messages. Raises BadFilter."""
        now = self.ctx.clock()
        return await self._database.scan(
            lambda r: operations.list_retired(r, wanted or RetiredFilter(), page or RetiredPage(), now),
            op="queue retired",
        )

    async def get_retired(self, message_id: int) -> Retired:
        """One finished message. Raises NoSuchMessage."""
        found = await self._database.read(lambda r: operations.get_retired(r, message_id), op="queue get retired")
        if found is None:
            raise NoSuchMessage(f"no finished message {message_id}")
        return found

    async def explain(self, recipient: str, sender: str = "", *, connect: bool = False) -> Explanation:
        """Explain the route of a message to an address, and count the mail that waits for its domain (QUEUE-182).
        `sender`: selects the routes of its domain and account. `connect`: connect to the hosts, up to STARTTLS.

        Raises BadFilter if a text is not an address.
        """
        message, now = message_to(self.ctx, recipient, sender), self.ctx.clock()
        entry = await self._database.read(partial(for_message, message=message, now=now), op="queue explain")
        stop = await self._database.read(partial(stop_of, account=message.account), op="queue explain")
        why = self.scheduler.waits_of(message.rcpt_domain, now)
        waits = partial(waiting_for, domain=message.rcpt_domain, why=why)
        waiting = await self._database.scan(waits, op="queue explain")
        found = await explain(self.ctx, message, connect=connect)
        return msgspec.structs.replace(
            found,
            suppressed="" if entry is None else entry.reason or "put on the suppression list by hand",
            stopped="" if stop is None else stop.why,
            waiting=waiting,
        )

    # Operations; each returns the number of changed messages, and raises BadFilter

    async def hold(self, wanted: Filter) -> int:
        """Hold messages: no attempts until they are released."""
        return await self._change(lambda tx, now: operations.hold_messages(tx, wanted, now))

    async def unhold(self, wanted: Filter) -> int:
        """Release messages from hold, including messages that the guard holds."""
        return await self._change(lambda tx, now: operations.unhold_messages(tx, wanted, now, guarded=True))

    async def schedule(self, wanted: Filter, delta: float, *, from_now: bool = False) -> int:
        """Move the next attempt by `delta` seconds (may be negative), or with `from_now` to `delta` seconds from now.
        Pauses of hosts end.
        """
        microseconds = int(delta * SECOND)
        self.ctx.load.forget(self.ctx.clock())
        return await self._change(
            lambda tx, now: operations.schedule_messages(tx, wanted, now, delta=microseconds, from_now=from_now)
        )

    async def set_transport(self, wanted: Filter, transport: str) -> int:
        """Set the transport; an empty name lets the routes choose again. Raises UnknownTransport."""
        if transport and transport not in self.ctx.config.current.static.transports:
            raise UnknownTransport(f"unknown transport {transport!r}")
        return await self._change(lambda tx, now: operations.set_transport(tx, wanted, now, transport=transport))

    async def set_require_tls(self, wanted: Filter, require_tls: bool | None) -> int:
        """Demand verified TLS (True), ignore all policies (False), or do as usual (None)."""
        return await self._change(lambda tx, now: operations.set_require_tls(tx, wanted, now, require_tls=require_tls))

    async def fail(self, wanted: Filter) -> int:
        """Fail messages, with DSNs to their senders."""
        policy = policy_of(self.ctx)
        return await self._change(lambda tx, _: operations.fail_messages(tx, wanted, policy))

    async def drop(self, wanted: Filter) -> int:
        """Remove messages without DSNs."""
        policy = policy_of(self.ctx)
        return await self._change(lambda tx, _: operations.drop_messages(tx, wanted, policy))

    # Hold rules

    async def hold_rules(self) -> list[HoldRule]:
        """All rules."""
        return await self._database.read(holdrules.hold_rules, op="queue hold rules")

    async def add_hold_rule(self, *, account: str = "", sender: str = "", recipient: str = "") -> tuple[int, int]:
        """Hold matching messages, queued and future ones. Sender and recipient are domains or addresses; all empty
        holds every message.

        Returns the rule's id and how many messages were held. Raises BadFilter.
        """
        sender_localpart, sender_domain = holdrules.parse_party(sender)
        recipient_localpart, recipient_domain = holdrules.parse_party(recipient)
        rule = HoldRule(
            account=account,
            sender_localpart=sender_localpart,
            sender_domain=sender_domain,
            recipient_localpart=recipient_localpart,
            recipient_domain=recipient_domain,
        )
        return await self._change(lambda tx, _: holdrules.add_hold_rule(tx, rule))

    async def remove_hold_rule(self, rule_id: int) -> bool:
        """Remove a rule; messages that it held stay on hold. Returns False if there is no such rule."""
        return await self._change(lambda tx, _: holdrules.remove_hold_rule(tx, rule_id))

    async def _change(self, unit: Callable[[Tx, int], T]) -> T:
        now = self.ctx.clock()
        result = await self._database.write(lambda tx: unit(tx, now))
        self.scheduler.changed()
        self._watchers.changed()
        return result

    # Maintenance

    async def _clean(self) -> None:
        """Call `clean` each hour, for ever. Errors: exceptions of the database are raised."""
        await trio.sleep(FIRST_CLEANING_SECONDS)
        while True:
            await self.clean()
            await trio.sleep(CLEANING_SECONDS)

    async def clean(self) -> None:
        """Remove expired retired rows, outcomes, keys, suppressions and counts of the guard."""
        now = self.ctx.clock()
        while await self._database.write(lambda tx: clean_retired(tx, now)):
            pass
        while await self._database.write(lambda tx: clean_outcomes(tx, now)):
            pass
        await self.webhooks.clean()
        await self._database.write(partial(_clean_keys, now=now))
        await self._database.write(partial(clean_signs, now=now))
        await self._database.write(partial(clean_stops, now=now))
        accounts = list(self.ctx.config.current.domains.accounts)
        await self._database.write(lambda tx: clean_suppressions(tx, accounts, now))

    async def measure(self) -> None:
        """Set the gauges of size, hold and age, right before they are read. They keep their values if the database
        fails.
        """
        try:
            counts = await self.counts()
            stopped = await self._database.read(number_of_stops, op="queue stops")
            await self.webhooks.measure()
        except StoreError as exc:
            logger.error("counting the queue failed", extra={"kv": {"err": exc}})
            return
        metrics.size.set(counts.messages)
        metrics.held.set(counts.held)
        metrics.stopped.set(stopped)
        due = 0 if counts.next_attempt is None else self.ctx.clock() - counts.next_attempt
        metrics.oldest.set(max(0, due) / SECOND)


def _recover(tx: Tx) -> int:
    drop_unused(tx)
    recover_calls(tx)
    return record.recover(tx)


def _clean_keys(tx: Tx, now: int) -> None:
    tx.execute(SEEN_KEYS, now)
    tx.execute(OLD_KEYS, now - KEY_LIFE)
