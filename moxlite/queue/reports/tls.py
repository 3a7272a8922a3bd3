"""TLS reports: selection of due ones, and making one (RFC 8460; QUEUE-123..126)."""

import calendar
import datetime as dt
from functools import partial
from typing import Final

import msgspec
import trio

from moxlite.mailauth.tlsrpt import NoRecord, RecordError, find_record
from moxlite.proto.address import Address, AddressError, Domain
from moxlite.proto.tlsreport import FailureDetail, PolicyReport, TLSReport, encode_tls_report
from moxlite.queue.context import Context
from moxlite.queue.reports.counting import SessionCounts
from moxlite.queue.reports.daily import (
    Author,
    Outcome,
    ReportMail,
    addresses_of,
    gzipped,
    send_report,
    without_suppressed,
)
from moxlite.store.delivery.submission import Submit
from moxlite.store.file.database import Database
from moxlite.store.reports.received import Kind
from moxlite.store.reports.tlsresults import (
    DueTLSReport,
    Pending,
    PolicyCount,
    TLSResult,
    drop_tls,
    mark_sent,
    of_host,
    of_recipients,
    pending_tls,
    waiting_results,
)

DAY_SECONDS: Final = 24 * 3600
"""Period of a report: always one UTC day (RFC 8460 §4.1)."""

TEXT: Final = """\
This is a report about SMTP TLS sessions (RFC 8460) from {submitter}.

About:  {domain}
Day:    {day} UTC
Successful sessions: {successes}
Failed sessions:     {failed}

This report is for automated processing. The attachment contains JSON compressed with gzip.
"""


class TLSReports:
    """Our TLS reports, a kind of reports for `DailyReports`."""

    kind: Kind = "tls"
    span = 4 * 3600.0
    """Seconds over which a day's reports are spread (QUEUE-123)."""

    def __init__(self, ctx: Context, submit: Submit, counts: SessionCounts) -> None:
        self._ctx = ctx
        self._submit = submit
        self._counts = counts

    def off(self) -> bool:
        """Whether the configuration switches these reports off."""
        return self._ctx.config.current.static.no_outgoing_tls_reports

    async def waiting(self, day: str) -> list[DueTLSReport]:
        """Reports that may be due for days up to this one. Raises StoreError."""
        await self._counts.flush()
        return await self._database.scan(partial(waiting_results, day=day), op="tls reports due")

    async def pending(self, limit: int) -> list[Pending]:
        """Counts of sessions that no report contains yet. Raises StoreError."""
        await self._counts.flush()
        return await self._database.scan(partial(pending_tls, limit=limit), op="tls results")

    async def drop(self, domain: str) -> int:
        """Delete the counts of a domain; returns the number of deleted rows. Raises StoreError."""
        await self._counts.flush()
        return await self._database.write(partial(drop_tls, domain=domain))

    async def send(self, tls_report: DueTLSReport, author: Author) -> Outcome:
        """Queue one report, unless it has no contents or recipients. Raises StoreError."""
        database = self._database
        results = await database.scan(
            lambda r: (of_host if tls_report.is_host else of_recipients)(r, tls_report.domain, tls_report.day),
            op="tls report",
        )
        outcome = await self._try(tls_report, results, author)
        if outcome.result != "later":
            await database.write(partial(mark_sent, wanted=tls_report))
        return outcome

    @property
    def _database(self) -> Database:
        assert self._ctx.reports is not None
        return self._ctx.reports.database

    async def _try(self, tls_report: DueTLSReport, results: list[TLSResult], author: Author) -> Outcome:
        outcome = Outcome(kind="tls", domain=tls_report.domain, day=tls_report.day, result="skipped")
        if not any(tls_result.send_report for tls_result in results):
            return msgspec.structs.replace(outcome, why="all sessions were for sending reports")
        failed = any(
            policy.failed for tls_result in results for policy in tls_result.policies
        )  # not mere remarks (QUEUE-122)
        if not failed and not self._ctx.config.current.static.outgoing_tls_reports_for_all_success:
            return msgspec.structs.replace(outcome, why="all sessions succeeded")
        try:
            addresses = await self._addresses(tls_report.domain)
            if tls_report.is_host:
                results = [tls_result for tls_result in results if not await self._has_it(tls_result, addresses)]
        except NoRecord as error:
            return msgspec.structs.replace(outcome, why=f"no record: {error}")
        except RecordError as error:
            later = "later" if error.temporary else "skipped"
            return msgspec.structs.replace(outcome, result=later, why=f"TLSRPT record: {error}")
        if not addresses:
            return msgspec.structs.replace(outcome, why="the record doesn't have a mailto: address")
        if not results:
            return msgspec.structs.replace(outcome, why="already sent to these addresses with domain reports")
        wanting = await without_suppressed(self._ctx, "tls", addresses)
        if not wanting:
            return msgspec.structs.replace(outcome, why="the addresses are suppressed")
        # In a thread: the report to a provider's mail host has a policy for each of the domains behind it.
        mail = await trio.to_thread.run_sync(_mail, tls_report, results, author, wanting)
        await send_report(self._ctx, self._submit, author, mail)
        return msgspec.structs.replace(outcome, result="sent", recipients=tuple(map(str, wanting)))

    async def _addresses(self, name: str) -> tuple[Address, ...]:
        """Look up the addresses for TLS reports of a domain. Raises NoRecord, RecordError."""
        try:
            domain = Domain.parse(name)
        except AddressError as error:
            raise NoRecord(str(error)) from None
        return addresses_of((await find_record(self._ctx.resolver, domain)).mailboxes)

    async def _has_it(self, result: TLSResult, addresses: tuple[Address, ...]) -> bool:
        """Whether the report to the recipients' domain, which contains the same counts, was sent to the same addresses
        (QUEUE-124). Raises RecordError.
        """
        if not result.sent_recipient:
            return False
        try:
            return set(await self._addresses(result.recipient_domain)) == set(addresses)
        except NoRecord:
            return False


def _mail(
    tls_report: DueTLSReport, results: list[TLSResult], author: Author, recipients: tuple[Address, ...]
) -> ReportMail:
    day = dt.datetime.strptime(tls_report.day, "%Y%m%d").replace(tzinfo=dt.UTC)
    begin = calendar.timegm(day.timetuple())
    # A domain may also be a mail host: these are two reports, with two keys.
    report_id = f"{tls_report.day}{'-host' if tls_report.is_host else ''}.{tls_report.domain}@{author.domain}"
    policies = tuple(
        _policy(tls_result.policy_domain, policy) for tls_result in results for policy in tls_result.policies
    )
    report = TLSReport(
        organization=author.domain,
        contact=str(author.address),
        report_id=report_id,
        begin=begin,
        end=begin + DAY_SECONDS - 1,
        policies=policies,
    )
    text = TEXT.format(
        submitter=author.domain,
        domain=tls_report.domain,
        day=day.date().isoformat(),
        successes=sum(policy.successes for policy in policies),
        failed=sum(policy.failed for policy in policies),
    )
    return ReportMail(
        kind="tls",
        key=f"tls report {tls_report.day} {'host' if tls_report.is_host else 'domain'} {tls_report.domain}".encode(),
        recipients=recipients,
        subject=f"Report Domain: {tls_report.domain} Submitter: {author.domain} Report-ID: <{report_id}>",
        text=text,
        filename=f"{author.domain}!{tls_report.domain}!{begin}!{begin + DAY_SECONDS - 1}.json.gz",
        media_type="application/tlsrpt+gzip",
        content=gzipped([encode_tls_report(report)]),
        fields=(
            ("TLS-Report-Domain", tls_report.domain),
            ("TLS-Report-Submitter", author.domain),
            ("TLS-Required", "No"),
        ),
    )


def _policy(domain: str, count: PolicyCount) -> PolicyReport:
    return PolicyReport(
        type=count.type,
        domain=domain,
        strings=count.strings,
        mx=count.mx,
        successes=count.successes,
        failed=count.failed,
        failures=tuple(
            FailureDetail(
                result_type=failure.type,
                sending_ip=failure.sending_ip,
                mx=failure.host,
                receiving_ip=failure.ip,
                sessions=failure.sessions,
                reason=failure.reason,
            )
            for failure in count.failures
        ),
    )
