"""Commands of the control socket about our own reports: the server's side of ``moxlite tlsrpt send`` and ``dmarc
send`` (QUEUE-123, QUEUE-131).
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from moxlite.net.ctlserver import Command, CommandFailed, Exchange
from moxlite.queue.control.answers import Request, tried
from moxlite.queue.queue import Queue
from moxlite.queue.reports.daily import DailyReports, parse_day, yesterday

__all__ = ["ReportCommands"]


class SendReports(Request, frozen=True, kw_only=True):
    """``tlsrpt send``, ``dmarc send``: for days up to `day`, yyyy-mm-dd; "" for all that are over."""

    day: str = ""


class SentReport(msgspec.Struct, frozen=True):
    """What became of a report. `result`: sent, skipped or later; `why`: for people."""

    domain: str
    day: str
    result: str
    why: str
    recipients: tuple[str, ...]


class SentReports(msgspec.Struct, frozen=True):
    """How many reports were due, and what became of each."""

    due: int
    sent: int
    skipped: int
    later: int
    reports: list[SentReport]


class ReportCommands:
    """The commands of one queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        static = self._queue.ctx.config().static
        tls = partial(self._send, self._queue.tls_reports, "no_outgoing_tls_reports", static.no_outgoing_tls_reports)
        dmarc = partial(
            self._send, self._queue.dmarc_reports, "no_outgoing_dmarc_reports", static.no_outgoing_dmarc_reports
        )
        return {"tlsrpt send": Command(SendReports, tls), "dmarc send": Command(SendReports, dmarc)}

    async def _send(
        self, reports: DailyReports[Any], switch: str, off: bool, args: SendReports, exchange: Exchange
    ) -> SentReports:
        """Send what is due now, instead of after midnight."""
        now = self._queue.ctx.clock()
        if off:
            raise CommandFailed("badRequest", f"{switch} is set")
        if self._queue.ctx.reports is None:
            raise CommandFailed("badRequest", "this server makes no reports")
        try:
            day = parse_day(args.day, now) if args.day else yesterday(now)
        except ValueError as error:
            raise CommandFailed("badRequest", f"bad day {args.day!r}: {error}") from None
        found = await tried(reports.send(day))
        results = [one.result for one in found]
        return SentReports(
            len(found),
            results.count("sent"),
            results.count("skipped"),
            results.count("later"),
            [SentReport(one.domain, one.day, one.result, one.why, one.recipients) for one in found],
        )
