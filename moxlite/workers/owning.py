"""No account is open in two processes: the one that opens it has flock(2) on its folder until it has closed it.

The kernel gives the lock back when the process has ended in any way, so accounts of a dead worker are free, and those
of one that hangs are not, until it has ended. The lock belongs to the open folder, which no other process gets: it is
opened after the fork, and closed in programs that are executed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import trio

from moxlite.store.accounts.accounts import Opener
from moxlite.store.accounts.folders import make_folder
from moxlite.store.accounts.opened import Due, IdleState, OpenAccount
from moxlite.store.errors import StorageBusy
from moxlite.store.file.boundary import Boundary
from moxlite.store.options import Options

LOCKS: Final = Path("/proc/locks")
"""All file locks of the machine, see proc(5): ``1: FLOCK  ADVISORY  WRITE 708 08:01:4711 0 EOF``."""

FIELDS: Final = ("number", "kind", "mode", "access", "pid", "place", "start", "end")
"""Fields of a line of a lock that is held."""


class OwnedElsewhere(StorageBusy):
    """Another process has the account open. Nothing was changed."""

    def __init__(self, account: str, pid: int | None) -> None:
        who = f"process {pid}" if pid else "another process"
        super().__init__(f"account {account} is locked by {who}")
        self.pid = pid


class OwningOpener(Opener):
    """Opens accounts that no other process has open. `open` also raises OwnedElsewhere."""

    def __init__(self, options: Options, edge: Boundary, dues: Mapping[str, Due]) -> None:
        super().__init__(options, edge, dues)
        self._locks: dict[OpenAccount, int] = {}
        """Descriptors of the locked folders."""

    async def open(self, folder: Path, rest: IdleState | None = None) -> OpenAccount:
        """As `Opener.open`."""
        with self._edge:
            lock = await trio.to_thread.run_sync(lock_folder, folder)
        try:
            account = await super().open(folder, rest)
        except BaseException:
            os.close(lock)
            raise
        self._locks[account] = lock
        return account

    async def close(self, account: OpenAccount) -> None:
        """As `Opener.close`; other processes may then open it."""
        lock = self._locks.pop(account)
        try:
            await super().close(account)
        finally:
            os.close(lock)


def lock_folder(folder: Path) -> int:
    """Lock the folder of an account, which is made if it's new; returns the descriptor that holds the lock. Blocking.

    Raises:
      OwnedElsewhere: another process has the lock.
      Errors of `make_folder`, OSError.
    """
    import fcntl  # Windows has none, and all modules load there

    while True:
        make_folder(folder)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(folder, descriptor):
                return descriptor
        except BlockingIOError:
            pid = _holder(os.fstat(descriptor))
            os.close(descriptor)
            raise OwnedElsewhere(folder.name, pid) from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # the account was removed meanwhile, and may have been made anew


def _is_at(folder: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(folder.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _holder(status: os.stat_result) -> int | None:
    """The process that has locked a file; None if it has ended, or is in another namespace."""
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    with suppress(OSError):
        for line in LOCKS.read_text().splitlines():
            if len(fields := line.split()) == len(FIELDS) and (fields[1], fields[5]) == ("FLOCK", place):
                return int(fields[4]) or None
    return None
