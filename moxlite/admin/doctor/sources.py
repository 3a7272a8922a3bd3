"""The running server's report about itself, and a test that it runs."""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite import __version__, lazyimport
from moxlite.admin.delivery.peers import DAYS, passed_on
from moxlite.admin.doctor.helpers import Helpers
from moxlite.admin.doctor.requests import (
    ExamineNow,
    LookUp,
    NightlyReport,
    QueueState,
    ReadState,
    Running,
    SendMail,
    Sent,
    TellWeek,
)
from moxlite.config.holder import ConfigHolder
from moxlite.findings import Finding
from moxlite.ledger import Kind, Refusals, ledger
from moxlite.net.control.server import Command, CommandFailed
from moxlite.net.limits import IPAddress
from moxlite.net.resolver import Resolver
from moxlite.operations.performing import commands
from moxlite.process.keys import SigningKeys
from moxlite.store import metrics
from moxlite.store.accounts.accounts import Accounts, account_findings
from moxlite.store.auth.loginattempts import LoginAttempts
from moxlite.store.errors import StoreError
from moxlite.store.reports.reportsdb import ReportsDB
from moxlite.store.rows import mailboxes
from moxlite.wording import counted

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

WORKS: Final[Mapping[Kind, str]] = {
    "request": "requests",
    "socket": "websocket messages",
    "answer": "responses",
    "event": "events",
    "report": "calendar reports",
    "link": "responses from linked mail servers",
    "spool": "messages",
    "command": "commands of mail clients",
    "rows": "sorts and threads",
    "file": "calendar and contact files",
}
"""Kinds of the ledger in words."""

MAX_SHOWN: Final = 10
"""Accounts that are named."""


class Rooms:
    """The room that accounts with a quota use. Each of them is opened for it, so it's read after `ROOM_SECONDS` or when
    a quota has changed.
    """

    def __init__(self, config: ConfigHolder, accounts: Accounts) -> None:
        self._config = config
        self._accounts = accounts
        self._limits: dict[str, int] = {}
        self._used: dict[str, int] = {}
        self._read = -ROOM_SECONDS

    async def filled(self) -> list[Finding]:
        """Accounts that have little room left, without those out of service, which are told elsewhere."""
        snapshot = self._config.current
        limits = {name: limit for name in snapshot.domains.accounts if (limit := snapshot.quota(name))}
        if limits != self._limits or trio.current_time() - self._read >= ROOM_SECONDS:
            self._used = {name: await self._size(name) for name in limits}
            self._limits = limits
            self._read = trio.current_time()
        return [
            nearly_full(name, used, limit)
            for name, limit in limits.items()
            if (used := self._used.get(name, 0)) > limit * NEARLY_FULL
        ]

    async def _size(self, name: str) -> int:
        try:
            async with self._accounts.use(name) as account:
                return (await account.read(mailboxes.state, op="doctor quota")).total_size
        except StoreError:
            return 0


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Sources of the server's own state.

    findings: all that keeps it from being healthy. queue: its state, None while no queue runs, and findings about it.
    look_up: finds a message in the queue. update: the newer version, "" if unknown. rooms: the room of accounts.
    attempts, knows: recorded log-ins, and whether an account has logged in from a network. weak: accounts with a weak
    password. foreign: those with another server's hash. keys, resolver: sign the test message, and verify it. reports:
    reports.db, with daily counts. helpers: the trials of child processes.
    """

    config: ConfigHolder
    accounts: Accounts
    findings: Callable[[], Awaitable[list[Finding]]]
    queue: Callable[[], Awaitable[tuple[QueueState | None, list[Finding]]]]
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
    queue, findings = await sources.queue()
    findings += await sources.findings()
    findings += account_findings(sources.accounts)
    findings += await sources.rooms.filled()
    findings += await _known(sources)
    findings += weak_passwords(sorted(sources.weak))
    findings += _foreign(sorted(sources.foreign))
    findings += await _peers(sources)
    findings += [refused(one) for one in ledger().refusals.values() if one.last > time.time() - DAY]
    newer = sources.update()
    if newer:
        text = f"version {newer} is available (installed: {__version__})"
        commands = ("moxlite checkupdate", "moxlite backup DIR")
        findings.append(Finding(grade="note", code="update", about=newer, text=text, commands=commands))
    return Running(
        version=__version__,
        findings=findings,
        queue=queue,
        last_backup=metrics.BACKUP_LAST_SUCCESS.value,
        update=newer,
        helpers=sources.helpers.states,
    )


async def _peers(sources: Sources) -> list[Finding]:
    """The servers from which domains move here."""
    moving = {name: domain.peer for name, domain in sources.config.current.domains.domains.items() if domain.peer}
    if not moving:
        return []
    now, before = await passed_on(sources.reports, DAYS), await passed_on(sources.reports, 400, DAYS)
    return [
        peer(name, hosts, now.get(name, 0), idle=name not in now and name in before) for name, hosts in moving.items()
    ]


def peer(domain: str, hosts: Sequence[str], messages: int, *, idle: bool) -> Finding:
    """The server from which a domain moves here. messages: passed on to it in the last 14 days. idle: there were some
    before these, and none in them.
    """
    text = f"{domain} still sends mail for unknown addresses to {', '.join(hosts)}"
    end = f"moxlite config domain peer rm {domain}"
    return Finding(
        grade="warning" if idle else "note",
        code="peer",
        about=domain,
        text=f"{text}, but there haven't been any messages for 14 days, so you can turn this off" if idle else text,
        detail="" if idle else f"Messages in the last 14 days: {messages}.",
        commands=(f"moxlite config domain peer show {domain}", end),
    )


async def _known(sources: Sources) -> list[Finding]:
    """The latest right own password of each account that came from a network which is still strange to it."""
    try:
        rows = await sources.attempts.withheld(time.time_ns() // 1000 - WEEK)
    except StoreError:
        return []
    findings: dict[str, Finding] = {}
    for row in rows:
        try:
            strange = not sources.knows(ip_address(row.remote_ip), row.account)
        except ValueError:  # a damaged row
            continue
        if strange:
            findings.setdefault(row.account, known_password(row.account, row.remote_ip, row.last))
    return list(findings.values())


def known_password(name: str, remote: str, last: int) -> Finding:
    """An account's own password came from a network in which it has never logged in; µs UTC."""
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(last / 1e6))
    return Finding(
        grade="warning",
        code="password-known",
        about=name,
        text=f"account {name}: someone entered the correct password from {remote}, a new network",
        detail=f"The login at {when} was rejected because mail clients need an app password. The user got an email.",
        commands=(f"ask the user; if it was someone else: moxlite account set-password {name}",),
    )


def nearly_full(name: str, used: int, limit: int) -> Finding:
    """An account that has used nearly all of its room, in octets."""
    return Finding(
        grade="warning",
        code="quota-reached",
        about=name,
        text=f"account {name} is almost full; new mail that exceeds the quota is deferred (452)",
        detail=f"Storage used: {used >> 20} of {limit >> 20} MiB.",
        commands=(f"moxlite config account set {name} quota SIZE",),
    )


def weak_passwords(accounts: Sequence[str]) -> list[Finding]:
    """Accounts with a weak password."""
    about = partial(Finding, grade="warning", code="password-weak")
    detail = "The password is common, or based on the address, name, or server, so attackers can guess it."
    what = "with a weak password"
    return _of_accounts(accounts, about, what, detail, "moxlite account set-password {}")


def _foreign(accounts: Sequence[str]) -> list[Finding]:
    about = partial(Finding, grade="note", code="password-foreign")
    detail = "Only the old server's password hash is known until then, so SCRAM and CRAM-MD5 aren't announced."
    what = "without a login since the migration"
    return _of_accounts(accounts, about, what, detail, "moxlite account recovery-link {} --days 7")


def _of_accounts(
    accounts: Sequence[str], about: Callable[..., Finding], what: str, detail: str, command: str
) -> list[Finding]:
    """One finding for all accounts of a kind, if there are any; `command` is for each, with its name at ``{}``."""
    if not accounts:
        return []
    shown = accounts[:MAX_SHOWN]
    text = f"{counted(len(accounts), 'account')} {what}: {', '.join(shown)}"
    commands = tuple(command.format(name) for name in shown)
    return [about(about=accounts[0], text=text, detail=detail, commands=commands)]


def refused(refusals: Refusals) -> Finding:
    """Requests for which there was no memory."""
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(refusals.last))
    return Finding(
        grade="warning",
        code="memory-short",
        about=refusals.owner or "server",
        text=f"{WORKS[refusals.kind]} rejected because of low memory: {refusals.owner or 'the server itself'}",
        detail=f"Rejected since the server started: {refusals.times}, most recently at {when}.",
    )


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
            raise CommandFailed("refused", "doctor isn't available with localserve")
        try:
            return await self._nightly.once()
        except OSError as error:
            raise CommandFailed("failed", f"can't save the results: {error.strerror or error}") from None
