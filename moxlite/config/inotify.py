"""Waiting until a file may be another one, without looking again and again: inotify(7), by ctypes.

Watched are the folders in which a change can make the file's path lead to other content: its own, where editors rename
a new file over the old one, and those of all symbolic links on the way to it (NixOS, Kubernetes); and the file itself,
which may be written by another name (a container has it mounted from elsewhere, or it has a hard link).
Which these are is found anew after each change, so that a folder may go and come back. What happened in them is not
read: the waiting task looks at the file.
"""

import ctypes
import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import trio

__all__ = ["FileWatch", "folders_of"]

SETTLE: Final = 0.1
"""Seconds of quiet after a change: an editor that empties a file and then writes it is done by then."""

LONGEST_SETTLE: Final = 1.0
"""Seconds after which a change is told even if there is no quiet."""

READ_SIZE: Final = 65536
"""Octets of events taken at once; what remains wakes again."""

MAX_LINKS: Final = 40
"""Symbolic links on the way, as many as Linux follows (path_resolution(7))."""

ROUNDS: Final = 5
"""How often folders that go while they are being watched are looked for again."""

# <sys/inotify.h>
IN_MODIFY: Final = 0x2
IN_ATTRIB: Final = 0x4
IN_CLOSE_WRITE: Final = 0x8
IN_MOVED_FROM: Final = 0x40
IN_MOVED_TO: Final = 0x80
IN_CREATE: Final = 0x100
IN_DELETE: Final = 0x200
IN_DELETE_SELF: Final = 0x400
IN_MOVE_SELF: Final = 0x800
IN_ONLYDIR: Final = 0x1000000
EVENTS: Final = (
    IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_DELETE_SELF
) | IN_MOVE_SELF

REMOTE: Final = frozenset(
    {
        0x6969,  # NFS
        0x517B,  # SMB
        0xFF534D42,  # CIFS
        0xFE534D42,  # SMB2
        0x65735546,  # FUSE, virtiofs
        0x01021997,  # 9P
        0x00C36400,  # Ceph
        0x5346414F,  # AFS
        0x786F4256,  # folders shared by VirtualBox
    }
)
"""File systems that others change without this kernel's knowledge (statfs(2))."""


class FileWatch:
    """Tells when a file may have changed; a context manager.

    Until `arm` is called it watches nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        self._watches: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Watch nothing any more."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def arm(self) -> None:
        """Watch the folders that now lead to the file, and the file if there is one, and no others.

        To be called before the file is looked at: what changes after that is told by `changed`.

        Raises:
          OSError: the system has no inotify, no more of it for this user, or it would not tell all changes. Nothing is
            watched then.
        """
        try:
            if self._fd < 0:
                self._fd = _checked(_libc("inotify_init1")(os.O_NONBLOCK | os.O_CLOEXEC), self._path)
            watches = self._armed()
        except OSError:
            self.close()
            raise
        for watch in self._watches - watches:
            _libc("inotify_rm_watch")(self._fd, watch)  # fails where the folder has gone, and with it the watch
        self._watches = watches

    def _armed(self) -> set[int]:
        for _ in range(ROUNDS):
            try:
                watches = {self._add(folder, EVENTS | IN_ONLYDIR) for folder in folders_of(self._path)}
            except (FileNotFoundError, NotADirectoryError):
                continue
            with suppress(FileNotFoundError, NotADirectoryError, PermissionError):  # its folder tells when that changes
                watches.add(self._add(self._path, EVENTS))
            return watches
        raise FileNotFoundError(errno.ENOENT, "its folder comes and goes", str(self._path))

    def _add(self, path: Path, events: int) -> int:
        name = os.fsencode(path)
        buffer = ctypes.create_string_buffer(256)  # struct statfs has 120 octets, and begins with the type, a long
        _checked(_libc("statfs")(name, buffer), path)
        if ctypes.c_ulong.from_buffer(buffer).value & 0xFFFFFFFF in REMOTE:
            raise OSError(errno.EOPNOTSUPP, "a file system that others change", str(path))
        return _checked(_libc("inotify_add_watch")(self._fd, name, ctypes.c_uint32(events)), path)

    async def changed(self) -> None:
        """Sleep until something has happened in the folders, and until that seems to be over."""
        await trio.lowlevel.wait_readable(self._fd)
        latest = trio.current_time() + LONGEST_SETTLE
        while self._drain() and trio.current_time() < latest:  # noqa: ASYNC110  the system sets no event
            await trio.sleep(SETTLE)

    def _drain(self) -> bool:
        """Forget what happened; whether there was anything. A queue that ran over is told by an event, too."""
        with suppress(BlockingIOError):
            return bool(os.read(self._fd, READ_SIZE))
        return False


def folders_of(path: Path) -> set[Path]:
    """The folders that hold a file and each symbolic link on the way to it. Where the way ends, because something is
    missing, the last folder there is. Raises OSError.
    """
    found: set[Path] = set()
    here, names, links = Path("/"), [*reversed(path.absolute().parts)], 0
    while names:
        name = names.pop()
        if name == os.curdir:
            continue
        if name in (os.sep, os.pardir):
            here = here.parent if name == os.pardir else Path("/")
            continue
        try:
            target = (here / name).readlink()
        except FileNotFoundError:
            return found | {here}
        except OSError as error:
            if error.errno != errno.EINVAL:  # EINVAL: it is no link
                raise
            if not names:
                found.add(here)
            here = here / name
            continue
        found.add(here)
        links += 1
        if links > MAX_LINKS:
            return found
        names.extend(reversed(target.parts))
    return found


# Other systems have inotify, too, but another struct statfs.
_LIBRARY: Final[ctypes.CDLL | None] = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _libc(name: str) -> "ctypes._NamedFuncPointer":
    """A function of Linux's C library. Raises OSError where it has none of that name."""
    if _LIBRARY is None or not hasattr(_LIBRARY, name):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    return _LIBRARY[name]


def _checked(result: int, path: Path) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))
    return result
