"""Objects that the packages of a running server are given: databases, contexts, handlers; `server` starts the tasks."""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec
import trio

from moxlite import lazyimport
from moxlite.admin.doctor.helpers import Helpers
from moxlite.admin.factors import FactorChanges, KnownPasswords
from moxlite.admin.ownlistings import OwnListings
from moxlite.admin.storage.alarms import StorageFaults
from moxlite.admin.storage.settings import compression, full_disk, permitting, store_options
from moxlite.autotls.autotls import AutoTLS
from moxlite.autotls.challenges import Challenges
from moxlite.autotls.hostkeys import keys_in_use
from moxlite.autotls.reachability import Ports
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import Snapshot
from moxlite.config.static import Static
from moxlite.findings import Finding, fault
from moxlite.imapd.session.sessions import Sessions
from moxlite.lazyimport import Lazy
from moxlite.logins.logins import Logins
from moxlite.logins.secondfactor import SecondFactors
from moxlite.net.admission import Admission, Shutdown
from moxlite.net.control.server import Command
from moxlite.net.httpclient import HTTPClient, Pool, Roots
from moxlite.net.resolver import Resolver
from moxlite.net.tls.certificates import Trust
from moxlite.process.budget import Budget
from moxlite.process.errors import StartFailed
from moxlite.process.keys import ReceivedID
from moxlite.process.localserve import OwnZones
from moxlite.process.ports import TLSPorts, failure_limits, roots_of, trust_of
from moxlite.process.spools import Spools, spool_space
from moxlite.process.startup import Started, missing_addresses
from moxlite.process.watchdog import ClockTrust, ClockWatch, stolen
from moxlite.proto.srs import SRS
from moxlite.queue.context import Context as QueueContext, Loopback, local_addresses, now
from moxlite.queue.hosts.hosts import IPv6Source
from moxlite.queue.queue import Queue
from moxlite.queue.tls.policies import Policies, fetcher
from moxlite.sandbox.processes import Sandbox
from moxlite.smtpd.context import Senders
from moxlite.smtpd.pipe import LocalPipe
from moxlite.store.accounts.access import Forget, keep_published
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.changelog.origin import NEWS
from moxlite.store.content.body import prefer
from moxlite.store.delivery.perform import ARRIVED, TELL
from moxlite.store.delivery.submission import Submit
from moxlite.store.errors import SchemaTooNew, StorageBroken, StoreError
from moxlite.store.file.writer import commits
from moxlite.store.groupware.collection import SCHEDULE
from moxlite.store.imports.engine import Imports
from moxlite.store.mail.systemmailbox import UNQUEUE
from moxlite.store.mail.threads import has_unplaced, keep_threads
from moxlite.store.options import Options
from moxlite.store.reports.reportsdb import ReportsDB
from moxlite.store.upkeep.outbox import REFRESH, OutboxHandler, loaded
from moxlite.store.upkeep.reparse import is_outdated, keep_parsed
from moxlite.submission.carrying import register_carriers
from moxlite.supervision import FailurePolicy, Supervisor
from moxlite.web.health import Measure
from moxlite.web.notices.service import Notices, ProgramNotices, ProgramNotifier

if TYPE_CHECKING:
    from moxlite.admin.backup.backups import BackupCommands
    from moxlite.admin.delivery.forwarding import Forwarding
    from moxlite.admin.standby.holding import HoldingTask
    from moxlite.admin.standby.waiting import TargetWaiter
    from moxlite.groupware.arriving import InvitationReceiver
    from moxlite.groupware.carrying import ScheduleSender
    from moxlite.groupware.copying import CalendarCopies
    from moxlite.groupware.subscribing import Refresher, Subscriptions
    from moxlite.migration.background import BackgroundImports
    from moxlite.migration.copies import Copies
    from moxlite.migration.links import Links
    from moxlite.store.changelog.account import Account
    from moxlite.store.imports.items import Problems
    from moxlite.store.mail.links import Relay

logger = logging.getLogger("moxlite.server")


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """Files of the data directory that are open, and the ways of mail into them. The queue's own is opened later, by
    `open_queue`.
    """

    accounts: Accounts
    auth: AuthDB
    reports: ReportsDB
    imports: Imports
    spools: Spools
    faults: StorageFaults
    waiting: "TargetWaiter | None"
    """Waits for the second machine in mode sync, and refuses once it has taken over."""
    lease: "HoldingTask | None"
    """Holds the lease, where a second machine takes over by itself."""

    def findings(self) -> list[Finding]:
        """Files of the server that cannot be used."""
        broken = {"auth.db": self.auth.broken, "reports.db": self.reports.broken}
        if self.waiting is not None:
            broken["standby.target"] = self.waiting.replaced
        return [fault(name, f"{name}: {why}") for name, why in broken.items() if why]


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """Ways from and to other machines: names, certificates, seats of connections."""

    resolver: Resolver
    roots: Roots
    trust: Trust
    """Authorities that vouch for other servers; none in localserve, which talks to no other."""
    tls: TLSPorts
    challenges: Challenges
    autotls: tuple[AutoTLS, ...]
    admission: Admission
    listings: OwnListings
    backends: Pool
    """Connections to the web servers behind this one, which the administrator names."""

    def https_client(self, *, allow_internal: bool, purpose: str = "") -> HTTPClient:
        """A client of other web servers."""
        return HTTPClient(self.resolver, allow_internal=allow_internal, roots=self.roots, purpose=purpose)

    def findings(self) -> list[Finding]:
        """Certificates by ACME that can't be had."""
        return [finding for auto_tls in self.autotls for finding in auto_tls.findings()]

    async def read_certificates(self) -> list[str]:
        """Read the certificates of files again, and look after those by ACME now. Returns the ones that cannot be used,
        one line each.
        """
        for auto_tls in self.autotls:
            auto_tls.look()
        return await self.tls.reload()


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """Services that several protocols share."""

    logins: Logins
    known_passwords: KnownPasswords
    received_id: ReceivedID
    notices: Notices
    programs: ProgramNotices
    imap_sessions: Sessions = msgspec.field(default_factory=Sessions)
    senders: Senders = msgspec.field(default_factory=Senders)
    sandbox: Sandbox = msgspec.field(default_factory=Sandbox)
    clock: ClockWatch = msgspec.field(default_factory=ClockWatch)

    def end_sessions(self, account: str, text: str, *, app_password: str = "", key: str = "") -> None:
        """End mail sessions: of an app password, of a TLS key, or all, with notices to devices (IMAP-23, SMTP-62a)."""
        self.imap_sessions.end_account(account, text, app_password=app_password, key=key)
        self.senders.end_account(account, text, app_password=app_password, key=key)
        if not (app_password or key):
            self.notices.end(account)
        if not key:  # mail sessions alone begin with one
            self.programs.end(account, app_password)


class Registry:
    """The commands of the control socket, made when the first one is asked for."""

    def __init__(self) -> None:
        self._lazy: Lazy[Mapping[str, Command]] | None = None

    def provide(self, make: Callable[[], Mapping[str, Command]]) -> None:
        """Say how they are made; it may block."""
        self._lazy = Lazy(make)

    async def get(self) -> Mapping[str, Command]:
        """All commands by name; none before `provide`."""
        return {} if self._lazy is None else await self._lazy.get()


class Components(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Objects that the packages are given.

    `faults` are found once, `measures` set gauges when they are read, `notes` give lines for ``/readyz`` that are no
    problems of this server, ports wait for `before_serving`, `forgetters` take a removed account out of all else.
    """

    started: Started
    local: bool
    tree: Supervisor
    files: Files
    network: Network
    services: Services
    helpers: Helpers = msgspec.field(default_factory=Helpers)
    shutdown: Shutdown = msgspec.field(default_factory=Shutdown)
    faults: list[Finding] = msgspec.field(default_factory=list)
    measures: list[Measure] = msgspec.field(default_factory=list)
    notes: list[Callable[[], str]] = msgspec.field(default_factory=list)
    before_serving: list[Callable[[], Awaitable[None]]] = msgspec.field(default_factory=list)
    forgetters: list[Forget] = msgspec.field(default_factory=list)
    registry: Registry = msgspec.field(default_factory=Registry)

    @property
    def config(self) -> ConfigHolder:
        """Access to the configuration in use."""
        return self.started.holder

    @property
    def static(self) -> Static:
        """The settings of moxlite.toml, which stay while the server runs."""
        return self.config.current.static

    async def problems(self) -> list[str]:
        """Faults that keep the server from being well, one line each: for /readyz and ``moxlite healthcheck``."""
        return [finding.text for finding in await self.findings() if finding.grade == "error"]

    async def findings(self) -> list[Finding]:
        """Faults of the server. A file system that hangs is left to its thread."""
        disk = await trio.to_thread.run_sync(full_disk, self.static, abandon_on_cancel=True)
        of_files = self.faults + missing_addresses(self.static) + await self.config.findings() + self.files.findings()
        of_tasks = self.helpers.findings() + self.tree.findings() + self.network.findings()
        return of_files + disk + of_tasks + commits.findings() + stolen.findings()

    async def measure(self) -> None:
        """Set the gauges that are counted when they are read."""
        for one in self.measures:
            await one()

    @cached_property
    def srs(self) -> SRS:
        """Sender addresses of forwarded mail, by a key of their own that the install key gives."""
        return SRS([hashlib.sha256(b"srs " + self.started.install_key).digest()])

    def forwarding(self, submit: Submit | None) -> "Forwarding":
        """Forwarding of accounts; `submit` is that of the queue, None without one."""
        from moxlite.admin.delivery.forwarding import Forwarding

        return Forwarding(config=self.config, accounts=self.files.accounts, keys=self.started.keys, submit=submit)

    @cached_property
    def copies(self) -> "Copies":
        """Imports and exports by IMAP."""
        from moxlite.migration.copies import Copies

        outside = _resolver(self.static) if self.local else self.network.resolver
        return Copies(
            config=self.config,
            accounts=self.files.accounts,
            resolvers={"import": outside, "export": self.network.resolver},
            trust=trust_of(self.static) if self.local else self.network.trust,
        )

    @cached_property
    def subscriptions(self) -> "Subscriptions":
        """Calendars that are read from addresses."""
        from moxlite.groupware.subscribing import Subscriptions

        client = self.network.https_client(allow_internal=self.static.allow_private_webhooks, purpose="calendars")
        return Subscriptions(self.services.sandbox, client)

    @cached_property
    def calendar_copies(self) -> "CalendarCopies":
        """Copies of calendars and contacts from other servers."""
        from moxlite.groupware.copying import CalendarCopies

        client = self.network.https_client(allow_internal=self.static.allow_private_webhooks, purpose="calendars")
        start = partial(self.tree.start, "groupware.copy", on_failure=FailurePolicy.ONCE)
        accounts, resolver = self.files.accounts, self.network.resolver
        return CalendarCopies(self.config, accounts, client, resolver, start, self.copies.logins)

    def end_copies(self, old: Snapshot, new: Snapshot) -> None:
        """End copies from and to other servers of accounts that are being removed."""
        for name in vars(self).keys() & {"copies", "calendar_copies"}:
            getattr(self, name).reconfigured(old, new)

    @cached_property
    def links(self) -> "Links":
        """Mailboxes of users at other providers."""
        from moxlite.migration.links import Links

        return Links(self.copies, self.tree, self.network.roots)

    @cached_property
    def background_imports(self) -> "BackgroundImports":
        """Imports by IMAP that users start."""
        from moxlite.migration.background import BackgroundImports

        imports = BackgroundImports(self.copies, self.tree)
        self.forgetters.append(imports.remove)
        return imports

    @cached_property
    def backups(self) -> "BackupCommands":
        """Makes backups, for the command line, the schedule and the admin app."""
        from moxlite.admin.backup.backups import BackupCommands

        return BackupCommands(config=self.config, accounts=self.files.accounts, read=self.started.read)

    @cached_property
    def factor_changes(self) -> FactorChanges:
        """Changes of second factors, by the command line and the web apps."""
        return FactorChanges(
            config=self.config,
            accounts=self.files.accounts,
            auth=self.files.auth,
            logins=self.services.logins,
            end_sessions=self.services.end_sessions,
        )


async def open_house(
    started: Started, databases: AsyncExitStack, tree: Supervisor, budget: Budget, *, local: bool
) -> Components:
    """Open and migrate the databases; they are closed by `databases`, after the tasks of `tree` have ended.

    Args:
      budget: of descriptors.

    Raises StartFailed.
    """
    static = started.holder.current.static
    lease = await _take_lease(started)  # before a file is opened: the other machine may still serve these accounts
    files = await _open_files(started, databases, tree, budget, lease)
    known_passwords = KnownPasswords(started.holder, files.accounts)
    logins = Logins(
        config=started.holder,
        accounts=files.accounts,
        auth=files.auth,
        failures=failure_limits(static.rate_limits),
        secret=started.install_key,
        known=known_passwords.given,
    )
    await logins.attempts.remember_places()
    await SecondFactors(logins, files.auth, files.accounts).mark_all()
    await files.auth.foreign.load()
    network = await _make_network(started, budget, local=local)
    client = network.https_client(allow_internal=static.allow_private_webhooks, purpose="web push")
    subject = f"mailto:postmaster@{static.hostname.ascii}"
    notices = Notices(files.accounts, files.auth, client, secret=started.install_key, subject=subject)

    def make_teller() -> ProgramNotifier:
        from moxlite.web.jmap.subscriptions import SubscriptionNotifier
        from moxlite.web.notices.requests import PushService

        service = PushService(client, started.install_key, subject)
        return SubscriptionNotifier(service, started.holder, files.accounts, files.auth)

    programs = ProgramNotices(files.accounts, files.auth, make_teller)
    files.accounts.register_task("web.notices", notices.watch, notices.concerned)
    files.accounts.register_task("web.programs", programs.watch, programs.concerned)
    components = Components(
        started=started,
        local=local,
        tree=tree,
        files=files,
        network=network,
        services=Services(
            logins=logins,
            known_passwords=known_passwords,
            received_id=ReceivedID(started.install_key),
            notices=notices,
            programs=programs,
        ),
        forgetters=[files.reports.forget, known_passwords.forget, logins.attempts.counts.forget],
        faults=[*started.faults],
    )
    if lease is not None:
        components.notes.append(lease.note)
        components.services.clock.on_set(lease.clock_set)
        tree.start("admin.lease", partial(lease.serve, components.shutdown.set))
    return components


async def _take_lease(started: Started) -> "HoldingTask | None":
    """Take the lease; None where the configuration has none. Raises StartFailed."""
    static = started.holder.current.static
    if static.standby.target is None or not static.standby.lease:
        return None
    from moxlite.admin.standby.holding import HoldingTask

    lease = HoldingTask(static.standby, static.data_dir, started.read)
    await lease.begin()
    return lease


async def _open_files(
    started: Started, databases: AsyncExitStack, tree: Supervisor, budget: Budget, lease: "HoldingTask | None"
) -> Files:
    config, static, faults = started.holder, started.holder.current.static, StorageFaults()
    (waiting, replicated), trust = _standby(static), ClockTrust(static.data_dir / "clock.json")
    tree.start("process.clocktrust", trust.serve)
    conditions = [lease.holding] if lease is not None else []
    permitted = permitting([*conditions, waiting.before] if waiting is not None else conditions)
    options = store_options(
        config, degraded=faults.note, copied=waiting, replicated=replicated, permitted=permitted, steady=trust
    )
    prefer(compression(config.current))
    accounts = Accounts(static.data_dir, options, max_open=budget.accounts)
    auth = await _open_auth(static.data_dir / "auth.db", options, create=started.first)
    databases.push_async_callback(auth.aclose)
    reports = await ReportsDB.open(static.data_dir / "reports.db", options)
    databases.push_async_callback(reports.aclose)
    databases.push_async_callback(accounts.aclose)
    accounts.register_task("store.parser", keep_parsed, lambda _, r: is_outdated(r))
    accounts.register_task("store.threads", keep_threads, lambda _, r: has_unplaced(r))
    keep_published(accounts, auth)
    accounts.register_outbox(NEWS, loaded(partial(_owner_news, config, accounts, auth)))
    accounts.register_task("store.masked", auth.masked.compare, auth.masked.due)
    space = spool_space(static, budget.spools)
    return Files(
        accounts=accounts,
        auth=auth,
        reports=reports,
        imports=Imports(accounts, static.data_dir / "tmp", tree, space=space, add_beside=partial(_add_beside, config)),
        spools=Spools(space, exempt=static.rate_limits.exempt),
        faults=faults,
        waiting=waiting,
        lease=lease,
    )


def _owner_news(config: ConfigHolder, accounts: Accounts, auth: AuthDB) -> OutboxHandler:
    from moxlite.admin.waycommands import OwnerNews

    return OwnerNews(config, accounts, auth)


async def _add_beside(config: ConfigHolder, account: "Account", file: BinaryIO) -> "Problems":
    await lazyimport.load("moxlite.groupware.files")
    from moxlite.groupware.files import add_beside

    return await add_beside(config, account, file)


def _standby(static: Static) -> tuple["TargetWaiter | None", Callable[[Path], bool]]:
    """The conditions of a second machine, and `Options.replicated`."""
    if static.standby.target is None:
        return None, lambda _: False
    from moxlite.admin.standby.layout import is_copied
    from moxlite.admin.standby.waiting import TargetWaiter

    waits, refuse = static.standby.mode == "sync", static.standby.target_away == "refuse"
    return TargetWaiter(static.data_dir, waits=waits, refuse=refuse), partial(is_copied, static.data_dir)


async def _make_network(started: Started, budget: Budget, *, local: bool) -> Network:
    config, static = started.holder, started.holder.current.static
    resolver = OwnZones(config, started.keys) if local else _resolver(static)
    host_keys = await trio.to_thread.run_sync(keys_in_use, config.current, started.acme_keys.hosts)
    tls = TLSPorts(static, started.certificates, host_keys, read=started.read)
    challenges = Challenges()
    autotls = tuple(_autotls(name, started, resolver, tls, challenges) for name in static.acme)
    for auto_tls in autotls:
        await trio.to_thread.run_sync(auto_tls.load)
    return Network(
        resolver=resolver,
        roots=(roots := roots_of(static)),
        trust=Trust(system=False) if local else trust_of(static),
        tls=tls,
        challenges=challenges,
        autotls=autotls,
        admission=Admission(budget.seats, highest=budget.highest, exempt=static.rate_limits.exempt),
        listings=OwnListings(config, resolver),
        backends=Pool(HTTPClient(resolver, allow_internal=True, hosts_file=True, roots=roots)),
    )


def _autotls(name: str, started: Started, resolver: Resolver, tls: TLSPorts, challenges: Challenges) -> AutoTLS:
    return AutoTLS(
        name,
        config=started.holder,
        folder=started.holder.current.static.data_dir / "acme",
        keys=tls.host_keys(name),
        eab_key=started.acme_keys.bindings.get(name, ""),
        resolver=resolver,
        challenges=challenges,
        ports=Ports(partial(tls.put, name), partial(tls.for_challenges, name), tls.places(name)),
    )


async def _open_auth(path: Path, options: Options, *, create: bool) -> AuthDB:
    """auth.db, out of service if its file can't be used (STORE-158e). Raises StartFailed: a newer program wrote it."""
    try:
        return await AuthDB.open(path, options, create=create)
    except SchemaTooNew as error:
        raise StartFailed(str(error)) from None
    except StoreError as error:
        logger.error("auth.db unavailable", extra={"kv": {"path": path, "err": str(error)}})
        return AuthDB(error)


def _resolver(static: Static) -> Resolver:
    from moxlite.net.dns.client import DNSResolver  # 40 ms and 2 MB that localserve does without

    return DNSResolver(static.dns.servers, trust_ad=static.dns.trust_ad)


async def open_queue(components: Components, pipe: LocalPipe, databases: AsyncExitStack) -> Queue | None:
    """The queue, closed by `databases`; None while its file cannot be used: the server goes on without (QUEUE-158)."""
    path = components.static.data_dir / "queue.db"
    addresses = local_addresses(components.static)
    policies = await databases.enter_async_context(
        Policies.open(
            None if components.local else components.static.data_dir / "cache.db",
            components.network.resolver,
            fetcher(components.network.https_client(allow_internal=components.static.allow_private_mx)),  # AUTH-106
            now,
            components.files.accounts.options,
        )
    )
    context = QueueContext(
        config=components.config,
        accounts=components.files.accounts,
        resolver=components.network.resolver,
        web=components.network.https_client(allow_internal=components.static.allow_private_webhooks, purpose="webhook"),
        policies=policies,
        ipv6=IPv6Source(None if components.local else components.network.resolver, addresses.ipv6),
        connect_local=pipe.connect,
        tmp=components.files.spools.directory,
        trust=components.network.trust,
        srs=components.srs,
        local_addresses=addresses,
        dial=components.network.listings.dial,
        keys=components.started.keys,
        reports=components.files.reports,
        loopback=Loopback(pipe.endpoint.ip, pipe.endpoint.port) if components.local else None,
        relay_of_link=partial(_relay_of_link, components),
    )
    try:
        queue = await databases.enter_async_context(
            Queue.open(path, context, components.files.accounts.options, create=components.started.first)
        )
    except StoreError as error:
        logger.error("queue unavailable, not sending mail", extra={"kv": {"path": path, "err": str(error)}})
        components.faults.append(fault(str(path), f"{path}: {error}"))
        components.forgetters.append(_cannot_forget)
        return None
    components.forgetters.append(queue.operations.forget)
    accounts, spools = components.files.accounts, components.files.spools.directory
    accounts.register_outbox(UNQUEUE, queue.mirror.unqueue)
    accounts.register_outbox(TELL, queue.webhooks.incoming.carry)
    register_carriers(accounts, components.config, queue.submit, spools)
    accounts.register_outbox(SCHEDULE, loaded(partial(_scheduling, components)))
    accounts.register_outbox(ARRIVED, loaded(partial(_arriving, components)))
    accounts.register_outbox(REFRESH, loaded(partial(_refreshing, components)))
    accounts.register_task("queue.attend", queue.mirror.attend, queue.mirror.concerned)
    components.services.clock.on_set(queue.clock_set)
    components.measures.append(queue.measure)
    return queue


async def _cannot_forget(account: str) -> None:
    reason = "the queue isn't running; see the server log"
    raise StorageBroken(f"couldn't remove account {account} from queue.db because {reason}")


async def _relay_of_link(components: Components, account: str, transport: str) -> "Relay":
    """The submission server of a linked mailbox. Raises as `LinkRelays`."""
    await lazyimport.load("moxlite.migration.links")
    return await components.links.relays.find(account, transport)


def _scheduling(components: Components) -> "ScheduleSender":
    """Hands over messages about events."""
    from moxlite.groupware.carrying import ScheduleSender

    files = components.files
    return ScheduleSender(
        config=components.config,
        accounts=files.accounts,
        masked=files.auth.masked,
        keys=components.started.keys,
        told=components.services.notices.ring,
        tmp=files.spools.directory,
    )


def _arriving(components: Components) -> "InvitationReceiver":
    """Looks at calendars in mail that came."""
    from moxlite.groupware.arriving import InvitationReceiver

    return InvitationReceiver(config=components.config, sandbox=components.services.sandbox)


def _refreshing(components: Components) -> "Refresher":
    """Reads subscribed calendars."""
    from moxlite.groupware.subscribing import Refresher

    start = partial(components.tree.start, "groupware.refresh", on_failure=FailurePolicy.ONCE)
    return Refresher(components.files.accounts, components.subscriptions, start)
