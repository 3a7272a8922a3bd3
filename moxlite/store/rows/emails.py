"""Emails: a message and its copies as one object, in several mailboxes (RFC 8621 §4; docs/spec/jmap.md).

All copies of a message share its EMAILID. What differs between them is joined: the mailboxes, and the flags that any
of them has. Copies with ``\\Deleted`` are left out, and an email of which all are is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from moxlite.store.file.transaction import Reader, Row, int_array
from moxlite.store.rows.keywords import split_keywords
from moxlite.store.rows.messages import flags_of_bits
from moxlite.store.types import EmailID, Flag, MailboxID, MessageID, ThreadID

_COLUMNS: Final = """
SELECT m.email_id, m.id, m.mailbox_id, m.flags, m.keywords, m.received, m.size, m.threadid FROM carray(?1) c
CROSS JOIN message m ON """
_LIVING: Final = f"m.flags & {int(Flag.DELETED)} = 0"
EMAILS: Final = (
    f"{_COLUMNS} m.id = c.value WHERE m.email_id = m.id AND {_LIVING} UNION ALL "
    f"{_COLUMNS} m.email_id = c.value WHERE m.email_id <> m.id AND {_LIVING}"
)
IN_THREADS: Final = f"""
SELECT m.threadid, m.email_id, min(m.received) FROM carray(?1) c CROSS JOIN message m ON m.threadid = c.value
WHERE {_LIVING} AND (?2 OR m.mailbox_id IN (SELECT value FROM carray(?3)))
GROUP BY m.threadid, m.email_id ORDER BY min(m.received), m.email_id"""  # noqa: S608 - a constant
EMAIL_IDS: Final = "SELECT m.id, m.email_id FROM carray(?) c CROSS JOIN message m ON m.id = c.value"
SORT_COLUMNS: Final = """
SELECT m.id, m.received, m.size, m.subject_base, m.flags, m.keywords, m.threadid FROM carray(?) c
CROSS JOIN message m ON m.id = c.value"""
THREAD_FLAGS: Final = f"""
SELECT m.threadid, m.flags, m.keywords FROM carray(?) c CROSS JOIN message m ON m.threadid = c.value
WHERE {_LIVING}"""  # noqa: S608 - a constant
THREADS: Final = f"SELECT count(DISTINCT m.threadid) FROM message m WHERE m.mailbox_id = ? AND {_LIVING}"  # noqa: S608
# ``flags & 1 = 0`` in this form, so that the index of unread messages answers
UNREAD_THREADS: Final = f"""
SELECT count(DISTINCT m.threadid) FROM mailbox b CROSS JOIN message u ON u.mailbox_id = b.id AND u.flags & 1 = 0
AND u.flags & {int(Flag.DELETED | Flag.DRAFT)} = 0 CROSS JOIN message m ON m.threadid = u.threadid
WHERE iif(?1 = ?2, b.id = ?2, b.id <> ?2) AND m.mailbox_id = ?1 AND {_LIVING}"""  # noqa: S608 - constants
OF_MESSAGE: Final = "SELECT email_id FROM message WHERE id = ?"


class Email(msgspec.Struct):
    """An email. `mailboxes`: the message in each mailbox, the lowest id where there are several."""

    id: EmailID
    received: int
    size: int
    threadid: ThreadID
    flags: Flag = Flag(0)
    keywords: frozenset[str] = frozenset()
    mailboxes: dict[MailboxID, MessageID] = {}
    message_ids: tuple[MessageID, ...] = ()

    @property
    def message_id(self) -> MessageID:
        """One of its messages, to read what all have alike."""
        return self.message_ids[0]


def emails(r: Reader, ids: Sequence[int], within: Collection[MailboxID] | None = None) -> dict[int, Email]:
    """The emails with these ids that exist. `within`: the mailboxes that are looked at, None for all."""
    found: dict[int, Email] = {}
    for email_id, message_id, mailbox_id, bits, keywords, received, size, threadid in (
        r.rows(EMAILS, int_array(ids)) if ids else ()
    ):
        if within is not None and mailbox_id not in within:
            continue
        email = found.get(email_id)
        if email is None:
            email = found[email_id] = Email(email_id, received, size, threadid)
        email.flags |= flags_of_bits(bits)
        email.keywords |= frozenset(split_keywords(keywords))
        email.mailboxes.setdefault(mailbox_id, message_id)
        email.message_ids += (message_id,)
    return found


def emails_of_threads(
    r: Reader, threads: Sequence[int], within: Collection[MailboxID] | None = None
) -> dict[int, list[int]]:
    """The emails of these threads, by the time of reception. `within`: as for `emails`."""
    found: dict[int, list[int]] = {}
    rows = r.rows(IN_THREADS, int_array(threads), within is None, int_array([*(within or (0,))])) if threads else ()
    for threadid, email_id, _ in rows:
        found.setdefault(threadid, []).append(email_id)
    return found


def email_of(r: Reader, message_id: int) -> int:
    """The email that a message belongs to, 0 if it does not exist."""
    return r.value(OF_MESSAGE, message_id) or 0


def email_ids(r: Reader, message_ids: Sequence[int]) -> dict[int, int]:
    """The email of each of these messages that exists."""
    return dict(r.rows(EMAIL_IDS, int_array(message_ids))) if message_ids else {}


def sort_columns(r: Reader, message_ids: Sequence[int]) -> list[Row]:
    """Rows of message id, received, size, base subject, flags as bits, keywords and thread."""
    return [*r.rows(SORT_COLUMNS, int_array(message_ids))] if message_ids else []


def thread_flags(r: Reader, threads: Sequence[int]) -> list[Row]:
    """Rows of thread, flags as bits and keywords, of each message of these threads."""
    return [*r.rows(THREAD_FLAGS, int_array(threads))] if threads else []


def threads_in(r: Reader, mailbox_id: int) -> int:
    """Number of threads with a message in a mailbox. It looks at each message, so it is work for a scan."""
    return int(r.value(THREADS, mailbox_id))


def unread_threads_in(r: Reader, mailbox_id: int, trash_id: int) -> int:
    """Number of these threads that have an unread message, wherever it is; mail in Trash counts in Trash alone (RFC
    8621 §2).
    """
    return int(r.value(UNREAD_THREADS, mailbox_id, trash_id))
