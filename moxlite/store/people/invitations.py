"""Invitations that were shown, and the answers to them (STORE-96b)."""

from __future__ import annotations

from typing import Final

import msgspec

from moxlite.encoding import from_builtins
from moxlite.store.file.transaction import Reader, Tx

MAX_INVITATIONS: Final = 5000
"""Events of an account; beyond it those that were not shown for longest are forgotten."""

FIND: Final = """
SELECT sequence, stamp, organizer, author, proven, cancelled, message_id, answer, answered FROM invitation
WHERE uid = ? AND recurrence = ?"""
ADD: Final = """
INSERT INTO invitation (uid, recurrence, sequence, stamp, organizer, author, proven, cancelled, message_id, seen)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
RENEW: Final = """
UPDATE invitation SET sequence = ?, stamp = ?, author = ?, proven = ?, cancelled = ?, message_id = ?, seen = ?
WHERE uid = ? AND recurrence = ?"""
ANSWER: Final = "UPDATE invitation SET answer = ?, answered = ?, seen = ? WHERE uid = ? AND recurrence = ?"
FORGET: Final = """
DELETE FROM invitation WHERE (uid, recurrence) IN (
SELECT uid, recurrence FROM invitation ORDER BY seen LIMIT max(0, (SELECT count(*) FROM invitation) - ?))"""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version of an event. ``organizer`` and ``author``, the From address, in `one_spelling`; ``author`` is ""
    for a message that has not just one. ``proven``: the From domain was validated (STORE-90).
    """

    sequence: int
    stamp: str
    organizer: str
    author: str
    proven: bool
    cancelled: bool
    message_id: int

    @property
    def order(self) -> tuple[int, str, bool]:
        """Later versions are greater (RFC 5546 §2.1.5)."""
        return self.sequence, self.stamp, self.cancelled

    def is_of(self, other: Version) -> bool:
        """Whether the same organiser is named, and the message is from the organiser or from the other's author."""
        return self.organizer == other.organizer and self.author in (other.organizer, other.author)

    def may_change(self, earlier: Version) -> bool:
        """Whether its author may change `earlier`, and is as well proven (RFC 5546 §6.1.1, §6.1.2)."""
        return self.is_of(earlier) and (self.proven or not earlier.proven)


class InvitationState(msgspec.Struct, frozen=True):
    """The newest version of an event. `answered`: the sequence number of the version that `answer` was given to."""

    version: Version
    answer: str = ""
    answered: int = 0


def known_invitation(r: Reader, uid: str, recurrence: str) -> InvitationState | None:
    """The newest version of an event; None for an event that was never shown."""
    row = r.row(FIND, uid, recurrence)
    if row is None:
        return None
    fields = dict(zip(Version.__struct_fields__, row[:7], strict=True))
    return InvitationState(from_builtins(fields, Version, strict=False), *row[7:])


def note_invitation(tx: Tx, uid: str, recurrence: str, version: Version, *, approved: bool = False) -> InvitationState:
    """Note a version of an event, if it is newer than the known one and may change it; returns the newest one then.
    `approved`: the user has accepted it from this author, which doesn't make the author trusted.
    """
    known = known_invitation(tx, uid, recurrence)
    new = version
    if known is None:
        tx.execute(
            ADD,
            uid,
            recurrence,
            new.sequence,
            new.stamp,
            new.organizer,
            new.author,
            new.proven,
            new.cancelled,
            new.message_id,
            tx.now,
        )
        tx.execute(FORGET, MAX_INVITATIONS)
        return InvitationState(new)
    old = known.version
    if new.order <= old.order or not (approved or new.may_change(old)):
        return known
    if not new.may_change(old):
        new = msgspec.structs.replace(new, author=old.author, proven=old.proven)
    tx.execute(
        RENEW, new.sequence, new.stamp, new.author, new.proven, new.cancelled, new.message_id, tx.now, uid, recurrence
    )
    return InvitationState(new, known.answer, known.answered)


def note_answer(tx: Tx, uid: str, recurrence: str, answer: str, sequence: int) -> None:
    """Note the user's answer to a version of an event."""
    tx.execute(ANSWER, answer, sequence, tx.now, uid, recurrence)
