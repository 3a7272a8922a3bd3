"""The state of each account name: who uses it and how long it stays open. `Accounts` has one slot for each name, and
does the upkeep of all, and begins their background tasks.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial
from typing import Final

import trio

from moxlite.heap import give_memory_back
from moxlite.store.accounts.opened import (
    CARRIER,
    KNOWN,
    LATE,
    PATIENT,
    AccountTasks,
    BackgroundTask,
    Due,
    IdleState,
    OpenAccount,
    own_dues,
    tasks_due,
)
from moxlite.store.errors import StoreError
from moxlite.store.file.database import UPKEEP
from moxlite.store.options import Options
from moxlite.supervision import Supervisor
from moxlite.wakeup import Wakeup


class Slot:
    """State of one account name.

    Attributes:
      account: the open account, None while it is closed.
      users: number of blocks that currently use it.
      idle_since: time at which the last user left (of the loop's clock).
      opened: time when it was last opened. looked: time of the last check for work in its file.
      linger: seconds to stay open without users, the longest that any user requested.
      removed: it's being removed, and can't be used anymore.
      lock: held while the account is opened, created, closed or removed.
      tasks: its background tasks, None before they start.
      left: set when the last user has left.
    """

    __slots__ = ("account", "idle_since", "left", "linger", "lock", "looked", "opened", "removed", "tasks", "users")

    def __init__(self) -> None:
        self.account: OpenAccount | None = None
        self.users = 0
        self.idle_since = 0.0
        self.opened = 0.0
        self.looked = 0.0
        self.linger = 0.0
        self.removed = False
        self.lock = trio.Lock()
        self.tasks: AccountTasks | None = None
        self.left = trio.Event()

    async def deserted(self) -> None:
        """Sleep while the account has users."""
        while self.users:
            if self.left.is_set():  # an event that is not set may have another call waiting for it
                self.left = trio.Event()
            await self.left.wait()


# Places for accounts that single operations open, such as deliveries: few at a time, however many come (STORE-8).


BRIEF: Final = 5.0
"""Seconds without users and background work after which an account is closed that only single operations have used,
such as deliveries, since it was opened.
"""

HELD: Final = 3.0
"""Seconds in use, or with work in its outbox, after which an account no longer takes a place: its operation is a long
one, or waits for another account. So no cycle of operations that wait for each other lasts.
"""

RESTING: Final = 0.05
"""Seconds without users before an account is closed for another one: a delivery uses its account three times."""

holding: Final[ContextVar[bool]] = ContextVar("moxlite.holding", default=False)
"""Whether the task has an account open: then it waits for no other one's place, since it might wait for its own."""


class Places:
    """Bounds the accounts that are open for single operations at a time.

    Args:
      slots: all accounts, as they are at the time of each call.
      close: closes an account unless it is used.
      most: number of places.

    Attributes:
      left: set when the last user of an account has left.
    """

    def __init__(self, slots: Mapping[str, Slot], close: Callable[[str], Awaitable[None]], most: int) -> None:
        self.most = most
        self.left = Wakeup()
        self._slots = slots
        self._close = close
        self._opening = 0
        self._order = trio.Lock()

    @property
    def opened(self) -> list[OpenAccount]:
        """All open accounts, by name."""
        return [slot.account for _, slot in sorted(self._slots.items()) if slot.account is not None]

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Context for opening an account, which takes the place from then on. First come, first served; the accounts
        without users that were used longest ago are closed for it.
        """
        # One at a time decides: two that found the same last place free would both take it.
        async with self._order:
            while self._opening + len(taken := self._taken()) >= self.most:
                await self._make_room(taken)
            self._opening += 1
        try:
            yield
        finally:
            self._opening -= 1

    async def vacate(self, name: str) -> None:
        """Close an account that takes a place and has no users: after work that took much memory."""
        if (slot := self._slots.get(name)) is not None and slot.linger <= BRIEF:
            await self._close(name)

    def _taken(self) -> list[tuple[float, str]]:
        """Open accounts that take places, and until when: first the ones that may be closed first."""
        now, taken = trio.current_time(), []
        for name, slot in self._slots.items():
            account = slot.account
            if account is None or slot.linger > BRIEF:
                continue
            if not slot.users and not account.carrier.waits:
                taken.append((slot.idle_since + RESTING, name))
            elif (until := (slot.opened if slot.users else slot.idle_since) + HELD) > now:
                taken.append((until, name))
        return sorted(taken)

    async def _make_room(self, taken: list[tuple[float, str]]) -> None:
        """Close the first account, or wait until another one may be."""
        self.left.clear()
        now = trio.current_time()
        until, name = taken[0] if taken else (math.inf, "")
        if until <= now:
            await self._close(name)
        else:
            with trio.move_on_at(min(until, now + RESTING)):  # the end of an opening, or of an outbox, sets no event
                await self.left.wait()


# Beginning background tasks of accounts that no session uses: one task looks at all of them, a while after work has
# come, as most are closed again by then, or need only one look for many messages.


LOOK: Final = 1.0
"""Seconds between work for a background task that can wait, and its begin."""


class Beginner:
    """Begins the background tasks of open accounts.

    Args:
      slots: all accounts, as they are at the time of each look.
      options: of all accounts.
      behind: called with the name of an account that has to catch up, and the number of rows that were changed.

    Attributes:
      dues: what tells of tasks whether they have work, by name.
      rests: closed accounts whose next opening need not ask that.
    """

    def __init__(self, slots: Mapping[str, Slot], options: Options, behind: Callable[[str, int], None]) -> None:
        self._slots = slots
        self._behind = behind
        self._tasks: dict[str, BackgroundTask] = {}
        self.dues = own_dues(options)
        self.rests: dict[str, IdleState] = {}
        self._wakeup = Wakeup()

    def register(self, name: str, task: BackgroundTask, due: Due) -> None:
        """See `Accounts.register_task`."""
        self._tasks[name] = task
        self.dues[name] = due
        self.rests.clear()
        for slot in self._slots.values():
            if slot.tasks is not None:
                slot.tasks.add(name, task)
                slot.tasks.begin([name])

    def begin(self, slot: Slot, tree: Supervisor) -> None:
        """Begin the tasks of an account that was opened, those that have work unless it is for a session."""
        if slot.tasks is None and slot.account is not None:
            account, tasks = slot.account, AccountTasks(slot.account, self._tasks, tree)
            tasks.begin(account.due - PATIENT if slot.linger <= BRIEF else tasks.names)
            self._want(tasks, account.due & PATIENT, 0)
            account.want = partial(self._want, tasks)
            slot.tasks = tasks  # set last: closing waits for their end, and an ended supervisor does not start them

    async def end(self, name: str, slot: Slot, account: OpenAccount) -> None:
        """End the tasks of an account that is being closed."""
        tasks = slot.tasks
        if tasks is not None:
            await tasks.stop()
            if tasks.wanted & LATE:
                self._behind(name, tasks.rows)
            if tasks.rest:
                self.rests[name] = IdleState(account.bus.modseq, frozenset(tasks.wanted - LATE), slot.looked)
            slot.tasks = None

    def known(self, name: str, slot: Slot) -> IdleState | None:
        """Take the state in which an account was closed, if its opening need not look for work; note the last look."""
        rest, now = self.rests.pop(name, None), trio.current_time()
        if rest is not None and now - rest.looked >= KNOWN:
            rest = None
        slot.looked = now if rest is None else rest.looked
        return rest

    def look_again(self) -> None:
        """See `Accounts.look_again`."""
        self.rests.clear()
        for slot in self._slots.values():
            if slot.tasks is not None:
                self._want(slot.tasks, slot.tasks.names, 0)

    def _want(self, tasks: AccountTasks, names: Collection[str], rows: int) -> None:
        """Note that an account's tasks may have work, as so many rows were changed. The outbox is processed
        immediately.
        """
        tasks.rows += rows
        for name in names:
            if tasks.runs(name):
                continue
            if name == CARRIER:
                tasks.begin([name])
            else:
                tasks.wanted.add(name)
                self._wakeup.set()

    async def run(self) -> None:
        """Begin tasks that have work, for ever. Errors: propagate; the next start looks at all accounts again."""
        self._wakeup.set()
        while True:
            await self._wakeup.wait()
            await trio.sleep(LOOK)
            self._wakeup.clear()
            for name, slot in list(self._slots.items()):
                async with slot.lock:
                    if slot.account is not None and slot.tasks is not None and slot.tasks.wanted:
                        await self._begin_wanted(name, slot.account, slot.tasks, brief=slot.linger <= BRIEF)

    async def _begin_wanted(self, name: str, account: OpenAccount, tasks: AccountTasks, *, brief: bool) -> None:
        wanted, tasks.wanted = tasks.wanted, set()
        if late := wanted & LATE:
            wanted -= late
            rows, tasks.rows = tasks.rows, 0
            if brief:
                self._behind(name, rows)
            else:
                tasks.begin(late)
        dues = {task: due for task, due in self.dues.items() if task in wanted}
        if dues:
            try:
                # By the writer, which the work has begun: a reader's connection would be made for this alone.
                wanted = {*await account.database.write(lambda tx: tasks_due(name, tx, dues))}
            except StoreError:
                pass  # all of them: they meet the same error, which is told then
            tasks.begin(wanted)


# The upkeep of all open accounts: their databases, subscribers that have fallen silent, accounts without users
# (STORE-8, STORE-10). It sleeps while no account is used and no work is left, so idle sessions cause no wakeups.


logger = logging.getLogger("moxlite.store.accounts")

CROWDED_PAUSE: Final = 0.3
"""Seconds between two rounds that only close accounts, while mail comes for many of them."""


class AccountUpkeep:
    """The task that looks after the accounts of one data directory.

    Args:
      slots: all accounts, as they are at the time of each round.
      close_idle: closes accounts that have no users any more.

    Attributes:
      wakeup: set when an account is used, or its last user leaves.
      crowded: set when more accounts are open than a round should find; the next one does not wait for its time.
    """

    def __init__(self, slots: Mapping[str, Slot], close_idle: Callable[[], Awaitable[None]]) -> None:
        self._slots = slots
        self._close_idle = close_idle
        self.wakeup = Wakeup(is_set=True)
        self.crowded = Wakeup()

    async def run(self) -> None:
        """Look after all accounts every `UPKEEP` seconds, until cancelled.

        Errors: propagate; the next start looks at all accounts again.
        """
        self.wakeup.set()
        while True:
            await self.wakeup.wait()
            await self._sleep()
            self.wakeup.clear()
            for slot in list(self._slots.values()):
                async with slot.lock:
                    if slot.account is not None:
                        slot.account.bus.close_silent()
                        await _keep_up(slot.account)
            await self._close_idle()
            if give_memory_back.owed:
                await trio.to_thread.run_sync(give_memory_back)
            if give_memory_back.owed or not all(map(rests, self._slots.values())):
                self.wakeup.set()

    async def _sleep(self) -> None:
        """Sleep for `UPKEEP` seconds; close accounts meanwhile as often as they are too many."""
        end = trio.current_time() + UPKEEP
        while (left := end - trio.current_time()) > 0:
            with trio.move_on_after(left):
                await self.crowded.wait()
            if self.crowded.is_set:
                self.crowded.clear()
                await self._close_idle()
                await trio.sleep(CROWDED_PAUSE)


async def _keep_up(account: OpenAccount) -> None:
    try:
        await account.database.upkeep()
    except (StoreError, OSError) as error:  # the upkeep of the other accounts goes on
        logger.error("account database maintenance failed", extra={"kv": {"account": account.name, "err": str(error)}})


def rests(slot: Slot) -> bool:
    """Whether upkeep has nothing to do for an account until it is used again or its last user leaves."""
    account = slot.account
    if account is None:
        return True
    heard = account.bus.acknowledged >= account.bus.modseq  # else a subscriber may have fallen silent
    return bool(slot.users) and heard and account.database.resting
