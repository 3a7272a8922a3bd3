"""Maintenance of stored mail, on a running server beside its other work or on the files of a stopped one: ``moxlite
store check`` (STORE-42), ``fix-counts`` and the other repairs (STORE-43), ``stats``, ``recompress``, ``reparse`` and
``reassign-threads`` (STORE-43, 59, 180, 182), ``moxlite account undelete`` (STORE-190).
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import trio

from moxlite.admin.storage.settings import compression, named_accounts, on_files, store_options
from moxlite.config.holder import ConfigHolder
from moxlite.config.snapshot import FixedConfig, Snapshot
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.operations.access import Undelete, UndeletedMail
from moxlite.operations.performing import commands
from moxlite.operations.store import (
    CheckReport,
    StoreDone,
    StoreMaintenance,
    StoreMeasure,
    StoreReassignThreads,
    StoreRecompress,
    StoreRepair,
    StoreReparse,
    StoreStats,
)
from moxlite.process.startup import VERSION
from moxlite.process.stopped import stopped
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.folders import forget_made, renew_folder, set_aside
from moxlite.store.backup.layout import DatabaseFile
from moxlite.store.backup.verify import check_database
from moxlite.store.content.body import Compression
from moxlite.store.errors import AccountUnknown, StoreError
from moxlite.store.file.boundary import Edge, storage
from moxlite.store.file.migrations import Kind, open_file
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.threads import reassign_threads
from moxlite.store.search.check import check_index
from moxlite.store.search.index import COUNT, IndexedAccount
from moxlite.store.upkeep.check import check_account
from moxlite.store.upkeep.repairs import FIXES, Fix, bump_uidvalidity, reassign_uids, repair, repair_file, undelete
from moxlite.store.upkeep.reparse import reparse
from moxlite.store.upkeep.scrub import SCRUB_RATE, body_stats, recompress

if TYPE_CHECKING:
    from moxlite.store.recover.tables import RecoveredTables


logger = logging.getLogger("moxlite.admin.storage.checks")

Maintenance: TypeAlias = Literal["recompress", "reparse", "reassign-threads"]

Tell: TypeAlias = Callable[[str], Awaitable[None]]

UNITS: Final[Mapping[Maintenance, str]] = {
    "recompress": "pieces of bodies",
    "reparse": "messages",
    "reassign-threads": "messages",
}
"""Plural nouns for the progress lines of each command."""

TELL_SECONDS: Final = 1.0
"""Seconds between two lines about the progress of one account."""

FREE: Final = "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size"


async def check_accounts(accounts: Accounts, names: list[str], *, deep: bool) -> list[CheckReport]:
    """Check accounts one after the other, each from a snapshot in a worker thread, while they stay in use.

    `deep` also reads all stored octets.
    """
    reports = []
    for name in names:
        try:
            async with accounts.use(name) as account:
                findings = await account.scan(lambda r: check_account(r, deep=deep), op="check")
                findings += await check_index(account, deep=deep)
        except StoreError as error:
            reports.append(CheckReport(name, [f"can't be opened: {error}"]))
        else:
            reports.append(CheckReport(name, [*map(str, findings)]))
    return reports


def check_stopped(snapshot: Snapshot, choose: Callable[[Accounts], list[str]], *, deep: bool) -> list[CheckReport]:
    """`check_accounts` without a server.

    Raises:
      Locked: another process uses the data directory.
      OSError: the data directory cannot be used.
    """
    return on_files(snapshot, lambda accounts: check_accounts(accounts, choose(accounts), deep=deep))


def _fix_of(request: StoreRepair) -> Fix:
    """The requested repair. Raises ValueError for an unknown verb."""
    mailbox = request.mailbox or None
    match request.verb:
        case "reassign-uids":
            return lambda tx: reassign_uids(tx, mailbox)
        case "bump-uidvalidity":
            return lambda tx: bump_uidvalidity(tx, mailbox)
        case verb if verb in FIXES:
            return FIXES[verb]
        case verb:
            raise ValueError(f"unknown repair {verb!r}")


async def repair_account(accounts: Accounts, request: StoreRepair) -> list[str]:
    """Repair an account of a running server; returns what was changed. Raises StoreError, ValueError."""
    fix = _fix_of(request)
    async with accounts.use(request.account) as account:
        return await repair(account, fix)


def repair_stopped(snapshot: Snapshot, request: StoreRepair) -> list[str]:
    """`repair_account` without a server.

    Raises:
      Locked: another process uses the data directory.
      StoreError, OSError, ValueError.
    """
    fix = _fix_of(request)
    with stopped(snapshot.static.data_dir):
        accounts = Accounts(snapshot.static.data_dir, store_options(FixedConfig(snapshot)))
        if not accounts.exists(request.account):
            raise AccountUnknown(request.account)
        path = accounts.path(request.account) / "account.db"
        return repair_file(path, {request.verb: fix}, accounts.options)


async def undelete_mail(accounts: Accounts, args: Undelete) -> UndeletedMail:
    """Restore removed messages. Raises StoreError."""
    async with accounts.use(args.account) as account:
        done = await undelete(account, accounts.directory / "tmp", since=args.since, mailbox=args.mailbox)
    return UndeletedMail(done.messages, done.damaged)


async def read_stats(accounts: Accounts, names: list[str]) -> list[StoreStats]:
    """Sizes of the accounts' mail, read one account after the other from snapshots in a worker thread."""
    return [await _stats(accounts, name) for name in names]


async def _stats(accounts: Accounts, name: str) -> StoreStats:
    try:
        async with accounts.use(name) as account:
            bodies, free = await account.scan(lambda r: (body_stats(r), _free(r)), op="stats")
            path = account.database.path
            file, index = await trio.to_thread.run_sync(_octets, path)
            indexed = await account.search.ask(lambda r: int(r.value(COUNT)), "stats") or 0
    except StoreError as error:
        return StoreStats(name, problem=str(error))
    return StoreStats(
        name,
        bodies.messages,
        bodies.logical,
        bodies.bodies,
        bodies.plain,
        bodies.stored,
        file,
        free,
        index,
        indexed=indexed,
    )


def _free(r: Reader) -> int:
    return int(r.value(FREE))


def _octets(path: Path) -> tuple[int, int]:
    """Octets of an account's database and of its search index, each with its write-ahead log."""
    sizes = {one.name: one.stat().st_size for one in path.parent.glob("*.db*") if one.is_file()}

    def of(name: str) -> int:
        return sizes.get(name, 0) + sizes.get(f"{name}-wal", 0)

    return of(path.name), of("search.db")


async def maintain(
    accounts: Accounts,
    names: list[str],
    maintenance: Maintenance,
    tell: Tell,
    *,
    target: Compression = Compression.ZSTD,
    rate: int = SCRUB_RATE,
) -> list[StoreDone]:
    """Run a maintenance command in accounts, one after the other, while they stay in use; `tell` gets a progress line
    each second.

    Args:
      target: how ``recompress`` stores bodies; it reads `rate` octets a second.
    """
    results = []
    for name in names:
        progress = _Progress(name, UNITS[maintenance], tell)
        try:
            async with accounts.use(name) as account:
                count = await _in_account(account, maintenance, progress, target, rate)
        except StoreError as error:
            results.append(StoreDone(name, 0, str(error)))
        else:
            logger.info(
                "storage maintenance finished",
                extra={"kv": {"account": name, "maintenance": maintenance, "count": count}},
            )
            results.append(StoreDone(name, count))
    return results


async def _in_account(
    account: IndexedAccount, maintenance: Maintenance, progress: "_Progress", target: Compression, rate: int
) -> int:
    match maintenance:
        case "recompress":
            return await recompress(account, target, rate=rate, tell=progress)
        case "reparse":
            return await reparse(account, force=True, tell=progress)
        case "reassign-threads":
            return await reassign_threads(account, tell=progress)


class _Progress:
    """Reports the progress in one account, at most once a second."""

    def __init__(self, account: str, unit: str, tell: Tell) -> None:
        self._account = account
        self._unit = unit
        self._tell = tell
        self._next = trio.current_time() + TELL_SECONDS

    async def __call__(self, done: int, total: int) -> None:
        """Report that `done` of `total` units are done."""
        if trio.current_time() >= self._next:
            self._next = trio.current_time() + TELL_SECONDS
            await self._tell(f"{self._account}: {done} of {total} {self._unit}")


class StoreCommands:
    """The commands ``store …`` of a running server, which the command line sends over the control socket."""

    def __init__(self, config: ConfigHolder, accounts: Accounts) -> None:
        self._config = config
        self._accounts = accounts
        self._running: set[Maintenance] = set()

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return commands(
            StoreMeasure.bind(self.stats),
            StoreRecompress.bind_stream(partial(self._maintain, "recompress")),
            StoreReparse.bind_stream(partial(self._maintain, "reparse")),
            StoreReassignThreads.bind_stream(partial(self._maintain, "reassign-threads")),
        )

    async def stats(self, args: StoreMeasure) -> list[StoreStats]:
        """Report the sizes of the mail of one account or all."""
        return await read_stats(self._accounts, named_accounts(self._config, self._accounts, args.account))

    async def _maintain(self, maintenance: Maintenance, args: StoreMaintenance, exchange: Exchange) -> list[StoreDone]:
        """Run a maintenance command. Each runs once at a time, because a second run would only repeat the work."""
        names = named_accounts(self._config, self._accounts, args.account)
        if maintenance in self._running:
            raise CommandFailed("busy", f"another `moxlite store {maintenance}` is running")
        self._running.add(maintenance)
        try:
            target = compression(self._config.current)
            return await maintain(self._accounts, names, maintenance, exchange.progress, target=target)
        finally:
            self._running.discard(maintenance)


# Checking, recovering and recreating lost or damaged databases, on the files of a stopped server (STORE-158d,
# STORE-188a): auth.db, queue.db and reports.db; the database of an account is only recreated.

SERVER_FILES: Final[Mapping[str, Kind]] = {"auth.db": Kind.AUTH, "queue.db": Kind.QUEUE, "reports.db": Kind.REPORTS}
"""The databases of the server itself whose content cannot be fetched again."""


def check_server_files(data: Path) -> list[CheckReport]:
    """Check auth.db, queue.db and reports.db, which a server may use meanwhile. Empty before the server's first start.
    Blocks.

    A missing reports.db is not an error: the next start makes it (STORE-158g).
    """
    if not (data / VERSION).exists():
        return []
    return [
        CheckReport(name, check_database(data, DatabaseFile(PurePosixPath(name), kind)))
        for name, kind in SERVER_FILES.items()
        if name != "reports.db" or (data / name).exists()
    ]


def create_server_file(snapshot: Snapshot, name: str) -> tuple[Path, Path | None]:
    """Recreate a missing or empty auth.db, queue.db or reports.db. Returns its path, and the new path of the old file's
    remains.

    Raises:
      FileExistsError: the file exists, and is not empty.
      Locked, StoreError, OSError.
    """
    data = snapshot.static.data_dir
    path = data / name
    with stopped(data), storage(Edge(str(path))):
        _refuse_if_there(path)
        aside = set_aside(data, name)
        open_file(path, SERVER_FILES[name], store_options(FixedConfig(snapshot)), create=True).close()
    return path, aside


def create_account_file(snapshot: Snapshot, name: str) -> tuple[Path, Path | None]:
    """Recreate the database of an account, as `create_server_file`, with the same exceptions."""
    data = snapshot.static.data_dir

    async def main() -> None:
        accounts = Accounts(data, store_options(FixedConfig(snapshot)))
        try:
            await accounts.create(name)
        finally:
            with trio.CancelScope(shield=True):  # bounded: one account without users
                await accounts.aclose()

    folder = Accounts(data).path(name)
    with stopped(data):
        _refuse_if_there(folder / "account.db")
        if folder.exists():
            aside = renew_folder(folder)
        else:
            aside = None
            forget_made(folder)
        trio.run(main)
    return folder / "account.db", aside


def _refuse_if_there(path: Path) -> None:
    if path.exists() and path.stat().st_size:
        raise FileExistsError(f"{path} already exists and isn't empty; recover or move the file first")


def recover_server_file(snapshot: Snapshot, name: str, out: Path) -> "RecoveredTables":
    """Save all readable content of auth.db, queue.db or reports.db into ``out/NAME``. Blocks.

    Raises:
      BadTarget: `out` is not empty.
      Locked, StoreError, OSError.
    """
    from moxlite.store.recover.tables import recover_tables  # a server does not need it

    data = snapshot.static.data_dir
    with stopped(data), storage(Edge(str(out / name))):
        return recover_tables(SERVER_FILES[name], data / name, out)
