"""The second machine takes over by itself: it watches the lease, takes it when it is over, and holds it until its
server runs (STORE-186h).

Steps, each of which can be done again after a kill: the lease names the new epoch and its owner, which is noted here
first (`Takeover`); the last changes are applied, and how far they go is noted; data and configuration are put in place;
the target's newest epoch is this one; the server starts, and holds the lease for this data directory. A take-over that
goes on fetches nothing once all is in place, for the target may have the new epoch already.
"""

from __future__ import annotations

import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import trio

from moxlite import __version__
from moxlite.admin.standby.following import Source
from moxlite.admin.standby.layout import (
    BEGINNING,
    READY,
    EpochStart,
    Head,
    Ready,
    StandbyState,
    claim,
    databases_of,
    epoch_folder,
    read_document,
)
from moxlite.admin.standby.lease import (
    RENEW,
    REQUEST,
    STOPPED,
    Lease,
    LeaseTaken,
    Watch,
    origin_of,
    renew,
    take,
    try_conditions,
)
from moxlite.config.files import write_atomically
from moxlite.encoding import to_json
from moxlite.escapes import printable
from moxlite.net.storage.objectstore import ObjectStore
from moxlite.net.storage.sftp import Login
from moxlite.proto.sshurl import ObjectURL
from moxlite.store.backup.storage import Storage
from moxlite.store.backup.verify import last_modseq, last_queued
from moxlite.store.errors import BackupError
from moxlite.wording import counted

logger = logging.getLogger("moxlite.admin.standby")

FIT_SECONDS: Final = 60.0
"""Seconds for which the other machine hears that this one could serve, without a new look: that reads the whole
configuration. Before it takes the lease it looks anyway.
"""

LOOK: Final = 2.0
"""Seconds between two looks at the lease."""

LOOK_SOON: Final = 0.2
"""Seconds between two looks while the other machine is about to hand the lease over: users wait for it."""

TAKING: Final = "taking.json"
"""In the folder of the follower: its `Takeover`."""


class Takeover(Head, frozen=True):
    """A take-over that has begun: the head that the lease is taken for. beginning: how far the last changes go, once
    they are here, and may be put in place. handed: the other machine has handed the lease over.
    """

    beginning: EpochStart | None = None
    handed: bool = False


class Candidate:
    """A second machine that may take the lease. `source` is object storage."""

    def __init__(
        self,
        source: Source,
        folder: Path,
        followed: Callable[[], StandbyState] | None = None,
        hindrance: Callable[[], str] = str,
        expect: Callable[[bool], bool | None] = lambda soon: None,
    ) -> None:
        """`followed`: state of the copy, which must have been complete once; None: it is, or a person says so.
        `hindrance`: returns why the copy cannot be put in place here, "" for nothing. `expect`:
        hears whether a take-over is near or begins, again and again; returns
        `Ready.loaded`. It may block and raise OSError.
        """
        assert isinstance(source.target, ObjectURL)
        assert not isinstance(source.access, Login)
        self._followed = followed
        self._hindrance, self._expect = hindrance, expect
        self._fit_until = 0.0
        self._told = ""
        self._stopped = False
        self._folder = folder
        self._storage = ObjectStore(source.target, folder, keys=source.access, pauses=(), seconds=REQUEST)
        self._mine: Lease | None = None
        self._version = ""
        self._writing = threading.Lock()  # `keep` goes on during `hand_over`, each in a thread
        self.watch = Watch()

    async def until_over(self) -> None:
        """Watch until the lease of the other machine is over, and take it.

        Errors: storage that does not answer is logged and asked again. Raises BackupError: it does not honour
        conditions.
        """
        problem, tried, earlier = "", False, None
        told, number = -RENEW, secrets.randbits(48)
        while True:
            try:
                if not tried:
                    await trio.to_thread.run_sync(self._try)
                    tried = True
                taken, loaded = await trio.to_thread.run_sync(self._look_ahead)
                if taken:
                    return
                if trio.current_time() - told >= RENEW or loaded != earlier:
                    told, number, earlier = trio.current_time(), number + 1, loaded
                    await trio.to_thread.run_sync(self._tell, number, loaded)
                problem = ""
            except (OSError, ValueError) as error:
                text = printable(str(getattr(error, "strerror", "") or error))[:300]
                if text != problem:
                    logger.warning("lease check failed", extra={"kv": {"err": text}})
                problem = text
            lease = self.watch.lease
            await trio.sleep(LOOK_SOON if lease is not None and lease.handing else LOOK)

    def _try(self) -> None:
        try:
            try_conditions(self._storage)
        except ConnectionError:
            raise
        except OSError as error:
            raise BackupError(str(error)) from None

    def _look_ahead(self) -> tuple[bool, bool | None]:
        """As `_look`, and `Ready.loaded`. Blocks."""
        taken = self._look()
        lease = self.watch.lease
        return taken, self._expect(taken or (lease is not None and lease.handing))

    def _look(self) -> bool:
        """Look once; whether the lease is ours. Blocks."""
        watch = self.watch
        watch.look(self._storage)
        if watch.lease is None:
            return False
        noted = read_document(self._folder / TAKING, Takeover)
        if noted is None or watch.lease.head != Head(noted.epoch, noted.owner):
            self._note_stopped(watch.lease)
            if not (watch.due or watch.lease.handed) or not self._complete():
                return False
            # Noted before the lease: killed in between, the next start knows the new head for its own, and goes on.
            noted = Takeover(watch.lease.epoch + 1, secrets.token_hex(16), handed=watch.lease.handed)
            self._note(noted)
        head = Head(noted.epoch, noted.owner)
        mine = msgspec.structs.replace(Lease.of(head, self._folder), number=watch.lease.number + 1)
        try:
            self._version = take(self._storage, mine, watch.version)
        except BlockingIOError:
            return False  # another one was quicker, or the owner has renewed it
        self._mine = mine
        logger.warning(
            "taking over", extra={"kv": {"epoch": head.epoch, "from": watch.lease.host, "age": round(watch.age)}}
        )
        return True

    def _note_stopped(self, lease: Lease) -> None:
        """Log once that the other machine was stopped on purpose."""
        if lease.stopped and not self._stopped:
            text = "the other machine was stopped manually; waiting for its return"
            logger.warning(text, extra={"kv": {"host": printable(lease.host)[:255], "seconds": STOPPED}})
        self._stopped = lease.stopped

    def _complete(self) -> bool:
        """Whether this machine could serve: the copy was complete once, else accounts would begin anew, without their
        mail; configuration and databases can be used here. Without that the other machine does better alone.
        """
        text = self._unfit()
        if text and text != self._told:
            logger.error(f"not taking over: {text}")
        self._told = text
        return not text

    def _unfit(self) -> str:
        """Why this machine could not serve; "" if it could. Blocks."""
        followed = None if self._followed is None else self._followed()
        if followed is None:
            return ""
        if not followed.current:
            return (
                f"the copy was never complete ({counted(followed.missing, 'database')} missing); to take over anyway:"
                " moxlite standby takeover --incomplete"
            )
        return followed.unfit or self._hindrance()

    def _told_unfit(self) -> str:
        """As `_unfit`, for the other machine: a copy that is fit counts as that for `FIT_SECONDS`. Blocks."""
        if time.monotonic() < self._fit_until:
            return ""
        unfit = self._unfit()
        if not unfit:
            self._fit_until = time.monotonic() + FIT_SECONDS
        return unfit

    def _tell(self, number: int, loaded: bool | None) -> None:
        """Show the other machine that this one is there. Blocks. Raises OSError."""
        lease = self.watch.lease
        epoch = lease.epoch if lease else 0
        ready = Ready(number, socket.gethostname()[:255], __version__, epoch, self._told_unfit()[:500], loaded)
        self._storage.write(READY, to_json(ready))

    @property
    def head(self) -> Head:
        """The epoch that was taken, and its owner."""
        assert self._mine is not None
        return self._mine.head

    @property
    def beginning(self) -> EpochStart | None:
        """How far the last changes go, if a take-over that was interrupted had them. Blocks."""
        noted = read_document(self._folder / TAKING, Takeover)
        return None if noted is None else noted.beginning

    @property
    def handed(self) -> bool:
        """Whether the other machine has handed the lease over: all that it acknowledged is in the target. Blocks."""
        noted = read_document(self._folder / TAKING, Takeover)
        return noted is not None and noted.handed

    def note_beginning(self, beginning: EpochStart) -> None:
        """Note how far the last changes go, before they are put in place. Blocks. Raises OSError."""
        self._note(Takeover(self.head.epoch, self.head.owner, beginning, self.handed))

    def _note(self, taking: Takeover) -> None:
        # Durable: after a power cut the lease names this machine, which must know that.
        write_atomically(self._folder / TAKING, to_json(taking), mode=0o600)

    async def keep(self) -> None:
        """Renew the lease until cancelled. Raises OSError: BlockingIOError, another process has taken it."""
        while True:
            await trio.sleep(RENEW)
            try:
                await trio.to_thread.run_sync(self._renew)
            except BlockingIOError:
                raise
            except OSError as error:
                logger.warning("lease renewal failed", extra={"kv": {"err": str(error)}})

    def _renew(self, origin: str = "") -> None:
        with self._writing:
            assert self._mine is not None
            mine = msgspec.structs.replace(self._mine, origin=origin or self._mine.origin)
            try:
                self._version, self._mine = renew(self._storage, mine, self._version)
            except LeaseTaken as error:
                raise BlockingIOError(str(error)) from None

    def hand_over(self, storage: Storage, data: Path, beginning: EpochStart) -> None:
        """Make the epoch the newest one, and the lease that of the server with this data directory. `keep` must go on
        meanwhile, as this may take longer than a lease lasts. Blocks. Raises OSError, ValueError; BlockingIOError,
        another machine has the lease: then nothing was changed.
        """
        self._renew()
        begin(storage, data, beginning, self.head)
        self._renew(origin_of(data))
        (self._folder / TAKING).unlink(missing_ok=True)


def begin(storage: Storage, data: Path, beginning: EpochStart, head: Head | None = None) -> Head:
    """Make a new epoch of a target, with the words about its beginning. Blocks. Raises OSError, ValueError."""
    head = claim(storage, data, head)
    storage.write(f"{epoch_folder(head.epoch)}/{BEGINNING}", to_json(beginning))
    return head


def beginning_of(data: Path, earlier: int) -> EpochStart:
    """How far the databases of a follower's folder are. Blocks. Raises BackupError."""
    modseqs, queued = {}, 0
    for name in databases_of(data):
        if name == "queue.db":
            queued = last_queued(data / name)
        elif name.startswith("accounts/"):
            modseqs[name.split("/")[1]] = last_modseq(data / name)
    return EpochStart(time.time(), earlier, modseqs, queued)
