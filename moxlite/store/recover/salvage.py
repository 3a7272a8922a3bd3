"""The rows that can be saved from a damaged account file, indexed in a scratch database (STORE-188).

The scratch database has the rows of messages, but only the positions of the chunks of bodies: memory is bounded, and
octets are read when they are needed.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec
import zstandard

from moxlite.encoding import to_msgpack
from moxlite.store.content.body import CHUNK_SIZE, Compression, compression_of, decode_chunk, is_sound
from moxlite.store.errors import ChunkDamaged
from moxlite.store.mail.remotes import SEED, SLICE, copy_key
from moxlite.store.recover.pages import FOUND_ANYWHERE, Cell, Damaged, Pages, Record, roots, rows_of, rows_of_lost_pages
from moxlite.store.types import CHUNK_BITS

TOMBSTONE: Final = (13, 14)
"""Columns of a row of `expunged`: account schema 0029 has added one."""

COPIED: Final = (
    "credential",
    "app_password",
    "settings",
    "subscription",
    "annotation",
    "acl",
    "delegate",
    "subjectpass",
    "from_address_setting",
    "outgoing",
    "recipient_domain_tls",
    "ruleset_no_listid",
    "ruleset_no_msgfrom",
    "ruleset_no_mailbox",
    "snooze",
    "invitation",
    "collection",
    "resource",
    "resource_data",
    "resource_address",
    "collection_acl",
    "calendar_link",
    "calendar_subscription",
    "resource_kept",
    "shared_view",
    "masked",
    "masked_sender",
    "masked_day",
    "link",
    "pop3_seen",
    "share_notice",
    "event_notice",
    "sieve_script",
    "sieve_seen",
    "vacation_form",
    "vacation_sent",
    "forward_target",
    "template",
    "notice_choice",
    "notice_device",
    "identity",
)
"""Tables whose rows are copied. All others are made anew from the messages, but for those that `copies` restores."""

SCRATCH: Final = """
CREATE TABLE found (place TEXT, id INTEGER, record BLOB, PRIMARY KEY (place, id)) WITHOUT ROWID;
CREATE TABLE chunk (id INTEGER PRIMARY KEY, page INTEGER, offset INTEGER, length INTEGER);
CREATE TABLE gone (body_id INTEGER PRIMARY KEY);
CREATE TABLE used (body_id INTEGER PRIMARY KEY);
CREATE TABLE copy (remote_id INTEGER, uid INTEGER, message_id INTEGER, key BLOB, flags TEXT, gm_msgid INTEGER);
CREATE TABLE removed (message_id INTEGER PRIMARY KEY);
CREATE TABLE saved (message_id INTEGER PRIMARY KEY, new_id INTEGER);
"""
ADD: Final = "INSERT OR IGNORE INTO found VALUES (?, ?, ?)"
ADD_CHUNK: Final = "INSERT OR IGNORE INTO chunk VALUES (?, ?, ?, ?)"
ALL: Final = "SELECT id, record FROM found WHERE place = ? ORDER BY id"
ONE: Final = "SELECT record FROM found WHERE place = ? AND id = ?"
CHUNKS: Final = "SELECT id, page, offset, length FROM chunk WHERE id >= ? AND id < ? ORDER BY id"
ADD_COPY: Final = "INSERT INTO copy VALUES (?, ?, ?, ?, ?, ?)"
COPIES: Final = """
SELECT c.*, s.new_id, r.message_id, f.id FROM copy c LEFT JOIN saved s USING (message_id)
LEFT JOIN removed r USING (message_id) LEFT JOIN found f ON f.place = 'message' AND f.id = c.message_id
ORDER BY c.rowid"""
NEW_ID: Final = "SELECT new_id FROM saved WHERE message_id = ?"
UNUSED: Final = """
SELECT DISTINCT id >> ? FROM chunk WHERE id >> ? NOT IN (SELECT body_id FROM used)
AND id >> ? NOT IN (SELECT body_id FROM gone) ORDER BY 1"""


class FoundMailbox(msgspec.Struct, frozen=True):
    """A row of `mailbox`; `count`: stored number of its messages; `system`: the mailbox that the queue fills again."""

    id: int
    name: str
    special_use: int
    uidvalidity: int
    count: int
    system: bool


class FoundMessage(msgspec.Struct, frozen=True):
    """A row of `message`, with related rows; `prefix` is None if its row is lost, `smtp` a row as stored, or None."""

    id: int
    mailbox_id: int
    uid: int
    body_id: int
    size: int
    received: int
    received_offset: int
    savedate: int
    flags: int
    keywords: str
    is_reject: bool
    is_forward: bool
    is_mailinglist: bool
    subject: str
    prefix: bytes | None
    tls: tuple[str, str, bool]
    smtp: Record | None


class Body(msgspec.Struct, frozen=True):
    """A body. `proven`: its octets match the hash in its row; otherwise only each chunk passed its own check."""

    data: bytes
    proven: bool


class Salvage:
    """The readable rows of a damaged file. Blocks; close it."""

    def __init__(self, pages: Pages, scratch: Path) -> None:
        """Read the whole file; `scratch` is the path of the scratch database."""
        self._pages = pages
        self._db = apsw.Connection(str(scratch))
        # The scratch file ends with this process; what it holds can be read again from the damaged one.
        for pragma in ("journal_mode=OFF", "synchronous=OFF"):
            self._db.execute(f"PRAGMA {pragma}").fetchall()
        self._db.execute(SCRATCH)
        self.copied: dict[str, list[Record]] = {}
        self.remotes: list[FoundRemote] = []
        self.owed: list[Record] = []
        """Rows of `outbox`."""
        self.next_uidvalidity = 0
        self.modseq = 0
        """Highest modseq found; `next_uidvalidity` likewise."""
        self.created: int | None = None
        """Time when the account was made, µs UTC."""
        self.lost_branches = 0
        """Number of rows that were found in pages that no tree leads to."""
        with self._db:
            self._walk()

    def close(self) -> None:
        """Close the scratch database."""
        self._db.close()

    def _walk(self) -> None:
        seen: set[int] = set()
        tables = roots(self._pages)
        for table, root in tables.items():
            if table in FOUND_ANYWHERE:
                for cell, record in rows_of(self._pages, root, seen):
                    if FOUND_ANYWHERE[table](record):
                        self._add(table, cell, record)
            # messages that users removed must not come back with what was found in lost pages
            elif table == "expunged":
                for _, record in rows_of(self._pages, root, seen):
                    if len(record) not in TOMBSTONE:
                        continue
                    if isinstance(record[2], int):
                        self._db.execute("INSERT OR IGNORE INTO removed VALUES (?)", (record[2],))
                    if isinstance(record[7], int):
                        self._db.execute("INSERT OR IGNORE INTO gone VALUES (?)", (record[7],))
            elif table == "imap_copy":
                for _, record in rows_of(self._pages, root, seen):
                    if copy := found_copy(record):
                        self._db.execute(ADD_COPY, msgspec.structs.astuple(copy)[:6])
            elif table == "recipient":
                # Of submissions alone (STORE-95): recipients of messages come back with these, under other ids.
                submitted = (record for _, record in rows_of(self._pages, root, seen))
                self.copied[table] = [
                    (None, *record[1:])
                    for record in submitted
                    if len(record) > 1 and isinstance(record[1], int) and record[1] < 0
                ]
            elif table == "imap_remote":
                rows = [_with_rowid(cell, record) for cell, record in rows_of(self._pages, root, seen)]
                self.remotes = [remote for remote in map(found_remote, rows) if remote]
            elif table == "state":
                for _, record in rows_of(self._pages, root, seen):
                    self._state(record)
            else:
                rows = [_with_rowid(cell, record) for cell, record in rows_of(self._pages, root, seen)]
                if table in COPIED:
                    self.copied[table] = rows
                elif table == "outbox":
                    self.owed = rows
        # pages that no tree leads to: a damaged inner page has cut them off
        for table, (cell, record) in rows_of_lost_pages(self._pages, seen):
            self.lost_branches += 1
            self._add(table, cell, record)

    def _state(self, record: Record) -> None:
        if len(record) >= 5 and isinstance(record[2], int) and isinstance(record[4], int):
            self.modseq = max(self.modseq, record[2])
            self.next_uidvalidity = max(self.next_uidvalidity, record[4])
            self.created = record[8] if len(record) > 8 and isinstance(record[8], int) else None

    def _add(self, table: str, cell: Cell, record: Record) -> None:
        if table == "body_chunk":
            self._db.execute(ADD_CHUNK, (cell.rowid, cell.page, cell.offset, cell.length))
            return
        self._db.execute(ADD, (table, cell.rowid, to_msgpack(record)))

    def _all(self, table: str) -> Iterator[tuple[int, Any]]:
        for rowid, record in self._db.execute(ALL, (table,)):
            yield rowid, _unpack(record)

    def _one(self, table: str, rowid: int) -> Any:
        row = self._db.execute(ONE, (table, rowid)).fetchone()
        return None if row is None else _unpack(row[0])

    # Saved rows

    def mailboxes(self) -> list[FoundMailbox]:
        """All mailboxes, by id."""
        found_mailboxes = []
        for rowid, record in self._all("mailbox"):
            self.next_uidvalidity = max(self.next_uidvalidity, record[3] + 1)
            self.modseq = max(self.modseq, record[9])
            count = sum(one for one in record[10:12] if isinstance(one, int))
            found_mailboxes.append(FoundMailbox(rowid, record[1], record[6], record[3], count, record[16:17] == [1]))
        return found_mailboxes

    def messages(self) -> Iterator[FoundMessage]:
        """All messages by id, so that older ones come first, as threading needs."""
        ids = [rowid for (rowid,) in self._db.execute("SELECT id FROM found WHERE place = 'message' ORDER BY id")]
        for rowid in ids:
            record = self._one("message", rowid)
            info = self._one("message_info", record[7])  # copies share the row of their first message
            self.modseq = max(self.modseq, record[4])
            prefix, tls = (None, ("", "", False)) if info is None else _prefix_and_tls(info)
            yield FoundMessage(
                id=rowid,
                mailbox_id=record[1],
                uid=record[2],
                body_id=record[6],
                size=record[8],
                received=record[9],
                received_offset=record[10],
                savedate=record[11],
                flags=record[12],
                keywords=record[13],
                is_reject=bool(record[14]),
                is_forward=bool(record[15]),
                is_mailinglist=bool(record[16]),
                subject=record[21],
                prefix=prefix,
                tls=tls,
                smtp=self._one("message_smtp", rowid),
            )

    def body(self, body_id: int, size: int | None = None) -> Body:
        """Read a body; `size` is the expected number of octets, if known. Raises Damaged."""
        row = self._one("body", body_id)
        parts = []
        first = body_id << CHUNK_BITS
        if not 0 < first < 1 << 62:
            raise Damaged(f"body {body_id} doesn't exist")
        # Also if it cannot be read: its message is told as lost already, and must not be told again as a body without
        # one.
        self.spare(body_id)
        places: list[tuple[Any, ...]] = self._db.execute(CHUNKS, (first, (body_id + 1) << CHUNK_BITS)).fetchall()
        for seq, (chunk, page, offset, length) in enumerate(places):
            if chunk != first + seq:
                raise Damaged(f"chunk {seq} is lost")
            parts.append(self._chunk(Cell(page, chunk, offset, length), seq))
        if not parts:
            raise Damaged("data is missing")
        data = b"".join(parts)
        # The hash is of the whole body. Without its row the chunks are good one by one, but one at the end may be
        # missing.
        if row is not None and hashlib.sha256(data).digest() == row[1]:
            return Body(data, proven=True)
        if row is not None and len(data) != row[2]:
            raise Damaged(f"only {len(data)} of {row[2]} bytes are left")
        if row is not None:
            raise Damaged("hash mismatch")
        if size is not None and len(data) != size:
            raise Damaged(f"only {len(data)} of {size} bytes are left")
        if any(len(part) != CHUNK_SIZE for part in parts[:-1]):
            raise Damaged("some data is missing")
        if size is None and len(parts[-1]) == CHUNK_SIZE:
            # few bodies end with a full chunk, so more chunks are probably lost
            raise Damaged("the end of the data is missing")
        return Body(data, proven=False)

    def spare(self, body_id: int) -> None:
        """Mark a body as used, so that `unused` leaves it out."""
        self._db.execute("INSERT OR IGNORE INTO used VALUES (?)", (body_id,))

    def _chunk(self, cell: Cell, seq: int) -> bytes:
        record = self._pages.record(cell)
        match record:
            case (None, int(encoding), int(check), bytes(data)) if is_sound(encoding, check, data):
                try:
                    return decode_chunk(encoding, check, data, _plain_length(encoding, data))
                except ChunkDamaged:
                    pass
            case _:
                pass
        raise Damaged(f"chunk {seq} is damaged")

    def note_saved(self, message_id: int, new_id: int) -> None:
        """Record that a salvaged message was written to the new account file, and its id there."""
        self._db.execute("INSERT OR IGNORE INTO saved VALUES (?, ?)", (message_id, new_id))

    def new_id(self, message_id: int) -> int | None:
        """New id of a message from `note_saved`, or None if it wasn't saved."""
        row = self._db.execute(NEW_ID, (message_id,)).fetchone()
        new_id: int | None = None if row is None else row[0]
        return new_id

    def copies(self, *, complete: bool) -> Iterator[FoundCopy]:
        """The rows of ``imap_copy``; to be called after `note_saved` for all saved messages. `complete`: no row of a
        message is known to be lost, so messages without a row were removed.
        """
        row: tuple[Any, ...]
        for row in self._db.execute(COPIES):
            remote_id, uid, message_id, key, flags, gm_msgid, new_id, removed, found = row
            lost = new_id is None and removed is None and (found is not None or not complete)
            yield FoundCopy(remote_id, uid, message_id, key, flags, gm_msgid, new_id, lost)

    def unused(self) -> list[int]:
        """Bodies that neither a message nor a removed message uses; to be called after `body` for all messages."""
        rows: list[tuple[Any, ...]] = self._db.execute(UNUSED, (CHUNK_BITS, CHUNK_BITS, CHUNK_BITS)).fetchall()
        return [row[0] for row in rows]


def _prefix_and_tls(info: Record) -> tuple[Any, tuple[Any, Any, bool]]:
    """Prefix and TLS columns of a row of `message_info`; older rows begin with the prefix and end with the others."""
    prefix, version, cipher, requiretls = info[5:9] if len(info) == 9 else (info[1], *info[-3:])
    return prefix, (version, cipher, bool(requiretls))


def _plain_length(encoding: int, data: bytes) -> int:
    """Unpacked octets of a chunk, from its data alone; -1 if it cannot be read."""
    match compression_of(encoding):
        case Compression.NONE:
            return len(data)
        case Compression.ZSTD:
            try:
                return zstandard.frame_content_size(data)
            except zstandard.ZstdError:
                return -1
        case _:
            try:
                return len(zlib.decompressobj().decompress(data, CHUNK_SIZE + 1))
            except zlib.error:
                return -1


def _with_rowid(cell: Cell, record: Record) -> Record:
    """Fill in the column that is an alias of the rowid, which is stored as NULL."""
    return (cell.rowid, *record[1:]) if record and record[0] is None and cell.rowid else record


_unpack: Final = msgspec.msgpack.Decoder().decode


# State of imports and exports by IMAP (``imap_remote``, ``imap_copy``, IMAP-138), restored into the new file of an
# account, where mailboxes and messages have new ids.
#
# The row of a message lost by damage is left out, so that the next import fetches the message again. The row of a
# message that the user removed is kept, so that it does not come back. If rows of messages are lost, only the table
# of removals distinguishes the two cases, and a message that is not in it is fetched again: a duplicate is better
# than a loss.


KEY_SIZE: Final = 16
"""Octets of the key of a message (`copy_key`): a row with another length is not one of this table."""

INSERT_REMOTE: Final = """
INSERT OR IGNORE INTO imap_remote (id, role, host, username, mailbox, uidvalidity, mailbox_id)
VALUES (?, ?, ?, ?, ?, ?, ?)"""
INSERT_COPY: Final = """
INSERT OR IGNORE INTO imap_copy (remote_id, uid, message_id, key, flags, gm_msgid) VALUES (?, ?, ?, ?, ?, ?)"""
IS_KNOWN: Final = "SELECT 1 FROM imap_copy WHERE message_id = ? AND remote_id = ?"
HIGHEST_ID: Final = "SELECT last_message_id FROM state WHERE id = 1"
RAISE_ID: Final = "UPDATE state SET last_message_id = ? WHERE id = 1"


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
            if role in ("source", "target", "link"):
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
    for remote in remotes:
        mailbox_id = mailbox_ids.get(remote.mailbox_id, 0)  # 0: the next run sets it
        row = (remote.id, remote.role, remote.host, remote.username, remote.mailbox, remote.uidvalidity, mailbox_id)
        db.execute(INSERT_REMOTE, row)
        if db.changes() and remote.role != "target":
            sources[remote.id] = mailbox_id
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
        # Negative UIDs are made of ids, which are others in the new file.
        uid = copy.uid if copy.uid > 0 else -message_id
        db.execute(INSERT_COPY, (copy.remote_id, uid, message_id, copy.key, copy.flags, copy.gm_msgid))
    if highest > first:
        db.execute(RAISE_ID, (highest,))
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
