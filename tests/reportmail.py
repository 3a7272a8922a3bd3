"""Mails with DMARC and TLS reports, good and hostile."""

import base64
import gzip
import io
import json
import random
import time
import zipfile
from collections.abc import Mapping

__all__ = ["dmarc_xml", "gz", "report_mail", "rows", "tls_json", "zipped"]

DAY = 86_400
PERIOD = {"start-datetime": "2026-04-01T00:00:00Z", "end-datetime": "2026-04-01T23:59:59Z"}
ROW = (
    "<record><row><source_ip>{ip}</source_ip><count>{count}</count><policy_evaluated><disposition>none</disposition>"
    "<dkim>{dkim}</dkim><spf>fail</spf></policy_evaluated></row>"
    "<identifiers><header_from>ours.example</header_from></identifiers><auth_results></auth_results></record>"
)


def rows(*found: tuple[str, int, str]) -> str:
    """Records, each of an address, a count, and whether DKIM is aligned."""
    return "".join(ROW.format(ip=ip, count=count, dkim=dkim) for ip, count, dkim in found)


def dmarc_xml(
    records: str = rows(("192.0.2.1", 3, "pass"), ("192.0.2.2", 2, "fail")),
    *,
    domain: str = "ours.example",
    number: str = "r1",
    begin: int | None = None,
    end: int | None = None,
    start: str = '<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">',
) -> bytes:
    """A report about yesterday."""
    now = int(time.time())
    return (
        '<?xml version="1.0"?>'
        f"{start}<report_metadata><org_name>remote.example</org_name><email>r@remote.example</email>"
        f"<report_id>{number}</report_id><date_range><begin>{now - DAY if begin is None else begin}</begin>"
        f"<end>{now if end is None else end}</end></date_range></report_metadata>"
        f"<policy_published><domain>{domain}</domain><p>reject</p></policy_published>{records}</feedback>"
    ).encode()


def tls_json(*domains: str, number: str = "t1", period: Mapping[str, str] | None = PERIOD) -> bytes:
    """A report of RFC 8460 about policies of these domains: 5 sessions went well, 1 failed."""
    report = {
        "organization-name": "Remote",
        "date-range": period,
        "contact-info": "r@remote.example",
        "report-id": number,
        "policies": [
            {
                "policy": {"policy-type": "of-tomorrow", "policy-domain": one, "mx-host": "mx.ours.example"},
                "summary": {"total-successful-session-count": 5, "total-failure-session-count": "1"},
                "failure-details": [{"result-type": "new-failure", "failed-session-count": 1}],
            }
            for one in domains
        ],
    }
    return json.dumps(report).encode()


def gz(octets: bytes) -> bytes:
    """As gzip."""
    return gzip.compress(octets, mtime=0)


def zipped(*members: bytes) -> bytes:
    """As zip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, octets in enumerate(members):
            archive.writestr(f"{number}.xml", octets)
    return file.getvalue()


def report_mail(content: bytes, media_type: str = "application/gzip", *, to: str, whole: bool = False) -> bytes:
    """The mail of ann@remote.example that brings a report, as an attachment or as its whole body."""
    encoded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    header = (
        f"From: Reports <ann@remote.example>\r\nTo: <{to}>\r\nSubject: Report domain: ours.example\r\n"
        f"Date: Fri, 20 Nov 2026 12:00:00 +0000\r\nMessage-Id: <{random.randrange(1 << 60)}@remote.example>\r\n"
        "MIME-Version: 1.0\r\n"
    ).encode()
    part = f"Content-Type: {media_type}\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode() + encoded
    if whole:
        return header + part
    return (
        header
        + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nA report.\r\n"
        b"--b\r\n" + part + b"--b--\r\n"
    )
