"""What the operations about our own reports do (QUEUE-123, QUEUE-126, QUEUE-131)."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from moxlite.encoding import from_json
from moxlite.net.control.server import Command, CommandFailed
from moxlite.operations import reports as operations
from moxlite.operations.performing import commands
from moxlite.proto.address import Address, AddressError, Domain
from moxlite.queue.errors import QueueError
from moxlite.queue.queue import Queue
from moxlite.queue.reports.daily import DailyReports, parse_day, yesterday
from moxlite.queue.schedule import SECOND, rfc3339
from moxlite.store.file.database import Database
from moxlite.store.reports.evaluations import add_suppressed, list_suppressed, remove_suppressed
from moxlite.store.reports.received import Kind


class ReportCommands:
    """The commands of one queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        tls, dmarc = self._queue.reports.tls, self._queue.reports.dmarc
        return commands(
            operations.SendTLS.bind(partial(self._send, tls)),
            operations.ListPendingTLS.bind(partial(self._pending, tls)),
            operations.DropTLS.bind(partial(self._drop, tls)),
            operations.ListSuppressedTLS.bind(partial(self._list, tls.kind)),
            operations.SuppressTLS.bind(partial(self._suppress, tls.kind)),
            operations.AllowTLS.bind(partial(self._allow, tls.kind)),
            operations.SendDMARC.bind(partial(self._send, dmarc)),
            operations.ListPendingDMARC.bind(partial(self._pending, dmarc)),
            operations.DropDMARC.bind(partial(self._drop, dmarc)),
            operations.ListSuppressedDMARC.bind(partial(self._list, dmarc.kind)),
            operations.SuppressDMARC.bind(partial(self._suppress, dmarc.kind)),
            operations.AllowDMARC.bind(partial(self._allow, dmarc.kind)),
            operations.ListKeptPolicies.bind(self._kept),
            refusals=(QueueError,),
        )

    async def _kept(self, args: operations.ListKeptPolicies) -> list[operations.KeptPolicy]:
        """A page of the MTA-STS policies of other domains that are kept, by domain."""
        policy_rows = await self._queue.ctx.policies.page(args.after, args.limit)
        return [
            operations.KeptPolicy(
                domain=policy_row.domain,
                mode=policy_row.mode,
                mx=from_json(policy_row.mx, list[str]),
                max_age=policy_row.max_age,
                valid_end=policy_row.valid_end,
                last_update=policy_row.last_update,
                last_use=policy_row.last_use,
                failure=policy_row.failure,
                record_id=policy_row.record_id,
            )
            for policy_row in policy_rows
        ]

    def _database(self) -> Database:
        """The database reports.db. Raises CommandFailed, StorageBroken."""
        if self._queue.ctx.reports is None:
            raise CommandFailed("badRequest", "this server doesn't send reports")
        return self._queue.ctx.reports.database

    async def _pending(self, reports: DailyReports[Any], args: object) -> list[operations.PendingReport]:
        """List the counted sessions or messages that no report contains yet."""
        return [operations.PendingReport(one.about, one.day, one.total, one.failed) for one in await reports.pending()]

    async def _drop(self, reports: DailyReports[Any], args: operations.Drop) -> operations.Dropped:
        """Delete the counts of a domain."""
        try:
            domain = Domain.parse(args.domain)
        except AddressError as error:
            raise CommandFailed("badRequest", f"invalid domain {args.domain!r}: {error}") from None
        return operations.Dropped(await reports.drop(domain.ascii))

    async def _list(self, kind: Kind, args: object) -> list[operations.WithoutReports]:
        """Addresses that get no reports."""
        now = self._queue.ctx.clock()
        suppressed_addresses = await self._database().read(
            partial(list_suppressed, kind=kind, now=now), op="report addresses"
        )
        return [
            operations.WithoutReports(
                suppressed_address.address, rfc3339(suppressed_address.until), suppressed_address.comment
            )
            for suppressed_address in suppressed_addresses
        ]

    async def _suppress(self, kind: Kind, args: operations.Suppress) -> None:
        """Send no reports to an address for a time."""
        try:
            address = Address.parse(args.address)
        except AddressError as error:
            raise CommandFailed("badRequest", f"invalid address {args.address!r}: {error}") from None
        until = self._queue.ctx.clock() + int(args.seconds * SECOND)
        unit = partial(add_suppressed, kind=kind, address=str(address), until=until, comment=args.comment)
        await self._database().write(unit)

    async def _allow(self, kind: Kind, args: operations.Allow) -> None:
        """Send reports to an address again."""
        unit = partial(remove_suppressed, kind=kind, address=args.address)
        if not await self._database().write(unit):
            raise CommandFailed("notFound", f"{args.address!r} isn't suppressed")

    async def _send(self, reports: DailyReports[Any], args: operations.Send) -> operations.SentReports:
        """Send the due reports now, instead of after midnight."""
        now = self._queue.ctx.clock()
        switch = f"no_outgoing_{reports.kind}_reports"
        if getattr(self._queue.ctx.config.current.static, switch):
            raise CommandFailed("badRequest", f"reports are turned off: {switch} is set")
        if self._queue.ctx.reports is None:
            raise CommandFailed("badRequest", "this server doesn't send reports")
        try:
            day = parse_day(args.day, now) if args.day else yesterday(now)
        except ValueError as error:
            raise CommandFailed("badRequest", f"invalid day {args.day!r}: {error}") from None
        outcomes = await reports.send(day)
        results = [outcome.result for outcome in outcomes]
        return operations.SentReports(
            len(outcomes),
            results.count("sent"),
            results.count("skipped"),
            results.count("later"),
            [
                operations.SentReport(outcome.domain, outcome.day, outcome.result, outcome.why, outcome.recipients)
                for outcome in outcomes
            ],
        )
