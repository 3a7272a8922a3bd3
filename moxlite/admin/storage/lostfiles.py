"""Checking, recovering and recreating lost or damaged databases, on the files of a stopped server (STORE-158d,
STORE-188a): auth.db, queue.db and reports.db; the database of an account is only recreated.
"""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import trio

from moxlite.admin.storage.settings import store_options
from moxlite.config.snapshot import FixedConfig, Snapshot
from moxlite.operations.store import CheckReport
from moxlite.process.startup import VERSION
from moxlite.process.stopped import stopped
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.accounts.folders import forget_made, renew_folder, set_aside
from moxlite.store.backup.layout import DatabaseFile
from moxlite.store.backup.verify import check_database
from moxlite.store.file.boundary import Edge, storage
from moxlite.store.file.migrations import Kind, open_file

if TYPE_CHECKING:
    from moxlite.store.recover.tables import RecoveredTables

SERVER_FILES: Final[Mapping[str, Kind]] = {"auth.db": Kind.AUTH, "queue.db": Kind.QUEUE, "reports.db": Kind.REPORTS}
"""The databases of the server itself whose content cannot be fetched again."""


def check_server_files(data: Path) -> list[CheckReport]:
    """Check auth.db, queue.db and reports.db, which a server may use meanwhile. Empty before the server's first start.
    Blocks.

    A missing reports.db is not an error: the next start makes it (STORE-158g).
    """
    if not (data / VERSION).exists():
        return []
    return [
        CheckReport(name, check_database(data, DatabaseFile(PurePosixPath(name), kind)))
        for name, kind in SERVER_FILES.items()
        if name != "reports.db" or (data / name).exists()
    ]


def create_server_file(snapshot: Snapshot, name: str) -> tuple[Path, Path | None]:
    """Recreate a missing or empty auth.db, queue.db or reports.db. Returns its path, and the new path of the old file's
    remains.

    Raises:
      FileExistsError: the file exists, and is not empty.
      Locked, StoreError, OSError.
    """
    data = snapshot.static.data_dir
    path = data / name
    with stopped(data), storage(Edge(str(path))):
        _refuse_if_there(path)
        aside = set_aside(data, name)
        open_file(path, SERVER_FILES[name], store_options(FixedConfig(snapshot)), create=True).close()
    return path, aside


def create_account_file(snapshot: Snapshot, name: str) -> tuple[Path, Path | None]:
    """Recreate the database of an account, as `create_server_file`, with the same exceptions."""
    data = snapshot.static.data_dir

    async def main() -> None:
        accounts = Accounts(data, store_options(FixedConfig(snapshot)))
        try:
            await accounts.create(name)
        finally:
            with trio.CancelScope(shield=True):  # bounded: one account without users
                await accounts.aclose()

    folder = Accounts(data).path(name)
    with stopped(data):
        _refuse_if_there(folder / "account.db")
        if folder.exists():
            aside = renew_folder(folder)
        else:
            aside = None
            forget_made(folder)
        trio.run(main)
    return folder / "account.db", aside


def _refuse_if_there(path: Path) -> None:
    if path.exists() and path.stat().st_size:
        raise FileExistsError(f"{path} is there, and has octets: recover it, or move it away first")


def recover_server_file(snapshot: Snapshot, name: str, out: Path) -> "RecoveredTables":
    """Save all readable content of auth.db, queue.db or reports.db into ``out/NAME``. Blocks.

    Raises:
      BadTarget: `out` is not empty.
      Locked, StoreError, OSError.
    """
    from moxlite.store.recover.tables import recover_tables  # a server does not need it

    data = snapshot.static.data_dir
    with stopped(data), storage(Edge(str(out / name))):
        return recover_tables(SERVER_FILES[name], data / name, out)
