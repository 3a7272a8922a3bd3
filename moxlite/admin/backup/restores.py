"""Restoring and verifying, without a server (ADMIN-51, ADMIN-52)."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from moxlite.admin.storage.settings import store_options
from moxlite.config.snapshot import FixedConfig, Snapshot
from moxlite.config.static import Static
from moxlite.process.backuptargets import scratch_folder
from moxlite.process.privileges import service_user
from moxlite.process.stopped import make_data, stopped
from moxlite.store.backup.layout import databases
from moxlite.store.backup.repository import Repository
from moxlite.store.backup.restore import restore
from moxlite.store.backup.verify import VerificationResult, check_folder, check_plain, data_of, verify
from moxlite.store.errors import StoreError
from moxlite.store.file.boundary import Edge, storage
from moxlite.store.file.migrations import Kind
from moxlite.store.options import Options
from moxlite.store.upkeep.repairs import FIXES, repair_file

Tell: TypeAlias = Callable[[str], None]
"""Takes a line for each file."""


def restore_stopped(snapshot: Snapshot, source: Path, *, resume_queue: bool, tell: Callable[[str], None]) -> list[str]:
    """Verify a backup and restore it into the data directory; returns what is wrong with it, and nothing was restored
    then.

    Raises:
      Locked: another process uses the data directory.
      UnknownUser: as root, and there is no service user.
      StoreError, OSError: see `store.backup.restore.restore`.
    """
    data = snapshot.static.data_dir
    if not data.exists():
        make_data(data, service_user(snapshot.static.user))
    with stopped(data):
        check_folder(source)
        check_plain(source)
        verification_result = verify(source, tell=tell)
        if not verification_result.problems:
            with storage(Edge(str(source))):
                restore(source, data, store_options(FixedConfig(snapshot)), resume_queue=resume_queue, tell=tell)
        return [str(problem) for problem in verification_result.problems]


def owner_of(static: Static) -> tuple[int, int] | None:
    """The user as whom commands of root work on the data directory; None where this process stays as it is. Raises
    UnknownUser.
    """
    if os.name != "posix" or os.geteuid() != 0:
        return None
    try:
        found = static.data_dir.stat()
    except FileNotFoundError:
        return service_user(static.user)
    return (found.st_uid, found.st_gid) if found.st_uid != 0 else None


@contextlib.contextmanager
def unpacked(
    repository: Repository, data: Path, *, owner: tuple[int, int] | None, snapshot_id: str | None, tell: Tell
) -> Iterator[Path]:
    """A snapshot as a full backup, in a folder beside the data directory while the block lasts: on that disk there is
    room for it, and `/tmp` may be in memory.

    Args:
      owner: who reads it, where this process is root.

    Raises RepositoryError, OSError.
    """
    data.parent.mkdir(parents=True, exist_ok=True)
    place = data.parent if os.access(data.parent, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix=".moxlite-restore-", dir=place) as folder:
        backup = Path(folder) / "backup"
        repository.extract(backup, snapshot_id=snapshot_id, tell=tell)
        # Unpacked by root, who reads the repository; restored by the owner of the data, who must be able to read it.
        if owner is not None:
            give_all(Path(folder), *owner)
        yield backup


def give_all(folder: Path, uid: int, gid: int) -> None:
    """Give a folder that this process has made, and all in it, to a user. Raises OSError."""
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            os.chown(Path(place) / name, uid, gid, follow_symlinks=False)
    os.chown(folder, uid, gid, follow_symlinks=False)


def verify_stopped(
    folder: Path, *, deep: bool, upgrade: bool, fix: bool, tell: Callable[[str], None]
) -> tuple[list[str], VerificationResult]:
    """Verify a backup or a data directory, with `fix` after its accounts were repaired.

    Returns what was repaired, and what was found.

    Raises:
      Locked: a server uses the directory.
      OSError: it cannot be read.
    """
    data = data_of(folder)
    if data != folder:
        check_plain(folder)
    # A backup has no lock file, and gets none: it may be on a medium that cannot be written.
    with stopped(data) if (data / "lock").exists() else contextlib.nullcontext():
        fixed = _fix(data) if fix else []
        return fixed, verify(folder, deep=deep, upgrade=upgrade, scratch=scratch_folder(), tell=tell)


def _fix(data: Path) -> list[str]:
    """Repair all accounts; one that cannot be opened is told by what follows."""
    fixed = []
    for database in databases(data):
        if database.kind is Kind.ACCOUNT:
            with contextlib.suppress(StoreError):
                lines = repair_file(data / database.path, FIXES, Options(min_free_space=0))
                fixed += [f"{database.account}: {line}" for line in lines]
    return fixed
