"""Contents of a data directory, and the part that a backup holds (docs/spec/store.md §1, STORE-142).

Nothing here opens a database by itself: closing a second descriptor of a file takes away all locks that this process
has on it (POSIX), so SQLite alone may touch the databases of a running server.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, Protocol

import msgspec

from moxlite.store.accounts.folders import CREATING, NAME, made_names
from moxlite.store.backup.keys import SIGNING_KEY
from moxlite.store.blockmaps import BlockChanges
from moxlite.store.file.migrations import Kind

INCOMPLETE: Final = "INCOMPLETE"
"""Stands in a backup until it is whole (ADMIN-68)."""

RESTORING: Final = "RESTORING"
"""Stands in a data directory while a backup is moved into it; a server does not start on such a one (STORE-145)."""

SETTINGS: Final = "repository.json"
"""Stands in a repository of backups: its format, and the recipients of an encrypted one."""

SINGLE: Final = {"reports.db": Kind.REPORTS, "cache.db": Kind.CACHE, "auth.db": Kind.AUTH}
"""Files that a backup copies after the queue and the accounts (STORE-142)."""

KNOWN: Final = frozenset(
    {
        "backup.key",
        "https.json",
        "links.key",
        "mtasts.json",
        "receivedid.key",
        "version",
    }
)
"""At the top: files that the server makes, and that are backed up."""

RESULTS: Final = frozenset(
    {"backup-sample.json", "doctor.json", "placement.json", "rehearsal.json", "updates.json", "weekly.json"}
)
"""At the top: what was checked on this machine, at its addresses. No backup and no second machine has it, or another
machine would report this one's health as its own.
"""

PRIVATE: Final = frozenset({"links.key"})
"""Of these, keys without which a backup tells less: a backup without encryption takes them only with
`backup.include_keys` (LINK-2).
"""

SKIPPED: Final = frozenset(
    {
        "tmp",
        "made",
        "clock.json",
        "lock",
        "ctl",
        "ctl.token",
        "standby",
        "submit.sock",
        "httpcompresscache",
        INCOMPLETE,
        RESTORING,
    }
)
"""At the top: what a server makes anew (docs/spec/store.md §1)."""

DISPOSABLE: Final = re.compile(r".*\.db(-wal|-shm|-journal|-txid|\.before-\d{4})|search\.db(-.*)?|\..*\.tmp")
"""Anywhere: belongs to a database which is copied by SQLite, is rebuilt, is a copy of before a migration, or is left of
a write that was cut short.
"""


class DatabaseFile(msgspec.Struct, frozen=True):
    """A database: its path below the data directory, and for `account.db` whose it is."""

    path: PurePosixPath
    kind: Kind
    account: str | None = None


class OtherFile(msgspec.Struct, frozen=True):
    """Any other file of a backup. `known`: it is one that belongs into a data directory. `private`: see `PRIVATE`."""

    path: PurePosixPath
    known: bool
    regular: bool
    private: bool


def databases(data: Path) -> list[DatabaseFile]:
    """List all databases in backup order: the queue, accounts, then the rest (STORE-142).

    The queue is first, so messages delivered during the backup are at worst in it twice.
    """
    database_files = [DatabaseFile(PurePosixPath("queue.db"), Kind.QUEUE)] if (data / "queue.db").is_file() else []
    accounts = data / "accounts"
    if accounts.is_dir():
        database_files += [
            DatabaseFile(PurePosixPath("accounts", name, "account.db"), Kind.ACCOUNT, name)
            for name in sorted(path.name for path in accounts.iterdir())
            if (accounts / name / "account.db").is_file()
        ]
    database_files += [
        DatabaseFile(PurePosixPath(name), kind) for name, kind in SINGLE.items() if (data / name).is_file()
    ]
    return database_files


def lost_databases(data: Path) -> list[DatabaseFile]:
    """Databases that a server has made here and that are gone: of accounts that were made (STORE-158d), and those that
    each start makes. Asked from what should be there, for what is found says nothing about what lacks. Raises OSError.
    """
    accounts = data / "accounts"
    made = made_names(accounts)
    kept = list(accounts.iterdir()) if accounts.is_dir() else []
    folders = {path.name for path in kept if NAME.fullmatch(path.name) and not (path / CREATING).exists()}
    expected = [
        DatabaseFile(PurePosixPath("accounts", name, "account.db"), Kind.ACCOUNT, name)
        for name in sorted(made | folders)
    ]
    if made and (data / "version").exists():  # a server has run here
        expected += [DatabaseFile(PurePosixPath(f"{kind.value}.db"), kind) for kind in (Kind.QUEUE, Kind.AUTH)]
    return [database_file for database_file in expected if not (data / database_file.path).is_file()]


def has_databases(data: Path) -> bool:
    """Whether there is a database, or the folder of one."""
    return data.is_dir() and bool(databases(data) or (data / "accounts").exists())


def other_files(data: Path) -> Iterator[OtherFile]:
    """All that a backup holds beside databases, sorted, unknown files as well; folders are not told. `RESULTS` aren't
    part of it, also in backups of versions that had them.
    """
    skipped = {str(database.path) for database in databases(data)}
    for folder, folders, names in os.walk(data):
        folders.sort()
        top = Path(folder) == data
        if top:
            folders[:] = [name for name in folders if name not in SKIPPED]
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in sorted([*names, *links]):
            path = PurePosixPath((Path(folder) / name).relative_to(data))
            if str(path) in skipped or (top and name in SKIPPED | RESULTS) or DISPOSABLE.fullmatch(name):
                continue
            known = path.parts[0] == "acme" or (top and name in KNOWN)
            try:
                regular = stat.S_ISREG((data / path).lstat().st_mode)
            except FileNotFoundError:
                continue  # removed since the folder was read
            yield OtherFile(path, known, regular, top and name in PRIVATE)


# Files beside the databases that a backup holds: the configuration, and private keys that it names
# (STORE-141a).
#
# In a backup, ``config/`` is the folder of the configuration. ``named/`` holds files of other folders that the
# configuration names, each by its absolute path, and `CONFIG_FOLDER`, the path of the folder that relative names begin
# at.


CONFIG: Final = "config"
DATA: Final = "data"
NAMED: Final = "named"
TREES: Final = frozenset({CONFIG, DATA, NAMED})
"""Top-level folders of a backup. A restore writes only their contents."""

MOST: Final = 0o640
"""The most permissions that a restored file gets (ADMIN-37)."""

CONFIG_FOLDER: Final = ".config-folder"
NO_KEYS: Final = "isn't included because the backup isn't encrypted and backup.include_keys isn't set"


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


class LiveAccounts(Protocol):
    """The accounts of a running server, which knows what has changed in them. Called in the backup's thread."""

    def mark(self, path: Path, at: int) -> None:
        """Begin to know what changes in an account's file, before it's read as a whole."""
        ...

    def changed_blocks(
        self, account: str, at: int, size: int, taken: Callable[[], int]
    ) -> tuple[BlockChanges, BinaryIO] | None:
        """As `Database.changed_blocks`; None as well if the account can't be opened."""
        ...

    def distrust(self, path: Path) -> None:
        """Forget what is known of a file."""
        ...


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
      live: the accounts of a running server; None without one.
    """

    data: Path
    config: Path
    configured: frozenset[str]
    broken: dict[str, str] = {}
    named: tuple[NamedFile, ...] = ()
    never: frozenset[Path] = frozenset()
    foreign: tuple[Path, ...] = ()
    include_keys: bool = False
    live: LiveAccounts | None = None


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
    """Permissions of a restored file, from the backup's mode.

    The group never gets more than in the backup, others get none, and set-user-id is removed.
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
            if DISPOSABLE.fullmatch(name):
                continue  # a part of a key, or of the hash of the password, perhaps
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
