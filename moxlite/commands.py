"""The commands of the control socket, all in one table.

`server` loads this module when the first client or the admin app asks for a command: what only commands need is not in
the memory of a server at rest (ADMIN-82).
"""

from collections.abc import Mapping
from functools import partial

import trio

from moxlite import lazyimport
from moxlite.acceptance.commands import Asking, WhyCommands
from moxlite.acceptance.sieve.commands import SieveCommands, SortCommands
from moxlite.admin.audit import AuditCommands, audited
from moxlite.admin.commands import AdminCommands
from moxlite.admin.delivery.forwarding import ForwardCommands
from moxlite.admin.delivery.moving import PeerCommands
from moxlite.admin.delivery.peers import Peers, connect_nowhere
from moxlite.admin.dns.control import DNSOperations
from moxlite.admin.doctor.requests import ListPlacement, Provider, TryPlacement
from moxlite.admin.doctor.sources import DoctorCommands
from moxlite.admin.masked import MaskedAddresses, MaskedCommands
from moxlite.admin.receivedreports import ReceivedCommands
from moxlite.groupware.commands import GroupwareCommands
from moxlite.imapd.commands import IMAPCommands
from moxlite.migration.commands import ImapCopyCommands, LinkCommands
from moxlite.migration.mailcopies import CopyCommands
from moxlite.net.control.server import Command, CommandFailed
from moxlite.net.dial import dial
from moxlite.operations.performing import commands as commands_of
from moxlite.operations.server import ChangeAccountKey
from moxlite.operations.standby import HandedOver, HandOver
from moxlite.periodic import Examinations, held_keys
from moxlite.queue.context import local_addresses
from moxlite.queue.control.commands import QueueCommands, SuppressCommands, WebhookCommands
from moxlite.queue.control.reportcommands import ReportCommands
from moxlite.queue.queue import Queue
from moxlite.services import imap_context
from moxlite.smtpd.incoming import blocklists
from moxlite.web.jmap.trace import JMAPCommands
from moxlite.wiring import House


def make_commands(house: House, queue: Queue | None, examinations: Examinations) -> Mapping[str, Command]:
    """All commands by name. Commands about the queue are missing while it cannot be used. Changes are recorded in the
    audit log.
    """
    config, accounts, audit = house.config, house.files.accounts, house.files.auth.audit
    network = house.network
    connect = connect_nowhere if house.local else dial
    peers = Peers(config, network.resolver, local_addresses(house.static), connect=connect)
    lists = partial(blocklists.listed_at, config, network.resolver)
    submit = queue.submit if queue is not None else None
    commands = {
        **_admin(house).registry(),
        **DoctorCommands(examinations.sources, examinations.nightly, examinations.weekly).registry(),
        **DNSOperations(config, held_keys(house), examinations.rotation, examinations.host_rotation).registry(),
        **IMAPCommands(imap_context(house), house.shutdown).registry(),
        **JMAPCommands(config, house.services.programs).registry(),
        **CopyCommands(config, accounts, house.files.imports).registry(),
        **ImapCopyCommands(config, house.copies).registry(),
        **LinkCommands(config, house.links).registry(),
        **house.backups.registry(),
        **WhyCommands(config, accounts, Asking(network.resolver, lists)).registry(),
        **ReceivedCommands(house.files.reports).registry(),
        **commands_of(
            HandOver.bind(partial(_hand_over, house)),
            ChangeAccountKey.bind(partial(_change_account_key, house)),
            ListPlacement.bind(partial(_list_placement, house)),
            TryPlacement.bind(partial(_try_placement, house, examinations)),
        ),
        **PeerCommands(config, peers, network.resolver, house.files.reports).registry(),
        **SieveCommands(config, accounts).registry(),
        **GroupwareCommands(config, accounts, house.files.auth, house.services.sandbox, house.subscriptions).registry(),
        **house.calendar_copies.registry(),
        **SortCommands(config, accounts).registry(),
        **ForwardCommands(config, config.edit, house.forwarding(submit)).registry(),
        **AuditCommands(audit).registry(),
        **MaskedCommands(config, MaskedAddresses(config, accounts, house.files.auth.masked)).registry(),
    }
    if queue is not None:
        commands |= {
            **QueueCommands(queue).registry(),
            **SuppressCommands(queue).registry(),
            **WebhookCommands(queue.webhooks).registry(),
            **ReportCommands(queue).registry(),
        }
    return audited(commands, audit)


async def _hand_over(house: House, _: HandOver) -> HandedOver:
    """Raises CommandFailed."""
    from moxlite.admin.standby.holding import CannotHandOver

    if house.files.lease is None:
        raise CommandFailed("badRequest", "no second machine takes over by itself: standby.lease is not set")
    try:
        ready = await house.files.lease.hand_over()
    except CannotHandOver as error:
        raise CommandFailed("failed", f"{error}; this server goes on") from None
    return HandedOver(ready.host, ready.epoch + 1)


async def _change_account_key(house: House, args: ChangeAccountKey) -> None:
    """Raises CommandFailed."""
    for one in house.network.autotls:
        if one.name == args.acme:
            try:
                made = await one.change_account_key()
            except (OSError, ValueError) as error:
                raise CommandFailed("failed", str(error)) from None
            if not made:
                raise CommandFailed("refused", f"there is no account at {args.acme} yet: the first order makes it")
            return
    known = ", ".join(one.name for one in house.network.autotls) or "none"
    raise CommandFailed("notFound", f"moxlite.toml has no [acme.{args.acme}]; the names are: {known}")


async def _list_placement(house: House, args: ListPlacement) -> list[Provider]:
    """List where mail lands."""
    await lazyimport.load("moxlite.admin.doctor.placement")
    from moxlite.admin.doctor.placement import providers, read_tests

    return providers(await trio.to_thread.run_sync(read_tests, house.static.data_dir))


async def _try_placement(house: House, examinations: Examinations, args: TryPlacement) -> list[Provider]:
    """Test where mail lands, now."""
    if examinations.placement is None:
        raise CommandFailed("refused", "this server sends nothing to others")
    try:
        tried = await (await examinations.placement.get()).run()
    except OSError as error:
        raise CommandFailed("failed", f"cannot keep the results: {error.strerror or error}") from None
    if not tried:
        text = "no mailbox to test: link one with moxlite link add, or wait, as two tests a day go to each"
        raise CommandFailed("refused", text)
    addresses = {one.address for one in tried}
    return [one for one in await _list_placement(house, ListPlacement()) if one.address in addresses]


def _admin(house: House) -> AdminCommands:
    return AdminCommands(
        config=house.config,
        accounts=house.files.accounts,
        auth=house.files.auth,
        logins=house.services.logins,
        stop=house.shutdown.set,
        read_certificates=house.network.read_certificates,
        problems=house.problems,
        end_sessions=house.services.end_sessions,
        factors=house.factor_changes,
    )
