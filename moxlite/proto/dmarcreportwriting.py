"""Writer of DMARC aggregate reports (RFC 9990 §3.1, appendix A; AUTH-82)."""

from collections.abc import Iterator
from typing import Final

import msgspec

from .dmarcreport import DMARCReport, ReportRecord

NAMESPACE: Final = "urn:ietf:params:xml:ns:dmarc-2.0"

MAX_SIGNATURES: Final = 100
"""Number of signatures in a row (RFC 9990 §3.1.1.12)."""

ESCAPED: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

RECORDS: Final = 200
"""Number of rows in a piece."""


def write_dmarc_report(report: DMARCReport) -> Iterator[bytes]:
    """Return the XML of a report, in pieces. Optional elements without a value are left out."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<feedback xmlns="{NAMESPACE}">']
    lines += _element("version", report.version or "1.0")
    lines.append("<report_metadata>")
    lines += _element("org_name", report.organization, needed=True)
    lines += _element("email", report.email, needed=True)
    lines += _element("extra_contact_info", report.contact)
    lines += _element("report_id", report.report_id, needed=True)
    lines.append(f"<date_range><begin>{report.begin}</begin><end>{report.end}</end></date_range>")
    lines += _element("error", "; ".join(report.errors))  # at most one (§3.1.1)
    lines += _element("generator", report.generator)
    lines.append("</report_metadata>")
    lines.append("<policy_published>")
    policy = report.policy
    for name in ("domain", "discovery_method", "p", "sp", "np", "fo", "adkim", "aspf", "testing"):
        lines += _element(name, getattr(policy, name), needed=name in ("domain", "p"))
    lines.append("</policy_published>")
    yield _encoded(lines)
    for at in range(0, len(report.records), RECORDS):
        yield _encoded([line for record in report.records[at : at + RECORDS] for line in _record(record)])
    yield b"</feedback>\n"


def _record(report_record: ReportRecord) -> Iterator[str]:
    yield "<record><row>"
    yield from _element("source_ip", report_record.source_ip, needed=True)
    yield f"<count>{report_record.count}</count>"
    yield "<policy_evaluated>"
    yield from _elements(report_record, ("disposition", "dkim", "spf"), needed=True)
    for reason in report_record.reasons:
        yield "<reason>"
        yield from _elements(reason, ("type", "comment"))
        yield "</reason>"
    yield "</policy_evaluated></row><identifiers>"
    yield from _element("envelope_to", report_record.envelope_to)
    yield from _element("envelope_from", report_record.envelope_from, needed=True)
    yield from _element("header_from", report_record.header_from, needed=True)
    yield "</identifiers><auth_results>"
    for signature in report_record.dkim_results[:MAX_SIGNATURES]:
        yield "<dkim>"
        yield from _elements(signature, ("domain", "selector", "result"), needed=True)
        yield from _element("human_result", signature.human_result)
        yield "</dkim>"
    for spf in report_record.spf_results:
        yield "<spf>"
        yield from _element("domain", spf.domain, needed=True)
        yield from _element("scope", spf.scope)
        yield from _element("result", spf.result, needed=True)
        yield from _element("human_result", spf.human_result)
        yield "</spf>"
    yield "</auth_results></record>"


def _elements(group: msgspec.Struct, names: tuple[str, ...], *, needed: bool = False) -> Iterator[str]:
    for name in names:
        yield from _element(name, getattr(group, name), needed=needed)


def _element(name: str, text: str, *, needed: bool = False) -> Iterator[str]:
    if text or needed:
        yield f"<{name}>{''.join(char if char.isprintable() else '?' for char in text).translate(ESCAPED)}</{name}>"


def _encoded(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode(errors="replace")
