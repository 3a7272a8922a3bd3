"""The background task that gathers correspondents and senders of bulk mail from messages (STORE-96), and makes rows of
cards (DAV-22) and facts of entries (DAV-9b).

It goes through messages by id, once each, because ids only rise. Deliveries cost no more, and a recovered account
catches up in the same way. What it has done is committed with the id that it has reached. Removed messages are taken
out in the unit that removes them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

import msgspec
import trio

from moxlite import lazyimport
from moxlite.proto.address import Address, AddressError
from moxlite.proto.mime.automatic import is_newsletter
from moxlite.proto.mime.headers import HeaderSection
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import ChunkDamaged
from moxlite.store.file.threads import Background
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.collection import has_due, has_old_facts
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.fetching import structure_of
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.recipients import add_written, note_correspondent
from moxlite.store.rows.mailboxes import mailbox_by_use
from moxlite.store.rows.messages import rows_by_ids
from moxlite.store.types import Flag, MailboxID, MessageID, SpecialUse
from moxlite.wakeup import Wakeup

if TYPE_CHECKING:
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Tx


BATCH: Final = 200
"""Messages in one unit: 10 ms of the writer."""

BATCH_SECONDS: Final = 0.5
"""Seconds after which a batch ends, since it keeps a snapshot of the account open."""

PAUSE: Final = 3.0
"""Seconds between a change and the look at new messages: a burst of deliveries makes few units."""

MAX_KEY: Final = 300
"""Characters of a list's id. Longer ones aren't accepted as ids."""

UNWANTED: Final = Flag.JUNK | Flag.DRAFT | Flag.PHISHING
"""Flags of messages whose senders are not suggested."""

OWN_OR_UNWANTED: Final = SpecialUse.JUNK | SpecialUse.DRAFTS | SpecialUse.SENT | SpecialUse.TRASH
"""Uses of mailboxes whose messages were not sent to the user, or are not wanted."""

STATE: Final = "SELECT message_id, recipient_id FROM gathering WHERE id = 1"
NEXT: Final = """
SELECT m.id, m.flags & ?2 OR b.special_use & ?3 OR b.system OR m.is_reject OR m.dsn, m.received, m.size, i.structure,
h.header
FROM message m JOIN mailbox b ON b.id = m.mailbox_id JOIN message_info i ON i.email_id = m.email_id
JOIN message_header h ON h.email_id = m.email_id
WHERE m.id > ?1 ORDER BY m.id LIMIT ?4"""
HIGHEST: Final = "SELECT max(id) FROM message"
OLD_RECIPIENTS: Final = "SELECT id, name, localpart, domain, sent FROM recipient WHERE id > ? ORDER BY id LIMIT ?"
OLD_SUBMISSIONS: Final = """
SELECT id, recipient, submitted, EXISTS (SELECT 1 FROM recipient WHERE message_id = -o.id) FROM outgoing o
WHERE id > ? ORDER BY id LIMIT ?"""
REACHED: Final = "UPDATE gathering SET message_id = max(message_id, ?) WHERE id = 1"
REACHED_RECIPIENTS: Final = "UPDATE gathering SET recipient_id = ? WHERE id = 1"
STILL_THERE: Final = "SELECT EXISTS (SELECT 1 FROM message WHERE id = ?)"
ADD: Final = """
INSERT INTO gathered (message_id, correspondent_id, bulk_id, received, size) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING"""
ADD_SENDER: Final = """
INSERT INTO bulk_sender (key, name, address, messages, size) VALUES (?, ?, ?, 1, ?)
ON CONFLICT (key) DO UPDATE SET name = excluded.name, address = excluded.address, messages = messages + 1,
size = size + excluded.size RETURNING id"""

LIST_ID: Final = re.compile(r"<([^<>\s]{1,300})>")
LIST_POST: Final = re.compile(r"<mailto:([^<>\s?]{1,300})", re.IGNORECASE)
DONE: Final = 2**62
"""Value of ``gathering.recipient_id`` when all old recipients are correspondents; above it are ids of submissions."""

ALL_DONE: Final = 2**63 - 1
"""Its value when the recipients of all old submissions are known, too."""


class _ReceivedMessage(msgspec.Struct, frozen=True):
    """A message that came: its sender, and the key of the list or newsletter, "" for other mail, with the name and
    address under which that is listed.
    """

    message_id: int
    name: str
    sender: Address
    key: str
    shown: tuple[str, str]
    received: int
    size: int


class Gatherer:
    """The background task of one open account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._wakeup = Wakeup()
        self._renewed = False

    def want(self) -> None:
        """Wake the task: messages were added."""
        self._wakeup.set()

    async def run(self) -> None:
        """Look at all messages that were not looked at yet, for ever. Errors: StoreError propagates; the next start
        goes on.
        """
        self.want()
        while True:
            await self._wakeup.wait()
            await trio.sleep(PAUSE)
            await self.once()

    async def once(self) -> None:
        """Look at all messages that were not looked at yet. Raises StoreError; finished batches are kept."""
        self._wakeup.clear()
        while await self._recipients() or await self._submissions():
            pass
        while await self._messages():
            pass
        while await self._account.read(has_due, op="gather"):
            from moxlite.store.groupware.contacts import settle_contacts  # 0.3 MB of cards

            await self._account.write(settle_contacts)
        if not self._renewed:  # once: what is written since is of this version
            if await self._account.read(has_old_facts, op="gather"):
                await self._entry_facts()
            self._renewed = True

    async def hurry(self, seconds: float) -> None:
        """Look at new messages, for these seconds at most, so that what is listed now has them. Raises StoreError."""
        with trio.move_on_after(seconds):
            while await self._messages():
                pass

    async def _entry_facts(self) -> None:
        """Compute the facts of entries whose stored ones are of another version."""
        await lazyimport.load("moxlite.store.groupware.entryfacts")
        from moxlite.store.groupware.entryfacts import facts_due, renew_facts

        while renewed := await self._account.scan(facts_due, op="entry-facts"):
            await self._account.write(partial(renew_facts, renewed=renewed))

    async def _recipients(self) -> bool:
        """Make correspondents of recipients of an account that was recovered; False at the end."""

        def unit(tx: Tx) -> bool:
            row = tx.row(STATE)
            assert row is not None
            if row[1] >= DONE:
                return False
            rows = tx.rows(OLD_RECIPIENTS, row[1], BATCH)
            for _, name, localpart, domain, sent in rows:
                note_correspondent(tx, name, localpart, domain, wrote=sent)
            tx.execute(REACHED_RECIPIENTS, rows[-1][0] if len(rows) == BATCH else DONE)
            return len(rows) == BATCH

        state = await self._account.read(lambda r: r.row(STATE), op="gather")
        return state is not None and state[1] < DONE and await self._account.write(unit)

    async def _submissions(self) -> bool:
        """Make recipients known of submissions from before these noted them; False at the end."""

        def unit(tx: Tx) -> bool:
            row = tx.row(STATE)
            assert row is not None
            if row[1] == ALL_DONE:
                return False
            rows = tx.rows(OLD_SUBMISSIONS, row[1] - DONE, BATCH)
            for number, recipient, submitted, noted in rows:
                if not noted:
                    add_written(tx, number, Address.parse(recipient), submitted)
            tx.execute(REACHED_RECIPIENTS, DONE + rows[-1][0] if len(rows) == BATCH else ALL_DONE)
            return len(rows) == BATCH

        state = await self._account.read(lambda r: r.row(STATE), op="gather")
        return state is not None and state[1] != ALL_DONE and await self._account.write(unit)

    async def _messages(self) -> bool:
        state = await self._account.read(lambda r: (r.row(STATE), r.value(HIGHEST)), op="gather")
        assert state[0] is not None
        after: int = state[0][0]
        if (state[1] or 0) <= after:
            return False
        last, found = await self._account.scan(partial(_read, after=after), op="gather")
        if last == after:
            return False
        await self._account.write(partial(_write, messages=found, last=last))
        return True


def list_key(section: HeaderSection, address: str) -> str:
    """The key of the list or newsletter that a message belongs to: the id of the list (RFC 2919), else the address of
    its author in `one_spelling`, "" without both. In lower case.
    """
    match = LIST_ID.search((section.text(b"list-id") or b"").decode("utf-8", "replace"))
    return (match[1] if match else address).lower()


def _read(r: Reader, after: int) -> tuple[int, list[_ReceivedMessage]]:
    """The next messages from other people, and the id that was reached."""
    found: list[_ReceivedMessage] = []
    with Background() as work:
        until = time.monotonic() + BATCH_SECONDS
        for message_id, left_out, received, size, packed, header in r.iterate(
            NEXT, after, int(UNWANTED), int(OWN_OR_UNWANTED), BATCH
        ):
            work.give_way()
            after = message_id
            if not left_out:
                found += _look(message_id, received, size, packed, header)
            if time.monotonic() >= until:
                break
        return after, found


def _look(message_id: int, received: int, size: int, packed: bytes, header: bytes) -> Sequence[_ReceivedMessage]:
    try:
        structure = structure_of(packed)
    except ChunkDamaged:
        return ()
    senders = structure.envelope.from_
    if len(senders) != 1 or not senders[0].localpart:
        return ()
    try:
        sender = Address.of(senders[0].localpart, senders[0].domain)
    except AddressError:
        return ()
    key, shown = "", (senders[0].name, f"{sender.localpart}@{sender.domain.unicode}")
    if b"\nlist-" in header.lower() or header[:5].lower() == b"list-":
        section = HeaderSection(header, hint=structure.root.hint)
        if is_newsletter(section):
            key = list_key(section, str(sender.key))[:MAX_KEY]
            shown = _discussion(section) or shown
    return (_ReceivedMessage(message_id, senders[0].name, sender, key, shown, received, size),)


def _discussion(section: HeaderSection) -> tuple[str, str] | None:
    """Name and address of a list to which its members write (RFC 2369 §3.4): mail comes from each of them. None for a
    newsletter, which is known by its author.
    """
    post = LIST_POST.search((section.text(b"list-post") or b"").decode("utf-8", "replace"))
    try:
        address = Address.parse(post[1]) if post else None
    except AddressError:
        return None
    if address is None:
        return None
    text = section.decode(section.text(b"list-id") or b"")
    listed = LIST_ID.search(text)
    phrase = text[: listed.start() if listed else len(text)].strip(' \t"')
    return phrase or (listed[1].partition(".")[0] if listed else str(address.localpart)), str(address)


def _write(tx: Tx, messages: list[_ReceivedMessage], last: int) -> None:
    state = tx.row(STATE)
    assert state is not None
    for message in messages:
        # Another task may have looked at the same messages meanwhile; and some may be removed.
        if message.message_id <= state[0] or not tx.value(STILL_THERE, message.message_id):
            continue
        sender = message.sender
        person = note_correspondent(
            tx, message.name, sender.localpart, sender.domain.unicode, heard=message.received, bulk=bool(message.key)
        )
        bulk = 0
        if message.key:
            bulk = tx.value(ADD_SENDER, message.key, message.shown[0][:200], message.shown[1], message.size)
        tx.execute(ADD, message.message_id, person, bulk, message.received, message.size)
    # In the unit of its messages: after a kill they are counted once, not twice or never.
    tx.execute(REACHED, last)


# Mailing lists and newsletters of an account, with their messages (WEBMAIL-136a), found by indices of the tables that
# `gathering` fills.


Order = Literal["messages", "size"]

LOOKED: Final = 50
"""Newest messages of a sender of which the newest that was read is looked for."""

UNIT: Final = 500
"""Messages archived in one unit: 20 ms."""

KEPT: Final = SpecialUse.ARCHIVE | SpecialUse.TRASH | SpecialUse.JUNK | SpecialUse.DRAFTS | SpecialUse.SENT
"""Uses of mailboxes whose messages stay where they are."""

_COLUMNS: Final = "SELECT id, key, name, address, messages, size FROM bulk_sender"
BY_MESSAGES: Final = f"{_COLUMNS} WHERE messages > 0 ORDER BY messages DESC LIMIT ? OFFSET ?"
BY_SIZE: Final = f"{_COLUMNS} WHERE messages > 0 ORDER BY size DESC LIMIT ? OFFSET ?"
COUNT: Final = "SELECT count(*) FROM bulk_sender WHERE messages > 0"
# ``bulk_id > 0`` for SQLite, which cannot know that of a bound value: it is the condition of the index, without which
# all messages that were gathered would be read for each sender.
NEWEST: Final = """
SELECT g.message_id, g.received, m.flags & 1 FROM gathered g CROSS JOIN message m ON m.id = g.message_id
WHERE g.bulk_id = ? AND g.bulk_id > 0 ORDER BY g.received DESC, g.message_id DESC LIMIT ?"""
# A message that is moved keeps its place in this order, so nothing is looked at twice.
NEXT_LIST: Final = """
SELECT g.message_id, g.received FROM gathered g WHERE g.bulk_id = ?1 AND g.bulk_id > 0
AND (g.received, g.message_id) > (?2, ?3)
ORDER BY g.received, g.message_id LIMIT ?4"""
PLACES: Final = "SELECT id FROM mailbox WHERE special_use & ? OR system"


class BulkSender(msgspec.Struct, frozen=True):
    """A mailing list or newsletter: number and octets of its messages, the newest message with its time (µs UTC), and
    the time of the newest one of the last `LOOKED` that was read, 0 without one.
    """

    id: int
    key: str
    name: str
    address: str
    messages: int
    size: int
    newest: MessageID
    received: int
    read: int


class ArchivedMessages(msgspec.Struct, frozen=True):
    """Messages that one unit has moved, with the mailboxes in which they were, and the unread ones among them.
    ``after`` is where the next unit goes on, None at the end.
    """

    ids: list[int]
    mailboxes: list[int]
    unread: list[int]
    after: tuple[int, int] | None


def count_senders(r: Reader) -> int:
    """Number of mailing lists and newsletters that have messages."""
    number: int = r.value(COUNT)
    return number


def bulk_senders(r: Reader, order: Order, limit: int, position: int) -> list[BulkSender]:
    """Mailing lists and newsletters with the most messages, or octets, first."""
    rows = r.rows(BY_MESSAGES if order == "messages" else BY_SIZE, limit, position)
    return [bulk_sender for row in rows if (bulk_sender := _sender(r, *row)) is not None]


def _sender(r: Reader, number: int, key: str, name: str, address: str, messages: int, size: int) -> BulkSender | None:
    newest = r.rows(NEWEST, number, LOOKED)
    if not newest:
        return None
    read = next((received for _, received, seen in newest if seen), 0)
    return BulkSender(number, key, name, address, messages, size, MessageID(newest[0][0]), newest[0][1], read)


def archive(tx: AccountTx, number: int, after: tuple[int, int] | None) -> ArchivedMessages | None:
    """Move the next messages of a sender to the archive, read; None: no mailbox is the archive. What is in the archive,
    Trash, Junk, Drafts or Sent stays.
    """
    target = mailbox_by_use(tx, SpecialUse.ARCHIVE)
    if target is None:
        return None
    found = tx.rows(NEXT_LIST, number, *(after or (-(2**62), 0)), UNIT)
    kept = {mailbox_id for (mailbox_id,) in tx.rows(PLACES, int(KEPT))}
    rows = [row for row in rows_by_ids(tx, [one for one, _ in found]) if row.mailbox_id not in kept]
    ids = [row.id for row in rows]
    unread: list[int] = [row.id for row in rows if not row.flags & Flag.SEEN]
    if unread:
        store_flags_ids(tx, unread, mode="add", flags=Flag.SEEN)
    if ids:
        move_ids(tx, ids, MailboxID(target.id))
    end = None if len(found) < UNIT else (int(found[-1][1]), int(found[-1][0]))
    return ArchivedMessages([int(message_id) for message_id in ids], [int(row.mailbox_id) for row in rows], unread, end)
