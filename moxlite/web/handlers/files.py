"""Files below a directory: found without ever leaving it, opened, listed. All functions block; `static` calls them in
threads (WEB-38..40, WEB-131).

A path is resolved first and must then be below the root. Opening walks the resolved path from the root's descriptor
with O_NOFOLLOW, so that a link created in between has no effect. Where descriptors of directories cannot be used so
(Windows), the resolved path is opened directly.
"""

import errno
import hashlib
import logging
import os
import shutil
import stat
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from moxlite.web.http.encoding import MIN_SIZE, Coder, coder

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
        # Another file may have come to the name since it was looked at; this one is the one that is sent.
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
        # The descriptor, not the path, is listed: the directory may have another name by now.
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
    # `realpath` has followed all links. One that is put there since then is not followed: the open fails.
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


# Compressed copies of static files on the disk (WEB-11). All functions block; `static` calls them in threads.
#
# A copy's name is a hash of all that identifies the file's content: path, size, times of change, inode, and the
# coding. A file that has changed has another name, so that its old copy is never found again, and goes when others
# need its room. Copies are written under another name, synced and renamed: a copy is whole, or it is not there. The
# folder may be emptied at any time.


logger = logging.getLogger("moxlite.web.handlers")

FOLDER: Final = "httpcompresscache"
"""Name of the folder in the data directory."""

MAX_OCTETS: Final = 512 << 20
"""Octets of all copies."""

MAX_COPIES: Final = 20_000
"""Number of all copies: their names take 4 MB of memory."""

MAX_SIZE: Final = 10 << 20
"""Octets of the largest file with copies. Larger ones are mostly archives, which do not compress."""

BLOCK: Final = 4096
"""Octets that the smallest copy takes on a disk."""

AT_ONCE: Final = 2
"""Copies written at a time. Each is synced, which the mail store would wait for on a slow disk."""

SETTLED_SECONDS: Final = 2.0
"""Seconds after a change in which a file has no copy: a second change within the resolution of the file system's clock
would leave times and size as they are.
"""

GZIP_LEVEL: Final = 6
"""Level of gzip: a copy is made once and sent often."""

UNFINISHED: Final = ".part"


class Copies:
    """The copies of all rules and ports of a server, the least recently used ones removed beyond `MAX_OCTETS`.

    Args:
      folder: made when the first copy is.
      reserve: octets of the disk that stay free; below, no copy is made.
    """

    def __init__(self, folder: Path, *, reserve: int) -> None:
        self._folder = folder
        self._reserve = reserve
        self._lock = threading.Lock()
        self._sizes: OrderedDict[str, int] | None = None  # octets by name, the least recently used first
        self._total = 0
        self._making: set[str] = set()

    def find(self, path: str, file: File, coding: str) -> File | None:
        """The copy of a file, opened; None while the file has no copy."""
        if not MIN_SIZE <= file.size <= MAX_SIZE:
            return None
        name = _name(path, file, coding)
        with self._lock:
            sizes = self._known()
            if name not in sizes:
                return None
            sizes.move_to_end(name)
        return self._open(name)

    def make(self, path: str, file: File, coding: str) -> File | None:
        """Compress a file and open the copy; None if it is not to have one, another thread makes it, or the disk
        refuses it. Then the caller compresses the file itself.

        Args:
          path: that names the file on this machine.
          file: open, or whole in memory.
        """
        changed = max(file.changed, file.modified) / 1_000_000_000
        if not MIN_SIZE <= file.size <= MAX_SIZE or not changed < time.time() - SETTLED_SECONDS:
            return None
        name = _name(path, file, coding)
        with self._lock:
            if name in self._making or len(self._making) >= AT_ONCE:
                return None
            self._making.add(name)
        try:
            return self._make(name, file, coding)
        except OSError as error:
            logger.warning("failed to keep compressed file copy", extra={"kv": {"path": path, "err": error.strerror}})
            return None
        finally:
            with self._lock:
                self._making.discard(name)

    def _make(self, name: str, file: File, coding: str) -> File | None:
        """Write a copy. Raises OSError."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if shutil.disk_usage(self._folder).free < self._reserve + file.size:
            return None
        unfinished = self._folder / (name + UNFINISHED)
        try:
            with unfinished.open("wb") as sink:
                if not _compress(file, coder(coding, gzip_level=GZIP_LEVEL), sink):
                    return None
                sink.flush()
                # Without it a crash may leave the new name with no octets, and that would be sent as a whole file.
                os.fsync(sink.fileno())
                size = sink.tell()
            unfinished.replace(self._folder / name)
        finally:
            unfinished.unlink(missing_ok=True)
        with self._lock:
            sizes = self._known()
            self._total += _room(size) - _room(sizes.pop(name, 0))
            sizes[name] = size
            self._shrink(sizes)
        return self._open(name)

    def _open(self, name: str) -> File | None:
        try:
            return open_plain(self._folder / name)
        except (FileError, OSError):  # the folder was emptied
            with self._lock:
                self._total -= _room(self._known().pop(name, 0))
            return None

    def _known(self) -> OrderedDict[str, int]:
        """All copies. The first call reads the folder, and removes what was not finished before a crash."""
        if self._sizes is None:
            found: list[tuple[int, str, int]] = []
            with suppress(OSError), os.scandir(self._folder) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    if entry.name.endswith(UNFINISHED) or not stat.S_ISREG(status.st_mode):
                        with suppress(OSError):
                            Path(entry.path).unlink()
                        continue
                    found.append((status.st_mtime_ns, entry.name, status.st_size))
            self._sizes = OrderedDict((name, size) for _, name, size in sorted(found))
            self._total = sum(map(_room, self._sizes.values()))
            self._shrink(self._sizes)
        return self._sizes

    def _shrink(self, sizes: OrderedDict[str, int]) -> None:
        """Remove the least recently used copies beyond the limits. Answers that are being sent keep theirs open."""
        while sizes and (self._total > MAX_OCTETS or len(sizes) > MAX_COPIES):
            name, size = sizes.popitem(last=False)
            self._total -= _room(size)
            with suppress(OSError):
                (self._folder / name).unlink()


def _room(size: int) -> int:
    """Octets on the disk; 0 for no copy."""
    return -(-size // BLOCK) * BLOCK


def _name(path: str, file: File, coding: str) -> str:
    facts = (path, coding, file.size, file.modified, file.changed, file.inode)
    return hashlib.sha256("\0".join(map(str, facts)).encode("utf-8", "surrogateescape")).hexdigest()


def _compress(file: File, stream: Coder, sink: BinaryIO) -> bool:
    """Write the compressed octets of a file; False if it was truncated meanwhile. Raises OSError."""
    at, data = len(file.first), file.first
    sink.write(stream.compress(data))
    while at < file.size:
        assert file.descriptor is not None
        data = read(file.descriptor, at)[: file.size - at]
        if not data:
            return False
        sink.write(stream.compress(data))
        at += len(data)
    sink.write(stream.flush())
    return True
