"""Databases without other users, of a backup or another machine: whether they are sound, how an account's compares with
the account that is in use, how far they go, and what they have beyond that (STORE-186j).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import quote

import apsw
import msgspec

from moxlite.store.backup.errors import BackupError
from moxlite.store.changelog.account import Account
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind, migrations_of
from moxlite.store.file.transaction import Reader
from moxlite.store.options import Options
from moxlite.store.rows.mailboxes import state
from moxlite.store.upkeep.check import check_account

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
        found = await copy.scan(partial(check_account, deep=True), op="check")
        messages, modseq = await copy.scan(_facts, op="check")
    finally:
        await copy.aclose()
    newer = await account.scan(lambda r: int(r.value(NEWER, modseq)), op="check")
    return Trial(messages, newer, [f"{one.kind}: {one.text}" for one in found[:MAX_FAULTS]])


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
    return "" if version <= known else f"has schema {version}, and this moxlite knows up to {known}"


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
    """The messages of an account's database that came after a modseq; all others are removed from it, so that a restore
    of mail takes these alone. Blocks. Raises BackupError.
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
