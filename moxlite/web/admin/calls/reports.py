"""The calls about reports: received ones, our own that wait, addresses without reports, MTA-STS policies (WEB-86)."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

from moxlite.admin.dns.wanted import own_ips
from moxlite.admin.figures import SourceReport, Sources, reports_of_source, sources_of
from moxlite.config.domains import DMARC, TLSRPT
from moxlite.encoding import from_json, to_builtins
from moxlite.proto.address import AddressError, Domain
from moxlite.proto.dmarcreport import DMARCReport, ReportRecord
from moxlite.proto.tlsreport import PolicyReport, TLSReport
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.options import DAY
from moxlite.store.reports import received
from moxlite.store.reports.evaluations import Evaluation, evaluations_of
from moxlite.store.reports.received import MAX_ID, Kind, ReceivedReport, unpack_report
from moxlite.web.admin.calls.common import AdminCalls
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import NotFound, ServerFailed, UserError

T = TypeVar("T")

Word = Annotated[str, Meta(max_length=320)]
Text = Annotated[str, Meta(max_length=1000)]
Days = Annotated[int, Meta(ge=1, le=400)]
Place = Annotated[int, Meta(ge=0, le=1_000_000)]
ID = Annotated[int, Meta(ge=0, le=MAX_ID)]

PAGE: Final = 50
"""Reports, records or evaluations of one page."""

MOST_FAILURES: Final = 200
"""Kinds of failures that are shown of one TLS policy."""

MOST_POLICIES: Final = 50
"""Policies that are shown of one TLS report."""


class ReportCalls(AdminCalls):
    """Reports that other servers sent about our domains."""

    @call()
    async def report_places(self, caller: Caller) -> list[ReportPlace]:
        """The domains, with the addresses at which reports about them arrive."""
        domains = self._server.config().domains.domains
        return [
            ReportPlace(name, _place(name, domain.dmarc), _place(name, domain.tlsrpt))
            for name, domain in domains.items()
        ]

    @call()
    async def dmarc_report(self, caller: Caller, report_id: ID, first: Place = 0) -> DMARCReportPage:
        """A DMARC report, with its records from number `first` on."""
        line, report = await self._report("dmarc", report_id, DMARCReport)
        policy = to_builtins(report.policy)
        return DMARCReportPage(
            report=line,
            email=report.email,
            contact=report.contact,
            errors=list(report.errors),
            policy=[f"{name}={policy[name]}" for name in report.policy.__struct_fields__ if policy.get(name)],
            records=len(report.records),
            page=[_record(record) for record in report.records[first : first + PAGE]],
        )

    @call()
    async def tls_report(self, caller: Caller, report_id: ID) -> TLSReportDetail:
        """A TLS report."""
        line, report = await self._report("tls", report_id, TLSReport)
        policies = [_tls_policy(policy) for policy in report.policies[:MOST_POLICIES]]
        return TLSReportDetail(line, report.contact, policies)

    @call()
    async def dmarc_sources(self, caller: Caller, domain: Word, days: Days) -> Sources:
        """Senders in the name of a domain, and whether ``p=reject`` would hurt."""
        own = {str(ip) for ip in own_ips(self._server.config()) or ()}
        return await self._scan(partial(sources_of, domain=_domain(domain), since=_since(days), own=own))

    @call()
    async def dmarc_source_reports(self, caller: Caller, domain: Word, days: Days, ip: Word) -> list[SourceReport]:
        """Reports about a domain with messages of one address, newest first."""
        return await self._scan(partial(reports_of_source, domain=_domain(domain), since=_since(days), ip=ip))

    async def _report(self, kind: Kind, number: int, type_: type[T]) -> tuple[ReceivedReport, T]:
        def read(r: Reader) -> tuple[ReceivedReport, T] | None:
            found = received.report(r, kind, number)
            return None if found is None else (found[0], from_json(unpack_report(found[1]), type_))

        found = await self._scan(read)
        if found is None:
            raise NotFound("Report not found. Reports are deleted after 400 days.")
        return found

    async def _scan(self, read: Callable[[Reader], T]) -> T:
        try:
            return await self._server.reports.database.scan(read, op="admin_reports")
        except StoreError as error:
            raise ServerFailed(f"can't read reports.db: {error}") from None

    @call()
    async def dmarc_evaluations(self, caller: Caller, domain: Word, after: ID = 0) -> list[Evaluated]:
        """A page of messages that were judged by a domain's policy and wait for a report, after the one with the id
        `after`.
        """
        read = partial(evaluations_of, domain=_domain(domain), since=0, before=MAX_ID, after=after, limit=PAGE)
        return [_evaluated(evaluation) for evaluation in await self._scan(read)]


def _domain(name: str) -> str:
    try:
        return Domain.parse(name).ascii
    except AddressError as error:
        raise UserError(f"{name!r} isn't a valid domain: {error}") from None


def _since(days: int) -> int:
    return time.time_ns() // 1000 - days * DAY


def _place(domain: str, found: DMARC | TLSRPT | None) -> str:
    if found is None:
        return ""
    return f"{found.localpart}@{domain if found.domain is None else found.domain.unicode}"


def _record(report_record: ReportRecord) -> DMARCRecord:
    return DMARCRecord(
        source_ip=report_record.source_ip,
        count=report_record.count,
        disposition=report_record.disposition,
        dkim=report_record.dkim,
        spf=report_record.spf,
        reasons=[_reason(reason.type, reason.comment) for reason in report_record.reasons],
        header_from=report_record.header_from,
        envelope_from=report_record.envelope_from,
        envelope_to=report_record.envelope_to,
        dkim_results=[
            Judgement(dkim.domain, dkim.selector, dkim.result, dkim.human_result) for dkim in report_record.dkim_results
        ],
        spf_results=[
            Judgement(spf.domain, spf.scope, spf.result, spf.human_result) for spf in report_record.spf_results
        ],
    )


def _reason(word: str, comment: str) -> str:
    return f"{word}: {comment}" if comment else word


def _tls_policy(policy_report: PolicyReport) -> TLSPolicy:
    return TLSPolicy(
        type=policy_report.type,
        domain=policy_report.domain,
        strings=list(policy_report.strings),
        mx=list(policy_report.mx),
        successes=policy_report.successes,
        failed=policy_report.failed,
        failures=[
            TLSFailure(
                type=failure.result_type,
                reason=failure.reason,
                information=failure.information,
                sending_ip=failure.sending_ip,
                host=failure.mx or failure.helo,
                receiving_ip=failure.receiving_ip,
                sessions=failure.sessions,
            )
            for failure in policy_report.failures[:MOST_FAILURES]
        ],
        more=max(0, len(policy_report.failures) - MOST_FAILURES),
    )


def _evaluated(evaluation: Evaluation) -> Evaluated:
    return Evaluated(
        id=evaluation.id,
        at=evaluation.evaluated,
        source_ip=evaluation.source_ip,
        disposition=evaluation.disposition,
        dkim=evaluation.aligned_dkim,
        spf=evaluation.aligned_spf,
        overrides=[_reason(*pair) for pair in evaluation.overrides],
        header_from=evaluation.header_from,
        envelope_from=evaluation.envelope_from,
        envelope_to=evaluation.envelope_to,
        record=evaluation.record,
        optional=evaluation.optional,
        dkim_results=[Judgement(dkim.domain, dkim.selector, dkim.result, dkim.problem) for dkim in evaluation.dkim],
        spf_results=[Judgement(spf.domain, spf.scope, spf.result, "") for spf in evaluation.spf],
    )


# Results of calls about reports in the admin app (WEB-86). Times are µs UTC; reporters chose the texts.


class ReportPlace(msgspec.Struct, frozen=True):
    """Addresses at which reports about a domain arrive; "" where none is set."""

    domain: str
    dmarc: str
    tls: str


class Judgement(msgspec.Struct, frozen=True):
    """The result of DKIM or SPF for a domain. `about`: selector, or scope of SPF."""

    domain: str
    about: str
    result: str
    text: str


class DMARCRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Messages of one address with the same result. `dkim`, `spf`: whether aligned, in the report's words."""

    source_ip: str
    count: int
    disposition: str
    dkim: str
    spf: str
    reasons: list[str]
    header_from: str
    envelope_from: str
    envelope_to: str
    dkim_results: list[Judgement]
    spf_results: list[Judgement]


class DMARCReportPage(msgspec.Struct, frozen=True, kw_only=True):
    """A DMARC report with a page of its records. `policy`: the parts of the record that the reporter found, as it names
    them. `records`: their number.
    """

    report: ReceivedReport
    email: str
    contact: str
    errors: list[str]
    policy: list[str]
    records: int
    page: list[DMARCRecord]


class TLSFailure(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions that failed in one way (RFC 8460 §4.3)."""

    type: str
    reason: str
    information: str
    sending_ip: str
    host: str
    receiving_ip: str
    sessions: int


class TLSPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions under one policy. `strings`: its lines or records. `more`: failures that are not listed."""

    type: str
    domain: str
    strings: list[str]
    mx: list[str]
    successes: int
    failed: int
    failures: list[TLSFailure]
    more: int


class TLSReportDetail(msgspec.Struct, frozen=True):
    """A TLS report about one domain."""

    report: ReceivedReport
    contact: str
    policies: list[TLSPolicy]


class Evaluated(msgspec.Struct, frozen=True, kw_only=True):
    """An incoming message, judged by the DMARC policy of another domain, that waits for our report. `record`: the
    policy. `optional`: alone it causes no report.
    """

    id: int
    at: int
    source_ip: str
    disposition: str
    dkim: bool
    spf: bool
    overrides: list[str]
    header_from: str
    envelope_from: str
    envelope_to: str
    record: str
    optional: bool
    dkim_results: list[Judgement]
    spf_results: list[Judgement]
