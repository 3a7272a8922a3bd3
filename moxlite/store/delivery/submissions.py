"""Submissions as JMAP tells of them (RFC 8621 §7; docs/spec/jmap.md).

The messages themselves go out by the outbox, like all mail of users; a row here says what a client may ask about one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from moxlite.encoding import to_json
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.delivery.outgoing import make_draft, note_canceled, take_back, undo_beside
from moxlite.store.delivery.perform import OwedMessage
from moxlite.store.delivery.status import Deliveries, HeldMessage
from moxlite.store.delivery.submission import Submission
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.identities import identity_id
from moxlite.store.mail.mailboxes import mailbox_for
from moxlite.store.mail.threadlinks import place_of
from moxlite.store.options import DAY
from moxlite.store.rows.emails import emails
from moxlite.store.rows.history import Change, TooManyChanges
from moxlite.store.rows.messages import message
from moxlite.store.types import MessageID, SpecialUse

KEPT: Final = 35 * DAY
"""µs for which a submission is kept: the queue tells of a delivery for 30 days. Then it counts as destroyed."""

TOLD: Final = 70 * DAY
"""µs after its sending for which a destroyed submission is told of."""

STATE: Final = "SELECT coalesce(max(modseq), 0) FROM jmap_submission WHERE ?1 = '' OR author = ?1"
ALL: Final = """
SELECT s.id, s.email_id, s.threadid, s.identity, s.message_id, s.envelope, s.send_at, s.canceled,
EXISTS (SELECT 1 FROM outbox o WHERE o.key = s.key AND o.due > 0), s.author
FROM jmap_submission s WHERE NOT s.gone AND (?1 = '' OR s.author = ?1) ORDER BY s.id"""
INSERT: Final = """
INSERT INTO jmap_submission
(createseq, modseq, email_id, threadid, identity, message_id, envelope, send_at, key, author)
VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"""
GONE: Final = "UPDATE jmap_submission SET gone = 1, modseq = ? WHERE id = ? AND NOT gone"
EXPIRE: Final = "UPDATE jmap_submission SET gone = 1, modseq = ? WHERE send_at < ? AND NOT gone"
# of tombstones that are too old, the last one stays: states before it are unknown
FORGET: Final = """
DELETE FROM jmap_submission WHERE gone AND send_at < ?1
AND modseq < (SELECT max(modseq) FROM jmap_submission WHERE gone AND send_at < ?1)"""
FORGOTTEN: Final = "SELECT coalesce(max(modseq), 0) FROM jmap_submission WHERE gone AND send_at < ?"
KEY_OF: Final = "SELECT key FROM jmap_submission WHERE id = ?"
HELD: Final = "SELECT message_id, data FROM outbox WHERE key = ? AND due > 0"
TAKE: Final = "DELETE FROM outbox WHERE key = ?"
MOVED: Final = "UPDATE jmap_submission SET email_id = ?, send_at = ?, modseq = ? WHERE key = ?"
# One only: the same message may have been handed in twice for the same time, and then the other one still leaves.
OF_QUEUE: Final = """
SELECT s.key, s.email_id FROM jmap_submission s WHERE s.message_id = ? AND s.send_at = ? AND NOT s.canceled
AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.key = s.key) ORDER BY s.gone, s.id LIMIT 1"""
CHANGED: Final = """
SELECT id, createseq, modseq, gone FROM jmap_submission WHERE modseq > ?1 AND (?2 = '' OR author = ?2)
ORDER BY modseq"""


class Sent(msgspec.Struct, frozen=True):
    """A submission. `email_id`, `threadid`: 0 if the account has no copy; `envelope`: JSON; `send_at`: µs UTC; `held`:
    its message still waits in the outbox; `author`: the delegate who has sent it, "" for the owner.
    """

    id: int
    email_id: int
    threadid: int
    identity: str
    message_id: str
    envelope: str
    send_at: int
    canceled: int = 0
    held: int = 0
    author: str = ""


def submission_state(r: Reader, author: str = "") -> int:
    """The modseq of the last change of a submission, of all or as `submissions`."""
    return int(r.value(STATE, author))


def submissions(r: Reader, author: str = "") -> list[Sent]:
    """The submissions of a delegate, or all, the oldest first."""
    return [Sent(*row) for row in r.rows(ALL, author)]


def submission_changes(r: Reader, since: int, now: int, author: str = "") -> list[Change]:
    """The changes after a modseq, of all or as `submissions`. `now`: µs UTC. Raises TooManyChanges."""
    if since > submission_state(r, author) or since < r.value(FORGOTTEN, now - TOLD):
        raise TooManyChanges
    changes: list[Change] = []
    for number, createseq, modseq, gone in r.rows(CHANGED, since, author):
        if gone and createseq <= since:
            changes.append(Change(number, "destroyed", modseq))
        elif not gone:
            changes.append(Change(number, "created" if createseq > since else "updated", modseq))
    return changes


def add_submission(tx: AccountTx, sent: Sent, key: bytes) -> int:
    """Add a submission, whose row of the outbox has this key; returns its id. Old ones are destroyed."""
    # At the next submission, not by a task: until then old rows do no harm.
    tx.execute(EXPIRE, tx.modseq(), tx.now - KEPT)
    tx.execute(FORGET, tx.now - TOLD)
    values = (sent.email_id, sent.threadid, sent.identity, sent.message_id, sent.envelope, sent.send_at, key)
    return tx.insert(INSERT, tx.modseq(), *values, sent.author)


def cancel_submission(tx: AccountTx, number: int) -> bool:
    """Take back a message that is still held, as `take_back`; one of a program stays where it is. False if it is on its
    way.
    """
    key = tx.value(KEY_OF, number)
    row = tx.row(HELD, key)
    if row is None:
        return False
    beside = OwedMessage.unpack(row[1]).beside
    if beside.drafted:
        take_back(tx, key, mailbox_for(tx, SpecialUse.DRAFTS))
    else:
        tx.execute(TAKE, key)
        undo_beside(tx, beside, MessageID(row[0] or 0))
        note_canceled(tx, key)
    return True


def note_submission(
    tx: AccountTx, key: bytes, submission: Submission, due: int, message_id: MessageID | None = None, author: str = ""
) -> int:
    """Let programs see a message that leaves at `due`, µs UTC, by another interface; returns the submission's id.

    `message_id`: of the account's copy. `author`: as in `Sent`.
    """
    own = "" if submission.mail_from is None else str(submission.mail_from)
    people = [{"email": str(recipient.address), "parameters": None} for recipient in submission.recipients]
    envelope = to_json({"mailFrom": {"email": own, "parameters": None}, "rcptTo": people}).decode()
    email_id, threadid = 0, 0
    if message_id is not None:
        email_id, threadid = message(tx, message_id).email_id, place_of(tx, message_id).threadid
    sent = Sent(0, email_id, threadid, identity_id(own), submission.message_id, envelope, due, author=author)
    return add_submission(tx, sent, key)


async def stop_held(account: Account, deliveries: Deliveries, chosen: Callable[[HeldMessage], bool]) -> bool:
    """Take a message that waits for its time out of the queue; a copy becomes a draft. Returns whether it was there."""
    held = next(filter(chosen, await deliveries.held(account.name)), None)
    if held is None or not await deliveries.cancel(account.name, held.ids):
        return False

    def unit(tx: AccountTx) -> None:
        for key, email_id in tx.rows(OF_QUEUE, held.message_id, held.due):
            note_canceled(tx, key)
            email = emails(tx, [email_id]).get(email_id)
            copy = email and email.mailboxes.get(mailbox_for(tx, SpecialUse.SENT))
            if copy:
                make_draft(tx, copy, mailbox_for(tx, SpecialUse.DRAFTS))

    await account.write(unit)
    return True


def move_submission(tx: AccountTx, key: bytes, message_id: MessageID, due: int) -> None:
    """Note that a message goes out at another time, in another copy."""
    tx.execute(MOVED, message(tx, message_id).email_id, due, tx.modseq(), key)


def forget_submissions(tx: AccountTx, numbers: Sequence[int]) -> set[int]:
    """Forget submissions; their messages are not affected. Returns those that there were."""
    return {number for number in numbers if tx.execute(GONE, tx.modseq(), number)}
