"""Files below a directory: found without ever leaving it, opened, listed. All functions block; `static` calls them in
threads (WEB-38..40, WEB-131).

A path is resolved first and must then be below the root. Opening walks the resolved path from the root's descriptor
with O_NOFOLLOW, so that a link created in between has no effect. Where descriptors of directories cannot be used so
(Windows), the resolved path is opened directly.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

READ_SIZE: Final = 256 * 1024
"""Octets read at once. Switching to a thread costs 100 µs, in which a disk reads about as much."""

FIRST_READ: Final = 64 * 1024
"""Octets of a file that is opened, read and closed in one switch to a thread."""

MAX_ENTRIES: Final = 10_000
"""Entries of a listing. A longer page is of no use, and takes megabytes."""

MISSING: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EINVAL, errno.ELOOP, errno.ENXIO, errno.ENODEV})
"""Errors that mean "no such file": WEB-38, a link that appeared meanwhile, and device files without a device."""

WALK: Final = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
CLOEXEC: Final = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
NOFOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
# without waiting for the other end of a pipe; with O_PATH, a directory on the way needs no permission to list it
READ: Final = os.O_RDONLY | CLOEXEC | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
PASS: Final = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | CLOEXEC
SHOWN: Final = ".well-known"
"""The only name with a dot before it that is served (RFC 8615): others are of version control, editors and shells,
``.git`` and ``.env`` among them.
"""

UNUSABLE: Final = "\0" if os.sep == "/" else "\0\\:"  # Windows: separators, drives, streams


class FileError(Exception):
    """Base class: the file cannot be served."""


class NoSuchFile(FileError):
    """There is no file or directory of this name."""


class NameTooLong(FileError):
    """The name is too long for any file."""


class Forbidden(FileError):
    """The server's user has no permission to read the file."""


class IsDirectory(FileError):
    """The name is a directory's, where a file was asked for."""


class File(msgspec.Struct, frozen=True):
    """An open file. ``first`` are its first octets. ``descriptor`` is None if ``first`` is the whole file. Times in
    nanoseconds since 1970: ``modified``, and ``changed``, which no program can set.
    """

    descriptor: int | None
    size: int
    modified: int
    changed: int
    inode: int
    first: bytes


class Entry(msgspec.Struct, frozen=True):
    """An entry of a listing: size in octets, modified in seconds since 1970."""

    name: str
    directory: bool
    size: int
    modified: float


class Listing(msgspec.Struct, frozen=True):
    """The entries of a directory, by name. ``complete`` is false if it has more than are listed."""

    entries: tuple[Entry, ...]
    complete: bool


class Place(msgspec.Struct, frozen=True):
    """The target of a name: a path that can be used as it is, or, with ``directory``, a name in an open directory.
    ``real_root`` is None if links may lead anywhere.
    """

    path: str
    name: str
    directory: int | None
    real_root: str | None

    @property
    def nofollow(self) -> int:
        """The flag for opening the target."""
        return 0 if self.real_root is None else NOFOLLOW

    def status(self) -> os.stat_result:
        """Status of the target."""
        return os.stat(self.name, dir_fd=self.directory, follow_symlinks=self.real_root is None)

    def open(self, flags: int) -> int:
        """Open the target; returns a descriptor."""
        return os.open(self.name, flags | self.nofollow, dir_fd=self.directory)


def open_file(root: str, name: str, *, follow: bool) -> File:
    """Open the file `name` (with slashes, relative) below `root`.

    Args:
      follow: whether links may lead out of `root`.

    Raises FileError; OSError if the disk fails.
    """
    with translated(), place(root, name, follow=follow) as found:
        _check(found.status())
        return _opened(found.open(READ))


def open_plain(path: Path) -> File:
    """Open a file of our own; a link is refused. Raises FileError, OSError."""
    with translated():
        return _opened(os.open(path, READ | NOFOLLOW))


def _opened(descriptor: int) -> File:
    """The file that a descriptor has open; on failure it is closed. Raises FileError, OSError."""
    try:
        status = os.fstat(descriptor)
        _check(status)
        first = os.read(descriptor, FIRST_READ)
        whole = len(first) == status.st_size
        rest = None if whole else descriptor
        file = File(rest, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, first)
    except BaseException:
        os.close(descriptor)
        raise
    if whole:
        os.close(descriptor)
    return file


def _check(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsDirectory
    if not stat.S_ISREG(status.st_mode):
        raise NoSuchFile


def read(descriptor: int, offset: int) -> bytes:
    """Octets from an offset on, at most READ_SIZE; b"" at the end of the file."""
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, READ_SIZE)


def close(file: File) -> None:
    """Close the file, if it is open."""
    if file.descriptor is not None:
        os.close(file.descriptor)


def check_directory(root: str, name: str, *, follow: bool) -> None:
    """Raise NoSuchFile if `name` is not a directory; FileError, OSError."""
    with translated(), place(root, name, follow=follow) as found:
        if not stat.S_ISDIR(found.status().st_mode):
            raise NoSuchFile


def list_directory(root: str, name: str, *, follow: bool) -> Listing:
    """The files and directories in the directory `name` that can be requested, in order of their names.

    Raises FileError; OSError when the disk fails.
    """
    with translated(), place(root, name, follow=follow) as found:
        if not WALK:
            return _entries(found.path, found)
        descriptor = found.open(os.O_RDONLY | os.O_DIRECTORY | CLOEXEC)
        try:
            return _entries(descriptor, found)
        finally:
            os.close(descriptor)


def _entries(directory: int | str, found: Place) -> Listing:
    entries: list[Entry] = []
    with os.scandir(directory) as scan:
        for one in islice(scan, MAX_ENTRIES):
            if _is_hidden(one.name):
                continue
            try:
                one.name.encode()  # a name that is not UTF-8 cannot be requested (WEB-6)
                if one.is_symlink() and found.real_root is not None:
                    beneath(found.real_root, f"{found.path}/{one.name}")
                status = one.stat()
            except (UnicodeEncodeError, OSError, NoSuchFile):
                continue
            directory_ = stat.S_ISDIR(status.st_mode)
            if directory_ or stat.S_ISREG(status.st_mode):
                entries.append(Entry(one.name, directory_, status.st_size, status.st_mtime))
        complete = next(scan, None) is None
    return Listing(tuple(sorted(entries, key=lambda entry: entry.name)), complete)


@contextmanager
def place(root: str, name: str, *, follow: bool) -> Iterator[Place]:
    """Resolve `name` below `root`. Raises NoSuchFile, OSError."""
    if any(c in name for c in UNUSABLE) or not _is_unicode(name) or any(map(_is_hidden, name.split("/"))):
        raise NoSuchFile
    if follow:
        path = f"{root}/{name}" if name else root
        yield Place(path, path, None, None)
        return
    real_root = os.path.realpath(root)
    path = beneath(real_root, f"{real_root}/{name}" if name else real_root)
    if not WALK:
        yield Place(path, path, None, real_root)
        return
    parts = [part for part in path[len(real_root) :].split("/") if part] or ["."]
    directory = os.open(real_root, PASS)
    try:
        for part in parts[:-1]:
            deeper = os.open(part, PASS | NOFOLLOW, dir_fd=directory)
            os.close(directory)
            directory = deeper
        yield Place(path, parts[-1], directory, real_root)
    finally:
        os.close(directory)


def beneath(real_root: str, path: str) -> str:
    """The path without links. Raises NoSuchFile if it is not below the root."""
    real = os.path.realpath(path)
    if real != real_root and not real.startswith(real_root.rstrip(os.sep) + os.sep):
        raise NoSuchFile
    return real


def _is_hidden(name: str) -> bool:
    return name.startswith(".") and name != SHOWN


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def translated() -> Iterator[None]:
    """Raise FileError for a missing, forbidden or impossible file (WEB-38)."""
    try:
        yield
    except PermissionError as e:
        raise Forbidden from e
    except OSError as e:
        if e.errno in MISSING:
            raise NoSuchFile from e
        if e.errno == errno.ENAMETOOLONG:
            raise NameTooLong from e
        raise
