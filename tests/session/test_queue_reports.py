"""Our reports to others, on TLS and DMARC: counted by attempts, made after the day's end, sent by the queue, and read
back by our own reader.
"""

import email
import email.message
import gzip
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest

from moxlite.mailauth.dkim.message import Message as SignedMessage
from moxlite.mailauth.dkim.sign import generate, key_record, to_pem
from moxlite.mailauth.dkim.verify import verify
from moxlite.net.resolver import RecordType, TempError
from moxlite.operations.queue import Filter
from moxlite.proto.dmarcreport import DMARCReport, read_dmarc_report
from moxlite.proto.dmarcreportwriting import NAMESPACE
from moxlite.proto.tlsreport import TLSReport, read_tls_report
from moxlite.queue.reports import counting, daily, dmarc, tls
from moxlite.queue.reports.daily import Outcome
from moxlite.store.errors import StorageBroken
from moxlite.store.reports.evaluations import DKIMEvaluation, Evaluation, SPFEvaluation, add_evaluations, add_suppressed
from moxlite.store.reports.received import KINDS
from tests.queue_rig import START, Rig, Server, rig_at, sample
from tests.reportforms import check_dmarc_form, check_tls_form
from tests.tools import eventually

pytestmark = pytest.mark.served

DAY = 24 * 3600.0
KEY = generate("ed25519")
DKIM = 'dkim = { sign = ["a"], selectors = { a = { key_file = "key.pem" } } }'
KEEP = 'keep_retired_message_period = "500h"'
TODAY = "20270115"
STS = "mode: enforce, mx: mx.remote.example, max_age: 86400"


@pytest.fixture(autouse=True)
def all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports are not spread over hours here."""
    monkeypatch.setattr(daily, "MAX_GAP", 0.0)


@asynccontextmanager
async def reporting(
    tmp_path: Path, *, top: str = "", domains: str = "", static: str = "", signs: bool = True
) -> AsyncIterator[Rig]:
    """A queue whose domain signs; remote.example wants its reports at reports.example, which takes them."""
    (tmp_path / "key.pem").write_bytes(to_pem(KEY))
    domain = DKIM if signs else ""
    async with rig_at(tmp_path, top=top, domain=domain, domains=domains, static=static, account=KEEP) as rig:
        rig.resolver.set("a._domainkey.own.example", RecordType.TXT, [key_record(KEY)])
        wants(rig, "remote.example")
        rig.inbox_of_reports = rig.remote(Server(), "reports.example", "192.0.2.7")  # type: ignore[attr-defined]
        yield rig


def wants(rig: Rig, domain: str, address: str = "r@reports.example") -> None:
    """The domain has records that ask for reports."""
    rig.resolver.set(f"_smtp._tls.{domain}", RecordType.TXT, [f"v=TLSRPTv1; rua=mailto:{address}"])
    rig.resolver.set(f"_dmarc.{domain}", RecordType.TXT, [f"v=DMARC1; p=reject; sp=none; rua=mailto:{address}!1k"])
    host = address.partition("@")[2]
    rig.resolver.set(f"{domain}._report._dmarc.{host}", RecordType.TXT, ["v=DMARC1"])


def sent(rig: Rig) -> list[bytes]:
    """The reports that have arrived."""
    server = rig.inbox_of_reports  # type: ignore[attr-defined]
    assert isinstance(server, Server)
    return server.messages


async def next_day(rig: Rig) -> None:
    """Past midnight and the pause after it; the reports of the days before are sent, and their mail."""
    rig.clock.advance(DAY)
    rig.queue.clock_set()
    for kind in (rig.queue.reports.tls, rig.queue.reports.dmarc):
        await eventually(lambda kind=kind: kind._done == counting.day_of(rig.clock.now))  # type: ignore[misc]
    await rig.settle()


def parts(octets: bytes) -> tuple[email.message.Message, str, bytes]:
    """The header, the text and the unpacked content of a report."""
    message = email.message_from_bytes(octets)
    payload = message.get_payload()
    assert isinstance(payload, list)
    text, attached = payload
    assert isinstance(text, email.message.Message)
    assert isinstance(attached, email.message.Message)
    content = attached.get_payload(decode=True)
    assert isinstance(content, bytes)
    return message, str(text.get_payload()), gzip.decompress(content)


def tls_report(octets: bytes) -> TLSReport:
    """By our reader, after a look at its form by an independent one."""
    content = parts(octets)[2]
    check_tls_form(content)
    return read_tls_report(content)


def dmarc_report(octets: bytes) -> DMARCReport:
    """As `tls_report`."""
    content = parts(octets)[2]
    check_dmarc_form(content)
    return read_dmarc_report([content])


async def fail_tls(rig: Rig, number: int = 1) -> None:
    """Attempts under a policy that the host does not keep, and one that goes well without policy."""
    rig.sts(STS)
    rig.remote(Server())
    for _ in range(number):
        await rig.submit("bob@remote.example")
        await rig.settle()
    await rig.queue.scheduler.sessions.flush()
    await rig.queue.operations.drop(Filter(account="alice"))


EVALUATION = Evaluation(
    policy_domain="remote.example",
    evaluated=START,
    record="v=DMARC1; p=reject; sp=none; rua=mailto:r@reports.example",
    source_ip="192.0.2.1",
    disposition="none",
    aligned_dkim=True,
    aligned_spf=False,
    envelope_to="own.example",
    envelope_from="remote.example",
    header_from="remote.example",
    dkim=(DKIMEvaluation("list.example", "l", "pass"), DKIMEvaluation("remote.example", "s", "pass")),
    spf=(SPFEvaluation("remote.example", "mfrom", "softfail"),),
)


async def evaluated(rig: Rig, *evaluations: Evaluation) -> None:
    await rig.reports.database.write(partial(add_evaluations, evaluations=evaluations))


async def test_sessions_of_a_day_are_reported_after_it(tmp_path: Path) -> None:
    """QUEUE-120, QUEUE-123, QUEUE-125, AUTH-75, AUTH-82: what attempts saw, counted; the mail that brings it is signed
    by the domain of its author, goes out whatever TLS it finds, and our own reader reads it back.
    """
    async with reporting(tmp_path) as rig:
        rig.sts(STS.replace("remote", "reports"), "reports.example")  # which it does not keep
        await fail_tls(rig, 2)
        assert not sent(rig)
        await next_day(rig)
        [octets] = sent(rig)
        header, text, _ = parts(octets)
        assert header["From"].strip("<>") == "postmaster@own.example"
        assert " ".join(header["Subject"].split()) == (
            f"Report Domain: remote.example Submitter: own.example Report-ID: <{TODAY}.remote.example@own.example>"
        )
        assert (header["TLS-Report-Domain"], header["TLS-Report-Submitter"]) == ("remote.example", "own.example")
        assert header["TLS-Required"] == "No"
        assert header.get_content_type() == "multipart/report"
        assert header.get_param("report-type") == "tlsrpt"
        attached = header.get_payload()[1]  # type: ignore[index]
        assert attached.get_content_type() == "application/tlsrpt+gzip"  # type: ignore[union-attr]
        name = "own.example!remote.example!1799971200!1800057599.json.gz"
        assert attached.get_filename() == name  # type: ignore[union-attr]
        [signature] = await verify(rig.resolver, SignedMessage.of(octets))
        assert (signature.status, signature.domain) == ("pass", "own.example")
        signed = header["DKIM-Signature"].lower()
        assert "tls-report-domain" in signed
        assert "tls-report-submitter" in signed
        assert "2027-01-15 UTC" in text
        report = tls_report(octets)
        assert (report.organization, report.contact) == ("own.example", "postmaster@own.example")
        assert (report.begin, report.end) == (1799971200, 1800057599)
        [policy, *hosts] = report.policies
        assert (policy.type, policy.domain, policy.mx) == ("sts", "remote.example", ("mx.remote.example",))
        assert policy.strings[:2] == ("version: STSv1", "mode: enforce")
        assert (policy.successes, policy.failed) == (0, 2)
        [failure] = policy.failures
        assert (failure.result_type, failure.mx, failure.sessions) == (
            "starttls-not-supported", "mx.remote.example", 2,
        )  # fmt: skip
        assert failure.receiving_ip == "192.0.2.1"
        assert [(one.type, one.domain) for one in hosts] == [("no-policy-found", "mx.remote.example")]


async def test_large_reports_do_not_hold_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-123, QUEUE-131: what grows with the mail of a day is counted and written in threads."""
    threads = []

    def noting(work: Callable[..., object]) -> Callable[..., object]:
        def run(*args: object) -> object:
            threads.append((work.__name__, threading.current_thread() is threading.main_thread()))
            return work(*args)

        return run

    for module, name in ((tls, "_mail"), (dmarc, "_row"), (dmarc, "gzipped"), (dmarc.DMARCReports, "_report")):
        monkeypatch.setattr(module, name, noting(getattr(module, name)))
    async with reporting(tmp_path) as rig:
        await fail_tls(rig)
        await evaluated(rig, EVALUATION)
        await next_day(rig)
        assert len(sent(rig)) == 2
    assert sorted(set(threads)) == [("_mail", False), ("_report", False), ("_row", False), ("gzipped", False)]


async def test_nothing_is_reported_twice_or_about_reports(tmp_path: Path) -> None:
    """QUEUE-121, QUEUE-123: midnight, a clock that is set back, and a restart; sessions that brought reports are no
    reason for one.
    """
    async with reporting(tmp_path) as rig:
        wants(rig, "reports.example", "r@reports.example")
        rig.sts(STS.replace("remote", "reports").replace("enforce", "testing"), "reports.example")
        await fail_tls(rig)
        await next_day(rig)
        assert len(sent(rig)) == 1  # its own session failed the policy of reports.example, which is not told
        rig.clock.advance(-DAY)
        rig.queue.clock_set()
        await rig.settle()
        await next_day(rig)
        await next_day(rig)
        assert len(sent(rig)) == 1
    async with reporting(tmp_path) as rig:
        rig.clock.advance(3 * DAY)
        assert [one.result for one in await rig.queue.reports.tls.send("20270117")] == []


@pytest.mark.parametrize("fails", [False, True])
async def test_a_session_for_a_dmarc_report_is_told_only_if_it_failed(tmp_path: Path, *, fails: bool) -> None:
    """QUEUE-121: two servers that report to each other come to an end."""
    async with reporting(tmp_path, top="outgoing_tls_reports_for_all_success = true") as rig:
        wants(rig, "reports.example")
        if fails:
            rig.sts(STS.replace("remote", "reports").replace("enforce", "testing"), "reports.example")
        else:
            rig.resolver.set("reports.example", RecordType.MX, ["10 mx.remote.example"])
            rig.resolver.set("mx.remote.example", RecordType.A, ["192.0.2.7"])
            rig.serve("192.0.2.7", Server(tls=rig.certificate))
        assert (await one(rig)).result == "sent"
        await rig.settle()
        outcomes = {one.domain: (one.result, one.why) for one in await rig.queue.reports.tls.send(TODAY)}
        expected = ("sent", "") if fails else ("skipped", "all sessions were for sending reports")
        assert outcomes["reports.example"] == expected


async def test_a_kill_while_reports_are_sent_loses_and_doubles_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """QUEUE-123, QUEUE-125, QUEUE-134: a report that was handed to the queue, and could not be marked, is not handed
    over again; one that was not is.
    """

    def broken(*_: object, **__: object) -> None:
        raise StorageBroken("killed here")

    async with reporting(tmp_path) as rig:
        await fail_tls(rig)
        await evaluated(rig, EVALUATION)
        with monkeypatch.context() as patch:
            patch.setattr(tls, "mark_sent", broken)
            patch.setattr(dmarc, "drop_evaluations", broken)
            first = [*await rig.queue.reports.tls.send(TODAY), *await rig.queue.reports.dmarc.send(TODAY)]
            assert {one.result for one in first} == {"later"}
        await rig.settle()
        assert len(sent(rig)) == 2
    async with reporting(tmp_path) as rig:
        await next_day(rig)
        assert not sent(rig)
        assert await rig.queue.reports.tls.send(TODAY) == []
        assert await rig.queue.reports.dmarc.send(TODAY) == []


async def test_a_remark_is_no_reason_for_a_report(tmp_path: Path) -> None:
    """QUEUE-122, QUEUE-124: no policy, no STARTTLS: that is in reports, but calls for none."""
    async with reporting(tmp_path) as rig:
        rig.remote(Server())
        await rig.submit("bob@remote.example")
        await rig.settle()
        [domain, host] = await rig.queue.reports.tls.send(TODAY)
        assert (domain.domain, domain.result, domain.why) == ("remote.example", "skipped", "all sessions succeeded")
        assert host.result == "skipped"
        assert not sent(rig)


async def test_success_is_reported_where_that_is_wanted(tmp_path: Path) -> None:
    """QUEUE-124: `outgoing_tls_reports_for_all_success`."""
    for name, top, expected in (
        ("a", "", ["skipped"] * 2),
        ("b", "outgoing_tls_reports_for_all_success = true", ["sent", "skipped"]),
    ):
        (tmp_path / name).mkdir()
        async with reporting(tmp_path / name, top=top) as rig:
            rig.remote(Server(tls=rig.certificate))
            await rig.submit("bob@remote.example")
            await rig.settle()
            rows = await rig.queue.reports.tls.send(TODAY)
            assert [one.result for one in rows] == expected


async def test_a_mail_host_gets_what_its_domains_have_not_got(tmp_path: Path) -> None:
    """QUEUE-124: the reports to hosts leave out what was sent to the same addresses."""
    async with reporting(tmp_path) as rig:
        await fail_tls(rig)
        wants(rig, "mx.remote.example")
        rig.resolver._authentic = True
        [domain, host] = await rig.queue.reports.tls.send(TODAY)
        assert (domain.domain, domain.result) == ("remote.example", "sent")
        assert host.result == "skipped"
    (tmp_path / "other").mkdir()
    async with reporting(tmp_path / "other", top="outgoing_tls_reports_for_all_success = true") as rig:
        await fail_tls(rig)
        wants(rig, "mx.remote.example", "host@reports.example")
        found = await rig.queue.reports.tls.send(TODAY)
        assert [(one.domain, one.result, one.recipients) for one in found] == [
            ("remote.example", "sent", ("r@reports.example",)),
            ("mx.remote.example", "sent", ("host@reports.example",)),
        ]
        await rig.settle()
        report = tls_report(sent(rig)[1])
        assert report.report_id == f"{TODAY}-host.mx.remote.example@own.example"
        assert [one.domain for one in report.policies] == ["mx.remote.example"]


@pytest.mark.parametrize(
    ("records", "result", "why"),
    [
        (["v=TLSRPTv1; rua=https://reports.example/"], "skipped", "mailto"),
        (
            ["v=TLSRPTv1; rua=mailto:a@reports.example", "v=TLSRPTv1; rua=mailto:b@reports.example"],
            "skipped",
            "records",
        ),
        (["v=TLSRPTv1; rua="], "skipped", "record"),
        (["v=TLSRPTv1; rua=mailto:j%C3%B6@reports.example"], "sent", ""),
        ([], "skipped", "no record"),
    ],
)
async def test_reports_go_where_one_good_record_says(tmp_path: Path, records: list[str], result: str, why: str) -> None:
    """QUEUE-124, AUTH-74."""
    async with reporting(tmp_path) as rig:
        await fail_tls(rig)
        rig.resolver.set("_smtp._tls.remote.example", RecordType.TXT, records)
        outcome = (await rig.queue.reports.tls.send(TODAY))[0]
        assert outcome.result == result
        assert why in outcome.why


async def test_a_record_that_cannot_be_looked_up_is_asked_for_the_next_day(tmp_path: Path) -> None:
    """QUEUE-126, QUEUE-134: what was counted is kept, the report goes then; each outcome is counted."""
    counts = {one: sample("moxlite_queue_reports_total", kind="tls", result=one) for one in ("later", "sent")}
    async with reporting(tmp_path) as rig:
        await fail_tls(rig)
        rig.resolver._failing = {"_smtp._tls.remote.example.": TempError("no answer")}
        assert (await rig.queue.reports.tls.send(TODAY))[0].result == "later"
        rig.resolver._failing = {}
        assert (await rig.queue.reports.tls.send(TODAY))[0].result == "sent"
    for result, count in counts.items():
        assert sample("moxlite_queue_reports_total", kind="tls", result=result) == count + 1


async def test_a_dmarc_report_counts_the_messages_of_a_day(tmp_path: Path) -> None:
    """QUEUE-131, QUEUE-133, AUTH-82: in the words of RFC 9990, whatever `ri` and size the record asks for; equal ones
    as a row, aligned signatures first. It is signed by its author's domain, so that it passes DMARC itself.
    """
    async with reporting(tmp_path) as rig:
        refused = msgspec.structs.replace(
            EVALUATION, source_ip="2001:db8::1", aligned_dkim=False, disposition="reject", dkim=(), envelope_from="",
            spf=(SPFEvaluation("helo.example", "helo", "none"),),
        )  # fmt: skip
        passed = msgspec.structs.replace(
            refused, disposition="none", overrides=(("mailing_list", "it is <one>"),), header_from="sub.remote.example"
        )
        tomorrow = msgspec.structs.replace(EVALUATION, evaluated=START + int(DAY * 1e6))
        await evaluated(rig, EVALUATION, EVALUATION, refused, passed, tomorrow)
        await next_day(rig)
        [octets] = sent(rig)
        header, text, xml = parts(octets)
        assert " ".join(header["Subject"].split()) == (
            f"Report Domain: remote.example Submitter: own.example Report-ID: <{TODAY}.remote.example@own.example>"
        )
        assert header["To"].strip("<>") == "r@reports.example"
        attached = header.get_payload()[1]  # type: ignore[index]
        assert attached.get_content_type() == "application/gzip"  # type: ignore[union-attr]
        name = "own.example!remote.example!1799971200!1800057599.xml.gz"
        assert attached.get_filename() == name  # type: ignore[union-attr]
        [signature] = await verify(rig.resolver, SignedMessage.of(octets))
        assert (signature.status, signature.domain) == ("pass", "own.example")
        assert "Messages: 4" in text
        assert f'<feedback xmlns="{NAMESPACE}">'.encode() in xml
        report = dmarc_report(octets)
        assert (report.organization, report.email) == ("own.example", "postmaster@own.example")
        assert (report.begin, report.end, report.version) == (1799971200, 1800057599, "1.0")
        assert report.generator.startswith("moxlite ")
        policy = report.policy
        assert (policy.domain, policy.p, policy.sp, policy.np) == ("remote.example", "reject", "none", "none")
        assert (policy.adkim, policy.aspf, policy.testing, policy.pct) == ("r", "r", "n", "")
        assert policy.discovery_method == "treewalk"
        first, *others = report.records
        assert (first.source_ip, first.count, first.disposition) == ("192.0.2.1", 2, "pass")
        assert (first.dkim, first.spf) == ("pass", "fail")
        assert [one.domain for one in first.dkim_results] == ["remote.example", "list.example"]
        assert (first.spf_results[0].scope, first.spf_results[0].result) == ("mfrom", "softfail")
        assert [(one.header_from, one.disposition, one.count) for one in others] == [
            ("remote.example", "reject", 1),
            ("sub.remote.example", "none", 1),
        ]
        assert others[0].envelope_from == "helo.example"
        assert (others[0].spf_results[0].domain, others[0].spf_results[0].scope) == ("helo.example", "mfrom")
        assert (others[1].reasons[0].type, others[1].reasons[0].comment) == ("mailing_list", "it is <one>")
        await next_day(rig)
        assert [sum(row.count for row in dmarc_report(one).records) for one in sent(rig)] == [4, 1]


async def test_a_report_with_too_many_rows_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-133: equal messages still count; the number of those that do not is told."""
    assert dmarc.MAX_ROWS == 20_000
    monkeypatch.setattr(dmarc, "MAX_ROWS", 1)
    async with reporting(tmp_path) as rig:
        others = [msgspec.structs.replace(EVALUATION, source_ip=f"192.0.2.{number}") for number in (2, 3)]
        await evaluated(rig, EVALUATION, *others, EVALUATION)
        await rig.queue.reports.dmarc.send(TODAY)
        await rig.settle()
        report = dmarc_report(sent(rig)[0])
        assert [row.count for row in report.records] == [2]
        assert report.errors == ("2 messages aren't counted because there are too many different ones",)


async def test_what_is_no_reason_for_a_report_makes_none(tmp_path: Path) -> None:
    """QUEUE-130: reports, and strangers that were refused; beside others they count."""
    async with reporting(tmp_path) as rig:
        await evaluated(rig, msgspec.structs.replace(EVALUATION, optional=True))
        [outcome] = await rig.queue.reports.dmarc.send(TODAY)
        assert outcome.result == "skipped"
        assert await rig.queue.reports.dmarc.send(TODAY) == []


async def one(rig: Rig) -> Outcome:
    """What becomes of a DMARC report to remote.example."""
    await evaluated(rig, EVALUATION)
    [outcome] = await rig.queue.reports.dmarc.send(TODAY)
    return outcome


async def test_mailboxes_elsewhere_must_agree(tmp_path: Path) -> None:
    """QUEUE-132, AUTH-57: under the policy domain's name; they may name others at the same host; without an answer it
    is tried the next day.
    """
    async with reporting(tmp_path) as rig:
        agreed = "remote.example._report._dmarc.reports.example"
        rig.resolver.set(agreed, RecordType.TXT, [])
        outcome = await one(rig)
        assert (outcome.result, "doesn't accept reports" in outcome.why) == ("skipped", True)
        rig.resolver.set(agreed, RecordType.TXT, ["v=DMARC1; rua=mailto:x@elsewhere.example,mailto:s@reports.example"])
        assert (await one(rig)).recipients == ("s@reports.example",)
    (tmp_path / "b").mkdir()
    async with reporting(tmp_path / "b") as rig:
        wants(rig, "remote.example", "r@sub.remote.example")
        rig.resolver.set("remote.example._report._dmarc.sub.remote.example", RecordType.TXT, [])
        assert (await one(rig)).recipients == ("r@sub.remote.example",)  # of the same organization
    (tmp_path / "c").mkdir()
    async with reporting(tmp_path / "c") as rig:
        rig.resolver._failing = {f"{agreed}.": TempError("no answer")}
        assert (await one(rig)).result == "later"
        rig.resolver._failing = {}
        [outcome] = await rig.queue.reports.dmarc.send(TODAY)
        assert outcome.result == "sent"


async def test_a_record_cannot_make_us_send_without_end(tmp_path: Path) -> None:
    """QUEUE-132: at most 20 addresses, also where those elsewhere name others in their place; the report tells it."""
    async with reporting(tmp_path) as rig:
        hosts = [f"h{number}.example" for number in range(21)]
        rua = ",".join(f"mailto:r@{host}" for host in hosts)
        rig.resolver.set("_dmarc.remote.example", RecordType.TXT, [f"v=DMARC1; p=reject; rua={rua}"])
        for host in hosts:
            others = ",".join(f"mailto:r{number}@{host}" for number in range(15))
            rig.resolver.set(f"remote.example._report._dmarc.{host}", RecordType.TXT, [f"v=DMARC1; rua={others}"])
            rig.resolver.set(host, RecordType.MX, ["10 mx.reports.example"])
        outcome = await one(rig)
        assert len(outcome.recipients) == 20
        await rig.settle()
        assert dmarc_report(sent(rig)[0]).errors == (
            "only 20 of 21 addresses in the record are served; only 20 of 300 addresses that take reports are served",
        )


async def test_the_record_of_now_says_where_reports_go(tmp_path: Path) -> None:
    """QUEUE-132: none wanted any more: what was counted is forgotten. A mailbox that does not agree is named in the
    report to the others.
    """
    async with reporting(tmp_path) as rig:
        rig.resolver.set("_dmarc.remote.example", RecordType.TXT, ["v=DMARC1; p=reject"])
        assert "reports were declined" in (await one(rig)).why
        assert await rig.queue.reports.dmarc.pending() == []
        both = "v=DMARC1; p=reject; rua=mailto:r@reports.example,mailto:x@elsewhere.example"
        rig.resolver.set("_dmarc.remote.example", RecordType.TXT, [both])
        assert (await one(rig)).recipients == ("r@reports.example",)
        await rig.settle()
        [error] = dmarc_report(sent(rig)[0]).errors
        assert "elsewhere.example" in error


async def test_suppressed_addresses_get_nothing(tmp_path: Path) -> None:
    """QUEUE-126, QUEUE-134: until their time is over."""
    async with reporting(tmp_path) as rig:
        for kind in KINDS:
            await rig.reports.database.write(
                partial(add_suppressed, kind=kind, address="R@reports.example", until=START + 10**12, comment="")
            )
        outcome = await one(rig)
        assert "suppressed" in outcome.why
        await fail_tls(rig)
        assert "suppressed" in (await rig.queue.reports.tls.send(TODAY))[0].why
        rig.clock.advance(12 * DAY)
        assert (await one(rig)).result == "sent"


async def test_without_a_signature_there_are_no_reports(tmp_path: Path) -> None:
    """QUEUE-125, QUEUE-133: they would not pass DMARC. What was counted waits."""
    async with reporting(tmp_path, signs=False) as rig:
        outcome = await one(rig)
        assert outcome.result == "later"
        assert "signs" in outcome.why


async def test_the_switches_turn_all_off(tmp_path: Path) -> None:
    """QUEUE-120, QUEUE-134: nothing is counted, nothing sent."""
    top = "no_outgoing_tls_reports = true\nno_outgoing_dmarc_reports = true"
    async with reporting(tmp_path, top=top) as rig:
        await fail_tls(rig)
        await evaluated(rig, EVALUATION)
        assert await rig.queue.reports.tls.send(TODAY) == []
        assert await rig.queue.reports.dmarc.send(TODAY) == []
        await next_day(rig)
        assert not sent(rig)
        counted = await rig.reports.database.read(lambda r: r.value("SELECT count(*) FROM tls_result"), op="test")
        assert counted == 0


RELAY = '[transports.relay.smtp]\nhost = "relay.example"\nno_starttls = true'
ROUTE = '[[routes]]\ntransport = "relay"\n'


@pytest.mark.parametrize("told", [False, True])
async def test_reports_take_no_smarthost_unless_told_to(tmp_path: Path, *, told: bool) -> None:
    """QUEUE-125: a route for all mail does not lead them away, one that names their domain does."""
    domains = ROUTE + ('from_domain = ["own.example"]\n' if told else "")
    async with reporting(tmp_path, static=RELAY, domains=domains) as rig:
        relay = rig.serve("192.0.2.9", Server())
        rig.resolver.set("relay.example", RecordType.A, ["192.0.2.9"])
        assert (await one(rig)).result == "sent"
        await rig.settle()
        assert (len(sent(rig)), len(relay.messages)) == ((0, 1) if told else (1, 0))
