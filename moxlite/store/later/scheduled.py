"""Messages that their owner sends later (WEBMAIL-96).

A scheduled message is complete: a copy in the mailbox Scheduled, and a row of the outbox that is due at its moment
(STORE-189a). Its row is claimed in the unit that moves the copy to Sent. A message that was taken out of Scheduled, by
any program, is not sent.
"""

from __future__ import annotations

import logging
from typing import Final

import msgspec

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.delivery.held import TooLate, take_back, undo_beside
from moxlite.store.delivery.owed import SUBMIT, OwedMessage
from moxlite.store.errors import LimitExceeded
from moxlite.store.file.transaction import Reader
from moxlite.store.later.snoozed import freshen
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.mailboxes import ensure_mailbox, mailbox_for
from moxlite.store.rows.views import mailboxes_of
from moxlite.store.types import MailboxID, MessageID, SpecialUse

logger = logging.getLogger("moxlite.store.later")

SCHEDULED: Final = "Scheduled"
"""Name of the mailbox in which scheduled messages wait."""

MAX_SCHEDULED: Final = 500
"""Messages of an account that may wait to be sent."""

HELD: Final = "SELECT 1 FROM outbox WHERE message_id = ? AND due > 0"
WAITING: Final = """
SELECT key, message_id, due, data FROM outbox WHERE kind = ? AND due > 0 AND message_id IS NOT NULL ORDER BY due, id"""
CLAIM: Final = "UPDATE outbox SET due = 0 WHERE id = ? AND due = ?"
DROP: Final = "DELETE FROM outbox WHERE id = ?"
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
    boxes = mailboxes_of(r, [one.message_id for one in rows])
    return [one for one in rows if one.owed.beside.scheduled and boxes.get(one.message_id) == one.owed.beside.scheduled]


def room(tx: AccountTx) -> MailboxID:
    """The mailbox for another scheduled message, created if it is missing. Raises LimitExceeded, and as
    `ensure_mailbox`.
    """
    if len(tx.rows(WAITING, SUBMIT)) >= MAX_SCHEDULED:
        raise LimitExceeded("messages that are sent later")
    return ensure_mailbox(tx, SCHEDULED).id


def claim(tx: AccountTx, row_id: int, due: int, message_id: int | None, data: bytes) -> bool:
    """Take a row of the kind `SUBMIT` out of its waiting time `due`: from now on it cannot be taken back. Returns False
    if it was taken back, or has another time; or if its message is scheduled and was taken out of Scheduled, so that
    the row ends.

    Raises the errors of `move_ids`.
    """
    if not tx.execute(CLAIM, row_id, due):
        return False
    beside = OwedMessage.unpack(data).beside
    if not beside.scheduled or message_id is None:
        return True
    own = MessageID(message_id)
    if mailboxes_of(tx, [own]).get(own) != beside.scheduled:
        tx.execute(DROP, row_id)
        undo_beside(tx, beside, own)
        logger.info("a scheduled message was taken out of its mailbox, and is not sent")
        return False
    freshen(tx, own)
    move_ids(tx, [own], mailbox_for(tx, SpecialUse.SENT))
    return True


def unschedule(tx: AccountTx, message_id: int) -> MessageID:
    """Turn a scheduled message into a draft; returns its id. Raises TooLate, and as `take_back`."""
    found = _found(tx, message_id)
    draft = take_back(tx, found.key, mailbox_for(tx, SpecialUse.DRAFTS))
    assert draft is not None  # `scheduled` gives messages that are there
    return draft


def replace(tx: AccountTx, message_id: int, due: int, newer: MessageID, owed: OwedMessage) -> None:
    """Let the message `newer`, which was added to Scheduled, go out at `due` in place of `message_id`, as `owed` says;
    the older one is removed.

    Raises TooLate: nothing is changed.
    """
    found = _found(tx, message_id)
    beside = msgspec.structs.replace(found.owed.beside, scheduled=mailboxes_of(tx, [newer])[newer])
    owed = msgspec.structs.replace(owed, beside=beside)
    tx.execute(RESCHEDULE, due, tx.now, newer, owed.pack(), found.key)
    expunge_ids(tx, [message_id])
    tx.owed()


def _found(r: Reader, message_id: int) -> Scheduled:
    found = next((one for one in scheduled(r) if one.message_id == message_id), None)
    if found is None:
        raise TooLate
    return found
