"""``moxlite restore SRC``: a full backup into the data directory of a stopped server (STORE-145, ADMIN-52).

Clients and other servers have seen what came after the backup. So nothing may look to them like what they know: every
mailbox gets a new UIDVALIDITY and every account file a new id; modseqs and ids that are given out go on 2^20 higher, so
that none is given out twice; and the queue is on hold, for what it still has, and what accounts owe to it, may be sent
already.

All is copied into `tmp/` of the data directory first. Then a mark, RESTORING, is there while the parts are moved
in place: a server does not start before a restore was finished, by running it again.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import apsw
import msgspec

from moxlite.safefile import Tree
from moxlite.store.backup.copying import copy_database, sync_folder
from moxlite.store.backup.errors import BackupError, BadTarget
from moxlite.store.backup.layout import INCOMPLETE, RESTORING, databases, has_databases, other_files
from moxlite.store.backup.sources import restored_mode
from moxlite.store.backup.verify import data_of
from moxlite.store.delivery.owed import SUBMIT, OwedMessage
from moxlite.store.errors import LimitExceeded
from moxlite.store.file.migrations import Kind, open_file
from moxlite.store.options import Options

logger = logging.getLogger("moxlite.store.backup.restore")

GAP: Final = 1 << 20
"""By how much modseqs, UIDVALIDITYs and ids jump (STORE-145): more than any server gives out between two backups of
which the later one is lost.
"""

MAX_UIDVALIDITY: Final = (1 << 32) - 1

MAX_UID: Final = 1 << 31
"""Highest UID after a jump: half of all are left for messages."""

STAGING: Final = "restore"

HAS_IDS: Final = "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'"
RAISE_IDS: Final = "UPDATE sqlite_sequence SET seq = seq + ?"
MISSING_IDS: Final = """
INSERT INTO sqlite_sequence (name, seq)
SELECT name, ? FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'
AND name NOT IN (SELECT name FROM sqlite_sequence)"""
RENEW_STATE: Final = (
    "UPDATE state SET file_id = randomblob(16), modseq = modseq + ?1, next_uidvalidity = ?2 WHERE id = 1"
)
NEXT_UIDVALIDITY: Final = "SELECT next_uidvalidity FROM state WHERE id = 1"
MAILBOXES: Final = "SELECT id FROM mailbox ORDER BY id"
RENEW_MAILBOX: Final = """
UPDATE mailbox SET uidvalidity = ?, modseq = (SELECT modseq FROM state WHERE id = 1) WHERE id = ?"""
HIGHEST_UID: Final = "SELECT ifnull(max(uidnext), 1) FROM mailbox"
SKIP_UIDS: Final = "UPDATE mailbox SET uidnext = uidnext + ?, modseq = (SELECT modseq FROM state WHERE id = 1)"
HOLD: Final = "UPDATE msg SET hold = 1"
OWED: Final = "SELECT id, data FROM outbox WHERE kind = ?"
OWE_HELD: Final = "UPDATE outbox SET data = ?, due = 0 WHERE id = ?"


def restore(
    source: Path,
    data: Path,
    options: Options,
    *,
    resume_queue: bool,
    move: bool = False,
    keep_uids: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Restore `source`, a backup that was verified, into `data`. Blocks. The caller holds the lock of `data`.

    Databases of an older schema are upgraded on the way. With `move` they are taken out of `source`, which is no backup
    any longer: no time and room for copies are needed on one file system. With `keep_uids` mailboxes keep their
    UIDVALIDITY, for `source` has all that clients have seen.

    Raises:
      BadTarget: there is data already, or `source` is no whole backup. Nothing was changed.
      BackupError, StoreError, apsw.Error, OSError: nothing was moved in place yet, or RESTORING tells of it; it can be
        run again.
    """
    origin = data_of(source)
    if (source / INCOMPLETE).exists() or (origin / RESTORING).exists():
        raise BadTarget(f"{source} is incomplete")
    if not databases(origin):
        raise BadTarget(f"{source} is no backup: there are no databases")
    mark = data / RESTORING
    if has_databases(data) and not mark.exists():
        raise BadTarget(f"there is data in {data}: move the whole directory away first")
    staging = _staging(data)
    needed = sum((origin / one.path).stat().st_size for one in databases(origin))
    free = shutil.disk_usage(staging).free
    move = move and origin.stat().st_dev == staging.stat().st_dev
    if not move and free < needed + options.min_free_space:
        raise BadTarget(f"{needed + options.min_free_space} octets are needed in {data}, {free} are free")
    for one in databases(origin):
        tell(str(one.path))
        with Tree(origin) as tree:
            tree.open_file(one.path.parts).close()  # no link leads to it
        target = staging / one.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if move:
            (origin / one.path).replace(target)
        else:
            copy_database(origin / one.path, target)
        renew(target, one.kind, options, resume_queue=resume_queue, keep_uids=keep_uids)
    with Tree(origin) as tree, Tree(staging) as copies:
        for other in other_files(origin):
            if other.regular and other.path.name != "lock":
                tell(str(other.path))
                copy_restored(tree, other.path.parts, copies, other.path.parts)
    mark.touch()
    sync_folder(data)
    for entry in sorted(staging.iterdir()):
        _replace(entry, data / entry.name)
    sync_folder(data)
    staging.rmdir()
    mark.unlink()
    sync_folder(data)
    logger.info("backup restored", extra={"kv": {"source": str(source), "data": str(data)}})


def _staging(data: Path) -> Path:
    """A new folder in `tmp/` of a data directory. All that was in that goes, links as well: they may have been planted
    by the service user.
    """
    tmp = data / "tmp"
    if tmp.is_symlink():
        tmp.unlink()
    elif tmp.is_dir():
        shutil.rmtree(tmp)
    staging = tmp / STAGING
    staging.mkdir(parents=True)
    return staging


def copy_restored(
    source: Tree, parts: Sequence[str], target: Tree, place: Sequence[str], *, replace: bool = False
) -> None:
    """Copy the file `parts` of a backup to `place` of another tree, durably, with `restored_mode`. Raises OSError."""
    with source.open_file(parts) as file:
        mode = restored_mode(os.fstat(file.fileno()).st_mode)
        with target.new_file(place, mode, replace=replace) as copy:
            shutil.copyfileobj(file, copy)


def _replace(entry: Path, target: Path) -> None:
    """Put an entry in its place; what an earlier try had put there goes."""
    if target.is_dir():
        shutil.rmtree(target)
    entry.replace(target)


def renew(path: Path, kind: Kind, options: Options, *, resume_queue: bool, keep_uids: bool = False) -> None:
    """Make a restored database one that no client has seen before, with the current schema. Blocks.

    Raises:
      LimitExceeded: an account has no UIDVALIDITYs left.
      StoreError, apsw.Error.
    """
    db = open_file(path, kind, options)
    try:
        db.execute("BEGIN IMMEDIATE")
        if db.execute(HAS_IDS).fetchone() is not None:
            db.execute(RAISE_IDS, (GAP,))
            db.execute(MISSING_IDS, (GAP,))
        if kind is Kind.ACCOUNT:
            _renew_account(db, keep_uids=keep_uids)
            if not resume_queue:
                _hold_owed(db)
        elif kind is Kind.QUEUE and not resume_queue:
            db.execute(HOLD)
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        db.close(True)
    for suffix in ("-wal", "-shm"):
        if path.with_name(path.name + suffix).exists():
            raise BackupError(f"{path} is in use")


def _hold_owed(db: apsw.Connection) -> None:
    """Put messages that an account owes to the queue there on hold: each may have gone out after the backup."""
    for row_id, data in db.execute(OWED, (SUBMIT,)).fetchall():
        assert isinstance(data, bytes)  # the column is a BLOB
        try:
            owed = OwedMessage.unpack(data)
        except msgspec.DecodeError:
            continue  # damaged: it does not go out either
        held = msgspec.structs.replace(owed, submission=msgspec.structs.replace(owed.submission, hold=True))
        db.execute(OWE_HELD, (held.pack(), row_id))


def _renew_account(db: apsw.Connection, *, keep_uids: bool) -> None:
    row = db.execute(NEXT_UIDVALIDITY).fetchone()
    assert row is not None
    ids = [mailbox_id for (mailbox_id,) in db.execute(MAILBOXES).fetchall()]
    if keep_uids and db.execute(HIGHEST_UID).fetchone()[0] + GAP < MAX_UID:  # type: ignore[index]  # always one row
        db.execute(RENEW_STATE, (GAP, row[0]))
        db.execute(SKIP_UIDS, (GAP,))
        return
    first = row[0] + GAP
    if first + len(ids) > MAX_UIDVALIDITY:
        raise LimitExceeded("UIDVALIDITYs of an account")
    db.execute(RENEW_STATE, (GAP, first + len(ids)))
    db.executemany(RENEW_MAILBOX, [(first + number, mailbox_id) for number, mailbox_id in enumerate(ids)])
