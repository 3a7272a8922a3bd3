"""Figures about the server for people: computed from what is stored, shown by the admin app.

Tables and their statements do not belong here, but into `store.reports`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec
import trio
from trio import sleep

from moxlite.encoding import json_decoder
from moxlite.metrics import Daily, DailyKey, daily
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.reports.history import QueueSample, add_counts, add_sample
from moxlite.store.reports.received import report_octets, reports, unpack_report
from moxlite.store.reports.reportsdb import ReportsDB

MAX_REPORTS: Final = 2_000
"""Reports about one domain that are read, newest first: 60 reporters for a month."""

MAX_OCTETS: Final = 32 << 20
"""Octets of JSON of all of them together: 0.3 s in a thread."""

MAX_REPORT: Final = 4 << 20
"""Octets of JSON of one report; decoding holds up other threads for 10 ms. Larger ones are left out, and counted."""

MAX_KEPT: Final = 10_000
"""Addresses that are counted one by one; further ones are counted together, under ""."""

MAX_SOURCES: Final = 30
"""Addresses in the answer; the others are summed up, under ""."""

MAX_LISTED: Final = 200
"""Reports listed for one source."""

Answer: TypeAlias = Literal["unknown", "no", "strangers", "yes"]
"""Whether ``p=reject`` would hurt: not known without reports; no mail fails; only mail of addresses that never pass
fails; mail of addresses that also pass, or of this server, fails.
"""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Messages of one address; "" for all others together. `own`: an address of this server. `names`: domains whose
    DKIM signatures or SPF records passed for its mail, most messages first; they hint at its owner.
    """

    ip: str
    own: bool
    passed: int
    failed: int
    names: list[str]


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Sum of the reports about a domain whose period ends at `since` (µs UTC) or later.

    Attributes:
      reports, left_out: number of reports that are counted, and that are not, because they are too large or too many.
      policy: as the newest report names it.
      hurt: messages that fail, of addresses that also pass or are this server's.
      strange: messages that fail, of other addresses.
      sources: most messages first.
    """

    domain: str
    since: int
    reports: int
    left_out: int
    policy: str
    passed: int
    failed: int
    hurt: int
    strange: int
    answer: Answer
    sources: list[Source]


class SourceReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report with messages of one address; `begin` and `end` of its period in µs UTC."""

    id: int
    organization: str
    begin: int
    end: int
    passed: int
    failed: int
    dispositions: list[str]


class _Auth(msgspec.Struct, frozen=True, gc=False):
    domain: str = ""
    result: str = ""


class _Record(msgspec.Struct, frozen=True, gc=False):
    source_ip: str = ""
    count: int = 0
    disposition: str = ""
    dkim: str = ""
    spf: str = ""
    dkim_results: list[_Auth] = []
    spf_results: list[_Auth] = []

    @property
    def passes(self) -> bool:
        """Whether DKIM or SPF is aligned."""
        return self.dkim == "pass" or self.spf == "pass"


class _Policy(msgspec.Struct, frozen=True, gc=False):
    p: str = ""


class _Report(msgspec.Struct, frozen=True, gc=False):
    organization: str = ""
    policy: _Policy = _Policy()
    records: list[_Record] = []


class _Sum:
    """Counts of one address."""

    __slots__ = ("failed", "names", "passed")

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0
        self.names: dict[str, int] = {}

    def add(self, record: _Record) -> None:
        """Count the messages of a record."""
        if record.passes:
            self.passed += record.count
        else:
            self.failed += record.count
        for auth in (*record.dkim_results, *record.spf_results):
            if auth.result == "pass" and auth.domain and (auth.domain in self.names or len(self.names) < 20):
                self.names[auth.domain] = self.names.get(auth.domain, 0) + record.count

    def merge(self, other: _Sum) -> None:
        """Add the counts of another address."""
        self.passed += other.passed
        self.failed += other.failed


def sources_of(r: Reader, domain: str, since: int, own: Collection[str]) -> Sources:
    """Sum the reports about `domain`, an A-label, up. `own`: addresses of this server. For `scan`. Raises
    StorageBroken.
    """
    sums: dict[str, _Sum] = {}
    counted = left_out = 0
    policy = ""
    for _, report in _decoded(r, domain, since):
        if report is None:
            left_out += 1
            continue
        counted += 1
        policy = policy or report.policy.p
        for record in report.records:
            key = record.source_ip
            if key not in sums and len(sums) >= MAX_KEPT:
                key = ""
            sums.setdefault(key, _Sum()).add(record)
    hurt = sum(one.failed for ip, one in sums.items() if ip in own or (ip and one.passed))
    passed, failed = sum(one.passed for one in sums.values()), sum(one.failed for one in sums.values())
    return Sources(
        domain=domain,
        since=since,
        reports=counted,
        left_out=left_out,
        policy=policy,
        passed=passed,
        failed=failed,
        hurt=hurt,
        strange=failed - hurt,
        answer=_answer(passed, failed, hurt),
        sources=_sources(sums, own),
    )


def reports_of_source(r: Reader, domain: str, since: int, ip: str) -> list[SourceReport]:
    """Reports about `domain` with messages of an address, newest first, `MAX_LISTED` at most. For `scan`. Raises
    StorageBroken.
    """
    source_reports: list[SourceReport] = []
    for line, report in _decoded(r, domain, since):
        records = [] if report is None else [record for record in report.records if record.source_ip == ip]
        if not records or report is None:
            continue
        source_reports.append(
            SourceReport(
                id=line.id,
                organization=line.organization,
                begin=line.begin,
                end=line.end,
                passed=sum(record.count for record in records if record.passes),
                failed=sum(record.count for record in records if not record.passes),
                dispositions=sorted({record.disposition for record in records})[:10],
            )
        )
        if len(source_reports) == MAX_LISTED:
            break
    return source_reports


class _Line(msgspec.Struct, frozen=True):
    id: int
    organization: str
    begin: int
    end: int


def _decoded(r: Reader, domain: str, since: int) -> Iterator[tuple[_Line, _Report | None]]:
    """The reports, newest first; None for the content of a report that is left out."""
    decoder, octets = json_decoder(_Report), 0
    for report in reports(r, "dmarc", domain=domain, since=since, limit=MAX_REPORTS):
        content = report_octets(r, "dmarc", report.id) if octets < MAX_OCTETS else None
        json = b"" if content is None else unpack_report(content, MAX_REPORT)
        octets += len(json)
        yield _Line(report.id, report.organization, report.begin, report.end), decoder.decode(json) if json else None


def _answer(passed: int, failed: int, hurt: int) -> Answer:
    if not passed and not failed:
        return "unknown"
    if not failed:
        return "no"
    return "yes" if hurt else "strangers"


def _sources(sums: dict[str, _Sum], own: Collection[str]) -> list[Source]:
    rest = sums.pop("", None) or _Sum()
    ordered = sorted(sums.items(), key=lambda item: (-item[1].passed - item[1].failed, item[0]))
    for _, one in ordered[MAX_SOURCES:]:
        rest.merge(one)
    sources = [_source(ip, one, own) for ip, one in ordered[:MAX_SOURCES]]
    return [*sources, _source("", rest, own)] if rest.passed or rest.failed else sources


def _source(ip: str, one: _Sum, own: Collection[str]) -> Source:
    names = sorted(one.names, key=lambda name: (-one.names[name], name))[:3]
    return Source(ip=ip, own=ip in own, passed=one.passed, failed=one.failed, names=names)


# Disk by account: the sizes of files, without opening any account (WEB-86c).


class AccountDisk(msgspec.Struct, frozen=True):
    """Octets of an account's files: mail, search index, logs of the database."""

    name: str
    octets: int


def disk_by_account(folders: Iterable[tuple[str, Path]]) -> list[AccountDisk]:
    """Sizes of the files in the folders of accounts, largest first. Blocks: 30 ms for 5,000 accounts. A folder that
    cannot be read counts 0.
    """
    account_disks = [AccountDisk(name, _size(folder)) for name, folder in folders]
    return sorted(account_disks, key=lambda account_disk: (-account_disk.octets, account_disk.name))


def _size(folder: Path) -> int:
    total = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                found = entry.stat(follow_symlinks=False)
                total += found.st_blocks * 512 if entry.is_file(follow_symlinks=False) else 0
    except OSError:
        return total
    return total


# The task that stores daily counts and samples of the queue for plots, since counters end with the process (WEB-86b).
#
# Once a minute it takes what was counted meanwhile, and writes it in one unit: one fsync a minute at most, and none
# while nothing happens. A sample of the queue is taken each five minutes while messages wait, and once more when the
# queue has become empty. A kill loses the counts of the last minute; a stop loses none.

logger = logging.getLogger("moxlite.admin.figures")

PERIOD: Final = 60.0
"""Seconds between two writes."""

SAMPLE_PERIODS: Final = 5
"""Periods between two samples of the queue."""

WRITE_SECONDS: Final = 5.0
"""Seconds for the last write, during a stop."""


class HistoryRecorder:
    """Stores the counts of `counts` in ``reports.db``.

    Args:
      sample: takes a sample of the queue; None while no queue runs. Raises StoreError.
    """

    def __init__(
        self,
        reports: ReportsDB,
        sample: Callable[[], Awaitable[QueueSample | None]],
        counts: Daily = daily,
    ) -> None:
        self._reports = reports
        self._sample = sample
        self._counts = counts
        self._waiting = True  # the first sample shows an empty queue, too

    async def serve(self) -> None:
        """Store counts and samples, until cancelled; what is counted then is still stored. Raises nothing."""
        period = 0
        try:
            while True:
                await self._write(await self._due() if period % SAMPLE_PERIODS == 0 else None)
                period += 1
                await sleep(PERIOD)
        finally:
            with trio.move_on_after(WRITE_SECONDS, shield=True):
                await self._write(None)

    async def _due(self) -> QueueSample | None:
        """A sample to be stored; None while nothing waits, unless something waited before."""
        try:
            sample = await self._sample()
        except StoreError as error:
            logger.warning("failed to sample queue", extra={"kv": {"err": str(error)}})
            return None
        if sample is None or (not sample.messages and not self._waiting):
            return None
        self._waiting = sample.messages > 0
        return sample

    async def _write(self, sample: QueueSample | None) -> None:
        """Store counts and perhaps a sample; counts that the file does not take wait for the next time."""
        taken = self._counts.take()
        if not taken and sample is None:
            return
        try:
            await self._reports.database.write(lambda tx: _add(tx, taken, sample))
        except StoreError as error:
            self._counts.put_back(taken)
            logger.warning("failed to store daily counts", extra={"kv": {"err": str(error)}})
        except trio.Cancelled:
            self._counts.put_back(taken)
            raise


def _add(tx: Tx, counts: Mapping[DailyKey, int], sample: QueueSample | None) -> None:
    add_counts(tx, counts)
    if sample is not None:
        add_sample(tx, sample)
