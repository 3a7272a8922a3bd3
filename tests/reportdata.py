"""Received reports for tests: DMARC and TLS reports of strangers, made as values and put into ``reports.db``."""

import time
from collections.abc import Sequence
from pathlib import Path

import trio

from moxlite.proto.dmarcreport import DKIMAuth, DMARCReport, Override, PolicyPublished, ReportRecord, SPFAuth
from moxlite.proto.tlsreport import FailureDetail, PolicyReport, TLSReport
from moxlite.store.file.transaction import Tx
from moxlite.store.options import DAY, SECOND, Options
from moxlite.store.reports.evaluations import DKIMEvaluation, Evaluation, add_evaluations
from moxlite.store.reports.received import WholeReport, add_reports, pack_report
from moxlite.store.reports.reportsdb import ReportsDB

__all__ = ["HOSTILE", "dmarc_record", "evaluation", "put_dmarc", "put_everything", "put_tls", "write_reports"]

HOSTILE = "\u202egnp.exe<img src=x onerror=window.hacked=1>\x1b[2J"


def dmarc_record(ip: str, count: int, *, passes: bool = True, signed: str = "", word: str = "") -> ReportRecord:
    """Messages of an address. `signed`: the domain of a passing signature; `word`: in place of known words."""
    return ReportRecord(
        source_ip=ip,
        count=count,
        disposition=word or "none",
        dkim="pass" if passes else word or "fail",
        spf=word or "fail",
        reasons=(Override(word, HOSTILE),) if word else (),
        header_from="hill.example",
        dkim_results=(DKIMAuth(signed, "s1", "pass"),) if signed else (),
        spf_results=(SPFAuth("bounce.example", "mfrom", word or "softfail"),),
    )


def put_dmarc(
    tx: Tx,
    records: Sequence[ReportRecord],
    *,
    domain: str = "hill.example",
    number: int = 1,
    ago: int = 1,
    org: str = "",
) -> None:
    """Put a report about the day `ago` days ago."""
    end = tx.now - (ago - 1) * DAY
    report = DMARCReport(
        organization=org or f"provider{number}.example",
        email="dmarc@provider.example",
        report_id=str(number),
        begin=(end - DAY) // SECOND,
        end=end // SECOND,
        policy=PolicyPublished(domain=domain, p="none", adkim="r"),
        records=tuple(records),
    )
    _put(
        tx, "dmarc", report, domain, sum(one.count for one in records), sum(one.count for one in records if one.failed)
    )


def put_tls(tx: Tx, *, domain: str = "hill.example", number: int = 1, ago: int = 1, word: str = "sts") -> None:
    """Put a report with 40 good sessions and 2 failed ones."""
    end = tx.now - (ago - 1) * DAY
    failure = FailureDetail(
        result_type="certificate-expired" if word == "sts" else word,
        sending_ip="192.0.2.77",
        mx="mail.hill.example",
        sessions=2,
        reason="" if word == "sts" else HOSTILE,
    )
    policy = PolicyReport(
        type=word, domain=domain, strings=("version: STSv1", "mode: enforce"), mx=("mail.hill.example",), successes=40,
        failed=2, failures=(failure,),
    )  # fmt: skip
    report = TLSReport(
        organization=f"provider{number}.example",
        contact="tls@provider.example",
        report_id=str(number),
        begin=(end - DAY) // SECOND,
        end=end // SECOND,
        policies=(policy,),
    )
    _put(tx, "tls", report, domain, 40, 2)


def _put(tx: Tx, kind: str, report: DMARCReport | TLSReport, domain: str, total: int, failed: int) -> None:
    found = WholeReport(
        sender="provider.example",
        organization=report.organization,
        report_id=report.report_id,
        domain=domain,
        received=report.end * SECOND,
        begin=report.begin * SECOND,
        end=report.end * SECOND,
        total=total,
        failed=failed,
        content=pack_report(report),
    )
    add_reports(tx, "dmarc" if kind == "dmarc" else "tls", [found])


def evaluation(domain: str = "remote.example", *, at: int = 0, passes: bool = True) -> Evaluation:
    """A message of a domain, judged now or at a time (µs UTC)."""
    return Evaluation(
        policy_domain=domain,
        evaluated=at or time.time_ns() // 1000,
        record=f"v=DMARC1; p=quarantine; rua=mailto:r@{domain}",
        source_ip="192.0.2.44",
        disposition="none" if passes else "quarantine",
        aligned_dkim=passes,
        aligned_spf=False,
        envelope_to="hill.example",
        envelope_from=domain,
        header_from=domain,
        dkim=(DKIMEvaluation(domain, "s", "pass" if passes else "fail"),),
    )


def put_everything(tx: Tx) -> None:
    """Put a month of reports about hill.example: this server, a newsletter service, strangers, hostile words."""
    for day in range(1, 31):
        records = [
            dmarc_record("192.0.2.10", 8 + day % 5, signed="hill.example"),
            dmarc_record("198.51.100.20", 3, signed="mailer.example"),
            dmarc_record("203.0.113.9", day % 3, passes=False),
        ]
        put_dmarc(tx, [one for one in records if one.count], number=day, ago=day)
        put_tls(tx, number=day, ago=day)
    put_dmarc(tx, [dmarc_record(HOSTILE, 2, passes=False, word=HOSTILE)], number=99, org=HOSTILE)
    put_tls(tx, number=99, word=HOSTILE)
    add_evaluations(tx, [evaluation(), evaluation(), evaluation(passes=False), evaluation("other.example")])


def write_reports(data: Path) -> None:
    """`put_everything` for a server that does not run."""

    async def main() -> None:
        reports = await ReportsDB.open(data / "reports.db", Options(min_free_space=0))
        try:
            await reports.database.write(put_everything)
        finally:
            await reports.aclose()

    trio.run(main)
