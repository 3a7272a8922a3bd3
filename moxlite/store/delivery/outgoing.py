"""An account's submissions, whichever interface they come by: limits of messages and first-time recipients in 24 hours
(STORE-94, SMTP-116), and the people whom the account has written to (STORE-95).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.encoding import to_json
from moxlite.proto.address import Address
from moxlite.store.changelog.keys import free_key
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.delivery.answers import BY
from moxlite.store.delivery.perform import KEY, UNCOUNT, OwedMessage, SubmissionEffects, Uncounted
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.recipients import add_written, forget_recipients, forget_written, shrink_written
from moxlite.store.mail.threadlinks import place_of
from moxlite.store.options import DAY
from moxlite.store.rows.mailboxes import mailbox_by_use
from moxlite.store.rows.views import mailboxes_of, members
from moxlite.store.types import Flag, MailboxID, MessageID, SpecialUse
from moxlite.wording import Worded, worded

KEEP: Final = 2 * DAY
"""Microseconds after which the rows of an address shrink to the oldest one (STORE-94)."""

# Rows after `now` are from before the clock was set back. They do not count (STORE-165): after
# a clock that was a year ahead, an account could not send for a year.
TOTAL: Final = "SELECT count(*) FROM outgoing WHERE submitted > ? AND submitted <= ?"
# Addresses written to in the last day for the first time ever.
FIRST_TIME: Final = """
SELECT count(DISTINCT recipient) FROM outgoing o WHERE o.submitted > ?1 AND o.submitted <= ?2
AND NOT EXISTS (SELECT 1 FROM outgoing p WHERE p.recipient = o.recipient AND p.submitted <= ?1)"""
KNOWN: Final = "SELECT 1 FROM outgoing WHERE recipient = ? LIMIT 1"
INSERT: Final = "INSERT INTO outgoing (recipient, submitted) VALUES (?, ?)"
REMOVE: Final = "DELETE FROM outgoing WHERE id = ?"
SHRINK: Final = """
DELETE FROM outgoing WHERE submitted < ? AND EXISTS
(SELECT 1 FROM outgoing p WHERE p.recipient = outgoing.recipient AND (p.submitted, p.id) < (outgoing.submitted,
outgoing.id))"""


class OutgoingLimits(msgspec.Struct, frozen=True):
    """Recipients in 24 hours: of all messages, and those never written to before. 0: sending is forbidden."""

    messages: int = 1000
    first_time: int = 200


class OutgoingLimitExceeded(StoreError):
    """The account has sent too much in 24 hours; the text names the limit and its setting."""

    def __init__(self, what: Worded, limit: int, setting: str) -> None:
        super().__init__(
            worded(
                "limit of {limit} {what} in 24 hours reached (setting {setting})",
                limit=limit,
                what=what,
                setting=setting,
            )
        )
        self.limit = limit
        self.setting = setting


def add_outgoing(tx: Tx, recipients: Sequence[Address], limits: OutgoingLimits, *, written: bool = True) -> list[int]:
    """Record a submission to these addresses, one row each, if the limits allow it; returns the ids of the rows.

    `written`: the user wrote to them, so that they are known from now on. A receipt is sent because its recipient asked
    for it.

    First-time recipients are counted only once the total reaches their limit (SMTP-116).

    Raises:
      OutgoingLimitExceeded: no row was written.
    """
    check_outgoing(tx, recipients, limits, tx.now)
    ids = [tx.insert(INSERT, str(recipient), tx.now) for recipient in recipients]
    if written:
        for number, recipient in zip(ids, recipients, strict=True):
            add_written(tx, number, recipient, tx.now)
    return ids


def check_outgoing(r: Reader, recipients: Sequence[Address], limits: OutgoingLimits, now: int) -> None:
    """Check whether the limits allow a submission to these addresses at `now`, µs UTC. Raises OutgoingLimitExceeded."""
    since = now - DAY
    total = r.value(TOTAL, since, now) + len(recipients)
    if total > limits.messages:
        raise OutgoingLimitExceeded(worded("messages"), limits.messages, "max_outgoing_messages_per_day")
    if total >= limits.first_time:
        new = sum(r.row(KNOWN, str(recipient)) is None for recipient in set(recipients))
        if new and r.value(FIRST_TIME, since, now) + new > limits.first_time:
            raise OutgoingLimitExceeded(
                worded("first-time recipients"), limits.first_time, "max_first_time_recipients_per_day"
            )


def remove_outgoing(tx: Tx, ids: Sequence[int]) -> None:
    """Remove the rows of `add_outgoing`: the message was not sent."""
    tx.executemany(REMOVE, [(row_id,) for row_id in ids])
    forget_written(tx, ids)


def shrink_outgoing(tx: Tx) -> int:
    """Shrink the rows that are older than two days to the oldest one of each address, which shows that it is not a
    first-time recipient. Returns the number of rows removed. Of the times at which it was written to, the latest stays.
    """
    shrink_written(tx, tx.now - KEEP)
    return tx.execute(SHRINK, tx.now - KEEP)


# Submissions held in the outbox for some seconds, in which their sender may take them back (WEBMAIL-123).
#
# Until its time has come, a submission is only in the account's file, and the queue does not know of it. Taking it
# back is one unit: it undoes all recipients, the copy in Sent, and the other changes that sending made.


MEMBERS: Final = 500
"""Messages of the original's thread, newest first, that are searched for another answer to it: 2 ms."""

HELD_UNTIL: Final = "SELECT due FROM outbox WHERE key = ?"
SETTLE: Final = "DELETE FROM outbox WHERE key = ?"
HURRY: Final = "UPDATE outbox SET due = 0 WHERE key = ? AND due > 0"
# The carrier sets `due` to 0 in a unit before it hands the row over. Either this statement finds the row, or the queue
# gets it, never both.
TAKE: Final = "DELETE FROM outbox WHERE key = ? AND due > 0 RETURNING message_id, data"


WAS_CANCELED: Final = "SELECT canceled FROM jmap_submission WHERE key = ?"
IS_DRAFT: Final = f"SELECT flags & {int(Flag.DRAFT)} FROM message WHERE id = ?"  # noqa: S608 - a constant
CANCELED: Final = "UPDATE jmap_submission SET canceled = 1, modseq = ? WHERE key = ?"


class NotHeld(StoreError):
    """The submission is no longer held."""


class TooLate(NotHeld):
    """The queue has the submission, or is about to get it."""

    def __init__(self) -> None:
        super().__init__("too late; the message has been sent")


class TakenBack(NotHeld):
    """The submission was taken back elsewhere: the message is a draft."""

    def __init__(self) -> None:
        super().__init__("this message was taken back elsewhere and is a draft again")


def not_held(r: Reader, message_id: int) -> NotHeld:
    """The reason for which a message isn't held any more."""
    return TakenBack() if r.value(IS_DRAFT, message_id) else TooLate()


def held_until(r: Reader, key: bytes) -> int:
    """Time until which a submission may be taken back, µs UTC; 0: the time is over, or the key is unknown."""
    return r.value(HELD_UNTIL, key) or 0


def take_back(tx: AccountTx, key: bytes, drafts: MailboxID) -> MessageID | None:
    """Take back a submission: its copy becomes a draft, the message that it answers loses the flags that it got, and it
    no longer counts to the limits. Returns the draft; None if the copy was removed meanwhile.

    Raises:
      NotHeld: nothing is changed.
      As `move_ids`.
    """
    row = tx.row(TAKE, key)
    if row is None:
        raise TakenBack if tx.value(WAS_CANCELED, key) else TooLate
    message_id, beside = MessageID(row[0] or 0), OwedMessage.unpack(row[1]).beside
    undo_beside(tx, beside, message_id)
    note_canceled(tx, key)
    if not mailboxes_of(tx, [message_id]):
        return None
    make_draft(tx, message_id, drafts)
    return message_id


def make_draft(tx: AccountTx, message_id: MessageID, drafts: MailboxID) -> None:
    """Make the copy of a message that was not sent a draft. Raises the errors of `move_ids`."""
    # It was not sent, so that it makes no correspondents.
    forget_recipients(tx, message_id)
    move_ids(tx, [message_id], drafts)
    store_flags_ids(tx, [message_id], mode="remove", flags=Flag.NOTJUNK)
    store_flags_ids(tx, [message_id], mode="add", flags=Flag.DRAFT | Flag.SEEN)


def note_canceled(tx: AccountTx, key: bytes) -> None:
    """Let programs hear that a submission was taken back (`store.delivery.submissions`)."""
    tx.execute(CANCELED, tx.modseq(), key)


def settle(tx: Tx, key: bytes) -> None:
    """Remove the row of a submission that its sender has handed to the queue itself."""
    tx.execute(SETTLE, key)


def withdraw(tx: AccountTx, key: bytes) -> bool:
    """Undo a submission that the queue has refused: its copy is expunged, it no longer counts to the limits, and its
    key may be used again. Returns False if it is no longer held; nothing is changed then.
    """
    row = tx.row(TAKE, key)
    if row is None:
        return False
    remove_outgoing(tx, OwedMessage.unpack(row[1]).beside.counted)
    note_canceled(tx, key)
    # The key is free again: a call that repeats it is not taken for one that was done.
    expunge_ids(tx, [row[0]])
    free_key(tx, key)
    return True


def hurry(tx: AccountTx, key: bytes) -> None:
    """Carry a held submission over now."""
    if tx.execute(HURRY, key):
        tx.owed()


def undo_beside(tx: AccountTx, beside: SubmissionEffects, message_id: MessageID) -> None:
    """Undo the other changes that the unit of a submission made: it no longer counts, and the original loses the flags
    that it got.
    """
    if guest := beside.guest(tx.account):
        uncounted = Uncounted(guest, beside.counted)
        tx.owe(secrets.token_bytes(KEY), UNCOUNT, to_json(uncounted))
    else:
        remove_outgoing(tx, beside.counted)
    _unmark(tx, beside, message_id)


def _unmark(tx: AccountTx, beside: SubmissionEffects, message_id: MessageID) -> None:
    """Remove the flags that the original got, but ``\\Answered`` only if neither Sent nor the mailbox of the copy has
    another answer to it.
    """
    flags = Flag(beside.flags)
    mailbox_ids = mailboxes_of(tx, [beside.original_id, message_id])
    if not flags or beside.original_id not in mailbox_ids:
        return
    original = MessageID(beside.original_id)
    threadid = place_of(tx, original).threadid
    if flags & Flag.ANSWERED and threadid:
        sent = mailbox_by_use(tx, SpecialUse.SENT)
        places = {mailbox_ids.get(message_id), sent and sent.id}
        for member in members(tx, threadid, MEMBERS):
            row = member.row
            other = row.id != message_id and row.mailbox_id in places and not row.flags & Flag.DRAFT
            if other and member.parents[:1] == (original,):
                flags &= ~Flag.ANSWERED
    words = [BY + beside.writer] if beside.writer and flags & Flag.ANSWERED else []
    store_flags_ids(tx, [original], mode="remove", flags=flags, keywords=words)
