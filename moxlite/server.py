"""The composition root: everything that runs, in one tree (docs/architecture.md §5).

::

    serve
     ├─ upkeep: supervisor (signals), accounts, auth.db, reload of domains.toml, systemd's watchdog, the control socket,
     │          the wall clock, the end of app passwords
     └─ serving: one listener per port, the queue

Start: databases are opened and migrated, then the listeners accept, the control socket comes last, then ``ready``
(ADMIN-38). End: the listeners stop accepting and give their sessions 3 s, the queue its attempts as long as configured;
then upkeep is cancelled, which closes all databases with a checkpoint (ADMIN-39).
"""

import gc
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final, Literal, TypeVar

import msgspec
import trio

from moxlite import __version__
from moxlite.admin.backups import BackupCommands
from moxlite.admin.commands import AdminCommands, finish_removal
from moxlite.admin.storage import compression, store_options
from moxlite.admin.storagefaults import StorageFaults
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import Snapshot
from moxlite.config.static import Static
from moxlite.imapd.commands import IMAPCommands
from moxlite.imapd.connection import serve_connection as serve_imap
from moxlite.imapd.session.context import Context as IMAPContext
from moxlite.imapd.session.sessions import Sessions
from moxlite.logins.logins import Logins
from moxlite.migration.commands import ImapCopyCommands
from moxlite.migration.mailcopies import CopyCommands
from moxlite.net.certificates import Trust
from moxlite.net.connections import ConnectionInfo, guard
from moxlite.net.ctlserver import listen_ctl, serve_ctl
from moxlite.net.dial import LocalAddresses
from moxlite.net.listeners import Handler, listen, serve_listener
from moxlite.net.log import bind_cid, new_cid
from moxlite.net.resolver import FakeResolver, Resolver
from moxlite.process.clockset import ClockWatch
from moxlite.process.localserve import ACCOUNT
from moxlite.process.ports import TLSPorts, connection_limits, failure_limits, trust_of
from moxlite.process.receivedid import ReceivedID
from moxlite.process.startup import Endpoint, Service, Started, StartFailed
from moxlite.process.systemd import keep_alive, notify
from moxlite.process.watchdog import Watchdog
from moxlite.queue.commands import QueueCommands
from moxlite.queue.context import Context as QueueContext
from moxlite.queue.context import Loopback
from moxlite.queue.queue import Queue
from moxlite.smtpd.connection import serve_connection as serve_smtp
from moxlite.smtpd.context import Context as SMTPContext
from moxlite.smtpd.senders import Senders
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.scrubbing import scrub_weekly
from moxlite.store.accounts.shares import sharing_task
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.content.chunks import prefer
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.submission import Submission, Submit
from moxlite.store.errors import StorageBroken, StoreError
from moxlite.store.file.offload import give_memory_back, keep_heap_small
from moxlite.store.imports.engine import Imports
from moxlite.store.mail.systemmailbox import UNQUEUE
from moxlite.store.mail.threads import keep_threads
from moxlite.store.upkeep.reparse import keep_parsed
from moxlite.web.context import make_context
from moxlite.web.health import Measure
from moxlite.web.serve import serve_connection as serve_http

__all__ = ["run"]

logger = logging.getLogger("moxlite.server")

T = TypeVar("T")

SWITCH_INTERVAL: Final = 0.0002
"""Seconds. With Python's 5 ms a busy event loop starves the writer threads to 20 rows a second (design-facts §2)."""

LOOPBACK: Final = IPv4Address("127.0.0.1")

PACKAGES: Final[Mapping[Service, str]] = {
    "smtp": "smtpd",
    "submission": "smtpd",
    "submissions": "smtpd",
    "imap": "imapd",
    "imaps": "imapd",
    "http": "web",
    "https": "web",
}
"""Rooms that answer for crashes of their connections."""


def run(started: Started, *, local: bool, ready: Callable[[], None]) -> None:
    """Serve until a signal or ``moxlite stop`` ends it.

    Args:
      started: from `admin.startup.start`.
      local: this is ``localserve``: all addresses are accepted, nothing leaves the machine (ADMIN-45).
      ready: called once everything accepts connections.

    Raises:
      StartFailed: a database cannot be opened.
    """
    sys.setswitchinterval(SWITCH_INTERVAL)
    keep_heap_small()
    try:
        trio.run(partial(serve, started, local=local, ready=ready), instruments=[Watchdog()])
    except BaseExceptionGroup as group:
        failed, others = group.split(StartFailed)
        if failed is None or others is not None:
            raise
        raise _first(failed) from None


def _first(group: BaseExceptionGroup[StartFailed]) -> StartFailed:
    """The first exception in nested groups."""
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


async def serve(started: Started, *, local: bool, ready: Callable[[], None]) -> None:
    """The tree. Arguments as `run`."""
    async with AsyncExitStack() as databases:
        house = await _open(started, databases, local=local)
        async with trio.open_nursery() as upkeep:
            await upkeep.start(house.accounts.serve)
            await upkeep.start(house.auth.serve)
            await upkeep.start(house.imports.serve)
            upkeep.start_soon(house.config.watch)
            upkeep.start_soon(house.clock.serve)
            upkeep.start_soon(keep_alive)
            upkeep.start_soon(supervise, house)
            upkeep.start_soon(house.storage_faults.serve, house.accounts, house.current)
            upkeep.start_soon(house.imap_sessions.end_expired)
            house.clock.on_set(house.imap_sessions.look_again)
            for name in await house.auth.removals():
                await _opened(finish_removal(house.accounts, house.auth, name))
            house.config.on_change(lambda old, new: upkeep.start_soon(_end_logins, house, old, new))
            pipe = LocalPipe(house, upkeep)
            queue = await _open_queue(house, pipe, databases)
            handlers = _handlers(house, queue.submit if queue else _refuse_submission)
            pipe.handler = handlers["smtp"](pipe.endpoint)
            commands = dict(house.commands().registry())
            commands.update(IMAPCommands(_imap_context(house), house.shutdown).registry())
            commands.update(CopyCommands(house.config, house.accounts, house.imports).registry())
            commands.update(_imap_copies(house).registry())
            backups = BackupCommands(config=house.config, accounts=house.accounts)
            commands.update(backups.registry())
            _start_care(house, backups, upkeep)
            async with trio.open_nursery() as serving:
                if queue is not None:
                    commands.update(QueueCommands(queue).registry())
                    serving.start_soon(queue.serve, house.shutdown)
                for endpoint, sock in started.sockets:
                    serving.start_soon(
                        partial(
                            serve_listener,
                            listen(sock),
                            handlers[endpoint.service](endpoint),
                            pkg=PACKAGES[endpoint.service],
                            name=endpoint.listener,
                            shutdown=house.shutdown,
                            tls=house.tls.of(endpoint.listener, endpoint.service) if endpoint.tls else None,
                            proxies=house.static.listeners[endpoint.listener].proxy_protocol_from,
                        ),
                        name=f"{endpoint.service} {endpoint.ip} {endpoint.port}",
                    )
                upkeep.start_soon(serve_ctl, _listen_ctl(house.static), commands)
                logger.info("ready to serve", extra={"kv": {"version": __version__, "pid": os.getpid()}})
                notify("READY=1")
                ready()
                await trio.to_thread.run_sync(_settle_memory)
                await house.shutdown.wait()
                logger.info("stopping")
                notify("STOPPING=1")
            upkeep.cancel_scope.cancel()
    logger.info("stopped")


def _start_care(house: "House", backups: BackupCommands, upkeep: trio.Nursery) -> None:
    """Start what looks after the data by the clock."""
    static = house.static
    if static.backup.schedule is not None:
        from moxlite.admin.backupschedule import BackupSchedule

        schedule = BackupSchedule(static.backup, commands=backups, config=house.config, accounts=house.accounts)
        upkeep.start_soon(schedule.serve)
    if static.store.scrub == "weekly":
        upkeep.start_soon(scrub_weekly, house.accounts)


@dataclass(frozen=True, kw_only=True)
class House:
    """What the rooms are given."""

    started: Started
    local: bool
    config: ConfigHolder
    static: Static
    accounts: Accounts
    auth: AuthDB
    logins: Logins
    tls: TLSPorts
    received_id: ReceivedID
    resolver: Resolver
    imports: Imports
    storage_faults: StorageFaults
    shutdown: trio.Event = field(default_factory=trio.Event)
    imap_sessions: Sessions = field(default_factory=Sessions)
    senders: Senders = field(default_factory=Senders)
    clock: ClockWatch = field(default_factory=ClockWatch)
    faults: list[str] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)

    def current(self) -> Snapshot:
        """The configuration of this moment."""
        return self.config.current

    @property
    def spool_directory(self) -> Path:
        """Where long messages lie while they come in."""
        return self.static.data_dir / "tmp"

    async def problems(self) -> list[str]:
        """What keeps the server from being well, one line each: for /readyz and ``moxlite healthcheck``."""
        found = self.faults + [f"domains.toml is invalid: {problem}" for problem in self.config.problems[:1]]
        if self.auth.database.health.broken:
            found.append(f"auth.db: {self.auth.database.health.broken}")
        return found

    async def measure(self) -> None:
        """Set the gauges that are counted when somebody reads them."""
        for one in self.measures:
            await one()

    def commands(self) -> AdminCommands:
        """The commands of the control socket."""
        return AdminCommands(
            config=self.config,
            accounts=self.accounts,
            auth=self.auth,
            logins=self.logins,
            stop=self.shutdown.set,
            problems=self.problems,
            end_sessions=self.end_sessions,
        )

    def end_sessions(self, account: str, text: str, *, app_password: str = "") -> None:
        """End the IMAP and submission sessions of an account, or those of one app password (IMAP-23, SMTP-62a)."""
        self.imap_sessions.end_account(account, text, app_password=app_password)
        self.senders.end_account(account, text, app_password=app_password)


async def _open(started: Started, databases: AsyncExitStack, *, local: bool) -> House:
    """Open and migrate the databases; they are closed by `databases`."""
    config = started.holder
    static = config.current.static
    faults = StorageFaults()
    options = store_options(lambda: config.current, degraded=faults.note)
    prefer(compression(config.current))
    accounts = Accounts(static.data_dir, options)
    accounts.register_task(keep_parsed)
    accounts.register_task(keep_threads)
    auth = await _opened(AuthDB.open(static.data_dir / "auth.db", options))
    databases.push_async_callback(auth.aclose)
    accounts.register_task(sharing_task(auth))
    logins = Logins(
        current=lambda: config.current,
        accounts=accounts,
        auth=auth,
        failures=failure_limits(static.rate_limits),
        secret=started.install_key,
    )
    await logins.remember_places()
    return House(
        started=started,
        local=local,
        config=config,
        static=static,
        accounts=accounts,
        auth=auth,
        logins=logins,
        tls=TLSPorts(static, started.certificates),
        received_id=ReceivedID(started.install_key),
        resolver=FakeResolver() if local else _resolver(static),
        imports=Imports(accounts, static.data_dir / "tmp"),
        storage_faults=faults,
    )


def _resolver(static: Static) -> Resolver:
    from moxlite.net.dns import DNSResolver  # 40 ms and 2 MB that localserve does without

    return DNSResolver(static.dns.servers, trust_ad=static.dns.trust_ad)


async def _opened(opening: Awaitable[T]) -> T:
    """What was opened; errors of the store become words for whoever starts the server."""
    try:
        return await opening
    except StoreError as error:
        raise StartFailed(str(error)) from None


def _listen_ctl(static: Static) -> trio.SocketListener:
    path = static.data_dir / "ctl"
    try:
        return listen_ctl(path)
    except OSError as error:
        raise StartFailed(f"cannot make the control socket {path}: {error.strerror or error}") from None


# The rooms' contexts


def _handlers(house: House, submit: Submit) -> Mapping[Service, Callable[[Endpoint], Handler]]:
    """For each service, what makes the handler of one of its ports."""
    smtp, imap, web = _smtp(house, submit), _imap(house), _web(house)

    def https(endpoint: Endpoint) -> Handler:
        """Mail programs may use the https port as well, and say so by ALPN (WEB-27)."""
        by_alpn = {
            "imap": imap(endpoint),
            "smtp": smtp(msgspec.structs.replace(endpoint, service="submissions")),
        }
        otherwise = web(endpoint)

        async def handle(stream: trio.abc.Stream, info: ConnectionInfo) -> None:
            alpn = info.tls.alpn if info.tls is not None else None
            await by_alpn.get(alpn or "", otherwise)(stream, info)

        return handle

    return {
        "smtp": smtp,
        "submission": smtp,
        "submissions": smtp,
        "imap": imap,
        "imaps": imap,
        "http": web,
        "https": https,
    }


def _smtp(house: House, submit: Submit) -> Callable[[Endpoint], Handler]:
    rate, open_connections = connection_limits(house.static.rate_limits)

    def handler(endpoint: Endpoint) -> Handler:
        assert endpoint.service in ("smtp", "submission", "submissions")
        context = SMTPContext(
            service=endpoint.service,
            accounts=house.accounts,
            config=house.config,
            logins=house.logins,
            submit=submit,
            senders=house.senders,
            rate=rate,
            open=open_connections,
            received_id=house.received_id,
            spool_directory=house.spool_directory,
            resolver=None if house.local else house.resolver,
            starttls=None if endpoint.tls else house.tls.of(endpoint.listener, endpoint.service),
            default_account=ACCOUNT if house.local else "",
        )
        return lambda stream, info: serve_smtp(stream, info, context)

    return handler


def _trust(house: House) -> Trust:
    return Trust(system=False) if house.local else trust_of(house.static)


def _imap_copies(house: House) -> ImapCopyCommands:
    return ImapCopyCommands(config=house.config, accounts=house.accounts, resolver=house.resolver, trust=_trust(house))


async def _open_queue(house: House, pipe: "LocalPipe", databases: AsyncExitStack) -> Queue | None:
    """The queue; None when its file cannot be used, and the server goes on without (QUEUE-158)."""
    path = house.static.data_dir / "queue.db"
    context = QueueContext(
        config=house.current,
        accounts=house.accounts,
        resolver=house.resolver,
        connect_local=pipe.connect,
        tmp=house.spool_directory,
        trust=_trust(house),
        local_addresses=_local_addresses(house.static),
        loopback=Loopback(pipe.endpoint.ip, pipe.endpoint.port) if house.local else None,
    )
    try:
        queue = await databases.enter_async_context(Queue.open(path, context, house.accounts.options))
    except StoreError as error:
        logger.error("the queue cannot be used, no mail is sent", extra={"kv": {"path": path, "err": str(error)}})
        house.faults.append(f"{path}: {error}")
        return None
    house.accounts.register_outbox(UNQUEUE, queue.mirror.unqueue)
    house.accounts.register_task(queue.mirror.attend)
    house.config.on_change(queue.mirror.reconfigured)
    house.clock.on_set(queue.scheduler.changed)
    house.measures.append(queue.measure)
    return queue


async def _refuse_submission(submission: Submission, spool: Spool) -> list[int]:
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


class LocalPipe:
    """The queue's way to the own SMTP server: a session over a socket pair in this process (QUEUE-36)."""

    def __init__(self, house: House, nursery: trio.Nursery) -> None:
        self._house = house
        self._nursery = nursery
        listeners = house.static.listeners
        name = next((name for name, one in listeners.items() if one.smtp.enabled), next(iter(listeners)))
        self.endpoint: Final = Endpoint(name, "smtp", listeners[name].ips[0], listeners[name].smtp.port)
        self.handler: Handler | None = None

    def connect(self, key: bytes) -> trio.abc.Stream:
        """The client's end of a new session; no account stores a message with the same key twice (STORE-189)."""
        client, server = trio.socket.socketpair()
        self._nursery.start_soon(self._serve, trio.SocketStream(server), key)
        return trio.SocketStream(client)

    async def _serve(self, stream: trio.SocketStream, key: bytes) -> None:
        assert self.handler is not None
        cid = new_cid()
        info = ConnectionInfo(
            cid=cid,
            remote=LOOPBACK,
            remote_port=0,
            local=LOOPBACK,
            local_port=self.endpoint.port,
            listener=self.endpoint.listener,
            shutdown=self._house.shutdown,
            trusted_local=True,
            transaction_key=key,
        )
        with bind_cid(cid), guard("smtpd"):
            async with stream:
                await self.handler(stream, info)


def _imap_context(house: House) -> IMAPContext:
    """What all IMAP sessions work with; the listeners differ in the rest."""
    rate, open_connections = connection_limits(house.static.rate_limits)
    return IMAPContext(
        accounts=house.accounts,
        auth=house.auth,
        logins=house.logins,
        config=house.config,
        sessions=house.imap_sessions,
        rate=rate,
        open=open_connections,
        spool_directory=house.spool_directory,
    )


def _imap(house: House) -> Callable[[Endpoint], Handler]:
    common = _imap_context(house)

    def handler(endpoint: Endpoint) -> Handler:
        services: dict[Service, Literal["imap", "imaps", "imaphttps"]] = {"imap": "imap", "https": "imaphttps"}
        context = msgspec.structs.replace(
            common,
            service=services.get(endpoint.service, "imaps"),
            require_tls=house.static.listeners[endpoint.listener].imap.require_tls,
            starttls=None if endpoint.tls else house.tls.of(endpoint.listener, "imap"),
        )
        return lambda stream, info: serve_imap(stream, info, context)

    return handler


def _web(house: House) -> Callable[[Endpoint], Handler]:
    context = make_context(
        config=house.current,
        config_dir=house.config.path.parent,
        accounts=house.accounts,
        auth=house.auth,
        logins=house.logins,
        imports=house.imports,
        opaque_id=house.received_id.encode,
        readiness=house.problems,
        measure=house.measure,
    )
    return lambda endpoint: lambda stream, info: serve_http(stream, info, context)


# Supervision


def _settle_memory() -> None:
    """Once at the end of the start: what was imported stays for good, so the garbage collector need not walk it again
    (full collections take 25 ms with it, 3 without), and what the imports have freed goes back to the system (2 MB).
    """
    gc.collect()
    gc.freeze()
    give_memory_back()


async def supervise(house: House) -> None:
    """Act on signals. The first one that asks to stop begins the shutdown, a second one ends the process at once:
    what was acknowledged is on disk (ADMIN-39).
    """
    names = ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1")
    with trio.open_signal_receiver(*(getattr(signal, name) for name in names if hasattr(signal, name))) as signals:
        async for number in signals:
            match signal.Signals(number).name:
                case "SIGHUP":
                    house.started.log_handler.reopen()
                    await house.config.reload()
                    await house.tls.reload()
                case "SIGUSR1":
                    logger.info("task tree", extra={"kv": {"tasks": "\n".join(_task_tree())}})
                case _ if house.shutdown.is_set():
                    os._exit(1)
                case _:
                    house.shutdown.set()


def _task_tree() -> list[str]:
    """All tasks, indented below those that they were started from."""
    lines: list[str] = []

    def add(task: trio.lowlevel.Task, depth: int) -> None:
        lines.append("  " * depth + task.name)
        for nursery in task.child_nurseries:
            for child in sorted(nursery.child_tasks, key=lambda one: one.name):
                add(child, depth + 1)

    root = trio.lowlevel.current_root_task()
    if root is not None:
        add(root, 0)
    return lines


async def _end_logins(house: House, old: Snapshot, new: Snapshot) -> None:
    """End the sessions of accounts that may no longer log in, or are gone (ADMIN-17)."""
    for name, before in old.domains.accounts.items():
        after = new.account(name)
        text = "the account was removed" if after is None else after.login_disabled
        if text and not before.login_disabled:
            house.logins.forget(name)
            house.end_sessions(name, text)
            await house.auth.remove_sessions(name)
