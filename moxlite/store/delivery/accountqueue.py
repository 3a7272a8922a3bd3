"""Operations of the queue for the user of one account (WEB-68, WEB-69) and for the web API (WEB-94, WEB-102): values,
and the interfaces that the queue fills.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from moxlite.store.content.spool import Spool
from moxlite.store.delivery.submission import Submission
from moxlite.store.errors import StoreError


class QueueRefused(StoreError):
    """The queue cannot do this; the text, for the user, says why."""


class SuppressedAddress(msgspec.Struct, frozen=True):
    """An address to which the account sends nothing more. Times in µs UTC; `expires` None: never."""

    address: str
    manual: bool
    reason: str
    created: int
    expires: int | None


class QueuedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that waits, for one recipient. Times in µs UTC.

    `guarded`: the guard holds it, because the account is stopped (SMTP-170); only the administrator releases it.
    """

    id: int
    sender: str
    recipient: str
    subject: str
    queued: int
    attempts: int
    last_attempt: int | None
    next_attempt: int
    error: str
    hold: bool
    guarded: bool


class FinishedMessage(msgspec.Struct, frozen=True):
    """The end of a message for one recipient, `ended` in µs UTC. `state` is a value of `status.State`."""

    id: int
    recipient: str
    state: str
    ended: int


class WebhookTest(msgspec.Struct, frozen=True):
    """The answer to a test call: HTTP `status`, 0 without an answer; `seconds` until it; `error` for people, "" for a
    success; the first 512 octets of the body as text.
    """

    status: int
    seconds: float
    error: str
    response: str


class AccountQueue(Protocol):
    """Operations on the waiting mail, the suppression list and the webhooks of an account. All raise StoreError if the
    queue's file cannot be read or written.
    """

    async def waiting(self, account: str, *, before: int, limit: int) -> list[QueuedMessage]:
        """Waiting messages with an id below `before`, the newest first."""

    async def finished(self, account: str, *, since: int, limit: int) -> list[FinishedMessage]:
        """Messages that ended after `since` (µs UTC; known for 30 days), the latest first."""

    async def try_now(self, account: str, ids: Sequence[int]) -> int:
        """As `status.Deliveries.try_now`."""

    async def cancel(self, account: str, ids: Sequence[int]) -> int:
        """As `status.Deliveries.cancel`."""

    async def hold_all(self, account: str) -> int:
        """Hold all waiting messages of the account; returns their number."""

    async def suppressed(self, account: str) -> list[SuppressedAddress]:
        """The suppression list, by address."""

    async def suppress(self, account: str, address: str, reason: str) -> None:
        """Add an address by hand. Raises QueueRefused."""

    async def unsuppress(self, account: str, address: str) -> None:
        """Remove an address. Raises QueueRefused."""

    async def test_webhook(
        self, account: str, url: str, authorization: str, secret: str, *, incoming: bool
    ) -> WebhookTest:
        """Call a webhook with a made-up event, once, whether or not it is saved."""


# Operations of the queue for the web API: submitting, receipts, suppression lists (WEB-94, WEB-102). The queue itself
# is `moxlite.queue`; the server gives the API an `APIQueue`.


class AlreadySuppressed(Exception):
    """The address is on the suppression list (QUEUE-83); the text is for people."""


class NotSuppressed(Exception):
    """The address is not on the suppression list (QUEUE-83); the text is for people."""


class Suppression(msgspec.Struct, frozen=True, array_like=True):
    """An entry of a suppression list. `manual`: added by a person. Times in µs UTC; `expires` None: never."""

    id: int
    account: str
    base_address: str
    original_address: str
    manual: bool
    reason: str
    created: int
    expires: int | None


class Receipt(msgspec.Struct, frozen=True):
    """A submission that the queue has taken. `ids`: its rows, in the order of the recipients. `note`: the octets that
    came with its key.
    """

    ids: tuple[int, ...]
    note: bytes


class APIQueue(Protocol):
    """The queue, as the web API uses it. All methods raise StoreError if the queue's file cannot be read or written."""

    async def submit(self, submission: Submission, spool: Spool) -> list[int]:
        """Queue a message for all recipients or none (`submission.Submit`)."""

    async def receipt(self, key: bytes) -> Receipt | None:
        """The submission with this key in the last 7 days, or None."""

    async def check_sending(self, account: str) -> None:
        """Raise SendingStopped while the queue takes nothing more from the account (SMTP-170)."""

    async def suppressions(self, account: str) -> Sequence[Suppression]:
        """The entries of an account's list."""

    async def suppression(self, account: str, address: str) -> Suppression | None:
        """The account's entry that matches a valid address, or None."""

    async def add_suppression(self, account: str, address: str, reason: str = "", *, manual: bool = True) -> None:
        """Add a valid address to an account's list. Raises AlreadySuppressed."""

    async def remove_suppression(self, account: str, address: str) -> None:
        """Remove a valid address from an account's list. Raises NotSuppressed."""
