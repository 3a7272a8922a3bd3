"""DMARC and TLS reports from other servers, in ``reports.db`` (SMTP-100, SMTP-101; AUTH-76, AUTH-81).

A report is stored whole, as compressed JSON, beside columns for lists and sums. Its key is its sender, its id, and the
domain of ours that it is about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec
import zstandard

from moxlite.encoding import to_json
from moxlite.store.errors import StorageBroken
from moxlite.store.file.transaction import Reader, Row, Tx

Kind: TypeAlias = Literal["dmarc", "tls"]
KINDS: Final[tuple[Kind, ...]] = ("dmarc", "tls")

MAX_CONTENT: Final = 64 << 20
"""Maximum octets of JSON: more than XML of `MAX_OCTETS` in `proto.dmarcreport` can give."""

COLUMNS: Final = "received, sender, organization, report_id, domain, period_begin, period_end"
COUNTS: Final[Mapping[Kind, tuple[str, str]]] = {"dmarc": ("messages", "failed"), "tls": ("successes", "failed")}


def _sql(text: str) -> Mapping[Kind, str]:
    """A statement for each kind, composed from constants."""
    return {
        kind: text.format(table=f"{kind}_report", columns=COLUMNS, total=COUNTS[kind][0], failed=COUNTS[kind][1])
        for kind in KINDS
    }


ADD: Final = _sql(
    "INSERT INTO {table} ({columns}, {total}, {failed}, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    # count a report once, even if it's received twice, by two ways or by a retry
    "ON CONFLICT DO NOTHING"
)
SINCE: Final = _sql("SELECT count(*) FROM {table} WHERE sender = ? AND received >= ?")
LIST: Final = _sql("SELECT id, {columns}, {total}, {failed} FROM {table} WHERE id < ? ORDER BY id DESC LIMIT ?")
LIST_DOMAIN: Final = _sql(
    "SELECT id, {columns}, {total}, {failed} FROM {table} WHERE domain = ?1 AND period_end >= ?2 "
    "AND (period_end, id) < (coalesce((SELECT period_end FROM {table} WHERE id = ?3), 9223372036854775807), ?3) "
    "ORDER BY period_end DESC, id DESC LIMIT ?4"
)
CONTENT: Final = _sql("SELECT content FROM {table} WHERE id = ?")
ONE: Final = _sql("SELECT id, {columns}, {total}, {failed}, content FROM {table} WHERE id = ?")
TOTALS: Final = _sql(
    "SELECT domain, count(*), sum({total}), sum({failed}), max(period_end) FROM {table} WHERE period_end >= ? "
    "GROUP BY domain ORDER BY domain"
)
MAX_ID: Final = (1 << 63) - 1
"""The largest id of SQLite: a list begins before it, so that it begins with the newest."""


class ReceivedReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report about one domain of ours.

    Attributes:
      id: id of the row, 0 if it is not stored.
      sender: the domain in From of the mail with the report, A-labels; domain: ours.
      organization, report_id: from the report, so not to be trusted.
      received, begin, end: µs UTC.
      total: messages of a DMARC report; successful sessions of a TLS report. failed: messages without alignment;
        failed sessions.
    """

    sender: str
    organization: str
    report_id: str
    domain: str
    received: int
    begin: int
    end: int
    total: int
    failed: int
    id: int = 0


class WholeReport(ReceivedReport, frozen=True, kw_only=True):
    """A report with its content, by `pack_report`."""

    content: bytes


class Total(msgspec.Struct, frozen=True):
    """Sums of all reports about one domain; `last`: the latest end of their periods, µs UTC."""

    domain: str
    reports: int
    total: int
    failed: int
    last: int


def pack_report(value: msgspec.Struct) -> bytes:
    """Pack a report for storage: JSON, compressed. A large one takes 50 ms: call it in a thread."""
    return zstandard.ZstdCompressor(level=3).compress(to_json(value))


def unpack_report(content: bytes, most: int = MAX_CONTENT) -> bytes:
    """Unpack a stored report; returns its JSON, or b"" if it has over `most` octets. Raises StorageBroken for a damaged
    one.
    """
    try:
        # Asked before anything is unpacked: damaged octets could name any size, and it is allocated at once.
        size = zstandard.frame_content_size(content)
        if size > MAX_CONTENT:
            raise StorageBroken("the stored report is damaged")
        if size > most:
            return b""
        return zstandard.ZstdDecompressor().decompress(content, max_output_size=MAX_CONTENT)
    except zstandard.ZstdError:
        raise StorageBroken("the stored report is damaged") from None


def add_reports(tx: Tx, kind: Kind, found: Sequence[WholeReport]) -> int:
    """Store reports; returns the number of new ones."""
    return sum(
        tx.execute(
            ADD[kind],
            whole_report.received,
            whole_report.sender,
            whole_report.organization,
            whole_report.report_id,
            whole_report.domain,
            whole_report.begin,
            whole_report.end,
            whole_report.total,
            whole_report.failed,
            whole_report.content,
        )
        for whole_report in found
    )


def number_since(r: Reader, kind: Kind, sender: str, since: int) -> int:
    """Number of reports from a sender since a time (µs UTC)."""
    return int(r.value(SINCE[kind], sender, since))


def reports(
    r: Reader, kind: Kind, *, domain: str = "", since: int = 0, before: int = MAX_ID, limit: int = 100
) -> list[ReceivedReport]:
    """Reports, newest first: by reception; with `domain` by their period, which ends at `since` or later.

    Args:
      before: id of a report; only reports after it in this order. If it has expired, all are after it.
    """
    if domain:
        rows = r.rows(LIST_DOMAIN[kind], domain, since, before, limit)
    else:
        rows = r.rows(LIST[kind], before, limit)
    return [_received(row) for row in rows]


def report(r: Reader, kind: Kind, number: int) -> tuple[ReceivedReport, bytes] | None:
    """One report and its content, None if no report has that id."""
    row = r.row(ONE[kind], number)
    return None if row is None else (_received(row), row[10])


def report_octets(r: Reader, kind: Kind, number: int) -> bytes | None:
    """The packed content of one report, None if no report has that id."""
    found: bytes | None = r.value(CONTENT[kind], number)
    return found


def totals(r: Reader, kind: Kind, since: int) -> list[Total]:
    """For each domain the sums of all reports whose period ends at `since` or later."""
    return [Total(*row) for row in r.rows(TOTALS[kind], since)]


def _received(row: Row) -> ReceivedReport:
    number, received, sender, organization, report_id, domain, begin, end, total, failed = row[:10]
    return ReceivedReport(
        id=number,
        sender=sender,
        organization=organization,
        report_id=report_id,
        domain=domain,
        received=received,
        begin=begin,
        end=end,
        total=total,
        failed=failed,
    )
