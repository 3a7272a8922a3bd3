"""The calls behind the plots: daily counts, samples of the queue, failed log-ins by network, disk (WEB-86c)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Annotated, Final, TypeVar

import trio
from msgspec import Meta

from moxlite.admin.figures.disk import AccountDisk, disk_by_account
from moxlite.metrics import DailyKind
from moxlite.store.auth.loginattempts import RecordedAttempt
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.options import DAY
from moxlite.store.reports.history import QueueSample, day_counts, day_reasons, samples, sums
from moxlite.web.admin.calls.accounts import attempt_of
from moxlite.web.admin.calls.common import AdminCalls
from moxlite.web.admin.sessions import AdminSessions
from moxlite.web.admin.surroundings import Surroundings
from moxlite.web.admin.types import Attempt, DayFigures, DaySeries, DiskUse, History, LoginFailures
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import ServerFailed, UserError

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
"""Newest log-in attempts that are searched for a network: 40 ms in a thread."""

MOST_ATTEMPTS: Final = 100


class HistoryCalls(AdminCalls):
    """Figures of the last days."""

    def __init__(self, surroundings: Surroundings, sessions: AdminSessions) -> None:
        super().__init__(surroundings, sessions)
        self._disk: list[AccountDisk] = []
        self._disk_at = -math.inf
        self._disk_turn = trio.Lock()

    @call()
    async def history(self, caller: Caller, days: Days) -> History:
        """Daily counts of the last `days`, today included, in days of UTC."""
        today = _today()
        found = await self._history(partial(day_counts, kinds=SHOWN, first=today - days + 1, last=today))
        numbers = {(one.kind, one.day): one.number for one in found}
        series = [
            DaySeries(kind, [numbers.get((kind, day), 0) for day in range(today - days + 1, today + 1)])
            for kind in SHOWN
        ]
        return History(today, series)

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
            raise UserError(f"{network!r} is no network, such as 192.0.2.0/26.") from None

        def inside(one: RecordedAttempt) -> bool:
            try:
                return one.result != "ok" and ip_address(one.remote_ip) in wanted
            except ValueError:
                return False

        found = await self._server.auth.attempts.newest(None, limit=LOOKED_AT)
        return [attempt_of(one) for one in found if inside(one)][:MOST_ATTEMPTS]

    @call()
    async def disk_use(self, caller: Caller) -> DiskUse:
        """Octets on the disk by account, largest first, of at most five minutes ago."""
        now = trio.current_time()
        async with self._disk_turn:
            if now - self._disk_at > DISK_SECONDS:
                path, names = self._server.accounts.path, self._server.config().domains.accounts
                folders = ((name, path(name)) for name in names)
                self._disk = await trio.to_thread.run_sync(disk_by_account, folders)
                self._disk_at = now
            found = self._disk
        rest = [one.octets for one in found[MOST_ACCOUNTS:]]
        return DiskUse(found[:MOST_ACCOUNTS], len(rest), sum(rest))

    async def _history(self, read: Callable[[Reader], T]) -> T:
        try:
            return await self._server.reports.database.scan(read, op="admin_history")
        except StoreError as error:
            raise ServerFailed(f"reports.db cannot be read: {error}") from None


def _today() -> int:
    return time.time_ns() // 1000 // DAY
