"""Contents of a data directory, and the part that a backup holds (docs/spec/store.md §1, STORE-142).

Nothing here opens a database by itself: closing a second descriptor of a file takes away all locks that this process
has on it (POSIX), so SQLite alone may touch the databases of a running server.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

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
        "backup-sample.json",
        "backup.key",
        "doctor.json",
        "https.json",
        "links.key",
        "mtasts.json",
        "receivedid.key",
        "rehearsal.json",
        "updates.json",
        "placement.json",
        "weekly.json",
        "version",
    }
)
"""At the top: files that the server makes, and that are backed up."""

PRIVATE: Final = frozenset({"links.key"})
"""Of these, keys without which a backup tells less: a backup without encryption takes them only with
`backup.include_keys` (LINK-2).
"""

SKIPPED: Final = frozenset(
    {"tmp", "made", "lock", "ctl", "ctl.token", "standby", "submit.sock", "httpcompresscache", INCOMPLETE, RESTORING}
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
    """All databases in the order in which a backup takes them: the queue first, so that what it delivers meanwhile is
    found twice at worst; accounts next; the rest last (STORE-142).
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


def has_databases(data: Path) -> bool:
    """Whether there is a database, or the folder of one."""
    return data.is_dir() and bool(databases(data) or (data / "accounts").exists())


def other_files(data: Path) -> Iterator[OtherFile]:
    """All that a backup holds beside databases, sorted, unknown files as well; folders are not told."""
    skipped = {str(database.path) for database in databases(data)}
    for folder, folders, names in os.walk(data):
        folders.sort()
        top = Path(folder) == data
        if top:
            folders[:] = [name for name in folders if name not in SKIPPED]
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in sorted([*names, *links]):
            path = PurePosixPath((Path(folder) / name).relative_to(data))
            if str(path) in skipped or (top and name in SKIPPED) or DISPOSABLE.fullmatch(name):
                continue
            known = path.parts[0] == "acme" or (top and name in KNOWN)
            regular = stat.S_ISREG((data / path).lstat().st_mode)
            yield OtherFile(path, known, regular, top and name in PRIVATE)
