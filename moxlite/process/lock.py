"""One server per data directory (ADMIN-41, STORE-164)."""

import os
import sys
from pathlib import Path
from types import TracebackType

from moxlite.safefile import open_regular


class Locked(Exception):
    """Another process has the lock. ``pid`` is its process id, None if unknown."""

    def __init__(self, path: Path, pid: int | None) -> None:
        who = f"process {pid}" if pid is not None else "another process"
        super().__init__(
            f"already running: {who} uses {path.parent}; stop it first: Ctrl-C, or `systemctl stop moxlite`"
        )
        self.path = path
        self.pid = pid


class DataLock:
    """Holds ``data/lock`` from construction until `release`, or until the process ends in any way.

    The file remains, with the process id of the last holder: removing it would let two processes lock two different
    files of that name. Raises Locked, or OSError if the file cannot be opened, is a link, or has several names.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Not emptied before it is locked: until then it has the process id of the holder, which is told.
        self._fd = open_regular(path, os.O_RDWR | os.O_CREAT)
        try:
            _lock(self._fd)
        except OSError:
            text = os.pread(self._fd, 32, 0) if hasattr(os, "pread") else b""
            os.close(self._fd)
            digits = text.strip()
            raise Locked(path, int(digits) if digits.isdigit() else None) from None
        os.ftruncate(self._fd, 0)
        os.write(self._fd, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Release the lock. May be called again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> "DataLock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


if sys.platform == "win32":
    import msvcrt

    LOCKED_BYTE = 1 << 30
    """On Windows locks are mandatory. This one is far after the text, so that the process id stays readable."""

    def _lock(fd: int) -> None:
        os.lseek(fd, LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        os.lseek(fd, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(fd: int) -> None:
        # flock(2) belongs to the open file: it goes on in the server, which forks off after the start has locked, and
        # ends with its last descriptor. A lock of fcntl(2) would be the parent's alone, and go with any close.
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
