"""The rows of ``mirror``: submissions for the account's mailbox `Outgoing` (IMAP-162). On a transaction.

A row is made with the submission. Its states: `new` for the first two seconds, in which most mail leaves and is never
shown; `add` while it is being added to the account; `there` afterwards; `remove` once its last recipient is done, until
the account has removed it. Each change is made in the account first, under a key, and recorded here afterwards: after a
crash between the two it is repeated, which changes nothing.
"""

from __future__ import annotations

from typing import Final

import msgspec

from moxlite.queue.data.rows import DELIVERING, MESSAGE_COLUMNS, Message, message_of
from moxlite.store.file.transaction import Reader, Tx

NEW: Final = "new"
ADD: Final = "add"
THERE: Final = "there"
REMOVE: Final = "remove"

GRACE: Final = 2_000_000
"""Microseconds until a submission is shown: most mail has left by then, which saves two units in the account."""

INSERT: Final = "INSERT INTO mirror (content_id, account, queued, state, next) VALUES (?, ?, ?, 'new', ?)"
DROP_NEW: Final = "DELETE FROM mirror WHERE content_id = ? AND state = 'new'"
END: Final = "UPDATE mirror SET state = 'remove', next = ? WHERE content_id = ?"
BEGIN: Final = "UPDATE mirror SET state = 'add' WHERE content_id = ? AND state = 'new'"
DUE: Final = """
SELECT content_id, account, queued, state FROM mirror INDEXED BY mirror_due
WHERE state <> 'there' AND next <= ? ORDER BY next, content_id LIMIT ?"""
NEXT: Final = "SELECT min(next) FROM mirror WHERE state <> 'there'"
ADDED: Final = "UPDATE mirror SET state = 'there' WHERE content_id = ? AND state = 'add'"
REMOVED: Final = "DELETE FROM mirror WHERE content_id = ? AND state = 'remove'"
POSTPONE: Final = "UPDATE mirror SET next = ? WHERE content_id = ? AND state <> 'there'"
MIRRORED: Final = "SELECT 1 FROM mirror WHERE account = ? LIMIT 1"
FORGET: Final = "DELETE FROM mirror WHERE account = ?"
FORGET_OLD: Final = "DELETE FROM mirror WHERE account = ? AND queued < ?"
FILL: Final = """
INSERT INTO mirror (content_id, account, queued, state, next)
SELECT content_id, ?1, min(queued), 'add', ?3 FROM msg WHERE account = ?1 AND queued >= ?2 GROUP BY content_id
ON CONFLICT (content_id) DO NOTHING"""
OF_ACCOUNT: Final = "SELECT content_id, account, queued, state FROM mirror WHERE account = ?"
AGAIN: Final = "UPDATE mirror SET state = 'add', next = ? WHERE content_id = ?"
SAMPLE: Final = f"SELECT {MESSAGE_COLUMNS} FROM msg WHERE content_id = ? LIMIT 1"  # noqa: S608 column names
WAITING: Final = f"""
SELECT {MESSAGE_COLUMNS} FROM msg WHERE content_id = ? AND account = ? AND queued = ? AND dsn_due IN ('', 'delayed')
ORDER BY id"""  # noqa: S608 column names


class MirrorRow(msgspec.Struct, frozen=True):
    """A row of `mirror`. `queued` in µs UTC."""

    content_id: int
    account: str
    queued: int
    state: str

    @property
    def key(self) -> bytes:
        """The account's key of the submission."""
        return b"%d %d" % (self.content_id, self.queued)


def key_of(key: bytes) -> tuple[int, int]:
    """Split a key into `content_id` and `queued`."""
    content_id, queued = key.split(b" ")
    return int(content_id), int(queued)


def add_mirror(tx: Tx, content_id: int, account: str, now: int) -> None:
    """Add the row of a submission that is being queued."""
    tx.execute(INSERT, content_id, account, now, now + GRACE)


def end_mirror(tx: Tx, content_id: int, now: int) -> None:
    """Record that the last recipient of a submission is done: delete a row in state `new`, set others to `remove`."""
    if not tx.execute(DROP_NEW, content_id):
        tx.execute(END, now, content_id)


def begin(tx: Tx, content_ids: list[int]) -> None:
    """Set rows from `new` to `add`, before their submissions are added to the account."""
    tx.executemany(BEGIN, [(content_id,) for content_id in content_ids])


def due(r: Reader, now: int, limit: int) -> list[MirrorRow]:
    """Return the rows with a due change, in the order in which they became due."""
    return [MirrorRow(*row) for row in r.rows(DUE, now, limit)]


def next_due(r: Reader) -> int | None:
    """Time of the next due change, µs UTC; None without any."""
    found: int | None = r.value(NEXT)
    return found


def added(tx: Tx, content_id: int) -> None:
    """Record that the account shows a submission."""
    tx.execute(ADDED, content_id)


def removed(tx: Tx, content_ids: list[int]) -> None:
    """Record that the account has removed these submissions."""
    tx.executemany(REMOVED, [(content_id,) for content_id in content_ids])


def postpone(tx: Tx, content_ids: list[int], until: int) -> None:
    """Postpone the changes of an account that could not be changed to `until` (µs UTC)."""
    tx.executemany(POSTPONE, [(until, content_id) for content_id in content_ids])


def is_mirrored(r: Reader, account: str) -> bool:
    """Whether there are rows of the account."""
    return r.value(MIRRORED, account) is not None


def forget(tx: Tx, account: str) -> None:
    """Delete the rows of an account that has no mailbox `Outgoing`, or was removed."""
    tx.execute(FORGET, account)


def compare(tx: Tx, account: str, created: int, known: set[bytes], now: int) -> list[bytes]:
    """Compare an account's mailbox with the queue: missing submissions become due now. Returns the keys of messages
    that do not belong there.

    Args:
      created: when the account was created (µs UTC); older submissions belong to a former account of the same name.
      known: the keys in the account's mailbox.
    """
    tx.execute(FORGET_OLD, account, created)
    tx.execute(FILL, account, created, now)
    wanted = set()
    for row in [MirrorRow(*row) for row in tx.rows(OF_ACCOUNT, account)]:
        wanted.add(row.key)
        if row.state in (ADD, THERE) and row.key not in known:
            tx.execute(AGAIN, now, row.content_id)
    return sorted(known - wanted)


def sample(r: Reader, content_id: int) -> Message | None:
    """Return the message of any one recipient (all have the same octets), None if no recipient is left."""
    row = r.row(SAMPLE, content_id)
    return None if row is None else message_of(row)


def waiting(r: Reader, account: str, content_id: int, queued: int) -> list[Message]:
    """Return the recipients of a submission that are not done. Failed ones, which only wait for their DSN, are left
    out.
    """
    return [message_of(row) for row in r.rows(WAITING, content_id, account, queued)]


def is_under_way(message: Message) -> bool:
    """Whether an attempt is being made, which may yet succeed."""
    last = message.last_result
    return last is not None and last.error == DELIVERING
