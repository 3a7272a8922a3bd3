"""Adding a submission to the queue, for all its recipients in one unit (QUEUE-1..6). On a transaction."""

from typing import Final

import msgspec

from moxlite.encoding import to_json
from moxlite.queue.data.content import Content, add_content
from moxlite.queue.data.filters import hold_rules, is_held
from moxlite.queue.data.mirrorrows import add_mirror
from moxlite.store.delivery.submission import FromIDTaken, QueueFull, Submission, SubmissionRecipient
from moxlite.store.file.transaction import Reader, Tx

MAX_ROWS: Final = 10_000
MAX_OCTETS: Final = 2 << 30
"""Maximum rows and octets of an account in the queue (SMTP-115): a stolen password must not fill the disk."""

REPORT_ATTEMPTS: Final = 5
"""Maximum attempts for a report, which is of little use after a day (QUEUE-105)."""

WAITING: Final = "SELECT messages, message_octets FROM room WHERE account = ?"
KEY: Final = "SELECT first_id, last_id FROM unit_key WHERE key = ?"
RECEIPT: Final = "SELECT first_id, last_id, note FROM unit_key WHERE key = ?"
INSERT_KEY: Final = "INSERT INTO unit_key (key, first_id, last_id, live, note) VALUES (?, ?, ?, ?, ?)"
# ``from_id <> ''`` is the condition of both indices: SQLite does not know of a bound value that it meets that.
FROM_ID: Final = """
SELECT 1 FROM msg WHERE from_id = ?1 AND from_id <> ''
UNION ALL SELECT 1 FROM msg_retired WHERE from_id = ?1 AND from_id <> '' LIMIT 1"""
SET_BASE: Final = "UPDATE msg SET base_id = ? WHERE id BETWEEN ? AND ?"
INSERT: Final = """
INSERT INTO msg (base_id, content_id, queued, hold, account, login_address, sender_localpart, sender_domain, from_id,
    rcpt_localpart, rcpt_domain, message_id, subject, attempts, max_attempts, next_attempt, last_attempt, dialed_ips,
    results, transport, future_release_request, has8bit, smtputf8, is_dmarc_report, is_tls_report, size, prefix,
    require_tls, extra, priority, deliver_by, dsn_notify, dsn_ret, dsn_envid, dsn_orcpt, dsn_due, dsn_next)
VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, NULL, '{}', '[]', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
    ?, ?, '', 0)"""


class Receipt(msgspec.Struct, frozen=True):
    """A submission that the queue has taken. `ids`: its rows, in the order of the recipients. `note`: the octets that
    came with its key.
    """

    ids: tuple[int, ...]
    note: bytes


def add_submission(tx: Tx, submission: Submission, content: Content, now: int, *, mirrored: bool = False) -> list[int]:
    """Add one row per recipient; returns their ids in the order of the recipients.

    `mirrored`: the account's mailbox `Outgoing` shows the submission while it waits (IMAP-162).

    A submission with a known key adds nothing: the ids of the first time are returned.

    Raises:
      QueueFull: the account has too much waiting.
      FromIDTaken: a unique sender id is in use.
    """
    if submission.key and (known := tx.row(KEY, submission.key)) is not None:
        return list(range(known[0], known[1] + 1))
    check_room(tx, submission.account, len(submission.recipients), content.size)
    rules = hold_rules(tx)
    content_id = add_content(tx, content, len(submission.recipients))
    ids: list[int] = []
    for recipient in submission.recipients:
        if recipient.from_id and tx.row(FROM_ID, recipient.from_id) is not None:
            raise FromIDTaken(recipient.from_id)
        sender = sender_of(submission, recipient)
        held = submission.hold or is_held(rules, account=submission.account, sender=sender, recipient=recipient.address)
        ids.append(insert_row(tx, submission, recipient, content_id, content.size, sender, held=held, now=now))
    if len(ids) > 1 and len({sender_of(submission, recipient) for recipient in submission.recipients}) == 1:
        tx.execute(SET_BASE, ids[0], ids[0], ids[-1])
    if mirrored:
        add_mirror(tx, content_id, submission.account, now)
    if submission.key:
        tx.execute(INSERT_KEY, submission.key, ids[0], ids[-1], now, submission.note)
    return ids


def is_known(r: Reader, submission: Submission) -> bool:
    """Whether a submission with the same key was queued before."""
    return bool(submission.key) and r.row(KEY, submission.key) is not None


def receipt_of(r: Reader, key: bytes) -> Receipt | None:
    """The ids and the note of the submission with this key; None if there was none in the last 7 days."""
    row = r.row(RECEIPT, key)
    return None if row is None else Receipt(tuple(range(row[0], row[1] + 1)), row[2])


def sender_of(submission: Submission, recipient: SubmissionRecipient) -> tuple[str, str]:
    """Localpart and domain of the envelope sender for a recipient; both are empty for the null path."""
    address = recipient.mail_from or submission.mail_from
    return (str(address.localpart), address.domain.unicode) if address is not None else ("", "")


def check_room(tx: Tx, account: str, added: int, size: int) -> None:
    """Raise QueueFull if `added` more rows of `size` octets exceed the account's limits; "" is the account of incoming
    mail.
    """
    rows, octets = tx.row(WAITING, account) or (0, 0)
    if rows + added > MAX_ROWS:
        raise QueueFull(f"too many queued messages for this account: {rows} of {MAX_ROWS}")
    # With nothing waiting, any message is taken: octets count for each recipient, though they are stored once, so that
    # a large message to many would never fit.
    if rows and octets + added * size > MAX_OCTETS:
        raise QueueFull(
            f"queued messages for this account use too much space: {octets >> 20} of {MAX_OCTETS >> 20} MiB"
        )


def insert_row(
    tx: Tx,
    submission: Submission,
    recipient: SubmissionRecipient,
    content_id: int,
    size: int,
    sender: tuple[str, str],
    *,
    held: bool,
    now: int,
) -> int:
    """Write one row of msg, for one recipient of a submission; returns its id."""
    is_report = submission.is_dmarc_report or submission.is_tls_report
    return tx.insert(
        INSERT,
        content_id,
        now,
        int(held),
        submission.account,
        submission.login_address,
        *sender,
        recipient.from_id,
        str(recipient.address.localpart),
        recipient.address.domain.unicode,
        submission.message_id,
        submission.subject,
        REPORT_ATTEMPTS if is_report else 0,
        max(now, submission.hold_until or 0),
        submission.transport,
        submission.future_release,
        int(submission.has8bit),
        int(submission.smtputf8),
        int(submission.is_dmarc_report),
        int(submission.is_tls_report),
        len(submission.prefix) + size,
        submission.prefix,
        None if submission.requiretls is None else int(submission.requiretls),
        to_json(submission.extra).decode(),
        submission.priority,
        submission.deliver_by,
        int(recipient.dsn_notify),
        submission.dsn_ret,
        submission.dsn_envid,
        recipient.dsn_orcpt,
    )
