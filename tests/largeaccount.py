"""An account with hundreds of thousands of messages, whose rows are copied in the store: 15,000 messages a second.

Two fifths of the messages are answers: in threads of three over several mailboxes, and in threads of a thousand. One in
fifty is unread. Of 300 mailboxes the Archive has 60 % of the messages, the Inbox 30 %.
"""

from collections.abc import Callable
from functools import partial

from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.delivery.perform import append
from moxlite.store.mail.adding import Append
from moxlite.store.mail.mailboxes import ensure_mailbox
from moxlite.store.types import Flag
from tests.store_mail import box, prepared

__all__ = ["ARCHIVE", "fill"]

ARCHIVE = "Archive"
KINDS = 200
"""Different messages, of which the others are copies with other subjects and times."""

COPY = """
WITH RECURSIVE n (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1 + ?2 - 1),
new AS (SELECT n, ?3 + n AS id, iif(
    n < ?6, ?3 + n - n % 1000,
    ?3 + CASE WHEN n - ?6 < 1000 THEN n WHEN n % 5 = 2 THEN n - 301 WHEN n % 5 = 3 THEN n - 602 ELSE n END
) AS threadid FROM n)
INSERT INTO message (id, mailbox_id, uid, createseq, modseq, threadseq, body_id, email_id, size, received, savedate,
flags, mailbox_orig_id, messageid, subject_base, threadid, thread_parents)
SELECT new.id, ?4, ?5 + n - ?1, ?8, ?8, ?8, m.body_id, new.id, m.size,
1104537600000000 + (n - ?1) * (600000000000000 / ?2), m.savedate, iif(n % 50 = 7, 0, 1) | iif(n % 97 = 7, 2, 0), ?4,
format('%d@large.example', new.id), m.subject_base || ' ' || n % 7000, new.threadid,
iif(new.threadid = new.id, x'90', unhex(format('91ce%08x', new.threadid)))
FROM new CROSS JOIN message m ON m.id = ?3 - ?7 + n % ?7"""
COPY_INFO = """
INSERT INTO message_info (email_id, envelope, bodystructure, structure, preview, prefix)
SELECT m.id, i.envelope, i.bodystructure, i.structure, i.preview, i.prefix
FROM message m CROSS JOIN message_info i ON i.email_id = ?1 - ?2 + (m.id - ?1) % ?2 WHERE m.id >= ?1"""
COPY_HEADER = """
INSERT INTO message_header (email_id, header)
SELECT m.id, h.header FROM message m CROSS JOIN message_header h ON h.email_id = ?1 - ?2 + (m.id - ?1) % ?2
WHERE m.id >= ?1"""
COUNT = """
UPDATE mailbox SET (total, unread, unseen, size, uidnext, modseq) = (
    SELECT count(*), sum(flags & 1 = 0), sum(flags & 1 = 0), sum(m.size), max(uid) + 1, max(m.modseq)
    FROM message m WHERE m.mailbox_id = mailbox.id
) WHERE id IN (SELECT mailbox_id FROM message)"""
COUNT_ALL = """
UPDATE state SET last_message_id = (SELECT max(id) FROM message), total_size = (SELECT sum(size) FROM message)"""
COUNT_BODIES = "UPDATE body SET refs = (SELECT count(*) FROM message m WHERE m.body_id = body.id)"
STEP = 20_000
"""Messages of one unit."""


WORDS = (
    *("people", "of", "the", "longest", "mailing", "list", "write", "about", "a", "common", "subject", "each"),
    *("and", "every", "day"),
)


def _message(number: int) -> bytes:
    return (
        f"From: {WORDS[number % 7].title()} {number % 50} <n{number % 50}@{WORDS[number % 11]}.example>\r\n"
        f"To: mia@example.org\r\nSubject: {WORDS[number % 13]} {WORDS[number % 5]}\r\n"
        f"Message-ID: <kind{number}@large.example>\r\nDate: Fri, 20 Nov 2026 07:00:{number % 60:02} +0100\r\n\r\n"
        f"{' '.join(WORDS)} {number}\r\n"
    ).encode()


def _copy(tx: AccountTx, values: tuple[int, ...]) -> None:
    tx.execute(COPY, *values, tx.modseq())


async def fill(
    account: OpenAccount, count: int, *, mailboxes: int = 300, make: Callable[[int], bytes] = _message
) -> None:
    """Fill an account whose Inbox is empty with so many messages, in so many mailboxes. `make` writes each of the kinds
    by its number.
    """
    inbox, archive = await box(account), await account.write(lambda tx: ensure_mailbox(tx, ARCHIVE))
    items = [Append(await prepared(make(number)), Flag.SEEN) for number in range(KINDS)]
    first = (await append(account, inbox.id, items))[-1].message_id + 1
    names = [f"Projects/p{number:03}" for number in range(mailboxes - 2)]
    others = await account.write(lambda tx: [ensure_mailbox(tx, name) for name in names])
    shares = [(archive.id, count * 6 // 10), (inbox.id, count * 3 // 10)]
    shares += [(one.id, count // 10 // max(len(others), 1)) for one in others]
    begin, large = 0, count // 10 // 1000 * 1000
    for mailbox_id, share in shares:
        for at in range(0, share, STEP):
            uid = 1 + at + (KINDS if mailbox_id == inbox.id else 0)
            values = (begin + at, min(STEP, share - at), first, mailbox_id, uid, large, KINDS)
            await account.write(partial(_copy, values=values))
        begin += share

    def finish(tx: AccountTx) -> None:
        tx.execute(COPY_INFO, first, KINDS)
        tx.execute(COPY_HEADER, first, KINDS)
        for statement in (COUNT, COUNT_ALL, COUNT_BODIES):
            tx.execute(statement)

    await account.write(finish)
