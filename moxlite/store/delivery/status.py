"""Delivery state of a sent message, recipient by recipient (QUEUE-175, WEBMAIL-138): values that the queue makes, for
the apps that show them. The queue itself is `moxlite.queue`; the server gives apps a `Deliveries`.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Protocol

import msgspec

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


class Handed(StrEnum):
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
      cause: cause of the error, a value of `queue.bounces.table.Cause`; "" without an error.
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


class Deliveries(Protocol):
    """Operations of the queue on the messages of an account, for apps. All raise StoreError if the queue's file cannot
    be read or written.
    """

    async def status(self, account: str, message_id: str) -> list[RecipientStatus]:
        """States of all recipients of the messages that the account has sent under this Message-ID (with its brackets),
        in the order of queueing. Finished ones are known for 30 days.

        Empty: it was sent longer ago, or elsewhere, or still waits in the account's outbox.
        """

    def watch(self, account: str) -> AbstractContextManager[Wakeup]:
        """A wake-up flag that is set, within the block, whenever a status of the account may have changed."""

    async def try_now(self, account: str, ids: Sequence[int]) -> int:
        """Make the next attempt at once, also for held messages; returns the number of rows concerned."""

    async def check_sending(self, account: str) -> None:
        """Raise SendingStopped while the queue takes nothing more from the account (SMTP-170)."""

    async def cancel(self, account: str, ids: Sequence[int]) -> int:
        """Remove rows from the queue without a notice; returns their number. A message whose attempt is under way may
        be delivered all the same.
        """
