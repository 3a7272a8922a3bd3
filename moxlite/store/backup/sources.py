"""Files beside the databases that a backup holds: the configuration, and private keys that it names
(STORE-141a).

In a backup, ``config/`` is the folder of the configuration. ``named/`` holds files of other folders that the
configuration names, each by its absolute path, and `CONFIG_FOLDER`, the path of the folder that relative names begin
at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from moxlite.store.backup.keys import SIGNING_KEY

CONFIG: Final = "config"
DATA: Final = "data"
NAMED: Final = "named"
TREES: Final = frozenset({CONFIG, DATA, NAMED})
"""All folders at the top of a backup; a restore writes what is in them, and nothing else."""

MOST: Final = 0o640
"""The most permissions that a restored file gets (ADMIN-37)."""

CONFIG_FOLDER: Final = ".config-folder"
NO_KEYS: Final = "is left out: the backup is not encrypted, and backup.include_keys is not set"


class NamedFile(msgspec.Struct, frozen=True):
    """A file that the configuration names, or one with a private key beside it.

    Attributes:
      path: absolute.
      private: it holds a private key of the host; a backup without encryption takes it only with `include_keys`.
      content: its octets, where another process has read it; None: the backup reads it.
      problem: why it cannot be read; "" if it was not tried, or has `content`.
    """

    path: Path
    private: bool = False
    content: bytes | None = None
    problem: str = ""

    def __repr__(self) -> str:
        """Without the key."""
        return f"NamedFile({str(self.path)!r})"


class Source(msgspec.Struct, frozen=True):
    """The subject of a backup.

    Attributes:
      data: the data directory.
      config: the folder of the configuration.
      configured: names of all accounts of the configuration.
      broken: accounts that are known to be damaged, with the reason.
      named: files that the configuration names.
      never: files of the configuration that no backup holds: the hash of the admin's password.
      foreign: files that the configuration names and no backup holds, for another program keeps them.
      include_keys: private keys of the host go into backups without encryption, too.
    """

    data: Path
    config: Path
    configured: frozenset[str]
    broken: dict[str, str] = {}
    named: tuple[NamedFile, ...] = ()
    never: frozenset[Path] = frozenset()
    foreign: tuple[Path, ...] = ()
    include_keys: bool = False


class Report(msgspec.Struct):
    """Outcome of a backup. Without errors it is whole; a warning is only worth knowing. `left_out` has a line for each
    private key that a new machine would miss. `stored` is the growth of a repository in octets.
    """

    databases: int = 0
    octets: int = 0
    stored: int = 0
    errors: list[str] = []
    warnings: list[str] = []
    left_out: list[str] = []


class ConfigFile(msgspec.Struct, frozen=True):
    """A file to copy: its name in the backup, its path, and its octets where they are at hand already."""

    name: str
    path: Path
    content: bytes | None = None

    def __repr__(self) -> str:
        """Without the content, which may be a key."""
        return f"ConfigFile({self.name!r})"


def restored_mode(mode: int) -> int:
    """The permissions of a restored file, of the mode that a backup says: for the group never more than that, nothing
    for others, and no set-user-id.
    """
    return mode & MOST | 0o600


def config_files(source: Source, *, keys: bool, encrypted: bool, report: Report) -> Iterator[ConfigFile]:
    """All files of the configuration that a backup holds, sorted. Files that are left out are noted in the report.

    Args:
      encrypted: the backup is read with its identity alone; else the key of signatures stays out.
      keys: private keys of the host are wanted; one that cannot be read is an error then.
    """
    named = {os.path.realpath(one.path): one for one in source.named}
    never = {os.path.realpath(path) for path in source.never}
    data = source.data.resolve()
    for folder, folders, names in os.walk(source.config):
        # SQLite alone may touch databases (see layout.py), wherever the data directory is.
        folders[:] = sorted(name for name in folders if (Path(folder) / name).resolve() != data)
        for name in sorted(names):
            path = Path(folder) / name
            real = os.path.realpath(path)
            if real in never or not path.is_file() or (name == SIGNING_KEY and not encrypted):
                continue
            below = path.relative_to(source.config)
            named_file = named.pop(real, NamedFile(path))
            yield from _chosen(named_file, f"{CONFIG}/{below.as_posix()}", keys=keys, report=report)
    elsewhere = False
    for named_file in sorted(named.values(), key=lambda one: one.path):
        absolute = os.path.normpath(named_file.path.absolute())
        for chosen in _chosen(named_file, NAMED + Path(absolute).as_posix(), keys=keys, report=report):
            elsewhere = True
            yield chosen
    if elsewhere:
        yield ConfigFile(f"{NAMED}/{CONFIG_FOLDER}", source.config, f"{source.config}\n".encode())


def _chosen(named_file: NamedFile, name: str, *, keys: bool, report: Report) -> Iterator[ConfigFile]:
    if named_file.private and not keys:
        report.left_out.append(f"{named_file.path} {NO_KEYS}")
    elif named_file.problem:
        report.errors.append(f"{named_file.path}: {named_file.problem}")
    else:
        yield ConfigFile(name, named_file.path, named_file.content)
