"""Periodic work of a running server: backups, scrub, block lists, the examination of each night.

Between `server`, which starts it, and `wiring`, whose components it is given.
"""

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import trio

from moxlite import lazyimport
from moxlite.admin.dns.policies import PolicyWatch
from moxlite.admin.doctor.findings import in_order
from moxlite.admin.doctor.sources import Rooms, Sources, look, try_mail
from moxlite.admin.figures import HistoryRecorder
from moxlite.admin.foreignpasswords import ForeignPasswordCare
from moxlite.autotls import hostkeys
from moxlite.config.load import DNS_FOLDER
from moxlite.findings import Finding
from moxlite.net import refusals
from moxlite.queue.health import find_waiting, queue_sample, queue_state
from moxlite.queue.queue import Queue
from moxlite.store import metrics
from moxlite.store.accounts.scrubbing import scrub_weekly
from moxlite.store.errors import StoreError
from moxlite.store.mail.links import links
from moxlite.wakeup import sleep_by_both_clocks
from moxlite.wiring import Components

if TYPE_CHECKING:
    from moxlite.admin.dns.hostrotation import HostKeyRotation
    from moxlite.admin.dns.rotation import KeyRotation
    from moxlite.admin.dns.wanted import HeldKeys
    from moxlite.admin.doctor.nightly import Nightly
    from moxlite.admin.doctor.placement import Placement
    from moxlite.admin.doctor.signaturewatch import SignatureWatch
    from moxlite.admin.doctor.weekly import WeeklyMail
    from moxlite.admin.updates import UpdateWatch
    from moxlite.lazyimport import Lazy

LOOK_FOR_PROVIDER = 3600.0
"""Seconds between looks whether a domain has a DNS provider now."""


class Examinations(msgspec.Struct, frozen=True):
    """The server's state as the doctor asks for it, the examination of each night (None in localserve), the weekly
    mail, the tests of where mail lands (None without a queue), and the rotations of keys, whose libraries are loaded
    when the first domain or host wants it. `signatures`, `policies`: tasks that look again when the configuration has
    changed; None in localserve.
    """

    sources: Sources
    nightly: "Nightly | None"
    weekly: "Lazy[WeeklyMail]"
    placement: "Lazy[Placement] | None"
    rotation: "Lazy[KeyRotation]"
    host_rotation: "Lazy[HostKeyRotation]"
    signatures: "SignatureWatch | None" = None
    policies: PolicyWatch | None = None


def start_periodic(components: Components, queue: Queue | None) -> Examinations:
    """Start the tasks."""
    static, tree = components.static, components.tree
    components.measures.append(partial(_measure_disk, static.data_dir))
    if static.backup.schedule is not None:
        from moxlite.admin.backup.rehearsal import Rehearsal
        from moxlite.admin.backup.schedule import BackupSchedule

        schedule = BackupSchedule(
            static.backup, commands=components.backups, config=components.config, accounts=components.files.accounts
        )
        tree.start("admin.backups", schedule.serve)
        rehearsal = Rehearsal(
            static.backup, commands=components.backups, config=components.config, accounts=components.files.accounts
        )
        tree.start("admin.rehearsal", rehearsal.serve)
    if static.standby.target is not None:
        from moxlite.admin.standby.replicating import Replication

        lease, waiting = components.files.lease, components.files.waiting
        assert waiting is not None  # there is a target
        state = None if lease is None else lease.state
        replication = Replication(components.config, components.backups.read, waiting, state)
        # No port accepts before it is known whether another machine has taken over, and, in mode sync, before commits
        # wait for the target: nothing is acknowledged that was not tried.
        components.before_serving.append(replication.begun)
        components.notes.append(replication.note)
        tree.start("admin.standby", replication.serve)
    if static.store.scrub == "weekly":
        tree.start("store.scrub", partial(scrub_weekly, components.files.accounts, components.files.reports))
    tree.start("net.refusals", refusals.begin(components.services.received_id.encode).serve)
    tree.start("admin.history", HistoryRecorder(components.files.reports, partial(queue_sample, queue)).serve)
    tree.start("admin.helpers", partial(components.helpers.serve, components.config))
    tree.start("admin.own-listings", components.network.listings.serve)
    logins = components.services.logins
    care = ForeignPasswordCare(components.config, components.files.accounts, components.files.auth, logins)
    tree.start("admin.foreign-passwords", care.serve)
    updates = _start_updates(components)
    sources = _sources(components, queue, updates)
    rotation = lazyimport.Lazy(partial(_make_rotation, components))
    host_rotation = lazyimport.Lazy(partial(_make_host_rotation, components))
    weekly = lazyimport.Lazy(partial(_make_weekly, components, sources))
    if components.local:  # it sends nothing anywhere, and no name leads to it
        return Examinations(sources, None, weekly, None, rotation, host_rotation)
    from moxlite.admin.doctor.nightly import Nightly
    from moxlite.admin.doctor.signaturewatch import SignatureWatch

    nightly = Nightly(
        static.doctor,
        new=components.started.first,
        config=components.config,
        accounts=components.files.accounts,
        examine=partial(_examine, components, sources),
        http=components.network.https_client(allow_internal=True),
    )
    if static.doctor.nightly:
        tree.start("admin.doctor", nightly.serve)
    if static.doctor.weekly:
        tree.start("admin.weekly", partial(_serve_weekly, weekly))
    signatures = SignatureWatch(
        components.config, components.started.keys, components.network.resolver, components.files.accounts
    )
    tree.start("admin.signatures", signatures.serve)
    policies = PolicyWatch(components.config)
    tree.start("admin.policies", policies.serve)
    tree.start("admin.keys", partial(_rotate_keys, components, rotation))
    if any(components.started.acme_keys.hosts.values()):
        tree.start("admin.hostkeys", partial(_rotate_host_keys, components, host_rotation))
    placement = None if queue is None else lazyimport.Lazy(partial(_make_placement, components, queue, sources))
    if placement is not None and static.doctor.placement:
        tree.start("admin.placement", partial(_serve_placement, components, placement))
    return Examinations(sources, nightly, weekly, placement, rotation, host_rotation, signatures, policies)


def _make_weekly(components: Components, sources: Sources) -> "WeeklyMail":
    from moxlite.admin.doctor.weekly import WeeklyMail

    return WeeklyMail(
        config=components.config,
        accounts=components.files.accounts,
        auth=components.files.auth,
        reports=components.files.reports,
        running=partial(look, sources),
        certificates=components.network.tls.in_use,
    )


async def _serve_weekly(weekly: "Lazy[WeeklyMail]") -> None:
    """Write the weekly mail. Errors: as `WeeklyMail.serve`."""
    await (await weekly.get()).serve()


def _make_placement(components: Components, queue: Queue, sources: Sources) -> "Placement":
    from moxlite.admin.doctor.placement import Placement

    return Placement(
        config=components.config,
        accounts=components.files.accounts,
        keys=components.started.keys,
        submit=queue.submit,
        look_up=sources.look_up,
        current=components.links.current,
        resolver=components.network.resolver,
    )


async def _serve_placement(components: Components, placement: "Lazy[Placement]") -> None:
    """Test where mail lands, from when the postmaster links a mailbox. Errors: as `Placement.serve`."""
    while not await _has_links(components):
        await sleep_by_both_clocks(LOOK_FOR_PROVIDER)
    await (await placement.get()).serve()


async def _has_links(components: Components) -> bool:
    try:
        async with components.files.accounts.use(components.config.current.static.postmaster.account) as account:
            return bool(await account.read(links, op="placement"))
    except StoreError:
        return False


def _make_rotation(components: Components) -> "KeyRotation":
    from moxlite.admin.dns.rotation import KeyRotation

    return KeyRotation(components.config, steady=components.files.accounts.options.steady)


async def _rotate_keys(components: Components, rotation: "Lazy[KeyRotation]") -> None:
    """Rotate keys, from when the first domain wants it. Errors: as `KeyRotation.serve`."""
    domains = components.config.current.domains.domains.values
    while not any(domain.dkim.auto_rotate for domain in domains()) and not await _has_folder(components, DNS_FOLDER):
        await sleep_by_both_clocks(LOOK_FOR_PROVIDER)
    await (await rotation.get()).serve()


def _make_host_rotation(components: Components) -> "HostKeyRotation":
    from moxlite.admin.dns.hostrotation import HostKeyRotation

    hosts, steady = components.started.acme_keys.hosts, components.files.accounts.options.steady
    return HostKeyRotation(components.config, hosts, components.network.autotls, steady=steady)


async def _rotate_host_keys(components: Components, rotation: "Lazy[HostKeyRotation]") -> None:
    """Rotate keys of hosts, from when one is wanted. Errors: as `HostKeyRotation.serve`."""
    asked = any(one.host_key_period for one in components.static.acme.values())
    states = components.static.data_dir / "acme" / hostkeys.FOLDER
    while not asked and not await _has_folder(components, DNS_FOLDER, states):
        await sleep_by_both_clocks(LOOK_FOR_PROVIDER)
    await (await rotation.get()).serve()


async def _has_folder(components: Components, *folders: str | Path) -> bool:
    """Whether there is one of these; paths are relative to the folder of moxlite.toml."""
    paths = [components.config.path.parent / folder for folder in folders]
    return await trio.to_thread.run_sync(lambda: any(path.exists() for path in paths))


async def _measure_disk(data: Path) -> None:
    """Set the gauges of the disk; what cannot be asked stays as it was."""
    try:
        usage = await trio.to_thread.run_sync(shutil.disk_usage, data)
    except OSError:
        return
    metrics.DISK_FREE.set(usage.free)
    metrics.DISK_SIZE.set(usage.total)


async def _examine(components: Components, sources: Sources) -> list[Finding]:
    """Everything, from within the server."""
    for module in ("dns.network", "doctor.examine"):
        await lazyimport.load(f"moxlite.admin.{module}")
    from moxlite.admin.dns.network import Internet
    from moxlite.admin.doctor.examination import Examination
    from moxlite.admin.doctor.examine import examine

    snapshot = components.config.current
    examination = Examination(
        snapshot=snapshot,
        path=components.config.path,
        resolver=components.network.resolver,
        network=Internet(
            components.static.hostname.ascii,
            components.network.trust,
            components.network.https_client(allow_internal=components.static.allow_private_mx),
        ),
        http=components.network.https_client(allow_internal=True),
        running=await look(sources),
        held=held_keys(components),
        signing=components.started.keys,
        read=components.started.read,
        inside=True,
    )
    findings = await examine(examination)
    sent = await try_mail(sources)
    return in_order(findings + sent.findings)


def held_keys(components: Components) -> "HeldKeys":
    """The keys that the server read before it gave up its privileges."""
    from moxlite.admin.dns.wanted import HeldKeys

    return HeldKeys(components.started.keys.key, components.started.acme_keys.hosts)


def _start_updates(components: Components) -> "UpdateWatch | None":
    """The task that looks for newer versions, where that is wanted."""
    source = components.static.updates
    if not components.static.check_updates or source is None:
        return None
    from moxlite.admin.updates import UpdateWatch

    http = components.network.https_client(allow_internal=True)
    watch = UpdateWatch(
        source,
        config=components.config,
        accounts=components.files.accounts,
        resolver=components.network.resolver,
        http=http,
    )
    components.tree.start("admin.updates", watch.serve)
    return watch


def _sources(components: Components, queue: Queue | None, updates: "UpdateWatch | None") -> Sources:
    """Facts that the doctor asks the server for."""
    return Sources(
        config=components.config,
        accounts=components.files.accounts,
        findings=components.findings,
        queue=partial(queue_state, queue),
        look_up=partial(find_waiting, queue, components.static.postmaster.account),
        update=lambda: "" if updates is None else updates.newer,
        rooms=Rooms(components.config, components.files.accounts),
        attempts=components.files.auth.attempts,
        knows=components.services.logins.attempts.counts.knows,
        weak=components.services.logins.weak,
        foreign=components.files.auth.foreign.left,
        keys=components.started.keys,
        resolver=components.network.resolver,
        reports=components.files.reports,
        helpers=components.helpers,
    )
