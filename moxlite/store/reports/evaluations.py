"""DMARC evaluations of incoming messages by the policies of other domains: the data of our aggregate reports (SMTP-103,
QUEUE-130).

Like log-in attempts they must never delay a reply: they pass a short queue, and one task writes all that wait in one
unit. Evaluations that wait when the process is killed are lost, and a report counts some messages less.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from moxlite.encoding import from_json, to_json
from moxlite.metrics import Counter
from moxlite.proto.address import one_spelling
from moxlite.store.file.database import Database
from moxlite.store.file.recorder import Recorder
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.reports.received import Kind

logger = logging.getLogger("moxlite.store.reports")

QUEUE_SIZE: Final = 1_000
"""Evaluations waiting for the writer, 1 MB; further ones are dropped and counted."""

MAX_EVALUATIONS: Final = 1_000_000
"""Maximum number of rows, 500 MB; further messages are not counted. Rows are kept for three days (QUEUE-131)."""

COLUMNS: Final = (
    "policy_domain, evaluated, optional, record, source_ip, disposition, aligned_dkim, aligned_spf, overrides, "
    "envelope_to, envelope_from, header_from, dkim, spf"
)
# Counting would read all of them, and so would max() beside min().
SPAN: Final = """
SELECT coalesce((SELECT max(id) FROM dmarc_evaluation) - (SELECT min(id) FROM dmarc_evaluation) + 1, 0)"""
ADD: Final = f"INSERT INTO dmarc_evaluation ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
DAYS: Final = """
SELECT policy_domain, evaluated / 86400000000 FROM dmarc_evaluation WHERE evaluated < ? GROUP BY 2, 1 ORDER BY 2, 1"""
OF: Final = f"""
SELECT id, {COLUMNS} FROM dmarc_evaluation
WHERE policy_domain = ?1 AND evaluated < ?3
AND (evaluated, id) > (coalesce((SELECT evaluated FROM dmarc_evaluation WHERE id = ?4), ?2), ?4)
ORDER BY evaluated, id LIMIT ?5"""  # noqa: S608 - constants
PENDING: Final = """
SELECT policy_domain, evaluated / 86400000000, count(*), sum(aligned_dkim = 0 AND aligned_spf = 0) FROM dmarc_evaluation
GROUP BY 2, 1 ORDER BY 2, 1 LIMIT ?"""
DROP: Final = "DELETE FROM dmarc_evaluation WHERE policy_domain = ? AND evaluated >= ? AND evaluated < ?"

dropped_total: Final = Counter("moxlite_dmarc_evaluation_dropped", "DMARC evaluations not recorded for reports.")


class DKIMEvaluation(msgspec.Struct, frozen=True, array_like=True):
    """The evaluation of a DKIM signature; `result` as in RFC 8601."""

    domain: str
    selector: str
    result: str
    problem: str = ""


class SPFEvaluation(msgspec.Struct, frozen=True, array_like=True):
    """An evaluation of SPF. `scope`: ``mfrom``, or ``helo`` for the null path."""

    domain: str
    scope: str
    result: str


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """One message judged by a policy. Domains are A-labels.

    Attributes:
      id: id of the row, 0 if it is not stored.
      policy_domain: domain with the DMARC record; record: its text.
      evaluated: µs UTC.
      optional: alone it causes no report: a report itself, or a refused unknown sender (SMTP-103).
      disposition: action taken: none, quarantine, reject.
      overrides: reasons for another action than the policy's: type and comment (AUTH-56).
      envelope_to, envelope_from, header_from: domains; `envelope_from` is "" for the null path.
    """

    policy_domain: str
    evaluated: int
    record: str
    source_ip: str
    disposition: str
    aligned_dkim: bool
    aligned_spf: bool
    envelope_to: str
    envelope_from: str
    header_from: str
    overrides: tuple[tuple[str, str], ...] = ()
    dkim: tuple[DKIMEvaluation, ...] = ()
    spf: tuple[SPFEvaluation, ...] = ()
    optional: bool = False
    id: int = 0


def add_evaluations(tx: Tx, evaluations: Sequence[Evaluation]) -> int:
    """Store evaluations, up to `MAX_EVALUATIONS` rows in all; returns the number of evaluations left out."""
    # Rows are removed by day, the oldest first, so that the span of ids is nearly their number. Where a domain's report
    # went out early it is too large, and the bound is kept all the more.
    room = max(0, MAX_EVALUATIONS - tx.value(SPAN))
    for evaluation in evaluations[:room]:
        tx.execute(
            ADD,
            evaluation.policy_domain,
            evaluation.evaluated,
            int(evaluation.optional),
            evaluation.record,
            evaluation.source_ip,
            evaluation.disposition,
            int(evaluation.aligned_dkim),
            int(evaluation.aligned_spf),
            to_json(evaluation.overrides).decode(),
            evaluation.envelope_to,
            evaluation.envelope_from,
            evaluation.header_from,
            to_json(evaluation.dkim).decode(),
            to_json(evaluation.spf).decode(),
        )
    return len(evaluations[room:])


def evaluated_days(r: Reader, before: int) -> list[tuple[str, int]]:
    """Pairs of policy domain and UTC day, in days since 1970, with evaluations before a time (µs UTC); oldest first."""
    return [(domain, day) for domain, day in r.rows(DAYS, before)]


def evaluations_of(
    r: Reader, domain: str, since: int, before: int, after: int = 0, limit: int = 500
) -> list[Evaluation]:
    """Evaluations by the policy of `domain` from `since` to before `before` (µs UTC), in the order of time, behind the
    one with the id `after`.
    """
    return [
        Evaluation(
            id=number,
            policy_domain=policy_domain,
            evaluated=evaluated,
            optional=bool(optional),
            record=record,
            source_ip=source_ip,
            disposition=disposition,
            aligned_dkim=bool(aligned_dkim),
            aligned_spf=bool(aligned_spf),
            overrides=from_json(overrides, tuple[tuple[str, str], ...]),
            envelope_to=envelope_to,
            envelope_from=envelope_from,
            header_from=header_from,
            dkim=from_json(dkim, tuple[DKIMEvaluation, ...]),
            spf=from_json(spf, tuple[SPFEvaluation, ...]),
        )
        for (
            number,
            policy_domain,
            evaluated,
            optional,
            record,
            source_ip,
            disposition,
            aligned_dkim,
            aligned_spf,
            overrides,
            envelope_to,
            envelope_from,
            header_from,
            dkim,
            spf,
        ) in r.rows(OF, domain, since, before, after, limit)
    ]


def pending_evaluations(r: Reader, limit: int) -> list[tuple[str, int, int, int]]:
    """Evaluations that wait for a report: tuples of policy domain, day since 1970, number of messages, and of failed
    messages; oldest first.
    """
    return [(domain, day, total, failed) for domain, day, total, failed in r.rows(PENDING, limit)]


def drop_evaluations(tx: Tx, domain: str, since: int, before: int) -> int:
    """Remove evaluations by the policy of `domain` from `since` to before `before` (µs UTC); returns their number."""
    return tx.execute(DROP, domain, since, before)


def evaluation_recorder(db: Callable[[], Database]) -> Recorder[Evaluation]:
    """The queue between deliveries and the writer of ``reports.db``; `db` gives the file, or raises StorageBroken."""
    # The file is asked for at each write: while it is broken, deliveries go on, and their evaluations are counted as
    # dropped.

    async def write(evaluations: list[Evaluation]) -> int | None:
        return await db().write(lambda tx: add_evaluations(tx, evaluations))

    failure = "evaluations of dmarc not recorded"
    return Recorder(write, size=QUEUE_SIZE, dropped=dropped_total, logger=logger, failure=failure)


# Addresses that get no reports from us until a time (QUEUE-126). On a reader or a transaction.


MAX_LISTED: Final = 10_000
"""Entries of a list: as many as a page can show, whatever was added by a program."""

INSERT: Final = """
INSERT INTO report_suppression (kind, address, created, until, comment) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (kind, address) DO UPDATE SET until = excluded.until, comment = excluded.comment"""
REMOVE: Final = "DELETE FROM report_suppression WHERE kind = ? AND address = ?"
IS: Final = "SELECT 1 FROM report_suppression WHERE kind = ? AND address = ? AND until > ?"
LIST: Final = """
SELECT address, until, comment FROM report_suppression WHERE kind = ? AND until > ? ORDER BY address LIMIT ?"""


class SuppressedAddress(msgspec.Struct, frozen=True):
    """An entry; `until` in µs UTC."""

    address: str
    until: int
    comment: str


def add_suppressed(tx: Tx, kind: Kind, address: str, until: int, comment: str) -> None:
    """Send no reports to an address before `until`, in µs UTC; replaces an existing entry."""
    tx.execute(INSERT, kind, one_spelling(address), tx.now, until, comment)


def remove_suppressed(tx: Tx, kind: Kind, address: str) -> bool:
    """Send reports to an address again. False: there is no such entry."""
    return tx.execute(REMOVE, kind, one_spelling(address)) > 0


def is_suppressed(r: Reader, kind: Kind, address: str, now: int) -> bool:
    """Whether an address gets no reports now."""
    return r.row(IS, kind, one_spelling(address), now) is not None


def list_suppressed(r: Reader, kind: Kind, now: int) -> list[SuppressedAddress]:
    """Entries that have not expired, by address, `MAX_LISTED` at most."""
    return [SuppressedAddress(*row) for row in r.rows(LIST, kind, now, MAX_LISTED)]
