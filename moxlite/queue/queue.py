"""The queue: takes messages, delivers them, and offers operations on them (docs/spec/queue.md)."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

import msgspec
import trio

from moxlite import lazyimport
from moxlite.mailauth import dane
from moxlite.net.activity import Happening, activity
from moxlite.net.resolver import DNSError, NotFound, Resolver, absolute
from moxlite.operations.queue import Explanation, Filter, Outgoing, Page, RetiredFilter, RetiredPage
from moxlite.proto.address import Domain
from moxlite.queue import metrics, operating, record
from moxlite.queue.bounces import Block
from moxlite.queue.clockback import ClockFollower, catch_up
from moxlite.queue.context import Context
from moxlite.queue.data.content import drop_unused, encoded, octets
from moxlite.queue.data.rows import Message, Retired
from moxlite.queue.data.status import Watchers, clean_outcomes, clean_retired
from moxlite.queue.data.suppression import (
    MAX_LISTED,
    Suppression,
    add_suppression,
    clean_suppressions,
    for_message,
    remove_suppression,
    suppression_of,
    suppressions,
)
from moxlite.queue.errors import NoSuchMessage
from moxlite.queue.guard.signs import clean_signs, limits_from
from moxlite.queue.guard.stops import Guard, Stopped, clean_stops, number_of_stops, stop_of, stops, take
from moxlite.queue.hosts.hosts import NoHosts, hosts_of
from moxlite.queue.localdelivery import add_deferred
from moxlite.queue.mirror import Mirror
from moxlite.queue.operating import Counts, Operations, SentMessages
from moxlite.queue.reports.daily import DailyReports
from moxlite.queue.reports.dmarc import DMARCReports, DueReport
from moxlite.queue.reports.tls import TLSReports
from moxlite.queue.schedule import SECOND, delay_after
from moxlite.queue.scheduling.scheduler import Scheduler
from moxlite.queue.submit import Receipt, receipt_of
from moxlite.queue.tls.policies import Policies
from moxlite.queue.webhooks.keeping import recover_calls
from moxlite.queue.webhooks.webhooks import WebhookQueue
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.actions import Deferred
from moxlite.store.delivery.submission import Submission
from moxlite.store.errors import StoreError
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind
from moxlite.store.file.transaction import Tx
from moxlite.store.options import Options
from moxlite.store.reports.tlsresults import DueTLSReport
from moxlite.submission.outgoing import Assurance, Finding, not_asked
from moxlite.supervision import Supervisor

logger = logging.getLogger("moxlite.queue")


SCHEDULER: Final = "queue.scheduler"
WEBHOOKS: Final = "queue.webhooks"
"""Names of the tasks that make attempts and calls."""

FIRST_CLEANING_SECONDS: Final = 3.0
CLEANING_SECONDS: Final = 3600.0
"""Seconds between two removals of expired rows (QUEUE-25)."""

KEY_LIFE: Final = 7 * 24 * 3600 * SECOND
"""µs to keep a submission's key after its last row was removed (STORE-189)."""

# A key's `live` moves on while one of its rows waits: an account that was out of service for days may carry the same
# submission again, and the message must not go out twice.
SEEN_KEYS: Final = """
UPDATE unit_key SET live = ? WHERE EXISTS (SELECT 1 FROM msg WHERE msg.id BETWEEN first_id AND last_id)"""
OLD_KEYS: Final = "DELETE FROM unit_key WHERE live < ?"


class OwnReports(msgspec.Struct, frozen=True):
    """The reports that this server sends each day, by kind."""

    tls: DailyReports[DueTLSReport]
    dmarc: DailyReports[DueReport]


class Queue:
    """The queue of outgoing mail, made by `open`. Methods may be called from any task; each change is durable when its
    method returns.

    Attributes:
      operations: changes by administrators. listings: what they are shown.
      clock: moves what waits when the clock is set back. reports: the daily reports of this server.
      deliveries: status of sent messages, for their senders.
    """

    def __init__(self, ctx: Context, database: Database, newest: int) -> None:
        """`newest`: the highest id of a message so far."""
        self.ctx = ctx
        self._database = database
        self.mirror = Mirror(ctx, database, lambda: self.scheduler.turns.under_way)
        self._watchers = Watchers()
        self.webhooks = WebhookQueue(ctx, database, self._watchers.changed)
        self.guard = Guard(ctx, database)
        self.scheduler = Scheduler(ctx, database, newest, self._also_changed, self._watchers.changed, self.guard.began)
        self.clock = ClockFollower(ctx, database, self.scheduler.changed)
        self.reports = OwnReports(
            tls=DailyReports(ctx, TLSReports(ctx, self.submit, self.scheduler.sessions)),
            dmarc=DailyReports(ctx, DMARCReports(ctx, self.submit)),
        )
        self.operations = Operations(ctx, database, self._operated)
        self.listings = Listings(ctx, database, self.scheduler)
        self.deliveries = SentMessages(ctx, database, self.operations, self._watchers, self.webhooks.incoming)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, path: Path, ctx: Context, options: Options | None = None, *, create: bool = False
    ) -> AsyncIterator["Queue"]:
        """Open queue.db, or with `create` make it if it is missing. Attempts that were under way when the last process
        ended are marked as interrupted, and their messages are due.

        Raises StoreError; the server then runs without its queue (QUEUE-158).
        """
        database = await Database.open(path, Kind.QUEUE, options=options or Options(), create=create)
        try:
            interrupted, newest = await database.write(partial(_recover, now=ctx.clock()))
            if interrupted:
                logger.info("interrupted deliveries will be retried", extra={"kv": {"number": interrupted}})
            yield cls(ctx, database, newest)
        finally:
            await database.aclose()

    def _also_changed(self) -> None:
        self.mirror.changed()
        self.webhooks.caller.changed()

    def _operated(self) -> None:
        self.scheduler.changed()
        self._watchers.changed()

    def start(self, tree: Supervisor, attempts: trio.Nursery) -> None:
        """Start the queue's tasks in `tree`; delivery attempts are tasks of `attempts`.

        To end: `stop`, and give `attempts` a deadline (QUEUE-15).
        """
        tree.start("queue.database", self._database.serve)
        tree.start("queue.clock", self.clock.serve)
        tree.start("queue.clean", self._clean)
        tree.start("queue.mirror", self.mirror.serve)
        tree.start("queue.policies", self.ctx.policies.serve)
        tree.start("queue.source", self.ctx.ipv6.serve)
        tree.start("queue.cache", self.ctx.policies.serve_file)
        tree.start("queue.notices", self.scheduler.notices.serve)
        tree.start("queue.guard", self.guard.serve)
        if self.ctx.reports is not None:
            tree.start("queue.tls-sessions", self.scheduler.sessions.serve)
            if not self.ctx.reports.broken:  # /readyz names it
                tree.start("queue.tls-reports", self.reports.tls.serve)
                tree.start("queue.dmarc-reports", self.reports.dmarc.serve)
        tree.start(SCHEDULER, partial(self.scheduler.serve, attempts))
        tree.start(WEBHOOKS, partial(self.webhooks.caller.serve, attempts))

    def clock_set(self) -> None:
        """Look again for due work: the wall clock was set."""
        self.clock.look()
        self.reports.tls.look()
        self.reports.dmarc.look()

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
        to = [str(recipient.address) for recipient in submission.recipients[:3]]
        activity.note(
            Happening(
                kind="send",
                outcome="queued",
                account=submission.account,
                who=str(submission.mail_from or "<>"),
                to=", ".join([*to, *(["…"] if len(submission.recipients) > len(to) else [])]),
                remote=submission.remote,
                message_id=submission.message_id,
                queue_id=ids[0],
            )
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
            logger.info("message waiting for account", extra={"kv": facts | {"reply": f"{one.code} {one.text}"}})
        self.scheduler.changed()

    async def assure(self, domain: Domain) -> Assurance:
        """How well mail to a domain would be protected (`submission.outgoing.Assure`); no look-ups in localserve."""
        if self.ctx.loopback is not None:
            return await not_asked(domain)
        return await assurance_of(domain, self.ctx.resolver, self.ctx.policies, self.ctx.random)

    async def check_sending(self, account: str) -> None:
        """Raise SendingStopped while the account is stopped (SMTP-170)."""
        await self.deliveries.check_sending(account)

    # Suppression lists; addresses and accounts as typed by people

    async def suppressions(
        self, account: str = "", *, after: tuple[str, str] = ("", ""), limit: int = MAX_LISTED
    ) -> list[Suppression]:
        """The suppression list of an account, or the lists of all accounts if the name is empty: at most `limit`
        entries after the one with this account and base address.
        """
        read = partial(suppressions, account=account, now=self.ctx.clock(), after=after, limit=limit)
        return await self._database.scan(read, op="queue suppressions")

    async def suppression(self, account: str, address: str) -> Suppression | None:
        """The account's suppression entry for an address, or None. Raises BadFilter."""
        now = self.ctx.clock()
        lookup = partial(suppression_of, account=account, address=address, now=now)
        return await self._database.read(lookup, op="queue suppression")

    async def add_suppression(self, account: str, address: str, reason: str = "", *, manual: bool = True) -> None:
        """Add an address to an account's suppression list. Raises AlreadySuppressed, BadFilter."""
        await self.operations.change(lambda tx, now: add_suppression(tx, account, address, reason, now, manual=manual))

    async def remove_suppression(self, account: str, address: str) -> None:
        """Remove an address from an account's suppression list. Raises NotSuppressed, BadFilter."""
        await self.operations.change(lambda tx, now: remove_suppression(tx, account, address, now))

    # Maintenance

    async def _clean(self) -> None:
        """Call `clean` each hour, for ever. Errors: exceptions of the database are raised."""
        await trio.sleep(FIRST_CLEANING_SECONDS)
        while True:
            await self.clean()
            await trio.sleep(CLEANING_SECONDS)

    async def clean(self) -> None:
        """Remove expired retired rows, outcomes, keys, suppressions and counts of the guard, if the clock is steady."""
        if not self._database.options.steady():
            return
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
            counts = await self.listings.counts()
            stopped = await self._database.read(number_of_stops, op="queue stops")
            await self.webhooks.measure()
        except StoreError as exc:
            logger.error("failed to count queued messages", extra={"kv": {"err": exc}})
            return
        metrics.size.set(counts.messages)
        metrics.held.set(counts.held)
        metrics.stopped.set(stopped)
        due = 0 if counts.next_attempt is None else self.ctx.clock() - counts.next_attempt
        metrics.oldest.set(max(0, due) / SECOND)


def _recover(tx: Tx, now: int) -> tuple[int, int]:
    drop_unused(tx)
    recover_calls(tx)
    catch_up(tx, now)
    return record.recover(tx, now), record.newest(tx)


def _clean_keys(tx: Tx, now: int) -> None:
    tx.execute(SEEN_KEYS, now)
    tx.execute(OLD_KEYS, now - KEY_LIFE)


# Queued and finished messages, counts and stopped senders, as administrators are shown them.


class Listings:
    """Reads of queue.db for administrators."""

    def __init__(self, ctx: Context, database: Database, scheduler: Scheduler) -> None:
        self._ctx = ctx
        self._database = database
        self._scheduler = scheduler

    async def list_messages(self, wanted: Filter | None = None, page: Page | None = None) -> list[Message]:
        """One page of messages (QUEUE-23, QUEUE-24). Raises BadFilter."""
        now = self._ctx.clock()
        return await self._database.scan(
            lambda r: operating.list_messages(r, wanted or Filter(), page or Page(), now), op="queue list"
        )

    async def get(self, message_id: int) -> Message:
        """One message. Raises NoSuchMessage."""
        message = await self._database.read(lambda r: record.get(r, message_id), op="queue get")
        if message is None:
            raise NoSuchMessage(f"message {message_id} isn't in the queue")
        return message

    async def dump(self, message_id: int) -> AsyncIterator[bytes]:
        """The octets of a message, prefix and content. Raises NoSuchMessage."""
        message = await self.get(message_id)
        async for piece in octets(self._database, message):
            yield piece

    async def counts(self) -> Counts:
        """Number of messages, number on hold, and time of the next attempt."""
        return await self._database.scan(operating.count, op="queue counts")

    async def outgoing(self, account: str) -> Outgoing:
        """Number of messages from an account that would be sent after its removal, and of those that would not."""
        now = self._ctx.clock()
        return await self._database.scan(lambda r: operating.count_outgoing(r, account, now), op="queue outgoing")

    async def count(self, wanted: Filter) -> int:
        """Number of messages that a filter chooses. Raises BadFilter."""
        now = self._ctx.clock()
        return await self._database.scan(lambda r: operating.count_chosen(r, wanted, now), op="queue count")

    def blocks(self) -> list[Block]:
        """Recent replies of hosts that block this server's IP address, the latest first (QUEUE-184)."""
        return self._scheduler.outcomes.blocks.listed(self._ctx.clock())

    async def list_retired(
        self, retired_filter: RetiredFilter | None = None, page: RetiredPage | None = None
    ) -> list[Retired]:
        """One page of finished messages. Raises BadFilter."""
        now = self._ctx.clock()
        return await self._database.scan(
            lambda r: operating.list_retired(r, retired_filter or RetiredFilter(), page or RetiredPage(), now),
            op="queue retired",
        )

    async def get_retired(self, message_id: int) -> Retired:
        """One finished message. Raises NoSuchMessage."""
        found = await self._database.read(lambda r: operating.get_retired(r, message_id), op="queue get retired")
        if found is None:
            raise NoSuchMessage(f"finished message not found: {message_id}")
        return found

    async def explain(self, recipient: str, sender: str = "", *, connect: bool = False) -> Explanation:
        """Explain the route of a message to an address, and count the mail that waits for its domain (QUEUE-182).
        `sender`: selects the routes of its domain and account. `connect`: connect to the hosts, up to STARTTLS.

        Raises BadFilter if a text is not an address.
        """
        await lazyimport.load("moxlite.queue.explaining")
        from moxlite.queue.explaining import explain, message_to, waiting_for

        message, now = message_to(self._ctx, recipient, sender), self._ctx.clock()
        entry = await self._database.read(partial(for_message, message=message, now=now), op="queue explain")
        stop = await self._database.read(partial(stop_of, account=message.account), op="queue explain")
        why = self._scheduler.waits_of(message.rcpt_domain, now)
        waits = partial(waiting_for, domain=message.rcpt_domain, why=why)
        waiting = await self._database.scan(waits, op="queue explain")
        explanation = await explain(self._ctx, message, connect=connect)
        return msgspec.structs.replace(
            explanation,
            suppressed="" if entry is None else entry.reason or "manually added to the suppression list",
            stopped="" if stop is None else stop.why,
            waiting=waiting,
        )

    async def stopped(self) -> list[Stopped]:
        """The stopped accounts, with their held messages."""
        now = self._ctx.clock()
        return await self._database.scan(partial(stops, now=now), op="queue stops")


# Look-up of how well mail to a domain would be protected: DNSSEC, DANE and MTA-STS (WEBMAIL-94).


SECONDS: Final = 15.0
"""Seconds for all look-ups together: the user who writes waits for the result."""


async def assurance_of(domain: Domain, resolver: Resolver, policies: Policies, random: Random) -> Assurance:
    """Look up the MTA-STS policy and the hosts concurrently. Raises nothing; errors are in the result."""
    mtasts: Finding = "error"
    dnssec: Finding = "error"
    tlsa: Finding = "error"

    async def ask_policy() -> None:
        nonlocal mtasts
        standing = await policies.find(domain)
        if standing.policy is not None:
            mtasts = "yes" if standing.policy.mode == "enforce" else "no"
        elif standing.failure is None and not standing.unknown:
            mtasts = "no"

    async def ask_hosts() -> None:
        nonlocal dnssec, tlsa
        try:
            hosts = await hosts_of(domain, resolver, random)
            dnssec = "yes" if hosts.authentic else "no"
            tlsa = await _dane(hosts.names[0], resolver) if hosts.authentic else "no"
        except NoHosts:
            return

    # Show the results known at the deadline. Others are shown as "error".
    with trio.move_on_after(SECONDS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask_policy)
            nursery.start_soon(ask_hosts)
    return Assurance(mtasts, dnssec, tlsa)


async def _dane(host: str, resolver: Resolver) -> Finding:
    try:
        addresses = await resolver.ips(absolute(host))
        records = await dane.find(resolver, host, addresses)
    except NotFound:
        return "no"
    except DNSError:
        return "error"
    return "yes" if records is not None and records.usable else "no"
