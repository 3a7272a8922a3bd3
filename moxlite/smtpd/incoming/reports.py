"""DMARC and TLS reports in an incoming message: read once for all recipients, kept in reports.db when the message is
accepted; and what the message adds to our own reports (SMTP-100, SMTP-101, SMTP-103).

Nothing here changes a reply: the message of a report that cannot be kept is delivered all the same.
"""

import logging
import time
from collections.abc import Iterable
from functools import partial
from typing import Final

import trio

from moxlite.acceptance.cases import Case
from moxlite.acceptance.checks import Checks
from moxlite.acceptance.gathering import Decision
from moxlite.acceptance.plan import Plan
from moxlite.acceptance.producers.judgement import dmarc_override, is_vouched, quarantined
from moxlite.acceptance.reportmail import ReportFound, Unusable, find_report
from moxlite.config.snapshot import Snapshot
from moxlite.mailauth.dmarc import RecordError, parse_record
from moxlite.net.limits import unmap
from moxlite.net.metrics import panics
from moxlite.proto.address import Domain
from moxlite.proto.dmarcreport import DMARCReport
from moxlite.smtpd import metrics
from moxlite.store.content.prepare import PreparedMessage
from moxlite.store.errors import StoreError
from moxlite.store.options import DAY
from moxlite.store.reports.evaluations import DKIMEvaluation, Evaluation, SPFEvaluation
from moxlite.store.reports.received import Kind, add_reports, number_since
from moxlite.store.reports.reportsdb import ReportsDB

logger = logging.getLogger("moxlite.smtpd.incoming.reports")

MAX_A_DAY: Final = 200
"""Reports kept per sender's domain in 24 hours (SMTP-100)."""

WRITE_SECONDS: Final = 10.0
"""Seconds for keeping a report: the client waits for its reply meanwhile."""

KNOWN: Final = frozenset({"none", "quarantine", "reject", "pass", "fail"})
"""Words of a DMARC report that are metric labels; all others count as ``other``."""


class Reports:
    """The reports in one message."""

    def __init__(
        self, db: ReportsDB | None, prepared: PreparedMessage, checks: Checks | None, snapshot: Snapshot
    ) -> None:
        """`db`: None in a server that does not check senders."""
        self._db = db
        self._prepared = prepared
        self._checks = checks
        self._snapshot = snapshot
        self._read: dict[Kind, ReportFound | Unusable] = {}
        self._turn = trio.Lock()

    async def read(self, kind: Kind) -> ReportFound:
        """Parse the report in the message, once. Raises Unusable."""
        # Accounts of one message ask at the same time, and unpacking a report takes a thread for long.
        async with self._turn:
            found = self._read.get(kind)
            if found is None:
                found = self._read[kind] = await self._find(kind)
                if isinstance(found, Unusable):
                    metrics.report_total.labels(kind=kind, result="unusable").inc()
                    logger.info("invalid report", extra={"kv": {"kind": kind, "err": str(found)}})
        if isinstance(found, Unusable):
            raise found
        return found

    async def _find(self, kind: Kind) -> ReportFound | Unusable:
        db, checks = self._db, self._checks
        if db is None or checks is None:
            return Unusable("reports aren't accepted here")
        try:
            since = time.time_ns() // 1000 - DAY
            sender = checks.dmarc.domain
            if await db.database.read(lambda r: number_since(r, kind, sender, since), op="reports") >= MAX_A_DAY:
                return Unusable(f"too many reports from this sender (limit {MAX_A_DAY} per day)")
            return await find_report(kind, self._prepared, checks, self._snapshot)
        except Unusable as error:
            return error
        except StoreError as error:
            return Unusable(f"can't store reports right now: {error}")
        except Exception as error:  # a malformed report must not prevent delivery (AUTH-107)
            panics.labels(pkg="reports").inc()
            logger.error("failed to read report", exc_info=error)
            return Unusable("reading it failed")

    async def keep(self, decided: Iterable[Decision]) -> None:
        """Keep the reports that accepting accounts have found."""
        for found in {one.case.report.kind: one.case.report for one in decided if one.case.report is not None}.values():
            await self._keep(found)

    async def _keep(self, found: ReportFound) -> None:
        assert self._db is not None  # it was read
        new = 0
        try:
            with trio.move_on_after(WRITE_SECONDS):
                new = await self._db.database.write(partial(add_reports, kind=found.kind, found=found.rows))
        except StoreError as error:
            logger.warning("failed to store report", extra={"kv": {"kind": found.kind, "err": error}})
            metrics.report_total.labels(kind=found.kind, result="error").inc()
            return
        metrics.report_total.labels(kind=found.kind, result="taken" if new else "again").inc()
        if new:
            _count(found)
        first = found.rows[0]
        kv = {
            "kind": found.kind,
            "from": first.sender,
            "organization": first.organization,
            "reportid": first.report_id,
            "domains": ",".join(whole_report.domain for whole_report in found.rows),
            "new": new,
        }
        logger.info("report accepted", extra={"kv": kv})

    def evaluated(self, decided: Iterable[Decision], sender_domain: str) -> None:
        """Record the message for our report to the From domain's owner (SMTP-103): once, with the disposition of the
        first account that accepts, else of the first.
        """
        checks, all_decided = self._checks, list(decided)
        static = self._snapshot.static
        if self._db is None or checks is None or not all_decided or static.no_outgoing_dmarc_reports:
            return
        dmarc = checks.dmarc
        if not dmarc.record_domain or not _wants_reports(dmarc.record):
            return
        one = min(all_decided, key=lambda one: one.plan.reply is not None)
        if one.plan.reply is None or one.plan.word == "dmarc-policy":
            self._db.record(_evaluation(one.case, one.plan, checks, sender_domain))


def _wants_reports(record: str) -> bool:
    try:
        return bool(parse_record(record).rua)
    except RecordError:
        return False


def _evaluation(case: Case, plan: Plan, checks: Checks, sender_domain: str) -> Evaluation:
    dmarc = checks.dmarc
    override = dmarc_override(case)
    refused = plan.reply is not None
    known = case.history is not None and case.history.junk is False
    asked = case.asked.host
    return Evaluation(
        policy_domain=dmarc.record_domain,
        evaluated=time.time_ns() // 1000,
        record=dmarc.record,
        source_ip=str(unmap(case.evidence.envelope.remote)),
        disposition="reject" if refused else "quarantine" if quarantined(case) else "none",
        aligned_dkim=dmarc.aligned_dkim,
        aligned_spf=dmarc.aligned_spf,
        envelope_to=asked.ascii if isinstance(asked, Domain) else "",
        envelope_from=sender_domain,
        header_from=dmarc.domain,
        overrides=((override, checks.vouched.comment if is_vouched(case) and checks.vouched else ""),)
        if override
        else (),
        dkim=tuple(
            DKIMEvaluation(dkim_result.domain, dkim_result.selector, dkim_result.status.value, dkim_result.problem)
            for dkim_result in checks.dkim
            if dkim_result.domain
        ),
        spf=(
            SPFEvaluation(
                checks.spf.domain, "helo" if checks.spf.identity == "helo" else "mfrom", checks.spf.status.value
            ),
        ),
        optional=case.recipient.reports is not None or (refused and not known),
    )


def _count(found: ReportFound) -> None:
    if isinstance(found.report, DMARCReport):
        for record in found.report.records:
            words = [word if word in KNOWN else "other" for word in (record.disposition, record.dkim, record.spf)]
            metrics.dmarcdb_message_total.labels(*words).inc(record.count)
        return
    metrics.tlsrpt_session_total.labels(result="success").inc(sum(row.total for row in found.rows))
    metrics.tlsrpt_session_total.labels(result="failure").inc(sum(row.failed for row in found.rows))
