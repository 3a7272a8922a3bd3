"""Owners and modes of configuration and data, put right by root before it gives itself up (ADMIN-37).

| What                | Owner, group      | Mode                                                      |
|---------------------|-------------------|-----------------------------------------------------------|
| folders of data     | user, root        | 2750, or 2700 where the group could not enter             |
| files of data       | user, root        | as they are, without others: 0660, 0640 or 0600           |
| folders of config   | root, user's      | 3770: the user may add files, and replace none of root's  |
| ``moxlite.toml``    | root, user's      | 0640                                                      |
| ``domains.toml``,   | user, user's      | 0640, or 0600                                             |
| ``dkim/...``,       |                   |                                                           |
| ``dns/...``, the    |                   |                                                           |
| admin password      |                   |                                                           |
| folders that the    | user, user's      | 2750                                                      |
| user made in        |                   |                                                           |
| ``dkim``, ``dns``   |                   |                                                           |
| files that the user | root or user as   | 0640                                                      |
| reads (`NamedFiles`)     | they are, user's  |                                                           |
| others of config    | root or user as   | 0640, or 0600                                             |
|                     | they are, user's  |                                                           |

Everything is reached through descriptors of folders, from the top. Links are not followed, files with several names are
left alone: the user may have planted them.
"""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple, Self

from moxlite.config.load import CUSTOM_FILES, DKIM_FOLDER, DNS_FOLDER
from moxlite.config.ownkeys import BY_USER, OWN_KEYS, present
from moxlite.config.toml.decode import KeyPath
from moxlite.safefile import open_folder, open_regular, replaceable

SHALLOW: Final = 3
"""Fewest parts of a path whose permissions are changed: ``/etc`` and its like belong to other programs, too."""

MAX_DEPTH: Final = 40
"""Depth of nested folders; each takes a descriptor."""


class _Wanted(NamedTuple):
    uid: int
    gid: int
    mode: int


_Rule = Callable[[str, os.stat_result], _Wanted]
"""Returns the owner and mode that a file or folder should have, from its path below the top ("" for the top) and its
present state.
"""


class NamedFiles(NamedTuple):
    """The files that the server opens as the service user, by their keys in ``moxlite.toml``; all others that it names
    are read by root. Files in other folders are not put right.
    """

    password: Path | None
    """Its file is replaced, too."""
    read: Mapping[KeyPath, Path]

    @classmethod
    def of(cls, settings: Mapping[str, object], folder: Path) -> Self:
        """The files that the settings of a ``moxlite.toml`` in `folder` name; the settings need not be valid."""
        read = {
            path: folder / text
            for key in OWN_KEYS
            if key.use == BY_USER
            for found in present(key, settings)
            for path, text in _texts(*found)
        }
        return cls(read.pop(("admin_password_file",), None), read)


def _texts(path: KeyPath, value: object) -> Iterator[tuple[KeyPath, str]]:
    """All texts in a value, with their paths."""
    match value:
        case str():
            yield path, value
        case dict():
            for name, item in value.items():
                yield from _texts((*path, name), item)
        case list():
            for index, item in enumerate(value):
                yield from _texts((*path, index), item)


def fix_config(static_file: Path, domains_file: str, data: Path, uid: int, gid: int, *, named: NamedFiles) -> list[str]:
    """Make root own the configuration, and the service user the files in it that the server changes. Returns a line for
    each change and for each failure; a failure does not end the work.

    Args:
      static_file: ``moxlite.toml``; its folder is the folder of the configuration.
      domains_file: name of ``domains.toml`` in it.
      data: the data directory, which is skipped if it is below that folder.
      uid, gid: the service user's.
      named: files that the service user has to read, or to replace.
    """
    return _config(_Work(), static_file, domains_file, data, uid, gid, named)


def fix_data(data: Path, uid: int) -> list[str]:
    """Make the service user own the data directory, which exists, alone. As `fix_config`."""
    return _data(_Work(), data, uid)


def differing_permissions(
    static_file: Path, domains_file: str, data: Path, uid: int, gid: int, *, named: NamedFiles
) -> list[str]:
    """The lines that `fix_config` and `fix_data` would return, with their arguments; nothing is changed."""
    work = _Work(change=False)
    _config(work, static_file, domains_file, data, uid, gid, named)
    return _data(work, data, uid)


def _config(
    work: "_Work", static_file: Path, domains_file: str, data: Path, uid: int, gid: int, named: NamedFiles
) -> list[str]:
    folder = static_file.absolute().parent
    read = {*named.read.values(), *(folder / name for name in CUSTOM_FILES)}

    def rule(path: str, found: os.stat_result) -> _Wanted:
        keys = path.startswith((f"{DKIM_FOLDER}/", f"{DNS_FOLDER}/"))
        if stat.S_ISDIR(found.st_mode):
            return _Wanted(uid, gid, 0o2750) if keys and found.st_uid == uid else _Wanted(0, gid, 0o3770)
        if path == static_file.name:
            return _Wanted(0, gid, 0o640)
        server = path == domains_file or keys or folder / path == named.password
        owner = uid if server or found.st_uid != 0 else 0
        return _Wanted(owner, gid, 0o640 if folder / path in read else _file_mode(found))

    skip = None
    with contextlib.suppress(OSError):  # it does not exist yet
        inside = data.stat()
        skip = inside.st_dev, inside.st_ino
    work.top(folder, rule, skip=skip)
    return work.lines


def _data(work: "_Work", data: Path, uid: int) -> list[str]:
    def rule(_: str, found: os.stat_result) -> _Wanted:
        if stat.S_ISDIR(found.st_mode):
            return _Wanted(uid, 0, stat.S_IMODE(found.st_mode) & 0o050 | 0o2700)
        return _Wanted(uid, 0, stat.S_IMODE(found.st_mode) & 0o660 | 0o600)

    work.top(data.absolute(), rule)
    return work.lines


def _file_mode(found: os.stat_result) -> int:
    """The mode with no access for others, and no more for the group than it had."""
    return stat.S_IMODE(found.st_mode) & 0o640 | 0o600


class _Work:
    def __init__(self, *, change: bool = True) -> None:
        self.change = change
        self.lines: list[str] = []

    def top(self, folder: Path, rule: _Rule, *, skip: tuple[int, int] | None = None) -> None:
        try:
            if len(folder.parts) < SHALLOW:
                self.lines.append(f"{folder}: permissions left alone, as others may use it")
            elif why := replaceable(folder.parent):
                self.lines.append(f"{folder}: permissions left alone: {why}")
            else:
                fd = open_folder(folder)
                try:
                    self.folder(fd, folder, "", rule, skip, 0)
                finally:
                    os.close(fd)
        except OSError as error:
            self.lines.append(f"{folder}: permissions not changed: {error.strerror}")

    def folder(self, fd: int, path: Path, below: str, rule: _Rule, skip: tuple[int, int] | None, depth: int) -> None:
        found = os.fstat(fd)
        if (found.st_dev, found.st_ino) == skip or depth > MAX_DEPTH:
            return
        # The folder before what is in it: once it is root's, the service user exchanges none of root's entries.
        self.put(fd, path, found, rule(below, found))
        for name in sorted(os.listdir(fd)):
            try:
                self.entry(fd, path / name, f"{below}/{name}" if below else name, rule, skip, depth)
            except OSError as error:
                self.lines.append(f"{path / name}: permissions not changed: {error.strerror}")

    def entry(self, fd: int, path: Path, below: str, rule: _Rule, skip: tuple[int, int] | None, depth: int) -> None:
        found = os.stat(path.name, dir_fd=fd, follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            deeper = open_folder(path.name, dir_fd=fd)
            try:
                self.folder(deeper, path, below, rule, skip, depth + 1)
            finally:
                os.close(deeper)
        elif stat.S_ISREG(found.st_mode) and _differs(found, rule(below, found)):
            file = open_regular(path.name, os.O_RDONLY, dir_fd=fd)  # refuses a file with several names
            try:
                opened = os.fstat(file)  # again: between the look and the opening it may have become another file
                self.put(file, path, opened, rule(below, opened))
            finally:
                os.close(file)

    def put(self, fd: int, path: Path, found: os.stat_result, wanted: _Wanted) -> None:
        if not _differs(found, wanted):
            return
        old = f"{found.st_uid}:{found.st_gid} {stat.S_IMODE(found.st_mode):04o}"
        new = f"{wanted.uid}:{wanted.gid} {wanted.mode:04o}"
        if not self.change:
            self.lines.append(f"{path}: {old}, expected {new}")
            return
        if (found.st_uid, found.st_gid) != wanted[:2]:
            os.fchown(fd, wanted.uid, wanted.gid)
        os.fchmod(fd, wanted.mode)  # after the owner: a change of that takes set-group-id away
        self.lines.append(f"{path}: {old} is now {new}")


def _differs(found: os.stat_result, wanted: _Wanted) -> bool:
    return (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) != wanted
