"""Performing the actions of a delivery at one account: one unit, all or nothing, once for each key (STORE-60, 61).

A unit that is aborted, or a process that is killed, leaves the account as it was. Repeating the delivery under the same
key delivers the message once. A debt of an action to another file is a row of the outbox, written in the same unit.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import Prepared, held_body
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
from moxlite.store.delivery.reasons import store_why
from moxlite.store.delivery.rejects import clear_rejects, keep_reject
from moxlite.store.delivery.scripts import note_failure, track_seen
from moxlite.store.delivery.tell import TELL, Told
from moxlite.store.delivery.vacation import may_answer
from moxlite.store.errors import StoreError
from moxlite.store.mail.adding import Added, add_message
from moxlite.store.mail.copying import copy_ids
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.mail.facts import Facts, of_forward
from moxlite.store.mail.mailboxes import ensure_mailbox
from moxlite.store.mail.released import is_released
from moxlite.store.types import Flag, Mailbox, MailboxID, MessageID

logger = logging.getLogger("moxlite.store.perform")

KEY: Final = 16
"""Octets of the random key of an outbox row: message ids are not unique once an account is removed and created
again.
"""

SUBMIT: Final = "submit"
"""Kind of the rows that `acceptance.carrying` hands over to the queue (`store.delivery.owed`)."""

TAKE: Final = "DELETE FROM unit_key WHERE key = ?"


class Owed(msgspec.Struct, frozen=True):
    """A row of the outbox that goes with a delivery; see `AccountTx.owe`."""

    key: bytes
    kind: str
    data: bytes


class Performed(msgspec.Struct, frozen=True):
    """Result of a delivery.

    Attributes:
      again: the delivery was performed before, under the same key, and was not repeated.
      added: the message, None if none was kept.
      copies: the ids of its copies, in the order of their actions.
      passed_on: a message that was added only to be sent on, and is to be expunged.
    """

    again: bool = False
    added: Added | None = None
    copies: tuple[MessageID, ...] = ()
    passed_on: MessageID | None = None


async def perform(
    account: Account,
    prepared: Prepared,
    delivery: Delivery,
    key: bytes = b"",
    *,
    retried: bytes = b"",
    owes: Sequence[Owed] = (),
) -> Performed:
    """Perform a delivery; returns once it is durable.

    Args:
      key: within 7 days a second delivery to this account under it is a successful no-op (STORE-189); empty for none.
      retried: key of `suppress_retry`, if this may be a client's second attempt.
      owes: rows of the outbox, also written if the delivery itself was performed before.

    Raises:
      OverQuota, StorageFull, StorageBroken, LimitExceeded, BadMailboxName, NoCarrier, …: nothing is changed.
    """
    for action in delivery.actions:
        if isinstance(action, Notify) or (isinstance(action, Redirect | Vacation) and not action.owed):
            raise NoCarrier(str(action.__struct_config__.tag))

    def unit(tx: AccountTx, ready: Prepared) -> Performed:
        for owed in owes:
            tx.owe(owed.key, owed.kind, owed.data)
        new = not key or tx.once(key)
        if retried and tx.execute(TAKE, retried):
            new = False
        return _Unit(tx, ready, delivery).run() if new else Performed(again=True)

    if prepared.chunks is not None:
        done = await account.write(lambda tx: unit(tx, prepared), weight=prepared.size)
    else:
        async with held_body(account, prepared) as ready:
            done = await account.write(lambda tx: unit(tx, ready), weight=1)
    if done.passed_on is not None:
        await _expunge(account, done.passed_on)
    return done


async def _expunge(account: Account, message_id: MessageID) -> None:
    """Expunge a message that was only sent on. A unit of its own, since none adds and expunges a message; after a kill
    before it the message is sent on, and kept.
    """
    try:
        await account.write(lambda tx: expunge_ids(tx, [message_id]))
    except StoreError as error:
        logger.warning("message sent on is kept, too", extra={"kv": {"account": account.name, "err": error}})


async def owe(account: Account, owed: Owed) -> None:
    """Write a row of the outbox without a delivery. Raises StorageFull, StorageBroken."""
    await account.write(lambda tx: tx.owe(owed.key, owed.kind, owed.data))


async def suppress_retry(account: Account, key: bytes) -> None:
    """Note that a client will retry a message that this account already has: the next delivery with this `retried` key
    does nothing (SMTP-108). Raises StorageFull, StorageBroken.
    """
    await account.write(lambda tx: tx.once(key))


class _Unit:
    """One delivery within its unit."""

    def __init__(self, tx: AccountTx, ready: Prepared, delivery: Delivery) -> None:
        self._tx = tx
        self._ready = ready
        self._delivery = delivery
        self._added: Added | None = None
        self._first: FileInto | None = None
        self._copies: list[MessageID] = []
        self._filled: set[MailboxID] = set()
        self._passed_on: MessageID | None = None

    def run(self) -> Performed:
        if self._is_there():
            return Performed(again=True)
        for action in self._delivery.actions:
            self._act(action)
        redirects = [action for action in self._delivery.actions if isinstance(action, Redirect)]
        if redirects:
            self._redirect(redirects)
        if self._first is not None and self._added is not None and self._delivery.tell:
            self._tell(self._first, self._added)
        if self._added is None:
            logger.info("message not kept", extra={"kv": {"account": self._tx.account}})
        return Performed(added=self._added, copies=tuple(self._copies), passed_on=self._passed_on)

    def _is_there(self) -> bool:
        """Whether the message is to be filed, but its owner has already taken a copy of it out of the rejects
        mailbox.
        """
        messageid = self._ready.thread.messageid
        if not self._delivery.clear_rejects or messageid is None:
            return False
        filed = any(isinstance(one, FileInto) and one.mark is not Mark.REJECT for one in self._delivery.actions)
        return filed and is_released(self._tx, messageid, self._ready.digest)

    def _act(self, action: AnyAction) -> None:
        match action:
            case FileInto():
                self._file(action)
            case KeepReject():
                box = ensure_mailbox(self._tx, action.mailbox)
                if box.id not in self._filled:
                    self._note(box.id, keep_reject(self._tx, self._ready, self._delivery.facts, box, action))
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
            problem = may_forward(self._tx, action.to)
            if problem:
                note_failure(self._tx, "", 0, f"not sent on to {action.to}, but kept: {problem}")
                if self._added is None:
                    self._file(FileInto(mailbox=action.otherwise))
            else:
                allowed.append(action)
        if not allowed:
            return
        added = self._added
        if added is None:
            box = ensure_mailbox(self._tx, allowed[0].otherwise)
            added = self._add(FileInto(mailbox=box.name), box)
            self._passed_on = added.message_id
        for action in allowed:
            self._tx.owe(secrets.token_bytes(KEY), SUBMIT, action.owed, added.message_id)

    def _tell(self, action: FileInto, added: Added) -> None:
        """Write the outbox row that notifies the account's programs of the message."""
        received = self._delivery.received if self._delivery.received is not None else self._tx.now
        told = Told(
            recipient=self._delivery.tell, mailbox=action.mailbox, received=received, facts=self._delivery.facts
        )
        self._tx.owe(secrets.token_bytes(KEY), TELL, told.pack(), added.message_id)

    def _file(self, action: FileInto) -> None:
        tx = self._tx
        box = ensure_mailbox(tx, action.mailbox)
        if box.id in self._filled:  # RFC 5228 §2.10.3: once for each mailbox
            return
        messageid = self._ready.thread.messageid
        if self._delivery.clear_rejects and messageid is not None and action.mark is not Mark.REJECT:
            clear_rejects(tx, self._delivery.clear_rejects, messageid)
            box = ensure_mailbox(tx, action.mailbox)
        if self._added is not None and self._first is not None and _alike(self._first, action):
            self._copy(box, self._added)
            return
        self._note(box.id, self._add(action, box))
        self._first = self._first or action

    def _note(self, mailbox_id: MailboxID, added: Added | None) -> None:
        """Note an added message; the first one is the delivery's."""
        if added is None:
            return
        self._filled.add(mailbox_id)
        if self._delivery.why:
            store_why(self._tx, added.message_id, self._delivery.why)
        if self._added is None:
            self._added = added
        else:
            self._copies.append(added.message_id)

    def _add(self, action: FileInto, box: Mailbox) -> Added:
        facts = _marked(self._delivery.facts, action)
        if action.destined:
            facts = msgspec.structs.replace(facts, destined=ensure_mailbox(self._tx, action.destined).id)
        return add_message(
            self._tx,
            self._ready,
            box.id,
            flags=Flag(action.flags),
            keywords=action.keywords,
            received=self._delivery.received,
            facts=facts,
            delivery=True,
        )

    def _copy(self, box: Mailbox, added: Added) -> None:
        self._filled.add(box.id)
        [copied] = copy_ids(self._tx, [added.message_id], box.id)
        self._copies += copied.message_ids


def _alike(one: FileInto, other: FileInto) -> bool:
    """Whether the second message can be a copy of the first: they differ in nothing but the mailbox."""
    plain = one.mark is None and not one.destined
    return plain and msgspec.structs.replace(other, mailbox=one.mailbox) == one


def _marked(facts: Facts, action: FileInto) -> Facts:
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
