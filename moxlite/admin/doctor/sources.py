"""The running server's report about itself, and a test that it runs."""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import trio

from moxlite import __version__, lazyimport
from moxlite.admin.delivery.peers import DAYS, passed_on
from moxlite.admin.doctor.helpers import Helpers
from moxlite.admin.doctor.requests import (
    ExamineNow,
    Filled,
    KnownPassword,
    LookUp,
    NightlyReport,
    PeerUse,
    QueueState,
    ReadState,
    Running,
    SendMail,
    Sent,
    TellWeek,
)
from moxlite.config.holder import ConfigHolder
from moxlite.ledger import ledger
from moxlite.net.control.server import Command, CommandFailed
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import Resolver
from moxlite.operations.performing import commands
from moxlite.process.keys import SigningKeys
from moxlite.store import metrics
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.loginattempts import LoginAttempts
from moxlite.store.errors import StoreError
from moxlite.store.reports.reportsdb import ReportsDB
from moxlite.store.rows import mailboxes
from moxlite.supervision import Supervisor

if TYPE_CHECKING:
    from moxlite.admin.doctor.nightly import Nightly
    from moxlite.admin.doctor.weekly import WeeklyMail
    from moxlite.lazyimport import Lazy

NEARLY_FULL: Final = 0.95
"""Share of its quota from which an account is a finding: a large message may not fit any more."""

ROOM_SECONDS: Final = 600.0
"""Seconds between two readings of the room that accounts use: the overview of the admin app asks often."""

WEEK: Final = 7 * 86_400_000_000
"""Microseconds."""

DAY: Final = 86_400.0
"""Seconds for which a refusal for lack of memory is a finding."""


class Rooms:
    """The room that accounts with a quota use, read anew after `ROOM_SECONDS`: each of them is opened for it."""

    def __init__(self, config: ConfigHolder, accounts: Accounts) -> None:
        self._config = config
        self._accounts = accounts
        self._used: dict[str, int] = {}
        self._read = -ROOM_SECONDS

    async def filled(self) -> list[Filled]:
        """Accounts that have little room left, without those out of service, which are told elsewhere."""
        snapshot = self._config.current
        limits = {name: limit for name in snapshot.domains.accounts if (limit := snapshot.quota(name))}
        if trio.current_time() - self._read >= ROOM_SECONDS:
            self._used = {name: await self._size(name) for name in limits}
            self._read = trio.current_time()
        return [
            Filled(name, used, limit)
            for name, limit in limits.items()
            if (used := self._used.get(name, 0)) > limit * NEARLY_FULL
        ]

    async def _size(self, name: str) -> int:
        try:
            async with self._accounts.use(name) as account:
                return (await account.read(mailboxes.state, op="doctor quota")).total_size
        except StoreError:
            return 0


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Sources of the server's own state.

    faults: all that keeps it from being healthy, except tasks and certificates. orders: problems of certificates by
    ACME. queue: returns None while no queue runs. look_up: finds a message in the queue. update: the newer version,
    "" if unknown. rooms: the room of accounts. attempts, knows: recorded log-ins, and whether an account has logged
    in from a network. weak: accounts with a password that is easy to guess. foreign: those with another server's
    hash. keys, resolver: sign the test message, and verify it. reports: reports.db, with daily counts.
    helpers: the trials of child processes.
    """

    config: ConfigHolder
    accounts: Accounts
    tree: Supervisor
    faults: Callable[[], list[str]]
    orders: Callable[[], list[str]]
    queue: Callable[[], Awaitable[QueueState | None]]
    look_up: LookUp
    update: Callable[[], str]
    rooms: Rooms
    attempts: LoginAttempts
    knows: Callable[[IPAddress, str], bool]
    weak: Collection[str]
    foreign: Collection[str]
    keys: SigningKeys
    resolver: Resolver
    reports: ReportsDB
    helpers: Helpers


async def look(sources: Sources) -> Running:
    """Read the server's state at this moment."""
    return Running(
        version=__version__,
        tasks={name: down.error for name, down in sources.tree.down.items()},
        orders=sources.orders(),
        faults=sources.faults(),
        accounts=dict(sources.accounts.broken()),
        queue=await sources.queue(),
        last_backup=metrics.BACKUP_LAST_SUCCESS.value,
        update=sources.update(),
        filled=await sources.rooms.filled(),
        known=await _known(sources),
        weak=sorted(sources.weak),
        foreign=sorted(sources.foreign),
        peers=await _peers(sources),
        helpers=sources.helpers.states,
        refusals=[refusal for refusal in ledger().refusals.values() if refusal.last > time.time() - DAY],
    )


async def _peers(sources: Sources) -> list[PeerUse]:
    """The servers from which domains move here."""
    moving = {name: domain.peer for name, domain in sources.config.current.domains.domains.items() if domain.peer}
    if not moving:
        return []
    now, before = await passed_on(sources.reports, DAYS), await passed_on(sources.reports, 400, DAYS)
    return [
        PeerUse(name, [*hosts], now.get(name, 0), name not in now and name in before) for name, hosts in moving.items()
    ]


async def _known(sources: Sources) -> list[KnownPassword]:
    """The latest right own password of each account that came from a network which is still strange to it."""
    try:
        rows = await sources.attempts.withheld(time.time_ns() // 1000 - WEEK)
    except StoreError:
        return []
    known_passwords: dict[str, KnownPassword] = {}
    for withheld_password in rows:
        try:
            strange = not sources.knows(ip_address(withheld_password.remote_ip), withheld_password.account)
        except ValueError:  # a damaged row
            continue
        if strange:
            known_passwords.setdefault(
                withheld_password.account,
                KnownPassword(withheld_password.account, withheld_password.remote_ip, withheld_password.last),
            )
    return list(known_passwords.values())


async def try_mail(sources: Sources, send_to: str = "") -> Sent:
    """Send the test message, signed, and read it; with `send_to`, submit another one to that address."""
    for module in ("mailtest", "signatures"):
        await lazyimport.load(f"moxlite.admin.doctor.{module}")
    from moxlite.admin.doctor.mailtest import Signing, send_and_read
    from moxlite.admin.doctor.signatures import problems_of

    snapshot = sources.config.current
    signing = Signing(partial(sources.keys.sign_own, snapshot), partial(problems_of, resolver=sources.resolver))
    return await send_and_read(snapshot, sources.accounts, sources.look_up, send_to, signing=signing)


class DoctorCommands:
    """The operations in a running server. `nightly`: None in localserve, which is not examined."""

    def __init__(self, sources: Sources, nightly: "Nightly | None", weekly: "Lazy[WeeklyMail]") -> None:
        self._sources = sources
        self._nightly = nightly
        self._weekly = weekly

    def registry(self) -> Mapping[str, Command]:
        """All operations by name."""
        return commands(
            ReadState.bind(lambda _: look(self._sources)),
            SendMail.bind(lambda args: try_mail(self._sources, args.send_to)),
            ExamineNow.bind(self.nightly),
            TellWeek.bind(self.weekly),
        )

    async def weekly(self, args: TellWeek) -> str:
        """The text of the weekly mail."""
        from moxlite.admin.doctor.weekly import text_of

        return text_of(await (await self._weekly.get()).gather())

    async def nightly(self, args: ExamineNow) -> NightlyReport:
        """Run the nightly examination now."""
        if self._nightly is None:
            raise CommandFailed("refused", "localserve can't be checked")
        try:
            return await self._nightly.once()
        except OSError as error:
            raise CommandFailed("failed", f"can't save the results: {error.strerror or error}") from None
