"""Commands of the control socket about our own reports: the server's side of ``moxlite tlsrpt`` and ``dmarc`` with
``send``, ``pending``, ``drop`` and ``suppress`` (QUEUE-123, QUEUE-126, QUEUE-131).
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from moxlite.decoders import from_json
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.operations import NoArguments
from moxlite.operations.performing import answering
from moxlite.operations.reports import (
    Dropped,
    DropPending,
    KeptPolicies,
    KeptPolicy,
    PendingReport,
    SendReports,
    SentReport,
    SentReports,
    SuppressReports,
    WithoutReports,
)
from moxlite.proto.address import Address, AddressError, Domain
from moxlite.queue.errors import QueueError
from moxlite.queue.queue import Queue
from moxlite.queue.reports.daily import DailyReports, parse_day, yesterday
from moxlite.queue.schedule import SECOND, rfc3339
from moxlite.store.file.database import Database
from moxlite.store.reports.evaluations import add_suppressed, list_suppressed, remove_suppressed
from moxlite.store.reports.received import Kind

MAX_SECONDS: Final = 10 * 365 * 24 * 3600.0
"""Maximum seconds for which an address may get no reports."""


class ReportCommands:
    """The commands of one queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        static = self._queue.ctx.config.current.static
        tls = partial(self._send, self._queue.reports.tls, "no_outgoing_tls_reports", static.no_outgoing_tls_reports)
        dmarc = partial(
            self._send, self._queue.reports.dmarc, "no_outgoing_dmarc_reports", static.no_outgoing_dmarc_reports
        )
        commands = {"tlsrpt send": Command(SendReports, tls), "dmarc send": Command(SendReports, dmarc)}
        for name, reports in (("tlsrpt", self._queue.reports.tls), ("dmarc", self._queue.reports.dmarc)):
            commands[f"{name} pending"] = Command(NoArguments, partial(self._pending, reports))
            commands[f"{name} drop"] = Command(DropPending, partial(self._drop, reports))
            commands[f"{name} suppress list"] = Command(NoArguments, partial(self._list, reports.kind))
            commands[f"{name} suppress add"] = Command(SuppressReports, partial(self._suppress, reports.kind))
            commands[f"{name} suppress remove"] = Command(SuppressReports, partial(self._allow, reports.kind))
        commands["mtasts kept"] = Command(KeptPolicies, self._kept)
        return answering(commands, QueueError)

    async def _kept(self, args: KeptPolicies, exchange: Exchange) -> list[KeptPolicy]:
        """A page of the MTA-STS policies of other domains that are kept, by domain."""
        found = await self._queue.ctx.policies.page(args.after, args.limit)
        return [
            KeptPolicy(
                domain=one.domain,
                mode=one.mode,
                mx=from_json(one.mx, list[str]),
                max_age=one.max_age,
                valid_end=one.valid_end,
                last_update=one.last_update,
                last_use=one.last_use,
                failure=one.failure,
                record_id=one.record_id,
            )
            for one in found
        ]

    def _database(self) -> Database:
        """The database reports.db. Raises CommandFailed, StorageBroken."""
        if self._queue.ctx.reports is None:
            raise CommandFailed("badRequest", "this server makes no reports")
        return self._queue.ctx.reports.database

    async def _pending(self, reports: DailyReports[Any], args: NoArguments, exchange: Exchange) -> list[PendingReport]:
        """List the counted sessions or messages that no report contains yet."""
        return [PendingReport(one.about, one.day, one.total, one.failed) for one in await reports.pending()]

    async def _drop(self, reports: DailyReports[Any], args: DropPending, exchange: Exchange) -> Dropped:
        """Delete the counts of a domain."""
        try:
            domain = Domain.parse(args.domain)
        except AddressError as error:
            raise CommandFailed("badRequest", f"bad domain {args.domain!r}: {error}") from None
        return Dropped(await reports.drop(domain.ascii))

    async def _list(self, kind: Kind, args: NoArguments, exchange: Exchange) -> list[WithoutReports]:
        """Addresses that get no reports."""
        now = self._queue.ctx.clock()
        found = await self._database().read(partial(list_suppressed, kind=kind, now=now), op="report addresses")
        return [WithoutReports(one.address, rfc3339(one.until), one.comment) for one in found]

    async def _suppress(self, kind: Kind, args: SuppressReports, exchange: Exchange) -> None:
        """Send no reports to an address for a time."""
        try:
            address = Address.parse(args.address)
        except AddressError as error:
            raise CommandFailed("badRequest", f"bad address {args.address!r}: {error}") from None
        if not 0 < args.seconds <= MAX_SECONDS:
            raise CommandFailed("badRequest", "the time must be over 0 and at most 10 years")
        until = self._queue.ctx.clock() + int(args.seconds * SECOND)
        unit = partial(add_suppressed, kind=kind, address=str(address), until=until, comment=args.comment)
        await self._database().write(unit)

    async def _allow(self, kind: Kind, args: SuppressReports, exchange: Exchange) -> None:
        """Send reports to an address again."""
        unit = partial(remove_suppressed, kind=kind, address=args.address)
        if not await self._database().write(unit):
            raise CommandFailed("notFound", f"{args.address!r} is not suppressed")

    async def _send(
        self, reports: DailyReports[Any], switch: str, off: bool, args: SendReports, exchange: Exchange
    ) -> SentReports:
        """Send the due reports now, instead of after midnight."""
        now = self._queue.ctx.clock()
        if off:
            raise CommandFailed("badRequest", f"{switch} is set")
        if self._queue.ctx.reports is None:
            raise CommandFailed("badRequest", "this server makes no reports")
        try:
            day = parse_day(args.day, now) if args.day else yesterday(now)
        except ValueError as error:
            raise CommandFailed("badRequest", f"bad day {args.day!r}: {error}") from None
        found = await reports.send(day)
        results = [one.result for one in found]
        return SentReports(
            len(found),
            results.count("sent"),
            results.count("skipped"),
            results.count("later"),
            [SentReport(one.domain, one.day, one.result, one.why, one.recipients) for one in found],
        )
