"""Bringing data back: a full backup into the data directory of a stopped server, some mail of an account into a running
one, and a whole account as one file (STORE-145, STORE-185).
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, cast

import apsw
import msgspec
import trio
import zstandard

from moxlite import __version__
from moxlite.encoding import from_json, to_json
from moxlite.safefile import Tree
from moxlite.store.accounts.folders import make_closed
from moxlite.store.backup.copying import copy_database, signs
from moxlite.store.backup.layout import (
    INCOMPLETE,
    RESTORING,
    DatabaseFile,
    databases,
    has_databases,
    other_files,
    restored_mode,
)
from moxlite.store.backup.storage import make_durable
from moxlite.store.backup.verify import data_of
from moxlite.store.changelog.account import Account
from moxlite.store.content.body import locate, message_chunks
from moxlite.store.content.prepare import prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import SUBMIT, OwedMessage, append
from moxlite.store.errors import BackupError, BadTarget, ChunkDamaged, LimitExceeded, NoSuchMailbox, NoSuchMessage
from moxlite.store.file.boundary import Edge, storage
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind, open_file
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.adding import Append
from moxlite.store.mail.mailboxes import ensure_mailbox
from moxlite.store.names import check_name, is_below
from moxlite.store.options import Options
from moxlite.store.rows.history import renew_file
from moxlite.store.rows.mailboxes import mailboxes
from moxlite.store.rows.messages import rows_by_uid
from moxlite.store.types import Mailbox, MailboxID, MessageRow
from moxlite.store.upkeep.check import check_account

logger = logging.getLogger("moxlite.store.backup.restore")

GAP: Final = 1 << 20
"""By how much modseqs, UIDVALIDITYs and ids jump (STORE-145): more than any server gives out between two backups of
which the later one is lost.
"""

MAX_UIDVALIDITY: Final = (1 << 32) - 1
"""The largest number of IMAP for messages and mailboxes (RFC 9051 §9, nz-number)."""

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
    "UPDATE state SET modseq = modseq + ?1, next_uidvalidity = ?2,"
    " last_message_id = last_message_id + ?1, last_body_id = last_body_id + ?1 WHERE id = 1"
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
    keep_mark: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Restore `source`, a backup that was verified, into `data`. Blocks. The caller holds the lock of `data`.

    Databases of an older schema are upgraded on the way. With `move` they are taken out of `source`, which is no backup
    any longer: no time and room for copies are needed on one file system. With `keep_uids` mailboxes keep their
    UIDVALIDITY, for `source` has all that clients have seen. With `keep_mark` RESTORING stays: the caller has more to
    do before a server may start.

    Raises:
      BadTarget: there is data already, or `source` is no whole backup. Nothing was changed.
      BackupError, StoreError, apsw.Error, OSError: nothing was moved in place yet, or RESTORING tells of it; it can be
        run again.
    """
    origin = data_of(source)
    if (source / INCOMPLETE).exists() or (origin / RESTORING).exists():
        raise BadTarget(f"the backup in {source} is incomplete")
    if not databases(origin):
        raise BadTarget(f"{source} isn't a backup: no databases found")
    mark = data / RESTORING
    if has_databases(data) and not mark.exists():
        raise BadTarget(f"{data} isn't empty; move it somewhere else first")
    staging = _staging(data)
    needed = sum((origin / database_file.path).stat().st_size for database_file in databases(origin))
    free = shutil.disk_usage(staging).free
    move = move and _can_move(origin, staging)
    if not move and free < needed + options.min_free_space:
        raise BadTarget(f"not enough space in {data} (need {needed + options.min_free_space} bytes, {free} free)")
    for database in databases(origin):
        tell(str(database.path))
        target = _stage(database, origin, staging, move=move, tell=tell)
        renew(target, database.kind, options, resume_queue=resume_queue, keep_uids=keep_uids)
    with Tree(origin) as tree, Tree(staging) as copies:
        for other in other_files(origin):
            if other.regular and other.path.name != "lock":
                tell(str(other.path))
                copy_restored(tree, other.path.parts, copies, other.path.parts)
    mark.touch()
    make_durable(data)
    for entry in sorted(staging.iterdir()):
        _replace(entry, data / entry.name)
    make_durable(data)
    staging.rmdir()
    if not keep_mark:
        mark.unlink()
        make_durable(data)
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


def _can_move(origin: Path, staging: Path) -> bool:
    """Whether a file can be renamed from one folder to another. The same device doesn't say so: each path that a unit
    of systemd may write to is a mount of its own.
    """
    number, name = tempfile.mkstemp(dir=origin)
    os.close(number)
    file = Path(name)
    try:
        file = file.replace(staging / file.name)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    finally:
        file.unlink()
    return True


def _stage(database: DatabaseFile, origin: Path, staging: Path, *, move: bool, tell: Callable[[str], None]) -> Path:
    """Copy a database to the same path below `staging`, or move it there; returns that path."""
    with Tree(origin) as tree:
        tree.open_file(database.path.parts).close()  # no link leads to it
    target = staging / database.path
    target.parent.mkdir(parents=True, exist_ok=True)
    if move:
        (origin / database.path).replace(target)
    else:
        copy_database(origin / database.path, target, tell=tell)
    return target


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
    keep_uids = keep_uids and db.execute(HIGHEST_UID).fetchone()[0] + GAP < MAX_UID  # type: ignore[index]  # always one row
    renew_file(db.execute, same_epoch=keep_uids)
    if keep_uids:
        db.execute(RENEW_STATE, (GAP, row[0]))
        db.execute(SKIP_UIDS, (GAP,))
        return
    first = row[0] + GAP
    if first + len(ids) > MAX_UIDVALIDITY:
        raise LimitExceeded("no UIDVALIDITY values left in this account")
    db.execute(RENEW_STATE, (GAP, first + len(ids)))
    db.executemany(RENEW_MAILBOX, [(first + number, mailbox_id) for number, mailbox_id in enumerate(ids)])


# Mail of one account, or of one of its mailboxes, out of a backup into a running server (STORE-185).
#
# Messages are only added, below a mailbox of their own: with flags, keywords and time of reception, as an APPEND
# would. Equal bodies are stored once, so what is still in the account costs next to nothing.


selective_logger = logging.getLogger("moxlite.store.backup.selective")

SLICE: Final = 100
"""Rows read at a time."""

BATCH: Final = 1 << 20
"""Octets of messages appended in one unit, so that a long restore does not sync for each small message."""

BATCH_MESSAGES: Final = 50
"""Messages appended in one unit, whatever their size: each takes time in it, and deliveries wait meanwhile."""

Tell = Callable[[str], Awaitable[None]]


class RestoreResult(msgspec.Struct):
    """How many messages were added to how many mailboxes, and how many could not be read."""

    messages: int = 0
    mailboxes: int = 0
    damaged: int = 0


async def restore_mail(
    account: Account, file: Path, *, mailbox: str | None, target: str, tmp: Path, tell: Tell
) -> RestoreResult:
    """Add the mail of `file`, an account's database of a backup, to an account.

    Args:
      file: a copy without other users. Its schema is upgraded if it's older.
      mailbox: restore only this mailbox, with those below it; None for all.
      target: the mailbox to restore to, or the parent of all restored mailboxes. It's created if missing.
      tmp: folder for temporary files.
      tell: called with a progress line after each mailbox.

    Raises:
      NoSuchMailbox: the backup has none of that name; BadMailboxName: for `target`.
      What opening `file` and appending raise; messages added before stay.
    """
    target = check_name(target)
    done = RestoreResult()
    options = Options(min_free_space=0, vfs=account.options.vfs, schema=account.options.schema)
    database = await Database.open(file, Kind.ACCOUNT, options=options, name=f"backup of {account.name}")
    try:
        boxes = [box for box in await database.read(mailboxes, op="restore") if not box.system]
        chosen = [box for box in boxes if mailbox is None or box.name == mailbox or is_below(box.name, mailbox)]
        if mailbox is not None and not any(box.name == mailbox for box in chosen):
            raise NoSuchMailbox(mailbox)
        for box in chosen:
            name = f"{target}/{box.name}" if mailbox is None else target + box.name.removeprefix(mailbox)
            if box.exists:
                before = done.messages
                await _Mailbox(account, database, box, name, tmp, done).run()
                done.mailboxes += 1
                await tell(f"{name}: {done.messages - before} messages")
    finally:
        await database.aclose()
    selective_logger.info(
        "mail restored",
        extra={"kv": {"account": account.name, "messages": done.messages, "damaged": done.damaged}},
    )
    return done


class _Mailbox:
    def __init__(
        self, account: Account, database: Database, source: Mailbox, name: str, tmp: Path, done: RestoreResult
    ) -> None:
        self.account = account
        self.database = database
        self.source = source
        self.name = name
        self.tmp = tmp
        self.done = done
        self.batch: list[tuple[Append, Spool]] = []
        self.octets = 0

    async def run(self) -> None:
        box = await self.account.write(lambda tx: ensure_mailbox(tx, self.name))
        first = 1
        try:
            while rows := await self.database.scan(partial(self._rows, first=first), op="restore"):
                for row in rows:
                    await self._add(box.id, row)
                first = rows[-1].uid + 1
            await self._flush(box.id)
        finally:
            for _, spool in self.batch:
                spool.close()

    def _rows(self, r: Reader, first: int) -> list[MessageRow]:
        return rows_by_uid(r, self.source.id, first, limit=SLICE)

    async def _add(self, target: MailboxID, row: MessageRow) -> None:
        self.account.check_space()
        spool = Spool(self.tmp)
        spool.reserve()
        try:
            prefix = await self.database.scan(partial(_fill, message_id=row.id, spool=spool), op="restore")
            prepared = await prepare(spool, prefix, max_size=len(prefix) + spool.size)
        except (ChunkDamaged, NoSuchMessage):
            spool.close()
            self.done.damaged += 1
            return
        except BaseException:
            spool.close()
            raise
        item = Append(prepared, row.flags, row.keywords, row.received, row.received_offset)
        self.batch.append((item, spool))
        self.octets += row.size
        if self.octets >= BATCH or len(self.batch) >= BATCH_MESSAGES:
            await self._flush(target)

    async def _flush(self, target: MailboxID) -> None:
        if self.batch:
            await append(self.account, target, [item for item, _ in self.batch])
            self.done.messages += len(self.batch)
            for _, spool in self.batch:
                spool.close()
            self.batch, self.octets = [], 0
        await trio.lowlevel.checkpoint()


def _fill(r: Reader, message_id: int, spool: Spool) -> bytes:
    """Put the body of a message into a spool; its prefix."""
    content = locate(r, message_id)
    spool.fill(message_chunks(r, content, len(content.prefix)))
    return content.prefix


# A whole account as one file, to take it to another server: ``moxlite account export-full``, ``import-full``
# (STORE-197).
#
# The file is a line that says what it is, a line of JSON, and the account's database compressed by zstd. Where it came
# from may have gone on since: clients may know of more than it has. So it's renewed as a restored one, and only put
# where no other is.


MAGIC: Final = b"moxlite account 1\n"
MAX_HEADER: Final = 4096
PIECE: Final = 1 << 20
"""Octets unpacked at a time: the size of a file is checked between two, before a bomb has filled the disk."""
MESSAGES: Final = "SELECT (SELECT count(*) FROM message) + (SELECT count(*) FROM expunged)"


class _Header(msgspec.Struct, frozen=True):
    """`size` and `sha256` of the database."""

    account: str
    version: str
    size: int
    sha256: str


def export_account(file: Path, name: str, target: Path, *, tell: Callable[[str], None] = lambda _: None) -> int:
    """Write the database `file` of the account `name` to the new file `target`, while it goes on; returns its octets.
    Blocks. `tell` takes how far it is.

    Raises FileExistsError, OSError, StoreError.
    """
    _refuse_existing(target)
    # All that is unfinished is in a folder of this run: two runs with one target must not remove each other's files.
    with tempfile.TemporaryDirectory(prefix=".export-", dir=target.parent) as folder:
        copy, packed = Path(folder) / "account.db", Path(folder) / "packed"
        with storage(Edge(str(file))):
            size = copy_database(file, copy, tell=tell)
        with copy.open("rb") as source:
            digest = hashlib.file_digest(source, "sha256").hexdigest()
            source.seek(0)
            header = to_json(_Header(name, __version__, size, digest))
            with packed.open("xb") as out:
                if hasattr(os, "fchmod"):  # not on Windows
                    os.fchmod(out.fileno(), 0o600)  # it holds all mail, and the hash of the password
                out.write(MAGIC + header + b"\n")
                tell(str(target))
                compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
                compressor.copy_stream(cast("BinaryIO", _Watched(source, signs(tell, copy))), out)
                out.flush()
                os.fsync(out.fileno())
        _refuse_existing(target)
        packed.rename(target)
        make_durable(target.parent)
    return size


class _Watched:
    """A file that is read from the beginning; `stepped` takes the octets so far."""

    def __init__(self, file: BinaryIO, stepped: Callable[[int], None]) -> None:
        self._file = file
        self._stepped = stepped

    def read(self, size: int = -1) -> bytes:
        """Read the next octets."""
        data = self._file.read(size)
        self._stepped(self._file.tell())
        return data


def _refuse_existing(target: Path) -> None:
    if target.exists():
        raise FileExistsError(f"{target} exists")


def unpack_account(source: Path, folder: Path, options: Options) -> None:
    """Make the new folder of an account out of an exported file: hash, schema and rows are checked, an older schema is
    upgraded, and the account becomes one that no client has seen before. Blocks.

    Raises BadTarget: it is no such file, or damaged; StoreError, OSError.
    """
    make_closed(folder)
    target = folder / "account.db"
    with source.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise BadTarget("this file wasn't created by `moxlite account export-full`")
        try:
            header = from_json(file.readline(MAX_HEADER), _Header)
        except msgspec.DecodeError as error:
            raise BadTarget(f"the file is damaged: {error}") from error
        if shutil.disk_usage(folder).free < header.size + options.min_free_space:
            raise BackupError(f"not enough disk space for this account (need {header.size} bytes)")
        digest, size = hashlib.sha256(), 0
        try:
            with zstandard.ZstdDecompressor().stream_reader(file) as reader, target.open("xb") as out:
                while piece := reader.read(PIECE):
                    size += len(piece)
                    if size > header.size:
                        break
                    digest.update(piece)
                    out.write(piece)
                out.flush()
                os.fsync(out.fileno())  # SQLite syncs only pages it writes: hardly any, if nothing is to be changed
        except zstandard.ZstdError as error:
            raise BadTarget(f"the file is damaged: {error}") from error
    if size != header.size or digest.hexdigest() != header.sha256:
        raise BadTarget("the file is damaged: hash mismatch")
    try:
        db = open_file(target, Kind.ACCOUNT, options)
        try:
            findings = check_account(Reader(db), deep=True)
            # They name accounts of another server, where others have these names.
            db.execute("DELETE FROM acl; DELETE FROM collection_acl; DELETE FROM delegate")
        finally:
            db.close(True)
    except apsw.Error as error:
        raise BadTarget(f"the account in the file is damaged: {error}") from error
    if findings:
        raise BadTarget(f"the account in the file is damaged: {findings[0]}")
    renew(target, Kind.ACCOUNT, options, resume_queue=False)


def is_unused(r: Reader) -> bool:
    """Whether the account has, and had lately, no message at all."""
    return bool(r.value(MESSAGES) == 0)
