"""The reports.db of ``moxlite gentestdata DIR`` (STORE-146)."""

from pathlib import Path
from typing import Final

from moxlite.proto.dmarcreport import DMARCReport, PolicyPublished, ReportRecord
from moxlite.proto.tlsreport import PolicyReport, TLSReport
from moxlite.store.file.transaction import Tx
from moxlite.store.options import Options
from moxlite.store.reports.evaluations import DKIMEvaluation, Evaluation, SPFEvaluation, add_evaluations
from moxlite.store.reports.history import QueueSample, add_counts, add_sample
from moxlite.store.reports.received import ReceivedReport, add_reports, pack_report
from moxlite.store.reports.reportsdb import ReportsDB

NOW: Final = 1_790_000_000
SECOND: Final = 1_000_000


async def generate_reports(data: Path) -> None:
    """Make the file with a row in each table. Errors: StoreError propagates."""
    reports = await ReportsDB.open(data / "reports.db", Options(min_free_space=0))
    try:
        await reports.database.write(_fill)
    finally:
        await reports.aclose()


def _fill(tx: Tx) -> None:
    dmarc = DMARCReport(
        organization="remote.example",
        report_id="60",
        begin=NOW - 86_400,
        end=NOW,
        policy=PolicyPublished(domain="mox.example", p="reject"),
        records=(ReportRecord(source_ip="192.0.2.1", count=3, disposition="none", dkim="pass", spf="fail"),),
    )
    tls = TLSReport(
        organization="remote.example",
        report_id="61",
        begin=NOW - 86_400,
        end=NOW,
        policies=(PolicyReport(type="sts", domain="mox.example", successes=5, failed=1),),
    )
    add_reports(tx, "dmarc", [_received(dmarc, 3, 0)])
    add_reports(tx, "tls", [_received(tls, 5, 1)])
    add_evaluations(
        tx,
        [
            Evaluation(
                policy_domain="remote.example",
                evaluated=NOW * SECOND,
                record="v=DMARC1; p=none; rua=mailto:r@remote.example",
                source_ip="192.0.2.1",
                disposition="none",
                aligned_dkim=True,
                aligned_spf=False,
                envelope_to="mox.example",
                envelope_from="",
                header_from="remote.example",
                dkim=(DKIMEvaluation("remote.example", "s", "pass"),),
                spf=(SPFEvaluation("remote.example", "helo", "none"),),
            )
        ],
    )
    tx.execute(
        "INSERT INTO tls_result VALUES (NULL, 'remote.example', '20260922', 'remote.example', 0, 1, 0, 0, ?, '[]')",
        NOW * SECOND,
    )
    add_counts(
        tx, {("delivered", NOW // 86_400, "no-bad-signals"): 3, ("login-failed", NOW // 86_400, "192.0.2.0/26"): 2}
    )
    add_sample(tx, QueueSample(NOW * SECOND, 2, 1, 60 * SECOND))
    tx.execute(
        "INSERT INTO report_suppression VALUES (NULL, 'dmarc', 'r@remote.example', ?, ?, 'test')",
        NOW * SECOND,
        (NOW + 86_400) * SECOND,
    )


def _received(report: DMARCReport | TLSReport, total: int, failed: int) -> ReceivedReport:
    return ReceivedReport(
        sender="remote.example",
        organization=report.organization,
        report_id=report.report_id,
        domain="mox.example",
        received=NOW * SECOND,
        begin=report.begin * SECOND,
        end=report.end * SECOND,
        total=total,
        failed=failed,
        content=pack_report(report),
    )
