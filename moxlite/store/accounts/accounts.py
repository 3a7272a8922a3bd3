"""All accounts of a data directory: opened on demand, shared, trimmed, closed, created, removed (STORE-1, 8, 10, 11,
140, 166).

DATA/accounts/NAME/account.db     of each account
DATA/tmp/                         also folders of removed accounts, until their files are deleted
"""

from __future__ import annotations

import itertools
import logging
import os
import re
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import trio

from moxlite.bell import Bell, sleep_by_both_clocks
from moxlite.store import metrics
from moxlite.store.accounts.opened import OpenAccount, open_account
from moxlite.store.errors import (
    AccountExists,
    AccountRemoved,
    AccountUnknown,
    BadAccountName,
    LoginDisabled,
    StoreError,
)
from moxlite.store.file.database import UPKEEP
from moxlite.store.file.migrations import drop_old_copies
from moxlite.store.file.offload import give_memory_back
from moxlite.store.options import AccountConfig, Options
from moxlite.store.search.check import check_index
from moxlite.store.upkeep.check import Finding, check_account, quick_check
from moxlite.store.upkeep.outbox import Handler
from moxlite.store.upkeep.retention import expire

__all__ = ["Accounts", "CheckFailed", "check_account_name"]

logger = logging.getLogger("moxlite.store.accounts")

NAME: Final = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9._-]{0,63}")
"""STORE-166: nothing that a path or a log line could take for something else."""

IDLE: Final = 30.0
"""Seconds without users and background work after which an account is closed (STORE-8). To open it again takes 4 ms,
kept open it weighs 0.9 MB.
"""

MAX_OPEN: Final = 200
"""Open accounts above which those without users are closed, the longest unused first: each holds up to 1 MB of caches
and two file descriptors.
"""

NIGHT: Final = 86_400.0
"""Seconds between two rounds of purging."""

ROUND_PAUSE: Final = 0.1
"""Seconds between two accounts of a round: it is nobody's wish, so it leaves disk and writers to others."""

TASK_RETRY: Final = 60.0
"""Seconds until a background task that failed starts again: a disk that is full or broken is not mended sooner."""

DIRECTORY_MODE: Final = 0o2750
"""ADMIN-37: files made in it get its group."""

_removals: Final = itertools.count(1)


class CheckFailed(StoreError):
    """A check after the last user left found something (STORE-41); only with `Options.check_on_close`."""

    def __init__(self, name: str, findings: list[Finding]) -> None:
        super().__init__(f"account {name!r}: " + "; ".join(f"{finding.kind}: {finding.text}" for finding in findings))
        self.name = name
        self.findings = findings


def check_account_name(name: str) -> str:
    """The name, if it is one (STORE-166). Raises BadAccountName."""
    if not NAME.fullmatch(name):
        raise BadAccountName(name)
    return name


class _Slot:
    """What there is of one name: the open account, its users, its background tasks."""

    __slots__ = ("account", "idle_since", "left", "lock", "removed", "scope", "stopped", "tasks", "users")

    def __init__(self) -> None:
        self.account: OpenAccount | None = None
        self.users = 0
        self.idle_since = 0.0
        self.removed = False
        # Held while the account is opened, created, closed or removed.
        self.lock = trio.Lock()
        self.scope: trio.CancelScope | None = None
        self.stopped = trio.Event()
        self.tasks: trio.Nursery | None = None
        self.left = trio.Event()


BackgroundTask = Callable[[OpenAccount], Awaitable[None]]


class Accounts:
    """The accounts below `directory`, the data directory. `serve` runs beside all use of it in a server; tools may do
    without.
    """

    def __init__(self, directory: Path, options: Options | None = None) -> None:
        self.directory = directory
        self.options = options or Options()
        self._slots: dict[str, _Slot] = {}
        self._handlers: dict[str, Handler] = {}
        self._tasks: list[BackgroundTask] = []
        self._nursery: trio.Nursery | None = None
        self._unclean: list[str] = []
        self._unclean_bell = Bell()
        self._upkeep_bell = Bell(rung=True)
        self._closed = False

    # What others plug in

    def register_outbox(self, kind: str, handler: Handler) -> None:
        """Have rows of `outbox` of that kind carried over by `handler` (STORE-189a): idempotent by `OutboxRow.key`,
        done within a minute.
        """
        self._handlers[kind] = handler
        for slot in self._slots.values():
            if slot.account is not None:
                slot.account.carrier.want()

    def register_task(self, task: BackgroundTask) -> None:
        """Have `task(account)` run while an account is open; it ends by cancellation."""
        self._tasks.append(task)
        for slot in self._slots.values():
            if slot.tasks is not None and slot.account is not None:
                slot.tasks.start_soon(_guard, task, slot.account)

    # Names

    def path(self, name: str) -> Path:
        """The folder of an account. Raises BadAccountName."""
        return self.directory / "accounts" / check_account_name(name)

    def exists(self, name: str) -> bool:
        """Whether the account has files, and is not being removed."""
        slot = self._slots.get(name)
        return (slot is None or not slot.removed) and (self.path(name) / "account.db").exists()

    def names(self) -> list[str]:
        """All accounts that have files, sorted."""
        folder = self.directory / "accounts"
        if not folder.is_dir():
            return []
        return sorted(path.name for path in folder.iterdir() if NAME.fullmatch(path.name) and self.exists(path.name))

    def broken(self) -> dict[str, str]:
        """The open accounts that are degraded, each with the reason (STORE-158)."""
        health = {
            name: slot.account.database.health.broken for name, slot in self._slots.items() if slot.account is not None
        }
        return {name: reason for name, reason in health.items() if reason}

    # Use

    @asynccontextmanager
    async def use(self, name: str, *, check_login: bool = False) -> AsyncIterator[OpenAccount]:
        """The account, open for as long as the block lasts; created at its first use when the configuration has it
        (STORE-8).

        Raises:
          BadAccountName, AccountUnknown, AccountRemoved.
          LoginDisabled: with `check_login`, when the configuration says so.
          What opening its database raises: SchemaTooNew, StorageBroken, StorageFull, …
        """
        config = self._config(name)
        slot = self._slot(name)
        if check_login and config.login_disabled:
            raise LoginDisabled(config.login_disabled)
        slot.users += 1
        try:
            account = await self._open(name, slot)
            yield account
        finally:
            slot.users -= 1
            slot.idle_since = trio.current_time()
            if slot.users == 0:
                self._upkeep_bell.ring()
                await self._left(name, slot)

    async def create(self, name: str) -> None:
        """Make the account's files and first mailboxes if there are none (STORE-11). Raises as `use`."""
        async with self.use(name):
            pass

    async def remove(self, name: str) -> None:
        """Remove the account with all its files: subscribers get AccountClosing, and when the last user has left, the
        folder goes (STORE-140).

        The caller has noted the removal in auth.db before, and takes the row away after; at start it calls this again
        for the rows that it finds. From the call on nobody can open the account; when this returns, its folder has left
        `accounts/` and a new account of that name may be made.

        Raises:
          AccountUnknown: there is nothing to remove.
        """
        folder = self.path(name)
        slot = self._slots.setdefault(name, _Slot())
        if slot.account is None and not await trio.to_thread.run_sync(folder.exists):
            raise AccountUnknown(name)
        slot.removed = True
        if slot.account is not None:
            slot.account.bus.close("the account is being removed")
        # Users end by the event just told; each has its own deadline for that.
        while slot.users:
            if slot.left.is_set():  # else another call waits for it
                slot.left = trio.Event()
            await slot.left.wait()
        async with slot.lock:
            await self._close(name, slot)
            if self._slots.get(name) is not slot or not await trio.to_thread.run_sync(folder.exists):
                raise AccountUnknown(name)  # it was removed twice at once
            moved = self.directory / "tmp" / f"removed-{name}-{os.getpid()}-{time.time_ns()}-{next(_removals)}"
            await trio.to_thread.run_sync(_move, folder, moved)
        self._slots.pop(name, None)
        logger.info("account removed", extra={"kv": {"account": name}})
        # The account is gone by now; what a kill leaves of this lies in tmp/, which is emptied at start.
        await trio.to_thread.run_sync(shutil.rmtree, moved)

    async def adopt(self, name: str, folder: Path) -> None:
        """Take `folder`, made elsewhere on the same disk, as that of the account, which must have none (STORE-197).

        Raises BadAccountName, AccountExists, AccountRemoved.
        """
        target = self.path(name)
        slot = self._slot(name)
        async with slot.lock:
            if slot.account is not None or await trio.to_thread.run_sync(target.exists):
                raise AccountExists(name)
            await trio.to_thread.run_sync(_move, folder, target)
        logger.info("account adopted", extra={"kv": {"account": name}})

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run background tasks, trim and close idle accounts, purge nightly, until cancelled; then close all
        accounts.
        """
        try:
            left = await trio.to_thread.run_sync(self.names)
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                for name, slot in self._slots.items():
                    if slot.account is not None:
                        self._start_tasks(name, slot)
                nursery.start_soon(self._upkeep)
                nursery.start_soon(self._rounds, left)
                nursery.start_soon(self._check_unclean)
                task_status.started()
        finally:
            self._nursery = None
            with trio.CancelScope(shield=True):  # bounded: units that wait, and reads that are interrupted
                await self.aclose()

    async def aclose(self) -> None:
        """Close all accounts; none can be used from now on."""
        self._closed = True
        for name, slot in list(self._slots.items()):
            async with slot.lock:
                await self._close(name, slot)

    # Inside

    def _config(self, name: str) -> AccountConfig:
        check_account_name(name)
        config = self.options.account_config(name)
        if config is None or self._closed:
            raise AccountUnknown(name)
        return config

    def _slot(self, name: str) -> _Slot:
        slot = self._slots.setdefault(name, _Slot())
        if slot.removed:
            raise AccountRemoved(name)
        return slot

    async def _open(self, name: str, slot: _Slot) -> OpenAccount:
        if slot.account is None:
            async with slot.lock:
                if slot.removed:
                    raise AccountRemoved(name)
                if slot.account is None:
                    slot.account = await self._open_now(name)
                    slot.account.database.on_use = self._upkeep_bell.ring
                    self._upkeep_bell.ring()
                    metrics.ACCOUNTS_OPEN.inc()
                    self._start_tasks(name, slot)
                    if slot.account.database.unclean:
                        self._unclean.append(name)
                        self._unclean_bell.ring()
        else:
            await trio.lowlevel.checkpoint()
        return slot.account

    async def _open_now(self, name: str) -> OpenAccount:
        folder = self.path(name)
        await trio.to_thread.run_sync(_make_folder, folder)
        return await open_account(name, folder / "account.db", self.options, self._handlers)

    def _start_tasks(self, name: str, slot: _Slot) -> None:
        if self._nursery is not None and slot.scope is None and slot.account is not None:
            slot.scope = trio.CancelScope()
            slot.stopped = trio.Event()
            self._nursery.start_soon(self._run_tasks, slot, slot.account, slot.scope, name=f"account {name}")

    async def _run_tasks(self, slot: _Slot, account: OpenAccount, scope: trio.CancelScope) -> None:
        try:
            with scope:
                async with trio.open_nursery() as slot.tasks:
                    for task in (_erase, _carry, _train, _index, *self._tasks):
                        slot.tasks.start_soon(_guard, task, account)
        finally:
            slot.tasks = None
            slot.stopped.set()

    async def _left(self, name: str, slot: _Slot) -> None:
        """The last user of an account has left."""
        slot.left.set()
        account = slot.account
        if account is None or slot.removed or not self.options.check_on_close:
            return
        with trio.CancelScope(shield=True):  # for tests only, whose own time limit bounds it
            findings = await account.scan(lambda r: check_account(r, deep=True, idle=True), op="check")
            findings += await check_index(account, deep=True)
        if findings:
            raise CheckFailed(name, findings)

    async def _close(self, name: str, slot: _Slot) -> None:
        """Close an account that nobody uses; with its lock held."""
        account = slot.account
        if account is None:
            return
        slot.account = None  # who comes now waits for the lock, and opens it anew
        with trio.CancelScope(shield=True):  # bounded: tasks that are cancelled, units that wait, interrupted reads
            if slot.scope is not None:
                slot.scope.cancel()
                await slot.stopped.wait()
                slot.scope = None
            metrics.ACCOUNTS_OPEN.dec()
            await account.aclose()
        logger.debug("account closed", extra={"kv": {"account": name}})

    async def _upkeep(self) -> None:
        """One clock for all accounts. It stands still while none is used and all is done: idle sessions wake nobody."""
        while True:
            await self._upkeep_bell.wait()
            await trio.sleep(UPKEEP)
            self._upkeep_bell.quiet()
            for slot in list(self._slots.values()):
                async with slot.lock:
                    if slot.account is not None:
                        slot.account.bus.close_silent()
                        await slot.account.database.upkeep()
            await self._close_idle()
            if give_memory_back.owed:
                await trio.to_thread.run_sync(give_memory_back)
            if give_memory_back.owed or not all(map(_rests, self._slots.values())):
                self._upkeep_bell.ring()

    async def _close_idle(self) -> None:
        """Close accounts that nobody uses, and beyond 200 open ones the longest unused (STORE-8)."""
        idle = sorted(
            (slot.idle_since, name) for name, slot in self._slots.items() if slot.account is not None and not slot.users
        )
        excess = sum(slot.account is not None for slot in self._slots.values()) - MAX_OPEN
        for number, (since, name) in enumerate(idle):
            if number < excess or trio.current_time() - since >= IDLE:
                slot = self._slots.get(name)
                if slot is None:
                    continue  # another call was here meanwhile
                async with slot.lock:
                    busy = slot.account is not None and slot.account.database.idle < IDLE and number >= excess
                    if not slot.users and not busy:
                        await self._close(name, slot)
                if slot.account is None and not slot.users and not slot.removed and self._slots.get(name) is slot:
                    del self._slots[name]

    async def _rounds(self, names: list[str]) -> None:
        """Open each account once after start, for what the last run left to do (STORE-189a), and then each night to
        purge (STORE-27); `names` are those of the first round.
        """
        while True:
            for name in names:
                if self.options.account_config(name) is None:
                    continue  # files of an account that was taken out of the configuration: left alone
                try:
                    async with self.use(name) as account:
                        await account.tend()
                        await expire(account, time.time_ns() // 1000)
                        await account.settle()
                        await trio.to_thread.run_sync(drop_old_copies, account.directory)
                except StoreError as error:
                    logger.error("account not tended", extra={"kv": {"account": name, "err": str(error)}})
                await self._close_idle()
                await trio.sleep(ROUND_PAUSE)
            await sleep_by_both_clocks(NIGHT)
            names = await trio.to_thread.run_sync(self.names)

    async def _check_unclean(self) -> None:
        """Check files that were not closed, one at a time (STORE-10)."""
        while True:
            await self._unclean_bell.wait()
            self._unclean_bell.quiet()
            while self._unclean:
                name = self._unclean.pop(0)
                try:
                    async with self.use(name) as account:
                        findings = await account.scan(quick_check, op="quick_check")
                        if findings:
                            account.database.health.damaged(findings[0].text)
                except StoreError as error:
                    logger.error("account not checked", extra={"kv": {"account": name, "err": str(error)}})


def _rests(slot: _Slot) -> bool:
    """Whether upkeep has nothing to do for an account before it is used again, or its last user leaves."""
    account = slot.account
    if account is None:
        return True
    heard = account.bus.acknowledged >= account.bus.modseq  # else somebody may have fallen silent
    return bool(slot.users) and heard and account.database.resting


async def _erase(account: OpenAccount) -> None:
    await account.eraser.run()


async def _carry(account: OpenAccount) -> None:
    await account.carrier.run()


async def _train(account: OpenAccount) -> None:
    await account.trainer.run()


async def _index(account: OpenAccount) -> None:
    await account.indexer.run()


async def _guard(task: BackgroundTask, account: OpenAccount) -> None:
    """Run a background task, again and again if it fails: a broken account must not end the server, nor stop its own
    other tasks.
    """
    while True:
        try:
            return await task(account)
        except Exception as error:
            # The one guard of background work, as each connection has one: the task may be another room's, or meet a
            # broken disk.
            logger.error(
                "background task failed",
                exc_info=None if isinstance(error, StoreError) else error,
                extra={
                    "kv": {
                        "account": account.name,
                        "err": f"{type(error).__name__}: {error}",
                        "retry_seconds": TASK_RETRY,
                    }
                },
            )
        await trio.sleep(TASK_RETRY)


def _make_folder(folder: Path) -> None:
    """Make the folder of an account, with the modes of ADMIN-37."""
    folder.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    if not folder.exists():
        folder.mkdir()
        folder.chmod(DIRECTORY_MODE)  # mkdir leaves out the set-group-id bit


def _move(folder: Path, moved: Path) -> None:
    moved.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    folder.rename(moved)
    for path in (folder.parent, moved.parent):
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)  # a power loss must not bring the account back
        finally:
            os.close(handle)
