"""Reports in the forms in which large providers send them, which are not all those of the RFCs (AUTH-80, AUTH-81)."""

import json
import time
from collections.abc import Iterator

import pytest

from moxlite.proto import dmarcreport
from moxlite.proto.dmarcreport import DMARCReport, DMARCReportError, ReportRecord, read_dmarc_report
from moxlite.proto.tlsreport import FailureDetail, TLSReport, read_tls_report

HELO = "<spf><result>none</result><scope>helo</scope></spf>"
SIGNED = "<dkim><result>{}</result><domain>example.com</domain><selector>s1</selector></dkim>"
SCHEMAS = ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def dmarc(
    results: str, *, evaluated: str = "fail", reason: str = "", attributes: str = "", envelope: str = ""
) -> DMARCReport:
    """Read a report of one row, as RFC 7489 has it."""
    text = f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<feedback{attributes}>
 <report_metadata>
  <org_name>reporter.example </org_name><email>noreply@reporter.example</email>
  <report_id>example.com:1530233361</report_id>
  <date_range><begin>1530133200</begin><end>1530219600</end></date_range>
 </report_metadata>
 <policy_published>
  <domain>example.com</domain><adkim>r</adkim><aspf>r</aspf><p>none</p><pct>100</pct><fo>0</fo>
 </policy_published>
 <record>
  <row>
   <source_ip>192.0.2.1</source_ip><count>2</count>
   <policy_evaluated><disposition>none</disposition><dkim>{evaluated}</dkim><spf>{evaluated}</spf>{reason}</policy_evaluated>
  </row>
  <identifiers>{envelope}<header_from>example.com</header_from></identifiers>
  <auth_results>{results}</auth_results>
 </record>
</feedback>
"""
    return read_dmarc_report([text.encode()])


def row(report: DMARCReport) -> ReportRecord:
    [record] = report.records
    assert (report.organization, report.policy.pct, record.count) == ("reporter.example", "100", 2)
    return record


def test_results_in_any_order_and_without_a_domain() -> None:
    """AUTH-80: as Zoho writes them."""
    record = row(dmarc(SIGNED.format("pass") + HELO))
    assert (record.dkim_results[0].selector, record.dkim_results[0].result) == ("s1", "pass")
    assert (record.spf_results[0].scope, record.spf_results[0].domain) == ("helo", "")


def test_namespaces_of_schemas_and_the_envelope() -> None:
    """AUTH-80: as Outlook writes them."""
    envelope = "<envelope_to>hotmail.com</envelope_to><envelope_from>example.com</envelope_from>"
    record = row(
        dmarc("<spf><domain>example.com</domain><result>fail</result></spf>", attributes=SCHEMAS, envelope=envelope)
    )
    assert (record.envelope_to, record.envelope_from, record.spf_results[0].result) == (
        "hotmail.com",
        "example.com",
        "fail",
    )


def test_words_with_capitals_are_the_words() -> None:
    """AUTH-80: they are counted as those in lower case."""
    record = row(dmarc(SIGNED.format("Pass"), evaluated="Pass"))
    assert (record.dkim, record.spf, record.dkim_results[0].result) == ("pass", "pass", "pass")


def test_reasons_and_domains_that_are_empty() -> None:
    """AUTH-80"""
    record = row(
        dmarc("<spf><domain></domain><result>none</result></spf>", reason="<reason><type></type><comment/></reason>")
    )
    assert [(one.type, one.comment) for one in record.reasons] == [("", "")]
    assert record.spf_results[0].domain == ""


def test_the_time_of_a_report_is_that_of_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """AUTH-80, AUTH-107: a busy machine does not make a report unusable."""
    text = b"<feedback><report_metadata><report_id>x</report_id></report_metadata></feedback>"

    def late() -> Iterator[bytes]:
        for octet in text:
            yield bytes([octet])
            time.sleep(0.002)

    def endless() -> Iterator[bytes]:
        yield b"<feedback>"
        while True:
            yield b"<version/>"

    monkeypatch.setattr(dmarcreport, "MAX_SECONDS", 0.1)
    assert read_dmarc_report(late()).report_id == "x"
    monkeypatch.setattr(dmarcreport, "MAX_ELEMENTS", 1 << 60)
    monkeypatch.setattr(dmarcreport, "MAX_OCTETS", 1 << 60)
    with pytest.raises(DMARCReportError, match="timed out"):
        read_dmarc_report(endless())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'<feedback xmlns="' + b"u" * 300 + b'"><a/></feedback>', "a namespace with a long name"),
        (b'<feedback><a xmlns:p="' + b"u" * 300 + b'" p:b="c"/></feedback>', "a namespace with a long name"),
        (b"<feedback>" + b"".join(b"<a%d/>" % n for n in range(1001)) + b"</feedback>", "different element names"),
        (b"<feedback " + b"".join(b'a%d="" ' % n for n in range(1001)) + b"/>", "different element names"),
    ],
)
def test_names_that_would_multiply_in_memory_are_refused(text: bytes, reason: str) -> None:
    """AUTH-80, AUTH-107: 100 kB of namespace and 2,000 names in it made 200 MB of a report of 115 kB."""
    with pytest.raises(DMARCReportError, match=reason):
        read_dmarc_report([text])


def tls(*details: dict[str, object], end: str, **policy: object) -> TLSReport:
    """Read a report of one policy."""
    return read_tls_report(
        json.dumps(
            {
                "organization-name": "Reporter",
                "contact-info": "tls@reporter.example",
                "date-range": {"start-datetime": "2024-02-22T00:00:00Z", "end-datetime": end},
                "report-id": "2024-02-22T00:00:00Z_example.com",
                "policies": [
                    {
                        "policy": {"policy-domain": "example.com", **policy},
                        "summary": {"total-successful-session-count": 48, "total-failure-session-count": len(details)},
                        **({"failure-details": details} if details else {}),
                    }
                ],
            }
        ).encode()
    )


def test_a_tls_report_without_policy_strings_hosts_and_addresses() -> None:
    """AUTH-81: as Mail.ru writes it, to the end of the day and not the second before."""
    detail: dict[str, object] = {
        "failed-session-count": 1,
        "result-type": "sts-policy-fetch-error",
        "failure-reason-code": "404",
    }
    report = tls(detail, end="2024-02-23T00:00:00Z", **{"policy-type": "sts"})
    assert report.end - report.begin == 86400
    assert report.policies[0].failures == (
        FailureDetail(result_type="sts-policy-fetch-error", sessions=1, reason="404"),
    )


def test_a_tls_report_with_empty_fields() -> None:
    """AUTH-81: empty is as good as absent."""
    empty = ("sending-mta-ip", "receiving-ip", "receiving-mx-hostname", "additional-information")
    detail = dict.fromkeys(empty, "") | {"result-type": "validation-failure", "failed-session-count": 1}
    report = tls(detail, end="2024-02-22T23:59:59Z", **{"policy-type": "sts", "policy-string": ["version: STSv1"]})
    assert report.policies[0].failures == (FailureDetail(result_type="validation-failure", sessions=1),)


def test_a_tls_report_of_a_domain_without_policy() -> None:
    """AUTH-81: as Google writes it: nothing but how many sessions there were."""
    [policy] = tls(end="2024-02-22T23:59:59Z", **{"policy-type": "no-policy-found"}).policies
    assert (policy.type, policy.successes, policy.failed, policy.strings) == ("no-policy-found", 48, 0, ())
