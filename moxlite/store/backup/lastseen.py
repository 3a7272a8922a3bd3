"""How far databases of another machine go, and what they have beyond that (STORE-186j). Files without other users."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

import apsw
import msgspec

from moxlite.store.backup.errors import BackupError

__all__ = ["LaterMessage", "keep_later", "last_modseq", "last_queued"]

MODSEQ: Final = "SELECT modseq FROM state WHERE id = 1"
QUEUED: Final = "SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'msg'"

LATER: Final = """
SELECT b.name, ifnull(m.messageid, ''), m.subject_base, m.received FROM message m JOIN mailbox b ON b.id = m.mailbox_id
WHERE m.createseq > ? AND b.system = 0 ORDER BY m.received"""
KNOWN: Final = "DELETE FROM message WHERE createseq <= ?"


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
