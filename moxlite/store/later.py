"""Messages that wait for a moment: those that are sent later, and those that come back later (WEBMAIL-96,
WEBMAIL-125).
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from moxlite.encoding import to_json
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import PreparedMessage
from moxlite.store.delivery.outgoing import not_held, note_canceled, take_back, undo_beside
from moxlite.store.delivery.perform import KEY, SUBMIT, UNSENT, OwedMessage, SubmissionEffects, Unsent
from moxlite.store.delivery.submissions import move_submission, note_submission
from moxlite.store.errors import LimitExceeded
from moxlite.store.file.transaction import Reader
from moxlite.store.forms import Leaving
from moxlite.store.mail.adding import add_message
from moxlite.store.mail.copying import copy_ids, move_ids
from moxlite.store.mail.delegates import writes_still
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.mailboxes import ensure_mailbox, mailbox_for
from moxlite.store.mail.threadlinks import place_of
from moxlite.store.names import INBOX
from moxlite.store.rows.mailboxes import mailbox_by_name, mailboxes
from moxlite.store.rows.messages import message
from moxlite.store.rows.views import mailboxes_of, members
from moxlite.store.types import Flag, MailboxID, MessageID, SpecialUse

# Messages that come back later (WEBMAIL-125): put off until a moment, or watched for an answer.
#
# A message that is put off moves to the mailbox Snoozed, with the keyword ``$snoozed``. At its moment it returns
# unread to its mailbox as new mail: with a new UID and a new time of reception, so that every program shows it on
# top. A message that a program takes out of Snoozed is no longer put off. A sent message that is watched stays where
# it is; a copy of it comes to the Inbox if its thread has no answer by then.


SNOOZED: Final = "Snoozed"
"""Name of the mailbox in which messages wait."""

KEYWORD: Final = "$snoozed"
"""Keyword of the messages in it."""

MAX_WAITING: Final = 10_000
"""Maximum number of an account's snoozed or watched messages."""

MEMBERS: Final = 500
"""Messages of a thread, newest first, among which an answer is looked for: 2 ms."""

COLUMNS: Final = "message_id, due, created, away_id, origin_id"
ALL: Final = f"SELECT {COLUMNS} FROM snooze ORDER BY due, message_id LIMIT ?"  # noqa: S608 - column names
ONE: Final = f"SELECT {COLUMNS} FROM snooze WHERE message_id = ?"  # noqa: S608 - column names
DUE: Final = f"SELECT {COLUMNS} FROM snooze WHERE due <= ? ORDER BY due, message_id LIMIT 1"  # noqa: S608 - column names
NEXT: Final = "SELECT min(due) FROM snooze"
COUNT: Final = "SELECT count(*) FROM snooze"
PUT: Final = "INSERT OR REPLACE INTO snooze (message_id, due, created, away_id, origin_id) VALUES (?, ?, ?, ?, ?)"
DROP: Final = "DELETE FROM snooze WHERE message_id = ?"
POSTPONE: Final = """
UPDATE snooze SET due = ? WHERE message_id = (SELECT message_id FROM snooze WHERE due <= ? ORDER BY due, message_id
LIMIT 1)"""
FRESHEN: Final = "UPDATE message SET received = ?, received_offset = 0 WHERE id = ?"


class Snooze(msgspec.Struct, frozen=True):
    """A message that comes back at `due`, µs UTC. `away_id`: the mailbox in which it waits; None for a message that is
    watched for an answer since `created`. `origin_id`: the mailbox to which it returns.
    """

    message_id: MessageID
    due: int
    created: int
    away_id: MailboxID | None
    origin_id: MailboxID | None


def snoozes(r: Reader) -> list[Snooze]:
    """All messages that come back, the next one first, without rows that have ended."""
    found = [Snooze(*row) for row in r.rows(ALL, MAX_WAITING)]
    boxes = mailboxes_of(r, [one.message_id for one in found])
    return [one for one in found if _waits(one, boxes.get(one.message_id))]


def next_snooze(r: Reader) -> int | None:
    """The earliest moment at which a message comes back, µs UTC."""
    found: int | None = r.value(NEXT)
    return found


def snooze(tx: AccountTx, ids: Sequence[int], due: int) -> None:
    """Put messages off until `due`, µs UTC; the moment of those that wait already changes.

    Raises LimitExceeded, and the errors of `move_ids`.
    """
    away = ensure_mailbox(tx, SNOOZED)
    boxes = mailboxes_of(tx, ids)
    _check_room(tx, boxes)
    for message_id, box in boxes.items():
        earlier = _row(tx, message_id)
        origin = earlier.origin_id if box == away.id and earlier is not None else box
        tx.execute(PUT, message_id, due, tx.now, away.id, origin)
    move_ids(tx, list(boxes), away.id)
    store_flags_ids(tx, list(boxes), mode="add", keywords=[KEYWORD])
    tx.owed()


def watch(tx: AccountTx, ids: Sequence[int], due: int) -> None:
    """Have copies of these messages come to the Inbox at `due`, µs UTC, unless they are answered by then.

    Raises LimitExceeded.
    """
    boxes = mailboxes_of(tx, ids)
    _check_room(tx, boxes)
    for message_id in boxes:
        tx.execute(PUT, message_id, due, tx.now, None, None)
    tx.owed()


def unsnooze(tx: AccountTx, ids: Sequence[int]) -> None:
    """Return messages now, as they were before; those that are watched are no longer. Raises the errors of
    `move_ids`.
    """
    boxes = mailboxes_of(tx, ids)
    for message_id, box in boxes.items():
        row = _row(tx, message_id)
        tx.execute(DROP, message_id)
        if row is not None and row.away_id is not None:
            if row.away_id == box:
                move_ids(tx, [message_id], _home(tx, row))
            store_flags_ids(tx, [message_id], mode="remove", keywords=[KEYWORD])


def wake(tx: AccountTx) -> bool:
    """Have the message come back that is due first; returns whether one was due.

    Raises the errors of `move_ids` and `copy_ids`; nothing is changed then.
    """
    found = tx.row(DUE, tx.now)
    if found is None:
        return False
    row = Snooze(*found)
    tx.execute(DROP, row.message_id)
    box = mailboxes_of(tx, [row.message_id]).get(row.message_id)
    if row.away_id is None:
        if box is not None and not _answered(tx, row.message_id):
            (copied,) = copy_ids(tx, [row.message_id], _inbox(tx))
            for message_id in copied.message_ids:
                freshen(tx, message_id)
            _unread(tx, copied.message_ids)
    elif box == row.away_id:
        freshen(tx, row.message_id)
        _unread(tx, [row.message_id])  # before it is there as new mail
        move_ids(tx, [row.message_id], _home(tx, row))
    if box is not None:
        store_flags_ids(tx, [row.message_id], mode="remove", keywords=[KEYWORD])
    return True


def postpone(tx: AccountTx, due: int) -> None:
    """Try the message that is due first again at `due`, µs UTC; others go on."""
    tx.execute(POSTPONE, due, tx.now)


def freshen(tx: AccountTx, message_id: MessageID) -> None:
    """Let a message have been received now. Its move, in the same unit, gives it a new UID: the message behind a UID
    does not change (STORE-21).
    """
    tx.execute(FRESHEN, tx.now, message_id)


def _unread(tx: AccountTx, ids: Sequence[MessageID]) -> None:
    store_flags_ids(tx, ids, mode="remove", flags=Flag.SEEN)


def _row(r: Reader, message_id: MessageID) -> Snooze | None:
    row = r.row(ONE, message_id)
    return None if row is None else Snooze(*row)


def _waits(row: Snooze, box: MailboxID | None) -> bool:
    return box is not None and (row.away_id is None or row.away_id == box)


def _check_room(r: Reader, more: Iterable[object]) -> None:
    if r.value(COUNT) + sum(1 for _ in more) > MAX_WAITING:
        raise LimitExceeded("too many snoozed messages")


def _home(tx: AccountTx, row: Snooze) -> MailboxID:
    """The mailbox to which a message returns: the Inbox if its own was removed."""
    own = next((box for box in mailboxes(tx) if box.id == row.origin_id and not box.system), None)
    return own.id if own is not None and own.id != row.away_id else _inbox(tx)


def _inbox(tx: AccountTx) -> MailboxID:
    box = mailbox_by_name(tx, INBOX)
    return (box or ensure_mailbox(tx, INBOX)).id


def _answered(r: Reader, message_id: MessageID) -> bool:
    """Whether the thread has a later message of another author, which is not junk."""
    own = message(r, message_id)
    threadid = place_of(r, message_id).threadid
    if not threadid:
        return False
    mine = {box.id for box in mailboxes(r) if box.special_use & (SpecialUse.SENT | SpecialUse.DRAFTS | SpecialUse.JUNK)}
    return any(
        member.row.received >= own.received
        and member.row.email_id != own.email_id
        and member.row.mailbox_id not in mine
        and not member.row.flags & (Flag.DRAFT | Flag.JUNK)
        for member in members(r, threadid, MEMBERS)
    )


# Messages that their owner sends later (WEBMAIL-96).
#
# A scheduled message has a complete copy in the mailbox Scheduled, and an outbox row with its due time (STORE-189a).
# The unit that moves the copy to Sent claims the row. If any client has removed a message from Scheduled, it isn't
# sent.


logger = logging.getLogger("moxlite.store.later")

SCHEDULED: Final = "Scheduled"
"""Name of the mailbox in which scheduled messages wait."""

MAX_SCHEDULED: Final = 500
"""Messages of an account that may wait to be sent."""

HELD: Final = "SELECT 1 FROM outbox WHERE message_id = ? AND due > 0"
WAITING: Final = """
SELECT key, message_id, due, data FROM outbox WHERE kind = ? AND due > 0 AND message_id IS NOT NULL ORDER BY due, id"""
LEAVING: Final = """
SELECT key, message_id, due, data FROM outbox WHERE kind = ? AND due > ? ORDER BY due, id"""
BESIDE: Final = "SELECT data FROM outbox WHERE kind = ? AND message_id = ? AND due > 0"
KEY_OF: Final = "SELECT key FROM outbox WHERE id = ?"
MOVE: Final = "UPDATE outbox SET due = ? WHERE key = ? AND due > 0"
CLAIM: Final = "UPDATE outbox SET due = 0 WHERE id = ? AND due = ?"
DROP_SCHEDULED: Final = "DELETE FROM outbox WHERE id = ?"
RESCHEDULE: Final = "UPDATE outbox SET due = ?, created = ?, message_id = ?, data = ? WHERE key = ? AND due > 0"


class Scheduled(msgspec.Struct, frozen=True):
    """A message that is sent at `due`, µs UTC; `key` is the key of its row in the outbox."""

    key: bytes
    message_id: MessageID
    due: int
    owed: OwedMessage


def is_held(r: Reader, message_id: int) -> bool:
    """Whether a message waits in the outbox for its time."""
    return r.row(HELD, message_id) is not None


def scheduled(r: Reader) -> list[Scheduled]:
    """All scheduled messages, the next one first."""
    rows = [
        Scheduled(key, MessageID(message_id), due, OwedMessage.unpack(data))
        for key, message_id, due, data in r.rows(WAITING, SUBMIT)
    ]
    boxes = mailboxes_of(r, [row.message_id for row in rows])
    return [row for row in rows if row.owed.beside.scheduled and boxes.get(row.message_id) == row.owed.beside.scheduled]


def leaving(r: Reader, now: int) -> list[Leaving]:
    """All messages that leave after `now`, µs UTC, the next one first: scheduled ones, those that a program holds, and
    those that may still be undone.
    """
    rows = [
        (key, MessageID(message_id or 0), due, OwedMessage.unpack(data))
        for key, message_id, due, data in r.rows(LEAVING, SUBMIT, now)
    ]
    boxes = mailboxes_of(r, [message_id for _, message_id, _, _ in rows])
    return [
        Leaving(
            id=key.hex(),
            due=due,
            sender="" if owed.submission.mail_from is None else str(owed.submission.mail_from),
            recipients=[str(recipient.address) for recipient in owed.submission.recipients],
            subject=owed.submission.subject,
            message_id=message_id,
            writer=owed.beside.writer,
        )
        for key, message_id, due, owed in rows
        if owed.beside.scheduled in (0, boxes.get(message_id))
    ]


def move_leaving(tx: AccountTx, message_id: int, due: int) -> None:
    """Let a message that leaves later, and was not scheduled here, leave at `due`, µs UTC. Raises NotHeld."""
    found = next((one for one in leaving(tx, 0) if one.message_id == message_id), None)
    if found is None:
        raise not_held(tx, message_id)
    key = bytes.fromhex(found.id)
    tx.execute(MOVE, due, key)
    move_submission(tx, key, MessageID(message_id), due)
    tx.owed()


def stop_leaving(tx: AccountTx, key: bytes) -> MessageID | None:
    """Turn a message that leaves later into a draft. Returns and raises as `take_back`."""
    return take_back(tx, key, mailbox_for(tx, SpecialUse.DRAFTS))


def send_kept(
    tx: AccountTx,
    ready: PreparedMessage,
    key: bytes,
    owed: OwedMessage,
    flags: Flag,
    *,
    undo: int = 0,
    send_at: int = 0,
) -> None:
    """Keep a message in Sent, and owe it to the queue under `key`: at once, after the `undo` µs in which it may be
    taken back, or at `send_at`, µs UTC, until which it waits in Scheduled.

    Raises LimitExceeded, and as `add_message`.
    """
    waits = room(tx) if send_at else MailboxID(0)
    added = add_message(tx, ready, waits or mailbox_for(tx, SpecialUse.SENT), flags=flags)
    # By the clock of the unit, not of the call: large attachments may have taken longer to be written than the undo
    # lasts.
    due = send_at or (tx.now + undo if undo else 0)
    counted = owed.beside.counted if due else ()
    beside = msgspec.structs.replace(owed.beside, counted=counted, scheduled=waits, drafted=True)
    owed = msgspec.structs.replace(owed, beside=beside)
    tx.owe(key, SUBMIT, owed.pack(), added.message_id, due=due)
    if due:
        note_submission(tx, key, owed.submission, due, added.message_id, beside.guest(tx.account))


def room(tx: AccountTx) -> MailboxID:
    """The mailbox for another scheduled message, created if it is missing. Raises LimitExceeded, and as
    `ensure_mailbox`.
    """
    if len(tx.rows(WAITING, SUBMIT)) >= MAX_SCHEDULED:
        raise LimitExceeded("too many scheduled messages")
    return ensure_mailbox(tx, SCHEDULED).id


def claim(tx: AccountTx, row_id: int, due: int, message_id: int | None, data: bytes) -> bool:
    """End the waiting time `due` of a `SUBMIT` row, after which sending can't be undone.

    Returns False if sending was undone, or the row has another time. Also if its scheduled message was removed from
    Scheduled, or its writer may no longer write from the account's addresses, of which that writer will be told. Then
    the row ends.

    Raises the errors of `move_ids`.
    """
    owed = OwedMessage.unpack(data)
    beside = owed.beside
    guest = beside.guest(tx.account)
    if not _may_leave(tx, tx.account, beside):
        _stop(tx, row_id, beside, MessageID(message_id or 0))
        submission = owed.submission
        sender = "" if submission.mail_from is None else str(submission.mail_from)
        unsent = Unsent(guest, sender, submission.subject, beside.drafted)
        tx.owe(secrets.token_bytes(KEY), UNSENT, to_json(unsent))
        logger.info("sender no longer permitted, message canceled", extra={"kv": {"writer": guest}})
        return False
    if not tx.execute(CLAIM, row_id, due):
        return False
    if not beside.scheduled or message_id is None:
        return True
    own = MessageID(message_id)
    if mailboxes_of(tx, [own]).get(own) != beside.scheduled:
        _end(tx, row_id, beside, own)
        logger.info("scheduled message moved, not sending")
        return False
    freshen(tx, own)
    move_ids(tx, [own], mailbox_for(tx, SpecialUse.SENT))
    return True


def may_leave(r: Reader, account: str, message_id: int) -> bool:
    """Whether the writer of a message that leaves later may still write so from the addresses of `account`, whose file
    this is.
    """
    rows = r.rows(BESIDE, SUBMIT, message_id)
    return all(_may_leave(r, account, OwedMessage.unpack(data).beside) for (data,) in rows)


def _may_leave(r: Reader, account: str, beside: SubmissionEffects) -> bool:
    guest = beside.guest(account)
    return not guest or writes_still(r, guest, on_behalf=beside.on_behalf)


def _stop(tx: AccountTx, row_id: int, beside: SubmissionEffects, message_id: MessageID) -> None:
    """Let a message stay that was not sent: as a draft, if it was one."""
    key = tx.value(KEY_OF, row_id)
    if key is not None and beside.drafted:
        stop_leaving(tx, key)
    elif key is not None:
        _end(tx, row_id, beside, message_id)


def _end(tx: AccountTx, row_id: int, beside: SubmissionEffects, message_id: MessageID) -> None:
    note_canceled(tx, tx.value(KEY_OF, row_id))
    tx.execute(DROP_SCHEDULED, row_id)
    undo_beside(tx, beside, message_id)


def unschedule(tx: AccountTx, message_id: int) -> MessageID:
    """Turn a message that leaves later into a draft; returns its id. Raises NotHeld, and as `take_back`."""
    found = next((one for one in leaving(tx, 0) if one.message_id == message_id), None)
    if found is None:
        raise not_held(tx, message_id)
    draft = stop_leaving(tx, bytes.fromhex(found.id))
    assert draft is not None  # it has an id as long as it is there
    return draft


def replace(tx: AccountTx, message_id: int, due: int, newer: MessageID, owed: OwedMessage) -> None:
    """Let the message `newer`, which was added to Scheduled, go out at `due` in place of `message_id`, as `owed` says;
    the older one is removed.

    Raises NotHeld: nothing is changed.
    """
    found = _found(tx, message_id)
    box = mailboxes_of(tx, [newer])[newer]
    owed = msgspec.structs.replace(owed, beside=msgspec.structs.replace(owed.beside, scheduled=box))
    tx.execute(RESCHEDULE, due, tx.now, newer, owed.pack(), found.key)
    move_submission(tx, found.key, newer, due)
    expunge_ids(tx, [message_id])
    tx.owed()


def _found(r: Reader, message_id: int) -> Scheduled:
    found = next((one for one in scheduled(r) if one.message_id == message_id), None)
    if found is None:
        raise not_held(r, message_id)
    return found
