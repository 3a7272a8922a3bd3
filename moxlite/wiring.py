"""Objects that the packages of a running server are given: open databases, contexts, handlers of ports.

`server` starts the tasks; here none is started.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
import trio

from moxlite.acceptance.bounces import AskSent
from moxlite.acceptance.carrying import carrier
from moxlite.admin.commands import AdminCommands
from moxlite.admin.factors.changes import FactorChanges
from moxlite.admin.ownlistings import OwnListings
from moxlite.admin.storage.alarms import StorageFaults
from moxlite.admin.storage.settings import compression, short_of_space, store_options
from moxlite.autotls.autotls import AutoTLS, Ports
from moxlite.autotls.challenges import Challenges
from moxlite.config.holder import ConfigHolder
from moxlite.config.static import Static
from moxlite.imapd.connection import serve_connection as serve_imap
from moxlite.imapd.session.context import Context as IMAPContext
from moxlite.imapd.session.sessions import Sessions
from moxlite.logins.logins import Logins
from moxlite.logins.secondfactor import SecondFactors
from moxlite.net.admission import Admission, Gate
from moxlite.net.connections import ConnectionInfo
from moxlite.net.control.server import Command
from moxlite.net.dial import CONNECT_SECONDS, Dialed, LocalAddresses, dial
from moxlite.net.httpclient import HTTPClient, Roots
from moxlite.net.limits import IPAddress
from moxlite.net.listeners import Handler
from moxlite.net.resolver import Resolver
from moxlite.net.tls.certificates import Trust
from moxlite.process.clockset import ClockWatch
from moxlite.process.descriptors import Budget
from moxlite.process.keys.receivedid import ReceivedID
from moxlite.process.localserve import ACCOUNT
from moxlite.process.ownzones import OwnZones
from moxlite.process.ports import TLSPorts, connection_gate, failure_limits, roots_of, trust_of
from moxlite.process.spools import Spools, spool_space
from moxlite.process.startup import Endpoint, Service, Started, StartFailed
from moxlite.queue.context import Context as QueueContext
from moxlite.queue.context import Loopback, now
from moxlite.queue.hosts.source import IPv6Source
from moxlite.queue.queue import Queue
from moxlite.queue.tls.fetching import fetcher
from moxlite.queue.tls.policies import Policies
from moxlite.sandbox.processes import Sandbox
from moxlite.smtpd.connection import serve_connection as serve_smtp
from moxlite.smtpd.context import Context as SMTPContext
from moxlite.smtpd.localpipe import LocalPipe
from moxlite.smtpd.senders import Senders
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.shares import sharing_task
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.content.chunks import prefer
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.deferred import Defer
from moxlite.store.delivery.owed import SUBMIT
from moxlite.store.delivery.submission import Submission, Submit
from moxlite.store.delivery.tell import TELL
from moxlite.store.errors import SchemaTooNew, StorageBroken, StoreError
from moxlite.store.imports.engine import Imports
from moxlite.store.mail.systemmailbox import UNQUEUE
from moxlite.store.mail.threads import keep_threads
from moxlite.store.options import Options
from moxlite.store.reports.reportsdb import ReportsDB
from moxlite.store.upkeep.reparse import keep_parsed
from moxlite.submission.assurance import not_asked
from moxlite.supervision import Supervisor
from moxlite.web.context import make_context
from moxlite.web.health import Measure
from moxlite.web.serve import serve_connection as serve_http

if TYPE_CHECKING:
    from moxlite.web.admin.app import AdminApp

__all__ = ["House", "handlers", "imap_context", "open_house", "open_queue", "trust"]

logger = logging.getLogger("moxlite.server")


@dataclass(frozen=True, kw_only=True)
class House:
    """Objects that the packages are given."""

    started: Started
    local: bool
    tree: Supervisor
    config: ConfigHolder
    static: Static
    accounts: Accounts
    auth: AuthDB
    reports: ReportsDB
    logins: Logins
    tls: TLSPorts
    roots: Roots
    received_id: ReceivedID
    resolver: Resolver
    imports: Imports
    storage_faults: StorageFaults
    admission: Admission
    spools: Spools
    challenges: Challenges
    autotls: tuple[AutoTLS, ...]
    listings: OwnListings
    shutdown: trio.Event = field(default_factory=trio.Event)
    imap_sessions: Sessions = field(default_factory=Sessions)
    senders: Senders = field(default_factory=Senders)
    sandbox: Sandbox = field(default_factory=Sandbox)
    clock: ClockWatch = field(default_factory=ClockWatch)
    faults: list[str] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    registry: dict[str, Command] = field(default_factory=dict)

    @property
    def spool_directory(self) -> Path:
        """Where long messages lie while they come in."""
        return self.spools.directory

    async def problems(self) -> list[str]:
        """Faults that keep the server from being well, one line each: for /readyz and ``moxlite healthcheck``."""
        return self.own_faults() + await self.disk_faults() + self.tree.problems() + self.orders()

    async def disk_faults(self) -> list[str]:
        """Why the disk with the data takes no mail; a file system that hangs is left to its thread."""
        static = self.config.current.static
        try:
            short = await trio.to_thread.run_sync(short_of_space, static, abandon_on_cancel=True)
        except OSError as error:
            return [f"{static.data_dir}: {error.strerror or error}"]
        return [f"{static.data_dir}: {short}"] if short else []

    def own_faults(self) -> list[str]:
        """Findings that concern neither tasks nor certificates."""
        found = self.faults + [f"domains.toml is invalid: {problem}" for problem in self.config.problems[:1]]
        if self.auth.broken:
            found.append(f"auth.db: {self.auth.broken}")
        if self.reports.broken:
            found.append(f"reports.db: {self.reports.broken}")
        return found

    def orders(self) -> list[str]:
        """Faults of certificates by ACME, one line each."""
        return [line for one in self.autotls for line in one.problems()]

    async def measure(self) -> None:
        """Set the gauges that are counted when they are read."""
        for one in self.measures:
            await one()

    async def read_certificates(self) -> list[str]:
        """Read the certificates of files again, and look after those by ACME now. Returns what cannot be used, one line
        each.
        """
        for one in self.autotls:
            one.look()
        return await self.tls.reload()

    def commands(self) -> AdminCommands:
        """The commands of the control socket."""
        return AdminCommands(
            config=self.config,
            accounts=self.accounts,
            auth=self.auth,
            logins=self.logins,
            stop=self.shutdown.set,
            read_certificates=self.read_certificates,
            problems=self.problems,
            end_sessions=self.end_sessions,
            factors=self.factor_changes,
        )

    @cached_property
    def factor_changes(self) -> FactorChanges:
        """Changes of second factors, by the command line and the web apps."""
        return FactorChanges(
            config=self.current,
            accounts=self.accounts,
            auth=self.auth,
            logins=self.logins,
            end_sessions=self.end_sessions,
        )

    def end_sessions(self, account: str, text: str, *, app_password: str = "") -> None:
        """End the IMAP and submission sessions of an account or of one app password (IMAP-23, SMTP-62a)."""
        self.imap_sessions.end_account(account, text, app_password=app_password)
        self.senders.end_account(account, text, app_password=app_password)


async def open_house(
    started: Started, databases: AsyncExitStack, tree: Supervisor, budget: Budget, *, local: bool
) -> House:
    """Open and migrate the databases; they are closed by `databases`, after the tasks of `tree` have ended.

    Args:
      budget: of descriptors.

    Raises StartFailed.
    """
    config = started.holder
    static = config.current.static
    faults = StorageFaults()
    options = store_options(config, degraded=faults.note)
    prefer(compression(config.current))
    accounts = Accounts(static.data_dir, options, max_open=budget.accounts)
    auth = await _open_auth(static.data_dir / "auth.db", options, create=started.first)
    databases.push_async_callback(auth.aclose)
    reports = await ReportsDB.open(static.data_dir / "reports.db", options)
    databases.push_async_callback(reports.aclose)
    databases.push_async_callback(accounts.aclose)
    accounts.register_task("store.parser", keep_parsed)
    accounts.register_task("store.threads", keep_threads)
    accounts.register_task("store.sharing", sharing_task(auth))
    logins = Logins(
        config=config,
        accounts=accounts,
        auth=auth,
        failures=failure_limits(static.rate_limits),
        secret=started.install_key,
    )
    await logins.remember_places()
    await SecondFactors(logins, auth, accounts).mark_all()
    space = spool_space(static, budget.spools)
    resolver = OwnZones(config, started.keys) if local else _resolver(static)
    read = started.parent.read if started.parent is not None else Path.read_bytes
    tls = TLSPorts(static, started.certificates, started.acme_keys.hosts, read=read)
    challenges = Challenges()
    autotls = tuple(_autotls(name, started, resolver, tls, challenges) for name in static.acme)
    for one in autotls:
        await trio.to_thread.run_sync(one.load)
        config.on_change(one.reconfigured)
    listings = OwnListings(config, resolver)
    config.on_change(listings.reconfigured)
    return House(
        started=started,
        local=local,
        tree=tree,
        config=config,
        static=static,
        accounts=accounts,
        auth=auth,
        reports=reports,
        logins=logins,
        tls=tls,
        roots=roots_of(static),
        challenges=challenges,
        autotls=autotls,
        listings=listings,
        received_id=ReceivedID(started.install_key),
        resolver=resolver,
        imports=Imports(accounts, static.data_dir / "tmp", tree, space=space),
        storage_faults=faults,
        faults=list(started.problems),
        spools=Spools(space, exempt=static.rate_limits.exempt),
        admission=Admission(budget.seats, highest=budget.highest, exempt=static.rate_limits.exempt),
    )


def _autotls(name: str, started: Started, resolver: Resolver, tls: TLSPorts, challenges: Challenges) -> AutoTLS:
    config = started.holder
    return AutoTLS(
        name,
        config=config,
        folder=config.current.static.data_dir / "acme",
        keys=tls.host_keys(started.acme_keys.hosts, name),
        eab_key=started.acme_keys.bindings.get(name, ""),
        resolver=resolver,
        challenges=challenges,
        ports=Ports(partial(tls.put, name), partial(tls.for_challenges, name), tls.places(name)),
    )


async def _open_auth(path: Path, options: Options, *, create: bool) -> AuthDB:
    """auth.db; one that is out of service when its file cannot be used, and the server goes on without (STORE-158e).

    Raises StartFailed: a newer program wrote it.
    """
    try:
        return await AuthDB.open(path, options, create=create)
    except SchemaTooNew as error:
        raise StartFailed(str(error)) from None
    except StoreError as error:
        logger.error("auth.db cannot be used", extra={"kv": {"path": path, "err": str(error)}})
        return AuthDB(error)


def _resolver(static: Static) -> Resolver:
    from moxlite.net.dns.client import DNSResolver  # 40 ms and 2 MB that localserve does without

    return DNSResolver(static.dns.servers, trust_ad=static.dns.trust_ad)


class Served(msgspec.Struct, frozen=True):
    """Protocol of a port, and the handler of its connections."""

    handler: Handler
    gate: Gate


def handlers(house: House, queue: Queue | None) -> Mapping[Service, Callable[[Endpoint], Served]]:
    """For each service, what serves one of its ports; the server goes on without a queue."""
    smtp = _smtp(
        house,
        queue.submit if queue else refuse_submission,
        queue.defer if queue else None,
        queue.was_sent if queue else None,
    )
    imap, web = _imap(house), _web(house, queue)

    def https(endpoint: Endpoint) -> Served:
        """Mail programs may use the https port as well, and say so by ALPN (WEB-27)."""
        by_alpn = {
            "imap": imap(endpoint).handler,
            "smtp": smtp(msgspec.structs.replace(endpoint, service="submissions")).handler,
        }
        otherwise = web(endpoint)

        async def handle(stream: trio.abc.Stream, info: ConnectionInfo) -> None:
            alpn = info.tls.alpn if info.tls is not None else None
            await by_alpn.get(alpn or "", otherwise.handler)(stream, info)

        return Served(handle, otherwise.gate)

    return {
        "smtp": smtp,
        "submission": smtp,
        "submissions": smtp,
        "imap": imap,
        "imaps": imap,
        "http": web,
        "https": https,
    }


def _smtp(house: House, submit: Submit, defer: Defer | None, sent: AskSent | None) -> Callable[[Endpoint], Served]:
    gate = connection_gate(house.static.rate_limits)

    def handler(endpoint: Endpoint) -> Served:
        assert endpoint.service in ("smtp", "submission", "submissions")
        context = SMTPContext(
            service=endpoint.service,
            accounts=house.accounts,
            config=house.config,
            logins=house.logins,
            submit=submit,
            keys=house.started.keys,
            defer=defer,
            sent=sent,
            senders=house.senders,
            gate=gate,
            received_id=house.received_id,
            spools=house.spools,
            resolver=house.resolver,
            reports=None if house.local else house.reports,
            starttls=None if endpoint.tls else house.tls.of(endpoint.listener, endpoint.service),
            default_account=ACCOUNT if house.local else "",
        )
        return Served(partial(serve_smtp, context=context), gate)

    return handler


def trust(house: House) -> Trust:
    """The authorities that vouch for other servers; localserve talks to none."""
    return Trust(system=False) if house.local else trust_of(house.static)


def https_client(house: House, *, allow_internal: bool, purpose: str = "") -> HTTPClient:
    """Asks web servers of others."""
    return HTTPClient(house.resolver, allow_internal=allow_internal, roots=house.roots, purpose=purpose)


async def open_queue(house: House, pipe: LocalPipe, databases: AsyncExitStack) -> Queue | None:
    """The queue, closed by `databases`; None when its file cannot be used, and the server goes on without
    (QUEUE-158).
    """
    path = house.static.data_dir / "queue.db"
    local_addresses = _local_addresses(house.static)
    policies = await databases.enter_async_context(
        Policies.open(
            None if house.local else house.static.data_dir / "cache.db",
            house.resolver,
            fetcher(https_client(house, allow_internal=house.static.allow_private_mx)),  # AUTH-106
            now,
            house.accounts.options,
        )
    )
    context = QueueContext(
        config=house.config,
        accounts=house.accounts,
        resolver=house.resolver,
        web=https_client(house, allow_internal=house.static.allow_private_webhooks, purpose="webhook"),
        policies=policies,
        ipv6=IPv6Source(None if house.local else house.resolver, local_addresses.ipv6),
        connect_local=pipe.connect,
        tmp=house.spool_directory,
        trust=trust(house),
        local_addresses=local_addresses,
        dial=partial(_dial, house.listings),
        keys=house.started.keys,
        reports=house.reports,
        loopback=Loopback(pipe.endpoint.ip, pipe.endpoint.port) if house.local else None,
    )
    try:
        queue = await databases.enter_async_context(
            Queue.open(path, context, house.accounts.options, create=house.started.first)
        )
    except StoreError as error:
        logger.error("the queue cannot be used, no mail is sent", extra={"kv": {"path": path, "err": str(error)}})
        house.faults.append(f"{path}: {error}")
        return None
    house.accounts.register_outbox(UNQUEUE, queue.mirror.unqueue)
    house.accounts.register_outbox(TELL, queue.webhooks.incoming.carry)
    house.accounts.register_outbox(SUBMIT, carrier(queue.submit, house.spool_directory))
    house.accounts.register_task("queue.attend", queue.mirror.attend)
    house.config.on_change(queue.mirror.reconfigured)
    house.clock.on_set(queue.clock_set)
    house.measures.append(queue.measure)
    return queue


async def _dial(
    listings: OwnListings,
    addresses: Sequence[IPAddress],
    port: int,
    *,
    inside: bool,
    local: LocalAddresses | None = None,
    seconds: float = CONNECT_SECONDS,
) -> Dialed:
    """Connect to another mail server; block lists are asked about us once there were many. Raises DialError."""
    dialed = await dial(addresses, port, inside=inside, local=local, seconds=seconds)
    listings.connected()
    return dialed


async def refuse_submission(submission: Submission, spool: Spool) -> list[int]:
    """In place of the queue's own function while there is no queue."""
    raise StorageBroken("the queue cannot be used, see the server's log")


def _local_addresses(static: Static) -> LocalAddresses:
    """From where mail goes out: the first address of each family that a listener with SMTP names explicitly
    (admin.md, `ips`).
    """
    ips = [
        ip
        for listener in static.listeners.values()
        if listener.smtp.enabled
        for ip in listener.ips
        if not (ip.is_unspecified or ip.is_loopback)
    ]
    return LocalAddresses(
        next((ip for ip in ips if ip.version == 4), None),
        next((ip for ip in ips if ip.version == 6), None),
    )


def imap_context(house: House) -> IMAPContext:
    """Context that all IMAP sessions share; listeners differ in the rest."""
    return IMAPContext(
        accounts=house.accounts,
        auth=house.auth,
        logins=house.logins,
        config=house.config,
        sessions=house.imap_sessions,
        gate=connection_gate(house.static.rate_limits),
        spools=house.spools,
    )


def _imap(house: House) -> Callable[[Endpoint], Served]:
    common = imap_context(house)

    def handler(endpoint: Endpoint) -> Served:
        services: dict[Service, Literal["imap", "imaps", "imaphttps"]] = {"imap": "imap", "https": "imaphttps"}
        context = msgspec.structs.replace(
            common,
            service=services.get(endpoint.service, "imaps"),
            require_tls=house.static.listeners[endpoint.listener].imap.require_tls,
            starttls=None if endpoint.tls else house.tls.of(endpoint.listener, "imap"),
        )
        return Served(partial(serve_imap, context=context), context.gate)

    return handler


def _admin_app(house: House) -> "AdminApp":
    from moxlite.admin.dns.network import Internet
    from moxlite.admin.dns.wanted import HeldKeys
    from moxlite.web.admin.app import AdminApp
    from moxlite.web.admin.surroundings import Outside, Surroundings

    outside = None
    if not house.local:
        http = https_client(house, allow_internal=house.static.allow_private_mx)
        outside = Outside(
            resolver=house.resolver,
            network=Internet(house.static.hostname.ascii, trust(house), http),
            held=HeldKeys(house.started.keys.key, house.started.acme_keys.hosts),
        )
    surroundings = Surroundings(
        holder=house.config,
        accounts=house.accounts,
        auth=house.auth,
        logins=house.logins,
        factors=house.factor_changes,
        commands=lambda: house.registry,
        certificates=house.tls.in_use,
        outside=outside,
    )
    return AdminApp(surroundings)


def _web(house: House, queue: Queue | None) -> Callable[[Endpoint], Served]:
    context = make_context(
        config=house.config,
        config_dir=house.config.path.parent,
        accounts=house.accounts,
        auth=house.auth,
        logins=house.logins,
        factors=house.factor_changes,
        imports=house.imports,
        sandbox=house.sandbox,
        keys=house.started.keys,
        edit=house.config.edit,
        deliveries=queue,
        queue=queue,
        assure=queue.assure if queue else not_asked,
        opaque_id=house.received_id.encode,
        readiness=house.problems,
        measure=house.measure,
        certificate=house.tls.certificate,
        challenge=house.challenges.answer,
        admin=partial(_admin_app, house),
    )

    def handler(endpoint: Endpoint) -> Served:
        return Served(partial(serve_http, context=context), context.gates[endpoint.listener])

    return handler
