"""The commands of the control socket, all in one table.

`server` loads this module when the first client or the admin app asks for a command: what only commands need is not in
the memory of a server at rest (ADMIN-82).
"""

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any, Final, cast

import trio

from moxlite import lazyimport
from moxlite.acceptance.commands import DryRunSources, WhyCommands
from moxlite.admin.audit import AuditCommands, audited
from moxlite.admin.commands import AdminCommands
from moxlite.admin.delivery.moving import PeerCommands
from moxlite.admin.delivery.peers import Peers, connect_nowhere
from moxlite.admin.dns.control import DNSOperations
from moxlite.admin.doctor.requests import ListPlacement, Provider, TryPlacement
from moxlite.admin.doctor.sources import DoctorCommands
from moxlite.admin.masked import MaskedAddresses, MaskedCommands
from moxlite.admin.passwords import Passwords
from moxlite.admin.receivedreports import ReceivedCommands
from moxlite.admin.sorting import SortingCommands
from moxlite.admin.waycommands import WayCommands
from moxlite.admin.waysin import Rooms
from moxlite.groupware.commands import GroupwareCommands
from moxlite.imapd.commands import IMAPCommands
from moxlite.migration.commands import ImapCopyCommands, LinkCommands
from moxlite.migration.mailcopies import CopyCommands
from moxlite.move.commands import MoveCommands
from moxlite.move.counting import Checks
from moxlite.move.running import Moves
from moxlite.net.control.server import Command, CommandFailed
from moxlite.net.dial import dial
from moxlite.operations import Role
from moxlite.operations.performing import commands as commands_of, performer
from moxlite.operations.server import ChangeAccountKey
from moxlite.operations.standby import HandedOver, HandOver
from moxlite.operations.subjects import SUBJECTS
from moxlite.periodic import Examinations, held_keys
from moxlite.queue.context import local_addresses
from moxlite.queue.control.commands import QueueCommands, SuppressCommands, WebhookCommands
from moxlite.queue.control.leaving import LeavingCommands
from moxlite.queue.control.reportcommands import ReportCommands
from moxlite.queue.queue import Queue
from moxlite.services import imap_context
from moxlite.smtpd.incoming import blocklists
from moxlite.web.jmap.trace import JMAPCommands
from moxlite.wiring import Components


def _found(place: str) -> type[Any]:
    module, _, name = place.partition(":")
    return cast(type[Any], getattr(import_module(module), name))


PERFORMED: Final = tuple(_found(one) for subject in SUBJECTS for one in subject.performed)
"""Implementations that the list of subjects names. They are imported with this module, in a thread."""


def make_commands(components: Components, queue: Queue | None, examinations: Examinations) -> Mapping[str, Command]:
    """All commands by name. Commands about the queue are missing while it cannot be used. Changes are recorded in the
    audit log.
    """
    config, accounts, audit = components.config, components.files.accounts, components.files.auth.audit
    network = components.network
    connect = connect_nowhere if components.local else dial
    peers = Peers(config, network.resolver, local_addresses(components.static), connect=connect)
    lists = partial(blocklists.listed_at, config, network.resolver)
    submit = queue.submit if queue is not None else None
    commands = {
        **_admin(components).registry(),
        **DoctorCommands(examinations.sources, examinations.nightly, examinations.weekly).registry(),
        **DNSOperations(config, held_keys(components), examinations.rotation, examinations.host_rotation).registry(),
        **IMAPCommands(imap_context(components), components.shutdown).registry(),
        **JMAPCommands(config, components.services.programs).registry(),
        **CopyCommands(config, accounts, components.files.imports).registry(),
        **ImapCopyCommands(config, components.copies).registry(),
        **LinkCommands(config, components.links).registry(),
        **components.backups.registry(),
        **WhyCommands(
            config,
            accounts,
            DryRunSources(network.resolver, lists),
            components.started.log_handler,
            components.services.received_id.decode,
        ).registry(),
        **ReceivedCommands(components.files.reports).registry(),
        **commands_of(
            HandOver.bind(partial(_hand_over, components)),
            ChangeAccountKey.bind(partial(_change_account_key, components)),
            ListPlacement.bind(partial(_list_placement, components)),
            TryPlacement.bind(partial(_try_placement, components, examinations)),
        ),
        **PeerCommands(config, peers, network.resolver, components.files.reports).registry(),
        **GroupwareCommands(
            config,
            accounts,
            components.files.auth,
            components.subscriptions,
            components.files.spools.directory,
        ).registry(),
        **components.calendar_copies.registry(),
        **_moving(components).registry(),
        **LeavingCommands(config, accounts, queue).registry(),
        **SortingCommands(config, accounts, components.forwarding(submit)).registry(),
        **AuditCommands(audit).registry(),
        **WayCommands(_rooms(components)).registry(),
        **MaskedCommands(config, MaskedAddresses(config, accounts, components.files.auth.masked)).registry(),
    }
    for make in PERFORMED:
        commands |= make(config, accounts).registry()
    # Without the queue these do not exist, rather than fail inside: callers hear that this part of the server does not
    # run (`performer`).
    if queue is not None:
        commands |= {
            **QueueCommands(queue).registry(),
            **SuppressCommands(queue).registry(),
            **WebhookCommands(queue.webhooks).registry(),
            **ReportCommands(queue).registry(),
        }
    # Around the whole table, so that no change is left out of the log because its package forgot it.
    return audited(commands, audit)


async def _hand_over(components: Components, _: HandOver) -> HandedOver:
    """Raises CommandFailed."""
    from moxlite.admin.standby.holding import CannotHandOver

    if components.files.lease is None:
        raise CommandFailed("badRequest", "automatic failover isn't set up; turn on standby.lease first")
    try:
        ready = await components.files.lease.hand_over()
    except CannotHandOver as error:
        raise CommandFailed("failed", f"{error}; this server will keep running") from None
    return HandedOver(ready.host, ready.epoch + 1)


async def _change_account_key(components: Components, args: ChangeAccountKey) -> None:
    """Raises CommandFailed."""
    for auto_tls in components.network.autotls:
        if auto_tls.name == args.acme:
            try:
                made = await auto_tls.change_account_key()
            except (OSError, ValueError) as error:
                raise CommandFailed("failed", str(error)) from None
            if not made:
                raise CommandFailed(
                    "refused", f"there's no account at {args.acme} yet; the first certificate order will create it"
                )
            return
    known = ", ".join(one.name for one in components.network.autotls) or "none"
    raise CommandFailed("notFound", f"[acme.{args.acme}] isn't in moxlite.toml; available: {known}")


async def _list_placement(components: Components, args: ListPlacement) -> list[Provider]:
    """List where mail lands."""
    await lazyimport.load("moxlite.admin.doctor.placement")
    from moxlite.admin.doctor.placement import providers, read_tests

    return providers(await trio.to_thread.run_sync(read_tests, components.static.data_dir))


async def _try_placement(components: Components, examinations: Examinations, args: TryPlacement) -> list[Provider]:
    """Test where mail lands, now."""
    if examinations.placement is None:
        raise CommandFailed("refused", "this server doesn't send mail to other servers")
    try:
        tried = await (await examinations.placement.get()).run()
    except OSError as error:
        raise CommandFailed("failed", f"couldn't save the results: {error.strerror or error}") from None
    if not tried:
        text = "no mailbox to test: link one with moxlite link add, or wait, as two tests a day go to each"
        raise CommandFailed("refused", text)
    addresses = {trial.address for trial in tried}
    return [
        provider for provider in await _list_placement(components, ListPlacement()) if provider.address in addresses
    ]


def _moving(components: Components) -> MoveCommands:
    perform = performer(components.registry.get, Role.COMMAND_LINE)
    config, accounts, copies = components.config, components.files.accounts, components.copies
    moves = Moves(config=config, accounts=accounts, copies=copies, perform=perform, tree=components.tree)
    count = components.calendar_copies.count
    checks = Checks(config=config, accounts=accounts, copies=copies, count_places=count, perform=perform)
    return MoveCommands(moves, checks, perform)


def _rooms(components: Components) -> Rooms:
    files, services = components.files, components.services
    return Rooms(
        components.config,
        files.accounts,
        files.auth,
        Passwords(files.accounts, services.logins, services.end_sessions),
        components.factor_changes,
        performer(components.registry.get, Role.COMMAND_LINE),
    )


def _admin(components: Components) -> AdminCommands:
    return AdminCommands(
        config=components.config,
        accounts=components.files.accounts,
        auth=components.files.auth,
        logins=components.services.logins,
        stop=components.shutdown.set,
        read_certificates=components.network.read_certificates,
        findings=components.findings,
        end_sessions=components.services.end_sessions,
        factors=components.factor_changes,
        helpers=components.helpers,
        resolver=components.network.resolver,
        forgetters=components.forgetters,
    )
