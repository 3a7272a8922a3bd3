"""DMARC and TLS reports in the mail that brings them, and evaluations for our own (smtp.md §9, mailauth.md §8, §9)."""

import logging
import random
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
import trio

from moxlite.mailauth.dkim.sign import key_record
from moxlite.proto.dmarcreport import DMARCReport
from moxlite.smtpd import Context
from moxlite.smtpd.metrics import dmarcdb_message_total, report_total, tlsrpt_session_total
from moxlite.store.errors import StorageBroken
from moxlite.store.options import Options
from moxlite.store.reports import received
from moxlite.store.reports.evaluations import Evaluation, evaluations_of
from moxlite.store.reports.received import ReceivedReport, unpack_report
from moxlite.store.reports.reportsdb import ReportsDB
from moxlite.supervision import open_supervisor
from tests.logs import kv
from tests.reportmail import dmarc_xml, gz, report_mail, tls_json, zipped
from tests.session.smtpd_harness import TLS, Smtp, headers, reason_of, smtp
from tests.session.test_smtpd_checks import KEY, signed, zone

pytestmark = pytest.mark.served

__all__ = ["smtp"]

DMARC = "dmarcreports@ours.example"
TLSRPT = "tlsreports@ours.example"
REPORTS = """
[domains."ours.example".dmarc]
account = "mia"
mailbox = "DMARC"
localpart = "dmarcreports"
[domains."ours.example".tlsrpt]
account = "mia"
mailbox = "TLSRPT"
localpart = "tlsreports"
[accounts.mia]
"""


class Taking:
    """A server that takes reports."""

    def __init__(self, smtp: Smtp, reports: ReportsDB) -> None:
        self.smtp = smtp
        self.reports = reports
        path = smtp.context.config.path.with_name("domains.toml")
        path.write_text(path.read_text().replace("[accounts.mia]", REPORTS))
        self.context: Context = smtp.configured("200000=>30000000", reports=reports)

    async def bring(self, mail: bytes, to: str = DMARC, *, key: str = "", proven: bool = True) -> str:
        """Deliver a mail, `proven` by a signature and SPF, else by nothing; the reply."""
        changes = {"s1._domainkey.remote.example": [key]} if key else {}
        if not proven:
            changes |= {"remote.example": ["v=spf1 ?all"], "_dmarc.remote.example": ["v=DMARC1; p=none"]}
        context = msgspec.structs.replace(self.context, resolver=zone(changes))
        async with self.smtp.connect(context=context, tls=TLS) as client:
            return await client.deliver(to=to, message=await signed(mail) if proven else mail)

    async def kept(self, kind: received.Kind = "dmarc") -> list[ReceivedReport]:
        """What is in reports.db."""
        return await self.reports.database.read(lambda r: received.reports(r, kind), op="test")

    async def problem(self, mailbox: str = "DMARC", name: str = "X-Moxlite-DMARCReport-Error") -> str:
        """What the header of the last mail says of its report."""
        return "".join(headers((await self.smtp.messages(mailbox=mailbox))[-1], name))

    async def evaluations(self, number: int) -> list[Evaluation]:
        """Reports of remote.example, once there are so many."""
        with trio.fail_after(30):
            while True:
                found = await self.reports.database.read(
                    lambda r: evaluations_of(r, "remote.example", 0, 1 << 62), op="test"
                )
                if len(found) >= number:
                    return found
                await trio.sleep(0.01)


@pytest.fixture
async def taking(smtp: Smtp, tmp_path: Path) -> AsyncIterator[Taking]:
    reports = await ReportsDB.open(tmp_path / "reports.db", Options(min_free_space=0))
    async with open_supervisor("reports") as tree:
        reports.start(tree)
        yield Taking(smtp, reports)
    await reports.aclose()


async def flags(smtp: Smtp) -> set[int]:
    async with smtp.context.accounts.use("mia") as account:
        return set(await account.read(lambda r: [row[0] for row in r.rows("SELECT flags FROM message")], op="test"))


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (lambda: gz(dmarc_xml()), "application/gzip"),
        (lambda: zipped(dmarc_xml()), "application/zip"),
        (lambda: zipped(dmarc_xml()), "application/octet-stream"),
        (lambda: dmarc_xml(), "text/xml"),
        (lambda: dmarc_xml(start="<feedback><version>1.0</version><odd>thing</odd>"), "application/xml"),
        (lambda: dmarc_xml().decode().encode("utf-16"), "application/xml"),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
async def test_a_dmarc_report_is_taken(
    taking: Taking, content: Callable[[], bytes], media_type: str, whole: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """SMTP-86, SMTP-100, AUTH-80, AUTH-81: zip, gzip or plain, seen in its mailbox, kept once, counted."""
    caplog.set_level(logging.INFO)
    counted = dmarcdb_message_total.labels("none", "fail", "fail").value
    mail = report_mail(content(), media_type, to=DMARC, whole=whole)
    assert (await taking.bring(mail)).startswith("250")
    [one] = await taking.kept()
    assert (one.sender, one.organization, one.report_id, one.domain, one.total, one.failed) == (
        "remote.example",
        "remote.example",
        "r1",
        "ours.example",
        5,
        2,
    )
    [message] = await taking.smtp.messages(mailbox="DMARC")
    assert reason_of(message) == "reporting"
    assert await taking.problem() == ""
    assert await flags(taking.smtp) == {1}
    whole_report = await taking.reports.database.read(lambda r: received.report(r, "dmarc", one.id), op="test")
    assert whole_report is not None
    report = msgspec.json.decode(unpack_report(whole_report[1]), type=DMARCReport)
    assert [record.source_ip for record in report.records] == ["192.0.2.1", "192.0.2.2"]
    assert dmarcdb_message_total.labels("none", "fail", "fail").value == counted + 2
    assert [record for record in caplog.records if record.message == "report accepted"]
    again = report_total.labels(kind="dmarc", result="again").value
    assert (await taking.bring(mail.replace(b"Message-Id: <", b"Message-Id: <x"))).startswith("250")
    assert (len(await taking.kept()), report_total.labels(kind="dmarc", result="again").value) == (1, again + 1)


OLD = """<?xml version="1.0" encoding="UTF-8" ?>
<feedback xmlns="http://dmarc.org/dmarc-xml/0.1">
 <version>0.1</version>
 <report_metadata><org_name>Remote</org_name><email>r@remote.example</email><extra_contact_info>x</extra_contact_info>
  <report_id>old</report_id><date_range><begin>{begin}</begin><end>{end}</end></date_range></report_metadata>
 <policy_published><domain>ours.example</domain><adkim>r</adkim><aspf>s</aspf><p>quarantine</p><sp>none</sp>
  <pct>25</pct><fo>1</fo></policy_published>
 <record><row><source_ip>2001:db8::1</source_ip><count>4</count><policy_evaluated>
   <disposition>quarantine</disposition><dkim>fail</dkim><spf>fail</spf>
   <reason><type>sampled_out</type><comment>by chance</comment></reason></policy_evaluated></row>
  <identifiers><envelope_to>remote.example</envelope_to><envelope_from>there.example</envelope_from>
   <header_from>ours.example</header_from></identifiers>
  <auth_results><dkim><domain>there.example</domain><selector>s</selector><result>pass</result></dkim>
   <spf><domain>there.example</domain><scope>mfrom</scope><result>softfail</result></spf></auth_results></record>
</feedback>"""


async def test_a_report_of_rfc_7489_is_taken(taking: Taking) -> None:
    """AUTH-80: with its own namespace, `pct`, and a reason that RFC 9990 does not have any more."""
    text = OLD.format(begin=NOW - 86400, end=NOW)
    assert (await taking.bring(report_mail(gz(text.encode()), "application/gzip", to=DMARC))).startswith("250")
    [one] = await taking.kept()
    assert (one.report_id, one.domain, one.total, one.failed) == ("old", "ours.example", 4, 4)
    whole = await taking.reports.database.read(lambda r: received.report(r, "dmarc", one.id), op="test")
    assert whole is not None
    report = msgspec.json.decode(unpack_report(whole[1]), type=DMARCReport)
    assert (report.policy.p, report.policy.sp, report.policy.aspf, report.policy.pct) == (
        "quarantine",
        "none",
        "s",
        "25",
    )
    [record] = report.records
    assert (record.disposition, record.envelope_to, record.header_from) == (
        "quarantine",
        "remote.example",
        "ours.example",
    )
    assert [(reason.type, reason.comment) for reason in record.reasons] == [("sampled_out", "by chance")]
    assert [(one.domain, one.result) for one in record.dkim_results] == [("there.example", "pass")]
    assert [(one.scope, one.result) for one in record.spf_results] == [("mfrom", "softfail")]


NOW = int(time.time())


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (lambda: gz(dmarc_xml(domain="other.example")), "a domain that isn't on this server"),
        (lambda: gz(dmarc_xml(end=NOW + 7200)), "ends in the future"),
        (lambda: gz(dmarc_xml(begin=NOW - 40 * 86400)), "more than 31 days"),
        (lambda: gz(dmarc_xml(begin=NOW, end=NOW - 10)), "missing or invalid report period"),
        (lambda: zipped(dmarc_xml(), b"more"), "must contain exactly one file"),
        (lambda: zipped(), "no report found"),
        (lambda: gz(dmarc_xml())[:-20], "truncated"),
        (lambda: gz(b"<feedback>"), "invalid XML"),
        (lambda: gz(b"<html></html>"), "isn't a DMARC report"),
        (lambda: b"%PDF-1.7", "no report found"),
        (lambda: gz(dmarc_xml(start="<!DOCTYPE feedback><feedback>")), "document type declaration"),
        (
            lambda: gz(dmarc_xml(start='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><feedback>')),
            "document type declaration",
        ),
        (
            lambda: gz(
                dmarc_xml(
                    start='<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]><feedback>'
                )
            ),
            "document type declaration",
        ),
        (lambda: gz(gz(dmarc_xml())), "invalid XML"),
        (lambda: gz(b" " * (21 << 20)), "compression ratio exceeds 200"),
        (lambda: zipped(b" " * (21 << 20)), "compression ratio exceeds 200"),
        (lambda: gz(b"<a>" * 100_000), "nested too deep"),
        (lambda: gz(b"<feedback>" + random.Random(1).randbytes(1000) + b"</feedback>"), "invalid XML"),
        (
            lambda: b"<feedback>" + b"<record/>" * 1_000_000 + b"</feedback>",
            "too many records in report (limit 100000)",
        ),
        (lambda: b"<feedback><error>" + b"x" * (10 << 20), "invalid XML"),
        (lambda: b"<feedback><error>" + b"x" * (11 << 20), "exceeds 15 MiB"),
    ],
)
async def test_a_report_that_cannot_be_used_is_delivered_like_other_mail(
    taking: Taking, content: Callable[[], bytes], problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    """QUEUE-160, SMTP-100, SMTP-153, AUTH-80, AUTH-81, AUTH-107: one header, one line in the log, nothing in
    reports.db.
    """
    caplog.set_level(logging.INFO)
    unusable = report_total.labels(kind="dmarc", result="unusable").value
    assert (await taking.bring(report_mail(content(), "application/octet-stream", to=DMARC))).startswith("250")
    assert problem in await taking.problem()
    assert reason_of((await taking.smtp.messages(mailbox="DMARC"))[0]) == "no-bad-signals"
    assert await flags(taking.smtp) == {0}
    assert await taking.kept() == []
    assert report_total.labels(kind="dmarc", result="unusable").value == unusable + 1
    [line] = [record for record in caplog.records if record.message == "invalid report"]
    assert problem in kv(line)["err"]


async def test_a_report_without_dmarc_pass_is_not_read(taking: Taking) -> None:
    """SMTP-100, AUTH-81"""
    mail = report_mail(gz(dmarc_xml()), to=DMARC)
    assert (await taking.bring(mail, proven=False)).startswith("250")
    assert await taking.problem() == "the sender didn't pass DMARC (result: fail)"
    assert await taking.kept() == []


async def test_a_report_to_another_address_is_ordinary_mail(taking: Taking) -> None:
    """SMTP-100: and a forged error field is taken out."""
    mail = b"X-Moxlite-DMARCReport-Error: forged\r\n" + report_mail(gz(dmarc_xml()), to="mia@ours.example")
    assert (await taking.bring(mail, "mia@ours.example")).startswith("250")
    assert await taking.problem("Inbox") == ""
    assert await taking.kept() == []


async def test_a_sender_brings_so_many_reports_a_day(taking: Taking, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMTP-100"""
    monkeypatch.setattr("moxlite.smtpd.incoming.reports.MAX_A_DAY", 2)
    for number in range(3):
        mail = report_mail(gz(dmarc_xml(number=f"r{number}")), to=DMARC)
        assert (await taking.bring(mail)).startswith("250")
    assert len(await taking.kept()) == 2
    assert await taking.problem() == "too many reports from this sender (limit 2 per day)"


@pytest.mark.parametrize("gone", ["degraded", "closed"])
async def test_mail_arrives_when_reports_cannot_be_kept(
    taking: Taking, gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-158g, SMTP-100"""
    if gone == "degraded":
        taking.reports.database.health.broken = "damaged"
    else:
        broken = ReportsDB(StorageBroken("no such file"))
        taking.context = msgspec.structs.replace(taking.context, reports=broken)
    assert (await taking.bring(report_mail(gz(dmarc_xml()), to=DMARC))).startswith("250")
    assert len(await taking.smtp.messages(mailbox="DMARC")) == 1
    taking.reports.database.health.broken = ""


# TLS reports


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (lambda: gz(tls_json("ours.example", "other.example")), "application/tlsrpt+gzip"),
        (lambda: tls_json("ours.example."), "application/tlsrpt+json"),
        (lambda: tls_json("ours.example"), "application/json"),
        (lambda: gz(tls_json("ours.example")), "application/gzip"),
    ],
)
async def test_a_tls_report_is_taken(taking: Taking, content: Callable[[], bytes], media_type: str) -> None:
    """SMTP-101, AUTH-75, AUTH-76: policies of ours alone; unknown words are kept as text."""
    well = tlsrpt_session_total.labels(result="success").value
    mail = report_mail(content(), media_type, to=TLSRPT)
    assert (await taking.bring(mail, TLSRPT)).startswith("250")
    [one] = await taking.kept("tls")
    assert (one.domain, one.organization, one.total, one.failed) == ("ours.example", "Remote", 5, 1)
    found = await taking.reports.database.read(lambda r: received.report(r, "tls", one.id), op="test")
    assert found is not None
    report = msgspec.json.decode(unpack_report(found[1]))
    [policy] = report["policies"]
    assert (policy["type"], policy["mx"]) == ("of-tomorrow", ["mx.ours.example"])
    assert policy["failures"] == [{"result_type": "new-failure", "sessions": 1}]
    assert tlsrpt_session_total.labels(result="success").value == well + 5
    assert reason_of(await taking.smtp.one(mailbox="TLSRPT")) == "reporting"


async def test_a_report_about_the_host_comes_to_its_own_address(taking: Taking) -> None:
    """SMTP-70, SMTP-101: which takes policies of hostnames as well."""
    host = '[host_tlsrpt]\\naccount = "mia"\\nmailbox = "Host"\\nlocalpart = "tls"\\n[postmaster]'
    taking.context = taking.smtp.configured(f"200000=>30000000\n[postmaster]=>{host}", reports=taking.reports)
    mail = report_mail(gz(tls_json("mail.ours.example")), "application/tlsrpt+gzip", to="tls@mail.ours.example")
    assert (await taking.bring(mail, "tls@mail.ours.example")).startswith("250")
    assert [one.domain for one in await taking.kept("tls")] == ["mail.ours.example"]
    assert reason_of(await taking.smtp.one(mailbox="Host")) == "reporting"


@pytest.mark.parametrize(
    ("service", "problem"),
    [("*", ""), ("tlsrpt", ""), ("email:tlsrpt", ""), ("email", "missing a DKIM signature")],
)
async def test_a_tls_report_needs_a_signature_for_reports(taking: Taking, service: str, problem: str) -> None:
    """SMTP-101, AUTH-36, AUTH-76: a key may be for reports alone."""
    mail = report_mail(gz(tls_json("ours.example")), "application/tlsrpt+gzip", to=TLSRPT)
    key = key_record(KEY).replace("v=DKIM1;", f"v=DKIM1; s={service};")
    assert (await taking.bring(mail, TLSRPT, key=key)).startswith("250")
    assert problem in await taking.problem("TLSRPT", "X-Moxlite-TLSReport-Error")
    assert len(await taking.kept("tls")) == (not problem)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (tls_json("other.example"), "a domain that isn't on this server"),
        (tls_json(), "a domain that isn't on this server"),
        (tls_json("ours.example", period=None), "missing or invalid report period"),
        (b'{"policies":[' + b"{}," * 200_000 + b"{}]}", "too many values"),
        (b'{"policies":' + b"[" * 1_000_000, "not a TLS report"),
        (b'{"report-id":' + b'{"a":' * 50_000, "not a TLS report"),
        (b"{}", "isn't a TLS report"),
        (b"[]", "no report found"),
        (gz(b"{" + b" " * (21 << 20)), "compression ratio exceeds 200"),
    ],
)
async def test_a_tls_report_that_cannot_be_used(taking: Taking, content: bytes, problem: str) -> None:
    """SMTP-101, AUTH-75, AUTH-107"""
    mail = report_mail(content, "application/octet-stream", to=TLSRPT)
    assert (await taking.bring(mail, TLSRPT)).startswith("250")
    assert problem in await taking.problem("TLSRPT", "X-Moxlite-TLSReport-Error")
    assert await taking.kept("tls") == []


# Evaluations

RUA = {"_dmarc.remote.example": ["v=DMARC1; p=reject; rua=mailto:r@remote.example"]}


async def test_evaluations_are_kept_for_reports_of_ours(taking: Taking) -> None:
    """SMTP-103, QUEUE-130: accepted, or refused by DMARC; only where the owner asks for reports."""
    context = msgspec.structs.replace(taking.context, resolver=zone(RUA))
    plain = report_mail(b"", to="mia@ours.example")
    async with taking.smtp.connect(context=context, tls=TLS) as client:
        assert (await client.deliver(message=await signed(plain))).startswith("250")
        assert (await client.deliver(to=DMARC, message=await signed(plain))).startswith("250")
    forged = msgspec.structs.replace(context, resolver=zone({**RUA, "remote.example": ["v=spf1 -all"]}))
    async with taking.smtp.connect(context=forged, tls=TLS) as client:
        assert (await client.deliver(message=plain, sender="")).startswith("550 5.7.26")
    first, second, third = await taking.evaluations(3)
    assert (first.disposition, first.aligned_dkim, first.aligned_spf, first.optional) == ("none", True, True, False)
    assert (first.source_ip, first.envelope_to, first.envelope_from, first.header_from) == (
        "198.51.100.7",
        "ours.example",
        "remote.example",
        "remote.example",
    )
    assert [(one.domain, one.selector, one.result) for one in first.dkim] == [("remote.example", "s1", "pass")]
    assert [(one.domain, one.scope, one.result) for one in first.spf] == [("remote.example", "mfrom", "pass")]
    assert second.optional
    assert (third.disposition, third.aligned_dkim, third.aligned_spf, third.optional, third.envelope_from) == (
        "reject",
        False,
        False,
        True,
        "",
    )


async def test_no_evaluation_where_none_is_wanted(taking: Taking) -> None:
    """SMTP-103: without rua; with `no_outgoing_dmarc_reports`; and of mail that is refused for something else."""
    mail = report_mail(b"", to="mia@ours.example")
    assert (await taking.bring(mail)).startswith("250")
    context = msgspec.structs.replace(taking.context, resolver=zone(RUA))
    async with taking.smtp.connect(context=context, tls=TLS) as client:
        refused = await client.deliver(message=b"From: <eve@remote.example>\r\n" + mail)
    assert refused.startswith("550 5.7.1 ")
    silent = taking.smtp.configured(
        "200000=>30000000\nhostname =>no_outgoing_dmarc_reports = true\\nhostname ",
        reports=taking.reports,
        resolver=zone(RUA),
    )
    async with taking.smtp.connect(context=silent, tls=TLS) as client:
        assert (await client.deliver(message=await signed(mail))).startswith("250")
    async with taking.smtp.connect(context=context, tls=TLS) as client:
        assert (
            await client.deliver(message=await signed(mail.replace(b"Message-Id: <", b"Message-Id: <y")))
        ).startswith("250")
    assert len(await taking.evaluations(1)) == 1
