"""Units of an import: messages are stored in the account invisibly, and can be removed again (STORE-121, STORE-122,
STORE-129, STORE-131).

Theory of operation
-------------------
A job is a row of ``import_job``, one at a time. Each message gets its id at once, from a range far above the ids that
deliveries take meanwhile, and with it its rows in ``message_info`` and ``message_header``, which are
9/10 of all that is written. The other columns wait in ``import_message``. Its row holds a reference to the body, so
that a body which a delivery shares is not erased before. The rows of ``message`` are written once all is staged
(`imports.appearing`), which therefore copies nothing large: ``body_id`` is 0 from then on, as the message has the
reference. Ids rise with time, as other code expects: the ids of the import are above all ids given before its end, and
the next delivery's id is above them.

``import_mailbox`` has rows from the first unit in which messages appear until the end of the job. What is left of a job
with such rows is taken back, and what is left without them is only removed.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from moxlite.encoding import to_msgpack
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.body import take_body_ids
from moxlite.store.content.prepare import PreparedMessage
from moxlite.store.errors import ImportFailed, OverQuota
from moxlite.store.file.transaction import Reader, Tx, Value, int_array
from moxlite.store.mail.adding import INSERT_HEADER, add_bodies
from moxlite.store.mail.counts import next_message_id, take_message_ids
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.mailboxes import delete_mailbox
from moxlite.store.mail.remotes import Origin, copy_key, link
from moxlite.store.mail.threads import missing_names
from moxlite.store.types import BodyID, Flag, MessageID, chunk_id

GAP: Final = 1 << 22
"""Ids left for deliveries during a job of unknown size, such as the copy of a mailbox from another server: at 10 a
second they last five days. Ids have 32 bits (WEBMAIL-62), so a thousand of these jobs fit.
"""

# Even a small file may wait for other work while mail comes in. The most is a sixteenth of all ids.
GAP_LEAST: Final = 1 << 12
GAP_MOST: Final = 1 << 28
GAP_PER_ID: Final = 256
"""Octets of a file for which one id is left. A slow machine reads 2 MB/s, so it may deliver 8,000 messages a second.
The gaps of a million files of a megabyte fit.
"""

DROPPED: Final = 200
"""Messages removed in one unit, as many as are added in one (STORE-122)."""

RESOLVED: Final = 500
"""Messages whose flag letters are resolved in one unit: 3 ms."""

CLEARED: Final = 5_000
"""Rows of a finished job removed in one unit: 10 ms."""

NEW_MAILBOX: Final = -1
"""Last UID of a mailbox that the import made: a failure removes it."""

JOBS: Final = "SELECT count(*) FROM import_job"
BEGIN: Final = "INSERT INTO import_job (token, started) VALUES (?, ?)"
THREADS: Final = "SELECT threads_step FROM state"
TOTAL: Final = "SELECT total_size FROM state"
INSERT_INFO: Final = """
INSERT INTO message_info (email_id, envelope, bodystructure, structure, preview, prefix) VALUES (?, ?, ?, ?, ?, x'')"""
INSERT: Final = """
INSERT INTO import_message (id, mailbox, place, folder, letters, body_id, size, received, received_offset, flags,
keywords, dsn, messageid, subject_base, is_response, refs) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
LETTERS: Final = "SELECT id, folder, letters FROM import_message WHERE id >= ? AND letters <> '' ORDER BY id LIMIT ?"
RESOLVE: Final = "UPDATE import_message SET flags = flags | ?, keywords = ?, letters = '' WHERE id = ?"
FIRST_STAGED: Final = "SELECT coalesce(min(id), 1 << 62) FROM import_message"
SOME: Final = "SELECT id, body_id FROM import_message ORDER BY id DESC LIMIT ?"
DROP: Final = "DELETE FROM import_message WHERE id IN (SELECT value FROM carray(?))"
DROP_SIDE: Final = (
    "DELETE FROM message_info WHERE email_id = ?",
    "DELETE FROM message_header WHERE email_id = ?",
    "DELETE FROM imap_copy WHERE message_id = ?",
)
APPEARING: Final = "SELECT EXISTS (SELECT 1 FROM import_mailbox)"
CONFIRMED: Final = """
SELECT body_id = 0 AND NOT EXISTS (SELECT 1 FROM import_mailbox) FROM import_message ORDER BY id DESC LIMIT 1"""
APPEARED: Final = """
SELECT m.id FROM carray(?) c CROSS JOIN message m ON m.id = c.value AND m.mailbox_id = m.mailbox_orig_id"""
UNCOPY: Final = "DELETE FROM imap_copy WHERE message_id IN (SELECT value FROM carray(?))"
ERASE_NOW: Final = "UPDATE erase_queue SET expunged_at = 0 WHERE message_id IN (SELECT value FROM carray(?))"
MADE: Final = f"SELECT mailbox_id FROM import_mailbox WHERE last_uid = {NEW_MAILBOX} ORDER BY mailbox_id DESC"  # noqa: S608 - a constant
FILLED: Final = """
SELECT EXISTS (SELECT 1 FROM message WHERE mailbox_id = ?1) OR EXISTS (SELECT 1 FROM mailbox WHERE parent_id = ?1)"""
UNREF: Final = "UPDATE body SET refs = refs - 1 WHERE id = ? RETURNING refs"
DROP_CHUNKS: Final = "DELETE FROM body_chunk WHERE id >= ? AND id < ?"
DROP_BODY: Final = "DELETE FROM body WHERE id = ?"
DROP_JOB: Final = "DELETE FROM import_job"
FORGET_MAILBOXES: Final = "DELETE FROM import_mailbox"


class Job(msgspec.Struct, frozen=True):
    """A running import: `first_id` is the id of its first message."""

    token: bytes
    first_id: MessageID


class StagedMessage(msgspec.Struct, frozen=True):
    """A message for `stage`: `mailbox` and `folder` are numbers within the job, `place` counts within the mailbox."""

    id: int
    prepared: PreparedMessage
    mailbox: int
    place: int
    folder: int
    letters: str
    received: int
    offset: int
    flags: Flag
    keywords: str
    origin: Origin | None = None


def gap_for(octets: int) -> int:
    """Ids left for deliveries during the import of a file of this size."""
    return min(max(octets // GAP_PER_ID, GAP_LEAST), GAP_MOST)


def begin(tx: AccountTx, gap: int = GAP) -> Job:
    """Begin a job, whose ids begin `gap` above the last. Raises ImportFailed if another one runs, or the account's
    threads are not complete yet (STORE-130).
    """
    if tx.value(THREADS) != 2:
        raise ImportFailed("this account's conversations are still being prepared; try again later")
    # One at a time: a second job would begin at the same id, as ids count only once they are in `message`.
    if tx.value(JOBS):
        raise ImportFailed("another import into this account is already running")
    token = secrets.token_bytes(16)
    tx.execute(BEGIN, token, tx.now)
    return Job(token, MessageID(next_message_id(tx) + gap))


def check_room(tx: AccountTx, octets: int) -> None:
    """Raise OverQuota if the quota has no room for all messages of a job (STORE-123): they are not in the account's
    size before they appear.
    """
    limit = tx.config.quota
    used = tx.value(TOTAL)
    if 0 < limit < used + octets:
        raise OverQuota(used, limit)


def stage(tx: AccountTx, messages: Sequence[StagedMessage], octets: int) -> None:
    """Store messages of a job.

    Args:
      octets: octets of all messages of the job, these included.

    Raises:
      OverQuota: the quota has no room for them (STORE-123).
    """
    check_room(tx, octets)
    bodies = add_bodies(tx, [one.prepared for one in messages], take_body_ids(tx, len(messages)))
    tx.executemany(INSERT_INFO, [_info(one.id, one.prepared) for one in messages])
    tx.executemany(INSERT_HEADER, [_header(one.id, one.prepared) for one in messages])
    tx.executemany(INSERT, [_row(one, body_id) for one, body_id in zip(messages, bodies, strict=True)])
    for message in messages:
        if (origin := message.origin) is not None:
            link(tx, origin, message.id, copy_key(message.prepared.thread.messageid, origin.size, origin.received))


def _header(message_id: int, prepared: PreparedMessage) -> tuple[Value, ...]:
    # Which references are missing is known once the message is placed; its row is not written again then.
    return (message_id, None, missing_names(prepared.thread.references), prepared.header)


def _info(message_id: int, prepared: PreparedMessage) -> tuple[Value, ...]:
    return (message_id, prepared.envelope, prepared.bodystructure, prepared.structure, prepared.preview)


def _row(one: StagedMessage, body_id: BodyID) -> tuple[Value, ...]:
    thread = one.prepared.thread
    return (
        one.id,
        one.mailbox,
        one.place,
        one.folder,
        one.letters,
        body_id,
        one.prepared.size,
        one.received,
        one.offset,
        int(one.flags),
        one.keywords,
        thread.dsn,
        thread.messageid,
        thread.subject_base,
        thread.is_response,
        to_msgpack(thread.references),
    )


class Lettered(NamedTuple):
    """A message with flag letters whose meaning isn't known yet: `folder` as in `StagedMessage`."""

    id: int
    folder: int
    letters: str


def lettered(r: Reader, start: int) -> list[Lettered]:
    """The next messages with unresolved flag letters, from the id `start`."""
    return [Lettered(*row) for row in r.rows(LETTERS, start, RESOLVED)]


def resolve_letters(tx: Tx, meanings: Sequence[tuple[int, str, int]]) -> None:
    """Set what letters stand for, once the file that defines them was found: flags, keywords, and the message's id."""
    tx.executemany(RESOLVE, meanings)


def drop_staged(tx: AccountTx) -> int:
    """Remove messages of a job that failed, also those that have appeared, unless they were moved (STORE-121); of a
    confirmed job, only its rows. Returns the number of rows; call it until that is 0.
    """
    rows = tx.rows(SOME, CLEARED if tx.value(CONFIRMED) else DROPPED)
    appeared = [message_id for message_id, body_id in rows if not body_id]
    if appeared and tx.value(APPEARING):
        _take_back(tx, appeared)
    for message_id, body_id in rows:
        if body_id:
            _drop_hidden(tx, message_id, body_id)
    if rows:
        tx.execute(DROP, int_array([row[0] for row in rows]))
    return len(rows)


def _take_back(tx: AccountTx, message_ids: list[int]) -> None:
    ids = [row[0] for row in tx.rows(APPEARED, int_array(message_ids))]
    if ids:
        take_message_ids(tx, MessageID(max(ids)))  # their tombstones stay, so the ids must not come again
        expunge_ids(tx, ids)
        tx.execute(ERASE_NOW, int_array(ids))  # a failed import has nothing to be undeleted
        tx.execute(UNCOPY, int_array(ids))


def _drop_hidden(tx: Tx, message_id: int, body_id: int) -> None:
    for sql in DROP_SIDE:
        tx.execute(sql, message_id)
    # Erased here, not by the eraser: no subscriber has seen the message, and nothing can be undeleted.
    if tx.value(UNREF, body_id) == 0:
        tx.execute(DROP_CHUNKS, chunk_id(body_id, 0), chunk_id(body_id + 1, 0))
        tx.execute(DROP_BODY, body_id)


def confirm(tx: AccountTx, last: MessageID) -> None:
    """Let the messages of a job stay, which have all appeared; `last` is the id of the last one."""
    take_message_ids(tx, last)
    tx.execute(FORGET_MAILBOXES)


def drop_job(tx: AccountTx) -> None:
    """Delete a job that has no rows any more. If it failed, the empty mailboxes that it made go, too."""
    # The youngest first: a mailbox is younger than its parent.
    for (mailbox_id,) in tx.rows(MADE):
        if not tx.value(FILLED, mailbox_id):
            delete_mailbox(tx, mailbox_id, unsubscribes=True)
    tx.execute(DROP_JOB)
    tx.execute(FORGET_MAILBOXES)
