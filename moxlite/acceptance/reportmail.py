"""Reports received by mail: found in the message, unpacked within limits, parsed, and checked for storing (SMTP-100,
SMTP-101; AUTH-76, AUTH-80, AUTH-81, AUTH-107).

A report that cannot be used raises `Unusable` with the reason; the mail is delivered like any other.
"""

from __future__ import annotations

import io
import time
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
import trio

from moxlite.acceptance.checks import Checks
from moxlite.config.snapshot import Snapshot
from moxlite.mailauth.results import DMARCStatus
from moxlite.proto.address import AddressError, Domain
from moxlite.proto.dmarcreport import DMARCReport, DMARCReportError, read_dmarc_report
from moxlite.proto.mime.decode import decode_blocks
from moxlite.proto.mime.types import Part
from moxlite.proto.tlsreport import TLSReport, TLSReportError, read_tls_report
from moxlite.store.content.prepare import PreparedMessage
from moxlite.store.errors import ImportFailed
from moxlite.store.reports.received import Kind, WholeReport, pack_report

MAX_MESSAGE: Final = 15 << 20
"""Maximum octets of the whole mail (AUTH-80)."""

MAX_UNPACKED: Final = 20 << 20
MAX_RATIO: Final = 200
RATIO_FROM: Final = 1 << 20
"""Octets unpacked, and how many times the packed ones; below a MiB that is not checked (AUTH-80)."""

MAX_PARTS: Final = 20
"""Maximum parts of a message that are examined."""

PIECE: Final = 256 << 10
"""Octets unpacked at once: a millisecond."""

SECONDS: Final = 60.0
"""Seconds for one report, the wait for its turn included."""

FUTURE: Final = 60
"""Seconds by which a period may end in the future (SMTP-100)."""

MAX_PERIOD: Final = 31 * 86_400
"""Maximum seconds of a period (AUTH-81)."""

MAX_POLICIES: Final = 100
"""Maximum domains of ours in one TLS report."""

SECOND: Final = 1_000_000
"""Microseconds in a second."""

TYPES: Final = frozenset(
    {
        "application/gzip",
        "application/json",
        "application/octet-stream",
        "application/tlsrpt+gzip",
        "application/tlsrpt+json",
        "application/x-gzip",
        "application/x-zip",
        "application/x-zip-compressed",
        "application/xml",
        "application/zip",
        "text/xml",
    }
)
"""Media types of a report. The first octets show the real format."""

_turn: Final = trio.CapacityLimiter(1)
"""One report at a time: it takes 50 MB of memory, and its thread shares the interpreter with all others."""


class Unusable(Exception):
    """The report cannot be used; the argument is the reason, for the header and the log."""


class ReportFound(msgspec.Struct, frozen=True):
    """A report to be stored: its rows, one for each domain of ours, and its description."""

    kind: Kind
    rows: tuple[WholeReport, ...]
    report: DMARCReport | TLSReport

    @property
    def about(self) -> str:
        """A short description, with text that strangers chose."""
        return f"{self.kind} of {self.report.organization or self.rows[0].sender}"


async def find_report(kind: Kind, prepared: PreparedMessage, checks: Checks, snapshot: Snapshot) -> ReportFound:
    """The report in a message to a report address. Raises Unusable."""
    sender = _sender(kind, checks)
    found: ReportFound | str = "timed out reading the report"
    with trio.move_on_after(SECONDS):
        found = await trio.to_thread.run_sync(_find, kind, prepared, sender, snapshot, limiter=_turn)
    if isinstance(found, str):
        raise Unusable(found)
    return found


def _sender(kind: Kind, checks: Checks) -> str:
    """The proven domain in From. Raises Unusable."""
    dmarc = checks.dmarc
    if kind == "dmarc":
        if dmarc.status is not DMARCStatus.PASS:
            raise Unusable(f"the sender didn't pass DMARC (result: {dmarc.status})")
        return dmarc.domain
    organization = dmarc.org_domain or dmarc.domain
    for signer in checks.report_signers:
        within = signer == organization or signer.endswith(f".{organization}")
        if signer == dmarc.domain or (within and dmarc.domain.endswith(f".{signer}")):
            return dmarc.domain
    raise Unusable("missing a DKIM signature from the sender's domain that's valid for TLS reports")


def _find(kind: Kind, prepared: PreparedMessage, sender: str, snapshot: Snapshot) -> ReportFound | str:
    """The report, or the reason why it cannot be used. Runs in a thread."""
    try:
        report = read_report(kind, prepared)
        rows = _dmarc_rows(report, snapshot) if isinstance(report, DMARCReport) else _tls_rows(report, snapshot)
        _check_period(report)
    except Unusable as error:
        return str(error)
    now = time.time_ns() // 1000
    return ReportFound(
        kind,
        tuple(
            WholeReport(
                sender=sender,
                organization=report.organization,
                report_id=report.report_id,
                domain=domain,
                received=now,
                begin=report.begin * SECOND,
                end=report.end * SECOND,
                total=total,
                failed=failed,
                content=pack_report(part),
            )
            for domain, total, failed, part in rows
        ),
        report,
    )


def _check_period(report: DMARCReport | TLSReport) -> None:
    """Check the period of a report. Raises Unusable."""
    if not 0 < report.begin <= report.end:
        raise Unusable("missing or invalid report period")
    if report.end > time.time() + FUTURE:
        raise Unusable("report period ends in the future")
    if report.end - report.begin > MAX_PERIOD:
        raise Unusable(f"report covers more than {MAX_PERIOD // 86400} days")


def _dmarc_rows(report: DMARCReport, snapshot: Snapshot) -> list[tuple[str, int, int, DMARCReport]]:
    domain = _ascii(report.policy.domain)
    if domain not in snapshot.derived.domains:
        raise Unusable("the report is for a domain that isn't on this server")
    total = sum(record.count for record in report.records)
    return [(domain, total, sum(record.count for record in report.records if record.failed), report)]


def _tls_rows(report: TLSReport, snapshot: Snapshot) -> list[tuple[str, int, int, TLSReport]]:
    """One row for each domain or hostname of ours, with the policies of that domain alone."""
    own = snapshot.derived.domains.keys() | snapshot.hostnames
    domains = dict.fromkeys(domain for policy in report.policies if (domain := _ascii(policy.domain)) in own)
    if not domains:
        raise Unusable("the report is for a domain that isn't on this server")
    rows = []
    for domain in list(domains)[:MAX_POLICIES]:
        policies = tuple(policy for policy in report.policies if _ascii(policy.domain) == domain)
        part = msgspec.structs.replace(report, policies=policies)
        rows.append(
            (domain, sum(policy.successes for policy in policies), sum(policy.failed for policy in policies), part)
        )
    return rows


def _ascii(domain: str) -> str:
    try:
        return Domain.parse(domain.rstrip(".")).ascii
    except AddressError:
        return ""


def read_report(kind: Kind, prepared: PreparedMessage) -> DMARCReport | TLSReport:
    """The report in a message, from and about any domain. Blocks. Raises Unusable."""
    if prepared.size > MAX_MESSAGE:
        raise Unusable(f"message exceeds {MAX_MESSAGE >> 20} MiB")
    start = b"<" if kind == "dmarc" else b"{"
    for octets in _candidates(prepared):
        pieces = _unpacked(octets, start)
        if pieces is None:
            continue
        try:
            if kind == "dmarc":
                return read_dmarc_report(pieces)
            return read_tls_report(b"".join(pieces))
        except (DMARCReportError, TLSReportError) as error:
            raise Unusable(str(error)) from None
    raise Unusable("no report found in message")


def _candidates(prepared: PreparedMessage) -> Iterator[bytes]:
    """The decoded content of each part that may be a report."""
    looked = 0
    for part in prepared.index.root.walk():
        if part.media_type in TYPES and not part.parts:
            looked += 1
            if looked > MAX_PARTS:
                return
            yield b"".join(decode_blocks(_blocks(prepared, part), part.encoding))


def _blocks(prepared: PreparedMessage, part: Part) -> Iterator[bytes]:
    start, end = part.body - len(prepared.prefix), part.end - len(prepared.prefix)
    for offset in range(start, end, PIECE):
        yield prepared.spool.read(offset, min(PIECE, end - offset))


def _unpacked(octets: bytes, start: bytes) -> Iterable[bytes] | None:
    """The unpacked content in pieces; None if it does not begin like zip, gzip or plain text. Raises
    Unusable, also during the iteration.
    """
    # By the first octets, not by the media type: reports come under a dozen types, zip files as octet-stream among
    # them.
    if octets.startswith(b"PK\x03\x04"):
        return _limited(_of_zip(octets), len(octets))
    if octets.startswith(b"\x1f\x8b"):
        return _limited(_of_gzip(octets), len(octets))
    if octets[:1024].lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n").startswith(start):
        return _limited((octets[at : at + PIECE] for at in range(0, len(octets), PIECE)), len(octets))
    return None


def _limited(pieces: Iterator[bytes], packed: int) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_UNPACKED:
            raise Unusable(f"report exceeds {MAX_UNPACKED >> 20} MiB")
        if size > max(RATIO_FROM, packed * MAX_RATIO):
            raise Unusable(f"compression ratio exceeds {MAX_RATIO}")
        yield piece


def _of_gzip(octets: bytes) -> Iterator[bytes]:
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for at in range(0, len(octets), PIECE):  # what a piece leaves is copied for each block that comes out
            rest = octets[at : at + PIECE]
            while rest and not inflate.eof:
                yield inflate.decompress(rest, PIECE)
                rest = inflate.unconsumed_tail
    except zlib.error as error:
        raise Unusable(f"the gzip file is damaged: {error}") from None
    if not inflate.eof:
        raise Unusable("the gzip file is truncated")


def _of_zip(octets: bytes) -> Iterator[bytes]:
    # imported here, as it loads all archive modules, which a server rarely needs
    from moxlite.store.imports.archives import zip_members

    seen = 0
    try:
        for member in zip_members(io.BytesIO(octets)):
            seen += 1
            if seen > 1 or member.kind != "file":
                raise Unusable("the zip file must contain exactly one file")
            yield from member.pieces
    except ImportFailed as error:
        raise Unusable(str(error)) from None
    if not seen:
        raise Unusable("the zip file is empty")
