"""Delivery state of a sent message, recipient by recipient (QUEUE-175, WEBMAIL-138): values that the queue makes, for
the apps that show them. The queue itself is `moxlite.queue`; the server gives apps a `Deliveries`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from functools import partial
from typing import Final, Protocol

import msgspec

from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.prepare import PreparedMessage, held_body
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.adding import add_message
from moxlite.store.mail.expunging import expunge_queued
from moxlite.store.mail.mailboxes import add_system_mailbox, drop_system_mailbox, rename_system_mailbox
from moxlite.store.mail.systemmailbox import QUEUE, queue_mailbox
from moxlite.store.rows.mailboxes import mailbox_by_name, state
from moxlite.store.types import Flag, Mailbox, MailboxID
from moxlite.wakeup import Wakeup


class State(StrEnum):
    """Delivery state of a message for one recipient."""

    QUEUED = "queued"
    """The message waits for its next attempt."""
    TRYING = "trying"
    """An attempt is under way."""
    HELD = "held"
    """No attempt is made until it is released."""
    DELIVERED = "delivered"
    """The recipient's own server has accepted it, or the recipient's account here."""
    RELAYED = "relayed"
    """A smarthost has accepted it; its further way is not known."""
    FAILED = "failed"
    """Delivery was given up; the sender gets a notice."""
    CANCELED = "canceled"
    """It was taken out of the queue before it was delivered."""

    @property
    def over(self) -> bool:
        """Whether the state is final."""
        return self not in {State.QUEUED, State.TRYING, State.HELD}


class ReceiverKind(StrEnum):
    """Kind of receiver that accepted a message; NOBODY if it was not accepted."""

    NOBODY = ""
    ACCOUNT = "account"
    """An account of this server."""
    HOST = "host"
    """A host of the recipient's domain."""
    RELAY = "relay"
    """A smarthost, to which the server sends mail instead of the recipient's host."""


class RecipientStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Delivery state of a message for one recipient, and its last attempt. Times in µs UTC.

    Attributes:
      id: id of the row in the queue; it stays the same when the message is finished, and is never used again.
      recipient: the address, as text for people.
      queued: time of submission. ended: time at which the state became final, None before.
      attempts: number so far. last_attempt: start of the latest one, None before the first.
      next_attempt: time of the next one; None if none will follow, or while the message is held.
      last_planned: time of the last one if all fail; None as `next_attempt`.
      error: error of the latest attempt, for people; "" if it was delivered or no attempt has ended.
      cause: cause of the error, a value of `queue.bounces.Cause`; "" without an error.
      meaning, advice: the meaning of the error and the sender's next step, a sentence or two each; "" without an error.
      reply: lines of the host's reply, "" without one.
      host, ip: the host of the latest attempt.
      tls: protection of that connection: words of ``dane``, ``sts``, ``verified`` (a smarthost's certificate), or
        ``opportunistic``, ``clear``; "" without a connection, and within this server.
    """

    id: int
    recipient: str
    state: State
    queued: int
    attempts: int
    ended: int | None = None
    last_attempt: int | None = None
    next_attempt: int | None = None
    last_planned: int | None = None
    error: str = ""
    cause: str = ""
    meaning: str = ""
    advice: str = ""
    reply: str = ""
    host: str = ""
    ip: str = ""
    tls: str = ""


class HeldMessage(msgspec.Struct, frozen=True):
    """A message in the queue whose sender has chosen a later time, `due`, µs UTC (QUEUE-27). `ids`: of the rows of its
    recipients; `message_id`: its Message-ID.
    """

    ids: list[int]
    due: int
    sender: str
    recipients: list[str]
    subject: str
    message_id: str


class WaitingDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A message in the queue that is on its way to one recipient. Times in µs UTC.

    Attributes:
      id: of its row. attempts: number so far.
      next_attempt: time of the next one; None while the message is on hold.
      error: error of the latest attempt, for people; "" without one.
      code: with which another server refused it then; 0 without one.
      stopped: it is on hold because the server has paused the account.
    """

    id: int
    recipient: str
    subject: str
    attempts: int
    next_attempt: int | None
    error: str
    code: int
    stopped: bool


class Deliveries(Protocol):
    """Operations of the queue on the messages of an account, for apps. All raise StoreError if the queue's file cannot
    be read or written.
    """

    async def status(self, account: str, message_id: str) -> list[RecipientStatus]:
        """States of all recipients of the messages that the account has sent under this Message-ID (with its brackets),
        in the order of queueing. Finished ones are known for 30 days.

        Empty: it was sent longer ago, or elsewhere, or still waits in the account's outbox.
        """

    async def held(self, account: str) -> list[HeldMessage]:
        """The account's messages that wait for the time that their sender has chosen, the next one first."""

    async def waiting_of(self, account: str, before: int, limit: int) -> list[WaitingDelivery]:
        """What the queue does not hold until a time that the sender has chosen, with ids below `before`, the newest
        first.
        """

    async def ended_of(self, account: str, since: int, limit: int) -> list[tuple[int, str, str, int]]:
        """What ended since then, µs UTC, the newest first: ids, recipients, states and times."""

    def watch(self, account: str, wakeup: Wakeup | None = None) -> AbstractContextManager[Wakeup]:
        """A wake-up flag, a new one without `wakeup`, that is set, within the block, whenever a status of the account
        may have changed.
        """

    async def try_now(self, account: str, ids: Sequence[int]) -> int:
        """Make the next attempt at once, also for held messages; returns the number of rows concerned."""

    async def check_sending(self, account: str) -> None:
        """Raise SendingStopped while the queue takes nothing more from the account (SMTP-170)."""

    async def cancel(self, account: str, ids: Sequence[int]) -> int:
        """Remove rows from the queue without a notice; returns their number. A message whose attempt is under way may
        be delivered all the same.
        """


# Messages that the queue shows in the system's mailbox (IMAP-162): adding and removing them.
#
# The queue names each submission by a key. A row of `queued` records that a submission was shown, and its message; it
# stays until the queue has finished with the submission. So steps that the queue repeats after a crash do nothing
# twice, and a message that the owner canceled does not come back. The messages cost no quota, no rule applies to
# them, and they cannot be undeleted.


logger = logging.getLogger("moxlite.store.queued")

SLICE: Final = 200
"""Messages removed in one unit: 10 ms."""

KNOWN: Final = "SELECT 1 FROM queued WHERE key = ?"
NOTE: Final = "INSERT INTO queued (key, message_id) VALUES (?, ?)"
FORGET: Final = "DELETE FROM queued WHERE key = ? RETURNING message_id"
KEYS: Final = "SELECT key FROM queued"
FORGET_ALL: Final = "DELETE FROM queued"
SOME: Final = "SELECT id FROM message WHERE mailbox_id = ? ORDER BY uid LIMIT ?"


def queued_keys(r: Reader) -> set[bytes]:
    """Keys of all submissions that are shown, or were shown and canceled. For a scan."""
    return {key for (key,) in r.iterate(KEYS)}


def created_at(r: Reader) -> int:
    """Creation time of the account, µs UTC: submissions queued earlier belong to a former account with the same
    name.
    """
    return state(r).created


async def put_queued(account: Account, key: bytes, prepared: PreparedMessage, received: int) -> bool:
    """Show a submission that was queued at `received` (µs UTC), only once however often it is called. False if the
    account has no mailbox to show it in.

    Raises the errors of `add_message`, except OverQuota.
    """

    def unit(tx: AccountTx, ready: PreparedMessage) -> bool:
        box = queue_mailbox(tx)
        if box is None:
            return False
        # Also a canceled one has its row: the queue may repeat this step after a crash.
        if tx.row(KNOWN, key) is None:
            added = add_message(tx, ready, box.id, flags=Flag.SEEN, received=received, queued=True)
            tx.execute(NOTE, key, added.message_id)
        return True

    async with held_body(account, prepared) as ready:
        return await account.write(lambda tx: unit(tx, ready), weight=prepared.size)


def drop_queued(tx: AccountTx, keys: Sequence[bytes]) -> int:
    """Remove the messages of submissions that the queue has finished with, unless they were canceled; returns the
    number removed. Unknown keys do nothing.
    """
    ids = [row[0] for key in keys for row in tx.rows(FORGET, key) if row[0] is not None]
    expunge_queued(tx, ids)
    return len(ids)


async def fit_queue_mailbox(account: Account) -> bool:
    """Create the system's mailbox if the configuration wants it, or rename it to its present name; otherwise remove it
    with its messages. False if it is wanted but the owner has a mailbox with that name, which is kept.
    """
    mailboxes = await account.read(lambda r: (mailbox_by_name(r, QUEUE), queue_mailbox(r)), op="queue-mailbox")
    named, own = mailboxes
    if account.config.queue_mailbox and _same(named, own):
        return True
    if account.config.queue_mailbox and await account.write(_make):
        logger.info("queue mailbox created or renamed", extra={"kv": {"account": account.name}})
        return True
    if own is not None:
        while await account.write(partial(_empty, mailbox_id=own.id)):
            pass
        logger.info("queue mailbox removed", extra={"kv": {"account": account.name}})
    return not account.config.queue_mailbox


def _same(mailbox: Mailbox | None, other: Mailbox | None) -> bool:
    return mailbox is not None and other is not None and mailbox.id == other.id


def _make(tx: AccountTx) -> bool:
    """Create or rename the system's mailbox; returns whether it exists now under its name."""
    named, own = mailbox_by_name(tx, QUEUE), queue_mailbox(tx)
    if named is not None:
        return _same(named, own)
    if own is None:
        add_system_mailbox(tx, QUEUE)
    else:
        rename_system_mailbox(tx, own.id, QUEUE)
    return True


def _empty(tx: AccountTx, mailbox_id: MailboxID) -> bool:
    """Remove some messages, and at last the mailbox; returns whether more are left. A mailbox that is wanted again
    stays.
    """
    own = queue_mailbox(tx)
    if own is None or (tx.config.queue_mailbox and own.name == QUEUE):
        return False
    # All keys at once: if the mailbox is wanted again, the queue shows everything anew.
    tx.execute(FORGET_ALL)
    ids = [row[0] for row in tx.rows(SOME, mailbox_id, SLICE)]
    expunge_queued(tx, ids)
    if len(ids) == SLICE:
        return True
    drop_system_mailbox(tx, mailbox_id)
    return False
