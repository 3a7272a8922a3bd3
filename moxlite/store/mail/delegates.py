"""Accounts that may write from the addresses of another (SMTP-189): table `delegate` of the owner's file.

The right is apart from those on mailboxes (`store.mail.acl`): sharing a mailbox gives no right to send, and the right
to send shows no mail.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import LimitExceeded
from moxlite.store.file.transaction import Reader
from moxlite.wording import worded

Sends: TypeAlias = Literal["as", "behalf"]
"""``as``: From alone names the owner; ``behalf``: Sender names the delegate, too (RFC 5322 §3.6.2)."""


MAX_DELEGATES: Final = 100
"""Delegates of an account: as many as a mailbox has guests."""

ALL: Final = "SELECT guest, sends, ends FROM delegate ORDER BY guest"
RIGHT: Final = "SELECT sends FROM delegate WHERE guest = ? AND (ends = 0 OR ends > ?)"
COUNT: Final = "SELECT count(*) FROM delegate WHERE guest <> ?"
SET: Final = """
INSERT INTO delegate (guest, sends, ends) VALUES (?, ?, ?)
ON CONFLICT (guest) DO UPDATE SET sends = excluded.sends, ends = excluded.ends"""
REMOVE: Final = "DELETE FROM delegate WHERE guest = ?"


class Delegate(msgspec.Struct, frozen=True):
    """An account that may write from this account's addresses. `ends`: µs UTC, 0 for never."""

    guest: str
    sends: Sends
    ends: int = 0


def delegates(r: Reader) -> list[Delegate]:
    """All delegates by name, also those whose right has ended."""
    return [Delegate(*row) for row in r.rows(ALL)]


def right_to_send(r: Reader, guest: str, now: int) -> Sends | None:
    """How the account `guest` may write from this account's addresses at `now`, µs UTC; None: not at all."""
    sends: Sends | None = r.value(RIGHT, guest, now)
    return sends


def set_delegate(tx: AccountTx, delegate: Delegate) -> None:
    """Let an account write from this account's addresses. The caller has checked that it exists, and is another one.

    Raises LimitExceeded.
    """
    if tx.value(COUNT, delegate.guest) >= MAX_DELEGATES:
        raise LimitExceeded(worded("up to {most} accounts can send from one account", most=MAX_DELEGATES))
    tx.execute(SET, delegate.guest, delegate.sends, delegate.ends)


def remove_delegate(tx: AccountTx, guest: str) -> bool:
    """Take the right from an account; returns whether it had it."""
    return tx.execute(REMOVE, guest) > 0
