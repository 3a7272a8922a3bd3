"""Atomic replacement of a file: readers and crashes see the old file or the new one, never a part (ADMIN-6,
ADMIN-62).
"""

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

NEW_FILE: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def write_atomically(
    path: Path,
    data: bytes,
    *,
    mode: int = 0o640,
    check: Callable[[], None] = lambda: None,
    owner: tuple[int, int] | None = None,
) -> os.stat_result:
    """Write to a new file beside, fsync, rename over `path`, fsync the directory.

    An existing file keeps its mode, and its owner where the process may give files away; a new one gets `mode`. Where
    `path` is a symbolic link, the file that it leads to is replaced, and the link stays. Returns the `stat_result` of
    the new file, as the path may lead to another file by now.

    Args:
      check: called when all is written and only the rename is left. Its exceptions are raised, and nothing is changed.
      owner: user and group of the file, which gets `mode` then; for root alone. A link at `path` is replaced, as that
        user may have planted it.

    Raises:
      OSError: the old file is as it was; nothing is left behind.
    """
    if owner is None:
        # A rename over the link would leave its file behind, such as one in a repository of the owner's.
        path = Path(os.path.realpath(path))
        with contextlib.suppress(FileNotFoundError):
            mode = path.stat().st_mode & 0o7777
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    # In the same folder, as rename(2) does not cross file systems; closed to others until it is whole.
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NEW_FILE, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            if os.name == "posix":
                if owner is None:
                    _keep_owner(file.fileno(), path)
                else:
                    os.fchown(file.fileno(), *owner)
                os.fchmod(file.fileno(), mode)  # after the owner, whose change takes set-user-id bits away (chown(2))
            # Before the rename: else a power cut may leave the new name with an empty file.
            os.fsync(file.fileno())
            written = os.fstat(file.fileno())
        check()
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_directory(path.parent)
    return written


def _keep_owner(fd: int, path: Path) -> None:
    try:
        old = path.stat()
        os.fchown(fd, old.st_uid, old.st_gid)
    except (FileNotFoundError, PermissionError):  # new, or not ours to give: then it belongs to the service user
        return


def _sync_directory(directory: Path) -> None:
    """Make the rename durable; Windows has no such call, its metadata journal does it (ADMIN-46)."""
    if os.name != "posix":
        return
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
