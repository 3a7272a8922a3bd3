"""The calls about the machine and the process: own addresses and transports (WEB-87), the log, configuration files,
metrics and backups (WEB-88).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from ipaddress import ip_address
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
import trio
from msgspec import Meta

from moxlite.admin.dns.wanted import own_ips
from moxlite.admin.doctor.running import standby_findings
from moxlite.admin.ownlistings import ListingResult, watched_zones
from moxlite.config.domains import Domains, Route
from moxlite.config.load import ConfigError, read_source
from moxlite.config.masking import masked_table, masked_text
from moxlite.config.snapshot import Snapshot
from moxlite.config.static import Static
from moxlite.config.toml.edit import text_of
from moxlite.config.transports import Transport
from moxlite.config.values import Section
from moxlite.mailauth.iprev import check as check_reverse
from moxlite.metrics import Metric, metrics as all_metrics
from moxlite.net import metrics
from moxlite.net.dnssec.resolver import validating
from moxlite.net.limits import IPAddress
from moxlite.net.log import LEVELS, LogLine, in_file, levels, of_connection
from moxlite.net.resolver import Resolver
from moxlite.operations.server import BackedUp, BackUp, SetLogLevels
from moxlite.store import metrics as store_metrics
from moxlite.store.errors import BackupError
from moxlite.supervision import FailurePolicy
from moxlite.web.admin.calls.common import AdminCalls
from moxlite.web.admin.types import (
    BackupRun,
    Backups,
    ConfigFile,
    Level,
    LevelName,
    LevelOrNone,
    Listing,
    LogFound,
    Logged,
    MetricRow,
    MetricSample,
    OwnAddresses,
    ReverseName,
    SecondMachine,
    SnapshotRow,
    TransportRow,
)
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import APIError, FieldError, FieldErrors, NotFound, Unavailable, UserError

Word = Annotated[str, Meta(max_length=320)]

NOT_ASKED: Final = "localserve doesn't contact other servers."

AT_A_TIME: Final = 20
"""Look-ups that run at a time."""

Method: TypeAlias = Literal["submissions", "submission", "smtp", "socks", "direct", "fail"]
METHODS: Final[tuple[Method, ...]] = ("submissions", "submission", "smtp", "socks", "direct", "fail")


class NetworkCalls(AdminCalls):
    """How others see this server, and by which ways its mail goes out."""

    _lookups: trio.CapacityLimiter | None = None

    @call()
    async def own_addresses(self, caller: Caller) -> OwnAddresses:
        """The addresses by which others know this server, with the last result of each block list."""
        await trio.lowlevel.checkpoint()
        snapshot, listings = self._server.config(), self._server.process.listings
        ips = own_ips(snapshot)
        refusing = {zone.ascii for listener in snapshot.static.listeners.values() for zone in listener.smtp.dnsbls}
        return OwnAddresses(
            hostname=snapshot.static.hostname.ascii,
            known=ips is not None,
            asks=self._server.external is not None,
            ips=[str(ip) for ip in ips or ()],
            refusing=sorted(refusing),
            listings=[
                _listing(zone, ip, listings.known(zone, ip)) for zone in watched_zones(snapshot) for ip in ips or ()
            ],
        )

    @call()
    async def listing_check(self, caller: Caller, zone: Word, ip: Word) -> Listing:
        """Query a block list that is watched, for an own address; takes up to a minute."""
        self._outside()
        snapshot = self._server.config()
        wanted = _address(ip)
        if zone not in watched_zones(snapshot) or wanted not in (own_ips(snapshot) or ()):
            raise NotFound("This block list isn't monitored for this address.")
        async with self._limit:
            return _listing(zone, wanted, await self._server.process.listings.ask(zone, wanted))

    @call()
    async def reverse_lookup(self, caller: Caller, ip: Word) -> ReverseName:
        """The reverse names of an address that lead back to it, as other mail servers want; takes up to a minute."""
        resolver, wanted = self._outside(), _address(ip)
        async with self._limit:
            rev_result = await check_reverse(validating(resolver), wanted)
        return ReverseName(
            ip=str(wanted),
            status=rev_result.status.value,
            name=rev_result.name,
            names=list(rev_result.names),
            problem=rev_result.problem,
            authentic=rev_result.authentic,
        )

    @call()
    async def transport_list(self, caller: Caller) -> list[TransportRow]:
        """The transports of moxlite.toml, without passwords, and where routes choose them."""
        await trio.lowlevel.checkpoint()
        snapshot = self._server.config()
        used: dict[str, list[str]] = {}
        for place, route in _routes(snapshot):
            used.setdefault(route.transport, []).append(place)
        return [
            _transport(name, transport, used.get(name, []))
            for name, transport in sorted(snapshot.static.transports.items())
        ]

    @property
    def _limit(self) -> trio.CapacityLimiter:
        if self._lookups is None:
            self._lookups = trio.CapacityLimiter(AT_A_TIME)
        return self._lookups

    def _outside(self) -> Resolver:
        if self._server.external is None:
            raise Unavailable(NOT_ASKED)
        return self._server.external.resolver


def _address(text: str) -> IPAddress:
    try:
        return ip_address(text.strip())
    except ValueError:
        raise FieldErrors([FieldError("ip", "isn't a valid IP address")]) from None


def _listing(zone: str, ip: IPAddress, asked: ListingResult | None) -> Listing:
    if asked is None:
        return Listing(zone=zone, ip=str(ip), status="unknown")
    dnsbl_result = asked.result
    return Listing(
        zone=zone,
        ip=str(ip),
        status=dnsbl_result.status.value,
        at=round(asked.at * 1e6),
        explanation=dnsbl_result.explanation,
        problem=dnsbl_result.problem,
    )


def _transport(name: str, transport: Transport, used: list[str]) -> TransportRow:
    method: Method = next((word for word in METHODS if getattr(transport, word) is not None), "direct")
    settings = masked_table(transport).get(method, {})
    return TransportRow(name=name, method=method, settings=settings, used=used)


def _routes(snapshot: Snapshot) -> Iterator[tuple[str, Route]]:
    """All routes, each with the words for its place."""
    domains = snapshot.domains
    yield from (("all mail", route) for route in domains.routes)
    for domain, settings in domains.domains.items():
        yield from ((f"domain {domain}", route) for route in settings.routes)
    for account, one in domains.accounts.items():
        yield from ((f"account {account}", route) for route in one.routes)


LogWord = Annotated[str, Meta(max_length=200)]

MAX_LINES: Final = 500
"""Lines of an answer; the newest ones."""

NAMES: Final[dict[int, LevelName]] = {number: name for name, number in LEVELS.items()}  # type: ignore[misc]  # its keys are the words

RECEIVED_ID: Final = re.compile(r"[A-Za-z0-9_-]{22}")
CID: Final = re.compile(r"[0-9a-f]{1,16}")


class LogCalls(AdminCalls):
    """The log of the running server."""

    @call()
    async def log_levels(self, caller: Caller) -> list[Level]:
        """The levels in force: of all packages, and of each package, "" where it has none of its own."""
        await trio.lowlevel.checkpoint()
        found = levels()
        return [Level(name, _level(found.get(name, ""))) for name in ("", *sorted(metrics.PACKAGES))]

    @call(confirm=True)
    async def log_level_set(self, caller: Caller, pkg: LogWord, level: LevelOrNone) -> None:
        """Set the level of a package, or of all with `pkg` ""; the level "" removes a package's own. A restart of
        the server ends it.
        """
        await self._perform(SetLogLevels({pkg: level}))

    @call()
    async def log_of(self, caller: Caller, received_id: LogWord) -> LogFound:
        """The lines of a connection, by the id in a Received header or an error page, or by its connection id."""
        wanted = received_id.strip()
        cid = int(wanted, 16) if CID.fullmatch(wanted) else None
        if cid is None and RECEIVED_ID.fullmatch(wanted):
            cid = self._server.process.cid_of(wanted)
            if cid is None:
                raise FieldErrors([FieldError("received_id", "doesn't belong to this server")])
        if cid is None:
            text = "must be a 22-character ID or a connection ID"
            raise FieldErrors([FieldError("received_id", text)])
        return await self._find(of_connection(cid), lambda line: True, f"{cid:x}")

    @call()
    async def log_recent(self, caller: Caller, least: LevelName = "info", words: LogWord = "") -> LogFound:
        """The newest lines of a level or a graver one that have all of these words."""
        parts = [one.casefold() for one in words.split()]

        def wanted(line: LogLine) -> bool:
            folded = line.text.casefold()
            return (line.level >= LEVELS[least] or line.level == 0) and all(part in folded for part in parts)

        await trio.lowlevel.checkpoint()
        return self._in_memory(wanted, "")

    async def _find(self, pattern: re.Pattern[str], wanted: Callable[[LogLine], bool], cid: str) -> LogFound:
        """Search the log file if there is one, else the lines in memory."""
        path = self._server.process.log.path
        problem = ""
        if path is not None:
            try:
                lines, whole = await trio.to_thread.run_sync(partial(in_file, path, pattern, MAX_LINES))
                return LogFound(
                    cid=cid,
                    lines=[_logged(line) for line in lines],
                    file=str(path),
                    since=0,
                    whole=whole,
                    problem="",
                )
            except OSError as error:
                problem = f"{path}: {error.strerror or error}"
        found = self._in_memory(lambda line: pattern.search(line.text) is not None and wanted(line), cid)
        return LogFound(cid=cid, lines=found.lines, file="", since=found.since, whole=False, problem=problem)

    def _in_memory(self, wanted: Callable[[LogLine], bool], cid: str) -> LogFound:
        lines = self._server.process.log.recent.lines()
        found = [line for line in lines if wanted(line)][-MAX_LINES:]
        since = round(lines[0].created * 1e6) if lines else 0
        return LogFound(cid=cid, lines=[_logged(one) for one in found], file="", since=since, whole=False, problem="")


def _logged(line: LogLine) -> Logged:
    return Logged(round(line.created * 1e6), NAMES.get(line.level, "" if line.level == 0 else "error"), line.text)


def _level(name: str) -> LevelOrNone:
    return NAMES[LEVELS[name]] if name in LEVELS else ""


MAX_TEXT: Final = 256 * 1024
"""Characters of a file that are shown."""

MAX_OBJECTS: Final = 50
"""Accounts, and domains, among the values that are shown at a time."""

MAX_SAMPLES: Final = 200
"""Values of one metric that are shown."""


class ProcessCalls(AdminCalls):
    """The configuration in use, and what the process counts."""

    @call()
    async def config_file(
        self, caller: Caller, file: Literal["moxlite.toml", "domains.toml"], search: Word = ""
    ) -> ConfigFile:
        """A configuration file as text and as effective values, without secrets. Of accounts and domains those whose
        name contains `search` are among the values, at most 50 of each.
        """
        holder, snapshot = self._server.holder, self._server.config()
        section: Section
        if file == "moxlite.toml":
            path, section = holder.path, snapshot.static
        else:
            path, section = holder.domains_path, snapshot.domains
        text, problem, current = "", "", True
        try:
            source = await trio.to_thread.run_sync(read_source, path)
            text = source.text
            current = file == "moxlite.toml" or source.revision == snapshot.revision
        except ConfigError as error:
            problem = error.problems[0].text
        section, left_out = _chosen(section, search.casefold())
        shown = _cut(text)
        return ConfigFile(
            path=str(path),
            text=await trio.to_thread.run_sync(masked_text, shown, Static if file == "moxlite.toml" else Domains),
            cut=len(shown) < len(text),
            problem=problem,
            current=current,
            effective=await trio.to_thread.run_sync(lambda: text_of(masked_table(section))),
            left_out=left_out,
        )

    @call()
    async def metrics(self, caller: Caller) -> list[MetricRow]:
        """All metrics by name; of histograms their sums and numbers."""
        await self._server.process.measure()
        return await trio.to_thread.run_sync(_rows)


def _chosen(section: Section, search: str) -> tuple[Section, int]:
    """The section with some of its domains and accounts, and the number of those left out."""
    if not isinstance(section, Domains):
        return section, 0
    left_out = 0
    found: dict[str, dict[str, Any]] = {"domains": {}, "accounts": {}}
    for kind, objects in found.items():
        names = [name for name in getattr(section, kind) if search in name.casefold()]
        objects.update((name, getattr(section, kind)[name]) for name in names[:MAX_OBJECTS])
        left_out += len(getattr(section, kind)) - len(objects)
    return msgspec.structs.replace(section, **found), left_out


def _cut(text: str) -> str:
    """The beginning of a long text, up to a table."""
    if len(text) <= MAX_TEXT:
        return text
    end = text.rfind("\n[", 0, MAX_TEXT)
    # At a table, so that what is masked below reads valid TOML: a secret cut in half would not be known for one.
    return text[: end + 1] if end >= 0 else text[:MAX_TEXT]


def _rows() -> list[MetricRow]:
    return [_row(metric) for metric in sorted(all_metrics(), key=lambda metric: metric.name)]


def _row(metric: Metric) -> MetricRow:
    counts: dict[tuple[tuple[str, str], ...], int] = {}
    found: list[tuple[Mapping[str, str], float]] = []
    for suffix, labels, value in metric.samples():
        if suffix == "_count":
            counts[tuple(labels.items())] = round(value)
        elif suffix != "_bucket":
            found.append((labels, value))
    shown = found[:MAX_SAMPLES]
    kind: Any = metric.kind
    return MetricRow(
        name=metric.name,
        kind=kind,
        about=metric.about,
        samples=[MetricSample(dict(labels), value, counts.get(tuple(labels.items()), 0)) for labels, value in shown],
        left_out=len(found) - len(shown),
    )


MAX_LISTED: Final = 200
"""Snapshots that are listed, the newest."""

MAX_SNAPSHOT_LINES: Final = 50
"""Lines of each kind that are kept of a run."""

LIST_SECONDS: Final = 20.0
"""Seconds that a target may take to list its snapshots."""


class BackupCalls(AdminCalls):
    """Backups of the whole server, and its second machine."""

    _backup: BackupRun | None = None

    @call()
    async def backups(self, caller: Caller) -> Backups:
        """The snapshots in the repository of the configuration, newest first; takes up to 20 seconds."""
        settings = self._server.config().static.backup
        snapshots, problem = await self._snapshots()
        interval = settings.schedule
        return Backups(
            target="" if settings.target is None else str(settings.target),
            interval=0 if interval is None else round(interval * 1e6),
            keep_daily=settings.keep_daily,
            keep_weekly=settings.keep_weekly,
            encrypted=bool(settings.encrypt_to),
            # The newest snapshot may lack something: it counts only where nothing else is known.
            last=round(store_metrics.BACKUP_LAST_SUCCESS.value * 1e6)
            or max((one.created for one in snapshots), default=0),
            running=self._server.process.backups.running,
            run=self._backup,
            snapshots=snapshots[:MAX_LISTED],
            problem=problem,
        )

    @call()
    async def second_machine(self, caller: Caller) -> SecondMachine:
        """How far the second machine is, as `moxlite standby status` tells it."""
        static = self._server.config().static
        if static.standby.target is None:
            return SecondMachine("", lease=False, well=False, words=[])
        from moxlite.admin.standby.layout import STATE, State, read_document
        from moxlite.admin.standby.status import first_words

        found = await trio.to_thread.run_sync(read_document, static.data_dir / STATE, State)
        findings = await trio.to_thread.run_sync(standby_findings, static)
        words = first_words(found, time.time())
        return SecondMachine(str(static.standby.target), static.standby.lease, not findings, words)

    @call(confirm=True, once=True)
    async def backup_run(self, caller: Caller) -> None:
        """Begin a backup to the target of the configuration. `backups` tells how it goes."""
        await trio.lowlevel.checkpoint()
        settings = self._server.config().static.backup
        if settings.target is None:
            raise UserError("To back up this server, set backup.target in moxlite.toml first.")
        if self._server.process.backups.running or (self._backup is not None and self._backup.ended == 0):
            raise Unavailable("A backup is already running.")
        target = str(settings.target)
        self._backup = BackupRun(began=time.time_ns() // 1000)

        async def work() -> None:
            await self._make(target)

        self._server.process.tree.start("admin.backup-now", work, FailurePolicy.ONCE)

    async def _make(self, target: str) -> None:
        assert self._backup is not None
        began = self._backup.began
        # What the page sees if this task is cancelled, for the run must never look as if it went on.
        done = BackedUp(0, 0, 0, errors=["The backup was stopped."])
        try:
            done = await self._perform(BackUp(target, repo=True))
        except APIError as error:
            done = msgspec.structs.replace(done, errors=[error.text])
        finally:
            self._backup = BackupRun(
                began=began,
                ended=time.time_ns() // 1000,
                octets=done.octets,
                stored=done.stored,
                errors=done.errors[:MAX_SNAPSHOT_LINES],
                warnings=done.warnings[:MAX_SNAPSHOT_LINES],
                left_out=done.left_out[:MAX_SNAPSHOT_LINES],
            )

    async def _snapshots(self) -> tuple[list[SnapshotRow], str]:
        """The snapshots, and why they cannot be listed."""
        from moxlite.store.backup.packs import exists
        from moxlite.store.backup.repository import Repository  # 0.3 MB

        target = self._server.config().static.backup.target
        if target is None:
            return [], ""
        commands = self._server.process.backups
        with trio.move_on_after(LIST_SECONDS):
            try:
                if not await commands.at_storage(target, exists):
                    return [], ""
                snapshot_infos = await commands.at_storage(target, Repository.infos)
            except (BackupError, OSError) as error:
                return [], str(error)
            return [
                SnapshotRow(
                    snapshot_info.id,
                    snapshot_info.created,
                    -1 if snapshot_info.files is None else snapshot_info.files,
                    -1 if snapshot_info.octets is None else snapshot_info.octets,
                )
                for snapshot_info in reversed(snapshot_infos)
            ], ""
        return [], f"{target} didn't respond within {LIST_SECONDS:.0f} seconds."
