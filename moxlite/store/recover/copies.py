"""State of imports and exports by IMAP (``imap_remote``, ``imap_copy``, IMAP-138), restored into the new file of an
account, where mailboxes and messages have new ids.

The row of a message lost by damage is left out, so that the next import fetches the message again. The row of a message
that the user removed is kept, so that it does not come back. If rows of messages are lost, only the table of removals
distinguishes the two cases, and a message that is not in it is fetched again: a duplicate is better than a loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import apsw
import msgspec

from moxlite.store.mail.remotes import SEED, SLICE, copy_key
from moxlite.store.recover.pages import Record

KEY_SIZE: Final = 16

INSERT_REMOTE: Final = """
INSERT OR IGNORE INTO imap_remote (id, role, host, username, mailbox, uidvalidity, mailbox_id)
VALUES (?, ?, ?, ?, ?, ?, ?)"""
INSERT_COPY: Final = """
INSERT OR IGNORE INTO imap_copy (remote_id, uid, message_id, key, flags, gm_msgid) VALUES (?, ?, ?, ?, ?, ?)"""
IS_KNOWN: Final = "SELECT 1 FROM imap_copy WHERE message_id = ? AND remote_id = ?"
HIGHEST_ID: Final = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'message'"
RAISE_ID: Final = "UPDATE sqlite_sequence SET seq = ? WHERE name = 'message'"
FIRST_ID: Final = "INSERT INTO sqlite_sequence (name, seq) VALUES ('message', ?)"


class FoundRemote(msgspec.Struct, frozen=True):
    """A row of ``imap_remote``, without its state at the end of the last run: the next run compares everything."""

    id: int
    role: str
    host: str
    username: str
    mailbox: str
    uidvalidity: int
    mailbox_id: int


class FoundCopy(msgspec.Struct, frozen=True):
    """A row of ``imap_copy``. `new_id`: the message's id in the new file, or None; `lost`: damage destroyed it."""

    remote_id: int
    uid: int
    message_id: int
    key: bytes
    flags: str | None
    gm_msgid: int | None
    new_id: int | None = None
    lost: bool = False


def found_remote(record: Record) -> FoundRemote | None:
    """Convert a record; None if it cannot be a row of ``imap_remote``."""
    match record[:7]:
        case (int(rowid), str(role), str(host), str(username), str(mailbox), int(uidvalidity), int(mailbox_id)):
            if role in ("source", "target"):
                return FoundRemote(rowid, role, host, username, mailbox, uidvalidity, mailbox_id)
        case _:
            pass
    return None


def found_copy(record: Record) -> FoundCopy | None:
    """Convert a record; None if it cannot be a row of ``imap_copy``."""
    match record:
        case (int(remote_id), int(uid), int(message_id), bytes(key), flags, gm_msgid) if len(key) == KEY_SIZE:
            if isinstance(flags, str | None) and isinstance(gm_msgid, int | None) and message_id > 0:
                return FoundCopy(remote_id, uid, message_id, key, flags, gm_msgid)
        case _:
            pass
    return None


def restore_copies(
    db: apsw.Connection, remotes: list[FoundRemote], copies: Iterator[FoundCopy], mailbox_ids: Mapping[int, int]
) -> None:
    """Write the rows, within a transaction of `db`.

    Args:
      mailbox_ids: ids of mailboxes in the new file, by their old ids.
    """
    sources = {}
    for one in remotes:
        mailbox_id = mailbox_ids.get(one.mailbox_id, 0)  # 0: the next run sets it
        row = (one.id, one.role, one.host, one.username, one.mailbox, one.uidvalidity, mailbox_id)
        db.execute(INSERT_REMOTE, row)
        if db.changes() and one.role == "source":
            sources[one.id] = mailbox_id
    known = {one.id for one in remotes}
    [(highest,)] = _rows(db, HIGHEST_ID)
    first = highest
    removed: dict[int, int] = {}
    for copy in copies:
        if copy.remote_id not in known or (copy.lost and copy.remote_id in sources):
            continue
        message_id = copy.new_id
        if message_id is None:  # an id that no message will ever have
            if copy.message_id not in removed:
                highest += 1
                removed[copy.message_id] = highest
            message_id = removed[copy.message_id]
        uid = copy.uid if copy.uid > 0 else -message_id
        db.execute(INSERT_COPY, (copy.remote_id, uid, message_id, copy.key, copy.flags, copy.gm_msgid))
    if highest > first:
        db.execute(RAISE_ID, (highest,))
        if not db.changes():
            db.execute(FIRST_ID, (highest,))
    for remote_id, mailbox_id in sources.items():
        _seed(db, remote_id, mailbox_id)


def _seed(db: apsw.Connection, remote_id: int, mailbox_id: int) -> None:
    """Add keys of messages whose ``imap_copy`` row is lost: the next run recognises them and fetches no duplicates."""
    after = 0
    while rows := _rows(db, SEED, mailbox_id, after, SLICE):
        for uid, message_id, messageid, size, received in rows:
            after = uid
            if not db.execute(IS_KNOWN, (message_id, remote_id)).fetchall():
                key = copy_key(messageid, size, received)
                db.execute(INSERT_COPY, (remote_id, -message_id, message_id, key, None, None))


def _rows(db: apsw.Connection, sql: str, *values: int) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = db.execute(sql, values).fetchall()
    return rows
