"""Any moment of the last days, out of the target of a stand-by, as a full backup (STORE-186d).

Litestream restores each database at the moment: of one that changed meanwhile it is the last transaction before. The
files of configuration are the newest ones: they have no history.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from moxlite.admin.standby.following import Source
from moxlite.admin.standby.layout import (
    FILES,
    databases_in,
    epoch_folder,
    is_database,
    read_beginning,
    read_head,
    without_removed,
)
from moxlite.admin.standby.litestream import Place, environment, place_of, write_configuration
from moxlite.admin.standby.pack import open_pack, unpack
from moxlite.escapes import printable
from moxlite.store.backup.keys import check_trusted
from moxlite.store.backup.storage import Storage
from moxlite.store.errors import BackupError

RESTORE: Final = 24 * 3600.0
"""Seconds for the restore of one database."""

MISSING: Final = ("timestamp does not exist", "no matching backup", "transaction not available")
"""Words of Litestream for a database that was not there at the moment, or is no longer."""


@contextlib.contextmanager
def restored_at(
    source: Source,
    at: dt.datetime | None,
    *,
    account: str | None,
    beside: Path | None,
    tell: Callable[[str], None],
    left_out: Callable[[str], None],
    epoch: int | None = None,
) -> Iterator[Path]:
    """A full backup of a moment, in a folder that is removed after the block.

    Args:
      at: in UTC; None for the last one, whatever the clock of the machine that copied showed.
      account: only this account, and nothing else.
      beside: the folder is made there.
      tell: takes the name of each database.
      left_out: takes a line for each database that has nothing of the moment.
      epoch: None for that of the moment.

    Raises BackupError, OSError, ValueError.
    """
    if account is not None and not is_database(f"accounts/{account}/account.db"):
        raise BackupError(f"{account[:80]!r} isn't a valid account name")
    when = "" if at is None else f" as of {at:%Y-%m-%d %H:%M:%S} UTC"
    with tempfile.TemporaryDirectory(prefix=".moxlite-restore-", dir=beside) as scratch:
        folder = Path(scratch) / "backup"
        (folder / "data").mkdir(parents=True)
        with source.storage(Path(scratch)) as storage:
            head = read_head(storage)
            if head is None:
                raise BackupError(f"{source.target} isn't a standby target: standby.json not found")
            chosen = _epoch_of(storage, head.epoch, at) if epoch is None else epoch
            if account is not None:
                databases = [f"accounts/{account}/account.db"]
                kept = {*databases}
            else:
                if source.identity is not None:
                    _files(storage, chosen, source, folder)
                databases = databases_in(storage, chosen)
                kept = without_removed(databases, storage, chosen, folder)
        with place_of(source.target, source.access, Path(scratch)) as place:
            restored = False
            for name in databases:
                if name not in kept:
                    left_out(f"skipped {name}: the account was removed; to get its mail, use --account")
                    continue
                tell(name)
                if _restore(source, place, chosen, name, at, folder / "data"):
                    restored = True
                else:
                    left_out(f"skipped {name}: nothing found in the target{when}")
        if not restored:
            raise BackupError(f"{source.target} is empty{when}")
        yield folder


def _files(storage: Storage, epoch: int, source: Source, folder: Path) -> None:
    assert source.identity is not None
    files, found = open_pack(storage.read(f"{epoch_folder(epoch)}/{FILES}"), storage, source.identity)
    if not source.unsigned:
        check_trusted(found, source.signers, f"configuration in {source.target}")
    unpack(files, folder)


def _epoch_of(storage: Storage, epoch: int, at: dt.datetime | None) -> int:
    """The epoch in which a moment was, from the newest one back. Raises OSError, ValueError."""
    while at is not None and (beginning := read_beginning(storage, epoch)) is not None:
        if at.timestamp() >= beginning.at or beginning.earlier >= epoch:
            break
        epoch = beginning.earlier
    return epoch


def _restore(source: Source, place: Place, epoch: int, name: str, at: dt.datetime | None, data: Path) -> bool:
    """Restore a database; whether it was there."""
    file = data / name
    file.parent.mkdir(parents=True, exist_ok=True)
    settings = file.with_name(f".{file.name}.restore.tmp")
    write_configuration(
        settings, [{"path": str(file), "replica": place.replica(epoch, name)}], socket=None, keep=RESTORE
    )
    moment = [] if at is None else ["-timestamp", f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"]
    command = source.command("restore", settings, *moment, str(file))
    try:
        done = subprocess.run(  # noqa: S603 - a program that was found by `find_program`
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=RESTORE,
            env=environment(place.variables),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"{name}: restore timed out after a day") from None
    finally:
        settings.unlink(missing_ok=True)
    if done.returncode == 0:
        return True
    text = printable(done.stderr.decode(errors="replace").strip().rpartition("\n")[2])[:300]
    if any(word in text for word in MISSING):
        return False
    raise BackupError(f"{name}: Litestream restore failed: {text}")
