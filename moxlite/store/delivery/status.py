"""What has become of a message that was sent, recipient by recipient (QUEUE-175, WEBMAIL-138): values that the queue
makes, for the apps that show them. The queue itself is `moxlite.queue`; apps are given a `Deliveries` by the server.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Protocol

import msgspec

from moxlite.wakeup import Bell

__all__ = ["Deliveries", "Handed", "RecipientStatus", "State"]


class State(StrEnum):
    """Where a message stands for one recipient."""

    QUEUED = "queued"
    """It waits for its next attempt."""
    TRYING = "trying"
    """An attempt is under way."""
    HELD = "held"
    """No attempt is made until it is released."""
    DELIVERED = "delivered"
    """The recipient's own server has it, or the recipient's account here."""
    RELAYED = "relayed"
    """A smarthost has it, and what that does with it is not known."""
    FAILED = "failed"
    """It was given up; the sender gets a notice."""
    CANCELED = "canceled"
    """It was taken out of the queue before it was delivered."""

    @property
    def over(self) -> bool:
        """Whether nothing will change any more."""
        return self not in {State.QUEUED, State.TRYING, State.HELD}


class Handed(StrEnum):
    """Who took a message."""

    NOBODY = ""
    ACCOUNT = "account"
    """An account of this server."""
    HOST = "host"
    """A host of the recipient's domain."""
    RELAY = "relay"
    """A smarthost."""


class RecipientStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message stands for one recipient, and the attempt that was last. Times in µs UTC.

    Attributes:
      id: of the row in the queue; it stays the same when the message is finished, and never comes again.
      recipient: the address, for people.
      queued: when it was handed in. ended: when the state became final, else None.
      attempts: made so far. last_attempt: when the latest began, None before the first.
      next_attempt: when the next one is made; None when there is none, or where it is not known because it is held.
      last_planned: when the last one will be made, if all fail; None as `next_attempt`.
      error: of the latest attempt, for people; "" if it was delivered or none has ended.
      cause: of the error, a word of `queue.bounces.table.Cause`; "" where there is no error.
      meaning, advice: what the error means, and what the sender can do, a sentence or two each; "" if there is none.
      reply: lines of the host's answer, "" where it gave none.
      host, ip: with whom the latest attempt spoke.
      tls: how that was protected: words of ``dane``, ``sts``, ``verified`` (a smarthost's certificate), or
        ``opportunistic``, ``clear``; "" where there was no session, and within this server.
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
    """What apps may ask the queue about the messages of an account, and do with them. All raise StoreError when the
    queue's file cannot be read or written.
    """

    async def status(self, account: str, message_id: str) -> list[RecipientStatus]:
        """All recipients of what the account has sent under this Message-ID (with its brackets), in the order in which
        they were queued. Finished ones are known for 30 days.

        Empty: it was sent longer ago, or elsewhere, or waits in the account's outbox for a moment yet.
        """

    def watch(self, account: str) -> AbstractContextManager[Bell]:
        """A bell that rings, within the block, whenever a status of the account may have changed."""

    async def try_now(self, account: str, ids: Sequence[int]) -> int:
        """Make the next attempt at once, also of what is held; returns for how many rows."""

    async def check_sending(self, account: str) -> None:
        """Raise SendingStopped while nothing more is taken from the account (SMTP-170)."""

    async def cancel(self, account: str, ids: Sequence[int]) -> int:
        """Take rows out of the queue without a notice; returns how many. Those of an attempt that is under way may be
        delivered all the same.
        """
