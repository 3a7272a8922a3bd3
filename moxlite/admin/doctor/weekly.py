"""The weekly mail to the postmaster: what came and went, who logged in from where, and what changed (ADMIN-70a).

The nightly examination tells what is broken; this tells what only a person can judge, in at most 30 lines. What says
nothing is left out.
"""

from __future__ import annotations

import datetime as dt
import logging
import shutil
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
import trio

from moxlite import lazyimport
from moxlite.admin.backup.rehearsal import read_rehearsed
from moxlite.admin.doctor.findings import read_night
from moxlite.admin.masked import leak_of
from moxlite.admin.notices import notify_postmaster
from moxlite.config.files import write_atomically
from moxlite.config.holder import ConfigHolder
from moxlite.encoding import from_json, to_json
from moxlite.escapes import printable
from moxlite.findings import Finding
from moxlite.metrics import DAILY_KINDS, DAY_SECONDS, DailyKind
from moxlite.net.limits import ip_classes, network_of
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.audit import AuditFilter
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.loginattempts import ADMIN
from moxlite.store.delivery.reasons import JUNK_REFUSALS, JUNK_UNSURE
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.masked import leaked_since
from moxlite.store.reports.history import Sum, day_counts, sum_of, sums
from moxlite.store.reports.reportsdb import ReportsDB
from moxlite.wakeup import sleep_by_both_clocks
from moxlite.wording import counted

if TYPE_CHECKING:
    from moxlite.admin.doctor.requests import Running
    from moxlite.process.ports import InUse

logger = logging.getLogger("moxlite.admin.doctor")

STATE: Final = "weekly.json"
"""The file in the data directory that has the time of the last mail."""

WEEK: Final = 7
"""Days."""

HOUR: Final = 7
"""Local hour on Mondays at which the mail is written."""

FIRST: Final = 1200.0
"""Seconds from the start of the server to a mail that is overdue; the examination of the night is before it."""

LATE: Final = 7.5 * DAY_SECONDS
"""Seconds after the last mail from when one is overdue."""

MOST: Final = 2
"""Lines of a list; the rest is counted. With all that there can be, the mail has 30 lines."""

REASONS: Final = 5
"""Reasons of refusals that are named."""

MOST_CHANGES: Final = 500
"""Entries of the audit log that are read."""


class Weekly(msgspec.Struct, frozen=True):
    """When the last mail was written, seconds UTC."""

    at: float = 0.0


Figures: TypeAlias = tuple[dict[DailyKind, int], dict[DailyKind, int], list[Sum], int, int, int]
"""`counts`, `before`, `refused`, `guessers`, `filed` and `filtered` of a week."""


class Week(msgspec.Struct, frozen=True, kw_only=True):
    """A week in figures.

    Attributes:
      first, last: its days since 1970, UTC; both are in it.
      counts, before: numbers by kind, of this week and of the one before it.
      refused: reasons of refusals, most first.
      guessers: networks with failed log-ins.
      filed, filtered: messages that junk filters moved to Junk, and those that they rejected.
      places: networks from which an account logged in for the first time in 30 days, by account; "(admin)" for the
        admin app.
      changes: how often an action was done in the audit log, with its objects, most first.
      free, size: octets of the disk; 0 if it cannot be asked.
      ends: the end of the certificate that ends first, µs UTC, and its name.
      backup, rehearsed: the last backup and the last restore that was tried, seconds UTC; 0 for none.
      leaks: addresses that the postmaster's account gave away and strangers began to write to: each with a sentence.
      placement: where mail to linked mailboxes lands: their names, and a word about each.
      findings: of the last night.
    """

    host: str
    first: int
    last: int
    version: str
    update: str = ""
    counts: Mapping[DailyKind, int] = {}
    before: Mapping[DailyKind, int] = {}
    refused: Sequence[Sum] = ()
    guessers: int = 0
    filed: int = 0
    filtered: int = 0
    places: Mapping[str, Sequence[str]] = {}
    changes: Sequence[tuple[str, int, Sequence[str]]] = ()
    free: int = 0
    size: int = 0
    ends: tuple[int, str] | None = None
    backup: float = 0.0
    rehearsed: float = 0.0
    placement: Sequence[tuple[str, str]] = ()
    leaks: Sequence[tuple[str, str]] = ()
    findings: Sequence[Finding] = ()


class WeeklyMail:
    """The task of the server that writes the mail.

    Args:
      running: the server's report about itself.
      certificates: those in use.
    """

    def __init__(
        self,
        *,
        config: ConfigHolder,
        accounts: Accounts,
        auth: AuthDB,
        reports: ReportsDB,
        running: Callable[[], Awaitable[Running]],
        certificates: Callable[[], Sequence[InUse]],
    ) -> None:
        self._config = config
        self._accounts = accounts
        self._auth = auth
        self._reports = reports
        self._running = running
        self._certificates = certificates
        self._path: Path = config.current.static.data_dir / STATE

    async def serve(self) -> None:
        """Write the mail each Monday, for ever. A server that is new writes its first one on the next Monday; one that
        was down on a Monday, when it starts. Raises OSError: the time cannot be kept.
        """
        last = await trio.to_thread.run_sync(self._read)
        if last is None:
            await self._note(time.time())
        elif time.time() - last.at > LATE:
            await sleep_by_both_clocks(FIRST)
            await self.send()
        while True:
            now = time.time()
            await sleep_by_both_clocks(next_monday(now) - now)
            await self.send()

    async def send(self) -> None:
        """Write the mail of the last 7 days; a second one about the same days is not stored. Raises OSError."""
        week = await self.gather()
        text = text_of(week)
        try:
            await notify_postmaster(
                self._accounts, self._config.current, subject_of(week), text, once=f"weekly {week.last}"
            )
        except StoreError as error:
            logger.error("failed to send weekly summary", extra={"kv": {"err": str(error)}})
            return
        await self._note(time.time())

    async def gather(self) -> Week:
        """The last 7 whole days. What cannot be read is left out, and logged."""
        static = self._config.current.static
        last = int(time.time() // DAY_SECONDS) - 1
        first = last - WEEK + 1
        running = await self._running()
        counts, before, refused, guessers, filed, filtered = await self._history(first, last)
        night = await trio.to_thread.run_sync(read_night, static)
        rehearsed = await trio.to_thread.run_sync(read_rehearsed, static.data_dir)
        free, size = await trio.to_thread.run_sync(_disk, static.data_dir)
        leaves = [
            (certificate.pair.leaf.not_valid_after_utc.timestamp(), certificate.listener)
            for certificate in self._certificates()
        ]
        return Week(
            host=static.hostname.unicode,
            first=first,
            last=last,
            version=running.version,
            update=running.update,
            counts=counts,
            before=before,
            refused=refused,
            guessers=guessers,
            filed=filed,
            filtered=filtered,
            places=await self._places(first),
            changes=await self._changes(first),
            free=free,
            size=size,
            ends=min(((round(ends), name) for ends, name in leaves), default=None),
            backup=running.last_backup,
            rehearsed=0.0 if rehearsed is None or rehearsed.problem or rehearsed.unreadable else rehearsed.at,
            placement=await self._placement(),
            leaks=await self._leaks(first),
            findings=[finding for finding in night.findings if finding.grade != "note"],
        )

    async def _history(self, first: int, last: int) -> Figures:
        def read(r: Reader) -> Figures:
            guessers = [one for one in sums(r, "login-failed", first, last, 10_000) if one.about]
            return (
                _numbers(r, first, last),
                _numbers(r, first - WEEK, first - 1),
                sums(r, "refused", first, last, REASONS + 1),
                len(guessers),
                sum_of(r, "junk", [JUNK_UNSURE], first, last),
                sum_of(r, "junk", JUNK_REFUSALS, first, last),
            )

        try:
            return await self._reports.database.scan(read, op="weekly")
        except StoreError as error:
            logger.warning("failed to read weekly figures", extra={"kv": {"err": str(error)}})
            return {}, {}, [], 0, 0, 0

    async def _placement(self) -> list[tuple[str, str]]:
        if not self._config.current.static.doctor.placement:
            return []
        await lazyimport.load("moxlite.admin.doctor.placement")
        from moxlite.admin.doctor.placement import providers, read_tests

        tests = await trio.to_thread.run_sync(read_tests, self._config.current.static.data_dir)
        return [(provider.name, provider.text) for provider in providers(tests)]

    async def _leaks(self, first: int) -> list[tuple[str, str]]:
        snapshot = self._config.current
        name, since = snapshot.static.postmaster.account, first * DAY_SECONDS * 1_000_000
        try:
            async with self._accounts.use(name) as account:
                rows = await account.scan(lambda r: leaked_since(r, since), op="weekly")
        except StoreError as error:
            logger.warning("failed to read weekly leaks", extra={"kv": {"err": str(error)}})
            return []
        return [(row.address, leak_of(row)) for row in rows]

    async def _places(self, first: int) -> dict[str, list[str]]:
        try:
            rows = await self._auth.attempts.places()
        except StoreError as error:
            logger.warning("failed to read weekly logins", extra={"kv": {"err": str(error)}})
            return {}
        snapshot = self._config.current
        known = [row for row in rows if row[0] == ADMIN or snapshot.account(row[0]) is not None]
        return new_places(known, first * DAY_SECONDS * 1_000_000)

    async def _changes(self, first: int) -> list[tuple[str, int, list[str]]]:
        audit_filter = AuditFilter(since=first * DAY_SECONDS * 1_000_000)
        try:
            entries = await self._auth.audit.entries(audit_filter, limit=MOST_CHANGES)
        except StoreError as error:
            logger.warning("failed to read weekly changes", extra={"kv": {"err": str(error)}})
            return []
        done = [entry for entry in entries if entry.outcome == "done"]
        numbers = Counter(one.action for one in done)
        objects: dict[str, dict[str, None]] = {}
        for audit_entry in reversed(done):
            if audit_entry.object:
                objects.setdefault(audit_entry.action, {})[audit_entry.object] = None
        return [(action, number, list(objects.get(action, ()))) for action, number in numbers.most_common()]

    def _read(self) -> Weekly | None:
        try:
            return from_json(self._path.read_bytes(), Weekly)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError):
            return Weekly(time.time())

    async def _note(self, at: float) -> None:
        octets = to_json(Weekly(at))
        await trio.to_thread.run_sync(lambda: write_atomically(self._path, octets, mode=0o640))


def new_places(rows: Iterable[tuple[str, str, int]], since: int) -> dict[str, list[str]]:
    """Networks from which accounts logged in first at `since` or later.

    Args:
      rows: accounts, addresses, and the first log-in there, µs UTC.
    """
    firsts: dict[tuple[str, str], int] = {}
    for account, ip, first in rows:
        with suppress(ValueError):  # a damaged row
            key = account, str(network_of(ip_classes(ip_address(ip))[1]))
            firsts[key] = min(first, firsts.get(key, first))
    found: dict[str, list[str]] = {}
    for (account, network), first in sorted(firsts.items(), key=lambda item: item[1]):
        if first >= since:
            found.setdefault(account, []).append(network)
    return found


def next_monday(now: float) -> float:
    """Seconds UTC of the next Monday morning, local time."""
    here = dt.datetime.fromtimestamp(now, dt.UTC).astimezone()
    for days in range(9):
        day = (here + dt.timedelta(days=days)).replace(hour=HOUR, minute=0, second=0, microsecond=0, tzinfo=None)
        moment = day.astimezone().timestamp()
        if day.weekday() == 0 and moment > now:
            return moment
    raise AssertionError("unreachable: eight days always include a Monday")


def subject_of(week: Week) -> str:
    """The subject: what came, and whether something waits for the owner."""
    attention = f"; {counted(len(week.findings), 'problem')}" if week.findings else ""
    received, sent = counted(_came(week.counts), "message"), week.counts.get("sent", 0)
    return f"weekly summary: {received} received, {sent:,} sent{attention}"


def text_of(week: Week) -> str:
    """The mail, at most 30 lines."""
    parts = [[*_mail(week)], [*_logins(week)], [*_changed(week)], [*_machine(week)], [*_findings(week)]]
    days = f"{_day(week.first)} to {_day(week.last)}"
    lines = [f"{week.host}, {days} (UTC). Previous week in parentheses.", ""]
    for part in parts:
        if part:
            lines += [*part, ""]
    return "\n".join([*lines, "To stop these emails, set doctor.weekly = false in moxlite.toml.", ""])


def _mail(week: Week) -> Iterator[str]:
    def pair(kind: DailyKind) -> str:
        return f"{week.counts.get(kind, 0):,} ({week.before.get(kind, 0):,})"

    came = f"{_came(week.counts):,} ({_came(week.before):,})"
    yield f"Mail: {came} received, {pair('junk')} junk; {pair('sent')} sent, {pair('failed')} failed."
    if week.refused:
        named = [f"{one.number:,} {one.about or 'other'}" for one in week.refused[:REASONS]]
        yield f"Rejected: {pair('refused')}: {', '.join(named)}{', …' if len(week.refused) > REASONS else ''}."
    if week.placement:
        shown = [f"{printable(name[:40])}: {printable(text[:80])}" for name, text in week.placement[:MOST]]
        more = f"; {len(week.placement) - MOST} more" if len(week.placement) > MOST else ""
        yield f"Inbox placement: {'; '.join(shown)}{more}."
    if week.leaks:
        shown = [f"{printable(address[:60])} {printable(text[:120])}" for address, text in week.leaks[:MOST]]
        more = f"; {len(week.leaks) - MOST} more" if len(week.leaks) > MOST else ""
        yield f"Leaked masked addresses: {'; '.join(shown)}{more}."
    missed, wrong = week.counts.get("marked-junk", 0), week.counts.get("marked-wanted", 0)
    if week.filed or week.filtered or missed or wrong:
        yield (
            f"Junk filter: {week.filed:,} moved to Junk, {week.filtered:,} rejected. "
            f"Users marked {missed:,} as junk and {wrong:,} as not junk."
        )


def _logins(week: Week) -> Iterator[str]:
    failed = week.counts.get("login-failed", 0)
    if failed:
        from_where = f" from {counted(week.guessers, 'network')}" if week.guessers else ""
        yield f"Logins: {failed:,} failed{from_where} ({week.before.get('login-failed', 0):,})."
    if week.places:
        yield "First logins from these networks in 30 days:"
        for account, networks in sorted(week.places.items())[:MOST]:
            more = f" and {len(networks) - 3} more" if len(networks) > 3 else ""
            yield f"  {account}: {', '.join(networks[:3])}{more}"
        if len(week.places) > MOST:
            yield f"  and {counted(len(week.places) - MOST, 'more account')}"


def _changed(week: Week) -> Iterator[str]:
    if week.changes:
        yield "Changes (moxlite audit list):"
        for action, number, objects in week.changes[:MOST]:
            more = f", … {len(objects) - 3} more" if len(objects) > 3 else ""
            named = f": {', '.join(printable(one[:60]) for one in objects[:3])}{more}" if objects else ""
            yield f"  {action}{f', {number} times' if number > 1 else ''}{named}"
        if len(week.changes) > MOST:
            yield f"  and {counted(len(week.changes) - MOST, 'other kind')} of change"


def _machine(week: Week) -> Iterator[str]:
    if week.size:
        yield f"Disk: {week.free / 1e9:,.1f} of {week.size / 1e9:,.1f} GB free."
    if week.ends is not None:
        yield f"Certificates: next to expire on {_date(week.ends[0])} (listener {week.ends[1]})."
    if week.backup:
        tried = f"; test restore on {_date(week.rehearsed)}" if week.rehearsed else "; no test restore"
        yield f"Backup: {_date(week.backup)}{tried}."
    else:
        yield "Backup: none completed since the server started (docs/backup.md)."
    newer = f"; {week.update} available" if week.update else ""
    yield f"Version: {week.version}{newer}."


def _findings(week: Week) -> Iterator[str]:
    if week.findings:
        yield "Needs attention (moxlite doctor):"
        for finding in week.findings[:MOST]:
            yield f"  {finding.grade}, {finding.code}: {printable(finding.words[:160])}"
        if len(week.findings) > MOST:
            yield f"  and {len(week.findings) - MOST} more"


def _came(counts: Mapping[DailyKind, int]) -> int:
    return counts.get("delivered", 0) + counts.get("junk", 0)


def _numbers(r: Reader, first: int, last: int) -> dict[DailyKind, int]:
    found: Counter[DailyKind] = Counter()
    for day_count in day_counts(r, DAILY_KINDS, first, last):
        found[day_count.kind] += day_count.number
    return dict(found)


def _disk(data: Path) -> tuple[int, int]:
    try:
        found = shutil.disk_usage(data)
    except OSError:
        return 0, 0
    return found.free, found.total


def _day(number: int) -> str:
    return _date(number * DAY_SECONDS)


def _date(moment: float) -> str:
    return f"{dt.datetime.fromtimestamp(moment, dt.UTC):%B %-d, %Y}"
