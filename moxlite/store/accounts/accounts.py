"""All accounts of a data directory: opened on demand, shared, trimmed, closed, created, removed (STORE-1, 8, 10, 11,
140, 166).

DATA/accounts/NAME/account.db     of each account
DATA/made/NAME                    an empty file for each account that was made (STORE-158d)
DATA/tmp/                         also folders of removed accounts, until their files are deleted
"""

from __future__ import annotations

import itertools
import logging
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Final

import trio

from moxlite.findings import Finding
from moxlite.store import metrics
from moxlite.store.accounts.folders import NAME, check_account_name, forget_made, made_names, move_folder
from moxlite.store.accounts.opened import BackgroundTask, Due, IdleState, OpenAccount, always, open_account
from moxlite.store.accounts.rounds import Rounds
from moxlite.store.accounts.slots import BRIEF, AccountUpkeep, Beginner, Places, Slot, holding
from moxlite.store.errors import (
    AccountExists,
    AccountRemoved,
    AccountUnknown,
    LoginDisabled,
    StorageBroken,
    StorageBusy,
    StoreError,
)
from moxlite.store.file.boundary import Boundary, Edge, storage
from moxlite.store.file.transaction import Reader
from moxlite.store.options import AccountConfig, Options
from moxlite.store.upkeep.outbox import Handler
from moxlite.supervision import Supervisor

logger = logging.getLogger("moxlite.store.accounts")

IDLE: Final = 30.0
"""Seconds without users and background work after which an account with sessions is closed (STORE-8). Opening it again
takes 4 ms; an open account takes 0.9 to 2 MB.
"""

MAX_BRIEF: Final = 16
"""Accounts that single operations have open at a time, and that stay open without users: one mail to each of 200
accounts took 283 MB.
"""

MAX_OPEN: Final = 200
"""Open accounts above which those without users are closed, the longest unused first: each holds up to 1 MB of caches
and five file descriptors. A server short of descriptors has fewer.
"""

_removals: Final = itertools.count(1)


class CheckFailed(StoreError):
    """The check after the last user left has findings (STORE-41); only with `Options.check_on_close`."""

    def __init__(self, name: str, findings: list[Finding]) -> None:
        super().__init__(f"account {name!r}: " + "; ".join(map(str, findings)))
        self.name = name
        self.findings = findings


class Accounts:
    """The accounts below `directory`, the data directory. A server calls `start`; tools may do without. `opener` opens
    and closes their files.
    """

    def __init__(
        self,
        directory: Path,
        options: Options | None = None,
        *,
        max_open: int = MAX_OPEN,
        opener: type[Opener] | None = None,
    ) -> None:
        self.directory = directory
        self.options = options or Options()
        self.max_open = max_open
        self._edge = storage(Edge("accounts"))
        self._slots: dict[str, Slot] = {}
        self.places = Places(
            self._slots, partial(self._close_unused, needed=True), min(MAX_BRIEF, max(max_open // 3, 1))
        )
        self._tree: Supervisor | None = None
        self._rounds = Rounds(self)
        self._upkeep = AccountUpkeep(self._slots, self.close_idle)
        self._beginner = Beginner(self._slots, self.options, self._rounds.behind.note)
        self._opener = (opener or Opener)(self.options, self._edge, self._beginner.dues)
        self._closed = False

    # Registration of outbox handlers and background tasks

    def register_outbox(self, kind: str, handler: Handler) -> None:
        """Register the handler for outbox rows of a kind (STORE-189a). It must be idempotent by `OutboxRow.key`, and
        return within a minute.
        """
        self._opener.handlers[kind] = handler
        for slot in self._slots.values():
            if slot.account is not None:
                slot.account.carrier.want()

    def register_task(self, name: str, task: BackgroundTask, due: Due = always) -> None:
        """Have `task(account)` run while an account is open, under this name (``package.task``, see `Supervisor`); it
        ends by cancellation.

        Args:
          due: whether it has work, asked when an account is opened that no session uses.
        """
        self._beginner.register(name, task, due)

    def look_again(self) -> None:
        """Begin the tasks that have work by now in an open account, and do not run, and look into each closed one when
        it is opened: what a task looks at outside of the account has changed.
        """
        self._beginner.look_again()

    # Names

    def path(self, name: str) -> Path:
        """The folder of an account. Raises BadAccountName."""
        return self.directory / "accounts" / check_account_name(name)

    def exists(self, name: str) -> bool:
        """Whether the account was made, and is not being removed; its database may still be lost (STORE-158d).
        Blocking. Raises StorageBusy, StorageBroken.
        """
        slot = self._slots.get(name)
        with self._edge:
            return (slot is None or not slot.removed) and self.path(name).is_dir()

    def names(self) -> list[str]:
        """All accounts that were made, sorted, including accounts whose folder is lost or unreadable: `use` raises the
        reason. Blocking. Raises StorageBusy, StorageBroken.
        """
        folder = self.directory / "accounts"
        with self._edge:
            there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
            listed = [name for name in there if NAME.fullmatch(name) and _listed(self, name)]
            return sorted([*listed, *(made_names(folder) - there)])

    def broken(self) -> dict[str, str]:
        """Accounts that are degraded (STORE-158), or whose last opening failed (STORE-158d), each with the reason."""
        health = {
            name: slot.account.database.health.broken for name, slot in self._slots.items() if slot.account is not None
        }
        return {name: reason for name, reason in (self._opener.refused | health).items() if reason}

    # Use

    @asynccontextmanager
    async def use(self, name: str, *, check_login: bool = False, linger: float = BRIEF) -> AsyncIterator[OpenAccount]:
        """The account, open for as long as the block lasts; created at its first use when the configuration has it
        (STORE-8). A checkpoint only if it is not open.

        `linger`: seconds without users after which the account is closed; sessions, which come back, pass `IDLE`.
        Others wait for a place unless the task has an account open already.

        Raises:
          BadAccountName, AccountUnknown, AccountRemoved.
          LoginDisabled: with `check_login`, when the configuration says so.
          SchemaTooNew, StorageBroken, StorageBusy, StorageFull, …: its database cannot be opened.
        """
        config = self._config(name)
        slot = self._slot(name)
        if check_login and config.login_disabled:
            raise LoginDisabled(config.login_disabled)
        # Before the first wait: from here on no other task closes or removes the account under this one.
        slot.users += 1
        held = holding.get()
        try:
            with self._edge:
                account = await self._open(name, slot, limited=linger <= BRIEF and not held)
            if slot.linger <= BRIEF < linger and slot.tasks is not None:
                slot.tasks.begin(slot.tasks.names)  # they wait for what a session does
            slot.linger = max(slot.linger, linger)
            holding.set(True)
            yield account
        finally:
            holding.set(held)
            slot.users -= 1
            slot.idle_since = trio.current_time()
            if slot.users == 0:
                self._upkeep.wakeup.set()
                if slot.linger <= BRIEF and len(self._slots) > self.places.most:
                    self._upkeep.crowded.set()
                slot.left.set()
                self.places.left.set()
                if self.options.check_on_close and not slot.removed:
                    async with slot.lock:  # else it may be closed meanwhile
                        if slot.account is not None:
                            with self._edge:
                                await _check(slot.account)

    async def create(self, name: str) -> None:
        """Make the account's files and first mailboxes unless they exist (STORE-11). Raises as `use`."""
        async with self.use(name):
            pass

    async def remove(self, name: str, *, only: Callable[[Reader], bool] | None = None) -> None:
        """Remove the account with all its files: subscribers get AccountClosing, and when the last user has left, the
        folder is deleted (STORE-140). `only`: it says then, of all that these users have still done, whether the
        account may go.

        The caller writes the removal to auth.db before the call and deletes the row after it; at start it repeats the
        call for the rows that are left. From now on the account cannot be opened; when this returns, its folder is no
        longer in `accounts/` and a new account of that name may be made.

        Raises:
          AccountUnknown: there is nothing to remove.
          AccountExists: `only` says no, and the account is as it was.
          StorageBusy, StorageBroken: the account is closed, but its folder is still there; call again.
        """
        folder = self.path(name)
        with self._edge:
            slot = self._slots.setdefault(name, Slot())
            if slot.account is None and not await trio.to_thread.run_sync(folder.exists):
                await trio.to_thread.run_sync(forget_made, folder)
                raise AccountUnknown(name)
            # First of all: who comes from now on is refused, and only those who are there have to leave.
            slot.removed = True
            if slot.account is not None:
                slot.account.bus.close("the account is being deleted")
            await slot.deserted()  # the event makes the users leave; each has its own deadline for that
            async with slot.lock:
                # Both wait for the same users to leave; the second one finds nothing any more.
                gone = self._slots.get(name) is not slot or not await trio.to_thread.run_sync(folder.exists)
                fits = only is None or gone
                try:
                    if only is not None and not gone:
                        fits = await _fits(only, slot, self._opener, folder)
                finally:
                    slot.removed = fits
                    await self._close(name, slot)
                if gone:
                    raise AccountUnknown(name)  # another caller removed it at the same time
                if not fits:
                    raise AccountExists(name)
                await trio.to_thread.run_sync(forget_made, folder)
                moved = self.directory / "tmp" / f"removed-{name}-{os.getpid()}-{time.time_ns()}-{next(_removals)}"
                await trio.to_thread.run_sync(move_folder, folder, moved)
            self._slots.pop(name, None)
            self._beginner.rests.pop(name, None)
            self._opener.refused.pop(name, None)
            metrics.BROKEN.remove(name)
            logger.info("account removed", extra={"kv": {"account": name}})
        # The account is removed by now; its files are in tmp/, which is emptied at start.
        try:
            with self._edge:
                await trio.to_thread.run_sync(shutil.rmtree, moved)
        except StoreError as error:
            logger.warning(
                "failed to delete files of removed account", extra={"kv": {"account": name, "err": str(error)}}
            )

    async def adopt(self, name: str, folder: Path) -> None:
        """Make `folder`, from elsewhere on the same disk, the folder of the account, which must not exist (STORE-197).

        Raises BadAccountName, AccountExists, AccountRemoved, StorageBusy, StorageBroken.
        """
        target = self.path(name)
        slot = self._slot(name)
        with self._edge:
            async with slot.lock:
                if slot.account is not None or await trio.to_thread.run_sync(target.exists):
                    raise AccountExists(name)
                self._beginner.rests.pop(name, None)
                await trio.to_thread.run_sync(move_folder, folder, target)
        logger.info("account adopted", extra={"kv": {"account": name}})

    def start(self, tree: Supervisor) -> None:
        """Trim and close idle accounts, purge nightly, check files that were not closed, open accounts for messages
        that are due, as tasks of `tree`; and from now on run the background tasks of each open account, in a supervisor
        of its own.
        """
        self._tree = tree
        for slot in self._slots.values():
            self._beginner.begin(slot, tree)
        tree.start("store.upkeep", self._upkeep.run)
        tree.start("store.rounds", self._rounds.nightly)
        tree.start("store.unclean", self._rounds.check_unclean)
        tree.start("store.dues", self._rounds.dues.run)
        tree.start("store.behind", self._rounds.behind.run)
        tree.start("store.beginner", self._beginner.run)

    async def close_idle(self, *, room: int = 0) -> None:
        """Close accounts without users: all that were idle for as long as their users wanted, `IDLE` seconds at most,
        the longest unused ones until `room` more accounts may be opened, and until no more than `places` has are open
        that only single operations have used (STORE-8).
        """
        idle = sorted(
            (slot.idle_since, name) for name, slot in self._slots.items() if slot.account is not None and not slot.users
        )
        excess = _number_open(self._slots.values()) + room - self.max_open
        brief = [name for _, name in idle if self._slots[name].linger <= BRIEF]
        # Accounts of deliveries have a bound of their own: else a wave of mail would drive out users, who come back at
        # once.
        leaving = {*(name for _, name in idle[: max(excess, 0)]), *brief[: max(len(brief) - self.places.most, 0)]}
        for since, name in idle:
            slot = self._slots.get(name)
            if slot is None:
                continue  # another call was here meanwhile
            if name in leaving or trio.current_time() - since >= min(slot.linger, IDLE):
                await self._close_unused(name, needed=name in leaving)

    async def _close_unused(self, name: str, *, needed: bool) -> None:
        """Close an account unless it has users, or background work. `needed`: another one needs its place."""
        slot = self._slots[name]
        async with slot.lock:
            if not slot.users and not _busy(slot, needed=needed):
                await self._close(name, slot)
        if slot.account is None and not slot.users and not slot.removed and self._slots.get(name) is slot:
            del self._slots[name]

    async def aclose(self) -> None:
        """Close all accounts; none can be used from now on. Shielded from cancellation."""
        self._closed = True
        with trio.CancelScope(shield=True):  # bounded: units that wait, and reads that are interrupted
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

    def _slot(self, name: str) -> Slot:
        slot = self._slots.get(name)
        if slot is None:
            slot = self._slots[name] = Slot()
        if slot.removed:
            raise AccountRemoved(name)
        return slot

    async def _open(self, name: str, slot: Slot, *, limited: bool) -> OpenAccount:
        if slot.account is None:
            if _number_open(self._slots.values()) >= self.max_open:
                await self.close_idle(room=1)
            async with self.places.place() if limited else nullcontext(), slot.lock:
                if slot.removed:
                    raise AccountRemoved(name)
                if slot.account is None:
                    slot.account = await self._opener.open(self.path(name), self._beginner.known(name, slot))
                    slot.account.database.call_on_use(self._upkeep.wakeup.set)
                    slot.opened = trio.current_time()
                    self._upkeep.wakeup.set()
                    metrics.ACCOUNTS_OPEN.inc()
                    if self._tree is not None:
                        self._beginner.begin(slot, self._tree)
                    if slot.account.database.unclean:
                        self._rounds.note_unclean(name)
        return slot.account

    async def _close(self, name: str, slot: Slot) -> None:
        """Close an account without users; its lock is held by the caller."""
        account = slot.account
        if account is None:
            return
        slot.account = None  # a user that comes now waits for the lock, and opens it again
        slot.linger = 0.0
        with trio.CancelScope(shield=True):  # bounded: tasks that are cancelled, units that wait, interrupted reads
            await self._beginner.end(name, slot, account)
            # After its tasks have ended: they may still have changed what is due.
            self._rounds.dues.note(name, account.carrier.due)
            metrics.ACCOUNTS_OPEN.dec()
            await self._opener.close(account)
        logger.debug("account closed", extra={"kv": {"account": name}})


async def _fits(only: Callable[[Reader], bool], slot: Slot, opener: Opener, folder: Path) -> bool:
    """Ask `only` about an account that is being removed, after the last commit of its users."""
    if slot.account is None:
        slot.account = await opener.open(folder)
        metrics.ACCOUNTS_OPEN.inc()
    return await slot.account.scan(only, op="remove")


def _number_open(slots: Iterable[Slot]) -> int:
    return sum(slot.account is not None for slot in slots)


def _busy(slot: Slot, *, needed: bool) -> bool:
    """Whether an account without users must stay open.

    It must if outbox rows are in progress or waiting, or if its database was used recently. `needed`: another account
    needs the slot, so only the outbox counts.
    """
    account = slot.account
    if account is None:
        return False
    return account.carrier.waits or (not needed and account.database.idle < min(slot.linger, IDLE))


def _listed(accounts: Accounts, name: str) -> bool:
    """Whether a folder of this name is listed: also one that cannot be read, for `use` raises the reason."""
    try:
        return accounts.exists(name)
    except StorageBroken:
        return True


async def _check(account: OpenAccount) -> None:
    """Check the account's rows after its last user has left; raises CheckFailed."""
    with trio.CancelScope(shield=True):  # for tests only, whose own time limit bounds it
        from moxlite.store.search.check import check_index
        from moxlite.store.upkeep.check import check_account

        findings = await account.scan(lambda r: check_account(r, deep=True, idle=True), op="check")
        findings += await check_index(account, deep=True)
    if findings:
        raise CheckFailed(account.name, findings)


# Opening accounts: their files, made at the first use, and why some could not be opened (STORE-8, STORE-158d).


class Opener:
    """Opens the accounts of one data directory, and closes them.

    Args:
      edge: translates the errors of their folders.
      dues: what tells of background tasks whether they have work in an account.

    Attributes:
      handlers: for the outboxes, by kind of row.
      refused: accounts whose last opening failed, each with the reason.
    """

    def __init__(self, options: Options, edge: Boundary, dues: Mapping[str, Due]) -> None:
        self._options = options
        self._edge = edge
        self._dues = dues
        self.handlers: dict[str, Handler] = {}
        self.refused: dict[str, str] = {}

    async def open(self, folder: Path, rest: IdleState | None = None) -> OpenAccount:
        """Open the account of a folder, which is named after it; `rest`: what is known from its closing. Raises as
        `Accounts.use`.
        """
        name = folder.name
        try:
            with self._edge:
                account = await open_account(folder, self._options, self.handlers, self._dues, rest)
        except StorageBusy:
            raise  # the server is short of resources; the account may be sound
        except StoreError as error:
            self.refused[name] = str(error)
            raise
        self.refused.pop(name, None)
        return account

    async def close(self, account: OpenAccount) -> None:
        """Close the files of an account."""
        await account.aclose()


def account_findings(accounts: Accounts) -> list[Finding]:
    """The accounts of `Accounts.broken`, by name, and those whose text index is being made."""
    return [
        Finding(
            grade="error",
            code="account-broken",
            about=name,
            text=f"account {name}: {reason}",
            commands=(f"moxlite store check {name} --deep", f"moxlite account recover {name} --out DIR"),
        )
        for name, reason in sorted(accounts.broken().items())
    ] + [
        Finding(
            grade="note",
            code="search-preparing",
            about=account.name,
            text=f"preparing search for {account.name}: {known.indexed:,} of {known.messages:,} messages",
            commands=(f"moxlite store stats {account.name}",),
        )
        for account in accounts.places.opened
        if (known := account.search.preparation) is not None
    ]
