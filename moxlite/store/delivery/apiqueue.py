"""Operations of the queue for the web API: submitting, receipts, suppression lists (WEB-94, WEB-102). The queue itself
is `moxlite.queue`; the server gives the API an `APIQueue`.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from moxlite.store.content.spool import Spool
from moxlite.store.delivery.submission import Submission


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
