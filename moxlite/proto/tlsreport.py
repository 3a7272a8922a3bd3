"""SMTP TLS reports: JSON in, values out, and the way back (RFC 8460 §4; AUTH-75).

Parsing is lenient: a list may be a single string, a count may be text, a time may lack its zone (then it is UTC), and
unknown words are kept as text. The cost is bounded before the JSON is parsed, by counting delimiters.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, TypeAlias

import msgspec

from moxlite.encoding import json_decoder, to_json

MAX_OCTETS: Final = 20 << 20
"""Octets of the JSON (AUTH-75)."""

MAX_OBJECTS: Final = 100_000
"""Number of opening braces: 30 MB of memory. A report has one for each policy and for each kind of failure."""

MAX_VALUES: Final = 1_000_000
"""Number of commas: 80 MB of memory at worst."""

MAX_TEXT: Final = 256
"""Maximum characters of a stored value."""

MAX_LIST: Final = 100
"""Maximum number of a policy's stored strings, and of its hosts' names."""

MAX_NUMBER: Final = (1 << 53) - 1
"""Largest count; a larger one is read as 0."""


class TLSReportError(ValueError):
    """The octets are not a report, or it exceeds a limit. The argument is a reason in one line."""


class FailureDetail(msgspec.Struct, frozen=True, omit_defaults=True):
    """Sessions that failed in one way (§4.3)."""

    result_type: str = ""
    sending_ip: str = ""
    mx: str = ""
    helo: str = ""
    receiving_ip: str = ""
    sessions: int = 0
    information: str = ""
    reason: str = ""


class PolicyReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """Sessions under one policy. `type`: tlsa, sts, no-policy-found; `strings`: the policy's lines or records."""

    type: str = ""
    domain: str = ""
    strings: tuple[str, ...] = ()
    mx: tuple[str, ...] = ()
    successes: int = 0
    failed: int = 0
    failures: tuple[FailureDetail, ...] = ()


class TLSReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """A report. `begin` and `end` in seconds since 1970."""

    organization: str = ""
    contact: str = ""
    report_id: str = ""
    begin: int = 0
    end: int = 0
    policies: tuple[PolicyReport, ...] = ()


_Text: TypeAlias = str | int | float | bool | None
_Texts: TypeAlias = list[str] | str | None


class _Range(msgspec.Struct, rename="kebab"):
    start_datetime: _Text = None
    end_datetime: _Text = None


class _Policy(msgspec.Struct, rename="kebab", omit_defaults=True):
    policy_type: _Text = None
    policy_string: _Texts = None
    policy_domain: _Text = None
    mx_host: _Texts = None


class _Summary(msgspec.Struct, rename="kebab"):
    total_successful_session_count: _Text = 0
    total_failure_session_count: _Text = 0


class _Detail(msgspec.Struct, rename="kebab", omit_defaults=True):
    result_type: _Text = None
    sending_mta_ip: _Text = None
    receiving_mx_hostname: _Text = None
    receiving_mx_helo: _Text = None
    receiving_ip: _Text = None
    failed_session_count: _Text = None
    additional_information: _Text = None
    failure_reason_code: _Text = None


class _Entry(msgspec.Struct, rename="kebab", omit_defaults=True):
    policy: _Policy | None = None
    summary: _Summary | None = None
    failure_details: list[_Detail] | None = None


class _Report(msgspec.Struct, rename="kebab"):
    organization_name: _Text = None
    date_range: _Range | None = None
    contact_info: _Text = None
    report_id: _Text = None
    policies: list[_Entry] | None = None


_DECODER: Final = json_decoder(_Report)


def read_tls_report(octets: bytes | bytearray) -> TLSReport:
    """Parse a report from JSON. Blocks, for at most 0.2 s. Raises TLSReportError."""
    if len(octets) > MAX_OCTETS:
        raise TLSReportError(f"report exceeds {MAX_OCTETS >> 20} MiB")
    if octets.count(b"{") > MAX_OBJECTS or octets.count(b",") > MAX_VALUES:
        raise TLSReportError("too many values in the report")
    try:
        report = _DECODER.decode(octets)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TLSReportError(f"not a TLS report in JSON: {error}"[:MAX_TEXT]) from None
    if report.organization_name is None and report.report_id is None and not report.policies:
        raise TLSReportError("the JSON isn't a TLS report")
    period = report.date_range or _Range()
    return TLSReport(
        organization=_text(report.organization_name),
        contact=_text(report.contact_info),
        report_id=_text(report.report_id),
        begin=_moment(period.start_datetime),
        end=_moment(period.end_datetime),
        policies=tuple([_policy(policy) for policy in report.policies or ()]),
    )


def encode_tls_report(report: TLSReport) -> bytes:
    """Return the JSON of a report that we send (§4.4)."""
    entries = [
        _Entry(
            policy=_Policy(policy.type, list(policy.strings) or None, policy.domain, list(policy.mx) or None),
            summary=_Summary(policy.successes, policy.failed),
            failure_details=[
                _Detail(
                    detail.result_type,
                    detail.sending_ip or None,
                    detail.mx or None,
                    detail.helo or None,
                    detail.receiving_ip or None,
                    detail.sessions,
                    detail.information or None,
                    detail.reason or None,
                )
                for detail in policy.failures
            ]
            or None,
        )
        for policy in report.policies
    ]
    period = _Range(_written(report.begin), _written(report.end))
    return to_json(_Report(report.organization, period, report.contact, report.report_id, entries))


def _policy(entry: _Entry) -> PolicyReport:
    policy, summary = entry.policy or _Policy(), entry.summary or _Summary()
    return PolicyReport(
        type=_text(policy.policy_type),
        domain=_text(policy.policy_domain),
        strings=_texts(policy.policy_string),
        mx=_texts(policy.mx_host),
        successes=_number(summary.total_successful_session_count),
        failed=_number(summary.total_failure_session_count),
        failures=tuple(
            [
                FailureDetail(
                    result_type=_text(failure_detail.result_type),
                    sending_ip=_text(failure_detail.sending_mta_ip),
                    mx=_text(failure_detail.receiving_mx_hostname),
                    helo=_text(failure_detail.receiving_mx_helo),
                    receiving_ip=_text(failure_detail.receiving_ip),
                    sessions=_number(failure_detail.failed_session_count),
                    information=_text(failure_detail.additional_information),
                    reason=_text(failure_detail.failure_reason_code),
                )
                for failure_detail in entry.failure_details or ()
            ]
        ),
    )


def _text(value: _Text) -> str:
    return "" if value is None else str(value)[:MAX_TEXT]


def _texts(value: _Texts) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value[:MAX_TEXT],) if value else ()
    return tuple([one[:MAX_TEXT] for one in (value or ())[:MAX_LIST]])


def _number(value: _Text) -> int:
    if isinstance(value, str):
        value = int(value) if len(value) <= 16 and value.isascii() and value.isdecimal() else 0
    if not isinstance(value, int | float) or not 0 <= value <= MAX_NUMBER:
        return 0
    return int(value)


def _moment(value: _Text) -> int:
    """Parse a time into seconds since 1970; returns 0 if it is malformed."""
    if isinstance(value, int | float):
        return _number(value)
    try:
        found = datetime.fromisoformat(_text(value).strip())
        return max(0, int((found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()))
    except (ValueError, OverflowError):
        return 0


def _written(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
