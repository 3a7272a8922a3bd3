"""Performing the actions of a delivery at one account: one unit, all or nothing, once for each key (STORE-60, 61).

A unit that is aborted, or a process that is killed, leaves the account as it was. Repeating the delivery under the same
key delivers the message once. A debt of an action to another file is a row of the outbox, written in the same unit.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from moxlite.encoding import msgpack_decoder, to_msgpack
from moxlite.proto.mime.types import Part
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.bus import Cursor
from moxlite.store.changelog.keys import free_key
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import PreparedMessage, held_bodies, held_body
from moxlite.store.delivery.actions import (
    AnyAction,
    Delivery,
    Failed,
    FileInto,
    KeepReject,
    Mark,
    NoCarrier,
    Notify,
    Redirect,
    Remember,
    Vacation,
)
from moxlite.store.delivery.forwarding import may_forward
from moxlite.store.delivery.reasons import MAX_WHY
from moxlite.store.delivery.scripts import note_failure, track_seen
from moxlite.store.delivery.submission import Submission
from moxlite.store.delivery.vacation import may_answer
from moxlite.store.errors import StoreError
from moxlite.store.mail.adding import AddedMessage, Append, add_message, add_messages
from moxlite.store.mail.copying import copy_ids, is_released
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.facts import MessageFacts, of_forward
from moxlite.store.mail.mailboxes import mailbox_of_setting
from moxlite.store.mail.masked import note_masked_mail
from moxlite.store.options import DAY
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.types import Flag, Mailbox, MailboxID, MessageID
from moxlite.wording import worded

logger = logging.getLogger("moxlite.store.perform")

KEY: Final = 16
"""Octets of the random key of an outbox row: message ids are not unique once an account is removed and created
again.
"""

SUBMIT: Final = "submit"
"""Kind of the rows that `submission.carrying` hands over to the queue (`store.delivery.perform`)."""

UNCOUNT: Final = "uncount"
"""Kind of rows that uncount a guest's message in the guest's account after undo send."""

UNSENT: Final = "unsent"
"""Kind of rows that tell a guest that a message wasn't sent, because the right to send it has ended."""

ARRIVED: Final = "calendar"
"""Kind of the rows by which `groupware.arriving` looks at calendars in mail."""


class OwedRow(msgspec.Struct, frozen=True):
    """A row of the outbox that goes with a delivery; see `AccountTx.owe`."""

    key: bytes
    kind: str
    data: bytes


class DeliveryResult(msgspec.Struct, frozen=True):
    """Result of a delivery.

    Attributes:
      again: the delivery was performed before, under the same key, and was not repeated.
      added: the message, None if none was kept.
      copies: the ids of its copies, in the order of their actions.
      passed_on: a message that was added only to be sent on, and is to be expunged.
    """

    again: bool = False
    added: AddedMessage | None = None
    copies: tuple[MessageID, ...] = ()
    passed_on: MessageID | None = None


async def perform(
    account: Account,
    prepared: PreparedMessage,
    delivery: Delivery,
    key: bytes = b"",
    *,
    retried: bytes = b"",
    owes: Sequence[OwedRow] = (),
    also: Callable[[AccountTx, DeliveryResult], None] | None = None,
) -> DeliveryResult:
    """Perform a delivery; returns once it is durable.

    Args:
      key: within 7 days a second delivery to this account under it is a successful no-op (STORE-189); empty for none.
      retried: key of `suppress_retry`, if this may be a client's second attempt.
      owes: rows of the outbox, also written if the delivery itself was performed before.
      also: runs in the same unit, after the actions.

    Raises:
      OverQuota, StorageFull, StorageBroken, LimitExceeded, BadMailboxName, NoCarrier, …: nothing is changed.
    """
    for action in delivery.actions:
        if isinstance(action, Notify) or (isinstance(action, Redirect | Vacation) and not action.owed):
            raise NoCarrier(str(action.__struct_config__.tag))

    def unit(tx: AccountTx, ready: PreparedMessage) -> DeliveryResult:
        for owed in owes:
            tx.owe(owed.key, owed.kind, owed.data)
        # The key is written in the unit that delivers, so that it stands for a message that is there. Aliases may lead
        # to an account twice, and the queue repeats what it does not know to be done.
        new = not key or tx.once(key)
        if retried and free_key(tx, retried):
            new = False
        done = _Unit(tx, ready, delivery).run() if new else DeliveryResult(again=True)
        if also is not None:
            also(tx, done)
        return done

    if prepared.chunks is not None:
        done = await account.write(lambda tx: unit(tx, prepared), weight=prepared.size)
    else:
        async with held_body(account, prepared) as ready:
            # 1: the octets are in the file already, but the disk must still have room for the rows (STORE-157).
            done = await account.write(lambda tx: unit(tx, ready), weight=1)
    if done.passed_on is not None:
        await _expunge(account, done.passed_on)
    return done


async def _expunge(account: Account, message_id: MessageID) -> None:
    """Expunge a message that was only forwarded.

    This is a separate unit, because no unit both adds and expunges a message. If the server is killed before it, the
    message is forwarded and kept.
    """
    try:
        await account.write(lambda tx: expunge_ids(tx, [message_id]))
    except StoreError as error:
        logger.warning("forwarded message also kept", extra={"kv": {"account": account.name, "err": error}})


async def owe(account: Account, owed: OwedRow) -> None:
    """Write a row of the outbox without a delivery. Raises StorageFull, StorageBroken."""
    await account.write(lambda tx: tx.owe(owed.key, owed.kind, owed.data))


async def suppress_retry(account: Account, key: bytes) -> None:
    """Note that a client will retry a message that this account already has: the next delivery with this `retried` key
    does nothing (SMTP-108). Raises StorageFull, StorageBroken.
    """
    await account.write(lambda tx: tx.once(key))


def has_calendar(part: Part) -> bool:
    """Whether a message has a calendar."""
    return (part.type, part.subtype) == ("TEXT", "CALENDAR") or any(map(has_calendar, part.parts))


class _Unit:
    """One delivery within its unit."""

    def __init__(self, tx: AccountTx, ready: PreparedMessage, delivery: Delivery) -> None:
        self._tx = tx
        self._ready = ready
        self._delivery = delivery
        if len(delivery.why) > MAX_WHY:
            raise ValueError(f"delivery details are too large ({len(delivery.why)} bytes)")
        self._facts = msgspec.structs.replace(delivery.facts, why=delivery.why or None)
        self._added: AddedMessage | None = None
        self._first: FileInto | None = None
        self._copies: list[MessageID] = []
        self._filled: set[MailboxID] = set()
        self._passed_on: MessageID | None = None

    def run(self) -> DeliveryResult:
        if self._is_there():
            return DeliveryResult(again=True)
        for action in self._delivery.actions:
            self._act(action)
        # Last: whether the account itself keeps the message is known only now, and a copy that goes on needs it stored.
        redirects = [action for action in self._delivery.actions if isinstance(action, Redirect)]
        if redirects:
            self._redirect(redirects)
        if self._first is not None and self._added is not None and self._delivery.tell:
            self._tell(self._first, self._added)
        if self._first is not None and self._added is not None and has_calendar(self._ready.index.root):
            self._look_into(self._first, self._added)
        if self._added is None:
            logger.info("failed to keep message", extra={"kv": {"account": self._tx.account}})
        return DeliveryResult(added=self._added, copies=tuple(self._copies), passed_on=self._passed_on)

    def _is_there(self) -> bool:
        """Whether the message is to be filed, but its owner has already taken a copy of it out of the rejects
        mailbox.
        """
        messageid = self._ready.thread.messageid
        if not self._delivery.clear_rejects or messageid is None:
            return False
        filed = any(
            isinstance(action, FileInto) and action.mark is not Mark.REJECT for action in self._delivery.actions
        )
        return filed and is_released(self._tx, messageid, self._ready.digest)

    def _act(self, action: AnyAction) -> None:
        match action:
            case FileInto():
                self._file(action)
            case KeepReject():
                box = mailbox_of_setting(self._tx, action.mailbox, again=True)
                if box.id not in self._filled:
                    self._note(box.id, keep_reject(self._tx, self._ready, self._facts, box, action))
            case Vacation():
                if may_answer(self._tx, action.handle, action.to, action.seconds):
                    self._tx.owe(secrets.token_bytes(KEY), SUBMIT, action.owed)
            case Failed():
                kv = {"account": self._tx.account, "script": action.script, "line": action.line, "err": action.text}
                if note_failure(self._tx, action.script, action.line, action.text):
                    logger.warning("script failed, message kept", extra={"kv": kv})
            case Remember():
                track_seen(self._tx, action.keys)
            case _:
                pass  # Discard; Redirect comes last

    def _redirect(self, redirects: Sequence[Redirect]) -> None:
        """Owe the message to the queue, as far as the limits allow. The row of the outbox keeps the content of a
        message that the account itself does not keep.
        """
        allowed: list[Redirect] = []
        for action in redirects:
            problem = may_forward(self._tx, action.to, of_alias=bool(action.alias), by_script=action.by_script)
            if problem:
                kept = worded(
                    "couldn't forward to {address}, so the message was kept: {reason}",
                    address=action.to,
                    reason=problem,
                )
                note_failure(self._tx, "", 0, kept)
                if self._added is None:
                    self._file(FileInto(mailbox=action.otherwise))
            else:
                allowed.append(action)
        if not allowed:
            return
        added = self._added
        if added is None:
            box = mailbox_of_setting(self._tx, allowed[0].otherwise)
            added = self._add(FileInto(mailbox=box.name), box)
            self._passed_on = added.message_id
        for action in allowed:
            self._tx.owe(secrets.token_bytes(KEY), SUBMIT, action.owed, added.message_id)

    def _tell(self, action: FileInto, added: AddedMessage) -> None:
        """Write the outbox row that notifies the account's programs of the message."""
        received = self._delivery.received if self._delivery.received is not None else self._tx.now
        answered_message = AnsweredMessage(
            recipient=self._delivery.tell, mailbox=action.mailbox, received=received, facts=self._delivery.facts
        )
        self._tx.owe(secrets.token_bytes(KEY), TELL, answered_message.pack(), added.message_id)

    def _look_into(self, action: FileInto, added: AddedMessage) -> None:
        """Write the outbox row by which an invitation is looked at, unless it is junk."""
        if action.mark is not Mark.REJECT and not action.flags & Flag.JUNK and self._delivery.facts.smtp is not None:
            self._tx.owe(secrets.token_bytes(KEY), ARRIVED, b"", added.message_id)

    def _file(self, action: FileInto) -> None:
        tx = self._tx
        box = mailbox_of_setting(tx, action.mailbox, again=action.mark is Mark.REJECT)
        if box.id in self._filled:  # RFC 5228 §2.10.3: once for each mailbox
            return
        messageid = self._ready.thread.messageid
        if self._delivery.clear_rejects and messageid is not None and action.mark is not Mark.REJECT:
            clear_rejects(tx, self._delivery.clear_rejects, messageid)
        if self._added is not None and self._first is not None and _alike(self._first, action):
            self._copy(box, self._added)
            return
        self._note(box.id, self._add(action, box))
        self._first = self._first or action

    def _note(self, mailbox_id: MailboxID, added: AddedMessage | None) -> None:
        """Note an added message; the first one is the delivery's."""
        if added is None:
            return
        self._filled.add(mailbox_id)
        if self._added is None:
            self._added = added
            note_masked_mail(self._tx, self._delivery.facts.smtp, self._tx.now)
        else:
            self._copies.append(added.message_id)

    def _add(self, action: FileInto, box: Mailbox) -> AddedMessage:
        facts = _marked(self._facts, action)
        if action.destined:
            facts = msgspec.structs.replace(facts, destined=mailbox_of_setting(self._tx, action.destined).id)
        return add_message(
            self._tx,
            self._ready,
            box.id,
            flags=Flag(action.flags),
            keywords=action.keywords,
            received=self._delivery.received,
            received_offset=self._delivery.received_offset,
            facts=facts,
            delivery=True,
        )

    def _copy(self, box: Mailbox, added: AddedMessage) -> None:
        self._filled.add(box.id)
        [copied] = copy_ids(self._tx, [added.message_id], box.id)
        self._copies += copied.message_ids


def _alike(file_into: FileInto, other: FileInto) -> bool:
    """Whether the second message can be a copy of the first: they differ in nothing but the mailbox."""
    plain = file_into.mark is None and not file_into.destined
    return plain and msgspec.structs.replace(other, mailbox=file_into.mailbox) == file_into


def _marked(facts: MessageFacts, action: FileInto) -> MessageFacts:
    match action.mark:
        case Mark.REJECT:
            facts = msgspec.structs.replace(facts, is_reject=True)
            return of_forward(facts, action.forwarder) if action.forwarder else facts
        case Mark.FORWARD:
            return of_forward(facts, action.forwarder)
        case Mark.LIST:
            return msgspec.structs.replace(facts, is_mailinglist=True)
        case _:
            return facts


# Notification of the account's programs about a new message: a row of the outbox (STORE-189a), which the queue
# carries.


TELL: Final = "incoming"
"""Kind of these rows of `outbox`."""


class AnsweredMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts about the row's message, besides its octets. The message may have been moved since.

    Attributes:
      recipient: the address as the client wrote it: its localpart may name a sent message after a separator (QUEUE-95).
      mailbox: the mailbox in which it was filed. received: µs UTC.
    """

    recipient: str
    mailbox: str
    received: int
    facts: MessageFacts

    def pack(self) -> bytes:
        """Encode it for the row."""
        return to_msgpack(self)

    @classmethod
    def unpack(cls, data: bytes) -> AnsweredMessage:
        """Decode it from the row. Raises msgspec.DecodeError or ValidationError if it is damaged."""
        return _DECODER.decode(data)


_DECODER: Final = msgpack_decoder(AnsweredMessage)


# Submission in the outbox of an account (STORE-189a), which `submission.carrying` hands over to the queue.


class SubmissionEffects(msgspec.Struct, frozen=True):
    """Other changes made with a submission, which undo send reverts (WEBMAIL-123).

    Attributes:
      original_id: the message that it answers or forwards, 0 for none. flags: the flags that this message got, bits of
        `Flag`.
      counted: ids of the rows of ``outgoing``.
      scheduled: the mailbox in which the message waits until its row is due (WEBMAIL-96), 0 for none. It goes out only
        if it is still there.
      drafted: undo send turns the message into a draft; else it isn't changed (RFC 8621 §7.5).
      writer: the account of its user, where several write from the account: the rows `counted` are in the file of a
        guest. on_behalf: as in `submission.authors.SendingRoute`.
    """

    original_id: int = 0
    flags: int = 0
    counted: tuple[int, ...] = ()
    scheduled: int = 0
    drafted: bool = False
    writer: str = ""
    on_behalf: bool = False

    def guest(self, account: str) -> str:
        """The writer, if that is another account than the one that sends the message; else ""."""
        return "" if self.writer == account else self.writer


class Uncounted(msgspec.Struct, frozen=True):
    """A row of the kind `UNCOUNT`: a guest's ``outgoing`` rows to uncount after undo send."""

    guest: str
    counted: tuple[int, ...]


class Unsent(msgspec.Struct, frozen=True):
    """A row of the kind `UNSENT`: the message of the account `writer` that was to leave from `sender`, an address.
    `draft`: it is a draft of the account now.
    """

    writer: str
    sender: str
    subject: str
    draft: bool


class OwedMessage(msgspec.Struct, frozen=True):
    """A submission to queue. Notices, which are short, also have their octets.

    Without octets, it sends the row's message, without the Bcc field, which only the account's copy has (WEBMAIL-98).
    The row keeps the message's content even if the message is removed. `forwarded`: a message of another author, of
    which only the fields that this server put before it for the owner are left out. `dropped`: names of fields, lower
    case, which are left out as well: the prefix of the submission replaces them, or they name another user.
    """

    submission: Submission
    octets: bytes = b""
    beside: SubmissionEffects = SubmissionEffects()
    forwarded: bool = False
    dropped: tuple[bytes, ...] = ()

    def pack(self) -> bytes:
        """Encode it for the row."""
        return to_msgpack(self)

    def row(self, key: bytes) -> OwedRow:
        """Make the row, unique by `key`."""
        return OwedRow(key, SUBMIT, self.pack())

    @classmethod
    def unpack(cls, data: bytes) -> OwedMessage:
        """Decode it from the row. Raises msgspec.DecodeError or ValidationError if it is damaged."""
        return _OWED_DECODER.decode(data)


_OWED_DECODER: Final = msgpack_decoder(OwedMessage)


# Delivering the server's own messages, and appending messages: one unit each (STORE-60, IMAP-85..89).
#
# Mail that came by SMTP is delivered by `perform`, with the actions planned for it.


async def deliver(
    account: Account,
    prepared: PreparedMessage,
    facts: MessageFacts,
    mailbox: str,
    *,
    transaction_id: bytes = b"",
    flags: Flag = Flag(0),
    received: int | None = None,
) -> DeliveryResult:
    """Deliver one of the server's own messages to a mailbox, created if it is missing: `perform` with one FileInto.

    Args:
      transaction_id: with it a second delivery to this account within 7 days is a successful no-op.
      received: time of receipt, µs UTC; None for now.

    Raises:
      As `perform`.
    """
    delivery = Delivery(actions=(FileInto(mailbox=mailbox, flags=int(flags)),), facts=facts, received=received)
    return await perform(account, prepared, delivery, transaction_id)


async def append(
    account: Account,
    mailbox: MailboxID | Callable[[AccountTx], Mailbox],
    items: Sequence[Append],
    *,
    origin: Cursor | None = None,
    also: Callable[[AccountTx, list[AddedMessage]], None] | None = None,
) -> list[AddedMessage]:
    """Add messages to a mailbox in one unit: all or none, consecutive UIDs, one modseq (RFC 3502, IMAP-88).

    `mailbox` may be a function that finds it in the unit; its errors are raised unchanged.

    `also` runs in the same unit: it removes the messages that REPLACE replaces (RFC 8508). In a ``\\Sent`` mailbox the
    recipients of the messages become known (STORE-95).

    Raises:
      NoSuchMailbox, OverQuota, UidsExhausted, StorageFull, StorageBroken, BadKeyword, LimitExceeded: nothing is
      changed.
    """

    def unit(tx: AccountTx, ready: Sequence[Append]) -> list[AddedMessage]:
        added = add_messages(tx, ready, mailbox(tx) if callable(mailbox) else mailbox)
        if also is not None:
            also(tx, added)
        return added

    weight = sum([item.prepared.size for item in items])
    if all(item.prepared.chunks is not None for item in items):
        return await account.write(lambda tx: unit(tx, items), origin, weight=weight)
    async with held_bodies(account, [item.prepared for item in items]) as held:
        ready = [
            item if prepared is item.prepared else msgspec.structs.replace(item, prepared=prepared)
            for item, prepared in zip(items, held, strict=True)
        ]
        return await account.write(lambda tx: unit(tx, ready), origin, weight=weight)


# The rejects mailbox: copies of messages that SMTP refused, for their owner to review (STORE-70..74, SMTP-102,
# IMAP-113).
#
# The functions run in the unit of a delivery (`perform`).


rejects_logger = logging.getLogger("moxlite.store.rejects")

REJECT_AGE: Final = 14 * DAY
"""Microseconds after which a reject is removed (STORE-72)."""

MAX_REJECTS: Final = 1000
"""Rejects kept at once; above that nothing is added (STORE-72): under attack they are not read."""

OLD: Final = "SELECT id FROM message WHERE mailbox_id = ? AND received < ? AND is_reject ORDER BY received LIMIT 1000"
COUNT: Final = "SELECT count(*) FROM (SELECT 1 FROM message WHERE mailbox_id = ? AND is_reject LIMIT ?)"
SAME_REJECTS: Final = "SELECT id FROM message WHERE messageid = ? AND mailbox_id = ? AND is_reject LIMIT 100"
"""A sender retries a few times; copies beyond a hundred are left to the nightly tidying."""
SAME: Final = """
SELECT 1 FROM message m WHERE m.mailbox_id = ?1 AND m.messageid = ?2
UNION ALL SELECT 1 FROM message m JOIN body b ON b.id = m.body_id WHERE m.mailbox_id = ?1 AND b.hash = ?3 LIMIT 1"""


def keep_reject(
    tx: AccountTx, ready: PreparedMessage, facts: MessageFacts, box: Mailbox, action: KeepReject
) -> AddedMessage | None:
    """Keep a copy of a refused message in the rejects mailbox `box`: seen and marked, with the mailbox it was meant
    for.

    Returns None if no copy is kept: the mailbox has its Message-ID or its body, or is full. Raises as `add_message`.
    """
    if not action.unlimited:
        tidy_rejects(tx, box.name)
        if tx.value(COUNT, box.id, MAX_REJECTS) >= MAX_REJECTS:
            rejects_logger.info("rejects mailbox is full", extra={"kv": {"account": tx.account, "mailbox": box.name}})
            return None
    # A refused sender tries again for days, with the same message: one copy is enough to judge it.
    if tx.row(SAME, box.id, ready.thread.messageid, ready.digest) is not None:
        return None
    # The mailbox that it was meant for is made now: taken out of Rejects, the message counts to its history (STORE-73).
    marked = msgspec.structs.replace(facts, is_reject=True, destined=mailbox_of_setting(tx, action.destined).id)
    return add_message(tx, ready, box.id, flags=Flag.SEEN, facts=marked, delivery=True)


def clear_rejects(tx: AccountTx, rejects: str, messageid: str) -> None:
    """Remove the copies of a message that is accepted now from the rejects mailbox (STORE-74)."""
    box = mailbox_by_name(tx, rejects)
    if box is not None:
        expunge_ids(tx, [row[0] for row in tx.rows(SAME_REJECTS, messageid, box.id)])


def tidy_rejects(tx: AccountTx, rejects: str) -> int:
    """Remove rejects older than 14 days from a mailbox, a thousand at most; returns the number. Messages without the
    mark stay.
    """
    box = mailbox_by_name(tx, rejects)
    if box is None:
        return 0
    ids = [row[0] for row in tx.rows(OLD, box.id, tx.now - REJECT_AGE)]
    expunge_ids(tx, ids)
    return len(ids)
