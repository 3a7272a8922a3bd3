"""Periodic work of a running server: backups, scrub, block lists, the examination of each night.

Between `server`, which starts it, and `wiring`, whose components it is given.
"""

import shutil
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from moxlite import lazyimport
from moxlite.admin.dns.policies import PolicyWatch
from moxlite.admin.doctor.findings import Finding, in_order
from moxlite.admin.doctor.requests import Blocked, QueueState, StoppedSender, Waiting
from moxlite.admin.doctor.sources import Rooms, Sources, look, try_mail
from moxlite.admin.figures import HistoryRecorder
from moxlite.autotls import hostkeys
from moxlite.config.load import DNS_FOLDER
from moxlite.operations.queue import Filter, Page
from moxlite.queue.queue import Queue
from moxlite.store import metrics
from moxlite.store.accounts.scrubbing import scrub_weekly
from moxlite.store.errors import StoreError
from moxlite.store.mail.links import links
from moxlite.store.reports.history import QueueSample
from moxlite.wakeup import sleep_by_both_clocks
from moxlite.wiring import House

if TYPE_CHECKING:
    from moxlite.admin.dns.hostrotation import HostKeyRotation
    from moxlite.admin.dns.rotation import KeyRotation
    from moxlite.admin.dns.wanted import HeldKeys
    from moxlite.admin.doctor.nightly import Nightly
    from moxlite.admin.doctor.placement import Placement
    from moxlite.admin.doctor.signaturewatch import SignatureWatch
    from moxlite.admin.doctor.weekly import WeeklyMail
    from moxlite.admin.updates import UpdateWatch
    from moxlite.lazyimport import Late

LOOK_FOR_PROVIDER = 3600.0
"""Seconds between looks whether a domain has a DNS provider now."""


@dataclass(frozen=True)
class Examinations:
    """The server's state as the doctor asks for it, the examination of each night (None in localserve), the weekly
    mail, the tests of where mail lands (None without a queue), and the rotations of keys, whose libraries are loaded
    when the first domain or host wants it. `signatures`, `policies`: tasks that look again when the configuration has
    changed; None in localserve.
    """

    sources: Sources
    nightly: "Nightly | None"
    weekly: "Late[WeeklyMail]"
    placement: "Late[Placement] | None"
    rotation: "Late[KeyRotation]"
    host_rotation: "Late[HostKeyRotation]"
    signatures: "SignatureWatch | None" = None
    policies: PolicyWatch | None = None


def start_periodic(house: House, queue: Queue | None) -> Examinations:
    """Start the tasks."""
    static, tree = house.static, house.tree
    house.measures.append(partial(_measure_disk, static.data_dir))
    if static.backup.schedule is not None:
        from moxlite.admin.backup.rehearsal import Rehearsal
        from moxlite.admin.backup.schedule import BackupSchedule

        schedule = BackupSchedule(
            static.backup, commands=house.backups, config=house.config, accounts=house.files.accounts
        )
        tree.start("admin.backups", schedule.serve)
        rehearsal = Rehearsal(static.backup, commands=house.backups, config=house.config, accounts=house.files.accounts)
        tree.start("admin.rehearsal", rehearsal.serve)
    if static.standby.target is not None:
        from moxlite.admin.standby.replicating import Replication

        lease = house.files.lease
        state = None if lease is None else lease.state
        replication = Replication(house.config, house.backups.read, house.files.waiting, state)
        house.before_serving.append(replication.begun)
        house.notes.append(replication.note)
        tree.start("admin.standby", replication.serve)
    if static.store.scrub == "weekly":
        tree.start("store.scrub", partial(scrub_weekly, house.files.accounts, house.files.reports))
    tree.start("admin.history", HistoryRecorder(house.files.reports, partial(_queue_sample, queue)).serve)
    tree.start("admin.own-listings", house.network.listings.serve)
    updates = _start_updates(house)
    sources = _sources(house, queue, updates)
    rotation = lazyimport.Late(partial(_make_rotation, house))
    host_rotation = lazyimport.Late(partial(_make_host_rotation, house))
    weekly = lazyimport.Late(partial(_make_weekly, house, sources))
    if house.local:  # it sends nothing anywhere, and no name leads to it
        return Examinations(sources, None, weekly, None, rotation, host_rotation)
    from moxlite.admin.doctor.nightly import Nightly
    from moxlite.admin.doctor.signaturewatch import SignatureWatch

    nightly = Nightly(
        static.doctor,
        config=house.config,
        accounts=house.files.accounts,
        examine=partial(_examine, house, sources),
        http=house.network.https_client(allow_internal=True),
    )
    if static.doctor.nightly:
        tree.start("admin.doctor", nightly.serve)
    if static.doctor.weekly:
        tree.start("admin.weekly", partial(_serve_weekly, weekly))
    signatures = SignatureWatch(house.config, house.started.keys, house.network.resolver, house.files.accounts)
    tree.start("admin.signatures", signatures.serve)
    policies = PolicyWatch(house.config)
    tree.start("admin.policies", policies.serve)
    tree.start("admin.keys", partial(_rotate_keys, house, rotation))
    if any(house.started.acme_keys.hosts.values()):
        tree.start("admin.hostkeys", partial(_rotate_host_keys, house, host_rotation))
    placement = None if queue is None else lazyimport.Late(partial(_make_placement, house, queue, sources))
    if placement is not None and static.doctor.placement:
        tree.start("admin.placement", partial(_serve_placement, house, placement))
    return Examinations(sources, nightly, weekly, placement, rotation, host_rotation, signatures, policies)


def _make_weekly(house: House, sources: Sources) -> "WeeklyMail":
    from moxlite.admin.doctor.weekly import WeeklyMail

    return WeeklyMail(
        config=house.config,
        accounts=house.files.accounts,
        auth=house.files.auth,
        reports=house.files.reports,
        running=partial(look, sources),
        certificates=house.network.tls.in_use,
    )


async def _serve_weekly(weekly: "Late[WeeklyMail]") -> None:
    """Write the weekly mail. Errors: as `WeeklyMail.serve`."""
    await (await weekly.get()).serve()


def _make_placement(house: House, queue: Queue, sources: Sources) -> "Placement":
    from moxlite.admin.doctor.placement import Placement

    return Placement(
        config=house.config,
        accounts=house.files.accounts,
        keys=house.started.keys,
        submit=queue.submit,
        look_up=sources.look_up,
        current=house.links.current,
    )


async def _serve_placement(house: House, placement: "Late[Placement]") -> None:
    """Test where mail lands, from when the postmaster links a mailbox. Errors: as `Placement.serve`."""
    while not await _has_links(house):
        await sleep_by_both_clocks(LOOK_FOR_PROVIDER)
    await (await placement.get()).serve()


async def _has_links(house: House) -> bool:
    try:
        async with house.files.accounts.use(house.config.current.static.postmaster.account) as account:
            return bool(await account.read(links, op="placement"))
    except StoreError:
        return False


def _make_rotation(house: House) -> "KeyRotation":
    from moxlite.admin.dns.rotation import KeyRotation

    return KeyRotation(house.config)


async def _rotate_keys(house: House, rotation: "Late[KeyRotation]") -> None:
    """Rotate keys, from when the first domain wants it. Errors: as `KeyRotation.serve`."""
    domains = house.config.current.domains.domains.values
    while not any(one.dkim.auto_rotate for one in domains()) and not await _has_folder(house, DNS_FOLDER):
        await sleep_by_both_clocks(LOOK_FOR_PROVIDER)
    await (await rotation.get()).serve()


def _make_host_rotation(house: House) -> "HostKeyRotation":
    from moxlite.admin.dns.hostrotation import HostKeyRotation

    return HostKeyRotation(house.config, house.started.acme_keys.hosts, house.network.autotls)


async def _rotate_host_keys(house: House, rotation: "Late[HostKeyRotation]") -> None:
    """Rotate keys of hosts, from when one is wanted. Errors: as `HostKeyRotation.serve`."""
    asked = any(one.host_key_period for one in house.static.acme.values())
    states = house.static.data_dir / "acme" / hostkeys.FOLDER
    while not asked and not await _has_folder(house, DNS_FOLDER, states):
        await sleep_by_both_clocks(LOOK_FOR_PROVIDER)
    await (await rotation.get()).serve()


async def _has_folder(house: House, *folders: str | Path) -> bool:
    """Whether there is one of these; paths are relative to the folder of moxlite.toml."""
    found = [house.config.path.parent / one for one in folders]
    return await trio.to_thread.run_sync(lambda: any(one.exists() for one in found))


async def _queue_sample(queue: Queue | None) -> QueueSample | None:
    """The queue now; None while none runs. Raises StoreError."""
    if queue is None:
        return None
    now = queue.ctx.clock()
    counts = await queue.listings.counts()
    waiting = await queue.listings.list_messages(Filter(hold=False), Page(sort="queued", n=1))
    return QueueSample(now, counts.messages, counts.held, max(0, now - waiting[0].queued) if waiting else 0)


async def _measure_disk(data: Path) -> None:
    """Set the gauges of the disk; what cannot be asked stays as it was."""
    try:
        usage = await trio.to_thread.run_sync(shutil.disk_usage, data)
    except OSError:
        return
    metrics.DISK_FREE.set(usage.free)
    metrics.DISK_SIZE.set(usage.total)


async def _examine(house: House, sources: Sources) -> list[Finding]:
    """Everything, from within the server."""
    for module in ("dns.network", "doctor.examine"):
        await lazyimport.load(f"moxlite.admin.{module}")
    from moxlite.admin.dns.network import Internet
    from moxlite.admin.doctor.examination import Examination
    from moxlite.admin.doctor.examine import examine

    snapshot = house.config.current
    examination = Examination(
        snapshot=snapshot,
        path=house.config.path,
        resolver=house.network.resolver,
        network=Internet(
            house.static.hostname.ascii,
            house.network.trust,
            house.network.https_client(allow_internal=house.static.allow_private_mx),
        ),
        http=house.network.https_client(allow_internal=True),
        running=await look(sources),
        held=held_keys(house),
        signing=house.started.keys,
        read=house.started.read,
        inside=True,
    )
    found = await examine(examination)
    sent = await try_mail(sources)
    return in_order(found + sent.findings)


def held_keys(house: House) -> "HeldKeys":
    """The keys that the server read before it gave up its privileges."""
    from moxlite.admin.dns.wanted import HeldKeys

    return HeldKeys(house.started.keys.key, house.started.acme_keys.hosts)


def _start_updates(house: House) -> "UpdateWatch | None":
    """The task that looks for newer versions, where that is wanted."""
    source = house.static.updates
    if not house.static.check_updates or source is None:
        return None
    from moxlite.admin.updates import UpdateWatch

    http = house.network.https_client(allow_internal=True)
    watch = UpdateWatch(
        source, config=house.config, accounts=house.files.accounts, resolver=house.network.resolver, http=http
    )
    house.tree.start("admin.updates", watch.serve)
    return watch


def _sources(house: House, queue: Queue | None, updates: "UpdateWatch | None") -> Sources:
    async def state() -> QueueState | None:
        if queue is None:
            return None
        counts = await queue.listings.counts()
        blocks = [
            Blocked(one.meaning.meaning, one.meaning.admin, one.since / 1e6, one.times, one.host, one.reply)
            for one in queue.listings.blocks()
        ]
        stopped = [
            StoppedSender(one.stop.account, one.stop.since / 1e6, one.stop.why, one.held.messages)
            for one in await queue.listings.stopped()
        ]
        waiting = await queue.listings.list_messages(Filter(hold=False), Page(sort="queued", n=1))
        if not waiting:
            return QueueState(counts.messages, counts.held, blocks=blocks, stopped=stopped)
        first = waiting[0]
        error = first.last_result.error if first.last_result is not None else ""
        oldest = time.time() - first.queued / 1e6
        return QueueState(counts.messages, counts.held, oldest, first.recipient_address, error, blocks, stopped)

    async def look_up(message_id: str) -> Waiting | None:
        if queue is None:
            return None
        account = house.static.postmaster.account
        newest = Page(sort="queued", ascending=False)
        for one in await queue.listings.list_messages(Filter(account=account), newest):
            if one.message_id == message_id:
                return Waiting(one.attempts, one.last_result.error if one.last_result is not None else "")
        return None

    return Sources(
        config=house.config,
        accounts=house.files.accounts,
        tree=house.tree,
        faults=house.own_faults,
        orders=house.network.orders,
        queue=state,
        look_up=look_up,
        update=lambda: "" if updates is None else updates.newer,
        rooms=Rooms(house.config, house.files.accounts),
        attempts=house.files.auth.attempts,
        knows=house.services.logins.attempts.counts.knows,
        keys=house.started.keys,
        resolver=house.network.resolver,
        reports=house.files.reports,
    )
