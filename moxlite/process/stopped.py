"""The data directory of a stopped server, for commands that work on its files (ADMIN-19, ADMIN-37).

As root they act as the directory's owner. The files that they make (lock, logs of databases) must be usable for the
server, and a link planted by a compromised server must give access to nothing that its user could not open.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from moxlite.process.lock import DataLock
from moxlite.process.privileges import acting_as

DATA_MODE: Final = 0o750
"""Mode of a folder of data: others must not even see the names of accounts."""


@contextmanager
def stopped(data: Path) -> Iterator[None]:
    """Hold the lock of a data directory, as its owner.

    Raises:
      Locked: another process uses it.
      OSError: it cannot be used.
    """
    with as_owner(data), DataLock(data / "lock"):
        yield


@contextmanager
def as_owner(folder: Path) -> Iterator[None]:
    """Run the block as the owner of a folder if this process is root and the owner is not. Raises OSError."""
    with ExitStack() as stack:
        if os.name == "posix" and os.geteuid() == 0:
            found = folder.stat()
            if found.st_uid != 0:
                stack.enter_context(acting_as(found.st_uid, _group(found)))
        yield


def make_data(data: Path, ids: tuple[int, int] | None) -> None:
    """Make the data directory if it is missing. If root makes it, it belongs to the service user, whose `ids` these
    are. Raises OSError.
    """
    if not data.exists():
        data.mkdir(mode=DATA_MODE, parents=True)
        if ids is not None:
            os.chown(data, *ids, follow_symlinks=False)


def _group(found: os.stat_result) -> int:
    """The owner's own group, in which the owner acts: the folder's group may be root's (ADMIN-37)."""
    import pwd

    try:
        return pwd.getpwuid(found.st_uid).pw_gid
    except KeyError:
        return found.st_uid
