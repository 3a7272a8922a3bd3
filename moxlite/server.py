"""The composition root: everything that runs, in one tree (docs/architecture.md §5).

::

    serve
     ├─ supervisor "server": each long-running task by its name; after a failure it starts again
     │    ├─ accounts: upkeep, rounds, unclean; in each open account a supervisor of its own
     │    ├─ auth.db, configuration, clock, systemd, signals, control socket, backups, scrub …
     │    ├─ processes of the sandbox, which do what strangers' mails make expensive
     │    ├─ queue: scheduler, notices, webhooks, mirror, clean, database, policies, cache, source, reports
     │    └─ the accept loop of each port
     ├─ connections: one task each, in a guard
     └─ attempts of the queue: one task each, in a guard

Start: databases are opened and migrated, then the listeners accept, the control socket comes last, then ``ready``
(ADMIN-38). End: the listeners stop accepting and give their sessions 3 s, the queue its attempts as long as configured;
then all other tasks are cancelled, and all databases closed with a checkpoint (ADMIN-39).
"""

import gc
import logging
import os
import sys
from collections.abc import Callable, Collection, Mapping, Set
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from moxlite import __version__, lazyimport
from moxlite.admin.audit import recorder
from moxlite.admin.delivery.memberquestions import MemberQuestions
from moxlite.config.holder import Observer
from moxlite.config.listeners import Protocol
from moxlite.config.snapshot import Key, Snapshot
from moxlite.findings import fault
from moxlite.heap import give_memory_back, keep_heap_small
from moxlite.ledger import begin as begin_ledger
from moxlite.mailauth.dnssec import watch_resolver
from moxlite.net.admission import Shutdown
from moxlite.net.control.server import Command, serve_ctl
from moxlite.net.listeners import GRACE_SECONDS, Listen, listen, serve_listener
from moxlite.periodic import Examinations, start_periodic
from moxlite.process.budget import keep_within, make_budget, memory_limit, raise_limit
from moxlite.process.errors import Replaced, StartFailed
from moxlite.process.parent import Parent
from moxlite.process.signals import LAST, Signals, keep_alive, more_time, notify
from moxlite.process.startup import Endpoint, Started, note_version
from moxlite.process.watchdog import Watchdog
from moxlite.queue.queue import Queue
from moxlite.services import attend_links, handlers
from moxlite.smtpd.pipe import LocalPipe
from moxlite.store.delivery.scripts import QUESTIONS
from moxlite.store.errors import StoreError
from moxlite.store.file.migrations import drop_statistics, on_progress
from moxlite.store.file.writer import commits
from moxlite.store.groupware.alarms import RING
from moxlite.store.mail.foldermoves import MOVED
from moxlite.store.mail.links import links
from moxlite.store.upkeep.outbox import loaded
from moxlite.supervision import FailurePolicy, open_supervisor
from moxlite.wiring import Components, open_house, open_queue
from moxlite.wording import causes

if TYPE_CHECKING:
    from moxlite.admin.foldersettings import FolderSettings
    from moxlite.groupware.ringing import AlarmSender

logger = logging.getLogger("moxlite.server")

SWITCH_INTERVAL: Final = 0.0002
"""Seconds. With Python's 5 ms a busy event loop starves the writer threads to 20 rows a second (design-facts §2)."""

PACKAGES: Final[Mapping[Protocol, str]] = {
    "smtp": "smtpd",
    "submission": "smtpd",
    "submissions": "smtpd",
    "imap": "imapd",
    "imaps": "imapd",
    "managesieve": "imapd",
    "http": "web",
    "https": "web",
}
"""Components that answer for crashes of their connections."""


def run(
    started: Started, *, local: bool, ready: Callable[[Components], None], signals: Signals, ctl_tcp: bool = False
) -> None:
    """Serve until a signal or ``moxlite stop`` ends it.

    Args:
      started: from `process.startup.start`.
      local: this is ``localserve``: all addresses are accepted, nothing leaves the machine (ADMIN-45).
      ready: called with the components once everything accepts connections.
      signals: in their block.
      ctl_tcp: commands come by a loopback port instead of a Unix socket.

    Raises:
      StartFailed: auth.db was written by a newer program, the control socket cannot be made.
      Replaced: another machine serves these accounts, from the start or since.
    """
    sys.setswitchinterval(SWITCH_INTERVAL)
    keep_heap_small()
    drop_statistics()

    def begin(components: Components) -> None:
        # not before: the start loads code in long steps, for which no client waits longer than for the start
        trio.lowlevel.add_instrument(Watchdog())
        ready(components)

    try:
        trio.run(partial(serve, started, local=local, ready=begin, signals=signals, ctl_tcp=ctl_tcp))
    except BaseExceptionGroup as group:
        failed, others = group.split(StartFailed)
        if failed is None or others is not None:
            raise
        raise causes(failed)[0] from None


async def serve(
    started: Started,
    *,
    local: bool,
    ready: Callable[[Components], None],
    signals: Signals,
    ctl_tcp: bool = False,
    listen: Listen = listen,
) -> None:
    """The tree. Arguments as `run`; `listen` takes the sockets of `started` into use."""
    budget, first = make_budget(raise_limit(), memory_limit()), started.holder.current
    begin_ledger(budget.held)
    async with AsyncExitStack() as databases, open_supervisor("server") as tree:
        on_progress(more_time())
        components = await open_house(started, databases, tree, budget, local=local)
        signals.patience = max(GRACE_SECONDS, components.static.queue.shutdown_grace) + LAST
        databases.enter_context(signals.ending())
        tree.start("server.signals", partial(act_on_signals, components, signals))
        components.files.accounts.register_task(
            "migration.links", partial(attend_links, components), lambda _, r: bool(links(r))
        )
        components.files.accounts.register_outbox(RING, loaded(partial(_ringing, components)))
        components.files.accounts.register_outbox(MOVED, loaded(partial(_following_folders, components)))
        components.files.accounts.start(tree)
        components.files.auth.start(tree)
        components.files.reports.start(tree)
        tree.start("config.watch", components.config.watch)
        tree.start("process.clock", components.services.clock.serve)
        tree.start("store.commits", commits.watch)
        tree.start("process.memory", partial(keep_within, budget.memory))
        tree.start("process.systemd", keep_alive)
        tree.start(
            "admin.storage-faults", partial(components.files.faults.serve, components.files.accounts, components.config)
        )
        tree.start("process.certificates", components.network.tls.watch)
        tree.start("web.backends", components.network.backends.serve)
        tree.start("web.notices", components.services.notices.serve)
        tree.start("admin.known-passwords", components.services.known_passwords.serve)
        tree.start("web.programs", components.services.programs.serve)
        if not components.local:
            tree.start("mailauth.dnssec", partial(watch_resolver, components.network.resolver))
        if started.parent is not None:
            tree.start("process.parent", partial(_end_with, started.parent, components.shutdown))
        for auto_tls in components.network.autotls:
            tree.start(f"autotls.{auto_tls.name}", auto_tls.serve)
        tree.start("sandbox.processes", components.services.sandbox.serve)
        tree.start("imapd.expiry", components.services.imap_sessions.end_expired)
        components.services.clock.on_set(components.services.imap_sessions.look_again)
        pipe = LocalPipe(components.static, components.shutdown, tree)
        queue = await open_queue(components, pipe, databases)
        await _finish_removals(components)
        if queue is not None and not components.files.auth.broken:
            await trio.to_thread.run_sync(note_version, components.static.data_dir)
        components.config.record = recorder(components.files.auth.audit)
        make = handlers(components, queue)
        pipe.handler = make["smtp"](pipe.endpoint).handler
        examinations = start_periodic(components, queue)
        components.registry.provide(partial(_commands, components, queue, examinations))
        questions = (
            None if queue is None else MemberQuestions(components.config, partial(components.forwarding, queue.submit))
        )
        # told at once of what has changed since `first`, with which all parts were made
        for observer in _observers(components, queue, questions, examinations).values():
            components.config.on_change(observer, since=first)
        await _note_addresses(components, components.config.current.derived.by_address.keys())
        for wait in components.before_serving:
            await wait()
        # Connections and attempts are not children of the tasks that start them, and outlive their failures.
        async with trio.open_nursery() as connections, trio.open_nursery() as attempts:
            if queue is not None and questions is not None:
                queue.start(tree, attempts)
                components.files.accounts.register_outbox(QUESTIONS, questions.carry)
                tree.start("admin.member-questions", questions.serve)
            # Outside of the tasks: one that starts again goes on with the same socket, and clients wait in its queue.
            ports = {_name(endpoint): listen(sock) for endpoint, sock in started.sockets}
            for endpoint, _ in started.sockets:
                served = make[endpoint.service](endpoint)
                accept = partial(
                    serve_listener,
                    ports[_name(endpoint)],
                    served.handler,
                    pkg=PACKAGES[endpoint.service],
                    name=endpoint.listener,
                    shutdown=components.shutdown,
                    connections=connections,
                    admission=components.network.admission,
                    gate=served.gate,
                    tls=components.network.tls.of(endpoint.listener, endpoint.service) if endpoint.tls else None,
                    proxies=components.static.listeners[endpoint.listener].proxy_protocol_from,
                )
                tree.start(_name(endpoint), accept)
            await _start_ctl(components, tcp=ctl_tcp)
            logger.info("ready to serve", extra={"kv": {"version": __version__, "pid": os.getpid()}})
            notify("READY=1")
            ready(components)
            await trio.to_thread.run_sync(_settle_memory)
            await components.shutdown.wait()
            signals.stop_in_time()
            logger.info("stopping")
            notify("STOPPING=1")
            # No new attempt and no new connection; what runs has its time, then its scope ends it.
            if queue is not None:
                await queue.stop(tree)
            for name, port in ports.items():
                await tree.stop(name)  # first: a port that closes below it would be a failure of the task
                await port.aclose()
            now = trio.current_time()
            connections.cancel_scope.deadline = now + GRACE_SECONDS
            attempts.cancel_scope.deadline = now + components.static.queue.shutdown_grace
    logger.info("stopped")
    lease = components.files.lease
    if lease is not None and await lease.was_replaced():
        raise Replaced(lease.holding.taken)


def _following_folders(components: Components) -> "FolderSettings":
    """Has settings follow renamed folders."""
    from moxlite.admin.foldersettings import FolderSettings

    return FolderSettings(components.config, components.files.accounts)


def _ringing(components: Components) -> "AlarmSender":
    """Tells alarms of calendars."""
    from moxlite.groupware.ringing import AlarmSender

    return AlarmSender(
        config=components.config,
        told=components.services.notices.ring,
        tmp=components.files.spools.directory,
    )


def _observers(
    components: Components, queue: Queue | None, questions: MemberQuestions | None, examinations: Examinations
) -> Mapping[str, Observer]:
    """The parts that hear of a changed domains.toml at once, by what they do then. All others read the settings in use
    whenever they need them.
    """

    def end_logins(old: Snapshot, new: Snapshot) -> None:
        # In a task: observers run on the loop, where domains.toml is put into use, and must not wait for a file.
        components.tree.start("server.end-logins", partial(_end_logins, components, old, new), FailurePolicy.ONCE)

    def note_addresses(old: Snapshot, new: Snapshot) -> None:
        fresh = new.derived.by_address.keys() - old.derived.by_address.keys()
        if fresh:
            components.tree.start("server.addresses", partial(_note_addresses, components, fresh), FailurePolicy.ONCE)

    found: dict[str, Observer] = {
        "end sessions of disabled or deleted accounts": end_logins,
        "note new addresses": note_addresses,
        "look for background work in accounts": lambda old, new: components.files.accounts.look_again(),
        "tell JMAP clients of new settings": components.services.programs.reconfigured,
        "end IMAP copies of deleted accounts": components.end_copies,
        "end imports of files to deleted accounts": lambda old, new: components.files.imports.end_of(_gone(old, new)),
        "query new block lists about this server": components.network.listings.reconfigured,
    }
    for auto_tls in components.network.autotls:
        found[f"order certificates from {auto_tls.name} for new host names"] = auto_tls.reconfigured
    if queue is not None:
        found["create or remove queue mailboxes"] = queue.mirror.reconfigured
    if questions is not None:
        found["ask new alias members on other servers"] = questions.reconfigured
    if examinations.signatures is not None:
        found["check signatures with new keys"] = examinations.signatures.reconfigured
    if examinations.policies is not None:
        found["publish new MTA-STS policies"] = examinations.policies.reconfigured
    return found


def _gone(old: Snapshot, new: Snapshot) -> Set[str]:
    """Names of the accounts that a change has removed."""
    return old.domains.accounts.keys() - new.domains.accounts.keys()


def _name(endpoint: Endpoint) -> str:
    """Name of the task that accepts at a port."""
    return f"{PACKAGES[endpoint.service]}.{endpoint.service} {endpoint.ip} {endpoint.port}"


async def _finish_removals(components: Components) -> None:
    """Remove the accounts whose removal a stop or a kill has interrupted, before anything can be delivered to new ones
    of that name. Those that cannot be removed now are named in ``/readyz``, and tried again at the next start. While
    auth.db is out of service it is not known which they are.
    """
    try:
        names = await components.files.auth.removals()
    except StoreError as error:
        logger.error("failed to read account removals", extra={"kv": {"err": str(error)}})
        return
    if not names:
        return
    await lazyimport.load("moxlite.admin.accountcommands")
    from moxlite.admin.accountcommands import finish_removal

    for name in names:
        try:
            await finish_removal(components.files.accounts, components.files.auth, components.forgetters, name)
        except (StoreError, OSError) as error:
            logger.error("account removal failed", extra={"kv": {"account": name, "err": str(error)}})
            components.faults.append(fault(name, f"can't delete account {name}: {error}"))


def _commands(components: Components, queue: Queue | None, examinations: Examinations) -> Mapping[str, Command]:
    """The commands of the control socket; their modules are loaded now."""
    from moxlite.commands import make_commands

    return make_commands(components, queue, examinations)


async def _start_ctl(components: Components, *, tcp: bool) -> None:
    path = components.static.data_dir / "ctl"
    try:
        await components.tree.start_ready(
            "ctl.accept", partial(serve_ctl, path, components.registry.get, components.tree, tcp=tcp)
        )
    except OSError as error:
        raise StartFailed(f"can't create the control socket {path}: {error.strerror or error}") from None


def _settle_memory() -> None:
    """Once at the end of the start: what was imported stays for good, so the garbage collector, which the start has
    switched off, need not walk it (full collections take 25 ms with it, 3 without), and what the imports have freed
    goes back to the system (2 MB); so do the names of all files in folders of modules (0.4 MB), which the next import
    reads again.
    """
    gc.freeze()
    gc.enable()
    sys.path_importer_cache.clear()
    give_memory_back()


async def act_on_signals(components: Components, signals: Signals) -> None:
    """Act on signals, for ever. The first one that asks to stop begins the shutdown, a second one ends the process at
    once: what was acknowledged is on disk (ADMIN-39).

    Errors: come out; signals that come until the next start wait for it.
    """
    while True:
        match await signals.next():
            case "SIGHUP":
                await _reload(components)
            case "SIGUSR1":
                logger.info("task tree", extra={"kv": {"tasks": "\n".join(_task_tree())}})
            case _ if components.shutdown.is_set():
                os._exit(1)
            case _:
                components.shutdown.set()


async def _reload(components: Components) -> None:
    """Do as SIGHUP asks: the log file, domains.toml, certificates; each without regard to the others."""
    try:
        components.started.log_handler.reopen()
    except OSError as error:
        kv = {"file": str(components.static.log_file), "err": error.strerror or str(error)}
        logger.error("failed to reopen log file, keeping the old file", extra={"kv": kv})
    await components.config.reload()
    await components.network.read_certificates()
    for finding in await components.config.findings():
        if finding.code == "restart-needed":
            logger.warning("reloaded without moxlite.toml", extra={"kv": {"why": finding.text}})


async def _end_with(parent: Parent, shutdown: Shutdown) -> None:
    """Begin the shutdown when the parent has ended: systemd or a shell takes the server for ended then, and may start
    another.
    """
    await parent.ended()
    if not shutdown.is_set():
        logger.error("parent process exited")
        shutdown.set()


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


async def _note_addresses(components: Components, addresses: Collection[Key]) -> None:
    """Note addresses of accounts and aliases, none of which is given to a new person later (WEB-186)."""
    try:
        await components.files.auth.addresses.note(f"{localpart}@{domain}" for localpart, domain in addresses)
    except StoreError as error:  # the next start tries it again
        logger.warning("failed to record addresses", extra={"kv": {"err": str(error)}})


async def _end_logins(components: Components, old: Snapshot, new: Snapshot) -> None:
    """End the sessions of accounts that may no longer log in, or are gone (ADMIN-17)."""
    for name, before in old.domains.accounts.items():
        after = new.account(name)
        text = "this account was deleted" if after is None else after.login_disabled
        if text and not before.login_disabled:  # else its sessions ended when it was disabled
            components.services.logins.forget(name)
            components.services.end_sessions(name, text)
            await components.files.auth.sessions.remove_all(name)
