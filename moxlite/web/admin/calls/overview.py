"""The calls of the overview: is the server well, and what is to be done (docs/spec/web.md §6)?"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import ip_address, ip_network
from itertools import islice
from pathlib import Path
from typing import Annotated, Final, TypeVar

import trio
from cryptography.x509.oid import NameOID
from msgspec import Meta

from moxlite.admin.backup.rehearsal import read_rehearsed
from moxlite.admin.doctor.findings import Night, in_order, read_night
from moxlite.admin.doctor.requests import ExamineNow, ListPlacement, ReadState, Running, TryPlacement
from moxlite.admin.doctor.running import schedule_findings, standby_findings
from moxlite.admin.figures import AccountDisk, disk_by_account
from moxlite.findings import Finding
from moxlite.metrics import DailyKind
from moxlite.net.tls.certificates import certificate_names
from moxlite.process.ports import InUse
from moxlite.store.auth.loginattempts import RecordedAttempt, attempts_of
from moxlite.store.delivery.reasons import JUNK_REFUSALS, JUNK_UNSURE
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.options import DAY
from moxlite.store.reports.history import QueueSample, day_counts, day_reasons, samples, sum_of, sums
from moxlite.supervision import FailurePolicy
from moxlite.web.admin.calls.accounts import attempt_of
from moxlite.web.admin.calls.common import AdminCalls
from moxlite.web.admin.dependencies import Dependencies
from moxlite.web.admin.sessions import AdminSessions
from moxlite.web.admin.types import (
    AdminSession,
    Attempt,
    Certificate,
    DayFigures,
    DaySeries,
    Disk,
    DiskUse,
    Flow,
    History,
    LoginFailures,
    Overview,
)
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import APIError, NotFound, ServerFailed, UserError

SECOND: Final = 1_000_000
"""Microseconds, in which the answers count time."""

OUT: Final = frozenset({"queue.scheduler", "queue.database"})
"""Tasks without which no mail goes out."""


PATIENCE: Final = 20.0
"""Seconds for which a call waits for the end of a placement test: most mail is there by then."""


class Trial:
    """A placement test under way, and why it was refused."""

    def __init__(self) -> None:
        self.ended = trio.Event()
        self.refusal: APIError | None = None


class OverviewCalls(AdminCalls):
    """The overview, and the administrator's own sessions."""

    _trial: Trial | None = None

    @call()
    async def logout(self, caller: Caller) -> None:
        """End the session."""
        await self._sessions.log_out(caller)

    @call()
    async def sessions(self, caller: Caller) -> list[AdminSession]:
        """The living sessions of the administrator, last used first."""
        own = caller.require().id
        return [
            AdminSession(
                session.id,
                session.remote_ip,
                session.user_agent,
                session.created,
                session.last_used,
                session.id == own,
                session.subject,
            )
            for session in await self._sessions.sessions()
        ]

    @call(audit="session ended")
    async def session_end(self, caller: Caller, session_id: int) -> None:
        """End a session of the administrator."""
        await trio.lowlevel.checkpoint()
        if not self._sessions.end(session_id):
            raise NotFound("This session has already ended.")

    @call()
    async def overview(self, caller: Caller) -> Overview:
        """The state of the server, with everything that needs attention."""
        running = await self._perform(ReadState())
        snapshot = self._server.config()
        data = snapshot.static.data_dir
        night = await trio.to_thread.run_sync(read_night, snapshot.static)
        rehearsed = await trio.to_thread.run_sync(read_rehearsed, data)
        standby = await trio.to_thread.run_sync(standby_findings, snapshot.static)
        backups = schedule_findings(self._server.holder.path, snapshot.static, running)
        findings = in_order([*running.findings, *_of_the_night(night), *standby, *backups])
        interval = snapshot.static.backup.schedule
        examined = night.at > 0 or self._server.external is None  # localserve is never examined
        return Overview(
            at=time.time_ns() // 1000,
            hostname=snapshot.static.hostname.unicode,
            version=running.version,
            update=running.update,
            flow=flow_of(running, findings, examined=examined),
            findings=findings,
            examined=round(night.at * SECOND),
            config_problems=list(self._server.holder.problems),
            certificates=[_certificate(certificate) for certificate in self._server.certificates()],
            disk=await trio.to_thread.run_sync(_disk, data),
            queue=running.queue,
            last_backup=round(running.last_backup * SECOND),
            last_rehearsal=0 if rehearsed is None or rehearsed.unreadable else round(rehearsed.at * SECOND),
            rehearsal_failed=rehearsed is not None and rehearsed.problem != "",
            standby=None if snapshot.static.standby.target is None else not standby,
            backup_interval=0 if interval is None else round(interval * SECOND),
            domains=len(snapshot.domains.domains),
            accounts=len(snapshot.domains.accounts),
            placement=await self._perform(ListPlacement()),
            helpers_tried=round(min((state.tried for state in running.helpers), default=0) * SECOND),
            helpers_failed=sum(state.problem != "" for state in running.helpers),
        )

    @call()
    async def examine(self, caller: Caller) -> None:
        """Examine everything now, as each night; the overview then has the findings. Takes up to 5 minutes."""
        await self._perform(ExamineNow())

    @call(once=True)
    async def placement_test(self, caller: Caller) -> bool:
        """Send a test to each linked mailbox of the postmaster, and look where it lands. After 20 seconds it goes on
        without the call; returns whether it has ended. The overview has the results.
        """
        if self._trial is None:
            self._trial = Trial()
            work = partial(self._try_placement, self._trial)
            self._server.process.tree.start("admin.placement-now", work, FailurePolicy.ONCE)
        trial = self._trial
        with trio.move_on_after(PATIENCE):
            await trial.ended.wait()
        if trial.refusal is not None:
            raise trial.refusal
        return trial.ended.is_set()

    async def _try_placement(self, trial: Trial) -> None:
        try:
            await self._perform(TryPlacement())
        except APIError as error:
            trial.refusal = error
        finally:
            self._trial = None
            trial.ended.set()


def flow_of(running: Running, findings: Sequence[Finding], *, examined: bool) -> Flow:
    """How mail flows, from the server's report about itself and the findings. examined: it is known whether mail
    reaches this machine.
    """
    errors = {finding.code for finding in findings if finding.grade == "error"}
    tasks = {finding.about for finding in findings if finding.code == "task-down"}
    if any(name.startswith("smtpd.smtp") for name in tasks) or "disk-low" in errors:
        return "none-in"
    if running.queue is None or OUT & tasks or "port-25-blocked" in errors:
        return "none-out"
    slow = {"queue-stuck", "address-blocked", "account-stopped"}
    if any(finding.code in slow for finding in findings):
        return "slow"
    return "flowing" if examined else "unknown"


def _of_the_night(night: Night) -> list[Finding]:
    """Findings of the examination that the running server does not report by itself."""
    now = {
        "account-broken",
        "account-stopped",
        "address-blocked",
        "backup-none",
        "backup-old",
        "certificate-order",
        "child-down",
        "queue-stuck",
        "sandbox-weak",
        "search-preparing",
        "server-fault",
        "standby-behind",
        "standby-lease",
        "task-down",
        "update",
    }
    return [finding for finding in night.findings if finding.code not in now]


def _certificate(one: InUse) -> Certificate:
    leaf = one.pair.leaf
    issuer = [str(part.value) for part in leaf.issuer if part.oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)]
    return Certificate(
        listener=one.listener,
        names=list(certificate_names(leaf)),
        issuer=", ".join(issuer),
        ends=round(leaf.not_valid_after_utc.timestamp() * SECOND),
        automatic=one.automatic,
        own=leaf.issuer == leaf.subject,
    )


def _disk(data: Path) -> Disk | None:
    try:
        found = shutil.disk_usage(data)
    except OSError:
        return None
    return Disk(found.free, found.total)


# The calls behind the plots: daily counts, samples of the queue, failed log-ins by network, disk (WEB-86c).


T = TypeVar("T")

Days = Annotated[int, Meta(ge=1, le=400)]
Day = Annotated[int, Meta(ge=0, le=1_000_000)]
Network = Annotated[str, Meta(max_length=64)]

SHOWN: Final[tuple[DailyKind, ...]] = (
    "delivered",
    "junk",
    "refused",
    "sent",
    "failed",
    "judged-junk",
    "judged-wanted",
    "marked-junk",
    "marked-wanted",
)
"""Kinds with a series of days."""

MOST_NETWORKS: Final = 20
"""Networks that are listed; the others are summed up."""

DISK_SECONDS: Final = 300.0
"""Seconds for which sizes of files are shown again: to look at 5,000 folders takes half a second of a thread."""

MOST_ACCOUNTS: Final = 20
"""Accounts that are listed; the others are summed up."""

LOOKED_AT: Final = 20_000
"""Newest log-in attempts that are searched for a network: 0.1 s of a thread."""

MOST_ATTEMPTS: Final = 100
"""Attempts in an answer: one network that guesses fills any list."""


class HistoryCalls(AdminCalls):
    """Figures of the last days."""

    def __init__(self, dependencies: Dependencies, sessions: AdminSessions) -> None:
        super().__init__(dependencies, sessions)
        self._disk: list[AccountDisk] = []
        self._disk_at = -math.inf
        self._disk_turn = trio.Lock()

    @call()
    async def history(self, caller: Caller, days: Days) -> History:
        """Daily counts of the last `days`, today included, in days of UTC."""
        today = _today()
        first = today - days + 1
        found = await self._history(partial(day_counts, kinds=SHOWN, first=first, last=today))
        filed, filtered = [
            await self._history(partial(sum_of, kind="junk", reasons=reasons, first=first, last=today))
            for reasons in ([JUNK_UNSURE], JUNK_REFUSALS)
        ]
        numbers = {(day_count.kind, day_count.day): day_count.number for day_count in found}
        series = [DaySeries(kind, [numbers.get((kind, day), 0) for day in range(first, today + 1)]) for kind in SHOWN]
        return History(today, series, filed, filtered)

    @call()
    async def history_day(self, caller: Caller, day: Day) -> list[DayFigures]:
        """Counts of one day, by reason; networks of failed log-ins."""
        return [DayFigures(kind, found) for kind, found in await self._history(partial(day_reasons, day=day))]

    @call()
    async def queue_history(self, caller: Caller, days: Annotated[int, Meta(ge=1, le=7)] = 7) -> list[QueueSample]:
        """Samples of the queue, one each five minutes while messages wait, oldest first."""
        return await self._history(partial(samples, since=time.time_ns() // 1000 - days * DAY))

    @call()
    async def login_failures(self, caller: Caller, days: Days) -> LoginFailures:
        """Failed log-ins by network, most first."""
        today = _today()
        read = partial(sums, kind="login-failed", first=today - days + 1, last=today, limit=1 << 20)
        found = await self._history(read)
        named = [one for one in found if one.about]
        rest = sum(one.number for one in found if not one.about) + sum(one.number for one in named[MOST_NETWORKS:])
        return LoginFailures(named[:MOST_NETWORKS], max(0, len(named) - MOST_NETWORKS), rest)

    @call()
    async def attempts_from(self, caller: Caller, network: Network) -> list[Attempt]:
        """The latest failed log-ins from a network, of the last 30 days."""
        try:
            wanted = ip_network(network)
        except ValueError:
            raise UserError(f"{network} isn't a valid network. Use a format like 192.0.2.0/26.") from None

        def inside(recorded_attempt: RecordedAttempt) -> bool:
            try:
                return recorded_attempt.result != "ok" and ip_address(recorded_attempt.remote_ip) in wanted
            except ValueError:
                return False

        def read(r: Reader) -> list[Attempt]:
            attempts = filter(inside, attempts_of(r, limit=LOOKED_AT))
            return [attempt_of(recorded_attempt) for recorded_attempt in islice(attempts, MOST_ATTEMPTS)]

        return await self._server.auth.database.scan(read, op="admin_attempts")

    @call()
    async def disk_use(self, caller: Caller) -> DiskUse:
        """Octets on the disk by account, largest first, of at most five minutes ago."""
        now = trio.current_time()
        async with self._disk_turn:
            # Looked at again behind the lock: pages that waited take what the first one has found.
            if now - self._disk_at > DISK_SECONDS:
                path, names = self._server.accounts.path, self._server.config().domains.accounts
                folders = ((name, path(name)) for name in names)
                self._disk = await trio.to_thread.run_sync(disk_by_account, folders)
                self._disk_at = now
            account_disks = self._disk
        rest = [account_disk.octets for account_disk in account_disks[MOST_ACCOUNTS:]]
        return DiskUse(account_disks[:MOST_ACCOUNTS], len(rest), sum(rest))

    async def _history(self, read: Callable[[Reader], T]) -> T:
        try:
            return await self._server.reports.database.scan(read, op="admin_history")
        except StoreError as error:
            raise ServerFailed(f"can't read reports.db: {error}") from None


def _today() -> int:
    return time.time_ns() // 1000 // DAY
