"""Where the objects of a repository are (STORE-184a): a `Folder` of this machine, or a folder of another one.

An object is a file that is written once, under a name such as ``packs/NAME.pack``, and never changed. It is there when
it is whole and durable, and the same files make a repository in all places: one can be copied to another.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, Protocol

from moxlite.safefile import open_file, open_regular, read_file

SUFFIX: Final = ".tmp"
"""Name of an object until it is whole: ``.NAME.tmp``."""


class Storage(Protocol):
    """The objects of a repository. Methods block, for one thread at a time, and raise OSError; ``str()`` is its name
    for people.
    """

    @property
    def folder(self) -> Path | None:
        """The folder on this machine; None for another one, of which each look takes a connection."""

    @property
    def staging(self) -> Path:
        """A folder of this machine in which the files for `add` are made."""

    def list(self, folder: str = "") -> dict[str, int | None]:
        """Names and sizes of all objects in a folder, unfinished ones too; None for a folder, and for a file with a
        name that no object has. Raises FileNotFoundError.
        """

    def read(self, name: str) -> bytes:
        """All octets of an object. Raises FileNotFoundError."""

    def tails(self, wanted: Mapping[str, tuple[int, int]]) -> Iterator[tuple[str, bytes]]:
        """The ends of objects: name, and the octets from an offset on. `wanted` has the offset and the size."""

    def fetch(self, name: str) -> Path:
        """A file of this machine with the octets of an object, to be read until `release`. Raises FileNotFoundError."""

    def release(self, name: str) -> None:
        """Give up the file of `fetch`."""

    def add(self, name: str, file: Path) -> None:
        """Make a new object of a file in `staging`, which is gone then."""

    def write(self, name: str, data: bytes) -> None:
        """Make a new object of octets."""

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects; those that are missing are passed. Raises PermissionError: the place forbids it."""

    def make(self, *folders: str) -> None:
        """Make the folder itself and those above it, and some in it; those that are there stay."""

    def clean(self, *folders: str) -> None:
        """Remove what writers that were killed have left in some folders. The lock is held."""

    def lock(self) -> AbstractContextManager[None]:
        """Keep other writers out while the block lasts. Raises BlockingIOError: there is one."""

    def close(self) -> None:
        """Remove all copies of objects on this machine."""


def make_durable(path: Path) -> None:
    """Make a file's octets durable, or what was created or renamed in a folder."""
    if os.name != "posix":
        return
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class Folder:
    """A folder of this machine. Objects are opened only if they are files: who writes them may be an enemy of the
    machine that reads them, and plant links and pipes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __str__(self) -> str:
        """The path."""
        return str(self.folder)

    @property
    def staging(self) -> Path:
        """The folder of packs: a file there is renamed, not copied."""
        return self.folder / "packs"

    def list(self, folder: str = "") -> dict[str, int | None]:
        """See `Storage.list`."""
        found: dict[str, int | None] = {}
        with os.scandir(self.folder / folder) as entries:
            for entry in entries:
                found[entry.name] = entry.stat().st_size if entry.is_file() else None
        return found

    def read(self, name: str) -> bytes:
        """See `Storage.read`."""
        return read_file(self.folder / name, links=False)

    def tails(self, wanted: Mapping[str, tuple[int, int]]) -> Iterator[tuple[str, bytes]]:
        """See `Storage.tails`."""
        for name, (start, size) in wanted.items():
            with open_file(self.folder / name, links=False) as file:
                file.seek(start)
                yield name, file.read(size - start)

    def fetch(self, name: str) -> Path:
        """The object itself."""
        open_file(self.folder / name, links=False).close()
        return self.folder / name

    def release(self, name: str) -> None:
        """The object stays."""

    def add(self, name: str, file: Path) -> None:
        """See `Storage.add`. The file is synced already."""
        path = self.folder / name
        file.rename(path)
        make_durable(path.parent)

    def write(self, name: str, data: bytes) -> None:
        """See `Storage.write`."""
        path = self.folder / name
        partial = path.with_name(f".{path.name}{SUFFIX}")
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self.add(name, partial)

    def remove(self, names: Iterable[str]) -> None:
        """See `Storage.remove`."""
        parents = set()
        for name in names:
            path = self.folder / name
            path.unlink(missing_ok=True)
            parents.add(path.parent)
        for parent in parents:
            make_durable(parent)

    def make(self, *folders: str) -> None:
        """See `Storage.make`."""
        self.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        for name in folders:
            (self.folder / name).mkdir(exist_ok=True)

    def clean(self, *folders: str) -> None:
        """See `Storage.clean`."""
        for folder in folders:
            for name in self.list(folder):
                if name.startswith(".") and name.endswith(SUFFIX):
                    (self.folder / folder / name).unlink()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """See `Storage.lock`; the system ends it with the process."""
        fd = open_regular(self.folder / "lock", os.O_RDWR | os.O_CREAT)
        try:
            if sys.platform != "win32":  # there, two at once only store a block twice
                import fcntl

                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        finally:
            os.close(fd)

    def close(self) -> None:
        """Nothing was copied."""
