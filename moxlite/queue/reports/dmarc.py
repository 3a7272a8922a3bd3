"""DMARC aggregate reports: selection of due ones, and making one (RFC 9990; QUEUE-130..134).

One report for each policy domain and UTC day, whatever interval and size its record asks for.
"""

import datetime as dt
from functools import partial
from typing import Final

import msgspec
import trio

from moxlite import __version__
from moxlite.mailauth.dmarc import Destinations, Discovery, Record, RecordError, find_destinations, parse_record
from moxlite.net.resolver import TempError
from moxlite.proto.dmarcreport import DKIMAuth, DMARCReport, Override, PolicyPublished, ReportRecord, SPFAuth
from moxlite.proto.dmarcreportwriting import write_dmarc_report
from moxlite.queue.context import Context
from moxlite.queue.reports.daily import Author, Outcome, ReportMail, gzipped, send_report, without_suppressed
from moxlite.queue.schedule import SECOND
from moxlite.store.delivery.submission import Submit
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Reader
from moxlite.store.reports.evaluations import (
    Evaluation,
    drop_evaluations,
    evaluated_days,
    evaluations_of,
    pending_evaluations,
)
from moxlite.store.reports.received import Kind
from moxlite.store.reports.tlsresults import Pending

DAY: Final = 24 * 3600 * SECOND

NEVER: Final = 1 << 62
"""A time in the far future, µs."""

SLICE: Final = 500
"""Evaluations read at a time."""

MAX_ROWS: Final = 20_000
"""Rows of a report, about 20 MB of XML: further messages are not counted, and the report says so."""

ALIGNMENTS: Final = {"relaxed": "r", "strict": "s"}

TEXT: Final = """\
This is a DMARC aggregate report (RFC 9990) from {submitter}.

About:    {domain}
Day:      {day} UTC
Messages: {messages}

This report is for automated processing. The attachment contains XML compressed with gzip.
"""


class DueReport(msgspec.Struct, frozen=True):
    """A report that may be due. `number`: of the day since 1970-01-01."""

    domain: str
    number: int

    @property
    def day(self) -> str:
        """The day, yyyymmdd."""
        return (dt.date(1970, 1, 1) + dt.timedelta(days=self.number)).strftime("%Y%m%d")


class _DayCounts(msgspec.Struct):
    """The messages of a day, counted by row of the report; `latest`: the latest message."""

    rows: dict[ReportRecord, int]
    latest: Evaluation | None = None
    needed: bool = False
    lost: int = 0


class DMARCReports:
    """Our DMARC reports, a kind of reports for `DailyReports`."""

    kind: Kind = "dmarc"
    span = 45 * 60.0
    """Seconds over which a day's reports are spread (QUEUE-131)."""

    def __init__(self, ctx: Context, submit: Submit) -> None:
        self._ctx = ctx
        self._submit = submit

    def off(self) -> bool:
        """Whether the configuration switches these reports off."""
        return self._ctx.config.current.static.no_outgoing_dmarc_reports

    @property
    def _database(self) -> Database:
        assert self._ctx.reports is not None
        return self._ctx.reports.database

    async def waiting(self, day: str) -> list[DueReport]:
        """Reports that may be due for days up to this one. Raises StoreError."""
        end = dt.datetime.strptime(day, "%Y%m%d").replace(tzinfo=dt.UTC) + dt.timedelta(days=1)
        before = int(end.timestamp()) * SECOND
        found = await self._database.scan(partial(evaluated_days, before=before), op="dmarc reports due")
        return [DueReport(domain, number) for domain, number in found]

    async def pending(self, limit: int) -> list[Pending]:
        """Counts of messages that no report contains yet. Raises StoreError."""
        found = await self._database.scan(partial(pending_evaluations, limit=limit), op="dmarc results")
        return [Pending(domain, DueReport(domain, day).day, total, failed) for domain, day, total, failed in found]

    async def drop(self, domain: str) -> int:
        """Delete the evaluations by a domain's policy; returns their number. Raises StoreError."""
        return await self._database.write(partial(drop_evaluations, domain=domain, since=0, before=NEVER))

    async def send(self, due: DueReport, author: Author) -> Outcome:
        """Queue one report, unless it has no contents or recipients. Raises StoreError."""
        outcome = await self._try(due, author)
        if outcome.result != "later":
            since = due.number * DAY
            await self._database.write(partial(drop_evaluations, domain=due.domain, since=since, before=since + DAY))
        return outcome

    async def _try(self, due: DueReport, author: Author) -> Outcome:
        outcome = Outcome(kind="dmarc", domain=due.domain, day=due.day, result="skipped")
        counted = await self._count(due)
        if counted.latest is None or not counted.needed:
            return msgspec.structs.replace(outcome, why="no messages to report")
        discovery = Discovery(self._ctx.resolver, self._ctx.config.current.static.dmarc.method)
        try:
            published = parse_record(counted.latest.record)
            record = (await discovery.at(due.domain)).record
            if record is None or not record.rua:
                return msgspec.structs.replace(outcome, why="reports were declined")
            where = await find_destinations(self._ctx.resolver, due.domain, record.rua, discovery)
        except RecordError as error:
            return msgspec.structs.replace(outcome, why=f"record: {error}")
        except TempError as error:
            return msgspec.structs.replace(outcome, result="later", why=str(error))
        if not where.addresses:
            return msgspec.structs.replace(outcome, why="; ".join(where.problems) or "no address")
        wanting = await without_suppressed(self._ctx, "dmarc", where.addresses)
        if not wanting:
            return msgspec.structs.replace(outcome, why="the addresses are suppressed")
        report, content = await trio.to_thread.run_sync(
            lambda: self._written(due, counted, published, where, author)  # 20,000 rows are sorted and compressed
        )
        begin, end = report.begin, report.end
        mail = ReportMail(
            kind="dmarc",
            key=f"dmarc report {due.day} {due.domain}".encode(),
            recipients=wanting,
            subject=f"Report Domain: {due.domain} Submitter: {author.domain} Report-ID: <{report.report_id}>",
            text=TEXT.format(
                submitter=author.domain,
                domain=due.domain,
                day=f"{due.day[:4]}-{due.day[4:6]}-{due.day[6:]}",
                messages=sum(counted.rows.values()) + counted.lost,
            ),
            filename=f"{author.domain}!{due.domain}!{begin}!{end}.xml.gz",
            media_type="application/gzip",
            content=content,
        )
        await send_report(self._ctx, self._submit, author, mail)
        return msgspec.structs.replace(outcome, result="sent", recipients=tuple(map(str, wanting)))

    async def _count(self, due: DueReport) -> _DayCounts:
        """The messages of the day, equal ones as one row."""
        counted, since, before = _DayCounts({}), due.number * DAY, (due.number + 1) * DAY
        after: int | None = 0
        while after is not None:
            count = partial(_count_slice, counted=counted, domain=due.domain, since=since, before=before, after=after)
            after = await self._database.scan(count, op="dmarc evaluations")
        return counted

    def _written(
        self, due: DueReport, counted: _DayCounts, published: Record, where: Destinations, author: Author
    ) -> tuple[DMARCReport, bytes]:
        """A report, and its compressed XML. Blocks."""
        report = self._report(due, counted, published, where, author)
        return report, gzipped(write_dmarc_report(report))

    def _report(
        self, due: DueReport, counted: _DayCounts, published: Record, where: Destinations, author: Author
    ) -> DMARCReport:
        begin = due.number * DAY // SECOND
        errors = list(where.problems)
        if counted.lost:
            errors.append(f"{counted.lost} messages aren't counted because there are too many different ones")
        rows = [msgspec.structs.replace(row, count=count) for row, count in counted.rows.items()]
        return DMARCReport(
            organization=author.domain,
            email=str(author.address),
            report_id=f"{due.day}.{due.domain}@{author.domain}",
            begin=begin,
            end=begin + DAY // SECOND - 1,
            errors=tuple(errors),
            generator=f"moxlite {__version__}",
            policy=PolicyPublished(
                domain=due.domain,
                adkim=ALIGNMENTS[published.adkim],
                aspf=ALIGNMENTS[published.aspf],
                p=published.policy,
                sp=published.subdomains or published.policy,
                np=published.nonexistent or published.subdomains or published.policy,
                testing="y" if published.testing else "n",
                discovery_method=self._ctx.config.current.static.dmarc.method,
            ),
            records=tuple(sorted(rows, key=lambda row: (row.source_ip, row.header_from, -row.count))),
        )


def _count_slice(r: Reader, counted: _DayCounts, domain: str, since: int, before: int, after: int) -> int | None:
    """Count the next messages, behind the one with the id `after`; returns the last id, None at the end.

    In the thread of the read: the rows of one slice take longer than a task may hold the loop.
    """
    evaluations = evaluations_of(r, domain=domain, since=since, before=before, after=after, limit=SLICE)
    for evaluation in evaluations:
        counted.needed |= not evaluation.optional
        row = _row(evaluation)
        if row in counted.rows or len(counted.rows) < MAX_ROWS:
            counted.rows[row] = counted.rows.get(row, 0) + 1
        else:
            counted.lost += 1
        counted.latest = evaluation
    return evaluations[-1].id if evaluations else None


def _row(evaluation: Evaluation) -> ReportRecord:
    # For the null path SPF checks postmaster@HELO: that is the MAIL FROM identity too (RFC 7208 §2.4), and the only
    # scope that a report may name (RFC 9990 §3.1.1).
    helo = next((spf.domain for spf in evaluation.spf if spf.scope == "helo"), "")
    return ReportRecord(
        source_ip=evaluation.source_ip,
        disposition=_disposition(evaluation),
        dkim="pass" if evaluation.aligned_dkim else "fail",
        spf="pass" if evaluation.aligned_spf else "fail",
        reasons=tuple(Override(kind, comment) for kind, comment in evaluation.overrides),
        header_from=evaluation.header_from,
        envelope_from=evaluation.envelope_from or helo,
        envelope_to=evaluation.envelope_to,
        dkim_results=tuple(
            DKIMAuth(signature.domain, signature.selector, signature.result, signature.problem)
            for signature in sorted(evaluation.dkim, key=lambda signature: not _is_near(signature.domain, evaluation))
        ),
        spf_results=tuple(SPFAuth(spf.domain, "mfrom", spf.result) for spf in evaluation.spf[:1]),
    )


def _disposition(evaluation: Evaluation) -> str:
    """The disposition as RFC 9990 defines it: ``pass`` for a message that passes under a policy other than ``none``."""
    if evaluation.disposition != "none" or not (evaluation.aligned_dkim or evaluation.aligned_spf):
        return evaluation.disposition
    try:
        record = parse_record(evaluation.record)
    except RecordError:
        return evaluation.disposition
    own = evaluation.header_from == evaluation.policy_domain
    applies = record.policy if own else record.subdomains or record.policy
    return "none" if applies == "none" else "pass"


def _is_near(domain: str, evaluation: Evaluation) -> bool:
    """Whether a domain equals the From domain, or is above or below it. Such signatures, which may be aligned, come
    first.
    """
    return _holds(domain, evaluation.header_from) or _holds(evaluation.header_from, domain)


def _holds(above: str, below: str) -> bool:
    return below == above or below.endswith(f".{above}")
