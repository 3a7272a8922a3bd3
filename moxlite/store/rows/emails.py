"""Emails: a message and its copies as one object, in several mailboxes (RFC 8621 §4; docs/spec/jmap.md).

All copies of a message share its EMAILID. What differs between them is joined: the mailboxes, and the flags that any
of them has. Copies with ``\\Deleted`` are left out, and an email of which all are is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.store.file.transaction import Reader, int_array
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
WHERE {_LIVING} GROUP BY m.threadid, m.email_id ORDER BY min(m.received), m.email_id"""  # noqa: S608 - a constant
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


def emails(r: Reader, ids: Sequence[int]) -> dict[int, Email]:
    """The emails with these ids that exist."""
    found: dict[int, Email] = {}
    for email_id, message_id, mailbox_id, bits, keywords, received, size, threadid in (
        r.rows(EMAILS, int_array(ids)) if ids else ()
    ):
        email = found.get(email_id)
        if email is None:
            email = found[email_id] = Email(email_id, received, size, threadid)
        email.flags |= flags_of_bits(bits)
        email.keywords |= frozenset(split_keywords(keywords))
        email.mailboxes.setdefault(mailbox_id, message_id)
        email.message_ids += (message_id,)
    return found


def emails_of_threads(r: Reader, threads: Sequence[int]) -> dict[int, list[int]]:
    """The emails of these threads, by the time of reception."""
    found: dict[int, list[int]] = {}
    for threadid, email_id, _ in r.rows(IN_THREADS, int_array(threads)) if threads else ():
        found.setdefault(threadid, []).append(email_id)
    return found


def email_of(r: Reader, message_id: int) -> int:
    """The email that a message belongs to, 0 if it does not exist."""
    return r.value(OF_MESSAGE, message_id) or 0
