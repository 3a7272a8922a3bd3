"""The first machine's side of the lease: renewing it, and acknowledging nothing without it (STORE-186g).

`LeaseStatus` is asked by the writer of each database before a group commit and after it, in memory. `HoldingTask` takes
the lease before a database is opened, and renews it. A thread of its own ends the process at last, even if the event
loop hangs.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import trio

from moxlite import __version__
from moxlite.admin.standby import control, metrics
from moxlite.admin.standby.layout import (
    FOLLOWER,
    HANDED,
    SOCKET,
    HandoverState,
    HeldLease,
    NotOurs,
    Ready,
    check_own,
    claim,
    databases_of,
    epoch_folder,
    is_database,
    read_ready,
)
from moxlite.admin.standby.lease import (
    END,
    LIFETIME,
    RENEW,
    REQUEST,
    SILENT,
    Elapsed,
    Lease,
    LeaseTaken,
    Watch,
    read_lease,
    renew,
    take,
    try_conditions,
)
from moxlite.config.static import Standby
from moxlite.encoding import to_json
from moxlite.escapes import printable
from moxlite.net.storage.objectstore import ObjectStore
from moxlite.net.storage.sftp import Login
from moxlite.process.backuptargets import login_for
from moxlite.process.errors import REPLACED, Replaced, StartFailed
from moxlite.process.keys import Read
from moxlite.proto.sshurl import ObjectURL
from moxlite.store.errors import BackupError, NoLease

logger = logging.getLogger("moxlite.admin.standby")

RETRY: Final = 2.0
"""Seconds until a renewal that failed is tried again."""

BEGIN: Final = 30.0
"""Seconds for which a start tries to take the lease."""

EARLIER: Final = 5.0
"""Seconds before the end at which the server begins to stop."""

LOOK: Final = 0.5
"""Seconds between two looks: at what the second machine says, and, in a thread of its own, at the age of the lease. The
server ends within them, whatever its event loop does.
"""

SEEN: Final = 25.0
"""Seconds in which the second machine must show that it is there: it does each `RENEW` seconds."""

COPY: Final = 10.0
"""Seconds for the rest of one database, when the lease is handed over."""

COPIES: Final = 8
"""Databases whose rest is copied at a time."""

NOTICE: Final = 2.0
"""Seconds in which the second machine notices that the lease is about to be handed over: it looks each two."""

LOADING: Final = 20.0
"""Seconds in which the second machine's server loads: a start of the program takes 7 s on a small machine that is busy.
Without it that server begins later, and users wait for its start.
"""

TAKEN: Final = 5.0
"""Seconds in which the second machine takes a lease that was handed over, as this server ends."""

ANSWER: Final = 0.5
"""Seconds in which the answer reaches who handed the lease over, before the server ends."""


class CannotHandOver(Exception):
    """The lease is not handed over, and this server goes on; the text says why, and what to do."""


class LeaseStatus:
    """Whether this machine holds the lease. Any thread may ask. Until the first renewal it does not.

    Attributes:
      taken: a sentence when another machine has the lease, or may take it; "" else. It is final.
      replaced: the other machine has it as another epoch, so that this one has nothing to start again for.
      handing: this machine is about to hand the lease over, and acknowledges nothing.
      handed: the other machine may take the lease from now on, so this process ends when it is over.
      problem: why the last renewal failed, "" if it did not.
      stops: without the lease nothing is acknowledged, even if no other machine is known to have it.
      renewed_at: seconds UTC of the last renewal, for people; 0 for none.
    """

    def __init__(self, data: Path, *, stops: bool) -> None:
        """See the attributes."""
        self._data = data
        self.stops = stops
        self._renewed: Elapsed | None = None
        self._began = Elapsed()
        self.renewed_at = 0.0
        self.taken = ""
        self.replaced = False
        self.handing = self.handed = False
        self.problem = "the lease hasn't been acquired yet"

    def renewed(self, sent: Elapsed) -> None:
        """A renewal that was sent at a moment has succeeded."""
        self._renewed, self.problem = sent, ""
        self.renewed_at = time.time() - sent.seconds

    @property
    def left(self) -> float:
        """Seconds for which changes may be acknowledged; 0 or less for none."""
        return -1.0 if self.taken or self.handing or self._renewed is None else SILENT - self._renewed.seconds

    @property
    def until_end(self) -> float:
        """Seconds until the process must end."""
        if self.taken:
            return 0.0
        if not self.stops and not self.handed:
            return LIFETIME
        return END - (self._renewed or self._began).seconds

    def __call__(self, path: Path) -> None:
        """Raise NoLease if no change of a database may be acknowledged now."""
        if self.left > 0 or (not self.stops and not self.taken and not self.handing):
            return
        try:
            name = path.relative_to(self._data).as_posix()
        except ValueError:
            return
        if is_database(name):
            metrics.REFUSED.inc()
            reason = (
                self.taken or self.problem or ("the lease was handed over" if self.handing else "the lease expired")
            )
            raise NoLease(f"this machine doesn't hold the lease: {reason}")


class HoldingTask:
    """Takes the lease before anything is opened, and renews it while the server runs."""

    def __init__(self, settings: Standby, data: Path, read: Read) -> None:
        self.holding = LeaseStatus(data, stops=settings.lease_lost == "stop")
        self._settings = settings
        self._data = data
        self._read = read
        self._storage: ObjectStore | None = None
        self._version: str | None = None
        self._mine: Lease | None = None
        self._earlier: Watch | None = None
        self._look_now = trio.Event()
        self._renewing = trio.Lock()
        self._announced = False  # a handover has begun, and renewals say so

    def note(self) -> str:
        """A line for ``/readyz``."""
        holding = self.holding
        if holding.taken or holding.problem:
            return f"lease: {holding.taken or holding.problem}"
        return "lease: held"

    def state(self) -> HeldLease:
        """The lease, for people."""
        holding, now = self.holding, time.time()
        silent = now + holding.left if holding.stops else 0.0
        end = now + holding.until_end if holding.stops else 0.0
        return HeldLease(holding.renewed_at, silent, end, holding.problem, holding.taken)

    def clock_set(self) -> None:
        """Renew now: the clock was set, or the machine has slept."""
        self._look_now.set()

    async def begin(self) -> None:
        """Take the lease, in `BEGIN` seconds, or when that of an earlier process of this identity is over.

        Raises StartFailed: `Replaced`, another machine has it; the storage does not answer, or is no place for a lease.
        """
        until = trio.current_time() + BEGIN
        while not await self._renew():
            holding = self.holding
            if holding.taken:
                raise (Replaced if holding.replaced else StartFailed)(holding.taken)
            if self._earlier is None and trio.current_time() > until:
                if not holding.stops:
                    return
                raise StartFailed(f"standby.lease: can't acquire the lease: {holding.problem}")
            await trio.sleep(RETRY)
        logger.info("lease acquired", extra={"kv": {"target": str(self._settings.target)}})

    async def serve(self, shut_down: Callable[[], None]) -> None:
        """Renew until cancelled. `shut_down` begins the end of the server.

        Errors: failures of the storage are logged, told by `note`, and tried again. Others come out.
        """
        done, held, ending = threading.Event(), True, False
        threading.Thread(target=self._guard, args=(done,), name="lease guard", daemon=True).start()
        try:
            while True:
                self._look_now = trio.Event()
                good = await self._renew()
                if self.holding.until_end < EARLIER and not ending:
                    if self.holding.handing:
                        await trio.sleep(ANSWER)
                    else:
                        text = "shutting down: this machine doesn't hold the lease"
                        logger.critical(text, extra={"kv": {"err": self.note()}})
                    shut_down()
                    ending = True
                acknowledges = self.holding.left > 0
                if acknowledges != held:
                    text = (
                        "changes are acknowledged again" if acknowledges else "changes can't be acknowledged: no lease"
                    )
                    logger.warning(text, extra={"kv": {"err": self.holding.problem}})
                    held = acknowledges
                with trio.move_on_after(RENEW if good else RETRY):
                    await self._look_now.wait()
        except trio.Cancelled:
            with trio.CancelScope(shield=True):  # bounded by the requests of a renewal
                await self._say_stopped()
            raise
        finally:
            done.set()

    async def _say_stopped(self) -> None:
        """Say in the lease that this server ends on purpose: the machine that follows gives it time to come back."""
        holding = self.holding
        async with self._renewing:
            if self._mine is not None and not (holding.taken or holding.problem):
                self._mine = msgspec.structs.replace(self._mine, stopped=True)
                await self._renew_now()

    async def was_replaced(self) -> bool:
        """Whether another machine has the lease as another epoch. One that was handed over, and that no one has taken
        in `TAKEN` seconds, may come back to this machine.
        """
        holding = self.holding
        with trio.move_on_after(TAKEN):
            while holding.handed and not holding.replaced:
                with contextlib.suppress(OSError, ValueError, BackupError):
                    there = await trio.to_thread.run_sync(lambda: read_lease(self._opened()))
                    holding.replaced = there is not None and self._mine is not None and there[1].head != self._mine.head
                await trio.sleep(LOOK)
        return holding.replaced

    async def hand_over(self) -> Ready:
        """Give the lease to the machine that follows, and end this server (STORE-186l).

        That machine has shown that it is there, hears that it is to look often, and gets most of what is left to copy.
        From then on nothing is acknowledged; the rest is copied; then the lease says so. Until then a failure changes
        nothing. After it the lease may be taken, so this server acknowledges nothing more whatever the storage answers,
        and ends, at the latest when its lease is over.

        Raises CannotHandOver: this server goes on.
        """
        if self.holding.handing or self._announced:
            raise CannotHandOver("a switchover is already in progress")
        done, self._announced = False, True
        try:
            ready = await self._follower()
            await self._renew()  # says so
            await trio.sleep(NOTICE)
            if ready.loaded is not None:
                await self._until_loaded()
            await self._copy_rest()  # while changes are acknowledged, so that clients wait for little more
            # Commits that began before are done, or refused by their second question, when the rest is copied.
            self.holding.handing = True
            handed = to_json(HandoverState(await self._copy_rest()))
            async with self._renewing:
                if self._mine is None or self.holding.taken or self.holding.problem:
                    raise CannotHandOver(
                        f"this server doesn't hold the lease: {self.holding.taken or self.holding.problem}"
                    )
                name = f"{epoch_folder(self._mine.epoch)}/{HANDED}"
                await trio.to_thread.run_sync(lambda: self._opened().write(name, handed))
                self._mine = msgspec.structs.replace(self._mine, handed=True)
                done = self.holding.handed = True
        except OSError as error:
            text = printable(str(error.strerror or error))[:300]
            raise CannotHandOver(f"the target is missing the latest changes: {text}") from None
        finally:
            self.holding.handing = self._announced = done
        with trio.CancelScope(shield=True):  # bounded by the end of the process
            while True:
                if await self._renew() or self.holding.taken:
                    break
                await trio.sleep(RETRY)
        self.holding.taken = self.holding.taken or f"the lease was handed over to {ready.host}"
        logger.warning("lease handed over", extra={"kv": {"to": ready.host, "target": self._settings.target}})
        self._look_now.set()
        return ready

    async def _follower(self) -> Ready:
        """The machine that follows, once it was seen to be there. Raises CannotHandOver."""
        first: Ready | None = None
        with trio.move_on_after(SEEN):
            while True:
                try:
                    ready = await trio.to_thread.run_sync(lambda: read_ready(self._opened()))
                except (OSError, ValueError, BackupError) as error:
                    raise CannotHandOver(f"{self._settings.target}: {printable(str(error))[:300]}") from None
                if ready is not None and first is not None and ready != first:
                    return self._fit(ready)
                first = ready if first is None else first
                await trio.sleep(LOOK)
        raise CannotHandOver(
            "automatic failover isn't ready; start `moxlite standby follow --take-over` on the standby server, "
            "and wait until `moxlite standby status` says its copy is complete"
        )

    async def _until_loaded(self) -> None:
        """Wait until the server of the machine that follows is loaded. A fault of the storage ends it."""
        with trio.move_on_after(LOADING), contextlib.suppress(OSError, ValueError, BackupError):
            while True:
                ready = await trio.to_thread.run_sync(lambda: read_ready(self._opened()))
                if ready is None or ready.loaded:
                    return
                await trio.sleep(LOOK)

    def _fit(self, ready: Ready) -> Ready:
        host, version = printable(ready.host)[:255], printable(ready.version)[:40]
        mine = self._mine
        if mine is None or ready.epoch != mine.epoch:
            raise CannotHandOver(f"{host} isn't following this machine yet")
        if ready.unfit:
            raise CannotHandOver(f"{host} can't take over: {printable(ready.unfit)[:300]}")
        if ready.version != __version__:
            raise CannotHandOver(
                f"version mismatch: {host} runs {version}, this machine runs {__version__}; upgrade {host} first"
            )
        return ready

    async def _copy_rest(self) -> dict[str, int]:
        """Wait until all that is committed is in the target; returns the last transaction of each database there.
        Raises OSError.
        """
        copied: dict[str, int] = {}
        problems: list[OSError] = []
        limiter = trio.CapacityLimiter(COPIES)

        async def copy(name: str) -> None:
            try:
                position = await trio.to_thread.run_sync(
                    control.sync, self._data / SOCKET, self._data / name, COPY, limiter=limiter
                )
                if not position.replicated_txid:
                    raise ConnectionError(f"Litestream didn't report its progress for {name}")
                copied[name] = position.replicated_txid
            except OSError as error:
                problems.append(error)

        async with trio.open_nursery() as nursery:
            for name in await trio.to_thread.run_sync(lambda: [*databases_of(self._data)]):
                nursery.start_soon(copy, name)
        if problems:
            raise problems[0]
        return copied

    async def _renew(self) -> bool:
        async with self._renewing:
            return await self._renew_now()

    async def _renew_now(self) -> bool:
        # From before the request: its answer may be late, and a watcher counts from when it saw the version.
        holding, sent = self.holding, Elapsed()
        if holding.taken:
            return False
        try:
            await trio.to_thread.run_sync(self._renew_once)
        except (LeaseTaken, NotOurs) as error:  # for good: what this machine would acknowledge now, the other one lacks
            # Not by a copy of this machine's disk, whose lease ends when it is switched off.
            holding.replaced = isinstance(error, NotOurs) or self._mine is None or error.lease.head != self._mine.head
            holding.taken = f"{error}; for mail that only this machine has: moxlite standby send-rest"
        except (OSError, ValueError, BackupError) as error:
            text = printable(f"{self._settings.target}: {getattr(error, 'strerror', '') or error}")[:500]
            if not holding.problem or self._version is None:
                logger.warning("lease renewal failed", extra={"kv": {"err": text}})
            holding.problem = text
        else:
            holding.renewed(sent)
        metrics.LEASE.set(max(0.0, holding.left))
        good = not (holding.taken or holding.problem)
        metrics.RENEWALS.labels("done" if good else "failed").inc()
        return good

    def _renew_once(self) -> None:
        storage = self._opened()
        if self._mine is None:
            head = check_own(storage, self._data) or claim(storage, self._data)
            self._take_first(storage, Lease.of(head, self._data))
            return
        # Storage that no longer honours conditions would let two machines renew in turn: this one looks first.
        there = read_lease(storage)
        if there is not None and there[1].holder != self._mine.holder:
            raise LeaseTaken(there[1])
        assert self._version is not None
        mine = msgspec.structs.replace(self._mine, handing=self._announced)
        self._version, self._mine = renew(storage, mine, self._version)

    def _take_first(self, storage: ObjectStore, mine: Lease) -> None:
        """Take the lease for this process. An earlier process of this data directory has ended, for it held the lock
        there; that of any other one must be over: of a copy of this data directory, or of a machine that a person
        replaces.
        """
        found = read_lease(storage)
        version = None
        if found is not None:
            version, there = found
            if there.epoch >= mine.epoch and there.head != mine.head:
                raise LeaseTaken(there)
            if there.head != mine.head or there.origin != mine.origin or there.handed:
                self._earlier = self._earlier or Watch()
                self._earlier.look(storage)
                if not self._earlier.over:
                    raise TimeoutError(f"{there.host} may still be running, because the lease hasn't expired")
            mine = msgspec.structs.replace(mine, number=there.number + 1)
        self._version = take(storage, mine, version)
        self._mine, self._earlier = mine, None

    def _opened(self) -> ObjectStore:
        """The storage, once it was tried whether it honours conditions."""
        if self._storage is None:
            target = self._settings.target
            assert isinstance(target, ObjectURL)  # the configuration is checked
            keys = login_for(target, self._settings, self._read)
            assert not isinstance(keys, Login)
            folder = self._data / FOLLOWER
            folder.mkdir(mode=0o700, exist_ok=True)
            storage = ObjectStore(target, folder, keys=keys, pauses=(), seconds=REQUEST)
            try_conditions(storage)
            self._storage = storage
        return self._storage

    def _guard(self, done: threading.Event) -> None:
        """End the process when the lease has been lost for long, whatever the event loop does."""
        while not done.wait(LOOK):
            if self.holding.taken:  # nothing is acknowledged by now; sessions and files get time to end in order
                done.wait(EARLIER)
            if self.holding.until_end <= 0 and not done.is_set():
                end_process(self._data, REPLACED if self.holding.replaced else 1)
                return


def end_process(data: Path, code: int) -> None:
    """End this process, and the Litestream of its data directory, at once."""
    logger.critical("exiting: lease not held")
    # The program first: on its own it would go on to write to the folder of an epoch that has ended.
    with contextlib.suppress(OSError):
        os.kill(control.info(data / SOCKET).pid, signal.SIGKILL)
    os._exit(code)
