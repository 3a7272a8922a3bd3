"""Operations about received DMARC and TLS reports, in a running server or on the file of a stopped one."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeVar

import trio

from moxlite.admin.storage.settings import store_options
from moxlite.config.snapshot import FixedConfig, Snapshot
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.operations.performing import commands
from moxlite.operations.reports import ListReports, ShowReport, SumReports
from moxlite.process.stopped import stopped
from moxlite.proto.address import AddressError, Domain
from moxlite.store.file.transaction import Reader
from moxlite.store.options import DAY
from moxlite.store.reports import received
from moxlite.store.reports.received import ReceivedReport, Total, unpack_report
from moxlite.store.reports.reportsdb import ReportsDB

T = TypeVar("T")

PIECE: Final = 64 << 10
"""Octets that are sent at a time: a report of many megabytes must not wait in the memory of a slow client's stream."""


class ReportsFailed(Exception):
    """The request cannot be answered; the text is for the person who asked."""


def listed(args: ListReports, now: int) -> Callable[[Reader], list[ReceivedReport]]:
    """Make the query for a list of reports, newest first. Raises ReportsFailed."""
    domain = ""
    if args.domain:
        try:
            domain = Domain.parse(args.domain).ascii
        except AddressError as error:
            raise ReportsFailed(f"{args.domain!r} isn't a valid domain: {error}") from None
    since = now - args.days * DAY
    return partial(received.reports, kind=args.kind, domain=domain, since=since, before=args.before, limit=args.limit)


def summed(args: SumReports, now: int) -> Callable[[Reader], list[Total]]:
    """Make the query for the totals by domain."""
    return partial(received.totals, kind=args.kind, since=now - args.days * DAY)


def shown(args: ShowReport) -> Callable[[Reader], bytes]:
    """Make the query for the JSON of one report; it gives b"" if there is no such report."""

    def read(r: Reader) -> bytes:
        found = received.report(r, args.kind, args.id)
        return b"" if found is None else unpack_report(found[1])

    return read


def on_file(snapshot: Snapshot, read: Callable[[Reader], T], nothing: T) -> T:
    """Run a query without a server; `nothing` if there is no file yet.

    Raises:
      Locked: another process uses the data directory.
      StoreError, OSError.
    """
    path = snapshot.static.data_dir / "reports.db"

    async def main() -> T:
        reports = await ReportsDB.open(path, store_options(FixedConfig(snapshot)))
        try:
            return await reports.database.scan(read, op="reports")
        finally:
            with trio.CancelScope(shield=True):  # bounded: nothing else uses it
                await reports.aclose()

    with stopped(snapshot.static.data_dir):
        return trio.run(main) if path.exists() else nothing


class ReceivedCommands:
    """The operations in a running server."""

    def __init__(self, reports: ReportsDB) -> None:
        self._reports = reports

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        return commands(
            ListReports.bind(lambda args: self._read(listed(args, time.time_ns() // 1000))),
            SumReports.bind(lambda args: self._read(summed(args, time.time_ns() // 1000))),
            ShowReport.bind_stream(self.show),
            refusals=(ReportsFailed,),
        )

    async def show(self, args: ShowReport, exchange: Exchange) -> None:
        """The JSON of one report."""
        octets = await self._read(shown(args))
        if not octets:
            raise CommandFailed("notFound", f"report not found: {args.id}")
        for at in range(0, len(octets), PIECE):
            await exchange.download.send(octets[at : at + PIECE])
        await exchange.download.end()

    async def _read(self, read: Callable[[Reader], T]) -> T:
        return await self._reports.database.scan(read, op="reports")
