"""``moxlite verifydata DIR``: whether a backup, or the data directory of a stopped server, is sound (STORE-144,
ADMIN-51).

Reads only. A database whose log is empty is opened as immutable, so that not even a lock is left beside it; one that
was not closed is opened for reading, for which SQLite makes a -shm file beside. `upgrade` works on copies.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import quote

import apsw
import msgspec
from msgspec.structs import replace

from moxlite import __version__, safefile
from moxlite.findings import Finding
from moxlite.store.backup.copying import copy_database, snapshot
from moxlite.store.backup.layout import (
    INCOMPLETE,
    RESTORING,
    SETTINGS,
    DatabaseFile,
    databases,
    lost_databases,
    other_files,
)
from moxlite.store.changelog.account import Account
from moxlite.store.errors import OF_PREVIEW, BackupError, BadTarget, StoreError
from moxlite.store.file.boundary import damage
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind, configure, is_preview, migrations_of, open_file
from moxlite.store.file.transaction import Reader
from moxlite.store.options import Options
from moxlite.store.rows.mailboxes import state
from moxlite.store.upkeep.check import check_account

logger = logging.getLogger("moxlite.store.verify")

MAX_LINES: Final = 20
"""Lines of SQLite's own check that are told of one file."""

MAX_MARK: Final = 64 << 10
"""Octets of a mark that are read."""

REPAIRS: Final = {
    "counts": "moxlite store fix-counts",
    "total_size": "moxlite store fix-counts",
    "ids": "moxlite store fix-uidmeta",
    "uidnext": "moxlite store fix-uidmeta",
    "uidvalidity": "moxlite store fix-uidmeta",
    "size": "moxlite store fix-sizes",
    "queued": "moxlite account recover",
    "file": "moxlite account recover",
    "chunk": "moxlite account recover",
    "hash": "moxlite account recover",
}
"""Commands that repair each kind of finding (STORE-43, STORE-188)."""

CONTENT_REFS: Final = """
SELECT c.id, c.refs, count(m.id) FROM content c LEFT JOIN msg m ON m.content_id = c.id GROUP BY c.id
HAVING c.refs <> count(m.id)"""
MIRROR: Final = """
SELECT content_id, state FROM mirror WHERE state <> 'remove' AND content_id NOT IN (SELECT id FROM content)"""


class VerificationResult(msgspec.Struct):
    """Findings: `notes` are worth knowing and no problems. `messages` were looked at."""

    problems: list[Finding] = []
    notes: list[str] = []
    databases: int = 0
    messages: int = 0

    def add(self, path: Path, *texts: str) -> None:
        """Add problems of a file as a whole."""
        self.problems += [replace(damage("", text), file=str(path)) for text in texts]

    def add_rows(self, path: Path, database_file: DatabaseFile, findings: Iterable[Finding]) -> None:
        """Add problems within a database, with the commands that repair them."""
        for finding in findings:
            command = REPAIRS.get(finding.about) if database_file.account is not None else None
            commands = (f"{command} {database_file.account}",) if command else ()
            self.problems.append(replace(finding, file=str(path), commands=commands))


def check_folder(folder: Path) -> None:
    """Raise BadTarget if a folder is not there, or this user may not read it: the text names what is in the way."""
    for path in (*reversed(folder.absolute().parents), folder):
        try:
            path.stat()
        except FileNotFoundError:
            raise BadTarget(f"can't read {folder}: the folder {path} doesn't exist") from None
        except NotADirectoryError:
            raise BadTarget(f"can't read {folder}: {path.parent} isn't a folder") from None
        except PermissionError:
            raise BadTarget(f"can't read {folder}: {_reader()} can't open {path.parent}") from None
    try:
        os.scandir(folder).close()
    except NotADirectoryError:
        raise BadTarget(f"{folder} isn't a folder") from None
    except PermissionError:
        raise BadTarget(f"can't read {folder}: {_reader()} doesn't have permission") from None


def check_plain(backup: Path) -> None:
    """Raise BadTarget if there's anything but files and folders in a full backup. Who has written it may be an enemy:
    links could lead to other users' files, and a pipe would never end. Blocks. Raises OSError.
    """
    for folder, folders, names in os.walk(backup, onerror=_raise):
        for path in (Path(folder) / name for name in (*folders, *names)):
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:
                continue  # a follower has removed it meanwhile
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISSOCK(mode)):  # copies of data have a socket
                kind = "a symbolic link" if stat.S_ISLNK(mode) else "a pipe or device"
                raise BadTarget(f"{path} is {kind}, and backups only have files and folders; delete it, then try again")


def _raise(error: OSError) -> None:
    raise error


def _reader() -> str:
    """The user who reads, for people."""
    import pwd

    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        name = str(os.geteuid())
    return f"user {name}, who owns the data directory," if os.getuid() != os.geteuid() else f"user {name}"


def data_of(folder: Path) -> Path:
    """The data directory: that in a backup, or the folder itself."""
    return folder / "data" if (folder / "data").is_dir() else folder


def verify(
    folder: Path,
    *,
    deep: bool = False,
    upgrade: bool = False,
    scratch: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> VerificationResult:
    """Look at everything below `folder`. Blocks. The caller sees to it that no server uses it.

    Args:
      deep: also read all bodies, and recompute what can be.
      upgrade: for files of an older schema, try the upgrade on a copy and check that.
      scratch: the folder for such copies, one at a time; None: that of TMPDIR.
      tell: takes the path of each file before it is looked at.
    """
    verification_result = VerificationResult()
    data = data_of(folder)
    for mark in (folder / INCOMPLETE, data / RESTORING):
        if mark.exists():
            verification_result.add(mark, "the copy is incomplete")
    verification_result.add(folder / INCOMPLETE, *_lacks(folder / INCOMPLETE))
    _version(data, verification_result)
    known = databases(data)
    if not known:
        text = "no databases found"
        if (folder / SETTINGS).exists():
            text = f"this is a repository: moxlite backup verify --repo {folder}"
        verification_result.add(data, text)
    for lost in lost_databases(data):
        verification_result.add(data / lost.path, "is missing: is its disk mounted?")
    for database_file in known:
        tell(str(data / database_file.path))
        verification_result.databases += 1
        try:
            _database(data, database_file, verification_result, deep=deep, upgrade=upgrade, scratch=scratch)
        except (apsw.Error, OSError, StoreError) as error:
            verification_result.add_rows(data / database_file.path, database_file, [damage("file", str(error))])
    for other in other_files(data):
        if not other.known:
            verification_result.notes.append(f"{data / other.path} is unknown")
    logger.info(
        "verified",
        extra={"kv": {"folder": str(folder), "databases": len(known), "problems": len(verification_result.problems)}},
    )
    return verification_result


def check_database(data: Path, database_file: DatabaseFile) -> list[str]:
    """Find damage in a database, which a server may use meanwhile. Blocks."""
    verification_result = VerificationResult()
    path = data / database_file.path
    try:
        if not path.stat().st_size:
            return ["is empty"]
        with snapshot(path) as db:
            _look(path, database_file, db, verification_result, deep=False)
    except FileNotFoundError:
        return ["is missing"]
    except (apsw.Error, OSError, StoreError) as error:
        return [str(error)]
    return [str(replace(problem, file="")) for problem in verification_result.problems]


def _lacks(mark: Path) -> list[str]:
    """Lines of the mark of an incomplete copy."""
    try:
        with safefile.open_file(mark) as file:
            lines = file.read(MAX_MARK).decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return lines[:MAX_LINES]


def _version(data: Path, verification_result: VerificationResult) -> None:
    with suppress(FileNotFoundError):
        with safefile.open_file(data / "version") as file:
            version = file.read(MAX_MARK).decode(errors="replace").strip()
        if version != __version__:
            verification_result.notes.append(f"written by moxlite {version[:80]!r}, this is {__version__}")


def _database(
    data: Path,
    database_file: DatabaseFile,
    verification_result: VerificationResult,
    *,
    deep: bool,
    upgrade: bool,
    scratch: Path | None,
) -> None:
    path = data / database_file.path
    known = len(migrations_of(database_file.kind))
    with _open(path) as db:
        version = _look(path, database_file, db, verification_result, deep=deep)
    if version is None or version == known:
        return
    if not upgrade:
        verification_result.notes.append(f"{path} has schema {version} of {known}; test the upgrade with --upgrade")
        return
    with tempfile.TemporaryDirectory(prefix="moxlite-upgrade-", dir=scratch) as temporary:
        copy = Path(temporary) / path.name
        copy_database(path, copy)
        open_file(copy, database_file.kind, Options(min_free_space=0)).close()
        verification_result.notes.append(f"{path} can be upgraded from schema {version} to {known}")
        with _open(copy) as db:
            _rows(path, database_file, db, verification_result, deep=deep)


def _look(
    path: Path, database_file: DatabaseFile, db: apsw.Connection, verification_result: VerificationResult, *, deep: bool
) -> int | None:
    """Look at an open database; returns its schema's number, None when it is not one of ours to look at."""
    known = len(migrations_of(database_file.kind))
    application, version = int(db.pragma("application_id")), int(db.pragma("user_version"))
    if application != database_file.kind.application_id:
        verification_result.add(path, f"isn't a moxlite {database_file.kind.value} database")
        return None
    if version > known:
        newer = f"has schema {version} from a newer version (this version of moxlite supports up to {known})"
        verification_result.add(path, OF_PREVIEW if is_preview(database_file.kind, version) else newer)
        return None
    findings = [*_file(db), *_schema(db, database_file.kind, version)]
    verification_result.add_rows(path, database_file, findings)
    if version == known:
        _rows(path, database_file, db, verification_result, deep=deep)
    return version


@contextmanager
def _open(path: Path) -> Iterator[apsw.Connection]:
    wal = path.with_name(path.name + "-wal")
    clean = not wal.exists() or wal.stat().st_size == 0
    uri = f"file:{quote(str(path.resolve()))}?mode=ro" + ("&immutable=1" if clean else "")
    db = apsw.Connection(uri, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    try:
        configure(db, Kind.ACCOUNT, writer=False)
        db.execute("BEGIN")
        yield db
    finally:
        db.close(True)


def _file(db: apsw.Connection) -> Iterator[Finding]:
    """SQLite's check of pages, order, constraints and indices; and that no child lacks its parent."""
    for (line,) in db.execute(f"PRAGMA integrity_check({MAX_LINES})").fetchall():
        if line != "ok":
            yield damage("file", str(line))
    for table, rowid, parent, _ in db.execute("PRAGMA foreign_key_check").fetchall()[:MAX_LINES]:
        yield damage("reference", f"row {rowid} in {table} doesn't have {parent}")


OBJECTS: Final = r"""
SELECT type || ' ' || name, sql FROM sqlite_schema
WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name NOT LIKE '\_litestream\_%' ESCAPE '\'"""


def _schema(db: apsw.Connection, kind: Kind, version: int) -> Iterator[Finding]:
    """The tables and indices must be those which the migrations make."""
    wanted = apsw.Connection(":memory:")
    try:
        for migration in migrations_of(kind)[:version]:
            wanted.execute(migration.sql).fetchall()
        expected, found = _objects(wanted), _objects(db)
    finally:
        wanted.close()
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            yield damage("schema", f"{name} is missing")
        elif name not in expected:
            yield damage("schema", f"{name} doesn't belong here")
        elif expected[name] != found[name]:
            yield damage("schema", f"{name} has a different definition")


def _objects(db: apsw.Connection) -> dict[str, str]:
    """Definitions by kind and name, without comments and spacing; tables of SQLite and of Litestream, which copies
    databases to a second machine, left out.
    """
    rows = db.execute(OBJECTS)
    return {
        str(name): " ".join(word for line in str(sql or "").splitlines() for word in line.partition("--")[0].split())
        for name, sql in rows.fetchall()
    }


def _rows(
    path: Path, database_file: DatabaseFile, db: apsw.Connection, verification_result: VerificationResult, *, deep: bool
) -> None:
    reader = Reader(db)
    findings: list[Finding] = []
    match database_file.kind:
        case Kind.ACCOUNT:
            findings = check_account(reader, deep=deep)
            verification_result.messages += reader.value("SELECT count(*) FROM message")
        case Kind.QUEUE:
            findings = [
                damage("content", f"content {number} has refs {refs} and {users} messages")
                for number, refs, users in reader.rows(CONTENT_REFS)
            ]
            findings += [
                damage("mirror", f"content {number} is missing, but its mirror row has state {state!r}")
                for number, state in reader.rows(MIRROR)
            ]
        case Kind.AUTH | Kind.REPORTS | Kind.CACHE | Kind.SEARCH:
            pass  # rows of these do not depend on each other
    verification_result.add_rows(path, database_file, findings)


# Databases without other users, of a backup or another machine: whether they are sound, how an account's compares
# with the account that is in use, how far they go, and what they have beyond that (STORE-186j).


MESSAGES: Final = "SELECT count(*) FROM message"
NEWER: Final = "SELECT count(*) FROM message WHERE createseq > ?"

MODSEQ: Final = "SELECT modseq FROM state WHERE id = 1"
QUEUED: Final = "SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'msg'"

LATER: Final = """
SELECT b.name, ifnull(m.messageid, ''), m.subject_base, m.received FROM message m JOIN mailbox b ON b.id = m.mailbox_id
WHERE m.createseq > ? AND b.system = 0 ORDER BY m.received"""
KNOWN: Final = "DELETE FROM message WHERE createseq <= ?"

READ_ONLY: Final = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI

USER_VERSION: Final = 60
"""Offset of the schema's number in a file (SQLite's file format, §1.3)."""

MAX_FAULTS: Final = 10
"""Findings that are kept."""


class Trial(msgspec.Struct, frozen=True):
    """Messages in the copy, messages of the account that came after it, and faults of the copy, [] for a sound one."""

    messages: int
    newer: int
    faults: list[str]


async def try_database(file: Path, account: Account) -> Trial:
    """Open a copy of an account's database as a restore does, and read all of it.

    The file, which has no other users, is upgraded to the present schema. Raises what opening and reading raise.
    """
    options = Options(min_free_space=0, vfs=account.options.vfs, schema=account.options.schema)
    copy = await Database.open(file, Kind.ACCOUNT, options=options, name=f"backup of {account.name}")
    try:
        findings = await copy.scan(partial(check_account, deep=True), op="check")
        messages, modseq = await copy.scan(_facts, op="check")
    finally:
        await copy.aclose()
    newer = await account.scan(lambda r: int(r.value(NEWER, modseq)), op="check")
    return Trial(messages, newer, [*map(str, findings[:MAX_FAULTS])])


def _facts(r: Reader) -> tuple[int, int]:
    return int(r.value(MESSAGES)), state(r).modseq


def newer_schema(file: Path, kind: Kind) -> str:
    """The reason why this version cannot use a database: a newer one has written it. "" if it can, or the file is no
    database yet. Blocks.
    """
    try:
        with file.open("rb") as octets:
            octets.seek(USER_VERSION)
            version = int.from_bytes(octets.read(4), "big")
    except OSError:
        return ""
    known = len(migrations_of(kind))
    if version <= known:
        return ""
    newer = f"has schema {version} (this version of moxlite supports up to {known})"
    return OF_PREVIEW if is_preview(kind, version) else newer


def quick_check(file: Path) -> str:
    """The first damage that SQLite's quick check finds in a file without log and users, "" for none. Blocks."""
    try:
        db = apsw.Connection(f"file:{quote(str(file.resolve()))}?mode=ro&immutable=1", flags=READ_ONLY)
        try:
            (found,) = db.execute("PRAGMA quick_check(1)").fetchone() or ("",)
        finally:
            db.close(True)
    except apsw.Error as error:
        return str(error)
    return "" if found == "ok" else str(found)


class LaterMessage(msgspec.Struct, frozen=True):
    """A message of an account. received: seconds UTC."""

    mailbox: str
    message_id: str
    subject: str
    received: float


def last_modseq(file: Path) -> int:
    """The last modseq of an account's database. Blocks. Raises BackupError."""
    return _number(file, MODSEQ)


def last_queued(file: Path) -> int:
    """The highest id that queue.db has given to a message. Blocks. Raises BackupError."""
    return _number(file, QUEUED)


def keep_later(file: Path, modseq: int) -> list[LaterMessage]:
    """Keep only messages after a modseq in an account's database, and list them.

    The others are removed from the file, so that a restore of mail only adds these. Blocks. Raises BackupError.
    """
    with _opened(file, apsw.SQLITE_OPEN_READWRITE, "") as db:
        db.execute("PRAGMA foreign_keys = OFF")
        rows = db.execute(LATER, (modseq,)).fetchall()
        db.execute(KNOWN, (modseq,))
    return [LaterMessage(str(box), str(name), str(subject), float(str(at)) / 1e6) for box, name, subject, at in rows]


@contextlib.contextmanager
def _opened(file: Path, flags: int, options: str) -> Iterator[apsw.Connection]:
    try:
        db = apsw.Connection(f"file:{quote(str(file))}{options}", flags=flags | apsw.SQLITE_OPEN_URI)
        try:
            yield db
        finally:
            db.close(True)
    except apsw.Error as error:
        raise BackupError(f"{file}: {error}") from None


def _number(file: Path, query: str) -> int:
    # immutable: nothing is left beside the file
    with _opened(file, apsw.SQLITE_OPEN_READONLY, "?mode=ro&immutable=1") as db:
        row = db.execute(query).fetchone()
    return 0 if row is None or not isinstance(row[0], int) else row[0]
