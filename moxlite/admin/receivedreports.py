"""Commands about received DMARC and TLS reports (SMTP-100, SMTP-101), on a running server or on the file of a stopped
one.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeVar

import msgspec
import trio

from moxlite.admin.storage.settings import store_options
from moxlite.config.snapshot import FixedConfig, Snapshot
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.process.stopped import stopped
from moxlite.proto.address import AddressError, Domain
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.options import DAY
from moxlite.store.reports import received
from moxlite.store.reports.received import Kind, ReceivedReport, Total, unpack_report
from moxlite.store.reports.reportsdb import ReportsDB

T = TypeVar("T")

MAX_LISTED: Final = 1000
"""Number of reports in one answer."""

PIECE: Final = 64 << 10


class ReportsFailed(Exception):
    """The request cannot be answered; the text is for the person who asked."""


class ReportsList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``reports list KIND``: newest first. Filters: `domain`, period that ends within `days`, ids below `before`."""

    kind: Kind
    domain: str = ""
    days: int = 400
    before: int = received.MAX_ID
    limit: int = 100


class ReportsSummary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``reports summary KIND``: of all reports whose period ended within the last `days`."""

    kind: Kind
    days: int = 30


class ReportsShow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``reports show KIND ID``."""

    kind: Kind
    id: int


def listed(args: ReportsList, now: int) -> Callable[[Reader], list[ReceivedReport]]:
    """Make the query for a list of reports, newest first. Raises ReportsFailed."""
    domain = ""
    if args.domain:
        try:
            domain = Domain.parse(args.domain).ascii
        except AddressError as error:
            raise ReportsFailed(f"{args.domain!r} is no domain: {error}") from None
    limit, since = max(1, min(args.limit, MAX_LISTED)), now - args.days * DAY
    return partial(received.reports, kind=args.kind, domain=domain, since=since, before=args.before, limit=limit)


def summed(args: ReportsSummary, now: int) -> Callable[[Reader], list[Total]]:
    """Make the query for the totals by domain."""
    return partial(received.totals, kind=args.kind, since=now - args.days * DAY)


def shown(args: ReportsShow) -> Callable[[Reader], bytes]:
    """Make the query for the JSON of one report; it gives b"" if there is no such report."""

    def read(r: Reader) -> bytes:
        found = received.report(r, args.kind, args.id)
        return b"" if found is None else unpack_report(found.content)

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
    """The commands of the control socket."""

    def __init__(self, reports: ReportsDB) -> None:
        self._reports = reports

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return {
            "reports list": Command(ReportsList, self.list_reports),
            "reports summary": Command(ReportsSummary, self.summary),
            "reports show": Command(ReportsShow, self.show),
        }

    async def list_reports(self, args: ReportsList, exchange: Exchange) -> list[ReceivedReport]:
        """Reports without their content."""
        try:
            return await self._read(listed(args, time.time_ns() // 1000))
        except ReportsFailed as error:
            raise CommandFailed("badRequest", str(error)) from None

    async def summary(self, args: ReportsSummary, exchange: Exchange) -> list[Total]:
        """Sums by domain."""
        return await self._read(summed(args, time.time_ns() // 1000))

    async def show(self, args: ReportsShow, exchange: Exchange) -> None:
        """The JSON of one report."""
        octets = await self._read(shown(args))
        if not octets:
            raise CommandFailed("notFound", f"there is no report {args.id}")
        for at in range(0, len(octets), PIECE):
            await exchange.download.send(octets[at : at + PIECE])
        await exchange.download.end()

    async def _read(self, read: Callable[[Reader], T]) -> T:
        try:
            return await self._reports.database.scan(read, op="reports")
        except StoreError as error:
            raise CommandFailed("failed", f"reports.db cannot be read: {error}") from None
