"""Opening files in folders that others may write: only regular files, with one name, never through a link (ADMIN-37).

A process that was taken over can plant links in its own folders; who opens a file there with more rights, or later,
must not be led elsewhere. `open_regular` refuses what is a link or has a second name. `Tree` reads and writes below one
folder, whatever names and links it meets there. `replaceable` tells of a path whether another user than root could put
something else there.
"""

import contextlib
import errno
import os
import secrets
import shlex
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, Self

FLAGS: Final = (
    getattr(os, "O_NOFOLLOW", 0)  # Windows has none of these, and links only for administrators
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)  # opening a pipe must not wait for its other end
    | getattr(os, "O_BINARY", 0)
)

MAX_DEPTH: Final = 40
"""Parts of a path below a `Tree`: a data directory has 5 at most, a key in another folder some more."""

MAX_NAME: Final = 255
"""Octets of a part of a path, as in the file systems themselves (NAME_MAX)."""

MAX_LINKS: Final = 40
"""Symbolic links on the way to a file, as in Linux's own limit (path_resolution(7))."""


def open_regular(path: Path | str, flags: int, mode: int = 0o640, *, dir_fd: int | None = None) -> int:
    """`os.open` for a regular file with one name; with O_TRUNC it is emptied only once that is sure.

    Raises:
      OSError: ELOOP for a symbolic link, EMLINK for a file with several names, ENXIO for anything but a file.
    """
    fd = os.open(path, flags & ~os.O_TRUNC | FLAGS, mode, dir_fd=dir_fd)
    try:
        _check(os.fstat(fd), path)
        if flags & os.O_TRUNC:
            os.ftruncate(fd, 0)
    except BaseException:
        os.close(fd)
        raise
    return fd


def read_regular(path: Path) -> bytes:
    """All octets of such a file. Raises as `open_regular`."""
    with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
        return file.read()


def open_file(path: Path, *, links: bool = True) -> BinaryIO:
    """Open a regular file for reading. It may have several names, as copies that a backup program links do. A pipe in
    its place is refused, and not waited for. `links`: the path may be a symbolic link.

    Raises:
      OSError: ENXIO for anything but a file, EISDIR for a folder, ELOOP for a link.
    """
    more = FLAGS & ~getattr(os, "O_NOFOLLOW", 0) if links else FLAGS
    try:
        file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | more))  # noqa: SIM115
    except OSError as error:
        if not links and error.errno == errno.ELOOP:
            error.strerror = "is a symbolic link"
        raise
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.ENXIO, "isn't a regular file", str(path))
    return file


def read_file(path: Path, *, links: bool = True) -> bytes:
    """All octets of such a file. Raises as `open_file`."""
    with open_file(path, links=links) as file:
        return file.read()


def key_file(path: Path, size: int, *, create: bool, mode: int = 0o640) -> bytes:
    """The octets of a file that holds a key. With `create` a missing one is made, with `size` random octets, and so is
    one that a process which was killed has left empty.

    Raises as `open_regular`, FileNotFoundError without `create`. The length of an old file is the caller's to check.
    """
    try:
        key = read_regular(path)
    except FileNotFoundError:
        if not create:
            raise
        key = b""
    return key if key or not create else _make_key(path, size, mode)


def _make_key(path: Path, size: int, mode: int) -> bytes:
    with os.fdopen(open_regular(path, os.O_RDWR | os.O_CREAT, mode), "r+b") as file:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX)  # other threads and processes may make it now
        key = file.read()
        if not key:
            key = secrets.token_bytes(size)
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
    return key


def check_regular(path: Path) -> None:
    """Raise as `open_regular` unless `path` is such a file, or nothing is there. The file is not opened: closing a
    second descriptor of a database would drop SQLite's locks on it (fcntl(2)).
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, "is a symbolic link", str(path))
    _check(found, path)


def _check(found: os.stat_result, path: Path | str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.ENXIO, "isn't a regular file", str(path))
    if found.st_nlink > 1:
        raise OSError(errno.EMLINK, "has multiple hard links", str(path))


def open_folder(path: Path | str, *, dir_fd: int | None = None) -> int:
    """A descriptor of a folder that is no link, to open what is in it by ``dir_fd``. Raises OSError."""
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=dir_fd)


def plain_parts(name: str) -> tuple[str, ...]:
    """The parts of a relative path that leads down only. Raises ValueError: it is absolute, has ``..``, an empty part
    or a control character, or is too long.
    """
    parts = tuple(name.split("/"))
    if len(parts) > MAX_DEPTH or not all(map(_is_plain, parts)):
        raise ValueError(f"{name[:200]!r} must be a relative path without .. or empty parts")
    return parts


def _is_plain(part: str) -> bool:
    if part in ("", ".", "..") or any(ord(one) < 0x20 or ord(one) == 0x7F for one in part):
        return False
    try:
        return len(os.fsencode(part)) <= MAX_NAME
    except UnicodeEncodeError:
        return False


class Tree:
    """A folder, held by its descriptor. Files below it are reached folder by folder through descriptors, and no link is
    followed, so that who may write there leads nowhere else. Paths are the parts of `plain_parts`.

    Args:
      folder: it exists; links on the way to it are the caller's.

    Raises OSError, as do all methods.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        """The tree, until the block ends."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the folder."""
        os.close(self._fd)

    @contextlib.contextmanager
    def new_file(self, parts: Sequence[str], mode: int, *, replace: bool = False) -> Iterator[BinaryIO]:
        """A new file to write to, with the folders above it. It is durable after the block, with exactly the
        permissions `mode` out of 0777; before, it is closed to others. With `replace`, an old file or link of that name
        goes first. Raises FileExistsError without it.
        """
        with self._parent(parts, make=True) as parent:
            if replace:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(parts[-1], dir_fd=parent)
            # O_EXCL: others who write here may have put a file or link in this place since the unlink
            fd = os.open(parts[-1], os.O_WRONLY | os.O_CREAT | os.O_EXCL | FLAGS, 0o600, dir_fd=parent)
            with os.fdopen(fd, "wb") as file:
                yield file
                file.flush()
                os.fchmod(fd, mode & 0o777)
                os.fsync(fd)
            os.fsync(parent)

    def open_file(self, parts: Sequence[str]) -> BinaryIO:
        """A regular file, for reading. It may have several names, as copies that a backup program links do."""
        with self._parent(parts, make=False) as parent:
            fd = os.open(parts[-1], os.O_RDONLY | FLAGS, dir_fd=parent)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(errno.ENXIO, "isn't a regular file", str(self._folder.joinpath(*parts)))
        return os.fdopen(fd, "rb")

    def give(self, parts: Sequence[str], uid: int, gid: int) -> None:
        """Give a regular file with one name to a user; the mode stays."""
        with self._parent(parts, make=False) as parent:
            fd = open_regular(parts[-1], os.O_RDONLY, dir_fd=parent)
            try:
                os.fchown(fd, uid, gid)
            finally:
                os.close(fd)

    @contextlib.contextmanager
    def _parent(self, parts: Sequence[str], *, make: bool) -> Iterator[int]:
        """The folder of a file; with `make`, missing folders are made, with 0750."""
        fd, place = os.dup(self._fd), self._folder
        try:
            for part in parts[:-1]:
                place /= part
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, 0o750, dir_fd=fd)
                try:
                    deeper = open_folder(part, dir_fd=fd)
                except OSError as error:
                    text = "is a symbolic link, or isn't a folder" if error.errno == errno.ENOTDIR else error.strerror
                    raise OSError(error.errno, text, str(place)) from None
                os.close(fd)
                fd = deeper
            yield fd
        except OSError as error:
            if error.filename == parts[-1]:
                error.filename = str(self._folder.joinpath(*parts))
            raise
        finally:
            os.close(fd)


def replaceable(path: Path, *, itself: bool = False) -> str:
    """Reason why other users than root could change the file at `path` or replace it: a sentence that names the
    file or folder; empty if only root can. Links are followed, and looked at like folders. Raises OSError.

    `itself`: a folder with the sticky bit is not one for what others may put into it.
    """
    return next((opening.words for opening in _openings(path, itself=itself)), "")


class Opening(NamedTuple):
    """A file or folder on the way to another, by which others than root could change that: why, and the command of root
    that ends it.
    """

    words: str
    cure: str


def openings(path: Path) -> list[Opening]:
    """All that `replaceable` tells the first of, from the top, each once. Raises OSError where it can look no further
    and has found none.
    """
    found: dict[Opening, None] = {}
    try:
        for opening in _openings(path):
            found[opening] = None
    except OSError:
        if not found:
            raise
    return list(found)


def _openings(path: Path, *, itself: bool = False) -> Iterator[Opening]:
    todo = list(reversed(path.absolute().parts[1:]))
    place = Path("/")
    links = 0
    while True:
        folder = place.lstat()
        if folder.st_uid != 0:
            yield _foreign(place, folder)
        shared = _others_write(folder)
        # In a folder with the sticky bit, as /tmp, others remove and rename only what is theirs (unlink(2)); what is
        # theirs is found by its owner, one turn later.
        if shared and (not folder.st_mode & stat.S_ISVTX or not (todo or itself)):
            yield Opening(f"{place} can be changed by users other than root", f"chmod go-w {shlex.quote(str(place))}")
        if not todo:
            return
        name = todo.pop()
        if name == "..":
            place = place.parent
            continue
        entry = place / name
        found = entry.lstat()
        if shared and found.st_uid != 0 and stat.S_ISLNK(found.st_mode):
            yield _foreign(entry, found)  # else the next turn tells
        # There a stranger may have linked another file of root's under this name (link(2)): its owner says nothing.
        if shared and stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
            yield Opening(f"{entry} has multiple names (hard links)", f"make a copy of {shlex.quote(str(entry))}")
        if stat.S_ISLNK(found.st_mode):
            links += 1
            if links > MAX_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
            target = entry.readlink()
            if target.is_absolute():
                place = Path("/")
            todo += reversed([part for part in target.parts if part != "/"])
            continue
        place = entry


def _foreign(place: Path, found: os.stat_result) -> Opening:
    return Opening(f"{place} belongs to user {found.st_uid}", f"chown -h root {shlex.quote(str(place))}")


def _others_write(found: os.stat_result) -> bool:
    by_group = found.st_mode & stat.S_IWGRP and found.st_gid != 0
    return bool(found.st_mode & stat.S_IWOTH or by_group)
