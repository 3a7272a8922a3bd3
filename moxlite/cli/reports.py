"""``moxlite reports``: DMARC and TLS reports that others sent about our domains (SMTP-100, SMTP-101)."""

import datetime as dt
import io
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

import click
import msgspec

from moxlite.cli.common import Failure, load_config, perform, show
from moxlite.cli.files import served
from moxlite.escapes import escaped_json, printable

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader

T = TypeVar("T")

kind_argument = click.argument("kind", type=click.Choice(["dmarc", "tls"]))


class Line(msgspec.Struct, frozen=True):
    """A report in a list. `good`: number of messages that pass DMARC, or of successful sessions with TLS."""

    id: int
    domain: str
    organization: str
    begin: str
    end: str
    good: int
    failed: int
    sender: str
    report_id: str
    received: str


class Sum(msgspec.Struct, frozen=True):
    """Totals of all reports about a domain."""

    domain: str
    reports: int
    good: int
    failed: int
    last: str


@click.group()
def reports() -> None:
    """View DMARC and TLS reports about your domains."""


@reports.command("list")
@kind_argument
@click.option("--domain", metavar="D", default="", help="Only show reports about this domain.")
@click.option(
    "--days",
    type=click.IntRange(1, 400),
    default=400,
    help="With --domain, show reports for periods ending after this time.",
)
@click.option("--before", type=int, metavar="ID", help="Only show reports received before this one.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="Maximum number of results."
)
def list_(kind: str, domain: str, days: int, before: int | None, limit: int) -> None:
    """List reports, newest first. This works even if the server isn't running."""
    from moxlite.admin.receivedreports import listed
    from moxlite.operations.reports import NEWEST, ListReports
    from moxlite.store.reports.received import Kind

    args = ListReports(cast(Kind, kind), domain, days, NEWEST if before is None else before, limit)
    received_reports = served(lambda: perform(args), lambda: _on_file(lambda now: listed(args, now), []))
    lines = [
        Line(
            id=received_report.id,
            domain=received_report.domain,
            organization=received_report.organization,
            begin=_time(received_report.begin),
            end=_time(received_report.end),
            good=_good(kind, received_report.total, received_report.failed),
            failed=received_report.failed,
            sender=received_report.sender,
            report_id=received_report.report_id,
            received=_time(received_report.received),
        )
        for received_report in received_reports
    ]
    show(lines, ("id", "domain", "organization", "begin", "end", "good", "failed"))


@reports.command("summary")
@kind_argument
@click.option(
    "--days",
    type=click.IntRange(1, 400),
    default=30,
    show_default=True,
    help="Show reports for periods ending after this time.",
)
def summary(kind: str, days: int) -> None:
    """Show totals of DMARC and TLS reports by domain. These are messages that pass or fail DMARC, and successful or
    failed TLS sessions.
    """
    from moxlite.admin.receivedreports import summed
    from moxlite.operations.reports import SumReports
    from moxlite.store.reports.received import Kind

    args = SumReports(cast(Kind, kind), days)
    totals = served(lambda: perform(args), lambda: _on_file(lambda now: summed(args, now), []))
    sums = [
        Sum(total.domain, total.reports, _good(kind, total.total, total.failed), total.failed, _time(total.last))
        for total in totals
    ]
    show(sums, Sum.__struct_fields__)


@reports.command("show")
@kind_argument
@click.argument("number", type=int, metavar="ID")
def show_(kind: str, number: int) -> None:
    """Print a report as JSON, with all records."""
    from moxlite.admin.receivedreports import shown
    from moxlite.operations.reports import ShowReport
    from moxlite.store.reports.received import Kind

    args = ShowReport(cast(Kind, kind), number)
    into = io.BytesIO()

    def ask() -> bytes:
        perform(args, output=into)
        return into.getvalue()

    octets = served(ask, lambda: _on_file(lambda _: shown(args), b""))
    if not octets:
        raise Failure(f"report not found: {number}")
    print(escaped_json(msgspec.json.format(octets, indent=2).decode()))


def _good(kind: str, total: int, failed: int) -> int:
    """Number of good ones: DMARC counts all messages, TLS the successful sessions."""
    return max(0, total - failed) if kind == "dmarc" else total


def _time(microseconds: int) -> str:
    try:
        return dt.datetime.fromtimestamp(microseconds // 1_000_000, dt.UTC).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):  # the reporter chose it
        return "?"


def _on_file(make: "Callable[[int], Callable[[Reader], T]]", nothing: T) -> T:
    from moxlite.admin.receivedreports import ReportsFailed, on_file
    from moxlite.process.lock import Locked
    from moxlite.store.errors import StoreError

    try:
        return on_file(load_config(), make(time.time_ns() // 1000), nothing)
    except (ReportsFailed, Locked, StoreError) as error:
        raise Failure(printable(str(error))) from None
    except OSError as error:
        raise Failure(f"can't use the data directory: {error.strerror or error}") from None
