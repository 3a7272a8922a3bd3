"""Mail for tests of the store: small messages, put into mailboxes of a real account."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec

from moxlite.proto.mime.text import fold
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.catchup import Catchup
from moxlite.store.content.prepare import PreparedMessage, prepare
from moxlite.store.content.spool import Spool
from moxlite.store.delivery.perform import append, deliver
from moxlite.store.file.transaction import Reader, int_array
from moxlite.store.mail.adding import AddedMessage, Append
from moxlite.store.mail.facts import NO_FACTS, MessageFacts
from moxlite.store.rows.mailboxes import mailbox_by_name, mailboxes
from moxlite.store.rows.messages import rows_by_uid
from moxlite.store.search.finding import MessageQuery, Search
from moxlite.store.search.index import IndexedAccount
from moxlite.store.search.queries import AllOf, Contains
from moxlite.store.types import Event, Flag, Mailbox, MailboxID, MessageID, MessageRow, ModSeq

__all__ = [
    "box",
    "changes_since",
    "deliver_mail",
    "held",
    "look",
    "mail",
    "prepared",
    "put",
    "rows",
    "search_words",
    "thread_parents",
    "wires",
]

T = TypeVar("T")


def mail(
    number: int = 1,
    *,
    subject: str = "greetings",
    message_id: str | None = None,
    references: str = "",
    in_reply_to: str = "",
    to: str = "mia@example.org",
    body: str = "Hello!\r\n",
) -> bytes:
    """A message in a few lines; `number` makes it differ from the others."""
    fields = [
        "From: Anton <anton@example.com>",
        f"To: {to}",
        f"Subject: {subject}",
        f"Message-ID: {message_id or f'<{number}@example.com>'}",
        "Date: Fri, 20 Nov 2026 07:00:00 +0100",
    ]
    if references:
        fields.append(f"References: {references}")
    if in_reply_to:
        fields.append(f"In-Reply-To: {in_reply_to}")
    return ("\r\n".join(fields) + f"\r\n\r\n{number}: {body}").encode()


async def prepared(data: bytes, prefix: bytes = b"") -> PreparedMessage:
    """A message ready for the store. Its spool isn't closed, so what it holds in the ledger is given back at once."""
    spool = Spool.of(data)
    message = await prepare(spool, prefix)
    spool.memory.close()
    return message


async def look(account: Account, fn: Callable[[Reader], T]) -> T:
    """Read from an account."""
    return await account.read(fn, op="test")


async def box(account: Account, name: str = "Inbox") -> Mailbox:
    """The mailbox of that name, which must exist."""
    found = await look(account, lambda r: mailbox_by_name(r, name))
    assert found is not None, name
    return found


async def rows(account: Account, name: str = "Inbox") -> list[MessageRow]:
    """All messages of a mailbox."""
    mailbox_id = (await box(account, name)).id
    return await look(account, lambda r: rows_by_uid(r, mailbox_id, 1, limit=100_000))


async def put(
    account: Account,
    count: int = 1,
    name: str = "Inbox",
    *,
    flags: Flag = Flag(0),
    keywords: Iterable[str] = (),
    first: int = 1,
) -> list[AddedMessage]:
    """Append `count` different messages to a mailbox, in one unit."""
    mailbox_id = (await box(account, name)).id
    items = [Append(await prepared(mail(first + n)), flags, tuple(keywords)) for n in range(count)]
    return await append(account, mailbox_id, items)


async def deliver_mail(
    account: Account, data: bytes, name: str = "Inbox", facts: MessageFacts = NO_FACTS
) -> AddedMessage:
    """Deliver a message."""
    delivered = await deliver(account, await prepared(data), facts, name)
    assert delivered.added is not None
    return delivered.added


def changes_since(r: Reader, modseq: ModSeq) -> Iterator[list[Event]]:
    """All that changed since `modseq`, in slices, within the snapshot of `r`."""
    catchup = Catchup(modseq)
    catchup.plan(r)
    while not catchup.done:
        yield catchup.slice(r)


def held(r: Reader, mailbox_id: int) -> list[tuple[int, int]]:
    """(UID, message id) of what left the mailbox and still has its content."""
    sql = "SELECT uid, message_id FROM expunged WHERE mailbox_id = ? AND body_id IS NOT NULL ORDER BY uid"
    return [(uid, message_id) for uid, message_id in r.rows(sql, mailbox_id)]


def thread_parents(r: Reader, ids: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """The ids of the messages above, nearest first."""
    sql = "SELECT m.id, m.thread_parents FROM carray(?) c CROSS JOIN message m ON m.id = c.value"
    return {one: msgspec.msgpack.decode(packed, type=tuple[int, ...]) for one, packed in r.rows(sql, int_array(ids))}


def wires(r: Reader, ids: Sequence[int]) -> dict[int, tuple[bytes, bytes]]:
    """ENVELOPE and BODYSTRUCTURE as they go over the wire."""
    sql = """
SELECT m.id, i.envelope, i.bodystructure FROM carray(?) c CROSS JOIN message m ON m.id = c.value
CROSS JOIN message_info i ON i.email_id = m.email_id"""
    return {one: (envelope, bodystructure) for one, envelope, bodystructure in r.rows(sql, int_array(ids))}


async def search_words(account: IndexedAccount, mailbox_id: MailboxID | None, words: Sequence[str]) -> list[MessageID]:
    """Ids of the messages that have all these words, newest first; of all mailboxes without an id."""
    boxes = [mailbox_id] if mailbox_id else [one.id for one in await look(account, mailboxes)]
    search = Search(account, MessageQuery(tuple(boxes), term=AllOf(tuple([Contains(fold(word)) for word in words]))))
    found: list[MessageID] = []
    while not search.done:
        found += [MessageID(one.message_id) for one in await search.step()]
    return found
