"""Results of calls about reports in the admin app (WEB-86). Times are µs UTC; reporters chose the texts."""

import msgspec


class ReportPlace(msgspec.Struct, frozen=True):
    """Addresses at which reports about a domain arrive; "" where none is set."""

    domain: str
    dmarc: str
    tls: str


class ReportLine(msgspec.Struct, frozen=True, kw_only=True):
    """A report in a list. `total`: messages, or successful sessions with TLS. `failed`: messages that do not pass, or
    failed sessions.
    """

    id: int
    sender: str
    organization: str
    report_id: str
    domain: str
    received: int
    begin: int
    end: int
    total: int
    failed: int


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

    report: ReportLine
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

    report: ReportLine
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
