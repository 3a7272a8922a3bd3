"""Invitations that were shown, and the answers to them (STORE-96b)."""

from __future__ import annotations

from typing import Final

import msgspec

from moxlite.store.file.transaction import Reader, Tx

__all__ = ["Known", "known_invitation", "note_answer", "note_invitation"]

MAX_INVITATIONS: Final = 5000
"""Events of an account; beyond it those that were not shown for longest are forgotten."""

FIND: Final = """
SELECT sequence, stamp, organizer, cancelled, message_id, answer, answered FROM invitation
WHERE uid = ? AND recurrence = ?"""
ADD: Final = """
INSERT INTO invitation (uid, recurrence, sequence, stamp, organizer, cancelled, message_id, seen)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
RENEW: Final = """
UPDATE invitation SET sequence = ?, stamp = ?, cancelled = ?, message_id = ?, seen = ?
WHERE uid = ? AND recurrence = ?"""
ANSWER: Final = "UPDATE invitation SET answer = ?, answered = ?, seen = ? WHERE uid = ? AND recurrence = ?"
FORGET: Final = """
DELETE FROM invitation WHERE (uid, recurrence) IN (
SELECT uid, recurrence FROM invitation ORDER BY seen LIMIT max(0, (SELECT count(*) FROM invitation) - ?))"""


class Known(msgspec.Struct, frozen=True):
    """The newest version of an event. `answered`: the sequence number of the version that `answer` was given to."""

    sequence: int
    stamp: str
    organizer: str
    cancelled: bool
    message_id: int
    answer: str
    answered: int


def known_invitation(r: Reader, uid: str, recurrence: str) -> Known | None:
    """The newest version of an event; None for an event that was never shown."""
    row = r.row(FIND, uid, recurrence)
    return None if row is None else Known(row[0], row[1], row[2], bool(row[3]), *row[4:])


def note_invitation(
    tx: Tx, uid: str, recurrence: str, version: tuple[int, str], organizer: str, *, cancelled: bool, message_id: int
) -> Known:
    """Note a version of an event, its sequence number and stamp, if it is newer than the known one and of the same
    organiser; returns what is known then.
    """
    known = known_invitation(tx, uid, recurrence)
    if known is None:
        tx.execute(ADD, uid, recurrence, *version, organizer, cancelled, message_id, tx.now)
        tx.execute(FORGET, MAX_INVITATIONS)
        return Known(*version, organizer, cancelled, message_id, "", 0)
    if known.organizer != organizer or version <= (known.sequence, known.stamp):
        return known
    tx.execute(RENEW, *version, cancelled, message_id, tx.now, uid, recurrence)
    return Known(*version, organizer, cancelled, message_id, known.answer, known.answered)


def note_answer(tx: Tx, uid: str, recurrence: str, answer: str, sequence: int) -> None:
    """Note the user's answer to a version of an event."""
    tx.execute(ANSWER, answer, sequence, tx.now, uid, recurrence)
