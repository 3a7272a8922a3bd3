"""The lease: one object of the target that says which machine may acknowledge (STORE-186g).

Theory of operation
-------------------
The owner replaces the object each `RENEW` seconds, on condition that it is as the owner left it (conditional writes of
object storage). No clock is compared with another machine's, nor with the storage's: each machine counts elapsed time.

- The owner counts from the moment *before* it sent the last renewal that succeeded: after `SILENT` seconds it
  acknowledges nothing, after `END` seconds it ends.
- A watcher counts from the moment *after* it first saw a version: when that version has been there for `LIFETIME`
  seconds, the owner's last renewal is at least as old, and the owner has ended. So a watcher that has just started
  waits a whole lifetime, and a clock that is wrong by hours, here or at the storage, changes nothing.

The watcher takes the lease by the same conditional write, so of two watchers one wins, and an owner that renews in the
last moment wins against both.

An owner that hands over (`HoldingTask.hand_over`) says so in the object, after its last acknowledgement and once all of
it is in the target; a watcher then need not wait. If no one takes it, the owner may, after a whole lifetime.

An owner that is stopped on purpose (SIGTERM) says so in its last renewal: a watcher then waits for `STOPPED` seconds.

Time in which a machine sleeps counts for the owner (`Elapsed`), not for a watcher: both err to the safe side.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

import msgspec

from moxlite.admin.standby.layout import Head
from moxlite.encoding import from_json, to_json
from moxlite.store.backup.storage import Storage

LEASE: Final = "lease.json"

# The figures stand or fall together: RENEW < SILENT < END < LIFETIME, each by more than a slow request takes.
RENEW: Final = 10.0
SILENT: Final = 40.0
END: Final = 55.0
LIFETIME: Final = 60.0
"""Seconds between two renewals; from a renewal to silence; to the owner's end; until a watcher may take the lease. The
owner ends 5 s before a watcher could begin, so that a slow end does no harm; `REQUEST` tells which failures it bears.
"""

STOPPED: Final = 600.0
"""Seconds in which a machine whose server was stopped on purpose may come back: an upgrade takes seconds, a restart of
the machine some minutes. After them the other one takes over: an orderly power-off looks the same, and mail must flow.
"""

REQUEST: Final = 8.0
"""Seconds for one request. A renewal has two, a look and a write: two fail before `SILENT`, four by the look."""

MAX_LEASE: Final = 4096
"""Octets of the object."""


class LeaseStorage(Protocol):
    """Storage with conditional writes (`net.storage.objectstore`). Methods block, try once, and raise OSError."""

    def peek(self, name: str) -> tuple[str, bytes]:
        """Version and octets of an object. Raises FileNotFoundError."""

    def swap(self, name: str, data: bytes, version: str | None) -> str:
        """Replace an object of this version, or make it (None). Raises BlockingIOError: it is another one."""

    def remove(self, names: list[str]) -> None:
        """Remove objects from the storage."""


class LeaseTaken(Exception):
    """Another machine has the lease. `lease`: its words."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(
            f"epoch {lease.epoch} belongs to another machine, {lease.host}, which may be serving, so this machine can't"
        )
        self.lease = lease


class Lease(msgspec.Struct, frozen=True):
    """The object. owner, epoch: as `Head`. holder: word of the process. origin: of its data directory, so that a
    restarted server goes on at once. host: for people. number: grows with each renewal, so that no two versions are
    the same. seconds: its lifetime. handed: the owner acknowledges nothing more, and all that it did is in the target:
    the machine that follows may take the lease at once. handing: it is about to hand over, so that machine looks often.
    stopped: the owner has ended on purpose, and may come back.
    """

    owner: str
    epoch: int
    holder: str
    origin: str
    host: str
    number: int = 0
    seconds: float = LIFETIME
    handed: bool = False
    handing: bool = False
    stopped: bool = False

    @property
    def head(self) -> Head:
        """The epoch and its owner."""
        return Head(self.epoch, self.owner)

    @classmethod
    def of(cls, head: Head, data: Path) -> Lease:
        """The lease of this process."""
        return cls(head.owner, head.epoch, secrets.token_hex(8), origin_of(data), socket.gethostname()[:255])


def origin_of(data: Path) -> str:
    """Word for a data directory on this machine. A copy of it, or a clone of the machine's disk elsewhere, has another
    one: network interfaces are not cloned. Blocks. Raises OSError.
    """
    found = data.stat()
    machine = b""
    with contextlib.suppress(OSError):
        machine = Path("/etc/machine-id").read_bytes()
    for interface in sorted(Path("/sys/class/net").glob("*/device")):  # hardware, not that of containers
        with contextlib.suppress(OSError):
            machine += (interface.parent / "address").read_bytes()
    words = f"{socket.gethostname()} {found.st_dev} {found.st_ino} {os.fspath(data.resolve())}".encode()
    return hashlib.sha256(machine + words).hexdigest()[:16]


class Elapsed:
    """Seconds since a moment, with the time in which the machine slept; a wall clock that is set forward counts, too: a
    paused virtual machine notices its pause by nothing else.
    """

    def __init__(self) -> None:
        self._steady, self._wall = steady(), time.time()

    @property
    def seconds(self) -> float:
        """Seconds until now."""
        return max(steady() - self._steady, time.time() - self._wall)


def steady() -> float:
    """Seconds of a clock that cannot be set, and that goes on while the machine sleeps (clock_gettime(2))."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def read_lease(storage: LeaseStorage) -> tuple[str, Lease] | None:
    """Version and words of the lease; None without one. Blocks. Raises OSError, ValueError: it cannot be read."""
    try:
        version, data = storage.peek(LEASE)
    except FileNotFoundError:
        return None
    try:
        return version, from_json(data[:MAX_LEASE], Lease)
    except msgspec.DecodeError as error:
        raise ValueError(f"can't read {LEASE}: {error}") from None


def was_stopped(storage: Storage) -> bool:
    """Whether the owner of a target's lease has ended on purpose. Blocks. Raises OSError."""
    try:
        return from_json(storage.read(LEASE)[:MAX_LEASE], Lease).stopped
    except (FileNotFoundError, msgspec.DecodeError):
        return False


def take(storage: LeaseStorage, mine: Lease, version: str | None) -> str:
    """Take or renew the lease that has a version, None for a new one; returns the next version. Blocks. Raises
    BlockingIOError: another process was quicker; OSError.
    """
    return storage.swap(LEASE, to_json(mine), version)


def renew(storage: LeaseStorage, mine: Lease, version: str) -> tuple[str, Lease]:
    """Renew the lease of this process, which had a version; returns the next version, and its words. Blocks. Raises
    Taken, OSError.
    """
    mine = msgspec.structs.replace(mine, number=mine.number + 1)
    try:
        return take(storage, mine, version), mine
    except BlockingIOError:
        # A renewal whose answer was lost may be done all the same; the next one goes on from there, with another
        # number: two renewals with the same octets would be one version for watchers.
        found = read_lease(storage)
        if found is None or found[1].holder != mine.holder:
            # An object that is gone counts as taken, too: a person has removed it, or the storage has lost it.
            raise LeaseTaken(found[1] if found is not None else mine) from None
        mine = msgspec.structs.replace(mine, number=found[1].number + 1)
        return take(storage, mine, found[0]), mine


def try_conditions(storage: LeaseStorage) -> None:
    """Refuse storage that does not honour conditions, by writes that must lose. Blocks. Raises OSError."""
    name = f"lease-try-{secrets.token_hex(8)}"
    # Some imitations of S3 take the header If-Match and do not look at it, which nothing but a try reveals.
    first = storage.swap(name, b"1", None)
    try:
        second = storage.swap(name, b"2", first)
        for version in (None, first):
            with contextlib.suppress(BlockingIOError):
                storage.swap(name, b"3", version)
                raise OSError(
                    "can't use this storage for a lease: conditional writes aren't supported; set standby.lease = "
                    "false, or use another storage"
                )
        if storage.peek(name) != (second, b"2"):
            raise OSError("can't use this storage for a lease: reads return outdated objects")
    finally:
        with contextlib.suppress(OSError):
            storage.remove([name])


class Watch:
    """A watcher's view of the lease: the version that is there, and for how long it has been seen."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._version: str | None = None
        self._since = clock()
        self.lease: Lease | None = None

    def look(self, storage: LeaseStorage) -> None:
        """Look at the lease. Blocks. Raises OSError, ValueError; the time goes on then, for the version may be the
        same, and taking it is conditional.
        """
        found = read_lease(storage)
        version, self.lease = (None, None) if found is None else found
        if version != self._version:
            self._version, self._since = version, self._clock()

    @property
    def version(self) -> str | None:
        """The version that was seen last."""
        return self._version

    @property
    def age(self) -> float:
        """Seconds for which the version has been seen."""
        return self._clock() - self._since

    @property
    def over(self) -> bool:
        """Whether there is a lease, and it is over."""
        return self.lease is not None and self.age >= LIFETIME

    @property
    def due(self) -> bool:
        """Whether the machine that follows should take the lease over: it is over, and an owner that was stopped on
        purpose has not come back.
        """
        return self.over and self.lease is not None and (not self.lease.stopped or self.age >= STOPPED)
