"""Waiting until a file may have changed, without polling: inotify(7), by ctypes.

A change in one of several folders can make the file's path lead to other content. These are watched: the file's own
folder, as editors rename a new file over the old one; the folders of all symbolic links on the way to it (NixOS,
Kubernetes); and the file itself, which may be written under another name (a container mount, or a hard link).
The folders are determined again after each change, so that a folder may be removed and created again. The kind of a
change is not read: the waiting task checks the file.
"""

import ctypes
import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import trio

SETTLE: Final = 0.1
"""Seconds of quiet after a change: an editor that empties a file and then writes it has finished by then."""

LONGEST_SETTLE: Final = 1.0
"""Seconds after which a change is reported even without such quiet."""

READ_SIZE: Final = 65536
"""Octets of events read at once; the rest wakes the task again."""

MAX_LINKS: Final = 40
"""Maximum symbolic links on the way to the file, as in Linux (path_resolution(7))."""

ROUNDS: Final = 5
"""Attempts to find the folders again if they are removed while they are being watched."""

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
    """Reports when a file may have changed; a context manager.

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
        """Stop watching."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def arm(self) -> None:
        """Watch the folders that now lead to the file, and the file if it exists, and nothing else.

        To be called before the file is read: `changed` reports changes after this call.

        Raises:
          OSError: the system has no inotify, this user's limit is reached, or inotify would not report all changes.
            Nothing is watched then.
        """
        try:
            if self._fd < 0:
                self._fd = _checked(_libc("inotify_init1")(os.O_NONBLOCK | os.O_CLOEXEC), self._path)
            watches = self._armed()
        except OSError:
            self.close()
            raise
        for watch in self._watches - watches:
            _libc("inotify_rm_watch")(self._fd, watch)  # fails if the folder, and with it the watch, is gone
        self._watches = watches

    def _armed(self) -> set[int]:
        for _ in range(ROUNDS):
            try:
                watches = {self._add(folder, EVENTS | IN_ONLYDIR) for folder in folders_of(self._path)}
            except (FileNotFoundError, NotADirectoryError):
                continue
            with suppress(FileNotFoundError, NotADirectoryError, PermissionError):  # its folder reports changes of it
                watches.add(self._add(self._path, EVENTS))
            return watches
        raise FileNotFoundError(errno.ENOENT, "folder keeps disappearing", str(self._path))

    def _add(self, path: Path, events: int) -> int:
        name = os.fsencode(path)
        buffer = ctypes.create_string_buffer(256)  # struct statfs has 120 octets, and begins with the type, a long
        _checked(_libc("statfs")(name, buffer), path)
        if ctypes.c_ulong.from_buffer(buffer).value & 0xFFFFFFFF in REMOTE:
            raise OSError(errno.EOPNOTSUPP, "network file systems aren't supported", str(path))
        return _checked(_libc("inotify_add_watch")(self._fd, name, ctypes.c_uint32(events)), path)

    async def changed(self) -> None:
        """Sleep until a change in the folders, and until changes seem to be over."""
        await trio.lowlevel.wait_readable(self._fd)
        # An editor that writes in parts would have each part read, and the first ones told as mistakes.
        latest = trio.current_time() + LONGEST_SETTLE
        while self._drain() and trio.current_time() < latest:  # noqa: ASYNC110  the system sets no event
            await trio.sleep(SETTLE)

    def _drain(self) -> bool:
        """Discard the events that were reported. Returns whether there were any; a queue overflow counts as an
        event.
        """
        with suppress(BlockingIOError):
            return bool(os.read(self._fd, READ_SIZE))
        return False


def folders_of(path: Path) -> set[Path]:
    """The folders that hold a file and each symbolic link on the way to it. If a part of the way is missing, the last
    folder before it is included. Raises OSError.
    """
    paths: set[Path] = set()
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
            return paths | {here}
        except OSError as error:
            if error.errno != errno.EINVAL:  # EINVAL: it is not a link
                raise
            if not names:
                paths.add(here)
            here = here / name
            continue
        paths.add(here)
        links += 1
        if links > MAX_LINKS:
            return paths
        names.extend(reversed(target.parts))
    return paths


# Other systems have inotify, too, but another struct statfs.
_LIBRARY: Final[ctypes.CDLL | None] = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _libc(name: str) -> "ctypes._NamedFuncPointer":
    """A function of Linux's C library. Raises OSError if the library does not have it."""
    if _LIBRARY is None or not hasattr(_LIBRARY, name):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    return _LIBRARY[name]


def _checked(result: int, path: Path) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))
    return result
